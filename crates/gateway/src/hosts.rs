//! Who says how hosts name buckets. Records and the store must agree on it: `decoy.s3.example.com/vault/key` is the object `vault/key`
//! of bucket `decoy`, or, to a store that looks at paths alone, the object `key` of bucket `vault`.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use http::request::Parts;
use pugmark_wire::recognize::{BucketHosts, host};

use crate::body::BoxError;

/// Who says how hosts name buckets.
#[derive(Debug, Clone)]
pub enum HostRule {
    /// AWS.
    Aws,
    /// The settings.
    Said(Arc<BucketHosts>),
    /// The store behind, for each host that AWS would take for a bucket's.
    Asked(Arc<dyn AskedHosts>),
}

/// A store that can be asked how it reads hosts.
#[async_trait]
pub trait AskedHosts: Debug + Send + Sync {
    /// How it reads a host.
    ///
    /// # Errors
    /// When it does not answer.
    async fn rule(&self, host: &str) -> Result<Arc<BucketHosts>, BoxError>;
}

impl HostRule {
    /// How this request's host is read; `None`: as AWS reads it.
    pub(crate) async fn of(&self, parts: &Parts) -> Result<Option<Arc<BucketHosts>>, BoxError> {
        match self {
            Self::Aws => Ok(None),
            Self::Said(hosts) => Ok(Some(hosts.clone())),
            Self::Asked(store) => {
                let host = host(parts);
                match BucketHosts::Aws.bucket(host) {
                    Some(_) => store.rule(host).await.map(Some),
                    None => Ok(None),
                }
            }
        }
    }
}

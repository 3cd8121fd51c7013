//! The embedded bucket store: S3 over a directory, for when no S3 upstream is set.
//!
//! Invariant: it knows S3 and nothing of events or trails; a key never becomes a file name.

mod access;
mod body;
mod multipart;
mod objects;
mod service;
mod settings;
mod store;

use std::{path::PathBuf, sync::Arc};

use http::HeaderValue;
use pugmark_core::{clock::Clock, policy::Decision};
use s3s::{
    Body,
    service::{S3Service, S3ServiceBuilder},
};
use uuid::Uuid;

pub use crate::access::BucketHosts;

/// Whose key is whose, and who may do what.
pub trait Authority: Send + Sync + 'static {
    /// The secret of an access key.
    fn secret_key(&self, access_key_id: &str) -> Option<String>;

    /// What the policies of a caller (`None`: anonymous) say of an IAM action such as `s3:PutObject` on a resource's ARN.
    fn decide(&self, access_key_id: Option<&str>, action: &str, resource_arn: &str) -> Decision;

    /// Whose an access key is.
    fn caller(&self, access_key_id: &str) -> Option<Caller>;
}

/// Whose an access key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The principal's ARN, as policies name it.
    pub arn: String,
    /// Its account.
    pub account: String,
    /// It is the account's root user.
    pub is_root: bool,
}

/// Marks a request, among its extensions, as one that this program makes for its own service: bucket policies, which speak of
/// callers, do not speak of it.
#[derive(Debug, Clone, Copy)]
pub struct Internal;

/// Among a request's extensions: with which access key the request was signed, as its record has it. A request that turns out to
/// be signed with another one is refused, whatever the key may do.
#[derive(Debug, Clone)]
pub struct Signed {
    /// `None`: it is anonymous.
    pub access_key_id: Option<String>,
    /// The signature was verified, and its `Authorization` header is left out, so that it is not verified twice. For requests
    /// without a body only: what signs a body is read with it.
    pub is_verified: bool,
}

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BucketsError {
    /// Repair: the index cannot be read.
    #[error("bucket index: {0}")]
    Index(String),
    /// Repair: the folder cannot be read or written.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

/// The bucket store.
pub struct Buckets {
    service: S3Service,
}

impl Buckets {
    /// Opens the store of a directory; `region` and `account` are what its buckets answer with.
    ///
    /// # Errors
    /// When the directory cannot be used, or the index is damaged or of a newer version.
    pub async fn open(
        dir: PathBuf,
        region: String,
        account: String,
        authority: Arc<dyn Authority>,
        hosts: BucketHosts,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BucketsError> {
        let opened = tokio::task::spawn_blocking(move || store::Store::open(&dir)).await;
        let store = opened.map_err(|error| BucketsError::Index(error.to_string()))??;
        let store = Arc::new(store);
        let access = access::Access {
            authority,
            store: store.clone(),
            account: account.clone(),
        };
        let store = service::Server {
            store,
            region,
            account,
            access: access.clone(),
            clock,
        };
        let mut builder = S3ServiceBuilder::new(store);
        builder.set_auth(access.clone());
        builder.set_access(access);
        builder.set_host(access::Host(hosts));
        Ok(Self {
            service: builder.build(),
        })
    }

    /// Answers a request; an error is an answer too.
    pub async fn call(&self, request: http::Request<Body>) -> http::Response<Body> {
        let mut response = match self.service.call(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::warn!(?error, "bucket store could not answer");
                let mut response = http::Response::new(Body::empty());
                *response.status_mut() = http::StatusCode::BAD_REQUEST;
                response
            }
        };
        let id = Uuid::new_v4().simple().to_string().to_ascii_uppercase();
        let headers = response.headers_mut();
        for (name, value) in [("x-amz-request-id", &id[..16]), ("x-amz-id-2", &id[..])] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.entry(name).or_insert(value);
            }
        }
        headers.insert(http::header::SERVER, HeaderValue::from_static("Pugmark"));
        response
    }
}

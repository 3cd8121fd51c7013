//! Buckets in the names of hosts.

use std::{borrow::Cow, sync::Arc};

use http::request::Parts;

use super::host;

/// How hosts name buckets. It must be as the upstream has it: what one takes for a bucket, and the other for an address, is two
/// different objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BucketHosts {
    /// As AWS does: `BUCKET.s3.us-east-1.amazonaws.com`, `BUCKET.s3.localhost`; also the names of access points, which come with
    /// their account (`NAME-111122223333.s3-accesspoint.…`).
    #[default]
    Aws,
    /// Below these domains: `BUCKET.DOMAIN`. Without one, buckets are in paths alone.
    Below(Vec<String>),
}

impl BucketHosts {
    /// The bucket at the begin of a host, which may have a port.
    pub fn bucket<'h>(&self, host: &'h str) -> Option<&'h str> {
        let (name, _) = host.split_once(':').unwrap_or((host, ""));
        let lower = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(name.to_ascii_lowercase()),
            false => Cow::Borrowed(name),
        };
        let end = match self {
            Self::Aws => {
                let labels = [".s3.", ".s3-", ".s3express-"];
                let at = labels.iter().find_map(|label| lower.find(label))?;
                // S3 Control has an account in that place.
                (!lower[at..].starts_with(".s3-control")).then_some(at)?
            }
            Self::Below(domains) => domains.iter().find_map(|domain| {
                let bucket = lower.strip_suffix(domain.as_str())?;
                Some(bucket.strip_suffix('.')?.len())
            })?,
        };
        (end > 0).then(|| &name[..end])
    }
}

/// The bucket of a virtual-hosted S3 request. Where hosts name buckets in another way than AWS's, the head's extensions have how, as
/// `Arc<BucketHosts>`.
pub fn virtual_bucket(parts: &Parts) -> Option<&str> {
    let hosts = parts.extensions.get::<Arc<BucketHosts>>();
    hosts
        .map_or(&BucketHosts::Aws, Arc::as_ref)
        .bucket(host(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_name_buckets_as_is_said() {
        let aws = |host| BucketHosts::Aws.bucket(host);
        assert_eq!(aws("b.s3.us-east-1.amazonaws.com"), Some("b"));
        assert_eq!(aws("my.b.S3.localhost:4580"), Some("my.b"));
        assert_eq!(aws("b.s3-eu-west-1.amazonaws.com"), Some("b"));
        assert_eq!(
            aws("ap-111122223333.s3-accesspoint.x"),
            Some("ap-111122223333")
        );
        for none in [
            "",
            "s3.localhost",
            ".s3.x",
            "111122223333.s3-control.x",
            "b.store.example",
            "::1",
        ] {
            assert_eq!(aws(none), None, "{none}");
        }
        let below = BucketHosts::Below(vec!["store.example".to_owned()]);
        assert_eq!(below.bucket("b.Store.example:80"), Some("b"));
        assert_eq!(below.bucket("my.b.store.example"), Some("my.b"));
        for none in [
            "store.example",
            ".store.example",
            "xstore.example",
            "b.s3.localhost",
        ] {
            assert_eq!(below.bucket(none), None, "{none}");
        }
        assert_eq!(
            BucketHosts::Below(Vec::new()).bucket("b.s3.localhost"),
            None
        );
    }
}

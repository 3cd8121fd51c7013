//! Signatures and permissions: from S3 operations to IAM actions, and what the caller's own policies and the bucket's say of
//! them together (IAM User Guide, "Policy evaluation logic": in one account either may allow, between accounts both must).

use std::{collections::HashMap, sync::Arc};

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use pugmark_core::policy::{self, Decision, Policy};
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
    host::{S3Host, VirtualHost},
    path::S3Path,
    s3_error,
};

use crate::{
    Authority, Internal,
    store::{BUCKETS, BucketRecord, Store},
};

/// Header of requests that are meant for a bucket of one account only.
const EXPECTED_OWNER: &str = "x-amz-expected-bucket-owner";

/// Who may do what in the store, in the terms of `s3s`.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) store: Arc<Store>,
    /// The account whose are buckets that do not say.
    pub(crate) account: String,
}

/// What somebody wants to do with a bucket or an object in it.
pub(crate) struct Wish<'a> {
    /// `None`: anonymous.
    pub(crate) access_key: Option<&'a str>,
    /// Such as `s3:GetObject`.
    pub(crate) action: &'a str,
    pub(crate) bucket: Option<&'a str>,
    /// The ARN, or `*`.
    pub(crate) resource: &'a str,
    /// Condition keys and their values.
    pub(crate) context: HashMap<String, Vec<String>>,
}

impl Access {
    /// The account that has the bucket.
    pub(crate) fn owner_of(&self, bucket: &BucketRecord) -> String {
        bucket
            .account
            .clone()
            .unwrap_or_else(|| self.account.clone())
    }

    /// The account of a caller; without one it is the store's.
    pub(crate) fn account_of(&self, access_key: Option<&str>) -> String {
        let caller = access_key.and_then(|key| self.authority.caller(key));
        caller.map_or_else(|| self.account.clone(), |caller| caller.account)
    }

    /// Whether the caller's policies and the bucket's allow it. Nothing is allowed to callers without a known key, whatever a
    /// bucket's policy says: public access is blocked, as it is in S3 unless the owner unblocks it.
    pub(crate) fn allows(&self, wish: &Wish<'_>) -> S3Result<bool> {
        let own = self
            .authority
            .decide(wish.access_key, wish.action, wish.resource);
        let caller = wish.access_key.and_then(|key| self.authority.caller(key));
        let (Some(caller), Some(name)) = (caller, wish.bucket) else {
            return Ok(own == Decision::Allow);
        };
        let Some(bucket) = self.store.get::<BucketRecord>(BUCKETS, name.as_bytes())? else {
            return Ok(own == Decision::Allow);
        };
        let is_owner = self.owner_of(&bucket) == caller.account;
        let said = bucket.policy.as_deref().map_or(Decision::ImplicitDeny, |text| {
            let request = policy::Request {
                action: wish.action,
                resource: wish.resource,
                principal: Some(&caller.arn),
                context: wish.context.clone(),
            };
            match Policy::parse(text) {
                Ok(policy) => policy::evaluate([&policy], &request),
                Err(error) => {
                    tracing::warn!(bucket = name, %error, "the bucket's policy cannot be evaluated: it allows nothing");
                    Decision::ImplicitDeny
                }
            }
        });
        Ok(match (own, said) {
            (Decision::ExplicitDeny, _) => false,
            // Or an owner could lock itself out for ever.
            (Decision::Allow, Decision::ExplicitDeny) => {
                is_owner && caller.is_root && wish.action.ends_with("BucketPolicy")
            }
            (_, Decision::ExplicitDeny) => false,
            (own, said) if is_owner => own == Decision::Allow || said == Decision::Allow,
            (own, said) => own == Decision::Allow && said == Decision::Allow,
        })
    }

    /// Refuses what is meant for a bucket of another account.
    fn check_expected_owner(&self, bucket: &str, headers: &HeaderMap) -> S3Result<()> {
        let Some(expected) = headers.get(EXPECTED_OWNER) else {
            return Ok(());
        };
        let found = self.store.get::<BucketRecord>(BUCKETS, bucket.as_bytes())?;
        match found {
            Some(bucket) if self.owner_of(&bucket).as_bytes() != expected.as_bytes() => {
                Err(s3_error!(
                    AccessDenied,
                    "Access Denied: another account has the bucket"
                ))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl S3Auth for Access {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.authority.secret_key(access_key) {
            Some(secret) => Ok(SecretKey::from(secret)),
            None => Err(s3_error!(InvalidAccessKeyId)),
        }
    }
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let access_key = cx
            .credentials()
            .map(|credentials| credentials.access_key.clone());
        let (bucket, resource) = match cx.s3_path() {
            S3Path::Root => (None, "*".to_owned()),
            S3Path::Bucket { bucket } => (Some(bucket.to_string()), bucket_arn(bucket)),
            S3Path::Object { bucket, key } => (Some(bucket.to_string()), object_arn(bucket, key)),
        };
        if let Some(bucket) = &bucket {
            self.check_expected_owner(bucket, cx.headers())?;
        }
        let action = iam_action(cx.s3_op().name());
        // DeleteObjects is asked for each key, in the operation itself.
        if cx.s3_op().name() == "DeleteObjects" && access_key.is_some() {
            return Ok(());
        }
        // Deliveries come from the service, not from the owner of the key that they are signed with.
        let is_internal = cx.extensions_mut().get::<Internal>().is_some();
        let wish = Wish {
            access_key: access_key.as_deref(),
            action: &action,
            // A bucket that is to be made is nobody's yet.
            bucket: bucket
                .as_deref()
                .filter(|_| !is_internal && action != "s3:CreateBucket"),
            resource: &resource,
            context: context(cx),
        };
        match self.allows(&wish)? {
            true => Ok(()),
            false => Err(s3_error!(
                AccessDenied,
                "Access Denied: {action} on {resource} is not allowed"
            )),
        }
    }
}

/// Condition keys that can be told from a request.
fn context(cx: &S3AccessContext<'_>) -> HashMap<String, Vec<String>> {
    let mut context: HashMap<String, Vec<String>> = HashMap::new();
    for name in ["x-amz-acl", "x-amz-server-side-encryption"] {
        if let Some(value) = cx.headers().get(name).and_then(|value| value.to_str().ok()) {
            context.insert(format!("s3:{name}"), vec![value.to_owned()]);
        }
    }
    for pair in cx.uri().query().unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if matches!(name, "prefix" | "delimiter" | "max-keys") {
            let value = percent_decode_str(&value.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned();
            context.insert(format!("s3:{name}"), vec![value]);
        }
    }
    context
}

pub(crate) fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

pub(crate) fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

/// The action that IAM asks for (service authorization reference, "Actions for Amazon S3").
fn iam_action(operation: &str) -> String {
    let action = match operation {
        "ListObjects" | "ListObjectsV2" | "HeadBucket" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "ListBuckets" => "ListAllMyBuckets",
        "HeadObject" | "GetObjectAttributes" => "GetObject",
        "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "UploadPartCopy"
        | "CompleteMultipartUpload" => "PutObject",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListParts" => "ListMultipartUploadParts",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "PutEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => "PutLifecycleConfiguration",
        "GetBucketReplication" => "GetReplicationConfiguration",
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "GetBucketCors" => "GetBucketCORS",
        "PutBucketCors" | "DeleteBucketCors" => "PutBucketCORS",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "PutBucketPublicAccessBlock",
        "DeleteBucketOwnershipControls" => "PutBucketOwnershipControls",
        "DeleteBucketTagging" => "PutBucketTagging",
        other => other,
    };
    format!("s3:{action}")
}

/// Buckets in the path, or before `.s3.` in the host's name.
pub(crate) struct Host;

impl S3Host for Host {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        match host.find(".s3.").or_else(|| host.find(".s3-")) {
            Some(at) if at > 0 => Ok(VirtualHost::new(&host[at + 1..]).with_bucket(&host[..at])),
            _ => Ok(VirtualHost::new(host)),
        }
    }
}

//! Signatures and permissions: from S3 operations to IAM actions, and what the caller's own policies and the bucket's say of
//! them together (IAM User Guide, "Policy evaluation logic": in one account either may allow, between accounts both must).

use std::{collections::HashMap, sync::Arc};

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use pugmark_core::policy::{self, Decision, Policy};
use s3s::{
    S3Request, S3Result,
    access::{S3Access, S3AccessContext},
    auth::{Credentials, S3Auth, SecretKey},
    host::{S3Host, VirtualHost},
    path::S3Path,
    s3_error,
};

use crate::{
    Authority, Caller, Internal, Signed,
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

/// What a caller may do with one bucket and what is in it: policies are read once, and asked for each object.
pub(crate) struct Judge<'a> {
    access: &'a Access,
    /// `None`: anonymous.
    access_key: Option<&'a str>,
    /// `None`: only the caller's own policies count.
    standing: Option<Standing>,
}

/// How a known caller and a bucket stand to each other.
struct Standing {
    caller: Caller,
    is_owner: bool,
    /// The bucket's policy, if it has one that can be evaluated.
    policy: Option<Policy>,
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

    /// Judges a caller by its policies and, if a bucket that is there is concerned, by the bucket's. Nothing is allowed to
    /// callers without a known key, whatever a bucket's policy says: public access is blocked, as it is in S3 unless the owner
    /// unblocks it.
    pub(crate) fn judge<'a>(
        &'a self,
        access_key: Option<&'a str>,
        bucket: Option<&str>,
    ) -> S3Result<Judge<'a>> {
        let caller = access_key.and_then(|key| self.authority.caller(key));
        let record = match bucket {
            Some(name) if caller.is_some() => self.store.get(BUCKETS, name.as_bytes())?,
            _ => None::<BucketRecord>,
        };
        let standing = caller.zip(record).map(|(caller, record)| Standing {
            is_owner: self.owner_of(&record) == caller.account,
            caller,
            policy: record.policy.as_deref().and_then(|text| {
                Policy::parse(text)
                    .inspect_err(|error| {
                        tracing::warn!(bucket, %error, "the bucket's policy cannot be evaluated: it allows nothing");
                    })
                    .ok()
            }),
        });
        Ok(Judge {
            access: self,
            access_key,
            standing,
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

impl Judge<'_> {
    /// Whether an action such as `s3:GetObject` is allowed on the resource with this ARN (or `*`), under these condition keys.
    pub(crate) fn allows(
        &self,
        action: &str,
        resource: &str,
        context: HashMap<String, Vec<String>>,
    ) -> bool {
        let own = self
            .access
            .authority
            .decide(self.access_key, action, resource);
        let Some(standing) = &self.standing else {
            return own == Decision::Allow;
        };
        let Standing {
            caller, is_owner, ..
        } = standing;
        let request = policy::Request {
            action,
            resource,
            principal: Some(&caller.arn),
            context,
        };
        match (own, policy::evaluate(&standing.policy, &request)) {
            (Decision::ExplicitDeny, _) => false,
            // Or an owner could lock itself out for ever.
            (Decision::Allow, Decision::ExplicitDeny) => {
                *is_owner && caller.is_root && action.ends_with("BucketPolicy")
            }
            (_, Decision::ExplicitDeny) => false,
            (own, said) if *is_owner => own == Decision::Allow || said == Decision::Allow,
            (own, said) => own == Decision::Allow && said == Decision::Allow,
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
        let signed: Option<Signed> = cx.extensions_mut().get().cloned();
        let access_key = access_key(signed.as_ref(), cx.credentials());
        if signed.is_some_and(|signed| signed.access_key_id != access_key) {
            return Err(s3_error!(
                AccessDenied,
                "Access Denied: sign the request once, in a way that S3 knows"
            ));
        }
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
        // A bucket that is to be made is nobody's yet.
        let judged = bucket
            .as_deref()
            .filter(|_| !is_internal && action != "s3:CreateBucket");
        let judge = self.judge(access_key.as_deref(), judged)?;
        match judge.allows(&action, &resource, context(cx)) {
            true => Ok(()),
            false => Err(s3_error!(
                AccessDenied,
                "Access Denied: {action} on {resource} is not allowed"
            )),
        }
    }
}

/// The access key with which a request was signed, once [`S3Access::check`] has seen it.
pub(crate) fn signer<T>(request: &S3Request<T>) -> Option<String> {
    access_key(request.extensions.get(), request.credentials.as_ref())
}

fn access_key(signed: Option<&Signed>, credentials: Option<&Credentials>) -> Option<String> {
    let verified = || {
        signed
            .filter(|signed| signed.is_verified)?
            .access_key_id
            .clone()
    };
    let found = credentials.map(|credentials| credentials.access_key.clone());
    found.or_else(verified)
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

/// How long the bucket's name is at the begin of a host, if it has one: as whoever records the calls has it.
pub type BucketHosts = Box<dyn Fn(&str) -> Option<usize> + Send + Sync>;

/// What hosts name that is no bucket, and that nobody has made here.
const NO_BUCKETS: [&str; 4] = [
    ".s3-accesspoint",
    ".s3-object-lambda",
    ".s3-outposts",
    ".s3express-",
];

/// Buckets in the path, or in the host's name.
pub(crate) struct Host(pub(crate) BucketHosts);

impl S3Host for Host {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let Some(end) = (self.0)(host) else {
            return Ok(VirtualHost::new(host));
        };
        let (bucket, rest) = host.split_at_checked(end).unwrap_or((host, ""));
        let label = rest.to_ascii_lowercase();
        if NO_BUCKETS.iter().any(|other| label.starts_with(other)) {
            return Err(s3_error!(
                InvalidRequest,
                "There are no access points and no directory buckets here."
            ));
        }
        Ok(VirtualHost::new(rest.trim_start_matches('.')).with_bucket(bucket))
    }
}

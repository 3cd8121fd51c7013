//! Signatures and permissions: from S3 operations to IAM actions.

use std::sync::Arc;

use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
    host::{S3Host, VirtualHost},
    path::S3Path,
    s3_error,
};

use crate::Authority;

/// The store's authority in the terms of `s3s`.
#[derive(Clone)]
pub(crate) struct Access(pub(crate) Arc<dyn Authority>);

#[async_trait::async_trait]
impl S3Auth for Access {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.secret_key(access_key) {
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
        let resource = match cx.s3_path() {
            S3Path::Root => "*".to_owned(),
            S3Path::Bucket { bucket } => bucket_arn(bucket),
            S3Path::Object { bucket, key } => object_arn(bucket, key),
        };
        let action = iam_action(cx.s3_op().name());
        // DeleteObjects is asked for each key, in the operation itself.
        if cx.s3_op().name() == "DeleteObjects" && access_key.is_some() {
            return Ok(());
        }
        match self.0.allowed(access_key.as_deref(), &action, &resource) {
            true => Ok(()),
            false => Err(s3_error!(
                AccessDenied,
                "Access Denied: {action} on {resource} is not allowed"
            )),
        }
    }
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

//! The bucket port: what delivery asks of S3.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
    types::{ObjectCannedAcl, Payer, ServerSideEncryption},
};
use bytes::Bytes;
use pugmark_core::{account::AccountId, service::ServiceError};

/// An object to put. It always has `Content-Type: application/json`, `Content-Encoding: gzip` and the ACL
/// `bucket-owner-full-control`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutObject {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The content.
    pub body: Bytes,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
    /// ARN of the key for SSE-KMS; `None` leaves encryption to the bucket.
    pub kms_key_id: Option<String>,
}

/// A place for objects. A put is all or nothing, and repeating it with the same bytes changes nothing: retries are safe.
#[async_trait]
pub trait Bucket: Send + Sync + 'static {
    /// Puts an object; once `Ok`, readers see it.
    async fn put(&self, object: PutObject) -> Result<(), ServiceError>;

    /// Whether the bucket is there.
    async fn exists(&self, bucket: &str) -> Result<bool, ServiceError>;

    /// Whether the account has the bucket. A store that knows no owners says so of every account.
    async fn is_of(&self, bucket: &str, account: AccountId) -> Result<bool, ServiceError>;

    /// Whether who asks for an object pays for it (Requester Pays). A store that does not know of this says no.
    async fn is_requester_pays(&self, bucket: &str) -> Result<bool, ServiceError>;

    /// The bucket's policy; `None` when it has none, or when the store has no policies or does not show them.
    async fn policy(&self, bucket: &str) -> Result<Option<String>, ServiceError>;
}

/// S3 itself, or what speaks its protocol.
#[derive(Debug, Clone)]
pub struct S3Bucket(Client);

impl S3Bucket {
    /// A bucket port over a client that has endpoint and credentials.
    pub fn new(client: Client) -> Self {
        Self(client)
    }
}

#[async_trait]
impl Bucket for S3Bucket {
    async fn put(&self, object: PutObject) -> Result<(), ServiceError> {
        let mut put = self
            .0
            .put_object()
            .bucket(object.bucket)
            .key(object.key)
            .body(ByteStream::from(object.body))
            .content_type("application/json")
            .content_encoding("gzip")
            .acl(ObjectCannedAcl::BucketOwnerFullControl)
            .set_metadata(Some(object.metadata.into_iter().collect()));
        if let Some(key) = object.kms_key_id {
            put = put
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(key);
        }
        put.send()
            .await
            .map(drop)
            .map_err(|error| service_error(&error))
    }

    async fn exists(&self, bucket: &str) -> Result<bool, ServiceError> {
        match self.0.head_bucket().bucket(bucket).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|answer| answer.status().as_u16() == 404) =>
            {
                Ok(false)
            }
            Err(error) => Err(service_error(&error)),
        }
    }

    async fn is_of(&self, bucket: &str, account: AccountId) -> Result<bool, ServiceError> {
        let asked = self
            .0
            .head_bucket()
            .bucket(bucket)
            .expected_bucket_owner(account.as_str());
        match asked.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|answer| answer.status().as_u16() == 403) =>
            {
                Ok(false)
            }
            Err(error) => Err(service_error(&error)),
        }
    }

    async fn is_requester_pays(&self, bucket: &str) -> Result<bool, ServiceError> {
        let asked = self.0.get_bucket_request_payment().bucket(bucket);
        match asked.send().await {
            Ok(answer) => Ok(answer.payer() == Some(&Payer::Requester)),
            Err(error) => match service_error(&error) {
                ServiceError { code: Some(_), .. } => Ok(false),
                unanswered => Err(unanswered),
            },
        }
    }

    async fn policy(&self, bucket: &str) -> Result<Option<String>, ServiceError> {
        match self.0.get_bucket_policy().bucket(bucket).send().await {
            Ok(answer) => Ok(answer.policy().map(str::to_owned)),
            Err(error) => match service_error(&error) {
                ServiceError { code: Some(_), .. } => Ok(None),
                unanswered => Err(unanswered),
            },
        }
    }
}

/// What S3's client says went wrong, with a code if S3 answered.
pub fn service_error<E>(error: &SdkError<E>) -> ServiceError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    let code = error
        .as_service_error()
        .and_then(|error| error.code())
        .map(str::to_owned)
        .or(match status {
            Some(403) => Some("AccessDenied".into()),
            Some(404) => Some("NoSuchBucket".into()),
            Some(status) => Some(status.to_string()),
            None => None,
        });
    ServiceError {
        code,
        message: DisplayErrorContext(error).to_string(),
    }
}

/// Buckets in memory, for tests: failures can be ordered.
#[derive(Debug, Default)]
pub struct MemoryBucket {
    state: Mutex<MemoryState>,
}

#[derive(Debug, Default)]
struct MemoryState {
    objects: BTreeMap<(String, String), Stored>,
    failure: Option<ServiceError>,
    /// Puts that take effect and are reported as failed.
    lost_answers: usize,
    puts: usize,
}

/// An object in a [`MemoryBucket`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The content.
    pub body: Bytes,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
}

impl MemoryBucket {
    fn state(&self) -> std::sync::MutexGuard<'_, MemoryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on every put fails so; `None` heals.
    pub fn fail(&self, failure: Option<ServiceError>) {
        self.state().failure = failure;
    }

    /// The next `count` puts take effect but are reported as failed.
    pub fn lose_answers(&self, count: usize) {
        self.state().lost_answers = count;
    }

    /// All objects of a bucket by key.
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, Stored> {
        let state = self.state();
        let of_bucket = state.objects.iter().filter(|((name, _), _)| name == bucket);
        of_bucket
            .map(|((_, key), object)| (key.clone(), object.clone()))
            .collect()
    }

    /// How many puts were tried.
    pub fn puts(&self) -> usize {
        self.state().puts
    }
}

#[async_trait]
impl Bucket for MemoryBucket {
    async fn put(&self, object: PutObject) -> Result<(), ServiceError> {
        let mut state = self.state();
        state.puts += 1;
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let stored = Stored {
            body: object.body,
            metadata: object.metadata,
        };
        state.objects.insert((object.bucket, object.key), stored);
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(ServiceError {
                code: None,
                message: "the answer was lost".into(),
            });
        }
        Ok(())
    }

    async fn exists(&self, _: &str) -> Result<bool, ServiceError> {
        match &self.state().failure {
            Some(failure) if failure.code.as_deref() == Some("NoSuchBucket") => Ok(false),
            Some(failure) => Err(failure.clone()),
            None => Ok(true),
        }
    }

    async fn is_of(&self, _: &str, _: AccountId) -> Result<bool, ServiceError> {
        Ok(true)
    }

    async fn is_requester_pays(&self, _: &str) -> Result<bool, ServiceError> {
        Ok(false)
    }

    async fn policy(&self, _: &str) -> Result<Option<String>, ServiceError> {
        Ok(None)
    }
}

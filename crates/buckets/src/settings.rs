//! Buckets and their settings; what a bucket never configured is answered as S3 answers it.

use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, dto::*, s3_error};
use serde_json::Value;

use crate::{
    access::signer,
    service::Server,
    store::{BUCKETS, BucketRecord, OBJECTS, UPLOADS, no_such_bucket, object_key},
};

/// Longest bucket policy, in bytes (S3: 20 KB).
const POLICY_BYTES_MAX: usize = 20 * 1024;
/// Most tags of a bucket.
const BUCKET_TAGS_MAX: usize = 50;

type Answer<T> = S3Result<S3Response<T>>;

fn ok<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}

/// An error that `s3s` has no name for.
fn custom(code: &'static str, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(http::StatusCode::NOT_FOUND);
    error
}

/// Seconds since 1970 as S3's time.
pub(crate) fn time(seconds: i64) -> Timestamp {
    let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    Timestamp::from(std::time::SystemTime::UNIX_EPOCH + since)
}

pub(crate) fn tags_of(tags: &[(String, String)]) -> TagSet {
    tags.iter()
        .map(|(key, value)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect()
}

/// Tags as they are stored; keys must differ.
pub(crate) fn tags_from(tags: TagSet, max: usize) -> S3Result<Vec<(String, String)>> {
    let mut stored: Vec<(String, String)> = Vec::new();
    for tag in tags {
        let (key, value) = (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(s3_error!(
                InvalidTag,
                "The TagKey or TagValue you have provided is invalid"
            ));
        }
        if stored.iter().any(|(known, _)| *known == key) {
            return Err(s3_error!(
                InvalidTag,
                "Cannot provide multiple Tags with the same key"
            ));
        }
        stored.push((key, value));
    }
    if stored.len() > max {
        return Err(s3_error!(
            InvalidTag,
            "Object tags cannot be greater than {max}"
        ));
    }
    Ok(stored)
}

impl Server {
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    fn owner(&self) -> Owner {
        Owner {
            display_name: None,
            id: Some(self.owner_id()),
        }
    }

    /// S3's canonical user id is 64 hex digits; the account is all we have.
    fn owner_id(&self) -> String {
        format!("{:0>64}", self.account)
    }

    fn grants(&self) -> Grants {
        let grantee = Grantee {
            display_name: None,
            email_address: None,
            id: Some(self.owner_id()),
            type_: Type::from_static(Type::CANONICAL_USER),
            uri: None,
        };
        vec![Grant {
            grantee: Some(grantee),
            permission: Some(Permission::from_static(Permission::FULL_CONTROL)),
        }]
    }

    pub(crate) fn bucket(&self, name: &str) -> S3Result<BucketRecord> {
        self.store
            .get(BUCKETS, name.as_bytes())?
            .ok_or_else(|| no_such_bucket(name))
    }

    /// Changes a bucket's settings.
    async fn change_bucket(
        &self,
        name: String,
        change: impl FnOnce(&mut BucketRecord) + Send + 'static,
    ) -> S3Result<()> {
        self.store
            .write(move |write| {
                let mut bucket = write.bucket(&name)?;
                change(&mut bucket);
                write.put(BUCKETS, name.as_bytes(), &bucket)
            })
            .await
    }

    pub(crate) async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> Answer<CreateBucketOutput> {
        let key = signer(&request);
        let input = request.input;
        check_name(&input.bucket)?;
        let created = self.now();
        let ownership = input
            .object_ownership
            .map(|ownership| ownership.as_str().to_owned());
        let account = self.access.account_of(key.as_deref());
        let (name, is_us_east_1) = (input.bucket.clone(), self.region == "us-east-1");
        let access = self.access.clone();
        self.store
            .write(move |write| {
                if let Some(bucket) = write.get::<BucketRecord>(BUCKETS, name.as_bytes())? {
                    if access.owner_of(&bucket) != account {
                        return Err(s3_error!(BucketAlreadyExists, "The requested bucket name is not available. Please select a different name and try again."));
                    }
                    // us-east-1 alone says OK when the bucket is one's own already.
                    return match is_us_east_1 {
                        true => Ok(()),
                        false => Err(s3_error!(BucketAlreadyOwnedByYou, "Your previous request to create the named bucket succeeded and you already own it.")),
                    };
                }
                write.put(BUCKETS, name.as_bytes(), &BucketRecord { created, ownership, account: Some(account), ..BucketRecord::default() })
            })
            .await?;
        ok(CreateBucketOutput {
            location: Some(format!("/{}", input.bucket)),
        })
    }

    pub(crate) async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> Answer<HeadBucketOutput> {
        self.bucket(&request.input.bucket)?;
        ok(HeadBucketOutput {
            bucket_region: Some(self.region.clone()),
            ..HeadBucketOutput::default()
        })
    }

    pub(crate) async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> Answer<DeleteBucketOutput> {
        let name = request.input.bucket;
        self.store
            .write(move |write| {
                write.bucket(&name)?;
                let prefix = object_key(&name, "");
                if !write.keys(OBJECTS, &prefix, 1)?.is_empty()
                    || !write.keys(UPLOADS, &prefix, 1)?.is_empty()
                {
                    return Err(s3_error!(
                        BucketNotEmpty,
                        "The bucket you tried to delete is not empty"
                    ));
                }
                write.remove(BUCKETS, name.as_bytes())
            })
            .await?;
        ok(DeleteBucketOutput::default())
    }

    pub(crate) async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> Answer<ListBucketsOutput> {
        let key = signer(&request);
        let input = request.input;
        let account = self.access.account_of(key.as_deref());
        let prefix = input.prefix.clone().unwrap_or_default();
        let max = input
            .max_buckets
            .and_then(|max| usize::try_from(max).ok())
            .unwrap_or(10_000);
        let rows = self
            .store
            .scan::<BucketRecord>(BUCKETS, prefix.as_bytes(), None)?;
        let after = input.continuation_token.unwrap_or_default();
        let mut rows: Vec<_> = rows
            .into_iter()
            .filter(|(name, bucket)| {
                name.as_slice() > after.as_bytes() && self.access.owner_of(bucket) == account
            })
            .collect();
        let is_truncated = rows.len() > max;
        rows.truncate(max);
        let last = rows
            .last()
            .map(|(name, _)| String::from_utf8_lossy(name).into_owned());
        let buckets = rows.into_iter().map(|(name, bucket)| Bucket {
            bucket_region: input.max_buckets.map(|_| self.region.clone()),
            creation_date: Some(time(bucket.created)),
            name: Some(String::from_utf8_lossy(&name).into_owned()),
        });
        ok(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            continuation_token: last.filter(|_| is_truncated),
            owner: Some(self.owner()),
            prefix: input.prefix,
        })
    }

    pub(crate) async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> Answer<GetBucketLocationOutput> {
        self.bucket(&request.input.bucket)?;
        // us-east-1 is said by an empty answer.
        let elsewhere = (self.region != "us-east-1")
            .then(|| BucketLocationConstraint::from(self.region.clone()));
        ok(GetBucketLocationOutput {
            location_constraint: elsewhere,
        })
    }

    pub(crate) async fn get_bucket_acl(
        &self,
        request: S3Request<GetBucketAclInput>,
    ) -> Answer<GetBucketAclOutput> {
        self.bucket(&request.input.bucket)?;
        ok(GetBucketAclOutput {
            grants: Some(self.grants()),
            owner: Some(self.owner()),
        })
    }

    pub(crate) async fn get_object_acl(
        &self,
        request: S3Request<GetObjectAclInput>,
    ) -> Answer<GetObjectAclOutput> {
        self.object(&request.input.bucket, &request.input.key)?;
        ok(GetObjectAclOutput {
            grants: Some(self.grants()),
            owner: Some(self.owner()),
            ..GetObjectAclOutput::default()
        })
    }

    pub(crate) async fn get_bucket_policy(
        &self,
        request: S3Request<GetBucketPolicyInput>,
    ) -> Answer<GetBucketPolicyOutput> {
        let policy = self.bucket(&request.input.bucket)?.policy;
        let policy = policy
            .ok_or_else(|| s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist"))?;
        ok(GetBucketPolicyOutput {
            policy: Some(policy),
        })
    }

    pub(crate) async fn put_bucket_policy(
        &self,
        request: S3Request<PutBucketPolicyInput>,
    ) -> Answer<PutBucketPolicyOutput> {
        let input = request.input;
        if input.policy.len() > POLICY_BYTES_MAX {
            return Err(s3_error!(
                MalformedPolicy,
                "Policy exceeds the maximum allowed document size."
            ));
        }
        let parsed: Value = serde_json::from_str(&input.policy).map_err(|_| {
            s3_error!(
                MalformedPolicy,
                "Policies must be valid JSON and the first byte must be '{{'"
            )
        })?;
        if !parsed.is_object() {
            return Err(s3_error!(
                MalformedPolicy,
                "Policies must be valid JSON and the first byte must be '{{'"
            ));
        }
        if !parsed["Statement"].is_array() && !parsed["Statement"].is_object() {
            return Err(s3_error!(
                MalformedPolicy,
                "Missing required field Statement"
            ));
        }
        self.change_bucket(input.bucket, |bucket| bucket.policy = Some(input.policy))
            .await?;
        ok(PutBucketPolicyOutput::default())
    }

    pub(crate) async fn delete_bucket_policy(
        &self,
        request: S3Request<DeleteBucketPolicyInput>,
    ) -> Answer<DeleteBucketPolicyOutput> {
        self.change_bucket(request.input.bucket, |bucket| bucket.policy = None)
            .await?;
        ok(DeleteBucketPolicyOutput::default())
    }

    pub(crate) async fn get_bucket_policy_status(
        &self,
        request: S3Request<GetBucketPolicyStatusInput>,
    ) -> Answer<GetBucketPolicyStatusOutput> {
        let policy = self.bucket(&request.input.bucket)?.policy;
        policy.ok_or_else(|| s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist"))?;
        // Policies are stored, not evaluated for strangers: no bucket is public.
        ok(GetBucketPolicyStatusOutput {
            policy_status: Some(PolicyStatus {
                is_public: Some(false),
            }),
        })
    }

    pub(crate) async fn get_bucket_tagging(
        &self,
        request: S3Request<GetBucketTaggingInput>,
    ) -> Answer<GetBucketTaggingOutput> {
        let tags = self.bucket(&request.input.bucket)?.tags;
        let tags = tags.ok_or_else(|| s3_error!(NoSuchTagSet, "The TagSet does not exist"))?;
        ok(GetBucketTaggingOutput {
            tag_set: tags_of(&tags),
        })
    }

    pub(crate) async fn put_bucket_tagging(
        &self,
        request: S3Request<PutBucketTaggingInput>,
    ) -> Answer<PutBucketTaggingOutput> {
        let tags = tags_from(request.input.tagging.tag_set, BUCKET_TAGS_MAX)?;
        self.change_bucket(request.input.bucket, |bucket| bucket.tags = Some(tags))
            .await?;
        ok(PutBucketTaggingOutput::default())
    }

    pub(crate) async fn delete_bucket_tagging(
        &self,
        request: S3Request<DeleteBucketTaggingInput>,
    ) -> Answer<DeleteBucketTaggingOutput> {
        self.change_bucket(request.input.bucket, |bucket| bucket.tags = None)
            .await?;
        ok(DeleteBucketTaggingOutput::default())
    }

    pub(crate) async fn get_bucket_ownership_controls(
        &self,
        request: S3Request<GetBucketOwnershipControlsInput>,
    ) -> Answer<GetBucketOwnershipControlsOutput> {
        let ownership = self.bucket(&request.input.bucket)?.ownership;
        let ownership =
            ownership.unwrap_or_else(|| ObjectOwnership::BUCKET_OWNER_ENFORCED.to_owned());
        if ownership.is_empty() {
            return Err(s3_error!(
                OwnershipControlsNotFoundError,
                "The bucket ownership controls were not found"
            ));
        }
        let rules = vec![OwnershipControlsRule {
            object_ownership: ObjectOwnership::from(ownership),
        }];
        ok(GetBucketOwnershipControlsOutput {
            ownership_controls: Some(OwnershipControls { rules }),
        })
    }

    pub(crate) async fn put_bucket_ownership_controls(
        &self,
        request: S3Request<PutBucketOwnershipControlsInput>,
    ) -> Answer<PutBucketOwnershipControlsOutput> {
        let rule = request.input.ownership_controls.rules.into_iter().next();
        let rule = rule.ok_or_else(|| s3_error!(MalformedXML, "one rule is needed"))?;
        let ownership = rule.object_ownership.as_str().to_owned();
        self.change_bucket(request.input.bucket, |bucket| {
            bucket.ownership = Some(ownership)
        })
        .await?;
        ok(PutBucketOwnershipControlsOutput::default())
    }

    pub(crate) async fn delete_bucket_ownership_controls(
        &self,
        request: S3Request<DeleteBucketOwnershipControlsInput>,
    ) -> Answer<DeleteBucketOwnershipControlsOutput> {
        self.change_bucket(request.input.bucket, |bucket| {
            bucket.ownership = Some(String::new())
        })
        .await?;
        ok(DeleteBucketOwnershipControlsOutput::default())
    }

    pub(crate) async fn get_public_access_block(
        &self,
        request: S3Request<GetPublicAccessBlockInput>,
    ) -> Answer<GetPublicAccessBlockOutput> {
        let block = self.bucket(&request.input.bucket)?.public_access_block;
        let missing = || {
            custom(
                "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found",
            )
        };
        let [acls, ignore, policy, restrict] = block.ok_or_else(missing)?;
        ok(GetPublicAccessBlockOutput {
            public_access_block_configuration: Some(PublicAccessBlockConfiguration {
                block_public_acls: Some(acls),
                ignore_public_acls: Some(ignore),
                block_public_policy: Some(policy),
                restrict_public_buckets: Some(restrict),
            }),
        })
    }

    pub(crate) async fn put_public_access_block(
        &self,
        request: S3Request<PutPublicAccessBlockInput>,
    ) -> Answer<PutPublicAccessBlockOutput> {
        let given = request.input.public_access_block_configuration;
        let block = [
            given.block_public_acls,
            given.ignore_public_acls,
            given.block_public_policy,
            given.restrict_public_buckets,
        ];
        let block = block.map(Option::unwrap_or_default);
        self.change_bucket(request.input.bucket, move |bucket| {
            bucket.public_access_block = Some(block)
        })
        .await?;
        ok(PutPublicAccessBlockOutput::default())
    }

    pub(crate) async fn delete_public_access_block(
        &self,
        request: S3Request<DeletePublicAccessBlockInput>,
    ) -> Answer<DeletePublicAccessBlockOutput> {
        self.change_bucket(request.input.bucket, |bucket| {
            bucket.public_access_block = None
        })
        .await?;
        ok(DeletePublicAccessBlockOutput::default())
    }

    pub(crate) async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> Answer<GetBucketVersioningOutput> {
        self.bucket(&request.input.bucket)?;
        ok(GetBucketVersioningOutput::default())
    }

    pub(crate) async fn get_bucket_encryption(
        &self,
        request: S3Request<GetBucketEncryptionInput>,
    ) -> Answer<GetBucketEncryptionOutput> {
        self.bucket(&request.input.bucket)?;
        Err(s3_error!(
            ServerSideEncryptionConfigurationNotFoundError,
            "The server side encryption configuration was not found"
        ))
    }

    pub(crate) async fn get_bucket_logging(
        &self,
        request: S3Request<GetBucketLoggingInput>,
    ) -> Answer<GetBucketLoggingOutput> {
        self.bucket(&request.input.bucket)?;
        ok(GetBucketLoggingOutput::default())
    }

    pub(crate) async fn get_bucket_website(
        &self,
        request: S3Request<GetBucketWebsiteInput>,
    ) -> Answer<GetBucketWebsiteOutput> {
        self.bucket(&request.input.bucket)?;
        Err(s3_error!(
            NoSuchWebsiteConfiguration,
            "The specified bucket does not have a website configuration"
        ))
    }

    pub(crate) async fn get_bucket_cors(
        &self,
        request: S3Request<GetBucketCorsInput>,
    ) -> Answer<GetBucketCorsOutput> {
        self.bucket(&request.input.bucket)?;
        Err(s3_error!(
            NoSuchCORSConfiguration,
            "The CORS configuration does not exist"
        ))
    }

    pub(crate) async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> Answer<GetBucketLifecycleConfigurationOutput> {
        self.bucket(&request.input.bucket)?;
        Err(s3_error!(
            NoSuchLifecycleConfiguration,
            "The lifecycle configuration does not exist"
        ))
    }

    pub(crate) async fn get_bucket_notification_configuration(
        &self,
        request: S3Request<GetBucketNotificationConfigurationInput>,
    ) -> Answer<GetBucketNotificationConfigurationOutput> {
        self.bucket(&request.input.bucket)?;
        ok(GetBucketNotificationConfigurationOutput::default())
    }

    pub(crate) async fn get_bucket_replication(
        &self,
        request: S3Request<GetBucketReplicationInput>,
    ) -> Answer<GetBucketReplicationOutput> {
        self.bucket(&request.input.bucket)?;
        Err(s3_error!(
            ReplicationConfigurationNotFoundError,
            "The replication configuration was not found"
        ))
    }

    pub(crate) async fn get_bucket_request_payment(
        &self,
        request: S3Request<GetBucketRequestPaymentInput>,
    ) -> Answer<GetBucketRequestPaymentOutput> {
        self.bucket(&request.input.bucket)?;
        ok(GetBucketRequestPaymentOutput {
            payer: Some(Payer::from_static(Payer::BUCKET_OWNER)),
        })
    }

    pub(crate) async fn get_bucket_accelerate_configuration(
        &self,
        request: S3Request<GetBucketAccelerateConfigurationInput>,
    ) -> Answer<GetBucketAccelerateConfigurationOutput> {
        self.bucket(&request.input.bucket)?;
        ok(GetBucketAccelerateConfigurationOutput::default())
    }

    pub(crate) async fn get_object_lock_configuration(
        &self,
        request: S3Request<GetObjectLockConfigurationInput>,
    ) -> Answer<GetObjectLockConfigurationOutput> {
        self.bucket(&request.input.bucket)?;
        Err(s3_error!(
            ObjectLockConfigurationNotFoundError,
            "Object Lock configuration does not exist for this bucket"
        ))
    }
}

/// S3's naming rules (user guide, "General purpose bucket naming rules").
fn check_name(name: &str) -> S3Result<()> {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
    };
    let edge = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let good = (3..=63).contains(&name.len())
        && name.bytes().all(allowed)
        && edge(name.bytes().next())
        && edge(name.bytes().last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err();
    if good {
        Ok(())
    } else {
        Err(s3_error!(
            InvalidBucketName,
            "The specified bucket is not valid."
        ))
    }
}

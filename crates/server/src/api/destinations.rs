//! What a trail's settings name beside its bucket: a topic, a key, a log group with its role. Read, checked with the service
//! itself as CreateTrail does it (CloudTrail user guide, "Preflight"), set.

use pugmark_catalog::Trail;
use pugmark_core::{account::Region, service::ServiceError};

use super::{Api, ApiError, Caller, Fields, names};

/// What is published when a trail gets a topic; consumers know and skip it.
const VALIDATION_MESSAGE: &str = "CloudTrail validation message.";

/// What a request says of one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Given<T> {
    /// Nothing: it stays.
    #[default]
    Absent,
    /// The empty text: it goes.
    Unset,
    /// This from now on.
    Set(T),
}

/// What a request says of a trail's destinations.
#[derive(Debug, Clone, Default)]
pub(super) struct Destinations {
    topic: Given<String>,
    key: Given<String>,
    /// Log group and role.
    logs: Given<(String, String)>,
}

impl Destinations {
    /// Reads them and checks their forms.
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, ApiError> {
        let (topic, key) = (fields.text("SnsTopicName")?, fields.text("KmsKeyId")?);
        let group = fields.text("CloudWatchLogsLogGroupArn")?;
        let role = fields.text("CloudWatchLogsRoleArn")?;
        let text = |text: Option<&str>, check: fn(&str) -> Result<(), ApiError>| match text {
            None => Ok(Given::Absent),
            Some("") => Ok(Given::Unset),
            Some(text) => check(text).map(|()| Given::Set(text.to_owned())),
        };
        let (topic, key) = (
            text(topic, names::check_topic)?,
            text(key, names::check_kms_key)?,
        );
        let filled = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        filled(group)
            .as_deref()
            .map_or(Ok(()), names::check_log_group)?;
        filled(role).as_deref().map_or(Ok(()), names::check_role)?;
        let logs = match (filled(group), filled(role)) {
            (Some(group), Some(role)) => Given::Set((group, role)),
            (Some(_), None) => {
                return Err(ApiError::new(
                    "InvalidCloudWatchLogsRoleArnException",
                    "You must specify a role ARN as well as a log group.",
                ));
            }
            (None, Some(_)) => {
                return Err(ApiError::new(
                    "InvalidCloudWatchLogsLogGroupArnException",
                    "You must specify a log group ARN as well as a role.",
                ));
            }
            (None, None) if group.is_some() || role.is_some() => Given::Unset,
            (None, None) => Given::Absent,
        };
        Ok(Self { topic, key, logs })
    }

    /// Sets what is given.
    pub(super) fn apply(&self, trail: &mut Trail) {
        set(&self.topic, &mut trail.sns_topic_name);
        set(&self.key, &mut trail.kms_key_id);
        match &self.logs {
            Given::Absent => {}
            Given::Unset => (trail.logs_group_arn, trail.logs_role_arn) = (None, None),
            Given::Set((group, role)) => {
                (trail.logs_group_arn, trail.logs_role_arn) =
                    (Some(group.clone()), Some(role.clone()));
            }
        }
    }
}

fn set(given: &Given<String>, value: &mut Option<String>) {
    match given {
        Given::Absent => {}
        Given::Unset => *value = None,
        Given::Set(text) => *value = Some(text.clone()),
    }
}

impl Api {
    /// Asks the services whether they will work: key and topic at each change of the trail, as AWS does, log group and role
    /// when they are given. A key becomes its ARN.
    pub(super) async fn check_destinations(
        &self,
        caller: &Caller,
        trail: &Trail,
        given: &mut Destinations,
    ) -> Result<(), ApiError> {
        if let Some(key) = &trail.kms_key_id {
            let arn = self.check_key(trail, key).await?;
            if let Given::Set(key) = &mut given.key {
                *key = arn;
            }
        }
        if let Some(topic) = trail.topic_arn() {
            self.services
                .publish(&topic, VALIDATION_MESSAGE)
                .await
                .map_err(|error| match error.code.as_deref() {
                    None => unreachable("SNS", &error),
                    Some("InvalidClientTokenId") => ApiError::new(
                        "CloudTrailInvalidClientTokenIdException",
                        "The topic's account refuses CloudTrail's credentials.",
                    ),
                    Some(_) => because(
                        "InsufficientSnsTopicPolicyException",
                        "SNS Topic does not exist or the topic policy is incorrect!",
                        &error,
                    ),
                })?;
        }
        if let Given::Set((group, role)) = &given.logs {
            self.check_logs(caller, trail, group, role).await?;
        }
        Ok(())
    }

    /// Asks KMS about the key that the trail has, if it has one.
    pub(super) async fn check_key_of(&self, trail: &Trail) -> Result<(), ApiError> {
        match &trail.kms_key_id {
            Some(key) => self.check_key(trail, key).await.map(drop),
            None => Ok(()),
        }
    }

    async fn check_key(&self, trail: &Trail, key: &str) -> Result<String, ApiError> {
        let region = key
            .split(':')
            .nth(3)
            .and_then(|text| text.parse::<Region>().ok());
        if region.is_some_and(|region| region != trail.home_region) {
            return Err(ApiError::new(
                "KmsKeyNotFoundException",
                format!(
                    "KMS key {key} is not in the Region of the trail, {}.",
                    trail.home_region
                ),
            ));
        }
        let checked = self
            .services
            .check_key(&trail.home_region, key, &trail.arn.0, &trail.bucket)
            .await;
        checked.map_err(|error| match error.code.as_deref() {
            None => unreachable("KMS", &error),
            Some("InvalidArnException" | "ValidationException") => because(
                "InvalidKmsKeyIdException",
                &format!("KMS key is not valid: {key}"),
                &error,
            ),
            Some("DisabledException" | "KMSInvalidStateException" | "InvalidKeyUsageException") => {
                because(
                    "KmsException",
                    &format!("KMS key {key} cannot be used"),
                    &error,
                )
            }
            Some(_) => because(
                "InsufficientEncryptionPolicyException",
                &format!(
                    "Insufficient permissions to access S3 bucket {} or KMS key {key}",
                    trail.bucket
                ),
                &error,
            ),
        })
    }

    async fn check_logs(
        &self,
        caller: &Caller,
        trail: &Trail,
        group: &str,
        role: &str,
    ) -> Result<(), ApiError> {
        let mut parts = group.split(':').skip(3);
        let (region, account) = (parts.next(), parts.next());
        // A delegated administrator's group is in its own account.
        if region != Some(trail.home_region.as_str()) || account != Some(caller.account.as_str()) {
            return Err(ApiError::new(
                "InvalidCloudWatchLogsLogGroupArnException",
                format!(
                    "Check the log group ARN: CloudTrail can't validate it. The group must be in {} and in account {}.",
                    trail.home_region, caller.account
                ),
            ));
        }
        self.services
            .check_role(role)
            .await
            .map_err(|error| match error.code.as_deref() {
                None => unreachable("STS", &error),
                Some("ServiceNotConfigured") => no_logs(&error),
                Some(_) => because(
                    "InvalidCloudWatchLogsRoleArnException",
                    "Access denied. Check the trust relationships for your role.",
                    &error,
                ),
            })?;
        let stream = pugmark_notify::stream_name(trail, trail.account);
        self.services
            .create_stream(role, group, &stream)
            .await
            .map_err(|error| match error.code.as_deref() {
                None => unreachable("CloudWatch Logs", &error),
                Some("ServiceNotConfigured") => no_logs(&error),
                Some(_) if error.is_denied() => because(
                    "InvalidCloudWatchLogsLogGroupArnException",
                    "Access denied. Check the permissions for your role.",
                    &error,
                ),
                Some(_) => because(
                    "InvalidCloudWatchLogsLogGroupArnException",
                    "Check the log group ARN: CloudTrail can't validate it.",
                    &error,
                ),
            })
    }
}

/// AWS's words; what the service said goes to the log, for a message of another service may say too much.
fn because(code: &'static str, message: &str, error: &ServiceError) -> ApiError {
    tracing::info!(
        exception = code,
        code = error.code,
        said = error.message,
        "a destination was refused"
    );
    let hint = match error.code.as_deref() {
        Some("ServiceNotConfigured") => format!(" ({})", error.message),
        Some(code) => format!(" ({code})"),
        None => String::new(),
    };
    ApiError::new(code, format!("{message}{hint}"))
}

/// Nothing can be delivered to CloudWatch Logs from here.
fn no_logs(error: &ServiceError) -> ApiError {
    because(
        "CloudWatchLogsDeliveryUnavailableException",
        "Cannot set a CloudWatch Logs delivery for this region",
        error,
    )
}

fn unreachable(service: &str, error: &ServiceError) -> ApiError {
    tracing::warn!(
        service,
        error = error.message,
        "a destination cannot be reached"
    );
    ApiError {
        code: "ServiceUnavailable",
        status: 503,
        message: format!("{service} cannot be reached at the moment."),
    }
}

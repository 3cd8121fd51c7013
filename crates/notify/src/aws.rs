//! The services as AWS's SDKs reach them.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, timeout::TimeoutConfig};
use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    service::ServiceError,
};

use crate::service::{BusEntry, LogEvent, Member, Organization, Services};

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// An assumed role is used until so long before it ends.
const ROLE_MARGIN: Duration = Duration::from_secs(300);
/// Accounts that are read of an organization.
const MEMBERS_MAX: usize = 100_000;

/// A client of one of AWS's SDKs: they share no type for their settings.
macro_rules! client {
    ($sdk:ident, $self:expr, $service:literal, $region:expr, $credentials:expr) => {{
        let config = $sdk::config::Builder::new()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new($region.to_string()))
            .credentials_provider($credentials)
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_timeout(CALL_TIMEOUT)
                    .build(),
            )
            .endpoint_url($self.endpoint($service)?);
        $sdk::Client::from_conf(config.build())
    }};
}

/// Where the services are, and who Pugmark is there.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Endpoint by service (`sns`, `kms`, `logs`, `events`, `sts`, `organizations`); a service without one is not there.
    pub urls: HashMap<&'static str, String>,
    /// Pugmark's own key.
    pub credentials: Credentials,
    /// Region of calls that have none of their own.
    pub region: Region,
    /// The organization, if it is set and need not be asked for.
    pub organization: Option<Organization>,
}

/// The services behind their endpoints.
pub struct AwsServices {
    connection: Endpoints,
    roles: Mutex<HashMap<String, (Credentials, Timestamp)>>,
}

impl AwsServices {
    /// Clients are made at each first use.
    pub fn new(connection: Endpoints) -> Self {
        Self {
            connection,
            roles: Mutex::new(HashMap::new()),
        }
    }

    fn endpoint(&self, service: &'static str) -> Result<&str, ServiceError> {
        let endpoint = self.connection.urls.get(service).map(String::as_str);
        endpoint.ok_or_else(|| ServiceError {
            code: Some("ServiceNotConfigured".to_owned()),
            message: format!("there is no upstream for {service}: set --upstream, or {service} in [upstream.services]"),
        })
    }

    /// The account that Pugmark's own key has, as STS tells it.
    ///
    /// # Errors
    /// When STS cannot be reached, or does not know the key.
    pub async fn account(&self) -> Result<AccountId, ServiceError> {
        let answer = self.sts()?.get_caller_identity().send().await;
        let answer = answer.map_err(|error| of_sdk(&error))?;
        let account = answer.account().and_then(|account| account.parse().ok());
        account.ok_or_else(|| ServiceError {
            code: Some("ValidationError".to_owned()),
            message: "STS answered without an account".to_owned(),
        })
    }

    fn sts(&self) -> Result<aws_sdk_sts::Client, ServiceError> {
        Ok(client!(
            aws_sdk_sts,
            self,
            "sts",
            &self.connection.region,
            self.connection.credentials.clone()
        ))
    }

    /// Organizations is one for all Regions, in us-east-1.
    fn organizations(&self) -> Result<aws_sdk_organizations::Client, ServiceError> {
        Ok(client!(
            aws_sdk_organizations,
            self,
            "organizations",
            Region::global(),
            self.connection.credentials.clone()
        ))
    }

    /// The role's credentials, from STS or, while they last, from the last time.
    async fn assume(&self, role: &str) -> Result<Credentials, ServiceError> {
        let now = Timestamp::now();
        {
            let roles = self
                .roles
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some((credentials, until)) = roles.get(role)
                && now < *until
            {
                return Ok(credentials.clone());
            }
        }
        let answer = self
            .sts()?
            .assume_role()
            .role_arn(role)
            .role_session_name("CLOUDWATCH_LOGS_DELIVERY_SESSION")
            .send()
            .await
            .map_err(|error| of_sdk(&error))?;
        let given = answer.credentials().ok_or_else(|| ServiceError {
            code: None,
            message: "STS answered without credentials".to_owned(),
        })?;
        let credentials = Credentials::new(
            given.access_key_id(),
            given.secret_access_key(),
            Some(given.session_token().to_owned()),
            None,
            "pugmark-role",
        );
        let ends = Timestamp::from_second(given.expiration().secs()).unwrap_or(now);
        let until = ends - ROLE_MARGIN;
        let mut roles = self
            .roles
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        roles.retain(|_, (_, until)| *until > now);
        roles.insert(role.to_owned(), (credentials.clone(), until));
        Ok(credentials)
    }

    fn forget(&self, role: &str) {
        self.roles
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .remove(role);
    }
}

#[async_trait]
impl Services for AwsServices {
    async fn publish(&self, topic: &str, message: &str) -> Result<(), ServiceError> {
        let region = region_of(topic).unwrap_or_else(|| self.connection.region.clone());
        let client = client!(
            aws_sdk_sns,
            self,
            "sns",
            region,
            self.connection.credentials.clone()
        );
        let sent = client
            .publish()
            .topic_arn(topic)
            .message(message)
            .send()
            .await;
        sent.map(drop).map_err(|error| of_sdk(&error))
    }

    async fn check_key(
        &self,
        region: &Region,
        key: &str,
        trail: &str,
        bucket: &str,
    ) -> Result<String, ServiceError> {
        let client = client!(
            aws_sdk_kms,
            self,
            "kms",
            region,
            self.connection.credentials.clone()
        );
        let described = client
            .describe_key()
            .key_id(key)
            .send()
            .await
            .map_err(|error| of_sdk(&error))?;
        // Not every store of keys refuses a data key for these.
        let metadata = described.key_metadata();
        let unfit = metadata.and_then(|key| {
            if !key.enabled() {
                Some(("DisabledException", "the key is disabled"))
            } else if key
                .key_spec()
                .is_some_and(|spec| spec.as_str() != "SYMMETRIC_DEFAULT")
            {
                Some(("InvalidKeyUsageException", "the key is not symmetric"))
            } else {
                None
            }
        });
        if let Some((code, message)) = unfit {
            return Err(ServiceError {
                code: Some(code.to_owned()),
                message: message.to_owned(),
            });
        }
        let made = client
            .generate_data_key()
            .key_id(key)
            .key_spec(aws_sdk_kms::types::DataKeySpec::Aes256)
            .encryption_context("aws:cloudtrail:arn", trail)
            .encryption_context("aws:s3:arn", format!("arn:aws:s3:::{bucket}"))
            .send()
            .await;
        made.map_err(|error| of_sdk(&error))?;
        let arn = metadata.and_then(|metadata| metadata.arn());
        Ok(arn.unwrap_or(key).to_owned())
    }

    async fn check_role(&self, role: &str) -> Result<(), ServiceError> {
        self.forget(role);
        self.assume(role).await.map(drop)
    }

    async fn create_stream(
        &self,
        role: &str,
        group: &str,
        stream: &str,
    ) -> Result<(), ServiceError> {
        let credentials = self.assume(role).await?;
        let region = region_of(group).unwrap_or_else(|| self.connection.region.clone());
        let client = client!(aws_sdk_cloudwatchlogs, self, "logs", region, credentials);
        let made = client
            .create_log_stream()
            .log_group_name(group_name(group))
            .log_stream_name(stream)
            .send()
            .await;
        match made.map_err(|error| of_sdk(&error)) {
            Err(error) if error.code.as_deref() == Some("ResourceAlreadyExistsException") => Ok(()),
            other => other.map(drop),
        }
    }

    async fn put_logs(
        &self,
        role: &str,
        group: &str,
        stream: &str,
        events: Vec<LogEvent>,
    ) -> Result<(), ServiceError> {
        let credentials = self.assume(role).await?;
        let region = region_of(group).unwrap_or_else(|| self.connection.region.clone());
        let client = client!(aws_sdk_cloudwatchlogs, self, "logs", region, credentials);
        let mut put = client
            .put_log_events()
            .log_group_name(group_name(group))
            .log_stream_name(stream);
        for event in events {
            let event = aws_sdk_cloudwatchlogs::types::InputLogEvent::builder()
                .timestamp(event.time.as_millisecond())
                .message(event.message)
                .build()
                .map_err(|error| ServiceError {
                    code: Some("InvalidParameterException".into()),
                    message: error.to_string(),
                })?;
            put = put.log_events(event);
        }
        let sent = put.send().await.map(drop).map_err(|error| of_sdk(&error));
        if sent.as_ref().is_err_and(ServiceError::is_denied) {
            // Perhaps the role was changed or its session was revoked: the next try assumes it anew.
            self.forget(role);
        }
        sent
    }

    async fn put_events(
        &self,
        region: &Region,
        entries: Vec<BusEntry>,
    ) -> Result<Vec<Option<ServiceError>>, ServiceError> {
        let client = client!(
            aws_sdk_eventbridge,
            self,
            "events",
            region,
            self.connection.credentials.clone()
        );
        let mut put = client.put_events();
        for entry in entries {
            put = put.entries(
                aws_sdk_eventbridge::types::PutEventsRequestEntry::builder()
                    .source(entry.source)
                    .detail_type(entry.detail_type)
                    .detail(entry.detail)
                    .time(aws_smithy_types::DateTime::from_millis(
                        entry.time.as_millisecond(),
                    ))
                    .build(),
            );
        }
        let answer = put.send().await.map_err(|error| of_sdk(&error))?;
        let refused = answer.entries().iter().map(|entry| {
            entry.error_code().map(|code| ServiceError {
                code: Some(code.to_owned()),
                message: entry.error_message().unwrap_or(code).to_owned(),
            })
        });
        Ok(refused.collect())
    }

    async fn organization(&self) -> Result<Option<Organization>, ServiceError> {
        if self.connection.organization.is_some() {
            return Ok(self.connection.organization.clone());
        }
        let client = self.organizations()?;
        let described = match client
            .describe_organization()
            .send()
            .await
            .map_err(|error| of_sdk(&error))
        {
            Err(error) if error.code.as_deref() == Some("AWSOrganizationsNotInUseException") => {
                return Ok(None);
            }
            other => other?,
        };
        let Some((id, management, has_all_features)) = described.organization().and_then(|found| {
            let features = found.feature_set().map(|it| it.as_str());
            Some((
                found.id()?.to_owned(),
                found.master_account_id()?.parse().ok()?,
                features.is_none_or(|it| it == "ALL"),
            ))
        }) else {
            return Ok(None);
        };
        let mut members = Vec::new();
        let mut token = None;
        loop {
            let page = client
                .list_accounts()
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| of_sdk(&error))?;
            members.extend(page.accounts().iter().filter_map(|account| {
                let id = account.id()?.parse().ok()?;
                Some(Member {
                    id,
                    name: account.name().unwrap_or_default().to_owned(),
                })
            }));
            token = page.next_token().map(str::to_owned);
            if token.is_none() || members.len() >= MEMBERS_MAX {
                return Ok(Some(Organization {
                    id,
                    management,
                    members,
                    has_all_features,
                }));
            }
        }
    }

    async fn trusts_cloudtrail(&self) -> Result<bool, ServiceError> {
        if self.connection.organization.is_some() {
            return Ok(true);
        }
        let client = self.organizations()?;
        let mut trusted = client
            .list_aws_service_access_for_organization()
            .into_paginator()
            .send();
        while let Some(page) = trusted.next().await {
            let page = page.map_err(|error| of_sdk(&error))?;
            let principals = page.enabled_service_principals();
            if principals
                .iter()
                .any(|it| it.service_principal() == Some("cloudtrail.amazonaws.com"))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The Region in an ARN.
fn region_of(arn: &str) -> Option<Region> {
    arn.split(':').nth(3)?.parse().ok()
}

/// The log group's name in its ARN, which may end in `:*`.
fn group_name(arn: &str) -> &str {
    arn.splitn(7, ':')
        .nth(6)
        .map_or(arn, |name| name.trim_end_matches(":*"))
}

fn of_sdk<E, R>(error: &SdkError<E, R>) -> ServiceError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let of_service = error.as_service_error();
    ServiceError {
        code: of_service
            .and_then(ProvideErrorMetadata::code)
            .map(str::to_owned),
        message: match of_service.and_then(ProvideErrorMetadata::message) {
            Some(message) => message.to_owned(),
            None => aws_smithy_types::error::display::DisplayErrorContext(error).to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_taken_apart() {
        let group = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/trail:*";
        assert_eq!(group_name(group), "/aws/trail");
        assert_eq!(group_name("plain"), "plain");
        assert_eq!(
            region_of(group).map(|region| region.to_string()),
            Some("eu-west-1".to_owned())
        );
        assert_eq!(region_of("plain"), None);
    }
}

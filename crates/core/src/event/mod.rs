//! The event: the record's JSON, rendered once, and the keys by which later stages select and find it.

mod codec;
pub mod record;
pub mod resources;

use bytes::Bytes;
pub use codec::{DecodeError, decode, encode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::{AccountId, Region};

/// One CloudTrail event as it travels through the journal to its followers.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What later stages select and look up by; derived from the record when it was composed.
    pub keys: EventKeys,
    /// The record: one minified JSON object. No stage changes these bytes.
    pub json: Bytes,
}

/// `eventCategory`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventCategory {
    /// Control-plane calls, sign-ins, service events.
    Management,
    /// Calls on the data inside a resource.
    Data,
    /// Calls through a VPC endpoint.
    NetworkActivity,
    /// Findings of Insights.
    Insight,
    /// Five-minute summaries of data events.
    Aggregated,
}

impl EventCategory {
    /// All categories.
    pub const ALL: [Self; 5] = [
        Self::Management,
        Self::Data,
        Self::NetworkActivity,
        Self::Insight,
        Self::Aggregated,
    ];

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// The name that stands in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Management => "Management",
            Self::Data => "Data",
            Self::NetworkActivity => "NetworkActivity",
            Self::Insight => "Insight",
            Self::Aggregated => "Aggregated",
        }
    }
}

/// `insightType`: what an Insight event is about, and what an Insights selector asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InsightType {
    /// Unusual rates of calls of an API that changes something.
    ApiCallRateInsight,
    /// Unusual rates of calls of an API that end in one error code.
    ApiErrorRateInsight,
}

impl InsightType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ApiCallRateInsight, Self::ApiErrorRateInsight];

    /// The name that stands in records and requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiCallRateInsight => "ApiCallRateInsight",
            Self::ApiErrorRateInsight => "ApiErrorRateInsight",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// That of an Insight event: one on errors names their code.
    pub fn of(keys: &EventKeys) -> Self {
        match keys.error_code {
            Some(_) => Self::ApiErrorRateInsight,
            None => Self::ApiCallRateInsight,
        }
    }
}

/// The fields of a record that selectors and look-ups ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct EventKeys {
    /// `eventID`.
    pub id: Uuid,
    /// `eventTime`, whole seconds.
    pub time: Timestamp,
    /// `eventCategory`.
    pub category: EventCategory,
    /// `recipientAccountId`.
    pub account: AccountId,
    /// `awsRegion`.
    pub region: Region,
    /// `eventSource`, such as `iam.amazonaws.com`.
    pub source: String,
    /// `eventName`.
    pub name: String,
    /// `eventType`, such as `AwsApiCall`.
    pub event_type: String,
    /// `readOnly`; absent for Insights and network activity.
    pub read_only: Option<bool>,
    /// Recorded for a global service (IAM, STS's global endpoint, CloudFront …): trails need `IncludeGlobalServiceEvents`.
    pub global_service: bool,
    /// What `LookupEvents` calls `Username`.
    pub username: Option<String>,
    /// `userIdentity.accessKeyId`.
    pub access_key_id: Option<String>,
    /// `userIdentity.arn`.
    pub identity_arn: Option<String>,
    /// `userIdentity.invokedBy`.
    pub invoked_by: Option<String>,
    /// `errorCode`.
    pub error_code: Option<String>,
    /// `vpcEndpointId`.
    pub vpc_endpoint_id: Option<String>,
    /// `sessionCredentialFromConsole` is `"true"`.
    pub from_console: bool,
    /// `resources` of the record.
    pub resources: Vec<Resource>,
    /// `Resources` of a `LookupEvents` answer: both the short name and the ARN of what the call touched.
    pub lookup_resources: Vec<LookupResource>,
}

impl EventKeys {
    /// Those of a management call that changes something, by nobody and on nothing: what else an event has is set in it.
    pub fn new(
        id: Uuid,
        time: Timestamp,
        account: AccountId,
        region: Region,
        source: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            id,
            time,
            category: EventCategory::Management,
            account,
            region,
            source: source.into(),
            name: name.into(),
            event_type: "AwsApiCall".to_owned(),
            read_only: Some(false),
            global_service: false,
            username: None,
            access_key_id: None,
            identity_arn: None,
            invoked_by: None,
            error_code: None,
            vpc_endpoint_id: None,
            from_console: false,
            resources: Vec::new(),
            lookup_resources: Vec::new(),
        }
    }
}

/// An entry of the record's `resources`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `type`, such as `AWS::S3::Object`.
    pub kind: Option<String>,
    /// `ARN`, or the `ARNPrefix` of a listing.
    pub arn: Option<String>,
    /// The owner's `accountId`.
    pub account: Option<String>,
    /// `arn` is an `ARNPrefix`.
    pub is_prefix: bool,
}

/// An entry of `Resources` in a `LookupEvents` answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LookupResource {
    /// `ResourceType`, such as `AWS::IAM::Role`.
    pub kind: Option<String>,
    /// `ResourceName`: an ARN or a short name.
    pub name: String,
}

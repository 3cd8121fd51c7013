//! The port to the other services: what Pugmark needs of them, in their own words.

use async_trait::async_trait;
use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    service::ServiceError,
};

/// An event for CloudWatch Logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// When it is delivered.
    pub time: Timestamp,
    /// The record's JSON.
    pub message: String,
}

/// An event for EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusEntry {
    /// Such as `aws.s3`.
    pub source: String,
    /// Such as `AWS API Call via CloudTrail`.
    pub detail_type: &'static str,
    /// When the event happened.
    pub time: Timestamp,
    /// The record's JSON.
    pub detail: String,
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// `o-…`.
    pub id: String,
    /// The management account.
    pub management: AccountId,
    /// Every account, the management account too.
    pub members: Vec<Member>,
    /// It has all features, not only consolidated billing.
    pub has_all_features: bool,
}

/// An account of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
}

/// What Pugmark asks of other services.
#[async_trait]
pub trait Services: Send + Sync + 'static {
    /// Publishes a message to a topic, by its ARN.
    async fn publish(&self, topic: &str, message: &str) -> Result<(), ServiceError>;

    /// The ARN of a key that can make data keys, by id, alias or ARN; makes one with the trail's encryption context.
    async fn check_key(
        &self,
        region: &Region,
        key: &str,
        trail: &str,
        bucket: &str,
    ) -> Result<String, ServiceError>;

    /// Assumes the role as CloudTrail does.
    async fn check_role(&self, role: &str) -> Result<(), ServiceError>;

    /// Makes a log stream, if it is not there.
    async fn create_stream(
        &self,
        role: &str,
        group: &str,
        stream: &str,
    ) -> Result<(), ServiceError>;

    /// Puts events into a log stream, at most 10,000 and 1 MiB, oldest first.
    async fn put_logs(
        &self,
        role: &str,
        group: &str,
        stream: &str,
        events: Vec<LogEvent>,
    ) -> Result<(), ServiceError>;

    /// Puts events, at most 10 and 256 KiB, on a Region's default bus; the result says which of them were refused.
    async fn put_events(
        &self,
        region: &Region,
        entries: Vec<BusEntry>,
    ) -> Result<Vec<Option<ServiceError>>, ServiceError>;

    /// The organization of the account whose keys Pugmark has; `None` if it is in none.
    async fn organization(&self) -> Result<Option<Organization>, ServiceError>;

    /// CloudTrail has trusted access to that organization.
    async fn trusts_cloudtrail(&self) -> Result<bool, ServiceError>;
}

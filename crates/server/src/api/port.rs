//! What the operations need from event history and delivery.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use pugmark_catalog::{Trail, TrailId};
use pugmark_core::account::{AccountId, Region};
use pugmark_table::{
    CountQuestion, Counts, Order, PageLimits, Question, Rank, SearchPage, TableError,
};
use serde_json::Value;

use super::{ApiError, Caller, lookup::DataInsights};

/// Answers `LookupEvents` and its kin.
#[async_trait]
pub(crate) trait HistoryPort: Send + Sync {
    /// One page of events.
    async fn lookup_events(
        &self,
        caller: &Caller,
        now: Timestamp,
        input: &Value,
    ) -> Result<Value, ApiError>;

    /// As [`pugmark_table::EventHistory::search`].
    async fn search(
        &self,
        question: &Question,
        order: Order,
        after: Option<Rank>,
        limits: PageLimits,
    ) -> Result<SearchPage, TableError>;

    /// As [`pugmark_table::EventHistory::count`].
    async fn count(
        &self,
        question: &Question,
        counted: &CountQuestion,
        time: Duration,
    ) -> Result<Counts, TableError>;

    /// As [`pugmark_table::EventHistory::wait_beyond`].
    async fn wait_beyond(&self, place: Rank, time: Duration);

    /// One page of Insight events on a trail's data events.
    async fn list_insights_data(&self, query: DataInsights) -> Result<Value, ApiError>;
}

/// What delivery knows and can check.
#[async_trait]
pub(crate) trait DeliveryPort: Send + Sync {
    /// How delivery of this trail goes in this Region.
    fn status(&self, trail: &TrailId, region: &Region) -> TrailStatus;

    /// Every key that signed digests of the Region between the two times, inclusive. `Err` says what failed, for the log.
    fn public_keys(
        &self,
        region: &Region,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<PublicKey>, String>;

    /// Whether the trail's files can be written where it says, for a caller of this account.
    async fn check(&self, trail: &Trail, caller: AccountId) -> Result<(), CheckError>;
}

/// How delivery of a trail goes in one Region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TrailStatus {
    /// The last log file that was written.
    pub latest_delivery_time: Option<Timestamp>,
    /// The S3 error code of the last write, if it failed.
    pub latest_delivery_error: Option<String>,
    /// The last time that a write was tried.
    pub latest_delivery_attempt_time: Option<Timestamp>,
    /// The last digest that was written.
    pub latest_digest_delivery_time: Option<Timestamp>,
    /// The S3 error code of the last digest write, if it failed.
    pub latest_digest_delivery_error: Option<String>,
    /// The topic was told of a log file.
    pub latest_notification_time: Option<Timestamp>,
    /// The last time that the topic was tried to be told.
    pub latest_notification_attempt_time: Option<Timestamp>,
    /// SNS's error code of the last notification, if it failed.
    pub latest_notification_error: Option<String>,
    /// CloudWatch Logs took events.
    pub latest_logs_delivery_time: Option<Timestamp>,
    /// CloudWatch Logs' error code of the last events, if they failed.
    pub latest_logs_delivery_error: Option<String>,
}

/// A public key for digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    /// PKCS#1 DER.
    pub value: Vec<u8>,
    /// Start of its validity.
    pub validity_start: Timestamp,
    /// End of its validity.
    pub validity_end: Timestamp,
    /// 32 hexadecimal digits.
    pub fingerprint: String,
}

/// Why files cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CheckError {
    /// The bucket does not exist.
    NoSuchBucket,
    /// The bucket does not let us write, and why.
    Denied(String),
    /// The trail's key does not let us write: S3's code, such as `KMS.DisabledException`.
    Key(String),
    /// The bucket is another account's, and the prefix is among the folders of other trails.
    ForeignFolder,
    /// The bucket cannot be reached at the moment.
    Unreachable(String),
}

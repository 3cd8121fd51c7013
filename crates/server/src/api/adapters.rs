//! Event history and delivery as the ports of the operations.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use pugmark_catalog::{Trail, TrailId};
use pugmark_core::account::{AccountId, Region};
use pugmark_delivery::Delivery;
use pugmark_notify::Notifier;
use pugmark_table::{
    CountQuestion, Counts, EventHistory, Order, PageLimits, Question, Rank, SearchPage, TableError,
};
use serde_json::Value;

use super::{
    ApiError, Caller, lookup,
    port::{CheckError, DeliveryPort, HistoryPort, PublicKey, TrailStatus},
};

#[async_trait]
impl HistoryPort for EventHistory {
    async fn lookup_events(
        &self,
        caller: &Caller,
        now: Timestamp,
        input: &Value,
    ) -> Result<Value, ApiError> {
        lookup::lookup_events(self, caller, now, input).await
    }

    async fn search(
        &self,
        question: &Question,
        order: Order,
        after: Option<Rank>,
        limits: PageLimits,
    ) -> Result<SearchPage, TableError> {
        EventHistory::search(self, question, order, after, limits).await
    }

    async fn count(
        &self,
        question: &Question,
        counted: &CountQuestion,
        time: Duration,
    ) -> Result<Counts, TableError> {
        EventHistory::count(self, question, counted, time).await
    }

    async fn wait_beyond(&self, place: Rank, time: Duration) {
        EventHistory::wait_beyond(self, place, time).await;
    }

    async fn list_insights_data(&self, query: lookup::DataInsights) -> Result<Value, ApiError> {
        lookup::list_insights_data(self, query).await
    }
}

/// How long a bucket may take to answer before a trail is made or changed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// Delivery of files, and what other services are told.
pub(crate) struct Deliveries {
    pub(crate) files: Delivery,
    pub(crate) notifier: Notifier,
}

#[async_trait]
impl DeliveryPort for Deliveries {
    fn status(&self, trail: &TrailId, region: &Region) -> TrailStatus {
        let status = self.files.status(trail, region);
        let logs = self.notifier.logs_status(trail);
        TrailStatus {
            latest_delivery_time: status.latest_delivery_time,
            latest_delivery_error: status.latest_delivery_error,
            latest_delivery_attempt_time: status.latest_delivery_attempt_time,
            latest_digest_delivery_time: status.latest_digest_delivery_time,
            latest_digest_delivery_error: status.latest_digest_delivery_error,
            latest_notification_time: status.latest_notification_time,
            latest_notification_attempt_time: status.latest_notification_attempt_time,
            latest_notification_error: status.latest_notification_error,
            latest_logs_delivery_time: logs.latest_delivery_time,
            latest_logs_delivery_error: logs.latest_error,
        }
    }

    fn public_keys(
        &self,
        region: &Region,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<PublicKey>, String> {
        let keys = self
            .files
            .public_keys(region, from, to)
            .map_err(|error| error.to_string())?;
        let key = |key: pugmark_delivery::PublicKey| PublicKey {
            value: key.value,
            validity_start: key.validity_start,
            validity_end: key.validity_end,
            fingerprint: key.fingerprint,
        };
        Ok(keys.into_iter().map(key).collect())
    }

    async fn check(&self, trail: &Trail, caller: AccountId) -> Result<(), CheckError> {
        use pugmark_delivery::CheckError as Found;
        let checked = tokio::time::timeout(CHECK_TIMEOUT, self.files.check(trail, caller)).await;
        let checked = checked.map_err(|_| CheckError::Unreachable("no answer in time".into()))?;
        checked.map_err(|error| match error {
            Found::NoSuchBucket => CheckError::NoSuchBucket,
            Found::Denied { message } => CheckError::Denied(message),
            Found::Key { code } => CheckError::Key(code),
            Found::ForeignFolder => CheckError::ForeignFolder,
            Found::Unreachable { .. } => CheckError::Unreachable(error.to_string()),
        })
    }
}

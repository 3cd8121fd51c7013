//! What `GetTrailStatus` tells of delivery, by trail and Region.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Moments and errors of a trail's deliveries in one Region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailStatus {
    /// A log file was written.
    pub latest_delivery_time: Option<Timestamp>,
    /// S3's error code of the last failed write; cleared by the next success.
    pub latest_delivery_error: Option<String>,
    /// A log file was tried to be written.
    pub latest_delivery_attempt_time: Option<Timestamp>,
    /// A digest file was written.
    pub latest_digest_delivery_time: Option<Timestamp>,
    /// S3's error code of the last failed digest; cleared by the next success.
    pub latest_digest_delivery_error: Option<String>,
    /// The topic was told of a log file.
    #[serde(default)]
    pub latest_notification_time: Option<Timestamp>,
    /// The topic was tried to be told.
    #[serde(default)]
    pub latest_notification_attempt_time: Option<Timestamp>,
    /// SNS's error code of the last failed notification; cleared by the next success.
    #[serde(default)]
    pub latest_notification_error: Option<String>,
}

impl TrailStatus {
    /// A put that went well.
    pub(crate) fn succeeded(&mut self, is_digest: bool, now: Timestamp) {
        if is_digest {
            self.latest_digest_delivery_time = Some(now);
            self.latest_digest_delivery_error = None;
        } else {
            self.latest_delivery_time = Some(now);
            self.latest_delivery_attempt_time = Some(now);
            self.latest_delivery_error = None;
        }
    }

    /// A put that failed; a time-out has no code and sets no error, as with AWS.
    pub(crate) fn failed(&mut self, is_digest: bool, code: Option<&str>, now: Timestamp) {
        if is_digest {
            self.latest_digest_delivery_error = code.map(str::to_owned);
        } else {
            self.latest_delivery_attempt_time = Some(now);
            self.latest_delivery_error = code.map(str::to_owned);
        }
    }

    /// Files or notifications go elsewhere from now on: errors of the earlier place are over.
    pub(crate) fn moved(&mut self, bucket: bool, topic: bool) {
        if bucket {
            self.latest_delivery_error = None;
            self.latest_digest_delivery_error = None;
        }
        if topic {
            self.latest_notification_error = None;
        }
    }

    /// A notification that ended so, or was tried.
    pub(crate) fn notified(&mut self, result: Result<(), Option<&str>>, now: Timestamp) {
        self.latest_notification_attempt_time = Some(now);
        match result {
            Ok(()) => {
                self.latest_notification_time = Some(now);
                self.latest_notification_error = None;
            }
            Err(code) => self.latest_notification_error = code.map(str::to_owned),
        }
    }
}

//! The clock port: everything that asks for the time asks here, so that tests can say what time it is.

use std::sync::Mutex;

pub use jiff::Timestamp;
use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is told to move; for tests and simulation.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock on by `duration`.
    pub fn advance(&self, duration: SignedDuration) {
        let mut now = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now
            .checked_add(duration)
            .expect("tests stay within the calendar");
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// `2026-01-19T21:17:28Z`: the form of `eventTime` and of digest times (whole seconds, UTC).
pub fn iso_seconds(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

const BASIC: &str = "%Y%m%dT%H%M%SZ";

/// `20260119T211728Z`: the form of digest file names and of `X-Amz-Date`.
pub fn basic_seconds(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime(BASIC).to_string()
}

/// The time of such a text.
pub fn parse_basic_seconds(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime(BASIC, text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// `20260119T2117Z`: the form of log file names.
pub fn basic_minutes(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y%m%dT%H%MZ")
        .to_string()
}

/// `2026/01/19`: the date folders of a trail's keys.
pub fn date_path(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y/%m/%d")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_cloudtrail_prints_them() {
        let time: Timestamp = "2026-01-09T01:07:08.9Z".parse().unwrap();
        assert_eq!(iso_seconds(time), "2026-01-09T01:07:08Z");
        assert_eq!(basic_seconds(time), "20260109T010708Z");
        assert_eq!(basic_minutes(time), "20260109T0107Z");
        assert_eq!(date_path(time), "2026/01/09");
    }
}

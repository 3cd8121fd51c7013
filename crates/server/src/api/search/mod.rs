//! `SearchEvents`, `CountEvents` and `ExportEvents`: Pugmark's own operations on event history (`docs/api/search.smithy`).

mod access;
mod csv;
mod export;
mod question;
mod token;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pugmark_table::{
    CountQuestion, DamagedFile, Found, LookupEvent, Order, Origin, PageLimits, Question, Rank,
    TableError,
};
use serde_json::{Map, Value, json};

pub(super) use self::export::EXPORTS_MAX;
pub(crate) use self::{access::Organizations, export::Export};
use super::{Api, ApiError, Caller, fields::Fields, lookup};

/// Records of a page, in bytes.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A page ends after so much searching.
const PAGE_TIME_MAX: Duration = Duration::from_secs(4);
/// Clients give up after a minute.
const COUNT_TIME_MAX: Duration = Duration::from_secs(50);
/// Without a start, following leaves out events that arrive later than this after their time.
const LATE_MAX: SignedDuration = SignedDuration::from_hours(24);
/// Damaged files that an answer names.
const TOLD_FILES_MAX: usize = 10;
const RESULTS_MAX: usize = 1000;
const RESULTS: usize = 50;
const COUNTED_VALUES: usize = 20;
const WAIT_SECONDS_MAX: i64 = 20;
const INTERVAL_SECONDS_MAX: i64 = 365 * 24 * 60 * 60;

impl Api {
    pub(super) async fn search_events(
        &self,
        caller: &Caller,
        input: &Value,
    ) -> Result<Value, ApiError> {
        let fields = Fields::of(input)?;
        let read = question::read(caller, fields)?;
        let order = question::order(fields)?.unwrap_or(Order::NewestFirst);
        let max_results = question::number(fields, "MaxResults", 1, RESULTS_MAX as i64)
            .map_err(|error| ApiError::new("InvalidMaxResultsException", error.message))?;
        let wait = question::number(fields, "WaitSeconds", 0, WAIT_SECONDS_MAX)?;
        if order == Order::Arrival {
            question::only_recorded(fields)?;
        } else if wait.is_some() {
            return Err(question::invalid("WaitSeconds needs Order Arrival."));
        }
        let after = match fields.text("NextToken")? {
            Some(text) => Some(token::parse(caller, input, text)?),
            None => None,
        };
        let mut question = self.visible(caller, read).await?;
        let limits = PageLimits {
            events: max_results.map_or(RESULTS, |number| number as usize),
            bytes: PAGE_BYTES_MAX,
            time: PAGE_TIME_MAX,
        };
        let deadline = tokio::time::Instant::now()
            + Duration::from_secs(wait.unwrap_or_default().unsigned_abs());
        let mut after = after;
        if order == Order::Arrival && question.start.is_none() {
            if after.is_none() {
                after = self.present(&question).await?;
            }
            // A look at files that are older than this would find nothing that has just arrived.
            question.start = self.clock.now().checked_sub(LATE_MAX).ok();
        }
        let page = loop {
            let page = self
                .history
                .search(&question, order, after, limits)
                .await
                .map_err(|error| failed(&error))?;
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            let Some(next) = page.next else { break page };
            if !page.events.is_empty() || !page.is_last || left.is_zero() || self.is_stopping() {
                break page;
            }
            // What was looked at once need not be looked at again.
            after = Some(next);
            tokio::select! {
                () = self.history.wait_beyond(next, left) => {}
                () = self.stopping() => {}
            }
        };
        let mut output = Map::new();
        put_incomplete(&mut output, &page.damaged);
        let events = page.events.iter().map(render_found).collect();
        output.insert("Events".into(), Value::Array(events));
        if let Some(next) = page.next {
            output.insert("NextToken".into(), token::text(caller, input, next).into());
            if let Some(seconds) = next.seconds(order) {
                output.insert("SearchedTo".into(), seconds.into());
            }
        }
        Ok(Value::Object(output))
    }

    pub(super) async fn count_events(
        &self,
        caller: &Caller,
        input: &Value,
    ) -> Result<Value, ApiError> {
        let fields = Fields::of(input)?;
        let read = question::read(caller, fields)?;
        let by = fields
            .text("CountBy")?
            .map(|text| question::field("countBy", text));
        let values_max = question::number(fields, "MaxValues", 1, RESULTS_MAX as i64)?;
        let interval = question::number(fields, "IntervalSeconds", 1, INTERVAL_SECONDS_MAX)?;
        let counted = CountQuestion {
            by: by.transpose()?,
            values_max: values_max.map_or(COUNTED_VALUES, |number| number as usize),
            interval_seconds: interval.and_then(|seconds| u32::try_from(seconds).ok()),
        };
        let question = self.visible(caller, read).await?;
        let counts = self
            .history
            .count(&question, &counted, COUNT_TIME_MAX)
            .await;
        let counts = counts.map_err(|error| failed(&error))?;
        let mut output = Map::new();
        put_incomplete(&mut output, &counts.damaged);
        output.insert("Total".into(), counts.total.into());
        if counted.by.is_some() {
            let value = |(value, count)| json!({"Value": value, "Count": count});
            let values = counts.values.into_iter().map(value).collect();
            output.insert("Values".into(), Value::Array(values));
            output.insert("OtherCount".into(), counts.other.into());
            output.insert("MissingCount".into(), counts.missing.into());
            output.insert("ValuesTruncated".into(), counts.is_truncated.into());
        }
        if counted.interval_seconds.is_some() {
            let entry = |(time, count)| json!({"Time": time, "Count": count});
            let histogram = counts.histogram.into_iter().map(entry).collect();
            output.insert("Histogram".into(), Value::Array(histogram));
        }
        Ok(Value::Object(output))
    }

    fn is_stopping(&self) -> bool {
        self.shutdown.as_ref().is_some_and(|stop| *stop.borrow())
    }

    /// Waits until the server is to stop: who follows must not hold it up.
    async fn stopping(&self) {
        match self.shutdown.clone() {
            Some(mut stop) => crate::listen::stopped(&mut stop).await,
            None => std::future::pending().await,
        }
    }

    /// The place where what arrives from now on begins.
    async fn present(&self, question: &Question) -> Result<Option<Rank>, ApiError> {
        let nothing = Question {
            start: Some(Timestamp::MAX),
            ..question.clone()
        };
        let limits = PageLimits {
            events: 1,
            bytes: 0,
            time: PAGE_TIME_MAX,
        };
        let page = self
            .history
            .search(&nothing, Order::Arrival, None, limits)
            .await;
        Ok(page.map_err(|error| failed(&error))?.next)
    }

    /// The question with the accounts that the caller may see.
    async fn visible(&self, caller: &Caller, read: question::Read) -> Result<Question, ApiError> {
        let visible = self.visible_accounts(caller, &read).await?;
        Ok(Question {
            accounts: visible.recorded,
            imported_accounts: visible.imported,
            ..read.question
        })
    }
}

fn render_found(found: &Found) -> Value {
    let mut out = lookup::render_event(&LookupEvent::from(&found.event));
    if let Value::Object(out) = &mut out {
        let keys = &found.event.keys;
        out.insert("AccountId".into(), keys.account.as_str().into());
        out.insert("Region".into(), keys.region.as_str().into());
        out.insert("Origin".into(), origin_name(found.origin).into());
    }
    out
}

/// Says what is missing, if anything is.
fn put_incomplete(output: &mut Map<String, Value>, damaged: &[DamagedFile]) {
    if damaged.is_empty() {
        return;
    }
    let files: Vec<String> = damaged.iter().take(TOLD_FILES_MAX).map(path).collect();
    let incomplete = json!({"DamagedFileCount": damaged.len(), "DamagedFiles": files});
    output.insert("Incomplete".into(), incomplete);
}

/// Where a damaged file lies below the data directory.
fn path(file: &DamagedFile) -> String {
    let table = match file.origin {
        Origin::Recorded => crate::wiring::EVENTS,
        Origin::Imported => crate::wiring::IMPORTS,
    };
    format!("{table}/{}", file.path)
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Recorded => "Recorded",
        Origin::Imported => "Imported",
    }
}

fn failed(error: &TableError) -> ApiError {
    match error {
        TableError::Busy => ApiError {
            code: "ServiceUnavailable",
            status: 503,
            message: "Too many searches at the same time; try again in a moment.".into(),
        },
        TableError::Exceeded(what) => ApiError::new(
            "InvalidTimeRangeException",
            format!("This is too much: {what}."),
        ),
        error => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "a search in event history failed"
            );
            ApiError {
                code: "InternalFailure",
                status: 500,
                message: "Event history could not be read; try again.".into(),
            }
        }
    }
}

#[cfg(test)]
mod tests;

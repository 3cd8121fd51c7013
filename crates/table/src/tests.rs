//! Event history as a whole, against a plain list of events, through flushes, restarts and crashes at every step.

#![allow(clippy::unwrap_used)]

mod crash;
mod files;
mod life;
mod mirror;
mod model;
mod search;

use std::{ops::Range, path::Path, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use pugmark_core::{
    clock::ManualClock,
    event::{self, Event, EventCategory, EventKeys, LookupResource, Resource},
};
use pugmark_journal::{Entry, EntryKind, Journal, MemoryJournal};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    Cursor, EventHistory, LookupCategory, LookupEvent, LookupKey, LookupQuery, Settings, part::Hook,
};

pub(crate) const NOW: i64 = 1_800_000_000;
/// More than a month, in seconds.
const MONTH: i64 = 31 * 86_400;
const ACCOUNT: &str = "123456789012";

/// Small row groups, so that a few events fill several.
pub(crate) fn settings() -> Settings {
    Settings {
        row_group_rows: 5,
        file_rows_max: 40,
        compact_files: 3,
        ..Settings::default()
    }
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

pub(crate) fn sample(number: u128, seconds: i64) -> Event {
    Event {
        keys: EventKeys {
            id: Uuid::from_u128(number),
            time: time(seconds),
            category: EventCategory::Management,
            account: ACCOUNT.parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            source: "iam.amazonaws.com".into(),
            name: "CreateUser".into(),
            event_type: "AwsApiCall".into(),
            read_only: Some(false),
            global_service: true,
            username: Some("alice".into()),
            access_key_id: Some("AKIAEXAMPLE".into()),
            identity_arn: Some("arn:aws:iam::123456789012:user/alice".into()),
            invoked_by: Some("backup.amazonaws.com".into()),
            error_code: Some("AccessDenied".into()),
            vpc_endpoint_id: Some("vpce-1".into()),
            from_console: true,
            resources: vec![Resource {
                kind: Some("AWS::IAM::User".into()),
                arn: Some("arn:aws:iam::123456789012:user/bob".into()),
                account: None,
                is_prefix: false,
            }],
            lookup_resources: vec![
                LookupResource {
                    kind: Some("AWS::IAM::User".into()),
                    name: "bob".into(),
                },
                LookupResource {
                    kind: None,
                    name: "ünïcode".into(),
                },
            ],
        },
        json: Bytes::from(format!("{{\"number\":{number}}}")),
    }
}

async fn append(journal: &MemoryJournal, events: &[Event]) {
    let entry = |event| Entry {
        kind: EntryKind::Event,
        payload: event::encode(event),
    };
    journal
        .append(events.iter().map(entry).collect())
        .await
        .unwrap();
}

async fn open(dir: &Path, journal: &Arc<MemoryJournal>, hook: Hook) -> EventHistory {
    let clock = Arc::new(ManualClock::new(time(NOW)));
    EventHistory::open_with(dir.into(), journal.clone(), clock, settings(), hook)
        .await
        .unwrap()
}

/// An empty history in a folder of its own, with its journal and the clock that it asks.
async fn fresh(
    settings: Settings,
) -> (TempDir, Arc<MemoryJournal>, Arc<ManualClock>, EventHistory) {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let clock = Arc::new(ManualClock::new(time(NOW)));
    let (at, followed) = (dir.path().into(), journal.clone());
    let history = EventHistory::open(at, followed, clock.clone(), settings);
    let history = history.await.unwrap();
    (dir, journal, clock, history)
}

fn query(filter: Option<(LookupKey, &str)>) -> LookupQuery {
    LookupQuery {
        account: ACCOUNT.parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        category: LookupCategory::Management,
        filter: filter.map(|(key, value)| (key, value.to_owned())),
        start: None,
        end: None,
        max_results: 50,
        after: None,
    }
}

/// All pages of an answer; a page may not be empty unless it is the only one.
async fn all_pages(history: &EventHistory, query: &LookupQuery) -> Vec<LookupEvent> {
    history.catch_up().await.unwrap();
    let mut query = query.clone();
    let mut events = Vec::new();
    loop {
        let page = history.lookup(&query).await.unwrap();
        assert!(page.events.len() <= query.max_results);
        let next: Option<Cursor> = page.next;
        assert!(next.is_none() || page.events.len() == query.max_results);
        events.extend(page.events);
        match next {
            Some(next) => query.after = Some(next),
            None => return events,
        }
    }
}

fn numbers(events: &[LookupEvent]) -> Vec<u128> {
    events.iter().map(|event| event.id.as_u128()).collect()
}

/// The events that are alice's in [`many_row_groups`].
const ALICES: Range<u128> = 0..45;

/// More row groups than are read at a time, each with an event of alice's and others before and after it.
async fn many_row_groups() -> (TempDir, EventHistory) {
    let (dir, journal, _, history) = fresh(Settings {
        row_group_rows: 3,
        file_rows_max: 3 * 45,
        ..settings()
    })
    .await;
    let events: Vec<Event> = ALICES
        .flat_map(|number| [number + 1_000, number, number + 2_000])
        .enumerate()
        .map(|(second, number)| {
            let mut event = sample(number, NOW - 1_000 + second as i64);
            if !ALICES.contains(&number) {
                event.keys.username = Some("bob".into());
            }
            event
        })
        .collect();
    append(&journal, &events).await;
    history.catch_up().await.unwrap();
    history.flush().await.unwrap();
    (dir, history)
}

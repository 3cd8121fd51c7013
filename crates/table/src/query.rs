//! What is asked and what is answered.

use std::cmp::Reverse;

use bytes::Bytes;
use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    event::{Event, EventCategory, EventKeys, LookupResource},
};
use pugmark_journal::Seq;
use uuid::Uuid;

/// A page holds at most this many events, whatever is asked.
const PAGE_EVENTS_MAX: usize = 1000;

/// Which events are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LookupCategory {
    /// Management events.
    Management,
    /// Insights events.
    Insight,
}

impl LookupCategory {
    /// The category in the record.
    pub(crate) fn event_category(self) -> EventCategory {
        match self {
            Self::Management => EventCategory::Management,
            Self::Insight => EventCategory::Insight,
        }
    }
}

/// What an event can be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LookupKey {
    /// The event's id.
    EventId,
    /// Such as `CreateUser`.
    EventName,
    /// `true` or `false`.
    ReadOnly,
    /// The user, the role session, `root` or the service.
    Username,
    /// Such as `AWS::IAM::User`.
    ResourceType,
    /// An ARN or a name.
    ResourceName,
    /// Such as `iam.amazonaws.com`.
    EventSource,
    /// The access key that signed.
    AccessKeyId,
}

impl LookupKey {
    /// All keys.
    pub(crate) const ALL: [Self; 8] = [
        Self::EventId,
        Self::EventName,
        Self::ReadOnly,
        Self::Username,
        Self::ResourceType,
        Self::ResourceName,
        Self::EventSource,
        Self::AccessKeyId,
    ];
}

/// A question to event history.
#[derive(Debug, Clone, PartialEq)]
pub struct LookupQuery {
    /// Whose events.
    pub account: AccountId,
    /// Where they occurred.
    pub region: Region,
    /// Which kind.
    pub category: LookupCategory,
    /// A key and the value that it must have, letter by letter.
    pub filter: Option<(LookupKey, String)>,
    /// The earliest event time, inclusive.
    pub start: Option<Timestamp>,
    /// The latest event time, inclusive.
    pub end: Option<Timestamp>,
    /// Events per page.
    pub max_results: usize,
    /// Where the page before this one ended.
    pub after: Option<Cursor>,
}

/// A place in the order of events: newest time first, at equal times the later journal position first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// The event's time.
    pub time: Timestamp,
    /// The event's position in the journal.
    pub seq: Seq,
}

/// An answer of event history.
#[derive(Debug, Clone, PartialEq)]
pub struct LookupPage {
    /// Newest first.
    pub events: Vec<LookupEvent>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// What `LookupEvents` tells of an event: less than its keys, for each of them that is read takes time.
#[derive(Debug, Clone, PartialEq)]
pub struct LookupEvent {
    /// The event's id.
    pub id: Uuid,
    /// When it occurred, in whole seconds.
    pub time: Timestamp,
    /// Such as `iam.amazonaws.com`.
    pub source: String,
    /// Such as `CreateUser`.
    pub name: String,
    /// Whether it changed nothing.
    pub read_only: Option<bool>,
    /// The user, the role session, `root` or the service.
    pub username: Option<String>,
    /// The access key that signed.
    pub access_key_id: Option<String>,
    /// The resources by which it is found.
    pub resources: Vec<LookupResource>,
    /// The record, byte by byte.
    pub json: Bytes,
}

impl From<&Event> for LookupEvent {
    fn from(Event { keys, json }: &Event) -> Self {
        Self {
            id: keys.id,
            time: keys.time,
            source: keys.source.clone(),
            name: keys.name.clone(),
            read_only: keys.read_only,
            username: keys.username.clone(),
            access_key_id: keys.access_key_id.clone(),
            resources: keys.lookup_resources.clone(),
            json: json.clone(),
        }
    }
}

/// An event's place in the order, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) seconds: i64,
    pub(crate) seq: u64,
}

impl Place {
    /// Sorts newest first.
    pub(crate) fn newest_first(self) -> Reverse<Self> {
        Reverse(self)
    }
}

/// A query, ready to be compared with events.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) category: LookupCategory,
    pub(crate) filter: Option<(LookupKey, String)>,
    /// First second, inclusive.
    pub(crate) from: i64,
    /// Last second, inclusive.
    pub(crate) to: i64,
    /// Only what comes after this place: older ones.
    pub(crate) after: Option<Place>,
    /// Events on a page.
    pub(crate) page_events: usize,
}

impl Wanted {
    /// `horizon` is the oldest time that event history shows.
    pub(crate) fn new(query: &LookupQuery, horizon: Timestamp) -> Self {
        let start = query.start.map_or(horizon, |start| start.max(horizon));
        Self {
            account: query.account,
            region: query.region.clone(),
            category: query.category,
            filter: query.filter.clone(),
            from: start.as_second() + i64::from(start.subsec_nanosecond() > 0),
            to: query.end.map_or(i64::MAX, Timestamp::as_second),
            after: query.after.map(|cursor| Place {
                seconds: cursor.time.as_second(),
                seq: cursor.seq.0,
            }),
            page_events: query.max_results.clamp(1, PAGE_EVENTS_MAX),
        }
    }

    /// One more than the page holds, to know whether there is another page.
    pub(crate) fn needed(&self) -> usize {
        self.page_events + 1
    }

    /// Whether time range and cursor let an event at this place through.
    pub(crate) fn admits(&self, place: Place) -> bool {
        (self.from..=self.to).contains(&place.seconds)
            && self.after.is_none_or(|after| place < after)
    }

    /// The latest second that can still be part of the answer.
    pub(crate) fn latest(&self) -> i64 {
        self.after
            .map_or(self.to, |after| after.seconds.min(self.to))
    }

    /// Whether the filter lets an event with these keys through.
    #[cfg(test)]
    pub(crate) fn filter_admits(&self, keys: &EventKeys) -> bool {
        let Some((key, value)) = &self.filter else {
            return true;
        };
        let mut found = false;
        terms(keys, |term_key, term| {
            found |= term_key == *key && term == value
        });
        found || (*key == LookupKey::EventId && keys.id.to_string() == *value)
    }
}

/// Everything that an event can be found by, except its id; a term may come twice.
pub(crate) fn terms<'a>(keys: &'a EventKeys, mut each: impl FnMut(LookupKey, &'a str)) {
    each(LookupKey::EventName, &keys.name);
    each(LookupKey::EventSource, &keys.source);
    if let Some(read_only) = keys.read_only {
        each(
            LookupKey::ReadOnly,
            if read_only { "true" } else { "false" },
        );
    }
    if let Some(username) = &keys.username {
        each(LookupKey::Username, username);
    }
    if let Some(access_key_id) = &keys.access_key_id {
        each(LookupKey::AccessKeyId, access_key_id);
    }
    for resource in &keys.lookup_resources {
        if let Some(kind) = &resource.kind {
            each(LookupKey::ResourceType, kind);
        }
        each(LookupKey::ResourceName, &resource.name);
    }
}

//! The newest events, in memory, indexed by everything that they can be looked up by.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use pugmark_core::{
    account::{AccountId, Region},
    event::{Event, EventCategory, record::Members},
};
use uuid::Uuid;

use crate::query::{LookupKey, Place, Wanted, terms};

/// What an event costs in memory beside its texts: tree and index entries, allocations. An estimate, on the high side.
const EVENT_OVERHEAD_BYTES: usize = 1024;

/// An event with its position.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) seq: u64,
    pub(crate) event: Event,
    /// The record as text, and where its other members stand, if that is known.
    pub(crate) members: Option<Box<Members>>,
}

impl Row {
    pub(crate) fn new(seq: u64, event: Event) -> Self {
        Self {
            seq,
            event,
            members: None,
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            seconds: self.event.keys.time.as_second(),
            seq: self.seq,
        }
    }
}

/// The newest events.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    parts: HashMap<(AccountId, Region, EventCategory), Part>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Part {
    rows: BTreeMap<Place, Arc<Row>>,
    ids: HashMap<Uuid, Vec<Place>>,
    /// Places in ascending order.
    terms: HashMap<(LookupKey, Box<str>), Vec<Place>>,
}

impl Tail {
    /// Takes an event, unless the same one (by id and time) is there already.
    pub(crate) fn insert(&mut self, row: Arc<Row>) {
        let keys = &row.event.keys;
        let part = self
            .parts
            .entry((keys.account, keys.region.clone(), keys.category))
            .or_default();
        let place = row.place();
        let places = part.ids.entry(keys.id).or_default();
        if places.iter().any(|known| known.seconds == place.seconds) {
            return;
        }
        places.push(place);
        terms(keys, |key, text| {
            let places = part.terms.entry((key, text.into())).or_default();
            if let Err(at) = places.binary_search(&place) {
                places.insert(at, place);
            }
        });
        self.bytes += row_bytes(&row);
        part.rows.insert(place, row);
    }

    /// The newest events that are wanted, newest first; at most as many as are needed.
    pub(crate) fn find(&self, wanted: &Wanted) -> Vec<Arc<Row>> {
        let partition = (
            wanted.account,
            wanted.region.clone(),
            wanted.category.event_category(),
        );
        let Some(part) = self.parts.get(&partition) else {
            return Vec::new();
        };
        let row = |place: &Place| part.rows.get(place).cloned();
        let Some((key, value)) = &wanted.filter else {
            let newest = Place {
                seconds: wanted.latest(),
                seq: u64::MAX,
            };
            let rows = part
                .rows
                .range(..=newest)
                .rev()
                .take_while(|(place, _)| place.seconds >= wanted.from);
            return rows
                .filter(|(place, _)| wanted.admits(**place))
                .take(wanted.needed())
                .map(|(_, row)| row.clone())
                .collect();
        };
        if *key == LookupKey::EventId {
            let places = id_of(value)
                .and_then(|id| part.ids.get(&id))
                .map_or(&[][..], Vec::as_slice);
            let mut places: Vec<&Place> = places
                .iter()
                .filter(|place| wanted.admits(**place))
                .collect();
            places.sort_by_key(|place| place.newest_first());
            return places
                .into_iter()
                .take(wanted.needed())
                .filter_map(row)
                .collect();
        }
        // The look-up needs an owned key; values are at most a few thousand bytes.
        let Some(places) = part.terms.get(&(*key, value.as_str().into())) else {
            return Vec::new();
        };
        let end = places.partition_point(|place| place.seconds <= wanted.latest());
        places[..end]
            .iter()
            .rev()
            .take_while(|place| place.seconds >= wanted.from)
            .filter(|place| wanted.admits(**place))
            .take(wanted.needed())
            .filter_map(row)
            .collect()
    }

    /// All events, in no particular order.
    pub(crate) fn rows(&self) -> Vec<Arc<Row>> {
        self.parts
            .values()
            .flat_map(|part| part.rows.values().cloned())
            .collect()
    }

    /// The tail without what lies below a position.
    pub(crate) fn from(&self, seq: u64) -> Self {
        let mut rest = Self::default();
        for row in self.parts.values().flat_map(|part| part.rows.values()) {
            if row.seq >= seq {
                rest.insert(row.clone());
            }
        }
        rest
    }

    /// What the tail costs in memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The id that a text names, if it is written exactly as ids are written in events.
pub(crate) fn id_of(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text)
        .ok()
        .filter(|id| id.to_string() == text)
}

/// What an event costs in memory, roughly.
pub(crate) fn row_bytes(row: &Row) -> usize {
    let keys = &row.event.keys;
    let mut texts = 0;
    terms(keys, |_, text| texts += 2 * text.len() + 96);
    for text in [
        &keys.identity_arn,
        &keys.invoked_by,
        &keys.error_code,
        &keys.vpc_endpoint_id,
    ]
    .into_iter()
    .flatten()
    {
        texts += text.len();
    }
    texts += keys.resources.len() * 128;
    row.event.json.len() + texts + EVENT_OVERHEAD_BYTES
}

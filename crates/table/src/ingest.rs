//! From journal entries to the events that event history keeps.

use std::sync::Arc;

use bytes::Bytes;
use pugmark_core::event::{self, EventCategory};
use pugmark_journal::{EntryKind, Stored};

use crate::{TableError, tail::Row};

/// What was read from the journal.
pub(crate) struct Batch {
    /// Events to keep, in order.
    pub(crate) rows: Vec<Arc<Row>>,
    /// Where the next batch begins.
    pub(crate) next: u64,
    /// Bytes of all entries.
    pub(crate) bytes: u64,
}

/// Decodes a non-empty read of the journal; events from before `horizon` are not kept.
pub(crate) fn batch(stored: &[Stored], at: u64, horizon: i64) -> Result<Batch, TableError> {
    let mut batch = Batch {
        rows: Vec::new(),
        next: at,
        bytes: 0,
    };
    for stored in stored {
        batch.next = stored.seq.next().0;
        batch.bytes += stored.entry.payload.len() as u64;
        if stored.entry.kind != EntryKind::Event {
            continue;
        }
        let failed = |detail: String| TableError::Entry {
            seq: stored.seq,
            detail,
        };
        let mut event =
            event::decode(&stored.entry.payload).map_err(|error| failed(error.to_string()))?;
        let is_kept = matches!(
            event.keys.category,
            EventCategory::Management | EventCategory::Insight
        );
        if !is_kept || event.keys.time.as_second() < horizon {
            continue;
        }
        if std::str::from_utf8(&event.json).is_err() {
            return Err(failed("its record is not UTF-8".into()));
        }
        // A copy of its own: the journal's buffer may hold many entries.
        event.json = Bytes::copy_from_slice(&event.json);
        batch.rows.push(Arc::new(Row::new(stored.seq.0, event)));
    }
    Ok(batch)
}

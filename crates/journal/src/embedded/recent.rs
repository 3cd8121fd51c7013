//! The newest entries in memory, so that followers at the head read no files.

use std::collections::VecDeque;

use crate::{Entry, Seq, Stored};

/// What an entry costs beside its payload, roughly.
const ENTRY_OVERHEAD_BYTES: usize = 96;

/// A window on the end of the journal, bounded in bytes.
pub(super) struct Recent {
    first: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
    bytes_max: usize,
}

impl Recent {
    /// Empty, at the head.
    pub(super) fn new(head: u64, bytes_max: usize) -> Self {
        Self {
            first: head,
            entries: VecDeque::new(),
            bytes: 0,
            bytes_max,
        }
    }

    /// Adds entries that are durable; the oldest give way.
    pub(super) fn push(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            self.bytes += cost(&entry);
            self.entries.push_back(entry);
        }
        while self.bytes > self.bytes_max {
            let Some(entry) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= cost(&entry);
            self.first += 1;
        }
    }

    /// Entries from `from` on; `None` if it is older than the window, or at its end.
    pub(super) fn read(&self, from: u64, bytes_max: usize) -> Option<Vec<Stored>> {
        let skip = usize::try_from(from.checked_sub(self.first)?).ok()?;
        if skip >= self.entries.len() {
            return None;
        }
        let mut stored = Vec::new();
        let mut bytes = 0;
        for (seq, entry) in (from..).zip(self.entries.range(skip..)) {
            bytes += entry.payload.len();
            if !stored.is_empty() && bytes > bytes_max {
                break;
            }
            stored.push(Stored {
                seq: Seq(seq),
                entry: entry.clone(),
            });
        }
        Some(stored)
    }
}

fn cost(entry: &Entry) -> usize {
    entry.payload.len() + ENTRY_OVERHEAD_BYTES
}

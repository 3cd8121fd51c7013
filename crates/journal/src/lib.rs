//! The durable, ordered log that every event and every catalog change goes through.
//!
//! Invariant: it knows entries as kind and bytes, never what they say; nobody but a follower's own cursor decides what may go.

mod embedded;
mod memory;

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
pub use embedded::{EmbeddedJournal, SegmentSummary, Settings, check_segment};
pub use memory::MemoryJournal;
use tokio::sync::watch;

/// Position of an entry: the first is 0, each next one is one more, without gaps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// The position after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What an entry's payload is; the payload's own first byte is its format's version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// An event (`core::event::encode`).
    Event = 1,
    /// An event composed before its call was forwarded: the outcome is not known yet. The event with the same id closes it.
    Intent = 2,
    /// A change of the catalog (`catalog::stored`).
    Catalog = 3,
}

/// One entry to append.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What the payload is.
    pub kind: EntryKind,
    /// At most [`ENTRY_BYTES_MAX`].
    pub payload: Bytes,
}

/// An entry with its position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Where it stands.
    pub seq: Seq,
    /// What stands there.
    pub entry: Entry,
}

/// Largest payload of one entry, in bytes: an event with every field at its limit fits several times over.
pub const ENTRY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest batch, in bytes: payloads, and a few bytes for each entry.
pub const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What went wrong, by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Back off: followers have not yet released enough; answer 503 with Retry-After.
    #[error("journal is full: {used_bytes} of {max_bytes} bytes wait for followers")]
    Full {
        /// Bytes in use.
        used_bytes: u64,
        /// The bound.
        max_bytes: u64,
    },
    /// Back off: the disk has no room; answer 503 with Retry-After. It is looked for again every second.
    #[error("journal's disk is full: {detail}")]
    DiskFull {
        /// Which file, and the system's words.
        detail: String,
    },
    /// Fix the request: an entry is over [`ENTRY_BYTES_MAX`], or the batch over [`BATCH_BYTES_MAX`].
    #[error(
        "{bytes} bytes are over the limit of {ENTRY_BYTES_MAX} for an entry or {BATCH_BYTES_MAX} for a batch"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Start again at [`Journal::first`]: the position was released.
    #[error("journal position {asked:?} was released, the first kept is {first:?}")]
    Released {
        /// What was asked for.
        asked: Seq,
        /// The first that is kept.
        first: Seq,
    },
    /// Stop: nothing is appended any more. The journal was closed or its disk failed; `reason` says which.
    #[error("journal is closed: {reason}")]
    Closed {
        /// Why.
        reason: String,
    },
    /// Repair: stored bytes are damaged in the middle, where no torn write explains them.
    #[error("journal is damaged: {detail}")]
    Damaged {
        /// Which file, where.
        detail: String,
    },
    /// The disk said no.
    #[error("{action}")]
    Io {
        /// What was tried, as a verb phrase.
        action: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

impl JournalError {
    /// Whether there is no room now, and the same append may succeed later.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::DiskFull { .. })
    }
}

/// The contract that every journal keeps; `tests/contract.rs` runs one suite over all of them.
///
/// - **Atomicity**: a batch is appended whole or not at all; its entries are neighbours.
/// - **Durability**: once `append` returns `Ok`, the batch survives a crash of the process and of the machine.
///   After an `Err` it may or may not be there (a retry can store it twice: events carry ids for that).
/// - **Order**: sequence numbers are given in the order in which appends became durable, without gaps.
/// - **Visibility**: `read` returns durable entries only; `head` moves after they are durable.
/// - **Bounds**: appends are refused with `Full` before the disk bound is passed; nothing is dropped.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Appends a batch; returns its range once it is durable. An empty batch gives an empty range.
    ///
    /// Dropping the future does not undo the append.
    async fn append(&self, batch: Vec<Entry>) -> Result<Range<Seq>, JournalError>;

    /// Whether `bytes` more would be taken now; `Full`, `DiskFull` or `Closed` if not. The gateway asks before it forwards a call.
    fn check_room(&self, bytes: u64) -> Result<(), JournalError>;

    /// Durable entries from `from` on: at least one unless `from` is the head, at most about `bytes_max` bytes
    /// of payload (one entry may exceed it), perhaps fewer. Never waits for new ones. From the head on there are none.
    async fn read(&self, from: Seq, bytes_max: usize) -> Result<Vec<Stored>, JournalError>;

    /// The position after the last durable entry; changes are announced.
    fn head(&self) -> watch::Receiver<Seq>;

    /// The first position that is still kept.
    fn first(&self) -> Seq;

    /// Nobody will read below `below` any more; frees what can be freed, perhaps less than all of it. A lower value
    /// than before has no effect.
    async fn release(&self, below: Seq) -> Result<(), JournalError>;

    /// Refuses further appends with `Closed`, and returns when those under way are durable. Reads go on.
    async fn close(&self);
}

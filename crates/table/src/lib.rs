//! Event history: management and Insights events of the last 90 days, found by `LookupEvents`.
//!
//! Invariant: it follows the journal and answers look-ups; it knows no trail, no wire protocol and no error code of AWS.
//! How events lie on disk (`docs/formats.md`) is private to this crate.

mod alike;
mod bulk;
mod compact;
mod history;
mod index;
mod ingest;
mod log;
mod manifest;
mod mirror;
mod part;
mod query;
mod records;
mod scan;
mod schema;
mod search;
mod tail;
#[cfg(test)]
mod tests;
mod threads;

use std::{path::PathBuf, time::Duration};

pub use bulk::{Bulk, BulkSettings, Committed};
pub use history::EventHistory;
pub use mirror::{Mirror, MirrorBucket, MirrorError};
use pugmark_journal::{JournalError, Seq};
pub use query::{Cursor, LookupCategory, LookupEvent, LookupKey, LookupPage, LookupQuery};
pub use search::{
    Condition, CountQuestion, Counts, DamagedFile, Field, FieldError, Found, Operator, Order,
    Origin, PageLimits, ParquetExport, Question, Rank, SearchPage, Text, TextError,
};

/// How event history behaves.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The in-memory tail is written to files when it holds this many bytes. While a flush is under way it may grow to
    /// twice that; then the follower waits.
    pub tail_bytes_max: usize,
    /// The tail is written to files at least this often.
    pub flush_interval: Duration,
    /// How long a failed flush waits before it is tried again.
    pub flush_retry_interval: Duration,
    /// The position is saved after this many bytes of journal entries, even if few of them were management events, so
    /// that the journal can let them go.
    pub unsaved_journal_bytes_max: u64,
    /// A row group of a file has at most so many rows.
    pub row_group_rows: usize,
    /// So many files of one month and about one size are made one.
    pub compact_files: usize,
    /// Compaction makes no file with more rows.
    pub file_rows_max: u64,
    /// Files that compaction or retention replaced are kept for so long, for other programs that still read them.
    pub removed_files_kept: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tail_bytes_max: 32 * 1024 * 1024,
            flush_interval: Duration::from_secs(10 * 60),
            flush_retry_interval: Duration::from_secs(5),
            unsaved_journal_bytes_max: 128 * 1024 * 1024,
            row_group_rows: 16 * 1024,
            compact_files: 8,
            file_rows_max: 512 * 1024,
            removed_files_kept: Duration::from_secs(60 * 60),
        }
    }
}

/// What went wrong, by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Repair: the journal could not be read.
    #[error("read the journal for event history")]
    Journal(#[from] JournalError),
    /// Stop: an entry of the journal is no event that this version can read.
    #[error("journal entry {} cannot be read as an event: {detail}", seq.0)]
    Entry {
        /// Where it stands.
        seq: Seq,
        /// What is wrong with it.
        detail: String,
    },
    /// Retry, or make room: the disk said no.
    #[error("{action}")]
    Io {
        /// What was tried, as a verb phrase.
        action: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// Repair: the list of files cannot be read, so nobody may guess which files count.
    #[error("{}: the log of an event table cannot be read: {detail}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Repair: the journal was replaced or set back. Restore the journal, or move the directory of event history away.
    #[error(
        "event history was read up to journal position {}, but the journal ends at {}: restore the journal, or move \
         event history away", cursor.0, head.0
    )]
    JournalBehind {
        /// Where event history stands.
        cursor: Seq,
        /// Where the journal ends.
        head: Seq,
    },
    /// Repair: a file could not be written or made.
    #[error("write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the file format's library says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Back off: too many searches wait already.
    #[error("too many searches at the same time")]
    Busy,
    /// Fix the request: it asks for too much.
    #[error("{0}")]
    Exceeded(String),
    /// Nothing: the caller has gone.
    #[error("the search was stopped")]
    Stopped,
    /// Retry later: somebody else writes to the table.
    #[error("{}: another import is under way; wait for it to end", .0.display())]
    Locked(PathBuf),
    /// Stop: the process ends, or a task of ours failed.
    #[error("a task of event history ended early: {0}")]
    Task(String),
}

impl TableError {
    fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

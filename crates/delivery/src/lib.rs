//! Delivery: trails' log files and signed digest files, exactly once in effect, in the trails' buckets.
//!
//! Invariant: it reads the journal and its own ledger, never a table; what it has sealed it puts unchanged, however often.
//!
//! The life of an event here: read from the journal in order; taken into the open batch of each stream (trail, account,
//! Region, folder) that wants it; *sealed* with that batch (name, bytes, hash, and the journal position, in one ledger
//! commit); *put* into the bucket; *committed*; covered by one digest. A crash before the seal reads the journal again
//! from the ledger's position; a crash after it puts the same bytes under the same key.

mod aggregate;
mod batch;
mod bucket;
mod core;
mod digest;
mod keys;
mod layout;
mod ledger;
mod policy;
mod run;
mod status;

pub use bucket::{Bucket, MemoryBucket, PutObject, S3Bucket, Stored, service_error};
pub use keys::{PublicKey, SigningKeys};
pub use policy::{PolicyCheck, bucket_policy};
pub use run::{Announcer, CheckError, Delivery, Settings};
pub use status::TrailStatus;

/// What stops delivery.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Repair: the ledger cannot be read or written.
    #[error("delivery ledger: {0}")]
    Ledger(String),
    /// Repair or free space: the spool, a key file or the folder cannot be read or written.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// Stop: the journal cannot be read on.
    #[error("read the journal")]
    Journal(#[from] pugmark_journal::JournalError),
    /// Stop: an entry cannot be understood, and skipping it would lose it.
    #[error("journal entry {seq}: {detail}")]
    Entry {
        /// Its position.
        seq: u64,
        /// What is wrong.
        detail: String,
    },
    /// The events before this position are gone although they were not delivered.
    #[error(
        "journal begins at {first}, but delivery had only come to {position}: events in between are lost to log files"
    )]
    Gap {
        /// Where delivery stood.
        position: u64,
        /// What the journal still has.
        first: u64,
    },
    /// No signing key could be made.
    #[error("signing key: {0}")]
    Key(String),
}

impl DeliveryError {
    fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

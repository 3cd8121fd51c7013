//! Other services: what they are told (CloudWatch Logs, EventBridge, SNS) and what they are asked (KMS, STS, Organizations).
//!
//! Invariant: it tells, it never decides. What a trail selects stands in the catalog; a service that is down delays or
//! loses nothing of log files, history or other services.
//!
//! [`Notifier`] is a follower of the journal. It copies what CloudWatch Logs and EventBridge shall get into a queue of each
//! target, in one transaction with its position, so that a target that is down holds up neither the journal nor another
//! target. Each queue has one sender, which takes off what the service took.

mod aws;
mod queue;
mod run;
mod service;

pub use aws::{AwsServices, Endpoints};
pub use queue::TargetStatus;
pub use run::{Notifier, Settings, stream_name};
pub use service::{BusEntry, LogEvent, Member, Organization, Services};

/// What stops the follower.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// Repair: the queue file cannot be read or written.
    #[error("notification queue: {0}")]
    Queue(String),
    /// Stop: the journal cannot be read on.
    #[error("read the journal")]
    Journal(#[from] pugmark_journal::JournalError),
    /// Stop: an entry cannot be understood.
    #[error("journal entry {seq}: {detail}")]
    Entry {
        /// Its position.
        seq: u64,
        /// What is wrong.
        detail: String,
    },
}

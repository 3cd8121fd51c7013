//! Import: CloudTrail records out of files as trails, clients and people leave them.
//!
//! Invariant: it knows files and records; no table, no network, no clock.

mod marks;
mod pipeline;
mod place;
mod read;
mod split;
mod unpack;

pub use pipeline::{Counts, Failed, File, Files, Import, Observer, Open, Sink};
pub use place::{is_digest, place};
pub use read::{Batch, Ending, Refused, Scratch, Skip, read};

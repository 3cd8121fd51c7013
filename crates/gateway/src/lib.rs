//! The recording proxy: intake, verification, forwarding, and the composition of the CloudTrail record.
//!
//! Invariant: a call's answer is not complete before its event is durable; no body is held whole.

mod body;
pub mod compose;
pub mod identities;
mod recorder;
mod upstream;

pub use body::{Body, BoxError, empty_body, full_body};
pub use recorder::{AuditMode, OnFull, Recorder};
pub use upstream::{LocalCall, LocalService, Route, Routes, UpstreamClient};

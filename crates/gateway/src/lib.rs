//! The recording proxy: intake, verification, forwarding, and the composition of the CloudTrail record.
//!
//! Invariant: a call's answer is not complete before its event is durable; no body is held whole.

mod answer;
mod body;
pub mod compose;
pub mod explain;
mod hosts;
pub mod identities;
mod intake;
mod pending;
mod recorder;
mod refusal;
mod upstream;
mod verify;

pub use body::{Body, BoxError, empty_body, full_body};
pub use hosts::{AskedHosts, HostRule};
pub use intake::{Connection, Gateway, Settings};
pub use recorder::{AuditMode, OnFull, Recorder};
pub use upstream::{Abandoned, LocalCall, LocalService, Route, Routes, UpstreamClient};

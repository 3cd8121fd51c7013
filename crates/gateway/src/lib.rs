//! The recording proxy: intake, verification, forwarding, and the composition of the CloudTrail record.
//!
//! Invariant: a call's answer is not complete before its event is durable; no body is held whole.

pub mod compose;
pub mod identities;

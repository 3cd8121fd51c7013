//! AWS protocols: from the bytes of a request or response to a named call and a tree of values.
//!
//! Invariant: it knows protocols and service models, nothing of trails, events or accounts; no I/O, no runtime.

pub mod catalogue;
pub mod project;
pub mod recognize;
pub mod sigv4;
pub mod value;

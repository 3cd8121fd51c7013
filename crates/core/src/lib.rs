//! The vocabulary of Pugmark: the event and its keys, identities, ARNs, selectors' inputs, policies, clock, limits.
//!
//! Invariant: no I/O and no runtime; nothing here knows a wire protocol, a file or a socket.

pub mod limits;

pub mod account;
pub mod clock;
pub mod event;
pub mod identity;
pub mod policy;
pub mod service;

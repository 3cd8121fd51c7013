//! What is being changed at the moment by a call that first asks other services: a second change is refused meanwhile, or one
//! of the two would be checked against settings that the other replaced.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use pugmark_catalog::TrailArn;

use super::ApiError;

/// Names of what is being changed.
#[derive(Debug, Default)]
pub(super) struct Busy(Mutex<HashSet<String>>);

/// Ends the change that it stands for when it is dropped.
#[derive(Debug)]
pub(super) struct Changing<'b> {
    busy: &'b Busy,
    what: String,
}

impl Busy {
    /// Begins a change of a trail.
    ///
    /// # Errors
    /// `ConflictException` while another is under way.
    pub(super) fn begin(&self, trail: &TrailArn) -> Result<Changing<'_>, ApiError> {
        self.begin_named(&trail.0)
    }

    /// Begins a change of the delegated administrators.
    ///
    /// # Errors
    /// `ConflictException` while another is under way.
    pub(super) fn begin_delegates(&self) -> Result<Changing<'_>, ApiError> {
        self.begin_named("the list of delegated administrators")
    }

    /// Whether a change that takes no time may be made.
    ///
    /// # Errors
    /// `ConflictException` while a longer one is under way.
    pub(super) fn check(&self, trail: &TrailArn) -> Result<(), ApiError> {
        match self.names().contains(&trail.0) {
            true => Err(conflict(&trail.0)),
            false => Ok(()),
        }
    }

    fn begin_named(&self, what: &str) -> Result<Changing<'_>, ApiError> {
        match self.names().insert(what.to_owned()) {
            true => Ok(Changing {
                busy: self,
                what: what.to_owned(),
            }),
            false => Err(conflict(what)),
        }
    }

    fn names(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.busy.names().remove(&self.what);
    }
}

fn conflict(what: &str) -> ApiError {
    ApiError::new(
        "ConflictException",
        format!("Another operation is changing {what}. Wait until it has ended, then try again."),
    )
}

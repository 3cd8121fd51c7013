//! The stored form of catalog changes and snapshots; described in `docs/formats.md`.

use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::Timestamp;
use pugmark_core::account::AccountId;
use serde::{Serialize, de::DeserializeOwned};

use self::form::{ChangeForm, SnapshotForm};
use crate::trail::{Catalog, Trail, TrailArn};

mod form;

/// First byte of every stored change and snapshot.
const VERSION: u8 = 1;

/// One change of the catalog, as it stands in the journal. Applying the same changes in order gives the same catalog.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// A trail was made or changed: its whole new state.
    PutTrail(Box<Trail>),
    /// A trail was deleted, and when; entries of the first releases do not say.
    DeleteTrail(TrailArn, Option<Timestamp>),
    /// The organization's delegated administrators: all of them.
    PutDelegates(BTreeSet<AccountId>),
}

/// Stored bytes that are no change or snapshot.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer version.
    #[error("stored catalog entry has unknown version {0}")]
    UnknownVersion(u64),
    /// Not readable.
    #[error("stored catalog entry is damaged: {0}")]
    Damaged(String),
}

impl Change {
    /// The stored form.
    pub fn encode(&self) -> Bytes {
        write(&ChangeForm::from(self))
    }

    /// Reads a stored change.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are damaged.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        read::<ChangeForm>(stored)?.try_into()
    }
}

impl Catalog {
    /// Applies a change.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::PutTrail(trail) => {
                self.trails.insert(trail.arn.clone(), *trail);
            }
            Change::DeleteTrail(arn, _) => {
                self.trails.remove(&arn);
            }
            Change::PutDelegates(delegates) => self.delegates = delegates,
        }
    }

    /// The whole catalog as a snapshot.
    pub fn encode(&self) -> Bytes {
        write(&SnapshotForm::from(self))
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are damaged.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        read::<SnapshotForm>(stored)?.try_into()
    }
}

fn write<T: Serialize>(form: &T) -> Bytes {
    let mut out = vec![VERSION];
    serde_json::to_writer(&mut out, form)
        .expect("a form has string keys only and memory takes every write");
    out.into()
}

fn read<T: DeserializeOwned>(stored: &[u8]) -> Result<T, DecodeError> {
    match stored.split_first() {
        Some((&VERSION, json)) => {
            serde_json::from_slice(json).map_err(|error| DecodeError::Damaged(error.to_string()))
        }
        Some((&version, _)) => Err(DecodeError::UnknownVersion(version.into())),
        None => Err(DecodeError::Damaged("it is empty".into())),
    }
}

#[cfg(test)]
mod tests;

//! The stored form of catalog changes and snapshots; described in `docs/formats.md`.

use bytes::Bytes;

use crate::trail::{Catalog, Trail, TrailArn};

/// One change of the catalog, as it stands in the journal. Applying the same changes in order gives the same catalog.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// A trail was made or changed: its whole new state.
    PutTrail(Box<Trail>),
    /// A trail was deleted.
    DeleteTrail(TrailArn),
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
        todo!("the catalog's owner writes this")
    }

    /// Reads a stored change.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are damaged.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        let _ = stored;
        todo!("the catalog's owner writes this")
    }
}

impl Catalog {
    /// Applies a change.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::PutTrail(trail) => {
                self.trails.insert(trail.arn.clone(), *trail);
            }
            Change::DeleteTrail(arn) => {
                self.trails.remove(&arn);
            }
        }
    }

    /// The whole catalog as a snapshot.
    pub fn encode(&self) -> Bytes {
        todo!("the catalog's owner writes this")
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are damaged.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        let _ = stored;
        todo!("the catalog's owner writes this")
    }
}

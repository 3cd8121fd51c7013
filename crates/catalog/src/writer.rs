//! The one place where the catalog changes: validate against the newest state, append to the journal, then publish.

use std::{path::PathBuf, sync::Arc};

use pugmark_journal::{Journal, JournalError, Seq};
use tokio::sync::watch;

use crate::{stored::Change, trail::Catalog};

/// Applies changes one at a time and publishes each new state.
pub struct CatalogWriter {
    /// The newest state, for readers.
    state: watch::Sender<Arc<Catalog>>,
    /// Serialises changes.
    turn: tokio::sync::Mutex<()>,
    journal: Arc<dyn Journal>,
    /// Where snapshots are kept (`<data-dir>/catalog/`).
    dir: PathBuf,
}

/// Why a change did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The change was refused by its own check.
    #[error("change refused")]
    Refused(E),
    /// The journal did not take it.
    #[error("append catalog change")]
    Journal(#[from] JournalError),
}

impl CatalogWriter {
    /// Loads the newest snapshot and folds the journal's catalog entries over it.
    ///
    /// # Errors
    /// When the snapshot or an entry cannot be read.
    pub async fn open(dir: PathBuf, journal: Arc<dyn Journal>) -> Result<Self, JournalError> {
        let _ = (&dir, &journal);
        todo!("the catalog's owner writes this")
    }

    /// The newest state; cheap.
    pub fn snapshot(&self) -> Arc<Catalog> {
        self.state.borrow().clone()
    }

    /// Runs `decide` on the newest state; if it gives a change, that is durable and published when this returns.
    ///
    /// # Errors
    /// `Refused` with `decide`'s own error, or `Journal`.
    pub async fn change<T, E>(
        &self,
        decide: impl FnOnce(&Catalog) -> Result<(Option<Change>, T), E>,
    ) -> Result<T, WriteError<E>> {
        let _guard = self.turn.lock().await;
        let _ = (decide, &self.journal, &self.dir);
        todo!("the catalog's owner writes this")
    }

    /// Saves a snapshot, so that the journal may release entries below the returned position.
    ///
    /// # Errors
    /// When the snapshot cannot be written.
    pub async fn checkpoint(&self) -> Result<Seq, JournalError> {
        todo!("the catalog's owner writes this")
    }
}

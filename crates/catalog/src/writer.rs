//! The one place where the catalog changes: validate against the newest state, append to the journal, then publish.

use std::{io, path::PathBuf, sync::Arc};

use pugmark_journal::{Entry, EntryKind, Journal, JournalError, Seq};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::{snapshot, stored::Change, trail::Catalog};

/// How much of the journal is read at a time when its catalog entries are folded.
const READ_BYTES: usize = 4 * 1024 * 1024;

/// Applies changes one at a time and publishes each new state.
pub struct CatalogWriter {
    shared: Arc<Shared>,
    /// Serialises changes.
    turn: Arc<Mutex<Turn>>,
}

struct Shared {
    /// The newest state, for readers.
    state: watch::Sender<Arc<Catalog>>,
    /// Below this the newest snapshot needs no journal.
    saved: watch::Sender<Seq>,
    journal: Arc<dyn Journal>,
    /// Where snapshots are kept (`<data-dir>/catalog/`).
    dir: PathBuf,
}

/// What only the one who changes the catalog may touch.
struct Turn {
    /// Every catalog entry below this is in the state.
    folded: Seq,
    /// An append failed, which leaves open whether its entry is there: fold before anything else.
    unsure: bool,
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
    /// When the snapshot or an entry cannot be read, or entries that no snapshot has are gone from the journal.
    pub async fn open(dir: PathBuf, journal: Arc<dyn Journal>) -> Result<Self, JournalError> {
        let (catalog, position) = blocking("read the catalog snapshot", {
            let dir = dir.clone();
            move || snapshot::load(&dir)
        })
        .await??;
        let head = *journal.head().borrow();
        if position > head {
            let detail = format!(
                "the catalog was saved at {}, but the journal ends at {}",
                position.0, head.0
            );
            return Err(JournalError::Damaged { detail });
        }
        let shared = Arc::new(Shared {
            state: watch::Sender::new(Arc::new(catalog)),
            saved: watch::Sender::new(position),
            journal,
            dir,
        });
        let mut turn = Turn {
            folded: position,
            unsure: true,
        };
        shared.settle(&mut turn).await?;
        Ok(Self {
            shared,
            turn: Arc::new(Mutex::new(turn)),
        })
    }

    /// The newest state; cheap.
    pub fn snapshot(&self) -> Arc<Catalog> {
        self.shared.state.borrow().clone()
    }

    /// Below this the catalog needs no journal entry any more; changes are announced.
    pub fn position(&self) -> watch::Receiver<Seq> {
        self.shared.saved.subscribe()
    }

    /// Runs `decide` on the newest state; if it gives a change, that is durable and published when this returns.
    ///
    /// Dropping the future once `decide` has run does not undo the change.
    ///
    /// # Errors
    /// `Refused` with `decide`'s own error, or `Journal`.
    pub async fn change<T, E>(
        &self,
        decide: impl FnOnce(&Catalog) -> Result<(Option<Change>, T), E>,
    ) -> Result<T, WriteError<E>> {
        let mut turn = self.turn.clone().lock_owned().await;
        self.shared.settle(&mut turn).await?;
        let (change, answer) = decide(&self.snapshot()).map_err(WriteError::Refused)?;
        if let Some(change) = change {
            // A task of its own: a caller that goes away must not stop between the append and the publication.
            tokio::spawn(self.shared.clone().commit(turn, change))
                .await
                .map_err(|error| JournalError::Closed {
                    reason: error.to_string(),
                })??;
        }
        Ok(answer)
    }

    /// Saves a snapshot, so that the journal may release entries below the returned position.
    ///
    /// # Errors
    /// When the snapshot cannot be written.
    pub async fn checkpoint(&self) -> Result<Seq, JournalError> {
        let mut turn = self.turn.clone().lock_owned().await;
        self.shared.settle(&mut turn).await?;
        // Only the holder of the turn appends catalog entries: those below the head are all in the state.
        turn.folded = turn.folded.max(*self.shared.journal.head().borrow());
        let (dir, catalog, position) = (self.shared.dir.clone(), self.snapshot(), turn.folded);
        blocking("save the catalog snapshot", move || {
            // The turn is held until the file stands, also when the caller goes away.
            let saved = snapshot::save(&dir, &catalog, position);
            drop(turn);
            saved
        })
        .await??;
        self.shared.saved.send_if_modified(|saved| {
            let moved = *saved < position;
            *saved = position.max(*saved);
            moved
        });
        Ok(position)
    }
}

impl Shared {
    async fn commit(
        self: Arc<Self>,
        mut turn: OwnedMutexGuard<Turn>,
        change: Change,
    ) -> Result<(), JournalError> {
        turn.unsure = true;
        let entry = Entry {
            kind: EntryKind::Catalog,
            payload: change.encode(),
        };
        let range = self.journal.append(vec![entry]).await?;
        self.state
            .send_modify(|catalog| Arc::make_mut(catalog).apply(change));
        *turn = Turn {
            folded: range.end,
            unsure: false,
        };
        Ok(())
    }

    /// Folds what the journal has beyond the state, if that can be anything.
    async fn settle(&self, turn: &mut Turn) -> Result<(), JournalError> {
        if !turn.unsure {
            return Ok(());
        }
        let head = *self.journal.head().borrow();
        while turn.folded < head {
            let stored = self.journal.read(turn.folded, READ_BYTES).await?;
            let Some(last) = stored.last().map(|stored| stored.seq) else {
                break;
            };
            for stored in stored
                .into_iter()
                .filter(|stored| stored.entry.kind == EntryKind::Catalog)
            {
                let change = Change::decode(&stored.entry.payload).map_err(|error| {
                    JournalError::Damaged {
                        detail: format!("catalog entry at position {}: {error}", stored.seq.0),
                    }
                })?;
                self.state
                    .send_modify(|catalog| Arc::make_mut(catalog).apply(change));
            }
            turn.folded = last.next();
        }
        turn.unsure = false;
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    action: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JournalError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| JournalError::Io {
            action: action.into(),
            source: io::Error::other(error),
        })
}

#[cfg(test)]
mod tests;

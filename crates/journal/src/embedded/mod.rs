//! The journal on local disk: segments, group commit, recovery.
//!
//! The life of an append: (1) it waits for room in the queue and is refused when the disk bound is near; (2) its batch
//! becomes one frame, encoded by the caller; (3) the writer's thread takes all that wait, writes them at once and
//! syncs: **this is the atomic act**; (4) the batch enters the window of recent entries and the head moves;
//! (5) the caller gets its range. A crash before (3) leaves no acknowledged entry behind; a frame that is there in part
//! fails its checksum and is cut at the next open.

mod files;
mod queue;
mod recent;
mod segment;
mod store;
mod writer;

#[cfg(test)]
mod faulty;
#[cfg(test)]
mod simulation;

use std::{
    ops::Range,
    path::Path,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{oneshot, watch};

pub use self::segment::{SegmentSummary, check_segment};
use self::{
    files::{Files, LocalFiles},
    queue::{Pending, Queue},
    recent::Recent,
    segment::{Body, FRAME_HEADER_BYTES},
    store::Store,
    writer::{Shared, Writer},
};
use crate::{Entry, Journal, JournalError, Seq, Stored};

/// How often is looked whether a full disk has room again.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Bounds of an [`EmbeddedJournal`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// A segment ends before it would pass this size (one batch may be larger). At most a quarter of `max_bytes` is
    /// used, so that releasing can always make room.
    pub segment_bytes: u64,
    /// All segments together, with what waits to be written, never pass this size.
    pub max_bytes: u64,
    /// Appends wait when this much waits to be written.
    pub queue_bytes: u32,
    /// The newest entries, up to this size, are read from memory.
    pub recent_bytes: usize,
    /// So much of the disk is kept for what is under way when it gets full; nothing more is begun then. Not part of `max_bytes`.
    pub reserve_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        const MIB: u32 = 1024 * 1024;
        Self {
            segment_bytes: 64 * u64::from(MIB),
            max_bytes: 4096 * u64::from(MIB),
            queue_bytes: 64 * MIB,
            recent_bytes: 16 * MIB as usize,
            reserve_bytes: 8 * u64::from(MIB),
        }
    }
}

/// A journal in a directory of the local disk. One process at a time has it open.
///
/// Dropping it closes it and waits for the writer, at most about one sync; `close` does the same without blocking.
pub struct EmbeddedJournal {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedJournal {
    /// Opens the journal in `dir`, or makes one. Blocks: it reads the last segment and cuts what a crash left torn.
    ///
    /// # Errors
    /// `Io` when the disk says no or another process has the directory open; `Damaged` when bytes that had been
    /// acknowledged are broken.
    pub fn open(dir: &Path, settings: Settings) -> Result<Self, JournalError> {
        let files = LocalFiles::open(dir).map_err(|source| JournalError::Io {
            action: format!("open journal directory {}", dir.display()),
            source,
        })?;
        let (shared, writer) = prepare(Arc::new(files), &settings, LOOK_INTERVAL)?;
        let thread = std::thread::Builder::new()
            .name("journal-writer".into())
            .spawn(move || writer.run())
            .map_err(|source| JournalError::Io {
                action: "start the journal's writer".into(),
                source,
            })?;
        Ok(Self {
            shared,
            writer: Mutex::new(Some(thread)),
        })
    }
}

/// Opens the files; the writer does not run yet.
fn prepare(
    files: Arc<dyn Files>,
    settings: &Settings,
    look_interval: Duration,
) -> Result<(Arc<Shared>, Writer), JournalError> {
    let (store, active) = Store::open(files)?;
    let head = active.end();
    let shared = Arc::new(Shared {
        queue: Queue::new(
            settings.queue_bytes.max(1),
            store.bytes(),
            settings.max_bytes,
            look_interval,
        ),
        recent: Mutex::new(Recent::new(head, settings.recent_bytes)),
        head: watch::Sender::new(Seq(head)),
        ended: watch::Sender::new(false),
        store,
    });
    let segment_bytes = settings.segment_bytes.min(settings.max_bytes / 4);
    let writer = Writer::new(
        shared.clone(),
        active,
        segment_bytes,
        settings.reserve_bytes,
    );
    writer.look_for_room();
    Ok((shared, writer))
}

#[async_trait]
impl Journal for EmbeddedJournal {
    async fn append(&self, batch: Vec<Entry>) -> Result<Range<Seq>, JournalError> {
        let queue = &self.shared.queue;
        if batch.is_empty() {
            let head = *self.shared.head.borrow();
            return Ok(head..head);
        }
        let bytes = segment::body_bytes(&batch)?;
        queue.check_bounds((FRAME_HEADER_BYTES + bytes) as u64)?;
        let permit = queue.wait(bytes).await?;
        let (answer, outcome) = oneshot::channel();
        let permits = permit.num_permits() as u32;
        queue.push(Pending {
            body: Body::encode(&batch)?,
            entries: batch,
            answer,
            permits,
        })?;
        // The writer gives it back once the batch is written.
        permit.forget();
        match outcome.await {
            Ok(Ok(range)) => Ok(range),
            Ok(Err(refusal)) => Err(refusal.into()),
            Err(_) => Err(queue.closed_error()),
        }
    }

    fn check_room(&self, bytes: u64) -> Result<(), JournalError> {
        self.shared
            .queue
            .check_room(bytes.saturating_add(FRAME_HEADER_BYTES as u64))
    }

    async fn read(&self, from: Seq, bytes_max: usize) -> Result<Vec<Stored>, JournalError> {
        let shared = &self.shared;
        let first = self.first();
        if from < first {
            return Err(JournalError::Released { asked: from, first });
        }
        if from >= *shared.head.borrow() {
            return Ok(Vec::new());
        }
        if let Some(stored) = shared.recent().read(from.0, bytes_max) {
            return Ok(stored);
        }
        let shared = shared.clone();
        tokio::task::spawn_blocking(move || shared.store.read(from.0, bytes_max))
            .await
            .unwrap_or_else(|error| {
                Err(JournalError::Io {
                    action: "read journal files".into(),
                    source: std::io::Error::other(error),
                })
            })
    }

    fn head(&self) -> watch::Receiver<Seq> {
        self.shared.head.subscribe()
    }

    fn first(&self) -> Seq {
        Seq(self.shared.store.first())
    }

    async fn release(&self, below: Seq) -> Result<(), JournalError> {
        let shared = self.shared.clone();
        let released = tokio::task::spawn_blocking(move || {
            let (freed_bytes, result) = shared.store.release(below.0);
            shared.queue.freed(freed_bytes);
            result
        });
        released.await.unwrap_or_else(|error| {
            Err(JournalError::Io {
                action: "release journal files".into(),
                source: std::io::Error::other(error),
            })
        })
    }

    async fn close(&self) {
        self.shared.queue.close("shut down");
        let mut ended = self.shared.ended.subscribe();
        // The sender lives in `shared`, which lives as long as `self`.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

impl Drop for EmbeddedJournal {
    fn drop(&mut self) {
        self.shared.queue.close("shut down");
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // A panic of the writer was logged and answered where it happened.
            let _ = writer.join();
        }
    }
}

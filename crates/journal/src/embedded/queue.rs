//! What waits for the writer, within its bounds: bytes in the queue (wait) and bytes on disk (refuse).

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use super::segment::{Body, FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES};
use crate::{Entry, JournalError, Seq};

/// What an append may take on disk beside its frame: the header of a segment that it begins.
const OVERHEAD_BYTES: u64 = SEGMENT_HEADER_BYTES as u64;
/// Kept free for the frame that a clean close writes.
const CLOSING_BYTES: u64 = FRAME_HEADER_BYTES as u64;

/// How an append ended: its range, or why it was not written.
pub(super) type Outcome = Result<Range<Seq>, Refusal>;

/// Why an append was not written.
#[derive(Debug, Clone)]
pub(super) enum Refusal {
    /// The journal closed.
    Closed(String),
    /// The disk has no room now.
    DiskFull(String),
}

impl From<Refusal> for JournalError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed(reason) => Self::Closed { reason },
            Refusal::DiskFull(detail) => Self::DiskFull { detail },
        }
    }
}

/// What the writer does next.
pub(super) enum Turn {
    /// It writes these batches.
    Write(Vec<Pending>),
    /// It looks whether the disk has room again.
    LookForRoom,
    /// Nothing: the journal was closed, and all is written.
    End,
}

/// A batch that waits to be written.
pub(super) struct Pending {
    /// The batch, encoded.
    pub(super) body: Body,
    /// The batch, for the readers at the head.
    pub(super) entries: Vec<Entry>,
    /// Who waits.
    pub(super) answer: oneshot::Sender<Outcome>,
    /// What it holds of the queue's room.
    pub(super) permits: u32,
}

impl Pending {
    fn reserved_bytes(&self) -> u64 {
        self.body.frame_bytes() + OVERHEAD_BYTES
    }
}

/// The queue.
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    room: Semaphore,
    room_bytes: u32,
    max_bytes: u64,
    look_interval: Duration,
}

struct State {
    pending: VecDeque<Pending>,
    disk_bytes: u64,
    reserved_bytes: u64,
    closed: Option<String>,
    disk_full: Option<DiskFull>,
}

/// Why nothing is begun that is to be recorded.
struct DiskFull {
    detail: String,
    /// When the writer looks whether there is room again.
    look_at: Option<Instant>,
}

impl Queue {
    /// A queue that holds about `room_bytes` in memory, before a disk that holds `disk_bytes` of `max_bytes`. Once the disk is
    /// full, the writer looks for room every `look_interval`.
    pub(super) fn new(
        room_bytes: u32,
        disk_bytes: u64,
        max_bytes: u64,
        look_interval: Duration,
    ) -> Self {
        let state = State {
            pending: VecDeque::new(),
            disk_bytes,
            reserved_bytes: 0,
            closed: None,
            disk_full: None,
        };
        let room = Semaphore::new(room_bytes as usize);
        Self {
            state: Mutex::new(state),
            filled: Condvar::new(),
            room,
            room_bytes,
            max_bytes,
            look_interval,
        }
    }

    /// Whether what leads to a frame of `frame_bytes` may begin now.
    pub(super) fn check_room(&self, frame_bytes: u64) -> Result<(), JournalError> {
        if let Some(full) = &self.state().disk_full {
            let detail = full.detail.clone();
            return Err(JournalError::DiskFull { detail });
        }
        self.check_bounds(frame_bytes)
    }

    /// Whether a frame of `frame_bytes` would be taken now, perhaps into the room that is kept for it.
    pub(super) fn check_bounds(&self, frame_bytes: u64) -> Result<(), JournalError> {
        self.state()
            .check(frame_bytes.saturating_add(OVERHEAD_BYTES), self.max_bytes)
    }

    /// The disk has no room; tells whether it had until now.
    pub(super) fn disk_is_full(&self, detail: &str) -> bool {
        let mut state = self.state();
        let had_room = state.disk_full.is_none();
        state.disk_full.get_or_insert_with(|| DiskFull {
            detail: detail.to_owned(),
            look_at: self.next_look(),
        });
        had_room
    }

    /// The disk has room; tells whether it had none until now.
    pub(super) fn disk_has_room(&self) -> bool {
        self.state().disk_full.take().is_some()
    }

    fn next_look(&self) -> Option<Instant> {
        Instant::now().checked_add(self.look_interval)
    }

    /// Waits for room in memory. A batch that is larger than the whole queue takes all of it.
    pub(super) async fn wait(&self, bytes: usize) -> Result<SemaphorePermit<'_>, JournalError> {
        let permits = u32::try_from(bytes)
            .unwrap_or(u32::MAX)
            .min(self.room_bytes);
        self.room
            .acquire_many(permits)
            .await
            .map_err(|_| self.state().closed_error())
    }

    /// Hands a batch to the writer.
    pub(super) fn push(&self, pending: Pending) -> Result<(), JournalError> {
        let bytes = pending.reserved_bytes();
        let mut state = self.state();
        state.check(bytes, self.max_bytes)?;
        state.reserved_bytes += bytes;
        state.pending.push_back(pending);
        let was_empty = state.pending.len() == 1;
        drop(state);
        if was_empty {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// The writer's side: waits for batches and takes as many as fit into `bytes_max`, at least one.
    pub(super) fn take(&self, bytes_max: u64) -> Turn {
        let mut state = self.state();
        loop {
            if state.pending.is_empty() && state.closed.is_some() {
                return Turn::End;
            }
            let look_at = state.disk_full.as_ref().and_then(|full| full.look_at);
            let wait = look_at.map(|at| at.saturating_duration_since(Instant::now()));
            if let Some(full) = &mut state.disk_full
                && wait.is_some_and(|wait| wait.is_zero())
            {
                full.look_at = self.next_look();
                return Turn::LookForRoom;
            }
            if !state.pending.is_empty() {
                break;
            }
            state = match wait {
                Some(wait) => {
                    let woken = self.filled.wait_timeout(state, wait);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let woken = self.filled.wait(state);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        let (mut count, mut bytes) = (0, 0);
        for pending in &state.pending {
            bytes += pending.body.frame_bytes();
            if count > 0 && bytes > bytes_max {
                break;
            }
            count += 1;
        }
        Turn::Write(state.pending.drain(..count).collect())
    }

    /// The writer's side: the files grew.
    pub(super) fn grown(&self, bytes: u64) {
        self.state().disk_bytes += bytes;
    }

    /// The writer's side: a group is on disk, or will not be.
    pub(super) fn let_go(&self, group: &[Pending]) {
        let mut state = self.state();
        state.reserved_bytes -= group.iter().map(Pending::reserved_bytes).sum::<u64>();
        drop(state);
        self.room
            .add_permits(group.iter().map(|pending| pending.permits as usize).sum());
    }

    /// Segments were removed.
    pub(super) fn freed(&self, bytes: u64) {
        self.state().disk_bytes -= bytes;
    }

    /// Takes nothing more; what waits is still written. The first reason stays.
    pub(super) fn close(&self, reason: &str) {
        self.state().closed.get_or_insert_with(|| reason.to_owned());
        self.room.close();
        self.filled.notify_one();
    }

    /// Takes nothing more and drops what waits, telling each why.
    pub(super) fn fail(&self, reason: &str) {
        self.close(reason);
        let pending = std::mem::take(&mut self.state().pending);
        for pending in pending {
            // Who went away does not want to know.
            let _ = pending.answer.send(Err(Refusal::Closed(reason.to_owned())));
        }
    }

    /// The error for who comes after the close.
    pub(super) fn closed_error(&self) -> JournalError {
        self.state().closed_error()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(&self, bytes: u64, max_bytes: u64) -> Result<(), JournalError> {
        if self.closed.is_some() {
            return Err(self.closed_error());
        }
        let used_bytes = self.disk_bytes + self.reserved_bytes;
        if used_bytes
            .saturating_add(bytes)
            .saturating_add(CLOSING_BYTES)
            > max_bytes
        {
            return Err(JournalError::Full {
                used_bytes,
                max_bytes,
            });
        }
        Ok(())
    }

    fn closed_error(&self) -> JournalError {
        JournalError::Closed {
            reason: self
                .closed
                .clone()
                .unwrap_or_else(|| "the writer stopped".into()),
        }
    }
}

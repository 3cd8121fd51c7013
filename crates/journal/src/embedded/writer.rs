//! The thread that writes: one write and one sync for all appends that wait (group commit).
//!
//! While it waits for the disk, further appends gather; they are its next group. Nothing is ever delayed to wait for
//! company, so an append on an idle journal takes about one sync.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::{
    queue::{Pending, Queue, Refusal, Turn},
    recent::Recent,
    segment::{Body, SEGMENT_HEADER_BYTES},
    store::{Active, Store},
};
use crate::{JournalError, Seq};

/// Largest group that is written at once, so that no append waits behind a very long write.
const GROUP_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What the journal's handle, its writer and its readers share.
pub(super) struct Shared {
    /// The segments.
    pub(super) store: Store,
    /// What waits.
    pub(super) queue: Queue,
    /// The newest entries.
    pub(super) recent: Mutex<Recent>,
    /// Position after the last durable entry.
    pub(super) head: watch::Sender<Seq>,
    /// Whether the writer has ended.
    pub(super) ended: watch::Sender<bool>,
}

impl Shared {
    /// The newest entries.
    pub(super) fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        self.recent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Owns the segment that is written to.
pub(super) struct Writer {
    shared: Arc<Shared>,
    active: Active,
    segment_bytes: u64,
    reserve_bytes: u64,
    frames: Vec<u8>,
    starts: Vec<(u64, usize)>,
}

impl Writer {
    /// A writer that begins a new segment when one would pass `segment_bytes`, and keeps `reserve_bytes` of the disk.
    pub(super) fn new(
        shared: Arc<Shared>,
        active: Active,
        segment_bytes: u64,
        reserve_bytes: u64,
    ) -> Self {
        Self {
            shared,
            active,
            segment_bytes,
            reserve_bytes,
            frames: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// Writes until the journal is closed, or until the disk fails: then nobody knows what the disk has, so nothing
    /// is written any more and every append is refused with the reason.
    pub(super) fn run(mut self) {
        let _ended = Ended(self.shared.clone());
        while self.turn() {}
    }

    /// Waits for a group and writes it. Returns whether there will be another.
    pub(super) fn turn(&mut self) -> bool {
        let group_bytes_max = self.segment_bytes.min(GROUP_BYTES_MAX);
        let group = match self.shared.queue.take(group_bytes_max) {
            Turn::Write(group) => group,
            Turn::LookForRoom => {
                self.look_for_room();
                return true;
            }
            Turn::End => {
                self.write_closing();
                return false;
            }
        };
        let mut written = self.write(&group);
        if let Err(JournalError::DiskFull { detail }) = &written {
            self.say_full(detail);
            if self.shared.store.give_up_reserve() {
                written = self.write(&group);
            }
        }
        match written {
            Ok(group_bytes) => {
                self.publish(group, group_bytes);
                true
            }
            Err(JournalError::DiskFull { detail }) => {
                self.shared.queue.let_go(&group);
                for pending in group {
                    // Who went away does not want to know.
                    let _ = pending.answer.send(Err(Refusal::DiskFull(detail.clone())));
                }
                true
            }
            Err(error) => {
                self.fail(group, &error);
                false
            }
        }
    }

    /// Nothing more is begun; what is under way goes into the room that was kept.
    fn say_full(&self, detail: &str) {
        if self.shared.queue.disk_is_full(detail) {
            tracing::error!(
                detail,
                "the journal's disk is full: calls are refused until there is room"
            );
        }
    }

    /// Keeps room on the disk for what is under way when it gets full; as long as it has none, it is full.
    pub(super) fn look_for_room(&self) {
        match self.shared.store.reserve(self.reserve_bytes) {
            Ok(()) => {
                if self.shared.queue.disk_has_room() {
                    tracing::info!("the journal's disk has room again");
                }
            }
            Err(error) => self.say_full(&format!("keep {} bytes: {error}", self.reserve_bytes)),
        }
    }

    /// Says in the file that all before it is durable; the next open then takes nothing for torn.
    fn write_closing(&mut self) {
        if self.active.closed_cleanly() {
            return;
        }
        let (next, at) = (self.active.end(), self.active.bytes());
        self.frames.clear();
        Body::closing().write(&mut self.frames, self.active.salt(), next, at);
        if let Err(error) = self.active.append(&self.frames, &[], next) {
            // All entries are durable without it.
            tracing::warn!(
                reason = reason(&error),
                "journal's closing mark could not be written"
            );
        }
    }

    /// Makes a group durable; says how many bytes it has.
    fn write(&mut self, group: &[Pending]) -> Result<u64, JournalError> {
        let group_bytes: u64 = group.iter().map(|pending| pending.body.frame_bytes()).sum();
        let mut next = self.active.end();
        if !self.active.is_empty() && self.active.bytes() + group_bytes > self.segment_bytes {
            self.active = self.shared.store.rotate(next)?;
            // It stays, even if there is no room for the group.
            self.shared.queue.grown(SEGMENT_HEADER_BYTES as u64);
        }
        self.frames.clear();
        self.frames.shrink_to(GROUP_BYTES_MAX as usize);
        self.starts.clear();
        for pending in group {
            self.starts.push((next, self.frames.len()));
            pending.body.write(
                &mut self.frames,
                self.active.salt(),
                next,
                self.active.bytes(),
            );
            next += pending.body.entries();
        }
        self.active.append(&self.frames, &self.starts, next)?;
        Ok(group_bytes)
    }

    /// Tells everybody: readers first, so that who appended can read it at once.
    fn publish(&self, group: Vec<Pending>, group_bytes: u64) {
        let shared = &*self.shared;
        shared.queue.grown(group_bytes);
        shared.queue.let_go(&group);
        let mut next = *shared.head.borrow();
        let mut answers = Vec::with_capacity(group.len());
        {
            let mut recent = shared.recent();
            for pending in group {
                let end = Seq(next.0 + pending.body.entries());
                answers.push((pending.answer, next..end));
                recent.push(pending.entries);
                next = end;
            }
        }
        shared.head.send_replace(next);
        for (answer, range) in answers {
            // Who went away does not want to know; the batch is stored all the same.
            let _ = answer.send(Ok(range));
        }
    }

    fn fail(&self, group: Vec<Pending>, error: &JournalError) {
        let reason = reason(error);
        tracing::error!(
            reason,
            "journal's disk failed; nothing is appended any more"
        );
        self.shared.queue.fail(&reason);
        for pending in group {
            let _ = pending.answer.send(Err(Refusal::Closed(reason.clone())));
        }
    }
}

/// Whatever ends the writer, nobody waits for it in vain.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.queue.fail("the writer stopped");
        self.0.ended.send_replace(true);
    }
}

/// An error with what caused it, in one line.
fn reason(error: &JournalError) -> String {
    match error {
        JournalError::Io { action, source } => format!("{action}: {source}"),
        error => error.to_string(),
    }
}

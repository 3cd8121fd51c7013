//! A journal in memory, for tests of followers: the contract without the disk.

use std::{collections::VecDeque, ops::Range, sync::Mutex};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{BATCH_BYTES_MAX, ENTRY_BYTES_MAX, Entry, Journal, JournalError, Seq, Stored};

/// Keeps entries until they are released; durable for as long as the process lives.
#[derive(Debug)]
pub struct MemoryJournal {
    state: Mutex<State>,
    head: watch::Sender<Seq>,
    max_bytes: u64,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    first: u64,
    used_bytes: u64,
    closed: bool,
}

impl MemoryJournal {
    /// A journal that takes `max_bytes` of payload before it is full.
    pub fn new(max_bytes: u64) -> Self {
        Self {
            state: Mutex::default(),
            head: watch::Sender::new(Seq(0)),
            max_bytes,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn room(&self, state: &State, bytes: u64) -> Result<(), JournalError> {
        if state.closed {
            return Err(JournalError::Closed {
                reason: "shut down".into(),
            });
        }
        if state.used_bytes.saturating_add(bytes) > self.max_bytes {
            return Err(JournalError::Full {
                used_bytes: state.used_bytes,
                max_bytes: self.max_bytes,
            });
        }
        Ok(())
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, batch: Vec<Entry>) -> Result<Range<Seq>, JournalError> {
        if let Some(entry) = batch
            .iter()
            .find(|entry| entry.payload.len() > ENTRY_BYTES_MAX)
        {
            return Err(JournalError::TooLarge {
                bytes: entry.payload.len(),
            });
        }
        let bytes: u64 = batch.iter().map(|entry| entry.payload.len() as u64).sum();
        if bytes > BATCH_BYTES_MAX as u64 {
            return Err(JournalError::TooLarge {
                bytes: bytes as usize,
            });
        }
        let mut state = self.state();
        if batch.is_empty() {
            let head = *self.head.borrow();
            return Ok(head..head);
        }
        self.room(&state, bytes)?;
        let start = state.first + state.entries.len() as u64;
        state.used_bytes += bytes;
        state.entries.extend(batch);
        let end = state.first + state.entries.len() as u64;
        self.head.send_replace(Seq(end));
        Ok(Seq(start)..Seq(end))
    }

    fn check_room(&self, bytes: u64) -> Result<(), JournalError> {
        self.room(&self.state(), bytes)
    }

    async fn read(&self, from: Seq, bytes_max: usize) -> Result<Vec<Stored>, JournalError> {
        let state = self.state();
        let Some(skip) = from.0.checked_sub(state.first) else {
            return Err(JournalError::Released {
                asked: from,
                first: Seq(state.first),
            });
        };
        let mut bytes = 0;
        let mut stored = Vec::new();
        for (index, entry) in state.entries.iter().enumerate().skip(skip as usize) {
            if !stored.is_empty() && bytes + entry.payload.len() > bytes_max {
                break;
            }
            bytes += entry.payload.len();
            stored.push(Stored {
                seq: Seq(state.first + index as u64),
                entry: entry.clone(),
            });
        }
        Ok(stored)
    }

    fn head(&self) -> watch::Receiver<Seq> {
        self.head.subscribe()
    }

    fn first(&self) -> Seq {
        Seq(self.state().first)
    }

    async fn release(&self, below: Seq) -> Result<(), JournalError> {
        let mut state = self.state();
        while state.first < below.0 {
            let Some(entry) = state.entries.pop_front() else {
                break;
            };
            state.used_bytes -= entry.payload.len() as u64;
            state.first += 1;
        }
        Ok(())
    }

    async fn close(&self) {
        self.state().closed = true;
    }
}

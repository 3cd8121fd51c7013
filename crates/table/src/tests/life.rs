//! A history to which random things happen, beside the plain list of what it was given.

use proptest::{collection::vec, prelude::*};

use super::*;

/// What may happen between two questions.
#[derive(Debug, Clone)]
pub(super) enum Turn {
    Append(Vec<Event>),
    /// Appends an event again that was appended before: the index wraps around.
    Again(usize),
    Flush,
    Compact,
    Restart,
}

pub(super) fn a_turn(an_event: impl Strategy<Value = Event>) -> impl Strategy<Value = Turn> {
    prop_oneof![
        5 => vec(an_event, 1..24).prop_map(Turn::Append),
        2 => any::<usize>().prop_map(Turn::Again),
        2 => Just(Turn::Flush),
        1 => Just(Turn::Compact),
        1 => Just(Turn::Restart),
    ]
}

pub(super) struct Life {
    dir: tempfile::TempDir,
    journal: Arc<MemoryJournal>,
    pub(super) history: EventHistory,
    /// Position in the list is position in the journal.
    pub(super) list: Vec<Event>,
}

impl Life {
    pub(super) async fn begin() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(MemoryJournal::new(1 << 30));
        Self {
            history: open(dir.path(), &journal, Hook::default()).await,
            dir,
            journal,
            list: Vec::new(),
        }
    }

    pub(super) async fn turn(mut self, turn: Turn) -> Self {
        match turn {
            Turn::Append(events) => {
                append(&self.journal, &events).await;
                self.list.extend(events);
            }
            Turn::Again(index) => {
                if let Some(event) = self.list.get(index % self.list.len().max(1)).cloned() {
                    append(&self.journal, std::slice::from_ref(&event)).await;
                    self.list.push(event);
                }
            }
            Turn::Flush => {
                self.history.catch_up().await.unwrap();
                self.history.flush().await.unwrap();
                // What is in files may go from the journal.
                let position = *self.history.position().borrow();
                self.journal.release(position).await.unwrap();
            }
            Turn::Compact => self.history.compact().await.unwrap(),
            Turn::Restart => {
                drop(self.history);
                self.history = open(self.dir.path(), &self.journal, Hook::default()).await;
            }
        }
        self
    }
}

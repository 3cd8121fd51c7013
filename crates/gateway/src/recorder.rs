//! From a composed event to the journal, with the promises of `audit.mode`.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use pugmark_catalog::CatalogWriter;
use pugmark_core::event::{self, Event, EventCategory};
use pugmark_journal::{Entry, EntryKind, Journal, JournalError, Seq};
use tokio_util::task::TaskTracker;

/// `audit.mode`: when a call's answer is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditMode {
    /// An intent is durable before a changing call is forwarded, and the event before the answer.
    Strict,
    /// The event is durable before the answer.
    #[default]
    Durable,
    /// The answer does not wait: a crash loses what the journal's writer had not yet written.
    Async,
}

/// `audit.on_full`: what happens to calls while the journal cannot take more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFull {
    /// They are refused with 503 and Retry-After.
    #[default]
    Refuse,
    /// They pass unrecorded, counted and logged.
    Pass,
}

/// Puts events in the journal.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    journal: Arc<dyn Journal>,
    catalog: Arc<CatalogWriter>,
    mode: AuditMode,
    on_full: OnFull,
    /// Positions of intents whose event is not yet durable; the journal may not release them.
    open_intents: Mutex<BTreeSet<Seq>>,
    /// Calls whose connection ended before they did.
    left_behind: TaskTracker,
}

/// Room that a call asks for before it is forwarded: an ordinary event and its intent.
const ROOM_BYTES: u64 = 16 * 1024;

impl Recorder {
    /// A recorder over the given journal; `catalog` tells which data events somebody selects.
    pub fn new(
        journal: Arc<dyn Journal>,
        catalog: Arc<CatalogWriter>,
        mode: AuditMode,
        on_full: OnFull,
    ) -> Self {
        Self(Arc::new(Inner {
            journal,
            catalog,
            mode,
            on_full,
            open_intents: Mutex::default(),
            left_behind: TaskTracker::new(),
        }))
    }

    /// Lets what is left of a call go on by itself, on the runtime that served its connection.
    pub(crate) fn carry_on<T: Send + 'static>(
        &self,
        rest: impl Future<Output = T> + Send + 'static,
    ) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.0.left_behind.spawn_on(rest, &runtime);
        }
    }

    /// Waits for all that goes on by itself. A runtime that ends earlier takes its part of it along, unrecorded.
    pub(crate) async fn rest(&self) {
        self.0.left_behind.close();
        self.0.left_behind.wait().await;
    }

    /// Whether a call may go on now.
    ///
    /// # Errors
    /// When the journal is full or closed and calls are to be refused then.
    pub(crate) fn admit(&self) -> Result<(), JournalError> {
        match self.0.journal.check_room(ROOM_BYTES) {
            Err(_) if self.0.on_full == OnFull::Pass => Ok(()),
            other => other,
        }
    }

    /// Whether intents are written.
    pub(crate) fn is_strict(&self) -> bool {
        self.0.mode == AuditMode::Strict
    }

    /// Whether anyone could want a data event; asked before its record is composed at all.
    pub(crate) fn wants_data_events(&self) -> bool {
        self.0
            .catalog
            .snapshot()
            .trails
            .values()
            .any(|trail| trail.is_logging)
    }

    /// Whether anyone wants this event: event history takes all management events, trails take what they select.
    pub(crate) fn selects(&self, event: &Event) -> bool {
        event.keys.category == EventCategory::Management
            || self.0.catalog.snapshot().wants(&event.keys)
    }

    /// Makes an intent durable; its position stays in the journal until [`Recorder::close_intent`].
    pub(crate) async fn intend(&self, event: &Event) -> Result<Seq, JournalError> {
        let entry = Entry {
            kind: EntryKind::Intent,
            payload: event::encode(event),
        };
        let range = self.0.journal.append(vec![entry]).await?;
        self.open_intents().insert(range.start);
        Ok(range.start)
    }

    /// The intent's event is durable, or will never be.
    pub(crate) fn close_intent(&self, seq: Seq) {
        self.open_intents().remove(&seq);
    }

    /// The lowest position that must stay for the sake of an open intent.
    pub fn lowest_open_intent(&self) -> Option<Seq> {
        self.open_intents().first().copied()
    }

    fn open_intents(&self) -> std::sync::MutexGuard<'_, BTreeSet<Seq>> {
        self.0
            .open_intents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a call's event and its copies as `audit.mode` promises. A data event that no trail selects ends here.
    ///
    /// # Errors
    /// When the event is not durable although it should be.
    pub async fn record(&self, mut events: Vec<Event>) -> Result<(), JournalError> {
        events.retain(|event| self.selects(event));
        let Some(id) = events.first().map(|event| event.keys.id) else {
            return Ok(());
        };
        let mut entries = Vec::with_capacity(events.len());
        for event in &events {
            metrics::counter!("pugmark_events_total", "category" => event.keys.category.as_str())
                .increment(1);
            entries.push(Entry {
                kind: EntryKind::Event,
                payload: event::encode(event),
            });
        }
        if self.0.mode == AuditMode::Async {
            let inner = self.0.clone();
            self.carry_on(async move {
                if let Err(error) = inner.journal.append(entries).await {
                    lost(&error, id);
                }
            });
            return Ok(());
        }
        match self.0.journal.append(entries).await {
            Ok(_) => Ok(()),
            Err(error) => {
                lost(&error, id);
                if self.0.on_full == OnFull::Pass && error.is_full() {
                    return Ok(());
                }
                Err(error)
            }
        }
    }
}

fn lost(error: &JournalError, id: uuid::Uuid) {
    metrics::counter!("pugmark_events_unrecorded_total").increment(1);
    tracing::error!(%error, event_id = %id, "event could not be recorded");
}

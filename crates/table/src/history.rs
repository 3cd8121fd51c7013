//! Event history: follows the journal, keeps the newest events in memory and the rest in files, answers look-ups.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use pugmark_core::{clock::Clock, limits::EVENT_HISTORY_DAYS};
use pugmark_journal::{Journal, JournalError, Seq};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::Instant,
};

use crate::{
    Cursor, LookupPage, LookupQuery, Settings, TableError, ingest,
    manifest::{Manifest, Part},
    part::{self, Hook},
    query::Wanted,
    scan::{self, Files},
    search::{Origin, Searches, Source},
    tail::{Row, Tail},
};

/// How much of the journal is read at a time.
const READ_BYTES: usize = 1024 * 1024;
/// How long a look-up waits for the tail to reach the journal's head.
const FRESHNESS_WAIT: Duration = Duration::from_secs(1);
/// Look-ups that read files at the same time; more wait.
const SCANS_MAX: usize = 8;

/// Management and Insights events of the last 90 days.
#[derive(Clone)]
pub struct EventHistory {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for EventHistory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventHistory")
            .field("dir", &self.inner.dir)
            .finish_non_exhaustive()
    }
}

struct Inner {
    dir: PathBuf,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    hook: Hook,
    files: Arc<Files>,
    scans: Arc<Semaphore>,
    searches: Searches,
    state: RwLock<State>,
    /// Entries below are in tail or files.
    ingested: watch::Sender<Seq>,
    /// Entries below are in files.
    position: watch::Sender<Seq>,
}

/// Tail and files change together, so that a look-up sees each event in exactly one of them.
#[derive(Default)]
struct State {
    tail: Tail,
    manifest: Arc<Manifest>,
    /// Bytes of journal entries since the position.
    unsaved_journal_bytes: u64,
}

/// A flush that was committed.
struct Flushed {
    manifest: Manifest,
    expired: Vec<Arc<Part>>,
}

type FlushTask = JoinHandle<Result<Flushed, TableError>>;

impl EventHistory {
    /// Opens the history in `dir`, deletes what an interrupted flush left, and reads the journal up to its head.
    ///
    /// # Errors
    /// When disk or journal cannot be read, or the journal is older than the history.
    pub async fn open(
        dir: PathBuf,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, TableError> {
        Self::open_with(dir, journal, clock, settings, Hook::default()).await
    }

    pub(crate) async fn open_with(
        dir: PathBuf,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        hook: Hook,
    ) -> Result<Self, TableError> {
        let files = Arc::new(Files::new(dir.clone()));
        let (at, checked) = (dir.clone(), files.clone());
        let manifest = blocking(move || {
            std::fs::create_dir_all(&at)
                .map_err(TableError::io(format!("make {}", at.display())))?;
            let manifest = Manifest::load(&at)?;
            let orphans = part::delete_orphans(&at, &manifest)?;
            if orphans > 0 {
                tracing::info!(
                    orphans,
                    "files of an interrupted flush were deleted; the journal still has their events"
                );
            }
            checked.check(manifest.all());
            Ok(manifest)
        })
        .await?;
        let (cursor, first, head) = (
            Seq(manifest.cursor),
            journal.first(),
            *journal.head().borrow(),
        );
        if cursor > head {
            return Err(TableError::JournalBehind { cursor, head });
        }
        if cursor < first {
            tracing::error!(
                from = cursor.0,
                to = first.0,
                "event history misses journal entries that were released before it read them: their events cannot be \
                 looked up"
            );
        }
        let start = cursor.max(first);
        let history = Self {
            inner: Arc::new(Inner {
                dir,
                journal,
                clock,
                settings,
                hook,
                files,
                scans: Arc::new(Semaphore::new(SCANS_MAX)),
                searches: Searches::default(),
                state: RwLock::new(State {
                    manifest: Arc::new(manifest),
                    ..State::default()
                }),
                ingested: watch::Sender::new(start),
                position: watch::Sender::new(cursor),
            }),
        };
        history.catch_up().await?;
        Ok(history)
    }

    /// Follows the journal until `shutdown` turns true; then reads what is left and writes everything to files.
    ///
    /// # Errors
    /// When the journal has an entry that cannot be read, or the last flush fails.
    pub async fn run(&self, mut shutdown: watch::Receiver<bool>) -> Result<(), TableError> {
        let mut head = self.inner.journal.head();
        let mut flushing: Option<FlushTask> = None;
        let mut due = Instant::now() + self.inner.settings.flush_interval;
        let mut retry_at = Instant::now();
        loop {
            let now = Instant::now();
            if flushing.is_none() && now >= retry_at && (self.inner.is_full(1) || now >= due) {
                due = now + self.inner.settings.flush_interval;
                flushing = self.inner.start_flush();
            }
            let is_behind = *self.inner.ingested.borrow() < *head.borrow_and_update();
            let wake = if self.inner.is_full(1) {
                retry_at
            } else {
                due.max(retry_at)
            };
            tokio::select! {
                biased;
                _ = shutdown.wait_for(|stop| *stop) => break,
                done = finished(&mut flushing), if flushing.is_some() => {
                    flushing = None;
                    if let Err(error) = self.inner.publish(done) {
                        tracing::error!(error = &error as &dyn std::error::Error, "event history could not be written to files; it is tried again");
                        retry_at = Instant::now() + self.inner.settings.flush_retry_interval;
                        due = retry_at;
                    }
                }
                read = self.inner.step(), if is_behind && !self.inner.is_full(2) => read?,
                changed = head.changed(), if !is_behind => {
                    if changed.is_err() {
                        break;
                    }
                }
                () = tokio::time::sleep_until(wake), if flushing.is_none() => {}
            }
        }
        if flushing.is_some() {
            let done = finished(&mut flushing).await;
            self.inner.publish(done)?;
        }
        self.catch_up().await?;
        self.flush().await
    }

    /// Journal entries below this position are safe in files: the journal may release them.
    pub fn position(&self) -> watch::Receiver<Seq> {
        self.inner.position.subscribe()
    }

    /// Files that were found damaged since the start; look-ups answer without their events.
    pub fn damaged_files(&self) -> Vec<PathBuf> {
        self.inner.files.damaged()
    }

    /// Finds events, newest first.
    ///
    /// First waits, up to a second, until everything is seen that was in the journal when the call began.
    ///
    /// # Errors
    /// When the system lets no file be opened. Damaged files are no error: see [`Self::damaged_files`].
    pub async fn lookup(&self, query: &LookupQuery) -> Result<LookupPage, TableError> {
        let inner = &self.inner;
        inner.freshen().await;
        let wanted = Wanted::new(query, inner.horizon());
        if wanted.from > wanted.to {
            return Ok(LookupPage {
                events: Vec::new(),
                next: None,
            });
        }
        let (tail, parts) = {
            let state = inner.read();
            (
                state.tail.find(&wanted),
                wanted_parts(&state.manifest, &wanted),
            )
        };
        let is_enough = tail.len() == wanted.needed() && {
            let last = tail.last().map_or(i64::MIN, |row| row.place().seconds);
            parts.iter().all(|part| part.newest < last)
        };
        let needed = wanted.page_events;
        let rows = if parts.is_empty() || is_enough {
            tail.iter().map(|row| Row::clone(row)).collect()
        } else {
            let permit = inner.scans.clone().acquire_owned().await;
            let permit = permit.map_err(|error| TableError::Task(error.to_string()))?;
            let files = inner.files.clone();
            blocking(move || {
                // Held until the files are read, even if the caller goes away meanwhile.
                let _permit = permit;
                files.find(&wanted, &tail, &parts)
            })
            .await?
        };
        Ok(page(rows, needed))
    }

    /// What a search reads, seen at one moment: everything that was in the journal when the call began is in it (unless
    /// that takes longer than a second), each event in exactly one place.
    pub(crate) async fn sources(&self) -> Vec<Source> {
        let inner = &self.inner;
        inner.freshen().await;
        let reach = inner.horizon().as_second();
        // Before the state: the tail holds all below it.
        let head = inner.ingested.borrow().0;
        let state = inner.read();
        vec![Source {
            origin: Origin::Recorded,
            reach,
            head,
            tail: state.tail.rows(),
            parts: state.manifest.all().cloned().collect(),
            files: inner.files.clone(),
        }]
    }

    /// Entries below this journal position can be found.
    pub(crate) fn ingested(&self) -> watch::Receiver<Seq> {
        self.inner.ingested.subscribe()
    }

    /// Searches that run at the same time.
    pub(crate) fn searches(&self) -> &Searches {
        &self.inner.searches
    }

    /// Reads the journal to its head, flushing when the tail is full.
    pub(crate) async fn catch_up(&self) -> Result<(), TableError> {
        let head = *self.inner.journal.head().borrow();
        while *self.inner.ingested.borrow() < head {
            self.inner.step().await?;
            if self.inner.is_full(1) {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Writes the tail to files.
    pub(crate) async fn flush(&self) -> Result<(), TableError> {
        let Some(task) = self.inner.start_flush() else {
            return Ok(());
        };
        let done = finished(&mut Some(task)).await;
        self.inner.publish(done)
    }
}

impl Inner {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, up to a second, until everything is seen that is in the journal now.
    async fn freshen(&self) {
        let head = *self.journal.head().borrow();
        let mut ingested = self.ingested.subscribe();
        let is_fresh = tokio::time::timeout(FRESHNESS_WAIT, ingested.wait_for(|seq| *seq >= head))
            .await
            .is_ok();
        if !is_fresh {
            let ingested = ingested.borrow().0;
            tracing::warn!(
                head = head.0,
                ingested,
                "a look-up answers before event history has caught up"
            );
        }
    }

    /// Event history reaches back to here.
    fn horizon(&self) -> Timestamp {
        let days = SignedDuration::from_hours(24 * EVENT_HISTORY_DAYS);
        self.clock.now().checked_sub(days).unwrap_or(Timestamp::MIN)
    }

    /// Whether so many times the bounds of the tail are reached.
    fn is_full(&self, times: u64) -> bool {
        let state = self.read();
        state.tail.bytes() as u64 >= times * self.settings.tail_bytes_max as u64
            || (times == 1
                && state.unsaved_journal_bytes >= self.settings.unsaved_journal_bytes_max)
    }

    /// Reads one batch of the journal into the tail. Dropped half-way, it has done nothing.
    async fn step(&self) -> Result<(), TableError> {
        let at = *self.ingested.borrow();
        let stored = match self.journal.read(at, READ_BYTES).await {
            Err(JournalError::Released { asked, first }) if first > asked => {
                tracing::error!(
                    from = asked.0,
                    to = first.0,
                    "journal entries were released before event history read them: their events cannot be looked up"
                );
                self.ingested.send_replace(first);
                return Ok(());
            }
            stored => stored?,
        };
        let batch = ingest::batch(&stored, at.0, self.horizon().as_second())?;
        drop(stored);
        let rows = self.without_filed(batch.rows).await?;
        let mut state = self.write();
        for row in rows {
            state.tail.insert(row);
        }
        state.unsaved_journal_bytes += batch.bytes;
        drop(state);
        self.ingested.send_replace(Seq(batch.next));
        Ok(())
    }

    /// Leaves out events that files hold already: an append that was retried stores an event twice, and the first one
    /// may have been flushed since. Only files whose time range an event falls into are asked.
    async fn without_filed(&self, rows: Vec<Arc<Row>>) -> Result<Vec<Arc<Row>>, TableError> {
        let manifest = self.read().manifest.clone();
        let overlapping = |row: &Row| -> Vec<Arc<Part>> {
            let seconds = row.place().seconds;
            let parts = manifest
                .parts(row.event.keys.account, &row.event.keys.region)
                .iter();
            parts
                .filter(|part| (part.oldest..=part.newest).contains(&seconds))
                .cloned()
                .collect()
        };
        let rows: Vec<(Arc<Row>, Vec<Arc<Part>>)> = rows
            .into_iter()
            .map(|row| {
                let parts = overlapping(&row);
                (row, parts)
            })
            .collect();
        if rows.iter().all(|(_, parts)| parts.is_empty()) {
            return Ok(rows.into_iter().map(|(row, _)| row).collect());
        }
        let files = self.files.clone();
        blocking(move || {
            let mut kept = Vec::with_capacity(rows.len());
            for (row, parts) in rows {
                if parts.is_empty() || !scan::contains(&files, &parts, &row)? {
                    kept.push(row);
                }
            }
            Ok(kept)
        })
        .await
    }

    /// Begins to write what the tail holds; `None` when there is nothing to save.
    fn start_flush(&self) -> Option<FlushTask> {
        let horizon = self.horizon().as_second();
        let (rows, manifest, cursor) = {
            let state = self.read();
            // Only the follower's own task moves `ingested`, and it is the one that is here.
            (
                state.tail.rows(),
                state.manifest.clone(),
                self.ingested.borrow().0,
            )
        };
        if cursor == manifest.cursor && rows.is_empty() && !manifest.has_expired(horizon) {
            return None;
        }
        let (dir, hook, row_group_rows) = (
            self.dir.clone(),
            self.hook.clone(),
            self.settings.row_group_rows,
        );
        Some(tokio::task::spawn_blocking(move || {
            let added = part::write_all(&dir, rows, row_group_rows, &hook)?;
            let (next, expired) = manifest.next(cursor, added, horizon);
            next.commit(&dir, &hook)?;
            part::delete(&dir, &expired);
            Ok(Flushed {
                manifest: next,
                expired,
            })
        }))
    }

    /// Makes a committed flush visible: its events are looked up in files from now on, not in the tail.
    fn publish(&self, flushed: Result<Flushed, TableError>) -> Result<(), TableError> {
        let Flushed { manifest, expired } = flushed?;
        let cursor = manifest.cursor;
        let old = {
            let mut state = self.write();
            let rest = state.tail.from(cursor);
            state.manifest = Arc::new(manifest);
            state.unsaved_journal_bytes = rest.bytes() as u64;
            std::mem::replace(&mut state.tail, rest)
        };
        drop(old);
        self.files.forget(&expired);
        self.position.send_replace(Seq(cursor));
        Ok(())
    }
}

fn wanted_parts(manifest: &Manifest, wanted: &Wanted) -> Vec<Arc<Part>> {
    let parts = manifest.parts(wanted.account, &wanted.region).iter();
    parts
        .filter(|part| scan::is_wanted(wanted, part))
        .cloned()
        .collect()
}

fn page(mut rows: Vec<Row>, page_events: usize) -> LookupPage {
    let has_more = rows.len() > page_events;
    rows.truncate(page_events);
    let last = rows.last().filter(|_| has_more);
    let next = last.map(|row| Cursor {
        time: row.event.keys.time,
        seq: Seq(row.seq),
    });
    LookupPage {
        events: rows.into_iter().map(|row| row.event).collect(),
        next,
    }
}

async fn finished(task: &mut Option<FlushTask>) -> Result<Flushed, TableError> {
    match task {
        Some(task) => task
            .await
            .map_err(|error| TableError::Task(error.to_string()))?,
        None => std::future::pending().await,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TableError> + Send + 'static,
) -> Result<T, TableError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| TableError::Task(error.to_string()))?
}

//! Event history: follows the journal, keeps the newest events in memory and the rest in files, answers look-ups.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
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
    Cursor, LookupPage, LookupQuery, Settings, TableError,
    bulk::Imports,
    compact, ingest,
    log::{Change, Part, Snapshot},
    manifest::Manifest,
    part::{self, Hook, Names},
    query::Wanted,
    scan::{self, Files},
    search::{Origin, Searches, Source},
    tail::{Row, Tail},
};

/// The name under which the log says how far its files hold the journal.
const JOURNAL: &str = "pugmark.journal";
/// How much of the journal is read at a time.
const READ_BYTES: usize = 1024 * 1024;
/// How long a look-up waits for the tail to reach the journal's head.
const FRESHNESS_WAIT: Duration = Duration::from_secs(1);
/// How often the files are looked over for a month with many small ones, when nothing was written.
const COMPACTION_INTERVAL: Duration = Duration::from_secs(60);
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
    imports: OnceLock<Arc<Imports>>,
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
    files: Arc<Snapshot>,
    /// Bytes of journal entries since the position.
    unsaved_journal_bytes: u64,
}

/// A flush or a compaction that was committed.
struct Written {
    files: Snapshot,
    /// Files that no longer count.
    removed: Vec<Arc<Part>>,
    /// Nothing was written: an earlier commit had succeeded though it was told otherwise, and is seen now.
    is_late: bool,
}

impl Written {
    /// The state on disk, if it is newer than `files`: of a commit that failed after it had taken place.
    fn late(dir: &Path, files: &Snapshot) -> Result<Option<Self>, TableError> {
        let mut files = files.clone();
        let is_newer = files.refresh(dir)?;
        Ok(is_newer.then_some(Self {
            files,
            removed: Vec::new(),
            is_late: true,
        }))
    }
}

type WriteTask = JoinHandle<Result<Written, TableError>>;

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
        let (now, hooked) = (clock.now(), hook.clone());
        let snapshot = blocking(move || {
            std::fs::create_dir_all(&at)
                .map_err(TableError::io(format!("make {}", at.display())))?;
            let snapshot = load(&at, now, &hooked)?;
            let orphans = part::delete_orphans(&at, &snapshot)?;
            if orphans > 0 {
                tracing::info!(
                    orphans,
                    "files of an interrupted flush were deleted; the journal still has their events"
                );
            }
            checked.check(snapshot.all());
            Ok(snapshot)
        })
        .await?;
        let (cursor, first, head) = (
            Seq(snapshot.position(JOURNAL).unwrap_or(0)),
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
                imports: OnceLock::new(),
                state: RwLock::new(State {
                    files: Arc::new(snapshot),
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
        let mut writing: Option<WriteTask> = None;
        let mut due = Instant::now() + self.inner.settings.flush_interval;
        let mut retry_at = Instant::now();
        let mut compact_at = Instant::now();
        let mut tidy_at = Instant::now();
        loop {
            let now = Instant::now();
            if now >= tidy_at {
                tidy_at = now + self.inner.settings.flush_interval;
                self.inner.start_tidying();
            }
            if writing.is_none() && now >= retry_at {
                if self.inner.is_full(1) || now >= due {
                    due = now + self.inner.settings.flush_interval;
                    writing = self.inner.start_flush();
                } else if now >= compact_at {
                    compact_at = now + COMPACTION_INTERVAL;
                    writing = self.inner.start_compaction();
                }
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
                done = finished(&mut writing), if writing.is_some() => {
                    writing = None;
                    compact_at = Instant::now();
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
                () = tokio::time::sleep_until(wake), if writing.is_none() => {}
            }
        }
        if writing.is_some() {
            let done = finished(&mut writing).await;
            self.inner.publish(done)?;
        }
        self.catch_up().await?;
        self.flush().await
    }

    /// Journal entries below this position are safe in files: the journal may release them.
    pub fn position(&self) -> watch::Receiver<Seq> {
        self.inner.position.subscribe()
    }

    /// Files that were found damaged since the start; look-ups and searches answer without their events.
    pub fn damaged_files(&self) -> Vec<PathBuf> {
        let imported = self.inner.imports.get();
        let imported = imported.map(|imports| imports.files.damaged());
        let mut damaged = self.inner.files.damaged();
        damaged.extend(imported.unwrap_or_default());
        damaged
    }

    /// Lets searches find the imported events in `dir` too, a table that [`crate::Bulk`] fills, now or later.
    ///
    /// # Errors
    /// When the table's log cannot be read.
    pub async fn show_imports(&self, dir: PathBuf) -> Result<(), TableError> {
        let imports = blocking(move || Imports::open(dir)).await?;
        // The first directory stays.
        let _ = self.inner.imports.set(Arc::new(imports));
        Ok(())
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
                wanted_parts(&state.files, &wanted),
            )
        };
        let is_enough = tail.len() == wanted.needed() && {
            let last = tail.last().map_or(i64::MIN, |row| row.place().seconds);
            parts.iter().all(|part| part.newest < last)
        };
        let (events, last) = if parts.is_empty() || is_enough {
            inner.files.find(&wanted, &tail, &[])?
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
        let next = events.last().zip(last).map(|(event, place)| Cursor {
            time: event.time,
            seq: Seq(place.seq),
        });
        Ok(LookupPage { events, next })
    }

    /// What a search reads, seen at one moment: everything that was in the journal when the call began is in it (unless
    /// that takes longer than a second), each event in exactly one place.
    pub(crate) async fn sources(&self) -> Vec<Source> {
        let inner = &self.inner;
        inner.freshen().await;
        let reach = inner.horizon().as_second();
        // Before the state: the tail holds all below it.
        let head = inner.ingested.borrow().0;
        let imports = inner.imports.get().map(|imports| {
            let parts = imports.current().all().cloned().collect();
            Source {
                origin: Origin::Imported,
                reach: i64::MIN,
                head: u64::MAX,
                tail: Vec::new(),
                parts,
                files: imports.files.clone(),
            }
        });
        let state = inner.read();
        let recorded = Source {
            origin: Origin::Recorded,
            reach,
            head,
            tail: state.tail.rows(),
            parts: state.files.all().cloned().collect(),
            files: inner.files.clone(),
        };
        std::iter::once(recorded).chain(imports).collect()
    }

    /// Entries below this journal position can be found.
    pub(crate) fn ingested(&self) -> watch::Receiver<Seq> {
        self.inner.ingested.subscribe()
    }

    /// Searches that run at the same time.
    pub(crate) fn searches(&self) -> &Searches {
        &self.inner.searches
    }

    #[cfg(test)]
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.read().files.clone()
    }

    /// Compacts until nothing is left to compact.
    #[cfg(test)]
    pub(crate) async fn compact(&self) -> Result<(), TableError> {
        while let Some(task) = self.inner.start_compaction() {
            let done = finished(&mut Some(task)).await;
            self.inner.publish(done)?;
        }
        Ok(())
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
        while let Some(task) = self.inner.start_flush() {
            let done = finished(&mut Some(task)).await;
            let is_late = done.as_ref().is_ok_and(|written| written.is_late);
            self.inner.publish(done)?;
            if !is_late {
                break;
            }
        }
        Ok(())
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
        let files = self.read().files.clone();
        let overlapping = |row: &Row| -> Vec<Arc<Part>> {
            let seconds = row.place().seconds;
            let parts = files
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
    fn start_flush(&self) -> Option<WriteTask> {
        let now = self.clock.now();
        let horizon = self.horizon().as_second();
        let (rows, files, cursor) = {
            let state = self.read();
            // Only the follower's own task moves `ingested`, and it is the one that is here.
            (
                state.tail.rows(),
                state.files.clone(),
                self.ingested.borrow().0,
            )
        };
        let gone = files.removed_for(self.settings.removed_files_kept, now);
        let removed: Vec<Arc<Part>> = files
            .all()
            .filter(|part| part.newest < horizon)
            .cloned()
            .collect();
        let is_saved = files.position(JOURNAL).unwrap_or(0) == cursor && rows.is_empty();
        if is_saved && removed.is_empty() && gone.is_empty() {
            return None;
        }
        let (dir, hook, settings) = (self.dir.clone(), self.hook.clone(), self.settings);
        Some(tokio::task::spawn_blocking(move || {
            if let Some(late) = Written::late(&dir, &files)? {
                return Ok(late);
            }
            let names = Names::after(&files);
            let added = part::write_all(&dir, rows, settings.row_group_rows, &names, &hook)?;
            let forgotten = part::delete(&dir, gone);
            let change = Change {
                operation: "WRITE",
                added,
                removed: removed.clone(),
                positions: vec![(JOURNAL, cursor)],
                forgotten,
            };
            let files = files.commit(&dir, change, now, &hook)?;
            Ok(Written {
                files,
                removed,
                is_late: false,
            })
        }))
    }

    /// Begins to delete what imports have left: the next import may never come.
    fn start_tidying(&self) {
        let Some(imports) = self.imports.get().cloned() else {
            return;
        };
        let (now, settings) = (self.clock.now(), self.settings);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = imports.tidy(&settings, now) {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "files that imports have left could not be deleted; it is tried again"
                );
            }
        });
    }

    /// Begins to make many small files of one month one; `None` when there are not so many.
    fn start_compaction(&self) -> Option<WriteTask> {
        let now = self.clock.now();
        let files = self.read().files.clone();
        // One at a time: flushes wait for it.
        let jobs = compact::jobs(&files, &self.settings, now, &self.files, 1);
        if jobs.is_empty() {
            return None;
        }
        let (dir, hook, settings) = (self.dir.clone(), self.hook.clone(), self.settings);
        let reader = self.files.clone();
        Some(tokio::task::spawn_blocking(move || {
            if let Some(late) = Written::late(&dir, &files)? {
                return Ok(late);
            }
            let files = compact::run(&dir, &files, &jobs, &settings, now, &reader, &hook)?;
            Ok(Written {
                files,
                removed: jobs.concat(),
                is_late: false,
            })
        }))
    }

    /// Makes a committed write visible: what it holds is looked up in files from now on, not in the tail.
    fn publish(&self, written: Result<Written, TableError>) -> Result<(), TableError> {
        let Written { files, removed, .. } = written?;
        let cursor = files.position(JOURNAL).unwrap_or(0);
        let old = {
            let mut state = self.write();
            let is_flush = state.files.position(JOURNAL) != files.position(JOURNAL);
            state.files = Arc::new(files);
            is_flush.then(|| {
                let rest = state.tail.from(cursor);
                state.unsaved_journal_bytes = rest.bytes() as u64;
                std::mem::replace(&mut state.tail, rest)
            })
        };
        drop(old);
        self.files.forget(&removed);
        self.position.send_replace(Seq(cursor));
        Ok(())
    }
}

/// The table in `dir`, made out of what a version before the log left, if need be.
fn load(dir: &Path, now: Timestamp, hook: &Hook) -> Result<Snapshot, TableError> {
    let snapshot = Snapshot::load(dir)?;
    let Some(manifest) = Manifest::load(dir)? else {
        return Ok(snapshot);
    };
    let snapshot = if snapshot.version.is_some() {
        // The conversion was interrupted after its commit.
        snapshot
    } else {
        let change = Change {
            operation: "CONVERT",
            added: manifest.parts,
            positions: vec![(JOURNAL, manifest.cursor)],
            ..Change::default()
        };
        snapshot.commit(dir, change, now, hook)?
    };
    Manifest::delete(dir)?;
    Ok(snapshot)
}

fn wanted_parts(files: &Snapshot, wanted: &Wanted) -> Vec<Arc<Part>> {
    let parts = files.parts(wanted.account, &wanted.region).iter();
    parts
        .filter(|part| scan::is_wanted(wanted, part))
        .cloned()
        .collect()
}

async fn finished(task: &mut Option<WriteTask>) -> Result<Written, TableError> {
    match task {
        Some(task) => task
            .await
            .map_err(|error| TableError::Task(error.to_string()))?,
        None => std::future::pending().await,
    }
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TableError> + Send + 'static,
) -> Result<T, TableError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| TableError::Task(error.to_string()))?
}

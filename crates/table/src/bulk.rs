//! A table that is filled at once, out of files, instead of following the journal: imported events.
//!
//! Any process may fill it, one at a time; a running server sees each commit. Events go to files by account, Region and
//! month as they come, when memory is full first those that are idle, then those that are large or have waited, and no event
//! (id and time) is there twice. What was read of which source stands in marks that count from the same commit on as the
//! events do.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    event::record::{Members, Record},
};
use uuid::Uuid;

use crate::{
    Settings, TableError, compact,
    log::{Change, Month, Part, Snapshot},
    part::{self, Hook, Names},
    scan::{self, Files},
    tail::{self, Row},
    threads::in_parallel,
};

/// The name under which the log says how many rows were numbered.
const NUMBERED: &str = "pugmark.import";
/// Imported rows are numbered from here on: no journal reaches it, so that no place in the order comes twice.
pub(crate) const FIRST_SEQ: u64 = 1 << 62;
const LOCK: &str = ".lock";
const MARKS: &str = "_marks";
/// More files of marks are made one.
const MARK_FILES_MAX: usize = 64;
/// For so many rows times files, each row is looked up; for more, the files' ids are read.
const LOOK_UPS_MAX: usize = 512;
/// Compactions that are committed together.
const JOBS_A_COMMIT: usize = 64;

/// What has files of its own.
type Place = (AccountId, Region, Month);

/// How a bulk table is filled.
#[derive(Debug, Clone, Copy)]
pub struct BulkSettings {
    /// Events in memory, in bytes, before the largest groups are written.
    pub buffer_bytes_max: usize,
    /// How files are made.
    pub table: Settings,
}

impl Default for BulkSettings {
    fn default() -> Self {
        Self {
            buffer_bytes_max: 128 * 1024 * 1024,
            table: Settings::default(),
        }
    }
}

/// What a commit made visible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Events that are new in the table.
    pub added: u64,
    /// Events that it had already, or that came twice.
    pub duplicates: u64,
}

/// The one writer of a bulk table.
#[derive(Debug)]
pub struct Bulk {
    dir: PathBuf,
    settings: BulkSettings,
    hook: Hook,
    files: Files,
    snapshot: Snapshot,
    names: Names,
    groups: HashMap<Place, Group>,
    bytes: usize,
    /// Bytes of all rows that ever came.
    pushed: u64,
    next_seq: u64,
    /// Written, and not yet committed.
    written: Vec<Arc<Part>>,
    marks: HashMap<String, String>,
    counts: Committed,
    /// Held until the writer is dropped.
    _lock: File,
}

#[derive(Debug, Default)]
struct Group {
    rows: Vec<Arc<Row>>,
    bytes: usize,
    /// What [`Bulk::pushed`] was when the last row came.
    touched: u64,
}

impl Bulk {
    /// Opens the table in `dir`, made if need be, and locks it against a second writer.
    ///
    /// # Errors
    /// [`TableError::Locked`] when another process writes to it; else when the disk or the table's log cannot be read.
    pub fn open(dir: PathBuf, settings: BulkSettings) -> Result<Self, TableError> {
        Self::open_with(dir, settings, Hook::default())
    }

    pub(crate) fn open_with(
        dir: PathBuf,
        settings: BulkSettings,
        hook: Hook,
    ) -> Result<Self, TableError> {
        let at = dir.display();
        fs::create_dir_all(&dir).map_err(TableError::io(format!("make {at}")))?;
        let lock = File::create(dir.join(LOCK)).map_err(TableError::io(format!("lock {at}")))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(TableError::Locked(dir)),
            Err(TryLockError::Error(error)) => {
                return Err(TableError::io(format!("lock {at}"))(error));
            }
        }
        let snapshot = Snapshot::load(&dir)?;
        part::delete_orphans(&dir, &snapshot)?;
        let files = Files::new(dir.clone());
        files.check(snapshot.all());
        let marks = load_marks(&dir.join(MARKS), snapshot.version)?;
        Ok(Self {
            names: Names::after(&snapshot),
            next_seq: snapshot.position(NUMBERED).unwrap_or(0),
            groups: HashMap::new(),
            bytes: 0,
            pushed: 0,
            written: Vec::new(),
            counts: Committed::default(),
            dir,
            settings,
            hook,
            files,
            snapshot,
            marks,
            _lock: lock,
        })
    }

    /// The mark that was last committed for a source.
    pub fn resumed(&self, source: &str) -> Option<&str> {
        self.marks.get(source).map(String::as_str)
    }

    /// Takes a record's event; it counts after the next [`Self::commit`].
    ///
    /// # Errors
    /// When files cannot be written. Nothing that was taken since the last commit counts then.
    pub fn push(&mut self, record: Record) -> Result<(), TableError> {
        let Record { event, members } = record;
        let seconds = event.keys.time.as_second();
        let place = (
            event.keys.account,
            event.keys.region.clone(),
            Month::of(seconds),
        );
        let row = Row {
            seq: FIRST_SEQ + self.next_seq,
            event,
            members: Some(members),
        };
        self.next_seq += 1;
        let bytes = tail::row_bytes(&row) + size_of::<Members>();
        let group = self.groups.entry(place).or_default();
        group.rows.push(Arc::new(row));
        group.bytes += bytes;
        self.bytes += bytes;
        self.pushed += bytes as u64;
        group.touched = self.pushed;
        if self.bytes > self.settings.buffer_bytes_max {
            self.make_room()?;
        }
        Ok(())
    }

    /// Makes all events so far durable and visible, together with marks: pairs of a source and what to remember of it.
    ///
    /// # Errors
    /// When files or the log cannot be written: then what was pushed since the last commit does not count.
    pub fn commit(&mut self, marks: &[(String, String)]) -> Result<Committed, TableError> {
        let mut places: Vec<_> = self.groups.keys().cloned().collect();
        places.sort();
        self.write_groups(places)?;
        let counts = std::mem::take(&mut self.counts);
        if self.written.is_empty() && marks.is_empty() {
            return Ok(counts);
        }
        write_marks(&self.dir.join(MARKS), self.snapshot.next_version(), marks)?;
        let added = self.written.drain(..).map(Arc::unwrap_or_clone).collect();
        let change = Change {
            operation: "WRITE",
            added,
            positions: vec![(NUMBERED, self.next_seq)],
            ..Change::default()
        };
        self.snapshot = self
            .snapshot
            .commit(&self.dir, change, Timestamp::now(), &self.hook)?;
        self.names = Names::after(&self.snapshot);
        self.marks.extend(marks.iter().cloned());
        Ok(counts)
    }

    /// Makes many small files of a month one; calls `step` after each. To be called when all is committed.
    ///
    /// # Errors
    /// When files cannot be read or written: what is committed stays.
    pub fn optimize(&mut self, mut step: impl FnMut()) -> Result<(), TableError> {
        let (now, settings) = (Timestamp::now(), self.settings.table);
        loop {
            let (snapshot, files) = (&self.snapshot, &self.files);
            let jobs = compact::jobs(snapshot, &settings, now, files, JOBS_A_COMMIT);
            if jobs.is_empty() {
                break;
            }
            let (dir, hook) = (&self.dir, &self.hook);
            self.snapshot = compact::run(dir, snapshot, &jobs, &settings, now, files, hook)?;
            self.files.forget(&jobs.concat());
            step();
        }
        self.tidy(Timestamp::now())
    }

    /// Deletes files that stopped counting long enough ago.
    fn tidy(&mut self, now: Timestamp) -> Result<(), TableError> {
        let kept = self.settings.table.removed_files_kept;
        let forgotten = part::delete(&self.dir, self.snapshot.removed_for(kept, now));
        if !forgotten.is_empty() {
            let change = Change {
                operation: "VACUUM END",
                forgotten,
                ..Change::default()
            };
            let (dir, hook) = (&self.dir, &self.hook);
            self.snapshot = self.snapshot.commit(dir, change, now, hook)?;
        }
        self.names = Names::after(&self.snapshot);
        Ok(())
    }

    /// Writes the groups to which nothing came for long, which log files are mostly done with, and then those that are large or
    /// to which nothing came for a while, until half of the memory is free: what is small or new may still grow.
    fn make_room(&mut self) -> Result<(), TableError> {
        let room = self.settings.buffer_bytes_max / 2;
        let mut order: Vec<(bool, u128, usize, Place)> = self
            .groups
            .iter()
            .map(|(place, group)| {
                let age = self.pushed - group.touched;
                let weight = u128::from(age) * group.bytes as u128;
                (age > room as u64, weight, group.bytes, place.clone())
            })
            .collect();
        order.sort();
        let (mut left, mut chosen) = (self.bytes, Vec::new());
        while let Some((is_idle, _, bytes, place)) = order.pop()
            && (is_idle || left > room)
        {
            left -= bytes;
            chosen.push(place);
        }
        self.write_groups(chosen)
    }

    /// Writes groups, each to a file of its own, on all processors.
    fn write_groups(&mut self, places: Vec<Place>) -> Result<(), TableError> {
        let mut jobs = Vec::with_capacity(places.len());
        for place in places {
            let Some(group) = self.groups.remove(&place) else {
                continue;
            };
            self.bytes -= group.bytes;
            self.counts.duplicates += group.rows.len() as u64;
            jobs.push((place, group.rows, self.names.next()));
        }
        jobs.sort_by_key(|job| Reverse(job.1.len()));
        let this = &*self;
        let parts = in_parallel(&jobs, |(place, rows, name)| {
            let rows = this.without_known(place, rows)?;
            if rows.is_empty() {
                return Ok(None);
            }
            let row_group_rows = this.settings.table.row_group_rows;
            let part = part::write(
                &this.dir,
                place.clone(),
                rows,
                row_group_rows,
                name,
                &this.hook,
            );
            part.map(Some)
        })?;
        for part in parts.into_iter().flatten() {
            self.counts.added += part.rows;
            self.counts.duplicates -= part.rows;
            self.written.push(Arc::new(part));
        }
        Ok(())
    }

    /// Leaves out what came twice, and what the table has.
    fn without_known(
        &self,
        (account, region, _): &Place,
        rows: &[Arc<Row>],
    ) -> Result<Vec<Arc<Row>>, TableError> {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| row.place().newest_first());
        let mut rows = without_twins(&rows);
        let (Some(newest), Some(oldest)) = (rows.first(), rows.last()) else {
            return Ok(rows);
        };
        let (newest, oldest) = (newest.place().seconds, oldest.place().seconds);
        let written = self.written.iter();
        let written = written.filter(|part| part.account == *account && part.region == *region);
        let parts: Vec<Arc<Part>> = self
            .snapshot
            .parts(*account, region)
            .iter()
            .chain(written)
            .filter(|part| part.newest >= oldest && part.oldest <= newest)
            .cloned()
            .collect();
        if rows.len() * parts.len() <= LOOK_UPS_MAX {
            let mut kept = Vec::with_capacity(rows.len());
            for row in rows {
                if !scan::contains(&self.files, &parts, &row)? {
                    kept.push(row);
                }
            }
            return Ok(kept);
        }
        let seen: HashSet<(Uuid, i64)> = rows.iter().map(|row| identity(row)).collect();
        let mut known: HashSet<(Uuid, i64)> = HashSet::new();
        for part in &parts {
            self.files.each_id(part, |id, seconds| {
                if seen.contains(&(id, seconds)) {
                    known.insert((id, seconds));
                }
            })?;
        }
        rows.retain(|row| !known.contains(&identity(row)));
        Ok(rows)
    }
}

/// Of rows in order, those of an id and second the first that came.
fn without_twins(rows: &[Arc<Row>]) -> Vec<Arc<Row>> {
    let mut kept = Vec::with_capacity(rows.len());
    // Few come in the same second.
    for second in rows.chunk_by(|a, b| a.place().seconds == b.place().seconds) {
        if let [row] = second {
            kept.push(row.clone());
            continue;
        }
        let mut firsts: HashMap<Uuid, u64> = HashMap::with_capacity(second.len());
        for row in second {
            let first = firsts.entry(row.event.keys.id).or_insert(row.seq);
            *first = row.seq.min(*first);
        }
        let is_first = |row: &&Arc<Row>| firsts.get(&row.event.keys.id) == Some(&row.seq);
        kept.extend(second.iter().filter(is_first).cloned());
    }
    kept
}

fn identity(row: &Row) -> (Uuid, i64) {
    (row.event.keys.id, row.place().seconds)
}

/// Marks that count: those of commits up to `version`.
fn load_marks(dir: &Path, version: Option<u64>) -> Result<HashMap<String, String>, TableError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
        entries => entries.map_err(TableError::io(format!("list {}", dir.display())))?,
    };
    let mut paths: BTreeMap<u64, PathBuf> = BTreeMap::new();
    for entry in entries {
        let path = entry
            .map_err(TableError::io(format!("list {}", dir.display())))?
            .path();
        let number = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse().ok());
        let Some(number) = number.filter(|_| path.extension().is_some_and(|it| it == "json"))
        else {
            continue;
        };
        if Some(number) > version {
            // Its commit never came.
            fs::remove_file(&path).map_err(TableError::io(format!("delete {}", path.display())))?;
        } else {
            paths.insert(number, path);
        }
    }
    let mut marks = HashMap::new();
    for path in paths.values() {
        let bytes = fs::read(path).map_err(TableError::io(format!("read {}", path.display())))?;
        let pairs: Vec<(String, String)> =
            serde_json::from_slice(&bytes).map_err(|error| TableError::Log {
                path: path.clone(),
                detail: error.to_string(),
            })?;
        marks.extend(pairs);
    }
    if paths.len() > MARK_FILES_MAX
        && let Some((newest, _)) = paths.pop_last()
    {
        let mut pairs: Vec<_> = marks.clone().into_iter().collect();
        pairs.sort();
        write_marks(dir, newest, &pairs)?;
        for path in paths.values() {
            fs::remove_file(path).map_err(TableError::io(format!("delete {}", path.display())))?;
        }
    }
    Ok(marks)
}

fn write_marks(dir: &Path, version: u64, marks: &[(String, String)]) -> Result<(), TableError> {
    if marks.is_empty() {
        return Ok(());
    }
    let path = dir.join(format!("{version:020}.json"));
    let temporary = dir.join(format!(".{version:020}.tmp"));
    let failed = |action: &str| TableError::io(format!("{action} {}", path.display()));
    let bytes = serde_json::to_vec(marks).map_err(|error| TableError::Task(error.to_string()))?;
    fs::create_dir_all(dir).map_err(failed("make the directory of"))?;
    let mut file = File::create(&temporary).map_err(failed("create"))?;
    file.write_all(&bytes).map_err(failed("write"))?;
    file.sync_all().map_err(failed("sync"))?;
    fs::rename(&temporary, &path).map_err(failed("rename"))?;
    part::sync_dir(dir)
}

/// A bulk table, for reading: sees what any process commits.
#[derive(Debug)]
pub(crate) struct Imports {
    pub(crate) files: Arc<Files>,
    dir: PathBuf,
    snapshot: RwLock<Arc<Snapshot>>,
}

impl Imports {
    /// The table in `dir`, which need not be there yet.
    pub(crate) fn open(dir: PathBuf) -> Result<Self, TableError> {
        let snapshot = Snapshot::load(&dir)?;
        let files = Files::new(dir.clone());
        files.check(snapshot.all());
        Ok(Self {
            files: Arc::new(files),
            dir,
            snapshot: RwLock::new(Arc::new(snapshot)),
        })
    }

    /// The newest state that can be read.
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        let lock = || self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        let known = lock().clone();
        if !known.is_behind(&self.dir) {
            return known;
        }
        let next = match Snapshot::load(&self.dir) {
            Ok(next) => Arc::new(next),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the newest imported events cannot be read; searches answer without them"
                );
                return known;
            }
        };
        let mut snapshot = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if snapshot.version < next.version {
            *snapshot = next.clone();
        }
        drop(snapshot);
        let counting: HashSet<&str> = next.all().map(|part| part.path.as_str()).collect();
        let gone = known.all().filter(|part| !counting.contains(&*part.path));
        let gone: Vec<Arc<Part>> = gone.cloned().collect();
        self.files.forget(&gone);
        next
    }

    /// Deletes files that stopped counting long enough ago, unless an import is running, which will do it.
    pub(crate) fn tidy(&self, settings: &Settings, now: Timestamp) -> Result<(), TableError> {
        let gone = self.current().removed_for(settings.removed_files_kept, now);
        if gone.is_empty() {
            return Ok(());
        }
        let settings = BulkSettings {
            table: *settings,
            ..BulkSettings::default()
        };
        match Bulk::open(self.dir.clone(), settings) {
            Ok(mut bulk) => bulk.tidy(now),
            Err(TableError::Locked(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;

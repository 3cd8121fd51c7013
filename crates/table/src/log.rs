//! The transaction log of a table, as Delta Lake's protocol has it: which files count, and how far they hold their source.
//!
//! One JSON file a commit in `_delta_log/`, made by a hard link, which fails when another process was first; a checkpoint
//! now and then, so that neither the log nor the start grows with the table's age. Third parties read the table through
//! it; only this program writes it. Described in `docs/formats.md`, "Event tables".

mod actions;
mod checkpoint;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, File},
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use pugmark_core::account::{AccountId, Region};

use self::actions::{Action, Add, CommitInfo, MetaData, Protocol, Remove, Txn};
pub(crate) use self::{actions::Part, checkpoint::LAST as LAST_CHECKPOINT};
use crate::{
    TableError,
    part::{self, Hook, Step},
};

/// The folder of a table's log.
pub(crate) const LOG: &str = "_delta_log";
/// Commits between two checkpoints.
const CHECKPOINT_COMMITS: u64 = 64;
/// When more files are forgotten at once there is a checkpoint too: else all that read the log hear of them again.
const FORGOTTEN_FILES: usize = 256;

/// A table's state at one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The last commit; `None` before the first one.
    pub(crate) version: Option<u64>,
    metadata: Option<MetaData>,
    positions: BTreeMap<String, u64>,
    parts: HashMap<(AccountId, Region), Vec<Arc<Part>>>,
    /// Files that no longer count, and when they stopped, epoch milliseconds: somebody may still read them.
    removed: BTreeMap<String, i64>,
}

/// What a commit changes.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Why, for people who read the log: `WRITE`, `OPTIMIZE`, `VACUUM END`.
    pub(crate) operation: &'static str,
    pub(crate) added: Vec<Part>,
    pub(crate) removed: Vec<Arc<Part>>,
    /// How far the files hold a source, by the source's name.
    pub(crate) positions: Vec<(&'static str, u64)>,
    /// Files that are not there any more and need not be remembered.
    pub(crate) forgotten: Vec<String>,
}

impl Change {
    /// Whether the table's rows stay the same.
    fn only_rearranges(&self) -> bool {
        self.operation == "OPTIMIZE"
    }
}

impl Snapshot {
    /// The files of an account and Region.
    pub(crate) fn parts(&self, account: AccountId, region: &Region) -> &[Arc<Part>] {
        self.parts
            .get(&(account, region.clone()))
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Part>> {
        self.parts.values().flatten()
    }

    /// Files by account and Region.
    pub(crate) fn by_place(&self) -> impl Iterator<Item = (&(AccountId, Region), &Vec<Arc<Part>>)> {
        self.parts.iter()
    }

    /// What tells this table from others.
    pub(crate) fn id(&self) -> Option<&str> {
        self.metadata.as_ref().map(MetaData::id)
    }

    /// How far the files hold a source.
    pub(crate) fn position(&self, source: &str) -> Option<u64> {
        self.positions.get(source).copied()
    }

    /// Files that stopped counting so long ago, or longer, that nobody reads them any more.
    pub(crate) fn removed_for(&self, kept: Duration, now: Timestamp) -> Vec<String> {
        let kept = SignedDuration::try_from(kept).unwrap_or(SignedDuration::MAX);
        let until = now.checked_sub(kept).unwrap_or(Timestamp::MIN);
        let until = until.as_millisecond();
        let old = self.removed.iter().filter(|(_, at)| **at <= until);
        old.map(|(path, _)| path.clone()).collect()
    }

    /// The files that the log remembers, counting or not.
    pub(crate) fn known(&self) -> HashSet<&str> {
        let counting = self.all().map(|part| part.path.as_str());
        counting
            .chain(self.removed.keys().map(String::as_str))
            .collect()
    }

    /// The version that the next commit has.
    pub(crate) fn next_version(&self) -> u64 {
        self.version.map_or(0, |version| version + 1)
    }

    /// Reads the newest state of the table in `dir`; no log is an empty table.
    pub(crate) fn load(dir: &Path) -> Result<Self, TableError> {
        let log = dir.join(LOG);
        let mut snapshot = checkpoint::newest(&log)?.unwrap_or_default();
        if snapshot.version.is_none() {
            // Versions below a checkpoint are deleted: without it, the log must begin at 0.
            let first = versions(&log)?.into_iter().min();
            if let Some(first) = first.filter(|first| *first > 0) {
                return Err(damaged(
                    &log.join(name(first)),
                    "the versions before it, and their checkpoint, are missing",
                ));
            }
        }
        snapshot.refresh(dir)?;
        let last = versions(&log)?.into_iter().max();
        if let Some(last) = last.filter(|last| Some(*last) > snapshot.version) {
            return Err(damaged(
                &log.join(name(last)),
                "versions before it are missing",
            ));
        }
        Ok(snapshot)
    }

    /// Whether a later commit is there.
    pub(crate) fn is_behind(&self, dir: &Path) -> bool {
        let log = dir.join(LOG);
        // The next version may be deleted already, after a checkpoint.
        log.join(name(self.next_version())).exists() || checkpoint::version(&log) > self.version
    }

    /// Reads the commits that came since; tells whether there were any.
    pub(crate) fn refresh(&mut self, dir: &Path) -> Result<bool, TableError> {
        let mut changed = false;
        loop {
            let version = self.next_version();
            let Some(actions) = read_commit(dir, version)? else {
                return Ok(changed);
            };
            self.apply(actions.into_iter().map(Ok))
                .map_err(|detail| damaged(&dir.join(LOG).join(name(version)), detail))?;
            self.version = Some(version);
            changed = true;
        }
    }

    /// Makes a change durable and returns the state after it. When it returns an error, the old state still counts, or
    /// the new one.
    pub(crate) fn commit(
        &self,
        dir: &Path,
        change: Change,
        now: Timestamp,
        hook: &Hook,
    ) -> Result<Self, TableError> {
        part::sync(dir, &change.added, hook)?;
        let (version, millis) = (self.next_version(), now.as_millisecond());
        let mut actions = vec![Action::CommitInfo(CommitInfo::new(
            change.operation,
            millis,
        ))];
        if self.metadata.is_none() {
            actions.push(Action::Protocol(Protocol::default()));
            actions.push(Action::MetaData(MetaData::new(millis)));
        }
        let rearranges = change.only_rearranges();
        for (source, position) in &change.positions {
            actions.push(Action::Txn(Txn::new(source, *position, millis)));
        }
        for part in &change.removed {
            actions.push(Action::Remove(Remove::new(&part.path, millis, !rearranges)));
        }
        for part in change.added {
            actions.push(Action::Add(Add::new(part, millis, !rearranges)));
        }
        let mut text = String::new();
        for action in &actions {
            text.push_str(&action.line());
            text.push('\n');
        }
        let mut next = self.clone();
        next.apply(actions.into_iter().map(Ok))
            .map_err(TableError::Task)?;
        for path in &change.forgotten {
            next.removed.remove(path);
        }
        next.version = Some(version);

        let log = dir.join(LOG);
        write_new(&log, version, text.as_bytes(), hook)?;
        hook.at(Step::Committed)?;
        let is_due = version > 0 && version % CHECKPOINT_COMMITS == 0;
        if is_due || change.forgotten.len() > FORGOTTEN_FILES {
            // The log alone is the truth: without its checkpoint it is only longer.
            if let Err(error) = next.checkpoint(&log) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "no checkpoint of an event table was written; the next one is tried later"
                );
            }
        }
        Ok(next)
    }

    fn checkpoint(&self, log: &Path) -> Result<(), TableError> {
        checkpoint::write(log, self)?;
        // One checkpoint back, so that a reader that has just begun finds what it listed.
        let keep = self.version.unwrap_or(0).saturating_sub(CHECKPOINT_COMMITS);
        for version in versions(log)? {
            if version < keep {
                // What stays does no harm.
                let _ = fs::remove_file(log.join(name(version)));
            }
        }
        checkpoint::delete_below(log, keep);
        Ok(())
    }

    /// Takes what a commit or a checkpoint says, in one walk over the files: it may be about all of them.
    fn apply(
        &mut self,
        actions: impl IntoIterator<Item = Result<Action, String>>,
    ) -> Result<(), String> {
        // By path, for the last action about a file counts.
        let mut changed: BTreeMap<String, Option<Arc<Part>>> = BTreeMap::new();
        for action in actions {
            match action? {
                Action::Protocol(protocol) => protocol.check()?,
                Action::MetaData(metadata) => self.metadata = Some(metadata),
                Action::Txn(txn) => {
                    self.positions.insert(txn.app_id, txn.version);
                }
                Action::Add(add) => {
                    let part = Part::try_from(add)?;
                    self.removed.remove(&part.path);
                    changed.insert(part.path.clone(), Some(Arc::new(part)));
                }
                Action::Remove(remove) => {
                    let at = remove.deletion_timestamp.unwrap_or(0);
                    changed.insert(remove.path.clone(), None);
                    self.removed.insert(remove.path, at);
                }
                Action::CommitInfo(_) => {}
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        for parts in self.parts.values_mut() {
            parts.retain(|part| !changed.contains_key(&part.path));
        }
        for part in changed.into_values().flatten() {
            let place = (part.account, part.region.clone());
            self.parts.entry(place).or_default().push(part);
        }
        self.parts.retain(|_, parts| !parts.is_empty());
        Ok(())
    }

    /// The actions from which this state can be made again.
    fn actions(&self) -> Vec<Action> {
        let mut actions = vec![Action::Protocol(Protocol::default())];
        actions.extend(self.metadata.clone().map(Action::MetaData));
        let positions = self.positions.iter();
        actions.extend(positions.map(|(source, at)| Action::Txn(Txn::new(source, *at, 0))));
        let mut parts: Vec<&Arc<Part>> = self.all().collect();
        parts.sort_by(|a, b| a.path.cmp(&b.path));
        let adds = parts.into_iter();
        actions.extend(adds.map(|part| Action::Add(Add::new(Part::clone(part), 0, false))));
        let removed = self.removed.iter();
        actions.extend(removed.map(|(path, at)| Action::Remove(Remove::new(path, *at, false))));
        actions
    }
}

/// Makes a file of the log appear whole, and only if none has its name.
fn write_new(log: &Path, version: u64, bytes: &[u8], hook: &Hook) -> Result<(), TableError> {
    let path = log.join(name(version));
    let temporary = log.join(format!(".{}.{}.tmp", name(version), std::process::id()));
    let failed = |action: &str| TableError::io(format!("{action} {}", path.display()));
    hook.at(Step::LogWrite)?;
    fs::create_dir_all(log).map_err(failed("make the directory of"))?;
    let mut file = File::create(&temporary).map_err(failed("create"))?;
    file.write_all(bytes).map_err(failed("write"))?;
    file.sync_all().map_err(failed("sync"))?;
    hook.at(Step::LogLink)?;
    let linked = fs::hard_link(&temporary, &path);
    let _ = fs::remove_file(&temporary);
    linked.map_err(failed("commit"))?;
    hook.at(Step::LogSync)?;
    part::sync_dir(log)?;
    if let Some(table) = log.parent() {
        part::sync_dir(table)?;
    }
    Ok(())
}

/// The versions that stand in the log as files of their own.
fn versions(log: &Path) -> Result<Vec<u64>, TableError> {
    let names = names(log)?.into_iter();
    let commits = names.filter(|name| name.ends_with(".json"));
    Ok(commits.filter_map(|name| version_of(&name)).collect())
}

fn name(version: u64) -> String {
    format!("{version:020}.json")
}

/// The newest version of the table in `dir`; `None` if there is no table.
pub(crate) fn newest(dir: &Path) -> Result<Option<u64>, TableError> {
    let log = dir.join(LOG);
    Ok(versions(&log)?
        .into_iter()
        .max()
        .max(checkpoint::version(&log)))
}

/// The names of commits and checkpoints, oldest first; none if there is no log.
pub(crate) fn names(log: &Path) -> Result<Vec<String>, TableError> {
    let failed = || TableError::io(format!("list {}", log.display()));
    let entries = match fs::read_dir(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed())?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed())?.file_name().into_string();
        names.extend(name.ok().filter(|name| version_of(name).is_some()));
    }
    names.sort_unstable();
    Ok(names)
}

/// The version of a commit or a checkpoint, by the name of its file.
pub(crate) fn version_of(name: &str) -> Option<u64> {
    let number = name
        .strip_suffix(".json")
        .or_else(|| name.strip_suffix(checkpoint::SUFFIX))?;
    (number.len() == 20).then(|| number.parse().ok()).flatten()
}

/// What a commit says; `None` if it is not there.
fn read_commit(dir: &Path, version: u64) -> Result<Option<Vec<Action>>, TableError> {
    let path = dir.join(LOG).join(name(version));
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(TableError::io(format!("read {}", path.display())))?,
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let actions: Result<Vec<Action>, String> = lines.map(Action::parse).collect();
    Ok(Some(actions.map_err(|detail| damaged(&path, detail))?))
}

/// The files that commits of these versions name as added, as far as the commits are still there.
pub(crate) fn added(dir: &Path, versions: Range<u64>) -> Result<Vec<String>, TableError> {
    let mut added = Vec::new();
    for version in versions {
        for action in read_commit(dir, version)?.into_iter().flatten() {
            if let Action::Add(add) = action {
                let part = Part::try_from(add);
                let part = part.map_err(|it| damaged(&dir.join(LOG).join(name(version)), it))?;
                added.push(part.path);
            }
        }
    }
    Ok(added)
}

/// The files that counted at the newest checkpoint, if that is of a later version.
pub(crate) fn parts_of_checkpoint(
    dir: &Path,
    after: Option<u64>,
) -> Result<Vec<String>, TableError> {
    let log = dir.join(LOG);
    if checkpoint::version(&log) <= after {
        return Ok(Vec::new());
    }
    let snapshot = checkpoint::newest(&log)?.unwrap_or_default();
    Ok(snapshot.all().map(|part| part.path.clone()).collect())
}

/// What names the newest checkpoint, and its version.
pub(crate) fn last_checkpoint(dir: &Path) -> Result<Option<(u64, Vec<u8>)>, TableError> {
    let pointer = checkpoint::pointer(&dir.join(LOG))?;
    Ok(pointer.and_then(|bytes| Some((checkpoint::version_in(&bytes)?, bytes))))
}

fn damaged(path: &Path, detail: impl Into<String>) -> TableError {
    TableError::Log {
        path: PathBuf::from(path),
        detail: detail.into(),
    }
}

/// A UTC month: what a table is divided by, beside account and Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Month(Date);

impl Month {
    /// The month in which a second lies.
    pub(crate) fn of(seconds: i64) -> Self {
        let time = Timestamp::from_second(seconds).unwrap_or_default();
        Self(time.to_zoned(TimeZone::UTC).date().first_of_month())
    }

    /// The first second after it.
    pub(crate) fn end(self) -> i64 {
        let next = self.0.last_of_month().tomorrow();
        let next = next.and_then(|date| date.to_zoned(TimeZone::UTC));
        next.map_or(i64::MAX, |next| next.timestamp().as_second())
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

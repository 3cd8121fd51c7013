//! A copy of an event table in a bucket: for programs that do not reach the server's disk, and for the day on which that is gone.
//!
//! The files of a table never change, so the copy is made of what is missing in the bucket: files of events before the commits that
//! name them, so that whoever reads the copy finds a version that the table had. What the table has forgotten is deleted in the bucket
//! when it is old enough. Nothing is remembered between runs but in the bucket. Described in `docs/formats.md`, "Mirror".

use std::{
    collections::{BTreeSet, HashSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use pugmark_core::{clock::Clock, service::ServiceError};
use tokio::{sync::watch, time::Instant};

use crate::{
    TableError, index,
    log::{self, Snapshot},
};

/// How often the table's log is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// The longest wait after a failure.
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(60);
/// How often what the table has forgotten is looked for in the bucket.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How long the last look may take, when the program ends.
const LAST_LOOK_TIMEOUT: Duration = Duration::from_secs(20);
/// Files on their way at a time.
const PUTS_MAX: usize = 4;
/// Tells whose copy it is; readers of tables ignore names with a `_`.
const MARKER: &str = "_pugmark_mirror.json";

/// Objects of one bucket.
#[async_trait]
pub trait MirrorBucket: Send + Sync {
    /// All objects whose keys begin so, and when each was put there.
    async fn list(&self, prefix: &str) -> Result<Vec<(String, Timestamp)>, ServiceError>;

    /// An object's bytes; `None` if it is not there.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ServiceError>;

    /// Puts bytes there.
    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), ServiceError>;

    /// Puts a file there, as a stream.
    async fn put_file(&self, key: &str, file: &Path) -> Result<(), ServiceError>;

    /// Deletes an object; one that is not there is none.
    async fn delete(&self, key: &str) -> Result<(), ServiceError>;
}

/// Why a copy is behind.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Retry: the table could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Retry: the bucket did not do what it was asked.
    #[error("{action} {key}")]
    Bucket {
        /// What was tried, as a verb.
        action: &'static str,
        /// The object.
        key: String,
        /// What the bucket said.
        #[source]
        source: ServiceError,
    },
    /// Decide: what is there would be overwritten.
    #[error(
        "{0} holds {1}: set another [history] mirror, or restore what is there (docs/formats.md, \"Mirror\")"
    )]
    Foreign(String, &'static str),
}

/// Keeps the copy of one table.
pub struct Mirror {
    dir: PathBuf,
    bucket: Arc<dyn MirrorBucket>,
    prefix: String,
    clock: Arc<dyn Clock>,
    removed_files_kept: Duration,
}

/// What is known of the copy.
pub(crate) struct Replica {
    /// Below the prefix.
    names: HashSet<String>,
    /// The newest version in it.
    version: Option<u64>,
    /// Whether all that belongs to that version was found or put there.
    is_whole: bool,
    /// What `_last_checkpoint` says there.
    last_checkpoint: Vec<u8>,
    swept: Instant,
}

impl Mirror {
    /// Copies the table in `dir` to keys below `prefix`, which ends with a slash or is empty. What the table has let go stays there for
    /// `removed_files_kept`.
    pub fn new(
        dir: PathBuf,
        bucket: Arc<dyn MirrorBucket>,
        prefix: String,
        clock: Arc<dyn Clock>,
        removed_files_kept: Duration,
    ) -> Self {
        Self {
            dir,
            bucket,
            prefix,
            clock,
            removed_files_kept,
        }
    }

    /// Copies until the program ends, and once more then. A bucket that fails is tried again for as long as it takes.
    pub async fn run(&self, mut shutdown: watch::Receiver<bool>) {
        let mut copy = None;
        let mut failures = 0_u32;
        loop {
            match self.look(&mut copy).await {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!(table = %self.dir.display(), "the mirror has caught up");
                    }
                    failures = 0;
                }
                Err(error) => {
                    // Who else writes there is not known: the bucket is looked at anew.
                    copy = None;
                    failures = failures.saturating_add(1);
                    metrics::counter!("pugmark_mirror_failures_total").increment(1);
                    if failures == 1 {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(table = %self.dir.display(), error, "the mirror falls behind; it is tried again");
                    }
                }
            }
            let wait = LOOK_INTERVAL * 2_u32.saturating_pow(failures.min(8));
            tokio::select! {
                () = tokio::time::sleep(wait.min(RETRY_INTERVAL_MAX)) => {}
                _ = shutdown.wait_for(|stop| *stop) => break,
            }
        }
        let last = tokio::time::timeout(LAST_LOOK_TIMEOUT, self.look(&mut copy)).await;
        if !matches!(last, Ok(Ok(()))) {
            tracing::warn!(table = %self.dir.display(), "the mirror is behind; the next start brings it up to date");
        }
    }

    /// Brings the copy up to the table's newest version.
    pub(crate) async fn look(&self, copy: &mut Option<Replica>) -> Result<(), MirrorError> {
        let is_due = |copy: &Replica| copy.swept.elapsed() >= SWEEP_INTERVAL;
        let newest = self.blocking(|dir| log::newest(&dir)).await?;
        if newest.is_none() {
            return Ok(());
        }
        if copy
            .as_ref()
            .is_some_and(|copy| copy.version >= newest && !is_due(copy))
        {
            return Ok(());
        }
        let snapshot = self.blocking(|dir| Snapshot::load(&dir)).await?;
        let known = match copy.take() {
            Some(known) => known,
            None => self.begin(&snapshot).await?,
        };
        let known = copy.insert(known);
        if !known.is_whole || known.version < snapshot.version {
            self.put_events(&snapshot, known).await?;
            self.put_log(&snapshot, known).await?;
            known.version = snapshot.version;
            known.is_whole = true;
        }
        if is_due(known) {
            self.sweep(&snapshot, known).await?;
            known.swept = Instant::now();
        }
        Ok(())
    }

    /// Looks at what is there. A copy of another table, or of a later state of this one, is left alone.
    async fn begin(&self, snapshot: &Snapshot) -> Result<Replica, MirrorError> {
        let there = self.list().await?;
        let names: HashSet<String> = there.into_iter().map(|(name, _)| name).collect();
        let commits = names.iter().filter(|name| name.ends_with(".json"));
        let versions = commits.filter_map(|name| {
            let name = name.strip_prefix(log::LOG)?.strip_prefix('/')?;
            log::version_of(name)
        });
        let version = versions.max();
        let id = snapshot.id().unwrap_or_default();
        let marker = self.get(MARKER).await?;
        let marked = marker.and_then(|it| serde_json::from_slice::<serde_json::Value>(&it).ok());
        match marked.as_ref().and_then(|it| it["table"].as_str()) {
            Some(table) if table == id => {}
            Some(_) => return Err(self.foreign("the copy of another table")),
            None if version.is_some() => return Err(self.foreign("a table that is no mirror")),
            None => {
                let marker = serde_json::json!({"table": id, "writer": "pugmark"});
                self.put(MARKER, marker.to_string().into_bytes()).await?;
            }
        }
        if version > snapshot.version {
            return Err(self.foreign("a later state of this table than the data directory"));
        }
        let last = format!("{}/{}", log::LOG, log::LAST_CHECKPOINT);
        Ok(Replica {
            last_checkpoint: self.get(&last).await?.unwrap_or_default(),
            // At the first look too: the program may never run for long.
            swept: Instant::now()
                .checked_sub(SWEEP_INTERVAL)
                .unwrap_or_else(Instant::now),
            names,
            version,
            is_whole: false,
        })
    }

    /// The files of events: those that count, and those that only commits name which are not there yet.
    async fn put_events(&self, snapshot: &Snapshot, copy: &mut Replica) -> Result<(), MirrorError> {
        let versions = copy.version.map_or(0, |version| version + 1)..snapshot.next_version();
        let added = self.blocking(move |dir| log::added(&dir, versions)).await?;
        // Commits before a checkpoint may be gone: then what counted at the checkpoint is what its readers look for.
        let whole = copy.version.filter(|_| copy.is_whole);
        let checkpoint = self
            .blocking(move |dir| log::parts_of_checkpoint(&dir, whole))
            .await?;
        let counting = snapshot.all().map(|part| part.path.clone());
        let parts: BTreeSet<String> = counting.chain(added).chain(checkpoint).collect();
        let files = parts
            .iter()
            .flat_map(|part| [part.clone(), index::path_of(part)]);
        let missing: Vec<String> = files.filter(|name| !copy.names.contains(name)).collect();
        self.put_files(missing, copy).await
    }

    /// Checkpoints, what tells the newest one, and then the commits: between them and what is there some may be missing, which a reader
    /// passes over that begins at the checkpoint.
    async fn put_log(&self, snapshot: &Snapshot, copy: &mut Replica) -> Result<(), MirrorError> {
        let newest = snapshot.version;
        let in_log = |name: String| format!("{}/{name}", log::LOG);
        let names = self.blocking(|dir| log::names(&dir.join(log::LOG))).await?;
        let of_then = |name: &String| log::version_of(name).is_some_and(|it| Some(it) <= newest);
        let (commits, checkpoints): (Vec<String>, Vec<String>) = names
            .into_iter()
            .filter(of_then)
            .map(in_log)
            .filter(|name| !copy.names.contains(name))
            .partition(|name| name.ends_with(".json"));
        self.put_files(checkpoints, copy).await?;
        let last = self.blocking(|dir| log::last_checkpoint(&dir)).await?;
        if let Some((version, bytes)) = last
            && Some(version) <= newest
            && bytes != copy.last_checkpoint
        {
            self.put(&in_log(log::LAST_CHECKPOINT.to_owned()), bytes.clone())
                .await?;
            copy.last_checkpoint = bytes;
        }
        for commit in commits {
            self.put_files(vec![commit], copy).await?;
        }
        Ok(())
    }

    /// Those that are there: what was removed since is named by later commits, and an index can be missing.
    async fn put_files(&self, names: Vec<String>, copy: &mut Replica) -> Result<(), MirrorError> {
        let put = |name: String| async move {
            let file = self.dir.join(&name);
            match tokio::fs::metadata(&file).await {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                _ => {}
            }
            let key = self.key(&name);
            let put = self.bucket.put_file(&key, &file).await;
            put.map_err(of_bucket("put", &key))?;
            Ok::<_, MirrorError>(Some(name))
        };
        let put: Vec<Option<String>> = stream::iter(names.into_iter().map(put))
            .buffer_unordered(PUTS_MAX)
            .try_collect()
            .await?;
        copy.names.extend(put.into_iter().flatten());
        Ok(())
    }

    /// Deletes what the table does not know any more, once nobody reads it.
    async fn sweep(&self, snapshot: &Snapshot, copy: &mut Replica) -> Result<(), MirrorError> {
        let old = snapshot.removed_for(self.removed_files_kept, self.clock.now());
        let old: HashSet<&str> = old.iter().map(String::as_str).collect();
        let parts = snapshot.known().into_iter();
        let mut known: HashSet<String> = parts
            .filter(|part| !old.contains(part))
            .flat_map(|part| [part.to_owned(), index::path_of(part)])
            .collect();
        let names = self.blocking(|dir| log::names(&dir.join(log::LOG))).await?;
        known.extend(names.into_iter().map(|name| format!("{}/{name}", log::LOG)));
        known.insert(format!("{}/{}", log::LOG, log::LAST_CHECKPOINT));
        known.insert(MARKER.to_owned());
        let kept = SignedDuration::try_from(self.removed_files_kept).unwrap_or(SignedDuration::MAX);
        let until = self.clock.now().checked_sub(kept).unwrap_or(Timestamp::MIN);
        for (name, put_at) in self.list().await? {
            if !known.contains(&name) && put_at <= until {
                let key = self.key(&name);
                let deleted = self.bucket.delete(&key).await;
                deleted.map_err(of_bucket("delete", &key))?;
                copy.names.remove(&name);
            }
        }
        Ok(())
    }

    /// The names below the prefix that are a table's; others may keep theirs beside it.
    async fn list(&self) -> Result<Vec<(String, Timestamp)>, MirrorError> {
        let listed = self.bucket.list(&self.prefix).await;
        let listed = listed.map_err(of_bucket("list", &self.prefix))?;
        let below = listed.into_iter().filter_map(|(key, put_at)| {
            let name = key.strip_prefix(&self.prefix)?;
            let is_ours = name.starts_with("account=") || name.starts_with(log::LOG);
            is_ours.then(|| (name.to_owned(), put_at))
        });
        Ok(below.collect())
    }

    fn foreign(&self, what: &'static str) -> MirrorError {
        MirrorError::Foreign(self.prefix.clone(), what)
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, MirrorError> {
        let key = self.key(name);
        self.bucket.get(&key).await.map_err(of_bucket("read", &key))
    }

    async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), MirrorError> {
        let key = self.key(name);
        let put = self.bucket.put(&key, bytes).await;
        put.map_err(of_bucket("put", &key))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(PathBuf) -> Result<T, TableError> + Send + 'static,
    ) -> Result<T, MirrorError> {
        let dir = self.dir.clone();
        Ok(crate::history::blocking(move || work(dir)).await?)
    }
}

fn of_bucket(action: &'static str, key: &str) -> impl FnOnce(ServiceError) -> MirrorError {
    let key = key.to_owned();
    move |source| MirrorError::Bucket {
        action,
        key,
        source,
    }
}

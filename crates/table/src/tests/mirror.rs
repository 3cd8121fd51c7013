//! Copies of a table in a bucket that fails at any moment.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use pugmark_core::{clock::Clock, service::ServiceError};

use super::*;
use crate::{Mirror, MirrorBucket, MirrorError, index, log::Snapshot};

/// A bucket of objects in memory, which fails when it has taken so many.
struct Bucket {
    clock: Arc<ManualClock>,
    objects: Mutex<BTreeMap<String, (Vec<u8>, Timestamp)>>,
    puts_left: AtomicUsize,
}

#[async_trait]
impl MirrorBucket for Bucket {
    async fn list(&self, prefix: &str) -> Result<Vec<(String, Timestamp)>, ServiceError> {
        let objects = self.objects.lock().unwrap();
        let below = objects.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(below.map(|(key, (_, at))| (key.clone(), *at)).collect())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ServiceError> {
        let objects = self.objects.lock().unwrap();
        Ok(objects.get(key).map(|(bytes, _)| bytes.clone()))
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), ServiceError> {
        let left = self
            .puts_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        left.map_err(|_| ServiceError {
            code: None,
            message: "away".into(),
        })?;
        let mut objects = self.objects.lock().unwrap();
        objects.insert(key.to_owned(), (bytes, self.clock.now()));
        Ok(())
    }

    async fn put_file(&self, key: &str, file: &Path) -> Result<(), ServiceError> {
        self.put(key, std::fs::read(file).unwrap()).await
    }

    async fn delete(&self, key: &str) -> Result<(), ServiceError> {
        self.objects.lock().unwrap().remove(key);
        Ok(())
    }
}

impl Bucket {
    /// The objects below a prefix, as files of a folder.
    fn as_files(&self, prefix: &str) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (key, (bytes, _)) in &*self.objects.lock().unwrap() {
            let path = dir.path().join(key.strip_prefix(prefix).unwrap());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        dir
    }

    /// A version that the table had, with all of its files; `None` before the first one.
    fn readable(&self) -> Option<Snapshot> {
        let files = self.as_files("lake/");
        let snapshot = Snapshot::load(files.path()).unwrap();
        for part in snapshot.all() {
            let size = std::fs::metadata(files.path().join(&part.path))
                .unwrap()
                .len();
            assert_eq!(size, part.bytes, "{}", part.path);
            let index = std::fs::read(files.path().join(index::path_of(&part.path)));
            assert!(index.is_ok(), "the index of {}", part.path);
        }
        snapshot.version.map(|_| snapshot)
    }
}

struct Mirrored {
    dir: TempDir,
    clock: Arc<ManualClock>,
    journal: Arc<MemoryJournal>,
    history: EventHistory,
    bucket: Arc<Bucket>,
    numbers: Range<u128>,
}

impl Mirrored {
    async fn new() -> Self {
        let (dir, journal, clock, history) = fresh(settings()).await;
        let bucket = Arc::new(Bucket {
            clock: clock.clone(),
            objects: Mutex::default(),
            puts_left: AtomicUsize::new(0),
        });
        Self {
            dir,
            clock,
            journal,
            history,
            bucket,
            numbers: 0..u128::MAX,
        }
    }

    /// The next commits of the table: a flush, and sometimes a compaction.
    async fn go_on(&mut self) {
        let number = self.numbers.next().unwrap();
        append(
            &self.journal,
            &[sample(number, NOW - 100 + (number % 90) as i64)],
        )
        .await;
        self.history.catch_up().await.unwrap();
        self.history.flush().await.unwrap();
        self.history.compact().await.unwrap();
    }

    fn mirror(&self) -> Mirror {
        let kept = settings().removed_files_kept;
        let (dir, clock) = (self.dir.path().into(), self.clock.clone());
        Mirror::new(dir, self.bucket.clone(), "lake/".into(), clock, kept)
    }

    fn local(&self) -> Snapshot {
        Snapshot::load(self.dir.path()).unwrap()
    }
}

#[tokio::test]
async fn a_mirror_is_a_version_of_the_table_whenever_the_bucket_fails() {
    let mut table = Mirrored::new().await;
    let mirror = table.mirror();
    let mut replica = None;
    mirror.look(&mut replica).await.unwrap();
    assert!(
        table.bucket.objects.lock().unwrap().is_empty(),
        "there is no table yet"
    );
    let (mut failed, mut newest) = (0, None);
    for round in 0..90_usize {
        table.go_on().await;
        // Away for long, so that commits are gone before they were copied.
        let left = if (20..89).contains(&round) {
            0
        } else {
            round % 7
        };
        table.bucket.puts_left.store(left, Ordering::SeqCst);
        if mirror.look(&mut replica).await.is_err() {
            failed += 1;
            replica = None;
        }
        let version = table.bucket.readable().and_then(|it| it.version);
        assert!(version >= newest, "a version is not taken back");
        newest = version;
    }
    assert!(failed > 70 && newest.is_some() && newest < table.local().version);
    for left in 0.. {
        table.bucket.puts_left.store(left, Ordering::SeqCst);
        let looked = mirror.look(&mut replica).await;
        assert!(table.bucket.readable().and_then(|it| it.version) >= newest);
        if looked.is_ok() {
            break;
        }
        replica = None;
    }
    assert_eq!(table.bucket.readable(), Some(table.local()));
    let puts = || table.bucket.puts_left.load(Ordering::SeqCst);
    table.bucket.puts_left.store(100, Ordering::SeqCst);
    mirror.look(&mut replica).await.unwrap();
    mirror.look(&mut None).await.unwrap();
    assert_eq!(puts(), 100, "nothing is put twice");
    // Whoever deletes something there gets it back at the next start.
    let part = table.local().all().next().unwrap().path.clone();
    table.bucket.delete(&format!("lake/{part}")).await.unwrap();
    mirror.look(&mut None).await.unwrap();
    assert_eq!((puts(), table.bucket.readable()), (99, Some(table.local())));
}

#[tokio::test]
async fn what_the_table_has_forgotten_leaves_the_mirror_too() {
    let mut table = Mirrored::new().await;
    table.bucket.puts_left.store(usize::MAX, Ordering::SeqCst);
    let mirror = table.mirror();
    let mut replica = None;
    for _ in 0..8 {
        table.go_on().await;
        mirror.look(&mut replica).await.unwrap();
    }
    let parts = || {
        let objects = table.bucket.objects.lock().unwrap();
        let parts = objects.keys().filter(|key| key.ends_with(".parquet"));
        parts.count()
    };
    assert!(
        parts() > table.local().all().count(),
        "somebody may still read them"
    );
    table.clock.advance(SignedDuration::from_hours(2));
    table.history.flush().await.unwrap();
    // An object that somebody else keeps beside the tables.
    table
        .bucket
        .put("lake/notes.txt", b"mine".to_vec())
        .await
        .unwrap();
    table.clock.advance(SignedDuration::from_hours(2));
    mirror.look(&mut None).await.unwrap();
    assert_eq!(parts(), table.local().all().count());
    assert_eq!(table.bucket.readable(), Some(table.local()));
    assert!(
        table
            .bucket
            .objects
            .lock()
            .unwrap()
            .contains_key("lake/notes.txt")
    );
}

#[tokio::test]
async fn a_mirror_of_something_else_is_left_alone() {
    let (mut one, mut other) = (Mirrored::new().await, Mirrored::new().await);
    one.bucket.puts_left.store(usize::MAX, Ordering::SeqCst);
    one.go_on().await;
    other.go_on().await;
    one.mirror().look(&mut None).await.unwrap();
    let before = one.bucket.objects.lock().unwrap().clone();
    other.bucket = one.bucket.clone();
    let looked = other.mirror().look(&mut None).await;
    assert!(
        matches!(looked, Err(MirrorError::Foreign(..))),
        "another table"
    );
    // An older state of the same table, as a restored backup is.
    let older = tempfile::tempdir().unwrap();
    let files = one.bucket.as_files("lake/");
    one.go_on().await;
    one.mirror().look(&mut None).await.unwrap();
    let later = one.bucket.objects.lock().unwrap().clone();
    assert_ne!(before, later);
    drop(std::mem::replace(&mut one.dir, older));
    one.dir = files;
    let looked = one.mirror().look(&mut None).await;
    assert!(
        matches!(looked, Err(MirrorError::Foreign(..))),
        "an older state"
    );
    assert_eq!(*one.bucket.objects.lock().unwrap(), later);
    // A table that somebody else has put there.
    one.bucket
        .delete("lake/_pugmark_mirror.json")
        .await
        .unwrap();
    let looked = one.mirror().look(&mut None).await;
    assert!(matches!(looked, Err(MirrorError::Foreign(..))), "no mirror");
}

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use bytes::Bytes;
use proptest::prelude::*;
use pugmark_journal::{MemoryJournal, Stored};
use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use super::*;
use crate::{
    sample,
    trail::{Trail, TrailArn},
};

fn named(name: &str) -> Trail {
    Trail {
        name: name.into(),
        arn: TrailArn(format!("arn:aws:cloudtrail:us-east-1:1:trail/{name}")),
        ..sample::trail()
    }
}

fn put(name: &str) -> Change {
    Change::PutTrail(Box::new(named(name)))
}

async fn apply(writer: &CatalogWriter, change: Change) -> Result<(), WriteError<()>> {
    writer.change(|_| Ok((Some(change), ()))).await
}

#[tokio::test]
async fn a_change_is_in_the_journal_before_it_is_seen_and_a_refusal_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    let writer = CatalogWriter::open(dir.path().into(), journal.clone())
        .await
        .unwrap();
    apply(&writer, put("one")).await.unwrap();
    assert_eq!(writer.snapshot().trails.len(), 1);
    let stored = journal.read(Seq(0), 1 << 20).await.unwrap();
    assert_eq!(
        Change::decode(&stored[0].entry.payload).unwrap(),
        put("one")
    );

    let refused = writer
        .change(|catalog| {
            if catalog.trails.is_empty() {
                Ok((None, ()))
            } else {
                Err("taken")
            }
        })
        .await;
    assert!(matches!(refused, Err(WriteError::Refused("taken"))));
    assert_eq!(
        writer
            .change(|catalog| Ok::<_, ()>((None, catalog.trails.len())))
            .await
            .unwrap(),
        1
    );
    assert_eq!(*journal.head().borrow(), Seq(1));

    journal.close().await;
    assert!(matches!(
        apply(&writer, put("two")).await,
        Err(WriteError::Journal(JournalError::Closed { .. }))
    ));
    assert_eq!(writer.snapshot().trails.len(), 1);
}

#[tokio::test]
async fn entries_that_a_snapshot_has_can_go_and_others_cannot() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    let writer = CatalogWriter::open(dir.path().into(), journal.clone())
        .await
        .unwrap();
    apply(&writer, put("one")).await.unwrap();
    let event = Entry {
        kind: EntryKind::Event,
        payload: Bytes::from_static(b"an event"),
    };
    journal.append(vec![event]).await.unwrap();
    let position = writer.checkpoint().await.unwrap();
    assert_eq!((position, *writer.position().borrow()), (Seq(2), Seq(2)));
    journal.release(position).await.unwrap();
    apply(&writer, put("two")).await.unwrap();

    let again = CatalogWriter::open(dir.path().into(), journal.clone())
        .await
        .unwrap();
    assert_eq!(again.snapshot(), writer.snapshot());
    let emptied = Arc::new(MemoryJournal::new(1 << 20));
    assert!(
        CatalogWriter::open(dir.path().into(), emptied)
            .await
            .is_err(),
        "a lost journal must not hide new entries"
    );
    std::fs::remove_dir_all(dir.path()).unwrap();
    assert!(
        CatalogWriter::open(dir.path().into(), journal)
            .await
            .is_err(),
        "a lost snapshot must not look empty"
    );
}

/// Appends, then says that it failed: the caller cannot know that the entry is there.
struct Doubtful {
    inner: MemoryJournal,
    doubtful: AtomicBool,
}

#[async_trait]
impl Journal for Doubtful {
    async fn append(&self, batch: Vec<Entry>) -> Result<Range<Seq>, JournalError> {
        let range = self.inner.append(batch).await?;
        if self.doubtful.load(Ordering::SeqCst) {
            return Err(JournalError::Closed {
                reason: "lost the answer".into(),
            });
        }
        Ok(range)
    }

    fn check_room(&self, bytes: u64) -> Result<(), JournalError> {
        self.inner.check_room(bytes)
    }

    async fn read(&self, from: Seq, bytes_max: usize) -> Result<Vec<Stored>, JournalError> {
        self.inner.read(from, bytes_max).await
    }

    fn head(&self) -> watch::Receiver<Seq> {
        self.inner.head()
    }

    fn first(&self) -> Seq {
        self.inner.first()
    }

    async fn release(&self, below: Seq) -> Result<(), JournalError> {
        self.inner.release(below).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[tokio::test]
async fn after_a_doubtful_append_the_journal_says_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(Doubtful {
        inner: MemoryJournal::new(1 << 20),
        doubtful: AtomicBool::new(true),
    });
    let writer = CatalogWriter::open(dir.path().into(), journal.clone())
        .await
        .unwrap();
    assert!(apply(&writer, put("one")).await.is_err());
    journal.doubtful.store(false, Ordering::SeqCst);
    let names = |catalog: &Catalog| {
        catalog
            .trails
            .values()
            .map(|trail| trail.name.clone())
            .collect::<Vec<_>>()
    };
    let seen = writer
        .change(|catalog| Ok::<_, ()>((None, names(catalog))))
        .await
        .unwrap();
    assert_eq!(seen, ["one"]);
    apply(&writer, put("two")).await.unwrap();
    let again = CatalogWriter::open(dir.path().into(), journal)
        .await
        .unwrap();
    assert_eq!(names(&again.snapshot()), ["one", "two"]);
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, bool),
    Delete(u8),
    Event,
    Checkpoint,
    CheckpointAndRelease,
    Restart,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens in between, the catalog is what its changes made of it.
    #[test]
    fn replay_gives_the_same_catalog(steps in prop::collection::vec(prop_oneof![
        4 => (0u8..6, any::<bool>()).prop_map(|(name, logging)| Step::Put(name, logging)),
        2 => (0u8..6).prop_map(Step::Delete),
        2 => Just(Step::Event),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::CheckpointAndRelease),
        2 => Just(Step::Restart),
    ], 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let journal = Arc::new(MemoryJournal::new(1 << 20));
            let mut writer = CatalogWriter::open(dir.path().into(), journal.clone()).await.unwrap();
            let mut model = Catalog::default();
            for step in steps {
                match step {
                    Step::Put(name, is_logging) => {
                        let trail = Trail { is_logging, ..named(&format!("trail{name}")) };
                        model.apply(Change::PutTrail(Box::new(trail.clone())));
                        apply(&writer, Change::PutTrail(Box::new(trail))).await.unwrap();
                    }
                    Step::Delete(name) => {
                        let change = Change::DeleteTrail(named(&format!("trail{name}")).arn, None);
                        model.apply(change.clone());
                        apply(&writer, change).await.unwrap();
                    }
                    Step::Event => {
                        let entry = Entry { kind: EntryKind::Event, payload: Bytes::from_static(b"an event") };
                        journal.append(vec![entry]).await.unwrap();
                    }
                    Step::Checkpoint => { writer.checkpoint().await.unwrap(); }
                    Step::CheckpointAndRelease => {
                        let position = writer.checkpoint().await.unwrap();
                        journal.release(position).await.unwrap();
                    }
                    Step::Restart => writer = CatalogWriter::open(dir.path().into(), journal.clone()).await.unwrap(),
                }
                assert_eq!(*writer.snapshot(), model);
            }
        });
    }
}

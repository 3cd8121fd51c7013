//! The contract of [`Journal`], one suite over every implementation.

#![allow(clippy::unwrap_used)]

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use pugmark_journal::{
    BATCH_BYTES_MAX, ENTRY_BYTES_MAX, EmbeddedJournal, Entry, EntryKind, Journal, JournalError,
    MemoryJournal, Seq, Settings, Stored,
};
use tempfile::TempDir;

/// A journal under test, and what must live as long as it does.
struct Subject {
    journal: Arc<dyn Journal>,
    _dir: Option<TempDir>,
}

/// Every implementation, with room for about `max_bytes`; segments are small, so that every test crosses some.
fn subjects(max_bytes: u64) -> Vec<Subject> {
    let mut subjects = vec![Subject {
        journal: Arc::new(MemoryJournal::new(max_bytes)),
        _dir: None,
    }];
    // Once with everything recent in memory, once with nothing, so that reads come from files.
    for recent_bytes in [1 << 20, 0] {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            segment_bytes: 2048,
            max_bytes,
            recent_bytes,
            queue_bytes: 4096,
            reserve_bytes: 64 * 1024,
        };
        let journal = Arc::new(EmbeddedJournal::open(dir.path(), settings).unwrap());
        subjects.push(Subject {
            journal,
            _dir: Some(dir),
        });
    }
    subjects
}

fn entry(text: &str) -> Entry {
    Entry {
        kind: EntryKind::Event,
        payload: Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn batch(name: &str, count: usize) -> Vec<Entry> {
    (0..count)
        .map(|index| entry(&format!("{name}/{index}/{count}")))
        .collect()
}

/// All entries from `from` to the head, read in small steps.
async fn read_all(journal: &dyn Journal, from: Seq) -> Vec<Stored> {
    let (mut at, head) = (from, *journal.head().borrow());
    let mut all = Vec::new();
    while at < head {
        let stored = journal.read(at, 100).await.unwrap();
        assert!(
            !stored.is_empty(),
            "read at {at:?} below the head {head:?} gives something"
        );
        for stored in stored {
            assert_eq!(stored.seq, at);
            at = at.next();
            all.push(stored);
        }
    }
    all
}

/// Asserts that every range holds its batch, and nothing else is there.
async fn assert_holds(journal: &dyn Journal, appended: &[(Range<Seq>, Vec<Entry>)]) {
    let stored = read_all(journal, Seq(0)).await;
    let total: usize = appended.iter().map(|(_, batch)| batch.len()).sum();
    assert_eq!(stored.len(), total);
    for (range, batch) in appended {
        let found = &stored[range.start.0 as usize..range.end.0 as usize];
        assert!(
            found.iter().map(|stored| &stored.entry).eq(batch),
            "batch at {range:?} is whole"
        );
    }
}

#[tokio::test]
async fn appends_get_neighbouring_positions_in_order() {
    for Subject { journal, _dir } in subjects(1 << 20) {
        let mut appended = Vec::new();
        for (index, count) in [1, 3, 2, 40, 1].into_iter().enumerate() {
            let batch = batch(&format!("batch {index}"), count);
            let range = journal.append(batch.clone()).await.unwrap();
            assert_eq!(range.end.0 - range.start.0, count as u64);
            assert_eq!(*journal.head().borrow(), range.end);
            appended.push((range, batch));
        }
        assert_eq!(appended[0].0.start, Seq(0));
        assert!(
            appended
                .windows(2)
                .all(|pair| pair[0].0.end == pair[1].0.start)
        );
        assert_holds(&*journal, &appended).await;
    }
}

#[tokio::test]
async fn every_kind_comes_back_as_it_went_in() {
    for Subject { journal, _dir } in subjects(1 << 20) {
        let batch: Vec<Entry> = [EntryKind::Event, EntryKind::Intent, EntryKind::Catalog]
            .map(|kind| Entry {
                kind,
                payload: Bytes::from_static(&[0, 255, b'\n']),
            })
            .into_iter()
            .chain([Entry {
                kind: EntryKind::Intent,
                payload: Bytes::new(),
            }])
            .collect();
        let range = journal.append(batch.clone()).await.unwrap();
        assert_holds(&*journal, &[(range, batch)]).await;
    }
}

#[tokio::test]
async fn an_empty_batch_takes_no_position() {
    for Subject { journal, _dir } in subjects(1 << 20) {
        journal.append(batch("first", 2)).await.unwrap();
        assert_eq!(journal.append(Vec::new()).await.unwrap(), Seq(2)..Seq(2));
        assert_eq!(*journal.head().borrow(), Seq(2));
    }
}

#[tokio::test]
async fn reading_at_the_head_or_after_gives_nothing() {
    for Subject { journal, _dir } in subjects(1 << 20) {
        assert_eq!(journal.read(Seq(0), 100).await.unwrap(), []);
        journal.append(batch("first", 2)).await.unwrap();
        assert_eq!(journal.read(Seq(2), 100).await.unwrap(), []);
        assert_eq!(journal.read(Seq(900), 100).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_read_is_bounded_but_never_empty() {
    for Subject { journal, _dir } in subjects(1 << 20) {
        journal
            .append(vec![entry(&"a".repeat(50)); 10])
            .await
            .unwrap();
        assert_eq!(journal.read(Seq(0), 0).await.unwrap().len(), 1);
        assert_eq!(journal.read(Seq(3), 49).await.unwrap().len(), 1);
        assert_eq!(journal.read(Seq(3), 100).await.unwrap().len(), 2);
        assert_eq!(journal.read(Seq(9), 100).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_head_is_announced() {
    for Subject { journal, _dir } in subjects(1 << 20) {
        let mut head = journal.head();
        let waiting =
            tokio::spawn(async move { *head.wait_for(|head| *head >= Seq(3)).await.unwrap() });
        journal.append(batch("a", 1)).await.unwrap();
        journal.append(batch("b", 2)).await.unwrap();
        assert_eq!(waiting.await.unwrap(), Seq(3));
    }
}

#[tokio::test]
async fn too_large_is_refused_and_nothing_of_the_batch_is_kept() {
    for Subject { journal, _dir } in subjects(1 << 30) {
        let large = Entry {
            kind: EntryKind::Event,
            payload: Bytes::from(vec![7; ENTRY_BYTES_MAX + 1]),
        };
        let result = journal.append(vec![entry("small"), large]).await;
        assert!(
            matches!(result, Err(JournalError::TooLarge { bytes }) if bytes == ENTRY_BYTES_MAX + 1),
            "{result:?}"
        );
        let largest = Entry {
            kind: EntryKind::Event,
            payload: Bytes::from(vec![7; ENTRY_BYTES_MAX]),
        };
        let many = vec![largest.clone(); BATCH_BYTES_MAX / ENTRY_BYTES_MAX + 1];
        assert!(matches!(
            journal.append(many).await,
            Err(JournalError::TooLarge { .. })
        ));
        assert_eq!(*journal.head().borrow(), Seq(0));
        let range = journal.append(vec![largest.clone()]).await.unwrap();
        assert_holds(&*journal, &[(range, vec![largest])]).await;
    }
}

#[tokio::test]
async fn full_is_refused_until_followers_release() {
    for Subject { journal, _dir } in subjects(16 * 1024) {
        let text = "x".repeat(500);
        let full = loop {
            match journal.append(vec![entry(&text)]).await {
                Ok(range) => assert!(range.end.0 < 40, "the bound holds"),
                Err(error) => break error,
            }
        };
        let JournalError::Full {
            used_bytes,
            max_bytes,
        } = full
        else {
            panic!("{full:?}")
        };
        assert!(used_bytes <= max_bytes && max_bytes == 16 * 1024);
        assert!(matches!(
            journal.check_room(500),
            Err(JournalError::Full { .. })
        ));
        let head = *journal.head().borrow();
        assert!(head.0 > 20, "most of the room is usable");
        journal.release(head).await.unwrap();
        journal.check_room(500).unwrap();
        let range = journal.append(vec![entry(&text)]).await.unwrap();
        assert_eq!(range.start, head, "a refused append takes no position");
    }
}

#[tokio::test]
async fn released_positions_are_refused_and_the_rest_stays() {
    for Subject { journal, _dir } in subjects(1 << 20) {
        let text = "x".repeat(300);
        for _ in 0..40 {
            journal.append(vec![entry(&text)]).await.unwrap();
        }
        journal.release(Seq(25)).await.unwrap();
        let first = journal.first();
        assert!(Seq(0) < first && first <= Seq(25), "{first:?}");
        assert_eq!(read_all(&*journal, first).await.len() as u64, 40 - first.0);
        let result = journal.read(Seq(first.0 - 1), 100).await;
        assert!(
            matches!(result, Err(JournalError::Released { asked, first: kept })
                if asked.0 == first.0 - 1 && kept == first),
            "{result:?}"
        );
        journal.release(Seq(3)).await.unwrap();
        assert_eq!(journal.first(), first, "a lower value has no effect");
        journal.release(Seq(40)).await.unwrap();
        assert_eq!(*journal.head().borrow(), Seq(40));
        assert_eq!(
            journal.append(batch("next", 1)).await.unwrap(),
            Seq(40)..Seq(41)
        );
    }
}

#[tokio::test]
async fn a_closed_journal_refuses_appends_and_can_be_read() {
    for Subject { journal, _dir } in subjects(1 << 20) {
        let kept = batch("kept", 2);
        let range = journal.append(kept.clone()).await.unwrap();
        journal.close().await;
        journal.close().await;
        assert!(matches!(
            journal.append(batch("late", 1)).await,
            Err(JournalError::Closed { .. })
        ));
        assert!(matches!(
            journal.check_room(1),
            Err(JournalError::Closed { .. })
        ));
        assert_holds(&*journal, &[(range, kept)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_append_and_each_batch_stays_whole() {
    for Subject { journal, _dir } in subjects(8 << 20) {
        let tasks: Vec<_> = (0..32)
            .map(|task| {
                let journal = journal.clone();
                tokio::spawn(async move {
                    let mut appended = Vec::new();
                    for round in 0..20 {
                        let batch = batch(
                            &format!("task {task} round {round}"),
                            1 + (task + round) % 5,
                        );
                        let range = journal.append(batch.clone()).await.unwrap();
                        assert!(
                            *journal.head().borrow() >= range.end,
                            "what is acknowledged is visible"
                        );
                        appended.push((range, batch));
                    }
                    assert!(
                        appended
                            .windows(2)
                            .all(|pair| pair[0].0.end <= pair[1].0.start),
                        "a task's own order"
                    );
                    appended
                })
            })
            .collect();
        let mut appended = Vec::new();
        for task in tasks {
            appended.extend(task.await.unwrap());
        }
        assert_holds(&*journal, &appended).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_follow_while_writers_write_and_old_entries_go() {
    const ENTRIES: u64 = 600;
    for Subject { journal, _dir } in subjects(1 << 20) {
        let followers: Vec<_> = (0..3)
            .map(|_| {
                let journal = journal.clone();
                tokio::spawn(async move {
                    let (mut at, mut head, mut seen) = (Seq(0), journal.head(), Vec::new());
                    while at < Seq(ENTRIES) {
                        head.wait_for(|head| *head > at).await.unwrap();
                        for stored in journal.read(at, 1000).await.unwrap() {
                            assert_eq!(stored.seq, at);
                            at = at.next();
                            seen.push(stored.entry.payload);
                        }
                    }
                    seen
                })
            })
            .collect();
        let writers: Vec<_> = (0..6)
            .map(|writer| {
                let journal = journal.clone();
                tokio::spawn(async move {
                    for index in 0..ENTRIES / 6 {
                        journal
                            .append(vec![entry(&format!("{writer}:{index:050}"))])
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let mut seen = Vec::new();
        for follower in followers {
            seen.push(follower.await.unwrap());
        }
        assert!(
            seen.windows(2).all(|pair| pair[0] == pair[1]),
            "all followers see the same order"
        );
        journal.release(Seq(ENTRIES)).await.unwrap();
        assert!(journal.first() > Seq(0));
    }
}

#[tokio::test]
async fn an_append_whose_caller_went_away_disturbs_nobody() {
    for Subject { journal, _dir } in subjects(1 << 20) {
        for _ in 0..20 {
            // Polled once, then dropped.
            let append = journal.append(batch("dropped", 3));
            let _ = futures_poll_once(append).await;
        }
        let range = journal.append(batch("kept", 2)).await.unwrap();
        let stored = read_all(&*journal, Seq(0)).await;
        let kept: Vec<_> = stored[range.start.0 as usize..]
            .iter()
            .map(|stored| stored.entry.clone())
            .collect();
        assert_eq!(kept, batch("kept", 2));
        for dropped in stored[..range.start.0 as usize].chunks(3) {
            assert!(
                dropped
                    .iter()
                    .map(|stored| stored.entry.clone())
                    .eq(batch("dropped", 3)),
                "whole or not at all"
            );
        }
    }
}

/// Polls a future once, then drops it.
async fn futures_poll_once<F: Future>(future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

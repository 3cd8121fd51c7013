//! What only a journal on disk promises: it survives its process, finds damage, and belongs to one process at a time.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use pugmark_journal::{
    EmbeddedJournal, Entry, EntryKind, Journal, JournalError, SegmentSummary, Seq, Settings,
    check_segment,
};

fn settings() -> Settings {
    Settings {
        segment_bytes: 4096,
        max_bytes: 1 << 20,
        recent_bytes: 0,
        reserve_bytes: 64 * 1024,
        ..Settings::default()
    }
}

fn open(dir: &Path) -> Result<EmbeddedJournal, JournalError> {
    EmbeddedJournal::open(dir, settings())
}

fn entry(number: u64) -> Entry {
    Entry {
        kind: EntryKind::Event,
        payload: Bytes::from(format!("entry {number:0100}")),
    }
}

async fn append(journal: &EmbeddedJournal, numbers: std::ops::Range<u64>) {
    for number in numbers {
        assert_eq!(
            journal.append(vec![entry(number)]).await.unwrap().start,
            Seq(number)
        );
    }
}

async fn read_all(journal: &EmbeddedJournal) -> Result<Vec<Entry>, JournalError> {
    let (mut at, head) = (journal.first(), *journal.head().borrow());
    let mut entries = Vec::new();
    while at < head {
        for stored in journal.read(at, 500).await? {
            assert_eq!(stored.seq, at);
            at = at.next();
            entries.push(stored.entry);
        }
    }
    Ok(entries)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "journal")
    });
    paths.sort();
    paths
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn entries_and_positions_survive_reopening() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let journal = open(dir.path()).unwrap();
        assert_eq!(*journal.head().borrow(), Seq(round * 50));
        append(&journal, round * 50..(round + 1) * 50).await;
        if round % 2 == 0 {
            journal.close().await;
        }
    }
    let journal = open(dir.path()).unwrap();
    assert!(
        read_all(&journal)
            .await
            .unwrap()
            .into_iter()
            .eq((0..250).map(entry))
    );
    assert!(segments(dir.path()).len() > 5);
}

#[tokio::test]
async fn what_was_released_stays_released_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path()).unwrap();
    append(&journal, 0..100).await;
    journal.release(Seq(100)).await.unwrap();
    let first = journal.first();
    assert!(first > Seq(50));
    drop(journal);
    let journal = open(dir.path()).unwrap();
    assert_eq!(
        (journal.first(), *journal.head().borrow()),
        (first, Seq(100))
    );
    assert!(
        read_all(&journal)
            .await
            .unwrap()
            .into_iter()
            .eq((first.0..100).map(entry))
    );
}

#[tokio::test]
async fn reopening_without_appends_does_not_grow_the_files() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()).unwrap(), 0..3).await;
    let bytes = fs::metadata(&segments(dir.path())[0]).unwrap().len();
    for _ in 0..3 {
        open(dir.path()).unwrap().close().await;
    }
    assert_eq!(fs::metadata(&segments(dir.path())[0]).unwrap().len(), bytes);
}

#[tokio::test]
async fn the_disk_bound_is_never_passed() {
    let dir = tempfile::tempdir().unwrap();
    let bounds = Settings {
        segment_bytes: 1 << 20,
        max_bytes: 20_000,
        ..Settings::default()
    };
    for _ in 0..3 {
        let journal = EmbeddedJournal::open(dir.path(), bounds.clone()).unwrap();
        let tasks = (0..300).map(|number| journal.append(vec![entry(number)]));
        let mut refused = 0;
        for result in futures(tasks.collect()).await {
            match result {
                Ok(_) => {}
                Err(JournalError::Full { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(refused > 0);
        journal.close().await;
        let bytes: u64 = segments(dir.path())
            .iter()
            .map(|path| fs::metadata(path).unwrap().len())
            .sum();
        assert!(bytes <= 20_000, "{bytes}");
        assert!(bytes > 15_000, "most of the room is usable: {bytes}");
    }
}

/// Polls all futures at once.
async fn futures<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures
        .into_iter()
        .map(|future| (Box::pin(future), None))
        .collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, output) in &mut futures {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(ready) => *output = Some(ready),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    futures
        .into_iter()
        .map(|(_, output)| output.unwrap())
        .collect()
}

#[tokio::test]
async fn a_second_opener_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path()).unwrap();
    let refused = open(dir.path()).err().unwrap();
    assert!(
        matches!(&refused, JournalError::Io { source, .. } if source.kind() == std::io::ErrorKind::WouldBlock),
        "{refused:?}"
    );
    drop(journal);
    open(dir.path()).unwrap();
}

#[tokio::test]
async fn a_torn_tail_of_any_length_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path()).unwrap();
    append(&journal, 0..5).await;
    // Copied while open: a clean close would say that all of it is durable.
    let whole = fs::read(&segments(dir.path())[0]).unwrap();
    drop(journal);
    let frame_bytes = (whole.len() - 32) / 5;
    for length in 32..whole.len() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join(format!("{:020}.journal", 0)),
            &whole[..length],
        )
        .unwrap();
        let journal = open(dir.path()).unwrap();
        let kept = ((length - 32) / frame_bytes) as u64;
        assert!(
            read_all(&journal)
                .await
                .unwrap()
                .into_iter()
                .eq((0..kept).map(entry)),
            "cut at {length}"
        );
        append(&journal, kept..kept + 2).await;
        drop(journal);
        assert_eq!(
            read_all(&open(dir.path()).unwrap()).await.unwrap().len() as u64,
            kept + 2
        );
    }
}

#[tokio::test]
async fn a_flipped_bit_in_the_last_segment_is_damage_unless_it_can_be_torn() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path()).unwrap();
    append(&journal, 0..5).await;
    let running = fs::read(&segments(dir.path())[0]).unwrap();
    drop(journal);
    let closed = fs::read(&segments(dir.path())[0]).unwrap();
    let last_frame = 32 + (running.len() - 32) / 5 * 4;
    for (bytes, sound_below) in [(&running, last_frame), (&closed, running.len())] {
        for at in 0..bytes.len() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(format!("{:020}.journal", 0));
            fs::write(&path, bytes).unwrap();
            flip(&path, at);
            match open(dir.path()) {
                Err(JournalError::Damaged { detail }) => {
                    assert!(at < sound_below, "{detail}");
                    assert!(
                        detail.contains("00000000000000000000.journal at byte "),
                        "{detail}"
                    );
                }
                Err(error) => panic!("{error}"),
                Ok(journal) => {
                    assert!(
                        at >= sound_below,
                        "flipped byte {at} of acknowledged entries was overlooked"
                    );
                    let kept = read_all(&journal).await.unwrap().len();
                    assert_eq!(kept, if at < running.len() { 4 } else { 5 });
                }
            }
        }
    }
}

#[tokio::test]
async fn damage_in_an_older_segment_stops_the_reader_there() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()).unwrap(), 0..100).await;
    let path = segments(dir.path())[1].clone();
    let length = fs::metadata(&path).unwrap().len() as usize;
    flip(&path, length / 2);
    let journal = open(dir.path()).unwrap();
    let damaged = read_all(&journal).await.err().unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(
        matches!(&damaged, JournalError::Damaged { detail } if detail.contains(name)),
        "{damaged:?}"
    );
    // What comes before and after it can still be read.
    assert!(!journal.read(Seq(0), 500).await.unwrap().is_empty());
    assert_eq!(journal.read(Seq(99), 500).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_shortened_or_missing_older_segment_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()).unwrap(), 0..100).await;
    let paths = segments(dir.path());
    let whole = fs::read(&paths[1]).unwrap();
    let frame_bytes = 36 + 5 + 106;
    fs::write(&paths[1], &whole[..whole.len() - frame_bytes]).unwrap();
    let journal = open(dir.path()).unwrap();
    assert!(matches!(
        read_all(&journal).await,
        Err(JournalError::Damaged { .. })
    ));
    drop(journal);
    fs::remove_file(&paths[1]).unwrap();
    let journal = open(dir.path()).unwrap();
    assert!(matches!(
        read_all(&journal).await,
        Err(JournalError::Damaged { .. })
    ));
}

#[tokio::test]
async fn an_unknown_version_or_a_foreign_file_is_refused() {
    for (at, expected) in [
        (0, "not a journal segment"),
        (8, "format version"),
        (20, "checksum"),
        (30, "checksum"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        append(&open(dir.path()).unwrap(), 0..1).await;
        flip(&segments(dir.path())[0], at);
        let refused = open(dir.path()).err().unwrap().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[tokio::test]
async fn a_payload_that_looks_like_a_frame_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let journal = open(other.path()).unwrap();
    append(&journal, 0..20).await;
    drop(journal);
    // A whole segment with frames of its own, as the payload of the last, torn entry.
    let journal = open(dir.path()).unwrap();
    append(&journal, 0..2).await;
    let payload = Bytes::from(fs::read(&segments(other.path())[0]).unwrap());
    journal
        .append(vec![Entry {
            kind: EntryKind::Event,
            payload,
        }])
        .await
        .unwrap();
    let copy = tempfile::tempdir().unwrap();
    for path in segments(dir.path()) {
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let path = segments(copy.path()).pop().unwrap();
    let length = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length - 1)
        .unwrap();
    let journal = open(copy.path()).unwrap();
    assert_eq!(*journal.head().borrow(), Seq(2));
}

#[tokio::test]
async fn the_golden_segment_of_version_1_is_read() {
    let golden = include_bytes!("../testdata/segment-v1.journal");
    let expected = SegmentSummary {
        first: Seq(7),
        end: Seq(11),
        frames: 4,
        torn_bytes: 0,
    };
    assert_eq!(check_segment(golden).unwrap(), expected);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(format!("{:020}.journal", 7)), golden).unwrap();
    let journal = open(dir.path()).unwrap();
    assert_eq!(journal.first(), Seq(7));
    let entries = read_all(&journal).await.unwrap();
    let expected = [
        (EntryKind::Event, "one event"),
        (EntryKind::Intent, "an intent"),
        (EntryKind::Catalog, ""),
        (EntryKind::Event, "after a restart"),
    ];
    let expected = expected.map(|(kind, payload)| Entry {
        kind,
        payload: Bytes::from(payload),
    });
    assert_eq!(entries, expected);
}

//! Crashes before every step of a flush: nothing is lost, nothing is there twice.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use pugmark_journal::Seq;
use tokio::sync::watch;

use super::*;
use crate::log::Snapshot;

/// Fails at the step with this number and at all later ones: the process is as good as dead.
fn dies_at(step: usize) -> Hook {
    let steps = AtomicUsize::new(0);
    Hook::new(move |at| {
        if steps.fetch_add(1, Ordering::Relaxed) < step {
            return Ok(());
        }
        Err(io::Error::other(format!("crash at {at:?}")))
    })
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_flush_loses_nothing() {
    // Three files a flush: 3 × 3 steps, one for their names, four for the log.
    for first_crash in 0..15 {
        for second_crash in [0, 5, 9, 10, 11, 12, 13, 14] {
            let dir = tempfile::tempdir().unwrap();
            let journal = Arc::new(MemoryJournal::new(1 << 30));
            let mut written = 0_u128;
            for crash in [first_crash, second_crash] {
                let history = open(dir.path(), &journal, dies_at(crash)).await;
                let events: Vec<Event> = (written..written + 12)
                    .map(|number| sample(number, NOW - (number as i64 % 3) * MONTH))
                    .collect();
                written += 12;
                append(&journal, &events).await;
                history.catch_up().await.unwrap();
                let flushed = history.flush().await;
                assert_eq!(flushed.is_err(), crash < 14, "crash at step {crash}");
                let position = *history.position().borrow();
                assert!(flushed.is_err() || position == Seq(written as u64));
                // The journal lets go what the history says it has.
                journal.release(position).await.unwrap();
                // The same process goes on answering, whatever the disk said.
                assert_eq!(
                    all_pages(&history, &query(None)).await.len(),
                    written as usize
                );
            }
            let history = open(dir.path(), &journal, Hook::default()).await;
            let mut found = numbers(&all_pages(&history, &query(None)).await);
            found.sort_unstable();
            assert_eq!(
                found,
                (0..written).collect::<Vec<_>>(),
                "crashes at {first_crash} and {second_crash}"
            );
            history.flush().await.unwrap();
            assert_eq!(
                files_of(dir.path()).len(),
                Snapshot::load(dir.path()).unwrap().all().count()
            );
            assert_eq!(
                all_pages(&history, &query(None)).await.len(),
                written as usize
            );
        }
    }
}

#[tokio::test]
async fn the_follower_tries_a_failed_flush_again() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let failures = Arc::new(AtomicUsize::new(2));
    let left = failures.clone();
    let hook = Hook::new(move |_| match left.load(Ordering::Relaxed) {
        0 => Ok(()),
        _ => {
            left.fetch_sub(1, Ordering::Relaxed);
            Err(io::Error::other("disk full"))
        }
    });
    let soon = std::time::Duration::from_millis(1);
    let settings = Settings {
        flush_interval: soon,
        flush_retry_interval: soon,
        ..settings()
    };
    let clock = Arc::new(ManualClock::new(time(NOW)));
    let history =
        EventHistory::open_with(dir.path().into(), journal.clone(), clock, settings, hook)
            .await
            .unwrap();
    let (stop, shutdown) = watch::channel(false);
    let follower = history.clone();
    let task = tokio::spawn(async move { follower.run(shutdown).await });
    append(&journal, &[sample(1, NOW - 1)]).await;
    assert_eq!(
        numbers(&history.lookup(&query(None)).await.unwrap().events),
        [1]
    );
    history
        .position()
        .wait_for(|position| *position == Seq(1))
        .await
        .unwrap();
    assert_eq!(failures.load(Ordering::Relaxed), 0);
    stop.send_replace(true);
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_event_is_found_right_after_its_append_and_shutdown_leaves_all_in_files() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let history = open(dir.path(), &journal, Hook::default()).await;
    let (stop, shutdown) = watch::channel(false);
    let follower = history.clone();
    let task = tokio::spawn(async move { follower.run(shutdown).await });
    for number in 0..200 {
        append(&journal, &[sample(number, NOW - 1)]).await;
        let id = Uuid::from_u128(number).to_string();
        let page = history
            .lookup(&query(Some((LookupKey::EventId, &id))))
            .await
            .unwrap();
        assert_eq!(numbers(&page.events), [number]);
    }
    stop.send_replace(true);
    task.await.unwrap().unwrap();
    assert_eq!(*history.position().borrow(), Seq(200));
    journal.release(Seq(200)).await.unwrap();
    drop(history);
    let history = open(dir.path(), &journal, Hook::default()).await;
    assert_eq!(all_pages(&history, &query(None)).await.len(), 200);
}

/// The files of events, counting or not.
pub(super) fn files_of(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut folders = vec![dir.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else if path.extension().is_some_and(|it| it == "parquet")
                && !path.to_str().unwrap().contains("_delta_log")
            {
                files.push(path)
            }
        }
    }
    files
}

/// Small files of one month, so that compaction has something to do.
async fn many_files(dir: &Path, journal: &Arc<MemoryJournal>) -> u128 {
    let history = open(dir, journal, Hook::default()).await;
    let mut written = 0;
    for _ in 0..8 {
        let numbers = written..written + 7;
        let events = numbers.map(|number| sample(number, NOW - number as i64 % 11));
        append(journal, &events.collect::<Vec<_>>()).await;
        written += 7;
        history.catch_up().await.unwrap();
        history.flush().await.unwrap();
        journal.release(*history.position().borrow()).await.unwrap();
    }
    written
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_compaction_loses_nothing() {
    let mut finished = 0;
    for crash in 0..16 {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(MemoryJournal::new(1 << 30));
        let written = many_files(dir.path(), &journal).await;
        let history = open(dir.path(), &journal, dies_at(crash)).await;
        let before = all_pages(&history, &query(None)).await;
        assert_eq!(before.len() as u128, written);
        let done = history.compact().await;
        finished += usize::from(done.is_ok());
        assert_eq!(
            all_pages(&history, &query(None)).await,
            before,
            "crash at {crash}"
        );
        drop(history);
        let history = open(dir.path(), &journal, Hook::default()).await;
        assert_eq!(
            all_pages(&history, &query(None)).await,
            before,
            "crash at {crash}"
        );
        history.compact().await.unwrap();
        assert_eq!(Snapshot::load(dir.path()).unwrap().all().count(), 2);
        for filter in [
            (LookupKey::ResourceName, "bob"),
            (LookupKey::Username, "nobody"),
        ] {
            let found = all_pages(&history, &query(Some(filter))).await;
            assert_eq!(found.is_empty(), filter.1 == "nobody");
            assert!(found.is_empty() || found == before);
        }
    }
    assert_eq!(
        finished, 5,
        "two files: 2 × 3 steps, one for their names, four for the log"
    );
}

#[tokio::test]
async fn a_commit_that_was_told_to_have_failed_is_found_again() {
    for failing in 9..14 {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(MemoryJournal::new(1 << 30));
        let steps = AtomicUsize::new(0);
        let hook = Hook::new(move |at| match steps.fetch_add(1, Ordering::Relaxed) {
            step if step == failing => Err(io::Error::other(format!("{at:?}"))),
            _ => Ok(()),
        });
        let history = open(dir.path(), &journal, hook).await;
        let events: Vec<Event> = (0..12)
            .map(|number| sample(number, NOW - (number as i64 % 3) * MONTH))
            .collect();
        append(&journal, &events).await;
        history.catch_up().await.unwrap();
        history.flush().await.unwrap_err();
        append(&journal, &[sample(12, NOW)]).await;
        history.catch_up().await.unwrap();
        history.flush().await.unwrap();
        assert_eq!(*history.position().borrow(), Seq(13));
        assert_eq!(all_pages(&history, &query(None)).await.len(), 13);
        assert_eq!(
            files_of(dir.path()).len(),
            Snapshot::load(dir.path()).unwrap().all().count()
        );
    }
}

#![allow(clippy::unwrap_used)]

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use jiff::SignedDuration;
use pugmark_core::event::Event;

use super::*;
use crate::tests::{NOW, sample, settings};

fn small() -> BulkSettings {
    BulkSettings {
        buffer_bytes_max: 40_000,
        table: settings(),
    }
}

fn events(numbers: std::ops::Range<u128>) -> Vec<Event> {
    numbers
        .map(|number| {
            sample(
                number,
                NOW - 400 * 86_400 + (number as i64 * 7_919) % 200_000,
            )
        })
        .collect()
}

fn of_one_month(numbers: std::ops::Range<u128>) -> Vec<Event> {
    numbers
        .map(|number| sample(number, NOW - 400 * 86_400 + number as i64))
        .collect()
}

fn stored(dir: &Path) -> Vec<u128> {
    let imports = Imports::open(dir.into()).unwrap();
    let snapshot = imports.current();
    let mut ids = Vec::new();
    for part in snapshot.all() {
        imports
            .files
            .each_id(part, |id, _| ids.push(id.as_u128()))
            .unwrap();
    }
    ids.sort_unstable();
    ids
}

fn mark(source: &str, value: &str) -> (String, String) {
    (source.to_owned(), value.to_owned())
}

#[test]
fn each_event_is_there_once_however_often_it_is_imported() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("imports");
    for (round, range) in [0..300, 0..300, 200..420, 417..421].into_iter().enumerate() {
        let mut bulk = Bulk::open(at.clone(), small()).unwrap();
        assert!(matches!(
            Bulk::open(at.clone(), small()),
            Err(TableError::Locked(_))
        ));
        assert_eq!(bulk.resumed("file").is_some(), round > 0);
        let count = range.end - range.start;
        for event in events(range.clone())
            .into_iter()
            .chain(events(range.start..range.start + 1))
        {
            bulk.push(event.try_into().unwrap()).unwrap();
        }
        let committed = bulk.commit(&[mark("file", &round.to_string())]).unwrap();
        let added = [300, 0, 120, 1][round];
        let duplicates = count as u64 + 1 - added;
        assert_eq!(committed, Committed { added, duplicates });
        bulk.optimize(|| {}).unwrap();
        assert_eq!(bulk.resumed("file"), Some(round.to_string().as_str()));
    }
    assert_eq!(stored(&at), (0..421).collect::<Vec<_>>());
}

#[test]
fn a_crash_at_any_step_keeps_whole_commits_and_their_marks() {
    let mut finished = false;
    for crash in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let steps = AtomicUsize::new(0);
        let hook = Hook::new(move |at| match steps.fetch_add(1, Ordering::Relaxed) {
            step if step < crash => Ok(()),
            _ => Err(io::Error::other(format!("crash at {at:?}"))),
        });
        let mut bulk = Bulk::open_with(dir.path().into(), small(), hook).unwrap();
        let fill = |bulk: &mut Bulk| -> Result<(), TableError> {
            for part in 0..2 {
                for event in of_one_month(part * 9..part * 9 + 9) {
                    bulk.push(event.try_into().unwrap())?;
                }
                bulk.commit(&[mark("file", &part.to_string())])?;
            }
            bulk.optimize(|| {})
        };
        finished = fill(&mut bulk).is_ok();
        drop(bulk);
        let bulk = Bulk::open(dir.path().into(), small()).unwrap();
        let whole = bulk
            .resumed("file")
            .map_or(0, |part| part.parse::<u128>().unwrap() + 1);
        assert_eq!(
            stored(dir.path()),
            (0..whole * 9).collect::<Vec<_>>(),
            "crash at {crash}"
        );
        let mut bulk = bulk;
        fill(&mut bulk).unwrap();
        assert_eq!(stored(dir.path()), (0..18).collect::<Vec<_>>());
        if finished {
            break;
        }
    }
    assert!(finished);
}

#[test]
fn a_reader_sees_what_another_process_commits() {
    let dir = tempfile::tempdir().unwrap();
    let imports = Imports::open(dir.path().into()).unwrap();
    assert_eq!(imports.current().all().count(), 0);
    let mut bulk = Bulk::open(dir.path().into(), small()).unwrap();
    for event in events(0..10) {
        bulk.push(event.try_into().unwrap()).unwrap();
    }
    assert_eq!(imports.current().all().count(), 0);
    bulk.commit(&[]).unwrap();
    let rows: u64 = imports.current().all().map(|part| part.rows).sum();
    assert_eq!(rows, 10);
}

#[test]
fn marks_of_many_commits_are_kept_in_few_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut bulk = Bulk::open(dir.path().into(), small()).unwrap();
    for number in 0..100 {
        bulk.commit(&[
            mark(&format!("file-{number}"), "done"),
            mark("last", &number.to_string()),
        ])
        .unwrap();
    }
    drop(bulk);
    for _ in 0..2 {
        let bulk = Bulk::open(dir.path().into(), small()).unwrap();
        assert_eq!(bulk.resumed("file-3"), Some("done"));
        assert_eq!(bulk.resumed("last"), Some("99"));
        assert_eq!(fs::read_dir(dir.path().join(MARKS)).unwrap().count(), 1);
    }
}

#[test]
fn files_that_were_replaced_leave_also_when_no_other_import_comes() {
    let dir = tempfile::tempdir().unwrap();
    let mut kept = small();
    kept.table.removed_files_kept = Duration::from_secs(3600);
    let mut bulk = Bulk::open(dir.path().into(), kept).unwrap();
    for events in [of_one_month(0..300), of_one_month(300..600)] {
        for event in events {
            bulk.push(event.try_into().unwrap()).unwrap();
        }
        bulk.commit(&[]).unwrap();
    }
    let imports = Imports::open(dir.path().into()).unwrap();
    bulk.optimize(|| {}).unwrap();
    let files = || {
        let snapshot = imports.current();
        let known = snapshot.known();
        let there = known.iter().filter(|path| dir.path().join(path).exists());
        (known.len(), there.count(), snapshot.all().count())
    };
    let (known, there, counting) = files();
    assert!(counting < there && there == known, "{:?}", files());

    let later = Timestamp::now() + SignedDuration::from_hours(2);
    // The import that is still there does it itself.
    imports.tidy(&kept.table, later).unwrap();
    assert_eq!(files(), (known, there, counting));
    drop(bulk);
    imports.tidy(&kept.table, Timestamp::now()).unwrap();
    assert_eq!(files(), (known, there, counting));
    imports.tidy(&kept.table, later).unwrap();
    // Read from the log, they are still known, and gone.
    let (_, there, counting) = files();
    assert_eq!(there, counting);
    assert_eq!(stored(dir.path()), (0..600).collect::<Vec<u128>>());
}

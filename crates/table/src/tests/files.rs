//! What lies on disk: formats, damage, retention, positions that do not fit.

use jiff::SignedDuration;
use parquet::file::{reader::FileReader, serialized_reader::SerializedFileReader};
use pugmark_journal::Seq;

use super::{crash::files_of, *};
use crate::{
    Order, PageLimits, Question, TableError, compact, index,
    log::{Month, Part, Snapshot},
    part::{self, Hook, Names},
    records::{PAGE_BYTES, RecordPages},
    scan::{self, Files},
    schema,
    tail::Row,
};

const OLD_MANIFEST: &[u8] = include_bytes!("../../testdata/manifest-v1.json");
const OLD_PART: &[u8] = include_bytes!("../../testdata/part-v1.parquet");
const SORTED_PART: &[u8] = include_bytes!("../../testdata/part-v2.parquet");
const SORTED_INDEX: &[u8] = include_bytes!("../../testdata/keys-v1.keys");
const SORTED_LOG: &str = include_str!("../../testdata/log-v2.json");
const GOLDEN_PART: &[u8] = include_bytes!("../../testdata/part-v3.parquet");
const GOLDEN_INDEX: &[u8] = include_bytes!("../../testdata/keys-v2.keys");
const GOLDEN_LOG: &str = include_str!("../../testdata/log-v3.json");
const OLD_PATH: &str = "events/account=123456789012/region=eu-central-1/day=2027-01-15/\
                        part-00000000000000000000-00000000000000000001.parquet";
const GOLDEN_PATH: &str = "account=123456789012/region=eu-central-1/month=2027-01/\
                           part-00000000000000000000-00000000000000000000.parquet";

/// Something that happens to a file.
type Damage = Box<dyn Fn(&Path)>;

fn golden_events() -> Vec<Event> {
    let mut bare = sample(2, NOW - 1);
    bare.keys.read_only = None;
    for field in [
        &mut bare.keys.username,
        &mut bare.keys.access_key_id,
        &mut bare.keys.identity_arn,
        &mut bare.keys.invoked_by,
        &mut bare.keys.error_code,
        &mut bare.keys.vpc_endpoint_id,
    ] {
        *field = None;
    }
    bare.keys.category = EventCategory::Insight;
    bare.keys.resources.clear();
    bare.keys.lookup_resources.clear();
    vec![sample(1, NOW - 2), bare]
}

/// All events with all their keys, and look-ups tell the same of each.
async fn all_of(history: &EventHistory) -> Vec<Event> {
    history.catch_up().await.unwrap();
    let limits = PageLimits {
        events: 100,
        bytes: usize::MAX,
        time: std::time::Duration::from_secs(60),
    };
    let mut all = Vec::new();
    for category in [LookupCategory::Management, LookupCategory::Insight] {
        let question = Question {
            categories: vec![category.event_category()],
            ..search::everything()
        };
        let page = history
            .search(&question, Order::NewestFirst, None, limits)
            .await
            .unwrap();
        let found: Vec<Event> = page.events.into_iter().map(|found| found.event).collect();
        let query = LookupQuery {
            category,
            ..query(None)
        };
        let told: Vec<LookupEvent> = found.iter().map(LookupEvent::from).collect();
        assert_eq!(all_pages(history, &query).await, told);
        all.extend(found);
    }
    all
}

fn put(dir: &Path, path: &str, bytes: &[u8]) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_history_of_version_1_is_taken_over_and_can_be_read_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), OLD_PATH, OLD_PART);
    put(dir.path(), "manifest-1.json", OLD_MANIFEST);
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    append(&journal, &golden_events()).await;
    for _ in 0..2 {
        let history = open(dir.path(), &journal, Hook::default()).await;
        assert_eq!(all_of(&history).await, golden_events());
        let found = all_pages(&history, &query(Some((LookupKey::Username, "alice")))).await;
        assert_eq!(found, [LookupEvent::from(&golden_events()[0])]);
        assert_eq!(history.damaged_files(), Vec::<std::path::PathBuf>::new());
        assert_eq!(*history.position().borrow(), Seq(2));
    }
    assert!(!dir.path().join("manifest-1.json").exists());
}

#[tokio::test]
async fn files_of_versions_2_and_3_can_be_read_for_ever() {
    for (part, index, log) in [
        (SORTED_PART, SORTED_INDEX, SORTED_LOG),
        (GOLDEN_PART, GOLDEN_INDEX, GOLDEN_LOG),
    ] {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), GOLDEN_PATH, part);
        put(dir.path(), &index::path_of(GOLDEN_PATH), index);
        let path = format!("_delta_log/{:020}.json", 0);
        put(dir.path(), &path, log.as_bytes());
        let journal = Arc::new(MemoryJournal::new(1 << 20));
        append(&journal, &golden_events()).await;
        let history = open(dir.path(), &journal, Hook::default()).await;
        assert_eq!(all_of(&history).await, golden_events());
        for (value, count) in [("alice", 1), ("bob", 0)] {
            let filter = Some((LookupKey::Username, value));
            assert_eq!(all_pages(&history, &query(filter)).await.len(), count);
        }
        assert_eq!(history.damaged_files(), Vec::<std::path::PathBuf>::new());
    }
}

#[tokio::test]
async fn this_version_writes_version_3() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    let history = open(dir.path(), &journal, Hook::default()).await;
    append(&journal, &golden_events()).await;
    history.catch_up().await.unwrap();
    history.flush().await.unwrap();
    let log = dir.path().join(format!("_delta_log/{:020}.json", 0));
    let written = std::fs::read_to_string(&log).unwrap();
    if let Ok(folder) = std::env::var("PUGMARK_GOLDEN") {
        let copy = |from: &Path, name: &str| {
            std::fs::copy(from, Path::new(&folder).join(name)).unwrap();
        };
        copy(&log, "log-v3.json");
        copy(&dir.path().join(GOLDEN_PATH), "part-v3.parquet");
        copy(
            &dir.path().join(index::path_of(GOLDEN_PATH)),
            "keys-v2.keys",
        );
        return;
    }
    // File sizes change with the compressor, the table's id with the table; all else is fixed.
    let without_chance = |text: &str| -> Vec<serde_json::Value> {
        let mut lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for line in &mut lines {
            for (action, member) in [("add", "size"), ("metaData", "id")] {
                if let Some(action) = line.get_mut(action) {
                    action[member].take();
                }
            }
        }
        lines
    };
    assert_eq!(without_chance(&written), without_chance(GOLDEN_LOG));
    let index = dir.path().join(index::path_of(GOLDEN_PATH));
    assert_eq!(std::fs::read(index).unwrap(), GOLDEN_INDEX);
}

#[tokio::test]
async fn the_log_is_bounded_by_checkpoints_and_says_the_same_after_them() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let mut history = open(dir.path(), &journal, Hook::default()).await;
    for number in 0..300 {
        append(
            &journal,
            &[sample(number, NOW - MONTH * (number as i64 % 3))],
        )
        .await;
        history.catch_up().await.unwrap();
        history.flush().await.unwrap();
        history.compact().await.unwrap();
        journal.release(*history.position().borrow()).await.unwrap();
        if number % 70 == 69 {
            drop(history);
            history = open(dir.path(), &journal, Hook::default()).await;
        }
        let logs = std::fs::read_dir(dir.path().join("_delta_log"))
            .unwrap()
            .count();
        assert!(logs < 140, "{logs} files in the log");
    }
    let mut found = numbers(&all_pages(&history, &query(None)).await);
    found.sort_unstable();
    assert_eq!(found, (0..300).collect::<Vec<_>>());
    let memory = history.snapshot();
    let mut disk = Snapshot::load(dir.path()).unwrap();
    assert_eq!(disk.version, memory.version);
    let paths = |snapshot: &Snapshot| {
        let mut parts: Vec<_> = snapshot.all().map(|part| part.as_ref().clone()).collect();
        parts.sort_by(|a, b| a.path.cmp(&b.path));
        parts
    };
    assert_eq!(paths(&disk), paths(&memory));
    assert!(!disk.refresh(dir.path()).unwrap());
}

#[tokio::test]
async fn a_damaged_index_costs_time_and_no_event() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    let history = open(dir.path(), &journal, Hook::default()).await;
    let mut events: Vec<Event> = (0..40).map(|number| sample(number, NOW - 2)).collect();
    for (number, event) in events.iter_mut().enumerate() {
        event.keys.username = Some(format!("user-{}", number % 7));
    }
    append(&journal, &events).await;
    history.catch_up().await.unwrap();
    history.flush().await.unwrap();
    drop(history);
    let path = dir.path().join(index::path_of(GOLDEN_PATH));
    let good = std::fs::read(&path).unwrap();
    for at in 0..=good.len() {
        let mut bad = good.clone();
        match bad.get_mut(at) {
            Some(byte) => *byte ^= 0x41,
            None => bad.truncate(at / 2),
        }
        std::fs::write(&path, bad).unwrap();
        let history = open(dir.path(), &journal, Hook::default()).await;
        for (value, count) in [("user-3", 6), ("user-5", 5), ("user-9", 0)] {
            let page = history
                .lookup(&query(Some((LookupKey::Username, value))))
                .await;
            assert_eq!(page.unwrap().events.len(), count, "byte {at}");
        }
        assert_eq!(history.damaged_files(), Vec::<std::path::PathBuf>::new());
    }
}

#[tokio::test]
async fn files_have_bloom_filters_statistics_and_a_page_index() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    let history = open(dir.path(), &journal, Hook::default()).await;
    append(
        &journal,
        &(0..12)
            .map(|number| sample(number, NOW - 2))
            .collect::<Vec<_>>(),
    )
    .await;
    history.catch_up().await.unwrap();
    history.flush().await.unwrap();
    let file = std::fs::File::open(&files_of(dir.path())[0]).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let metadata = reader.metadata();
    assert_eq!(metadata.num_row_groups(), 3);
    for group in metadata.row_groups() {
        assert_eq!(group.sorting_columns(), None);
        let mut bloomed = Vec::new();
        for column in group.columns() {
            if column.bloom_filter_offset().is_some() {
                bloomed.push(
                    column
                        .column_path()
                        .parts()
                        .iter()
                        .map(String::as_str)
                        .collect::<Vec<_>>(),
                );
            }
            assert!(column.offset_index_offset().is_some());
            assert_eq!(
                column.statistics().is_some(),
                column.column_path().string() != schema::EVENT
            );
        }
        bloomed.sort_unstable();
        let mut expected: Vec<_> = schema::BLOOMED.iter().map(|path| path.to_vec()).collect();
        expected.sort_unstable();
        assert_eq!(bloomed, expected);
    }
}

#[tokio::test]
async fn a_damaged_file_is_named_and_the_rest_answers() {
    // Bytes cut, overwritten at many places, or the file gone: never a panic, never an error, never a wrong event.
    let damages: [Damage; 5] = [
        Box::new(|path| std::fs::remove_file(path).unwrap()),
        Box::new(|path| std::fs::write(path, b"").unwrap()),
        Box::new(|path| std::fs::write(path, b"PAR1PAR1").unwrap()),
        Box::new(|path| {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        Box::new(|path| {
            let mut bytes = std::fs::read(path).unwrap();
            let len = bytes.len();
            bytes[4..len - 8].fill(0xff);
            std::fs::write(path, bytes).unwrap();
        }),
    ];
    for reopen in [false, true] {
        for (index, damage) in damages.iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let journal = Arc::new(MemoryJournal::new(1 << 20));
            let mut history = open(dir.path(), &journal, Hook::default()).await;
            for month in 0..3 {
                let number = month as u128;
                append(&journal, &[sample(number, NOW - month * MONTH)]).await;
            }
            history.catch_up().await.unwrap();
            history.flush().await.unwrap();
            append(&journal, &[sample(9, NOW)]).await;
            let mut files = files_of(dir.path());
            files.sort();
            damage(&files[1]);
            if reopen {
                drop(history);
                history = open(dir.path(), &journal, Hook::default()).await;
            }
            for _ in 0..2 {
                assert_eq!(
                    numbers(&all_pages(&history, &query(None)).await),
                    [9, 0, 2],
                    "damage {index}"
                );
            }
            assert_eq!(history.damaged_files(), [files[1].clone()]);
        }
    }
}

#[tokio::test]
async fn every_flipped_byte_is_survived() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    let history = open(dir.path(), &journal, Hook::default()).await;
    append(
        &journal,
        &(0..6)
            .map(|number| sample(number, NOW - 2))
            .collect::<Vec<_>>(),
    )
    .await;
    history.catch_up().await.unwrap();
    history.flush().await.unwrap();
    drop(history);
    let path = files_of(dir.path()).remove(0);
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(23) {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        std::fs::write(&path, bad).unwrap();
        let history = open(dir.path(), &journal, Hook::default()).await;
        for filter in [None, Some((LookupKey::Username, "alice"))] {
            // A changed letter may go unnoticed, but nothing breaks.
            history.lookup(&query(filter)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn events_leave_after_90_days_and_their_files_too() {
    let (dir, journal, clock, history) = fresh(Settings {
        removed_files_kept: std::time::Duration::from_secs(3600),
        ..settings()
    })
    .await;
    append(&journal, &[sample(1, NOW - 10), sample(2, NOW - MONTH)]).await;
    history.catch_up().await.unwrap();
    history.flush().await.unwrap();
    assert_eq!(files_of(dir.path()).len(), 2);
    clock.advance(SignedDuration::from_hours(60 * 24));
    assert_eq!(numbers(&all_pages(&history, &query(None)).await), [1]);
    history.flush().await.unwrap();
    // Somebody else may still read it.
    assert_eq!(files_of(dir.path()).len(), 2);
    assert_eq!(Snapshot::load(dir.path()).unwrap().all().count(), 1);
    clock.advance(SignedDuration::from_hours(2));
    history.flush().await.unwrap();
    assert_eq!(files_of(dir.path()).len(), 1);
    clock.advance(SignedDuration::from_hours(31 * 24));
    history.flush().await.unwrap();
    assert_eq!(Snapshot::load(dir.path()).unwrap().all().count(), 0);
}

#[tokio::test]
async fn a_journal_that_was_set_back_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    let history = open(dir.path(), &journal, Hook::default()).await;
    append(&journal, &[sample(1, NOW)]).await;
    history.catch_up().await.unwrap();
    history.flush().await.unwrap();
    let clock = Arc::new(ManualClock::new(time(NOW)));
    let other = Arc::new(MemoryJournal::new(1 << 20));
    let opened = EventHistory::open(dir.path().into(), other, clock, settings()).await;
    assert!(matches!(
        opened,
        Err(TableError::JournalBehind {
            cursor: Seq(1),
            head: Seq(0)
        })
    ));
}

#[tokio::test]
async fn a_log_that_cannot_be_read_stops_the_start_and_deletes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    let history = open(dir.path(), &journal, Hook::default()).await;
    append(&journal, &[sample(1, NOW)]).await;
    history.catch_up().await.unwrap();
    history.flush().await.unwrap();
    drop(history);
    for bad in [
        "{",
        "{\"unknown\":{}}",
        "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7}}",
        "{\"remove\":{\"path\":\"x\",\"dataChange\":true}}\n{\"add\":{}}",
    ] {
        let path = format!("_delta_log/{:020}.json", 0);
        put(dir.path(), &path, bad.as_bytes());
        let clock = Arc::new(ManualClock::new(time(NOW)));
        let opened =
            EventHistory::open(dir.path().into(), journal.clone(), clock, settings()).await;
        assert!(matches!(opened, Err(TableError::Log { .. })));
    }
    assert_eq!(files_of(dir.path()).len(), 1);
}

#[tokio::test]
async fn entries_released_too_early_are_skipped_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    append(&journal, &[sample(1, NOW), sample(2, NOW)]).await;
    journal.release(Seq(1)).await.unwrap();
    let history = open(dir.path(), &journal, Hook::default()).await;
    assert_eq!(numbers(&all_pages(&history, &query(None)).await), [2]);
}

#[tokio::test]
async fn an_entry_that_is_no_event_stops_the_follower() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    let entry = Entry {
        kind: EntryKind::Event,
        payload: Bytes::from_static(b"\x09"),
    };
    journal.append(vec![entry]).await.unwrap();
    let clock = Arc::new(ManualClock::new(time(NOW)));
    let opened = EventHistory::open(dir.path().into(), journal, clock, settings()).await;
    assert!(matches!(opened, Err(TableError::Entry { seq: Seq(0), .. })));
}

/// Row groups by time, and within each of them what is alike side by side; the same when files are merged whose times lie within each
/// other's.
#[test]
fn rows_lie_by_time_and_by_what_they_are() {
    const ROWS: usize = 500;
    let dir = tempfile::tempdir().unwrap();
    let row = |row: usize| {
        let mut event = sample(row as u128, NOW - row as i64);
        event.keys.name = format!("Operation{}", row % 7);
        event.keys.username = (!row.is_multiple_of(3)).then(|| format!("user-{}", row % 3));
        Arc::new(Row::new(row as u64, event))
    };
    let place = (
        ACCOUNT.parse().unwrap(),
        "eu-central-1".parse().unwrap(),
        Month::of(NOW),
    );
    let (files, hook) = (Files::new(dir.path().into()), Hook::default());
    let names = Names::after(&Snapshot::default());
    let write = |rows: Vec<Arc<Row>>| {
        let place = place.clone();
        part::write(dir.path(), place, rows, 100, &names.next(), &hook).unwrap()
    };
    // The rows of each row group, newest first.
    let check = |part: &Part, rows: &[Vec<usize>]| {
        let part = Arc::new(part.clone());
        assert_eq!(files.row_groups(&part).unwrap().len(), rows.len());
        for (group, expected) in rows.iter().enumerate() {
            let mut found: Vec<(u64, String, Option<String>)> = Vec::new();
            let mut batches = files.batches(&part, group, 64).unwrap();
            while let Some((batch, places)) = batches.next().unwrap() {
                let records = schema::records(&batch).unwrap();
                let rows = schema::rows(&batch, records).unwrap();
                found.extend(rows.into_iter().zip(places).map(|(row, place)| {
                    assert_eq!(row.seq, place.seq);
                    (row.seq, row.event.keys.name, row.event.keys.username)
                }));
            }
            let kinds = found.chunk_by(|a, b| (&a.1, &a.2) == (&b.1, &b.2));
            // Each kind once, and its newest row first: here, those are the first ones.
            assert!(kinds.clone().all(|rows| rows.is_sorted()));
            assert_eq!(kinds.count(), 21.min(expected.len()));
            let operations = found.chunk_by(|a, b| a.1 == b.1);
            assert_eq!(operations.count(), 7.min(expected.len()));
            let mut found: Vec<usize> = found.iter().map(|(seq, ..)| *seq as usize).collect();
            found.sort_unstable();
            assert_eq!(found, *expected);
        }
    };
    let divided = |rows: &[usize], each: usize| -> Vec<Vec<usize>> {
        rows.chunks(each).map(<[usize]>::to_vec).collect()
    };

    let (even, odd): (Vec<usize>, Vec<usize>) = (0..ROWS).partition(|row| row.is_multiple_of(2));
    let late: Vec<usize> = (ROWS..ROWS + 30).collect();
    let parts = [&even, &odd, &late].map(|rows| {
        let part = write(rows.iter().rev().copied().map(row).collect());
        // 250 are divided into three parts as even as may be.
        check(&part, &divided(rows, rows.len().div_ceil(3).max(30)));
        Arc::new(part)
    });
    let settings = Settings {
        row_group_rows: 100,
        file_rows_max: 400,
        ..Settings::default()
    };
    let merged = compact::merge(dir.path(), &parts.into(), &settings, &names, &files, &hook);
    let all: Vec<usize> = (0..ROWS + 30).collect();
    let groups = divided(&all, all.len().div_ceil(6));
    let [first, second] = &merged.unwrap()[..] else {
        panic!("530 rows fill two files");
    };
    check(first, &groups[..4]);
    check(second, &groups[4..]);
}

/// A look-up unpacks a page for each record that it finds.
#[test]
fn pages_of_records_have_a_bounded_size_and_are_read_in_part() {
    let dir = tempfile::tempdir().unwrap();
    let row = |row: usize| {
        let mut event = sample(row as u128, NOW - row as i64);
        event.json = Bytes::from(large_record(row));
        Arc::new(Row::new(row as u64, event))
    };
    let place = (
        ACCOUNT.parse().unwrap(),
        "eu-central-1".parse().unwrap(),
        Month::of(NOW),
    );
    let write = |number: usize, rows: Vec<Arc<Row>>| {
        let name = format!("part-{:020}-{number:020}.parquet", 0);
        let (place, hook) = (place.clone(), Hook::default());
        part::write(dir.path(), place, rows, 64 * 1024, &name, &hook).unwrap()
    };
    let files = Files::new(dir.path().into());
    let part = write(0, (0..LARGE_ROWS).map(row).collect());
    check_pages(&files, &part);

    let (even, odd) = (0..LARGE_ROWS).partition(|row| row.is_multiple_of(2));
    let halves: [Vec<usize>; 2] = [even, odd];
    let halves = (1..).zip(halves);
    let halves = halves.map(|(name, rows)| write(name, rows.into_iter().map(row).collect()));
    let halves: Vec<Arc<Part>> = halves.map(Arc::new).collect();
    let names = Names::after(&Snapshot::default());
    for _ in 0..3 {
        names.next();
    }
    let (settings, hook) = (Settings::default(), Hook::default());
    let merged = compact::merge(dir.path(), &halves, &settings, &names, &files, &hook).unwrap();
    check_pages(&files, &merged[0]);
}

const LARGE_ROWS: usize = 3_000;
const LARGE_RECORD_BYTES: usize = 3_000;

fn large_record(row: usize) -> String {
    let width = LARGE_RECORD_BYTES - 11;
    format!("{{\"more\":\"{row:0>width$}\"}}")
}

fn check_pages(files: &Files, part: &Part) {
    let Ok(opened) = files.open(0, part) else {
        panic!("the file cannot be opened");
    };
    let metadata = opened.footer.metadata();
    let columns = metadata.file_metadata().schema_descr();
    let event = scan::leaf(columns, &[schema::EVENT]).unwrap();
    let pages = metadata.offset_index().unwrap()[0][event].page_locations();
    let starts = pages.iter().map(|page| page.first_row_index as usize);
    let starts: Vec<usize> = starts.chain([LARGE_ROWS]).collect();
    let rows_a_page = PAGE_BYTES / (LARGE_RECORD_BYTES + 4);
    for page in starts.windows(2) {
        let (rows, is_last) = (page[1] - page[0], page[1] == LARGE_ROWS);
        assert!(
            rows == rows_a_page || is_last && rows < rows_a_page,
            "{rows}"
        );
    }

    let pages = RecordPages::of(&opened, 0).unwrap();
    let (second, third) = (starts[1], starts[2]);
    let wanted = [0, 1, second - 1, second, second + 50, third, LARGE_ROWS - 1];
    let divided = pages.divided(&wanted);
    assert_eq!(divided[..2], [&wanted[..3], &wanted[3..5]]);
    let all: Vec<usize> = (0..LARGE_ROWS).collect();
    let some = divided.into_iter().chain(wanted.chunks(1));
    for rows in some.chain(pages.divided(&all)) {
        let read = pages.read(rows).unwrap().unwrap();
        let expected: Vec<String> = rows.iter().map(|row| large_record(*row)).collect();
        assert_eq!(read, expected);
    }
    assert!(pages.read(&[LARGE_ROWS]).is_err(), "there are no more rows");
}

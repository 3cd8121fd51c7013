#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use pugmark_core::event::Event;
use serde_json::json;
use uuid::Uuid;

use super::*;

/// What a table would hold; survives the import that writes it.
#[derive(Default)]
struct Table {
    events: HashSet<Uuid>,
    marks: HashMap<String, String>,
    commits: usize,
}

struct Memory<'a> {
    table: &'a Mutex<Table>,
    pushed: Vec<Event>,
    /// Pushes that succeed.
    pushes: usize,
}

impl Sink for Memory<'_> {
    type Error = &'static str;

    fn resumed(&self, source: &str) -> Option<String> {
        self.table.lock().unwrap().marks.get(source).cloned()
    }

    fn push(&mut self, record: Record) -> Result<(), Self::Error> {
        self.pushes = self.pushes.checked_sub(1).ok_or("full")?;
        self.pushed.push(record.event);
        Ok(())
    }

    fn commit(&mut self, marks: &[(String, String)]) -> Result<(u64, u64), Self::Error> {
        let mut table = self.table.lock().unwrap();
        let (mut added, mut duplicates) = (0, 0);
        for event in self.pushed.drain(..) {
            match table.events.insert(event.keys.id) {
                true => added += 1,
                false => duplicates += 1,
            }
        }
        table.marks.extend(marks.iter().cloned());
        table.commits += 1;
        Ok((added, duplicates))
    }

    fn finish(self) -> Result<(), Self::Error> {
        assert!(self.pushed.is_empty());
        Ok(())
    }
}

/// Files in memory: path and content.
#[derive(Clone)]
struct Folder(Vec<(String, Vec<u8>)>);

impl Files for Folder {
    type Error = &'static str;

    fn list(self, take: &mut dyn FnMut(File) -> bool) -> Result<(), Self::Error> {
        for (path, bytes) in self.0 {
            let (folder, name) = path.split_at(path.rfind('/').unwrap() + 1);
            let file = File {
                folder: folder.to_owned(),
                name: name.to_owned(),
                size: bytes.len() as u64,
                stamp: String::new(),
                begin: Box::new(|| Box::new(|| Ok(Box::new(std::io::Cursor::new(bytes))))),
            };
            if !take(file) {
                break;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Watch<'a> {
    skipped: Vec<String>,
    stop_at: Option<(u64, &'a AtomicBool)>,
}

impl Observer for Watch<'_> {
    fn skipped(&mut self, path: &str, skip: &Skip) {
        self.skipped
            .push(format!("{path}:{}: {}", skip.offset, skip.reason));
    }

    fn progress(&mut self, counts: &Counts) {
        if let Some((events, stop)) = self.stop_at
            && counts.events >= events
        {
            stop.store(true, Ordering::Relaxed);
        }
    }
}

fn file(folder: usize, number: usize, records: usize) -> (String, Vec<u8>) {
    let record = |at: usize| {
        json!({
            "eventVersion": "1.08", "eventTime": "2026-01-19T21:17:28Z", "eventSource": "iam.amazonaws.com",
            "eventName": "CreateUser", "eventID": format!("{folder:08}-{number:04}-45b4-882d-{at:012}"),
            "awsRegion": "us-east-1", "requestParameters": {"padding": "x".repeat(300)},
        })
        .to_string()
    };
    let records: Vec<String> = (0..records).map(record).collect();
    let path =
        format!("/b/AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/{folder:02}/{number}.json");
    (
        path,
        format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes(),
    )
}

/// Three folders of twenty files, ten events each.
fn folder() -> Folder {
    folder_of(20)
}

fn folder_of(files: usize) -> Folder {
    Folder(
        (0..3)
            .flat_map(|folder| (0..files).map(move |number| file(folder, number, 10)))
            .collect(),
    )
}

const READERS: usize = 2;

fn import() -> Import {
    Import {
        place: Place::default(),
        readers: READERS,
        files_ahead: 4,
        commit_events: 100,
        again: false,
    }
}

fn run(
    import: &Import,
    table: &Mutex<Table>,
    files: Folder,
    stop_at: Option<u64>,
) -> (Counts, Vec<String>) {
    let stop = AtomicBool::new(false);
    let sink = Memory {
        table,
        pushed: Vec::new(),
        pushes: usize::MAX,
    };
    let mut watch = Watch {
        stop_at: stop_at.map(|events| (events, &stop)),
        ..Watch::default()
    };
    let counts = import.run(files, sink, &stop, &mut watch).unwrap();
    (counts, watch.skipped)
}

#[test]
fn everything_once_however_often() {
    let table = Mutex::default();
    let (counts, skipped) = run(&import(), &table, folder(), None);
    assert_eq!(
        (counts.files, counts.events, counts.added, counts.duplicates),
        (60, 600, 600, 0)
    );
    assert_eq!(
        (counts.listed, counts.is_listed, skipped.len()),
        (60, true, 0)
    );
    assert_eq!(counts.bytes, counts.bytes_listed);
    assert!(table.lock().unwrap().commits >= 6);
    assert_eq!(table.lock().unwrap().marks.len(), 3);
    // Again: nothing is opened. With one file more: only that.
    let (counts, _) = run(&import(), &table, folder(), None);
    assert_eq!(
        (counts.files, counts.files_before, counts.events),
        (0, 60, 0)
    );
    let mut more = folder();
    more.0.insert(5, file(0, 99, 3));
    let (counts, _) = run(&import(), &table, more.clone(), None);
    assert_eq!(
        (counts.files, counts.files_before, counts.added),
        (1, 60, 3)
    );
    // On request all are read, and found to be there.
    let again = Import {
        again: true,
        ..import()
    };
    let (counts, _) = run(&again, &table, more, None);
    assert_eq!(
        (counts.files, counts.added, counts.duplicates),
        (61, 0, 603)
    );
}

#[test]
fn stopped_anywhere_it_goes_on_there() {
    const FILES: usize = 3 * 80;
    const FILES_BEFORE_STOP: usize = 9;
    // What the readers were ahead when it stopped is kept too: the batches that wait, and one in the hand of each.
    const FILES_MAX: usize = FILES_BEFORE_STOP + BATCHES_MAX + READERS;
    let table = Mutex::default();
    let (mut files, mut rounds) = (0, 0);
    loop {
        let stop_at = 10 * FILES_BEFORE_STOP as u64;
        let (counts, _) = run(&import(), &table, folder_of(FILES / 3), Some(stop_at));
        files += counts.files;
        rounds += 1;
        if !counts.is_stopped {
            break;
        }
        let read = usize::try_from(counts.files).unwrap();
        assert!((FILES_BEFORE_STOP..=FILES_MAX).contains(&read), "{read}");
    }
    assert_eq!(table.lock().unwrap().events.len(), 10 * FILES);
    assert_eq!(files, FILES as u64, "none was read twice");
    assert!(rounds > FILES / FILES_MAX, "{rounds}");
}

#[test]
fn a_large_file_goes_on_where_it_stopped() {
    let table = Mutex::default();
    let large = Folder(vec![file(0, 0, 100_000)]);
    let (counts, _) = run(&import(), &table, large.clone(), Some(60_000));
    // The reader is up to 33 blocks of 256 KiB ahead, which are 16,000 such records.
    assert!(counts.is_stopped && counts.added < 80_000, "{counts:?}");
    let (rest, _) = run(&import(), &table, large, None);
    assert_eq!(counts.added + rest.added, 100_000);
    assert!(rest.duplicates < 5000, "{rest:?}");
}

#[test]
fn damage_is_told_by_file_and_the_rest_goes_on() {
    let table = Mutex::default();
    let mut files = folder();
    files.0[7].1.truncate(1000);
    files.0[8].1 = b"\x1f\x8bnonsense".to_vec();
    let digest = "/b/AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2026/01/19/x.json.gz";
    files.0.insert(0, (digest.to_owned(), b"{}".to_vec()));
    let (counts, mut skipped) = run(&import(), &table, files.clone(), None);
    assert_eq!(
        (counts.files, counts.files_cut_off, counts.digests),
        (60, 1, 1)
    );
    skipped.sort();
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    assert!(
        skipped[0].contains("/00/7.json:") && skipped[0].ends_with("cut off"),
        "{skipped:?}"
    );
    assert!(
        skipped[1].contains("/00/8.json:0: damaged gzip"),
        "{skipped:?}"
    );
    // Only what could not be read to its end is tried again.
    let (counts, _) = run(&import(), &table, files, None);
    assert_eq!((counts.files, counts.files_before), (1, 59));
}

#[test]
fn a_sink_that_fails_ends_the_import() {
    let table = Mutex::default();
    let sink = Memory {
        table: &table,
        pushed: Vec::new(),
        pushes: 250,
    };
    let stop = AtomicBool::new(false);
    let failed = import().run(folder(), sink, &stop, &mut Watch::default());
    assert!(matches!(failed, Err(Failed::Sink("full"))), "{failed:?}");
    assert!(stop.load(Ordering::Relaxed));
    let known = table.lock().unwrap().events.len();
    assert!(
        (100..250).contains(&known),
        "what was committed stays: {known}"
    );
    let (counts, _) = run(&import(), &table, folder(), None);
    assert_eq!(known as u64 + counts.added, 600);
}

//! Look-ups over a history at rest, of any size: fills a table with generated events, asks for needles and common values
//! of each attribute, with a cold and a warm reader, and prints one JSON line per kind of look-up.
//!
//! `cargo bench -p pugmark-table --bench history -- DIR TOTAL [SEED]`; `bench/history.py` runs it and asks DuckDB and
//! SQLite the same questions over the same rows. A directory that is filled already is used as it is.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    clock::SystemClock,
    event::{EventCategory, record::Record},
};
use pugmark_generator::{Records, Settings as Generated};
use pugmark_journal::MemoryJournal;
use pugmark_table::{
    Bulk, BulkSettings, EventHistory, LookupCategory, LookupKey, LookupQuery, Settings,
};
use serde_json::json;

// The program's own: the memory it needs depends on it.
#[global_allocator]
static ALLOCATOR: pugmark_allocator::MiMalloc = pugmark_allocator::MiMalloc;

const SAMPLES: usize = 300;
/// One event in so many is remembered, to be asked for later.
const SAMPLED: u64 = 997;
/// A needle has at most so many events in its account and Region: less than a page.
const NEEDLE_EVENTS_MAX: u64 = 10;
/// Resource names and access keys are many: one in so many is counted.
const COUNTED: u64 = 256;
/// Events that count at the same moment while the table is filled; then its small files are made large ones.
const EVENTS_A_COMMIT: usize = 10_000_000;

/// A value that is asked for, and where it occurs.
#[derive(Clone)]
struct Asked {
    account: AccountId,
    region: Region,
    key: LookupKey,
    value: String,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    let dir = PathBuf::from(arguments.next().expect("a directory"));
    let total: u64 = arguments.next().expect("how many events").parse().unwrap();
    let seed: u64 = arguments.next().map_or(1, |seed| seed.parse().unwrap());
    let end = dir.with_extension("end");
    if !dir.join("_delta_log").exists() {
        // What is there already is kept, so that another table can have the same events.
        if !end.exists() {
            std::fs::write(&end, Generated::new(seed, total).end.to_string()).unwrap();
        }
        let hour = std::fs::read_to_string(&end).unwrap().parse().unwrap();
        fill(&dir, seed, total, hour);
    }
    let hour = std::fs::read_to_string(&end).unwrap().parse().unwrap();
    let questions = questions(seed, total, hour);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(ask(&dir, &questions));
    println!(
        "{}",
        json!({ "peak_resident_bytes": peak_resident_bytes() })
    );
}

fn generated(seed: u64, total: u64, end: Timestamp) -> impl Iterator<Item = Record> {
    let settings = Generated {
        end,
        // Event history reaches back 90 days from now.
        days: 88,
        ..Generated::new(seed, total)
    };
    let records = Records::new(&settings).unwrap();
    // Event history holds management events.
    let records = records.map(|record| record.read().unwrap());
    records.filter(|record| record.event.keys.category == EventCategory::Management)
}

fn fill(dir: &Path, seed: u64, total: u64, end: Timestamp) {
    let started = Instant::now();
    let mut settings = BulkSettings::default();
    // Nobody else reads them, and of a hundred million events they would fill the disk.
    settings.table.removed_files_kept = Duration::ZERO;
    let mut bulk = Bulk::open(dir.into(), settings).unwrap();
    let (mut bytes, mut added) = (0, 0);
    let mut records = generated(seed, total, end).peekable();
    while records.peek().is_some() {
        for record in records.by_ref().take(EVENTS_A_COMMIT) {
            bytes += record.event.json.len();
            bulk.push(record).unwrap();
        }
        added += bulk.commit(&[]).unwrap().added;
        let filled = peak_resident_bytes();
        bulk.optimize(|| {}).unwrap();
        eprintln!(
            "{added} events, {:.0} s, {filled:?} and {:?} bytes of memory",
            started.elapsed().as_secs_f64(),
            peak_resident_bytes()
        );
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({ "filled": added, "json_bytes": bytes, "seconds": seconds, "peak_resident_bytes": peak_resident_bytes() })
    );
}

/// For each attribute, needles, values that are rare among sampled events, and the most common one.
fn questions(seed: u64, total: u64, end: Timestamp) -> Vec<(String, Vec<Asked>)> {
    let mut counts: HashMap<(LookupKey, String), (u64, Asked)> = HashMap::new();
    let mut ids = Vec::new();
    let mut needles = Needles::default();
    for (number, Record { event, .. }) in (0..).zip(generated(seed, total, end)) {
        let keys = &event.keys;
        let mut add = |key, value: &str| {
            let asked = || Asked {
                account: keys.account,
                region: keys.region.clone(),
                key,
                value: value.to_owned(),
            };
            needles.count(key, (keys.account, &keys.region, value), asked);
            if number % SAMPLED != 0 {
                return;
            }
            if key == LookupKey::EventId {
                ids.push(asked());
                return;
            }
            let entry = counts
                .entry((key, value.to_owned()))
                .or_insert_with(|| (0, asked()));
            entry.0 += 1;
            // The place with the most events has the most chances to be asked.
            if mix(entry.0 ^ number).is_multiple_of(entry.0) {
                entry.1 = asked();
            }
        };
        if number % SAMPLED == 0 {
            add(LookupKey::EventId, &keys.id.to_string());
        }
        add(LookupKey::EventName, &keys.name);
        add(LookupKey::EventSource, &keys.source);
        for (key, value) in [
            (LookupKey::Username, &keys.username),
            (LookupKey::AccessKeyId, &keys.access_key_id),
        ] {
            if let Some(value) = value {
                add(key, value);
            }
        }
        for resource in &keys.lookup_resources {
            add(LookupKey::ResourceName, &resource.name);
            if let Some(kind) = &resource.kind {
                add(LookupKey::ResourceType, kind);
            }
        }
        if let Some(read_only) = keys.read_only {
            add(
                LookupKey::ReadOnly,
                if read_only { "true" } else { "false" },
            );
        }
    }
    let mut by_key: HashMap<LookupKey, Vec<(u64, Asked)>> = HashMap::new();
    for ((key, _), counted) in counts {
        by_key.entry(key).or_default().push(counted);
    }
    let mut questions = vec![("EventId needle".to_owned(), ids)];
    questions.extend(needles.questions());
    let mut keys: Vec<_> = by_key.into_iter().collect();
    keys.sort_by_key(|(key, _)| *key);
    for (key, mut values) in keys {
        values.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.value.cmp(&b.1.value)));
        let common = values.last().unwrap().1.clone();
        let rare: Vec<Asked> = values
            .iter()
            .take(SAMPLES)
            .map(|(_, asked)| asked.clone())
            .collect();
        questions.push((format!("{key:?} rare"), rare));
        questions.push((format!("{key:?} common"), vec![common]));
    }
    questions
}

/// How often each value comes in an account and Region, and where the few that are needles come.
#[derive(Default)]
struct Needles(HashMap<u64, (u64, Option<Asked>)>);

impl Needles {
    fn count(
        &mut self,
        key: LookupKey,
        place: (AccountId, &Region, &str),
        asked: impl FnOnce() -> Asked,
    ) {
        let mut hash = DefaultHasher::new();
        (key, place).hash(&mut hash);
        let hash = hash.finish();
        let are_many = matches!(key, LookupKey::ResourceName | LookupKey::AccessKeyId);
        if key == LookupKey::EventId || (are_many && !hash.is_multiple_of(COUNTED)) {
            return;
        }
        let (events, first) = self.0.entry(hash).or_insert_with(|| (0, Some(asked())));
        *events += 1;
        if *events > NEEDLE_EVENTS_MAX {
            *first = None;
        }
    }

    /// Those with the fewest events.
    fn questions(self) -> Vec<(String, Vec<Asked>)> {
        let needles = self.0.into_values();
        let mut needles: Vec<_> = needles
            .filter_map(|(events, it)| Some((it?, events)))
            .collect();
        needles.sort_by(|(a, one), (b, other)| {
            (a.key, one, &a.value, a.account).cmp(&(b.key, other, &b.value, b.account))
        });
        let keys = needles.chunk_by(|(a, _), (b, _)| a.key == b.key);
        let kind = |needles: &[(Asked, u64)]| {
            let asked = needles.iter().take(SAMPLES).map(|(asked, _)| asked.clone());
            (format!("{:?} needle", needles[0].0.key), asked.collect())
        };
        keys.map(kind).collect()
    }
}

async fn ask(dir: &Path, questions: &[(String, Vec<Asked>)]) {
    let history = open(dir).await;
    for (kind, values) in questions {
        // A reader that has nothing in memory; what the system's cache holds is up to the system.
        let fresh = open(dir).await;
        let mut cold = Vec::new();
        for asked in values.iter().take(20) {
            cold.push(look_up(&fresh, asked).await.0);
        }
        drop(fresh);
        for asked in values.iter().cycle().take(SAMPLES.min(values.len() * 2)) {
            look_up(&history, asked).await;
        }
        let (mut warm, mut found) = (Vec::new(), 0);
        for asked in values.iter().cycle().take(SAMPLES) {
            let (time, events) = look_up(&history, asked).await;
            warm.push(time);
            found += events;
        }
        let asked: Vec<_> = values
            .iter()
            .take(SAMPLES)
            .map(|it| json!([it.account.to_string(), it.region.to_string(), it.value]))
            .collect();
        println!(
            "{}",
            json!({
                "kind": kind, "key": format!("{:?}", values[0].key), "values": asked,
                "events_per_answer": found as f64 / SAMPLES as f64,
                "cold_p50_ms": at(&mut cold, 50), "cold_max_ms": at(&mut cold, 100),
                "p50_ms": at(&mut warm, 50), "p99_ms": at(&mut warm, 99),
            })
        );
    }
}

async fn open(dir: &Path) -> EventHistory {
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    EventHistory::open(
        dir.into(),
        journal,
        Arc::new(SystemClock),
        Settings::default(),
    )
    .await
    .unwrap()
}

async fn look_up(history: &EventHistory, asked: &Asked) -> (Duration, usize) {
    let query = LookupQuery {
        account: asked.account,
        region: asked.region.clone(),
        category: LookupCategory::Management,
        filter: Some((asked.key, asked.value.clone())),
        start: None,
        end: None,
        max_results: 50,
        after: None,
    };
    let started = Instant::now();
    let page = history.lookup(&query).await.unwrap();
    let time = started.elapsed();
    assert!(!page.events.is_empty(), "{:?} {}", asked.key, asked.value);
    (time, page.events.len())
}

fn at(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let at = (times.len() * percent).div_ceil(100).clamp(1, times.len());
    (times[at - 1].as_secs_f64() * 1e6).round() / 1e3
}

fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 31;
    x.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (x >> 29)
}

fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

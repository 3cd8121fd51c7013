//! How fast look-ups are over a large history, most of it in files, the newest in memory.
//!
//! `cargo bench -p pugmark-table --bench lookup -- 1000000` generates so many events over 30 days, then prints p50 and
//! p99 of each kind of look-up, and beside it what reading the whole history page by page costs in the same run; then what
//! searches and counts over the whole history cost. `-- 1000000 DIRECTORY` keeps the files there, so that
//! `bench/search_duckdb.py DIRECTORY` can ask them the same. `-- DIRECTORY` of a history that is there already, such as the
//! one that the bench `history` fills, asks it searches and counts alone.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use pugmark_core::{
    clock::{ManualClock, SystemClock},
    event::{self, Event, EventCategory, EventKeys, LookupResource},
};
use pugmark_journal::{Entry, EntryKind, Journal, MemoryJournal};
use pugmark_table::{
    Condition, CountQuestion, EventHistory, Field, LookupCategory, LookupKey, LookupQuery,
    Operator, Order, Origin, PageLimits, Question, Settings, Text,
};
use uuid::Uuid;

const NOW: i64 = 1_800_000_000;
const DAYS: i64 = 30;
const SAMPLES: u64 = 200;

fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn id(number: u64) -> Uuid {
    Uuid::from_u64_pair(mix(number), mix(!number))
}

fn generated(number: u64, total: u64) -> Event {
    let random = mix(number);
    let id = id(number);
    let seconds = NOW - DAYS * 86_400
        + (number as i128 * i128::from(DAYS) * 86_400 / i128::from(total)) as i64;
    let user = format!("user-{}", random % 500);
    let name = format!("Operation{}", random % 300);
    let source = format!("service{}.amazonaws.com", random % 40);
    let bucket = format!("arn:aws:s3:::bucket-{number}");
    let filler: String = (0..12)
        .map(|part| format!("{:016x}", mix(random ^ part)))
        .collect();
    let json = format!(
        "{{\"eventVersion\":\"1.11\",\"userIdentity\":{{\"type\":\"IAMUser\",\"principalId\":\"AIDA{random:016X}\",\
         \"arn\":\"arn:aws:iam::123456789012:user/{user}\",\"accountId\":\"123456789012\",\"userName\":\"{user}\"}},\
         \"eventTime\":\"2027-01-15T08:00:00Z\",\"eventSource\":\"{source}\",\"eventName\":\"{name}\",\"awsRegion\":\
         \"us-east-1\",\"sourceIPAddress\":\"192.0.2.{}\",\"userAgent\":\"aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 \
         os/linux#6.8 md/arch#x86_64 lang/python#3.13.7\",\"requestParameters\":{{\"bucketName\":\"{bucket}\",\
         \"token\":\"{filler}\"}},\"responseElements\":null,\"requestID\":\"{id}\",\"eventID\":\"{id}\",\
         \"readOnly\":true,\"eventType\":\"AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":\
         \"123456789012\",\"eventCategory\":\"Management\"}}",
        random % 250,
    );
    Event {
        keys: EventKeys {
            read_only: Some(!random.is_multiple_of(4)),
            username: Some(user),
            access_key_id: Some(format!("AKIA{:012}", random % 700)),
            lookup_resources: vec![LookupResource {
                kind: Some("AWS::S3::Bucket".into()),
                name: bucket,
            }],
            ..EventKeys::new(
                id,
                Timestamp::from_second(seconds).unwrap(),
                "123456789012".parse().unwrap(),
                "us-east-1".parse().unwrap(),
                source,
                name,
            )
        },
        json: Bytes::from(json),
    }
}

fn query(filter: Option<(LookupKey, String)>) -> LookupQuery {
    LookupQuery {
        account: "123456789012".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        category: LookupCategory::Management,
        filter,
        start: None,
        end: None,
        max_results: 50,
        after: None,
    }
}

async fn fill(history: &EventHistory, journal: &MemoryJournal, total: u64) {
    const BATCH: u64 = 2000;
    let mut next = 0;
    while next < total {
        let end = (next + BATCH).min(total);
        let events = (next..end).map(|number| generated(number, total));
        let entries = events
            .map(|event| Entry {
                kind: EntryKind::Event,
                payload: event::encode(&event),
            })
            .collect();
        journal.append(entries).await.unwrap();
        next = end;
        let last = query(Some((LookupKey::EventId, id(end - 1).to_string())));
        while history.lookup(&last).await.unwrap().events.is_empty() {}
        journal.release(*history.position().borrow()).await.unwrap();
    }
}

async fn measure(
    name: &str,
    history: &EventHistory,
    scan: Duration,
    ask: impl Fn(u64) -> LookupQuery,
    found: usize,
) {
    let mut times = Vec::new();
    for sample in 0..SAMPLES {
        let query = ask(mix(sample));
        let start = Instant::now();
        let page = history.lookup(&query).await.unwrap();
        times.push(start.elapsed());
        assert_eq!(page.events.len(), found, "{query:?}");
    }
    times.sort();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    let ratio = scan.as_secs_f64() / p50.as_secs_f64();
    println!(
        "{name:<34} p50 {p50:>12.1?}   p99 {p99:>12.1?}   {ratio:>9.0}x faster than reading all"
    );
}

fn question(text: Option<&str>, field: Option<(&str, Operator, &str)>) -> Question {
    let condition = |(field, operator, value): (&str, Operator, &str)| Condition {
        field: Field::parse(field).unwrap(),
        operator,
        is_negated: false,
        values: vec![value.to_owned()],
    };
    Question {
        accounts: vec!["123456789012".parse().unwrap()],
        imported_accounts: None,
        regions: None,
        categories: vec![EventCategory::Management],
        origins: vec![Origin::Recorded],
        start: None,
        end: None,
        conditions: field.map(condition).into_iter().collect(),
        text: text.map(|text| Text::parse(text).unwrap()),
    }
}

/// A history that another bench has filled: what is looked for is one of its events.
async fn measure_filled(dir: std::path::PathBuf) {
    let folders = std::fs::read_dir(&dir).unwrap();
    let folders = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let accounts = folders.filter_map(|name| name.strip_prefix("account=")?.parse().ok());
    let all = Question {
        accounts: accounts.collect(),
        ..question(None, None)
    };
    let journal = Arc::new(MemoryJournal::new(1 << 20));
    let clock = Arc::new(SystemClock);
    let history = EventHistory::open(dir, journal, clock, Settings::default());
    let history = history.await.unwrap();
    let limits = PageLimits {
        events: 1,
        bytes: usize::MAX,
        time: Duration::from_secs(600),
    };
    let counted = CountQuestion::default();
    let counts = history.count(&all, &counted, limits.time).await.unwrap();
    // None of the newest, which a search in this order reaches last.
    let oldest = history.search(&all, Order::OldestFirst, None, limits).await;
    let oldest = &oldest.unwrap().events[0].event.keys;
    let late = Question {
        start: Some(oldest.time + jiff::SignedDuration::from_hours(24 * 45)),
        ..all.clone()
    };
    let found = history
        .search(&late, Order::OldestFirst, None, limits)
        .await;
    let needle = found.unwrap().events[0].event.keys.id.to_string();
    println!("{} events, one of them is {needle}", counts.total);
    measure_searches(&history, counts.total, &all, &needle, &needle).await;
}

/// Searches that must look at everything: what they look for is nowhere, or once, or is counted.
async fn measure_searches(
    history: &EventHistory,
    total: u64,
    all: &Question,
    needle: &str,
    bucket: &str,
) {
    let question = |text, field| Question {
        accounts: all.accounts.clone(),
        ..question(text, field)
    };
    let address = ("sourceIPAddress", Operator::Equals, "198.51.100.7");
    let parameter = ("requestParameters.bucketName", Operator::Equals, bucket);
    let limits = PageLimits {
        events: 50,
        bytes: usize::MAX,
        time: Duration::from_secs(600),
    };
    for (name, question) in [
        (
            "text, found once or some times",
            question(Some(needle), None),
        ),
        (
            "text that is nowhere",
            question(Some("no such words anywhere"), None),
        ),
        (
            "text of letters that is nowhere",
            question(Some("accessdenied"), None),
        ),
        (
            "parameter, found once if at all",
            question(None, Some(parameter)),
        ),
        ("address that is nowhere", question(None, Some(address))),
    ] {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..3 {
            let start = Instant::now();
            let page = history
                .search(&question, Order::OldestFirst, None, limits)
                .await
                .unwrap();
            times.push(start.elapsed());
            found = page.events.len();
        }
        println!(
            "search: {name:<34} {:>10.1?}   {found} found",
            times.iter().min().unwrap()
        );
    }
    for (name, by, interval) in [
        ("count", None, None),
        (
            "count by EventName, per day",
            Some("EventName"),
            Some(86_400),
        ),
        ("count by EventName", Some("EventName"), None),
        ("count by errorCode", Some("errorCode"), None),
        ("count by ResourceName", Some("ResourceName"), None),
        (
            "count by requestParameters.token",
            Some("requestParameters.token"),
            None,
        ),
    ] {
        let counted = CountQuestion {
            by: by.map(|field| Field::parse(field).unwrap()),
            values_max: 20,
            interval_seconds: interval,
        };
        let mut times = Vec::new();
        for _ in 0..3 {
            let start = Instant::now();
            let all = question(None, None);
            let counts = history.count(&all, &counted, limits.time).await;
            assert_eq!(counts.unwrap().total, total);
            times.push(start.elapsed());
        }
        let least = times.iter().min().unwrap();
        println!("{name:<42} {least:>10.1?}");
    }
}

#[tokio::main]
async fn main() {
    let total = std::env::args().find_map(|argument| argument.parse().ok());
    let kept = std::env::args()
        .skip(1)
        .find(|argument| argument.contains('/'));
    if let (None, Some(dir)) = (total, &kept) {
        return measure_filled(dir.into()).await;
    }
    let total = total.unwrap_or(1_000_000_u64);
    let temporary = tempfile::tempdir().unwrap();
    let dir = kept.map_or_else(|| temporary.path().to_owned(), Into::into);
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(NOW).unwrap()));
    let history = EventHistory::open(dir, journal.clone(), clock, Settings::default())
        .await
        .unwrap();
    let (stop, shutdown) = tokio::sync::watch::channel(false);
    let follower = history.clone();
    let follower = tokio::spawn(async move { follower.run(shutdown).await });

    let start = Instant::now();
    fill(&history, &journal, total).await;
    let rate = total as f64 / start.elapsed().as_secs_f64();
    println!(
        "{total} events taken in {:.1?} ({rate:.0} per second), {} in files",
        start.elapsed(),
        history.position().borrow().0
    );

    let start = Instant::now();
    let mut all = LookupQuery {
        max_results: 1000,
        ..query(None)
    };
    let mut read = 0;
    loop {
        let page = history.lookup(&all).await.unwrap();
        read += page.events.len() as u64;
        let Some(next) = page.next else { break };
        all.after = Some(next);
    }
    let scan = start.elapsed();
    assert_eq!(read, total);
    println!("{:<34} {scan:>16.1?}", "reading all, 1000 a page");

    let any = |random: u64| random % total;
    let needle = |key, value| query(Some((key, value)));
    measure("first page, no filter", &history, scan, |_| query(None), 50).await;
    measure(
        "event id",
        &history,
        scan,
        |it| needle(LookupKey::EventId, id(any(it)).to_string()),
        1,
    )
    .await;
    measure(
        "event id that is nowhere",
        &history,
        scan,
        |it| needle(LookupKey::EventId, id(total + 1 + it % 1000).to_string()),
        0,
    )
    .await;
    measure(
        "resource name",
        &history,
        scan,
        |it| {
            needle(
                LookupKey::ResourceName,
                format!("arn:aws:s3:::bucket-{}", any(it)),
            )
        },
        1,
    )
    .await;
    measure(
        "event name, 1 in 300",
        &history,
        scan,
        |it| needle(LookupKey::EventName, format!("Operation{}", it % 300)),
        50,
    )
    .await;
    measure(
        "user, 1 in 500",
        &history,
        scan,
        |it| needle(LookupKey::Username, format!("user-{}", it % 500)),
        50,
    )
    .await;
    measure(
        "read only",
        &history,
        scan,
        |_| needle(LookupKey::ReadOnly, "true".into()),
        50,
    )
    .await;
    let at = |random: u64| {
        Timestamp::from_second(NOW - (random % (DAYS as u64 * 86_000)) as i64).unwrap()
    };
    let until = |random| LookupQuery {
        end: Some(at(random / 2)),
        max_results: 1,
        ..query(None)
    };
    measure("one event before a random time", &history, scan, until, 1).await;
    let (needle, bucket) = (total / 3, total / 5);
    let needle = format!("bucket-{needle}");
    let bucket = format!("arn:aws:s3:::bucket-{bucket}");
    measure_searches(&history, total, &question(None, None), &needle, &bucket).await;
    stop.send_replace(true);
    follower.await.unwrap().unwrap();
}

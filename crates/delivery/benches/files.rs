//! Events to log files: ten million events through a real journal into the files of one trail with digests, puts that take no
//! time. What counts is appending, following, sorting, compressing, hashing, the ledger and the spool.
//!
//! `cargo bench -p pugmark-delivery --bench files [-- EVENTS]`. Goals: 100,000 events a second on two cores, under 300 MB.
//! Beside it, in the same run: the same JSON through gzip alone, on one core.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use pugmark_catalog::{CatalogWriter, Change, Trail, TrailId};
use pugmark_core::{
    account::AccountId,
    clock::SystemClock,
    event::{self, Event, EventKeys},
    service::ServiceError,
};
use pugmark_delivery::{Announcer, Bucket, Delivery, PutObject, Settings};
use pugmark_journal::{EmbeddedJournal, Entry, EntryKind, Journal, JournalError};
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

/// As the server's.
#[global_allocator]
static ALLOCATOR: pugmark_allocator::MiMalloc = pugmark_allocator::MiMalloc;

const EVENTS: u64 = 10_000_000;
const BATCH: u64 = 2_000;

/// Counts what it is given and keeps nothing.
#[derive(Default)]
struct Nowhere {
    files: AtomicU64,
    bytes: AtomicU64,
}

#[async_trait]
impl Bucket for Nowhere {
    async fn is_requester_pays(&self, _: &str) -> Result<bool, ServiceError> {
        Ok(false)
    }

    async fn is_of(&self, _: &str, _: AccountId) -> Result<bool, ServiceError> {
        Ok(true)
    }

    async fn put(&self, object: PutObject) -> Result<(), ServiceError> {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes
            .fetch_add(object.body.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn exists(&self, _: &str) -> Result<bool, ServiceError> {
        Ok(true)
    }

    async fn policy(&self, _: &str) -> Result<Option<String>, ServiceError> {
        Ok(None)
    }
}

#[async_trait]
impl Announcer for Nowhere {
    async fn publish(&self, _: &str, _: &str) -> Result<(), ServiceError> {
        Ok(())
    }
}

/// What the sample leaves out of real records, so that they have their usual size.
fn usual() -> Value {
    json!({
        "userIdentity": {
            "type": "AssumedRole", "principalId": "AROAEXAMPLEEXAMPLEEXA:session",
            "arn": "arn:aws:sts::123456789012:assumed-role/platform-deployments/session",
            "accountId": "123456789012", "accessKeyId": "ASIAEXAMPLEEXAMPLE12",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role", "principalId": "AROAEXAMPLEEXAMPLEEXA",
                    "arn": "arn:aws:iam::123456789012:role/platform-deployments",
                    "accountId": "123456789012", "userName": "platform-deployments",
                },
                "attributes": {"creationDate": "2026-01-19T21:17:28Z", "mfaAuthenticated": "false"},
            },
        },
        "eventTime": "2026-01-19T21:17:28Z", "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.44",
        "userAgent": "aws-cli/2.15.30 Python/3.11.8 Linux/6.5.0-1014-aws exe/x86_64.ubuntu.22 prompt/off command/ec2.describe-instances",
        "requestID": "3bb0a5a6-1b7c-4f0f-8a4e-9b1f8a9f4b11", "recipientAccountId": "123456789012",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "ec2.us-east-1.amazonaws.com",
        },
    })
}

/// Real records, each with the place of its event id.
fn templates() -> Vec<(EventKeys, String, usize)> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../conformance/fidelity/sample.json"
    );
    let text = std::fs::read_to_string(path).expect("the sample");
    let sample: Vec<Value> = serde_json::from_str(&text).expect("the sample is JSON");
    let template = |entry: &Value| {
        let mut record = usual();
        let real = entry["event"].as_object().into_iter().flatten();
        for (name, value) in real.filter(|(_, value)| !value.is_null()) {
            record[name] = value.clone();
        }
        let id = Uuid::nil().to_string();
        record["eventID"] = id.as_str().into();
        let json = record.to_string();
        let at = json.find(&id).expect("the id stands there");
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let keys = EventKeys {
            event_type: text("eventType"),
            read_only: record["readOnly"].as_bool(),
            identity_arn: record["userIdentity"]["arn"].as_str().map(str::to_owned),
            ..EventKeys::new(
                Uuid::nil(),
                jiff::Timestamp::now(),
                "123456789012".parse().expect("an account"),
                "us-east-1".parse().expect("a Region"),
                text("eventSource"),
                text("eventName"),
            )
        };
        (keys, json, at)
    };
    sample.iter().map(template).collect()
}

fn batch(templates: &[(EventKeys, String, usize)], from: u64) -> Vec<Entry> {
    let entry = |number: u64| {
        let (keys, json, at) = &templates[(number % templates.len() as u64) as usize];
        let scattered = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let id = Uuid::from_u128(scattered);
        let mut json = json.clone().into_bytes();
        id.as_hyphenated().encode_lower(&mut json[*at..*at + 36]);
        let keys = EventKeys {
            id,
            time: jiff::Timestamp::from_second(jiff::Timestamp::now().as_second())
                .expect("a moment"),
            ..keys.clone()
        };
        Entry {
            kind: EntryKind::Event,
            payload: event::encode(&Event {
                keys,
                json: json.into(),
            }),
        }
    };
    (from..from + BATCH).map(entry).collect()
}

fn trail() -> Trail {
    Trail {
        is_multi_region: true,
        log_file_validation: true,
        is_logging: true,
        ..Trail::new(
            TrailId("bench".into()),
            "123456789012".parse().expect("an account"),
            "us-east-1".parse().expect("a Region"),
            "bench",
            "bench",
        )
    }
}

async fn run(events: u64) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let journal = Arc::new(EmbeddedJournal::open(
        &dir.path().join("journal"),
        pugmark_journal::Settings {
            max_bytes: 1 << 30,
            ..pugmark_journal::Settings::default()
        },
    )?);
    let catalog = CatalogWriter::open(dir.path().join("catalog"), journal.clone()).await?;
    let made = catalog.change(|_| {
        Ok::<_, std::convert::Infallible>((Some(Change::PutTrail(Box::new(trail()))), ()))
    });
    made.await?;
    let bucket = Arc::new(Nowhere::default());
    let delivery = Delivery::open(
        dir.path().join("delivery"),
        journal.clone(),
        bucket.clone(),
        bucket.clone(),
        Arc::new(SystemClock),
        Settings::default(),
    )
    .await?;
    let (stop, stopped) = watch::channel(false);
    let mut position = delivery.position();
    let follower = tokio::spawn(async move { delivery.run(stopped).await });
    let releaser = tokio::spawn({
        let journal = journal.clone();
        async move {
            while position.changed().await.is_ok() {
                let below = *position.borrow_and_update();
                journal.release(below).await?;
            }
            Ok::<_, JournalError>(())
        }
    });
    let templates = Arc::new(templates());
    let sizes: usize = templates.iter().map(|(_, json, _)| json.len()).sum();
    let bytes = sizes as f64 / templates.len() as f64 * events as f64;
    let began = Instant::now();
    for from in (0..events).step_by(BATCH as usize) {
        let templates = templates.clone();
        let entries = tokio::task::spawn_blocking(move || batch(&templates, from)).await?;
        loop {
            match journal.append(entries.clone()).await {
                Ok(_) => break,
                Err(JournalError::Full { .. }) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    // The last open batch is sealed when delivery stops.
    stop.send_replace(true);
    follower.await??;
    let took = began.elapsed().as_secs_f64();
    releaser.abort();
    let (files, gzip) = (
        bucket.files.load(Ordering::Relaxed),
        bucket.bytes.load(Ordering::Relaxed) as f64,
    );
    println!(
        "{events} events, {:.1} GB of JSON: {took:.1} s, {:.0} events/s, {:.0} MB/s; {files} files, {:.2} GB (1/{:.1}); peak {} MB",
        bytes / 1e9,
        events as f64 / took,
        bytes / 1e6 / took,
        gzip / 1e9,
        bytes / gzip,
        peak_mb(),
    );
    let plain: Vec<u8> = templates
        .iter()
        .flat_map(|(_, json, _)| json.bytes())
        .collect();
    let began = Instant::now();
    let rounds = 100_000_000 / plain.len() + 1;
    for _ in 0..rounds {
        let mut encoder =
            flate2::write::GzEncoder::new(std::io::sink(), flate2::Compression::default());
        encoder.write_all(&plain)?;
        encoder.finish()?;
    }
    let alone = (rounds * plain.len()) as f64 / 1e6 / began.elapsed().as_secs_f64();
    println!(
        "gzip alone, one core: {alone:.0} MB/s; ratio {:.2}",
        bytes / 1e6 / took / alone
    );
    Ok(())
}

/// The most memory that this process ever had.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1000
}

fn main() -> anyhow::Result<()> {
    pugmark_allocator::keep_freed(pugmark_allocator::Keep::Short);
    let mut events = std::env::args().filter_map(|argument| argument.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(run(events.next().unwrap_or(EVENTS)))
}

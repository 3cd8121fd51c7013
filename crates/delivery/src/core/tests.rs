//! Sealing, digests and crashes: with real ledgers, a bucket that is a map, and seeds.
#![allow(clippy::unwrap_used)]

use std::{io::Read, path::Path};

use aws_lc_rs::signature;
use bytes::Bytes;
use pugmark_catalog::{
    AdvancedEventSelector, AggregationTemplate, FieldSelector, Selectors, TrailId,
};
use pugmark_core::event::{Event, EventCategory, EventKeys, Resource};
use pugmark_journal::{Entry, Seq};
use serde_json::Value;

use super::*;

const NOW: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

fn trail(name: &str) -> Trail {
    Trail {
        is_multi_region: true,
        log_file_validation: true,
        is_logging: true,
        started: Some(at(0)),
        ..Trail::new(
            TrailId(format!("id-{name}")),
            "123456789012".parse().unwrap(),
            "us-east-1".parse().unwrap(),
            name,
            "b",
        )
    }
}

fn put_trail(trail: Trail) -> Entry {
    Entry {
        kind: EntryKind::Catalog,
        payload: Change::PutTrail(Box::new(trail)).encode(),
    }
}

fn event(id: u128, seconds: i64, region: &str) -> Entry {
    event_of(EventCategory::Management, id, seconds, region)
}

fn event_of(category: EventCategory, id: u128, seconds: i64, region: &str) -> Entry {
    let keys = EventKeys {
        category,
        resources: (category == EventCategory::Data)
            .then(|| Resource {
                kind: Some("AWS::S3::Object".into()),
                arn: Some(format!("arn:aws:s3:::b/{}", id % 3)),
                account: None,
                is_prefix: false,
            })
            .into_iter()
            .collect(),
        ..EventKeys::new(
            Uuid::from_u128(id),
            at(seconds),
            "123456789012".parse().unwrap(),
            region.parse().unwrap(),
            "iam.amazonaws.com",
            "CreateUser",
        )
    };
    let json = format!(
        "{{\"eventID\":\"{id}\",\"eventTime\":\"{}\",\"awsRegion\":\"{region}\",\"sourceIPAddress\":\"192.0.2.1\",\
         \"userIdentity\":{{\"type\":\"AWSAccount\",\"accountId\":\"111122223333\"}}}}",
        keys.time
    );
    Entry {
        kind: EntryKind::Event,
        payload: event::encode(&Event {
            keys,
            json: Bytes::from(json),
        }),
    }
}

fn journal(entries: Vec<Entry>) -> Vec<Stored> {
    entries
        .into_iter()
        .enumerate()
        .map(|(seq, entry)| Stored {
            seq: Seq(seq as u64),
            entry,
        })
        .collect()
}

type Objects = BTreeMap<String, (Vec<u8>, Option<String>)>;

const LIMITS: Limits = Limits {
    delivery_seconds: 60,
    digest_seconds: 3600,
    open_bytes_max: 1 << 20,
    file_bytes_max: 1 << 20,
    file_events_max: 100_000,
};

fn open(dir: &Path) -> Core {
    open_with(dir, LIMITS)
}

fn open_with(dir: &Path, limits: Limits) -> Core {
    let ledger = Arc::new(Ledger::open(dir).unwrap());
    Core::open(
        ledger,
        Arc::new(Keys::open(dir.join("keys")).unwrap()),
        limits,
        0,
    )
    .unwrap()
}

/// Puts an item; `commits` is false when the answer is lost, or the program dies before the commit.
fn put(core: &Core, objects: &mut Objects, item: &Item, commits: bool) {
    let body = core.ledger.read_spool(&item.spool).unwrap();
    let put = (body, item.signature.clone());
    if let Some(before) = objects.insert(item.key.clone(), put.clone()) {
        assert_eq!(before, put, "{} was put with other bytes", item.key);
    }
    if commits {
        core.ledger.commit(&Changes::after_put(item)).unwrap();
        core.ledger.remove_spool(&item.spool);
    }
}

fn put_all(core: &Core, objects: &mut Objects) {
    for item in core.ledger.items().unwrap() {
        put(core, objects, &item, true);
    }
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut decoder = flate2::bufread::GzDecoder::new(bytes);
    decoder.read_to_end(&mut plain).unwrap();
    assert!(decoder.into_inner().is_empty(), "more than one gzip member");
    plain
}

/// Event ids of all log files, in the order of their keys.
fn delivered(objects: &Objects) -> Vec<String> {
    let logs = objects
        .iter()
        .filter(|(key, _)| key.contains("/CloudTrail/"));
    logs.flat_map(|(_, (body, _))| {
        let file: Value = serde_json::from_slice(&gunzip(body)).unwrap();
        let records = file["Records"].as_array().unwrap().clone();
        let times: Vec<&str> = records
            .iter()
            .map(|record| record["eventTime"].as_str().unwrap())
            .collect();
        assert!(times.is_sorted(), "records are not in order");
        records
            .iter()
            .map(|record| record["eventID"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    })
    .collect()
}

/// An independent reading of the digest chain: signatures, hashes, links; gives the log files covered.
fn verify_digests(core: &Core, objects: &Objects) -> Vec<String> {
    let mut covered = Vec::new();
    type Digests<'a> = Vec<(&'a String, &'a (Vec<u8>, Option<String>))>;
    let mut by_region: BTreeMap<String, Digests> = BTreeMap::new();
    for (key, object) in objects
        .iter()
        .filter(|(key, _)| key.contains("/CloudTrail-Digest/"))
    {
        by_region
            .entry(key.split('/').nth(3).unwrap().to_owned())
            .or_default()
            .push((key, object));
    }
    for (region, digests) in by_region {
        let region: Region = region.parse().unwrap();
        let mut previous: Option<(String, String, String)> = None;
        for (key, (body, signed)) in digests {
            let plain = gunzip(body);
            let digest: Value = serde_json::from_slice(&plain).unwrap();
            assert_eq!(digest["digestS3Object"], **key);
            let hash = hex::encode(crate::keys::sha256(&plain));
            let text = |name: &str| digest[name].as_str().unwrap_or("null").to_owned();
            let to_sign = format!(
                "{}\n{}/{key}\n{hash}\n{}",
                text("digestEndTime"),
                text("digestS3Bucket"),
                text("previousDigestSignature")
            );
            let keys = core
                .keys
                .public(&region, at(-10_000_000), at(10_000_000))
                .unwrap();
            let public = keys
                .iter()
                .find(|it| it.fingerprint == text("digestPublicKeyFingerprint"))
                .unwrap();
            let verifier = signature::UnparsedPublicKey::new(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                &public.value,
            );
            let signature = signed.clone().unwrap();
            verifier
                .verify(to_sign.as_bytes(), &hex::decode(&signature).unwrap())
                .unwrap();
            if !digest["previousDigestS3Object"].is_null() {
                let expected = (
                    text("previousDigestS3Object"),
                    text("previousDigestHashValue"),
                    text("previousDigestSignature"),
                );
                assert_eq!(previous, Some(expected), "chain is broken at {key}");
            }
            for file in digest["logFiles"].as_array().unwrap() {
                let object = file["s3Object"].as_str().unwrap();
                let log = gunzip(&objects[object].0);
                assert_eq!(file["hashValue"], hex::encode(crate::keys::sha256(&log)));
                covered.push(object.to_owned());
            }
            previous = Some((key.clone(), hash, signature));
        }
    }
    covered
}

#[test]
fn events_are_sealed_sorted_once_and_proven() {
    let dir = tempfile::tempdir().unwrap();
    let mut core = open(dir.path());
    let mut objects = Objects::new();
    let entries = vec![
        put_trail(trail("t")),
        event(2, 20, "us-east-1"),
        event(1, 10, "us-east-1"),
        event(2, 20, "us-east-1"),
        event(3, 5, "eu-west-1"),
    ];
    for entry in journal(entries) {
        core.take(entry, at(30)).unwrap();
    }
    assert!(!core.is_due(at(89)) && core.is_due(at(90)));
    core.seal(at(90)).unwrap();
    put_all(&core, &mut objects);
    assert_eq!(delivered(&objects), ["3", "1", "2"]);
    assert!(
        objects
            .keys()
            .any(|key| key.starts_with("AWSLogs/123456789012/CloudTrail/eu-west-1/"))
    );
    // The first digests came at once, without log files; an hour after activation the next cover them.
    assert!(verify_digests(&core, &objects).is_empty());
    assert!(core.seal_digests(at(30 + 3600)).unwrap());
    assert!(core.seal_digests(at(90 + 3600)).unwrap());
    put_all(&core, &mut objects);
    assert_eq!(verify_digests(&core, &objects).len(), 2);
    // An empty hour has its digest too.
    assert!(core.seal_digests(at(90 + 2 * 3600)).unwrap());
    put_all(&core, &mut objects);
    assert_eq!(verify_digests(&core, &objects).len(), 2);
}

/// Plain sizes and numbers of events of all log files.
fn sizes(objects: &Objects) -> Vec<(usize, usize)> {
    let logs = objects.iter().filter(|(key, _)| !key.contains("Digest"));
    logs.map(|(_, (body, _))| {
        let plain = gunzip(body);
        let file: Value = serde_json::from_slice(&plain).unwrap();
        (plain.len(), file["Records"].as_array().unwrap().len())
    })
    .collect()
}

#[test]
fn files_have_bounds_and_full_ones_do_not_wait() {
    let events = |count: u128| (1..=count).map(|id| event(id, 10, "us-east-1"));
    let mut entries = vec![put_trail(trail("t"))];
    entries.extend(events(25));
    for (limits, files) in [
        (
            Limits {
                file_events_max: 10,
                ..LIMITS
            },
            2,
        ),
        (
            Limits {
                file_bytes_max: 2000,
                ..LIMITS
            },
            2,
        ),
        (LIMITS, 0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (mut core, mut objects) = (open_with(dir.path(), limits), Objects::new());
        for entry in journal(entries.clone()) {
            core.take(entry, at(10)).unwrap();
        }
        put_all(&core, &mut objects);
        assert_eq!(
            sizes(&objects).len(),
            files,
            "{limits:?}: before any moment came"
        );
        core.seal(at(70)).unwrap();
        put_all(&core, &mut objects);
        let sizes = sizes(&objects);
        assert!(
            sizes
                .iter()
                .all(|(bytes, events)| *bytes <= limits.file_bytes_max
                    && *events <= limits.file_events_max),
            "{sizes:?}"
        );
        assert_eq!(delivered(&objects).len(), 25);
        core.seal_digests(at(10 + 3600)).unwrap();
        put_all(&core, &mut objects);
        assert_eq!(verify_digests(&core, &objects).len(), sizes.len());
    }
}

#[test]
fn sums_that_are_too_many_for_one_file_have_several() {
    let dir = tempfile::tempdir().unwrap();
    let mut core = open_with(
        dir.path(),
        Limits {
            file_events_max: 2,
            ..LIMITS
        },
    );
    let mut objects = Objects::new();
    let mut entries = vec![put_trail(aggregating(&[
        AggregationTemplate::ApiActivity,
        AggregationTemplate::ResourceAccess,
    ]))];
    entries.extend((1..=4).map(|id| event_of(EventCategory::Data, id, 10, "us-east-1")));
    for entry in journal(entries) {
        core.take(entry, at(10)).unwrap();
    }
    core.seal_windows(at(1000)).unwrap();
    put_all(&core, &mut objects);
    let sums: Vec<_> = objects
        .keys()
        .filter(|key| key.contains("Aggregated"))
        .collect();
    assert_eq!(
        aggregated(&objects).len(),
        4,
        "one operation, three resources"
    );
    assert_eq!(sums.len(), 2, "{sums:?}");
}

#[test]
fn a_trail_that_moves_is_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let mut core = open(dir.path());
    let elsewhere = Trail {
        bucket: "c".into(),
        ..trail("t")
    };
    let told = Trail {
        sns_topic_name: Some("topic".into()),
        ..elsewhere.clone()
    };
    let tagged = Trail {
        tags: [("k".to_owned(), None)].into(),
        ..told.clone()
    };
    let locked = Trail {
        kms_key_id: Some("key".into()),
        ..tagged.clone()
    };
    let entries = [trail("t"), elsewhere, told, tagged, locked].map(put_trail);
    for entry in journal(entries.into()) {
        core.take(entry, at(10)).unwrap();
    }
    let moved = |bucket, topic, key| Moved {
        trail: "id-t".into(),
        bucket,
        topic,
        key,
    };
    assert_eq!(core.trail_keys()["id-t"].as_deref(), Some("key"));
    assert_eq!(
        core.moved,
        [
            moved(true, false, false),
            moved(false, true, false),
            moved(false, false, true)
        ]
    );
}

#[test]
fn what_happened_before_the_stop_is_delivered_after_it_and_proven_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut core = open(dir.path());
    let mut objects = Objects::new();
    let stopped = Trail {
        is_logging: false,
        stopped: Some(at(50)),
        ..trail("t")
    };
    let entries = vec![
        put_trail(trail("t")),
        put_trail(stopped),
        event(1, 50, "us-east-1"),
        event(2, 51, "us-east-1"),
    ];
    for entry in journal(entries) {
        core.take(entry, at(50)).unwrap();
    }
    assert!(
        !core.seal_digests(at(100)).unwrap(),
        "the last digest waits for late events"
    );
    core.seal(at(110)).unwrap();
    assert!(
        !core.seal_digests(at(111)).unwrap(),
        "and for their file to be in the bucket"
    );
    put_all(&core, &mut objects);
    assert_eq!(delivered(&objects), ["1"]);
    assert!(core.seal_digests(at(112)).unwrap());
    put_all(&core, &mut objects);
    assert_eq!(verify_digests(&core, &objects).len(), 1);
    assert!(
        !core.seal_digests(at(9000)).unwrap(),
        "a closed chain has no further digest"
    );
}

/// A small generator of repeatable choices (xorshift).
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Crashes at every step between reading, sealing, putting and committing: each event once, each file proven once.
#[test]
fn crashes_lose_nothing_and_repeat_nothing() {
    let rounds: u64 = std::env::var("PUGMARK_DELIVERY_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(8);
    let seed: u64 = std::env::var("PUGMARK_DELIVERY_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    for seed in seed..seed + rounds {
        println!("seed {seed}");
        crash_round(seed);
    }
}

fn crash_round(seed: u64) {
    let mut choices = Choices(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let dir = tempfile::tempdir().unwrap();
    let mut objects = Objects::new();
    let mut entries = vec![put_trail(trail("t"))];
    for id in 0..80 {
        let region = ["us-east-1", "eu-west-1"][choices.below(2) as usize];
        entries.push(event(id, choices.below(1000) as i64, region));
        if choices.below(20) == 0 {
            // A change that moves nothing, and one that moves later files.
            let tags = BTreeMap::from([("k".to_owned(), Some(id.to_string()))]);
            let key_prefix = (choices.below(2) == 0).then(|| format!("p{id}"));
            entries.push(put_trail(Trail {
                tags,
                key_prefix,
                ..trail("t")
            }));
        }
    }
    let entries = journal(entries);
    let mut core = open(dir.path());
    let mut time = 0;
    for _ in 0..400 {
        time += choices.below(200) as i64;
        match choices.below(12) {
            0..=4 => {
                for entry in entries
                    .iter()
                    .skip(core.next as usize)
                    .take(choices.below(6) as usize)
                {
                    core.take(entry.clone(), at(time)).unwrap();
                }
            }
            5 => core.seal(at(time)).unwrap(),
            6 => drop(core.seal_digests(at(time)).unwrap()),
            7 => core.save_position().unwrap(),
            8..=10 => {
                if let Some(item) = core.ledger.items().unwrap().first() {
                    put(&core, &mut objects, item, choices.below(4) > 0);
                }
            }
            _ => {
                drop(core);
                core = open(dir.path());
            }
        }
    }
    for entry in entries.iter().skip(core.next as usize) {
        core.take(entry.clone(), at(time)).unwrap();
    }
    core.seal(at(time)).unwrap();
    put_all(&core, &mut objects);
    core.seal_digests(at(time + 3601)).unwrap();
    core.seal_digests(at(time + 7200)).unwrap();
    put_all(&core, &mut objects);
    let mut ids: Vec<u32> = delivered(&objects)
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..80).collect::<Vec<_>>(), "seed {seed}");
    let all = Objects::from_iter(
        objects
            .iter()
            .map(|(key, object)| (key.clone(), object.clone())),
    );
    let plain_keys = all
        .keys()
        .filter(|key| key.contains("/CloudTrail/"))
        .count();
    let items: Vec<String> = covered_by_digests(&all);
    assert_eq!(items.len(), plain_keys, "seed {seed}: files covered");
    let unique: BTreeSet<&String> = items.iter().collect();
    assert_eq!(
        unique.len(),
        plain_keys,
        "seed {seed}: a file is covered twice"
    );
}

fn covered_by_digests(objects: &Objects) -> Vec<String> {
    let digests = objects
        .iter()
        .filter(|(key, _)| key.contains("/CloudTrail-Digest/"));
    digests
        .flat_map(|(_, (body, _))| {
            let digest: Value = serde_json::from_slice(&gunzip(body)).unwrap();
            digest["logFiles"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["s3Object"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A trail that takes the data events of S3 and sums them up.
fn aggregating(templates: &[AggregationTemplate]) -> Trail {
    let field = |field: &str, value: &str| FieldSelector {
        field: field.into(),
        equals: vec![value.into()],
        ..FieldSelector::default()
    };
    Trail {
        selectors: Selectors::Advanced(vec![AdvancedEventSelector {
            name: None,
            field_selectors: vec![
                field("eventCategory", "Data"),
                field("resources.type", "AWS::S3::Object"),
            ],
        }]),
        aggregations: templates.to_vec(),
        ..trail("t")
    }
}

fn aggregated(objects: &Objects) -> Vec<Value> {
    let files = objects
        .iter()
        .filter(|(key, _)| key.contains("/CloudTrail-Aggregated/"));
    files
        .flat_map(|(_, (body, _))| {
            let file: Value = serde_json::from_slice(&gunzip(body)).unwrap();
            file["Records"].as_array().unwrap().clone()
        })
        .collect()
}

#[test]
fn data_events_are_summed_up_in_windows_of_five_minutes() {
    let dir = tempfile::tempdir().unwrap();
    let mut core = open(dir.path());
    let mut objects = Objects::new();
    let data = |id, seconds| event_of(EventCategory::Data, id, seconds, "us-east-1");
    let templates = [
        AggregationTemplate::ApiActivity,
        AggregationTemplate::ResourceAccess,
    ];
    let entries = vec![
        put_trail(aggregating(&templates)),
        data(0, 0),
        data(1, 10),
        data(3, 299),
        data(4, 300),
    ];
    for entry in journal(entries) {
        core.take(entry, at(300)).unwrap();
    }
    core.seal(at(330)).unwrap();
    core.seal_windows(at(359)).unwrap();
    put_all(&core, &mut objects);
    assert_eq!(aggregated(&objects), Vec::<Value>::new());
    core.seal_windows(at(360)).unwrap();
    put_all(&core, &mut objects);
    let records = aggregated(&objects);
    assert_eq!(records.len(), 3, "{records:?}");
    let mut first = records[0].clone();
    assert!(first["eventId"].as_str().unwrap().parse::<Uuid>().is_ok());
    first["eventId"].take();
    let count = |dimension: &str, name: &str, value: u64| {
        serde_json::json!({
            "dimension": dimension, "statistics": [{"name": name, "value": value}], "aggregationType": "Count",
        })
    };
    let expected = serde_json::json!({
        "eventVersion": "1.0", "accountId": "123456789012", "eventId": null, "eventCategory": "Aggregated",
        "eventType": "AwsAggregatedEvent", "awsRegion": "us-east-1", "eventSource": "iam.amazonaws.com",
        "timeWindow": {
            "windowStart": "2027-01-15T08:00:00Z", "windowEnd": "2027-01-15T08:05:00Z", "windowSize": "PT5M",
        },
        "summary": {
            "primaryDimension": count("eventName", "CreateUser", 3),
            "details": [
                {
                    "dimension": "resourceARN", "aggregationType": "Count",
                    "statistics": [
                        {"name": "arn:aws:s3:::b/0", "value": 2}, {"name": "arn:aws:s3:::b/1", "value": 1},
                    ],
                },
                count("userIdentity", "AWSAccount:111122223333", 3),
                count("sourceIpAddress", "192.0.2.1", 3),
            ],
        },
    });
    assert_eq!(first, expected);
    // What comes after its window was delivered follows, and says so; a change of the trail delivers what is open.
    core.take(
        Stored {
            seq: Seq(5),
            entry: data(5, 1),
        },
        at(700),
    )
    .unwrap();
    core.seal_windows(at(700)).unwrap();
    core.take(
        Stored {
            seq: Seq(6),
            entry: data(6, 600),
        },
        at(701),
    )
    .unwrap();
    core.take(
        Stored {
            seq: Seq(7),
            entry: put_trail(aggregating(&[])),
        },
        at(702),
    )
    .unwrap();
    put_all(&core, &mut objects);
    let records = aggregated(&objects);
    let late = records
        .iter()
        .filter(|record| record["addendum"]["reason"] == "DELAY");
    assert_eq!(late.count(), 2);
    assert!(
        records
            .iter()
            .any(|record| record["timeWindow"]["windowStart"] == "2027-01-15T08:10:00Z")
    );
    assert!(core.windows.is_empty());
    core.seal_digests(at(3900)).unwrap();
    put_all(&core, &mut objects);
    assert_eq!(
        verify_digests(&core, &objects).len(),
        objects.keys().filter(|key| !key.contains("Digest")).count()
    );
}

/// Beyond its bounds a window counts under one name, and cuts what is long.
#[test]
fn a_window_is_bounded() {
    let keys = |name: String| {
        let keys = EventKeys::new(
            Uuid::nil(),
            at(0),
            "123456789012".parse().unwrap(),
            "us-east-1".parse().unwrap(),
            "s3.amazonaws.com",
            name,
        );
        Event {
            json: "{}".into(),
            keys,
        }
    };
    let templates = [
        AggregationTemplate::ApiActivity,
        AggregationTemplate::ResourceAccess,
    ];
    let first = keys("a".repeat(300));
    let mut window = Window::open(&aggregating(&templates), &first.keys, at(0), 0);
    window.count(&templates, &Names::of(&first));
    for number in 0..1100 {
        let mut event = keys(format!("Name{number}"));
        event.keys.resources = vec![Resource {
            kind: None,
            arn: Some("arn:aws:s3:::b".into()),
            account: None,
            is_prefix: false,
        }];
        window.count(&templates, &Names::of(&event));
        // A name that has its place keeps it.
        window.count(&templates, &Names::of(&first));
    }
    let records: Vec<Value> = window
        .render()
        .iter()
        .map(|(_, record)| serde_json::from_slice(record).unwrap())
        .collect();
    let count = |of: &Value, name: &str| {
        let statistics = of["statistics"].as_array().unwrap();
        let found = statistics.iter().find(|it| it["name"] == name);
        (
            statistics.len(),
            found.map(|it| it["value"].as_u64().unwrap()),
        )
    };
    let (by_name, by_resource): (Vec<_>, Vec<_>) = records
        .iter()
        .map(|it| &it["summary"])
        .partition(|it| it["primaryDimension"]["dimension"] == "eventName");
    let total = |name: &str| -> u64 {
        let primary = by_name.iter().map(|it| &it["primaryDimension"]);
        primary.filter_map(|it| count(it, name).1).sum()
    };
    assert_eq!(by_name.len(), 1001);
    assert_eq!(total(&"a".repeat(256)), 1101);
    assert_eq!(
        (total("Name998"), total("Name999"), total("OTHER")),
        (1, 0, 101)
    );
    assert_eq!(by_resource.len(), 1);
    let names = &by_resource[0]["details"][0];
    assert_eq!(names["dimension"], "eventName");
    assert_eq!(count(names, "OTHER"), (101, Some(1000)));
}

/// Crashes at any step: each event is counted once.
#[test]
fn crashes_neither_lose_nor_repeat_a_count() {
    for seed in 1..12 {
        let mut choices = Choices((seed * 77) | 1);
        let dir = tempfile::tempdir().unwrap();
        let mut objects = Objects::new();
        let mut entries = vec![put_trail(aggregating(&AggregationTemplate::ALL))];
        let mut time = 0;
        let mut times = Vec::new();
        for id in 0..200 {
            time += choices.below(20) as i64;
            entries.push(event_of(EventCategory::Data, id, time, "us-east-1"));
            times.push(time);
        }
        let entries = journal(entries);
        let mut core = open(dir.path());
        let mut now = 0;
        while (core.next as usize) < entries.len() || now < time + 400 {
            now += choices.below(40) as i64;
            match choices.below(8) {
                0..=2 => {
                    let take = choices.below(9) as usize;
                    for entry in entries.iter().skip(core.next as usize).take(take) {
                        core.take(entry.clone(), at(now)).unwrap();
                    }
                }
                3 => core.seal(at(now)).unwrap(),
                4 => core.seal_windows(at(now)).unwrap(),
                5 => core.save_position().unwrap(),
                6 => {
                    if let Some(item) = core.ledger.items().unwrap().first() {
                        put(&core, &mut objects, item, choices.below(3) > 0);
                    }
                }
                _ => {
                    drop(core);
                    core = open(dir.path());
                }
            }
        }
        core.seal_windows(at(now + 100_000)).unwrap();
        put_all(&core, &mut objects);
        let mut counted: BTreeMap<String, u64> = BTreeMap::new();
        for record in aggregated(&objects) {
            let summary = &record["summary"]["primaryDimension"];
            let value = summary["statistics"][0]["value"].as_u64().unwrap();
            *counted
                .entry(summary["dimension"].as_str().unwrap().into())
                .or_default() += value;
        }
        let all: BTreeMap<String, u64> = ["eventName", "resourceARN", "userIdentity"]
            .map(|name| (name.to_owned(), 200))
            .into();
        assert_eq!(counted, all, "seed {seed}");
    }
}

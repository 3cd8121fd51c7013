#![allow(clippy::unwrap_used)]

use std::io::Write;

use flate2::{Compression, bufread::MultiGzDecoder, write::GzEncoder};
use serde_json::json;

use super::*;

fn record(number: usize) -> String {
    json!({
        "eventVersion": "1.08", "userIdentity": {"type": "Root", "accountId": "123456789012"},
        "eventTime": "2026-01-19T21:17:28Z", "eventSource": "iam.amazonaws.com", "eventName": format!("Call{number}"),
        "awsRegion": "us-east-1", "eventID": format!("d97ca7e2-04fe-45b4-882d-{number:012}"),
        "recipientAccountId": "123456789012", "requestParameters": {"padding": "x".repeat(number % 700)},
    })
    .to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Names of the events, what was left out, and how it ended.
fn read_all(bytes: &[u8], from: u64) -> (Vec<String>, Vec<Skip>, u64, Ending) {
    let (mut names, mut skipped, mut digests) = (Vec::new(), Vec::new(), 0);
    let mut end = 0;
    let ending = read(
        bytes,
        &Place::default(),
        from,
        &mut Scratch::default(),
        |batch| {
            names.extend(
                batch
                    .records
                    .into_iter()
                    .map(|record| record.event.keys.name),
            );
            skipped.extend(batch.skipped);
            digests += batch.digests;
            assert!(batch.end >= end);
            end = batch.end;
            true
        },
    );
    (names, skipped, digests, ending)
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("Call{number}")).collect()
}

fn log_file(count: usize) -> Vec<u8> {
    let records: Vec<String> = (0..count).map(record).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes()
}

#[test]
fn packed_or_not_in_one_stream_or_several() {
    let plain = log_file(2000);
    assert!(plain.len() > 3 * BLOCK_BYTES);
    let expected = (names(2000), vec![], 0, Ending::Whole);
    assert_eq!(read_all(&plain, 0), expected);
    assert_eq!(read_all(&gzip(&plain), 0), expected);
    // One stream cut into several members anywhere.
    let members = [gzip(&plain[..100_000]), gzip(&plain[100_000..])].concat();
    assert_eq!(read_all(&members, 0), expected);
    let twice = [gzip(&log_file(2)), gzip(&log_file(1))].concat();
    assert_eq!(read_all(&twice, 0).0, ["Call0", "Call1", "Call0"]);
    assert_eq!(read_all(b"", 0), (vec![], vec![], 0, Ending::Whole));
}

#[test]
fn a_file_that_ends_early_gives_what_it_has() {
    let packed = gzip(&log_file(2000));
    let (found, skipped, _, ending) = read_all(&packed[..packed.len() / 2], 0);
    assert!(
        found.len() > 500 && found == names(found.len()),
        "{}",
        found.len()
    );
    assert_eq!((skipped.len(), ending), (1, Ending::CutOff));
    assert_eq!(
        (&*skipped[0].reason, &*skipped[0].detail),
        ("cut off", "the packed file ends too early")
    );
    assert!(skipped[0].offset > 100_000, "{skipped:?}");
    let plain = log_file(10);
    let (found, skipped, _, ending) = read_all(&plain[..plain.len() - 10], 0);
    assert_eq!((found.len(), skipped.len(), ending), (9, 1, Ending::Whole));
    assert_eq!(skipped[0].detail, "the file ends in a record");
    let (found, skipped, _, ending) =
        read_all(&[packed, b"garbage of some length".to_vec()].concat(), 0);
    assert_eq!((found.len(), ending), (2000, Ending::CutOff));
    assert_eq!(skipped[0].reason, "damaged gzip");
}

#[test]
fn records_in_envelopes() {
    let lookup = json!({"Events": [{"EventId": "x", "EventName": "Call0", "CloudTrailEvent": record(0)},
                                   {"EventName": "broken", "CloudTrailEvent": "{"}], "NextToken": "t"});
    let (found, skipped, _, _) = read_all(lookup.to_string().as_bytes(), 0);
    assert_eq!((found, skipped.len()), (names(1), 1));
    assert_eq!(skipped[0].reason, "not a JSON record");
    let bus = format!(
        r#"{{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{}}}"#,
        record(0)
    );
    assert_eq!(read_all(bus.as_bytes(), 0).0, names(1));
    let digest = r#"{"awsAccountId":"123456789012","digestStartTime":"2026-01-19T21:00:00Z","logFiles":[{"a":1}]}"#;
    assert_eq!(
        read_all(digest.as_bytes(), 0),
        (vec![], vec![], 1, Ending::Whole)
    );
}

#[test]
fn what_is_left_out_is_told_with_its_place() {
    let file = format!(
        "{}\n{{\"eventName\":\"x\"}}\n{}\n{{\"a\" 1}}\n",
        record(0),
        record(1)
    );
    let (found, skipped, _, ending) = read_all(file.as_bytes(), 0);
    assert_eq!((found, ending), (names(2), Ending::Whole));
    let told: Vec<_> = skipped
        .iter()
        .map(|it| (it.offset as usize, &*it.reason))
        .collect();
    let second = record(0).len() + 1;
    let last = second + 18 + record(1).len() + 1;
    assert_eq!(
        told,
        [
            (second, "no recipientAccountId"),
            (last, "not a JSON record")
        ]
    );
}

#[test]
fn it_goes_on_where_it_stopped() {
    let packed = gzip(&log_file(2000));
    let (mut first, mut end) = (Vec::new(), 0);
    let ending = read(
        &packed[..],
        &Place::default(),
        0,
        &mut Scratch::default(),
        |batch| {
            first.extend(
                batch
                    .records
                    .into_iter()
                    .map(|record| record.event.keys.name),
            );
            end = batch.end;
            first.len() < 700
        },
    );
    assert_eq!(ending, Ending::Stopped);
    let (rest, _, _, _) = read_all(&packed, end);
    assert_eq!([first, rest].concat(), names(2000));
}

#[test]
fn every_real_event_is_read_and_kept_as_it_is() {
    let packed = include_bytes!("../../../../bench/generator/data/templates.ndjson.gz");
    let mut lines = String::new();
    MultiGzDecoder::new(&packed[..])
        .read_to_string(&mut lines)
        .unwrap();
    let mut found = Vec::new();
    let ending = read(
        &packed[..],
        &Place::default(),
        0,
        &mut Scratch::default(),
        |batch| {
            assert_eq!(batch.skipped, []);
            found.extend(batch.records);
            true
        },
    );
    assert_eq!((ending, found.len()), (Ending::Whole, 623));
    for (line, found) in lines.lines().zip(found) {
        // At once, without following brackets first, and as one that stands alone.
        let block = Bytes::copy_from_slice(line.as_bytes());
        let at_once = record::read_at(&line.into(), 0, &Place::default());
        assert_eq!(at_once, Some((found.clone(), line.len())));
        assert_eq!(record::read(block, &Place::default()), Ok(found.clone()));
        let event = found.event;
        assert_eq!(event.json, line.as_bytes());
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        // Two are redacted: `xxxxxxxx-…`.
        if let Ok(id) = record["eventID"].as_str().unwrap().parse::<uuid::Uuid>() {
            assert_eq!(id, event.keys.id);
        }
        assert_eq!(record["eventName"], *event.keys.name);
        assert_eq!(record["recipientAccountId"], event.keys.account.as_str());
        assert_eq!(record["readOnly"].as_bool(), event.keys.read_only);
    }
}

#![allow(clippy::unwrap_used)]

use std::{collections::HashMap, sync::Arc};

use pugmark_core::event::{Event, EventKeys, LookupResource};
use uuid::Uuid;

use super::*;
use crate::tail::Row;

fn event(number: u64) -> Event {
    // One name fills a stretch of rows, the others are spread.
    let name = if (5_000..7_000).contains(&number) {
        "Burst".to_owned()
    } else {
        format!("Operation{}", number % 400)
    };
    Event {
        keys: EventKeys {
            read_only: (!number.is_multiple_of(5)).then_some(number.is_multiple_of(2)),
            username: (!number.is_multiple_of(7))
                .then(|| format!("user-{}", number * number % 1_000)),
            lookup_resources: (0..number % 3)
                .map(|part| LookupResource {
                    kind: (part == 0).then(|| "AWS::S3::Bucket".into()),
                    name: format!("bucket-{}", number / 2),
                })
                .collect(),
            ..EventKeys::new(
                Uuid::from_u128(u128::from(number)),
                jiff::Timestamp::from_second(1_800_000_000).unwrap(),
                "123456789012".parse().unwrap(),
                "eu-central-1".parse().unwrap(),
                format!("service{}.amazonaws.com", number % 3),
                name,
            )
        },
        json: "{}".into(),
    }
}

#[test]
fn every_row_with_a_value_is_named_and_few_others() {
    let rows: Vec<Arc<Row>> = (0..10_000)
        .map(|seq| Arc::new(Row::new(seq, event(seq))))
        .collect();
    let mut builder = Builder::default();
    for rows in rows.chunks(999) {
        builder.add(&schema::batch(rows).unwrap()).unwrap();
    }
    let bytes = builder.finish();
    assert!(bytes.len() < rows.len() * 24, "{} bytes", bytes.len());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("_part.keys");
    std::fs::write(&path, bytes).unwrap();
    let index = Index::open(&path).unwrap().unwrap();

    let mut expected: HashMap<(LookupKey, String), Vec<usize>> = HashMap::new();
    for (number, row) in rows.iter().enumerate() {
        let mut add = |key, value: &str| {
            expected
                .entry((key, value.to_owned()))
                .or_default()
                .push(number);
        };
        crate::query::terms(&row.event.keys, &mut add);
        add(LookupKey::EventId, &row.event.keys.id.to_string());
    }
    let (mut named, mut wanted) = (0, 0);
    for ((key, value), mut numbers) in expected {
        numbers.dedup();
        let ranges = index.find(key, &value).unwrap();
        assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        for number in &numbers {
            assert!(
                ranges.iter().any(|range| range.contains(number)),
                "{key:?} {value} is in row {number}"
            );
        }
        // Those with many rows a block are named by block.
        if numbers.len() < 60 {
            named += ranges.iter().map(ExactSizeIterator::len).sum::<usize>();
            wanted += numbers.len();
        }
    }
    assert!(
        named < wanted * 11 / 10,
        "{named} rows are named for {wanted}"
    );
    let burst = index.find(LookupKey::EventName, "Burst").unwrap();
    assert_eq!(burst, vec![5_000..7_000], "one run");
    let flag = index.find(LookupKey::ReadOnly, "true").unwrap();
    assert_eq!(
        flag,
        vec![0..10_000],
        "runs of one row take more than blocks"
    );
    let missing = (0..2_000).map(|number| format!("nobody-{number}"));
    let missing = missing.filter(|name| !index.find(LookupKey::Username, name).unwrap().is_empty());
    assert!(missing.count() < 20);
}

#[test]
fn an_index_of_nothing_finds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("_part.keys");
    assert!(Index::open(&path).unwrap().is_none());
    std::fs::write(&path, Builder::default().finish()).unwrap();
    let index = Index::open(&path).unwrap().unwrap();
    let found = index.find(LookupKey::EventName, "CreateUser").unwrap();
    assert!(found.is_empty());
}

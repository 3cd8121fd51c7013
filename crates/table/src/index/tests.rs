#![allow(clippy::unwrap_used)]

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use proptest::{collection::vec, prelude::*};
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Runs of any length, single rows, and values that fill their blocks with short runs.
    #[test]
    fn lists_of_all_kinds_name_their_rows(runs in vec((0..6_u64, 1..30_usize), 1..400)) {
        let names: Vec<u64> = runs
            .iter()
            // The first two names alternate row by row.
            .flat_map(|(name, rows)| (0..*rows as u64).map(move |row| if *name < 2 { row % 2 } else { *name }))
            .collect();
        let rows: Vec<Arc<Row>> = (0..)
            .zip(&names)
            .map(|(number, name)| {
                let mut event = event(number);
                event.keys.name = name.to_string();
                Arc::new(Row::new(number, event))
            })
            .collect();
        let mut builder = Builder::default();
        builder.add(&schema::batch(&rows).unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("_part.keys");
        std::fs::write(&path, builder.finish()).unwrap();
        let index = Index::open(&path).unwrap().unwrap();
        for name in 0..6 {
            let ranges = index.find(LookupKey::EventName, &name.to_string()).unwrap();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
            let found: HashSet<usize> = ranges.into_iter().flatten().collect();
            let expected = (0..).zip(&names).filter(|(_, of_row)| **of_row == name);
            let expected: HashSet<usize> = expected.map(|(row, _)| row).collect();
            prop_assert!(expected.is_subset(&found));
            if expected.len() <= DENSE_ROWS as usize {
                prop_assert_eq!(found, expected);
            }
        }
    }
}

/// A list of rows and one of blocks, as version 1 has them.
#[test]
fn lists_of_version_1_are_read() {
    let mut terms = vec![
        (
            hash(LookupKey::EventName, "Rows"),
            vec![2 * 3, 2 * 3, 1, 3, 0],
        ),
        (
            hash(LookupKey::EventName, "Blocks"),
            vec![2 * 9 + 1, 2 * 2, 0, 1],
        ),
        (hash(LookupKey::EventName, "Row"), vec![2, 7]),
    ];
    terms.sort_unstable();
    let mut entries = Vec::new();
    for (hash, list) in terms {
        entries.extend_from_slice(&fingerprint(hash, 0).to_le_bytes());
        entries.extend(list);
    }
    let bucket = [&checksum(0, &entries).to_le_bytes(), &entries[..]].concat();
    let directory = [0, bucket.len() as u32].map(u32::to_le_bytes).concat();
    let total = HEADER_BYTES + directory.len() + bucket.len();
    let mut bytes = OLD_MAGIC.to_vec();
    // Rows, rows in a block, bits, the size, no long lists.
    for number in [3_000, BLOCK_ROWS, 0, total as u32, 0, 0] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    let bytes = [bytes, directory, bucket].concat();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("_part.keys");
    std::fs::write(&path, bytes).unwrap();
    let index = Index::open(&path).unwrap().unwrap();
    let find = |name: &str| index.find(LookupKey::EventName, name).unwrap();
    assert_eq!(find("Rows"), [1..2, 5..7]);
    assert_eq!(find("Blocks"), [0..1024, 2048..3000]);
    assert_eq!(find("Row"), vec![7..8]);
    assert!(find("None").is_empty());
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

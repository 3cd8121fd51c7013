#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};

use super::*;

fn settings(seed: u64) -> Settings {
    Settings {
        end: Timestamp::from_second(1_795_000_000 / 3600 * 3600).unwrap(),
        ..Settings::new(seed, 20_000)
    }
}

fn generated(seed: u64) -> Vec<Event> {
    let records = Records::new(&settings(seed)).unwrap();
    records.map(|record| record.event().unwrap()).collect()
}

#[test]
fn the_same_seed_gives_the_same_events() {
    let jsons = |seed| -> Vec<Bytes> { generated(seed).into_iter().map(|it| it.json).collect() };
    assert_eq!(jsons(7), jsons(7));
    assert_ne!(jsons(7), jsons(8));
}

#[test]
fn events_are_ordered_distinct_and_skewed() {
    let events = generated(1);
    assert_eq!(events.len(), 20_000);
    assert!(events.is_sorted_by_key(|event| event.keys.time));
    let ids: HashSet<_> = events.iter().map(|event| event.keys.id).collect();
    assert_eq!(ids.len(), events.len());
    let first = events[0].keys.time.duration_since(settings(1).end);
    assert!((-90 * 24..-88 * 24).contains(&first.as_hours()), "{first}");

    let mut users: HashMap<&str, usize> = HashMap::new();
    for event in &events {
        *users
            .entry(event.keys.username.as_deref().unwrap())
            .or_default() += 1;
    }
    let most = users.values().max().unwrap();
    assert!(
        users.len() > 300 && *most > 1000,
        "{} users, at most {most}",
        users.len()
    );
    let failed = events
        .iter()
        .filter(|it| it.keys.error_code.is_some())
        .count();
    assert!((200..6000).contains(&failed), "{failed} failed");
    let names: HashSet<&str> = events
        .iter()
        .flat_map(|event| &event.keys.lookup_resources)
        .map(|resource| resource.name.as_str())
        .collect();
    assert!(names.len() > 2000, "{} names", names.len());
}

#[test]
fn every_template_gives_records_without_marks() {
    for template in template::builtin().unwrap() {
        assert!(
            template
                .pieces
                .iter()
                .any(|it| matches!(it, Piece::Slot(Slot::Identity)))
        );
    }
    for event in generated(3) {
        let text = std::str::from_utf8(&event.json).unwrap();
        assert!(
            !text.contains(|c| ('\u{e000}'..'\u{e0ff}').contains(&c)),
            "{text}"
        );
        let record: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(record["recipientAccountId"], event.keys.account.as_str());
        assert!(record["userIdentity"]["arn"].is_string(), "{text}");
    }
}

//! Crashes at any moment: no finding is lost, none is told twice.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use jiff::Timestamp;
use pugmark_catalog::{Change, Trail, TrailId};
use pugmark_core::event::{EventKeys, InsightType};
use pugmark_insights::Call;
use pugmark_journal::MemoryJournal;

use super::*;

const BEGIN: i64 = 1_790_000_040;

struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap()
    }
}

fn trail() -> Trail {
    Trail {
        is_multi_region: true,
        insights: InsightType::ALL.into(),
        is_logging: true,
        ..Trail::new(
            TrailId("t".into()),
            "123456789012".parse().unwrap(),
            "us-east-1".parse().unwrap(),
            "t",
            "b",
        )
    }
}

fn call(number: u128, second: i64) -> Entry {
    let keys = EventKeys::new(
        Uuid::from_u128(number),
        Timestamp::from_second(second).unwrap(),
        "123456789012".parse().unwrap(),
        "us-east-1".parse().unwrap(),
        "iam.amazonaws.com",
        "CreateUser",
    );
    Entry {
        kind: EntryKind::Event,
        payload: event::encode(&Event {
            keys,
            json: "{}".into(),
        }),
    }
}

/// Ten days of a call every two minutes before [`BEGIN`].
fn write_usual(dir: &Path) {
    let mut analyzer = Analyzer::new(Settings::default());
    for minute in (1..10 * 1440).rev() {
        let time = Timestamp::from_second(BEGIN - minute * 60).unwrap();
        if minute % 2 == 0 {
            analyzer.observe_call(&Call {
                account: "123456789012".parse().unwrap(),
                region: &"us-east-1".parse().unwrap(),
                source: "iam.amazonaws.com",
                name: "CreateUser",
                time,
                write: true,
                error_code: None,
                identity_arn: None,
                user_agent: None,
                count: 1,
                trail: None,
            });
        }
        analyzer.advance(time);
    }
    let mut bytes = 0_u64.to_le_bytes().to_vec();
    bytes.extend(analyzer.save());
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("state"), bytes).unwrap();
}

async fn findings(journal: &MemoryJournal) -> Vec<Uuid> {
    let entries = journal.read(Seq(0), 1 << 30).await.unwrap();
    let events = entries
        .iter()
        .filter(|stored| stored.entry.kind == EntryKind::Event)
        .map(|stored| event::decode(&stored.entry.payload).unwrap());
    events
        .filter(|event| event.keys.category == EventCategory::Insight)
        .map(|event| event.keys.id)
        .collect()
}

/// The follower dies again and again, mostly without having saved: each finding stands in the journal once.
#[tokio::test]
async fn a_crash_neither_repeats_nor_loses_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let catalog = CatalogWriter::open(dir.path().join("catalog"), journal.clone())
        .await
        .unwrap();
    let made = |_: &pugmark_catalog::Catalog| {
        Ok::<_, std::convert::Infallible>((Some(Change::PutTrail(Box::new(trail()))), ()))
    };
    catalog.change(made).await.unwrap();
    let catalog = Arc::new(catalog);
    let state = dir.path().join("insights");
    write_usual(&state);
    let open = |second| {
        Insights::open(
            state.clone(),
            journal.clone(),
            catalog.clone(),
            Arc::new(At(second)),
            Settings::default(),
        )
        .unwrap()
    };
    // Two bursts of three minutes, an hour apart.
    let (mut number, mut second) = (0, BEGIN);
    for life in 0..12 {
        let bursts = life == 2 || life == 9;
        for _ in 0..10 {
            let count = if bursts { 60 } else { 1 };
            for _ in 0..count {
                number += 1;
                journal.append(vec![call(number, second)]).await.unwrap();
            }
            second += 60;
        }
        let (stop, stopped) = watch::channel(false);
        let insights = open(second);
        let task = tokio::spawn(async move { insights.run(stopped).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        if life % 4 == 3 {
            stop.send_replace(true);
            task.await.unwrap().unwrap();
        } else {
            task.abort();
            let _ = task.await;
        }
    }
    let found = findings(&journal).await;
    let unique: HashSet<&Uuid> = found.iter().collect();
    assert_eq!(unique.len(), found.len(), "a finding was repeated");
    // What one life without a crash finds in the same journal.
    let whole = Arc::new(MemoryJournal::new(1 << 30));
    for stored in journal.read(Seq(0), 1 << 30).await.unwrap() {
        let is_finding = stored.entry.kind == EntryKind::Event
            && event::decode(&stored.entry.payload).unwrap().keys.category
                == EventCategory::Insight;
        if !is_finding {
            whole.append(vec![stored.entry]).await.unwrap();
        }
    }
    let other = dir.path().join("other");
    write_usual(&other);
    let insights = Insights::open(
        other,
        whole.clone(),
        catalog.clone(),
        Arc::new(At(second)),
        Settings::default(),
    )
    .unwrap();
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(async move { insights.run(stopped).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.send_replace(true);
    task.await.unwrap().unwrap();
    let expected = findings(&whole).await;
    assert_eq!(expected.len(), 4, "two bursts, each with Start and End");
    assert_eq!(found, expected);
}

//! Questions as requests, tokens, whose events are seen, and an export that breaks.

#![allow(clippy::unwrap_used)]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::BodyExt;
use jiff::Timestamp;
use pugmark_core::event::{Event, EventKeys};
use pugmark_table::{
    CountQuestion, Counts, DamagedFile, Found, Order, Origin, PageLimits, Question, Rank,
    SearchPage, TableError,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::{ApiError, Caller, HistoryPort, search::EXPORTS_MAX, tests::World};

/// Answers with the pages that it was given, then with an error.
#[derive(Default)]
struct Pages {
    pages: Mutex<VecDeque<SearchPage>>,
    asked: Mutex<Vec<(Question, Order, Option<Rank>)>>,
}

#[async_trait]
impl HistoryPort for Pages {
    async fn lookup_events(&self, _: &Caller, _: Timestamp, _: &Value) -> Result<Value, ApiError> {
        unreachable!("these tests look nothing up")
    }

    async fn list_insights_data(
        &self,
        _: crate::api::lookup::DataInsights,
    ) -> Result<Value, ApiError> {
        unreachable!("these tests look nothing up")
    }

    async fn search(
        &self,
        question: &Question,
        order: Order,
        after: Option<Rank>,
        _: PageLimits,
    ) -> Result<SearchPage, TableError> {
        self.asked
            .lock()
            .unwrap()
            .push((question.clone(), order, after));
        let page = self.pages.lock().unwrap().pop_front();
        page.ok_or_else(|| TableError::Task("the disk is gone".into()))
    }

    async fn count(
        &self,
        _: &Question,
        _: &CountQuestion,
        _: Duration,
    ) -> Result<Counts, TableError> {
        Err(TableError::Exceeded("far too many".into()))
    }

    async fn wait_beyond(&self, _: Rank, _: Duration) {}
}

fn found(number: u128) -> Found {
    let id = Uuid::from_u128(number);
    Found {
        origin: Origin::Recorded,
        seq: number as u64,
        event: Event {
            keys: EventKeys {
                username: Some("=cmd()".into()),
                ..EventKeys::new(
                    id,
                    Timestamp::from_second(1_700_000_000).unwrap(),
                    "111122223333".parse().unwrap(),
                    "eu-central-1".parse().unwrap(),
                    "iam.amazonaws.com",
                    "CreateUser",
                )
            },
            json: Bytes::from(format!(
                "{{\"eventID\":\"{id}\",\"sourceIPAddress\":\"192.0.2.1\"}}"
            )),
        },
    }
}

fn page(numbers: std::ops::Range<u128>, next: Option<Rank>) -> SearchPage {
    SearchPage {
        events: numbers.map(found).collect(),
        next,
        is_last: next.is_none(),
        damaged: Vec::new(),
    }
}

const NEXT: Rank = Rank {
    time: !1_700_000_000,
    origin: !0,
    seq: !7,
};

async fn world(pages: Vec<SearchPage>) -> (World, Arc<Pages>) {
    let history = Arc::new(Pages {
        pages: Mutex::new(pages.into()),
        ..Pages::default()
    });
    let mut world = World::new().await;
    world.api.history = history.clone();
    (world, history)
}

async fn ask(world: &World, input: &Value) -> Result<Value, ApiError> {
    world.call("SearchEvents", input.clone()).await
}

#[tokio::test]
async fn the_servers_own_key_alone_sees_imported_events_of_all_accounts() {
    let (mut world, history) = world((0..4).map(|_| page(0..0, None)).collect()).await;
    let stranger = json!({"Accounts": ["999988887777"], "Origins": ["Imported"]});
    let everyone = json!({"Accounts": ["*"]});
    let mut outcomes = Vec::new();
    for key in [None, Some("AKIAANOTHERKEY"), Some("AKIAIOSFODNN7EXAMPLE")] {
        world.api.operator_key = key.map(Into::into);
        let asked = ask(&world, &stranger).await;
        outcomes.push(asked.map_err(|error| error.code).map(|_| ()));
        ask(&world, &everyone).await.unwrap();
    }
    let refused = Err("AccessDeniedException");
    assert_eq!(outcomes, [refused, refused, Ok(())]);
    let asked = history.asked.lock().unwrap();
    let accounts = asked.iter().map(|(question, ..)| {
        let imported = question.imported_accounts.as_ref();
        (question.accounts.len(), imported.map(Vec::len))
    });
    let (own, all) = ((1, Some(1)), (1, None));
    assert_eq!(accounts.collect::<Vec<_>>(), [own, own, (1, Some(1)), all]);
}

#[tokio::test]
async fn a_page_has_a_token_that_fits_this_question_alone() {
    let (world, history) = world(vec![page(0..2, Some(NEXT)), page(2..3, None)]).await;
    let input = json!({
        "Filters": [{"Field": "eventName", "Values": ["CreateUser"]}], "StartTime": 1_600_000_000, "Text": "alice",
    });
    let first = ask(&world, &input).await.unwrap();
    assert_eq!(first["SearchedTo"], 1_700_000_000);
    let event = &first["Events"][1];
    assert_eq!(
        (
            &event["AccountId"],
            &event["Region"],
            &event["Origin"],
            &event["Username"]
        ),
        (
            &json!("111122223333"),
            &json!("eu-central-1"),
            &json!("Recorded"),
            &json!("=cmd()")
        )
    );
    // Members in another order, another size of pages, a time as a float: the same question.
    let again = json!({
        "MaxResults": 7, "NextToken": first["NextToken"], "Text": "alice", "StartTime": 1_600_000_000.0,
        "Filters": [{"Values": ["CreateUser"], "Field": "eventName"}], "EndTime": null,
    });
    let second = ask(&world, &again).await.unwrap();
    assert_eq!(second.get("NextToken"), None);
    assert_eq!(history.asked.lock().unwrap()[1].2, Some(NEXT));
    for (member, value) in [
        ("Text", json!("bob")),
        ("Regions", json!(["*"])),
        ("Order", json!("OldestFirst")),
        ("NextToken", json!("AAAA")),
    ] {
        let mut other = again.clone();
        other[member] = value;
        assert_eq!(
            ask(&world, &other).await.unwrap_err().code,
            "InvalidNextTokenException",
            "{member}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_said() {
    let (world, _) = world(Vec::new()).await;
    let many = |count: usize| vec!["x"; count];
    for (input, code) in [
        (
            json!({"StartTime": 2, "EndTime": 1}),
            "InvalidTimeRangeException",
        ),
        (json!({"StartTime": "x"}), "SerializationException"),
        (json!({"Filters": [{}]}), "InvalidLookupAttributesException"),
        (
            json!({"Filters": [{"Field": "a..b", "Values": ["x"]}]}),
            "InvalidLookupAttributesException",
        ),
        (
            json!({"Filters": [{"Field": "a"}]}),
            "InvalidLookupAttributesException",
        ),
        (
            json!({"Filters": [{"Field": "a", "Operator": "Exists", "Values": ["x"]}]}),
            "InvalidLookupAttributesException",
        ),
        (
            json!({"Filters": [{"Field": "a", "Operator": "NotLike", "Values": ["x"]}]}),
            "InvalidLookupAttributesException",
        ),
        (
            json!({"Filters": [{"Field": "a", "Values": many(201)}]}),
            "InvalidLookupAttributesException",
        ),
        (
            json!({"Filters": [{"Field": "a", "Values": ["x".repeat(2001)]}]}),
            "InvalidLookupAttributesException",
        ),
        (
            json!({"Filters": vec![json!({"Field": "a", "Values": ["x"]}); 51]}),
            "InvalidLookupAttributesException",
        ),
        (
            json!({"Filters": [{"Field": "a".repeat(501), "Values": ["x"]}]}),
            "InvalidLookupAttributesException",
        ),
        (json!({"Text": ""}), "ValidationException"),
        (json!({"Text": "x".repeat(2001)}), "ValidationException"),
        (json!({"Text": "\"open"}), "ValidationException"),
        (
            json!({"EventCategories": ["Dates"]}),
            "InvalidEventCategoryException",
        ),
        (json!({"Regions": ["EU"]}), "ValidationException"),
        (
            json!({"Regions": ["*", "us-east-1"]}),
            "ValidationException",
        ),
        (json!({"Accounts": ["1"]}), "ValidationException"),
        (json!({"Accounts": []}), "ValidationException"),
        (
            json!({"Accounts": vec!["111122223333"; 201]}),
            "ValidationException",
        ),
        (
            json!({"Accounts": ["999988887777"]}),
            "AccessDeniedException",
        ),
        (json!({"Origins": ["Guessed"]}), "ValidationException"),
        (json!({"Order": "Newest"}), "ValidationException"),
        (
            json!({"Order": "Arrival", "Origins": ["Imported"]}),
            "ValidationException",
        ),
        (json!({"WaitSeconds": 5}), "ValidationException"),
        (
            json!({"Order": "Arrival", "WaitSeconds": 21}),
            "ValidationException",
        ),
        (json!({"MaxResults": 0}), "InvalidMaxResultsException"),
        (json!({"MaxResults": 1001}), "InvalidMaxResultsException"),
        (json!({"NextToken": "x"}), "InvalidNextTokenException"),
    ] {
        assert_eq!(ask(&world, &input).await.unwrap_err().code, code, "{input}");
    }
    let too_many = world.call("CountEvents", json!({})).await.unwrap_err();
    assert_eq!(too_many.code, "InvalidTimeRangeException");
    let no_field = world
        .call("CountEvents", json!({"CountBy": "."}))
        .await
        .unwrap_err();
    assert_eq!(no_field.code, "InvalidLookupAttributesException");
}

#[tokio::test]
async fn the_call_decides_region_and_account() {
    let (world, history) = world(vec![page(0..0, None), page(0..0, None)]).await;
    ask(&world, &json!({})).await.unwrap();
    ask(
        &world,
        &json!({"Regions": ["*"], "Accounts": ["*"], "Origins": ["Imported"]}),
    )
    .await
    .unwrap();
    let asked = history.asked.lock().unwrap();
    let (own, everywhere) = (&asked[0].0, &asked[1].0);
    assert_eq!(own.regions, Some(vec!["eu-central-1".parse().unwrap()]));
    assert_eq!(own.accounts, ["111122223333".parse().unwrap()]);
    assert_eq!(own.origins, [Origin::Recorded, Origin::Imported]);
    assert_eq!(everywhere.regions, None);
    assert_eq!(everywhere.origins, [Origin::Imported]);
    assert!(everywhere.accounts.contains(&own.accounts[0]));
}

async fn export(world: &World, input: Value) -> Result<(String, Result<Bytes, String>), ApiError> {
    let caller = world.caller();
    let export = world
        .api
        .export(&caller, input.to_string().as_bytes())
        .await?;
    let body = export
        .body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    Ok((
        export.content_type.to_owned(),
        body.map_err(|error| error.to_string()),
    ))
}

#[tokio::test]
async fn an_export_is_whole_or_breaks() {
    for (format, begin, end) in [
        ("JSON", "{\"Records\":[{\"eventID\"", "}]}"),
        ("NDJSON", "{\"eventID\"", "}\n"),
        ("CSV", "eventTime,eventID,", "\r\n"),
    ] {
        let (world, _) = world(vec![page(0..2, Some(NEXT)), page(2..5, None)]).await;
        let (_, body) = export(&world, json!({"Format": format})).await.unwrap();
        let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
        assert!(body.starts_with(begin) && body.ends_with(end), "{body}");
        assert_eq!(
            body.matches("00000000-0000-0000-0000-00000000000").count(),
            5,
            "{body}"
        );
    }
    for format in ["JSON", "NDJSON", "CSV", "PARQUET"] {
        let (world, _) = world(vec![page(0..2, Some(NEXT))]).await;
        // Of a Parquet file nothing may have been sent by then.
        let body = export(&world, json!({"Format": format})).await;
        let is_whole = body.is_ok_and(|(_, body)| body.is_ok());
        assert!(!is_whole, "{format}: a file that broke off looks whole");
        // What fails before the first byte is an answer.
        let refused = export(&world, json!({"Format": format}))
            .await
            .map(|_| ())
            .unwrap_err();
        assert_eq!(refused.status, 500);
    }
    let (world, _) = world(vec![page(0..0, None)]).await;
    let (kind, body) = export(&world, json!({"Format": "JSON"})).await.unwrap();
    assert_eq!(
        (kind.as_str(), body.unwrap()),
        ("application/json", Bytes::from("{\"Records\":[]}"))
    );
    for bad in [json!({"Format": "XLSX"}), json!({"Order": "Arrival"})] {
        assert_eq!(
            export(&world, bad).await.map(|_| ()).unwrap_err().code,
            "ValidationException"
        );
    }
}

#[tokio::test]
async fn a_parquet_export_has_all_rows() {
    let (world, _) = world(vec![page(0..200, Some(NEXT)), page(200..500, None)]).await;
    let (_, body) = export(&world, json!({"Format": "PARQUET"})).await.unwrap();
    let body = body.unwrap();
    assert_eq!(
        (&body[..4], &body[body.len() - 4..]),
        (&b"PAR1"[..], &b"PAR1"[..])
    );
}

#[tokio::test]
async fn an_answer_without_the_events_of_a_damaged_file_says_so() {
    let damaged = |page: SearchPage| SearchPage {
        damaged: (0..12)
            .map(|number| DamagedFile {
                origin: match number {
                    0 => Origin::Recorded,
                    _ => Origin::Imported,
                },
                path: format!("{number}.parquet"),
            })
            .collect(),
        ..page
    };
    let (searched, _) = world(vec![damaged(page(0..1, None)), page(0..1, None)]).await;
    let answer = ask(&searched, &json!({})).await.unwrap();
    let incomplete = &answer["Incomplete"];
    assert_eq!(incomplete["DamagedFileCount"], 12);
    let files = incomplete["DamagedFiles"].as_array().unwrap();
    assert_eq!(files.len(), 10);
    assert_eq!(
        (&files[0], &files[1]),
        (&json!("events/0.parquet"), &json!("imports/1.parquet"))
    );
    let answer = ask(&searched, &json!({})).await.unwrap();
    assert_eq!(answer.get("Incomplete"), None);

    // Known before its first byte: refused.
    let (world, _) = world(vec![
        damaged(page(0..1, None)),
        damaged(page(0..1, None)),
        page(0..1, Some(NEXT)),
        damaged(page(1..2, None)),
    ])
    .await;
    let refused = export(&world, json!({})).await.unwrap_err();
    assert_eq!(refused.code, "IncompleteHistoryException");
    assert!(refused.message.contains("events/0.parquet and 11 more"));
    let allowed = json!({"AllowIncomplete": true});
    let (_, whole) = export(&world, allowed).await.unwrap();
    assert!(!whole.unwrap().is_empty());
    // Found out on the way: broken off.
    let (_, broken) = export(&world, json!({})).await.unwrap();
    assert!(broken.is_err());
}

#[tokio::test]
async fn one_export_too_many_is_refused() {
    let (world, history) = world(Vec::new()).await;
    let fill = |count: usize| {
        let mut pages = history.pages.lock().unwrap();
        pages.extend((0..count).map(|_| page(0..1, None)));
    };
    fill(EXPORTS_MAX + 1);
    let begin = async || world.api.export(&world.caller(), b"{}").await;
    let mut under_way = Vec::new();
    for _ in 0..EXPORTS_MAX {
        under_way.push(begin().await.unwrap_or_else(|error| panic!("{error:?}")));
    }
    let refused = begin().await.err().unwrap();
    assert_eq!((refused.code, refused.status), ("ServiceUnavailable", 503));
    under_way.pop();
    assert!(begin().await.is_ok());
}

//! `LookupEvents` over a real event history on a journal in memory.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bytes::Bytes;
use pugmark_core::{
    clock::ManualClock,
    event::{self, Event, EventCategory, EventKeys, LookupResource},
    identity::Identity,
};
use pugmark_journal::{Entry, EntryKind, Journal, MemoryJournal};
use pugmark_table::Settings;

use super::*;

const NOW: i64 = 1_800_000_000;

fn caller() -> Caller {
    Caller {
        identity: Identity::unknown(None),
        account: "123456789012".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        access_key_id: None,
    }
}

fn event(number: i64, name: &str, category: EventCategory) -> Event {
    let is_insight = category == EventCategory::Insight;
    Event {
        keys: EventKeys {
            category,
            read_only: (!is_insight).then_some(false),
            username: Some("alice".into()),
            access_key_id: (!is_insight).then(|| "AKIAEXAMPLE".into()),
            lookup_resources: vec![LookupResource {
                kind: None,
                name: "bob".into(),
            }],
            ..EventKeys::new(
                uuid::Uuid::from_u128(number as u128),
                Timestamp::from_second(NOW - 1000 + number).unwrap(),
                caller().account,
                caller().region,
                "iam.amazonaws.com",
                name,
            )
        },
        json: Bytes::from(format!("{{\"n\":{number}}}")),
    }
}

struct Fixture {
    history: EventHistory,
    _dir: tempfile::TempDir,
    _stop: tokio::sync::watch::Sender<bool>,
}

impl Fixture {
    async fn with(events: Vec<Event>) -> Self {
        let journal = Arc::new(MemoryJournal::new(1 << 20));
        let entries = events.iter().map(|event| Entry {
            kind: EntryKind::Event,
            payload: event::encode(event),
        });
        journal.append(entries.collect()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(NOW).unwrap()));
        let history = EventHistory::open(dir.path().into(), journal, clock, Settings::default())
            .await
            .unwrap();
        let (stop, shutdown) = tokio::sync::watch::channel(false);
        let follower = history.clone();
        tokio::spawn(async move { follower.run(shutdown).await });
        Self {
            history,
            _dir: dir,
            _stop: stop,
        }
    }

    async fn call(&self, input: Value) -> Result<Value, ApiError> {
        lookup_events(
            &self.history,
            &caller(),
            Timestamp::from_second(NOW).unwrap(),
            &input,
        )
        .await
    }

    async fn refused(&self, input: Value) -> &'static str {
        let error = self
            .call(input.clone())
            .await
            .expect_err(&input.to_string());
        assert_eq!(error.status, 400, "{input}");
        error.code
    }
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]})
}

#[tokio::test]
async fn an_event_is_shown_with_the_members_that_aws_shows() {
    let fixture = Fixture::with(vec![event(1, "CreateUser", EventCategory::Management)]).await;
    let expected = json!({"Events": [{
        "EventId": "00000000-0000-0000-0000-000000000001",
        "EventName": "CreateUser",
        "ReadOnly": "false",
        "AccessKeyId": "AKIAEXAMPLE",
        "EventTime": NOW - 999,
        "EventSource": "iam.amazonaws.com",
        "Username": "alice",
        "Resources": [{"ResourceType": null, "ResourceName": "bob"}],
        "CloudTrailEvent": "{\"n\":1}",
    }]});
    assert_eq!(fixture.call(json!({})).await.unwrap(), expected);
    for (key, value) in [
        ("EventId", "00000000-0000-0000-0000-000000000001"),
        ("EventName", "CreateUser"),
        ("ReadOnly", "false"),
        ("Username", "alice"),
        ("ResourceName", "bob"),
        ("EventSource", "iam.amazonaws.com"),
        ("AccessKeyId", "AKIAEXAMPLE"),
    ] {
        assert_eq!(
            fixture.call(attribute(key, value)).await.unwrap(),
            expected,
            "{key}"
        );
    }
    for (key, value) in [
        ("EventName", "createuser"),
        ("ReadOnly", "true"),
        ("ResourceType", "AWS::IAM::User"),
    ] {
        assert_eq!(
            fixture.call(attribute(key, value)).await.unwrap(),
            json!({"Events": []}),
            "{key}"
        );
    }
}

#[tokio::test]
async fn insights_events_are_shown_only_when_asked_for() {
    let management = event(1, "CreateUser", EventCategory::Management);
    let insight = event(2, "CreateUser", EventCategory::Insight);
    let fixture = Fixture::with(vec![management, insight]).await;
    let names = |page: Value| {
        page["Events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["CloudTrailEvent"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(fixture.call(json!({})).await.unwrap()), ["{\"n\":1}"]);
    let page = fixture
        .call(json!({"EventCategory": "insight"}))
        .await
        .unwrap();
    assert!(page["Events"][0].get("ReadOnly").is_none());
    assert_eq!(names(page), ["{\"n\":2}"]);
    let mut by_user = attribute("Username", "alice");
    by_user["EventCategory"] = "insight".into();
    assert_eq!(
        fixture.refused(by_user).await,
        "InvalidLookupAttributesException"
    );
}

#[tokio::test]
async fn pages_follow_each_other_and_tokens_belong_to_their_query() {
    let events = (0..7)
        .map(|number| event(number, "CreateUser", EventCategory::Management))
        .collect();
    let fixture = Fixture::with(events).await;
    let mut input = attribute("EventName", "CreateUser");
    input["MaxResults"] = 3.into();
    let mut seen = Vec::new();
    let mut token = None;
    for expected in [3, 3, 1] {
        if let Some(token) = token.take() {
            input["NextToken"] = token;
        }
        let page = fixture.call(input.clone()).await.unwrap();
        assert_eq!(page["Events"].as_array().unwrap().len(), expected);
        seen.extend(
            page["Events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["EventTime"].as_i64().unwrap()),
        );
        token = page.get("NextToken").cloned();
    }
    assert_eq!(token, None);
    assert_eq!(
        seen,
        (0..7)
            .rev()
            .map(|number| NOW - 1000 + number)
            .collect::<Vec<_>>()
    );

    let mut other = attribute("EventName", "DeleteUser");
    other["NextToken"] = input["NextToken"].clone();
    assert_eq!(fixture.refused(other).await, "InvalidNextTokenException");
    let text = input["NextToken"].as_str().unwrap();
    for bad in [
        String::new(),
        "x".into(),
        text.to_lowercase(),
        format!("{text}AAAA"),
        text[4..].to_owned(),
    ] {
        input["NextToken"] = bad.into();
        assert_eq!(
            fixture.refused(input.clone()).await,
            "InvalidNextTokenException",
            "{}",
            input["NextToken"]
        );
    }
}

#[tokio::test]
async fn what_the_reference_forbids_is_refused() {
    let fixture = Fixture::with(vec![]).await;
    let one = json!({"AttributeKey": "EventName", "AttributeValue": "A"});
    let long = "x".repeat(VALUE_CHARS_MAX);
    let doubled = "_".repeat(VALUE_CHARS_MAX / 2);
    for good in [
        json!({"LookupAttributes": []}),
        json!({"LookupAttributes": null, "NextToken": null, "MaxResults": null}),
        attribute("EventName", &long),
        attribute("EventName", &doubled),
        json!({"StartTime": NOW as f64 - 0.5, "EndTime": NOW as f64 - 0.25}),
        json!({"StartTime": 0, "EndTime": NOW}),
        json!({"MaxResults": 1}),
        json!({"MaxResults": 50}),
    ] {
        assert_eq!(
            fixture.call(good.clone()).await,
            Ok(json!({"Events": []})),
            "{good}"
        );
    }
    for (bad, code) in [
        (
            json!({"LookupAttributes": [one, one]}),
            "InvalidLookupAttributesException",
        ),
        (
            attribute("EventID", "x"),
            "InvalidLookupAttributesException",
        ),
        (
            attribute("EventName", ""),
            "InvalidLookupAttributesException",
        ),
        (
            attribute("EventName", &format!("{long}x")),
            "InvalidLookupAttributesException",
        ),
        (
            attribute("EventName", &format!("{doubled},")),
            "InvalidLookupAttributesException",
        ),
        (
            json!({"LookupAttributes": [{"AttributeKey": "EventName"}]}),
            "ValidationException",
        ),
        (
            json!({"LookupAttributes": "EventName"}),
            "SerializationException",
        ),
        (
            json!({"StartTime": 10, "EndTime": 9}),
            "InvalidTimeRangeException",
        ),
        (
            json!({"EndTime": NOW - 91 * 86_400}),
            "InvalidTimeRangeException",
        ),
        (json!({"StartTime": "yesterday"}), "SerializationException"),
        (json!({"MaxResults": 0}), "InvalidMaxResultsException"),
        (json!({"MaxResults": 51}), "InvalidMaxResultsException"),
        (json!({"MaxResults": -1}), "InvalidMaxResultsException"),
        (json!({"MaxResults": "5"}), "SerializationException"),
        (
            json!({"EventCategory": "management"}),
            "InvalidEventCategoryException",
        ),
        (
            json!({"EventCategory": "Insight"}),
            "InvalidEventCategoryException",
        ),
    ] {
        assert_eq!(fixture.refused(bad.clone()).await, code, "{bad}");
    }
}

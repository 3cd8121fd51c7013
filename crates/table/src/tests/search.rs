//! Random events, flushes, restarts, questions and counts, compared with a plain evaluation over a list.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::AtomicBool,
    time::Duration,
};

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{
    life::{Life, Turn, a_turn},
    *,
};
use crate::{
    Condition, CountQuestion, Counts, DamagedFile, Field, Operator, Order, Origin, PageLimits,
    Question, Rank, Text,
    search::{Patience, rows_with},
};

const OTHER_ACCOUNT: &str = "999988887777";
const REGIONS: [&str; 3] = ["eu-central-1", "us-east-1", "ap-south-1"];
const NAMES: [&str; 3] = ["CreateUser", "ListUsers", "PutObject"];
const BUCKETS: [&str; 5] = ["audit-logs", "Audit", "ünï/code", "a\"quoted\\", "x\ny"];
const FIELDS: [&str; 16] = [
    "sourceIPAddress",
    "userIdentity.sessionContext.SESSIONISSUER.userName",
    "EventName",
    "eventname",
    "ReadOnly",
    "Username",
    "ResourceName",
    "resourcetype",
    "errorCode",
    "awsRegion",
    "recipientAccountId",
    "userIdentity.arn",
    "requestParameters.bucketName",
    "requestparameters.TAGS.key",
    "requestParameters",
    "responseElements",
];
const VALUES: [&str; 13] = [
    "CreateUser",
    "true",
    "alice",
    "bob",
    "AWS::IAM::User",
    "AccessDenied",
    "us-east-1",
    "audit",
    "ünï/code",
    "a\"quoted\\",
    "443",
    "s",
    "{\"n\":1.50}",
];
const TEXTS: [&str; 10] = [
    "alice",
    "AUDIT",
    "createuser audit",
    "ÜNÏ",
    r#"\"quoted\\"#,
    r#"\"eventName\":"#,
    "443 alice",
    "nowhere",
    "e",
    "ünï/code bob",
];

#[derive(Debug, Clone)]
enum Step {
    Turn(Turn),
    Ask(Box<Ask>),
    Count(Box<Question>, Option<&'static str>, Option<u32>),
}

#[derive(Debug, Clone)]
struct Ask {
    question: Question,
    order: Order,
    events: usize,
    is_hurried: bool,
}

fn an_event() -> impl Strategy<Value = Event> {
    let parts = (
        prop_oneof![8 => NOW - 20..NOW, 3 => NOW - 2 * 86_400..NOW, 1 => Just(NOW - 91 * 86_400)],
        prop_oneof![8 => Just(EventCategory::Management), 2 => Just(EventCategory::Insight)],
        (select(&[ACCOUNT, OTHER_ACCOUNT][..]), select(&REGIONS[..])),
        select(&NAMES[..]),
        option::of(any::<bool>()),
        option::of(select(&["alice", "Bob"][..])),
        option::of(select(&["AccessDenied", "Throttling"][..])),
        option::of(select(&BUCKETS[..])),
        vec(select(&["bob", "carol"][..]), 0..3),
        any::<u64>(),
    );
    parts.prop_map(
        |(seconds, category, (account, region), name, read_only, user, error, bucket, resources, id)| {
            let mut event = sample(u128::from(id), seconds);
            let keys = &mut event.keys;
            keys.category = category;
            keys.account = account.parse().unwrap();
            keys.region = region.parse().unwrap();
            keys.name = name.into();
            keys.read_only = read_only;
            keys.username = user.map(Into::into);
            keys.identity_arn = user.map(|user| format!("arn:aws:iam::{account}:user/{user}"));
            keys.error_code = error.map(Into::into);
            keys.lookup_resources = resources
                .iter()
                .enumerate()
                .map(|(index, name)| LookupResource {
                    kind: (index == 0).then(|| "AWS::IAM::User".to_owned()),
                    name: (*name).into(),
                })
                .collect();
            let mut record = json!({
                "userIdentity": {
                    "userName": user,
                    "arn": keys.identity_arn,
                    "sessionContext": {"sessionIssuer": {"userName": user}},
                },
                "eventName": name,
                "sourceIPAddress": bucket,
                "awsRegion": region,
                "errorCode": error,
                "requestParameters": {"bucketName": bucket, "port": 443, "tags": [{"key": "s"}, {"key": null}, {"Key": name}]},
                "responseElements": null,
                "eventID": keys.id.to_string(),
                "recipientAccountId": account,
            });
            if resources.is_empty() {
                record["responseElements"] = json!({"list": ["a", ["b"]], "n": serde_json::from_str::<Value>("1.50").unwrap()});
            }
            event.json = Bytes::from(record.to_string());
            event
        },
    )
}

fn a_condition() -> impl Strategy<Value = Condition> {
    let operators = [
        Operator::Equals,
        Operator::StartsWith,
        Operator::EndsWith,
        Operator::Contains,
        Operator::Exists,
    ];
    (
        select(&FIELDS[..]),
        select(operators.to_vec()),
        prop::bool::weighted(0.3),
        vec(select(&VALUES[..]), 1..4),
    )
        .prop_map(|(field, operator, is_negated, values)| Condition {
            field: Field::parse(field).unwrap(),
            operator,
            is_negated,
            values: values.into_iter().map(Into::into).collect(),
        })
}

fn a_question() -> impl Strategy<Value = Question> {
    let moment = || option::of(prop_oneof![NOW - 25..NOW + 5, NOW - 3 * 86_400..NOW]);
    let text = prop_oneof![3 => Just(None), 2 => select(&TEXTS[..]).prop_map(Some)];
    (
        vec(a_condition(), 0..3),
        text,
        moment(),
        moment(),
        option::of(vec(select(&REGIONS[..]), 1..3)),
        select(vec![
            vec![ACCOUNT],
            vec![OTHER_ACCOUNT],
            vec![ACCOUNT, OTHER_ACCOUNT],
        ]),
        select(vec![
            vec![EventCategory::Management],
            vec![EventCategory::Insight],
            vec![EventCategory::Management, EventCategory::Insight],
        ]),
    )
        .prop_map(
            |(conditions, text, start, end, regions, accounts, categories)| Question {
                accounts: accounts.iter().map(|it| it.parse().unwrap()).collect(),
                imported_accounts: None,
                regions: regions.map(|list| list.iter().map(|it| it.parse().unwrap()).collect()),
                categories,
                origins: vec![Origin::Recorded, Origin::Imported],
                start: start.map(time),
                end: end.map(time),
                conditions,
                text: text.map(|text| Text::parse(text).unwrap()),
            },
        )
}

fn a_step() -> impl Strategy<Value = Step> {
    let orders = [Order::NewestFirst, Order::OldestFirst, Order::Arrival];
    let ask = (
        a_question(),
        select(orders.to_vec()),
        1..9_usize,
        prop::bool::weighted(0.3),
    );
    let ask = ask.prop_map(|(question, order, events, is_hurried)| {
        Step::Ask(Box::new(Ask {
            question,
            order,
            events,
            is_hurried,
        }))
    });
    let count = (
        a_question(),
        option::of(select(&FIELDS[..])),
        option::of(select(&[1_u32, 7, 3600][..])),
    );
    prop_oneof![
        9 => a_turn(an_event()).prop_map(Step::Turn),
        5 => ask,
        3 => count.prop_map(|(question, by, interval)| Step::Count(Box::new(question), by, interval)),
    ]
}

/// The values of a field by the words of the contract, from the whole tree.
fn plain_values(event: &Event, field: &str) -> Vec<String> {
    let keys = &event.keys;
    match field.to_lowercase().as_str() {
        "eventname" => return vec![keys.name.clone()],
        "readonly" => return keys.read_only.iter().map(ToString::to_string).collect(),
        "username" => return keys.username.iter().cloned().collect(),
        "resourcename" => {
            return keys
                .lookup_resources
                .iter()
                .map(|it| it.name.clone())
                .collect();
        }
        "resourcetype" => {
            return keys
                .lookup_resources
                .iter()
                .filter_map(|it| it.kind.clone())
                .collect();
        }
        _ => {}
    }
    fn walk(value: &Value, path: &[&str], found: &mut Vec<String>) {
        match (value, path.split_first()) {
            (Value::Array(items), _) => items.iter().for_each(|item| walk(item, path, found)),
            (Value::Object(members), Some((name, rest))) => {
                for (key, value) in members {
                    if key.to_lowercase() == name.to_lowercase() {
                        walk(value, rest, found);
                    }
                }
            }
            (Value::Null, _) | (_, Some(_)) => {}
            (Value::String(text), None) => found.push(text.clone()),
            (other, None) => found.push(other.to_string()),
        }
    }
    let record: Value = serde_json::from_slice(&event.json).unwrap();
    let mut found = Vec::new();
    walk(&record, &field.split('.').collect::<Vec<_>>(), &mut found);
    found
}

fn plain_text(event: &Event, text: &str) -> bool {
    let json = std::str::from_utf8(&event.json).unwrap().to_lowercase();
    text.split(' ').all(|word| {
        // The texts of this test have no quotation marks but escaped ones.
        let word = word
            .replace(r#"\""#, "\"")
            .replace(r"\\", "\\")
            .to_lowercase();
        let escaped = Value::from(word.as_str()).to_string();
        json.contains(&word) || json.contains(&escaped[1..escaped.len() - 1])
    })
}

/// The events of the answer with their positions, in the order of arrival.
fn matching<'a>(list: &'a [Event], question: &Question, texts: &Texts) -> Vec<(u64, &'a Event)> {
    let mut seen = std::collections::HashSet::new();
    let horizon = NOW - 90 * 86_400;
    let from = question
        .start
        .map_or(horizon, |start| start.as_second().max(horizon));
    let to = question.end.map_or(i64::MAX, Timestamp::as_second);
    let mut found = Vec::new();
    for (seq, event) in list.iter().enumerate() {
        let keys = &event.keys;
        if !(horizon..).contains(&keys.time.as_second())
            || !seen.insert((
                keys.id,
                keys.time,
                keys.account,
                &keys.region,
                keys.category,
            ))
        {
            continue;
        }
        let holds = |(condition, field): (&Condition, &String)| {
            let any = |fits: &dyn Fn(&str, &str) -> bool| {
                plain_values(event, field)
                    .iter()
                    .any(|value| condition.values.iter().any(|wanted| fits(value, wanted)))
            };
            let fits = match condition.operator {
                Operator::Equals => any(&|value, wanted| value == wanted),
                Operator::StartsWith => any(&|value, wanted| value.starts_with(wanted)),
                Operator::EndsWith => any(&|value, wanted| value.ends_with(wanted)),
                Operator::Contains => any(&|value, wanted| value.contains(wanted)),
                Operator::Exists => !plain_values(event, field).is_empty(),
            };
            fits != condition.is_negated
        };
        let category = |it: &EventCategory| *it == keys.category;
        if (from..=to).contains(&keys.time.as_second())
            && question.accounts.contains(&keys.account)
            && question
                .regions
                .as_ref()
                .is_none_or(|regions| regions.contains(&keys.region))
            && question.categories.iter().any(category)
            && question.conditions.iter().zip(&texts.fields).all(holds)
            && texts
                .text
                .as_ref()
                .is_none_or(|text| plain_text(event, text))
        {
            found.push((seq as u64, event));
        }
    }
    found
}

/// What a parsed question no longer says in words.
struct Texts {
    fields: Vec<String>,
    text: Option<String>,
}

fn texts(question: &Question) -> Texts {
    let fields = question.conditions.iter().map(|condition| {
        let name = FIELDS
            .iter()
            .find(|name| Field::parse(name).unwrap() == condition.field);
        (*name.unwrap()).to_owned()
    });
    let parsed = question.text.as_ref().map(|text| format!("{text:?}"));
    let text = TEXTS
        .iter()
        .find(|text| Some(format!("{:?}", Text::parse(text).unwrap())) == parsed);
    Texts {
        fields: fields.collect(),
        text: text.map(|text| (*text).to_owned()),
    }
}

async fn answer(history: &EventHistory, ask: &Ask) -> Vec<(u64, Event)> {
    history.catch_up().await.unwrap();
    let limits = PageLimits {
        events: ask.events,
        bytes: if ask.events.is_multiple_of(3) {
            900
        } else {
            usize::MAX
        },
        time: if ask.is_hurried {
            Duration::ZERO
        } else {
            Duration::from_secs(60)
        },
    };
    let mut after: Option<Rank> = None;
    let mut found = Vec::new();
    loop {
        let page = history
            .search(&ask.question, ask.order, after, limits)
            .await
            .unwrap();
        assert!(page.events.len() <= ask.events);
        found.extend(
            page.events
                .into_iter()
                .map(|found| (found.seq, found.event)),
        );
        if page.is_last {
            assert_eq!(page.next.is_some(), ask.order == Order::Arrival);
            return found;
        }
        assert!(page.next > after, "a page comes further");
        after = page.next;
    }
}

fn expected(list: &[Event], ask: &Ask) -> Vec<(u64, Event)> {
    let mut found = matching(list, &ask.question, &texts(&ask.question));
    match ask.order {
        Order::NewestFirst => {
            found.sort_by_key(|(seq, event)| std::cmp::Reverse((event.keys.time, *seq)))
        }
        Order::OldestFirst => found.sort_by_key(|(seq, event)| (event.keys.time, *seq)),
        Order::Arrival => {}
    }
    found
        .into_iter()
        .map(|(seq, event)| (seq, event.clone()))
        .collect()
}

fn expected_counts(
    list: &[Event],
    question: &Question,
    by: Option<&str>,
    interval: Option<u32>,
) -> Counts {
    let found = matching(list, question, &texts(question));
    let mut counts = Counts {
        total: found.len() as u64,
        ..Counts::default()
    };
    let (mut values, mut histogram) = (BTreeMap::<String, u64>::new(), BTreeMap::new());
    for (_, event) in &found {
        if let Some(field) = by {
            let of_event: BTreeSet<String> = plain_values(event, field).into_iter().collect();
            counts.missing += u64::from(of_event.is_empty());
            for value in of_event {
                *values.entry(value).or_default() += 1;
            }
        }
        if let Some(interval) = interval {
            let interval = i64::from(interval);
            let begin = event.keys.time.as_second().div_euclid(interval) * interval;
            *histogram.entry(begin).or_insert(0) += 1;
        }
    }
    let mut values: Vec<(String, u64)> = values.into_iter().collect();
    values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.other = values.iter().skip(2).map(|(_, count)| count).sum();
    values.truncate(2);
    counts.values = values;
    counts.histogram = histogram.into_iter().collect();
    counts
}

async fn check_count(
    history: &EventHistory,
    list: &[Event],
    (question, by, interval): (&Question, Option<&str>, Option<u32>),
) {
    history.catch_up().await.unwrap();
    let counted = CountQuestion {
        by: by.map(|field| Field::parse(field).unwrap()),
        values_max: 2,
        interval_seconds: interval,
    };
    let counts = history
        .count(question, &counted, Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(
        counts,
        expected_counts(list, question, by, interval),
        "{question:?} {by:?}"
    );
}

async fn check(steps: Vec<Step>) {
    let (mut life, mut asked) = (Life::begin().await, Vec::new());
    for step in steps {
        match step {
            Step::Turn(turn) => life = life.turn(turn).await,
            Step::Ask(ask) => {
                assert_eq!(
                    answer(&life.history, &ask).await,
                    expected(&life.list, &ask),
                    "{ask:?}"
                );
                asked.push(ask);
            }
            Step::Count(question, by, interval) => {
                check_count(&life.history, &life.list, (&question, by, interval)).await;
            }
        }
    }
    let Life { history, list, .. } = &life.turn(Turn::Flush).await;
    for ask in asked {
        assert_eq!(
            answer(history, &ask).await,
            expected(list, &ask),
            "from files: {ask:?}"
        );
        for by in ["ResourceName", "EventName", "errorCode", "sourceIPAddress"] {
            check_count(history, list, (&ask.question, Some(by), Some(3))).await;
        }
    }
    assert_eq!(history.damaged_files(), Vec::<std::path::PathBuf>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn searches_and_counts_answer_like_a_plain_evaluation(steps in vec(a_step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(check(steps));
    }
}

pub(super) fn everything() -> Question {
    Question {
        accounts: vec![ACCOUNT.parse().unwrap()],
        imported_accounts: None,
        regions: None,
        categories: vec![EventCategory::Management],
        origins: vec![Origin::Recorded],
        start: None,
        end: None,
        conditions: Vec::new(),
        text: None,
    }
}

const LIMITS: PageLimits = PageLimits {
    events: 4,
    bytes: usize::MAX,
    time: Duration::from_secs(60),
};

#[tokio::test]
async fn pages_stay_stable_and_arrival_misses_nothing_while_events_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let history = open(dir.path(), &journal, Hook::default()).await;
    let first: Vec<Event> = (0..30)
        .map(|number| sample(number, NOW - 100 + number as i64 / 10))
        .collect();
    append(&journal, &first).await;
    let (mut newest, mut arrived) = (Vec::new(), Vec::new());
    let (mut after, mut follow) = (None, None);
    let mut is_done = false;
    for round in 0_u128..20 {
        history.catch_up().await.unwrap();
        if !is_done {
            let page = history
                .search(&everything(), Order::NewestFirst, after, LIMITS)
                .await
                .unwrap();
            newest.extend(
                page.events
                    .iter()
                    .map(|found| found.event.keys.id.as_u128()),
            );
            (after, is_done) = (page.next, page.is_last);
        }
        let page = history
            .search(&everything(), Order::Arrival, follow, LIMITS)
            .await
            .unwrap();
        arrived.extend(
            page.events
                .iter()
                .map(|found| found.event.keys.id.as_u128()),
        );
        follow = page.next;
        // A new one, and one whose time lies long before those that were shown.
        if round < 10 {
            append(
                &journal,
                &[
                    sample(1000 + round, NOW - 10),
                    sample(2000 + round, NOW - 5000),
                ],
            )
            .await;
        }
        if round % 2 == 0 {
            history.catch_up().await.unwrap();
            history.flush().await.unwrap();
        }
    }
    let late: Vec<u128> = newest
        .iter()
        .copied()
        .filter(|number| *number >= 2000)
        .collect();
    newest.retain(|number| *number < 2000);
    assert_eq!(newest, (0..30).rev().collect::<Vec<_>>());
    assert!(late.is_sorted_by(|a, b| a > b));
    let expected: Vec<u128> = (0..30)
        .chain((0..10).flat_map(|round| [1000 + round, 2000 + round]))
        .collect();
    assert_eq!(arrived, expected);
}

#[tokio::test]
async fn a_damaged_file_is_left_out_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let history = open(dir.path(), &journal, Hook::default()).await;
    for day in 0..3 {
        let events: Vec<Event> = (0..8)
            .map(|number| sample(day * 100 + number, NOW - 86_400 * day as i64))
            .collect();
        append(&journal, &events).await;
        history.catch_up().await.unwrap();
        history.flush().await.unwrap();
    }
    let mut files = Vec::new();
    let mut folders = vec![dir.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "parquet") {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut bytes = std::fs::read(&files[1]).unwrap();
    let half = bytes.len() / 2;
    bytes[4..half].fill(0xff);
    std::fs::write(&files[1], bytes).unwrap();
    let limits = PageLimits {
        events: 100,
        ..LIMITS
    };
    let page = history
        .search(&everything(), Order::NewestFirst, None, limits)
        .await
        .unwrap();
    assert_eq!((page.events.len(), page.is_last), (16, true));
    let path = files[1].strip_prefix(dir.path()).unwrap();
    let damaged = [DamagedFile {
        origin: Origin::Recorded,
        path: path.to_str().unwrap().to_owned(),
    }];
    assert_eq!(page.damaged, damaged);
    assert_eq!(history.damaged_files(), [files[1].clone()]);
    let counts = history
        .count(&everything(), &CountQuestion::default(), LIMITS.time)
        .await
        .unwrap();
    assert_eq!(counts.total, 16);
    assert_eq!(counts.damaged, damaged);
    // Who asks for nothing of it misses nothing.
    for other in [
        Question {
            start: Some(time(NOW - 1000)),
            ..everything()
        },
        Question {
            regions: Some(vec!["us-east-1".parse().unwrap()]),
            ..everything()
        },
    ] {
        let page = history
            .search(&other, Order::OldestFirst, None, limits)
            .await;
        assert_eq!(page.unwrap().damaged, []);
        let counts = history
            .count(&other, &CountQuestion::default(), LIMITS.time)
            .await;
        assert_eq!(counts.unwrap().damaged, []);
    }
}

/// Columns are counted by their dictionaries, over more than one batch of rows, and where a dictionary grew too large.
#[tokio::test]
async fn counts_of_large_row_groups_are_right() {
    const EVENTS: u32 = 20_000;
    let (_dir, journal, _, history) = fresh(Settings::default()).await;
    for numbers in (0..EVENTS).collect::<Vec<_>>().chunks(10_000) {
        let events = numbers.iter().map(|number| {
            let mut event = sample(u128::from(*number), NOW - i64::from(*number / 10));
            event.keys.name = format!("Name{}", number % 7);
            event.keys.error_code = (number % 3 == 0).then(|| format!("Error{}", number % 2));
            // More than a page of a dictionary holds.
            event.keys.username = Some(format!("{number:0>60}"));
            event
        });
        append(&journal, &events.collect::<Vec<_>>()).await;
    }
    history.catch_up().await.unwrap();
    history.flush().await.unwrap();
    let count = async |by: &str, question: &Question| {
        let counted = CountQuestion {
            by: Some(Field::parse(by).unwrap()),
            values_max: 3,
            interval_seconds: Some(1000),
        };
        history
            .count(question, &counted, LIMITS.time)
            .await
            .unwrap()
    };
    let names = count("EventName", &everything()).await;
    let numbers =
        |value: u32, of: u32| (0..EVENTS).filter(move |it| it % of == value).count() as u64;
    let expected = (0..3).map(|name| (format!("Name{name}"), numbers(name, 7)));
    assert_eq!(names.values, expected.collect::<Vec<_>>());
    assert_eq!((names.total, names.missing), (u64::from(EVENTS), 0));
    assert_eq!(
        names.histogram.iter().map(|(_, count)| count).sum::<u64>(),
        u64::from(EVENTS)
    );
    let errors = count("errorCode", &everything()).await;
    let expected = [
        ("Error0".into(), numbers(0, 6)),
        ("Error1".into(), numbers(3, 6)),
    ];
    assert_eq!(errors.values, expected);
    assert_eq!(errors.missing, u64::from(EVENTS) - numbers(0, 3));
    let users = count("Username", &everything()).await;
    assert_eq!((users.values[0].1, users.other), (1, u64::from(EVENTS) - 3));
    let mut failed = everything();
    failed.start = Some(time(NOW - 999));
    failed.conditions = vec![Condition {
        field: Field::parse("errorCode").unwrap(),
        operator: Operator::Exists,
        is_negated: true,
        values: Vec::new(),
    }];
    let users = count("Username", &failed).await;
    let expected = (0..10_000).filter(|number| number % 3 != 0).count() as u64;
    assert_eq!((users.total, users.missing), (expected, 0));
}

/// Files as they are written must not miss the fast way.
#[tokio::test]
async fn texts_are_looked_for_in_the_pages_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let history = open(dir.path(), &journal, Hook::default()).await;
    let events: Vec<Event> = (0..5).map(|number| sample(number, NOW - 10)).collect();
    append(&journal, &events).await;
    history.catch_up().await.unwrap();
    history.flush().await.unwrap();
    let sources = history.sources().await;
    let (source, part) = (&sources[0], &sources[0].parts[0]);
    let Ok(opened) = source.files.open(0, part) else {
        panic!("the file cannot be opened");
    };
    let stop = AtomicBool::new(false);
    let patience = Patience::new(&stop, None);
    // The newest stands first: number 4.
    for (text, rows, limit, expected) in [
        ("\\\"number\\\":3", &[0, 1, 2, 3, 4][..], None, &[1][..]),
        ("NUMBER", &[0, 2, 4], None, &[0, 1, 2]),
        ("number", &[0, 2, 4], Some(2), &[0, 1]),
        ("nowhere", &[0, 1, 2, 3, 4], None, &[]),
        ("number", &[], None, &[]),
    ] {
        let text = Text::parse(text).unwrap();
        let found = rows_with(&opened, 0, rows, (&text, limit), &patience).unwrap();
        assert_eq!(found.as_deref(), Some(expected), "{text:?}");
    }
}

#[tokio::test]
async fn a_page_of_many_row_groups_is_whole_and_in_order() {
    let (_dir, history) = many_row_groups().await;
    let question = Question {
        conditions: vec![Condition {
            field: Field::parse("Username").unwrap(),
            operator: Operator::Equals,
            is_negated: false,
            values: vec!["alice".into()],
        }],
        ..everything()
    };
    let limits = PageLimits {
        events: 50,
        ..LIMITS
    };
    for (order, expected) in [
        (Order::NewestFirst, ALICES.rev().collect::<Vec<_>>()),
        (Order::OldestFirst, ALICES.collect()),
    ] {
        let page = history
            .search(&question, order, None, limits)
            .await
            .unwrap();
        let found = page
            .events
            .iter()
            .map(|found| found.event.keys.id.as_u128());
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}

//! Random events, flushes, restarts and questions, compared with a filter over a list.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{
    life::{Life, Turn, a_turn},
    *,
};
use crate::query::Wanted;

const USERS: [&str; 3] = ["alice", "root", "session name"];
const NAMES: [&str; 3] = ["CreateUser", "ListUsers", "AssumeRole"];
const SOURCES: [&str; 2] = ["iam.amazonaws.com", "sts.amazonaws.com"];
const REGIONS: [&str; 2] = ["eu-central-1", "us-east-1"];
const RESOURCES: [&str; 3] = ["bob", "arn:aws:iam::123456789012:user/bob", "a_b, c"];
const TYPES: [&str; 2] = ["AWS::IAM::User", "AWS::IAM::Role"];

#[derive(Debug, Clone)]
enum Step {
    Turn(Turn),
    Ask(LookupQuery),
}

fn an_event() -> impl Strategy<Value = Event> {
    let keys = (
        // Three days, now and then out of reach, and often the same second.
        prop_oneof![8 => NOW - 20..NOW, 3 => NOW - 2 * 86_400..NOW, 1 => Just(NOW - 91 * 86_400)],
        prop_oneof![
            8 => Just(EventCategory::Management),
            2 => Just(EventCategory::Insight),
            1 => Just(EventCategory::Data),
        ],
        select(&REGIONS[..]),
        select(&SOURCES[..]),
        select(&NAMES[..]),
        option::of(any::<bool>()),
        option::of(select(&USERS[..])),
        option::of(select(&["AKIA1", "ASIA2"][..])),
        vec(
            (option::of(select(&TYPES[..])), select(&RESOURCES[..])),
            0..4,
        ),
        any::<u64>(),
    );
    keys.prop_map(
        |(seconds, category, region, source, name, read_only, username, key, resources, id)| {
            let mut event = sample(u128::from(id), seconds);
            event.keys.category = category;
            event.keys.region = region.parse().unwrap();
            event.keys.source = source.into();
            event.keys.name = name.into();
            event.keys.read_only = read_only;
            event.keys.username = username.map(Into::into);
            event.keys.access_key_id = key.map(Into::into);
            let resource = |(kind, name): (Option<&str>, &str)| LookupResource {
                kind: kind.map(Into::into),
                name: name.into(),
            };
            event.keys.lookup_resources = resources.into_iter().map(resource).collect();
            event
        },
    )
}

fn a_query() -> impl Strategy<Value = LookupQuery> {
    let filter = prop_oneof![
        Just(None),
        select(&NAMES[..]).prop_map(|it| Some((LookupKey::EventName, it))),
        select(&SOURCES[..]).prop_map(|it| Some((LookupKey::EventSource, it))),
        select(&USERS[..]).prop_map(|it| Some((LookupKey::Username, it))),
        select(&RESOURCES[..]).prop_map(|it| Some((LookupKey::ResourceName, it))),
        select(&TYPES[..]).prop_map(|it| Some((LookupKey::ResourceType, it))),
        select(&["true", "false", "TRUE"][..]).prop_map(|it| Some((LookupKey::ReadOnly, it))),
        select(&["AKIA1", "ASIA2", "AKIA"][..]).prop_map(|it| Some((LookupKey::AccessKeyId, it))),
        Just(Some((
            LookupKey::EventId,
            "00000000-0000-0000-0000-00000000002A"
        ))),
    ];
    let moment = || option::of(prop_oneof![NOW - 25..NOW + 5, NOW - 3 * 86_400..NOW]);
    (
        filter,
        moment(),
        moment(),
        1..9_usize,
        any::<bool>(),
        select(&REGIONS[..]),
    )
        .prop_map(
            |(filter, start, end, max_results, insight, region)| LookupQuery {
                region: region.parse().unwrap(),
                category: if insight {
                    LookupCategory::Insight
                } else {
                    LookupCategory::Management
                },
                start: start.map(time),
                end: end.map(time),
                max_results,
                ..query(filter)
            },
        )
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        11 => a_turn(an_event()).prop_map(Step::Turn),
        6 => a_query().prop_map(Step::Ask),
    ]
}

/// What the answer must be: position in the list is position in the journal.
fn expected(list: &[Event], query: &LookupQuery) -> Vec<LookupEvent> {
    let wanted = Wanted::new(query, time(NOW - 90 * 86_400));
    let mut seen = std::collections::HashSet::new();
    let mut found: Vec<(i64, usize, &Event)> = Vec::new();
    for (seq, event) in list.iter().enumerate() {
        let (keys, seconds) = (&event.keys, event.keys.time.as_second());
        let is_wanted = keys.region == query.region
            && keys.category == query.category.event_category()
            && (wanted.from..=wanted.to).contains(&seconds)
            && wanted.filter_admits(keys);
        if is_wanted && seen.insert(keys.id) {
            found.push((seconds, seq, event));
        }
    }
    found.sort_by_key(|(seconds, seq, _)| std::cmp::Reverse((*seconds, *seq)));
    found
        .into_iter()
        .map(|(_, _, event)| event.into())
        .collect()
}

async fn check(steps: Vec<Step>) {
    let (mut life, mut asked) = (Life::begin().await, Vec::new());
    for step in steps {
        match step {
            Step::Turn(turn) => life = life.turn(turn).await,
            Step::Ask(query) => {
                assert_eq!(
                    all_pages(&life.history, &query).await,
                    expected(&life.list, &query),
                    "{query:?}"
                );
                asked.push(query);
            }
        }
    }
    // Every event by its id, then all questions once more from files only.
    for event in &life.list {
        let id = event.keys.id.to_string();
        let category = match event.keys.category {
            EventCategory::Insight => LookupCategory::Insight,
            _ => LookupCategory::Management,
        };
        let region = event.keys.region.clone();
        asked.push(LookupQuery {
            category,
            region,
            ..query(Some((LookupKey::EventId, &id)))
        });
    }
    let life = life.turn(Turn::Flush).await.turn(Turn::Restart).await;
    for query in asked {
        assert_eq!(
            all_pages(&life.history, &query).await,
            expected(&life.list, &query),
            "from files: {query:?}"
        );
    }
    assert_eq!(
        life.history.damaged_files(),
        Vec::<std::path::PathBuf>::new()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn look_ups_answer_like_a_filter_over_a_list(steps in vec(a_step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(check(steps));
    }
}

#[tokio::test]
async fn pages_stay_stable_while_events_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let history = open(dir.path(), &journal, Hook::default()).await;
    let events: Vec<Event> = (0..30)
        .map(|number| sample(number, NOW - 100 + (number as i64) / 10))
        .collect();
    append(&journal, &events).await;
    let mut seen = Vec::new();
    let mut question = LookupQuery {
        max_results: 4,
        ..query(None)
    };
    for round in 0_u128.. {
        history.catch_up().await.unwrap();
        let page = history.lookup(&question).await.unwrap();
        seen.extend(numbers(&page.events));
        let Some(next) = page.next else { break };
        question.after = Some(next);
        // Newer ones, and a retried append of one that comes later.
        append(
            &journal,
            &[sample(1000 + round, NOW - 10), events[0].clone()],
        )
        .await;
        history.catch_up().await.unwrap();
        if round % 2 == 0 {
            history.flush().await.unwrap();
        }
    }
    assert_eq!(seen, (0..30).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_of_many_row_groups_is_whole_and_in_order() {
    let (_dir, history) = many_row_groups().await;
    let page = history
        .lookup(&query(Some((LookupKey::Username, "alice"))))
        .await
        .unwrap();
    assert_eq!(numbers(&page.events), ALICES.rev().collect::<Vec<_>>());
}

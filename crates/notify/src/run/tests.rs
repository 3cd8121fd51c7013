#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use jiff::Timestamp;
use pugmark_core::{account::Region, clock::ManualClock, event::EventKeys};
use pugmark_journal::{Entry, MemoryJournal};
use uuid::Uuid;

use super::*;
use crate::service::Organization;

const HERE: &str = "us-east-1";
const ACCOUNT: &str = "123456789012";
/// The largest record that CloudWatch Logs takes.
const LOGS_RECORD_BYTES_MAX: usize = LOGS_EVENT_BYTES_MAX - LOGS_OVERHEAD;

/// Log stream or Region, and the events.
type Calls = Mutex<Vec<(String, Vec<String>)>>;

/// The error of a whole call, or of each entry.
type Trouble = Result<Vec<Option<&'static str>>, &'static str>;

/// What the services were told, call by call.
#[derive(Default)]
struct Told {
    streams: Mutex<Vec<String>>,
    logs: Calls,
    bus: Calls,
    /// What the next calls of EventBridge answer instead.
    troubles: Mutex<Vec<Trouble>>,
}

fn error(code: &str) -> ServiceError {
    ServiceError {
        code: Some(code.to_owned()),
        message: "no".to_owned(),
    }
}

#[async_trait]
impl Services for Told {
    async fn create_stream(&self, _: &str, _: &str, stream: &str) -> Result<(), ServiceError> {
        self.streams.lock().unwrap().push(stream.to_owned());
        Ok(())
    }

    async fn put_logs(
        &self,
        _: &str,
        _: &str,
        stream: &str,
        events: Vec<LogEvent>,
    ) -> Result<(), ServiceError> {
        if !self.streams.lock().unwrap().contains(&stream.to_owned()) {
            return Err(error("ResourceNotFoundException"));
        }
        let events = events.into_iter().map(|event| event.message).collect();
        self.logs.lock().unwrap().push((stream.to_owned(), events));
        Ok(())
    }

    async fn put_events(
        &self,
        region: &Region,
        entries: Vec<BusEntry>,
    ) -> Result<Vec<Option<ServiceError>>, ServiceError> {
        let trouble = self.troubles.lock().unwrap().pop();
        let answers = match trouble {
            Some(Err(code)) => return Err(error(code)),
            Some(Ok(answers)) => answers.into_iter().map(|code| code.map(error)).collect(),
            None => vec![None; entries.len()],
        };
        let taken = entries.into_iter().zip(&answers);
        let taken = taken.filter(|(_, answer)| answer.is_none());
        let taken = taken.map(|(entry, _)| entry.detail).collect();
        self.bus.lock().unwrap().push((region.to_string(), taken));
        Ok(answers)
    }

    async fn publish(&self, _: &str, _: &str) -> Result<(), ServiceError> {
        unreachable!("the follower publishes nothing")
    }

    async fn check_key(
        &self,
        _: &Region,
        _: &str,
        _: &str,
        _: &str,
    ) -> Result<String, ServiceError> {
        unreachable!("the follower checks nothing")
    }

    async fn check_role(&self, _: &str) -> Result<(), ServiceError> {
        unreachable!("the follower checks nothing")
    }

    async fn organization(&self) -> Result<Option<Organization>, ServiceError> {
        unreachable!("the follower asks nothing")
    }

    async fn trusts_cloudtrail(&self) -> Result<bool, ServiceError> {
        unreachable!("the follower asks nothing")
    }
}

struct World {
    journal: Arc<MemoryJournal>,
    told: Arc<Told>,
    notifier: Notifier,
    running: tokio::task::JoinHandle<Result<(), NotifyError>>,
    _stop: watch::Sender<bool>,
    _dir: tempfile::TempDir,
}

impl World {
    /// A trail of an organization's accounts, with a log group or on the bus alone.
    async fn new(told: Told, has_logs: bool, settings: Settings) -> Self {
        let mut trail = Trail::new(
            TrailId("t".into()),
            ACCOUNT.parse().unwrap(),
            HERE.parse().unwrap(),
            "audit",
            "b",
        );
        (trail.is_logging, trail.is_multi_region) = (true, true);
        trail.organization = Some(pugmark_catalog::Organization {
            id: "o-example00".into(),
            accounts: [ACCOUNT, "111122223333"]
                .map(|it| it.parse().unwrap())
                .into(),
        });
        if has_logs {
            trail.logs_group_arn = Some("g".into());
            trail.logs_role_arn = Some("r".into());
        }
        let mut catalog = Catalog::default();
        catalog.apply(Change::PutTrail(Box::new(trail)));
        let (journal, told) = (Arc::new(MemoryJournal::new(1 << 30)), Arc::new(told));
        let dir = tempfile::tempdir().unwrap();
        let notifier = Notifier::open(
            dir.path().join("notify"),
            journal.clone(),
            Arc::new(catalog),
            told.clone(),
            Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)),
            settings,
        );
        let notifier = notifier.await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let follower = notifier.clone();
        Self {
            journal,
            told,
            notifier,
            running: tokio::spawn(async move { follower.run(stopped).await }),
            _stop: stop,
            _dir: dir,
        }
    }

    async fn append(&self, events: Vec<Event>) {
        let entry = |event: Event| Entry {
            kind: EntryKind::Event,
            payload: event::encode(&event),
        };
        let entries = events.into_iter().map(entry).collect();
        self.journal.append(entries).await.unwrap();
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        for _ in 0..1000 {
            assert!(!self.running.is_finished());
            if is_so() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never came to pass");
    }

    /// Waits until so many events have arrived on the bus.
    async fn on_bus(&self, count: usize) {
        self.until(|| count == total(&self.told.bus)).await;
    }
}

fn total(calls: &Calls) -> usize {
    calls.lock().unwrap().iter().map(of_call).sum()
}

fn of_call((_, events): &(String, Vec<String>)) -> usize {
    events.len()
}

/// With a record of so many bytes that begins with its number.
fn event(number: u128, bytes: usize, account: &str, region: &str) -> Event {
    let keys = EventKeys::new(
        Uuid::from_u128(number),
        Timestamp::UNIX_EPOCH,
        account.parse().unwrap(),
        region.parse().unwrap(),
        "s.amazonaws.com",
        "N",
    );
    let mut json = number.to_string();
    json.push_str(&" ".repeat(bytes - json.len()));
    Event {
        keys,
        json: json.into(),
    }
}

fn only_bus() -> Settings {
    Settings::default()
}

fn only_logs() -> Settings {
    Settings {
        bus: false,
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_call_of_eventbridge_has_ten_events_of_one_region() {
    let world = World::new(Told::default(), false, only_bus()).await;
    let region = |number: u128| if number == 30 { "eu-west-1" } else { HERE };
    let events = (0..35).map(|number| event(number, 2, ACCOUNT, region(number)));
    world.append(events.collect()).await;
    world.on_bus(35).await;
    let calls = world.told.bus.lock().unwrap();
    let sizes: Vec<_> = calls.iter().map(|call| (&*call.0, of_call(call))).collect();
    let expected = [
        (HERE, 10),
        (HERE, 10),
        (HERE, 10),
        ("eu-west-1", 1),
        (HERE, 4),
    ];
    assert_eq!(sizes, expected);
}

#[tokio::test]
async fn calls_have_the_bytes_that_services_take() {
    let world = World::new(Told::default(), true, only_bus()).await;
    let events = (0..20).map(|number| event(number, 100 * 1024, ACCOUNT, HERE));
    world.append(events.collect()).await;
    world.on_bus(20).await;
    world.until(|| total(&world.told.logs) == 20).await;
    for (calls, each) in [(&world.told.bus, 2), (&world.told.logs, 10)] {
        let calls = calls.lock().unwrap();
        let sizes: Vec<_> = calls.iter().map(of_call).collect();
        assert_eq!(sizes, vec![each; 20 / each]);
    }
}

#[tokio::test]
async fn a_call_of_cloudwatch_logs_has_ten_thousand_events_of_one_account() {
    let world = World::new(Told::default(), true, only_logs()).await;
    let account = |number| if number == 1 { "111122223333" } else { ACCOUNT };
    let events = (0..=10_002).map(|number| event(number, 5, account(number), HERE));
    world.append(events.collect()).await;
    let calls = || -> Vec<(String, usize)> {
        let calls = world.told.logs.lock().unwrap();
        calls.iter().map(|it| (it.0.clone(), of_call(it))).collect()
    };
    world.until(|| total(&world.told.logs) == 10_003).await;
    let stream = |account: &str| format!("o-example00_{account}_CloudTrail_{HERE}");
    // The first page of 10,000 has one of another account in it, which then is the oldest.
    let expected = [
        (stream(ACCOUNT), 9_999),
        (stream("111122223333"), 1),
        (stream(ACCOUNT), 3),
    ];
    assert_eq!(calls(), expected);
}

#[tokio::test]
async fn what_is_too_large_is_skipped_and_counted() {
    let world = World::new(Told::default(), true, only_logs()).await;
    let events = [LOGS_RECORD_BYTES_MAX + 1, LOGS_RECORD_BYTES_MAX, 2]
        .map(|bytes| event(1, bytes, ACCOUNT, HERE));
    world.append(events.into()).await;
    let lengths = || -> Vec<usize> {
        let calls = world.told.logs.lock().unwrap();
        calls.iter().flat_map(|it| &it.1).map(String::len).collect()
    };
    world
        .until(|| lengths() == [LOGS_RECORD_BYTES_MAX, 2])
        .await;
    assert_eq!(world.notifier.logs_status(&TrailId("t".into())).skipped, 1);
}

#[tokio::test]
async fn a_full_queue_skips_what_is_newer() {
    let told = Told::default();
    *told.troubles.lock().unwrap() = vec![Err("Down"); 2];
    let settings = Settings {
        queue_bytes_max: 1,
        ..only_bus()
    };
    let world = World::new(told, false, settings).await;
    world.append(vec![event(1, 2, ACCOUNT, HERE)]).await;
    let status = || world.notifier.0.status(BUS);
    world.until(|| status().latest_error.is_some()).await;
    assert_eq!(status().latest_error.as_deref(), Some("Down"));
    world.append(vec![event(2, 2, ACCOUNT, HERE)]).await;
    world.until(|| status().skipped == 1).await;
    world.on_bus(1).await;
    world
        .until(|| world.notifier.0.queue.targets().is_empty())
        .await;
    assert_eq!(status().latest_error, None);
    world.append(vec![event(3, 2, ACCOUNT, HERE)]).await;
    world.on_bus(2).await;
    let calls = world.told.bus.lock().unwrap();
    let events: Vec<_> = calls.iter().flat_map(|it| &it.1).collect();
    assert_eq!(events, ["1 ", "3 "]);
}

#[tokio::test]
async fn what_eventbridge_could_not_take_is_sent_again_and_what_it_refuses_is_not() {
    let told = Told::default();
    let answers = vec![None, Some("InternalFailure"), Some("NotAuthorized")];
    *told.troubles.lock().unwrap() = vec![Ok(answers)];
    let world = World::new(told, false, only_bus()).await;
    let events = (0..3).map(|number| event(number, 1, ACCOUNT, HERE));
    world.append(events.collect()).await;
    world.on_bus(2).await;
    world
        .until(|| world.notifier.0.queue.targets().is_empty())
        .await;
    let calls = world.told.bus.lock().unwrap();
    assert_eq!(
        *calls,
        [
            (HERE.into(), vec!["0".into()]),
            (HERE.into(), vec!["1".into()])
        ]
    );
    assert_eq!(world.notifier.0.status(BUS).skipped, 1);
}

fn named(category: EventCategory, event_type: &str, json: String) -> Event {
    let mut keys = EventKeys::new(
        Uuid::nil(),
        Timestamp::UNIX_EPOCH,
        ACCOUNT.parse().unwrap(),
        HERE.parse().unwrap(),
        "signin.amazonaws.com",
        "ConsoleLogin",
    );
    keys.category = category;
    keys.event_type = event_type.into();
    Event {
        keys,
        json: Bytes::from(json),
    }
}

#[test]
fn each_kind_of_event_has_its_detail_type() {
    use EventCategory::{Data, Insight, Management, NetworkActivity};
    for (category, event_type, source, detail_type) in [
        (
            Management,
            "AwsApiCall",
            "aws.signin",
            "AWS API Call via CloudTrail",
        ),
        (
            Data,
            "AwsApiCall",
            "aws.signin",
            "AWS API Call via CloudTrail",
        ),
        (
            Management,
            "AwsConsoleSignIn",
            "aws.signin",
            "AWS Console Sign In via CloudTrail",
        ),
        (
            Management,
            "AwsConsoleAction",
            "aws.signin",
            "AWS Console Action via CloudTrail",
        ),
        (
            Management,
            "AwsServiceEvent",
            "aws.signin",
            "AWS Service Event via CloudTrail",
        ),
        (
            Insight,
            "AwsCloudTrailInsight",
            "aws.cloudtrail",
            "AWS Insight via CloudTrail",
        ),
        (
            NetworkActivity,
            "AwsVpceEvent",
            "aws.signin",
            "AWS Network Activity Event via CloudTrail",
        ),
    ] {
        let found = entry_names(&named(category, event_type, String::new()));
        assert_eq!(found, (source.to_owned(), detail_type));
    }
}

#[test]
fn what_a_service_counts_of_an_event_is_more_than_the_record() {
    let record = named(EventCategory::Management, "AwsApiCall", "x".repeat(1000));
    let names = "aws.signin".len() + "AWS API Call via CloudTrail".len();
    assert_eq!(size_on_bus(&record), 1000 + names + 14);
    let error = |code: &str, message: &str| ServiceError {
        code: Some(code.to_owned()),
        message: message.to_owned(),
    };
    let words = "Log event too large: 262145 bytes exceeds limit of 262144";
    assert!(is_too_large(&error("InvalidParameterException", words)));
    let other = error("InvalidParameterException", "the name is wrong");
    assert!(!is_too_large(&other));
    assert!(!is_too_large(&error("ResourceNotFoundException", words)));
}

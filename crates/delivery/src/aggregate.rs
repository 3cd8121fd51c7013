//! Aggregated events: a trail's data events, summed up over five minutes (CloudTrail user guide, "Aggregating data events").
//!
//! A window counts one event source of one account and Region for one trail. Its counts stand in the ledger beside the
//! journal position up to which they count, so that a crash neither loses nor repeats an event.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pugmark_catalog::{AggregationTemplate, Trail};
use pugmark_core::{
    clock::iso_seconds,
    event::{Event, EventKeys},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// Length of a window.
pub(crate) const WINDOW_SECONDS: i64 = 300;
/// Records of one window and template; what comes beyond is counted under [`OTHER`].
const PRIMARIES_MAX: usize = 1000;
/// Names of one detail of one record.
const NAMES_MAX: usize = 100;
const OTHER: &str = "OTHER";
/// Longest name.
const NAME_CHARS_MAX: usize = 256;

/// What records of an event are counted by, in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Dimension {
    EventName,
    #[serde(rename = "resourceARN")]
    ResourceArn,
    UserIdentity,
    UserAgent,
    SourceIpAddress,
    ErrorCodes,
}

const DIMENSIONS: [Dimension; 6] = [
    Dimension::EventName,
    Dimension::ResourceArn,
    Dimension::UserIdentity,
    Dimension::UserAgent,
    Dimension::SourceIpAddress,
    Dimension::ErrorCodes,
];

impl Dimension {
    fn as_str(self) -> &'static str {
        match self {
            Self::EventName => "eventName",
            Self::ResourceArn => "resourceARN",
            Self::UserIdentity => "userIdentity",
            Self::UserAgent => "userAgent",
            Self::SourceIpAddress => "sourceIpAddress",
            Self::ErrorCodes => "errorCodes",
        }
    }
}

fn primary(template: AggregationTemplate) -> Dimension {
    match template {
        AggregationTemplate::ApiActivity => Dimension::EventName,
        AggregationTemplate::ResourceAccess => Dimension::ResourceArn,
        AggregationTemplate::UserActions => Dimension::UserIdentity,
    }
}

type Counts = BTreeMap<String, u64>;

/// The counts of one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    pub(crate) trail: String,
    pub(crate) trail_arn: String,
    pub(crate) account: String,
    pub(crate) region: String,
    source: String,
    /// Epoch seconds.
    pub(crate) start: i64,
    /// It was opened after its time.
    is_late: bool,
    records: BTreeMap<AggregationTemplate, BTreeMap<String, Record>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    count: u64,
    details: BTreeMap<Dimension, Counts>,
}

/// The start of an event's window.
pub(crate) fn start_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(WINDOW_SECONDS) * WINDOW_SECONDS
}

/// The key of an event's window, in memory and in the ledger.
pub(crate) fn key(trail: &Trail, keys: &EventKeys) -> String {
    let start = start_of(keys.time);
    format!(
        "{}/{}/{}/{}/{start}",
        trail.id.0, keys.account, keys.region, keys.source
    )
}

/// What an event is counted under; read from its record once for all windows.
pub(crate) struct Names(BTreeMap<Dimension, String>);

impl Names {
    pub(crate) fn of(event: &Event) -> Self {
        let record: Value = serde_json::from_slice(&event.json).unwrap_or_default();
        let text = |name: &str| record[name].as_str().map(str::to_owned);
        let arn = event.keys.resources.iter().find_map(|it| it.arn.clone());
        let names = [
            (Dimension::EventName, Some(event.keys.name.clone())),
            (Dimension::ResourceArn, arn),
            (Dimension::UserIdentity, caller(&record["userIdentity"])),
            (Dimension::UserAgent, text("userAgent")),
            (Dimension::SourceIpAddress, text("sourceIPAddress")),
            (Dimension::ErrorCodes, event.keys.error_code.clone()),
        ];
        let cut = |text: String| text.chars().take(NAME_CHARS_MAX).collect();
        let known = names
            .into_iter()
            .filter_map(|(dimension, name)| Some((dimension, cut(name?))));
        Self(known.collect())
    }
}

/// `IAMUser:arn:…`, `AWSAccount:111122223333`, `AWSService:AWS Internal`.
fn caller(identity: &Value) -> Option<String> {
    let kind = identity["type"].as_str().unwrap_or("AWSService");
    let members = ["arn", "accountId", "invokedBy", "principalId"];
    let name = members.iter().find_map(|name| identity[*name].as_str())?;
    Some(format!("{kind}:{name}"))
}

impl Window {
    pub(crate) fn open(trail: &Trail, keys: &EventKeys, now: Timestamp, lag: i64) -> Self {
        let start = start_of(keys.time);
        Self {
            trail: trail.id.0.clone(),
            trail_arn: trail.arn.0.clone(),
            account: keys.account.to_string(),
            region: keys.region.to_string(),
            source: keys.source.clone(),
            start,
            is_late: start + WINDOW_SECONDS + lag <= now.as_second(),
            records: BTreeMap::new(),
        }
    }

    /// When no more is waited for, in epoch seconds. A late window waits for its companions only.
    pub(crate) fn due(&self, lag: i64) -> i64 {
        self.start + WINDOW_SECONDS + lag
    }

    pub(crate) fn count(&mut self, templates: &[AggregationTemplate], names: &Names) {
        for template in templates {
            let by = primary(*template);
            let Some(name) = names.0.get(&by) else {
                continue;
            };
            let records = self.records.entry(*template).or_default();
            let name = bounded(records, name, PRIMARIES_MAX);
            let record = records.entry(name).or_default();
            record.count += 1;
            for (dimension, name) in names.0.iter().filter(|(dimension, _)| **dimension != by) {
                let counts = record.details.entry(*dimension).or_default();
                let name = bounded(counts, name, NAMES_MAX);
                *counts.entry(name).or_default() += 1;
            }
        }
    }

    /// The records as they are delivered, with their ids.
    pub(crate) fn render(&self) -> Vec<(Uuid, Vec<u8>)> {
        let time = |seconds: i64| {
            iso_seconds(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
        };
        let mut rendered = Vec::new();
        for (template, records) in &self.records {
            for (name, record) in records {
                let id = Uuid::new_v4();
                let details = DIMENSIONS
                    .iter()
                    .filter_map(|it| Some(summary(*it, record.details.get(it)?)));
                let total = Counts::from([(name.clone(), record.count)]);
                let mut event = json!({
                    "eventVersion": "1.0",
                    "accountId": self.account,
                    "eventId": id.to_string(),
                    "eventCategory": "Aggregated",
                    "eventType": "AwsAggregatedEvent",
                    "awsRegion": self.region,
                    "eventSource": self.source,
                    "timeWindow": {
                        "windowStart": time(self.start),
                        "windowEnd": time(self.start + WINDOW_SECONDS),
                        "windowSize": "PT5M",
                    },
                    "summary": {
                        "primaryDimension": summary(primary(*template), &total),
                        "details": details.collect::<Vec<_>>(),
                    },
                });
                if self.is_late {
                    event["addendum"] = json!({"reason": "DELAY"});
                }
                rendered.push((id, event.to_string().into_bytes()));
            }
        }
        rendered
    }
}

/// The name itself, or [`OTHER`] when it is new and there is no room.
fn bounded<T>(known: &BTreeMap<String, T>, name: &str, max: usize) -> String {
    let fits = known.len() < max || known.contains_key(name);
    if fits { name } else { OTHER }.to_owned()
}

/// The largest first.
fn summary(dimension: Dimension, counts: &Counts) -> Value {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let statistics = sorted
        .into_iter()
        .map(|(name, count)| json!({"name": name, "value": count}));
    json!({
        "dimension": dimension.as_str(),
        "statistics": statistics.collect::<Vec<_>>(),
        "aggregationType": "Count",
    })
}

//! The lines of the log, in the words of Delta Lake's protocol (github.com/delta-io/delta, `PROTOCOL.md`).

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use pugmark_core::{
    account::{AccountId, Region},
    event::EventCategory,
};
use serde::{Deserialize, Serialize};

use super::Month;
use crate::{LookupCategory, part, schema};

/// The oldest protocol that has what these tables need; every reader and engine knows it.
const READER_VERSION: i32 = 1;
const WRITER_VERSION: i32 = 2;

/// A file of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Below the table's directory, with `/`.
    pub(crate) path: String,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// Event times of the oldest and newest row, epoch seconds.
    pub(crate) oldest: i64,
    pub(crate) newest: i64,
    /// The first and the last category in it, by name.
    pub(crate) categories: (String, String),
}

impl Part {
    /// Whether it may have events of a category.
    pub(crate) fn holds(&self, category: LookupCategory) -> bool {
        self.may_hold(category.event_category())
    }

    pub(crate) fn may_hold(&self, category: EventCategory) -> bool {
        let (first, last) = &self.categories;
        (first.as_str()..=last.as_str()).contains(&category.as_str())
    }

    /// The month of its events.
    pub(crate) fn month(&self) -> Month {
        Month::of(self.newest)
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    CommitInfo(CommitInfo),
    Protocol(Protocol),
    MetaData(MetaData),
    Txn(Txn),
    Remove(Remove),
    Add(Add),
}

impl Action {
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        serde_json::from_str(line)
            .map_err(|error| format!("a line that this version does not know: {error}"))
    }

    pub(crate) fn line(&self) -> String {
        serde_json::to_string(self).expect("actions have text keys only")
    }
}

/// Who made a commit and why: for people, in any form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct CommitInfo(serde_json::Value);

impl CommitInfo {
    pub(crate) fn new(operation: &str, timestamp: i64) -> Self {
        let engine = format!("pugmark/{}", env!("CARGO_PKG_VERSION"));
        Self(serde_json::json!({
            "timestamp": timestamp, "operation": operation, "operationParameters": {}, "engineInfo": engine,
        }))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    min_reader_version: i32,
    min_writer_version: i32,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            min_reader_version: READER_VERSION,
            min_writer_version: WRITER_VERSION,
        }
    }
}

impl Protocol {
    /// Refuses a table that another program has changed beyond what is understood here.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.min_reader_version > READER_VERSION || self.min_writer_version > WRITER_VERSION {
            return Err(format!(
                "it needs a reader of version {} and a writer of version {}; this program has {READER_VERSION} and \
                 {WRITER_VERSION}",
                self.min_reader_version, self.min_writer_version
            ));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetaData {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    format: Format,
    schema_string: String,
    partition_columns: Vec<String>,
    configuration: BTreeMap<String, String>,
    created_time: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Format {
    provider: String,
    options: BTreeMap<String, String>,
}

impl MetaData {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn new(created_time: i64) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            name: Some("events".into()),
            format: Format {
                provider: "parquet".into(),
                options: BTreeMap::new(),
            },
            schema_string: schema::delta_schema(),
            partition_columns: schema::PARTITIONS.map(str::to_owned).to_vec(),
            configuration: BTreeMap::new(),
            created_time: Some(created_time),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Txn {
    pub(crate) app_id: String,
    pub(crate) version: u64,
    last_updated: Option<i64>,
}

impl Txn {
    pub(crate) fn new(source: &str, position: u64, millis: i64) -> Self {
        Self {
            app_id: source.to_owned(),
            version: position,
            last_updated: (millis > 0).then_some(millis),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    pub(crate) path: String,
    pub(crate) deletion_timestamp: Option<i64>,
    data_change: bool,
}

impl Remove {
    pub(crate) fn new(path: &str, millis: i64, data_change: bool) -> Self {
        Self {
            path: path.to_owned(),
            deletion_timestamp: Some(millis),
            data_change,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add {
    path: String,
    partition_values: BTreeMap<String, Option<String>>,
    size: u64,
    modification_time: i64,
    data_change: bool,
    stats: Option<String>,
}

/// The statistics of a file, as text in its action.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    num_records: u64,
    min_values: Bounds,
    max_values: Bounds,
}

#[derive(Serialize, Deserialize)]
struct Bounds {
    event_time: String,
    event_category: String,
}

impl Add {
    pub(crate) fn new(part: Part, millis: i64, data_change: bool) -> Self {
        let time = |seconds| {
            let time = Timestamp::from_second(seconds).unwrap_or_default();
            let time = time.to_zoned(TimeZone::UTC);
            time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
        };
        let month = part.month().to_string();
        let bounds = |seconds, category: &str| Bounds {
            event_time: time(seconds),
            event_category: category.to_owned(),
        };
        let stats = Stats {
            num_records: part.rows,
            min_values: bounds(part.oldest, &part.categories.0),
            max_values: bounds(part.newest, &part.categories.1),
        };
        let values = [part.account.to_string(), part.region.to_string(), month];
        let names = schema::PARTITIONS.map(str::to_owned);
        Self {
            path: part.path,
            partition_values: names.into_iter().zip(values.map(Some)).collect(),
            size: part.bytes,
            modification_time: millis,
            data_change,
            stats: serde_json::to_string(&stats).ok(),
        }
    }
}

impl TryFrom<Add> for Part {
    type Error = String;

    fn try_from(add: Add) -> Result<Self, String> {
        if !part::is_part_path(&add.path) {
            return Err(format!("{:?} is no path of a file of events", add.path));
        }
        let about = |detail: &dyn std::fmt::Display| format!("{}: {detail}", add.path);
        let value = |name: &str| {
            let value = add.partition_values.get(name).cloned().flatten();
            value.ok_or_else(|| about(&format!("it has no value of {name}")))
        };
        let stats = add
            .stats
            .as_deref()
            .ok_or_else(|| about(&"it has no statistics"))?;
        let stats: Stats = serde_json::from_str(stats).map_err(|error| about(&error))?;
        let seconds = |text: &str| -> Result<i64, String> {
            let time: Timestamp = text.parse().map_err(|error| about(&error))?;
            Ok(time.as_second())
        };
        let [account, region, _] = schema::PARTITIONS;
        Ok(Self {
            account: value(account)?.parse().map_err(|error| about(&error))?,
            region: value(region)?.parse().map_err(|error| about(&error))?,
            rows: stats.num_records,
            bytes: add.size,
            oldest: seconds(&stats.min_values.event_time)?,
            newest: seconds(&stats.max_values.event_time)?,
            categories: (
                stats.min_values.event_category,
                stats.max_values.event_category,
            ),
            path: add.path,
        })
    }
}

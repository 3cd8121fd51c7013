//! Findings: the Insight events that AWS would have written.

use bytes::Bytes;
use jiff::Timestamp;
use pugmark_core::event::{Event, EventCategory, EventKeys, InsightType, LookupResource};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    attribution::{Callers, Values},
    series::SeriesKey,
};

/// The version of the Insight records that carry `sourceEventCategory` (AWS's samples of December 2024).
const EVENT_VERSION: &str = "1.09";
/// Ids of findings are name-based in this space, so that a replay gives the same ones.
const SPACE: Uuid = Uuid::from_u128(0x6f0c_58f4_8a1b_5c55_9d0e_3a67_21c4_b7e9);
const ATTRIBUTE_NAMES: [&str; 3] = ["userIdentityArn", "userAgent", "errorCode"];

/// `insightDetails.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The activity became unusual.
    Start,
    /// It is normal again, or has become the new normal.
    End,
}

impl State {
    /// The name that stands in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::End => "End",
        }
    }
}

/// One Insight event and what is not in the record.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The series that it is about.
    pub series: SeriesKey,
    /// Begin or end.
    pub state: State,
    /// Joins the Start and the End event.
    pub shared_id: Uuid,
    /// The share of the last seven days that the baseline has seen, 0 to 1. Below 1 the daily or weekly rhythm is
    /// not known yet, and only stronger deviations are findings.
    pub confidence: f64,
    /// Calls per minute that were expected at this hour of this week when the activity began; the record's baseline
    /// is the plain average of the days before.
    pub expected: f64,
    /// The whole Insight event, ready for the journal.
    pub event: Event,
}

/// Numbers and callers of one side (insight or baseline) of a finding.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Side {
    /// Calls per minute.
    pub(crate) average: f64,
    pub(crate) minutes: u32,
    pub(crate) callers: Callers,
}

/// All that is in an Insight event.
pub(crate) struct Parts<'a> {
    pub(crate) series: &'a SeriesKey,
    pub(crate) state: State,
    /// The minute in which the activity began; names the finding.
    pub(crate) start_minute: u32,
    /// The event's own minute.
    pub(crate) minute: u32,
    pub(crate) insight: &'a Side,
    pub(crate) baseline: &'a Side,
    pub(crate) confidence: f64,
    pub(crate) expected: f64,
}

pub(crate) fn compose(parts: &Parts<'_>, values: &Values) -> Finding {
    let series = parts.series;
    let name = format!("{series}/{}", parts.start_minute);
    let shared_id = Uuid::new_v5(&SPACE, name.as_bytes());
    let id = Uuid::new_v5(&shared_id, parts.state.as_str().as_bytes());
    let time = minute_start(parts.minute);
    let record = Record {
        event_version: EVENT_VERSION,
        event_time: time.to_string(),
        aws_region: series.region.as_str(),
        event_id: id,
        event_type: "AwsCloudTrailInsight",
        recipient_account_id: series.account.as_str(),
        shared_event_id: shared_id,
        insight_details: details(parts, values),
        event_category: EventCategory::Insight.as_str(),
    };
    // Strings and finite numbers cannot fail to serialise; an empty record would be refused by whoever reads it.
    let json = serde_json::to_vec(&record).unwrap_or_default();
    Finding {
        series: series.clone(),
        state: parts.state,
        shared_id,
        confidence: parts.confidence,
        expected: parts.expected,
        event: Event {
            keys: keys(series, id, time),
            json: Bytes::from(json),
        },
    }
}

/// The start of a minute since 1970.
pub(crate) fn minute_start(minute: u32) -> Timestamp {
    Timestamp::from_second(i64::from(minute) * 60).unwrap_or(Timestamp::MAX)
}

fn keys(series: &SeriesKey, id: Uuid, time: Timestamp) -> EventKeys {
    EventKeys {
        category: EventCategory::Insight,
        event_type: "AwsCloudTrailInsight".to_owned(),
        read_only: None,
        // In the record it is a detail; here it tells the findings on error rates from those on call rates.
        error_code: series.error_code.as_deref().map(str::to_owned),
        // Look-ups find Insight events by the API that they are about, `ListInsightsData` those on data events by their trail, and `LookupEvents` leaves them out.
        lookup_resources: series.trail.iter().map(|trail| of_trail(trail)).collect(),
        ..EventKeys::new(
            id,
            time,
            series.account,
            series.region.clone(),
            &*series.source,
            &*series.name,
        )
    }
}

fn of_trail(arn: &str) -> LookupResource {
    LookupResource {
        kind: Some("AWS::CloudTrail::Trail".to_owned()),
        name: arn.to_owned(),
    }
}

fn details<'a>(parts: &Parts<'a>, values: &'a Values) -> Details<'a> {
    let series = parts.series;
    // The error code is the series itself for error rates, so AWS attributes it only for call rates.
    let attributes = match series.insight {
        InsightType::ApiCallRateInsight => 3,
        InsightType::ApiErrorRateInsight => 2,
    };
    let attributions = (0..attributes)
        .map(|attribute| Attribution {
            attribute: ATTRIBUTE_NAMES[attribute],
            insight: shares(parts.insight, attribute, values),
            baseline: shares(parts.baseline, attribute, values),
        })
        .filter(|attribution| !attribution.insight.is_empty() || !attribution.baseline.is_empty())
        .collect();
    Details {
        state: parts.state.as_str(),
        event_source: &series.source,
        event_name: &series.name,
        insight_type: series.insight.as_str(),
        error_code: series.error_code.as_deref(),
        source_event_category: match series.trail {
            None => EventCategory::Management.as_str(),
            Some(_) => EventCategory::Data.as_str(),
        },
        insight_source: series.trail.as_deref(),
        insight_context: Context {
            statistics: Statistics {
                baseline: Average {
                    average: number(parts.baseline.average),
                },
                insight: Average {
                    average: number(parts.insight.average),
                },
                insight_duration: parts.insight.minutes,
                baseline_duration: parts.baseline.minutes,
            },
            attributions,
        },
    }
}

fn shares<'a>(side: &Side, attribute: usize, values: &'a Values) -> Vec<Share<'a>> {
    if side.average <= 0.0 {
        return Vec::new();
    }
    side.callers
        .shares(attribute, values)
        .into_iter()
        .map(|(value, share)| Share {
            value,
            average: number(side.average * share),
        })
        .filter(|share| share.average != number(0.0))
        .collect()
}

/// Ten decimals, as many as AWS writes; whole numbers without a point.
fn number(average: f64) -> serde_json::Number {
    let rounded = (average * 1e10).round() / 1e10;
    if rounded.fract() == 0.0 && rounded.abs() < 9e15 {
        return (rounded as i64).into();
    }
    serde_json::Number::from_f64(rounded).unwrap_or_else(|| 0.into())
}

/// The record, in the order in which AWS writes it (CloudTrail User Guide, "CloudTrail record contents for Insights
/// events").
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'a str,
    event_time: String,
    aws_region: &'a str,
    #[serde(rename = "eventID")]
    event_id: Uuid,
    event_type: &'a str,
    recipient_account_id: &'a str,
    #[serde(rename = "sharedEventID")]
    shared_event_id: Uuid,
    insight_details: Details<'a>,
    event_category: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    state: &'a str,
    event_source: &'a str,
    event_name: &'a str,
    insight_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    source_event_category: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    insight_source: Option<&'a str>,
    insight_context: Context<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    statistics: Statistics,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributions: Vec<Attribution<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    baseline: Average,
    insight: Average,
    insight_duration: u32,
    baseline_duration: u32,
}

#[derive(Serialize)]
struct Average {
    average: serde_json::Number,
}

#[derive(Serialize)]
struct Attribution<'a> {
    attribute: &'a str,
    insight: Vec<Share<'a>>,
    baseline: Vec<Share<'a>>,
}

#[derive(Serialize)]
struct Share<'a> {
    value: &'a str,
    average: serde_json::Number,
}

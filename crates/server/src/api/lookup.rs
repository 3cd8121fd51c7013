//! `LookupEvents`.

use jiff::{SignedDuration, Timestamp};
use pugmark_core::{
    event::LookupResource,
    limits::{EVENT_HISTORY_DAYS, LOOKUP_RESULTS_MAX},
};
use pugmark_journal::Seq;
use pugmark_table::{
    Cursor, EventHistory, LookupCategory, LookupEvent, LookupKey, LookupQuery, TableError,
};
use serde_json::{Map, Value, json};

use super::{ApiError, Caller, fields::Fields, render, token};

/// Longest attribute value; `_`, space, comma and newline count twice (LookupEvents, "AttributeValue").
const VALUE_CHARS_MAX: usize = 2000;
const TOKEN_VERSION: u8 = 1;

/// Answers one page of `LookupEvents`.
pub(crate) async fn lookup_events(
    history: &EventHistory,
    caller: &Caller,
    now: Timestamp,
    input: &Value,
) -> Result<Value, ApiError> {
    let query = query(caller, now, input)?;
    let page = history.lookup(&query).await.map_err(unreadable)?;
    let mut output = Map::new();
    // Insight events on data events are `ListInsightsData`'s.
    let is_insight = query.category == LookupCategory::Insight;
    let shown = page.events.iter();
    let shown = shown.filter(|event| !(is_insight && is_on_data(event)));
    let events = shown.map(render_event).collect();
    output.insert("Events".into(), Value::Array(events));
    if let Some(next) = page.next {
        output.insert("NextToken".into(), token(&query, next).into());
    }
    Ok(Value::Object(output))
}

fn unreadable(error: TableError) -> ApiError {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "a look-up in event history failed"
    );
    ApiError {
        code: "InternalFailure",
        status: 500,
        message: "Event history could not be read; try again.".into(),
    }
}

/// Whether an Insight event has the trail whose data events it is about.
fn is_on_data(event: &LookupEvent) -> bool {
    let of_trail = |it: &LookupResource| it.kind.as_deref() == Some("AWS::CloudTrail::Trail");
    event.resources.iter().any(of_trail)
}

/// A request of `ListInsightsData`.
#[derive(Debug)]
pub(crate) struct DataInsights {
    query: LookupQuery,
    dimension: Option<(LookupKey, String)>,
}

impl DataInsights {
    /// Reads the request for a trail's ARN.
    pub(crate) fn read(
        caller: &Caller,
        fields: Fields<'_>,
        trail: String,
    ) -> Result<Self, ApiError> {
        let invalid = |message: &str| ApiError::new("InvalidParameterException", message);
        let dimensions = fields.get("Dimensions").and_then(Value::as_object);
        let mut given = dimensions.into_iter().flatten();
        let dimension = match (given.next(), given.next()) {
            (None, _) => None,
            (Some((name, Value::String(value))), None) => {
                let key = match name.as_str() {
                    "EventId" => LookupKey::EventId,
                    "EventName" => LookupKey::EventName,
                    "EventSource" => LookupKey::EventSource,
                    _ => return Err(invalid("A dimension is EventId, EventName or EventSource.")),
                };
                Some((key, value.clone()))
            }
            _ => return Err(invalid("Specify one dimension, with a text.")),
        };
        let (start, end) = (fields.time("StartTime")?, fields.time("EndTime")?);
        if start.zip(end).is_some_and(|(start, end)| start > end) {
            return Err(invalid("StartTime is after EndTime."));
        }
        let max = fields.number("MaxResults")?;
        let max = max.map_or(Ok(LOOKUP_RESULTS_MAX), usize::try_from);
        let max_results = max
            .ok()
            .filter(|max| (1..=LOOKUP_RESULTS_MAX).contains(max));
        let mut query = LookupQuery {
            account: caller.account,
            region: caller.region.clone(),
            category: LookupCategory::Insight,
            filter: Some((LookupKey::ResourceName, trail)),
            start,
            end,
            max_results: max_results.ok_or_else(|| invalid("MaxResults is 1 to 50."))?,
            after: None,
        };
        if let Some(text) = fields.text("NextToken")? {
            let after = parse_token(&query, text);
            query.after = Some(after.map_err(|error| invalid(&error.message))?);
        }
        Ok(Self { query, dimension })
    }

    fn wants(&self, event: &LookupEvent) -> bool {
        let Some((key, value)) = &self.dimension else {
            return true;
        };
        match key {
            LookupKey::EventName => event.name == *value,
            LookupKey::EventSource => event.source == *value,
            _ => event.id.to_string().eq_ignore_ascii_case(value),
        }
    }
}

/// Answers one page of `ListInsightsData`; with a dimension it may be short.
pub(crate) async fn list_insights_data(
    history: &EventHistory,
    request: DataInsights,
) -> Result<Value, ApiError> {
    let page = history.lookup(&request.query).await.map_err(unreadable)?;
    let events = page.events.iter().filter(|event| request.wants(event));
    let mut output = json!({"Events": events.map(render_event).collect::<Vec<_>>()});
    if let Some(next) = page.next {
        output["NextToken"] = token(&request.query, next).into();
    }
    Ok(output)
}

/// The request, checked in the order of its members in the service model.
fn query(caller: &Caller, now: Timestamp, input: &Value) -> Result<LookupQuery, ApiError> {
    let fields = Fields::of(input)?;
    let filter = filter(fields)?;
    let (start, end) = (fields.time("StartTime")?, fields.time("EndTime")?);
    check_range(start, end, now)?;
    let category = category(fields)?;
    if let (LookupCategory::Insight, Some((key, _))) = (category, &filter) {
        let is_allowed = [
            LookupKey::EventId,
            LookupKey::EventName,
            LookupKey::EventSource,
        ];
        if !is_allowed.contains(key) {
            return Err(invalid_attributes(
                "For Insights events, the attribute key must be EventId, EventName or EventSource.",
            ));
        }
    }
    let mut query = LookupQuery {
        account: caller.account,
        region: caller.region.clone(),
        category,
        filter,
        start,
        end,
        max_results: max_results(input)?,
        after: None,
    };
    if let Some(text) = fields.text("NextToken")? {
        query.after = Some(parse_token(&query, text)?);
    }
    Ok(query)
}

fn filter(fields: Fields<'_>) -> Result<Option<(LookupKey, String)>, ApiError> {
    let attributes = fields.list("LookupAttributes")?.unwrap_or_default();
    let attribute = match attributes {
        [] => return Ok(None),
        [attribute] => Fields::of(attribute)?,
        _ => {
            return Err(invalid_attributes(
                "You can specify only one lookup attribute.",
            ));
        }
    };
    let missing = |member: &str| {
        let path = format!("lookupAttributes.1.member.{member}");
        ApiError::constraint(&path, "null", "Member must not be null")
    };
    let key = attribute
        .text("AttributeKey")?
        .ok_or_else(|| missing("attributeKey"))?;
    let value = attribute
        .text("AttributeValue")?
        .ok_or_else(|| missing("attributeValue"))?;
    let key = match key {
        "EventId" => LookupKey::EventId,
        "EventName" => LookupKey::EventName,
        "ReadOnly" => LookupKey::ReadOnly,
        "Username" => LookupKey::Username,
        "ResourceType" => LookupKey::ResourceType,
        "ResourceName" => LookupKey::ResourceName,
        "EventSource" => LookupKey::EventSource,
        "AccessKeyId" => LookupKey::AccessKeyId,
        _ => {
            return Err(invalid_attributes(
                "The attribute key must be one of EventId, EventName, ReadOnly, Username, ResourceType, \
                 ResourceName, EventSource, AccessKeyId.",
            ));
        }
    };
    let counts_twice = |c: char| matches!(c, '_' | ' ' | ',' | '\n');
    let chars: usize = value
        .chars()
        .map(|c| 1 + usize::from(counts_twice(c)))
        .sum();
    if !(1..=VALUE_CHARS_MAX).contains(&chars) {
        return Err(invalid_attributes(format!(
            "The attribute value must have 1 to {VALUE_CHARS_MAX} characters; underscores, spaces, commas and \
             newlines count as two."
        )));
    }
    Ok(Some((key, value.to_owned())))
}

fn check_range(
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let refused = |message: &str| Err(ApiError::new("InvalidTimeRangeException", message));
    if let (Some(start), Some(end)) = (start, end)
        && start > end
    {
        return refused("The start time must not be after the end time.");
    }
    let reach = SignedDuration::from_hours(24 * EVENT_HISTORY_DAYS);
    let oldest = now.checked_sub(reach).unwrap_or(Timestamp::MIN);
    if end.is_some_and(|end| end < oldest) {
        return refused("The end time is more than 90 days ago; event history keeps 90 days.");
    }
    Ok(())
}

fn category(fields: Fields<'_>) -> Result<LookupCategory, ApiError> {
    match fields.text("EventCategory")? {
        None => Ok(LookupCategory::Management),
        Some("insight") => Ok(LookupCategory::Insight),
        Some(_) => Err(ApiError::new(
            "InvalidEventCategoryException",
            "The event category is not valid. Specify insight for Insights events, or leave it out for management \
             events.",
        )),
    }
}

fn max_results(input: &Value) -> Result<usize, ApiError> {
    let value = match input.get("MaxResults") {
        None | Some(Value::Null) => return Ok(LOOKUP_RESULTS_MAX),
        Some(value) => value,
    };
    if !value.is_i64() && !value.is_u64() {
        return Err(ApiError::serialization(
            "MaxResults can not be converted to an Integer",
        ));
    }
    value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| (1..=LOOKUP_RESULTS_MAX).contains(number))
        .ok_or_else(|| {
            ApiError::new(
                "InvalidMaxResultsException",
                format!("MaxResults must be between 1 and {LOOKUP_RESULTS_MAX}."),
            )
        })
}

fn invalid_attributes(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidLookupAttributesException", message)
}

/// Where the next page begins, bound to the other parameters. The page size is not among them: it moves no place.
fn token(query: &LookupQuery, cursor: Cursor) -> String {
    let mut place = vec![TOKEN_VERSION];
    place.extend(cursor.time.as_second().to_le_bytes());
    place.extend(cursor.seq.0.to_le_bytes());
    token::seal(place, &parameters(query))
}

fn parse_token(query: &LookupQuery, text: &str) -> Result<Cursor, ApiError> {
    token::open(text, &parameters(query), |place| {
        let (version, numbers) = place.split_first()?;
        let (seconds, seq) = numbers.split_first_chunk()?;
        if *version != TOKEN_VERSION {
            return None;
        }
        Some(Cursor {
            time: Timestamp::from_second(i64::from_le_bytes(*seconds)).ok()?,
            seq: Seq(u64::from_le_bytes(seq.try_into().ok()?)),
        })
    })
}

fn parameters(query: &LookupQuery) -> String {
    let filter = query.filter.as_ref();
    json!([
        query.account.as_str(),
        query.region.as_str(),
        query.category == LookupCategory::Insight,
        filter.map(|(key, value)| (format!("{key:?}"), value)),
        query.start.map(Timestamp::as_millisecond),
        query.end.map(Timestamp::as_millisecond),
    ])
    .to_string()
}

/// The event as `LookupEvents` tells it.
pub(super) fn render_event(event: &LookupEvent) -> Value {
    let mut out = Map::new();
    out.insert("EventId".into(), event.id.to_string().into());
    out.insert("EventName".into(), event.name.as_str().into());
    if let Some(read_only) = event.read_only {
        out.insert("ReadOnly".into(), read_only.to_string().into());
    }
    render::put(&mut out, "AccessKeyId", event.access_key_id.as_ref());
    out.insert("EventTime".into(), render::epoch(event.time));
    out.insert("EventSource".into(), event.source.as_str().into());
    render::put(&mut out, "Username", event.username.as_ref());
    let resources = event.resources.iter();
    let resources = resources
        .map(|resource| json!({"ResourceType": resource.kind, "ResourceName": resource.name}))
        .collect();
    out.insert("Resources".into(), Value::Array(resources));
    let record = String::from_utf8_lossy(&event.json).into_owned();
    out.insert("CloudTrailEvent".into(), record.into());
    Value::Object(out)
}

#[cfg(test)]
#[path = "lookup/tests.rs"]
mod tests;

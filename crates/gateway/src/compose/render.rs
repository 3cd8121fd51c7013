//! `requestParameters` and `responseElements` by the rules that most services follow: the model's names with the first
//! letter lowered, maps as they are, unset members, blobs and payloads left out, secrets replaced.

use jiff::{Timestamp, tz::TimeZone};
use pugmark_core::{clock::iso_seconds, limits};
use pugmark_wire::{
    catalogue::Protocol,
    recognize::Call,
    value::{Location, Value},
};
use serde_json::{Map, Value as Json, json};

use super::tables::{self, TimeStyle, Treatment};

/// What stands for a secret.
pub(super) const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Members of a DynamoDB attribute value; one of them stands for the value itself.
const ATTRIBUTE_TYPES: &[&str] = &["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"];

/// How one service's values are printed.
#[derive(Clone, Copy)]
struct Style<'a> {
    service: &'a str,
    operation: &'a str,
    time: TimeStyle,
    /// The names and values of the wire, as they are.
    is_raw: bool,
}

/// `requestParameters`; null without any.
pub(super) fn request(call: &Call, request: &Value) -> Json {
    // A payload that the model marks sensitive is still a payload.
    let payload = call
        .operation
        .input()
        .filter(|_| call.operation.request_streams())
        .and_then(|input| input.payload());
    let Some(payload) = payload else {
        return with_added(call, Style::of(call).top(request));
    };
    match Style::of(call).top(request) {
        Json::Object(mut map) => {
            map.shift_remove(&Style::of(call).name(payload.name()));
            if map.is_empty() {
                Json::Null
            } else {
                Json::Object(map)
            }
        }
        other => other,
    }
}

/// What a service writes where a request leaves it out.
pub(super) fn add_defaults(call: &Call, map: &mut Map<String, Json>) {
    let of = (call.service.id(), call.operation.name());
    for (_, _, name, json) in tables::REQUEST_DEFAULTS
        .iter()
        .filter(|(service, operation, _, _)| (*service, *operation) == of)
    {
        if let (false, Ok(json)) = (map.contains_key(*name), serde_json::from_str(json)) {
            map.insert((*name).to_owned(), json);
        }
    }
}

/// What some services write beside what was asked.
fn with_added(call: &Call, request: Json) -> Json {
    let Json::Object(mut map) = request else {
        return request;
    };
    add_defaults(call, &mut map);
    if tables::FULLY_QUALIFIED.contains(&(call.service.id(), call.operation.name()))
        && let Some(arn) = map
            .get("functionName")
            .and_then(Json::as_str)
            .and_then(fully_qualified)
    {
        map.insert("fullyQualifiedArn".to_owned(), arn);
    }
    Json::Object(map)
}

/// Lambda's parts of a function's ARN, if it is one.
fn fully_qualified(arn: &str) -> Option<Json> {
    let mut parts = arn.split(':');
    let (Some("arn"), Some(partition), Some("lambda")) = (parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let (region, account) = (parts.next()?, parts.next()?);
    let (Some("function"), name) = (parts.next(), parts.next()?) else {
        return None;
    };
    let qualifier = match parts.next() {
        Some(qualifier) => json!({"functionQualifier": qualifier}),
        None => json!({}),
    };
    Some(json!({
        "arnPrefix": {"partition": partition, "region": region, "account": account},
        "relativeId": {"functionName": name},
        "functionQualifier": qualifier,
    }))
}

/// `responseElements`; null without any.
pub(super) fn response(call: &Call, response: &Value) -> Json {
    let style = Style::of(call);
    let listed = tables::RESPONSE_MEMBERS
        .iter()
        .find(|(service, operation, _)| (*service, *operation) == (style.service, style.operation));
    if let (Some((_, _, members)), Json::Object(mut all)) = (listed, style.top(response)) {
        let kept = members
            .iter()
            .filter_map(|(name, shown)| Some(((*shown).to_owned(), all.remove(*name)?)));
        return Json::Object(kept.collect());
    }
    if tables::WRITES_WITHOUT_RESPONSE.contains(&(style.service, style.operation)) {
        return Json::Null;
    }
    match (
        response,
        tables::UNWRAPPED_RESPONSES.contains(&style.service),
    ) {
        (Value::Structure(members), true) if matches!(members.as_slice(), [only] if is_structure(&only.value)) => {
            style.top(&members[0].value)
        }
        _ => style.top(response),
    }
}

impl<'a> Style<'a> {
    fn of(call: &'a Call) -> Self {
        let service = call.service.id();
        let is_raw = is_raw(call);
        let listed = tables::TIME_STYLES.iter().find(|(id, _)| *id == service);
        let time = match listed {
            Some((_, style)) => *style,
            None if is_raw => TimeStyle::EpochSeconds,
            None => TimeStyle::Java,
        };
        Self {
            service,
            operation: call.operation.name(),
            time,
            is_raw,
        }
    }

    fn top(self, value: &Value) -> Json {
        match self.value(value, "", false, 0) {
            Some(Json::Object(map)) if map.is_empty() => Json::Null,
            Some(json) => json,
            None => Json::Null,
        }
    }

    /// A value's JSON; nothing for what is left out. `within` is the nearest member around it.
    fn value(self, value: &Value, within: &str, hide: bool, depth: usize) -> Option<Json> {
        if depth > limits::NESTING_MAX {
            return None;
        }
        match value {
            Value::Hidden => {
                (!tables::OMIT_SENSITIVE.contains(&self.service)).then(|| HIDDEN.into())
            }
            Value::List(items) => Some(
                items
                    .iter()
                    .filter_map(|item| self.value(item, within, hide, depth + 1))
                    .collect(),
            ),
            Value::Map(pairs) => {
                let json = |(key, value): &(String, Value)| {
                    Some((key.clone(), self.value(value, within, hide, depth + 1)?))
                };
                Some(Json::Object(pairs.iter().filter_map(json).collect()))
            }
            Value::Structure(members) => {
                if let (true, [only]) = (self.service == "dynamodb", members.as_slice())
                    && ATTRIBUTE_TYPES.contains(&only.name)
                {
                    return self.value(&only.value, within, hide, depth + 1);
                }
                let mut map = Map::new();
                for member in members
                    .iter()
                    .filter(|member| member.location != Location::Status)
                {
                    let treatment =
                        tables::treatment(self.service, self.operation, within, member.name);
                    let json = match treatment {
                        None if member.location == Location::Query
                            && tables::QUERY_AS_TEXT.contains(&self.service) =>
                        {
                            self.value(&member.value, member.name, hide, depth + 1)
                                .map(as_text)
                        }
                        Some(treatment) => {
                            self.treated(treatment, member.name, &member.value, depth)
                        }
                        None => self.value(&member.value, member.name, hide, depth + 1),
                    };
                    let is_wire_name = self.is_raw
                        || member.location == Location::Uri
                            && tables::URI_NAMES.contains(&self.service);
                    let name = match member.wire_name {
                        Some(name) if is_wire_name => name,
                        _ => member.name,
                    };
                    if let Some(json) = json {
                        map.insert(self.name(name), json);
                    }
                }
                Some(Json::Object(map))
            }
            scalar => hidden_or(hide, scalar_json(scalar, self.time)),
        }
    }

    fn treated(
        self,
        treatment: Treatment,
        name: &str,
        value: &Value,
        depth: usize,
    ) -> Option<Json> {
        match treatment {
            Treatment::Scalars => self.value(value, name, true, depth + 1),
            other => marker(other, value),
        }
    }

    fn name(self, name: &str) -> String {
        if self.is_raw {
            name.to_owned()
        } else {
            lower_first(name)
        }
    }
}

/// Whether a service records its JSON as it is on the wire: the REST services of 2018 and later (seen: all but a few).
pub(super) fn is_raw(call: &Call) -> bool {
    let service = call.service.id();
    tables::KEEP_CASE.contains(&service)
        || call.service.protocol() == Protocol::RestJson
            && call.service.api_version() >= "2018"
            && !tables::LOWER_CASE.contains(&service)
}

fn is_structure(value: &Value) -> bool {
    matches!(value, Value::Structure(_))
}

fn hidden_or(hide: bool, json: Option<Json>) -> Option<Json> {
    if hide && json.is_some() {
        Some(HIDDEN.into())
    } else {
        json
    }
}

fn as_text(json: Json) -> Json {
    match json {
        Json::Number(number) => number.to_string().into(),
        Json::Bool(truth) => truth.to_string().into(),
        other => other,
    }
}

/// What stands for a treated member's content, if it has one at all.
pub(super) fn marker(treatment: Treatment, value: &Value) -> Option<Json> {
    match (treatment, value) {
        (Treatment::Omitted, _) | (_, Value::Null) => None,
        (Treatment::Marked(marker), _) => Some(marker.into()),
        (Treatment::Hidden | Treatment::Scalars, _) => Some(HIDDEN.into()),
    }
}

/// A scalar's JSON; nothing for nulls, blobs and payloads.
pub(super) fn scalar_json(value: &Value, time: TimeStyle) -> Option<Json> {
    match value {
        Value::Bool(truth) => Some((*truth).into()),
        Value::Integer(number) => Some((*number).into()),
        // Not a number has no JSON.
        Value::Float(number) => serde_json::Number::from_f64(*number).map(Json::Number),
        Value::String(text) => Some(text.as_str().into()),
        Value::Timestamp(moment) => Some(moment_json(*moment, time)),
        _ => None,
    }
}

/// A text as it looks after AWS's way from XML to JSON, which takes what looks like a boolean or a number for one: a tag's
/// value `true`, an account's number.
pub(super) fn xml_scalar(text: &str) -> Json {
    match text {
        "true" => return true.into(),
        "false" => return false.into(),
        _ => {}
    }
    match text.parse::<i64>() {
        // `007` and `+7` stay what they are.
        Ok(number) if number.to_string() == text => number.into(),
        _ => text.into(),
    }
}

fn moment_json(moment: Timestamp, style: TimeStyle) -> Json {
    match style {
        TimeStyle::Java => moment
            .to_zoned(TimeZone::UTC)
            .strftime("%b %-d, %Y, %-I:%M:%S %p")
            .to_string()
            .into(),
        TimeStyle::Iso => iso_seconds(moment).into(),
        TimeStyle::EpochMillis => moment.as_millisecond().into(),
        TimeStyle::EpochSeconds if moment.subsec_nanosecond() == 0 => moment.as_second().into(),
        TimeStyle::EpochSeconds => (moment.as_millisecond() as f64 / 1e3).into(),
    }
}

/// `TrailARN` is `trailARN`.
pub(super) fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// `instanceId` is `InstanceId`.
pub(super) fn upper_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

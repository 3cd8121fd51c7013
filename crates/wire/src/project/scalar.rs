//! Scalars: from their text on the wire to a value.

use crate::{
    catalogue::{Kind, Shape},
    value::Value,
};

/// A scalar that stands as text (XML, query, headers). Text that is not of the shape's kind stays text.
pub(super) fn from_text(shape: Shape, text: &str) -> Value {
    match shape.kind() {
        _ if shape.is_sensitive() => Value::Hidden,
        Kind::Boolean => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text.to_owned()),
        },
        Kind::Integer => text
            .parse()
            .map_or_else(|_| Value::String(text.to_owned()), Value::Integer),
        Kind::Float => text
            .parse()
            .map_or_else(|_| Value::String(text.to_owned()), Value::Float),
        Kind::Timestamp => timestamp(text),
        Kind::Blob => blob(text),
        _ => Value::String(text.to_owned()),
    }
}

/// A moment as epoch seconds, ISO 8601 or an HTTP date; anything else stays text.
pub(super) fn timestamp(text: &str) -> Value {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return epoch(seconds).unwrap_or_else(|| Value::String(text.to_owned()));
    }
    if let Ok(time) = text.parse() {
        return Value::Timestamp(time);
    }
    if let Ok(time) = jiff::fmt::rfc2822::parse(text) {
        return Value::Timestamp(time.timestamp());
    }
    // ISO 8601 without an offset is UTC on AWS.
    match text
        .parse::<jiff::civil::DateTime>()
        .ok()
        .and_then(|it| it.to_zoned(jiff::tz::TimeZone::UTC).ok())
    {
        Some(time) => Value::Timestamp(time.timestamp()),
        None => Value::String(text.to_owned()),
    }
}

/// A moment from seconds since 1970, with milliseconds at the most.
pub(super) fn epoch(seconds: f64) -> Option<Value> {
    let millis = (seconds * 1000.0).round();
    // Within years -9999 to 9999, which is what a timestamp holds.
    (millis.abs() < 2.5e14)
        .then(|| jiff::Timestamp::from_millisecond(millis as i64).ok())
        .flatten()
        .map(Value::Timestamp)
}

/// Only the length of a blob is kept: four characters of base64 say three bytes.
pub(super) fn blob(text: &str) -> Value {
    Value::Blob(text.trim_end_matches('=').len() as u64 * 3 / 4)
}

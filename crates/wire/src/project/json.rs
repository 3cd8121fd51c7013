//! JSON bodies (AWS JSON 1.0 and 1.1, REST-JSON).

use serde_json::Value as Json;

use super::{NESTING_MAX, ProjectError, found, scalar};
use crate::{
    catalogue::{Kind, Shape},
    value::{Location, Value},
};

const MALFORMED: ProjectError = ProjectError::Malformed("JSON");

/// A structure's members in a body; an empty body has none.
pub(super) fn structure(shape: Shape, body: &[u8]) -> Result<Value, ProjectError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Structure(Vec::new()));
    }
    value(shape, body)
}

/// A value of any kind as a whole body.
pub(super) fn value(shape: Shape, body: &[u8]) -> Result<Value, ProjectError> {
    let json: Json = serde_json::from_slice(body)
        .or_else(|_| serde_json::from_str(&mended(body)))
        .map_err(|_| MALFORMED)?;
    match (shape.kind(), &json) {
        (Kind::Structure, Json::Object(_)) if !shape.is_document() => {}
        (Kind::Structure, _) if !shape.is_document() => return Err(MALFORMED),
        _ => {}
    }
    Ok(of_shape(shape, json, 0))
}

/// What is not quite JSON, and what many services read all the same: half of a pair of surrogates (a text that was cut within an emoji)
/// and bytes that are no UTF-8 become `U+FFFD`, numbers that JSON does not have become null.
fn mended(body: &[u8]) -> String {
    const REPLACEMENT: &str = "\\ufffd";
    let text = String::from_utf8_lossy(body);
    let mut mended = String::with_capacity(text.len());
    let (mut rest, mut in_text) = (&text[..], false);
    // At `\u`, its code unit.
    let unit = |at: &str| u16::from_str_radix(at.strip_prefix("\\u")?.get(..4)?, 16).ok();
    while let Some(next) = rest.chars().next() {
        let no_number = ["NaN", "Infinity", "-Infinity"]
            .into_iter()
            .find(|it| rest.starts_with(it));
        let (taken, put) = match (in_text, next) {
            (true, '\\') => match unit(rest) {
                Some(0xd800..0xdc00)
                    if matches!(rest.get(6..).and_then(unit), Some(0xdc00..0xe000)) =>
                {
                    (12, &rest[..12])
                }
                Some(0xd800..0xe000) => (6, REPLACEMENT),
                _ => {
                    let escaped = rest[1..].chars().next().map_or(0, char::len_utf8);
                    (1 + escaped, &rest[..1 + escaped])
                }
            },
            (false, _) if no_number.is_some() => (no_number.map_or(0, str::len), "null"),
            _ => {
                in_text ^= next == '"';
                (next.len_utf8(), &rest[..next.len_utf8()])
            }
        };
        mended.push_str(put);
        rest = &rest[taken..];
    }
    mended
}

fn of_shape(shape: Shape, json: Json, depth: usize) -> Value {
    if depth > NESTING_MAX {
        return Value::Null;
    }
    if shape.is_sensitive() {
        return if json.is_null() {
            Value::Null
        } else {
            Value::Hidden
        };
    }
    if shape.is_document() {
        return free(json, depth);
    }
    match (shape.kind(), json) {
        (_, Json::Null) => Value::Null,
        (Kind::Structure, Json::Object(object)) => {
            let mut members = Vec::with_capacity(object.len());
            for (key, json) in object {
                let known = shape
                    .members()
                    .find(|it| it.location() == Location::Body && it.wire_name() == key);
                let Some(member) = known else { continue };
                let Some(content) = member.shape() else {
                    continue;
                };
                members.push(found(member, of_shape(content, json, depth + 1)));
            }
            Value::Structure(members)
        }
        (Kind::List, Json::Array(array)) => {
            match shape.members().next().and_then(|it| it.shape()) {
                Some(element) => Value::List(
                    array
                        .into_iter()
                        .map(|json| of_shape(element, json, depth + 1))
                        .collect(),
                ),
                None => Value::Null,
            }
        }
        (Kind::Map, Json::Object(object)) => match shape.members().nth(1).and_then(|it| it.shape())
        {
            Some(_) if shape.has_sensitive_keys() => Value::Hidden,
            Some(value) => Value::Map(
                object
                    .into_iter()
                    .map(|(key, json)| (key, of_shape(value, json, depth + 1)))
                    .collect(),
            ),
            None => Value::Null,
        },
        (Kind::Timestamp, Json::Number(number)) => number
            .as_f64()
            .and_then(scalar::epoch)
            .unwrap_or_else(|| Value::String(number.to_string())),
        (Kind::Timestamp, Json::String(text)) => scalar::timestamp(&text),
        (Kind::Blob, Json::String(text)) => scalar::blob(&text),
        // A blob that is no text is still a payload.
        (Kind::Blob, _) => Value::Blob(0),
        (_, json) => free(json, depth),
    }
}

/// JSON as it is: documents, and values of another kind than the model says.
fn free(json: Json, depth: usize) -> Value {
    if depth > NESTING_MAX {
        return Value::Null;
    }
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Integer(whole),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::String(number.to_string()),
        },
        Json::String(text) => Value::String(text),
        Json::Array(array) => Value::List(
            array
                .into_iter()
                .map(|json| free(json, depth + 1))
                .collect(),
        ),
        Json::Object(object) => Value::Map(
            object
                .into_iter()
                .map(|(key, json)| (key, free(json, depth + 1)))
                .collect(),
        ),
    }
}

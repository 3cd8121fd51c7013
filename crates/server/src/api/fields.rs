//! Reads typed members from a request's JSON. `null` is as good as absent; a wrong type is a `SerializationException`.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::ApiError;

/// The members of a JSON object.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

/// The body as JSON; no body is an empty object.
pub(crate) fn parse(body: &[u8]) -> Result<Value, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(body).map_err(|error| {
        ApiError::serialization(format!("The request body is not valid JSON: {error}"))
    })
}

impl<'a> Fields<'a> {
    /// The members of `value`, which must be an object.
    pub(crate) fn of(value: &'a Value) -> Result<Self, ApiError> {
        value
            .as_object()
            .map(Self)
            .ok_or_else(|| wrong_type(value, "Structure"))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        self.get(name)
            .map(|value| value.as_str().ok_or_else(|| wrong_type(value, "String")))
            .transpose()
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.get(name)
            .map(|value| value.as_bool().ok_or_else(|| wrong_type(value, "Boolean")))
            .transpose()
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.get(name)
            .map(|value| value.as_i64().ok_or_else(|| wrong_type(value, "Integer")))
            .transpose()
    }

    pub(crate) fn list(&self, name: &str) -> Result<Option<&'a [Value]>, ApiError> {
        self.get(name)
            .map(|value| {
                value
                    .as_array()
                    .map(Vec::as_slice)
                    .ok_or_else(|| wrong_type(value, "List"))
            })
            .transpose()
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<&'a str>>, ApiError> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| wrong_type(value, "String"));
        self.list(name)?
            .map(|values| values.iter().map(text).collect())
            .transpose()
    }

    /// Epoch seconds, with or without a fraction.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let seconds = value
            .as_f64()
            .ok_or_else(|| wrong_type(value, "Timestamp"))?;
        // A float-to-integer cast saturates, and what is outside the calendar is refused.
        Timestamp::from_millisecond((seconds * 1000.0).round() as i64)
            .map(Some)
            .map_err(|_| {
                ApiError::serialization(format!("{value} is outside the range of a Timestamp"))
            })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

fn wrong_type(value: &Value, wanted: &str) -> ApiError {
    ApiError::serialization(match value {
        Value::Array(_) => "Start of list found where not expected".into(),
        Value::Object(_) => "Start of structure or map found where not expected.".into(),
        Value::Null => format!("NULL_VALUE can not be converted to a {wanted}"),
        Value::Bool(true) => format!("TRUE_VALUE can not be converted to a {wanted}"),
        Value::Bool(false) => format!("FALSE_VALUE can not be converted to a {wanted}"),
        Value::Number(_) => format!("NUMBER_VALUE can not be converted to a {wanted}"),
        Value::String(_) => format!("STRING_VALUE can not be converted to a {wanted}"),
    })
}

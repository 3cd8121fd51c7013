//! From a recognised request or response to its tree of values; errors of every protocol.
//!
//! Content that must not be kept never enters the tree: sensitive members become [`Value::Hidden`], blobs a length.

mod cbor;
mod error;
mod json;
mod query;
mod scalar;
mod xml;

use std::collections::BTreeMap;

pub use error::{ErrorInfo, Rendered, error, render_error, request_id};
use http::{HeaderMap, StatusCode, header, request::Parts};

use crate::{
    catalogue::{Kind, MemberShape, Operation, Protocol, Shape},
    recognize::{Call, form_decode},
    value::{Location, Member, Value},
};

/// Deepest nesting that is followed; what lies deeper is left out.
const NESTING_MAX: usize = 64;
/// Most parameters of a form or query string; requests with more are refused.
pub(crate) const PARAMETERS_MAX: usize = 20_000;
/// Most dotted segments over all parameters of a form, likewise.
pub(crate) const NODES_MAX: usize = 100_000;

/// Why a body says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// It is not of its protocol's form.
    #[error("body is no {0}")]
    Malformed(&'static str),
}

/// What a request says. The operation's input may have no members: then an empty structure.
///
/// # Errors
/// When the body is not of the protocol's form.
pub fn request(call: &Call, parts: &Parts, body: &[u8]) -> Result<Value, ProjectError> {
    let Some(input) = call.operation.input() else {
        return Ok(Value::Structure(Vec::new()));
    };
    if input.is_sensitive() {
        return Ok(Value::Hidden);
    }
    match call.protocol {
        Protocol::Json10 | Protocol::Json11 => json::structure(input, body),
        Protocol::Cbor => cbor::structure(input, body),
        Protocol::Query | Protocol::Ec2 => Ok(query::structure(call, input, parts, body)),
        Protocol::RestJson | Protocol::RestXml => rest_request(call, input, parts, body),
    }
}

/// What path, query and headers of a request say, whatever its body is; `None` if that cannot be told without.
pub fn head(call: &Call, parts: &Parts) -> Option<Value> {
    request(call, parts, &[]).ok()
}

/// What a successful answer says; [`Value::Hidden`] when the model marks all of it sensitive.
///
/// # Errors
/// When the body is not of the protocol's form.
pub fn response(
    call: &Call,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, ProjectError> {
    let Some(output) = call.operation.output() else {
        return Ok(Value::Structure(Vec::new()));
    };
    if output.is_sensitive() {
        return Ok(Value::Hidden);
    }
    let is_rest = matches!(call.protocol, Protocol::RestJson | Protocol::RestXml);
    if let Some(events) = output.event_stream().filter(|_| !is_rest) {
        return Ok(Value::Structure(vec![found(events, Value::Stream)]));
    }
    match call.protocol {
        Protocol::Json10 | Protocol::Json11 => json::structure(output, body),
        Protocol::Cbor => cbor::structure(output, body),
        Protocol::Query => xml::response(output, body, call.operation.output_wrapper()),
        Protocol::Ec2 => xml::response(output, body, None),
        Protocol::RestJson | Protocol::RestXml => {
            let mut members = Vec::new();
            for member in output.members() {
                let value = match member.location() {
                    Location::Status => Some(Value::Integer(i64::from(status.as_u16()))),
                    Location::Header | Location::HeaderPrefix => from_headers(member, headers),
                    _ => None,
                };
                members.extend(value.map(|value| found(member, value)));
            }
            rest_body(call.protocol, output, body, &mut members)?;
            Ok(Value::Structure(members))
        }
    }
}

/// The secrets of temporary credentials. They are no [`Value`]: who must verify the session's signatures asks for them.
pub struct SessionSecrets {
    /// Whose secrets they are.
    pub access_key_id: String,
    /// `SecretAccessKey`.
    pub secret_access_key: String,
    /// `SessionToken`.
    pub session_token: String,
}

/// Reads the secrets out of an answer of STS, if it has credentials.
pub fn session_secrets(call: &Call, body: &[u8]) -> Option<SessionSecrets> {
    if call.protocol != Protocol::Query {
        return None;
    }
    let root = xml::parse(body).ok()?;
    let credentials = root.find("Credentials")?;
    let text = |name| Some(credentials.child(name)?.text.trim().to_owned());
    Some(SessionSecrets {
        access_key_id: text("AccessKeyId")?,
        secret_access_key: text("SecretAccessKey")?,
        session_token: text("SessionToken")?,
    })
}

fn rest_request(
    call: &Call,
    input: Shape,
    parts: &Parts,
    body: &[u8],
) -> Result<Value, ProjectError> {
    let query: Vec<(String, String)> = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .take(PARAMETERS_MAX)
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| {
            (
                form_decode(key).into_owned(),
                form_decode(value).into_owned(),
            )
        })
        .collect();
    let mut members = Vec::new();
    for member in input.members() {
        let value = match member.location() {
            Location::Uri => {
                let label = call
                    .labels
                    .iter()
                    .find(|(name, _)| *name == member.wire_name());
                label.map(|(_, text)| from_text(member, text))
            }
            Location::Query => from_query(member, call.operation, &query),
            Location::Header | Location::HeaderPrefix => from_headers(member, &parts.headers),
            Location::Body | Location::Status => None,
        };
        members.extend(value.map(|value| found(member, value)));
    }
    rest_body(call.protocol, input, body, &mut members)?;
    // The caller may give a body in part or not at all: only the head tells whether one was sent.
    if body.is_empty() && !announces_body(&parts.headers) {
        members.retain(|member| member.location != Location::Body);
    }
    Ok(Value::Structure(members))
}

fn announces_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    length.is_some_and(|value| value.as_bytes() != b"0")
        || headers.contains_key(header::TRANSFER_ENCODING)
}

fn rest_body(
    protocol: Protocol,
    shape: Shape,
    body: &[u8],
    members: &mut Vec<Member>,
) -> Result<(), ProjectError> {
    let Some(payload) = shape.payload() else {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let has_body = shape
            .members()
            .any(|member| member.location() == Location::Body);
        let value = match protocol {
            _ if !has_body => return Ok(()),
            Protocol::RestXml => xml::structure(shape, body)?,
            _ => json::structure(shape, body)?,
        };
        if let Value::Structure(inner) = value {
            members.extend(
                inner
                    .into_iter()
                    .filter(|member| member.location == Location::Body),
            );
        }
        return Ok(());
    };
    let Some(content) = payload.shape() else {
        return Ok(());
    };
    let value = if content.is_sensitive() {
        Value::Hidden
    } else if payload.is_streaming() || content.is_event_stream() {
        Value::Stream
    } else {
        match content.kind() {
            Kind::Blob => Value::Stream,
            _ if body.is_empty() => return Ok(()),
            Kind::String => Value::String(String::from_utf8_lossy(body).into_owned()),
            _ if protocol == Protocol::RestXml => xml::structure(content, body)?,
            _ => json::value(content, body)?,
        }
    };
    members.push(found(payload, value));
    Ok(())
}

fn found(member: MemberShape, value: Value) -> Member {
    Member {
        name: member.name(),
        wire_name: member.location_name(),
        location: member.location(),
        value,
    }
}

/// A member that stands as text in a label, a query string or a header.
fn from_text(member: MemberShape, text: &str) -> Value {
    let Some(shape) = member.shape() else {
        return Value::String(text.to_owned());
    };
    scalar::from_text(shape, text)
}

fn from_query(
    member: MemberShape,
    operation: Operation,
    query: &[(String, String)],
) -> Option<Value> {
    let shape = member.shape()?;
    let name = member.wire_name();
    let texts = || {
        query
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, text)| text.as_str())
    };
    match shape.kind() {
        _ if shape.is_sensitive() => texts().next().map(|_| Value::Hidden),
        Kind::List => {
            let element = shape.members().next()?.shape()?;
            let values: Vec<Value> = texts()
                .map(|text| scalar::from_text(element, text))
                .collect();
            (!values.is_empty()).then_some(Value::List(values))
        }
        // All parameters that are no member of their own.
        Kind::Map => {
            let literals = operation
                .uri()
                .split_once('?')
                .map_or("", |(_, query)| query);
            let is_literal = |key: &str| {
                literals
                    .split('&')
                    .any(|pair| pair.split('=').next() == Some(key))
            };
            let is_member = |key: &str| {
                let mut members = operation
                    .input()
                    .into_iter()
                    .flat_map(|input| input.members());
                members.any(|it| it.location() == Location::Query && it.wire_name() == key)
            };
            let pairs = query
                .iter()
                .filter(|(key, _)| !is_literal(key) && !is_member(key));
            let values = map_of_texts(shape, pairs)?;
            (!values.is_empty()).then_some(Value::Map(values))
        }
        _ => texts().next().map(|text| scalar::from_text(shape, text)),
    }
}

/// Parameters as a map; those of a map of lists may come several times.
fn map_of_texts<'a>(
    shape: Shape,
    pairs: impl Iterator<Item = &'a (String, String)>,
) -> Option<Vec<(String, Value)>> {
    let content = shape.members().nth(1)?.shape()?;
    let element = if content.kind() == Kind::List {
        content.members().next()?.shape()?
    } else {
        content
    };
    let mut values: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, text) in pairs {
        values
            .entry(key.clone())
            .or_default()
            .push(scalar::from_text(element, text));
    }
    let value = |mut texts: Vec<Value>| match content.kind() {
        _ if content.is_sensitive() => Some(Value::Hidden),
        Kind::List => Some(Value::List(texts)),
        _ => texts.pop(),
    };
    Some(
        values
            .into_iter()
            .filter_map(|(key, texts)| Some((key, value(texts)?)))
            .collect(),
    )
}

fn from_headers(member: MemberShape, headers: &HeaderMap) -> Option<Value> {
    let shape = member.shape()?;
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    if member.location() == Location::HeaderPrefix {
        let prefix = member
            .location_name()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let content = shape.members().nth(1)?.shape()?;
        let pairs = headers.iter().filter_map(|(name, value)| {
            let key = name
                .as_str()
                .strip_prefix(&prefix)
                .filter(|key| !key.is_empty())?;
            Some((key.to_owned(), scalar::from_text(content, &text(value))))
        });
        let values: Vec<_> = pairs.collect();
        return match values.is_empty() {
            true => None,
            false if shape.is_sensitive() => Some(Value::Hidden),
            false => Some(Value::Map(values)),
        };
    }
    let value = headers.get(member.wire_name())?;
    Some(match shape.kind() {
        _ if shape.is_sensitive() => Value::Hidden,
        Kind::List => {
            let element = shape.members().next()?.shape()?;
            Value::List(
                text(value)
                    .split(',')
                    .map(|part| scalar::from_text(element, part.trim()))
                    .collect(),
            )
        }
        Kind::Timestamp => scalar::timestamp(&text(value)),
        _ => scalar::from_text(shape, &text(value)),
    })
}

#[cfg(test)]
mod tests;

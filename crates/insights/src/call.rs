//! What Insights takes from an event.

use std::borrow::Cow;

use jiff::Timestamp;
use memchr::{memchr, memchr2};
use pugmark_core::{
    account::{AccountId, Region},
    event::{Event, EventCategory},
    limits,
};

/// One call, or several equal ones, as Insights counts them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call<'a> {
    /// `recipientAccountId`.
    pub account: AccountId,
    /// `awsRegion`.
    pub region: &'a Region,
    /// `eventSource`.
    pub source: &'a str,
    /// `eventName`.
    pub name: &'a str,
    /// `eventTime`.
    pub time: Timestamp,
    /// The call counts towards the call rate: it can change something, or is on data.
    pub write: bool,
    /// `errorCode`: the call counts towards that error's rate.
    pub error_code: Option<&'a str>,
    /// `userIdentity.arn`, with or without a role session's name.
    pub identity_arn: Option<&'a str>,
    /// `userAgent`.
    pub user_agent: Option<&'a str>,
    /// How many such calls.
    pub count: u32,
    /// Of a data event: the ARN of the trail that logs it. Each trail has series of its own, for each logs what it selects.
    pub trail: Option<&'a str>,
}

impl Call<'_> {
    /// Whether Insights on management events count this event: an API call or console action that changes
    /// something or fails. Service events are no calls of anybody.
    pub(crate) fn counts(event: &Event) -> bool {
        let keys = &event.keys;
        keys.category == EventCategory::Management
            && keys.event_type != "AwsServiceEvent"
            && (keys.read_only == Some(false) || keys.error_code.is_some())
    }
}

impl<'a> Call<'a> {
    /// The call that an event records; the user agent is given apart because it may have to be unescaped first.
    pub(crate) fn of(event: &'a Event, user_agent: Option<&'a str>) -> Self {
        let keys = &event.keys;
        Self {
            account: keys.account,
            region: &keys.region,
            source: &keys.source,
            name: &keys.name,
            time: keys.time,
            write: keys.read_only == Some(false),
            error_code: keys.error_code.as_deref(),
            identity_arn: keys.identity_arn.as_deref(),
            user_agent,
            count: 1,
            trail: None,
        }
    }

    /// The call on data that an event records, for a trail that logs it: reads count as well.
    pub(crate) fn on_data(event: &'a Event, user_agent: Option<&'a str>, trail: &'a str) -> Self {
        Self {
            write: true,
            trail: Some(trail),
            ..Self::of(event, user_agent)
        }
    }
}

/// The ARN that attributions name: a role session without its session name, as AWS writes it.
pub(crate) fn attributed_arn(arn: &str) -> &str {
    let Some(role) = arn.find(":assumed-role/") else {
        return arn;
    };
    let role = role + ":assumed-role/".len();
    arn[role..]
        .find('/')
        .map_or(arn, |session| &arn[..role + session])
}

/// The record's top-level `userAgent`, without reading the rest of the record: it stands before the request
/// parameters, which are the long part.
pub(crate) fn user_agent(json: &[u8]) -> Option<Cow<'_, str>> {
    let mut at = memchr(b'{', json)? + 1;
    let mut depth = 1_usize;
    while depth > 0 {
        at += memchr_structure(json.get(at..)?)?;
        match json[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {
                let end = string_end(json, at)?;
                let after = json.get(end..)?.trim_ascii_start();
                if depth == 1 && after.first() == Some(&b':') && &json[at..end] == b"\"userAgent\""
                {
                    return text(after[1..].trim_ascii_start());
                }
                at = end - 1;
            }
        }
        at += 1;
    }
    None
}

/// The next byte that opens or closes something.
fn memchr_structure(json: &[u8]) -> Option<usize> {
    json.iter()
        .position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
}

/// The position after the closing quote of the string that opens at `at`.
fn string_end(json: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', json.get(at..)?)?;
        if json[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The string that `json` begins with, cut to the longest user agent that a record holds.
fn text(json: &[u8]) -> Option<Cow<'_, str>> {
    if json.first() != Some(&b'"') {
        return None;
    }
    let quoted = &json[..string_end(json, 0)?];
    let inner = &quoted[1..quoted.len() - 1];
    let text = if memchr(b'\\', inner).is_some() {
        Cow::Owned(serde_json::from_slice::<String>(quoted).ok()?)
    } else {
        Cow::Borrowed(std::str::from_utf8(inner).ok()?)
    };
    if text.len() <= limits::SHORT_FIELD_BYTES_MAX {
        return Some(text);
    }
    let end = text.floor_char_boundary(limits::SHORT_FIELD_BYTES_MAX);
    Some(Cow::Owned(text[..end].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_sessions_lose_their_session_name() {
        for (arn, expected) in [
            (
                "arn:aws:sts::123456789012:assumed-role/Admin/alice",
                "arn:aws:sts::123456789012:assumed-role/Admin",
            ),
            (
                "arn:aws:iam::123456789012:user/team/bob",
                "arn:aws:iam::123456789012:user/team/bob",
            ),
            (
                "arn:aws:sts::123456789012:assumed-role/Admin",
                "arn:aws:sts::123456789012:assumed-role/Admin",
            ),
        ] {
            assert_eq!(attributed_arn(arn), expected);
        }
    }

    #[test]
    fn only_the_records_own_user_agent_is_found() {
        for (json, expected) in [
            (
                r#"{"a":{"userAgent":"no"},"userAgent":"yes","b":1}"#,
                Some("yes"),
            ),
            (
                r#"{"a":"\"userAgent\":\"no\"","userAgent" : "y\u0065s"}"#,
                Some("yes"),
            ),
            (r#"{"a":"userAgent","b":["userAgent"]}"#, None),
            (r#"{"userAgent":null}"#, None),
            (r#"{"userAgent":"cut"#, None),
            ("", None),
        ] {
            assert_eq!(user_agent(json.as_bytes()).as_deref(), expected, "{json}");
        }
    }
}

//! From a record's bytes, wherever they were written, to the event with its keys; in one pass over the bytes.
//!
//! Taken are the records of every `eventVersion`: what an old one does not say is found out where it can be (the category,
//! the account), and stays absent where it cannot.

mod fields;
mod json;
mod members;
mod names;

use std::{borrow::Cow, str::Utf8Error};

use bytes::Bytes;
use bytestring::ByteString;
use jiff::Timestamp;
use uuid::Uuid;

pub use self::members::{Member, Members};
use self::{
    fields::{Entry, Fields, Identity, Read},
    json::{Walk, Wrong},
};
use super::{
    Event, EventCategory, EventKeys, Resource,
    resources::{LookupResources, NAME_BYTES_MAX, RESOURCES_MAX},
};
use crate::{
    account::{AccountId, Region},
    limits,
};

/// The members of a record in the order in which AWS writes them (event reference, section 1); others come behind.
pub const ORDER: &[&str] = &[
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "apiVersion",
    "managementEvent",
    "recipientAccountId",
    "sharedEventID",
    "serviceEventDetails",
    "vpcEndpointId",
    "vpcEndpointAccountId",
    "eventCategory",
    "tlsDetails",
    "sessionCredentialFromConsole",
    "eventContext",
];

/// Ids of records that have none are name-based in this space, so that the same record has the same one again.
const SPACE: Uuid = Uuid::from_u128(0x2b1d_6a0e_5f43_5d0c_8e55_90c1_7a3f_4be2);
/// How much of a wrong value an error repeats, in bytes.
const QUOTED_BYTES_MAX: usize = 80;

/// What the place of a record says, where the record itself does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Whose record it is: for a record without `recipientAccountId`, whose caller has no account either.
    pub account: Option<AccountId>,
    /// For a record without `awsRegion`.
    pub region: Option<Region>,
}

/// Why bytes are no record that can be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Longer than [`limits::IMPORTED_RECORD_BYTES_MAX`].
    #[error("it has {0} bytes, more than any record of CloudTrail")]
    TooLarge(usize),
    /// Not a JSON object, or a member of it has a shape that no record has.
    #[error("not a record: {0}")]
    NotJson(String),
    /// A member without which nobody could find the event.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A member whose value nobody could read.
    #[error("{field} is {value:?}")]
    Invalid {
        /// The member.
        field: &'static str,
        /// Its value, cut.
        value: String,
    },
}

impl RecordError {
    /// The kind of fault, in words that are the same for all records that have it.
    pub fn reason(&self) -> String {
        match self {
            Self::TooLarge(_) => "record too large".to_owned(),
            Self::NotJson(_) => "not a JSON record".to_owned(),
            Self::Missing(field) => format!("no {field}"),
            Self::Invalid { field, .. } => format!("{field} not understood"),
        }
    }

    fn invalid(field: &'static str, value: &str) -> Self {
        let end = value.floor_char_boundary(QUOTED_BYTES_MAX);
        Self::Invalid {
            field,
            value: value[..end].to_owned(),
        }
    }
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its bytes and keys.
    pub event: Event,
    /// Its text, and where its other members stand.
    pub members: Box<Members>,
}

impl TryFrom<Event> for Record {
    type Error = Utf8Error;

    /// Finds the members of the event's record.
    fn try_from(event: Event) -> Result<Self, Utf8Error> {
        Ok(Self {
            members: Box::new(Members::of(event.json.clone())?),
            event,
        })
    }
}

/// Reads a record. Its bytes are the event's, unchanged; only of a record that is spread over lines the line breaks and
/// the space between its tokens are left out, because an event is one line wherever it goes.
///
/// # Errors
/// When it is no record, or lacks what every event has.
pub fn read(json: Bytes, place: &Place) -> Result<Record, RecordError> {
    if json.len() > limits::IMPORTED_RECORD_BYTES_MAX {
        return Err(RecordError::TooLarge(json.len()));
    }
    let json = json.slice_ref(json.trim_ascii());
    let not_json = |error: &dyn std::error::Error| RecordError::NotJson(error.to_string());
    let text = ByteString::try_from(json).map_err(|error| not_json(&error))?;
    let mut walk = Walk::new(&text);
    let fields = fields_of(&mut walk).map_err(|error| not_json(&error))?;
    if walk.has_line_breaks() {
        return read(one_line(text.as_bytes()), place);
    }
    record_of(&fields, text.clone(), place)
}

fn record_of(fields: &Fields<'_>, text: ByteString, place: &Place) -> Result<Record, RecordError> {
    let json = text.as_bytes().clone();
    Ok(Record {
        event: Event {
            keys: keys(fields, &json, place)?,
            json,
        },
        members: Box::new(Members::new(fields, text)),
    })
}

/// Passes a whole record.
fn fields_of<'a>(walk: &mut Walk<'a>) -> Result<Fields<'a>, Wrong> {
    if walk.peek()? != b'{' {
        return walk.wrong("a record is an object, this is none");
    }
    let fields = Fields::read(walk)?;
    walk.finish()?;
    Ok(fields)
}

/// Reads the record that begins at a place of a block, if there is a whole one that [`read`] takes as it is, and tells how long it
/// is.
pub fn read_at(block: &ByteString, at: usize, place: &Place) -> Option<(Record, usize)> {
    let text = block.get(at..).filter(|text| text.starts_with('{'))?;
    let mut walk = Walk::new(text);
    let fields = Fields::read(&mut walk).ok()?;
    let length = walk.at();
    if walk.has_line_breaks() || length > limits::IMPORTED_RECORD_BYTES_MAX {
        return None;
    }
    let record = record_of(&fields, block.slice_ref(&text[..length]), place);
    Some((record.ok()?, length))
}

/// A record on several lines without any space between its tokens.
fn one_line(json: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(json.len());
    let (mut in_text, mut is_escaped) = (false, false);
    for &byte in json {
        if in_text {
            out.push(byte);
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
        } else if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            out.push(byte);
            in_text = byte == b'"';
        }
    }
    out.into()
}

fn keys(fields: &Fields<'_>, json: &Bytes, place: &Place) -> Result<EventKeys, RecordError> {
    let category = category(fields)?;
    let identity = &fields.user_identity;
    let account = account(fields, place)?;
    let region = match (fields.aws_region.as_deref(), &place.region) {
        (Some(text), place) => match (text.parse(), place) {
            (Ok(region), _) => region,
            (Err(_), Some(place)) => place.clone(),
            (Err(_), None) => return Err(RecordError::invalid("awsRegion", text)),
        },
        (None, Some(place)) => place.clone(),
        (None, None) => return Err(RecordError::Missing("awsRegion")),
    };
    let (source, name, error_code) = called(fields, category)?;
    let (source, name) = (cut(source).to_owned(), cut(&name).to_owned());
    let resources: Vec<Resource> = fields
        .resources
        .0
        .iter()
        .filter_map(resource)
        .take(RESOURCES_MAX)
        .collect();
    let mut found = LookupResources::new(service_of(&source), &region, account);
    for resource in resources.iter().filter(|resource| !resource.is_prefix) {
        if let Some(arn) = &resource.arn {
            found.arn(arn, resource.kind.as_deref());
        }
    }
    for (member, text) in fields
        .request_parameters
        .iter()
        .chain(fields.response_elements.iter())
    {
        found.recorded_name(member, text);
    }
    let lookup_resources = found.into_entries();
    let id_text = fields.event_id.or(&fields.aggregated_id);
    Ok(EventKeys {
        id: id_of(id_text, json),
        time: time(fields)?,
        category,
        account,
        global_service: is_global(&source, &region, &fields.tls_details),
        region,
        source,
        name,
        event_type: event_type(fields, category).to_owned(),
        read_only: fields.read_only.value,
        username: username(identity).map(|text| cut(text).to_owned()),
        access_key_id: owned(&identity.access_key_id),
        identity_arn: owned(&identity.arn),
        invoked_by: owned(&identity.invoked_by),
        error_code: error_code.map(|text| cut(text).to_owned()),
        vpc_endpoint_id: owned(&fields.vpc_endpoint_id),
        from_console: fields.session_credential_from_console.value == Some(true),
        resources,
        lookup_resources,
    })
}

/// `eventID`. Where there is none, or it was made unrecognisable, the record as a whole gives one.
fn id_of(text: Option<&str>, json: &[u8]) -> Uuid {
    text.and_then(|text| Uuid::parse_str(text).ok())
        .unwrap_or_else(|| Uuid::new_v5(&SPACE, json))
}

/// `eventCategory`; records before version 1.07 have none, and those before 1.06 no `managementEvent` either.
fn category(fields: &Fields<'_>) -> Result<EventCategory, RecordError> {
    let named = |name| {
        EventCategory::named(name).ok_or_else(|| RecordError::invalid("eventCategory", name))
    };
    let stated = fields.event_category.as_deref().map(named).transpose()?;
    let typed = match fields.event_type.as_deref() {
        Some("AwsCloudTrailInsight") => Some(EventCategory::Insight),
        // The reference's table has the plural, its samples the singular.
        Some("AwsVpceEvent" | "AwsVpceEvents") => Some(EventCategory::NetworkActivity),
        Some("AwsAggregatedEvent") => Some(EventCategory::Aggregated),
        _ => None,
    };
    let is_object = |entry: &Entry<'_>| entry.kind.as_deref() == Some("AWS::S3::Object");
    let is_data = match fields.management_event.value {
        Some(is_management) => !is_management,
        None => fields.resources.0.iter().any(is_object),
    };
    let flagged = if is_data {
        EventCategory::Data
    } else {
        EventCategory::Management
    };
    Ok(stated.or(typed).unwrap_or(flagged))
}

fn event_type<'a>(fields: &'a Fields<'_>, category: EventCategory) -> &'a str {
    match (fields.event_type.as_deref(), category) {
        (Some(text), _) => cut(text),
        (None, EventCategory::Insight) => "AwsCloudTrailInsight",
        (None, EventCategory::Aggregated) => "AwsAggregatedEvent",
        (None, EventCategory::NetworkActivity) => "AwsVpceEvent",
        // Before version 1.02 there was nothing else.
        (None, EventCategory::Management | EventCategory::Data) => "AwsApiCall",
    }
}

/// `recipientAccountId`, else the caller's account, else whose file it is; redacted ones do not count.
fn account(fields: &Fields<'_>, place: &Place) -> Result<AccountId, RecordError> {
    let stated = [
        &fields.recipient_account_id,
        &fields.account_id,
        &fields.user_identity.account_id,
    ];
    let found = stated
        .into_iter()
        .filter_map(|text| text.as_deref()?.parse().ok());
    if let Some(account) = found.chain(place.account).next() {
        return Ok(account);
    }
    Err(match stated.into_iter().find_map(|text| text.as_deref()) {
        Some(text) => RecordError::invalid("recipientAccountId", text),
        None => RecordError::Missing("recipientAccountId"),
    })
}

/// `eventSource`, `eventName` and `errorCode`. Insight events are found by the API that they are about; an aggregated event
/// by what it sums up.
fn called<'a>(
    fields: &'a Fields<'_>,
    category: EventCategory,
) -> Result<(&'a str, Cow<'a, str>, Option<&'a str>), RecordError> {
    let source = fields.event_source.as_deref();
    let name = fields.event_name.as_deref();
    let error = fields.error_code.as_deref();
    let missing = |field| move || RecordError::Missing(field);
    match category {
        EventCategory::Insight => {
            let details = &fields.insight_details;
            Ok((
                details
                    .event_source
                    .as_deref()
                    .or(source)
                    .ok_or_else(missing("insightDetails.eventSource"))?,
                details
                    .event_name
                    .as_deref()
                    .or(name)
                    .ok_or_else(missing("insightDetails.eventName"))?
                    .into(),
                details.error_code.as_deref().or(error),
            ))
        }
        EventCategory::Aggregated => {
            let primary = &fields.summary.primary_dimension;
            let summed = match primary.dimension.as_deref() {
                Some("eventName") => primary.statistics.first_name(),
                other => other,
            };
            Ok((
                source.ok_or_else(missing("eventSource"))?,
                name.or(summed)
                    .ok_or_else(missing("summary.primaryDimension"))?
                    .into(),
                error,
            ))
        }
        _ => Ok((
            source.ok_or_else(missing("eventSource"))?,
            name.ok_or_else(missing("eventName"))?.into(),
            error,
        )),
    }
}

/// `eventTime`, or the begin of an aggregated event's window; whole seconds.
fn time(fields: &Fields<'_>) -> Result<Timestamp, RecordError> {
    let text = fields
        .event_time
        .or(&fields.time_window.window_start)
        .ok_or(RecordError::Missing("eventTime"))?;
    parse_time(text).ok_or_else(|| RecordError::invalid("eventTime", text))
}

fn parse_time(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(timestamp(text)?.as_second()).ok()
}

/// The time that a record's text tells, such as `2026-01-19T21:17:28Z`.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    if let Some(seconds) = exact_time(text.as_bytes()) {
        return Timestamp::from_second(seconds).ok();
    }
    // One of AWS's samples writes `2025-10-30 23:45:00`.
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}

/// `2026-01-19T21:17:28Z` in epoch seconds; any other form is for the general parser, which takes ten times as long.
fn exact_time(text: &[u8]) -> Option<i64> {
    let text: &[u8; 20] = text.try_into().ok()?;
    let marks = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'Z'),
    ];
    if !marks.iter().all(|(at, mark)| text[*at] == *mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0_i64, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + i64::from(byte - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let date = jiff::civil::Date::new(year as i16, month as i8, day as i8).ok()?;
    let days = date.duration_since(jiff::civil::date(1970, 1, 1)).as_secs() / 86_400;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// What `LookupEvents` calls `Username`: the IAM user, the role session's name, `root`, or the service.
fn username<'a>(identity: &'a Identity<'_>) -> Option<&'a str> {
    match identity.kind.as_deref() {
        Some("Root") => Some("root"),
        Some("AssumedRole" | "FederatedUser") => {
            let by_arn = identity
                .arn
                .as_deref()
                .and_then(|arn| arn.rsplit('/').next());
            by_arn.or_else(|| Some(identity.principal_id.as_deref()?.split_once(':')?.1))
        }
        Some("AWSService") => identity.invoked_by.as_deref(),
        _ => identity.user_name.as_deref(),
    }
}

fn resource(entry: &Entry<'_>) -> Option<Resource> {
    let whole = entry.arn.or(&entry.lower_case_arn);
    let arn = whole.or(entry.arn_prefix.as_deref());
    if arn.is_some_and(|arn| arn.len() > NAME_BYTES_MAX) {
        return None;
    }
    Some(Resource {
        kind: owned(&entry.kind),
        arn: arn.map(str::to_owned),
        account: owned(&entry.account_id),
        is_prefix: whole.is_none() && arn.is_some(),
    })
}

/// The id by which the service models know what `eventSource` names, where names of resources depend on it.
fn service_of(source: &str) -> &str {
    match source.strip_suffix(".amazonaws.com").unwrap_or(source) {
        "monitoring" => "cloudwatch",
        "states" => "stepfunctions",
        "s3express" | "s3-object-lambda" | "s3-outposts" => "s3",
        other => other,
    }
}

/// Recorded for a global service: only those that trails take with `IncludeGlobalServiceEvents`.
fn is_global(source: &str, region: &Region, tls: &fields::TlsDetails<'_>) -> bool {
    match service_of(source) {
        "iam" | "cloudfront" | "organizations" | "route53" | "route53domains" | "budgets"
        | "ce" | "shield" | "support" | "waf" | "globalaccelerator" | "networkmanager" => true,
        "sts" => {
            *region == Region::global()
                && tls.client_provided_host_header.as_deref() == Some("sts.amazonaws.com")
        }
        _ => false,
    }
}

fn owned(text: &fields::Text<'_>) -> Option<String> {
    text.as_deref().map(|text| cut(text).to_owned())
}

/// A text cut to 1 KB, on a character's border.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(limits::SHORT_FIELD_BYTES_MAX)]
}

#[cfg(test)]
mod tests;

//! The stored form of an event inside a journal entry; described in `docs/formats.md`, "Event, version 1".

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Event, EventCategory, EventKeys, LookupResource, Resource};

const VERSION: u8 = 1;
/// Lists longer than this are not written by us, so a longer one is damage.
const LIST_LEN_MAX: usize = 64 * 1024;

/// Why stored bytes are no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer Pugmark, or not an event at all.
    #[error("stored event has unknown version {0}")]
    UnknownVersion(u8),
    /// Bytes are missing or do not fit their field.
    #[error("stored event is damaged at its {0}")]
    Damaged(&'static str),
}

/// Writes an event in the current version.
pub fn encode(event: &Event) -> Bytes {
    let keys = &event.keys;
    let mut out = Vec::with_capacity(event.json.len() + 512);
    out.push(VERSION);
    out.extend_from_slice(keys.id.as_bytes());
    out.extend_from_slice(&keys.time.as_second().to_le_bytes());
    out.push(category_code(keys.category));
    out.push(match keys.read_only {
        None => 0,
        Some(false) => 1,
        Some(true) => 2,
    });
    out.push(u8::from(keys.global_service) | u8::from(keys.from_console) << 1);
    for text in [
        keys.account.as_str(),
        keys.region.as_str(),
        &keys.source,
        &keys.name,
        &keys.event_type,
    ] {
        put_text(&mut out, text);
    }
    for text in [
        &keys.username,
        &keys.access_key_id,
        &keys.identity_arn,
        &keys.invoked_by,
        &keys.error_code,
        &keys.vpc_endpoint_id,
    ] {
        put_text_opt(&mut out, text.as_deref());
    }
    put_len(&mut out, keys.resources.len());
    for resource in &keys.resources {
        put_text_opt(&mut out, resource.kind.as_deref());
        put_text_opt(&mut out, resource.arn.as_deref());
        put_text_opt(&mut out, resource.account.as_deref());
        out.push(u8::from(resource.is_prefix));
    }
    put_len(&mut out, keys.lookup_resources.len());
    for resource in &keys.lookup_resources {
        put_text_opt(&mut out, resource.kind.as_deref());
        put_text(&mut out, &resource.name);
    }
    out.extend_from_slice(&event.json);
    out.into()
}

/// Reads an event back; the JSON shares the given bytes.
///
/// # Errors
/// When the version is unknown or the bytes are damaged.
pub fn decode(stored: &Bytes) -> Result<Event, DecodeError> {
    let mut input = Input {
        bytes: stored,
        at: 0,
    };
    let version = input.byte("version")?;
    if version != VERSION {
        return Err(DecodeError::UnknownVersion(version));
    }
    let id = Uuid::from_bytes(input.array("id")?);
    let time = Timestamp::from_second(i64::from_le_bytes(input.array("time")?))
        .map_err(|_| DecodeError::Damaged("time"))?;
    let category =
        category_from(input.byte("category")?).ok_or(DecodeError::Damaged("category"))?;
    let read_only = match input.byte("read-only")? {
        0 => None,
        1 => Some(false),
        2 => Some(true),
        _ => return Err(DecodeError::Damaged("read-only")),
    };
    let flags = input.byte("flags")?;
    let account = input
        .text("account")?
        .parse()
        .map_err(|_| DecodeError::Damaged("account"))?;
    let region = input
        .text("region")?
        .parse()
        .map_err(|_| DecodeError::Damaged("region"))?;
    let (source, name) = (input.string("source")?, input.string("name")?);
    let event_type = input.string("event type")?;
    let (username, access_key_id) = (input.text_opt("username")?, input.text_opt("access key")?);
    let (identity_arn, invoked_by) = (input.text_opt("identity")?, input.text_opt("invoked by")?);
    let (error_code, vpc_endpoint_id) = (input.text_opt("error")?, input.text_opt("endpoint")?);
    let mut resources = Vec::new();
    for _ in 0..input.len("resources", LIST_LEN_MAX)? {
        resources.push(Resource {
            kind: input.text_opt("resource type")?,
            arn: input.text_opt("resource ARN")?,
            account: input.text_opt("resource account")?,
            is_prefix: input.byte("resource flag")? == 1,
        });
    }
    let mut lookup_resources = Vec::new();
    for _ in 0..input.len("look-up resources", LIST_LEN_MAX)? {
        lookup_resources.push(LookupResource {
            kind: input.text_opt("resource type")?,
            name: input.string("resource name")?,
        });
    }
    let keys = EventKeys {
        id,
        time,
        category,
        account,
        region,
        source,
        name,
        event_type,
        read_only,
        global_service: flags & 1 != 0,
        username,
        access_key_id,
        identity_arn,
        invoked_by,
        error_code,
        vpc_endpoint_id,
        from_console: flags & 2 != 0,
        resources,
        lookup_resources,
    };
    Ok(Event {
        keys,
        json: stored.slice(input.at..),
    })
}

fn category_code(category: EventCategory) -> u8 {
    match category {
        EventCategory::Management => 1,
        EventCategory::Data => 2,
        EventCategory::NetworkActivity => 3,
        EventCategory::Insight => 4,
        EventCategory::Aggregated => 5,
    }
}

fn category_from(code: u8) -> Option<EventCategory> {
    Some(match code {
        1 => EventCategory::Management,
        2 => EventCategory::Data,
        3 => EventCategory::NetworkActivity,
        4 => EventCategory::Insight,
        5 => EventCategory::Aggregated,
        _ => return None,
    })
}

/// Lengths are LEB128: seven bits a byte, lowest first.
fn put_len(out: &mut Vec<u8>, mut len: usize) {
    while len >= 0x80 {
        out.push((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// An absent text is length 0; a present one is its length plus one.
fn put_text_opt(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => out.push(0),
        Some(text) => {
            put_len(out, text.len() + 1);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let end = self
            .at
            .checked_add(len)
            .ok_or(DecodeError::Damaged(field))?;
        let taken = self
            .bytes
            .get(self.at..end)
            .ok_or(DecodeError::Damaged(field))?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(self.take(1, field)?[0])
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        self.take(N, field)?
            .try_into()
            .map_err(|_| DecodeError::Damaged(field))
    }

    fn len(&mut self, field: &'static str, max: usize) -> Result<usize, DecodeError> {
        let mut len = 0_usize;
        for shift in (0..28).step_by(7) {
            let byte = self.byte(field)?;
            len |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if len <= max {
                    Ok(len)
                } else {
                    Err(DecodeError::Damaged(field))
                };
            }
        }
        Err(DecodeError::Damaged(field))
    }

    fn text(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        let len = self.len(field, usize::MAX)?;
        std::str::from_utf8(self.take(len, field)?).map_err(|_| DecodeError::Damaged(field))
    }

    fn string(&mut self, field: &'static str) -> Result<String, DecodeError> {
        self.text(field).map(str::to_owned)
    }

    fn text_opt(&mut self, field: &'static str) -> Result<Option<String>, DecodeError> {
        let Some(len) = self.len(field, usize::MAX)?.checked_sub(1) else {
            return Ok(None);
        };
        let text =
            std::str::from_utf8(self.take(len, field)?).map_err(|_| DecodeError::Damaged(field))?;
        Ok(Some(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Event {
        Event {
            keys: EventKeys {
                id: Uuid::from_u128(7),
                time: Timestamp::from_second(1_800_000_000).unwrap(),
                category: EventCategory::Data,
                account: "123456789012".parse().unwrap(),
                region: "eu-central-1".parse().unwrap(),
                source: "s3.amazonaws.com".into(),
                name: "PutObject".into(),
                event_type: "AwsApiCall".into(),
                read_only: Some(false),
                global_service: true,
                username: Some(String::new()),
                access_key_id: Some("AKIAEXAMPLE".into()),
                identity_arn: None,
                invoked_by: None,
                error_code: Some("AccessDenied".into()),
                vpc_endpoint_id: None,
                from_console: false,
                resources: vec![Resource {
                    kind: Some("AWS::S3::Object".into()),
                    arn: Some("arn:aws:s3:::b/k".into()),
                    account: None,
                    is_prefix: true,
                }],
                lookup_resources: vec![LookupResource {
                    kind: None,
                    name: "b".into(),
                }],
            },
            json: Bytes::from_static(b"{\"eventVersion\":\"1.11\"}"),
        }
    }

    #[test]
    fn an_event_survives_being_stored() {
        assert_eq!(decode(&encode(&sample())), Ok(sample()));
    }

    #[test]
    fn a_cut_event_is_damaged_not_a_panic() {
        let whole = encode(&sample());
        for len in 0..whole.len() - sample().json.len() {
            assert!(decode(&whole.slice(..len)).is_err(), "cut at {len}");
        }
        assert_eq!(
            decode(&Bytes::from_static(b"\x09")),
            Err(DecodeError::UnknownVersion(9))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = decode(&Bytes::from(bytes.clone()));
            if let Some(first) = bytes.first_mut() { *first = VERSION; }
            let _ = decode(&Bytes::from(bytes));
        }

        #[test]
        fn any_texts_survive(username in proptest::option::of(".*"), name in ".*", json in ".*") {
            let mut event = sample();
            event.keys.username = username;
            event.keys.name = name;
            event.json = Bytes::from(json.into_bytes());
            prop_assert_eq!(decode(&encode(&event)), Ok(event));
        }
    }
}

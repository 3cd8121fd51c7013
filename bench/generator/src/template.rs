//! A real event with places in it that are filled anew for each event made of it.

use std::io::Read;

use anyhow::{Context, bail};
use pugmark_core::event::record::{self, ORDER, Place};
use serde_json::{Map, Value, json};

/// The events that are taken when no others are given.
const BUILTIN: &[u8] = include_bytes!("../data/templates.ndjson.gz");
/// Private characters that stand for a place while the event is text.
const MARKS: u32 = 0xe000;
const NAME_MARKS: u32 = 0xe010;
const NAMES_MAX: usize = 8;

/// A place in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    EventId,
    Time,
    RequestId,
    SharedId,
    Identity,
    Address,
    Agent,
    Account,
    Region,
    /// The name of a resource, by its number within the event.
    Name(usize),
}

const SLOTS: [Slot; 9] = [
    Slot::EventId,
    Slot::Time,
    Slot::RequestId,
    Slot::SharedId,
    Slot::Identity,
    Slot::Address,
    Slot::Agent,
    Slot::Account,
    Slot::Region,
];

#[derive(Debug)]
pub(crate) enum Piece {
    Text(String),
    Slot(Slot),
}

/// A real event.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) source: String,
    pub(crate) is_error: bool,
    pub(crate) is_global: bool,
    /// Names of resources, as they stand in the real event.
    pub(crate) names: Vec<String>,
    pub(crate) agent: Option<String>,
    pub(crate) bytes: usize,
}

/// The templates that come with this program.
pub(crate) fn builtin() -> anyhow::Result<Vec<Template>> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(BUILTIN).read_to_string(&mut text)?;
    text.lines()
        .map(|line| Template::of(serde_json::from_str(line)?))
        .collect()
}

/// Those made of each distinct event in the files of a folder.
pub(crate) fn from_folder(folder: &std::path::Path) -> anyhow::Result<Vec<Template>> {
    let (mut found, mut folders) = (std::collections::BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            let document: Value = serde_json::from_slice(&text)
                .with_context(|| format!("{} is not JSON", path.display()))?;
            let events = match document {
                Value::Array(events) => events,
                Value::Object(mut object) => match object.get_mut("Records") {
                    Some(Value::Array(events)) => std::mem::take(events),
                    _ => vec![Value::Object(object)],
                },
                _ => bail!("{} holds no events", path.display()),
            };
            for event in events {
                if event.get("userIdentity").is_some_and(Value::is_object) {
                    found.insert(event["eventID"].to_string(), event);
                }
            }
        }
    }
    if found.is_empty() {
        bail!("{} holds no events", folder.display());
    }
    found.into_values().map(Template::of).collect()
}

impl Template {
    fn of(event: Value) -> anyhow::Result<Self> {
        let Value::Object(mut event) = event else {
            bail!("a template is not an object");
        };
        let place = Place {
            account: Some("000000000000".parse()?),
            region: Some("us-east-1".parse()?),
        };
        let keys = record::read(serde_json::to_vec(&event)?.into(), &place)
            .with_context(|| format!("template {}", event.get("eventID").unwrap_or(&Value::Null)))?
            .event
            .keys;
        let agent = event
            .get("userAgent")
            .and_then(Value::as_str)
            .map(str::to_owned);
        for (member, slot) in [
            ("eventID", Slot::EventId),
            ("eventTime", Slot::Time),
            ("requestID", Slot::RequestId),
            ("sharedEventID", Slot::SharedId),
            ("userIdentity", Slot::Identity),
            ("sourceIPAddress", Slot::Address),
            ("userAgent", Slot::Agent),
            ("awsRegion", Slot::Region),
            ("recipientAccountId", Slot::Account),
        ] {
            let is_slot = !(slot == Slot::Region && keys.global_service);
            if is_slot && event.get(member).is_some_and(|value| !value.is_null()) {
                event.insert(member.to_owned(), mark(slot).to_string().into());
            }
        }
        event.insert(
            "recipientAccountId".into(),
            mark(Slot::Account).to_string().into(),
        );
        let mut text = serde_json::to_string(&in_order(event))?;
        text = text.replace(keys.account.as_str(), &mark(Slot::Account).to_string());
        if !keys.global_service {
            text = text.replace(keys.region.as_str(), &mark(Slot::Region).to_string());
        }
        let mut names: Vec<String> = Vec::new();
        for resource in &keys.lookup_resources {
            let name = &resource.name;
            let is_plain = name.len() >= 4 && !name.contains([':', '/', '"', '\\']);
            if is_plain && names.len() < NAMES_MAX && !names.contains(name) {
                text = with_name(&text, name, mark(Slot::Name(names.len())));
                names.push(name.clone());
            }
        }
        Ok(Self {
            bytes: text.len(),
            pieces: pieces(&text),
            source: keys.source,
            is_error: keys.error_code.is_some(),
            is_global: keys.global_service,
            names,
            agent,
        })
    }
}

fn mark(slot: Slot) -> char {
    let number = match slot {
        Slot::Name(number) => NAME_MARKS + number as u32,
        other => {
            let at = SLOTS.iter().position(|slot| *slot == other);
            MARKS + at.expect("all slots but names are listed") as u32
        }
    };
    char::from_u32(number).expect("the marks are in the private area")
}

fn slot(mark: char) -> Option<Slot> {
    let number = u32::from(mark);
    if (NAME_MARKS..NAME_MARKS + NAMES_MAX as u32).contains(&number) {
        return Some(Slot::Name((number - NAME_MARKS) as usize));
    }
    SLOTS.get(number.checked_sub(MARKS)? as usize).copied()
}

fn in_order(mut event: Map<String, Value>) -> Value {
    let mut ordered = Map::new();
    for name in ORDER {
        if let Some(value) = event.remove(*name) {
            ordered.insert((*name).to_owned(), value);
        }
    }
    ordered.extend(event);
    json!(ordered)
}

/// The text with each whole occurrence of a name marked, where it is a value or part of one.
fn with_name(text: &str, name: &str, mark: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let is_whole =
            !before.ends_with(is_part) && !after.starts_with(is_part) && !after.starts_with("\":");
        out.push_str(before);
        if is_whole {
            out.push(mark);
        } else {
            out.push_str(name);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The text cut at its marks. The identity's mark is a text in the event and becomes an object: its quotes go.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut begin = 0;
    let put = |text: &str, pieces: &mut Vec<Piece>| {
        let text = match pieces.last() {
            Some(Piece::Slot(Slot::Identity)) => text.strip_prefix('"').unwrap_or(text),
            _ => text,
        };
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
    };
    for (at, c) in text.char_indices() {
        let Some(slot) = slot(c) else { continue };
        let before = &text[begin..at];
        let before = match slot {
            Slot::Identity => before.strip_suffix('"').unwrap_or(before),
            _ => before,
        };
        put(before, &mut pieces);
        pieces.push(Piece::Slot(slot));
        begin = at + c.len_utf8();
    }
    put(&text[begin..], &mut pieces);
    pieces
}

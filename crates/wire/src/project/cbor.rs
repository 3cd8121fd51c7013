//! CBOR bodies (Smithy RPC v2): RFC 8949, definite and indefinite lengths, read along the model's shapes.

use super::{NESTING_MAX, ProjectError, found, scalar};
use crate::{
    catalogue::{Kind, Shape},
    value::Value,
};

const MALFORMED: ProjectError = ProjectError::Malformed("CBOR");

/// A structure's members in a body; an empty body has none.
pub(super) fn structure(shape: Shape, body: &[u8]) -> Result<Value, ProjectError> {
    if body.is_empty() {
        return Ok(Value::Structure(Vec::new()));
    }
    of_shape(shape, item(&mut Input(body), 0)?)
}

/// An item of the body. Byte strings keep their length only.
pub(super) enum Item {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Bytes(u64),
    Epoch(f64),
    List(Vec<Item>),
    Map(Vec<(String, Item)>),
}

/// The whole body as one item; for errors, whose shape is not known before.
pub(super) fn parse(body: &[u8]) -> Result<Item, ProjectError> {
    item(&mut Input(body), 0)
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: u64) -> Result<&'a [u8], ProjectError> {
        let len = usize::try_from(len)
            .ok()
            .filter(|len| *len <= self.0.len())
            .ok_or(MALFORMED)?;
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, ProjectError> {
        Ok(self.take(1)?[0])
    }

    fn unsigned(&mut self, bytes: u64) -> Result<u64, ProjectError> {
        Ok(self
            .take(bytes)?
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The argument of an initial byte; `None` means an indefinite length.
    fn argument(&mut self, info: u8) -> Result<Option<u64>, ProjectError> {
        Ok(match info {
            0..=23 => Some(u64::from(info)),
            24..=27 => Some(self.unsigned(1 << (info - 24))?),
            31 => None,
            _ => return Err(MALFORMED),
        })
    }

    /// Whether another element follows; `left` counts a definite length down.
    fn more(&mut self, left: &mut Option<u64>) -> Result<bool, ProjectError> {
        match left {
            Some(0) => Ok(false),
            Some(count) => {
                *count -= 1;
                Ok(true)
            }
            None if self.0.first() == Some(&0xff) => {
                self.byte()?;
                Ok(false)
            }
            None => Ok(true),
        }
    }
}

fn item(input: &mut Input<'_>, depth: usize) -> Result<Item, ProjectError> {
    if depth > NESTING_MAX {
        return Err(MALFORMED);
    }
    let initial = input.byte()?;
    let (major, info) = (initial >> 5, initial & 0x1f);
    let argument = input.argument(info)?;
    Ok(match (major, argument) {
        (0, Some(number)) => whole(number, false),
        (1, Some(number)) => whole(number, true),
        (2, _) => Item::Bytes(chunks(input, argument, 2)?.len() as u64),
        (3, _) => {
            Item::Text(String::from_utf8(chunks(input, argument, 3)?).map_err(|_| MALFORMED)?)
        }
        (4, mut left) => {
            let mut list = Vec::new();
            while input.more(&mut left)? {
                list.push(item(input, depth + 1)?);
            }
            Item::List(list)
        }
        (5, mut left) => {
            let mut map = Vec::new();
            while input.more(&mut left)? {
                let Item::Text(key) = item(input, depth + 1)? else {
                    return Err(MALFORMED);
                };
                map.push((key, item(input, depth + 1)?));
            }
            Item::Map(map)
        }
        // Tag 1 is a moment; other tags say nothing that a record shows.
        (6, Some(tag)) => match (tag, item(input, depth + 1)?) {
            (1, Item::Integer(seconds)) => Item::Epoch(seconds as f64),
            (1, Item::Float(seconds)) => Item::Epoch(seconds),
            (_, inner) => inner,
        },
        (7, Some(bits)) => match info {
            20 => Item::Bool(false),
            21 => Item::Bool(true),
            25 => Item::Float(half(bits as u16)),
            26 => Item::Float(f64::from(f32::from_bits(bits as u32))),
            27 => Item::Float(f64::from_bits(bits)),
            _ => Item::Null,
        },
        _ => return Err(MALFORMED),
    })
}

fn whole(number: u64, negative: bool) -> Item {
    match (i64::try_from(number), negative) {
        (Ok(number), false) => Item::Integer(number),
        (Ok(number), true) => Item::Integer(-1 - number),
        (Err(_), false) => Item::Float(number as f64),
        (Err(_), true) => Item::Float(-1.0 - number as f64),
    }
}

/// A byte or text string, whole or in chunks.
fn chunks(input: &mut Input<'_>, length: Option<u64>, major: u8) -> Result<Vec<u8>, ProjectError> {
    if let Some(length) = length {
        return Ok(input.take(length)?.to_vec());
    }
    let mut joined = Vec::new();
    loop {
        let initial = input.byte()?;
        if initial == 0xff {
            return Ok(joined);
        }
        if initial >> 5 != major {
            return Err(MALFORMED);
        }
        let length = input.argument(initial & 0x1f)?.ok_or(MALFORMED)?;
        joined.extend_from_slice(input.take(length)?);
    }
}

/// IEEE 754 half precision (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

fn of_shape(shape: Shape, item: Item) -> Result<Value, ProjectError> {
    Ok(match (shape.kind(), item) {
        (_, Item::Null) => Value::Null,
        _ if shape.is_sensitive() => Value::Hidden,
        (Kind::Structure, Item::Map(map)) => {
            let mut members = Vec::new();
            for (key, item) in map {
                let Some(member) = shape.members().find(|member| member.wire_name() == key) else {
                    continue;
                };
                let Some(content) = member.shape() else {
                    continue;
                };
                members.push(found(member, of_shape(content, item)?));
            }
            Value::Structure(members)
        }
        (Kind::Structure, _) => return Err(MALFORMED),
        (Kind::List, Item::List(list)) => {
            match shape.members().next().and_then(|member| member.shape()) {
                Some(content) => Value::List(
                    list.into_iter()
                        .map(|item| of_shape(content, item))
                        .collect::<Result<_, _>>()?,
                ),
                None => Value::Null,
            }
        }
        (Kind::Map, _) if shape.has_sensitive_keys() => Value::Hidden,
        (Kind::Map, Item::Map(map)) => {
            match shape.members().nth(1).and_then(|member| member.shape()) {
                Some(content) => Value::Map(
                    map.into_iter()
                        .map(|(key, item)| Ok((key, of_shape(content, item)?)))
                        .collect::<Result<_, ProjectError>>()?,
                ),
                None => Value::Null,
            }
        }
        (_, Item::Bool(truth)) => Value::Bool(truth),
        (Kind::Timestamp, Item::Integer(seconds)) => {
            scalar::epoch(seconds as f64).unwrap_or(Value::Integer(seconds))
        }
        (_, Item::Integer(number)) => Value::Integer(number),
        (_, Item::Float(number)) => Value::Float(number),
        (_, Item::Text(text)) => Value::String(text),
        (_, Item::Bytes(length)) => Value::Blob(length),
        (_, Item::Epoch(seconds)) => scalar::epoch(seconds).unwrap_or(Value::Float(seconds)),
        // Of another kind than the model says, and too deep for a scalar: nothing that can be shown safely.
        (_, Item::List(_) | Item::Map(_)) => Value::Null,
    })
}

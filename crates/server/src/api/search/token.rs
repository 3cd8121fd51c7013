//! Where the next page begins, as a text that fits no other question.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pugmark_table::Rank;
use serde_json::Value;

use super::super::{ApiError, Caller};

const VERSION: u8 = 2;
const HASH_BYTES: usize = 16;
/// Members that may differ between pages.
const FREE: [&str; 3] = ["NextToken", "MaxResults", "WaitSeconds"];

pub(super) fn text(caller: &Caller, input: &Value, next: Rank) -> String {
    let mut bytes = vec![VERSION, next.origin];
    bytes.extend(next.time.to_le_bytes());
    bytes.extend(next.seq.to_le_bytes());
    let hash = hash(caller, input, &bytes);
    bytes.extend(hash);
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn parse(caller: &Caller, input: &Value, text: &str) -> Result<Rank, ApiError> {
    let parsed = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (place, checksum) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
        let ([version, origin], numbers) = place.split_first_chunk()?;
        let (time, seq) = numbers.split_first_chunk()?;
        if *version != VERSION || hash(caller, input, place) != *checksum {
            return None;
        }
        Some(Rank {
            time: i64::from_le_bytes(*time),
            origin: *origin,
            seq: u64::from_le_bytes(seq.try_into().ok()?),
        })
    };
    parsed().ok_or_else(|| {
        ApiError::new(
            "InvalidNextTokenException",
            "The token is not valid, or the other parameters are not those of the call that returned it.",
        )
    })
}

/// Checksum of a place in the answer to this question. It protects against mistakes, not against forgery: a forged place
/// shows its maker nothing that a call without a token would not.
fn hash(caller: &Caller, input: &Value, place: &[u8]) -> [u8; HASH_BYTES] {
    let mut parameters = String::new();
    for part in [caller.account.as_str(), caller.region.as_str()] {
        parameters.push_str(part);
        parameters.push(' ');
    }
    canonical(input, true, &mut parameters);
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(place);
    context.update(parameters.as_bytes());
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(&context.finish().as_ref()[..HASH_BYTES]);
    hash
}

/// JSON with members in the order of their names: clients may send them in any. The parser has bounded its depth.
fn canonical(value: &Value, is_input: bool, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members
                .iter()
                .filter(|(name, value)| {
                    let is_free = is_input && FREE.contains(&name.as_str());
                    !is_free && !value.is_null()
                })
                .collect();
            members.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in members {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                canonical(value, false, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, false, out);
                out.push(',');
            }
            out.push(']');
        }
        // 1 and 1.0 are the same time.
        Value::Number(number) => {
            out.push_str(&number.as_f64().unwrap_or_default().to_string());
        }
        other => out.push_str(&other.to_string()),
    }
}

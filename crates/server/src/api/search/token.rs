//! The token of a page: any member of the question binds it but those that may differ between pages.

use pugmark_table::Rank;
use serde_json::Value;

use super::super::{ApiError, Caller, token};

const VERSION: u8 = 2;
/// Members that may differ between pages.
const FREE: [&str; 3] = ["NextToken", "MaxResults", "WaitSeconds"];

pub(super) fn text(caller: &Caller, input: &Value, next: Rank) -> String {
    let mut place = vec![VERSION, next.origin];
    place.extend(next.time.to_le_bytes());
    place.extend(next.seq.to_le_bytes());
    token::seal(place, &parameters(caller, input))
}

pub(super) fn parse(caller: &Caller, input: &Value, text: &str) -> Result<Rank, ApiError> {
    token::open(text, &parameters(caller, input), |place| {
        let ([version, origin], numbers) = place.split_first_chunk()?;
        let (time, seq) = numbers.split_first_chunk()?;
        (*version == VERSION).then_some(Rank {
            time: i64::from_le_bytes(*time),
            origin: *origin,
            seq: u64::from_le_bytes(seq.try_into().ok()?),
        })
    })
}

fn parameters(caller: &Caller, input: &Value) -> String {
    let mut parameters = format!("{} {} ", caller.account.as_str(), caller.region.as_str());
    canonical(input, true, &mut parameters);
    parameters
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

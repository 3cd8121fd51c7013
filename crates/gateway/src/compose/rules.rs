//! Why a call is recorded as it is: the lines of the tables that speak of it.

use pugmark_core::account::Region;
use pugmark_wire::{recognize::Call, value::Value};

use super::{class, classify, render, tables};

/// Deepest nesting that is described.
const NESTING_MAX: usize = 32;

/// The rules that apply to a call beyond what its model says, in words, in the order of the record's fields.
pub fn rules(
    call: &Call,
    host: &str,
    bucket_host: &str,
    region: &Region,
    request: Option<&Value>,
) -> Vec<String> {
    let class = classify(call, host, bucket_host, region);
    let (service, operation) = (call.service.id(), call.operation.name());
    let is = |(id, name): &(&str, &str)| *id == service && *name == operation;
    let mut rules = Vec::new();
    let mut say = |applies: bool, rule: String| {
        if applies {
            rules.push(rule);
        }
    };
    say(
        tables::EVENT_SOURCES.iter().any(|(id, _)| *id == service),
        format!(
            "eventSource is {}, not {}.amazonaws.com",
            class.event_source,
            call.service.endpoint_prefix()
        ),
    );
    say(
        class.event_name != operation,
        format!("eventName is {}, not {operation}", class.event_name),
    );
    say(
        class.global_service,
        format!(
            "{service} is a global service: its events stand in {}",
            class.region.as_str()
        ),
    );
    let by = if tables::WRITES.iter().any(is) {
        "listed as a write although its name reads"
    } else if tables::READS.iter().any(is) {
        "listed as a read although its name does not say so"
    } else if call.operation.read_only() {
        "the model says read-only"
    } else if class.read_only {
        "its name begins like a read"
    } else {
        "neither model nor name says that it only reads"
    };
    say(true, format!("readOnly is {}: {by}", class.read_only));
    let mut kinds: Vec<&str> = class::data_events(call.operation)
        .map(|line| line.kind)
        .collect();
    kinds.dedup();
    say(
        !kinds.is_empty(),
        format!(
            "a data event of resources.type {}; only trails with a selector for it record it",
            kinds.join(" or ")
        ),
    );
    say(
        render::is_raw(call),
        "names and moments stay as they are on the wire".to_owned(),
    );
    let style = tables::TIME_STYLES.iter().find(|(id, _)| *id == service);
    if let Some((_, style)) = style {
        say(true, format!("moments are printed as {style:?}"));
    }
    say(
        !class.read_only && tables::WRITES_WITHOUT_RESPONSE.iter().any(is),
        "responseElements stay null: the answer holds the caller's data".to_owned(),
    );
    say(
        class.read_only && tables::READS_WITH_RESPONSE.iter().any(is),
        "responseElements are recorded although it only reads".to_owned(),
    );
    if let Some(request) = request {
        redactions(call, request, "", &mut String::new(), 0, &mut rules);
    }
    rules
}

/// Names each member whose content does not enter the record.
fn redactions(
    call: &Call,
    value: &Value,
    within: &str,
    path: &mut String,
    depth: usize,
    rules: &mut Vec<String>,
) {
    if depth > NESTING_MAX {
        return;
    }
    match value {
        Value::Structure(members) => {
            for member in members {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(member.name);
                let treatment = tables::treatment(
                    call.service.id(),
                    call.operation.name(),
                    within,
                    member.name,
                );
                let why = match (treatment, &member.value) {
                    (Some(treatment), _) => Some(format!("listed as {treatment:?}")),
                    (None, Value::Hidden) => Some("the model marks it sensitive".to_owned()),
                    (None, Value::Stream) => Some("a payload is not recorded".to_owned()),
                    (None, Value::Blob(bytes)) => Some(format!("a blob of {bytes} bytes")),
                    _ => None,
                };
                match why {
                    Some(why) => rules.push(format!("{path} is not recorded as sent: {why}")),
                    None => redactions(call, &member.value, member.name, path, depth + 1, rules),
                }
                path.truncate(length);
            }
        }
        Value::List(items) => {
            // One item stands for all: they have the same shape.
            if let Some(first) = items.first() {
                let length = path.len();
                path.push_str("[]");
                redactions(call, first, within, path, depth + 1, rules);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

//! Events as lines of a table. Described in `docs/formats.md`, "Exported CSV".

use pugmark_core::clock::iso_seconds;
use pugmark_table::Found;
use serde::Deserialize;
use serde_json::Value;

use super::origin_name;

const COLUMNS: [&str; 23] = [
    "eventTime",
    "eventID",
    "eventCategory",
    "eventType",
    "eventSource",
    "eventName",
    "awsRegion",
    "recipientAccountId",
    "origin",
    "readOnly",
    "username",
    "userIdentity.type",
    "userIdentity.arn",
    "userIdentity.accessKeyId",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "resourceTypes",
    "resourceNames",
    "requestParameters",
    "responseElements",
    "requestID",
];

/// What stands in the record only.
#[derive(Deserialize, Default)]
struct Rest {
    #[serde(rename = "userIdentity", default)]
    identity: Value,
    #[serde(rename = "sourceIPAddress", default)]
    source_ip: Value,
    #[serde(rename = "userAgent", default)]
    user_agent: Value,
    #[serde(rename = "errorMessage", default)]
    error_message: Value,
    #[serde(rename = "requestParameters", default)]
    parameters: Value,
    #[serde(rename = "responseElements", default)]
    elements: Value,
    #[serde(rename = "requestID", default)]
    request_id: Value,
}

/// The line of column names.
pub(super) fn head() -> String {
    let mut line = COLUMNS.join(",");
    line.push_str("\r\n");
    line
}

/// Adds an event's line.
pub(super) fn write(found: &Found, out: &mut String) {
    let keys = &found.event.keys;
    let rest: Rest = serde_json::from_slice(&found.event.json).unwrap_or_default();
    let joined = |texts: Vec<&str>| texts.join(" ");
    let resources = &keys.lookup_resources;
    let kinds = resources.iter().filter_map(|it| it.kind.as_deref());
    let read_only = keys.read_only.map(|flag| flag.to_string());
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells: [String; 23] = [
        iso_seconds(keys.time),
        keys.id.to_string(),
        keys.category.as_str().to_owned(),
        keys.event_type.clone(),
        keys.source.clone(),
        keys.name.clone(),
        keys.region.to_string(),
        keys.account.to_string(),
        origin_name(found.origin).to_owned(),
        read_only.unwrap_or_default(),
        optional(&keys.username),
        text(&rest.identity["type"]),
        optional(&keys.identity_arn),
        optional(&keys.access_key_id),
        text(&rest.source_ip),
        text(&rest.user_agent),
        optional(&keys.error_code),
        text(&rest.error_message),
        joined(kinds.collect()),
        joined(resources.iter().map(|it| it.name.as_str()).collect()),
        text(&rest.parameters),
        text(&rest.elements),
        text(&rest.request_id),
    ];
    for (index, value) in cells.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        cell(value, out);
    }
    out.push_str("\r\n");
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A cell in quotation marks. What a spreadsheet would take for a formula gets an apostrophe before it (OWASP, "CSV
/// Injection"): events hold what callers sent.
fn cell(value: &str, out: &mut String) {
    out.push('"');
    let first = value
        .trim_start_matches([' ', '\u{a0}', '\u{feff}'])
        .chars()
        .next();
    if matches!(
        first,
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
    ) {
        out.push('\'');
    }
    for letter in value.chars() {
        match letter {
            '"' => out.push_str("\"\""),
            // A spreadsheet ends its text there.
            '\0' => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_no_other_cell() {
        for (value, expected) in [
            ("alice", "\"alice\""),
            ("", "\"\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@a", "\"'@a\""),
            ("\t=1", "\"'\t=1\""),
            ("  =1", "\"'  =1\""),
            ("＝1", "\"'＝1\""),
            ("a,b\r\n=c", "\"a,b\r\n=c\""),
            ("a\0b", "\"a\u{fffd}b\""),
        ] {
            let mut out = String::new();
            cell(value, &mut out);
            assert_eq!(out, expected);
        }
    }
}

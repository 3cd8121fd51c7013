//! Reads the lines of `conformance/catalogue/generate.py` from standard input and tells how many requests were
//! recognised as the operation that made them, and in how many every parameter was found again.
//!
//! Ends with status 1 when a line was not recognised rightly. `--show N` prints the first N faults of each kind.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use pugmark_wire::{
    catalogue::{Catalogue, Protocol},
    project::{self, ProjectError},
    recognize::{Call, ambiguity, recognize},
    value::Value,
};
use serde_json::{Value as Json, json};

/// Services that answer the same requests under the same signing name; any of them is right.
const TWINS: [&[&str]; 5] = [
    &["rds", "docdb", "neptune"],
    &["greengrass", "greengrassv2"],
    &["pinpoint-sms-voice", "sms-voice"],
    &["qconnect", "wisdom"],
    &["signer", "signer-data"],
];

#[derive(Default)]
struct Tally {
    lines: usize,
    ambiguous: usize,
    recognised: usize,
    found: usize,
    recognise_time: Duration,
    project_time: Duration,
    /// Kind of fault: how often, and the first examples.
    faults: BTreeMap<&'static str, (usize, Vec<String>)>,
}

impl Tally {
    fn fault(&mut self, kind: &'static str, text: impl FnOnce() -> String, show: usize) {
        let (count, examples) = self.faults.entry(kind).or_default();
        *count += 1;
        if examples.len() < show {
            examples.push(text());
        }
    }
}

fn main() -> std::process::ExitCode {
    let show = std::env::args()
        .skip_while(|it| it != "--show")
        .nth(1)
        .and_then(|it| it.parse().ok())
        .unwrap_or(20);
    let mut tally = Tally::default();
    for line in std::io::stdin().lock().lines() {
        let line: Json = serde_json::from_str(&line.unwrap()).unwrap();
        check(&mut tally, &line, show);
    }
    let mut out = std::io::stdout().lock();
    for (kind, (count, examples)) in &tally.faults {
        let _ = writeln!(out, "{kind}: {count}");
        examples
            .iter()
            .for_each(|example| drop(writeln!(out, "  {example}")));
    }
    let each = |time: Duration| time.as_nanos() / tally.lines.max(1) as u128;
    let _ = writeln!(
        out,
        "{} requests: {} recognised ({} as a twin), {} with every parameter; {} ns to recognise, {} ns to project",
        tally.lines,
        tally.recognised,
        tally.ambiguous,
        tally.found,
        each(tally.recognise_time),
        each(tally.project_time)
    );
    if tally.recognised == tally.lines {
        std::process::ExitCode::SUCCESS
    } else {
        std::process::ExitCode::FAILURE
    }
}

fn check(tally: &mut Tally, line: &Json, show: usize) {
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    let title = format!(
        "{}:{} {} {}",
        text("service"),
        text("operation"),
        text("protocol"),
        text("variant")
    );
    if !line["status"].is_null() {
        return check_answer(tally, line, &title, show);
    }
    let url: http::Uri = text("url").parse().unwrap();
    let target = url.path_and_query().map_or("/", |it| it.as_str());
    let mut request = http::Request::builder().method(text("method")).uri(target);
    for (name, value) in line["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap().as_bytes());
    }
    let parts = request
        .header("host", url.authority().unwrap().as_str())
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let body = STANDARD.decode(text("body")).unwrap();
    tally.lines += 1;
    let start = Instant::now();
    let call = recognize(&parts, &body, line["signing"].as_str());
    tally.recognise_time += start.elapsed();
    let Some(call) = call else {
        return tally.fault(
            "not recognised",
            || format!("{title}: {} {target}", text("method")),
            show,
        );
    };
    let (service, wanted) = (call.service.id(), text("service"));
    // Two names of one request: S3's lifecycle and notification operations and their successors.
    let name = call.operation.name();
    let is_successor =
        service == "s3" && name.strip_suffix("Configuration") == Some(text("operation"));
    let is_twin = TWINS
        .iter()
        .any(|twins| twins.contains(&service) && twins.contains(&wanted));
    let is_ambiguous = if service == wanted {
        is_successor
    } else {
        is_twin
    };
    if is_ambiguous {
        tally.ambiguous += 1;
    } else if service != wanted || name != text("operation") {
        return tally.fault(
            "wrong operation",
            || format!("{title}: {:?} {} {target}", call.operation, text("method")),
            show,
        );
    }
    // What clients write must not be refused.
    if let Some(ambiguity) = ambiguity(&parts, &body, Some(&call)) {
        return tally.fault("refused", || format!("{title}: {ambiguity}"), show);
    }
    tally.recognised += 1;
    let start = Instant::now();
    let value = project::request(&call, &parts, &body);
    tally.project_time += start.elapsed();
    compare(tally, value, line, &title, show);
}

fn check_answer(tally: &mut Tally, line: &Json, title: &str, show: usize) {
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    let service = Catalogue::builtin().service(text("service")).unwrap();
    let operation = service.operation(text("operation")).unwrap();
    let protocol = match text("protocol") {
        "query" => Protocol::Query,
        "ec2" => Protocol::Ec2,
        "rest-json" => Protocol::RestJson,
        "rest-xml" => Protocol::RestXml,
        "smithy-rpc-v2-cbor" => Protocol::Cbor,
        _ => Protocol::Json11,
    };
    let call = Call {
        service,
        operation,
        protocol,
        labels: Vec::new(),
    };
    let mut headers = http::HeaderMap::new();
    for (name, value) in line["headers"].as_object().unwrap() {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(
            name,
            http::HeaderValue::from_bytes(value.as_str().unwrap().as_bytes()).unwrap(),
        );
    }
    let body = STANDARD.decode(text("body")).unwrap();
    let start = Instant::now();
    let value = project::response(&call, http::StatusCode::OK, &headers, &body);
    tally.project_time += start.elapsed();
    tally.lines += 1;
    tally.recognised += 1;
    compare(tally, value, line, title, show);
}

fn compare(
    tally: &mut Tally,
    value: Result<Value, ProjectError>,
    line: &Json,
    title: &str,
    show: usize,
) {
    let Ok(value) = value else {
        return tally.fault("not projected", || format!("{title}: {value:?}"), show);
    };
    let (found, expected) = (bare(shown(&value)), bare(line["expected"].clone()));
    match difference(&expected, &found, String::new()) {
        None => tally.found += 1,
        Some(difference) => tally.fault(
            "other parameters",
            || format!("{title}: {difference}"),
            show,
        ),
    }
}

/// A tree in the notation of the generator.
fn shown(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => json!(truth),
        Value::Integer(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::String(text) => json!(text),
        Value::Timestamp(time) => json!(time.to_string()),
        Value::Blob(length) => json!({ "$blob": length }),
        Value::Stream => json!("$stream"),
        Value::Hidden => json!("$hidden"),
        Value::List(list) => list.iter().map(shown).collect(),
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), shown(value)))
            .collect(),
        Value::Structure(members) => members
            .iter()
            .map(|it| (it.name.to_owned(), shown(&it.value)))
            .collect(),
    }
}

/// Without empty objects and lists: several protocols cannot say them.
fn bare(json: Json) -> Json {
    let is_empty = |json: &Json| {
        json.as_object().is_some_and(|it| it.is_empty())
            || json.as_array().is_some_and(|it| it.is_empty())
    };
    match json {
        Json::Object(object) => object
            .into_iter()
            .map(|(key, json)| (key, bare(json)))
            .filter(|(_, json)| !is_empty(json))
            .collect(),
        Json::Array(array) => array
            .into_iter()
            .map(bare)
            .filter(|json| !is_empty(json))
            .collect(),
        other => other,
    }
}

fn difference(expected: &Json, found: &Json, path: String) -> Option<String> {
    match (expected, found) {
        (Json::Object(wanted), Json::Object(have)) => {
            let missing = wanted.iter().find_map(|(key, json)| match have.get(key) {
                None => Some(format!("{path}.{key} is missing")),
                Some(other) => difference(json, other, format!("{path}.{key}")),
            });
            missing.or_else(|| {
                have.keys()
                    .find(|key| !wanted.contains_key(*key))
                    .map(|key| format!("{path}.{key} is too much"))
            })
        }
        (Json::Array(wanted), Json::Array(have)) if wanted.len() == have.len() => {
            let mut pairs = wanted.iter().zip(have).enumerate();
            pairs.find_map(|(at, (wanted, have))| difference(wanted, have, format!("{path}[{at}]")))
        }
        _ if expected == found => None,
        _ => Some(format!("{path}: expected {expected}, found {found}")),
    }
}

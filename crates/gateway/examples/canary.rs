//! Reads the lines of `conformance/catalogue/generate.py --canary` (requests, or answers with `--answers`) from standard
//! input, composes the record of each, and looks for the canary in it.
//!
//! Ends with status 1 when a sensitive member leaked, or when no line held a canary at all.

#![allow(clippy::unwrap_used)]

use std::io::BufRead;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pugmark_core::{account::Region, identity::Identity};
use pugmark_gateway::{
    compose::{AuthMethod, Facts, compose},
    explain::{Saved, explain},
};
use pugmark_wire::{catalogue::Catalogue, project, recognize::Call};
use serde_json::Value as Json;

/// The canary itself, and within base64.
const CANARIES: [&str; 4] = ["CANARY7F3A", "Q0FOQVJZN0Yz", "NBTkFSWTdGM", "DQU5BUlk3RjNB"];

fn main() -> std::process::ExitCode {
    let (mut lines, mut armed, mut leaks) = (0, 0, 0);
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let line: Json = serde_json::from_str(&line).unwrap();
        let body = STANDARD.decode(line["body"].as_str().unwrap()).unwrap();
        lines += 1;
        armed += usize::from(
            has_canary(&line.to_string()) || has_canary(&String::from_utf8_lossy(&body)),
        );
        let told = match line["status"].is_null() {
            true => request(&line, body),
            false => answer(&line, &body),
        };
        if let Some(told) = told.filter(|told| has_canary(told)) {
            leaks += 1;
            if leaks <= 20 {
                println!(
                    "{} {} {}: {told}",
                    line["service"], line["operation"], line["protocol"]
                );
            }
        }
    }
    println!("{lines} messages, {armed} of them with a canary, {leaks} leaked");
    match leaks == 0 && armed > 0 {
        true => std::process::ExitCode::SUCCESS,
        false => std::process::ExitCode::FAILURE,
    }
}

fn has_canary(text: &str) -> bool {
    CANARIES.iter().any(|canary| text.contains(canary))
}

/// The record and the explanation of a request.
fn request(line: &Json, body: Vec<u8>) -> Option<String> {
    let url: http::Uri = line["url"].as_str().unwrap().parse().unwrap();
    let target = url.path_and_query().map_or("/", |it| it.as_str());
    let mut request = http::Request::builder()
        .method(line["method"].as_str().unwrap())
        .uri(target)
        .header("host", url.authority().unwrap().as_str());
    if let Some(signing) = line["signing"].as_str() {
        let scope = format!("AKIAEXAMPLE/20260119/us-east-1/{signing}/aws4_request");
        let signature = "0".repeat(64);
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={signature}"
        );
        request = request
            .header("authorization", value)
            .header("x-amz-date", "20260119T211728Z");
    }
    for (name, value) in line["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap().as_bytes());
    }
    let saved = Saved {
        parts: request.body(()).unwrap().into_parts().0,
        body,
        response: None,
    };
    let explanation = explain(&saved, "123456789012".parse().unwrap(), &region());
    let keys = format!("{:?}", explanation.event.keys);
    let steps: Vec<String> = explanation
        .steps
        .into_iter()
        .map(|(_, step)| step)
        .collect();
    let record = String::from_utf8_lossy(&explanation.event.json).into_owned();
    Some(format!("{record} {keys} {}", steps.join("; ")))
}

/// The record of an answer.
fn answer(line: &Json, body: &[u8]) -> Option<String> {
    let service = Catalogue::builtin().service(line["service"].as_str().unwrap())?;
    let operation = service.operation(line["operation"].as_str().unwrap())?;
    let spoken = line["protocol"].as_str().unwrap();
    let protocol = service
        .protocols()
        .iter()
        .copied()
        .find(|protocol| named(*protocol).contains(&spoken))?;
    let call = Call {
        service,
        operation,
        protocol,
        labels: Vec::new(),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in line["headers"].as_object().unwrap() {
        let name: HeaderName = name.parse().unwrap();
        headers.append(
            name,
            HeaderValue::from_bytes(value.as_str().unwrap().as_bytes()).unwrap(),
        );
    }
    let response = project::response(&call, StatusCode::OK, &headers, body).ok();
    let parts = http::Request::new(()).into_parts().0;
    let identity = Identity::unknown(None);
    let event = compose(&Facts {
        call: Some(&call),
        parts: &parts,
        identity: &identity,
        account: "123456789012".parse().unwrap(),
        region: &region(),
        request: None,
        response: response.as_ref(),
        request_is_partial: false,
        request_omitted_bytes: None,
        response_omitted_bytes: None,
        error: None,
        status: Some(StatusCode::OK),
        response_headers: Some(&headers),
        request_id: None,
        source_ip: "192.0.2.1",
        user_agent: None,
        host: "",
        vpc_endpoint: None,
        tls: None,
        bytes_in: 0,
        bytes_out: body.len() as u64,
        auth: AuthMethod::None,
        signature_version: None,
        shared: None,
        event_id: uuid::Uuid::nil(),
        time: jiff::Timestamp::UNIX_EPOCH,
        outcome_unknown: None,
    });
    let record = String::from_utf8_lossy(&event.json).into_owned();
    Some(format!("{record} {:?}", event.keys))
}

fn named(protocol: pugmark_wire::catalogue::Protocol) -> &'static [&'static str] {
    use pugmark_wire::catalogue::Protocol;
    match protocol {
        Protocol::Json10 | Protocol::Json11 => &["json"],
        Protocol::Query => &["query"],
        Protocol::Ec2 => &["ec2"],
        Protocol::RestJson => &["rest-json"],
        Protocol::RestXml => &["rest-xml"],
        Protocol::Cbor => &["smithy-rpc-v2-cbor"],
    }
}

fn region() -> Region {
    "us-east-1".parse().unwrap()
}

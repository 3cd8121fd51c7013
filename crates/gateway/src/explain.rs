//! Tells, for a saved request, how it is recognised and why its record looks as it does.

use http::{HeaderMap, StatusCode, request::Parts};
use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    event::Event,
    identity::Identity,
};
use pugmark_wire::{
    project,
    recognize::{Call, recognize},
    sigv4,
};
use uuid::Uuid;

use crate::{
    answer,
    compose::{self, Facts},
    verify,
};

/// A call as it was saved.
pub struct Saved {
    /// The request's head.
    pub parts: Parts,
    /// The request's whole body.
    pub body: Vec<u8>,
    /// Status, headers and body of the answer, if that was saved too.
    pub response: Option<(StatusCode, HeaderMap, Vec<u8>)>,
}

/// What was found out.
pub struct Explanation {
    /// What was asked of the call, and the finding; in the order in which the gateway finds out.
    pub steps: Vec<(&'static str, String)>,
    /// The event as it would be recorded, but for id, time and identity, which a saved call cannot tell.
    pub event: Event,
}

/// Explains a call that an account's caller made; `region` is where unsigned calls are recorded.
pub fn explain(saved: &Saved, account: AccountId, region: &Region) -> Explanation {
    let mut steps = Vec::new();
    let claimed = verify::claim(&saved.parts);
    steps.push(("Signature", signature(&saved.parts)));
    let call = recognize(&saved.parts, &saved.body, claimed.signing_name());
    steps.push(("Service", service(call.as_ref(), claimed.signing_name())));
    steps.push(("Operation", operation(call.as_ref(), &saved.parts)));

    let region = claimed.region(&saved.parts, region);
    let whole = call.as_ref().and_then(|call| {
        let read = project::request(call, &saved.parts, &saved.body);
        let unreadable = |error| steps.push(("Parameters", format!("not readable: {error}")));
        read.map_err(unreadable).ok()
    });
    let request_is_partial = whole.is_none() && call.is_some();
    let request = whole.or_else(|| project::head(call.as_ref()?, &saved.parts));
    let host = saved.parts.headers.get(http::header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let bucket_host = compose::bucket_host(&saved.parts, host);
    if let Some(call) = &call {
        let rules = compose::rules(call, host, bucket_host, &region, request.as_ref());
        steps.extend(rules.into_iter().map(|rule| ("Rule", rule)));
    }
    let protocol = call
        .as_ref()
        .map_or_else(|| answer::protocol_of(&saved.parts), |call| call.protocol);
    let status = saved.response.as_ref().map(|(status, ..)| *status);
    let headers = saved.response.as_ref().map(|(_, headers, _)| headers);
    let answer = saved.response.as_ref().map(|(.., body)| body.as_slice());
    let (mut response, mut error) = (None, None);
    if let (Some(status), Some(headers), Some(body)) = (status, headers, answer) {
        if status.as_u16() >= 400 {
            let found = project::error(protocol, status, headers, body);
            steps.push(("Answer", format!("{status}: error {}", found.code)));
            error = Some(found);
        } else {
            steps.push(("Answer", status.to_string()));
            let projected = call
                .as_ref()
                .map(|call| project::response(call, status, headers, body));
            match projected {
                Some(Ok(found)) => response = Some(found),
                Some(Err(error)) => steps.push(("Answer", format!("not readable: {error}"))),
                None => {}
            }
        }
    }
    let identity = Identity::unknown(claimed.access_key_id().map(str::to_owned));
    let auth = claimed.auth_method();
    let request_id =
        headers.and_then(|headers| project::request_id(protocol, headers, answer.unwrap_or(&[])));
    let facts = Facts {
        call: call.as_ref(),
        parts: &saved.parts,
        identity: &identity,
        account,
        region: &region,
        request: request.as_ref(),
        response: response.as_ref(),
        request_is_partial,
        request_omitted_bytes: None,
        response_omitted_bytes: None,
        error: error.as_ref(),
        status,
        response_headers: headers,
        request_id: request_id.as_deref(),
        source_ip: "192.0.2.1",
        user_agent: saved
            .parts
            .headers
            .get(http::header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok()),
        host,
        vpc_endpoint: None,
        tls: None,
        bytes_in: saved.body.len() as u64,
        bytes_out: answer.map_or(0, |body| body.len() as u64),
        auth,
        signature_version: claimed.signature_version(),
        shared: None,
        event_id: Uuid::nil(),
        time: Timestamp::UNIX_EPOCH,
        outcome_unknown: None,
    };
    Explanation {
        event: compose::compose(&facts),
        steps,
    }
}

fn signature(parts: &Parts) -> String {
    match sigv4::claim(parts) {
        Ok(None) => "none: an anonymous call".to_owned(),
        Err(error) => format!("not readable: {error}"),
        Ok(Some(claim)) => {
            let place = match claim.origin {
                sigv4::Origin::Header => "Authorization header".to_owned(),
                sigv4::Origin::Query { expires_seconds } => {
                    format!("presigned query, good for {expires_seconds} s")
                }
            };
            let body = match claim.payload {
                sigv4::Payload::Unsigned => "body not signed",
                sigv4::Payload::Sha256(_) => "body signed by its hash in a header",
                sigv4::Payload::Body => "body signed",
                sigv4::Payload::SignedChunks => "body in signed chunks",
                sigv4::Payload::UnsignedChunks => "body in chunks, unsigned trailer",
            };
            let version = match &claim.scheme {
                sigv4::Scheme::V4 { .. } => "4".to_owned(),
                sigv4::Scheme::V4a { region_set } => {
                    format!("4A for the Regions {}", region_set.join(","))
                }
            };
            format!(
                "Signature Version {version} in the {place}: key {}, scope {}; {body}",
                claim.access_key_id,
                claim.scope().trim_end_matches("/aws4_request"),
            )
        }
    }
}

fn service(call: Option<&Call>, signing_name: Option<&str>) -> String {
    let by = match signing_name {
        Some(name) => format!("signed for `{name}`"),
        None => "not signed: told by target, host or path".to_owned(),
    };
    match call {
        Some(call) => format!(
            "{} ({}, API version {}); {by}",
            call.service.id(),
            call.service.service_id(),
            call.service.api_version()
        ),
        None => format!("not recognised; {by}"),
    }
}

fn operation(call: Option<&Call>, parts: &Parts) -> String {
    let Some(call) = call else {
        return format!(
            "not recognised from {} {}; the record names what the request says of itself",
            parts.method,
            parts.uri.path()
        );
    };
    let by = match parts.headers.get("x-amz-target") {
        Some(target) => format!(
            "X-Amz-Target `{}`",
            String::from_utf8_lossy(target.as_bytes())
        ),
        None if parts.uri.path().contains("/operation/") => {
            format!("RPC path {}", parts.uri.path())
        }
        None => match call.protocol {
            pugmark_wire::catalogue::Protocol::Query | pugmark_wire::catalogue::Protocol::Ec2 => {
                "the Action parameter".to_owned()
            }
            _ => {
                // The labels' values may be secret; what may be told of them is in the record.
                format!("{} {}", call.operation.http_method(), call.operation.uri())
            }
        },
    };
    format!(
        "{} ({:?} protocol), by {}",
        call.operation.name(),
        call.protocol,
        by
    )
}

//! Records as they come out for requests as clients send them.

#![allow(clippy::unwrap_used)]

mod bounds;
mod ec2;
mod identities;
mod observed;
mod s3;
mod services;

use http::HeaderMap;
use pugmark_core::{event::record, identity::IdentityType};
use pugmark_wire::{catalogue::Protocol, project, recognize};

use super::*;

/// A call as it stands on the wire, with what the gateway knows of it.
struct Scene {
    method: &'static str,
    uri: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    signing: &'static str,
    host: String,
    status: u16,
    answer_headers: Vec<(&'static str, String)>,
    answer: String,
    identity: Identity,
    region: &'static str,
    tls: bool,
    auth: AuthMethod,
    omitted: (Option<u64>, Option<u64>),
    unknown: Option<&'static str>,
    vpc_endpoint: Option<VpcEndpoint>,
}

/// Whoever reads the record somewhere else finds the keys that it was composed with.
fn read_again(event: &Event) {
    let again = record::read(event.json.clone(), &record::Place::default())
        .unwrap()
        .event;
    // The record may have a name where the request has another: EKS's `clusterName` is recorded as `name`.
    for resource in &event.keys.lookup_resources {
        let found = &again.keys.lookup_resources;
        assert!(found.contains(resource), "{resource:?} is not in {found:?}");
    }
    let comparable = |event: &Event| {
        let mut keys = event.keys.clone();
        keys.lookup_resources.clear();
        keys.access_key_id = keys.access_key_id.filter(|key| !key.is_empty());
        // Nothing but TLS says in the record which of STS's endpoints was called.
        keys.global_service &= keys.source != "sts.amazonaws.com";
        keys
    };
    assert_eq!(comparable(&again), comparable(event));
    assert_eq!(again.json, event.json);
}

/// A query call.
fn query(signing: &'static str, version: &str, body: &str) -> Scene {
    let content = (
        "content-type",
        "application/x-www-form-urlencoded".to_owned(),
    );
    Scene {
        body: format!("{body}&Version={version}"),
        headers: vec![content],
        ..scene(signing)
    }
}

/// A JSON-RPC call.
fn json_rpc(signing: &'static str, target: &str, body: &str) -> Scene {
    Scene {
        body: body.to_owned(),
        headers: vec![("x-amz-target", target.to_owned())],
        ..scene(signing)
    }
}

/// A REST call.
fn rest(signing: &'static str, method: &'static str, uri: &str, body: &str) -> Scene {
    Scene {
        method,
        uri: uri.to_owned(),
        body: body.to_owned(),
        ..scene(signing)
    }
}

fn scene(signing: &'static str) -> Scene {
    Scene {
        method: "POST",
        uri: "/".to_owned(),
        headers: Vec::new(),
        body: String::new(),
        signing,
        host: format!("{signing}.eu-central-1.amazonaws.com"),
        status: 200,
        answer_headers: Vec::new(),
        answer: String::new(),
        identity: user(),
        region: "eu-central-1",
        tls: false,
        auth: AuthMethod::Header,
        omitted: (None, None),
        unknown: None,
        vpc_endpoint: None,
    }
}

fn user() -> Identity {
    Identity {
        kind: IdentityType::IamUser,
        principal_id: Some("AIDAEXAMPLE".to_owned()),
        arn: Some("arn:aws:iam::123456789012:user/mateo".to_owned()),
        account: Some("123456789012".parse().unwrap()),
        user_name: Some("mateo".to_owned()),
        ..Identity::unknown(Some("AKIAEXAMPLE".to_owned()))
    }
}

impl Scene {
    fn answers(mut self, answer: &str) -> Self {
        self.answer = answer.to_owned();
        self
    }

    fn fails(mut self, status: u16, answer: &str) -> Self {
        self.status = status;
        self.answers(answer)
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn host(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    fn answer_header(mut self, name: &'static str, value: &str) -> Self {
        self.answer_headers.push((name, value.to_owned()));
        self
    }

    fn compose(&self) -> Event {
        self.compose_copies().remove(0)
    }

    fn compose_copies(&self) -> Vec<Event> {
        let mut request = http::Request::builder()
            .method(self.method)
            .uri(&self.uri)
            .header("host", &self.host);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        let signing = Some(self.signing).filter(|name| !name.is_empty());
        let call = recognize::recognize(&parts, self.body.as_bytes(), signing);
        let status = StatusCode::from_u16(self.status).unwrap();
        let answered: HeaderMap = self
            .answer_headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<HeaderMap>();
        let request = call
            .as_ref()
            .and_then(|call| project::request(call, &parts, self.body.as_bytes()).ok());
        let failed = status.as_u16() >= 400;
        let response = call.as_ref().filter(|_| !failed).and_then(|call| {
            project::response(call, status, &answered, self.answer.as_bytes()).ok()
        });
        let protocol = call
            .as_ref()
            .map_or(Protocol::RestJson, |call| call.protocol);
        let error =
            failed.then(|| project::error(protocol, status, &answered, self.answer.as_bytes()));
        let tls = Tls {
            version: "TLSv1.3".to_owned(),
            cipher_suite: "TLS_AES_128_GCM_SHA256".to_owned(),
        };
        let region = self.region.parse().unwrap();
        let facts = Facts {
            call: call.as_ref(),
            parts: &parts,
            identity: &self.identity,
            account: "123456789012".parse().unwrap(),
            region: &region,
            request: request.as_ref().filter(|_| self.omitted.0.is_none()),
            response: response.as_ref().filter(|_| self.omitted.1.is_none()),
            request_is_partial: self.omitted.0.is_some(),
            request_omitted_bytes: self.omitted.0,
            response_omitted_bytes: self.omitted.1,
            error: error.as_ref(),
            status: Some(status),
            response_headers: Some(&answered),
            request_id: Some("req-1"),
            source_ip: "192.0.2.7",
            user_agent: Some("aws-cli/2.13.5"),
            host: &self.host,
            vpc_endpoint: self.vpc_endpoint.as_ref(),
            tls: Some(&tls).filter(|_| self.tls),
            bytes_in: self.body.len() as u64,
            bytes_out: self.answer.len() as u64,
            auth: self.auth,
            signature_version: Some("SigV4"),
            shared: None,
            event_id: Uuid::from_u128(7),
            time: "2026-01-19T21:17:28.9Z".parse().unwrap(),
            outcome_unknown: self.unknown,
        };
        let mut ids = 100;
        let events = copies(&facts, || {
            ids += 1;
            Uuid::from_u128(ids)
        });
        events.iter().for_each(read_again);
        events
    }

    fn json(&self) -> Json {
        let event = self.compose();
        agree(&event);
        serde_json::from_slice(&event.json).unwrap()
    }

    /// Compares the named fields of the record; null also stands for an absent one.
    #[track_caller]
    fn check(&self, expected: Json) {
        let record = self.json();
        for (name, expected) in expected.as_object().unwrap() {
            assert_eq!(
                &record[name.as_str()],
                expected,
                "{name} of {}",
                record["eventName"]
            );
        }
    }

    /// The pairs of type and name by which the event is found.
    fn found(&self) -> Vec<String> {
        let entries = self.compose().keys.lookup_resources;
        entries
            .into_iter()
            .map(|it| format!("{} {}", it.kind.unwrap_or_default(), it.name))
            .collect()
    }
}

/// The keys say what the record says.
#[track_caller]
fn agree(event: &Event) {
    let record: Json = serde_json::from_slice(&event.json).unwrap();
    let keys = &event.keys;
    let text = |name: &str| record[name].as_str().map(str::to_owned);
    assert_eq!(text("eventID"), Some(keys.id.to_string()));
    assert_eq!(text("eventTime"), Some(iso_seconds(keys.time)));
    assert_eq!(keys.time.subsec_nanosecond(), 0);
    assert_eq!(
        text("eventCategory").as_deref(),
        Some(keys.category.as_str())
    );
    assert_eq!(
        record["managementEvent"],
        keys.category == EventCategory::Management
    );
    assert_eq!(
        text("recipientAccountId").as_deref(),
        Some(keys.account.as_str())
    );
    assert_eq!(text("awsRegion").as_deref(), Some(keys.region.as_str()));
    assert_eq!(text("eventSource"), Some(keys.source.clone()));
    assert_eq!(text("eventName"), Some(keys.name.clone()));
    assert_eq!(text("eventType"), Some(keys.event_type.clone()));
    assert_eq!(record["readOnly"].as_bool(), keys.read_only);
    assert_eq!(text("errorCode"), keys.error_code);
    let identity = |name: &str| record["userIdentity"][name].as_str().map(str::to_owned);
    if record["userIdentity"].as_object().unwrap().is_empty() {
        return;
    }
    assert_eq!(identity("accessKeyId"), keys.access_key_id);
    assert_eq!(identity("arn"), keys.identity_arn);
    assert_eq!(identity("invokedBy"), keys.invoked_by);
    assert_eq!(
        record["resources"].as_array().map_or(0, Vec::len),
        keys.resources.len()
    );
    for (entry, resource) in record["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .zip(&keys.resources)
    {
        let arn = if resource.is_prefix {
            "ARNPrefix"
        } else {
            "ARN"
        };
        assert_eq!(entry[arn].as_str(), resource.arn.as_deref());
        assert_eq!(entry["type"].as_str(), resource.kind.as_deref());
        assert_eq!(entry["accountId"].as_str(), resource.account.as_deref());
    }
}

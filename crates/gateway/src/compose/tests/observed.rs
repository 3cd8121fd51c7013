//! Real records (`testdata/`): the calls that they tell of, composed again, say the same.

use pugmark_core::event::record::ORDER;
use pugmark_wire::{
    catalogue::{Catalogue, Kind, Operation, Shape},
    value::{Location, Member},
};

use super::*;

const OBSERVED: &str = include_str!("../../../testdata/observed.json");

fn observed() -> Vec<Json> {
    let entries: Vec<Json> = serde_json::from_str(OBSERVED).unwrap();
    entries
        .into_iter()
        .map(|entry| entry["event"].clone())
        .collect()
}

/// The operation that is recorded under these names.
fn operation(event: &Json) -> Option<Operation> {
    let name = event["eventName"].as_str()?;
    let region = "us-east-1".parse().unwrap();
    let mut operations = Catalogue::builtin()
        .services()
        .filter(|it| !it.id().starts_with("cognito"))
        .flat_map(|service| {
            let short = event["eventSource"]
                .as_str()
                .unwrap_or_default()
                .split('.')
                .next()
                .unwrap_or_default();
            let related = service.endpoint_prefix().contains(short) || service.id().contains(short);
            related.then(|| service.operations()).into_iter().flatten()
        });
    operations.find(|operation| {
        let service = operation.service();
        let class = classify(
            &Call {
                service,
                operation: *operation,
                protocol: service.protocol(),
                labels: Vec::new(),
            },
            "",
            "",
            &region,
        );
        class.event_source == event["eventSource"] && class.event_name == name
    })
}

/// A record's JSON back to the values that the wire said: the inverse of the general rules.
fn value(shape: Shape, json: &Json) -> Value {
    match (shape.kind(), json) {
        _ if shape.is_sensitive() => Value::Hidden,
        (Kind::Structure, Json::Object(map)) => Value::Structure(
            map.iter()
                .filter_map(|(key, json)| {
                    let member = shape
                        .members()
                        .find(|it| render::lower_first(it.name()) == *key)?;
                    Some(Member {
                        name: member.name(),
                        wire_name: member.location_name(),
                        location: Location::Body,
                        value: value(member.shape()?, json),
                    })
                })
                .collect(),
        ),
        (Kind::List, Json::Array(items)) => {
            let element = shape.members().next().unwrap().shape().unwrap();
            Value::List(items.iter().map(|item| value(element, item)).collect())
        }
        (Kind::Map, Json::Object(map)) => {
            let content = shape.members().nth(1).unwrap().shape().unwrap();
            Value::Map(
                map.iter()
                    .map(|(key, json)| (key.clone(), value(content, json)))
                    .collect(),
            )
        }
        // What the record hides was a text.
        (_, Json::String(text)) => Value::String(text.clone()),
        (_, Json::Bool(truth)) => Value::Bool(*truth),
        (_, Json::Number(number)) => Value::Integer(number.as_i64().unwrap()),
        // What the record hides altogether.
        _ => Value::String("hidden".to_owned()),
    }
}

/// Without what our model does not know: AWS's private or newer members.
fn known(shape: Option<Shape>, json: &Json) -> Json {
    match (shape, json) {
        (Some(shape), Json::Object(map)) if shape.kind() == Kind::Structure => map
            .iter()
            .filter_map(|(key, json)| {
                let member = shape
                    .members()
                    .find(|it| render::lower_first(it.name()) == *key)?;
                Some((key.clone(), known(member.shape(), json)))
            })
            .collect(),
        (Some(shape), Json::Array(items)) => {
            let element = shape.members().next().and_then(|it| it.shape());
            items.iter().map(|item| known(element, item)).collect()
        }
        (_, json) => json.clone(),
    }
}

fn composed(event: &Json, operation: Operation) -> Json {
    let service = operation.service();
    let call = Call {
        service,
        operation,
        protocol: service.protocol(),
        labels: Vec::new(),
    };
    let parts = http::Request::builder()
        .uri("/")
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let of = |shape: Option<Shape>, name: &str| match (shape, &event[name]) {
        (Some(shape), json @ Json::Object(_)) => value(shape, json),
        _ => Value::Structure(Vec::new()),
    };
    let request = of(operation.input(), "requestParameters");
    // RDS records the content of its answer's only structure without its name.
    let only = operation
        .output()
        .and_then(|shape| shape.members().next())
        .filter(|_| service.id() == "rds");
    let response = match only {
        Some(only) => Value::Structure(vec![Member {
            name: only.name(),
            wire_name: None,
            location: Location::Body,
            value: of(only.shape(), "responseElements"),
        }]),
        None => of(operation.output(), "responseElements"),
    };
    let error = event["errorCode"].as_str().map(|code| ErrorInfo {
        code: code.to_owned(),
        message: event["errorMessage"]
            .as_str()
            .or(event["responseElements"]["message"].as_str())
            .map(str::to_owned),
    });
    let region = event["awsRegion"].as_str().unwrap().parse().unwrap();
    let tls = Tls {
        version: "TLSv1.3".to_owned(),
        cipher_suite: "x".to_owned(),
    };
    let account = event["recipientAccountId"]
        .as_str()
        .and_then(|id| id.parse().ok());
    let event = compose(&Facts {
        call: Some(&call),
        parts: &parts,
        identity: &user(),
        account: account.unwrap_or_else(|| "123456789012".parse().unwrap()),
        region: &region,
        request: Some(&request),
        response: Some(&response),
        request_is_partial: false,
        request_omitted_bytes: None,
        response_omitted_bytes: None,
        error: error.as_ref(),
        status: Some(if error.is_some() {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::OK
        }),
        response_headers: None,
        request_id: event["requestID"].as_str(),
        source_ip: "192.0.2.7",
        user_agent: Some("x"),
        host: "localhost",
        vpc_endpoint: None,
        tls: Some(&tls),
        bytes_in: 0,
        bytes_out: 0,
        auth: AuthMethod::Header,
        signature_version: Some("SigV4"),
        shared: None,
        event_id: Uuid::from_u128(1),
        time: "2026-01-19T21:17:28Z".parse().unwrap(),
        outcome_unknown: None,
    });
    agree(&event);
    serde_json::from_slice(&event.json).unwrap()
}

#[test]
fn composed_again_they_say_the_same() {
    for event in observed() {
        let operation =
            operation(&event).unwrap_or_else(|| panic!("no operation for {}", event["eventName"]));
        let record = composed(&event, operation);
        let mut fields = vec![
            "eventSource",
            "eventName",
            "errorCode",
            "readOnly",
            "eventType",
            "managementEvent",
            "apiVersion",
        ];
        // EC2's names are not the model's: its own tests compare them.
        if event["eventSource"] != "ec2.amazonaws.com" {
            fields.extend(["requestParameters", "responseElements", "resources"]);
        }
        for field in fields {
            let shape = match field {
                "requestParameters" => operation.input(),
                // RDS records what is in its answer's only structure.
                "responseElements" if operation.service().id() == "rds" => None,
                "responseElements" if event["errorCode"].is_null() => operation.output(),
                _ => None,
            };
            // The generic comparison covers what the models know; `conformance/fidelity` the rest.
            assert_eq!(
                known(shape, &record[field]),
                known(shape, &event[field]),
                "{field} of {}",
                event["eventName"]
            );
        }
    }
}

#[test]
fn their_fields_stand_in_our_order() {
    let place = |name: &String| ORDER.iter().position(|it| it == name);
    let (mut ordered, mut composed_too) = (0, 0);
    for event in observed() {
        let in_order = |json: &Json| {
            json.as_object()
                .unwrap()
                .keys()
                .filter_map(place)
                .is_sorted()
        };
        // Some collections sort their fields by name.
        if event.as_object().unwrap().keys().next().unwrap() == "eventVersion" {
            assert!(in_order(&event), "{event}");
            ordered += 1;
        }
        let record = composed(&event, operation(&event).unwrap());
        assert!(
            in_order(&record)
                && record
                    .as_object()
                    .unwrap()
                    .keys()
                    .all(|name| place(name).is_some()),
            "{record}"
        );
        composed_too += 1;
    }
    assert!(
        ordered >= 3 && composed_too >= 25,
        "{ordered} {composed_too}"
    );
}

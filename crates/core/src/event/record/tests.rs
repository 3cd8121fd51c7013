#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A record of version 1.11 with some members replaced; null removes one.
fn record(changes: Value) -> Bytes {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/mateo", "accountId": "123456789012",
                         "accessKeyId": "AKIAEXAMPLE", "userName": "mateo"},
        "eventTime": "2026-01-19T21:17:28Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "awsRegion": "us-east-1",
        "requestParameters": {"userName": "alice"},
        "responseElements": {"user": {"arn": "arn:aws:iam::123456789012:user/alice", "userName": "alice"}},
        "eventID": "d97ca7e2-04fe-45b4-882d-000000000000",
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "123456789012",
        "eventCategory": "Management",
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => record.as_object_mut().unwrap().remove(name),
            value => record
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    record.to_string().into()
}

fn keys_of(changes: Value) -> EventKeys {
    read(record(changes), &Place::default()).unwrap().event.keys
}

fn error_of(changes: Value) -> String {
    read(record(changes), &Place::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn the_keys_of_a_call() {
    let keys = keys_of(
        json!({"errorCode": "AccessDenied", "vpcEndpointId": "vpce-1", "sessionCredentialFromConsole": "true"}),
    );
    assert_eq!(keys.id.to_string(), "d97ca7e2-04fe-45b4-882d-000000000000");
    assert_eq!(keys.time.to_string(), "2026-01-19T21:17:28Z");
    assert_eq!(keys.category, EventCategory::Management);
    assert_eq!(keys.account.as_str(), "123456789012");
    assert_eq!(
        (&*keys.source, &*keys.name),
        ("iam.amazonaws.com", "CreateUser")
    );
    assert_eq!(
        (keys.read_only, keys.global_service, keys.from_console),
        (Some(false), true, true)
    );
    assert_eq!(keys.username.as_deref(), Some("mateo"));
    assert_eq!(keys.access_key_id.as_deref(), Some("AKIAEXAMPLE"));
    assert_eq!(keys.error_code.as_deref(), Some("AccessDenied"));
    assert_eq!(keys.vpc_endpoint_id.as_deref(), Some("vpce-1"));
    let found: Vec<&str> = keys.lookup_resources.iter().map(|it| &*it.name).collect();
    assert_eq!(found, ["alice", "arn:aws:iam::123456789012:user/alice"]);
}

#[test]
fn usernames_are_those_of_lookups() {
    let username = |identity: Value| keys_of(json!({"userIdentity": identity})).username;
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        username(json!({"type": "Root", "userName": "alias"})),
        some("root")
    );
    let session =
        json!({"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/r/sess"});
    assert_eq!(username(session), some("sess"));
    assert_eq!(
        username(json!({"type": "AssumedRole", "principalId": "AROA:sess"})),
        some("sess")
    );
    let service = json!({"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"});
    assert_eq!(username(service), some("cloudtrail.amazonaws.com"));
    assert_eq!(
        username(json!({"accountId": "123456789012", "invokedBy": "AWS Internal"})),
        None
    );
    assert_eq!(username(json!("nobody")), None);
}

#[test]
fn old_records_say_less() {
    // Version 1.0: no eventID, readOnly, eventType, recipientAccountId, managementEvent, eventCategory.
    let old = json!({"eventVersion": "1.01", "eventID": null, "readOnly": null, "eventType": null,
                     "recipientAccountId": null, "managementEvent": null, "eventCategory": null});
    let keys = keys_of(old.clone());
    assert_eq!(
        (keys.category, keys.read_only),
        (EventCategory::Management, None)
    );
    assert_eq!(
        (keys.account.as_str(), &*keys.event_type),
        ("123456789012", "AwsApiCall")
    );
    assert_eq!(
        keys.id,
        keys_of(old).id,
        "the same record has the same id again"
    );
    let data = json!({"managementEvent": null, "eventCategory": null,
                      "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"}]});
    assert_eq!(keys_of(data).category, EventCategory::Data);
    let data = json!({"managementEvent": false, "eventCategory": null});
    assert_eq!(keys_of(data).category, EventCategory::Data);
}

#[test]
fn insights_are_found_by_what_they_are_about() {
    let keys = keys_of(json!({
        "eventSource": null, "eventName": null, "eventType": "AwsCloudTrailInsight", "eventCategory": "Insight",
        "insightDetails": {"eventSource": "ec2.amazonaws.com", "eventName": "RunInstances", "errorCode": "Throttled"},
    }));
    assert_eq!(keys.category, EventCategory::Insight);
    assert_eq!(
        (&*keys.source, &*keys.name),
        ("ec2.amazonaws.com", "RunInstances")
    );
    assert_eq!(keys.error_code.as_deref(), Some("Throttled"));
}

#[test]
fn aggregated_events_have_names_of_their_own() {
    let aggregated = json!({
        "eventVersion": "1.0", "accountId": "111122223333", "eventId": "d97ca7e2-04fe-45b4-882d-000000000001",
        "eventCategory": "Aggregated", "eventType": "AwsAggregatedEvent", "awsRegion": "us-west-2",
        "eventSource": "s3.amazonaws.com", "timeWindow": {"windowStart": "2025-10-30 23:45:00"},
        "summary": {"primaryDimension": {"dimension": "eventName", "statistics": [{"name": "PutObject", "value": 1000}]}},
    });
    let keys = read(aggregated.to_string().into(), &Place::default())
        .unwrap()
        .event
        .keys;
    assert_eq!(keys.category, EventCategory::Aggregated);
    assert_eq!(
        (keys.account.as_str(), &*keys.name),
        ("111122223333", "PutObject")
    );
    assert_eq!(keys.time.to_string(), "2025-10-30T23:45:00Z");
}

#[test]
fn what_is_missing_is_said_or_taken_from_the_place() {
    assert_eq!(error_of(json!({"eventTime": null})), "eventTime is missing");
    assert_eq!(
        error_of(json!({"eventTime": "yesterday"})),
        "eventTime is \"yesterday\""
    );
    assert_eq!(error_of(json!({"eventName": null})), "eventName is missing");
    assert_eq!(
        error_of(json!({"eventSource": 7})),
        "eventSource is missing"
    );
    assert_eq!(error_of(json!({"awsRegion": null})), "awsRegion is missing");
    assert_eq!(
        error_of(json!({"eventCategory": "Evidence"})),
        "eventCategory is \"Evidence\""
    );
    let nobody = json!({"recipientAccountId": "****", "userIdentity": null, "awsRegion": null});
    assert_eq!(
        error_of(json!({"recipientAccountId": "****", "userIdentity": null})),
        "recipientAccountId is \"****\""
    );
    let place = Place {
        account: Some("444455556666".parse().unwrap()),
        region: Some("eu-west-1".parse().unwrap()),
    };
    let keys = read(record(nobody), &place).unwrap().event.keys;
    assert_eq!(
        (keys.account.as_str(), keys.region.as_str()),
        ("444455556666", "eu-west-1")
    );
    assert!(read(Bytes::from_static(b"[1]"), &place).is_err());
    assert!(read(Bytes::from_static(b"{\"a\":\xff}"), &place).is_err());
    assert!(read(record(json!({})).slice(..300), &place).is_err());
    let large = Bytes::from(vec![b' '; limits::IMPORTED_RECORD_BYTES_MAX + 1]);
    assert!(matches!(read(large, &place), Err(RecordError::TooLarge(_))));
}

#[test]
fn bytes_stay_as_they_are_unless_they_are_several_lines() {
    let exact = br#"{ "eventTime":"2026-01-19T21:17:28Z","eventSource":"a", "eventName":"b\u0041", "x":1.50e3,"awsRegion":"r","recipientAccountId":"123456789012" }"#;
    let event = read(Bytes::from_static(exact), &Place::default())
        .unwrap()
        .event;
    assert_eq!(&event.json[..], exact);
    assert_eq!(event.keys.name, "bA");
    let spread = std::str::from_utf8(exact).unwrap().replace(", ", ",\r\n\t");
    let event = read(spread.into(), &Place::default()).unwrap().event;
    let expected = br#"{"eventTime":"2026-01-19T21:17:28Z","eventSource":"a","eventName":"b\u0041","x":1.50e3,"awsRegion":"r","recipientAccountId":"123456789012"}"#;
    assert_eq!(&event.json[..], expected);
}

#[test]
fn members_stand_where_they_stand() {
    let json = record(json!({
        "userAgent": "a \"b\"", "sourceIPAddress": null, "requestID": 7, "managementEvent": true, "apiVersion": "",
        "userIdentity": {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:role/r"},
                         "attributes": {"mfaAuthenticated": "false"}}, "accountId": "123456789012", "other": [{}]},
        "tlsDetails": {"clientProvidedHostHeader": "h"}, "addendum": "none",
    }));
    let Record { event, members } = read(json, &Place::default()).unwrap();
    let expected = [
        (Member::EventVersion, Some(r#""1.11""#)),
        (Member::UserAgent, Some(r#""a \"b\"""#)),
        (Member::SourceIpAddress, None),
        (Member::RequestId, Some("7")),
        (Member::ManagementEvent, Some("true")),
        (Member::ApiVersion, Some(r#""""#)),
        (Member::AddendumReason, None),
        (Member::IdentityType, Some(r#""AssumedRole""#)),
        (Member::IdentityAccountId, Some(r#""123456789012""#)),
        (Member::SessionIssuerArn, Some(r#""arn:aws:iam::1:role/r""#)),
        (Member::SessionMfaAuthenticated, Some(r#""false""#)),
        (Member::TlsClientProvidedHostHeader, Some(r#""h""#)),
        (Member::WebIdFederatedProvider, None),
    ];
    for (member, value) in expected {
        assert_eq!(members.get(member), value, "{member:?}");
    }
    assert_eq!(members.text().as_bytes(), event.json);
    assert_eq!(Members::of(event.json), Ok(*members));
    for none in ["{}", r#"{"requestID":"a""#] {
        let members = Members::of(Bytes::from_static(none.as_bytes())).unwrap();
        assert_eq!(
            (members.text(), members.get(Member::RequestId)),
            (none, None)
        );
    }
    assert!(Members::of(Bytes::from_static(b"\xff")).is_err());
}

#[test]
fn records_are_nested_as_deeply_as_parsers_take() {
    // Wherever the depth is, in members that are read and in others.
    for path in [
        &["x"][..],
        &["requestParameters", "a"],
        &["userIdentity", "sessionContext", "x"],
    ] {
        for (depth, is_read) in [(127, true), (128, false)] {
            let open: String = path.iter().map(|name| format!("{{\"{name}\":")).collect();
            let lists = depth - path.len();
            let lists = "[".repeat(lists) + &"]".repeat(lists);
            let json = open + &lists + &"}".repeat(path.len());
            let parsed = serde_json::from_str::<Value>(&json);
            let walked = fields_of(&mut Walk::new(&json));
            assert_eq!(
                (walked.is_ok(), parsed.is_ok()),
                (is_read, is_read),
                "{depth}: {json}"
            );
        }
    }
}

#[test]
fn what_comes_twice_is_an_error() {
    let twice = |json: &str| {
        let error = read(Bytes::copy_from_slice(json.as_bytes()), &Place::default()).unwrap_err();
        assert_eq!(error.reason(), "not a JSON record");
        error.to_string()
    };
    let expected = "not a record: a member comes a second time before this place at byte";
    assert_eq!(
        twice(r#"{"eventName":"a","eventName":"b"}"#),
        format!("{expected} 29")
    );
    assert_eq!(
        twice(r#"{"userIdentity":{"arn":null,"x":1,"arn":"b"}}"#),
        format!("{expected} 40")
    );
}

#[test]
fn times_are_those_of_the_general_parser() {
    for text in [
        "1970-01-01T00:00:00Z",
        "2024-02-29T23:59:59Z",
        "2100-12-31T12:00:00Z",
        "1969-12-31T23:59:59Z",
    ] {
        let expected: Timestamp = text.parse().unwrap();
        assert_eq!(
            exact_time(text.as_bytes()),
            Some(expected.as_second()),
            "{text}"
        );
    }
    for text in [
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-00T00:00:00Z",
    ] {
        assert_eq!(parse_time(text), None, "{text}");
    }
    assert_eq!(
        parse_time("2026-01-19T21:17:28.9Z").unwrap().to_string(),
        "2026-01-19T21:17:28Z"
    );
    assert_eq!(
        parse_time("2026-01-19T23:17:28+02:00").unwrap().to_string(),
        "2026-01-19T21:17:28Z"
    );
}

/// JSON of any shape, with the members of records among its names.
fn value() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("eventTime"),
        Just("userIdentity"),
        Just("resources"),
        Just("requestParameters"),
        Just("ARN"),
        Just("name"),
        Just("type"),
        Just("summary"),
        Just("primaryDimension"),
        Just("statistics"),
        Just("bucketName"),
        Just("x"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        Just(Value::from("arn:aws:s3:::b/k")),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..6).prop_map(|map| Value::Object(
                map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = read(bytes.into(), &Place::default());
    }

    #[test]
    fn members_of_any_shape_are_read_or_read_over(
        identity in value(), parameters in value(), resources in value(), details in value(), flag in value()
    ) {
        let changes = json!({"userIdentity": identity, "requestParameters": parameters, "resources": resources,
                             "tlsDetails": details, "readOnly": flag});
        let bytes = record(changes);
        let event = read(bytes.clone(), &Place::default());
        prop_assert!(event.is_ok(), "{:?}", event);
        prop_assert_eq!(event.unwrap().event.json, bytes);
    }

    #[test]
    fn a_record_within_a_block_is_the_same_as_alone(
        identity in value(), parameters in value(), resources in value(), before in ".{0,9}", behind in ".{0,9}",
        is_pretty: bool, cut: prop::sample::Index,
    ) {
        let changes = json!({"userIdentity": identity, "requestParameters": parameters, "resources": resources});
        let mut bytes = record(changes);
        if is_pretty {
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            bytes = serde_json::to_string_pretty(&value).unwrap().into();
        }
        let alone = read(bytes.clone(), &Place::default()).unwrap();
        let block = [before.as_bytes(), &bytes, behind.as_bytes()].concat();
        let block = ByteString::try_from(block).unwrap();
        let within = read_at(&block, before.len(), &Place::default());
        if is_pretty {
            prop_assert_eq!(within, None, "it is to become one line");
        } else {
            prop_assert_eq!(within, Some((alone, bytes.len())));
        }
        let cut = cut.index(bytes.len());
        if let Some(text) = block.get(..before.len() + cut) {
            let block = block.slice_ref(text);
            prop_assert_eq!(read_at(&block, before.len(), &Place::default()), None);
        }
    }
}

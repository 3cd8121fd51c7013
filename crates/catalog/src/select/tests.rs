#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::{sample, trail::Trail};

fn resource(kind: &str, arn: &str) -> Resource {
    Resource {
        kind: Some(kind.into()),
        arn: Some(arn.into()),
        account: None,
        is_prefix: false,
    }
}

fn data(kind: &str, arn: &str) -> EventKeys {
    EventKeys {
        category: EventCategory::Data,
        resources: vec![resource(kind, arn)],
        ..sample::event()
    }
}

fn basic(kind: &str, values: &[&str]) -> Selectors {
    Selectors::Basic(vec![EventSelector {
        read_write_type: ReadWriteType::All,
        include_management_events: false,
        data_resources: vec![DataResource {
            kind: kind.into(),
            values: values.iter().map(|&value| value.into()).collect(),
        }],
        exclude_management_event_sources: vec![],
    }])
}

fn field(field: &str, operator: &str, values: &[&str]) -> FieldSelector {
    let values = values.iter().map(|&value| value.into()).collect();
    let mut selector = FieldSelector {
        field: field.into(),
        ..FieldSelector::default()
    };
    match operator {
        "Equals" => selector.equals = values,
        "StartsWith" => selector.starts_with = values,
        "EndsWith" => selector.ends_with = values,
        "NotEquals" => selector.not_equals = values,
        "NotStartsWith" => selector.not_starts_with = values,
        "NotEndsWith" => selector.not_ends_with = values,
        other => panic!("no operator {other}"),
    }
    selector
}

fn advanced(fields: &[FieldSelector]) -> Selectors {
    Selectors::Advanced(vec![AdvancedEventSelector {
        name: None,
        field_selectors: fields.to_vec(),
    }])
}

#[test]
fn a_trail_takes_its_account_its_regions_and_global_events_by_rule() {
    let trail = sample::trail();
    let event = sample::event();
    assert!(trail.wants(&event));
    assert!(
        !Trail {
            is_logging: false,
            ..trail.clone()
        }
        .wants(&event)
    );
    assert!(!trail.wants(&EventKeys {
        account: "999999999999".parse().unwrap(),
        ..event.clone()
    }));

    let elsewhere = EventKeys {
        region: "eu-west-1".parse().unwrap(),
        ..event.clone()
    };
    let everywhere = Trail {
        is_multi_region: true,
        ..trail.clone()
    };
    assert!(!trail.wants(&elsewhere));
    assert!(everywhere.wants(&elsewhere) && everywhere.wants(&event));

    let global = EventKeys {
        region: "us-east-1".parse().unwrap(),
        global_service: true,
        ..event
    };
    let home = Trail {
        home_region: "us-east-1".parse().unwrap(),
        ..trail.clone()
    };
    assert!(everywhere.wants(&global) && home.wants(&global));
    assert!(!trail.wants(&global), "one Region other than us-east-1");
    for trail in [everywhere, home] {
        assert!(
            !Trail {
                include_global_service_events: false,
                ..trail
            }
            .wants(&global)
        );
    }
}

#[test]
fn unless_told_otherwise_a_trail_takes_management_events_only() {
    let event = sample::event();
    assert!(Selectors::Default.select(&event));
    for category in [
        EventCategory::Data,
        EventCategory::NetworkActivity,
        EventCategory::Insight,
        EventCategory::Aggregated,
    ] {
        assert!(
            !Selectors::Default.select(&EventKeys {
                category,
                ..event.clone()
            }),
            "{category:?}"
        );
    }
}

#[test]
fn basic_selectors_choose_reads_and_writes_and_leave_out_sources() {
    let select = |read_write_type, include_management_events, excluded: &str, keys: &EventKeys| {
        Selectors::Basic(vec![EventSelector {
            read_write_type,
            include_management_events,
            data_resources: vec![],
            exclude_management_event_sources: vec![excluded.into()],
        }])
        .select(keys)
    };
    let write = sample::event();
    let read = EventKeys {
        read_only: Some(true),
        ..write.clone()
    };
    let silent = EventKeys {
        read_only: None,
        ..write.clone()
    };
    for (kind, takes_write, takes_read, takes_silent) in [
        (ReadWriteType::All, true, true, true),
        (ReadWriteType::ReadOnly, false, true, false),
        (ReadWriteType::WriteOnly, true, false, true),
    ] {
        assert_eq!(select(kind, true, "", &write), takes_write, "{kind:?}");
        assert_eq!(select(kind, true, "", &read), takes_read, "{kind:?}");
        assert_eq!(select(kind, true, "", &silent), takes_silent, "{kind:?}");
        assert!(!select(kind, false, "", &write) && !select(kind, false, "", &read));
    }
    assert!(!select(
        ReadWriteType::All,
        true,
        "ec2.amazonaws.com",
        &write
    ));
}

#[test]
fn basic_data_resources_are_prefixes_for_s3_and_whole_arns_otherwise() {
    let object = "AWS::S3::Object";
    let s3 = data(object, "arn:aws:s3:::bucket/images/a.png");
    for (value, taken) in [
        ("arn:aws:s3", true),
        ("arn:aws:s3:::", true),
        ("arn:aws:s3:::bucket/", true),
        ("arn:aws:s3:::bucket/images/a", true),
        ("arn:aws:s3:::bucket/video", false),
        ("arn:aws:s3:::other/", false),
    ] {
        assert_eq!(basic(object, &[value]).select(&s3), taken, "{value}");
        assert_eq!(
            basic(object, &["arn:aws:s3:::none/", value]).select(&s3),
            taken,
            "{value}"
        );
    }
    let function = "AWS::Lambda::Function";
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:hello";
    assert!(basic(function, &[arn]).select(&data(function, arn)));
    assert!(!basic(function, &[arn]).select(&data(function, &format!("{arn}2"))));
    assert!(basic(function, &["arn:aws:lambda"]).select(&data(function, arn)));
    assert!(
        !basic(function, &["arn:aws:lambda"]).select(&s3),
        "the type counts"
    );
    let table = "AWS::DynamoDB::Table";
    let arn = "arn:aws:dynamodb:us-east-1:111122223333:table/t";
    assert!(
        basic(table, &[arn]).select(&data(table, arn))
            && basic(table, &["arn:aws:dynamodb"]).select(&data(table, arn))
    );
    assert!(!basic(table, &[arn]).select(&data(
        table,
        "arn:aws:dynamodb:us-east-1:111122223333:table/tt"
    )));
    let management = EventKeys {
        category: EventCategory::Management,
        ..data(table, arn)
    };
    assert!(
        !basic(table, &[arn]).select(&management),
        "a management event is no data event of its resource"
    );
}

#[test]
fn advanced_resource_conditions_hold_for_one_resource() {
    let keys = EventKeys {
        resources: vec![
            resource("AWS::S3::Bucket", "arn:aws:s3:::b"),
            resource("AWS::S3::Object", "arn:aws:s3:::b/k"),
        ],
        ..data("", "")
    };
    let kind = field("resources.type", "Equals", &["AWS::S3::Object"]);
    assert!(
        advanced(&[
            kind.clone(),
            field("resources.ARN", "Equals", &["arn:aws:s3:::b/k"])
        ])
        .select(&keys)
    );
    assert!(
        !advanced(&[
            kind.clone(),
            field("resources.ARN", "Equals", &["arn:aws:s3:::b"])
        ])
        .select(&keys)
    );
    assert!(
        advanced(&[
            kind.clone(),
            field("resources.ARN", "NotEquals", &["arn:aws:s3:::b"])
        ])
        .select(&keys)
    );
    assert!(
        !advanced(&[
            kind,
            field("resources.ARN", "NotStartsWith", &["arn:aws:s3:::b/"])
        ])
        .select(&keys)
    );
}

#[test]
fn a_resource_that_is_not_told_may_be_the_one() {
    const TABLE: &str = "AWS::DynamoDB::Table";
    const VAULT: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/vault";
    let mut event = data(TABLE, "arn:aws:dynamodb:us-east-1:123456789012:table/other");
    let selectors = |kind: &str| {
        let kind = field("resources.type", "Equals", &[kind]);
        [
            ("Equals", VAULT),
            ("StartsWith", VAULT),
            ("EndsWith", "vault"),
            ("NotEquals", VAULT),
        ]
        .map(|(operator, value)| {
            advanced(&[kind.clone(), field("resources.ARN", operator, &[value])])
        })
    };
    let wanted = |event: &EventKeys, kind: &str| selectors(kind).map(|it| it.select(event));
    assert_eq!(wanted(&event, TABLE), [false, false, false, true]);
    assert!(!basic(TABLE, &[VAULT]).select(&event));
    event.resources.push(Resource {
        arn: None,
        ..resource(TABLE, "")
    });
    assert_eq!(wanted(&event, TABLE), [true; 4]);
    assert!(basic(TABLE, &[VAULT]).select(&event));
    assert_eq!(wanted(&event, "AWS::S3::Object"), [false; 4]);
    assert!(!basic("AWS::Lambda::Function", &["arn:aws:lambda"]).select(&event));
    assert!(!basic(TABLE, &[]).select(&event));
}

#[test]
fn every_field_reads_its_key() {
    let keys = EventKeys {
        identity_arn: Some("arn:aws:iam::111122223333:user/a".into()),
        error_code: Some("VpceAccessDenied".into()),
        vpc_endpoint_id: Some("vpce-1".into()),
        from_console: true,
        ..data("AWS::S3::Object", "arn:aws:s3:::b/k")
    };
    for (name, value) in [
        ("eventCategory", "Data"),
        ("readOnly", "false"),
        ("eventSource", "ec2.amazonaws.com"),
        ("eventName", "RunInstances"),
        ("eventType", "AwsApiCall"),
        ("sessionCredentialFromConsole", "true"),
        ("userIdentity.arn", "arn:aws:iam::111122223333:user/a"),
        ("errorCode", "VpceAccessDenied"),
        ("vpcEndpointId", "vpce-1"),
        ("resources.type", "AWS::S3::Object"),
        ("resources.ARN", "arn:aws:s3:::b/k"),
    ] {
        assert!(
            advanced(&[field(name, "Equals", &["no", value])]).select(&keys),
            "{name}"
        );
        assert!(
            !advanced(&[field(name, "NotEquals", &["no", value])]).select(&keys),
            "{name}"
        );
        assert!(
            advanced(&[field(name, "NotEquals", &["no"])]).select(&keys),
            "{name}"
        );
        assert!(
            !advanced(&[field(name, "Equals", &["no"])]).select(&keys),
            "{name}"
        );
    }
    let bare = sample::event();
    for name in [
        "vpcEndpointId",
        "errorCode",
        "userIdentity.arn",
        "resources.ARN",
        "sessionCredentialFromConsole",
    ] {
        assert!(
            !advanced(&[field(name, "StartsWith", &[""])]).select(&bare),
            "{name} is absent"
        );
        assert!(
            advanced(&[field(name, "NotEquals", &["x"])]).select(&bare),
            "{name} is absent"
        );
    }
}

/// One condition as a person would check it: operator by operator, value by value.
fn naive_holds(selector: &FieldSelector, value: Option<&str>) -> bool {
    let mut selects = Vec::new();
    let mut deselects = Vec::new();
    for (operator, values) in selector.operators() {
        for wanted in values {
            let hit = match (operator.trim_start_matches("Not"), value) {
                (_, None) => false,
                ("Equals", Some(value)) => value == wanted,
                ("StartsWith", Some(value)) => value.get(..wanted.len()) == Some(wanted),
                ("EndsWith", Some(value)) => {
                    value.len() >= wanted.len()
                        && value.get(value.len() - wanted.len()..) == Some(wanted)
                }
                other => panic!("no operator {other:?}"),
            };
            if operator.starts_with("Not") {
                deselects.push(hit)
            } else {
                selects.push(hit)
            }
        }
    }
    (selects.is_empty() || selects.contains(&true)) && !deselects.contains(&true)
}

fn values() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[ab]{0,3}", 0..3)
}

fn field_selectors() -> impl Strategy<Value = FieldSelector> {
    let field = prop::sample::select(vec![
        "eventName",
        "eventSource",
        "errorCode",
        "userIdentity.arn",
    ]);
    (
        field,
        values(),
        values(),
        values(),
        values(),
        values(),
        values(),
    )
        .prop_map(
            |(
                field,
                equals,
                starts_with,
                ends_with,
                not_equals,
                not_starts_with,
                not_ends_with,
            )| FieldSelector {
                field: field.into(),
                equals,
                starts_with,
                ends_with,
                not_equals,
                not_starts_with,
                not_ends_with,
            },
        )
}

proptest! {
    #[test]
    fn advanced_selectors_agree_with_a_naive_evaluator(
        selectors in prop::collection::vec(prop::collection::vec(field_selectors(), 1..3), 0..3),
        name in "[ab]{0,4}", source in "[ab]{0,4}",
        error_code in prop::option::of("[ab]{0,4}"), identity_arn in prop::option::of("[ab]{0,4}"),
    ) {
        let expected = selectors.iter().any(|selector| selector.iter().all(|selector| {
            naive_holds(selector, match selector.field.as_str() {
                "eventName" => Some(&name),
                "eventSource" => Some(&source),
                "errorCode" => error_code.as_deref(),
                _ => identity_arn.as_deref(),
            })
        }));
        let keys = EventKeys {
            name: name.clone(), source: source.clone(), error_code: error_code.clone(),
            identity_arn: identity_arn.clone(), ..sample::event()
        };
        let selectors = selectors
            .into_iter()
            .map(|field_selectors| AdvancedEventSelector { name: None, field_selectors })
            .collect();
        prop_assert_eq!(Selectors::Advanced(selectors).select(&keys), expected);
    }
}

#[test]
fn own_deliveries_are_left_out_on_request() {
    let put = |invoked_by: Option<&str>, name: &str| EventKeys {
        source: "s3.amazonaws.com".into(),
        name: name.into(),
        invoked_by: invoked_by.map(str::to_owned),
        ..sample::event()
    };
    let cloudtrail = Some("cloudtrail.amazonaws.com");
    let trail = |recursive_logging| Trail {
        recursive_logging,
        ..sample::trail()
    };
    assert!(trail(true).wants(&put(cloudtrail, "PutObject")));
    assert!(!trail(false).wants(&put(cloudtrail, "PutObject")));
    assert!(trail(false).wants(&put(cloudtrail, "GetBucketAcl")));
    assert!(trail(false).wants(&put(None, "PutObject")));
}

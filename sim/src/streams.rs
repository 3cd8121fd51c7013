//! Random events and random trails.

use jiff::Timestamp;
use pugmark_catalog::{
    AdvancedEventSelector, AggregationTemplate, DataResource, EventSelector, FieldSelector,
    Organization, ReadWriteType, Selectors, Trail, TrailId,
};
use pugmark_core::{
    clock::iso_seconds,
    event::{Event, EventCategory, EventKeys, Resource},
};
use serde_json::json;
use uuid::Uuid;

use crate::world::Random;

pub(crate) const ACCOUNTS: [&str; 3] = ["111122223333", "222233334444", "333344445555"];
pub(crate) const REGIONS: [&str; 3] = ["us-east-1", "eu-central-1", "ap-south-1"];
pub(crate) const BUCKETS: [&str; 3] = ["logs-a", "logs-b", "logs-c"];
pub(crate) const ORGANIZATION: &str = "o-simulation";

const SOURCES: [&str; 4] = [
    "iam.amazonaws.com",
    "kms.amazonaws.com",
    "s3.amazonaws.com",
    "lambda.amazonaws.com",
];
const NAMES: [&str; 5] = ["CreateUser", "Decrypt", "PutObject", "GetObject", "Invoke"];
const ARNS: [&str; 4] = [
    "arn:aws:s3:::photos/cat.jpg",
    "arn:aws:s3:::photos/2026/dog.jpg",
    "arn:aws:s3:::private/key",
    "arn:aws:lambda:us-east-1:111122223333:function:f",
];
const CALLERS: [&str; 3] = [
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:user/bob",
    "arn:aws:sts::111122223333:assumed-role/deploy/ci",
];

/// An event that happens now.
pub(crate) fn event(random: &mut Random, number: u64, now: Timestamp) -> Event {
    let category = match random.below(10) {
        0..=4 => EventCategory::Management,
        5..=8 => EventCategory::Data,
        _ => EventCategory::NetworkActivity,
    };
    let is_network = category == EventCategory::NetworkActivity;
    let is_data = category == EventCategory::Data;
    let global_service = category == EventCategory::Management && random.one_in(5);
    let region = match global_service {
        true => "us-east-1",
        false => random.pick(&REGIONS),
    };
    let arn = *random.pick(&ARNS);
    let kind = match arn.contains(":s3:") {
        true => "AWS::S3::Object",
        false => "AWS::Lambda::Function",
    };
    let resource = is_data.then(|| Resource {
        kind: Some(kind.to_owned()),
        arn: Some(arn.to_owned()),
        account: None,
        is_prefix: false,
    });
    let read_only = random.one_in(2);
    let denied = is_network && random.one_in(2);
    let call = EventKeys::new(
        Uuid::from_u128(u128::from(number) << 64 | u128::from(random.next())),
        Timestamp::from_second(now.as_second()).unwrap_or(now),
        random.pick(&ACCOUNTS).parse().expect("an account"),
        region.parse().expect("a Region"),
        (*random.pick(&SOURCES)).to_owned(),
        (*random.pick(&NAMES)).to_owned(),
    );
    let keys = EventKeys {
        category,
        event_type: if is_network {
            "AwsVpceEvent"
        } else {
            "AwsApiCall"
        }
        .to_owned(),
        read_only: (!is_network).then_some(read_only),
        global_service,
        identity_arn: Some((*random.pick(&CALLERS)).to_owned()),
        error_code: denied.then(|| "VpceAccessDenied".to_owned()),
        vpc_endpoint_id: is_network.then(|| "vpce-1".to_owned()),
        resources: resource.clone().into_iter().collect(),
        ..call
    };
    let mut record = json!({
        "eventID": keys.id.to_string(),
        "eventTime": iso_seconds(keys.time),
        "eventSource": keys.source,
        "eventName": keys.name,
        "eventType": keys.event_type,
        "eventCategory": keys.category.as_str(),
        "awsRegion": region,
        "recipientAccountId": keys.account.as_str(),
        "userIdentity": {"type": "IAMUser", "arn": keys.identity_arn},
        "padding": "x".repeat(random.below(400) as usize),
    });
    if let Some(read_only) = keys.read_only {
        record["readOnly"] = read_only.into();
    }
    if let Some(code) = &keys.error_code {
        record["errorCode"] = code.as_str().into();
    }
    if let Some(endpoint) = &keys.vpc_endpoint_id {
        record["vpcEndpointId"] = endpoint.as_str().into();
    }
    if let Some(resource) = resource {
        record["resources"] = json!([{"type": resource.kind, "ARN": resource.arn}]);
    }
    // Only the simulation needs it: no field of a record tells a global service.
    record["global"] = global_service.into();
    Event {
        keys,
        json: record.to_string().into(),
    }
}

/// A trail that does not log yet.
pub(crate) fn trail(random: &mut Random, number: u64) -> Trail {
    let account = *random.pick(&ACCOUNTS);
    let home = *random.pick(&REGIONS);
    let name = format!("trail-{number}");
    let is_multi_region = random.one_in(2);
    let is_organization = random.one_in(4);
    let selectors = selectors(random);
    let aggregates = random.one_in(4);
    let plain = Trail::new(
        TrailId(format!("id-{number}-{}", random.next())),
        account.parse().expect("an account"),
        home.parse().expect("a Region"),
        name,
        (*random.pick(&BUCKETS)).to_owned(),
    );
    Trail {
        // Own prefixes: trails of one account would share folders, which is right, and hard to judge.
        key_prefix: Some(format!("p{number}")),
        sns_topic_name: random
            .one_in(3)
            .then(|| format!("arn:aws:sns:{home}:{account}:topic-{number}")),
        include_global_service_events: is_multi_region || random.one_in(2),
        is_multi_region,
        log_file_validation: !random.one_in(4),
        organization: is_organization.then(|| Organization {
            id: ORGANIZATION.to_owned(),
            accounts: ACCOUNTS
                .iter()
                .map(|account| account.parse().expect("an account"))
                .collect(),
        }),
        selectors,
        aggregations: match aggregates {
            true => AggregationTemplate::ALL.to_vec(),
            false => Vec::new(),
        },
        ..plain
    }
}

pub(crate) fn selectors(random: &mut Random) -> Selectors {
    match random.below(5) {
        0 => Selectors::Default,
        1 | 2 => Selectors::Basic((0..=random.below(2)).map(|_| basic(random)).collect()),
        _ => Selectors::Advanced((0..=random.below(3)).map(|_| advanced(random)).collect()),
    }
}

fn basic(random: &mut Random) -> EventSelector {
    let all = [
        ReadWriteType::All,
        ReadWriteType::ReadOnly,
        ReadWriteType::WriteOnly,
    ];
    let resources = [
        ("AWS::S3::Object", "arn:aws:s3"),
        ("AWS::S3::Object", "arn:aws:s3:::photos/"),
        ("AWS::S3::Object", "arn:aws:s3:::photos/2026/"),
        ("AWS::Lambda::Function", "arn:aws:lambda"),
        ("AWS::Lambda::Function", ARNS[3]),
    ];
    let data_resources = (0..random.below(3)).map(|_| {
        let (kind, value) = *random.pick(&resources);
        DataResource {
            kind: kind.to_owned(),
            values: vec![value.to_owned()],
        }
    });
    let data_resources = data_resources.collect();
    EventSelector {
        read_write_type: *random.pick(&all),
        include_management_events: random.one_in(2),
        data_resources,
        exclude_management_event_sources: match random.one_in(3) {
            true => vec!["kms.amazonaws.com".to_owned()],
            false => Vec::new(),
        },
    }
}

fn advanced(random: &mut Random) -> AdvancedEventSelector {
    let category = *random.pick(&["Management", "Data", "NetworkActivity"]);
    let field = |field: &str, equals: &[&str]| FieldSelector {
        field: field.to_owned(),
        equals: equals.iter().map(|&text| text.to_owned()).collect(),
        ..FieldSelector::default()
    };
    let mut fields = vec![field("eventCategory", &[category])];
    match category {
        "Data" => {
            let kind = *random.pick(&["AWS::S3::Object", "AWS::Lambda::Function"]);
            fields.push(field("resources.type", &[kind]));
            if random.one_in(2) {
                fields.push(FieldSelector {
                    starts_with: vec!["arn:aws:s3:::photos/".to_owned()],
                    not_ends_with: vec!["dog.jpg".to_owned()],
                    ..field("resources.ARN", &[ARNS[2]])
                });
            }
        }
        "NetworkActivity" => {
            fields.push(field("eventSource", &[*random.pick(&SOURCES)]));
            if random.one_in(2) {
                fields.push(field("errorCode", &["VpceAccessDenied"]));
            }
        }
        _ => {
            if random.one_in(2) {
                fields.push(FieldSelector {
                    not_equals: vec!["kms.amazonaws.com".to_owned()],
                    ..field("eventSource", &[])
                });
            }
        }
    }
    if category != "NetworkActivity" && random.one_in(2) {
        fields.push(field("readOnly", &[*random.pick(&["true", "false"])]));
    }
    if category == "Data" && random.one_in(3) {
        fields.push(FieldSelector {
            starts_with: vec!["Put".to_owned(), "Get".to_owned()],
            not_equals: vec!["GetObject".to_owned()],
            ..field("eventName", &[])
        });
    }
    if category == "Data" && random.one_in(3) {
        fields.push(FieldSelector {
            not_starts_with: vec!["arn:aws:sts::".to_owned()],
            ..field("userIdentity.arn", &[])
        });
    }
    AdvancedEventSelector {
        name: None,
        field_selectors: fields,
    }
}

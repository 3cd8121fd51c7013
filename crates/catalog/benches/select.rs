//! Events a second that a trail's selectors judge on one core: `cargo bench -p pugmark-catalog --bench select`.

use std::{hint::black_box, time::Instant};

use pugmark_catalog::{
    AdvancedEventSelector, DataResource, EventSelector, FieldSelector, ReadWriteType, Selectors,
};
use pugmark_core::event::{EventCategory, EventKeys, Resource};
use uuid::Uuid;

const EVENTS: usize = 4096;
const ROUNDS: usize = 200;

fn main() {
    let events: Vec<EventKeys> = (0..EVENTS).map(event).collect();
    println!("{:<58} {:>12} {:>8}", "selectors", "events/s", "taken");
    measure("all management events", &Selectors::Default, &events);
    let values = |count: usize| (0..count).map(|number| format!("arn:aws:s3:::bucket-{number}/"));
    let basic = EventSelector {
        read_write_type: ReadWriteType::WriteOnly,
        include_management_events: true,
        data_resources: vec![DataResource {
            kind: "AWS::S3::Object".into(),
            values: values(250).collect(),
        }],
        exclude_management_event_sources: vec!["kms.amazonaws.com".into()],
    };
    measure(
        "basic, 250 buckets",
        &Selectors::Basic(vec![basic]),
        &events,
    );
    let field = |field: &str, equals: Vec<String>| FieldSelector {
        field: field.into(),
        equals,
        ..FieldSelector::default()
    };
    let advanced = |buckets: usize| {
        let objects = FieldSelector {
            field: "resources.ARN".into(),
            starts_with: values(buckets).collect(),
            ..FieldSelector::default()
        };
        let selector = |field_selectors| AdvancedEventSelector {
            name: None,
            field_selectors,
        };
        Selectors::Advanced(vec![
            selector(vec![
                field("eventCategory", vec!["Management".into()]),
                field("readOnly", vec!["false".into()]),
                FieldSelector {
                    field: "eventSource".into(),
                    not_equals: vec!["kms.amazonaws.com".into(), "rdsdata.amazonaws.com".into()],
                    ..FieldSelector::default()
                },
            ]),
            selector(vec![
                field("eventCategory", vec!["Data".into()]),
                field("resources.type", vec!["AWS::S3::Object".into()]),
                objects,
            ]),
        ])
    };
    measure("advanced, 5 buckets", &advanced(5), &events);
    measure(
        "advanced, 490 buckets (the most that is allowed)",
        &advanced(490),
        &events,
    );
}

fn measure(name: &str, selectors: &Selectors, events: &[EventKeys]) {
    let taken = events.iter().filter(|keys| selectors.select(keys)).count();
    let began = Instant::now();
    for _ in 0..ROUNDS {
        for keys in events {
            black_box(selectors.select(black_box(keys)));
        }
    }
    let rate = (EVENTS * ROUNDS) as f64 / began.elapsed().as_secs_f64();
    println!(
        "{name:<58} {rate:>12.0} {:>7.0}%",
        100.0 * taken as f64 / EVENTS as f64
    );
}

/// Half of them management events of ten services, half calls on objects of a thousand buckets.
fn event(number: usize) -> EventKeys {
    let is_data = number.is_multiple_of(2);
    let services = [
        "iam", "ec2", "kms", "sts", "rds", "sqs", "sns", "ssm", "logs", "lambda",
    ];
    let service = if is_data {
        "s3"
    } else {
        services[number / 2 % 10]
    };
    let resource = Resource {
        kind: Some("AWS::S3::Object".into()),
        arn: Some(format!(
            "arn:aws:s3:::bucket-{}/key-{number}",
            number % 1000
        )),
        account: Some("123456789012".into()),
        is_prefix: false,
    };
    EventKeys {
        category: if is_data {
            EventCategory::Data
        } else {
            EventCategory::Management
        },
        read_only: Some(number.is_multiple_of(3)),
        username: Some("alice".into()),
        identity_arn: Some("arn:aws:iam::123456789012:user/alice".into()),
        resources: if is_data { vec![resource] } else { Vec::new() },
        ..EventKeys::new(
            Uuid::from_u128(number as u128),
            jiff::Timestamp::UNIX_EPOCH,
            "123456789012".parse().expect("an account"),
            "us-east-1".parse().expect("a Region"),
            format!("{service}.amazonaws.com"),
            "PutObject",
        )
    }
}

//! Trails and events for the tests of this crate.

#![allow(clippy::unwrap_used)]

use pugmark_core::event::EventKeys;
use uuid::Uuid;

use crate::trail::{
    AdvancedEventSelector, DataResource, EventSelector, FieldSelector, ReadWriteType, Selectors,
    Trail, TrailId,
};

/// A one-Region trail of eu-central-1 that logs, with default selectors.
pub(crate) fn trail() -> Trail {
    Trail {
        is_logging: true,
        ..Trail::new(
            TrailId("0193f2a0-0000-7000-8000-000000000001".into()),
            "111122223333".parse().unwrap(),
            "eu-central-1".parse().unwrap(),
            "audit",
            "logs",
        )
    }
}

/// A trail with every member set.
pub(crate) fn full_trail() -> Trail {
    let field = |field: &str| FieldSelector {
        field: field.into(),
        ..FieldSelector::default()
    };
    Trail {
        key_prefix: Some("team/a".into()),
        sns_topic_name: Some("topic".into()),
        is_multi_region: true,
        log_file_validation: true,
        logs_group_arn: Some("arn:aws:logs:eu-central-1:111122223333:log-group:g:*".into()),
        logs_role_arn: Some("arn:aws:iam::111122223333:role/r".into()),
        kms_key_id: Some("arn:aws:kms:eu-central-1:111122223333:key/k".into()),
        selectors: Selectors::Advanced(vec![AdvancedEventSelector {
            name: Some("writes".into()),
            field_selectors: vec![
                FieldSelector {
                    equals: vec!["Data".into()],
                    ..field("eventCategory")
                },
                FieldSelector {
                    equals: vec!["a".into()],
                    starts_with: vec!["b".into()],
                    ends_with: vec!["c".into()],
                    not_equals: vec!["d".into()],
                    not_starts_with: vec!["e".into()],
                    not_ends_with: vec!["f".into(), "ü \"".into()],
                    ..field("eventName")
                },
            ],
        }]),
        tags: [
            ("team".to_owned(), Some("red".to_owned())),
            ("bare".to_owned(), None),
        ]
        .into(),
        started: Some("2026-01-19T21:17:28.123456789Z".parse().unwrap()),
        stopped: Some("2026-01-19T20:17:28Z".parse().unwrap()),
        ..trail()
    }
}

/// Basic selectors with every member set.
pub(crate) fn basic() -> Selectors {
    Selectors::Basic(vec![EventSelector {
        read_write_type: ReadWriteType::WriteOnly,
        include_management_events: true,
        data_resources: vec![DataResource {
            kind: "AWS::S3::Object".into(),
            values: vec!["arn:aws:s3:::b/p".into()],
        }],
        exclude_management_event_sources: vec!["kms.amazonaws.com".into()],
    }])
}

/// A management event of eu-central-1 that writes.
pub(crate) fn event() -> EventKeys {
    EventKeys::new(
        Uuid::nil(),
        "2026-01-19T21:17:28Z".parse().unwrap(),
        "111122223333".parse().unwrap(),
        "eu-central-1".parse().unwrap(),
        "ec2.amazonaws.com",
        "RunInstances",
    )
}

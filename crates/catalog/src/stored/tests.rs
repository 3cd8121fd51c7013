#![allow(clippy::unwrap_used)]

use super::*;
use crate::{sample, trail::Selectors};

fn golden(name: &str, stored: &[u8]) -> Vec<u8> {
    // Tests run in their crate's folder, which need not be where they were compiled.
    let path = std::path::Path::new("testdata").join(name);
    if std::env::var_os("PUGMARK_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, stored).unwrap();
    }
    std::fs::read(&path).unwrap()
}

/// What was written by version 1 is read for ever, and version 1 is still what is written.
#[test]
fn golden_files_of_version_1_hold() {
    let put_full = Change::PutTrail(Box::new(sample::full_trail()));
    let put_basic = Change::PutTrail(Box::new(Trail {
        selectors: sample::basic(),
        ..sample::trail()
    }));
    let delete = Change::DeleteTrail(sample::trail().arn, None);
    let end = Change::DeleteTrail(
        sample::trail().arn,
        Some("2026-01-19T21:17:28Z".parse().unwrap()),
    );
    let delegates = Change::PutDelegates(["222233334444".parse().unwrap()].into());
    for (name, change) in [
        ("change-put-full.v1", &put_full),
        ("change-put-basic.v1", &put_basic),
        ("change-delete.v1", &delete),
        ("change-end.v1", &end),
        ("change-delegates.v1", &delegates),
    ] {
        let stored = golden(name, &change.encode());
        assert_eq!(Change::decode(&stored).unwrap(), *change, "{name}");
        assert_eq!(change.encode(), stored, "{name}");
    }
    let mut catalog = Catalog::default();
    let other = Trail {
        arn: TrailArn("arn:aws:cloudtrail:us-east-1:111122223333:trail/other".into()),
        selectors: Selectors::Default,
        ..sample::trail()
    };
    for trail in [sample::full_trail(), other] {
        catalog.apply(Change::PutTrail(Box::new(trail)));
    }
    let stored = golden("catalog.v1", &catalog.encode());
    assert_eq!(Catalog::decode(&stored).unwrap(), catalog);
    assert_eq!(catalog.encode(), stored);
}

#[test]
fn unknown_versions_and_unknown_members_are_told() {
    assert!(matches!(
        Change::decode(b"\x02{}"),
        Err(DecodeError::UnknownVersion(2))
    ));
    assert!(matches!(Change::decode(b""), Err(DecodeError::Damaged(_))));
    assert!(matches!(
        Catalog::decode(b"\x01{\"trails\":[],\"more\":1}"),
        Err(DecodeError::Damaged(_))
    ));
    let mut stored = Change::PutTrail(Box::new(sample::trail()))
        .encode()
        .to_vec();
    let at = stored
        .windows(12)
        .position(|window| window == b"\"account\":\"1")
        .unwrap();
    stored.remove(at + 11);
    assert!(matches!(
        Change::decode(&stored),
        Err(DecodeError::Damaged(_))
    ));
}

#[test]
fn an_organization_is_kept() {
    let trail = Trail {
        organization: Some(crate::Organization {
            id: "o-exampleorgid".into(),
            accounts: [
                "111122223333".parse().unwrap(),
                "444455556666".parse().unwrap(),
            ]
            .into(),
        }),
        ..sample::full_trail()
    };
    assert!(trail.has_account("444455556666".parse().unwrap()));
    assert!(!trail.has_account("777788889999".parse().unwrap()));
    let change = Change::PutTrail(Box::new(trail));
    assert_eq!(Change::decode(&change.encode()).unwrap(), change);
    let mut catalog = Catalog::default();
    catalog.apply(change);
    assert_eq!(Catalog::decode(&catalog.encode()).unwrap(), catalog);
}

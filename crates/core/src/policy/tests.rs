//! Policies as AWS evaluates them.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(policy: &str, action: &str, resource: &str, expected: Decision) {
    let policy = Policy::parse(policy).unwrap();
    let mut context = HashMap::new();
    context.insert("aws:sourceip".to_owned(), vec!["10.1.2.3".to_owned()]);
    context.insert("s3:x-amz-acl".to_owned(), vec!["private".to_owned()]);
    let request = Request {
        action,
        resource,
        principal: Some("arn:aws:iam::123456789012:user/a"),
        context,
    };
    assert_eq!(
        evaluate([&policy], &request),
        expected,
        "{action} on {resource}"
    );
}

fn with(condition: &str) -> String {
    format!(
        r#"{{"Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{condition}}}}}"#
    )
}

#[test]
fn a_deny_wins_over_an_allow() {
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*"},{"Effect":"Deny","Action":"S3:Delete*","Resource":"*"}]}"#;
    check(policy, "s3:PutObject", "arn:aws:s3:::b/k", Decision::Allow);
    check(
        policy,
        "s3:DeleteObject",
        "arn:aws:s3:::b/k",
        Decision::ExplicitDeny,
    );
    check(
        policy,
        "s3:PutObject",
        "arn:aws:s3:::c/k",
        Decision::ImplicitDeny,
    );
    check(policy, "iam:CreateUser", "*", Decision::ImplicitDeny);
}

#[test]
fn not_elements_turn_round() {
    let policy = r#"{"Statement":{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::secret*"}}"#;
    check(policy, "s3:GetObject", "arn:aws:s3:::b", Decision::Allow);
    check(
        policy,
        "s3:GetObject",
        "arn:aws:s3:::secret",
        Decision::ImplicitDeny,
    );
    check(
        policy,
        "iam:GetUser",
        "arn:aws:s3:::b",
        Decision::ImplicitDeny,
    );
}

#[test]
fn principals_are_arns_accounts_or_everybody() {
    for (principal, expected) in [
        (r#""*""#, Decision::Allow),
        (
            r#"{"AWS":"arn:aws:iam::123456789012:root"}"#,
            Decision::Allow,
        ),
        (r#"{"AWS":["123456789012"]}"#, Decision::Allow),
        (
            r#"{"AWS":"arn:aws:iam::123456789012:user/b"}"#,
            Decision::ImplicitDeny,
        ),
        (
            r#"{"Service":"cloudtrail.amazonaws.com"}"#,
            Decision::ImplicitDeny,
        ),
    ] {
        let policy = format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"*","Resource":"*"}}}}"#
        );
        check(&policy, "s3:GetObject", "arn:aws:s3:::b/k", expected);
    }
}

#[test]
fn conditions_hold_or_not() {
    for (condition, expected) in [
        (
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            Decision::Allow,
        ),
        (
            r#"{"IpAddress":{"aws:SourceIp":["192.168.0.0/16"]}}"#,
            Decision::ImplicitDeny,
        ),
        (
            r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            Decision::ImplicitDeny,
        ),
        (
            r#"{"StringEquals":{"s3:x-amz-acl":["public-read","private"]}}"#,
            Decision::Allow,
        ),
        (
            r#"{"StringNotEquals":{"s3:x-amz-acl":["public-read","private"]}}"#,
            Decision::ImplicitDeny,
        ),
        (
            r#"{"StringLike":{"s3:x-amz-acl":"priv*"}}"#,
            Decision::Allow,
        ),
        (
            r#"{"StringEquals":{"aws:Missing":"x"}}"#,
            Decision::ImplicitDeny,
        ),
        (
            r#"{"StringEqualsIfExists":{"aws:Missing":"x"}}"#,
            Decision::Allow,
        ),
        (r#"{"Null":{"aws:Missing":"true"}}"#, Decision::Allow),
        (r#"{"Null":{"aws:SourceIp":true}}"#, Decision::ImplicitDeny),
    ] {
        check(
            &with(condition),
            "s3:GetObject",
            "arn:aws:s3:::b/k",
            expected,
        );
    }
}

#[test]
fn what_would_not_be_evaluated_is_refused() {
    for bad in [
        "NoSuchPolicy",
        "{",
        "{}",
        r#"{"Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Conditions":{}}]}"#,
        &with(r#"{"StringResembles":{"a":"b"}}"#),
        &with(r#"{"IpAddress":{"a":"not an address"}}"#),
    ] {
        assert!(Policy::parse(bad).is_err(), "{bad}");
    }
    for name in BUILT_IN_NAMES {
        Policy::parse(name).unwrap();
    }
    check(
        "AWSCloudTrail_ReadOnlyAccess",
        "cloudtrail:LookupEvents",
        "*",
        Decision::Allow,
    );
    check(
        "AWSCloudTrail_ReadOnlyAccess",
        "cloudtrail:StopLogging",
        "*",
        Decision::ImplicitDeny,
    );
}

#[test]
fn wildcards_do_not_blow_up() {
    let pattern = "*a".repeat(200);
    assert!(!wildcard(&pattern, &"a".repeat(199)));
    assert!(wildcard("a?c*", "abcdef") && !wildcard("a?c", "ac") && wildcard("*", ""));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,200}") {
        let _ = Policy::parse(&text);
        let _ = Policy::parse(&with(&format!("{{\"StringLike\":{{\"a\":{text:?}}}}}")));
    }
}

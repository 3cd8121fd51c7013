//! The bucket policy that CloudTrail asks for, and whether a bucket has it (user guide, "Amazon S3 bucket policy for
//! CloudTrail").

use std::collections::HashMap;

use pugmark_catalog::Trail;
use pugmark_core::{
    account::AccountId,
    policy::{Decision, Policy, Request, evaluate},
};
use serde_json::json;

use crate::layout;

/// Who asks.
const SERVICE: &str = "cloudtrail.amazonaws.com";
const OWNER_ACL: &str = "bucket-owner-full-control";

/// How a trail's bucket policy is judged when the trail is made or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PolicyCheck {
    /// A policy must allow CloudTrail, as at AWS; a bucket without one is judged by whether a put succeeds, for many stores
    /// know no policies or no services in them.
    #[default]
    Auto,
    /// As AWS does: there must be a policy, and it must allow CloudTrail.
    Required,
    /// Only whether a put succeeds.
    Ignored,
}

/// Why a policy does not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyFault {
    #[error("the bucket has no policy")]
    Missing,
    #[error("the policy cannot be read: {0}")]
    Unreadable(String),
    #[error("{action} on {resource} is {}", if *.is_denied { "denied" } else { "not allowed" })]
    Refused {
        action: &'static str,
        resource: String,
        is_denied: bool,
    },
}

/// Judges a bucket's policy as CreateTrail does: the ACL may be read and the trail's folders may be written.
pub(crate) fn check(
    check: PolicyCheck,
    policy: Option<&str>,
    trail: &Trail,
) -> Result<(), PolicyFault> {
    let policy = match (check, policy) {
        (PolicyCheck::Ignored, _) | (PolicyCheck::Auto, None) => return Ok(()),
        (PolicyCheck::Required, None) => return Err(PolicyFault::Missing),
        (_, Some(policy)) => {
            Policy::parse(policy).map_err(|error| PolicyFault::Unreadable(error.to_string()))?
        }
    };
    let context = |acl: bool| {
        let mut context = HashMap::from([
            ("aws:sourcearn".to_owned(), vec![trail.arn.0.clone()]),
            (
                "aws:sourceaccount".to_owned(),
                vec![trail.account.to_string()],
            ),
            ("aws:securetransport".to_owned(), vec!["true".to_owned()]),
            (
                "aws:principalisawsservice".to_owned(),
                vec!["true".to_owned()],
            ),
            (
                "aws:principalservicename".to_owned(),
                vec![SERVICE.to_owned()],
            ),
        ]);
        if acl {
            context.insert("s3:x-amz-acl".to_owned(), vec![OWNER_ACL.to_owned()]);
            let encryption = if trail.kms_key_id.is_some() {
                "aws:kms"
            } else {
                "AES256"
            };
            context.insert(
                "s3:x-amz-server-side-encryption".to_owned(),
                vec![encryption.to_owned()],
            );
            if let Some(key) = &trail.kms_key_id {
                let name = "s3:x-amz-server-side-encryption-aws-kms-key-id".to_owned();
                context.insert(name, vec![key.clone()]);
            }
        }
        context
    };
    let ask = |action: &'static str, resource: String, context| {
        let request = Request {
            action,
            resource: &resource,
            principal: Some(SERVICE),
            context,
        };
        match evaluate([&policy], &request) {
            Decision::Allow => Ok(()),
            decision => Err(PolicyFault::Refused {
                action,
                resource,
                is_denied: decision == Decision::ExplicitDeny,
            }),
        }
    };
    let bucket = format!("arn:aws:s3:::{}", trail.bucket);
    ask("s3:GetBucketAcl", bucket.clone(), context(false))?;
    let folders = ["CloudTrail", "CloudTrail-Digest"];
    for folder in &folders[..if trail.log_file_validation { 2 } else { 1 }] {
        for key in layout::markers(trail, folder) {
            ask("s3:PutObject", format!("{bucket}/{key}"), context(true))?;
        }
    }
    Ok(())
}

/// A policy that lets a trail of the account, or of its organization, write into the bucket, and nobody else: JSON, indented.
pub fn bucket_policy(
    bucket: &str,
    key_prefix: Option<&str>,
    account: AccountId,
    organization: Option<&str>,
    trail_arn: &str,
) -> String {
    let write = |sid: &str, folder: &str| {
        json!({
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": SERVICE},
            "Action": "s3:PutObject",
            "Resource": format!("arn:aws:s3:::{bucket}/{folder}/*"),
            "Condition": {"StringEquals": {"s3:x-amz-acl": OWNER_ACL, "aws:SourceArn": trail_arn}},
        })
    };
    let mut writes = vec![write(
        "AWSCloudTrailWrite20150319",
        &layout::root(key_prefix, None, account),
    )];
    if let Some(organization) = organization {
        let folder = layout::organization_root(key_prefix, organization);
        writes.push(write("AWSCloudTrailOrganizationWrite20150319", &folder));
    }
    let mut statements = vec![json!({
        "Sid": "AWSCloudTrailAclCheck20150319",
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "s3:GetBucketAcl",
        "Resource": format!("arn:aws:s3:::{bucket}"),
        "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}},
    })];
    statements.append(&mut writes);
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    format!("{policy:#}")
}

#[cfg(test)]
mod tests {
    use pugmark_catalog::TrailId;

    use super::*;

    fn trail() -> Trail {
        Trail {
            key_prefix: Some("here".into()),
            log_file_validation: true,
            ..Trail::new(
                TrailId("1".into()),
                "123456789012".parse().unwrap(),
                "eu-west-1".parse().unwrap(),
                "audit",
                "logs",
            )
        }
    }

    #[test]
    fn what_is_printed_is_right() {
        let trail = trail();
        let policy = bucket_policy("logs", Some("here"), trail.account, None, &trail.arn.0);
        assert_eq!(check(PolicyCheck::Required, Some(&policy), &trail), Ok(()));
        let other = |change: fn(&mut Trail)| {
            let mut trail = trail.clone();
            change(&mut trail);
            check(PolicyCheck::Auto, Some(&policy), &trail).is_err()
        };
        assert!(other(|trail| trail.key_prefix = None), "another prefix");
        assert!(
            other(|trail| trail.arn.0 = trail.arn.0.replace("audit", "other")),
            "another trail"
        );
        assert!(
            other(|trail| trail.bucket = "elsewhere".into()),
            "another bucket"
        );
        assert!(
            other(|trail| trail.account = "210987654321".parse().unwrap()),
            "another account"
        );
    }

    #[test]
    fn the_setting_says_what_a_bucket_without_policy_means() {
        let trail = trail();
        assert_eq!(check(PolicyCheck::Auto, None, &trail), Ok(()));
        assert_eq!(
            check(PolicyCheck::Required, None, &trail),
            Err(PolicyFault::Missing)
        );
        assert_eq!(check(PolicyCheck::Ignored, Some("{"), &trail), Ok(()));
        assert!(matches!(
            check(PolicyCheck::Auto, Some("{"), &trail),
            Err(PolicyFault::Unreadable(_))
        ));
    }

    #[test]
    fn a_deny_wins_and_encryption_may_be_demanded() {
        let mut trail = trail();
        let allow = bucket_policy("logs", Some("here"), trail.account, None, &trail.arn.0);
        let mut policy: serde_json::Value = serde_json::from_str(&allow).unwrap();
        policy["Statement"].as_array_mut().unwrap().push(json!({
            "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::logs/*",
            "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
        }));
        let policy = policy.to_string();
        let fault = check(PolicyCheck::Auto, Some(&policy), &trail).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "s3:PutObject on arn:aws:s3:::logs/here/AWSLogs/123456789012/CloudTrail/ is denied"
        );
        trail.kms_key_id = Some("arn:aws:kms:eu-west-1:123456789012:key/k".into());
        assert_eq!(check(PolicyCheck::Auto, Some(&policy), &trail), Ok(()));
    }
}

//! Trails and times as they stand in responses: strings without a value are left out, booleans are always there.

use jiff::Timestamp;
use pugmark_catalog::{Selectors, Trail};
use serde_json::{Map, Value};

/// The trail object of `GetTrail` and `DescribeTrails`.
pub(crate) fn trail(trail: &Trail) -> Value {
    let mut out = settings(trail);
    out.insert("HomeRegion".into(), trail.home_region.as_str().into());
    out.insert(
        "HasCustomEventSelectors".into(),
        (trail.selectors != Selectors::Default).into(),
    );
    out.insert("HasInsightSelectors".into(), trail.has_insights().into());
    Value::Object(out)
}

/// The answer of `CreateTrail` and `UpdateTrail`.
pub(crate) fn settings(trail: &Trail) -> Map<String, Value> {
    let mut out = Map::new();
    let topic_arn = trail.topic_arn();
    put(&mut out, "Name", Some(&trail.name));
    put(&mut out, "S3BucketName", Some(&trail.bucket));
    put(&mut out, "S3KeyPrefix", trail.key_prefix.as_ref());
    put(&mut out, "SnsTopicName", trail.sns_topic_name.as_ref());
    put(&mut out, "SnsTopicARN", topic_arn.as_ref());
    out.insert(
        "IncludeGlobalServiceEvents".into(),
        trail.include_global_service_events.into(),
    );
    out.insert("IsMultiRegionTrail".into(), trail.is_multi_region.into());
    put(&mut out, "TrailARN", Some(&trail.arn.0));
    out.insert(
        "LogFileValidationEnabled".into(),
        trail.log_file_validation.into(),
    );
    put(
        &mut out,
        "CloudWatchLogsLogGroupArn",
        trail.logs_group_arn.as_ref(),
    );
    put(
        &mut out,
        "CloudWatchLogsRoleArn",
        trail.logs_role_arn.as_ref(),
    );
    put(&mut out, "KmsKeyId", trail.kms_key_id.as_ref());
    out.insert(
        "IsOrganizationTrail".into(),
        trail.organization.is_some().into(),
    );
    out.insert("RecursiveLogging".into(), trail.recursive_logging.into());
    out
}

/// Epoch seconds, with a fraction when there is one.
pub(crate) fn epoch(time: Timestamp) -> Value {
    if time.subsec_nanosecond() == 0 {
        return time.as_second().into();
    }
    (time.as_millisecond() as f64 / 1000.0).into()
}

/// Adds a member if it has a value.
pub(crate) fn put<T: Clone + Into<Value>>(
    out: &mut Map<String, Value>,
    name: &str,
    value: Option<&T>,
) {
    if let Some(value) = value {
        out.insert(name.into(), value.clone().into());
    }
}

//! The forms of names and ARNs, each with the error that AWS gives for a wrong one.

use std::net::Ipv4Addr;

use pugmark_core::{
    account::{AccountId, Arn, Region},
    limits,
};
use uuid::Uuid;

use super::ApiError;

/// CloudTrail's rules for names of trails (API reference, section 1).
pub(crate) fn check_trail_name(name: &str) -> Result<(), ApiError> {
    let length = name.chars().count();
    let message = if name.is_empty() {
        "Trail name cannot be blank!".into()
    } else if length < 3 {
        format!(
            "Trail name too short. Minimum allowed length: 3 characters. Specified name length: {length} characters."
        )
    } else if length > 128 {
        format!(
            "Trail name too long. Maximum allowed length: 128 characters. Specified name length: {length} characters."
        )
    } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        "Trail name must starts with a letter or number.".into()
    } else if !name.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        "Trail name must ends with a letter or number.".into()
    } else if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || is_separator(c))
    {
        "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), \
         and underscores (_)."
            .into()
    } else if name
        .as_bytes()
        .windows(2)
        .any(|pair| pair.iter().all(|&byte| is_separator(byte.into())))
    {
        "Trail name cannot have adjacent periods, underscores, or hyphens.".into()
    } else if name.parse::<Ipv4Addr>().is_ok() {
        "Trail name cannot be in IP address format.".into()
    } else {
        return Ok(());
    };
    Err(ApiError::new("InvalidTrailNameException", message))
}

fn is_separator(c: char) -> bool {
    matches!(c, '.' | '_' | '-')
}

/// Checks the form of a trail's ARN.
pub(crate) fn check_trail_arn(arn: &str) -> Result<(), ApiError> {
    let well_formed = Arn::parse(arn).is_some_and(|parts| {
        parts.service == "cloudtrail"
            && parts.region.parse::<Region>().is_ok()
            && parts.account.parse::<AccountId>().is_ok()
            && parts
                .resource
                .strip_prefix("trail/")
                .is_some_and(|name| check_trail_name(name).is_ok())
    });
    if well_formed {
        return Ok(());
    }
    Err(ApiError::new(
        "CloudTrailARNInvalidException",
        format!("Trail ARN is not valid: {arn}"),
    ))
}

/// Checks the trail's name at the end of an ARN that is otherwise well-formed.
pub(crate) fn check_name_in_arn(arn: &str) -> Result<(), ApiError> {
    let name = Arn::parse(arn).and_then(|parts| {
        (parts.region.parse::<Region>().is_ok() && parts.account.parse::<AccountId>().is_ok())
            .then(|| parts.resource.strip_prefix("trail/"))
            .flatten()
    });
    name.map_or(Ok(()), check_trail_name)
}

/// The answer for an event data store, by ARN or id: there is none.
pub(crate) fn unknown_store(given: &str) -> ApiError {
    if !(3..=256).contains(&given.chars().count()) {
        return ApiError::new(
            "InvalidParameterException",
            "EventDataStore must have 3 to 256 characters.",
        );
    }
    let id = match Arn::parse(given) {
        Some(arn) if arn.service == "cloudtrail" => arn.resource.strip_prefix("eventdatastore/"),
        Some(_) => None,
        None => Some(given),
    };
    if id.and_then(|id| Uuid::parse_str(id).ok()).is_none() {
        return ApiError::new(
            "EventDataStoreARNInvalidException",
            format!("Event data store ARN is not valid: {given}"),
        );
    }
    ApiError::new(
        "EventDataStoreNotFoundException",
        format!("Event data store not found: {given}"),
    )
}

/// The answer for a channel, by its ARN: there is none.
pub(crate) fn unknown_channel(given: &str) -> ApiError {
    let id = Arn::parse(given).and_then(|arn| arn.resource.strip_prefix("channel/"));
    if id.and_then(|id| Uuid::parse_str(id).ok()).is_none() {
        return ApiError::new(
            "ChannelARNInvalidException",
            format!("Channel ARN is not valid: {given}"),
        );
    }
    ApiError::new(
        "ChannelNotFoundException",
        format!("Channel not found: {given}"),
    )
}

/// S3's rules for names of buckets.
pub(crate) fn check_bucket_name(name: &str) -> Result<(), ApiError> {
    let invalid = |message: String| Err(ApiError::new("InvalidS3BucketNameException", message));
    if name.is_empty() {
        return invalid("S3 bucket name cannot be blank!".into());
    }
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-')
    };
    let at_ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let valid = (3..=63).contains(&bytes.len())
        && bytes.iter().copied().all(allowed)
        && at_ends(bytes.first())
        && at_ends(bytes.last())
        && !["..", ".-", "-."].iter().any(|pair| name.contains(pair))
        && name.parse::<Ipv4Addr>().is_err();
    if valid {
        Ok(())
    } else {
        invalid(format!("Bucket name is not valid: {name}"))
    }
}

/// The prefix as it is kept: without slashes at its ends, `None` when nothing is left.
pub(crate) fn key_prefix(prefix: &str) -> Result<Option<String>, ApiError> {
    let length = prefix.chars().count();
    if length > limits::S3_KEY_PREFIX_CHARS_MAX {
        return Err(ApiError::new(
            "InvalidS3PrefixException",
            format!(
                "S3 prefix is too long. Maximum allowed length: {} characters. Specified prefix length: {length} \
                 characters.",
                limits::S3_KEY_PREFIX_CHARS_MAX
            ),
        ));
    }
    if prefix.chars().any(char::is_control) {
        return Err(ApiError::new(
            "InvalidS3PrefixException",
            "S3 prefix contains control characters.",
        ));
    }
    let prefix = prefix.trim_matches('/');
    Ok((!prefix.is_empty()).then(|| prefix.to_owned()))
}

/// A topic's name or ARN; FIFO topics cannot be used.
pub(crate) fn check_topic(topic: &str) -> Result<(), ApiError> {
    let name = match Arn::parse(topic) {
        Some(arn) if arn.service == "sns" && arn.account.parse::<AccountId>().is_ok() => {
            arn.resource
        }
        Some(_) => "",
        None => topic,
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=256).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(ApiError::new(
        "InvalidSnsTopicNameException",
        format!("SNS Topic name is not valid: {topic}"),
    ))
}

/// A key's ID or ARN, or an alias's name or ARN.
pub(crate) fn check_kms_key(key: &str) -> Result<(), ApiError> {
    let is_word = |text: &str, more: &[u8]| {
        (1..=256).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    let is_alias = |text: &str| is_word(text, b"-_/");
    let valid = match Arn::parse(key) {
        Some(arn) if arn.service == "kms" && arn.account.parse::<AccountId>().is_ok() => {
            arn.resource
                .strip_prefix("key/")
                .is_some_and(|id| is_word(id, b"-"))
                || arn.resource.strip_prefix("alias/").is_some_and(is_alias)
        }
        Some(_) => false,
        None => key
            .strip_prefix("alias/")
            .map_or_else(|| is_word(key, b"-"), is_alias),
    };
    if valid {
        return Ok(());
    }
    Err(ApiError::new(
        "InvalidKmsKeyIdException",
        format!("KMS key ID is not valid: {key}"),
    ))
}

/// The ARN of a log group.
pub(crate) fn check_log_group(group: &str) -> Result<(), ApiError> {
    let valid = Arn::parse(group).is_some_and(|arn| {
        arn.service == "logs"
            && arn.account.parse::<AccountId>().is_ok()
            && arn
                .resource
                .strip_prefix("log-group:")
                .is_some_and(|name| !name.trim_end_matches(":*").is_empty())
    });
    if valid {
        return Ok(());
    }
    Err(ApiError::new(
        "InvalidCloudWatchLogsLogGroupArnException",
        "Check the log group ARN: CloudTrail can't validate it.",
    ))
}

/// The ARN of a role.
pub(crate) fn check_role(role: &str) -> Result<(), ApiError> {
    let valid = Arn::parse(role).is_some_and(|arn| {
        arn.service == "iam"
            && arn.account.parse::<AccountId>().is_ok()
            && arn.resource.starts_with("role/")
    });
    if valid {
        return Ok(());
    }
    Err(ApiError::new(
        "InvalidCloudWatchLogsRoleArnException",
        format!("The role ARN is not valid: {role}"),
    ))
}

//! The catalog's content: trails, and what each of them selects.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    event::{EventCategory, EventKeys, InsightType},
};
use serde::{Deserialize, Serialize};

/// `arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TrailArn(pub String);

impl TrailArn {
    /// That of a trail with this home and name, in the partition of its home.
    pub fn new(home_region: &Region, account: AccountId, name: &str) -> Self {
        let partition = home_region.partition();
        Self(format!(
            "arn:{partition}:cloudtrail:{home_region}:{account}:trail/{name}"
        ))
    }
}

impl fmt::Display for TrailArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Tells a trail from an earlier one of the same name: a UUID given at creation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TrailId(pub String);

/// All that is configured, as of one journal position.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Catalog {
    /// Every trail by its ARN.
    pub trails: BTreeMap<TrailArn, Trail>,
    /// Accounts that manage the organization's trails beside its management account.
    pub delegates: BTreeSet<AccountId>,
}

/// A trail and all its settings.
#[derive(Clone, PartialEq, Debug)]
pub struct Trail {
    /// Unique over re-creations.
    pub id: TrailId,
    /// Its ARN.
    pub arn: TrailArn,
    /// Its name.
    pub name: String,
    /// The owner.
    pub account: AccountId,
    /// Where it was made.
    pub home_region: Region,
    /// `S3BucketName`.
    pub bucket: String,
    /// `S3KeyPrefix`, without leading or trailing slash.
    pub key_prefix: Option<String>,
    /// `SnsTopicName` as given.
    pub sns_topic_name: Option<String>,
    /// `IncludeGlobalServiceEvents`.
    pub include_global_service_events: bool,
    /// `IsMultiRegionTrail`.
    pub is_multi_region: bool,
    /// `LogFileValidationEnabled`.
    pub log_file_validation: bool,
    /// `CloudWatchLogsLogGroupArn`.
    pub logs_group_arn: Option<String>,
    /// `CloudWatchLogsRoleArn`.
    pub logs_role_arn: Option<String>,
    /// `KmsKeyId` as a key ARN.
    pub kms_key_id: Option<String>,
    /// The organization whose accounts it records; `IsOrganizationTrail` is whether there is one.
    pub organization: Option<Organization>,
    /// `RecursiveLogging`: whether CloudTrail's own writes into buckets and log groups are recorded.
    pub recursive_logging: bool,
    /// What it records.
    pub selectors: Selectors,
    /// What `InsightSelectors` it has, on management events.
    pub insights: BTreeSet<InsightType>,
    /// What `InsightSelectors` it has on data events.
    pub data_insights: BTreeSet<InsightType>,
    /// How its data events are summed up, every five minutes; empty: not at all.
    pub aggregations: Vec<AggregationTemplate>,
    /// Tags by key; a tag without a value is `None`.
    pub tags: BTreeMap<String, Option<String>>,
    /// `IsLogging`.
    pub is_logging: bool,
    /// Latest `StartLogging`.
    pub started: Option<Timestamp>,
    /// Latest `StopLogging`.
    pub stopped: Option<Timestamp>,
}

/// An organization, as it was when it was last looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Organization {
    /// `o-…`.
    pub id: String,
    /// Its accounts, the management account too.
    pub accounts: BTreeSet<AccountId>,
}

/// A way to sum up data events (`AggregationConfigurations`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AggregationTemplate {
    /// By operation.
    ApiActivity,
    /// By resource.
    ResourceAccess,
    /// By caller.
    UserActions,
}

impl AggregationTemplate {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ApiActivity, Self::ResourceAccess, Self::UserActions];

    /// AWS's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiActivity => "API_ACTIVITY",
            Self::ResourceAccess => "RESOURCE_ACCESS",
            Self::UserActions => "USER_ACTIONS",
        }
    }
}

/// What a trail selects.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Selectors {
    /// Never set: all management events.
    #[default]
    Default,
    /// `EventSelectors`.
    Basic(Vec<EventSelector>),
    /// `AdvancedEventSelectors`.
    Advanced(Vec<AdvancedEventSelector>),
}

/// A basic event selector.
#[derive(Clone, PartialEq, Debug)]
pub struct EventSelector {
    /// Which events by `readOnly`.
    pub read_write_type: ReadWriteType,
    /// `IncludeManagementEvents`.
    pub include_management_events: bool,
    /// `DataResources`.
    pub data_resources: Vec<DataResource>,
    /// `ExcludeManagementEventSources`.
    pub exclude_management_event_sources: Vec<String>,
}

/// `ReadWriteType` of a basic selector.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReadWriteType {
    /// Reads only.
    ReadOnly,
    /// Writes only.
    WriteOnly,
    /// Both.
    #[default]
    All,
}

/// `DataResources` entry of a basic selector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataResource {
    /// `Type`, such as `AWS::S3::Object`.
    pub kind: String,
    /// `Values`: ARNs, or prefixes for S3.
    pub values: Vec<String>,
}

/// An advanced event selector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdvancedEventSelector {
    /// `Name`.
    pub name: Option<String>,
    /// All must hold.
    pub field_selectors: Vec<FieldSelector>,
}

/// One field's conditions: select operators are OR-ed, deselect operators AND-ed, both groups must hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FieldSelector {
    /// Such as `eventName` or `resources.ARN`.
    pub field: String,
    /// `Equals`.
    pub equals: Vec<String>,
    /// `StartsWith`.
    pub starts_with: Vec<String>,
    /// `EndsWith`.
    pub ends_with: Vec<String>,
    /// `NotEquals`.
    pub not_equals: Vec<String>,
    /// `NotStartsWith`.
    pub not_starts_with: Vec<String>,
    /// `NotEndsWith`.
    pub not_ends_with: Vec<String>,
}

/// Whether CloudTrail itself wrote a file or log events. Pugmark's own deliveries do not pass the gateway and are never
/// recorded; those of a CloudTrail behind the gateway are.
fn is_own_delivery(keys: &EventKeys) -> bool {
    let call = (keys.source.as_str(), keys.name.as_str());
    keys.invoked_by.as_deref() == Some("cloudtrail.amazonaws.com")
        && matches!(
            call,
            ("s3.amazonaws.com", "PutObject") | ("logs.amazonaws.com", "PutLogEvents")
        )
}

impl Catalog {
    /// Whether the account may change the organization's trail although it is not its owner.
    pub fn is_delegate(&self, account: AccountId, trail: &Trail) -> bool {
        self.delegates.contains(&account)
            && trail.organization.is_some()
            && trail.has_account(account)
    }

    /// Whether any trail that is logging wants this event; asked before a data event is journalled at all.
    pub fn wants(&self, keys: &EventKeys) -> bool {
        self.trails.values().any(|trail| trail.wants(keys))
    }
}

impl Trail {
    /// As `CreateTrail` makes one of which no more is said; it does not log yet.
    pub fn new(
        id: TrailId,
        account: AccountId,
        home_region: Region,
        name: impl Into<String>,
        bucket: impl Into<String>,
    ) -> Self {
        let name = name.into();
        Self {
            id,
            arn: TrailArn::new(&home_region, account, &name),
            name,
            account,
            home_region,
            bucket: bucket.into(),
            key_prefix: None,
            sns_topic_name: None,
            include_global_service_events: true,
            is_multi_region: false,
            log_file_validation: false,
            logs_group_arn: None,
            logs_role_arn: None,
            kms_key_id: None,
            organization: None,
            recursive_logging: true,
            selectors: Selectors::Default,
            insights: BTreeSet::new(),
            data_insights: BTreeSet::new(),
            aggregations: Vec::new(),
            tags: BTreeMap::new(),
            is_logging: false,
            started: None,
            stopped: None,
        }
    }

    /// `SnsTopicARN`: the topic as an ARN, in the trail's home Region and account unless it was given as one.
    pub fn topic_arn(&self) -> Option<String> {
        let topic = self.sns_topic_name.as_ref()?;
        Some(match topic.starts_with("arn:") {
            true => topic.clone(),
            false => {
                let (region, account) = (&self.home_region, self.account);
                format!("arn:{}:sns:{region}:{account}:{topic}", region.partition())
            }
        })
    }

    /// Whether this trail, as configured here, records the event: logging, account, Region, global services, selectors.
    pub fn wants(&self, keys: &EventKeys) -> bool {
        self.is_logging
            && self.covers(keys)
            && (self.recursive_logging || !is_own_delivery(keys))
            && match keys.category {
                EventCategory::Insight => self.has_insight(keys),
                _ => self.selectors.select(keys),
            }
    }

    /// Whether it has `InsightSelectors`.
    pub fn has_insights(&self) -> bool {
        !(self.insights.is_empty() && self.data_insights.is_empty())
    }

    /// Whether its selectors ask for an Insight event; of those on data events for its own alone.
    fn has_insight(&self, keys: &EventKeys) -> bool {
        let insight = InsightType::of(keys);
        match keys.lookup_resources.first() {
            None => self.insights.contains(&insight),
            Some(source) => source.name == self.arn.0 && self.data_insights.contains(&insight),
        }
    }

    /// The id of its organization, `o-…`.
    pub fn organization_id(&self) -> Option<&str> {
        self.organization
            .as_ref()
            .map(|organization| organization.id.as_str())
    }

    /// Whether the trail records the account: its own, or one of its organization.
    pub fn has_account(&self, account: AccountId) -> bool {
        let of_organization =
            |organization: &Organization| organization.accounts.contains(&account);
        self.account == account || self.organization.as_ref().is_some_and(of_organization)
    }

    /// Whether the trail appears in the Region, as itself or as a shadow.
    pub fn is_in(&self, region: &Region) -> bool {
        self.is_multi_region || self.home_region == *region
    }

    /// Whether the event's account and Region belong to the trail. Events of global services stand in us-east-1,
    /// and only trails that ask for them have them.
    fn covers(&self, keys: &EventKeys) -> bool {
        let in_region = if keys.global_service {
            self.include_global_service_events && self.is_in(&Region::global())
        } else {
            self.is_in(&keys.region)
        };
        in_region && self.has_account(keys.account)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::sample;

    use super::*;

    #[test]
    fn arns_have_the_partition_of_the_home_region() {
        for (region, partition) in [
            ("eu-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
        ] {
            let account = sample::trail().account;
            let id = TrailId(String::new());
            let mut trail = Trail::new(id, account, region.parse().unwrap(), "audit", "logs");
            let place = format!("{region}:{account}");
            assert_eq!(
                trail.arn.0,
                format!("arn:{partition}:cloudtrail:{place}:trail/audit")
            );
            trail.sns_topic_name = Some("topic".into());
            let topic = format!("arn:{partition}:sns:{place}:topic");
            assert_eq!(trail.topic_arn().as_ref(), Some(&topic));
            trail.sns_topic_name = Some("arn:aws:sns:us-east-1:1:t".into());
            assert_eq!(trail.topic_arn(), trail.sns_topic_name);
        }
    }
}

//! The JSON of version 1, apart from the types that the program works with.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use jiff::Timestamp;
use pugmark_core::{account::AccountId, event::InsightType};
use serde::{Deserialize, Serialize};

use super::{Change, DecodeError};
use crate::trail::{
    AdvancedEventSelector, AggregationTemplate, Catalog, DataResource, EventSelector,
    FieldSelector, Organization, ReadWriteType, Selectors, Trail, TrailArn, TrailId,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganizationForm {
    id: String,
    accounts: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndForm {
    arn: String,
    time: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeForm {
    PutTrail(Box<TrailForm>),
    DeleteTrail(String),
    EndTrail(EndForm),
    PutDelegates(Vec<String>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SnapshotForm {
    trails: Vec<TrailForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    delegates: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrailForm {
    id: String,
    arn: String,
    name: String,
    account: String,
    home_region: String,
    bucket: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sns_topic_name: Option<String>,
    include_global_service_events: bool,
    is_multi_region: bool,
    log_file_validation: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logs_group_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logs_role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    is_organization: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    organization: Option<OrganizationForm>,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    recursive_logging: bool,
    selectors: SelectorsForm,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    insights: BTreeSet<InsightType>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    data_insights: BTreeSet<InsightType>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aggregations: Vec<AggregationTemplate>,
    tags: BTreeMap<String, Option<String>>,
    is_logging: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SelectorsForm {
    Default,
    Basic(Vec<BasicForm>),
    Advanced(Vec<AdvancedForm>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BasicForm {
    read_write_type: ReadWriteForm,
    include_management_events: bool,
    data_resources: Vec<DataResourceForm>,
    exclude_management_event_sources: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReadWriteForm {
    ReadOnly,
    WriteOnly,
    All,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataResourceForm {
    #[serde(rename = "type")]
    kind: String,
    values: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvancedForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    field_selectors: Vec<FieldForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldForm {
    field: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    equals: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    starts_with: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ends_with: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_equals: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_starts_with: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_ends_with: Vec<String>,
}

impl From<&Change> for ChangeForm {
    fn from(change: &Change) -> Self {
        match change {
            Change::PutTrail(trail) => Self::PutTrail(Box::new(TrailForm::from(&**trail))),
            Change::DeleteTrail(arn, None) => Self::DeleteTrail(arn.0.clone()),
            Change::DeleteTrail(arn, Some(time)) => Self::EndTrail(EndForm {
                arn: arn.0.clone(),
                time: *time,
            }),
            Change::PutDelegates(delegates) => Self::PutDelegates(texts(delegates)),
        }
    }
}

impl TryFrom<ChangeForm> for Change {
    type Error = DecodeError;

    fn try_from(form: ChangeForm) -> Result<Self, DecodeError> {
        Ok(match form {
            ChangeForm::PutTrail(trail) => Self::PutTrail(Box::new((*trail).try_into()?)),
            ChangeForm::DeleteTrail(arn) => Self::DeleteTrail(TrailArn(arn), None),
            ChangeForm::EndTrail(end) => Self::DeleteTrail(TrailArn(end.arn), Some(end.time)),
            ChangeForm::PutDelegates(delegates) => Self::PutDelegates(accounts(&delegates)?),
        })
    }
}

impl From<&Catalog> for SnapshotForm {
    fn from(catalog: &Catalog) -> Self {
        Self {
            trails: catalog.trails.values().map(TrailForm::from).collect(),
            delegates: texts(&catalog.delegates),
        }
    }
}

impl TryFrom<SnapshotForm> for Catalog {
    type Error = DecodeError;

    fn try_from(form: SnapshotForm) -> Result<Self, DecodeError> {
        let mut catalog = Self {
            delegates: accounts(&form.delegates)?,
            ..Self::default()
        };
        for trail in form.trails {
            catalog.apply(Change::PutTrail(Box::new(trail.try_into()?)));
        }
        Ok(catalog)
    }
}

impl From<&Trail> for TrailForm {
    fn from(trail: &Trail) -> Self {
        Self {
            id: trail.id.0.clone(),
            arn: trail.arn.0.clone(),
            name: trail.name.clone(),
            account: trail.account.to_string(),
            home_region: trail.home_region.to_string(),
            bucket: trail.bucket.clone(),
            key_prefix: trail.key_prefix.clone(),
            sns_topic_name: trail.sns_topic_name.clone(),
            include_global_service_events: trail.include_global_service_events,
            is_multi_region: trail.is_multi_region,
            log_file_validation: trail.log_file_validation,
            logs_group_arn: trail.logs_group_arn.clone(),
            logs_role_arn: trail.logs_role_arn.clone(),
            kms_key_id: trail.kms_key_id.clone(),
            is_organization: trail.organization.is_some(),
            organization: trail
                .organization
                .as_ref()
                .map(|organization| OrganizationForm {
                    id: organization.id.clone(),
                    accounts: texts(&organization.accounts),
                }),
            recursive_logging: trail.recursive_logging,
            selectors: SelectorsForm::from(&trail.selectors),
            insights: trail.insights.clone(),
            data_insights: trail.data_insights.clone(),
            aggregations: trail.aggregations.clone(),
            tags: trail.tags.clone(),
            is_logging: trail.is_logging,
            started: trail.started,
            stopped: trail.stopped,
        }
    }
}

impl TryFrom<TrailForm> for Trail {
    type Error = DecodeError;

    fn try_from(form: TrailForm) -> Result<Self, DecodeError> {
        Ok(Self {
            id: TrailId(form.id),
            arn: TrailArn(form.arn),
            name: form.name,
            account: parse(&form.account)?,
            home_region: parse(&form.home_region)?,
            bucket: form.bucket,
            key_prefix: form.key_prefix,
            sns_topic_name: form.sns_topic_name,
            include_global_service_events: form.include_global_service_events,
            is_multi_region: form.is_multi_region,
            log_file_validation: form.log_file_validation,
            logs_group_arn: form.logs_group_arn,
            logs_role_arn: form.logs_role_arn,
            kms_key_id: form.kms_key_id,
            organization: form.organization.map(OrganizationForm::read).transpose()?,
            recursive_logging: form.recursive_logging,
            selectors: form.selectors.into(),
            insights: form.insights,
            data_insights: form.data_insights,
            aggregations: form.aggregations,
            tags: form.tags,
            is_logging: form.is_logging,
            started: form.started,
            stopped: form.stopped,
        })
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_yes(value: &bool) -> bool {
    *value
}

impl OrganizationForm {
    fn read(self) -> Result<Organization, DecodeError> {
        Ok(Organization {
            accounts: accounts(&self.accounts)?,
            id: self.id,
        })
    }
}

fn texts(accounts: &BTreeSet<AccountId>) -> Vec<String> {
    accounts.iter().map(ToString::to_string).collect()
}

fn accounts(texts: &[String]) -> Result<BTreeSet<AccountId>, DecodeError> {
    texts.iter().map(|account| parse(account)).collect()
}

fn parse<T: FromStr<Err: ToString>>(text: &str) -> Result<T, DecodeError> {
    text.parse()
        .map_err(|error: T::Err| DecodeError::Damaged(error.to_string()))
}

impl From<&Selectors> for SelectorsForm {
    fn from(selectors: &Selectors) -> Self {
        match selectors {
            Selectors::Default => Self::Default,
            Selectors::Basic(selectors) => {
                Self::Basic(selectors.iter().cloned().map(BasicForm::from).collect())
            }
            Selectors::Advanced(selectors) => {
                Self::Advanced(selectors.iter().cloned().map(AdvancedForm::from).collect())
            }
        }
    }
}

impl From<SelectorsForm> for Selectors {
    fn from(form: SelectorsForm) -> Self {
        match form {
            SelectorsForm::Default => Self::Default,
            SelectorsForm::Basic(selectors) => {
                Self::Basic(selectors.into_iter().map(EventSelector::from).collect())
            }
            SelectorsForm::Advanced(selectors) => Self::Advanced(
                selectors
                    .into_iter()
                    .map(AdvancedEventSelector::from)
                    .collect(),
            ),
        }
    }
}

impl From<EventSelector> for BasicForm {
    fn from(selector: EventSelector) -> Self {
        let resource = |DataResource { kind, values }| DataResourceForm { kind, values };
        Self {
            read_write_type: match selector.read_write_type {
                ReadWriteType::ReadOnly => ReadWriteForm::ReadOnly,
                ReadWriteType::WriteOnly => ReadWriteForm::WriteOnly,
                ReadWriteType::All => ReadWriteForm::All,
            },
            include_management_events: selector.include_management_events,
            data_resources: selector.data_resources.into_iter().map(resource).collect(),
            exclude_management_event_sources: selector.exclude_management_event_sources,
        }
    }
}

impl From<BasicForm> for EventSelector {
    fn from(form: BasicForm) -> Self {
        let resource = |DataResourceForm { kind, values }| DataResource { kind, values };
        Self {
            read_write_type: match form.read_write_type {
                ReadWriteForm::ReadOnly => ReadWriteType::ReadOnly,
                ReadWriteForm::WriteOnly => ReadWriteType::WriteOnly,
                ReadWriteForm::All => ReadWriteType::All,
            },
            include_management_events: form.include_management_events,
            data_resources: form.data_resources.into_iter().map(resource).collect(),
            exclude_management_event_sources: form.exclude_management_event_sources,
        }
    }
}

impl From<AdvancedEventSelector> for AdvancedForm {
    fn from(selector: AdvancedEventSelector) -> Self {
        let field = |selector: FieldSelector| FieldForm {
            field: selector.field,
            equals: selector.equals,
            starts_with: selector.starts_with,
            ends_with: selector.ends_with,
            not_equals: selector.not_equals,
            not_starts_with: selector.not_starts_with,
            not_ends_with: selector.not_ends_with,
        };
        Self {
            name: selector.name,
            field_selectors: selector.field_selectors.into_iter().map(field).collect(),
        }
    }
}

impl From<AdvancedForm> for AdvancedEventSelector {
    fn from(form: AdvancedForm) -> Self {
        let field = |form: FieldForm| FieldSelector {
            field: form.field,
            equals: form.equals,
            starts_with: form.starts_with,
            ends_with: form.ends_with,
            not_equals: form.not_equals,
            not_starts_with: form.not_starts_with,
            not_ends_with: form.not_ends_with,
        };
        Self {
            name: form.name,
            field_selectors: form.field_selectors.into_iter().map(field).collect(),
        }
    }
}

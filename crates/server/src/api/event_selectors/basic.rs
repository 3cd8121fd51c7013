//! Basic event selectors.

use pugmark_catalog::{DataResource, EventSelector, ReadWriteType};
use pugmark_core::{account::Arn, limits};
use serde_json::{Value, json};

use super::{super::Fields, ApiError, invalid};

/// The only sources whose management events can be left out.
pub(super) const EXCLUDABLE_SOURCES: [&str; 2] = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];

/// What a trail has that was never given selectors.
pub(super) fn default() -> EventSelector {
    EventSelector {
        read_write_type: ReadWriteType::All,
        include_management_events: true,
        data_resources: vec![],
        exclude_management_event_sources: vec![],
    }
}

pub(super) fn read(list: &[Value]) -> Result<Vec<EventSelector>, ApiError> {
    if list.is_empty() || list.len() > limits::EVENT_SELECTORS_MAX {
        return Err(invalid(format!(
            "Specify a valid number of selectors (1 to {}) for your trail.",
            limits::EVENT_SELECTORS_MAX
        )));
    }
    let selectors = list.iter().map(read_one).collect::<Result<Vec<_>, _>>()?;
    let counted = selectors
        .iter()
        .flat_map(|selector| &selector.data_resources)
        .flat_map(|resource| &resource.values)
        .filter(|value| !DataResource::is_all(value))
        .count();
    if counted > limits::DATA_RESOURCES_MAX {
        return Err(invalid(format!(
            "Specify a valid number of DataResources.Values (0 to {}) for all your selectors",
            limits::DATA_RESOURCES_MAX
        )));
    }
    Ok(selectors)
}

pub(super) fn render(selector: &EventSelector) -> Value {
    let resource =
        |resource: &DataResource| json!({"Type": resource.kind, "Values": resource.values});
    json!({
        "ReadWriteType": match selector.read_write_type {
            ReadWriteType::ReadOnly => "ReadOnly",
            ReadWriteType::WriteOnly => "WriteOnly",
            ReadWriteType::All => "All",
        },
        "IncludeManagementEvents": selector.include_management_events,
        "DataResources": selector.data_resources.iter().map(resource).collect::<Vec<_>>(),
        "ExcludeManagementEventSources": selector.exclude_management_event_sources,
    })
}

fn read_one(value: &Value) -> Result<EventSelector, ApiError> {
    let fields = Fields::of(value)?;
    let read_write_type = match fields.text("ReadWriteType")? {
        None | Some("All") => ReadWriteType::All,
        Some("ReadOnly") => ReadWriteType::ReadOnly,
        Some("WriteOnly") => ReadWriteType::WriteOnly,
        Some(other) => {
            return Err(invalid(format!(
                "Value {other} for ReadWriteType is invalid."
            )));
        }
    };
    let excluded = fields
        .texts("ExcludeManagementEventSources")?
        .unwrap_or_default();
    if let Some(source) = excluded
        .iter()
        .find(|source| !EXCLUDABLE_SOURCES.contains(source))
    {
        return Err(invalid(format!(
            "Value {source} for ExcludeManagementEventSources is invalid."
        )));
    }
    let data_resources = fields.list("DataResources")?.unwrap_or_default();
    let selector = EventSelector {
        read_write_type,
        include_management_events: fields.flag("IncludeManagementEvents")?.unwrap_or(true),
        data_resources: data_resources
            .iter()
            .map(read_resource)
            .collect::<Result<_, _>>()?,
        exclude_management_event_sources: excluded.into_iter().map(str::to_owned).collect(),
    };
    if !selector.include_management_events && selector.data_resources.is_empty() {
        return Err(invalid(
            "Each event selector must include management events or data resources.",
        ));
    }
    Ok(selector)
}

fn read_resource(value: &Value) -> Result<DataResource, ApiError> {
    let fields = Fields::of(value)?;
    let kind = fields.text("Type")?.unwrap_or_default();
    let service = match kind {
        "AWS::S3::Object" => "s3",
        "AWS::Lambda::Function" => "lambda",
        "AWS::DynamoDB::Table" => "dynamodb",
        other => {
            return Err(invalid(format!(
                "Value {other} for DataResources.Type is invalid."
            )));
        }
    };
    let values = fields.texts("Values")?.unwrap_or_default();
    if values.is_empty() {
        return Err(invalid(
            "DataResources.Values must have at least one value.",
        ));
    }
    if let Some(bad) = values.iter().find(|value| !is_value_of(service, value)) {
        return Err(invalid(format!(
            "Value {bad} for DataResources.Values is invalid."
        )));
    }
    Ok(DataResource {
        kind: kind.into(),
        values: values.into_iter().map(str::to_owned).collect(),
    })
}

/// All of a service (`arn:aws:s3`, for S3 also `arn:aws:s3:::`), or one ARN of it; for S3 that needs a slash.
fn is_value_of(service: &str, value: &str) -> bool {
    if value.contains('*') {
        return false;
    }
    if DataResource::is_all(value) {
        return value.split(':').nth(2) == Some(service)
            && (service == "s3" || !value.ends_with(':'));
    }
    Arn::parse(value).is_some_and(|arn| {
        arn.service == service
            && match service {
                "s3" => arn
                    .resource
                    .split_once('/')
                    .is_some_and(|(bucket, _)| !bucket.is_empty()),
                "lambda" => arn
                    .resource
                    .strip_prefix("function:")
                    .is_some_and(|name| !name.is_empty()),
                _ => arn
                    .resource
                    .strip_prefix("table/")
                    .is_some_and(|name| !name.is_empty()),
            }
    })
}

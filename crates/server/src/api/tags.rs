//! `AddTags`, `RemoveTags`, `ListTags`, and tags in `CreateTrail`.

use std::collections::BTreeMap;

use pugmark_catalog::{Catalog, Change, Trail};
use pugmark_core::{account::Arn, limits};
use serde_json::{Value, json};

use super::{Api, ApiError, Caller, Fields, find::Target, names};

/// Tags by key.
type Tags = BTreeMap<String, Option<String>>;

/// The model's bound on a list of tags in one call.
const TAGS_PER_CALL_MAX: usize = 200;

impl Api {
    pub(super) async fn add_tags(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let target = resource(caller, fields)?;
        let added = required(fields)?;
        self.change_tags(caller, &target, |tags| {
            tags.extend(added);
            check_count(tags)
        })
        .await
    }

    pub(super) async fn remove_tags(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let target = resource(caller, fields)?;
        let removed = required(fields)?;
        self.change_tags(caller, &target, |tags| {
            tags.retain(|key, _| !removed.contains_key(key));
            Ok(())
        })
        .await
    }

    pub(super) fn list_tags(&self, caller: &Caller, fields: Fields<'_>) -> Result<Value, ApiError> {
        let arns = fields.texts("ResourceIdList")?.ok_or_else(|| {
            ApiError::constraint("resourceIdList", "null", "Member must not be null")
        })?;
        if fields.text("NextToken")?.is_some() {
            return Err(ApiError::new(
                "InvalidTokenException",
                "The token is not one that ListTags gave.",
            ));
        }
        if arns.is_empty() || arns.len() > limits::LIST_TAGS_RESOURCES_MAX {
            return Err(ApiError::new(
                "CloudTrailARNInvalidException",
                format!(
                    "Specify 1 to {} resource ARNs.",
                    limits::LIST_TAGS_RESOURCES_MAX
                ),
            ));
        }
        let catalog = self.catalog.snapshot();
        let mut listed = Vec::with_capacity(arns.len());
        for arn in arns {
            let target = parse_resource(caller, arn)?;
            let trail = target.visible(caller, &catalog, arn);
            let trail = trail.map_err(|_| not_found(arn))?;
            listed.push(json!({"ResourceId": arn, "TagsList": render(&trail.tags)}));
        }
        Ok(json!({"ResourceTagList": listed}))
    }

    async fn change_tags(
        &self,
        caller: &Caller,
        target: &Target,
        change: impl FnOnce(&mut Tags) -> Result<(), ApiError>,
    ) -> Result<Value, ApiError> {
        self.catalog
            .change(|catalog: &Catalog| {
                if target.owned(caller, catalog).is_none() {
                    return Err(not_found(&target.given));
                }
                let trail = target.changeable(caller, catalog, &target.given)?;
                self.busy.check(&trail.arn)?;
                let mut tags = trail.tags.clone();
                change(&mut tags)?;
                let trail = Trail {
                    tags,
                    ..trail.clone()
                };
                Ok::<_, ApiError>((Some(Change::PutTrail(Box::new(trail))), ()))
            })
            .await?;
        Ok(json!({}))
    }
}

/// The list of tags in member `name`, checked.
pub(super) fn read(fields: Fields<'_>, name: &str) -> Result<Option<Tags>, ApiError> {
    let Some(list) = fields.list(name)? else {
        return Ok(None);
    };
    let invalid = |message: String| ApiError::new("InvalidTagParameterException", message);
    if list.len() > TAGS_PER_CALL_MAX {
        return Err(invalid(format!(
            "Specify at most {TAGS_PER_CALL_MAX} tags."
        )));
    }
    let mut tags = Tags::new();
    for entry in list {
        let entry = Fields::of(entry)?;
        let key = entry.text("Key")?.unwrap_or_default();
        let value = entry.text("Value")?;
        if key.is_empty() || key.chars().count() > 128 || !key.chars().all(is_tag_character) {
            return Err(invalid(format!("Tag key is not valid: {key}")));
        }
        if key
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
        {
            return Err(invalid(format!(
                "Tag keys starting with aws: are reserved for system use: {key}"
            )));
        }
        if value.is_some_and(|value| {
            value.chars().count() > 256 || !value.chars().all(is_tag_character)
        }) {
            return Err(invalid(format!("Tag value is not valid for key: {key}")));
        }
        if tags.insert(key.into(), value.map(str::to_owned)).is_some() {
            return Err(invalid(format!("Tag key is given more than once: {key}")));
        }
    }
    check_count(&tags)?;
    Ok(Some(tags))
}

fn required(fields: Fields<'_>) -> Result<Tags, ApiError> {
    read(fields, "TagsList")?
        .ok_or_else(|| ApiError::constraint("tagsList", "null", "Member must not be null"))
}

fn check_count(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() > limits::TAGS_PER_RESOURCE_MAX {
        return Err(ApiError::new(
            "TagsLimitExceededException",
            format!(
                "The number of tags per resource is limited to {}.",
                limits::TAGS_PER_RESOURCE_MAX
            ),
        ));
    }
    Ok(())
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

fn render(tags: &Tags) -> Vec<Value> {
    let tag = |(key, value): (&String, &Option<String>)| match value {
        Some(value) => json!({"Key": key, "Value": value}),
        None => json!({"Key": key}),
    };
    tags.iter().map(tag).collect()
}

fn resource(caller: &Caller, fields: Fields<'_>) -> Result<Target, ApiError> {
    let id = fields
        .text("ResourceId")?
        .ok_or_else(|| ApiError::constraint("resourceId", "null", "Member must not be null"))?;
    parse_resource(caller, id)
}

/// Tags hang on ARNs only. Trails are the only resources that exist so far.
fn parse_resource(caller: &Caller, id: &str) -> Result<Target, ApiError> {
    match Arn::parse(id) {
        Some(arn) if arn.service == "cloudtrail" => {
            let kind = arn.resource.split('/').next().unwrap_or_default();
            match kind {
                "trail" => {}
                "eventdatastore" => return Err(names::unknown_store(id)),
                "channel" => return Err(names::unknown_channel(id)),
                "dashboard" => return Err(not_found(id)),
                _ => {
                    return Err(ApiError::new(
                        "ResourceTypeNotSupportedException",
                        format!("Resources of type {kind} cannot be tagged."),
                    ));
                }
            }
            names::check_name_in_arn(id)?;
            names::check_trail_arn(id)?;
            Target::parse(caller, id)
        }
        _ => Err(ApiError::new(
            "CloudTrailARNInvalidException",
            format!("Resource ARN is not valid: {id}"),
        )),
    }
}

fn not_found(id: &str) -> ApiError {
    ApiError::new(
        "ResourceNotFoundException",
        format!("Resource not found: {id}"),
    )
}

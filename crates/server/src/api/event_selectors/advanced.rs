//! Advanced event selectors: which fields and operators each category allows (API reference, section 3).

use pugmark_catalog::{AdvancedEventSelector, FieldSelector};
use pugmark_core::{account::Arn, limits};
use serde_json::{Map, Value};

use super::{super::Fields, ApiError, basic::EXCLUDABLE_SOURCES, invalid};

pub(super) fn read(list: &[Value]) -> Result<Vec<AdvancedEventSelector>, ApiError> {
    if list.is_empty() {
        return Err(invalid("Specify at least one advanced event selector."));
    }
    let selectors = list
        .iter()
        .map(read_selector)
        .collect::<Result<Vec<_>, _>>()?;
    let values: usize = selectors
        .iter()
        .flat_map(|selector| &selector.field_selectors)
        .map(FieldSelector::value_count)
        .sum();
    if values > limits::ADVANCED_SELECTOR_VALUES_MAX {
        return Err(invalid(format!(
            "Specify at most {} values over all conditions of all your advanced event selectors.",
            limits::ADVANCED_SELECTOR_VALUES_MAX
        )));
    }
    selectors.iter().try_for_each(check_selector)?;
    Ok(selectors)
}

pub(super) fn render(selector: &AdvancedEventSelector) -> Value {
    let field = |selector: &FieldSelector| {
        let mut out = Map::from_iter([("Field".to_owned(), selector.field.clone().into())]);
        for (operator, values) in selector.operators() {
            if !values.is_empty() {
                out.insert(operator.into(), values.clone().into());
            }
        }
        Value::Object(out)
    };
    let mut out = Map::new();
    super::super::render::put(&mut out, "Name", selector.name.as_ref());
    out.insert(
        "FieldSelectors".into(),
        selector.field_selectors.iter().map(field).collect(),
    );
    Value::Object(out)
}

fn read_selector(value: &Value) -> Result<AdvancedEventSelector, ApiError> {
    let fields = Fields::of(value)?;
    let name = fields.text("Name")?;
    if name.is_some_and(|name| name.chars().count() > 1000) {
        return Err(invalid(
            "The name of an advanced event selector has at most 1000 characters.",
        ));
    }
    let list = fields.list("FieldSelectors")?.unwrap_or_default();
    if list.is_empty() {
        return Err(invalid(
            "An advanced event selector needs at least one field selector.",
        ));
    }
    let field_selectors = list.iter().map(read_field).collect::<Result<_, _>>()?;
    Ok(AdvancedEventSelector {
        name: name.map(str::to_owned),
        field_selectors,
    })
}

fn read_field(value: &Value) -> Result<FieldSelector, ApiError> {
    let fields = Fields::of(value)?;
    let field = fields.text("Field")?.unwrap_or_default();
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '|');
    if field.is_empty() || field.chars().count() > 1000 || !field.chars().all(allowed) {
        return Err(invalid(format!("Field {field} is not valid.")));
    }
    let values = |operator: &str| -> Result<Vec<String>, ApiError> {
        let Some(values) = fields.texts(operator)? else {
            return Ok(vec![]);
        };
        let fits = |value: &&str| (1..=2048).contains(&value.chars().count());
        if values.is_empty() || !values.iter().all(fits) {
            return Err(invalid(format!(
                "{operator} of field {field} must be a list of one or more values with 1 to 2048 characters each."
            )));
        }
        Ok(values.into_iter().map(str::to_owned).collect())
    };
    let selector = FieldSelector {
        field: field.into(),
        equals: values("Equals")?,
        starts_with: values("StartsWith")?,
        ends_with: values("EndsWith")?,
        not_equals: values("NotEquals")?,
        not_starts_with: values("NotStartsWith")?,
        not_ends_with: values("NotEndsWith")?,
    };
    if selector.value_count() == 0 {
        return Err(invalid(format!(
            "Field {field} needs at least one operator."
        )));
    }
    Ok(selector)
}

fn check_selector(selector: &AdvancedEventSelector) -> Result<(), ApiError> {
    let fields = &selector.field_selectors;
    for (index, one) in fields.iter().enumerate() {
        if fields[..index]
            .iter()
            .any(|earlier| earlier.field == one.field)
        {
            return Err(invalid(format!(
                "Field {} is given more than once in one selector.",
                one.field
            )));
        }
    }
    let category = only_equals(selector, "eventCategory").ok_or_else(|| {
        invalid("Each advanced event selector needs field eventCategory with Equals and one value.")
    })?;
    match category {
        "Management" => {}
        "Data" => {
            only_equals(selector, "resources.type").ok_or_else(|| {
                invalid("Data events need field resources.type with Equals and one value.")
            })?;
        }
        "NetworkActivity" => {
            only_equals(selector, "eventSource").ok_or_else(|| {
                invalid("Network activity events need field eventSource with Equals and one value.")
            })?;
        }
        other => {
            return Err(invalid(format!(
                "Value {other} for eventCategory is invalid for a trail."
            )));
        }
    }
    let kind = only_equals(selector, "resources.type").unwrap_or_default();
    fields
        .iter()
        .try_for_each(|one| check_field(category, kind, one))
}

/// The single value of a field that has `Equals` with one value and nothing else.
fn only_equals<'a>(selector: &'a AdvancedEventSelector, field: &str) -> Option<&'a str> {
    let one = selector
        .field_selectors
        .iter()
        .find(|one| one.field == field)?;
    (one.value_count() == 1)
        .then(|| one.equals.first().map(String::as_str))
        .flatten()
}

fn check_field(category: &str, kind: &str, one: &FieldSelector) -> Result<(), ApiError> {
    let field = one.field.as_str();
    let only = |operator: &str, values: &[&str]| {
        let fits = one.operators().into_iter().all(|(name, given)| {
            given.is_empty()
                || (name == operator && given.iter().all(|value| values.contains(&value.as_str())))
        });
        if fits {
            return Ok(());
        }
        Err(invalid(format!(
            "Field {field} of {category} events allows only {operator} with {}.",
            values.join(", ")
        )))
    };
    match (category, field) {
        (_, "eventCategory")
        | (
            "Data",
            "eventSource" | "eventName" | "eventType" | "userIdentity.arn" | "resources.type",
        )
        | ("NetworkActivity", "eventSource" | "eventName" | "vpcEndpointId") => Ok(()),
        ("Management" | "Data", "readOnly") => only("Equals", &["true", "false"]),
        ("Management", "eventSource") => only("NotEquals", &EXCLUDABLE_SOURCES),
        ("Data", "sessionCredentialFromConsole") => {
            only("Equals", &["true"]).or_else(|_| only("NotEquals", &["true"]))
        }
        ("NetworkActivity", "errorCode") => only("Equals", &["VpceAccessDenied"]),
        ("Data", "resources.ARN") => check_arns(kind, one),
        _ => Err(invalid(format!(
            "Field {field} is not supported for {category} events of a trail."
        ))),
    }
}

/// With `Equals` and `NotEquals` the values are whole ARNs; prefixes and suffixes can be anything.
fn check_arns(kind: &str, one: &FieldSelector) -> Result<(), ApiError> {
    let fits = |value: &&String| {
        Arn::parse(value).is_some_and(|arn| match kind {
            "AWS::S3::Object" => arn.service == "s3" && arn.resource.contains('/'),
            // Unqualified: no version, alias or $LATEST.
            "AWS::Lambda::Function" => {
                arn.service == "lambda"
                    && arn
                        .resource
                        .strip_prefix("function:")
                        .is_some_and(|name| !name.is_empty() && !name.contains([':', '$']))
            }
            "AWS::DynamoDB::Table" => {
                arn.service == "dynamodb" && arn.resource.starts_with("table/")
            }
            _ => true,
        })
    };
    match one
        .equals
        .iter()
        .chain(&one.not_equals)
        .find(|value| !fits(value))
    {
        Some(bad) => Err(invalid(format!(
            "Value {bad} for resources.ARN is not the ARN of a resource of type {kind}."
        ))),
        None => Ok(()),
    }
}

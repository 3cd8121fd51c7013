//! Reads a question from a request: checked in the order of its members in the model.

use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    event::EventCategory,
};
use pugmark_table::{Condition, Field, Operator, Order, Origin, Question, Text};

use super::super::{ApiError, Caller, fields::Fields};

const FILTERS_MAX: usize = 50;
const FILTER_VALUES_MAX: usize = 200;
const VALUE_CHARS_MAX: usize = 2000;
const TEXT_CHARS_MAX: usize = 2000;
const FIELD_CHARS_MAX: usize = 500;
const SCOPE_MAX: usize = 200;

/// Whose events are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Accounts {
    /// Of all that the caller may see.
    All,
    /// Of these.
    These(Vec<AccountId>),
}

/// A question whose accounts are still to be judged.
pub(super) struct Read {
    pub(super) accounts: Accounts,
    /// Without accounts.
    pub(super) question: Question,
}

pub(super) fn read(caller: &Caller, fields: Fields<'_>) -> Result<Read, ApiError> {
    let (start, end) = (fields.time("StartTime")?, fields.time("EndTime")?);
    check_range(start, end)?;
    let conditions = conditions(fields)?;
    let text = match fields.text("Text")? {
        None => None,
        Some(text) => Some(read_text(text)?),
    };
    let categories = categories(fields)?;
    let regions = match scope(fields, "Regions")? {
        None => Some(vec![caller.region.clone()]),
        Some(Scope::All) => None,
        Some(Scope::These(names)) => Some(parsed::<Region>("Regions", &names)?),
    };
    let accounts = match scope(fields, "Accounts")? {
        None => Accounts::These(vec![caller.account]),
        Some(Scope::All) => Accounts::All,
        Some(Scope::These(names)) => Accounts::These(parsed("Accounts", &names)?),
    };
    let origins = origins(fields)?;
    Ok(Read {
        accounts,
        question: Question {
            accounts: Vec::new(),
            imported_accounts: None,
            regions,
            categories,
            origins: origins.unwrap_or_else(|| vec![Origin::Recorded, Origin::Imported]),
            start,
            end,
            conditions,
            text,
        },
    })
}

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message)
}

/// A number within its bounds.
pub(super) fn number(
    fields: Fields<'_>,
    name: &str,
    least: i64,
    most: i64,
) -> Result<Option<i64>, ApiError> {
    match fields.number(name)? {
        Some(number) if !(least..=most).contains(&number) => Err(invalid(format!(
            "{name} must be between {least} and {most}."
        ))),
        number => Ok(number),
    }
}

pub(super) fn order(fields: Fields<'_>) -> Result<Option<Order>, ApiError> {
    fields
        .text("Order")?
        .map(|name| {
            one_of(
                "Order",
                name,
                &[
                    ("NewestFirst", Order::NewestFirst),
                    ("OldestFirst", Order::OldestFirst),
                    ("Arrival", Order::Arrival),
                ],
            )
        })
        .transpose()
}

/// In the order of arrival there are recorded events only.
pub(super) fn only_recorded(fields: Fields<'_>) -> Result<(), ApiError> {
    match origins(fields)? {
        Some(origins) if origins != [Origin::Recorded] => Err(invalid(
            "With Order Arrival, Origins must be absent or Recorded: imported events did not arrive.",
        )),
        _ => Ok(()),
    }
}

/// A field, or why it is none.
pub(super) fn field(path: &str, text: &str) -> Result<Field, ApiError> {
    if text.chars().count() > FIELD_CHARS_MAX {
        return Err(invalid_attributes(format!(
            "{path} has more than {FIELD_CHARS_MAX} characters."
        )));
    }
    Field::parse(text).map_err(|error| invalid_attributes(format!("{path}: {error}.")))
}

fn check_range(start: Option<Timestamp>, end: Option<Timestamp>) -> Result<(), ApiError> {
    match (start, end) {
        (Some(start), Some(end)) if start > end => Err(ApiError::new(
            "InvalidTimeRangeException",
            "The start time must not be after the end time.",
        )),
        _ => Ok(()),
    }
}

fn conditions(fields: Fields<'_>) -> Result<Vec<Condition>, ApiError> {
    let filters = fields.list("Filters")?.unwrap_or_default();
    if filters.len() > FILTERS_MAX {
        return Err(invalid_attributes(format!(
            "There are more than {FILTERS_MAX} filters."
        )));
    }
    let filters = filters.iter().enumerate();
    filters
        .map(|(index, filter)| condition(index + 1, Fields::of(filter)?))
        .collect()
}

fn condition(number: usize, filter: Fields<'_>) -> Result<Condition, ApiError> {
    let path = format!("filters.{number}");
    let name = filter.text("Field")?.ok_or_else(|| {
        invalid_attributes(format!("{path}: it needs a Field, such as EventName."))
    })?;
    let field = field(&format!("{path}.field"), name)?;
    let operator = filter.text("Operator")?.unwrap_or("Equals");
    let (is_negated, plain) = match operator.strip_prefix("Not") {
        Some(plain) => (true, plain),
        None => (false, operator),
    };
    let operator = match plain {
        "Equals" => Operator::Equals,
        "StartsWith" => Operator::StartsWith,
        "EndsWith" => Operator::EndsWith,
        "Contains" => Operator::Contains,
        "Exists" => Operator::Exists,
        _ => {
            return Err(invalid_attributes(format!(
                "{path}.operator: {operator:?} is not one of Equals, StartsWith, EndsWith, Contains, Exists, or one of \
                 these after Not, such as NotEquals."
            )));
        }
    };
    let values = filter.texts("Values")?.unwrap_or_default();
    if (operator == Operator::Exists) != values.is_empty() {
        return Err(invalid_attributes(match operator {
            Operator::Exists => format!("{path}.values: Exists and NotExists take none."),
            _ => format!("{path}.values: there must be one at least."),
        }));
    }
    let is_long = |value: &&str| value.chars().count() > VALUE_CHARS_MAX;
    if values.len() > FILTER_VALUES_MAX || values.iter().any(is_long) {
        return Err(invalid_attributes(format!(
            "{path}.values: there may be {FILTER_VALUES_MAX} values of {VALUE_CHARS_MAX} characters each."
        )));
    }
    Ok(Condition {
        field,
        operator,
        is_negated,
        values: values.into_iter().map(str::to_owned).collect(),
    })
}

fn read_text(text: &str) -> Result<Text, ApiError> {
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(invalid(format!(
            "Text has more than {TEXT_CHARS_MAX} characters."
        )));
    }
    Text::parse(text).map_err(|error| invalid(format!("Text: {error}.")))
}

fn categories(fields: Fields<'_>) -> Result<Vec<EventCategory>, ApiError> {
    let Some(names) = fields.texts("EventCategories")? else {
        return Ok(vec![EventCategory::Management]);
    };
    let categories: Option<Vec<_>> = names.into_iter().map(EventCategory::named).collect();
    categories
        .filter(|categories| !categories.is_empty())
        .ok_or_else(|| {
            ApiError::new(
                "InvalidEventCategoryException",
                "The event categories are Management, Data, NetworkActivity, Insight and Aggregated.",
            )
        })
}

fn origins(fields: Fields<'_>) -> Result<Option<Vec<Origin>>, ApiError> {
    let Some(names) = fields.texts("Origins")? else {
        return Ok(None);
    };
    let known = [
        ("Recorded", Origin::Recorded),
        ("Imported", Origin::Imported),
    ];
    let origins = names.iter().map(|name| one_of("Origins", name, &known));
    let origins = origins.collect::<Result<Vec<_>, _>>()?;
    if origins.is_empty() {
        return Err(invalid("Origins must not be empty."));
    }
    Ok(Some(origins))
}

/// What a name stands for.
pub(super) fn one_of<T: Copy>(
    member: &str,
    name: &str,
    known: &[(&str, T)],
) -> Result<T, ApiError> {
    let found = known.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
        invalid(format!(
            "{member}: {name:?} is not one of {}.",
            names.join(", ")
        ))
    })
}

enum Scope<'a> {
    All,
    These(Vec<&'a str>),
}

fn scope<'a>(fields: Fields<'a>, member: &str) -> Result<Option<Scope<'a>>, ApiError> {
    let Some(names) = fields.texts(member)? else {
        return Ok(None);
    };
    if !(1..=SCOPE_MAX).contains(&names.len()) {
        return Err(invalid(format!(
            "{member} must have 1 to {SCOPE_MAX} names."
        )));
    }
    match &names[..] {
        ["*"] => Ok(Some(Scope::All)),
        names if names.contains(&"*") => Err(invalid(format!("{member}: * must stand alone."))),
        _ => Ok(Some(Scope::These(names))),
    }
}

fn parsed<T: std::str::FromStr>(member: &str, names: &[&str]) -> Result<Vec<T>, ApiError>
where
    T::Err: std::fmt::Display,
{
    let parse = |name: &&str| {
        name.parse()
            .map_err(|error| invalid(format!("{member}: {error}.")))
    };
    names.iter().map(parse).collect()
}

fn invalid_attributes(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidLookupAttributesException", message)
}

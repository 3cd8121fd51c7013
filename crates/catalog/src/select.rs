//! Which events a trail's selectors take. Pure; CloudTrail API reference, section 3.
//!
//! An audit log rather has one event too many than one too few: events that do not say whether they write are taken for writes, and a
//! resource of which only the type is known, for the call did not tell its name where it is read, for the one that is asked for.

use pugmark_core::event::{EventCategory, EventKeys, Resource};

use crate::trail::{
    AdvancedEventSelector, DataResource, EventSelector, FieldSelector, ReadWriteType, Selectors,
};

impl Selectors {
    /// Whether any of the selectors takes the event.
    pub fn select(&self, keys: &EventKeys) -> bool {
        match self {
            Self::Default => keys.category == EventCategory::Management,
            Self::Basic(selectors) => selectors.iter().any(|selector| selector.select(keys)),
            Self::Advanced(selectors) => selectors.iter().any(|selector| selector.select(keys)),
        }
    }
}

impl EventSelector {
    fn select(&self, keys: &EventKeys) -> bool {
        let read_or_write = match self.read_write_type {
            ReadWriteType::All => true,
            ReadWriteType::ReadOnly => is_read(keys),
            ReadWriteType::WriteOnly => !is_read(keys),
        };
        read_or_write
            && match keys.category {
                EventCategory::Management => {
                    self.include_management_events
                        && !self.exclude_management_event_sources.contains(&keys.source)
                }
                EventCategory::Data => self
                    .data_resources
                    .iter()
                    .any(|wanted| wanted.select(&keys.resources)),
                EventCategory::NetworkActivity
                | EventCategory::Insight
                | EventCategory::Aggregated => false,
            }
    }
}

impl DataResource {
    /// Whether the value stands for all resources of its type: `arn:aws:s3`, `arn:aws:s3:::`, `arn:aws:lambda` …
    pub fn is_all(value: &str) -> bool {
        let Some((_, service)) = value
            .strip_prefix("arn:")
            .and_then(|rest| rest.split_once(':'))
        else {
            return false;
        };
        match service.find(':') {
            Some(at) => at > 0 && &service[at..] == ":::",
            None => !service.is_empty(),
        }
    }

    fn select(&self, resources: &[Resource]) -> bool {
        resources
            .iter()
            .filter(|resource| resource.kind.as_deref() == Some(&self.kind))
            .any(|resource| {
                let Some(arn) = resource.arn.as_deref() else {
                    return !self.values.is_empty();
                };
                self.values
                    .iter()
                    .any(|value| self.takes(value, arn) || may_be_all(value) && Self::is_all(value))
            })
    }

    /// S3 values are prefixes, all others whole ARNs.
    fn takes(&self, value: &str, arn: &str) -> bool {
        if self.kind == "AWS::S3::Object" {
            arn.starts_with(value)
        } else {
            arn == value
        }
    }
}

/// Basic selectors know S3, Lambda and DynamoDB: what stands for all of one ends in `s3`, `lambda`, `dynamodb` or `:::`. Most
/// of 250 values do not, and need not be taken apart.
fn may_be_all(value: &str) -> bool {
    matches!(value.as_bytes().last(), Some(b'3' | b'a' | b'b' | b':'))
}

impl AdvancedEventSelector {
    /// Every field must hold. `resources.type` and `resources.ARN` must hold for one and the same resource.
    fn select(&self, keys: &EventKeys) -> bool {
        let of_resource = |selector: &&FieldSelector| selector.field.starts_with("resources.");
        let of_event = |selector: &&FieldSelector| !of_resource(selector);
        self.field_selectors
            .iter()
            .filter(of_event)
            .all(|selector| selector.holds(event_field(keys, &selector.field)))
            && any_resource(
                || self.field_selectors.iter().filter(of_resource),
                &keys.resources,
            )
    }
}

impl FieldSelector {
    /// How many values all operators have together.
    pub fn value_count(&self) -> usize {
        self.operators()
            .iter()
            .map(|(_, values)| values.len())
            .sum()
    }

    /// The operators with their wire names, in the order in which they are printed.
    pub fn operators(&self) -> [(&'static str, &Vec<String>); 6] {
        [
            ("Equals", &self.equals),
            ("StartsWith", &self.starts_with),
            ("EndsWith", &self.ends_with),
            ("NotEquals", &self.not_equals),
            ("NotStartsWith", &self.not_starts_with),
            ("NotEndsWith", &self.not_ends_with),
        ]
    }

    /// An absent value meets no select operator and is hit by no deselect operator.
    fn holds(&self, value: Option<&str>) -> bool {
        let hit = |equals: &[String], starts: &[String], ends: &[String]| {
            value.is_some_and(|value| {
                equals.iter().any(|wanted| value == wanted)
                    || starts
                        .iter()
                        .any(|prefix| value.starts_with(prefix.as_str()))
                    || ends.iter().any(|suffix| value.ends_with(suffix.as_str()))
            })
        };
        let selects =
            !(self.equals.is_empty() && self.starts_with.is_empty() && self.ends_with.is_empty());
        (!selects || hit(&self.equals, &self.starts_with, &self.ends_with))
            && !hit(&self.not_equals, &self.not_starts_with, &self.not_ends_with)
    }
}

/// Events that do not say are taken for writes.
fn is_read(keys: &EventKeys) -> bool {
    keys.read_only == Some(true)
}

/// Whether all selectors of resources hold for one resource; without such selectors they do.
fn any_resource<'s, S: Iterator<Item = &'s FieldSelector>>(
    selectors: impl Fn() -> S,
    resources: &[Resource],
) -> bool {
    let holds = |resource: Option<&Resource>| {
        selectors().all(|selector| match (selector.field.as_str(), resource) {
            ("resources.type", Some(resource)) => selector.holds(resource.kind.as_deref()),
            ("resources.ARN", Some(resource)) => match resource.arn.as_deref() {
                None => true,
                arn => selector.holds(arn),
            },
            _ => selector.holds(None),
        })
    };
    if selectors().next().is_none() {
        true
    } else if resources.is_empty() {
        holds(None)
    } else {
        resources.iter().any(|resource| holds(Some(resource)))
    }
}

fn event_field<'a>(keys: &'a EventKeys, field: &str) -> Option<&'a str> {
    match field {
        "eventCategory" => Some(keys.category.as_str()),
        "readOnly" => match (keys.category, keys.read_only) {
            (EventCategory::Management | EventCategory::Data, None) | (_, Some(false)) => {
                Some("false")
            }
            (_, Some(true)) => Some("true"),
            (_, None) => None,
        },
        "eventSource" => Some(&keys.source),
        "eventName" => Some(&keys.name),
        "eventType" => Some(&keys.event_type),
        "sessionCredentialFromConsole" => keys.from_console.then_some("true"),
        "userIdentity.arn" => keys.identity_arn.as_deref(),
        "errorCode" => keys.error_code.as_deref(),
        "vpcEndpointId" => keys.vpc_endpoint_id.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

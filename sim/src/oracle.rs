//! Who should get what: the rules of AWS's user guide once more, read from the record's JSON and sharing no code with the
//! crates under test.

use pugmark_catalog::{ReadWriteType, Selectors, Trail};
use serde_json::Value;

/// Whether a trail as it stands records an event.
pub(crate) fn records(trail: &Trail, record: &Value) -> bool {
    trail.is_logging && is_in_reach(trail, record) && is_selected(&trail.selectors, record)
}

fn is_in_reach(trail: &Trail, record: &Value) -> bool {
    let account = text(record, "recipientAccountId");
    let in_account = trail.account.as_str() == account
        || trail
            .organization
            .as_ref()
            .is_some_and(|it| it.accounts.iter().any(|one| one.as_str() == account));
    let region = text(record, "awsRegion");
    let in_region = trail.is_multi_region || trail.home_region.as_str() == region;
    let is_global = record["global"] == true;
    in_account && in_region && (!is_global || trail.include_global_service_events)
}

fn is_selected(selectors: &Selectors, record: &Value) -> bool {
    let category = text(record, "eventCategory");
    let reads = record["readOnly"] == true;
    match selectors {
        Selectors::Default => category == "Management",
        Selectors::Basic(selectors) => selectors.iter().any(|selector| {
            let fits = match selector.read_write_type {
                ReadWriteType::All => true,
                ReadWriteType::ReadOnly => reads,
                ReadWriteType::WriteOnly => !reads,
            };
            let takes = match category {
                "Management" => {
                    let source = text(record, "eventSource").to_owned();
                    selector.include_management_events
                        && !selector.exclude_management_event_sources.contains(&source)
                }
                "Data" => selector.data_resources.iter().any(|wanted| {
                    let arn = resource(record, "ARN");
                    resource(record, "type") == wanted.kind
                        && wanted
                            .values
                            .iter()
                            .any(|value| match wanted.kind.as_str() {
                                "AWS::S3::Object" => arn.starts_with(value.as_str()),
                                // `arn:aws:lambda` stands for all functions.
                                _ => arn == value || value.matches(':').count() == 2,
                            })
                }),
                _ => false,
            };
            fits && takes
        }),
        Selectors::Advanced(selectors) => selectors.iter().any(|selector| {
            selector.field_selectors.iter().all(|field| {
                let value = match field.field.as_str() {
                    "readOnly" => match category {
                        "NetworkActivity" => String::new(),
                        _ => reads.to_string(),
                    },
                    "resources.type" => resource(record, "type").to_owned(),
                    "resources.ARN" => resource(record, "ARN").to_owned(),
                    "userIdentity.arn" => text(&record["userIdentity"], "arn").to_owned(),
                    name => text(record, name).to_owned(),
                };
                let any = |wanted: &[String], holds: fn(&str, &str) -> bool| {
                    wanted.iter().any(|wanted| holds(&value, wanted))
                };
                let equal = |value: &str, wanted: &str| value == wanted;
                let starts = |value: &str, wanted: &str| value.starts_with(wanted);
                let ends = |value: &str, wanted: &str| value.ends_with(wanted);
                let wants = !field.equals.is_empty()
                    || !field.starts_with.is_empty()
                    || !field.ends_with.is_empty();
                let wanted = any(&field.equals, equal)
                    || any(&field.starts_with, starts)
                    || any(&field.ends_with, ends);
                let unwanted = any(&field.not_equals, equal)
                    || any(&field.not_starts_with, starts)
                    || any(&field.not_ends_with, ends);
                (!wants || wanted) && !unwanted
            })
        }),
    }
}

fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record[name].as_str().unwrap_or_default()
}

fn resource<'a>(record: &'a Value, name: &str) -> &'a str {
    text(&record["resources"][0], name)
}

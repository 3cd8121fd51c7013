//! `PutEventConfiguration` and `GetEventConfiguration`: how a trail's data events are summed up.

use pugmark_catalog::{AggregationTemplate, Selectors, Trail};
use serde_json::{Value, json};

use super::{Api, ApiError, Caller, Fields, find::Target};

impl Api {
    pub(super) async fn put_event_configuration(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let target = Target::of_trail_or_store(caller, fields)?;
        for member in ["MaxEventSize", "ContextKeySelectors"] {
            if fields.has(member) {
                return Err(ApiError::new(
                    "InvalidParameterCombinationException",
                    format!("{member} is a setting of event data stores, not of trails."),
                ));
            }
        }
        let configurations = fields.list("AggregationConfigurations")?;
        let aggregations = configurations.map(read).transpose()?;
        let trail = self
            .change_trail(caller, &target, &target.given, |trail| {
                let Some(aggregations) = aggregations else {
                    return Ok(());
                };
                if !aggregations.is_empty() && !logs_data_events(trail) {
                    return Err(ApiError::new(
                        "InvalidParameterCombinationException",
                        format!(
                            "Trail {} logs no data events that could be aggregated: give it event selectors first.",
                            trail.name
                        ),
                    ));
                }
                trail.aggregations = aggregations;
                Ok(())
            })
            .await?;
        Ok(render(&trail))
    }

    pub(super) fn get_event_configuration(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let target = Target::of_trail_or_store(caller, fields)?;
        let catalog = self.catalog.snapshot();
        let trail = target.visible(caller, &catalog, &target.given)?;
        Ok(render(trail))
    }
}

fn read(configurations: &[Value]) -> Result<Vec<AggregationTemplate>, ApiError> {
    let Some((first, more)) = configurations.split_first() else {
        return Ok(Vec::new());
    };
    if !more.is_empty() {
        return Err(ApiError::constraint(
            "aggregationConfigurations",
            &format!("(a list of {})", configurations.len()),
            "Member must have length less than or equal to 1",
        ));
    }
    let fields = Fields::of(first)?;
    let category = fields.text("EventCategory")?.unwrap_or_default();
    if category != "Data" {
        return Err(invalid(format!(
            "EventCategory of an aggregation is Data, not {category:?}."
        )));
    }
    let names = fields.texts("Templates")?.unwrap_or_default();
    if names.is_empty() {
        return Err(invalid("An aggregation needs a template.".to_owned()));
    }
    let mut templates = Vec::new();
    for name in names {
        let known = AggregationTemplate::ALL
            .into_iter()
            .find(|it| it.as_str() == name);
        let template = known.ok_or_else(|| {
            invalid(format!(
                "Template {name:?} is none of API_ACTIVITY, RESOURCE_ACCESS, USER_ACTIONS."
            ))
        })?;
        if !templates.contains(&template) {
            templates.push(template);
        }
    }
    Ok(templates)
}

fn invalid(message: String) -> ApiError {
    ApiError::new("InvalidParameterException", message)
}

/// Whether any selector of the trail asks for data events.
pub(super) fn logs_data_events(trail: &Trail) -> bool {
    match &trail.selectors {
        Selectors::Default => false,
        Selectors::Basic(selectors) => selectors.iter().any(|it| !it.data_resources.is_empty()),
        Selectors::Advanced(selectors) => selectors.iter().any(|selector| {
            selector
                .field_selectors
                .iter()
                .any(|it| it.field == "eventCategory" && it.equals.iter().any(|it| it == "Data"))
        }),
    }
}

fn render(trail: &Trail) -> Value {
    let names = trail.aggregations.iter().map(|template| template.as_str());
    let configurations = match trail.aggregations.is_empty() {
        true => json!([]),
        false => json!([{"EventCategory": "Data", "Templates": names.collect::<Vec<_>>()}]),
    };
    json!({"TrailARN": trail.arn.0, "AggregationConfigurations": configurations})
}

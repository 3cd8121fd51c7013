//! `PutEventSelectors` and `GetEventSelectors`.

mod advanced;
mod basic;

use pugmark_catalog::Selectors;
use serde_json::{Map, Value};

use super::{Api, ApiError, Caller, Fields, find::Target};

impl Api {
    pub(super) async fn put_event_selectors(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let target = Target::read(caller, fields, "TrailName")?;
        let selectors = match (
            fields.list("EventSelectors")?,
            fields.list("AdvancedEventSelectors")?,
        ) {
            (Some(list), None) => Selectors::Basic(basic::read(list)?),
            (None, Some(list)) => Selectors::Advanced(advanced::read(list)?),
            (None, None) => {
                return Err(invalid(
                    "Specify either EventSelectors or AdvancedEventSelectors.",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(invalid(
                    "Specify EventSelectors or AdvancedEventSelectors, not both.",
                ));
            }
        };
        let mut out = Map::new();
        render(&selectors, &mut out);
        let trail = self
            .change_trail(caller, &target, &target.given, |trail| {
                trail.selectors = selectors;
                Ok(())
            })
            .await?;
        out.insert("TrailARN".into(), trail.arn.0.into());
        Ok(Value::Object(out))
    }

    pub(super) fn get_event_selectors(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let target = Target::read(caller, fields, "TrailName")?;
        let catalog = self.catalog.snapshot();
        let trail = target.visible(caller, &catalog, &target.given)?;
        let mut selectors = trail.selectors.clone();
        if let Selectors::Advanced(selectors) = &mut selectors {
            // AWS repeats the order of a put in its answer only.
            for selector in selectors {
                selector
                    .field_selectors
                    .sort_by(|a, b| a.field.cmp(&b.field));
            }
        }
        let mut out = Map::from_iter([("TrailARN".to_owned(), trail.arn.0.clone().into())]);
        render(&selectors, &mut out);
        Ok(Value::Object(out))
    }
}

fn render(selectors: &Selectors, out: &mut Map<String, Value>) {
    let (name, list) = match selectors {
        Selectors::Default => ("EventSelectors", vec![basic::render(&basic::default())]),
        Selectors::Basic(selectors) => (
            "EventSelectors",
            selectors.iter().map(basic::render).collect(),
        ),
        Selectors::Advanced(selectors) => (
            "AdvancedEventSelectors",
            selectors.iter().map(advanced::render).collect(),
        ),
    };
    out.insert(name.into(), list.into());
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidEventSelectorsException", message)
}

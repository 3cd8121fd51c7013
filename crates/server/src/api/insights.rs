//! `PutInsightSelectors`, `GetInsightSelectors`, `ListInsightsMetricData` and `ListInsightsData`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use pugmark_catalog::{ReadWriteType, Selectors, Trail};
use pugmark_core::{
    event::{EventCategory, InsightType},
    limits::EVENT_HISTORY_DAYS,
};
use pugmark_insights::{Period, SeriesKey};
use serde_json::{Value, json};

use super::{
    Api, ApiError, Caller, Fields, event_configuration::logs_data_events, find::Target,
    lookup::DataInsights,
};

/// Points of one answer.
const POINTS_MAX: usize = 21_600;

impl Api {
    pub(super) async fn put_insight_selectors(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        if fields.has("InsightsDestination") && !fields.has("EventDataStore") {
            return Err(ApiError::new(
                "InvalidParameterCombinationException",
                "InsightsDestination goes with EventDataStore.",
            ));
        }
        let target = trail_of(caller, fields)?;
        let selectors = fields.list("InsightSelectors")?.ok_or_else(|| {
            ApiError::constraint("insightSelectors", "null", "Member must not be null")
        })?;
        let selected = read(selectors)?;
        let planned = target
            .changeable(caller, &self.catalog.snapshot(), &target.given)?
            .clone();
        if !selected.is_empty() {
            self.check_bucket(caller, &planned).await?;
            self.check_key_of(&planned).await?;
        }
        let trail = self
            .change_trail_now(caller, &target, &target.given, |trail| {
                let of = |category: Category| -> Result<BTreeSet<InsightType>, ApiError> {
                    let asked = selected.iter().filter(|(_, of)| of.contains(&category));
                    let insights: BTreeSet<_> = asked.map(|(insight, _)| *insight).collect();
                    for insight in &insights {
                        check_events(trail, *insight, category)?;
                    }
                    Ok(insights)
                };
                (trail.insights, trail.data_insights) =
                    (of(Category::Management)?, of(Category::Data)?);
                Ok(())
            })
            .await?;
        Ok(render(&trail))
    }

    pub(super) fn get_insight_selectors(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let target = trail_of(caller, fields)?;
        let catalog = self.catalog.snapshot();
        let trail = target.visible(caller, &catalog, &target.given)?;
        if !trail.has_insights() {
            return Err(ApiError::new(
                "InsightNotEnabledException",
                format!(
                    "Trail {} does not have Insights enabled. Edit the trail settings to enable Insights, and then try \
                     the operation again.",
                    trail.arn
                ),
            ));
        }
        Ok(render(trail))
    }

    /// The trail whose data events are meant: visible here, by name or ARN.
    fn insight_source(&self, caller: &Caller, given: &str) -> Result<String, ApiError> {
        let target = Target::parse(caller, given)?;
        let catalog = self.catalog.snapshot();
        let trail = target.visible(caller, &catalog, given)?;
        Ok(trail.arn.0.clone())
    }

    pub(super) async fn list_insights_data(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let invalid = |message: String| ApiError::new("InvalidParameterException", message);
        match fields.text("DataType")? {
            Some("InsightsEvents") => {}
            _ => return Err(invalid("DataType is InsightsEvents.".to_owned())),
        }
        let source = fields.text("InsightSource")?.unwrap_or_default();
        if !source.starts_with("arn:") {
            return Err(invalid("InsightSource is the ARN of a trail.".to_owned()));
        }
        let trail = self.insight_source(caller, source);
        let trail = trail.map_err(|error| invalid(error.message))?;
        let query = DataInsights::read(caller, fields, trail)?;
        self.history.list_insights_data(query).await
    }

    pub(super) fn list_insights_metric_data(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let invalid = |message: String| ApiError::new("InvalidParameterException", message);
        let trail = match fields.text("TrailName")? {
            None => None,
            Some(given) => Some(self.insight_source(caller, given).map_err(
                |error| match error.code {
                    "InvalidTrailNameException" => error,
                    // The model of this operation has no other code for a trail.
                    _ => invalid(error.message),
                },
            )?),
        };
        let required = |name: &str| {
            fields
                .text(name)?
                .filter(|text| !text.is_empty())
                .ok_or_else(|| invalid(format!("{name} is missing.")))
        };
        let (source, name, kind) = (
            required("EventSource")?,
            required("EventName")?,
            required("InsightType")?,
        );
        let insight = InsightType::named(kind)
            .ok_or_else(|| invalid(format!("{kind} is no InsightType.")))?;
        let is_error = insight == InsightType::ApiErrorRateInsight;
        let code = fields.text("ErrorCode")?;
        if is_error != code.is_some() {
            return Err(invalid(
                "ErrorCode belongs to ApiErrorRateInsight, and to it alone.".to_owned(),
            ));
        }
        let period = match fields.number("Period")? {
            Some(60) => Period::Minute,
            Some(300) => Period::FiveMinutes,
            None | Some(3600) => Period::Hour,
            Some(other) => {
                return Err(invalid(format!("Period is 60, 300 or 3600, not {other}.")));
            }
        };
        let fills = match fields.text("DataType")? {
            None | Some("NonZeroData") => false,
            Some("FillWithZeros") => true,
            Some(other) => return Err(invalid(format!("{other} is no DataType."))),
        };
        let now = self.clock.now();
        let days = |days: i64| now - SignedDuration::from_hours(24 * days);
        let start = fields
            .time("StartTime")?
            .unwrap_or_else(|| days(EVENT_HISTORY_DAYS));
        let start = start.max(days(i64::from(period.days_kept())));
        let end = fields.time("EndTime")?.unwrap_or(now);
        if start > end && fields.has("StartTime") {
            return Err(invalid("StartTime is after EndTime.".to_owned()));
        }
        let max = fields.number("MaxResults")?.unwrap_or(POINTS_MAX as i64);
        let max = usize::try_from(max)
            .ok()
            .filter(|max| (1..=POINTS_MAX).contains(max))
            .ok_or_else(|| invalid(format!("MaxResults is 1 to {POINTS_MAX}.")))?;
        // A token is the moment at which the next page begins.
        let from = match fields.text("NextToken")? {
            None => start,
            Some(token) => token
                .parse::<i64>()
                .ok()
                .and_then(|second| Timestamp::from_second(second).ok())
                .filter(|from| (start..=end).contains(from))
                .ok_or_else(|| invalid("The token is not valid here.".to_owned()))?,
        };
        let series = SeriesKey {
            account: caller.account,
            region: caller.region.clone(),
            source: source.into(),
            name: name.into(),
            insight,
            error_code: code.map(Into::into),
            trail: trail.as_deref().map(Into::into),
        };
        let mut points: Vec<(Timestamp, u64)> = self
            .insights
            .as_ref()
            .map(|insights| insights.analyzer().metric_data(&series, period, from, end))
            .unwrap_or_default()
            .into_iter()
            .map(|point| (point.time, point.calls))
            .collect();
        if fills {
            points = filled(&points, period, from, end, max + 1);
        }
        let mut answer = json!({"EventSource": source, "EventName": name, "InsightType": kind});
        if let Some(code) = code {
            answer["ErrorCode"] = code.into();
        }
        if let Some(arn) = trail {
            answer["TrailARN"] = arn.into();
        }
        if let Some((time, _)) = points.get(max) {
            answer["NextToken"] = time.as_second().to_string().into();
        }
        points.truncate(max);
        answer["Timestamps"] = points.iter().map(|(time, _)| time.as_second()).collect();
        answer["Values"] = points.iter().map(|(_, calls)| *calls as f64).collect();
        Ok(answer)
    }
}

/// What Insights look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Category {
    Management,
    Data,
}

impl Category {
    const ALL: [Self; 2] = [Self::Management, Self::Data];

    fn as_str(self) -> &'static str {
        match self {
            Self::Management => EventCategory::Management.as_str(),
            Self::Data => EventCategory::Data.as_str(),
        }
    }
}

/// The trail that is meant. These operations have no codes of their own for an event data store.
fn trail_of(caller: &Caller, fields: Fields<'_>) -> Result<Target, ApiError> {
    Target::of_trail_or_store(caller, fields).map_err(|error| match error.code {
        "EventDataStoreARNInvalidException" => {
            ApiError::new("InvalidParameterException", error.message)
        }
        "EventDataStoreNotFoundException" => {
            ApiError::unsupported("Insights of event data stores are not supported by Pugmark yet.")
        }
        _ => error,
    })
}

/// Points for every period, those without calls too.
fn filled(
    points: &[(Timestamp, u64)],
    period: Period,
    from: Timestamp,
    end: Timestamp,
    max: usize,
) -> Vec<(Timestamp, u64)> {
    let step = i64::from(period.minutes()) * 60;
    let first = (from.as_second() + step - 1).div_euclid(step) * step;
    let mut known = points.iter().peekable();
    (first..end.as_second())
        .step_by(step as usize)
        .take(max)
        .filter_map(|second| {
            let time = Timestamp::from_second(second).ok()?;
            let calls = known
                .next_if(|(at, _)| *at == time)
                .map_or(0, |(_, calls)| *calls);
            Some((time, calls))
        })
        .collect()
}

/// The types, each with what it looks at.
fn read(selectors: &[Value]) -> Result<BTreeMap<InsightType, BTreeSet<Category>>, ApiError> {
    let mut insights = BTreeMap::new();
    for selector in selectors {
        let fields = Fields::of(selector)?;
        let name = fields.text("InsightType")?.unwrap_or_default();
        let insight = InsightType::named(name).ok_or_else(|| {
            invalid(format!(
                "InsightType is ApiCallRateInsight or ApiErrorRateInsight, not {name:?}."
            ))
        })?;
        let given = fields.texts("EventCategories")?.unwrap_or_default();
        let mut categories = BTreeSet::new();
        for given in &given {
            let category = Category::ALL.into_iter().find(|it| it.as_str() == *given);
            categories.insert(
                category.ok_or_else(|| {
                    invalid(format!("{given:?} is no EventCategory of Insights."))
                })?,
            );
        }
        if given.is_empty() {
            categories.insert(Category::Management);
        }
        if insights.insert(insight, categories).is_some() {
            return Err(invalid(format!("{name} is given twice.")));
        }
    }
    Ok(insights)
}

/// Whether the trail logs what the type looks at.
fn check_events(trail: &Trail, insight: InsightType, of: Category) -> Result<(), ApiError> {
    let (reads, writes) = management_events(&trail.selectors);
    let (is_logged, what) = match (of, insight) {
        (Category::Data, _) => (logs_data_events(trail), "data events"),
        (_, InsightType::ApiCallRateInsight) => (writes, "write management events"),
        (_, InsightType::ApiErrorRateInsight) => (reads || writes, "management events"),
    };
    match is_logged {
        true => Ok(()),
        false => Err(invalid(format!(
            "{} looks at {what}, which trail {} does not log.",
            insight.as_str(),
            trail.name
        ))),
    }
}

/// Whether reads and writes among management events are logged.
fn management_events(selectors: &Selectors) -> (bool, bool) {
    let of = |logs: &dyn Fn(bool) -> bool| (logs(true), logs(false));
    match selectors {
        Selectors::Default => (true, true),
        Selectors::Basic(selectors) => of(&|read| {
            selectors.iter().any(|it| {
                it.include_management_events
                    && match it.read_write_type {
                        ReadWriteType::All => true,
                        ReadWriteType::ReadOnly => read,
                        ReadWriteType::WriteOnly => !read,
                    }
            })
        }),
        Selectors::Advanced(selectors) => of(&|read| {
            selectors.iter().any(|selector| {
                selector
                    .field_selectors
                    .iter()
                    .all(|field| match field.field.as_str() {
                        "eventCategory" => field
                            .equals
                            .contains(&EventCategory::Management.as_str().to_owned()),
                        "readOnly" => field.equals.contains(&read.to_string()),
                        _ => true,
                    })
            })
        }),
    }
}

fn invalid(message: String) -> ApiError {
    ApiError::new("InvalidInsightSelectorsException", message)
}

fn render(trail: &Trail) -> Value {
    let of = |insight: InsightType| {
        let sets = [&trail.insights, &trail.data_insights];
        let categories = Category::ALL.into_iter().zip(sets);
        let categories = categories.filter(|(_, set)| set.contains(&insight));
        categories.map(|(category, _)| category.as_str()).collect()
    };
    let selectors = InsightType::ALL.into_iter().filter_map(|insight| {
        let categories: Vec<&str> = of(insight);
        (!categories.is_empty())
            .then(|| json!({"InsightType": insight.as_str(), "EventCategories": categories}))
    });
    json!({"TrailARN": trail.arn.0, "InsightSelectors": selectors.collect::<Vec<_>>()})
}

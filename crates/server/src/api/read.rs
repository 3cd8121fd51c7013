//! `GetTrail`, `DescribeTrails`, `ListTrails`, `GetTrailStatus`.

use pugmark_core::clock::iso_seconds;
use serde_json::{Map, Value, json};

use super::{
    Api, ApiError, Caller, Fields,
    find::{Target, visible_trails},
    render::{self, epoch},
};

impl Api {
    pub(super) fn get_trail(&self, caller: &Caller, fields: Fields<'_>) -> Result<Value, ApiError> {
        let target = Target::read(caller, fields, "Name")?;
        let catalog = self.catalog.snapshot();
        let trail = target.visible(caller, &catalog, &target.given)?;
        Ok(json!({"Trail": render::trail(trail)}))
    }

    /// Unknown names are dropped without a word; a trail of another Region can be asked for by its ARN.
    pub(super) fn describe_trails(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let names = fields.texts("trailNameList")?.unwrap_or_default();
        let with_shadows = fields.flag("includeShadowTrails")?.unwrap_or(true);
        let catalog = self.catalog.snapshot();
        let trails: Vec<Value> = if names.is_empty() {
            visible_trails(caller, &catalog)
                .filter(|trail| {
                    let is_home =
                        trail.home_region == caller.region && trail.account == caller.account;
                    with_shadows || is_home
                })
                .map(render::trail)
                .collect()
        } else {
            let targets: Vec<Target> = names
                .iter()
                .map(|name| Target::parse(caller, name))
                .collect::<Result<_, _>>()?;
            targets
                .iter()
                .filter_map(|target| target.owned(caller, &catalog))
                .map(render::trail)
                .collect()
        };
        Ok(json!({"trailList": trails}))
    }

    /// One page has all: an account has few trails.
    pub(super) fn list_trails(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        if fields.text("NextToken")?.is_some() {
            return Err(ApiError::new(
                "InvalidNextTokenException",
                "The token is not one that ListTrails gave.",
            ));
        }
        let catalog = self.catalog.snapshot();
        let trails: Vec<Value> = visible_trails(caller, &catalog)
            .map(|trail| {
                json!({"TrailARN": trail.arn.0, "Name": trail.name, "HomeRegion": trail.home_region.as_str()})
            })
            .collect();
        Ok(json!({"Trails": trails}))
    }

    pub(super) fn get_trail_status(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let target = Target::read(caller, fields, "Name")?;
        let catalog = self.catalog.snapshot();
        let trail = target.visible(caller, &catalog, &target.arn.0)?;
        let mut status = self.delivery.status(&trail.id, &caller.region);
        if trail.logs_group_arn.is_none() {
            // With the destination its moments go (observed with AWS).
            status.latest_logs_delivery_time = None;
            status.latest_logs_delivery_error = None;
        }
        let mut out = Map::new();
        out.insert("IsLogging".into(), trail.is_logging.into());
        for (name, error) in [
            ("LatestDeliveryError", &status.latest_delivery_error),
            (
                "LatestDigestDeliveryError",
                &status.latest_digest_delivery_error,
            ),
            ("LatestNotificationError", &status.latest_notification_error),
            (
                "LatestCloudWatchLogsDeliveryError",
                &status.latest_logs_delivery_error,
            ),
        ] {
            render::put(&mut out, name, error.as_ref());
        }
        for (name, time) in [
            ("LatestDeliveryTime", status.latest_delivery_time),
            ("StartLoggingTime", trail.started),
            ("StopLoggingTime", trail.stopped),
            (
                "LatestDigestDeliveryTime",
                status.latest_digest_delivery_time,
            ),
            ("LatestNotificationTime", status.latest_notification_time),
            (
                "LatestCloudWatchLogsDeliveryTime",
                status.latest_logs_delivery_time,
            ),
        ] {
            render::put(&mut out, name, time.map(epoch).as_ref());
        }
        // No longer in use at AWS, but still there: times as text, empty for never.
        for (name, time) in [
            (
                "LatestDeliveryAttemptTime",
                status.latest_delivery_attempt_time,
            ),
            (
                "LatestNotificationAttemptTime",
                status.latest_notification_attempt_time,
            ),
            (
                "LatestNotificationAttemptSucceeded",
                status.latest_notification_time,
            ),
            (
                "LatestDeliveryAttemptSucceeded",
                status.latest_delivery_time,
            ),
            ("TimeLoggingStarted", trail.started),
            ("TimeLoggingStopped", trail.stopped),
        ] {
            out.insert(
                name.into(),
                time.map(iso_seconds).unwrap_or_default().into(),
            );
        }
        Ok(Value::Object(out))
    }
}

//! `ListPublicKeys`.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Api, ApiError, Caller, Fields, render::epoch};

impl Api {
    pub(super) fn list_public_keys(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let now = self.clock.now();
        let start = fields.time("StartTime")?.unwrap_or(now);
        let end = fields.time("EndTime")?.unwrap_or(now);
        if fields.text("NextToken")?.is_some() {
            return Err(ApiError::new(
                "InvalidTokenException",
                "The token is not one that ListPublicKeys gave.",
            ));
        }
        if start > end {
            return Err(ApiError::new(
                "InvalidTimeRangeException",
                "The start time is after the end time.",
            ));
        }
        let keys = self
            .delivery
            .public_keys(&caller.region, start, end)
            .map_err(|error| {
                tracing::error!(error, region = %caller.region, "public keys cannot be read");
                ApiError {
                    code: "InternalFailure",
                    status: 500,
                    message: "The public keys could not be read.".into(),
                }
            })?;
        let keys: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({
                    "Value": STANDARD.encode(&key.value),
                    "ValidityStartTime": epoch(key.validity_start),
                    "ValidityEndTime": epoch(key.validity_end),
                    "Fingerprint": key.fingerprint,
                })
            })
            .collect();
        Ok(json!({"PublicKeyList": keys}))
    }
}

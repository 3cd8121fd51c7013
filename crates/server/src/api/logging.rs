//! `StartLogging` and `StopLogging`; each succeeds, without effect, where it is so already.

use serde_json::{Value, json};

use super::{Api, ApiError, Caller, Fields, find::Target};

impl Api {
    pub(super) async fn start_logging(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        self.set_logging(caller, fields, true).await
    }

    pub(super) async fn stop_logging(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        self.set_logging(caller, fields, false).await
    }

    async fn set_logging(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
        is_logging: bool,
    ) -> Result<Value, ApiError> {
        let target = Target::read(caller, fields, "Name")?;
        let now = Some(self.clock.now());
        self.change_trail(caller, &target, &target.arn.0, |trail| {
            if trail.is_logging != is_logging {
                trail.is_logging = is_logging;
                let since = if is_logging {
                    &mut trail.started
                } else {
                    &mut trail.stopped
                };
                *since = now;
            }
            Ok(())
        })
        .await?;
        Ok(json!({}))
    }
}

//! `StartLogging` and `StopLogging`; each succeeds, without effect, where it is so already.

use pugmark_catalog::{Change, Trail};
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
        self.catalog
            .change(|catalog| {
                let trail = target.changeable(caller, catalog, &target.arn.0)?;
                if trail.is_logging == is_logging {
                    return Ok((None, ()));
                }
                let (started, stopped) = if is_logging {
                    (now, trail.stopped)
                } else {
                    (trail.started, now)
                };
                let trail = Trail {
                    is_logging,
                    started,
                    stopped,
                    ..trail.clone()
                };
                Ok::<_, ApiError>((Some(Change::PutTrail(Box::new(trail))), ()))
            })
            .await?;
        Ok(json!({}))
    }
}

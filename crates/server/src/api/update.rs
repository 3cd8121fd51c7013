//! `UpdateTrail`: what is left out stays, what is empty is unset.

use pugmark_catalog::{Catalog, Change, Trail};
use serde_json::Value;

use super::{
    Api, ApiError, Caller, Fields,
    create::{check_combination, check_destinations, check_place},
    find::Target,
    names, render,
};

/// The members of the request; `None` is left out.
struct Update {
    target: Target,
    bucket: Option<String>,
    /// `Some(None)` unsets.
    key_prefix: Option<Option<String>>,
    include_global_service_events: Option<bool>,
    is_multi_region: Option<bool>,
    log_file_validation: Option<bool>,
    unset_topic: bool,
    unset_key: bool,
    unset_logs: bool,
}

impl Api {
    pub(super) async fn update_trail(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let update = Update::read(caller, fields)?;
        check_destinations(fields)?;
        let planned = update.apply(caller, &self.catalog.snapshot())?;
        self.check_bucket(&planned).await?;
        let trail = self
            .catalog
            .change(|catalog| {
                let trail = update.apply(caller, catalog)?;
                Ok::<_, ApiError>((Some(Change::PutTrail(Box::new(trail.clone()))), trail))
            })
            .await?;
        Ok(Value::Object(render::settings(&trail)))
    }
}

impl Update {
    fn read(caller: &Caller, fields: Fields<'_>) -> Result<Self, ApiError> {
        let is_empty = |name| Ok::<_, ApiError>(fields.text(name)? == Some(""));
        let bucket = fields.text("S3BucketName")?;
        let update = Self {
            target: Target::read(caller, fields, "Name")?,
            bucket: bucket.map(str::to_owned),
            key_prefix: fields
                .text("S3KeyPrefix")?
                .map(names::key_prefix)
                .transpose()?,
            include_global_service_events: fields.flag("IncludeGlobalServiceEvents")?,
            is_multi_region: fields.flag("IsMultiRegionTrail")?,
            log_file_validation: fields.flag("EnableLogFileValidation")?,
            unset_topic: is_empty("SnsTopicName")?,
            unset_key: is_empty("KmsKeyId")?,
            unset_logs: is_empty("CloudWatchLogsLogGroupArn")?
                || is_empty("CloudWatchLogsRoleArn")?,
        };
        bucket.map_or(Ok(()), names::check_bucket_name)?;
        Ok(update)
    }

    /// The trail as it will be.
    fn apply(&self, caller: &Caller, catalog: &Catalog) -> Result<Trail, ApiError> {
        let mut trail = self
            .target
            .changeable(caller, catalog, &self.target.given)?
            .clone();
        if let Some(is_multi_region) = self
            .is_multi_region
            .filter(|&is_multi| is_multi != trail.is_multi_region)
        {
            // Becoming a trail of all Regions turns the events of global services on. The guide says that ceasing to be one
            // turns them off, but its own sample answer keeps them, and so must AWS: Terraform's provider does not send
            // the flag then, and its acceptance test of that step finds nothing to change afterwards.
            trail.is_multi_region = is_multi_region;
            trail.include_global_service_events |= is_multi_region;
        }
        if let Some(include) = self.include_global_service_events {
            trail.include_global_service_events = include;
        }
        check_combination(&trail)?;
        if let Some(bucket) = &self.bucket {
            trail.bucket.clone_from(bucket);
        }
        if let Some(key_prefix) = &self.key_prefix {
            trail.key_prefix.clone_from(key_prefix);
        }
        if let Some(log_file_validation) = self.log_file_validation {
            trail.log_file_validation = log_file_validation;
        }
        if self.unset_topic {
            trail.sns_topic_name = None;
        }
        if self.unset_key {
            trail.kms_key_id = None;
        }
        if self.unset_logs {
            (trail.logs_group_arn, trail.logs_role_arn) = (None, None);
        }
        check_place(catalog, &trail)?;
        Ok(trail)
    }
}

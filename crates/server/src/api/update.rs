//! `UpdateTrail`: what is left out stays, what is empty is unset.

use pugmark_catalog::{Catalog, Change, Organization, Trail};
use serde_json::Value;

use super::{
    Api, ApiError, Caller, Fields,
    create::{check_combination, check_place},
    destinations::Destinations,
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
    recursive_logging: Option<bool>,
    destinations: Destinations,
    /// `Some(None)` makes it a trail of its account alone.
    organization: Option<Option<Organization>>,
}

impl Api {
    pub(super) async fn update_trail(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let mut update = Update::read(caller, fields)?;
        update.organization = match fields.flag("IsOrganizationTrail")? {
            Some(true) => Some(Some(self.organization_of(caller).await?.0)),
            Some(false) => Some(None),
            None => None,
        };
        let target = &update.target;
        let arn = target
            .changeable(caller, &self.catalog.snapshot(), &target.given)?
            .arn
            .clone();
        let _changing = self.busy.begin(&arn)?;
        let planned = update.apply(caller, &self.catalog.snapshot())?;
        self.check_bucket(caller, &planned).await?;
        self.check_destinations(caller, &planned, &mut update.destinations)
            .await?;
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
            recursive_logging: fields.flag("RecursiveLogging")?,
            destinations: Destinations::read(fields)?,
            organization: None,
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
        if let Some(recursive_logging) = self.recursive_logging {
            trail.recursive_logging = recursive_logging;
        }
        self.destinations.apply(&mut trail);
        if let Some(organization) = &self.organization {
            let converts = organization.is_some() != trail.organization.is_some();
            if converts && catalog.delegates.contains(&caller.account) {
                return Err(ApiError::new(
                    "NotOrganizationMasterAccountException",
                    "A delegated administrator cannot turn trails of accounts into trails of the organization, or back.",
                ));
            }
            trail.organization.clone_from(organization);
        }
        check_place(catalog, &trail)?;
        Ok(trail)
    }
}

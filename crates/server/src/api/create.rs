//! `CreateTrail` and `DeleteTrail`, and the rules that making and changing a trail share.

use pugmark_catalog::{Catalog, Change, Trail, TrailArn, TrailId};
use pugmark_core::{account::Region, limits};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Api, ApiError, Caller, Fields, destinations::Destinations, find::Target, names,
    port::CheckError, render, tags,
};

/// Where log files lie in a bucket, below the prefix.
const FOLDER: &str = "AWSLogs/";

impl Api {
    pub(super) async fn create_trail(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let mut trail = new_trail(caller, fields)?;
        let mut destinations = Destinations::read(fields)?;
        destinations.apply(&mut trail);
        if fields.flag("IsOrganizationTrail")? == Some(true) {
            let (organization, management) = self.organization_of(caller).await?;
            // The management account owns it, whoever makes it.
            trail.arn = TrailArn::new(&caller.region, management, &trail.name);
            trail.account = management;
            trail.organization = Some(organization);
        }
        check_place(&self.catalog.snapshot(), &trail)?;
        let _changing = self.busy.begin(&trail.arn)?;
        self.check_bucket(caller, &trail).await?;
        self.check_destinations(caller, &trail, &mut destinations)
            .await?;
        destinations.apply(&mut trail);
        let answer = Value::Object(render::settings(&trail));
        self.catalog
            .change(|catalog| {
                check_place(catalog, &trail)?;
                Ok::<_, ApiError>((Some(Change::PutTrail(Box::new(trail))), ()))
            })
            .await?;
        Ok(answer)
    }

    pub(super) async fn delete_trail(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let target = Target::read(caller, fields, "Name")?;
        let now = self.clock.now();
        self.catalog
            .change(|catalog| {
                let trail = target.changeable(caller, catalog, &target.arn.0)?;
                self.busy.check(&trail.arn)?;
                Ok::<_, ApiError>((Some(Change::DeleteTrail(trail.arn.clone(), Some(now))), ()))
            })
            .await?;
        Ok(json!({}))
    }

    /// Whether files can be written to where the trail says.
    pub(super) async fn check_bucket(
        &self,
        caller: &Caller,
        trail: &Trail,
    ) -> Result<(), ApiError> {
        let bucket = &trail.bucket;
        self.delivery
            .check(trail, caller.account)
            .await
            .map_err(|error| match error {
                CheckError::NoSuchBucket => ApiError::new(
                    "S3BucketDoesNotExistException",
                    format!("S3 bucket {bucket} does not exist!"),
                ),
                CheckError::ForeignFolder => ApiError::new(
                    "InvalidS3PrefixException",
                    format!(
                        "The prefix of a bucket of another account cannot contain {FOLDER}: choose another prefix for {bucket}."
                    ),
                ),
                CheckError::Denied(reason) => {
                    tracing::info!(bucket, reason, "the bucket of a trail refuses");
                    ApiError::new(
                        "InsufficientS3BucketPolicyException",
                        format!("Incorrect S3 bucket policy is detected for bucket: {bucket}"),
                    )
                }
                CheckError::Key(code) => {
                    tracing::info!(bucket, code, "the key of a trail cannot be used");
                    let key = trail.kms_key_id.as_deref().unwrap_or_default();
                    match code.as_str() {
                        "KMS.DisabledException" | "KMS.KMSInvalidStateException" => ApiError::new(
                            "KmsException",
                            format!("KMS key {key} cannot be used ({code})"),
                        ),
                        _ => ApiError::new(
                            "InsufficientEncryptionPolicyException",
                            format!(
                                "Insufficient permissions to access S3 bucket {bucket} or KMS key {key} ({code})"
                            ),
                        ),
                    }
                }
                CheckError::Unreachable(reason) => {
                    tracing::warn!(bucket, reason, "the bucket of a trail cannot be reached");
                    ApiError {
                        code: "ServiceUnavailable",
                        status: 503,
                        message: format!("S3 bucket {bucket} cannot be reached at the moment."),
                    }
                }
            })
    }
}

/// The trail that the request describes, with everything checked that needs no look at other trails or at the bucket.
fn new_trail(caller: &Caller, fields: Fields<'_>) -> Result<Trail, ApiError> {
    let name = fields.text("Name")?.unwrap_or_default();
    names::check_trail_name(name)?;
    let trail = Trail {
        include_global_service_events: fields.flag("IncludeGlobalServiceEvents")?.unwrap_or(true),
        is_multi_region: fields.flag("IsMultiRegionTrail")?.unwrap_or(false),
        log_file_validation: fields.flag("EnableLogFileValidation")?.unwrap_or(false),
        recursive_logging: fields.flag("RecursiveLogging")?.unwrap_or(true),
        tags: tags::read(fields, "TagsList")?.unwrap_or_default(),
        ..Trail::new(
            TrailId(Uuid::now_v7().to_string()),
            caller.account,
            caller.region.clone(),
            name,
            fields.text("S3BucketName")?.unwrap_or_default(),
        )
    };
    check_combination(&trail)?;
    names::check_bucket_name(&trail.bucket)?;
    let key_prefix = names::key_prefix(fields.text("S3KeyPrefix")?.unwrap_or_default())?;
    Ok(Trail {
        key_prefix,
        ..trail
    })
}

/// A trail of all Regions has the events of global services.
pub(super) fn check_combination(trail: &Trail) -> Result<(), ApiError> {
    if trail.is_multi_region && !trail.include_global_service_events {
        return Err(ApiError::new(
            "InvalidParameterCombinationException",
            "Multi-Region trail must include global service events.",
        ));
    }
    Ok(())
}

/// Whether the trail's name is free and there is room, in each Region where it appears.
pub(super) fn check_place(catalog: &Catalog, trail: &Trail) -> Result<(), ApiError> {
    let others = || {
        catalog
            .trails
            .values()
            .filter(|other| other.account == trail.account && other.arn != trail.arn)
    };
    let meets = |other: &Trail| trail.is_multi_region || other.is_in(&trail.home_region);
    let taken = |arn: &TrailArn| {
        catalog
            .trails
            .get(arn)
            .is_some_and(|same| same.id != trail.id)
    };
    if taken(&trail.arn) || others().any(|other| other.name == trail.name && meets(other)) {
        return Err(ApiError::new(
            "TrailAlreadyExistsException",
            format!(
                "Trail {} already exists for customer: {}",
                trail.name, trail.account
            ),
        ));
    }
    let full = |region: &Region| {
        others().filter(|other| other.is_in(region)).count() >= limits::TRAILS_PER_REGION_MAX
    };
    let mut regions = vec![&trail.home_region];
    if trail.is_multi_region {
        regions.extend(others().map(|other| &other.home_region));
    }
    match regions.into_iter().find(|region| full(region)) {
        Some(region) => Err(ApiError::new(
            "MaximumNumberOfTrailsExceededException",
            format!(
                "User: {} already has {} trails in {region}",
                trail.account,
                limits::TRAILS_PER_REGION_MAX
            ),
        )),
        None => Ok(()),
    }
}

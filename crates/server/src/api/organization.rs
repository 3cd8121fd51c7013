//! The organization whose accounts a trail records: asked when a trail is made or changed, and looked at again since.

use std::sync::Arc;

use pugmark_catalog::{Change, Organization, Trail};
use pugmark_core::{account::AccountId, service::ServiceError};

use super::{Api, ApiError, Caller};

impl Api {
    /// The organization whose trails the caller may make, and its management account, which owns them.
    pub(super) async fn organization_of(
        &self,
        caller: &Caller,
    ) -> Result<(Organization, AccountId), ApiError> {
        let found = self.find_organization().await?;
        let is_member = found
            .members
            .iter()
            .any(|member| member.id == caller.account);
        let is_delegate = is_member && self.catalog.snapshot().delegates.contains(&caller.account);
        if found.management != caller.account && !is_delegate {
            return Err(ApiError::new(
                "NotOrganizationMasterAccountException",
                format!(
                    "Account {} is neither the management account of organization {}, which is {}, nor a delegated administrator.",
                    caller.account, found.id, found.management
                ),
            ));
        }
        let management = found.management;
        Ok((of_service(found), management))
    }

    /// The organization of the caller, who must be its management account.
    pub(super) async fn managed_organization(
        &self,
        caller: &Caller,
    ) -> Result<Organization, ApiError> {
        let found = self.find_organization().await?;
        if found.management != caller.account {
            return Err(ApiError::new(
                "NotOrganizationManagementAccountException",
                format!(
                    "Account {} is not the management account of organization {}: that is {}.",
                    caller.account, found.id, found.management
                ),
            ));
        }
        Ok(of_service(found))
    }

    async fn find_organization(&self) -> Result<pugmark_notify::Organization, ApiError> {
        let found = self
            .services
            .organization()
            .await
            .map_err(|error| refused(&error))?;
        let found = found.ok_or_else(|| {
            ApiError::new(
                "OrganizationsNotInUseException",
                "The account is in no organization: set [organization] in the settings, or an upstream for organizations.",
            )
        })?;
        if !found.has_all_features {
            return Err(ApiError::new(
                "OrganizationNotInAllFeaturesModeException",
                format!(
                    "Organization {} has consolidated billing only: enable all features first.",
                    found.id
                ),
            ));
        }
        let is_trusted = self
            .services
            .trusts_cloudtrail()
            .await
            .map_err(|error| refused(&error))?;
        if !is_trusted {
            return Err(ApiError::new(
                "CloudTrailAccessNotEnabledException",
                "CloudTrail has no trusted access to the organization: aws organizations enable-aws-service-access \
                 --service-principal cloudtrail.amazonaws.com",
            ));
        }
        Ok(found)
    }

    /// Looks at the organization again: accounts that joined are recorded from now on, those that left no longer.
    ///
    /// # Errors
    /// When the organization cannot be asked, or the catalog not be written: all stays as it was.
    pub(crate) async fn refresh_organizations(self: &Arc<Self>) -> anyhow::Result<()> {
        let has_one = |trail: &&Trail| trail.organization.is_some();
        if !self
            .catalog
            .snapshot()
            .trails
            .values()
            .any(|trail| has_one(&trail))
        {
            return Ok(());
        }
        let found = self.services.organization().await?;
        let of = |trail: &Trail| {
            let found = found
                .clone()
                .filter(|found| found.management == trail.account);
            found.map(of_service)
        };
        loop {
            let done = self.catalog.change(|catalog| {
                let changed = catalog.trails.values().filter(has_one).find(|trail| trail.organization != of(trail));
                let change = changed.map(|trail| {
                    let organization = of(trail);
                    tracing::info!(trail = %trail.arn, accounts = organization.as_ref().map(|it| it.accounts.len()), "the organization of a trail changed");
                    Change::PutTrail(Box::new(Trail { organization, ..trail.clone() }))
                });
                let is_last = change.is_none();
                Ok::<_, ApiError>((change, is_last))
            });
            if done
                .await
                .map_err(|error| anyhow::anyhow!("{}", ApiError::from(error).message))?
            {
                return Ok(());
            }
        }
    }
}

fn of_service(found: pugmark_notify::Organization) -> Organization {
    let mut accounts: std::collections::BTreeSet<_> =
        found.members.into_iter().map(|member| member.id).collect();
    accounts.insert(found.management);
    Organization {
        id: found.id,
        accounts,
    }
}

fn refused(error: &ServiceError) -> ApiError {
    tracing::warn!(
        code = error.code,
        error = error.message,
        "Organizations refuses"
    );
    match error.code.as_deref() {
        Some("ServiceNotConfigured") => ApiError {
            code: "OrganizationsNotInUseException",
            status: 400,
            message: format!(
                "The account is in no organization: {}, or set [organization].",
                error.message
            ),
        },
        Some("AccessDeniedException" | "AccessDenied") => ApiError::new(
            "InsufficientDependencyServiceAccessPermissionException",
            "Pugmark's own key may not describe the organization.",
        ),
        Some(code) => ApiError::new(
            "CloudTrailAccessNotEnabledException",
            format!("Organizations refuses: {code}."),
        ),
        None => ApiError {
            code: "ServiceUnavailable",
            status: 503,
            message: "Organizations cannot be reached at the moment.".to_owned(),
        },
    }
}

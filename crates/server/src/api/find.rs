//! Finds the trail that a request names, by the rules for names, ARNs, shadows and home Regions, and changes it.

use pugmark_catalog::{Catalog, Change, Trail, TrailArn};

use super::{Api, ApiError, Caller, Fields, names};

/// A trail as a request names it.
pub(crate) struct Target {
    /// As it was sent.
    pub(crate) given: String,
    /// The ARN that it stands for: a name means the trail of that name whose home is the called Region.
    pub(crate) arn: TrailArn,
    by_name: bool,
}

impl Target {
    /// Reads the member `member`, which must be there.
    pub(crate) fn read(
        caller: &Caller,
        fields: Fields<'_>,
        member: &str,
    ) -> Result<Self, ApiError> {
        Self::parse(caller, fields.text(member)?.unwrap_or_default())
    }

    /// Reads `TrailName`, where `EventDataStore` could stand instead.
    pub(crate) fn of_trail_or_store(caller: &Caller, fields: Fields<'_>) -> Result<Self, ApiError> {
        match (fields.text("TrailName")?, fields.text("EventDataStore")?) {
            (Some(name), None) => Self::parse(caller, name),
            (None, Some(store)) => Err(names::unknown_store(store)),
            _ => Err(ApiError::new(
                "InvalidParameterCombinationException",
                "Specify either TrailName or EventDataStore.",
            )),
        }
    }

    /// A name or an ARN.
    pub(crate) fn parse(caller: &Caller, given: &str) -> Result<Self, ApiError> {
        if given.starts_with("arn:") {
            names::check_trail_arn(given)?;
            return Ok(Self {
                given: given.into(),
                arn: TrailArn(given.into()),
                by_name: false,
            });
        }
        names::check_trail_name(given)?;
        let arn = TrailArn::new(&caller.region, caller.account, given);
        Ok(Self {
            given: given.into(),
            arn,
            by_name: true,
        })
    }

    /// The trail, if the account or its organization has it, in whatever Region.
    pub(crate) fn owned<'c>(&self, caller: &Caller, catalog: &'c Catalog) -> Option<&'c Trail> {
        catalog
            .trails
            .get(&self.arn)
            .filter(|trail| trail.has_account(caller.account))
    }

    /// The trail for reading: it or a shadow of it must be in the called Region. `called` is what the message for an unknown
    /// one says.
    pub(crate) fn visible<'c>(
        &self,
        caller: &Caller,
        catalog: &'c Catalog,
        called: &str,
    ) -> Result<&'c Trail, ApiError> {
        self.owned(caller, catalog)
            .filter(|trail| trail.is_in(&caller.region))
            .ok_or_else(|| unknown(caller, called))
    }

    /// The trail for changing: the called Region must be its home. `called` is as for [`Self::visible`].
    pub(crate) fn changeable<'c>(
        &self,
        caller: &Caller,
        catalog: &'c Catalog,
        called: &str,
    ) -> Result<&'c Trail, ApiError> {
        let shadow = || {
            visible_trails(caller, catalog).find(|trail| {
                self.by_name
                    && trail.name == self.given
                    && (trail.account == caller.account
                        || catalog.is_delegate(caller.account, trail))
            })
        };
        match self.owned(caller, catalog).or_else(shadow) {
            // Members of an organization see its trails; the management account and its delegates change them.
            Some(trail)
                if trail.account != caller.account
                    && !catalog.is_delegate(caller.account, trail) =>
            {
                Err(ApiError::new(
                    "NotOrganizationMasterAccountException",
                    format!(
                        "Trail {} belongs to the organization's management account, {}: it is changed there.",
                        trail.arn, trail.account
                    ),
                ))
            }
            Some(trail) if trail.home_region == caller.region => Ok(trail),
            Some(trail) => Err(ApiError::new(
                "InvalidHomeRegionException",
                format!(
                    "Trail {} can only be changed in its home Region, {}.",
                    trail.arn, trail.home_region
                ),
            )),
            None => Err(unknown(caller, called)),
        }
    }
}

impl Api {
    /// The trail as `change` leaves it, durable if that is other than it was. `called` is as for [`Target::visible`].
    ///
    /// # Errors
    /// Those of [`Target::changeable`] and of `change`, and `ConflictException` while a longer change of the trail is under way.
    pub(super) async fn change_trail(
        &self,
        caller: &Caller,
        target: &Target,
        called: &str,
        change: impl FnOnce(&mut Trail) -> Result<(), ApiError>,
    ) -> Result<Trail, ApiError> {
        self.change_trail_now(caller, target, called, |trail| {
            self.busy.check(&trail.arn)?;
            change(trail)
        })
        .await
    }

    /// The same, whatever else is under way.
    pub(super) async fn change_trail_now(
        &self,
        caller: &Caller,
        target: &Target,
        called: &str,
        change: impl FnOnce(&mut Trail) -> Result<(), ApiError>,
    ) -> Result<Trail, ApiError> {
        let decide = |catalog: &Catalog| {
            let before = target.changeable(caller, catalog, called)?;
            let mut trail = before.clone();
            change(&mut trail)?;
            let put = (trail != *before).then(|| Change::PutTrail(Box::new(trail.clone())));
            Ok::<_, ApiError>((put, trail))
        };
        Ok(self.catalog.change(decide).await?)
    }
}

/// The account's trails, those of its organization too, that appear in the called Region, shadows included.
pub(crate) fn visible_trails<'c>(
    caller: &Caller,
    catalog: &'c Catalog,
) -> impl Iterator<Item = &'c Trail> {
    let (account, region) = (caller.account, caller.region.clone());
    catalog
        .trails
        .values()
        .filter(move |trail| trail.has_account(account) && trail.is_in(&region))
}

fn unknown(caller: &Caller, called: &str) -> ApiError {
    ApiError::new(
        "TrailNotFoundException",
        format!("Unknown trail: {called} for the user: {}", caller.account),
    )
}

//! Whose events a caller sees: its own, and those of an organization's members if it manages the organization. The server's own
//! root credentials see imported events of all accounts.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use pugmark_core::account::AccountId;
use pugmark_notify::Organization;
use pugmark_table::Origin;

use super::{
    super::{Api, ApiError, Caller},
    question::{Accounts, Read},
};

/// Pages of one answer follow each other; Organizations need not be asked for each.
const KNOWN_FOR: SignedDuration = SignedDuration::from_secs(30);

/// Whose events an answer may have.
pub(super) struct Visible {
    pub(super) recorded: Vec<AccountId>,
    /// `None`: everyone's.
    pub(super) imported: Option<Vec<AccountId>>,
}

impl Visible {
    fn these(accounts: Vec<AccountId>) -> Self {
        Self {
            recorded: accounts.clone(),
            imported: Some(accounts),
        }
    }
}

/// The organization as it was asked last.
#[derive(Default)]
pub(crate) struct Organizations(Mutex<Option<(Timestamp, Option<Organization>)>>);

impl Api {
    /// The accounts that are asked for and may be seen.
    pub(super) async fn visible_accounts(
        &self,
        caller: &Caller,
        read: &Read,
    ) -> Result<Visible, ApiError> {
        let are_imported = read.question.origins == [Origin::Imported];
        let sees_all = are_imported && self.is_operator(caller);
        match &read.accounts {
            Accounts::These(accounts)
                if sees_all || accounts.iter().all(|it| *it == caller.account) =>
            {
                Ok(Visible::these(accounts.clone()))
            }
            Accounts::These(accounts) => {
                let members = self.members(caller).await?;
                let hidden = accounts
                    .iter()
                    .find(|account| **account != caller.account && !members.contains(account));
                match hidden {
                    None => Ok(Visible::these(accounts.clone())),
                    Some(account) => Err(self.hidden(caller, account)),
                }
            }
            Accounts::All => {
                let mut members = self.members(caller).await?;
                members.insert(caller.account);
                let mut visible = Visible::these(members.into_iter().collect());
                if self.is_operator(caller) {
                    visible.imported = None;
                }
                Ok(visible)
            }
        }
    }

    /// Whether the caller has the server's own root key: it is kept in the data directory, and so are the events that were
    /// imported into it, of whatever account.
    fn is_operator(&self, caller: &Caller) -> bool {
        self.operator_key.is_some() && self.operator_key == caller.access_key_id
    }

    fn hidden(&self, caller: &Caller, account: &AccountId) -> ApiError {
        let imported = match self.is_operator(caller) {
            true => {
                " Imported events of any account can be asked for with these credentials, if no others are: Origins Imported, or \
                 --origin imported."
            }
            false => "",
        };
        ApiError::new(
            "AccessDeniedException",
            format!(
                "Account {} may not see the events of account {account}: only the management account and the delegated \
                 administrators of its organization may.{imported}",
                caller.account
            ),
        )
    }

    /// All accounts of the organization that the caller manages; none if it manages none.
    async fn members(&self, caller: &Caller) -> Result<BTreeSet<AccountId>, ApiError> {
        let Some(organization) = self.known_organization().await? else {
            return Ok(BTreeSet::new());
        };
        let mut accounts: BTreeSet<AccountId> = organization
            .members
            .iter()
            .map(|member| member.id)
            .collect();
        accounts.insert(organization.management);
        let is_delegate = accounts.contains(&caller.account)
            && self.catalog.snapshot().delegates.contains(&caller.account);
        if organization.management == caller.account || is_delegate {
            Ok(accounts)
        } else {
            Ok(BTreeSet::new())
        }
    }

    async fn known_organization(&self) -> Result<Option<Organization>, ApiError> {
        let now = self.clock.now();
        {
            let known = self.organizations.0.lock();
            let known = known.unwrap_or_else(PoisonError::into_inner);
            if let Some((at, organization)) = &*known
                && now.duration_since(*at).abs() < KNOWN_FOR
            {
                return Ok(organization.clone());
            }
        }
        let organization = match self.services.organization().await {
            Ok(organization) => organization,
            // No such service, or it does not let Pugmark ask: nobody is known to manage anything.
            Err(error) if error.code.is_some() => {
                tracing::debug!(
                    code = error.code,
                    error = error.message,
                    "Organizations refuses"
                );
                None
            }
            Err(error) => {
                tracing::warn!(error = error.message, "Organizations cannot be asked");
                return Err(ApiError {
                    code: "ServiceUnavailable",
                    status: 503,
                    message: "Organizations cannot be reached at the moment.".to_owned(),
                });
            }
        };
        let mut known = self
            .organizations
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some((now, organization.clone()));
        Ok(organization)
    }
}

//! `RegisterOrganizationDelegatedAdmin` and `DeregisterOrganizationDelegatedAdmin`: accounts that manage the organization's
//! trails beside its management account.

use std::collections::BTreeSet;

use pugmark_catalog::Change;
use pugmark_core::{account::AccountId, limits};
use serde_json::{Value, json};

use super::{Api, ApiError, Caller, Fields};

impl Api {
    pub(super) async fn register_delegate(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let account = read(fields, "MemberAccountId")?;
        let _changing = self.busy.begin_delegates()?;
        let organization = self.managed_organization(caller).await?;
        if account == caller.account {
            return Err(ApiError::new(
                "CannotDelegateManagementAccountException",
                "The management account cannot be a delegated administrator: it manages the trails anyway.",
            ));
        }
        if !organization.accounts.contains(&account) {
            return Err(not_in(&account, &organization.id));
        }
        self.change_delegates(|delegates| {
            if delegates.contains(&account) {
                return Err(ApiError::new(
                    "AccountRegisteredException",
                    format!("Account {account} is a delegated administrator already."),
                ));
            }
            if delegates.len() >= limits::DELEGATES_MAX {
                return Err(ApiError::new(
                    "DelegatedAdminAccountLimitExceededException",
                    format!(
                        "The organization has {} delegated administrators, which is the limit.",
                        limits::DELEGATES_MAX
                    ),
                ));
            }
            delegates.insert(account);
            Ok(())
        })
        .await
    }

    pub(super) async fn deregister_delegate(
        &self,
        caller: &Caller,
        fields: Fields<'_>,
    ) -> Result<Value, ApiError> {
        let account = read(fields, "DelegatedAdminAccountId")?;
        let _changing = self.busy.begin_delegates()?;
        let organization = self.managed_organization(caller).await?;
        self.change_delegates(|delegates| match delegates.remove(&account) {
            true => Ok(()),
            // Who left the organization can still be taken off the list; who never was in it is not found.
            false if !organization.accounts.contains(&account) => {
                Err(not_in(&account, &organization.id))
            }
            false => Err(ApiError::new(
                "AccountNotRegisteredException",
                format!("Account {account} is no delegated administrator."),
            )),
        })
        .await
    }

    async fn change_delegates(
        &self,
        change: impl FnOnce(&mut BTreeSet<AccountId>) -> Result<(), ApiError>,
    ) -> Result<Value, ApiError> {
        self.catalog
            .change(|catalog| {
                let mut delegates = catalog.delegates.clone();
                change(&mut delegates)?;
                Ok::<_, ApiError>((Some(Change::PutDelegates(delegates)), ()))
            })
            .await?;
        Ok(json!({}))
    }
}

fn not_in(account: &AccountId, organization: &str) -> ApiError {
    ApiError::new(
        "AccountNotFoundException",
        format!("Account {account} is not in organization {organization}."),
    )
}

fn read(fields: Fields<'_>, member: &str) -> Result<AccountId, ApiError> {
    let text = fields.text(member)?.unwrap_or_default();
    text.parse().map_err(|_| {
        ApiError::new(
            "InvalidParameterException",
            format!("{member} is an account's twelve digits, not {text:?}."),
        )
    })
}

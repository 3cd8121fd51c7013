//! Sessions whose secrets are known while they last, so that they may call what Pugmark itself answers: those of roles that the
//! settings name, and those of principals. In memory alone: after a restart a session is a stranger, and made anew.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use pugmark_core::policy::Policy;

use super::{Principal, newest::Newest};

/// Sessions kept; beyond, the oldest goes.
const SESSIONS_MAX: usize = 10_000;

/// A role whose sessions may call what Pugmark itself answers.
#[derive(Debug)]
pub struct Role {
    /// Such as `arn:aws:iam::123456789012:role/auditor`.
    pub arn: String,
    /// What its sessions may do.
    pub policies: Vec<Policy>,
}

pub(super) struct Sessions {
    roles: Vec<Role>,
    /// By access key.
    known: Mutex<Newest<String, Arc<Principal>>>,
}

impl Sessions {
    pub(super) fn of(roles: Vec<Role>) -> Self {
        Self {
            roles,
            known: Mutex::new(Newest::new(SESSIONS_MAX)),
        }
    }

    /// What sessions of a role may do, if the settings name it.
    pub(super) fn policies(&self, role_arn: &str) -> Option<&[Policy]> {
        let role = self.roles.iter().find(|role| role.arn == role_arn)?;
        Some(&role.policies)
    }

    /// Somebody whose session may be over.
    pub(super) fn find(&self, access_key_id: &str) -> Option<Arc<Principal>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(access_key_id).cloned()
    }

    pub(super) fn put(&self, session: Principal, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|session| !session.is_over(now));
        known.insert(session.access_key_id.clone(), Arc::new(session));
    }
}

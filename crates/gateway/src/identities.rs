//! Who an access key belongs to: configured principals, and what the traffic teaches.
//!
//! Answers of `AssumeRole*`, `GetSessionToken`, `GetFederationToken` and `CreateAccessKey` that pass by say which
//! principal a new key belongs to, and those of `CreateOAuth2Token` who signed in. Only ids are kept, no secrets or tokens, but for
//! sessions that may call Pugmark itself: theirs stay in memory while they last.

mod learnt;
mod newest;
mod sessions;
mod signin;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use learnt::Learnt;
use pugmark_core::{
    account::{AccountId, Arn},
    identity::{Identity, IdentityType, SessionContext, SessionIssuer},
    policy::{self, Decision, Policy},
};
use pugmark_wire::{
    project::SessionSecrets,
    sigv4::{AuthError, Claim, SigningKey},
    value::Value,
};

pub use self::sessions::Role;
use self::sessions::Sessions;

/// The principals file is looked at this often, at the most.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);
/// Or this often, while keys come that nobody knows.
const RELOAD_INTERVAL_UNKNOWN: Duration = Duration::from_millis(20);
/// Derived keys kept for each principal: one for each day, Region and service in use.
const SIGNING_KEYS_MAX: usize = 64;

/// A text that is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Somebody whose secret is known.
#[derive(Debug)]
pub struct Principal {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret: Secret,
    /// The session token that must come along, for temporary credentials.
    pub session_token: Option<Secret>,
    /// What records say of the principal.
    pub identity: Identity,
    /// What the principal may do in Pugmark itself.
    pub policies: Vec<Policy>,
    /// When a session ends.
    pub expires: Option<Timestamp>,
    signing_keys: Mutex<Vec<(String, SigningKey)>>,
}

impl Principal {
    /// A principal with its credentials.
    pub fn new(
        access_key_id: String,
        secret: String,
        session_token: Option<String>,
        identity: Identity,
        policies: Vec<Policy>,
    ) -> Self {
        let session_token = session_token.map(Secret);
        Self {
            access_key_id,
            secret: Secret(secret),
            session_token,
            identity,
            policies,
            expires: None,
            signing_keys: Mutex::default(),
        }
    }

    /// Whether it was a session, which has ended.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// The signing key for a claim's scope; derived once for each day, Region and service.
    ///
    /// # Errors
    /// When the secret has no such key.
    pub(crate) fn signing_key(&self, claim: &Claim) -> Result<SigningKey, AuthError> {
        let scope = claim.key_scope();
        let mut keys = self
            .signing_keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = keys.iter().find(|(known, _)| *known == scope) {
            return Ok(key.clone());
        }
        let key = claim.signing_key(self.secret.expose())?;
        if keys.len() == SIGNING_KEYS_MAX {
            keys.remove(0);
        }
        keys.push((scope, key.clone()));
        Ok(key)
    }
}

/// Reads the principals file anew, if it changed; `None` keeps what was read before. Called often.
pub type Reload = Box<dyn Fn() -> Option<Vec<Principal>> + Send + Sync>;

/// Everybody who is known.
pub struct Identities {
    configured: Vec<Arc<Principal>>,
    /// From the principals file.
    added: RwLock<Vec<Arc<Principal>>>,
    reload: Option<Reload>,
    reloaded: Mutex<Option<Instant>>,
    learnt: Learnt,
    sessions: Sessions,
    sign_ins: signin::SignIns,
}

impl Identities {
    /// Starts from configured principals; `reload` reads those that can change while the server runs, `learnt_path` is
    /// where learnt identities are kept.
    ///
    /// # Errors
    /// When the learnt identities cannot be read.
    pub fn new(
        configured: Vec<Principal>,
        reload: Option<Reload>,
        learnt_path: Option<PathBuf>,
    ) -> std::io::Result<Self> {
        let identities = Self {
            configured: configured.into_iter().map(Arc::new).collect(),
            added: RwLock::default(),
            reload,
            reloaded: Mutex::default(),
            learnt: Learnt::open(learnt_path)?,
            sessions: Sessions::of(Vec::new()),
            sign_ins: signin::SignIns::default(),
        };
        identities.refresh(Duration::ZERO);
        Ok(identities)
    }

    /// Lets sessions of these roles call what Pugmark itself answers.
    #[must_use]
    pub fn with_roles(self, roles: Vec<Role>) -> Self {
        Self {
            sessions: Sessions::of(roles),
            ..self
        }
    }

    /// Somebody whose secret is known, by access key id; a session [may be over](Principal::is_over).
    pub fn find(&self, access_key_id: &str) -> Option<Arc<Principal>> {
        self.refresh(RELOAD_INTERVAL);
        self.known(access_key_id).or_else(|| {
            // A key that was made a moment ago must work at once.
            self.refresh(RELOAD_INTERVAL_UNKNOWN);
            self.known(access_key_id)
        })
    }

    fn known(&self, access_key_id: &str) -> Option<Arc<Principal>> {
        let is_it = |principal: &&Arc<Principal>| principal.access_key_id == access_key_id;
        let added = self.added.read().unwrap_or_else(PoisonError::into_inner);
        self.configured
            .iter()
            .chain(added.iter())
            .find(is_it)
            .cloned()
            .or_else(|| self.sessions.find(access_key_id))
    }

    /// When the session of a key ends, or has ended, whose secret need not be known.
    pub(crate) fn session_end(&self, access_key_id: &str) -> Option<Timestamp> {
        self.learnt.get(access_key_id)?.1
    }

    /// What a record says of the caller.
    pub fn identify(&self, access_key_id: Option<&str>) -> Identity {
        let Some(access_key_id) = access_key_id else {
            // S3's record of an anonymous caller.
            return Identity {
                kind: IdentityType::AwsAccount,
                principal_id: Some(String::new()),
                ..Identity::unknown(None)
            };
        };
        if let Some(principal) = self.find(access_key_id) {
            return principal.identity.clone();
        }
        self.learnt.get(access_key_id).map_or_else(
            || Identity::unknown(Some(access_key_id.to_owned())),
            |(identity, _)| identity,
        )
    }

    /// Whether a caller may do something in Pugmark itself. A caller without known secret may nothing.
    pub fn allowed(&self, access_key_id: Option<&str>, action: &str, resource: &str) -> bool {
        self.decide(access_key_id, action, resource) == Decision::Allow
    }

    /// Whether a policy of the key's principal says that it must not do this.
    pub fn denied(&self, access_key_id: Option<&str>, action: &str, resource: &str) -> bool {
        self.decide(access_key_id, action, resource) == Decision::ExplicitDeny
    }

    /// What the policies of the key's principal say.
    pub fn decide(&self, access_key_id: Option<&str>, action: &str, resource: &str) -> Decision {
        let Some(principal) = access_key_id.and_then(|id| self.find(id)) else {
            return Decision::ImplicitDeny;
        };
        let request = policy::Request {
            action,
            resource,
            principal: principal.identity.arn.as_deref(),
            ..Default::default()
        };
        policy::evaluate(&principal.policies, &request)
    }

    /// Learns from a successful answer which principal a new access key belongs to.
    pub fn learn(
        &self,
        caller: &Identity,
        service: &str,
        operation: &str,
        request: &Value,
        response: &Value,
        now: Timestamp,
    ) {
        let taught = match (service, operation) {
            ("sts", "AssumeRole" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity") => {
                role_session(caller, operation, request, response, now)
            }
            ("sts", "GetSessionToken") => user_session(caller, request, response, now),
            ("sts", "GetFederationToken") => federated(caller, response, now),
            ("iam", "CreateAccessKey") => new_key(caller, response),
            _ => return,
        };
        if let Some((identity, expires)) = taught {
            self.learnt.put(identity, expires, now);
        }
    }

    /// Keeps the secrets of a session that was [learnt](Self::learn), if it may call what Pugmark itself answers: of a role that the
    /// settings name, or of a caller who may. One that was given less than that by policies of its own is not looked after.
    pub(crate) fn admit(
        &self,
        caller: &Identity,
        request: &Value,
        secrets: SessionSecrets,
        now: Timestamp,
    ) {
        if ["Policy", "PolicyArns"]
            .iter()
            .any(|name| request.member(name).is_some())
        {
            return;
        }
        let Some((identity, Some(expires))) = self.learnt.get(&secrets.access_key_id) else {
            return;
        };
        let issuer = identity.session.as_ref().and_then(|it| it.issuer.as_ref());
        let policies = match issuer {
            Some(issuer) if identity.kind == IdentityType::AssumedRole => {
                self.sessions.policies(&issuer.arn).map(<[_]>::to_vec)
            }
            // A federated user may less than who made it, by a policy that is not looked at.
            Some(_) => None,
            None => {
                let caller = caller.access_key_id.as_deref();
                let caller = caller.and_then(|caller| self.find(caller));
                caller.map(|caller| caller.policies.clone())
            }
        };
        if let Some(policies) = policies {
            let SessionSecrets {
                access_key_id,
                secret_access_key,
                session_token,
            } = secrets;
            let session = Principal::new(
                access_key_id,
                secret_access_key,
                Some(session_token),
                identity,
                policies,
            );
            let expires = Some(expires);
            self.sessions.put(Principal { expires, ..session }, now);
        }
    }

    /// Learns from a successful answer of `CreateOAuth2Token`, by its bytes, who signed in; as the record of that call has
    /// them, without the new access key.
    pub(crate) fn learn_sign_in(
        &self,
        request: &[u8],
        answer: &[u8],
        now: Timestamp,
    ) -> Option<Identity> {
        let signed_in = self.sign_ins.learn(request, answer, now)?;
        let caller = Identity {
            access_key_id: None,
            ..signed_in.identity.clone()
        };
        self.learnt.put(signed_in.identity, signed_in.expires, now);
        Some(caller)
    }

    fn refresh(&self, interval: Duration) {
        let Some(reload) = &self.reload else { return };
        let mut reloaded = self.reloaded.lock().unwrap_or_else(PoisonError::into_inner);
        if reloaded.is_some_and(|at| at.elapsed() < interval) {
            return;
        }
        if let Some(principals) = reload() {
            *self.added.write().unwrap_or_else(PoisonError::into_inner) =
                principals.into_iter().map(Arc::new).collect();
        }
        *reloaded = Some(Instant::now());
    }
}

/// The identity that an ARN names: a user, a role session, a federated user or root.
pub fn identity_from_arn(text: &str, access_key_id: &str) -> Option<Identity> {
    let arn = Arn::parse(text)?;
    let account: AccountId = arn.account.parse().ok()?;
    let key = Some(access_key_id.to_owned());
    let (kind, name) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
    // Records need an id; configured principals get one that stays the same.
    let id = |prefix: &str| stable_id(prefix, text);
    match (arn.service, kind) {
        ("iam", "root") => Some(Identity::root(account, key)),
        ("iam", "user") if !name.is_empty() => Some(Identity {
            kind: IdentityType::IamUser,
            principal_id: Some(id("AIDA")),
            arn: Some(text.to_owned()),
            account: Some(account),
            user_name: name.rsplit('/').next().map(str::to_owned),
            ..Identity::unknown(key)
        }),
        ("sts", "assumed-role") => {
            let (role, session) = name.split_once('/')?;
            let role_arn = format!("arn:{}:iam::{account}:role/{role}", arn.partition);
            let role_id = stable_id("AROA", &role_arn);
            let issuer = SessionIssuer {
                kind: "Role",
                principal_id: Some(role_id.clone()),
                arn: role_arn,
                account,
                user_name: Some(role.to_owned()),
            };
            Some(Identity {
                kind: IdentityType::AssumedRole,
                principal_id: Some(format!("{role_id}:{session}")),
                arn: Some(text.to_owned()),
                account: Some(account),
                session: Some(SessionContext {
                    issuer: Some(issuer),
                    ..SessionContext::default()
                }),
                ..Identity::unknown(key)
            })
        }
        ("sts", "federated-user") if !name.is_empty() => Some(Identity {
            kind: IdentityType::FederatedUser,
            principal_id: Some(format!("{account}:{name}")),
            arn: Some(text.to_owned()),
            account: Some(account),
            session: Some(SessionContext::default()),
            ..Identity::unknown(key)
        }),
        _ => None,
    }
}

/// `AIDA` and 17 letters and digits that depend on the ARN alone.
fn stable_id(prefix: &str, arn: &str) -> String {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = pugmark_wire::sigv4::sha256(arn.as_bytes());
    let rest: String = hash[..17]
        .iter()
        .map(|byte| char::from(BASE32[usize::from(byte % 32)]))
        .collect();
    format!("{prefix}{rest}")
}

type Taught = (Identity, Option<Timestamp>);

fn text(value: &Value, path: &[&str]) -> Option<String> {
    path.iter()
        .try_fold(value, |value, name| value.member(name))?
        .as_str()
        .map(str::to_owned)
}

fn expiration(response: &Value) -> Option<Timestamp> {
    match response.member("Credentials")?.member("Expiration")? {
        Value::Timestamp(time) => Some(*time),
        _ => None,
    }
}

fn role_session(
    caller: &Identity,
    operation: &str,
    request: &Value,
    response: &Value,
    now: Timestamp,
) -> Option<Taught> {
    let access_key_id = text(response, &["Credentials", "AccessKeyId"])?;
    let session_arn = text(response, &["AssumedRoleUser", "Arn"])?;
    let role_arn = text(request, &["RoleArn"])?;
    let principal_id = text(response, &["AssumedRoleUser", "AssumedRoleId"]);
    let mut identity = identity_from_arn(&session_arn, &access_key_id)?;
    let account: AccountId = Arn::parse(&role_arn)?.account.parse().ok()?;
    let session = identity.session.get_or_insert_default();
    session.issuer = Some(SessionIssuer {
        kind: "Role",
        principal_id: principal_id
            .as_deref()
            .and_then(|id| id.split(':').next())
            .map(str::to_owned),
        user_name: role_arn.rsplit('/').next().map(str::to_owned),
        arn: role_arn,
        account,
    });
    session.created = Some(now);
    // A session's factor is that of the call that made it; federated calls have none of AWS's.
    session.mfa_authenticated =
        operation == "AssumeRole" && request.member("SerialNumber").is_some();
    session.source_identity = text(response, &["SourceIdentity"])
        .or_else(|| text(request, &["SourceIdentity"]))
        .or_else(|| caller.session.as_ref()?.source_identity.clone());
    session.web_identity_provider = text(response, &["Provider"]);
    identity.principal_id = principal_id.or(identity.principal_id);
    Some((identity, expiration(response)))
}

fn user_session(
    caller: &Identity,
    request: &Value,
    response: &Value,
    now: Timestamp,
) -> Option<Taught> {
    let session = SessionContext {
        created: Some(now),
        mfa_authenticated: request.member("SerialNumber").is_some(),
        ..SessionContext::default()
    };
    let access_key_id = text(response, &["Credentials", "AccessKeyId"])?;
    let identity = Identity {
        access_key_id: Some(access_key_id),
        session: Some(session),
        ..caller.clone()
    };
    Some((identity, expiration(response)))
}

fn federated(caller: &Identity, response: &Value, now: Timestamp) -> Option<Taught> {
    let access_key_id = text(response, &["Credentials", "AccessKeyId"])?;
    let mut identity =
        identity_from_arn(&text(response, &["FederatedUser", "Arn"])?, &access_key_id)?;
    identity.principal_id =
        text(response, &["FederatedUser", "FederatedUserId"]).or(identity.principal_id);
    let issuer = SessionIssuer {
        kind: if caller.kind == IdentityType::Root {
            "Root"
        } else {
            "IAMUser"
        },
        principal_id: caller.principal_id.clone(),
        arn: caller.arn.clone()?,
        account: caller.account?,
        user_name: caller.user_name.clone(),
    };
    identity.session = Some(SessionContext {
        issuer: Some(issuer),
        created: Some(now),
        ..SessionContext::default()
    });
    Some((identity, expiration(response)))
}

fn new_key(caller: &Identity, response: &Value) -> Option<Taught> {
    let access_key_id = text(response, &["AccessKey", "AccessKeyId"])?;
    let user = text(response, &["AccessKey", "UserName"])?;
    let account = caller.account?;
    let arn = format!("arn:aws:iam::{account}:user/{user}");
    Some((identity_from_arn(&arn, &access_key_id)?, None))
}

#[cfg(test)]
mod tests;

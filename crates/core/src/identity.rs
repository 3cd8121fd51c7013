//! Who called: the content of `userIdentity` (CloudTrail event reference, section 5).

use jiff::Timestamp;

use crate::account::AccountId;

/// The kinds of `userIdentity.type` that Pugmark can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityType {
    /// The account's own credentials.
    Root,
    /// An IAM user's long-lived keys or a session made from them.
    IamUser,
    /// Credentials from `AssumeRole*`.
    AssumedRole,
    /// Credentials from `GetFederationToken`.
    FederatedUser,
    /// A caller of another account.
    AwsAccount,
    /// An AWS service.
    AwsService,
    /// The caller of `AssumeRoleWithSAML`.
    SamlUser,
    /// The caller of `AssumeRoleWithWebIdentity`.
    WebIdentityUser,
    /// Not to be found out: an unknown key or an anonymous call.
    Unknown,
}

impl IdentityType {
    /// The name that stands in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "Root",
            Self::IamUser => "IAMUser",
            Self::AssumedRole => "AssumedRole",
            Self::FederatedUser => "FederatedUser",
            Self::AwsAccount => "AWSAccount",
            Self::AwsService => "AWSService",
            Self::SamlUser => "SAMLUser",
            Self::WebIdentityUser => "WebIdentityUser",
            Self::Unknown => "Unknown",
        }
    }
}

/// The content of `userIdentity`.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// What kind of caller.
    pub kind: IdentityType,
    /// Unique id; `AROA…:session` for role sessions.
    pub principal_id: Option<String>,
    /// The user's or role session's ARN.
    pub arn: Option<String>,
    /// The account that owns the caller.
    pub account: Option<AccountId>,
    /// The access key that signed.
    pub access_key_id: Option<String>,
    /// IAM user name (or web identity user); absent for role sessions and root.
    pub user_name: Option<String>,
    /// Present for temporary credentials.
    pub session: Option<SessionContext>,
    /// Name qualifier or issuer, for SAML and web identity callers only.
    pub identity_provider: Option<String>,
    /// The AWS service that acted, such as `cloudtrail.amazonaws.com`.
    pub invoked_by: Option<String>,
}

/// `userIdentity.sessionContext`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionContext {
    /// Who issued the session; `None` prints `{}` (sessions of a user).
    pub issuer: Option<SessionIssuer>,
    /// Federated provider of a web identity session.
    pub web_identity_provider: Option<String>,
    /// When the credentials were made.
    pub created: Option<Timestamp>,
    /// Whether a second factor was given.
    pub mfa_authenticated: bool,
    /// `sourceIdentity` set when the role was assumed.
    pub source_identity: Option<String>,
    /// Whether the credentials come from a sign-in to the console: `sessionCredentialFromConsole`.
    pub from_console: bool,
}

/// `sessionContext.sessionIssuer`.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionIssuer {
    /// `Root`, `IAMUser` or `Role`.
    pub kind: &'static str,
    /// Unique id of the issuer.
    pub principal_id: Option<String>,
    /// The issuer's ARN.
    pub arn: String,
    /// The issuer's account.
    pub account: AccountId,
    /// The user or role name; absent for root.
    pub user_name: Option<String>,
}

impl Identity {
    /// A caller of whom only the access key is known, if that.
    pub fn unknown(access_key_id: Option<String>) -> Self {
        Self {
            kind: IdentityType::Unknown,
            principal_id: None,
            arn: None,
            account: None,
            access_key_id,
            user_name: None,
            session: None,
            identity_provider: None,
            invoked_by: None,
        }
    }

    /// The account's root user.
    pub fn root(account: AccountId, access_key_id: Option<String>) -> Self {
        Self {
            kind: IdentityType::Root,
            principal_id: Some(account.to_string()),
            arn: Some(format!("arn:aws:iam::{account}:root")),
            account: Some(account),
            ..Self::unknown(access_key_id)
        }
    }

    /// Whether the caller's credentials come from a sign-in to the console.
    pub fn is_from_console(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.from_console)
    }

    /// What `LookupEvents` calls `Username`: the IAM user, the role session's name, `root`, or the service.
    pub fn lookup_username(&self) -> Option<&str> {
        match self.kind {
            IdentityType::Root => Some("root"),
            IdentityType::AssumedRole | IdentityType::FederatedUser => {
                self.arn.as_deref().and_then(|arn| arn.rsplit('/').next())
            }
            IdentityType::AwsService => self.invoked_by.as_deref(),
            _ => self.user_name.as_deref(),
        }
    }
}

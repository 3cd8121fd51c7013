//! `userIdentity`, in AWS's field order (CloudTrail event reference, "userIdentity").

use pugmark_core::{
    account::{AccountId, Arn},
    clock::iso_seconds,
    identity::{Identity, IdentityType, SessionContext},
};
use serde_json::{Map, Value as Json, json};

use super::{Facts, fields::cut};

/// What S3 says of a caller that signed nothing.
const ANONYMOUS: &str = "ANONYMOUS_PRINCIPAL";

/// Callers without a signature, of whom the call itself tells: with a web identity token or a SAML assertion whoever it was
/// made out to, as the answer says; the account is the role's. Elsewhere but in S3 an unsigned caller is unknown.
pub(super) fn unsigned(facts: &Facts<'_>) -> Option<(Identity, AccountId)> {
    let is_unsigned = facts.identity.kind == IdentityType::AwsAccount
        && facts.identity.principal_id.as_deref() == Some("");
    let call = facts.call.filter(|_| is_unsigned)?;
    let answered = |name: &str| facts.response?.member(name)?.as_str();
    let given = |name: &str| facts.request?.member(name)?.as_str();
    let role = given("RoleArn").and_then(|arn| Arn::parse(arn)?.account.parse().ok());
    let account = role.unwrap_or(facts.account);
    let federated =
        |kind, id: Option<String>, user: Option<&str>, provider: Option<&str>| Identity {
            kind,
            principal_id: id,
            user_name: user.map(str::to_owned),
            identity_provider: provider.map(str::to_owned),
            ..Identity::unknown(None)
        };
    let identity = match (call.service.id(), call.operation.name()) {
        ("s3", _) => return None,
        ("sts", "AssumeRoleWithWebIdentity") => {
            let (user, provider) = (
                answered("SubjectFromWebIdentityToken"),
                answered("Provider").or_else(|| given("ProviderId")),
            );
            let parts = [provider, answered("Audience"), user];
            let id = parts.into_iter().collect::<Option<Vec<_>>>();
            let id = id.map(|parts| parts.join(":"));
            federated(IdentityType::WebIdentityUser, id, user, provider)
        }
        ("sts", "AssumeRoleWithSAML") => {
            let (user, qualifier) = (answered("Subject"), answered("NameQualifier"));
            let id = qualifier.zip(user).map(|(of, user)| format!("{of}:{user}"));
            federated(IdentityType::SamlUser, id, user, qualifier)
        }
        _ => Identity::unknown(None),
    };
    Some((identity, account))
}

/// The element's content.
pub(super) fn json(identity: &Identity) -> Json {
    let mut out = Map::new();
    out.insert("type".to_owned(), identity.kind.as_str().into());
    put(&mut out, "principalId", identity.principal_id.as_deref());
    put(&mut out, "arn", identity.arn.as_deref());
    let account = identity.account.as_ref().map(|account| account.as_str());
    let is_anonymous =
        identity.kind == IdentityType::AwsAccount && identity.principal_id.as_deref() == Some("");
    put(
        &mut out,
        "accountId",
        account.or(is_anonymous.then_some(ANONYMOUS)),
    );
    put(&mut out, "accessKeyId", identity.access_key_id.as_deref());
    put(&mut out, "userName", identity.user_name.as_deref());
    if let Some(session) = &identity.session {
        out.insert("sessionContext".to_owned(), session_context(session));
    }
    put(&mut out, "invokedBy", identity.invoked_by.as_deref());
    put(
        &mut out,
        "identityProvider",
        identity.identity_provider.as_deref(),
    );
    Json::Object(out)
}

fn session_context(session: &SessionContext) -> Json {
    let mut issuer = Map::new();
    if let Some(from) = &session.issuer {
        put(&mut issuer, "type", Some(from.kind));
        put(&mut issuer, "principalId", from.principal_id.as_deref());
        put(&mut issuer, "arn", Some(&from.arn));
        put(&mut issuer, "accountId", Some(from.account.as_str()));
        put(&mut issuer, "userName", from.user_name.as_deref());
    }
    let federation = match &session.web_identity_provider {
        Some(provider) => json!({"federatedProvider": cut(provider), "attributes": {}}),
        None => json!({}),
    };
    let mut attributes = Map::new();
    put(
        &mut attributes,
        "creationDate",
        session.created.map(iso_seconds).as_deref(),
    );
    // Both attributes are texts.
    put(
        &mut attributes,
        "mfaAuthenticated",
        Some(if session.mfa_authenticated {
            "true"
        } else {
            "false"
        }),
    );
    let mut out = Map::new();
    out.insert("sessionIssuer".to_owned(), issuer.into());
    out.insert("webIdFederationData".to_owned(), federation);
    out.insert("attributes".to_owned(), attributes.into());
    put(
        &mut out,
        "sourceIdentity",
        session.source_identity.as_deref(),
    );
    Json::Object(out)
}

fn put(out: &mut Map<String, Json>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        out.insert(name.to_owned(), cut(text).into());
    }
}

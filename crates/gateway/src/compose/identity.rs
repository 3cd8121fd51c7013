//! `userIdentity`, in AWS's field order (CloudTrail event reference, "userIdentity").

use pugmark_core::{
    clock::iso_seconds,
    identity::{Identity, SessionContext},
};
use serde_json::{Map, Value as Json, json};

use super::fields::cut;

/// The element's content.
pub(super) fn json(identity: &Identity) -> Json {
    let mut out = Map::new();
    out.insert("type".to_owned(), identity.kind.as_str().into());
    put(&mut out, "principalId", identity.principal_id.as_deref());
    put(&mut out, "arn", identity.arn.as_deref());
    put(
        &mut out,
        "accountId",
        identity.account.as_ref().map(|account| account.as_str()),
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

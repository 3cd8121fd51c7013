//! Sign-in: whom `CreateOAuth2Token` (`aws login`) gave credentials to.
//!
//! Neither request nor signature says who calls. The first answer has an ID token whose subject is the principal's ARN;
//! a refresh has none, but its refresh token is one that an earlier answer gave. Of tokens only hashes are kept, in
//! memory: after a restart a refresh is somebody unknown's until the next sign-in.

use std::sync::{Mutex, PoisonError};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use pugmark_core::identity::{Identity, SessionContext};
use pugmark_wire::sigv4::sha256;
use serde_json::Value as Json;

use super::{identity_from_arn, newest::Newest};

/// Sign-in sessions kept; beyond, the oldest goes.
const SESSIONS_MAX: usize = 10_000;
/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// The sign-in sessions that can be refreshed, by the hash of their refresh token.
pub(super) struct SignIns(Mutex<Newest<[u8; 32], Identity>>);

impl Default for SignIns {
    fn default() -> Self {
        Self(Mutex::new(Newest::new(SESSIONS_MAX)))
    }
}

/// What an answer of `CreateOAuth2Token` teaches.
pub(super) struct SignedIn {
    /// With the new access key.
    pub(super) identity: Identity,
    pub(super) expires: Option<Timestamp>,
}

impl SignIns {
    /// Reads a request and its successful answer; `None` when they do not tell who signed in.
    pub(super) fn learn(&self, request: &[u8], answer: &[u8], now: Timestamp) -> Option<SignedIn> {
        let answer: Json = serde_json::from_slice(answer).ok()?;
        let access_key_id = answer["accessToken"]["accessKeyId"].as_str()?;
        let refreshed = refresh_token(request).and_then(|token| self.take(&token));
        let mut identity = match answer["idToken"].as_str().and_then(subject) {
            Some(arn) => identity_from_arn(&arn, access_key_id)?,
            None => refreshed.clone()?,
        };
        identity.access_key_id = Some(access_key_id.to_owned());
        let earlier = refreshed.and_then(|identity| identity.session?.created);
        let session = identity.session.get_or_insert_with(SessionContext::default);
        session.created = earlier.or(Some(now));
        session.from_console = true;
        if let Some(token) = answer["refreshToken"].as_str() {
            self.put(token, identity.clone());
        }
        let seconds = answer["expiresIn"].as_i64();
        let expires = seconds.and_then(|it| now.checked_add(SignedDuration::from_secs(it)).ok());
        Some(SignedIn { identity, expires })
    }

    fn take(&self, token: &str) -> Option<Identity> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A token can be used again until the answer arrived, so it stays.
        sessions.get(&sha256(token.as_bytes())).cloned()
    }

    fn put(&self, token: &str, identity: Identity) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(sha256(token.as_bytes()), identity);
    }
}

/// The refresh token of a request, in JSON or as a form.
fn refresh_token(request: &[u8]) -> Option<String> {
    if request.len() > TOKEN_BYTES_MAX {
        return None;
    }
    if let Ok(json) = serde_json::from_slice::<Json>(request) {
        let token = json
            .get("refreshToken")
            .or_else(|| json.get("refresh_token"));
        return token?.as_str().map(str::to_owned);
    }
    let text = std::str::from_utf8(request).ok()?;
    let value = text.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        matches!(name, "refresh_token" | "refreshToken").then_some(value)
    })?;
    let value = percent_encoding::percent_decode_str(value).decode_utf8();
    Some(value.ok()?.into_owned())
}

/// The subject of an ID token. Its signature is not looked at: it came with the upstream's answer.
fn subject(token: &str) -> Option<String> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Json = serde_json::from_slice(&claims).ok()?;
    claims["sub"].as_str().map(str::to_owned)
}

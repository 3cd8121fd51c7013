//! Verification of a call: against a known secret here, else by the upstream.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_lc_rs::{constant_time, digest};
use bytes::Bytes;
use http::request::Parts;
use jiff::Timestamp;
use pugmark_core::limits;
use pugmark_wire::{
    catalogue::Protocol,
    sigv4::{self, AuthError, ChunkVerifier, Claim, Payload, SigningKey},
};

use crate::{
    body::{BoxError, Capture, Inspector},
    compose::AuthMethod,
    identities::Identities,
    pending::SharedCapture,
    refusal::Refusal,
};

/// What a request claims, as far as it could be read.
pub(crate) struct Claimed {
    claim: Result<Option<Claim>, AuthError>,
    /// The access key of a Signature Version 2 query, which boto3 still makes for presigned S3 URLs.
    legacy_key: Option<String>,
}

/// Reads a request's claim.
pub(crate) fn claim(parts: &Parts) -> Claimed {
    let claim = sigv4::claim(parts);
    let legacy_key = match claim {
        Err(AuthError::UnsupportedScheme(_)) => sigv4::legacy_access_key_id(parts),
        _ => None,
    };
    Claimed { claim, legacy_key }
}

/// What is left to be checked while a body streams.
pub(crate) enum BodyCheck {
    /// Nothing.
    None,
    /// The body must have this hash.
    Sha256([u8; 32]),
    /// The signature covers the body's hash, which nobody knows yet.
    Signature(Box<(Claim, Parts, SigningKey)>),
    /// Every chunk is signed.
    Chunks(Box<ChunkVerifier>),
}

/// How a claim was judged.
pub(crate) enum Verdict {
    /// The call may go on.
    Accepted(BodyCheck),
    /// It may not.
    Refused(AuthError),
}

impl Claimed {
    fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref().ok()?.as_ref()
    }

    /// Why there is no claim.
    pub(crate) fn error(&self) -> Option<AuthError> {
        match &self.claim {
            Ok(Some(_)) => None,
            Ok(None) => Some(AuthError::Missing),
            Err(error) => Some(error.clone()),
        }
    }

    pub(crate) fn access_key_id(&self) -> Option<&str> {
        self.claim()
            .map(|claim| claim.access_key_id.as_str())
            .or(self.legacy_key.as_deref())
    }

    pub(crate) fn signing_name(&self) -> Option<&str> {
        self.claim().map(|claim| claim.service.as_str())
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.claim().map(|claim| claim.region.as_str())
    }

    pub(crate) fn auth_method(&self) -> AuthMethod {
        match self.claim().map(|claim| claim.origin) {
            Some(sigv4::Origin::Header) => AuthMethod::Header,
            Some(sigv4::Origin::Query { .. }) => AuthMethod::Query,
            None if self.legacy_key.is_some() => AuthMethod::LegacyQuery,
            None => AuthMethod::None,
        }
    }

    /// Judges the claim. `whole_body` is the body when all of it is there. Where a secret is not known here, a remote
    /// upstream is the judge; a service in this process judges anonymous calls itself. `judges_legacy` says that the
    /// call's service verifies Signature Version 2 by itself.
    pub(crate) fn judge(
        &self,
        parts: &Parts,
        whole_body: Option<&Bytes>,
        identities: &Identities,
        now: Timestamp,
        is_remote: bool,
        judges_legacy: bool,
    ) -> Verdict {
        let claim = match &self.claim {
            Ok(Some(claim)) => claim,
            Ok(None) => return Verdict::Accepted(BodyCheck::None),
            Err(AuthError::UnsupportedScheme(_)) if is_remote || judges_legacy => {
                return Verdict::Accepted(BodyCheck::None);
            }
            Err(error) => return Verdict::Refused(error.clone()),
        };
        let Some(principal) = identities.find(&claim.access_key_id) else {
            return match is_remote {
                true => Verdict::Accepted(BodyCheck::None),
                false => Verdict::Refused(AuthError::UnknownKey),
            };
        };
        if let Err(error) = claim.check_time(now) {
            return Verdict::Refused(error);
        }
        let expected = principal
            .session_token
            .as_ref()
            .map_or("", |token| token.expose());
        let given = claim.session_token.as_deref().unwrap_or_default();
        if constant_time::verify_slices_are_equal(expected.as_bytes(), given.as_bytes()).is_err() {
            return Verdict::Refused(AuthError::WrongToken);
        }
        let key = principal.signing_key(claim);
        let body_hash = match (claim.payload, whole_body) {
            (Payload::Body, None) => {
                let deferred = Box::new((claim.clone(), crate::intake::copy_of_parts(parts), key));
                return Verdict::Accepted(BodyCheck::Signature(deferred));
            }
            (Payload::Body | Payload::Sha256(_), Some(body)) => Some(sigv4::sha256(body)),
            _ => None,
        };
        if let Err(error) = claim.verify(parts, &key, body_hash) {
            return Verdict::Refused(error);
        }
        let check = match claim.payload {
            Payload::Sha256(expected) => BodyCheck::Sha256(expected),
            Payload::SignedChunks => BodyCheck::Chunks(Box::new(claim.chunk_verifier(key))),
            Payload::Unsigned | Payload::UnsignedChunks | Payload::Body => BodyCheck::None,
        };
        match (whole_body, check) {
            (Some(_), BodyCheck::Sha256(expected)) if body_hash != Some(expected) => {
                Verdict::Refused(AuthError::BodyMismatch)
            }
            (Some(_), BodyCheck::Sha256(_)) => Verdict::Accepted(BodyCheck::None),
            (Some(body), BodyCheck::Chunks(mut verifier)) => {
                match verifier.feed(body).and_then(|()| verifier.finish()) {
                    Ok(()) => Verdict::Accepted(BodyCheck::None),
                    Err(error) => Verdict::Refused(error),
                }
            }
            (_, check) => Verdict::Accepted(check),
        }
    }
}

/// A failed check as an answer.
pub(crate) fn refusal(error: &AuthError, protocol: Protocol, is_s3: bool) -> Refusal {
    let (code, status, message) = error.answer(protocol, is_s3);
    Refusal::new(code, status, message)
}

/// Checks and copies a request body while it streams to its upstream.
pub(crate) struct Outgoing {
    check: BodyCheck,
    hash: Option<digest::Context>,
    capture: SharedCapture,
    capture_bytes_max: usize,
    verdict: Arc<OnceLock<AuthError>>,
}

impl Outgoing {
    /// `keeps_body` is false for payloads, whose bytes say nothing. Failures are left in `verdict`.
    pub(crate) fn new(
        check: BodyCheck,
        capture: SharedCapture,
        keeps_body: bool,
        verdict: Arc<OnceLock<AuthError>>,
    ) -> Self {
        let needs_hash = matches!(check, BodyCheck::Sha256(_) | BodyCheck::Signature(_));
        let hash = needs_hash.then(|| digest::Context::new(&digest::SHA256));
        let capture_bytes_max = if keeps_body {
            limits::CAPTURE_BYTES_MAX
        } else {
            0
        };
        Self {
            check,
            hash,
            capture,
            capture_bytes_max,
            verdict,
        }
    }

    fn judge(&mut self, judged: Result<(), AuthError>) -> Result<(), BoxError> {
        judged.map_err(|error| {
            let _ = self.verdict.set(error.clone());
            error.into()
        })
    }
}

impl Inspector for Outgoing {
    fn look(&mut self, data: &Bytes) -> Result<(), BoxError> {
        self.capture
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .look(data, self.capture_bytes_max);
        if let Some(hash) = &mut self.hash {
            hash.update(data);
        }
        let judged = match &mut self.check {
            BodyCheck::Chunks(verifier) => verifier.feed(data),
            _ => Ok(()),
        };
        self.judge(judged)
    }

    fn end(&mut self) -> Result<(), BoxError> {
        let mut body = [0; 32];
        if let Some(hash) = self.hash.take() {
            body.copy_from_slice(hash.finish().as_ref());
        }
        let judged = match &mut self.check {
            BodyCheck::None => Ok(()),
            BodyCheck::Sha256(expected) if *expected == body => Ok(()),
            BodyCheck::Sha256(_) => Err(AuthError::BodyMismatch),
            BodyCheck::Signature(deferred) => {
                deferred.0.verify(&deferred.1, &deferred.2, Some(body))
            }
            BodyCheck::Chunks(verifier) => verifier.finish(),
        };
        self.judge(judged)
    }
}

/// A capture that holds a whole body already, or nothing yet.
pub(crate) fn capture_of(body: Option<&Bytes>) -> SharedCapture {
    let mut capture = Capture::default();
    if let Some(body) = body {
        capture.look(body, limits::OWN_REQUEST_BYTES_MAX);
    }
    Arc::new(Mutex::new(capture))
}

//! Verification of a call: against a known secret here, else by the upstream.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_lc_rs::{constant_time, digest};
use bytes::Bytes;
use http::request::Parts;
use jiff::Timestamp;
use pugmark_core::{account::Region, limits};
use pugmark_wire::{
    catalogue::Protocol,
    recognize::{Ambiguity, FormSigner, FormWatch, UploadForm, virtual_bucket},
    sigv4::{self, AuthError, ChunkVerifier, Claim, Payload, Scheme, SigningKey},
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
    /// The access key of a Signature Version 2, and whether it is a query, which boto3 still makes for presigned S3 URLs.
    legacy_key: Option<(String, bool)>,
    /// Who signed an upload's form, which the upstream judges.
    form: Option<FormSigner>,
}

/// Reads a request's claim.
pub(crate) fn claim(parts: &Parts) -> Claimed {
    let claim = sigv4::claim(parts);
    let legacy_key = match claim {
        Err(AuthError::UnsupportedScheme(_)) => sigv4::legacy_access_key_id(parts),
        _ => None,
    };
    Claimed {
        claim,
        legacy_key,
        form: None,
    }
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

    /// Whoever signs a form signs nothing else of the request.
    pub(crate) fn with_form(mut self, parts: &Parts, body: &[u8]) -> Self {
        if matches!(self.claim, Ok(None)) && self.legacy_key.is_none() {
            self.form = UploadForm::read(parts, body).and_then(|form| form.signer());
        }
        self
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
            .or(self.legacy_key.as_ref().map(|(id, _)| id.as_str()))
            .or(self.form.as_ref().map(|form| &form.access_key_id[..]))
    }

    /// Whether there is a signature of version 4: [`Self::judge`] then verifies it for each service in this process.
    pub(crate) fn is_signed(&self) -> bool {
        self.claim().is_some()
    }

    pub(crate) fn signing_name(&self) -> Option<&str> {
        self.claim().map(|claim| claim.service.as_str())
    }

    /// The Region that a call was made to: the one it was signed for; of a set of Regions the one that the host names, else
    /// `default`, as far as they are in the set, else the first that is named.
    pub(crate) fn region(&self, parts: &Parts, default: &Region) -> Region {
        let Some(claim) = self.claim() else {
            let signed = self.form.as_ref().and_then(|form| form.region.as_ref());
            let signed = signed.and_then(|region| region.parse().ok());
            return signed.unwrap_or_else(|| default.clone());
        };
        let one = claim.scheme.region().and_then(|name| name.parse().ok());
        one.or_else(|| region_of_set(&claim.scheme, parts, default))
            .unwrap_or_else(|| default.clone())
    }

    /// As `additionalEventData.SignatureVersion` has it.
    pub(crate) fn signature_version(&self) -> Option<&'static str> {
        match self.claim().map(|claim| &claim.scheme) {
            Some(Scheme::V4 { .. }) => Some("SigV4"),
            Some(Scheme::V4a { .. }) => Some("SigV4A"),
            None => match &self.form {
                Some(FormSigner {
                    region: Some(_), ..
                }) => Some("SigV4"),
                Some(_) => Some("SigV2"),
                None => self.legacy_key.as_ref().map(|_| "SigV2"),
            },
        }
    }

    pub(crate) fn auth_method(&self) -> AuthMethod {
        match self.claim().map(|claim| claim.origin) {
            Some(sigv4::Origin::Header) => AuthMethod::Header,
            Some(sigv4::Origin::Query { .. }) => AuthMethod::Query,
            None => match self.legacy_key {
                Some((_, true)) => AuthMethod::LegacyQuery,
                Some((_, false)) => AuthMethod::Header,
                None => AuthMethod::None,
            },
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
        // Such a service (the embedded store) verifies some calls once more, and cannot verify Signature Version 4A.
        if !is_remote && judges_legacy && matches!(claim.scheme, Scheme::V4a { .. }) {
            let scheme = "Signature Version 4A".into();
            return Verdict::Refused(AuthError::UnsupportedScheme(scheme));
        }
        let principal = identities.find(&claim.access_key_id);
        let Some(principal) = principal.filter(|principal| !principal.is_over(now)) else {
            let error = match identities.session_end(&claim.access_key_id) {
                _ if is_remote => return Verdict::Accepted(BodyCheck::None),
                Some(end) if end <= now => AuthError::ExpiredToken,
                Some(_) => AuthError::UnknownSession,
                None => AuthError::UnknownKey,
            };
            return Verdict::Refused(error);
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
        let key = match principal.signing_key(claim) {
            Ok(key) => key,
            Err(error) => return Verdict::Refused(error),
        };
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

/// The Region, out of a set, that a call was made to.
fn region_of_set(scheme: &Scheme, parts: &Parts, default: &Region) -> Option<Region> {
    let Scheme::V4a { region_set } = scheme else {
        return None;
    };
    let host = parts.headers.get(http::header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    // Of `bucket.s3.eu-west-1.amazonaws.com` what follows the bucket, which may have a Region's name, and the service.
    let endpoint = virtual_bucket(parts).map_or(host, |bucket| &host[bucket.len() + 1..]);
    let of_host = endpoint
        .split(['.', ':'])
        .skip(1)
        .filter(|label| is_region(label) && scheme.covers(label));
    let of_set = region_set
        .iter()
        .map(String::as_str)
        .filter(|name| is_region(name));
    of_host
        .chain(Some(default.as_str()).filter(|name| scheme.covers(name)))
        .chain(of_set)
        .find_map(|name| name.parse().ok())
}

/// Whether a host's label is a Region's name, such as `us-gov-west-1`: letters at first, one digit at last.
fn is_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let is_word = |part: &&str| part.bytes().all(|byte| byte.is_ascii_lowercase());
    match &parts[..] {
        [area, names @ .., number] if !names.is_empty() => {
            (2..=4).contains(&area.len())
                && is_word(area)
                && names.iter().all(|name| name.len() > 1 && is_word(name))
                && number.len() == 1
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

/// A failed check as an answer.
pub(crate) fn refusal(error: &AuthError, protocol: Protocol, is_s3: bool) -> Refusal {
    let (code, status, message) = error.answer(protocol, is_s3);
    Refusal::new(code, status, message)
}

/// Why a request body was not let through to its end.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub(crate) enum BodyFailure {
    /// It is not what was signed.
    Auth(#[from] AuthError),
    /// It does not call what its beginning calls, or may not.
    Ambiguous(#[from] Ambiguity),
}

/// Checks and copies a request body while it streams to its upstream.
pub(crate) struct Outgoing {
    check: BodyCheck,
    form: Option<FormWatch>,
    hash: Option<digest::Context>,
    capture: SharedCapture,
    capture_bytes_max: usize,
    verdict: Arc<OnceLock<BodyFailure>>,
}

impl Outgoing {
    /// `keeps_body` is false for payloads, whose bytes say nothing. Failures are left in `verdict`.
    pub(crate) fn new(
        check: BodyCheck,
        form: Option<FormWatch>,
        capture: SharedCapture,
        keeps_body: bool,
        verdict: Arc<OnceLock<BodyFailure>>,
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
            form,
            hash,
            capture,
            capture_bytes_max,
            verdict,
        }
    }

    fn judge(&self, judged: Result<(), impl Into<BodyFailure>>) -> Result<(), BoxError> {
        judged.map_err(|error| {
            let failure = error.into();
            let _ = self.verdict.set(failure.clone());
            failure.into()
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
        let judged = self.form.as_mut().map_or(Ok(()), |form| form.feed(data));
        self.judge(judged)?;
        let judged = match &mut self.check {
            BodyCheck::Chunks(verifier) => verifier.feed(data),
            _ => Ok(()),
        };
        self.judge(judged)
    }

    fn end(&mut self) -> Result<(), BoxError> {
        let judged = self.form.as_mut().map_or(Ok(()), FormWatch::finish);
        self.judge(judged)?;
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
        capture.look(body, limits::WHOLE_REQUEST_BYTES_MAX);
    }
    Arc::new(Mutex::new(capture))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn region(set: &str, host: &str) -> String {
        let signature = "Credential=AKID/20260119/s3/aws4_request, SignedHeaders=host;x-amz-region-set, Signature=00";
        let request = http::Request::get("/")
            .header("host", host)
            .header("x-amz-date", "20260119T000000Z")
            .header("x-amz-region-set", set)
            .header(
                "authorization",
                format!("AWS4-ECDSA-P256-SHA256 {signature}"),
            );
        let parts = request.body(()).unwrap().into_parts().0;
        let claimed = claim(&parts);
        assert_eq!(claimed.access_key_id(), Some("AKID"));
        assert_eq!(claimed.signing_name(), Some("s3"));
        assert_eq!(claimed.signature_version(), Some("SigV4A"));
        assert_eq!(claimed.auth_method(), AuthMethod::Header);
        let default = "us-east-1".parse().unwrap();
        claimed.region(&parts, &default).to_string()
    }

    #[test]
    fn the_region_of_a_set_is_the_hosts_or_the_default() {
        let host = "b.s3.eu-west-1.amazonaws.com:443";
        assert_eq!(region("ap-south-1", host), "ap-south-1");
        assert_eq!(region("*", host), "eu-west-1");
        assert_eq!(region("eu-*", host), "eu-west-1");
        assert_eq!(region("us-west-2,us-*", host), "us-east-1");
        assert_eq!(region("us-west-2,eu-central-1", host), "us-west-2");
        let access_point = "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com";
        assert_eq!(region("*", access_point), "us-east-1");
        assert_eq!(region("*", "my-bucket-1.localhost:4580"), "us-east-1");
        assert_eq!(region("*", "eu-west-1.s3.localhost:4580"), "us-east-1");
        assert_eq!(region("", host), "us-east-1");
        assert_eq!(
            region("*", "x.us-gov-west-1.amazonaws.com"),
            "us-gov-west-1"
        );
    }

    #[test]
    fn a_session_that_is_over_or_not_known_says_so() {
        use pugmark_wire::value::{Location, Member, Value};

        let structure = |members: Vec<(&'static str, Value)>| {
            let member = |(name, value)| Member {
                name,
                wire_name: None,
                location: Location::Body,
                value,
            };
            Value::Structure(members.into_iter().map(member).collect())
        };
        let text = |text: &str| Value::String(text.into());
        let second = |seconds: i64| Timestamp::from_second(1_768_781_000 + seconds).unwrap();
        let identities = Identities::new(Vec::new(), None, None).unwrap();
        let role = "arn:aws:iam::123456789012:role/r";
        let session = "arn:aws:sts::123456789012:assumed-role/r/s";
        let credentials = structure(vec![
            ("AccessKeyId", text("AKID")),
            ("Expiration", Value::Timestamp(second(100))),
        ]);
        let user = structure(vec![("Arn", text(session))]);
        let answer = structure(vec![
            ("Credentials", credentials),
            ("AssumedRoleUser", user),
        ]);
        let request = structure(vec![("RoleArn", text(role))]);
        let caller = identities.identify(None);
        identities.learn(&caller, "sts", "AssumeRole", &request, &answer, second(0));
        let judged = |key: &str, now: Timestamp, is_remote: bool| {
            let signature = format!(
                "AWS4-HMAC-SHA256 Credential={key}/20260119/us-east-1/cloudtrail/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={}",
                "0".repeat(64)
            );
            let request = http::Request::post("/")
                .header("host", "localhost")
                .header("x-amz-date", "20260119T000320Z")
                .header("authorization", signature);
            let parts = request.body(()).unwrap().into_parts().0;
            let body = Bytes::new();
            match claim(&parts).judge(&parts, Some(&body), &identities, now, is_remote, false) {
                Verdict::Accepted(_) => None,
                Verdict::Refused(error) => Some(error),
            }
        };
        assert_eq!(
            judged("AKID", second(99), false),
            Some(AuthError::UnknownSession)
        );
        assert_eq!(
            judged("AKID", second(100), false),
            Some(AuthError::ExpiredToken)
        );
        assert_eq!(
            judged("AKIX", second(100), false),
            Some(AuthError::UnknownKey)
        );
        assert_eq!(
            judged("AKID", second(100), true),
            None,
            "the upstream judges"
        );
        let answer = |error: AuthError| error.answer(Protocol::Json11, false);
        assert_eq!(answer(AuthError::ExpiredToken).0, "ExpiredTokenException");
        let (code, _, message) = answer(AuthError::UnknownSession);
        assert_eq!(code, "UnrecognizedClientException");
        assert!(message.contains("[[roles]]"), "{message}");
    }
}

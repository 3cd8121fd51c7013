//! Signature Version 4: claims, canonical requests, verification of headers, presigned queries and chunked bodies.
//!
//! After AWS's "Signature Version 4 for API requests" and, for chunks, "Signature calculations for the authorization
//! header: transferring payload in multiple chunks". SigV2 and SigV4A are named, not verified.

mod canonical;
mod chunked;
mod error;

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};
pub use chunked::ChunkVerifier;
pub use error::AuthError;
use http::request::Parts;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::recognize::{form_decode, parameter};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const CONTENT_HASH: &str = "x-amz-content-sha256";
/// Allowed distance between the signature's time and now (15 minutes).
const SKEW_SECONDS_MAX: i64 = 15 * 60;
/// Longest life of a presigned request (7 days).
const PRESIGNED_SECONDS_MAX: i64 = 7 * 24 * 60 * 60;
/// Most signed headers of a request.
const SIGNED_HEADERS_MAX: usize = 200;

/// What a request says of its signature, not yet verified.
#[derive(Clone)]
pub struct Claim {
    /// Who claims to have signed.
    pub access_key_id: String,
    /// The scope's Region.
    pub region: String,
    /// The scope's service.
    pub service: String,
    /// When it was signed.
    pub time: Timestamp,
    /// How the body enters the signature.
    pub payload: Payload,
    /// The session token that came along.
    pub session_token: Option<String>,
    /// Where the signature stands.
    pub origin: Origin,
    /// `YYYYMMDD` of the scope.
    date: String,
    /// The time as it was written.
    amz_date: String,
    signed_headers: Vec<String>,
    signature: [u8; 32],
}

/// Where a signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// In the `Authorization` header.
    Header,
    /// In the query string, good for so many seconds.
    Query {
        /// `X-Amz-Expires`.
        expires_seconds: i64,
    },
}

/// How the body enters the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// Not at all.
    Unsigned,
    /// By this hash, given in a header.
    Sha256([u8; 32]),
    /// By its hash, which is not given.
    Body,
    /// In signed chunks, perhaps with a signed trailer.
    SignedChunks,
    /// In chunks without signatures, with an unsigned trailer.
    UnsignedChunks,
}

/// A key derived from a secret for one day, Region and service.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("access_key_id", &self.access_key_id)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Derives the key (four HMACs).
    pub fn derive(secret: &str, date: &str, region: &str, service: &str) -> Self {
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
        for part in [date, region, service, "aws4_request"] {
            key = hmac::Key::new(
                hmac::HMAC_SHA256,
                hmac::sign(&key, part.as_bytes()).as_ref(),
            );
        }
        Self(key)
    }

    fn sign(&self, text: &str) -> [u8; 32] {
        let mut signature = [0; 32];
        signature.copy_from_slice(hmac::sign(&self.0, text.as_bytes()).as_ref());
        signature
    }
}

/// The SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// Reads the claim of a request; `None` when it carries no signature.
///
/// # Errors
/// When a signature is there but incomplete, or of a scheme that is not verified here.
pub fn claim(parts: &Parts) -> Result<Option<Claim>, AuthError> {
    let query = parts.uri.query().unwrap_or_default();
    match parts.headers.get(http::header::AUTHORIZATION) {
        Some(value) => {
            let text = value
                .to_str()
                .map_err(|_| AuthError::Incomplete("the Authorization header is no text".into()))?;
            header_claim(parts, text).map(Some)
        }
        None if parameter(query, "X-Amz-Algorithm").is_some()
            || parameter(query, "X-Amz-Signature").is_some() =>
        {
            query_claim(parts, query).map(Some)
        }
        None if parameter(query, "AWSAccessKeyId").is_some()
            && parameter(query, "Signature").is_some() =>
        {
            Err(AuthError::UnsupportedScheme("Signature Version 2".into()))
        }
        None => Ok(None),
    }
}

/// The access key id of a Signature Version 2 query; its signature is not looked at.
pub fn legacy_access_key_id(parts: &Parts) -> Option<String> {
    let query = parts.uri.query()?;
    parameter(query, "Signature")?;
    parameter(query, "AWSAccessKeyId").map(|id| id.to_string())
}

fn header_claim(parts: &Parts, text: &str) -> Result<Claim, AuthError> {
    let (scheme, fields) = text.trim().split_once(' ').unwrap_or((text, ""));
    if scheme != ALGORITHM {
        return Err(AuthError::UnsupportedScheme(
            scheme.chars().take(64).collect(),
        ));
    }
    let field = |name: &'static str| {
        fields
            .split(',')
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
            .ok_or_else(|| {
                AuthError::Incomplete(format!("Authorization header requires '{name}' parameter."))
            })
    };
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let (amz_date, time) = match (header("x-amz-date"), header("date")) {
        (Some(text), _) => (text.to_owned(), parse_amz_date(text)),
        (None, Some(text)) => {
            let time = jiff::fmt::rfc2822::parse(text)
                .ok()
                .map(|time| time.timestamp())
                .or_else(|| parse_amz_date(text));
            (time.map(basic_seconds).unwrap_or_default(), time)
        }
        (None, None) => {
            let message = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
            return Err(AuthError::Incomplete(message.into()));
        }
    };
    let payload = match header(CONTENT_HASH) {
        None => Payload::Body,
        Some(text) => payload(text)?,
    };
    let session_token = header("x-amz-security-token").map(str::to_owned);
    let scope = Scope::parse(field("Credential")?)?;
    let claim = Claim {
        access_key_id: scope.access_key_id.to_owned(),
        region: scope.region.to_owned(),
        service: scope.service.to_owned(),
        time: time.ok_or_else(|| {
            AuthError::Incomplete("the signature's date is not of the form YYYYMMDDTHHMMSSZ".into())
        })?,
        payload,
        session_token,
        origin: Origin::Header,
        date: scope.date.to_owned(),
        amz_date,
        signed_headers: signed_headers(field("SignedHeaders")?)?,
        signature: signature(field("Signature")?)?,
    };
    claim.check_date()
}

fn query_claim(parts: &Parts, query: &str) -> Result<Claim, AuthError> {
    let field = |name: &'static str| {
        parameter(query, name)
            .ok_or_else(|| AuthError::IncompleteQuery(format!("the query string lacks {name}")))
    };
    let algorithm = field("X-Amz-Algorithm")?;
    if algorithm != ALGORITHM {
        return Err(AuthError::UnsupportedScheme(
            algorithm.chars().take(64).collect(),
        ));
    }
    let credential = field("X-Amz-Credential")?;
    let scope = Scope::parse(&credential)?;
    let amz_date = field("X-Amz-Date")?.into_owned();
    let time = parse_amz_date(&amz_date).ok_or_else(|| {
        AuthError::IncompleteQuery("X-Amz-Date is not of the form YYYYMMDDTHHMMSSZ".into())
    })?;
    // Only S3 requires it; elsewhere a presigned request lives as long as a signature.
    let expires_seconds = match parameter(query, "X-Amz-Expires") {
        Some(text) => text
            .parse()
            .ok()
            .filter(|seconds| (0..=PRESIGNED_SECONDS_MAX).contains(seconds)),
        None => Some(SKEW_SECONDS_MAX),
    };
    let expires_seconds = expires_seconds.ok_or_else(|| {
        AuthError::IncompleteQuery(
            "X-Amz-Expires must be between 0 and 604800 seconds (one week)".into(),
        )
    })?;
    let given = parameter(query, "X-Amz-Content-Sha256").map(|text| text.into_owned());
    let given = given.or_else(|| {
        parts
            .headers
            .get(CONTENT_HASH)?
            .to_str()
            .ok()
            .map(str::to_owned)
    });
    let payload = match given {
        Some(text) => payload(&text)?,
        None if scope.service == "s3" => Payload::Unsigned,
        None => Payload::Body,
    };
    let claim = Claim {
        access_key_id: scope.access_key_id.to_owned(),
        region: scope.region.to_owned(),
        service: scope.service.to_owned(),
        time,
        payload,
        session_token: parameter(query, "X-Amz-Security-Token").map(|text| text.into_owned()),
        origin: Origin::Query { expires_seconds },
        date: scope.date.to_owned(),
        amz_date,
        signed_headers: signed_headers(&field("X-Amz-SignedHeaders")?)?,
        signature: signature(&field("X-Amz-Signature")?)?,
    };
    claim.check_date()
}

struct Scope<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
}

impl<'a> Scope<'a> {
    /// `KEY/20150830/us-east-1/iam/aws4_request`; a key may itself hold slashes.
    fn parse(credential: &'a str) -> Result<Self, AuthError> {
        let mut parts = credential.rsplitn(5, '/');
        let (end, service, region, date, key) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        );
        match (end, service, region, date, key) {
            (
                Some("aws4_request"),
                Some(service),
                Some(region),
                Some(date),
                Some(access_key_id),
            ) if !access_key_id.is_empty() && access_key_id.len() <= 128 && date.len() == 8 => {
                Ok(Self {
                    access_key_id,
                    date,
                    region,
                    service,
                })
            }
            _ => Err(AuthError::Incomplete(
                "the credential must have the form ACCESS-KEY/YYYYMMDD/REGION/SERVICE/aws4_request"
                    .into(),
            )),
        }
    }
}

fn signed_headers(text: &str) -> Result<Vec<String>, AuthError> {
    let names: Vec<String> = text
        .split(';')
        .take(SIGNED_HEADERS_MAX + 1)
        .map(str::to_ascii_lowercase)
        .collect();
    if names.len() > SIGNED_HEADERS_MAX || !names.iter().any(|name| name == "host") {
        return Err(AuthError::Incomplete(
            "'Host' must be a 'SignedHeader' in the AWS Authorization.".into(),
        ));
    }
    Ok(names)
}

fn signature(text: &str) -> Result<[u8; 32], AuthError> {
    let mut signature = [0; 32];
    match hex::decode_to_slice(text.trim(), &mut signature) {
        Ok(()) => Ok(signature),
        // Of another length or not hex: it cannot be right.
        Err(_) => Err(AuthError::Mismatch),
    }
}

fn payload(text: &str) -> Result<Payload, AuthError> {
    Ok(match text {
        "UNSIGNED-PAYLOAD" => Payload::Unsigned,
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Payload::UnsignedChunks,
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => {
            Payload::SignedChunks
        }
        hash => {
            let mut bytes = [0; 32];
            hex::decode_to_slice(hash, &mut bytes).map_err(|_| AuthError::InvalidContentHash)?;
            Payload::Sha256(bytes)
        }
    })
}

/// `20150830T123600Z`.
fn parse_amz_date(text: &str) -> Option<Timestamp> {
    let shaped = text.len() == 16 && text.as_bytes()[8] == b'T' && text.ends_with('Z');
    let time = shaped
        .then(|| DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok())
        .flatten()?;
    time.to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

fn basic_seconds(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string()
}

impl Claim {
    /// `YYYYMMDD` of the scope, one of the inputs of the signing key.
    pub fn scope_date(&self) -> &str {
        &self.date
    }

    fn check_date(self) -> Result<Self, AuthError> {
        if self.amz_date.starts_with(&self.date) {
            return Ok(self);
        }
        Err(AuthError::Incomplete(
            "the credential's date is not the signature's date".into(),
        ))
    }

    /// Whether the signature is of now.
    ///
    /// # Errors
    /// When it is too old, expired, or from the future.
    pub fn check_time(&self, now: Timestamp) -> Result<(), AuthError> {
        let age_seconds = now.as_second() - self.time.as_second();
        let times = || (self.amz_date.clone(), basic_seconds(now));
        match self.origin {
            Origin::Header if age_seconds.abs() > SKEW_SECONDS_MAX => {
                let (signed, server) = times();
                Err(AuthError::Skewed {
                    signed,
                    server,
                    is_past: age_seconds > 0,
                })
            }
            Origin::Query { .. } if age_seconds < -SKEW_SECONDS_MAX => {
                let (signed, server) = times();
                Err(AuthError::Skewed {
                    signed,
                    server,
                    is_past: false,
                })
            }
            Origin::Query { expires_seconds } if age_seconds > expires_seconds => {
                Err(AuthError::Expired)
            }
            _ => Ok(()),
        }
    }

    /// Verifies the signature over head and payload hash, in constant time. `body_sha256` is asked for only when
    /// [`Payload::Body`] says so. Whether a body has the hash that [`Payload::Sha256`] gives is checked by whoever reads it.
    ///
    /// # Errors
    /// When the signature is not the key's.
    pub fn verify(
        &self,
        parts: &Parts,
        key: &SigningKey,
        body_sha256: Option<[u8; 32]>,
    ) -> Result<(), AuthError> {
        if self.service == "s3" && self.origin == Origin::Header {
            let unsigned = |name: &&str| {
                name.starts_with("x-amz-") && !self.signed_headers.iter().any(|it| it == name)
            };
            if let Some(name) = parts
                .headers
                .keys()
                .map(|name| name.as_str())
                .find(unsigned)
            {
                return Err(AuthError::UnsignedHeader(name.to_owned()));
            }
        }
        let payload = match self.payload {
            Payload::Body => hex::encode(body_sha256.ok_or(AuthError::Mismatch)?),
            _ => self.payload_text(parts),
        };
        // S3 signs the path as it is; all others sign the normalised path, encoded once more.
        let is_s3 = matches!(
            self.service.as_str(),
            "s3" | "s3express" | "s3-object-lambda" | "s3-outposts"
        );
        let request = canonical::Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            signed_headers: &self.signed_headers,
            payload: &payload,
        };
        let expected = key.sign(&self.string_to_sign(&request.canonical(!is_s3, !is_s3)));
        if constant_time::verify_slices_are_equal(&expected, &self.signature).is_ok() {
            return Ok(());
        }
        Err(AuthError::Mismatch)
    }

    /// A verifier for the chunks of [`Payload::SignedChunks`]; the head must have been verified.
    pub fn chunk_verifier(&self, key: SigningKey) -> ChunkVerifier {
        ChunkVerifier::new(
            key,
            self.amz_date.clone(),
            self.scope(),
            hex::encode(self.signature),
        )
    }

    fn payload_text(&self, parts: &Parts) -> String {
        let query = parts.uri.query().unwrap_or_default();
        let given =
            parameter(query, "X-Amz-Content-Sha256").map(|text| form_decode(&text).into_owned());
        let header = || {
            parts
                .headers
                .get(CONTENT_HASH)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        given
            .or_else(header)
            .unwrap_or_else(|| "UNSIGNED-PAYLOAD".into())
    }

    fn scope(&self) -> String {
        format!(
            "{}/{}/{}/aws4_request",
            self.date, self.region, self.service
        )
    }

    fn string_to_sign(&self, canonical: &str) -> String {
        format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            self.amz_date,
            self.scope(),
            hex::encode(sha256(canonical.as_bytes()))
        )
    }
}

#[cfg(test)]
mod tests;

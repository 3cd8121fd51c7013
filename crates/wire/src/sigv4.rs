//! Signature Version 4: claims, canonical requests, verification of headers, presigned queries and chunked bodies.
//!
//! After AWS's "Signature Version 4 for API requests" and, for chunks, "Signature calculations for the authorization
//! header: transferring payload in multiple chunks". Signature Version 4A (ECDSA, for a set of Regions) too; SigV2 is named,
//! not verified.

mod canonical;
mod chunked;
mod error;
mod key;

use std::fmt;

use aws_lc_rs::digest;
pub use canonical::encoded_path;
pub use chunked::ChunkVerifier;
pub use error::AuthError;
use http::request::Parts;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
pub use key::SigningKey;

use crate::recognize::{form_decode, parameter};

const HMAC: &str = "AWS4-HMAC-SHA256";
const ECDSA: &str = "AWS4-ECDSA-P256-SHA256";
const REGION_SET: &str = "x-amz-region-set";
/// Most names in a set of Regions.
const REGIONS_MAX: usize = 100;
/// A signature of P-256 in DER has at most so many bytes.
const ECDSA_BYTES_MAX: usize = 72;
const CONTENT_HASH: &str = "x-amz-content-sha256";
/// Allowed distance between the signature's time and now (15 minutes).
const SKEW_SECONDS_MAX: i64 = 15 * 60;
/// Longest life of a presigned request (7 days).
const PRESIGNED_SECONDS_MAX: i64 = 7 * 24 * 60 * 60;
/// Most signed headers of a request.
const SIGNED_HEADERS_MAX: usize = 200;

/// What a query string may say of a signature: of version 4 at first, and two names of version 2.
const SIGNER_PARAMETERS: [&str; 11] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Region-Set",
    "X-Amz-Content-Sha256",
    "AWSAccessKeyId",
    "Signature",
];

/// What a request says of its signature, not yet verified.
#[derive(Clone)]
pub struct Claim {
    /// Who claims to have signed.
    pub access_key_id: String,
    /// How it was signed, and for which Regions.
    pub scheme: Scheme,
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
    signature: Vec<u8>,
}

/// How a request was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// Signature Version 4: an HMAC, for one Region.
    V4 {
        /// The scope's Region.
        region: String,
    },
    /// Signature Version 4A: ECDSA, for a set of Regions.
    V4a {
        /// `X-Amz-Region-Set`: names, in each of which one `*` may stand for any letters.
        region_set: Vec<String>,
    },
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

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("access_key_id", &self.access_key_id)
            .field("service", &self.service)
            .finish_non_exhaustive()
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
/// When a signature is there but incomplete, of a scheme that is not verified here, or not the only one.
pub fn claim(parts: &Parts) -> Result<Option<Claim>, AuthError> {
    let query = parts.uri.query().unwrap_or_default();
    check_one_signer(parts, query)?;
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

/// A request must tell once who signed it: of two, an upstream may look at another one than is looked at here, and the record would
/// name somebody else. Names are taken in any case, for some upstreams ignore it.
fn check_one_signer(parts: &Parts, query: &str) -> Result<(), AuthError> {
    let mut told = Vec::new();
    for pair in query.split('&') {
        let name = form_decode(pair.split('=').next().unwrap_or_default());
        let known = SIGNER_PARAMETERS.iter();
        let Some(name) = known.copied().find(|it| name.eq_ignore_ascii_case(it)) else {
            continue;
        };
        if told.contains(&name) {
            let message = format!("the query string has {name} more than once");
            return Err(AuthError::IncompleteQuery(message));
        }
        told.push(name);
    }
    let is_told = |names: &[&str]| names.iter().any(|name| told.contains(name));
    let signers = [
        parts.headers.contains_key(http::header::AUTHORIZATION),
        is_told(&["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"]),
        is_told(&["AWSAccessKeyId"]),
    ];
    if signers.into_iter().filter(|is_there| *is_there).count() > 1 {
        return Err(AuthError::SeveralSigners);
    }
    Ok(())
}

/// The access key id of a request of Signature Version 2, and whether it stands in the query; the signature is not looked at.
pub fn legacy_access_key_id(parts: &Parts) -> Option<(String, bool)> {
    let query = parts.uri.query().unwrap_or_default();
    if parameter(query, "Signature").is_some() {
        return Some((parameter(query, "AWSAccessKeyId")?.to_string(), true));
    }
    let header = parts.headers.get(http::header::AUTHORIZATION)?;
    let (id, _) = header
        .to_str()
        .ok()?
        .strip_prefix("AWS ")?
        .split_once(':')?;
    Some((id.to_owned(), false))
}

fn header_claim(parts: &Parts, text: &str) -> Result<Claim, AuthError> {
    let (scheme, fields) = text.trim().split_once(' ').unwrap_or((text, ""));
    let is_v4a = is_v4a(scheme)?;
    let field = |name: &'static str| {
        let pairs = fields.split(',');
        let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter_map(|(key, value)| (key == name).then_some(value));
        let text = match (values.next(), values.next()) {
            (Some(value), None) => return Ok(value),
            (None, _) => format!("Authorization header requires '{name}' parameter."),
            (Some(_), Some(_)) => format!("Authorization header has '{name}' more than once."),
        };
        Err(AuthError::Incomplete(text))
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
    let scope = Scope::parse(field("Credential")?, is_v4a)?;
    let set = match header(REGION_SET) {
        None if is_v4a => {
            let message = "Authorization header requires existence of a 'X-Amz-Region-Set' header.";
            return Err(AuthError::Incomplete(message.into()));
        }
        set => set.unwrap_or_default(),
    };
    let claim = Claim {
        access_key_id: scope.access_key_id.to_owned(),
        scheme: scope.scheme(set),
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
        signature: signature(field("Signature")?, is_v4a)?,
    };
    claim.check_date()
}

fn query_claim(parts: &Parts, query: &str) -> Result<Claim, AuthError> {
    let field = |name: &'static str| {
        parameter(query, name)
            .ok_or_else(|| AuthError::IncompleteQuery(format!("the query string lacks {name}")))
    };
    let algorithm = field("X-Amz-Algorithm")?;
    let is_v4a = is_v4a(&algorithm)?;
    let credential = field("X-Amz-Credential")?;
    let scope = Scope::parse(&credential, is_v4a)?;
    let set = match is_v4a {
        true => field("X-Amz-Region-Set")?,
        false => "".into(),
    };
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
        scheme: scope.scheme(&set),
        service: scope.service.to_owned(),
        time,
        payload,
        session_token: parameter(query, "X-Amz-Security-Token").map(|text| text.into_owned()),
        origin: Origin::Query { expires_seconds },
        date: scope.date.to_owned(),
        amz_date,
        signed_headers: signed_headers(&field("X-Amz-SignedHeaders")?)?,
        signature: signature(&field("X-Amz-Signature")?, is_v4a)?,
    };
    claim.check_date()
}

/// Whether an algorithm is that of Signature Version 4A.
fn is_v4a(algorithm: &str) -> Result<bool, AuthError> {
    match algorithm {
        HMAC => Ok(false),
        ECDSA => Ok(true),
        other => Err(AuthError::UnsupportedScheme(
            other.chars().take(64).collect(),
        )),
    }
}

struct Scope<'a> {
    access_key_id: &'a str,
    date: &'a str,
    /// None in Signature Version 4A.
    region: Option<&'a str>,
    service: &'a str,
}

impl<'a> Scope<'a> {
    /// `KEY/20150830/us-east-1/iam/aws4_request`, or without the Region; a key may itself hold slashes.
    fn parse(credential: &'a str, is_v4a: bool) -> Result<Self, AuthError> {
        let mut parts = credential.rsplitn(if is_v4a { 4 } else { 5 }, '/');
        let (end, service) = (parts.next(), parts.next());
        let region = if is_v4a { None } else { parts.next() };
        match (end, service, parts.next(), parts.next()) {
            (Some("aws4_request"), Some(service), Some(date), Some(access_key_id))
                if !access_key_id.is_empty() && access_key_id.len() <= 128 && date.len() == 8 =>
            {
                Ok(Self {
                    access_key_id,
                    date,
                    region,
                    service,
                })
            }
            _ => Err(AuthError::Incomplete(format!(
                "the credential must have the form ACCESS-KEY/YYYYMMDD/{}SERVICE/aws4_request",
                if is_v4a { "" } else { "REGION/" }
            ))),
        }
    }

    fn scheme(&self, region_set: &str) -> Scheme {
        match self.region {
            Some(region) => Scheme::V4 {
                region: region.to_owned(),
            },
            None => Scheme::V4a {
                region_set: region_set
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .filter(|name| !name.is_empty())
                    .take(REGIONS_MAX)
                    .collect(),
            },
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

fn signature(text: &str, is_v4a: bool) -> Result<Vec<u8>, AuthError> {
    let is_length = |bytes: usize| match is_v4a {
        true => bytes <= ECDSA_BYTES_MAX,
        false => bytes == 32,
    };
    // Of another length or not hex: it cannot be right.
    Some(text.trim())
        .filter(|text| is_length(text.len() / 2))
        .and_then(|text| hex::decode(text).ok())
        .ok_or(AuthError::Mismatch)
}

fn payload(text: &str) -> Result<Payload, AuthError> {
    Ok(match text {
        "UNSIGNED-PAYLOAD" => Payload::Unsigned,
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Payload::UnsignedChunks,
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
        | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
        | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER" => Payload::SignedChunks,
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

impl Scheme {
    /// The one Region that was signed for, if it is one.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::V4 { region } => Some(region),
            Self::V4a { region_set } => match &region_set[..] {
                [region] if !region.contains('*') => Some(region),
                _ => None,
            },
        }
    }

    /// Whether the signature is for a Region.
    pub fn covers(&self, region: &str) -> bool {
        match self {
            Self::V4 { region: signed } => signed == region,
            Self::V4a { region_set } => region_set.iter().any(|name| is_like(name, region)),
        }
    }
}

/// Whether a Region has this name, in which one `*` may stand for any letters.
fn is_like(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name
            .strip_prefix(head)
            .is_some_and(|rest| rest.ends_with(tail)),
    }
}

impl Claim {
    /// The day, Region and service that the signing key is for; a key of Signature Version 4A is for all.
    pub fn scope(&self) -> String {
        match &self.scheme {
            Scheme::V4 { region } => {
                format!("{}/{region}/{}/aws4_request", self.date, self.service)
            }
            Scheme::V4a { .. } => format!("{}/{}/aws4_request", self.date, self.service),
        }
    }

    /// Derives the key that verifies this claim, and all others of its [`Claim::key_scope`].
    ///
    /// # Errors
    /// When the secret has no such key.
    pub fn signing_key(&self, secret: &str) -> Result<SigningKey, AuthError> {
        match &self.scheme {
            Scheme::V4 { region } => Ok(SigningKey::derive(
                secret,
                &self.date,
                region,
                &self.service,
            )),
            Scheme::V4a { .. } => SigningKey::derive_v4a(secret, &self.access_key_id),
        }
    }

    /// What tells the signing keys of one secret apart.
    pub fn key_scope(&self) -> String {
        match &self.scheme {
            Scheme::V4 { .. } => self.scope(),
            Scheme::V4a { .. } => ECDSA.to_owned(),
        }
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
        // What nobody signed for must not tell the Region.
        let is_v4a = matches!(self.scheme, Scheme::V4a { .. });
        if is_v4a
            && self.origin == Origin::Header
            && !self.signed_headers.iter().any(|name| name == REGION_SET)
        {
            return Err(AuthError::UnsignedHeader(REGION_SET.into()));
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
        let canonical = request.canonical(!is_s3, !is_s3);
        key.verify(&self.string_to_sign(&canonical), &self.signature)
    }

    /// A verifier for the chunks of [`Payload::SignedChunks`]; the head must have been verified.
    pub fn chunk_verifier(&self, key: SigningKey) -> ChunkVerifier {
        ChunkVerifier::new(
            key,
            self.amz_date.clone(),
            self.scope(),
            hex::encode(&self.signature),
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

    fn algorithm(&self) -> &'static str {
        match self.scheme {
            Scheme::V4 { .. } => HMAC,
            Scheme::V4a { .. } => ECDSA,
        }
    }

    fn string_to_sign(&self, canonical: &str) -> String {
        format!(
            "{}\n{}\n{}\n{}",
            self.algorithm(),
            self.amz_date,
            self.scope(),
            hex::encode(sha256(canonical.as_bytes()))
        )
    }
}

#[cfg(test)]
mod tests;

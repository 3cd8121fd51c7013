//! Why a signature does not count, and AWS's words for it in each protocol.

use crate::catalogue::Protocol;

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The Authorization header is not whole.
    #[error("{0}")]
    Incomplete(String),
    /// The presigned query is not whole.
    #[error("{0}")]
    IncompleteQuery(String),
    /// More than one signature, so that nobody can say which of them counts.
    #[error("signed more than once")]
    SeveralSigners,
    /// Another scheme (SigV2, a bearer token): an upstream may judge it.
    #[error("signature scheme {0} is not verified here")]
    UnsupportedScheme(String),
    /// Nobody has this access key.
    #[error("unknown access key")]
    UnknownKey,
    /// The key is of a session whose secret is not known here.
    #[error("session whose secret is not known")]
    UnknownSession,
    /// The session is over.
    #[error("session has ended")]
    ExpiredToken,
    /// The session token is not the one that belongs to the key.
    #[error("wrong session token")]
    WrongToken,
    /// The signature is not that of the key's secret.
    #[error("signature does not match")]
    Mismatch,
    /// A header that S3 wants signed is not.
    #[error("header {0} is not signed")]
    UnsignedHeader(String),
    /// Signed at a time that is too far from now.
    #[error("signed at {signed}, but it is {server}")]
    Skewed {
        /// The signature's time.
        signed: String,
        /// Ours.
        server: String,
        /// Too old rather than from the future.
        is_past: bool,
    },
    /// A presigned request whose time is over.
    #[error("presigned request has expired")]
    Expired,
    /// The body does not have the hash that was signed.
    #[error("body does not have the signed hash")]
    BodyMismatch,
    /// `x-amz-content-sha256` is none of the allowed values.
    #[error("x-amz-content-sha256 is no hash")]
    InvalidContentHash,
    /// The aws-chunked framing is broken.
    #[error("{0}")]
    BadChunk(&'static str),
    /// A call that must be signed is not.
    #[error("not signed")]
    Missing,
}

impl AuthError {
    /// AWS's code, HTTP status and message.
    pub fn answer(&self, protocol: Protocol, is_s3: bool) -> (&'static str, u16, String) {
        let is_json = matches!(
            protocol,
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson | Protocol::Cbor
        );
        let (code, status, message): (_, _, String) = match self {
            Self::Incomplete(detail) if is_s3 => {
                ("AuthorizationHeaderMalformed", 400, detail.clone())
            }
            Self::IncompleteQuery(detail) if is_s3 => {
                ("AuthorizationQueryParametersError", 400, detail.clone())
            }
            Self::Incomplete(detail) | Self::IncompleteQuery(detail) if is_json => {
                ("IncompleteSignatureException", 400, detail.clone())
            }
            Self::Incomplete(detail) | Self::IncompleteQuery(detail) => {
                ("IncompleteSignature", 400, detail.clone())
            }
            Self::SeveralSigners => {
                let code = match (is_s3, is_json) {
                    (true, _) => "InvalidArgument",
                    (false, true) => "IncompleteSignatureException",
                    (false, false) => "IncompleteSignature",
                };
                let message = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
                               parameter or the Authorization header should be specified";
                (code, 400, message.into())
            }
            Self::UnsupportedScheme(scheme) => {
                let message = format!(
                    "{scheme} is not verified here; sign with Signature Version 4 (AWS4-HMAC-SHA256)"
                );
                (
                    if is_s3 {
                        "InvalidRequest"
                    } else if is_json {
                        "IncompleteSignatureException"
                    } else {
                        "IncompleteSignature"
                    },
                    400,
                    message,
                )
            }
            Self::ExpiredToken if is_s3 => {
                let message = "The provided token has expired.";
                ("ExpiredToken", 400, message.into())
            }
            Self::ExpiredToken => {
                let message = "The security token included in the request is expired";
                match is_json {
                    true => ("ExpiredTokenException", 400, message.into()),
                    false => ("ExpiredToken", 403, message.into()),
                }
            }
            Self::UnknownSession => {
                let (code, status, message) = Self::UnknownKey.answer(protocol, is_s3);
                let help = "Sessions are known here until the server restarts, and those of a role if [[roles]] names it.";
                (code, status, format!("{message} {help}"))
            }
            Self::UnknownKey if is_s3 => (
                "InvalidAccessKeyId",
                403,
                "The AWS Access Key Id you provided does not exist in our records.".into(),
            ),
            Self::UnknownKey | Self::WrongToken if is_json => {
                // JSON services answer 400 here (seen with DynamoDB, CloudTrail, KMS).
                (
                    "UnrecognizedClientException",
                    400,
                    "The security token included in the request is invalid.".into(),
                )
            }
            Self::UnknownKey => (
                "InvalidClientTokenId",
                403,
                "The security token included in the request is invalid.".into(),
            ),
            Self::WrongToken if is_s3 => (
                "InvalidToken",
                400,
                "The provided token is malformed or otherwise invalid.".into(),
            ),
            Self::WrongToken => (
                "InvalidClientTokenId",
                403,
                "The security token included in the request is invalid.".into(),
            ),
            Self::Mismatch if is_json => ("InvalidSignatureException", 400, MISMATCH.into()),
            Self::Mismatch if is_s3 => {
                let message = "The request signature we calculated does not match the signature you provided. Check your \
                               key and signing method.";
                ("SignatureDoesNotMatch", 403, message.into())
            }
            Self::Mismatch => ("SignatureDoesNotMatch", 403, MISMATCH.into()),
            Self::UnsignedHeader(name) => (
                "AccessDenied",
                403,
                format!("There were headers present in the request which were not signed: {name}"),
            ),
            Self::Skewed { .. } if is_s3 => {
                let message =
                    "The difference between the request time and the current time is too large.";
                ("RequestTimeTooSkewed", 403, message.into())
            }
            Self::Skewed {
                signed,
                server,
                is_past,
            } => {
                let message = match is_past {
                    true => format!(
                        "Signature expired: {signed} is now earlier than 15 minutes before {server}"
                    ),
                    false => format!(
                        "Signature not yet current: {signed} is still later than 15 minutes after {server}"
                    ),
                };
                (
                    if is_json {
                        "InvalidSignatureException"
                    } else {
                        "SignatureDoesNotMatch"
                    },
                    if is_json { 400 } else { 403 },
                    message,
                )
            }
            Self::Expired if is_s3 => ("AccessDenied", 403, "Request has expired".into()),
            Self::Expired => ("RequestExpired", 400, "Request has expired.".into()),
            Self::BodyMismatch | Self::InvalidContentHash if is_s3 => {
                let message =
                    "The provided 'x-amz-content-sha256' header does not match what was computed.";
                ("XAmzContentSHA256Mismatch", 400, message.into())
            }
            Self::BodyMismatch | Self::InvalidContentHash => (
                if is_json {
                    "InvalidSignatureException"
                } else {
                    "SignatureDoesNotMatch"
                },
                if is_json { 400 } else { 403 },
                MISMATCH.into(),
            ),
            Self::BadChunk(detail) => (
                "IncompleteBody",
                400,
                format!("The aws-chunked body is not valid: {detail}"),
            ),
            Self::Missing if is_s3 => ("AccessDenied", 403, "Access Denied".into()),
            Self::Missing if is_json => (
                "MissingAuthenticationTokenException",
                400,
                "Missing Authentication Token".into(),
            ),
            Self::Missing => (
                "MissingAuthenticationToken",
                403,
                "Request is missing Authentication Token".into(),
            ),
        };
        (code, status, message)
    }
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

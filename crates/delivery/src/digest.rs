//! Digest files: what they say, and what of them is signed (user guide, "CloudTrail digest file structure").

use jiff::Timestamp;
use pugmark_core::clock::iso_seconds;
use serde_json::{Value, json};

use crate::{
    DeliveryError, batch,
    keys::{Key, sha256},
    ledger::{Covered, Previous},
};

/// What a digest is made of.
pub(crate) struct Parts<'a> {
    pub(crate) account: &'a str,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) previous: Option<&'a Previous>,
    pub(crate) files: &'a [Covered],
}

/// A digest with its signature.
pub(crate) struct Signed {
    pub(crate) gzip: Vec<u8>,
    /// Hex SHA-256 of the uncompressed bytes.
    pub(crate) sha256: String,
    pub(crate) signature: String,
}

impl Parts<'_> {
    /// Renders and signs. The same parts and key give the same bytes.
    pub(crate) fn sign(&self, key: &Key) -> Result<Signed, DeliveryError> {
        let plain = self.json(&key.public.fingerprint).to_string();
        let hash = hex::encode(sha256(plain.as_bytes()));
        let previous = self.previous.map_or("null", |previous| &previous.signature);
        let text = format!(
            "{}\n{}/{}\n{hash}\n{previous}",
            iso_seconds(self.end),
            self.bucket,
            self.key
        );
        let gzip = batch::gzip(plain.as_bytes()).map_err(DeliveryError::io("compress a digest"))?;
        Ok(Signed {
            gzip,
            sha256: hash,
            signature: key.sign(&text)?,
        })
    }

    fn json(&self, fingerprint: &str) -> Value {
        let time = |seconds: Option<i64>| {
            seconds
                .and_then(|seconds| Timestamp::from_second(seconds).ok())
                .map(iso_seconds)
        };
        let files: Vec<Value> = self
            .files
            .iter()
            .map(|file| {
                json!({"s3Bucket": file.bucket, "s3Object": file.key, "hashValue": file.sha256, "hashAlgorithm": "SHA-256",
                       "newestEventTime": time(Some(file.newest)), "oldestEventTime": time(Some(file.oldest))})
            })
            .collect();
        let previous = |of: fn(&Previous) -> &str| self.previous.map(of);
        json!({
            "awsAccountId": self.account,
            "digestStartTime": iso_seconds(self.start),
            "digestEndTime": iso_seconds(self.end),
            "digestS3Bucket": self.bucket,
            "digestS3Object": self.key,
            "digestPublicKeyFingerprint": fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": time(self.files.iter().map(|file| file.newest).max()),
            "oldestEventTime": time(self.files.iter().map(|file| file.oldest).min()),
            "previousDigestS3Bucket": previous(|it| &it.bucket),
            "previousDigestS3Object": previous(|it| &it.key),
            "previousDigestHashValue": previous(|it| &it.sha256),
            "previousDigestHashAlgorithm": self.previous.map(|_| "SHA-256"),
            "previousDigestSignature": previous(|it| &it.signature),
            "logFiles": files,
        })
    }
}

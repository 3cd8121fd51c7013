//! A digest file: read, and its signature checked (CloudTrail user guide, "Custom implementations of log file validation").

use std::{cell::RefCell, collections::HashMap, io::Read};

use aws_lc_rs::{digest, signature};
use flate2::{Decompress, FlushDecompress, Status};
use jiff::Timestamp;
use serde::Deserialize;

/// Largest file after unpacking: CloudTrail's log files have at most 50 MB, Pugmark's too; a packed bomb has more.
const UNPACKED_MAX: u64 = 512 * 1024 * 1024;
/// Most that is unpacked before it is hashed.
const BUFFER_MAX: usize = 256 * 1024;

thread_local! {
    /// What is unpacked: a new one for each file would have to be cleared.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A digest as far as it is needed; the members without default are those that AWS's validator demands.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Digest {
    pub(super) digest_public_key_fingerprint: String,
    pub(super) digest_s3_bucket: String,
    pub(super) digest_s3_object: String,
    /// As it stands there: the signed text repeats it.
    pub(super) digest_start_time: String,
    pub(super) digest_end_time: String,
    #[serde(deserialize_with = "present")]
    pub(super) previous_digest_signature: Option<String>,
    pub(super) previous_digest_s3_bucket: Option<String>,
    pub(super) previous_digest_s3_object: Option<String>,
    pub(super) previous_digest_hash_value: Option<String>,
    #[serde(default)]
    pub(super) log_files: Vec<LogFile>,
    /// Of the unpacked file, in hex.
    #[serde(skip)]
    pub(super) sha256: String,
    /// From the object's metadata, in hex.
    #[serde(skip)]
    pub(super) signature: Option<String>,
    /// Of a backfill digest: when it was made.
    #[serde(skip)]
    pub(super) generated: Option<Timestamp>,
}

/// A log file that a digest covers.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogFile {
    pub(super) s3_bucket: String,
    pub(super) s3_object: String,
    pub(super) hash_value: String,
}

/// A member that must be there, null or not.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(from)
}

/// An object of a bucket.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) body: bytes::Bytes,
    pub(super) metadata: HashMap<String, String>,
}

/// Why a digest is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Format,
    Signature,
    Moved,
    UnknownKey(String),
    BadKey(String),
    /// Not what the next digest says of it.
    Hash,
}

impl Fault {
    /// The line's end, in the words of AWS's validator.
    pub(super) fn words(&self, region: &str) -> String {
        match self {
            Self::Format => "INVALID: invalid format".to_owned(),
            Self::Signature => "INVALID: signature verification failed".to_owned(),
            Self::Moved => "INVALID: has been moved from its original location".to_owned(),
            Self::UnknownKey(fingerprint) => {
                format!(
                    "INVALID: public key not found in region {region} for fingerprint {fingerprint}"
                )
            }
            Self::BadKey(fingerprint) => {
                format!("INVALID: Unable to load PKCS #1 key with fingerprint {fingerprint}")
            }
            Self::Hash => {
                "INVALID: hash value doesn't match that in the next digest file".to_owned()
            }
        }
    }
}

impl Digest {
    /// Unpacks and reads a digest. Without a signature (a folder has no metadata) it stays for the caller to find.
    pub(super) fn read(key: &str, object: &Object, needs_metadata: bool) -> Result<Self, Fault> {
        let bytes = unpack(&object.body).ok_or(Fault::Format)?;
        let mut digest: Self = serde_json::from_slice(&bytes).map_err(|_| Fault::Format)?;
        digest.sha256 = hex::encode(digest::digest(&digest::SHA256, &bytes));
        digest.signature = object.metadata.get("signature").cloned();
        if needs_metadata
            && (digest.signature.is_none() || !object.metadata.contains_key("signature-algorithm"))
        {
            return Err(Fault::Signature);
        }
        if is_backfill(key) && needs_metadata {
            let made = object.metadata.get("backfill-generation-timestamp");
            digest.generated = Some(
                made.and_then(|text| text.parse().ok())
                    .ok_or(Fault::Format)?,
            );
        }
        Ok(digest)
    }

    /// Checks that it is where it says, and its signature. A folder knows no bucket.
    pub(super) fn verify(
        &self,
        bucket: Option<&str>,
        key: &str,
        keys: &HashMap<String, Vec<u8>>,
    ) -> Result<(), Fault> {
        if bucket.is_some_and(|bucket| bucket != self.digest_s3_bucket)
            || self.digest_s3_object != key
        {
            return Err(Fault::Moved);
        }
        let fingerprint = &self.digest_public_key_fingerprint;
        let public = keys
            .get(fingerprint)
            .ok_or_else(|| Fault::UnknownKey(fingerprint.clone()))?;
        if public.first() != Some(&0x30) {
            return Err(Fault::BadKey(fingerprint.clone()));
        }
        let text = format!(
            "{}\n{}/{}\n{}\n{}",
            self.digest_end_time,
            self.digest_s3_bucket,
            self.digest_s3_object,
            self.sha256,
            self.previous_digest_signature.as_deref().unwrap_or("null"),
        );
        let signed = self
            .signature
            .as_deref()
            .and_then(|text| hex::decode(text).ok())
            .ok_or(Fault::Signature)?;
        signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, public)
            .verify(text.as_bytes(), &signed)
            .map_err(|_| Fault::Signature)
    }
}

/// Whether a key is that of a digest that was made later.
pub(super) fn is_backfill(key: &str) -> bool {
    key.ends_with("_backfill.json.gz")
}

/// The stamp in a digest's key, such as `20150817T150131Z`.
pub(super) fn stamp(key: &str) -> Option<&str> {
    let name = key.strip_suffix(".json.gz")?;
    let name = name.strip_suffix("_backfill").unwrap_or(name);
    name.len().checked_sub(16).and_then(|at| name.get(at..))
}

/// Judges a log file by what its digest says that its unpacked bytes hash to; the error is the line's end.
pub(super) fn check_log(body: &[u8], hash: &str) -> Result<(), &'static str> {
    const FORMAT: &str = "INVALID: invalid format";
    const OTHER: &str = "INVALID: hash value doesn't match";
    // The last four bytes of most files say how large they are unpacked: then one turn is enough, which needs no window.
    let size = body.last_chunk().map_or(0, |it| u32::from_le_bytes(*it));
    let size = (size as usize).clamp(1024, BUFFER_MAX);
    let mut context = digest::Context::new(&digest::SHA256);
    let mut decoder = Decompress::new_gzip(15);
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(size.max(buffer.len()), 0);
        loop {
            let (read, unpacked) = (decoder.total_in(), decoder.total_out());
            if unpacked > UNPACKED_MAX {
                return Err(FORMAT);
            }
            let rest = usize::try_from(read).ok().and_then(|at| body.get(at..));
            let status = decoder
                .decompress(rest.unwrap_or_default(), buffer, FlushDecompress::Finish)
                .map_err(|_| FORMAT)?;
            context.update(&buffer[..(decoder.total_out() - unpacked) as usize]);
            match status {
                Status::StreamEnd => return Ok(()),
                // AWS's validator compares what it could unpack; less than all is never what was signed.
                _ if (decoder.total_in(), decoder.total_out()) == (read, unpacked) => {
                    return Err(OTHER);
                }
                _ => {}
            }
        }
    })?;
    if decoder.total_in() < body.len() as u64 {
        return Err("INVALID: unexpected data after end of compressed stream");
    }
    match hex::encode(context.finish()).eq_ignore_ascii_case(hash) {
        true => Ok(()),
        false => Err(OTHER),
    }
}

fn unpack(body: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(body).take(UNPACKED_MAX);
    decoder.read_to_end(&mut bytes).ok()?;
    (decoder.limit() > 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_log_file_is_one_gzip_stream() {
        let file = gzip(b"{}");
        let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let check = |file: &[u8]| check_log(file, hash);
        assert_eq!(check(&file), Ok(()));
        assert_eq!(
            check_log(&file, "00"),
            Err("INVALID: hash value doesn't match")
        );
        assert_eq!(
            check(&file[..file.len() - 1]),
            Err("INVALID: hash value doesn't match"),
            "cut"
        );
        let more = Err("INVALID: unexpected data after end of compressed stream");
        assert_eq!(
            check(&[file.clone(), file.clone()].concat()),
            more,
            "a second stream"
        );
        assert_eq!(check(&[&file[..], &[0]].concat()), more, "a byte more");
        let format = Err("INVALID: invalid format");
        assert_eq!(check(b"nothing at all"), format, "not gzip");
        let mut other = file.clone();
        other[file.len() - 8] ^= 1;
        assert_eq!(check(&other), format, "another checksum");
    }

    #[test]
    fn a_log_file_may_be_larger_than_the_buffer() {
        for size in [0, 1, BUFFER_MAX - 1, BUFFER_MAX, 3 * BUFFER_MAX + 7] {
            let bytes: Vec<u8> = (0..size).map(|at| (at * at % 251) as u8).collect();
            let hash = hex::encode(digest::digest(&digest::SHA256, &bytes));
            let mut file = gzip(&bytes);
            assert_eq!(check_log(&file, &hash), Ok(()), "{size}");
            // It says that it is small.
            let at = file.len() - 4;
            file[at..].copy_from_slice(&7_u32.to_le_bytes());
            assert_eq!(check_log(&file, &hash), Err("INVALID: invalid format"));
            file.truncate(at - 5);
            assert_eq!(
                check_log(&file, &hash),
                Err("INVALID: hash value doesn't match")
            );
        }
    }

    #[test]
    fn stamps_are_cut_out_of_keys() {
        let key =
            "AWSLogs/1/CloudTrail-Digest/r/2015/08/17/1_CloudTrail-Digest_r_t_r_20150817T150131Z";
        assert_eq!(stamp(&format!("{key}.json.gz")), Some("20150817T150131Z"));
        assert_eq!(
            stamp(&format!("{key}_backfill.json.gz")),
            Some("20150817T150131Z")
        );
        assert_eq!(stamp("short.json.gz"), None);
        assert_eq!(stamp("ä.json.gz"), None);
    }

    #[test]
    fn what_a_digest_must_have() {
        let object = |json: &str| Object {
            body: gzip(json.as_bytes()).into(),
            metadata: HashMap::new(),
        };
        let whole = r#"{"digestPublicKeyFingerprint":"f","digestS3Bucket":"b","digestS3Object":"k","digestStartTime":"s",
            "digestEndTime":"e","previousDigestSignature":null}"#;
        assert!(Digest::read("k", &object(whole), false).is_ok());
        assert_eq!(
            Digest::read("k", &object(whole), true).unwrap_err(),
            Fault::Signature,
            "no metadata"
        );
        let without = whole.replace("previousDigestSignature", "other");
        assert_eq!(
            Digest::read("k", &object(&without), false).unwrap_err(),
            Fault::Format
        );
    }
}

//! Digest signing keys: one RSA key a Region at a time, 30 days long, kept for as long as digests may be checked.
//!
//! `keys/REGION.json` (mode 0600): `{"version":1,"keys":[{"fingerprint","notBefore","notAfter","pkcs8"}]}`, times in epoch
//! seconds, the private key as hex PKCS#8. The fingerprint is the first 16 bytes of the SHA-256 of the public key in hex:
//! AWS does not say how it makes its own.

use std::{
    collections::HashMap,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use aws_lc_rs::{
    digest, encoding::AsDer, encoding::Pkcs8V1Der, rand::SystemRandom, rsa::KeySize, signature,
    signature::KeyPair as _,
};
use jiff::Timestamp;
use pugmark_core::account::Region;
use serde::{Deserialize, Serialize};

use crate::DeliveryError;

/// How long a key signs, in seconds (the samples in AWS's documentation: 30 days).
const KEY_SECONDS: i64 = 30 * 24 * 60 * 60;

/// A key as `ListPublicKeys` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// DER, PKCS#1 `RSAPublicKey`.
    pub value: Vec<u8>,
    /// From when it signs.
    pub validity_start: Timestamp,
    /// Until when.
    pub validity_end: Timestamp,
    /// 32 hex digits.
    pub fingerprint: String,
}

/// All Regions' keys.
pub(crate) struct Keys {
    dir: PathBuf,
    loaded: Mutex<Loaded>,
}

/// Each Region's keys as last read, and when their file was written: `pugmark keys rotate` may write it meanwhile.
type Loaded = HashMap<Region, (Option<SystemTime>, Arc<Vec<Key>>)>;

pub(crate) struct Key {
    pair: signature::RsaKeyPair,
    pkcs8: Vec<u8>,
    pub(crate) public: PublicKey,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    version: u32,
    keys: Vec<FileKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileKey {
    fingerprint: String,
    not_before: i64,
    not_after: i64,
    pkcs8: String,
}

/// The SHA-256 of bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

impl Key {
    fn load(
        pkcs8: Vec<u8>,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Self, DeliveryError> {
        let pair = signature::RsaKeyPair::from_pkcs8(&pkcs8)
            .map_err(|error| DeliveryError::Key(error.to_string()))?;
        let value = pair.public_key().as_ref().to_vec();
        let fingerprint = hex::encode(&sha256(&value)[..16]);
        let public = PublicKey {
            value,
            validity_start: not_before,
            validity_end: not_after,
            fingerprint,
        };
        Ok(Self {
            pair,
            pkcs8,
            public,
        })
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, in hex.
    pub(crate) fn sign(&self, text: &str) -> Result<String, DeliveryError> {
        let mut bytes = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &signature::RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut bytes,
            )
            .map_err(|_| DeliveryError::Key("signing failed".into()))?;
        Ok(hex::encode(bytes))
    }
}

impl Keys {
    pub(crate) fn open(dir: PathBuf) -> Result<Self, DeliveryError> {
        use std::os::unix::fs::DirBuilderExt;
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir);
        made.map_err(DeliveryError::io(format!("create {}", dir.display())))?;
        Ok(Self {
            dir,
            loaded: Mutex::default(),
        })
    }

    /// The Region's key for now; made if there is none (which takes a moment: not on an async thread).
    pub(crate) fn signing(
        &self,
        region: &Region,
        now: Timestamp,
    ) -> Result<Arc<Vec<Key>>, DeliveryError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known(&mut loaded, region)?;
        // One interval of slack, so that a key never expires between signing and the end of its digest's look-up.
        if known
            .last()
            .is_some_and(|key| key.public.validity_end.as_second() - 2 * 60 * 60 > now.as_second())
        {
            return Ok(known);
        }
        let generated = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048)
            .map_err(|_| DeliveryError::Key("the system could not make an RSA key".into()))?;
        let der: Pkcs8V1Der<'_> = generated
            .as_der()
            .map_err(|_| DeliveryError::Key("encode an RSA key".into()))?;
        let start = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let end = Timestamp::from_second(now.as_second() + KEY_SECONDS).unwrap_or(now);
        let mut keys = Vec::new();
        for key in known.iter() {
            keys.push(Key::load(
                key.pkcs8.clone(),
                key.public.validity_start,
                key.public.validity_end,
            )?);
        }
        keys.push(Key::load(der.as_ref().to_vec(), start, end)?);
        self.save(region, &keys)?;
        let keys = Arc::new(keys);
        loaded.insert(region.clone(), (self.written(region), keys.clone()));
        tracing::info!(%region, "new digest signing key");
        Ok(keys)
    }

    /// The Region's keys whose validity touches the range.
    pub(crate) fn public(
        &self,
        region: &Region,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<PublicKey>, DeliveryError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.known(&mut loaded, region)?;
        let touches =
            |key: &&Key| key.public.validity_start <= to && key.public.validity_end >= from;
        Ok(keys
            .iter()
            .filter(touches)
            .map(|key| key.public.clone())
            .collect())
    }

    fn path(&self, region: &Region) -> PathBuf {
        self.dir.join(format!("{region}.json"))
    }

    fn known(&self, loaded: &mut Loaded, region: &Region) -> Result<Arc<Vec<Key>>, DeliveryError> {
        let written = self.written(region);
        if let Some((at, keys)) = loaded.get(region)
            && *at == written
        {
            return Ok(keys.clone());
        }
        let path = self.path(region);
        let keys = match std::fs::read(&path) {
            Ok(bytes) => parse(&bytes)
                .map_err(|detail| DeliveryError::Key(format!("{}: {detail}", path.display())))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Arc::default()),
            Err(error) => return Err(DeliveryError::io(format!("read {}", path.display()))(error)),
        };
        let keys = Arc::new(keys);
        loaded.insert(region.clone(), (written, keys.clone()));
        Ok(keys)
    }

    fn written(&self, region: &Region) -> Option<SystemTime> {
        std::fs::metadata(self.path(region))
            .and_then(|file| file.modified())
            .ok()
    }

    fn save(&self, region: &Region, keys: &[Key]) -> Result<(), DeliveryError> {
        let keys = keys.iter().map(|key| FileKey {
            fingerprint: key.public.fingerprint.clone(),
            not_before: key.public.validity_start.as_second(),
            not_after: key.public.validity_end.as_second(),
            pkcs8: hex::encode(&key.pkcs8),
        });
        let file = File {
            version: 1,
            keys: keys.collect(),
        };
        let text =
            serde_json::to_vec(&file).map_err(|error| DeliveryError::Key(error.to_string()))?;
        let path = self.path(region);
        let temporary = path.with_extension("tmp");
        let write = || {
            let _ = std::fs::remove_file(&temporary);
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&temporary)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)?;
            std::fs::File::open(&self.dir)?.sync_all()
        };
        write().map_err(DeliveryError::io(format!("write {}", path.display())))
    }
}

/// The signing keys in a data directory, for the command line; a running server sees what it changes.
pub struct SigningKeys(Keys);

impl SigningKeys {
    /// Opens the keys of the server whose data is in `data_dir`.
    ///
    /// # Errors
    /// When there are none, or they cannot be read.
    pub fn open(data_dir: &std::path::Path) -> Result<Self, DeliveryError> {
        let dir = data_dir.join("delivery").join("keys");
        match dir.is_dir() {
            true => Keys::open(dir).map(Self),
            false => Err(DeliveryError::Key(format!(
                "there are no keys in {}: the first digest makes one",
                dir.display()
            ))),
        }
    }

    /// The Regions that have keys, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn regions(&self) -> Result<Vec<Region>, DeliveryError> {
        let failed = || DeliveryError::io(format!("read {}", self.0.dir.display()));
        let mut regions = Vec::new();
        for entry in std::fs::read_dir(&self.0.dir).map_err(failed())? {
            let path = entry.map_err(failed())?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                regions.extend(name.and_then(|name| name.parse().ok()));
            }
        }
        regions.sort();
        Ok(regions)
    }

    /// Every public key of a Region, oldest first.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub fn public(&self, region: &Region) -> Result<Vec<PublicKey>, DeliveryError> {
        self.0.public(region, Timestamp::MIN, Timestamp::MAX)
    }

    /// Ends the validity of the Region's key now, so that the next digest is signed with a new one. The old one stays listed
    /// for what it signed. False if no key was valid.
    ///
    /// # Errors
    /// When the key file cannot be read or written.
    pub fn rotate(&self, region: &Region, now: Timestamp) -> Result<bool, DeliveryError> {
        let mut loaded = self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.0.known(&mut loaded, region)?;
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let mut keys = Vec::new();
        let mut is_ended = false;
        for key in known.iter() {
            let is_valid = key.public.validity_end > now;
            is_ended |= is_valid;
            let end = if is_valid {
                now
            } else {
                key.public.validity_end
            };
            keys.push(Key::load(
                key.pkcs8.clone(),
                key.public.validity_start,
                end,
            )?);
        }
        if is_ended {
            self.0.save(region, &keys)?;
            loaded.remove(region);
        }
        Ok(is_ended)
    }
}

fn parse(bytes: &[u8]) -> Result<Vec<Key>, String> {
    let file: File = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if file.version != 1 {
        return Err(format!("unknown version {}", file.version));
    }
    let time = |seconds| Timestamp::from_second(seconds).map_err(|error| error.to_string());
    let load = |key: FileKey| {
        let pkcs8 = hex::decode(&key.pkcs8).map_err(|error| error.to_string())?;
        Key::load(pkcs8, time(key.not_before)?, time(key.not_after)?)
            .map_err(|error| error.to_string())
    };
    file.keys.into_iter().map(load).collect()
}

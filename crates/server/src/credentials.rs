//! The root credentials: given by the environment, or made at the first start and kept in the data directory.

use std::{io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::Context;
use aws_lc_rs::rand;
use serde::{Deserialize, Serialize};

use crate::settings::Secret;

const FILE: &str = "root-credentials.toml";
const ACCESS_KEY_VARIABLE: &str = "PUGMARK_ROOT_ACCESS_KEY_ID";
const SECRET_VARIABLE: &str = "PUGMARK_ROOT_SECRET_ACCESS_KEY";

/// The account's own access key.
pub(crate) struct RootCredentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
    /// Made by this start: to be shown once.
    pub(crate) is_new: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    access_key_id: String,
    secret_access_key: String,
}

/// Takes the credentials from the environment, else from the data directory, else makes them.
pub(crate) fn load_or_create(data_dir: &Path) -> anyhow::Result<RootCredentials> {
    match (
        std::env::var(ACCESS_KEY_VARIABLE),
        std::env::var(SECRET_VARIABLE),
    ) {
        (Ok(access_key_id), Ok(secret)) if !access_key_id.is_empty() && !secret.is_empty() => {
            return Ok(RootCredentials {
                access_key_id,
                secret_access_key: Secret(secret),
                is_new: false,
            });
        }
        (Err(_), Err(_)) => {}
        _ => anyhow::bail!(
            "{ACCESS_KEY_VARIABLE} and {SECRET_VARIABLE} go together: set both or neither"
        ),
    }
    if let Some(found) = load(data_dir)? {
        return Ok(found);
    }
    let (access_key_id, secret) = generate()?;
    let stored = Stored {
        access_key_id,
        secret_access_key: secret,
    };
    write_private(&data_dir.join(FILE), &toml::to_string(&stored)?)?;
    Ok(RootCredentials {
        access_key_id: stored.access_key_id,
        secret_access_key: Secret(stored.secret_access_key),
        is_new: true,
    })
}

/// The credentials that an earlier start left in the data directory.
pub(crate) fn load(data_dir: &Path) -> anyhow::Result<Option<RootCredentials>> {
    let path = data_dir.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    let stored: Stored = toml::from_str(&text).map_err(|_| {
        anyhow::anyhow!(
            "{} is not readable: restore it, or delete it to get new keys",
            path.display()
        )
    })?;
    Ok(Some(RootCredentials {
        access_key_id: stored.access_key_id,
        secret_access_key: Secret(stored.secret_access_key),
        is_new: false,
    }))
}

/// A new access key id and secret, in the forms of AWS's own.
pub(crate) fn generate() -> anyhow::Result<(String, String)> {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut random = [0_u8; 46];
    rand::fill(&mut random).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    let id: String = random[..16]
        .iter()
        .map(|byte| char::from(BASE32[usize::from(byte % 32)]))
        .collect();
    let secret = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &random[16..]);
    Ok((format!("AKIA{id}"), secret))
}

/// Writes a file that only its owner can read, durably and all or nothing.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let temporary = path.with_extension("tmp");
    let write = || -> std::io::Result<()> {
        let _ = std::fs::remove_file(&temporary);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn generated_credentials_are_kept_private_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        assert!(load(dir.path()).unwrap().is_none());
        let (id, secret) = generate().unwrap();
        assert_eq!((id.len(), secret.len()), (20, 40));
        let text = toml::to_string(&Stored {
            access_key_id: id.clone(),
            secret_access_key: secret,
        })
        .unwrap();
        write_private(&dir.path().join(FILE), &text).unwrap();
        let mode = std::fs::metadata(dir.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(load(dir.path()).unwrap().unwrap().access_key_id, id);
    }
}

//! The snapshot file: written beside, made durable, then renamed over the old one; described in `docs/formats.md`.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use pugmark_journal::{JournalError, Seq};

use crate::trail::Catalog;

const FILE: &str = "catalog.snapshot";
const NEW_FILE: &str = "catalog.snapshot.new";
/// The first bytes of the file, the version among them.
const MAGIC: &[u8; 8] = b"PUGCAT\0\x01";
/// Magic, position, checksum.
const HEADER_BYTES: usize = 8 + 8 + 4;

/// The newest snapshot and the position up to which it holds everything; an empty catalog at 0 when there is none.
pub(crate) fn load(dir: &Path) -> Result<(Catalog, Seq), JournalError> {
    let path = dir.join(FILE);
    let stored = match fs::read(&path) {
        Ok(stored) => stored,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((Catalog::default(), Seq(0)));
        }
        Err(source) => {
            return Err(JournalError::Io {
                action: format!("read {}", path.display()),
                source,
            });
        }
    };
    decode(&stored).map_err(|detail| JournalError::Damaged {
        detail: format!("{}: {detail}", path.display()),
    })
}

/// Replaces the snapshot; durable when it returns.
pub(crate) fn save(dir: &Path, catalog: &Catalog, position: Seq) -> Result<(), JournalError> {
    let write = || {
        fs::create_dir_all(dir)?;
        let mut file = File::create(dir.join(NEW_FILE))?;
        file.write_all(&encode(catalog, position))?;
        file.sync_all()?;
        fs::rename(dir.join(NEW_FILE), dir.join(FILE))?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|source| JournalError::Io {
        action: format!("save {}", dir.join(FILE).display()),
        source,
    })
}

fn encode(catalog: &Catalog, position: Seq) -> Vec<u8> {
    let content = catalog.encode();
    let mut out = Vec::with_capacity(HEADER_BYTES + content.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&position.0.to_le_bytes());
    out.extend_from_slice(&checksum(position, &content).to_le_bytes());
    out.extend_from_slice(&content);
    out
}

fn decode(stored: &[u8]) -> Result<(Catalog, Seq), String> {
    let (magic, rest) = stored
        .split_first_chunk::<8>()
        .ok_or("it ends within its header")?;
    if magic != MAGIC {
        return Err("it is no catalog snapshot of a version that is known here".into());
    }
    let (position, rest) = rest
        .split_first_chunk::<8>()
        .ok_or("it ends within its header")?;
    let (sum, content) = rest
        .split_first_chunk::<4>()
        .ok_or("it ends within its header")?;
    let position = Seq(u64::from_le_bytes(*position));
    if checksum(position, content) != u32::from_le_bytes(*sum) {
        return Err("its checksum does not fit its content".into());
    }
    Ok((
        Catalog::decode(content).map_err(|error| error.to_string())?,
        position,
    ))
}

fn checksum(position: Seq, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&position.0.to_le_bytes());
    hasher.update(content);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_snapshot_comes_back_with_its_position() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()).unwrap(), (Catalog::default(), Seq(0)));
        let mut catalog = Catalog::default();
        catalog.apply(crate::stored::Change::PutTrail(Box::new(
            crate::sample::trail(),
        )));
        save(dir.path(), &Catalog::default(), Seq(1)).unwrap();
        save(dir.path(), &catalog, Seq(7)).unwrap();
        assert_eq!(load(dir.path()).unwrap(), (catalog, Seq(7)));
        assert!(!dir.path().join(NEW_FILE).exists());
    }

    #[test]
    fn damage_is_told_wherever_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let good = encode(&Catalog::default(), Seq(3));
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 0x20;
            fs::write(dir.path().join(FILE), &bad).unwrap();
            assert!(
                matches!(load(dir.path()), Err(JournalError::Damaged { .. })),
                "byte {index}"
            );
            fs::write(dir.path().join(FILE), &good[..index]).unwrap();
            assert!(
                matches!(load(dir.path()), Err(JournalError::Damaged { .. })),
                "cut at {index}"
            );
        }
    }
}

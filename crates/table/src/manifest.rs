//! Which files count, and up to where they hold the journal: one small file, replaced as a whole.
//!
//! Described in `docs/formats.md`, "Event history manifest, version 1".

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use pugmark_core::account::{AccountId, Region};
use serde::{Deserialize, Serialize};

use crate::{
    LookupCategory, TableError,
    part::{self, Hook, Step},
};

const VERSION: u32 = 1;

/// A file of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Below the directory of event history, with `/`.
    pub(crate) path: String,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) rows: u64,
    /// How many of the rows are Insights events.
    pub(crate) insight_rows: u64,
    pub(crate) bytes: u64,
    /// Event times of the oldest and newest row, epoch seconds.
    pub(crate) oldest: i64,
    pub(crate) newest: i64,
}

impl Part {
    pub(crate) fn holds(&self, category: LookupCategory) -> bool {
        match category {
            LookupCategory::Management => self.rows > self.insight_rows,
            LookupCategory::Insight => self.insight_rows > 0,
        }
    }
}

/// The state of event history on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Counts commits.
    pub(crate) generation: u64,
    /// Journal entries below this position are in the files.
    pub(crate) cursor: u64,
    parts: HashMap<(AccountId, Region), Vec<Arc<Part>>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestForm {
    version: u32,
    generation: u64,
    cursor: u64,
    files: Vec<PartForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartForm {
    path: String,
    account: String,
    region: String,
    rows: u64,
    insight_rows: u64,
    bytes: u64,
    oldest: i64,
    newest: i64,
}

impl Manifest {
    /// The files of an account and Region.
    pub(crate) fn parts(&self, account: AccountId, region: &Region) -> &[Arc<Part>] {
        self.parts
            .get(&(account, region.clone()))
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Part>> {
        self.parts.values().flatten()
    }

    /// The next state: files added, files whose newest event is older than `horizon` gone. Returns those too.
    pub(crate) fn next(
        &self,
        cursor: u64,
        added: Vec<Part>,
        horizon: i64,
    ) -> (Self, Vec<Arc<Part>>) {
        let mut next = Self {
            generation: self.generation + 1,
            cursor,
            parts: HashMap::new(),
        };
        let mut expired = Vec::new();
        for part in self.all().cloned().chain(added.into_iter().map(Arc::new)) {
            if part.newest < horizon {
                expired.push(part);
            } else {
                next.parts
                    .entry((part.account, part.region.clone()))
                    .or_default()
                    .push(part);
            }
        }
        (next, expired)
    }

    pub(crate) fn has_expired(&self, horizon: i64) -> bool {
        self.all().any(|part| part.newest < horizon)
    }

    /// Reads the newest manifest of a directory; none is an empty history.
    pub(crate) fn load(dir: &Path) -> Result<Self, TableError> {
        let newest = generations(dir)?
            .into_iter()
            .max_by_key(|(generation, _)| *generation);
        let Some((_, path)) = newest else {
            return Ok(Self::default());
        };
        let bytes = fs::read(&path).map_err(TableError::io(format!("read {}", path.display())))?;
        Self::decode(&bytes).map_err(|detail| TableError::Manifest { path, detail })
    }

    /// Makes this the state on disk. When it returns an error, the old state still counts, or this one.
    pub(crate) fn commit(&self, dir: &Path, hook: &Hook) -> Result<(), TableError> {
        let path = dir.join(format!("manifest-{}.json", self.generation));
        let temporary = dir.join(format!("manifest-{}.json.tmp", self.generation));
        let failed = |action: &str| TableError::io(format!("{action} {}", path.display()));
        hook.at(Step::ManifestWrite)?;
        let mut file = File::create(&temporary).map_err(failed("create"))?;
        file.write_all(&self.encode()).map_err(failed("write"))?;
        file.sync_all().map_err(failed("sync"))?;
        hook.at(Step::ManifestRename)?;
        fs::rename(&temporary, &path).map_err(failed("rename"))?;
        hook.at(Step::ManifestSync)?;
        part::sync_dir(dir)?;
        hook.at(Step::Committed)?;
        for (generation, old) in generations(dir)? {
            if generation < self.generation {
                // An old manifest that stays does no harm: the newest counts.
                let _ = fs::remove_file(old);
            }
        }
        Ok(())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut files: Vec<PartForm> = self
            .all()
            .map(|part| PartForm {
                path: part.path.clone(),
                account: part.account.to_string(),
                region: part.region.to_string(),
                rows: part.rows,
                insight_rows: part.insight_rows,
                bytes: part.bytes,
                oldest: part.oldest,
                newest: part.newest,
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let form = ManifestForm {
            version: VERSION,
            generation: self.generation,
            cursor: self.cursor,
            files,
        };
        let mut bytes = serde_json::to_vec_pretty(&form).expect("a manifest has text keys only");
        bytes.push(b'\n');
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if version != VERSION {
            return Err(format!("version {version} is unknown to this program"));
        }
        let form: ManifestForm =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut manifest = Self {
            generation: form.generation,
            cursor: form.cursor,
            parts: HashMap::new(),
        };
        for file in form.files {
            if !part::is_part_path(&file.path) {
                return Err(format!("{:?} is no path of a file of events", file.path));
            }
            let part = Part {
                account: file
                    .account
                    .parse()
                    .map_err(|error| format!("{}: {error}", file.path))?,
                region: file
                    .region
                    .parse()
                    .map_err(|error| format!("{}: {error}", file.path))?,
                path: file.path,
                rows: file.rows,
                insight_rows: file.insight_rows,
                bytes: file.bytes,
                oldest: file.oldest,
                newest: file.newest,
            };
            manifest
                .parts
                .entry((part.account, part.region.clone()))
                .or_default()
                .push(Arc::new(part));
        }
        Ok(manifest)
    }
}

fn generations(dir: &Path) -> Result<Vec<(u64, PathBuf)>, TableError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(TableError::io(format!("list {}", dir.display())))? {
        let path = entry
            .map_err(TableError::io(format!("list {}", dir.display())))?
            .path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let number = name
            .strip_prefix("manifest-")
            .and_then(|name| name.strip_suffix(".json"));
        if let Some(generation) = number.and_then(|number| number.parse().ok()) {
            found.push((generation, path));
        } else if name.starts_with("manifest-") && name.ends_with(".json.tmp") {
            // Left by a crash before its rename.
            let _ = fs::remove_file(path);
        }
    }
    Ok(found)
}

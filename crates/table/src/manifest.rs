//! Reads what versions before the log wrote in its place: one file that says which files count.
//!
//! Described in `docs/formats.md`, "Event history manifest, version 1".

use std::{
    fs,
    path::{Path, PathBuf},
};

use pugmark_core::event::EventCategory;
use serde::Deserialize;

use crate::{TableError, log::Part, part};

const VERSION: u32 = 1;

/// The state of event history as it stood in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Journal entries below this position are in the files.
    pub(crate) cursor: u64,
    pub(crate) parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestForm {
    #[serde(rename = "version")]
    _version: u32,
    #[serde(rename = "generation")]
    _generation: u64,
    cursor: u64,
    files: Vec<PartForm>,
}

#[derive(Deserialize)]
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
    /// Reads the newest manifest of a directory.
    pub(crate) fn load(dir: &Path) -> Result<Option<Self>, TableError> {
        let newest = generations(dir)?
            .into_iter()
            .max_by_key(|(generation, _)| *generation);
        let Some((_, path)) = newest else {
            return Ok(None);
        };
        let bytes = fs::read(&path).map_err(TableError::io(format!("read {}", path.display())))?;
        match Self::decode(&bytes) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(detail) => Err(TableError::Log { path, detail }),
        }
    }

    /// Deletes all manifests of a directory, once the log says what they said.
    pub(crate) fn delete(dir: &Path) -> Result<(), TableError> {
        for (_, path) in generations(dir)? {
            fs::remove_file(&path).map_err(TableError::io(format!("delete {}", path.display())))?;
        }
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
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
        let parts = form.files.into_iter().map(PartForm::part);
        Ok(Self {
            cursor: form.cursor,
            parts: parts.collect::<Result<_, _>>()?,
        })
    }
}

impl PartForm {
    fn part(self) -> Result<Part, String> {
        if !part::is_part_path(&self.path) {
            return Err(format!("{:?} is no path of a file of events", self.path));
        }
        let about = |error: &dyn std::fmt::Display| format!("{}: {error}", self.path);
        let [insight, management] = [EventCategory::Insight, EventCategory::Management]
            .map(|category| category.as_str().to_owned());
        let categories = match self.insight_rows {
            0 => (management.clone(), management),
            rows if rows == self.rows => (insight.clone(), insight),
            _ => (insight, management),
        };
        Ok(Part {
            account: self.account.parse().map_err(|error| about(&error))?,
            region: self.region.parse().map_err(|error| about(&error))?,
            rows: self.rows,
            bytes: self.bytes,
            oldest: self.oldest,
            newest: self.newest,
            categories,
            path: self.path,
        })
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
        }
    }
    Ok(found)
}

//! `--verify`: the digests that stand beside the files, checked by what `validate-logs` checks them with.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use pugmark_core::clock::parse_basic_seconds;
use pugmark_import::{File, Files, Open, Refused, is_digest};
use serde::Deserialize;

use super::{Command, Source, local::Local};
use crate::validate::{Chain, Store, judge};

/// No digest goes further back than this before its stamp.
const DIGEST_SPAN: SignedDuration = SignedDuration::from_hours(25);

/// What digests say of files. Without any, every file is taken.
#[derive(Default)]
pub(super) struct Verdicts {
    is_asked: bool,
    /// Paths as they are listed: `s3://bucket/key` or an absolute path.
    invalid: BTreeMap<String, &'static str>,
    valid: HashSet<String>,
}

impl Verdicts {
    /// The file; one that its digest disowns cannot be opened.
    pub(super) fn judge(&self, file: File) -> File {
        let path = format!("{}{}", file.folder, file.name);
        let refusal = match self.invalid.get(&path) {
            Some(words) => (*words).to_owned(),
            None if self.is_asked && !self.valid.contains(&path) && !is_digest(&path) => {
                "no valid digest has it".to_owned()
            }
            None => return file,
        };
        File {
            begin: Box::new(|| -> Open { Box::new(|| Err(io::Error::other(Refused(refusal)))) }),
            ..file
        }
    }
}

/// Where the digests of a source are.
struct Place {
    store: Arc<Store>,
    bucket: String,
    /// What stands before a key in the paths of a folder's files.
    root: String,
}

/// Checks all digests beside the sources.
///
/// # Errors
/// When there are none, or they cannot be read.
pub(super) async fn verify(command: &Command, sources: &[Source]) -> anyhow::Result<Verdicts> {
    let mut verdicts = Verdicts {
        is_asked: true,
        ..Verdicts::default()
    };
    let (mut chains, mut faulty) = (0, 0);
    for source in sources {
        let (place, keys) = match source {
            Source::Local(Local(path)) => of_folder(path)?,
            Source::Objects(objects) => {
                let prefix = beside(&objects.prefix);
                let all = |_: &str| false;
                let mut keys = objects
                    .store
                    .list(&objects.bucket, &prefix, "", all)
                    .await?;
                keys.retain(|key| is_digest(key) && !key.ends_with('/'));
                let place = Place {
                    store: objects.store.clone(),
                    bucket: objects.bucket.clone(),
                    root: String::new(),
                };
                (place, keys)
            }
        };
        for chain in chains_of(&place.bucket, &keys) {
            chains += 1;
            let keys = command.public_keys.as_deref();
            let judged = judge(&command.server, place.store.clone(), keys, chain).await;
            let (is_valid, logs) = judged.context("verify the digests")?;
            faulty += u64::from(!is_valid);
            for ((bucket, key), verdict) in logs {
                let path = match place.bucket.is_empty() {
                    true => format!("{}{key}", place.root),
                    // An older part of a chain may be in another bucket.
                    false => format!("s3://{bucket}/{key}"),
                };
                match verdict {
                    Ok(()) => _ = verdicts.valid.insert(path),
                    Err(words) => _ = verdicts.invalid.insert(path, words),
                }
            }
        }
    }
    if chains == 0 {
        bail!(
            "there is no digest beside these files: import without --verify, or give the folder above CloudTrail-Digest/"
        );
    }
    let faults = match faulty {
        0 => String::new(),
        count => format!(", {count} of them with invalid digests"),
    };
    println!(
        "{chains} chains of digests{faults}: {} files valid, {} not",
        verdicts.valid.len(),
        verdicts.invalid.len()
    );
    Ok(verdicts)
}

/// The part of a key up to the folder in which `CloudTrail/` and `CloudTrail-Digest/` are; all of it, if it ends above.
fn beside(prefix: &str) -> String {
    let mut above = String::new();
    for part in prefix.split_inclusive('/') {
        if part.trim_end_matches('/').starts_with("CloudTrail") {
            return above;
        }
        above.push_str(part);
    }
    above
}

/// A digest says where in its bucket it is: so the root of the copy is found.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whereabouts {
    digest_s3_object: String,
}

fn of_folder(path: &Path) -> anyhow::Result<(Place, Vec<String>)> {
    let path = fs::canonicalize(path).with_context(|| format!("{}", path.display()))?;
    let mut above = beside(&format!("{}/", path.to_string_lossy()));
    if !Path::new(&above).is_dir() {
        above = path
            .parent()
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
    }
    let mut found: Vec<String> = Vec::new();
    Local(PathBuf::from(&above)).list(&mut |file| {
        let path = format!("{}{}", file.folder, file.name);
        if is_digest(&path) {
            found.push(path);
        }
        true
    })?;
    let mut root = above;
    for path in &found {
        let Ok(bytes) = fs::read(path) else { continue };
        let decoder = flate2::read::GzDecoder::new(&bytes[..]);
        let Ok(digest) = serde_json::from_reader::<_, Whereabouts>(decoder) else {
            continue;
        };
        if let Some(before) = path.strip_suffix(&digest.digest_s3_object) {
            before.clone_into(&mut root);
            break;
        }
    }
    let keys = found
        .iter()
        .filter_map(|path| Some(path.strip_prefix(&root)?.to_owned()))
        .collect();
    let place = Place {
        store: Arc::new(Store::Folder(root.clone().into())),
        bucket: String::new(),
        root,
    };
    Ok((place, keys))
}

/// The chains that digests belong to: `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_STAMP[_backfill].json.gz`.
fn chains_of(bucket: &str, keys: &[String]) -> Vec<Chain> {
    let mut ranges: BTreeMap<(&str, &str), (Timestamp, Timestamp)> = BTreeMap::new();
    for key in keys {
        let Some((head, time)) = split(key) else {
            continue;
        };
        let range = ranges.entry(head).or_insert((time, time));
        *range = (range.0.min(time), range.1.max(time));
    }
    ranges
        .into_iter()
        .filter_map(|((folder, name), (oldest, newest))| {
            Some(Chain {
                bucket: bucket.to_owned(),
                folder: folder.to_owned(),
                name: name.to_owned(),
                region: name.split('_').nth(2)?.to_owned(),
                start: oldest.checked_sub(DIGEST_SPAN).ok()?,
                end: newest,
            })
        })
        .collect()
}

/// A digest's folder up to the Region, its name up to the stamp, and the stamp.
fn split(key: &str) -> Option<((&str, &str), Timestamp)> {
    let at = key.rfind('/').map_or(0, |at| at + 1);
    let name = key[at..].strip_suffix(".json.gz")?;
    let name = name.strip_suffix("_backfill").unwrap_or(name);
    let stamp = name.rsplit('_').next()?;
    let time = parse_basic_seconds(stamp)?;
    // `…/REGION/2026/01/19/`
    let folder = key[..at].trim_end_matches('/');
    let region_end = folder.rsplitn(4, '/').nth(3)?.len() + 1;
    Some((
        (&key[..region_end], &key[at..at + name.len() - stamp.len()]),
        time,
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn chains_are_found_by_the_names_of_digests() {
        let key = |day: u32, trail: &str, end: &str| {
            format!(
                "p/AWSLogs/1/CloudTrail-Digest/eu-west-1/2026/01/{day}/1_CloudTrail-Digest_eu-west-1_{trail}_us-east-1_202601{day}T010203Z{end}.json.gz"
            )
        };
        let keys = [
            key(19, "a_b", ""),
            key(21, "a_b", "_backfill"),
            key(20, "c", ""),
            "x".to_owned(),
        ];
        let chains = chains_of("bucket", &keys);
        let found: Vec<_> = chains
            .iter()
            .map(|it| (&*it.name, it.end.to_string()))
            .collect();
        assert_eq!(
            found,
            [
                (
                    "1_CloudTrail-Digest_eu-west-1_a_b_us-east-1_",
                    "2026-01-21T01:02:03Z".to_owned()
                ),
                (
                    "1_CloudTrail-Digest_eu-west-1_c_us-east-1_",
                    "2026-01-20T01:02:03Z".to_owned()
                ),
            ]
        );
        assert!(
            chains
                .iter()
                .all(|it| it.folder == "p/AWSLogs/1/CloudTrail-Digest/eu-west-1/")
        );
        assert!(chains.iter().all(|it| it.region == "eu-west-1"));
    }

    #[test]
    fn digests_are_looked_for_beside_the_files() {
        assert_eq!(
            beside("p/AWSLogs/1/CloudTrail/eu-west-1/2026/"),
            "p/AWSLogs/1/"
        );
        assert_eq!(beside("p/AWSLogs/"), "p/AWSLogs/");
        assert_eq!(beside(""), "");
    }
}

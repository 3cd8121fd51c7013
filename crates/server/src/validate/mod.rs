//! `pugmark validate-logs`: what `aws cloudtrail validate-logs` does, with the same verdicts and words, many files at a time;
//! over a folder too. It also tells of digests that are missing in a row, and of digests that are not what the next one says
//! of them.

mod digest;
mod plain;
mod report;
mod store;

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use pugmark_core::clock::{basic_seconds, date_path, iso_seconds};
use serde::Deserialize;
use tokio::task::JoinHandle;

pub(crate) use self::store::Store;
use self::{
    digest::{Digest, Fault, LogFile, is_backfill, stamp},
    report::{LogVerdicts, Report},
};
use crate::{client, lookup};

/// Objects that are read at a time.
const PARALLEL: usize = 64;
/// Most findings that wait for one before them; as many log files are checked at a time.
const UNTOLD_MAX: usize = 64;
/// From so many bytes on a file is unpacked and hashed where blocking is allowed.
const LARGE: usize = 256 * 1024;

/// Validate a trail's log files: nothing was changed, deleted or added since CloudTrail delivered them.
///
/// Exit code 0: all valid, 1: something is not, 2: error.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// The trail's ARN.
    #[arg(long, value_name = "ARN")]
    trail_arn: String,
    /// From when: 2026-01-19T21:00:00Z, 2026-01-19, or 7d ago.
    #[arg(long, value_name = "WHEN")]
    start_time: String,
    /// Until when, in the same forms (default: now).
    #[arg(long, value_name = "WHEN")]
    end_time: Option<String>,
    /// The bucket (default: asked of the server).
    #[arg(long, value_name = "BUCKET")]
    s3_bucket: Option<String>,
    /// The trail's key prefix, with --s3-bucket or --path.
    #[arg(long, value_name = "PREFIX")]
    s3_prefix: Option<String>,
    /// The organization of an organization trail, o-…
    #[arg(long, value_name = "ID")]
    organization_id: Option<String>,
    /// The account whose files are checked (default: the trail's).
    #[arg(long, value_name = "ID")]
    account_id: Option<String>,
    /// Check a copy of the bucket in this folder. A copy has no signatures of its own: each digest's is taken from the next
    /// one, so that the newest cannot be checked.
    #[arg(long, value_name = "FOLDER", conflicts_with = "s3_bucket")]
    path: Option<PathBuf>,
    /// Public keys, as `aws cloudtrail list-public-keys` prints them (default: asked of the server).
    #[arg(long, value_name = "FILE")]
    public_keys: Option<PathBuf>,
    /// Name valid files too.
    #[arg(long)]
    verbose: bool,
    /// Its Region is the one whose log files are checked.
    #[command(flatten)]
    server: client::Server,
}

/// The answer of `list-public-keys`.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "PublicKeyList")]
    keys: Vec<FileKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileKey {
    fingerprint: String,
    value: String,
}

/// What is checked, and with what.
struct Validator {
    server: client::Server,
    store: Arc<Store>,
    cloudtrail: aws_sdk_cloudtrail::Client,
    keys_given: bool,
    keys: HashMap<String, Vec<u8>>,
    chain: Chain,
    report: Report,
    untold: VecDeque<Finding>,
}

/// What was found out, or soon will be, and is told when all before it was.
enum Finding {
    /// Of a digest.
    Known(Box<dyn FnOnce(&mut Report) + Send>),
    /// Of a log file, by a task of its own: unpacking and hashing is most of the work, and spreads over the processors.
    Log(JoinHandle<anyhow::Result<(LogFile, Result<(), &'static str>)>>),
}

/// The digests of one trail, account and Region: what begins their keys, and the range of their stamps.
pub(crate) struct Chain {
    /// Empty in a folder.
    pub(crate) bucket: String,
    /// Up to the Region, with a slash at its end.
    pub(crate) folder: String,
    /// The file names up to the stamp.
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

/// Checks a trail's files and prints what AWS's validator prints.
///
/// # Errors
/// When the server or the bucket cannot be asked.
pub(crate) async fn run(command: Command) -> anyhow::Result<bool> {
    let now = Timestamp::now();
    let start = lookup::moment("--start-time", &command.start_time, now)?;
    let end = command
        .end_time
        .as_deref()
        .map_or(Ok(now), |text| lookup::moment("--end-time", text, now))?;
    if start > end {
        bail!("--start-time is after --end-time");
    }
    let (arn, trail) = client::trail_arn(&command.trail_arn)?;
    let config = command.server.config().await?;
    let region = config
        .region()
        .map_or("us-east-1", |region| region.as_ref())
        .to_owned();

    let (bucket, prefix) = match (&command.path, &command.s3_bucket) {
        (Some(_), _) => (String::new(), command.s3_prefix.clone()),
        (None, Some(bucket)) => (bucket.clone(), command.s3_prefix.clone()),
        (None, None) => described(&command.server, &command.trail_arn).await?,
    };
    let account = command.account_id.as_deref().unwrap_or(arn.account);
    let prefix = prefix
        .filter(|prefix| !prefix.is_empty())
        .map(|prefix| format!("{prefix}/"))
        .unwrap_or_default();
    let organization = command
        .organization_id
        .map(|id| format!("{id}/"))
        .unwrap_or_default();
    let chain = Chain {
        bucket,
        folder: format!("{prefix}AWSLogs/{organization}{account}/CloudTrail-Digest/{region}/"),
        name: format!(
            "{account}_CloudTrail-Digest_{region}_{trail}_{}_",
            arn.region
        ),
        region,
        start,
        end,
    };
    let store = Arc::new(match command.path {
        Some(path) => Store::Folder(path),
        None => Store::buckets(config, command.server.endpoint("S3")),
    });
    let report = Report::told(command.verbose);
    let keys = command.public_keys.as_deref();
    let mut validator = Validator::new(command.server, store, keys, chain, report).await?;
    println!(
        "Validating log files for trail {} between {} and {}\n",
        command.trail_arn,
        iso_seconds(start),
        iso_seconds(end)
    );
    validator.validate().await?;
    Ok(validator.report.summary(start, end))
}

/// Follows a chain as `validate-logs` does, tells of faults on standard error, and gives the verdict of each log file.
///
/// # Errors
/// When the server or the bucket cannot be asked.
pub(crate) async fn judge(
    server: &client::Server,
    store: Arc<Store>,
    public_keys: Option<&Path>,
    chain: Chain,
) -> anyhow::Result<(bool, LogVerdicts)> {
    let server = server.in_region(&chain.region);
    let mut validator = Validator::new(server, store, public_keys, chain, Report::kept()).await?;
    validator.validate().await?;
    let report = validator.report;
    let is_valid = report.digests.invalid + report.backfills.invalid == 0;
    Ok((is_valid, report.verdicts.unwrap_or_default()))
}

/// The bucket and prefix of a trail, from its server.
async fn described(server: &client::Server, arn: &str) -> anyhow::Result<(String, Option<String>)> {
    let cloudtrail = server.cloudtrail().await?;
    let answer = cloudtrail
        .describe_trails()
        .trail_name_list(arn)
        .send()
        .await;
    let answer = answer.map_err(|error| server.explain(&error))?;
    let trail = answer
        .trail_list()
        .first()
        .with_context(|| format!("there is no trail {arn}"))?;
    let bucket = trail.s3_bucket_name().context("the trail has no bucket")?;
    Ok((bucket.to_owned(), trail.s3_key_prefix().map(str::to_owned)))
}

fn read_keys(path: &Path) -> anyhow::Result<HashMap<String, Vec<u8>>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let file: KeyFile = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is not what `aws cloudtrail list-public-keys` prints",
            path.display()
        )
    })?;
    file.keys
        .into_iter()
        .map(|key| {
            Ok((
                key.fingerprint,
                STANDARD.decode(key.value).context("a public key")?,
            ))
        })
        .collect()
}

impl Validator {
    async fn new(
        server: client::Server,
        store: Arc<Store>,
        public_keys: Option<&Path>,
        chain: Chain,
        report: Report,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            cloudtrail: server.cloudtrail().await?,
            server,
            store,
            keys_given: public_keys.is_some(),
            keys: public_keys.map(read_keys).transpose()?.unwrap_or_default(),
            chain,
            report,
            untold: VecDeque::new(),
        })
    }

    async fn validate(&mut self) -> anyhow::Result<()> {
        let listed = self.listed(&self.chain.bucket).await?;
        let (backfills, digests): (Vec<String>, Vec<String>) =
            listed.into_iter().partition(|key| is_backfill(key));
        if !self.keys_given {
            let until = self.chain.end + SignedDuration::from_hours(2);
            self.load_keys(self.chain.start, until).await?;
            if self.keys.is_empty() {
                bail!(
                    "No public keys found between {} and {}",
                    iso_seconds(self.chain.start),
                    iso_seconds(until)
                );
            }
        }
        self.walk(digests, false).await?;
        self.walk(backfills, true).await
    }

    /// The digests' keys in the range, oldest first.
    async fn listed(&self, bucket: &str) -> anyhow::Result<Vec<String>> {
        let chain = &self.chain;
        let before = chain.start - SignedDuration::from_mins(1);
        let (first, last) = (
            basic_seconds(chain.start),
            basic_seconds(chain.end + SignedDuration::from_hours(1)),
        );
        let after = format!(
            "{}{}/{}{}.json.gz",
            chain.folder,
            date_path(before),
            chain.name,
            basic_seconds(before)
        );
        let is_past = |key: &str| stamp(key).is_some_and(|stamp| stamp > last.as_str());
        let mut keys = self
            .store
            .list(bucket, &chain.folder, &after, is_past)
            .await?;
        keys.retain(|key| {
            let file = key.rsplit('/').next().unwrap_or_default();
            let stamp = stamp(key).unwrap_or_default();
            file.starts_with(&chain.name)
                && file.len() - chain.name.len() <= "20150817T150131Z_backfill.json.gz".len()
                && stamp >= first.as_str()
                && stamp <= last.as_str()
        });
        Ok(keys)
    }

    async fn load_keys(&mut self, from: Timestamp, until: Timestamp) -> anyhow::Result<()> {
        let mut token = None;
        loop {
            let time = |at: Timestamp| aws_smithy_types::DateTime::from_secs(at.as_second());
            let request = self
                .cloudtrail
                .list_public_keys()
                .start_time(time(from))
                .end_time(time(until));
            let page = request.set_next_token(token).send().await;
            let page = page.map_err(|error| self.server.explain(&error))?;
            for key in page.public_key_list() {
                if let (Some(fingerprint), Some(value)) = (key.fingerprint(), key.value()) {
                    self.keys
                        .insert(fingerprint.to_owned(), value.as_ref().to_vec());
                }
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// Follows one chain, and tells all that was found of it.
    async fn walk(&mut self, keys: Vec<String>, backfill: bool) -> anyhow::Result<()> {
        let followed = self.follow(keys, backfill).await;
        while !self.untold.is_empty() {
            self.tell_next().await?;
        }
        followed
    }

    /// Follows one chain from its newest digest back, as AWS's validator does: along the links, and where one is broken on
    /// with the next older key of the listing. It does not wait for the log files of one digest before it goes on.
    async fn follow(&mut self, mut keys: Vec<String>, backfill: bool) -> anyhow::Result<()> {
        let mut bucket = self.chain.bucket.clone();
        let mut ahead = self.read_ahead(&bucket, &keys).await?;
        let mut next = keys.pop();
        let mut began = None;
        // What the digest after says of this one.
        let mut claim: Option<Digest> = None;
        while let Some(key) = next.take() {
            if began.is_some_and(|began| began < self.chain.start) {
                break;
            }
            let found = match ahead.remove(&key) {
                Some(found) => found,
                None => self.read(&bucket, &key).await?,
            };
            let Some(read) = found else {
                let name = name_of(&bucket, &key);
                self.tell(move |report| {
                    report.invalid_digest(backfill, &name, "INVALID: not found");
                });
                next = before(&mut keys, &key);
                if let (Some(older), Some(newer)) = (next.clone(), claim.take()) {
                    self.tell(move |report| report.missing_in_a_row(&key, &older, &newer));
                }
                continue;
            };
            let checked = match read {
                Ok(mut digest) => {
                    self.borrow_signature(&mut digest, claim.as_ref());
                    self.verify(digest, &bucket, &key, claim.as_ref()).await?
                }
                Err(fault) => Err(fault),
            };
            let digest = match checked {
                Ok(digest) => digest,
                Err(Unsure::Invalid(fault)) => {
                    let (name, words) = (name_of(&bucket, &key), fault.words(&self.chain.region));
                    self.tell(move |report| report.invalid_digest(backfill, &name, &words));
                    next = before(&mut keys, &key);
                    claim = None;
                    continue;
                }
                Err(Unsure::Unsigned(digest)) => {
                    let name = name_of(&bucket, &key);
                    self.tell(move |report| {
                        report.say(&format!(
                            "Digest file\t{name}\tnot checked: the newest digest's signature is in the bucket only"
                        ));
                    });
                    *digest
                }
            };
            began = digest.digest_start_time.parse().ok();
            if digest.signature.is_some() {
                let name = name_of(&bucket, &key);
                let span = self.span(&digest);
                self.tell(move |report| report.valid_digest(backfill, &name, span));
                self.check_logs(&digest.log_files).await?;
            }
            match (
                &digest.previous_digest_s3_bucket,
                &digest.previous_digest_s3_object,
            ) {
                (Some(previous_bucket), Some(previous_key)) => {
                    next = Some(previous_key.clone());
                    if *previous_bucket != bucket && self.store.has_metadata() {
                        bucket.clone_from(previous_bucket);
                        keys = self.listed(&bucket).await?;
                        keys.retain(|key| is_backfill(key) == backfill);
                        ahead = self.read_ahead(&bucket, &keys).await?;
                    }
                    claim = Some(digest);
                }
                _ => {
                    next = before(&mut keys, &key);
                    if let (Some(older), Some(began)) = (next.clone(), began) {
                        self.tell(move |report| report.gap(backfill, &older, began));
                    }
                    claim = None;
                }
            }
        }
        Ok(())
    }

    /// A copy in a folder has lost the digest's signature; the next digest repeats it.
    fn borrow_signature(&self, digest: &mut Digest, claim: Option<&Digest>) {
        if digest.signature.is_none() && !self.store.has_metadata() {
            digest.signature = claim.and_then(|newer| newer.previous_digest_signature.clone());
        }
    }

    async fn verify(
        &mut self,
        digest: Digest,
        bucket: &str,
        key: &str,
        claim: Option<&Digest>,
    ) -> anyhow::Result<Result<Digest, Unsure>> {
        if digest.signature.is_none() {
            return Ok(Err(Unsure::Unsigned(Box::new(digest))));
        }
        if let Some(made) = digest.generated
            && !self.keys_given
            && !self
                .keys
                .contains_key(&digest.digest_public_key_fingerprint)
        {
            let hour = SignedDuration::from_hours(1);
            self.load_keys(made - hour, made + hour).await?;
        }
        let bucket = self.store.has_metadata().then_some(bucket);
        if let Err(fault) = digest.verify(bucket, key, &self.keys) {
            return Ok(Err(Unsure::Invalid(fault)));
        }
        let is_other = claim
            .and_then(|newer| newer.previous_digest_hash_value.as_deref())
            .is_some_and(|hash| !hash.eq_ignore_ascii_case(&digest.sha256));
        Ok(if is_other {
            Err(Unsure::Invalid(Fault::Hash))
        } else {
            Ok(digest)
        })
    }

    /// Reads all of them, many at a time.
    async fn read_ahead(
        &mut self,
        bucket: &str,
        keys: &[String],
    ) -> anyhow::Result<HashMap<String, Found>> {
        let this = &*self;
        let found: Vec<(String, Found)> = stream::iter(keys.iter().cloned())
            .map(|key| async move {
                let read = this.read(bucket, &key).await?;
                Ok::<_, anyhow::Error>((key, read))
            })
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        let logs = found
            .iter()
            .filter_map(|(_, found)| found.as_ref()?.as_ref().ok())
            .map(|digest| digest.log_files.len());
        self.report.expected += logs.sum::<usize>();
        Ok(found.into_iter().collect())
    }

    async fn read(&self, bucket: &str, key: &str) -> anyhow::Result<Found> {
        let object = self.store.get(bucket, key).await?;
        let read =
            |object| Digest::read(key, &object, self.store.has_metadata()).map_err(Unsure::Invalid);
        Ok(object.map(read))
    }

    /// The part of the asked time that a digest is about.
    fn span(&self, digest: &Digest) -> Option<(Timestamp, Timestamp)> {
        let from: Timestamp = digest.digest_start_time.parse().ok()?;
        let to: Timestamp = digest.digest_end_time.parse().ok()?;
        Some((from.max(self.chain.start), to.min(self.chain.end)))
    }

    /// Begins to check a digest's log files; waits while there are many of which nothing is known yet.
    async fn check_logs(&mut self, logs: &[LogFile]) -> anyhow::Result<()> {
        for log in logs {
            while self.untold.len() >= UNTOLD_MAX {
                self.tell_next().await?;
            }
            let check = check_log(self.store.clone(), log.clone());
            self.untold.push_back(Finding::Log(tokio::spawn(check)));
        }
        Ok(())
    }

    /// Tells of a digest, after all that was found before.
    fn tell(&mut self, finding: impl FnOnce(&mut Report) + Send + 'static) {
        if self.untold.is_empty() {
            finding(&mut self.report);
        } else {
            self.untold.push_back(Finding::Known(Box::new(finding)));
        }
    }

    /// Tells of the oldest finding that was not told yet, once it is known.
    async fn tell_next(&mut self) -> anyhow::Result<()> {
        match self.untold.pop_front() {
            Some(Finding::Known(finding)) => finding(&mut self.report),
            Some(Finding::Log(check)) => {
                let (log, verdict) = check.await??;
                self.report.log(&log, verdict);
            }
            None => {}
        }
        Ok(())
    }
}

async fn check_log(
    store: Arc<Store>,
    log: LogFile,
) -> anyhow::Result<(LogFile, Result<(), &'static str>)> {
    let Some(object) = store.get(&log.s3_bucket, &log.s3_object).await? else {
        return Ok((log, Err("INVALID: not found")));
    };
    let verdict = match object.body.len() {
        // A large file must not keep others waiting.
        LARGE.. => {
            let hash = log.hash_value.clone();
            tokio::task::spawn_blocking(move || digest::check_log(&object.body, &hash)).await?
        }
        _ => digest::check_log(&object.body, &log.hash_value),
    };
    Ok((log, verdict))
}

/// A digest that was looked for: not there, not readable, or read.
type Found = Option<Result<Digest, Unsure>>;

/// Why a digest is not known to be valid.
enum Unsure {
    Invalid(Fault),
    /// Nothing says what its signature is.
    Unsigned(Box<Digest>),
}

/// Takes the newest key that is older than `key`.
fn before(keys: &mut Vec<String>, key: &str) -> Option<String> {
    let at = stamp(key)?.to_owned();
    while let Some(older) = keys.pop() {
        if stamp(&older).is_some_and(|stamp| stamp < at.as_str()) {
            return Some(older);
        }
    }
    None
}

fn name_of(bucket: &str, key: &str) -> String {
    if bucket.is_empty() {
        key.to_owned()
    } else {
        format!("s3://{bucket}/{key}")
    }
}

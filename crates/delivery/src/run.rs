//! The follower's loop, and the workers that put what was sealed.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use pugmark_catalog::{Trail, TrailId};
use pugmark_core::{
    account::{AccountId, Region},
    clock::Clock,
    limits,
    service::ServiceError,
};
use pugmark_journal::{Journal, Seq};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    DeliveryError,
    bucket::{Bucket, PutObject},
    core::{Core, Limits},
    keys::{Keys, PublicKey},
    layout,
    ledger::{Announcement, Changes, Item, Lane, Ledger},
    policy::{self, PolicyCheck},
    status::TrailStatus,
};

/// How much of the journal is read at a time.
const READ_BYTES: usize = 4 * 1024 * 1024;
/// Entries before the position that are looked at after a start.
const REMEMBERED_MAX: u64 = 10_000;
/// How long the follower sleeps at the most while nothing happens.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// First and longest pause between tries of a put.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long a put may take.
const PUT_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the last puts may take at shutdown; what is left is put at the next start.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(15);

/// How delivery works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long an event waits for others.
    pub delivery_interval: Duration,
    /// How often a digest is written.
    pub digest_interval: Duration,
    /// Bytes of events that wait in memory before they are sealed early.
    pub open_bytes_max: usize,
    /// Bytes of one log file before compression, at most; a batch that has them is sealed early.
    pub file_bytes_max: usize,
    /// Events of one log file, at most; a batch that has them is sealed early.
    pub file_events_max: usize,
    /// How a bucket's policy is judged when a trail is made or changed.
    pub policy_check: PolicyCheck,
    /// Bytes of files that wait to be put; at the bound no more is read from the journal.
    pub spool_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delivery_interval: Duration::from_secs(60),
            digest_interval: Duration::from_secs(3600),
            open_bytes_max: 40 * 1024 * 1024,
            file_bytes_max: limits::LOG_FILE_BYTES_MAX,
            file_events_max: usize::MAX,
            policy_check: PolicyCheck::Auto,
            spool_bytes_max: 10 * 1024 * 1024 * 1024,
        }
    }
}

/// What a trail's bucket says before the trail is made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no such bucket.
    #[error("bucket does not exist")]
    NoSuchBucket,
    /// The bucket refuses.
    #[error("bucket refuses: {message}")]
    Denied {
        /// S3's code and words.
        message: String,
    },
    /// S3 may not use the trail's key.
    #[error("key refuses: {code}")]
    Key {
        /// S3's code, such as `KMS.DisabledException`.
        code: String,
    },
    /// The bucket is another account's, and the prefix is among the folders of its trails.
    #[error("the prefix is for trails of the bucket's owner")]
    ForeignFolder,
    /// S3 does not answer.
    #[error("bucket cannot be reached: {message}")]
    Unreachable {
        /// What was tried.
        message: String,
    },
}

/// The port to SNS.
#[async_trait::async_trait]
pub trait Announcer: Send + Sync + 'static {
    /// Publishes a message to a topic, by its ARN. A refusal (with a code) is not asked again.
    async fn publish(&self, topic: &str, message: &str) -> Result<(), ServiceError>;
}

/// Delivery: a follower of the journal, and what others ask of it. Cheap to clone.
#[derive(Clone)]
pub struct Delivery(Arc<Inner>);

struct Inner {
    core: tokio::sync::Mutex<Option<Core>>,
    journal: Arc<dyn Journal>,
    bucket: Arc<dyn Bucket>,
    announcer: Arc<dyn Announcer>,
    clock: Arc<dyn Clock>,
    ledger: Arc<Ledger>,
    keys: Arc<Keys>,
    settings: Settings,
    position: watch::Sender<Seq>,
    statuses: Mutex<HashMap<String, TrailStatus>>,
    /// The key of each trail, by its id, as it is now: files that wait are put with it (observed with AWS), or those of a trail
    /// whose key is gone would wait for ever.
    trail_keys: Mutex<HashMap<String, Option<String>>>,
}

impl Delivery {
    /// Opens ledger and keys; recovery is done by [`Delivery::run`].
    ///
    /// # Errors
    /// When the ledger cannot be read, or the journal no longer has what was not delivered.
    pub async fn open(
        dir: PathBuf,
        journal: Arc<dyn Journal>,
        bucket: Arc<dyn Bucket>,
        announcer: Arc<dyn Announcer>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, DeliveryError> {
        let seconds =
            |duration: Duration| i64::try_from(duration.as_secs().max(1)).unwrap_or(i64::MAX / 4);
        let bounds = Limits {
            delivery_seconds: seconds(settings.delivery_interval),
            digest_seconds: seconds(settings.digest_interval),
            open_bytes_max: settings.open_bytes_max,
            file_bytes_max: settings.file_bytes_max.min(limits::LOG_FILE_BYTES_MAX),
            file_events_max: settings.file_events_max.max(1),
        };
        let first = journal.first().0;
        let opened = tokio::task::spawn_blocking(move || -> Result<_, DeliveryError> {
            std::fs::create_dir_all(&dir)
                .map_err(DeliveryError::io(format!("create {}", dir.display())))?;
            let ledger = Arc::new(Ledger::open(&dir)?);
            let keys = Arc::new(Keys::open(dir.join("keys"))?);
            let statuses = ledger.statuses()?.into_iter().collect();
            Ok((
                Core::open(ledger.clone(), keys.clone(), bounds, first)?,
                ledger,
                keys,
                statuses,
            ))
        });
        let (core, ledger, keys, statuses) = joined(opened.await)?;
        let position = watch::Sender::new(Seq(core.position));
        let trail_keys = Mutex::new(core.trail_keys());
        Ok(Self(Arc::new(Inner {
            core: tokio::sync::Mutex::new(Some(core)),
            journal,
            bucket,
            announcer,
            clock,
            ledger,
            keys,
            settings,
            position,
            statuses: Mutex::new(statuses),
            trail_keys,
        })))
    }

    /// Journal entries below are sealed or not wanted: delivery does not need them again.
    pub fn position(&self) -> watch::Receiver<Seq> {
        self.0.position.subscribe()
    }

    /// What `GetTrailStatus` tells of a trail in a Region.
    pub fn status(&self, trail: &TrailId, region: &Region) -> TrailStatus {
        self.0
            .statuses()
            .get(&status_key(&trail.0, region.as_str()))
            .cloned()
            .unwrap_or_default()
    }

    /// The public keys of a Region whose validity touches the range.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub fn public_keys(
        &self,
        region: &Region,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<PublicKey>, DeliveryError> {
        self.0.keys.public(region, from, to)
    }

    /// Checks a trail's bucket as CreateTrail does: it is there, and the empty marker objects can be put. A prefix with
    /// `AWSLogs/` is for callers whose account has the bucket.
    ///
    /// # Errors
    /// When it is not, or they cannot.
    pub async fn check(&self, trail: &Trail, caller: AccountId) -> Result<(), CheckError> {
        let said = |error: ServiceError| match error.code {
            Some(code) if code == "NoSuchBucket" => CheckError::NoSuchBucket,
            Some(code) if code.starts_with("KMS.") => CheckError::Key { code },
            Some(code) => CheckError::Denied {
                message: format!("{code}: {}", error.message),
            },
            None => CheckError::Unreachable {
                message: error.message,
            },
        };
        if !self.0.bucket.exists(&trail.bucket).await.map_err(said)? {
            return Err(CheckError::NoSuchBucket);
        }
        if self
            .0
            .bucket
            .is_requester_pays(&trail.bucket)
            .await
            .map_err(said)?
        {
            return Err(CheckError::Denied {
                message: "requesters pay for the bucket".to_owned(),
            });
        }
        let is_among_logs = trail
            .key_prefix
            .as_deref()
            .is_some_and(|prefix| format!("{prefix}/").contains("AWSLogs/"));
        if is_among_logs
            && !self
                .0
                .bucket
                .is_of(&trail.bucket, caller)
                .await
                .map_err(said)?
        {
            return Err(CheckError::ForeignFolder);
        }
        if self.0.settings.policy_check != PolicyCheck::Ignored {
            let policy = self.0.bucket.policy(&trail.bucket).await.map_err(said)?;
            policy::check(self.0.settings.policy_check, policy.as_deref(), trail).map_err(
                |fault| CheckError::Denied {
                    message: fault.to_string(),
                },
            )?;
        }
        let folders = ["CloudTrail", "CloudTrail-Digest"];
        for folder in &folders[..if trail.log_file_validation { 2 } else { 1 }] {
            for key in layout::markers(trail, folder) {
                let object = PutObject {
                    bucket: trail.bucket.clone(),
                    key,
                    body: Bytes::new(),
                    metadata: BTreeMap::new(),
                    kms_key_id: trail.kms_key_id.clone(),
                };
                self.0.bucket.put(object).await.map_err(said)?;
            }
        }
        Ok(())
    }

    /// Follows the journal until `shutdown` turns true; then seals what is open and puts what can be put in a short time.
    ///
    /// # Errors
    /// When the ledger or the journal fails, or an entry cannot be understood: delivery stops, the rest goes on.
    pub async fn run(&self, mut shutdown: watch::Receiver<bool>) -> Result<(), DeliveryError> {
        let mut core = self
            .0
            .core
            .lock()
            .await
            .take()
            .ok_or_else(|| DeliveryError::Ledger("already running".into()))?;
        core = self.remember(core).await?;
        let mut head = self.0.journal.head();
        let mut workers = Workers {
            inner: self.0.clone(),
            tasks: JoinSet::new(),
            busy: HashSet::new(),
        };
        workers.start_for_all_items();
        loop {
            head.mark_unchanged();
            core = self.step(core, &mut workers).await?;
            let pause = core
                .next_moment()
                .map_or(IDLE_MAX, |at| until(self.0.clock.now(), at));
            tokio::select! {
                changed = head.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    // A moment for neighbours: entries come in groups.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                () = tokio::time::sleep(pause) => {}
                done = workers.finished(), if workers.is_busy() => done?,
                () = stopped(&mut shutdown) => break,
            }
        }
        let core = self.step(core, &mut workers).await?;
        let now = self.0.clock.now();
        let mut core = blocking(core, move |core| core.seal(now)).await?;
        self.0.position.send_replace(Seq(core.position));
        workers.start_for_all_items();
        if tokio::time::timeout(SHUTDOWN_GRACE, workers.drain())
            .await
            .is_err()
        {
            tracing::warn!(
                "some log files could not be delivered before the shutdown; the next start delivers them"
            );
        }
        core.save_position()?;
        Ok(())
    }

    /// Goes through the entries before the position once more: an event that stands on both sides of it is delivered once.
    async fn remember(&self, mut core: Core) -> Result<Core, DeliveryError> {
        let (journal, end) = (&self.0.journal, core.position);
        let mut at = journal.first().0.max(end.saturating_sub(REMEMBERED_MAX));
        while at < end {
            let entries = journal.read(Seq(at), READ_BYTES).await?;
            let before = entries.iter().take_while(|entry| entry.seq.0 < end);
            before.for_each(|entry| core.remember(entry));
            at = entries.last().map_or(end, |entry| entry.seq.0 + 1);
        }
        Ok(core)
    }

    /// Errors of buckets and topics that trails no longer have are over (observed with AWS).
    async fn follow_moves(&self, core: &mut Core) -> Result<(), DeliveryError> {
        let moved = std::mem::take(&mut core.moved);
        if moved.iter().any(|one| one.key) {
            *self.0.trail_keys() = core.trail_keys();
        }
        if moved.is_empty() {
            return Ok(());
        }
        let mut changes = Changes::default();
        {
            let mut statuses = self.0.statuses();
            for one in moved {
                let of_trail = format!("{}/", one.trail);
                for (key, status) in statuses
                    .iter_mut()
                    .filter(|(key, _)| key.starts_with(&of_trail))
                {
                    status.moved(one.bucket, one.topic);
                    changes.put_status.push((key.clone(), status.clone()));
                }
            }
        }
        let inner = self.0.clone();
        joined(tokio::task::spawn_blocking(move || inner.ledger.commit(&changes)).await)
    }

    /// Reads what is there, seals what is due, and sets workers on what was sealed.
    async fn step(&self, mut core: Core, workers: &mut Workers) -> Result<Core, DeliveryError> {
        let inner = &self.0;
        while inner.ledger.spooled_bytes() < inner.settings.spool_bytes_max {
            let entries = inner.journal.read(Seq(core.next), READ_BYTES).await?;
            if entries.is_empty() {
                break;
            }
            let now = inner.clock.now();
            core = blocking(core, move |core| {
                entries
                    .into_iter()
                    .try_for_each(|entry| core.take(entry, now))
            })
            .await?;
            self.follow_moves(&mut core).await?;
            workers.start_for_all_items();
        }
        let now = inner.clock.now();
        let digest_due = core.next_moment().is_some_and(|at| at <= now);
        if core.is_due(now) || digest_due || core.position + 1000 < core.next {
            core = blocking(core, move |core| {
                if core.is_due(now) {
                    core.seal(now)?;
                }
                core.seal_windows(now)?;
                core.seal_digests(now)?;
                core.save_position()
            })
            .await?;
            workers.start_for_all_items();
        }
        inner.position.send_replace(Seq(core.position));
        Ok(core)
    }
}

impl Inner {
    fn trail_keys(&self) -> std::sync::MutexGuard<'_, HashMap<String, Option<String>>> {
        self.trail_keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn statuses(&self) -> std::sync::MutexGuard<'_, HashMap<String, TrailStatus>> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a trail's items for a bucket in order until none is left; a failing put is tried again for as long as it takes.
    async fn deliver(self: Arc<Self>, lane: Lane) -> Result<Work, DeliveryError> {
        loop {
            let (inner, of_lane) = (self.clone(), lane.clone());
            let items = tokio::task::spawn_blocking(move || inner.ledger.items_of(&of_lane)).await;
            let items = joined(items)?;
            if items.is_empty() {
                return Ok(Work::Files(lane));
            }
            for item in items {
                self.put(item).await?;
            }
        }
    }

    /// Tells topics of a trail's log files, in order. A refusal is told in the trail's status and not tried again, as at AWS;
    /// a topic that does not answer is tried for as long as it takes.
    async fn announce(self: Arc<Self>, trail: String) -> Result<Work, DeliveryError> {
        loop {
            let (inner, of_trail) = (self.clone(), trail.clone());
            let rows =
                tokio::task::spawn_blocking(move || inner.ledger.announcements_of(&of_trail));
            let rows = joined(rows.await)?;
            if rows.is_empty() {
                return Ok(Work::Announcements(trail));
            }
            for row in rows {
                self.announce_one(row).await?;
            }
        }
    }

    async fn announce_one(self: &Arc<Self>, row: Announcement) -> Result<(), DeliveryError> {
        let message =
            serde_json::json!({"s3Bucket": row.bucket, "s3ObjectKey": [row.key]}).to_string();
        let key = status_key(&row.trail, &row.region);
        let mut backoff = Backoff(BACKOFF_FIRST);
        let result = loop {
            match self.announcer.publish(&row.topic, &message).await {
                Ok(()) => break Ok(()),
                Err(ServiceError {
                    code: Some(code),
                    message,
                }) => {
                    tracing::warn!(
                        topic = row.topic,
                        code,
                        error = message,
                        "the topic refuses to be told of a log file"
                    );
                    break Err(code);
                }
                Err(error) => {
                    tracing::warn!(
                        topic = row.topic,
                        error = error.message,
                        "the topic cannot be told; it is tried again"
                    );
                    let now = self.clock.now();
                    self.statuses()
                        .entry(key.clone())
                        .or_default()
                        .notified(Err(Some(ServiceError::NOT_REACHED)), now);
                }
            }
            backoff.wait(&row.key).await;
        };
        let now = self.clock.now();
        let status = {
            let mut statuses = self.statuses();
            let status = statuses.entry(key.clone()).or_default();
            status.notified(
                match &result {
                    Ok(()) => Ok(()),
                    Err(code) => Err(Some(code.as_str())),
                },
                now,
            );
            status.clone()
        };
        let changes = Changes {
            put_status: vec![(key, status)],
            remove_announcements: vec![row],
            ..Changes::default()
        };
        let inner = self.clone();
        let committed = tokio::task::spawn_blocking(move || inner.ledger.commit(&changes));
        joined(committed.await)
    }

    async fn put(self: &Arc<Self>, item: Item) -> Result<(), DeliveryError> {
        let is_digest = item.signature.is_some();
        let mut backoff = Backoff(BACKOFF_FIRST);
        let body = Bytes::from(self.ledger.read_spool(&item.spool)?);
        loop {
            let object = PutObject {
                bucket: item.bucket.clone(),
                key: item.key.clone(),
                body: body.clone(),
                metadata: metadata(&item),
                kms_key_id: match self.trail_keys().get(&item.trail) {
                    Some(key) => key.clone(),
                    None => item.kms_key_id.clone(),
                },
            };
            let code = match tokio::time::timeout(PUT_TIMEOUT, self.bucket.put(object)).await {
                Ok(Ok(())) => break,
                Ok(Err(error)) => {
                    tracing::warn!(
                        bucket = item.bucket,
                        key = item.key,
                        code = error.code,
                        error = error.message,
                        "delivery failed; it is tried again"
                    );
                    Some(error.status_code())
                }
                Err(_) => {
                    tracing::warn!(
                        bucket = item.bucket,
                        key = item.key,
                        "delivery timed out; it is tried again"
                    );
                    None
                }
            };
            let key = status_key(&item.trail, &item.region);
            self.statuses().entry(key).or_default().failed(
                is_digest,
                code.as_deref(),
                self.clock.now(),
            );
            backoff.wait(&item.key).await;
        }
        let now = self.clock.now();
        let key = status_key(&item.trail, &item.region);
        let status = {
            let mut statuses = self.statuses();
            let status = statuses.entry(key.clone()).or_default();
            status.succeeded(is_digest, now);
            status.clone()
        };
        let mut changes = Changes::after_put(&item);
        changes.put_status.push((key, status));
        let inner = self.clone();
        let committed = tokio::task::spawn_blocking(move || {
            inner.ledger.commit(&changes)?;
            inner.ledger.remove_spool(&item.spool);
            tracing::debug!(
                bucket = item.bucket,
                key = item.key,
                events = item.events,
                bytes = item.bytes,
                "delivered"
            );
            Ok(())
        });
        joined(committed.await)
    }
}

fn metadata(item: &Item) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::new();
    if let Some(signature) = &item.signature {
        metadata.insert("signature".to_owned(), signature.clone());
        metadata.insert("signature-algorithm".to_owned(), "SHA256withRSA".to_owned());
    }
    metadata
}

/// What one worker does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Work {
    /// Puts files.
    Files(Lane),
    /// Tells the topic of a trail, by its id.
    Announcements(String),
}

/// One worker for each trail and bucket with items: a bucket that is down holds up no other trail, nor this one once it was
/// given another bucket.
struct Workers {
    inner: Arc<Inner>,
    tasks: JoinSet<Result<Work, DeliveryError>>,
    busy: HashSet<Work>,
}

impl Workers {
    fn start_for_all_items(&mut self) {
        for lane in self.inner.ledger.lanes_with_items() {
            if self.busy.insert(Work::Files(lane.clone())) {
                self.tasks.spawn(self.inner.clone().deliver(lane));
            }
        }
        for trail in self.inner.ledger.trails_with_announcements() {
            if self.busy.insert(Work::Announcements(trail.clone())) {
                self.tasks.spawn(self.inner.clone().announce(trail));
            }
        }
    }

    fn is_busy(&self) -> bool {
        !self.busy.is_empty()
    }

    /// Waits for one worker to end; starts another if its trail got more meanwhile.
    async fn finished(&mut self) -> Result<(), DeliveryError> {
        let Some(done) = self.tasks.join_next().await else {
            return Ok(());
        };
        let work = joined(done)?;
        self.busy.remove(&work);
        self.start_for_all_items();
        Ok(())
    }

    async fn drain(&mut self) -> Result<(), DeliveryError> {
        while self.is_busy() {
            self.finished().await?;
        }
        Ok(())
    }
}

/// Ends when the switch is turned, or when nobody is left to turn it.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // The borrowed value must not live on across an await of the caller.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

fn status_key(trail: &str, region: &str) -> String {
    format!("{trail}/{region}")
}

/// Runs work on the state where blocking is allowed.
async fn blocking(
    mut core: Core,
    work: impl FnOnce(&mut Core) -> Result<(), DeliveryError> + Send + 'static,
) -> Result<Core, DeliveryError> {
    let done = tokio::task::spawn_blocking(move || work(&mut core).map(|()| core));
    joined(done.await)
}

fn joined<T>(
    done: Result<Result<T, DeliveryError>, tokio::task::JoinError>,
) -> Result<T, DeliveryError> {
    done.map_err(|error| DeliveryError::Ledger(format!("a task failed: {error}")))?
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
    wait.clamp(Duration::from_millis(20), IDLE_MAX)
}

/// The pause before the next try, which doubles up to a bound.
struct Backoff(Duration);

impl Backoff {
    async fn wait(&mut self, key: &str) {
        tokio::time::sleep(self.0.mul_f64(0.75 + 0.5 * jitter(key, self.0))).await;
        self.0 = (self.0 * 2).min(BACKOFF_MAX);
    }
}

/// A fraction from 0 to 1 that differs between keys and tries, so that many retries do not come at once.
fn jitter(key: &str, backoff: Duration) -> f64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (key, backoff.as_millis()).hash(&mut hasher);
    (hasher.finish() % 1000) as f64 / 1000.0
}

//! The follower that fills the queues, and the senders that empty them.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use pugmark_catalog::{Catalog, Change, Trail, TrailId};
use pugmark_core::{
    account::AccountId,
    clock::Clock,
    event::{self, Event, EventCategory},
    service::ServiceError,
};
use pugmark_journal::{EntryKind, Journal, Seq, Stored};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    NotifyError,
    queue::{Queue, Row, TargetStatus},
    service::{BusEntry, LogEvent, Services},
};

/// How much of the journal is read at a time.
const READ_BYTES: usize = 4 * 1024 * 1024;
/// How often the position is saved while nothing is queued.
const SAVE_INTERVAL: Duration = Duration::from_secs(2);
/// How long the follower sleeps at the most while nothing happens.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// First and longest pause between tries.
const BACKOFF_FIRST: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long the last sends may take at shutdown; what is left is sent after the next start.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// CloudWatch Logs: events and bytes of one call. Each event counts 26 bytes beside its message, which is less than its keys
/// have in the queue.
const LOGS_EVENTS_MAX: usize = 10_000;
const LOGS_BYTES_MAX: usize = 1_048_576;
const LOGS_OVERHEAD: usize = 26;
/// The largest event that CloudWatch Logs takes, with its overhead.
const LOGS_EVENT_BYTES_MAX: usize = 256 * 1024;
/// EventBridge: entries and bytes of one call.
const BUS_ENTRIES_MAX: usize = 10;
const BUS_BYTES_MAX: usize = 256 * 1024;
/// EventBridge: what an entry's time counts (EventBridge user guide, "Calculating PutEvents event entry size").
const BUS_TIME_BYTES: usize = 14;
/// The queue of EventBridge; those of CloudWatch Logs are `logs/` and the trail's id.
const BUS: &str = "bus";

/// What is told, and how much may wait.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether EventBridge gets events.
    pub bus: bool,
    /// Whether it gets read-only management events too, as rules in the state
    /// `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS` do.
    pub bus_reads: bool,
    /// Bytes that may wait for one target; at the bound its newer events are skipped and counted.
    pub queue_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bus: true,
            bus_reads: false,
            queue_bytes_max: 1024 * 1024 * 1024,
        }
    }
}

/// The follower, and what others ask of it. Cheap to clone.
#[derive(Clone)]
pub struct Notifier(Arc<Inner>);

struct Inner {
    journal: Arc<dyn Journal>,
    services: Arc<dyn Services>,
    clock: Arc<dyn Clock>,
    queue: Queue,
    settings: Settings,
    /// Saved: what is below is in the queues or not wanted, whatever happens.
    position: watch::Sender<Seq>,
    /// Read up to here, and when the position was last saved.
    next: Mutex<(Seq, Option<Instant>)>,
    /// The catalog as of `next`.
    catalog: Mutex<Arc<Catalog>>,
    statuses: Mutex<HashMap<String, TargetStatus>>,
}

impl Notifier {
    /// Opens the queues. At the first start it begins at the journal's head, with the catalog as it is now.
    ///
    /// # Errors
    /// When the queue file cannot be read.
    pub async fn open(
        dir: PathBuf,
        journal: Arc<dyn Journal>,
        now: Arc<Catalog>,
        services: Arc<dyn Services>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, NotifyError> {
        let opened = tokio::task::spawn_blocking(move || {
            let queue = Queue::open(&dir)?;
            let (saved, statuses) = (queue.saved()?, queue.statuses()?);
            Ok((queue, saved, statuses))
        });
        let (queue, saved, statuses) = joined(opened.await)?;
        let (position, catalog) = match saved {
            Some((position, catalog)) => {
                let catalog = Catalog::decode(&catalog)
                    .map_err(|error| NotifyError::Queue(error.to_string()))?;
                (Seq(position), Arc::new(catalog))
            }
            None => (*journal.head().borrow(), now),
        };
        Ok(Self(Arc::new(Inner {
            journal,
            services,
            clock,
            queue,
            settings,
            position: watch::Sender::new(position),
            next: Mutex::new((position, None)),
            catalog: Mutex::new(catalog),
            statuses: Mutex::new(statuses),
        })))
    }

    /// Journal entries below are in the queues or not wanted.
    pub fn position(&self) -> watch::Receiver<Seq> {
        self.0.position.subscribe()
    }

    /// How telling CloudWatch Logs of a trail's events goes.
    pub fn logs_status(&self, trail: &TrailId) -> TargetStatus {
        self.0.status(&logs_target(trail))
    }

    /// Follows the journal until `shutdown` turns true.
    ///
    /// # Errors
    /// When the journal or the queue file fails, or an entry cannot be understood.
    pub async fn run(&self, mut shutdown: watch::Receiver<bool>) -> Result<(), NotifyError> {
        let mut head = self.0.journal.head();
        let mut senders = Senders {
            inner: self.0.clone(),
            tasks: JoinSet::new(),
            busy: HashSet::new(),
        };
        senders.start();
        loop {
            head.mark_unchanged();
            self.step().await?;
            senders.start();
            tokio::select! {
                changed = head.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    // A moment for neighbours: entries come in groups.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                () = tokio::time::sleep(IDLE_MAX) => {
                    let inner = self.0.clone();
                    joined(tokio::task::spawn_blocking(move || inner.save()).await)?;
                }
                done = senders.finished(), if senders.is_busy() => done?,
                () = stopped(&mut shutdown) => break,
            }
        }
        self.step().await?;
        let inner = self.0.clone();
        joined(tokio::task::spawn_blocking(move || inner.save()).await)?;
        senders.start();
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, senders.drain()).await;
        Ok(())
    }

    /// Reads what is there and queues what somebody shall get.
    async fn step(&self) -> Result<(), NotifyError> {
        loop {
            let mut from = self.0.next().0;
            if from < self.0.journal.first() {
                tracing::error!(
                    position = from.0,
                    "the journal begins later: events in between are told to nobody"
                );
                from = self.0.journal.first();
            }
            let entries = self.0.journal.read(from, READ_BYTES).await?;
            if entries.is_empty() {
                return Ok(());
            }
            let inner = self.0.clone();
            joined(tokio::task::spawn_blocking(move || inner.take(entries)).await)?;
        }
    }
}

impl Inner {
    fn status(&self, target: &str) -> TargetStatus {
        self.statuses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(target)
            .cloned()
            .unwrap_or_default()
    }

    fn set_status(&self, target: &str, status: &TargetStatus) {
        self.statuses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(target.to_owned(), status.clone());
    }

    fn next(&self) -> std::sync::MutexGuard<'_, (Seq, Option<Instant>)> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Saves the position if it moved since.
    fn save(&self) -> Result<(), NotifyError> {
        let next = self.next().0;
        if next != *self.position.borrow() {
            let encoded = self.catalog().encode();
            self.queue.advance(next.0, Some(&encoded), &[])?;
            *self.next() = (next, Some(Instant::now()));
            self.position.send_replace(next);
        }
        Ok(())
    }

    fn catalog(&self) -> Arc<Catalog> {
        self.catalog
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn take(&self, entries: Vec<Stored>) -> Result<(), NotifyError> {
        let mut catalog = self.catalog();
        let (mut rows, mut changed, mut position) = (Vec::new(), false, 0);
        for Stored { seq, entry } in entries {
            position = seq.next().0;
            let broken = |detail: String| NotifyError::Entry { seq: seq.0, detail };
            match entry.kind {
                EntryKind::Intent => {}
                EntryKind::Catalog => {
                    let change = Change::decode(&entry.payload)
                        .map_err(|error| broken(error.to_string()))?;
                    let before = catalog.clone();
                    Arc::make_mut(&mut catalog).apply(change);
                    self.forget_errors(&before, &catalog);
                    changed = true;
                }
                EntryKind::Event => {
                    if !self.settings.bus
                        && catalog
                            .trails
                            .values()
                            .all(|trail| trail.logs_group_arn.is_none())
                    {
                        continue;
                    }
                    let event =
                        event::decode(&entry.payload).map_err(|error| broken(error.to_string()))?;
                    self.route(&catalog, &event, &entry.payload, seq, &mut rows);
                }
            }
        }
        // Most of what passes is for nobody here: the position alone is saved now and then, not with every group of calls.
        let saved_at = self.next().1;
        let is_due = saved_at.is_none_or(|at| at.elapsed() >= SAVE_INTERVAL);
        if rows.is_empty() && !changed && !is_due {
            *self.next() = (Seq(position), saved_at);
            return Ok(());
        }
        // At the first save the catalog is written too, changed or not.
        let encoded = (changed || saved_at.is_none()).then(|| catalog.encode());
        self.queue.advance(position, encoded.as_deref(), &rows)?;
        *self.next() = (Seq(position), Some(Instant::now()));
        *self.catalog.lock().unwrap_or_else(PoisonError::into_inner) = catalog;
        self.position.send_replace(Seq(position));
        Ok(())
    }

    /// What a log group said that a trail no longer has is over.
    fn forget_errors(&self, before: &Catalog, after: &Catalog) {
        for trail in before.trails.values() {
            let now = after.trails.get(&trail.arn);
            let is_same = |now: &Trail| {
                (&now.id, &now.logs_group_arn, &now.logs_role_arn)
                    == (&trail.id, &trail.logs_group_arn, &trail.logs_role_arn)
            };
            if trail.logs_group_arn.is_some() && !now.is_some_and(is_same) {
                let target = logs_target(&trail.id);
                let status = TargetStatus {
                    latest_error: None,
                    ..self.status(&target)
                };
                self.set_status(&target, &status);
            }
        }
    }

    fn route(
        &self,
        catalog: &Catalog,
        event: &Event,
        payload: &Bytes,
        seq: Seq,
        rows: &mut Vec<Row>,
    ) {
        let mut put = |target: String, size: usize, size_max: usize| {
            if self.queue.waiting(&target) >= self.settings.queue_bytes_max {
                self.skip(&target, "its queue is full");
                return;
            }
            if size > size_max {
                self.skip(&target, "the record is larger than the service takes");
                return;
            }
            rows.push((target, seq.0, payload.clone()));
        };
        let mut is_wanted = false;
        for trail in catalog
            .trails
            .values()
            .filter(|trail| trail.wants(&event.keys))
        {
            is_wanted = true;
            let takes = matches!(
                event.keys.category,
                EventCategory::Management | EventCategory::Data | EventCategory::Insight
            );
            if takes && trail.logs_group_arn.is_some() {
                let size = event.json.len() + LOGS_OVERHEAD;
                put(logs_target(&trail.id), size, LOGS_EVENT_BYTES_MAX);
            }
        }
        if self.settings.bus && is_wanted && self.is_for_bus(event) {
            put(BUS.to_owned(), size_on_bus(event), BUS_BYTES_MAX);
        }
    }

    fn is_for_bus(&self, event: &Event) -> bool {
        match event.keys.category {
            EventCategory::Management => {
                self.settings.bus_reads || event.keys.read_only != Some(true)
            }
            EventCategory::Aggregated => false,
            _ => true,
        }
    }

    fn count_skipped(&self, target: &str, why: &str) {
        metrics::counter!("pugmark_notifications_skipped_total", "target" => kind_of(target))
            .increment(1);
        tracing::warn!(target, why, "an event is not told");
    }

    fn skip(&self, target: &str, why: &str) {
        self.count_skipped(target, why);
        let mut status = self.status(target);
        status.skipped += 1;
        self.set_status(target, &status);
    }

    /// Empties one queue, oldest first, however long it takes.
    async fn send_all(self: Arc<Self>, target: String) -> Result<String, NotifyError> {
        let mut backoff = BACKOFF_FIRST;
        loop {
            let (inner, of) = (self.clone(), target.clone());
            let (rows, bytes) = if target == BUS {
                (BUS_ENTRIES_MAX, BUS_BYTES_MAX)
            } else {
                (LOGS_EVENTS_MAX, LOGS_BYTES_MAX)
            };
            let oldest = tokio::task::spawn_blocking(move || inner.queue.oldest(&of, rows, bytes));
            let rows = joined(oldest.await)?;
            if rows.is_empty() {
                return Ok(target);
            }
            let mut events = Vec::with_capacity(rows.len());
            for (key, payload) in rows {
                let event = event::decode(&payload)
                    .map_err(|error| NotifyError::Queue(format!("{key}: {error}")))?;
                events.push((key, event));
            }
            let sent = match target.as_str() {
                BUS => self.send_to_bus(&events).await,
                _ => self.send_to_logs(&target, &events).await,
            };
            let mut status = self.status(&target);
            match sent {
                Ok((keys, refused)) => {
                    backoff = BACKOFF_FIRST;
                    status.latest_delivery_time = Some(self.clock.now());
                    status.latest_error = refused.first().and_then(|error| error.code.clone());
                    status.skipped += refused.len() as u64;
                    self.set_status(&target, &status);
                    let (inner, of) = (self.clone(), target.clone());
                    let done =
                        tokio::task::spawn_blocking(move || inner.queue.done(&of, &keys, &status));
                    joined(done.await)?;
                }
                Err(error) => {
                    metrics::counter!("pugmark_notification_failures_total", "target" => kind_of(&target)).increment(1);
                    tracing::warn!(
                        target,
                        code = error.code,
                        error = error.message,
                        "telling failed; it is tried again"
                    );
                    status.latest_error = Some(error.status_code());
                    self.set_status(&target, &status);
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
        }
    }

    /// Sends the events of the first one's account; gives their keys.
    async fn send_to_logs(
        &self,
        target: &str,
        events: &[(String, Event)],
    ) -> Result<(Vec<String>, Vec<ServiceError>), ServiceError> {
        let catalog = self.catalog();
        let trail = catalog
            .trails
            .values()
            .find(|trail| logs_target(&trail.id) == target);
        let Some((trail, group, role)) = trail.and_then(|trail| {
            Some((
                trail,
                trail.logs_group_arn.as_ref()?,
                trail.logs_role_arn.as_ref()?,
            ))
        }) else {
            // The trail is gone, or no longer wants it.
            return Ok((
                events.iter().map(|(key, _)| key.clone()).collect(),
                Vec::new(),
            ));
        };
        // Each account of an organization has a stream of its own.
        let Some(account) = events.first().map(|(_, event)| event.keys.account) else {
            return Ok((Vec::new(), Vec::new()));
        };
        let of_account = events
            .iter()
            .filter(|(_, event)| event.keys.account == account);
        let (keys, mut batch): (Vec<String>, Vec<LogEvent>) = of_account
            .map(|(key, event)| {
                let event = LogEvent {
                    time: self.clock.now(),
                    message: String::from_utf8_lossy(&event.json).into_owned(),
                };
                (key.clone(), event)
            })
            .unzip();
        let stream = stream_name(trail, account);
        let mut refused = Vec::new();
        while !batch.is_empty() {
            let put = self.services.put_logs(role, group, &stream, batch.clone());
            match put.await {
                Err(error) if error.code.as_deref() == Some("ResourceNotFoundException") => {
                    self.services.create_stream(role, group, &stream).await?;
                    self.services
                        .put_logs(role, group, &stream, batch.clone())
                        .await?;
                }
                // A service that takes less than AWS's: the largest event is left out, or it would hold up all others.
                Err(error) if is_too_large(&error) => {
                    let sizes = batch.iter().map(|event| event.message.len());
                    if let Some((largest, size)) = sizes.enumerate().max_by_key(|(_, size)| *size) {
                        batch.remove(largest);
                        self.count_skipped(target, "CloudWatch Logs says that it is too large");
                        tracing::warn!(target, size, error = error.message, "an event is refused");
                    }
                    refused.push(error);
                    continue;
                }
                other => other?,
            }
            break;
        }
        Ok((keys, refused))
    }

    /// Sends the events of the first one's Region; gives their keys, and why some were refused.
    async fn send_to_bus(
        &self,
        events: &[(String, Event)],
    ) -> Result<(Vec<String>, Vec<ServiceError>), ServiceError> {
        let Some((_, first)) = events.first() else {
            return Ok((Vec::new(), Vec::new()));
        };
        let region = first.keys.region.clone();
        let of_region: Vec<_> = events
            .iter()
            .filter(|(_, event)| event.keys.region == region)
            .collect();
        let entries: Vec<BusEntry> = of_region.iter().map(|(_, event)| entry(event)).collect();
        let answers = self.services.put_events(&region, entries).await?;
        let (mut keys, mut refused) = (Vec::new(), Vec::new());
        for ((key, _), answer) in of_region.iter().zip(answers) {
            match answer {
                // What failed inside the service is tried again.
                Some(error)
                    if matches!(
                        error.code.as_deref(),
                        Some("ThrottlingException" | "InternalFailure" | "InternalException")
                    ) => {}
                Some(error) => {
                    tracing::warn!(
                        code = error.code,
                        error = error.message,
                        "EventBridge refuses an event"
                    );
                    keys.push(key.clone());
                    refused.push(error);
                }
                None => keys.push(key.clone()),
            }
        }
        for error in &refused {
            self.count_skipped(BUS, &error.message);
        }
        match keys.is_empty() {
            true => Err(ServiceError {
                code: None,
                message: "EventBridge took none of the events".to_owned(),
            }),
            false => Ok((keys, refused)),
        }
    }
}

/// The log stream of a trail for an account: `ACCOUNT_CloudTrail_REGION`, of an organization's trail with its id before.
pub fn stream_name(trail: &Trail, account: AccountId) -> String {
    let own = format!("{account}_CloudTrail_{}", trail.home_region);
    match trail.organization_id() {
        Some(organization) => format!("{organization}_{own}"),
        None => own,
    }
}

/// `source` and `detail-type`.
fn entry_names(event: &Event) -> (String, &'static str) {
    let keys = &event.keys;
    let label = keys.source.split('.').next().unwrap_or_default();
    let (source, detail_type) = match (keys.category, keys.event_type.as_str()) {
        (EventCategory::Insight, _) => ("cloudtrail", "AWS Insight via CloudTrail"),
        (EventCategory::NetworkActivity, _) => (label, "AWS Network Activity Event via CloudTrail"),
        (_, "AwsConsoleSignIn") => (label, "AWS Console Sign In via CloudTrail"),
        (_, "AwsConsoleAction") => (label, "AWS Console Action via CloudTrail"),
        (_, "AwsServiceEvent") => (label, "AWS Service Event via CloudTrail"),
        _ => (label, "AWS API Call via CloudTrail"),
    };
    (format!("aws.{source}"), detail_type)
}

fn entry(event: &Event) -> BusEntry {
    let (source, detail_type) = entry_names(event);
    BusEntry {
        source,
        detail_type,
        time: event.keys.time,
        detail: String::from_utf8_lossy(&event.json).into_owned(),
    }
}

/// What EventBridge counts of an entry.
fn size_on_bus(event: &Event) -> usize {
    let (source, detail_type) = entry_names(event);
    BUS_TIME_BYTES + source.len() + detail_type.len() + event.json.len()
}

/// CloudWatch Logs has no code of its own for an event over its bound, only words: `Log event too large: 262145 bytes …`.
fn is_too_large(error: &ServiceError) -> bool {
    error.code.as_deref() == Some("InvalidParameterException")
        && error.message.to_lowercase().contains("too large")
}

fn logs_target(trail: &TrailId) -> String {
    format!("logs/{}", trail.0)
}

fn kind_of(target: &str) -> &'static str {
    if target == BUS { "events" } else { "logs" }
}

/// One sender for each queue with rows: a target that is down holds up no other.
struct Senders {
    inner: Arc<Inner>,
    tasks: JoinSet<Result<String, NotifyError>>,
    busy: HashSet<String>,
}

impl Senders {
    fn start(&mut self) {
        for target in self.inner.queue.targets() {
            if self.busy.insert(target.clone()) {
                self.tasks.spawn(self.inner.clone().send_all(target));
            }
        }
    }

    fn is_busy(&self) -> bool {
        !self.busy.is_empty()
    }

    async fn finished(&mut self) -> Result<(), NotifyError> {
        let Some(done) = self.tasks.join_next().await else {
            return Ok(());
        };
        let target = joined(done)?;
        self.busy.remove(&target);
        self.start();
        Ok(())
    }

    async fn drain(&mut self) -> Result<(), NotifyError> {
        while self.is_busy() {
            self.finished().await?;
        }
        Ok(())
    }
}

async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

fn joined<T>(
    done: Result<Result<T, NotifyError>, tokio::task::JoinError>,
) -> Result<T, NotifyError> {
    done.map_err(|error| NotifyError::Queue(format!("a task failed: {error}")))?
}

#[cfg(test)]
mod tests;

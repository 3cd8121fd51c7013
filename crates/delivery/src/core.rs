//! The follower's state: plain and synchronous; `run` moves it along.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;
use pugmark_catalog::{Catalog, Change, Trail, TrailArn};
use pugmark_core::{
    account::{AccountId, Region},
    event::{self, EventCategory},
    limits::RECORD_BYTES_MAX,
};
use pugmark_journal::{EntryKind, Stored};
use uuid::Uuid;

use crate::{
    DeliveryError,
    aggregate::{self, Names, Window},
    batch::{Batch, Rendered, Stream},
    digest,
    keys::Keys,
    layout,
    ledger::{Chain, Changes, Covered, Item, Ledger, Previous, seconds},
};

/// Event ids remembered, so that an event that was appended twice is delivered once.
const RECENT_IDS_MAX: usize = 50_000;

/// What the state needs to know of the settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) delivery_seconds: i64,
    pub(crate) digest_seconds: i64,
    /// Bytes of events in all open batches together.
    pub(crate) open_bytes_max: usize,
    /// Bytes of one log file before compression.
    pub(crate) file_bytes_max: usize,
    /// Events of one log file.
    pub(crate) file_events_max: usize,
}

impl Limits {
    /// Whether a batch is to be sealed: it has as many events as a file may have, or so many bytes that the next event might
    /// not fit.
    fn is_full(&self, batch: &Batch) -> bool {
        let spare = RECORD_BYTES_MAX.min(self.file_bytes_max / 8);
        batch.len() >= self.file_events_max || batch.bytes + spare >= self.file_bytes_max
    }
}

/// A trail whose files or notifications go elsewhere from now on: what was told of the earlier place is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The trail's id.
    pub(crate) trail: String,
    /// Its bucket is another.
    pub(crate) bucket: bool,
    /// Its topic is another, or none.
    pub(crate) topic: bool,
    /// Its key is another, or none.
    pub(crate) key: bool,
}

pub(crate) struct Core {
    pub(crate) ledger: Arc<Ledger>,
    keys: Arc<Keys>,
    limits: Limits,
    catalog: Catalog,
    /// Trails that were stopped or deleted: what happened up to then is still theirs, also when it is read later. Each
    /// stands here as it was, with `stopped` as its end.
    retired: Catalog,
    open: BTreeMap<Stream, Batch>,
    open_bytes: usize,
    /// A batch has all that one file may have.
    is_full: bool,
    /// Trails that were moved since somebody took this.
    pub(crate) moved: Vec<Moved>,
    /// When the oldest open batch must be sealed.
    due: Option<Timestamp>,
    /// The next entry to read.
    pub(crate) next: u64,
    /// What the ledger says: everything before is sealed.
    pub(crate) position: u64,
    next_item: u64,
    pub(crate) chains: BTreeMap<String, Chain>,
    /// End of the newest digest by trail's ARN, account and Region. A trail that was deleted and made anew has two chains
    /// for a while, and the end is all that tells their digests' keys apart.
    newest_ends: BTreeMap<String, i64>,
    /// Counts of aggregated events, up to `next`.
    windows: BTreeMap<String, Window>,
    /// Windows that changed, or were closed, since the ledger last heard of them.
    touched_windows: BTreeSet<String>,
    recent: HashSet<Uuid>,
    recent_order: VecDeque<Uuid>,
}

impl Core {
    pub(crate) fn open(
        ledger: Arc<Ledger>,
        keys: Arc<Keys>,
        limits: Limits,
        first: u64,
    ) -> Result<Self, DeliveryError> {
        let decode = |bytes: Option<Vec<u8>>| match bytes {
            Some(bytes) => {
                Catalog::decode(&bytes).map_err(|error| DeliveryError::Ledger(error.to_string()))
            }
            None => Ok(Catalog::default()),
        };
        let position = ledger.position()?.unwrap_or(0);
        if position < first {
            return Err(DeliveryError::Gap { position, first });
        }
        Ok(Self {
            catalog: decode(ledger.catalog()?)?,
            retired: decode(ledger.retired()?)?,
            next_item: ledger.next_item()?,
            chains: ledger.chains()?.into_iter().collect(),
            newest_ends: BTreeMap::new(),
            windows: ledger.windows()?.into_iter().collect(),
            touched_windows: BTreeSet::new(),
            ledger,
            keys,
            limits,
            open: BTreeMap::new(),
            open_bytes: 0,
            is_full: false,
            moved: Vec::new(),
            due: None,
            next: position,
            position,
            recent: HashSet::new(),
            recent_order: VecDeque::new(),
        })
    }

    /// The key of each trail, by its id. Those that were stopped or deleted keep the one that they had, unless they are on
    /// again.
    pub(crate) fn trail_keys(&self) -> HashMap<String, Option<String>> {
        let trails = self.retired.trails.values();
        trails
            .chain(self.catalog.trails.values())
            .map(|trail| (trail.id.0.clone(), trail.kms_key_id.clone()))
            .collect()
    }

    /// Takes the next entry of the journal.
    pub(crate) fn take(&mut self, stored: Stored, now: Timestamp) -> Result<(), DeliveryError> {
        let seq = stored.seq.0;
        let broken = |detail: String| DeliveryError::Entry { seq, detail };
        match stored.entry.kind {
            EntryKind::Intent => {}
            EntryKind::Catalog => {
                let change = Change::decode(&stored.entry.payload)
                    .map_err(|error| broken(error.to_string()))?;
                self.apply(change, now)?;
            }
            EntryKind::Event => {
                let event = event::decode(&stored.entry.payload)
                    .map_err(|error| broken(error.to_string()))?;
                self.take_event(seq, event, now);
            }
        }
        self.next = seq + 1;
        if self.is_full || self.open_bytes >= self.limits.open_bytes_max {
            self.seal(now)?;
        }
        Ok(())
    }

    fn take_event(&mut self, seq: u64, event: event::Event, now: Timestamp) {
        let keys = &event.keys;
        let current = self
            .catalog
            .trails
            .values()
            .filter(|trail| trail.wants(keys));
        let is_late = |trail: &&Trail| {
            trail
                .stopped
                .is_some_and(|stopped| keys.time.as_second() <= stopped.as_second())
                && trail.wants(keys)
        };
        let retired = self.retired.trails.values().filter(is_late);
        let wanting: Vec<&Trail> = current.chain(retired).collect();
        if wanting.is_empty() || !self.recent.insert(keys.id) {
            return;
        }
        let mut names = None;
        for trail in wanting {
            if keys.category == EventCategory::Data && !trail.aggregations.is_empty() {
                let names = names.get_or_insert_with(|| Names::of(&event));
                let lag = self.limits.delivery_seconds;
                let name = aggregate::key(trail, keys);
                let window = self.windows.entry(name.clone());
                window
                    .or_insert_with(|| Window::open(trail, keys, now, lag))
                    .count(&trail.aggregations, names);
                self.touched_windows.insert(name);
            }
            let stream = Stream {
                trail: trail.id.0.clone(),
                account: keys.account,
                region: keys.region.clone(),
                folder: layout::folder(keys.category),
            };
            let batch = self
                .open
                .entry(stream)
                .or_insert_with(|| Batch::new(trail.arn.clone()));
            batch.push(keys.time, seq, keys.id, event.json.clone());
            self.is_full |= self.limits.is_full(batch);
            self.open_bytes += event.json.len() + 64;
        }
        self.recent_order.push_back(keys.id);
        self.forget_oldest();
        self.due
            .get_or_insert_with(|| plus(now, self.limits.delivery_seconds));
    }

    fn forget_oldest(&mut self) {
        if self.recent_order.len() > RECENT_IDS_MAX
            && let Some(oldest) = self.recent_order.pop_front()
        {
            self.recent.remove(&oldest);
        }
    }

    /// Remembers an entry that was taken in an earlier life.
    pub(crate) fn remember(&mut self, stored: &Stored) {
        if stored.entry.kind == EntryKind::Event
            && let Ok(event) = event::decode(&stored.entry.payload)
            && self.recent.insert(event.keys.id)
        {
            self.recent_order.push_back(event.keys.id);
            self.forget_oldest();
        }
    }

    /// Applies a change of the catalog. What changes the way of events seals the open batches first, so that a batch
    /// belongs to one state of its trail.
    fn apply(&mut self, change: Change, now: Timestamp) -> Result<(), DeliveryError> {
        let (arn, new, ended) = match &change {
            Change::PutTrail(trail) => (trail.arn.clone(), Some((**trail).clone()), trail.stopped),
            Change::DeleteTrail(arn, ended) => (arn.clone(), None, *ended),
            // Who may change trails changes no trail.
            Change::PutDelegates(_) => {
                self.catalog.apply(change);
                return Ok(());
            }
        };
        let old = self.catalog.trails.get(&arn).cloned();
        let same = match (&old, &new) {
            (Some(old), Some(new)) => is_same_for_delivery(old, new),
            (None, None) => true,
            _ => false,
        };
        if !same {
            if let Some(old) = &old {
                self.close_windows(now, |window| window.trail == old.id.0)?;
            }
            self.seal(now)?;
        }
        self.catalog.apply(change);
        if same {
            return Ok(());
        }
        if let (Some(old), Some(new)) = (&old, &new)
            && old.id == new.id
        {
            let moved = Moved {
                trail: new.id.0.clone(),
                bucket: old.bucket != new.bucket,
                topic: old.topic_arn() != new.topic_arn(),
                key: old.kms_key_id != new.kms_key_id,
            };
            if moved.bucket || moved.topic || moved.key {
                self.moved.push(moved);
            }
        }
        let was_on = old.as_ref().is_some_and(|trail| trail.is_logging);
        let is_on = new.as_ref().is_some_and(|trail| trail.is_logging);
        if let Some(old) = &old
            && was_on
            && !is_on
        {
            // The entry's own time: it may be read long after.
            self.retired.apply(Change::PutTrail(Box::new(Trail {
                stopped: Some(ended.unwrap_or(now)),
                ..old.clone()
            })));
        } else if is_on {
            self.retired.trails.remove(&arn);
        }
        let was_proving = old
            .as_ref()
            .is_some_and(|trail| trail.is_logging && trail.log_file_validation);
        let is_proving = new
            .as_ref()
            .is_some_and(|trail| trail.is_logging && trail.log_file_validation);
        let mut changes = self.progress();
        match (&old, &new) {
            (Some(old), _) if was_proving && !is_proving => {
                self.close_chains(&old.id.0, now, &mut changes)
            }
            (_, Some(new)) if is_proving => {
                self.move_chains(new, &mut changes);
                let home = format!("{}/{}/{}", new.id.0, new.account, new.home_region);
                if !was_proving && !self.chains.contains_key(&home) {
                    self.start_chain(new, new.account, &new.home_region, now, &mut changes)?;
                }
            }
            _ => {}
        }
        self.ledger.commit(&changes)?;
        // The entry itself is read again after a crash now: applying it twice is the same as once.
        Ok(())
    }

    /// The ledger's view of where the follower stands; open batches must have been sealed.
    fn progress(&mut self) -> Changes {
        self.position = self.next;
        let touched = std::mem::take(&mut self.touched_windows);
        let (put_windows, remove_windows): (Vec<_>, Vec<_>) = touched
            .into_iter()
            .partition(|name| self.windows.contains_key(name));
        let put_windows = put_windows
            .into_iter()
            .filter_map(|name| Some((name.clone(), self.windows.get(&name)?.clone())));
        Changes {
            put_windows: put_windows.collect(),
            remove_windows,
            position: Some(self.next),
            catalog: Some(self.catalog.encode().to_vec()),
            retired: Some(self.retired.encode().to_vec()),
            ..Changes::default()
        }
    }

    /// Whether open batches have waited long enough.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// When something is to be done next.
    pub(crate) fn next_moment(&self) -> Option<Timestamp> {
        // The last digest of a chain waits for its files, not for a moment.
        let digests = self
            .chains
            .iter()
            .filter(|(name, chain)| chain.closing.is_none() || !self.ledger.has_logs(name))
            .map(|(_, chain)| chain.closing.map_or(chain.end, |at| at + 1));
        let windows = self.windows.values().map(|window| self.due_of(window));
        self.due
            .into_iter()
            .chain(windows.filter_map(|at| Timestamp::from_second(at).ok()))
            .chain(digests.filter_map(|at| Timestamp::from_second(at).ok()))
            .min()
    }

    fn due_of(&self, window: &Window) -> i64 {
        window.due(self.limits.delivery_seconds)
    }

    /// Seals the aggregated events of windows whose time is over.
    pub(crate) fn seal_windows(&mut self, now: Timestamp) -> Result<(), DeliveryError> {
        let lag = self.limits.delivery_seconds;
        let is_over = |window: &Window| window.due(lag) <= seconds(now);
        if self.windows.values().any(is_over) {
            self.close_windows(now, is_over)?;
            self.seal(now)?;
        }
        Ok(())
    }

    /// Turns the counts of windows into events of the open batches; a seal must follow before anything is read.
    fn close_windows(
        &mut self,
        now: Timestamp,
        is_over: impl Fn(&Window) -> bool,
    ) -> Result<(), DeliveryError> {
        let (over, rest) = std::mem::take(&mut self.windows)
            .into_iter()
            .partition(|(_, window)| is_over(window));
        self.windows = rest;
        let closed: BTreeMap<String, Window> = over;
        for (name, window) in closed {
            let broken = |error: &dyn std::fmt::Display| DeliveryError::Ledger(error.to_string());
            let stream = Stream {
                account: window.account.parse().map_err(|error| broken(&error))?,
                region: window.region.parse().map_err(|error| broken(&error))?,
                folder: layout::folder(EventCategory::Aggregated),
                trail: window.trail.clone(),
            };
            let batch = self
                .open
                .entry(stream)
                .or_insert_with(|| Batch::new(TrailArn(window.trail_arn.clone())));
            let time = Timestamp::from_second(window.start).unwrap_or(now);
            for (id, json) in window.render() {
                self.open_bytes += json.len() + 64;
                batch.push(time, self.next, id, json.into());
            }
            self.touched_windows.insert(name);
        }
        Ok(())
    }

    /// Saves the position when nothing is open: what was read and not wanted need not be read again.
    pub(crate) fn save_position(&mut self) -> Result<(), DeliveryError> {
        if self.open.is_empty() && self.position != self.next {
            let changes = self.progress();
            self.ledger.commit(&changes)?;
        }
        Ok(())
    }

    /// Seals all open batches: spools their files and commits them with the position.
    pub(crate) fn seal(&mut self, now: Timestamp) -> Result<(), DeliveryError> {
        let open = std::mem::take(&mut self.open);
        (self.open_bytes, self.due, self.is_full) = (0, None, false);
        let mut changes = self.progress();
        for (stream, batch) in open {
            let trail = self
                .catalog
                .trails
                .get(&batch.trail)
                .filter(|trail| trail.id.0 == stream.trail && trail.is_logging);
            let trail = trail.or_else(|| {
                self.retired
                    .trails
                    .get(&batch.trail)
                    .filter(|trail| trail.id.0 == stream.trail)
            });
            let Some(trail) = trail.cloned() else {
                continue;
            };
            let files = batch
                .render(self.limits.file_bytes_max, self.limits.file_events_max)
                .map_err(DeliveryError::io("compress a log file"))?;
            for file in files {
                self.add_log_file(&trail, &stream, file, now, &mut changes)?;
            }
        }
        self.ledger.commit(&changes)
    }

    fn add_log_file(
        &mut self,
        trail: &Trail,
        stream: &Stream,
        file: Rendered,
        now: Timestamp,
        changes: &mut Changes,
    ) -> Result<(), DeliveryError> {
        let chain = stream.chain();
        // Two files of windows may come from the same position: their item tells them apart.
        let origin = match stream.folder == layout::folder(EventCategory::Aggregated) {
            true => format!("{stream}/{}", self.next_item),
            false => stream.to_string(),
        };
        let unique = layout::unique(&origin, file.first_seq, file.last_seq);
        let key = layout::log_file(
            trail.key_prefix.as_deref(),
            trail.organization_id(),
            stream.account,
            stream.folder,
            &stream.region,
            now,
            &unique,
        );
        if trail.log_file_validation && trail.is_logging && !self.chains.contains_key(&chain) {
            self.start_chain(trail, stream.account, &stream.region, now, changes)?;
        }
        let covered = self.chains.contains_key(&chain).then(|| Covered {
            bucket: trail.bucket.clone(),
            key: key.clone(),
            sha256: file.sha256,
            newest: seconds(file.newest),
            oldest: seconds(file.oldest),
        });
        let (region, events) = (stream.region.to_string(), file.events as u64);
        self.add_item(
            &trail_of(trail),
            chain,
            region,
            key,
            events,
            file.gzip,
            covered,
            None,
            changes,
        )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one row of the ledger, built in one place"
    )]
    fn add_item(
        &mut self,
        to: &Destination,
        chain: String,
        region: String,
        key: String,
        events: u64,
        bytes: Vec<u8>,
        covered: Option<Covered>,
        signature: Option<String>,
        changes: &mut Changes,
    ) -> Result<(), DeliveryError> {
        let number = self.next_item;
        let spool = format!("{number:020}.json.gz");
        self.ledger.spool(&spool, &bytes)?;
        self.next_item += 1;
        changes.add_items.push(Item {
            number,
            trail: to.trail.clone(),
            chain,
            region,
            bucket: to.bucket.clone(),
            key,
            kms_key_id: to.kms_key_id.clone(),
            topic: to.topic.clone().filter(|_| signature.is_none()),
            spool,
            bytes: bytes.len() as u64,
            events,
            covered,
            signature,
        });
        Ok(())
    }

    /// A chain begins with a digest whose interval ends now (delivery.md, section 4; observed with AWS).
    fn start_chain(
        &mut self,
        trail: &Trail,
        account: AccountId,
        region: &Region,
        now: Timestamp,
        changes: &mut Changes,
    ) -> Result<(), DeliveryError> {
        let name = format!("{}/{account}/{region}", trail.id.0);
        let mut chain = Chain {
            trail: trail.id.0.clone(),
            trail_arn: trail.arn.0.clone(),
            trail_name: trail.name.clone(),
            home_region: trail.home_region.to_string(),
            account: account.to_string(),
            region: region.to_string(),
            bucket: trail.bucket.clone(),
            key_prefix: trail.key_prefix.clone(),
            organization: trail.organization_id().map(str::to_owned),
            kms_key_id: trail.kms_key_id.clone(),
            start: seconds(now) - self.limits.digest_seconds,
            end: seconds(now),
            previous: None,
            closing: None,
        };
        let end = chain.end;
        self.make_digest(&name, &mut chain, end, changes)?;
        changes.put_chains.push((name.clone(), chain.clone()));
        self.chains.insert(name, chain);
        Ok(())
    }

    fn close_chains(&mut self, trail: &str, now: Timestamp, changes: &mut Changes) {
        for (name, chain) in self
            .chains
            .iter_mut()
            .filter(|(_, chain)| chain.trail == trail)
        {
            chain.closing = Some(seconds(now) + self.limits.delivery_seconds);
            changes.put_chains.push((name.clone(), chain.clone()));
        }
    }

    /// Bucket, prefix and key of a trail were changed: the next digests follow. A chain whose last digest was not yet due
    /// goes on, when the trail was turned on again.
    fn move_chains(&mut self, trail: &Trail, changes: &mut Changes) {
        for (name, chain) in self
            .chains
            .iter_mut()
            .filter(|(_, chain)| chain.trail == trail.id.0)
        {
            chain.closing = None;
            chain.bucket = trail.bucket.clone();
            chain.key_prefix = trail.key_prefix.clone();
            chain.organization = trail.organization_id().map(str::to_owned);
            chain.kms_key_id = trail.kms_key_id.clone();
            changes.put_chains.push((name.clone(), chain.clone()));
        }
    }

    /// Seals the digests that are due: also those that were missed while the program was down, in order.
    pub(crate) fn seal_digests(&mut self, now: Timestamp) -> Result<bool, DeliveryError> {
        let mut sealed = false;
        for name in self.chains.keys().cloned().collect::<Vec<_>>() {
            let Some(mut chain) = self.chains.get(&name).cloned() else {
                continue;
            };
            let mut changes = Changes::default();
            if let Some(closing) = chain.closing {
                let is_open = self.open.keys().any(|stream| stream.chain() == name);
                if seconds(now) <= closing || is_open || self.ledger.has_logs(&name) {
                    continue;
                }
                self.make_digest(&name, &mut chain, seconds(now), &mut changes)?;
                changes.remove_chains.push(name.clone());
                self.chains.remove(&name);
            } else {
                // Bounded: after a long stop the missed hours follow over the next calls.
                for _ in 0..48 {
                    if chain.end > seconds(now) {
                        break;
                    }
                    let end = chain.end;
                    self.make_digest(&name, &mut chain, end, &mut changes)?;
                }
                if changes.add_items.is_empty() {
                    continue;
                }
                changes.put_chains.push((name.clone(), chain.clone()));
                self.chains.insert(name.clone(), chain);
            }
            self.ledger.commit(&changes)?;
            sealed = true;
        }
        Ok(sealed)
    }

    /// Seals one digest over the log files that are in the bucket and not yet covered, and moves the chain on.
    fn make_digest(
        &mut self,
        name: &str,
        chain: &mut Chain,
        end: i64,
        changes: &mut Changes,
    ) -> Result<(), DeliveryError> {
        let broken = |error: &dyn std::fmt::Display| DeliveryError::Ledger(error.to_string());
        let region: Region = chain.region.parse().map_err(|error| broken(&error))?;
        let home: Region = chain.home_region.parse().map_err(|error| broken(&error))?;
        let account = chain.account.parse().map_err(|error| broken(&error))?;
        let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| broken(&error));
        let place = format!("{}/{}/{}", chain.trail_arn, chain.account, chain.region);
        let end = match self.newest_ends.insert(place.clone(), end) {
            Some(newest) if newest >= end => newest + 1,
            _ => end,
        };
        self.newest_ends.insert(place, end);
        let already: BTreeSet<&String> = changes.remove_uncovered.iter().collect();
        let found = self.ledger.uncovered(name)?;
        let (rows, files): (Vec<String>, Vec<Covered>) = found
            .into_iter()
            .filter(|(row, _)| !already.contains(row))
            .unzip();
        let key = layout::digest_file(
            chain.key_prefix.as_deref(),
            chain.organization.as_deref(),
            account,
            &region,
            &chain.trail_name,
            &home,
            time(end)?,
        );
        let signing = self.keys.signing(&region, time(end)?)?;
        let newest = signing
            .last()
            .ok_or_else(|| DeliveryError::Key("no key".into()))?;
        let parts = digest::Parts {
            account: &chain.account,
            start: time(chain.start)?,
            end: time(end)?,
            bucket: &chain.bucket,
            key: &key,
            previous: chain.previous.as_ref(),
            files: &files,
        };
        let signed = parts.sign(newest)?;
        let to = Destination {
            trail: chain.trail.clone(),
            bucket: chain.bucket.clone(),
            kms_key_id: chain.kms_key_id.clone(),
            topic: None,
        };
        let signature = Some(signed.signature.clone());
        let region = chain.region.clone();
        self.add_item(
            &to,
            name.to_owned(),
            region,
            key.clone(),
            0,
            signed.gzip,
            None,
            signature,
            changes,
        )?;
        changes.remove_uncovered.extend(rows);
        chain.previous = Some(Previous {
            bucket: to.bucket,
            key,
            sha256: signed.sha256,
            signature: signed.signature,
        });
        (chain.start, chain.end) = (end, end + self.limits.digest_seconds);
        Ok(())
    }
}

struct Destination {
    trail: String,
    bucket: String,
    kms_key_id: Option<String>,
    /// ARN of the topic that is told of log files.
    topic: Option<String>,
}

fn trail_of(trail: &Trail) -> Destination {
    Destination {
        trail: trail.id.0.clone(),
        bucket: trail.bucket.clone(),
        kms_key_id: trail.kms_key_id.clone(),
        topic: trail.topic_arn(),
    }
}

/// Whether two states of a trail take the same events to the same place.
fn is_same_for_delivery(old: &Trail, new: &Trail) -> bool {
    let with_tags_of_new = Trail {
        tags: new.tags.clone(),
        ..old.clone()
    };
    with_tags_of_new == *new
}

fn plus(time: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(time.as_second() + seconds).unwrap_or(time)
}

#[cfg(test)]
mod tests;

//! The ledger: what was sealed, put and covered, in one redb file. It cannot be rebuilt: back it up.
//!
//! `ledger.redb`, tables of text to JSON: `meta` (`version`, `position`, `catalog`, `retired`, `item`), `items` (sealed,
//! not yet put: `TRAIL/NUMBER`), `uncovered` (log files in the bucket that no digest covers yet: `CHAIN/NUMBER`), `chains`
//! (the newest digest of each trail, account and Region), `status` (`TRAIL/REGION`), `announcements` (log files in the bucket
//! that their topic was not told of yet: `TRAIL/NUMBER`), `windows` (counts of aggregated events, up to `position`:
//! `TRAIL/ACCOUNT/REGION/SOURCE/START`).

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{DeliveryError, aggregate::Window, status::TrailStatus};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const ITEMS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("items");
const UNCOVERED: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("uncovered");
const CHAINS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("chains");
const STATUS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("status");
const ANNOUNCEMENTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("announcements");
const WINDOWS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("windows");
const VERSION: u64 = 1;

/// Something sealed that waits to be put.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Item {
    /// Grows with every item.
    pub(crate) number: u64,
    pub(crate) trail: String,
    pub(crate) chain: String,
    pub(crate) region: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) kms_key_id: Option<String>,
    /// ARN of the topic that is told of it.
    #[serde(default)]
    pub(crate) topic: Option<String>,
    /// File name in the spool.
    pub(crate) spool: String,
    pub(crate) bytes: u64,
    pub(crate) events: u64,
    /// For a log file of a trail with validation: what its digest will say.
    pub(crate) covered: Option<Covered>,
    /// For a digest: its signature.
    pub(crate) signature: Option<String>,
}

/// A log file that a topic is to be told of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) number: u64,
    pub(crate) trail: String,
    pub(crate) region: String,
    pub(crate) topic: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
}

/// A log file as a digest names it; times in epoch seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Covered {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) sha256: String,
    pub(crate) newest: i64,
    pub(crate) oldest: i64,
}

/// The state of one chain of digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chain {
    pub(crate) trail: String,
    pub(crate) trail_arn: String,
    pub(crate) trail_name: String,
    pub(crate) home_region: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) bucket: String,
    pub(crate) key_prefix: Option<String>,
    #[serde(default)]
    pub(crate) organization: Option<String>,
    pub(crate) kms_key_id: Option<String>,
    /// Start of the next digest's interval, epoch seconds.
    pub(crate) start: i64,
    /// End of the next digest's interval.
    pub(crate) end: i64,
    pub(crate) previous: Option<Previous>,
    /// Logging or validation was turned off then: one last digest is due.
    pub(crate) closing: Option<i64>,
}

/// The newest digest of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Previous {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) sha256: String,
    pub(crate) signature: String,
}

/// A set of changes that become durable together.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) position: Option<u64>,
    pub(crate) catalog: Option<Vec<u8>>,
    pub(crate) retired: Option<Vec<u8>>,
    pub(crate) add_items: Vec<Item>,
    pub(crate) remove_items: Vec<Item>,
    pub(crate) add_uncovered: Vec<(String, Covered)>,
    pub(crate) remove_uncovered: Vec<String>,
    pub(crate) put_chains: Vec<(String, Chain)>,
    pub(crate) remove_chains: Vec<String>,
    pub(crate) put_status: Vec<(String, TrailStatus)>,
    pub(crate) add_announcements: Vec<Announcement>,
    pub(crate) remove_announcements: Vec<Announcement>,
    pub(crate) put_windows: Vec<(String, Window)>,
    pub(crate) remove_windows: Vec<String>,
}

impl Changes {
    /// What is true once an item is in the bucket: it waits no more, and a log file waits for its digest.
    pub(crate) fn after_put(item: &Item) -> Self {
        let covered = item
            .covered
            .clone()
            .map(|covered| (uncovered_key(item), covered));
        let announcement = item.topic.clone().map(|topic| Announcement {
            number: item.number,
            trail: item.trail.clone(),
            region: item.region.clone(),
            topic,
            bucket: item.bucket.clone(),
            key: item.key.clone(),
        });
        Self {
            add_announcements: announcement.into_iter().collect(),
            remove_items: vec![item.clone()],
            add_uncovered: covered.into_iter().collect(),
            ..Self::default()
        }
    }
}

pub(crate) struct Ledger {
    database: Database,
    pub(crate) spool: PathBuf,
    waiting: Mutex<Waiting>,
}

/// What of the ledger is asked for at every turn, counted along: reading all rows would cost the more, the longer a bucket is
/// down.
#[derive(Debug, Default)]
struct Waiting {
    /// Bytes of all items.
    bytes: u64,
    /// Items by trail and bucket.
    items: BTreeMap<Lane, u64>,
    /// Log files by chain.
    logs: BTreeMap<String, u64>,
    /// Announcements by trail.
    announcements: BTreeMap<String, u64>,
}

/// What is put in order: a trail's files for one bucket. A trail that was given another bucket has two for a while.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lane {
    /// The trail's id.
    pub(crate) trail: String,
    pub(crate) bucket: String,
}

impl Lane {
    fn of(item: &Item) -> Self {
        Self {
            trail: item.trail.clone(),
            bucket: item.bucket.clone(),
        }
    }
}

impl Waiting {
    fn add(&mut self, item: &Item) {
        self.bytes += item.bytes;
        *self.items.entry(Lane::of(item)).or_default() += 1;
        if item.signature.is_none() {
            *self.logs.entry(item.chain.clone()).or_default() += 1;
        }
    }

    fn remove(&mut self, item: &Item) {
        self.bytes = self.bytes.saturating_sub(item.bytes);
        one_less(&mut self.items, &Lane::of(item));
        if item.signature.is_none() {
            one_less(&mut self.logs, &item.chain);
        }
    }
}

fn one_less<K: Ord>(counts: &mut BTreeMap<K, u64>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// Rows of one trail that are read at a time.
const ROWS_MAX: usize = 256;

fn failed(error: impl std::fmt::Display) -> DeliveryError {
    DeliveryError::Ledger(error.to_string())
}

impl Ledger {
    pub(crate) fn open(dir: &Path) -> Result<Self, DeliveryError> {
        let spool = dir.join("spool");
        std::fs::create_dir_all(&spool)
            .map_err(DeliveryError::io(format!("create {}", spool.display())))?;
        let database = Database::builder()
            .set_cache_size(4 * 1024 * 1024)
            .create(dir.join("ledger.redb"))
            .map_err(failed)?;
        let ledger = Self {
            database,
            spool,
            waiting: Mutex::default(),
        };
        match ledger.meta_number("version")? {
            Some(VERSION) => {}
            Some(other) => {
                return Err(DeliveryError::Ledger(format!(
                    "unknown version {other}: written by a newer Pugmark"
                )));
            }
            None => ledger.create()?,
        }
        // A ledger of an earlier release has no such tables.
        let write = ledger.database.begin_write().map_err(failed)?;
        for table in [ANNOUNCEMENTS, WINDOWS] {
            write.open_table(table).map_err(failed)?;
        }
        write.commit().map_err(failed)?;
        let items = ledger.items()?;
        ledger.sweep(&items)?;
        {
            let mut waiting = ledger.waiting();
            items.iter().for_each(|item| waiting.add(item));
            for (_, row) in ledger.all::<Announcement>(ANNOUNCEMENTS)? {
                *waiting.announcements.entry(row.trail).or_default() += 1;
            }
        }
        Ok(ledger)
    }

    fn create(&self) -> Result<(), DeliveryError> {
        let write = self.database.begin_write().map_err(failed)?;
        {
            for table in [ITEMS, UNCOVERED, CHAINS, STATUS] {
                write.open_table(table).map_err(failed)?;
            }
            let mut meta = write.open_table(META).map_err(failed)?;
            meta.insert("version", &VERSION.to_le_bytes()[..])
                .map_err(failed)?;
        }
        write.commit().map_err(failed)
    }

    /// Removes spool files that no item names: a crash between spooling and sealing leaves them.
    fn sweep(&self, items: &[Item]) -> Result<(), DeliveryError> {
        let known: HashSet<&str> = items.iter().map(|item| item.spool.as_str()).collect();
        let entries =
            std::fs::read_dir(&self.spool).map_err(DeliveryError::io("read the spool"))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            if !name.to_str().is_some_and(|name| known.contains(name)) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, DeliveryError> {
        let read = self.database.begin_read().map_err(failed)?;
        match read.open_table(META) {
            Ok(table) => Ok(table
                .get(key)
                .map_err(failed)?
                .map(|value| value.value().to_vec())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn meta_number(&self, key: &str) -> Result<Option<u64>, DeliveryError> {
        let bytes = self.meta(key)?;
        bytes
            .map(|bytes| {
                bytes
                    .try_into()
                    .map(u64::from_le_bytes)
                    .map_err(|_| failed("damaged number"))
            })
            .transpose()
    }

    pub(crate) fn position(&self) -> Result<Option<u64>, DeliveryError> {
        self.meta_number("position")
    }

    pub(crate) fn catalog(&self) -> Result<Option<Vec<u8>>, DeliveryError> {
        self.meta("catalog")
    }

    pub(crate) fn retired(&self) -> Result<Option<Vec<u8>>, DeliveryError> {
        self.meta("retired")
    }

    pub(crate) fn next_item(&self) -> Result<u64, DeliveryError> {
        Ok(self.meta_number("item")?.unwrap_or(0))
    }

    /// Everything that waits to be put, oldest first.
    pub(crate) fn items(&self) -> Result<Vec<Item>, DeliveryError> {
        let mut items: Vec<Item> = self
            .all::<Item>(ITEMS)?
            .into_iter()
            .map(|(_, item)| item)
            .collect();
        items.sort_by_key(|item| item.number);
        Ok(items)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Trails and buckets with items.
    pub(crate) fn lanes_with_items(&self) -> Vec<Lane> {
        self.waiting().items.keys().cloned().collect()
    }

    /// Trails with announcements.
    pub(crate) fn trails_with_announcements(&self) -> Vec<String> {
        self.waiting().announcements.keys().cloned().collect()
    }

    /// Bytes of all that waits to be put.
    pub(crate) fn spooled_bytes(&self) -> u64 {
        self.waiting().bytes
    }

    /// Whether a chain has log files that are sealed but not yet put.
    pub(crate) fn has_logs(&self, chain: &str) -> bool {
        self.waiting().logs.contains_key(chain)
    }

    /// The first items of a trail for a bucket, oldest first.
    pub(crate) fn items_of(&self, lane: &Lane) -> Result<Vec<Item>, DeliveryError> {
        self.first_of(ITEMS, &lane.trail, |item: &Item| item.bucket == lane.bucket)
    }

    /// The first log files of a trail that its topic is to be told of, oldest first.
    pub(crate) fn announcements_of(&self, trail: &str) -> Result<Vec<Announcement>, DeliveryError> {
        self.first_of(ANNOUNCEMENTS, trail, |_| true)
    }

    fn first_of<T: DeserializeOwned>(
        &self,
        table: TableDefinition<'_, &str, &[u8]>,
        trail: &str,
        is_meant: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, DeliveryError> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(table).map_err(failed)?;
        let (from, to) = (format!("{trail}/"), format!("{trail}0")); // '0' follows '/'
        let rows = table.range(from.as_str()..to.as_str()).map_err(failed)?;
        rows.map(|row| {
            let (_, value) = row.map_err(failed)?;
            serde_json::from_slice(value.value()).map_err(failed)
        })
        .filter(|row| row.as_ref().map_or(true, &is_meant))
        .take(ROWS_MAX)
        .collect()
    }

    pub(crate) fn windows(&self) -> Result<Vec<(String, Window)>, DeliveryError> {
        self.all(WINDOWS)
    }

    pub(crate) fn chains(&self) -> Result<Vec<(String, Chain)>, DeliveryError> {
        self.all(CHAINS)
    }

    pub(crate) fn statuses(&self) -> Result<Vec<(String, TrailStatus)>, DeliveryError> {
        self.all(STATUS)
    }

    /// Log files of a chain that no digest covers yet, with their keys in the table.
    pub(crate) fn uncovered(&self, chain: &str) -> Result<Vec<(String, Covered)>, DeliveryError> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(UNCOVERED).map_err(failed)?;
        let (from, to) = (format!("{chain}/"), format!("{chain}0")); // '0' follows '/'
        let mut found = Vec::new();
        for row in table.range(from.as_str()..to.as_str()).map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            found.push((
                key.value().to_owned(),
                serde_json::from_slice(value.value()).map_err(failed)?,
            ));
        }
        Ok(found)
    }

    fn all<T: DeserializeOwned>(
        &self,
        table: TableDefinition<'_, &str, &[u8]>,
    ) -> Result<Vec<(String, T)>, DeliveryError> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(table).map_err(failed)?;
        let mut rows = Vec::new();
        for row in table.iter().map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            rows.push((
                key.value().to_owned(),
                serde_json::from_slice(value.value()).map_err(failed)?,
            ));
        }
        Ok(rows)
    }

    /// Makes a set of changes durable, all or none.
    pub(crate) fn commit(&self, changes: &Changes) -> Result<(), DeliveryError> {
        let json = |value: &dyn erased::Json| value.to_bytes().map_err(failed);
        let (mut removed_items, mut removed_rows) = (Vec::new(), Vec::new());
        let write = self.database.begin_write().map_err(failed)?;
        {
            let mut meta = write.open_table(META).map_err(failed)?;
            if let Some(position) = changes.position {
                meta.insert("position", &position.to_le_bytes()[..])
                    .map_err(failed)?;
            }
            for (key, bytes) in [("catalog", &changes.catalog), ("retired", &changes.retired)] {
                if let Some(bytes) = bytes {
                    meta.insert(key, &bytes[..]).map_err(failed)?;
                }
            }
            let mut items = write.open_table(ITEMS).map_err(failed)?;
            for item in &changes.add_items {
                items
                    .insert(item_key(item).as_str(), &json(item)?[..])
                    .map_err(failed)?;
                meta.insert("item", &(item.number + 1).to_le_bytes()[..])
                    .map_err(failed)?;
            }
            for item in &changes.remove_items {
                let removed = items.remove(item_key(item).as_str()).map_err(failed)?;
                removed_items.extend(removed.map(|_| item));
            }
            let mut uncovered = write.open_table(UNCOVERED).map_err(failed)?;
            for (key, covered) in &changes.add_uncovered {
                uncovered
                    .insert(key.as_str(), &json(covered)?[..])
                    .map_err(failed)?;
            }
            for key in &changes.remove_uncovered {
                uncovered.remove(key.as_str()).map_err(failed)?;
            }
            let mut chains = write.open_table(CHAINS).map_err(failed)?;
            for key in &changes.remove_chains {
                chains.remove(key.as_str()).map_err(failed)?;
            }
            for (key, chain) in &changes.put_chains {
                chains
                    .insert(key.as_str(), &json(chain)?[..])
                    .map_err(failed)?;
            }
            let mut announcements = write.open_table(ANNOUNCEMENTS).map_err(failed)?;
            for row in &changes.add_announcements {
                announcements
                    .insert(announcement_key(row).as_str(), &json(row)?[..])
                    .map_err(failed)?;
            }
            for row in &changes.remove_announcements {
                let removed = announcements.remove(announcement_key(row).as_str());
                removed_rows.extend(removed.map_err(failed)?.map(|_| row));
            }
            let mut windows = write.open_table(WINDOWS).map_err(failed)?;
            for key in &changes.remove_windows {
                windows.remove(key.as_str()).map_err(failed)?;
            }
            for (key, window) in &changes.put_windows {
                windows
                    .insert(key.as_str(), &json(window)?[..])
                    .map_err(failed)?;
            }
            let mut status = write.open_table(STATUS).map_err(failed)?;
            for (key, value) in &changes.put_status {
                status
                    .insert(key.as_str(), &json(value)?[..])
                    .map_err(failed)?;
            }
        }
        write.commit().map_err(failed)?;
        let mut waiting = self.waiting();
        changes.add_items.iter().for_each(|item| waiting.add(item));
        removed_items
            .into_iter()
            .for_each(|item| waiting.remove(item));
        for row in &changes.add_announcements {
            *waiting.announcements.entry(row.trail.clone()).or_default() += 1;
        }
        for row in removed_rows {
            one_less(&mut waiting.announcements, &row.trail);
        }
        Ok(())
    }

    /// Writes a file into the spool, durably.
    pub(crate) fn spool(&self, name: &str, bytes: &[u8]) -> Result<(), DeliveryError> {
        use std::io::Write;
        let write = || {
            let mut file = std::fs::File::create(self.spool.join(name))?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::File::open(&self.spool)?.sync_all()
        };
        write().map_err(DeliveryError::io(format!("write spool file {name}")))
    }

    pub(crate) fn read_spool(&self, name: &str) -> Result<Vec<u8>, DeliveryError> {
        std::fs::read(self.spool.join(name))
            .map_err(DeliveryError::io(format!("read spool file {name}")))
    }

    pub(crate) fn remove_spool(&self, name: &str) {
        let _ = std::fs::remove_file(self.spool.join(name));
    }
}

/// Items of a trail are neighbours, in the order of their numbers.
fn item_key(item: &Item) -> String {
    format!("{}/{:020}", item.trail, item.number)
}

fn announcement_key(row: &Announcement) -> String {
    format!("{}/{:020}", row.trail, row.number)
}

/// The key under which a committed log file waits for its digest.
fn uncovered_key(item: &Item) -> String {
    format!("{}/{:020}", item.chain, item.number)
}

/// Epoch seconds of a moment.
pub(crate) fn seconds(time: Timestamp) -> i64 {
    time.as_second()
}

/// One way to JSON for rows of several types.
mod erased {
    pub(super) trait Json {
        fn to_bytes(&self) -> serde_json::Result<Vec<u8>>;
    }

    impl<T: serde::Serialize> Json for T {
        fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
            serde_json::to_vec(self)
        }
    }
}

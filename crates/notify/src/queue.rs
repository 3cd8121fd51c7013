//! The queues: what each target still has to get, the follower's position and its view of the catalog, in one redb file.
//!
//! `notify.redb`: `meta` (`version`, `position`, `catalog`), `queue` (`TARGET/SEQ` to an event as `core::event` encodes it),
//! `status` (`TARGET` to JSON). A target is `logs/TRAIL-ID` or `bus`.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use jiff::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};

use crate::NotifyError;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const QUEUE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("queue");
const STATUS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("status");
const VERSION: u64 = 1;

/// How telling a target goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// The service took events.
    pub latest_delivery_time: Option<Timestamp>,
    /// The service's error code of the last failure; cleared by the next success.
    pub latest_error: Option<String>,
    /// Events that the target will never get: larger than it takes, refused, or over the queue's bound.
    pub skipped: u64,
}

/// A row to add: target, position, encoded event.
pub(crate) type Row = (String, u64, Bytes);

pub(crate) struct Queue {
    database: Database,
    bytes: Mutex<HashMap<String, u64>>,
}

fn failed(error: impl std::fmt::Display) -> NotifyError {
    NotifyError::Queue(error.to_string())
}

impl Queue {
    pub(crate) fn open(dir: &Path) -> Result<Self, NotifyError> {
        std::fs::create_dir_all(dir).map_err(failed)?;
        let database = Database::builder()
            .set_cache_size(4 * 1024 * 1024)
            .create(dir.join("notify.redb"))
            .map_err(failed)?;
        let write = database.begin_write().map_err(failed)?;
        {
            for table in [QUEUE, STATUS] {
                write.open_table(table).map_err(failed)?;
            }
            let mut meta = write.open_table(META).map_err(failed)?;
            let version = meta
                .get("version")
                .map_err(failed)?
                .map(|value| number(value.value()))
                .transpose()?;
            match version {
                Some(VERSION) => {}
                Some(other) => {
                    return Err(failed(format!(
                        "unknown version {other}: written by a newer Pugmark"
                    )));
                }
                None => drop(
                    meta.insert("version", &VERSION.to_le_bytes()[..])
                        .map_err(failed)?,
                ),
            }
        }
        write.commit().map_err(failed)?;
        let queue = Self {
            database,
            bytes: Mutex::default(),
        };
        let mut bytes = HashMap::new();
        {
            let read = queue.database.begin_read().map_err(failed)?;
            for row in read
                .open_table(QUEUE)
                .map_err(failed)?
                .iter()
                .map_err(failed)?
            {
                let (key, value) = row.map_err(failed)?;
                let target = target_of(key.value()).to_owned();
                *bytes.entry(target).or_default() += value.value().len() as u64;
            }
        }
        *queue.bytes() = bytes;
        Ok(queue)
    }

    fn bytes(&self) -> std::sync::MutexGuard<'_, HashMap<String, u64>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that wait for a target.
    pub(crate) fn waiting(&self, target: &str) -> u64 {
        self.bytes().get(target).copied().unwrap_or(0)
    }

    /// Every target that something waits for.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.bytes()
            .iter()
            .filter(|(_, bytes)| **bytes > 0)
            .map(|(target, _)| target.clone())
            .collect()
    }

    /// The follower's position and its catalog, if it ever saved them.
    pub(crate) fn saved(&self) -> Result<Option<(u64, Vec<u8>)>, NotifyError> {
        let read = self.database.begin_read().map_err(failed)?;
        let meta = read.open_table(META).map_err(failed)?;
        let position = meta
            .get("position")
            .map_err(failed)?
            .map(|value| number(value.value()))
            .transpose()?;
        let catalog = meta
            .get("catalog")
            .map_err(failed)?
            .map(|value| value.value().to_vec());
        Ok(position.zip(catalog))
    }

    /// Adds rows and moves the position, all or nothing.
    pub(crate) fn advance(
        &self,
        position: u64,
        catalog: Option<&[u8]>,
        rows: &[Row],
    ) -> Result<(), NotifyError> {
        let write = self.database.begin_write().map_err(failed)?;
        {
            let mut meta = write.open_table(META).map_err(failed)?;
            meta.insert("position", &position.to_le_bytes()[..])
                .map_err(failed)?;
            if let Some(catalog) = catalog {
                meta.insert("catalog", catalog).map_err(failed)?;
            }
            let mut queue = write.open_table(QUEUE).map_err(failed)?;
            for (target, seq, bytes) in rows {
                queue
                    .insert(format!("{target}/{seq:020}").as_str(), &bytes[..])
                    .map_err(failed)?;
            }
        }
        write.commit().map_err(failed)?;
        let mut waiting = self.bytes();
        for (target, _, bytes) in rows {
            *waiting.entry(target.clone()).or_default() += bytes.len() as u64;
        }
        Ok(())
    }

    /// The oldest rows of a target, with their keys.
    pub(crate) fn oldest(
        &self,
        target: &str,
        rows: usize,
        bytes: usize,
    ) -> Result<Vec<(String, Bytes)>, NotifyError> {
        let read = self.database.begin_read().map_err(failed)?;
        let queue = read.open_table(QUEUE).map_err(failed)?;
        let (from, to) = (format!("{target}/"), format!("{target}0")); // '0' follows '/'
        let (mut found, mut size) = (Vec::new(), 0);
        for row in queue.range(from.as_str()..to.as_str()).map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            size += value.value().len();
            if found.len() >= rows || (size > bytes && !found.is_empty()) {
                break;
            }
            found.push((
                key.value().to_owned(),
                Bytes::copy_from_slice(value.value()),
            ));
        }
        Ok(found)
    }

    /// Takes rows off, and says how it went.
    pub(crate) fn done(
        &self,
        target: &str,
        keys: &[String],
        status: &TargetStatus,
    ) -> Result<(), NotifyError> {
        let write = self.database.begin_write().map_err(failed)?;
        let mut removed = 0;
        {
            let mut queue = write.open_table(QUEUE).map_err(failed)?;
            for key in keys {
                if let Some(row) = queue.remove(key.as_str()).map_err(failed)? {
                    removed += row.value().len() as u64;
                }
            }
            let json = serde_json::to_vec(status).map_err(failed)?;
            write
                .open_table(STATUS)
                .map_err(failed)?
                .insert(target, &json[..])
                .map_err(failed)?;
        }
        write.commit().map_err(failed)?;
        if let Some(waiting) = self.bytes().get_mut(target) {
            *waiting = waiting.saturating_sub(removed);
        }
        Ok(())
    }

    /// Every target's status.
    pub(crate) fn statuses(&self) -> Result<HashMap<String, TargetStatus>, NotifyError> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(STATUS).map_err(failed)?;
        let mut statuses = HashMap::new();
        for row in table.iter().map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            statuses.insert(
                key.value().to_owned(),
                serde_json::from_slice(value.value()).map_err(failed)?,
            );
        }
        Ok(statuses)
    }
}

fn target_of(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(target, _)| target)
}

fn number(bytes: &[u8]) -> Result<u64, NotifyError> {
    bytes
        .try_into()
        .map(u64::from_le_bytes)
        .map_err(|_| failed("damaged number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_wait_until_they_are_done_and_survive() {
        let dir = tempfile::tempdir().unwrap();
        let row = |target: &str, seq: u64| (target.to_owned(), seq, Bytes::from(vec![7; 10]));
        {
            let queue = Queue::open(dir.path()).unwrap();
            assert!(queue.saved().unwrap().is_none());
            queue
                .advance(
                    5,
                    Some(b"catalog"),
                    &[
                        row("logs/a", 1),
                        row("logs/a", 2),
                        row("bus", 2),
                        row("logs/b", 4),
                    ],
                )
                .unwrap();
        }
        let queue = Queue::open(dir.path()).unwrap();
        assert_eq!(queue.saved().unwrap(), Some((5, b"catalog".to_vec())));
        assert_eq!(queue.waiting("logs/a"), 20);
        let oldest = queue.oldest("logs/a", 10, 1000).unwrap();
        assert_eq!(oldest.len(), 2);
        assert_eq!(
            queue.oldest("logs/a", 10, 15).unwrap().len(),
            1,
            "bounded by bytes"
        );
        assert_eq!(
            queue.oldest("logs/a", 10, 1).unwrap().len(),
            1,
            "but at least one"
        );
        let status = TargetStatus {
            skipped: 3,
            ..TargetStatus::default()
        };
        queue
            .done("logs/a", &[oldest[0].0.clone()], &status)
            .unwrap();
        assert_eq!(queue.waiting("logs/a"), 10);
        assert_eq!(queue.statuses().unwrap()["logs/a"], status);
        let mut targets = queue.targets();
        targets.sort();
        assert_eq!(targets, ["bus", "logs/a", "logs/b"]);
    }
}

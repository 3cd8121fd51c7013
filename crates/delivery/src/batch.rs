//! Open batches, and their rendering as log files.

use std::{collections::HashSet, io::Write};

use bytes::Bytes;
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use pugmark_catalog::TrailArn;
use pugmark_core::account::{AccountId, Region};
use uuid::Uuid;

use crate::keys::sha256;

/// What goes into one sequence of log files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stream {
    /// The trail's id.
    pub(crate) trail: String,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) folder: &'static str,
}

impl Stream {
    /// Trail, account and Region: what one chain of digests covers.
    pub(crate) fn chain(&self) -> String {
        format!("{}/{}/{}", self.trail, self.account, self.region)
    }
}

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.chain(), self.folder)
    }
}

/// Events that wait to be sealed.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The trail as it was when the first event was taken: a change that matters to delivery seals first.
    pub(crate) trail: TrailArn,
    events: Vec<Waiting>,
    pub(crate) bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    time: Timestamp,
    seq: u64,
    id: Uuid,
    json: Bytes,
}

/// A rendered log file.
pub(crate) struct Rendered {
    pub(crate) gzip: Vec<u8>,
    /// Hex SHA-256 of the uncompressed bytes.
    pub(crate) sha256: String,
    pub(crate) oldest: Timestamp,
    pub(crate) newest: Timestamp,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) events: usize,
}

impl Batch {
    pub(crate) fn new(trail: TrailArn) -> Self {
        Self {
            trail,
            events: Vec::new(),
            bytes: 0,
        }
    }

    pub(crate) fn push(&mut self, time: Timestamp, seq: u64, id: Uuid, json: Bytes) {
        self.bytes += json.len() + 1;
        self.events.push(Waiting {
            time,
            seq,
            id,
            json,
        });
    }

    /// Sorts, drops repeated ids, and renders. The same events give the same bytes. `None` when there are none.
    pub(crate) fn render(mut self) -> std::io::Result<Option<Rendered>> {
        let mut seen = HashSet::with_capacity(self.events.len());
        self.events.sort_by_key(|event| (event.time, event.seq));
        self.events.retain(|event| seen.insert(event.id));
        let (Some(first), Some(last)) = (self.events.first(), self.events.last()) else {
            return Ok(None);
        };
        let (oldest, newest) = (first.time, last.time);
        let mut plain = Vec::with_capacity(self.bytes + 16);
        plain.extend_from_slice(b"{\"Records\":[");
        for (index, event) in self.events.iter().enumerate() {
            if index > 0 {
                plain.push(b',');
            }
            plain.extend_from_slice(&event.json);
        }
        plain.extend_from_slice(b"]}");
        let seqs = || self.events.iter().map(|event| event.seq);
        Ok(Some(Rendered {
            gzip: gzip(&plain)?,
            sha256: hex::encode(sha256(&plain)),
            oldest,
            newest,
            first_seq: seqs().min().unwrap_or_default(),
            last_seq: seqs().max().unwrap_or_default(),
            events: self.events.len(),
        }))
    }
}

/// One gzip member without clock, name or system in its header.
pub(crate) fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::default());
    encoder.write_all(plain)?;
    encoder.finish()
}

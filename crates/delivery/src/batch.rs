//! Open batches, and their rendering as log files.

use std::{collections::HashSet, io::Write};

use aws_lc_rs::digest;
use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};
use jiff::Timestamp;
use pugmark_catalog::TrailArn;
use pugmark_core::account::{AccountId, Region};
use uuid::Uuid;

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
        let seqs = || self.events.iter().map(|event| event.seq);
        let (first_seq, last_seq) = (
            seqs().min().unwrap_or_default(),
            seqs().max().unwrap_or_default(),
        );
        let events = self.events.len();
        // Compressed and hashed as it goes: the plain file is never in memory, and each event leaves it in turn.
        let mut file = Hashed {
            encoder: encoder(),
            hash: digest::Context::new(&digest::SHA256),
        };
        file.write_all(b"{\"Records\":[")?;
        for (index, event) in self.events.into_iter().enumerate() {
            if index > 0 {
                file.write_all(b",")?;
            }
            file.write_all(&event.json)?;
        }
        file.write_all(b"]}")?;
        Ok(Some(Rendered {
            gzip: file.encoder.finish()?,
            sha256: hex::encode(file.hash.finish()),
            oldest,
            newest,
            first_seq,
            last_seq,
            events,
        }))
    }
}

/// A file that is hashed before it is compressed.
struct Hashed {
    encoder: GzEncoder<Vec<u8>>,
    hash: digest::Context,
}

impl Hashed {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hash.update(bytes);
        self.encoder.write_all(bytes)
    }
}

/// One gzip member without clock, name or system in its header.
fn encoder() -> GzEncoder<Vec<u8>> {
    GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::default())
}

/// A whole file in one go.
pub(crate) fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = encoder();
    encoder.write_all(plain)?;
    encoder.finish()
}

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

    /// How many events wait.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Sorts, drops repeated ids, and renders: one file, or as many as the bounds ask for. The same events give the same
    /// bytes. A single event that is larger than a file may be has a file of its own.
    pub(crate) fn render(
        mut self,
        bytes_max: usize,
        events_max: usize,
    ) -> std::io::Result<Vec<Rendered>> {
        let mut seen = HashSet::with_capacity(self.events.len());
        self.events.sort_by_key(|event| (event.time, event.seq));
        self.events.retain(|event| seen.insert(event.id));
        let mut files = Vec::new();
        let mut open: Option<File> = None;
        // Compressed and hashed as it goes: the plain file is never in memory, and each event leaves it in turn.
        for event in self.events {
            let full = |file: &File| {
                file.events >= events_max || file.bytes + event.json.len() + 1 > bytes_max
            };
            if open.as_ref().is_some_and(full) {
                files.extend(open.take().map(File::finish).transpose()?);
            }
            match &mut open {
                Some(file) => file.push(&event)?,
                None => open = Some(File::begin(&event)?),
            }
        }
        files.extend(open.map(File::finish).transpose()?);
        Ok(files)
    }
}

/// A log file in the making.
struct File {
    content: Hashed,
    bytes: usize,
    oldest: Timestamp,
    newest: Timestamp,
    first_seq: u64,
    last_seq: u64,
    events: usize,
}

impl File {
    fn begin(first: &Waiting) -> std::io::Result<Self> {
        let mut content = Hashed {
            encoder: encoder(),
            hash: digest::Context::new(&digest::SHA256),
        };
        content.write_all(b"{\"Records\":[")?;
        content.write_all(&first.json)?;
        Ok(Self {
            content,
            bytes: b"{\"Records\":[]}".len() + first.json.len(),
            oldest: first.time,
            newest: first.time,
            first_seq: first.seq,
            last_seq: first.seq,
            events: 1,
        })
    }

    /// Adds an event that is not older than the ones before.
    fn push(&mut self, event: &Waiting) -> std::io::Result<()> {
        self.content.write_all(b",")?;
        self.content.write_all(&event.json)?;
        self.bytes += event.json.len() + 1;
        self.newest = event.time;
        self.first_seq = self.first_seq.min(event.seq);
        self.last_seq = self.last_seq.max(event.seq);
        self.events += 1;
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<Rendered> {
        self.content.write_all(b"]}")?;
        Ok(Rendered {
            gzip: self.content.encoder.finish()?,
            sha256: hex::encode(self.content.hash.finish()),
            oldest: self.oldest,
            newest: self.newest,
            first_seq: self.first_seq,
            last_seq: self.last_seq,
            events: self.events,
        })
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

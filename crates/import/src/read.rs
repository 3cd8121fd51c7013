//! One file, from its bytes to events: unpacked, split, read record by record, in constant memory.

use std::{
    borrow::Cow,
    io::{self, Read},
    ops::Range,
};

use bytes::Bytes;
use bytestring::ByteString;
use pugmark_core::event::record::{self, Place, Record, RecordError};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::{
    split::{Finder, Splitter},
    unpack::{Block, Unpacked},
};

/// What is read and unpacked at a time; a record that is longer makes the block grow.
const BLOCK_BYTES: usize = 256 * 1024;

/// About as long as a record is, or less.
const USUAL_RECORD_BYTES: usize = 1024;

/// Something that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// Where it begins in the unpacked file, in bytes.
    pub offset: u64,
    /// The kind of fault, in words that are the same wherever it occurs.
    pub reason: String,
    /// What exactly is wrong.
    pub detail: String,
}

/// As the error of a file that is not to be opened: why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// What a block of a file holds.
#[derive(Debug, Default)]
pub struct Batch {
    /// Its records, in the file's order.
    pub records: Vec<Record>,
    /// What was left out.
    pub skipped: Vec<Skip>,
    /// Objects that are digests.
    pub digests: u64,
    /// What comes before this place of the unpacked file is in this batch or an earlier one.
    pub end: u64,
}

/// How reading ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At the file's end.
    Whole,
    /// The file could not be read to its end; it is worth another try.
    CutOff,
    /// Who takes the batches wants no more.
    Stopped,
}

/// Room to work in, to be given to one file after the other.
#[derive(Debug, Default)]
pub struct Scratch {
    packed: Vec<u8>,
    block: Block,
}

/// Reads a file and hands its events over, block by block, until `take` says no.
///
/// Records that begin before `from`, in bytes of the unpacked file, are passed over without being read.
pub fn read(
    input: impl Read,
    place: &Place,
    from: u64,
    scratch: &mut Scratch,
    mut take: impl FnMut(Batch) -> bool,
) -> Ending {
    let Scratch { packed, block } = scratch;
    packed.resize(BLOCK_BYTES, 0);
    block.clear();
    let mut input = match Unpacked::new(input, packed) {
        Ok(input) => input,
        Err(error) => {
            take(Batch::unreadable(0, &error));
            return Ending::CutOff;
        }
    };
    let mut reader = Reader {
        splitter: Splitter::new(),
        place,
        from,
        base: 0,
    };
    // How much of the next block was read already: the start of a record.
    let mut kept = 0;
    loop {
        // What was read before an error counts.
        let filled = input.fill(block, kept + BLOCK_BYTES);
        let is_last = !matches!(filled, Ok(true));
        // Events hold on to their block for long: a small file's must not be a large file's.
        let mut batch = reader.batch(&Bytes::copy_from_slice(block.filled()));
        block.drain((batch.end - reader.base) as usize);
        reader.base = batch.end;
        kept = block.filled().len();
        if is_last {
            reader.finish(&mut batch, kept, filled.as_ref().err());
        }
        if !take(batch) {
            return Ending::Stopped;
        }
        if is_last {
            return match filled {
                Ok(_) => Ending::Whole,
                Err(_) => Ending::CutOff,
            };
        }
    }
}

struct Reader<'a> {
    splitter: Splitter,
    place: &'a Place,
    from: u64,
    /// Where the block begins in the unpacked file.
    base: u64,
}

impl Reader<'_> {
    fn batch(&mut self, block: &Bytes) -> Batch {
        let mut records = Records {
            block,
            text: sound(block),
            base: self.base,
            from: self.from,
            place: self.place,
            batch: Batch::default(),
        };
        records
            .batch
            .records
            .reserve(block.len() / USUAL_RECORD_BYTES);
        let keep = self.splitter.scan(block, &mut records);
        let mut batch = records.batch;
        batch.end = self.base + keep as u64;
        batch
    }

    fn finish(&self, batch: &mut Batch, kept: usize, error: Option<&io::Error>) {
        let cut_off = self.splitter.finish();
        match (error, cut_off) {
            (Some(error), _) => {
                let mut unreadable = Batch::unreadable(self.base + kept as u64, error);
                batch.skipped.append(&mut unreadable.skipped);
            }
            (None, Some(what)) => batch.skip(self.base, "cut off", what),
            (None, _) => {}
        }
    }
}

/// As much of a block as is UTF-8: what is damaged is read, and judged, record by record.
fn sound(block: &Bytes) -> ByteString {
    ByteString::try_from(block.clone()).unwrap_or_else(|error| {
        let sound = block.slice(..error.valid_up_to());
        ByteString::try_from(sound).unwrap_or_default()
    })
}

/// Reads the records of a block into a batch.
struct Records<'a> {
    block: &'a Bytes,
    text: ByteString,
    base: u64,
    from: u64,
    place: &'a Place,
    batch: Batch,
}

impl Records<'_> {
    /// Where a place of the block is in the unpacked file, if it is to be read.
    fn offset(&self, at: usize) -> Option<u64> {
        let offset = self.base + at as u64;
        (offset >= self.from).then_some(offset)
    }
}

impl Finder for Records<'_> {
    fn begin(&mut self, at: usize) -> Option<usize> {
        self.offset(at)?;
        let (record, length) = record::read_at(&self.text, at, self.place)?;
        self.batch.records.push(record);
        Some(length)
    }

    fn record(&mut self, range: Range<usize>) -> bool {
        match self.offset(range.start) {
            Some(offset) => self.batch.read(self.block.slice(range), offset, self.place),
            None => true,
        }
    }

    fn damage(&mut self, at: usize, what: &'static str) {
        if let Some(offset) = self.offset(at) {
            self.batch.skip(offset, "damaged", what);
        }
    }
}

/// What records come in, besides log files.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Envelope<'a> {
    /// In LookupEvents' output, the record as text.
    #[serde(borrow, rename = "CloudTrailEvent")]
    cloud_trail_event: Option<Cow<'a, str>>,
    /// In EventBridge's events, the record.
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    /// What every digest has.
    #[serde(rename = "digestStartTime")]
    digest_start_time: Option<IgnoredAny>,
}

impl Batch {
    /// In place of a file's rest.
    pub(crate) fn unreadable(offset: u64, error: &io::Error) -> Self {
        let mut batch = Self {
            end: offset,
            ..Self::default()
        };
        let is_refused = error.get_ref().is_some_and(|inner| inner.is::<Refused>());
        let reason = match error.kind() {
            _ if is_refused => "refused",
            io::ErrorKind::UnexpectedEof => "cut off",
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => "damaged gzip",
            _ => "not readable",
        };
        let detail = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the packed file ends too early".to_owned(),
            _ => error.to_string(),
        };
        batch.skip(offset, reason, detail);
        batch
    }

    fn skip(&mut self, offset: u64, reason: impl Into<String>, detail: impl Into<String>) {
        self.skipped.push(Skip {
            offset,
            reason: reason.into(),
            detail: detail.into(),
        });
    }

    /// Reads an object; tells whether it is JSON.
    fn read(&mut self, json: Bytes, offset: u64, place: &Place) -> bool {
        let error = match record::read(json.clone(), place) {
            Ok(record) => {
                self.records.push(record);
                return true;
            }
            Err(error) => error,
        };
        if matches!(error, RecordError::Missing(_)) {
            let envelope: Envelope<'_> = serde_json::from_slice(&json).unwrap_or_default();
            if envelope.digest_start_time.is_some() {
                self.digests += 1;
                return true;
            }
            let inner = match (envelope.cloud_trail_event, envelope.detail) {
                (Some(text), _) => Some(Bytes::from(text.into_owned())),
                (None, Some(detail)) => Some(json.slice_ref(detail.get().as_bytes())),
                (None, None) => None,
            };
            if let Some(inner) = inner {
                match record::read(inner, place) {
                    Ok(record) => self.records.push(record),
                    Err(error) => self.skip(offset, error.reason(), error.to_string()),
                }
                return true;
            }
        }
        self.skip(offset, error.reason(), error.to_string());
        !matches!(error, RecordError::NotJson(_))
    }
}

#[cfg(test)]
mod tests;

//! The look-up keys of one file of events: which rows have a key's value, without reading the file.
//!
//! A term is a key and a value, known here by a 64-bit hash. Terms lie in buckets by the first bits of their hash, told
//! apart in a bucket by the next sixteen: a look-up reads one bucket of some hundred bytes, and the rows that it names
//! are compared with the value when they are read. A value's rows are kept one by one, as runs, or, where they fill blocks of
//! rows, as a list of those. Described in `docs/formats.md`, "Key index, version 2".

use std::{
    collections::HashMap,
    fs::File,
    hash::{BuildHasherDefault, Hasher},
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use arrow_array::{Array, BooleanArray, ListArray, RecordBatch, StringArray};
use twox_hash::XxHash64;

use crate::{
    LookupKey,
    scan::merged,
    schema::{self, Damage},
};

const MAGIC: &[u8; 8] = b"PUGKEYS2";
/// Of an index whose lists are no runs.
const OLD_MAGIC: &[u8; 8] = b"PUGKEYS1";
/// Kinds of lists.
const KINDS: u64 = 4;
const OLD_KINDS: u64 = 2;
const HEADER_BYTES: usize = 36;
/// Rows in a block.
const BLOCK_ROWS: u32 = 1024;
/// Terms in a bucket, about.
const BUCKET_TERMS: usize = 64;
/// A value with more rows than this in each of its blocks may be kept by block, which names rows without it too.
const DENSE_ROWS: u64 = 8;
/// It is kept by runs all the same if these need no more than so many times the bytes.
const RUNS_BYTES: usize = 4;
/// Longer lists stand outside the bucket, so that a bucket is read at once.
const INLINE_BYTES: usize = 32;
/// No index is larger; a header that says so is damaged.
const BUCKET_BITS_MAX: u32 = 28;

/// The name of a file's index: hidden from readers of the table.
pub(crate) fn path_of(part: &str) -> String {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let stem = name.strip_suffix(".parquet").unwrap_or(name);
    format!("{folder}/_{stem}.keys")
}

/// The number by which a key's values are told apart from another key's; part of the format.
fn seed(key: LookupKey) -> u64 {
    match key {
        LookupKey::EventId => 1,
        LookupKey::EventName => 2,
        LookupKey::ReadOnly => 3,
        LookupKey::Username => 4,
        LookupKey::ResourceType => 5,
        LookupKey::ResourceName => 6,
        LookupKey::EventSource => 7,
        LookupKey::AccessKeyId => 8,
    }
}

fn hash(key: LookupKey, value: &str) -> u64 {
    XxHash64::oneshot(seed(key), value.as_bytes())
}

/// Collects the terms of a file's rows, in their order.
#[derive(Default)]
pub(crate) struct Builder {
    rows: u32,
    /// Event ids hardly ever come twice: no lists for them.
    ids: Vec<(u64, u32)>,
    lists: HashMap<u64, List, BuildHasherDefault<Hashed>>,
}

/// Terms are known by their hashes: these need not be hashed again. Who chooses values so that their hashes are alike makes the
/// filling of this one file slower, and finds nothing that is not there.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = XxHash64::oneshot(self.0, bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[derive(Default)]
struct List {
    /// The last row, plus one.
    next: u32,
    count: u32,
    /// Rows in order, each as its distance from the one after the row before it.
    bytes: Vec<u8>,
}

impl List {
    fn push(&mut self, row: u32) {
        if row >= self.next {
            put_varint(&mut self.bytes, u64::from(row - self.next));
            self.next = row + 1;
            self.count += 1;
        }
    }
}

impl Builder {
    /// Takes the next rows.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<(), Damage> {
        let first = self.rows;
        for key in LookupKey::ALL {
            let (name, _) = schema::column_of(key);
            let mut push = |row: usize, value: &str| {
                let (hash, row) = (hash(key, value), first + row as u32);
                if key == LookupKey::EventId {
                    self.ids.push((hash, row));
                } else {
                    self.lists.entry(hash).or_default().push(row);
                }
            };
            match key {
                LookupKey::ReadOnly => {
                    let flags: &BooleanArray = schema::column(batch, name)?;
                    for (row, flag) in flags.iter().enumerate() {
                        if let Some(flag) = flag {
                            push(row, if flag { "true" } else { "false" });
                        }
                    }
                }
                LookupKey::ResourceName | LookupKey::ResourceType => {
                    let list: &ListArray = schema::column(batch, name)?;
                    let texts: &StringArray = schema::resource_texts(list, key)?;
                    for row in 0..list.len() {
                        let offsets = list.value_offsets();
                        for at in offsets[row] as usize..offsets[row + 1] as usize {
                            if texts.is_valid(at) {
                                push(row, texts.value(at));
                            }
                        }
                    }
                }
                _ => {
                    let texts: &StringArray = schema::column(batch, name)?;
                    for (row, text) in texts.iter().enumerate() {
                        if let Some(text) = text {
                            push(row, text);
                        }
                    }
                }
            }
        }
        self.rows += batch.num_rows() as u32;
        Ok(())
    }

    /// The index as it stands in its file.
    pub(crate) fn finish(self) -> Vec<u8> {
        let mut terms: Vec<(u64, List)> = self.lists.into_iter().collect();
        for (hash, row) in self.ids {
            let mut list = List::default();
            list.push(row);
            terms.push((hash, list));
        }
        terms.sort_unstable_by_key(|(hash, list)| (*hash, list.next));
        let buckets = (terms.len() / BUCKET_TERMS).max(1).next_power_of_two();
        let bits = buckets.trailing_zeros().min(BUCKET_BITS_MAX);
        let (mut directory, mut body, mut long) = (vec![0_u32], Vec::new(), Vec::new());
        let mut terms = terms.into_iter().peekable();
        for bucket in 0..1_u64 << bits {
            let start = body.len();
            body.extend_from_slice(&[0; 4]);
            while let Some((hash, list)) =
                terms.next_if(|(hash, _)| bucket_of(*hash, bits) == bucket)
            {
                body.extend_from_slice(&fingerprint(hash, bits).to_le_bytes());
                put_list(&mut body, &mut long, &list);
            }
            let sum = checksum(bucket, &body[start + 4..]);
            body[start..start + 4].copy_from_slice(&sum.to_le_bytes());
            directory.push(body.len() as u32);
        }
        let long_start = HEADER_BYTES + directory.len() * 4 + body.len();
        let mut bytes = Vec::with_capacity(long_start + long.len());
        bytes.extend_from_slice(MAGIC);
        for number in [self.rows, BLOCK_ROWS, bits] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&((long_start + long.len()) as u64).to_le_bytes());
        bytes.extend_from_slice(&(long.len() as u32).to_le_bytes());
        let sum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        for offset in directory {
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&long);
        bytes
    }
}

/// How a list names its rows.
#[derive(Clone, Copy)]
enum Kind {
    /// Each as its distance from the one after the row before it.
    Rows = 0,
    /// Blocks of [`BLOCK_ROWS`] that have some, likewise.
    Blocks = 1,
    /// The distance of a run's first row from the one after the run before it, and how many rows it has.
    Runs = 2,
}

/// Writes a term's rows: [`KINDS`] × count + kind, then a single row, or the list's length and bytes, or its length and place among the
/// long lists.
fn put_list(body: &mut Vec<u8>, long: &mut Vec<u8>, list: &List) {
    if list.count == 1 {
        put_varint(body, KINDS);
        put_varint(body, u64::from(list.next - 1));
        return;
    }
    let (mut blocks, mut runs) = (List::default(), Runs::default());
    let mut distances = list.bytes.as_slice();
    let mut next = 0_u64;
    while let Some(distance) = take_varint(&mut distances) {
        blocks.push(((next + distance) / u64::from(BLOCK_ROWS)) as u32);
        runs.push(distance);
        next += distance + 1;
    }
    let runs = runs.finish();
    let is_dense = u64::from(list.count) > DENSE_ROWS * u64::from(blocks.count);
    let (kind, bytes) = if is_dense && runs.len() > RUNS_BYTES * blocks.bytes.len() {
        (Kind::Blocks, &blocks.bytes)
    } else if runs.len() < list.bytes.len() {
        (Kind::Runs, &runs)
    } else {
        (Kind::Rows, &list.bytes)
    };
    put_varint(body, u64::from(list.count) * KINDS + kind as u64);
    let is_long = bytes.len() > INLINE_BYTES;
    put_varint(body, bytes.len() as u64 * 2 + u64::from(is_long));
    if is_long {
        put_varint(body, long.len() as u64);
        long.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
        long.extend_from_slice(bytes);
    } else {
        body.extend_from_slice(bytes);
    }
}

/// Rows that follow each other, as they come.
#[derive(Default)]
struct Runs {
    bytes: Vec<u8>,
    /// Of the run that may go on.
    distance: u64,
    rows: u64,
}

impl Runs {
    /// Adds the row at this distance from the one after the row before it.
    fn push(&mut self, distance: u64) {
        if distance > 0 || self.rows == 0 {
            self.end();
            self.distance = distance;
        }
        self.rows += 1;
    }

    fn end(&mut self) {
        if self.rows > 0 {
            put_varint(&mut self.bytes, self.distance);
            put_varint(&mut self.bytes, self.rows);
            self.rows = 0;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.end();
        self.bytes
    }
}

/// An index, open for look-ups.
#[derive(Debug)]
pub(crate) struct Index {
    file: File,
    kinds: u64,
    rows: u32,
    bits: u32,
    bytes: u64,
    long_bytes: u32,
}

impl Index {
    /// Opens the index of a file; `None` when it has none.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, IndexError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|error| IndexError::System(path.into(), error))?,
        };
        let mut header = [0; HEADER_BYTES];
        read(&file, &mut header, 0)?;
        let number = |at: usize| {
            let bytes = header[at..at + 4].try_into().unwrap_or_default();
            u32::from_le_bytes(bytes)
        };
        let bytes = u64::from(number(20)) | u64::from(number(24)) << 32;
        let is_old = &header[..8] == OLD_MAGIC;
        let index = Self {
            kinds: if is_old { OLD_KINDS } else { KINDS },
            rows: number(8),
            bits: number(16),
            bytes,
            long_bytes: number(28),
            file,
        };
        let is_sound = (is_old || &header[..8] == MAGIC)
            && crc32fast::hash(&header[..32]) == number(32)
            && number(12) == BLOCK_ROWS
            && index.bits <= BUCKET_BITS_MAX
            && index.file.metadata().is_ok_and(|file| file.len() == bytes)
            && index.body() + u64::from(index.long_bytes) <= bytes;
        if is_sound {
            Ok(Some(index))
        } else {
            Err(IndexError::damaged("its header is wrong"))
        }
    }

    /// Where the buckets begin.
    fn body(&self) -> u64 {
        HEADER_BYTES as u64 + ((1_u64 << self.bits) + 1) * 4
    }

    /// The rows that may have a value, as ascending ranges; all that have it are in them.
    pub(crate) fn find(
        &self,
        key: LookupKey,
        value: &str,
    ) -> Result<Vec<Range<usize>>, IndexError> {
        let hash = hash(key, value);
        let bucket = bucket_of(hash, self.bits);
        let mut ends = [0; 8];
        read(&self.file, &mut ends, HEADER_BYTES as u64 + bucket * 4)?;
        let ends = u64::from_le_bytes(ends);
        let (start, end) = (ends & 0xffff_ffff, ends >> 32);
        let long = self.bytes - u64::from(self.long_bytes);
        if start + 4 > end || self.body() + end > long {
            return Err(IndexError::damaged("a bucket lies outside of it"));
        }
        let mut bytes = vec![0; (end - start) as usize];
        read(&self.file, &mut bytes, self.body() + start)?;
        let (sum, mut entries) = bytes.split_at(4);
        if sum != checksum(bucket, entries).to_le_bytes() {
            return Err(IndexError::damaged("a bucket's checksum is wrong"));
        }
        let wanted = fingerprint(hash, self.bits).to_le_bytes();
        let mut ranges = Vec::new();
        while let Some((found, rest)) = entries.split_first_chunk::<2>() {
            entries = rest;
            let list = self.take_list(&mut entries, *found == wanted, long)?;
            ranges.extend(list);
        }
        // More than one value may have the fingerprint.
        Ok(merged(ranges))
    }

    fn take_list(
        &self,
        entries: &mut &[u8],
        is_wanted: bool,
        long: u64,
    ) -> Result<Vec<Range<usize>>, IndexError> {
        let cut = || IndexError::damaged("a bucket ends early");
        let head = take_varint(entries).ok_or_else(cut)?;
        if head == self.kinds {
            let row = take_varint(entries).ok_or_else(cut)?;
            return Ok(if is_wanted {
                vec![self.range(row, 1)]
            } else {
                Vec::new()
            });
        }
        let length = take_varint(entries).ok_or_else(cut)?;
        let size = (length / 2) as usize;
        let mut outside = Vec::new();
        let list = if length % 2 == 0 {
            let (list, rest) = entries.split_at_checked(size).ok_or_else(cut)?;
            *entries = rest;
            list
        } else {
            let at = take_varint(entries).ok_or_else(cut)?;
            if !is_wanted {
                return Ok(Vec::new());
            }
            let end = at.checked_add(size as u64 + 4);
            if end.is_none_or(|end| end > u64::from(self.long_bytes)) {
                return Err(IndexError::damaged("a list lies outside of it"));
            }
            outside.resize(size + 4, 0);
            read(&self.file, &mut outside, long + at)?;
            let (sum, list) = outside.split_at(4);
            if sum != crc32fast::hash(list).to_le_bytes() {
                return Err(IndexError::damaged("a list's checksum is wrong"));
            }
            list
        };
        if !is_wanted {
            return Ok(Vec::new());
        }
        let (mut list, mut ranges, mut next) = (list, Vec::new(), 0_u64);
        while let Some(distance) = take_varint(&mut list) {
            let first = next.saturating_add(distance);
            let (range, length) = match head % self.kinds {
                0 => (self.range(first, 1), 1),
                1 => {
                    let width = u64::from(BLOCK_ROWS);
                    (self.range(first.saturating_mul(width), width), 1)
                }
                2 => {
                    let length = take_varint(&mut list).ok_or_else(cut)?;
                    (self.range(first, length), length)
                }
                _ => return Err(IndexError::damaged("a list is of no kind that is known")),
            };
            ranges.push(range);
            next = first.saturating_add(length);
        }
        Ok(ranges)
    }

    /// So many rows from this one on, as far as there are any.
    fn range(&self, first: u64, length: u64) -> Range<usize> {
        let rows = u64::from(self.rows);
        let start = first.min(rows);
        start as usize..start.saturating_add(length).min(rows) as usize
    }
}

/// Why an index does not answer.
#[derive(Debug)]
pub(crate) enum IndexError {
    /// Its bytes are not what was written: the file's own columns answer.
    Damaged(Damage),
    /// The system said no.
    System(PathBuf, io::Error),
}

impl IndexError {
    fn damaged(detail: &str) -> Self {
        Self::Damaged(detail.to_owned())
    }
}

fn read(file: &File, bytes: &mut [u8], at: u64) -> Result<(), IndexError> {
    file.read_exact_at(bytes, at)
        .map_err(|error| IndexError::Damaged(error.to_string()))
}

fn bucket_of(hash: u64, bits: u32) -> u64 {
    if bits == 0 { 0 } else { hash >> (64 - bits) }
}

fn fingerprint(hash: u64, bits: u32) -> u16 {
    ((hash << bits) >> 48) as u16
}

fn checksum(bucket: u64, entries: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&bucket.to_le_bytes());
    sum.update(entries);
    sum.finalize()
}

fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests;

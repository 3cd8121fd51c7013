//! The bytes of a segment file: header, frames, and the one reader that everything uses.
//!
//! `docs/formats.md`, "Journal segment, version 1", is the contract. One frame is one batch, and one checksum
//! covers it, so a batch is there whole or not at all. A frame also says how much of the file was durable when it was
//! written: that tells a torn tail (cut) from damage to what had been acknowledged (refused).

use std::io;

use bytes::Bytes;
use crc32fast::Hasher;

use super::files::ReadAt;
use crate::{BATCH_BYTES_MAX, ENTRY_BYTES_MAX, Entry, EntryKind, JournalError};

/// First bytes of a segment.
const MAGIC: [u8; 8] = *b"PUGMARKJ";
/// Version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;
/// Size of a segment's header.
pub(super) const SEGMENT_HEADER_BYTES: usize = 32;
/// First bytes of a frame.
const FRAME_MAGIC: [u8; 4] = *b"PJFR";
/// Size of a frame's header.
pub(super) const FRAME_HEADER_BYTES: usize = 36;
/// What an entry takes beside its payload.
const ENTRY_HEADER_BYTES: usize = 5;
/// How much is read from a file at a time.
const READ_BYTES: usize = 256 * 1024;

/// A segment's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SegmentHeader {
    /// Position of its first entry.
    pub(super) first: u64,
    /// Goes into the checksum of every frame header, so that a payload cannot pose as a frame.
    pub(super) salt: u32,
}

impl SegmentHeader {
    /// As stored.
    pub(super) fn encode(self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.salt.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header at the start of `source`.
    pub(super) fn read(source: &(impl ReadAt + ?Sized), name: &str) -> Result<Self, JournalError> {
        let length = source
            .len()
            .map_err(|error| io_error("measure", name, error))?;
        if length < SEGMENT_HEADER_BYTES as u64 {
            return Err(damaged(name, 0, "the segment header is cut short"));
        }
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        source
            .read_exact_at(&mut bytes, 0)
            .map_err(|error| io_error("read", name, error))?;
        if bytes[..8] != MAGIC {
            return Err(damaged(name, 0, "this is not a journal segment"));
        }
        let version = u32_at(&bytes, 8);
        if version != VERSION {
            return Err(damaged(
                name,
                8,
                &format!("format version {version} is not known"),
            ));
        }
        if u32_at(&bytes, 28) != crc32fast::hash(&bytes[..28]) {
            return Err(damaged(
                name,
                0,
                "the segment header's checksum does not match",
            ));
        }
        Ok(Self {
            salt: u32_at(&bytes, 12),
            first: u64_at(&bytes, 16),
        })
    }
}

/// A batch as the body of a frame, ready but for its position.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Vec<u8>,
    entries: u32,
    crc: u32,
}

impl Body {
    /// Encodes a batch.
    pub(super) fn encode(batch: &[Entry]) -> Result<Self, JournalError> {
        let bytes_needed = body_bytes(batch)?;
        let mut bytes = Vec::with_capacity(bytes_needed);
        for entry in batch {
            bytes.push(entry.kind as u8);
            bytes.extend_from_slice(&(entry.payload.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&entry.payload);
        }
        Ok(Self {
            crc: crc32fast::hash(&bytes),
            entries: batch.len() as u32,
            bytes,
        })
    }

    /// The frame without entries that a clean close writes: it says that all before it is durable.
    pub(super) fn closing() -> Self {
        Self {
            bytes: Vec::new(),
            entries: 0,
            crc: crc32fast::hash(&[]),
        }
    }

    /// How many positions it takes.
    pub(super) fn entries(&self) -> u64 {
        u64::from(self.entries)
    }

    /// Size of its frame.
    pub(super) fn frame_bytes(&self) -> u64 {
        (FRAME_HEADER_BYTES + self.bytes.len()) as u64
    }

    /// Appends its frame to `to`. `synced` is how much of the file is known to be durable.
    pub(super) fn write(&self, to: &mut Vec<u8>, salt: u32, first: u64, synced: u64) {
        let start = to.len();
        to.extend_from_slice(&FRAME_MAGIC);
        to.extend_from_slice(&(self.bytes.len() as u32).to_le_bytes());
        to.extend_from_slice(&self.entries.to_le_bytes());
        to.extend_from_slice(&self.crc.to_le_bytes());
        to.extend_from_slice(&first.to_le_bytes());
        to.extend_from_slice(&synced.to_le_bytes());
        let crc = salted_crc(salt, &to[start..]);
        to.extend_from_slice(&crc.to_le_bytes());
        to.extend_from_slice(&self.bytes);
    }
}

/// Size of a batch as a frame's body; `TooLarge` when an entry or the whole is over its limit.
pub(super) fn body_bytes(batch: &[Entry]) -> Result<usize, JournalError> {
    let mut bytes = 0;
    for entry in batch {
        if entry.payload.len() > ENTRY_BYTES_MAX {
            return Err(JournalError::TooLarge {
                bytes: entry.payload.len(),
            });
        }
        bytes += ENTRY_HEADER_BYTES + entry.payload.len();
    }
    if bytes > BATCH_BYTES_MAX {
        return Err(JournalError::TooLarge { bytes });
    }
    Ok(bytes)
}

/// A frame's header, checked.
#[derive(Clone, Copy, Debug)]
struct FrameHeader {
    body_bytes: usize,
    entries: u32,
    body_crc: u32,
    first: u64,
    synced: u64,
}

impl FrameHeader {
    fn parse(bytes: &[u8], salt: u32) -> Option<Self> {
        let intact = bytes.len() == FRAME_HEADER_BYTES
            && bytes[..4] == FRAME_MAGIC
            && u32_at(bytes, 32) == salted_crc(salt, &bytes[..32]);
        intact.then(|| Self {
            body_bytes: u32_at(bytes, 4) as usize,
            entries: u32_at(bytes, 8),
            body_crc: u32_at(bytes, 12),
            first: u64_at(bytes, 16),
            synced: u64_at(bytes, 24),
        })
    }
}

/// One whole frame.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// Position of its first entry.
    pub(super) first: u64,
    /// How many entries it has.
    pub(super) entries: u64,
    /// How much of the file was durable when it was written.
    pub(super) synced: u64,
    body: &'a [u8],
}

impl Frame<'_> {
    /// Its entries, in order.
    pub(super) fn entries(&self) -> Vec<Entry> {
        // One allocation for the batch: the entries share it.
        let body = Bytes::copy_from_slice(self.body);
        let mut entries = Vec::with_capacity(self.entries as usize);
        let mut at = 0;
        while let Some((kind, range)) = entry_at(&body, at) {
            at = range.end;
            entries.push(Entry {
                kind,
                payload: body.slice(range),
            });
        }
        entries
    }
}

/// What stands at a place in a segment.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// Nothing: the file ends here.
    End,
    /// A whole frame.
    Frame(Frame<'a>),
    /// Something else; why, for people.
    Broken(&'static str),
}

/// Reads a segment's frames one after the other; holds one frame or a read-ahead in memory, whichever is larger.
pub(super) struct FrameReader<'a, R: ReadAt + ?Sized> {
    source: &'a R,
    salt: u32,
    length: u64,
    offset: u64,
    next: u64,
    buffer: Vec<u8>,
    buffer_start: u64,
}

impl<'a, R: ReadAt + ?Sized> FrameReader<'a, R> {
    /// Reads from `offset`, where the frame with position `next` must begin, to `length`.
    pub(super) fn new(source: &'a R, salt: u32, length: u64, offset: u64, next: u64) -> Self {
        Self {
            source,
            salt,
            length,
            offset,
            next,
            buffer: Vec::new(),
            buffer_start: 0,
        }
    }

    /// Where the next frame begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Position that the next frame must have.
    pub(super) fn next_seq(&self) -> u64 {
        self.next
    }

    /// The next frame. After `Broken` it stays where it is.
    pub(super) fn step(&mut self) -> io::Result<Step<'_>> {
        let (offset, next, salt, left) =
            (self.offset, self.next, self.salt, self.length - self.offset);
        if left == 0 {
            return Ok(Step::End);
        }
        if left < FRAME_HEADER_BYTES as u64 {
            return Ok(Step::Broken("a frame header is cut short"));
        }
        let Some(header) = FrameHeader::parse(self.bytes(offset, FRAME_HEADER_BYTES)?, salt) else {
            return Ok(Step::Broken("a frame header does not match its checksum"));
        };
        if header.body_bytes > BATCH_BYTES_MAX {
            return Ok(Step::Broken("a frame is over the limit"));
        }
        if header.first != next {
            return Ok(Step::Broken(
                "a frame has another position than the one that is due",
            ));
        }
        let Some(after) = next.checked_add(u64::from(header.entries)) else {
            return Ok(Step::Broken("a frame's position is out of range"));
        };
        if header.synced > offset {
            return Ok(Step::Broken(
                "a frame says that more was durable than there was",
            ));
        }
        let frame_bytes = FRAME_HEADER_BYTES + header.body_bytes;
        if left < frame_bytes as u64 {
            return Ok(Step::Broken("a frame is cut short"));
        }
        let body = &self.bytes(offset, frame_bytes)?[FRAME_HEADER_BYTES..];
        if crc32fast::hash(body) != header.body_crc {
            return Ok(Step::Broken("a frame does not match its checksum"));
        }
        if !holds_entries(body, header.entries) {
            return Ok(Step::Broken("a frame's entries do not fill it"));
        }
        let end = offset + frame_bytes as u64;
        // The borrow of the buffer that `body` came from ends before the cursor moves; it is taken again below.
        self.offset = end;
        self.next = after;
        let start = (offset - self.buffer_start) as usize;
        let body = &self.buffer[start + FRAME_HEADER_BYTES..start + frame_bytes];
        let entries = u64::from(header.entries);
        Ok(Step::Frame(Frame {
            offset,
            first: header.first,
            entries,
            synced: header.synced,
            body,
        }))
    }

    /// After `Broken`: whether a later frame says that this place had been durable, so that no torn write explains it.
    pub(super) fn was_durable(&mut self) -> io::Result<bool> {
        let (broken, salt) = (self.offset, self.salt);
        let mut at = broken + 1;
        while at + FRAME_HEADER_BYTES as u64 <= self.length {
            let window = READ_BYTES.min((self.length - at) as usize);
            let bytes = self.bytes(at, window)?;
            for (index, candidate) in bytes.windows(FRAME_HEADER_BYTES).enumerate() {
                if candidate[..4] != FRAME_MAGIC {
                    continue;
                }
                let Some(header) = FrameHeader::parse(candidate, salt) else {
                    continue;
                };
                if header.synced > broken && header.synced <= at + index as u64 {
                    return Ok(true);
                }
            }
            at += (window - FRAME_HEADER_BYTES + 1) as u64;
        }
        Ok(false)
    }

    /// `count` bytes at `offset`; the caller has checked that the file has them.
    fn bytes(&mut self, offset: u64, count: usize) -> io::Result<&[u8]> {
        let buffered = offset >= self.buffer_start
            && offset + count as u64 <= self.buffer_start + self.buffer.len() as u64;
        if !buffered {
            let wanted = (count.max(READ_BYTES) as u64).min(self.length - offset) as usize;
            self.buffer.resize(wanted, 0);
            self.buffer.shrink_to(READ_BYTES.max(wanted));
            self.buffer_start = offset;
            if let Err(error) = self.source.read_exact_at(&mut self.buffer, offset) {
                self.buffer.clear();
                return Err(error);
            }
        }
        let start = (offset - self.buffer_start) as usize;
        Ok(&self.buffer[start..start + count])
    }
}

/// The entry at `at` in a body, if a whole one of a known kind stands there.
fn entry_at(body: &[u8], at: usize) -> Option<(EntryKind, std::ops::Range<usize>)> {
    let header = body.get(at..at + ENTRY_HEADER_BYTES)?;
    let kind = match header[0] {
        1 => EntryKind::Event,
        2 => EntryKind::Intent,
        3 => EntryKind::Catalog,
        _ => return None,
    };
    let start = at + ENTRY_HEADER_BYTES;
    let length = u32_at(header, 1) as usize;
    let range = start..start.checked_add(length)?;
    (length <= ENTRY_BYTES_MAX && range.end <= body.len()).then_some((kind, range))
}

fn holds_entries(body: &[u8], entries: u32) -> bool {
    let (mut at, mut found) = (0, 0_u32);
    while let Some((_, range)) = entry_at(body, at) {
        at = range.end;
        found += 1;
    }
    at == body.len() && found == entries
}

fn salted_crc(salt: u32, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}

/// Damage at a place in a file.
pub(super) fn damaged(name: &str, offset: u64, why: &str) -> JournalError {
    JournalError::Damaged {
        detail: format!("{name} at byte {offset}: {why}"),
    }
}

/// A failed call on a file.
pub(super) fn io_error(verb: &str, name: &str, source: io::Error) -> JournalError {
    JournalError::Io {
        action: format!("{verb} journal file {name}"),
        source,
    }
}

/// What a segment holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentSummary {
    /// Position of its first entry.
    pub first: crate::Seq,
    /// Position after its last whole entry.
    pub end: crate::Seq,
    /// Frames, those of clean closes included.
    pub frames: u64,
    /// Bytes at the end that a torn write left; they hold nothing that was acknowledged.
    pub torn_bytes: u64,
}

/// Checks the bytes of a segment file, as opening the journal does with its last one. For tools and for fuzzing.
///
/// # Errors
/// `Damaged` when the header is not sound, or when something is broken that had been durable.
pub fn check_segment(bytes: &[u8]) -> Result<SegmentSummary, JournalError> {
    let source = Slice(bytes);
    let header = SegmentHeader::read(&source, "segment")?;
    let length = bytes.len() as u64;
    let mut reader = FrameReader::new(
        &source,
        header.salt,
        length,
        SEGMENT_HEADER_BYTES as u64,
        header.first,
    );
    let mut frames = 0;
    loop {
        let offset = reader.offset();
        match reader
            .step()
            .map_err(|error| io_error("read", "segment", error))?
        {
            Step::End => break,
            Step::Frame(frame) => {
                debug_assert_eq!(
                    frame.entries().len() as u64,
                    frame.entries,
                    "checked when the frame was read"
                );
                frames += 1;
            }
            Step::Broken(why) => {
                if reader
                    .was_durable()
                    .map_err(|error| io_error("read", "segment", error))?
                {
                    return Err(damaged("segment", offset, why));
                }
                break;
            }
        }
    }
    Ok(SegmentSummary {
        first: crate::Seq(header.first),
        end: crate::Seq(reader.next_seq()),
        frames,
        torn_bytes: length - reader.offset(),
    })
}

/// A segment that is in memory.
struct Slice<'a>(&'a [u8]);

impl ReadAt for Slice<'_> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let bytes = start
            .checked_add(buffer.len())
            .and_then(|end| self.0.get(start..end));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

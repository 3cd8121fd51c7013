//! The segments of a journal: finding them at open, cutting a torn tail, reading by position, releasing.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    files::{DiskFile, Files},
    segment::{FrameReader, SEGMENT_HEADER_BYTES, SegmentHeader, Step, damaged, io_error},
};
use crate::{JournalError, Seq, Stored};

/// How far apart the positions are that the index knows, in bytes of the file.
const MARK_EVERY_BYTES: u64 = 64 * 1024;
/// How much is rewritten at a time when the tail is settled.
const SETTLE_BYTES: usize = 1024 * 1024;
/// How the name of a segment ends.
const SEGMENT_SUFFIX: &str = ".journal";
/// How the name of a segment ends until its header is durable.
const UNFINISHED_SUFFIX: &str = ".unfinished";
/// Name of the file that keeps room on the disk.
const RESERVE_NAME: &str = "reserve";
/// It is made when the disk has such a part of it more.
const RESERVE_ROOM: u64 = 8;
/// How much of it is written at a time.
const RESERVE_WRITE_BYTES: usize = 64 * 1024;

/// The segments, oldest first; there is always at least one.
pub(super) struct Store {
    files: Arc<dyn Files>,
    segments: Mutex<VecDeque<Arc<Segment>>>,
    /// Held while segments are removed, so that two releases cannot race.
    releasing: Mutex<()>,
}

/// One segment. What is in `state` is durable.
pub(super) struct Segment {
    name: String,
    header: SegmentHeader,
    state: Mutex<SegmentState>,
}

struct SegmentState {
    bytes: u64,
    end: u64,
    /// `None` until a segment that was found at open is read for the first time.
    marks: Option<Vec<Mark>>,
}

/// A frame that the index knows.
#[derive(Clone, Copy)]
struct Mark {
    seq: u64,
    offset: u64,
}

/// The segment that is written to.
pub(super) struct Active {
    segment: Arc<Segment>,
    file: Box<dyn DiskFile>,
    bytes: u64,
    closed_cleanly: bool,
}

impl Store {
    /// Finds the segments, or makes the first; cuts what a crash left torn. Returns the one to write to as well.
    pub(super) fn open(files: Arc<dyn Files>) -> Result<(Self, Active), JournalError> {
        let mut names = files
            .list()
            .map_err(|source| io_error("list", "directory", source))?;
        names.sort();
        let mut segments = VecDeque::new();
        for name in &names {
            if name.ends_with(UNFINISHED_SUFFIX) {
                files
                    .remove(name)
                    .map_err(|source| io_error("remove", name, source))?;
            } else if name.ends_with(SEGMENT_SUFFIX) {
                segments.push_back(found(&*files, name)?);
            }
        }
        // An earlier life may have ended between giving a segment its name and making the name durable.
        files
            .sync_dir()
            .map_err(|source| io_error("make durable the names in", "directory", source))?;
        for at in 1..segments.len() {
            let end = segments[at].header.first;
            if end <= segments[at - 1].header.first {
                return Err(damaged(
                    &segments[at].name,
                    0,
                    "it begins where another segment does",
                ));
            }
            segments[at - 1].state().end = end;
        }
        let active = match segments.back() {
            Some(last) => recover(&*files, last)?,
            None => {
                let active = create(&*files, 0)?;
                segments.push_back(active.segment.clone());
                active
            }
        };
        Ok((
            Self {
                files,
                segments: Mutex::new(segments),
                releasing: Mutex::default(),
            },
            active,
        ))
    }

    /// Ends the active segment and begins the next, whose first position is `first`.
    pub(super) fn rotate(&self, first: u64) -> Result<Active, JournalError> {
        let active = create(&*self.files, first)?;
        self.segments().push_back(active.segment.clone());
        Ok(active)
    }

    /// Keeps so many bytes of the disk for what is under way when it gets full.
    pub(super) fn reserve(&self, bytes: u64) -> io::Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        let there = self.files.open(RESERVE_NAME);
        if there.and_then(|file| file.len()).ok() == Some(bytes) {
            return Ok(());
        }
        let made = self.write_reserve(bytes);
        if made.is_err() {
            self.give_up_reserve();
        }
        made
    }

    fn write_reserve(&self, bytes: u64) -> io::Result<()> {
        let file = self.files.create(RESERVE_NAME)?;
        // Not all the same: some file systems need no room for that.
        let mut number = self.files.salt() | 1;
        let mut chunk = Vec::with_capacity(RESERVE_WRITE_BYTES);
        while chunk.len() < RESERVE_WRITE_BYTES {
            number ^= number << 13;
            number ^= number >> 17;
            number ^= number << 5;
            chunk.extend_from_slice(&number.to_le_bytes());
        }
        // With some room besides: a disk that is full again at once had none.
        let (mut at, end) = (0, bytes + bytes / RESERVE_ROOM);
        while at < end {
            let length = (end - at).min(RESERVE_WRITE_BYTES as u64);
            file.write_all_at(&chunk[..length as usize], at)?;
            at += length;
        }
        file.set_len(bytes)?;
        file.sync()
    }

    /// Lets the room go that is kept; tells whether there was any.
    pub(super) fn give_up_reserve(&self) -> bool {
        self.files.remove(RESERVE_NAME).is_ok()
    }

    /// Bytes of all segments.
    pub(super) fn bytes(&self) -> u64 {
        self.segments()
            .iter()
            .map(|segment| segment.state().bytes)
            .sum()
    }

    /// The first position that is kept.
    pub(super) fn first(&self) -> u64 {
        self.segments()
            .front()
            .map_or(0, |segment| segment.header.first)
    }

    /// Reads from files, from one segment at a time. `from` is below the head.
    pub(super) fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Stored>, JournalError> {
        let released = || JournalError::Released {
            asked: Seq(from),
            first: Seq(self.first()),
        };
        let Some(segment) = self.containing(from) else {
            return Err(released());
        };
        let file = match self.files.open(&segment.name) {
            // It went between the look-up and now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && from < self.first() => {
                return Err(released());
            }
            opened => opened.map_err(|source| io_error("open", &segment.name, source))?,
        };
        segment.read(&*file, from, bytes_max)
    }

    /// Removes the segments that are wholly below `below`, never the last one. Returns how many bytes that freed.
    pub(super) fn release(&self, below: u64) -> (u64, Result<(), JournalError>) {
        let _releasing = self
            .releasing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut freed_bytes = 0;
        loop {
            let oldest = {
                let mut segments = self.segments();
                match segments.get(1) {
                    Some(second) if second.header.first <= below => segments.pop_front(),
                    _ => None,
                }
            };
            let Some(oldest) = oldest else {
                return (freed_bytes, Ok(()));
            };
            // One at a time and each durable, so that a crash can never leave a gap between segments.
            if let Err(source) = self.files.remove(&oldest.name) {
                let error = io_error("remove", &oldest.name, source);
                self.segments().push_front(oldest);
                return (freed_bytes, Err(error));
            }
            freed_bytes += oldest.state().bytes;
            if let Err(source) = self.files.sync_dir() {
                return (
                    freed_bytes,
                    Err(io_error(
                        "make durable the removal of",
                        &oldest.name,
                        source,
                    )),
                );
            }
        }
    }

    fn containing(&self, seq: u64) -> Option<Arc<Segment>> {
        let segments = self.segments();
        let after = segments.partition_point(|segment| segment.header.first <= seq);
        segments.get(after.checked_sub(1)?).cloned()
    }

    fn segments(&self) -> MutexGuard<'_, VecDeque<Arc<Segment>>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Segment {
    fn new(name: String, header: SegmentHeader, bytes: u64, marks: Option<Vec<Mark>>) -> Arc<Self> {
        Arc::new(Self {
            name,
            header,
            state: Mutex::new(SegmentState {
                bytes,
                end: header.first,
                marks,
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, SegmentState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(
        &self,
        file: &dyn DiskFile,
        from: u64,
        bytes_max: usize,
    ) -> Result<Vec<Stored>, JournalError> {
        let (mark, bytes, end) = self.start(file, from)?;
        let mut reader = FrameReader::new(file, self.header.salt, bytes, mark.offset, mark.seq);
        let mut stored: Vec<Stored> = Vec::new();
        let mut taken_bytes = 0;
        loop {
            let offset = reader.offset();
            let frame = match reader
                .step()
                .map_err(|source| io_error("read", &self.name, source))?
            {
                Step::Frame(frame) => frame,
                Step::End if stored.is_empty() => {
                    return Err(damaged(&self.name, offset, "entries are missing"));
                }
                Step::End => return Ok(stored),
                // What came before it is sound; the next read says what is wrong here.
                Step::Broken(_) if !stored.is_empty() => return Ok(stored),
                Step::Broken(why) => return Err(damaged(&self.name, offset, why)),
            };
            if frame.first + frame.entries > end {
                return Err(damaged(
                    &self.name,
                    offset,
                    "it has entries that are in the next segment",
                ));
            }
            if frame.first + frame.entries <= from {
                continue;
            }
            for (seq, entry) in (frame.first..)
                .zip(frame.entries())
                .skip_while(|(seq, _)| *seq < from)
            {
                if !stored.is_empty() && taken_bytes + entry.payload.len() > bytes_max {
                    return Ok(stored);
                }
                taken_bytes += entry.payload.len();
                stored.push(Stored {
                    seq: Seq(seq),
                    entry,
                });
            }
        }
    }

    /// Where to begin to read for `from`, how long the file is, and at which position it ends. The first reader makes
    /// the index.
    fn start(&self, file: &dyn DiskFile, from: u64) -> Result<(Mark, u64, u64), JournalError> {
        let mut state = self.state();
        let marks = match &mut state.marks {
            Some(marks) => &*marks,
            unread => &*unread.insert(scan(file, &self.name, self.header)?),
        };
        let after = marks.partition_point(|mark| mark.seq <= from);
        let first = Mark {
            seq: self.header.first,
            offset: SEGMENT_HEADER_BYTES as u64,
        };
        Ok((
            after.checked_sub(1).map_or(first, |at| marks[at]),
            state.bytes,
            state.end,
        ))
    }
}

impl Active {
    /// Goes into the frames.
    pub(super) fn salt(&self) -> u32 {
        self.segment.header.salt
    }

    /// How long the file is; all of it is durable.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Position after the last durable entry.
    pub(super) fn end(&self) -> u64 {
        self.segment.state().end
    }

    /// Whether it has no entry yet.
    pub(super) fn is_empty(&self) -> bool {
        self.end() == self.segment.header.first
    }

    /// Whether nothing was written since a clean close.
    pub(super) fn closed_cleanly(&self) -> bool {
        self.closed_cleanly
    }

    /// Writes frames and makes them durable. `starts` are the position and the place in `frames` of each. After `DiskFull` it
    /// is as it was before; after any other error nobody knows.
    pub(super) fn append(
        &mut self,
        frames: &[u8],
        starts: &[(u64, usize)],
        end: u64,
    ) -> Result<(), JournalError> {
        let name = &self.segment.name;
        if let Err(source) = self.file.write_all_at(frames, self.bytes) {
            if !is_no_room(&source) {
                return Err(io_error("write", name, source));
            }
            // At once: behind the beginning of another segment it would be damage.
            self.file
                .set_len(self.bytes)
                .and_then(|()| self.file.sync())
                .map_err(|source| io_error("cut", name, source))?;
            return Err(disk_full("write", name, &source));
        }
        self.file
            .sync()
            .map_err(|source| io_error("sync", name, source))?;
        let mut state = self.segment.state();
        if let Some(marks) = &mut state.marks {
            for (seq, start) in starts {
                mark(marks, *seq, self.bytes + *start as u64);
            }
        }
        self.bytes += frames.len() as u64;
        self.closed_cleanly = starts.is_empty();
        state.bytes = self.bytes;
        state.end = end;
        Ok(())
    }
}

fn mark(marks: &mut Vec<Mark>, seq: u64, offset: u64) {
    if marks
        .last()
        .is_none_or(|last| last.offset + MARK_EVERY_BYTES <= offset)
    {
        marks.push(Mark { seq, offset });
    }
}

/// Whether a disk has no room, or no more for us.
fn is_no_room(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn disk_full(verb: &str, name: &str, source: &io::Error) -> JournalError {
    JournalError::DiskFull {
        detail: format!("{verb} journal file {name}: {source}"),
    }
}

fn segment_name(first: u64) -> String {
    format!("{first:020}{SEGMENT_SUFFIX}")
}

/// A segment that was there at open, by its header.
fn found(files: &dyn Files, name: &str) -> Result<Arc<Segment>, JournalError> {
    let file = files
        .open(name)
        .map_err(|source| io_error("open", name, source))?;
    let header = SegmentHeader::read(&*file, name)?;
    if segment_name(header.first) != name {
        return Err(damaged(
            name,
            16,
            "the name does not match the header's position",
        ));
    }
    let bytes = file
        .len()
        .map_err(|source| io_error("measure", name, source))?;
    Ok(Segment::new(name.to_owned(), header, bytes, None))
}

/// Makes a segment; it gets its name once its header is durable, so that a named one always has a whole header.
fn create(files: &dyn Files, first: u64) -> Result<Active, JournalError> {
    let name = segment_name(first);
    let unfinished = format!("{name}{UNFINISHED_SUFFIX}");
    let header = SegmentHeader {
        first,
        salt: files.salt(),
    };
    let begun = || {
        let file = files.create(&unfinished)?;
        file.write_all_at(&header.encode(), 0)?;
        Ok(file)
    };
    let file = begun().map_err(|source| match is_no_room(&source) {
        true => disk_full("create", &name, &source),
        false => io_error("create", &name, source),
    })?;
    let finished = || {
        file.sync()?;
        files.rename(&unfinished, &name)?;
        files.sync_dir()
    };
    finished().map_err(|source| io_error("create", &name, source))?;
    let bytes = SEGMENT_HEADER_BYTES as u64;
    let segment = Segment::new(name, header, bytes, Some(Vec::new()));
    Ok(Active {
        segment,
        file,
        bytes,
        closed_cleanly: true,
    })
}

/// Reads the last segment, cuts a torn tail, and makes sure that what is left is durable.
fn recover(files: &dyn Files, segment: &Arc<Segment>) -> Result<Active, JournalError> {
    let name = &segment.name;
    let failed = |source| io_error("recover", name, source);
    let file = files.open(name).map_err(failed)?;
    let mut state = segment.state();
    let start = SEGMENT_HEADER_BYTES as u64;
    let mut reader = FrameReader::new(
        &*file,
        segment.header.salt,
        state.bytes,
        start,
        segment.header.first,
    );
    let mut marks = Vec::new();
    let (mut unsettled_from, mut closed_cleanly) = (start, true);
    let end = loop {
        let offset = reader.offset();
        match reader.step().map_err(failed)? {
            Step::End => break offset,
            Step::Frame(frame) => {
                mark(&mut marks, frame.first, frame.offset);
                closed_cleanly = frame.entries == 0;
                // The mark of a clean close counts too: what follows it would be lost with it.
                unsettled_from = frame.synced.max(start);
            }
            Step::Broken(why) => {
                if reader.was_durable().map_err(failed)? {
                    return Err(damaged(name, offset, why));
                }
                let cut_bytes = state.bytes - offset;
                tracing::warn!(segment = %name, offset, cut_bytes, why, "cut the journal's torn tail");
                break offset;
            }
        }
    };
    let next = reader.next_seq();
    if end < state.bytes {
        file.set_len(end).map_err(failed)?;
        file.sync().map_err(failed)?;
    }
    settle(&*file, unsettled_from, end).map_err(failed)?;
    *state = SegmentState {
        bytes: end,
        end: next,
        marks: Some(marks),
    };
    drop(state);
    Ok(Active {
        segment: segment.clone(),
        file,
        bytes: end,
        closed_cleanly,
    })
}

/// Writes the last group again and syncs it. A sync that failed in an earlier life may have left it in the system's
/// cache only, marked as clean: it would be read today and gone after a power cut.
fn settle(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    let mut bytes = Vec::new();
    while at < to {
        bytes.resize(SETTLE_BYTES.min((to - at) as usize), 0);
        file.read_exact_at(&mut bytes, at)?;
        file.write_all_at(&bytes, at)?;
        at += bytes.len() as u64;
    }
    if from < to { file.sync() } else { Ok(()) }
}

/// Reads a whole segment that is not written to any more, and makes its index up to the first broken frame.
fn scan(file: &dyn DiskFile, name: &str, header: SegmentHeader) -> Result<Vec<Mark>, JournalError> {
    let failed = |source| io_error("read", name, source);
    let length = file.len().map_err(failed)?;
    let mut reader = FrameReader::new(
        file,
        header.salt,
        length,
        SEGMENT_HEADER_BYTES as u64,
        header.first,
    );
    let mut marks = Vec::new();
    while let Step::Frame(frame) = reader.step().map_err(failed)? {
        mark(&mut marks, frame.first, frame.offset);
    }
    Ok(marks)
}

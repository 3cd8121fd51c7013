//! A disk for tests: it keeps what was synced apart from what was not, fails or tears any call, and crashes.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use super::files::{DiskFile, Files, ReadAt};

/// A small generator (SplitMix64): the same seed gives the same run.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in `times`.
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// What a disk writes at once: of a longer write any part may be there after a crash.
const SECTOR_BYTES: usize = 64;

/// The disk. Clones are the same disk.
#[derive(Clone)]
pub(super) struct FaultyFiles {
    disk: Arc<Mutex<Disk>>,
    /// Handles of an earlier life of the process are of no use.
    life: u64,
}

struct Disk {
    random: Random,
    life: u64,
    /// Calls until the fault; `None` is never.
    calls_left: Option<u64>,
    fault: Fault,
    /// Bytes that all files together may have.
    capacity: Option<usize>,
    contents: BTreeMap<u64, Content>,
    next_content: u64,
    /// Names as the process sees them, and as they are on disk.
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    name_changes: Vec<NameChange>,
}

/// What happens at the chosen call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// The process stops: this call and all later ones do nothing.
    Stop,
    /// The call fails, once; what it did is left in part.
    Fail,
}

#[derive(Clone, Default)]
struct Content {
    /// As reads see it.
    cached: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Clone)]
enum NameChange {
    Add(String, u64),
    Rename(String, String),
    Remove(String),
}

impl FaultyFiles {
    /// An empty disk.
    pub(super) fn new(seed: u64) -> Self {
        let disk = Disk {
            random: Random::new(seed),
            life: 0,
            calls_left: None,
            fault: Fault::Stop,
            capacity: None,
            contents: BTreeMap::new(),
            next_content: 0,
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            name_changes: Vec::new(),
        };
        Self {
            disk: Arc::new(Mutex::new(disk)),
            life: 0,
        }
    }

    /// Lets `fault` happen at the call after `calls` more.
    pub(super) fn fault_after(&self, calls: u64, fault: Fault) {
        let mut disk = self.disk.lock().unwrap();
        disk.calls_left = Some(calls);
        disk.fault = fault;
    }

    /// Whether the chosen call was made, if there was one.
    pub(super) fn has_failed(&self) -> bool {
        self.disk.lock().unwrap().calls_left.is_none()
    }

    /// Nothing fails from now on.
    pub(super) fn heal(&self) {
        self.disk.lock().unwrap().calls_left = None;
    }

    /// The disk has room for so many bytes more; `None`: for any number.
    pub(super) fn leave_room(&self, bytes: Option<usize>) {
        let mut disk = self.disk.lock().unwrap();
        disk.capacity = bytes.map(|bytes| disk.used_bytes() + bytes);
    }

    /// The process is gone; its disk for the next one. What was written is still in the system's cache.
    pub(super) fn kill(&self) -> Self {
        let mut disk = self.disk.lock().unwrap();
        disk.life += 1;
        disk.calls_left = None;
        Self {
            disk: self.disk.clone(),
            life: disk.life,
        }
    }

    /// The machine is gone: of what was not synced, anything may be lost.
    pub(super) fn power_cut(&self) -> Self {
        let files = self.kill();
        let mut disk = files.disk.lock().unwrap();
        let disk_ref = &mut *disk;
        for content in disk_ref.contents.values_mut() {
            content.settle_in_part(&mut disk_ref.random);
            content.cached.clone_from(&content.durable);
        }
        let kept = disk_ref
            .random
            .below(disk_ref.name_changes.len() as u64 + 1) as usize;
        for change in disk_ref.name_changes.drain(..).take(kept) {
            change.apply(&mut disk_ref.durable_names);
        }
        disk_ref.names.clone_from(&disk_ref.durable_names);
        // What is there again had kept its room.
        let used = disk.used_bytes();
        disk.capacity = disk.capacity.map(|capacity| capacity.max(used));
        drop(disk);
        files
    }

    /// The disk for a call that changes something, if it may go on. `Err` with `true` when it may leave something.
    fn change(&self) -> Result<MutexGuard<'_, Disk>, (MutexGuard<'_, Disk>, io::Error)> {
        let mut disk = self.disk.lock().unwrap();
        if disk.life != self.life {
            return Err((disk, io::Error::other("an earlier life")));
        }
        match disk.calls_left {
            None => Ok(disk),
            Some(0) => {
                if disk.fault == Fault::Stop {
                    // The process does nothing more; `kill` or `power_cut` begins the next one.
                    disk.life += 1;
                }
                disk.calls_left = None;
                Err((disk, io::Error::other("the disk failed")))
            }
            Some(calls) => {
                disk.calls_left = Some(calls - 1);
                Ok(disk)
            }
        }
    }

    fn change_names(&self, change: NameChange) -> io::Result<()> {
        let mut disk = self.change().map_err(|(_, error)| error)?;
        change.clone().apply(&mut disk.names);
        disk.name_changes.push(change);
        Ok(())
    }
}

impl Files for FaultyFiles {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.disk.lock().unwrap().names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut disk = self.change().map_err(|(_, error)| error)?;
        let content = disk.next_content;
        disk.next_content += 1;
        disk.contents.insert(content, Content::default());
        let change = NameChange::Add(name.to_owned(), content);
        change.clone().apply(&mut disk.names);
        disk.name_changes.push(change);
        Ok(Box::new(FaultyFile {
            files: self.clone(),
            content,
        }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let content = *self
            .disk
            .lock()
            .unwrap()
            .names
            .get(name)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(FaultyFile {
            files: self.clone(),
            content,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change_names(NameChange::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change_names(NameChange::Remove(name.to_owned()))
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut disk = self.change().map_err(|(_, error)| error)?;
        let disk = &mut *disk;
        for change in disk.name_changes.drain(..) {
            change.apply(&mut disk.durable_names);
        }
        Ok(())
    }

    fn salt(&self) -> u32 {
        self.disk.lock().unwrap().random.next() as u32
    }
}

impl Disk {
    fn used_bytes(&self) -> usize {
        let contents = self.names.values();
        contents.map(|it| self.contents[it].cached.len()).sum()
    }

    /// How many of `length` bytes have room at a place of a file.
    fn room(&self, content: u64, offset: usize, length: usize) -> usize {
        let Some(capacity) = self.capacity else {
            return length;
        };
        let growth = (offset + length).saturating_sub(self.contents[&content].cached.len());
        let left = capacity.saturating_sub(self.used_bytes());
        length - growth.saturating_sub(left).min(length)
    }
}

impl NameChange {
    fn apply(self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Add(name, content) => {
                names.insert(name, content);
            }
            Self::Rename(from, to) => {
                let content = names.remove(&from).expect("only what is there is renamed");
                names.insert(to, content);
            }
            Self::Remove(name) => {
                names.remove(&name);
            }
        }
    }
}

impl Content {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.cached);
        self.unsynced.push(change);
    }

    /// Any part of what waits reaches the disk, sector by sector; the rest never will.
    fn settle_in_part(&mut self, random: &mut Random) {
        let luck = 1 + random.below(4);
        for change in std::mem::take(&mut self.unsynced) {
            match change {
                Change::Write(offset, bytes) => {
                    for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                        if random.one_in(luck) {
                            Change::Write(offset + index * SECTOR_BYTES, sector.to_vec())
                                .apply(&mut self.durable);
                        }
                    }
                }
                Change::Length(_) if random.one_in(2) => {}
                change => change.apply(&mut self.durable),
            }
        }
    }
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*offset..end].copy_from_slice(bytes);
            }
            Self::Length(length) => to.resize(*length, 0),
        }
    }
}

struct FaultyFile {
    files: FaultyFiles,
    content: u64,
}

impl FaultyFile {
    fn with<T>(&self, act: impl FnOnce(&mut Content) -> T) -> T {
        let mut disk = self.files.disk.lock().unwrap();
        act(disk
            .contents
            .get_mut(&self.content)
            .expect("contents are kept"))
    }
}

impl ReadAt for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.with(|content| content.cached.len() as u64))
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|content| {
            let start = offset as usize;
            let bytes = content
                .cached
                .get(start..start + buffer.len())
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(bytes);
            Ok(())
        })
    }
}

impl DiskFile for FaultyFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.files.change() {
            Ok(mut disk) => {
                let room = disk.room(self.content, offset as usize, bytes.len());
                let content = disk
                    .contents
                    .get_mut(&self.content)
                    .expect("contents are kept");
                content.change(Change::Write(offset as usize, bytes[..room].to_vec()));
                match room < bytes.len() {
                    true => Err(io::ErrorKind::StorageFull.into()),
                    false => Ok(()),
                }
            }
            Err((mut disk, error)) => {
                let written = disk.random.below(bytes.len() as u64 + 1) as usize;
                let dead = error.to_string() == "an earlier life";
                let content = disk
                    .contents
                    .get_mut(&self.content)
                    .expect("contents are kept");
                if !dead {
                    content.change(Change::Write(offset as usize, bytes[..written].to_vec()));
                }
                Err(error)
            }
        }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut disk = self.files.change().map_err(|(_, error)| error)?;
        let content = disk
            .contents
            .get_mut(&self.content)
            .expect("contents are kept");
        content.change(Change::Length(bytes as usize));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        match self.files.change() {
            Ok(mut disk) => {
                let content = disk
                    .contents
                    .get_mut(&self.content)
                    .expect("contents are kept");
                for change in std::mem::take(&mut content.unsynced) {
                    change.apply(&mut content.durable);
                }
                Ok(())
            }
            Err((mut disk, error)) => {
                // As real systems do: what could not be written is marked as clean, stays readable and is forgotten.
                if error.to_string() != "an earlier life" && disk.fault == Fault::Fail {
                    let disk = &mut *disk;
                    let content = disk
                        .contents
                        .get_mut(&self.content)
                        .expect("contents are kept");
                    content.settle_in_part(&mut disk.random);
                }
                Err(error)
            }
        }
    }
}

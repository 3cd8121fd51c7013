//! Many files at a time: listed, read and handed to the table, each stage at its own pace with bounded queues between.
//!
//! One thread lists, some unpack and read, the caller's gives events to the sink and commits. What is committed is the
//! events together with the marks that say which files they are of, so that an import that stops anywhere goes on there.

use std::{
    collections::HashMap,
    io::Read,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use pugmark_core::event::record::{Place, Record};

use crate::{
    marks::{FileHash, Folder},
    place,
    read::{self, Batch, Ending, Scratch, Skip},
};

/// Batches of a block each that wait for the sink.
const BATCHES_MAX: usize = 32;
/// From here on a file's place is marked while it is still being read, in bytes of the unpacked file.
const PARTLY_BYTES_MIN: u64 = 16 * 1024 * 1024;

/// Where events go. One thread pushes; what is not committed is as if it had never been.
pub trait Sink: Send {
    /// What stops it.
    type Error: Send;

    /// What was committed last for a source: a text of ours.
    fn resumed(&self, source: &str) -> Option<String>;

    /// Takes a record; one whose event is there already is dropped and counted.
    ///
    /// # Errors
    /// When it cannot be written.
    fn push(&mut self, record: Record) -> Result<(), Self::Error>;

    /// Makes everything so far durable, together with the marks. Gives how many events were added since the last commit,
    /// and how many were there already.
    ///
    /// # Errors
    /// When it cannot be written: then nothing since the last commit is there.
    fn commit(&mut self, marks: &[(String, String)]) -> Result<(u64, u64), Self::Error>;

    /// Puts in order what was committed, when no more comes.
    ///
    /// # Errors
    /// When it cannot be written: what is committed stays.
    fn finish(self) -> Result<(), Self::Error>;
}

/// A file to read.
pub struct File {
    /// The folder that it is in, with a slash at its end: an absolute path or `s3://bucket/…/`.
    pub folder: String,
    /// Its name in there.
    pub name: String,
    /// Its size in bytes, as it lies there.
    pub size: u64,
    /// Changes when the file does: an ETag or a time of change.
    pub stamp: String,
    /// Called when the file is wanted; gives what is called when its turn comes. What takes long to answer begins with the
    /// first call and is waited for in the second.
    pub begin: Box<dyn FnOnce() -> Open + Send>,
}

/// Opens a file.
pub type Open = Box<dyn FnOnce() -> std::io::Result<Box<dyn Read + Send>> + Send>;

/// Finds files.
pub trait Files: Send {
    /// What stops it.
    type Error: Send;

    /// Calls the function with each file, those of a folder one after the other, until it says no.
    ///
    /// # Errors
    /// When the place cannot be listed.
    fn list(self, take: &mut dyn FnMut(File) -> bool) -> Result<(), Self::Error>;
}

/// Is told what happens.
pub trait Observer {
    /// Something of a file was left out.
    fn skipped(&mut self, path: &str, skip: &Skip);
    /// Called after each block of a file: what was done so far.
    fn progress(&mut self, counts: &Counts);
}

/// What was done.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Files that were found, but for digests, and their bytes as they lie there.
    pub listed: u64,
    /// Their bytes.
    pub bytes_listed: u64,
    /// The listing is complete.
    pub is_listed: bool,
    /// Files that were read.
    pub files: u64,
    /// Of those, the ones that could not be read to their end.
    pub files_cut_off: u64,
    /// Files that an earlier import had read.
    pub files_before: u64,
    /// Digests, by their place or content.
    pub digests: u64,
    /// Bytes of files that were read or needed not be, as they lie there.
    pub bytes: u64,
    /// Events that were read.
    pub events: u64,
    /// Of those, committed and new.
    pub added: u64,
    /// Of those, there already.
    pub duplicates: u64,
    /// Records, and other places of files, that were left out.
    pub skipped: u64,
    /// It was stopped before its end.
    pub is_stopped: bool,
}

/// How an import is run.
#[derive(Debug, Clone)]
pub struct Import {
    /// For records that do not say it, and whose file does not either.
    pub place: Place,
    /// Threads that unpack and read.
    pub readers: usize,
    /// Files that are begun before their turn comes.
    pub files_ahead: usize,
    /// Events after which is committed.
    pub commit_events: u64,
    /// Read files again that were imported before.
    pub again: bool,
}

/// Why an import ended early. What was committed before stays.
#[derive(Debug)]
pub enum Failed<S, F> {
    /// The sink failed.
    Sink(S),
    /// The files could not be listed.
    Files(F),
}

impl Import {
    /// Imports the files; until `stop` is set, then what was read is committed.
    ///
    /// # Errors
    /// When the sink or the listing fails; in the latter case the files that were found are imported nevertheless.
    pub fn run<S: Sink, F: Files>(
        &self,
        files: F,
        sink: S,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<Counts, Failed<S::Error, F::Error>> {
        let shared = Shared {
            state: Mutex::new(State {
                sink,
                folders: HashMap::new(),
                listing: String::new(),
            }),
            stop,
            listed: AtomicU64::new(0),
            bytes_listed: AtomicU64::new(0),
            is_listed: AtomicBool::new(false),
            files_before: AtomicU64::new(0),
            digests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        };
        let (jobs, waiting) = sync_channel::<Job>(self.files_ahead.max(1));
        let (messages, results) = sync_channel::<Message>(BATCHES_MAX);
        let waiting = Mutex::new(waiting);
        let counts = thread::scope(|scope| {
            let (shared, waiting) = (&shared, &waiting);
            for _ in 0..self.readers.max(1) {
                let messages = messages.clone();
                scope.spawn(move || self.read_files(shared, waiting, &messages));
            }
            drop(messages);
            let lister = scope.spawn(move || {
                let listed = files.list(&mut |file| self.take(shared, file, &jobs));
                shared.is_listed.store(true, Ordering::Relaxed);
                listed
            });
            let sunk = self.sink_all(shared, &results, observer);
            // An `expect` would only repeat a panic that the thread has told of already.
            let listed = lister
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let counts = sunk.map_err(Failed::Sink)?;
            listed.map_err(Failed::Files)?;
            Ok(counts)
        })?;
        let state = shared.state.into_inner();
        if !counts.is_stopped && counts.added > 0 {
            let sink = state.unwrap_or_else(PoisonError::into_inner).sink;
            sink.finish().map_err(Failed::Sink)?;
        }
        Ok(counts)
    }

    /// Takes a found file, if it was not imported before.
    fn take<S: Sink>(&self, shared: &Shared<'_, S>, file: File, jobs: &SyncSender<Job>) -> bool {
        if shared.is_stopped() {
            return false;
        }
        let path = format!("{}{}", file.folder, file.name);
        if place::is_digest(&path) {
            shared.digests.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        shared.listed.fetch_add(1, Ordering::Relaxed);
        shared.bytes_listed.fetch_add(file.size, Ordering::Relaxed);
        let hash = FileHash::of(&file.name, file.size, &file.stamp);
        let Some(from) = shared.state().admit(&file.folder, hash, self.again) else {
            shared.files_before.fetch_add(1, Ordering::Relaxed);
            shared.bytes.fetch_add(file.size, Ordering::Relaxed);
            return true;
        };
        let job = Job {
            file: Arc::new(Reading {
                path,
                folder: file.folder,
                hash,
            }),
            from,
            open: (file.begin)(),
        };
        jobs.send(job).is_ok()
    }

    fn read_files<S: Sink>(
        &self,
        shared: &Shared<'_, S>,
        waiting: &Mutex<Receiver<Job>>,
        messages: &SyncSender<Message>,
    ) {
        let mut scratch = Scratch::default();
        loop {
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok(job) = next else { return };
            let file = job.file;
            let stated = place::place(&file.path);
            let place = Place {
                account: stated.account.or(self.place.account),
                region: stated.region.or_else(|| self.place.region.clone()),
            };
            // The last batch waits for how the file ends: most files are one.
            let mut last = None;
            let send = |batch| {
                let message = last.replace(batch).map(|batch| Message {
                    file: file.clone(),
                    batch,
                    ending: None,
                });
                let is_sent = message.is_none_or(|message| messages.send(message).is_ok());
                is_sent && !shared.is_stopped()
            };
            let ending = if shared.is_stopped() {
                Ending::Stopped
            } else {
                match (job.open)() {
                    Ok(input) => {
                        let counted = Counted {
                            input,
                            bytes: &shared.bytes,
                        };
                        read::read(counted, &place, job.from, &mut scratch, send)
                    }
                    Err(error) => {
                        last = Some(Batch::unreadable(0, &error));
                        Ending::CutOff
                    }
                }
            };
            let message = Message {
                batch: last.unwrap_or_default(),
                file,
                ending: Some(ending),
            };
            if messages.send(message).is_err() {
                return;
            }
        }
    }

    /// Gives events to the sink until the readers have no more.
    fn sink_all<S: Sink>(
        &self,
        shared: &Shared<'_, S>,
        results: &Receiver<Message>,
        observer: &mut dyn Observer,
    ) -> Result<Counts, S::Error> {
        let mut counts = Counts::default();
        let mut uncommitted = 0;
        let mut failed = None;
        while let Ok(message) = results.recv() {
            if failed.is_some() {
                // The readers are stopping; nothing more can be kept.
                continue;
            }
            let Message {
                file,
                batch,
                ending,
            } = message;
            counts.digests += batch.digests;
            counts.skipped += batch.skipped.len() as u64;
            for skip in &batch.skipped {
                observer.skipped(&file.path, skip);
            }
            counts.events += batch.records.len() as u64;
            uncommitted += batch.records.len() as u64;
            let pushed = shared.state().push(&file, batch);
            let committed = pushed.and_then(|()| {
                if let Some(ending) = ending {
                    counts.files += u64::from(ending != Ending::Stopped);
                    counts.files_cut_off += u64::from(ending == Ending::CutOff);
                    shared.state().leave(&file, ending);
                }
                if uncommitted >= self.commit_events {
                    uncommitted = 0;
                    shared.state().commit(&mut counts)?;
                }
                Ok(())
            });
            if let Err(error) = committed {
                shared.stop.store(true, Ordering::Relaxed);
                failed = Some(error);
            }
            shared.count(&mut counts);
            observer.progress(&counts);
        }
        match failed {
            Some(error) => Err(error),
            None => {
                shared.state().commit(&mut counts)?;
                shared.count(&mut counts);
                observer.progress(&counts);
                Ok(counts)
            }
        }
    }
}

/// A file whose turn comes.
struct Job {
    file: Arc<Reading>,
    from: u64,
    open: Open,
}

/// A file that is being read.
struct Reading {
    path: String,
    folder: String,
    hash: FileHash,
}

/// What was read of a file.
struct Message {
    file: Arc<Reading>,
    batch: Batch,
    /// With its last batch.
    ending: Option<Ending>,
}

/// What the threads share.
struct Shared<'a, S> {
    state: Mutex<State<S>>,
    stop: &'a AtomicBool,
    listed: AtomicU64,
    bytes_listed: AtomicU64,
    is_listed: AtomicBool,
    files_before: AtomicU64,
    digests: AtomicU64,
    bytes: AtomicU64,
}

impl<S> Shared<'_, S> {
    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Fills in what other threads count.
    fn count(&self, counts: &mut Counts) {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // Digests by their content are added once, here and there.
        counts.digests += self.digests.swap(0, Ordering::Relaxed);
        counts.listed = value(&self.listed);
        counts.bytes_listed = value(&self.bytes_listed);
        counts.is_listed = self.is_listed.load(Ordering::Relaxed);
        counts.files_before = value(&self.files_before);
        counts.bytes = value(&self.bytes);
        counts.is_stopped = self.is_stopped();
    }
}

/// The sink, and the folders whose marks may change with its next commit.
struct State<S> {
    sink: S,
    folders: HashMap<String, OpenFolder>,
    /// The folder that is being listed.
    listing: String,
}

#[derive(Default)]
struct OpenFolder {
    folder: Folder,
    /// Files that wait or are being read.
    pending: usize,
    is_changed: bool,
}

impl OpenFolder {
    fn is_needed(&self) -> bool {
        self.pending > 0 || self.is_changed
    }
}

impl<S: Sink> State<S> {
    /// From where on a file is to be read; none if it was imported before.
    fn admit(&mut self, folder: &str, file: FileHash, again: bool) -> Option<u64> {
        if self.listing != folder {
            let left = self.folders.get(&self.listing);
            if left.is_some_and(|left| !left.is_needed()) {
                self.folders.remove(&self.listing);
            }
            folder.clone_into(&mut self.listing);
        }
        let sink = &self.sink;
        let open = self
            .folders
            .entry(folder.to_owned())
            .or_insert_with(|| OpenFolder {
                folder: sink
                    .resumed(folder)
                    .map(|text| Folder::decode(&text))
                    .unwrap_or_default(),
                ..OpenFolder::default()
            });
        if open.folder.is_done(file) && !again {
            return None;
        }
        open.pending += 1;
        Some(if again { 0 } else { open.folder.end_of(file) })
    }

    fn push(&mut self, file: &Reading, batch: Batch) -> Result<(), S::Error> {
        for record in batch.records {
            self.sink.push(record)?;
        }
        if batch.end >= PARTLY_BYTES_MIN
            && let Some(open) = self.folders.get_mut(&file.folder)
        {
            open.folder.reach(file.hash, batch.end);
            open.is_changed = true;
        }
        Ok(())
    }

    fn leave(&mut self, file: &Reading, ending: Ending) {
        if let Some(open) = self.folders.get_mut(&file.folder) {
            open.pending -= 1;
            if ending == Ending::Whole {
                open.folder.finish(file.hash);
                open.is_changed = true;
            }
        }
    }

    fn commit(&mut self, counts: &mut Counts) -> Result<(), S::Error> {
        let changed = self.folders.iter_mut().filter(|(_, it)| it.is_changed);
        let marks: Vec<(String, String)> = changed
            .map(|(name, open)| {
                open.is_changed = false;
                (name.clone(), open.folder.encode())
            })
            .collect();
        let (added, duplicates) = self.sink.commit(&marks)?;
        counts.added += added;
        counts.duplicates += duplicates;
        let listing = &self.listing;
        self.folders
            .retain(|name, it| it.is_needed() || name == listing);
        Ok(())
    }
}

/// Counts the bytes that are read.
struct Counted<'a> {
    input: Box<dyn Read + Send>,
    bytes: &'a AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;

//! The disk as the journal uses it: a port, so that tests can tear writes, fail syncs and crash at any step.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Name of the file whose lock says that a process has the directory open.
const LOCK_NAME: &str = "lock";

/// Bytes that can be read at any place.
pub(super) trait ReadAt {
    /// How many there are.
    fn len(&self) -> io::Result<u64>;

    /// Fills all of `buffer` from `offset` on; `UnexpectedEof` when there are fewer bytes.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// One open file. Nothing that is written or cut is durable before `sync` returned `Ok`; after an `Err` from
/// any writing call nobody knows what is on disk.
pub(super) trait DiskFile: ReadAt + Send + Sync {
    /// Writes all of `bytes` at `offset`, making the file longer where needed.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the file exactly `bytes` long.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Makes content and length durable.
    fn sync(&self) -> io::Result<()>;
}

/// One directory of files. Creating, renaming and removing take effect at once and are durable after `sync_dir`.
pub(super) trait Files: Send + Sync + 'static {
    /// Names of the files that are there, in no order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// A new empty file; an old one of that name is emptied.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// An existing file, to read and to write.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in one step.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes what the other calls did to the directory durable.
    fn sync_dir(&self) -> io::Result<()>;

    /// A number that outsiders cannot guess.
    fn salt(&self) -> u32;
}

/// A directory on the local disk, locked against other processes for as long as this value lives.
#[derive(Debug)]
pub(super) struct LocalFiles {
    dir: PathBuf,
    _lock: File,
}

impl LocalFiles {
    /// Makes the directory if it is missing, and locks it; `WouldBlock` when somebody else has it open.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let missing = !dir.exists();
        std::fs::create_dir_all(dir)?;
        if missing
            && let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty())
        {
            sync_dir(parent)?;
        }
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join(LOCK_NAME))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                dir: dir.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "another process has this directory open",
            )),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Files for LocalFiles {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.dir.join(name))?;
        Ok(Box::new(LocalFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.dir.join(name))?;
        Ok(Box::new(LocalFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.dir.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        sync_dir(&self.dir)
    }

    fn salt(&self) -> u32 {
        use std::hash::{BuildHasher, Hasher, RandomState};
        RandomState::new().build_hasher().finish() as u32
    }
}

/// A directory is synced through a handle to it; Windows has no such call and does not need it.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(dir)?.sync_all()
    } else {
        Ok(())
    }
}

struct LocalFile(File);

impl ReadAt for LocalFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, buffer, offset)
    }

    #[cfg(not(unix))]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        // Each caller has a handle of its own, so moving its cursor disturbs nobody.
        use std::io::{Read, Seek};
        (&self.0).seek(io::SeekFrom::Start(offset))?;
        (&self.0).read_exact(buffer)
    }
}

impl DiskFile for LocalFile {
    #[cfg(unix)]
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, offset)
    }

    #[cfg(not(unix))]
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::io::{Seek, Write};
        (&self.0).seek(io::SeekFrom::Start(offset))?;
        (&self.0).write_all(bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

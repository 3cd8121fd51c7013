//! A file's bytes, unpacked if they are packed.

use std::{
    io::{self, Read},
    ops::Range,
};

use flate2::{Decompress, FlushDecompress, Status};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const WINDOW_BITS: u8 = 15;

/// Bytes of a file, unpacked.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// Cleared once, and used again by each file.
    bytes: Vec<u8>,
    filled: usize,
}

impl Block {
    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    pub(crate) fn clear(&mut self) {
        self.filled = 0;
    }

    /// Lets so many bytes go, from the begin on.
    pub(crate) fn drain(&mut self, count: usize) {
        self.bytes.copy_within(count..self.filled, 0);
        self.filled -= count;
    }

    /// What may be filled, until it has `len` bytes.
    fn room(&mut self, len: usize) -> &mut [u8] {
        if self.bytes.len() < len {
            self.bytes.resize(len, 0);
        }
        &mut self.bytes[self.filled..len]
    }
}

/// Reads a file, packed or not.
pub(crate) struct Unpacked<'a, R> {
    input: Buffered<'a, R>,
    gzip: Option<Gzip>,
}

/// Reads a file into memory that is used again, and need not be cleared, for the next one.
struct Buffered<'a, R> {
    input: R,
    bytes: &'a mut [u8],
    /// Those that wait.
    waiting: Range<usize>,
}

/// One or several gzip streams, one after the other.
struct Gzip {
    inflate: Decompress,
    /// The last stream has ended, and nothing of another has come.
    is_between: bool,
}

impl<'a, R: Read> Unpacked<'a, R> {
    /// Looks at the first bytes whether the file is packed: a name says nothing. `buffer` is filled at a time.
    pub(crate) fn new(input: R, buffer: &'a mut [u8]) -> io::Result<Self> {
        let mut input = Buffered {
            input,
            bytes: buffer,
            waiting: 0..0,
        };
        let is_gzip = input.peek()?.starts_with(&GZIP_MAGIC);
        Ok(Self {
            input,
            gzip: is_gzip.then(|| Gzip {
                inflate: Decompress::new_gzip(WINDOW_BITS),
                is_between: true,
            }),
        })
    }

    /// Fills `out` until it has `len` bytes, and says whether the file goes on. What was added before an error is good.
    pub(crate) fn fill(&mut self, out: &mut Block, len: usize) -> io::Result<bool> {
        while out.filled < len {
            let bytes = self.input.peek()?;
            if bytes.is_empty() {
                return match &self.gzip {
                    Some(gzip) if !gzip.is_between => Err(io::ErrorKind::UnexpectedEof.into()),
                    _ => Ok(false),
                };
            }
            let room = out.room(len);
            let (used, added) = match &mut self.gzip {
                None => {
                    let taken = bytes.len().min(room.len());
                    room[..taken].copy_from_slice(&bytes[..taken]);
                    (taken, taken)
                }
                Some(gzip) => gzip.unpack(bytes, room)?,
            };
            out.filled += added;
            self.input.waiting.start += used;
        }
        Ok(true)
    }
}

impl<R: Read> Buffered<'_, R> {
    /// The bytes that come next; none at the end.
    fn peek(&mut self) -> io::Result<&[u8]> {
        while self.waiting.is_empty() {
            match self.input.read(self.bytes) {
                Ok(0) => break,
                Ok(read) => self.waiting = 0..read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(&self.bytes[self.waiting.clone()])
    }
}

impl Gzip {
    /// Unpacks into the room that there is; gives how many bytes were used up, and how many came of them.
    fn unpack(&mut self, bytes: &[u8], room: &mut [u8]) -> io::Result<(usize, usize)> {
        let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(bytes, room, FlushDecompress::None)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let used = (self.inflate.total_in() - read) as usize;
        let added = (self.inflate.total_out() - written) as usize;
        self.is_between = status == Status::StreamEnd;
        if self.is_between {
            self.inflate = Decompress::new_gzip(WINDOW_BITS);
        } else if used == 0 && added == 0 {
            let stuck = "the stream does not go on";
            return Err(io::Error::new(io::ErrorKind::InvalidData, stuck));
        }
        Ok((used, added))
    }
}

//! A file's bytes, unpacked if they are packed.

use std::io::{self, BufRead, BufReader, Read};

use flate2::{Decompress, FlushDecompress, Status};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const WINDOW_BITS: u8 = 15;

/// Reads a file, packed or not, into buffers that need not be cleared before.
pub(crate) struct Unpacked<R> {
    input: BufReader<R>,
    gzip: Option<Gzip>,
}

/// One or several gzip streams, one after the other.
struct Gzip {
    inflate: Decompress,
    /// The last stream has ended, and nothing of another has come.
    is_between: bool,
}

impl<R: Read> Unpacked<R> {
    /// Looks at the first bytes whether the file is packed: a name says nothing. `buffer` is how much is read at a time.
    pub(crate) fn new(input: R, buffer: usize) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(buffer, input);
        let is_gzip = peek(&mut input)?.starts_with(&GZIP_MAGIC);
        Ok(Self {
            input,
            gzip: is_gzip.then(|| Gzip {
                inflate: Decompress::new_gzip(WINDOW_BITS),
                is_between: true,
            }),
        })
    }

    /// Appends to `out` until it has at least `len` bytes, and says whether the file goes on. What was appended before an error
    /// is good.
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>, len: usize) -> io::Result<bool> {
        out.reserve(len.saturating_sub(out.len()));
        while out.len() < len {
            let bytes = peek(&mut self.input)?;
            if bytes.is_empty() {
                return match &self.gzip {
                    Some(gzip) if !gzip.is_between => Err(io::ErrorKind::UnexpectedEof.into()),
                    _ => Ok(false),
                };
            }
            let used = match &mut self.gzip {
                None => {
                    let taken = bytes.len().min(len - out.len());
                    out.extend_from_slice(&bytes[..taken]);
                    taken
                }
                Some(gzip) => gzip.unpack(bytes, out)?,
            };
            self.input.consume(used);
        }
        Ok(true)
    }
}

impl Gzip {
    /// Unpacks into the room that `out` has; gives how many bytes were used up.
    fn unpack(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
        let (read, written) = (self.inflate.total_in(), out.len());
        let status = self
            .inflate
            .decompress_vec(bytes, out, FlushDecompress::None)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let used = (self.inflate.total_in() - read) as usize;
        self.is_between = status == Status::StreamEnd;
        if self.is_between {
            self.inflate = Decompress::new_gzip(WINDOW_BITS);
        } else if used == 0 && out.len() == written {
            let stuck = "the stream does not go on";
            return Err(io::Error::new(io::ErrorKind::InvalidData, stuck));
        }
        Ok(used)
    }
}

/// The bytes that come next; none at the end.
fn peek(input: &mut impl BufRead) -> io::Result<&[u8]> {
    while let Err(error) = input.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // Asked again because the first answer would be borrowed for the whole loop; nothing more is read.
    input.fill_buf()
}

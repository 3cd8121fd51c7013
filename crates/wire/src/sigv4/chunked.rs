//! The signatures inside an aws-chunked body, checked while the bytes pass.

use aws_lc_rs::digest;

use super::{AuthError, SigningKey, sha256};

/// What fills up a signature of Signature Version 4A, so that all are equally long.
const PADDING: char = '*';

/// Longest chunk header or trailer line.
const LINE_BYTES_MAX: usize = 1024;
/// Most trailer bytes.
const TRAILER_BYTES_MAX: usize = 8 * 1024;
/// Largest chunk; S3 itself takes 16 MiB.
const CHUNK_BYTES_MAX: u64 = 1 << 30;

/// Checks every chunk's signature and the trailer's. It only looks: the bytes go on unchanged.
#[derive(Debug)]
pub struct ChunkVerifier {
    key: SigningKey,
    amz_date: String,
    scope: String,
    previous: String,
    state: State,
    line: Vec<u8>,
    trailer: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// In `SIZE;chunk-signature=HEX`.
    Header,
    /// In a chunk's data.
    Data {
        left: u64,
        hash: Box<HashState>,
        signature: String,
    },
    /// In the line end after a chunk's data.
    DataEnd,
    /// After the last chunk's header: trailer lines until an empty one.
    Trailer,
    Done,
}

struct HashState(digest::Context);

impl std::fmt::Debug for HashState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashState")
    }
}

impl ChunkVerifier {
    pub(super) fn new(key: SigningKey, amz_date: String, scope: String, seed: String) -> Self {
        let (line, trailer) = (Vec::new(), Vec::new());
        Self {
            key,
            amz_date,
            scope,
            previous: seed,
            state: State::Header,
            line,
            trailer,
        }
    }

    /// Looks at the next bytes.
    ///
    /// # Errors
    /// When a signature is wrong or the framing is not aws-chunked.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), AuthError> {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Data { left, hash, .. } if *left > 0 => {
                    let len =
                        usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    hash.0.update(&bytes[..len]);
                    *left -= len as u64;
                    bytes = &bytes[len..];
                }
                State::Data { .. } => self.end_chunk()?,
                State::Done => return Err(AuthError::BadChunk("bytes follow the last chunk")),
                State::Header | State::DataEnd | State::Trailer => {
                    self.line.push(bytes[0]);
                    bytes = &bytes[1..];
                    if self.line.ends_with(b"\r\n") {
                        self.line.truncate(self.line.len() - 2);
                        self.end_line()?;
                    } else if self.line.len() > LINE_BYTES_MAX {
                        return Err(AuthError::BadChunk("a chunk header is too long"));
                    }
                }
            }
        }
        if matches!(self.state, State::Data { left: 0, .. }) {
            self.end_chunk()?;
        }
        Ok(())
    }

    /// The body has ended.
    ///
    /// # Errors
    /// When the last chunk or the trailer is missing.
    pub fn finish(&mut self) -> Result<(), AuthError> {
        match self.state {
            State::Done => Ok(()),
            // The empty line after the last chunk may be missing when nothing follows.
            State::Trailer if self.trailer.is_empty() && self.line.is_empty() => Ok(()),
            _ => Err(AuthError::BadChunk("the body ended within a chunk")),
        }
    }

    fn end_line(&mut self) -> Result<(), AuthError> {
        let line = std::mem::take(&mut self.line);
        match self.state {
            State::DataEnd if line.is_empty() => self.state = State::Header,
            State::DataEnd => {
                return Err(AuthError::BadChunk(
                    "a chunk is longer than its header says",
                ));
            }
            State::Header => {
                let text = std::str::from_utf8(&line)
                    .map_err(|_| AuthError::BadChunk("a chunk header is no text"))?;
                let (size, signature) =
                    text.split_once(";chunk-signature=")
                        .ok_or(AuthError::BadChunk(
                            "a chunk header lacks its chunk-signature",
                        ))?;
                let left = u64::from_str_radix(size, 16)
                    .ok()
                    .filter(|size| *size <= CHUNK_BYTES_MAX)
                    .ok_or(AuthError::BadChunk("a chunk header has no valid size"))?;
                let hash = Box::new(HashState(digest::Context::new(&digest::SHA256)));
                self.state = State::Data {
                    left,
                    hash,
                    signature: signature.to_owned(),
                };
                if left == 0 {
                    self.end_chunk()?;
                    self.state = State::Trailer;
                }
            }
            State::Trailer if line.is_empty() => {
                if !self.trailer.is_empty() {
                    return Err(AuthError::BadChunk("the trailer lacks its signature"));
                }
                self.state = State::Done;
            }
            State::Trailer => self.trailer_line(&line)?,
            State::Data { .. } | State::Done => {
                return Err(AuthError::BadChunk("a line stands where none may"));
            }
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), AuthError> {
        let State::Data {
            hash, signature, ..
        } = std::mem::replace(&mut self.state, State::DataEnd)
        else {
            return Ok(());
        };
        let to_sign = format!(
            "{}-PAYLOAD\n{}\n{}\n{}\n{}\n{}",
            self.key.algorithm(),
            self.amz_date,
            self.scope,
            self.previous,
            hex::encode(sha256(b"")),
            hex::encode(hash.0.finish().as_ref())
        );
        self.check(&to_sign, &signature)
    }

    fn trailer_line(&mut self, line: &[u8]) -> Result<(), AuthError> {
        let Some(signature) = line.strip_prefix(b"x-amz-trailer-signature:") else {
            self.trailer.extend_from_slice(line);
            self.trailer.push(b'\n');
            if self.trailer.len() > TRAILER_BYTES_MAX {
                return Err(AuthError::BadChunk("the trailer is too long"));
            }
            return Ok(());
        };
        let to_sign = format!(
            "{}-TRAILER\n{}\n{}\n{}\n{}",
            self.key.algorithm(),
            self.amz_date,
            self.scope,
            self.previous,
            hex::encode(sha256(&std::mem::take(&mut self.trailer)))
        );
        let signature = String::from_utf8_lossy(signature).trim().to_owned();
        self.check(&to_sign, &signature)
    }

    fn check(&mut self, to_sign: &str, signature: &str) -> Result<(), AuthError> {
        let signature = signature.trim_end_matches(PADDING);
        let bytes = hex::decode(signature).map_err(|_| AuthError::Mismatch)?;
        self.key.verify(to_sign, &bytes)?;
        self.previous = hex::encode(bytes);
        Ok(())
    }
}

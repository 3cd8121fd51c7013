//! Bodies: streamed in and out, hashed on the way, never whole in memory.

use std::{collections::BTreeMap, io::SeekFrom, ops::Range};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::HeaderMap;
use md5::{Digest, Md5};
use s3s::{
    S3Error, S3Result, TrailingHeaders,
    checksum::ChecksumHasher,
    crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256},
    dto::StreamingBlob,
    s3_error,
};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use uuid::Uuid;

use crate::store::{Moment, Segment, Store, failed};

/// Bodies up to this size stand in the index.
const INLINE_BYTES_MAX: usize = 16 * 1024;
/// How much is written at a time.
const WRITE_BYTES: usize = 1024 * 1024;
/// How much is read at a time.
const READ_BYTES: usize = 256 * 1024;
/// The headers of checksums, by algorithm.
pub(crate) const ALGORITHMS: [&str; 5] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];

/// A body that was received.
pub(crate) struct Received {
    pub(crate) segment: Segment,
    /// The bytes of an inline body.
    pub(crate) inline: Option<Bytes>,
    pub(crate) md5: [u8; 16],
    pub(crate) checksums: BTreeMap<String, String>,
}

impl Received {
    /// The hex MD5: the ETag of an object that was put whole.
    pub(crate) fn etag(&self) -> String {
        hex::encode(self.md5)
    }
}

/// What a body must be, by the request.
pub(crate) struct Expected<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) trailers: Option<TrailingHeaders>,
    /// `Content-MD5`.
    pub(crate) md5: Option<String>,
    /// The size without aws-chunked framing.
    pub(crate) length: Option<i64>,
    /// A checksum to compute although the request gives none.
    pub(crate) algorithm: Option<String>,
}

/// Streams a body into the store and checks it. A body that fails leaves nothing.
pub(crate) async fn receive(
    store: &Store,
    body: Option<StreamingBlob>,
    expected: Expected<'_>,
) -> S3Result<Received> {
    let id = Uuid::new_v4().simple().to_string();
    let path = store.body_path(&id);
    let received = stream_in(store, &id, body, &expected).await;
    let checked = received.and_then(|received| check(received, &expected));
    if checked.is_err() {
        let _ = tokio::fs::remove_file(&path).await;
    }
    checked
}

async fn stream_in(
    store: &Store,
    id: &str,
    body: Option<StreamingBlob>,
    expected: &Expected<'_>,
) -> S3Result<Received> {
    let mut hasher = hasher(expected);
    let mut md5 = Md5::new();
    let mut buffer = BytesMut::new();
    let mut file = None;
    let mut size = 0_u64;
    let mut body = body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
    while let Some(data) = body.next().await {
        let data = data.map_err(|error| {
            tracing::debug!(%error, "upload ended early");
            s3_error!(
                IncompleteBody,
                "The request body ended early or its signature or framing is wrong"
            )
        })?;
        md5.update(&data);
        hasher.update(&data);
        size += data.len() as u64;
        buffer.extend_from_slice(&data);
        if buffer.len() >= WRITE_BYTES {
            if file.is_none() {
                file = Some(
                    tokio::fs::File::create(store.body_path(id))
                        .await
                        .map_err(failed)?,
                );
            }
            if let Some(file) = &mut file {
                file.write_all(&buffer).await.map_err(failed)?;
            }
            buffer.clear();
        }
    }
    let is_inline = file.is_none() && buffer.len() <= INLINE_BYTES_MAX;
    if !is_inline {
        let mut file = match file {
            Some(file) => file,
            None => tokio::fs::File::create(store.body_path(id))
                .await
                .map_err(failed)?,
        };
        file.write_all(&buffer).await.map_err(failed)?;
        file.flush().await.map_err(failed)?;
        sync(file, store, id).await?;
    }
    Ok(Received {
        segment: Segment {
            id: id.to_owned(),
            size,
            is_inline,
        },
        inline: is_inline.then(|| buffer.freeze()),
        md5: md5.finalize().into(),
        checksums: by_algorithm(&hasher.finalize()),
    })
}

async fn sync(file: tokio::fs::File, store: &Store, id: &str) -> S3Result<()> {
    let file = file.into_std().await;
    let path = store.body_path(id);
    let synced = tokio::task::spawn_blocking(move || {
        file.sync_all()?;
        path.parent()
            .map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
    });
    synced.await.map_err(failed)?.map_err(failed)
}

/// Computes what the request gives, announces in its trailer, or asks for.
fn hasher(expected: &Expected<'_>) -> ChecksumHasher {
    let announced = expected
        .headers
        .get("x-amz-trailer")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let wants = |algorithm: &str| {
        let header = format!("x-amz-checksum-{algorithm}");
        expected.headers.contains_key(&header)
            || announced.eq_ignore_ascii_case(&header)
            || expected
                .algorithm
                .as_deref()
                .is_some_and(|it| it.eq_ignore_ascii_case(algorithm))
    };
    ChecksumHasher {
        crc32: wants("crc32").then(Crc32::new),
        crc32c: wants("crc32c").then(Crc32c::new),
        crc64nvme: wants("crc64nvme").then(Crc64Nvme::new),
        sha1: wants("sha1").then(Sha1::new),
        sha256: wants("sha256").then(Sha256::new),
    }
}

fn by_algorithm(checksum: &s3s::dto::Checksum) -> BTreeMap<String, String> {
    let values = [
        &checksum.checksum_crc32,
        &checksum.checksum_crc32c,
        &checksum.checksum_crc64nvme,
        &checksum.checksum_sha1,
        &checksum.checksum_sha256,
    ];
    ALGORITHMS
        .iter()
        .zip(values)
        .filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)))
        .collect()
}

fn check(received: Received, expected: &Expected<'_>) -> S3Result<Received> {
    if expected.length.is_some_and(|length| {
        u64::try_from(length).is_ok_and(|length| length != received.segment.size)
    }) {
        return Err(s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length header"
        ));
    }
    if let Some(md5) = &expected.md5 {
        use base64::Engine;
        let given = base64::engine::general_purpose::STANDARD
            .decode(md5)
            .unwrap_or_default();
        if given.len() != 16 {
            return Err(s3_error!(
                InvalidDigest,
                "The Content-MD5 you specified is not valid."
            ));
        }
        if given != received.md5 {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
    }
    for (algorithm, computed) in &received.checksums {
        let name = format!("x-amz-checksum-{algorithm}");
        let text = |headers: &HeaderMap| {
            headers
                .get(&name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let trailer = || {
            expected
                .trailers
                .as_ref()
                .and_then(|trailers| trailers.read(text))
                .flatten()
        };
        if let Some(given) = text(expected.headers).or_else(trailer)
            && given != *computed
        {
            let upper = algorithm.to_ascii_uppercase();
            return Err(s3_error!(
                BadDigest,
                "The {upper} you specified did not match the calculated checksum."
            ));
        }
    }
    Ok(received)
}

/// Why a body cannot be had.
pub(crate) enum NoBody {
    /// A file of it is not there: the object may have been replaced or deleted since that moment.
    Gone(std::io::Error),
    Refused(S3Error),
}

impl From<std::io::Error> for NoBody {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::Gone(error),
            _ => Self::Refused(failed(error)),
        }
    }
}

impl From<S3Error> for NoBody {
    fn from(error: S3Error) -> Self {
        Self::Refused(error)
    }
}

/// Whether to look an object up once more.
#[derive(Default)]
pub(crate) struct Retry(Option<Vec<Segment>>);

impl Retry {
    /// After a body could not be had: once gone, the object was replaced meanwhile and its new body is there; gone again, it is
    /// lost.
    pub(crate) fn after(&mut self, error: NoBody, body: Vec<Segment>) -> S3Result<()> {
        match error {
            NoBody::Gone(_) if self.0.as_ref() != Some(&body) => {
                self.0 = Some(body);
                Ok(())
            }
            NoBody::Gone(error) => Err(failed(error)),
            NoBody::Refused(error) => Err(error),
        }
    }
}

/// Streams a range of a body out. Files are opened before the answer begins: a delete meanwhile harms no reader.
pub(crate) async fn stream_out(
    store: &Store,
    moment: &Moment,
    body: &[Segment],
    range: Range<u64>,
) -> Result<StreamingBlob, NoBody> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for segment in body {
        let (from, to) = (range.start.max(start), range.end.min(start + segment.size));
        if from < to {
            let (skip, len) = (from - start, to - from);
            pieces.push(match segment.is_inline {
                true => {
                    let wanted = skip as usize..(skip + len) as usize;
                    Piece::Bytes(moment.inline(&segment.id, wanted)?.into())
                }
                false => {
                    let mut file = tokio::fs::File::open(store.body_path(&segment.id)).await?;
                    if skip > 0 {
                        file.seek(SeekFrom::Start(skip)).await?;
                    }
                    Piece::File(file, len)
                }
            });
        }
        start += segment.size;
    }
    pieces.reverse();
    let stream = futures_util::stream::try_unfold(pieces, |mut pieces| async move {
        loop {
            match pieces.pop() {
                None => return Ok::<_, std::io::Error>(None),
                Some(Piece::Bytes(bytes)) => return Ok(Some((bytes, pieces))),
                Some(Piece::File(_, 0)) => {}
                Some(Piece::File(mut file, left)) => {
                    let mut buffer = BytesMut::with_capacity(
                        READ_BYTES.min(usize::try_from(left).unwrap_or(READ_BYTES)),
                    );
                    let read = (&mut file).take(left).read_buf(&mut buffer).await?;
                    if read == 0 {
                        return Err(std::io::Error::new(
                            std::io::ErrorKind::UnexpectedEof,
                            "a body file is too short",
                        ));
                    }
                    pieces.push(Piece::File(file, left - read as u64));
                    return Ok(Some((buffer.freeze(), pieces)));
                }
            }
        }
    });
    Ok(StreamingBlob::wrap(stream))
}

enum Piece {
    Bytes(Bytes),
    File(tokio::fs::File, u64),
}

/// A second body, and its small pieces by name.
pub(crate) type Copies = (Vec<Segment>, Vec<(String, Vec<u8>)>);

/// The same bytes under a name of their own: a file gets a second link, bodies never change.
pub(crate) async fn duplicate(
    store: &Store,
    moment: &Moment,
    body: &[Segment],
) -> Result<Copies, NoBody> {
    let (mut copies, mut inline) = (Vec::new(), Vec::new());
    for segment in body {
        let id = Uuid::new_v4().simple().to_string();
        match segment.is_inline {
            true => {
                let bytes = moment.inline(&segment.id, 0..segment.size as usize)?;
                inline.push((id.clone(), bytes));
            }
            false => {
                let (from, to) = (store.body_path(&segment.id), store.body_path(&id));
                let linked = tokio::task::spawn_blocking(move || {
                    std::fs::hard_link(&from, &to)?;
                    to.parent()
                        .map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
                });
                linked.await.map_err(failed)??;
            }
        }
        copies.push(Segment {
            id,
            ..segment.clone()
        });
    }
    Ok((copies, inline))
}

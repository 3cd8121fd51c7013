//! Objects of a bucket: listed page by page, several fetched ahead, each as a stream of bounded length.

use std::{
    io::{self, Read},
    sync::Arc,
};

use aws_sdk_s3::error::DisplayErrorContext;
use bytes::{Buf, Bytes};
use pugmark_import::{File, Files, Open};
use tokio::{runtime::Handle, sync::mpsc};

use crate::validate::Store;

/// Chunks of an object that wait for its reader.
const CHUNKS_AHEAD: usize = 8;
/// An object up to this size is fetched whole.
const SMALL_BYTES: u64 = 1024 * 1024;
/// Gets of one object.
const TRIES: u32 = 4;

/// All objects of a bucket whose keys begin so.
pub(super) struct Objects {
    pub(super) store: Arc<Store>,
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) runtime: Handle,
}

impl Files for Objects {
    type Error = anyhow::Error;

    fn list(self, take: &mut dyn FnMut(File) -> bool) -> anyhow::Result<()> {
        let Self {
            store,
            bucket,
            prefix,
            runtime,
        } = self;
        let client = runtime.block_on(store.client(&bucket))?;
        let mut token = None;
        loop {
            let page = client
                .list_objects_v2()
                .bucket(&bucket)
                .prefix(&prefix)
                .set_continuation_token(token)
                .send();
            let page = runtime.block_on(page).map_err(|error| {
                anyhow::anyhow!(
                    "list s3://{bucket}/{prefix}: {}",
                    DisplayErrorContext(&error)
                )
            })?;
            for object in page.contents() {
                let key = object.key().unwrap_or_default();
                // A folder's placeholder.
                if key.is_empty() || key.ends_with('/') {
                    continue;
                }
                let at = key.rfind('/').map_or(0, |at| at + 1);
                let size = object.size().unwrap_or_default().max(0) as u64;
                let get = Get {
                    store: store.clone(),
                    client: client.clone(),
                    bucket: bucket.clone(),
                    key: key.to_owned(),
                    etag: object.e_tag().map(str::to_owned),
                    size,
                };
                let runtime = runtime.clone();
                let file = File {
                    folder: format!("s3://{bucket}/{}", &key[..at]),
                    name: key[at..].to_owned(),
                    size,
                    stamp: object.e_tag().unwrap_or_default().to_owned(),
                    begin: Box::new(move || -> Open {
                        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
                        runtime.spawn(get.run(sender));
                        Box::new(|| {
                            Ok(Box::new(Chunks {
                                chunks,
                                current: Bytes::new(),
                            }))
                        })
                    }),
                };
                if !take(file) {
                    return Ok(());
                }
            }
            token = page.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                return Ok(());
            }
        }
    }
}

/// The get of one object.
struct Get {
    store: Arc<Store>,
    client: aws_sdk_s3::Client,
    bucket: String,
    key: String,
    etag: Option<String>,
    size: u64,
}

impl Get {
    /// Sends the object's bytes until it ends or nobody takes them.
    async fn run(self, chunks: mpsc::Sender<io::Result<Bytes>>) {
        if self.size <= SMALL_BYTES {
            let body = match self.store.get(&self.bucket, &self.key).await {
                Ok(Some(object)) => Ok(object.body),
                Ok(None) => Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    "it was deleted since it was listed",
                )),
                Err(error) => Err(io::Error::other(format!("{error:#}"))),
            };
            let _ = chunks.send(body).await;
            return;
        }
        let (mut at, mut tries) = (0, 0);
        loop {
            match self.stream(&mut at, &chunks).await {
                Ok(()) => return,
                Err(error) => {
                    tries += 1;
                    if tries == TRIES || chunks.is_closed() {
                        let _ = chunks.send(Err(error)).await;
                        return;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(100 << tries)).await;
                }
            }
        }
    }

    /// Streams from `at` on, which moves with what was sent.
    async fn stream(
        &self,
        at: &mut u64,
        chunks: &mpsc::Sender<io::Result<Bytes>>,
    ) -> io::Result<()> {
        let mut get = self.client.get_object().bucket(&self.bucket).key(&self.key);
        if *at > 0 {
            // The rest of the same object, or none.
            get = get
                .range(format!("bytes={at}-"))
                .set_if_match(self.etag.clone());
        }
        let answer = get.send().await.map_err(|error| {
            let key = format!("get s3://{}/{}", self.bucket, self.key);
            io::Error::other(format!("{key}: {}", DisplayErrorContext(&error)))
        })?;
        let mut body = answer.body;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(io::Error::other)?;
            *at += chunk.len() as u64;
            if chunks.send(Ok(chunk)).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Reads what a get sends.
struct Chunks {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.current = chunk?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

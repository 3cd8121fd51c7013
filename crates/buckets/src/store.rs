//! The index: one redb file that says which objects there are and where their bytes stand.
//!
//! `index.redb`: `meta` (`version`), `buckets` (name to JSON), `objects` (`BUCKET NUL KEY` to JSON), `inline` (body id to
//! bytes, for small bodies), `uploads` (`BUCKET NUL KEY NUL UPLOAD` to JSON), `parts` (`UPLOAD NUL NUMBER` to JSON). Larger
//! bodies are files `bodies/XX/ID`, written and synced before the index names them; files that it does not name are
//! removed at the next start.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
    path::{Path, PathBuf},
    sync::mpsc,
};

use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use crate::BucketsError;

pub(crate) type Table<'a> = TableDefinition<'a, &'static [u8], &'static [u8]>;
pub(crate) const BUCKETS: Table<'_> = TableDefinition::new("buckets");
pub(crate) const OBJECTS: Table<'_> = TableDefinition::new("objects");
pub(crate) const INLINE: Table<'_> = TableDefinition::new("inline");
pub(crate) const UPLOADS: Table<'_> = TableDefinition::new("uploads");
pub(crate) const PARTS: Table<'_> = TableDefinition::new("parts");
const META: Table<'_> = TableDefinition::new("meta");
const VERSION: &[u8] = b"1";
/// Of the index and its small bodies, kept in memory once read.
const INDEX_CACHE_BYTES: usize = 32 * 1024 * 1024;
/// Most changes in one commit.
const GROUP_MAX: usize = 256;

/// A bucket and its settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    /// Epoch seconds.
    pub(crate) created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    /// Whose it is; without it, the store's own account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<Vec<(String, String)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ownership: Option<String>,
    /// Block public ACLs, ignore public ACLs, block public policy, restrict public buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_access_block: Option<[bool; 4]>,
}

/// An object: its headers and where its bytes stand.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) size: u64,
    pub(crate) etag: String,
    /// Epoch seconds.
    pub(crate) modified: i64,
    pub(crate) body: Vec<Segment>,
    pub(crate) headers: Headers,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<(String, String)>,
    /// Algorithm and value in base64, as in `x-amz-checksum-crc32`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) checksums: BTreeMap<String, String>,
    /// The checksums are of the parts' checksums.
    #[serde(default)]
    pub(crate) is_composite: bool,
}

/// Content headers that come back as they were given.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Headers {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<String>,
}

/// A run of bytes: in a file, or in the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) id: String,
    pub(crate) size: u64,
    pub(crate) is_inline: bool,
}

/// A multipart upload under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    /// Epoch seconds.
    pub(crate) initiated: i64,
    pub(crate) headers: Headers,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tags: Vec<(String, String)>,
    /// The checksum that its parts have.
    pub(crate) algorithm: Option<String>,
}

/// A part of an upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) body: Segment,
    pub(crate) etag: String,
    /// Epoch seconds.
    pub(crate) modified: i64,
    pub(crate) checksums: BTreeMap<String, String>,
}

type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;
type Job = Box<dyn FnOnce(&WriteTransaction) -> Answer + Send>;

pub(crate) struct Store {
    database: std::sync::Arc<Database>,
    jobs: mpsc::SyncSender<Job>,
    pub(crate) bodies: PathBuf,
}

pub(crate) fn failed(error: impl std::fmt::Display) -> S3Error {
    tracing::error!(%error, "bucket index failed");
    s3_error!(
        InternalError,
        "The bucket store failed; the server's log says why"
    )
}

impl Store {
    pub(crate) fn open(dir: &Path) -> Result<Self, BucketsError> {
        let bodies = dir.join("bodies");
        let io = |action: String| move |source| BucketsError::Io { action, source };
        for part in 0..=255_u8 {
            let path = bodies.join(format!("{part:02x}"));
            std::fs::create_dir_all(&path).map_err(io(format!("create {}", path.display())))?;
        }
        let index = |error: &dyn std::fmt::Display| BucketsError::Index(error.to_string());
        let database = Database::builder()
            .set_cache_size(INDEX_CACHE_BYTES)
            .create(dir.join("index.redb"))
            .map_err(|error| index(&error))?;
        let prepare = || -> Result<Option<Vec<u8>>, redb::Error> {
            let write = database.begin_write()?;
            for table in [BUCKETS, OBJECTS, INLINE, UPLOADS, PARTS] {
                write.open_table(table)?;
            }
            let version = {
                let mut meta = write.open_table(META)?;
                let found = meta
                    .get(&b"version"[..])?
                    .map(|value| value.value().to_vec());
                if found.is_none() {
                    meta.insert(&b"version"[..], VERSION)?;
                }
                found
            };
            write.commit()?;
            Ok(version)
        };
        match prepare().map_err(|error| index(&error))? {
            Some(version) if version != VERSION => {
                let version = String::from_utf8_lossy(&version).into_owned();
                return Err(BucketsError::Index(format!(
                    "unknown version {version}: written by a newer Pugmark"
                )));
            }
            _ => {}
        }
        let database = std::sync::Arc::new(database);
        let (jobs, queue) = mpsc::sync_channel::<Job>(1024);
        let writer = database.clone();
        std::thread::Builder::new()
            .name("bucket-index".into())
            .spawn(move || write_groups(&writer, &queue))
            .map_err(io("start the index writer".into()))?;
        let store = Self {
            database,
            jobs,
            bodies,
        };
        store
            .sweep()
            .map_err(|error| BucketsError::Index(format!("{error:?}")))?;
        Ok(store)
    }

    /// Removes body files that the index does not name: a crash between body and index leaves them.
    fn sweep(&self) -> S3Result<()> {
        let mut named = HashSet::new();
        for (_, object) in self.scan::<ObjectRecord>(OBJECTS, &[], None)? {
            named.extend(object.body.into_iter().map(|segment| segment.id));
        }
        named.extend(
            self.scan::<PartRecord>(PARTS, &[], None)?
                .into_iter()
                .map(|(_, part)| part.body.id),
        );
        let folders = std::fs::read_dir(&self.bodies).map_err(failed)?;
        for folder in folders.flatten() {
            for file in std::fs::read_dir(folder.path()).map_err(failed)?.flatten() {
                if !named.contains(file.file_name().to_string_lossy().as_ref()) {
                    let _ = std::fs::remove_file(file.path());
                }
            }
        }
        Ok(())
    }

    /// Where a body file stands.
    pub(crate) fn body_path(&self, id: &str) -> PathBuf {
        self.bodies.join(&id[..2]).join(id)
    }

    /// The index as it is now; what is overwritten or deleted later stays in it.
    pub(crate) fn moment(&self) -> S3Result<Moment> {
        self.database.begin_read().map(Moment).map_err(failed)
    }

    /// One row.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        table: Table<'_>,
        key: &[u8],
    ) -> S3Result<Option<T>> {
        self.moment()?.get(table, key)
    }

    /// Rows whose key begins with `prefix`, in order, at most `limit`.
    pub(crate) fn scan<T: DeserializeOwned>(
        &self,
        table: Table<'_>,
        prefix: &[u8],
        limit: Option<usize>,
    ) -> S3Result<Vec<(Vec<u8>, T)>> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(table).map_err(failed)?;
        let mut rows = Vec::new();
        for row in table.range(prefix..).map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            if !key.value().starts_with(prefix) || limit.is_some_and(|limit| rows.len() == limit) {
                break;
            }
            rows.push((
                key.value().to_vec(),
                serde_json::from_slice(value.value()).map_err(failed)?,
            ));
        }
        Ok(rows)
    }

    /// One page of a listing: objects and common prefixes, after `after`, at most `max` together.
    pub(crate) fn list(&self, bucket: &str, query: &ListQuery<'_>) -> S3Result<Listing> {
        let read = self.database.begin_read().map_err(failed)?;
        let table = read.open_table(OBJECTS).map_err(failed)?;
        let root = object_key(bucket, "");
        let prefix = object_key(bucket, query.prefix);
        let mut from = prefix.clone();
        if let Some(after) = query.after.filter(|after| !after.is_empty()) {
            let mut next = object_key(bucket, after);
            // After a common prefix come the keys that do not begin with it; after a key, the next one.
            let is_prefix = query.delimiter.is_some_and(|delimiter| {
                after.ends_with(delimiter) && after.len() > query.prefix.len()
            });
            next.push(if is_prefix { 0xff } else { 0 });
            from = from.max(next);
        }
        let mut listing = Listing::default();
        'seek: loop {
            for row in table.range(from.as_slice()..).map_err(failed)? {
                let (key, value) = row.map_err(failed)?;
                let key = key.value();
                if !key.starts_with(&prefix) {
                    break 'seek;
                }
                if listing.objects.len() + listing.prefixes.len() >= query.max {
                    listing.is_truncated = query.max > 0;
                    break 'seek;
                }
                let name = String::from_utf8_lossy(&key[root.len()..]).into_owned();
                let rest = &name[query.prefix.len()..];
                if let Some(delimiter) = query.delimiter
                    && let Some(at) = rest.find(delimiter)
                {
                    let common = name[..query.prefix.len() + at + delimiter.len()].to_owned();
                    from = object_key(bucket, &common);
                    from.push(0xff);
                    listing.last = Some(common.clone());
                    listing.prefixes.push(common);
                    continue 'seek;
                }
                listing.last = Some(name.clone());
                listing
                    .objects
                    .push((name, serde_json::from_slice(value.value()).map_err(failed)?));
            }
            break;
        }
        Ok(listing)
    }

    /// Makes a change, together with others that come at the same time; returns when it is durable.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Write<'_>) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            let changed = change(&Write(transaction));
            Box::new(move |committed| {
                let _ = sender.send(committed.map_err(failed).and(changed));
            })
        });
        let jobs = self.jobs.clone();
        if let Err(mpsc::TrySendError::Full(job)) = jobs.try_send(job) {
            let _ = tokio::task::spawn_blocking(move || jobs.send(job)).await;
        }
        receiver
            .await
            .map_err(|_| failed("the index writer has ended"))?
    }

    /// Removes body files that nothing names any more.
    pub(crate) async fn discard(&self, segments: Vec<Segment>) {
        let paths: Vec<PathBuf> = segments
            .iter()
            .filter(|segment| !segment.is_inline)
            .map(|segment| self.body_path(&segment.id))
            .collect();
        if !paths.is_empty() {
            let _ = tokio::task::spawn_blocking(move || {
                paths
                    .iter()
                    .for_each(|path| drop(std::fs::remove_file(path)))
            })
            .await;
        }
    }
}

/// What a listing asks for.
pub(crate) struct ListQuery<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
    pub(crate) max: usize,
}

/// A page of a listing.
#[derive(Default)]
pub(crate) struct Listing {
    pub(crate) objects: Vec<(String, ObjectRecord)>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) is_truncated: bool,
    /// The last object or prefix of the page.
    pub(crate) last: Option<String>,
}

/// Takes changes in groups: one commit, one sync for all that wait. A change that refuses has changed nothing.
fn write_groups(database: &Database, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(job) = queue.try_recv()
        {
            group.push(job);
        }
        match database.begin_write() {
            Ok(transaction) => {
                let answers: Vec<Answer> = group.into_iter().map(|job| job(&transaction)).collect();
                let committed = transaction.commit().map_err(|error| error.to_string());
                answers
                    .into_iter()
                    .for_each(|answer| answer(committed.clone()));
            }
            // Dropping the jobs tells their callers.
            Err(error) => tracing::error!(%error, "bucket index cannot be written"),
        }
    }
}

/// The index at one moment.
pub(crate) struct Moment(ReadTransaction);

impl Moment {
    /// One row.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        table: Table<'_>,
        key: &[u8],
    ) -> S3Result<Option<T>> {
        row(&self.0.open_table(table).map_err(failed)?, key)
    }

    /// An object of a bucket, both there.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> S3Result<ObjectRecord> {
        let buckets = self.0.open_table(BUCKETS).map_err(failed)?;
        if buckets.get(bucket.as_bytes()).map_err(failed)?.is_none() {
            return Err(no_such_bucket(bucket));
        }
        self.get(OBJECTS, &object_key(bucket, key))?
            .ok_or_else(no_such_key)
    }

    /// Some bytes of a small body.
    pub(crate) fn inline(&self, id: &str, range: Range<usize>) -> S3Result<Vec<u8>> {
        let table = self.0.open_table(INLINE).map_err(failed)?;
        let found = table.get(id.as_bytes()).map_err(failed)?;
        found
            .and_then(|value| value.value().get(range).map(<[u8]>::to_vec))
            .ok_or_else(|| failed(format!("body {id} is missing")))
    }
}

fn row<T: DeserializeOwned>(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &[u8],
) -> S3Result<Option<T>> {
    let found = table.get(key).map_err(failed)?;
    let row = found.map(|value| serde_json::from_slice(value.value()));
    row.transpose().map_err(failed)
}

/// A change under way. It must check before it changes: an error does not undo.
pub(crate) struct Write<'a>(&'a WriteTransaction);

impl Write<'_> {
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        table: Table<'_>,
        key: &[u8],
    ) -> S3Result<Option<T>> {
        row(&self.0.open_table(table).map_err(failed)?, key)
    }

    pub(crate) fn put<T: Serialize>(
        &self,
        table: Table<'_>,
        key: &[u8],
        value: &T,
    ) -> S3Result<()> {
        self.put_bytes(table, key, &serde_json::to_vec(value).map_err(failed)?)
    }

    pub(crate) fn put_bytes(&self, table: Table<'_>, key: &[u8], value: &[u8]) -> S3Result<()> {
        self.0
            .open_table(table)
            .map_err(failed)?
            .insert(key, value)
            .map_err(failed)?;
        Ok(())
    }

    pub(crate) fn remove(&self, table: Table<'_>, key: &[u8]) -> S3Result<()> {
        self.0
            .open_table(table)
            .map_err(failed)?
            .remove(key)
            .map_err(failed)?;
        Ok(())
    }

    /// Keys of a table that begin with `prefix`, at most `limit`.
    pub(crate) fn keys(
        &self,
        table: Table<'_>,
        prefix: &[u8],
        limit: usize,
    ) -> S3Result<Vec<Vec<u8>>> {
        let table = self.0.open_table(table).map_err(failed)?;
        let mut keys = Vec::new();
        for row in table.range(prefix..).map_err(failed)? {
            let (key, _) = row.map_err(failed)?;
            if !key.value().starts_with(prefix) || keys.len() == limit {
                break;
            }
            keys.push(key.value().to_vec());
        }
        Ok(keys)
    }

    /// Puts an object in place of what was there; the old body's files are given back.
    pub(crate) fn replace_object(
        &self,
        key: &[u8],
        object: &ObjectRecord,
        inline: Option<(&str, &[u8])>,
    ) -> S3Result<Vec<Segment>> {
        let old = self.take_body(key)?;
        if let Some((id, bytes)) = inline {
            self.put_bytes(INLINE, id.as_bytes(), bytes)?;
        }
        self.put(OBJECTS, key, object)?;
        Ok(old)
    }

    /// Takes an object's body out of the index.
    pub(crate) fn take_body(&self, key: &[u8]) -> S3Result<Vec<Segment>> {
        let old = self
            .get::<ObjectRecord>(OBJECTS, key)?
            .map(|object| object.body)
            .unwrap_or_default();
        for segment in old.iter().filter(|segment| segment.is_inline) {
            self.remove(INLINE, segment.id.as_bytes())?;
        }
        Ok(old)
    }

    pub(crate) fn bucket(&self, name: &str) -> S3Result<BucketRecord> {
        self.get(BUCKETS, name.as_bytes())?
            .ok_or_else(|| no_such_bucket(name))
    }
}

pub(crate) fn no_such_bucket(name: &str) -> S3Error {
    let mut error = s3_error!(NoSuchBucket, "The specified bucket does not exist");
    tracing::trace!(bucket = name, "no such bucket");
    error.set_status_code(http::StatusCode::NOT_FOUND);
    error
}

pub(crate) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

pub(crate) fn object_key(bucket: &str, key: &str) -> Vec<u8> {
    [bucket.as_bytes(), b"\0", key.as_bytes()].concat()
}

pub(crate) fn upload_key(bucket: &str, key: &str, upload: &str) -> Vec<u8> {
    [
        bucket.as_bytes(),
        b"\0",
        key.as_bytes(),
        b"\0",
        upload.as_bytes(),
    ]
    .concat()
}

pub(crate) fn part_key(upload: &str, number: i32) -> Vec<u8> {
    format!("{upload}\0{number:05}").into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// What S3 says of listings, written plainly.
    fn naive(keys: &[String], query: &ListQuery<'_>) -> Vec<String> {
        let mut items: Vec<String> = keys
            .iter()
            .filter_map(|key| {
                let rest = key.strip_prefix(query.prefix)?;
                Some(
                    match query
                        .delimiter
                        .and_then(|delimiter| Some((delimiter, rest.find(delimiter)?)))
                    {
                        Some((delimiter, at)) => {
                            format!("{}{}", query.prefix, &rest[..at + delimiter.len()])
                        }
                        None => key.clone(),
                    },
                )
            })
            .collect();
        items.sort();
        items.dedup();
        items
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn pages_of_a_listing_are_the_whole(
            keys in proptest::collection::btree_set("[a-c/]{1,6}", 0..40),
            prefix in "[a-c/]{0,2}",
            delimiter in proptest::option::of("/"),
            max in 1..7_usize,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(dir.path()).unwrap();
            let names: Vec<String> = keys.into_iter().collect();
            let puts = names.clone();
            runtime.block_on(store.write(move |write| {
                for name in puts.iter().chain([&"other".to_owned()]) {
                    let bucket = if name == "other" { "c" } else { "b" };
                    write.put(OBJECTS, &object_key(bucket, name), &ObjectRecord::default())?;
                }
                Ok(())
            })).unwrap();
            let (mut found, mut after) = (Vec::new(), None::<String>);
            for _ in 0..100 {
                let query = ListQuery { prefix: &prefix, delimiter: delimiter.as_deref(), after: after.as_deref(), max };
                let page = store.list("b", &query).unwrap();
                prop_assert!(page.objects.len() + page.prefixes.len() <= max);
                let mut items: Vec<String> = page.objects.into_iter().map(|(name, _)| name).chain(page.prefixes).collect();
                items.sort();
                found.extend(items);
                if !page.is_truncated { break; }
                after = page.last;
            }
            let query = ListQuery { prefix: &prefix, delimiter: delimiter.as_deref(), after: None, max };
            prop_assert_eq!(found, naive(&names, &query));
        }
    }
}

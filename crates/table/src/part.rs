//! Writes files of events, and knows where they lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Write},
    mem,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves},
    },
    basic::{Compression, Encoding, ZstdLevel},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::SerializedFileWriter,
    },
    schema::types::ColumnPath,
};
use pugmark_core::account::{AccountId, Region};

use crate::{
    TableError,
    alike::{Alike, row_groups},
    index,
    log::{Month, Part, Snapshot},
    query::Place,
    records::{PAGE_ROWS, RecordsPage, RecordsWriter, rows_of_page},
    schema,
    tail::Row,
    threads::{made_ahead, on_threads},
};

/// Where versions before the log put their files.
const OLD_FILES: &str = "events/";
/// Rows between two looks at a page's size.
const WRITE_BATCH_ROWS: usize = 128;
/// Files that are made durable at the same time: the disk takes them together.
const SYNCS: usize = 8;
/// A page of ids or of resource names.
const TEXT_PAGE_BYTES: usize = 16 * 1024;
/// Larger dictionaries are given up: a look-up reads one whole for each row group in which it finds an event.
const DICTIONARY_BYTES: usize = 128 * 1024;
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// The steps of a flush or a compaction between which a process can die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    PartWrite,
    PartRename,
    IndexWrite,
    PartSync,
    LogWrite,
    LogLink,
    LogSync,
    Committed,
}

/// Lets tests stop a flush before a step, as a crash would.
#[derive(Clone, Default)]
pub(crate) struct Hook(Option<Arc<dyn Fn(Step) -> io::Result<()> + Send + Sync>>);

impl Hook {
    #[cfg(test)]
    pub(crate) fn new(hook: impl Fn(Step) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    pub(crate) fn at(&self, step: Step) -> Result<(), TableError> {
        match &self.0 {
            None => Ok(()),
            Some(hook) => hook(step).map_err(TableError::io(format!("{step:?}"))),
        }
    }
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

/// Names the files of one commit: by its version, and in their order.
#[derive(Debug)]
pub(crate) struct Names {
    version: u64,
    next: AtomicU64,
}

impl Names {
    /// For the commit that comes after `snapshot`.
    pub(crate) fn after(snapshot: &Snapshot) -> Self {
        Self {
            version: snapshot.next_version(),
            next: AtomicU64::new(0),
        }
    }

    /// The next file's name.
    pub(crate) fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("part-{:020}-{number:020}.parquet", self.version)
    }
}

/// Writes the rows, one file for each account, Region and month. The files count once the log names them.
pub(crate) fn write_all(
    dir: &Path,
    rows: Vec<Arc<Row>>,
    row_group_rows: usize,
    names: &Names,
    hook: &Hook,
) -> Result<Vec<Part>, TableError> {
    let mut groups: BTreeMap<(AccountId, Region, Month), Vec<Arc<Row>>> = BTreeMap::new();
    for row in rows {
        let keys = &row.event.keys;
        let month = Month::of(keys.time.as_second());
        groups
            .entry((keys.account, keys.region.clone(), month))
            .or_default()
            .push(row);
    }
    groups
        .into_iter()
        .map(|(place, rows)| write(dir, place, rows, row_group_rows, &names.next(), hook))
        .collect()
}

/// Writes the rows of one account, Region and month as the file of this name.
pub(crate) fn write(
    dir: &Path,
    place: (AccountId, Region, Month),
    mut rows: Vec<Arc<Row>>,
    row_group_rows: usize,
    name: &str,
    hook: &Hook,
) -> Result<Part, TableError> {
    rows.sort_by_key(|row| row.place().newest_first());
    let groups = row_groups(rows.iter().map(|row| row.event.json.len()), row_group_rows);
    // Bloom filters are made for so many rows: large ones take longer to make than a small file's rows to write.
    let row_group_rows = groups.iter().copied().max().unwrap_or_default();
    let mut file = PartFile::create(dir, place, row_group_rows, name, hook)?;
    let (mut left, mut pages) = (&mut rows[..], Vec::new());
    for rows in groups {
        let (group, rest) = mem::take(&mut left).split_at_mut(rows);
        // The newest ones stay the first of their kind.
        group.sort_by_cached_key(|row| {
            let keys = &row.event.keys;
            Alike::of(&keys.source, &keys.name, keys.username.as_deref())
        });
        add_pages(&mut pages, group);
        left = rest;
    }
    let made = pages.into_iter().map(|(rows, is_last)| {
        let mut records = RecordsPage::new();
        let columns = schema::columns(rows, |record| records.push(record))?;
        Ok((columns, records, is_last))
    });
    made_ahead(made, |made: Result<_, ArrowError>| {
        let (columns, records, is_last) = made.map_err(|error| file.failed(error))?;
        file.write(&columns, records)?;
        if is_last { file.end_group() } else { Ok(()) }
    })?;
    file.finish()
}

/// Divides a row group by the pages in which its records lie, and tells which of them is the last.
fn add_pages<'r>(pages: &mut Vec<(&'r [Arc<Row>], bool)>, mut rows: &'r [Arc<Row>]) {
    while !rows.is_empty() {
        let lengths = rows.iter().map(|row| row.event.json.len());
        let (page, rest) = rows.split_at(rows_of_page(lengths));
        rows = rest;
        pages.push((page, rows.is_empty()));
    }
}

/// A file that is being written, one row group after the other.
pub(crate) struct PartFile<'a> {
    dir: &'a Path,
    hook: &'a Hook,
    path: String,
    writer: SerializedFileWriter<File>,
    columns: ArrowRowGroupWriterFactory,
    group: Option<RowGroup>,
    index: index::Builder,
    account: AccountId,
    region: Region,
    rows: u64,
    oldest: i64,
    newest: i64,
    categories: Option<(String, String)>,
}

/// A row group that is being filled.
struct RowGroup {
    columns: Vec<ArrowColumnWriter>,
    records: RecordsWriter,
}

impl<'a> PartFile<'a> {
    /// Begins a file of an account, Region and month, whose row groups have at most so many rows.
    pub(crate) fn create(
        dir: &'a Path,
        (account, region, month): (AccountId, Region, Month),
        row_group_rows: usize,
        name: &str,
        hook: &'a Hook,
    ) -> Result<Self, TableError> {
        let folder = format!("account={account}/region={region}/month={month}");
        let path = format!("{folder}/{name}");
        let target = dir.join(&path);
        let failed = |action: &str| TableError::io(format!("{action} {}", target.display()));
        hook.at(Step::PartWrite)?;
        fs::create_dir_all(dir.join(&folder)).map_err(failed("make the directory of"))?;
        let file = File::create(temporary(&target)).map_err(failed("create"))?;
        let broken = |source| TableError::Write {
            path: target.clone(),
            source: Box::new(source),
        };
        let properties = properties(row_group_rows).map_err(broken)?;
        let writer = ArrowWriter::try_new(file, schema::SCHEMA.clone(), Some(properties))
            .and_then(ArrowWriter::into_serialized_writer);
        let (writer, _) = writer.map_err(broken)?;
        Ok(Self {
            dir,
            hook,
            columns: ArrowRowGroupWriterFactory::new(&writer, schema::COLUMNS.clone()),
            writer,
            group: None,
            index: index::Builder::default(),
            path,
            account,
            region,
            rows: 0,
            oldest: i64::MAX,
            newest: i64::MIN,
            categories: None,
        })
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a page of rows to the row group, in order: their [`schema::COLUMNS`] and their records.
    pub(crate) fn write(
        &mut self,
        batch: &RecordBatch,
        records: RecordsPage,
    ) -> Result<(), TableError> {
        self.fill_group(batch, records)
            .map_err(|error| self.failed(error))?;
        let damage = |detail: String| TableError::Task(detail);
        self.index.add(batch).map_err(damage)?;
        let keys = schema::Keys::of(batch, None).map_err(damage)?;
        for row in 0..batch.num_rows() {
            let Place { seconds, .. } = keys.place(row);
            self.oldest = self.oldest.min(seconds);
            self.newest = self.newest.max(seconds);
            let category = keys.category(row);
            let (first, last) = self
                .categories
                .get_or_insert_with(|| (category.to_owned(), category.to_owned()));
            if category < first.as_str() {
                category.clone_into(first);
            } else if category > last.as_str() {
                category.clone_into(last);
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn fill_group(
        &mut self,
        batch: &RecordBatch,
        records: RecordsPage,
    ) -> Result<(), ParquetError> {
        let group = match self.group.take() {
            Some(group) => group,
            None => self.begin_group()?,
        };
        self.group.insert(group).write(batch, records)
    }

    fn begin_group(&self) -> Result<RowGroup, ParquetError> {
        let number = self.writer.flushed_row_groups().len();
        let schema = self.writer.schema_descr();
        // Behind all others.
        let column = schema.column(schema.num_columns() - 1);
        Ok(RowGroup {
            columns: self.columns.create_column_writers(number)?,
            records: RecordsWriter::new(column)?,
        })
    }

    /// The next row is the first of another row group.
    pub(crate) fn end_group(&mut self) -> Result<(), TableError> {
        self.write_group().map_err(|error| self.failed(error))
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let Some(group) = self.group.take() else {
            return Ok(());
        };
        let mut written = self.writer.next_row_group()?;
        for column in group.columns {
            column.close()?.append_to_row_group(&mut written)?;
        }
        let (records, closed) = group.records.finish()?;
        written.append_column(&records, closed)?;
        written.close()?;
        Ok(())
    }

    /// Completes the file and its index; [`sync`] makes the file durable.
    pub(crate) fn finish(mut self) -> Result<Part, TableError> {
        self.end_group()?;
        let target = self.dir.join(&self.path);
        let failed = |action: &str| TableError::io(format!("{action} {}", target.display()));
        let broken = |source| TableError::Write {
            path: target.clone(),
            source: Box::new(source),
        };
        let file = self.writer.into_inner().map_err(broken)?;
        let bytes = file.metadata().map_err(failed("look at"))?.len();
        self.hook.at(Step::IndexWrite)?;
        let keys = self.dir.join(index::path_of(&self.path));
        let mut file = File::create(temporary(&keys)).map_err(failed("create the index of"))?;
        // Its checksums tell whether all of it is there: what a crash cuts off is no loss.
        file.write_all(&self.index.finish())
            .map_err(failed("write the index of"))?;
        fs::rename(temporary(&keys), &keys).map_err(failed("rename the index of"))?;
        self.hook.at(Step::PartRename)?;
        fs::rename(temporary(&target), &target).map_err(failed("rename"))?;
        Ok(Part {
            path: self.path,
            account: self.account,
            region: self.region,
            rows: self.rows,
            bytes,
            oldest: self.oldest,
            newest: self.newest,
            categories: self.categories.unwrap_or_default(),
        })
    }

    fn failed(&self, error: impl std::error::Error + Send + Sync + 'static) -> TableError {
        TableError::Write {
            path: self.dir.join(&self.path),
            source: Box::new(error),
        }
    }
}

impl RowGroup {
    fn write(&mut self, batch: &RecordBatch, records: RecordsPage) -> Result<(), ParquetError> {
        let mut writers = self.columns.iter_mut();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            for (leaf, writer) in compute_leaves(field, column)?.iter().zip(&mut writers) {
                writer.write(leaf)?;
            }
        }
        self.records.write(records)
    }
}

/// Makes files durable, and their names: before the commit that adds them.
pub(crate) fn sync(dir: &Path, parts: &[Part], hook: &Hook) -> Result<(), TableError> {
    hook.at(Step::PartSync)?;
    on_threads(SYNCS, parts, |part| {
        let path = dir.join(&part.path);
        File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(TableError::io(format!("sync {}", path.display())))
    })?;
    let folders = parts
        .iter()
        .flat_map(|part| Path::new(&part.path).ancestors().skip(1));
    let folders: BTreeSet<&Path> = folders.collect();
    let folders: Vec<&Path> = folders.into_iter().collect();
    on_threads(SYNCS, &folders, |folder| sync_dir(&dir.join(folder)))?;
    Ok(())
}

fn temporary(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}

fn properties(row_group_rows: usize) -> Result<WriterProperties, ParquetError> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1)?);
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("pugmark {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![KeyValue::new(
            schema::VERSION_KEY.into(),
            schema::VERSION.to_owned(),
        )]))
        // Small columns are mostly dictionaries: zstd would save little, and costs a context for each column of each row
        // group, written or read.
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(row_group_rows.max(1)))
        .set_write_batch_size(WRITE_BATCH_ROWS)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    // A dictionary of what hardly comes twice is read whole for each of its values.
    for (name, encoding, compression) in [
        (
            schema::EVENT_TIME,
            Encoding::DELTA_BINARY_PACKED,
            Compression::UNCOMPRESSED,
        ),
        (
            schema::SEQ,
            Encoding::DELTA_BINARY_PACKED,
            Compression::UNCOMPRESSED,
        ),
        (schema::EVENT_ID, Encoding::DELTA_LENGTH_BYTE_ARRAY, zstd),
        (schema::REQUEST_ID, Encoding::DELTA_LENGTH_BYTE_ARRAY, zstd),
    ] {
        let path = ColumnPath::from(name);
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path.clone(), encoding)
            .set_column_compression(path, compression);
    }
    // Look-ups unpack one for each event that they find, and values are long.
    let path_of =
        |leaf: &[&str]| ColumnPath::new(leaf.iter().map(|part| (*part).to_owned()).collect());
    for leaf in [&[schema::EVENT_ID][..], schema::RESOURCE_NAMES] {
        builder = builder.set_column_data_page_size_limit(path_of(leaf), TEXT_PAGE_BYTES);
    }
    for name in [schema::EVENT_TIME, schema::READ_ONLY] {
        let path = ColumnPath::from(name);
        builder = builder.set_column_statistics_enabled(path, EnabledStatistics::Page);
    }
    for leaf in schema::BLOOMED {
        let path = path_of(leaf);
        builder = builder
            .set_column_statistics_enabled(path.clone(), EnabledStatistics::Page)
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv(path, row_group_rows.max(32) as u64);
    }
    Ok(builder.build())
}

/// Deletes what an interrupted flush left: files of ours that the log does not know.
pub(crate) fn delete_orphans(dir: &Path, snapshot: &Snapshot) -> Result<usize, TableError> {
    let known = snapshot.known();
    let mut folders = vec![(dir.to_path_buf(), String::new())];
    let mut deleted = 0;
    while let Some((folder, prefix)) = folders.pop() {
        let failed = || TableError::io(format!("list {}", folder.display()));
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(failed())?,
        };
        for entry in entries {
            let entry = entry.map_err(failed())?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let path = format!("{prefix}{name}");
            if entry.file_type().map_err(failed())?.is_dir() {
                if !name.starts_with(['_', '.']) {
                    folders.push((entry.path(), format!("{path}/")));
                }
                continue;
            }
            let is_temporary = name.ends_with(".tmp");
            let Some(part) = part_of(&path) else { continue };
            if is_temporary || !known.contains(part.as_str()) {
                fs::remove_file(entry.path())
                    .map_err(TableError::io(format!("delete {}", entry.path().display())))?;
                deleted += 1;
            }
        }
    }
    Ok(deleted)
}

/// The file of events to which a file belongs, by its path, if it is one that is made here.
fn part_of(path: &str) -> Option<String> {
    let path = path.strip_suffix(".tmp").unwrap_or(path);
    let (folder, name) = path.rsplit_once('/')?;
    let name = match name.strip_suffix(".keys") {
        Some(stem) => format!("{}.parquet", stem.strip_prefix('_')?),
        None => name.to_owned(),
    };
    let part = format!("{folder}/{name}");
    is_part_path(&part).then_some(part)
}

/// Deletes files that stopped counting; returns those that are gone now.
pub(crate) fn delete(dir: &Path, paths: Vec<String>) -> Vec<String> {
    let remove = |path: &Path| match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    let mut gone = Vec::with_capacity(paths.len());
    for path in paths {
        let keys = remove(&dir.join(index::path_of(&path)));
        match keys.and_then(|()| remove(&dir.join(&path))) {
            Ok(()) => gone.push(path),
            Err(error) => {
                tracing::warn!(%error, file = path, "a file that no longer counts could not be deleted; it is tried again");
            }
        }
    }
    gone
}

/// Whether a file was made before there was a log: it may have columns of version 1.
pub(crate) fn is_old(path: &str) -> bool {
    path.starts_with(OLD_FILES)
}

/// Whether a path is one of those that are made here.
pub(crate) fn is_part_path(path: &str) -> bool {
    let (path, last) = match path.strip_prefix(OLD_FILES) {
        Some(path) => (path, "day="),
        None => (path, "month="),
    };
    let mut parts = path.split('/');
    let mut starts = |prefix: &str| {
        parts
            .next()
            .and_then(|part| part.strip_prefix(prefix))
            .is_some_and(|rest| !rest.starts_with('.'))
    };
    starts("account=")
        && starts("region=")
        && starts(last)
        && parts.next().is_some_and(is_part_name)
        && parts.next().is_none()
}

/// Makes what happened to a directory's entries durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), TableError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(TableError::io(format!("sync directory {}", dir.display())))
}

fn is_part_name(name: &str) -> bool {
    let number = |text: &str| text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    name.strip_prefix("part-")
        .and_then(|name| name.strip_suffix(".parquet"))
        .and_then(|range| range.split_once('-'))
        .is_some_and(|(first, last)| number(first) && number(last))
}

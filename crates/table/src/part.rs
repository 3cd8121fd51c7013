//! Writes files of events, and knows where they lie.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::{
        metadata::{KeyValue, SortingColumn},
        properties::{EnabledStatistics, WriterProperties},
    },
    schema::types::ColumnPath,
};
use pugmark_core::{
    account::{AccountId, Region},
    event::EventCategory,
};

use crate::{
    TableError,
    manifest::{Manifest, Part},
    schema,
    tail::Row,
};

const FILES: &str = "events";
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// One event out of a file costs reading one such page.
const EVENT_PAGE_BYTES: usize = 64 * 1024;
/// Rows between two looks at a page's size.
const WRITE_BATCH_ROWS: usize = 32;
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// The steps of a flush between which a process can die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    PartWrite,
    PartRename,
    PartSync,
    ManifestWrite,
    ManifestRename,
    ManifestSync,
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

/// Writes the rows, one file for each account, Region and day. The files count once a manifest names them.
pub(crate) fn write_all(
    dir: &Path,
    rows: Vec<Arc<Row>>,
    row_group_rows: usize,
    hook: &Hook,
) -> Result<Vec<Part>, TableError> {
    let mut groups: BTreeMap<(AccountId, Region, i64), Vec<Arc<Row>>> = BTreeMap::new();
    for row in rows {
        let keys = &row.event.keys;
        let day = keys.time.as_second().div_euclid(SECONDS_PER_DAY);
        groups
            .entry((keys.account, keys.region.clone(), day))
            .or_default()
            .push(row);
    }
    groups
        .into_iter()
        .map(|((account, region, _), mut rows)| {
            rows.sort_by_key(|row| row.place().newest_first());
            write(dir, account, region, &rows, row_group_rows, hook)
        })
        .collect()
}

fn write(
    dir: &Path,
    account: AccountId,
    region: Region,
    rows: &[Arc<Row>],
    row_group_rows: usize,
    hook: &Hook,
) -> Result<Part, TableError> {
    let seqs = || rows.iter().map(|row| row.seq);
    let (Some(first), Some(last)) = (seqs().min(), seqs().max()) else {
        return Err(TableError::Task("a file without rows".into()));
    };
    let times = || rows.iter().map(|row| row.place().seconds);
    let (oldest, newest) = (
        times().min().unwrap_or_default(),
        times().max().unwrap_or_default(),
    );
    let folder = format!(
        "{FILES}/account={account}/region={region}/day={}",
        day_name(newest)
    );
    let path = format!("{folder}/part-{first:020}-{last:020}.parquet");
    let (target, temporary) = (dir.join(&path), dir.join(format!("{path}.tmp")));
    let failed = |action: &str| TableError::io(format!("{action} {}", target.display()));

    hook.at(Step::PartWrite)?;
    fs::create_dir_all(dir.join(&folder)).map_err(failed("make the directory of"))?;
    let file = File::create(&temporary).map_err(failed("create"))?;
    let file = write_rows(file, rows, row_group_rows).map_err(|source| TableError::Write {
        path: target.clone(),
        source: Box::new(source),
    })?;
    file.sync_all().map_err(failed("sync"))?;
    let bytes = file.metadata().map_err(failed("look at"))?.len();
    hook.at(Step::PartRename)?;
    fs::rename(&temporary, &target).map_err(failed("rename"))?;
    hook.at(Step::PartSync)?;
    for folder in Path::new(&folder).ancestors() {
        sync_dir(&dir.join(folder))?;
    }
    let insight_rows = rows
        .iter()
        .filter(|row| row.event.keys.category == EventCategory::Insight)
        .count() as u64;
    Ok(Part {
        path,
        account,
        region,
        rows: rows.len() as u64,
        insight_rows,
        bytes,
        oldest,
        newest,
    })
}

fn write_rows(
    file: File,
    rows: &[Arc<Row>],
    row_group_rows: usize,
) -> Result<File, parquet::errors::ParquetError> {
    let properties = properties(row_group_rows)?;
    let mut writer = ArrowWriter::try_new(file, schema::SCHEMA.clone(), Some(properties))?;
    for rows in rows.chunks(row_group_rows.max(1)) {
        writer.write(&schema::batch(rows)?)?;
        writer.flush()?;
    }
    writer.into_inner()
}

fn properties(row_group_rows: usize) -> Result<WriterProperties, parquet::errors::ParquetError> {
    let event = ColumnPath::from(schema::EVENT);
    let newest_first = |column_idx| SortingColumn {
        column_idx,
        descending: true,
        nulls_first: false,
    };
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("pugmark {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![KeyValue::new(
            schema::VERSION_KEY.into(),
            schema::VERSION.to_owned(),
        )]))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(row_group_rows.max(1)))
        .set_write_batch_size(WRITE_BATCH_ROWS)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(vec![newest_first(0), newest_first(1)]))
        .set_column_dictionary_enabled(ColumnPath::from("event_id"), false)
        .set_column_dictionary_enabled(event.clone(), false)
        .set_column_statistics_enabled(event.clone(), EnabledStatistics::None)
        .set_column_data_page_size_limit(event, EVENT_PAGE_BYTES);
    for leaf in schema::BLOOMED {
        let path = ColumnPath::new(leaf.iter().map(|part| (*part).to_owned()).collect());
        builder = builder
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv(path, (2 * row_group_rows.max(32)) as u64);
    }
    Ok(builder.build())
}

/// Deletes what an interrupted flush left: files of ours that the manifest does not name.
pub(crate) fn delete_orphans(dir: &Path, manifest: &Manifest) -> Result<usize, TableError> {
    let known: HashSet<PathBuf> = manifest.all().map(|part| dir.join(&part.path)).collect();
    let mut folders = vec![dir.join(FILES)];
    let mut deleted = 0;
    while let Some(folder) = folders.pop() {
        let failed = || TableError::io(format!("list {}", folder.display()));
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(failed())?,
        };
        for entry in entries {
            let entry = entry.map_err(failed())?;
            let path = entry.path();
            if entry.file_type().map_err(failed())?.is_dir() {
                folders.push(path);
                continue;
            }
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            if is_part_name(name.strip_suffix(".tmp").unwrap_or(name)) && !known.contains(&path) {
                fs::remove_file(&path)
                    .map_err(TableError::io(format!("delete {}", path.display())))?;
                deleted += 1;
            }
        }
    }
    Ok(deleted)
}

/// Deletes files that no manifest names any more.
pub(crate) fn delete(dir: &Path, parts: &[Arc<Part>]) {
    for part in parts {
        if let Err(error) = fs::remove_file(dir.join(&part.path)) {
            tracing::warn!(%error, file = part.path, "a file over its retention could not be deleted; the next start tries again");
        }
    }
}

/// Whether a path is one of those that are made here.
pub(crate) fn is_part_path(path: &str) -> bool {
    let mut parts = path.split('/');
    let mut starts = |prefix: &str| {
        parts
            .next()
            .and_then(|part| part.strip_prefix(prefix))
            .is_some_and(|rest| !rest.starts_with('.'))
    };
    starts(FILES)
        && starts("account=")
        && starts("region=")
        && starts("day=")
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

fn day_name(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d")
        .to_string()
}

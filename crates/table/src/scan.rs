//! Finds events in files, newest first, reading as little as possible: files and row groups are visited from the newest
//! on, skipped by time, category and bloom filter, and the scan ends when nothing newer can come.

use std::{
    collections::{BTreeMap, BinaryHeap, HashMap, HashSet, hash_map::Entry},
    fs::File,
    io::{self, Read},
    ops::Range,
    os::unix::fs::FileExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use arrow_array::{RecordBatch, RecordBatchReader, StringArray};
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder, RowSelection,
        },
    },
    basic::{LogicalType, TimeUnit},
    errors::ParquetError,
    file::{
        metadata::{PageIndexPolicy, ParquetStatisticsPolicy, RowGroupMetaData},
        reader::{ChunkReader, Length},
        statistics::Statistics,
    },
    schema::types::SchemaDescriptor,
};
use rustix::process::{Resource, getrlimit};
use uuid::Uuid;

use crate::{
    LookupEvent, LookupKey, TableError,
    index::{self, Index, IndexError},
    log::Part,
    query::{Place, Wanted},
    records::RecordPages,
    schema::{self, Damage},
    tail::{Row, id_of},
    threads::on_standing_threads,
};

/// Footers that are kept, in bytes; a look-up over more files than fit reads the rest again.
const FOOTER_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Files that one look-up keeps open while it searches, and row groups that are read at a time.
const OPEN_FILES_MAX: usize = 32;
/// Rows whose records are read at a time where their pages cannot be read one by one: they may lie in as many.
const FETCH_ROWS: usize = 8;
/// Rows whose keys are looked at in one go.
const KEY_ROWS: usize = 8192;
/// Indexes that are kept open between look-ups: opening one takes longer than asking it.
static OPEN_INDEXES_MAX: LazyLock<usize> = LazyLock::new(|| {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files / 8).map_or(2048, |files| files.clamp(64, 2048))
});

/// The files of event history, for reading.
#[derive(Debug)]
pub(crate) struct Files {
    dir: PathBuf,
    footers: Mutex<Footers>,
    /// `None`: the file has no index that can be read.
    indexes: Mutex<HashMap<String, Option<Arc<Index>>>>,
    damaged: Mutex<BTreeMap<String, Damage>>,
}

#[derive(Debug, Default)]
struct Footers {
    by_path: HashMap<String, (ArrowReaderMetadata, usize, u64)>,
    bytes: usize,
    uses: u64,
}

/// An event that belongs to the answer, unless newer ones are found.
#[derive(Debug)]
enum Candidate {
    Tail(Arc<Row>),
    Read(Box<LookupEvent>),
    Stored {
        part: usize,
        group: usize,
        row: usize,
    },
}

/// What is looked at next: a whole file, or one of its row groups.
#[derive(PartialEq, Eq)]
struct Unit {
    /// Nothing in it is newer, in seconds.
    latest: i64,
    part: usize,
    group: Option<usize>,
    /// The rows of the group, ascending, that the file's index says may be wanted; `None`: all of them.
    rows: Option<Vec<Range<usize>>>,
}

impl Ord for Unit {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let order = |unit: &Self| (unit.latest, unit.part, unit.group);
        order(self).cmp(&order(other))
    }
}

impl PartialOrd for Unit {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A file that cannot be read, or an error of the system.
pub(crate) enum Failure {
    Damaged(usize, Damage),
    System(TableError),
}

impl Files {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            footers: Mutex::default(),
            indexes: Mutex::default(),
            damaged: Mutex::default(),
        }
    }

    /// Files that were found damaged since the start.
    pub(crate) fn damaged(&self) -> Vec<PathBuf> {
        lock(&self.damaged)
            .keys()
            .map(|path| self.dir.join(path))
            .collect()
    }

    /// Whether a file was found damaged since the start.
    pub(crate) fn is_damaged(&self, path: &str) -> bool {
        lock(&self.damaged).contains_key(path)
    }

    /// The wanted events of tail and files together, newest first, at most a page of them, and the place of the last one if
    /// there are more. Damaged files are reported and left out.
    pub(crate) fn find(
        &self,
        wanted: &Wanted,
        tail: &[Arc<Row>],
        parts: &[Arc<Part>],
    ) -> Result<(Vec<LookupEvent>, Option<Place>), TableError> {
        self.without_damaged(parts, |left_out, open| {
            let mut found = self.find_in(wanted, tail, left_out, open, true)?;
            let has_more = found.len() > wanted.page_events;
            found.truncate(wanted.page_events);
            let last = found.last().map(|(place, _)| *place);
            Ok((fetch(found, open)?, last.filter(|_| has_more)))
        })
    }

    /// Reads files, once more without each one that is found damaged meanwhile.
    fn without_damaged<T>(
        &self,
        parts: &[Arc<Part>],
        read: impl Fn(&HashSet<usize>, &mut Open<'_>) -> Result<T, Failure>,
    ) -> Result<T, TableError> {
        let mut left_out: HashSet<usize> = HashSet::new();
        for (index, part) in parts.iter().enumerate() {
            if self.is_damaged(&part.path) {
                left_out.insert(index);
            }
        }
        loop {
            let mut open = Open {
                files: self,
                parts,
                opened: HashMap::new(),
            };
            match read(&left_out, &mut open) {
                Ok(answer) => return Ok(answer),
                Err(Failure::System(error)) => return Err(error),
                Err(Failure::Damaged(index, damage)) => {
                    self.report(&parts[index].path, damage);
                    left_out.insert(index);
                }
            }
        }
    }

    pub(crate) fn report(&self, path: &str, damage: Damage) {
        tracing::error!(
            file = path,
            damage,
            "a file of event history is damaged: look-ups answer without its events until it is restored and the \
             program started again"
        );
        lock(&self.damaged).insert(path.to_owned(), damage);
    }

    /// The places of the wanted events, newest first, at most as many as are needed. `reads_few` says that the events themselves
    /// are wanted too: a few are read at once.
    fn find_in(
        &self,
        wanted: &Wanted,
        tail: &[Arc<Row>],
        left_out: &HashSet<usize>,
        open: &mut Open<'_>,
        reads_few: bool,
    ) -> Result<Vec<(Place, Candidate)>, Failure> {
        let parts = open.parts;
        let mut found: Vec<(Place, Candidate)> = tail
            .iter()
            .map(|row| (row.place(), Candidate::Tail(row.clone())))
            .collect();
        let wanted_parts = (0..parts.len())
            .filter(|index| !left_out.contains(index) && is_wanted(wanted, &parts[*index]));
        let wanted_parts: Vec<usize> = wanted_parts.collect();
        if reads_few && let Some(few) = self.few(wanted, &wanted_parts, parts)? {
            found.extend(read_few(wanted, few, open)?);
            found.sort_by_key(|(place, _)| place.newest_first());
            found.truncate(wanted.needed());
            return Ok(found);
        }
        let mut units: BinaryHeap<Unit> = wanted_parts
            .into_iter()
            .map(|part| Unit {
                latest: parts[part].newest.min(wanted.latest()),
                part,
                group: None,
                rows: None,
            })
            .collect();
        while let Some(unit) = units.pop() {
            // `found` is sorted and complete down to this time.
            if found.len() >= wanted.needed() && found[wanted.needed() - 1].0.seconds > unit.latest
            {
                break;
            }
            match unit.group {
                None => {
                    let rows = self.indexed(&parts[unit.part], wanted)?;
                    if rows.as_ref().is_none_or(|rows| !rows.is_empty()) {
                        let opened = open.file(unit.part)?;
                        units.extend(opened.groups(unit.part, wanted, rows.as_deref())?);
                    }
                }
                Some(group) => {
                    let opened = open.file(unit.part)?;
                    let stored = |(place, row)| {
                        (
                            place,
                            Candidate::Stored {
                                part: unit.part,
                                group,
                                row,
                            },
                        )
                    };
                    found.extend(
                        opened
                            .matches(unit.part, group, wanted, unit.rows.as_deref())?
                            .into_iter()
                            .map(stored),
                    );
                    found.sort_by_key(|(place, _)| place.newest_first());
                    found.truncate(wanted.needed());
                }
            }
        }
        Ok(found)
    }

    /// All rows that can be wanted, if the indexes say that these are no more than are needed: then nothing is gained by looking at
    /// the newest ones first.
    fn few(
        &self,
        wanted: &Wanted,
        wanted_parts: &[usize],
        parts: &[Arc<Part>],
    ) -> Result<Option<WantedRows>, Failure> {
        let (mut named, mut total) = (Vec::new(), 0);
        for part in wanted_parts {
            let Some(rows) = self.indexed(&parts[*part], wanted)? else {
                return Ok(None);
            };
            total += rows.iter().map(Range::len).sum::<usize>();
            if total > wanted.needed() {
                return Ok(None);
            }
            if !rows.is_empty() {
                named.push((*part, rows));
            }
        }
        // Reading a footer can take longer than all else.
        let units = on_standing_threads(&named, |(part, rows)| {
            let opened = self.open(*part, &parts[*part])?;
            opened.groups(*part, wanted, Some(rows))
        })?;
        let mut few = WantedRows::new();
        for unit in units.into_iter().flatten() {
            if let (Some(group), Some(rows)) = (unit.group, unit.rows) {
                let rows = rows.into_iter().flatten().map(|row| (row, 0));
                few.insert((unit.part, group), rows.collect());
            }
        }
        Ok(Some(few))
    }

    /// The rows of a file that its index says may be wanted; `None` when it cannot tell.
    fn indexed(&self, part: &Part, wanted: &Wanted) -> Result<Option<Vec<Range<usize>>>, Failure> {
        let Some((key, value)) = &wanted.filter else {
            return Ok(None);
        };
        if *key == LookupKey::EventId && id_of(value).is_none() {
            return Ok(Some(Vec::new()));
        }
        self.candidates(part, *key, value)
    }

    /// The rows of a file that its index says may have a value; `None` when it cannot tell.
    pub(crate) fn candidates(
        &self,
        part: &Part,
        key: LookupKey,
        value: &str,
    ) -> Result<Option<Vec<Range<usize>>>, Failure> {
        let known = lock(&self.indexes).get(&part.path).cloned();
        let index = match known {
            Some(index) => index,
            None => {
                let path = self.dir.join(index::path_of(&part.path));
                let index = self
                    .usable(&path, Index::open(&path))?
                    .flatten()
                    .map(Arc::new);
                let mut indexes = lock(&self.indexes);
                if indexes.len() >= *OPEN_INDEXES_MAX {
                    indexes.clear();
                }
                indexes.insert(part.path.clone(), index.clone());
                index
            }
        };
        let Some(index) = index else { return Ok(None) };
        let path = self.dir.join(index::path_of(&part.path));
        let rows = self.usable(&path, index.find(key, value))?;
        if rows.is_none() {
            lock(&self.indexes).insert(part.path.clone(), None);
        }
        Ok(rows)
    }

    /// A damaged index is no loss: the file's own columns answer, only later.
    fn usable<T>(&self, path: &Path, result: Result<T, IndexError>) -> Result<Option<T>, Failure> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(IndexError::Damaged(damage)) => {
                tracing::error!(file = %path.display(), damage, "an index of event history is damaged: look-ups read the file itself, which takes longer");
                Ok(None)
            }
            Err(IndexError::System(path, source)) => Err(Failure::System(TableError::Io {
                action: format!("open {}", path.display()),
                source,
            })),
        }
    }

    /// The row groups of a file: how long a record is in each, in the mean.
    pub(crate) fn row_groups(&self, part: &Arc<Part>) -> Result<Vec<usize>, TableError> {
        let opened = self
            .open(0, part)
            .map_err(|failure| self.told(part, failure))?;
        let groups = opened.footer.metadata().row_groups().iter();
        let record_bytes = |group: &RowGroupMetaData| {
            let bytes = group.columns().last().map(|it| it.uncompressed_size());
            let mean = bytes.unwrap_or_default() / group.num_rows().max(1);
            usize::try_from(mean).unwrap_or_default()
        };
        Ok(groups.map(record_bytes).collect())
    }

    /// All rows of a row group with all their columns, so many at a time.
    pub(crate) fn batches(
        &self,
        part: &Arc<Part>,
        group: usize,
        rows: usize,
    ) -> Result<Batches<'_>, TableError> {
        self.rows_of(part, Some(group), rows, |_| true)
    }

    /// The places of all rows of a row group.
    pub(crate) fn each_place(
        &self,
        part: &Arc<Part>,
        group: usize,
        mut each: impl FnMut(Place),
    ) -> Result<(), TableError> {
        let mut batches = self.rows_of(part, Some(group), KEY_ROWS, is_place)?;
        while let Some((_, places)) = batches.next()? {
            places.into_iter().for_each(&mut each);
        }
        Ok(())
    }

    /// The ids and times, in seconds, of all events of a file.
    pub(crate) fn each_id(
        &self,
        part: &Arc<Part>,
        mut each: impl FnMut(Uuid, i64),
    ) -> Result<(), TableError> {
        let is_wanted = |name: &str| is_place(name) || name == schema::EVENT_ID;
        let mut batches = self.rows_of(part, None, KEY_ROWS, is_wanted)?;
        while let Some((batch, places)) = batches.next()? {
            let read = guarded(0, || {
                let ids: &StringArray = schema::column(&batch, schema::EVENT_ID)?;
                for (id, place) in ids.iter().zip(places) {
                    let id = Uuid::try_parse(id.unwrap_or_default()).map_err(text)?;
                    each(id, place.seconds);
                }
                Ok(())
            });
            read.map_err(|failure| self.told(part, failure))?;
        }
        Ok(())
    }

    /// The columns of a file, or of one of its row groups, whose names are wanted, so many rows at a time.
    fn rows_of(
        &self,
        part: &Arc<Part>,
        group: Option<usize>,
        rows: usize,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Batches<'_>, TableError> {
        let opened = self
            .open(0, part)
            .map_err(|failure| self.told(part, failure))?;
        let reader = guarded(0, || {
            let mut builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(opened.reader, opened.footer);
            let fields = builder.schema().fields().iter().enumerate();
            let roots = fields.filter(|(_, field)| is_wanted(field.name()));
            let roots: Vec<usize> = roots.map(|(index, _)| index).collect();
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
            if let Some(group) = group {
                builder = builder.with_row_groups(vec![group]);
            }
            builder
                .with_projection(mask)
                .with_batch_size(rows)
                .build()
                .map_err(text)
        });
        Ok(Batches {
            reader: reader.map_err(|failure| self.told(part, failure))?,
            files: self,
            part: part.clone(),
        })
    }

    /// Reports a damaged file, and makes an error of it.
    fn told(&self, part: &Part, failure: Failure) -> TableError {
        match failure {
            Failure::System(error) => error,
            Failure::Damaged(_, damage) => {
                self.report(&part.path, damage);
                TableError::Task(format!("{} is damaged", part.path))
            }
        }
    }

    /// The file, ready to read.
    pub(crate) fn open(&self, index: usize, part: &Part) -> Result<Opened, Failure> {
        let path = self.dir.join(&part.path);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::Damaged(index, "the file is missing".into()));
            }
            Err(source) => {
                return Err(Failure::System(TableError::Io {
                    action: format!("open {}", path.display()),
                    source,
                }));
            }
        };
        let reader = PartReader(Arc::new(file), part.bytes);
        let cached = lock(&self.footers).get(&part.path);
        let footer = match cached {
            Some(footer) => footer,
            None => {
                let options = ArrowReaderOptions::new()
                    .with_offset_index_policy(PageIndexPolicy::Optional)
                    .with_column_index_policy(PageIndexPolicy::Skip)
                    // Nobody asks for them, and they are a good part of what is kept.
                    .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
                    .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
                let footer = guarded(index, || {
                    ArrowReaderMetadata::load(&reader, options).map_err(text)
                })?;
                lock(&self.footers).put(&part.path, &footer);
                footer
            }
        };
        Ok(Opened { reader, footer })
    }

    /// Forgets what is known of files that are gone.
    pub(crate) fn forget(&self, parts: &[Arc<Part>]) {
        for part in parts {
            lock(&self.footers).remove(&part.path);
            lock(&self.indexes).remove(&part.path);
            lock(&self.damaged).remove(&part.path);
        }
    }

    /// Reports files that the log names and that are not there whole.
    pub(crate) fn check<'a>(&self, parts: impl Iterator<Item = &'a Arc<Part>>) {
        for part in parts {
            match std::fs::metadata(self.dir.join(&part.path)) {
                Ok(metadata) if metadata.len() == part.bytes => {}
                Ok(metadata) => {
                    self.report(
                        &part.path,
                        format!("it has {} bytes instead of {}", metadata.len(), part.bytes),
                    );
                }
                Err(error) => self.report(&part.path, error.to_string()),
            }
        }
    }
}

/// Whether an event with this id and time is in the files.
pub(crate) fn contains(files: &Files, parts: &[Arc<Part>], row: &Row) -> Result<bool, TableError> {
    let keys = &row.event.keys;
    let seconds = keys.time.as_second();
    let category = match keys.category {
        pugmark_core::event::EventCategory::Insight => crate::LookupCategory::Insight,
        _ => crate::LookupCategory::Management,
    };
    let wanted = Wanted {
        account: keys.account,
        region: keys.region.clone(),
        category,
        filter: Some((LookupKey::EventId, keys.id.to_string())),
        from: seconds,
        to: seconds,
        after: None,
        page_events: 1,
    };
    files.without_damaged(parts, |left_out, open| {
        let found = files.find_in(&wanted, &[], left_out, open, false)?;
        Ok(!found.is_empty())
    })
}

/// Whether a file can hold anything that is wanted.
pub(crate) fn is_wanted(wanted: &Wanted, part: &Part) -> bool {
    part.holds(wanted.category) && part.newest >= wanted.from && part.oldest <= wanted.latest()
}

/// Whether [`schema::Keys`] need a column to tell places.
fn is_place(name: &str) -> bool {
    [schema::EVENT_TIME, schema::SEQ, schema::CATEGORY].contains(&name)
}

/// Rows of a file, in the order in which they lie there.
pub(crate) struct Batches<'a> {
    reader: ParquetRecordBatchReader,
    files: &'a Files,
    part: Arc<Part>,
}

impl Batches<'_> {
    /// The next rows and their places.
    pub(crate) fn next(&mut self) -> Result<Option<(RecordBatch, Vec<Place>)>, TableError> {
        let reader = &mut self.reader;
        let batch = guarded(0, || {
            let Some(batch) = reader.next() else {
                return Ok(None);
            };
            let batch = batch.map_err(text)?;
            let keys = schema::Keys::of(&batch, None)?;
            let places = (0..batch.num_rows()).map(|row| keys.place(row)).collect();
            Ok(Some((batch, places)))
        });
        batch.map_err(|failure| self.files.told(&self.part, failure))
    }
}

/// Files that one look-up has open, a bounded number at a time.
struct Open<'a> {
    files: &'a Files,
    parts: &'a [Arc<Part>],
    opened: HashMap<usize, Opened>,
}

impl Open<'_> {
    fn file(&mut self, part: usize) -> Result<&Opened, Failure> {
        if !self.opened.contains_key(&part) && self.opened.len() >= OPEN_FILES_MAX {
            self.opened.clear();
        }
        match self.opened.entry(part) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(self.files.open(part, &self.parts[part])?)),
        }
    }
}

/// A file, ready to read.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) reader: PartReader,
    pub(crate) footer: ArrowReaderMetadata,
}

impl Opened {
    /// The row groups that can hold anything that is wanted, by their statistics and by the rows that the index names.
    fn groups(
        &self,
        part: usize,
        wanted: &Wanted,
        rows: Option<&[Range<usize>]>,
    ) -> Result<Vec<Unit>, Failure> {
        guarded(part, || {
            let metadata = self.footer.metadata();
            let columns = metadata.file_metadata().schema_descr();
            let time = leaf(columns, &[schema::EVENT_TIME]).ok_or("it has no event times")?;
            let category = leaf(columns, &[schema::CATEGORY]).ok_or("it has no categories")?;
            let (mut units, mut end) = (Vec::new(), 0);
            for (index, group) in metadata.row_groups().iter().enumerate() {
                let start = end;
                end += group.num_rows() as usize;
                let rows = rows.map(|rows| within(rows, start..end));
                if rows.as_ref().is_some_and(Vec::is_empty) {
                    continue;
                }
                let (oldest, newest) = seconds(group, time, columns);
                let holds =
                    holds_category(group, category, wanted.category.event_category().as_str());
                if holds && newest >= wanted.from && oldest <= wanted.latest() {
                    units.push(Unit {
                        latest: newest.min(wanted.latest()),
                        part,
                        group: Some(index),
                        rows,
                    });
                }
            }
            Ok(units)
        })
    }

    /// The parts of some ranges of rows that lie in a row group, counted from its first.
    pub(crate) fn within(&self, rows: &[Range<usize>], group: usize) -> Vec<Range<usize>> {
        let groups = self.footer.metadata().row_groups();
        let before = groups.iter().take(group);
        let start = before.map(|group| group.num_rows() as usize).sum();
        let rows_of_it = groups.get(group).map_or(0, |it| it.num_rows() as usize);
        within(rows, start..start + rows_of_it)
    }

    /// The newest rows of a row group that are wanted, as many as are needed; rows of a row group come in no order.
    fn matches(
        &self,
        part: usize,
        group: usize,
        wanted: &Wanted,
        rows: Option<&[Range<usize>]>,
    ) -> Result<Vec<(Place, usize)>, Failure> {
        guarded(part, || {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
                self.reader.clone(),
                self.footer.clone(),
            );
            let mut names = vec![schema::EVENT_TIME, schema::SEQ, schema::CATEGORY];
            if let Some((key, value)) = &wanted.filter {
                let (name, bloomed) = schema::column_of(*key);
                names.push(name);
                if *key == LookupKey::EventId && id_of(value).is_none() {
                    return Ok(Vec::new());
                }
                let columns = builder.parquet_schema();
                let bloomed = bloomed.filter(|_| rows.is_none());
                if let Some(column) = bloomed.and_then(|path| leaf(columns, path)) {
                    let bloom = builder
                        .get_row_group_column_bloom_filter(group, column)
                        .map_err(text)?;
                    if bloom.is_some_and(|bloom| !bloom.check(value.as_str())) {
                        return Ok(Vec::new());
                    }
                }
            }
            let roots = self.footer.schema().fields().iter().enumerate();
            let roots = roots
                .filter(|(_, field)| names.contains(&field.name().as_str()))
                .map(|(index, _)| index);
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
            let total = self.footer.metadata().row_group(group).num_rows() as usize;
            let everything = 0..total;
            let ranges = rows.unwrap_or(std::slice::from_ref(&everything));
            let mut numbers = ranges.iter().cloned().flatten();
            let mut builder = builder
                .with_row_groups(vec![group])
                .with_batch_size(KEY_ROWS)
                .with_projection(mask);
            if rows.is_some() {
                let selected = ranges.iter().cloned();
                builder = builder
                    .with_row_selection(RowSelection::from_consecutive_ranges(selected, total));
            }
            let category = wanted.category.event_category().as_str();
            let mut matches = BinaryHeap::new();
            for batch in builder.build().map_err(text)? {
                let batch = batch.map_err(text)?;
                let keys = schema::Keys::of(&batch, wanted.filter.as_ref())?;
                for row in 0..batch.num_rows() {
                    let number = numbers.next().ok_or("it has more rows than it says")?;
                    let place = keys.place(row);
                    if !wanted.admits(place) {
                        continue;
                    }
                    if matches.len() < wanted.needed() {
                        if keys.matches(row, category) {
                            matches.push((place.newest_first(), number));
                        }
                    } else if let Some(mut oldest) = matches.peek_mut()
                        && place > oldest.0.0
                        && keys.matches(row, category)
                    {
                        *oldest = (place.newest_first(), number);
                    }
                }
            }
            let matches = matches.into_iter();
            Ok(matches.map(|(place, number)| (place.0, number)).collect())
        })
    }
}

/// Rows that are wanted: by file and row group, each with its place in the answer.
pub(crate) type WantedRows = BTreeMap<(usize, usize), Vec<(usize, usize)>>;

/// Rows of one row group, ascending.
struct Chosen {
    opened: Opened,
    part: usize,
    group: usize,
    numbers: Vec<usize>,
}

impl Chosen {
    /// The rows, divided by what reads their records at a time.
    fn pieces(&self, pages: Option<&RecordPages<'_>>) -> Vec<&[usize]> {
        match pages {
            Some(pages) => pages.divided(&self.numbers),
            None => self.numbers.chunks(FETCH_ROWS).collect(),
        }
    }

    /// The records of one of the pieces.
    fn records(
        &self,
        pages: Option<&RecordPages<'_>>,
        numbers: &[usize],
    ) -> Result<Vec<Bytes>, Failure> {
        let read = || pages.map_or(Ok(None), |pages| pages.read(numbers));
        let records = guarded(self.part, read)?;
        if let Some(records) = records {
            return Ok(records);
        }
        let batch = self.read(numbers, |name| name == schema::EVENT)?;
        guarded(self.part, || schema::records(&batch))
    }

    /// The columns of some of the rows whose names are wanted.
    fn read(
        &self,
        numbers: &[usize],
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<RecordBatch, Failure> {
        guarded(self.part, || {
            let footer = &self.opened.footer;
            let total = footer.metadata().row_group(self.group).num_rows() as usize;
            let ranges = numbers.iter().map(|number| *number..*number + 1);
            let fields = footer.schema().fields().iter().enumerate();
            let roots = fields.filter(|(_, field)| is_wanted(field.name()));
            let mask = ProjectionMask::roots(
                footer.metadata().file_metadata().schema_descr(),
                roots.map(|(index, _)| index),
            );
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(
                self.opened.reader.clone(),
                footer.clone(),
            )
            .with_row_groups(vec![self.group])
            .with_projection(mask)
            .with_row_selection(RowSelection::from_consecutive_ranges(ranges, total))
            .with_batch_size(numbers.len())
            .build()
            .map_err(text)?;
            let schema = reader.schema();
            let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().map_err(text)?;
            let batch = concat_batches(&schema, &batches).map_err(text)?;
            if batch.num_rows() == numbers.len() {
                Ok(batch)
            } else {
                Err("rows are missing".into())
            }
        })
    }
}

/// Makes something of columns and records.
type Made<'a, T> = dyn Fn(&RecordBatch, Vec<Bytes>) -> Result<Vec<T>, Damage> + 'a;

/// What is made of rows.
pub(crate) struct Reading<'a, T> {
    /// Its columns, but for the record.
    pub(crate) is_wanted: fn(&str) -> bool,
    /// Makes them, of those columns and the records.
    pub(crate) made: &'a Made<'a, T>,
}

/// Reads rows, each with its place in the answer; each row group is read once, a bounded number of them open.
pub(crate) fn read_rows<T>(
    wanted: WantedRows,
    mut open: impl FnMut(usize) -> Result<Opened, Failure>,
    reading: &Reading<'_, T>,
) -> Result<Vec<(usize, T)>, Failure> {
    let mut wanted: Vec<_> = wanted.into_iter().collect();
    let mut rows = Vec::new();
    for groups in wanted.chunks_mut(OPEN_FILES_MAX) {
        let (mut chosen, mut places) = (Vec::with_capacity(groups.len()), Vec::new());
        for ((part, group), numbers) in groups {
            numbers.sort_unstable();
            places.extend(numbers.iter().map(|(_, place)| *place));
            chosen.push(Chosen {
                opened: open(*part)?,
                part: *part,
                group: *group,
                numbers: numbers.iter().map(|(row, _)| *row).collect(),
            });
        }
        rows.extend(places.into_iter().zip(read_chosen(&chosen, reading)?));
    }
    Ok(rows)
}

/// On all processors: of each row group all columns at once, for each of them has a dictionary to be read first, and the
/// records of one page at a time.
fn read_chosen<T>(chosen: &[Chosen], reading: &Reading<'_, T>) -> Result<Vec<T>, Failure> {
    enum Job<'a> {
        Keys(&'a Chosen),
        Records(&'a Chosen, Option<&'a RecordPages<'a>>, &'a [usize]),
    }
    enum Read {
        Keys(RecordBatch),
        Records(Vec<Bytes>),
    }
    let pages = chosen
        .iter()
        .map(|it| RecordPages::of(&it.opened, it.group));
    let pages: Vec<Option<RecordPages<'_>>> = pages.collect();
    let mut jobs = Vec::new();
    for (it, pages) in chosen.iter().zip(&pages) {
        let pages = pages.as_ref();
        jobs.push(Job::Keys(it));
        let pieces = it.pieces(pages).into_iter();
        jobs.extend(pieces.map(|rows| Job::Records(it, pages, rows)));
    }
    let is_wanted = reading.is_wanted;
    let read = on_standing_threads(&jobs, |job| match job {
        Job::Keys(it) => it.read(&it.numbers, is_wanted).map(Read::Keys),
        Job::Records(it, pages, rows) => it.records(*pages, rows).map(Read::Records),
    })?;
    let mut read = read.into_iter().peekable();
    let mut rows = Vec::new();
    for it in chosen {
        let Some(Read::Keys(keys)) = read.next() else {
            break;
        };
        let mut records = Vec::with_capacity(it.numbers.len());
        while let Some(Read::Records(more)) = read.next_if(|next| matches!(next, Read::Records(_)))
        {
            records.extend(more);
        }
        let damaged = |damage| Failure::Damaged(it.part, damage);
        rows.extend((reading.made)(&keys, records).map_err(damaged)?);
    }
    Ok(rows)
}

/// Those of a few rows that are wanted, with all that is told of them: each row group is read once instead of first for its keys.
fn read_few(
    wanted: &Wanted,
    few: WantedRows,
    open: &mut Open<'_>,
) -> Result<Vec<(Place, Candidate)>, Failure> {
    let category = wanted.category.event_category().as_str();
    let made = |batch: &RecordBatch, records: Vec<Bytes>| {
        let keys = schema::Keys::of(batch, wanted.filter.as_ref())?;
        let events = (0..).zip(schema::told(batch, records)?);
        let wanted = events.map(|(row, event)| {
            let place = keys.place(row);
            let is_wanted = wanted.admits(place) && keys.matches(row, category);
            is_wanted.then(|| (place, Candidate::Read(Box::new(event))))
        });
        Ok(wanted.collect())
    };
    let reading = Reading {
        is_wanted: |name| {
            schema::TOLD.contains(&name) || [schema::SEQ, schema::CATEGORY].contains(&name)
        },
        made: &made,
    };
    let rows = read_rows(few, |part| open.file(part).cloned(), &reading)?;
    Ok(rows.into_iter().filter_map(|(_, wanted)| wanted).collect())
}

/// Replaces candidates by their events.
fn fetch(found: Vec<(Place, Candidate)>, open: &mut Open<'_>) -> Result<Vec<LookupEvent>, Failure> {
    const TOLD: Reading<'_, LookupEvent> = Reading {
        is_wanted: |name| schema::TOLD.contains(&name),
        made: &schema::told,
    };
    let mut wanted = WantedRows::new();
    let mut rows: Vec<Option<LookupEvent>> = Vec::new();
    for (index, (_, candidate)) in found.into_iter().enumerate() {
        match candidate {
            Candidate::Tail(row) => rows.push(Some((&row.event).into())),
            Candidate::Read(event) => rows.push(Some(*event)),
            Candidate::Stored { part, group, row } => {
                rows.push(None);
                wanted.entry((part, group)).or_default().push((row, index));
            }
        }
    }
    for (index, row) in read_rows(wanted, |part| open.file(part).cloned(), &TOLD)? {
        rows[index] = Some(row);
    }
    Ok(rows.into_iter().flatten().collect())
}

/// Runs a reading step; a panic of the decoder on damaged bytes is damage too.
pub(crate) fn guarded<T>(
    part: usize,
    step: impl FnOnce() -> Result<T, Damage>,
) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result.map_err(|damage| Failure::Damaged(part, damage)),
        Err(_) => Err(Failure::Damaged(part, "the decoder gave up on it".into())),
    }
}

pub(crate) fn text(error: impl std::fmt::Display) -> Damage {
    error.to_string()
}

pub(crate) fn leaf(columns: &SchemaDescriptor, path: &[&str]) -> Option<usize> {
    columns
        .columns()
        .iter()
        .position(|column| column.path().parts().iter().eq(path.iter()))
}

/// Oldest and newest event time of a row group; everything, when statistics are missing.
pub(crate) fn seconds(
    group: &RowGroupMetaData,
    column: usize,
    columns: &SchemaDescriptor,
) -> (i64, i64) {
    let per_second = match columns.column(column).logical_type_ref() {
        Some(LogicalType::Timestamp(time)) if time.unit == TimeUnit::MILLIS => 1_000,
        _ => 1_000_000,
    };
    match group.column(column).statistics() {
        Some(Statistics::Int64(times)) => match (times.min_opt(), times.max_opt()) {
            (Some(oldest), Some(newest)) => {
                (oldest.div_euclid(per_second), newest.div_euclid(per_second))
            }
            _ => (i64::MIN, i64::MAX),
        },
        _ => (i64::MIN, i64::MAX),
    }
}

/// Ranges in order, none touching another.
pub(crate) fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// What lies in ranges of both lists; both are in order.
pub(crate) fn in_both(mut a: &[Range<usize>], mut b: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut both = Vec::new();
    while let (Some(first), Some(second)) = (a.first(), b.first()) {
        let common = first.start.max(second.start)..first.end.min(second.end);
        if !common.is_empty() {
            both.push(common);
        }
        if first.end <= second.end {
            a = &a[1..];
        } else {
            b = &b[1..];
        }
    }
    both
}

/// The parts of some ranges that lie in another one, counted from its start.
fn within(ranges: &[Range<usize>], outer: Range<usize>) -> Vec<Range<usize>> {
    let first = ranges.partition_point(|range| range.end <= outer.start);
    ranges[first..]
        .iter()
        .take_while(|range| range.start < outer.end)
        .map(|range| {
            range.start.max(outer.start) - outer.start..range.end.min(outer.end) - outer.start
        })
        .collect()
}

fn holds_category(group: &RowGroupMetaData, column: usize, category: &str) -> bool {
    match group.column(column).statistics() {
        Some(Statistics::ByteArray(names)) => match (names.min_opt(), names.max_opt()) {
            (Some(least), Some(most)) => {
                (least.data()..=most.data()).contains(&category.as_bytes())
            }
            _ => true,
        },
        _ => true,
    }
}

impl Footers {
    fn get(&mut self, path: &str) -> Option<ArrowReaderMetadata> {
        self.uses += 1;
        let (footer, _, used) = self.by_path.get_mut(path)?;
        *used = self.uses;
        Some(footer.clone())
    }

    fn put(&mut self, path: &str, footer: &ArrowReaderMetadata) {
        let bytes = footer.metadata().memory_size();
        if bytes > FOOTER_BYTES_MAX / 4 {
            return;
        }
        self.remove(path);
        while self.bytes + bytes > FOOTER_BYTES_MAX {
            let oldest = self
                .by_path
                .iter()
                .min_by_key(|(_, (_, _, used))| *used)
                .map(|(path, _)| path.clone());
            let Some(oldest) = oldest else { break };
            self.remove(&oldest);
        }
        self.uses += 1;
        self.bytes += bytes;
        self.by_path
            .insert(path.to_owned(), (footer.clone(), bytes, self.uses));
    }

    fn remove(&mut self, path: &str) {
        if let Some((_, bytes, _)) = self.by_path.remove(path) {
            self.bytes -= bytes;
        }
    }
}

/// Reads at offsets, so that many readers share one open file.
#[derive(Clone)]
pub(crate) struct PartReader(Arc<File>, u64);

impl Length for PartReader {
    fn len(&self) -> u64 {
        self.1
    }
}

impl ChunkReader for PartReader {
    type T = PartCursor;

    fn get_read(&self, start: u64) -> parquet::errors::Result<PartCursor> {
        Ok(PartCursor {
            file: self.0.clone(),
            at: start,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start
            .checked_add(length as u64)
            .is_none_or(|end| end > self.1)
        {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start} lie outside the file"
            )));
        }
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

pub(crate) struct PartCursor {
    file: Arc<File>,
    at: u64,
}

impl Read for PartCursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

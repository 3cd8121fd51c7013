//! Which rows of a row group an answer can have: skipped by statistics and bloom filter, chosen by cheap columns, and only
//! then by their records.

use std::{
    cell::Cell,
    collections::BTreeSet,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use arrow_array::{Int64Array, RecordBatch, StringArray};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
            RowSelection,
        },
    },
    file::{metadata::RowGroupMetaData, statistics::Statistics},
};

use super::{
    Origin, Rank,
    field::{Column, ColumnValues, Field, Kind, hint},
    filter::{Condition, Operator, RecordCondition},
    pages, path,
    scan::Asked,
};
use crate::{
    LookupKey, TableError,
    log::Part,
    scan::{self, Failure, Files, Opened, guarded, leaf, seconds, text},
    schema::{self, Damage},
};

/// Rows whose cheap columns are looked at in one go.
pub(super) const COLUMN_ROWS: usize = 8192;
/// Records in memory at a time, for each thread: at most 256 KiB each, about 1 KiB as a rule.
const RECORD_ROWS: usize = 512;

/// What lies between these in a row group, both inclusive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) oldest: i64,
    pub(super) newest: i64,
    pub(super) least_seq: u64,
    pub(super) greatest_seq: u64,
}

impl Bounds {
    /// Ranks of the first and the last event that can be within.
    pub(super) fn ranks(&self, asked: &Asked, origin: Origin) -> (Rank, Rank) {
        let corner = |seconds, seq| asked.order.rank(seconds, origin, seq);
        let (a, b) = (
            corner(self.oldest, self.least_seq),
            corner(self.newest, self.greatest_seq),
        );
        (a.min(b), a.max(b))
    }
}

/// When to give up looking at a row group, and whether that has happened.
pub(crate) struct Patience<'a> {
    stop: &'a AtomicBool,
    deadline: Option<Instant>,
    is_over: Cell<bool>,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(stop: &'a AtomicBool, deadline: Option<Instant>) -> Self {
        Self {
            stop,
            deadline,
            is_over: Cell::new(false),
        }
    }

    /// Asked between two batches of rows. Once it is over it stays so.
    pub(super) fn is_over(&self) -> bool {
        let is_late = |deadline| Instant::now() >= deadline;
        if self.stop.load(Ordering::Relaxed) || self.deadline.is_some_and(is_late) {
            self.is_over.set(true);
        }
        self.is_over.get()
    }

    /// What was found, unless it was given up half-way.
    pub(super) fn whole<T>(&self, found: T) -> Result<T, Failure> {
        match self.is_over.get() {
            true => Err(Failure::System(TableError::Stopped)),
            false => Ok(found),
        }
    }
}

/// A row group of a file.
pub(super) struct Group<'a> {
    pub(super) asked: &'a Asked,
    pub(super) origin: Origin,
    /// The oldest event time that is shown.
    pub(super) reach: i64,
    pub(super) opened: &'a Opened,
    /// Which file, for reports.
    pub(super) part: usize,
    pub(super) group: usize,
    pub(super) patience: &'a Patience<'a>,
    /// The rows that the file's index says may match, if it can tell.
    pub(super) rows: Option<Vec<Range<usize>>>,
}

/// The rows of a file that its index says may match; `None` when it cannot tell.
pub(super) fn candidates(
    asked: &Asked,
    files: &Files,
    part: &Part,
) -> Result<Option<Vec<Range<usize>>>, Failure> {
    let mut left: Option<Vec<Range<usize>>> = None;
    for condition in &asked.columns {
        let Kind::Column(Column::Key(key)) = &condition.field.0 else {
            continue;
        };
        if condition.is_negated || condition.operator != Operator::Equals {
            continue;
        }
        let mut rows = Vec::new();
        for value in &condition.values {
            match files.candidates(part, *key, value)? {
                Some(found) => rows.extend(found),
                None => return Ok(None),
            }
        }
        let rows = scan::merged(rows);
        left = Some(match left {
            None => rows,
            Some(left) => scan::in_both(&left, &rows),
        });
    }
    Ok(left)
}

/// The row groups of a file that can have something, with what lies in each.
pub(super) fn groups(
    asked: &Asked,
    reach: i64,
    opened: &Opened,
    part: usize,
    rows: Option<&[Range<usize>]>,
) -> Result<Vec<(usize, Bounds)>, Failure> {
    if rows.is_some_and(<[_]>::is_empty) {
        return Ok(Vec::new());
    }
    guarded(part, || {
        let metadata = opened.footer.metadata();
        let columns = metadata.file_metadata().schema_descr();
        let time = leaf(columns, &[schema::EVENT_TIME]).ok_or("it has no event times")?;
        let seq = leaf(columns, &[schema::SEQ]).ok_or("it has no positions")?;
        let mut groups = Vec::new();
        for (index, group) in metadata.row_groups().iter().enumerate() {
            if rows.is_some_and(|rows| opened.within(rows, index).is_empty()) {
                continue;
            }
            let (oldest, newest) = seconds(group, time, columns);
            let (least, greatest) = integers(group, seq);
            let bounds = Bounds {
                oldest,
                newest,
                least_seq: u64::try_from(least).unwrap_or(0),
                greatest_seq: u64::try_from(greatest).unwrap_or(u64::MAX),
            };
            let is_within = bounds.newest >= asked.from.max(reach) && bounds.oldest <= asked.to;
            let may_hold = |condition: &Condition| {
                let Kind::Column(column) = &condition.field.0 else {
                    return true;
                };
                leaf(columns, &[column.name()]).is_none_or(|leaf| {
                    *column == Column::Key(LookupKey::ReadOnly) || may_hold(group, leaf, condition)
                })
            };
            let records = asked.records.iter();
            let hinted =
                records.filter_map(|it| Some((leaf(columns, &[it.hint?])?, &it.condition)));
            let category = leaf(columns, &[schema::CATEGORY]);
            let holds_category = category.is_none_or(|leaf| {
                asked
                    .categories
                    .iter()
                    .any(|category| may_equal(group, leaf, category.as_str()))
            });
            if is_within && holds_category && asked.columns.iter().all(may_hold) && { hinted }
                .all(|(leaf, condition)| self::may_hold(group, leaf, condition))
            {
                groups.push((index, bounds));
            }
        }
        Ok(groups)
    })
}

/// Least and greatest number of a column; everything, when statistics are missing.
fn integers(group: &RowGroupMetaData, column: usize) -> (i64, i64) {
    match group.column(column).statistics() {
        Some(Statistics::Int64(numbers)) => (
            numbers.min_opt().copied().unwrap_or(i64::MIN),
            numbers.max_opt().copied().unwrap_or(i64::MAX),
        ),
        _ => (i64::MIN, i64::MAX),
    }
}

/// Whether a condition can hold in a row group, by the statistics of its column.
fn may_hold(group: &RowGroupMetaData, leaf: usize, condition: &Condition) -> bool {
    if condition.is_negated {
        return true;
    }
    let Some(statistics) = group.column(leaf).statistics() else {
        return true;
    };
    if statistics.null_count_opt() == u64::try_from(group.num_rows()).ok() {
        return false;
    }
    condition.operator != Operator::Equals
        || condition
            .values
            .iter()
            .any(|value| may_equal(group, leaf, value))
}

fn may_equal(group: &RowGroupMetaData, leaf: usize, value: &str) -> bool {
    match group.column(leaf).statistics() {
        // Bounds may be cut short, which leaves them bounds.
        Some(Statistics::ByteArray(texts)) => match (texts.min_opt(), texts.max_opt()) {
            (Some(least), Some(most)) => (least.data()..=most.data()).contains(&value.as_bytes()),
            _ => true,
        },
        _ => true,
    }
}

impl Group<'_> {
    /// The rows that match, with their ranks, in the order of rows. With `limit`, the first so many by rank suffice.
    pub(super) fn matches(&self, limit: Option<usize>) -> Result<Vec<(Rank, usize)>, Failure> {
        let rows = guarded(self.part, || {
            if self.rows.is_none() && !self.may_match()? {
                return Ok(Vec::new());
            }
            let (hinted, conditions): (Vec<_>, Vec<_>) =
                self.asked.records.iter().partition(|condition| {
                    condition.hint.is_some_and(|name| self.has_column(name))
                });
            let mut rows = self.by_columns(&hinted)?;
            let is_in_order = rows.is_sorted();
            if self.asked.text.is_some() || !conditions.is_empty() {
                let limit = limit.filter(|_| is_in_order);
                self.retain_by_records(&mut rows, &conditions, limit)?;
            }
            if let Some(limit) = limit
                && is_in_order
            {
                rows.truncate(limit);
            }
            Ok(rows)
        })?;
        self.patience.whole(rows)
    }

    /// How many rows there are, if statistics alone tell that all of them match.
    pub(super) fn rows_that_all_match(&self) -> Option<u64> {
        let asked = self.asked;
        if !asked.columns.is_empty() || asked.asks_records() {
            return None;
        }
        (self.is_within() && self.is_of_asked_category())
            .then(|| u64::try_from(self.rows_in_all()).unwrap_or(0))
    }

    /// Whether statistics tell that all rows lie in the time range.
    pub(super) fn is_within(&self) -> bool {
        let metadata = self.opened.footer.metadata();
        let columns = metadata.file_metadata().schema_descr();
        let group = metadata.row_group(self.group);
        let Some(time) = leaf(columns, &[schema::EVENT_TIME]) else {
            return false;
        };
        let (oldest, newest) = seconds(group, time, columns);
        oldest >= self.asked.from.max(self.reach) && newest <= self.asked.to
    }

    /// Whether statistics tell that all rows are of one category, which is asked for.
    pub(super) fn is_of_asked_category(&self) -> bool {
        let metadata = self.opened.footer.metadata();
        let columns = metadata.file_metadata().schema_descr();
        let category = leaf(columns, &[schema::CATEGORY]);
        let statistics =
            category.and_then(|leaf| metadata.row_group(self.group).column(leaf).statistics());
        let Some(Statistics::ByteArray(names)) = statistics else {
            return false;
        };
        let (Some(least), Some(most)) = (names.min_opt(), names.max_opt()) else {
            return false;
        };
        let mut asked = self.asked.categories.iter();
        least.data() == most.data() && asked.any(|it| it.as_str().as_bytes() == least.data())
    }

    pub(super) fn rows_in_all(&self) -> usize {
        let group = self.opened.footer.metadata().row_group(self.group);
        usize::try_from(group.num_rows()).unwrap_or(0)
    }

    /// The values of a field in these rows: `each` gets the row's index in `rows`.
    pub(super) fn values(
        &self,
        rows: &[usize],
        field: &Field,
        mut each: impl FnMut(usize, &str),
    ) -> Result<(), Failure> {
        guarded(self.part, || match &field.0 {
            Kind::Column(column) => {
                self.each_batch(&[column.name()], Some(rows), COLUMN_ROWS, |first, batch| {
                    let values = column.of(batch)?;
                    for row in 0..batch.num_rows() {
                        values.values(row, &mut |value| each(first + row, value));
                    }
                    Ok(())
                })
            }
            Kind::Path(names) => {
                if let Some(column) = hint(names).filter(|column| self.has_column(column)) {
                    return self.column_values(rows, column, each);
                }
                self.each_batch(&[schema::EVENT], Some(rows), RECORD_ROWS, |first, batch| {
                    let records: &StringArray = schema::column(batch, schema::EVENT)?;
                    for row in 0..batch.num_rows() {
                        let json = records.value(row).as_bytes();
                        path::values(json, names, &mut |value| each(first + row, value));
                    }
                    Ok(())
                })
            }
        })?;
        self.patience.whole(())
    }

    /// The values of a column of texts.
    fn column_values(
        &self,
        rows: &[usize],
        column: &str,
        mut each: impl FnMut(usize, &str),
    ) -> Result<(), Damage> {
        self.each_batch(&[column], Some(rows), COLUMN_ROWS, |first, batch| {
            let texts = ColumnValues::Texts(schema::column(batch, column)?);
            for row in 0..batch.num_rows() {
                texts.values(row, &mut |value| each(first + row, value));
            }
            Ok(())
        })
    }

    pub(super) fn has_column(&self, name: &str) -> bool {
        self.opened.footer.schema().column_with_name(name).is_some()
    }

    /// Asks the bloom filters.
    pub(super) fn may_match(&self) -> Result<bool, Damage> {
        for condition in &self.asked.columns {
            let Kind::Column(column) = &condition.field.0 else {
                continue;
            };
            if condition.is_negated || condition.operator != Operator::Equals {
                continue;
            }
            let builder = self.builder();
            let leaf = column
                .bloomed()
                .and_then(|path| leaf(builder.parquet_schema(), path));
            let Some(leaf) = leaf else { continue };
            let bloom = builder
                .get_row_group_column_bloom_filter(self.group, leaf)
                .map_err(text)?;
            if bloom.is_some_and(|bloom| {
                !condition
                    .values
                    .iter()
                    .any(|value| bloom.check(value.as_str()))
            }) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn by_columns(&self, hinted: &[&RecordCondition]) -> Result<Vec<(Rank, usize)>, Damage> {
        let asked = self.asked;
        let conditions = asked
            .columns
            .iter()
            .filter_map(|condition| match &condition.field.0 {
                Kind::Column(column) => Some((condition, *column)),
                Kind::Path(_) => None,
            });
        let mut names = vec![schema::EVENT_TIME, schema::SEQ, schema::CATEGORY];
        names.extend(conditions.clone().map(|(_, column)| column.name()));
        names.extend(hinted.iter().filter_map(|condition| condition.hint));
        let candidates: Option<Vec<usize>> = self
            .rows
            .as_ref()
            .map(|ranges| ranges.iter().cloned().flatten().collect());
        let candidates = candidates.as_deref();
        let number = |index: usize| match candidates {
            None => Some(index),
            Some(candidates) => candidates.get(index).copied(),
        };
        let mut rows = Vec::new();
        self.each_batch(&names, candidates, COLUMN_ROWS, |first, batch| {
            let times = schema::Times::of(batch)?;
            let seqs: &Int64Array = schema::column(batch, schema::SEQ)?;
            let categories: &StringArray = schema::column(batch, schema::CATEGORY)?;
            let columns = conditions
                .clone()
                .map(|(condition, column)| Ok((condition, column.of(batch)?)));
            let hinted = hinted.iter().filter_map(|hinted| {
                let texts = schema::column(batch, hinted.hint?).map(ColumnValues::Texts);
                Some(texts.map(|texts| (&hinted.condition, texts)))
            });
            let columns = columns.chain(hinted).collect::<Result<Vec<_>, Damage>>()?;
            for row in 0..batch.num_rows() {
                let rank = asked.admits(
                    times.seconds(row),
                    self.reach,
                    self.origin,
                    seqs.value(row) as u64,
                );
                let Some(rank) = rank else { continue };
                let category = categories.value(row);
                if asked.categories.iter().any(|it| it.as_str() == category)
                    && columns
                        .iter()
                        .all(|(condition, values)| condition.holds(|each| values.values(row, each)))
                {
                    let number = number(first + row).ok_or("it has more rows than it says")?;
                    rows.push((rank, number));
                }
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// Leaves the rows whose records match too; with `limit`, no more than so many.
    fn retain_by_records(
        &self,
        rows: &mut Vec<(Rank, usize)>,
        conditions: &[&RecordCondition],
        limit: Option<usize>,
    ) -> Result<(), Damage> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut numbers: Vec<usize> = rows.iter().map(|(_, row)| *row).collect();
        let mut wanted = self.asked.text.as_ref();
        if let Some(text) = wanted {
            let limit = limit.filter(|_| conditions.is_empty());
            let found = pages::rows_with(
                self.opened,
                self.group,
                &numbers,
                (text, limit),
                self.patience,
            )?;
            if let Some(found) = found {
                *rows = found.into_iter().map(|index| rows[index]).collect();
                if rows.is_empty() || conditions.is_empty() {
                    return Ok(());
                }
                numbers = rows.iter().map(|(_, row)| *row).collect();
                wanted = None;
            }
        } else if let Some(condition) = conditions.iter().find(|it| it.has_needles()) {
            let found = pages::rows_with(
                self.opened,
                self.group,
                &numbers,
                (*condition, None),
                self.patience,
            )?;
            if let Some(found) = found {
                *rows = found.into_iter().map(|index| rows[index]).collect();
                numbers = rows.iter().map(|(_, row)| *row).collect();
            }
            if rows.is_empty() {
                return Ok(());
            }
        }
        let (mut kept, mut first) = (Vec::new(), 0);
        for batch in self.read(&[schema::EVENT], Some(&numbers), RECORD_ROWS)? {
            if self.patience.is_over() {
                break;
            }
            let batch = batch.map_err(text)?;
            let records: &StringArray = schema::column(&batch, schema::EVENT)?;
            self.asked.records_in(records, wanted, conditions, |row| {
                kept.push(rows[first + row])
            });
            first += batch.num_rows();
            if limit.is_some_and(|limit| kept.len() >= limit) {
                break;
            }
        }
        *rows = kept;
        Ok(())
    }

    fn builder(&self) -> ParquetRecordBatchReaderBuilder<crate::scan::PartReader> {
        ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.opened.reader.clone(),
            self.opened.footer.clone(),
        )
    }

    /// Columns of all rows, or of some, batch after batch, with the number of rows before each; until time is over.
    fn each_batch(
        &self,
        names: &[&str],
        rows: Option<&[usize]>,
        batch_rows: usize,
        mut each: impl FnMut(usize, &RecordBatch) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let mut first = 0;
        for batch in self.read(names, rows, batch_rows)? {
            if self.patience.is_over() {
                break;
            }
            let batch = batch.map_err(text)?;
            each(first, &batch)?;
            first += batch.num_rows();
        }
        Ok(())
    }

    /// Columns of all rows, or of some.
    fn read(
        &self,
        names: &[&str],
        rows: Option<&[usize]>,
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader, Damage> {
        let selection = rows.map(|rows| {
            let ranges = rows.iter().map(|row| *row..*row + 1);
            RowSelection::from_consecutive_ranges(ranges, self.rows_in_all())
        });
        self.read_with(self.opened.footer.clone(), names, selection, batch_rows)
    }

    /// Columns as a footer describes them, of all rows, or of some.
    pub(super) fn read_with(
        &self,
        footer: ArrowReaderMetadata,
        names: &[&str],
        selection: Option<RowSelection>,
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader, Damage> {
        let wanted: BTreeSet<&str> = names.iter().copied().collect();
        let roots = footer.schema().fields().iter().enumerate();
        let roots = roots
            .filter(|(_, field)| wanted.contains(field.name().as_str()))
            .map(|(index, _)| index);
        let columns = footer.metadata().file_metadata().schema_descr();
        let mask = ProjectionMask::roots(columns, roots);
        let reader = self.opened.reader.clone();
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(reader, footer)
            .with_row_groups(vec![self.group])
            .with_projection(mask)
            .with_batch_size(batch_rows);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        builder.build().map_err(text)
    }
}

//! Counts the rows of a row group by its columns alone. Texts stay what they are in the file, places in a dictionary: each
//! different value is compared once, and made a text once.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, types::Int32Type,
};
use arrow_schema::{DataType, FieldRef, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};

use super::{
    field::{Column, ColumnValues, Field, Kind, hint},
    filter::Condition,
    groups::{COLUMN_ROWS, Group},
};
use crate::{
    scan::{Failure, guarded, leaf, text},
    schema::{self, Damage},
};

/// What columns alone tell of the rows that match.
#[derive(Debug, Default)]
pub(super) struct ColumnCounts {
    pub(super) total: u64,
    /// Events without a value.
    pub(super) missing: u64,
    pub(super) values: HashMap<String, u64>,
    /// Beginnings of intervals, and events in them; one may stand there more than once.
    pub(super) histogram: Vec<(i64, u64)>,
}

impl ColumnCounts {
    fn add(&mut self, value: &str, count: u64) {
        match self.values.get_mut(value) {
            Some(known) => *known += count,
            None => {
                self.values.insert(value.to_owned(), count);
            }
        }
    }
}

/// A column that is read.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Typed(Column),
    /// One that newer files have for a path.
    Hinted(&'static str),
}

impl Wanted {
    fn name(self) -> &'static str {
        match self {
            Self::Typed(column) => column.name(),
            Self::Hinted(name) => name,
        }
    }

    fn of(self, batch: &RecordBatch) -> Result<Values<'_>, Damage> {
        let column = batch.column_by_name(self.name());
        if let Some(keyed) = column.and_then(dictionary) {
            let texts = keyed.values().as_any().downcast_ref();
            return Ok(Values::Keyed {
                keys: keyed.keys(),
                dictionary: keyed.values(),
                texts: texts.ok_or_else(|| format!("column {} has no texts", self.name()))?,
            });
        }
        Ok(Values::Plain(match self {
            Self::Typed(column) => column.of(batch)?,
            Self::Hinted(name) => ColumnValues::Texts(schema::column(batch, name)?),
        }))
    }
}

fn dictionary(column: &ArrayRef) -> Option<&DictionaryArray<Int32Type>> {
    column.as_any().downcast_ref()
}

/// A column's values in a batch.
enum Values<'a> {
    Keyed {
        keys: &'a Int32Array,
        dictionary: &'a ArrayRef,
        texts: &'a StringArray,
    },
    Plain(ColumnValues<'a>),
}

/// A condition, with what it says of each value of the dictionary that was seen last.
struct Test<'a> {
    condition: &'a Condition,
    wanted: Wanted,
    of: Option<ArrayRef>,
    verdicts: Vec<bool>,
}

impl<'a> Test<'a> {
    fn new(condition: &'a Condition, wanted: Wanted) -> Self {
        Self {
            condition,
            wanted,
            of: None,
            verdicts: Vec::new(),
        }
    }

    /// Leaves the rows for which the condition holds.
    fn narrow(&mut self, batch: &RecordBatch, rows: &mut [bool]) -> Result<(), Damage> {
        let condition = self.condition;
        match self.wanted.of(batch)? {
            Values::Keyed {
                keys,
                dictionary,
                texts,
            } => {
                if !is_same(self.of.as_ref(), dictionary) {
                    let holds = |index| condition.holds(|each| each(texts.value(index)));
                    self.verdicts = (0..texts.len()).map(holds).collect();
                    self.of = Some(dictionary.clone());
                }
                let of_none = condition.holds(|_| {});
                for (row, is_left) in rows.iter_mut().enumerate() {
                    *is_left = *is_left
                        && match keys.is_valid(row) {
                            true => verdict(&self.verdicts, keys.value(row))?,
                            false => of_none,
                        };
                }
            }
            Values::Plain(values) => {
                for (row, is_left) in rows.iter_mut().enumerate() {
                    *is_left = *is_left && condition.holds(|each| values.values(row, each));
                }
            }
        }
        Ok(())
    }
}

/// Whether the dictionary is the one that was seen last: all batches of a row group share theirs.
fn is_same(seen: Option<&ArrayRef>, dictionary: &ArrayRef) -> bool {
    seen.is_some_and(|seen| Arc::ptr_eq(seen, dictionary))
}

fn verdict(verdicts: &[bool], key: i32) -> Result<bool, Damage> {
    let verdict = usize::try_from(key).ok().and_then(|key| verdicts.get(key));
    verdict.copied().ok_or_else(beyond)
}

fn beyond() -> Damage {
    "a key lies beyond its dictionary".into()
}

/// How often each value of a dictionary occurs.
#[derive(Default)]
struct ByKey {
    of: Option<ArrayRef>,
    counts: Vec<u64>,
}

impl ByKey {
    /// Makes texts of the values that were counted.
    fn spill(&mut self, counts: &mut ColumnCounts) {
        let texts = self.of.take();
        let texts = texts.as_ref().and_then(|of| of.as_any().downcast_ref());
        let Some(texts): Option<&StringArray> = texts else {
            return;
        };
        for (index, count) in self.counts.drain(..).enumerate() {
            if count > 0 {
                counts.add(texts.value(index), count);
            }
        }
    }
}

impl Group<'_> {
    /// Counts the rows that match: all, by the values of a field, in intervals of so many seconds. `None` if columns alone
    /// do not tell.
    pub(super) fn counts_by_columns(
        &self,
        by: Option<&Field>,
        interval: Option<u32>,
    ) -> Result<Option<ColumnCounts>, Failure> {
        let wanted = |field: &Field| match &field.0 {
            Kind::Column(column) => Some(Wanted::Typed(*column)),
            Kind::Path(names) => {
                let column = hint(names).filter(|name| self.has_column(name));
                column.map(Wanted::Hinted)
            }
        };
        let asked = self.asked;
        let records = asked.records.iter().map(|it| &it.condition);
        let tests = asked.columns.iter().chain(records);
        let tests = tests.map(|it| Some(Test::new(it, wanted(&it.field)?)));
        let tests: Option<Vec<Test<'_>>> = tests.collect();
        let by = match by {
            None => Some(None),
            Some(field) => wanted(field).map(Some),
        };
        let (None, Some(tests), Some(by)) = (&asked.text, tests, by) else {
            return Ok(None);
        };
        let counts = guarded(self.part, || {
            if self.rows.is_none() && !self.may_match()? {
                return Ok(ColumnCounts::default());
            }
            self.count_columns(tests, by, interval)
        })?;
        self.patience.whole(Some(counts))
    }

    fn count_columns(
        &self,
        mut tests: Vec<Test<'_>>,
        by: Option<Wanted>,
        interval: Option<u32>,
    ) -> Result<ColumnCounts, Damage> {
        let asked = self.asked;
        let (is_within, is_category) = (self.is_within(), self.is_of_asked_category());
        let mut names: Vec<&str> = tests.iter().map(|test| test.wanted.name()).collect();
        names.extend(by.map(Wanted::name));
        if !is_within || interval.is_some() {
            names.push(schema::EVENT_TIME);
        }
        if !is_category {
            names.push(schema::CATEGORY);
        }
        let selection = self.rows.as_ref().map(|ranges| {
            RowSelection::from_consecutive_ranges(ranges.iter().cloned(), self.rows_in_all())
        });
        let mut counts = ColumnCounts::default();
        let (mut by_key, mut left) = (ByKey::default(), Vec::new());
        let footer = self.with_dictionaries(&names)?;
        for batch in self.read_with(footer, &names, selection, COLUMN_ROWS)? {
            if self.patience.is_over() {
                break;
            }
            let batch = batch.map_err(text)?;
            left.clear();
            left.resize(batch.num_rows(), true);
            let times = match !is_within || interval.is_some() {
                true => Some(schema::Times::of(&batch)?),
                false => None,
            };
            if let (Some(times), false) = (&times, is_within) {
                let range = asked.from.max(self.reach)..=asked.to;
                for (row, is_left) in left.iter_mut().enumerate() {
                    *is_left = range.contains(&times.seconds(row));
                }
            }
            if !is_category {
                self.narrow_by_category(&batch, &mut left)?;
            }
            for test in &mut tests {
                test.narrow(&batch, &mut left)?;
            }
            counts.total += left.iter().filter(|is_left| **is_left).count() as u64;
            if let (Some(times), Some(interval)) = (&times, interval) {
                add_times(&mut counts, times, &left, interval);
            }
            if let Some(by) = by {
                add_values(&mut counts, &mut by_key, &by.of(&batch)?, &left)?;
            }
        }
        by_key.spill(&mut counts);
        Ok(counts)
    }

    fn narrow_by_category(&self, batch: &RecordBatch, rows: &mut [bool]) -> Result<(), Damage> {
        let is_asked = |name: &str| self.asked.categories.iter().any(|it| it.as_str() == name);
        let Values::Keyed { keys, texts, .. } = Wanted::Typed(Column::Category).of(batch)? else {
            let categories: &StringArray = schema::column(batch, schema::CATEGORY)?;
            for (row, is_left) in rows.iter_mut().enumerate() {
                *is_left = *is_left && is_asked(categories.value(row));
            }
            return Ok(());
        };
        let verdicts: Vec<bool> = (0..texts.len())
            .map(|it| is_asked(texts.value(it)))
            .collect();
        for (row, is_left) in rows.iter_mut().enumerate() {
            *is_left = *is_left && verdict(&verdicts, keys.value(row))?;
        }
        Ok(())
    }

    /// The file's footer, with those texts left in dictionaries that have one in this row group.
    fn with_dictionaries(&self, names: &[&str]) -> Result<ArrowReaderMetadata, Damage> {
        let metadata = self.opened.footer.metadata();
        let columns = metadata.file_metadata().schema_descr();
        let group = metadata.row_group(self.group);
        let has_dictionary = |name: &str| {
            leaf(columns, &[name])
                .is_some_and(|leaf| group.column(leaf).dictionary_page_offset().is_some())
        };
        let schema = self.opened.footer.schema();
        let fields = schema.fields().iter().map(|field| {
            let is_text = *field.data_type() == DataType::Utf8;
            if is_text && names.contains(&field.name().as_str()) && has_dictionary(field.name()) {
                let texts = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
                FieldRef::new(field.as_ref().clone().with_data_type(texts))
            } else {
                field.clone()
            }
        });
        let fields: Vec<FieldRef> = fields.collect();
        let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
        let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
        ArrowReaderMetadata::try_new(metadata.clone(), options).map_err(text)
    }
}

/// Adds rows to their intervals. Neighbours mostly lie in the same one.
fn add_times(counts: &mut ColumnCounts, times: &schema::Times<'_>, rows: &[bool], interval: u32) {
    let interval = i64::from(interval.max(1));
    for (row, _) in rows.iter().enumerate().filter(|(_, is_left)| **is_left) {
        let seconds = times.seconds(row);
        match counts.histogram.last_mut() {
            Some((begin, count)) if (*begin..*begin + interval).contains(&seconds) => *count += 1,
            _ => {
                let begin = seconds.div_euclid(interval) * interval;
                counts.histogram.push((begin, 1));
            }
        }
    }
}

/// Adds the values of rows.
fn add_values(
    counts: &mut ColumnCounts,
    by_key: &mut ByKey,
    values: &Values<'_>,
    rows: &[bool],
) -> Result<(), Damage> {
    let rows = rows.iter().enumerate().filter(|(_, is_left)| **is_left);
    let rows = rows.map(|(row, _)| row);
    match values {
        Values::Keyed {
            keys, dictionary, ..
        } => {
            if !is_same(by_key.of.as_ref(), dictionary) {
                by_key.spill(counts);
                by_key.of = Some((*dictionary).clone());
                by_key.counts = vec![0; dictionary.len()];
            }
            for row in rows {
                if keys.is_null(row) {
                    counts.missing += 1;
                    continue;
                }
                let key = usize::try_from(keys.value(row)).ok();
                let count = key.and_then(|key| by_key.counts.get_mut(key));
                *count.ok_or_else(beyond)? += 1;
            }
        }
        Values::Plain(values) => {
            let mut of_row: Vec<String> = Vec::new();
            for row in rows {
                of_row.clear();
                values.values(row, &mut |value| {
                    // An event counts once for each of its values.
                    if !of_row.iter().any(|seen| seen == value) {
                        of_row.push(value.to_owned());
                    }
                });
                counts.missing += u64::from(of_row.is_empty());
                for value in &of_row {
                    counts.add(value, 1);
                }
            }
        }
    }
    Ok(())
}

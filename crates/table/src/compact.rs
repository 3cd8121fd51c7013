//! Makes many small files of one month one, without holding them in memory: the files are sorted, so they are merged.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap},
    path::Path,
    sync::Arc,
};

use arrow_array::{RecordBatch, StringArray};
use arrow_select::interleave::interleave_record_batch;
use jiff::Timestamp;
use pugmark_core::account::{AccountId, Region};

use crate::{
    Settings, TableError,
    log::{Change, Month, Part, Snapshot},
    part::{self, Hook, Names, PartFile},
    query::Place,
    records::{Packing, RecordsPage},
    scan::{Batches, Files},
    schema,
    threads::in_parallel,
};

/// Events of a month may come so late, in seconds, before its files are made one.
const LATE_SECONDS: i64 = 60 * 60;
/// Files that are merged at a time: all are open, each with a page of records in memory.
const FILES_MAX: usize = 24;
/// Rows in memory, of all files together.
const ROWS_IN_MEMORY: usize = 16 * 1024;
/// Rows that are written at a time: a page of records, unless they are short.
const WRITE_ROWS: usize = 4096;
/// Files are alike when their row counts have the same power of this.
const LEVEL: u64 = 8;

/// Files of one account, Region and month that had better be one.
pub(crate) type Job = Vec<Arc<Part>>;

/// What there is to do, at most so many jobs; a file is in one of them at most.
pub(crate) fn jobs(
    snapshot: &Snapshot,
    settings: &Settings,
    now: Timestamp,
    files: &Files,
    jobs_max: usize,
) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (_, parts) in snapshot.by_place() {
        let mut months: BTreeMap<Month, Vec<&Arc<Part>>> = BTreeMap::new();
        for part in parts {
            let is_small = part.rows * 2 <= settings.file_rows_max;
            // Files of version 1 have other columns; they leave with their retention.
            if is_small && !part::is_old(&part.path) && !files.is_damaged(&part.path) {
                months.entry(part.month()).or_default().push(part);
            }
        }
        for (month, mut parts) in months {
            parts.sort_by_key(|part| part.rows);
            let is_over = month.end().saturating_add(LATE_SECONDS) < now.as_second();
            let chosen = if is_over && is_worth_it(&parts, settings) {
                parts
            } else {
                alike(&parts, settings.compact_files).unwrap_or_default()
            };
            if chosen.len() > 1 {
                jobs.push(chosen.into_iter().take(FILES_MAX).cloned().collect());
            }
            if jobs.len() == jobs_max {
                return jobs;
            }
        }
    }
    jobs
}

/// Whether a month that is over is worth being written again: not for a few late events beside a large file, nor to make one
/// large file of two.
fn is_worth_it(ascending: &[&Arc<Part>], settings: &Settings) -> bool {
    let Some((largest, smaller)) = ascending.split_last() else {
        return false;
    };
    let rows: u64 = smaller.iter().map(|part| part.rows).sum();
    let is_late = rows * LEVEL < largest.rows;
    let are_two = smaller.len() == 1 && largest.rows * 2 >= settings.row_group_rows as u64;
    !is_late && !are_two || ascending.len() >= settings.compact_files
}

/// Enough files of about one size: an event is written again once for each size, not once for each flush.
fn alike<'a>(ascending: &[&'a Arc<Part>], compact_files: usize) -> Option<Vec<&'a Arc<Part>>> {
    ascending
        .chunk_by(|a, b| a.rows.max(1).ilog(LEVEL) == b.rows.max(1).ilog(LEVEL))
        .find(|chunk| chunk.len() >= compact_files.max(2))
        .map(<[_]>::to_vec)
}

/// Writes the rows of each job's files into as few files as may be, and commits them all in their place.
pub(crate) fn run(
    dir: &Path,
    snapshot: &Snapshot,
    jobs: &[Job],
    settings: &Settings,
    now: Timestamp,
    files: &Files,
    hook: &Hook,
) -> Result<Snapshot, TableError> {
    let names = Names::after(snapshot);
    let added = in_parallel(jobs, |job| merge(dir, job, settings, &names, files, hook))?;
    let change = Change {
        operation: "OPTIMIZE",
        added: added.into_iter().flatten().collect(),
        removed: jobs.concat(),
        ..Change::default()
    };
    snapshot.commit(dir, change, now, hook)
}

/// Writes the rows of some files into as few as may be.
pub(crate) fn merge(
    dir: &Path,
    job: &Job,
    settings: &Settings,
    names: &Names,
    files: &Files,
    hook: &Hook,
) -> Result<Vec<Part>, TableError> {
    let Some(first) = job.first() else {
        return Ok(Vec::new());
    };
    let mut merge = Merge::new(job, files)?;
    let mut added = Vec::new();
    let before: u64 = job.iter().map(|part| part.rows).sum();
    let mut output = Output {
        dir,
        row_group_rows: settings.row_group_rows.min(before as usize),
        place: (first.account, first.region.clone(), first.month()),
        settings,
        names,
        hook,
        file: None,
    };
    while let Some(rows) = merge.next(output.room())? {
        added.extend(output.write(rows)?);
    }
    added.extend(output.finish()?);
    let after: u64 = added.iter().map(|part| part.rows).sum();
    if before != after {
        return Err(TableError::Task(format!(
            "{after} of {before} events were read; the files stay as they are"
        )));
    }
    Ok(added)
}

/// The files that a merge writes, one after the other.
struct Output<'a, 'n> {
    dir: &'a Path,
    place: (AccountId, Region, Month),
    settings: &'a Settings,
    row_group_rows: usize,
    names: &'n Names,
    hook: &'a Hook,
    file: Option<PartFile<'a>>,
}

impl Output<'_, '_> {
    /// So many rows fit into the file's row group.
    fn room(&self) -> usize {
        let (rows, room) = match &self.file {
            Some(file) => (file.rows(), file.room()),
            None => (0, self.row_group_rows),
        };
        let left = self.settings.file_rows_max.max(1).saturating_sub(rows);
        room.min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    /// Adds rows, as many as there is room for. Returns the file if it is full now.
    fn write(&mut self, merged: Merged) -> Result<Option<Part>, TableError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(PartFile::create(
                self.dir,
                self.place.clone(),
                self.row_group_rows,
                Packing::DENSE,
                &self.names.next(),
                self.hook,
            )?),
        };
        file.write(&merged.columns, merged.records)?;
        if file.rows() < self.settings.file_rows_max {
            return Ok(None);
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<Option<Part>, TableError> {
        self.file.take().map(PartFile::finish).transpose()
    }
}

/// The rows of several files, newest first.
struct Merge<'a> {
    inputs: Vec<Input<'a>>,
    /// Each input's next row.
    heads: BinaryHeap<Head>,
}

struct Input<'a> {
    batches: Batches<'a>,
    /// Their [`schema::COLUMNS`], and their records.
    current: RecordBatch,
    records: StringArray,
    places: Vec<Place>,
    row: usize,
}

/// Rows of several files, in order.
struct Merged {
    columns: RecordBatch,
    records: RecordsPage,
}

#[derive(PartialEq, Eq)]
struct Head {
    place: Place,
    input: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.place, self.input).cmp(&(other.place, other.input))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Merge<'a> {
    fn new(job: &[Arc<Part>], files: &'a Files) -> Result<Self, TableError> {
        let rows = (ROWS_IN_MEMORY / job.len().max(1)).max(64);
        let mut merge = Self {
            inputs: Vec::with_capacity(job.len()),
            heads: BinaryHeap::new(),
        };
        for part in job {
            let mut input = Input {
                batches: files.batches(part, rows)?,
                current: RecordBatch::new_empty(schema::COLUMNS.clone()),
                records: StringArray::new_null(0),
                places: Vec::new(),
                row: 0,
            };
            if input.load()? {
                merge.heads.push(Head {
                    place: input.places[0],
                    input: merge.inputs.len(),
                });
            }
            merge.inputs.push(input);
        }
        Ok(merge)
    }

    /// The next rows, at most so many; `None` at the end.
    fn next(&mut self, room: usize) -> Result<Option<Merged>, TableError> {
        // Batches that have rows in this answer; each input's current one stands at its own number.
        let mut used: Vec<RecordBatch> = self
            .inputs
            .iter()
            .map(|input| input.current.clone())
            .collect();
        let mut slots: Vec<usize> = (0..self.inputs.len()).collect();
        let mut picked: Vec<(usize, usize)> = Vec::with_capacity(WRITE_ROWS);
        let mut records = RecordsPage::new();
        while picked.len() < room.min(WRITE_ROWS)
            && let Some(&Head { input: number, .. }) = self.heads.peek()
        {
            let input = &mut self.inputs[number];
            let record = input.records.value(input.row);
            if !records.has_room(record, Packing::DENSE) {
                break;
            }
            records.push(record);
            self.heads.pop();
            picked.push((slots[number], input.row));
            input.row += 1;
            if input.row == input.places.len() && input.load()? {
                slots[number] = used.len();
                used.push(input.current.clone());
            }
            if let Some(place) = input.places.get(input.row) {
                self.heads.push(Head {
                    place: *place,
                    input: number,
                });
            }
        }
        if picked.is_empty() {
            return Ok(None);
        }
        let used: Vec<&RecordBatch> = used.iter().collect();
        let columns = interleave_record_batch(&used, &picked)
            .map_err(|error| TableError::Task(error.to_string()))?;
        Ok(Some(Merged { columns, records }))
    }
}

impl Input<'_> {
    /// Goes on to the next batch; tells whether there is one.
    fn load(&mut self) -> Result<bool, TableError> {
        (self.row, self.places) = (0, Vec::new());
        let Some((mut columns, places)) = self.batches.next()? else {
            return Ok(false);
        };
        let failed = |detail: String| TableError::Task(detail);
        let records = schema::column::<StringArray>(&columns, schema::EVENT).map_err(failed)?;
        let records = records.clone();
        // Behind all others.
        columns.remove_column(columns.num_columns() - 1);
        (self.current, self.records, self.places) = (columns, records, places);
        Ok(true)
    }
}

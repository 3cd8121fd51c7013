//! Makes many small files of one month one, a row group at a time: first the places of all rows are read, which tell what belongs
//! into which row group, and then each of these is gathered out of the files.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use arrow_array::{Array, BooleanArray, RecordBatch, StringArray};
use arrow_schema::ArrowError;
use arrow_select::{filter::filter_record_batch, interleave::interleave_record_batch};
use jiff::Timestamp;

use crate::{
    Settings, TableError,
    alike::{Alike, row_groups},
    log::{Change, Month, Part, Snapshot},
    part::{self, Hook, Names, PartFile},
    query::Place,
    records::{RecordsPage, rows_of_page},
    scan::Files,
    schema,
    threads::in_parallel,
};

/// Events of a month may come so late, in seconds, before its files are made one.
const LATE_SECONDS: i64 = 60 * 60;
/// Files that are merged at a time.
const FILES_MAX: usize = 24;
/// Rows that are read at a time, of which some may not be wanted.
const READ_ROWS: usize = 1024;
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
    let (inputs, places) = Inputs::read(job, files)?;
    let groups = divided(places, settings.row_group_rows);
    let rows_max = groups.iter().map(|group| group.rows).max();
    let place = (first.account, first.region.clone(), first.month());
    let (mut added, mut file) = (Vec::new(), None::<PartFile<'_>>);
    for group in &groups {
        let is_full = |file: &mut PartFile<'_>| {
            file.rows() + group.rows as u64 > settings.file_rows_max.max(1)
        };
        if let Some(full) = file.take_if(is_full) {
            added.push(full.finish()?);
        }
        let file = match &mut file {
            Some(file) => file,
            none => none.insert(PartFile::create(
                dir,
                place.clone(),
                rows_max.unwrap_or_default(),
                &names.next(),
                hook,
            )?),
        };
        inputs.gathered(group)?.write(file)?;
    }
    added.extend(file.map(PartFile::finish).transpose()?);
    let before: u64 = job.iter().map(|part| part.rows).sum();
    let after: u64 = added.iter().map(|part| part.rows).sum();
    if before != after {
        return Err(TableError::Task(format!(
            "{after} of {before} events were read; the files stay as they are"
        )));
    }
    Ok(added)
}

/// The row groups of several files.
struct Inputs<'a> {
    files: &'a Files,
    groups: Vec<Input<'a>>,
}

/// A row group of a file.
struct Input<'a> {
    part: &'a Arc<Part>,
    group: usize,
    newest: Place,
    oldest: Place,
}

/// A row group that is to be: the rows at a place and older ones, down to the next row group's first.
struct Planned {
    newest: Place,
    /// Where the next one begins, if there is one.
    next: Option<Place>,
    rows: usize,
}

impl Planned {
    fn has(&self, place: Place) -> bool {
        place <= self.newest && self.next.is_none_or(|next| place > next)
    }
}

/// The row groups that there will be, newest first: of the rows at these places, each with the length of its record.
fn divided(mut places: Vec<(Place, usize)>, rows_max: usize) -> Vec<Planned> {
    places.sort_unstable_by_key(|(place, _)| place.newest_first());
    let lengths = places.iter().map(|(_, length)| *length);
    let mut first = 0;
    let planned = row_groups(lengths, rows_max).into_iter().map(|rows| {
        let newest = places[first].0;
        first += rows;
        let next = places.get(first).map(|(place, _)| *place);
        Planned { newest, next, rows }
    });
    planned.collect()
}

impl<'a> Inputs<'a> {
    /// The row groups of these files, and the places of all rows, each with the length of a record of its row group, in the mean.
    fn read(job: &'a Job, files: &'a Files) -> Result<(Self, Vec<(Place, usize)>), TableError> {
        let (mut groups, mut places) = (Vec::new(), Vec::new());
        for part in job {
            for (group, record_bytes) in files.row_groups(part)?.into_iter().enumerate() {
                let first = places.len();
                files.each_place(part, group, |place| places.push((place, record_bytes)))?;
                let of_it = places[first..].iter().map(|(place, _)| *place);
                if let (Some(newest), Some(oldest)) = (of_it.clone().max(), of_it.min()) {
                    groups.push(Input {
                        part,
                        group,
                        newest,
                        oldest,
                    });
                }
            }
        }
        Ok((Self { files, groups }, places))
    }

    /// Reads the rows of a row group.
    fn gathered(&self, planned: &Planned) -> Result<Gathered, TableError> {
        let mut gathered = Gathered::default();
        let overlapping = self.groups.iter().filter(|input| {
            input.oldest <= planned.newest && planned.next.is_none_or(|next| input.newest > next)
        });
        for input in overlapping {
            let mut batches = self.files.batches(input.part, input.group, READ_ROWS)?;
            while let Some((batch, places)) = batches.next()? {
                let is_wanted = places.iter().map(|place| planned.has(*place));
                let is_wanted: Vec<bool> = is_wanted.collect();
                let batch = if is_wanted.iter().all(|it| *it) {
                    batch
                } else {
                    filter_record_batch(&batch, &BooleanArray::from(is_wanted)).map_err(failed)?
                };
                gathered.add(batch)?;
            }
        }
        Ok(gathered)
    }
}

/// The rows of a row group.
#[derive(Default)]
struct Gathered {
    /// Their [`schema::COLUMNS`].
    columns: Vec<RecordBatch>,
    records: Vec<StringArray>,
    /// Where they stand, batch and row, in the order in which they will lie.
    rows: Vec<(Alike, Place, (usize, usize))>,
}

impl Gathered {
    fn add(&mut self, mut columns: RecordBatch) -> Result<(), TableError> {
        let damage = TableError::Task;
        let number = self.columns.len();
        let keys = schema::Keys::of(&columns, None).map_err(damage)?;
        let text = |name| schema::column::<StringArray>(&columns, name).map_err(damage);
        let (sources, names) = (text(schema::EVENT_SOURCE)?, text(schema::EVENT_NAME)?);
        let usernames = text(schema::USERNAME)?;
        self.rows.extend((0..columns.num_rows()).map(|row| {
            let username = usernames.is_valid(row).then(|| usernames.value(row));
            let alike = Alike::of(sources.value(row), names.value(row), username);
            (alike, keys.place(row), (number, row))
        }));
        self.records.push(text(schema::EVENT)?.clone());
        // Behind all others.
        columns.remove_column(columns.num_columns() - 1);
        self.columns.push(columns);
        Ok(())
    }

    /// Writes them as a row group.
    fn write(mut self, file: &mut PartFile<'_>) -> Result<(), TableError> {
        self.rows
            .sort_unstable_by_key(|(alike, place, _)| (*alike, place.newest_first()));
        let columns: Vec<&RecordBatch> = self.columns.iter().collect();
        let rows: Vec<(usize, usize)> = self.rows.iter().map(|(_, _, row)| *row).collect();
        let mut rows = &rows[..];
        while !rows.is_empty() {
            let record = |(batch, row): &(usize, usize)| self.records[*batch].value(*row);
            let lengths = rows.iter().map(|row| record(row).len());
            let (page, rest) = rows.split_at(rows_of_page(lengths));
            let mut records = RecordsPage::new();
            page.iter().for_each(|row| records.push(record(row)));
            let columns = interleave_record_batch(&columns, page).map_err(failed)?;
            file.write(&columns, records)?;
            rows = rest;
        }
        file.end_group()
    }
}

fn failed(error: ArrowError) -> TableError {
    TableError::Task(error.to_string())
}

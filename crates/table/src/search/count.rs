//! Counts of the events that match: all, by the values of a field, and over time.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError, atomic::AtomicBool},
    time::Instant,
};

use super::{
    DamagedFile, Order, Rank, Source,
    columns::ColumnCounts,
    field::{Field, Kind},
    groups::Group,
    path,
    scan::{self, Asked, Ended, Visitor, lock},
};
use crate::{TableError, scan::Failure, tail::Row};

/// Different values that are kept apart, and how many bytes they may have together.
const VALUES_MAX: usize = 100_000;
const VALUE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Intervals that have events.
const INTERVALS_MAX: usize = 10_000;

/// What is counted.
#[derive(Debug, Clone, Default)]
pub struct CountQuestion {
    /// Events for each value of this field.
    pub by: Option<Field>,
    /// Most frequent values that are told.
    pub values_max: usize,
    /// Events for each interval of so many seconds.
    pub interval_seconds: Option<u32>,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that match.
    pub total: u64,
    /// Values and the number of their events: most frequent first, then by text.
    pub values: Vec<(String, u64)>,
    /// The counts of all other values, added up.
    pub other: u64,
    /// Events without a value.
    pub missing: u64,
    /// Whether there were more different values than are kept apart.
    pub is_truncated: bool,
    /// Beginnings of the intervals that have events, epoch seconds, and the number of their events; oldest first.
    pub histogram: Vec<(i64, u64)>,
    /// Damaged files whose events are missing, if the question asks for events like theirs.
    pub damaged: Vec<DamagedFile>,
}

/// Counts under way: of a row group, or of everything.
#[derive(Default)]
struct Tally {
    total: u64,
    missing: u64,
    values: HashMap<String, u64>,
    value_bytes: usize,
    unkept: u64,
    histogram: BTreeMap<i64, u64>,
}

struct Counting<'a> {
    counted: &'a CountQuestion,
    tally: Mutex<Tally>,
}

pub(super) fn count(
    asked: &Asked,
    counted: &CountQuestion,
    sources: &[Source],
    threads: usize,
    deadline: Instant,
    stop: &AtomicBool,
) -> Result<Counts, TableError> {
    loop {
        let mut tally = Tally::default();
        for source in sources {
            for row in &source.tail {
                if let Some(rank) = asked.place(row, source) {
                    let mut one = Tally::default();
                    one.add_time(rank, counted);
                    if let Some(field) = &counted.by {
                        one.add_values(1, |each| tail_values(field, row, each));
                    }
                    tally.merge(one)?;
                }
            }
        }
        let counting = Counting {
            counted,
            tally: Mutex::new(tally),
        };
        match scan::visit(asked, sources, threads, Some(deadline), stop, &counting)? {
            Ended::Whole => {
                let tally = counting
                    .tally
                    .into_inner()
                    .unwrap_or_else(PoisonError::into_inner);
                return Ok(Counts {
                    damaged: scan::damaged(asked, sources),
                    ..tally.counts(counted)
                });
            }
            Ended::At(_) => {
                return Err(TableError::Exceeded(
                    "counting took too long: ask for a shorter time range".into(),
                ));
            }
            // A file that is damaged counts for nothing, as if it had not been there.
            Ended::Damaged => {}
        }
    }
}

fn tail_values(field: &Field, row: &Row, each: &mut dyn FnMut(usize, &str)) {
    let mut each = |value: &str| each(0, value);
    match &field.0 {
        Kind::Column(column) => column.values(&row.event.keys, &mut each),
        Kind::Path(names) => path::values(&row.event.json, names, &mut each),
    }
}

impl Visitor for Counting<'_> {
    type Part = Tally;

    fn look(&self, group: &Group<'_>, _: usize) -> Result<Tally, Failure> {
        let mut tally = Tally::default();
        if self.counted.by.is_none()
            && self.counted.interval_seconds.is_none()
            && let Some(rows) = group.rows_that_all_match()
        {
            tally.total = rows;
            return Ok(tally);
        }
        let by = self.counted.by.as_ref();
        if let Some(counts) = group.counts_by_columns(by, self.counted.interval_seconds)? {
            tally.add_columns(counts);
            return Ok(tally);
        }
        let rows = group.matches(None)?;
        for (rank, _) in &rows {
            tally.add_time(*rank, self.counted);
        }
        if let Some(field) = &self.counted.by {
            let numbers: Vec<usize> = rows.iter().map(|(_, row)| *row).collect();
            let mut failed = Ok(());
            tally.add_values(numbers.len(), |each| {
                failed = group.values(&numbers, field, each);
            });
            failed?;
        }
        Ok(tally)
    }

    fn take(&self, found: Tally) -> Result<(), TableError> {
        lock(&self.tally).merge(found)
    }

    fn is_done(&self, _: Rank) -> bool {
        false
    }
}

impl Tally {
    fn add_columns(&mut self, counts: ColumnCounts) {
        self.total += counts.total;
        self.missing += counts.missing;
        for (value, count) in counts.values {
            self.add_value(&value, count);
        }
        for (begin, count) in counts.histogram {
            *self.histogram.entry(begin).or_default() += count;
        }
    }

    fn add_time(&mut self, rank: Rank, counted: &CountQuestion) {
        self.total += 1;
        if let (Some(interval), Some(seconds)) =
            (counted.interval_seconds, rank.seconds(Order::NewestFirst))
        {
            let interval = i64::from(interval.max(1));
            let begin = seconds.div_euclid(interval) * interval;
            *self.histogram.entry(begin).or_default() += 1;
        }
    }

    /// Counts the values of so many events; `values` gives them event by event.
    fn add_values(&mut self, events: usize, values: impl FnOnce(&mut dyn FnMut(usize, &str))) {
        let mut of_event: Vec<String> = Vec::new();
        let (mut event, mut with_values) = (None, 0);
        values(&mut |index, value| {
            if event != Some(index) {
                event = Some(index);
                with_values += 1;
                of_event.clear();
            }
            // An event counts once for each of its values.
            if of_event.iter().any(|seen| seen == value) {
                return;
            }
            of_event.push(value.to_owned());
            self.add_value(value, 1);
        });
        self.missing += (events - with_values) as u64;
    }

    fn add_value(&mut self, value: &str, count: u64) {
        if let Some(known) = self.values.get_mut(value) {
            *known += count;
        } else if self.values.len() < VALUES_MAX
            && self.value_bytes + value.len() <= VALUE_BYTES_MAX
        {
            self.value_bytes += value.len();
            self.values.insert(value.to_owned(), count);
        } else {
            self.unkept += count;
        }
    }

    fn merge(&mut self, other: Self) -> Result<(), TableError> {
        self.total += other.total;
        self.missing += other.missing;
        self.unkept += other.unkept;
        for (value, count) in other.values {
            self.add_value(&value, count);
        }
        for (begin, count) in other.histogram {
            *self.histogram.entry(begin).or_default() += count;
        }
        if self.histogram.len() > INTERVALS_MAX {
            return Err(TableError::Exceeded(format!(
                "more than {INTERVALS_MAX} intervals have events: ask for longer ones"
            )));
        }
        Ok(())
    }

    fn counts(self, counted: &CountQuestion) -> Counts {
        let mut values: Vec<(String, u64)> = self.values.into_iter().collect();
        values.sort_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
        let rest = values.split_off(values.len().min(counted.values_max.max(1)));
        Counts {
            total: self.total,
            values,
            other: self.unkept + rest.iter().map(|(_, count)| count).sum::<u64>(),
            missing: self.missing,
            is_truncated: self.unkept > 0,
            histogram: self.histogram.into_iter().collect(),
            damaged: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn values_beyond_the_bounds_are_counted_together() {
        let mut tally = Tally::default();
        for number in 0..VALUES_MAX + 2 {
            tally.add_value(&number.to_string(), 1);
        }
        tally.add_value("7", 1);
        let mut merged = Tally::default();
        merged.merge(tally).unwrap();
        let counts = merged.counts(&CountQuestion {
            values_max: 1,
            ..CountQuestion::default()
        });
        assert_eq!(counts.values, [("7".to_owned(), 2)]);
        assert_eq!(counts.other, VALUES_MAX as u64 + 1);
        assert!(counts.is_truncated);

        let mut tally = Tally::default();
        tally.add_value(&"a".repeat(VALUE_BYTES_MAX), 1);
        tally.add_value("b", 1);
        assert_eq!((tally.values.len(), tally.unkept), (1, 1));
    }

    #[test]
    fn too_many_intervals_are_refused() {
        let of = |intervals: usize| Tally {
            histogram: (0..intervals as i64).map(|begin| (begin, 1)).collect(),
            ..Tally::default()
        };
        assert!(Tally::default().merge(of(INTERVALS_MAX)).is_ok());
        let refused = Tally::default().merge(of(INTERVALS_MAX + 1));
        assert!(matches!(refused, Err(TableError::Exceeded(_))));
    }
}

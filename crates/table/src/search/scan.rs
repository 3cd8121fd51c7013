//! Goes through tail and files in the order that is asked for, with several threads, and ends as soon as nothing can come
//! before what was found.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use arrow_array::{Array, StringArray};
use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    event::EventCategory,
};

use super::{
    DamagedFile, Found, Order, Origin, PageLimits, Question, Rank, SearchPage, Source,
    field::Kind,
    filter::{Condition, RecordCondition},
    groups::{self, Bounds, Group, Patience},
    pages::Find,
    text::Text,
};
use crate::{
    TableError,
    log::Part,
    scan::{Failure, Opened, Reading, WantedRows, read_rows},
    schema,
    tail::Row,
};

/// Files that one search holds open.
const OPEN_FILES_MAX: usize = 64;
/// Events whose records are fetched in one go.
const FETCH_EVENTS: usize = 256;

/// A question, ready to be compared with events.
pub(super) struct Asked {
    pub(super) accounts: Vec<AccountId>,
    imported_accounts: Option<Vec<AccountId>>,
    pub(super) regions: Option<Vec<Region>>,
    pub(super) categories: Vec<EventCategory>,
    pub(super) origins: Vec<Origin>,
    /// First second, inclusive.
    pub(super) from: i64,
    /// Last second, inclusive.
    pub(super) to: i64,
    /// Conditions on columns.
    pub(super) columns: Vec<Condition>,
    /// Conditions on records.
    pub(super) records: Vec<RecordCondition>,
    pub(super) text: Option<Text>,
    pub(super) order: Order,
    after: Option<Rank>,
}

impl Asked {
    pub(super) fn new(question: &Question, order: Order, after: Option<Rank>) -> Self {
        let (records, columns): (Vec<_>, Vec<_>) = question
            .conditions
            .iter()
            .cloned()
            .partition(|condition| condition.path().is_some());
        let start = question.start;
        let mut origins = question.origins.clone();
        if order == Order::Arrival {
            // Positions of imports are no positions of the journal.
            origins.retain(|origin| *origin == Origin::Recorded);
        }
        Self {
            accounts: question.accounts.clone(),
            imported_accounts: question.imported_accounts.clone(),
            regions: question.regions.clone(),
            categories: question.categories.clone(),
            origins,
            from: start.map_or(i64::MIN, |start| {
                start.as_second() + i64::from(start.subsec_nanosecond() > 0)
            }),
            to: question.end.map_or(i64::MAX, Timestamp::as_second),
            columns,
            records: records.into_iter().map(RecordCondition::new).collect(),
            text: question.text.clone(),
            order,
            after,
        }
    }

    /// Whether records themselves must be looked at.
    pub(super) fn asks_records(&self) -> bool {
        !self.records.is_empty() || self.text.is_some()
    }

    /// The place of an event, if time range and cursor let it through.
    pub(super) fn admits(
        &self,
        seconds: i64,
        reach: i64,
        origin: Origin,
        seq: u64,
    ) -> Option<Rank> {
        let rank = self.order.rank(seconds, origin, seq);
        let is_within = seconds >= self.from.max(reach) && seconds <= self.to;
        (is_within && self.after.is_none_or(|after| rank > after)).then_some(rank)
    }

    /// The records that have the text and for which the conditions hold, by index.
    pub(super) fn records_in(
        &self,
        records: &StringArray,
        text: Option<&Text>,
        conditions: &[&RecordCondition],
        mut found: impl FnMut(usize),
    ) {
        let mut check = |row: usize| {
            let json = records.value(row).as_bytes();
            if conditions.iter().all(|condition| condition.holds(json)) {
                found(row);
            }
        };
        match text {
            None => (0..records.len()).for_each(check),
            Some(text) => {
                let offsets = records.value_offsets().windows(2);
                let ranges = offsets.map(|pair| pair[0] as usize..pair[1] as usize);
                text.find_in(records.value_data(), ranges, &mut check);
            }
        }
    }

    fn has_scope(&self, account: AccountId, region: &Region, origin: Origin) -> bool {
        let is_of_account = match origin {
            Origin::Recorded => self.accounts.contains(&account),
            Origin::Imported => {
                let accounts = self.imported_accounts.as_ref();
                accounts.is_none_or(|accounts| accounts.contains(&account))
            }
        };
        let regions = self.regions.as_ref();
        is_of_account && regions.is_none_or(|regions| regions.contains(region))
    }

    /// The place of an event in memory, if it matches.
    pub(super) fn place(&self, row: &Row, source: &Source) -> Option<Rank> {
        let keys = &row.event.keys;
        let rank = self.admits(row.place().seconds, source.reach, source.origin, row.seq)?;
        let holds = |condition: &Condition| match &condition.field.0 {
            Kind::Column(column) => condition.holds(|each| column.values(keys, each)),
            Kind::Path(_) => true,
        };
        let json = &row.event.json;
        (self.has_scope(keys.account, &keys.region, source.origin)
            && self.categories.contains(&keys.category)
            && self.columns.iter().all(holds)
            && self.text.as_ref().is_none_or(|text| text.is_in(json))
            && self.records.iter().all(|condition| condition.holds(json)))
        .then_some(rank)
    }

    fn wants(&self, part: &Part, source: &Source) -> bool {
        self.has_scope(part.account, &part.region, source.origin)
            && part.newest >= self.from.max(source.reach)
            && part.oldest <= self.to
    }
}

/// Damaged files that may have events that are asked for. Asked after a visit, which may find some.
pub(super) fn damaged(asked: &Asked, sources: &[Source]) -> Vec<DamagedFile> {
    let mut damaged = Vec::new();
    for source in sources {
        let parts = source.parts.iter();
        let parts =
            parts.filter(|part| asked.wants(part, source) && source.files.is_damaged(&part.path));
        damaged.extend(parts.map(|part| DamagedFile {
            origin: source.origin,
            path: part.path.clone(),
        }));
    }
    damaged.sort();
    damaged
}

/// What is looked at next: a whole file, or one of its row groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Unit {
    /// Nothing in it comes before this.
    first: Rank,
    source: usize,
    part: usize,
    group: Option<usize>,
}

/// An event that belongs to the answer, unless there are enough before it.
#[derive(Debug, Clone)]
struct Candidate {
    rank: Rank,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Tail {
        source: usize,
        row: Arc<Row>,
    },
    Stored {
        source: usize,
        part: usize,
        group: usize,
        row: usize,
    },
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

/// Why a search must begin again: a file is damaged, and is left out from now on.
struct Again;

/// What threads of a visit do with a row group.
pub(super) trait Visitor: Sync {
    /// What a thread found in one row group.
    type Part: Send;

    /// Looks at a row group.
    fn look(&self, group: &Group<'_>, source: usize) -> Result<Self::Part, Failure>;

    /// Takes what was found; one thread at a time. `Err` ends the visit.
    fn take(&self, found: Self::Part) -> Result<(), TableError>;

    /// Whether what begins here, and all that comes later, need not be looked at.
    fn is_done(&self, first: Rank) -> bool;
}

/// How a visit ended.
pub(super) enum Ended {
    /// All was looked at that had to be.
    Whole,
    /// Time was over: what begins here is still to be looked at.
    At(Rank),
    /// A file was found damaged and is reported; what was taken may be of it.
    Damaged,
}

/// Goes through the files of all sources in order.
pub(super) fn visit<V: Visitor>(
    asked: &Asked,
    sources: &[Source],
    threads: usize,
    deadline: Option<Instant>,
    stop: &AtomicBool,
    visitor: &V,
) -> Result<Ended, TableError> {
    let mut units = BinaryHeap::new();
    for (source_index, source) in sources.iter().enumerate() {
        for (part_index, part) in source.parts.iter().enumerate() {
            if !asked.wants(part, source) || source.files.is_damaged(&part.path) {
                continue;
            }
            let bounds = Bounds {
                oldest: part.oldest,
                newest: part.newest,
                least_seq: 0,
                greatest_seq: u64::MAX,
            };
            if let Some(unit) = unit(asked, source, bounds, (source_index, part_index, None)) {
                units.push(Reverse(unit));
            }
        }
    }
    let begin = units.peek().map(|Reverse(unit)| unit.first);
    let walk = Walk {
        asked,
        sources,
        deadline,
        stop,
        visitor,
        begin,
        state: Mutex::new(State {
            units,
            under_way: 0,
            ended: None,
        }),
        changed: Condvar::new(),
        begun: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| walk.run());
        }
        walk.run();
    });
    let state = walk
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match state.ended {
        Some(Err(error)) => Err(error),
        Some(Ok(ended)) => Ok(ended),
        None => Ok(Ended::Whole),
    }
}

/// A unit, if something of it can come after the cursor.
fn unit(
    asked: &Asked,
    source: &Source,
    bounds: Bounds,
    (source_index, part, group): (usize, usize, Option<usize>),
) -> Option<Unit> {
    let (first, last) = bounds.ranks(asked, source.origin);
    match asked.after {
        Some(after) if last <= after => None,
        after => Some(Unit {
            first: first.max(after.unwrap_or(first)),
            source: source_index,
            part,
            group,
        }),
    }
}

struct State {
    units: BinaryHeap<Reverse<Unit>>,
    under_way: usize,
    ended: Option<Result<Ended, TableError>>,
}

/// A file that is looked through.
struct Begun {
    opened: Opened,
    /// The rows that its index says may match, if it can tell.
    rows: Option<Vec<Range<usize>>>,
}

struct Walk<'a, V> {
    asked: &'a Asked,
    sources: &'a [Source],
    deadline: Option<Instant>,
    stop: &'a AtomicBool,
    visitor: &'a V,
    /// Where the first unit began.
    begin: Option<Rank>,
    state: Mutex<State>,
    changed: Condvar,
    begun: Mutex<HashMap<(usize, usize), Arc<Begun>>>,
}

impl<V: Visitor> Walk<'_, V> {
    fn run(&self) {
        while let Some(unit) = self.next() {
            // A thread that left without a word would be waited for for ever.
            let done = catch_unwind(AssertUnwindSafe(|| self.look(unit)));
            let done = done.unwrap_or_else(|_| {
                Err(Err(TableError::Task(
                    "a search hit a bug; see the log".into(),
                )))
            });
            let mut state = lock(&self.state);
            state.under_way -= 1;
            match done {
                Ok(more) => state.units.extend(more.into_iter().map(Reverse)),
                Err(ended) => {
                    // The first reason counts.
                    state.ended.get_or_insert(ended);
                }
            }
            drop(state);
            self.changed.notify_all();
        }
        self.changed.notify_all();
    }

    /// What to look at next; `None` when there is nothing more to do.
    fn next(&self) -> Option<Unit> {
        let mut state = lock(&self.state);
        loop {
            if state.ended.is_some() {
                return None;
            }
            if self.stop.load(Ordering::Relaxed) {
                state.ended = Some(Err(TableError::Stopped));
                return None;
            }
            match state.units.peek().copied() {
                Some(Reverse(unit)) => {
                    if self.visitor.is_done(unit.first) {
                        return None;
                    }
                    let has_moved = self.has_moved(unit);
                    let is_over = self
                        .deadline
                        .is_some_and(|deadline| Instant::now() >= deadline);
                    if has_moved && is_over {
                        if state.under_way == 0 {
                            state.ended = Some(Ok(Ended::At(unit.first)));
                            return None;
                        }
                        // What others look at may have something that comes before it.
                        state = self.wait(state);
                        continue;
                    }
                    state.units.pop();
                    state.under_way += 1;
                    return Some(unit);
                }
                None if state.under_way == 0 => return None,
                None => state = self.wait(state),
            }
        }
    }

    /// Whether a page that ends before this unit comes further than the one before it. Each must, or its caller would ask
    /// for ever.
    fn has_moved(&self, unit: Unit) -> bool {
        match self.asked.after {
            Some(after) => before(unit.first, self.asked.order) > after,
            None => self.begin.is_some_and(|begin| unit.first > begin),
        }
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, unit: Unit) -> Result<Vec<Unit>, Result<Ended, TableError>> {
        let source = &self.sources[unit.source];
        let deadline = self.deadline.filter(|_| self.has_moved(unit));
        let patience = Patience::new(self.stop, deadline);
        let looked = self.open(unit).and_then(|file| match unit.group {
            None => {
                let (opened, rows) = (&file.opened, file.rows.as_deref());
                let groups = groups::groups(self.asked, source.reach, opened, unit.part, rows)?;
                let units = groups.into_iter().filter_map(|(group, bounds)| {
                    self::unit(
                        self.asked,
                        source,
                        bounds,
                        (unit.source, unit.part, Some(group)),
                    )
                });
                Ok((units.collect(), None))
            }
            Some(group) => {
                let rows = file.rows.as_deref();
                let group = Group {
                    rows: rows.map(|rows| file.opened.within(rows, group)),
                    asked: self.asked,
                    origin: source.origin,
                    reach: source.reach,
                    opened: &file.opened,
                    part: unit.part,
                    group,
                    patience: &patience,
                };
                let found = self.visitor.look(&group, unit.source)?;
                Ok((Vec::new(), Some(found)))
            }
        });
        match looked {
            Ok((units, None)) => Ok(units),
            Ok((units, Some(found))) => self.visitor.take(found).map(|()| units).map_err(Err),
            // Time was over half-way: it is still to be looked at.
            Err(Failure::System(TableError::Stopped)) if !self.stop.load(Ordering::Relaxed) => {
                Ok(vec![unit])
            }
            Err(Failure::System(error)) => Err(Err(error)),
            Err(Failure::Damaged(_, damage)) => {
                source.files.report(&source.parts[unit.part].path, damage);
                Err(Ok(Ended::Damaged))
            }
        }
    }

    fn open(&self, unit: Unit) -> Result<Arc<Begun>, Failure> {
        let key = (unit.source, unit.part);
        if let Some(begun) = lock(&self.begun).get(&key) {
            return Ok(begun.clone());
        }
        let source = &self.sources[unit.source];
        let part = &source.parts[unit.part];
        let begun = Arc::new(Begun {
            opened: source.files.open(unit.part, part)?,
            rows: groups::candidates(self.asked, &source.files, part)?,
        });
        let mut all = lock(&self.begun);
        if all.len() >= OPEN_FILES_MAX {
            all.clear();
        }
        all.insert(key, begun.clone());
        Ok(begun)
    }
}

/// Keeps the first candidates.
struct First {
    needed: usize,
    found: Mutex<BinaryHeap<Candidate>>,
}

impl First {
    fn add(&self, candidates: impl IntoIterator<Item = Candidate>) {
        let mut found = lock(&self.found);
        for candidate in candidates {
            if found.len() < self.needed {
                found.push(candidate);
            } else if let Some(mut last) = found.peek_mut()
                && candidate.rank < last.rank
            {
                *last = candidate;
            }
        }
    }
}

impl Visitor for First {
    type Part = Vec<Candidate>;

    fn look(&self, group: &Group<'_>, source: usize) -> Result<Vec<Candidate>, Failure> {
        let rows = group.matches(Some(self.needed))?;
        let candidate = |(rank, row)| Candidate {
            rank,
            place: Place::Stored {
                source,
                part: group.part,
                group: group.group,
                row,
            },
        };
        Ok(rows.into_iter().map(candidate).collect())
    }

    fn take(&self, found: Vec<Candidate>) -> Result<(), TableError> {
        self.add(found);
        Ok(())
    }

    fn is_done(&self, first: Rank) -> bool {
        let found = lock(&self.found);
        found.len() >= self.needed && found.peek().is_some_and(|last| last.rank < first)
    }
}

/// One page of an answer.
pub(super) fn page(
    asked: &Asked,
    sources: &[Source],
    limits: PageLimits,
    threads: usize,
    stop: &AtomicBool,
) -> Result<SearchPage, TableError> {
    let deadline = Instant::now() + limits.time;
    loop {
        if let Ok(page) = page_once(asked, sources, limits, threads, deadline, stop)? {
            return Ok(page);
        }
    }
}

fn page_once(
    asked: &Asked,
    sources: &[Source],
    limits: PageLimits,
    threads: usize,
    deadline: Instant,
    stop: &AtomicBool,
) -> Result<Result<SearchPage, Again>, TableError> {
    // One more than the page holds, to know whether there is another.
    let first = First {
        needed: limits.events.max(1) + 1,
        found: Mutex::default(),
    };
    for (index, source) in sources.iter().enumerate() {
        first.add(source.tail.iter().filter_map(|row| {
            Some(Candidate {
                rank: asked.place(row, source)?,
                place: Place::Tail {
                    source: index,
                    row: row.clone(),
                },
            })
        }));
    }
    let ended = visit(asked, sources, threads, Some(deadline), stop, &first)?;
    let mut found = first
        .found
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .into_sorted_vec();
    let mut next = None;
    match ended {
        Ended::Damaged => return Ok(Err(Again)),
        Ended::Whole => {}
        Ended::At(rank) => {
            // What comes at that place or later may not be complete.
            let before = before(rank, asked.order);
            found.retain(|candidate| candidate.rank <= before);
            next = Some(before);
        }
    }
    if found.len() > limits.events {
        found.truncate(limits.events.max(1));
        next = found.last().map(|last| last.rank);
    }
    let (events, is_cut) = match fetch(&found, sources, limits.bytes) {
        Ok(fetched) => fetched,
        Err((source, Failure::Damaged(part, damage))) => {
            let source = &sources[source];
            source.files.report(&source.parts[part].path, damage);
            return Ok(Err(Again));
        }
        Err((_, Failure::System(error))) => return Err(error),
    };
    if is_cut {
        next = events.len().checked_sub(1).map(|last| found[last].rank);
    }
    let is_last = next.is_none();
    if asked.order == Order::Arrival && is_last {
        // Everything below the head was looked at, and of the tail what lies beyond it too.
        let head = sources.iter().map(|source| source.head).max().unwrap_or(0);
        let looked_at = Some(Rank::below(head));
        let seen = found.last().map(|last| last.rank);
        next = asked.after.max(looked_at).max(seen);
    }
    Ok(Ok(SearchPage {
        events,
        next,
        is_last,
        damaged: damaged(asked, sources),
    }))
}

/// The last place before everything that may stand where a unit begins.
fn before(first: Rank, order: Order) -> Rank {
    match order {
        Order::Arrival => Rank {
            seq: first.seq.saturating_sub(1),
            ..first
        },
        _ => Rank {
            time: first.time.saturating_sub(1),
            origin: u8::MAX,
            seq: u64::MAX,
        },
    }
}

/// The events themselves, until they have so many bytes; and whether that left some out.
fn fetch(
    found: &[Candidate],
    sources: &[Source],
    bytes_max: usize,
) -> Result<(Vec<Found>, bool), (usize, Failure)> {
    let (mut events, mut bytes) = (Vec::new(), 0);
    for chunk in found.chunks(FETCH_EVENTS) {
        for event in fetch_chunk(chunk, sources)? {
            if bytes >= bytes_max {
                return Ok((events, true));
            }
            bytes += event.event.json.len();
            events.push(event);
        }
    }
    Ok((events, false))
}

const WHOLE: Reading<'_, Row> = Reading {
    is_wanted: schema::is_key,
    made: &schema::rows,
};

fn fetch_chunk(found: &[Candidate], sources: &[Source]) -> Result<Vec<Found>, (usize, Failure)> {
    let mut events: Vec<Option<Found>> = Vec::new();
    let mut stored: BTreeMap<usize, WantedRows> = BTreeMap::new();
    let event = |source: usize, row: Row| Found {
        origin: sources[source].origin,
        seq: row.seq,
        event: row.event,
    };
    for (index, candidate) in found.iter().enumerate() {
        events.push(match &candidate.place {
            Place::Tail { source, row } => Some(event(*source, Row::clone(row))),
            Place::Stored {
                source,
                part,
                group,
                row,
            } => {
                let wanted = stored.entry(*source).or_default();
                let rows = wanted.entry((*part, *group)).or_default();
                rows.push((*row, index));
                None
            }
        });
    }
    for (index, wanted) in stored {
        let source = &sources[index];
        let open = |part| source.files.open(part, &source.parts[part]);
        let read = read_rows(wanted, open, &WHOLE).map_err(|failure| (index, failure))?;
        for (place, row) in read {
            events[place] = Some(event(index, row));
        }
    }
    Ok(events.into_iter().flatten().collect())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{sync::atomic::AtomicUsize, time::Duration};

    use pugmark_core::clock::ManualClock;
    use pugmark_journal::{Entry, EntryKind, Journal, MemoryJournal};

    use super::*;
    use crate::{EventHistory, Settings, tests::sample};

    /// Begins to look at a row group, and then something happens.
    struct Interrupted<'a> {
        then: &'a (dyn Fn(usize) + Sync),
        begun: AtomicUsize,
        whole: AtomicUsize,
    }

    impl Visitor for Interrupted<'_> {
        type Part = usize;

        fn look(&self, group: &Group<'_>, _: usize) -> Result<usize, Failure> {
            (self.then)(self.begun.fetch_add(1, Ordering::Relaxed));
            group.matches(None).map(|rows| rows.len())
        }

        fn take(&self, rows: usize) -> Result<(), TableError> {
            self.whole.fetch_add(rows, Ordering::Relaxed);
            Ok(())
        }

        fn is_done(&self, _: Rank) -> bool {
            false
        }
    }

    #[tokio::test]
    async fn a_row_group_is_given_up_half_way() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(MemoryJournal::new(1 << 30));
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_000).unwrap()));
        let settings = Settings {
            row_group_rows: 4,
            ..Settings::default()
        };
        let history = EventHistory::open(dir.path().into(), journal.clone(), clock, settings);
        let history = history.await.unwrap();
        // One second for each row group.
        let events = (0..12).map(|number| sample(number, 900 + number as i64 / 4));
        let entries = events.map(|event| Entry {
            kind: EntryKind::Event,
            payload: pugmark_core::event::encode(&event),
        });
        journal.append(entries.collect()).await.unwrap();
        history.catch_up().await.unwrap();
        history.flush().await.unwrap();
        let sources = history.sources().await;
        let event = sample(0, 0);
        let question = Question {
            accounts: vec![event.keys.account],
            imported_accounts: None,
            regions: None,
            categories: vec![event.keys.category],
            origins: vec![Origin::Recorded],
            start: None,
            end: None,
            conditions: Vec::new(),
            text: None,
        };
        let asked = Asked::new(&question, Order::OldestFirst, None);
        let stop = AtomicBool::new(false);
        let walk = |deadline, then: &(dyn Fn(usize) + Sync)| {
            let visitor = Interrupted {
                then,
                begun: AtomicUsize::new(0),
                whole: AtomicUsize::new(0),
            };
            let ended = visit(&asked, &sources, 1, deadline, &stop, &visitor);
            (ended, visitor.whole.into_inner())
        };

        // Time is over within the second one, and would be within the first, but a page must come further.
        let deadline = Instant::now() + Duration::from_millis(200);
        let (ended, rows) = walk(Some(deadline), &|begun| {
            if begun == 1 {
                std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
            }
        });
        assert!(matches!(ended, Ok(Ended::At(rank)) if rank.time == 901));
        assert_eq!(rows, 4);
        let (ended, rows) = walk(None, &|_| {});
        assert!(matches!(ended, Ok(Ended::Whole)));
        assert_eq!(rows, 12);

        // The caller goes away.
        let (ended, rows) = walk(None, &|begun| stop.store(begun == 2, Ordering::Relaxed));
        assert!(matches!(ended, Err(TableError::Stopped)));
        assert_eq!(rows, 8);
    }
}

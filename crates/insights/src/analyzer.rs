//! The analyzer: from events to findings, minute by minute.

use std::{collections::BTreeMap, hash::BuildHasher};

use hashbrown::{DefaultHashBuilder, HashTable};
use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    event::{Event, InsightType},
};

use crate::{
    attribution::{ATTRIBUTES, Caller, Value, Values, add_caller},
    call::{self, Call},
    finding::{self, Finding, Parts, Side, State},
    history::{History, Period, Point},
    series::{Change, Closing, Observed, RING, Series, SeriesKey, WINDOW},
    settings::Settings,
};

/// Events before 1971 have no week before them to compare with.
const MINUTE_MIN: u32 = 365 * 1440;
/// A series with calls in fewer hours has little history to lose.
const ESTABLISHED_HOURS: u32 = 3;
/// The value that stands for "no error" among a call rate's error codes (AWS's samples).
const NO_ERROR: &str = "null";

/// Finds unusual call and error rates.
///
/// Give it every event in the journal's order with [`observe`](Self::observe), tell it the time when there are none
/// with [`advance`](Self::advance), and take what it found with [`take_findings`](Self::take_findings).
///
/// Time is the events' own: a minute is tested once an event (or `advance`) is [`Settings::grace_seconds`] past its
/// end. An event that comes later still is in the averages and in the history, but tests nothing. Findings are
/// therefore the same however fast the events are given, as long as `advance` is not told a time that is ahead of
/// events still to come.
#[derive(Debug)]
pub struct Analyzer {
    pub(crate) settings: Settings,
    pub(crate) series: Vec<Series>,
    /// Places in `series` that hold nothing.
    pub(crate) free: Vec<u32>,
    pub(crate) index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    pub(crate) values: Values,
    /// How many values the last collection left; the next is due at twice that.
    pub(crate) values_kept: usize,
    /// When an account was first seen in a Region: before it, its silence means nothing.
    pub(crate) scopes: BTreeMap<(AccountId, Region), u32>,
    /// When a trail's data events were first counted.
    pub(crate) trails: BTreeMap<Box<str>, u32>,
    /// Series to look at when the minute closes, in the order in which they woke up.
    pub(crate) awake: Vec<u32>,
    pub(crate) is_awake: Vec<bool>,
    /// The oldest minute that is not closed; 0 before the first event.
    pub(crate) open_minute: u32,
    /// By minute modulo [`RING`]: something was observed of somebody.
    pub(crate) minutes_observed: [bool; RING as usize * 2],
    pub(crate) observed: Observed,
    /// A series that is not tracked made no call from this minute on.
    pub(crate) forgotten_until: u32,
    pub(crate) history: History,
    pub(crate) found: Vec<Finding>,
    pub(crate) stats: Stats,
}

/// Counters since the analyzer was made, and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Calls counted.
    pub calls: u64,
    /// Calls that came after their minute was closed.
    pub late: u64,
    /// Series forgotten because of [`Settings::series_max`].
    pub forgotten: u64,
    /// Series tracked now.
    pub series: usize,
    /// Memory in bytes: series, their index and texts, without the history.
    pub bytes: usize,
    /// Memory of the history in bytes.
    pub history_bytes: usize,
}

impl Analyzer {
    /// An analyzer that has seen nothing.
    pub fn new(settings: Settings) -> Self {
        let settings = Settings {
            grace_seconds: settings.grace_seconds.min(60),
            series_max: settings.series_max.clamp(1, u32::MAX as usize - 1),
            ..settings
        };
        Self {
            history: History::new(settings.history_bytes_max),
            settings,
            series: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            values: Values::default(),
            values_kept: 0,
            scopes: BTreeMap::new(),
            trails: BTreeMap::new(),
            awake: Vec::new(),
            is_awake: Vec::new(),
            open_minute: 0,
            minutes_observed: [false; RING as usize * 2],
            observed: Observed::new(0),
            forgotten_until: 0,
            found: Vec::new(),
            stats: Stats::default(),
        }
    }

    /// Counts an event. Any event shows that the recorder was running; management events that change something or
    /// fail are analysed; all others, Insight events among them, are not.
    pub fn observe(&mut self, event: &Event) {
        if Call::counts(event) {
            let user_agent = call::user_agent(&event.json);
            self.observe_call(&Call::of(event, user_agent.as_deref()));
        } else if event.keys.category != pugmark_core::event::EventCategory::Insight {
            // A finding's own time is in the past, and the analyzer must not listen to itself.
            self.tick(event.keys.time);
        }
    }

    /// Counts a data event for the trails that log it and look at data events.
    pub fn observe_data<'a>(&mut self, event: &Event, trails: impl IntoIterator<Item = &'a str>) {
        let user_agent = call::user_agent(&event.json);
        for trail in trails {
            self.observe_call(&Call::on_data(event, user_agent.as_deref(), trail));
        }
    }

    /// Forgets the data series of trails that do not look at data events any more: while nobody counts, nothing is known.
    pub fn retain_trails(&mut self, is_kept: impl Fn(&str) -> bool) {
        let is_gone = |series: &Series| {
            let trail = series.key.trail.as_deref();
            trail.is_some_and(|trail| !is_kept(trail))
        };
        let mut gone: Vec<u32> = self.index.iter().copied().collect();
        gone.retain(|&at| is_gone(&self.series[at as usize]));
        gone.sort_unstable();
        let forgotten_until = self.forgotten_until;
        for at in gone {
            self.forget_one(at);
        }
        // Nothing was lost for want of memory.
        self.forgotten_until = forgotten_until;
        let is_awake = &self.is_awake;
        self.awake.retain(|&awake| is_awake[awake as usize]);
        self.trails.retain(|trail, _| is_kept(trail));
    }

    /// Counts a call that was not read from an event.
    pub fn observe_call(&mut self, call: &Call<'_>) {
        let Some(minute) = self.tick(call.time) else {
            return;
        };
        let scope = (call.account, call.region);
        let calls = [
            call.write
                .then_some((InsightType::ApiCallRateInsight, None)),
            call.error_code
                .map(|code| (InsightType::ApiErrorRateInsight, Some(code))),
        ];
        if calls.iter().all(Option::is_none) {
            return;
        }
        self.stats.calls += u64::from(call.count);
        let on_time = minute >= self.open_minute;
        self.stats.late += if on_time { 0 } else { u64::from(call.count) };
        let values = if on_time {
            self.intern(call)
        } else {
            [Value::NONE; ATTRIBUTES]
        };
        for (insight, code) in calls.into_iter().flatten() {
            let Some(at) = self.track(scope, call, insight, code, minute) else {
                continue;
            };
            let series = &mut self.series[at as usize];
            self.history.count(at, minute, call.count);
            if !on_time {
                series.count_hour(minute / 60, call.count);
                continue;
            }
            series.count(minute, call.count);
            add_caller(
                &mut series.recent,
                Caller {
                    minute,
                    values,
                    count: call.count,
                },
            );
            if !self.is_awake[at as usize] {
                self.is_awake[at as usize] = true;
                self.awake.push(at);
            }
        }
    }

    /// Tells the time when no event does: minutes that ended [`Settings::grace_seconds`] before `now` are closed, so
    /// that a finding ends and a silence is noticed.
    pub fn advance(&mut self, now: Timestamp) {
        if self.open_minute == 0 {
            return;
        }
        let closed = (now.as_second() - i64::from(self.settings.grace_seconds)).div_euclid(60);
        self.close_until(u32::try_from(closed).unwrap_or(0));
    }

    /// What was found since the last call: by minute, then by series, an End before a Start.
    #[must_use]
    pub fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.found)
    }

    /// The measured series for `ListInsightsMetricData`: non-zero points of `[from, to)` in ascending order, as far
    /// back as they are kept in that period's resolution. Empty for a series that is not tracked.
    pub fn metric_data(
        &self,
        series: &SeriesKey,
        period: Period,
        from: Timestamp,
        to: Timestamp,
    ) -> Vec<Point> {
        let minute = |time: Timestamp| {
            let seconds = time.as_second() + i64::from(time.subsec_nanosecond() > 0);
            u32::try_from((seconds + 59).div_euclid(60)).unwrap_or(0)
        };
        self.find(series).map_or_else(Vec::new, |at| {
            self.history.points(at, period, minute(from), minute(to))
        })
    }

    /// Calls per minute that are expected of a series in the newest minute; `None` when nothing is known of it.
    pub fn expected(&self, series: &SeriesKey) -> Option<f64> {
        let series = &self.series[self.find(series)? as usize];
        series.expected_now(self.open_minute)
    }

    /// The series tracked now, in no particular order.
    pub fn series(&self) -> impl Iterator<Item = &SeriesKey> {
        self.index.iter().map(|&at| &self.series[at as usize].key)
    }

    /// Counters and sizes; walks over all series.
    pub fn stats(&self) -> Stats {
        let series: usize = self.series.iter().map(Series::bytes).sum();
        Stats {
            series: self.index.len(),
            bytes: series + self.index.capacity() * 5 + self.values.bytes(),
            history_bytes: self.history.bytes(),
            ..self.stats
        }
    }

    /// The event's minute, after time went on to it; `None` for times that nothing can be said about.
    fn tick(&mut self, time: Timestamp) -> Option<u32> {
        let second = time.as_second();
        let minute = u32::try_from(second.div_euclid(60)).ok()?;
        if minute < MINUTE_MIN {
            return None;
        }
        if self.open_minute == 0 {
            self.open_minute = minute;
            self.observed.hour = minute / 60;
        }
        let closed = (second - i64::from(self.settings.grace_seconds)).div_euclid(60);
        let closed = u32::try_from(closed).ok()?;
        if closed > self.open_minute {
            self.close_until(closed);
        }
        if minute >= self.open_minute {
            let seen = &mut self.minutes_observed[(minute % (2 * RING)) as usize];
            if !*seen {
                *seen = true;
                self.observed.count(minute);
            }
        }
        Some(minute)
    }

    fn close_until(&mut self, minute: u32) {
        while self.open_minute < minute {
            if self.awake.is_empty() {
                // Nothing happens in between, however long it is.
                let skipped = (minute - self.open_minute).min(2 * RING);
                for past in 0..skipped {
                    self.clear_observed(self.open_minute + past);
                }
                self.observed.forward(minute / 60);
                self.open_minute = minute;
                return;
            }
            self.close(self.open_minute);
            self.open_minute += 1;
        }
    }

    /// The slot that is reused next: eight minutes ahead of the one closing.
    fn clear_observed(&mut self, closing: u32) {
        self.minutes_observed[((closing + RING) % (2 * RING)) as usize] = false;
    }

    fn close(&mut self, minute: u32) {
        self.observed.forward(minute / 60);
        let seen = |at: u32| self.minutes_observed[(at % (2 * RING)) as usize];
        let closing = Closing {
            minute,
            settings: &self.settings,
            observed: &self.observed,
            window_observed: (minute + 1 - WINDOW..=minute).all(seen),
            leaving_observed: seen(minute - WINDOW),
        };
        let first = self.found.len();
        let (series, is_awake) = (&mut self.series, &mut self.is_awake);
        let (values, found, settings) = (&self.values, &mut self.found, &self.settings);
        self.awake.retain(|&at| {
            let series = &mut series[at as usize];
            if let Some(change) = series.close(&closing) {
                found.push(compose(series, &change, minute, values));
            }
            let awake = series.is_awake(minute, settings);
            is_awake[at as usize] = awake;
            awake
        });
        self.found[first..].sort_by(|a, b| a.series.cmp(&b.series));
        self.clear_observed(minute);
        if minute % 60 == 59 {
            self.collect_values();
        }
    }

    fn intern(&mut self, call: &Call<'_>) -> [Value; ATTRIBUTES] {
        let max = self.settings.values_max;
        let mut value = |text: Option<&str>| {
            text.filter(|text| !text.is_empty())
                .map_or(Value::NONE, |text| self.values.intern(text, max))
        };
        [
            value(call.identity_arn.map(call::attributed_arn)),
            value(call.user_agent),
            value(Some(call.error_code.unwrap_or(NO_ERROR))),
        ]
    }

    /// Forgets texts that no series names any more.
    fn collect_values(&mut self) {
        if self.values.texts.len() < 1024.max(self.values_kept * 2) {
            return;
        }
        let mut used = vec![false; self.values.texts.len()];
        for value in self.series.iter_mut().flat_map(Series::values_mut) {
            if let Some(used) = used.get_mut(value.0 as usize) {
                *used = true;
            }
        }
        let renumbered = self.values.retain(&used);
        for value in self.series.iter_mut().flat_map(Series::values_mut) {
            *value = renumbered
                .get(value.0 as usize)
                .copied()
                .unwrap_or(Value::NONE);
        }
        self.values_kept = self.values.texts.len();
    }

    fn find(&self, key: &SeriesKey) -> Option<u32> {
        let hash = self.hasher.hash_one(Name::of(key));
        self.index
            .find(hash, |&at| self.series[at as usize].key == *key)
            .copied()
    }

    /// The series of a call; a new one may push another out. `None` for a late call of a series that is not tracked.
    fn track(
        &mut self,
        (account, region): (AccountId, &Region),
        call: &Call<'_>,
        insight: InsightType,
        error_code: Option<&str>,
        minute: u32,
    ) -> Option<u32> {
        let name = Name {
            account,
            region: region.as_str(),
            source: call.source,
            name: call.name,
            insight,
            error_code,
            trail: call.trail,
        };
        let hash = self.hasher.hash_one(name);
        let known = self
            .index
            .find(hash, |&at| Name::of(&self.series[at as usize].key) == name);
        if let Some(&at) = known {
            return Some(at);
        }
        if minute < self.open_minute {
            return None;
        }
        let key = SeriesKey {
            account,
            region: region.clone(),
            source: call.source.into(),
            name: call.name.into(),
            insight,
            error_code: error_code.map(Into::into),
            trail: call.trail.map(Into::into),
        };
        let scope = (account, region.clone());
        let mut scope_since = *self.scopes.entry(scope).or_insert(minute);
        if let Some(trail) = call.trail {
            let trail_since = *self.trails.entry(trail.into()).or_insert(minute);
            scope_since = scope_since.max(trail_since);
        }
        let since = scope_since.max(self.forgotten_until).min(minute);
        let series = Series::new(key, since, minute);
        let at = if let Some(at) = self.free.pop() {
            self.series[at as usize] = series;
            at
        } else if self.series.len() < self.settings.series_max {
            self.series.push(series);
            self.is_awake.push(false);
            self.series.len() as u32 - 1
        } else {
            self.forget();
            let at = self.free.pop()?;
            self.series[at as usize] = series;
            at
        };
        self.insert(at);
        Some(at)
    }

    pub(crate) fn insert(&mut self, at: u32) {
        let (series, hasher) = (&self.series, &self.hasher);
        let hash_of = |&at: &u32| hasher.hash_one(Name::of(&series[at as usize].key));
        self.index.insert_unique(hash_of(&at), at, hash_of);
    }

    /// Frees the places of the series that are missed least: a sixteenth of all at once, so that a stream of new names
    /// pays for one sort rather than for a search each.
    fn forget(&mut self) {
        let mut order: Vec<u32> = (0..self.series.len() as u32).collect();
        let missed = |at: u32| {
            let series = &self.series[at as usize];
            (
                series.open.is_some(),
                series.hours_active >= ESTABLISHED_HOURS,
                series.last_event,
                &series.key,
            )
        };
        order.sort_unstable_by(|&a, &b| missed(a).cmp(&missed(b)));
        order.truncate(self.series.len().div_ceil(16));
        for at in order.iter().rev() {
            self.forget_one(*at);
        }
        let is_awake = &self.is_awake;
        self.awake.retain(|&awake| is_awake[awake as usize]);
    }

    fn forget_one(&mut self, at: u32) {
        let series = &mut self.series[at as usize];
        let hash = self.hasher.hash_one(Name::of(&series.key));
        let change = series.end();
        self.forgotten_until = self.forgotten_until.max(series.last_event + 1);
        if let Some(change) = change {
            let finding = compose(series, &change, self.open_minute, &self.values);
            self.found.push(finding);
        }
        series.clear();
        if let Ok(entry) = self.index.find_entry(hash, |&known| known == at) {
            entry.remove();
        }
        self.is_awake[at as usize] = false;
        self.history.forget(at);
        self.free.push(at);
        self.stats.forgotten += 1;
    }
}

/// A series' key, borrowed; what is hashed.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct Name<'a> {
    account: AccountId,
    region: &'a str,
    source: &'a str,
    name: &'a str,
    insight: InsightType,
    error_code: Option<&'a str>,
    trail: Option<&'a str>,
}

impl<'a> Name<'a> {
    fn of(key: &'a SeriesKey) -> Self {
        Self {
            account: key.account,
            region: key.region.as_str(),
            source: &key.source,
            name: &key.name,
            insight: key.insight,
            error_code: key.error_code.as_deref(),
            trail: key.trail.as_deref(),
        }
    }
}

fn compose(series: &Series, change: &Change, minute: u32, values: &Values) -> Finding {
    let empty = Side::default();
    let (state, open, at, insight) = match change {
        Change::Started(insight) => (State::Start, series.open.as_deref(), None, insight),
        Change::Ended { open, end, insight } => (State::End, Some(&**open), Some(*end), insight),
    };
    let start_minute = open.map_or(minute, |open| open.start);
    let parts = Parts {
        series: &series.key,
        state,
        start_minute,
        minute: at.unwrap_or(start_minute),
        insight,
        baseline: open.map_or(&empty, |open| &open.baseline),
        confidence: open.map_or(0.0, |open| open.confidence),
        expected: open.map_or(0.0, |open| open.expected),
    };
    finding::compose(&parts, values)
}

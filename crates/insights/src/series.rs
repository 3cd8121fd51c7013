//! One series: its counts, its baseline, and whether it is unusual now.

use std::{collections::VecDeque, fmt, ops::RangeInclusive};

use pugmark_core::{
    account::{AccountId, Region},
    event::InsightType,
};
use serde::{Deserialize, Serialize};

use crate::{
    attribution::{Caller, Callers, Value},
    finding::Side,
    model::{Expected, Guard, Law, Profile, Scatter, Seen, WEEK_HOURS},
    settings::Settings,
    snapshot,
};

/// The window that is tested, in minutes: AWS's samples show averages in fifths per minute.
pub(crate) const WINDOW: u32 = 5;
/// Counts by minute: the window, the minute before it that the baseline takes in next, and up to two open minutes.
pub(crate) const RING: u32 = 8;
const WEEK_MINUTES: u32 = WEEK_HOURS * 60;
/// What each window must be surprising beyond to add to the evidence of those before: an usual one is by about 1.
const EVIDENCE_DRIFT: f64 = 10.0;
/// What only adds up must be this many times what is expected.
const EVIDENCE_RATIO: f64 = 4.0;
/// What has this share of its calls in one minute is one turn of a script or timer, whose size is anybody's guess: it must be
/// so many times as surprising as what lasts.
const ONE_MINUTE_SHARE: f64 = 0.75;
const ONE_MINUTE_FACTOR: f64 = 1.6;
/// The recent level forgets half in an hour.
const LEVEL_FADE: f64 = 0.988_514_020_352_896_1;
/// How many calls the recent level needs before it moves the baseline's expectation.
const LEVEL_CALLS: f64 = 10.0;
const LEVEL_MAX: f64 = 3.0;
/// How far one minute can be above what is expected and still raise it whole.
const LEVEL_STEP: f64 = 2.0;
/// Scatter and callers forget with a mean of seven days.
const DAY_FADE: f64 = 0.866_877_899_750_182_2;

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeriesKey {
    /// `recipientAccountId` of the calls.
    #[serde(with = "snapshot::text")]
    pub account: AccountId,
    /// `awsRegion` of the calls.
    #[serde(with = "snapshot::text")]
    pub region: Region,
    /// `eventSource`.
    pub source: Box<str>,
    /// `eventName`.
    pub name: Box<str>,
    /// Calls or errors.
    pub insight: InsightType,
    /// `errorCode`; present exactly for error rates.
    pub error_code: Option<Box<str>>,
    /// `insightSource`, of series on data events: the trail that logs them. Saved apart (`snapshot`).
    #[serde(skip)]
    pub trail: Option<Box<str>>,
}

impl fmt::Display for SeriesKey {
    /// All parts with slashes between; the last may hold slashes itself, so texts of different keys differ.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(trail) = &self.trail {
            write!(f, "{trail}/")?;
        }
        write!(
            f,
            "{}/{}/{}/{}/{}/{}",
            self.account,
            self.region,
            self.insight.as_str(),
            self.source,
            self.name,
            self.error_code.as_deref().unwrap_or_default()
        )
    }
}

/// Minutes per hour in which anything at all was observed. An hour in which nothing was seen of anybody says that the
/// recorder was down, not that nobody called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Observed {
    #[serde(with = "snapshot::minutes")]
    pub(crate) minutes: Box<[u8; 256]>,
    /// The newest hour counted.
    pub(crate) hour: u32,
}

impl Observed {
    pub(crate) fn new(hour: u32) -> Self {
        Self {
            minutes: Box::new([0; 256]),
            hour,
        }
    }

    pub(crate) fn count(&mut self, minute: u32) {
        self.forward(minute / 60);
        let cell = &mut self.minutes[(minute / 60 % 256) as usize];
        *cell = cell.saturating_add(1).min(60);
    }

    pub(crate) fn forward(&mut self, hour: u32) {
        for passed in self.hour + 1..=hour.min(self.hour.saturating_add(256)) {
            self.minutes[(passed % 256) as usize] = 0;
        }
        self.hour = self.hour.max(hour);
    }

    fn minutes(&self, hour: u32) -> u32 {
        if hour > self.hour || self.hour - hour >= 256 {
            return 0;
        }
        u32::from(self.minutes[(hour % 256) as usize])
    }
}

/// An hour counts for the profile when this many of its minutes were observed.
const HOUR_MINUTES_MIN: u32 = 15;

struct SeenSince<'a> {
    observed: &'a Observed,
    since_hour: u32,
}

impl Seen for SeenSince<'_> {
    fn weeks(&self, hour: u32) -> u32 {
        if hour < self.since_hour || self.observed.minutes(hour) < HOUR_MINUTES_MIN {
            return 0;
        }
        (hour - self.since_hour) / WEEK_HOURS + 1
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Direction {
    Rise,
    Drop,
}

/// A finding that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) direction: Direction,
    pub(crate) start: u32,
    /// The last minute that was unusual.
    pub(crate) last: u32,
    /// Calls up to `last`, and after it (which count only when it moves on).
    pub(crate) calls: u64,
    pub(crate) calls_after: u64,
    /// Callers of minutes that left the window.
    pub(crate) callers: Callers,
    pub(crate) baseline: Side,
    pub(crate) confidence: f64,
    /// Per minute.
    pub(crate) expected: f64,
}

/// What a closed minute changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Started(Side),
    Ended {
        open: Box<Open>,
        end: u32,
        insight: Side,
    },
}

/// Everything known about one series. Minutes and hours are counted since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) key: SeriesKey,
    /// From this minute on, its silence is known to be silence.
    pub(crate) since: u32,
    pub(crate) last_event: u32,
    pub(crate) ring: [u32; RING as usize],
    pub(crate) recent: Vec<Caller>,
    /// Hours with calls, all calls counted, of the last seven days.
    pub(crate) hours: VecDeque<(u32, u32)>,
    pub(crate) callers: Callers,
    pub(crate) profile: Profile,
    /// The hour that the profile takes in next, and its calls so far without what was unusual.
    pub(crate) hour: u32,
    pub(crate) hour_calls: f64,
    /// Hours with calls, ever.
    pub(crate) hours_active: u32,
    pub(crate) scatter: Scatter,
    pub(crate) rise: Guard,
    pub(crate) fall: Guard,
    /// How surprising the last windows were together.
    pub(crate) evidence: f32,
    pub(crate) day: u32,
    /// What came and what was expected in about the last hour.
    pub(crate) level: (f64, f64),
    /// The next minute that the baseline takes in.
    pub(crate) learnt: u32,
    /// Minutes that the baseline must not learn from: those of the last finding.
    pub(crate) tainted: (u32, u32),
    pub(crate) open: Option<Box<Open>>,
    /// The expectation of the hour before, this one and the next, for the hour named.
    pub(crate) outlook: Option<(u32, [Option<Expected>; 3])>,
}

/// What a series is told when a minute closes.
pub(crate) struct Closing<'a> {
    pub(crate) minute: u32,
    pub(crate) settings: &'a Settings,
    pub(crate) observed: &'a Observed,
    /// In each minute of the window something was observed of somebody.
    pub(crate) window_observed: bool,
    /// The minute that leaves the window was.
    pub(crate) leaving_observed: bool,
}

impl Series {
    pub(crate) fn new(key: SeriesKey, since: u32, minute: u32) -> Self {
        Self {
            key,
            since,
            last_event: minute,
            ring: [0; RING as usize],
            recent: Vec::new(),
            hours: VecDeque::new(),
            callers: Callers::default(),
            profile: Profile::default(),
            // Silence before its first call is known from `since` on, so the profile starts at zero then.
            hour: since / 60,
            hour_calls: 0.0,
            hours_active: 0,
            scatter: Scatter::NEW,
            rise: Guard::NEW,
            fall: Guard::NEW,
            evidence: 0.0,
            day: minute / 1440,
            level: (0.0, 0.0),
            learnt: minute,
            tainted: (0, 0),
            open: None,
            outlook: None,
        }
    }

    /// Gives back what a forgotten series holds on the heap.
    pub(crate) fn clear(&mut self) {
        let key = self.key.clone();
        *self = Self::new(key, self.since, self.last_event);
    }

    /// Counts calls of an open minute.
    pub(crate) fn count(&mut self, minute: u32, calls: u32) {
        let slot = &mut self.ring[(minute % RING) as usize];
        *slot = slot.saturating_add(calls);
        self.last_event = self.last_event.max(minute);
        self.count_hour(minute / 60, calls);
    }

    /// Counts calls that came too late for the test; the averages hold them.
    pub(crate) fn count_hour(&mut self, hour: u32, calls: u32) {
        if let Some(known) = self
            .hours
            .iter_mut()
            .rev()
            .take(3)
            .find(|known| known.0 == hour)
        {
            known.1 = known.1.saturating_add(calls);
            return;
        }
        while self
            .hours
            .front()
            .is_some_and(|oldest| oldest.0 + WEEK_HOURS + 1 < hour)
        {
            self.hours.pop_front();
        }
        let at = self.hours.partition_point(|known| known.0 < hour);
        if let Some(known) = self.hours.get_mut(at).filter(|known| known.0 == hour) {
            known.1 = known.1.saturating_add(calls);
        } else if at > 0 || self.hours.len() <= WEEK_HOURS as usize {
            self.hours.insert(at, (hour, calls));
            self.hours_active = self.hours_active.saturating_add(1);
        }
    }

    fn at(&self, minute: u32) -> u32 {
        self.ring[(minute % RING) as usize]
    }

    /// The most in one minute of them.
    fn highest(&self, minutes: RangeInclusive<u32>) -> u32 {
        minutes.map(|minute| self.at(minute)).max().unwrap_or(0)
    }

    fn window(&self, last: u32) -> u32 {
        (last + 1 - WINDOW..=last).fold(0, |sum, minute| sum.saturating_add(self.at(minute)))
    }

    /// Closes a minute: learns the one that leaves the window and tests the window.
    pub(crate) fn close(&mut self, now: &Closing<'_>) -> Option<Change> {
        let minute = now.minute;
        self.forward_day(minute / 1440);
        self.forward_hour((minute - WINDOW) / 60, now.observed);
        self.look_out(minute / 60, now.observed);
        self.learn(now);
        if self.open.is_some() {
            return self.test_end(now);
        }
        let age = minute.saturating_sub(self.since);
        let law = self.window_law(minute)?;
        let count = f64::from(self.window(minute));
        let change = self.test_start(now, law, count, age);
        if change.is_none() && minute % WINDOW == WINDOW - 1 && now.window_observed {
            self.scatter.learn(law.mean, count);
        }
        change
    }

    /// Whether the next minute can bring anything without new calls.
    pub(crate) fn is_awake(&self, minute: u32, settings: &Settings) -> bool {
        self.open.is_some()
            || self.ring.iter().any(|&count| count > 0)
            || self
                .rate(minute)
                .is_some_and(|rate| rate.0 * f64::from(WINDOW) >= settings.drop_volume_min * 0.5)
    }

    /// Works out what the hours around this one should bring, once per hour.
    fn look_out(&mut self, hour: u32, observed: &Observed) {
        if self.outlook.is_some_and(|known| known.0 == hour) {
            return;
        }
        let seen = SeenSince {
            observed,
            since_hour: self.since.div_ceil(60),
        };
        let at = |target| self.profile.expected(self.hour, target, &seen);
        self.outlook = Some((hour, [at(hour - 1), at(hour), at(hour + 1)]));
    }

    /// Expected calls per minute from the rhythm alone, between the middles of two hours, and the relative variance
    /// of that.
    fn rate(&self, minute: u32) -> Option<(f64, f64)> {
        let (hour, hours) = self.outlook?;
        let place = (f64::from(minute % 60) + 0.5) / 60.0;
        let this = (minute / 60 + 1).saturating_sub(hour).min(2) as usize;
        let (other, weight) = if place < 0.5 {
            (this.saturating_sub(1), 0.5 - place)
        } else {
            ((this + 1).min(2), place - 0.5)
        };
        let this = hours[this]?;
        let other = hours[other].unwrap_or(this);
        let calls = this.calls * (1.0 - weight) + other.calls * weight;
        Some((calls / 60.0, this.variance.max(other.variance)))
    }

    /// How today's level compares with the rhythm.
    fn level_now(&self) -> f64 {
        ((self.level.0 + LEVEL_CALLS) / (self.level.1 + LEVEL_CALLS))
            .clamp(1.0 / LEVEL_MAX, LEVEL_MAX)
    }

    fn window_law(&self, minute: u32) -> Option<Law> {
        let (rate, variance) = self.rate(minute.saturating_sub(WINDOW / 2))?;
        let age = f64::from(minute.saturating_sub(self.since).min(4 * WEEK_MINUTES));
        // Half a call is added to all that was seen: what never happened is rare, not impossible.
        let floor = 0.5 / (age + 60.0);
        let mean = f64::from(WINDOW) * (rate * self.level_now() + floor);
        Some(self.scatter.law(mean, variance))
    }

    /// 0 to 1: the part of a week that was seen.
    fn confidence(&self, minute: u32) -> f64 {
        (f64::from(minute.saturating_sub(self.since)) / f64::from(WEEK_MINUTES)).min(1.0)
    }

    fn test_start(&mut self, now: &Closing<'_>, law: Law, count: f64, age: u32) -> Option<Change> {
        let settings = now.settings;
        let direction = if count > law.mean {
            Direction::Rise
        } else {
            Direction::Drop
        };
        let drop_possible = law.mean >= settings.drop_volume_min && now.window_observed;
        if direction == Direction::Drop && !drop_possible {
            return None;
        }
        let mut surprise = law.surprise(count);
        // What is too little in one window adds up over several (a one-sided CUSUM of windows that do not overlap).
        let evidence = match direction {
            Direction::Rise => (f64::from(self.evidence) + surprise - EVIDENCE_DRIFT).max(0.0),
            Direction::Drop => 0.0,
        };
        if now.minute % WINDOW == WINDOW - 1 {
            self.evidence = evidence as f32;
        }
        // A rate that wanders for an hour is no anomaly: what only adds up must be high as well.
        let adds_up = evidence > surprise && count >= EVIDENCE_RATIO * law.mean;
        if adds_up {
            surprise = evidence;
        }
        let highest = || f64::from(self.highest(now.minute + 1 - WINDOW..=now.minute));
        let is_one_turn = direction == Direction::Rise && highest() >= ONE_MINUTE_SHARE * count;
        let guard = match direction {
            Direction::Rise => &mut self.rise,
            Direction::Drop => &mut self.fall,
        };
        // While the daily and the weekly rhythm are unknown, more is asked for.
        let days = f64::from(age) / 1440.0;
        let youth = 1.0 + (1.0 - days / 2.0).max(0.0) + 0.5 * (1.0 - days / 7.0).max(0.0);
        let ratio_min = settings.ratio_min * youth;
        let effect = match direction {
            Direction::Rise => {
                count >= f64::from(settings.volume_min) && count >= law.mean * ratio_min
            }
            Direction::Drop => law.mean >= count * ratio_min,
        };
        let mut threshold = guard.threshold(settings.return_days) * youth;
        if is_one_turn {
            threshold *= ONE_MINUTE_FACTOR;
        }
        if age < settings.history_minutes_min || !effect || surprise <= threshold {
            guard.see(surprise.min(threshold));
            return None;
        }
        // Not the whole surprise: a finding should not hide the next one like it, only make a habit of it known.
        guard.see(threshold);
        Some(self.start(now.minute, direction, law))
    }

    fn start(&mut self, minute: u32, direction: Direction, law: Law) -> Change {
        let mean = law.mean / f64::from(WINDOW);
        let first = (minute + 1 - WINDOW).max(self.tainted.1);
        let highest = self.highest(first..=minute);
        let unusual = |at: u32| match direction {
            Direction::Rise => {
                self.at(at) * 4 >= highest.max(1) && f64::from(self.at(at)) > 1.5 * mean
            }
            Direction::Drop => f64::from(self.at(at)) < mean / 1.5,
        };
        let start = (first..=minute).find(|&at| unusual(at)).unwrap_or(minute);
        let mut callers = Callers::default();
        for caller in self.recent.iter().filter(|caller| caller.minute <= minute) {
            callers.add(caller);
        }
        let insight = Side {
            average: f64::from(self.window(minute)) / f64::from(WINDOW),
            minutes: WINDOW,
            callers,
        };
        let calls = (start..=minute).map(|at| u64::from(self.at(at))).sum();
        self.tainted = (start, u32::MAX);
        self.evidence = 0.0;
        self.open = Some(Box::new(Open {
            direction,
            start,
            last: minute,
            calls,
            calls_after: 0,
            callers: Callers::default(),
            baseline: self.baseline(start, minute),
            confidence: self.confidence(minute),
            expected: mean,
        }));
        Change::Started(insight)
    }

    /// The plain average of the seven days before a minute that is still in the ring.
    fn baseline(&self, start: u32, minute: u32) -> Side {
        let first_hour = (start / 60).saturating_sub(WEEK_HOURS).max(self.since / 60);
        let counted: u64 = self
            .hours
            .iter()
            .filter(|hour| hour.0 >= first_hour)
            .map(|hour| u64::from(hour.1))
            .sum();
        // Calls of the unusual minutes, and of those still open, are in the hours too.
        let since_start: u64 = (start..minute + RING - WINDOW)
            .map(|at| u64::from(self.at(at)))
            .sum();
        let minutes = start - (first_hour * 60).max(self.since).min(start);
        Side {
            average: counted.saturating_sub(since_start) as f64 / f64::from(minutes.max(1)),
            minutes,
            callers: self.callers.clone(),
        }
    }

    fn test_end(&mut self, now: &Closing<'_>) -> Option<Change> {
        let minute = now.minute;
        let law = self.window_law(minute);
        let count = f64::from(self.window(minute));
        let last_count = self.at(minute);
        let settings = now.settings;
        let guards = (
            self.rise.threshold(settings.return_days),
            self.fall.threshold(settings.return_days),
        );
        let open = self.open.as_mut()?;
        if minute <= open.last {
            return None;
        }
        let mean = law.map_or(0.0, |law| law.mean);
        let minute_mean = mean / f64::from(WINDOW);
        let surprise = law.map_or(0.0, |law| law.surprise(count));
        open.calls_after += u64::from(last_count);
        let (unusual, calm) = match open.direction {
            Direction::Rise => (
                last_count > 0 && f64::from(last_count) > 1.5 * minute_mean,
                count <= 1.5 * mean || surprise < guards.0 / 3.0,
            ),
            Direction::Drop => (
                f64::from(last_count) < minute_mean / 1.5,
                count >= mean / 1.5 || surprise < guards.1 / 3.0,
            ),
        };
        if unusual {
            open.last = minute;
            open.calls += open.calls_after;
            open.calls_after = 0;
        }
        let settled = minute - open.start >= settings.finding_minutes_max;
        if !calm && !settled {
            return None;
        }
        let ended = self.end()?;
        if settled && !calm {
            self.accept_level(count, mean);
        }
        Some(ended)
    }

    /// Ends the open finding after its last unusual minute.
    pub(crate) fn end(&mut self) -> Option<Change> {
        let open = self.open.take()?;
        let end = open.last + 1;
        self.tainted = (open.start, end);
        let mut callers = open.callers.clone();
        for caller in &self.recent {
            if (open.start..end).contains(&caller.minute) {
                callers.add(caller);
            }
        }
        let minutes = end - open.start;
        let insight = Side {
            average: open.calls as f64 / f64::from(minutes.max(1)),
            minutes,
            callers,
        };
        Some(Change::Ended { open, end, insight })
    }

    /// The level stayed: the rhythm is kept, its height follows.
    fn accept_level(&mut self, count: f64, mean: f64) {
        if mean >= 1.0 {
            self.profile.scale(count / mean * self.level_now());
        } else {
            for cell in 0..WEEK_HOURS {
                self.profile.learn(cell, count * 12.0, 1);
            }
        }
        self.level = (0.0, 0.0);
        self.outlook = None;
    }

    /// Takes the minute that leaves the window into the baseline.
    fn learn(&mut self, now: &Closing<'_>) {
        let leaving = now.minute - WINDOW;
        let calls = std::mem::take(&mut self.ring[(leaving % RING) as usize]);
        let tainted = (self.tainted.0..self.tainted.1).contains(&leaving);
        let rate = self.rate(leaving).map_or(0.0, |rate| rate.0);
        let usual = if tainted {
            rate * self.level_now()
        } else {
            f64::from(calls)
        };
        self.hour_calls += usual;
        let passed = leaving.saturating_sub(self.learnt);
        if passed > 1 {
            // Minutes in which nothing came and nobody looked: expected calls are missing.
            let kept = LEVEL_FADE.powi(passed.min(100_000) as i32 - 1);
            let missed = rate * (1.0 - kept) / (1.0 - LEVEL_FADE);
            self.level = (self.level.0 * kept, self.level.1 * kept + missed);
        }
        if now.leaving_observed {
            // The level follows what lasts. What is about to become a finding must not raise what is expected of it.
            let follows = usual.min(LEVEL_STEP * rate * self.level_now() + 1.0);
            self.level = (
                self.level.0 * LEVEL_FADE + follows,
                self.level.1 * LEVEL_FADE + rate,
            );
        }
        self.learnt = self.learnt.max(leaving);
        let mut open = self.open.take();
        let mut rest = std::mem::take(&mut self.recent);
        rest.retain(|caller| {
            if caller.minute > leaving {
                return true;
            }
            match &mut open {
                Some(open) if caller.minute >= open.start => open.callers.add(caller),
                _ if tainted => {}
                _ => self.callers.add(caller),
            }
            false
        });
        self.recent = rest;
        self.open = open;
    }

    /// Gives complete hours to the profile; hours without a call are complete too.
    fn forward_hour(&mut self, hour: u32, observed: &Observed) {
        if hour <= self.hour {
            return;
        }
        // Further back nobody knows whether the silence was observed; a week of it says enough.
        let first = self.hour.max(hour.saturating_sub(WEEK_HOURS));
        for passed in first..hour {
            let calls = if passed == self.hour {
                self.hour_calls
            } else {
                0.0
            };
            let minutes = observed.minutes(passed);
            if minutes >= HOUR_MINUTES_MIN {
                let weeks = passed.saturating_sub(self.since.div_ceil(60)) / WEEK_HOURS + 1;
                self.profile
                    .learn(passed, calls * 60.0 / f64::from(minutes), weeks);
            }
        }
        self.hour = hour;
        self.hour_calls = 0.0;
        self.outlook = None;
    }

    fn forward_day(&mut self, day: u32) {
        let passed = day.saturating_sub(self.day);
        if passed == 0 {
            return;
        }
        self.rise.end_day(passed - 1);
        self.fall.end_day(passed - 1);
        let kept = DAY_FADE.powi(passed.min(1000) as i32);
        self.scatter.fade(kept);
        self.callers.fade(kept as f32);
        self.day = day;
    }

    /// Calls per minute expected now.
    pub(crate) fn expected_now(&self, minute: u32) -> Option<f64> {
        self.rate(minute).map(|rate| rate.0 * self.level_now())
    }

    /// Every text that the series names.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let open = self.open.iter_mut().flat_map(|open| {
            let open = &mut **open;
            open.callers
                .values_mut()
                .chain(open.baseline.callers.values_mut())
        });
        self.recent
            .iter_mut()
            .flat_map(|caller| caller.values.iter_mut())
            .chain(self.callers.values_mut())
            .chain(open)
    }

    /// Memory on the heap and in the struct.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.key.source.len()
            + self.key.name.len()
            + self.key.region.as_str().len()
            + self.key.error_code.as_ref().map_or(0, |code| code.len())
            + self.recent.capacity() * size_of::<Caller>()
            + self.hours.capacity() * size_of::<(u32, u32)>()
            + self.callers.heap_bytes()
            + self
                .profile
                .cells
                .as_ref()
                .map_or(0, |_| 2 * WEEK_HOURS as usize)
            + (self.rise.days.capacity() + self.fall.days.capacity()) * 2
            + self.open.as_ref().map_or(0, |open| {
                size_of::<Open>() + open.callers.heap_bytes() + open.baseline.callers.heap_bytes()
            })
    }
}

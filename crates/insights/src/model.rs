//! The statistics, as pure functions and small values: how surprising a count is, and how surprising a series gets
//! by itself. `docs/insights.md`, "The test", gives the method, its sources and its reasons.

use serde::{Deserialize, Serialize};

use crate::snapshot;

/// Hours in a week; the profile has one cell for each.
pub(crate) const WEEK_HOURS: u32 = 168;
/// Days of maxima that the guard keeps: what AWS names as the past it learns from.
const GUARD_DAYS: usize = 28;
/// The highest surprise of a day in a series that behaves exactly as the model says: about ln(288 independent
/// windows) plus Euler's constant, with a margin for windows that overlap.
const GUARD_MEAN: f64 = 7.0;
const GUARD_DEVIATION: f64 = 2.5;
/// How many days the two numbers above are worth.
const GUARD_PRIOR_DAYS: f64 = 3.0;
/// A day's maximum below this says only that the day was quiet.
const GUARD_FLOOR: f64 = 4.0;
const EULER: f64 = 0.577_215_664_901_532_9;

/// The negative binomial law of a window's count: `mean` calls, and `size` (smaller: burstier; infinite is Poisson).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Law {
    pub(crate) mean: f64,
    pub(crate) size: f64,
}

impl Law {
    /// Chernoff's bound on the tail, as `-ln p`: the probability of a count at least this high (when above the mean),
    /// or at most this low (when below), is at most `exp(-surprise)`. 0 at the mean.
    ///
    /// Above the mean the bound is taken of the law without its zero, which matters for rare calls: there the
    /// probability that anything happens at all is small already.
    pub(crate) fn surprise(self, count: f64) -> f64 {
        let Self { mean, size } = self;
        if count > mean {
            let slope = (count * (mean + size) / (mean * (count + size))).ln();
            let zero = -size * (mean / size).ln_1p();
            let grown = size * ((count - mean) / (mean + size)).ln_1p();
            // exp(grown) - exp(zero), written so that two nearly equal terms keep their digits.
            let log_generating = zero + (grown - zero).exp_m1().ln();
            (count * slope - log_generating).max(0.0)
        } else if count > 0.0 {
            let ratio = (mean + size) / (count + size);
            ((count + size) * ratio.ln() - count * (mean / count).ln()).max(0.0)
        } else {
            size * (mean / size).ln_1p()
        }
    }
}

/// How far counts scatter around what is expected, learnt from windows that were not unusual.
///
/// Two regimes, because two things make counts burst. Where windows are mostly empty, calls come in clusters (one
/// person's click, one script's loop) whose size does not depend on how often they come: variance grows with the
/// mean. Where windows are full, the rate itself wanders: variance grows with the mean's square.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scatter {
    pub(crate) sparse_excess: f64,
    pub(crate) sparse_mean: f64,
    pub(crate) full_excess: f64,
    pub(crate) full_square: f64,
}

/// Windows expected to hold fewer calls are the sparse regime.
const SPARSE_BELOW: f64 = 2.0;
const CLUSTER_PRIOR: f64 = 1.0;
const CLUSTER_PRIOR_CALLS: f64 = 10.0;
/// Windows farther above the mean are taken to be this far.
const OUTLIER_DEVIATIONS: f64 = 1.0;
const WANDER_PRIOR: f64 = 0.03;
const WANDER_PRIOR_SQUARE: f64 = 100.0;

impl Scatter {
    pub(crate) const NEW: Self = Self {
        sparse_excess: 0.0,
        sparse_mean: 0.0,
        full_excess: 0.0,
        full_square: 0.0,
    };

    pub(crate) fn learn(&mut self, mean: f64, count: f64) {
        // One window must not widen the law for all others: what is far out counts as just far out.
        let deviation = (1.0 / self.law(mean, 0.0).size * mean * mean + mean).sqrt();
        let count = count.min(mean + OUTLIER_DEVIATIONS * deviation);
        let excess = (count - mean) * (count - mean) - mean;
        if mean < SPARSE_BELOW {
            self.sparse_excess += excess;
            self.sparse_mean += mean.max(count * 0.01);
        } else {
            self.full_excess += excess;
            self.full_square += mean * mean;
        }
    }

    /// Weighs the past down; the factor is that of the time passed.
    pub(crate) fn fade(&mut self, factor: f64) {
        self.sparse_excess *= factor;
        self.sparse_mean *= factor;
        self.full_excess *= factor;
        self.full_square *= factor;
    }

    /// The law of a window with this mean, when the mean itself is known up to a relative variance.
    pub(crate) fn law(&self, mean: f64, mean_variance: f64) -> Law {
        let cluster = ((self.sparse_excess + CLUSTER_PRIOR * CLUSTER_PRIOR_CALLS)
            / (self.sparse_mean + CLUSTER_PRIOR_CALLS))
            .clamp(0.5, 500.0);
        let wander = ((self.full_excess + WANDER_PRIOR * WANDER_PRIOR_SQUARE)
            / (self.full_square + WANDER_PRIOR_SQUARE))
            .clamp(0.003, 100.0);
        // In full windows the cluster's part is inside the learnt excess already.
        let spread = if mean < SPARSE_BELOW {
            cluster / mean
        } else {
            wander + cluster.min(3.0) / mean
        };
        Law {
            mean,
            size: 1.0 / (spread + mean_variance),
        }
    }
}

/// The highest surprise of each of the last days, and from them the height that this series reaches by itself only
/// once in a stated time (block maxima with Gumbel's law). Whatever the law above gets wrong about a series, such as
/// a timer's bursts, ends up here and raises its own threshold only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Guard {
    /// In sixteenths, newest last.
    pub(crate) days: Vec<u16>,
    pub(crate) today: f32,
}

impl Guard {
    pub(crate) const NEW: Self = Self {
        days: Vec::new(),
        today: 0.0,
    };

    pub(crate) fn see(&mut self, surprise: f64) {
        self.today = self.today.max(surprise as f32);
    }

    pub(crate) fn end_day(&mut self, quiet_days: u32) {
        self.push(self.today);
        for _ in 0..quiet_days.min(GUARD_DAYS as u32) {
            self.push(0.0);
        }
        self.today = 0.0;
    }

    fn push(&mut self, surprise: f32) {
        if self.days.len() == GUARD_DAYS {
            self.days.remove(0);
        }
        self.days
            .push((f64::from(surprise).max(GUARD_FLOOR) * 16.0).min(65_535.0) as u16);
    }

    /// The surprise that an undisturbed day exceeds with a probability of one in `return_days`.
    pub(crate) fn threshold(&self, return_days: f64) -> f64 {
        // Today is not among them: the rise of what is about to be found would hide it.
        let seen = || self.days.iter().map(|&day| f64::from(day) / 16.0);
        let weight = GUARD_PRIOR_DAYS + seen().count() as f64;
        let mean = (GUARD_MEAN * GUARD_PRIOR_DAYS + seen().sum::<f64>()) / weight;
        let squares = |at: f64| (at - mean) * (at - mean);
        let variance = ((GUARD_DEVIATION * GUARD_DEVIATION + squares(GUARD_MEAN))
            * GUARD_PRIOR_DAYS
            + seen().map(squares).sum::<f64>())
            / weight;
        let scale = variance.sqrt() * 6.0_f64.sqrt() / std::f64::consts::PI;
        let place = mean - EULER * scale;
        let fitted = place - scale * (-(-1.0 / return_days).ln_1p()).ln();
        let highest = seen().fold(0.0, f64::max);
        fitted.max(highest * 1.25)
    }
}

/// Calls per hour for every hour of the week, each the weighted mean of the weeks seen. Stored in half the bits of a
/// `f32` (three significant digits), because it is the largest part of a busy series.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Profile {
    #[serde(with = "snapshot::cells")]
    pub(crate) cells: Option<Box<[u16; WEEK_HOURS as usize]>>,
}

/// Which hours the profile has seen and how often.
pub(crate) trait Seen {
    /// Weeks in which the cell that an absolute hour falls into was observed, the newest within the last 168 hours.
    fn weeks(&self, hour: u32) -> u32;
}

/// What a profile says about one hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Expected {
    /// Calls in the hour.
    pub(crate) calls: f64,
    /// Variance of that mean, relative to its square.
    pub(crate) variance: f64,
}

impl Profile {
    fn cell(&self, hour: u32) -> f64 {
        self.cells.as_ref().map_or(0.0, |cells| {
            f64::from(f32::from_bits(
                u32::from(cells[(hour % WEEK_HOURS) as usize]) << 16,
            ))
        })
    }

    fn set(&mut self, hour: u32, calls: f64) {
        let bits = (calls.max(0.0) as f32).to_bits();
        // Rounded, not cut: a cut would pull a slowly growing mean down every week.
        let rounded = (bits.saturating_add(0x8000) >> 16) as u16;
        if rounded == 0 && self.cells.is_none() {
            return;
        }
        self.cells
            .get_or_insert_with(|| Box::new([0; WEEK_HOURS as usize]))
            [(hour % WEEK_HOURS) as usize] = rounded;
    }

    /// Takes in one complete hour; `weeks` counts it too.
    pub(crate) fn learn(&mut self, hour: u32, calls: f64, weeks: u32) {
        // The last four weeks or so count: enough to average, young enough to follow growth.
        let share = (1.0 / f64::from(weeks.max(1))).max(0.4);
        let before = self.cell(hour);
        self.set(hour, before + share * (calls - before));
    }

    /// Multiplies every cell, after a lasting change of level.
    pub(crate) fn scale(&mut self, factor: f64) {
        for hour in 0..WEEK_HOURS {
            self.set(hour, self.cell(hour) * factor);
        }
    }

    /// What the week so far says about `target` (at most one hour ahead of `now`): the cell itself, shrunken to the
    /// hour of day over all days times the day's level, itself shrunken to the overall mean.
    pub(crate) fn expected(&self, now: u32, target: u32, seen: &impl Seen) -> Option<Expected> {
        let mut hour_of_day = [(0.0_f64, 0.0_f64); 24];
        let (mut total, mut cells) = (0.0, 0.0);
        let past = now.saturating_sub(WEEK_HOURS)..now;
        for hour in past.clone() {
            if seen.weeks(hour) > 0 {
                let calls = self.cell(hour);
                let slot = &mut hour_of_day[(hour % 24) as usize];
                *slot = (slot.0 + calls, slot.1 + 1.0);
                total += calls;
                cells += 1.0;
            }
        }
        if cells == 0.0 {
            return None;
        }
        let overall = total / cells;
        let at_hour = |hour: u32| {
            let (calls, days) = hour_of_day[(hour % 24) as usize];
            (calls + 0.25 * overall) / (days + 0.25)
        };
        let (mut day_calls, mut day_expected) = (0.0, 0.0);
        for hour in past {
            // The profile's week begins on Thursday, 1970-01-01, so equal day indexes are equal days of the week.
            if hour / 24 % 7 == target / 24 % 7 && seen.weeks(hour) > 0 {
                day_calls += self.cell(hour);
                day_expected += at_hour(hour);
            }
        }
        let pull = 2.0 * overall + 5.0;
        let prior = at_hour(target) * (day_calls + pull) / (day_expected + pull);
        let previous = target.saturating_sub(WEEK_HOURS);
        let weeks = f64::from(if target >= WEEK_HOURS {
            seen.weeks(previous).min(4)
        } else {
            0
        });
        // A rare call's single cell says little: it needs about twenty calls to outweigh the prior.
        let prior_weeks = 1.0 + 20.0 / (prior + 1.0);
        let calls = (self.cell(target) * weeks + prior * prior_weeks) / (weeks + prior_weeks);
        let days = hour_of_day[(target % 24) as usize].1;
        let rhythm = if days == 0.0 {
            0.3
        } else {
            0.06 / (days + weeks)
        };
        Some(Expected {
            calls,
            variance: rhythm + 1.0 / (total + 1.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always;
    impl Seen for Always {
        fn weeks(&self, _: u32) -> u32 {
            1
        }
    }

    /// `ln P(Y >= count)` of the negative binomial law, summed term by term.
    fn tail(law: Law, count: u32) -> f64 {
        let q = law.mean / (law.mean + law.size);
        let mut term = (law.size * (-q).ln_1p()).exp();
        let mut below = 0.0;
        let mut above = 0.0;
        for k in 0..200_000_u32 {
            if k < count {
                below += term;
            } else {
                above += term;
            }
            term *= q * (f64::from(k) + law.size) / f64::from(k + 1);
        }
        let _ = below;
        above.ln()
    }

    #[test]
    fn surprise_bounds_the_exact_tail_and_is_close_to_it() {
        for (mean, size) in [
            (100.0, 20.0),
            (20.0, 1e6),
            (0.5, 0.1),
            (2.5e-4, 8e-5),
            (3.0, 2.0),
        ] {
            let law = Law { mean, size };
            for count in [5_u32, 20, 60, 150, 400] {
                if f64::from(count) <= mean {
                    continue;
                }
                let (bound, exact) = (law.surprise(f64::from(count)), -tail(law, count));
                if exact.is_finite() && exact < 600.0 {
                    assert!(bound <= exact + 1e-6, "{law:?} {count}: {bound} {exact}");
                    assert!(
                        bound >= exact * 0.95 - 6.0,
                        "{law:?} {count}: {bound} {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn silence_is_as_surprising_as_its_probability() {
        let law = Law {
            mean: 100.0,
            size: 10.0,
        };
        let exact = -10.0 * (10.0_f64 / 110.0).ln();
        assert!((law.surprise(0.0) - exact).abs() < 1e-9);
        assert!(law.surprise(100.0).abs() < 1e-9 && law.surprise(50.0) > 0.0);
    }

    #[test]
    fn a_series_that_bursts_daily_raises_its_own_threshold() {
        let (mut calm, mut bursty) = (Guard::NEW, Guard::NEW);
        for day in 0..14 {
            calm.see(6.0 + f64::from(day % 3));
            bursty.see(30.0 + f64::from(day % 3) * 5.0);
            calm.end_day(0);
            bursty.end_day(0);
        }
        assert!(calm.threshold(1e4) < 25.0, "{}", calm.threshold(1e4));
        assert!(bursty.threshold(1e4) > 50.0, "{}", bursty.threshold(1e4));
    }

    #[test]
    fn the_profile_learns_the_hour_of_the_week() {
        let mut profile = Profile::default();
        let rate = |hour: u32| {
            if hour / 24 % 7 < 5 && (9..17).contains(&(hour % 24)) {
                600.0
            } else {
                30.0
            }
        };
        for hour in 0..336 {
            profile.learn(hour, rate(hour), hour / 168 + 1);
        }
        for target in 336..504 {
            let got = profile.expected(336, target, &Always).unwrap().calls;
            // Weekends and weekdays share a shrunken mean, so within a factor, not equal.
            let ratio = got / rate(target);
            assert!((0.4..2.6).contains(&ratio), "{target}: {got}");
        }
    }
}

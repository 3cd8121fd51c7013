//! The measured series, for `ListInsightsMetricData`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::finding::minute_start;

/// Resolution of [`Point`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// One minute; kept for 15 days.
    Minute,
    /// Five minutes; kept for 63 days.
    FiveMinutes,
    /// One hour; kept for 90 days.
    Hour,
}

impl Period {
    /// Length in minutes.
    pub fn minutes(self) -> u32 {
        match self {
            Self::Minute => 1,
            Self::FiveMinutes => 5,
            Self::Hour => 60,
        }
    }

    /// How long points are kept, in days (AWS: `ListInsightsMetricData`).
    pub fn days_kept(self) -> u32 {
        match self {
            Self::Minute => 15,
            Self::FiveMinutes => 63,
            Self::Hour => 90,
        }
    }
}

/// Calls in one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The period's start.
    pub time: Timestamp,
    /// Calls or errors in the period.
    pub calls: u64,
}

/// Counts by minute of all series, within one bound of bytes.
#[derive(Debug, Default)]
pub(crate) struct History {
    bytes_max: usize,
    pub(crate) lines: Vec<Line>,
    pub(crate) bytes: usize,
}

/// One series' points, each resolution in its own list: minutes since 1970 and calls.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) tiers: [Vec<(u32, u32)>; 3],
}

const TIERS: [Period; 3] = [Period::Minute, Period::FiveMinutes, Period::Hour];
const POINT_BYTES: usize = size_of::<(u32, u32)>();

impl History {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            ..Self::default()
        }
    }

    pub(crate) fn count(&mut self, at: u32, minute: u32, calls: u32) {
        if self.bytes_max == 0 {
            return;
        }
        let at = at as usize;
        if self.lines.len() <= at {
            self.lines.resize_with(at + 1, Line::default);
        }
        for (tier, period) in self.lines[at].tiers.iter_mut().zip(TIERS) {
            let start = minute - minute % period.minutes();
            let place = match tier.last() {
                Some(last) if last.0 == start => Ok(tier.len() - 1),
                Some(last) if last.0 > start => tier.binary_search_by_key(&start, |point| point.0),
                _ => Err(tier.len()),
            };
            match place {
                Ok(place) => tier[place].1 = tier[place].1.saturating_add(calls),
                Err(place) => {
                    let oldest = minute.saturating_sub(period.days_kept() * 1440);
                    let stale = tier.partition_point(|point| point.0 < oldest);
                    // Dropped in bulk: one by one would move the whole list for each point.
                    let dropped = if stale * 8 > tier.len() { stale } else { 0 };
                    tier.insert(place, (start, calls));
                    tier.drain(..dropped);
                    self.bytes += POINT_BYTES;
                    self.bytes -= dropped * POINT_BYTES;
                }
            }
        }
        if self.bytes > self.bytes_max {
            self.shrink();
        }
    }

    /// Halves the finest points of the longest lists, the older half, until a tenth of the bound is free.
    fn shrink(&mut self) {
        for tier in 0..TIERS.len() {
            while self.bytes > self.bytes_max / 10 * 9 {
                let longest = self
                    .lines
                    .iter_mut()
                    .map(|line| &mut line.tiers[tier])
                    .max_by_key(|points| points.len())
                    .filter(|points| points.len() > 64);
                let Some(points) = longest else { break };
                let dropped = points.len() / 2;
                points.drain(..dropped);
                points.shrink_to_fit();
                self.bytes -= dropped * POINT_BYTES;
            }
        }
    }

    pub(crate) fn points(&self, at: u32, period: Period, from: u32, to: u32) -> Vec<Point> {
        let tier = match period {
            Period::Minute => 0,
            Period::FiveMinutes => 1,
            Period::Hour => 2,
        };
        let Some(line) = self.lines.get(at as usize) else {
            return Vec::new();
        };
        let points = &line.tiers[tier];
        points[points.partition_point(|point| point.0 < from)..]
            .iter()
            .take_while(|point| point.0 < to)
            .map(|&(minute, calls)| Point {
                time: minute_start(minute),
                calls: u64::from(calls),
            })
            .collect()
    }

    pub(crate) fn forget(&mut self, at: u32) {
        if let Some(line) = self.lines.get_mut(at as usize) {
            let points: usize = line.tiers.iter().map(Vec::len).sum();
            self.bytes -= points * POINT_BYTES;
            *line = Line::default();
        }
    }

    /// Takes in a line that was saved.
    pub(crate) fn restore(&mut self, at: u32, line: Line) {
        let at = at as usize;
        if self.bytes_max == 0 {
            return;
        }
        if self.lines.len() <= at {
            self.lines.resize_with(at + 1, Line::default);
        }
        self.bytes += line.tiers.iter().map(Vec::len).sum::<usize>() * POINT_BYTES;
        self.lines[at] = line;
        if self.bytes > self.bytes_max {
            self.shrink();
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.lines.len() * size_of::<Line>()
    }
}

//! When events happen: more by day than by night, fewer at weekends.

use crate::draw::Draw;

const HOUR_SECONDS: i64 = 3600;

/// The moments of so many events, in order.
#[derive(Debug)]
pub(crate) struct Rhythm {
    begin: i64,
    /// What part of all events is over when each hour ends.
    over: Vec<f64>,
    hour: usize,
    number: u64,
    total: u64,
}

impl Rhythm {
    /// `total` events in the `hours` from `begin` on, in epoch seconds.
    pub(crate) fn new(begin: i64, hours: usize, total: u64) -> Self {
        let mut over: Vec<f64> = Vec::with_capacity(hours);
        let mut sum = 0.0;
        for hour in 0..hours as i64 {
            let at = begin / HOUR_SECONDS + hour;
            let (of_day, of_week) = (
                at.rem_euclid(24) as f64,
                (at.div_euclid(24) + 4).rem_euclid(7),
            );
            // The busiest hour is 14:00 UTC; 1970-01-01 was a Thursday, day 4 after Sunday.
            let daily = 1.0 + 0.8 * ((of_day - 14.0) * std::f64::consts::TAU / 24.0).cos();
            sum += daily * if matches!(of_week, 0 | 6) { 0.3 } else { 1.0 };
            over.push(sum);
        }
        over.iter_mut().for_each(|part| *part /= sum);
        Self {
            begin,
            over,
            hour: 0,
            number: 0,
            total,
        }
    }

    /// The next moment, in epoch seconds; none after the last.
    pub(crate) fn next(&mut self, draw: &mut Draw) -> Option<i64> {
        if self.number == self.total {
            return None;
        }
        let part = (self.number as f64 + draw.unit()) / self.total as f64;
        self.number += 1;
        while self.hour + 1 < self.over.len() && self.over[self.hour] < part {
            self.hour += 1;
        }
        let before = self.hour.checked_sub(1).map_or(0.0, |hour| self.over[hour]);
        let within = ((part - before) / (self.over[self.hour] - before)).clamp(0.0, 1.0);
        let second = ((within * HOUR_SECONDS as f64) as i64).min(HOUR_SECONDS - 1);
        Some(self.begin + self.hour as i64 * HOUR_SECONDS + second)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn moments_are_in_order_within_the_range_and_follow_the_day() {
        let begin = 1_789_948_800; // a Monday's midnight
        let mut rhythm = Rhythm::new(begin, 24 * 7, 70_000);
        let (mut draw, mut last, mut hours) = (Draw::new(1), begin, vec![0; 24 * 7]);
        while let Some(second) = rhythm.next(&mut draw) {
            assert!((last..begin + 7 * 86_400).contains(&second));
            last = second;
            hours[((second - begin) / 3600) as usize] += 1;
        }
        assert_eq!(hours.iter().sum::<i32>(), 70_000);
        assert!(hours[14] > 6 * hours[2], "day and night: {hours:?}");
        assert!(hours[14] > 2 * hours[5 * 24 + 14], "weekend: {hours:?}");
        assert!(rhythm.next(&mut draw).is_none());
    }
}

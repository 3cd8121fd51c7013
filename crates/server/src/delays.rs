//! How old the oldest thing is that a follower has not saved yet, from where the journal's head was and when.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use pugmark_journal::Seq;

/// Moments that are remembered: an hour and more of a busy journal looked at every two seconds.
const MOMENTS_MAX: usize = 2048;

/// Where the journal's head was at past moments.
#[derive(Debug, Default)]
pub(crate) struct Delays(Mutex<VecDeque<(Instant, Seq)>>);

impl Delays {
    /// Remembers where the head is. When too many moments are known, every second one is forgotten: what is long ago is
    /// told less exactly.
    pub(crate) fn note(&self, now: Instant, head: Seq) {
        let mut moments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if moments.back().is_some_and(|(_, last)| *last == head) {
            return;
        }
        if moments.len() >= MOMENTS_MAX {
            let mut index = 0;
            moments.retain(|_| {
                index += 1;
                index % 2 == 0
            });
        }
        moments.push_back((now, head));
    }

    /// The age of the oldest entry at or after `position`; nothing is late at the head.
    pub(crate) fn of(&self, now: Instant, position: Seq, head: Seq) -> Duration {
        if position >= head {
            return Duration::ZERO;
        }
        let moments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The head passed the position when it was first seen beyond.
        moments
            .iter()
            .find(|(_, seen)| *seen > position)
            .map_or(Duration::ZERO, |(when, _)| {
                now.saturating_duration_since(*when)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_the_age_of_what_waits_longest() {
        let (delays, start) = (Delays::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        delays.note(at(0), Seq(10));
        delays.note(at(5), Seq(10));
        delays.note(at(10), Seq(20));
        let delay = |position| delays.of(at(60), Seq(position), Seq(20)).as_secs();
        assert_eq!((delay(20), delay(15), delay(3)), (0, 50, 60));
    }

    #[test]
    fn moments_are_bounded() {
        let (delays, start) = (Delays::default(), Instant::now());
        for number in 0..10_000 {
            delays.note(start + Duration::from_secs(number), Seq(number + 1));
        }
        let kept = delays
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len();
        assert!(kept <= MOMENTS_MAX, "{kept}");
        let now = start + Duration::from_secs(10_000);
        let delay = delays.of(now, Seq(5_000), Seq(10_000)).as_secs();
        assert!((4_900..=5_000).contains(&delay), "{delay}");
    }
}

//! How well Insights finds what is unusual: 30 days of made traffic (bursty, with daily and weekly rhythm, slow growth, timers
//! and deployments) with anomalies of many sizes whose places are known, beside two well-known methods in the same run.
//!
//! `cargo bench -p pugmark-insights --bench findings [-- SERIES SEED]`. Goals: precision at least 0.95, recall at least 0.9 for
//! anomalies of 5 times the baseline and more, found within 5 minutes, at most one false finding in 100 series-months.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pugmark_core::account::Region;
use pugmark_insights::{Analyzer, Call, Settings, State};

const DAYS: u32 = 30;
const MINUTES: u32 = DAYS * 1440;
/// A Thursday.
const BEGIN: i64 = 1_789_603_200;
/// Anomalies with fewer calls in their fullest five minutes are asked of nobody (a finding of them is not a false one), and
/// the two other methods look at no fewer.
const VOLUME_MIN: u32 = 30;
const FACTORS: [f64; 5] = [2.0, 3.0, 5.0, 10.0, 30.0];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: u32) -> u32 {
        (self.next() % u64::from(bound)) as u32
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().max(1e-12).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    fn poisson(&mut self, mean: f64) -> u32 {
        if mean > 60.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u32;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }
}

struct Anomaly {
    start: u32,
    end: u32,
    factor: f64,
    /// Calls in its fullest five minutes.
    fullest: u32,
}

struct Traffic {
    /// Calls by minute.
    counts: Vec<u32>,
    anomalies: Vec<Anomaly>,
}

/// One series: a rate of its own, that of the hour and the day, its bursts, and what is done to it.
fn traffic(random: &mut Random) -> Traffic {
    let rate = 0.02 * (random.unit() * (40.0_f64 / 0.02).ln()).exp();
    let (daily, phase) = (0.2 + 0.7 * random.unit(), random.unit() * 24.0);
    let weekend = 0.2 + 0.8 * random.unit();
    let growth = (random.unit() - 0.4) * 0.02;
    let wander = 0.05 + 0.35 * random.unit();
    let cluster = 1.0 + 2.0 * random.unit();
    let timer = (random.below(4) == 0).then(|| (random.below(1440), 3.0 + 10.0 * random.unit()));
    let rhythm = |minute: u32| {
        let hour = f64::from(minute % 1440) / 60.0;
        let wave = 1.0 + daily * (std::f64::consts::TAU * (hour - phase) / 24.0).sin();
        let day = minute / 1440;
        let week = if day % 7 == 2 || day % 7 == 3 {
            weekend
        } else {
            1.0
        };
        wave * week * (growth * f64::from(minute) / 1440.0).exp()
    };
    let mut anomalies: Vec<Anomaly> = Vec::new();
    if random.below(2) == 0 {
        let start = 2880 + random.below(MINUTES - 5000);
        anomalies.push(Anomaly {
            start,
            end: start + 10 + random.below(50),
            factor: FACTORS[random.below(FACTORS.len() as u32) as usize],
            fullest: 0,
        });
    }
    let mut counts = Vec::with_capacity(MINUTES as usize);
    let mut level = 0.0_f64;
    for minute in 0..MINUTES {
        level = 0.98 * level + wander * 0.2 * random.normal();
        let mut mean = rate * rhythm(minute) * level.exp();
        if let Some((at, size)) = timer
            && minute % 1440 == at
        {
            mean += size;
        }
        for anomaly in &anomalies {
            if (anomaly.start..anomaly.end).contains(&minute) {
                mean *= anomaly.factor;
            }
        }
        let bursts = random.poisson(mean / cluster);
        let calls = (0..bursts)
            .map(|_| 1 + random.poisson(cluster - 1.0))
            .sum::<u32>();
        counts.push(calls);
    }
    for anomaly in &mut anomalies {
        let windows = counts[anomaly.start as usize..anomaly.end as usize].windows(5);
        anomaly.fullest = windows.map(|window| window.iter().sum()).max().unwrap_or(0);
    }
    Traffic { counts, anomalies }
}

/// Alarms of a method: series and minute at which it was raised.
type Alarms = Vec<(usize, u32)>;

fn of_insights(all: &[Traffic]) -> Alarms {
    let mut analyzer = Analyzer::new(Settings::default());
    let region: Region = "eu-central-1".parse().expect("a Region");
    let names: Vec<String> = (0..all.len()).map(|at| format!("Call{at}")).collect();
    let by_name: BTreeMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .collect();
    let mut alarms = Alarms::new();
    for minute in 0..MINUTES {
        let second = BEGIN + i64::from(minute) * 60;
        let time = Timestamp::from_second(second).expect("a moment");
        for (at, traffic) in all.iter().enumerate() {
            let count = traffic.counts[minute as usize];
            if count > 0 {
                analyzer.observe_call(&Call {
                    account: "123456789012".parse().expect("an account"),
                    region: &region,
                    source: "iam.amazonaws.com",
                    name: &names[at],
                    time,
                    write: true,
                    error_code: None,
                    identity_arn: Some("arn:aws:iam::123456789012:user/a"),
                    user_agent: Some("aws-cli"),
                    count,
                    trail: None,
                });
            }
        }
        analyzer.advance(Timestamp::from_second(second + 80).expect("a moment"));
        for finding in analyzer.take_findings() {
            if finding.state == State::Start {
                alarms.push((by_name[&*finding.series.name], minute));
            }
        }
    }
    alarms
}

/// Five-minute counts against mean and deviation of the last 24 hours, hit when both deviation and volume say so.
fn of_z_score(all: &[Traffic], limit: f64) -> Alarms {
    of_windows(all, |history| {
        let past = &history[history.len().saturating_sub(288)..];
        let mean = past.iter().sum::<f64>() / past.len() as f64;
        let variance = past.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / past.len() as f64;
        mean + limit * variance.sqrt().max(1.0)
    })
}

/// Exponentially weighted mean and deviation.
fn of_ewma(all: &[Traffic], limit: f64) -> Alarms {
    let mut alarms = Alarms::new();
    for (at, traffic) in all.iter().enumerate() {
        let (mut mean, mut variance, mut is_on) = (0.0_f64, 1.0_f64, false);
        for (window, counts) in traffic.counts.chunks(5).enumerate() {
            let count = f64::from(counts.iter().sum::<u32>());
            let high =
                count >= f64::from(VOLUME_MIN) && count > mean + limit * variance.sqrt().max(1.0);
            if high && !is_on && window > 288 {
                alarms.push((at, window as u32 * 5 + 4));
            }
            is_on = high;
            if !high {
                let difference = count - mean;
                mean += 0.05 * difference;
                variance = 0.95 * (variance + 0.05 * difference * difference);
            }
        }
    }
    alarms
}

fn of_windows(all: &[Traffic], limit: impl Fn(&[f64]) -> f64) -> Alarms {
    let mut alarms = Alarms::new();
    for (at, traffic) in all.iter().enumerate() {
        let (mut history, mut is_on) = (Vec::new(), false);
        for (window, counts) in traffic.counts.chunks(5).enumerate() {
            let count = f64::from(counts.iter().sum::<u32>());
            let high = window > 288 && count >= f64::from(VOLUME_MIN) && count > limit(&history);
            if high && !is_on {
                alarms.push((at, window as u32 * 5 + 4));
            }
            is_on = high;
            history.push(count);
        }
    }
    alarms
}

fn judge(name: &str, all: &[Traffic], alarms: &Alarms) {
    let mut found: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    let mut false_alarms = 0;
    for (at, minute) in alarms {
        // A method may be late by its window; what follows an anomaly within an hour is its echo.
        let of = all[*at]
            .anomalies
            .iter()
            .position(|anomaly| (anomaly.start..anomaly.end + 60).contains(minute));
        match of {
            Some(number) => {
                let delay = minute - all[*at].anomalies[number].start;
                let first = found.entry((*at, number)).or_insert(delay);
                *first = (*first).min(delay);
            }
            None => false_alarms += 1,
        }
    }
    let recall = |least: f64, most: f64| {
        let (mut hit, mut total) = (0, 0);
        for (at, traffic) in all.iter().enumerate() {
            for (number, anomaly) in traffic.anomalies.iter().enumerate() {
                if anomaly.fullest >= VOLUME_MIN && (least..=most).contains(&anomaly.factor) {
                    total += 1;
                    hit += usize::from(found.contains_key(&(at, number)));
                }
            }
        }
        hit as f64 / f64::from(total.max(1))
    };
    let mut delays: Vec<u32> = found
        .iter()
        .filter(|((at, number), _)| all[*at].anomalies[*number].factor >= 5.0)
        .map(|(_, delay)| *delay + 1)
        .collect();
    delays.sort_unstable();
    let delay = |share: f64| {
        delays
            .get((delays.len() as f64 * share) as usize)
            .copied()
            .unwrap_or(0)
    };
    let precision = found.len() as f64 / (found.len() + false_alarms).max(1) as f64;
    println!(
        "{name:<14} {precision:>9.3} {:>8.3} {:>8.3} {:>8.3} {:>8.3} {:>8.3} {:>9} {:>9} {:>14.2}",
        recall(5.0, 100.0),
        recall(2.0, 2.0),
        recall(3.0, 3.0),
        recall(5.0, 5.0),
        recall(10.0, 100.0),
        delay(0.5),
        delay(0.95),
        false_alarms as f64 * 100.0 / all.len() as f64,
    );
}

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let (series, seed) = (numbers.next().unwrap_or(2000), numbers.next().unwrap_or(1));
    let mut random = Random(seed);
    let all: Vec<Traffic> = (0..series).map(|_| traffic(&mut random)).collect();
    let visible = |traffic: &Traffic| {
        let visible = traffic
            .anomalies
            .iter()
            .filter(|it| it.fullest >= VOLUME_MIN);
        visible.count()
    };
    let anomalies: usize = all.iter().map(visible).sum();
    println!(
        "{series} series, {DAYS} days, {anomalies} anomalies; false findings in 100 series-months"
    );
    println!(
        "{:<14} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>14}",
        "method", "precision", "recall5+", "2x", "3x", "5x", "10x+", "min p50", "min p95", "false"
    );
    judge("Pugmark", &all, &of_insights(&all));
    for limit in [4.0, 8.0] {
        judge(&format!("z-score {limit}"), &all, &of_z_score(&all, limit));
        judge(&format!("EWMA {limit}"), &all, &of_ewma(&all, limit));
    }
}

//! The analyzer's state as bytes: what it knows can be loaded again, and goes on as if nothing had been.

use std::{borrow::Cow, collections::BTreeMap};

use pugmark_core::account::{AccountId, Region};
use serde::{Deserialize, Serialize};

use crate::{
    Analyzer, Settings,
    history::Line,
    series::{Observed, Series},
};

/// The first byte; version 1 has no [`OfTrails`].
const VERSION: u8 = 2;

/// Bytes that are no saved state.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Written by a newer version.
    #[error("saved Insights have unknown version {0}")]
    UnknownVersion(u8),
    /// Not readable.
    #[error("saved Insights are damaged: {0}")]
    Damaged(String),
}

#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    values: Cow<'a, [Box<str>]>,
    values_kept: usize,
    scopes: Vec<(String, String, u32)>,
    // Borrowed, for nothing is counted while this is written.
    series: Vec<(Cow<'a, Series>, Cow<'a, Line>)>,
    /// Places in `series`.
    awake: Vec<u32>,
    open_minute: u32,
    minutes_observed: Vec<bool>,
    observed: Cow<'a, Observed>,
    forgotten_until: u32,
}

/// What version 2 appends: the trails of the series on data events.
#[derive(Serialize, Deserialize, Default)]
struct OfTrails {
    /// Places in `series`, and their trails' ARNs.
    series: Vec<(u32, Box<str>)>,
    since: Vec<(Box<str>, u32)>,
}

impl Analyzer {
    /// Its state, without findings that were not taken.
    pub fn save(&self) -> Vec<u8> {
        let mut places: Vec<u32> = self.index.iter().copied().collect();
        places.sort_unstable();
        let renumbered: BTreeMap<u32, u32> = places.iter().copied().zip(0..).collect();
        let series = places.iter().map(|&at| {
            let line = self.history.lines.get(at as usize);
            let line = line.map_or_else(Cow::default, Cow::Borrowed);
            (Cow::Borrowed(&self.series[at as usize]), line)
        });
        let scopes = self
            .scopes
            .iter()
            .map(|((account, region), since)| (account.to_string(), region.to_string(), *since));
        let saved = Saved {
            values: Cow::Borrowed(&self.values.texts),
            values_kept: self.values_kept,
            scopes: scopes.collect(),
            series: series.collect(),
            awake: self
                .awake
                .iter()
                .filter_map(|at| renumbered.get(at).copied())
                .collect(),
            open_minute: self.open_minute,
            minutes_observed: self.minutes_observed.to_vec(),
            observed: Cow::Borrowed(&self.observed),
            forgotten_until: self.forgotten_until,
        };
        let trail = |(at, place): (&u32, u32)| {
            let trail = self.series[*at as usize].key.trail.clone()?;
            Some((place, trail))
        };
        let of_trails = OfTrails {
            series: places.iter().zip(0..).filter_map(trail).collect(),
            since: self.trails.clone().into_iter().collect(),
        };
        let bytes = vec![VERSION];
        postcard::to_extend(&saved, bytes)
            .and_then(|bytes| postcard::to_extend(&of_trails, bytes))
            .expect("memory takes every write")
    }

    /// The analyzer that was saved, with these settings.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are damaged.
    pub fn load(settings: Settings, bytes: &[u8]) -> Result<Self, LoadError> {
        let damaged = |error: &dyn std::fmt::Display| LoadError::Damaged(error.to_string());
        let (&version, rest) = bytes
            .split_first()
            .ok_or_else(|| damaged(&"they are empty"))?;
        if !(1..=VERSION).contains(&version) {
            return Err(LoadError::UnknownVersion(version));
        }
        let (mut saved, rest): (Saved<'_>, _) =
            postcard::take_from_bytes(rest).map_err(|error| damaged(&error))?;
        let of_trails: OfTrails = match version {
            1 => OfTrails::default(),
            _ => postcard::from_bytes(rest).map_err(|error| damaged(&error))?,
        };
        for (at, trail) in of_trails.series {
            let series = saved.series.get_mut(at as usize);
            let (series, _) = series.ok_or_else(|| damaged(&"a trail's series is missing"))?;
            series.to_mut().key.trail = Some(trail);
        }
        let mut analyzer = Self::new(settings);
        for text in &*saved.values {
            analyzer.values.intern(text, usize::MAX);
        }
        analyzer.values_kept = saved.values_kept;
        analyzer.trails = of_trails.since.into_iter().collect();
        for (account, region, since) in saved.scopes {
            let account: AccountId = account.parse().map_err(|error| damaged(&error))?;
            let region: Region = region.parse().map_err(|error| damaged(&error))?;
            analyzer.scopes.insert((account, region), since);
        }
        for (at, (series, line)) in (0_u32..).zip(saved.series) {
            analyzer.series.push(series.into_owned());
            analyzer.is_awake.push(false);
            analyzer.insert(at);
            analyzer.history.restore(at, line.into_owned());
        }
        for at in saved.awake {
            let is_awake = analyzer
                .is_awake
                .get_mut(at as usize)
                .ok_or_else(|| damaged(&"a series is missing"))?;
            *is_awake = true;
            analyzer.awake.push(at);
        }
        analyzer.open_minute = saved.open_minute;
        analyzer.minutes_observed = saved
            .minutes_observed
            .try_into()
            .map_err(|_| damaged(&"minutes are missing"))?;
        analyzer.observed = saved.observed.into_owned();
        analyzer.forgotten_until = saved.forgotten_until;
        Ok(analyzer)
    }
}

/// What has a form as text.
pub(crate) mod text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The cells of a profile.
pub(crate) mod cells {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::model::WEEK_HOURS;

    type Cells = Option<Box<[u16; WEEK_HOURS as usize]>>;

    pub(crate) fn serialize<S: Serializer>(
        cells: &Cells,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        cells.as_ref().map(|cells| &cells[..]).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Cells, D::Error> {
        let cells: Option<Vec<u16>> = Option::deserialize(deserializer)?;
        cells
            .map(|cells| {
                let cells = cells.into_boxed_slice().try_into();
                cells.map_err(|_| D::Error::custom("hours are missing"))
            })
            .transpose()
    }
}

/// Minutes by hour.
pub(crate) mod minutes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        minutes: &[u8; 256],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        minutes[..].serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Box<[u8; 256]>, D::Error> {
        let minutes = Vec::deserialize(deserializer)?.into_boxed_slice();
        minutes
            .try_into()
            .map_err(|_| D::Error::custom("hours are missing"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::Timestamp;

    use super::*;
    use crate::{Call, Finding};

    /// Two days of some series, each with one burst on the second; loaded again every `every` calls.
    fn findings(every: usize) -> Vec<Finding> {
        let mut analyzer = Analyzer::new(Settings::default());
        let region: Region = "eu-central-1".parse().unwrap();
        let mut random = 7_u64;
        let mut below = |bound: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % bound
        };
        let (mut found, mut calls) = (Vec::new(), 0);
        for minute in 0..2 * 1440_i64 {
            for name in 0..12_i64 {
                let bursts = (0..7).contains(&(minute - 1500 - name * 60));
                let count = below(3) + if bursts { 60 } else { 0 };
                for number in 0..count {
                    let name = format!("Name{name}");
                    let second = 1_790_000_000 / 60 * 60 + minute * 60 + (number % 60) as i64;
                    analyzer.observe_call(&Call {
                        account: "123456789012".parse().unwrap(),
                        region: &region,
                        source: "iam.amazonaws.com",
                        name: &name,
                        time: Timestamp::from_second(second).unwrap(),
                        write: true,
                        error_code: (number % 5 == 0).then_some("AccessDenied"),
                        identity_arn: Some("arn:aws:iam::123456789012:user/a"),
                        user_agent: Some("aws-cli"),
                        count: 1,
                        trail: None,
                    });
                    calls += 1;
                    if calls % every == 0 {
                        found.extend(analyzer.take_findings());
                        analyzer = Analyzer::load(Settings::default(), &analyzer.save()).unwrap();
                    }
                }
            }
        }
        found.extend(analyzer.take_findings());
        found
    }

    #[test]
    fn what_is_loaded_goes_on_as_if_nothing_had_been() {
        let whole = findings(usize::MAX);
        assert!(whole.len() > 10, "{}", whole.len());
        for every in [997, 5003] {
            assert_eq!(findings(every), whole);
        }
    }

    /// Each trail counts what it logs, reads too; what one knows is gone when it looks no longer.
    #[test]
    fn data_events_are_counted_by_trail() {
        let mut analyzer = Analyzer::new(Settings::default());
        let region: Region = "eu-central-1".parse().unwrap();
        let begin = 1_790_000_000 / 60 * 60;
        let mut get = |minute: i64, trail: &str, count| {
            analyzer.observe_call(&Call {
                account: "123456789012".parse().unwrap(),
                region: &region,
                source: "s3.amazonaws.com",
                name: "GetObject",
                time: Timestamp::from_second(begin + minute * 60).unwrap(),
                write: true,
                error_code: None,
                identity_arn: None,
                user_agent: None,
                count,
                trail: Some(trail),
            });
        };
        for minute in 0..2 * 1440 {
            get(minute, "a", if minute % 1440 < 1435 { 1 } else { 60 });
            get(minute, "b", 1);
        }
        let found = analyzer.take_findings();
        assert!(!found.is_empty());
        for finding in &found {
            assert_eq!(finding.series.trail.as_deref(), Some("a"));
            let record: serde_json::Value = serde_json::from_slice(&finding.event.json).unwrap();
            let details = &record["insightDetails"];
            assert_eq!(
                (&details["sourceEventCategory"], &details["insightSource"]),
                (&"Data".into(), &"a".into())
            );
        }
        let mut analyzer = Analyzer::load(Settings::default(), &analyzer.save()).unwrap();
        assert_eq!(analyzer.series().count(), 2);
        analyzer.retain_trails(|trail| trail == "b");
        let left: Vec<_> = analyzer.series().map(|it| it.trail.clone()).collect();
        assert_eq!(left, [Some("b".into())]);
        assert_eq!(analyzer.save(), {
            let loaded = Analyzer::load(Settings::default(), &analyzer.save()).unwrap();
            loaded.save()
        });
    }

    #[test]
    fn version_1_is_read() {
        let mut analyzer = Analyzer::new(Settings::default());
        analyzer.observe_call(&Call {
            account: "123456789012".parse().unwrap(),
            region: &"eu-central-1".parse().unwrap(),
            source: "iam.amazonaws.com",
            name: "CreateUser",
            time: Timestamp::from_second(1_790_000_000).unwrap(),
            write: true,
            error_code: None,
            identity_arn: None,
            user_agent: None,
            count: 1,
            trail: None,
        });
        let now = analyzer.save();
        let nothing = postcard::to_allocvec(&OfTrails::default()).unwrap();
        let mut before = now.strip_suffix(&*nothing).unwrap().to_vec();
        before[0] = 1;
        let loaded = Analyzer::load(Settings::default(), &before).unwrap();
        assert_eq!(loaded.save(), now);
    }

    #[test]
    fn damage_is_told() {
        assert!(matches!(
            Analyzer::load(Settings::default(), b""),
            Err(LoadError::Damaged(_))
        ));
        assert!(matches!(
            Analyzer::load(Settings::default(), b"\x03"),
            Err(LoadError::UnknownVersion(3))
        ));
        let saved = Analyzer::new(Settings::default()).save();
        for cut in 1..saved.len() {
            assert!(Analyzer::load(Settings::default(), &saved[..cut]).is_err());
        }
    }

    /// Whether so many calls more, spread over some minutes of the last of nine quiet days, are a finding.
    fn is_found(more: u32, minutes: u32) -> bool {
        let mut analyzer = Analyzer::new(Settings::default());
        let region: Region = "eu-central-1".parse().unwrap();
        let mut random = 7_u64;
        for minute in 0..9 * 1440_i64 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let is_more = (12_500..12_500 + i64::from(minutes)).contains(&minute);
            analyzer.observe_call(&Call {
                account: "123456789012".parse().unwrap(),
                region: &region,
                source: "iam.amazonaws.com",
                name: "CreateUser",
                time: Timestamp::from_second(1_790_000_000 / 60 * 60 + minute * 60).unwrap(),
                write: true,
                error_code: None,
                identity_arn: None,
                user_agent: None,
                count: (random >> 33) as u32 % 3 + if is_more { more / minutes } else { 0 },
                trail: None,
            });
        }
        !analyzer.take_findings().is_empty()
    }

    /// A script's one turn is less surprising than as many calls that last.
    #[test]
    fn what_comes_within_one_minute_must_be_more() {
        let least = |minutes: u32| {
            (10..100)
                .map(|calls| calls / minutes * minutes)
                .find(|more| is_found(*more, minutes))
        };
        let (lasting, at_once) = (least(4).unwrap(), least(1).unwrap());
        assert!(
            at_once >= lasting + 4,
            "{at_once} at once, {lasting} lasting"
        );
        assert!(
            at_once <= 2 * lasting,
            "{at_once} at once, {lasting} lasting"
        );
    }
}

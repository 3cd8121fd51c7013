//! What was found, in the words of AWS's validator: valid files on standard output, all else on standard error.

use std::{
    collections::HashMap,
    io::{IsTerminal, Write},
};

use jiff::Timestamp;
use pugmark_core::clock::{iso_seconds, parse_basic_seconds};

use super::digest::{Digest, LogFile, stamp};

/// What was found out of a log file: by its bucket and key.
pub(crate) type LogVerdicts = HashMap<(String, String), Result<(), &'static str>>;

/// What was found.
#[derive(Default)]
pub(super) struct Report {
    verbose: bool,
    pub(super) digests: Count,
    pub(super) backfills: Count,
    logs: Count,
    found: Option<(Timestamp, Timestamp)>,
    /// The last line was followed by an empty one.
    is_spaced: bool,
    is_terminal: bool,
    checked: usize,
    pub(super) expected: usize,
    /// Of log files, for who wants to know them all.
    pub(super) verdicts: Option<LogVerdicts>,
}

#[derive(Default)]
pub(super) struct Count {
    valid: usize,
    pub(super) invalid: usize,
}

impl Report {
    /// For a person; with valid files if it is verbose, else with a bar that moves.
    pub(super) fn told(verbose: bool) -> Self {
        Self {
            verbose,
            is_spaced: true,
            is_terminal: std::io::stderr().is_terminal() && !verbose,
            ..Self::default()
        }
    }

    /// With the verdict of each log file.
    pub(super) fn kept() -> Self {
        Self {
            is_spaced: true,
            verdicts: Some(HashMap::new()),
            ..Self::default()
        }
    }

    /// A line that is always shown.
    pub(super) fn say(&mut self, text: &str) {
        self.clear_progress();
        let mut err = std::io::stderr();
        let _ = if self.is_spaced {
            write!(err, "{text}\n\n")
        } else {
            write!(err, "\n{text}\n\n")
        };
        self.is_spaced = true;
    }

    fn mention(&mut self, text: &str) {
        if self.verbose {
            self.is_spaced = false;
            println!("{text}");
        }
    }

    fn of(&mut self, backfill: bool) -> (&mut Count, &'static str) {
        match backfill {
            true => (&mut self.backfills, "(backfill) "),
            false => (&mut self.digests, ""),
        }
    }

    pub(super) fn invalid_digest(&mut self, backfill: bool, name: &str, words: &str) {
        let (count, head) = self.of(backfill);
        count.invalid += 1;
        self.say(&format!("{head}Digest file\t{name}\t{words}"));
    }

    pub(super) fn valid_digest(
        &mut self,
        backfill: bool,
        name: &str,
        span: Option<(Timestamp, Timestamp)>,
    ) {
        let (count, head) = self.of(backfill);
        count.valid += 1;
        self.mention(&format!("{head}Digest file\t{name}\tvalid"));
        if let Some((from, to)) = span {
            let (first, last) = self.found.unwrap_or((from, to));
            self.found = Some((first.min(from), last.max(to)));
        }
    }

    pub(super) fn log(&mut self, log: &LogFile, verdict: Result<(), &'static str>) {
        self.checked += 1;
        if let Some(verdicts) = &mut self.verdicts {
            let place = (log.s3_bucket.clone(), log.s3_object.clone());
            verdicts.insert(place, verdict);
        }
        let name = format!("Log file\ts3://{}/{}", log.s3_bucket, log.s3_object);
        match verdict {
            Ok(()) => {
                self.logs.valid += 1;
                self.mention(&format!("{name}\tvalid"));
            }
            Err(words) => {
                self.logs.invalid += 1;
                self.say(&format!("{name}\t{words}"));
            }
        }
        if self.is_terminal && (self.checked.is_multiple_of(50) || self.checked == self.expected) {
            let (done, all) = (self.checked, self.expected.max(self.checked));
            let filled = 30 * done / all.max(1);
            eprint!(
                "\r[{}{}] {done}/{all} log files",
                "=".repeat(filled),
                " ".repeat(30 - filled)
            );
        }
    }

    fn clear_progress(&self) {
        if self.is_terminal && self.checked > 0 {
            eprint!("\r{:60}\r", "");
        }
    }

    pub(super) fn gap(&mut self, backfill: bool, older: &str, began: Timestamp) {
        let head = if backfill { "(backfill) " } else { "" };
        if let Some(ended) = stamp(older).and_then(parse_basic_seconds) {
            self.say(&format!(
                "{head}No log files were delivered by CloudTrail between {} and {}",
                iso_seconds(ended),
                iso_seconds(began)
            ));
        }
    }

    /// A digest is not there, nor, by the chain's rhythm, are those before it: AWS's validator does not tell.
    pub(super) fn missing_in_a_row(&mut self, missing: &str, older: &str, newer: &Digest) {
        let length = match (
            newer.digest_start_time.parse::<Timestamp>(),
            newer.digest_end_time.parse::<Timestamp>(),
        ) {
            (Ok(from), Ok(to)) => to.duration_since(from),
            _ => return,
        };
        let (Some(from), Some(to)) = (
            stamp(older).and_then(parse_basic_seconds),
            stamp(missing).and_then(parse_basic_seconds),
        ) else {
            return;
        };
        let between = to.duration_since(from).as_secs() / length.as_secs().max(1);
        if between > 1 {
            self.say(&format!(
                "No digest file between {} and {}: beside the missing one, {} more were deleted, or logging was off then",
                iso_seconds(from),
                iso_seconds(to),
                between - 1
            ));
        }
    }

    /// The last lines; whether all was valid.
    pub(super) fn summary(&mut self, start: Timestamp, end: Timestamp) -> bool {
        self.clear_progress();
        if !self.is_spaced {
            println!();
        }
        println!(
            "Results requested for {} to {}",
            iso_seconds(start),
            iso_seconds(end)
        );
        let digests = [&self.digests, &self.backfills];
        if digests.iter().all(|count| count.valid + count.invalid == 0) {
            println!("No digests found");
            return self.logs.invalid == 0;
        }
        match self.found {
            None => println!("No valid digests found in range"),
            Some((from, to)) => println!(
                "Results found for {} to {}:",
                iso_seconds(from),
                iso_seconds(to)
            ),
        }
        for (count, name) in [
            (&self.digests, "digest"),
            (&self.backfills, "backfill digest"),
            (&self.logs, "log"),
        ] {
            let all = count.valid + count.invalid;
            if all > 0 {
                print!("\n{}/{all} {name} files valid", count.valid);
                if count.invalid > 0 {
                    print!(", {}/{all} {name} files INVALID", count.invalid);
                }
            }
        }
        println!();
        self.digests.invalid + self.backfills.invalid + self.logs.invalid == 0
    }
}

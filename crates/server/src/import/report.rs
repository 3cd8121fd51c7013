//! What a person reads while files are imported and afterwards.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufWriter, IsTerminal, Write},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use pugmark_import::{Counts, Observer, Skip};
use serde_json::json;

use crate::lookup::clean;

/// Places of each reason that are named in the summary.
const NAMED_MAX: usize = 5;
/// How often the progress is drawn.
const DRAW_INTERVAL: Duration = Duration::from_millis(100);
const BAR: usize = 30;

/// Collects what was left out, and draws the progress.
pub(super) struct Report {
    began: Instant,
    drawn: Option<Instant>,
    is_terminal: bool,
    reasons: BTreeMap<String, (u64, Vec<String>)>,
    file: Option<BufWriter<fs::File>>,
    failed: Option<std::io::Error>,
}

impl Report {
    /// With a file that gets a line for all that was left out.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(super) fn new(path: Option<&Path>) -> anyhow::Result<Self> {
        let file = path
            .map(|path| {
                let file = fs::File::create(path);
                file.with_context(|| format!("create {}", path.display()))
            })
            .transpose()?;
        Ok(Self {
            began: Instant::now(),
            drawn: None,
            is_terminal: std::io::stderr().is_terminal(),
            reasons: BTreeMap::new(),
            file: file.map(BufWriter::new),
            failed: None,
        })
    }

    fn draw(&mut self, counts: &Counts) {
        let is_due = self
            .drawn
            .is_none_or(|drawn| drawn.elapsed() >= DRAW_INTERVAL);
        if !self.is_terminal || !is_due {
            return;
        }
        self.drawn = Some(Instant::now());
        let done = counts.files + counts.files_before;
        // How much there is, is known when all of it is listed.
        let bar = match counts.is_listed {
            true => {
                let part = counts.bytes as f64 / counts.bytes_listed.max(1) as f64;
                let filled = (part.min(1.0) * BAR as f64) as usize;
                format!("[{}{}] ", "=".repeat(filled), " ".repeat(BAR - filled))
            }
            false => format!("[{:^BAR$}] ", "listing"),
        };
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let line = format!(
            "{bar}{done}/{} files, {} events, {:.0} events/s, {:.1} MB/s",
            counts.listed,
            counts.events,
            counts.events as f64 / seconds,
            counts.bytes as f64 / 1e6 / seconds,
        );
        eprint!("\r{line:<100}");
    }

    /// The last words; whether nothing was left out.
    ///
    /// # Errors
    /// When the report could not be written.
    pub(super) fn finish(mut self, counts: &Counts) -> anyhow::Result<bool> {
        if self.is_terminal && self.drawn.is_some() {
            eprint!("\r{:100}\r", "");
        }
        if let Some(mut file) = self.file.take() {
            let written = file.flush();
            self.failed
                .take()
                .map_or(written, Err)
                .context("write the report")?;
        }
        print!("{}", self.summary(counts));
        Ok(counts.skipped == 0 && counts.files_cut_off == 0 && !counts.is_stopped)
    }

    fn summary(&self, counts: &Counts) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        let mut out = format!("{} files read", counts.files);
        for (count, words) in [
            (counts.files_before, "imported before"),
            (counts.digests, "digests passed over"),
        ] {
            if count > 0 {
                out += &format!(", {count} {words}");
            }
        }
        out += &format!(
            " ({:.1} MB in {seconds:.1} s)\n{} events: {} added, {} there already\n",
            counts.bytes as f64 / 1e6,
            counts.events,
            counts.added,
            counts.duplicates
        );
        if counts.skipped > 0 {
            out += &format!("{} left out:\n", counts.skipped);
        }
        for (reason, (count, places)) in &self.reasons {
            out += &format!("  {count} × {reason}\n");
            for place in places {
                out += &format!("      {place}\n");
            }
            if *count > places.len() as u64 {
                out += "      …\n";
            }
        }
        if counts.added > 0 {
            out += "pugmark lookup --origin imported --account '*' --region '*' shows them\n";
        }
        if counts.is_stopped {
            out += "stopped; the same command goes on from here\n";
        }
        out
    }
}

impl Observer for Report {
    fn skipped(&mut self, path: &str, skip: &Skip) {
        let (count, places) = self.reasons.entry(skip.reason.clone()).or_default();
        *count += 1;
        if places.len() < NAMED_MAX {
            let detail = clean(&skip.detail);
            places.push(format!("{} at byte {}: {detail}", clean(path), skip.offset));
        }
        if let Some(file) = &mut self.file {
            let line = json!({"file": path, "offset": skip.offset, "reason": skip.reason, "detail": skip.detail});
            if let Err(error) = writeln!(file, "{line}") {
                self.failed.get_or_insert(error);
            }
        }
    }

    fn progress(&mut self, counts: &Counts) {
        self.draw(counts);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_left_out_is_grouped_named_and_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut report = Report::new(Some(file.path())).unwrap();
        for offset in 0..7 {
            let skip = Skip {
                offset,
                reason: "no eventTime".to_owned(),
                detail: "eventTime is missing\u{1b}[2J".to_owned(),
            };
            report.skipped("/a\u{7}", &skip);
        }
        let counts = Counts {
            files: 3,
            files_before: 2,
            events: 10,
            added: 9,
            duplicates: 1,
            skipped: 7,
            ..Counts::default()
        };
        let summary = report.summary(&counts);
        assert!(
            summary.starts_with("3 files read, 2 imported before ("),
            "{summary}"
        );
        assert!(
            summary
                .contains("10 events: 9 added, 1 there already\n7 left out:\n  7 × no eventTime\n")
        );
        assert_eq!(summary.matches(" at byte ").count(), NAMED_MAX);
        assert!(!summary.contains(['\u{1b}', '\u{7}']), "{summary:?}");
        assert!(!report.finish(&counts).unwrap());
        let lines = fs::read_to_string(file.path()).unwrap();
        assert_eq!(lines.lines().count(), 7);
        let line: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&line["file"], &line["offset"]),
            (&json!("/a\u{7}"), &json!(0))
        );
    }
}

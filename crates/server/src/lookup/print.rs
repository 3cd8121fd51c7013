//! Events at the terminal: a table, JSON, or one record a line.

use std::io::Write;

use aws_sdk_cloudtrail::types::Event;
use jiff::Timestamp;
use serde_json::Value;

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// A CloudTrail log file: {"Records":[…]}.
    Json,
    /// One record a line.
    Ndjson,
}

/// What is printed of an event.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) seconds: Option<i64>,
    pub(super) user: Option<String>,
    pub(super) name: Option<String>,
    pub(super) source: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
    pub(super) record: String,
}

impl Line {
    /// Of an event of SearchEvents.
    pub(super) fn of_json(event: &Value) -> Self {
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        Self {
            id: text("EventId").unwrap_or_default(),
            seconds: event["EventTime"].as_f64().map(|seconds| seconds as i64),
            user: text("Username"),
            name: text("EventName"),
            source: text("EventSource"),
            resource: event["Resources"][0]["ResourceName"]
                .as_str()
                .map(str::to_owned),
            account: text("AccountId"),
            region: text("Region"),
            record: text("CloudTrailEvent").unwrap_or_else(|| "null".into()),
        }
    }

    /// Of an event of LookupEvents.
    pub(super) fn of_sdk(event: &Event) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let resource = event.resources().first();
        Self {
            id: event.event_id().unwrap_or_default().to_owned(),
            seconds: event.event_time().map(|time| time.secs()),
            user: owned(event.username()),
            name: owned(event.event_name()),
            source: owned(event.event_source()),
            resource: owned(resource.and_then(|resource| resource.resource_name())),
            account: None,
            region: None,
            record: event.cloud_trail_event().unwrap_or("null").to_owned(),
        }
    }

    pub(super) fn error_code(&self) -> Option<String> {
        let record: Value = serde_json::from_str(&self.record).ok()?;
        record.get("errorCode")?.as_str().map(str::to_owned)
    }
}

/// Prints events as they come.
pub(super) struct Printer<W> {
    pub(super) out: W,
    pub(super) format: Format,
    pub(super) color: bool,
    /// Whether accounts and Regions are told.
    pub(super) is_wide: bool,
    pub(super) rows: usize,
}

impl<W: Write> Printer<W> {
    pub(super) fn row(&mut self, line: &Line) -> std::io::Result<()> {
        self.rows += 1;
        match self.format {
            Format::Ndjson => return writeln!(self.out, "{}", line.record),
            Format::Json => {
                let before = if self.rows == 1 {
                    "{\"Records\":["
                } else {
                    ","
                };
                return write!(self.out, "{before}{}", line.record);
            }
            Format::Table => {}
        }
        if self.rows == 1 {
            let place = if self.is_wide {
                format!("{:<12}  {:<14}  ", "ACCOUNT", "REGION")
            } else {
                String::new()
            };
            let head = format!(
                "{:<20}  {place}{:<24}  {:<28}  {:<20}  RESOURCE",
                "TIME", "USER", "EVENT", "SERVICE"
            );
            writeln!(self.out, "{}", self.paint("1", &head))?;
        }
        let time = line
            .seconds
            .and_then(|seconds| Timestamp::from_second(seconds).ok());
        let time = time
            .map(pugmark_core::clock::iso_seconds)
            .unwrap_or_default();
        write!(self.out, "{time:<20}  ")?;
        if self.is_wide {
            let (account, region) = (line.account.as_deref(), line.region.as_deref());
            write!(self.out, "{}  {}  ", cell(account, 12), cell(region, 14))?;
        }
        let error = line.error_code();
        let name = self.paint(
            if error.is_some() { "31" } else { "36" },
            &cell(line.name.as_deref(), 28),
        );
        let source = line.source.as_deref();
        let source = source.map(|source| source.trim_end_matches(".amazonaws.com"));
        write!(
            self.out,
            "{}  {name}  {}  ",
            cell(line.user.as_deref(), 24),
            cell(source, 20)
        )?;
        let resource = clean(line.resource.as_deref().unwrap_or("-"));
        match error {
            Some(code) => {
                let code = self.paint("31", &format!("failed: {}", clean(&code)));
                writeln!(self.out, "{resource}  {code}")
            }
            None => writeln!(self.out, "{resource}"),
        }
    }

    /// What comes after the last event.
    pub(super) fn end(&mut self) -> std::io::Result<()> {
        if self.format == Format::Json {
            let before = if self.rows == 0 { "{\"Records\":[" } else { "" };
            writeln!(self.out, "{before}]}}")?;
        }
        self.out.flush()
    }

    /// Counts, as the server told them.
    pub(super) fn counts(&mut self, counts: &Value) -> std::io::Result<()> {
        if self.format != Format::Table {
            return writeln!(self.out, "{counts}");
        }
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let mut row = |count: u64, what: &str| writeln!(self.out, "{count:>12}  {}", clean(what));
        for value in counts["Values"].as_array().into_iter().flatten() {
            row(
                number(&value["Count"]),
                value["Value"].as_str().unwrap_or_default(),
            )?;
        }
        for (member, what) in [
            ("OtherCount", "(other values)"),
            ("MissingCount", "(no value)"),
        ] {
            if number(&counts[member]) > 0 {
                row(number(&counts[member]), what)?;
            }
        }
        for entry in counts["Histogram"].as_array().into_iter().flatten() {
            let time = entry["Time"].as_i64();
            let time = time.and_then(|seconds| Timestamp::from_second(seconds).ok());
            let time = time.map(pugmark_core::clock::iso_seconds);
            row(number(&entry["Count"]), &time.unwrap_or_default())?;
        }
        row(number(&counts["Total"]), "events in all")
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Warns if an answer lacks the events of damaged files; whether it does.
pub(super) fn warn_incomplete(answer: &Value) -> bool {
    let incomplete = &answer["Incomplete"];
    let Some(count) = incomplete["DamagedFileCount"].as_u64() else {
        return false;
    };
    eprintln!(
        "warning: events are missing: {count} of event history's files cannot be read (restore them and start the server again)"
    );
    let files = incomplete["DamagedFiles"].as_array();
    for file in files.into_iter().flatten().filter_map(Value::as_str) {
        eprintln!("  {}", clean(file));
    }
    true
}

/// A text cut and padded to a column.
fn cell(text: Option<&str>, width: usize) -> String {
    let text = clean(text.unwrap_or("-"));
    let cut: String = text.chars().take(width).collect();
    format!("{cut:<width$}")
}

/// Events hold what callers sent: control characters and marks that turn the direction of writing must not reach the terminal.
pub(crate) fn clean(text: &str) -> String {
    let is_harmful =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| if is_harmful(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_cannot_drive_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}"), "a\u{fffd}[2Jb\u{fffd}");
    }
}

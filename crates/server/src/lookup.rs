//! `pugmark lookup`: event history at the terminal, from any CloudTrail endpoint, AWS's included.

use std::io::{IsTerminal, Write};

use anyhow::{Context, bail};
use aws_sdk_cloudtrail::{
    primitives::DateTime,
    types::{Event, LookupAttribute, LookupAttributeKey},
};
use jiff::{SignedDuration, Timestamp};

use crate::client;

/// `pugmark lookup`. Exit code 0: events found; 1: none found; 2: an error.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// The API operation, such as CreateBucket.
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// The service, such as iam or iam.amazonaws.com.
    #[arg(long, value_name = "SERVICE")]
    source: Option<String>,
    /// The user name, role session name, or root.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Name or ARN of what the call touched.
    #[arg(long, value_name = "NAME")]
    resource: Option<String>,
    /// Type of what the call touched, such as AWS::IAM::Role.
    #[arg(long, value_name = "TYPE")]
    resource_type: Option<String>,
    /// The access key that signed.
    #[arg(long, value_name = "ID")]
    access_key: Option<String>,
    /// The event's id.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Only calls that change nothing.
    #[arg(long, conflicts_with = "writes")]
    reads: bool,
    /// Only calls that change something.
    #[arg(long)]
    writes: bool,
    /// Only calls that failed.
    #[arg(long)]
    errors: bool,
    /// Only Insights events.
    #[arg(long)]
    insights: bool,
    /// From when: 15m, 2h, 7d ago, or a time such as 2026-01-19T21:00:00Z.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Until when, in the same forms.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// How many events at most.
    #[arg(long, short = 'n', default_value_t = 50, value_name = "COUNT")]
    limit: usize,
    /// Print whole records, one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: client::Server,
    /// When to colour.
    #[arg(long, default_value = "auto")]
    color: Color,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// Runs the command; `Ok(false)` when nothing was found.
pub(crate) async fn run(command: Command) -> anyhow::Result<bool> {
    let client = command.server.cloudtrail().await?;
    let now = Timestamp::now();
    let since = command
        .since
        .as_deref()
        .map(|text| moment("--since", text, now))
        .transpose()?;
    let until = command
        .until
        .as_deref()
        .map(|text| moment("--until", text, now))
        .transpose()?;
    let filters = filters(&command);
    let first = filters.first().map(|(key, value)| {
        LookupAttribute::builder()
            .attribute_key(key.clone())
            .attribute_value(value)
            .build()
    });
    let first = first.transpose()?.map(|attribute| vec![attribute]);
    let color = match command.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    let mut out = Table {
        out: std::io::stdout().lock(),
        json: command.json,
        color,
        rows: 0,
    };
    let mut token = None;
    loop {
        let page = client
            .lookup_events()
            .set_lookup_attributes(first.clone())
            .set_start_time(since.map(|time| DateTime::from_secs(time.as_second())))
            .set_end_time(until.map(|time| DateTime::from_secs(time.as_second())))
            .set_event_category(
                command
                    .insights
                    .then_some(aws_sdk_cloudtrail::types::EventCategory::Insight),
            )
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| command.server.explain(&error))?;
        for event in page.events() {
            if matches_rest(event, filters.get(1..).unwrap_or_default(), command.errors) {
                match out.row(event) {
                    Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                        return Ok(true);
                    }
                    other => other?,
                }
                if out.rows == command.limit {
                    return Ok(true);
                }
            }
        }
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            if out.rows == 0 && std::io::stderr().is_terminal() {
                eprintln!(
                    "no event matches; event history holds management events of the last 90 days"
                );
            }
            return Ok(out.rows > 0);
        }
    }
}

/// All filters that `LookupEvents` knows; the service takes the first, the rest is compared here.
fn filters(command: &Command) -> Vec<(LookupAttributeKey, String)> {
    let source = command
        .source
        .as_ref()
        .map(|source| match source.contains('.') {
            true => source.clone(),
            false => format!("{source}.amazonaws.com"),
        });
    let read_only = (command.reads || command.writes).then(|| command.reads.to_string());
    // The most selective first.
    [
        (LookupAttributeKey::EventId, command.id.clone()),
        (LookupAttributeKey::ResourceName, command.resource.clone()),
        (LookupAttributeKey::AccessKeyId, command.access_key.clone()),
        (LookupAttributeKey::Username, command.user.clone()),
        (LookupAttributeKey::EventName, command.event.clone()),
        (
            LookupAttributeKey::ResourceType,
            command.resource_type.clone(),
        ),
        (LookupAttributeKey::EventSource, source),
        (LookupAttributeKey::ReadOnly, read_only),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect()
}

fn matches_rest(event: &Event, filters: &[(LookupAttributeKey, String)], errors: bool) -> bool {
    let resource = |matches: &dyn Fn(&aws_sdk_cloudtrail::types::Resource) -> bool| {
        event.resources().iter().any(matches)
    };
    filters.iter().all(|(key, value)| match key {
        LookupAttributeKey::EventId => event.event_id() == Some(value),
        LookupAttributeKey::EventName => event.event_name() == Some(value),
        LookupAttributeKey::EventSource => event.event_source() == Some(value),
        LookupAttributeKey::Username => event.username() == Some(value),
        LookupAttributeKey::AccessKeyId => event.access_key_id() == Some(value),
        LookupAttributeKey::ReadOnly => event.read_only() == Some(value),
        LookupAttributeKey::ResourceName => resource(&|it| it.resource_name() == Some(value)),
        LookupAttributeKey::ResourceType => resource(&|it| it.resource_type() == Some(value)),
        _ => false,
    }) && (!errors || error_code(event).is_some())
}

fn error_code(event: &Event) -> Option<String> {
    let record: serde_json::Value = serde_json::from_str(event.cloud_trail_event()?).ok()?;
    record.get("errorCode")?.as_str().map(str::to_owned)
}

/// `2h` means two hours ago; anything else is a time.
pub(crate) fn moment(flag: &str, text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    if let Some(days) = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<i64>().ok())
    {
        let ago = days
            .checked_mul(24)
            .map(SignedDuration::from_hours)
            .with_context(|| format!("{flag} {text}"))?;
        return now
            .checked_sub(ago)
            .with_context(|| format!("{flag} {text} is too long ago"));
    }
    if let Ok(ago) = text.parse::<SignedDuration>() {
        return now
            .checked_sub(ago)
            .with_context(|| format!("{flag} {text} is too long ago"));
    }
    match text.parse() {
        Ok(time) => Ok(time),
        Err(_) => bail!(
            "{flag}: give 15m, 2h or 7d, or a time such as 2026-01-19T21:00:00Z, not {text:?}"
        ),
    }
}

struct Table<W> {
    out: W,
    json: bool,
    color: bool,
    rows: usize,
}

impl<W: Write> Table<W> {
    fn row(&mut self, event: &Event) -> std::io::Result<()> {
        self.rows += 1;
        if self.json {
            return writeln!(self.out, "{}", event.cloud_trail_event().unwrap_or("null"));
        }
        if self.rows == 1 {
            let head = format!(
                "{:<20}  {:<24}  {:<28}  {:<20}  RESOURCE",
                "TIME", "USER", "EVENT", "SERVICE"
            );
            writeln!(self.out, "{}", self.paint("1", &head))?;
        }
        let time = event
            .event_time()
            .and_then(|time| Timestamp::from_second(time.secs()).ok());
        let time = time
            .map(pugmark_core::clock::iso_seconds)
            .unwrap_or_default();
        let error = error_code(event);
        let name = self.paint(
            if error.is_some() { "31" } else { "36" },
            &cell(event.event_name(), 28),
        );
        let source = event
            .event_source()
            .map(|source| source.trim_end_matches(".amazonaws.com"));
        let resource = event
            .resources()
            .first()
            .and_then(|resource| resource.resource_name());
        write!(
            self.out,
            "{time:<20}  {}  {name}  {}  ",
            cell(event.username(), 24),
            cell(source, 20)
        )?;
        let resource = clean(resource.unwrap_or("-"));
        match error {
            Some(code) => {
                let code = self.paint("31", &format!("failed: {}", clean(&code)));
                writeln!(self.out, "{resource}  {code}")
            }
            None => writeln!(self.out, "{resource}"),
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// A text cut and padded to a column.
fn cell(text: Option<&str>, width: usize) -> String {
    let text = clean(text.unwrap_or("-"));
    let cut: String = text.chars().take(width).collect();
    format!("{cut:<width$}")
}

/// Events hold what callers sent: control characters must not reach the terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn moments_are_ages_or_times() {
        let now: Timestamp = "2026-01-19T21:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("15m", "2026-01-19T20:45:00Z"),
            ("2h", "2026-01-19T19:00:00Z"),
            ("7d", "2026-01-12T21:00:00Z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(moment("--since", text, now).unwrap().to_string(), expected);
        }
        assert!(moment("--since", "yesterday", now).is_err());
    }

    #[test]
    fn a_hostile_name_cannot_drive_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}

//! `pugmark lookup`: event history at the terminal, from any CloudTrail endpoint, AWS's included.

mod classic;
mod print;
pub(crate) mod question;

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) use self::print::clean;
use self::{
    classic::Classic,
    print::{Format, Line, Printer},
    question::{Question, Range},
};
use crate::{
    caller::{Caller, Refused},
    client,
};

/// Events of a page, so that the first ones are shown at once.
const PAGE_EVENTS: usize = 200;
/// Seconds between two tries to reach a server that is away, at most.
const RETRY_SECONDS_MAX: u32 = 10;
/// How long the server may wait for the next event.
const WAIT_SECONDS: u64 = 20;

/// `pugmark lookup`. Exit code 0: events found; 1: none found; 2: an error.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(flatten)]
    question: Question,
    /// How many events at most [default: 50, no limit with --follow].
    #[arg(long, short = 'n', value_name = "COUNT")]
    limit: Option<usize>,
    /// Go on with events as they happen, oldest first: those since --since, else from now on.
    #[arg(long, short = 'f', conflicts_with_all = ["until", "oldest_first", "count_by", "per"])]
    follow: bool,
    /// Count events by the values of a field, such as EventName or userIdentity.arn, instead of printing them.
    #[arg(long, value_name = "FIELD")]
    count_by: Option<String>,
    /// Count events for each stretch of time, such as 1h.
    #[arg(long, value_name = "DURATION")]
    per: Option<String>,
    /// How to print.
    #[arg(long, short, default_value = "table", value_name = "FORMAT")]
    output: Format,
    /// The same as --output ndjson.
    #[arg(long, conflicts_with = "output")]
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

/// Whether to go on after an event was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    More,
    Enough,
}

/// Runs the command; `Ok(false)` when nothing was found.
pub(crate) async fn run(mut command: Command) -> anyhow::Result<bool> {
    let all_regions = command.server.takes_all_regions();
    let range = command.question.range(Timestamp::now())?;
    let mut printer = printer(&command, all_regions);
    let done = look_up(&command, range, all_regions, &mut printer).await;
    match done {
        // Who reads no further, such as head, has seen enough.
        Err(error) if is_broken_pipe(&error) => return Ok(true),
        other => other?,
    }
    match printer.end() {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(true),
        other => other?,
    }
    if printer.rows == 0 && std::io::stderr().is_terminal() {
        eprintln!(
            "no event matches; event history holds management events of the last 90 days, and what was imported. \
             --region '*' looks in all Regions, --account '*' in all accounts that you may see"
        );
    }
    Ok(printer.rows > 0)
}

async fn look_up<W: Write>(
    command: &Command,
    range: Range,
    all_regions: bool,
    printer: &mut Printer<W>,
) -> anyhow::Result<()> {
    let question = &command.question;
    if let Some(caller) = Caller::of(&command.server).await? {
        let searched = search(command, &caller, range, all_regions, printer).await;
        match searched {
            Err(error) if printer.rows == 0 && is_unknown_operation(&error) => {}
            other => return other,
        }
    }
    let flag = question.needs_search().or_else(|| {
        let counts = command.count_by.is_some() || command.per.is_some();
        match (all_regions, counts) {
            (true, _) => Some("--region '*'"),
            (_, true) => Some("--count-by and --per"),
            _ => None,
        }
    });
    if let Some(flag) = flag {
        bail!("{flag} needs SearchEvents, which this server does not have: only a Pugmark does");
    }
    let classic = Classic {
        client: command.server.cloudtrail().await?,
        server: &command.server,
        question,
    };
    let show = shower(command, printer);
    match command.follow {
        true => {
            let since = range.since.unwrap_or_else(Timestamp::now);
            classic.follow(since, show).await
        }
        false => classic.all(range, show).await,
    }
}

async fn search<W: Write>(
    command: &Command,
    caller: &Caller,
    range: Range,
    all_regions: bool,
    printer: &mut Printer<W>,
) -> anyhow::Result<()> {
    let mut input = command.question.input(range, all_regions)?;
    if command.count_by.is_some() || command.per.is_some() {
        if let Some(field) = &command.count_by {
            input["CountBy"] = field.as_str().into();
        }
        if let Some(per) = &command.per {
            input["IntervalSeconds"] = seconds(per)?.into();
        }
        if let Some(limit) = command.limit {
            input["MaxValues"] = limit.clamp(1, 1000).into();
        }
        let counts = caller.call("CountEvents", &input).await?;
        print::warn_incomplete(&counts);
        printer.counts(&counts)?;
        printer.rows = counts["Total"].as_u64().map_or(0, |total| total as usize);
        // Counts are whole as they are: no closing bracket.
        printer.format = Format::Table;
        return Ok(());
    }
    command.question.put_order(&mut input);
    if command.follow {
        input["Order"] = "Arrival".into();
        input["WaitSeconds"] = WAIT_SECONDS.into();
        leave_out_own_calls(&mut input);
    }
    let limit = limit(command);
    input["MaxResults"] = limit.clamp(1, PAGE_EVENTS).into();
    let mut show = shower(command, printer);
    let mut retries = Retries::default();
    let mut is_warned = false;
    loop {
        let page = match caller.call("SearchEvents", &input).await {
            Ok(page) => page,
            // Its place is known: nothing is lost while the server is away.
            Err(error)
                if command.follow && input.get("NextToken").is_some() && is_transient(&error) =>
            {
                retries.wait(&error).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        retries.done();
        is_warned = is_warned || print::warn_incomplete(&page);
        for event in page["Events"].as_array().into_iter().flatten() {
            if show(Line::of_json(event))? == Shown::Enough {
                return Ok(());
            }
        }
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => return Ok(()),
        }
    }
}

/// How often the server was asked in vain.
#[derive(Default)]
struct Retries(u32);

impl Retries {
    async fn wait(&mut self, error: &anyhow::Error) {
        if self.0 == 0 {
            eprintln!("{error:#}; trying again");
        }
        self.0 = (self.0 + 1).min(RETRY_SECONDS_MAX);
        tokio::time::sleep(Duration::from_secs(self.0.into())).await;
    }

    fn done(&mut self) {
        if std::mem::take(&mut self.0) > 0 {
            eprintln!("going on");
        }
    }
}

/// Whether the same call may succeed later: the server was not reached, or says that it is its own fault.
fn is_transient(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Refused>() {
        Some(refused) => refused.is_transient(),
        None => true,
    }
}

/// Following calls SearchEvents again and again, and each call is an event.
fn leave_out_own_calls(input: &mut Value) {
    let Some(filters) = input["Filters"].as_array_mut() else {
        return;
    };
    let asks_for_it = filters.iter().any(|filter| {
        filter["Values"]
            .as_array()
            .is_some_and(|values| values.contains(&"SearchEvents".into()))
    });
    if !asks_for_it {
        filters.push(
            json!({"Field": "EventName", "Operator": "NotEquals", "Values": ["SearchEvents"]}),
        );
    }
}

fn limit(command: &Command) -> usize {
    command
        .limit
        .unwrap_or(if command.follow { usize::MAX } else { 50 })
}

fn printer(command: &Command, all_regions: bool) -> Printer<impl Write + use<>> {
    let color = match command.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    let out = std::io::stdout().lock();
    let out: Box<dyn Write> = match command.follow || std::io::stdout().is_terminal() {
        // Each event is seen when it happens, also through a pipe.
        true => Box::new(std::io::LineWriter::new(out)),
        false => Box::new(std::io::BufWriter::new(out)),
    };
    Printer {
        out,
        format: if command.json {
            Format::Ndjson
        } else {
            command.output
        },
        color,
        is_wide: all_regions || !command.question.account.is_empty(),
        rows: 0,
    }
}

fn shower<'a, W: Write>(
    command: &Command,
    printer: &'a mut Printer<W>,
) -> impl FnMut(Line) -> anyhow::Result<Shown> + use<'a, W> {
    let limit = limit(command);
    move |line| {
        if printer.rows >= limit {
            return Ok(Shown::Enough);
        }
        printer.row(&line)?;
        Ok(match printer.rows >= limit {
            true => Shown::Enough,
            false => Shown::More,
        })
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn is_unknown_operation(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<Refused>();
    refused.is_some_and(Refused::is_unknown_operation)
}

/// Seconds of a duration such as `15m` or `1d`.
fn seconds(text: &str) -> anyhow::Result<i64> {
    let now = Timestamp::UNIX_EPOCH;
    let seconds = -moment("--per", text, now)?.as_second();
    if seconds < 1 {
        bail!("--per: give a duration such as 15m, 1h or 1d, not {text:?}");
    }
    Ok(seconds)
}

/// `2h` or `2h ago` means two hours ago, a date its first moment in UTC; anything else is a time.
pub(crate) fn moment(flag: &str, text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    let age = text.strip_suffix("ago").map_or(text, str::trim_end);
    let days = age
        .strip_suffix('d')
        .and_then(|days| days.parse::<i64>().ok());
    let ago = match days {
        Some(days) => days.checked_mul(86_400).map(SignedDuration::from_secs),
        None => age.parse().ok(),
    };
    if let Some(ago) = ago.filter(|ago| !ago.is_negative()) {
        return now
            .checked_sub(ago)
            .with_context(|| format!("{flag} {text} is too long ago"));
    }
    let midnight = || format!("{text}T00:00:00Z").parse();
    text.parse().or_else(|_| midnight()).map_err(|_| {
        anyhow!(
            "{flag}: give 15m, 2h or 7d, or a time such as 2026-01-19T21:00:00Z or 2026-01-19, not {text:?}"
        )
    })
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
            ("2h ago", "2026-01-19T19:00:00Z"),
            ("7d ago", "2026-01-12T21:00:00Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(moment("--since", text, now).unwrap().to_string(), expected);
        }
        for text in [
            "yesterday",
            "ago",
            "",
            "-2h",
            "-7d",
            "2h hence",
            "2026-01-02T03:04:05",
            "2026-13-01",
            "9999999999999d",
            "300000000000000000d",
        ] {
            assert!(moment("--since", text, now).is_err(), "{text}");
        }
        assert_eq!(
            (seconds("15m").unwrap(), seconds("1d").unwrap()),
            (900, 86_400)
        );
        assert!(seconds("0s").is_err());
    }
}

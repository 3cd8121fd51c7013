//! `pugmark export`: the events that match as one file, streamed from the server, in constant memory.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    caller::{self, Caller, Refused},
    client,
    lookup::question::Question,
};

/// How often the progress line is written anew.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);
const BAR_LETTERS: usize = 24;

/// `pugmark export`. Exit code 0: the file is whole; 2: it is not, and was not kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// The file, or - for standard output.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The form of the file [default: by its name, else ndjson].
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Export although events of damaged files are missing.
    #[arg(long)]
    allow_incomplete: bool,
    #[command(flatten)]
    question: Question,
    #[command(flatten)]
    server: client::Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line for each event; safe to open in a spreadsheet.
    Csv,
    /// A CloudTrail log file: {"Records":[…]}.
    Json,
    /// One record a line.
    Ndjson,
    /// Columns, as in event history's own files.
    Parquet,
}

impl Format {
    fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Json => "JSON",
            Self::Ndjson => "NDJSON",
            Self::Parquet => "PARQUET",
        }
    }
}

/// Runs the command.
pub(crate) async fn run(mut command: Command) -> anyhow::Result<bool> {
    let all_regions = command.server.takes_all_regions();
    let range = command.question.range(Timestamp::now())?;
    let mut input = command.question.input(range, all_regions)?;
    let format = command.format.or_else(|| Format::of_name(&command.file));
    let format = format.unwrap_or(Format::Ndjson);
    let missing = "this server has no ExportEvents: only a Pugmark does";
    let Some(caller) = Caller::of(&command.server).await? else {
        bail!(missing);
    };
    let mut out = Output::new(&command.file)?;
    let total = match std::io::stderr().is_terminal() {
        // Asked for the progress bar alone.
        true => count(&caller, &input).await.unwrap_or_default(),
        false => None,
    };
    command.question.put_order(&mut input);
    input["Format"] = format.name().into();
    if command.allow_incomplete {
        input["AllowIncomplete"] = true.into();
    }
    let answer = caller.open("ExportEvents", &input).await;
    let answer = answer.map_err(|error| match error.downcast_ref::<Refused>() {
        Some(refused) if refused.is_unknown_operation() => error.context(missing),
        Some(refused) if refused.is("IncompleteHistoryException") => {
            error.context("not exported; --allow-incomplete exports what there is")
        }
        _ => error,
    })?;
    let mut progress = Progress::new(format, total);
    let mut body = answer.into_body();
    while let Some(data) = caller::next(&mut body).await? {
        out.write(&data)?;
        progress.saw(&data);
    }
    out.keep()?;
    progress.end(&command.file);
    Ok(true)
}

async fn count(caller: &Caller, input: &Value) -> anyhow::Result<Option<u64>> {
    Ok(caller.call("CountEvents", input).await?["Total"].as_u64())
}

/// A file that gets its name when it is whole.
enum Output {
    Stdout(std::io::Stdout),
    File {
        file: std::fs::File,
        /// Deleted when it is not kept.
        temporary: Temporary,
        path: PathBuf,
    },
}

struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Renamed, if all went well.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Output {
    fn new(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            let out = std::io::stdout();
            if out.is_terminal() {
                eprintln!("writing to the terminal; give a file's name to write there");
            }
            return Ok(Self::Stdout(out));
        }
        let mut name = path
            .file_name()
            .with_context(|| format!("{} is no name of a file", path.display()))?
            .to_owned();
        name.push(".part");
        let temporary = path.with_file_name(name);
        let file = std::fs::File::create(&temporary)
            .with_context(|| format!("create {}", temporary.display()))?;
        Ok(Self::File {
            file,
            temporary: Temporary(temporary),
            path: path.to_owned(),
        })
    }

    fn write(&mut self, data: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Stdout(out) => out.write_all(data).context("write to standard output"),
            Self::File { file, path, .. } => {
                let failed = || format!("write {}", path.display());
                file.write_all(data).with_context(failed)
            }
        }
    }

    fn keep(self) -> anyhow::Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush().context("write to standard output"),
            Self::File {
                file,
                temporary,
                path,
            } => {
                let failed = || format!("write {}", path.display());
                file.sync_all().with_context(failed)?;
                std::fs::rename(&temporary.0, &path).with_context(failed)
            }
        }
    }
}

/// A line at the terminal that tells how far it is.
struct Progress {
    is_shown: bool,
    format: Format,
    total: Option<u64>,
    began: Instant,
    shown: Option<Instant>,
    bytes: u64,
    lines: u64,
}

impl Progress {
    fn new(format: Format, total: Option<u64>) -> Self {
        Self {
            is_shown: std::io::stderr().is_terminal(),
            format,
            total,
            began: Instant::now(),
            shown: None,
            bytes: 0,
            lines: 0,
        }
    }

    fn saw(&mut self, data: &[u8]) {
        self.bytes += data.len() as u64;
        if self.format == Format::Ndjson {
            self.lines += data.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        let is_due = self
            .shown
            .is_none_or(|at| at.elapsed() >= PROGRESS_INTERVAL);
        if !self.is_shown || !is_due {
            return;
        }
        self.shown = Some(Instant::now());
        let megabytes = self.bytes as f64 / 1e6;
        let rate = megabytes / self.began.elapsed().as_secs_f64().max(0.001);
        let line = match self.total.filter(|_| self.format == Format::Ndjson) {
            // Events arrive while it is written, so the total is a guess.
            Some(total) => {
                let done = (self.lines as f64 / total.max(1) as f64).min(1.0);
                let full = (done * BAR_LETTERS as f64) as usize;
                format!(
                    "[{}{}] {:3.0}%  {} of {total} events",
                    "#".repeat(full),
                    " ".repeat(BAR_LETTERS - full),
                    done * 100.0,
                    self.lines
                )
            }
            None => match self.total {
                Some(total) => format!("{total} events"),
                None => String::new(),
            },
        };
        eprint!("\r{:78}\r{line}  {megabytes:.1} MB, {rate:.1} MB/s", "");
    }

    fn end(&self, path: &Path) {
        if !self.is_shown {
            return;
        }
        let megabytes = self.bytes as f64 / 1e6;
        let seconds = self.began.elapsed().as_secs_f64();
        eprintln!(
            "\r{:78}\r{}: {megabytes:.1} MB in {seconds:.1} s",
            "",
            path.display()
        );
    }
}

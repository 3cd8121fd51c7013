//! `pugmark import`: log files of trails, from this machine or a bucket, into event history.
//!
//! They go into a table of their own, `<data-dir>/imports/`, which searches read beside the recorded events and which is kept
//! without the 90 days' limit. A server that runs on the same data directory shows them as soon as they are committed.

mod local;
mod report;
mod s3;
mod sink;
mod verify;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, bail};
use pugmark_core::{account::AccountId, event::record::Place};
use pugmark_import::{Failed, File, Files, Import};

use self::{local::Local, report::Report, s3::Objects, sink::TableSink, verify::Verdicts};
use crate::{client, settings, validate::Store, wiring};

/// Events after which what was read is made durable.
const COMMIT_EVENTS: u64 = 2_000_000;
/// Files of this machine that are ready to be opened, and objects that are being fetched.
const FILES_AHEAD: usize = 16;

/// Import log files of CloudTrail.
///
/// Takes log files as trails deliver them, packed or not, lists and lines of records, and what `aws cloudtrail lookup-events`
/// prints; from a file, from all files below a folder, or from a bucket. Each event is taken once, however often it is there.
/// What was imported is not read again, and an import that was stopped goes on where it was.
///
/// Exit code 0: everything was imported, 1: something was left out or it was stopped, 2: error.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// Files, folders, s3://BUCKET/PREFIX.
    #[arg(value_name = "PATH|s3://…", required = true)]
    sources: Vec<String>,
    /// The server's data directory [default: pugmark-data]
    #[arg(long, env = "PUGMARK_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The account of records that do not say it, and whose file's path does not either; --region does the same.
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// Check the digests beside the files first, and take only files that are what a valid digest says. A file whose digest
    /// is still to come is taken by a later import.
    #[arg(long)]
    verify: bool,
    /// For --verify: public keys, as `aws cloudtrail list-public-keys` prints them (default: asked of the server).
    #[arg(long, value_name = "FILE", requires = "verify")]
    public_keys: Option<PathBuf>,
    /// Read files again that were imported before.
    #[arg(long)]
    again: bool,
    /// Write all that was left out to this file, a JSON object a line.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Where buckets are.
    #[command(flatten)]
    server: client::Server,
}

/// A file, a folder or a bucket.
enum Source {
    Local(Local),
    Objects(Objects),
}

/// All sources, one after the other, only what their digests vouch for.
struct Sources {
    sources: Vec<Source>,
    verdicts: Verdicts,
}

impl Files for Sources {
    type Error = anyhow::Error;

    fn list(self, take: &mut dyn FnMut(File) -> bool) -> anyhow::Result<()> {
        let mut goes_on = true;
        for source in self.sources {
            let mut take = |file: File| {
                goes_on = take(self.verdicts.judge(file));
                goes_on
            };
            match source {
                Source::Local(files) => files.list(&mut take)?,
                Source::Objects(files) => files.list(&mut take)?,
            }
            if !goes_on {
                break;
            }
        }
        Ok(())
    }
}

/// Runs the command; `Ok(false)` when something was left out.
///
/// # Errors
/// When a source cannot be listed, or the table cannot be written.
pub(crate) async fn run(command: Command) -> anyhow::Result<bool> {
    let data_dir = settings::data_dir(command.data_dir.clone());
    let mut sources = Vec::new();
    let mut buckets = None;
    for source in &command.sources {
        sources.push(match source.strip_prefix("s3://") {
            Some(rest) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    bail!("{source} names no bucket: give s3://BUCKET/PREFIX");
                }
                let store = match &buckets {
                    Some(store) => Arc::clone(store),
                    None => {
                        let config = command.server.config().await?;
                        let store = Arc::new(Store::buckets(config, command.server.endpoint("S3")));
                        buckets.insert(store).clone()
                    }
                };
                Source::Objects(Objects {
                    store,
                    bucket: bucket.to_owned(),
                    prefix: prefix.to_owned(),
                    runtime: tokio::runtime::Handle::current(),
                })
            }
            None => Source::Local(Local(source.into())),
        });
    }
    let verdicts = match command.verify {
        true => verify::verify(&command, &sources).await?,
        false => Verdicts::default(),
    };
    let import = Import {
        place: Place {
            account: command.account,
            region: command
                .server
                .region()
                .map(str::parse)
                .transpose()
                .context("--region")?,
        },
        readers: std::thread::available_parallelism().map_or(2, usize::from),
        files_ahead: FILES_AHEAD,
        commit_events: COMMIT_EVENTS,
        again: command.again,
    };
    let sink = TableSink::open(&data_dir)?;
    let mut report = Report::new(command.report.as_deref())?;
    let stop = Arc::new(AtomicBool::new(false));
    tokio::spawn(stop_at_signal(stop.clone()));
    let files = Sources { sources, verdicts };
    tokio::task::spawn_blocking(move || {
        let done = import.run(files, sink, &stop, &mut report);
        match done {
            Ok(counts) => report.finish(&counts),
            Err(Failed::Sink(error)) => {
                Err(anyhow::Error::new(error).context("write the imported events"))
            }
            Err(Failed::Files(error)) => Err(error),
        }
    })
    .await?
}

/// The first Ctrl-C (or SIGTERM) ends the import with a commit, the second at once.
async fn stop_at_signal(stop: Arc<AtomicBool>) {
    for is_second in [false, true] {
        if wiring::stop_signal().await.is_err() {
            return;
        }
        if is_second {
            // What was not committed is read again by the next import.
            std::process::exit(130);
        }
        stop.store(true, Ordering::Relaxed);
        eprintln!("\nstopping: what was read is being written; once more Ctrl-C drops it");
    }
}

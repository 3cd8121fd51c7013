//! `pugmark`: the server and its command line.
//!
//! Invariant: settings are read and components are wired here and nowhere else.

mod admin;
mod api;
mod bucket_policy;
mod caller;
mod client;
mod cloudtrail;
mod console;
mod credentials;
mod delays;
mod embedded;
mod explain;
mod export;
mod hosts;
mod import;
mod insights;
mod keys;
mod lazy_tls;
mod listen;
mod lookup;
mod mirror;
mod principals;
mod s3;
mod settings;
mod signer;
mod validate;
mod wiring;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pugmark_allocator::{Keep, MiMalloc};
use tracing_subscriber::EnvFilter;

/// Pugmark records who did what on AWS-compatible APIs: CloudTrail on infrastructure that you run yourself.
#[derive(Parser)]
#[command(name = "pugmark", version, about)]
struct Arguments {
    /// What to log, such as debug or pugmark_delivery=debug,info [default: info for serve, error for the rest]
    #[arg(
        long,
        env = "PUGMARK_LOG",
        global = true,
        hide_env = true,
        help_heading = "Logging"
    )]
    log: Option<String>,
    /// How to log.
    #[arg(
        long,
        env = "PUGMARK_LOG_FORMAT",
        default_value = "text",
        global = true,
        hide_env = true,
        help_heading = "Logging"
    )]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(settings::Flags),
    /// Look up events: who did what. Exit code 0: found, 1: none, 2: error.
    Lookup(lookup::Command),
    /// Export events to a file: CSV, JSON, NDJSON or Parquet.
    Export(export::Command),
    /// Tell how a saved request is recognised, and why its record looks as it does.
    Explain(explain::Command),
    /// Validate a trail's log files, as `aws cloudtrail validate-logs` does. Exit code 0: valid, 1: not, 2: error.
    ValidateLogs(validate::Command),
    /// Import log files of trails into event history. Exit code 0: all, 1: something was left out, 2: error.
    Import(import::Command),
    /// Print the bucket policy that lets a trail write.
    BucketPolicy(bucket_policy::Command),
    /// List, export and rotate the keys that sign digests.
    Keys(keys::Command),
    /// List, add and remove who may call.
    Principals(principals::Command),
}

/// A call makes some hundred small allocations; glibc's allocator was a fifth of the time (docs/adr/0001).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(&arguments);
    let done = match arguments.command {
        Command::Serve(flags) => {
            pugmark_allocator::keep_freed(Keep::Short);
            settings::Config::load(flags)
                .and_then(|config| runtime()?.block_on(wiring::serve(config)))
                .map(|()| true)
        }
        Command::Lookup(command) => {
            runtime().and_then(|runtime| runtime.block_on(lookup::run(command)))
        }
        Command::Export(command) => {
            runtime().and_then(|runtime| runtime.block_on(export::run(command)))
        }
        Command::Explain(command) => explain::run(&command).map(|()| true),
        Command::ValidateLogs(command) => {
            runtime().and_then(|runtime| runtime.block_on(validate::run(command)))
        }
        Command::Import(command) => {
            pugmark_allocator::keep_freed(Keep::Long);
            runtime().and_then(|runtime| runtime.block_on(import::run(command)))
        }
        Command::BucketPolicy(command) => bucket_policy::run(&command).map(|()| true),
        Command::Keys(command) => keys::run(command).map(|()| true),
        Command::Principals(command) => principals::run(command).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

fn start_log(arguments: &Arguments) {
    let default = match arguments.command {
        // The store logs each refused call as an error; it is an answer, and recorded as one.
        Command::Serve(_) => "info,s3s=off",
        _ => "error",
    };
    let log = arguments.log.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(log).unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => {
            use std::io::IsTerminal;
            builder.with_ansi(std::io::stderr().is_terminal()).init();
        }
    }
}

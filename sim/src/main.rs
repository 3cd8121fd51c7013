//! `cargo run --release -p pugmark-sim -- --rounds 1000`: random lives of trails, one after the other.

use std::path::PathBuf;

use clap::Parser;

/// Random lives of trails.
#[derive(Parser)]
struct Arguments {
    /// How many rounds.
    #[arg(long, default_value_t = 20)]
    rounds: u64,
    /// Seed of the first; a failure names its own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes each round into this directory, for AWS's own validator.
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
    /// Shows the program's log, such as `info`.
    #[arg(long)]
    log: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(log) = &arguments.log {
        tracing_subscriber::fmt().with_env_filter(log).init();
    }
    if let Some(dir) = &arguments.dump {
        std::fs::create_dir_all(dir)?;
    }
    for seed in arguments.seed..arguments.seed + arguments.rounds {
        let dump = arguments
            .dump
            .as_ref()
            .map(|dir| dir.join(format!("{seed}.json")));
        let counts = pugmark_sim::run(seed, dump.as_deref())?;
        println!("seed {seed}: {counts:?}");
    }
    Ok(())
}

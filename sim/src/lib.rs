//! Random lives of trails: the real catalog and delivery, on a clock that runs as fast as it can, with buckets that go down
//! or lose their answers, and a program that is stopped, dies, and starts again.
//!
//! After each round every event that a trail wanted is in its log files exactly once, no other is, each file is covered by
//! one digest, and digests chain without a gap. A seed repeats its round; what threads do at once may differ.

mod check;
mod dump;
mod oracle;
mod round;
mod streams;
mod world;

use std::path::Path;

use anyhow::Context;
pub use round::Counts;

/// Runs the round of a seed, and checks it; with `dump`, writes what AWS's own validator needs into that file.
///
/// # Errors
/// When something is missing, too much, or fails.
pub fn run(seed: u64, dump: Option<&Path>) -> anyhow::Result<Counts> {
    let dir = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    let lived = async {
        let outcome = round::run(seed, dir.path()).await?;
        if let Some(path) = dump {
            dump::write(&outcome, path)?;
        }
        check::check(&outcome)
    };
    runtime
        .block_on(lived)
        .with_context(|| format!("seed {seed}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    /// A few rounds; `cargo run --release -p pugmark-sim -- --rounds 1000` is the whole.
    #[test]
    fn a_few_rounds_lose_nothing_and_repeat_nothing() {
        let mut total = super::Counts::default();
        for seed in 1..=4 {
            let counts = super::run(seed, None).unwrap();
            total.wanted += counts.wanted;
            total.crashes += counts.crashes;
            total.faults += counts.faults;
            total.digests += counts.digests;
        }
        assert!(
            total.wanted > 1000 && total.crashes > 4 && total.faults > 20 && total.digests > 100,
            "hardly anything happened: {total:?}"
        );
    }
}

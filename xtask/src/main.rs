//! `cargo xtask`: work on the repository itself.

mod models;

use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("models") => {
            let mut botocore_dir = None;
            let mut check = false;
            while let Some(argument) = arguments.next() {
                match argument.as_str() {
                    "--check" => check = true,
                    "--botocore-dir" => botocore_dir = arguments.next().map(PathBuf::from),
                    other => anyhow::bail!("models: unknown argument {other}"),
                }
            }
            models::run(botocore_dir, check)
        }
        _ => {
            println!(
                "cargo xtask models [--check] [--botocore-dir DIR]\n    condense botocore's service models into crates/wire/data/catalogue.bin"
            );
            Ok(())
        }
    }
}

//! `pugmark keys`: the keys that sign digests, in the server's data directory.

use std::{io::Write, path::PathBuf};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Subcommand;
use jiff::Timestamp;
use pugmark_core::{account::Region, clock::iso_seconds};
use pugmark_delivery::SigningKeys;
use serde_json::json;

use crate::settings;

/// `pugmark keys`, on the machine of the server, running or not.
#[derive(clap::Args)]
pub(crate) struct Command {
    /// The server's data directory [default: pugmark-data]
    #[arg(long, env = "PUGMARK_DATA_DIR", value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// One Region only [default: all that have keys]
    #[arg(long, value_name = "REGION", global = true)]
    region: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Copy, Subcommand)]
enum Action {
    /// List them: Region, fingerprint, from when until when they sign.
    List,
    /// Print the public keys as `aws cloudtrail list-public-keys` does, to keep beside an archive of log files.
    Export,
    /// End the current keys: the next digests are signed with new ones. What the old ones signed stays valid.
    Rotate,
}

/// Runs the command.
///
/// # Errors
/// When there are no keys, or they cannot be read or written.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let keys = SigningKeys::open(&settings::data_dir(command.data_dir))?;
    let mut regions = keys.regions()?;
    if let Some(only) = &command.region {
        let only: Region = only.parse().with_context(|| format!("Region {only:?}"))?;
        regions.retain(|region| *region == only);
        if regions.is_empty() {
            bail!("no digest was signed in {only} yet, so there is no key");
        }
    }
    let mut out = std::io::stdout().lock();
    match command.action {
        Action::List => {
            for region in regions {
                for key in keys.public(&region)? {
                    let (from, to) = (
                        iso_seconds(key.validity_start),
                        iso_seconds(key.validity_end),
                    );
                    writeln!(out, "{region}  {}  {from}  {to}", key.fingerprint)?;
                }
            }
        }
        Action::Export => {
            let mut list = Vec::new();
            for region in regions {
                for key in keys.public(&region)? {
                    list.push(json!({
                        "Value": STANDARD.encode(&key.value),
                        "ValidityStartTime": iso_seconds(key.validity_start),
                        "ValidityEndTime": iso_seconds(key.validity_end),
                        "Fingerprint": key.fingerprint,
                    }));
                }
            }
            writeln!(out, "{:#}", json!({"PublicKeyList": list}))?;
        }
        Action::Rotate => {
            for region in regions {
                match keys.rotate(&region, Timestamp::now())? {
                    true => writeln!(out, "{region}  ended; the next digest makes a new key")?,
                    false => writeln!(out, "{region}  no key was valid")?,
                }
            }
        }
    }
    Ok(())
}

//! `pugmark principals`: who may call, kept in `<data-dir>/principals.toml`; a running server sees changes by itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pugmark_core::account::{AccountId, Arn};
use serde::{Deserialize, Serialize};

use crate::{
    credentials,
    settings::{self, PrincipalSettings},
};

const FILE: &str = "principals.toml";

/// `pugmark principals`.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// The server's data directory [default: pugmark-data]
    #[arg(long, env = "PUGMARK_DATA_DIR", value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List who may call, without secrets.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make an access key; it is printed once.
    Add {
        /// A user name, or a whole ARN such as arn:aws:iam::123456789012:user/alice
        name: String,
        /// The account, when a name is given.
        #[arg(long, env = "PUGMARK_ACCOUNT_ID", default_value = "123456789012")]
        account_id: String,
        /// Name of a built-in policy (AdministratorAccess, ReadOnlyAccess, AWSCloudTrail_FullAccess,
        /// AWSCloudTrail_ReadOnlyAccess) or a policy document as JSON; may be repeated.
        #[arg(long = "policy", value_name = "POLICY")]
        policies: Vec<String>,
    },
    /// Take an access key away.
    Remove {
        /// The access key id.
        access_key_id: String,
    },
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(default)]
    principals: Vec<PrincipalSettings>,
}

/// Runs the command.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let data_dir = settings::data_dir(command.data_dir);
    match command.action {
        Action::List { json } => list(&data_dir, json),
        Action::Add {
            name,
            account_id,
            policies,
        } => add(&data_dir, &name, &account_id, policies),
        Action::Remove { access_key_id } => remove(&data_dir, &access_key_id),
    }
}

/// The principals of the data directory; none when there is no file.
pub(crate) fn load(data_dir: &Path) -> anyhow::Result<Vec<PrincipalSettings>> {
    let path = path(data_dir);
    match std::fs::read_to_string(&path) {
        // The parser's message would quote the line, and with it a secret.
        Ok(text) => toml::from_str::<Stored>(&text)
            .map(|stored| stored.principals)
            .map_err(|error| anyhow::anyhow!("{}: {}", path.display(), error.message())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

/// Differs between versions of the file; `None` when there is none.
pub(crate) fn version(data_dir: &Path) -> Option<(i64, i64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path(data_dir)).ok()?;
    // The file is replaced as a whole, so that a new version is a new inode even within one tick of the clock.
    Some((file.mtime(), file.mtime_nsec(), file.ino()))
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

fn save(data_dir: &Path, principals: Vec<PrincipalSettings>) -> anyhow::Result<()> {
    credentials::write_private(&path(data_dir), &toml::to_string(&Stored { principals })?)
}

fn list(data_dir: &Path, json: bool) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    if let Some(root) = credentials::load(data_dir)? {
        rows.push((
            root.access_key_id,
            "(root)".to_owned(),
            vec!["everything".to_owned()],
        ));
    }
    rows.extend(
        load(data_dir)?
            .into_iter()
            .map(|it| (it.access_key_id, it.arn, it.policies)),
    );
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(id, arn, policies)| serde_json::json!({"accessKeyId": id, "arn": arn, "policies": policies}))
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    if rows.is_empty() {
        println!(
            "no principals in {}: start the server once, or run `pugmark principals add NAME`",
            data_dir.display()
        );
        return Ok(());
    }
    let width = rows.iter().map(|row| row.1.len()).max().unwrap_or_default();
    println!("{:<20}  {:<width$}  POLICIES", "ACCESS KEY", "PRINCIPAL");
    for (id, arn, policies) in rows {
        println!(
            "{id:<20}  {arn:<width$}  {}",
            if policies.is_empty() {
                "(none)".into()
            } else {
                policies.join(", ")
            }
        );
    }
    Ok(())
}

fn add(data_dir: &Path, name: &str, account: &str, policies: Vec<String>) -> anyhow::Result<()> {
    let account: AccountId = account.parse().context("--account-id")?;
    let arn = if name.starts_with("arn:") {
        name.to_owned()
    } else {
        format!("arn:aws:iam::{account}:user/{name}")
    };
    match Arn::parse(&arn) {
        Some(parsed)
            if parsed.account.parse::<AccountId>().is_ok()
                && matches!(parsed.service, "iam" | "sts") => {}
        _ => bail!(
            "{name:?} is neither a user name nor an ARN such as arn:aws:iam::123456789012:user/alice"
        ),
    }
    for policy in &policies {
        pugmark_core::policy::Policy::parse(policy)
            .with_context(|| format!("--policy {policy}"))?;
    }
    std::fs::create_dir_all(data_dir).with_context(|| format!("create {}", data_dir.display()))?;
    let mut principals = load(data_dir)?;
    let (access_key_id, secret_access_key) = credentials::generate()?;
    println!(
        "export AWS_ACCESS_KEY_ID={access_key_id}\nexport AWS_SECRET_ACCESS_KEY={secret_access_key}"
    );
    let no_policy = policies.is_empty();
    principals.push(PrincipalSettings {
        access_key_id,
        secret_access_key,
        session_token: None,
        arn,
        policies,
    });
    save(data_dir, principals)?;
    if no_policy {
        eprintln!(
            "note: without --policy this key may call nothing of Pugmark's own (CloudTrail, embedded buckets)"
        );
    }
    Ok(())
}

fn remove(data_dir: &Path, access_key_id: &str) -> anyhow::Result<()> {
    let mut principals = load(data_dir)?;
    let before = principals.len();
    principals.retain(|principal| principal.access_key_id != access_key_id);
    if principals.len() == before {
        bail!(
            "no principal has the access key {access_key_id}: `pugmark principals list` shows who there is"
        );
    }
    save(data_dir, principals)?;
    println!("removed {access_key_id}");
    Ok(())
}

//! `pugmark bucket-policy`: prints the policy that a trail's bucket needs.

use anyhow::Context;
use clap::Args;
use pugmark_catalog::TrailArn;
use pugmark_core::account::{AccountId, Region};

use crate::client;

/// Print the bucket policy that lets a trail write, for `aws s3api put-bucket-policy`.
///
/// Works before there is a trail: it asks no server.
#[derive(Args)]
pub(crate) struct Command {
    /// The trail's name or ARN
    trail: String,
    /// The bucket that the trail writes to
    #[arg(long)]
    bucket: String,
    /// The trail's S3KeyPrefix, if it has one
    #[arg(long, value_name = "PREFIX")]
    key_prefix: Option<String>,
    /// The organization of an organization trail, o-…
    #[arg(long, value_name = "ID")]
    organization_id: Option<String>,
    /// The trail's account, unless its ARN is given
    #[arg(
        long,
        env = "PUGMARK_ACCOUNT_ID",
        default_value = "123456789012",
        value_name = "ID"
    )]
    account_id: String,
    /// The trail's home Region, unless its ARN is given
    #[arg(
        long,
        env = "AWS_DEFAULT_REGION",
        default_value = "us-east-1",
        value_name = "REGION"
    )]
    region: String,
}

/// Prints the policy.
///
/// # Errors
/// When account, Region or ARN are not well-formed.
pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    let (account, region, name) = match command.trail.starts_with("arn:") {
        true => {
            let (arn, name) = client::trail_arn(&command.trail)?;
            (arn.account, arn.region, name)
        }
        false => (&*command.account_id, &*command.region, &*command.trail),
    };
    let account: AccountId = account
        .parse()
        .with_context(|| format!("account {account:?}"))?;
    let region: Region = region
        .parse()
        .with_context(|| format!("Region {region:?}"))?;
    let arn = TrailArn::new(&region, account, name);
    let prefix = command
        .key_prefix
        .as_deref()
        .map(|prefix| prefix.trim_matches('/'));
    println!(
        "{}",
        pugmark_delivery::bucket_policy(
            &command.bucket,
            prefix,
            account,
            command.organization_id.as_deref(),
            &arn.0
        )
    );
    Ok(())
}

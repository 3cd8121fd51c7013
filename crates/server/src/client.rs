//! What the commands that call a server share: credentials, Region and endpoint as AWS's clients find them.

use anyhow::Context;
use aws_config::{
    SdkConfig, environment::EnvironmentVariableRegionProvider, meta::region::RegionProviderChain,
    profile::ProfileFileRegionProvider,
};
use aws_sdk_cloudtrail::config::{BehaviorVersion, Credentials, Region};

use crate::{credentials, settings};

/// The endpoint of a Pugmark on this machine.
pub(crate) const LOCAL_ENDPOINT: &str = "http://127.0.0.1:4580";

/// The endpoint of a service (`CLOUDTRAIL`, `S3`): as given, else `AWS_ENDPOINT_URL_…` or `AWS_ENDPOINT_URL`, else a Pugmark
/// on this machine; `None` is AWS itself.
pub(crate) fn endpoint(service: &str, given: Option<&str>, aws: bool) -> Option<String> {
    if aws {
        return None;
    }
    let variable = |name: String| std::env::var(name).ok().filter(|url| !url.is_empty());
    let set = given
        .map(str::to_owned)
        .or_else(|| variable(format!("AWS_ENDPOINT_URL_{service}")))
        .or_else(|| variable("AWS_ENDPOINT_URL".to_owned()));
    Some(
        set.filter(|url| !url.is_empty())
            .unwrap_or_else(|| LOCAL_ENDPOINT.to_owned()),
    )
}

/// Region and credentials. On the server's own machine its root credentials are at hand, so none need be set.
///
/// # Errors
/// When the root credentials are there and cannot be read.
pub(crate) async fn config(
    region: Option<&str>,
    endpoint: Option<&str>,
) -> anyhow::Result<SdkConfig> {
    // The default chain would also ask the instance metadata service, and wait for it.
    let region = RegionProviderChain::first_try(region.map(|name| Region::new(name.to_owned())))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else("us-east-1");
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(region);
    let is_set = |name| std::env::var_os(name).is_some();
    if endpoint == Some(LOCAL_ENDPOINT) && !is_set("AWS_ACCESS_KEY_ID") && !is_set("AWS_PROFILE") {
        let data_dir = settings::data_dir(std::env::var_os("PUGMARK_DATA_DIR").map(Into::into));
        if let Some(root) =
            credentials::load(&data_dir).context("read the server's root credentials")?
        {
            let found = Credentials::new(
                root.access_key_id,
                root.secret_access_key.0,
                None,
                None,
                "data-directory",
            );
            loader = loader.credentials_provider(found);
        }
    }
    Ok(loader.load().await)
}

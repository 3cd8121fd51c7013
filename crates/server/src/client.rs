//! What the commands that call a server share: credentials, Region and endpoint as AWS's clients find them.

use std::path::Path;

use anyhow::{Context, bail};
use aws_config::{
    SdkConfig, environment::EnvironmentVariableRegionProvider, meta::region::RegionProviderChain,
    profile::ProfileFileRegionProvider,
};
use aws_sdk_cloudtrail::{
    config::{BehaviorVersion, Credentials, Region},
    error::{ProvideErrorMetadata, SdkError},
};

use pugmark_core::account::Arn;
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject};

use crate::{credentials, lazy_tls, settings};

/// The endpoint of a Pugmark on this machine.
const LOCAL_ENDPOINT: &str = "http://127.0.0.1:4580";

/// The parts of a trail's ARN, and its name.
///
/// # Errors
/// When the text is not the ARN of a trail.
pub(crate) fn trail_arn(text: &str) -> anyhow::Result<(Arn<'_>, &str)> {
    let arn = Arn::parse(text).filter(|arn| arn.service == "cloudtrail");
    arn.and_then(|arn| Some((arn, arn.resource.strip_prefix("trail/")?)))
        .with_context(|| format!("{text} is not the ARN of a trail"))
}

/// The authorities that AWS's clients trust instead of the system's.
pub(crate) struct Authorities {
    pub(crate) pem: Vec<u8>,
    pub(crate) roots: RootCertStore,
}

/// Those that `AWS_CA_BUNDLE` names.
///
/// # Errors
/// When the file is not there, one in it cannot be read, or none is in it.
pub(crate) fn authorities() -> anyhow::Result<Option<Authorities>> {
    let Some(path) = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let read = || {
        let pem = std::fs::read(&path)?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate?)?;
        }
        if roots.is_empty() {
            bail!("there is no certificate in it");
        }
        Ok(Some(Authorities { pem, roots }))
    };
    read().with_context(|| {
        let path = Path::new(&path).display();
        format!("{path}, which AWS_CA_BUNDLE names")
    })
}

/// The last of the errors that caused one another.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    let root = causes.last();
    root.map_or_else(|| error.to_string(), ToString::to_string)
}

/// What to do when there was no way to a server.
pub(crate) fn unreachable(endpoint: &str, root: &str) -> anyhow::Error {
    let advice = match is_of_certificate(root) {
        true => "name a file with its authority's certificate in AWS_CA_BUNDLE if you trust it",
        false => "is the server running there? (--endpoint-url)",
    };
    anyhow::anyhow!("{endpoint} cannot be reached: {root}; {advice}")
}

fn is_of_certificate(root: &str) -> bool {
    root.contains("certificate") || root.contains("AWS_CA_BUNDLE")
}

/// Which server a command calls.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Server {
    /// The endpoint (default: AWS_ENDPOINT_URL, else a Pugmark on this machine).
    #[arg(long, value_name = "URL", conflicts_with = "aws")]
    endpoint_url: Option<String>,
    /// Ask AWS itself.
    #[arg(long)]
    aws: bool,
    /// The Region (default: as configured for AWS clients, else us-east-1).
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

impl Server {
    /// The Region, if it is given.
    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The same server in another Region.
    pub(crate) fn in_region(&self, region: &str) -> Self {
        Self {
            region: Some(region.to_owned()),
            ..self.clone()
        }
    }

    /// The endpoint of a service (`CLOUDTRAIL`, `S3`): as given, else `AWS_ENDPOINT_URL_…` or `AWS_ENDPOINT_URL`, else a
    /// Pugmark on this machine; `None` is AWS itself.
    pub(crate) fn endpoint(&self, service: &str) -> Option<String> {
        if self.aws {
            return None;
        }
        let variable = |name: &str| std::env::var(name).ok();
        let is_set = |url: &String| !url.is_empty();
        let set = self
            .endpoint_url
            .clone()
            .or_else(|| variable(&format!("AWS_ENDPOINT_URL_{service}")).filter(is_set))
            .or_else(|| variable("AWS_ENDPOINT_URL"));
        Some(
            set.filter(is_set)
                .unwrap_or_else(|| LOCAL_ENDPOINT.to_owned()),
        )
    }

    /// Whether all Regions are asked for (`--region '*'`); the call itself then goes to the Region that is configured.
    pub(crate) fn takes_all_regions(&mut self) -> bool {
        self.region.take_if(|region| region == "*").is_some()
    }

    /// Region and credentials. On the server's own machine its root credentials are at hand, so none need be set.
    ///
    /// # Errors
    /// When the root credentials are there and cannot be read.
    pub(crate) async fn config(&self) -> anyhow::Result<SdkConfig> {
        // The default chain would also ask the instance metadata service, and wait for it.
        let region = RegionProviderChain::first_try(self.region.clone().map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .or_else("us-east-1");
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(region)
            .http_client(lazy_tls::http_client()?);
        let is_set = |name| std::env::var_os(name).is_some();
        let is_local = self.endpoint("CLOUDTRAIL").as_deref() == Some(LOCAL_ENDPOINT);
        if is_local && !is_set("AWS_ACCESS_KEY_ID") && !is_set("AWS_PROFILE") {
            let data_dir = settings::data_dir(std::env::var_os("PUGMARK_DATA_DIR").map(Into::into));
            if let Some(root) =
                credentials::load(&data_dir).context("read the server's root credentials")?
            {
                let (id, secret) = (root.access_key_id, root.secret_access_key.0);
                let found = Credentials::new(id, secret, None, None, "data-directory");
                loader = loader.credentials_provider(found);
            }
        }
        Ok(loader.load().await)
    }

    /// A client of its CloudTrail.
    ///
    /// # Errors
    /// When the root credentials are there and cannot be read.
    pub(crate) async fn cloudtrail(&self) -> anyhow::Result<aws_sdk_cloudtrail::Client> {
        let shared = self.config().await?;
        let mut config = aws_sdk_cloudtrail::config::Builder::from(&shared);
        config.set_endpoint_url(self.endpoint("CLOUDTRAIL"));
        Ok(aws_sdk_cloudtrail::Client::from_conf(config.build()))
    }

    /// The service's own words if it answered, else what kept it from answering.
    pub(crate) fn explain<E, R>(&self, error: &SdkError<E, R>) -> anyhow::Error
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        if let Some(metadata) = error.as_service_error().map(|error| error.meta())
            && let Some(code) = metadata.code()
        {
            return anyhow::anyhow!("{code}: {}", metadata.message().unwrap_or_default());
        }
        let endpoint = self.endpoint("CLOUDTRAIL");
        let endpoint = endpoint.as_deref().unwrap_or("AWS");
        let root = root_cause(error);
        match error {
            SdkError::TimeoutError(_) => anyhow::anyhow!("{endpoint} did not answer in time"),
            SdkError::DispatchFailure(failure)
                if failure.is_io() || failure.is_timeout() || is_of_certificate(&root) =>
            {
                unreachable(endpoint, &root)
            }
            SdkError::DispatchFailure(_) => anyhow::anyhow!(
                "no credentials were found ({root}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            ),
            _ => anyhow::anyhow!("the call to {endpoint} failed: {root}"),
        }
    }
}

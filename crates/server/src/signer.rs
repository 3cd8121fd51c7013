//! Signs requests to one server, where the SDK's clients do not know the call or cost too much.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use aws_config::SdkConfig;
use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use http::{Request, Uri};
use pugmark_gateway::Body;
use tokio::sync::Mutex;

/// Credentials that end sooner are asked for again.
const EXPIRY_MARGIN: Duration = Duration::from_secs(300);

/// The endpoint of a server, and who calls it.
pub(crate) struct Signer {
    endpoint: Uri,
    config: SdkConfig,
    credentials: Mutex<Option<Credentials>>,
}

impl Signer {
    /// Signs with what the configuration of AWS's clients has.
    pub(crate) fn new(endpoint: Uri, config: SdkConfig) -> Self {
        Self {
            endpoint,
            config,
            credentials: Mutex::default(),
        }
    }

    /// The server.
    pub(crate) fn endpoint(&self) -> &Uri {
        &self.endpoint
    }

    /// The request, to a path of the server, with its `Host` and signature; every header that it has is signed.
    ///
    /// # Errors
    /// When there are no credentials.
    pub(crate) async fn sign(
        &self,
        service: &str,
        payload: SignableBody<'_>,
        mut request: Request<Body>,
    ) -> anyhow::Result<Request<Body>> {
        let authority = self.endpoint.authority();
        let authority = authority.context("an endpoint has a host")?.as_str();
        let scheme = self.endpoint.scheme_str().unwrap_or("http");
        let url = format!("{scheme}://{authority}{}", request.uri());
        request.headers_mut().insert("host", authority.parse()?);
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        if service == "s3" {
            // A key is what it is: `a/../b` too.
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let identity = self.credentials().await?.into();
        let region = self.config.region().map(AsRef::as_ref);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region.unwrap_or("us-east-1"))
            .name(service)
            .time(SystemTime::now())
            .settings(settings)
            .build()?
            .into();
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(request.method().as_str(), url, headers, payload)?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    async fn credentials(&self) -> anyhow::Result<Credentials> {
        let mut known = self.credentials.lock().await;
        if let Some(known) = &*known
            && known
                .expiry()
                .is_none_or(|expiry| expiry > SystemTime::now() + EXPIRY_MARGIN)
        {
            return Ok(known.clone());
        }
        let help = "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE";
        let provider = self.config.credentials_provider().context(help)?;
        let found = provider.provide_credentials().await.context(help)?;
        *known = Some(found.clone());
        Ok(found)
    }
}

//! The HTTP client of the commands: it reads the system's certificates when it meets the first `https` address.
//!
//! The SDK's own reads all of them (hundreds of files on some systems) before the first call, also to a server on this machine
//! that speaks plain HTTP, and takes several milliseconds for it.

use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::{
    Builder, ConnectorBuilder,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::HttpRequest,
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared,
};

use crate::client;

/// A client for both kinds of addresses, through the proxy that the environment names. What it trusts is what its user trusts:
/// `AWS_CA_BUNDLE`, else the system.
///
/// # Errors
/// When the SDK cannot make it.
pub(crate) fn http_client() -> anyhow::Result<SharedHttpClient> {
    let client = LazyTls {
        plain: client_with(TrustStore::empty())?,
        tls: Arc::default(),
    };
    Ok(client.into_shared())
}

fn tls_client() -> anyhow::Result<SharedHttpClient> {
    client_with(match client::authorities()? {
        Some(authorities) => TrustStore::empty().with_pem_certificate(authorities.pem),
        None => TrustStore::default(),
    })
}

/// As the SDK's own, but for whom it trusts.
fn client_with(trusted: TrustStore) -> anyhow::Result<SharedHttpClient> {
    let context = TlsContext::builder().with_trust_store(trusted).build()?;
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone())
            .proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.build()
    });
    Ok(client)
}

/// Made for the first call over it, or why it cannot be.
type Tls = Arc<OnceLock<Result<SharedHttpClient, String>>>;

#[derive(Debug)]
struct LazyTls {
    plain: SharedHttpClient,
    tls: Tls,
}

impl HttpClient for LazyTls {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        Connector {
            plain: self.plain.http_connector(settings, components),
            tls: self.tls.clone(),
            settings: settings.clone(),
            components: components.clone(),
        }
        .into_shared()
    }
}

#[derive(Debug)]
struct Connector {
    plain: SharedHttpConnector,
    tls: Tls,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if request.uri().starts_with("http:") {
            return self.plain.call(request);
        }
        let made = || tls_client().map_err(|error| format!("{error:#}"));
        match self.tls.get_or_init(made) {
            // The client keeps its connector, with the certificates, for the next call.
            Ok(tls) => tls
                .http_connector(&self.settings, &self.components)
                .call(request),
            Err(error) => {
                let error = ConnectorError::user(error.as_str().into());
                HttpConnectorFuture::ready(Err(error))
            }
        }
    }
}

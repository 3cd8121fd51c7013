//! The HTTP client of the commands: it reads the system's certificates when it meets the first `https` address.
//!
//! The SDK's own reads all of them (hundreds of files on some systems) before the first call, also to a server on this machine
//! that speaks plain HTTP, and takes several milliseconds for it.

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
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared,
};

/// A client for both kinds of addresses, through the proxy that the environment names. Of `https` servers it trusts these
/// authorities, certificates in PEM, or what the system trusts.
pub(crate) fn http_client(authorities: Option<&[u8]>) -> SharedHttpClient {
    let trusts_nobody = TlsContext::builder().with_trust_store(TrustStore::empty());
    let trusts = authorities.map_or_else(TrustStore::default, |pem| {
        TrustStore::empty().with_pem_certificate(pem)
    });
    let tls = TlsContext::builder().with_trust_store(trusts).build();
    let tls = client_with(tls.unwrap_or_default());
    match trusts_nobody.build() {
        Ok(context) => LazyTls {
            plain: client_with(context),
            tls,
        }
        .into_shared(),
        Err(_) => tls,
    }
}

/// As the SDK's own, which trusts what the system trusts.
fn client_with(context: TlsContext) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone())
            .proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.build()
    })
}

#[derive(Debug)]
struct LazyTls {
    plain: SharedHttpClient,
    tls: SharedHttpClient,
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
    tls: SharedHttpClient,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if request.uri().starts_with("http:") {
            return self.plain.call(request);
        }
        // The client keeps its connector, with the certificates, for the next call.
        let tls = self.tls.http_connector(&self.settings, &self.components);
        tls.call(request)
    }
}

//! Where calls go: a remote endpoint, or a service in this process.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use http::{Method, Request, Response, Uri, header, uri::Scheme};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};
use pugmark_core::{
    account::{AccountId, Region},
    identity::Identity,
};
use rustls::{ClientConfig, RootCertStore};

use tokio::sync::Notify;

use crate::body::{Body, BoxError};

/// How long a TCP connection to an upstream may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections kept for each upstream.
const IDLE_CONNECTIONS_MAX: usize = 512;
/// Shorter than the keep-alive of common servers, so that a pooled connection is seldom found closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A verified call for a service in this process.
pub struct LocalCall {
    /// Who calls.
    pub identity: Identity,
    /// The caller's account.
    pub account: AccountId,
    /// The Region of the call.
    pub region: Region,
    /// The access key that signed; `None` for an anonymous call.
    pub access_key_id: Option<String>,
    /// The signature was verified, and covers all that it has to: nothing of the body is left to check.
    pub is_verified: bool,
    /// The operation's name, when it was recognised.
    pub operation: Option<&'static str>,
    /// The id that the answer and the record carry.
    pub request_id: String,
    /// Tells when nobody waits for the answer any more.
    pub abandoned: Abandoned,
}

/// Whether the caller of a call has gone away. The call itself runs on, so that it is recorded; a service that works long
/// may end it early.
#[derive(Clone, Default)]
pub struct Abandoned(Arc<(AtomicBool, Notify)>);

impl Abandoned {
    pub(crate) fn set(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.notify_waiters();
    }

    /// Waits until the caller has gone away.
    pub async fn wait(&self) {
        let notified = self.0.1.notified();
        if !self.0.0.load(Ordering::Acquire) {
            notified.await;
        }
    }
}

/// A service that answers in this process; the gateway records its calls like any other.
#[async_trait]
pub trait LocalService: Send + Sync + 'static {
    /// Answers a call; failures are answers too.
    async fn call(&self, call: LocalCall, request: Request<Body>) -> Response<Body>;

    /// Whether requests may be as long as they like (S3); others are bounded by `limits::WHOLE_REQUEST_BYTES_MAX`.
    fn streams(&self) -> bool;

    /// Whether the service itself verifies Signature Version 2, which the gateway does not.
    fn verifies_legacy_signatures(&self) -> bool {
        false
    }
}

/// Where the calls of one service go.
#[derive(Clone)]
pub enum Route {
    /// To an endpoint.
    Remote(Uri),
    /// To a service in this process.
    Local(Arc<dyn LocalService>),
}

/// Routes by service id, such as `s3`; the default takes the rest.
#[derive(Clone, Default)]
pub struct Routes {
    services: HashMap<String, Route>,
    default: Option<Route>,
}

impl Routes {
    /// Routes with a default for services that have none of their own.
    pub fn new(default: Option<Route>) -> Self {
        Self {
            services: HashMap::new(),
            default,
        }
    }

    /// Sets one service's route.
    pub fn set(&mut self, service: &str, route: Route) {
        self.services.insert(service.to_owned(), route);
    }

    /// The route of a service, tried by each of its names in turn.
    pub fn find(&self, names: &[&str]) -> Option<&Route> {
        names
            .iter()
            .find_map(|name| self.services.get(*name))
            .or(self.default.as_ref())
    }
}

/// The pooled client for remote upstreams. Of `https` ones it trusts the authorities that the system trusts, or those in
/// `SSL_CERT_FILE` and `SSL_CERT_DIR`; where there are none, Mozilla's.
#[derive(Clone)]
pub struct UpstreamClient {
    plain: Pooled<HttpConnector>,
    /// Trusted instead of all these.
    authorities: Option<Arc<RootCertStore>>,
    /// Made for the first call over it: the authorities are many files.
    tls: Arc<OnceLock<Pooled<HttpsConnector<HttpConnector>>>>,
}

type Pooled<C> = Client<C, Body>;

impl Default for UpstreamClient {
    fn default() -> Self {
        Self {
            plain: pooled(tcp()),
            authorities: None,
            tls: Arc::default(),
        }
    }
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.enforce_http(false);
    tcp
}

fn tls(authorities: Option<Arc<RootCertStore>>) -> HttpsConnector<HttpConnector> {
    let builder = HttpsConnectorBuilder::new();
    let builder = match authorities {
        Some(authorities) => {
            let config = ClientConfig::builder().with_root_certificates(authorities);
            builder.with_tls_config(config.with_no_client_auth())
        }
        None => builder.with_native_roots().unwrap_or_else(|error| {
            tracing::warn!(%error, "the system trusts no certificate authority; Mozilla's are trusted instead");
            HttpsConnectorBuilder::new().with_webpki_roots()
        }),
    };
    builder.https_only().enable_http1().wrap_connector(tcp())
}

fn pooled<C: Connect + Clone>(connector: C) -> Pooled<C> {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .http1_max_headers(256)
        .build(connector)
}

impl UpstreamClient {
    /// Of `https` servers, trusts these authorities only.
    pub fn trusting(authorities: RootCertStore) -> Self {
        Self {
            authorities: Some(Arc::new(authorities)),
            ..Self::default()
        }
    }

    fn over_tls(&self) -> &Pooled<HttpsConnector<HttpConnector>> {
        self.tls
            .get_or_init(|| pooled(tls(self.authorities.clone())))
    }

    /// Sends a request on; path, query, headers (Host too) and body go unchanged, or the signature would break.
    ///
    /// # Errors
    /// When the upstream cannot be reached or does not speak HTTP.
    pub async fn send(
        &self,
        endpoint: &Uri,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(endpoint.scheme().cloned().unwrap_or(Scheme::HTTP));
        uri.authority = endpoint.authority().cloned();
        uri.path_and_query = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from_parts(uri)?;
        *request.version_mut() = http::Version::HTTP_11;
        for name in HOP_BY_HOP {
            request.headers_mut().remove(name);
        }
        // A server that expects no body would take it for the next request, which nobody has seen.
        let is_with_body = matches!(
            *request.method(),
            Method::POST | Method::PUT | Method::PATCH
        );
        if !is_with_body && !request.body().is_end_stream() {
            let close = header::HeaderValue::from_static("close");
            request.headers_mut().insert(header::CONNECTION, close);
        }
        let response = match request.uri().scheme() == Some(&Scheme::HTTPS) {
            true => self.over_tls().request(request),
            false => self.plain.request(request),
        };
        let response = response.await?;
        Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
    }
}

/// Headers that speak about one connection only (RFC 9110, 7.6.1). `Expect` is answered by us, hop by hop too.
const HOP_BY_HOP: [http::HeaderName; 8] = [
    http::header::CONNECTION,
    http::HeaderName::from_static("keep-alive"),
    http::header::PROXY_AUTHENTICATE,
    http::header::PROXY_AUTHORIZATION,
    http::header::TE,
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
    http::header::EXPECT,
];

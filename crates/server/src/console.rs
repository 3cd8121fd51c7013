//! The console in the browser: its files out of the binary, and what its page must know of this server.
//!
//! The page is an ordinary AWS client of the API listener and has no other way in.

use std::{borrow::Cow, io::Read as _, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, uri::Authority};
use pugmark_core::account::{AccountId, Region};
use pugmark_gateway::{Body, empty_body, full_body};

/// A built file. One that compresses is there in both compressed forms only.
struct Asset {
    /// Its path in URLs.
    path: &'static str,
    /// Of its content.
    hash: &'static str,
    plain: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

/// Made by `build.rs`; empty when the console was not built.
static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/console_assets.rs"));

const INDEX: &str = "/index.html";
/// Files below have their content's hash in their names.
const HASHED: &str = "/assets/";

/// Said at `/` when the binary was built without the console.
const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Pugmark</title>\
<h1>Pugmark is running</h1>\
<p>This binary was built without the console. To get it, install Node.js 20.19 or newer, then run \
<code>make run</code> in Pugmark's source folder (or <code>make console-build</code>, and build the binary again).\
<p>All else works without it: <code>pugmark lookup</code> shows event history at the terminal, and any AWS client works \
against the API listener.\
<p><a href=/-/healthy>health</a> · <a href=/-/ready>readiness</a> · <a href=/-/metrics>metrics</a>";

/// Where the console's API is, and who may ask it from a browser.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The API listener's address.
    pub(crate) listen: SocketAddr,
    /// The admin listener's address.
    pub(crate) admin_listen: SocketAddr,
    /// Whether the API listener speaks TLS.
    pub(crate) has_tls: bool,
    /// The API's URL as browsers reach it, when it is not the API listener's address.
    pub(crate) endpoint: Option<String>,
    /// Origins of consoles served elsewhere, such as behind a proxy with TLS.
    pub(crate) origins: Vec<String>,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

impl Settings {
    /// The API's URL for a page that was asked for at this host.
    fn endpoint(&self, page_host: Option<&str>) -> String {
        if let Some(endpoint) = &self.endpoint {
            return endpoint.trim_end_matches('/').to_owned();
        }
        let scheme = if self.has_tls { "https" } else { "http" };
        match page_host {
            // Listening on all addresses: the one that led to the page leads to the API as well.
            Some(host) if self.listen.ip().is_unspecified() => {
                format!("{scheme}://{host}:{}", self.listen.port())
            }
            _ => format!("{scheme}://{}", self.listen),
        }
    }

    /// Whether this origin is the console's own, for a request that came to the API at `api_host`.
    fn is_own(&self, origin: &str, api_host: Option<&str>) -> bool {
        if self.origins.iter().any(|allowed| allowed == origin) {
            return true;
        }
        let Some(authority) = origin.strip_prefix("http://") else {
            return false;
        };
        let Ok(authority) = authority.parse::<Authority>() else {
            return false;
        };
        if authority.port_u16().unwrap_or(80) != self.admin_listen.port() {
            return false;
        }
        let (host, ip) = (authority.host(), self.admin_listen.ip());
        if ip.is_unspecified() {
            return api_host == Some(host) || is_loopback(host);
        }
        // `[::1]` in origins, `::1` as an address.
        host.trim_matches(['[', ']']) == ip.to_string() || (ip.is_loopback() && is_loopback(host))
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

/// The console's part of the admin listener.
#[derive(Clone)]
pub(crate) struct Console(Arc<Settings>);

impl Console {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    /// What the page must know before it can sign: no secrets.
    pub(crate) fn describe(&self, headers: &HeaderMap) -> Response<Body> {
        let described = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "region": self.0.region.as_str(),
            "accountId": self.0.account.as_str(),
            "endpoint": self.0.endpoint(host(headers).as_deref()),
        });
        let mut response = Response::new(full_body(described.to_string()));
        let out = response.headers_mut();
        out.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// A file of the console; every path that is not a file is the page's own matter.
    pub(crate) fn file(&self, path: &str, headers: &HeaderMap) -> Response<Body> {
        let mut response = match find(ASSETS, path) {
            Found::Asset(asset) => serve(asset, headers),
            Found::NotBuilt => typed(StatusCode::OK, "text/html; charset=utf-8", NOT_BUILT),
            Found::Nothing => typed(
                StatusCode::NOT_FOUND,
                "text/plain; charset=utf-8",
                "there is no such file; try /, /-/healthy, /-/ready or /-/metrics\n",
            ),
        };
        let policy = self.content_security_policy(headers);
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response
                .headers_mut()
                .insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    /// Scripts and styles from here alone, connections to here and to the API alone.
    fn content_security_policy(&self, headers: &HeaderMap) -> String {
        let endpoint = self.0.endpoint(host(headers).as_deref());
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self' {endpoint}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    }

    /// Lets the console's own page read the API's answers. A request with any other origin is none of its business:
    /// CORS of buckets is their store's matter.
    pub(crate) fn origin_of<B>(&self, request: &Request<B>) -> Option<HeaderValue> {
        let origin = request.headers().get(header::ORIGIN)?;
        let api_host = host(request.headers());
        self.0
            .is_own(origin.to_str().ok()?, api_host.as_deref())
            .then(|| origin.clone())
    }

    /// The answer to a preflight of the console's page; `None` for all other requests. Preflights are no API calls, so
    /// they are not recorded.
    pub(crate) fn preflight<B>(
        request: &Request<B>,
        origin: &HeaderValue,
    ) -> Option<Response<Body>> {
        if request.method() != Method::OPTIONS {
            return None;
        }
        let method = request
            .headers()
            .get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
        let mut response = Response::new(empty_body());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
        if let Some(asked) = request
            .headers()
            .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        headers.insert(
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static("7200"),
        );
        Self::allow(headers, origin);
        Some(response)
    }

    /// Marks an answer as readable by the console's page.
    pub(crate) fn allow(headers: &mut HeaderMap, origin: &HeaderValue) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(
                "x-amzn-requestid, x-amz-request-id, x-amzn-errortype, date, retry-after, content-length",
            ),
        );
    }
}

/// The host's name in a request, without the port. What is no name or address is not repeated to anybody.
fn host(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::HOST)?.to_str().ok()?;
    let authority: Authority = text.parse().ok()?;
    let host = authority.host();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    host.chars().all(is_plain).then(|| host.to_owned())
}

enum Found {
    Asset(&'static Asset),
    NotBuilt,
    Nothing,
}

fn find(assets: &'static [Asset], path: &str) -> Found {
    let exact = |path: &str| assets.iter().find(|asset| asset.path == path);
    if let Some(asset) = exact(path) {
        return Found::Asset(asset);
    }
    let is_file = path.starts_with(HASHED)
        || path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.contains('.') && !path.starts_with("/trails/"));
    match exact(INDEX) {
        _ if is_file => Found::Nothing,
        Some(index) => Found::Asset(index),
        None if path == "/" => Found::NotBuilt,
        None => Found::Nothing,
    }
}

fn serve(asset: &'static Asset, asked: &HeaderMap) -> Response<Body> {
    let tag = format!("W/\"{}\"", asset.hash);
    let known = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim() == tag);
    let (encoding, bytes) = match encode(asset, asked) {
        Ok(encoded) => encoded,
        Err(error) => {
            tracing::error!(%error, path = asset.path, "a file of the console cannot be unpacked");
            return typed(
                StatusCode::INTERNAL_SERVER_ERROR,
                "text/plain; charset=utf-8",
                "this file of the console is damaged: build the binary again\n",
            );
        }
    };
    let mut response = if known {
        Response::new(empty_body())
    } else {
        Response::new(full_body(bytes))
    };
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(asset.path)),
    );
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let lives = if asset.path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lives));
    response
}

/// The smallest form that the client takes.
fn encode(
    asset: &'static Asset,
    asked: &HeaderMap,
) -> std::io::Result<(Option<&'static str>, Bytes)> {
    let accepted = asked
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    if let (Some(brotli), true) = (asset.brotli, accepts(accepted, "br")) {
        return Ok((Some("br"), Bytes::from_static(brotli)));
    }
    match (asset.gzip, asset.plain) {
        (Some(gzip), _) if accepts(accepted, "gzip") => {
            Ok((Some("gzip"), Bytes::from_static(gzip)))
        }
        (Some(gzip), _) => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(gzip).read_to_end(&mut plain)?;
            Ok((None, plain.into()))
        }
        (None, plain) => Ok((None, Bytes::from_static(plain.unwrap_or_default()))),
    }
}

/// Whether an `Accept-Encoding` names this coding and does not rule it out.
fn accepts(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|part| {
        let mut part = part.split(';').map(str::trim);
        part.next() == Some(coding)
            && !part.any(|parameter| {
                matches!(
                    parameter.replace(' ', "").as_str(),
                    "q=0" | "q=0.0" | "q=0.00" | "q=0.000"
                )
            })
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn typed(
    status: StatusCode,
    content_type: &'static str,
    text: impl Into<Cow<'static, str>>,
) -> Response<Body> {
    let mut response = Response::new(full_body(text.into().into_owned()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(listen: &str, admin: &str) -> Settings {
        Settings {
            listen: listen.parse().unwrap(),
            admin_listen: admin.parse().unwrap(),
            has_tls: false,
            endpoint: None,
            origins: vec!["https://audit.example.com".into()],
            account: "123456789012".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        }
    }

    #[test]
    fn only_the_consoles_own_origins_are_own() {
        let local = settings("127.0.0.1:4580", "127.0.0.1:4581");
        let open = settings("0.0.0.0:4580", "0.0.0.0:4581");
        let fixed = settings("10.0.0.5:4580", "10.0.0.5:4581");
        for (settings, origin, api_host, expected) in [
            (&local, "http://127.0.0.1:4581", "127.0.0.1", true),
            (&local, "http://localhost:4581", "127.0.0.1", true),
            (&local, "http://[::1]:4581", "127.0.0.1", true),
            (&local, "https://audit.example.com", "127.0.0.1", true),
            (&local, "http://127.0.0.1:4580", "127.0.0.1", false),
            (&local, "https://127.0.0.1:4581", "127.0.0.1", false),
            (&local, "http://evil.example:4581", "evil.example", false),
            (&local, "null", "127.0.0.1", false),
            (&open, "http://pugmark.lan:4581", "pugmark.lan", true),
            (&open, "http://evil.example:4581", "pugmark.lan", false),
            (&fixed, "http://10.0.0.5:4581", "10.0.0.5", true),
            (&fixed, "http://localhost:4581", "10.0.0.5", false),
        ] {
            assert_eq!(
                settings.is_own(origin, Some(api_host)),
                expected,
                "{origin} at {api_host}"
            );
        }
    }

    #[test]
    fn the_page_is_told_an_address_that_its_browser_reaches() {
        let local = settings("127.0.0.1:4580", "127.0.0.1:4581");
        assert_eq!(local.endpoint(Some("localhost")), "http://127.0.0.1:4580");
        let mut open = settings("0.0.0.0:4580", "0.0.0.0:4581");
        assert_eq!(
            open.endpoint(Some("pugmark.lan")),
            "http://pugmark.lan:4580"
        );
        open.endpoint = Some("https://api.example.com/".into());
        assert_eq!(open.endpoint(Some("x")), "https://api.example.com");
    }

    #[test]
    fn a_host_that_is_no_host_is_not_repeated() {
        for (text, expected) in [
            ("pugmark.lan:4581", Some("pugmark.lan")),
            ("[::1]:4581", Some("[::1]")),
            ("a;script-src *", None),
            ("user@host", Some("host")),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, text.parse().unwrap());
            assert_eq!(host(&headers).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn every_path_that_is_no_file_is_the_pages() {
        static BUILT: &[Asset] = &[
            asset("/index.html"),
            asset("/favicon.svg"),
            asset("/assets/index-abc.js"),
        ];
        for (path, expected) in [
            ("/favicon.svg", Some("/favicon.svg")),
            ("/assets/index-abc.js", Some("/assets/index-abc.js")),
            ("/assets/index-old.js", None),
            ("/robots.txt", None),
            ("/", Some("/index.html")),
            ("/events", Some("/index.html")),
            ("/trails/a.b", Some("/index.html")),
        ] {
            let found = match find(BUILT, path) {
                Found::Asset(asset) => Some(asset.path),
                Found::NotBuilt | Found::Nothing => None,
            };
            assert_eq!(found, expected, "{path}");
        }
        assert!(matches!(find(&[], "/"), Found::NotBuilt));
        assert!(matches!(find(&[], "/events"), Found::Nothing));
        assert!(NOT_BUILT.contains("make run"));
    }

    const fn asset(path: &'static str) -> Asset {
        Asset {
            path,
            hash: "",
            plain: None,
            gzip: None,
            brotli: None,
        }
    }

    #[test]
    fn codings_are_taken_as_the_client_says() {
        assert!(accepts("gzip, deflate, br;q=0.9", "br"));
        assert!(!accepts("gzip, br;q=0", "br"));
        assert!(!accepts("", "gzip"));
    }

    #[test]
    fn only_preflights_are_answered_here() {
        let origin = HeaderValue::from_static("http://127.0.0.1:4581");
        let request = |method: Method, asks: bool| {
            let mut request = Request::builder().method(method);
            if asks {
                request = request.header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
            }
            request.body(()).unwrap()
        };
        assert!(Console::preflight(&request(Method::OPTIONS, true), &origin).is_some());
        assert!(Console::preflight(&request(Method::OPTIONS, false), &origin).is_none());
        assert!(Console::preflight(&request(Method::POST, true), &origin).is_none());
    }
}

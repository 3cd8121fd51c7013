//! The admin listener: health, readiness, metrics, and the console.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use metrics_exporter_prometheus::PrometheusHandle;
use pugmark_gateway::{Body, empty_body, full_body};
use tokio::sync::watch;

use crate::{
    console::Console,
    listen::{Handler, Peer},
};

/// Answers on the admin listener.
#[derive(Clone)]
pub(crate) struct Admin {
    metrics: PrometheusHandle,
    /// True between the moment when all parts are open and the beginning of the shutdown.
    ready: watch::Receiver<bool>,
    /// Called before metrics are rendered, to read gauges off the parts.
    refresh: Arc<dyn Fn() + Send + Sync>,
    console: Console,
}

impl Admin {
    pub(crate) fn new(
        metrics: PrometheusHandle,
        ready: watch::Receiver<bool>,
        refresh: Arc<dyn Fn() + Send + Sync>,
        console: Console,
    ) -> Self {
        Self {
            metrics,
            ready,
            refresh,
            console,
        }
    }
}

impl Handler for Admin {
    async fn handle(&self, _: Arc<Peer>, request: Request<Body>) -> Response<Body> {
        let mut response = self.answer(&request);
        let headers = response.headers_mut();
        for (name, value) in [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "no-referrer"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static(
                "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ));
        if request.method() == Method::HEAD {
            *response.body_mut() = empty_body();
        }
        response
    }
}

impl Admin {
    fn answer(&self, request: &Request<Body>) -> Response<Body> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return text(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET and HEAD are answered here\n",
            );
        }
        match request.uri().path() {
            "/-/healthy" => text(StatusCode::OK, "healthy\n"),
            "/-/ready" if *self.ready.borrow() => text(StatusCode::OK, "ready\n"),
            "/-/ready" => text(StatusCode::SERVICE_UNAVAILABLE, "starting or stopping\n"),
            "/-/metrics" => {
                (self.refresh)();
                let mut response = text(StatusCode::OK, self.metrics.render());
                response.headers_mut().insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("text/plain; version=0.0.4"),
                );
                response
            }
            "/-/console.json" => self.console.describe(request.headers()),
            path if path.starts_with("/-/") => text(
                StatusCode::NOT_FOUND,
                "try /-/healthy, /-/ready, /-/metrics or /-/console.json\n",
            ),
            path => self.console.file(path, request.headers()),
        }
    }
}

fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(full_body(text.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

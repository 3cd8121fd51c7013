//! The admin listener: health, readiness, metrics, and the page at `/`.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode, header};
use metrics_exporter_prometheus::PrometheusHandle;
use pugmark_gateway::{Body, full_body};
use tokio::sync::watch;

use crate::listen::{Handler, Peer};

const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Pugmark</title>\
<h1>Pugmark is running</h1><p>Point AWS clients at the API listener: \
<code>export AWS_ENDPOINT_URL=http://127.0.0.1:4580</code>, then try <code>aws cloudtrail lookup-events</code>.\
<p><a href=/-/healthy>health</a> · <a href=/-/ready>readiness</a> · <a href=/-/metrics>metrics</a>";

/// Answers on the admin listener.
#[derive(Clone)]
pub(crate) struct Admin {
    metrics: PrometheusHandle,
    /// True between the moment when all parts are open and the beginning of the shutdown.
    ready: watch::Receiver<bool>,
    /// Called before metrics are rendered, to read gauges off the parts.
    refresh: Arc<dyn Fn() + Send + Sync>,
}

impl Admin {
    pub(crate) fn new(
        metrics: PrometheusHandle,
        ready: watch::Receiver<bool>,
        refresh: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            metrics,
            ready,
            refresh,
        }
    }
}

impl Handler for Admin {
    async fn handle(&self, _: Arc<Peer>, request: Request<Body>) -> Response<Body> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return answer(
                StatusCode::METHOD_NOT_ALLOWED,
                "text/plain",
                "only GET and HEAD are answered here\n".into(),
            );
        }
        match request.uri().path() {
            "/" => answer(StatusCode::OK, "text/html; charset=utf-8", PAGE.into()),
            "/-/healthy" => answer(StatusCode::OK, "text/plain", "healthy\n".into()),
            "/-/ready" if *self.ready.borrow() => {
                answer(StatusCode::OK, "text/plain", "ready\n".into())
            }
            "/-/ready" => answer(
                StatusCode::SERVICE_UNAVAILABLE,
                "text/plain",
                "starting or stopping\n".into(),
            ),
            "/-/metrics" => {
                (self.refresh)();
                answer(
                    StatusCode::OK,
                    "text/plain; version=0.0.4",
                    self.metrics.render(),
                )
            }
            _ => answer(
                StatusCode::NOT_FOUND,
                "text/plain",
                "try /, /-/healthy, /-/ready or /-/metrics\n".into(),
            ),
        }
    }
}

fn answer(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(full_body(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static(content_type),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        http::HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::X_FRAME_OPTIONS,
        http::HeaderValue::from_static("DENY"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        http::HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'",
        ),
    );
    response
}

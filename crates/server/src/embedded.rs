//! The S3 client's way to the embedded bucket store: a call in this process, without a socket and without a record.

use std::sync::Arc;

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared,
};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use pugmark_buckets::{Buckets, Internal};

/// An HTTP client that calls the store.
pub(crate) fn http_client(buckets: Arc<Buckets>) -> SharedHttpClient {
    Connector(buckets).into_shared()
}

#[derive(Clone)]
struct Connector(Arc<Buckets>);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let buckets = self.0.clone();
        HttpConnectorFuture::new(async move {
            let failed =
                |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
            let request = request
                .try_into_http1x()
                .map_err(|error| failed(error.into()))?;
            let (mut parts, body) = request.into_parts();
            // The signature covers the host; a connection would have written the header from the address.
            if let Some(host) = parts.uri.authority()
                && !parts.headers.contains_key(http::header::HOST)
            {
                let host = http::HeaderValue::from_str(host.as_str());
                let host = host.map_err(|error| failed(error.into()))?;
                parts.headers.insert(http::header::HOST, host);
            }
            // What delivery puts is small enough to stand in memory already.
            let bytes = body.collect().await.map_err(failed)?.to_bytes();
            let mut request = http::Request::from_parts(parts, bytes.into());
            request.extensions_mut().insert(Internal);
            let response = buckets.call(request).await;
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.map_err(failed)?.to_bytes();
            let response = http::Response::from_parts(parts, SdkBody::from(bytes));
            HttpResponse::try_from(response).map_err(|error| failed(error.into()))
        })
    }
}

//! Signed calls of CloudTrail operations that AWS's SDK does not know: `SearchEvents` and its kin.

use std::time::Duration;

use anyhow::{Context, bail};
use aws_sigv4::http_request::SignableBody;
use bytes::BytesMut;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use pugmark_gateway::{Body, UpstreamClient, full_body};
use serde_json::Value;

use crate::{
    client::{self, Server},
    signer::Signer,
};

/// A page has 8 MiB of records, escaped once more.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// A server that says nothing for so long is not there any more.
const PAUSE_MAX: Duration = Duration::from_secs(60);
const TARGET: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";

/// A client of one server.
pub(crate) struct Caller {
    client: UpstreamClient,
    signer: Signer,
}

/// What a server says instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Refused {
    status: u16,
    code: String,
    message: String,
}

impl Refused {
    /// Whether this is the server's code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// Whether the same call may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        self.status >= 500 && self.status != 501 || self.code == "ThrottlingException"
    }

    /// Whether the server does not know the operation.
    pub(crate) fn is_unknown_operation(&self) -> bool {
        // As AWS, moto and others say it.
        let codes = [
            "UnknownOperationException",
            "UnknownOperation",
            "InvalidAction",
            "UnsupportedOperationException",
            "NotImplemented",
        ];
        matches!(self.status, 404 | 405 | 501)
            || codes.contains(&self.code.as_str())
            || self.code.is_empty()
    }
}

impl Caller {
    /// Of the server that the flags name; `None` for AWS itself, which does not know these operations.
    ///
    /// # Errors
    /// When the endpoint is no URL, or root credentials cannot be read.
    pub(crate) async fn of(server: &Server) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = server.endpoint("CLOUDTRAIL") else {
            return Ok(None);
        };
        let uri: Uri = endpoint
            .parse()
            .with_context(|| format!("{endpoint} is no endpoint"))?;
        if uri.authority().is_none() {
            bail!("{endpoint} is no endpoint: it needs http:// or https:// and a host");
        }
        // They are many, and a server without encryption needs none.
        let authorities = match uri.scheme_str() {
            Some("https") => client::authorities()?,
            _ => None,
        };
        let client = authorities.map_or_else(UpstreamClient::default, |authorities| {
            UpstreamClient::trusting(authorities.roots)
        });
        Ok(Some(Self {
            client,
            signer: Signer::new(uri, server.config().await?),
        }))
    }

    /// Calls an operation and reads its answer.
    ///
    /// # Errors
    /// [`Refused`] when the server answers with an error; anything else when it does not answer.
    pub(crate) async fn call(&self, operation: &str, input: &Value) -> anyhow::Result<Value> {
        let body = self.open(operation, input).await?.into_body();
        let bytes = whole(body, ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&bytes).with_context(|| format!("the answer to {operation}"))
    }

    /// Calls an operation; its answer is still to be read.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(crate) async fn open(
        &self,
        operation: &str,
        input: &Value,
    ) -> anyhow::Result<Response<Body>> {
        let request = self.signed(operation, input.to_string()).await?;
        let sent =
            tokio::time::timeout(PAUSE_MAX, self.client.send(self.signer.endpoint(), request))
                .await;
        let response = sent
            .map_err(|_| anyhow::anyhow!("{} did not answer in time", self.signer.endpoint()))?
            .map_err(|error| {
                let endpoint = self.signer.endpoint().to_string();
                client::unreachable(&endpoint, &client::root_cause(&*error))
            })?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let bytes = whole(response.into_body(), ANSWER_BYTES_MAX).await?;
        let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let code = said["__type"].as_str().unwrap_or_default();
        let message = said["message"].as_str().or(said["Message"].as_str());
        Err(Refused {
            status,
            code: code.rsplit('#').next().unwrap_or_default().to_owned(),
            message: message.unwrap_or_default().to_owned(),
        }
        .into())
    }

    async fn signed(&self, operation: &str, body: String) -> anyhow::Result<Request<Body>> {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("{TARGET}.{operation}"))
            .header("user-agent", concat!("pugmark/", env!("CARGO_PKG_VERSION")))
            .body(full_body(body.clone()))?;
        let payload = SignableBody::Bytes(body.as_bytes());
        self.signer.sign("cloudtrail", payload, request).await
    }
}

/// The next bytes of an answer; `None` after its end. A server that falls silent is an error.
pub(crate) async fn next(body: &mut Body) -> anyhow::Result<Option<bytes::Bytes>> {
    loop {
        let frame = tokio::time::timeout(PAUSE_MAX, body.frame()).await;
        let frame = frame.context("the server fell silent within its answer")?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => bail!("the answer broke off: {error}"),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// A whole answer.
///
/// # Errors
/// When it is longer, breaks off, or falls silent.
pub(crate) async fn whole(mut body: Body, bytes_max: usize) -> anyhow::Result<BytesMut> {
    let mut bytes = BytesMut::new();
    while let Some(data) = next(&mut body).await? {
        bytes.extend_from_slice(&data);
        if bytes.len() > bytes_max {
            bail!("the answer has more than {bytes_max} bytes");
        }
    }
    Ok(bytes)
}

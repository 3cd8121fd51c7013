//! Objects of a store that speaks plain HTTP, one signed GET each: the SDK's client spends more on a small file than all the
//! rest of its validation.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, bail};
use aws_config::SdkConfig;
use aws_sigv4::http_request::SignableBody;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::BodyExt;
use pugmark_gateway::{UpstreamClient, empty_body};
use pugmark_wire::sigv4::encoded_path;

use super::digest::Object;
use crate::signer::Signer;

/// No log file or digest is as large.
const BODY_BYTES_MAX: usize = 1 << 30;
const TRIES: u32 = 3;

pub(super) struct Plain {
    client: UpstreamClient,
    signer: Signer,
}

impl Plain {
    /// For an endpoint such as `http://127.0.0.1:4580`; `None` for any other.
    pub(super) fn new(config: &SdkConfig, endpoint: &str) -> Option<Self> {
        let endpoint: Uri = endpoint.parse().ok()?;
        let is_plain = endpoint.scheme_str() == Some("http") && matches!(endpoint.path(), "" | "/");
        is_plain.then(|| Self {
            client: UpstreamClient::default(),
            signer: Signer::new(endpoint, config.clone()),
        })
    }

    /// An object; `None` if it is not there.
    pub(super) async fn get(&self, bucket: &str, key: &str) -> anyhow::Result<Option<Object>> {
        let mut tried = 0;
        loop {
            tried += 1;
            let answer = self.try_get(bucket, key).await;
            let is_transient = match &answer {
                Ok(Answer::Refused(status, _)) => status.is_server_error(),
                Ok(_) => false,
                Err(_) => true,
            };
            if is_transient && tried < TRIES {
                tokio::time::sleep(Duration::from_millis(100 << tried)).await;
                continue;
            }
            return match answer.with_context(|| format!("get s3://{bucket}/{key}"))? {
                Answer::Object(object) => Ok(Some(object)),
                Answer::Missing => Ok(None),
                Answer::Refused(status, text) => bail!("get s3://{bucket}/{key}: {status}: {text}"),
            };
        }
    }

    async fn try_get(&self, bucket: &str, key: &str) -> anyhow::Result<Answer> {
        let path = format!("/{bucket}/{}", encoded_path(key));
        let request = Request::get(path).body(empty_body())?;
        let payload = SignableBody::UnsignedPayload;
        let request = self.signer.sign("s3", payload, request).await?;
        let response = self
            .client
            .send(self.signer.endpoint(), request)
            .await
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let (head, body) = response.into_parts();
        let body = whole(body).await?;
        Ok(match head.status {
            StatusCode::OK => Answer::Object(Object {
                metadata: metadata(&head.headers),
                body,
            }),
            StatusCode::NOT_FOUND if is_no_such_key(&body) => Answer::Missing,
            status => {
                let text = String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned();
                Answer::Refused(status, text)
            }
        })
    }
}

/// A body within the bound.
async fn whole(mut body: pugmark_gateway::Body) -> anyhow::Result<Bytes> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| anyhow::anyhow!("{error}"))?;
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
        if bytes.len() > BODY_BYTES_MAX {
            bail!("more than {BODY_BYTES_MAX} bytes");
        }
    }
    Ok(bytes.freeze())
}

enum Answer {
    Object(Object),
    Missing,
    Refused(StatusCode, String),
}

fn is_no_such_key(body: &Bytes) -> bool {
    String::from_utf8_lossy(body).contains("<Code>NoSuchKey</Code>")
}

fn metadata(headers: &HeaderMap) -> HashMap<String, String> {
    let entries = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("x-amz-meta-")?;
        Some((name.to_owned(), value.to_str().ok()?.to_owned()))
    });
    entries.collect()
}

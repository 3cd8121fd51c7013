//! The answer's way back: recorded before it is complete, or made by the gateway itself.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request, response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use pugmark_core::limits;
use pugmark_journal::JournalError;
use pugmark_wire::{catalogue::Protocol, project};

use crate::{
    body::{Body, BoxError, Capture, full_body},
    pending::{Outcome, Pending},
    recorder::Recorder,
    refusal::Refusal,
};

/// An answer of known length up to this is read whole, recorded, and sent in one go.
const WHOLE_BYTES_MAX: u64 = 64 * 1024;

/// The protocol that an error must speak when the operation is not known.
pub(crate) fn protocol_of(parts: &request::Parts) -> Protocol {
    let text = |name: header::HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    };
    let content_type = text(header::CONTENT_TYPE);
    if parts.headers.contains_key("smithy-protocol") {
        Protocol::Cbor
    } else if content_type.starts_with("application/x-amz-json-1.0") {
        Protocol::Json10
    } else if parts.headers.contains_key("x-amz-target")
        || content_type.starts_with("application/x-amz-json")
    {
        Protocol::Json11
    } else if content_type.starts_with("application/x-www-form-urlencoded") {
        Protocol::Query
    } else if content_type.starts_with("application/json") {
        Protocol::RestJson
    } else {
        Protocol::RestXml
    }
}

/// An error answer in its protocol's shape.
pub(crate) fn refuse(
    refusal: &Refusal,
    protocol: Protocol,
    s3_resource: Option<&str>,
    request_id: &str,
) -> Response<Body> {
    let rendered = project::render_error(
        protocol,
        &refusal.code,
        &refusal.message,
        request_id,
        s3_resource,
    );
    let mut response = Response::new(full_body(rendered.body));
    *response.status_mut() =
        StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in rendered.headers {
        headers.insert(name, value);
    }
    if let Some(seconds) = refusal.retry_after_seconds {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    // What is left of the request's body is not read.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// An upstream's answer to a pending call.
pub(crate) struct Answered {
    pub(crate) pending: Pending,
    pub(crate) is_head: bool,
}

impl Answered {
    /// Gives the answer to the caller; its last byte waits until the event is durable.
    pub(crate) async fn release(self, answer: Response<Body>) -> Response<Body> {
        let (mut head, body) = answer.into_parts();
        for name in [
            header::CONNECTION.as_str(),
            "keep-alive",
            "transfer-encoding",
            "upgrade",
        ] {
            head.headers.remove(name);
        }
        let length = if self.is_head || body.is_end_stream() {
            Some(0)
        } else {
            body.size_hint().exact()
        };
        match length {
            Some(bytes) if bytes <= WHOLE_BYTES_MAX => self.release_whole(head, body).await,
            _ => Response::from_parts(
                head.clone(),
                Recorded::new(self.pending, head, body, length).boxed_unsync(),
            ),
        }
    }

    async fn release_whole(mut self, head: response::Parts, body: Body) -> Response<Body> {
        let bytes = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                tracing::warn!(%error, "upstream closed the connection within its answer");
                return self.pending.fail(&Refusal::upstream_unavailable()).await;
            }
        };
        let outcome = Outcome {
            status: Some(head.status),
            headers: Some(&head.headers),
            bytes_out: bytes.len() as u64,
            body: Ok(bytes.clone()),
            error: None,
            unknown: None,
        };
        match self.pending.finish(outcome).await {
            Ok(()) => Response::from_parts(head, full_body(bytes)),
            Err(_) => self.pending.refuse(&Refusal::unrecorded()),
        }
    }
}

type Finishing = Pin<Box<dyn Future<Output = Result<(), JournalError>> + Send>>;

/// An answer's body on its way to the caller. The frame that completes it (or the end, when its length is not known)
/// is held until the event is durable. When the caller goes away, the event is recorded all the same.
struct Recorded {
    upstream: Body,
    /// Taken when the event is being recorded.
    call: Option<Under>,
    recorder: Recorder,
    state: State,
    length: Option<u64>,
}

/// What the event is made of once the body has passed.
struct Under {
    pending: Pending,
    status: StatusCode,
    headers: HeaderMap,
    capture: Capture,
    capture_bytes_max: usize,
}

enum State {
    Streaming,
    /// Recording, with the frame that is held meanwhile.
    Finishing(Finishing, Option<Bytes>),
    Done,
}

impl Recorded {
    fn new(pending: Pending, head: response::Parts, upstream: Body, length: Option<u64>) -> Self {
        let capture_bytes_max = if pending.keeps_response(head.status) {
            limits::CAPTURE_BYTES_MAX
        } else {
            0
        };
        let capture = Capture::default();
        let recorder = pending.recorder.clone();
        let call = Under {
            pending,
            status: head.status,
            headers: head.headers,
            capture,
            capture_bytes_max,
        };
        Self {
            upstream,
            call: Some(call),
            recorder,
            state: State::Streaming,
            length,
        }
    }
}

impl Under {
    async fn finish(mut self, unknown: Option<&'static str>) -> Result<(), JournalError> {
        let bytes_out = self.capture.total();
        let outcome = Outcome {
            status: Some(self.status),
            headers: Some(&self.headers),
            bytes_out,
            body: self.capture.whole(),
            error: None,
            unknown,
        };
        self.pending.finish(outcome).await
    }
}

impl HttpBody for Recorded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Done => return Poll::Ready(None),
                State::Finishing(finishing, held) => {
                    let recorded = ready!(finishing.as_mut().poll(cx));
                    let held = held.take();
                    this.state = State::Done;
                    return Poll::Ready(match recorded {
                        Ok(()) => held.map(|data| Ok(Frame::data(data))),
                        Err(error) => Some(Err(error.into())),
                    });
                }
                State::Streaming => {
                    let frame = ready!(Pin::new(&mut this.upstream).poll_frame(cx));
                    let Some(under) = &mut this.call else {
                        return Poll::Ready(None);
                    };
                    let held = match frame {
                        Some(Err(error)) => {
                            tracing::warn!(%error, "upstream closed the connection within its answer");
                            // Dropping this body records the call as far as it went.
                            return Poll::Ready(Some(Err(error)));
                        }
                        Some(Ok(frame)) => {
                            let Ok(data) = frame.into_data() else {
                                continue;
                            };
                            under.capture.look(&data, under.capture_bytes_max);
                            if this.length != Some(under.capture.total()) {
                                return Poll::Ready(Some(Ok(Frame::data(data))));
                            }
                            Some(data)
                        }
                        None => None,
                    };
                    let Some(under) = this.call.take() else {
                        return Poll::Ready(None);
                    };
                    this.state = State::Finishing(Box::pin(under.finish(None)), held);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Done)
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        // An answer that was only partly taken is recorded; a recording under way is carried on.
        let finishing: Finishing = match (
            self.call.take(),
            std::mem::replace(&mut self.state, State::Done),
        ) {
            (Some(under), _) => Box::pin(under.finish(None)),
            (None, State::Finishing(finishing, _)) => finishing,
            _ => return,
        };
        self.recorder.carry_on(finishing);
    }
}

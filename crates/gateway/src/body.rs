//! Bodies as they pass: read a prefix, look at what goes by, keep a bounded copy.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Full};

/// Whatever goes wrong while a body is read.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body of any origin.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;

/// A body of the given bytes.
pub fn full_body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body without bytes.
pub fn empty_body() -> Body {
    full_body(Bytes::new())
}

/// The beginning of a body, and what is left of it.
pub(crate) struct Prefix {
    /// What was read, at least the asked-for bytes unless the body ended.
    pub(crate) bytes: Bytes,
    /// `None` when the body ended within the prefix.
    pub(crate) rest: Option<Body>,
}

/// Reads a body until it ends or more than `bytes_max` bytes are there.
pub(crate) async fn read_prefix(mut body: Body, bytes_max: usize) -> Result<Prefix, BoxError> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while first.len() + joined.len() <= bytes_max {
        if body.is_end_stream() {
            return Ok(Prefix {
                bytes: join(first, joined),
                rest: None,
            });
        }
        match body.frame().await {
            None => {
                return Ok(Prefix {
                    bytes: join(first, joined),
                    rest: None,
                });
            }
            Some(frame) => {
                // HTTP trailers are no part of an AWS request; aws-chunked trailers are in the data.
                let Ok(data) = frame?.into_data() else {
                    continue;
                };
                if first.is_empty() && joined.is_empty() {
                    first = data;
                } else {
                    if joined.is_empty() {
                        joined.reserve(first.len() + data.len());
                        joined.extend_from_slice(&first);
                        first = Bytes::new();
                    }
                    joined.extend_from_slice(&data);
                }
            }
        }
    }
    Ok(Prefix {
        bytes: join(first, joined),
        rest: Some(body),
    })
}

fn join(first: Bytes, joined: BytesMut) -> Bytes {
    if joined.is_empty() {
        first
    } else {
        joined.freeze()
    }
}

/// Looks at a request body as it streams to the upstream and decides, at its end, whether it may complete.
pub(crate) trait Inspector: Send + Unpin + 'static {
    /// Sees the next bytes. An error ends the body at once.
    fn look(&mut self, data: &Bytes) -> Result<(), BoxError>;
    /// The body has ended. An error keeps its last bytes from being sent.
    fn end(&mut self) -> Result<(), BoxError>;
}

/// A request body under inspection: the newest frame is held until the next one or the end has been judged, so that
/// an upstream never sees a complete body that failed.
pub(crate) struct Inspected<I> {
    prefix: VecDeque<Bytes>,
    rest: Body,
    held: Option<Bytes>,
    inspector: I,
    ended: bool,
    size: SizeHint,
}

impl<I: Inspector> Inspected<I> {
    /// Streams `prefix`, then `rest`; `bytes_total` is the body's declared length.
    pub(crate) fn new(prefix: Bytes, rest: Body, bytes_total: Option<u64>, inspector: I) -> Self {
        let size = bytes_total.map_or_else(SizeHint::default, SizeHint::with_exact);
        Self {
            prefix: VecDeque::from([prefix]),
            rest,
            held: None,
            inspector,
            ended: false,
            size,
        }
    }
}

impl<I: Inspector> HttpBody for Inspected<I> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        loop {
            let next = match this.prefix.pop_front() {
                Some(data) => Some(data),
                None => match std::task::ready!(Pin::new(&mut this.rest).poll_frame(cx)) {
                    None => None,
                    Some(Err(error)) => {
                        this.ended = true;
                        return Poll::Ready(Some(Err(error)));
                    }
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => Some(data),
                        Err(_) => continue,
                    },
                },
            };
            let judged = match &next {
                Some(data) => this.inspector.look(data),
                None => this.inspector.end(),
            };
            if let Err(error) = judged {
                this.ended = true;
                return Poll::Ready(Some(Err(error)));
            }
            match next {
                None => {
                    this.ended = true;
                    return Poll::Ready(this.held.take().map(|data| Ok(Frame::data(data))));
                }
                Some(data) => {
                    if let Some(held) = this.held.replace(data) {
                        return Poll::Ready(Some(Ok(Frame::data(held))));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.held.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // What was sent already is not subtracted: hyper asks before the first frame.
        self.size
    }
}

/// A bounded copy of bytes that pass, and their count.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    bytes: BytesMut,
    total: u64,
}

impl Capture {
    /// Copies what still fits in `bytes_max`.
    pub(crate) fn look(&mut self, data: &[u8], bytes_max: usize) {
        self.total += data.len() as u64;
        let room = bytes_max.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&data[..data.len().min(room)]);
    }

    /// All bytes that passed, also those not kept.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The copy so far, if it is whole; else all bytes that passed.
    pub(crate) fn copy(&self) -> Result<Bytes, u64> {
        if self.bytes.len() as u64 == self.total {
            Ok(Bytes::copy_from_slice(&self.bytes))
        } else {
            Err(self.total)
        }
    }

    /// The copy, if it is whole.
    pub(crate) fn whole(self) -> Result<Bytes, u64> {
        if self.bytes.len() as u64 == self.total {
            Ok(self.bytes.freeze())
        } else {
            Err(self.total)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::stream;
    use http_body_util::StreamBody;

    use super::*;

    fn frames(parts: &[&'static str]) -> Body {
        let frames: Vec<Result<_, BoxError>> = parts
            .iter()
            .map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes()))))
            .collect();
        StreamBody::new(stream::iter(frames)).boxed_unsync()
    }

    #[tokio::test]
    async fn a_prefix_is_whole_or_leaves_a_rest() {
        let whole = read_prefix(frames(&["ab", "cd"]), 10).await.unwrap();
        assert_eq!(
            (&whole.bytes[..], whole.rest.is_none()),
            (&b"abcd"[..], true)
        );
        let part = read_prefix(frames(&["ab", "cd", "ef"]), 2).await.unwrap();
        assert_eq!(&part.bytes[..], b"abcd");
        assert_eq!(part.rest.unwrap().collect().await.unwrap().to_bytes(), "ef");
    }

    struct Refuse;

    impl Inspector for Refuse {
        fn look(&mut self, _: &Bytes) -> Result<(), BoxError> {
            Ok(())
        }

        fn end(&mut self) -> Result<(), BoxError> {
            Err("bad signature".into())
        }
    }

    #[tokio::test]
    async fn a_body_that_fails_at_its_end_never_completes() {
        let mut body = Inspected::new("ab".into(), frames(&["cd"]), None, Refuse);
        assert_eq!(
            body.frame().await.unwrap().unwrap().into_data().unwrap(),
            "ab"
        );
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none());
    }

    #[test]
    fn a_capture_is_bounded_and_counts_on() {
        let mut capture = Capture::default();
        capture.look(b"abc", 4);
        capture.look(b"def", 4);
        assert_eq!(capture.total(), 6);
        assert_eq!(capture.whole(), Err(6));
    }
}

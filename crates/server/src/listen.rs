//! The listeners: accept, limit, serve, and drain at shutdown.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::Context as _;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use pugmark_gateway::{Body, BoxError};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// Connections served at a time; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 10_000;
/// A client must have sent its request's head by then.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// A client may pause for this long within a request's body.
const BODY_PAUSE_MAX: Duration = Duration::from_secs(60);
/// A client must have shaken hands by then.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest request head, in bytes: AWS allows 8 KiB of headers, presigned URLs come on top.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 200;
/// How long calls under way may take to end once a shutdown has begun.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// What a connection says about every request on it.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// The other side.
    pub(crate) address: IpAddr,
    /// Version and cipher suite, by the names that CloudTrail writes.
    pub(crate) tls: Option<(String, String)>,
}

/// Answers requests.
pub(crate) trait Handler: Clone + Send + Sync + 'static {
    /// Answers one; failures are answers too.
    fn handle(
        &self,
        peer: Arc<Peer>,
        request: Request<Body>,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// Waits for what requests left to be done after their connections ended.
    fn finish(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// A connection on its way from the listener to the thread that serves it.
struct Accepted {
    stream: std::net::TcpStream,
    address: IpAddr,
    /// Given back when the connection ends.
    place: OwnedSemaphorePermit,
}

/// Serves connections until `shutdown` turns true, then waits for calls under way.
///
/// Each of `threads` threads serves its connections alone, with a handler of its own: what belongs to one call never
/// wakes another thread, and many calls share one trip to the kernel.
///
/// # Errors
/// When a thread cannot be started.
pub(crate) async fn serve<H: Handler>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    threads: usize,
    handler: impl Fn() -> H,
    mut shutdown: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut ended = JoinSet::new();
    let mut queues = Vec::new();
    for number in 0..threads.max(1) {
        let (queue, accepted) = mpsc::unbounded_channel();
        let (tls, handler, stop) = (tls.clone(), handler(), shutdown.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (done, is_done) = oneshot::channel();
        std::thread::Builder::new()
            .name(format!("calls-{number}"))
            .spawn(move || {
                runtime.block_on(serve_here(accepted, tls, handler, stop));
                // Files may still be written to on the runtime's own threads.
                runtime.shutdown_timeout(DRAIN_TIMEOUT);
                let _ = done.send(());
            })?;
        queues.push(queue);
        ended.spawn(is_done);
    }
    for queue in queues.iter().cycle() {
        let place = tokio::select! {
            Ok(place) = places.clone().acquire_owned() => place,
            () = stopped(&mut shutdown) => break,
        };
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = stopped(&mut shutdown) => break,
        };
        let (stream, address) = accepted;
        let address = address.ip();
        // A thread that is gone has left a panic in the log; the others serve on.
        let _ = queue.send(Accepted {
            stream,
            address,
            place,
        });
    }
    drop(queues);
    while ended.join_next().await.is_some() {}
    Ok(())
}

/// Waits for a connection, through every failure to take one.
async fn accept(listener: &TcpListener) -> (std::net::TcpStream, SocketAddr) {
    loop {
        let accepted = match listener.accept().await {
            Ok((stream, address)) => stream.into_std().map(|stream| (stream, address)),
            Err(error) => Err(error),
        };
        match accepted {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Out of file descriptors, most likely: give connections a moment to close.
                tracing::warn!(%error, "connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves the connections of one thread until no more can come, then waits for calls under way.
async fn serve_here<H: Handler>(
    mut accepted: mpsc::UnboundedReceiver<Accepted>,
    tls: Option<TlsAcceptor>,
    handler: H,
    shutdown: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    while let Some(next) = accepted.recv().await {
        let stream = match TcpStream::from_std(next.stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "connection could not be taken over");
                continue;
            }
        };
        let (tls, handler, shutdown) = (tls.clone(), handler.clone(), shutdown.clone());
        connections.spawn(async move {
            let _place = next.place;
            connection(stream, next.address, tls, handler, shutdown).await;
        });
        while connections.try_join_next().is_some() {}
    }
    let drain = async {
        while connections.join_next().await.is_some() {}
        handler.finish().await;
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, drain).await.is_err() {
        tracing::warn!("calls were still under way at the end of the drain time");
    }
}

async fn connection<H: Handler>(
    stream: TcpStream,
    address: IpAddr,
    tls: Option<TlsAcceptor>,
    handler: H,
    shutdown: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        let peer = Arc::new(Peer { address, tls: None });
        return http(TokioIo::new(stream), peer, handler, shutdown).await;
    };
    match tokio::time::timeout(TLS_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let session = stream.get_ref().1;
            let names = session
                .protocol_version()
                .zip(session.negotiated_cipher_suite());
            let tls =
                names.map(|(version, suite)| (tls_version(version), tls_suite(suite.suite())));
            http(
                TokioIo::new(stream),
                Arc::new(Peer { address, tls }),
                handler,
                shutdown,
            )
            .await;
        }
        Ok(Err(error)) => tracing::debug!(%address, %error, "TLS handshake failed"),
        Err(_) => tracing::debug!(%address, "TLS handshake took too long"),
    }
}

async fn http<H: Handler>(
    io: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    peer: Arc<Peer>,
    handler: H,
    mut shutdown: watch::Receiver<bool>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let (handler, peer) = (handler.clone(), peer.clone());
        async move {
            let request = request.map(|body| Paced::new(body).boxed_unsync());
            Ok::<_, std::convert::Infallible>(handler.handle(peer, request).await)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(io, service);
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stopped(&mut shutdown) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(address = %peer.address, %error, "connection ended early");
    }
}

/// A request body that must not pause for longer than [`BODY_PAUSE_MAX`].
struct Paced {
    body: Incoming,
    /// Set while the next bytes are waited for.
    deadline: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Paced {
    fn new(body: Incoming) -> Self {
        Self {
            body,
            deadline: None,
        }
    }
}

impl http_body::Body for Paced {
    type Data = bytes::Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.deadline = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(BODY_PAUSE_MAX)));
        match deadline.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err("the client paused for too long".into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// Waits until the server is to stop.
pub(crate) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// `TLSv1.3`, as `tlsDetails.tlsVersion` has it.
fn tls_version(version: rustls::ProtocolVersion) -> String {
    match version {
        rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2".into(),
        rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3".into(),
        other => format!("{other:?}"),
    }
}

/// `TLS_AES_128_GCM_SHA256` for TLS 1.3, OpenSSL's `ECDHE-RSA-AES128-GCM-SHA256` below, as AWS writes them.
fn tls_suite(suite: rustls::CipherSuite) -> String {
    let name = format!("{suite:?}");
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name
            .trim_start_matches("TLS_")
            .replace("_WITH_", "_")
            .replace("AES_", "AES")
            .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
            .replace('_', "-"),
    }
}

/// Reads certificate chain and key for the API listener.
pub(crate) fn tls_acceptor(certificate: &Path, private_key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("read certificate chain {}", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(private_key)
        .with_context(|| format!("read private key {}", private_key.display()))?;
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("certificate and private key do not fit together")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

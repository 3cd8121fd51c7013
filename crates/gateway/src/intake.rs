//! The way of one call: admit, recognise, verify, forward, record, answer.

use std::{
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use http::{Method, Request, Response, header, request::Parts};
use http_body_util::BodyExt;
use ipnet::IpNet;
use pugmark_core::{
    account::{AccountId, Region},
    clock::Clock,
    limits,
};
use pugmark_wire::{
    catalogue::Protocol,
    recognize::{Call, FormWatch, ambiguity, may_be_form, recognize},
};
use uuid::Uuid;

use crate::{
    answer::{self, Answered},
    body::{Body, Inspected, Prefix, full_body, read_prefix},
    compose::{Tls, VpcEndpoint},
    hosts::HostRule,
    identities::Identities,
    pending::Pending,
    recorder::Recorder,
    refusal::Refusal,
    upstream::{Abandoned, LocalCall, Route, Routes, UpstreamClient},
    verify::{self, BodyCheck, BodyFailure, Claimed, Outgoing, Verdict},
};

/// How long a client may pause within the part of a body that is read before forwarding.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// How much and how long a refused request's body is read.
const DISCARD_BYTES_MAX: usize = 64 * 1024 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);

/// What a connection says of the calls on it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The caller's address.
    pub address: IpAddr,
    /// What was negotiated, when the connection is encrypted.
    pub tls: Option<Tls>,
}

/// What the gateway takes for granted when a call does not say.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The account of callers whose key does not tell.
    pub account: AccountId,
    /// The Region of calls that are not signed for one.
    pub region: Region,
    /// Who says how hosts name buckets.
    pub bucket_hosts: HostRule,
    /// VPC endpoints, and the networks whose calls come through each; the first that fits counts.
    pub vpc_endpoints: Vec<(VpcEndpoint, Vec<IpNet>)>,
}

impl Settings {
    fn vpc_endpoint(&self, caller: IpAddr) -> Option<VpcEndpoint> {
        let caller = caller.to_canonical();
        let (endpoint, _) = self
            .vpc_endpoints
            .iter()
            .find(|(_, networks)| networks.iter().any(|network| network.contains(&caller)))?;
        Some(endpoint.clone())
    }
}

/// The recording proxy.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    routes: Routes,
    client: UpstreamClient,
    identities: Arc<Identities>,
    recorder: Recorder,
    clock: Arc<dyn Clock>,
    settings: Settings,
}

impl Gateway {
    /// Connects the parts.
    pub fn new(
        routes: Routes,
        client: UpstreamClient,
        identities: Arc<Identities>,
        recorder: Recorder,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Inner {
            routes,
            client,
            identities,
            recorder,
            clock,
            settings,
        }))
    }

    /// The same gateway with upstream connections of its own: for a thread that shares none with others.
    pub fn with_own_connections(&self) -> Self {
        Self(Arc::new(Inner {
            client: UpstreamClient::default(),
            ..(*self.0).clone()
        }))
    }

    /// Waits for the calls whose callers went away before their end. After the last [`Gateway::handle`], before the
    /// runtime ends.
    pub async fn finish(&self) {
        self.0.recorder.rest().await;
    }

    /// Answers one call. The call runs to its end even when the caller goes away, so that it is recorded.
    pub async fn handle(&self, connection: Connection, request: Request<Body>) -> Response<Body> {
        let inner = self.0.clone();
        let (parts, body) = request.into_parts();
        let protocol = answer::protocol_of(&parts);
        let abandoned = Abandoned::default();
        let told = abandoned.clone();
        let call = async move { inner.handle(connection, parts, body, told).await };
        let call = Unstoppable {
            call: Some(Box::pin(call)),
            recorder: self.0.recorder.clone(),
            abandoned,
        };
        match call.await {
            Ok(response) => response,
            Err(Panicked) => answer::refuse(
                &Refusal::internal(),
                protocol,
                None,
                &Uuid::new_v4().to_string(),
            ),
        }
    }
}

type Calling = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// A call that goes on as a task of its own when its connection ends before it does. Cheaper than a task for each call.
struct Unstoppable {
    call: Option<Calling>,
    recorder: Recorder,
    abandoned: Abandoned,
}

/// The call hit a bug; the panic's message is in the log.
#[derive(Debug)]
struct Panicked;

impl Future for Unstoppable {
    type Output = Result<Response<Body>, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(call) = &mut self.call else {
            return Poll::Ready(Err(Panicked));
        };
        // A panic must not take the connection's other calls along; what it left is dropped, never looked at again.
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx)));
        let answer = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(response)) => Ok(response),
            Err(_) => {
                tracing::error!("a call failed inside the gateway");
                Err(Panicked)
            }
        };
        self.call = None;
        Poll::Ready(answer)
    }
}

impl Drop for Unstoppable {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.abandoned.set();
            self.recorder.carry_on(call);
        }
    }
}

/// A call that was read as far as needed, with all that is known of it before it is forwarded.
struct Read {
    parts: Parts,
    prefix: Prefix,
    call: Option<Call>,
    /// What the rest of a form must not say.
    form: Option<FormWatch>,
    protocol: Protocol,
    request_id: String,
    abandoned: Abandoned,
}

impl Inner {
    async fn handle(
        &self,
        connection: Connection,
        mut parts: Parts,
        body: Body,
        abandoned: Abandoned,
    ) -> Response<Body> {
        let request_id = Uuid::new_v4().to_string();
        let guessed = answer::protocol_of(&parts);
        if let Err(error) = self.recorder.admit() {
            tracing::warn!(%error, "call refused: the journal takes no more");
            return answer::refuse(&Refusal::busy(), guessed, None, &request_id);
        }
        match self.settings.bucket_hosts.of(&parts).await {
            Ok(None) => {}
            Ok(Some(hosts)) => _ = parts.extensions.insert(hosts),
            Err(error) => {
                tracing::warn!(error = %chain(&*error), "call refused: the store does not say whether its host names a bucket");
                let refusal = Refusal::upstream_unavailable();
                return answer::refuse(&refusal, guessed, None, &request_id);
            }
        }
        let claim = verify::claim(&parts);
        let signing_name = claim.signing_name().map(str::to_owned);
        // Calls of Pugmark's own operations are read whole, for they are small, and those that a form may tell as far as may be,
        // for its last parameter may be another call's.
        let own = signing_name.as_deref() == Some("cloudtrail");
        let is_form = may_be_form(&parts, signing_name.as_deref());
        let bytes_max = if own || is_form {
            limits::WHOLE_REQUEST_BYTES_MAX
        } else {
            limits::BUFFERED_BODY_BYTES_MAX
        };
        let prefix = match tokio::time::timeout(BODY_TIMEOUT, read_prefix(body, bytes_max)).await {
            Ok(Ok(prefix)) => prefix,
            Ok(Err(error)) => {
                tracing::debug!(%error, "request body could not be read");
                return answer::refuse(&Refusal::incomplete_body(), guessed, None, &request_id);
            }
            Err(_) => return answer::refuse(&Refusal::slow_body(), guessed, None, &request_id),
        };
        // The embedded store takes no forms, and nobody in this process judges their signatures.
        let claim = match self.routes.find(&["s3"]) {
            Some(Route::Remote(_)) => claim.with_form(&parts, &prefix.bytes),
            _ => claim,
        };
        let call = recognize(&parts, &prefix.bytes, signing_name.as_deref());
        let protocol = call.as_ref().map_or(guessed, |call| call.protocol);
        let is_long_form = is_form && prefix.rest.is_some();
        let read = Read {
            form: is_long_form.then(|| FormWatch::new(&parts, call.as_ref())),
            parts,
            prefix,
            call,
            protocol,
            request_id,
            abandoned,
        };
        let ambiguity = ambiguity(&read.parts, &read.prefix.bytes, read.call.as_ref());
        if let Some(ambiguity) = ambiguity {
            return read.refuse(&Refusal::ambiguous(&ambiguity));
        }
        if own && read.prefix.rest.is_some() {
            return read.refuse(&Refusal::too_large(limits::WHOLE_REQUEST_BYTES_MAX));
        }
        let service_id = read.call.as_ref().map(|call| call.service.id());
        let names: Vec<&str> = service_id
            .into_iter()
            .chain(signing_name.as_deref())
            .collect();
        let Some(route) = self.routes.find(&names).cloned() else {
            // A call of no known service that is not properly signed: that is what its caller must mend first.
            if let (None, Some(error)) = (names.first(), claim.error()) {
                let refusal = verify::refusal(&error, read.protocol, false);
                return read.refuse(&refusal);
            }
            return read.refuse(&Refusal::no_upstream(names.first().copied()));
        };
        let (is_remote, judges_legacy) = match &route {
            Route::Remote(_) => (true, true),
            Route::Local(service) => (false, service.verifies_legacy_signatures()),
        };
        let whole_body = read.prefix.rest.is_none().then_some(&read.prefix.bytes);
        let verdict = claim.judge(
            &read.parts,
            whole_body,
            &self.identities,
            self.clock.now(),
            is_remote,
            judges_legacy,
        );
        let body_check = match verdict {
            Verdict::Refused(error) => {
                metrics::counter!("pugmark_calls_refused_total", "reason" => "authentication")
                    .increment(1);
                let refusal = verify::refusal(&error, read.protocol, read.is_s3());
                return read.refuse(&refusal);
            }
            Verdict::Accepted(body_check) => body_check,
        };
        self.forward(connection, read, route, &claim, body_check)
            .await
    }

    async fn forward(
        &self,
        connection: Connection,
        read: Read,
        route: Route,
        claim: &Claimed,
        body_check: BodyCheck,
    ) -> Response<Body> {
        let access_key_id = claim.access_key_id();
        let identity = self.identities.identify(access_key_id);
        let account = identity.account.unwrap_or(self.settings.account);
        let region = claim.region(&read.parts, &self.settings.region);
        let Read {
            parts,
            prefix,
            call,
            form,
            protocol,
            request_id,
            abandoned,
        } = read;
        let local = LocalCall {
            identity: identity.clone(),
            account,
            region: region.clone(),
            access_key_id: access_key_id.map(str::to_owned),
            is_verified: claim.is_signed() && matches!(body_check, BodyCheck::None),
            operation: call.as_ref().map(|call| call.operation.name()),
            request_id: request_id.clone(),
            abandoned,
        };
        let request = copy_of(&parts);
        let is_head = parts.method == Method::HEAD;
        let mut pending = Pending {
            identities: self.identities.clone(),
            recorder: self.recorder.clone(),
            clock: self.clock.clone(),
            id: Uuid::new_v4(),
            request_id,
            parts,
            call,
            protocol,
            identity,
            account,
            region,
            source_ip: connection.address.to_string(),
            vpc_endpoint: self.settings.vpc_endpoint(connection.address),
            tls: connection.tls,
            auth: claim.auth_method(),
            signature_version: claim.signature_version(),
            request_body: verify::capture_of(prefix.rest.is_none().then_some(&prefix.bytes)),
            intent: None,
        };
        if let Err(error) = pending.intend().await {
            tracing::warn!(%error, "call refused: its intent could not be recorded");
            return pending.refuse(&Refusal::busy());
        }
        let failed = Arc::new(OnceLock::new());
        let body = match prefix.rest {
            None => full_body(prefix.bytes),
            Some(rest) => {
                let keeps_body = !pending
                    .call
                    .as_ref()
                    .is_some_and(|call| call.operation.request_streams());
                let outgoing = Outgoing::new(
                    body_check,
                    form,
                    pending.request_body.clone(),
                    keeps_body,
                    failed.clone(),
                );
                Inspected::new(prefix.bytes, rest, content_length(&pending.parts), outgoing)
                    .boxed_unsync()
            }
        };
        let request = request.map(|()| body);
        let answered = match route {
            Route::Remote(endpoint) => self.client.send(&endpoint, request).await,
            Route::Local(service) => Ok(service.call(local, request).await),
        };
        match (answered, failed.get()) {
            (_, Some(BodyFailure::Ambiguous(ambiguity))) => {
                pending.fail(&Refusal::ambiguous(ambiguity)).await
            }
            (_, Some(BodyFailure::Auth(error))) => {
                let is_s3 = pending
                    .call
                    .as_ref()
                    .is_some_and(|call| call.service.id() == "s3");
                let refusal = verify::refusal(error, pending.protocol, is_s3);
                pending.reject(&refusal).await
            }
            (Ok(response), None) => Answered { pending, is_head }.release(response).await,
            (Err(error), None) => {
                tracing::warn!(error = %chain(&*error), "upstream did not answer");
                pending.fail(&Refusal::upstream_unavailable()).await
            }
        }
    }
}

impl Read {
    fn is_s3(&self) -> bool {
        self.call
            .as_ref()
            .is_some_and(|call| call.service.id() == "s3")
    }

    /// Answers with an error. What the client still sends is read for a while and thrown away: closing at once would
    /// reset the connection, and the client would never see the answer.
    fn refuse(mut self, refusal: &Refusal) -> Response<Body> {
        if let Some(rest) = self.prefix.rest.take() {
            tokio::spawn(tokio::time::timeout(DISCARD_TIMEOUT, discard(rest)));
        }
        answer::refuse(
            refusal,
            self.protocol,
            self.is_s3().then(|| self.parts.uri.path()),
            &self.request_id,
        )
    }
}

/// Reads a body to its end, or up to a bound.
async fn discard(mut body: Body) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, bytes::Bytes::len);
        if bytes > DISCARD_BYTES_MAX {
            return;
        }
    }
}

/// An error and what caused it, on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn content_length(parts: &Parts) -> Option<u64> {
    parts
        .headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// A request with the same head, to be sent on.
fn copy_of(parts: &Parts) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    request
}

/// The same head once more.
pub(crate) fn copy_of_parts(parts: &Parts) -> Parts {
    copy_of(parts).into_parts().0
}

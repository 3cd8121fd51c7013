//! A call under way: what is known of it until its event is composed and durable.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, request::Parts};
use pugmark_core::{
    account::{AccountId, Region},
    clock::Clock,
    event::{Event, EventCategory},
    identity::Identity,
};
use pugmark_journal::{JournalError, Seq};
use pugmark_wire::{
    catalogue::Protocol,
    project::{self, ErrorInfo},
    recognize::Call,
    value::Value,
};
use uuid::Uuid;

use crate::{
    answer,
    body::{Body, Capture},
    compose::{self, AuthMethod, Facts, Tls, VpcEndpoint},
    identities::Identities,
    recorder::Recorder,
    refusal::Refusal,
};

/// A bounded copy of a request's body, filled while it streams.
pub(crate) type SharedCapture = Arc<Mutex<Capture>>;

/// A call from its verification to its event.
pub(crate) struct Pending {
    pub(crate) identities: Arc<Identities>,
    pub(crate) recorder: Recorder,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) id: Uuid,
    pub(crate) request_id: String,
    pub(crate) parts: Parts,
    pub(crate) call: Option<Call>,
    pub(crate) protocol: Protocol,
    pub(crate) identity: Identity,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) source_ip: String,
    pub(crate) vpc_endpoint: Option<VpcEndpoint>,
    pub(crate) tls: Option<Tls>,
    pub(crate) auth: AuthMethod,
    pub(crate) signature_version: Option<&'static str>,
    pub(crate) request_body: SharedCapture,
    pub(crate) intent: Option<Seq>,
}

/// How a call ended.
pub(crate) struct Outcome<'a> {
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: Option<&'a HeaderMap>,
    /// The answer's body, or its length when it was too long to keep.
    pub(crate) body: Result<Bytes, u64>,
    pub(crate) bytes_out: u64,
    /// An error that the gateway itself found.
    pub(crate) error: Option<ErrorInfo>,
    /// Why nobody knows how the call ended.
    pub(crate) unknown: Option<&'static str>,
}

impl Pending {
    /// In strict mode, makes the intent of a changing call durable.
    pub(crate) async fn intend(&mut self) -> Result<(), JournalError> {
        if !self.recorder.is_strict() {
            return Ok(());
        }
        let unknown = Some("the recorder stopped before the answer was seen");
        let outcome = Outcome {
            status: None,
            headers: None,
            body: Ok(Bytes::new()),
            bytes_out: 0,
            error: None,
            unknown,
        };
        let Some(event) = self.compose(&outcome).0.into_iter().next() else {
            return Ok(());
        };
        if event.keys.read_only == Some(true) || !self.recorder.selects(&event) {
            return Ok(());
        }
        self.intent = Some(self.recorder.intend(&event).await?);
        Ok(())
    }

    /// Whether the answer's body is worth a copy: a payload (an object, a log stream) is not.
    pub(crate) fn keeps_response(&self, status: StatusCode) -> bool {
        status.as_u16() >= 300
            || self
                .call
                .as_ref()
                .is_some_and(|call| !call.operation.response_streams())
    }

    /// Composes the event, makes it durable, and learns from the answer.
    pub(crate) async fn finish(&mut self, outcome: Outcome<'_>) -> Result<(), JournalError> {
        if !self.may_matter() {
            return Ok(());
        }
        self.sign_in(&outcome);
        let (events, request, response) = self.compose(&outcome);
        if let (Some(request), Some(response)) = (&request, &response) {
            self.learn(request, response, outcome.body.as_ref().ok());
        }
        // The journal takes its time, and the answer its memory.
        drop(outcome);
        let recorded = self.recorder.record(events).await;
        if let (Ok(()), Some(intent)) = (&recorded, self.intent.take()) {
            self.recorder.close_intent(intent);
        }
        recorded
    }

    /// Learns from a successful answer whose a key is, and a session's secrets. What teaches is posted: the answer to a GET may be
    /// somebody's web page.
    fn learn(&self, request: &Value, response: &Value, body: Option<&Bytes>) {
        let Some(call) = self
            .call
            .as_ref()
            .filter(|_| self.parts.method == Method::POST)
        else {
            return;
        };
        let (service, operation) = (call.service.id(), call.operation.name());
        let (caller, now) = (&self.identity, self.clock.now());
        self.identities
            .learn(caller, service, operation, request, response, now);
        let answer = body.filter(|_| service == "sts");
        if let Some(secrets) = answer.and_then(|body| project::session_secrets(call, body)) {
            self.identities.admit(caller, request, secrets, now);
        }
    }

    /// A call that nobody signs because it signs somebody in: its answer says whom.
    fn sign_in(&mut self, outcome: &Outcome<'_>) {
        let signs_in = self.call.as_ref().is_some_and(compose::signin::is_formed);
        let succeeded = outcome.error.is_none() && outcome.status.is_some_and(|it| it.is_success());
        let (true, true, Ok(answer)) = (signs_in, succeeded, &outcome.body) else {
            return;
        };
        let request = self
            .request_body
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .copy();
        let now = self.clock.now();
        let learnt = request.map(|request| self.identities.learn_sign_in(&request, answer, now));
        if let Ok(Some(identity)) = learnt {
            self.account = identity.account.unwrap_or(self.account);
            self.identity = identity;
        }
    }

    /// False for a data event while no trail logs any: by far the most calls in front of a bucket store.
    fn may_matter(&self) -> bool {
        let Some(call) = &self.call else { return true };
        self.intent.is_some()
            || compose::category(call) == EventCategory::Management
            || self.recorder.wants_data_events()
    }

    fn compose(&self, outcome: &Outcome<'_>) -> (Vec<Event>, Option<Value>, Option<Value>) {
        let call = self.call.as_ref();
        let (request_bytes, bytes_in) = {
            let capture = self
                .request_body
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            (capture.copy(), capture.total())
        };
        let payload = call.is_some_and(|call| call.operation.request_streams());
        let bytes = request_bytes.as_ref().ok();
        let whole = bytes.and_then(|bytes| project::request(call?, &self.parts, bytes).ok());
        let request_is_partial = whole.is_none() && call.is_some() && !payload;
        let request = whole.or_else(|| project::head(call?, &self.parts));
        let failed = outcome.status.is_some_and(|status| status.as_u16() >= 400);
        let response = match (&outcome.body, call, outcome.headers, outcome.status) {
            (Ok(body), Some(call), Some(headers), Some(status))
                if !failed && outcome.error.is_none() =>
            {
                project::response(call, status, headers, body).ok()
            }
            _ => None,
        };
        let error = match (&outcome.error, outcome.headers, outcome.status) {
            (Some(error), _, _) => Some(error.clone()),
            (None, Some(headers), Some(status)) if failed => {
                let body = outcome.body.as_deref().unwrap_or_default();
                Some(project::error(self.protocol, status, headers, body))
            }
            _ => None,
        };
        let upstream_id = outcome.headers.and_then(|headers| {
            project::request_id(
                self.protocol,
                headers,
                outcome.body.as_deref().unwrap_or_default(),
            )
        });
        let headers = &self.parts.headers;
        let facts = Facts {
            call,
            parts: &self.parts,
            identity: &self.identity,
            account: self.account,
            region: &self.region,
            request: request.as_ref(),
            response: response.as_ref(),
            request_is_partial,
            request_omitted_bytes: request_bytes.err().filter(|_| !payload),
            response_omitted_bytes: outcome.body.as_ref().err().copied(),
            error: error.as_ref(),
            status: outcome.status,
            response_headers: outcome.headers,
            request_id: upstream_id.as_deref().or(Some(&self.request_id)),
            source_ip: &self.source_ip,
            user_agent: headers
                .get(http::header::USER_AGENT)
                .and_then(|value| value.to_str().ok()),
            host: headers
                .get(http::header::HOST)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default(),
            vpc_endpoint: self.vpc_endpoint.as_ref(),
            tls: self.tls.as_ref(),
            bytes_in,
            bytes_out: outcome.bytes_out,
            auth: self.auth,
            signature_version: self.signature_version,
            shared: None,
            event_id: self.id,
            time: self.clock.now(),
            outcome_unknown: outcome.unknown,
        };
        (compose::copies(&facts, Uuid::new_v4), request, response)
    }

    /// Answers with an error of our own that is no event (the call never began).
    pub(crate) fn refuse(&self, refusal: &Refusal) -> Response<Body> {
        let is_s3 = self
            .call
            .as_ref()
            .is_some_and(|call| call.service.id() == "s3");
        answer::refuse(
            refusal,
            self.protocol,
            is_s3.then(|| self.parts.uri.path()),
            &self.request_id,
        )
    }

    /// The call began but its body failed verification at its end: the upstream never saw it complete.
    pub(crate) async fn reject(mut self, refusal: &Refusal) -> Response<Body> {
        if self.intent.is_none() {
            // As AWS does: what fails authentication is nobody's event.
            metrics::counter!("pugmark_calls_refused_total", "reason" => "authentication")
                .increment(1);
            return self.refuse(refusal);
        }
        // Nothing proved who it was.
        self.identity = Identity::unknown(self.identity.access_key_id.take());
        self.fail(refusal).await
    }

    /// The call failed in the gateway: recorded with that error, and answered with it.
    pub(crate) async fn fail(mut self, refusal: &Refusal) -> Response<Body> {
        let error = ErrorInfo {
            code: refusal.code.to_string(),
            message: Some(refusal.message.clone()),
        };
        let status = StatusCode::from_u16(refusal.status).ok();
        let outcome = Outcome {
            status,
            headers: None,
            body: Ok(Bytes::new()),
            bytes_out: 0,
            error: Some(error),
            unknown: None,
        };
        match self.finish(outcome).await {
            Ok(()) => self.refuse(refusal),
            Err(_) => self.refuse(&Refusal::unrecorded()),
        }
    }
}

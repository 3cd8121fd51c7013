//! CloudTrail's own operations as a service in this process: authorise, decode, call, encode.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use pugmark_gateway::{Body, LocalCall, LocalService, full_body, identities::Identities};

use crate::api::{Api, ApiError, Caller, Export};

/// Answers `cloudtrail.amazonaws.com`.
pub(crate) struct CloudTrail {
    api: Arc<Api>,
    identities: Arc<Identities>,
}

impl CloudTrail {
    pub(crate) fn new(api: Arc<Api>, identities: Arc<Identities>) -> Self {
        Self { api, identities }
    }

    async fn answer(&self, call: LocalCall, request: Request<Body>) -> Result<Answer, ApiError> {
        let Some(operation) = call.operation else {
            return Err(ApiError {
                code: "UnknownOperationException",
                status: 400,
                message: "The X-Amz-Target header names no operation of CloudTrail".into(),
            });
        };
        let Some(access_key_id) = call.access_key_id.as_deref() else {
            return Err(ApiError {
                code: "MissingAuthenticationTokenException",
                status: 403,
                message: "Missing Authentication Token".into(),
            });
        };
        // The measured numbers are read with the right to look events up (service authorization reference).
        // Searches show nothing that look-ups would not, and AWS's own policies do not know their names. A policy may still
        // deny them by their names.
        let right = match operation {
            "ListInsightsMetricData" | "SearchEvents" | "CountEvents" | "ExportEvents" => {
                "LookupEvents"
            }
            other => other,
        };
        let own = format!("cloudtrail:{operation}");
        let is_denied = self.identities.denied(Some(access_key_id), &own, "*");
        let action = if is_denied {
            own
        } else {
            format!("cloudtrail:{right}")
        };
        if is_denied || !self.identities.allowed(Some(access_key_id), &action, "*") {
            let who = call.identity.arn.as_deref().unwrap_or(access_key_id);
            return Err(ApiError {
                code: "AccessDeniedException",
                status: 400,
                message: format!(
                    "User: {who} is not authorized to perform: {action} because no identity-based policy allows the \
                     {action} action"
                ),
            });
        }
        let body = request.into_body().collect().await.map_err(|_| ApiError {
            code: "SerializationException",
            status: 400,
            message: "the request's body ended early".into(),
        })?;
        let call_abandoned = call.abandoned;
        let caller = Caller {
            identity: call.identity,
            account: call.account,
            region: call.region,
            access_key_id: call.access_key_id,
        };
        let body = body.to_bytes();
        let call = async {
            match operation {
                "ExportEvents" => self.api.export(&caller, &body).await.map(Answer::File),
                _ => self
                    .api
                    .call(&caller, operation, &body)
                    .await
                    .map(Answer::Json),
            }
        };
        if !SEARCHES.contains(&operation) {
            return call.await;
        }
        // A search ends with its caller; everything else runs to its end.
        tokio::select! {
            answer = call => answer,
            () = call_abandoned.wait() => Err(ApiError {
                code: "RequestAborted",
                status: 400,
                message: "The caller went away before the search had ended.".into(),
            }),
        }
    }
}

/// Operations that may take seconds, and change nothing.
const SEARCHES: [&str; 3] = ["SearchEvents", "CountEvents", "ExportEvents"];

/// A good answer.
enum Answer {
    Json(serde_json::Value),
    File(Export),
}

#[async_trait]
impl LocalService for CloudTrail {
    async fn call(&self, call: LocalCall, request: Request<Body>) -> Response<Body> {
        let request_id = call.request_id.clone();
        let (status, body) = match self.answer(call, request).await {
            Ok(Answer::File(export)) => (200, export),
            Ok(Answer::Json(output)) => (200, json(&output)),
            Err(error) => (
                error.status,
                json(&serde_json::json!({"__type": error.code, "message": error.message})),
            ),
        };
        let mut response = Response::new(body.body);
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(body.content_type),
        );
        if let Some(name) = body.file_name {
            let name = format!("attachment; filename=\"{name}\"");
            if let Ok(value) = HeaderValue::from_str(&name) {
                headers.insert(header::CONTENT_DISPOSITION, value);
            }
        }
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            headers.insert("x-amzn-requestid", value);
        }
        response
    }

    fn streams(&self) -> bool {
        false
    }
}

/// An answer as the protocol has it.
fn json(output: &serde_json::Value) -> Export {
    Export {
        content_type: "application/x-amz-json-1.1",
        file_name: None,
        body: full_body(output.to_string()),
    }
}

//! CloudTrail's own operations as a service in this process: authorise, decode, call, encode.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use pugmark_gateway::{Body, LocalCall, LocalService, full_body, identities::Identities};

use crate::api::{Api, ApiError, Caller};

/// Answers `cloudtrail.amazonaws.com`.
pub(crate) struct CloudTrail {
    api: Arc<Api>,
    identities: Arc<Identities>,
}

impl CloudTrail {
    pub(crate) fn new(api: Arc<Api>, identities: Arc<Identities>) -> Self {
        Self { api, identities }
    }

    async fn answer(
        &self,
        call: LocalCall,
        request: Request<Body>,
    ) -> Result<serde_json::Value, ApiError> {
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
        let right = match operation {
            "ListInsightsMetricData" => "LookupEvents",
            other => other,
        };
        let action = format!("cloudtrail:{right}");
        if !self.identities.allowed(Some(access_key_id), &action, "*") {
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
        let caller = Caller {
            identity: call.identity,
            account: call.account,
            region: call.region,
            access_key_id: call.access_key_id,
        };
        self.api.call(&caller, operation, &body.to_bytes()).await
    }
}

#[async_trait]
impl LocalService for CloudTrail {
    async fn call(&self, call: LocalCall, request: Request<Body>) -> Response<Body> {
        let request_id = call.request_id.clone();
        let (status, body) = match self.answer(call, request).await {
            Ok(output) => (200, output),
            Err(error) => (
                error.status,
                serde_json::json!({"__type": error.code, "message": error.message}),
            ),
        };
        let mut response = Response::new(full_body(body.to_string()));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-amz-json-1.1"),
        );
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            headers.insert("x-amzn-requestid", value);
        }
        response
    }

    fn streams(&self) -> bool {
        false
    }
}

//! The embedded bucket store as a service in this process.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Method, Request, Response, header::AUTHORIZATION};
use http_body_util::BodyExt;
use jiff::Timestamp;
use pugmark_buckets::{Authority, Buckets, Caller, Signed};
use pugmark_core::{identity::IdentityType, policy::Decision};
use pugmark_gateway::{Body, LocalCall, LocalService, identities::Identities};

/// Answers `s3.amazonaws.com`.
pub(crate) struct EmbeddedS3(pub(crate) Arc<Buckets>);

#[async_trait]
impl LocalService for EmbeddedS3 {
    async fn call(&self, call: LocalCall, request: Request<Body>) -> Response<Body> {
        let mut request = request.map(s3s::Body::http_body_unsync);
        let has_no_body = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_verified = call.is_verified
            && has_no_body
            && request.headers_mut().remove(AUTHORIZATION).is_some();
        request.extensions_mut().insert(Signed {
            access_key_id: call.access_key_id,
            is_verified,
        });
        let response = self.0.call(request).await;
        response.map(|body| body.map_err(Into::into).boxed_unsync())
    }

    fn streams(&self) -> bool {
        true
    }

    fn verifies_legacy_signatures(&self) -> bool {
        true
    }
}

/// Tells the bucket store whose key is whose and who may do what.
pub(crate) struct IdentityAuthority(pub(crate) Arc<Identities>);

impl Authority for IdentityAuthority {
    fn secret_key(&self, access_key_id: &str) -> Option<String> {
        let principal = self.0.find(access_key_id)?;
        (!principal.is_over(Timestamp::now())).then(|| principal.secret.expose().to_owned())
    }

    fn decide(&self, access_key_id: Option<&str>, action: &str, resource_arn: &str) -> Decision {
        self.0.decide(access_key_id, action, resource_arn)
    }

    fn caller(&self, access_key_id: &str) -> Option<Caller> {
        let identity = &self.0.find(access_key_id)?.identity;
        let account = identity.account?;
        let root = || format!("arn:aws:iam::{account}:root");
        Some(Caller {
            arn: identity.arn.clone().unwrap_or_else(root),
            account: account.to_string(),
            is_root: identity.kind == IdentityType::Root,
        })
    }
}

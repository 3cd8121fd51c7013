//! AWS Sign-In's `CreateOAuth2Token`, which `aws login` calls: recorded in OAuth's own names, and of its parameters only
//! those that are no part of a credential (AWS Sign-In User Guide, "Monitoring OAuth activity").

use pugmark_wire::{recognize::Call, value::Value};
use serde_json::{Map, Value as Json, json};

use super::{Facts, fields::cut};

/// Whether the call is recorded in this form.
pub(crate) fn is_formed(call: &Call) -> bool {
    (call.service.id(), call.operation.name()) == ("signin", "CreateOAuth2Token")
}

/// `requestParameters`.
pub(super) fn request_parameters(request: &Value) -> Json {
    let client = request
        .member("tokenInput")
        .and_then(|input| input.member("clientId"))
        .and_then(Value::as_str);
    client.map_or(Json::Null, |client| json!({"client_id": cut(client)}))
}

/// `additionalEventData`.
pub(super) fn additional_event_data(facts: &Facts<'_>, data: &mut Map<String, Json>) {
    let grant = facts
        .request
        .and_then(|request| request.member("tokenInput")?.member("grantType")?.as_str());
    if let Some(grant) = grant.filter(|grant| *grant == "refresh_token") {
        data.insert("grant_type".to_owned(), grant.into());
    }
    let succeeded = facts.error.is_none() && facts.outcome_unknown.is_none();
    let endpoint = facts.vpc_endpoint.map_or("", |endpoint| &endpoint.id);
    data.insert("success".to_owned(), succeeded.to_string().into());
    data.insert("x-amzn-vpce-id".to_owned(), endpoint.into());
}

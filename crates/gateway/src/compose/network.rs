//! The network activity event of a call through a VPC endpoint, for the endpoint's owner.

use pugmark_core::{
    clock::iso_seconds,
    event::{Event, EventCategory, EventKeys},
};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::{EVENT_VERSION, Facts, VpcEndpoint, fields, fields::cut, identity, stranger};

const EVENT_TYPE: &str = "AwsVpceEvent";
/// What an endpoint policy's denial is called, in place of the service's own words.
const DENIED: (&str, &str) = (
    "VpceAccessDenied",
    "The request was denied due to a VPC endpoint policy",
);

/// Composes the event beside the call's own, whose keys are `call`.
pub(super) fn event(
    facts: &Facts<'_>,
    endpoint: &VpcEndpoint,
    call: &EventKeys,
    shared: Uuid,
    id: Uuid,
) -> Event {
    let stranger = stranger(facts);
    let is_own = facts.identity.account.unwrap_or(facts.account) == endpoint.account;
    let caller = if is_own { facts.identity } else { &stranger };
    let denied = is_denied_by_endpoint(facts).then_some(DENIED);
    let keys = EventKeys {
        id,
        category: EventCategory::NetworkActivity,
        account: endpoint.account,
        event_type: EVENT_TYPE.to_owned(),
        read_only: None,
        username: caller.lookup_username().map(|text| cut(text).to_owned()),
        access_key_id: caller.access_key_id.clone(),
        identity_arn: caller.arn.clone(),
        error_code: denied.map(|(code, _)| code.to_owned()),
        resources: Vec::new(),
        lookup_resources: Vec::new(),
        ..call.clone()
    };
    let mut record = Map::new();
    let mut put = |name: &str, value: Json| record.insert(name.to_owned(), value);
    put("eventVersion", EVENT_VERSION.into());
    put("userIdentity", identity::json(caller));
    put("eventTime", iso_seconds(keys.time).into());
    put("eventSource", cut(&keys.source).into());
    put("eventName", cut(&keys.name).into());
    put("awsRegion", keys.region.as_str().into());
    put("sourceIPAddress", cut(facts.source_ip).into());
    if let Some((code, message)) = denied {
        put("errorCode", code.into());
        put("errorMessage", message.into());
    }
    if let Some(id) = facts.request_id {
        put("requestID", cut(id).into());
    }
    put("eventID", id.to_string().into());
    put("eventType", EVENT_TYPE.into());
    put("recipientAccountId", endpoint.account.as_str().into());
    put("sharedEventID", shared.to_string().into());
    put("vpcEndpointId", cut(&endpoint.id).into());
    put("vpcEndpointAccountId", endpoint.account.as_str().into());
    put("eventCategory", keys.category.as_str().into());
    Event {
        keys,
        json: fields::bytes(&record).into(),
    }
}

/// IAM's denials name the kind of policy: `… because no VPC endpoint policy allows the … action`, `… with an explicit deny in
/// a VPC endpoint policy`.
fn is_denied_by_endpoint(facts: &Facts<'_>) -> bool {
    let message = facts.error.and_then(|error| error.message.as_deref());
    message.is_some_and(|message| message.contains("VPC endpoint policy"))
}

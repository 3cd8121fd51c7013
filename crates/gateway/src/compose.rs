//! Composition of the CloudTrail record: what is known of a call in, one finished event out.
//!
//! Pure: no clock, no randomness, no I/O. The record's JSON is rendered here, once, in the order in which AWS writes its
//! fields. What single services do differently stands in `tables`, a line each, not in the code.

mod class;
mod ec2;
mod errors;
mod fields;
mod identity;
mod network;
mod render;
mod resources;
mod rules;
mod s3;
pub(crate) mod signin;
mod tables;
#[cfg(test)]
mod tests;

pub use class::{Class, category, classify};
use http::{HeaderMap, StatusCode, request::Parts};
use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    clock::iso_seconds,
    event::{Event, EventCategory, EventKeys},
    identity::{Identity, IdentityType},
    limits,
};
use pugmark_wire::{
    project::ErrorInfo,
    recognize::{Call, is_at_root, virtual_bucket},
    value::Value,
};
pub use rules::rules;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use self::fields::{cut, omitted_above, size_of};

/// `eventVersion` of every record.
const EVENT_VERSION: &str = "1.11";
/// `eventType` of every record: Pugmark sees calls only.
const EVENT_TYPE: &str = "AwsApiCall";

/// Accounts, besides the caller's, that get a copy of one call's event.
const OWNERS_MAX: usize = 8;

/// How a call proved who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// An `Authorization` header.
    Header,
    /// A presigned URL.
    Query,
    /// A presigned URL of Signature Version 2.
    LegacyQuery,
    /// Not at all.
    None,
}

/// What a TLS connection was negotiated to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Such as `TLSv1.3`.
    pub version: String,
    /// Such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: String,
}

/// A VPC endpoint through which calls come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// `vpce-…`.
    pub id: String,
    /// Its owner.
    pub account: AccountId,
}

/// All that is known of a call when its record is composed.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The recognised call; `None` if nobody knows what was called.
    pub call: Option<&'a Call>,
    /// Head of the request.
    pub parts: &'a Parts,
    /// Who called.
    pub identity: &'a Identity,
    /// The caller's account; `recipientAccountId`, unless this is the copy of a resource's owner.
    pub account: AccountId,
    /// The Region that the request was signed for.
    pub region: &'a Region,
    /// What the request says.
    pub request: Option<&'a Value>,
    /// What the answer says, if the call succeeded.
    pub response: Option<&'a Value>,
    /// Whether `request` lacks what the body says, because that could not be kept or read.
    pub request_is_partial: bool,
    /// Length of a request body that was too long to keep.
    pub request_omitted_bytes: Option<u64>,
    /// Length of an answer's body that was too long to keep.
    pub response_omitted_bytes: Option<u64>,
    /// How the call failed.
    pub error: Option<&'a ErrorInfo>,
    /// HTTP status of the answer; `None` if there is none.
    pub status: Option<StatusCode>,
    /// Headers of the answer.
    pub response_headers: Option<&'a HeaderMap>,
    /// The called service's request id.
    pub request_id: Option<&'a str>,
    /// The caller's address.
    pub source_ip: &'a str,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// `Host`.
    pub host: &'a str,
    /// The VPC endpoint through which the call came.
    pub vpc_endpoint: Option<&'a VpcEndpoint>,
    /// The connection's encryption.
    pub tls: Option<&'a Tls>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// How the call was signed.
    pub auth: AuthMethod,
    /// `SigV2`, `SigV4` or `SigV4A`, if the call was signed.
    pub signature_version: Option<&'a str>,
    /// Of a call that is recorded in several accounts: `sharedEventID`, and the account that this copy is for.
    pub shared: Option<(Uuid, AccountId)>,
    /// `eventID`.
    pub event_id: Uuid,
    /// When the call completed.
    pub time: Timestamp,
    /// Why nobody knows how the call ended.
    pub outcome_unknown: Option<&'a str>,
}

impl Facts<'_> {
    /// The host, if it names a bucket or an access point: of another one nothing about these is told.
    fn bucket_host(&self) -> &str {
        bucket_host(self.parts, self.host)
    }
}

/// The request's host, if it names a bucket or an access point, else nothing.
pub(crate) fn bucket_host<'a>(parts: &Parts, host: &'a str) -> &'a str {
    virtual_bucket(parts).map_or("", |_| host)
}

/// Composes a call's event; its copies for the accounts that own what the call touched: an assumed role, a key, a topic of
/// another account; and the network activity event of the VPC endpoint's owner. Each has its own id, and where there are
/// several, one `sharedEventID`; on the owners' side the caller is only an account (CloudTrail event reference). A call that
/// failed touched nobody's resources.
pub fn copies(facts: &Facts<'_>, mut new_id: impl FnMut() -> Uuid) -> Vec<Event> {
    let unsigned = identity::unsigned(facts);
    let facts = &match &unsigned {
        Some((identity, account)) => Facts {
            identity,
            account: *account,
            ..*facts
        },
        None => *facts,
    };
    // A call through a VPC endpoint always has a second event; of any other the resources tell.
    let shared_by_network = facts.vpc_endpoint.map(|_| new_id());
    let own = compose(&Facts {
        shared: shared_by_network.map(|id| (id, facts.account)),
        ..*facts
    });
    let mut owners: Vec<AccountId> = Vec::new();
    if facts.error.is_none() && facts.outcome_unknown.is_none() {
        for resource in &own.keys.resources {
            let owner = resource.account.as_deref().and_then(|it| it.parse().ok());
            if let Some(owner) = owner
                && owner != facts.account
                && !owners.contains(&owner)
                && owners.len() < OWNERS_MAX
            {
                owners.push(owner);
            }
        }
    }
    if owners.is_empty() && shared_by_network.is_none() {
        return vec![own];
    }
    let (shared, own) = match shared_by_network {
        Some(shared) => (shared, own),
        None => {
            let shared = new_id();
            let again = Facts {
                shared: Some((shared, facts.account)),
                ..*facts
            };
            (shared, compose(&again))
        }
    };
    let stranger = stranger(facts);
    let network = facts
        .vpc_endpoint
        .map(|endpoint| network::event(facts, endpoint, &own.keys, shared, new_id()));
    let others = owners.into_iter().map(|owner| {
        compose(&Facts {
            shared: Some((shared, owner)),
            event_id: new_id(),
            identity: &stranger,
            ..*facts
        })
    });
    std::iter::once(own).chain(others).chain(network).collect()
}

/// The caller, as other accounts know it.
fn stranger(facts: &Facts<'_>) -> Identity {
    Identity {
        kind: IdentityType::AwsAccount,
        principal_id: facts.identity.principal_id.clone(),
        account: facts.identity.account.or(Some(facts.account)),
        ..Identity::unknown(None)
    }
}

/// Composes a call's event.
pub fn compose(facts: &Facts<'_>) -> Event {
    let class = match facts.call {
        Some(call) => classify(call, facts.host, facts.bucket_host(), facts.region),
        None => class::unrecognised(facts),
    };
    let error = facts.error.map(|error| errors::recorded(facts, error));
    let request = facts.request.filter(|_| !is_request_hidden(facts));
    let resources = resources::of_record(facts, &class, request);
    let keys = EventKeys {
        id: facts.event_id,
        time: Timestamp::from_second(facts.time.as_second()).unwrap_or(facts.time),
        category: class.category,
        account: facts.shared.map_or(facts.account, |(_, account)| account),
        region: class.region.clone(),
        source: class.event_source.clone(),
        name: class.event_name.clone(),
        event_type: EVENT_TYPE.to_owned(),
        read_only: Some(class.read_only),
        global_service: class.global_service,
        username: facts
            .identity
            .lookup_username()
            .map(|text| cut(text).to_owned()),
        access_key_id: facts
            .identity
            .access_key_id
            .as_deref()
            .map(|text| cut(text).to_owned()),
        identity_arn: facts
            .identity
            .arn
            .as_deref()
            .map(|text| cut(text).to_owned()),
        invoked_by: facts
            .identity
            .invoked_by
            .as_deref()
            .map(|text| cut(text).to_owned()),
        error_code: error.as_ref().map(|error| cut(&error.code).to_owned()),
        vpc_endpoint_id: facts.vpc_endpoint.map(|endpoint| endpoint.id.clone()),
        from_console: is_from_console(facts),
        lookup_resources: resources::for_lookup(facts, &class, request, &resources),
        resources,
    };
    let json = record(facts, &class, &keys, error.as_ref(), request);
    Event {
        keys,
        json: json.into(),
    }
}

/// Whether the caller's credentials come from a sign-in to the console; the sign-in itself has none yet.
fn is_from_console(facts: &Facts<'_>) -> bool {
    facts.identity.access_key_id.is_some() && facts.identity.is_from_console()
}

/// Whether the error hides what was requested.
fn is_request_hidden(facts: &Facts<'_>) -> bool {
    matches!((facts.call, facts.error), (Some(call), Some(error)) if errors::hides_request(call, error))
}

/// The record as text, within every limit.
fn record(
    facts: &Facts<'_>,
    class: &Class,
    keys: &EventKeys,
    error: Option<&errors::Recorded>,
    request: Option<&Value>,
) -> Vec<u8> {
    let hidden = is_request_hidden(facts);
    let parameters = match (facts.request_omitted_bytes, facts.call) {
        _ if hidden => Json::Null,
        (Some(bytes), Some(call)) if call.service.id() != "s3" => fields::omitted(
            "requestParameters",
            usize::try_from(bytes).unwrap_or(usize::MAX),
        ),
        // Who was refused for it sees null, as from AWS.
        (None, Some(_)) if facts.request_is_partial && facts.error.is_none() => {
            fields::unreadable("requestParameters", facts.bytes_in)
        }
        (_, Some(call)) => omitted_above(
            "requestParameters",
            request_parameters(facts, call, request),
        ),
        (_, None) => Json::Null,
    };
    let elements = omitted_above("responseElements", response_elements(facts, class, error));
    let mut record = Map::new();
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            record.insert(name.to_owned(), value);
        }
    };
    let text = |text: &str| Some(Json::from(cut(text)));
    put("eventVersion", text(EVENT_VERSION));
    put("userIdentity", Some(identity::json(facts.identity)));
    put("eventTime", Some(iso_seconds(keys.time).into()));
    put("eventSource", text(&keys.source));
    put("eventName", text(&keys.name));
    put("awsRegion", text(keys.region.as_str()));
    put("sourceIPAddress", text(facts.source_ip));
    put("userAgent", facts.user_agent.and_then(text));
    put("errorCode", keys.error_code.clone().map(Json::from));
    put(
        "errorMessage",
        error
            .and_then(|error| error.message.as_deref())
            .and_then(text),
    );
    put("requestParameters", Some(parameters));
    put("responseElements", Some(elements));
    put("additionalEventData", additional_event_data(facts));
    put("requestID", facts.request_id.and_then(text));
    put("eventID", Some(keys.id.to_string().into()));
    put("readOnly", keys.read_only.map(Json::from));
    put("resources", resources::json(&keys.resources));
    put("eventType", text(EVENT_TYPE));
    put(
        "apiVersion",
        facts
            .call
            .filter(|_| !hidden)
            .and_then(class::api_version)
            .map(Json::from),
    );
    put(
        "managementEvent",
        Some((keys.category == EventCategory::Management).into()),
    );
    put("recipientAccountId", text(keys.account.as_str()));
    put(
        "sharedEventID",
        facts.shared.map(|(id, _)| id.to_string().into()),
    );
    if let Some(endpoint) = facts.vpc_endpoint {
        put("vpcEndpointId", text(&endpoint.id));
        put("vpcEndpointAccountId", text(endpoint.account.as_str()));
    }
    put("eventCategory", text(keys.category.as_str()));
    put(
        "tlsDetails",
        facts.tls.map(|tls| tls_details(tls, facts.host)),
    );
    // A text, and never "false" (CloudTrail record contents).
    put(
        "sessionCredentialFromConsole",
        keys.from_console.then(|| "true".into()),
    );
    within_limit(record)
}

/// Each field has its own limit, so the whole seldom exceeds its own; then the largest go, least important first.
fn within_limit(mut record: Map<String, Json>) -> Vec<u8> {
    let mut bytes = fields::bytes(&record);
    for name in [
        "additionalEventData",
        "responseElements",
        "requestParameters",
        "resources",
        "userIdentity",
    ] {
        if bytes.len() <= limits::RECORD_BYTES_MAX {
            break;
        }
        let Some(value) = record.get_mut(name) else {
            continue;
        };
        *value = match name {
            "responseElements" | "requestParameters" => fields::omitted(name, size_of(value)),
            "resources" => json!([]),
            _ => json!({}),
        };
        bytes = fields::bytes(&record);
    }
    bytes
}

fn request_parameters(facts: &Facts<'_>, call: &Call, request: Option<&Value>) -> Json {
    match call.service.id() {
        _ if s3::is_formed(call) => s3::request_parameters(facts, call, request),
        "ec2" => request.map_or(Json::Null, |request| ec2::request_parameters(call, request)),
        _ if signin::is_formed(call) => request.map_or(Json::Null, signin::request_parameters),
        _ => request.map_or(Json::Null, |request| render::request(call, request)),
    }
}

fn response_elements(facts: &Facts<'_>, class: &Class, error: Option<&errors::Recorded>) -> Json {
    if let Some(error) = error {
        return error
            .in_response
            .clone()
            .filter(|_| !class.read_only)
            .map_or(Json::Null, |text| json!({"message": text}));
    }
    let Some(call) = facts.call else {
        return Json::Null;
    };
    let answers = !class.read_only
        || tables::READS_WITH_RESPONSE.contains(&(call.service.id(), call.operation.name()));
    if !answers || facts.outcome_unknown.is_some() {
        return Json::Null;
    }
    if call.service.id() == "s3" {
        return s3::response_elements(facts, class);
    }
    match (facts.response_omitted_bytes, facts.response) {
        (Some(bytes), _)
            if call.operation.output().is_some() && !call.operation.response_streams() =>
        {
            fields::omitted(
                "responseElements",
                usize::try_from(bytes).unwrap_or(usize::MAX),
            )
        }
        (None, Some(response)) if call.service.id() == "ec2" => {
            ec2::response_elements(call, response, facts.request_id)
        }
        (None, Some(response)) => render::response(call, response),
        _ => Json::Null,
    }
}

fn additional_event_data(facts: &Facts<'_>) -> Option<Json> {
    let mut data = Map::new();
    if facts.call.is_some_and(s3::is_formed) {
        s3::additional_event_data(facts, &mut data);
    }
    if facts.call.is_some_and(signin::is_formed) {
        signin::additional_event_data(facts, &mut data);
    }
    if facts.call.is_none() && !is_at_root(facts.parts) {
        let method = cut(facts.parts.method.as_str());
        data.insert("requestMethod".to_owned(), method.into());
        let path = cut(facts.parts.uri.path());
        data.insert("requestPath".to_owned(), path.into());
    }
    if let Some(reason) = facts.outcome_unknown {
        data.insert("outcome".to_owned(), "unknown".into());
        data.insert("outcomeReason".to_owned(), cut(reason).into());
    }
    let data = Json::Object(data);
    let fits = size_of(&data) <= limits::ADDITIONAL_EVENT_DATA_BYTES_MAX;
    (fits && data.as_object().is_some_and(|map| !map.is_empty())).then_some(data)
}

fn tls_details(tls: &Tls, host: &str) -> Json {
    let mut details = Map::new();
    details.insert("tlsVersion".to_owned(), cut(&tls.version).into());
    details.insert("cipherSuite".to_owned(), cut(&tls.cipher_suite).into());
    if !host.is_empty() {
        details.insert("clientProvidedHostHeader".to_owned(), cut(host).into());
    }
    Json::Object(details)
}

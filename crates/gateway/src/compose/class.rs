//! What kind of event a call is: source, name, Region, category, read or write.

use http::{Method, request::Parts};
use pugmark_core::{account::Region, event::EventCategory};
use pugmark_wire::{
    catalogue::{Catalogue, Operation, Service},
    recognize::{Call, is_at_root},
};

use super::{AuthMethod, Facts, s3, tables};

/// Longest name of an unrecognised call.
const NAME_CHARS_MAX: usize = 128;

/// An event's place in CloudTrail's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// `eventCategory`.
    pub category: EventCategory,
    /// `readOnly`.
    pub read_only: bool,
    /// `eventSource`.
    pub event_source: String,
    /// `eventName`.
    pub event_name: String,
    /// `awsRegion`.
    pub region: Region,
    /// Recorded for a global service.
    pub global_service: bool,
}

/// Classifies a recognised call that was made to `host`, signed for `region`. `bucket_host` is the host if it names a bucket or an
/// access point, else empty.
pub fn classify(call: &Call, host: &str, bucket_host: &str, region: &Region) -> Class {
    let home = global_home(call.service, host);
    Class {
        category: category(call),
        read_only: is_read_only(call.operation),
        event_source: s3::event_source(call, bucket_host)
            .unwrap_or_else(|| event_source(call.service)),
        event_name: event_name(call.operation),
        region: home.map_or_else(|| region.clone(), |home| home_of(region, home)),
        global_service: home.is_some(),
    }
}

/// `Management`, or `Data` for calls on what is inside a resource.
pub fn category(call: &Call) -> EventCategory {
    match data_events(call.operation).next() {
        Some(_) => EventCategory::Data,
        None => EventCategory::Management,
    }
}

/// The lines of the data events' table for an operation.
pub(super) fn data_events(
    operation: Operation,
) -> impl Iterator<Item = &'static tables::DataEvents> {
    tables::data_events(operation.service().id(), operation.name())
}

/// A call that nobody recognised: an honest name from what the request says.
pub(super) fn unrecognised(facts: &Facts<'_>) -> Class {
    let event_name = guessed_name(facts.parts);
    let method = facts.parts.method.as_str();
    let read_only = match has_read_name(&event_name) {
        true => true,
        false => event_name == method && matches!(method, "GET" | "HEAD" | "OPTIONS"),
    };
    Class {
        category: EventCategory::Management,
        read_only,
        event_source: guessed_source(facts),
        event_name,
        region: facts.region.clone(),
        global_service: false,
    }
}

/// `apiVersion`, where AWS writes one.
pub(super) fn api_version(call: &Call) -> Option<&'static str> {
    let id = call.service.id();
    tables::API_VERSIONS
        .iter()
        .find(|(service, _)| *service == id)
        .map(|(_, version)| *version)
}

fn event_source(service: &Service) -> String {
    let listed = tables::EVENT_SOURCES
        .iter()
        .find(|(id, _)| *id == service.id());
    let name = match listed {
        Some((_, name)) => name,
        // `api.ecr`, `runtime.lex`, `portal.sso`: the last label is the service.
        None => service
            .endpoint_prefix()
            .rsplit('.')
            .next()
            .unwrap_or_default(),
    };
    format!("{name}.amazonaws.com")
}

fn event_name(operation: Operation) -> String {
    let (service, name) = (operation.service(), operation.name());
    let listed = tables::EVENT_NAMES
        .iter()
        .find(|(id, from, _)| *id == service.id() && *from == name);
    match listed {
        Some((_, _, recorded)) => (*recorded).to_owned(),
        None if tables::VERSIONED_NAMES.contains(&service.id()) => {
            format!("{name}{}", service.api_version().replace('-', "_"))
        }
        None => name.to_owned(),
    }
}

fn is_read_only(operation: Operation) -> bool {
    let (service, name) = (operation.service().id(), operation.name());
    let is = |(id, listed): &(&str, &str)| *id == service && *listed == name;
    if tables::WRITES.iter().any(is) {
        return false;
    }
    tables::READS.iter().any(is) || operation.read_only() || has_read_name(name)
}

fn has_read_name(name: &str) -> bool {
    tables::READ_PREFIXES.iter().any(|prefix| {
        // `Listen…` is no `List…`.
        name.strip_prefix(prefix)
            .is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_ascii_lowercase()))
    })
}

/// Where a global service's events occur; `None` for Regional ones.
fn global_home(service: &Service, host: &str) -> Option<&'static str> {
    let host = host.split(':').next().unwrap_or_default();
    if service.id() == "sts" {
        // Only the global endpoint's; Regional endpoints record in their Region.
        return host
            .eq_ignore_ascii_case("sts.amazonaws.com")
            .then_some("us-east-1");
    }
    tables::GLOBAL_SERVICES
        .iter()
        .find(|(id, _)| *id == service.id())
        .map(|(_, home)| *home)
}

/// The home Region within the partition that the call was signed for.
fn home_of(region: &Region, home: &str) -> Region {
    let home = match region.as_str() {
        name if name.starts_with("cn-") => "cn-north-1",
        name if name.starts_with("us-gov-") => "us-gov-west-1",
        _ => home,
    };
    home.parse().unwrap_or_else(|_| region.clone())
}

/// The operation that a target, an `Action` or an RPC path names; else the HTTP method.
fn guessed_name(parts: &Parts) -> String {
    // Elsewhere these names may be a disguise: what has a path may be an object.
    let root = is_at_root(parts).then_some(parts);
    let posted = root.filter(|parts| parts.method == Method::POST);
    let target = posted.and_then(|parts| parts.headers.get("x-amz-target")?.to_str().ok());
    let from_target = target.and_then(|target| target.rsplit('.').next());
    let query = root.and_then(|parts| parts.uri.query());
    let from_action = query.and_then(|query| {
        let mut pairs = query.split('&');
        pairs.find_map(|pair| pair.strip_prefix("Action="))
    });
    let from_path = parts
        .uri
        .path()
        .split_once("/operation/")
        .filter(|_| parts.headers.contains_key("smithy-protocol") && parts.method == Method::POST)
        .map(|(_, name)| name);
    let names = [from_target, from_action, from_path];
    let plausible = names.into_iter().flatten().find(|name| {
        (1..=NAME_CHARS_MAX).contains(&name.len())
            && name.starts_with(|letter: char| letter.is_ascii_uppercase())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    let method: String = parts.method.as_str().chars().take(NAME_CHARS_MAX).collect();
    plausible.map_or(method, str::to_owned)
}

/// The service that the signature or the host names, if it is one that exists.
fn guessed_source(facts: &Facts<'_>) -> String {
    let signing_name = signing_name(facts);
    let first_label = facts.host.split(['.', ':']).next().unwrap_or_default();
    let catalogue = Catalogue::builtin();
    let known = [signing_name.unwrap_or_default(), first_label]
        .into_iter()
        .filter(|name| !name.is_empty())
        .find_map(|name| {
            let mut services = catalogue
                .by_signing_name(name)
                .chain(catalogue.by_endpoint_prefix(name));
            services.next()
        });
    known.map_or_else(|| "unknown.amazonaws.com".to_owned(), event_source)
}

/// The service in the credential scope `KEY/DATE/REGION/SERVICE/aws4_request`; Signature Version 4A leaves the Region out.
fn signing_name<'a>(facts: &Facts<'a>) -> Option<&'a str> {
    let (text, separator) = match facts.auth {
        AuthMethod::Header => (
            facts
                .parts
                .headers
                .get(http::header::AUTHORIZATION)?
                .to_str()
                .ok()?,
            "/",
        ),
        AuthMethod::Query => (facts.parts.uri.query()?, "%2F"),
        AuthMethod::LegacyQuery | AuthMethod::None => return None,
    };
    let scope = text.split_once("Credential=")?.1;
    let scope = scope.split([',', '&', ' ']).next()?;
    scope
        .rsplit(separator)
        .nth(1)
        .filter(|name| !name.is_empty())
}

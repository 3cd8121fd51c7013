//! From a request's head and body to the service and operation that it calls.
//!
//! The service comes from the signature's scope, the `X-Amz-Target` prefix or the host; the operation from the target,
//! the `Action` parameter, the RPC path, or method and URI.

pub(crate) mod ambiguity;
mod form;
mod hosts;

use std::borrow::Cow;

use http::{Method, header, request::Parts};
use percent_encoding::percent_decode_str;

pub use self::{
    ambiguity::{Ambiguity, FormWatch, ambiguity},
    form::{FormSigner, UploadForm},
    hosts::{BucketHosts, virtual_bucket},
};
use crate::{
    catalogue::{Catalogue, Operation, Protocol, Service},
    value::Location,
};

/// Path segments looked at; a longer path belongs to a greedy label.
const SEGMENTS_MAX: usize = 1024;
/// Further names in a credential scope that mean S3.
const S3_SIGNING_NAMES: [&str; 3] = ["s3express", "s3-outposts", "s3-object-lambda"];

/// Services that sign somebody in, so that nobody signs their calls: posts of JSON or forms to paths of their own.
const SIGN_IN_SERVICES: [&str; 2] = ["signin", "sso-oidc"];

/// Who is signed in with SSO; the one header of AWS's own with an underscore.
const SSO_TOKEN: &str = "x-amz-sso_bearer_token";

/// S3 operations with a successor of the same URI (`…Configuration`), whose shapes say all that these say and more.
const S3_SUPERSEDED: [&str; 4] = [
    "GetBucketLifecycle",
    "PutBucketLifecycle",
    "GetBucketNotification",
    "PutBucketNotification",
];

/// Labels of a URI by their names in its template.
pub type Labels = Vec<(&'static str, String)>;

/// A recognised call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service.
    pub service: &'static Service,
    /// The operation.
    pub operation: Operation,
    /// The protocol that the request speaks.
    pub protocol: Protocol,
    /// Labels of the URI, percent-decoded, by their names in the template.
    pub labels: Labels,
}

/// Recognises a call, as the service does for which it is signed: a header or a parameter that this service does not look at does
/// not make another call of it, for then a record would say what did not happen. `body` may be only a prefix, unless it
/// [may be a form](may_be_form); REST and `X-Amz-Target` calls need none of it. `signing_name` is the service in the credential
/// scope; without it the host and the target tell.
pub fn recognize(parts: &Parts, body: &[u8], signing_name: Option<&str>) -> Option<Call> {
    let services = candidates(parts, signing_name);
    if let Some(call) = by_target(parts, &services) {
        return Some(call);
    }
    if let Some(call) = by_rpc_path(parts, &services) {
        return Some(call);
    }
    if let Some(call) = by_action(parts, body, &services) {
        return Some(call);
    }
    if let Some(call) = by_form(parts, body, &services) {
        return Some(call);
    }
    let mut call = by_route(parts, &services)?;
    // The list of directory buckets has the request of the list of buckets, and another endpoint.
    if call.service.id() == "s3"
        && call.operation.name() == "ListBuckets"
        && signing_name == Some("s3express")
    {
        call.operation = call
            .service
            .operation("ListDirectoryBuckets")
            .unwrap_or(call.operation);
    }
    Some(call)
}

fn candidates(parts: &Parts, signing_name: Option<&str>) -> Vec<&'static Service> {
    let catalogue = Catalogue::builtin();
    if let Some(name) = signing_name {
        let mut services: Vec<_> = catalogue.by_signing_name(name).collect();
        // S3 signs for directory buckets, Outposts and Object Lambda under names of their own.
        if S3_SIGNING_NAMES.contains(&name) {
            services.extend(catalogue.by_signing_name("s3"));
        }
        if services.is_empty() {
            services = catalogue
                .by_endpoint_prefix(name)
                .chain(catalogue.service(name))
                .collect();
        }
        return services;
    }
    let host = host(parts);
    // A bucket may bear a service's name: `logs.s3.us-east-1.amazonaws.com`.
    let services = if virtual_bucket(parts).is_some() {
        Vec::new()
    } else {
        by_host(host)
    };
    if !services.is_empty() {
        return services;
    }
    let named = |names: &[&str]| {
        names
            .iter()
            .filter_map(|it| catalogue.service(it))
            .collect()
    };
    if parts.headers.contains_key(SSO_TOKEN) {
        return named(&["sso"]);
    }
    // A stranger without signature or known host speaks to a bucket, unless the request says otherwise.
    let content_type = header_text(parts, header::CONTENT_TYPE.as_str());
    let is_form = content_type.starts_with("application/x-www-form-urlencoded");
    let is_json = content_type.starts_with("application/json");
    if parts.method == Method::POST && (is_form || is_json) && parts.uri.path() != "/" {
        return named(&SIGN_IN_SERVICES);
    }
    if is_form || parts.headers.contains_key("x-amz-target") {
        return Vec::new();
    }
    catalogue.service("s3").into_iter().collect()
}

/// The services of a host name: an endpoint prefix has up to three labels (`portal.sso`), and an operation may put up
/// to two of its own before it (`123456789012.s3-control`).
fn by_host(host: &str) -> Vec<&'static Service> {
    let host = host.split(':').next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').take(5).collect();
    for skipped in 0..3 {
        for taken in (1..=3).rev() {
            let Some(prefix) = labels.get(skipped..skipped + taken) else {
                continue;
            };
            let services: Vec<_> = Catalogue::builtin()
                .by_endpoint_prefix(&prefix.join("."))
                .collect();
            if !services.is_empty() {
                return services;
            }
        }
    }
    Vec::new()
}

/// How well a service fits where several share a signing name and would answer the same request: by its host name
/// first (`bedrock-agent.…`), then as the one that the signing name is named after (`rds`, not `docdb`).
fn fitness(service: &Service, host: &str) -> (bool, bool) {
    let prefix = service.endpoint_prefix();
    let is_host = host.match_indices(prefix).any(|(at, _)| {
        (at == 0 || host[..at].ends_with('.')) && host[at + prefix.len()..].starts_with('.')
    });
    // Wisdom's successor (`qconnect`) kept its name in signatures and hosts, and added members.
    (
        is_host,
        service.id() == service.signing_name() && service.id() != "wisdom",
    )
}

/// Whether a request is made to a service as a whole, as those are whose operations have no path. What has one, a bucket store would
/// take for an object, whatever else the request says.
pub fn is_at_root(parts: &Parts) -> bool {
    matches!(parts.uri.path(), "" | "/") && virtual_bucket(parts).is_none()
}

/// Whether operations are told by something else than method and path.
fn has_other_than_rest(service: &Service) -> bool {
    let is_rest = |it: &Protocol| matches!(it, Protocol::RestJson | Protocol::RestXml);
    !service.protocols().iter().all(is_rest)
}

fn by_target(parts: &Parts, services: &[&'static Service]) -> Option<Call> {
    let target = header_text(parts, "x-amz-target");
    let (prefix, name) = target.rsplit_once('.')?;
    if parts.method != Method::POST || !is_at_root(parts) {
        return None;
    }
    let of = |service: &'static Service| {
        let mut protocols = service.protocols().iter();
        let protocol = protocols.find(|it| matches!(it, Protocol::Json10 | Protocol::Json11))?;
        Some(Call {
            service,
            operation: service.operation(name)?,
            protocol: *protocol,
            labels: Vec::new(),
        })
    };
    let named: Vec<_> = Catalogue::builtin().by_target_prefix(prefix).collect();
    let signed = services
        .iter()
        .copied()
        .filter(|service| named.iter().any(|it| it.id() == service.id()));
    // Some clients send a shorter prefix (`CloudTrail_20131101.LookupEvents`): the signature still names the service.
    let host = host(parts);
    best(signed.filter_map(of), |call| fitness(call.service, host)).or_else(|| match services {
        [] => named.iter().copied().find_map(of),
        _ => services.iter().copied().find_map(of),
    })
}

fn by_rpc_path(parts: &Parts, services: &[&'static Service]) -> Option<Call> {
    let mut segments = parts
        .uri
        .path()
        .split('/')
        .skip_while(|segment| *segment != "service");
    let (Some(_), Some(_), Some("operation"), Some(name)) = (
        segments.next(),
        segments.next(),
        segments.next(),
        segments.next(),
    ) else {
        return None;
    };
    if parts.method != Method::POST || !parts.headers.contains_key("smithy-protocol") {
        return None;
    }
    let mut speaking = services
        .iter()
        .filter(|service| has_other_than_rest(service));
    speaking.find_map(|service| {
        let operation = service.operation(name)?;
        Some(Call {
            service,
            operation,
            protocol: Protocol::Cbor,
            labels: Vec::new(),
        })
    })
}

fn by_action(parts: &Parts, body: &[u8], services: &[&'static Service]) -> Option<Call> {
    if !services.is_empty() && !services.iter().any(|service| speaks_query(service)) {
        return None;
    }
    if !is_at_root(parts) {
        return None;
    }
    let form = text_of(body);
    let find = |name: &str| {
        parameter(&form, name).or_else(|| parameter(parts.uri.query().unwrap_or_default(), name))
    };
    let (action, version) = (find("Action")?, find("Version"));
    let known = Catalogue::builtin()
        .services()
        .filter(|_| services.is_empty());
    let services = services.iter().copied().chain(known);
    let matching = services.filter_map(|service| {
        let protocol = *service.protocols().iter().find(|it| is_query(it))?;
        let operation = service.operation(&action)?;
        Some(Call {
            service,
            operation,
            protocol,
            labels: Vec::new(),
        })
    });
    // elb and elbv2 share actions and signing name; the version tells them apart. Of equals the first.
    let host = host(parts);
    best(matching, |call| {
        (
            version.as_deref() == Some(call.service.api_version()),
            fitness(call.service, host),
        )
    })
}

/// An upload by a form to a bucket.
fn by_form(parts: &Parts, body: &[u8], services: &[&'static Service]) -> Option<Call> {
    let service = services.iter().find(|service| service.id() == "s3")?;
    let bucket = form::bucket(parts)?;
    Some(Call {
        service,
        operation: service.operation("PutObject")?,
        protocol: service.protocol(),
        labels: UploadForm::read(parts, body)?.labels(&bucket)?,
    })
}

/// The best by a rank; of equals the first.
fn best<T, R: Ord>(items: impl Iterator<Item = T>, rank: impl Fn(&T) -> R) -> Option<T> {
    items
        .map(|item| (rank(&item), item))
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|it| it.1)
}

/// A form; what is no text in it hides nothing that comes after.
fn text_of(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body)
}

/// Whether a body may be a form whose parameters tell the call, all of which must be looked at: services that read forms may do so
/// whatever the body calls itself. A form of several parts is none.
pub fn may_be_form(parts: &Parts, signing_name: Option<&str>) -> bool {
    let content_type = header_text(parts, header::CONTENT_TYPE.as_str());
    let reads_forms = || {
        let services = candidates(parts, signing_name);
        services.iter().any(|service| speaks_query(service))
    };
    is_at_root(parts)
        && !content_type.starts_with("multipart/")
        && (!is_no_form(parts) || reads_forms())
}

/// Whether a body calls itself something whose texts may look like a form.
fn is_no_form(parts: &Parts) -> bool {
    let content_type = header_text(parts, header::CONTENT_TYPE.as_str());
    ["json", "cbor"].iter().any(|it| content_type.contains(it))
}

fn speaks_query(service: &Service) -> bool {
    service.protocols().iter().any(is_query)
}

/// Whether a form tells the calls of a protocol.
fn is_query(protocol: &Protocol) -> bool {
    matches!(protocol, Protocol::Query | Protocol::Ec2)
}

/// Whether a part of a path is a template's text, perhaps with `%41` for letters.
fn is_literal(taken: &[&str], text: &str) -> bool {
    let [segment] = taken else { return false };
    *segment == text || (segment.contains('%') && percent_decode_str(segment).eq(text.bytes()))
}

/// A parameter of a form or query string, decoded.
pub(crate) fn parameter<'a>(form: &'a str, name: &str) -> Option<Cow<'a, str>> {
    form.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decode(key) == name).then(|| form_decode(value))
    })
}

/// Decodes `%41` and `+` of a form.
pub(crate) fn form_decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

fn by_route(parts: &Parts, services: &[&'static Service]) -> Option<Call> {
    let path = parts.uri.path();
    let host = host(parts);
    let bucket = virtual_bucket(parts);
    let matching = services
        .iter()
        .copied()
        .filter(|service| {
            service
                .protocols()
                .iter()
                .any(|it| matches!(it, Protocol::RestJson | Protocol::RestXml))
        })
        .filter_map(|service| {
            let path = match (service.id(), bucket) {
                // An Object Lambda's answer goes to a host that names a route.
                ("s3", Some(bucket)) if path != "/WriteGetObjectResponse" => {
                    Cow::Owned(format!("/{bucket}{path}"))
                }
                ("s3", None) => bucket_apart(path),
                _ => Cow::Borrowed(path),
            };
            let (score, operation, labels) = route(service, parts, &path)?;
            let protocol = service.protocol();
            Some((
                score,
                Call {
                    service,
                    operation,
                    protocol,
                    labels,
                },
            ))
        });
    let rank = |(score, call): &(Score, Call)| {
        let (is_host, is_namesake) = fitness(call.service, host);
        (is_host, *score, is_namesake)
    };
    best(matching, rank).map(|(_, call)| call)
}

/// A path whose first segment is the bucket: stores that decode a path before they take it apart find a slash in `/b%2Fk` too, and no
/// bucket's name has one. What stands before it is a bucket's name, not the begin of an access point's ARN.
fn bucket_apart(path: &str) -> Cow<'_, str> {
    let segment = path
        .strip_prefix('/')
        .and_then(|path| path.split('/').next());
    let slash = segment.and_then(|it| it.find("%2F").or_else(|| it.find("%2f")));
    let Some((bucket, rest)) = slash.map(|at| path.split_at(1 + at)) else {
        return Cow::Borrowed(path);
    };
    let is_named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    match percent_decode_str(&bucket[1..]).all(is_named) {
        true => Cow::Owned(format!("{bucket}/{}", &rest["%2F".len()..])),
        false => Cow::Borrowed(path),
    }
}

/// The host that a request is made to, perhaps with a port; empty if it does not say.
pub fn host(parts: &Parts) -> &str {
    let header = header_text(parts, header::HOST.as_str());
    if header.is_empty() {
        parts.uri.host().unwrap_or_default()
    } else {
        header
    }
}

fn header_text<'a>(parts: &'a Parts, name: &str) -> &'a str {
    parts
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// The REST operation of a service that a request's method and URI name, and the labels of its path.
fn route(
    service: &'static Service,
    parts: &Parts,
    path: &str,
) -> Option<(Score, Operation, Labels)> {
    if parts.method == Method::OPTIONS {
        return None;
    }
    let segments: Vec<&str> = path
        .strip_prefix('/')
        .unwrap_or(path)
        .splitn(SEGMENTS_MAX, '/')
        .collect();
    let query: Vec<(Cow<'_, str>, Cow<'_, str>)> = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (form_decode(name), form_decode(value)))
        .collect();
    let method = parts.method.as_str();
    // The better score wins; of equals the first by name counts (`ListBuckets` before `ListDirectoryBuckets`).
    let mut found: Option<(Score, &Route)> = None;
    for route in service.routes() {
        if route.method == method
            && route.may_fit(&segments, &query)
            && let Some(score) = route.score(parts, &segments, &query)
            && found.is_none_or(|(best, _)| score > best)
        {
            found = Some((score, route));
        }
    }
    let (score, route) = found?;
    Some((score, route.operation, route.labels(&segments)))
}

/// The URI of a REST operation. The template is read in place: taken apart, the 11,000 of them would weigh a third of the
/// catalogue.
#[derive(Debug)]
pub(crate) struct Route {
    operation: Operation,
    method: &'static str,
    /// Segments of the path.
    len: usize,
    has_greedy: bool,
    /// Whether the query must have something.
    has_query: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Segment {
    Literal(&'static str),
    Label(&'static str),
    Greedy(&'static str),
}

/// The higher, the better: query literals, path literals, all required members there, how many, no greedy label.
type Score = (usize, usize, bool, usize, bool);

/// An operation's path without the first slash, and the query literals such as `acl` or `list-type=2`.
fn template(operation: Operation) -> (&'static str, &'static str) {
    let uri = operation.uri();
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    (path.strip_prefix('/').unwrap_or(path), query)
}

impl Route {
    /// Those of a service.
    pub(crate) fn all(service: &'static Service) -> Box<[Self]> {
        let is_superseded = |name: &str| service.id() == "s3" && S3_SUPERSEDED.contains(&name);
        service
            .operations()
            .filter(|operation| !is_superseded(operation.name()))
            .map(|operation| {
                let (path, query) = template(operation);
                Self {
                    operation,
                    method: operation.http_method(),
                    len: path.split('/').count(),
                    has_greedy: path.contains("+}"),
                    has_query: !query.is_empty(),
                }
            })
            .collect()
    }

    /// A path may have one empty segment more, after its last slash.
    fn may_fit(&self, path: &[&str], query: &[(Cow<'_, str>, Cow<'_, str>)]) -> bool {
        let len = path.len();
        (len == self.len || len == self.len + 1 || (len > self.len && self.has_greedy))
            && !(self.has_query && query.is_empty())
    }

    fn segments(&self) -> impl Iterator<Item = Segment> + use<> {
        template(self.operation).0.split('/').map(|segment| {
            match segment
                .strip_prefix('{')
                .and_then(|it| it.strip_suffix('}'))
            {
                Some(label) => label
                    .strip_suffix('+')
                    .map_or(Segment::Label(label), Segment::Greedy),
                None => Segment::Literal(segment),
            }
        })
    }

    fn score(
        &self,
        parts: &Parts,
        path: &[&str],
        query: &[(Cow<'_, str>, Cow<'_, str>)],
    ) -> Option<Score> {
        let (len, has_greedy) = (self.len, self.has_greedy);
        let (template, query_template) = template(self.operation);
        // A trailing slash of the path is no segment of its own, except below a greedy label.
        let path = match path {
            [head @ .., ""]
                if !template.ends_with("+}") && !head.is_empty() && path.len() != len =>
            {
                head
            }
            _ => path,
        };
        if path.len() < len || (path.len() > len && !has_greedy) {
            return None;
        }
        let has = |name: &str, value: Option<&str>| {
            query
                .iter()
                .any(|(key, found)| key == name && value.is_none_or(|value| value == found))
        };
        let mut query_literals = 0;
        for pair in query_template.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair
                .split_once('=')
                .map_or((pair, None), |(key, value)| (key, Some(value)));
            if !has(key, value) {
                return None;
            }
            query_literals += 1;
        }
        let mut literals = 0;
        self.align(path, |segment, _| {
            literals += usize::from(matches!(segment, Segment::Literal(text) if !text.is_empty()));
        })?;
        let (mut required, mut found) = (0, 0);
        let input = self.operation.input();
        for member in input.into_iter().flat_map(|shape| shape.members()) {
            let is_there = match member.location() {
                Location::Query if member.is_required() => has(member.wire_name(), None),
                Location::Header if member.is_required() => {
                    parts.headers.contains_key(member.wire_name())
                }
                _ => continue,
            };
            required += 1;
            found += usize::from(is_there);
        }
        Some((
            query_literals,
            literals,
            found == required,
            found,
            !has_greedy,
        ))
    }

    /// Lays the template over the path: each segment of the template with its part of the path.
    fn align<'p>(
        &self,
        path: &'p [&'p str],
        mut each: impl FnMut(Segment, &'p [&'p str]),
    ) -> Option<()> {
        let extra = path.len().checked_sub(self.len)?;
        let mut rest = path;
        for segment in self.segments() {
            let is_greedy = matches!(segment, Segment::Greedy(_));
            let (taken, left) = rest.split_at_checked(1 + if is_greedy { extra } else { 0 })?;
            match segment {
                Segment::Literal(text) if !is_literal(taken, text) => return None,
                Segment::Label(_) | Segment::Greedy(_) if taken == [""] => return None,
                _ => {}
            }
            each(segment, taken);
            rest = left;
        }
        Some(())
    }

    fn labels(&self, path: &[&str]) -> Labels {
        let path = if path.len() > self.len && !self.has_greedy {
            &path[..self.len]
        } else {
            path
        };
        let mut labels = Vec::new();
        let aligned = self.align(path, |segment, taken| {
            if let Segment::Label(name) | Segment::Greedy(name) = segment {
                let text = taken.join("/");
                let decoded = percent_decode_str(&text).decode_utf8_lossy();
                labels.push((name, decoded.into_owned()));
            }
        });
        aligned.map(|()| labels).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;

//! From a request's head and body to the service and operation that it calls.
//!
//! The service comes from the signature's scope, the `X-Amz-Target` prefix or the host; the operation from the target,
//! the `Action` parameter, the RPC path, or method and URI.

use std::borrow::Cow;

use http::{Method, header, request::Parts};
use percent_encoding::percent_decode_str;

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

/// Recognises a call. `body` may be only a prefix; REST and `X-Amz-Target` calls need none of it.
/// `signing_name` is the service in the credential scope; without it the host and the target tell.
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
    let services = if virtual_bucket(host).is_some() {
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
    if parts.headers.contains_key("x-amz-sso_bearer_token") {
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

fn by_target(parts: &Parts, services: &[&'static Service]) -> Option<Call> {
    let target = header_text(parts, "x-amz-target");
    let (prefix, name) = target.rsplit_once('.')?;
    let json = |service: &'static Service| {
        let declared = service
            .protocols()
            .iter()
            .find(|it| matches!(it, Protocol::Json10 | Protocol::Json11));
        match (
            declared,
            header_text(parts, header::CONTENT_TYPE.as_str()).contains("json-1.0"),
        ) {
            (Some(protocol), _) => *protocol,
            (None, true) => Protocol::Json10,
            (None, false) => Protocol::Json11,
        }
    };
    let of = |service: &'static Service| {
        let operation = service.operation(name)?;
        Some(Call {
            service,
            operation,
            protocol: json(service),
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
    best(signed.filter_map(of), |call| fitness(call.service, host))
        .or_else(|| named.iter().chain(services).copied().find_map(of))
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
    services.iter().copied().find_map(|service| {
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
    let speaks_query = |service: &&&'static Service| {
        service
            .protocols()
            .iter()
            .any(|it| matches!(it, Protocol::Query | Protocol::Ec2))
    };
    if !services.is_empty() && !services.iter().any(|service| speaks_query(&service)) {
        return None;
    }
    // A prefix may end within a letter, and only names of ASCII are looked for.
    let form = body.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let find = |name: &str| {
        parameter(form, name).or_else(|| parameter(parts.uri.query().unwrap_or_default(), name))
    };
    let (action, version) = (find("Action")?, find("Version"));
    let known = Catalogue::builtin()
        .services()
        .filter(|_| services.is_empty());
    let services = services.iter().copied().chain(known);
    let matching = services
        .filter(|service| speaks_query(&service))
        .filter_map(|service| {
            let protocol = *service
                .protocols()
                .iter()
                .find(|it| matches!(it, Protocol::Query | Protocol::Ec2))?;
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

/// The best by a rank; of equals the first.
fn best<T, R: Ord>(items: impl Iterator<Item = T>, rank: impl Fn(&T) -> R) -> Option<T> {
    items
        .map(|item| (rank(&item), item))
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|it| it.1)
}

/// A parameter of a form or query string, decoded.
pub(crate) fn parameter<'a>(form: &'a str, name: &str) -> Option<Cow<'a, str>> {
    form.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| form_decode(value))
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
    let bucket = virtual_bucket(host);
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
            let virtual_path;
            let path = match &bucket {
                // An Object Lambda's answer goes to a host that names a route.
                Some(bucket) if service.id() == "s3" && path != "/WriteGetObjectResponse" => {
                    virtual_path = format!("/{bucket}{path}");
                    &virtual_path
                }
                _ => path,
            };
            let (score, operation, labels) = route(service, parts, path)?;
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

/// The bucket of a virtual-hosted S3 request: `bucket.s3.us-east-1.amazonaws.com`, `bucket.s3.localhost:4580`; of an access
/// point's (`name-111122223333.s3-accesspoint.…`) its name and account.
pub fn virtual_bucket(host: &str) -> Option<String> {
    let host = host.split(':').next().unwrap_or_default();
    let at = [".s3.", ".s3-", ".s3express-"]
        .iter()
        .find_map(|label| host.find(label))?;
    // S3 Control has an account in that place.
    if at == 0 || host[at..].starts_with(".s3-control") {
        return None;
    }
    Some(host[..at].to_owned())
}

fn host(parts: &Parts) -> &str {
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
    let query: Vec<(&str, &str)> = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    let method = parts.method.as_str();
    // The better score wins; of equals the first by name counts (`ListBuckets` before `ListDirectoryBuckets`).
    let mut found: Option<(Score, &Route)> = None;
    for route in service.routes() {
        if route.method == method
            && route.may_fit(&segments)
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
                let (path, _) = template(operation);
                Self {
                    operation,
                    method: operation.http_method(),
                    len: path.split('/').count(),
                    has_greedy: path.contains("+}"),
                }
            })
            .collect()
    }

    /// A path may have one empty segment more, after its last slash.
    fn may_fit(&self, path: &[&str]) -> bool {
        let len = path.len();
        len == self.len || len == self.len + 1 || (len > self.len && self.has_greedy)
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

    fn score(&self, parts: &Parts, path: &[&str], query: &[(&str, &str)]) -> Option<Score> {
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
                .any(|(key, found)| *key == name && value.is_none_or(|value| value == *found))
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
                Segment::Literal(text) if taken != [text] => return None,
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[track_caller]
    fn check(
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &str,
        signing: Option<&str>,
        expected: &str,
    ) {
        let call = recognize(&parts(method, uri, headers), body.as_bytes(), signing);
        let found =
            call.map(|call| format!("{:?} {:?} {:?}", call.operation, call.protocol, call.labels));
        assert_eq!(
            found.as_deref().unwrap_or("nothing"),
            expected,
            "{method} {uri}"
        );
    }

    #[test]
    fn json_calls_are_known_by_their_target() {
        let target = [(
            "x-amz-target",
            "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
        )];
        check(
            "POST",
            "/",
            &target,
            "{}",
            Some("cloudtrail"),
            "cloudtrail:LookupEvents Json11 []",
        );
        check(
            "POST",
            "/",
            &target,
            "{}",
            None,
            "cloudtrail:LookupEvents Json11 []",
        );
        let short = [("x-amz-target", "CloudTrail_20131101.LookupEvents")];
        check(
            "POST",
            "/",
            &short,
            "{}",
            Some("cloudtrail"),
            "cloudtrail:LookupEvents Json11 []",
        );
        let dynamo = [("x-amz-target", "DynamoDB_20120810.PutItem")];
        check(
            "POST",
            "/",
            &dynamo,
            "{}",
            Some("dynamodb"),
            "dynamodb:PutItem Json10 []",
        );
        let streams = [("x-amz-target", "DynamoDBStreams_20120810.GetRecords")];
        check(
            "POST",
            "/",
            &streams,
            "{}",
            Some("dynamodb"),
            "dynamodbstreams:GetRecords Json10 []",
        );
        check(
            "POST",
            "/",
            &[("x-amz-target", "Nobody.Nothing")],
            "{}",
            Some("cloudtrail"),
            "nothing",
        );
    }

    #[test]
    fn query_calls_are_known_by_action_and_version() {
        let form = [(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )];
        check(
            "POST",
            "/",
            &form,
            "Action=CreateUser&Version=2010-05-08",
            Some("iam"),
            "iam:CreateUser Query []",
        );
        let v2 = "Version=2015-12-01&Action=DescribeLoadBalancers";
        check(
            "POST",
            "/",
            &form,
            v2,
            Some("elasticloadbalancing"),
            "elbv2:DescribeLoadBalancers Query []",
        );
        let v1 = "Action=DescribeLoadBalancers&Version=2012-06-01";
        check(
            "POST",
            "/",
            &form,
            v1,
            Some("elasticloadbalancing"),
            "elb:DescribeLoadBalancers Query []",
        );
        check(
            "POST",
            "/",
            &form,
            "Action=RunInstances&Version=2016-11-15",
            Some("ec2"),
            "ec2:RunInstances Ec2 []",
        );
        check(
            "GET",
            "/?Action=GetCallerIdentity&Version=2011-06-15",
            &[],
            "",
            Some("sts"),
            "sts:GetCallerIdentity Query []",
        );
        check(
            "POST",
            "/",
            &form,
            "Action=AssumeRoleWithSAML&Version=2011-06-15",
            None,
            "sts:AssumeRoleWithSAML Query []",
        );
    }

    #[test]
    fn a_prefix_of_a_form_is_enough() {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = b"Action=CreateUser&Version=2010-05-08&Path=\xc3";
        let call = recognize(&parts("POST", "/", &form), body, Some("iam")).unwrap();
        assert_eq!(call.operation.name(), "CreateUser");
    }

    #[test]
    fn s3_calls_are_known_by_method_uri_and_headers() {
        let b = "[(\"Bucket\", \"b\")]";
        let bk = "[(\"Bucket\", \"b\"), (\"Key\", \"k/x y\")]";
        for (method, uri, expected) in [
            ("GET", "/", "ListBuckets RestXml []".to_owned()),
            ("PUT", "/b", format!("CreateBucket RestXml {b}")),
            ("GET", "/b/", format!("ListObjects RestXml {b}")),
            (
                "GET",
                "/b?list-type=2",
                format!("ListObjectsV2 RestXml {b}"),
            ),
            ("GET", "/b?acl", format!("GetBucketAcl RestXml {b}")),
            (
                "GET",
                "/b?location=",
                format!("GetBucketLocation RestXml {b}"),
            ),
            ("PUT", "/b?policy", format!("PutBucketPolicy RestXml {b}")),
            ("PUT", "/b/k/x%20y", format!("PutObject RestXml {bk}")),
            (
                "GET",
                "/b/k/x%20y?x-id=GetObject",
                format!("GetObject RestXml {bk}"),
            ),
            ("HEAD", "/b/k/x%20y", format!("HeadObject RestXml {bk}")),
            (
                "PUT",
                "/b/k/x%20y?partNumber=1&uploadId=u",
                format!("UploadPart RestXml {bk}"),
            ),
            (
                "POST",
                "/b/k/x%20y?uploads",
                format!("CreateMultipartUpload RestXml {bk}"),
            ),
            (
                "POST",
                "/b/k/x%20y?uploadId=u",
                format!("CompleteMultipartUpload RestXml {bk}"),
            ),
            (
                "DELETE",
                "/b/k/x%20y?uploadId=u",
                format!("AbortMultipartUpload RestXml {bk}"),
            ),
            ("POST", "/b?delete", format!("DeleteObjects RestXml {b}")),
        ] {
            check(method, uri, &[], "", Some("s3"), &format!("s3:{expected}"));
        }
        let copy = [("x-amz-copy-source", "a/b")];
        check(
            "PUT",
            "/b/k",
            &copy,
            "",
            Some("s3"),
            "s3:CopyObject RestXml [(\"Bucket\", \"b\"), (\"Key\", \"k\")]",
        );
        let host = [("host", "b.s3.us-east-1.amazonaws.com")];
        check(
            "GET",
            "/k",
            &host,
            "",
            Some("s3"),
            "s3:GetObject RestXml [(\"Bucket\", \"b\"), (\"Key\", \"k\")]",
        );
        check(
            "GET",
            "/b/k",
            &[("host", "localhost:4580")],
            "",
            None,
            "s3:GetObject RestXml [(\"Bucket\", \"b\"), (\"Key\", \"k\")]",
        );
    }

    #[test]
    fn rest_json_calls_are_known_by_method_and_uri() {
        let labels = "[(\"FunctionName\", \"f\")]";
        check(
            "POST",
            "/2015-03-31/functions/f/invocations",
            &[],
            "",
            Some("lambda"),
            &format!("lambda:Invoke RestJson {labels}"),
        );
        check(
            "GET",
            "/2015-03-31/functions/",
            &[],
            "",
            Some("lambda"),
            "lambda:ListFunctions RestJson []",
        );
        check(
            "GET",
            "/2015-03-31/functions",
            &[],
            "",
            Some("lambda"),
            "lambda:ListFunctions RestJson []",
        );
    }

    #[test]
    fn services_that_share_a_signing_name_are_told_apart() {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let rds = "Action=CreateDBCluster&Version=2014-10-31&MasterUserPassword=x";
        check(
            "POST",
            "/",
            &form,
            rds,
            Some("rds"),
            "rds:CreateDBCluster Query []",
        );
        let agent = [("host", "bedrock-agent.eu-west-1.amazonaws.com")];
        let label = "[(\"resourceArn\", \"a\")]";
        let expected = format!("bedrock-agent:ListTagsForResource RestJson {label}");
        check("GET", "/tags/a", &agent, "", Some("bedrock"), &expected);
        let target = |host| {
            [
                ("x-amz-target", "Timestream_20181101.DescribeEndpoints"),
                ("host", host),
            ]
        };
        let (write, query) = (
            target("ingest.timestream.us-east-1.amazonaws.com"),
            target("query.timestream.us-east-1.amazonaws.com"),
        );
        check(
            "POST",
            "/",
            &write,
            "{}",
            Some("timestream"),
            "timestream-write:DescribeEndpoints Json10 []",
        );
        check(
            "POST",
            "/",
            &query,
            "{}",
            Some("timestream"),
            "timestream-query:DescribeEndpoints Json10 []",
        );
        check(
            "GET",
            "/",
            &[],
            "",
            Some("s3express"),
            "s3:ListDirectoryBuckets RestXml []",
        );
        let bucket = [("host", "logs.s3.us-east-1.amazonaws.com")];
        let labels = "[(\"Bucket\", \"logs\"), (\"Key\", \"k\")]";
        check(
            "GET",
            "/k",
            &bucket,
            "",
            None,
            &format!("s3:GetObject RestXml {labels}"),
        );
        let sso = [("host", "portal.sso.us-east-1.amazonaws.com")];
        check("POST", "/logout", &sso, "", None, "sso:Logout RestJson []");
        let json = [
            ("host", "localhost:4580"),
            ("content-type", "application/json"),
        ];
        let token = "signin:CreateOAuth2Token RestJson []";
        check("POST", "/v1/token", &json, "{}", None, token);
        check("POST", "/v1/token", &form, "grant_type=x", None, token);
        check(
            "POST",
            "/client/register",
            &json,
            "{}",
            None,
            "sso-oidc:RegisterClient RestJson []",
        );
        let bearer = [("host", "localhost:4580"), ("x-amz-sso_bearer_token", "t")];
        check(
            "GET",
            "/assignment/accounts",
            &bearer,
            "",
            None,
            "sso:ListAccounts RestJson []",
        );
        let lifecycle = "s3:PutBucketLifecycleConfiguration RestXml [(\"Bucket\", \"b\")]";
        check("PUT", "/b?lifecycle", &[], "", Some("s3"), lifecycle);
    }

    #[test]
    fn cbor_calls_are_known_by_their_path() {
        let headers = [("smithy-protocol", "rpc-v2-cbor")];
        let uri = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
        check(
            "POST",
            uri,
            &headers,
            "",
            Some("monitoring"),
            "cloudwatch:PutMetricData Cbor []",
        );
    }

    proptest! {
        #[test]
        fn no_request_makes_the_recogniser_panic(path in "/[ -~]{0,60}", body in ".{0,80}", signing in "(s3|iam|ec2|lambda|cloudtrail|x)?") {
            if let Ok(uri) = path.parse::<http::Uri>() {
                let request = http::Request::builder().method("POST").uri(uri).body(()).unwrap();
                let _ = recognize(&request.into_parts().0, body.as_bytes(), Some(signing.as_str()));
            }
        }
    }
}

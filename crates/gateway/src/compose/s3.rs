//! S3's parameters and additional data: bucket, host, key, the query, the headers, and small documents by their XML names.

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use pugmark_core::{event::EventCategory, limits};
use pugmark_wire::{
    catalogue::{Kind, MemberShape, Shape},
    recognize::Call,
    value::Value,
};
use serde_json::{Map, Value as Json, json};

use super::{
    AuthMethod, Class, Facts, class,
    fields::cut,
    render::{HIDDEN, scalar_json, xml_scalar},
    tables::{self, TimeStyle},
};

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// Parameters and headers of one request that are recorded.
const ENTRIES_MAX: usize = 256;

/// Whether the call is recorded in S3's form: its own operations, and those of its control plane (seen).
pub(super) fn is_formed(call: &Call) -> bool {
    matches!(call.service.id(), "s3" | "s3control")
}

/// What stands in a request's bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Bucket,
    DirectoryBucket,
    DirectoryAccessPoint,
    /// Where S3 Tables keeps a table's files.
    TableWarehouse,
    AccessPoint,
    ObjectLambda,
    Outpost,
}

/// What a table's files belong to; the names of their bucket do not tell which table it is.
pub(super) const WAREHOUSE_KINDS: [&str; 2] =
    ["AWS::S3Tables::TableBucket", "AWS::S3Tables::Table"];

/// An access point is told by its ARN or the host, what is no general bucket by the end of its name.
pub(super) fn place(bucket: &str, host: &str) -> Place {
    let service = bucket
        .strip_prefix("arn:")
        .and_then(|rest| rest.split(':').nth(1));
    let is = |arn: &str, label: &str| {
        service.map_or_else(|| host.contains(label), |service| service == arn)
    };
    if is("s3-object-lambda", ".s3-object-lambda.") {
        Place::ObjectLambda
    } else if is("s3-outposts", ".s3-outposts.") {
        Place::Outpost
    } else if is("s3", ".s3-accesspoint.") {
        Place::AccessPoint
    } else if bucket.ends_with("--x-s3") {
        Place::DirectoryBucket
    } else if bucket.ends_with("--xa-s3") {
        Place::DirectoryAccessPoint
    } else if bucket.ends_with("--table-s3") {
        Place::TableWarehouse
    } else {
        Place::Bucket
    }
}

impl Place {
    /// `resources.type` of what is inside, if it has one of its own.
    pub(super) fn objects(self) -> Option<&'static str> {
        match self {
            Self::Bucket => Some("AWS::S3::Object"),
            Self::DirectoryBucket => Some("AWS::S3Express::Object"),
            Self::Outpost => Some("AWS::S3Outposts::Object"),
            Self::AccessPoint
            | Self::ObjectLambda
            | Self::DirectoryAccessPoint
            | Self::TableWarehouse => None,
        }
    }

    /// Its own type.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Bucket => "AWS::S3::Bucket",
            Self::DirectoryBucket => "AWS::S3Express::DirectoryBucket",
            Self::DirectoryAccessPoint => "AWS::S3Express::AccessPoint",
            Self::TableWarehouse => "AWS::S3Tables::TableBucket",
            Self::AccessPoint => "AWS::S3::AccessPoint",
            Self::ObjectLambda => "AWS::S3ObjectLambda::AccessPoint",
            Self::Outpost => "AWS::S3Outposts::AccessPoint",
        }
    }

    /// In its ARN, and in the event source.
    fn service(self) -> &'static str {
        match self {
            Self::Bucket | Self::AccessPoint => "s3",
            Self::DirectoryBucket | Self::DirectoryAccessPoint => "s3express",
            Self::TableWarehouse => "s3tables",
            Self::ObjectLambda => "s3-object-lambda",
            Self::Outpost => "s3-outposts",
        }
    }

    pub(super) fn arn(self, bucket: &str, facts: &Facts<'_>, class: &Class) -> String {
        if bucket.starts_with("arn:") {
            return bucket.to_owned();
        }
        let (partition, service) = (class.region.partition(), self.service());
        let (region, account) = (&class.region, facts.account);
        // `name-111122223333`, and for Outposts `.op-0123` after it.
        let (point, outpost) = bucket.split_once('.').unwrap_or((bucket, ""));
        let (name, owner) = point.rsplit_once('-').unwrap_or((point, ""));
        match self {
            Self::Bucket => format!("arn:{partition}:{service}:::{bucket}"),
            Self::DirectoryBucket | Self::TableWarehouse => {
                format!("arn:{partition}:{service}:{region}:{account}:bucket/{bucket}")
            }
            Self::DirectoryAccessPoint => {
                format!("arn:{partition}:{service}:{region}:{account}:accesspoint/{bucket}")
            }
            Self::AccessPoint | Self::ObjectLambda => {
                format!("arn:{partition}:{service}:{region}:{owner}:accesspoint/{name}")
            }
            Self::Outpost => format!(
                "arn:{partition}:{service}:{region}:{owner}:outpost/{outpost}/accesspoint/{name}"
            ),
        }
    }
}

/// `eventSource` of a call on what is no general bucket; `None` for others.
pub(super) fn event_source(call: &Call, host: &str) -> Option<String> {
    if call.service.id() != "s3" {
        return None;
    }
    let service = match label(call, "Bucket") {
        Some(bucket) => place(bucket, host).service(),
        None if host.contains(".s3-object-lambda.") => "s3-object-lambda",
        None => return None,
    };
    (service != "s3").then(|| format!("{service}.amazonaws.com"))
}

/// `requestParameters`.
pub(super) fn request_parameters(facts: &Facts<'_>, call: &Call, request: Option<&Value>) -> Json {
    let mut map = Map::new();
    let secrets = secrets(call.operation.input());
    let mut put = |name: &str, value: &str| {
        map.insert(name.to_owned(), shown(&secrets, name, value).into());
    };
    // The host alone names a table's files (CloudTrail's examples for S3 Tables).
    if let Some(bucket) = label(call, "Bucket")
        && place(bucket, facts.bucket_host()) != Place::TableWarehouse
    {
        put("bucketName", bucket);
    }
    put("Host", cut(facts.host));
    if let Some(key) = label(call, "Key") {
        put("key", key);
    }
    let query = facts.parts.uri.query().unwrap_or_default();
    for pair in query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .take(ENTRIES_MAX)
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name);
        if !tables::S3_QUERY_OMITTED.contains(&name.to_ascii_lowercase().as_str()) {
            put(&name, &decoded(value));
        }
    }
    for (name, value) in recorded_headers(&facts.parts.headers) {
        put(name, value);
    }
    if class::category(call) == EventCategory::Management
        && let Some((name, document)) = request.and_then(|request| document(call, request))
    {
        map.insert(name, document);
    }
    Json::Object(map)
}

/// `responseElements`: the answer's headers for writes on objects, nothing for buckets.
pub(super) fn response_elements(facts: &Facts<'_>, class: &Class) -> Json {
    let headers = facts
        .response_headers
        .filter(|_| class.category == EventCategory::Data);
    let secrets = secrets(facts.call.and_then(|call| call.operation.output()));
    let map: Map<String, Json> = headers
        .into_iter()
        .flat_map(recorded_headers)
        .map(|(name, value)| (name.to_owned(), shown(&secrets, name, value).into()))
        .collect();
    if map.is_empty() {
        Json::Null
    } else {
        Json::Object(map)
    }
}

/// Headers and parameters that the model marks sensitive.
fn secrets(shape: Option<Shape>) -> Vec<&'static str> {
    let members = shape.into_iter().flat_map(|shape| shape.members());
    members
        .filter(|member| member.shape().is_some_and(|shape| shape.is_sensitive()))
        .map(|member| member.wire_name())
        .collect()
}

/// What is recorded of a header or parameter.
fn shown<'a>(secrets: &[&str], name: &str, value: &'a str) -> &'a str {
    match secrets
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(name))
    {
        true => HIDDEN,
        false => value,
    }
}

/// `additionalEventData`.
pub(super) fn additional_event_data(facts: &Facts<'_>, data: &mut Map<String, Json>) {
    let mut put = |name: &str, value: Json| {
        data.insert(name.to_owned(), value);
    };
    if let Some(version) = facts.signature_version {
        put("SignatureVersion", version.into());
    }
    if let Some(tls) = facts.tls {
        put("CipherSuite", cut(&tls.cipher_suite).into());
    }
    put("bytesTransferredIn", facts.bytes_in.into());
    if let Some(encryption) = encryption(facts) {
        put("SSEApplied", encryption.into());
    }
    match facts.auth {
        AuthMethod::Header => put("AuthenticationMethod", "AuthHeader".into()),
        AuthMethod::Query | AuthMethod::LegacyQuery => {
            put("AuthenticationMethod", "QueryString".into())
        }
        AuthMethod::None => {}
    }
    if let Some(id) = facts
        .response_headers
        .and_then(|headers| header(headers, "x-amz-id-2"))
    {
        put("x-amz-id-2", cut(id).into());
    }
    put("bytesTransferredOut", facts.bytes_out.into());
}

fn encryption(facts: &Facts<'_>) -> Option<&'static str> {
    let headers = facts.response_headers?;
    if headers.contains_key("x-amz-server-side-encryption-customer-algorithm") {
        return Some("SSE_C");
    }
    match header(headers, "x-amz-server-side-encryption")? {
        "AES256" => Some("SSE_S3"),
        "aws:kms" => Some("SSE_KMS"),
        "aws:kms:dsse" => Some("DSSE_KMS"),
        _ => None,
    }
}

/// A label of the request's path.
pub(super) fn label<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.labels
        .iter()
        .find(|(label, _)| *label == name)
        .map(|(_, text)| text.as_str())
}

/// A parameter of the query, decoded.
pub(super) fn parameter(facts: &Facts<'_>, name: &str) -> Option<String> {
    let pairs = facts
        .parts
        .uri
        .query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    pairs
        .into_iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| decoded(value))
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn recorded_headers(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
        .filter(|(name, _)| name.starts_with("x-amz-"))
        .filter(|(name, _)| {
            !tables::S3_HEADERS_OMITTED
                .iter()
                .any(|omitted| name.starts_with(omitted))
        })
        .take(ENTRIES_MAX)
}

/// The small document that a bucket's sub-resource is set to.
fn document(call: &Call, request: &Value) -> Option<(String, Json)> {
    let payload = call.operation.input()?.payload()?;
    let value = request.member(payload.name())?;
    if let Value::String(policy) = value {
        let policy = serde_json::from_str(policy).unwrap_or_else(|_| policy.as_str().into());
        return Some(("bucketPolicy".to_owned(), policy));
    }
    let Json::Object(mut map) = element(payload.shape()?, value, 0)? else {
        return None;
    };
    map.insert("xmlns".to_owned(), NAMESPACE.into());
    Some((payload.wire_name().to_owned(), Json::Object(map)))
}

/// XML as JSON: the wire's names, a repeated element as a list, a single one as itself.
fn element(shape: Shape, value: &Value, depth: usize) -> Option<Json> {
    if depth > limits::NESTING_MAX {
        return None;
    }
    match value {
        // An element without content.
        Value::Structure(members) if members.is_empty() && depth > 0 => Some("".into()),
        Value::Structure(members) => {
            let mut map = Map::new();
            for member in members {
                let Some((of, content)) = shape
                    .member(member.name)
                    .and_then(|it| Some((it, it.shape()?)))
                else {
                    continue;
                };
                match (&member.value, content.kind()) {
                    (Value::List(items), Kind::List) => {
                        put_list(&mut map, of, content, items, depth)
                    }
                    (value, _) => {
                        if let Some(json) = element(content, value, depth + 1) {
                            map.insert(of.wire_name().to_owned(), json);
                        }
                    }
                }
            }
            Some(Json::Object(map))
        }
        Value::Hidden => Some(HIDDEN.into()),
        Value::String(text) => Some(xml_scalar(text)),
        scalar => scalar_json(scalar, TimeStyle::Iso),
    }
}

fn put_list(
    map: &mut Map<String, Json>,
    member: MemberShape,
    list: Shape,
    items: &[Value],
    depth: usize,
) {
    let Some((inner, content)) = list.members().next().and_then(|it| Some((it, it.shape()?)))
    else {
        return;
    };
    let mut found: Vec<Json> = items
        .iter()
        .filter_map(|item| element(content, item, depth + 1))
        .collect();
    let json = if found.len() == 1 {
        found.remove(0)
    } else {
        Json::Array(found)
    };
    if member.is_flattened() {
        map.insert(member.wire_name().to_owned(), json);
    } else {
        let name = inner.location_name().unwrap_or("member");
        map.insert(member.wire_name().to_owned(), json!({ (name): json }));
    }
}

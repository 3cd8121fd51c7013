//! The service catalogue: what botocore's models say of about 420 services, opened one service at a time.
//!
//! `data/catalogue.bin` (made by `cargo xtask models`), all numbers little-endian:
//!
//! - `PMSC`, version (1 byte, now 3), length of the index (u32), the index (zstd of a JSON list, one object a service),
//!   then one zstd frame a service at the offset that the index gives.
//! - A service: counts of operations, shapes, members, errors (u32 each), their rows, then the string table.
//!   A text is an offset into the string table: length (u16) and UTF-8; offset 0 is the empty text.
//! - Operation (28 bytes): name, HTTP method, URI, input, output (shape index plus one, 0 none), result wrapper, flags
//!   (1 read-only).
//! - Shape (9 bytes): first member (u24), member count (u16), then a byte each: kind, flags (1 sensitive, 2 flattened,
//!   4 document, 8 event stream, 16 streaming), timestamp format, payload member plus one.
//! - Member (9 bytes; nine tenths of all rows): name, location name (u24 each), shape (u16), then a byte of flags (1
//!   flattened, 2 streaming, 4 XML attribute, 8 EC2's query name follows the location name after a NUL, 16 required) and,
//!   in its upper three bits, the location. A list has one member, a map two.
//! - Error (8 bytes): shape name, code on the wire (or empty).
//!
//! Operations, and errors, are sorted by name. A service is unpacked at its first use and kept for the program's life,
//! read in place: no object is made for a shape.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

use serde::Deserialize;

use crate::{
    recognize::{Route, ambiguity},
    value::Location,
};

static TABLE: &[u8] = include_bytes!("../data/catalogue.bin");
const HEADER_BYTES: usize = 9;
const OPERATION_BYTES: usize = 28;
const SHAPE_BYTES: usize = 9;
const MEMBER_BYTES: usize = 9;
const ERROR_BYTES: usize = 8;

/// A wire protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// AWS JSON 1.0.
    Json10,
    /// AWS JSON 1.1.
    Json11,
    /// AWS Query.
    Query,
    /// EC2 Query.
    Ec2,
    /// REST with JSON bodies.
    RestJson,
    /// REST with XML bodies.
    RestXml,
    /// Smithy RPC v2 CBOR.
    Cbor,
}

/// Every service.
#[derive(Debug)]
pub struct Catalogue {
    services: &'static [Service],
    by_id: HashMap<&'static str, usize>,
    by_signing_name: HashMap<&'static str, Vec<usize>>,
    by_endpoint_prefix: HashMap<&'static str, Vec<usize>>,
    by_target_prefix: HashMap<&'static str, Vec<usize>>,
}

/// A service. Its operations and shapes are unpacked at the first question about them.
#[derive(Debug)]
pub struct Service {
    index: IndexEntry,
    protocols: Vec<Protocol>,
    blob: OnceLock<Blob>,
    routes: OnceLock<Box<[Route]>>,
    deciding: OnceLock<Box<[&'static str]>>,
}

#[derive(Debug, Deserialize)]
struct IndexEntry {
    id: String,
    signing: String,
    endpoint: String,
    service_id: String,
    version: String,
    protocols: Vec<String>,
    json: String,
    target: String,
    global: bool,
    at: usize,
    packed: usize,
    size: usize,
}

#[derive(Debug)]
struct Blob {
    operations: &'static [u8],
    shapes: &'static [u8],
    members: &'static [u8],
    errors: &'static [u8],
    strings: &'static [u8],
}

/// An operation of a service.
#[derive(Clone, Copy)]
pub struct Operation {
    service: &'static Service,
    row: &'static [u8],
}

/// A shape of a service.
#[derive(Clone, Copy)]
pub struct Shape {
    service: &'static Service,
    row: &'static [u8],
}

/// A member of a structure, the element of a list, or the key or value of a map.
#[derive(Clone, Copy)]
pub struct MemberShape {
    service: &'static Service,
    row: &'static [u8],
}

/// What a shape is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Named members.
    Structure,
    /// Elements.
    List,
    /// Keys and values.
    Map,
    /// Text, enumerations, big decimals.
    String,
    /// Whole numbers.
    Integer,
    /// Numbers with a fraction.
    Float,
    /// True or false.
    Boolean,
    /// Bytes.
    Blob,
    /// A moment.
    Timestamp,
}

static BUILTIN: LazyLock<Catalogue> = LazyLock::new(Catalogue::open);

impl Catalogue {
    /// The catalogue that ships in the binary.
    pub fn builtin() -> &'static Catalogue {
        &BUILTIN
    }

    fn open() -> Self {
        // The table is part of the program and `the_table_is_whole` tests all of it.
        let index_len = u32_at(TABLE, HEADER_BYTES - 4) as usize;
        let index = unpack(&TABLE[HEADER_BYTES..HEADER_BYTES + index_len], 1 << 20);
        let entries: Vec<IndexEntry> =
            serde_json::from_slice(&index).expect("the built-in index is JSON");
        let services: Vec<Service> = entries
            .into_iter()
            .map(|entry| Service::new(entry, index_len))
            .collect();
        let services: &'static [Service] = Vec::leak(services);
        let mut catalogue = Self {
            services,
            by_id: HashMap::new(),
            by_signing_name: HashMap::new(),
            by_endpoint_prefix: HashMap::new(),
            by_target_prefix: HashMap::new(),
        };
        for (at, service) in services.iter().enumerate() {
            catalogue.by_id.insert(&service.index.id, at);
            catalogue
                .by_signing_name
                .entry(&service.index.signing)
                .or_default()
                .push(at);
            catalogue
                .by_endpoint_prefix
                .entry(&service.index.endpoint)
                .or_default()
                .push(at);
            if !service.index.target.is_empty() {
                catalogue
                    .by_target_prefix
                    .entry(&service.index.target)
                    .or_default()
                    .push(at);
                // `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101` is just `CloudTrail_20131101` to the SDKs
                // that are made from Smithy models.
                if let Some((_, short)) = service.index.target.rsplit_once('.') {
                    catalogue
                        .by_target_prefix
                        .entry(short)
                        .or_default()
                        .push(at);
                }
            }
        }
        catalogue
    }

    /// Every service, by id.
    pub fn services(&self) -> impl Iterator<Item = &'static Service> {
        self.services.iter()
    }

    /// A service by botocore's name for it, such as `s3` or `elbv2`.
    pub fn service(&self, id: &str) -> Option<&'static Service> {
        self.by_id.get(id).map(|at| &self.services[*at])
    }

    /// The services that sign with this name; several share `elasticloadbalancing`, `s3`, `ses` and others.
    pub fn by_signing_name(&self, name: &str) -> impl Iterator<Item = &'static Service> + use<> {
        self.pick(self.by_signing_name.get(name))
    }

    /// The services with this first label of the host name.
    pub fn by_endpoint_prefix(
        &self,
        prefix: &str,
    ) -> impl Iterator<Item = &'static Service> + use<> {
        self.pick(self.by_endpoint_prefix.get(prefix))
    }

    /// The services with this `X-Amz-Target` prefix.
    pub fn by_target_prefix(&self, prefix: &str) -> impl Iterator<Item = &'static Service> + use<> {
        self.pick(self.by_target_prefix.get(prefix))
    }

    fn pick(&self, places: Option<&Vec<usize>>) -> impl Iterator<Item = &'static Service> + use<> {
        let services = self.services;
        places
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .map(move |at| &services[at])
    }
}

impl Service {
    fn new(mut entry: IndexEntry, index_len: usize) -> Self {
        entry.at += HEADER_BYTES + index_len;
        let json = if entry.json == "1.0" {
            Protocol::Json10
        } else {
            Protocol::Json11
        };
        let protocols = entry
            .protocols
            .iter()
            .filter_map(|name| match name.as_str() {
                "json" => Some(json),
                "query" => Some(Protocol::Query),
                "ec2" => Some(Protocol::Ec2),
                "rest-json" => Some(Protocol::RestJson),
                "rest-xml" => Some(Protocol::RestXml),
                "smithy-rpc-v2-cbor" => Some(Protocol::Cbor),
                _ => None,
            });
        let protocols = protocols.collect();
        Self {
            index: entry,
            protocols,
            blob: OnceLock::new(),
            routes: OnceLock::new(),
            deciding: OnceLock::new(),
        }
    }

    /// Botocore's name, such as `elbv2`.
    pub fn id(&self) -> &str {
        &self.index.id
    }

    /// The name in the credential scope, such as `elasticloadbalancing`.
    pub fn signing_name(&self) -> &str {
        &self.index.signing
    }

    /// The first label of its host names.
    pub fn endpoint_prefix(&self) -> &str {
        &self.index.endpoint
    }

    /// The service id, such as `Elastic Load Balancing v2`.
    pub fn service_id(&self) -> &str {
        &self.index.service_id
    }

    /// The API version, such as `2013-11-01`.
    pub fn api_version(&self) -> &str {
        &self.index.version
    }

    /// The protocol that its clients prefer.
    pub fn protocol(&self) -> Protocol {
        self.protocols
            .first()
            .copied()
            .unwrap_or(Protocol::RestJson)
    }

    /// Every protocol that it speaks.
    pub fn protocols(&self) -> &[Protocol] {
        &self.protocols
    }

    /// Whether it has one endpoint for all Regions.
    pub fn is_global(&self) -> bool {
        self.index.global
    }

    /// An operation by name.
    pub fn operation(&'static self, name: &str) -> Option<Operation> {
        let blob = self.blob();
        let rows = blob.operations.as_chunks::<OPERATION_BYTES>().0;
        let at = rows
            .binary_search_by(|row| blob.text(u32_at(row, 0)).cmp(name))
            .ok()?;
        Some(Operation {
            service: self,
            row: &rows[at],
        })
    }

    /// All operations.
    pub fn operations(&'static self) -> impl Iterator<Item = Operation> {
        self.blob()
            .operations
            .chunks_exact(OPERATION_BYTES)
            .map(move |row| Operation { service: self, row })
    }

    /// The exception's name for an error code on the wire: IAM's `NoSuchEntity` is `NoSuchEntityException`.
    pub fn exception_name(&self, code: &str) -> Option<&'static str> {
        let blob = self.blob();
        let mut rows = blob.errors.chunks_exact(ERROR_BYTES);
        rows.find(|row| blob.text(u32_at(row, 4)) == code)
            .map(|row| blob.text(u32_at(row, 0)))
    }

    /// The table for REST requests.
    pub(crate) fn routes(&'static self) -> &'static [Route] {
        self.routes.get_or_init(|| Route::all(self))
    }

    /// The query parameters that tell operations of one path apart, in order.
    pub(crate) fn deciding_parameters(&'static self) -> &'static [&'static str] {
        self.deciding
            .get_or_init(|| ambiguity::deciding_parameters(self))
    }

    fn blob(&self) -> &Blob {
        self.blob.get_or_init(|| {
            let index = &self.index;
            let packed = &TABLE[index.at..index.at + index.packed];
            // Kept for the program's life, like the table itself.
            let bytes: &'static [u8] = Vec::leak(unpack(packed, index.size));
            let count = |at: usize| u32_at(bytes, at) as usize;
            let (operations, rest) = bytes[16..].split_at(count(0) * OPERATION_BYTES);
            let (shapes, rest) = rest.split_at(count(4) * SHAPE_BYTES);
            let (members, rest) = rest.split_at(count(8) * MEMBER_BYTES);
            let (errors, strings) = rest.split_at(count(12) * ERROR_BYTES);
            Blob {
                operations,
                shapes,
                members,
                errors,
                strings,
            }
        })
    }
}

impl Blob {
    fn text(&self, at: u32) -> &'static str {
        let at = at as usize;
        let len = usize::from(u16::from_le_bytes([self.strings[at], self.strings[at + 1]]));
        std::str::from_utf8(&self.strings[at + 2..at + 2 + len]).unwrap_or_default()
    }
}

impl Operation {
    /// Its service.
    pub fn service(&self) -> &'static Service {
        self.service
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.text(0)
    }

    /// The HTTP method.
    pub fn http_method(&self) -> &'static str {
        self.text(4)
    }

    /// The URI template.
    pub fn uri(&self) -> &'static str {
        self.text(8)
    }

    /// The input structure.
    pub fn input(&self) -> Option<Shape> {
        self.shape(12)
    }

    /// The output structure.
    pub fn output(&self) -> Option<Shape> {
        self.shape(16)
    }

    /// The element around a query answer's members.
    pub fn output_wrapper(&self) -> Option<&'static str> {
        Some(self.text(20)).filter(|text| !text.is_empty())
    }

    /// The model says that it changes nothing. Most models do not say.
    pub fn read_only(&self) -> bool {
        u32_at(self.row, 24) & 1 != 0
    }

    /// The request's body is a payload (an object's bytes) and says nothing.
    pub fn request_streams(&self) -> bool {
        self.input().is_some_and(|shape| shape.has_opaque_payload())
    }

    /// The answer's body is a payload or a stream of events.
    pub fn response_streams(&self) -> bool {
        self.output()
            .is_some_and(|shape| shape.has_opaque_payload())
    }

    fn text(&self, at: usize) -> &'static str {
        self.service.blob().text(u32_at(self.row, at))
    }

    fn shape(&self, at: usize) -> Option<Shape> {
        Shape::at(self.service, u32_at(self.row, at))
    }
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.service.id(), self.name())
    }
}

impl Shape {
    fn at(service: &'static Service, reference: u32) -> Option<Self> {
        let at = (reference as usize).checked_sub(1)?;
        Some(Self {
            service,
            row: service
                .blob()
                .shapes
                .get(at * SHAPE_BYTES..(at + 1) * SHAPE_BYTES)?,
        })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        match self.row[5] {
            0 => Kind::Structure,
            1 => Kind::List,
            2 => Kind::Map,
            4 => Kind::Integer,
            5 => Kind::Float,
            6 => Kind::Boolean,
            7 => Kind::Blob,
            8 => Kind::Timestamp,
            _ => Kind::String,
        }
    }

    /// Its content must not be kept.
    pub fn is_sensitive(&self) -> bool {
        self.row[6] & 1 != 0
    }

    /// A list or map without an element around it.
    pub fn is_flattened(&self) -> bool {
        self.row[6] & 2 != 0
    }

    /// Free JSON.
    pub fn is_document(&self) -> bool {
        self.row[6] & 4 != 0
    }

    /// A stream of events.
    pub fn is_event_stream(&self) -> bool {
        self.row[6] & 8 != 0
    }

    /// The member that is the HTTP body.
    pub fn payload(&self) -> Option<MemberShape> {
        usize::from(self.row[8])
            .checked_sub(1)
            .and_then(|at| self.members().nth(at))
    }

    /// A structure's members; a list's one, a map's two.
    pub fn members(&self) -> impl ExactSizeIterator<Item = MemberShape> + use<> {
        let (first, count) = (
            u24_at(self.row, 0) as usize,
            usize::from(u16_at(self.row, 3)),
        );
        let rows =
            &self.service.blob().members[first * MEMBER_BYTES..(first + count) * MEMBER_BYTES];
        let service = self.service;
        rows.chunks_exact(MEMBER_BYTES)
            .map(move |row| MemberShape { service, row })
    }

    /// A member by the model's name.
    pub fn member(&self, name: &str) -> Option<MemberShape> {
        self.members().find(|member| member.name() == name)
    }

    /// The member that is a stream of events.
    pub(crate) fn event_stream(&self) -> Option<MemberShape> {
        let mut members = self.members();
        members.find(|member| member.shape().is_some_and(|shape| shape.is_event_stream()))
    }

    /// A map whose keys must not be kept.
    pub(crate) fn has_sensitive_keys(&self) -> bool {
        self.kind() == Kind::Map
            && self
                .members()
                .next()
                .and_then(|key| key.shape())
                .is_some_and(|key| key.is_sensitive())
    }

    fn has_opaque_payload(&self) -> bool {
        let opaque = |member: MemberShape| {
            member.is_streaming()
                || member.shape().is_some_and(|shape| {
                    shape.kind() == Kind::Blob || shape.is_event_stream() || shape.row[6] & 16 != 0
                })
        };
        // RPC protocols have no payload: an event stream takes the body's place.
        self.payload().is_some_and(opaque) || self.event_stream().is_some()
    }
}

impl MemberShape {
    /// The member's name in the model.
    pub fn name(&self) -> &'static str {
        self.text(0)
    }

    /// `locationName`, if the wire has another name.
    pub fn location_name(&self) -> Option<&'static str> {
        let text = match self.row[8] & 8 {
            0 => self.text(3),
            _ => self.text(3).split('\0').next()?,
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// `queryName` of EC2.
    pub fn query_name(&self) -> Option<&'static str> {
        match self.row[8] & 8 {
            0 => None,
            _ => self.text(3).split('\0').nth(1),
        }
    }

    /// The name on the wire.
    pub fn wire_name(&self) -> &'static str {
        self.location_name().unwrap_or_else(|| self.name())
    }

    /// What it holds.
    pub fn shape(&self) -> Option<Shape> {
        Shape::at(self.service, u32::from(u16_at(self.row, 6)))
    }

    /// Where it stands.
    pub fn location(&self) -> Location {
        match self.row[8] >> 5 {
            1 => Location::Uri,
            2 => Location::Query,
            3 => Location::Header,
            4 => Location::HeaderPrefix,
            5 => Location::Status,
            _ => Location::Body,
        }
    }

    /// A list or map whose elements stand beside the other members.
    pub fn is_flattened(&self) -> bool {
        self.row[8] & 1 != 0 || self.shape().is_some_and(|shape| shape.is_flattened())
    }

    /// The body as it comes.
    pub fn is_streaming(&self) -> bool {
        self.row[8] & 2 != 0
    }

    /// An XML attribute of its structure's element.
    pub fn is_xml_attribute(&self) -> bool {
        self.row[8] & 4 != 0
    }

    /// Must be given.
    pub fn is_required(&self) -> bool {
        self.row[8] & 16 != 0
    }

    fn text(&self, at: usize) -> &'static str {
        self.service.blob().text(u24_at(self.row, at))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u24_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Unpacks a part of the built-in table.
fn unpack(packed: &[u8], size: usize) -> Vec<u8> {
    zstd::bulk::decompress(packed, size).expect("the built-in table is whole")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let (mut operations, mut members) = (0, 0);
        for service in Catalogue::builtin().services() {
            assert!(!service.protocols().is_empty(), "{}", service.id());
            for operation in service.operations() {
                assert_eq!(
                    service.operation(operation.name()).unwrap().name(),
                    operation.name()
                );
                for shape in [operation.input(), operation.output()]
                    .into_iter()
                    .flatten()
                {
                    members += shape
                        .members()
                        .filter(|member| member.shape().is_some())
                        .count();
                }
                operations += 1;
            }
        }
        assert!(
            operations > 18_000 && members > 50_000,
            "{operations} operations, {members} members"
        );
    }

    #[test]
    fn a_service_says_what_its_model_says() {
        let s3 = Catalogue::builtin().service("s3").unwrap();
        assert_eq!(
            (s3.signing_name(), s3.protocol()),
            ("s3", Protocol::RestXml)
        );
        assert!(s3.operation("PutObject").unwrap().request_streams());
        assert!(!s3.operation("PutBucketPolicy").unwrap().response_streams());
        let iam = Catalogue::builtin().service("iam").unwrap();
        assert_eq!(
            iam.exception_name("NoSuchEntity"),
            Some("NoSuchEntityException")
        );
        let input = iam
            .operation("CreateLoginProfile")
            .unwrap()
            .input()
            .unwrap();
        assert!(
            input
                .member("Password")
                .unwrap()
                .shape()
                .unwrap()
                .is_sensitive()
        );
        assert_eq!(
            Catalogue::builtin()
                .by_signing_name("elasticloadbalancing")
                .count(),
            2
        );
    }
}

//! Any bytes as the body of a request, an answer and an error of one operation of each protocol, without a panic.
//!
//! Input: a byte that picks the operation, then the body.

#![no_main]

use http::{HeaderMap, Request, StatusCode};
use libfuzzer_sys::fuzz_target;
use pugmark_wire::{
    catalogue::{Catalogue, Protocol},
    project,
    recognize::Call,
};

const OPERATIONS: [(&str, &str, Protocol); 8] = [
    ("dynamodb", "PutItem", Protocol::Json10),
    ("cloudtrail", "CreateTrail", Protocol::Json11),
    ("iam", "CreatePolicy", Protocol::Query),
    ("ec2", "RunInstances", Protocol::Ec2),
    ("lambda", "CreateFunction", Protocol::RestJson),
    ("s3", "PutBucketAcl", Protocol::RestXml),
    ("s3", "ListObjectVersions", Protocol::RestXml),
    ("cloudwatch", "GetMetricData", Protocol::Cbor),
];

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    let (service, operation, protocol) = OPERATIONS[usize::from(*pick) % OPERATIONS.len()];
    let Some(service) = Catalogue::builtin().service(service) else { return };
    let Some(operation) = service.operation(operation) else { return };
    let call = Call { service, operation, protocol, labels: Vec::new() };
    let Ok(request) = Request::post("/").body(()) else { return };
    let headers = HeaderMap::new();
    let _ = project::request(&call, &request.into_parts().0, body);
    let _ = project::response(&call, StatusCode::OK, &headers, body);
    let _ = project::error(protocol, StatusCode::BAD_REQUEST, &headers, body);
    let _ = project::request_id(protocol, &headers, body);
});

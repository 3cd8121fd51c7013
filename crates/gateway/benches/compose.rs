//! Time and memory of recognising a call and composing its record, for one typical call of each protocol; and what the
//! service catalogue takes with every service in use.
//!
//! `cargo bench -p pugmark-gateway --bench compose`. Goals: under 20 us median and under 64 KiB for a typical call,
//! under 10 MB for the whole catalogue.

use std::{hint::black_box, time::Instant};

use http::{HeaderMap, StatusCode};
use pugmark_core::{account::Region, event::Event, identity::Identity};
use pugmark_gateway::compose::{AuthMethod, Facts, compose};
use pugmark_wire::{
    catalogue::{Catalogue, Shape},
    project,
    recognize::recognize,
};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const CALLS: usize = 20_000;

struct Typical {
    name: &'static str,
    signing: &'static str,
    parts: http::request::Parts,
    body: &'static [u8],
    answer: &'static [u8],
    answer_headers: HeaderMap,
}

fn typical(
    name: &'static str,
    signing: &'static str,
    (method, uri): (&str, &str),
    headers: &[(&'static str, &'static str)],
    body: &'static str,
    answer: &'static str,
) -> Typical {
    let mut request = http::Request::builder()
        .method(method)
        .uri(uri)
        .header("host", format!("{signing}.us-east-1.amazonaws.com"))
        .header("x-amz-date", "20260119T211234Z")
        .header(
            "user-agent",
            "aws-cli/2.13.5 Python/3.11.4 Linux/6.1 exe/x86_64 prompt/off",
        );
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer_headers = HeaderMap::new();
    let id = http::HeaderValue::from_static("3bb0a5a6-1b7c-4f0f-8a4e-9b1f8a9f4b11");
    answer_headers.insert("x-amzn-requestid", id);
    Typical {
        name,
        signing,
        parts: request.body(()).expect("a valid request").into_parts().0,
        body: body.as_bytes(),
        answer: answer.as_bytes(),
        answer_headers,
    }
}

#[rustfmt::skip]
fn calls() -> Vec<Typical> {
    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    vec![
        typical("json    dynamodb DescribeTable", "dynamodb", ("POST", "/"),
            &[("x-amz-target", "DynamoDB_20120810.DescribeTable")], r#"{"TableName":"orders"}"#,
            r#"{"Table":{"TableName":"orders","TableStatus":"ACTIVE","ItemCount":12}}"#),
        typical("json    secretsmanager CreateSecret", "secretsmanager", ("POST", "/"),
            &[("x-amz-target", "secretsmanager.CreateSecret")],
            r#"{"Name":"db/password","SecretString":"hunter2","Tags":[{"Key":"team","Value":"data"}]}"#,
            r#"{"ARN":"arn:aws:secretsmanager:us-east-1:123456789012:secret:db/password-a1b2c3","Name":"db/password","VersionId":"EXAMPLE1"}"#),
        typical("query   iam CreateUser", "iam", ("POST", "/"), &[form],
            "Action=CreateUser&Version=2010-05-08&UserName=alice&Path=%2Fstaff%2F&Tags.member.1.Key=team&Tags.member.1.Value=data",
            "<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateUserResult><User><Path>/staff/</Path><UserName>alice</UserName><UserId>AIDAEXAMPLE</UserId><Arn>arn:aws:iam::123456789012:user/staff/alice</Arn><CreateDate>2026-01-19T21:12:34Z</CreateDate></User></CreateUserResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></CreateUserResponse>"),
        typical("ec2     RunInstances", "ec2", ("POST", "/"), &[form],
            "Action=RunInstances&Version=2016-11-15&ImageId=ami-1&InstanceType=t3.micro&MinCount=1&MaxCount=1&SecurityGroupId.1=sg-1&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web",
            "<RunInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId><reservationId>r-1</reservationId><ownerId>123456789012</ownerId><instancesSet><item><instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceState><code>0</code><name>pending</name></instanceState><privateDnsName>ip-10-0-0-1.ec2.internal</privateDnsName><instanceType>t3.micro</instanceType></item></instancesSet></RunInstancesResponse>"),
        typical("xml     s3 PutObject", "s3", ("PUT", "/photos/2026/cat.jpg"),
            &[("content-type", "image/jpeg"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")], "", ""),
        typical("restjs  lambda GetFunction", "lambda", ("GET", "/2015-03-31/functions/resize?Qualifier=live"), &[], "",
            r#"{"Configuration":{"FunctionName":"resize"}}"#),
        typical("cbor    cloudwatch ListMetrics", "monitoring", ("POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics"),
            &[("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")], "\u{0}", "\u{0}"),
    ]
}

fn record(call: &Typical, identity: &Identity, region: &Region) -> Event {
    let found = recognize(&call.parts, call.body, Some(call.signing));
    let request = found
        .as_ref()
        .and_then(|found| project::request(found, &call.parts, call.body).ok());
    let response = found.as_ref().and_then(|found| {
        project::response(found, StatusCode::OK, &call.answer_headers, call.answer).ok()
    });
    let host = call.parts.headers["host"].to_str().unwrap_or_default();
    compose(&Facts {
        call: found.as_ref(),
        parts: &call.parts,
        identity,
        account: "123456789012".parse().expect("an account"),
        region,
        request: request.as_ref(),
        response: response.as_ref(),
        request_omitted_bytes: None,
        response_omitted_bytes: None,
        error: None,
        status: Some(StatusCode::OK),
        response_headers: Some(&call.answer_headers),
        request_id: Some("3bb0a5a6-1b7c-4f0f-8a4e-9b1f8a9f4b11"),
        source_ip: "192.0.2.7",
        user_agent: Some("aws-cli/2.13.5"),
        host,
        tls: None,
        bytes_in: call.body.len() as u64,
        bytes_out: call.answer.len() as u64,
        auth: AuthMethod::Header,
        signature_version: Some("SigV4"),
        shared: None,
        event_id: Uuid::nil(),
        time: jiff::Timestamp::UNIX_EPOCH,
        outcome_unknown: None,
    })
}

fn main() {
    let identity = Identity::root("123456789012".parse().expect("an account"), None);
    let region: Region = "us-east-1".parse().expect("a Region");
    let calls = calls();
    println!(
        "{:<36} {:>10} {:>10} {:>12} {:>8}",
        "recognise, project, compose", "median us", "p99 us", "bytes, peak", "allocs"
    );
    for call in &calls {
        // The first call opens the service's part of the catalogue.
        let first = Instant::now();
        black_box(record(call, &identity, &region));
        let first = first.elapsed();
        let mut times: Vec<u64> = (0..CALLS)
            .map(|_| {
                let start = Instant::now();
                black_box(record(call, &identity, &region));
                start.elapsed().as_nanos() as u64
            })
            .collect();
        times.sort_unstable();
        let (peak, allocations) = memory(|| drop(black_box(record(call, &identity, &region))));
        let at = |share: f64| times[((CALLS - 1) as f64 * share) as usize] as f64 / 1000.0;
        println!(
            "{:<36} {:>10.1} {:>10.1} {peak:>12} {allocations:>8}   first call {first:.1?}",
            call.name,
            at(0.5),
            at(0.99),
        );
    }
    let before = resident();
    let mut operations = 0;
    for service in Catalogue::builtin().services() {
        // Builds the service's routes.
        let parts = http::Request::get("/")
            .body(())
            .expect("a request")
            .into_parts()
            .0;
        black_box(recognize(&parts, b"", Some(service.signing_name())));
        for operation in service.operations() {
            operations += 1;
            for shape in [operation.input(), operation.output()]
                .into_iter()
                .flatten()
            {
                touch(&shape);
            }
        }
    }
    println!(
        "catalogue with all {operations} operations touched: {:.1} MB more resident",
        resident().saturating_sub(before) as f64 / 1e6
    );
}

fn touch(shape: &Shape) {
    for member in shape.members() {
        black_box((member.name(), member.location_name()));
    }
}

/// Highest number of bytes at a time, and number of allocations.
fn memory(work: impl Fn()) -> (usize, u64) {
    let profiler = dhat::Profiler::builder().testing().build();
    work();
    let stats = dhat::HeapStats::get();
    drop(profiler);
    (stats.max_bytes, stats.total_blocks)
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kib.unwrap_or(0) * 1024
}

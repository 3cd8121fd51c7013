//! One typical call of each protocol, and the way from its bytes to its record.

use http::{HeaderMap, StatusCode};
use pugmark_core::{account::Region, event::Event, identity::Identity};
use pugmark_gateway::compose::{AuthMethod, Facts, compose};
use pugmark_wire::{project, recognize::recognize};
use uuid::Uuid;

pub(crate) struct Typical {
    pub(crate) name: &'static str,
    pub(crate) signing: &'static str,
    pub(crate) parts: http::request::Parts,
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
pub(crate) fn calls() -> Vec<Typical> {
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

pub(crate) fn record(call: &Typical) -> Event {
    let account = "123456789012".parse().expect("an account");
    let identity = &Identity::root(account, None);
    let region: &Region = &"us-east-1".parse().expect("a Region");
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
        account,
        region,
        request: request.as_ref(),
        response: response.as_ref(),
        request_is_partial: false,
        request_omitted_bytes: None,
        response_omitted_bytes: None,
        error: None,
        status: Some(StatusCode::OK),
        response_headers: Some(&call.answer_headers),
        request_id: Some("3bb0a5a6-1b7c-4f0f-8a4e-9b1f8a9f4b11"),
        source_ip: "192.0.2.7",
        user_agent: Some("aws-cli/2.13.5"),
        host,
        vpc_endpoint: None,
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

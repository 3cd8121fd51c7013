//! Requests and answers of each protocol, and what they say.
#![allow(clippy::unwrap_used)]

use http::{HeaderMap, Request, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::{catalogue::Catalogue, recognize::recognize};

fn call_of(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    signing: &str,
) -> (Call, Parts) {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let parts = request.body(()).unwrap().into_parts().0;
    (
        recognize(&parts, body, Some(signing)).expect("recognised"),
        parts,
    )
}

#[track_caller]
fn check(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &str,
    signing: &str,
    expected: &str,
) {
    let (call, parts) = call_of(method, uri, headers, body.as_bytes(), signing);
    assert_eq!(
        show(&request(&call, &parts, body.as_bytes()).unwrap()),
        expected
    );
}

/// A value on one line.
fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::String(text) => format!("{text:?}"),
        Value::Timestamp(time) => time.to_string(),
        Value::Blob(length) => format!("blob({length})"),
        Value::Stream => "stream".into(),
        Value::Hidden => "hidden".into(),
        Value::List(list) => format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => {
            let pairs: Vec<_> = map
                .iter()
                .map(|(key, value)| format!("{key:?}: {}", show(value)))
                .collect();
            format!("{{{}}}", pairs.join(" "))
        }
        Value::Structure(members) => {
            let pairs: Vec<_> = members
                .iter()
                .map(|it| format!("{}={}", it.name, show(&it.value)))
                .collect();
            format!("({})", pairs.join(" "))
        }
    }
}

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

#[test]
fn json_requests() {
    let target = [("x-amz-target", "secretsmanager.CreateSecret")];
    let body =
        r#"{"Name":"n","SecretString":"geheim","Tags":[{"Key":"a","Value":"b"}],"Unknown":1}"#;
    check(
        "POST",
        "/",
        &target,
        body,
        "secretsmanager",
        "(Name=\"n\" SecretString=hidden Tags=[(Key=\"a\" Value=\"b\")])",
    );
    let target = [(
        "x-amz-target",
        "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
    )];
    check(
        "POST",
        "/",
        &target,
        r#"{"StartTime":1768857448.5}"#,
        "cloudtrail",
        "(StartTime=2026-01-19T21:17:28.5Z)",
    );
    check("POST", "/", &target, "", "cloudtrail", "()");
}

#[test]
fn what_is_not_quite_json_is_read() {
    let target = [("x-amz-target", "secretsmanager.DescribeSecret")];
    for (body, expected) in [
        (
            &br#"{"SecretId":"vault","x":NaN,"y":[-Infinity, Infinity]}"#[..],
            "vault",
        ),
        (
            br#"{"x":"\ud83d","SecretId":"va\u00fclt \\ NaN \" \ud83d\ude00"}"#,
            "va\u{fc}lt \\ NaN \" \u{1f600}",
        ),
        (
            br#"{"SecretId":"a\ude00\ud83d\ud83d\ude00\\ud83d"}"#,
            "a\u{fffd}\u{fffd}\u{1f600}\\ud83d",
        ),
        (b"{\"SecretId\":\"a\xffb\"}", "a\u{fffd}b"),
    ] {
        let (call, parts) = call_of("POST", "/", &target, body, "secretsmanager");
        let read = request(&call, &parts, body).unwrap();
        assert_eq!(
            read.member("SecretId").and_then(Value::as_str),
            Some(expected)
        );
    }
    for body in [
        &b"{"[..],
        b"{\"SecretId\":\"\\",
        b"{\"SecretId\":\"\\u\xff",
        b"{'SecretId':1}",
        b"NaN",
    ] {
        let (call, parts) = call_of("POST", "/", &target, body, "secretsmanager");
        assert!(request(&call, &parts, body).is_err());
    }
}

#[test]
fn query_requests() {
    let body = "Action=CreateUser&Version=2010-05-08&UserName=a%20b%2Fc&Tags.member.2.Key=k2&Tags.member.2.Value=&Tags.member.1.Key=k1&Tags.member.1.Value=v+1";
    let expected = "(UserName=\"a b/c\" Tags=[(Key=\"k1\" Value=\"v 1\") (Key=\"k2\" Value=\"\")])";
    check("POST", "/", &FORM, body, "iam", expected);
    let body = "Action=CreateLoginProfile&Version=2010-05-08&UserName=u&Password=geheim&PasswordResetRequired=true";
    check(
        "POST",
        "/",
        &FORM,
        body,
        "iam",
        "(UserName=\"u\" Password=hidden PasswordResetRequired=true)",
    );
    let body =
        "Action=CreateTopic&Name=t&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=x";
    check(
        "POST",
        "/",
        &FORM,
        body,
        "sns",
        "(Name=\"t\" Attributes={\"DisplayName\": \"x\"})",
    );
}

#[test]
fn ec2_requests() {
    let body = "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag:a&Filter.1.Value.1=x&Filter.1.Value.2=y&InstanceId.1=i-1";
    let (call, parts) = call_of("POST", "/", &FORM, body.as_bytes(), "ec2");
    let shown = show(&request(&call, &parts, body.as_bytes()).unwrap());
    assert!(shown.contains("InstanceIds=[\"i-1\"]"), "{shown}");
    assert!(
        shown.contains("Filters=[(Name=\"tag:a\" Values=[\"x\" \"y\"])]"),
        "{shown}"
    );
}

#[test]
fn rest_requests() {
    let headers = [
        ("x-amz-meta-who", "me"),
        ("x-amz-acl", "private"),
        ("content-length", "5"),
    ];
    let (call, parts) = call_of("PUT", "/b/k%20y", &headers, b"", "s3");
    let shown = show(&request(&call, &parts, b"").unwrap());
    for part in [
        "Bucket=\"b\"",
        "Key=\"k y\"",
        "ACL=\"private\"",
        "Metadata={\"who\": \"me\"}",
        "Body=stream",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let body = "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet><Tag><Key>a</Key><Value>1 &amp; 2</Value></Tag></TagSet></Tagging>";
    check(
        "PUT",
        "/b?tagging",
        &[],
        body,
        "s3",
        "(Bucket=\"b\" Tagging=(TagSet=[(Key=\"a\" Value=\"1 & 2\")]))",
    );
    let body = r#"{"FunctionName":"f","Runtime":"python3.12","Code":{"ZipFile":"AAAA"},"Environment":{"Variables":{"K":"geheim"}}}"#;
    let (call, parts) = call_of(
        "POST",
        "/2015-03-31/functions",
        &[],
        body.as_bytes(),
        "lambda",
    );
    let shown = show(&request(&call, &parts, body.as_bytes()).unwrap());
    assert!(
        !shown.contains("geheim") && shown.contains("FunctionName=\"f\""),
        "{shown}"
    );
}

#[test]
fn what_is_sensitive_is_hidden_wherever_it_stands() {
    // Elements of a list in a query string.
    let (call, parts) = call_of(
        "DELETE",
        "/tags/arn?tagKeys=geheim&tagKeys=auch",
        &[],
        b"",
        "workspaces-web",
    );
    assert_eq!(call.operation.name(), "UntagResource");
    let shown = show(&request(&call, &parts, b"").unwrap());
    assert!(shown.contains("tagKeys=[hidden hidden]"), "{shown}");
    // The models of DocumentDB and Neptune do not mark it; RDS's, which answers for all three, does.
    let body =
        "Action=ModifyDBCluster&Version=2014-10-31&DBClusterIdentifier=c&MasterUserPassword=geheim";
    let expected = "(DBClusterIdentifier=\"c\" MasterUserPassword=hidden)";
    let (call, parts) = call_of("POST", "/", &FORM, body.as_bytes(), "rds");
    assert_eq!(
        show(&request(&call, &parts, body.as_bytes()).unwrap()),
        expected
    );
}

#[test]
fn an_answer_that_is_a_stream_of_events_is_not_read() {
    let target = [("x-amz-target", "Kinesis_20131202.SubscribeToShard")];
    let (call, _) = call_of("POST", "/", &target, b"{}", "kinesis");
    assert!(call.operation.response_streams());
    let answer = response(&call, StatusCode::OK, &HeaderMap::new(), b"\0\0\0\x10").unwrap();
    assert_eq!(show(&answer), "(EventStream=stream)");
}

#[test]
fn free_query_parameters_and_absent_bodies() {
    let uri = "/restapis?mode=import&failonwarnings=true&endpointConfigurationTypes=REGIONAL";
    let (call, parts) = call_of("POST", uri, &[("content-length", "2")], b"{}", "apigateway");
    assert_eq!(call.operation.name(), "ImportRestApi");
    let shown = show(&request(&call, &parts, b"{}").unwrap());
    assert!(shown.contains("failOnWarnings=true"), "{shown}");
    assert!(
        shown.contains("parameters={\"endpointConfigurationTypes\": \"REGIONAL\"}"),
        "{shown}"
    );
    let uri = "/2015-03-31/functions/f/invocations";
    check("POST", uri, &[], "", "lambda", "(FunctionName=\"f\")");
    let sent = [("content-length", "5")];
    let (call, parts) = call_of("POST", uri, &sent, b"", "lambda");
    assert_eq!(
        show(&request(&call, &parts, b"").unwrap()),
        "(FunctionName=\"f\" Payload=hidden)"
    );
}

#[test]
fn a_deep_form_is_cut() {
    let body = format!(
        "Action=CreateUser&UserName=u&{}=1",
        vec!["a"; 100_000].join(".")
    );
    check("POST", "/", &FORM, &body, "iam", "(UserName=\"u\")");
    let many: String = (0..60_000).map(|at| format!("&x.{at}.y=1")).collect();
    check(
        "POST",
        "/",
        &FORM,
        &format!("Action=CreateUser&UserName=u{many}"),
        "iam",
        "(UserName=\"u\")",
    );
}

#[test]
fn cbor_requests() {
    let headers = [
        ("smithy-protocol", "rpc-v2-cbor"),
        ("content-type", "application/cbor"),
    ];
    let uri = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms";
    // {"AlarmNames": ["a"], "MaxRecords": 5}, the map and the first text of indefinite length
    let mut body = vec![0xbf, 0x7f, 0x65];
    body.extend_from_slice(b"Alarm");
    body.push(0x65);
    body.extend_from_slice(b"Names");
    body.extend_from_slice(&[0xff, 0x81, 0x61, b'a', 0x6a]);
    body.extend_from_slice(b"MaxRecords");
    body.extend_from_slice(&[0x05, 0xff]);
    let (call, parts) = call_of("POST", uri, &headers, &body, "monitoring");
    assert_eq!(
        show(&request(&call, &parts, &body).unwrap()),
        "(AlarmNames=[\"a\"] MaxRecords=5)"
    );
}

#[test]
fn answers() {
    let (call, _) = call_of(
        "POST",
        "/",
        &FORM,
        b"Action=CreateAccessKey&Version=2010-05-08",
        "iam",
    );
    let body = "<CreateAccessKeyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateAccessKeyResult><AccessKey>\
        <UserName>u</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status><SecretAccessKey>geheim</SecretAccessKey>\
        <CreateDate>2026-01-19T21:17:28Z</CreateDate></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>";
    let answer = response(&call, StatusCode::OK, &HeaderMap::new(), body.as_bytes()).unwrap();
    let expected = "(AccessKey=(UserName=\"u\" AccessKeyId=\"AKIA1\" Status=\"Active\" SecretAccessKey=hidden CreateDate=2026-01-19T21:17:28Z))";
    assert_eq!(show(&answer), expected);
    let (call, _) = call_of(
        "POST",
        "/",
        &FORM,
        b"Action=CreateSecurityGroup&Version=2016-11-15",
        "ec2",
    );
    let body = "<CreateSecurityGroupResponse><requestId>r</requestId><groupId>sg-1</groupId><tagSet><item><key>a</key><value>b</value></item></tagSet></CreateSecurityGroupResponse>";
    let answer = response(&call, StatusCode::OK, &HeaderMap::new(), body.as_bytes()).unwrap();
    assert_eq!(
        show(&answer),
        "(GroupId=\"sg-1\" Tags=[(Key=\"a\" Value=\"b\")])"
    );
    assert_eq!(
        request_id(Protocol::Ec2, &HeaderMap::new(), body.as_bytes()).as_deref(),
        Some("r")
    );
}

#[test]
fn errors_of_every_protocol_are_read_and_rendered() {
    use Protocol::*;
    for protocol in [Json10, Json11, Query, Ec2, RestJson, RestXml, Cbor] {
        for resource in [None, Some("/b/k")] {
            let rendered = render_error(protocol, "SomeError", "a < b & \"c\"", "id-1", resource);
            let headers: HeaderMap = rendered.headers.into_iter().collect();
            let read = error(protocol, StatusCode::BAD_REQUEST, &headers, &rendered.body);
            let expected = ErrorInfo {
                code: "SomeError".into(),
                message: Some("a < b & \"c\"".into()),
            };
            assert_eq!(read, expected, "{protocol:?}");
            assert_eq!(
                request_id(protocol, &headers, &rendered.body).as_deref(),
                Some("id-1")
            );
        }
    }
    let body = br#"{"__type":"com.amazonaws.x#FooException:http://y","Message":"m"}"#;
    assert_eq!(
        error(Json11, StatusCode::BAD_REQUEST, &HeaderMap::new(), body).code,
        "FooException"
    );
    assert_eq!(
        error(RestXml, StatusCode::NOT_FOUND, &HeaderMap::new(), b"").code,
        "NotFound"
    );
}

/// One call of each protocol, for bodies of any kind.
fn any_calls() -> Vec<(Call, Parts)> {
    let operations = [
        ("iam", "CreateUser"),
        ("ec2", "RunInstances"),
        ("dynamodb", "PutItem"),
        ("lambda", "CreateFunction"),
        ("s3", "PutBucketTagging"),
        ("cloudwatch", "PutMetricData"),
    ];
    let parts = || {
        Request::builder()
            .uri("/?a=b")
            .body(())
            .unwrap()
            .into_parts()
            .0
    };
    operations
        .iter()
        .map(|(service, operation)| {
            let service = Catalogue::builtin().service(service).unwrap();
            let call = Call {
                service,
                operation: service.operation(operation).unwrap(),
                protocol: service.protocol(),
                labels: Vec::new(),
            };
            (call, parts())
        })
        .collect()
}

proptest! {
    #[test]
    fn no_body_makes_the_projection_panic(body in proptest::collection::vec(any::<u8>(), 0..300), text in "[<>{}\\[\\]\"a-zA-Z0-9=&.:,/ ]{0,200}") {
        for (call, parts) in any_calls() {
            for body in [&body[..], text.as_bytes()] {
                let _ = request(&call, &parts, body);
                let _ = response(&call, StatusCode::OK, &HeaderMap::new(), body);
                let _ = error(call.protocol, StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
                let _ = request_id(call.protocol, &HeaderMap::new(), body);
            }
        }
    }
}

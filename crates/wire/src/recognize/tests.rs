//! Requests of every protocol, and those that could be two services'.
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
fn nothing_makes_another_call_of_what_a_bucket_store_answers() {
    let target = [("x-amz-target", "DynamoDB_20120810.ListTables")];
    let get = r#"s3:GetObject RestXml [("Bucket", "b"), ("Key", "k")]"#;
    check("GET", "/b/k", &target, "", Some("s3"), get);
    let rpc = [("smithy-protocol", "rpc-v2-cbor")];
    let path = "/service/b/operation/ListBuckets";
    let put = r#"s3:PutObject RestXml [("Bucket", "service"), ("Key", "b/operation/ListBuckets")]"#;
    check("PUT", path, &rpc, "", Some("s3"), put);
    let post = r#"s3:CompleteMultipartUpload RestXml [("Bucket", "service"), ("Key", "b/operation/ListBuckets")]"#;
    check("POST", path, &rpc, "", Some("s3"), post);
    check("POST", "/", &target, "", Some("s3"), "nothing");
    let action = "/b/k?Action=ListUsers&Version=2010-05-08";
    check("GET", action, &[], "", Some("s3"), get);
    check("GET", "/b%2Fk", &[], "", Some("s3"), get);
    check("GET", "/b%2fk", &target, "", Some("s3"), get);
    let arn = r#"s3:GetObject RestXml [("Bucket", "arn:x/p"), ("Key", "k")]"#;
    check("GET", "/arn%3Ax%2Fp/k", &[], "", Some("s3"), arn);
    // Where buckets are in paths alone, a host says nothing of them.
    let mut head = parts("GET", "/b/k", &[("host", "decoy.s3.localhost")]);
    let hosts = BucketHosts::Below(Vec::new());
    head.extensions.insert(std::sync::Arc::new(hosts));
    let call = recognize(&head, b"", Some("s3")).unwrap();
    assert_eq!(
        call.labels,
        [("Bucket", "b".to_owned()), ("Key", "k".to_owned())]
    );
    // Some stores take any service's signature: then the call is not recognised, and its path is told.
    check("GET", action, &[], "", Some("iam"), "nothing");
    check("GET", "/b/k", &target, "", Some("dynamodb"), "nothing");
    check("POST", "/b/k", &target, "{}", Some("dynamodb"), "nothing");
    check("GET", "/", &target, "", Some("dynamodb"), "nothing");
    check("POST", "/b/k", &target, "{}", Some("nobody"), "nothing");
    let bucket = [("host", "b.s3.eu-west-1.amazonaws.com"), target[0]];
    check("POST", "/", &bucket, "{}", Some("dynamodb"), "nothing");
    let bucket = [("host", "b.s3.eu-west-1.amazonaws.com")];
    let uri = "/?Action=GetCallerIdentity&Version=2011-06-15";
    check("GET", uri, &bucket, "", Some("sts"), "nothing");
    check(
        "GET",
        "/b/k?Action=ReceiveMessage",
        &[],
        "",
        Some("sqs"),
        "nothing",
    );
}

#[test]
fn what_can_be_understood_in_two_ways_is_told() {
    let told = |method: &str, uri: &str, headers: &[(&str, &str)], body: &str, service: &str| {
        let mut parts = parts(method, uri, headers);
        if !parts.headers.contains_key("host") {
            parts.headers.insert("host", "h".parse().unwrap());
        }
        let service = Some(service).filter(|name| !name.is_empty());
        let call = recognize(&parts, body.as_bytes(), service);
        match ambiguity(&parts, body.as_bytes(), call.as_ref()) {
            Some(Ambiguity::Twice(name)) => name.into_owned(),
            Some(Ambiguity::Underscore(name)) => name,
            Some(Ambiguity::Foreign(name, operation)) => format!("{name} of {operation}"),
            Some(Ambiguity::Host) => "host".to_owned(),
            Some(Ambiguity::Method) => "method".to_owned(),
            Some(Ambiguity::Text) => "text".to_owned(),
            Some(Ambiguity::Many) => "many".to_owned(),
            Some(Ambiguity::Late) => "late".to_owned(),
            None => String::new(),
        }
    };
    let target = ("x-amz-target", "DynamoDB_20120810.ListTables");
    let json = ("content-type", "application/x-amz-json-1.0");
    let range = ("range", "bytes=0-1");
    let action = "Action or X-Amz-Target";
    for (method, uri, headers, body, service, expected) in [
        ("POST", "/", &[target][..], "{}", "", ""),
        (
            "POST",
            "/",
            &[target, json],
            r#"{"text": "&Action=a&Action=b"}"#,
            "",
            "",
        ),
        (
            "POST",
            "/",
            &[],
            "Action=ListUsers&Version=1&X=Action",
            "",
            "",
        ),
        ("POST", "/b/k?Action=1&Action=2", &[], "", "", ""),
        ("POST", "/", &[target, target], "{}", "", "x-amz-target"),
        (
            "POST",
            "/b/k",
            &[("host", "a"), ("host", "b")],
            "",
            "",
            "host",
        ),
        (
            "POST",
            "/",
            &[],
            "Action=ListUsers&Action=DeleteUser",
            "",
            action,
        ),
        ("POST", "/", &[], "A%63tion=a&Action=b", "", action),
        ("POST", "/?Action=a", &[], "Action=b", "", action),
        ("POST", "/?Action=a", &[target, json], "{}", "", action),
        ("POST", "/", &[target], "Action=a", "", action),
        // Who reads forms alone may read one that calls itself something else.
        ("POST", "/", &[json], "{&Action=DeleteUser", "iam", ""),
        (
            "POST",
            "/?Action=ListUsers",
            &[json],
            "{&Action=DeleteUser",
            "iam",
            action,
        ),
        // Parameters: those of forms come once, those of paths as their operation has them.
        (
            "POST",
            "/",
            &[],
            "Action=DeleteUser&UserName=a&User%4eame=b",
            "iam",
            "UserName",
        ),
        (
            "POST",
            "/?UserName=a",
            &[],
            "Action=DeleteUser&UserName=b",
            "iam",
            "UserName",
        ),
        (
            "POST",
            "/",
            &[],
            "Action=TagUser&Tags.member.1.Key=a&Tags.member.2.Key=a",
            "iam",
            "",
        ),
        (
            "GET",
            "/b/k?versionId=a&versionId=b",
            &[],
            "",
            "s3",
            "versionId",
        ),
        (
            "GET",
            "/b/k?versionId=a&version%49d=b",
            &[],
            "",
            "s3",
            "versionId",
        ),
        ("GET", "/b/k?versionId=a&x=b&x=c", &[], "", "s3", ""),
        (
            "DELETE",
            "/tags/arn?tagKeys=a&tagKeys=b",
            &[],
            "",
            "codestar-notifications",
            "",
        ),
        ("GET", "/b/k", &[range], "", "s3", ""),
        ("GET", "/b/k", &[range, range], "", "s3", "Range"),
        (
            "PUT",
            "/b/k",
            &[
                ("content-encoding", "gzip"),
                ("content-encoding", "aws-chunked"),
            ],
            "",
            "s3",
            "",
        ),
        (
            "PUT",
            "/b/k",
            &[("x-amz-copy-source", "a/b"), ("x-amz-copy-source", "c/d")],
            "",
            "s3",
            "x-amz-copy-source",
        ),
        ("GET", "/b/k", &[("host", "")], "", "s3", "host"),
        (
            "GET",
            "http://decoy.s3.x/b/k",
            &[("host", "h")],
            "",
            "s3",
            "host",
        ),
        ("GET", "http://h:80/b/k", &[("host", "H:80")], "", "s3", ""),
        (
            "PUT",
            "/b?acl&policy",
            &[],
            "",
            "s3",
            "policy of PutBucketAcl",
        ),
        (
            "POST",
            "/b/k?uploads&uploadId=u",
            &[],
            "",
            "s3",
            "uploadId of CreateMultipartUpload",
        ),
        (
            "GET",
            "/b/k?acl&versionId=v&x-id=GetObjectAcl",
            &[],
            "",
            "s3",
            "",
        ),
        (
            "PUT",
            "/b/k?x-id=PutObject&X-Amz-Date=x&nothing",
            &[],
            "",
            "s3",
            "",
        ),
        ("GeT", "/b/k", &[], "", "s3", "method"),
        // Headers that are variables of an environment to the service.
        (
            "PUT",
            "/b/k",
            &[("x_amz_copy_source", "/vault/secret")],
            "",
            "s3",
            "x_amz_copy_source",
        ),
        (
            "PUT",
            "/b/k",
            &[("x-amz-copy_source", "/vault/secret")],
            "",
            "s3",
            "x-amz-copy_source",
        ),
        (
            "GET",
            "/b/k",
            &[("content_type", "x")],
            "",
            "s3",
            "content_type",
        ),
        (
            "PUT",
            "/b/k",
            &[("x-amz-meta-my_name", "x"), ("my_header", "x")],
            "",
            "s3",
            "",
        ),
    ] {
        let told = told(method, uri, headers, body, service);
        assert_eq!(told, expected, "{method} {uri} {headers:?} {body}");
    }
    let hostless = parts("GET", "http://h/b/k", &[]);
    assert_eq!(ambiguity(&hostless, b"", None), Some(Ambiguity::Host));
    // What lies behind many others is told of nowhere.
    for (before, expected) in [(19_999, ""), (20_000, "many")] {
        let uri = format!("/vault/secret?{}versionId=1", "a&".repeat(before));
        assert_eq!(told("GET", &uri, &[], "", "s3"), expected);
    }
    let create = "Action=CreateUser&Version=2010-05-08";
    for (form, expected) in [
        ("Path=%FF".to_owned(), ""),
        ("Pa%FFth=1".to_owned(), "text"),
        ("P=&".repeat(2), "P"),
        ((0..20_000).map(|it| format!("P{it}=&")).collect(), "many"),
        (
            (0..500)
                .map(|it| format!("P{it}{}=&", ".1".repeat(300)))
                .collect(),
            "many",
        ),
    ] {
        let form = format!("{create}&{form}");
        assert_eq!(told("POST", "/", &[], &form, "iam"), expected);
    }
    let torn = [create.as_bytes(), b"&Path=\xff&UserName=bob"].concat();
    let mut post = parts("POST", "/", &[("host", "h")]);
    let call = recognize(&post, &torn, Some("iam"));
    assert_eq!(
        ambiguity(&post, &torn, call.as_ref()),
        Some(Ambiguity::Text)
    );
    // A form is read whole, whatever it calls itself.
    assert!(may_be_form(&post, Some("iam")) && may_be_form(&post, Some("s3")));
    post.headers
        .insert("content-type", "application/json".parse().unwrap());
    assert!(may_be_form(&post, Some("iam")) && !may_be_form(&post, Some("dynamodb")));
    post.headers.insert(
        "content-type",
        "multipart/form-data; boundary=b".parse().unwrap(),
    );
    assert!(!may_be_form(&post, Some("iam")));
    // A service that knows no targets looks at none.
    let form = "Action=DeleteUser&Version=2010-05-08";
    let list = [("x-amz-target", "X.ListUsers")];
    check(
        "POST",
        "/",
        &list,
        form,
        Some("iam"),
        "iam:DeleteUser Query []",
    );
}

/// However a long form is cut into pieces, what comes after its beginning is judged as all of it would be.
#[test]
fn a_form_is_watched_to_its_end() {
    let post = parts("POST", "/?Version=2010-05-08", &[("host", "h")]);
    let twice = |name: &'static str| Err(Ambiguity::Twice(name.into()));
    let long = "x".repeat(1_100);
    for (service, beginning, rest, expected) in [
        (
            "iam",
            "Action=CreateUser",
            "&UserName=bob&Path=Action=1&",
            Ok(()),
        ),
        (
            "iam",
            "Action=CreateUser&UserN",
            "ame=bob&Tags.member.1.Key=a&Tags.member.1.Value=b",
            Ok(()),
        ),
        (
            "iam",
            "Action=CreateUser&UserN",
            "ame=bob&User%4Eame=eve",
            twice("UserName"),
        ),
        (
            "iam",
            "Action=CreateUser&UserName=b",
            "ob&&UserName",
            twice("UserName"),
        ),
        (
            "iam",
            "Action=CreateUser",
            "&Version=2010-05-08",
            twice("Version"),
        ),
        (
            "iam",
            "Action=CreateUser&Path=x",
            "&%41ction=DeleteUser&UserName=bob",
            twice("Action"),
        ),
        (
            "iam",
            "Action=CreateUser",
            "&Path=\u{e9}",
            Err(Ambiguity::Text),
        ),
        (
            "iam",
            "Action=CreateUser",
            "&Pa%ffth=1",
            Err(Ambiguity::Text),
        ),
        (
            "iam",
            "Action=CreateUser",
            &format!("&{long}=1"),
            Err(Ambiguity::Many),
        ),
        (
            "iam",
            "Action=CreateUser",
            &format!("&P={long}&Q=1"),
            Ok(()),
        ),
        ("iam", "Acti", "on=CreateUser", Err(Ambiguity::Late)),
        ("iam", "Path=1&", "Action=CreateUser", Err(Ambiguity::Late)),
        // Nobody knows the operation, or a form tells none: what comes twice is no matter.
        ("iam", "Action=None&Path=1", "&Path=2", Ok(())),
        ("iam", "Action=None", "&Action=CreateUser", twice("Action")),
        ("dynamodb", "\u{e9}&a=1", "&a=2", Ok(())),
        (
            "dynamodb",
            "a=1",
            "&Action=CreateUser",
            Err(Ambiguity::Late),
        ),
    ] {
        let call = recognize(&post, beginning.as_bytes(), Some(service));
        for pieces in [1, 2, 3, 7, 4096] {
            let mut watch = FormWatch::new(&post, call.as_ref());
            let pieces = rest.as_bytes().chunks(pieces);
            let mut all = [beginning.as_bytes()].into_iter().chain(pieces);
            let judged = all
                .try_for_each(|piece| watch.feed(piece))
                .and_then(|()| watch.finish());
            assert_eq!(judged, expected, "{beginning} {rest}");
        }
    }
    let call = recognize(&post, b"Action=CreateUser", Some("iam"));
    let mut watch = FormWatch::new(&post, call.as_ref());
    // Together with Action and Version.
    let many: String = (2..20_000).map(|it| format!("&P{it}")).collect();
    let fed = [&b"Action=CreateUser"[..], many.as_bytes(), b"&Q"].map(|piece| watch.feed(piece));
    assert_eq!(fed, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(watch.finish(), Err(Ambiguity::Many));
}

#[test]
fn bytes_that_are_no_text_hide_no_action() {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = b"Path=\xc3&Action=CreateUser&Version=2010-05-08&Path=\xc3";
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
        // Stores decode names and values before they look at them.
        ("PUT", "/b?%70olicy", format!("PutBucketPolicy RestXml {b}")),
        (
            "DELETE",
            "/b?p%6Flicy",
            format!("DeleteBucketPolicy RestXml {b}"),
        ),
        (
            "GET",
            "/b?list%2Dtype=%32",
            format!("ListObjectsV2 RestXml {b}"),
        ),
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
        "POST",
        "/2015%2D03-31/%66unctions/f/invocations",
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

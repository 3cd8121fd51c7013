//! S3.

use super::*;

#[test]
fn an_object_written_is_a_data_event_with_object_and_bucket() {
    let put = Scene {
        tls: true,
        ..rest("s3", "PUT", "/b/k%20x?x-id=PutObject", "payload")
    }
    .host("s3.eu-central-1.amazonaws.com")
    .header("x-amz-storage-class", "STANDARD")
    .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    .header("x-amz-security-token", "secret")
    .header("x-amz-meta-name", "private")
    .answer_header("x-amz-server-side-encryption", "AES256")
    .answer_header("x-amz-id-2", "id2")
    .answer_header("x-amz-request-id", "r");
    put.check(json!({
        "eventSource": "s3.amazonaws.com", "eventName": "PutObject", "readOnly": false, "eventCategory": "Data",
        "requestParameters": {
            "bucketName": "b", "Host": "s3.eu-central-1.amazonaws.com", "key": "k x", "x-id": "PutObject",
            "x-amz-storage-class": "STANDARD",
        },
        "responseElements": {"x-amz-server-side-encryption": "AES256"},
        "additionalEventData": {
            "SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": 7,
            "SSEApplied": "SSE_S3", "AuthenticationMethod": "AuthHeader", "x-amz-id-2": "id2", "bytesTransferredOut": 0,
        },
        "resources": [
            {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k x"},
            {"accountId": "123456789012", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"},
        ],
        "tlsDetails": {
            "tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "s3.eu-central-1.amazonaws.com",
        },
    }));
    let json = String::from_utf8(put.compose().json.to_vec()).unwrap();
    assert!(
        !json.contains("secret") && !json.contains("private") && !json.contains("payload"),
        "{json}"
    );
}

#[test]
fn listings_have_a_prefix_and_their_old_name() {
    rest("s3", "GET", "/b?list-type=2&prefix=a%2Fb", "").check(json!({
        "eventName": "ListObjects", "readOnly": true, "eventCategory": "Data", "responseElements": null,
        "requestParameters": {
            "bucketName": "b", "Host": "s3.eu-central-1.amazonaws.com", "list-type": "2", "prefix": "a/b",
        },
        "resources": [
            {"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/a/b"},
            {"accountId": "123456789012", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"},
        ],
    }));
}

#[test]
fn bucket_documents_are_recorded_by_their_xml_names() {
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    rest("s3", "PUT", "/b?policy", policy).check(json!({
        "eventName": "PutBucketPolicy", "eventCategory": "Management", "readOnly": false, "responseElements": null,
        "requestParameters": {
            "bucketName": "b", "Host": "s3.eu-central-1.amazonaws.com", "policy": "",
            "bucketPolicy": {"Version": "2012-10-17", "Statement": []},
        },
    }));
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    rest("s3", "PUT", "/b?versioning", versioning).check(json!({
        "requestParameters": {
            "bucketName": "b", "Host": "s3.eu-central-1.amazonaws.com", "versioning": "",
            "VersioningConfiguration": {"Status": "Enabled", "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"},
        },
    }));
    let tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
    rest("s3", "PUT", "/b?tagging", tags).check(json!({
        "requestParameters": {
            "bucketName": "b", "Host": "s3.eu-central-1.amazonaws.com", "tagging": "",
            "Tagging": {
                "TagSet": {"Tag": {"Key": "a", "Value": 1}}, "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
            },
        },
    }));
}

#[test]
fn failures_keep_code_and_parameters() {
    let error = "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>";
    rest("s3", "GET", "/b?lifecycle", "").fails(404, error).check(json!({
        "eventName": "GetBucketLifecycle", "errorCode": "NoSuchBucket",
        "errorMessage": "The specified bucket does not exist", "responseElements": null, "resources": null,
        "requestParameters": {"bucketName": "b", "Host": "s3.eu-central-1.amazonaws.com", "lifecycle": ""},
    }));
    let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    let get = rest("s3", "GET", "/b/k", "").fails(403, denied);
    get.check(json!({
        "errorCode": "AccessDenied",
        "requestParameters": {"bucketName": "b", "Host": "s3.eu-central-1.amazonaws.com", "key": "k"},
    }));
}

#[test]
fn presigned_requests_never_show_their_signature() {
    let uri = "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260119%2Feu-central-1%2Fs3%2Faws4_request\
               &X-Amz-Expires=60&X-Amz-Signature=5ec2e7&X-Amz-Security-Token=t0ken";
    let get = Scene {
        auth: AuthMethod::Query,
        ..rest("s3", "GET", uri, "")
    };
    get.check(json!({
        "requestParameters": {
            "bucketName": "b", "Host": "s3.eu-central-1.amazonaws.com", "key": "k",
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Expires": "60",
        },
    }));
    assert_eq!(
        get.json()["additionalEventData"]["AuthenticationMethod"],
        "QueryString"
    );
}

#[test]
fn buckets_are_found_by_name_and_arn() {
    assert_eq!(
        rest("s3", "PUT", "/b", "").found(),
        ["AWS::S3::Bucket arn:aws:s3:::b", "AWS::S3::Bucket b"]
    );
}

#[test]
fn access_points_and_directory_buckets_have_types_of_their_own() {
    let check = |signing, host: &str, uri: &str, source: &str, resources: Json| {
        rest(signing, "GET", uri, "").host(host).check(json!({
            "eventSource": source, "eventName": "GetObject", "eventCategory": "Data", "resources": resources,
        }));
    };
    check(
        "s3",
        "point-111122223333.s3-accesspoint.eu-central-1.amazonaws.com",
        "/k",
        "s3.amazonaws.com",
        json!([{
            "accountId": "111122223333", "type": "AWS::S3::AccessPoint",
            "ARN": "arn:aws:s3:eu-central-1:111122223333:accesspoint/point",
        }]),
    );
    check(
        "s3",
        "localhost:4580",
        "/arn%3Aaws%3As3%3Aeu-central-1%3A111122223333%3Aaccesspoint%2Fpoint/k",
        "s3.amazonaws.com",
        json!([{
            "accountId": "111122223333", "type": "AWS::S3::AccessPoint",
            "ARN": "arn:aws:s3:eu-central-1:111122223333:accesspoint/point",
        }]),
    );
    check(
        "s3-object-lambda",
        "view-111122223333.s3-object-lambda.eu-central-1.amazonaws.com",
        "/k",
        "s3-object-lambda.amazonaws.com",
        json!([{
            "accountId": "111122223333", "type": "AWS::S3ObjectLambda::AccessPoint",
            "ARN": "arn:aws:s3-object-lambda:eu-central-1:111122223333:accesspoint/view",
        }]),
    );
    check(
        "s3-outposts",
        "point-111122223333.op-01.s3-outposts.eu-central-1.amazonaws.com",
        "/k",
        "s3-outposts.amazonaws.com",
        json!([
            {
                "type": "AWS::S3Outposts::Object",
                "ARN": "arn:aws:s3-outposts:eu-central-1:111122223333:outpost/op-01/accesspoint/point/k",
            },
            {
                "accountId": "111122223333", "type": "AWS::S3Outposts::AccessPoint",
                "ARN": "arn:aws:s3-outposts:eu-central-1:111122223333:outpost/op-01/accesspoint/point",
            },
        ]),
    );
    let bucket = "arn:aws:s3express:eu-central-1:123456789012:bucket/b--euc1-az1--x-s3";
    check(
        "s3express",
        "b--euc1-az1--x-s3.s3express-euc1-az1.eu-central-1.amazonaws.com",
        "/k",
        "s3express.amazonaws.com",
        json!([
            {"type": "AWS::S3Express::Object", "ARN": format!("{bucket}/k")},
            {"accountId": "123456789012", "type": "AWS::S3Express::DirectoryBucket", "ARN": bucket},
        ]),
    );
    check(
        "s3express",
        "p--euc1-az1--xa-s3.s3express-euc1-az1.eu-central-1.amazonaws.com",
        "/k",
        "s3express.amazonaws.com",
        json!([{
            "accountId": "123456789012", "type": "AWS::S3Express::AccessPoint",
            "ARN": "arn:aws:s3express:eu-central-1:123456789012:accesspoint/p--euc1-az1--xa-s3",
        }]),
    );
    check(
        "s3",
        "63a8e430-6e0b-46f5--table-s3.s3.eu-central-1.amazonaws.com",
        "/data/0.parquet",
        "s3tables.amazonaws.com",
        json!([{"type": "AWS::S3Tables::TableBucket"}, {"type": "AWS::S3Tables::Table"}]),
    );
    rest("s3-object-lambda", "POST", "/WriteGetObjectResponse", "")
        .host("route.s3-object-lambda.eu-central-1.amazonaws.com")
        .check(json!({
            "eventSource": "s3-object-lambda.amazonaws.com", "eventName": "WriteGetObjectResponse",
            "eventCategory": "Data",
        }));
}

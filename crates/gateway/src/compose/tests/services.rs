//! The other named services, in success and failure.

use super::*;

const IAM: &str = "2010-05-08";
const STS: &str = "2011-06-15";

#[test]
fn the_whole_record_stands_in_awss_order() {
    let create = Scene { tls: true, ..json_rpc("cloudtrail", "CloudTrail_20131101.CreateTrail", r#"{"Name":"t1","S3BucketName":"b1"}"#) }
        .answers(r#"{"Name":"t1","S3BucketName":"b1","TrailARN":"arn:aws:cloudtrail:eu-central-1:123456789012:trail/t1","IsMultiRegionTrail":false}"#);
    let expected = concat!(
        r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::123456789012:user/mateo","accountId":"123456789012","accessKeyId":"AKIAEXAMPLE","userName":"mateo"},"#,
        r#""eventTime":"2026-01-19T21:17:28Z","eventSource":"cloudtrail.amazonaws.com","eventName":"CreateTrail","awsRegion":"eu-central-1","sourceIPAddress":"192.0.2.7","userAgent":"aws-cli/2.13.5","#,
        r#""requestParameters":{"name":"t1","s3BucketName":"b1"},"#,
        r#""responseElements":{"name":"t1","s3BucketName":"b1","trailARN":"arn:aws:cloudtrail:eu-central-1:123456789012:trail/t1","isMultiRegionTrail":false},"#,
        r#""requestID":"req-1","eventID":"00000000-0000-0000-0000-000000000007","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management","#,
        r#""tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"cloudtrail.eu-central-1.amazonaws.com"}}"#,
    );
    assert_eq!(
        String::from_utf8(create.compose().json.to_vec()).unwrap(),
        expected
    );
    assert_eq!(
        create.found(),
        [
            "AWS::CloudTrail::Trail arn:aws:cloudtrail:eu-central-1:123456789012:trail/t1",
            "AWS::CloudTrail::Trail t1",
            "AWS::S3::Bucket arn:aws:s3:::b1",
            "AWS::S3::Bucket b1",
        ]
    );
}

#[test]
fn cloudtrails_own_calls() {
    json_rpc(
        "cloudtrail",
        "CloudTrail_20131101.StopLogging",
        r#"{"Name":"t1"}"#,
    )
    .answers("{}")
    .check(
        json!({"readOnly": false, "requestParameters": {"name": "t1"}, "responseElements": null}),
    );
    json_rpc(
        "cloudtrail",
        "CloudTrail_20131101.LookupEvents",
        r#"{"StartTime":1768857448,"MaxResults":5}"#,
    )
    .answers(r#"{"Events":[]}"#)
    .check(json!({
        "readOnly": true, "responseElements": null,
        "requestParameters": {"startTime": "2026-01-19T21:17:28Z", "maxResults": 5},
    }));
    json_rpc(
        "cloudtrail",
        "CloudTrail_20131101.DeleteTrail",
        r#"{"Name":"t1"}"#,
    )
    .fails(
        400,
        r#"{"__type":"TrailNotFoundException","message":"Unknown trail: t1"}"#,
    )
    .check(json!({
        "errorCode": "TrailNotFoundException", "errorMessage": "Unknown trail: t1",
        "requestParameters": {"name": "t1"}, "responseElements": null,
    }));
}

#[test]
fn iam_is_global_and_keeps_its_secrets() {
    let answer = "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>u</UserName>\
        <AccessKeyId>AKIANEW</AccessKeyId><Status>Active</Status><SecretAccessKey>s3cr3t</SecretAccessKey>\
        <CreateDate>2024-07-30T21:53:13Z</CreateDate></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>";
    let create = query("iam", IAM, "Action=CreateAccessKey&UserName=u").answers(answer);
    create.check(json!({
        "eventSource": "iam.amazonaws.com", "awsRegion": "us-east-1", "readOnly": false,
        "requestParameters": {"userName": "u"},
        "responseElements": {"accessKey": {
            "userName": "u", "accessKeyId": "AKIANEW", "status": "Active", "createDate": "Jul 30, 2024, 9:53:13 PM",
        }},
    }));
    assert!(create.compose().keys.global_service);
    let found = create.found();
    assert!(
        found.contains(&"AWS::IAM::User u".to_owned())
            && found.contains(&"AWS::IAM::AccessKey AKIANEW".to_owned())
    );
    query(
        "iam",
        IAM,
        "Action=CreateLoginProfile&UserName=u&Password=s3cr3t&PasswordResetRequired=false",
    )
    .check(json!({"requestParameters": {"userName": "u", "passwordResetRequired": false}}));
    query(
        "iam",
        IAM,
        "Action=ChangePassword&OldPassword=a&NewPassword=b",
    )
    .check(json!({"requestParameters": null, "responseElements": null}));
    query("iam", IAM, "Action=AttachRolePolicy&RoleName=r&PolicyArn=arn:aws:iam::aws:policy/P").check(json!({
        "requestParameters": {"roleName": "r", "policyArn": "arn:aws:iam::aws:policy/P"}, "responseElements": null,
    }));
}

#[test]
fn iam_errors_have_their_exceptions_names() {
    let error = "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>gone</Message></Error></ErrorResponse>";
    query("iam", IAM, "Action=ListUserPolicies&UserName=u").fails(404, error).check(json!({
        "errorCode": "NoSuchEntityException", "errorMessage": "gone", "requestParameters": {"userName": "u"},
    }));
    let denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
    let scene = query("iam", IAM, "Action=DeleteUser&UserName=u").fails(403, denied);
    scene.check(
        json!({"errorCode": "AccessDenied", "requestParameters": null, "responseElements": null}),
    );
    assert!(scene.found().is_empty());
}

#[test]
fn assumed_roles_are_reads_with_an_answer() {
    let answer = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>\
        <SecretAccessKey>s3cr3t</SecretAccessKey><SessionToken>token</SessionToken>\
        <Expiration>2024-07-30T21:46:15Z</Expiration></Credentials><AssumedRoleUser>\
        <AssumedRoleId>AROA1:s</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser>\
        </AssumeRoleResult></AssumeRoleResponse>";
    let body = "Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=s&TokenCode=123456";
    let assume = query("sts", STS, body).answers(answer);
    assume.check(json!({
        "readOnly": true, "awsRegion": "eu-central-1",
        "requestParameters": {"roleArn": "arn:aws:iam::123456789012:role/r", "roleSessionName": "s"},
        "responseElements": {
            "credentials": {"accessKeyId": "ASIA1", "sessionToken": "token", "expiration": "Jul 30, 2024, 9:46:15 PM"},
            "assumedRoleUser": {"assumedRoleId": "AROA1:s", "arn": "arn:aws:sts::123456789012:assumed-role/r/s"},
        },
        "resources": [{"accountId": "123456789012", "type": "AWS::IAM::Role", "ARN": "arn:aws:iam::123456789012:role/r"}],
    }));
    assert!(!assume.compose().keys.global_service);
    let global = query("sts", STS, "Action=GetCallerIdentity").host("sts.amazonaws.com");
    global.check(json!({"awsRegion": "us-east-1", "readOnly": true, "requestParameters": null}));
    assert!(global.compose().keys.global_service);
}

#[test]
fn newer_rest_services_keep_their_names() {
    rest("devops-guru", "POST", "/insights/search", r#"{"Type":"REACTIVE","StartTimeRange":{"FromTime":1688560107.5}}"#)
        .check(json!({"requestParameters": {"Type": "REACTIVE", "StartTimeRange": {"FromTime": 1688560107.5}}}));
    rest("eks", "GET", "/clusters/beta/access-entries/arn", "")
        .check(json!({"requestParameters": {"name": "beta", "principalArn": "arn"}}));
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:f:3";
    rest("lambda", "PUT", &format!("/2015-03-31/functions/{arn}/code"), r#"{"S3Bucket":"b","S3Key":"k"}"#).check(json!({
        "requestParameters": {
            "functionName": arn, "s3Bucket": "b", "s3Key": "k", "dryRun": false, "publish": false,
            "fullyQualifiedArn": {
                "arnPrefix": {"partition": "aws", "region": "eu-central-1", "account": "123456789012"},
                "relativeId": {"functionName": "f"}, "functionQualifier": {"functionQualifier": "3"},
            },
        },
    }));
}

#[test]
fn lambda_names_are_dated() {
    let create = r#"{"FunctionName":"f","Runtime":"python3.12","Environment":{"Variables":{"K":"s3cr3t"}},"Code":{"ZipFile":"UEsDBA=="}}"#;
    rest("lambda", "POST", "/2015-03-31/functions", create)
        .answers(r#"{"FunctionName":"f","LastModified":"2026-01-19T21:17:28.000+0000","Environment":{"Variables":{"K":"s3cr3t"}}}"#)
        .check(json!({
            "eventName": "CreateFunction20150331",
            "requestParameters": {"functionName": "f", "runtime": "python3.12", "environment": {}, "code": {}, "publish": false},
            "responseElements": {"functionName": "f", "lastModified": "2026-01-19T21:17:28.000+0000", "environment": {}},
        }));
    rest(
        "lambda",
        "POST",
        "/2015-03-31/functions/f/invocations",
        r#"{"pay":"load"}"#,
    )
    .check(json!({
        "eventName": "Invoke", "eventCategory": "Data", "managementEvent": false, "readOnly": false,
        "requestParameters": {"functionName": "f"}, "responseElements": null,
        "resources": [{
            "accountId": "123456789012", "type": "AWS::Lambda::Function",
            "ARN": "arn:aws:lambda:eu-central-1:123456789012:function:f",
        }],
    }));
    rest("lambda", "DELETE", "/2015-03-31/functions/f", "")
        .answer_header("x-amzn-errortype", "AccessDeniedException")
        .fails(403, r#"{"Message":"no"}"#)
        .check(
            json!({"errorCode": "AccessDenied", "errorMessage": "no", "requestParameters": null}),
        );
}

#[test]
fn dynamodb_records_keys_but_no_items() {
    let get = r#"{"TableName":"Music","Key":{"Artist":{"S":"Nobody"}},"ConsistentRead":false}"#;
    json_rpc("dynamodb", "DynamoDB_20120810.GetItem", get).check(json!({
        "eventCategory": "Data", "readOnly": true, "apiVersion": "2012-08-10",
        "requestParameters": {"tableName": "Music", "key": {"Artist": "Nobody"}, "consistentRead": false},
        "resources": [{
            "accountId": "123456789012", "type": "AWS::DynamoDB::Table",
            "ARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/Music",
        }],
    }));
    let put = r#"{"TableName":"Music","Item":{"Artist":{"S":"s3cr3t"}},"ReturnValues":"ALL_OLD"}"#;
    json_rpc("dynamodb", "DynamoDB_20120810.PutItem", put)
        .answers(r#"{"Attributes":{"Artist":{"S":"old"}}}"#)
        .check(json!({"requestParameters": {"tableName": "Music", "returnValues": "ALL_OLD"}, "responseElements": null}));
    let delete = json_rpc(
        "dynamodb",
        "DynamoDB_20120810.DeleteTable",
        r#"{"TableName":"Music"}"#,
    )
    .answers(r#"{"TableDescription":{"TableName":"Music","TableStatus":"DELETING"}}"#);
    delete.check(json!({
        "eventCategory": "Management", "readOnly": false,
        "responseElements": {"tableDescription": {"tableName": "Music", "tableStatus": "DELETING"}},
    }));
    assert_eq!(delete.compose().keys.resources.len(), 1);
}

#[test]
fn data_events_name_their_resource_by_what_the_request_gives() {
    let sns = |target: &str| {
        query(
            "sns",
            "2010-03-31",
            &format!("Action=Publish&{target}&Message=m"),
        )
    };
    let endpoint = "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/app/1";
    sns(&format!("TargetArn={endpoint}")).check(json!({
        "resources": [{"accountId": "123456789012", "type": "AWS::SNS::PlatformEndpoint", "ARN": endpoint}],
    }));
    sns("PhoneNumber=1").check(json!({"resources": [{"type": "AWS::SNS::Topic"}]}));
    let decrypt = |key: &str| {
        rest(
            "payment-cryptography",
            "POST",
            &format!("/keys/{key}/decrypt"),
            "{}",
        )
        .host("dataplane.payment-cryptography.eu-central-1.amazonaws.com")
    };
    decrypt("alias%2Fpin").check(json!({
        "eventCategory": "Data",
        "resources": [{
            "accountId": "123456789012", "type": "AWS::PaymentCryptography::Alias",
            "ARN": "arn:aws:payment-cryptography:eu-central-1:123456789012:alias/pin",
        }],
    }));
    decrypt("k1").check(json!({
        "resources": [{
            "accountId": "123456789012", "type": "AWS::PaymentCryptography::Key",
            "ARN": "arn:aws:payment-cryptography:eu-central-1:123456789012:key/k1",
        }],
    }));
    rest(
        "lambda",
        "POST",
        "/2015-03-31/functions/123456789012:function:f:live/invocations",
        "{}",
    )
    .check(json!({
        "resources": [{
            "accountId": "123456789012", "type": "AWS::Lambda::Function",
            "ARN": "arn:aws:lambda:eu-central-1:123456789012:function:f",
        }],
    }));
    let topic = "arn:aws:sns:eu-central-1:123456789012:t";
    sns(&format!("TargetArn={topic}")).check(json!({
        "resources": [{"accountId": "123456789012", "type": "AWS::SNS::Topic", "ARN": topic}],
    }));
    json_rpc(
        "kinesis",
        "Kinesis_20131202.PutRecord",
        r#"{"StreamName":"s","PartitionKey":"p","Data":""}"#,
    )
    .check(json!({
        "resources": [{
            "accountId": "123456789012", "type": "AWS::Kinesis::Stream",
            "ARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/s",
        }],
    }));
}

/// Trails take a resource without ARN for any of its type.
#[test]
fn what_a_data_event_does_not_name_it_does_not_hide() {
    let group = |name: &str| {
        let arn = format!("arn:aws:sagemaker:eu-central-1:123456789012:feature-group/{name}");
        json!({"accountId": "123456789012", "type": "AWS::SageMaker::FeatureGroup", "ARN": arn})
    };
    let batch = |names: &[String]| {
        let entry = |name: &String| json!({"FeatureGroupName": name, "RecordIdentifiersValueAsString": ["1", "2", "3"]});
        let entries: Vec<_> = names.iter().map(entry).collect();
        let body = json!({ "Identifiers": entries }).to_string();
        rest(
            "sagemaker-featurestore-runtime",
            "POST",
            "/BatchGetRecord",
            &body,
        )
    };
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    batch(&names(&["a"])).check(json!({"resources": [group("a")]}));
    let several = names(&["a", "a", "b", "c"]);
    batch(&several).check(json!({"resources": [group("a"), group("b"), group("c")]}));
    let many: Vec<String> = (0..60).map(|number| format!("g{number}")).collect();
    let mut expected: Vec<_> = many[..49].iter().map(|name| group(name)).collect();
    let event = batch(&many).compose();
    let found = &event.keys.resources;
    assert_eq!(found.len(), 50);
    assert_eq!(found.last().unwrap().arn, None);
    let record: serde_json::Value = serde_json::from_slice(&event.json).unwrap();
    expected.push(json!({"type": "AWS::SageMaker::FeatureGroup"}));
    assert_eq!(record["resources"], json!(expected));

    // Tables, likewise; a statement names none that is read.
    let tables: Vec<String> = many
        .iter()
        .map(|name| format!(r#""{name}":{{"Keys":[]}}"#))
        .collect();
    let body = format!(r#"{{"RequestItems":{{{}}}}}"#, tables.join(","));
    let get = json_rpc("dynamodb", "DynamoDB_20120810.BatchGetItem", &body).compose();
    assert_eq!(get.keys.resources.len(), 50);
    assert_eq!(get.keys.resources[49].arn, None);
    // What comes again and again takes no room from what comes after it.
    let decoy = r#"{"Get":{"TableName":"decoy","Key":{}}}"#;
    let items = format!(
        "{}{}",
        format!("{decoy},").repeat(60),
        decoy.replace("decoy", "vault")
    );
    let items = format!(r#"{{"TransactItems":[{items}]}}"#);
    let get = json_rpc("dynamodb", "DynamoDB_20120810.TransactGetItems", &items).compose();
    let arns = get.keys.resources.iter().map(|it| it.arn.as_deref());
    let arns: Vec<_> = arns
        .map(|arn| arn.unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(arns, ["decoy", "vault"]);
    let statement = r#"{"Statement":"SELECT * FROM vault"}"#;
    json_rpc("dynamodb", "DynamoDB_20120810.ExecuteStatement", statement)
        .check(json!({"resources": [{"type": "AWS::DynamoDB::Table"}]}));

    // A body that could not be kept may name any kind.
    let publish = query(
        "sns",
        "2010-03-31",
        "Action=Publish&TopicArn=arn:aws:sns:eu-central-1:123456789012:t",
    );
    let publish = Scene {
        omitted: (Some(300_000), None),
        ..publish
    }
    .compose();
    let kinds: Vec<_> = publish
        .keys
        .resources
        .iter()
        .map(|it| (it.kind.as_deref().unwrap(), &it.arn))
        .collect();
    assert_eq!(
        kinds,
        [
            ("AWS::SNS::Topic", &None),
            ("AWS::SNS::PlatformEndpoint", &None)
        ]
    );
}

#[test]
fn a_data_event_names_all_that_the_call_touched() {
    let vectors = "arn:aws:s3vectors:eu-central-1:123456789012:bucket/docs";
    let resources = json!([
        {"accountId": "123456789012", "type": "AWS::S3Vectors::Index", "ARN": format!("{vectors}/index/en")},
        {"accountId": "123456789012", "type": "AWS::S3Vectors::VectorBucket", "ARN": vectors},
    ]);
    let query = |names: &str| {
        let body = format!(r#"{{{names},"topK":3,"queryVector":{{"float32":[0.5]}}}}"#);
        rest("s3vectors", "POST", "/QueryVectors", &body)
    };
    query(r#""vectorBucketName":"docs","indexName":"en""#)
        .check(json!({"eventCategory": "Data", "resources": resources}));
    query(&format!(r#""indexArn":"{vectors}/index/en""#)).check(json!({"resources": resources}));

    // A structure's member; what the request does not name is left out.
    let send = r#"{"FromEmailAddress":"a@example.com","ConfigurationSetName":"c",
        "Content":{"Template":{"TemplateName":"hello"}}}"#;
    rest("ses", "POST", "/v2/email/outbound-emails", send).check(json!({
        "eventCategory": "Data",
        "resources": [
            {"type": "AWS::SES::EmailIdentity"},
            {"accountId": "123456789012", "type": "AWS::SES::ConfigurationSet",
             "ARN": "arn:aws:ses:eu-central-1:123456789012:configuration-set/c"},
            {"accountId": "123456789012", "type": "AWS::SES::Template",
             "ARN": "arn:aws:ses:eu-central-1:123456789012:template/hello"},
        ],
    }));

    // The template goes on after a member that is an ARN itself.
    let runtime = "arn:aws:bedrock-agentcore:eu-central-1:123456789012:runtime/agent-1";
    let path = format!(
        "/runtimes/{}/invocations?qualifier=prod",
        runtime.replace(':', "%3A").replace('/', "%2F")
    );
    rest("bedrock-agentcore", "POST", &path, "{}").check(json!({
        "resources": [
            {"accountId": "123456789012", "type": "AWS::BedrockAgentCore::Runtime", "ARN": runtime},
            {"accountId": "123456789012", "type": "AWS::BedrockAgentCore::RuntimeEndpoint",
             "ARN": format!("{runtime}/runtime-endpoint/prod")},
        ],
    }));

    // By the last part of an ARN.
    let list = |view: &str| {
        let view = format!("arn:aws:resource-explorer-2:eu-central-1:123456789012:{view}");
        let body = format!(r#"{{"ViewArn":"{view}"}}"#);
        let call = rest("resource-explorer-2", "POST", "/ListResources", &body);
        (call, view)
    };
    for (name, kind) in [
        ("view/all/1", "AWS::ResourceExplorer2::View"),
        ("managed-view/all/1", "AWS::ResourceExplorer2::ManagedView"),
    ] {
        let (call, view) = list(name);
        call.check(json!({
            "eventCategory": "Data",
            "resources": [{"accountId": "123456789012", "type": kind, "ARN": view}],
        }));
    }
}

#[test]
fn messages_are_hidden() {
    let url = "http://localhost:4566/123456789012/jobs";
    let send = format!(r#"{{"QueueUrl":"{url}","MessageBody":"s3cr3t"}}"#);
    let sent = json_rpc("sqs", "AmazonSQS.SendMessage", &send).answers(r#"{"MessageId":"m1"}"#);
    sent.check(json!({
        "eventCategory": "Data", "readOnly": false,
        "requestParameters": {"queueUrl": url, "messageBody": "HIDDEN_DUE_TO_SECURITY_REASONS"},
        "responseElements": {"messageId": "m1"},
        "resources": [{
            "accountId": "123456789012", "type": "AWS::SQS::Queue", "ARN": "arn:aws:sqs:eu-central-1:123456789012:jobs",
        }],
    }));
    let publish = "Action=Publish&TopicArn=arn:aws:sns:eu-central-1:123456789012:t&Message=s3cr3t&Subject=s3cr3t";
    query("sns", "2010-03-31", publish).check(json!({
        "eventCategory": "Data",
        "requestParameters": {
            "topicArn": "arn:aws:sns:eu-central-1:123456789012:t", "message": "HIDDEN_DUE_TO_SECURITY_REASONS",
            "subject": "HIDDEN_DUE_TO_SECURITY_REASONS",
        },
        "resources": [{
            "accountId": "123456789012", "type": "AWS::SNS::Topic", "ARN": "arn:aws:sns:eu-central-1:123456789012:t",
        }],
    }));
    let create = "<CreateTopicResponse><CreateTopicResult><TopicArn>arn:aws:sns:eu-central-1:123456789012:t</TopicArn></CreateTopicResult></CreateTopicResponse>";
    query("sns", "2010-03-31", "Action=CreateTopic&Name=t")
        .answers(create)
        .check(json!({
            "eventCategory": "Management", "requestParameters": {"name": "t"},
            "responseElements": {"topicArn": "arn:aws:sns:eu-central-1:123456789012:t"},
        }));
}

#[test]
fn keys_and_secrets_stay_out() {
    let answer =
        r#"{"KeyId":"arn:aws:kms:eu-central-1:123456789012:key/k1","Plaintext":"czNjcjN0"}"#;
    json_rpc("kms", "TrentService.Decrypt", r#"{"CiphertextBlob":"AAAA","EncryptionContext":{"App":"x"}}"#)
        .answers(answer)
        .check(json!({
            "readOnly": true, "requestParameters": {"encryptionContext": {"App": "x"}}, "responseElements": null,
            "resources": [{
                "accountId": "123456789012", "type": "AWS::KMS::Key",
                "ARN": "arn:aws:kms:eu-central-1:123456789012:key/k1",
            }],
        }));
    json_rpc(
        "kms",
        "TrentService.ScheduleKeyDeletion",
        r#"{"KeyId":"k1","PendingWindowInDays":7}"#,
    )
    .answers(r#"{"KeyId":"k1","DeletionDate":1768857448}"#)
    .check(json!({
        "readOnly": false, "requestParameters": {"keyId": "k1", "pendingWindowInDays": 7, "overridePendingWindowCheck": false},
        "responseElements": {"keyId": "k1", "deletionDate": "Jan 19, 2026, 9:17:28 PM"},
    }));
    json_rpc(
        "secretsmanager",
        "secretsmanager.CreateSecret",
        r#"{"Name":"n","SecretString":"s3cr3t"}"#,
    )
    .answers(r#"{"ARN":"arn:n","Name":"n","VersionId":"v"}"#)
    .check(json!({"requestParameters": {"name": "n"}, "responseElements": {"arn": "arn:n"}}));
    json_rpc("ssm", "AmazonSSM.PutParameter", r#"{"Name":"/p","Value":"s3cr3t","Type":"SecureString"}"#)
        .answers(r#"{"Version":1}"#)
        .check(json!({
            "requestParameters": {"name": "/p", "value": "HIDDEN_DUE_TO_SECURITY_REASONS", "type": "SecureString"},
            "responseElements": {"version": 1},
            "resources": [{"accountId": "123456789012", "ARN": "arn:aws:ssm:eu-central-1:123456789012:parameter/p"}],
        }));
    json_rpc("ssm", "AmazonSSM.GetParameter", r#"{"Name":"/p"}"#)
        .fails(
            400,
            r#"{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}"#,
        )
        .check(json!({"errorCode": "AccessDenied", "requestParameters": null, "resources": null}));
    let modify = "Action=ModifyDBInstance&DBInstanceIdentifier=d&MasterUserPassword=s3cr3t";
    query("rds", "2014-10-31", modify).check(json!({
        "requestParameters": {"dBInstanceIdentifier": "d", "masterUserPassword": "HIDDEN_DUE_TO_SECURITY_REASONS"},
    }));
}

#[test]
fn logs_and_events() {
    let create = json_rpc(
        "logs",
        "Logs_20140328.CreateLogGroup",
        r#"{"logGroupName":"g"}"#,
    );
    create.check(json!({
        "eventSource": "logs.amazonaws.com", "apiVersion": "20140328", "requestParameters": {"logGroupName": "g"},
        "responseElements": null,
    }));
    assert_eq!(
        create.found(),
        [
            "AWS::Logs::LogGroup arn:aws:logs:eu-central-1:123456789012:log-group:g",
            "AWS::Logs::LogGroup g"
        ]
    );
    json_rpc(
        "events",
        "AWSEvents.PutRule",
        r#"{"Name":"r","State":"ENABLED"}"#,
    )
    .answers(r#"{"RuleArn":"arn:aws:events:eu-central-1:123456789012:rule/r"}"#)
    .check(json!({
        "eventSource": "events.amazonaws.com", "eventCategory": "Management",
        "requestParameters": {"name": "r", "state": "ENABLED"},
        "responseElements": {"ruleArn": "arn:aws:events:eu-central-1:123456789012:rule/r"},
    }));
    let put = r#"{"Entries":[{"Source":"s","Detail":"{\"s3cr3t\":1}","EventBusName":"bus"}]}"#;
    json_rpc("events", "AWSEvents.PutEvents", put).check(json!({
        "eventCategory": "Data",
        "requestParameters": {
            "entries": [{"source": "s", "detail": "HIDDEN_DUE_TO_SECURITY_REASONS", "eventBusName": "bus"}],
        },
        "resources": [{
            "accountId": "123456789012", "type": "AWS::Events::EventBus",
            "ARN": "arn:aws:events:eu-central-1:123456789012:event-bus/bus",
        }],
    }));
}

#[test]
fn other_services_follow_the_general_rules() {
    query("monitoring", "2010-08-01", "Action=DescribeAlarms").check(json!({
        "eventSource": "monitoring.amazonaws.com", "readOnly": true, "requestParameters": null,
    }));
    json_rpc(
        "ecr",
        "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
        "{}",
    )
    .check(json!({"eventSource": "ecr.amazonaws.com", "readOnly": true}));
    rest("ses", "GET", "/v2/email/account", "")
        .host("email.eu-central-1.amazonaws.com")
        .check(json!({"eventSource": "ses.amazonaws.com"}));
    rest("cloudfront", "POST", "/2020-05-31/function", "").check(json!({
        "eventName": "CreateFunction2020_05_31", "awsRegion": "us-east-1", "apiVersion": "2020_05_31",
    }));
    rest("eks", "DELETE", "/clusters/c", "")
        .answer_header("x-amzn-errortype", "AccessDeniedException")
        .fails(403, r#"{"message":"no"}"#)
        .check(json!({
            "errorCode": "AccessDenied", "errorMessage": null, "requestParameters": {"name": "c"},
            "responseElements": {"message": "no"},
        }));
}

#[test]
fn unrecognised_calls_are_recorded_honestly() {
    json_rpc("sqs", "AmazonSQS.DoSomethingNew", "{}").check(json!({
        "eventSource": "sqs.amazonaws.com", "eventName": "DoSomethingNew", "readOnly": false,
        "requestParameters": null, "responseElements": null,
    }));
    let odd = Scene {
        method: "GET",
        ..json_rpc("sqs", "x.<script>", "")
    }
    .host("sqs.eu-central-1.amazonaws.com");
    odd.check(json!({"eventSource": "sqs.amazonaws.com", "eventName": "GET", "readOnly": true}));
    json_rpc("", "Nobody.ListThings", "")
        .host("localhost:4566")
        .check(json!({
            "eventSource": "unknown.amazonaws.com", "eventName": "ListThings", "readOnly": true,
        }));
}

#[test]
fn what_a_request_pretends_is_not_believed() {
    // Some stores take a signature for any service; what they did is told by the path.
    let disguised = Scene {
        method: "GET",
        uri: "/vault/secret?Action=ListUsers&Version=2010-05-08".to_owned(),
        ..json_rpc("dynamodb", "DynamoDB_20120810.ListTables", "")
    };
    disguised.check(json!({
        "eventSource": "dynamodb.amazonaws.com", "eventName": "GET", "readOnly": true,
        "additionalEventData": {"requestMethod": "GET", "requestPath": "/vault/secret"},
    }));
}

#[test]
fn an_unknown_outcome_is_said() {
    let intent = Scene {
        unknown: Some("the recorder stopped"),
        ..query("iam", IAM, "Action=DeleteUser&UserName=u")
    };
    intent.check(json!({
        "requestParameters": {"userName": "u"}, "responseElements": null,
        "additionalEventData": {"outcome": "unknown", "outcomeReason": "the recorder stopped"},
    }));
}

#[test]
fn reads_and_writes_are_told_apart() {
    use pugmark_wire::catalogue::Catalogue;
    let read_only = |service: &str, operation: &str| {
        let service = Catalogue::builtin().service(service).unwrap();
        let operation = service.operation(operation).unwrap();
        let call = Call {
            service,
            operation,
            protocol: service.protocol(),
            labels: Vec::new(),
        };
        classify(&call, "", "", &"us-east-1".parse().unwrap()).read_only
    };
    for (service, operation) in [
        ("kms", "Encrypt"),
        ("kms", "GenerateDataKey"),
        ("sts", "AssumeRole"),
        ("sqs", "ReceiveMessage"),
        ("dynamodb", "TransactGetItems"),
        ("s3", "HeadObject"),
        ("iam", "SimulatePrincipalPolicy"),
    ] {
        assert!(read_only(service, operation), "{service}:{operation}");
    }
    for (service, operation) in [
        ("kms", "DisableKey"),
        ("sts", "GetSessionToken"),
        ("sts", "GetFederationToken"),
        ("lambda", "Invoke"),
        ("s3", "PutObject"),
        ("dynamodb", "BatchWriteItem"),
    ] {
        assert!(!read_only(service, operation), "{service}:{operation}");
    }
}

/// Every line of a table speaks of something that exists.
#[test]
fn tables_name_operations_of_the_catalogue() {
    use pugmark_wire::catalogue::Catalogue;
    let exists = |service: &str, operation: &str| {
        let service = Catalogue::builtin()
            .service(service)
            .unwrap_or_else(|| panic!("no service {service}"));
        assert!(
            service.operation(operation).is_some(),
            "no {} {operation}",
            service.id()
        );
    };
    tables::EVENT_NAMES
        .iter()
        .for_each(|(service, operation, _)| exists(service, operation));
    for table in [
        tables::READS,
        tables::WRITES,
        tables::READS_WITH_RESPONSE,
        tables::WRITES_WITHOUT_RESPONSE,
    ] {
        table
            .iter()
            .for_each(|(service, operation)| exists(service, operation));
    }
    for id in tables::EVENT_SOURCES
        .iter()
        .chain(tables::API_VERSIONS)
        .chain(tables::GLOBAL_SERVICES)
        .map(|(id, _)| id)
    {
        assert!(
            Catalogue::builtin().service(id).is_some(),
            "no service {id}"
        );
    }
}

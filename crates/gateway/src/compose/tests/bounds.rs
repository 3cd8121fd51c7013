//! Limits, and that no values whatever break a record or leak.

use proptest::prelude::*;
use pugmark_wire::{
    catalogue::Catalogue,
    value::{Location, Member},
};

use super::*;

#[test]
fn large_parameters_are_replaced_by_their_size() {
    let body = |length: usize| format!(r#"{{"logGroupName":"{}"}}"#, "x".repeat(length));
    let scene = |length: usize| json_rpc("logs", "Logs_20140328.CreateLogGroup", &body(length));
    let fitting = limits::FIELD_BYTES_MAX - r#"{"logGroupName":""}"#.len();
    assert!(scene(fitting).json()["requestParameters"]["logGroupName"].is_string());
    scene(fitting + 1).check(json!({
        "requestParameters": {"reason": "requestParameters too large", "omitted": true, "originalSize": 102_401},
    }));
    let create = "Action=CreateStack&StackName=s";
    let omitted = Scene {
        omitted: (Some(300_000), Some(400_000)),
        ..query("cloudformation", "2010-05-15", create)
    };
    omitted.check(json!({
        "requestParameters": {"reason": "requestParameters too large", "omitted": true, "originalSize": 300_000},
        "responseElements": {"reason": "responseElements too large", "omitted": true, "originalSize": 400_000},
    }));
}

#[test]
fn short_fields_are_cut_between_characters() {
    let message = "€".repeat(400);
    let failed = json_rpc("kms", "TrentService.CreateKey", "{}").fails(
        400,
        &format!(r#"{{"__type":"LimitExceededException","message":"{message}"}}"#),
    );
    assert_eq!(
        failed.json()["errorMessage"].as_str().unwrap(),
        "€".repeat(341)
    );
}

fn values() -> impl Strategy<Value = Value> {
    const NAMES: &[&str] = &[
        "Name",
        "Tags",
        "UserData",
        "Item",
        "S",
        "Environment",
        "Variables",
        "RoleArn",
        "Filters",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Float),
        ".{0,40}".prop_map(Value::String),
        "[\u{0}-\u{1f}]{0,30000}".prop_map(Value::String),
        Just(Value::String("arn:aws:iam::123456789012:role/r".to_owned())),
        (-377_705_023_201_i64..253_402_207_200)
            .prop_map(|it| Value::Timestamp(Timestamp::from_second(it).unwrap())),
        Just(Value::Blob(3)),
        Just(Value::Stream),
        Just(Value::Hidden),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let member = (prop::sample::select(NAMES), any::<bool>(), inner.clone()).prop_map(
            |(name, wire, value)| Member {
                name,
                wire_name: wire.then_some("Wire"),
                location: Location::Body,
                value,
            },
        );
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::vec((".{0,8}", inner), 0..6).prop_map(Value::Map),
            prop::collection::vec(member, 0..6).prop_map(Value::Structure),
        ]
    })
}

fn calls() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("iam", "CreateUser"),
        ("ec2", "RunInstances"),
        ("ec2", "DescribeInstances"),
        ("ec2", "CreateLaunchTemplate"),
        ("s3", "PutBucketTagging"),
        ("dynamodb", "PutItem"),
        ("sts", "AssumeRole"),
        ("ssm", "PutParameter"),
        ("lambda", "CreateFunction"),
        ("kms", "CreateKey"),
        ("ecs", "RegisterTaskDefinition"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_values_make_a_valid_record(
        (service, operation) in calls(), request in values(), response in values(), text in ".{0,4000}", failed in any::<bool>(),
    ) {
        let service = Catalogue::builtin().service(service).unwrap();
        let operation = service.operation(operation).unwrap();
        let call = Call { service, operation, protocol: service.protocol(), labels: vec![("Bucket", text.clone())] };
        let parts = http::Request::builder().uri("/b?tagging").body(()).unwrap().into_parts().0;
        let error = ErrorInfo { code: text.clone(), message: Some(text.clone()) };
        let identity = Identity { arn: Some(text.clone()), user_name: Some(text.clone()), ..Identity::unknown(Some(text.clone())) };
        let region = "eu-central-1".parse().unwrap();
        let event = compose(&Facts {
            call: Some(&call), parts: &parts, identity: &identity, account: "123456789012".parse().unwrap(),
            region: &region, request: Some(&request), response: Some(&response), request_is_partial: false,
            request_omitted_bytes: None,
            response_omitted_bytes: None, error: failed.then_some(&error), status: Some(StatusCode::OK),
            response_headers: None, request_id: Some(&text), source_ip: "192.0.2.7", user_agent: Some(&text), host: &text,
            vpc_endpoint: None,
            tls: None, bytes_in: 1, bytes_out: 2, auth: AuthMethod::None, signature_version: None,
            shared: None,
            event_id: Uuid::from_u128(1), time: "2026-01-19T21:17:28Z".parse().unwrap(), outcome_unknown: Some(&text),
        });
        prop_assert!(event.json.len() <= limits::RECORD_BYTES_MAX, "{} bytes", event.json.len());
        agree(&event);
    }

    /// What the tables or the model hide is nowhere in the record nor in its keys.
    #[test]
    fn secrets_never_come_out(secret in "s3cr3t[a-z]{8}") {
        for scene in [
            query("iam", "2010-05-08", &format!("Action=CreateLoginProfile&UserName=u&Password={secret}")),
            query("iam", "2010-05-08", &format!("Action=UploadServerCertificate&ServerCertificateName=n&PrivateKey={secret}")),
            query("sts", "2011-06-15", &format!("Action=AssumeRoleWithWebIdentity&WebIdentityToken={secret}&RoleArn=r")),
            query("sts", "2011-06-15", &format!("Action=AssumeRoleWithSAML&SAMLAssertion={secret}&RoleArn=r")),
            query("rds", "2014-10-31", &format!("Action=CreateDBInstance&DBInstanceIdentifier=d&MasterUserPassword={secret}")),
            query("redshift", "2012-12-01", &format!("Action=CreateCluster&ClusterIdentifier=c&MasterUserPassword={secret}")),
            query("ec2", "2016-11-15", &format!("Action=RunInstances&UserData={secret}")),
            query("ec2", "2016-11-15", &format!("Action=CreateLaunchTemplate&LaunchTemplateData.UserData={secret}")),
            query("sns", "2010-03-31", &format!("Action=Publish&TopicArn=t&Message={secret}")),
            query("sns", "2010-03-31", &format!("Action=PublishBatch&TopicArn=t&PublishBatchRequestEntries.member.1.Id=1&PublishBatchRequestEntries.member.1.Message={secret}")),
            json_rpc("ssm", "AmazonSSM.PutParameter", &format!(r#"{{"Name":"n","Value":"{secret}"}}"#)),
            json_rpc("ssm", "AmazonSSM.SendCommand", &format!(r#"{{"DocumentName":"n","Parameters":{{"commands":["{secret}"]}}}}"#)),
            json_rpc("secretsmanager", "secretsmanager.PutSecretValue", &format!(r#"{{"SecretId":"n","SecretString":"{secret}"}}"#)),
            json_rpc("sqs", "AmazonSQS.SendMessageBatch", &format!(r#"{{"QueueUrl":"http://h/1/q","Entries":[{{"Id":"1","MessageBody":"{secret}"}}]}}"#)),
            json_rpc("dynamodb", "DynamoDB_20120810.BatchWriteItem", &format!(r#"{{"RequestItems":{{"t":[{{"PutRequest":{{"Item":{{"a":{{"S":"{secret}"}}}}}}}}]}}}}"#)),
            json_rpc("dynamodb", "DynamoDB_20120810.UpdateItem", &format!(r#"{{"TableName":"t","ExpressionAttributeValues":{{":a":{{"S":"{secret}"}}}}}}"#)),
            json_rpc("logs", "Logs_20140328.PutLogEvents", &format!(r#"{{"logGroupName":"g","logEvents":[{{"message":"{secret}"}}]}}"#)),
            json_rpc("ecs", "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition", &format!(r#"{{"family":"f","containerDefinitions":[{{"environment":[{{"name":"n","value":"{secret}"}}]}}]}}"#)),
            json_rpc("cognito-identity", "AWSCognitoIdentityService.GetId", &format!(r#"{{"IdentityPoolId":"p","Logins":{{"a":"{secret}"}}}}"#)),
            rest("lambda", "POST", "/2015-03-31/functions", &format!(r#"{{"FunctionName":"f","Environment":{{"Variables":{{"K":"{secret}"}}}}}}"#)),
            rest("s3", "PUT", "/b/k", &secret).header("x-amz-server-side-encryption-customer-key", &secret),
        ] {
            let event = scene.compose();
            let text = format!("{} {:?}", String::from_utf8_lossy(&event.json), event.keys);
            prop_assert_ne!(&event.keys.name, "POST");
            prop_assert!(!text.contains(&secret), "{}", text);
        }
    }
}

use super::*;

/// Each row: operation, input, code, a part of the message. The world has `audit`, `other` here and `shadow` from us-east-1.
#[tokio::test]
async fn refusals_have_the_code_and_message_of_aws() {
    let world = World::new().await;
    world.create("audit", json!({})).await;
    world.create("other", json!({})).await;
    world
        .create_in("us-east-1", "shadow", json!({"IsMultiRegionTrail": true}))
        .await;
    let create = |name: &str, more: Value| {
        let mut input = json!({"Name": name, "S3BucketName": "logs"});
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        input
    };
    let unknown = |called: &str| format!("Unknown trail: {called} for the user: {ACCOUNT}");
    let long = "x".repeat(129);
    let role = "arn:aws:iam::111122223333:role/r";
    let group = "arn:aws:logs:eu-central-1:111122223333:log-group:g:*";
    let rows: Vec<(&str, Value, &str, String)> = vec![
        // Names.
        ("CreateTrail", json!({}), "InvalidTrailNameException", "blank".into()),
        ("CreateTrail", create("ab", json!({})), "InvalidTrailNameException",
            "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters.".into()),
        ("CreateTrail", create(&long, json!({})), "InvalidTrailNameException",
            "Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters.".into()),
        ("CreateTrail", create("-abc", json!({})), "InvalidTrailNameException",
            "Trail name must starts with a letter or number.".into()),
        ("CreateTrail", create("abc-", json!({})), "InvalidTrailNameException",
            "Trail name must ends with a letter or number.".into()),
        ("CreateTrail", create("a c", json!({})), "InvalidTrailNameException",
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), \
             and underscores (_).".into()),
        ("CreateTrail", create("my-_x", json!({})), "InvalidTrailNameException", "adjacent".into()),
        ("CreateTrail", create("192.168.5.4", json!({})), "InvalidTrailNameException", "IP address".into()),
        ("GetTrail", json!({}), "InvalidTrailNameException", "blank".into()),
        ("GetTrail", json!({"Name": "a"}), "InvalidTrailNameException", "too short".into()),
        // Combination before bucket, forms before existence, existence before bucket.
        ("CreateTrail", json!({"Name": "new", "S3BucketName": "missing", "IsMultiRegionTrail": true,
            "IncludeGlobalServiceEvents": false}), "InvalidParameterCombinationException",
            "Multi-Region trail must include global service events.".into()),
        ("CreateTrail", json!({"Name": "new"}), "InvalidS3BucketNameException", "blank".into()),
        ("CreateTrail", json!({"Name": "audit", "S3BucketName": "Not_A_Bucket"}), "InvalidS3BucketNameException",
            "Not_A_Bucket".into()),
        ("CreateTrail", create("audit", json!({"S3KeyPrefix": "p".repeat(201)})), "InvalidS3PrefixException",
            "201".into()),
        ("CreateTrail", create("audit", json!({"SnsTopicName": "no spaces"})), "InvalidSnsTopicNameException",
            "no spaces".into()),
        ("CreateTrail", create("audit", json!({"SnsTopicName": "arn:aws:sns:eu-central-1:111122223333:t.fifo"})),
            "InvalidSnsTopicNameException", "fifo".into()),
        ("CreateTrail", create("audit", json!({"KmsKeyId": "alias/"})), "InvalidKmsKeyIdException", "alias/".into()),
        ("CreateTrail", create("audit", json!({"CloudWatchLogsLogGroupArn": "group", "CloudWatchLogsRoleArn": role})),
            "InvalidCloudWatchLogsLogGroupArnException", "Check the log group ARN: CloudTrail can't validate it.".into()),
        ("CreateTrail", create("audit", json!({"CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": "r"})),
            "InvalidCloudWatchLogsRoleArnException", "r".into()),
        ("CreateTrail", create("audit", json!({"CloudWatchLogsLogGroupArn": group})),
            "InvalidCloudWatchLogsRoleArnException", "You must specify a role ARN as well as a log group.".into()),
        ("CreateTrail", create("audit", json!({"CloudWatchLogsRoleArn": role})),
            "InvalidCloudWatchLogsLogGroupArnException", "as well as a role".into()),
        ("CreateTrail", json!({"Name": "audit", "S3BucketName": "missing"}), "TrailAlreadyExistsException",
            format!("Trail audit already exists for customer: {ACCOUNT}")),
        ("CreateTrail", create("shadow", json!({})), "TrailAlreadyExistsException", "shadow".into()),
        ("CreateTrail", json!({"Name": "new", "S3BucketName": "missing"}), "S3BucketDoesNotExistException",
            "S3 bucket missing does not exist!".into()),
        ("CreateTrail", json!({"Name": "new", "S3BucketName": "denied"}), "InsufficientS3BucketPolicyException",
            "Incorrect S3 bucket policy is detected for bucket: denied".into()),
        ("CreateTrail", json!({"Name": "new", "S3BucketName": "down"}), "ServiceUnavailable", "down".into()),
        // Not there yet, and said so.
        ("CreateTrail", create("new", json!({"IsOrganizationTrail": true})), "OrganizationsNotInUseException",
            "organization".into()),
        // What the services say.
        ("CreateTrail", create("new", json!({"SnsTopicName": "missing"})), "InsufficientSnsTopicPolicyException",
            "SNS Topic does not exist or the topic policy is incorrect!".into()),
        ("CreateTrail", create("new", json!({"SnsTopicName": "denied"})), "InsufficientSnsTopicPolicyException", "SNS".into()),
        ("CreateTrail", create("new", json!({"SnsTopicName": "down"})), "ServiceUnavailable", "SNS".into()),
        ("CreateTrail", create("new", json!({"KmsKeyId": "alias/missing"})), "InsufficientEncryptionPolicyException",
            "Insufficient permissions to access S3 bucket".into()),
        ("CreateTrail", create("new", json!({"KmsKeyId": "alias/denied"})), "InsufficientEncryptionPolicyException",
            "alias/denied".into()),
        ("CreateTrail", create("new", json!({"KmsKeyId": "alias/disabled"})), "KmsException", "alias/disabled".into()),
        ("CreateTrail", create("new", json!({"KmsKeyId": "arn:aws:kms:us-west-2:111122223333:key/k"})),
            "KmsKeyNotFoundException", "eu-central-1".into()),
        ("CreateTrail", create("new", json!({"KmsKeyId": "alias/down"})), "ServiceUnavailable", "KMS".into()),
        ("CreateTrail", create("new", json!({
            "CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": "arn:aws:iam::111122223333:role/missing",
        })), "InvalidCloudWatchLogsRoleArnException", "Check the trust relationships".into()),
        ("CreateTrail", create("new", json!({
            "CloudWatchLogsLogGroupArn": "arn:aws:logs:eu-central-1:111122223333:log-group:missing:*",
            "CloudWatchLogsRoleArn": role,
        })), "InvalidCloudWatchLogsLogGroupArnException", "can't validate it".into()),
        ("CreateTrail", create("new", json!({
            "CloudWatchLogsLogGroupArn": "arn:aws:logs:eu-central-1:111122223333:log-group:denied:*",
            "CloudWatchLogsRoleArn": role,
        })), "InvalidCloudWatchLogsLogGroupArnException", "Check the permissions for your role".into()),
        ("CreateTrail", create("new", json!({
            "CloudWatchLogsLogGroupArn": "arn:aws:logs:us-west-2:111122223333:log-group:g:*",
            "CloudWatchLogsRoleArn": role,
        })), "InvalidCloudWatchLogsLogGroupArnException", "must be in eu-central-1".into()),
        ("UpdateTrail", json!({"Name": "audit", "KmsKeyId": "alias/denied"}), "InsufficientEncryptionPolicyException",
            "alias/denied".into()),
        ("CreateEventDataStore", json!({"Name": "store"}), "UnsupportedOperationException",
            "CreateEventDataStore is not supported by Pugmark yet.".into()),
        ("CreateTrails", json!({}), "UnknownOperationException", "CreateTrails".into()),
        // Unknown trails: the ARN for some operations, what was sent for others.
        ("GetTrail", json!({"Name": "nobody"}), "TrailNotFoundException", unknown("nobody")),
        ("UpdateTrail", json!({"Name": "nobody"}), "TrailNotFoundException", unknown("nobody")),
        ("PutEventSelectors", json!({"TrailName": "nobody", "EventSelectors": [{}]}), "TrailNotFoundException",
            unknown("nobody")),
        ("GetEventSelectors", json!({"TrailName": "nobody"}), "TrailNotFoundException", unknown("nobody")),
        ("GetTrailStatus", json!({"Name": "nobody"}), "TrailNotFoundException", unknown(&arn("nobody"))),
        ("StartLogging", json!({"Name": "nobody"}), "TrailNotFoundException", unknown(&arn("nobody"))),
        ("StopLogging", json!({"Name": "nobody"}), "TrailNotFoundException", unknown(&arn("nobody"))),
        ("DeleteTrail", json!({"Name": "nobody"}), "TrailNotFoundException", unknown(&arn("nobody"))),
        ("GetTrail", json!({"Name": "arn:aws:cloudtrail:eu-central-1:999999999999:trail/audit"}),
            "TrailNotFoundException", "999999999999".into()),
        ("GetTrail", json!({"Name": "shadow"}), "TrailNotFoundException", unknown("shadow")),
        ("GetTrailStatus", json!({"Name": "shadow"}), "TrailNotFoundException", unknown(&arn("shadow"))),
        // ARNs.
        ("GetTrail", json!({"Name": "arn:aws:s3:::bucket"}), "CloudTrailARNInvalidException", "bucket".into()),
        ("DescribeTrails", json!({"trailNameList": ["arn:aws:cloudtrail:eu-central-1:1:trail/x"]}),
            "CloudTrailARNInvalidException", "trail/x".into()),
        // Home Regions.
        ("UpdateTrail", json!({"Name": "shadow"}), "InvalidHomeRegionException", "us-east-1".into()),
        ("DeleteTrail", json!({"Name": arn_in("us-east-1", "shadow")}), "InvalidHomeRegionException", "us-east-1".into()),
        ("StartLogging", json!({"Name": "shadow"}), "InvalidHomeRegionException", "us-east-1".into()),
        ("StopLogging", json!({"Name": arn_in("us-east-1", "shadow")}), "InvalidHomeRegionException", "us-east-1".into()),
        ("PutEventSelectors", json!({"TrailName": "shadow", "EventSelectors": [{}]}), "InvalidHomeRegionException",
            "us-east-1".into()),
        ("AddTags", json!({"ResourceId": arn_in("us-east-1", "shadow"), "TagsList": []}), "InvalidHomeRegionException",
            "us-east-1".into()),
        // Updates.
        ("UpdateTrail", json!({"Name": "audit", "S3BucketName": ""}), "InvalidS3BucketNameException", "blank".into()),
        ("UpdateTrail", json!({"Name": "audit", "S3BucketName": "missing"}), "S3BucketDoesNotExistException",
            "S3 bucket missing does not exist!".into()),
        ("UpdateTrail", json!({"Name": "audit", "S3BucketName": "denied"}), "InsufficientS3BucketPolicyException",
            "denied".into()),
        ("UpdateTrail", json!({"Name": "audit", "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": false}),
            "InvalidParameterCombinationException", "must include global".into()),
        ("UpdateTrail", json!({"Name": "audit", "CloudWatchLogsLogGroupArn": "", "CloudWatchLogsRoleArn": role}),
            "InvalidCloudWatchLogsLogGroupArnException", "as well as".into()),
        // Tags.
        ("AddTags", json!({"TagsList": []}), "ValidationException", "resourceId".into()),
        ("AddTags", json!({"ResourceId": arn("audit")}), "ValidationException", "tagsList".into()),
        ("AddTags", json!({"ResourceId": "audit", "TagsList": []}), "CloudTrailARNInvalidException", "audit".into()),
        ("AddTags", json!({"ResourceId": arn("nobody"), "TagsList": []}), "ResourceNotFoundException", "nobody".into()),
        ("AddTags", json!({"ResourceId": arn("audit"), "TagsList": [{"Key": "a"}, {"Key": "a"}]}),
            "InvalidTagParameterException", "more than once".into()),
        ("AddTags", json!({"ResourceId": arn("audit"), "TagsList": [{"Key": ""}]}), "InvalidTagParameterException",
            "key".into()),
        ("AddTags", json!({"ResourceId": arn("audit"), "TagsList": [{"Key": "k".repeat(129)}]}),
            "InvalidTagParameterException", "key".into()),
        ("AddTags", json!({"ResourceId": arn("audit"), "TagsList": [{"Key": "k", "Value": "v".repeat(257)}]}),
            "InvalidTagParameterException", "value".into()),
        ("AddTags", json!({"ResourceId": arn("audit"), "TagsList": [{"Key": "k", "Value": "<>"}]}),
            "InvalidTagParameterException", "value".into()),
        ("AddTags", json!({"ResourceId": arn("audit"), "TagsList": [{"Key": "aws:k"}]}), "InvalidTagParameterException",
            "reserved".into()),
        ("CreateTrail", create("new", json!({"TagsList":
            (0..51).map(|n| json!({"Key": n.to_string()})).collect::<Vec<_>>()})), "TagsLimitExceededException", "50".into()),
        ("RemoveTags", json!({"ResourceId": arn("nobody"), "TagsList": []}), "ResourceNotFoundException", "nobody".into()),
        ("ListTags", json!({}), "ValidationException", "resourceIdList".into()),
        ("ListTags", json!({"ResourceIdList": []}), "CloudTrailARNInvalidException", "1 to 20".into()),
        ("ListTags", json!({"ResourceIdList": vec![arn("audit"); 21]}), "CloudTrailARNInvalidException", "1 to 20".into()),
        ("ListTags", json!({"ResourceIdList": ["audit"]}), "CloudTrailARNInvalidException", "audit".into()),
        ("ListTags", json!({"ResourceIdList": [arn("nobody")]}), "ResourceNotFoundException", "nobody".into()),
        ("ListTags", json!({"ResourceIdList": ["arn:aws:cloudtrail:eu-central-1:111122223333:channel/1"]}),
            "ChannelARNInvalidException", "channel".into()),
        ("ListTags", json!({"ResourceIdList": ["arn:aws:cloudtrail:eu-central-1:111122223333:thing/1"]}),
            "ResourceTypeNotSupportedException", "thing".into()),
        ("ListTags", json!({"ResourceIdList": [arn("audit")], "NextToken": "x"}), "InvalidTokenException", "token".into()),
        // The rest.
        ("ListTrails", json!({"NextToken": "x"}), "InvalidNextTokenException", "token".into()),
        ("ListPublicKeys", json!({"NextToken": "x"}), "InvalidTokenException", "token".into()),
        ("ListPublicKeys", json!({"StartTime": 2, "EndTime": 1}), "InvalidTimeRangeException", "after".into()),
        ("GetInsightSelectors", json!({"TrailName": "audit"}), "InsightNotEnabledException",
            format!("Trail {} does not have Insights enabled.", arn("audit"))),
        ("GetInsightSelectors", json!({"TrailName": "nobody"}), "TrailNotFoundException", unknown("nobody")),
    ];
    for (operation, input, code, message) in rows {
        let error = world
            .call(operation, input.clone())
            .await
            .expect_err(operation);
        assert_eq!(error.code, code, "{operation} {input}: {}", error.message);
        assert!(
            error.message.contains(&message),
            "{operation} {input}: {:?} has no {message:?}",
            error.message
        );
        let status = match code {
            "ServiceUnavailable" => 503,
            "UnknownOperationException" => 404,
            _ => 400,
        };
        assert_eq!(error.status, status, "{operation} {input}");
    }
    let trails = world.call("ListTrails", json!({})).await.unwrap();
    assert_eq!(
        trails["Trails"].as_array().unwrap().len(),
        3,
        "no refused call left anything"
    );
    assert_eq!(world.trail("audit").await["S3BucketName"], "logs");
}

#[tokio::test]
async fn what_is_not_the_operations_json_is_a_serialization_exception() {
    let world = World::new().await;
    for (operation, body, message) in [
        ("CreateTrail", "{", "not valid JSON"),
        ("CreateTrail", "\u{7f}", "not valid JSON"),
        (
            "CreateTrail",
            "[]",
            "Start of list found where not expected",
        ),
        (
            "CreateTrail",
            "7",
            "NUMBER_VALUE can not be converted to a Structure",
        ),
        (
            "CreateTrail",
            r#"{"Name":7}"#,
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            "CreateTrail",
            r#"{"Name":"abc","IsMultiRegionTrail":"true"}"#,
            "STRING_VALUE can not be converted to a Boolean",
        ),
        (
            "CreateTrail",
            r#"{"Name":"abc","S3BucketName":["b"]}"#,
            "Start of list found where not expected",
        ),
        (
            "CreateTrail",
            r#"{"Name":"abc","TagsList":{}}"#,
            "Start of structure or map found where not expected.",
        ),
        (
            "CreateTrail",
            r#"{"Name":"abc","TagsList":["a"]}"#,
            "STRING_VALUE can not be converted to a Structure",
        ),
        (
            "UpdateTrail",
            r#"{"Name":true}"#,
            "TRUE_VALUE can not be converted to a String",
        ),
        (
            "DescribeTrails",
            r#"{"trailNameList":"abc"}"#,
            "STRING_VALUE can not be converted to a List",
        ),
        (
            "DescribeTrails",
            r#"{"trailNameList":[null]}"#,
            "NULL_VALUE can not be converted to a String",
        ),
        (
            "ListPublicKeys",
            r#"{"StartTime":"2026-01-01"}"#,
            "STRING_VALUE can not be converted to a Timestamp",
        ),
        (
            "ListPublicKeys",
            r#"{"StartTime":1e30}"#,
            "outside the range",
        ),
        (
            "PutEventSelectors",
            r#"{"TrailName":"abc","EventSelectors":[{"DataResources":1}]}"#,
            "NUMBER_VALUE",
        ),
    ] {
        let error = world
            .raw(HOME, operation, body.as_bytes())
            .await
            .expect_err(body);
        assert_eq!(
            (error.code, error.status),
            ("SerializationException", 400),
            "{body}: {}",
            error.message
        );
        assert!(
            error.message.contains(message),
            "{body}: {:?}",
            error.message
        );
    }
    assert!(
        world.raw(HOME, "ListTrails", b"").await.is_ok(),
        "no body is an empty object"
    );
    assert!(
        world
            .raw(HOME, "DescribeTrails", br#"{"trailNameList":null}"#)
            .await
            .is_ok(),
        "null is absent"
    );
    let deep = "[".repeat(10_000);
    assert_eq!(
        world
            .raw(HOME, "ListTrails", deep.as_bytes())
            .await
            .unwrap_err()
            .code,
        "SerializationException"
    );
}

#[tokio::test]
async fn a_journal_that_takes_nothing_is_told_apart() {
    use pugmark_journal::{Entry, EntryKind, Journal};
    let world = World::new().await;
    world.create("audit", json!({})).await;
    let mut filler = 1 << 20;
    while filler > 64 {
        let entry = Entry {
            kind: EntryKind::Event,
            payload: vec![0; filler].into(),
        };
        if world.journal.append(vec![entry]).await.is_err() {
            filler /= 2;
        }
    }
    let error = world
        .call("StartLogging", json!({"Name": "audit"}))
        .await
        .unwrap_err();
    assert_eq!((error.code, error.status), ("ServiceUnavailable", 503));
    world.journal.close().await;
    let error = world
        .call("StartLogging", json!({"Name": "audit"}))
        .await
        .unwrap_err();
    assert_eq!((error.code, error.status), ("InternalFailure", 500));
    let status = world
        .call("GetTrailStatus", json!({"Name": "audit"}))
        .await
        .unwrap();
    assert_eq!(
        status["IsLogging"], false,
        "what was not stored is not shown"
    );
}

#[tokio::test]
async fn five_trails_a_region_shadows_included() {
    let world = World::new().await;
    for name in ["one", "two", "three", "four"] {
        world.create(name, json!({})).await;
    }
    world
        .create_in(
            "us-east-1",
            "everywhere",
            json!({"IsMultiRegionTrail": true}),
        )
        .await;
    let full = |region: &str| {
        ApiError::new(
            "MaximumNumberOfTrailsExceededException",
            format!("User: {ACCOUNT} already has 5 trails in {region}"),
        )
    };
    let create = |name: &str, multi: bool| json!({"Name": name, "S3BucketName": "missing", "IsMultiRegionTrail": multi});
    assert_eq!(
        world
            .call("CreateTrail", create("six", false))
            .await
            .unwrap_err(),
        full(HOME),
        "before the bucket"
    );
    assert_eq!(
        world
            .call_in("us-east-1", "CreateTrail", create("six", true))
            .await
            .unwrap_err(),
        full(HOME)
    );
    world.create_in("us-east-1", "six", json!({})).await;
    let update = json!({"Name": "six", "IsMultiRegionTrail": true});
    assert_eq!(
        world
            .call_in("us-east-1", "UpdateTrail", update.clone())
            .await
            .unwrap_err(),
        full(HOME)
    );
    world
        .call(
            "UpdateTrail",
            json!({"Name": "one", "S3BucketName": "other"}),
        )
        .await
        .unwrap();
    world
        .call("DeleteTrail", json!({"Name": "one"}))
        .await
        .unwrap();
    world
        .call_in("us-east-1", "UpdateTrail", update)
        .await
        .unwrap();
    let error = world
        .call("UpdateTrail", json!({"Name": arn_in("us-east-1", "six")}))
        .await
        .unwrap_err();
    assert_eq!(error.code, "InvalidHomeRegionException");
}

#[tokio::test]
async fn a_trail_of_all_regions_needs_its_name_free_in_all_of_them() {
    let world = World::new().await;
    world.create("audit", json!({})).await;
    world.create_in("us-east-1", "audit", json!({})).await;
    for (operation, input) in [
        (
            "UpdateTrail",
            json!({"Name": "audit", "IsMultiRegionTrail": true}),
        ),
        (
            "CreateTrail",
            json!({"Name": "audit", "S3BucketName": "logs", "IsMultiRegionTrail": true}),
        ),
    ] {
        assert_eq!(
            world.call(operation, input).await.unwrap_err().code,
            "TrailAlreadyExistsException",
            "{operation}"
        );
    }
}

/// Any value in any member of any operation: answered, and never as a fault of ours.
#[tokio::test]
async fn odd_values_are_never_our_fault() {
    let world = World::new().await;
    world.create("audit", json!({})).await;
    let members = [
        "Name",
        "TrailName",
        "S3BucketName",
        "S3KeyPrefix",
        "SnsTopicName",
        "IncludeGlobalServiceEvents",
        "IsMultiRegionTrail",
        "EnableLogFileValidation",
        "CloudWatchLogsLogGroupArn",
        "CloudWatchLogsRoleArn",
        "KmsKeyId",
        "IsOrganizationTrail",
        "RecursiveLogging",
        "TagsList",
        "ResourceId",
        "ResourceIdList",
        "NextToken",
        "trailNameList",
        "includeShadowTrails",
        "EventSelectors",
        "AdvancedEventSelectors",
        "StartTime",
        "EndTime",
    ];
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}"),
        json!("audit"),
        json!("arn:aws:cloudtrail:eu-central-1:111122223333:trail/"),
        json!("arn:"),
        json!("ü".repeat(3000)),
        json!([]),
        json!({}),
        json!([null]),
        json!([[]]),
        json!([{}]),
        json!(["audit"]),
        json!([{"Key": null}]),
        json!([{"FieldSelectors": [{"Field": "eventCategory", "Equals": [7]}]}]),
        json!([{"DataResources": [{}]}]),
    ];
    let operations = [
        "CreateTrail",
        "UpdateTrail",
        "GetTrail",
        "DescribeTrails",
        "ListTrails",
        "GetTrailStatus",
        "StartLogging",
        "StopLogging",
        "PutEventSelectors",
        "GetEventSelectors",
        "GetInsightSelectors",
        "AddTags",
        "RemoveTags",
        "ListTags",
        "ListPublicKeys",
        "DeleteTrail",
    ];
    for operation in operations {
        for member in members {
            for value in &values {
                let mut input =
                    json!({"Name": "audit", "TrailName": "audit", "ResourceId": arn("audit")});
                if operation == "CreateTrail" {
                    input = json!({"Name": "audit", "S3BucketName": "logs"});
                }
                input[member] = value.clone();
                if let Err(error) = world.call(operation, input.clone()).await {
                    assert_eq!(error.status, 400, "{operation} {input}: {}", error.message);
                }
            }
        }
    }
}

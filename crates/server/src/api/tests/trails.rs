use pugmark_core::clock::iso_seconds;

use super::*;

#[tokio::test]
async fn a_new_trail_has_the_defaults_and_does_not_log() {
    let world = World::new().await;
    let made = world
        .create(
            "audit",
            json!({"S3KeyPrefix": "/team/a/", "SnsTopicName": "", "KmsKeyId": null}),
        )
        .await;
    let expected = json!({
        "Name": "audit", "S3BucketName": "logs", "S3KeyPrefix": "team/a", "IncludeGlobalServiceEvents": true,
        "IsMultiRegionTrail": false, "TrailARN": arn("audit"), "LogFileValidationEnabled": false,
        "IsOrganizationTrail": false, "RecursiveLogging": true,
    });
    assert_eq!(made, expected);
    let mut expected = expected;
    for (name, value) in [
        ("HomeRegion", json!(HOME)),
        ("HasCustomEventSelectors", json!(false)),
        ("HasInsightSelectors", json!(false)),
    ] {
        expected[name] = value;
    }
    for name in ["audit".to_owned(), arn("audit")] {
        assert_eq!(world.trail(&name).await, expected);
    }
    let status = world
        .call("GetTrailStatus", json!({"Name": "audit"}))
        .await
        .unwrap();
    assert_eq!(
        status,
        json!({
            "IsLogging": false, "LatestDeliveryAttemptTime": "", "LatestNotificationAttemptTime": "",
            "LatestNotificationAttemptSucceeded": "", "LatestDeliveryAttemptSucceeded": "", "TimeLoggingStarted": "",
            "TimeLoggingStopped": "",
        })
    );
}

#[tokio::test]
async fn arns_stand_in_the_partition_of_their_region() {
    let world = World::new().await;
    let made = world.create_in("cn-north-1", "audit", json!({})).await;
    assert_eq!(
        made["TrailARN"],
        format!("arn:aws-cn:cloudtrail:cn-north-1:{ACCOUNT}:trail/audit")
    );
    let got = world
        .call_in("cn-north-1", "GetTrail", json!({"Name": made["TrailARN"]}))
        .await
        .unwrap();
    assert_eq!(got["Trail"]["Name"], "audit");
}

#[tokio::test]
async fn logging_starts_and_stops_and_repeats_are_harmless() {
    let world = World::new().await;
    world.create("audit", json!({})).await;
    let status = async |world: &World| {
        world
            .call("GetTrailStatus", json!({"Name": "audit"}))
            .await
            .unwrap()
    };
    let minute = jiff::SignedDuration::from_mins(1);
    assert_eq!(
        world
            .call("StartLogging", json!({"Name": "audit"}))
            .await
            .unwrap(),
        json!({})
    );
    let started = world.clock.now();
    world.clock.advance(minute);
    world
        .call("StartLogging", json!({"Name": arn("audit")}))
        .await
        .unwrap();
    let now = status(&world).await;
    assert_eq!(now["IsLogging"], true);
    assert_eq!(now["StartLoggingTime"], json!(1_768_857_448.5));
    assert_eq!(now["TimeLoggingStarted"], iso_seconds(started));
    assert_eq!(now.get("StopLoggingTime"), None);

    world
        .call("StopLogging", json!({"Name": "audit"}))
        .await
        .unwrap();
    world.clock.advance(minute);
    world
        .call("StopLogging", json!({"Name": "audit"}))
        .await
        .unwrap();
    let now = status(&world).await;
    assert_eq!(
        (&now["IsLogging"], &now["StopLoggingTime"]),
        (&json!(false), &json!(1_768_857_508.5))
    );
    assert_eq!(now["TimeLoggingStopped"], "2026-01-19T21:18:28Z");
}

#[tokio::test]
async fn status_is_deliverys_for_this_trail_and_region() {
    let world = World::new().await;
    let logs = json!({
        "CloudWatchLogsLogGroupArn": "arn:aws:logs:eu-central-1:111122223333:log-group:g:*",
        "CloudWatchLogsRoleArn": "arn:aws:iam::111122223333:role/r",
    });
    let mut input = logs.clone();
    input["IsMultiRegionTrail"] = true.into();
    world.create("audit", input).await;
    let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    *world.delivery.status.lock().unwrap() = TrailStatus {
        latest_delivery_time: time("2026-01-19T21:00:00Z"),
        latest_delivery_error: Some("NoSuchBucket".into()),
        latest_delivery_attempt_time: time("2026-01-19T21:05:00Z"),
        latest_digest_delivery_time: time("2026-01-19T20:00:00.25Z"),
        latest_digest_delivery_error: Some("AccessDenied".into()),
        latest_notification_time: time("2026-01-19T21:00:01Z"),
        latest_notification_attempt_time: time("2026-01-19T21:05:01Z"),
        latest_notification_error: Some("AuthorizationError".into()),
        latest_logs_delivery_time: time("2026-01-19T21:00:02Z"),
        latest_logs_delivery_error: Some("ResourceNotFoundException".into()),
    };
    let status = world
        .call_in("eu-west-1", "GetTrailStatus", json!({"Name": arn("audit")}))
        .await
        .unwrap();
    for (name, value) in [
        ("LatestDeliveryTime", json!(1_768_856_400)),
        ("LatestDeliveryError", json!("NoSuchBucket")),
        ("LatestDigestDeliveryTime", json!(1_768_852_800.25)),
        ("LatestDigestDeliveryError", json!("AccessDenied")),
        ("LatestDeliveryAttemptTime", json!("2026-01-19T21:05:00Z")),
        (
            "LatestDeliveryAttemptSucceeded",
            json!("2026-01-19T21:00:00Z"),
        ),
        ("LatestNotificationTime", json!(1_768_856_401)),
        ("LatestNotificationError", json!("AuthorizationError")),
        (
            "LatestNotificationAttemptTime",
            json!("2026-01-19T21:05:01Z"),
        ),
        (
            "LatestNotificationAttemptSucceeded",
            json!("2026-01-19T21:00:01Z"),
        ),
        ("LatestCloudWatchLogsDeliveryTime", json!(1_768_856_402)),
        (
            "LatestCloudWatchLogsDeliveryError",
            json!("ResourceNotFoundException"),
        ),
    ] {
        assert_eq!(status[name], value, "{name}");
    }
    assert_eq!(world.delivery.asked.lock().unwrap()[0].1, "eu-west-1");
    // With the log group its moments go.
    let mut off = json!({"Name": "audit"});
    for name in logs.as_object().unwrap().keys() {
        off[name] = "".into();
    }
    world.call("UpdateTrail", off).await.unwrap();
    let status = world.call("GetTrailStatus", json!({"Name": "audit"}));
    let status = status.await.unwrap();
    let status = status.as_object().unwrap();
    assert!(status.contains_key("LatestDeliveryTime"));
    assert!(!status.keys().any(|name| name.contains("CloudWatch")));
}

#[tokio::test]
async fn shadows_are_listed_where_they_are() {
    let world = World::new().await;
    world.create("here", json!({})).await;
    world
        .create_in(
            "us-east-1",
            "everywhere",
            json!({"IsMultiRegionTrail": true}),
        )
        .await;
    world.create_in("us-east-1", "there", json!({})).await;
    let describe = async |region: &str, input: Value| -> Vec<String> {
        let answer = world
            .call_in(region, "DescribeTrails", input)
            .await
            .unwrap();
        let mut names: Vec<String> = answer["trailList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|trail| trail["Name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(describe(HOME, json!({})).await, ["everywhere", "here"]);
    assert_eq!(
        describe(HOME, json!({"includeShadowTrails": false})).await,
        ["here"]
    );
    assert_eq!(
        describe("us-east-1", json!({"includeShadowTrails": false})).await,
        ["everywhere", "there"]
    );
    assert_eq!(
        describe("ap-south-1", json!({"trailNameList": []})).await,
        ["everywhere"]
    );
    assert_eq!(
        describe(
            HOME,
            json!({"trailNameList": ["here", "nobody", "everywhere", "there"]})
        )
        .await,
        ["here"]
    );
    let by_arn =
        json!({"trailNameList": [arn_in("us-east-1", "everywhere"), arn_in("us-east-1", "there")]});
    assert_eq!(describe(HOME, by_arn).await, ["everywhere", "there"]);

    let trails = world.call("ListTrails", json!({})).await.unwrap();
    assert_eq!(
        trails,
        json!({"Trails": [
            {"TrailARN": arn("here"), "Name": "here", "HomeRegion": HOME},
            {"TrailARN": arn_in("us-east-1", "everywhere"), "Name": "everywhere", "HomeRegion": "us-east-1"},
        ]})
    );
    let shadow = world.trail(&arn_in("us-east-1", "everywhere")).await;
    assert_eq!(shadow["HomeRegion"], "us-east-1");
    let error = world
        .call("GetTrail", json!({"Name": arn_in("us-east-1", "there")}))
        .await
        .unwrap_err();
    assert_eq!(error.code, "TrailNotFoundException");
}

#[tokio::test]
async fn an_update_keeps_what_it_leaves_out_and_unsets_what_is_empty() {
    let world = World::new().await;
    world
        .create(
            "audit",
            json!({"S3KeyPrefix": "p", "EnableLogFileValidation": true}),
        )
        .await;
    world
        .call("StartLogging", json!({"Name": "audit"}))
        .await
        .unwrap();
    let before = world.trail("audit").await;
    world
        .call("UpdateTrail", json!({"Name": "audit"}))
        .await
        .unwrap();
    assert_eq!(world.trail("audit").await, before);

    let update =
        json!({"Name": arn("audit"), "S3BucketName": "more", "EnableLogFileValidation": false});
    let answer = world.call("UpdateTrail", update).await.unwrap();
    assert_eq!(
        (&answer["S3BucketName"], &answer["S3KeyPrefix"]),
        (&json!("more"), &json!("p"))
    );
    assert_eq!(answer["LogFileValidationEnabled"], false);
    let empty = json!({"Name": "audit", "S3KeyPrefix": "", "SnsTopicName": "", "KmsKeyId": "",
        "CloudWatchLogsLogGroupArn": "", "CloudWatchLogsRoleArn": ""});
    assert_eq!(
        world
            .call("UpdateTrail", empty)
            .await
            .unwrap()
            .get("S3KeyPrefix"),
        None
    );
    let status = world
        .call("GetTrailStatus", json!({"Name": "audit"}))
        .await
        .unwrap();
    assert_eq!(
        status["IsLogging"], true,
        "an update does not stop the trail"
    );
}

#[tokio::test]
async fn becoming_multi_region_switches_global_events() {
    let world = World::new().await;
    world
        .create("audit", json!({"IncludeGlobalServiceEvents": false}))
        .await;
    for (input, multi, global) in [
        (json!({"IsMultiRegionTrail": true}), true, true),
        (json!({"IsMultiRegionTrail": true}), true, true),
        (json!({"IsMultiRegionTrail": false}), false, true),
        (json!({"IncludeGlobalServiceEvents": false}), false, false),
        (json!({"IsMultiRegionTrail": false}), false, false),
        (
            json!({"IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": true}),
            true,
            true,
        ),
        (
            json!({"IsMultiRegionTrail": false, "IncludeGlobalServiceEvents": true}),
            false,
            true,
        ),
    ] {
        let mut update = input.clone();
        update["Name"] = json!("audit");
        let answer = world.call("UpdateTrail", update).await.unwrap();
        assert_eq!(answer["IsMultiRegionTrail"], multi, "{input}");
        assert_eq!(answer["IncludeGlobalServiceEvents"], global, "{input}");
    }
}

#[tokio::test]
async fn a_trail_made_again_is_a_new_one() {
    let world = World::new().await;
    world
        .create("audit", json!({"TagsList": [{"Key": "a"}]}))
        .await;
    world
        .call(
            "PutEventSelectors",
            json!({"TrailName": "audit", "EventSelectors": [{}]}),
        )
        .await
        .unwrap();
    world
        .call("GetTrailStatus", json!({"Name": "audit"}))
        .await
        .unwrap();
    assert_eq!(
        world
            .call("DeleteTrail", json!({"Name": "audit"}))
            .await
            .unwrap(),
        json!({})
    );
    world.create("audit", json!({})).await;
    world
        .call("GetTrailStatus", json!({"Name": "audit"}))
        .await
        .unwrap();
    let asked = world.delivery.asked.lock().unwrap().clone();
    assert_ne!(asked[0].0, asked[1].0, "delivery tells them apart");
    assert_eq!(world.trail("audit").await["HasCustomEventSelectors"], false);
    let tags = world
        .call("ListTags", json!({"ResourceIdList": [arn("audit")]}))
        .await
        .unwrap();
    assert_eq!(
        tags,
        json!({"ResourceTagList": [{"ResourceId": arn("audit"), "TagsList": []}]})
    );
}

#[tokio::test]
async fn tags_are_added_overwritten_removed_and_bounded() {
    let world = World::new().await;
    world
        .create(
            "audit",
            json!({"TagsList": [{"Key": "team", "Value": "red"}]}),
        )
        .await;
    let call = async |operation: &str, tags: Value| {
        world
            .call(
                operation,
                json!({"ResourceId": arn("audit"), "TagsList": tags}),
            )
            .await
    };
    let list = async || {
        let answer = world
            .call("ListTags", json!({"ResourceIdList": [arn("audit")]}))
            .await
            .unwrap();
        answer["ResourceTagList"][0]["TagsList"].clone()
    };
    let added = json!([{"Key": "team", "Value": "blue"}, {"Key": "bare"}]);
    assert_eq!(call("AddTags", added).await.unwrap(), json!({}));
    assert_eq!(
        list().await,
        json!([{"Key": "bare"}, {"Key": "team", "Value": "blue"}])
    );
    call("RemoveTags", json!([{"Key": "team"}, {"Key": "unknown"}]))
        .await
        .unwrap();
    assert_eq!(list().await, json!([{"Key": "bare"}]));

    let many = |count: usize| {
        (0..count)
            .map(|n| json!({"Key": format!("k{n}")}))
            .collect::<Value>()
    };
    assert_eq!(
        call("AddTags", many(50)).await.unwrap_err().code,
        "TagsLimitExceededException",
        "50 and the bare one"
    );
    assert_eq!(list().await, json!([{"Key": "bare"}]));
    call("AddTags", many(49)).await.unwrap();
    assert_eq!(list().await.as_array().unwrap().len(), 50);
    assert_eq!(
        call("AddTags", many(201)).await.unwrap_err().code,
        "InvalidTagParameterException"
    );
}

#[tokio::test]
async fn public_keys_are_asked_for_by_region_and_time() {
    let world = World::new().await;
    *world.delivery.keys.lock().unwrap() = vec![PublicKey {
        value: vec![0x30, 0x82, 1],
        validity_start: "2026-01-01T00:00:00Z".parse().unwrap(),
        validity_end: "2026-01-31T00:00:00Z".parse().unwrap(),
        fingerprint: "31e8b5433410dfb61a9dc45cc65b22ff".into(),
    }];
    let answer = world
        .call("ListPublicKeys", json!({"StartTime": 1_768_856_400}))
        .await
        .unwrap();
    assert_eq!(
        answer,
        json!({"PublicKeyList": [{
            "Value": "MIIB", "ValidityStartTime": 1_767_225_600, "ValidityEndTime": 1_769_817_600,
            "Fingerprint": "31e8b5433410dfb61a9dc45cc65b22ff",
        }]})
    );
    let asked = world.delivery.asked.lock().unwrap()[0].clone();
    assert_eq!(
        asked,
        (format!("2026-01-19T21:00:00Z {NOW}"), HOME.to_owned())
    );
}

#[tokio::test]
async fn look_ups_go_to_event_history() {
    let world = World::new().await;
    let answer = world
        .call("LookupEvents", json!({"MaxResults": 1}))
        .await
        .unwrap();
    assert_eq!(
        answer,
        json!({"account": ACCOUNT, "now": NOW, "input": {"MaxResults": 1}})
    );
}

#[tokio::test]
async fn all_of_it_survives_a_restart() {
    let mut world = World::new().await;
    world
        .create(
            "audit",
            json!({"S3KeyPrefix": "p", "TagsList": [{"Key": "a", "Value": "b"}]}),
        )
        .await;
    world.create("gone", json!({})).await;
    world
        .call("StartLogging", json!({"Name": "audit"}))
        .await
        .unwrap();
    world
        .call("DeleteTrail", json!({"Name": "gone"}))
        .await
        .unwrap();
    let before = (
        world.trail("audit").await,
        world.call("ListTrails", json!({})).await.unwrap(),
    );
    world.restart().await;
    assert_eq!(
        (
            world.trail("audit").await,
            world.call("ListTrails", json!({})).await.unwrap()
        ),
        before
    );
}

#[tokio::test]
async fn two_at_once_make_one_trail() {
    let world = Arc::new(World::new().await);
    let calls = (0..8).map(|_| {
        let world = world.clone();
        tokio::spawn(async move {
            world
                .call(
                    "CreateTrail",
                    json!({"Name": "audit", "S3BucketName": "logs"}),
                )
                .await
        })
    });
    let mut made = 0;
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert!(
                ["TrailAlreadyExistsException", "ConflictException"].contains(&error.code),
                "{error:?}"
            ),
        }
    }
    assert_eq!(made, 1);
}

use super::*;

async fn put(world: &World, member: &str, selectors: Value) -> Result<Value, ApiError> {
    world
        .call(
            "PutEventSelectors",
            json!({"TrailName": "audit", member: selectors}),
        )
        .await
}

async fn get(world: &World) -> Value {
    world
        .call("GetEventSelectors", json!({"TrailName": "audit"}))
        .await
        .unwrap()
}

#[tokio::test]
async fn selectors_replace_each_other_and_come_back() {
    let world = World::new().await;
    world.create("audit", json!({})).await;
    let default = json!([{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [],
        "ExcludeManagementEventSources": []}]);
    assert_eq!(
        get(&world).await,
        json!({"TrailARN": arn("audit"), "EventSelectors": default})
    );
    assert_eq!(world.trail("audit").await["HasCustomEventSelectors"], false);

    let given = json!([{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::bucket/", "arn:aws:s3"]}],
        "ExcludeManagementEventSources": ["kms.amazonaws.com"]}]);
    let expected = json!({"TrailARN": arn("audit"), "EventSelectors": given});
    assert_eq!(
        put(&world, "EventSelectors", given).await.unwrap(),
        expected
    );
    assert_eq!(get(&world).await, expected);
    assert_eq!(world.trail("audit").await["HasCustomEventSelectors"], true);

    let field =
        |field: &str, operator: &str, value: &str| json!({"Field": field, operator: [value]});
    let (category, kind) = (
        field("eventCategory", "Equals", "Data"),
        field("resources.type", "Equals", "AWS::Lambda::Function"),
    );
    let name = field("eventName", "StartsWith", "Inv");
    let given = json!([{"Name": "data", "FieldSelectors": [kind, name, category]}]);
    let answer = put(&world, "AdvancedEventSelectors", given.clone())
        .await
        .unwrap();
    assert_eq!(
        answer,
        json!({"TrailARN": arn("audit"), "AdvancedEventSelectors": given}),
        "in the order that was sent"
    );
    let sorted = json!([{"Name": "data", "FieldSelectors": [category, name, kind]}]);
    assert_eq!(
        get(&world).await,
        json!({"TrailARN": arn("audit"), "AdvancedEventSelectors": sorted})
    );

    put(&world, "EventSelectors", json!([{}])).await.unwrap();
    assert_eq!(get(&world).await["EventSelectors"], default);
    assert_eq!(
        world.trail("audit").await["HasCustomEventSelectors"],
        true,
        "given ones, though like the default"
    );
}

#[tokio::test]
async fn basic_selectors_are_checked() {
    let world = World::new().await;
    world.create("audit", json!({})).await;
    let s3 =
        |values: Value| json!([{"DataResources": [{"Type": "AWS::S3::Object", "Values": values}]}]);
    let many = |count: usize| {
        (0..count)
            .map(|n| json!(format!("arn:aws:s3:::bucket/{n}")))
            .collect::<Value>()
    };
    let value =
        |kind: &str, value: &str| json!([{"DataResources": [{"Type": kind, "Values": [value]}]}]);
    for (selectors, message) in [
        (
            json!([]),
            "Specify a valid number of selectors (1 to 5) for your trail.",
        ),
        (
            json!([{}, {}, {}, {}, {}, {}]),
            "Specify a valid number of selectors (1 to 5) for your trail.",
        ),
        (
            json!([{"ReadWriteType": "Read"}]),
            "Value Read for ReadWriteType is invalid.",
        ),
        (
            json!([{"ExcludeManagementEventSources": ["ec2.amazonaws.com"]}]),
            "Value ec2.amazonaws.com",
        ),
        (
            json!([{"IncludeManagementEvents": false}]),
            "management events or data resources",
        ),
        (s3(json!([])), "at least one value"),
        (
            s3(json!(["arn:aws:s3:::*"])),
            "Value arn:aws:s3:::* for DataResources.Values is invalid.",
        ),
        (
            s3(json!(["arn:aws:s3:::bucket"])),
            "Value arn:aws:s3:::bucket for DataResources.Values is invalid.",
        ),
        (s3(json!(["bucket/"])), "Value bucket/ for"),
        (s3(json!(["arn:aws:lambda"])), "Value arn:aws:lambda for"),
        (
            s3(many(251)),
            "Specify a valid number of DataResources.Values (0 to 250) for all your selectors",
        ),
        (
            value("AWS::SQS::Queue", "arn:aws:sqs"),
            "Value AWS::SQS::Queue for DataResources.Type is invalid.",
        ),
        (
            value(
                "AWS::Lambda::Function",
                "arn:aws:lambda:us-east-1:111122223333:layer:x",
            ),
            "layer:x",
        ),
        (
            value("AWS::DynamoDB::Table", "arn:aws:dynamodb:::"),
            "arn:aws:dynamodb:::",
        ),
    ] {
        let error = put(&world, "EventSelectors", selectors.clone())
            .await
            .expect_err(message);
        assert_eq!(error.code, "InvalidEventSelectorsException", "{selectors}");
        assert!(
            error.message.contains(message),
            "{selectors}: {}",
            error.message
        );
    }
    for selectors in [
        s3(many(250)),
        s3(json!(["arn:aws:s3:::"])),
        value(
            "AWS::Lambda::Function",
            "arn:aws:lambda:us-east-1:111122223333:function:hello",
        ),
        value("AWS::Lambda::Function", "arn:aws:lambda"),
        value(
            "AWS::DynamoDB::Table",
            "arn:aws:dynamodb:us-east-1:111122223333:table/t",
        ),
    ] {
        put(&world, "EventSelectors", selectors).await.unwrap();
    }
    let both = json!({"TrailName": "audit", "EventSelectors": [{}], "AdvancedEventSelectors": []});
    for input in [both, json!({"TrailName": "audit"})] {
        assert_eq!(
            world
                .call("PutEventSelectors", input)
                .await
                .unwrap_err()
                .code,
            "InvalidEventSelectorsException"
        );
    }
}

#[tokio::test]
async fn advanced_selectors_are_checked() {
    let world = World::new().await;
    world.create("audit", json!({})).await;
    let field =
        |field: &str, operator: &str, values: &[&str]| json!({"Field": field, operator: values});
    let of = |category: &str, more: Vec<Value>| {
        let mut fields = vec![json!({"Field": "eventCategory", "Equals": [category]})];
        fields.extend(more);
        json!([{"FieldSelectors": fields}])
    };
    let data = |kind: &str, more: Value| {
        of(
            "Data",
            vec![field("resources.type", "Equals", &[kind]), more],
        )
    };
    let function = "arn:aws:lambda:us-east-1:111122223333:function:hello";
    let many = |count: usize| (0..count).map(|n| json!(n.to_string())).collect::<Value>();
    for (selectors, message) in [
        (json!([]), "at least one"),
        (json!([{}]), "at least one field selector"),
        (
            json!([{"Name": "n".repeat(1001), "FieldSelectors": [field("eventCategory", "Equals", &["Management"])]}]),
            "1000",
        ),
        (
            json!([{"FieldSelectors": [field("readOnly", "Equals", &["true"])]}]),
            "eventCategory",
        ),
        (
            json!([{"FieldSelectors": [field("eventCategory", "StartsWith", &["Data"])]}]),
            "eventCategory",
        ),
        (
            json!([{"FieldSelectors": [field("eventCategory", "Equals", &["Data", "Management"])]}]),
            "eventCategory",
        ),
        (of("Insight", vec![]), "Value Insight for eventCategory"),
        (
            of("Management", vec![json!({"Field": "readOnly"})]),
            "at least one operator",
        ),
        (
            of("Management", vec![field("read only", "Equals", &["true"])]),
            "not valid",
        ),
        (
            of("Management", vec![field("readOnly", "Equals", &[])]),
            "one or more values",
        ),
        (
            of("Management", vec![field("readOnly", "Equals", &[""])]),
            "1 to 2048",
        ),
        (
            of("Management", vec![field("readOnly", "Equals", &["yes"])]),
            "readOnly",
        ),
        (
            of(
                "Management",
                vec![field("readOnly", "NotEquals", &["true"])],
            ),
            "readOnly",
        ),
        (
            of(
                "Management",
                vec![field("eventName", "Equals", &["RunInstances"])],
            ),
            "eventName",
        ),
        (
            of(
                "Management",
                vec![field("eventSource", "Equals", &["kms.amazonaws.com"])],
            ),
            "eventSource",
        ),
        (
            of(
                "Management",
                vec![field("eventSource", "NotEquals", &["ec2.amazonaws.com"])],
            ),
            "eventSource",
        ),
        (
            of(
                "Management",
                vec![
                    field("readOnly", "Equals", &["true"]),
                    field("readOnly", "Equals", &["false"]),
                ],
            ),
            "more than once",
        ),
        (of("Data", vec![]), "resources.type"),
        (
            of(
                "Data",
                vec![field(
                    "resources.type",
                    "Equals",
                    &["AWS::S3::Object", "AWS::SQS::Queue"],
                )],
            ),
            "resources.type",
        ),
        (
            data(
                "AWS::S3::Object",
                field("vpcEndpointId", "Equals", &["vpce-1"]),
            ),
            "vpcEndpointId",
        ),
        (
            data(
                "AWS::S3::Object",
                field("resources.ARN", "Equals", &["bucket/key"]),
            ),
            "bucket/key",
        ),
        (
            data(
                "AWS::Lambda::Function",
                field("resources.ARN", "NotEquals", &[&format!("{function}:1")]),
            ),
            "hello:1",
        ),
        (
            data(
                "AWS::S3::Object",
                json!({"Field": "eventName", "Equals": many(499)}),
            ),
            "at most 500 values",
        ),
        (of("NetworkActivity", vec![]), "eventSource"),
        (
            of(
                "NetworkActivity",
                vec![field("eventSource", "Equals", &["a", "b"])],
            ),
            "eventSource",
        ),
        (
            of(
                "NetworkActivity",
                vec![
                    field("eventSource", "Equals", &["s3.amazonaws.com"]),
                    field("errorCode", "Equals", &["AccessDenied"]),
                ],
            ),
            "errorCode",
        ),
    ] {
        let error = put(&world, "AdvancedEventSelectors", selectors.clone())
            .await
            .expect_err(message);
        assert_eq!(error.code, "InvalidEventSelectorsException", "{selectors}");
        assert!(
            error.message.contains(message),
            "{selectors}: {}",
            error.message
        );
    }
    assert_eq!(
        world.trail("audit").await["HasCustomEventSelectors"],
        false,
        "no refused put left anything"
    );
    for selectors in [
        of(
            "Management",
            vec![
                field("readOnly", "Equals", &["false"]),
                field(
                    "eventSource",
                    "NotEquals",
                    &["kms.amazonaws.com", "rdsdata.amazonaws.com"],
                ),
            ],
        ),
        data(
            "AWS::S3::Object",
            field("resources.ARN", "StartsWith", &["anything"]),
        ),
        data(
            "AWS::S3::Object",
            json!({"Field": "eventName", "Equals": many(498)}),
        ),
        data(
            "AWS::Lambda::Function",
            field("resources.ARN", "Equals", &[function]),
        ),
        data(
            "AWS::SQS::Queue",
            field("sessionCredentialFromConsole", "NotEquals", &["true"]),
        ),
        of(
            "NetworkActivity",
            vec![
                field("eventSource", "Equals", &["s3.amazonaws.com"]),
                field("errorCode", "Equals", &["VpceAccessDenied"]),
                field("vpcEndpointId", "StartsWith", &["vpce-"]),
            ],
        ),
    ] {
        put(&world, "AdvancedEventSelectors", selectors)
            .await
            .unwrap();
    }
}

//! Data events: calls on what is inside a resource ("Logging data events").

/// A line of data events: calls on what is inside a resource.
pub(in crate::compose) struct DataEvents {
    pub(in crate::compose) service: &'static str,
    pub(in crate::compose) operations: &'static [&'static str],
    /// `resources.type`.
    pub(in crate::compose) kind: &'static str,
    /// The member that names the resource: a name, an ARN or a queue's URL. Empty: AWS gives no resource.
    pub(in crate::compose) member: &'static str,
}

const fn data(
    service: &'static str,
    operations: &'static [&'static str],
    kind: &'static str,
    member: &'static str,
) -> DataEvents {
    DataEvents {
        service,
        operations,
        kind,
        member,
    }
}

/// The data events of AWS's list ("Logging data events") that an API call makes.
#[rustfmt::skip]
pub(in crate::compose) const DATA_EVENTS: &[DataEvents] = &[
    data(
        "s3",
        &[
            "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "CreateSession",
            "DeleteObject", "DeleteObjects", "DeleteObjectTagging", "GetObject", "GetObjectAcl",
            "GetObjectAttributes", "GetObjectLegalHold", "GetObjectRetention", "GetObjectTagging", "GetObjectTorrent",
            "HeadObject", "HeadBucket", "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListParts",
            "PutObject", "PutObjectAcl", "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging",
            "RenameObject", "RestoreObject", "SelectObjectContent", "UpdateObjectEncryption", "UploadPart",
            "UploadPartCopy",
        ],
        "AWS::S3::Object",
        "Key",
    ),
    data("lambda", &["Invoke", "InvokeAsync", "InvokeWithResponseStream"], "AWS::Lambda::Function", "FunctionName"),
    data(
        "dynamodb",
        &[
            "BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement",
            "ExecuteTransaction", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems",
            "UpdateItem",
        ],
        "AWS::DynamoDB::Table",
        "TableName",
    ),
    data("dynamodbstreams", &["GetRecords", "GetShardIterator"], "AWS::DynamoDB::Stream", "StreamArn"),
    data(
        "sqs",
        &[
            "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage", "DeleteMessageBatch",
            "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "ListQueues", "ListQueueTags",
            "ReceiveMessage", "SendMessage", "SendMessageBatch",
        ],
        "AWS::SQS::Queue",
        "QueueUrl",
    ),
    data("sns", &["Publish", "PublishBatch"], "AWS::SNS::Topic", "TopicArn"),
    data(
        "kinesis",
        &[
            "GetRecords", "GetShardIterator", "PutRecord", "PutRecords", "SubscribeToShard",
        ],
        "AWS::Kinesis::Stream",
        "StreamName",
    ),
    data("firehose", &["PutRecord", "PutRecordBatch"], "AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName"),
    data("events", &["PutEvents"], "AWS::Events::EventBus", "EventBusName"),
    data(
        "ebs",
        &[
            "GetSnapshotBlock", "ListChangedBlocks", "ListSnapshotBlocks", "PutSnapshotBlock",
        ],
        "AWS::EC2::Snapshot",
        "SnapshotId",
    ),
    data(
        "cognito-identity",
        &["GetCredentialsForIdentity", "GetId", "GetOpenIdToken"],
        "AWS::Cognito::IdentityPool",
        "IdentityPoolId",
    ),
    data(
        "rds-data",
        &[
            "BatchExecuteStatement", "BeginTransaction", "CommitTransaction", "ExecuteStatement",
            "RollbackTransaction",
        ],
        "AWS::RDS::DBCluster",
        "resourceArn",
    ),
    data("cloudtrail-data", &["PutAuditEvents"], "AWS::CloudTrail::Channel", "channelArn"),
    data("cloudwatch", &["GetMetricData", "GetMetricStatistics", "PutMetricData"], "AWS::CloudWatch::Metric", ""),
    // AWS records no PutLogEvents at all; as a data event it stays out of event history. Ours.
    data("logs", &["PutLogEvents"], "AWS::Logs::LogGroup", "logGroupName"),
    data(
        "stepfunctions",
        &[
            "SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess", "StartSyncExecution",
        ],
        "AWS::StepFunctions::StateMachine",
        "stateMachineArn",
    ),
    data("stepfunctions", &["GetActivityTask"], "AWS::StepFunctions::Activity", "activityArn"),
    data(
        "swf",
        &[
            "PollForActivityTask", "PollForDecisionTask", "RespondActivityTaskCompleted",
            "RespondDecisionTaskCompleted", "StartWorkflowExecution",
        ],
        "AWS::SWF::Domain",
        "",
    ),
    data(
        "appconfigdata",
        &["GetLatestConfiguration", "StartConfigurationSession"],
        "AWS::AppConfig::Configuration",
        "",
    ),
    data("bedrock-agent-runtime", &["InvokeAgent"], "AWS::Bedrock::AgentAlias", ""),
    data("bedrock-agent-runtime", &["Retrieve", "RetrieveAndGenerate"], "AWS::Bedrock::KnowledgeBase", ""),
    data("bedrock-runtime", &["ApplyGuardrail"], "AWS::Bedrock::Guardrail", ""),
    data(
        "sagemaker-runtime",
        &["InvokeEndpoint", "InvokeEndpointWithResponseStream"],
        "AWS::SageMaker::Endpoint",
        "",
    ),
    data("sagemaker-featurestore-runtime", &["GetRecord", "PutRecord"], "AWS::SageMaker::FeatureGroup", ""),
    data("ses", &["SendEmail", "SendRawEmail", "SendTemplatedEmail"], "AWS::SES::EmailIdentity", ""), // seen
    data("sesv2", &["SendBulkEmail", "SendEmail"], "AWS::SES::EmailIdentity", ""),
    data("timestream-query", &["Query"], "AWS::Timestream::Table", ""),
    data("timestream-write", &["WriteRecords"], "AWS::Timestream::Table", ""),
    data(
        "verifiedpermissions",
        &["IsAuthorized", "IsAuthorizedWithToken"],
        "AWS::VerifiedPermissions::PolicyStore",
        "",
    ),
    data("xray", &["BatchGetTraces", "GetTraceSummaries", "PutTraceSegments"], "AWS::XRay::Trace", ""),
];

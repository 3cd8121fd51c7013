//! What single services do differently, one line each.
//!
//! Sources: "ref" is AWS's CloudTrail user guide and the services' own "Logging … with CloudTrail" pages; "seen" is a real
//! record (TrailDiscover, stratus-red-team); "ours" is a decision of this project where neither says anything.

/// `eventSource` where it is not the endpoint prefix.
pub(super) const EVENT_SOURCES: &[(&str, &str)] = &[
    ("appconfigdata", "appconfig"),       // ref: AppConfig data events
    ("bedrock-agent", "bedrock"),         // seen: GetKnowledgeBase
    ("bedrock-agent-runtime", "bedrock"), // ref: Bedrock data events
    ("bedrock-runtime", "bedrock"),       // seen: InvokeModel
    ("entitlementmarketplace", "entitlement-marketplace"), // as the others of the marketplace
    ("identitystore", "identitystore"),   // ref: Identity Store
    ("iot-data", "iotdata"),              // ref: IoT Core
    ("lexv2-models", "lex"),              // ref: Lex V2
    ("lexv2-runtime", "lex"),             // ref: Lex V2
    ("meteringmarketplace", "metering-marketplace"), // ref: Marketplace metering
    ("rds-data", "rdsdata"),              // ref: RDS Data API
    ("s3control", "s3"),                  // ref: S3 account-level actions
    ("ses", "ses"),                       // seen: GetSendQuota; its host is `email`
    ("sesv2", "ses"),                     // seen: ListEmailIdentities
];

/// `eventName` where it is not the operation's name.
pub(super) const EVENT_NAMES: &[(&str, &str, &str)] = &[
    ("lambda", "AddPermission", "AddPermission20150331v2"), // seen
    ("lambda", "CreateAlias", "CreateAlias20150331"),       // ref: Lambda API versions
    (
        "lambda",
        "CreateEventSourceMapping",
        "CreateEventSourceMapping20150331",
    ), // seen
    ("lambda", "CreateFunction", "CreateFunction20150331"), // seen
    ("lambda", "DeleteAlias", "DeleteAlias20150331"),       // ref
    (
        "lambda",
        "DeleteEventSourceMapping",
        "DeleteEventSourceMapping20150331",
    ), // ref
    ("lambda", "DeleteFunction", "DeleteFunction20150331"), // ref
    (
        "lambda",
        "DeleteFunctionConcurrency",
        "DeleteFunctionConcurrency20171031",
    ), // ref
    ("lambda", "GetAccountSettings", "GetAccountSettings20160819"), // ref
    ("lambda", "GetAlias", "GetAlias20150331"),             // ref
    (
        "lambda",
        "GetEventSourceMapping",
        "GetEventSourceMapping20150331",
    ), // ref
    ("lambda", "GetFunction", "GetFunction20150331v2"),     // seen
    (
        "lambda",
        "GetFunctionConfiguration",
        "GetFunctionConfiguration20150331v2",
    ), // seen
    ("lambda", "GetPolicy", "GetPolicy20150331v2"),         // ref
    ("lambda", "ListAliases", "ListAliases20150331"),       // ref
    (
        "lambda",
        "ListEventSourceMappings",
        "ListEventSourceMappings20150331",
    ), // ref
    ("lambda", "ListFunctions", "ListFunctions20150331"),   // seen
    ("lambda", "ListTags", "ListTags20170331"),             // ref
    (
        "lambda",
        "ListVersionsByFunction",
        "ListVersionsByFunction20150331",
    ), // ref
    (
        "lambda",
        "PublishLayerVersion",
        "PublishLayerVersion20181031",
    ), // ref
    ("lambda", "PublishVersion", "PublishVersion20150331"), // ref
    (
        "lambda",
        "PutFunctionConcurrency",
        "PutFunctionConcurrency20171031",
    ), // ref
    ("lambda", "RemovePermission", "RemovePermission20150331v2"), // ref
    ("lambda", "TagResource", "TagResource20170331v2"),     // ref
    ("lambda", "UntagResource", "UntagResource20170331v2"), // ref
    ("lambda", "UpdateAlias", "UpdateAlias20150331"),       // ref
    (
        "lambda",
        "UpdateEventSourceMapping",
        "UpdateEventSourceMapping20150331",
    ), // seen
    (
        "lambda",
        "UpdateFunctionCode",
        "UpdateFunctionCode20150331v2",
    ), // seen
    (
        "lambda",
        "UpdateFunctionConfiguration",
        "UpdateFunctionConfiguration20150331v2",
    ), // seen
    (
        "s3",
        "DeletePublicAccessBlock",
        "DeleteBucketPublicAccessBlock",
    ), // ref: S3 actions
    (
        "s3",
        "GetBucketAccelerateConfiguration",
        "GetAccelerateConfiguration",
    ), // seen
    (
        "s3",
        "GetBucketLifecycleConfiguration",
        "GetBucketLifecycle",
    ), // seen
    (
        "s3",
        "GetBucketNotificationConfiguration",
        "GetBucketNotification",
    ), // ref: S3 actions
    (
        "s3",
        "GetObjectLockConfiguration",
        "GetBucketObjectLockConfiguration",
    ), // seen
    ("s3", "GetPublicAccessBlock", "GetBucketPublicAccessBlock"), // ref: S3 actions
    ("s3", "ListObjectsV2", "ListObjects"),                 // ref: S3 data events
    (
        "s3",
        "PutBucketAccelerateConfiguration",
        "PutAccelerateConfiguration",
    ), // as its GET
    (
        "s3",
        "PutBucketLifecycleConfiguration",
        "PutBucketLifecycle",
    ), // ref: S3 actions
    (
        "s3",
        "PutBucketNotificationConfiguration",
        "PutBucketNotification",
    ), // ref: S3 actions
    (
        "s3",
        "PutObjectLockConfiguration",
        "PutBucketObjectLockConfiguration",
    ), // ref: S3 actions
    ("s3", "PutPublicAccessBlock", "PutBucketPublicAccessBlock"), // ref: S3 actions
    (
        "s3control",
        "DeletePublicAccessBlock",
        "DeleteAccountPublicAccessBlock",
    ), // ref: S3 account-level actions
    (
        "s3control",
        "GetPublicAccessBlock",
        "GetAccountPublicAccessBlock",
    ), // ref
    (
        "s3control",
        "PutPublicAccessBlock",
        "PutAccountPublicAccessBlock",
    ), // ref
];

/// Services that append their API version to every name: `CreateFunction2020_05_31`.
pub(super) const VERSIONED_NAMES: &[&str] = &["cloudfront"]; // seen

/// `apiVersion`, which only these write.
pub(super) const API_VERSIONS: &[(&str, &str)] = &[
    ("cloudfront", "2020_05_31"), // ref: CloudFront sample
    ("dynamodb", "2012-08-10"),   // ref: DynamoDB samples
    ("elb", "2012-06-01"),        // ref: Elastic Load Balancing samples
    ("elbv2", "2015-12-01"),      // ref
    ("logs", "20140328"),         // ref: CloudWatch Logs sample
    ("route53", "2013-04-01"),    // ref: Route 53 sample
];

/// Services of one place for all Regions, and where they are recorded. STS's global endpoint is told by its host.
pub(super) const GLOBAL_SERVICES: &[(&str, &str)] = &[
    ("budgets", "us-east-1"),
    ("ce", "us-east-1"),
    ("cloudfront", "us-east-1"), // ref: global services, 2021-11-22
    ("globalaccelerator", "us-west-2"), // ref: Global Accelerator
    ("iam", "us-east-1"),        // ref
    ("networkmanager", "us-west-2"), // ref: Network Manager
    ("organizations", "us-east-1"), // ref
    ("route53", "us-east-1"),    // ref
    ("route53domains", "us-east-1"),
    ("shield", "us-east-1"),
    ("support", "us-east-1"),
    ("waf", "us-east-1"), // ref: WAF classic
];

/// Names that begin so change nothing, where the model does not say.
pub(super) const READ_PREFIXES: &[&str] = &[
    "BatchCheck",
    "BatchDescribe",
    "BatchDetect",
    "BatchGet",
    "BatchIsAuthorized",
    "BatchList",
    "Check",
    "Describe",
    "Detect",
    "Discover",
    "Estimate",
    "Filter",
    "Get",
    "Head",
    "IsAuthorized",
    "List",
    "Lookup",
    "Options",
    "Preview",
    "Query",
    "Receive",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "Test",
    "TransactGet",
    "Validate",
    "View",
];

/// Changing operations whose names say otherwise, or whose models do.
pub(super) const WRITES: &[(&str, &str)] = &[
    ("cognito-identity", "GetCredentialsForIdentity"), // ref: Cognito sample, readOnly false
    ("lambda", "Invoke"),                              // ref: Lambda data events
    ("sts", "GetFederationToken"),                     // seen
    ("sts", "GetSessionToken"),                        // seen
];

/// Reading operations whose names say otherwise.
pub(super) const READS: &[(&str, &str)] = &[
    ("bedrock-runtime", "Converse"),       // as InvokeModel
    ("bedrock-runtime", "ConverseStream"), // as InvokeModel
    ("bedrock-runtime", "InvokeModel"),    // seen
    ("bedrock-runtime", "InvokeModelWithResponseStream"), // as InvokeModel
    ("kinesis", "SubscribeToShard"),       // ref: Kinesis data events
    ("kms", "Decrypt"),                    // ref: KMS samples
    ("kms", "DeriveSharedSecret"),         // ref
    ("kms", "Encrypt"),                    // ref
    ("kms", "GenerateDataKey"),            // ref
    ("kms", "GenerateDataKeyPair"),        // ref
    ("kms", "GenerateDataKeyPairWithoutPlaintext"), // ref
    ("kms", "GenerateDataKeyWithoutPlaintext"), // ref
    ("kms", "GenerateMac"),                // ref
    ("kms", "GenerateRandom"),             // ref
    ("kms", "ReEncrypt"),                  // ref
    ("kms", "Sign"),                       // ref
    ("kms", "Verify"),                     // ref
    ("kms", "VerifyMac"),                  // ref
    ("ses", "SendEmail"),                  // seen
    ("ses", "SendRawEmail"),               // as SendEmail
    ("sesv2", "SendEmail"),                // as SendEmail
    ("sts", "AssumeRole"),                 // seen
    ("sts", "AssumeRoleWithSAML"),         // ref
    ("sts", "AssumeRoleWithWebIdentity"),  // ref
    ("sts", "AssumeRoot"),                 // ref
    ("sts", "DecodeAuthorizationMessage"), // reads only
];

/// Reads that record their answer all the same.
pub(super) const READS_WITH_RESPONSE: &[(&str, &str)] = &[
    ("sts", "AssumeRole"),                // seen
    ("sts", "AssumeRoleWithSAML"),        // ref: STS sample
    ("sts", "AssumeRoleWithWebIdentity"), // ref: STS sample
    ("sts", "AssumeRoot"),                // ref: STS sample
];

/// Writes that never record their answer: it holds the caller's data.
pub(super) const WRITES_WITHOUT_RESPONSE: &[(&str, &str)] = &[
    ("dynamodb", "BatchExecuteStatement"), // ref: DynamoDB samples have none for data events
    ("dynamodb", "BatchWriteItem"),
    ("dynamodb", "DeleteItem"),
    ("dynamodb", "ExecuteStatement"),
    ("dynamodb", "ExecuteTransaction"),
    ("dynamodb", "PutItem"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "UpdateItem"),
    ("lambda", "Invoke"), // ref: Lambda sample
    ("rds-data", "BatchExecuteStatement"),
    ("rds-data", "ExecuteStatement"),
];

/// Services that record the content of an answer's only structure without its name.
pub(super) const UNWRAPPED_RESPONSES: &[&str] =
    &["docdb", "elasticache", "neptune", "rds", "redshift"]; // seen: RDS

/// A line of data events: calls on what is inside a resource.
pub(super) struct DataEvents {
    pub(super) service: &'static str,
    pub(super) operations: &'static [&'static str],
    /// `resources.type`.
    pub(super) kind: &'static str,
    /// The member that names the resource: a name, an ARN or a queue's URL. Empty: AWS gives no resource.
    pub(super) member: &'static str,
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
pub(super) const DATA_EVENTS: &[DataEvents] = &[
    data(
        "s3",
        &[
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CopyObject",
            "CreateMultipartUpload",
            "CreateSession",
            "DeleteObject",
            "DeleteObjects",
            "DeleteObjectTagging",
            "GetObject",
            "GetObjectAcl",
            "GetObjectAttributes",
            "GetObjectLegalHold",
            "GetObjectRetention",
            "GetObjectTagging",
            "GetObjectTorrent",
            "HeadObject",
            "HeadBucket",
            "ListObjects",
            "ListObjectsV2",
            "ListObjectVersions",
            "ListParts",
            "PutObject",
            "PutObjectAcl",
            "PutObjectLegalHold",
            "PutObjectRetention",
            "PutObjectTagging",
            "RenameObject",
            "RestoreObject",
            "SelectObjectContent",
            "UpdateObjectEncryption",
            "UploadPart",
            "UploadPartCopy",
        ],
        "AWS::S3::Object",
        "Key",
    ),
    data(
        "lambda",
        &["Invoke", "InvokeAsync", "InvokeWithResponseStream"],
        "AWS::Lambda::Function",
        "FunctionName",
    ),
    data(
        "dynamodb",
        &[
            "BatchExecuteStatement",
            "BatchGetItem",
            "BatchWriteItem",
            "DeleteItem",
            "ExecuteStatement",
            "ExecuteTransaction",
            "GetItem",
            "PutItem",
            "Query",
            "Scan",
            "TransactGetItems",
            "TransactWriteItems",
            "UpdateItem",
        ],
        "AWS::DynamoDB::Table",
        "TableName",
    ),
    data(
        "dynamodbstreams",
        &["GetRecords", "GetShardIterator"],
        "AWS::DynamoDB::Stream",
        "StreamArn",
    ),
    data(
        "sqs",
        &[
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
            "DeleteMessage",
            "DeleteMessageBatch",
            "GetQueueAttributes",
            "GetQueueUrl",
            "ListDeadLetterSourceQueues",
            "ListQueues",
            "ListQueueTags",
            "ReceiveMessage",
            "SendMessage",
            "SendMessageBatch",
        ],
        "AWS::SQS::Queue",
        "QueueUrl",
    ),
    data(
        "sns",
        &["Publish", "PublishBatch"],
        "AWS::SNS::Topic",
        "TopicArn",
    ),
    data(
        "kinesis",
        &[
            "GetRecords",
            "GetShardIterator",
            "PutRecord",
            "PutRecords",
            "SubscribeToShard",
        ],
        "AWS::Kinesis::Stream",
        "StreamName",
    ),
    data(
        "firehose",
        &["PutRecord", "PutRecordBatch"],
        "AWS::KinesisFirehose::DeliveryStream",
        "DeliveryStreamName",
    ),
    data(
        "events",
        &["PutEvents"],
        "AWS::Events::EventBus",
        "EventBusName",
    ),
    data(
        "ebs",
        &[
            "GetSnapshotBlock",
            "ListChangedBlocks",
            "ListSnapshotBlocks",
            "PutSnapshotBlock",
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
            "BatchExecuteStatement",
            "BeginTransaction",
            "CommitTransaction",
            "ExecuteStatement",
            "RollbackTransaction",
        ],
        "AWS::RDS::DBCluster",
        "resourceArn",
    ),
    data(
        "cloudtrail-data",
        &["PutAuditEvents"],
        "AWS::CloudTrail::Channel",
        "channelArn",
    ),
    data(
        "cloudwatch",
        &["GetMetricData", "GetMetricStatistics", "PutMetricData"],
        "AWS::CloudWatch::Metric",
        "",
    ),
    // AWS records no PutLogEvents at all; as a data event it stays out of event history. Ours.
    data(
        "logs",
        &["PutLogEvents"],
        "AWS::Logs::LogGroup",
        "logGroupName",
    ),
    data(
        "stepfunctions",
        &[
            "SendTaskFailure",
            "SendTaskHeartbeat",
            "SendTaskSuccess",
            "StartSyncExecution",
        ],
        "AWS::StepFunctions::StateMachine",
        "stateMachineArn",
    ),
    data(
        "stepfunctions",
        &["GetActivityTask"],
        "AWS::StepFunctions::Activity",
        "activityArn",
    ),
    data(
        "swf",
        &[
            "PollForActivityTask",
            "PollForDecisionTask",
            "RespondActivityTaskCompleted",
            "RespondDecisionTaskCompleted",
            "StartWorkflowExecution",
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
    data(
        "bedrock-agent-runtime",
        &["InvokeAgent"],
        "AWS::Bedrock::AgentAlias",
        "",
    ),
    data(
        "bedrock-agent-runtime",
        &["Retrieve", "RetrieveAndGenerate"],
        "AWS::Bedrock::KnowledgeBase",
        "",
    ),
    data(
        "bedrock-runtime",
        &["ApplyGuardrail"],
        "AWS::Bedrock::Guardrail",
        "",
    ),
    data(
        "sagemaker-runtime",
        &["InvokeEndpoint", "InvokeEndpointWithResponseStream"],
        "AWS::SageMaker::Endpoint",
        "",
    ),
    data(
        "sagemaker-featurestore-runtime",
        &["GetRecord", "PutRecord"],
        "AWS::SageMaker::FeatureGroup",
        "",
    ),
    data(
        "ses",
        &["SendEmail", "SendRawEmail", "SendTemplatedEmail"],
        "AWS::SES::EmailIdentity",
        "",
    ), // seen
    data(
        "sesv2",
        &["SendBulkEmail", "SendEmail"],
        "AWS::SES::EmailIdentity",
        "",
    ),
    data("timestream-query", &["Query"], "AWS::Timestream::Table", ""),
    data(
        "timestream-write",
        &["WriteRecords"],
        "AWS::Timestream::Table",
        "",
    ),
    data(
        "verifiedpermissions",
        &["IsAuthorized", "IsAuthorizedWithToken"],
        "AWS::VerifiedPermissions::PolicyStore",
        "",
    ),
    data(
        "xray",
        &["BatchGetTraces", "GetTraceSummaries", "PutTraceSegments"],
        "AWS::XRay::Trace",
        "",
    ),
];

/// Error codes under another name in the record, for all services but EC2 and S3.
pub(super) const ERROR_NAMES: &[(&str, &str)] = &[
    ("AccessDeniedException", "AccessDenied"), // seen: SSM, Logs, ECS, ACM PCA …
    ("ValidationError", "ValidationException"), // seen: Auto Scaling
    ("NotAuthorizedException", "AccessDenied"), // as AccessDeniedException
];

/// Codes of denial and throttling: `requestParameters` is then null in most services.
pub(super) const DENIALS: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "NotAuthorized",
    "NotAuthorizedException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "UnauthorizedOperation",
];

/// Query and JSON-RPC services that keep their parameters then.
pub(super) const KEEP_REQUEST_WHEN_DENIED: &[&str] = &["ce"]; // seen

/// REST services that drop theirs.
pub(super) const HIDE_REQUEST_WHEN_DENIED: &[&str] =
    &["cloudfront", "efs", "glacier", "lambda", "route53"]; // seen

/// Services that tell the error's message in `responseElements` and not in `errorMessage`.
pub(super) const ERRORS_IN_RESPONSE: &[&str] = &["appsync", "eks", "guardduty"]; // seen

/// Services whose member names keep their first letter.
pub(super) const KEEP_CASE: &[&str] = &["ce", "resource-explorer-2"]; // seen

/// Services that leave out what their models mark sensitive; elsewhere a marker stands for it.
pub(super) const OMIT_SENSITIVE: &[&str] = &["iam", "kms", "secretsmanager", "sts"]; // seen, ref: KMS, Secrets Manager

/// How moments are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeStyle {
    /// `Jul 10, 2023, 12:07:59 PM`: most services.
    Java,
    /// `2023-07-10T12:07:59Z`.
    Iso,
    /// Milliseconds since 1970.
    EpochMillis,
}

/// Services that print moments in another style.
pub(super) const TIME_STYLES: &[(&str, TimeStyle)] = &[
    ("apigateway", TimeStyle::Iso),        // as apigatewayv2
    ("apigatewayv2", TimeStyle::Iso),      // seen
    ("cloudtrail", TimeStyle::Iso),        // seen: LookupEvents
    ("guardduty", TimeStyle::EpochMillis), // ref
    ("lambda", TimeStyle::Iso),            // ref
    ("rolesanywhere", TimeStyle::Iso),     // seen
];

/// What the record says instead of a member's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// `HIDDEN_DUE_TO_SECURITY_REASONS`.
    Hidden,
    /// The member is left out.
    Omitted,
    /// Another marker.
    Marked(&'static str),
    /// Every scalar within is hidden.
    Scalars,
}

/// A member that the model does not mark sensitive, or that is treated in another way.
pub(super) struct Secret {
    service: &'static str,
    /// Empty: any.
    operation: &'static str,
    /// The member around it; empty: any, `/`: none.
    within: &'static str,
    member: &'static str,
    treatment: Treatment,
}

const fn secret(
    service: &'static str,
    operation: &'static str,
    within: &'static str,
    member: &'static str,
    treatment: Treatment,
) -> Secret {
    Secret {
        service,
        operation,
        within,
        member,
        treatment,
    }
}

use Treatment::{Hidden, Marked, Omitted, Scalars};

const REMOVED: Treatment = Marked("<sensitiveDataRemoved>");
const STARS: Treatment = Marked("***");

/// Content that never enters a record.
const SECRETS: &[Secret] = &[
    secret("apigateway", "", "", "variables", STARS), // as stageVariables
    secret("apigatewayv2", "", "", "StageVariables", STARS), // seen
    secret("appsync", "", "", "requestMappingTemplate", STARS), // seen
    secret("appsync", "", "", "responseMappingTemplate", STARS), // seen
    secret("codebuild", "", "environmentVariables", "value", STARS), // ref
    secret(
        "codebuild",
        "",
        "environmentVariablesOverride",
        "value",
        STARS,
    ), // ref
    secret("cognito-identity", "", "", "Logins", Scalars), // ref
    secret("docdb", "", "", "MasterUserPassword", Hidden), // as RDS
    secret("dynamodb", "", "", "AttributeUpdates", Omitted), // ref: items are not recorded
    secret("dynamodb", "", "", "Expected", Omitted),
    secret("dynamodb", "", "", "ExpressionAttributeValues", Omitted),
    secret("dynamodb", "", "", "Item", Omitted),
    secret("dynamodb", "", "", "KeyConditions", Omitted),
    secret("dynamodb", "", "", "Parameters", Omitted),
    secret("dynamodb", "", "", "QueryFilter", Omitted),
    secret("dynamodb", "", "", "ScanFilter", Omitted),
    secret("ec2", "", "", "KeyMaterial", REMOVED), // ref: CreateKeyPair
    secret("ec2", "", "", "UserData", REMOVED),    // seen
    secret("ec2", "ModifyInstanceAttribute", "/", "Value", REMOVED), // seen
    secret("ecs", "", "environment", "value", Hidden), // ref
    secret("elasticache", "", "", "AuthToken", Hidden),
    secret("events", "PutEvents", "", "Detail", Hidden), // ours: the caller's data
    secret("iam", "", "", "AuthenticationCode1", Omitted),
    secret("iam", "", "", "AuthenticationCode2", Omitted),
    secret("iam", "", "", "SecretAccessKey", Omitted), // seen: CreateAccessKey
    secret("kms", "", "", "GrantTokens", Omitted),     // ref
    secret("lambda", "", "Environment", "Variables", Omitted), // seen: `"environment":{}`
    secret("logs", "PutLogEvents", "", "logEvents", Omitted), // ours: the caller's data
    secret("neptune", "", "", "MasterUserPassword", Hidden), // as RDS
    secret("rds", "", "", "MasterUserPassword", Hidden), // seen
    secret("rds", "", "", "TdeCredentialPassword", Hidden),
    secret("redshift", "", "", "MasterUserPassword", Hidden), // as RDS
    secret("resource-explorer-2", "", "", "QueryString", STARS), // seen
    secret("rolesanywhere", "", "", "tags", Scalars),         // seen
    secret("secretsmanager", "", "", "SecretBinary", Omitted), // ref
    secret("secretsmanager", "", "", "SecretString", Omitted), // ref
    secret("ses", "", "", "BccAddresses", Scalars),           // seen
    secret("ses", "", "", "CcAddresses", Scalars),            // seen
    secret("ses", "", "", "Data", Hidden),                    // seen
    secret("ses", "", "", "ToAddresses", Scalars),            // seen
    secret("sesv2", "", "", "BccAddresses", Scalars),         // as ses
    secret("sesv2", "", "", "CcAddresses", Scalars),
    secret("sesv2", "", "", "Data", Hidden),
    secret("sesv2", "", "", "ToAddresses", Scalars),
    secret("sns", "", "", "Message", Hidden), // ref
    secret("sns", "", "", "MessageAttributes", Hidden), // ref
    secret("sns", "", "", "Subject", Hidden), // ref
    secret("sqs", "", "", "MessageAttributes", Hidden), // ref
    secret("sqs", "", "", "MessageBody", Hidden), // ref
    secret("sqs", "", "", "MessageSystemAttributes", Hidden),
    secret("ssm", "PutParameter", "", "Value", Hidden), // ref
    secret("ssm", "SendCommand", "", "Parameters", Hidden), // seen
    secret(
        "ssm",
        "",
        "",
        "TokenValue",
        Marked("Value hidden due to security reasons."),
    ), // seen: StartSession
    secret("sts", "", "", "SAMLAssertion", Omitted),    // ref
    secret("sts", "", "", "SecretAccessKey", Omitted),  // seen
    secret("sts", "", "", "TokenCode", Omitted),
    secret("sts", "", "", "WebIdentityToken", Omitted), // ref
];

/// How a member is treated; `within` is the member around it, empty at the top.
pub(super) fn treatment(
    service: &str,
    operation: &str,
    within: &str,
    member: &str,
) -> Option<Treatment> {
    let matches = |secret: &&Secret| {
        secret.member == member
            && secret.service == service
            && (secret.operation.is_empty() || secret.operation == operation)
            && match secret.within {
                "" => true,
                "/" => within.is_empty(),
                around => around == within,
            }
    };
    SECRETS.iter().find(matches).map(|secret| secret.treatment)
}

/// EC2 operations with one of these words in their name wrap their parameters: `{"XRequest": {…}}` (seen).
pub(super) const EC2_WRAPPED: &[&str] = &[
    "CapacityReservation",
    "CarrierGateway",
    "ClientVpn",
    "CoipPool",
    "ConsoleScreenshot",
    "DefaultSubnet",
    "DefaultVpc",
    "EbsDefaultKms",
    "EbsEncryption",
    "EgressOnlyInternetGateway",
    "FastSnapshotRestores",
    "Fleet",
    "FlowLogs",
    "Hosts",
    "IamInstanceProfileAssociation",
    "ImageBlockPublicAccess",
    "InstanceConnectEndpoint",
    "InstanceMetadataDefaults",
    "InstanceType",
    "Ipam",
    "LaunchTemplate",
    "LocalGateway",
    "ManagedPrefixList",
    "NatGateway",
    "NetworkInsights",
    "SecurityGroupRule",
    "SerialConsole",
    "SnapshotBlockPublicAccess",
    "SnapshotTier",
    "TrafficMirror",
    "TransitGateway",
    "VerifiedAccess",
    "VolumesModifications",
    "VpcEndpoint",
];

/// Lists of older EC2 requests: operation (empty: any), member, name of the set, name within an item (empty: structures).
pub(super) const EC2_SETS: &[(&str, &str, &str, &str)] = &[
    (
        "DescribeSecurityGroups",
        "GroupIds",
        "securityGroupIdSet",
        "groupId",
    ), // seen
    (
        "DescribeSecurityGroups",
        "GroupNames",
        "securityGroupSet",
        "groupName",
    ), // seen
    (
        "",
        "AttributeNames",
        "accountAttributeNameSet",
        "attributeName",
    ), // seen
    ("", "BlockDeviceMappings", "blockDeviceMapping", ""), // seen
    ("", "BundleIds", "bundlesSet", "bundleId"),           // seen
    ("", "DhcpOptionsIds", "dhcpOptionsSet", "dhcpOptionsId"), // seen
    ("", "ExecutableUsers", "executableBySet", "user"),    // seen
    ("", "Filters", "filterSet", ""),                      // seen
    ("", "ImageIds", "imagesSet", "imageId"),              // seen
    ("", "InstanceIds", "instancesSet", "instanceId"),     // seen
    ("", "KeyNames", "keySet", "keyName"),                 // seen
    ("", "NetworkInterfaces", "networkInterfaceSet", ""),  // ref: RunInstances sample
    ("", "OwnerIds", "ownersSet", "owner"),                // seen
    ("", "Owners", "ownersSet", "owner"),                  // seen
    ("", "RegionNames", "regionSet", "regionName"),        // seen
    ("", "Resources", "resourcesSet", "resourceId"),       // ref: CreateTags sample
    ("", "RestorableByUserIds", "sharedUsersSet", "user"), // seen
    ("", "SecurityGroupIds", "groupSet", "groupId"),       // ref: RunInstances sample
    ("", "SecurityGroups", "groupSet", "groupName"),       // ref
    ("", "SnapshotIds", "snapshotSet", "snapshotId"),      // seen
    ("", "SubnetIds", "subnetSet", "subnetId"),            // seen
    ("", "VolumeIds", "volumeSet", "volumeId"),            // seen
    ("", "VpcIds", "vpcSet", "vpcId"),                     // seen
    ("", "ZoneIds", "availabilityZoneIdSet", "zoneId"),    // seen
    ("", "ZoneNames", "availabilityZoneSet", "zoneName"),  // seen
];

/// Other EC2 parameters under another name.
pub(super) const EC2_NAMES: &[(&str, &str, &str)] = &[
    ("CreateNetworkAclEntry", "Protocol", "aclProtocol"), // seen
    ("CreateSecurityGroup", "Description", "groupDescription"), // seen
    ("CreateVolume", "AvailabilityZone", "zone"),         // seen
];

/// EC2 numbers that are printed as text.
pub(super) const EC2_TEXTS: &[(&str, &str)] = &[("CreateVolume", "Size")]; // seen

/// Parameters of `RunInstances` that stand in `instancesSet` (seen).
pub(super) const RUN_INSTANCES_SET: &[&str] = &["ImageId", "KeyName", "MaxCount", "MinCount"];

/// S3 headers that say how a request was made or carry secrets and the caller's data: never recorded.
pub(super) const S3_HEADERS_OMITTED: &[&str] = &[
    "x-amz-checksum-",
    "x-amz-content-sha256",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-id-2",
    "x-amz-meta-",
    "x-amz-mfa",
    "x-amz-request-id",
    "x-amz-sdk-",
    "x-amz-security-token",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-te",
    "x-amz-trailer",
    "x-amz-user-agent",
];

/// S3 query parameters with credentials.
pub(super) const S3_QUERY_OMITTED: &[&str] = &[
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "awsaccesskeyid",
    "signature",
];

/// Members of requests and answers that name a resource: service, member, type, ARN (`{}` the name; empty: unknown).
pub(super) const NAMED: &[(&str, &str, &str, &str)] = &[
    (
        "autoscaling",
        "AutoScalingGroupName",
        "AWS::AutoScaling::AutoScalingGroup",
        "",
    ),
    (
        "cloudformation",
        "StackName",
        "AWS::CloudFormation::Stack",
        "",
    ),
    (
        "cloudtrail",
        "Name",
        "AWS::CloudTrail::Trail",
        "arn:P:cloudtrail:R:A:trail/{}",
    ),
    (
        "cloudtrail",
        "S3BucketName",
        "AWS::S3::Bucket",
        "arn:P:s3:::{}",
    ),
    (
        "cloudtrail",
        "SnsTopicName",
        "AWS::SNS::Topic",
        "arn:P:sns:R:A:{}",
    ),
    (
        "cloudtrail",
        "TrailName",
        "AWS::CloudTrail::Trail",
        "arn:P:cloudtrail:R:A:trail/{}",
    ),
    (
        "cloudwatch",
        "AlarmName",
        "AWS::CloudWatch::Alarm",
        "arn:P:cloudwatch:R:A:alarm:{}",
    ),
    (
        "cognito-identity",
        "IdentityPoolId",
        "AWS::Cognito::IdentityPool",
        "arn:P:cognito-identity:R:A:identitypool/{}",
    ),
    (
        "dynamodb",
        "TableName",
        "AWS::DynamoDB::Table",
        "arn:P:dynamodb:R:A:table/{}",
    ),
    (
        "ebs",
        "SnapshotId",
        "AWS::EC2::Snapshot",
        "arn:P:ec2:R::snapshot/{}",
    ),
    ("ec2", "GroupId", "AWS::EC2::SecurityGroup", ""),
    ("ec2", "GroupIds", "AWS::EC2::SecurityGroup", ""),
    ("ec2", "GroupName", "AWS::EC2::SecurityGroup", ""),
    ("ec2", "ImageId", "AWS::EC2::Ami", ""),
    ("ec2", "InstanceId", "AWS::EC2::Instance", ""),
    ("ec2", "InstanceIds", "AWS::EC2::Instance", ""),
    ("ec2", "InternetGatewayId", "AWS::EC2::InternetGateway", ""),
    ("ec2", "KeyName", "AWS::EC2::KeyPair", ""),
    ("ec2", "NetworkAclId", "AWS::EC2::NetworkAcl", ""),
    (
        "ec2",
        "NetworkInterfaceId",
        "AWS::EC2::NetworkInterface",
        "",
    ),
    ("ec2", "RouteTableId", "AWS::EC2::RouteTable", ""),
    ("ec2", "SecurityGroupIds", "AWS::EC2::SecurityGroup", ""),
    ("ec2", "SnapshotId", "AWS::EC2::Snapshot", ""),
    ("ec2", "SubnetId", "AWS::EC2::Subnet", ""),
    ("ec2", "VolumeId", "AWS::EC2::Volume", ""),
    ("ec2", "VpcId", "AWS::EC2::VPC", ""),
    ("ecs", "cluster", "AWS::ECS::Cluster", ""),
    ("ecs", "clusterName", "AWS::ECS::Cluster", ""),
    ("ecs", "serviceName", "AWS::ECS::Service", ""),
    ("eks", "name", "AWS::EKS::Cluster", ""),
    (
        "events",
        "EventBusName",
        "AWS::Events::EventBus",
        "arn:P:events:R:A:event-bus/{}",
    ),
    ("events", "Name", "AWS::Events::Rule", ""),
    ("events", "Rule", "AWS::Events::Rule", ""),
    (
        "firehose",
        "DeliveryStreamName",
        "AWS::KinesisFirehose::DeliveryStream",
        "arn:P:firehose:R:A:deliverystream/{}",
    ),
    ("iam", "AccessKeyId", "AWS::IAM::AccessKey", ""),
    ("iam", "GroupName", "AWS::IAM::Group", ""),
    (
        "iam",
        "InstanceProfileName",
        "AWS::IAM::InstanceProfile",
        "",
    ),
    ("iam", "PolicyName", "AWS::IAM::Policy", ""),
    ("iam", "RoleName", "AWS::IAM::Role", ""),
    ("iam", "UserName", "AWS::IAM::User", ""),
    (
        "kinesis",
        "StreamName",
        "AWS::Kinesis::Stream",
        "arn:P:kinesis:R:A:stream/{}",
    ),
    ("kms", "AliasName", "AWS::KMS::Alias", ""),
    ("kms", "KeyId", "AWS::KMS::Key", "arn:P:kms:R:A:key/{}"),
    (
        "kms",
        "TargetKeyId",
        "AWS::KMS::Key",
        "arn:P:kms:R:A:key/{}",
    ),
    (
        "lambda",
        "FunctionName",
        "AWS::Lambda::Function",
        "arn:P:lambda:R:A:function:{}",
    ),
    (
        "logs",
        "destinationName",
        "AWS::Logs::Destination",
        "arn:P:logs:R:A:destination:{}",
    ),
    (
        "logs",
        "logGroupName",
        "AWS::Logs::LogGroup",
        "arn:P:logs:R:A:log-group:{}",
    ),
    ("rds", "DBClusterIdentifier", "AWS::RDS::DBCluster", ""),
    ("rds", "DBInstanceIdentifier", "AWS::RDS::DBInstance", ""),
    ("rds", "DBSnapshotIdentifier", "AWS::RDS::DBSnapshot", ""),
    ("s3", "Bucket", "AWS::S3::Bucket", "arn:P:s3:::{}"),
    ("secretsmanager", "Name", "AWS::SecretsManager::Secret", ""),
    (
        "secretsmanager",
        "SecretId",
        "AWS::SecretsManager::Secret",
        "",
    ),
    ("sns", "Name", "AWS::SNS::Topic", "arn:P:sns:R:A:{}"),
    ("sns", "TopicArn", "AWS::SNS::Topic", ""),
    ("sqs", "QueueName", "AWS::SQS::Queue", "arn:P:sqs:R:A:{}"),
    ("ssm", "Name", "AWS::SSM::Parameter", ""),
    ("ssm", "Names", "AWS::SSM::Parameter", ""),
    (
        "stepfunctions",
        "name",
        "AWS::StepFunctions::StateMachine",
        "",
    ),
];

/// Kinds of resources by their ARNs: service, beginning of the resource part, type.
pub(super) const ARN_KINDS: &[(&str, &str, &str)] = &[
    ("cloudtrail", "channel/", "AWS::CloudTrail::Channel"),
    (
        "cloudtrail",
        "eventdatastore/",
        "AWS::CloudTrail::EventDataStore",
    ),
    ("cloudtrail", "trail/", "AWS::CloudTrail::Trail"),
    ("dynamodb", "table/", "AWS::DynamoDB::Table"),
    ("events", "event-bus/", "AWS::Events::EventBus"),
    ("events", "rule/", "AWS::Events::Rule"),
    ("iam", "group/", "AWS::IAM::Group"),
    ("iam", "instance-profile/", "AWS::IAM::InstanceProfile"),
    ("iam", "policy/", "AWS::IAM::Policy"),
    ("iam", "role/", "AWS::IAM::Role"),
    ("iam", "user/", "AWS::IAM::User"),
    ("kms", "alias/", "AWS::KMS::Alias"),
    ("kms", "key/", "AWS::KMS::Key"),
    ("lambda", "function:", "AWS::Lambda::Function"),
    ("logs", "log-group:", "AWS::Logs::LogGroup"),
    ("s3", "", "AWS::S3::Bucket"),
    ("secretsmanager", "secret:", "AWS::SecretsManager::Secret"),
    ("sns", "", "AWS::SNS::Topic"),
    ("sqs", "", "AWS::SQS::Queue"),
    ("ssm", "parameter/", "AWS::SSM::Parameter"),
    (
        "states",
        "stateMachine:",
        "AWS::StepFunctions::StateMachine",
    ),
    ("sts", "assumed-role/", "AWS::STS::AssumedRole"),
];

/// Services that write `resources` into the record for management events too: service, type.
pub(super) const RECORD_RESOURCES: &[(&str, &str)] = &[
    ("dynamodb", "AWS::DynamoDB::Table"), // ref: DynamoDB samples
    ("kms", "AWS::KMS::Key"),             // ref: KMS samples
    ("s3", "AWS::S3::Bucket"),            // ref: S3 samples
    ("ssm", "AWS::SSM::Parameter"),       // seen: GetParameters, without a type
    ("sts", "AWS::IAM::Role"),            // seen: AssumeRole
];

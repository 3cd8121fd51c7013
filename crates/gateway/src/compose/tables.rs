//! What single services do differently, one line each.
//!
//! Sources: "ref" is AWS's CloudTrail user guide and the services' own "Logging … with CloudTrail" pages; "seen" is a real
//! record (TrailDiscover, stratus-red-team); "ours" is a decision of this project where neither says anything.

mod data;
mod forms;
mod resources;
mod secrets;

pub(super) use data::{DataEvents, data_events};
pub(super) use forms::{
    EC2_ABSENT_SETS, EC2_ANSWER_NAMES, EC2_ITEM, EC2_ITEM_SETS, EC2_NAMES, EC2_PLAIN, EC2_SETS,
    EC2_TEXTS, RUN_INSTANCES_SET, S3_HEADERS_OMITTED, S3_QUERY_OMITTED,
};
pub(super) use resources::RECORD_RESOURCES;
pub(super) use secrets::{Treatment, treatment};

/// `eventSource` where it is not the endpoint prefix.
#[rustfmt::skip]
pub(super) const EVENT_SOURCES: &[(&str, &str)] = &[
    ("appconfigdata", "appconfig"),       // ref: AppConfig data events
    ("bedrock-agent", "bedrock"),         // seen: GetKnowledgeBase
    ("bedrock-agent-runtime", "bedrock"), // ref: Bedrock data events
    ("bedrock-data-automation-runtime", "bedrock"), // as the other runtimes
    ("bedrock-runtime", "bedrock"),       // seen: InvokeModel
    ("cloudfront-keyvaluestore", "edgekeyvaluestore"), // ref: KeyValueStore sample
    ("marketplace-entitlement", "entitlement-marketplace"), // as the others of the marketplace
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
#[rustfmt::skip]
pub(super) const EVENT_NAMES: &[(&str, &str, &str)] = &[
    ("lambda", "AddPermission", "AddPermission20150331v2"), // seen
    ("lambda", "CreateAlias", "CreateAlias20150331"),       // ref: Lambda API versions
    ("lambda", "CreateEventSourceMapping", "CreateEventSourceMapping20150331"), // seen
    ("lambda", "CreateFunction", "CreateFunction20150331"), // seen
    ("lambda", "DeleteAlias", "DeleteAlias20150331"),       // ref
    ("lambda", "DeleteEventSourceMapping", "DeleteEventSourceMapping20150331"), // ref
    ("lambda", "DeleteFunction", "DeleteFunction20150331"), // ref
    ("lambda", "DeleteFunctionConcurrency", "DeleteFunctionConcurrency20171031"), // ref
    ("lambda", "GetAccountSettings", "GetAccountSettings20160819"), // ref
    ("lambda", "GetAlias", "GetAlias20150331"),             // ref
    ("lambda", "GetEventSourceMapping", "GetEventSourceMapping20150331"), // ref
    ("lambda", "GetFunction", "GetFunction20150331v2"),     // seen
    ("lambda", "GetFunctionConfiguration", "GetFunctionConfiguration20150331v2"), // seen
    ("lambda", "GetPolicy", "GetPolicy20150331v2"),         // ref
    ("lambda", "ListAliases", "ListAliases20150331"),       // ref
    ("lambda", "ListEventSourceMappings", "ListEventSourceMappings20150331"), // ref
    ("lambda", "ListFunctions", "ListFunctions20150331"),   // seen
    ("lambda", "ListTags", "ListTags20170331"),             // ref
    ("lambda", "ListVersionsByFunction", "ListVersionsByFunction20150331"), // ref
    ("lambda", "PublishLayerVersion", "PublishLayerVersion20181031"), // ref
    ("lambda", "PublishVersion", "PublishVersion20150331"), // ref
    ("lambda", "PutFunctionConcurrency", "PutFunctionConcurrency20171031"), // ref
    ("lambda", "RemovePermission", "RemovePermission20150331v2"), // ref
    ("lambda", "TagResource", "TagResource20170331v2"),     // ref
    ("lambda", "UntagResource", "UntagResource20170331v2"), // ref
    ("lambda", "UpdateAlias", "UpdateAlias20150331"),       // ref
    ("lambda", "UpdateEventSourceMapping", "UpdateEventSourceMapping20150331"), // seen
    ("lambda", "UpdateFunctionCode", "UpdateFunctionCode20150331v2"), // seen
    ("lambda", "UpdateFunctionConfiguration", "UpdateFunctionConfiguration20150331v2"), // seen
    ("s3", "DeletePublicAccessBlock", "DeleteBucketPublicAccessBlock"), // ref: S3 actions
    ("s3", "GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"), // seen
    ("s3", "GetBucketLifecycleConfiguration", "GetBucketLifecycle"), // seen
    ("s3", "GetBucketNotificationConfiguration", "GetBucketNotification"), // ref: S3 actions
    ("s3", "GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"), // seen
    ("s3", "GetPublicAccessBlock", "GetBucketPublicAccessBlock"), // ref: S3 actions
    ("s3", "ListObjectsV2", "ListObjects"),                 // ref: S3 data events
    ("s3", "PutBucketAccelerateConfiguration", "PutAccelerateConfiguration"), // as its GET
    ("s3", "PutBucketLifecycleConfiguration", "PutBucketLifecycle"), // ref: S3 actions
    ("s3", "PutBucketNotificationConfiguration", "PutBucketNotification"), // ref: S3 actions
    ("s3", "PutObjectLockConfiguration", "PutBucketObjectLockConfiguration"), // ref: S3 actions
    ("s3", "PutPublicAccessBlock", "PutBucketPublicAccessBlock"), // ref: S3 actions
    ("s3control", "DeletePublicAccessBlock", "DeleteAccountPublicAccessBlock"), // ref: S3 account-level actions
    ("s3control", "GetPublicAccessBlock", "GetAccountPublicAccessBlock"), // ref
    ("s3control", "PutPublicAccessBlock", "PutAccountPublicAccessBlock"), // ref
];

/// Services that append their API version to every name: `CreateFunction2020_05_31`.
pub(super) const VERSIONED_NAMES: &[&str] = &["cloudfront"]; // seen

/// `apiVersion`, which only these write, and not for denied calls (seen).
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
#[rustfmt::skip]
pub(super) const READ_PREFIXES: &[&str] = &[
    "BatchCheck", "BatchDescribe", "BatchDetect", "BatchGet", "BatchIsAuthorized", "BatchList", "Check", "Describe",
    "Detect", "Discover", "Download", "Estimate", "Filter", "Get", "Head", "IsAuthorized", "List", "Lookup", "Options", "Preview",
    "Query", "Receive", "Scan", "Search", "Select", "Simulate", "Test", "TransactGet", "Validate", "View",
];

/// Changing operations whose names say otherwise, or whose models do.
pub(super) const WRITES: &[(&str, &str)] = &[
    ("cognito-identity", "GetCredentialsForIdentity"), // ref: Cognito sample, readOnly false
    ("lambda", "Invoke"),                              // ref: Lambda data events
    ("sts", "GetFederationToken"),                     // seen
    ("sts", "GetSessionToken"),                        // seen
];

/// CloudTrail's operations whose parameters say what is looked for.
pub(super) const LOOK_UPS: [&str; 4] = [
    "LookupEvents",
    "SearchEvents",
    "CountEvents",
    "ExportEvents",
];

/// Reading operations whose names say otherwise.
#[rustfmt::skip]
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
    ("signin", "CreateOAuth2Token"),       // ref: AWS Sign-In's sample
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

/// Error codes under another name in the record, for all services but EC2 and S3.
#[rustfmt::skip]
pub(super) const ERROR_NAMES: &[(&str, &str)] = &[
    ("AccessDeniedException", "AccessDenied"), // seen: SSM, Logs, ECS, ACM PCA …
    ("ValidationError", "ValidationException"), // seen: Auto Scaling
];

/// Codes of denial and throttling: `requestParameters` is then null in most services.
#[rustfmt::skip]
pub(super) const DENIALS: &[&str] = &[
    "AccessDenied", "AccessDeniedException", "RequestLimitExceeded",
    "Throttling", "ThrottlingException", "TooManyRequestsException", "UnauthorizedOperation",
];

/// Query and JSON-RPC services that keep their parameters then.
pub(super) const KEEP_REQUEST_WHEN_DENIED: &[&str] = &["ce"]; // seen

/// REST services that drop theirs.
pub(super) const HIDE_REQUEST_WHEN_DENIED: &[&str] =
    &["cloudfront", "efs", "glacier", "lambda", "route53"]; // seen

/// Services that tell the error's message in `responseElements` and not in `errorMessage`.
pub(super) const ERRORS_IN_RESPONSE: &[&str] = &["appsync", "eks", "guardduty", "securityhub"]; // seen

/// Services besides the newer REST services whose member names keep their first letter.
pub(super) const KEEP_CASE: &[&str] = &["ce"]; // seen

/// Newer REST services whose member names lose it all the same.
pub(super) const LOWER_CASE: &[&str] = &["sesv2"]; // seen

/// Services that record numbers of the query as the text they are.
pub(super) const QUERY_AS_TEXT: &[&str] = &["macie2", "servicecatalog-appregistry"]; // seen

/// Services that name a label of the path by its name in the path.
pub(super) const URI_NAMES: &[&str] = &["eks"]; // seen: `name` is the cluster's

/// What a service writes where a request leaves it out: service, operation, name, JSON.
#[rustfmt::skip]
pub(super) const REQUEST_DEFAULTS: &[(&str, &str, &str, &str)] = &[
    ("ec2", "AttachVolume", "deleteOnTermination", "false"), // seen
    ("ec2", "AuthorizeSecurityGroupEgress", "ipPermissions", "{}"), // seen
    ("ec2", "AuthorizeSecurityGroupIngress", "ipPermissions", "{}"), // seen
    ("ec2", "CreateNetworkAclEntry", "icmpTypeCode", "{}"), // seen
    ("ec2", "CreateNetworkAclEntry", "portRange", "{}"), // seen
    ("ec2", "CreateNetworkInterface", "groupSet", "{}"), // seen
    ("ec2", "CreateNetworkInterface", "privateIpAddressesSet", "{}"), // seen
    ("ec2", "DeleteSnapshot", "force", "false"), // seen
    ("ec2", "DeleteVolume", "reportVolumeFailure", "false"), // seen
    ("ec2", "DescribeAccountAttributes", "filterSet", "{}"), // seen
    ("ec2", "RevokeSecurityGroupEgress", "ipPermissions", "{}"), // seen
    ("ec2", "RevokeSecurityGroupIngress", "ipPermissions", "{}"), // seen
    ("ec2", "RunInstances", "blockDeviceMapping", "{}"), // seen
    ("ec2", "RunInstances", "disableApiStop", "false"), // seen
    ("ec2", "RunInstances", "disableApiTermination", "false"), // seen
    ("ec2", "RunInstances", "monitoring", "{\"enabled\":false}"), // seen
    ("ec2-instance-connect", "SendSerialConsoleSSHPublicKey", "monitorMode", "false"), // seen
    ("kms", "ScheduleKeyDeletion", "overridePendingWindowCheck", "false"), // seen
    ("lambda", "CreateFunction", "environment", "{}"),      // seen
    ("lambda", "CreateFunction", "publish", "false"),       // seen
    ("lambda", "UpdateFunctionCode", "dryRun", "false"),    // seen
    ("lambda", "UpdateFunctionCode", "publish", "false"),   // seen
    ("lambda", "UpdateFunctionConfiguration", "environment", "{}"), // seen
    ("route53resolver", "DeleteResolverQueryLogConfig", "originSequenceNumber", "0"), // seen
    ("ssm", "SendCommand", "interactive", "false"),         // seen
];

/// Operations that tell the parts of a function's ARN.
pub(super) const FULLY_QUALIFIED: &[(&str, &str)] = &[("lambda", "UpdateFunctionCode")]; // seen

/// Pairs of a name and the name under which it is recorded.
type Renamed = &'static [(&'static str, &'static str)];

/// The names of an answer's members, and those under which some operations record them; the others are left out.
#[rustfmt::skip]
pub(super) const RESPONSE_MEMBERS: &[(&str, &str, Renamed)] = &[
    ("secretsmanager", "CreateSecret", &[("aRN", "arn")]),  // seen
    ("secretsmanager", "PutResourcePolicy", &[("aRN", "arn"), ("name", "name")]), // seen
    ("secretsmanager", "PutSecretValue", &[("aRN", "arn")]), // seen
];

/// Services that leave out what their models mark sensitive; elsewhere a marker stands for it.
pub(super) const OMIT_SENSITIVE: &[&str] = &["bedrock", "iam", "kms", "secretsmanager", "sts"]; // seen, ref: KMS, Secrets Manager

/// How moments are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeStyle {
    /// `Jul 10, 2023, 12:07:59 PM`: most services.
    Java,
    /// `2023-07-10T12:07:59Z`.
    Iso,
    /// Milliseconds since 1970.
    EpochMillis,
    /// Seconds since 1970, with a fraction if there is one.
    EpochSeconds,
}

/// Services that print moments in another style.
#[rustfmt::skip]
pub(super) const TIME_STYLES: &[(&str, TimeStyle)] = &[
    ("apigateway", TimeStyle::Iso),        // as apigatewayv2
    ("apigatewayv2", TimeStyle::Iso),      // seen
    ("cloudtrail", TimeStyle::Iso),        // seen: LookupEvents
    ("guardduty", TimeStyle::EpochMillis), // ref
    ("lambda", TimeStyle::Iso),            // ref
    ("rolesanywhere", TimeStyle::Iso),     // seen
];

//! Content that never enters a record, where the model does not mark it sensitive or AWS treats it in another way.

use Treatment::{Hidden, Marked, Omitted, Scalars};

/// What the record says instead of a member's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::compose) enum Treatment {
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
pub(in crate::compose) struct Secret {
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

const REMOVED: Treatment = Marked("<sensitiveDataRemoved>");
const STARS: Treatment = Marked("***");

/// Content that never enters a record.
#[rustfmt::skip]
const SECRETS: &[Secret] = &[
    secret("apigateway", "", "", "variables", STARS), // as stageVariables
    secret("apigatewayv2", "", "", "StageVariables", STARS), // seen
    secret("appsync", "", "", "requestMappingTemplate", STARS), // seen
    secret("appsync", "", "", "responseMappingTemplate", STARS), // seen
    secret("bedrock", "CreateFoundationModelAgreement", "", "offerToken", Omitted), // seen
    secret("codebuild", "", "environmentVariables", "value", STARS), // ref
    secret("codebuild", "", "environmentVariablesOverride", "value", STARS), // ref
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
    secret("lambda", "", "", "ZipFile", Omitted), // seen: `"code":{}`
    secret("logs", "PutLogEvents", "", "logEvents", Omitted), // ours: the caller's data
    secret("neptune", "", "", "MasterUserPassword", Hidden), // as RDS
    secret("rds", "", "", "MasterUserPassword", Hidden), // seen
    secret("rds", "", "", "PreSignedUrl", Omitted), // seen: CopyDBSnapshot
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
    secret("ssm", "PutParameter", "/", "Value", Hidden), // ref
    secret("ssm", "SendCommand", "", "Parameters", Hidden), // seen
    secret("ssm", "", "", "TokenValue", Marked("Value hidden due to security reasons.")), // seen: StartSession
    secret("sts", "", "", "SAMLAssertion", Omitted),    // ref
    secret("sts", "", "", "SecretAccessKey", Omitted),  // seen
    secret("sts", "", "", "TokenCode", Omitted),
    secret("sts", "", "", "WebIdentityToken", Omitted), // ref
];

/// How a member is treated; `within` is the member around it, empty at the top.
pub(in crate::compose) fn treatment(
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

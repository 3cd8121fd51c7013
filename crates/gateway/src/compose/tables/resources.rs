//! What names a resource in a record; what names one in a request is told in `pugmark_core::event::resources`.

/// Services that write `resources` into the record for management events too: service, type.
pub(in crate::compose) const RECORD_RESOURCES: &[(&str, &str)] = &[
    ("dynamodb", "AWS::DynamoDB::Table"), // ref: DynamoDB samples
    ("kms", "AWS::KMS::Key"),             // ref: KMS samples
    ("s3", "AWS::S3::Bucket"),            // ref: S3 samples
    ("ssm", "AWS::SSM::Parameter"),       // seen: GetParameters, without a type
    ("sts", "AWS::IAM::Role"),            // seen: AssumeRole
];

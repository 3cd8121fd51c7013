//! What names a resource.

/// Members of requests and answers that name a resource: service, member, type, ARN (`{}` the name; empty: unknown).
#[rustfmt::skip]
pub(in crate::compose) const NAMED: &[(&str, &str, &str, &str)] = &[
    ("autoscaling", "AutoScalingGroupName", "AWS::AutoScaling::AutoScalingGroup", ""),
    ("cloudformation", "StackName", "AWS::CloudFormation::Stack", ""),
    ("cloudtrail", "Name", "AWS::CloudTrail::Trail", "arn:P:cloudtrail:R:A:trail/{}"),
    ("cloudtrail", "S3BucketName", "AWS::S3::Bucket", "arn:P:s3:::{}"),
    ("cloudtrail", "SnsTopicName", "AWS::SNS::Topic", "arn:P:sns:R:A:{}"),
    ("cloudtrail", "TrailName", "AWS::CloudTrail::Trail", "arn:P:cloudtrail:R:A:trail/{}"),
    ("cloudwatch", "AlarmName", "AWS::CloudWatch::Alarm", "arn:P:cloudwatch:R:A:alarm:{}"),
    ("cognito-identity", "IdentityPoolId", "AWS::Cognito::IdentityPool", "arn:P:cognito-identity:R:A:identitypool/{}"),
    ("dynamodb", "TableName", "AWS::DynamoDB::Table", "arn:P:dynamodb:R:A:table/{}"),
    ("ebs", "SnapshotId", "AWS::EC2::Snapshot", "arn:P:ec2:R::snapshot/{}"),
    ("ec2", "GroupId", "AWS::EC2::SecurityGroup", ""),
    ("ec2", "GroupIds", "AWS::EC2::SecurityGroup", ""),
    ("ec2", "GroupName", "AWS::EC2::SecurityGroup", ""),
    ("ec2", "ImageId", "AWS::EC2::Ami", ""),
    ("ec2", "InstanceId", "AWS::EC2::Instance", ""),
    ("ec2", "InstanceIds", "AWS::EC2::Instance", ""),
    ("ec2", "InternetGatewayId", "AWS::EC2::InternetGateway", ""),
    ("ec2", "KeyName", "AWS::EC2::KeyPair", ""),
    ("ec2", "NetworkAclId", "AWS::EC2::NetworkAcl", ""),
    ("ec2", "NetworkInterfaceId", "AWS::EC2::NetworkInterface", ""),
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
    ("events", "EventBusName", "AWS::Events::EventBus", "arn:P:events:R:A:event-bus/{}"),
    ("events", "Name", "AWS::Events::Rule", ""),
    ("events", "Rule", "AWS::Events::Rule", ""),
    ("firehose", "DeliveryStreamName", "AWS::KinesisFirehose::DeliveryStream", "arn:P:firehose:R:A:deliverystream/{}"),
    ("iam", "AccessKeyId", "AWS::IAM::AccessKey", ""),
    ("iam", "GroupName", "AWS::IAM::Group", ""),
    ("iam", "InstanceProfileName", "AWS::IAM::InstanceProfile", ""),
    ("iam", "PolicyName", "AWS::IAM::Policy", ""),
    ("iam", "RoleName", "AWS::IAM::Role", ""),
    ("iam", "UserName", "AWS::IAM::User", ""),
    ("kinesis", "StreamName", "AWS::Kinesis::Stream", "arn:P:kinesis:R:A:stream/{}"),
    ("kms", "AliasName", "AWS::KMS::Alias", ""),
    ("kms", "KeyId", "AWS::KMS::Key", "arn:P:kms:R:A:key/{}"),
    ("kms", "TargetKeyId", "AWS::KMS::Key", "arn:P:kms:R:A:key/{}"),
    ("lambda", "FunctionName", "AWS::Lambda::Function", "arn:P:lambda:R:A:function:{}"),
    ("logs", "destinationName", "AWS::Logs::Destination", "arn:P:logs:R:A:destination:{}"),
    ("logs", "logGroupName", "AWS::Logs::LogGroup", "arn:P:logs:R:A:log-group:{}"),
    ("rds", "DBClusterIdentifier", "AWS::RDS::DBCluster", ""),
    ("rds", "DBInstanceIdentifier", "AWS::RDS::DBInstance", ""),
    ("rds", "DBSnapshotIdentifier", "AWS::RDS::DBSnapshot", ""),
    ("s3", "Bucket", "AWS::S3::Bucket", "arn:P:s3:::{}"),
    ("secretsmanager", "Name", "AWS::SecretsManager::Secret", ""),
    ("secretsmanager", "SecretId", "AWS::SecretsManager::Secret", ""),
    ("sns", "Name", "AWS::SNS::Topic", "arn:P:sns:R:A:{}"),
    ("sns", "TopicArn", "AWS::SNS::Topic", ""),
    ("sqs", "QueueName", "AWS::SQS::Queue", "arn:P:sqs:R:A:{}"),
    ("ssm", "Name", "AWS::SSM::Parameter", ""),
    ("ssm", "Names", "AWS::SSM::Parameter", ""),
    ("stepfunctions", "name", "AWS::StepFunctions::StateMachine", ""),
];

/// Kinds of resources by their ARNs: service, beginning of the resource part, type.
#[rustfmt::skip]
pub(in crate::compose) const ARN_KINDS: &[(&str, &str, &str)] = &[
    ("cloudtrail", "channel/", "AWS::CloudTrail::Channel"),
    ("cloudtrail", "eventdatastore/", "AWS::CloudTrail::EventDataStore"),
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
    ("states", "stateMachine:", "AWS::StepFunctions::StateMachine"),
    ("sts", "assumed-role/", "AWS::STS::AssumedRole"),
];

/// Services that write `resources` into the record for management events too: service, type.
pub(in crate::compose) const RECORD_RESOURCES: &[(&str, &str)] = &[
    ("dynamodb", "AWS::DynamoDB::Table"), // ref: DynamoDB samples
    ("kms", "AWS::KMS::Key"),             // ref: KMS samples
    ("s3", "AWS::S3::Bucket"),            // ref: S3 samples
    ("ssm", "AWS::SSM::Parameter"),       // seen: GetParameters, without a type
    ("sts", "AWS::IAM::Role"),            // seen: AssumeRole
];

//! The resources by which `LookupEvents` finds an event: read from the names in its request and answer, whoever reads them:
//! the composition of a recorded call, or the reader of a record that was written elsewhere.

use std::sync::LazyLock;

use super::LookupResource;
use crate::account::{AccountId, Arn, Region};

/// Most resources of one event.
pub const RESOURCES_MAX: usize = 50;
/// Longest name or ARN in bytes: S3's are the longest, with keys of 1024 bytes.
pub const NAME_BYTES_MAX: usize = 1536;
/// How an ARN begins.
pub(super) const ARN: &str = "arn:";
/// How deep requests and answers are searched for names.
pub const DEPTH_MAX: usize = 8;

/// Collects the resources of one event; each once, the first [`RESOURCES_MAX`] of them.
#[derive(Debug)]
pub struct LookupResources<'a> {
    /// The called service by its id in the service models, such as `stepfunctions`.
    service: &'a str,
    region: &'a Region,
    account: AccountId,
    entries: Vec<LookupResource>,
}

impl<'a> LookupResources<'a> {
    /// Of a call to `service`, where names without Region and account are of these.
    pub fn new(service: &'a str, region: &'a Region, account: AccountId) -> Self {
        Self {
            service,
            region,
            account,
            entries: Vec::new(),
        }
    }

    /// Whether no more are taken.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= RESOURCES_MAX
    }

    /// A member's text: an ARN tells its type, a name only under a member that is known.
    pub fn name(&mut self, member: &str, text: &str) {
        if text.starts_with(ARN) {
            self.arn(text, None);
            return;
        }
        if let Some(queue) = queue_arn(self.region, self.account, member, text) {
            self.push(Some("AWS::SQS::Queue"), text);
            self.arn(&queue, Some("AWS::SQS::Queue"));
            return;
        }
        let Some((_, _, kind, template)) = named(self.service, member) else {
            return;
        };
        let is_alias = *kind == "AWS::KMS::Key" && text.starts_with("alias/");
        let kind = if is_alias { "AWS::KMS::Alias" } else { kind };
        if !template.is_empty() && !is_alias {
            self.push(
                Some(kind),
                &filled(template, self.region, self.account, text),
            );
        }
        self.push(Some(kind), text);
    }

    /// A text under the name that its member has in a record: mostly with its first letter lowered; S3 has its own.
    pub fn recorded_name(&mut self, member: &str, text: &str) {
        if text.starts_with(ARN) {
            return self.arn(text, None);
        }
        if self.service == "s3" && member == "bucketName" {
            return self.name("Bucket", text);
        }
        if member == "queueUrl" {
            return self.name("QueueUrl", text);
        }
        let recorded = |line: &&Named| line.0 == self.service && is_recorded(line.1, member);
        if let Some(line) = NAMED.iter().find(recorded) {
            self.name(line.1, text);
        }
    }

    /// An ARN and its short name; of a type that the caller knows, or that the ARN tells.
    pub fn arn(&mut self, text: &str, kind: Option<&str>) {
        let Some(arn) = Arn::parse(text) else { return };
        let Some(kind) = kind.or_else(|| kind_of(arn)) else {
            return;
        };
        self.push(Some(kind), text);
        let short = match kind {
            "AWS::S3::Object" | "AWS::SecretsManager::Secret" => return,
            _ => arn.resource.rsplit(['/', ':']).next().unwrap_or_default(),
        };
        self.push(Some(kind), short);
    }

    fn push(&mut self, kind: Option<&str>, name: &str) {
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !self.is_full();
        let is_known = |entry: &LookupResource| entry.kind.as_deref() == kind && entry.name == name;
        if fits && !self.entries.iter().any(is_known) {
            self.entries.push(LookupResource {
                kind: kind.map(str::to_owned),
                name: name.to_owned(),
            });
        }
    }

    /// What was found, in the order in which it was found.
    pub fn into_entries(self) -> Vec<LookupResource> {
        self.entries
    }
}

/// Whether a text under a member of a record may be a name in some service.
pub(super) fn may_name(member: &str, text: &str) -> bool {
    text.starts_with(ARN) || is_recorded_member(member)
}

fn is_recorded_member(member: &str) -> bool {
    /// By the first letter, the lengths of the members that begin with it: most texts are told by this alone.
    static LENGTHS: LazyLock<[u64; 256]> = LazyLock::new(|| {
        let mut lengths = [0; 256];
        for name in NAMED
            .iter()
            .map(|line| line.1)
            .chain(["QueueUrl", "BucketName"])
        {
            let first = name.as_bytes()[0];
            for initial in [first.to_ascii_lowercase(), first.to_ascii_uppercase()] {
                lengths[usize::from(initial)] |= 1 << name.len().min(63);
            }
        }
        lengths
    });
    let Some(first) = member.bytes().next() else {
        return false;
    };
    LENGTHS[usize::from(first)] & 1 << member.len().min(63) != 0
        && (matches!(member, "queueUrl" | "bucketName")
            || NAMED.iter().any(|line| is_recorded(line.1, member)))
}

/// Whether `member` is `name`, with its first letter lowered or not.
fn is_recorded(name: &str, member: &str) -> bool {
    match (name.as_bytes(), member.as_bytes()) {
        ([first, name @ ..], [initial, member @ ..]) => {
            first.eq_ignore_ascii_case(initial) && name == member
        }
        _ => false,
    }
}

/// The type of what an ARN names.
pub fn kind_of(arn: Arn<'_>) -> Option<&'static str> {
    let matches =
        |line: &&(&str, &str, &str)| line.0 == arn.service && arn.resource.starts_with(line.1);
    let kind = ARN_KINDS.iter().find(matches).map(|(_, _, kind)| *kind)?;
    Some(if kind == "AWS::S3::Bucket" && arn.resource.contains('/') {
        "AWS::S3::Object"
    } else {
        kind
    })
}

/// The ARN of a name under a member; an ARN stays itself.
pub fn named_arn(
    service: &str,
    region: &Region,
    account: AccountId,
    member: &str,
    name: &str,
) -> Option<String> {
    if name.starts_with(ARN) {
        return Some(name.to_owned());
    }
    let (_, _, _, template) = named(service, member)?;
    (!template.is_empty()).then(|| filled(template, region, account, name))
}

/// `https://sqs.us-east-1.amazonaws.com/123456789012/name` as the queue's ARN.
pub fn queue_arn(region: &Region, account: AccountId, member: &str, url: &str) -> Option<String> {
    if member != "QueueUrl" {
        return None;
    }
    let mut segments = url.trim_end_matches('/').rsplit('/');
    let (name, owner) = (
        segments.next().filter(|name| !name.is_empty())?,
        segments.next()?,
    );
    let owner = owner.parse().unwrap_or(account);
    Some(format!(
        "arn:{}:sqs:{region}:{owner}:{name}",
        region.partition()
    ))
}

fn named(service: &str, member: &str) -> Option<&'static Named> {
    NAMED
        .iter()
        .find(|(of, name, _, _)| *name == member && *of == service)
}

/// An ARN's template with partition, Region, account and name.
fn filled(template: &str, region: &Region, account: AccountId, name: &str) -> String {
    let mut arn = String::with_capacity(template.len() + name.len() + 32);
    for (index, part) in template.split(':').enumerate() {
        if index > 0 {
            arn.push(':');
        }
        match part {
            "P" => arn.push_str(region.partition()),
            "R" => arn.push_str(region.as_str()),
            "A" => arn.push_str(account.as_str()),
            _ => match part.split_once("{}") {
                None => arn.push_str(part),
                Some((before, after)) => arn.extend([before, name, after]),
            },
        }
    }
    arn
}

/// Service, member, type, template.
type Named = (&'static str, &'static str, &'static str, &'static str);

/// Members of requests and answers that name a resource: service, member, type, ARN (`{}` the name; empty: unknown).
#[rustfmt::skip]
const NAMED: &[Named] = &[
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
const ARN_KINDS: &[(&str, &str, &str)] = &[
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

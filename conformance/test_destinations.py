"""SNS, CloudWatch Logs, EventBridge and KMS, in moto: what a trail tells, and what it checks."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, Pugmark, refused, wait

BUCKET = "destinations"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/CloudTrail_CloudWatchLogs_Role"


@pytest.fixture
def server(tmp_path, moto):
    moto.reset()
    settings = "[notify]\nevent_bus = true\n"
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s", config=settings).start()
    server.client("s3").create_bucket(Bucket=BUCKET)
    yield server
    server.stop()


@pytest.fixture
def upstream(moto):
    return moto.client


def queue_of(upstream, name):
    sqs = upstream("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def received():
        bodies = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies
    return arn, received


def test_a_topic_is_told_of_each_file(server, upstream):
    topic = upstream("sns").create_topic(Name="files")["TopicArn"]
    queue, received = queue_of(upstream, "files")
    upstream("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    trail = server.client("cloudtrail")
    made = trail.create_trail(Name="told", S3BucketName=BUCKET, SnsTopicName="files")
    assert (made["SnsTopicName"], made["SnsTopicARN"]) == ("files", topic)
    assert received() == ["CloudTrail validation message."]
    trail.start_logging(Name="told")
    server.client("iam").create_user(UserName="u")
    messages = [json.loads(body) for body in wait(received)]
    assert all(message["s3Bucket"] == BUCKET for message in messages)
    for key in [key for message in messages for key in message["s3ObjectKey"]]:
        assert "/CloudTrail/" in key
        upstream("s3").head_object(Bucket=BUCKET, Key=key)
    status = wait(lambda: trail.get_trail_status(Name="told") if "LatestNotificationTime" in trail.get_trail_status(Name="told") else None)
    assert "LatestNotificationError" not in status
    # The topic goes away: files are delivered all the same, and the status says why nobody is told.
    upstream("sns").delete_topic(TopicArn=topic)
    before = status["LatestDeliveryTime"]
    server.client("iam").create_user(UserName="v")
    status = wait(lambda: trail.get_trail_status(Name="told") if "LatestNotificationError" in trail.get_trail_status(Name="told") else None)
    assert status["LatestNotificationError"] == "NotFound"
    assert status["LatestDeliveryTime"] >= before and "LatestDeliveryError" not in status
    assert "SnsTopicName" not in trail.update_trail(Name="told", SnsTopicName="")
    refused(lambda: trail.update_trail(Name="told", SnsTopicName="nobody"), "InsufficientSnsTopicPolicyException")


def test_log_groups_get_each_record_once(server, upstream):
    logs = upstream("logs")
    logs.create_log_group(logGroupName="audit")
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:audit:*"
    trail = server.client("cloudtrail")
    trail.create_trail(Name="logged", S3BucketName=BUCKET, CloudWatchLogsLogGroupArn=group, CloudWatchLogsRoleArn=ROLE)
    trail.start_logging(Name="logged")
    names = [f"user-{number}" for number in range(25)]
    for name in names:
        server.client("iam").create_user(UserName=name)
    stream = f"{ACCOUNT}_CloudTrail_us-east-1"

    def users():
        events = logs.get_log_events(logGroupName="audit", logStreamName=stream, startFromHead=True)["events"]
        records = [json.loads(event["message"]) for event in events]
        found = [it["requestParameters"]["userName"] for it in records if it["eventName"] == "CreateUser"]
        return found if len(found) >= len(names) else None
    assert wait(users) == names
    status = trail.get_trail_status(Name="logged")
    assert "LatestCloudWatchLogsDeliveryTime" in status and "LatestCloudWatchLogsDeliveryError" not in status
    # A group that is gone delays its own events only; they come when it is back.
    logs.delete_log_group(logGroupName="audit")
    server.client("iam").create_user(UserName="late")
    wait(lambda: trail.get_trail_status(Name="logged").get("LatestCloudWatchLogsDeliveryError") == "ResourceNotFoundException")
    logs.create_log_group(logGroupName="audit")

    def late():
        try:
            events = logs.get_log_events(logGroupName="audit", logStreamName=stream)["events"]
        except ClientError:
            return False
        return any('"late"' in event["message"] for event in events)
    wait(late)
    missing = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:nobody:*"
    refused(
        lambda: trail.update_trail(Name="logged", CloudWatchLogsLogGroupArn=missing, CloudWatchLogsRoleArn=ROLE),
        "InvalidCloudWatchLogsLogGroupArnException")
    off = trail.update_trail(Name="logged", CloudWatchLogsLogGroupArn="", CloudWatchLogsRoleArn="")
    assert "CloudWatchLogsLogGroupArn" not in off


def test_eventbridge_gets_writes_within_two_seconds(server, upstream):
    events = upstream("events")
    queue, received = queue_of(upstream, "bus")
    events.put_rule(Name="trail", EventPattern=json.dumps({"detail-type": ["AWS API Call via CloudTrail"], "source": ["aws.iam"]}))
    events.put_targets(Rule="trail", Targets=[{"Id": "q", "Arn": queue}])
    iam = server.client("iam")
    iam.create_user(UserName="before")
    trail = server.client("cloudtrail")
    trail.create_trail(Name="bus", S3BucketName=BUCKET, IsMultiRegionTrail=True)
    trail.start_logging(Name="bus")
    began = time.monotonic()
    iam.create_user(UserName="after")
    iam.list_users()
    bodies = [json.loads(body) for body in wait(received, seconds=5)]
    assert time.monotonic() - began < 2.5
    assert [body["detail"]["requestParameters"]["userName"] for body in bodies] == ["after"], "no read, none from before"
    [body] = bodies
    assert (body["source"], body["detail-type"]) == ("aws.iam", "AWS API Call via CloudTrail")
    assert body["detail"]["eventName"] == "CreateUser"


def test_keys_are_checked_and_used(server, upstream):
    kms = upstream("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/trail", TargetKeyId=key)
    trail = server.client("cloudtrail")
    made = trail.create_trail(Name="secret", S3BucketName=BUCKET, KmsKeyId="alias/trail", EnableLogFileValidation=True)
    assert made["KmsKeyId"] == key
    trail.start_logging(Name="secret")
    s3 = upstream("s3")

    def files():
        found = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
        of = lambda folder: [name for name in found if name.endswith(".json.gz") and f"/{folder}/" in name]
        return of("CloudTrail") and of("CloudTrail-Digest") and of("CloudTrail") + of("CloudTrail-Digest")
    for name in wait(files):
        head = s3.head_object(Bucket=BUCKET, Key=name)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    refused(lambda: trail.update_trail(Name="secret", KmsKeyId="alias/nobody"), "InsufficientEncryptionPolicyException")
    kms.disable_key(KeyId=key.rsplit("/")[-1])
    refused(lambda: trail.create_trail(Name="other", S3BucketName=BUCKET, KmsKeyId=key), "KmsException")
    elsewhere = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    refused(lambda: trail.create_trail(Name="other", S3BucketName=BUCKET, KmsKeyId=elsewhere), "KmsKeyNotFoundException")
    assert "KmsKeyId" not in trail.update_trail(Name="secret", KmsKeyId="")


def test_without_upstream_the_error_says_what_to_set(alone):
    alone.client("s3").create_bucket(Bucket=BUCKET)
    with pytest.raises(ClientError) as error:
        alone.client("cloudtrail").create_trail(Name="told", S3BucketName=BUCKET, SnsTopicName="files")
    assert error.value.response["Error"]["Code"] == "InsufficientSnsTopicPolicyException"
    assert "upstream" in error.value.response["Error"]["Message"]

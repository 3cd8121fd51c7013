"""Operations on trails through the AWS CLI and boto3: home Regions and shadows, what is left out and what is empty, what may be
repeated, quotas, the moments of GetTrailStatus."""

import datetime
import json

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, Pugmark, refused, wait

BUCKET = "trails"


@pytest.fixture
def server(alone):
    alone.client("s3").create_bucket(Bucket=BUCKET)
    return alone


def said(call):
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Message"]


def aws(server, *arguments, region="us-east-1"):
    done = server.cli("cloudtrail", *arguments, region=region)
    return json.loads(done.stdout) if done.stdout.strip() else {}


def test_home_regions_and_shadows(server):
    make = lambda name, *more, region="us-east-1": aws(server, "create-trail", "--name", name, "--s3-bucket-name", BUCKET, *more, region=region)
    everywhere = make("everywhere", "--is-multi-region-trail")["TrailARN"]
    here = make("here")["TrailARN"]
    there = make("there", region="eu-west-1")["TrailARN"]
    names = lambda *more, region: [trail["Name"] for trail in aws(server, "describe-trails", *more, region=region)["trailList"]]
    assert names(region="us-east-1") == ["everywhere", "here"]
    assert names(region="eu-west-1") == ["there", "everywhere"] or names(region="eu-west-1") == ["everywhere", "there"]
    assert names("--no-include-shadow-trails", region="eu-west-1") == ["there"]
    assert names("--no-include-shadow-trails", region="ap-south-1") == []
    assert names(region="ap-south-1") == ["everywhere"]
    listed = aws(server, "list-trails", region="ap-south-1")["Trails"]
    assert listed == [{"TrailARN": everywhere, "Name": "everywhere", "HomeRegion": "us-east-1"}]
    # By name only at home; by ARN wherever there is a shadow; DescribeTrails drops what it does not know.
    assert aws(server, "get-trail", "--name", everywhere, region="eu-west-1")["Trail"]["HomeRegion"] == "us-east-1"
    assert names("--trail-name-list", "everywhere", "nobody", there, region="eu-west-1") == ["there"]
    client = server.client("cloudtrail", region="eu-west-1")
    assert said(lambda: client.get_trail(Name="everywhere")) == f"Unknown trail: everywhere for the user: {ACCOUNT}"
    refused(lambda: client.get_trail(Name=here), "TrailNotFoundException")
    refused(lambda: client.create_trail(Name="everywhere", S3BucketName=BUCKET), "TrailAlreadyExistsException")
    for change in (client.start_logging, client.stop_logging, client.delete_trail, client.update_trail):
        refused(lambda: change(Name=everywhere), "InvalidHomeRegionException")
    # A trail of one Region is one no more elsewhere.
    aws(server, "update-trail", "--name", "everywhere", "--no-is-multi-region-trail")
    assert names(region="ap-south-1") == []
    refused(lambda: client.get_trail(Name=everywhere), "TrailNotFoundException")


def test_what_is_left_out_stays_and_what_is_empty_goes(gateway, moto):
    gateway.client("s3").create_bucket(Bucket=BUCKET)
    moto.client("sns").create_topic(Name="topic")
    moto.client("logs").create_log_group(logGroupName="group")
    key = moto.client("kms").create_key()["KeyMetadata"]["Arn"]
    settings = {
        "S3KeyPrefix": "prefix", "SnsTopicName": "topic", "KmsKeyId": key,
        "CloudWatchLogsLogGroupArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:group:*",
        "CloudWatchLogsRoleArn": f"arn:aws:iam::{ACCOUNT}:role/role"}
    trail = gateway.client("cloudtrail")
    made = trail.create_trail(Name="whole", S3BucketName=BUCKET, **settings)
    shown = lambda: {name: value for name, value in trail.get_trail(Name="whole")["Trail"].items() if name in settings}
    assert shown() == settings and made["SnsTopicARN"] == f"arn:aws:sns:us-east-1:{ACCOUNT}:topic"
    trail.update_trail(Name="whole")
    trail.update_trail(Name="whole", EnableLogFileValidation=True)
    assert shown() == settings
    pair = ["CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn"]
    left = dict(settings)
    refused(lambda: trail.update_trail(Name="whole", **{pair[0]: "", pair[1]: settings[pair[1]]}), "InvalidCloudWatchLogsLogGroupArnException")
    refused(lambda: trail.update_trail(Name="whole", **{pair[1]: "", pair[0]: settings[pair[0]]}), "InvalidCloudWatchLogsRoleArnException")
    refused(lambda: trail.update_trail(Name="whole", S3BucketName=""), "InvalidS3BucketNameException")
    assert shown() == settings, "nothing of a refused update is kept"
    for names in (["S3KeyPrefix"], ["SnsTopicName"], ["KmsKeyId"], pair[:1]):
        trail.update_trail(Name="whole", **dict.fromkeys(names, ""))
        for name in pair if names == pair[:1] else names:
            del left[name]
        assert shown() == left
    assert "SnsTopicARN" not in trail.get_trail(Name="whole")["Trail"]


def test_repeats_are_harmless_and_quotas_hold(server):
    trail = server.client("cloudtrail")
    arn = trail.create_trail(Name="one", S3BucketName=BUCKET, TagsList=[{"Key": "team", "Value": "audit"}])["TrailARN"]
    assert said(lambda: trail.create_trail(Name="one", S3BucketName=BUCKET)) == f"Trail one already exists for customer: {ACCOUNT}"
    for _ in range(2):
        aws(server, "start-logging", "--name", "one")
    started = trail.get_trail_status(Name="one")["StartLoggingTime"]
    trail.start_logging(Name="one")
    assert trail.get_trail_status(Name="one")["StartLoggingTime"] == started
    for _ in range(2):
        aws(server, "stop-logging", "--name", "one")
        aws(server, "remove-tags", "--resource-id", arn, "--tags-list", "Key=team", "Key=unknown")
        aws(server, "add-tags", "--resource-id", arn, "--tags-list", "Key=stage,Value=test", "Key=bare")
    [listed] = aws(server, "list-tags", "--resource-id-list", arn)["ResourceTagList"]
    assert listed == {"ResourceId": arn, "TagsList": [{"Key": "bare"}, {"Key": "stage", "Value": "test"}]}
    for name in ("two", "three", "four", "five"):
        trail.create_trail(Name=name, S3BucketName=BUCKET)
    assert said(lambda: trail.create_trail(Name="six", S3BucketName=BUCKET)) == f"User: {ACCOUNT} already has 5 trails in us-east-1"
    # A trail of another Region that would appear in the full one is one too many.
    elsewhere = server.client("cloudtrail", region="eu-west-1")
    elsewhere.create_trail(Name="six", S3BucketName=BUCKET)
    refused(lambda: elsewhere.update_trail(Name="six", IsMultiRegionTrail=True), "MaximumNumberOfTrailsExceededException")
    # Made again under its name it is a new one.
    trail.delete_trail(Name="one")
    refused(lambda: trail.delete_trail(Name="one"), "TrailNotFoundException")
    assert trail.create_trail(Name="one", S3BucketName=BUCKET)["TrailARN"] == arn
    assert trail.list_tags(ResourceIdList=[arn])["ResourceTagList"] == [{"ResourceId": arn, "TagsList": []}]
    assert "StartLoggingTime" not in trail.get_trail_status(Name="one")


def test_the_moments_of_a_trails_status(server):
    trail = server.client("cloudtrail")
    trail.create_trail(Name="timed", S3BucketName=BUCKET, EnableLogFileValidation=True, IsMultiRegionTrail=True)
    status = lambda **more: {name: value for name, value in trail.get_trail_status(Name="timed", **more).items() if name != "ResponseMetadata"}
    never = ["LatestDeliveryAttemptTime", "LatestNotificationAttemptTime", "LatestNotificationAttemptSucceeded",
             "LatestDeliveryAttemptSucceeded", "TimeLoggingStarted", "TimeLoggingStopped"]
    assert status() == {"IsLogging": False, **dict.fromkeys(never, "")}
    around = lambda call: (now(), call(), now())
    now = lambda: datetime.datetime.now(datetime.UTC)
    slack = datetime.timedelta(seconds=1.5)
    before, _, after = around(lambda: trail.start_logging(Name="timed"))
    first = status()
    assert first["IsLogging"] and before - slack <= first["StartLoggingTime"] <= after + slack and "StopLoggingTime" not in first
    assert first["TimeLoggingStarted"] == first["StartLoggingTime"].strftime("%Y-%m-%dT%H:%M:%SZ") and first["TimeLoggingStopped"] == ""
    delivered = wait(lambda: status() if {"LatestDeliveryTime", "LatestDigestDeliveryTime"} <= set(status()) else None)
    assert delivered["LatestDeliveryTime"] >= first["StartLoggingTime"] - slack
    assert delivered["LatestDeliveryAttemptSucceeded"] == delivered["LatestDeliveryTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    # Each Region has its own.
    elsewhere = server.client("cloudtrail", region="eu-west-1")
    arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/timed"
    assert "LatestDeliveryTime" not in elsewhere.get_trail_status(Name=arn)
    elsewhere.describe_trails()
    wait(lambda: "LatestDeliveryTime" in elsewhere.get_trail_status(Name=arn))
    before, _, after = around(lambda: trail.stop_logging(Name="timed"))
    last = status()
    assert not last["IsLogging"] and before - slack <= last["StopLoggingTime"] <= after + slack
    assert last["StartLoggingTime"] == first["StartLoggingTime"]
    # It survives a restart.
    server.stop()
    server.start()
    trail = server.client("cloudtrail")
    assert status()["StopLoggingTime"] == last["StopLoggingTime"] and "LatestDeliveryTime" in status()


def test_changes_wait_at_awss_rates(tmp_path):
    server = Pugmark(tmp_path / "data", config='[limits]\nrates = "aws"\n').start()
    try:
        server.client("s3").create_bucket(Bucket=BUCKET)
        trail = server.client("cloudtrail")

        def answers(call, count):
            codes = []
            for _ in range(count):
                try:
                    call()
                    codes.append("ok")
                except ClientError as error:
                    codes.append(error.response["Error"]["Code"])
            return codes
        trail.create_trail(Name="rated", S3BucketName=BUCKET)
        # One change a second of each kind, ten readings.
        assert answers(lambda: trail.start_logging(Name="rated"), 3)[:2] == ["ok", "ThrottlingException"]
        assert answers(lambda: trail.stop_logging(Name="rated"), 1) == ["ok"]
        codes = answers(lambda: trail.get_trail_status(Name="rated"), 30)
        assert codes[:10] == ["ok"] * 10 and "ThrottlingException" in codes
        assert said(lambda: [trail.get_trail_status(Name="rated") for _ in range(30)]) == "Rate exceeded"
    finally:
        server.stop()

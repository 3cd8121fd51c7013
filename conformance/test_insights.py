"""Insights end to end: a burst through the gateway is in the bucket, in look-up and on EventBridge, with who made it."""

import gzip
import json
import subprocess
import time

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, ROOT, Pugmark, refused, wait

BUCKET = "insights"


def test_a_burst_becomes_an_insight(tmp_path, moto):
    moto.reset()
    server = Pugmark(
        tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s", "--digest-interval", "3s",
        config="[notify]\nevent_bus = true\n")
    # Ten days of a call every two minutes, as the server would have seen them.
    state = tmp_path / "data" / "insights" / "state"
    state.parent.mkdir(parents=True, mode=0o700)
    seed = ["cargo", "run", "-q", "-p", "pugmark-insights", "--example", "usual", "--", str(state), ACCOUNT, "us-east-1",
            "iam.amazonaws.com", "CreateUser"]
    subprocess.run(seed, cwd=ROOT, check=True)
    server.start()
    trail, iam, s3 = server.client("cloudtrail"), server.client("iam"), server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    arn = trail.create_trail(Name="watch", S3BucketName=BUCKET, EnableLogFileValidation=True)["TrailARN"]
    trail.start_logging(Name="watch")
    selectors = [{"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}]
    trail.put_insight_selectors(TrailName="watch", InsightSelectors=selectors)
    assert trail.get_trail(Name="watch")["Trail"]["HasInsightSelectors"]
    queue = moto.client("sqs").create_queue(QueueName="bus")["QueueUrl"]
    bus = moto.client("events")
    bus.put_rule(Name="insights", EventPattern=json.dumps({"detail-type": ["AWS Insight via CloudTrail"]}))
    bus.put_targets(Rule="insights", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:bus"}])

    for number in range(120):
        iam.create_user(UserName=f"burst-{number}")

    prefix = f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/us-east-1/"
    found = lambda: [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]
    [key] = wait(found, seconds=180)
    [record] = json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()))["Records"]
    details = record["insightDetails"]
    assert record["eventType"] == "AwsCloudTrailInsight" and record["eventCategory"] == "Insight"
    assert (details["state"], details["eventSource"], details["eventName"]) == ("Start", "iam.amazonaws.com", "CreateUser")
    assert details["insightType"] == "ApiCallRateInsight"
    statistics = details["insightContext"]["statistics"]
    assert statistics["insight"]["average"] > 5 * statistics["baseline"]["average"]
    attributions = {it["attribute"]: it["insight"] for it in details["insightContext"]["attributions"]}
    baseline = {it["attribute"]: it["baseline"] for it in details["insightContext"]["attributions"]}
    assert baseline["userIdentityArn"][0]["value"] == "arn:aws:iam::123456789012:user/usual"
    assert attributions["userIdentityArn"][0]["value"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert attributions["errorCode"][0]["value"] == "null"

    looked_up = trail.lookup_events(EventCategory="insight", LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}])
    assert [json.loads(event["CloudTrailEvent"]) for event in looked_up["Events"]] == [record]
    assert all(event["EventName"] != "" for event in trail.lookup_events()["Events"])

    def on_bus():
        messages = moto.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]
    [message] = wait(on_bus)
    assert message["source"] == "aws.cloudtrail" and message["detail"] == record

    data = trail.list_insights_metric_data(EventSource="iam.amazonaws.com", EventName="CreateUser", InsightType="ApiCallRateInsight", Period=60)
    assert sum(data["Values"]) > 120 and len(data["Values"]) == len(data["Timestamps"])
    # A restart repeats nothing, and knows what it knew.
    server.stop()
    server.start()
    again = server.client("cloudtrail").list_insights_metric_data(
        EventSource="iam.amazonaws.com", EventName="CreateUser", InsightType="ApiCallRateInsight", Period=60)
    assert sum(again["Values"]) == sum(data["Values"])
    wait(lambda: "Digest" in str(s3.list_objects_v2(Bucket=BUCKET, Prefix=f"AWSLogs/{ACCOUNT}/CloudTrail-Digest").get("Contents")))
    time.sleep(5)
    verdict = server.cli("cloudtrail", "validate-logs", "--trail-arn", arn, "--start-time", "2020-01-01T00:00:00Z", "--verbose", check=False)
    assert verdict.returncode == 0 and key in verdict.stdout, verdict.stdout + verdict.stderr
    server.stop()


def test_a_burst_on_data_becomes_an_insight_of_its_trail(tmp_path):
    server = Pugmark(tmp_path / "data", "--delivery-interval", "1s").start()
    trail, s3 = server.client("cloudtrail"), server.client("s3")
    for bucket in (BUCKET, "objects"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="objects", Key="k", Body=b"x")
    arn = trail.create_trail(Name="watch", S3BucketName=BUCKET)["TrailARN"]
    on_data = [{"InsightType": "ApiCallRateInsight", "EventCategories": ["Data"]}]
    refused(lambda: trail.put_insight_selectors(TrailName="watch", InsightSelectors=on_data), "InvalidInsightSelectorsException")
    trail.put_event_selectors(TrailName="watch", EventSelectors=[{
        "ReadWriteType": "All", "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::objects/"]}]}])
    trail.start_logging(Name="watch")
    answer = trail.put_insight_selectors(TrailName="watch", InsightSelectors=on_data)
    assert answer["InsightSelectors"] == on_data
    assert trail.get_insight_selectors(TrailName="watch")["InsightSelectors"] == on_data
    assert trail.get_trail(Name="watch")["Trail"]["HasInsightSelectors"]
    server.stop()
    seed = ["cargo", "run", "-q", "-p", "pugmark-insights", "--example", "usual", "--", str(tmp_path / "data" / "insights" / "state"),
            ACCOUNT, "us-east-1", "s3.amazonaws.com", "GetObject", arn]
    subprocess.run(seed, cwd=ROOT, check=True)
    server.start()
    trail, s3 = server.client("cloudtrail"), server.client("s3")
    for _ in range(120):
        s3.get_object(Bucket="objects", Key="k")["Body"].read()

    listed = lambda **more: trail.list_insights_data(InsightSource=arn, DataType="InsightsEvents", **more)["Events"]
    [event] = wait(listed, seconds=180)
    record = json.loads(event["CloudTrailEvent"])
    details = record["insightDetails"]
    assert (details["state"], details["eventSource"], details["eventName"]) == ("Start", "s3.amazonaws.com", "GetObject")
    assert (details["sourceEventCategory"], details["insightSource"]) == ("Data", arn)
    assert [it["EventId"] for it in listed(Dimensions={"EventName": "GetObject"})] == [event["EventId"]]
    assert listed(Dimensions={"EventName": "PutObject"}) == []
    assert trail.lookup_events(EventCategory="insight")["Events"] == []
    prefix = f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/us-east-1/"
    [key] = wait(lambda: [it["Key"] for it in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])])
    assert json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()))["Records"] == [record]
    metric = {"EventSource": "s3.amazonaws.com", "EventName": "GetObject", "InsightType": "ApiCallRateInsight", "Period": 60}
    data = trail.list_insights_metric_data(TrailName="watch", **metric)
    assert data["TrailARN"] == arn and sum(data["Values"]) >= 120
    assert trail.list_insights_metric_data(**metric)["Values"] == []
    refused(lambda: trail.list_insights_data(InsightSource=arn + "x", DataType="InsightsEvents"), "InvalidParameterException")
    # A trail that stops looks no longer, and knows nothing when it looks again.
    trail.put_insight_selectors(TrailName="watch", InsightSelectors=[])
    s3.get_object(Bucket="objects", Key="k")["Body"].read()
    wait(lambda: trail.list_insights_metric_data(TrailName="watch", **metric)["Values"] == [])
    server.stop()


def test_insight_selectors(alone):
    alone.client("s3").create_bucket(Bucket=BUCKET)
    trail = alone.client("cloudtrail")
    arn = trail.create_trail(Name="watch", S3BucketName=BUCKET)["TrailARN"]
    put = lambda *types, **more: trail.put_insight_selectors(
        TrailName="watch", InsightSelectors=[{"InsightType": it} for it in types], **more)
    refused(lambda: trail.get_insight_selectors(TrailName="watch"), "InsightNotEnabledException")
    refused(lambda: put("Something"), "InvalidInsightSelectorsException")
    answer = put("ApiErrorRateInsight")
    assert answer["TrailARN"] == arn and [it["InsightType"] for it in answer["InsightSelectors"]] == ["ApiErrorRateInsight"]
    trail.put_event_selectors(TrailName="watch", EventSelectors=[{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}])
    refused(lambda: put("ApiCallRateInsight"), "InvalidInsightSelectorsException")
    refused(lambda: put("ApiErrorRateInsight", InsightsDestination="xxx"), "InvalidParameterCombinationException")
    assert put()["InsightSelectors"] == []
    refused(lambda: trail.get_insight_selectors(TrailName="watch"), "InsightNotEnabledException")
    metric = lambda **more: trail.list_insights_metric_data(
        **{"EventSource": "iam.amazonaws.com", "EventName": "CreateUser", "InsightType": "ApiCallRateInsight", **more})
    assert metric()["Values"] == []
    assert len(metric(DataType="FillWithZeros")["Values"]) in (90 * 24, 90 * 24 + 1)
    page = metric(DataType="FillWithZeros", MaxResults=100)
    assert len(page["Values"]) == 100 and len(metric(DataType="FillWithZeros", MaxResults=100, NextToken=page["NextToken"])["Values"]) == 100
    refused(lambda: metric(Period=61), "InvalidParameterException")
    refused(lambda: metric(InsightType="ApiErrorRateInsight"), "InvalidParameterException")
    with pytest.raises(ClientError):
        metric(NextToken="token")

"""Event selectors through boto3, every field and operator: what each trail gets of the same calls is what a plain reading of the
records says, and the bounds of AWS hold."""

import gzip
import json

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, Pugmark, refused

BUCKET = "selected"
OTHER, SECRET = "AKIAOTHEROTHEROTHERO", "other/secret/other/secret/other/secret/xx"
ENDPOINT = "vpce-0a1b2c3d"
SERVICES = {f"{name}.amazonaws.com" for name in ("iam", "kms", "s3", "dynamodb")}


def arns(record):
    return [resource.get("ARN", "") for resource in record.get("resources", [])]


def is_of(category):
    return lambda record: record["eventCategory"] == category


management, network = is_of("Management"), is_of("NetworkActivity")
objects = lambda record: record["eventCategory"] == "Data" and record["eventSource"] == "s3.amazonaws.com"
items = lambda record: record["eventCategory"] == "Data" and record["eventSource"] == "dynamodb.amazonaws.com"
of_object = lambda test: lambda record: objects(record) and any(test(arn) for arn in arns(record))


def basic(**selector):
    return {"EventSelectors": [selector]}


def advanced(category, kind=None, **fields):
    """One advanced selector; a field is given as `name__Operator` with `_` for the dots in its name."""
    found = {"eventCategory": {"Equals": [category]}}
    if kind:
        found["resources.type"] = {"Equals": [kind]}
    for name, values in fields.items():
        field, operator = name.split("__")
        found.setdefault(field.replace("_", "."), {})[operator] = values
    return {"FieldSelectors": [{"Field": field, **operators} for field, operators in found.items()]}


def data(kind="AWS::S3::Object", **fields):
    return {"AdvancedEventSelectors": [advanced("Data", kind, **fields)]}


EVERYTHING = {"AdvancedEventSelectors": [
    advanced("Management"), advanced("Data", "AWS::S3::Object"), advanced("Data", "AWS::DynamoDB::Table"),
    advanced("NetworkActivity", eventSource__Equals=["kms.amazonaws.com"])]}

# Selectors, and what a record must be to be delivered.
CASES = {
    "writes": (basic(ReadWriteType="WriteOnly"), lambda r: management(r) and not r["readOnly"]),
    "reads of one bucket": (
        basic(ReadWriteType="ReadOnly", IncludeManagementEvents=False,
              DataResources=[{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::alpha/"]}]),
        lambda r: of_object(lambda arn: arn.startswith("arn:aws:s3:::alpha/"))(r) and r["readOnly"]),
    "without KMS": (
        basic(ExcludeManagementEventSources=["kms.amazonaws.com"]),
        lambda r: management(r) and r["eventSource"] != "kms.amazonaws.com"),
    "all tables and a prefix": (
        basic(IncludeManagementEvents=False, DataResources=[
            {"Type": "AWS::DynamoDB::Table", "Values": ["arn:aws:dynamodb"]}, {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::beta/k"]}]),
        lambda r: items(r) or of_object(lambda arn: arn.startswith("arn:aws:s3:::beta/k"))(r)),
    "a table": (
        basic(IncludeManagementEvents=False, DataResources=[
            {"Type": "AWS::DynamoDB::Table", "Values": [f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/one"]}]),
        lambda r: items(r) and f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/one" in arns(r)),
    "all buckets": (
        basic(IncludeManagementEvents=False, DataResources=[{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]), objects),
    "eventName Equals": (data(eventName__Equals=["PutObject", "nothing"]), lambda r: objects(r) and r["eventName"] == "PutObject"),
    "eventName NotEquals": (data(eventName__NotEquals=["PutObject"]), lambda r: objects(r) and r["eventName"] != "PutObject"),
    "eventName StartsWith or EndsWith": (
        data("AWS::DynamoDB::Table", eventName__StartsWith=["Put"], eventName__EndsWith=["nothing"]),
        lambda r: items(r) and r["eventName"].startswith("Put")),
    "eventName selected and deselected": (
        data(eventName__EndsWith=["Object"], eventName__NotStartsWith=["Put", "Delete"]),
        lambda r: objects(r) and r["eventName"] == "GetObject"),
    "resources.ARN Equals": (
        data(resources_ARN__Equals=["arn:aws:s3:::alpha/k/one"]), of_object(lambda arn: arn == "arn:aws:s3:::alpha/k/one")),
    "resources.ARN StartsWith, NotEndsWith": (
        data(resources_ARN__StartsWith=["arn:aws:s3:::alpha/"], resources_ARN__NotEndsWith=["two"]),
        of_object(lambda arn: arn.startswith("arn:aws:s3:::alpha/") and not arn.endswith("two"))),
    "resources.ARN NotEquals": (
        data(resources_ARN__NotEquals=["arn:aws:s3:::alpha/k/one"], eventName__Equals=["GetObject", "PutObject"]),
        lambda r: objects(r) and r["eventName"] in ("GetObject", "PutObject") and "arn:aws:s3:::alpha/k/one" not in arns(r)),
    "readOnly": (data(readOnly__Equals=["true"]), lambda r: objects(r) and r["readOnly"]),
    "userIdentity.arn EndsWith": (
        data(userIdentity_arn__EndsWith=[":user/other"]), lambda r: objects(r) and r["userIdentity"]["arn"].endswith(":user/other")),
    "userIdentity.arn NotEquals": (
        data(userIdentity_arn__NotEquals=[f"arn:aws:iam::{ACCOUNT}:root"]),
        lambda r: objects(r) and r["userIdentity"]["arn"] != f"arn:aws:iam::{ACCOUNT}:root"),
    "eventSource and eventType": (
        data(eventSource__Equals=["s3.amazonaws.com"], eventType__Equals=["AwsApiCall"], eventName__NotEndsWith=["Objects"]), objects),
    "sessionCredentialFromConsole": (data(sessionCredentialFromConsole__NotEquals=["true"]), objects),
    "management without KMS, writes": (
        {"AdvancedEventSelectors": [advanced("Management", eventSource__NotEquals=["kms.amazonaws.com"], readOnly__Equals=["false"])]},
        lambda r: management(r) and r["eventSource"] != "kms.amazonaws.com" and not r["readOnly"]),
    "network": (
        {"AdvancedEventSelectors": [advanced("NetworkActivity", eventSource__Equals=["kms.amazonaws.com"],
                                             eventName__NotStartsWith=["List"], vpcEndpointId__Equals=[ENDPOINT])]},
        lambda r: network(r) and r["eventName"] == "CreateKey"),
    "any of several": (
        {"AdvancedEventSelectors": [advanced("Management", readOnly__Equals=["true"]), advanced("Data", "AWS::DynamoDB::Table")]},
        lambda r: items(r) or management(r) and r["readOnly"]),
}


def test_trails_get_what_their_selectors_say(tmp_path, moto):
    moto.reset()
    settings = f"""
[[vpc_endpoints]]
id = "{ENDPOINT}"
account_id = "{ACCOUNT}"
networks = ["127.0.0.0/8"]
[[principals]]
access_key_id = "{OTHER}"
secret_access_key = "{SECRET}"
arn = "arn:aws:iam::{ACCOUNT}:user/other"
policies = ["AdministratorAccess"]
"""
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s", config=settings).start()
    client = server.client
    s3, trail = client("s3"), client("cloudtrail")
    for bucket in (BUCKET, "alpha", "beta"):
        s3.create_bucket(Bucket=bucket)
    for table in ("one", "two"):
        moto.client("dynamodb").create_table(
            TableName=table, KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])

    def calls(turn):
        client("iam").create_user(UserName=f"user-{turn}")
        client("iam").list_users()
        client("kms").create_key()
        client("kms").list_keys()
        for credentials in ({}, {"aws_access_key_id": OTHER, "aws_secret_access_key": SECRET}):
            for bucket, key in (("alpha", "k/one"), ("alpha", "k/two"), ("beta", "k"), ("beta", "other")):
                client("s3", **credentials).put_object(Bucket=bucket, Key=key, Body=b"")
                client("s3", **credentials).get_object(Bucket=bucket, Key=key)
        client("s3").delete_object(Bucket="beta", Key="other")
        for table in ("one", "two"):
            client("dynamodb").put_item(TableName=table, Item={"k": {"S": "k"}})
            client("dynamodb").get_item(TableName=table, Key={"k": {"S": "k"}})

    names = list(CASES)
    turns = [names[at:at + 4] for at in range(0, len(names), 4)]
    for turn, cases in enumerate(turns):
        for number, selectors in enumerate([EVERYTHING, *(CASES[name][0] for name in cases)]):
            name = f"turn-{turn}.{number}"
            trail.create_trail(Name=name, S3BucketName=BUCKET, S3KeyPrefix=name)
            put = trail.put_event_selectors(TrailName=name, **selectors)
            [kind] = selectors
            assert (kind in put) and trail.get_trail(Name=name)["Trail"]["HasCustomEventSelectors"]
            trail.start_logging(Name=name)
        calls(turn)
        for number in range(len(cases) + 1):
            trail.delete_trail(Name=f"turn-{turn}.{number}")
    server.stop()

    plain = moto.client("s3")

    def records(prefix):
        found = []
        for page in plain.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/"):
            for item in page.get("Contents", []):
                if item["Key"].endswith(".gz"):
                    found += json.loads(gzip.decompress(plain.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()))["Records"]
        return [record for record in found if record["eventSource"] in SERVICES]
    for turn, cases in enumerate(turns):
        everything = records(f"turn-{turn}.0")
        assert {"Management", "Data", "NetworkActivity"} == {record["eventCategory"] for record in everything}
        for number, name in enumerate(cases, start=1):
            wanted = sorted(record["eventID"] for record in everything if CASES[name][1](record))
            assert 0 < len(wanted) < len(everything), name
            found = records(f"turn-{turn}.{number}")
            assert sorted(record["eventID"] for record in found) == wanted, (name, [record["eventName"] for record in found])


def test_the_bounds_of_selectors(alone):
    alone.client("s3").create_bucket(Bucket=BUCKET)
    trail = alone.client("cloudtrail")
    arn = trail.create_trail(Name="bounds", S3BucketName=BUCKET)["TrailARN"]
    put = lambda **selectors: trail.put_event_selectors(TrailName="bounds", **selectors)
    invalid = "InvalidEventSelectorsException"
    assert trail.get_event_selectors(TrailName="bounds") | {"ResponseMetadata": 0} == {
        "TrailARN": arn, "ResponseMetadata": 0, "EventSelectors": [{
            "ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [], "ExcludeManagementEventSources": []}]}
    put(EventSelectors=[{}] * 5)
    refused(lambda: put(EventSelectors=[{}] * 6), invalid)
    refused(lambda: put(EventSelectors=[]), invalid)
    refused(lambda: put(), invalid)
    resources = lambda count: [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::bucket/{n}" for n in range(count)]}]
    put(EventSelectors=[{"DataResources": resources(200)}, {"DataResources": resources(50)}])
    with pytest.raises(ClientError) as error:
        put(EventSelectors=[{"DataResources": resources(200)}, {"DataResources": resources(51)}])
    assert error.value.response["Error"] == {
        "Code": invalid, "Message": "Specify a valid number of DataResources.Values (0 to 250) for all your selectors"}
    with pytest.raises(ClientError) as error:
        put(EventSelectors=[{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::*"]}]}])
    assert error.value.response["Error"]["Message"] == "Value arn:aws:s3:::* for DataResources.Values is invalid."
    many = lambda count: data(eventName__Equals=[f"Name{n}" for n in range(count)])
    put(**many(498))  # and two for the category and the type
    refused(lambda: put(**many(499)), invalid)
    # Advanced selectors stand now, and the basic ones are gone; and the other way round.
    assert "EventSelectors" not in trail.get_event_selectors(TrailName="bounds")
    put(EventSelectors=[{}])
    assert "AdvancedEventSelectors" not in trail.get_event_selectors(TrailName="bounds")
    refused(lambda: put(EventSelectors=[{}], AdvancedEventSelectors=many(1)["AdvancedEventSelectors"]), invalid)
    for wrong in (data(eventName__Equals=[]), data(kind=None), data(nothing__Equals=["x"]), data(errorCode__Equals=["VpceAccessDenied"]),
                  data(readOnly__NotEquals=["true"]), data(sessionCredentialFromConsole__StartsWith=["t"]),
                  data(resources_ARN__Equals=["not an ARN"]), data("AWS::Lambda::Function", resources_ARN__Equals=["arn:aws:lambda:us-east-1:123456789012:function:f:1"]),
                  {"AdvancedEventSelectors": [advanced("Management", eventName__Equals=["CreateUser"])]},
                  {"AdvancedEventSelectors": [advanced("Management", eventSource__NotEquals=["s3.amazonaws.com"])]},
                  {"AdvancedEventSelectors": [advanced("NetworkActivity")]},
                  {"AdvancedEventSelectors": [advanced("NetworkActivity", eventSource__Equals=["kms.amazonaws.com"], errorCode__Equals=["AccessDenied"])]},
                  {"AdvancedEventSelectors": [advanced("Insight")]}):
        try:
            put(**wrong)
        except ClientError as error:
            assert error.response["Error"]["Code"] == invalid, error
        except Exception as error:
            assert "Parameter validation failed" in str(error), error
        else:
            raise AssertionError(f"{wrong} was taken")

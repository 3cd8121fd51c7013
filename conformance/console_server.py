"""A Pugmark with real calls in it for the console's tests, screenshots and measurements.

Starts moto and Pugmark, makes calls through them with boto3, prints one line of JSON (addresses and keys), and serves until
its standard input ends. With --plain nothing hostile is among them, for pictures.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from conftest import ACCESS_KEY, ACCOUNT, ROOT, SECRET_KEY, Moto, Pugmark, damage_history

IS_HOSTILE = "--plain" not in sys.argv
READER = {"access_key_id": "AKIACONSOLEREADERXXX", "secret_access_key": "console/reader/console/reader/console/re"}
TEMPORARY = {
    "access_key_id": "ASIACONSOLETEMPORARY", "secret_access_key": "console/temporary/console/temporary/conso",
    "session_token": "console-session-token"}
SETTINGS = f"""
[insights]
learning = "1h"

[[principals]]
access_key_id = "{READER['access_key_id']}"
secret_access_key = "{READER['secret_access_key']}"
arn = "arn:aws:iam::{ACCOUNT}:user/reader"
policies = ["AWSCloudTrail_ReadOnlyAccess"]

[[principals]]
access_key_id = "{TEMPORARY['access_key_id']}"
secret_access_key = "{TEMPORARY['secret_access_key']}"
session_token = "{TEMPORARY['session_token']}"
arn = "arn:aws:sts::{ACCOUNT}:assumed-role/on-call/dora"
policies = ["AdministratorAccess"]
"""

SCRIPT = "<script>window.hacked = true</script><img src=x onerror='window.hacked = true'>"
BACKWARDS = "\u202egnp.evil\u202c \u2066hidden\u2069\u200b\u0007"


def attempt(call, **parameters):
    """Makes a call that may be refused: refusals are events too."""
    try:
        return call(**parameters)
    except ClientError as error:
        return error.response
    except ResponseParserError:
        # moto repeats control characters in XML as they came; the call is recorded all the same.
        return None


def people(server, moto):
    """Users with keys, and roles that they take on: a chain of two."""
    iam = server.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    for name in ("deployer", "auditor-role"):
        attempt(iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), Tags=[{"Key": "team", "Value": "platform"}])
    keys = {}
    for name in ("alice", "bob", "carol"):
        attempt(iam.create_user, UserName=name)
        keys[name] = attempt(iam.create_access_key, UserName=name)["AccessKey"]
    return keys


def client_of(server, service, access_key_id, secret, token=None, region="us-east-1", agent=None):
    config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, user_agent=agent)
    return boto3.client(service, endpoint_url=server.endpoint, region_name=region, aws_access_key_id=access_key_id,
                        aws_secret_access_key=secret, aws_session_token=token, config=config)


def session(server, access_key_id, secret, role, name, token=None):
    sts = client_of(server, "sts", access_key_id, secret, token)
    return attempt(sts.assume_role, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName=name)["Credentials"]


def work(server, key, token=None, rounds=3, agent=None):
    """What somebody does all day."""
    make = lambda service, region="us-east-1": client_of(
        server, service, key["AccessKeyId"], key["SecretAccessKey"], token, region, agent)
    s3, ec2, sqs = make("s3"), make("ec2"), make("sqs", "eu-west-1")
    for number in range(rounds):
        bucket = f"reports-{key['AccessKeyId'][-4:].lower()}-{number}"
        attempt(s3.create_bucket, Bucket=bucket)
        attempt(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        attempt(ec2.run_instances, ImageId="ami-12c6146b", MinCount=1, MaxCount=1, InstanceType="t3.micro")
        attempt(ec2.describe_instances)
        attempt(sqs.create_queue, QueueName=f"jobs-{number}")
        attempt(make("secretsmanager").create_secret, Name=f"db-{key['AccessKeyId']}-{number}", SecretString="hunter2")
        attempt(make("kms").create_key, Description="reports")
        attempt(make("iam").get_role, RoleName="nobody")
        attempt(make("s3").delete_bucket, Bucket="not-there")


def hostile(server):
    """Calls whose every text tries something."""
    long = "A" * 60_000
    agent = f"agent {SCRIPT}"
    key = {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY}
    config = {"agent": agent}
    sqs = client_of(server, "sqs", ACCESS_KEY, SECRET_KEY, **config)
    attempt(sqs.create_queue, QueueName="hostile", tags={SCRIPT: BACKWARDS, "long": long, "mark": BACKWARDS})
    secrets = client_of(server, "secretsmanager", ACCESS_KEY, SECRET_KEY, **config)
    attempt(secrets.create_secret, Name=SCRIPT, Description=long, SecretString="x")
    attempt(secrets.create_secret, Name=f"name {BACKWARDS}", Description=BACKWARDS, SecretString="x")
    iam = client_of(server, "iam", ACCESS_KEY, SECRET_KEY, **config)
    attempt(iam.create_user, UserName="hostile", Tags=[{"Key": "note", "Value": SCRIPT}])
    attempt(iam.delete_user, UserName=SCRIPT)
    attempt(iam.delete_user, UserName=BACKWARDS)
    return key


def hostile_records():
    """Records whose every text is hostile, as a file that somebody imports may hold them."""
    long = "W" * 256 * 1024
    texts = {"script": SCRIPT, "backwards": BACKWARDS, "long-identity": "", "long-call": ""}
    for number, (name, text) in enumerate(texts.items()):
        identity = long if name == "long-identity" else text
        call = long if name == "long-call" else text
        yield {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": text or "IAMUser", "principalId": identity or "x", "arn": identity or "x", "accountId": ACCOUNT,
                "userName": identity or "x", "accessKeyId": identity or "x",
                "sessionContext": {"sourceIdentity": identity or "x", "sessionIssuer": {"userName": text or "x"}},
            },
            "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "eventSource": text or "iam.amazonaws.com",
            "eventName": f"everywhere-{name} {text}", "awsRegion": "us-east-1", "sourceIPAddress": text or "10.0.0.1",
            "userAgent": call or "x", "errorCode": text or "x", "errorMessage": call or "x",
            "requestParameters": {f"key {text}": call or "x", "list": [text, {text or "y": text}]},
            "responseElements": {"value": call or "x"}, "requestID": text or "x",
            "eventID": f"00000000-0000-4000-8000-{number:012}", "readOnly": False,
            "resources": [{"ARN": text or "x", "type": text or "x", "accountId": ACCOUNT}],
            "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": ACCOUNT, "eventCategory": "Management",
        }


def import_hostile(server, folder):
    """Imports them beside what is recorded."""
    file = pathlib.Path(folder) / "hostile.json"
    file.write_text(json.dumps({"Records": list(hostile_records())}))
    server.pugmark("import", str(file), "--data-dir", str(server.data_dir))


def trails(server):
    s3, trail = server.client("s3"), server.client("cloudtrail")
    s3.create_bucket(Bucket="audit-logs")
    trail.create_trail(Name="main", S3BucketName="audit-logs", IsMultiRegionTrail=True, EnableLogFileValidation=True,
                       TagsList=[{"Key": "team", "Value": "security"}])
    trail.start_logging(Name="main")
    trail.put_insight_selectors(TrailName="main", InsightSelectors=[
        {"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}])
    trail.create_trail(Name="archive", S3BucketName="audit-logs", S3KeyPrefix="archive")
    s3.create_bucket(Bucket="doomed")
    trail.create_trail(Name="broken", S3BucketName="doomed", EnableLogFileValidation=True)
    trail.start_logging(Name="broken")


def destinations(moto):
    """What the upstream has for a trail that uses all of it: an organization, a KMS key, an SNS topic, a log group, a role."""
    organizations = moto.client("organizations")
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    organizations.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    kms = moto.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/trails", TargetKeyId=key)
    moto.client("logs").create_log_group(logGroupName="trails")
    return {
        "organization": organization, "key": key, "keyAlias": "alias/trails",
        "topic": moto.client("sns").create_topic(Name="log-files")["TopicArn"], "topicName": "log-files",
        "logGroup": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trails:*",
        "logRole": f"arn:aws:iam::{ACCOUNT}:role/CloudTrail_CloudWatchLogs_Role",
    }


def damaged(folder):
    """A server that lost the events of its first life, and recorded others since."""
    server = Pugmark(pathlib.Path(folder) / "damaged").start()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="lost")
    server.stop()
    damage_history(server)
    server.start()
    server.client("s3").create_bucket(Bucket="kept")
    return server


def usual(data_dir):
    """Ten days of one CreateUser every two minutes, as Insights would have learnt them."""
    state = pathlib.Path(data_dir) / "insights" / "state"
    state.parent.mkdir(parents=True, mode=0o700)
    seed = ["cargo", "run", "-q", "-p", "pugmark-insights", "--example", "usual", "--", str(state), ACCOUNT, "us-east-1",
            "iam.amazonaws.com", "CreateUser"]
    subprocess.run(seed, cwd=ROOT, check=True, stdout=sys.stderr)


def seed(server, moto):
    keys = people(server, moto)
    for name, key in keys.items():
        work(server, key, rounds=2, agent=f"aws-cli/2.30.1 md/{name}")
    alice = keys["alice"]
    first = session(server, alice["AccessKeyId"], alice["SecretAccessKey"], "deployer", "alice-deploys")
    second = session(server, first["AccessKeyId"], first["SecretAccessKey"], "auditor-role", "night-audit", first["SessionToken"])
    work(server, first, first["SessionToken"], rounds=1, agent="Terraform/1.9 (+https://www.terraform.io)")
    work(server, second, second["SessionToken"], rounds=1)
    iam = client_of(server, "iam", second["AccessKeyId"], second["SecretAccessKey"], second["SessionToken"])
    attempt(iam.create_user, UserName="made-by-a-chain")
    if IS_HOSTILE:
        hostile(server)
    trails(server)
    # Unusual: a burst.
    iam = server.client("iam")
    for number in range(120):
        attempt(iam.create_user, UserName=f"burst-{number}")
    # The bucket of one trail goes away behind its back.
    direct = moto.client("s3")
    for item in direct.list_objects_v2(Bucket="doomed").get("Contents", []):
        direct.delete_object(Bucket="doomed", Key=item["Key"])
    attempt(direct.delete_bucket, Bucket="doomed")
    return second


def client_key(principal):
    """A principal's key by the names that JavaScript's clients give its parts."""
    names = {"access_key_id": "accessKeyId", "secret_access_key": "secretAccessKey", "session_token": "sessionToken"}
    return {names[name]: value for name, value in principal.items()}


def main():
    with tempfile.TemporaryDirectory(prefix="pugmark-console-") as folder:
        serve(folder)


def serve(folder):
    moto = Moto().start()
    server = Pugmark(
        pathlib.Path(folder) / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s", "--digest-interval", "3s",
        config=SETTINGS)
    servers = [server]
    try:
        usual(server.data_dir)
        server.start()
        chain = seed(server, moto)
        if IS_HOSTILE:
            import_hostile(server, folder)
        servers.append(damaged(folder))
        facts = {
            "admin": server.admin, "api": server.endpoint, "upstream": moto.endpoint, "accessKeyId": ACCESS_KEY, "secretAccessKey": SECRET_KEY,
            "reader": client_key(READER), "temporary": client_key(TEMPORARY), "account": ACCOUNT,
            "upstreams": {"accessKeyId": chain["AccessKeyId"], "secretAccessKey": chain["SecretAccessKey"],
                          "sessionToken": chain["SessionToken"]},
            "destinations": destinations(moto), "damaged": {"admin": servers[-1].admin, "api": servers[-1].endpoint},
        }
        print(json.dumps(facts, default=str), flush=True)
        sys.stdin.read()
    finally:
        for server in servers:
            server.stop()
        moto.stop()


if __name__ == "__main__":
    main()

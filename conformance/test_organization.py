"""Organization trails: accounts from moto's Organizations, calls of members, their folders and digests."""

import contextlib
import gzip
import json

import pytest

from conftest import ACCOUNT, Pugmark, refused, wait

BUCKET = "organization"
MEMBER, SECRET = "AKIAMEMBERMEMBERMEMB", "member/secret/member/secret/member/secret"


def principal(account, key):
    return f"""
[[principals]]
access_key_id = "{key}"
secret_access_key = "{SECRET}"
arn = "arn:aws:iam::{account}:user/member"
policies = ["AdministratorAccess"]
"""


@pytest.fixture
def organizations(moto):
    moto.reset()
    return moto.client("organizations")


@contextlib.contextmanager
def settled(tmp_path, members):
    """A server whose settings name an organization, the first of whose members has a principal."""
    config = f"""
[organization]
id = "o-settings00"
members = {json.dumps(members)}
""" + principal(members[0], MEMBER)
    server = Pugmark(tmp_path / "data", "--delivery-interval", "1s", config=config).start()
    try:
        yield server
    finally:
        server.stop()


def added(server, account):
    """Credentials of a new principal of an account, of a server that runs."""
    made = server.pugmark("principals", "add", "member", "--account-id", account, "--policy", "AdministratorAccess",
                          "--data-dir", str(server.data_dir)).stdout
    keys = dict(line.removeprefix("export ").split("=", 1) for line in made.splitlines() if line.startswith("export "))
    return dict(aws_access_key_id=keys["AWS_ACCESS_KEY_ID"], aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"])


def test_members_are_recorded_and_see_the_trail(organizations, moto, tmp_path):
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    organizations.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    member = organizations.create_account(AccountName="one", Email="one@example.com")["CreateAccountStatus"]["AccountId"]
    config = principal(member, MEMBER) + principal("999988887777", "AKIASTRANGESTRANGEST")
    server = Pugmark(
        tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s", "--digest-interval", "4s", config=config)
    server.start()
    try:
        s3, trail = moto.client("s3"), server.client("cloudtrail")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_policy(Bucket=BUCKET, Policy=server.pugmark(
            "bucket-policy", "all", "--bucket", BUCKET, "--organization-id", organization).stdout)
        made = trail.create_trail(
            Name="all", S3BucketName=BUCKET, IsMultiRegionTrail=True, IsOrganizationTrail=True, EnableLogFileValidation=True)
        assert made["IsOrganizationTrail"]
        trail.start_logging(Name="all")
        as_member = dict(aws_access_key_id=MEMBER, aws_secret_access_key=SECRET)
        server.client("iam", **as_member).create_user(UserName="of-member")
        server.client("iam").create_user(UserName="of-management")

        def users():
            found = {}
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"AWSLogs/{organization}/"):
                for item in page.get("Contents", []):
                    account, folder = item["Key"].split("/")[2:4]
                    if folder != "CloudTrail" or not item["Key"].endswith(".gz"):
                        continue
                    for record in json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()))["Records"]:
                        assert record["recipientAccountId"] == account, "accounts are never mixed"
                        if record["eventName"] == "CreateUser":
                            found.setdefault(account, []).append(record["requestParameters"]["userName"])
            return found
        wait(lambda: users() == {member: ["of-member"], ACCOUNT: ["of-management"]})

        # The member sees the trail, by its ARN, and cannot change it.
        theirs = server.client("cloudtrail", **as_member)
        arn = made["TrailARN"]
        assert [it["TrailARN"] for it in theirs.describe_trails()["trailList"]] == [arn]
        assert theirs.describe_trails(includeShadowTrails=False)["trailList"] == []
        assert theirs.get_trail(Name=arn)["Trail"]["IsOrganizationTrail"]
        refused(lambda: theirs.stop_logging(Name=arn), "NotOrganizationMasterAccountException")
        refused(lambda: theirs.delete_trail(Name=arn), "NotOrganizationMasterAccountException")
        refused(
            lambda: theirs.create_trail(Name="mine", S3BucketName=BUCKET, IsOrganizationTrail=True),
            "NotOrganizationMasterAccountException")

        # The member's digests are a chain of their own.
        def digests():
            found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"AWSLogs/{organization}/{member}/CloudTrail-Digest/").get("Contents", [])
            return [item["Key"] for item in found]
        wait(lambda: len(digests()) >= 3)
        done = server.pugmark(
            "validate-logs", "--trail-arn", arn, "--start-time", "1h", "--account-id", member, "--organization-id", organization)
        assert "log files valid" in done.stdout and "INVALID" not in done.stdout + done.stderr, done.stdout

        # An account that joins, while the server runs, is recorded from then on; a stranger is not, and sees nothing.
        joined = organizations.create_account(AccountName="two", Email="two@example.com")["CreateAccountStatus"]["AccountId"]
        as_joined = added(server, joined)
        wait(lambda: server.client("cloudtrail", **as_joined).describe_trails()["trailList"])
        server.client("iam", **as_joined).create_user(UserName="of-joined")
        as_stranger = dict(aws_access_key_id="AKIASTRANGESTRANGEST", aws_secret_access_key=SECRET)
        refused(lambda: server.client("cloudtrail", **as_stranger).get_trail(Name=arn), "TrailNotFoundException")
        server.client("iam", **as_stranger).create_user(UserName="of-stranger")
        wait(lambda: users() == {member: ["of-member"], ACCOUNT: ["of-management"], joined: ["of-joined"]})
        # It becomes a trail of one account again.
        assert not trail.update_trail(Name="all", IsOrganizationTrail=False)["IsOrganizationTrail"]
        assert theirs.describe_trails()["trailList"] == []
    finally:
        server.stop()


def test_the_organization_can_be_set(tmp_path):
    with settled(tmp_path, ["222233334444"]) as server:
        server.client("s3").create_bucket(Bucket=BUCKET)
        trail = server.client("cloudtrail")
        trail.create_trail(Name="all", S3BucketName=BUCKET, IsOrganizationTrail=True)
        trail.start_logging(Name="all")
        as_member = dict(aws_access_key_id=MEMBER, aws_secret_access_key=SECRET)
        server.client("cloudtrail", **as_member).describe_trails()
        prefix = "AWSLogs/o-settings00/222233334444/CloudTrail/us-east-1/"
        wait(lambda: server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents"))


def test_a_delegated_administrator_manages_the_organizations_trails(tmp_path):
    others = ["222233334444", "333344445555", "444455556666", "555566667777"]
    with settled(tmp_path, others) as server:
        server.client("s3").create_bucket(Bucket=BUCKET)
        management = server.client("cloudtrail")
        delegate = server.client("cloudtrail", aws_access_key_id=MEMBER, aws_secret_access_key=SECRET)
        register = lambda account: management.register_organization_delegated_admin(MemberAccountId=account)
        settings = dict(S3BucketName=BUCKET, IsOrganizationTrail=True)
        refused(lambda: delegate.create_trail(Name="all", **settings), "NotOrganizationMasterAccountException")
        refused(lambda: delegate.register_organization_delegated_admin(MemberAccountId=others[1]), "NotOrganizationManagementAccountException")
        refused(lambda: register(ACCOUNT), "CannotDelegateManagementAccountException")
        refused(lambda: register("999988887777"), "AccountNotFoundException")
        refused(lambda: register("notanaccount"), "InvalidParameterException")
        for account in others[:3]:
            register(account)
        refused(lambda: register(others[0]), "AccountRegisteredException")
        refused(lambda: register(others[3]), "DelegatedAdminAccountLimitExceededException")
        arn = delegate.create_trail(Name="all", **settings)["TrailARN"]
        assert arn == f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/all"
        delegate.start_logging(Name=arn)
        assert delegate.update_trail(Name=arn, IsMultiRegionTrail=True)["IsMultiRegionTrail"]
        refused(lambda: delegate.update_trail(Name=arn, IsOrganizationTrail=False), "NotOrganizationMasterAccountException")
        assert management.get_trail_status(Name="all")["IsLogging"]
        server.stop()
        server.start()
        management = server.client("cloudtrail")
        remove = lambda: management.deregister_organization_delegated_admin(DelegatedAdminAccountId=others[0])
        remove()
        refused(remove, "AccountNotRegisteredException")
        delegate = server.client("cloudtrail", aws_access_key_id=MEMBER, aws_secret_access_key=SECRET)
        refused(lambda: delegate.stop_logging(Name=arn), "NotOrganizationMasterAccountException")


def test_members_read_the_bucket_only_if_it_says_so(tmp_path):
    with settled(tmp_path, ["222233334444"]) as server:
        s3 = server.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        trail = server.client("cloudtrail")
        policy = json.loads(server.pugmark("bucket-policy", "all", "--bucket", BUCKET, "--organization-id", "o-settings00").stdout)
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
        trail.create_trail(Name="all", S3BucketName=BUCKET, IsOrganizationTrail=True)
        trail.start_logging(Name="all")
        as_member = dict(aws_access_key_id=MEMBER, aws_secret_access_key=SECRET)
        server.client("cloudtrail", **as_member).describe_trails()
        prefix = "AWSLogs/o-settings00/222233334444/CloudTrail/us-east-1/"
        [item, *_] = wait(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents"))
        theirs = server.client("s3", **as_member)
        read = lambda: theirs.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
        put = lambda: theirs.put_object(Bucket=BUCKET, Key="forged", Body=b"")
        for call in (read, put, lambda: theirs.list_objects_v2(Bucket=BUCKET), lambda: theirs.get_bucket_policy(Bucket=BUCKET),
                     lambda: theirs.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy)),
                     lambda: theirs.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": item["Key"]})):
            refused(call, "AccessDenied")
        assert theirs.list_buckets()["Buckets"] == []
        head = dict(Bucket=BUCKET, ExpectedBucketOwner="222233334444")
        refused(lambda: s3.head_bucket(**head), "403")
        # The bucket says so, of the member's own folder.
        policy["Statement"].append({
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222233334444:root"}, "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/AWSLogs/o-settings00/222233334444/*"})
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
        assert gzip.decompress(read()).startswith(b'{"Records":[')
        refused(put, "AccessDenied")
        refused(lambda: theirs.get_object(Bucket=BUCKET, Key="AWSLogs/123456789012/CloudTrail/"), "AccessDenied")
        # A denial holds for the owner too, but not for its policy, nor for the trail's own deliveries.
        policy["Statement"].append({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}*"})
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
        refused(lambda: s3.list_objects_v2(Bucket=BUCKET), "AccessDenied")
        refused(read, "AccessDenied")
        delivered = trail.get_trail_status(Name="all")["LatestDeliveryTime"]
        server.client("cloudtrail", **as_member).describe_trails()
        wait(lambda: trail.get_trail_status(Name="all")["LatestDeliveryTime"] > delivered)
        s3.delete_bucket_policy(Bucket=BUCKET)
        assert s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["KeyCount"] > 0
        # A member's bucket is the member's.
        theirs.create_bucket(Bucket="of-member")
        theirs.put_object(Bucket="of-member", Key="k", Body=b"v")
        refused(lambda: s3.get_object(Bucket="of-member", Key="k"), "AccessDenied")
        refused(lambda: s3.create_bucket(Bucket="of-member"), "BucketAlreadyExists")
        assert [bucket["Name"] for bucket in theirs.list_buckets()["Buckets"]] == ["of-member"]


def test_without_organization(alone):
    alone.client("s3").create_bucket(Bucket=BUCKET)
    refused(
        lambda: alone.client("cloudtrail").create_trail(Name="all", S3BucketName=BUCKET, IsOrganizationTrail=True),
        "OrganizationsNotInUseException")

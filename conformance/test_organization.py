"""Organization trails: accounts from moto's Organizations, calls of members, their folders and digests."""

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

        # An account that joins is recorded from then on; a stranger is not, and sees nothing.
        joined = organizations.create_account(AccountName="two", Email="two@example.com")["CreateAccountStatus"]["AccountId"]
        server.stop()
        server.config += principal(joined, "AKIAJOINEDJOINEDJOIN")
        server.start()
        as_joined = dict(aws_access_key_id="AKIAJOINEDJOINEDJOIN", aws_secret_access_key=SECRET)
        wait(lambda: server.client("cloudtrail", **as_joined).describe_trails()["trailList"])
        server.client("iam", **as_joined).create_user(UserName="of-joined")
        as_stranger = dict(aws_access_key_id="AKIASTRANGESTRANGEST", aws_secret_access_key=SECRET)
        refused(lambda: server.client("cloudtrail", **as_stranger).get_trail(Name=arn), "TrailNotFoundException")
        server.client("iam", **as_stranger).create_user(UserName="of-stranger")
        wait(lambda: users() == {member: ["of-member"], ACCOUNT: ["of-management"], joined: ["of-joined"]})
        trail, theirs = server.client("cloudtrail"), server.client("cloudtrail", **as_member)

        # It becomes a trail of one account again.
        assert not trail.update_trail(Name="all", IsOrganizationTrail=False)["IsOrganizationTrail"]
        assert theirs.describe_trails()["trailList"] == []
    finally:
        server.stop()


def test_the_organization_can_be_set(tmp_path):
    config = f"""
[organization]
id = "o-settings00"
members = ["222233334444"]
""" + principal("222233334444", MEMBER)
    server = Pugmark(tmp_path / "data", "--delivery-interval", "1s", config=config).start()
    try:
        server.client("s3").create_bucket(Bucket=BUCKET)
        trail = server.client("cloudtrail")
        trail.create_trail(Name="all", S3BucketName=BUCKET, IsOrganizationTrail=True)
        trail.start_logging(Name="all")
        as_member = dict(aws_access_key_id=MEMBER, aws_secret_access_key=SECRET)
        server.client("cloudtrail", **as_member).describe_trails()
        prefix = "AWSLogs/o-settings00/222233334444/CloudTrail/us-east-1/"
        wait(lambda: server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents"))
    finally:
        server.stop()


def test_a_delegated_administrator_manages_the_organizations_trails(tmp_path):
    others = ["222233334444", "333344445555", "444455556666", "555566667777"]
    config = f"""
[organization]
id = "o-settings00"
members = {json.dumps(others)}
""" + principal(others[0], MEMBER)
    server = Pugmark(tmp_path / "data", "--delivery-interval", "1s", config=config).start()
    try:
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
    finally:
        server.stop()


def test_without_organization(alone):
    alone.client("s3").create_bucket(Bucket=BUCKET)
    refused(
        lambda: alone.client("cloudtrail").create_trail(Name="all", S3BucketName=BUCKET, IsOrganizationTrail=True),
        "OrganizationsNotInUseException")

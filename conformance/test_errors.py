"""Every error that AWS's model names for an operation on trails is produced here by boto3, or has its reason not to be."""

import datetime
import http.server
import json
import threading

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import ACCOUNT, Pugmark

BUCKET = "errors"
MEMBER, SECRET = "AKIAMEMBERMEMBERMEMB", "member/secret/member/secret/member/secret"
STORE = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/0f5a3f4e-1d3a-4c55-8f0a-9a54c2f5a111"
CHANNEL = STORE.replace("eventdatastore", "channel")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/logs"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:group:*"

# Codes that no operation gives, and why.
NEVER = {
    "CloudWatchLogsDeliveryUnavailable": "every Region can deliver to CloudWatch Logs",
    "Conflict": "changes are made one after the other, none is refused for another's sake",
    "InactiveEventDataStore": "there are no event data stores",
    "InsufficientIAMAccessPermission": "there are no service-linked roles",
    "InvalidEventDataStoreCategory": "there are no event data stores",
    "InvalidEventDataStoreStatus": "there are no event data stores",
    "KmsKeyDisabled": "AWS does not use it any more",
    "NoManagementAccountSLRExists": "there are no service-linked roles",
    "OperationNotPermitted": "what is not permitted has a code of its own",
    "TrailNotProvided": "AWS does not use it any more",
    "UnsupportedOperation": "the operations on trails are supported",
}
# Of single operations.
NEVER_OF = {
    ("AddTags", "InvalidTrailName"): "tags hang on ARNs only: a name is no ARN",
    ("RemoveTags", "InvalidTrailName"): "tags hang on ARNs only: a name is no ARN",
    ("ListTags", "InvalidTrailName"): "tags hang on ARNs only: a name is no ARN",
    ("CreateTrail", "InvalidParameter"): "each parameter has a code of its own",
    ("UpdateTrail", "InvalidParameter"): "each parameter has a code of its own",
    ("UpdateTrail", "InvalidEventSelectors"): "selectors are not part of an update",
    ("GetEventConfiguration", "InvalidParameter"): "each parameter has a code of its own",
    ("GetInsightSelectors", "InvalidParameter"): "each parameter has a code of its own",
    ("DeregisterOrganizationDelegatedAdmin", "AccountNotFound"): "what is not registered is told so",
    ("ListInsightsMetricData", "InvalidTrailName"): "the numbers of data events are not there",
    ("PutInsightSelectors", "InvalidParameter"): "each parameter has a code of its own",
    **{("PutInsightSelectors", code): "bucket and key were checked when the trail was given them"
       for code in ("InsufficientEncryptionPolicy", "InsufficientS3BucketPolicy", "Kms", "S3BucketDoesNotExist")},
    **{(operation, "InsufficientDependencyServiceAccessPermission"): "Organizations is not asked"
       for operation in ("DeleteTrail", "PutEventConfiguration", "PutEventSelectors", "StartLogging", "StopLogging")},
}
OPERATIONS = [
    "AddTags", "CreateTrail", "DeleteTrail", "DeregisterOrganizationDelegatedAdmin", "DescribeTrails", "GetEventConfiguration",
    "GetEventSelectors", "GetInsightSelectors", "GetTrail", "GetTrailStatus", "ListInsightsMetricData", "ListPublicKeys",
    "ListTags", "ListTrails", "LookupEvents", "PutEventConfiguration", "PutEventSelectors", "PutInsightSelectors",
    "RegisterOrganizationDelegatedAdmin", "RemoveTags",
    "StartLogging", "StopLogging", "UpdateTrail",
]


class Services(http.server.BaseHTTPRequestHandler):
    """SNS, KMS, CloudWatch Logs, STS and Organizations, each with the answer that was asked for last."""

    answers = {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        target = self.headers.get("x-amz-target", "").split(".")[-1] or body.split("Action=")[1].split("&")[0]
        error = self.answers.get(target)
        content = {
            "DescribeOrganization": {"Organization": {
                "Id": "o-exampleorg1", "MasterAccountId": ACCOUNT, "FeatureSet": self.answers.get("features", "ALL")}},
            "ListAWSServiceAccessForOrganization": {"EnabledServicePrincipals": [
                {"ServicePrincipal": "cloudtrail.amazonaws.com"}] if self.answers.get("trusted", True) else []},
            "ListAccounts": {"Accounts": [{"Id": id} for id in (ACCOUNT, "222233334444", "333344445555", "444455556666", "555566667777")]},
            "GenerateDataKeyWithoutPlaintext": {"KeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k", "CiphertextBlob": "AAAA"},
        }.get(target, {})
        is_json = "x-amz-target" in self.headers
        if error and is_json:
            text = json.dumps({"__type": error, "message": "no"})
        elif error:
            text = f"<ErrorResponse><Error><Code>{error}</Code><Message>no</Message></Error></ErrorResponse>"
        elif is_json:
            text = json.dumps(content)
        else:
            credentials = "<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>" \
                          "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
            text = f"<{target}Response><{target}Result>{credentials if 'Assume' in target else ''}</{target}Result></{target}Response>"
        self.send_response(400 if error else 200)
        self.send_header("content-type", self.headers.get("content-type", "text/xml") if is_json else "text/xml")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Services)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{upstream.server_port}"
    services = "[upstream.services]\n" + "".join(f'{name} = "{url}"\n' for name in ("sns", "kms", "logs", "sts", "organizations"))
    member = f"""
[[principals]]
access_key_id = "{MEMBER}"
secret_access_key = "{SECRET}"
arn = "arn:aws:iam::222233334444:user/member"
policies = ["AdministratorAccess"]
"""
    start = lambda name, settings: Pugmark(tmp_path_factory.mktemp(name) / "data", config=settings).start()
    servers = [start("free", services + member), start("alone", ""), start("slow", '[limits]\nrates = "aws"\n')]
    yield servers
    for server in servers:
        server.stop()
    upstream.shutdown()


def cloudtrail(server, region="us-east-1", **options):
    return server.client("cloudtrail", region=region, config=Config(parameter_validation=False), **options)


def test_every_error_of_every_operation(servers):
    server, without_organization, slow = servers
    server.client("s3").create_bucket(Bucket=BUCKET)
    without_organization.client("s3").create_bucket(Bucket=BUCKET)
    here, there = cloudtrail(server), cloudtrail(server, region="eu-west-1")
    member = cloudtrail(server, aws_access_key_id=MEMBER, aws_secret_access_key=SECRET)
    alone, limited = cloudtrail(without_organization), cloudtrail(slow)
    arn = here.create_trail(Name="trail", S3BucketName=BUCKET, IsMultiRegionTrail=True)["TrailARN"]
    everyones = here.create_trail(Name="everyones", S3BucketName=BUCKET, IsOrganizationTrail=True)["TrailARN"]
    seen = {}

    def gives(operation, code, call, answers=None):
        Services.answers = answers or {}
        try:
            call()
        except ClientError as error:
            found = error.response["Error"]["Code"]
        else:
            found = "success"
        finally:
            Services.answers = {}
        assert found == f"{code}Exception", f"{operation}: {found} instead of {code}"
        seen.setdefault(operation, set()).add(code)

    snake = lambda operation: botocore.xform_name(operation)
    named = {"PutEventSelectors": "TrailName", "GetEventSelectors": "TrailName", "PutEventConfiguration": "TrailName",
             "GetEventConfiguration": "TrailName", "GetInsightSelectors": "TrailName", "PutInsightSelectors": "TrailName"}
    more = {"PutEventSelectors": {"EventSelectors": [{}]}, "PutInsightSelectors": {"InsightSelectors": []}}

    def run(client, operation, name):
        return getattr(client, snake(operation))(**{named.get(operation, "Name"): name}, **more.get(operation, {}))

    # What all that name a trail have in common.
    for operation in ("DeleteTrail", "GetEventConfiguration", "GetEventSelectors", "GetInsightSelectors", "GetTrail",
                      "GetTrailStatus", "PutEventConfiguration", "PutEventSelectors", "PutInsightSelectors", "StartLogging",
                      "StopLogging", "UpdateTrail"):
        gives(operation, "TrailNotFound", lambda: run(here, operation, "missing"))
        gives(operation, "InvalidTrailName", lambda: run(here, operation, "no spaces"))
        gives(operation, "CloudTrailARNInvalid", lambda: run(here, operation, "arn:aws:cloudtrail:x"))
        if not operation.startswith("Get"):
            gives(operation, "InvalidHomeRegion", lambda: run(there, operation, arn))
            gives(operation, "NotOrganizationMasterAccount", lambda: run(member, operation, everyones))
            run_limited = lambda: [run(limited, operation, "missing") for _ in range(2)]
            with pytest.raises(ClientError):
                run(limited, operation, "missing")
            gives(operation, "Throttling", run_limited)
    put_insights = lambda **more: here.put_insight_selectors(TrailName="trail", **more)
    gives("PutInsightSelectors", "InvalidInsightSelectors", lambda: put_insights(InsightSelectors=[{"InsightType": "x"}]))
    gives("PutInsightSelectors", "InvalidParameterCombination", lambda: put_insights(InsightSelectors=[], InsightsDestination="x"))
    gives("ListInsightsMetricData", "InvalidParameter", lambda: here.list_insights_metric_data(EventName="x"))
    gives("ListInsightsData", "InvalidParameter", lambda: here.list_insights_data(InsightSource="arn:x", DataType="InsightsEvents"))
    gives("GetInsightSelectors", "InsightNotEnabled", lambda: here.get_insight_selectors(TrailName="trail"))
    gives("GetInsightSelectors", "InvalidParameterCombination", lambda: here.get_insight_selectors(TrailName="trail", EventDataStore=STORE))

    def throttled(call):
        for _ in range(40):
            try:
                call()
            except ClientError as error:
                if error.response["Error"]["Code"] == "ThrottlingException":
                    raise

    gives("GetInsightSelectors", "Throttling", lambda: throttled(lambda: limited.get_insight_selectors(TrailName="missing")))
    gives("CreateTrail", "Throttling", lambda: throttled(lambda: limited.create_trail(Name="new", S3BucketName=BUCKET)))
    gives("DescribeTrails", "InvalidTrailName", lambda: here.describe_trails(trailNameList=["no spaces"]))
    gives("DescribeTrails", "CloudTrailARNInvalid", lambda: here.describe_trails(trailNameList=["arn:aws:cloudtrail:x"]))

    # Selectors and configurations.
    gives("PutEventSelectors", "InvalidEventSelectors", lambda: here.put_event_selectors(TrailName="trail", EventSelectors=[{}] * 6))
    put = lambda **settings: here.put_event_configuration(TrailName="trail", **settings)
    gives("PutEventConfiguration", "InvalidParameterCombination", lambda: put(MaxEventSize="Large"))
    gives("PutEventConfiguration", "InvalidParameter", lambda: put(AggregationConfigurations=[{"EventCategory": "Management"}]))
    gives("GetEventConfiguration", "InvalidParameterCombination", lambda: here.get_event_configuration())
    for operation in ("PutEventConfiguration", "GetEventConfiguration"):
        of_store = lambda store: getattr(here, snake(operation))(EventDataStore=store)
        gives(operation, "EventDataStoreNotFound", lambda: of_store(STORE))
        gives(operation, "EventDataStoreARNInvalid", lambda: of_store("arn:aws:s3:::store"))

    # Making and changing trails.
    for operation in ("CreateTrail", "UpdateTrail"):
        def change(client=here, **settings):
            name = {"Name": "new", "S3BucketName": BUCKET} if operation == "CreateTrail" else {"Name": "trail"}
            return getattr(client, snake(operation))(**{**name, **settings})
        gives(operation, "S3BucketDoesNotExist", lambda: change(S3BucketName="missing"))
        gives(operation, "InvalidS3BucketName", lambda: change(S3BucketName="No_Bucket"))
        gives(operation, "InvalidS3Prefix", lambda: change(S3KeyPrefix="p" * 201))
        gives(operation, "InvalidSnsTopicName", lambda: change(SnsTopicName="no spaces"))
        gives(operation, "InsufficientSnsTopicPolicy", lambda: change(SnsTopicName="topic"), {"Publish": "NotFound"})
        gives(operation, "CloudTrailInvalidClientTokenId", lambda: change(SnsTopicName="topic"), {"Publish": "InvalidClientTokenId"})
        gives(operation, "InvalidKmsKeyId", lambda: change(KmsKeyId="alias/"))
        gives(operation, "KmsKeyNotFound", lambda: change(KmsKeyId=f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k"))
        of_key = lambda code: {"GenerateDataKeyWithoutPlaintext": code, "GenerateDataKey": code}
        gives(operation, "Kms", lambda: change(KmsKeyId="alias/disabled"), of_key("DisabledException"))
        gives(operation, "InsufficientEncryptionPolicy", lambda: change(KmsKeyId="alias/others"), of_key("AccessDeniedException"))
        gives(operation, "InvalidCloudWatchLogsLogGroupArn", lambda: change(CloudWatchLogsLogGroupArn="group", CloudWatchLogsRoleArn=ROLE))
        gives(operation, "InvalidCloudWatchLogsRoleArn",
              lambda: change(CloudWatchLogsLogGroupArn=GROUP, CloudWatchLogsRoleArn=ROLE), {"AssumeRole": "AccessDenied"})
        gives(operation, "InvalidParameterCombination", lambda: change(IsMultiRegionTrail=True, IncludeGlobalServiceEvents=False))
        everyone = lambda client=here: change(client, IsOrganizationTrail=True)
        gives(operation, "OrganizationNotInAllFeaturesMode", everyone, {"features": "CONSOLIDATED_BILLING"})
        gives(operation, "CloudTrailAccessNotEnabled", everyone, {"trusted": False})
        gives(operation, "InsufficientDependencyServiceAccessPermission", everyone, {"DescribeOrganization": "AccessDeniedException"})
        gives(operation, "OrganizationsNotInUse", everyone, {"DescribeOrganization": "AWSOrganizationsNotInUseException"})
    gives("CreateTrail", "NotOrganizationMasterAccount", lambda: member.create_trail(Name="new", S3BucketName=BUCKET, IsOrganizationTrail=True))
    gives("CreateTrail", "InvalidTrailName", lambda: here.create_trail(Name="no spaces", S3BucketName=BUCKET))
    gives("CreateTrail", "TrailAlreadyExists", lambda: here.create_trail(Name="trail", S3BucketName=BUCKET))
    tags = lambda count, **tag: [{"Key": f"k{n}", **tag} for n in range(count)]
    gives("CreateTrail", "TagsLimitExceeded", lambda: here.create_trail(Name="new", S3BucketName=BUCKET, TagsList=tags(51)))
    gives("CreateTrail", "InvalidTagParameter", lambda: here.create_trail(Name="new", S3BucketName=BUCKET, TagsList=tags(1, Value="v" * 257)))
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
    server.client("s3").create_bucket(Bucket="refusing")
    server.client("s3").put_bucket_policy(Bucket="refusing", Policy=json.dumps(policy))
    gives("CreateTrail", "InsufficientS3BucketPolicy", lambda: here.create_trail(Name="new", S3BucketName="refusing"))
    gives("UpdateTrail", "InsufficientS3BucketPolicy", lambda: here.update_trail(Name="trail", S3BucketName="refusing"))
    for number in range(5):
        alone.create_trail(Name=f"trail-{number}", S3BucketName=BUCKET)
    gives("CreateTrail", "MaximumNumberOfTrailsExceeded", lambda: alone.create_trail(Name="new", S3BucketName=BUCKET))

    # Tags.
    for operation in ("AddTags", "RemoveTags", "ListTags"):
        def tag(resource, client=here, tags=({"Key": "k", "Value": "v"},)):
            if operation == "ListTags":
                return client.list_tags(ResourceIdList=[resource])
            return getattr(client, snake(operation))(ResourceId=resource, TagsList=list(tags))
        gives(operation, "ResourceNotFound", lambda: tag(arn.replace("/trail", "/missing")))
        gives(operation, "CloudTrailARNInvalid", lambda: tag("trail"))
        gives(operation, "ResourceTypeNotSupported", lambda: tag(f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:something/else"))
        gives(operation, "EventDataStoreNotFound", lambda: tag(STORE))
        gives(operation, "EventDataStoreARNInvalid", lambda: tag(STORE[:-4]))
        gives(operation, "ChannelARNInvalid", lambda: tag(CHANNEL[:-4]))
        if operation != "ListTags":
            gives(operation, "ChannelNotFound", lambda: tag(CHANNEL))
            gives(operation, "NotOrganizationMasterAccount", lambda: tag(everyones, member))
            gives(operation, "InvalidTagParameter", lambda: tag(arn, tags=[{"Key": ""}]))
    gives("AddTags", "TagsLimitExceeded", lambda: here.add_tags(ResourceId=arn, TagsList=tags(51)))
    gives("ListTags", "InvalidToken", lambda: here.list_tags(ResourceIdList=[arn], NextToken="token"))

    # Delegated administrators.
    for operation, parameter in (("RegisterOrganizationDelegatedAdmin", "MemberAccountId"), ("DeregisterOrganizationDelegatedAdmin", "DelegatedAdminAccountId")):
        call = lambda account="222233334444", client=here: getattr(client, snake(operation))(**{parameter: account})
        gives(operation, "NotOrganizationManagementAccount", lambda: call(client=member))
        gives(operation, "InvalidParameter", lambda: call("twelve digits"))
        gives(operation, "OrganizationNotInAllFeaturesMode", call, {"features": "CONSOLIDATED_BILLING"})
        gives(operation, "CloudTrailAccessNotEnabled", call, {"trusted": False})
        gives(operation, "InsufficientDependencyServiceAccessPermission", call, {"DescribeOrganization": "AccessDeniedException"})
        gives(operation, "OrganizationsNotInUse", call, {"DescribeOrganization": "AWSOrganizationsNotInUseException"})
    register = lambda account: here.register_organization_delegated_admin(MemberAccountId=account)
    gives("RegisterOrganizationDelegatedAdmin", "AccountNotFound", lambda: register("999988887777"))
    gives("RegisterOrganizationDelegatedAdmin", "CannotDelegateManagementAccount", lambda: register(ACCOUNT))
    for account in ("333344445555", "444455556666", "555566667777"):
        register(account)
    gives("RegisterOrganizationDelegatedAdmin", "AccountRegistered", lambda: register("333344445555"))
    gives("RegisterOrganizationDelegatedAdmin", "DelegatedAdminAccountLimitExceeded", lambda: register("222233334444"))
    gives("DeregisterOrganizationDelegatedAdmin", "AccountNotRegistered",
          lambda: here.deregister_organization_delegated_admin(DelegatedAdminAccountId="222233334444"))

    # Looking up.
    now = datetime.datetime.now(datetime.timezone.utc)
    backwards = {"StartTime": now, "EndTime": now - datetime.timedelta(hours=1)}
    gives("ListPublicKeys", "InvalidTimeRange", lambda: here.list_public_keys(**backwards))
    gives("ListPublicKeys", "InvalidToken", lambda: here.list_public_keys(NextToken="token"))
    gives("LookupEvents", "InvalidTimeRange", lambda: here.lookup_events(**backwards))
    gives("LookupEvents", "InvalidLookupAttributes", lambda: here.lookup_events(LookupAttributes=[{"AttributeKey": "x", "AttributeValue": "y"}]))
    gives("LookupEvents", "InvalidMaxResults", lambda: here.lookup_events(MaxResults=51))
    gives("LookupEvents", "InvalidNextToken", lambda: here.lookup_events(NextToken="token"))
    gives("LookupEvents", "InvalidEventCategory", lambda: here.lookup_events(EventCategory="data"))

    model = botocore.session.get_session().get_service_model("cloudtrail")
    missing = []
    for operation in OPERATIONS:
        for shape in model.operation_model(operation).error_shapes:
            code = shape.name.removesuffix("Exception")
            if code not in seen.get(operation, ()) and code not in NEVER and (operation, code) not in NEVER_OF:
                missing.append(f"{operation} {code}")
    assert not missing, missing
    stale = [f"{operation} {code}" for operation, codes in seen.items() for code in codes if code in NEVER or (operation, code) in NEVER_OF]
    assert not stale, stale

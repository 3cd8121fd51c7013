"""Every error that AWS's model names for an operation on trails is produced here by boto3, or has its reason not to be.

The lists are compared with botocore's model: an operation or an error that a new version adds fails the test until somebody
decides what it means here. `pytest -rP conformance/test_errors.py` prints which operation gives which errors.
"""

import datetime
import http.server
import json
import threading

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import ACCOUNT, Pugmark, refused

BUCKET = "errors"
MEMBER, SECRET = "AKIAMEMBERMEMBERMEMB", "member/secret/member/secret/member/secret"
STORE = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/0f5a3f4e-1d3a-4c55-8f0a-9a54c2f5a111"
CHANNEL = STORE.replace("eventdatastore", "channel")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/logs"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:group:*"

# Codes that no operation gives, and why.
NEVER = {
    "InactiveEventDataStore": "there are no event data stores",
    "InsufficientIAMAccessPermission": "there are no service-linked roles",
    "InvalidEventDataStoreCategory": "there are no event data stores",
    "InvalidEventDataStoreStatus": "there are no event data stores",
    "KmsKeyDisabled": "AWS does not use it any more",
    "NoManagementAccountSLRExists": "there are no service-linked roles",
    "OperationNotPermitted": "what is not permitted has a code of its own",
    "TrailNotProvided": "AWS does not use it any more",
    "UnsupportedOperation": "the operations on trails are supported; Insights of event data stores alone are not",
}
# Of single operations.
NEVER_OF = {
    ("CreateTrail", "InvalidParameter"): "each parameter has a code of its own",
    ("UpdateTrail", "InvalidParameter"): "each parameter has a code of its own",
    ("UpdateTrail", "InvalidEventSelectors"): "selectors are not part of an update",
    **{(operation, "InsufficientDependencyServiceAccessPermission"): "a trail that is there is changed without asking Organizations"
       for operation in ("DeleteTrail", "PutEventConfiguration", "PutEventSelectors", "StartLogging", "StopLogging")},
}
OPERATIONS = [
    "AddTags", "CreateTrail", "DeleteTrail", "DeregisterOrganizationDelegatedAdmin", "DescribeTrails", "GetEventConfiguration",
    "GetEventSelectors", "GetInsightSelectors", "GetTrail", "GetTrailStatus", "ListInsightsData", "ListInsightsMetricData",
    "ListPublicKeys",
    "ListTags", "ListTrails", "LookupEvents", "PutEventConfiguration", "PutEventSelectors", "PutInsightSelectors",
    "RegisterOrganizationDelegatedAdmin", "RemoveTags",
    "StartLogging", "StopLogging", "UpdateTrail",
]
# Operations on other things, which are not there yet.
OTHERS = [
    "CancelQuery", "CreateChannel", "CreateDashboard", "CreateEventDataStore", "DeleteChannel", "DeleteDashboard",
    "DeleteEventDataStore", "DeleteResourcePolicy", "DescribeQuery", "DisableFederation", "EnableFederation", "GenerateQuery",
    "GetChannel", "GetDashboard", "GetEventDataStore", "GetImport", "GetQueryResults", "GetResourcePolicy", "ListChannels",
    "ListDashboards", "ListEventDataStores", "ListImportFailures", "ListImports", "ListQueries", "PutResourcePolicy",
    "RestoreEventDataStore", "SearchSampleQueries", "StartDashboardRefresh", "StartEventDataStoreIngestion", "StartImport",
    "StartQuery", "StopEventDataStoreIngestion", "StopImport", "UpdateChannel", "UpdateDashboard", "UpdateEventDataStore",
]


class Services(http.server.BaseHTTPRequestHandler):
    """SNS, KMS, CloudWatch Logs, STS and Organizations, each with the answer that was asked for last."""

    answers = {}
    # What is asked for is answered when `go` is set; `asked` says that it was asked for.
    held, asked, go = None, threading.Event(), threading.Event()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        target = self.headers.get("x-amz-target", "").split(".")[-1] or body.split("Action=")[1].split("&")[0]
        if target == self.held:
            self.asked.set()
            assert self.go.wait(30)
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
    for operation in ("GetInsightSelectors", "PutInsightSelectors"):
        of_store = lambda store: getattr(here, snake(operation))(EventDataStore=store, **more.get(operation, {}))
        gives(operation, "InvalidParameter", lambda: of_store("arn:aws:s3:::store"))
        gives(operation, "UnsupportedOperation", lambda: of_store(STORE))
    gives("ListInsightsMetricData", "InvalidTrailName", lambda: here.list_insights_metric_data(TrailName="no spaces"))
    gives("ListInsightsMetricData", "InvalidParameter", lambda: here.list_insights_metric_data(TrailName="missing"))
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
        gives(operation, "InvalidParameter", lambda: of_store("s" * 257))

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
    # A prefix among the folders of trails is for the bucket's own account.
    gives("CreateTrail", "InvalidS3Prefix", lambda: member.create_trail(Name="new", S3BucketName=BUCKET, S3KeyPrefix="AWSLogs/mine"))
    logs = {"CloudWatchLogsLogGroupArn": GROUP, "CloudWatchLogsRoleArn": ROLE}
    gives("CreateTrail", "CloudWatchLogsDeliveryUnavailable", lambda: alone.create_trail(Name="new", S3BucketName=BUCKET, **logs))
    alone.create_trail(Name="trail-0", S3BucketName=BUCKET)
    gives("UpdateTrail", "CloudWatchLogsDeliveryUnavailable", lambda: alone.update_trail(Name="trail-0", **logs))

    # Insights ask for the bucket and the key once more.
    s3 = server.client("s3")
    for bucket in ("gone", "closed"):
        s3.create_bucket(Bucket=bucket)
    rates = [{"InsightType": "ApiCallRateInsight"}]
    watch = lambda name: here.put_insight_selectors(TrailName=name, InsightSelectors=rates)
    here.create_trail(Name="watched", S3BucketName="gone")
    for item in s3.list_objects_v2(Bucket="gone")["Contents"]:
        s3.delete_object(Bucket="gone", Key=item["Key"])
    s3.delete_bucket(Bucket="gone")
    gives("PutInsightSelectors", "S3BucketDoesNotExist", lambda: watch("watched"))
    here.update_trail(Name="watched", S3BucketName="closed", KmsKeyId="alias/key")
    for code, found in (("DisabledException", "Kms"), ("AccessDeniedException", "InsufficientEncryptionPolicy")):
        gives("PutInsightSelectors", found, lambda: watch("watched"), {"GenerateDataKeyWithoutPlaintext": code, "GenerateDataKey": code})
    watch("watched")
    here.put_insight_selectors(TrailName="watched", InsightSelectors=[])
    s3.put_bucket_policy(Bucket="closed", Policy=json.dumps(policy))
    gives("PutInsightSelectors", "InsufficientS3BucketPolicy", lambda: watch("watched"))
    here.delete_trail(Name="watched")

    # While one change waits for another service, the next is refused.
    def meanwhile(held, change, calls):
        Services.held, found = held, []

        def run_change():
            try:
                change()
            except ClientError as error:
                found.append(error)
        Services.asked.clear(), Services.go.clear()
        thread = threading.Thread(target=run_change)
        thread.start()
        try:
            assert Services.asked.wait(30), found
            for operation, call in calls.items():
                gives(operation, "Conflict", call)
        finally:
            Services.held = None
            Services.go.set()
            thread.join()
        assert not found, found
        for call in calls.values():
            call()
    a_tag = {"ResourceId": arn, "TagsList": [{"Key": "k"}]}
    meanwhile("DescribeKey", lambda: here.update_trail(Name="trail", KmsKeyId="alias/slow"), {
        "UpdateTrail": lambda: here.update_trail(Name="trail", KmsKeyId=""), "StartLogging": lambda: here.start_logging(Name="trail"),
        "StopLogging": lambda: here.stop_logging(Name="trail"), "AddTags": lambda: here.add_tags(**a_tag),
        "RemoveTags": lambda: here.remove_tags(**a_tag),
        "PutEventSelectors": lambda: here.put_event_selectors(TrailName="trail", EventSelectors=[{}]),
        "PutEventConfiguration": lambda: put(AggregationConfigurations=[]),
    })
    here.create_trail(Name="other", S3BucketName=BUCKET)
    meanwhile("DescribeKey", lambda: here.update_trail(Name="other", KmsKeyId="alias/slow"), {
        "DeleteTrail": lambda: here.delete_trail(Name="other")})
    Services.held = "DescribeKey"
    Services.asked.clear(), Services.go.clear()
    slow_one = threading.Thread(target=lambda: here.create_trail(Name="slow", S3BucketName=BUCKET, KmsKeyId="alias/slow"))
    slow_one.start()
    assert Services.asked.wait(30)
    gives("CreateTrail", "Conflict", lambda: here.create_trail(Name="slow", S3BucketName=BUCKET))
    Services.held = None
    Services.go.set()
    slow_one.join()
    here.delete_trail(Name="slow")
    enlist = lambda account: here.register_organization_delegated_admin(MemberAccountId=account)
    discharge = lambda account: here.deregister_organization_delegated_admin(DelegatedAdminAccountId=account)
    meanwhile("DescribeOrganization", lambda: enlist("333344445555"), {
        "RegisterOrganizationDelegatedAdmin": lambda: enlist("222233334444"),
        "DeregisterOrganizationDelegatedAdmin": lambda: discharge("222233334444")})
    discharge("333344445555")

    for number in range(1, 5):
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
        gives(operation, "InvalidTrailName", lambda: tag(arn.replace("/trail", "/no spaces")))
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
    gives("DeregisterOrganizationDelegatedAdmin", "AccountNotRegistered", lambda: discharge("222233334444"))
    gives("DeregisterOrganizationDelegatedAdmin", "AccountNotFound", lambda: discharge("999988887777"))

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
    modelled = {operation: {shape.name.removesuffix("Exception") for shape in model.operation_model(operation).error_shapes}
             for operation in OPERATIONS}
    why = lambda operation, code: NEVER_OF.get((operation, code)) or NEVER.get(code)
    missing = [f"{operation} {code}" for operation, codes in modelled.items()
               for code in codes - seen.get(operation, set()) if not why(operation, code)]
    assert not missing, missing
    stale = [f"{operation} {code}" for operation, codes in seen.items() for code in codes if (operation, code) in NEVER_OF]
    assert not stale, stale
    foreign = [f"{operation} {code}" for operation, codes in seen.items() for code in codes - modelled[operation]]
    assert not foreign, f"no client knows these errors of these operations: {foreign}"
    for operation in OPERATIONS:
        print(f"{operation}: {', '.join(sorted(seen.get(operation, ())))}")
        for code in sorted(modelled[operation] - seen.get(operation, set())):
            print(f"    never {code}: {why(operation, code)}")


def test_every_operation_of_the_model_is_known(servers):
    model = botocore.session.get_session().get_service_model("cloudtrail")
    assert set(model.operation_names) == set(OPERATIONS) | set(OTHERS)
    client = cloudtrail(servers[1])
    for operation in OTHERS:
        refused(lambda: getattr(client, botocore.xform_name(operation))(), "UnsupportedOperationException")


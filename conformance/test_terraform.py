"""Terraform's AWS provider: the configurations of its acceptance tests for `aws_cloudtrail` each apply over the one before,
a second plan is empty, and so is one that imports the trail; at last it is destroyed.

Needs the `terraform` binary and a local mirror of the provider (TF_PLUGIN_MIRROR, else /opt/tf-plugins); skipped, with
the reason printed, where they are absent.
"""

import json
import os
import pathlib
import subprocess

import pytest

from conftest import ACCESS_KEY, SECRET_KEY, Pugmark, has

MIRROR = pathlib.Path(os.environ.get("TF_PLUGIN_MIRROR", "/opt/tf-plugins"))

pytestmark = [
    pytest.mark.skipif(not has("terraform"), reason="no terraform binary on the path"),
    pytest.mark.skipif(not (MIRROR / "registry.terraform.io").exists(), reason=f"no provider mirror in {MIRROR}"),
]

PROVIDER = """
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
provider "aws" {{
  region = "us-east-1"
  access_key = "{key}"
  secret_key = "{secret}"
  skip_credentials_validation = true
  skip_requesting_account_id = true
  skip_metadata_api_check = true
  skip_region_validation = true
  s3_use_path_style = true
  {more}
  endpoints {{
    s3 = "{endpoint}"
    cloudtrail = "{endpoint}"
    sts = "{endpoint}"
    iam = "{endpoint}"
  }}
}}
"""

BUCKET = """
resource "aws_s3_bucket" "trail" {
  bucket = "terraform-trail"
  force_destroy = true
}
"""

TRAIL = """
resource "aws_cloudtrail" "main" {{
  name = "terraform"
  s3_bucket_name = aws_s3_bucket.trail.id
  {body}
}}
"""



def advanced(*selectors):
    """Advanced event selectors: names, each with its fields, their operators and values."""
    field = lambda name, condition: f'''
    field_selector {{
      field = "{name}"
      {condition[0]} = {json.dumps(condition[1])}
    }}'''
    selector = lambda name, fields: f'''
  advanced_event_selector {{
    name = "{name}"{"".join(field(*it) for it in fields.items())}
  }}'''
    return "".join(selector(*it) for it in selectors)


CONFIGURATIONS = {
    "basic": "",
    "settings": """
  s3_key_prefix = "prefix"
  include_global_service_events = false
  enable_log_file_validation = true
  tags = { team = "audit" }""",
    "multi_region": "is_multi_region_trail = true",
    "insight_selector": """
  insight_selector {
    insight_type = "ApiCallRateInsight"
  }
  insight_selector {
    insight_type = "ApiErrorRateInsight"
  }""",
    "insight_selector_removed": "",
    "event_selector": """
  event_selector {
    read_write_type = "All"
    include_management_events = false
    data_resource {
      type = "AWS::S3::Object"
      values = ["arn:aws:s3:::terraform-other/foobar", "arn:aws:s3:::terraform-other/baz"]
    }
  }
  event_selector {
    read_write_type = "ReadOnly"
    data_resource {
      type = "AWS::Lambda::Function"
      values = ["arn:aws:lambda:us-east-1:123456789012:function:terraform"]
    }
  }""",
    "event_selector_dynamodb": """
  event_selector {
    read_write_type = "All"
    include_management_events = true
    data_resource {
      type = "AWS::DynamoDB::Table"
      values = ["arn:aws:dynamodb:us-east-1:123456789012:table/terraform"]
    }
  }""",
    "advanced_event_selector": advanced(
        ("s3Custom", {"eventCategory": ("equals", ["Data"]), "eventName": ("equals", ["DeleteObject"]),
                      "readOnly": ("equals", ["false"]), "resources.type": ("equals", ["AWS::S3::Object"]),
                      "resources.ARN": ("equals", ["arn:aws:s3:::terraform-other/foobar", "arn:aws:s3:::terraform-other/bar"])}),
        ("lambdaLogAllEvents", {"eventCategory": ("equals", ["Data"]), "resources.type": ("equals", ["AWS::Lambda::Function"])}),
        ("dynamoDbReadOnlyEvents", {"eventCategory": ("equals", ["Data"]), "readOnly": ("equals", ["true"]),
                                    "resources.type": ("equals", ["AWS::DynamoDB::Table"])}),
        ("s3OutpostsWriteOnlyEvents", {"eventCategory": ("equals", ["Data"]), "readOnly": ("equals", ["false"]),
                                       "resources.type": ("equals", ["AWS::S3Outposts::Object"])}),
        # The provider knows no fields of network activity events but eventSource, eventName.
        ("operators", {"eventCategory": ("equals", ["Data"]), "resources.type": ("equals", ["AWS::S3::Object"]),
                       "eventName": ("starts_with", ["Put"]), "resources.ARN": ("not_starts_with", ["arn:aws:s3:::logs"]),
                       "userIdentity.arn": ("not_ends_with", [":root"])}),
        ("network", {"eventCategory": ("equals", ["NetworkActivity"]), "eventSource": ("equals", ["kms.amazonaws.com"]),
                     "eventName": ("not_equals", ["Decrypt"])}),
        ("excludeList", {"eventCategory": ("equals", ["Management"]),
                         "eventSource": ("not_equals", ["kms.amazonaws.com", "rdsdata.amazonaws.com"])})),
}


# With the services that a trail tells, in moto: topic, log group, role and key are made beside Terraform.
DESTINATIONS = {
    "bucket_policy": "depends_on = [aws_s3_bucket_policy.trail]",
    "sns": """
  depends_on = [aws_s3_bucket_policy.trail]
  sns_topic_name = "arn:aws:sns:us-east-1:123456789012:terraform" """,
    "cloudwatch": """
  depends_on = [aws_s3_bucket_policy.trail]
  cloud_watch_logs_group_arn = "arn:aws:logs:us-east-1:123456789012:log-group:terraform:*"
  cloud_watch_logs_role_arn = "arn:aws:iam::123456789012:role/CloudTrail_CloudWatchLogs_Role" """,
    "kms": """
  depends_on = [aws_s3_bucket_policy.trail]
  kms_key_id = "{key_arn}" """,
    "exclude_kms": """
  depends_on = [aws_s3_bucket_policy.trail]
  event_selector {
    read_write_type = "All"
    include_management_events = true
    exclude_management_event_sources = ["kms.amazonaws.com", "rdsdata.amazonaws.com"]
  }""",
    "organization": """
  depends_on = [aws_s3_bucket_policy.trail]
  is_organization_trail = true
  is_multi_region_trail = true""",
    "tags": """
  depends_on = [aws_s3_bucket_policy.trail]
  tags = { team = "audit", stage = "test" }""",
    "tags_changed": """
  depends_on = [aws_s3_bucket_policy.trail]
  enable_logging = false
  tags = { team = "security" }""",
}

IMPORT = """
import {
  to = aws_cloudtrail.main
  id = "arn:aws:cloudtrail:us-east-1:123456789012:trail/terraform"
}
"""

POLICY = """
resource "aws_s3_bucket_policy" "trail" {
  bucket = aws_s3_bucket.trail.id
  policy = file("${path.module}/policy.json")
}
"""


class Terraform:
    def __init__(self, directory, server, provider=""):
        self.directory, self.server, self.provider = directory, server, provider
        (directory / "cli.tfrc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{ path = "{MIRROR}" }}\n}}\n')

        (directory / "imported").mkdir()

    def write(self, body, more=""):
        provider = PROVIDER.format(key=ACCESS_KEY, secret=SECRET_KEY, endpoint=self.server.endpoint, more=self.provider)
        trail = TRAIL.format(body=body)
        (self.directory / "main.tf").write_text(more + provider + BUCKET + trail)
        alone = trail.replace("aws_s3_bucket.trail.id", '"terraform-trail"').replace("depends_on = [aws_s3_bucket_policy.trail]", "")
        (self.directory / "imported" / "main.tf").write_text(provider + IMPORT + alone)

    def init(self):
        self.run("init", "-input=false")
        self.run("-chdir=imported", "init", "-input=false")

    def check(self, name, body, more=""):
        """The configuration applies, and there is nothing left to change, also for who imports the trail."""
        self.write(body, more)
        self.run("apply", "-auto-approve", "-input=false")
        plan = self.run("plan", "-detailed-exitcode", "-input=false", codes=(0, 2))
        assert plan.returncode == 0, f"{name}: the second plan is not empty\n{plan.stdout}"
        plan = self.run("-chdir=imported", "plan", "-input=false")
        assert "Plan: 1 to import, 0 to add, 0 to change, 0 to destroy." in plan.stdout, f"{name}: import\n{plan.stdout}"

    def run(self, *arguments, codes=(0,)):
        environment = {**os.environ, "TF_CLI_CONFIG_FILE": str(self.directory / "cli.tfrc"), "CHECKPOINT_DISABLE": "1"}
        for name in [name for name in environment if name.startswith("AWS_")]:
            del environment[name]
        done = subprocess.run(["terraform", *arguments, "-no-color"], cwd=self.directory, env=environment,
                              capture_output=True, text=True, timeout=300)
        assert done.returncode in codes, f"terraform {arguments}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done


def test_trails_apply_and_stay(alone, tmp_path):
    directory = tmp_path / "tf"
    directory.mkdir()
    terraform = Terraform(directory, alone)
    terraform.write("")
    terraform.init()
    for name, body in CONFIGURATIONS.items():
        terraform.check(name, body)
    state = json.loads(terraform.run("show", "-json").stdout)
    trail = next(r for r in state["values"]["root_module"]["resources"] if r["type"] == "aws_cloudtrail")
    assert len(trail["values"]["advanced_event_selector"]) == 7
    terraform.run("destroy", "-auto-approve", "-input=false")
    assert alone.client("cloudtrail").describe_trails()["trailList"] == []


def test_destinations_apply_stay_and_import(gateway, moto, tmp_path):
    directory = tmp_path / "tf"
    directory.mkdir()
    moto.client("sns").create_topic(Name="terraform")
    moto.client("logs").create_log_group(logGroupName="terraform")
    key_arn = moto.client("kms").create_key()["KeyMetadata"]["Arn"]
    organizations = moto.client("organizations")
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    organizations.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    policy = gateway.pugmark("bucket-policy", "terraform", "--bucket", "terraform-trail", "--organization-id", organization).stdout
    (directory / "policy.json").write_text(policy)
    terraform = Terraform(directory, gateway)
    terraform.write(DESTINATIONS["bucket_policy"], POLICY)
    terraform.init()
    for name, body in DESTINATIONS.items():
        terraform.check(name, body.replace("{key_arn}", key_arn), POLICY)
    terraform.run("state", "rm", "aws_cloudtrail.main")
    terraform.run("import", "-input=false", "aws_cloudtrail.main", "arn:aws:cloudtrail:us-east-1:123456789012:trail/terraform")
    plan = terraform.run("plan", "-detailed-exitcode", "-input=false", codes=(0, 2))
    assert plan.returncode == 0, f"import: the plan is not empty\n{plan.stdout}"
    terraform.run("destroy", "-auto-approve", "-input=false")
    assert gateway.client("cloudtrail").describe_trails()["trailList"] == []


def test_a_role_is_assumed(moto, tmp_path):
    """A provider with `assume_role` makes a trail as the role's session, which records name."""
    role = "arn:aws:iam::123456789012:role/terraform"
    config = f"""
[[roles]]
arn = "{role}"
policies = ["AWSCloudTrail_FullAccess"]
"""
    moto.reset()
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, config=config).start()
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    server.client("iam").create_role(RoleName="terraform", AssumeRolePolicyDocument=json.dumps(trust))
    directory = tmp_path / "tf"
    directory.mkdir()
    terraform = Terraform(directory, server, f'assume_role {{\n role_arn = "{role}"\n session_name = "ci"\n}}')
    terraform.write("")
    terraform.init()
    terraform.check("role", "tags = { team = \"audit\" }")
    made = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTrail"}])["Events"]
    assert [event["Username"] for event in made] == ["ci"]
    terraform.run("destroy", "-auto-approve", "-input=false")
    server.stop()

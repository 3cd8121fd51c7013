"""Terraform's AWS provider: `aws_cloudtrail` applies, and a second plan is empty.

Needs the `terraform` binary and a local mirror of the provider (TF_PLUGIN_MIRROR, else /opt/tf-plugins); skipped, with
the reason printed, where they are absent.
"""

import json
import os
import pathlib
import subprocess

import pytest

from conftest import ACCESS_KEY, SECRET_KEY, has

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
  endpoints {{
    s3 = "{endpoint}"
    cloudtrail = "{endpoint}"
    sts = "{endpoint}"
    iam = "{endpoint}"
  }}
}}
resource "aws_s3_bucket" "trail" {{
  bucket = "terraform-trail"
  force_destroy = true
}}
"""

TRAIL = """
resource "aws_cloudtrail" "main" {{
  name = "terraform"
  s3_bucket_name = aws_s3_bucket.trail.id
  {body}
}}
"""

CONFIGURATIONS = {
    "basic": "",
    "settings": """
  s3_key_prefix = "prefix"
  include_global_service_events = false
  enable_log_file_validation = true
  tags = { team = "audit" }""",
    "multi_region": "is_multi_region_trail = true",
    "event_selector": """
  event_selector {
    read_write_type = "WriteOnly"
    include_management_events = true
    data_resource {
      type = "AWS::S3::Object"
      values = ["arn:aws:s3:::"]
    }
  }""",
    "advanced_event_selector": """
  advanced_event_selector {
    name = "puts"
    field_selector {
      field = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field = "eventName"
      starts_with = ["Put"]
    }
  }
  advanced_event_selector {
    field_selector {
      field = "eventCategory"
      equals = ["Management"]
    }
  }""",
}


class Terraform:
    def __init__(self, directory, server):
        self.directory, self.server = directory, server
        (directory / "cli.tfrc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{ path = "{MIRROR}" }}\n}}\n')

    def write(self, body):
        text = PROVIDER.format(key=ACCESS_KEY, secret=SECRET_KEY, endpoint=self.server.endpoint) + TRAIL.format(body=body)
        (self.directory / "main.tf").write_text(text)

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
    terraform.run("init", "-input=false")
    for name, body in CONFIGURATIONS.items():
        terraform.write(body)
        terraform.run("apply", "-auto-approve", "-input=false")
        plan = terraform.run("plan", "-detailed-exitcode", "-input=false", codes=(0, 2))
        assert plan.returncode == 0, f"{name}: the second plan is not empty\n{plan.stdout}"
    state = json.loads(terraform.run("show", "-json").stdout)
    trail = next(r for r in state["values"]["root_module"]["resources"] if r["type"] == "aws_cloudtrail")
    assert len(trail["values"]["advanced_event_selector"]) == 2
    terraform.run("destroy", "-auto-approve", "-input=false")
    assert alone.client("cloudtrail").describe_trails()["trailList"] == []

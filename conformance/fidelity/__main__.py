"""Turns real CloudTrail events back into API calls, makes them, and compares what Pugmark writes down with what AWS wrote.

    python3 conformance/fidelity FOLDER... [--sample N --seed S] [--worst N] [--goals]

Each call is made with boto3 through a Pugmark of its own in front of `moto_server`; a trail delivers what was recorded.
Parameters that AWS hid are sent as a known secret, which must not come back. A call whose parameters AWS left out (most
services do when they deny a call) is made with invented ones, and only what it is called is compared.
With --goals the exit code says whether the goals are met.
"""

import argparse
import collections
import gzip
import json
import pathlib
import random
import re
import sys
import tempfile
import urllib.parse

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent)]

import events  # noqa: E402
import rebuild  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import BotoCoreError, ClientError  # noqa: E402
from botocore.handlers import generate_idempotent_uuid, validate_bucket_name  # noqa: E402
from catalogue.generate import Builder  # noqa: E402
from conftest import ACCOUNT, Moto, Pugmark  # noqa: E402

# What must agree always, and the share of calls in which the rest must.
ALWAYS = ("eventSource", "eventName", "readOnly", "managementEvent", "eventCategory")
GOALS = {**dict.fromkeys(ALWAYS, 1.0), "requestParameters": 0.97, "responseElements": 0.90}
BUCKET = "fidelity-trail"
# Later ones need what earlier ones made.
ORDER = ("Create", "Put", "Register", "Run", "Attach", "Add", "Enable", "")
LAST = ("Remove", "Detach", "Deregister", "Disable", "Delete", "Terminate", "Close", "Leave")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--sample", type=int, help="only so many events")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worst", type=int, default=20, help="how many differences to print")
    parser.add_argument("--goals", action="store_true", help="fail unless the goals are met")
    arguments = parser.parse_args()
    real = list(events.load(arguments.folders))
    if not real:
        sys.exit("no CloudTrail events there")
    if arguments.sample and arguments.sample < len(real):
        real = random.Random(arguments.seed).sample(real, arguments.sample)
    models = rebuild.Models()
    calls, impossible = [], collections.Counter()
    for name, event in real:
        if event.get("eventType") != "AwsApiCall":
            impossible["not an API call"] += 1
            continue
        try:
            service, operation, params = rebuild.rebuild(models, event)
            calls.append(Call(name, event, service, operation, params))
        except rebuild.Impossible as reason:
            invented = invent(models, event)
            if invented:
                calls.append(Call(name, event, *invented, invented=True))
            impossible[str(reason)] += 1
    calls.sort(key=lambda call: order(call.event["eventName"]))
    print(f"{len(real)} distinct events, {sum(not call.invented for call in calls)} rebuilt as calls, "
          f"{sum(call.invented for call in calls)} with invented parameters")
    for reason, count in impossible.most_common():
        print(f"  not rebuilt: {count} {reason}")
    with tempfile.TemporaryDirectory() as directory:
        make(calls, pathlib.Path(directory))
    met = report(calls, arguments.worst)
    if arguments.goals and not met:
        sys.exit("the goals are not met")


def order(name):
    if name.startswith(LAST):
        return len(ORDER)
    return next(place for place, prefix in enumerate(ORDER) if name.startswith(prefix))


def invent(models, event):
    """The call with the least parameters that its model allows."""
    for service, operation in models.operations(event):
        params = {}
        if operation.input_shape is not None:
            params, _ = Builder(False).structure(operation.input_shape, [operation.input_shape.name], True)
        return service, operation, params
    return None


class Call:
    """A call, the event that AWS wrote of such a call, and ours."""

    def __init__(self, file, event, service, operation, params, invented=False):
        self.file, self.event, self.service, self.operation = file, event, service, operation
        self.params, self.invented = params, invented
        self.ours = self.failure = None


def make(calls, directory):
    """Makes the calls and finds the record of each by its user agent."""
    moto = Moto().start()
    # Nobody signs with a web identity or an assertion: the event is the account's of the role.
    roles = {call.params.get("RoleArn", "").split(":")[4] for call in calls if call.operation.name.startswith("AssumeRoleWith")}
    config = f'[organization]\nid = "o-fidelity00"\nmembers = {json.dumps(sorted(roles - {ACCOUNT}))}\n'
    server = Pugmark(directory / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s", config=config)
    try:
        server.start()
        start_trail(server, calls)
        for number, call in enumerate(calls):
            send(server, call, f"fidelity/{number}")
        server.stop()
        reader = Reader(moto)
        for record in reader.records():
            agent = record.get("userAgent", "")
            if agent.startswith("fidelity/"):
                calls[int(agent.split()[0].removeprefix("fidelity/"))].ours = record
    finally:
        server.kill()
        moto.stop()


def start_trail(server, calls):
    """A trail that takes everything: management events, and data events of the types that occur."""
    server.client("s3").create_bucket(Bucket=BUCKET)
    client = server.client("cloudtrail")
    client.create_trail(Name="fidelity", S3BucketName=BUCKET, IsMultiRegionTrail=True, IsOrganizationTrail=True)
    types = {"AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"}
    for call in calls:
        if call.event.get("eventCategory") == "Data":
            types |= {item.get("type") for item in call.event.get("resources") or []} - {None}
    selectors = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]
    for kind in sorted(types):
        fields = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": [kind]}]
        try:
            client.put_event_selectors(TrailName="fidelity", AdvancedEventSelectors=[
                *selectors, {"FieldSelectors": fields}])
            selectors.append({"FieldSelectors": fields})
        except ClientError:
            print(f"  no data events of type {kind}")
    client.start_logging(Name="fidelity")


def send(server, call, agent):
    config = Config(
        user_agent=agent, parameter_validation=False, inject_host_prefix=False, read_timeout=30,
        request_checksum_calculation="when_required", response_checksum_validation="when_required",
    )
    client = server.client(call.service, config=config)
    client.meta.events.unregister("before-parameter-build", generate_idempotent_uuid)
    client.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
    host = (call.event.get("requestParameters") or {}).get("Host")
    if call.service in ("s3", "s3control"):
        invented = "s3.us-east-1.amazonaws.com" if call.service == "s3" else "123456789012.s3-control.us-east-1.amazonaws.com"
        host = host if isinstance(host, str) and not call.invented else invented
        client.meta.events.register("before-sign", lambda request, **_: as_host(request, server, host, call.params))
    try:
        answer = client._make_api_call(call.operation.name, call.params)
        call.status = answer["ResponseMetadata"]["HTTPStatusCode"]
        for value in answer.values():
            if hasattr(value, "close"):
                value.close()
    except ClientError as error:
        call.failure = error.response["Error"].get("Code")
    except BotoCoreError as error:
        call.failure = f"client: {error}"
    except Exception as error:  # noqa: BLE001 - what botocore cannot serialise or parse is told in the report
        call.failure = f"client: {error!r}"


def as_host(request, server, host, params):
    """Addresses the bucket as the real caller did: by host, or by path."""
    request.headers["Host"] = host
    parts = urllib.parse.urlsplit(request.url)
    path, bucket = parts.path, params.get("Bucket")
    if bucket and host.startswith(f"{bucket}."):
        path = path.removeprefix(f"/{bucket}") or "/"
    # The account's prefix of the host stays in the header only.
    request.url = urllib.parse.urlunsplit(parts._replace(path=path, netloc=urllib.parse.urlsplit(server.endpoint).netloc))


class Reader:
    """The trail's log files, read from the upstream itself."""

    def __init__(self, moto):
        import boto3

        self.client = boto3.client(
            "s3", endpoint_url=moto.endpoint, region_name="us-east-1",
            aws_access_key_id="x", aws_secret_access_key="x", config=Config(s3={"addressing_style": "path"}))

    def records(self):
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for item in page.get("Contents", []):
                if item["Key"].endswith(".json.gz") and "/CloudTrail/" in item["Key"]:
                    body = self.client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
                    yield from json.loads(gzip.decompress(body))["Records"]


def compare(call):
    """field → whether it agrees; a field that cannot be compared is not in it."""
    theirs, ours = call.event, call.ours
    agree = {}
    for field in ALWAYS:
        # Older records lack some.
        if field in theirs:
            agree[field] = theirs[field] == ours.get(field)
    if not call.invented:
        agree["requestParameters"] = same_times(theirs.get("requestParameters")) == ours.get("requestParameters")
        if theirs.get("resources") and not call.failure and not theirs.get("errorCode"):
            agree["resources"] = kinds(theirs["resources"]) == kinds(ours.get("resources") or [])
        succeeded = not call.failure and not theirs.get("errorCode")
        if succeeded:
            agree["responseElements"] = keys(theirs.get("responseElements")) == keys(ours.get("responseElements"))
    agree["no secret"] = rebuild.SECRET not in json.dumps(ours)
    return agree


def same_times(value):
    """AWS's hosts print `Jul 3, 2023 1:02:03 PM` with and without a comma after the year, by their Java's age."""
    if isinstance(value, dict):
        return {name: same_times(item) for name, item in value.items()}
    if isinstance(value, list):
        return [same_times(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"^([A-Z][a-z]{2} \d+, \d{4}) (\d+:\d\d:\d\d [AP]M)$", r"\1, \2", value)
    return value


def kinds(resources):
    return sorted(item.get("type") or "" for item in resources if isinstance(item, dict))


def keys(value):
    return sorted(value) if isinstance(value, dict) else value


def paths(theirs, ours, place="", depth=9):
    """How two values differ: `-` is only in AWS's record, `+` only in ours."""
    if isinstance(theirs, dict) and isinstance(ours, dict) and depth:
        for name in sorted(theirs.keys() | ours.keys()):
            inner = f"{place}.{name}" if place else name
            if name not in ours:
                yield f"-{inner}={short(theirs[name])}"
            elif name not in theirs:
                yield f"+{inner}={short(ours[name])}"
            else:
                yield from paths(theirs[name], ours[name], inner, depth - 1)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for item, other in zip(theirs, ours):
            yield from paths(item, other, f"{place}[]", depth)
    elif theirs != ours and depth:
        yield f"{place}: {short(theirs)} is here {short(ours)}"


def short(value):
    text = json.dumps(value)
    return text if len(text) <= 90 else text[:87] + "..."


def report(calls, worst):
    by_field = collections.defaultdict(lambda: [0, 0])
    by_service = collections.defaultdict(lambda: [0, 0])
    differences, missing = [], []
    for call in calls:
        if call.ours is None:
            missing.append(call)
            continue
        for field, agrees in compare(call).items():
            by_field[field][0] += agrees
            by_field[field][1] += 1
            by_service[call.event["eventSource"]][0] += agrees
            by_service[call.event["eventSource"]][1] += 1
            if not agrees:
                differences.append((field, call))
    print(f"\n{'field':<20} {'agree':>6} {'of':>6} {'share':>8} {'goal':>6}")
    met = not missing
    for field, (agree, of) in by_field.items():
        goal = GOALS.get(field)
        met &= goal is None or agree / of >= goal
        met &= field != "no secret" or agree == of
        print(f"{field:<20} {agree:>6} {of:>6} {agree / of:>8.1%} {f'{goal:.0%}' if goal else '':>6}")
    print(f"\n{'service':<44} {'agree':>6} {'of':>6} {'share':>8}")
    for service, (agree, of) in sorted(by_service.items(), key=lambda item: (item[1][0] / item[1][1], item[0])):
        print(f"{service:<44} {agree:>6} {of:>6} {agree / of:>8.1%}")
    for call in missing[:worst]:
        print(f"\nno record: {call.event['eventSource']} {call.event['eventName']} ({call.failure}, {call.file})")
    # What should always agree first; the same difference of the same operation once.
    differences.sort(key=lambda item: (item[0] not in ALWAYS, item[0], item[1].event["eventSource"]))
    told = collections.Counter()
    for field, call in differences:
        source = call.event["eventSource"].removesuffix(".amazonaws.com")
        what = "; ".join(paths(call.event.get(field), call.ours.get(field), depth=1 if field == "responseElements" else 9))
        ended = f"AWS: {call.event.get('errorCode') or 'ok'}, here: {(call.failure or 'ok')[:60]}"
        told[f"{field} {source} {call.event['eventName']} ({ended}): {what}"] += 1
    for text, count in list(told.items())[:worst]:
        print(f"{count:>4} {text}")
    print(f"\n{len(calls)} calls, {len(missing)} without a record, {len(differences)} differences")
    return met


if __name__ == "__main__":
    main()

"""What is away holds up itself alone, is told of in GetTrailStatus, and catches up; no stop leaves a gap between digests."""

import concurrent.futures
import contextlib
import datetime
import gzip
import http.server
import json
import socket
import subprocess
import threading
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, Pugmark, free_port, refused, wait

BUCKET = "outages"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/CloudTrail_CloudWatchLogs_Role"


class Wire:
    """A way to a server that can be cut: then nobody listens there."""

    def __init__(self, to):
        self.to, self.port, self.listener, self.open = to, free_port(), None, []

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def mend(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        return self

    def cut(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = []

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            self.open += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def objects(s3, folder, bucket=BUCKET):
    """Keys of a trail's files, and what is in them, in the order of the keys."""
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"AWSLogs/{ACCOUNT}/{folder}/"):
        for item in page.get("Contents", []):
            if item["Key"].endswith(".gz"):
                found.append((item["Key"], json.loads(gzip.decompress(s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()))))
    return found


def remove(s3, bucket):
    """Takes a bucket away that is written to meanwhile."""
    def gone():
        for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=item["Key"])
        try:
            return s3.delete_bucket(Bucket=bucket)
        except ClientError:
            return False
    wait(gone)


def users(s3, bucket=BUCKET):
    records = [record for _, file in objects(s3, "CloudTrail", bucket) for record in file["Records"]]
    return [record["requestParameters"]["userName"] for record in records if record["eventName"] == "CreateUser"]


def test_what_is_down_holds_up_nothing_else_and_catches_up(tmp_path, moto):
    moto.reset()
    wires = {service: Wire(moto.port).mend() for service in ("s3", "sns", "logs", "events")}
    settings = "[notify]\nevent_bus = true\n[upstream.services]\n" + "".join(
        f'{service} = "{wire.endpoint}"\n' for service, wire in wires.items())
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s", config=settings).start()
    s3, logs, sqs = moto.client("s3"), moto.client("logs"), moto.client("sqs")
    trail, iam = server.client("cloudtrail"), server.client("iam")
    topic = moto.client("sns").create_topic(Name="files")["TopicArn"]
    queues = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("files", "bus")}
    queue_arn = lambda name: f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    moto.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("files"), Attributes={"RawMessageDelivery": "true"})
    moto.client("events").put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.iam"]}))
    moto.client("events").put_targets(Rule="all", Targets=[{"Id": "q", "Arn": queue_arn("bus")}])
    logs.create_log_group(logGroupName="audit")
    for bucket in (BUCKET, "doomed"):
        s3.create_bucket(Bucket=bucket)
    told = {"files": [], "bus": []}

    def received(name):
        while messages := sqs.receive_message(QueueUrl=queues[name], MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                told[name].append(message["Body"])
                sqs.delete_message(QueueUrl=queues[name], ReceiptHandle=message["ReceiptHandle"])
        return told[name]

    def in_group():
        try:
            events = logs.get_log_events(logGroupName="audit", logStreamName=f"{ACCOUNT}_CloudTrail_us-east-1", startFromHead=True)["events"]
        except ClientError:
            return []
        records = [json.loads(event["message"]) for event in events]
        return [record["requestParameters"]["userName"] for record in records if record["eventName"] == "CreateUser"]

    on_bus = lambda: [json.loads(body)["detail"]["requestParameters"]["userName"] for body in received("bus")]
    in_files = lambda: [key for key, _ in objects(s3, "CloudTrail")]
    announced = lambda: [key for body in received("files") if body.startswith("{") for key in json.loads(body)["s3ObjectKey"]]
    places = {"s3": lambda: users(s3), "logs": in_group, "events": on_bus}
    try:
        trail.create_trail(
            Name="all", S3BucketName=BUCKET, SnsTopicName=topic,
            CloudWatchLogsLogGroupArn=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:audit:*", CloudWatchLogsRoleArn=ROLE)
        trail.create_trail(Name="doomed", S3BucketName="doomed")
        for name in ("all", "doomed"):
            trail.start_logging(Name=name)
        made = []

        def everywhere(but=()):
            made.append(f"user-{len(made)}")
            iam.create_user(UserName=made[-1])
            for service, found in places.items():
                if service not in but:
                    wait(lambda: found() == made, seconds=20)
            if "s3" not in but and "sns" not in but:
                wait(lambda: sorted(announced()) == in_files(), seconds=20)
        status = lambda name="all": trail.get_trail_status(Name=name)
        everywhere()
        errors = {"s3": "LatestDeliveryError", "sns": "LatestNotificationError", "logs": "LatestCloudWatchLogsDeliveryError"}
        for service, wire in wires.items():
            wire.cut()
            everywhere(but=[service])
            if service in errors:
                wait(lambda: status().get(errors[service]) == "ServiceUnavailable")
                assert not [error for error in errors.values() if error != errors[service] and error in status()]
            wire.mend()
            wait(lambda: not any(error in status() for error in errors.values()), seconds=90)
            everywhere()

        # A bucket that is gone holds up its own trail.
        remove(s3, "doomed")
        everywhere()
        wait(lambda: status("doomed").get("LatestDeliveryError") == "NoSuchBucket")
        assert "LatestDeliveryError" not in status()
        s3.create_bucket(Bucket="doomed")
        wait(lambda: made[-1] in users(s3, "doomed"), seconds=90)
        wait(lambda: "LatestDeliveryError" not in status("doomed"))
    finally:
        server.stop()
        for wire in wires.values():
            wire.cut()


def test_errors_of_an_earlier_place_are_forgotten(tmp_path, moto):
    moto.reset()
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s").start()
    s3, sns, logs = moto.client("s3"), moto.client("sns"), moto.client("logs")
    trail = server.client("cloudtrail")
    status = lambda: trail.get_trail_status(Name="moving")
    try:
        for bucket in ("first", "second"):
            s3.create_bucket(Bucket=bucket)
        topics = [sns.create_topic(Name=name)["TopicArn"] for name in ("one", "two")]
        logs.create_log_group(logGroupName="audit")
        trail.create_trail(
            Name="moving", S3BucketName="first", SnsTopicName=topics[0],
            CloudWatchLogsLogGroupArn=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:audit:*", CloudWatchLogsRoleArn=ROLE)
        trail.start_logging(Name="moving")
        wait(lambda: "LatestNotificationTime" in status() and "LatestCloudWatchLogsDeliveryTime" in status())
        sns.delete_topic(TopicArn=topics[0])
        logs.delete_log_group(logGroupName="audit")
        server.client("iam").create_user(UserName="a")
        wait(lambda: status().get("LatestNotificationError") == "NotFound" and "LatestCloudWatchLogsDeliveryError" in status())
        # A topic that is not mentioned is asked again; nothing changes then.
        refused(lambda: trail.update_trail(Name="moving", S3BucketName="second"), "InsufficientSnsTopicPolicyException")
        assert trail.get_trail(Name="moving")["Trail"]["S3BucketName"] == "first"
        trail.update_trail(Name="moving", SnsTopicName=topics[1])
        wait(lambda: "LatestNotificationError" not in status())
        trail.update_trail(Name="moving", CloudWatchLogsLogGroupArn="", CloudWatchLogsRoleArn="")
        assert not [field for field in status() if "CloudWatch" in field]
        remove(s3, "first")
        wait(lambda: server.client("iam").create_user(UserName=f"b-{time.time()}") and status().get("LatestDeliveryError") == "NoSuchBucket")
        trail.update_trail(Name="moving", S3BucketName="second")
        wait(lambda: trail.describe_trails() and objects(s3, "CloudTrail", "second"))
    finally:
        server.stop()


def chain(s3):
    """The trail's digests in order; each begins where the one before ended, and names it."""
    found = objects(s3, "CloudTrail-Digest")
    for (key, digest), (_, following) in zip(found, found[1:]):
        assert following["digestStartTime"] == digest["digestEndTime"], f"a gap after {key}"
        assert following["previousDigestS3Object"] == key
    return found


def test_stops_crashes_and_outages_leave_no_gap_between_digests(tmp_path, moto):
    moto.reset()
    wire = Wire(moto.port).mend()
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s", "--digest-interval", "3s",
                     config=f'[upstream.services]\ns3 = "{wire.endpoint}"\n').start()
    s3 = moto.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    moment = lambda text: datetime.datetime.fromisoformat(text)
    now = lambda: datetime.datetime.now(datetime.UTC)
    since = now() - datetime.timedelta(minutes=2)
    arn = server.client("cloudtrail").create_trail(Name="proven", S3BucketName=BUCKET)["TrailARN"]
    server.client("cloudtrail").start_logging(Name="proven")
    server.client("iam").create_user(UserName="before-validation")
    wait(lambda: users(s3))
    # Validation that is switched on later covers what is delivered from then on.
    server.client("cloudtrail").update_trail(Name="proven", EnableLogFileValidation=True)
    made = []

    def call():
        made.append(f"user-{len(made)}")
        server.client("iam").create_user(UserName=made[-1])

    def is_current():
        found = chain(s3)
        return found and now() - moment(found[-1][1]["digestEndTime"]) < datetime.timedelta(seconds=6)
    try:
        call()
        wait(is_current)
        for end, sleep in ((server.stop, 10), (server.kill, 10)):
            call()
            end()
            time.sleep(sleep)
            server.start()
            call()
            wait(is_current, seconds=60)
        wire.cut()
        call()
        wait(lambda: server.client("cloudtrail").get_trail_status(Name="proven").get("LatestDigestDeliveryError")
             or server.client("cloudtrail").get_trail_status(Name="proven").get("LatestDeliveryError"), seconds=20)
        time.sleep(10)
        call()
        wire.mend()
        wait(is_current, seconds=120)
        call()
        server.client("cloudtrail").stop_logging(Name="proven")
        covered = lambda: [file["s3Object"] for _, digest in chain(s3) for file in digest["logFiles"]]
        delivered = lambda: [key for key, file in objects(s3, "CloudTrail")
                             if any("before-validation" not in json.dumps(record) for record in file["Records"])]
        wait(lambda: users(s3) == ["before-validation", *made])
        wait(lambda: set(delivered()) - set(covered()) <= {objects(s3, "CloudTrail")[0][0]}, seconds=60)
        assert len(covered()) == len(set(covered())), "a log file is in one digest"
        found = chain(s3)
        whole = moment(found[-1][1]["digestEndTime"]) - moment(found[0][1]["digestStartTime"])
        assert whole > datetime.timedelta(seconds=30) and len(found) >= 10
        said = server.cli("cloudtrail", "validate-logs", "--trail-arn", arn, "--start-time", since.strftime("%Y-%m-%dT%H:%M:%SZ"), "--verbose")
        assert "INVALID" not in said.stdout + said.stderr and "No log files were delivered" not in said.stdout, said.stdout
        assert f"{len(found)}/{len(found)} digest files valid" in said.stdout, said.stdout
    finally:
        server.stop()
        wire.cut()


class SmallLogs(http.server.BaseHTTPRequestHandler):
    """CloudWatch Logs with a bound of its own, and STS."""

    taken = []
    bound = 20_000
    is_open = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        operation = self.headers.get("x-amz-target", "").split(".")[-1]
        answer, status = "{}", 200
        if operation == "PutLogEvents":
            messages = [event["message"] for event in json.loads(body)["logEvents"]]
            size = max(len(message) for message in messages)
            if not self.is_open:
                status, answer = 503, json.dumps({"__type": "ServiceUnavailableException", "message": "later"})
            elif size > self.bound:
                status = 400
                answer = json.dumps({"__type": "InvalidParameterException",
                                     "message": f"Log event too large: {size} bytes exceeds limit of {self.bound}"})
            else:
                self.taken.extend(json.loads(message) for message in messages)
        elif not operation:
            answer = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s" \
                     "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>" \
                     "</AssumeRoleResult></AssumeRoleResponse>"
        self.send_response(status)
        self.send_header("content-type", self.headers["content-type"] if operation else "text/xml")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


def test_an_event_that_is_too_large_is_left_out_counted_and_told(tmp_path, moto):
    moto.reset()
    SmallLogs.taken.clear()
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SmallLogs)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{upstream.server_port}"
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s",
                     config=f'[upstream.services]\nlogs = "{url}"\nsts = "{url}"\n').start()
    try:
        server.client("s3").create_bucket(Bucket=BUCKET)
        trail, iam = server.client("cloudtrail"), server.client("iam")
        trail.create_trail(
            Name="large", S3BucketName=BUCKET,
            CloudWatchLogsLogGroupArn=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:audit:*", CloudWatchLogsRoleArn=ROLE)
        trail.start_logging(Name="large")
        names = lambda: [record["requestParameters"]["userName"] for record in SmallLogs.taken if record["eventName"] == "CreateUser"]
        SmallLogs.is_open = False  # all wait, so that they come in one batch
        for name in ("one", "x" * 50_000, "two"):
            try:
                iam.create_user(UserName=name)
            except ClientError:
                assert len(name) > 100
        wait(lambda: trail.get_trail_status(Name="large").get("LatestCloudWatchLogsDeliveryError") == "ServiceUnavailableException")
        SmallLogs.is_open = True
        skipped = lambda: [line for line in urllib.request.urlopen(f"{server.admin}/-/metrics").read().decode().splitlines()
                           if line.startswith('pugmark_notifications_skipped_total{target="logs"}')]
        wait(lambda: names() == ["one", "two"])
        [line] = wait(skipped)
        assert line.endswith(" 1"), line
        assert "too large" in (server.data_dir / "server.log").read_text()
        # The log files have it.
        wait(lambda: any(name.startswith("xxx") for name in users(server.client("s3"))))
    finally:
        server.stop()
        upstream.shutdown()


@pytest.mark.parametrize("setting, events", [("file_events = 5", 5), ('file_size = "16KiB"', None)])
def test_files_have_the_bounds_of_the_settings(tmp_path, moto, setting, events):
    moto.reset()
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1h", config=f"[delivery]\n{setting}\n").start()
    try:
        s3, trail, iam = server.client("s3"), server.client("cloudtrail"), server.client("iam")
        s3.create_bucket(Bucket=BUCKET)
        trail.create_trail(Name="tuned", S3BucketName=BUCKET)
        trail.put_event_selectors(TrailName="tuned", EventSelectors=[{"ReadWriteType": "WriteOnly"}])
        trail.start_logging(Name="tuned")
        for number in range(60):
            iam.create_user(UserName=f"user-{number}")
        # An hour has not passed: full files do not wait for it.
        files = wait(lambda: (lambda found: len(found) > 3 and found)(objects(s3, "CloudTrail")))
        for _, file in files:
            size = len(json.dumps(file, separators=(",", ":"), ensure_ascii=False).encode())
            assert len(file["Records"]) == events if events else 8_000 < size <= 16 * 1024
    finally:
        server.stop()
    # A stop does not wait either.
    delivered = users(moto.client("s3"))
    assert delivered == [f"user-{number}" for number in range(60)]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 48 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_refuses_calls_and_each_that_was_made_is_recorded(small_disk, moto):
    """What is under way when the disk gets full has room; nothing more begins, until there is room again, without a restart."""
    moto.reset()
    flags = ("--upstream", moto.endpoint, "--delivery-interval", "1s", "--digest-interval", "3s")
    server, s3 = Pugmark(small_disk / "data", *flags).start(), moto.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    server.client("cloudtrail").create_trail(Name="outages", S3BucketName=BUCKET, EnableLogFileValidation=True)
    server.client("cloudtrail").start_logging(Name="outages")
    ballast = small_disk / "ballast"

    def fill():
        # Unbuffered: what is left over would be written when the file is closed.
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(64 * 1024))
        with ballast.open("r+b") as file:
            file.truncate(ballast.stat().st_size - 256 * 1024)

    def create(prefix):
        """Makes users, until one is refused; some callers at a time."""
        def one(number):
            iam, tags = server.client("iam"), [{"Key": f"k{key}", "Value": "v" * 250} for key in range(40)]
            for step in range(100):
                name = f"{prefix}-{number}-{step}"
                try:
                    iam.create_user(UserName=name, Tags=tags)
                except ClientError as error:
                    assert error.response["Error"]["Code"] == "ServiceUnavailable", error
                    return
        with concurrent.futures.ThreadPoolExecutor(8) as callers:
            list(callers.map(one, range(8)))

    def made(prefix):
        pages = moto.client("iam").get_paginator("list_users").paginate()
        return {user["UserName"] for page in pages for user in page["Users"] if user["UserName"].startswith(prefix)}

    def recorded(prefix):
        pages = server.client("cloudtrail").get_paginator("lookup_events").paginate(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}])
        events = [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
        names = [event["requestParameters"]["userName"] for event in events]
        assert len(names) == len(set(names)), "an event came twice"
        return {name for name in names if name.startswith(prefix)}

    for round in ("first", "second"):
        fill()
        create(round)
        before = made(round)
        assert 0 < len(before) < 800
        # Look-ups are recorded too.
        refused(lambda: server.client("cloudtrail").lookup_events(), "ServiceUnavailable")
        assert "pugmark_journal_has_room 0" in metrics(server)
        ballast.unlink()
        wait(lambda: not refuses(server, f"{round}-after"), 20)
        assert recorded(round) == before | {f"{round}-after"}
        assert "pugmark_journal_has_room 1" in metrics(server)
    both = made("first") | made("second")
    server.kill()
    server.start()
    assert recorded("first") | recorded("second") == both
    wait(lambda: len(users(s3)) >= len(both))
    assert sorted(users(s3)) == sorted(both)
    server.stop()
    chain(s3)


def refuses(server, name):
    try:
        server.client("iam").create_user(UserName=name)
    except ClientError as error:
        return error.response["Error"]["Code"] == "ServiceUnavailable"
    return False


def metrics(server):
    return urllib.request.urlopen(f"{server.admin}/-/metrics").read().decode()

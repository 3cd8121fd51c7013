"""Starts real servers for the conformance tests: Pugmark, and moto as its upstream."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parent.parent
ACCESS_KEY = "AKIAPUGMARKCONFORMAN"
SECRET_KEY = "conformance/secret/conformance/secret/xx"
ACCOUNT = "123456789012"


def binary():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = pathlib.Path(os.environ.get("PUGMARK", target / "debug" / "pugmark"))
    assert path.exists(), f"{path} is missing: run `make programs`"
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, seconds=20):
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(0.02)


def wait(what, seconds=60):
    """The first true value of `what()`."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"nothing after {seconds} s"
        time.sleep(0.1)


def refused(call, code):
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"] == code, error.value


class Pugmark:
    """A `pugmark serve` on ports of its own."""

    def __init__(self, data_dir, *flags, config=None, environment=None):
        self.data_dir = pathlib.Path(data_dir)
        self.port, self.admin_port = free_port(), free_port()
        self.flags, self.config, self.environment = list(flags), config, environment or {}
        self.process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self):
        return f"http://127.0.0.1:{self.admin_port}"

    def start(self):
        self.data_dir.mkdir(parents=True, exist_ok=True)
        flags = list(self.flags)
        if self.config is not None:
            path = self.data_dir / "test-settings.toml"
            path.write_text(self.config)
            flags += ["--config", str(path)]
        command = [
            str(binary()), "serve", "--data-dir", str(self.data_dir),
            "--listen", f"127.0.0.1:{self.port}", "--admin-listen", f"127.0.0.1:{self.admin_port}", *flags,
        ]
        environment = {
            **os.environ,
            "PUGMARK_ROOT_ACCESS_KEY_ID": ACCESS_KEY,
            "PUGMARK_ROOT_SECRET_ACCESS_KEY": SECRET_KEY,
            **self.environment,
        }
        self.log = open(self.data_dir / "server.log", "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment, cwd=self.data_dir)
        try:
            wait_for(f"{self.admin}/-/ready")
        except TimeoutError:
            self.kill()
            raise AssertionError((self.data_dir / "server.log").read_text()[-3000:])
        return self

    def stop(self):
        """SIGTERM; the server drains its pipeline."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(timeout=60) == 0
        if self.process:
            self.log.close()

    def kill(self):
        """SIGKILL: a crash."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.log.close()

    def client(self, service, region="us-east-1", **options):
        options.setdefault("aws_access_key_id", ACCESS_KEY)
        options.setdefault("aws_secret_access_key", SECRET_KEY)
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}).merge(options.pop("config", Config()))
        return boto3.client(service, region_name=region, endpoint_url=self.endpoint, config=config, **options)

    def cli_environment(self, region="us-east-1"):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return {
            **environment,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_MAX_ATTEMPTS": "1",
        }

    def cli(self, *arguments, region="us-east-1", check=True):
        """The real AWS CLI of this Python."""
        # CLI v1 ignores AWS_ENDPOINT_URL for SQS and EMR (its overridesslcommonname), hence the flag.
        command = [sys.executable, "-m", "awscli", "--endpoint-url", self.endpoint, *arguments]
        done = subprocess.run(command, env=self.cli_environment(region), capture_output=True, text=True, timeout=120)
        if check:
            assert done.returncode == 0, f"aws {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done

    def pugmark(self, *arguments, check=True, environment=()):
        """The `pugmark` command line."""
        done = subprocess.run(
            [str(binary()), *arguments], env=self.cli_environment() | dict(environment), capture_output=True, text=True, timeout=60
        )
        if check:
            assert done.returncode == 0, f"pugmark {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done


def damage_history(server):
    """Damages every file of a stopped server's event history; the files."""
    files = list((server.data_dir / "events").rglob("*.parquet"))
    assert files
    for file in files:
        # As long as it was, so that it is found out only by who reads it.
        content = bytearray(file.read_bytes())
        content[4:len(content) // 2] = b"\xff" * (len(content) // 2 - 4)
        file.write_bytes(content)
    return files


class Moto:
    """A moto server: an upstream that answers most services."""

    def __init__(self):
        self.port = free_port()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(f"{self.endpoint}/moto-api/", seconds=60)
        return self

    def stop(self):
        self.process.kill()
        self.process.wait()

    def reset(self):
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST"), timeout=30)

    def client(self, service):
        """A client of moto itself, past Pugmark."""
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x",
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}))


@pytest.fixture(scope="session")
def moto():
    server = Moto().start()
    yield server
    server.stop()


@pytest.fixture
def alone(tmp_path):
    """Pugmark with its embedded bucket store and no upstream."""
    server = Pugmark(tmp_path / "data", "--delivery-interval", "1s", "--digest-interval", "3s").start()
    yield server
    server.stop()


@pytest.fixture
def gateway(tmp_path, moto):
    """Pugmark in front of moto, which starts empty: all services, S3 too, live there."""
    moto.reset()
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s", "--digest-interval", "3s")
    server.start()
    yield server
    server.stop()


def has(program):
    return shutil.which(program) is not None

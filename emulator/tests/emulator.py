"""The base of the tests: one emulator on a free port, a new account for each test, and botocore clients."""

import atexit
import io
import itertools
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request
import zipfile

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_accounts = itertools.count(100000000001)
_session = botocore.session.get_session()
_DEADLINE_SECONDS = 30


def wait_for(condition, what: str):
    """The first true value of ``condition``; fails when the deadline passes."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {_DEADLINE_SECONDS} s: {what}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Emulator:
    def __init__(self, settings: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        environment = {
            **os.environ, "PYTHONPATH": str(_ROOT), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0", "GATEWAY_PORT": str(self.port), "EXIT_ON_STDIN_EOF": "1",
            "EMULATOR_LAMBDA_PENDING_SECONDS": "0.8", **(settings or {}),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "overlay"], env=environment, stdin=subprocess.PIPE
        )
        atexit.register(self.stop)
        wait_for(self._healthy, "the emulator answers")

    def _healthy(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the emulator ended with {self.process.returncode}")
        try:
            return self.control("GET", "health") == {"status": "ok"}
        except OSError:
            return False

    def stop(self) -> None:
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(timeout=_DEADLINE_SECONDS)

    def control(self, method: str, path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/_devenv/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=_DEADLINE_SECONDS) as response:
            return json.load(response)


_emulator: list[Emulator] = []


def emulator() -> Emulator:
    if not _emulator:
        _emulator.append(Emulator())
    return _emulator[0]


class AwsTestCase(unittest.TestCase):
    """A test with an AWS account of its own."""

    region = "us-east-1"

    def setUp(self) -> None:
        self.emulator = emulator()
        self.account = str(next(_accounts))
        self._clients: dict = {}

    def client(self, service: str, account: str | None = None, region: str | None = None, token: dict | None = None,
               validate: bool = True):
        """A botocore client; with ``validate=False`` it sends what the model forbids."""
        key = (service, account, region, token["AccessKeyId"] if token else None, validate)
        if key not in self._clients:
            self._clients[key] = _session.create_client(
                service, region_name=region or self.region, endpoint_url=self.emulator.endpoint,
                aws_access_key_id=token["AccessKeyId"] if token else account or self.account,
                aws_secret_access_key=token["SecretAccessKey"] if token else "test",
                aws_session_token=token["SessionToken"] if token else None,
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"},
                              parameter_validation=validate),
            )
        return self._clients[key]

    def refused(self, code: str, call, /, *arguments, message: str | None = None, **parameters) -> ClientError:
        """Checks that a call fails with an AWS error code (and a text within its message)."""
        with self.assertRaises(ClientError) as caught:
            call(*arguments, **parameters)
        self.assertEqual(caught.exception.response["Error"]["Code"], code, caught.exception)
        if message is not None:
            self.assertIn(message, caught.exception.response["Error"]["Message"])
        return caught.exception

    def calls(self, account: str | None = None) -> list[dict]:
        return self.emulator.control("GET", f"calls?account={account or self.account}")["calls"]

    def control_error(self, path: str, body: dict) -> str:
        """The error of a control endpoint for a PUT that it does not accept."""
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.emulator.control("PUT", path, body)
        with caught.exception as answer:
            return json.load(answer)["error"]

    def modes(self, **modes) -> None:
        """Chooses how AWS treats this account otherwise than most."""
        self.emulator.control("PUT", "modes", {"account": self.account, **modes})

    def inventory(self, region: str | None = None) -> dict:
        return self.emulator.control("GET", f"inventory?account={self.account}&region={region or self.region}")

    def role(self, name: str, service: str, *actions: str, condition: dict | None = None, **parameters) -> str:
        """Creates a role that ``service`` may assume, allowed ``actions`` on everything. Returns its ARN."""
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        if condition:
            statement["Condition"] = condition
        iam = self.client("iam")
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **parameters)["Role"]["Arn"]
        if actions:
            self.allow(name, list(actions), "*")
        return arn

    def allow(self, role: str, actions: list[str], resource: str) -> None:
        statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("iam").put_role_policy(RoleName=role, PolicyName="allow", PolicyDocument=document)


def zip_of(files: dict[str, str], mode: int = 0o755) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()

"""The application log lines of a function, by the level of its logging configuration."""

import json

from tests.emulator import wait_for, zip_of
from tests.telemetry import TelemetryTestCase

_LINES = """#!/usr/bin/env python3
import json, os, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        request = event.headers["Lambda-Runtime-Aws-Request-Id"]
    for level in ("debug", "INFO", "Warn", "ERROR", "unheard of"):
        print(json.dumps({"level": level, "says": "line"}), flush=True)
    print("plain line", flush=True)
    print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [
        {"Namespace": "own", "Dimensions": [["F"]], "Metrics": [{"Name": "Seen"}]}]}, "F": "fn", "Seen": 1}), flush=True)
    seen = [os.environ.get("AWS_LAMBDA_LOG_FORMAT"), os.environ.get("AWS_LAMBDA_LOG_LEVEL")]
    urllib.request.urlopen(urllib.request.Request(api + request + "/response", data=json.dumps(seen).encode(), method="POST"))
"""


class ApplicationLogs(TelemetryTestCase):
    """Developer guide, "Log-level filtering": "If the "level" value field is invalid or missing, Lambda will assign the log output the
    level INFO"."""

    def setUp(self) -> None:
        super().setUp()
        self.lambda_ = self.client("lambda")
        self.writer = self.role("fn", "lambda.amazonaws.com", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")

    def written(self, **logging: str) -> tuple[list[str], list]:
        """Invokes a function once. Returns the lines in its log group, and the values that it sees in its environment."""
        self.lambda_.create_function(
            FunctionName="fn", Runtime="provided.al2023", Handler="bootstrap", Role=self.writer,
            Code={"ZipFile": zip_of({"bootstrap": _LINES})}, LoggingConfig=logging)
        wait_for(lambda: self.lambda_.get_function_configuration(FunctionName="fn")["State"] == "Active", "the function is Active")
        seen = json.load(self.lambda_.invoke(FunctionName="fn")["Payload"])
        events = self.logs.filter_log_events(logGroupName="/aws/lambda/fn")["events"]
        return [self.short(event["message"]) for event in events if "RequestId: " not in event["message"]], seen

    @staticmethod
    def short(message: str) -> str:
        line = json.loads(message) if message.startswith("{") else {}
        return "metric" if "_aws" in line else line.get("level", message)

    def metric(self) -> float | None:
        return self.data("own", "Seen", F="fn")

    def test_text_is_not_filtered(self):
        lines, seen = self.written(LogFormat="Text")
        self.assertEqual(lines, ["debug", "INFO", "Warn", "ERROR", "unheard of", "plain line", "metric"])
        self.assertEqual((self.metric(), seen), (1, [None, None]))

    def test_info_is_the_default_and_lets_metrics_pass(self):
        lines, seen = self.written(LogFormat="JSON")
        self.assertEqual(lines, ["INFO", "Warn", "ERROR", "unheard of", "plain line", "metric"])
        self.assertEqual((self.metric(), seen), (1, ["JSON", "INFO"]))

    def test_warn_drops_every_embedded_metric(self):
        lines, seen = self.written(LogFormat="JSON", ApplicationLogLevel="WARN")
        self.assertEqual((lines, self.metric(), seen), (["Warn", "ERROR"], None, ["JSON", "WARN"]))

"""EventBridge rules: their rules of change, and events of S3 that reach a function."""

import json

from tests.emulator import wait_for, zip_of
from tests.telemetry import TelemetryTestCase

# Prints the event of every invocation.
_PRINTER = """#!/usr/bin/env python3
import json, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        request, body = event.headers["Lambda-Runtime-Aws-Request-Id"], json.load(event)
    print("PAYLOAD " + json.dumps(body), flush=True)
    urllib.request.urlopen(urllib.request.Request(api + request + "/response", data=b"{}", method="POST"))
"""


def _pattern(bucket: str) -> str:
    return json.dumps({"source": ["aws.s3"], "detail-type": ["Object Created"],
                       "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "logs/"}]}}})


class EventRules(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.events = self.client("events")

    def rule(self, name: str = "r", **parameters) -> str:
        return self.events.put_rule(Name=name, EventPattern=_pattern("b"), **parameters)["RuleArn"]

    def test_a_rule_is_replaced_whole_but_for_its_tags(self):
        arn = self.rule(Description="d", State="DISABLED", Tags=[{"Key": "k", "Value": "1"}])
        self.rule(Tags=[{"Key": "k", "Value": "2"}])
        found = self.events.describe_rule(Name="r")
        self.assertEqual((found.get("Description", ""), found["State"]), ("", "ENABLED"))
        self.assertEqual(self.events.list_tags_for_resource(ResourceARN=arn)["Tags"], [{"Key": "k", "Value": "1"}])

    def test_what_is_no_rule_is_refused(self):
        self.refused("ValidationException", self.events.put_rule, Name="r", message="EventPattern or ScheduleExpression")
        lenient = self.client("events", validate=False)
        self.refused("ValidationException", lenient.put_rule, Name="a b", EventPattern=_pattern("b"))
        self.refused("InvalidEventPatternException", self.events.put_rule, Name="r", EventPattern="{")
        for call in (self.events.list_targets_by_rule, lambda **it: self.events.remove_targets(Ids=["1"], **it)):
            self.refused("ResourceNotFoundException", call, Rule="none")

    def test_a_rule_with_targets_stays(self):
        self.rule()
        queue = f"arn:aws:sqs:{self.region}:{self.account}:q"
        self.events.put_targets(Rule="r", Targets=[{"Id": str(number), "Arn": queue} for number in range(5)])
        self.refused("LimitExceededException", self.events.put_targets, Rule="r", Targets=[{"Id": "6", "Arn": queue}])
        self.refused("ValidationException", self.events.delete_rule, Name="r", message="has targets")
        self.assertEqual(len(self.inventory()["eventRules"]["r"]["targets"]), 5)
        self.events.remove_targets(Rule="r", Ids=[str(number) for number in range(5)])
        self.events.delete_rule(Name="r")
        self.events.delete_rule(Name="r")
        self.assertEqual(self.inventory()["eventRules"], {})


class EventsOfFiles(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        lambda_, s3, events = self.client("lambda"), self.client("s3"), self.client("events")
        role = self.role("fn", "lambda.amazonaws.com", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
        self.function = lambda_.create_function(
            FunctionName="fn", Runtime="provided.al2023", Handler="bootstrap", Role=role,
            Code={"ZipFile": zip_of({"bootstrap": _PRINTER})})["FunctionArn"]
        self.bucket = f"files-{self.account}"
        s3.create_bucket(Bucket=self.bucket)
        self.arn = events.put_rule(Name="r", EventPattern=_pattern(self.bucket))["RuleArn"]
        events.put_targets(Rule="r", Targets=[{"Id": "fn", "Arn": self.function}])

    def permit(self, source: str) -> None:
        self.client("lambda").add_permission(
            FunctionName="fn", StatementId="events", Action="lambda:InvokeFunction", Principal="events.amazonaws.com",
            SourceArn=source)

    def switch_on(self) -> None:
        self.client("s3").put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})

    def put(self, *keys: str) -> None:
        for key in keys:
            self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=b"12345")

    def payloads(self) -> list[dict]:
        logs = self.client("logs")
        try:
            events = logs.filter_log_events(logGroupName="/aws/lambda/fn", filterPattern="PAYLOAD")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [json.loads(event["message"].removeprefix("PAYLOAD ")) for event in events]

    def test_files_of_the_folder_reach_the_function(self):
        self.permit(self.arn)
        self.put("logs/before")
        self.switch_on()
        self.put("other/1", "logs/year=2026/a b.gz")
        payload = wait_for(self.payloads, "the function has run")[0]
        self.assertEqual((payload["source"], payload["detail-type"]), ("aws.s3", "Object Created"))
        self.assertEqual(payload["detail"]["bucket"], {"name": self.bucket})
        self.assertEqual((payload["detail"]["object"]["key"], payload["detail"]["object"]["size"]), ("logs/year=2026/a b.gz", 5))
        self.assertEqual(len(self.payloads()), 1)
        self.assertTrue(self.inventory()["buckets"][self.bucket]["sendsEvents"])

    def test_a_rule_without_the_functions_permission_invokes_nothing(self):
        self.permit(f"{self.arn}-of-another")
        self.switch_on()
        self.put("logs/1")
        self.client("lambda").remove_permission(FunctionName="fn", StatementId="events")
        self.permit(self.arn)
        self.put("logs/2")
        keys = [payload["detail"]["object"]["key"] for payload in wait_for(self.payloads, "the function has run")]
        self.assertEqual(keys, ["logs/2"])

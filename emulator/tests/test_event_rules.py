"""EventBridge rules: their rules of change, and events of S3 that reach a function."""

import json

from tests.emulator import wait_for, zip_of
from tests.telemetry import TelemetryTestCase

# Prints the event of every invocation.
PRINTER = """#!/usr/bin/env python3
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

    def test_absent_rules(self):
        for call, member in (("describe_rule", "Name"), ("enable_rule", "Name"), ("disable_rule", "Name"), ("list_targets_by_rule", "Rule")):
            self.refused("ResourceNotFoundException", getattr(self.events, call), **{member: "none"},
                         message="Rule none does not exist on EventBus default.")

    def test_limits(self):
        bus = {"EventBusName": "b"}
        self.events.create_event_bus(Name="b")
        filler = json.dumps({"source": ["x" * 4082]})
        self.assertEqual(len(filler), 4098)
        self.refused("ValidationException", self.events.put_rule, Name="r", EventPattern=filler, message="less than or equal to 4096")
        self.events.put_rule(Name="r0", EventPattern=filler.replace("xx", "", 1), **bus)
        self.refused("ValidationException", self.events.put_rule, Name="s", ScheduleExpression="rate(1 minute)", **bus)
        for number in range(1, 300):
            self.events.put_rule(Name=f"r{number}", EventPattern=_pattern("b"), **bus)
        self.refused("LimitExceededException", self.events.put_rule, Name="r300", EventPattern=_pattern("b"), **bus)
        self.events.put_rule(Name="r0", EventPattern=_pattern("b"), **bus)
        self.rule()


class TargetsOnOtherBuses(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.events = self.client("events")
        self.events.put_rule(Name="r", EventPattern=_pattern("b"))
        self.role_arn = self.role("out", "events.amazonaws.com")
        self.near = f"arn:aws:events:{self.region}:111122223333:event-bus/b"
        self.far = f"arn:aws:events:eu-west-1:{self.account}:event-bus/b"

    def put(self, arn: str, **members) -> None:
        self.events.put_targets(Rule="r", Targets=[{"Id": "b", "Arn": arn, **members}])

    def targets(self) -> list[dict]:
        return self.events.list_targets_by_rule(Rule="r")["Targets"]

    def test_a_bus_needs_a_role(self):
        for arn in (self.near, self.far, f"arn:aws:events:{self.region}:{self.account}:event-bus/b"):
            self.refused("ValidationException", self.put, arn, message=f"RoleArn is required for target {arn}.")
            self.put(arn, RoleArn=self.role_arn)
            self.assertEqual(self.targets(), [{"Id": "b", "Arn": arn, "RoleArn": self.role_arn}])

    def test_the_role_must_exist_and_trust_the_service(self):
        wrong = self.role("fn", "lambda.amazonaws.com")
        for arn in (wrong, self.role_arn + "x"):
            self.refused("ValidationException", self.put, self.far, RoleArn=arn,
                         message=f"Provided role '{arn}' cannot be assumed by principal 'events.amazonaws.com'.")
        elsewhere = self.role_arn.replace(self.account, "111122223333")
        self.refused("AccessDeniedException", self.put, self.far, RoleArn=elsewhere, message="Cross-account pass role is not allowed.")
        self.assertEqual(self.targets(), [])

    def test_the_role_of_another_accounts_bus_stays(self):
        self.put(self.near, RoleArn=self.role_arn)
        self.put(self.near)
        self.assertEqual(self.targets()[0]["RoleArn"], self.role_arn)
        self.refused("ValidationException", self.put, self.near.replace("3333", "4444"))

    def test_inputs(self):
        transformer = {"InputPathsMap": {"a": "$.source"}, "InputTemplate": "<a>"}
        for given in ({"Input": "{}"}, {"InputPath": "$.detail"}, {"InputTransformer": transformer}):
            self.refused("ValidationException", self.put, self.near, RoleArn=self.role_arn, **given)
            self.put(self.far, RoleArn=self.role_arn, **given)
        self.refused("ValidationException", self.put, self.far, RoleArn=self.role_arn, Input="{}", InputPath="$.detail")


class EventsOfFiles(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        lambda_, s3, events = self.client("lambda"), self.client("s3"), self.client("events")
        role = self.role("fn", "lambda.amazonaws.com", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
        self.function = lambda_.create_function(
            FunctionName="fn", Runtime="provided.al2023", Handler="bootstrap", Role=role,
            Code={"ZipFile": zip_of({"bootstrap": PRINTER})})["FunctionArn"]
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

"""Subscription filters that deliver, and the metrics of the functions they invoke."""

import json
import time

from tests.emulator import wait_for, zip_of
from tests.telemetry import TelemetryTestCase

# Prints the decoded payload of every invocation; fails when a message says so.
_PRINTER = """#!/usr/bin/env python3
import base64, gzip, json, os, sys, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        request, body = event.headers["Lambda-Runtime-Aws-Request-Id"], json.load(event)
    payload = json.loads(gzip.decompress(base64.b64decode(body["awslogs"]["data"])))
    print("PAYLOAD " + json.dumps(payload), flush=True)
    print(json.dumps({"_aws": {"Timestamp": payload["logEvents"][0]["timestamp"], "CloudWatchMetrics": [
        {"Namespace": "own", "Dimensions": [["F"]], "Metrics": [{"Name": "Seen"}]}]}, "F": "fn",
        "Seen": len(payload["logEvents"])}), flush=True)
    failed = any("FAIL" in each["message"] for each in payload["logEvents"])
    answer = "/error" if failed else "/response"
    data = json.dumps({"errorMessage": "x", "errorType": "y"}).encode()
    urllib.request.urlopen(urllib.request.Request(api + request + answer, data=data, method="POST"))
"""


class Subscriptions(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log_group()
        lambda_ = self.client("lambda")
        role = self.role("fn", "lambda.amazonaws.com", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
        self.function = lambda_.create_function(
            FunctionName="fn", Runtime="provided.al2023", Handler="bootstrap", Role=role,
            Code={"ZipFile": zip_of({"bootstrap": _PRINTER})})["FunctionArn"]
        lambda_.add_permission(FunctionName="fn", StatementId="logs", Action="lambda:InvokeFunction",
                               Principal="logs.amazonaws.com")

    def subscribe(self, pattern: str) -> None:
        self.logs.put_subscription_filter(logGroupName="g", filterName="sub", filterPattern=pattern,
                                          destinationArn=self.function)

    def payloads(self) -> list[dict]:
        try:
            events = self.logs.filter_log_events(logGroupName="/aws/lambda/fn", filterPattern="PAYLOAD")["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [json.loads(event["message"].removeprefix("PAYLOAD ")) for event in events]

    def invocations(self) -> float | None:
        return self.data("AWS/Lambda", "Invocations", FunctionName="fn")

    def test_only_matching_events_are_sent_in_one_batch(self):
        self.subscribe("[action=REJECT, port>100]")
        self.log("ACCEPT 500", "REJECT 500", "REJECT 50", "REJECT 501")
        payload = wait_for(self.payloads, "the function has run")[0]
        events = payload.pop("logEvents")
        self.assertEqual(payload, {
            "messageType": "DATA_MESSAGE", "owner": self.account, "logGroup": "g", "logStream": "s",
            "subscriptionFilters": ["sub"]})
        self.assertEqual([event["message"] for event in events], ["REJECT 500", "REJECT 501"])
        self.assertTrue(all(set(event) == {"id", "timestamp", "message"} for event in events))
        self.assertEqual(len({event["id"] for event in events}), 2)

    def test_nothing_is_sent_when_nothing_matches(self):
        self.subscribe("REJECT")
        self.log("ACCEPT")
        self.log("REJECT")
        wait_for(self.payloads, "the function has run")
        self.assertEqual(len(self.payloads()), 1)

    def test_metrics_of_an_invocation(self):
        self.subscribe("")
        self.log("a", "b")
        wait_for(self.invocations, "Lambda's metrics are there")
        found = {name: self.data("AWS/Lambda", name, FunctionName="fn") for name in ("Invocations", "Errors")}
        self.assertEqual(found, {"Invocations": 1, "Errors": 0})
        self.assertGreater(self.data("AWS/Lambda", "Duration", FunctionName="fn"), 0)
        self.assertEqual(self.data("own", "Seen", F="fn"), 2)

    def test_a_failure_is_retried_twice(self):
        self.subscribe("")
        self.log("FAIL")
        wait_for(lambda: self.invocations() == 3, "three invocations")
        self.assertEqual(self.data("AWS/Lambda", "Errors", FunctionName="fn"), 3)
        self.log("fine")
        wait_for(lambda: self.invocations() == 4, "the next event's invocation")
        self.assertEqual(self.data("AWS/Lambda", "Errors", FunctionName="fn"), 3)
        payloads = [json.dumps(payload) for payload in self.payloads()]
        self.assertEqual(len(set(payloads)), 2, payloads)

    def test_an_alarm_on_errors(self):
        self.subscribe("")
        self.cloudwatch.put_metric_alarm(
            AlarmName="errors", Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum", Period=300,
            EvaluationPeriods=1, Threshold=0, ComparisonOperator="GreaterThanThreshold",
            Dimensions=[{"Name": "FunctionName", "Value": "fn"}])
        self.log("FAIL", at=time.time() - 5)
        wait_for(lambda: self.cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"] == "ALARM", "the alarm")

    def test_nothing_is_sent_once_the_permission_is_gone(self):
        self.subscribe("")
        self.client("lambda").remove_permission(FunctionName="fn", StatementId="logs")
        self.log("a")
        self.client("lambda").add_permission(FunctionName="fn", StatementId="again", Action="lambda:InvokeFunction",
                                             Principal="logs.amazonaws.com")
        self.log("b")
        wait_for(self.payloads, "the function has run")
        self.assertEqual([event["message"] for payload in self.payloads() for event in payload["logEvents"]], ["b"])

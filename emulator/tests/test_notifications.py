"""The messages that subscribers of a topic get (SNS developer guide: "Message filtering", "Publishing messages with custom payloads")."""

import json

from tests.telemetry import TelemetryTestCase


class Notifications(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sns = self.client("sns")
        self.topic = self.sns.create_topic(Name="t")["TopicArn"]

    def publish(self, message: str, severity: str, rules: list[str], **more) -> None:
        self.sns.publish(TopicArn=self.topic, Message=message, MessageAttributes={
            "severity": {"DataType": "String", "StringValue": severity},
            "rules": {"DataType": "String.Array", "StringValue": json.dumps(rules)}}, **more)

    def messages(self, url: str) -> list[str]:
        return [note["Message"] for note in self.received(url)]

    def test_filter_policies_on_attributes(self):
        high = self.queue(self.topic, "high", FilterPolicy=json.dumps({"severity": ["HIGH"]}))
        scans = self.queue(self.topic, "scans", FilterPolicy=json.dumps({"rules": ["portScan", "hostSweep"]}))
        rest = self.queue(self.topic, "rest", FilterPolicy=json.dumps({"severity": [{"anything-but": ["HIGH"]}]}))
        self.publish("1", "HIGH", ["largeEgress", "portScan"])
        self.publish("2", "LOW", ["rejectedTcp"])
        self.assertEqual([self.messages(url) for url in (high, scans, rest)], [["1"], ["1"], ["2"]])

    def test_a_message_for_each_protocol(self):
        url = self.queue(self.topic)
        self.publish(json.dumps({"default": "d", "email": "e"}), "LOW", [], MessageStructure="json")
        self.publish(json.dumps({"default": "d", "sqs": "s"}), "LOW", [], MessageStructure="json")
        found = self.received(url)
        self.assertEqual([note["Message"] for note in found], ["d", "s"])
        self.assertEqual(found[0]["MessageAttributes"]["severity"], {"Type": "String", "Value": "LOW"})

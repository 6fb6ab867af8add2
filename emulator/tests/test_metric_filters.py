"""Metric filters that publish, and the embedded metric format."""

import json
import time

from tests.telemetry import TelemetryTestCase


class MetricFilters(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log_group()

    def filter(self, pattern: str, **transformation) -> None:
        self.logs.put_metric_filter(logGroupName="g", filterName="f", filterPattern=pattern, metricTransformations=[
            {"metricName": "m", "metricNamespace": "n", "metricValue": "1", **transformation}])

    def test_matching_events_count_at_their_own_time(self):
        earlier = time.time() - 1800
        self.filter("[a=ERROR, b]")
        self.log("ERROR 1", "ERROR 2", "INFO 3", at=earlier)
        self.log("ERROR 4")
        self.assertEqual((self.data("n", "m"), self.data("n", "m", at=earlier)), (3, 2))

    def test_the_value_of_a_field(self):
        self.filter("[a, bytes]", metricValue="$bytes", unit="Bytes")
        self.log("x 10", "x 32", "x -")
        self.assertEqual((self.data("n", "m"), self.data("n", "m", "SampleCount"), self.data("n", "m", "Maximum")),
                         (42, 2, 32))
        unit = self.cloudwatch.get_metric_statistics(
            Namespace="n", MetricName="m", StartTime=time.time() - 600, EndTime=time.time() + 600, Period=3600,
            Statistics=["Sum"])["Datapoints"][0]["Unit"]
        self.assertEqual(unit, "Bytes")

    def test_the_default_value_stands_for_minutes_without_a_match(self):
        now = time.time()
        self.filter("ERROR", defaultValue=0)
        self.log("fine", "fine", at=now - 600)
        self.log("fine", "ERROR", at=now - 300)
        self.assertEqual([self.data("n", "m", "SampleCount", at=now - ago) for ago in (600, 300, 0)], [1, 1, None])
        self.assertEqual([self.data("n", "m", at=now - ago) for ago in (600, 300)], [0, 1])

    def test_no_default_value_no_data(self):
        self.filter("ERROR")
        self.log("fine")
        self.assertIsNone(self.data("n", "m"))

    def test_dimensions(self):
        self.filter("[level, server]", dimensions={"Server": "$server", "Level": "$level"})
        self.log("ERROR a", "ERROR a", "ERROR b")
        self.assertEqual(self.data("n", "m", Server="a", Level="ERROR"), 2)
        self.assertEqual(self.data("n", "m", Server="b", Level="ERROR"), 1)

    def test_values_of_json_events(self):
        self.filter("{ $.level = ERROR }", metricValue="$.latency", dimensions={"Path": "$.path"})
        self.log(json.dumps({"level": "ERROR", "latency": 12.5, "path": "/a"}), json.dumps({"level": "ERROR"}))
        self.assertEqual(self.data("n", "m", Path="/a"), 12.5)

    def test_only_what_arrives_while_the_filter_is_there(self):
        self.log("ERROR")
        self.filter("ERROR")
        self.log("ERROR")
        self.logs.delete_metric_filter(logGroupName="g", filterName="f")
        self.log("ERROR")
        self.assertEqual(self.data("n", "m"), 1)


class EmbeddedMetrics(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log_group()

    def document(self, **changes) -> str:
        return json.dumps({
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [
                {"Namespace": "n", "Dimensions": [["Monitor"], ["Monitor", "Rule"]],
                 "Metrics": [{"Name": "Findings", "Unit": "Count"}, {"Name": "Latency"}]}]},
            "Monitor": "a/b", "Rule": "r", "Findings": 3, "Latency": [1, 2.5], "text": "ignored", **changes})

    def test_every_metric_in_every_set_of_dimensions(self):
        self.log("START", self.document(), "{}", "not json \"_aws\"")
        self.assertEqual(self.data("n", "Findings", Monitor="a/b"), 3)
        self.assertEqual(self.data("n", "Findings", Monitor="a/b", Rule="r"), 3)
        self.assertEqual((self.data("n", "Latency", Monitor="a/b"),
                          self.data("n", "Latency", "SampleCount", Monitor="a/b")), (3.5, 2))

    def test_a_document_that_breaks_the_specification_is_just_a_log_event(self):
        self.log(self.document(Findings="3"), self.document(Rule=7), json.dumps({"_aws": {"CloudWatchMetrics": 1}}))
        self.assertIsNone(self.data("n", "Findings", Monitor="a/b"))
        self.assertEqual(len(self.logs.get_log_events(logGroupName="g", logStreamName="s")["events"]), 3)

"""Alarms that are evaluated, and their actions (CloudWatch user guide, "Alarm evaluation" and the pages below it)."""

import json
import time

from tests.emulator import Emulator, wait_for
from tests.telemetry import TelemetryTestCase

_TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


class _Alarms(TelemetryTestCase):
    def put(self, name: str = "a", **changes) -> None:
        self.cloudwatch.put_metric_alarm(**{
            "AlarmName": name, "MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 300,
            "EvaluationPeriods": 1, "Threshold": 50.0, "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching", **changes})

    def report(self, value: float, **changes) -> None:
        self.cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": value, **changes}])

    def alarm(self, name: str = "a") -> dict:
        return self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]

    def history(self, item_type: str, name: str = "a") -> list[dict]:
        return self.cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType=item_type)["AlarmHistoryItems"]


class MissingData(TelemetryTestCase):
    """The tables of "Configuring how CloudWatch alarms treat missing data": 0 is fine, X breaches, - is missing."""

    def setUp(self) -> None:
        super().setUp()
        # Whole periods back from the end of the running minute, whatever the minute does meanwhile.
        self.period = 60

    def state(self, points: str, needed: int, treatment: str, number: int) -> str:
        """The state that five data points, oldest first, bring an alarm with three evaluation periods to."""
        name = f"m{number}"
        now = time.time()
        data = [{"MetricName": name, "Timestamp": now - (len(points) - 1 - index) * self.period,
                 "Value": 10.0 if point == "X" else 0.0} for index, point in enumerate(points) if point != "-"]
        if data:
            self.cloudwatch.put_metric_data(Namespace="n", MetricData=data)
        self.cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="n", MetricName=name, Statistic="Sum", Period=self.period, EvaluationPeriods=3,
            DatapointsToAlarm=needed, Threshold=5, ComparisonOperator="GreaterThanThreshold", TreatMissingData=treatment)
        return self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]

    def expect(self, needed: int, rows: dict[str, list[str]]) -> None:
        # No minute may end between the data and its evaluation.
        wait_for(lambda: time.time() % 60 < 50, "the next minute")
        for row, (points, states) in enumerate(rows.items()):
            for column, (treatment, expected) in enumerate(zip(_TREATMENTS, states)):
                with self.subTest(points=points, treatment=treatment):
                    self.assertEqual(self.state(points, needed, treatment, row * 10 + column), expected)

    def test_three_of_three(self):
        retained = "INSUFFICIENT_DATA"
        self.expect(3, {
            "0-X-X": ["OK", "OK", "OK", "OK"],
            "0XX-X": ["ALARM", "ALARM", "ALARM", "ALARM"],
            "----0": ["OK", "OK", "OK", "OK"],
            "--X--": ["ALARM", retained, "ALARM", "OK"],
        })

    def test_two_of_three(self):
        retained = "INSUFFICIENT_DATA"
        self.expect(2, {
            "0-X-X": ["ALARM", "ALARM", "ALARM", "ALARM"],
            "00X0X": ["ALARM", "ALARM", "ALARM", "ALARM"],
            "0-X--": ["OK", "OK", "ALARM", "OK"],
            "----0": ["OK", "OK", "ALARM", "OK"],
            "---X-": ["ALARM", retained, "ALARM", "OK"],
        })


class Evaluation(_Alarms):
    def test_a_new_alarm_has_insufficient_data_until_there_is_some(self):
        self.put()
        self.assertEqual(self.alarm()["StateValue"], "INSUFFICIENT_DATA")
        self.report(50)
        self.assertEqual(self.alarm()["StateValue"], "OK")
        self.report(1)
        alarm = self.alarm()
        self.assertEqual(alarm["StateValue"], "ALARM")
        self.assertRegex(alarm["StateReason"], r"^Threshold Crossed: 1 out of the last 1 datapoint \[51\.0 \(.*\)\] was "
                         r"greater than the threshold \(50\.0\) \(minimum 1 datapoint for OK -> ALARM transition\)\.$")
        self.assertEqual(json.loads(alarm["StateReasonData"])["recentDatapoints"], [51.0])

    def test_an_alarm_on_data_that_is_there(self):
        self.report(60)
        self.put()
        self.assertEqual(self.alarm()["StateValue"], "ALARM")
        self.put(Threshold=70.0)
        self.assertEqual(self.alarm()["StateValue"], "OK")

    def test_only_its_own_metric_counts(self):
        self.put(Dimensions=[{"Name": "d", "Value": "1"}], Unit="Count")
        self.report(60)
        self.report(60, Dimensions=[{"Name": "d", "Value": "2"}], Unit="Count")
        self.report(60, Dimensions=[{"Name": "d", "Value": "1"}], Unit="Bytes")
        self.assertNotEqual(self.alarm()["StateValue"], "ALARM")
        self.report(60, Dimensions=[{"Name": "d", "Value": "1"}], Unit="Count")
        self.assertEqual(self.alarm()["StateValue"], "ALARM")

    def test_statistics_and_comparisons(self):
        self.report(10)
        self.report(30)
        for number, (statistic, comparison, threshold, state) in enumerate((
            ("Average", "GreaterThanOrEqualToThreshold", 20, "ALARM"), ("Average", "GreaterThanThreshold", 20, "OK"),
            ("Maximum", "GreaterThanThreshold", 29, "ALARM"), ("Minimum", "LessThanThreshold", 11, "ALARM"),
            ("SampleCount", "LessThanOrEqualToThreshold", 2, "ALARM"), ("Sum", "LessThanThreshold", 40, "OK"),
        )):
            self.put(f"a{number}", Statistic=statistic, ComparisonOperator=comparison, Threshold=threshold)
            self.assertEqual(self.alarm(f"a{number}")["StateValue"], state, (statistic, comparison))

    def test_every_period_must_breach(self):
        self.put(EvaluationPeriods=2)
        self.report(60)
        self.assertEqual(self.alarm()["StateValue"], "OK")
        self.report(60, Timestamp=time.time() - 360)
        self.assertEqual(self.alarm()["StateValue"], "ALARM")

    def test_a_state_that_was_set_ends_with_the_next_evaluation(self):
        self.put()
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
        self.assertEqual(self.alarm()["StateValue"], "ALARM")
        self.report(1)
        self.assertEqual(self.alarm()["StateValue"], "OK")
        self.refused("ValidationError", self.cloudwatch.set_alarm_state, AlarmName="a", StateValue="ON", StateReason="x")

    def test_the_time_of_the_last_change_of_state_is_listed(self) -> None:
        self.put()
        created = self.alarm()
        self.assertEqual(created["StateTransitionedTimestamp"], created["StateUpdatedTimestamp"])
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
        changed = self.alarm()
        self.assertGreaterEqual(changed["StateTransitionedTimestamp"], created["StateTransitionedTimestamp"])
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="again")
        self.assertEqual(self.alarm()["StateTransitionedTimestamp"], changed["StateTransitionedTimestamp"])

    def test_the_history_tells_of_states(self):
        self.put()
        self.report(60)
        self.assertEqual([item["HistorySummary"] for item in self.history("ConfigurationUpdate")],
                         ['Alarm "a" created'])
        update, = self.history("StateUpdate")
        self.assertEqual(update["HistorySummary"], "Alarm updated from INSUFFICIENT_DATA to ALARM")
        self.assertEqual(json.loads(update["HistoryData"])["newState"]["stateValue"], "ALARM")


class Time(_Alarms):
    """Against an emulator of its own, whose alarms are evaluated often."""

    def setUp(self) -> None:
        super().setUp()
        self.emulator = Emulator({"EMULATOR_ALARM_INTERVAL_SECONDS": "1"})
        self.addCleanup(self.emulator.stop)
        self.cloudwatch = self.client("cloudwatch", account="200000000000")

    def in_state(self, state: str, **changes) -> None:
        self.put(**changes)
        wait_for(lambda: self.alarm()["StateValue"] == state, f"the alarm is {state}")

    def test_missing_data_decides_in_time(self):
        self.in_state("OK")
        self.in_state("ALARM", TreatMissingData="breaching")
        self.in_state("INSUFFICIENT_DATA", TreatMissingData="missing")

    def test_a_state_that_was_set_does_not_last(self):
        self.in_state("OK")
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
        self.assertEqual(self.alarm()["StateValue"], "ALARM")
        wait_for(lambda: self.alarm()["StateValue"] == "OK", "the alarm is OK again")
        self.assertEqual([item["HistorySummary"].split(" from ")[1] for item in self.history("StateUpdate")],
                         ["ALARM to OK", "OK to ALARM", "INSUFFICIENT_DATA to OK"])


class Actions(_Alarms):
    def setUp(self) -> None:
        super().setUp()
        self.sns = self.client("sns")
        self.topic = self.sns.create_topic(Name="t")["TopicArn"]
        self.url = self.queue(self.topic)

    def test_the_message(self):
        self.put(AlarmActions=[self.topic], OKActions=[self.topic], AlarmDescription="d",
                 Dimensions=[{"Name": "k", "Value": "v"}])
        self.report(60, Dimensions=[{"Name": "k", "Value": "v"}])
        notification, = self.received(self.url)
        self.assertEqual(notification["Subject"], 'ALARM: "a" in US East (N. Virginia)')
        message = json.loads(notification["Message"])
        for varying in ("AlarmConfigurationUpdatedTimestamp", "StateChangeTime"):
            self.assertRegex(message.pop(varying), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$")
        self.assertTrue(message.pop("NewStateReason").startswith("Threshold Crossed: 1 out of the last 1 datapoint"))
        self.assertEqual(message, {
            "AlarmName": "a", "AlarmDescription": "d", "AWSAccountId": self.account, "NewStateValue": "ALARM",
            "Region": "US East (N. Virginia)", "AlarmArn": f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm:a",
            "OldStateValue": "INSUFFICIENT_DATA", "OKActions": [self.topic], "AlarmActions": [self.topic],
            "InsufficientDataActions": [], "Trigger": {
                "MetricName": "m", "Namespace": "n", "StatisticType": "Statistic", "Statistic": "SUM", "Unit": None,
                "Dimensions": [{"value": "v", "name": "k"}], "Period": 300, "EvaluationPeriods": 1,
                "ComparisonOperator": "GreaterThanThreshold", "Threshold": 50.0, "TreatMissingData": "notBreaching",
                "EvaluateLowSampleCountPercentile": ""}})
        action, = self.history("Action")
        self.assertEqual(action["HistorySummary"], f"Successfully executed action {self.topic}")
        data = json.loads(action["HistoryData"])
        self.assertEqual((data["actionState"], data["notificationResource"], data["error"]),
                         ("Succeeded", self.topic, None))

    def test_each_state_has_actions_of_its_own(self):
        self.put(OKActions=[self.topic])
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
        self.assertEqual(self.received(self.url), [])
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="OK", StateReason="test")
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="OK", StateReason="again")
        self.assertEqual([note["Subject"] for note in self.received(self.url)], ['OK: "a" in US East (N. Virginia)'])

    def test_disabled_actions(self):
        self.put(AlarmActions=[self.topic], ActionsEnabled=False)
        self.report(60)
        self.assertEqual(self.alarm()["StateValue"], "ALARM")
        self.assertEqual(self.received(self.url), [])

    def test_a_topic_that_does_not_admit_cloudwatch(self):
        self.allow_publish("events.amazonaws.com")
        self.put(AlarmActions=[self.topic])
        self.report(60)
        self.assertEqual(self.received(self.url), [])
        self.assertEqual(self.history("Action")[0]["HistorySummary"], (
            f'Failed to execute action {self.topic}. Received error: "Resource: arn:aws:cloudwatch:us-east-1:'
            f'{self.account}:alarm:a is not authorized to perform: SNS:Publish on resource: {self.topic}"'))
        self.allow_publish("cloudwatch.amazonaws.com", {
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm:a*"},
            "StringEquals": {"aws:SourceAccount": self.account}})
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="OK", StateReason="test")
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
        self.assertEqual(len(self.received(self.url)), 1)

    def allow_publish(self, service: str, condition: dict | None = None) -> None:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sns:Publish",
                     "Resource": self.topic, **({"Condition": condition} if condition else {})}
        self.sns.set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=json.dumps(
            {"Version": "2012-10-17", "Statement": [statement]}))

    def test_a_key_that_does_not_admit_cloudwatch(self):
        kms = self.client("kms")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        for name in (key, key.rsplit("/", 1)[-1], "alias/aws/sns"):
            self.encrypt(name)
            self.put(AlarmActions=[self.topic])
            self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="OK", StateReason="test")
            self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
            self.assertIn("CloudWatch Alarms does not have authorization to access the SNS topic encryption key.",
                          self.history("Action")[0]["HistorySummary"])
        self.assertEqual(self.received(self.url), [])
        self.encrypt(key)
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps({
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"}, "Action": "kms:*",
                 "Resource": "*"},
                {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Resource": "*",
                 "Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}]}))
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="OK", StateReason="test")
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
        self.assertEqual(len(self.received(self.url)), 1)

    def encrypt(self, key: str) -> None:
        self.sns.set_topic_attributes(TopicArn=self.topic, AttributeName="KmsMasterKeyId", AttributeValue=key)

"""Events about changes of alarms (CloudWatch user guide: "Alarm events and EventBridge")."""

import json
import time

from tests.telemetry import TelemetryTestCase


class AlarmEvents(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        events = self.client("events")
        rule = events.put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.cloudwatch"]}))["RuleArn"]
        arn = f"arn:aws:sqs:us-east-1:{self.account}:q"
        statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
                     "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}
        self.url = self.client("sqs").create_queue(QueueName="q", Attributes={
            "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})["QueueUrl"]
        events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": arn}])

    def alarm(self, name: str = "a", **parameters) -> str:
        self.cloudwatch.put_metric_alarm(AlarmName=name, EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", Threshold=1.0, **{
            "MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 300, **parameters})
        return f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm:{name}"

    def state(self, value: str, name: str = "a", **more) -> None:
        self.cloudwatch.set_alarm_state(AlarmName=name, StateValue=value, StateReason=f"is {value}", **more)

    def details(self) -> list[dict]:
        return [event["detail"] for event in self.events()]

    def events(self) -> list[dict]:
        return self.received(self.url)

    def assert_stamp(self, text: str) -> None:
        moment = time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
        self.assertRegex(text[19:], r"^\.\d{3}\+0000$")
        self.assertLess(abs(time.mktime(moment) - time.timezone - time.time()), 60)

    def test_all_of_an_event(self):
        arn = self.alarm(AlarmDescription="d", Dimensions=[{"Name": "Monitor", "Value": "v"}])
        self.state("ALARM", StateReasonData='{"version":"1.0"}')
        event, = self.events()
        self.assertTrue(event.pop("id"))
        self.assertRegex(event.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        detail = event.pop("detail")
        self.assertEqual(event, {"version": "0", "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch",
                                 "account": self.account, "region": "us-east-1", "resources": [arn]})
        for state in (detail["state"], detail["previousState"]):
            self.assert_stamp(state.pop("timestamp"))
        self.assertTrue(detail["configuration"]["metrics"][0].pop("id"))
        self.assertEqual(detail, {
            "alarmName": "a",
            "state": {"value": "ALARM", "reason": "is ALARM", "reasonData": '{"version":"1.0"}'},
            "previousState": {"value": "INSUFFICIENT_DATA", "reason": "Unchecked: Initial alarm creation"},
            "configuration": {"description": "d", "metrics": [{"returnData": True, "metricStat": {
                "metric": {"namespace": "n", "name": "m", "dimensions": {"Monitor": "v"}}, "period": 300, "stat": "Sum"}}]}})

    def test_every_change_is_one_event(self):
        self.alarm()
        for value in ("ALARM", "ALARM", "OK"):
            self.state(value)
        first, second = self.details()
        self.assertEqual(second["previousState"], first["state"])
        self.assertEqual(second["state"]["value"], "OK")

    def test_data_that_changes_the_state(self):
        self.alarm()
        self.cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 5, "Timestamp": time.time()}])
        self.cloudwatch.describe_alarms()
        detail, = self.details()
        self.assertEqual((detail["state"]["value"], json.loads(detail["state"]["reasonData"])["threshold"]), ("ALARM", 1.0))

    def test_an_alarm_on_queries(self):
        metric = {"Namespace": "n", "MetricName": "m", "Dimensions": []}
        self.cloudwatch.put_metric_alarm(
            AlarmName="a", EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", Threshold=1.0, Metrics=[
                {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
                {"Id": "e1", "Expression": "m1 * 2", "Label": "twice", "ReturnData": True}])
        self.state("ALARM")
        self.assertEqual(self.details()[0]["configuration"], {"metrics": [
            {"id": "m1", "metricStat": {"metric": {"namespace": "n", "name": "m", "dimensions": {}}, "period": 60, "stat": "Sum"},
             "returnData": False},
            {"id": "e1", "expression": "m1 * 2", "label": "twice", "returnData": True}]})

    def test_a_composite_alarm_follows_its_child(self):
        self.alarm()
        self.cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(a)", AlarmDescription="d")
        self.details()
        self.state("ALARM")
        child, composite = self.details()
        self.assertEqual((child["alarmName"], composite["alarmName"]), ("a", "c"))
        self.assertEqual(composite["configuration"], {"description": "d", "alarmRule": "ALARM(a)"})
        self.assertEqual((composite["state"]["value"], composite["previousState"]["value"]), ("ALARM", "OK"))
        self.assertIn("triggeringAlarms", composite["state"]["reasonData"])

    def test_alarms_without_actions_send_it_too(self):
        self.alarm(ActionsEnabled=False)
        self.state("ALARM")
        self.assertEqual([detail["state"]["value"] for detail in self.details()], ["ALARM"])

    def test_a_muted_alarm_sends_it_once(self):
        topic = self.client("sns").create_topic(Name="t")["TopicArn"]
        self.alarm(AlarmActions=[topic])
        arn = self.mute()
        self.state("ALARM")
        detail, = self.details()
        self.assertEqual(detail["muteDetail"]["mutedByArn"], arn)
        self.assertLess(detail["muteDetail"]["muteWindowStart"], detail["muteDetail"]["muteWindowEnd"])
        # Now the action happens; the event was sent before.
        self.cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="m")
        self.assertEqual(self.details(), [])

    def mute(self) -> str:
        self.cloudwatch.put_alarm_mute_rule(Name="m", MuteTargets={"AlarmNames": ["a"]}, Rule={
            "Schedule": {"Expression": "cron(* * * * *)", "Duration": "PT1H"}})
        return f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm-mute-rule:m"

"""Alarm mute rules, as the API reference describes them."""

import time
from datetime import datetime, timedelta, timezone

from tests.telemetry import TelemetryTestCase

_NEVER = "at(2020-01-01T00:00)"
_ALWAYS = "cron(* * * * *)"


class MuteRules(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.topic = self.client("sns").create_topic(Name="t")["TopicArn"]
        self.url = self.queue(self.topic)
        self.cloudwatch.put_metric_alarm(
            AlarmName="a", MetricName="m", Namespace="n", Statistic="Sum", Period=300, EvaluationPeriods=1, Threshold=50.0,
            ComparisonOperator="GreaterThanThreshold", AlarmActions=[self.topic], OKActions=[self.topic])

    def mute(self, expression: str = _ALWAYS, duration: str = "PT1H", name: str = "q", **changes) -> None:
        schedule = {"Expression": expression, "Duration": duration, **changes.pop("schedule", {})}
        self.cloudwatch.put_alarm_mute_rule(**{
            "Name": name, "Rule": {"Schedule": schedule}, "MuteTargets": {"AlarmNames": ["a"]}, **changes})

    def rule(self, name: str = "q") -> dict:
        found = self.cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName=name)
        found.pop("ResponseMetadata")
        return found

    def state(self, value: str) -> None:
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue=value, StateReason="test")

    def subjects(self) -> list[str]:
        return [note["Subject"].split(":")[0] for note in self.received(self.url)]

    def test_all_of_a_rule(self):
        tags = [{"Key": "k", "Value": "v"}]
        self.mute("cron(0 2 * * SUN)", Description="d", Tags=tags, schedule={"Timezone": "Europe/Berlin"})
        arn = f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm-mute-rule:q"
        rule = self.rule()
        self.assertLess(abs(rule.pop("LastUpdatedTimestamp").timestamp() - time.time()), 60)
        self.assertIn(rule.pop("Status"), ("SCHEDULED", "ACTIVE"))
        self.assertEqual(rule, {
            "Name": "q", "Description": "d", "AlarmMuteRuleArn": arn, "MuteType": "RECURRING",
            "Rule": {"Schedule": {"Expression": "cron(0 2 * * SUN)", "Duration": "PT1H", "Timezone": "Europe/Berlin"}},
            "MuteTargets": {"AlarmNames": ["a"]}})
        self.assertEqual(self.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"], tags)
        self.mute(_NEVER, Tags=[{"Key": "ignored", "Value": "on update"}])
        self.assertEqual((self.rule()["MuteType"], "Description" in self.rule()), ("ONE_TIME", False))
        self.assertEqual(self.inventory()["alarmMuteRules"]["q"]["tags"], {"k": "v"})

    def test_lists_and_pages(self):
        for name in ("p", "q", "r"):
            self.mute(_NEVER if name == "q" else _ALWAYS, name=name)
        listed = self.cloudwatch.list_alarm_mute_rules(AlarmName="a", Statuses=["ACTIVE"])["AlarmMuteRuleSummaries"]
        self.assertEqual([each["AlarmMuteRuleArn"][-1] for each in listed], ["p", "r"])
        self.assertEqual(self.cloudwatch.list_alarm_mute_rules(AlarmName="b")["AlarmMuteRuleSummaries"], [])
        page = self.cloudwatch.list_alarm_mute_rules(MaxRecords=2)
        rest = self.cloudwatch.list_alarm_mute_rules(MaxRecords=2, NextToken=page["NextToken"])
        self.assertEqual([len(each["AlarmMuteRuleSummaries"]) for each in (page, rest)], [2, 1])
        self.cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="q")
        self.refused("ResourceNotFoundException", self.cloudwatch.get_alarm_mute_rule, AlarmMuteRuleName="q")
        self.cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="q")

    def test_refused(self):
        for expression in ("cron(0 2 * *)", "cron(60 2 * * *)", "cron(0 2 * * FUN)", "rate(1 hour)", "at(2026-13-01T00:00)"):
            self.refused("ValidationError", self.mute, expression)
        for duration in ("PT0M", "P16D", "1 hour", "P", "PT"):
            self.refused("ValidationError", self.mute, duration=duration)
        self.refused("ValidationError", self.mute, schedule={"Timezone": "Europe/Atlantis"})
        self.refused("ValidationError", self.mute, MuteTargets={"AlarmNames": ["a", "none"]})
        self.refused("ValidationError", self.mute, MuteTargets={"AlarmNames": ["a"] * 101})

    def test_a_muted_alarm_changes_state_and_does_not_notify(self):
        self.mute()
        self.state("ALARM")
        self.assertEqual(self.cloudwatch.describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]["StateValue"], "ALARM")
        self.state("OK")
        self.assertEqual(self.subjects(), [])
        self.cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="q")
        self.assertEqual(self.subjects(), [], "it is OK again")

    def test_what_is_still_in_alarm_notifies_when_it_is_unmuted(self):
        self.mute()
        self.state("ALARM")
        self.cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="q")
        self.assertEqual(self.subjects(), ["ALARM"])
        self.state("OK")
        self.assertEqual(self.subjects(), ["OK"])

    def test_only_the_time_of_the_schedule_is_quiet(self):
        zone = timezone.utc
        for begun, minutes, muted in ((10, 20, True), (30, 20, False), (-5, 60, False)):
            start = datetime.now(zone) - timedelta(minutes=begun)
            self.mute(f"cron({start.minute} {start.hour} * * *)", f"PT{minutes}M")
            self.assertEqual(self.rule()["Status"] == "ACTIVE", muted, (begun, minutes))
            self.mute(start.strftime("at(%Y-%m-%dT%H:%M)"), f"PT{minutes}M")
            self.assertEqual(self.rule()["Status"] == "ACTIVE", muted, (begun, minutes))

"""CloudWatch alarms and dashboards as its API reference describes them."""

import json

from tests.emulator import AwsTestCase


class Alarms(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloudwatch = self.client("cloudwatch")

    def put(self, name: str = "a", **changes) -> None:
        self.cloudwatch.put_metric_alarm(**{
            "AlarmName": name, "MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 300,
            "EvaluationPeriods": 2, "Threshold": 50.0, "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching", **changes})

    def alarm(self, name: str = "a") -> dict:
        return self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]

    def test_all_of_an_alarm(self):
        topic = f"arn:aws:sns:us-east-1:{self.account}:t"
        self.put(AlarmDescription="d", AlarmActions=[topic], OKActions=[topic], DatapointsToAlarm=1, Unit="Count",
                 Dimensions=[{"Name": "x", "Value": "y"}], Tags=[{"Key": "k", "Value": "v"}])
        alarm = self.alarm()
        self.assertEqual((alarm["StateValue"], alarm["ActionsEnabled"], alarm["AlarmActions"], alarm["OKActions"],
                          alarm["InsufficientDataActions"], alarm["Dimensions"], alarm["DatapointsToAlarm"]),
                         ("INSUFFICIENT_DATA", True, [topic], [topic], [], [{"Name": "x", "Value": "y"}], 1))
        self.assertEqual(alarm["AlarmArn"], f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm:a")
        self.assertEqual(self.inventory()["alarms"]["a"]["tags"], {"k": "v"})

    def test_an_update_replaces_all_but_state_and_tags(self):
        self.put(AlarmDescription="d", Tags=[{"Key": "k", "Value": "v"}])
        self.cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
        self.put(Threshold=1.0, Tags=[{"Key": "ignored", "Value": "on update"}])
        alarm = self.alarm()
        self.assertEqual((alarm["StateValue"], alarm["Threshold"]), ("ALARM", 1.0))
        self.assertNotIn("AlarmDescription", alarm)
        self.assertEqual(self.inventory()["alarms"]["a"]["tags"], {"k": "v"})

    def test_tags(self):
        self.put()
        arn = self.alarm()["AlarmArn"]
        self.cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        self.cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["a"])
        self.assertEqual(self.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"], [{"Key": "b", "Value": "2"}])
        self.refused("ResourceNotFoundException", self.cloudwatch.tag_resource, ResourceARN=arn + "x",
                     Tags=[{"Key": "a", "Value": "1"}])
        self.refused("ResourceNotFoundException", self.cloudwatch.list_tags_for_resource, ResourceARN=arn + "x")

    def test_by_name_and_prefix(self):
        for name in ("p-1", "p-2", "q-1"):
            self.put(name)
        found = self.cloudwatch.describe_alarms(AlarmNamePrefix="p-")["MetricAlarms"]
        self.assertEqual([alarm["AlarmName"] for alarm in found], ["p-1", "p-2"])
        found = self.cloudwatch.describe_alarms(AlarmNames=["q-1", "none"])["MetricAlarms"]
        self.assertEqual([alarm["AlarmName"] for alarm in found], ["q-1"])
        page = self.cloudwatch.describe_alarms(MaxRecords=2)
        rest = self.cloudwatch.describe_alarms(MaxRecords=2, NextToken=page["NextToken"])
        self.assertEqual(len(page["MetricAlarms"] + rest["MetricAlarms"]), 3)
        self.cloudwatch.delete_alarms(AlarmNames=["p-1", "q-1"])
        self.refused("ResourceNotFound", self.cloudwatch.delete_alarms, AlarmNames=["p-1"])
        self.assertEqual(list(self.inventory()["alarms"]), ["p-2"])

    def test_refused(self):
        self.refused("ValidationError", self.put, Period=45)
        self.refused("ValidationError", self.put, TreatMissingData="sometimes")
        self.refused("ValidationError", self.put, Statistic="Median")
        self.refused("ValidationError", self.put, Period=86400, EvaluationPeriods=8)
        self.refused("ValidationError", self.put, DatapointsToAlarm=3)
        self.refused("ResourceNotFound", self.cloudwatch.set_alarm_state, AlarmName="none", StateValue="OK",
                     StateReason="x")


class Dashboards(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloudwatch = self.client("cloudwatch")
        self.widget = {"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": "m"}}

    def put(self, body, **parameters) -> dict:
        text = body if isinstance(body, str) else json.dumps(body)
        return self.cloudwatch.put_dashboard(**{"DashboardName": "d", "DashboardBody": text, **parameters})

    def test_it_reads_back(self):
        body = {"widgets": [self.widget]}
        self.put(body, Tags=[{"Key": "a", "Value": "1"}])
        found = self.inventory()["dashboards"]["d"]
        self.assertEqual(found, {"arn": f"arn:aws:cloudwatch::{self.account}:dashboard/d", "body": body,
                                 "tags": {"a": "1"}})
        self.cloudwatch.tag_resource(ResourceARN=found["arn"], Tags=[{"Key": "b", "Value": "2"}])
        self.cloudwatch.untag_resource(ResourceARN=found["arn"], TagKeys=["a"])
        self.assertEqual(self.inventory()["dashboards"]["d"]["tags"], {"b": "2"})

    def test_refused(self):
        for code, body in (("InvalidParameterInput", "not json"), ("InvalidParameterInput", {"widgets": {}}),
                           ("InvalidParameterInput", {"widgets": [{"type": "text"}]})):
            with self.subTest(body):
                self.refused(code, self.put, body)
        self.refused("InvalidParameterInput", self.put, {"widgets": []}, DashboardName="no spaces")
        self.refused("ResourceNotFound", self.cloudwatch.get_dashboard, DashboardName="none")
        self.refused("ResourceNotFound", self.cloudwatch.delete_dashboards, DashboardNames=["none"])

    def test_tags_that_are_refused_or_ignored_at_creation(self):
        """CloudWatch API, PutDashboard: Tags, since June 2026; other partitions may not have them yet."""
        body, tags = {"widgets": [self.widget]}, [{"Key": "a", "Value": "1"}]
        self.modes(dashboardTags="refused")
        self.refused("InvalidParameterInput", self.put, body, Tags=tags)
        self.assertEqual(self.inventory()["dashboards"], {})
        self.put(body)
        self.modes(dashboardTags="ignored")
        self.put(body, DashboardName="e", Tags=tags)
        found = self.inventory()["dashboards"]
        self.assertEqual((found["d"]["tags"], found["e"]["tags"]), ({}, {}))
        self.cloudwatch.tag_resource(ResourceARN=found["e"]["arn"], Tags=tags)
        self.assertEqual(self.inventory()["dashboards"]["e"]["tags"], {"a": "1"})

    def test_where_dashboards_have_no_tags_at_all(self):
        self.modes(dashboardTags="unsupported")
        self.put({"widgets": []}, Tags=[{"Key": "a", "Value": "1"}])
        arn = f"arn:aws:cloudwatch::{self.account}:dashboard/d"
        self.refused("InvalidParameterValue", self.cloudwatch.tag_resource, ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}])
        self.refused("InvalidParameterValue", self.cloudwatch.untag_resource, ResourceARN=arn, TagKeys=["a"])
        self.refused("InvalidParameterValue", self.cloudwatch.list_tags_for_resource, ResourceARN=arn)
        self.assertEqual(self.inventory()["dashboards"]["d"], {"arn": arn, "body": {"widgets": []}, "tags": {}})

    def test_dashboards_are_global(self):
        self.put({"widgets": []})
        west = self.client("cloudwatch", region="eu-west-1")
        self.assertEqual(json.loads(west.get_dashboard(DashboardName="d")["DashboardBody"]), {"widgets": []})
        west.delete_dashboards(DashboardNames=["d"])
        self.refused("ResourceNotFound", self.cloudwatch.get_dashboard, DashboardName="d")

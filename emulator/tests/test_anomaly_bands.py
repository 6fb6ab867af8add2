"""Anomaly models, alarms on their bands, and composite alarms above them."""

from datetime import datetime, timezone

from tests.emulator import Emulator, wait_for
from tests.telemetry import TelemetryTestCase

_METRIC = {"Namespace": "n", "MetricName": "m", "Dimensions": [], "Stat": "Sum"}


class _Bands(TelemetryTestCase):
    def model(self, **changes) -> str:
        return self.cloudwatch.put_anomaly_detector(SingleMetricAnomalyDetector=_METRIC, **changes)["AnomalyDetectorId"]

    def models(self, **filters) -> list[dict]:
        return self.cloudwatch.describe_anomaly_detectors(**filters)["AnomalyDetectors"]

    def put(self, **changes) -> None:
        metric = {"Namespace": "n", "MetricName": "m"}
        self.cloudwatch.put_metric_alarm(**{
            "AlarmName": "band", "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanUpperThreshold",
            "ThresholdMetricId": "band", "TreatMissingData": "notBreaching", "Metrics": [
                {"Id": "m", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}, "ReturnData": True},
                {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 3)", "ReturnData": True}], **changes})

    def static(self, name: str = "static") -> None:
        self.cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="n", MetricName="m", Statistic="Sum", Period=300, EvaluationPeriods=1, Threshold=5.0,
            ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching")

    def report(self, value: float) -> None:
        self.cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": value}])

    def teach(self, state: str = "TRAINED", lower: float = 0, upper: float = 10) -> None:
        self.emulator.control("PUT", "anomaly-models", {
            "account": self.account, "region": self.region, "metric": "m", "state": state, "lower": lower, "upper": upper})

    def alarm(self, name: str = "band") -> dict:
        return self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]


class Models(_Bands):
    def test_all_of_a_model(self):
        start, end = datetime(2026, 11, 27, tzinfo=timezone.utc), datetime(2026, 11, 30, tzinfo=timezone.utc)
        configuration = {"ExcludedTimeRanges": [{"StartTime": start, "EndTime": end}], "MetricTimezone": "Europe/Berlin"}
        made = self.model(Configuration=configuration, MetricCharacteristics={"PeriodicSpikes": True})
        self.assertEqual(self.models(), [{
            "AnomalyDetectorId": made, **_METRIC, "SingleMetricAnomalyDetector": _METRIC, "Configuration": configuration,
            "MetricCharacteristics": {"PeriodicSpikes": True}, "StateValue": "PENDING_TRAINING"}])
        self.assertEqual(self.model(), made, "an upsert")
        self.assertEqual(self.models()[0]["Configuration"], {"ExcludedTimeRanges": []}, "it replaces all")
        self.cloudwatch.delete_anomaly_detector(SingleMetricAnomalyDetector=_METRIC)
        self.assertEqual(self.models(), [])
        self.refused("ResourceNotFoundException", self.cloudwatch.delete_anomaly_detector,
                     SingleMetricAnomalyDetector=_METRIC)

    def test_filters_and_pages(self):
        for number in range(3):
            metric = {**_METRIC, "Namespace": f"n{number % 2}", "MetricName": f"m{number}"}
            self.cloudwatch.put_anomaly_detector(SingleMetricAnomalyDetector=metric)
        self.assertEqual(len(self.models(Namespace="n0")), 2)
        self.assertEqual(len(self.models(MetricName="m1")), 1)
        self.assertEqual(self.models(AnomalyDetectorTypes=["METRIC_MATH"]), [])
        page = self.cloudwatch.describe_anomaly_detectors(MaxResults=2)
        rest = self.models(NextToken=page["NextToken"], MaxResults=2)
        self.assertEqual(len({each["AnomalyDetectorId"] for each in page["AnomalyDetectors"] + rest}), 3)

    def test_refused(self):
        ranges = [{"StartTime": datetime(2026, 1, day), "EndTime": datetime(2026, 1, day + 1)} for day in range(1, 12)]
        self.refused("InvalidParameterValue", self.model, Configuration={"ExcludedTimeRanges": ranges})
        backwards = [{"StartTime": datetime(2026, 1, 2), "EndTime": datetime(2026, 1, 1)}]
        self.refused("InvalidParameterValue", self.model, Configuration={"ExcludedTimeRanges": backwards})
        self.refused("InvalidParameterValue", self.model, Configuration={"MetricTimezone": "Europe/Atlantis"})
        self.refused("InvalidParameterCombination", self.model, Namespace="n", MetricName="m", Stat="Sum")
        self.refused("MissingParameter", self.cloudwatch.put_anomaly_detector,
                     SingleMetricAnomalyDetector={"Namespace": "n", "MetricName": "m"})

    def test_a_region_has_500_models(self):
        for number in range(500):
            metric = {**_METRIC, "MetricName": f"m{number}"}
            self.cloudwatch.put_anomaly_detector(SingleMetricAnomalyDetector=metric)
        self.refused("LimitExceededException", self.model)
        self.cloudwatch.put_anomaly_detector(SingleMetricAnomalyDetector=metric)

    def test_only_what_exists_can_be_taught(self):
        body = {"account": self.account, "metric": "m", "state": "TRAINED"}
        self.assertIn("no anomaly model", self.control_error("anomaly-models", body))
        self.assertIn("`state`", self.control_error("anomaly-models", {**body, "state": "LEARNT"}))


class Alarms(_Bands):
    def test_all_of_an_alarm_on_a_band(self):
        self.put(DatapointsToAlarm=1)
        alarm = self.alarm()
        for absent in ("MetricName", "Namespace", "Statistic", "Dimensions", "Period", "Threshold", "Unit"):
            self.assertNotIn(absent, alarm)
        self.assertEqual((alarm["ThresholdMetricId"], [each["Id"] for each in alarm["Metrics"]]), ("band", ["m", "band"]))

    def test_refused(self):
        for changes in (
            {"Threshold": 1.0}, {"Namespace": "n"}, {"Period": 60}, {"ThresholdMetricId": "m"}, {"ThresholdMetricId": "x"},
            {"ComparisonOperator": "GreaterThanThreshold"},
        ):
            self.refused("ValidationError", self.put, **changes)

    def test_each_comparison(self):
        for comparison, states in {
            "GreaterThanUpperThreshold": ("OK", "OK", "ALARM"),
            "LessThanLowerThreshold": ("ALARM", "OK", "OK"),
            "LessThanLowerOrGreaterThanUpperThreshold": ("ALARM", "OK", "ALARM"),
        }.items():
            self.put(ComparisonOperator=comparison)
            self.assertEqual(len(self.models()), 1, "an alarm brings its model")
            for (lower, upper), state in zip(((20, 30), (0, 30), (0, 4)), states):
                if not self.data("n", "m"):
                    self.report(7)
                self.teach(lower=lower, upper=upper)
                self.assertEqual(self.alarm()["StateValue"], state, comparison)

    def test_without_a_trained_model_there_is_no_opinion(self):
        self.put()
        self.report(100)
        for state in ("PENDING_TRAINING", "TRAINED_INSUFFICIENT_DATA"):
            self.teach(state)
            self.assertEqual(self.alarm()["StateValue"], "INSUFFICIENT_DATA")
        self.teach()
        self.assertEqual(self.alarm()["StateValue"], "ALARM")

    def test_a_composite_notifies_when_its_rule_holds(self):
        topic = self.client("sns").create_topic(Name="t")["TopicArn"]
        url = self.queue(topic)
        self.static()
        self.put()
        rule = 'ALARM("static") AND (ALARM("band") OR INSUFFICIENT_DATA("band"))'
        self.cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule=rule, AlarmActions=[topic])
        self.teach(upper=100)
        self.report(50)
        self.assertEqual(self.received(url), [], "usual, though above the threshold")
        self.report(60)
        self.assertEqual([note["Subject"] for note in self.received(url)], ['ALARM: "c" in US East (N. Virginia)'])
        self.assertEqual(self.cloudwatch.describe_alarms(AlarmNames=["c"])["CompositeAlarms"], [])
        seen = self.cloudwatch.describe_alarms(AlarmNames=["c"], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        self.assertEqual([each["AlarmRule"] for each in seen["CompositeAlarms"]], [rule])
        self.refused("ValidationError", self.cloudwatch.delete_alarms, AlarmNames=["static"])
        self.cloudwatch.put_composite_alarm(AlarmName="d", AlarmRule='ALARM("static")')
        self.refused("ValidationError", self.cloudwatch.delete_alarms, AlarmNames=["c", "d"])
        self.cloudwatch.delete_alarms(AlarmNames=["c"])
        self.cloudwatch.delete_alarms(AlarmNames=["d"])
        self.cloudwatch.delete_alarms(AlarmNames=["static", "band"])

    def test_a_name_belongs_to_one_kind_of_alarm(self):
        self.static()
        self.refused("ValidationError", self.cloudwatch.put_composite_alarm, AlarmName="static", AlarmRule="FALSE")
        self.cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="FALSE")
        self.refused("ValidationError", self.static, "c")

    def test_the_inventory_has_models_and_composites(self):
        start, end = datetime(2026, 11, 27, tzinfo=timezone.utc), datetime(2026, 11, 30, tzinfo=timezone.utc)
        self.model(Configuration={"ExcludedTimeRanges": [{"StartTime": start, "EndTime": end}]})
        self.put()
        self.cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule='ALARM("band")')
        inventory = self.inventory()
        ranges = inventory["anomalyModels"]["n/m/Sum"]["Configuration"]["ExcludedTimeRanges"]
        self.assertEqual(ranges, [{"StartTime": start.isoformat(), "EndTime": end.isoformat()}])
        self.assertEqual(list(inventory["anomalyModels"]), ["n/m/Sum"])
        self.assertEqual(sorted(inventory["alarms"]), ["band", "c"])


class Growth(_Bands):
    """Against an emulator of its own, whose alarms are evaluated often."""

    def setUp(self) -> None:
        super().setUp()
        self.emulator = Emulator({"EMULATOR_ALARM_INTERVAL_SECONDS": "0.2"})
        self.addCleanup(self.emulator.stop)
        self.account = "200000000001"
        self._clients.clear()
        self.cloudwatch = self.client("cloudwatch")

    def grown(self) -> bool:
        self.alarm()
        return bool(self.models())

    def test_a_model_comes_back_while_its_alarm_lives(self):
        self.model(MetricCharacteristics={"PeriodicSpikes": True})
        self.put()
        self.cloudwatch.delete_anomaly_detector(SingleMetricAnomalyDetector=_METRIC)
        wait_for(self.grown, "the model is back")
        self.assertEqual(self.models()[0]["MetricCharacteristics"], {"PeriodicSpikes": False}, "with no settings")
        self.cloudwatch.delete_alarms(AlarmNames=["band"])
        self.cloudwatch.delete_anomaly_detector(SingleMetricAnomalyDetector=_METRIC)
        self.cloudwatch.describe_alarms()
        self.assertEqual(self.models(), [])

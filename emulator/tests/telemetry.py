"""The base of the tests of logs, metrics and notifications."""

import json
import time

from tests.emulator import AwsTestCase


class TelemetryTestCase(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logs = self.client("logs")
        self.cloudwatch = self.client("cloudwatch")

    def log_group(self, name: str = "g", stream: str = "s") -> None:
        self.logs.create_log_group(logGroupName=name)
        self.logs.create_log_stream(logGroupName=name, logStreamName=stream)

    def log(self, *messages: str, at: float | None = None, group: str = "g", stream: str = "s") -> None:
        stamp = int((time.time() if at is None else at) * 1000)
        self.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[
            {"timestamp": stamp, "message": message} for message in messages])

    def data(self, namespace: str, name: str, statistic: str = "Sum", at: float | None = None,
             **dimensions: str) -> float | None:
        """The statistic of a metric over the hours around now, or over one minute."""
        now = time.time()
        start, end = (now - 7200, now + 7200) if at is None else (at // 60 * 60, at // 60 * 60 + 60)
        found = self.cloudwatch.get_metric_statistics(
            Namespace=namespace, MetricName=name, StartTime=start, EndTime=end, Statistics=[statistic],
            Period=86400 if at is None else 60,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()])["Datapoints"]
        if not found:
            return None
        return sum(point[statistic] for point in found) if statistic in ("Sum", "SampleCount") else found[0][statistic]

    def queue(self, topic_arn: str, name: str = "q", **attributes: str) -> str:
        """The URL of a queue that is subscribed to a topic."""
        url = self.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{self.region}:{self.account}:{name}"
        self.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes=attributes)
        return url

    def received(self, url: str) -> list[dict]:
        """The notifications in a queue."""
        messages = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

"""CloudWatch Logs as its API reference and user guide describe it."""

import base64
import gzip
import json
import pathlib
import tempfile
import time

from tests.emulator import AwsTestCase, wait_for, zip_of

_RECORD = """#!/usr/bin/env python3
# A custom runtime that writes every event into a given folder.
import json, os, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        request, body = event.headers["Lambda-Runtime-Aws-Request-Id"], event.read()
    with open(os.path.join(os.environ["OUT"], str(time.time_ns())), "wb") as out:
        out.write(body)
    urllib.request.urlopen(urllib.request.Request(api + request + "/response", data=b"{}", method="POST"))
"""


class Groups(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logs = self.client("logs")

    def group(self) -> dict:
        return self.logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"][0]

    def key(self, *actions: str, service: str = "logs.us-east-1.amazonaws.com") -> dict:
        root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"}, "Action": "kms:*",
                "Resource": "*"}
        grant = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions), "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [root, grant] if actions else [root]}
        return self.client("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]

    def test_names_classes_and_retention(self):
        self.logs.create_log_group(logGroupName="g", logGroupClass="INFREQUENT_ACCESS", tags={"a": "b"})
        self.assertEqual(self.group()["logGroupClass"], "INFREQUENT_ACCESS")
        self.refused("ResourceAlreadyExistsException", self.logs.create_log_group, logGroupName="g")
        self.refused("InvalidParameterException", self.logs.create_log_group, logGroupName="no spaces")
        # API, CreateLogGroup: "Log group names can't start with the string aws/".
        self.refused("InvalidParameterException", self.logs.create_log_group, logGroupName="aws/g",
                     message="Log groups starting with AWS/ are reserved for AWS.")
        self.logs.create_log_group(logGroupName="/aws/g")
        self.logs.put_retention_policy(logGroupName="g", retentionInDays=400)
        self.assertEqual(self.group()["retentionInDays"], 400)
        self.refused("InvalidParameterException", self.logs.put_retention_policy, logGroupName="g", retentionInDays=31)
        self.refused("ResourceNotFoundException", self.logs.put_retention_policy, logGroupName="x", retentionInDays=30)
        self.logs.delete_retention_policy(logGroupName="g")
        self.assertNotIn("retentionInDays", self.group())

    def test_what_the_standard_class_alone_has(self):
        """User guide, "Log classes". The code and text are those of users' reports."""
        self.logs.create_log_group(logGroupName="g", logGroupClass="INFREQUENT_ACCESS")
        transformation = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
        destination = f"arn:aws:lambda:us-east-1:{self.account}:function:f"
        group_arn = self.group()["arn"]
        for call, parameters in (
                (self.logs.describe_metric_filters, {"logGroupName": "g"}),
                (self.logs.describe_subscription_filters, {"logGroupName": "g"}),
                (self.logs.filter_log_events, {"logGroupName": "g"}),
                (self.logs.filter_log_events, {"logGroupIdentifier": group_arn.removesuffix(":*")}),
                (self.logs.put_metric_filter, {"logGroupName": "g", "filterName": "f", "filterPattern": "",
                                               "metricTransformations": [transformation]}),
                (self.logs.put_subscription_filter, {"logGroupName": "g", "filterName": "f", "filterPattern": "",
                                                     "destinationArn": destination})):
            with self.subTest(call.__name__):
                self.refused("ValidationException", call, **parameters,
                             message="This operation is only supported on the Standard log class.")
        self.assertEqual(self.inventory()["logGroups"]["g"]["class"], "INFREQUENT_ACCESS")
        self.refused("ResourceNotFoundException", self.logs.describe_subscription_filters, logGroupName="x")

    def test_tags_by_arn(self):
        self.logs.create_log_group(logGroupName="g", tags={"a": "1"})
        arn = self.group()["arn"].removesuffix(":*")
        self.logs.tag_resource(resourceArn=arn, tags={"b": "2"})
        self.logs.untag_resource(resourceArn=arn, tagKeys=["a"])
        self.assertEqual(self.logs.list_tags_for_resource(resourceArn=arn)["tags"], {"b": "2"})
        self.refused("ResourceNotFoundException", self.logs.list_tags_for_resource, resourceArn=arn + "x")

    def test_a_key_must_exist_be_enabled_and_grant_the_service(self):
        usable = self.key("kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*")
        disabled = self.key("kms:*")
        self.client("kms").disable_key(KeyId=disabled["KeyId"])
        # API, AssociateKmsKey: errors; the texts are those of users' reports.
        unknown = ("InvalidParameterException", "The specified KMS Key Id could not be found")
        denied = ("AccessDeniedException", "The specified KMS key does not exist or is not allowed to be used with Arn "
                  f"'arn:aws:logs:us-east-1:{self.account}:log-group:{{}}'")
        refused = {
            "missing": (f"arn:aws:kms:us-east-1:{self.account}:key/00000000-0000-0000-0000-000000000000", unknown),
            "disabled": (disabled["Arn"], unknown),
            "ungranted": (self.key()["Arn"], denied),
            "granted to another region": (self.key("kms:*", service="logs.eu-west-1.amazonaws.com")["Arn"], denied),
        }
        self.logs.create_log_group(logGroupName="g")
        for name, (arn, (code, message)) in refused.items():
            with self.subTest(name):
                self.refused(code, self.logs.create_log_group, logGroupName="k", kmsKeyId=arn, message=message.format("k"))
                self.refused(code, self.logs.associate_kms_key, logGroupName="g", kmsKeyId=arn, message=message.format("g"))
        self.assertNotIn("kmsKeyId", self.group())
        self.logs.associate_kms_key(logGroupName="g", kmsKeyId=usable["Arn"])
        self.assertEqual(self.group()["kmsKeyId"], usable["Arn"])
        self.logs.disassociate_kms_key(logGroupName="g")
        self.assertNotIn("kmsKeyId", self.group())
        self.refused("ResourceNotFoundException", self.logs.associate_kms_key, logGroupName="x",
                     kmsKeyId=usable["Arn"])

    def test_deletion_protection(self):
        self.logs.create_log_group(logGroupName="g", deletionProtectionEnabled=True)
        self.assertTrue(self.group()["deletionProtectionEnabled"])
        self.refused("ValidationException", self.logs.delete_log_group, logGroupName="g")
        self.logs.put_log_group_deletion_protection(logGroupIdentifier="g", deletionProtectionEnabled=False)
        self.logs.delete_log_group(logGroupName="g")

    def test_pages(self):
        for number in range(3):
            self.logs.create_log_group(logGroupName=f"g{number}")
        page = self.logs.describe_log_groups(limit=2)
        rest = self.logs.describe_log_groups(limit=2, nextToken=page["nextToken"])
        self.assertEqual([group["logGroupName"] for group in page["logGroups"] + rest["logGroups"]], ["g0", "g1", "g2"])

    def test_events_are_found_from_either_end(self):
        self.logs.create_log_group(logGroupName="g")
        now = int(time.time() * 1000)
        for stream in range(2):
            self.logs.create_log_stream(logGroupName="g", logStreamName=str(stream))
            events = [{"timestamp": now + 2 * each + stream, "message": str(2 * each + stream)} for each in range(2)]
            self.logs.put_log_events(logGroupName="g", logStreamName=str(stream), logEvents=events)

        def found(**parameters) -> list[str]:
            answer = self.logs.filter_log_events(logGroupName="g", startTime=now, **parameters)
            return [each["message"] for each in answer["events"]]

        self.assertEqual(found(), ["0", "1", "2", "3"])
        self.assertEqual(found(startFromHead=False), ["3", "2", "1", "0"])
        self.assertEqual(found(startFromHead=False, limit=1), ["3"])


class MetricFilters(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logs = self.client("logs")
        self.logs.create_log_group(logGroupName="g")

    def put(self, name: str = "f", pattern: str = "", group: str = "g", **transformation) -> None:
        self.logs.put_metric_filter(
            logGroupName=group, filterName=name, filterPattern=pattern,
            metricTransformations=[{"metricName": "m", "metricNamespace": "n", "metricValue": "1", **transformation}])

    def test_limits(self):
        self.put(pattern="x" * 1024)
        self.refused("InvalidParameterException", self.put, pattern="x" * 1025)
        self.refused("InvalidParameterException", self.put, name="a:b")
        self.refused("InvalidParameterException", self.put, name="a*b")
        self.refused("ResourceNotFoundException", self.put, group="none")
        self.refused("InvalidParameterException", self.put, metricName="a:b")
        self.refused("InvalidParameterException", self.put, pattern="[a, b", name="unclosed")
        self.refused("InvalidParameterException", self.put, pattern="[a, b]", defaultValue=0.0,
                     dimensions={"d": "$a"})
        self.refused("InvalidParameterException", self.put, pattern="[a, b, c, d]",
                     dimensions={"1": "$a", "2": "$b", "3": "$c", "4": "$d"})
        self.refused("InvalidParameterException", self.put, pattern="[a=%1%, b=%2%, c=%3%]")

    def test_regular_expressions_per_group(self):
        for number in range(5):
            self.put(name=f"r{number}", pattern="[a=%^10%, b=%^11%]")
        self.refused("LimitExceededException", self.put, name="r5", pattern="[a=%x%]")
        self.put(name="r0", pattern="[a=%y%]")
        self.put(name="plain", pattern="[a=x]")

    def test_a_hundred_per_group(self):
        for number in range(100):
            self.put(name=f"f{number}")
        self.refused("LimitExceededException", self.put, name="one-more")
        self.put(name="f0", pattern="replaced")

    def test_put_replaces_and_reads_back(self):
        self.put(pattern="a", unit="Bytes", defaultValue=0.0)
        self.put(pattern="[a, b]", metricValue="$a", dimensions={"d": "$b"})
        found = self.logs.describe_metric_filters(logGroupName="g")["metricFilters"]
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0]["filterPattern"], "[a, b]")
        self.assertEqual(found[0]["logGroupName"], "g")
        self.assertEqual(found[0]["metricTransformations"], [
            {"metricName": "m", "metricNamespace": "n", "metricValue": "$a", "dimensions": {"d": "$b"}}])
        self.logs.delete_metric_filter(logGroupName="g", filterName="f")
        self.refused("ResourceNotFoundException", self.logs.delete_metric_filter, logGroupName="g", filterName="f")


class Subscriptions(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logs, self.lambda_ = self.client("logs"), self.client("lambda")
        self.logs.create_log_group(logGroupName="g")
        self.out = self.enterContext(tempfile.TemporaryDirectory())
        role = self.role("fn", "lambda.amazonaws.com")
        self.function = self.lambda_.create_function(
            FunctionName="fn", Role=role, Runtime="provided.al2023", Handler="bootstrap",
            Code={"ZipFile": zip_of({"bootstrap": _RECORD})}, Environment={"Variables": {"OUT": self.out}},
        )["FunctionArn"]

    def permit(self, group: str = "g", account: str | None = None) -> None:
        self.lambda_.add_permission(
            FunctionName="fn", StatementId=f"logs-{group}", Action="lambda:InvokeFunction",
            Principal="logs.amazonaws.com", SourceAccount=account or self.account,
            SourceArn=f"arn:aws:logs:us-east-1:{self.account}:log-group:{group}:*")

    def put(self, name: str = "s", pattern: str = "", function: str | None = None) -> None:
        self.logs.put_subscription_filter(
            logGroupName="g", filterName=name, filterPattern=pattern, destinationArn=function or self.function)

    def events(self) -> list[dict]:
        found = sorted(path for path in pathlib.Path(self.out).iterdir() if path.stat().st_size)
        envelopes = [json.loads(path.read_bytes()) for path in found]
        return [json.loads(gzip.decompress(base64.b64decode(each["awslogs"]["data"]))) for each in envelopes]

    def test_the_function_must_exist_and_permit_this_group(self):
        message = "Could not execute the lambda function"
        self.refused("InvalidParameterException", self.put, message=message)
        self.refused("InvalidParameterException", self.put, function=self.function + "x")
        self.permit(group="other")
        self.refused("InvalidParameterException", self.put, message=message)
        self.permit()
        self.put()
        found = self.logs.describe_subscription_filters(logGroupName="g")["subscriptionFilters"]
        self.assertEqual([(each["filterName"], each["destinationArn"], each["distribution"]) for each in found],
                         [("s", self.function, "ByLogStream")])

    def test_two_per_group(self):
        self.permit()
        self.put("a")
        self.put("b")
        self.put("a", pattern="replaced")
        self.refused("LimitExceededException", self.put, name="c")
        self.logs.delete_subscription_filter(logGroupName="g", filterName="a")
        self.refused("ResourceNotFoundException", self.logs.delete_subscription_filter, logGroupName="g",
                     filterName="a")

    def test_records_reach_the_function(self):
        self.permit()
        wait_for(lambda: self.lambda_.get_function(FunctionName="fn")["Configuration"]["State"] == "Active", "Active")
        self.put()
        self.logs.create_log_stream(logGroupName="g", logStreamName="eni-1")
        now = int(time.time() * 1000)
        self.logs.put_log_events(logGroupName="g", logStreamName="eni-1", logEvents=[
            {"timestamp": now, "message": "2 one"}, {"timestamp": now + 1, "message": "2 two"}])
        event = wait_for(lambda: [e for e in self.events() if e["messageType"] == "DATA_MESSAGE"], "the records")[0]
        self.assertEqual((event["owner"], event["logGroup"], event["logStream"], event["subscriptionFilters"]),
                         (self.account, "g", "eni-1", ["s"]))
        self.assertEqual([each["message"] for each in event["logEvents"]], ["2 one", "2 two"])
        self.assertTrue(all(set(each) >= {"id", "timestamp", "message"} for each in event["logEvents"]))

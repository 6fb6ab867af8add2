"""Events on their way: from PutEvents through rules, buses of other accounts and regions, topics and queues."""

import json

from tests import emulator
from tests.emulator import zip_of
from tests.telemetry import TelemetryTestCase
from tests.test_event_rules import PRINTER

_PATTERN = json.dumps({"source": ["x.test"]})
_SOURCE_REGION = "us-east-1"


def _document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


class DeliveryTestCase(TelemetryTestCase):
    """The home account and region have the bus `home`, with a rule to a topic, with a queue."""

    region = "eu-west-1"

    def setUp(self) -> None:
        super().setUp()
        self.other = str(next(emulator._accounts))
        events, sns = self.client("events"), self.client("sns")
        self.bus = events.create_event_bus(Name="home")["EventBusArn"]
        self.topic = sns.create_topic(Name="t")["TopicArn"]
        self.url = self.queue(self.topic)
        self.home_rule = events.put_rule(Name="in", EventBusName="home", EventPattern=_PATTERN)["RuleArn"]
        events.put_targets(Rule="in", EventBusName="home", Targets=[{"Id": "t", "Arn": self.topic}])
        self.admit_events()
        self.admit_account({"AWS": f"arn:aws:iam::{self.other}:root"})

    def admit_events(self, **more) -> None:
        self.client("sns").set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=_document({
            "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": self.topic, **more}))

    def admit_account(self, principal, **more) -> None:
        self.client("events").put_permission(EventBusName="home", Policy=_document({
            "Principal": principal, "Action": "events:PutEvents", "Resource": self.bus, **more}))

    def send_on(self, account: str, bus: str | None = None, region: str = _SOURCE_REGION, action: str = "events:PutEvents",
                resource: str | None = None, keys: dict | None = None) -> str:
        """A rule on the default bus of an account that sends its events to the home bus. Returns its ARN."""
        events, iam = self.client("events", account, region), self.client("iam", account)
        rule = events.put_rule(Name="out", EventPattern=_PATTERN)["RuleArn"]
        trust = {"Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole",
                 "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": rule}, **(keys or {})}}
        role = iam.create_role(RoleName="out", AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName="out", PolicyName="p", PolicyDocument=_document(
            {"Action": action, "Resource": resource or bus or self.bus}))
        events.put_targets(Rule="out", Targets=[{"Id": "b", "Arn": bus or self.bus, "RoleArn": role}])
        return rule

    def put(self, account: str, region: str = _SOURCE_REGION, **entry) -> dict:
        return self.client("events", account, region).put_events(Entries=[
            {"Source": "x.test", "DetailType": "d", "Detail": '{"a": 1}', **entry}])

    def arrived(self) -> list[dict]:
        """The events that reached the queue."""
        return [json.loads(note["Message"]) for note in self.received(self.url)]

    def failures(self, account: str, region: str = _SOURCE_REGION, **dimensions: str) -> float:
        self.cloudwatch = self.client("cloudwatch", account, region)
        return self.data("AWS/Events", "FailedInvocations", **dimensions) or 0


class OtherAccounts(DeliveryTestCase):
    def test_an_event_of_another_account_and_region_arrives_unchanged(self):
        self.send_on(self.other)
        answer = self.put(self.other, Resources=["arn:aws:x:::y"])
        event, = self.arrived()
        time = event.pop("time")
        self.assertRegex(time, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
        self.assertEqual(event, {
            "version": "0", "id": answer["Entries"][0]["EventId"], "detail-type": "d", "source": "x.test", "account": self.other,
            "region": _SOURCE_REGION, "resources": ["arn:aws:x:::y"], "detail": {"a": 1}})
        self.assertEqual(self.failures(self.other, RuleName="out"), 0)

    def test_an_event_of_another_region_of_the_account_needs_no_bus_policy(self):
        self.client("events").remove_permission(EventBusName="home", RemoveAllPermissions=True)
        self.send_on(self.account)
        self.put(self.account)
        self.assertEqual([event["region"] for event in self.arrived()], [_SOURCE_REGION])

    def assert_lost(self) -> None:
        self.put(self.other)
        self.assertEqual(self.arrived(), [])
        self.assertEqual(self.failures(self.other, RuleName="out"), 1)

    def test_the_bus_policy_must_list_the_account(self):
        self.send_on(self.other)
        for principal, more in (
            ({"AWS": "111122223333"}, {}), ("*", {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}),
            ("*", {"Action": "events:PutRule"}), ("*", {"Condition": {"ArnEquals": {"aws:SourceArn": f"{self.home_rule}x"}}}),
            ("*", {"Condition": {"StringEquals": {"events:source": "y"}}}),
            ("*", {"Condition": {"StringEquals": {"events:eventBusInvocation": "false"}}}),
        ):
            with self.subTest(f"{principal} {more}"):
                self.admit_account(principal, **more)
                self.put(self.other)
                self.assertEqual(self.arrived(), [])

    def test_ways_in_which_the_bus_policy_lists_the_account(self):
        rule = self.send_on(self.other)
        for principal, more in (
            ({"AWS": self.other}, {}), ("*", {}), ({"AWS": f"arn:aws:iam::{self.other}:role/out"}, {}),
            ("*", {"Condition": {"ArnEquals": {"aws:SourceArn": rule}, "StringEquals": {"events:source": "x.test"}}}),
        ):
            with self.subTest(f"{principal} {more}"):
                self.admit_account(principal, **more)
                self.put(self.other)
                self.assertEqual(len(self.arrived()), 1)

    def test_without_a_bus_policy_it_is_lost(self):
        self.send_on(self.other)
        self.client("events").remove_permission(EventBusName="home", RemoveAllPermissions=True)
        self.assert_lost()

    def test_the_role_must_allow_put_events_on_the_bus(self):
        self.send_on(self.other, resource=f"{self.bus}x")
        self.assert_lost()

    def test_the_role_must_allow_the_action(self):
        self.send_on(self.other, action="events:PutRule")
        self.assert_lost()

    def test_the_trust_must_be_for_the_account(self):
        self.send_on(self.other, keys={"StringEquals": {"aws:SourceAccount": self.account}})
        self.assert_lost()

    def test_the_trust_must_be_for_the_rule(self):
        self.send_on(self.other, keys={"ArnEquals": {"aws:SourceArn": self.home_rule}})
        self.assert_lost()

    def test_a_role_that_is_gone(self):
        self.send_on(self.other)
        iam = self.client("iam", self.other)
        iam.delete_role_policy(RoleName="out", PolicyName="p")
        iam.delete_role(RoleName="out")
        self.assert_lost()

    def test_a_bus_that_is_gone(self):
        self.send_on(self.other)
        events = self.client("events")
        events.remove_targets(Rule="in", EventBusName="home", Ids=["t"])
        events.delete_rule(Name="in", EventBusName="home")
        events.delete_event_bus(Name="home")
        self.assert_lost()

    def test_it_is_not_sent_on_to_a_third_bus(self):
        third = self.client("events", region=_SOURCE_REGION).create_event_bus(Name="third")["EventBusArn"]
        self.send_on(self.other)
        events, iam = self.client("events"), self.client("iam")
        role = self.role("on", "events.amazonaws.com", "events:PutEvents")
        events.put_rule(Name="on", EventBusName="home", EventPattern=_PATTERN)
        events.put_targets(Rule="on", EventBusName="home", Targets=[{"Id": "b", "Arn": third, "RoleArn": role}])
        url = self.queue_of_bus("third")
        self.put(self.other)
        self.assertEqual(len(self.arrived()), 1)
        self.assertEqual(self.bodies(url), [])
        self.assertEqual(self.failures(self.account, self.region, RuleName="on", EventBusName="home"), 1)
        # An event that begins on the home bus has one bus to go.
        self.put(self.account, self.region, EventBusName="home")
        self.assertEqual(len(self.bodies(url)), 1)

    def queue_of_bus(self, bus: str) -> str:
        """A queue that gets what a bus of the account in the region of the sources gets."""
        events, sqs = self.client("events", region=_SOURCE_REGION), self.client("sqs", region=_SOURCE_REGION)
        rule = events.put_rule(Name="q", EventBusName=bus, EventPattern=_PATTERN)["RuleArn"]
        arn = f"arn:aws:sqs:{_SOURCE_REGION}:{self.account}:q"
        policy = _document({"Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
                            "Condition": {"ArnEquals": {"aws:SourceArn": rule}}})
        events.put_targets(Rule="q", EventBusName=bus, Targets=[{"Id": "q", "Arn": arn}])
        return sqs.create_queue(QueueName="q", Attributes={"Policy": policy})["QueueUrl"]

    def bodies(self, url: str) -> list[str]:
        messages = self.client("sqs", region=_SOURCE_REGION).receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [message["Body"] for message in messages.get("Messages", [])]

    def test_a_rule_of_the_same_name_at_home(self):
        """Rules of one name on default buses of two accounts are two rules."""
        home = f"arn:aws:events:{self.region}:{self.account}:event-bus/default"
        self.client("events").put_permission(Action="events:PutEvents", Principal=self.other, StatementId="s")
        self.client("events").put_rule(Name="out", EventPattern=_PATTERN)
        self.client("events").put_targets(Rule="out", Targets=[{"Id": "t", "Arn": self.topic}])
        self.send_on(self.other, home)
        self.put(self.other)
        self.assertEqual(len(self.arrived()), 1)

    def test_a_bus_that_is_a_target_of_its_own_rule(self):
        home = f"arn:aws:events:{self.region}:{self.account}:event-bus/default"
        self.send_on(self.account, home, self.region)
        self.client("events").put_targets(Rule="out", Targets=[{"Id": "t", "Arn": self.topic}])
        self.put(self.account, self.region)
        self.assertEqual(len(self.arrived()), 1)

    def test_traffic_waits_for_functions_of_another_account(self):
        """POST /_devenv/traffic returns after the consequences, here a function at home that gets the event of a file."""
        pattern = json.dumps({"source": ["aws.s3"]})
        self.send_on(self.other)
        self.client("events", self.other, _SOURCE_REGION).put_rule(Name="out", EventPattern=pattern)
        rule = self.client("events").put_rule(Name="in", EventBusName="home", EventPattern=pattern)["RuleArn"]
        self.role("fn", "lambda.amazonaws.com", "logs:*")
        function = self.client("lambda").create_function(
            FunctionName="fn", Runtime="provided.al2023", Handler="bootstrap", Role=f"arn:aws:iam::{self.account}:role/fn",
            Code={"ZipFile": zip_of({"bootstrap": PRINTER})})["FunctionArn"]
        self.client("lambda").add_permission(FunctionName="fn", StatementId="e", Action="lambda:InvokeFunction",
                                             Principal="events.amazonaws.com", SourceArn=rule)
        self.client("events").put_targets(Rule="in", EventBusName="home", Targets=[{"Id": "f", "Arn": function}])
        s3, ec2 = self.client("s3", self.other, _SOURCE_REGION), self.client("ec2", self.other, _SOURCE_REGION)
        bucket = f"logs-{self.other}"
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        ec2.create_flow_logs(ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3",
                             LogDestination=f"arn:aws:s3:::{bucket}", MaxAggregationInterval=60)
        self.emulator.control("POST", "traffic", {"account": self.other, "region": _SOURCE_REGION, "vpcId": vpc, "scenario": "normal",
                                                  "minutes": 5})
        found = self.logs.filter_log_events(logGroupName="/aws/lambda/fn", filterPattern="PAYLOAD")["events"]
        self.assertIn(f'"account": "{self.other}"', found[0]["message"])

    def test_a_bus_in_the_same_account_and_region(self):
        self.send_on(self.account, region=self.region)
        self.put(self.account, self.region)
        self.assertEqual(len(self.arrived()), 1)
        self.client("iam").put_role_policy(RoleName="out", PolicyName="p", PolicyDocument=_document(
            {"Action": "events:PutEvents", "Resource": f"{self.bus}x"}))
        self.put(self.account, self.region)
        self.assertEqual(self.arrived(), [])


class Targets(DeliveryTestCase):
    def test_the_topics_policy_must_admit_the_service_without_a_condition(self):
        here = {"EventBusName": "home"}
        of_rule = {"Condition": {"ArnEquals": {"aws:SourceArn": self.home_rule}}}
        for more, number in (({"Principal": {"Service": "sqs.amazonaws.com"}}, 0), (of_rule, 0), ({}, 1)):
            with self.subTest(f"{more}"):
                self.admit_events(**more)
                self.put(self.account, self.region, **here)
                self.assertEqual(len(self.arrived()), number)
        self.assertEqual(self.failures(self.account, self.region, RuleName="in", EventBusName="home"), 2)

    def test_the_default_policy_of_a_topic_admits_no_rule(self):
        sns, events = self.client("sns"), self.client("events")
        topic = sns.create_topic(Name="plain")["TopicArn"]
        url = self.queue(topic, "plain")
        events.put_targets(Rule="in", EventBusName="home", Targets=[{"Id": "plain", "Arn": topic}])
        self.put(self.account, self.region, EventBusName="home")
        self.assertEqual((len(self.arrived()), self.received(url)), (1, []))

    def test_the_key_of_a_topic_must_admit_the_service(self):
        kms = self.client("kms")
        for service, number in (("cloudwatch.amazonaws.com", 0), ("events.amazonaws.com", 1)):
            with self.subTest(service):
                policy = _document({"Principal": {"Service": service}, "Action": "kms:*", "Resource": "*"})
                key = kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]
                self.client("sns").set_topic_attributes(TopicArn=self.topic, AttributeName="KmsMasterKeyId", AttributeValue=key)
                self.put(self.account, self.region, EventBusName="home")
                self.assertEqual(len(self.arrived()), number)

    def test_the_policy_of_a_queue_must_admit_the_rule(self):
        sqs, events = self.client("sqs"), self.client("events")
        arn = f"arn:aws:sqs:{self.region}:{self.account}:direct"
        url = sqs.create_queue(QueueName="direct")["QueueUrl"]
        events.put_targets(Rule="in", EventBusName="home", Targets=[{"Id": "q", "Arn": arn}])
        for rule, number in ((None, 0), (f"{self.home_rule}x", 0), (self.home_rule, 1)):
            with self.subTest(rule):
                if rule:
                    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _document({
                        "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
                        "Condition": {"ArnEquals": {"aws:SourceArn": rule}}})})
                self.put(self.account, self.region, EventBusName="home")
                messages = sqs.receive_message(QueueUrl=url).get("Messages", [])
                self.assertEqual([json.loads(message["Body"])["source"] for message in messages], ["x.test"] * number)

    def test_a_topic_of_another_region_gets_nothing(self):
        topic = self.client("sns", region=_SOURCE_REGION).create_topic(Name="far")["TopicArn"]
        self.client("events").put_targets(Rule="in", EventBusName="home", Targets=[{"Id": "t", "Arn": topic}])
        self.put(self.account, self.region, EventBusName="home")
        self.assertEqual(self.failures(self.account, self.region, RuleName="in", EventBusName="home"), 1)


class PutEvents(DeliveryTestCase):
    def entry(self, **entry) -> dict:
        return self.put(self.account, self.region, **entry)["Entries"][0]

    def test_refused_entries(self):
        for entry, code in (
            ({"Source": ""}, "InvalidArgument"), ({"DetailType": ""}, "InvalidArgument"), ({"Detail": ""}, "InvalidArgument"),
            ({"Detail": "{"}, "MalformedDetail"), ({"Detail": "[1]"}, "MalformedDetail"),
            ({"Source": "aws.cloudwatch"}, "NotAuthorizedForSourceException"),
        ):
            with self.subTest(f"{entry}"):
                self.assertEqual(self.entry(EventBusName="home", **entry)["ErrorCode"], code)
        self.assertEqual(self.arrived(), [])

    def test_entries_fail_one_by_one(self):
        good = {"Source": "x.test", "DetailType": "d", "Detail": "{}", "EventBusName": self.bus}
        answer = self.client("events").put_events(Entries=[good, {**good, "Detail": "x"}, good])
        self.assertEqual((answer["FailedEntryCount"], ["EventId" in each for each in answer["Entries"]]), (1, [True, False, True]))
        self.assertEqual(len(self.arrived()), 2)

    def test_refused_requests(self):
        events = self.client("events", validate=False)
        good = {"Source": "x.test", "DetailType": "d", "Detail": "{}"}
        self.refused("ValidationException", events.put_events, Entries=[good] * 11)
        self.refused("ValidationException", events.put_events, Entries=[])
        large = {**good, "Detail": json.dumps({"a": "x" * 300_000})}
        self.refused("ValidationException", events.put_events, Entries=[large] * 4, message="Total size of the entries")
        self.assertEqual(events.put_events(Entries=[large] * 3)["FailedEntryCount"], 0)

    def test_a_given_time(self):
        self.put(self.account, self.region, EventBusName="home", Time=1_700_000_000)
        self.assertEqual(self.arrived()[0]["time"], "2023-11-14T22:13:20Z")

    def test_an_event_for_an_absent_bus_is_lost(self):
        self.assertIn("EventId", self.entry(EventBusName="none"))
        self.assertEqual(self.arrived(), [])

    def test_the_bus_of_another_account_must_admit_the_caller(self):
        self.put(self.other, self.region, EventBusName=self.bus)
        event, = self.arrived()
        self.assertEqual((event["account"], event["region"]), (self.other, self.region))
        self.admit_account({"AWS": "111122223333"})
        self.refused("AccessDeniedException", self.put, self.other, self.region, EventBusName=self.bus,
                     message=f"events:PutEvents on resource: {self.bus} because no resource-based policy allows")
        self.assertEqual(self.arrived(), [])

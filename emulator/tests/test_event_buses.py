"""Event buses: their names, their policies, and the references to them (EventBridge API reference)."""

import json

from tests.emulator import AwsTestCase

_PATTERN = json.dumps({"source": ["x"]})
_TAGS = [{"Key": "k", "Value": "v"}]


def statement(principal, resource: str, **more) -> dict:
    return {"Sid": "s", "Effect": "Allow", "Principal": principal, "Action": "events:PutEvents", "Resource": resource, **more}


def document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class EventBuses(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.events = self.client("events")

    def bus(self, name: str = "b", **parameters) -> str:
        return self.events.create_event_bus(Name=name, **parameters)["EventBusArn"]

    def policy(self, name: str = "b") -> dict | None:
        text = self.events.describe_event_bus(Name=name).get("Policy")
        return json.loads(text) if text else None

    def test_all_of_a_bus(self):
        arn = self.bus(Description="d", Tags=_TAGS)
        self.assertEqual(arn, f"arn:aws:events:us-east-1:{self.account}:event-bus/b")
        for reference in ("b", arn):
            found = self.events.describe_event_bus(Name=reference)
            self.assertEqual((found["Name"], found["Arn"], found["Description"], "Policy" in found), ("b", arn, "d", False))
        self.assertEqual(self.events.list_tags_for_resource(ResourceARN=arn)["Tags"], _TAGS)
        self.events.tag_resource(ResourceARN=arn, Tags=[{"Key": "l", "Value": "w"}])
        self.events.untag_resource(ResourceARN=arn, TagKeys=["k"])
        self.assertEqual(self.inventory()["eventBuses"], {
            "b": {"settings": {"Description": "d"}, "policy": None, "tags": {"l": "w"}}})
        self.events.update_event_bus(Name="b", Description="e")
        self.assertEqual(self.events.describe_event_bus(Name="b")["Description"], "e")
        self.refused("ResourceAlreadyExistsException", self.bus, message="Event bus b already exists.")
        self.events.delete_event_bus(Name="b")
        self.events.delete_event_bus(Name="b")
        self.refused("ResourceNotFoundException", self.events.describe_event_bus, Name="b", message="Event bus b does not exist.")
        self.assertEqual(self.inventory()["eventBuses"], {})

    def test_the_default_bus(self):
        self.refused("ResourceAlreadyExistsException", self.bus, "default")
        self.refused("ValidationException", self.events.delete_event_bus, Name="default")
        self.assertEqual(self.events.describe_event_bus()["Name"], "default")

    def test_refused_names(self):
        for name in ("a/b", "a b", "a:b", "x" * 257):
            self.refused("ValidationException", self.bus, name)
        self.refused("ValidationException", self.events.describe_event_bus, Name="arn:aws:events:us-east-1:1:event-bus/b")
        self.refused("ResourceNotFoundException", self.events.update_event_bus, Name="none")
        self.refused("ValidationException", self.bus, Description="x" * 513)

    def test_pages(self):
        for name in ("b", "c", "other"):
            self.bus(name)
        first = self.events.list_event_buses(Limit=3)
        rest = self.events.list_event_buses(Limit=3, NextToken=first["NextToken"])
        self.assertEqual([bus["Name"] for page in (first, rest) for bus in page["EventBuses"]], ["b", "c", "default", "other"])
        self.assertNotIn("NextToken", rest)
        self.assertEqual([bus["Name"] for bus in self.events.list_event_buses(NamePrefix="c")["EventBuses"]], ["c"])

    def test_a_bus_with_rules_stays(self):
        arn = self.bus()
        rule = self.events.put_rule(Name="r", EventBusName=arn, EventPattern=_PATTERN)["RuleArn"]
        self.assertEqual(rule, f"arn:aws:events:us-east-1:{self.account}:rule/b/r")
        self.refused("ValidationException", self.events.delete_event_bus, Name="b", message="has rules")
        self.events.delete_rule(Name="r", EventBusName="b")
        self.events.delete_event_bus(Name="b")

    def test_every_operation_takes_the_name_and_the_arn(self):
        arn, queue = self.bus(), f"arn:aws:sqs:us-east-1:{self.account}:q"
        for reference in ("b", arn):
            with self.subTest(reference):
                bus = {"EventBusName": reference}
                self.events.put_rule(Name="r", EventPattern=_PATTERN, **bus)
                self.assertEqual(self.events.describe_rule(Name="r", **bus)["EventBusName"], "b")
                self.events.disable_rule(Name="r", **bus)
                self.assertEqual(self.events.list_rules(**bus)["Rules"][0]["State"], "DISABLED")
                self.events.enable_rule(Name="r", **bus)
                self.events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": queue}], **bus)
                self.assertEqual(self.events.list_targets_by_rule(Rule="r", **bus)["Targets"], [{"Id": "q", "Arn": queue}])
                self.assertEqual(list(self.inventory()["eventRules"]), ["b/r"])
                self.events.remove_targets(Rule="r", Ids=["q"], **bus)
                self.events.delete_rule(Name="r", **bus)
                self.assertEqual(self.events.list_rules(**bus)["Rules"], [])

    def test_an_absent_bus(self):
        bus = {"EventBusName": "none"}
        for call, parameters in (
            ("put_rule", {"Name": "r", "EventPattern": _PATTERN}), ("describe_rule", {"Name": "r"}), ("delete_rule", {"Name": "r"}),
            ("list_rules", {}), ("put_targets", {"Rule": "r", "Targets": [{"Id": "i", "Arn": "arn:aws:sqs:us-east-1:1:q"}]}),
            ("list_targets_by_rule", {"Rule": "r"}), ("remove_targets", {"Rule": "r", "Ids": ["i"]}),
            ("put_permission", {"Policy": document(statement("*", "*"))}), ("remove_permission", {"RemoveAllPermissions": True}),
        ):
            with self.subTest(call):
                self.refused("ResourceNotFoundException", getattr(self.events, call), **parameters, **bus,
                             message="Event bus none does not exist.")

    def test_a_policy_replaces_the_policy(self):
        arn = self.bus()
        first = document(statement({"AWS": "111122223333"}, arn), {**statement("*", arn), "Sid": "t"})
        second = document(statement({"AWS": "arn:aws:iam::444455556666:root"}, arn))
        for text in (first, second):
            self.events.put_permission(EventBusName="b", Policy=text)
            self.assertEqual(self.policy(), json.loads(text))
        self.assertEqual(self.inventory()["eventBuses"]["b"]["policy"], json.loads(second))
        self.events.put_permission(Policy=document(statement("*", "*")))
        self.assertEqual(list(self.inventory()["eventBuses"]), ["b", "default"])
        self.events.delete_event_bus(Name="b")
        self.bus()
        self.assertIsNone(self.policy())

    def test_refused_policies(self):
        arn = self.bus()
        absent = f"arn:aws:iam::{self.account}:role/none"
        without = {member: value for member, value in statement("*", arn).items() if member != "Principal"}
        for text in (
            "{", "[]", document(), document(without), document(statement({"AWS": "12"}, arn)), document(statement({"AWS": absent}, arn)),
            document(statement("*", arn, Action="s3:GetObject")), document(statement("*", arn), statement("*", arn)),
            document(statement("*", arn, Effect="Maybe")), document({**without, "Principal": "*", "Resource": []}),
        ):
            with self.subTest(text):
                self.refused("ValidationException", self.events.put_permission, EventBusName="b", Policy=text)
        many = [f"{account:012}" for account in range(800)]
        self.refused("PolicyLengthExceededException", self.events.put_permission, EventBusName="b",
                     Policy=document(statement({"AWS": many}, arn)))
        self.assertIsNone(self.policy())

    def test_statements(self):
        arn = self.bus()
        given = {"EventBusName": "b", "Action": "events:PutEvents"}
        self.events.put_permission(StatementId="one", Principal="111122223333", **given)
        self.events.put_permission(StatementId="all", Principal="*", **given, Condition={
            "Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"})
        both = [{**statement({"AWS": "arn:aws:iam::111122223333:root"}, arn), "Sid": "one"},
                {**statement("*", arn), "Sid": "all", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}]
        self.assertEqual(self.policy()["Statement"], both)
        self.refused("ValidationException", self.events.put_permission, EventBusName="b", StatementId="x", Principal="*")
        self.refused("ValidationException", self.events.put_permission, StatementId="x", Principal="me", **given)
        self.refused("ValidationException", self.events.put_permission, StatementId="x", Principal="*", EventBusName="b", Action="events:PutRule")
        self.refused("ValidationException", self.events.put_permission, StatementId="x", Principal="*", Policy="{}", **given)
        self.refused("ResourceNotFoundException", self.events.remove_permission, EventBusName="b", StatementId="x")
        self.refused("ValidationException", self.events.remove_permission, EventBusName="b")
        self.events.remove_permission(EventBusName="b", StatementId="one")
        self.assertEqual(self.policy()["Statement"], both[1:])
        self.events.remove_permission(EventBusName="b", RemoveAllPermissions=True)
        self.assertIsNone(self.policy())
        self.refused("ResourceNotFoundException", self.events.remove_permission, EventBusName="b", StatementId="all")

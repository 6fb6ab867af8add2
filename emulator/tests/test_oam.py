"""CloudWatch Observability Access Manager, as its API reference describes it."""

import json

from tests import emulator
from tests.emulator import AwsTestCase

_METRICS, _LOGS = "AWS::CloudWatch::Metric", "AWS::Logs::LogGroup"
_METRIC_FILTER = {"MetricConfiguration": {"Filter": "Namespace IN ('VPC/FlowLogs', 'AWS/Lambda')"}}
_LOG_FILTER = {"LogGroupConfiguration": {"Filter": "LogGroupName LIKE '/aws/vpc/flowlogs/%'"}}


class OamTestCase(AwsTestCase):
    """The account is a source account; a monitoring account has a sink."""

    def setUp(self) -> None:
        super().setUp()
        self.monitoring = str(next(emulator._accounts))
        self.oam, self.there = self.client("oam"), self.client("oam", self.monitoring)
        self.sink = self.there.create_sink(Name="sink", Tags={"k": "v"})["Arn"]
        self.permit()

    def permit(self, principal=None, sink: str | None = None, account: str | None = None, **more) -> None:
        statement = {"Effect": "Allow", "Principal": principal or {"AWS": self.account}, "Action": ["oam:CreateLink", "oam:UpdateLink"],
                     "Resource": "*", **more}
        self.client("oam", account or self.monitoring).put_sink_policy(
            SinkIdentifier=sink or self.sink, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    def link(self, sink: str | None = None, **parameters) -> dict:
        link = self.oam.create_link(**{"LabelTemplate": "$AccountName", "ResourceTypes": [_METRICS], "SinkIdentifier": sink or self.sink,
                                       **parameters})
        link.pop("ResponseMetadata")
        return link


class Links(OamTestCase):
    def test_all_of_a_link(self):
        made = self.link(ResourceTypes=[_METRICS, _LOGS], Tags={"a": "b"}, LinkConfiguration={**_METRIC_FILTER, **_LOG_FILTER})
        arn = made["Arn"]
        self.assertRegex(arn, rf"^arn:aws:oam:us-east-1:{self.account}:link/[0-9a-f-]{{36}}$")
        whole = {"Arn": arn, "Id": arn.split("/")[1], "Label": self.account, "LabelTemplate": "$AccountName", "SinkArn": self.sink,
                 "ResourceTypes": [_METRICS, _LOGS], "LinkConfiguration": {**_METRIC_FILTER, **_LOG_FILTER}}
        self.assertEqual(made, {**whole, "Tags": {"a": "b"}})
        found = self.oam.get_link(Identifier=arn)
        found.pop("ResponseMetadata")
        self.assertEqual(found, whole)
        self.assertEqual(self.oam.get_link(Identifier=arn, IncludeTags=True)["Tags"], {"a": "b"})
        shown = {member: whole[member] for member in ("Arn", "Id", "Label", "ResourceTypes", "SinkArn")}
        self.assertEqual(self.oam.list_links()["Items"], [shown])
        self.assertEqual(self.there.list_attached_links(SinkIdentifier=self.sink)["Items"], [
            {"LinkArn": arn, "Label": self.account, "ResourceTypes": [_METRICS, _LOGS]}])
        self.assertEqual(self.inventory()["oamLinks"], {self.sink: {
            "Label": self.account, "LabelTemplate": "$AccountName", "ResourceTypes": [_METRICS, _LOGS], "Tags": {"a": "b"},
            "LinkConfiguration": {**_METRIC_FILTER, **_LOG_FILTER}}})
        self.oam.delete_link(Identifier=arn)
        self.assertEqual(self.inventory()["oamLinks"], {})
        for call in (self.oam.get_link, self.oam.delete_link):
            self.refused("ResourceNotFoundException", call, Identifier=arn)

    def test_one_link_to_a_sink(self):
        self.link()
        error = self.refused("ConflictException", self.link)
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 409)

    def test_five_links_and_their_pages(self):
        for _ in range(5):
            account = str(next(emulator._accounts))
            sink = self.client("oam", account).create_sink(Name="s")["Arn"]
            self.permit(sink=sink, account=account)
            self.link(sink)
        error = self.refused("ServiceQuotaExceededException", self.link)
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 429)
        first = self.oam.list_links(MaxResults=3)
        rest = self.oam.list_links(MaxResults=3, NextToken=first["NextToken"])
        self.assertEqual([len(page["Items"]) for page in (first, rest)], [3, 2])
        self.assertNotIn("NextToken", rest)
        self.refused("InvalidParameterException", self.oam.list_links, MaxResults=6)
        self.assertEqual(len(self.inventory()["oamLinks"]), 5)

    def test_the_sink_policy_must_permit_the_account(self):
        for principal, more in (
            ({"AWS": "111122223333"}, {}), ("*", {"Condition": {"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": "o-1"}}}),
            (None, {"Action": "oam:UpdateLink"}), (None, {"Effect": "Deny"}),
        ):
            with self.subTest(f"{principal} {more}"):
                self.permit(principal, **more)
                error = self.refused("AccessDeniedException", self.link, message=f"oam:CreateLink on resource: {self.sink}")
                self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 403)
        for principal in ("*", {"AWS": f"arn:aws:iam::{self.account}:root"}):
            with self.subTest(f"{principal}"):
                self.permit(principal)
                self.oam.delete_link(Identifier=self.link()["Arn"])

    def test_the_sink_policy_must_cover_every_type(self):
        self.permit(Condition={"ForAllValues:StringEquals": {"oam:ResourceTypes": [_METRICS, "AWS::XRay::Trace"]}})
        self.refused("AccessDeniedException", self.link, ResourceTypes=[_METRICS, _LOGS])
        self.assertEqual(self.inventory()["oamLinks"], {})
        link = self.link()["Arn"]
        self.refused("AccessDeniedException", self.oam.update_link, Identifier=link, ResourceTypes=[_LOGS])
        self.assertEqual(self.oam.get_link(Identifier=link)["ResourceTypes"], [_METRICS])

    def test_sinks_that_cannot_be_linked(self):
        own = self.oam.create_sink(Name="own")["Arn"]
        far = self.client("oam", self.monitoring, "eu-west-1").create_sink(Name="far")["Arn"]
        for sink in (own, far, "sink", self.sink.replace(":sink/", ":link/")):
            with self.subTest(sink):
                self.refused("InvalidParameterException", self.link, sink)
        self.refused("AccessDeniedException", self.link, f"{self.sink}0")
        bare = str(next(emulator._accounts))
        self.refused("AccessDeniedException", self.link, self.client("oam", bare).create_sink(Name="s")["Arn"])

    def test_updates(self):
        link = self.link(LinkConfiguration=_METRIC_FILTER)["Arn"]
        changed = self.oam.update_link(Identifier=link, ResourceTypes=[_METRICS, _LOGS], LinkConfiguration=_LOG_FILTER)
        self.assertEqual((changed["ResourceTypes"], changed["LinkConfiguration"]), ([_METRICS, _LOGS], {**_METRIC_FILTER, **_LOG_FILTER}))
        self.oam.update_link(Identifier=link, ResourceTypes=[_METRICS], LinkConfiguration={"MetricConfiguration": {"Filter": "*"}})
        found = self.oam.get_link(Identifier=link)
        self.assertEqual((found["ResourceTypes"], found["LinkConfiguration"]), ([_METRICS], _LOG_FILTER))
        self.refused("ResourceNotFoundException", self.oam.update_link, Identifier=f"{link}0", ResourceTypes=[_METRICS])

    def test_labels(self):
        self.assertEqual(self.link(LabelTemplate="flow $AccountEmail")["Label"], f"flow {self.account}@example.com")
        for template in ("$AccountId", "$accountname x", "x" * 65):
            self.refused("InvalidParameterException", self.link, LabelTemplate=template)

    def test_filters(self):
        six = " OR ".join(f"Namespace = 'n{number}'" for number in range(6))
        for text in ("Namespace = 'a AND b'", "Namespace != 'a'", "Namespace NOT LIKE 'AWS/%'", "Namespace NOT IN ('a')", six):
            with self.subTest(text):
                link = self.link(LinkConfiguration={"MetricConfiguration": {"Filter": text}})["Arn"]
                self.oam.delete_link(Identifier=link)
        for text in ("LogGroupName = 'a'", "Namespace LIKE '%a'", "Namespace LIKE 'a'", "Namespace = a", "Namespace IN ()", "Namespace > 'a'",
                     f"{six} AND Namespace = 'x'", "Namespace = 'a' XOR Namespace = 'b'", "x" * 2001):
            with self.subTest(text):
                self.refused("InvalidParameterException", self.link, LinkConfiguration={"MetricConfiguration": {"Filter": text}})

    def test_refused_members(self):
        lenient = self.client("oam", validate=False)
        self.refused("MissingRequiredParameterException", lenient.create_link, LabelTemplate="l", SinkIdentifier=self.sink)
        self.refused("InvalidParameterException", lenient.create_link, LabelTemplate="l", SinkIdentifier=self.sink, ResourceTypes=["x"])
        self.refused("InvalidParameterException", lenient.create_link, LabelTemplate="l", SinkIdentifier=self.sink, ResourceTypes=[])


class Sinks(OamTestCase):
    def test_all_of_a_sink(self):
        found = self.there.get_sink(Identifier=self.sink, IncludeTags=True)
        self.assertEqual((found["Arn"], found["Name"], found["Tags"]), (self.sink, "sink", {"k": "v"}))
        self.assertEqual(self.there.list_sinks()["Items"], [{"Arn": self.sink, "Id": found["Id"], "Name": "sink"}])
        self.assertEqual(self.oam.list_sinks()["Items"], [])
        self.refused("ResourceNotFoundException", self.oam.get_sink, Identifier=self.sink)
        self.refused("InvalidParameterException", self.oam.create_sink, Name="a b")

    def test_one_sink_in_a_region(self):
        self.refused("ConflictException", self.there.create_sink, Name="sink")
        self.refused("ServiceQuotaExceededException", self.there.create_sink, Name="other")
        self.client("oam", self.monitoring, "eu-west-1").create_sink(Name="other")

    def test_a_sink_with_links_stays(self):
        link = self.link()["Arn"]
        self.refused("ConflictException", self.there.delete_sink, Identifier=self.sink)
        self.oam.delete_link(Identifier=link)
        self.there.delete_sink(Identifier=self.sink)
        self.refused("ResourceNotFoundException", self.there.delete_sink, Identifier=self.sink)

    def test_policies(self):
        own = self.oam.create_sink(Name="own")["Arn"]
        self.refused("ResourceNotFoundException", self.oam.get_sink_policy, SinkIdentifier=own)
        self.permit(sink=own, account=self.account, principal="*")
        policy = json.loads(self.oam.get_sink_policy(SinkIdentifier=own)["Policy"])
        self.assertEqual(policy["Statement"][0]["Principal"], "*")
        self.assertEqual(self.inventory()["oamSinks"], {"own": {"policy": policy, "tags": {}, "links": 0}})
        for text in ("{", "{}", json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "oam:*", "Resource": "*"}]})):
            self.refused("InvalidParameterException", self.oam.put_sink_policy, SinkIdentifier=own, Policy=text)
        for more in ({"Principal": {"AWS": "1"}}, {"Action": "s3:*"}, {"Resource": []}):
            self.refused("InvalidParameterException", self.permit, sink=own, account=self.account, **{"principal": "*", **more})
        self.assertEqual(json.loads(self.oam.get_sink_policy(SinkIdentifier=own)["Policy"]), policy)


class Tags(OamTestCase):
    def test_tags_of_sinks_and_links(self):
        for client, arn, before in ((self.there, self.sink, {"k": "v"}), (self.oam, self.link()["Arn"], {})):
            with self.subTest(arn):
                client.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "2"})
                client.untag_resource(ResourceArn=arn, TagKeys=["a", "k"])
                self.assertEqual(client.list_tags_for_resource(ResourceArn=arn)["Tags"], {"b": "2"})
                client.tag_resource(ResourceArn=arn, Tags={f"t{number}": "" for number in range(49)})
                self.refused("TooManyTagsException", client.tag_resource, ResourceArn=arn, Tags={"one": "more"})
                self.refused("ResourceNotFoundException", client.list_tags_for_resource, ResourceArn=f"{arn}0")
        self.refused("ValidationException", self.oam.list_tags_for_resource, ResourceArn="x")

    def test_the_journal_names_every_operation(self):
        link = self.link()["Arn"]
        self.oam.tag_resource(ResourceArn=link, Tags={"a": "1"})
        self.oam.untag_resource(ResourceArn=link, TagKeys=["a"])
        self.oam.list_tags_for_resource(ResourceArn=link)
        self.oam.list_links()
        self.assertEqual([(call["service"], call["operation"], call["mutating"]) for call in self.calls()], [
            ("oam", "CreateLink", True), ("oam", "TagResource", True), ("oam", "UntagResource", True), ("oam", "ListTagsForResource", False),
            ("oam", "ListLinks", False)])

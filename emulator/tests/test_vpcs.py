"""VPCs as DescribeVpcs shows them: filters, pages, and VPCs of other accounts."""

import json

from tests.emulator import AwsTestCase
from tests.test_permissions import PermissionsTestCase

_OTHER_REGION = "eu-west-1"


class VpcsTestCase(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ec2 = self.client("ec2")
        # Sends what the model forbids, too.
        self.raw = self.client("ec2", validate=False)
        self.other = "3" + self.account[1:]

    def make(self, client=None, **tags: str) -> str:
        """A new VPC with these tags."""
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        specifications = [{"ResourceType": "vpc", "Tags": given}] if tags else []
        answer = (client or self.ec2).create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specifications)
        return answer["Vpc"]["VpcId"]

    def found(self, *filters: tuple[str, list[str]], client=None, **parameters) -> list[str]:
        """The ids of the VPCs that the filters select."""
        if filters:
            parameters["Filters"] = [{"Name": name, "Values": values} for name, values in filters]
        return [vpc["VpcId"] for vpc in (client or self.ec2).describe_vpcs(**parameters)["Vpcs"]]

    def default(self) -> str:
        return self.found(("is-default", ["true"]))[0]


class Vpcs(VpcsTestCase):
    def test_the_answer(self):
        vpc = self.make(Name="a", empty="")
        [answer] = self.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
        self.assertEqual((answer["VpcId"], answer["OwnerId"], answer["IsDefault"], answer["State"], answer["CidrBlock"]),
                         (vpc, self.account, False, "available", "10.0.0.0/16"))
        self.assertEqual(answer["Tags"], [{"Key": "Name", "Value": "a"}, {"Key": "empty", "Value": ""}])
        [answer] = self.ec2.describe_vpcs(VpcIds=[self.default()])["Vpcs"]
        self.assertEqual((answer["OwnerId"], answer["IsDefault"], answer["Tags"]), (self.account, True, []))

    def test_accounts_and_regions_are_apart(self):
        clients = {
            (account, region): self.client("ec2", account=account, region=region)
            for account in (self.account, self.other) for region in ("us-east-1", _OTHER_REGION)
        }
        made = {place: self.make(client) for place, client in clients.items()}
        for (account, region), client in clients.items():
            with self.subTest(account=account, region=region):
                answer = client.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
                self.assertEqual([(vpc["VpcId"], vpc["OwnerId"]) for vpc in answer], [(made[account, region], account)])

    def test_ids(self):
        first, second, third = (self.make(Name=name) for name in "abc")
        self.assertEqual(set(self.found(VpcIds=[third, first])), {third, first})
        self.assertEqual(self.found(("tag:Name", ["a", "b"]), VpcIds=[second, third]), [second])
        self.refused("InvalidVpcID.NotFound", self.found, message="The vpc ID 'vpc-0123456789abcdef0' does not exist",
                     VpcIds=[first, "vpc-0123456789abcdef0"])
        for malformed in ("vpc-1", "subnet-0123456789abcdef0", "vpc-0123456789ABCDEF0"):
            self.refused("InvalidVpcID.Malformed", self.found, VpcIds=[malformed])

    def test_a_dry_run_describes_nothing(self):
        error = self.refused("DryRunOperation", self.ec2.describe_vpcs, DryRun=True)
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 412)


class Filters(VpcsTestCase):
    def assert_selects(self, expected: list[str], *filters: tuple[str, list[str]]) -> None:
        with self.subTest(filters):
            self.assertEqual(self.found(*filters), expected)

    def test_names(self):
        default, prod, plain = self.default(), self.make(env="prod"), self.make()
        everything = [default, prod, plain]
        association = self.ec2.describe_vpcs(VpcIds=[prod])["Vpcs"][0]["CidrBlockAssociationSet"][0]["AssociationId"]
        options = self.ec2.describe_vpcs(VpcIds=[prod])["Vpcs"][0]["DhcpOptionsId"]
        for name, value, expected in [
            ("state", "available", everything), ("state", "pending", []),
            ("owner-id", self.account, everything), ("owner-id", self.other, []),
            ("vpc-id", prod, [prod]), ("vpc-id", "vpc-0123456789abcdef0", []),
            ("is-default", "true", [default]), ("is-default", "false", [prod, plain]),
            ("cidr", "172.31.0.0/16", [default]), ("cidr-block-association.cidr-block", "10.0.0.0/16", [prod, plain]),
            ("cidr-block-association.association-id", association, [prod]),
            ("cidr-block-association.state", "associated", everything), ("cidr-block-association.state", "failed", []),
            ("dhcp-options-id", options, everything), ("dhcp-options-id", "dopt-0", []),
            ("ipv6-cidr-block-association.state", "associated", []), ("ipv6-cidr-block-association.ipv6-pool", "*", []),
            ("tag:env", "prod", [prod]), ("tag:env", "dev", []), ("tag:none", "*", []), ("tag-key", "env", [prod]),
        ]:
            self.assert_selects(expected, (name, [value]))

    def test_values_are_joined_by_or_and_filters_by_and(self):
        prod, dev, test = self.make(env="prod", team="a"), self.make(env="dev", team="a"), self.make(env="test", team="b")
        self.assert_selects([prod, dev], ("tag:env", ["prod", "dev", "none"]))
        self.assert_selects([dev], ("tag:env", ["dev", "test"]), ("tag:team", ["a"]))
        self.assert_selects([], ("tag:env", ["prod"]), ("tag:team", ["b"]))
        self.assert_selects([], ("tag:env", ["prod"]), ("tag:env", ["dev"]))
        self.assert_selects([test], ("tag-key", ["team", "none"]), ("vpc-id", [dev, test]), ("tag:team", ["b"]))

    def test_case_counts(self):
        vpc = self.make(Env="Prod")
        for name, value in [("tag:env", "Prod"), ("tag:Env", "prod"), ("tag-key", "env"), ("state", "Available"), ("cidr", "X")]:
            self.assert_selects([], (name, [value]))
        self.assert_selects([vpc], ("tag:Env", ["Prod"]), ("tag-key", ["Env"]))

    def test_wildcards(self):
        names = ["database", "database1", "database1234", "database12345", "other", "[ab]", ""]
        vpcs = {name: self.make(Name=name) for name in names}
        for pattern, expected in [
            ("database*", names[:4]), ("*a*", [*names[:4], "[ab]"]), ("*", names), ("data*1", ["database1"]),
            ("database?", names[:2]), ("database????", names[:3]), ("?ther", ["other"]), ("o?er", []),
            ("[ab]", ["[ab]"]), ("[ab]*", ["[ab]"]), ("datab", []), ("atabase", []), (".*", []),
        ]:
            self.assert_selects([vpcs[name] for name in expected], ("tag:Name", [pattern]))
        self.assert_selects(list(vpcs.values()), ("tag-key", ["N*e"]))
        self.assert_selects([vpcs["other"]], ("vpc-id", [vpcs["other"][:-2] + "*"]))
        self.assert_selects([*vpcs.values()], ("owner-id", [self.account[:6] + "*"]), ("state", ["avail*"]), ("is-default", ["f*"]))
        # The key of a tag is no pattern.
        self.assert_selects([], ("tag:N*e", ["other"]))

    def test_a_backslash_takes_the_meaning_from_a_wildcard(self):
        names = ["*amazon?\\", "xamazonx\\", "a*", "ab"]
        vpcs = {name: self.make(Name=name) for name in names}
        for pattern, expected in [
            ("\\*amazon\\?\\\\", names[:1]), ("*amazon?\\\\", names[:2]), ("a\\*", ["a*"]), ("a*", ["a*", "ab"]), ("a\\?", []),
        ]:
            self.assert_selects([vpcs[name] for name in expected], ("tag:Name", [pattern]))
        for pattern, escape in [("a\\d", "\\d"), ("a\\", "\\")]:
            self.refused("InvalidParameterValue", self.found, ("tag:Name", [pattern]),
                         message=f"Invalid filter value: The escape sequence '{escape}' is invalid")

    def test_an_empty_value_is_that_of_a_tag_without_one(self):
        empty, full = self.make(env=""), self.make(env="prod")
        self.assert_selects([empty], ("tag:env", [""]))
        self.assert_selects([empty, full], ("tag:env", ["prod", ""]))
        self.assert_selects([full], ("tag:env", ["", "prod"]), ("tag:env", ["?*d"]))
        self.assert_selects([], ("tag:none", [""]))

    def test_unknown_names(self):
        for name in ("nonsense", "State", "tag", "vpcId", "isDefault"):
            self.refused("InvalidParameterValue", self.found, (name, ["x"]), message=f"The filter '{name}' is invalid")
        self.refused("InvalidParameterValue", self.raw.describe_vpcs, Filters=[{"Values": ["x"]}])

    def test_limits(self):
        ids = [f"vpc-{number:017x}" for number in range(201)]
        self.assertEqual(self.found(("vpc-id", ids[:200]), ("tag:a", ["x" * 255])), [])
        self.refused("FilterLimitExceeded", self.found, ("vpc-id", ids),
                     message="The maximum number of filter values specified on a single call is 200")
        self.refused("FilterLimitExceeded", self.found, ("tag:a", ["x" * 256]),
                     message="The maximum length for a filter value is 255 characters")
        self.found(*[(f"tag:{number}", ["x"]) for number in range(50)])
        self.refused("FilterLimitExceeded", self.found, *[(f"tag:{number}", ["x"]) for number in range(51)])


class Pages(VpcsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.vpcs = [self.default(), *(self.make(number=str(number)) for number in range(11))]

    def page(self, client=None, **parameters) -> tuple[list[str], str | None]:
        answer = (client or self.ec2).describe_vpcs(**parameters)
        return [vpc["VpcId"] for vpc in answer["Vpcs"]], answer.get("NextToken")

    def test_every_vpc_is_on_one_page(self):
        first, token = self.page(MaxResults=5)
        second, last_token = self.page(MaxResults=5, NextToken=token)
        third, none = self.page(MaxResults=5, NextToken=last_token)
        self.assertEqual([len(first), len(second), len(third), none], [5, 5, 2, None])
        self.assertEqual(first + second + third, self.vpcs)
        # A page can be read again, and pages can have other sizes.
        self.assertEqual(self.page(MaxResults=5, NextToken=token)[0], second)
        self.assertEqual(self.page(NextToken=token), (second + third, None))
        self.assertEqual(self.page(MaxResults=12), (self.vpcs, None))
        self.assertEqual(self.page(), (self.vpcs, None))

    def test_the_paginator_of_an_sdk(self):
        pages = self.ec2.get_paginator("describe_vpcs").paginate(PaginationConfig={"PageSize": 7})
        self.assertEqual([len(page["Vpcs"]) for page in pages], [7, 5])

    def test_filters_select_from_a_page(self):
        """So a page may have nothing although others follow."""
        last = self.vpcs[-1]
        filters = [{"Name": "vpc-id", "Values": [last]}]
        first, token = self.page(MaxResults=5, Filters=filters)
        second, last_token = self.page(MaxResults=5, Filters=filters, NextToken=token)
        self.assertEqual((first, second), ([], []))
        self.assertEqual(self.page(MaxResults=5, Filters=filters, NextToken=last_token), ([last], None))

    def test_a_vpc_that_goes_between_two_pages_moves_no_other(self):
        first, token = self.page(MaxResults=5)
        for gone in (first[1], self.vpcs[7]):
            self.ec2.delete_vpc(VpcId=gone)
        self.assertEqual(self.page(NextToken=token)[0], [*self.vpcs[5:7], *self.vpcs[8:]])

    def test_refused_sizes(self):
        for size, bound in [(0, "greater than or equal to 5"), (4, "greater than or equal to 5"), (-5, "greater than or equal to 5"),
                            (1001, "smaller than or equal to 1000")]:
            self.refused("InvalidParameterValue", self.raw.describe_vpcs, MaxResults=size,
                         message=f"Value ( {size} ) for parameter MaxResults is invalid. Expecting a value {bound}.")
        self.assertEqual(len(self.page(MaxResults=1000)[0]), 12)
        self.refused("InvalidParameterValue", self.raw.describe_vpcs, MaxResults="many")
        self.refused("InvalidParameterCombination", self.ec2.describe_vpcs, VpcIds=self.vpcs[:1], MaxResults=5,
                     message="The parameter VpcIds cannot be used with the parameter MaxResults")

    def test_a_token_is_valid_for_its_own_list_only(self):
        for token in ("5", "abc", ""):
            self.refused("InvalidParameterValue", self.raw.describe_vpcs, NextToken=token,
                         message=f"Value ( {token} ) for parameter NextToken is invalid. The token is invalid.")
        _, token = self.page(MaxResults=5)
        for client in (self.client("ec2", region=_OTHER_REGION), self.client("ec2", account=self.other)):
            self.refused("InvalidParameterValue", client.describe_vpcs, NextToken=token)
        self.refused("InvalidParameterValue", self.ec2.describe_flow_logs, NextToken=token)
        self.assertEqual(len(self.page(NextToken=token)[0]), 7)


class SharedVpcs(VpcsTestCase, PermissionsTestCase):
    """A VPC of another account, as a participant sees it."""

    def setUp(self) -> None:
        super().setUp()
        self.owner = self.client("ec2", account=self.other)
        self.vpc = self.make(self.owner, env="prod")

    def share(self, participants: list[str], **more) -> None:
        self.emulator.control("PUT", "shared-vpcs", {
            "account": self.other, "vpcId": self.vpc, "participants": participants, **more})

    def flow_log(self, resource: str) -> dict:
        self.client("s3").create_bucket(Bucket=f"flow-{self.account}")
        return {"ResourceIds": [resource], "ResourceType": "VPC", "TrafficType": "ALL", "LogDestinationType": "s3",
                "LogDestination": f"arn:aws:s3:::flow-{self.account}"}

    def test_a_participant_sees_it_with_its_owner_and_without_the_owners_tags(self):
        self.refused("InvalidVpcID.NotFound", self.found, VpcIds=[self.vpc])
        self.share([self.account])
        [answer] = self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"]
        self.assertEqual((answer["OwnerId"], answer["IsDefault"], answer["State"], answer["Tags"]),
                         (self.other, False, "available", []))
        own = self.make()
        self.assertEqual(self.found(("is-default", ["false"])), [own, self.vpc])
        self.assertEqual(self.found(("owner-id", [self.account]), ("is-default", ["false"])), [own])
        self.assertEqual(self.found(("owner-id", [self.other])), [self.vpc])
        self.assertEqual(self.found(("tag:env", ["prod"])), [])
        self.assertEqual(list(self.inventory()["vpcs"]), [own])

    def test_the_tags_of_a_participant_are_its_own(self):
        self.share([self.account])
        self.ec2.create_tags(Resources=[self.vpc], Tags=[{"Key": "env", "Value": "mine"}])
        self.assertEqual(self.found(("tag:env", ["mine"])), [self.vpc])
        self.assertEqual(self.found(("tag:env", ["prod"]), client=self.owner), [self.vpc])
        self.assertEqual(self.found(("tag:env", ["mine"]), client=self.owner), [])

    def test_only_its_participants_see_it_in_its_region(self):
        self.share([self.account])
        self.assertEqual(self.found(("vpc-id", [self.vpc]), client=self.client("ec2", region=_OTHER_REGION)), [])
        third = "4" + self.account[1:]
        self.assertEqual(self.found(("vpc-id", [self.vpc]), client=self.client("ec2", account=third)), [])
        self.assertEqual(self.found(("vpc-id", [self.vpc]), client=self.owner), [self.vpc])
        self.share([third])
        self.assertEqual(self.found(("vpc-id", [self.vpc])), [])
        self.assertEqual(self.found(("vpc-id", [self.vpc]), client=self.client("ec2", account=third)), [self.vpc])
        self.share([self.account, third])
        self.owner.delete_vpc(VpcId=self.vpc)
        self.assertEqual(self.found(("vpc-id", [self.vpc])), [])

    def test_pages_have_it(self):
        self.share([self.account])
        own = [self.default(), *(self.make() for _ in range(5))]
        page = self.ec2.describe_vpcs(MaxResults=5)
        rest = self.found(NextToken=page["NextToken"])
        self.assertEqual([*(vpc["VpcId"] for vpc in page["Vpcs"]), *rest], [*own, self.vpc])

    def test_only_the_owner_logs_it(self):
        request = self.flow_log(self.vpc)
        self.assertEqual(self.ec2.create_flow_logs(**request)["Unsuccessful"][0]["Error"]["Code"], "InvalidVpcId.NotFound")
        self.share([self.account])
        error = self.refused(
            "UnauthorizedOperation", self.ec2.create_flow_logs, **request,
            message="You are not authorized to perform CreateFlowLogs operation. A subnet in this vpc is shared but the provided "
                    "object is not owned by you")
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 403)
        own = self.make()
        self.refused("UnauthorizedOperation", self.ec2.create_flow_logs, **{**request, "ResourceIds": [own, self.vpc]})
        self.client("s3", account=self.other).create_bucket(Bucket=f"flow-{self.other}")
        logged = self.owner.create_flow_logs(**{**request, "LogDestination": f"arn:aws:s3:::flow-{self.other}"})
        self.assertEqual((len(logged["FlowLogIds"]), logged["Unsuccessful"]), (1, []))
        # A participant does not see the owner's flow logs either.
        self.assertEqual(self.ec2.describe_flow_logs()["FlowLogs"], [])
        self.assertEqual(self.ec2.create_flow_logs(**{**request, "ResourceIds": [own]})["Unsuccessful"], [])

    def test_its_arn_has_the_owner(self):
        self.share([self.account])
        self.bind({"Action": "*"})
        self.refused("UnauthorizedOperation", self.bound("ec2").create_flow_logs, **self.flow_log(self.vpc))
        needed = {need["resource"] for need in self.needs() if need["action"] == "ec2:CreateFlowLogs"}
        self.assertEqual(needed, {f"arn:aws:ec2:us-east-1:{self.other}:vpc/{self.vpc}",
                                  f"arn:aws:ec2:us-east-1:{self.account}:vpc-flow-log/*"})

    def test_what_cannot_be_shared_is_refused(self):
        default = self.found(("is-default", ["true"]), client=self.owner)[0]
        for changes, expected in [
            ({"vpcId": "vpc-0123456789abcdef0"}, "no VPC vpc-0123456789abcdef0 in us-east-1"),
            ({"region": _OTHER_REGION}, f"no VPC {self.vpc} in eu-west-1"), ({"vpcId": default}, "is a default VPC"),
            ({"participants": self.account}, "must be a list"), ({"participants": ["me"]}, "12 digits"),
            ({"participants": [self.other]}, "the owner is no participant"),
        ]:
            with self.subTest(changes):
                error = self.control_error("shared-vpcs", {
                    "account": self.other, "vpcId": self.vpc, "participants": [self.account], **changes})
                self.assertIn(expected, error)
        self.assertEqual(self.found(("vpc-id", [self.vpc])), [])


class Permissions(VpcsTestCase, PermissionsTestCase):
    """IAM for DescribeVpcs: an action without resources, in a region."""

    def test_describing_needs_its_action(self):
        vpc = self.make()
        filters = ("is-default", ["false"])
        self.bind({"Action": "ec2:DescribeVpcs"})
        self.assertEqual(self.found(filters, client=self.bound("ec2"), MaxResults=5), [vpc])
        self.refused("DryRunOperation", self.bound("ec2").describe_vpcs, DryRun=True)
        for statements in ([{"Action": "ec2:DescribeFlowLogs"}],
                           [{"Action": "ec2:DescribeVpcs", "Resource": f"arn:aws:ec2:us-east-1:{self.account}:vpc/*"}],
                           [{"Action": "ec2:*"}, {"Effect": "Deny", "Action": "ec2:DescribeVpcs"}]):
            with self.subTest(statements):
                self.bind(*statements)
                for parameters in ({}, {"VpcIds": [vpc]}, {"DryRun": True}, {"MaxResults": 5}):
                    error = self.refused("UnauthorizedOperation", self.bound("ec2").describe_vpcs, **parameters,
                                         message="not authorized to perform: ec2:DescribeVpcs on resource: *")
                    self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 403)

    def test_regions_are_a_condition(self):
        for key in ("ec2:Region", "aws:RequestedRegion"):
            self.bind({"Action": "ec2:DescribeVpcs", "Condition": {"StringEquals": {key: _OTHER_REGION}}})
            self.assertEqual(len(self.found(client=self.bound("ec2", region=_OTHER_REGION))), 1)
            self.refused("UnauthorizedOperation", self.bound("ec2").describe_vpcs)

    def test_a_role_of_another_account_describes_that_account(self):
        theirs, ours = self.make(self.client("ec2", account=self.other)), self.make()
        trust = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": self.account}, "Action": "sts:AssumeRole"}]})
        role = self.client("iam", account=self.other).create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]
        token = self.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="session")["Credentials"]
        reader = self.client("ec2", token=token)
        self.assertEqual(self.found(("is-default", ["false"]), client=reader), [theirs])
        self.emulator.control("PUT", "permissions", {"account": self.other, "role": "reader", "policies": []})
        self.refused("UnauthorizedOperation", reader.describe_vpcs)
        self.assertEqual(self.found(("is-default", ["false"])), [ours])

"""IAM roles and STS as their API references describe them."""

import json

from tests.emulator import AwsTestCase

_TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
_ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}


class Roles(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.iam = self.client("iam")

    def create(self, name: str = "r", trust: dict | str = _TRUST, **parameters) -> dict:
        text = trust if isinstance(trust, str) else json.dumps(trust)
        return self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=text, **parameters)["Role"]

    def test_all_of_a_role_reads_back(self):
        boundary = self.iam.create_policy(PolicyName="b", PolicyDocument=json.dumps(_ALLOW))["Policy"]["Arn"]
        created = self.create(Path="/vpc-flow-operator/", Description="d", MaxSessionDuration=7200,
                              PermissionsBoundary=boundary, Tags=[{"Key": "a", "Value": "1"}])
        self.assertEqual(created["Arn"], f"arn:aws:iam::{self.account}:role/vpc-flow-operator/r")
        self.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(_ALLOW))
        self.iam.tag_role(RoleName="r", Tags=[{"Key": "b", "Value": "2"}])
        self.iam.untag_role(RoleName="r", TagKeys=["a"])
        self.assertEqual(self.inventory()["roles"]["r"], {
            "arn": created["Arn"], "path": "/vpc-flow-operator/", "trustPolicy": _TRUST,
            "inlinePolicies": {"p": _ALLOW}, "attachedPolicies": [], "permissionsBoundary": boundary,
            "tags": {"b": "2"}, "description": "d", "maxSessionDuration": 7200})
        self.iam.delete_role_permissions_boundary(RoleName="r")
        self.assertNotIn("PermissionsBoundary", self.iam.get_role(RoleName="r")["Role"])

    def test_documents_are_url_encoded_on_the_wire(self):
        raw = []
        self.iam.meta.events.register("before-parse.iam.GetRole",
                                      lambda response_dict, **_: raw.append(response_dict["body"]))
        self.create()
        self.iam.get_role(RoleName="r")
        self.assertIn(b"<AssumeRolePolicyDocument>%7B%22Version%22", raw[0])

    def test_refused(self):
        self.create()
        self.refused("EntityAlreadyExists", self.create)
        self.refused("MalformedPolicyDocument", self.create, name="x", trust="nonsense")
        self.refused("MalformedPolicyDocument", self.create, name="x", trust=json.dumps(_ALLOW))
        self.refused("ValidationError", self.create, name="no spaces")
        self.refused("ValidationError", self.create, name="x" * 65)
        self.refused("ValidationError", self.create, name="x", Path="no-slashes")
        self.refused("NoSuchEntity", self.create, name="x",
                     PermissionsBoundary=f"arn:aws:iam::{self.account}:policy/none")
        self.refused("MalformedPolicyDocument", self.iam.put_role_policy, RoleName="r", PolicyName="p",
                     PolicyDocument="{}")
        self.refused("NoSuchEntity", self.iam.put_role_policy, RoleName="none", PolicyName="p",
                     PolicyDocument=json.dumps(_ALLOW))
        self.refused("NoSuchEntity", self.iam.get_role, RoleName="none")
        self.refused("NoSuchEntity", self.iam.get_role_policy, RoleName="r", PolicyName="none")
        self.refused("MalformedPolicyDocument", self.iam.update_assume_role_policy, RoleName="r", PolicyDocument="x")
        self.assertEqual(list(self.inventory()["roles"]), ["r"])

    def test_policies_hold_a_role(self):
        self.create()
        self.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(_ALLOW))
        self.refused("DeleteConflict", self.iam.delete_role, RoleName="r")
        self.iam.delete_role_policy(RoleName="r", PolicyName="p")
        arn = self.iam.create_policy(PolicyName="m", PolicyDocument=json.dumps(_ALLOW))["Policy"]["Arn"]
        self.iam.attach_role_policy(RoleName="r", PolicyArn=arn)
        self.refused("DeleteConflict", self.iam.delete_role, RoleName="r")
        self.iam.detach_role_policy(RoleName="r", PolicyArn=arn)
        self.iam.delete_role(RoleName="r")
        self.refused("NoSuchEntity", self.iam.delete_role, RoleName="r")


class AssumeRole(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.target = "4" + self.account[1:]
        self.sts = self.client("sts")

    def trusting(self, principal: str, condition: dict | None = None) -> str:
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
        if condition:
            statement["Condition"] = condition
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        role = self.client("iam", account=self.target).create_role(RoleName="flow", AssumeRolePolicyDocument=trust)
        return role["Role"]["Arn"]

    def test_the_session_acts_in_the_roles_account(self):
        arn = self.trusting(f"arn:aws:iam::{self.account}:root")
        token = self.sts.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
        identity = self.client("sts", token=token).get_caller_identity()
        self.assertEqual((identity["Account"], identity["Arn"]),
                         (self.target, f"arn:aws:sts::{self.target}:assumed-role/flow/session"))
        self.client("logs", token=token).create_log_group(logGroupName="there")
        self.assertEqual(self.client("logs").describe_log_groups()["logGroups"], [])
        found = self.client("logs", account=self.target).describe_log_groups()["logGroups"]
        self.assertEqual([group["logGroupName"] for group in found], ["there"])
        created = [call for call in self.calls(self.target) if call["operation"] == "CreateLogGroup"]
        self.assertEqual([(call["service"], call["caller"]) for call in created], [("logs", "flow")])

    def test_the_trust_policy_and_the_external_id_count(self):
        self.refused("AccessDenied", self.sts.assume_role, RoleSessionName="session",
                     RoleArn=f"arn:aws:iam::{self.target}:role/none")
        arn = self.trusting(f"arn:aws:iam::{self.account}:root", {"StringEquals": {"sts:ExternalId": "secret"}})
        self.refused("AccessDenied", self.sts.assume_role, RoleArn=arn, RoleSessionName="session")
        self.refused("AccessDenied", self.sts.assume_role, RoleArn=arn, RoleSessionName="session", ExternalId="wrong")
        self.sts.assume_role(RoleArn=arn, RoleSessionName="session", ExternalId="secret")
        stranger = self.client("sts", account="5" + self.account[1:])
        self.refused("AccessDenied", stranger.assume_role, RoleArn=arn, RoleSessionName="session", ExternalId="secret")

    def test_who_am_i(self):
        identity = self.sts.get_caller_identity()
        self.assertEqual((identity["Account"], identity["Arn"]),
                         (self.account, f"arn:aws:iam::{self.account}:root"))

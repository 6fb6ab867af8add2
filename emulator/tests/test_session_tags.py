"""Sessions with transitive tags, as EKS Pod Identity's: the permissions they need to assume a role of another account.

EKS user guide, "Access AWS Resources using EKS Pod Identity Target IAM Roles"; IAM user guide, "Pass session tags in
AWS STS".
"""

import json

from tests.test_permissions import PermissionsTestCase

_ASSUME, _TAG = "sts:AssumeRole", "sts:TagSession"
_BOTH = [_ASSUME, _TAG]


class SessionTagsTestCase(PermissionsTestCase):
    transitive_tags = {"eks-cluster-name": "production", "kubernetes-namespace": "network"}

    def setUp(self) -> None:
        super().setUp()
        self.target = "4" + self.account[1:]
        self.arn = f"arn:aws:iam::{self.target}:role/flow"
        self.operator = self.role("operator", "pods.eks.amazonaws.com")
        trust = self.trust({"Action": _BOTH})
        self.client("iam", account=self.target).create_role(RoleName="flow", AssumeRolePolicyDocument=trust)
        self.bind({"Action": _BOTH})

    def trust(self, *statements: dict) -> str:
        """A trust policy that lets the operator's role in, unless a statement says otherwise."""
        return json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": self.operator}, **each} for each in statements]})

    def assume(self, token: dict | None = None, arn: str | None = None, **parameters) -> dict:
        sts = self.client("sts", token=token or self.session)
        return sts.assume_role(RoleArn=arn or self.arn, RoleSessionName="session", **parameters)["Credentials"]

    def lets_in(self, *statements: dict, **parameters) -> bool:
        document = self.trust(*statements)
        self.client("iam", account=self.target).update_assume_role_policy(RoleName="flow", PolicyDocument=document)
        return self.allowed(self.assume, **parameters)

    def refusal(self, action: str) -> str:
        user = f"arn:aws:sts::{self.account}:assumed-role/operator/vpc-flow-operator"
        return f"User: {user} is not authorized to perform: {action} on resource: {self.arn}"


class TagSession(SessionTagsTestCase):
    def test_both_policies_must_allow_it(self):
        self.assume()
        self.bind({"Action": _ASSUME})
        self.refused("AccessDenied", self.assume,
                     message=f"{self.refusal(_TAG)} because no identity-based policy allows the {_TAG} action")
        self.bind({"Action": _BOTH})
        self.assertFalse(self.lets_in({"Action": _ASSUME}))
        error = self.refused("AccessDenied", self.assume)
        self.assertEqual(error.response["Error"]["Message"], self.refusal(_TAG))
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 403)
        self.assertFalse(self.lets_in({"Action": _TAG}))
        self.refused("AccessDenied", self.assume, message=self.refusal(_ASSUME))

    def test_the_new_session_inherits_the_tags(self):
        role = self.client("iam", account=self.target).create_role(
            RoleName="next", AssumeRolePolicyDocument=self.trust({"Action": _ASSUME, "Principal": {"AWS": self.arn}}))
        self.refused("AccessDenied", self.assume, token=self.assume(), arn=role["Role"]["Arn"],
                     message="sts:TagSession on resource")

    def test_the_tags_are_of_the_request(self):
        for keys, expected in [
            ({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "network"}}, True),
            ({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "default"}}, False),
            ({"ForAllValues:StringEquals": {"aws:TagKeys": ["eks-cluster-name", "kubernetes-namespace"]}}, True),
            ({"ForAllValues:StringEquals": {"aws:TagKeys": ["eks-cluster-name"]}}, False),
        ]:
            for action, other in (_BOTH, _BOTH[::-1]):
                with self.subTest(keys=keys, action=action):
                    self.bind({"Action": _BOTH})
                    statements = ({"Action": action, "Condition": keys}, {"Action": other})
                    self.assertEqual(self.lets_in(*statements), expected)
                    self.lets_in({"Action": _BOTH})
                    self.bind(*statements)
                    self.assertEqual(self.allowed(self.assume), expected)

    def test_it_knows_no_external_id(self):
        secret = {"StringEquals": {"sts:ExternalId": "secret"}}
        self.assertFalse(self.lets_in({"Action": _BOTH, "Condition": secret}, ExternalId="secret"))
        apart = ({"Action": _ASSUME, "Condition": secret}, {"Action": _TAG})
        self.assertTrue(self.lets_in(*apart, ExternalId="secret"))
        self.assertFalse(self.lets_in(*apart, ExternalId="other"))

    def test_values_are_texts(self):
        error = self.control_error("permissions", {
            "account": self.account, "role": "operator", "policies": [], "transitiveTags": {"eks-cluster-name": 1}})
        self.assertEqual(error, "`transitiveTags` must be an object of texts")


class Caller(SessionTagsTestCase):
    def test_the_operators_role_and_no_other_is_trusted(self):
        root = f"arn:aws:iam::{self.account}:root"
        trust = self.trust({"Action": _BOTH})
        iam = self.client("iam", account=self.target)
        namesake = iam.create_role(RoleName="operator", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        for principal, expected in [
            (self.operator, True), (root, True), (self.account, True), (f"arn:aws:iam::{self.target}:root", False),
            (self.role("operator-2", "pods.eks.amazonaws.com"), False), (namesake, False),
        ]:
            with self.subTest(principal):
                self.assertEqual(self.lets_in({"Action": _BOTH, "Principal": {"AWS": principal}}), expected)
        for arn, expected in [(self.operator, True), (f"arn:aws:sts::{self.account}:assumed-role/operator/*", False)]:
            condition = {"ArnLike": {"aws:PrincipalArn": arn}}
            statement = {"Action": _BOTH, "Principal": {"AWS": root}, "Condition": condition}
            self.assertEqual(self.lets_in(statement), expected, arn)


class WithoutTags(SessionTagsTestCase):
    transitive_tags = {}

    def test_assume_role_is_enough(self):
        self.bind({"Action": _ASSUME})
        self.assertTrue(self.lets_in({"Action": _ASSUME}))

    def test_tags_that_the_request_gives_need_it_too(self):
        tags = [{"Key": "team", "Value": "network"}]
        self.assertTrue(self.lets_in({"Action": _BOTH}, Tags=tags))
        self.assertFalse(self.lets_in({"Action": _ASSUME}, Tags=tags))
        self.bind({"Action": _ASSUME})
        self.assertFalse(self.lets_in({"Action": _BOTH}, Tags=tags))

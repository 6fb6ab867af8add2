"""IAM enforced for one caller: bound callers, the meaning of policies, the wording of refusals."""

import json

from botocore.exceptions import ClientError

from tests.emulator import AwsTestCase

_TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def policy(*statements: dict) -> dict:
    """A document; a statement allows, and on everything, unless it says otherwise."""
    return {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", **({} if "NotResource" in each else {"Resource": "*"}), **each} for each in statements]}


class PermissionsTestCase(AwsTestCase):
    """A test with a session of a role of one's own, ``operator``, which may do what ``bind`` says."""

    # Of the session. EKS Pod Identity gives some, IAM roles for service accounts give none.
    transitive_tags: dict[str, str] = {}

    def bind(self, *statements: dict, role: str | None = "operator") -> None:
        answer = self.emulator.control("PUT", "permissions", {
            "account": self.account, "role": role, "policies": [policy(*statements)],
            "transitiveTags": self.transitive_tags})
        if role:
            self.session = {name[0].upper() + name[1:]: value for name, value in answer.items()}

    def bound(self, service: str, region: str | None = None):
        """A client of the role's session."""
        return self.client(service, token=self.session, region=region)

    def needs(self) -> list[dict]:
        return self.emulator.control("GET", f"permissions?account={self.account}")["needs"]

    def allowed(self, call, /, **parameters) -> bool:
        """True if IAM lets a call pass, whatever its result."""
        try:
            call(**parameters)
        except ClientError as error:
            return error.response["Error"]["Code"] not in (
                "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")
        return True


class Callers(PermissionsTestCase):
    def test_only_the_bound_role_is(self):
        self.bind({"Action": "sns:ListTopics"})
        self.refused("AccessDeniedException", self.bound("logs").describe_log_groups)
        self.client("logs").describe_log_groups()
        who = self.bound("sts").get_caller_identity()
        self.assertEqual((who["Account"], who["Arn"]),
                         (self.account, f"arn:aws:sts::{self.account}:assumed-role/operator/vpc-flow-operator"))

    def test_the_accounts_own_key_can_be_bound_as_well(self):
        self.bind({"Action": "logs:*"}, role=None)
        self.client("logs").describe_log_groups()
        self.refused("AuthorizationError", self.client("sns").create_topic, Name="t")

    def test_a_session_from_sts_is_bound_by_its_roles_name(self):
        trust = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": self.account}, "Action": "sts:AssumeRole"}]})
        arn = self.client("iam").create_role(RoleName="flow", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        self.bind({"Action": "logs:*"}, role="flow")
        token = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
        self.client("logs", token=token).describe_log_groups()
        self.refused("AuthorizationError", self.client("sns", token=token).create_topic, Name="t")

    def test_policies_change_under_a_session_and_end(self):
        self.bind({"Action": "logs:*"})
        logs = self.bound("logs")
        logs.describe_log_groups()
        self.bind({"Action": "sns:*"})
        self.refused("AccessDeniedException", logs.describe_log_groups)
        self.emulator.control("DELETE", f"permissions?account={self.account}")
        logs.describe_log_groups()
        self.assertEqual(self.needs(), [])

    def test_what_was_needed_is_reported(self):
        self.bind({"Action": "logs:DescribeLogGroups"})
        self.bound("logs").describe_log_groups()
        self.bound("logs").describe_log_groups()
        self.refused("AccessDeniedException", self.bound("logs").delete_log_group, logGroupName="g")
        group = f"arn:aws:logs:us-east-1:{self.account}:log-group:g:*"
        self.assertEqual(self.needs(), [
            {"operation": "DescribeLogGroups", "action": "logs:DescribeLogGroups", "resource": "*", "allowed": True},
            {"operation": "DeleteLogGroup", "action": "logs:DeleteLogGroup", "resource": group, "allowed": False}])


class Language(PermissionsTestCase):
    """Statements and conditions, shown on one topic with the tags team=network and env=test."""

    def setUp(self) -> None:
        super().setUp()
        tags = [{"Key": "team", "Value": "network"}, {"Key": "env", "Value": "test"}]
        self.topic = self.client("sns").create_topic(Name="vfm-t", Tags=tags)["TopicArn"]

    def lets_read(self, *statements: dict) -> bool:
        self.bind(*statements)
        return self.allowed(self.bound("sns").get_topic_attributes, TopicArn=self.topic)

    def lets_tag(self, condition: dict, **tags: str) -> bool:
        self.bind({"Action": "sns:TagResource", "Condition": condition})
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        return self.allowed(self.bound("sns").tag_resource, ResourceArn=self.topic, Tags=given)

    def test_actions(self):
        for actions, expected in [
            ("sns:GetTopicAttributes", True), ("SNS:gettopicattributes", True), ("sns:Get*", True),
            ("sns:Get?opicAttributes", True), ("*", True), (["sns:Publish", "sns:*"], True),
            ("sns:Publish", False), ("sns:GetTopic", False),
        ]:
            with self.subTest(actions):
                self.assertEqual(self.lets_read({"Action": actions}), expected)
        self.assertTrue(self.lets_read({"NotAction": "sns:Publish"}))
        self.assertFalse(self.lets_read({"NotAction": "sns:Get*"}))

    def test_resources(self):
        account = self.account
        for resources, expected in [
            (f"arn:aws:sns:us-east-1:{account}:vfm-t", True), (f"arn:aws:sns:*:{account}:vfm-*", True),
            (f"arn:aws:sns:us-east-1:{account}:vfm-?", True), ("arn:aws:sns:us-east-1:*", True), ("arn:*", True),
            (f"arn:aws:sns:us-east-1:{account}:VFM-t", False), (f"arn:aws:sns:eu-west-1:{account}:vfm-t", False),
            # A wildcard does not reach beyond its segment, but at the end.
            (f"arn:aws:sns:*{account}:vfm-t", False), (f"arn:aws:sns:us-east-1:{account}:vfm", False),
        ]:
            with self.subTest(resources):
                self.assertEqual(self.lets_read({"Action": "sns:*", "Resource": resources}), expected)
        others = {"Action": "sns:*", "NotResource": "arn:aws:sns:*:*:vfm-*"}
        self.assertFalse(self.lets_read(others))
        self.assertTrue(self.allowed(self.bound("sns").get_topic_attributes, TopicArn=f"{self.topic[:-5]}other"))

    def test_a_deny_wins_and_nothing_is_allowed_by_itself(self):
        allow, deny = {"Action": "sns:*"}, {"Effect": "Deny", "Action": "sns:GetTopicAttributes"}
        self.assertFalse(self.lets_read(deny, allow))
        self.assertFalse(self.lets_read(allow, deny))
        self.assertTrue(self.lets_read(allow, {**deny, "Resource": "arn:aws:sns:*:*:other"}))
        self.assertFalse(self.lets_read({"Action": "logs:*"}))

    def test_conditions_on_one_value(self):
        team, absent = "aws:ResourceTag/team", "aws:ResourceTag/none"
        for condition, expected in [
            ({"StringEquals": {team: "network"}}, True),
            ({"StringEquals": {"AWS:resourcetag/TEAM": ["other", "network"]}}, True),
            ({"StringEquals": {team: "Network"}}, False),
            ({"StringEqualsIgnoreCase": {team: "Network"}}, True),
            ({"StringEquals": {team: "net*"}}, False),
            ({"StringLike": {team: "net*"}}, True),
            ({"StringLike": {team: "net?"}}, False),
            ({"StringNotEquals": {team: "other"}}, True),
            ({"StringNotEquals": {team: ["other", "network"]}}, False),
            ({"StringNotLike": {team: "net*"}}, False),
            # A key that is not there.
            ({"StringEquals": {absent: "x"}}, False),
            ({"StringEqualsIfExists": {absent: "x"}}, True),
            ({"StringNotEquals": {absent: "x"}}, True),
            ({"Null": {absent: "true"}}, True),
            ({"Null": {absent: "false"}}, False),
            ({"Null": {team: True}}, False),
            # Every key of every operator.
            ({"StringEquals": {team: "network", "aws:ResourceTag/env": "test"}}, True),
            ({"StringEquals": {team: "network", "aws:ResourceTag/env": "prod"}}, False),
            ({"StringEquals": {team: "network"}, "StringLike": {"aws:ResourceTag/env": "p*"}}, False),
            ({"Bool": {"aws:SecureTransport": True}}, True),
            ({"Bool": {"aws:ViaAWSService": "true"}}, False),
            ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/operator"}}, True),
            ({"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/operator"}}, False),
            ({"ArnLike": {"aws:PrincipalArn": "arn:aws:sts::*:assumed-role/operator/*"}}, False),
            ({"NumericEquals": {"aws:ResourceAccount": int(self.account)}}, True),
            ({"NumericLessThan": {"aws:ResourceAccount": self.account}}, False),
            ({"StringEquals": {"aws:ResourceAccount": self.account, "aws:RequestedRegion": "us-east-1"}}, True),
            ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, False),
        ]:
            with self.subTest(condition):
                self.assertEqual(self.lets_read({"Action": "sns:*", "Condition": condition}), expected)

    def test_conditions_on_many_values(self):
        every, some = "ForAllValues:StringLike", "ForAnyValue:StringEquals"
        for condition, tags, expected in [
            ({every: {"aws:TagKeys": ["a*", "b"]}}, {"a1": "x", "b": "y"}, True),
            ({every: {"aws:TagKeys": "a*"}}, {"a1": "x", "b": "y"}, False),
            ({some: {"aws:TagKeys": "b"}}, {"a1": "x", "b": "y"}, True),
            ({some: {"aws:TagKeys": "c"}}, {"a1": "x", "b": "y"}, False),
            ({"ForAllValues:StringNotEquals": {"aws:TagKeys": ["b", "c"]}}, {"a1": "x", "b": "y"}, False),
            ({"StringEquals": {"aws:RequestTag/b": "y"}}, {"b": "y"}, True),
            ({"StringEquals": {"aws:RequestTag/b": "y"}}, {"b": "z"}, False),
        ]:
            with self.subTest(condition):
                self.assertEqual(self.lets_tag(condition, **tags), expected)
        # Over no values, all are and none is.
        self.assertTrue(self.lets_read({"Action": "sns:*", "Condition": {every: {"aws:TagKeys": "a"}}}))
        self.assertFalse(self.lets_read({"Action": "sns:*", "Condition": {some: {"aws:TagKeys": "a"}}}))
        self.refused("Unmodelled", self.tag_with_one_operator, message="ForAllValues or ForAnyValue")

    def tag_with_one_operator(self) -> None:
        self.bind({"Action": "sns:TagResource", "Condition": {"StringEquals": {"aws:TagKeys": "a"}}})
        self.bound("sns").tag_resource(ResourceArn=self.topic, Tags=[{"Key": "a", "Value": "b"}])


class Gaps(PermissionsTestCase):
    """The emulator reports cases that it cannot decide, and binds no policy that IAM would not store."""

    def assert_not_bound(self, expected: str, *documents) -> None:
        error = self.control_error("permissions", {"account": self.account, "policies": list(documents)})
        self.assertIn(expected, error)

    def test_policies(self):
        for statement, expected in [
            ({"Action": "s3:*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "operator IpAddress"),
            ({"Action": "s3:*", "Condition": {"StringEquals": {"s3:Magic": "x"}}}, "key s3:Magic"),
            ({"Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}"}, "policy variables"),
            ({"Action": "s3"}, "must be prefaced by a vendor"),
            ({"Action": "s3:*", "Resource": "bucket"}, "must be in ARN format"),
            ({"Action": "s3:*", "Principal": "*"}, "should not specify a principal"),
            ({"Effect": "Permit", "Action": "s3:*"}, "Invalid effect"),
        ]:
            with self.subTest(expected):
                self.assert_not_bound(expected, policy(statement))
        self.assert_not_bound("another version", {**policy({"Action": "s3:*"}), "Version": "2008-10-17"})

    def test_sizes(self):
        long = policy({"Action": "s3:*", "Resource": [f"arn:aws:s3:::{number:040}" for number in range(120)]})
        self.assert_not_bound("PolicySize: 6144", long)
        self.assert_not_bound("at most 10", *[policy({"Action": "s3:*"})] * 11)

    def test_operations(self):
        self.bind({"Action": "*"})
        error = self.refused("Unmodelled", self.bound("iam").list_users,
                             message="does not know the operation iam:ListUsers")
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 500)
        self.refused("Unmodelled", self.bound("ec2").create_tags, message="tags of vpc-1",
                     Resources=["vpc-1"], Tags=[{"Key": "a", "Value": "b"}])


class Refusals(PermissionsTestCase):
    """Codes, statuses and words of each service, in its own wire protocol."""

    def assert_refused(self, call, code: str, status: int, words: str, **parameters) -> None:
        error = self.refused(code, call, **parameters)
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], status)
        caller = f"arn:aws:sts::{self.account}:assumed-role/operator/vpc-flow-operator"
        self.assertIn(words.format(user=f"User: {caller}", account=self.account), error.response["Error"]["Message"])

    def test_each_service(self):
        self.bind({"Action": "sts:TagSession"})
        self.assert_refused(
            self.bound("s3").get_bucket_policy, "AccessDenied", 403,
            '{user} is not authorized to perform: s3:GetBucketPolicy on resource: "arn:aws:s3:::b" '
            "because no identity-based policy allows the s3:GetBucketPolicy action", Bucket="b")
        self.assert_refused(
            self.bound("iam").get_role, "AccessDenied", 403,
            "{user} is not authorized to perform: iam:GetRole on resource: role r because", RoleName="r")
        self.assert_refused(
            self.bound("iam").create_role, "AccessDenied", 403,
            "perform: iam:CreateRole on resource: arn:aws:iam::{account}:role/p/r because",
            RoleName="r", Path="/p/", AssumeRolePolicyDocument=_TRUST)
        self.assert_refused(
            self.bound("sns").create_topic, "AuthorizationError", 403,
            "perform: SNS:CreateTopic on resource: arn:aws:sns:us-east-1:{account}:t because no identity-based policy "
            "allows the SNS:CreateTopic action", Name="t")
        self.assert_refused(
            self.bound("logs").describe_log_groups, "AccessDeniedException", 400,
            "perform: logs:DescribeLogGroups on resource: * because")
        self.assert_refused(
            self.bound("cloudwatch").describe_alarms, "AccessDenied", 403,
            "perform: cloudwatch:DescribeAlarms on resource: arn:aws:cloudwatch:us-east-1:{account}:alarm:* because")
        self.assert_refused(
            self.bound("lambda").get_function, "AccessDeniedException", 403,
            "perform: lambda:GetFunction on resource: arn:aws:lambda:us-east-1:{account}:function:f because",
            FunctionName="f")
        self.assert_refused(
            self.bound("athena").get_work_group, "AccessDeniedException", 400,
            "perform: athena:GetWorkGroup on resource: arn:aws:athena:us-east-1:{account}:workgroup/w because",
            WorkGroup="w")
        self.assert_refused(
            self.bound("glue").get_database, "AccessDeniedException", 400,
            "perform: glue:GetDatabase on resource: arn:aws:glue:us-east-1:{account}:catalog because", Name="d")
        self.assert_refused(
            self.bound("ec2").describe_flow_logs, "UnauthorizedOperation", 403,
            "You are not authorized to perform this operation. {user} is not authorized to perform: "
            "ec2:DescribeFlowLogs on resource: * because no identity-based policy allows the ec2:DescribeFlowLogs "
            "action. Encoded authorization failure message: ")
        self.assert_refused(
            self.bound("sts").assume_role, "AccessDenied", 403,
            "perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/r because",
            RoleArn="arn:aws:iam::111122223333:role/r", RoleSessionName="session")

    def test_an_explicit_deny(self):
        self.bind({"Action": "*"}, {"Effect": "Deny", "Action": "sns:*"})
        self.assert_refused(self.bound("sns").create_topic, "AuthorizationError", 403,
                            "{account}:t with an explicit deny in an identity-based policy", Name="t")

    def test_a_log_group_with_tags(self):
        self.bind({"Action": "logs:CreateLogGroup"})
        self.assert_refused(
            self.bound("logs").create_log_group, "AccessDeniedException", 400,
            "User with accountId: {account} is not authorized to perform CreateLogGroup with Tags. An additional "
            'permission "logs:TagResource" is required.', logGroupName="g", tags={"a": "b"})

    def test_nothing_is_carried_out(self):
        self.bind({"Action": "sns:CreateTopic"})
        self.refused("AuthorizationError", self.bound("sns").create_topic, Name="t", Tags=[{"Key": "a", "Value": "b"}])
        self.refused("AccessDenied", self.bound("s3").create_bucket, Bucket=f"b-{self.account}")
        self.assertTrue(all(not found for found in self.inventory().values()))

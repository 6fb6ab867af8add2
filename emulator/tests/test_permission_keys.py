"""The condition keys that each service fills, and the changes that a missing permission makes within an answer."""

import json

from tests.emulator import zip_of
from tests.test_permissions import PermissionsTestCase

_TAG, _REQUEST_TAG = {"aws:ResourceTag/team": "network"}, {"aws:RequestTag/team": "network"}
_TAGS = [{"Key": "team", "Value": "network"}]
_TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "vpc-flow-logs.amazonaws.com"]},
    "Action": "sts:AssumeRole"}]})
_ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})


class KeysTestCase(PermissionsTestCase):
    def passes(self, action: str, keys: dict, service: str, call: str, /, operator: str = "StringEquals",
               **parameters) -> bool:
        """True if IAM lets a call pass where ``action`` is allowed under a condition only, and all else is allowed."""
        self.bind({"NotAction": action}, {"Action": action, "Condition": {operator: keys}})
        return self.allowed(getattr(self.bound(service), call), **parameters)

    def make_role(self, **parameters) -> str:
        role = self.client("iam").create_role(RoleName="r", Path="/vpc-flow-operator/",
                                              AssumeRolePolicyDocument=_TRUST, **parameters)
        return role["Role"]["Arn"]


class Roles(KeysTestCase):
    def test_tags(self):
        create = {"RoleName": "r", "AssumeRolePolicyDocument": _TRUST, "Tags": _TAGS}
        self.assertFalse(self.passes("iam:CreateRole", _TAG, "iam", "create_role", **create))
        self.assertFalse(self.passes("iam:TagRole", _TAG, "iam", "create_role", **create))
        self.assertFalse(self.passes("iam:CreateRole", {"aws:RequestTag/team": "x"}, "iam", "create_role", **create))
        self.assertTrue(self.passes("iam:CreateRole", _REQUEST_TAG, "iam", "create_role", **create))
        for key in ("aws", "iam"):
            self.assertTrue(self.passes("iam:GetRole", {f"{key}:ResourceTag/team": "network"}, "iam", "get_role",
                                        RoleName="r"))
        self.assertFalse(self.passes("iam:GetRole", {"aws:ResourceTag/team": "x"}, "iam", "get_role", RoleName="r"))
        self.assertTrue(self.passes("iam:UntagRole", {"aws:TagKeys": ["team"]}, "iam", "untag_role",
                                    operator="ForAllValues:StringEquals", RoleName="r", TagKeys=["team"]))

    def test_an_absent_role_has_no_path(self):
        everywhere = "arn:aws:iam::*:role/"
        self.bind({"Action": "iam:GetRole", "Resource": f"{everywhere}vpc-flow-operator/*"})
        self.refused("AccessDenied", self.bound("iam").get_role, RoleName="r")
        self.make_role()
        self.bound("iam").get_role(RoleName="r")
        self.bind({"Action": "iam:GetRole", "Resource": f"{everywhere}vfm-*"})
        self.refused("NoSuchEntity", self.bound("iam").get_role, RoleName="vfm-x")

    def test_boundaries(self):
        boundary, other = (
            self.client("iam").create_policy(PolicyName=name, PolicyDocument=_ALLOW)["Policy"]["Arn"] for name in "bo")
        asked, wrong = {"iam:PermissionsBoundary": boundary}, {"iam:PermissionsBoundary": other}
        create = {"RoleName": "r", "AssumeRolePolicyDocument": _TRUST}
        self.assertFalse(self.passes("iam:CreateRole", asked, "iam", "create_role", **create))
        create["PermissionsBoundary"] = boundary
        self.assertFalse(self.passes("iam:CreateRole", wrong, "iam", "create_role", **create))
        self.assertTrue(self.passes("iam:CreateRole", asked, "iam", "create_role", **create))
        put = {"RoleName": "r", "PolicyName": "p", "PolicyDocument": _ALLOW}
        self.assertFalse(self.passes("iam:PutRolePolicy", wrong, "iam", "put_role_policy", **put))
        self.assertTrue(self.passes("iam:PutRolePolicy", asked, "iam", "put_role_policy", **put))
        self.assertFalse(self.passes("iam:PutRolePermissionsBoundary", asked, "iam", "put_role_permissions_boundary",
                                     RoleName="r", PermissionsBoundary=other))
        self.assertTrue(self.passes("iam:DetachRolePolicy", {"iam:PolicyARN": other}, "iam", "detach_role_policy",
                                    RoleName="r", PolicyArn=other))

    def test_a_role_is_passed_to_one_service(self):
        role = self.make_role(Tags=_TAGS)
        create = {"FunctionName": "f", "Runtime": "python3.12", "Handler": "i.h", "Role": role,
                  "Code": {"ZipFile": zip_of({"i.py": "def h(e, c): return 1"})}}

        def passes(keys: dict) -> bool:
            return self.passes("iam:PassRole", keys, "lambda", "create_function", **create)

        self.assertFalse(passes({"iam:PassedToService": "ec2.amazonaws.com"}))
        # Its tags are no reliable condition.
        self.assertFalse(passes(_TAG))
        self.assertTrue(passes({"iam:PassedToService": "lambda.amazonaws.com"}))
        self.assertTrue(self.passes(
            "iam:PassRole", {"iam:PassedToService": "vpc-flow-logs.amazonaws.com"}, "ec2", "create_flow_logs",
            ResourceIds=["vpc-1"], ResourceType="VPC", TrafficType="ALL", LogGroupName="g",
            DeliverLogsPermissionArn=role))


    def test_a_new_role_may_be_checked_without_its_path_and_tags(self):
        """IAM user guide, "Changes that I make are not always immediately visible"."""
        self.modes(newRoleChecks=2)
        with_path, without_path = (f"arn:aws:iam::{self.account}:role/{name}" for name in ("vpc-flow-operator/r", "r"))
        self.bind({"Action": "iam:CreateRole"}, {"Action": "iam:PutRolePolicy", "Resource": with_path},
                  {"Action": "iam:TagRole", "Condition": {"StringEquals": _TAG}}, {"Action": "iam:TagRole", "Condition": {
                      "StringEquals": _REQUEST_TAG}})
        self.bound("iam").create_role(RoleName="r", Path="/vpc-flow-operator/", AssumeRolePolicyDocument=_TRUST, Tags=_TAGS)
        put = {"RoleName": "r", "PolicyName": "p", "PolicyDocument": _ALLOW}
        tag = {"RoleName": "r", "Tags": [{"Key": "a", "Value": "b"}]}
        self.assertFalse(self.allowed(self.bound("iam").put_role_policy, **put))
        self.assertFalse(self.allowed(self.bound("iam").tag_role, **tag))
        self.assertTrue(self.allowed(self.bound("iam").put_role_policy, **put))
        self.assertTrue(self.allowed(self.bound("iam").tag_role, **tag))
        self.assertEqual([need["resource"] for need in self.needs() if need["operation"] == "PutRolePolicy"],
                         [without_path, with_path])

    def test_a_new_role_may_be_passed_without_its_path(self):
        self.modes(newRoleChecks=1)
        self.bind({"NotAction": "iam:PassRole"}, {"Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/vpc-flow-operator/*"})
        create = {"FunctionName": "f", "Runtime": "python3.12", "Handler": "i.h", "Role": self.make_role(),
                  "Code": {"ZipFile": zip_of({"i.py": "def h(e, c): return 1"})}}
        self.refused("AccessDeniedException", self.bound("lambda").create_function, **create,
                     message=f"iam:PassRole on resource: arn:aws:iam::{self.account}:role/r ")
        self.bound("lambda").create_function(**create)

    def test_a_new_role_is_known_at_once_to_those_who_are_not_bound(self):
        self.modes(newRoleChecks=1)
        self.make_role()
        self.client("iam").tag_role(RoleName="r", Tags=_TAGS)
        self.bind({"Action": "iam:GetRole", "Resource": "arn:aws:iam::*:role/vpc-flow-operator/*"})
        self.assertFalse(self.allowed(self.bound("iam").get_role, RoleName="r"))
        self.assertTrue(self.allowed(self.bound("iam").get_role, RoleName="r"))


class Buckets(KeysTestCase):
    def test_no_tags_but_at_creation(self):
        name = f"b-{self.account}"
        create = {"Bucket": name, "CreateBucketConfiguration": {"Tags": _TAGS, "LocationConstraint": "eu-west-1"},
                  "ObjectOwnership": "BucketOwnerEnforced"}
        self.assertFalse(self.passes("s3:CreateBucket", {"s3:LocationConstraint": "us-west-2"}, "s3", "create_bucket",
                                     **create))
        keys = {**_REQUEST_TAG, "s3:LocationConstraint": "eu-west-1", "s3:ResourceAccount": self.account,
                "s3:x-amz-object-ownership": "BucketOwnerEnforced"}
        self.assertTrue(self.passes("s3:CreateBucket", keys, "s3", "create_bucket", **create))
        self.assertEqual(self.client("s3").get_bucket_tagging(Bucket=name)["TagSet"], _TAGS)
        self.assertFalse(self.passes("s3:GetBucketPolicy", _TAG, "s3", "get_bucket_policy", Bucket=name))
        self.assertFalse(self.passes("s3:PutBucketTagging", _REQUEST_TAG, "s3", "put_bucket_tagging", Bucket=name,
                                     Tagging={"TagSet": _TAGS}))
        self.assertTrue(self.passes("s3:ListBucketVersions", {"s3:prefix": "x/"}, "s3", "list_object_versions",
                                    Bucket=name, Prefix="x/"))

    def test_a_strangers_bucket_is_the_strangers(self):
        name = f"b-{self.account}"
        self.client("s3", account="8" + self.account[1:]).create_bucket(Bucket=name)
        self.bind({"Action": "s3:GetBucketPolicy", "Condition": {"StringEquals": {"s3:ResourceAccount": self.account}}})
        self.refused("AccessDenied", self.bound("s3").get_bucket_policy, Bucket=name, message="identity-based policy")

    def test_an_absent_object_is_denied_to_those_who_may_not_list_the_bucket(self):
        name = f"b-{self.account}"
        self.client("s3").create_bucket(Bucket=name)
        for actions, code in ((["s3:GetObject"], "AccessDenied"), (["s3:GetObject", "s3:ListBucket"], "NoSuchKey")):
            self.bind({"Action": actions})
            self.refused(code, self.bound("s3").get_object, Bucket=name, Key="none")

    def test_each_object_is_decided_on_its_own(self):
        name, s3 = f"b-{self.account}", self.client("s3")
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        versions = [{"Key": key, "VersionId": s3.put_object(Bucket=name, Key=key, Body=b"x")["VersionId"]}
                    for key in ("keep/a b", "drop/a")]
        kept = f"arn:aws:s3:::{name}/keep/*"
        for quiet, actions, deleted in ((True, ["s3:DeleteObject"], []), (False, ["s3:DeleteObjectVersion"], []),
                                        (False, ["s3:DeleteObject*"], ["drop/a"])):
            with self.subTest(actions):
                self.bind({"Action": actions}, {"Effect": "Deny", "Action": "s3:DeleteObject*", "Resource": kept})
                answer = self.bound("s3").delete_objects(Bucket=name, Delete={"Objects": versions, "Quiet": quiet})
                self.assertEqual([each["Key"] for each in answer.get("Deleted", [])], deleted)
                self.assertEqual({each["Code"] for each in answer["Errors"]}, {"AccessDenied"})
                self.assertEqual([(each["Key"], each["VersionId"]) for each in answer["Errors"]],
                                 [(each["Key"], each["VersionId"]) for each in versions if each["Key"] not in deleted])
        left = s3.list_object_versions(Bucket=name)["Versions"]
        self.assertEqual([each["Key"] for each in left], ["keep/a b"])
        self.assertIn({"operation": "DeleteObjects", "action": "s3:DeleteObjectVersion", "allowed": True,
                       "resource": f"arn:aws:s3:::{name}/drop/a"}, self.needs())


class FlowLogs(KeysTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.role_arn = self.make_role()
        self.vpc = self.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.client("ec2").create_tags(Resources=[self.vpc], Tags=[{"Key": "owner", "Value": "them"}])
        self.request = {"ResourceIds": [self.vpc], "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": "g",
                        "DeliverLogsPermissionArn": self.role_arn,
                        "TagSpecifications": [{"ResourceType": "vpc-flow-log", "Tags": _TAGS}]}

    def test_the_vpc_and_the_new_flow_log_are_two_resources(self):
        def passes(*statements: dict) -> bool:
            self.bind({"NotAction": "ec2:CreateFlowLogs"}, *({"Action": "ec2:CreateFlowLogs", **each}
                                                            for each in statements))
            return self.allowed(self.bound("ec2").create_flow_logs, **self.request)

        vpc = {"Resource": "arn:aws:ec2:*:*:vpc/*", "Condition": {"StringEquals": {"aws:ResourceTag/owner": "them"}}}
        new = {"Resource": "arn:aws:ec2:*:*:vpc-flow-log/*", "Condition": {"StringEquals": _REQUEST_TAG}}
        self.assertFalse(passes(vpc))
        self.assertFalse(passes(new))
        self.assertFalse(passes({**vpc, "Condition": {"StringEquals": _REQUEST_TAG}}, new))
        self.assertTrue(passes({**vpc, "Condition": {"StringEquals": {"ec2:VpcID": self.vpc}}}, new))
        self.client("ec2").delete_flow_logs(FlowLogIds=list(self.inventory()["flowLogs"]))
        self.assertTrue(passes(vpc, new))

    def test_tags(self):
        creation = {"ec2:CreateAction": "CreateFlowLogs", **_REQUEST_TAG}
        self.assertFalse(self.passes("ec2:CreateTags", _TAG, "ec2", "create_flow_logs", **self.request))
        self.assertTrue(self.passes("ec2:CreateTags", creation, "ec2", "create_flow_logs", **self.request))
        (flow_log,) = self.inventory()["flowLogs"]
        tag = {"Resources": [flow_log], "Tags": _TAGS}
        self.assertFalse(self.passes("ec2:CreateTags", creation, "ec2", "create_tags", **tag))
        self.assertTrue(self.passes("ec2:CreateTags", {**_TAG, "ec2:ResourceTag/team": "network"}, "ec2",
                                    "create_tags", **tag))
        self.assertFalse(self.passes("ec2:DeleteFlowLogs", {"aws:ResourceTag/team": "x"}, "ec2", "delete_flow_logs",
                                     FlowLogIds=[flow_log]))
        self.assertTrue(self.passes("ec2:DeleteFlowLogs", _TAG, "ec2", "delete_flow_logs", FlowLogIds=[flow_log]))

    def test_the_bucket_policy_is_written_only_by_those_who_may(self):
        name, s3 = f"b-{self.account}", self.client("s3")
        s3.create_bucket(Bucket=name)
        create = {"ResourceIds": [self.vpc], "ResourceType": "VPC", "TrafficType": "ALL", "LogDestinationType": "s3"}
        # VPC user guide, "Amazon S3 bucket permissions for flow logs": without the permissions "the flow log creation fails".
        for action in ("s3:PutBucketPolicy", "s3:GetBucketPolicy"):
            self.bind({"NotAction": action})
            answer = self.bound("ec2").create_flow_logs(**create, LogDestination=f"arn:aws:s3:::{name}/a/")
            self.assertEqual(answer["Unsuccessful"][0]["Error"], {
                "Code": "400", "Message": f"Access Denied for LogDestination: {name}. Please check LogDestination permission"})
        self.refused("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket=name)
        # With a policy that admits the delivery it does not: the policy stays as it is.
        delivery = {"Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"}}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [
            {**delivery, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"},
            {**delivery, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{name}"}]})
        s3.put_bucket_policy(Bucket=name, Policy=policy)
        self.assertEqual(self.bound("ec2").create_flow_logs(**create, LogDestination=f"arn:aws:s3:::{name}/a/")["Unsuccessful"], [])
        self.assertEqual(s3.get_bucket_policy(Bucket=name)["Policy"], policy)
        self.bind({"Action": "*"})
        self.bound("ec2").create_flow_logs(**create, LogDestination=f"arn:aws:s3:::{name}/b/")
        self.assertIn("delivery.logs.amazonaws.com", s3.get_bucket_policy(Bucket=name)["Policy"])


class Functions(KeysTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.create = {"FunctionName": "f", "Runtime": "python3.12", "Handler": "i.h", "Role": self.make_role(),
                       "Code": {"ZipFile": zip_of({"i.py": "def h(e, c): return 1"})}, "Tags": {"team": "network"}}

    def test_both_kinds_of_tags_at_creation(self):
        self.assertFalse(self.passes("lambda:CreateFunction", {"aws:ResourceTag/team": "x"}, "lambda",
                                     "create_function", **self.create))
        self.assertTrue(self.passes("lambda:CreateFunction", {**_TAG, **_REQUEST_TAG}, "lambda", "create_function",
                                    **self.create))

    def test_permissions_name_their_principal(self):
        self.client("lambda").create_function(**self.create)
        logs = {"lambda:Principal": "logs.amazonaws.com", **_TAG}
        add = {"FunctionName": "f", "StatementId": "s", "Action": "lambda:InvokeFunction"}
        self.assertFalse(self.passes("lambda:AddPermission", logs, "lambda", "add_permission", **add,
                                     Principal="sns.amazonaws.com"))
        self.assertTrue(self.passes("lambda:AddPermission", logs, "lambda", "add_permission", **add,
                                    Principal="logs.amazonaws.com"))
        remove = {"FunctionName": "f", "StatementId": "s"}
        self.assertFalse(self.passes("lambda:RemovePermission", {"lambda:Principal": "sns.amazonaws.com"}, "lambda",
                                     "remove_permission", **remove))
        self.assertTrue(self.passes("lambda:RemovePermission", logs, "lambda", "remove_permission", **remove))

    def test_tags_that_may_not_be_listed_are_left_out(self):
        self.client("lambda").create_function(**self.create)
        self.bind({"Action": "lambda:GetFunction"})
        answer = self.bound("lambda").get_function(FunctionName="f")
        self.assertNotIn("Tags", answer)
        self.assertEqual(answer["TagsError"]["ErrorCode"], "AccessDeniedException")
        self.assertIn("perform: lambda:ListTags on resource", answer["TagsError"]["Message"])
        self.bind({"Action": ["lambda:GetFunction", "lambda:ListTags"], "Condition": {"StringEquals": _TAG}})
        answer = self.bound("lambda").get_function(FunctionName="f")
        self.assertEqual((answer["Tags"], "TagsError" in answer), ({"team": "network"}, False))


class Subscriptions(KeysTestCase):
    """Service Authorization Reference for SNS, August 2026: the three actions have the topic as their resource type."""

    def setUp(self) -> None:
        super().setUp()
        sns = self.client("sns")
        self.ours = sns.create_topic(Name="vfm-ours", Tags=_TAGS)["TopicArn"]
        self.other = sns.create_topic(Name="vfm-other")["TopicArn"]

    def subscription(self, topic: str) -> str:
        queue = f"arn:aws:sqs:us-east-1:{self.account}:q"
        return self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]

    def calls_on(self, topic: str) -> list[bool]:
        arn, sns = {"SubscriptionArn": self.subscription(topic)}, self.bound("sns")
        attribute = {"AttributeName": "RawMessageDelivery", "AttributeValue": "true"}
        return [self.allowed(sns.get_subscription_attributes, **arn),
                self.allowed(sns.set_subscription_attributes, **arn, **attribute), self.allowed(sns.unsubscribe, **arn)]

    def test_are_confined_to_topics_by_arn_and_by_tag(self):
        actions = ["sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"]
        for statement in ({"Action": actions, "Resource": self.ours},
                          {"Action": actions, "Resource": "arn:aws:sns:*:*:vfm-*", "Condition": {"StringEquals": _TAG}}):
            with self.subTest(statement):
                self.bind(statement)
                self.assertEqual((self.calls_on(self.ours), self.calls_on(self.other)), ([True] * 3, [False] * 3))
        self.assertEqual({need["resource"] for need in self.needs()}, {self.ours, self.other})

    def test_what_is_no_arn_is_in_no_topic(self):
        self.bind({"Action": "sns:Unsubscribe", "Resource": self.ours})
        self.refused("AuthorizationError", self.bound("sns").unsubscribe, SubscriptionArn="PendingConfirmation")
        self.bind({"Action": "sns:Unsubscribe"})
        self.refused("InvalidParameter", self.bound("sns").unsubscribe, SubscriptionArn="PendingConfirmation")


class LogGroups(KeysTestCase):
    """Logs API, LogGroup: arn and logGroupArn. The ARN with ``:*`` is for all actions but those on tags."""

    def test_the_two_forms_of_a_groups_arn(self):
        self.client("logs").create_log_group(logGroupName="g")
        arn, logs = f"arn:aws:logs:us-east-1:{self.account}:log-group:g", None
        for resource, on_tags in ((arn, True), (f"{arn}:*", False)):
            self.bind({"Action": "logs:*", "Resource": resource})
            logs = self.bound("logs")
            with self.subTest(resource):
                for call, parameters in ((logs.list_tags_for_resource, {"resourceArn": arn}),
                                         (logs.tag_resource, {"resourceArn": arn, "tags": {"a": "b"}}),
                                         (logs.untag_resource, {"resourceArn": arn, "tagKeys": ["a"]})):
                    self.assertEqual(self.allowed(call, **parameters), on_tags, call.__name__)
                for call, parameters in ((logs.put_retention_policy, {"retentionInDays": 1}), (logs.describe_log_streams, {}),
                                         (logs.filter_log_events, {}), (logs.describe_metric_filters, {}),
                                         (logs.delete_metric_filter, {"filterName": "f"})):
                    self.assertEqual(self.allowed(call, logGroupName="g", **parameters), not on_tags, call.__name__)


class Tags(KeysTestCase):
    """The tags that a resource has, and those that a request gives, in the other services."""

    def test_on_creation_and_afterwards(self):
        regional = f"us-east-1:{self.account}"
        topic, group = f"arn:aws:sns:{regional}:t", f"arn:aws:logs:{regional}:log-group:g"
        alarm = {"AlarmName": "m", "Namespace": "n", "MetricName": "x", "Statistic": "Sum", "Period": 60,
                 "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
        for action, service, create, parameters, tag, later, call, named in [
            ("sns:CreateTopic", "sns", "create_topic", {"Name": "t", "Tags": _TAGS}, "sns:TagResource",
             "sns:GetTopicAttributes", "get_topic_attributes", {"TopicArn": topic}),
            ("logs:CreateLogGroup", "logs", "create_log_group", {"logGroupName": "g", "tags": {"team": "network"}},
             "logs:TagResource", "logs:PutRetentionPolicy", "put_retention_policy",
             {"logGroupName": "g", "retentionInDays": 1}),
            ("cloudwatch:PutMetricAlarm", "cloudwatch", "put_metric_alarm", {**alarm, "Tags": _TAGS},
             "cloudwatch:TagResource", "cloudwatch:DeleteAlarms", "delete_alarms", {"AlarmNames": ["m"]}),
            ("cloudwatch:PutDashboard", "cloudwatch", "put_dashboard",
             {"DashboardName": "d", "DashboardBody": '{"widgets": []}', "Tags": _TAGS}, "cloudwatch:TagResource",
             "cloudwatch:GetDashboard", "get_dashboard", {"DashboardName": "d"}),
            ("athena:CreateWorkGroup", "athena", "create_work_group", {"Name": "w", "Tags": _TAGS},
             "athena:TagResource", "athena:CreateNamedQuery", "create_named_query",
             {"Name": "q", "Database": "d", "QueryString": "SELECT 1", "WorkGroup": "w"}),
        ]:
            with self.subTest(action):
                self.assertFalse(self.passes(action, _TAG, service, create, **parameters))
                self.assertFalse(self.passes(tag, _TAG, service, create, **parameters))
                self.assertFalse(self.passes(action, {"aws:RequestTag/team": "x"}, service, create, **parameters))
                self.assertTrue(self.passes(tag, _REQUEST_TAG, service, create, **parameters))
                self.assertFalse(self.passes(later, {"aws:ResourceTag/team": "x"}, service, call, **named))
                self.assertTrue(self.passes(later, _TAG, service, call, **named))
        self.assertTrue(self.passes("logs:TagResource", _TAG, "logs", "tag_resource", resourceArn=group,
                                    tags={"a": "b"}))
        # CloudWatch Logs API, DescribeLogGroups: no condition on tags.
        self.assertFalse(self.passes("logs:DescribeLogGroups", _TAG, "logs", "describe_log_groups"))

    def test_of_a_database_and_not_of_the_catalog(self):
        database = {"DatabaseInput": {"Name": "d"}, "Tags": {"team": "network"}}
        self.assertTrue(self.passes("glue:CreateDatabase", _REQUEST_TAG, "glue", "create_database", **database))
        self.assertFalse(self.passes("glue:GetDatabase", _TAG, "glue", "get_database", Name="d"))
        self.bind({"Action": "glue:GetDatabase", "Resource": "arn:aws:glue:*:*:catalog"},
                  {"Action": "glue:GetDatabase", "Resource": "arn:aws:glue:*:*:database/*",
                   "Condition": {"StringEquals": _TAG}})
        self.bound("glue").get_database(Name="d")

    def test_keys_of_the_services_own(self):
        arn = self.client("sns").create_topic(Name="t")["TopicArn"]
        for keys, expected in (({"sns:Protocol": "email", "sns:Endpoint": "soc@example.com"}, True),
                               ({"sns:Protocol": "https"}, False)):
            self.assertEqual(self.passes("sns:Subscribe", keys, "sns", "subscribe", TopicArn=arn, Protocol="email",
                                         Endpoint="soc@example.com"), expected)
        alarm = {"AlarmName": "m", "Namespace": "n", "MetricName": "x", "Statistic": "Sum", "Period": 60,
                 "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
                 "AlarmActions": [arn]}
        for value, expected in ((arn, True), (f"{arn}-other", False)):
            self.assertEqual(self.passes("cloudwatch:PutMetricAlarm", {"cloudwatch:AlarmActions": value}, "cloudwatch",
                                         "put_metric_alarm", operator="ForAllValues:StringEquals", **alarm), expected)
        for value, expected in (("secret", True), ("other", False)):
            # The role's trust in the caller is checked afterwards.
            self.bind({"Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": value}}})
            error = self.refused("AccessDenied", self.bound("sts").assume_role, ExternalId="secret",
                                 RoleArn=f"arn:aws:iam::{self.account}:role/none", RoleSessionName="session")
            self.assertEqual("identity-based" not in error.response["Error"]["Message"], expected)


class Events(KeysTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.role_arn = self.role("out", "events.amazonaws.com")
        self.bus = self.client("events").create_event_bus(Name="b", Tags=_TAGS)["EventBusArn"]
        self.client("events").put_rule(Name="r", EventPattern='{"source": ["x"]}')

    def test_the_targets_of_a_rule(self):
        put = {"Rule": "r", "Targets": [{"Id": "1", "Arn": self.bus, "RoleArn": self.role_arn}]}
        for action, keys, operator in (("events:PutTargets", "events:TargetArn", "ForAllValues:ArnEquals"),
                                       ("iam:PassRole", "iam:PassedToService", "StringEquals")):
            for value, expected in (({"events:TargetArn": self.bus, "iam:PassedToService": "events.amazonaws.com"}[keys], True),
                                    ({"events:TargetArn": f"{self.bus}x", "iam:PassedToService": "lambda.amazonaws.com"}[keys], False)):
                self.assertEqual(self.passes(action, {keys: value}, "events", "put_targets", operator=operator, **put), expected)

    def test_the_source_of_events(self):
        entry = {"Source": "x", "DetailType": "d", "Detail": "{}"}
        for key, value, expected in (("events:source", "x", True), ("events:source", "y", False), ("events:detail-type", "d", True),
                                     ("events:eventBusInvocation", "false", True), ("events:eventBusInvocation", "true", False)):
            self.assertEqual(self.passes("events:PutEvents", {key: value}, "events", "put_events", Entries=[entry]), expected)
        rule = {"Name": "s", "EventPattern": '{"source": ["x"], "detail-type": [{"prefix": "d"}]}'}
        for value, expected in (("x", True), ("y", False)):
            self.assertEqual(self.passes("events:PutRule", {"events:source": value}, "events", "put_rule",
                                         operator="ForAllValues:StringEquals", **rule), expected)

    def test_tags_of_buses(self):
        new = {"Name": "c", "Tags": _TAGS}
        self.assertFalse(self.passes("events:CreateEventBus", _TAG, "events", "create_event_bus", **new))
        self.assertTrue(self.passes("events:CreateEventBus", _REQUEST_TAG, "events", "create_event_bus", **new))
        for tag, expected in ((_TAG, True), ({"aws:ResourceTag/team": "x"}, False)):
            self.assertEqual(self.passes("events:DescribeEventBus", tag, "events", "describe_event_bus", Name="b"), expected)

    def test_a_rule_of_another_bus_has_its_name(self):
        self.bind({"NotAction": "events:*"}, {"Action": "events:*", "Resource": f"arn:aws:events:us-east-1:{self.account}:rule/b/*"})
        rule = {"Name": "s", "EventPattern": '{"source": ["x"]}'}
        for bus, expected in (("b", True), (self.bus, True), ("default", False)):
            self.assertEqual(self.allowed(self.bound("events").put_rule, EventBusName=bus, **rule), expected)


class Observability(KeysTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.monitoring = str(int(self.account) + 10 ** 11)
        oam = self.client("oam", self.monitoring)
        self.sink = oam.create_sink(Name="s")["Arn"]
        oam.put_sink_policy(SinkIdentifier=self.sink, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "oam:*", "Resource": "*"}]}))

    def test_links(self):
        create = {"LabelTemplate": "l", "ResourceTypes": ["AWS::CloudWatch::Metric"], "SinkIdentifier": self.sink, "Tags": {"team": "network"}}
        key = "oam:ResourceTypes"
        for keys, operator, expected in (
            ({key: "AWS::Logs::LogGroup"}, "ForAllValues:StringEquals", False), ({"aws:RequestTag/team": "x"}, "StringEquals", False),
            ({"aws:ResourceAccount": self.account}, "StringEquals", False), ({key: "AWS::CloudWatch::Metric"}, "ForAllValues:StringEquals", True),
        ):
            self.assertEqual(self.passes("oam:CreateLink", keys, "oam", "create_link", operator=operator, **create), expected)
        link = self.client("oam").list_links()["Items"][0]["Arn"]
        for tag, expected in (({"aws:ResourceTag/team": "x"}, False), (_TAG, True)):
            self.assertEqual(self.passes("oam:DeleteLink", tag, "oam", "delete_link", Identifier=link), expected)


class Alarms(KeysTestCase):
    def test_composite_alarms_are_shown_only_to_a_permission_for_every_resource(self):
        """CloudWatch API, DescribeAlarms: "scoped to *"."""
        self.client("cloudwatch").put_metric_alarm(
            AlarmName="m", Namespace="n", MetricName="x", Statistic="Sum", Period=60, Threshold=1.0, EvaluationPeriods=1,
            ComparisonOperator="GreaterThanThreshold")
        self.client("cloudwatch").put_composite_alarm(AlarmName="c", AlarmRule='ALARM("m")')

        def shown(resource: str, *types: str) -> list[int]:
            self.bind({"Action": "cloudwatch:DescribeAlarms", "Resource": resource})
            answer = self.bound("cloudwatch").describe_alarms(AlarmTypes=types)
            return [len(answer["MetricAlarms"]), len(answer["CompositeAlarms"])]

        alarms = "arn:aws:cloudwatch:*:*:alarm:*"
        self.assertEqual(shown(alarms, "MetricAlarm", "CompositeAlarm"), [1, 0])
        self.assertEqual(shown(alarms, "CompositeAlarm"), [0, 0])
        self.assertEqual(shown("*", "MetricAlarm", "CompositeAlarm"), [1, 1])

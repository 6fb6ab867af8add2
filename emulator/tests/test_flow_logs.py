"""EC2 flow logs as the EC2 API reference and the VPC user guide describe them."""

import json

from tests.emulator import AwsTestCase

_DELIVERY_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams", "logs:DescribeLogGroups")


class FlowLogs(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ec2 = self.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.bucket = f"flow-{self.account}"
        self.client("s3").create_bucket(Bucket=self.bucket)
        self.client("logs").create_log_group(logGroupName="group")
        self.role_arn = self.role("flow", "vpc-flow-logs.amazonaws.com", *_DELIVERY_ACTIONS)

    def request(self, **changes) -> dict:
        base = {"ResourceIds": [self.vpc], "ResourceType": "VPC", "TrafficType": "ALL"}
        return {name: value for name, value in {**base, **changes}.items() if value is not None}

    def to_s3(self, **changes) -> dict:
        destination = f"arn:aws:s3:::{self.bucket}/p"
        return self.request(**{"LogDestinationType": "s3", "LogDestination": destination, **changes})

    def to_logs(self, **changes) -> dict:
        return self.request(**{"LogGroupName": "group", "DeliverLogsPermissionArn": self.role_arn, **changes})

    def create(self, request: dict) -> str:
        answer = self.ec2.create_flow_logs(**request)
        self.assertEqual(answer["Unsuccessful"], [])
        return answer["FlowLogIds"][0]

    def describe(self, **parameters) -> list[dict]:
        return self.ec2.describe_flow_logs(**parameters)["FlowLogs"]

    def unsuccessful(self, request: dict) -> tuple[str, str]:
        answer = self.ec2.create_flow_logs(**request)
        self.assertEqual(answer["FlowLogIds"], [])
        error = answer["Unsuccessful"][0]["Error"]
        return error["Code"], error["Message"]

    def test_defaults_of_a_log_group_flow_log(self):
        flow_log = self.create(self.to_logs())
        found = self.describe(FlowLogIds=[flow_log])[0]
        del found["CreationTime"]
        self.assertEqual(found, {
            "FlowLogId": flow_log, "FlowLogStatus": "ACTIVE", "DeliverLogsStatus": "SUCCESS", "LogGroupName": "group",
            "DeliverLogsPermissionArn": self.role_arn, "ResourceId": self.vpc, "TrafficType": "ALL",
            "LogDestinationType": "cloud-watch-logs", "MaxAggregationInterval": 600, "Tags": [],
            "LogFormat": "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
                         "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"})

    def test_all_of_an_s3_flow_log(self):
        flow_log = self.create(self.to_s3(
            TrafficType="REJECT", MaxAggregationInterval=60, LogFormat="${version} ${reject-reason}",
            DestinationOptions={"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": True},
            TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "a", "Value": "b"}]}]))
        found = self.describe()[0]
        del found["CreationTime"]
        self.assertEqual(found, {
            "FlowLogId": flow_log, "FlowLogStatus": "ACTIVE", "DeliverLogsStatus": "SUCCESS", "ResourceId": self.vpc,
            "TrafficType": "REJECT", "LogDestinationType": "s3", "LogDestination": f"arn:aws:s3:::{self.bucket}/p",
            "MaxAggregationInterval": 60, "LogFormat": "${version} ${reject-reason}",
            "Tags": [{"Key": "a", "Value": "b"}],
            "DestinationOptions": {
                "FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": True}})

    def test_plain_text_is_the_default_file_format(self):
        self.create(self.to_s3())
        self.assertEqual(self.describe()[0]["DestinationOptions"], {
            "FileFormat": "plain-text", "HiveCompatiblePartitions": False, "PerHourPartition": False})

    def test_refused_requests(self):
        cases = {
            "DeliverLogsPermissionArn is not applicable for s3 delivery":
                self.to_s3(DeliverLogsPermissionArn=self.role_arn),
            "DeliverLogsPermissionArn can't be empty": self.to_logs(DeliverLogsPermissionArn=None),
            "LogDestination can't be empty": self.to_logs(LogGroupName=None),
            "Please only provide": self.to_logs(LogDestination="arn:aws:logs:us-east-1:1:log-group:g"),
            "LogDestination type must be cloud-watch-logs": self.to_s3(LogGroupName="group", LogDestination=None),
            "Invalid Flow Log Max Aggregation Interval": self.to_s3(MaxAggregationInterval=300),
            "Unknown fields provided: nonsense": self.to_s3(LogFormat="${version} ${nonsense}"),
            "reserved": self.to_s3(LogDestination=f"arn:aws:s3:::{self.bucket}/AWSLogs/"),
            "only applicable for s3": self.to_logs(DestinationOptions={"FileFormat": "parquet"}),
        }
        for message, request in cases.items():
            with self.subTest(message):
                self.refused("InvalidParameter", self.ec2.create_flow_logs, message=message, **request)
        self.assertEqual(self.describe(), [])

    def test_a_role_must_exist_and_trust_flow_logs_for_this_source(self):
        arn = f"arn:aws:iam::{self.account}:role/"
        ours = {"StringEquals": {"aws:SourceAccount": self.account},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:us-east-1:{self.account}:vpc-flow-log/*"}}
        self.role("lambda", "lambda.amazonaws.com")
        self.role("other", "vpc-flow-logs.amazonaws.com",
                  condition={"StringEquals": {"aws:SourceAccount": "999999999999"}})
        self.role("elsewhere", "vpc-flow-logs.amazonaws.com",
                  condition={"ArnLike": {"aws:SourceArn": "arn:aws:ec2:eu-west-1:*:vpc-flow-log/*"}})
        for name in ("missing", "lambda", "other", "elsewhere"):
            with self.subTest(name):
                self.refused("InvalidParameter", self.ec2.create_flow_logs,
                             message="Unable to assume given IAM role",
                             **self.to_logs(DeliverLogsPermissionArn=arn + name))
        right = self.role("right", "vpc-flow-logs.amazonaws.com", condition=ours)
        self.create(self.to_logs(DeliverLogsPermissionArn=right))

    def test_what_fails_for_one_resource_is_listed(self):
        self.assertEqual(self.unsuccessful(self.to_s3(ResourceIds=["vpc-0000000000000000f"]))[0],
                         "InvalidVpcId.NotFound")
        code, message = self.unsuccessful(self.to_s3(LogDestination="arn:aws:s3:::no-such-bucket-here"))
        self.assertEqual((code, message), ("400", "LogDestination: no-such-bucket-here does not exist"))
        self.create(self.to_s3())
        for spelling in ("/p", "/p/"):
            code, _ = self.unsuccessful(self.to_s3(LogDestination=f"arn:aws:s3:::{self.bucket}{spelling}"))
            self.assertEqual(code, "FlowLogAlreadyExists")
        self.create(self.to_s3(LogDestination=f"arn:aws:s3:::{self.bucket}/q"))
        self.create(self.to_logs())
        group_arn = f"arn:aws:logs:us-east-1:{self.account}:log-group:group:*"
        code, _ = self.unsuccessful(self.to_logs(LogGroupName=None, LogDestination=group_arn))
        self.assertEqual(code, "FlowLogAlreadyExists")

    def test_the_texts_of_what_fails(self):
        """As AWS words them: recorded by localstack/localstack, and in users' reports."""
        self.create(self.to_s3())
        self.assertEqual(self.unsuccessful(self.to_s3()), (
            "FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination."))
        name = f"taken-{self.account}"
        self.client("s3", account="9" + self.account[1:]).create_bucket(Bucket=name)
        self.assertEqual(self.unsuccessful(self.to_s3(LogDestination=f"arn:aws:s3:::{name}/p")), (
            "400", f"Access Denied for LogDestination: {name}. Please check LogDestination permission"))

    def test_a_bucket_made_moments_ago_may_be_inaccessible(self):
        self.modes(newBucketDenials=2)
        name = f"new-{self.account}"
        self.client("s3").create_bucket(Bucket=name)
        request = self.to_s3(LogDestination=f"arn:aws:s3:::{name}")
        denied = ("400", f"Access Denied for LogDestination: {name}. Please check LogDestination permission")
        self.assertEqual([self.unsuccessful(request) for _ in range(2)], [denied, denied])
        self.refused("NoSuchBucketPolicy", self.client("s3").get_bucket_policy, Bucket=name)
        self.create(request)
        # The bucket that was there before is not affected.
        self.create(self.to_s3())

    def test_a_resource_has_250_flow_logs(self):
        """VPC quotas: flow log subscriptions per resource. EC2 error codes: FlowLogsLimitExceeded."""
        for number in range(250):
            self.create(self.to_s3(LogDestination=f"arn:aws:s3:::{self.bucket}/{number}"))
        code, message = self.unsuccessful(self.to_s3())
        self.assertEqual(code, "FlowLogsLimitExceeded")
        self.assertIn(self.vpc, message)
        self.ec2.delete_flow_logs(FlowLogIds=[self.describe(MaxResults=1)[0]["FlowLogId"]])
        self.create(self.to_s3())

    def test_a_client_token_repeats_the_answer(self):
        first = self.ec2.create_flow_logs(**self.to_s3(ClientToken="t"))
        again = self.ec2.create_flow_logs(**self.to_s3(ClientToken="t"))
        self.assertEqual(first["FlowLogIds"], again["FlowLogIds"])
        self.assertEqual(len(self.describe()), 1)
        self.refused("IdempotentParameterMismatch", self.ec2.create_flow_logs,
                     **self.to_s3(ClientToken="t", TrafficType="REJECT"))

    def test_a_dry_run_does_nothing(self):
        self.refused("DryRunOperation", self.ec2.create_flow_logs, **self.to_s3(DryRun=True))
        self.assertEqual(self.describe(), [])

    def test_the_bucket_policy_is_overwritten(self):
        s3 = self.client("s3")
        s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Sid": "Mine", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
             "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}))
        self.create(self.to_s3(DestinationOptions={"FileFormat": "parquet", "HiveCompatiblePartitions": True}))
        policy = json.loads(s3.get_bucket_policy(Bucket=self.bucket)["Policy"])
        self.assertEqual([statement["Sid"] for statement in policy["Statement"]],
                         ["AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck"])
        self.assertEqual(policy["Statement"][0]["Resource"],
                         f"arn:aws:s3:::{self.bucket}/p/AWSLogs/aws-account-id={self.account}/*")

    def test_another_logs_statement_under_the_same_name_is_lost(self):
        """Another log of the same account delivers to the bucket under AWS's own Sid: terraform-aws-modules/terraform-aws-s3-bucket#396.
        AWS writes the statements that this flow log needs, and nothing else stays."""
        s3 = self.client("s3")
        resolver = {
            "Sid": "AWSLogDeliveryWrite", "Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{self.bucket}/resolver/AWSLogs/{self.account}/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": self.account, "s3:x-amz-acl": "bucket-owner-full-control"},
                          "ArnLike": {"aws:SourceArn": f"arn:aws:logs:eu-west-1:{self.account}:*"}}}

        def put(statements: list[dict]) -> None:
            s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))

        def statements() -> list[dict]:
            return json.loads(s3.get_bucket_policy(Bucket=self.bucket)["Policy"])["Statement"]

        put([resolver])
        self.create(self.to_s3())
        written = statements()
        self.assertEqual([(each["Sid"], each["Resource"]) for each in written], [
            ("AWSLogDeliveryWrite", f"arn:aws:s3:::{self.bucket}/p/AWSLogs/{self.account}/*"),
            ("AWSLogDeliveryAclCheck", f"arn:aws:s3:::{self.bucket}")])
        # Beside AWS's own it can be put back; the next flow log takes it away again, and AWS's statement for the first one.
        put([*written, resolver])
        self.assertEqual(self.describe()[0]["DeliverLogsStatus"], "SUCCESS")
        self.create(self.to_s3(LogDestination=f"arn:aws:s3:::{self.bucket}/q"))
        self.assertEqual([each["Resource"] for each in statements()],
                         [f"arn:aws:s3:::{self.bucket}/q/AWSLogs/{self.account}/*", f"arn:aws:s3:::{self.bucket}"])

    def test_delivery_fails_when_its_permissions_go(self):
        s3, iam = self.client("s3"), self.client("iam")
        self.create(self.to_s3())
        s3.delete_bucket_policy(Bucket=self.bucket)
        found = self.describe()[0]
        self.assertEqual((found["DeliverLogsStatus"], found["DeliverLogsErrorMessage"]), ("FAILED", "Access error"))
        self.create(self.to_logs())
        by_group = [{"Name": "log-group-name", "Values": ["group"]}]
        self.assertEqual(self.describe(Filters=by_group)[0]["DeliverLogsStatus"], "SUCCESS")
        # Streams are below the group: without `:*` the statement does not reach them.
        self.allow("flow", list(_DELIVERY_ACTIONS), f"arn:aws:logs:us-east-1:{self.account}:log-group:group")
        self.assertEqual(self.describe(Filters=by_group)[0]["DeliverLogsStatus"], "FAILED")
        self.allow("flow", list(_DELIVERY_ACTIONS), f"arn:aws:logs:us-east-1:{self.account}:log-group:group:*")
        self.assertEqual(self.describe(Filters=by_group)[0]["DeliverLogsStatus"], "SUCCESS")
        self.client("logs").delete_log_group(logGroupName="group")
        self.assertEqual(self.describe(Filters=by_group)[0]["DeliverLogsStatus"], "FAILED")
        iam.delete_role_policy(RoleName="flow", PolicyName="allow")
        self.assertEqual(len(self.describe(Filters=[{"Name": "deliver-log-status", "Values": ["FAILED"]}])), 2)

    def test_another_accounts_bucket_needs_its_policy(self):
        other = "200000000" + self.account[-3:]
        theirs = self.client("s3", account=other)
        bucket = f"central-{other}"
        theirs.create_bucket(Bucket=bucket)
        request = self.to_s3(LogDestination=f"arn:aws:s3:::{bucket}")
        self.assertIn("Access Denied for LogDestination", self.unsuccessful(request)[1])
        principal = {"Service": "delivery.logs.amazonaws.com"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": principal, "Action": "s3:PutObject",
             "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{self.account}/*"},
            {"Effect": "Allow", "Principal": principal, "Action": "s3:GetBucketAcl",
             "Resource": f"arn:aws:s3:::{bucket}"}]})
        theirs.put_bucket_policy(Bucket=bucket, Policy=policy)
        self.create(request)
        self.assertEqual(theirs.get_bucket_policy(Bucket=bucket)["Policy"], policy)

    def test_filters_and_pages(self):
        tagged = self.create(self.to_s3(
            TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "owner", "Value": "a/b/c"}]}]))
        plain = self.create(self.to_logs(TrafficType="REJECT"))
        expected = {
            ("flow-log-id", plain): plain, ("log-group-name", "group"): plain, ("traffic-type", "REJECT"): plain,
            ("log-destination-type", "s3"): tagged, ("tag:owner", "a/b/c"): tagged, ("tag:owner", "a/*"): tagged,
            ("tag-key", "owner"): tagged,
        }
        for (name, value), flow_log in expected.items():
            with self.subTest(name):
                found = self.describe(Filters=[{"Name": name, "Values": [value]}])
                self.assertEqual([log["FlowLogId"] for log in found], [flow_log])
        self.assertEqual(len(self.describe(Filters=[{"Name": "resource-id", "Values": [self.vpc]}])), 2)
        self.refused("InvalidParameterValue", self.ec2.describe_flow_logs, Filters=[{"Name": "x", "Values": ["y"]}])
        page = self.ec2.describe_flow_logs(MaxResults=1)
        rest = self.ec2.describe_flow_logs(MaxResults=1, NextToken=page["NextToken"])
        self.assertNotIn("NextToken", rest)
        self.assertEqual({page["FlowLogs"][0]["FlowLogId"], rest["FlowLogs"][0]["FlowLogId"]}, {tagged, plain})
        self.refused("InvalidParameterValue", self.ec2.describe_flow_logs, NextToken="1")
        self.refused("InvalidParameterValue", self.ec2.describe_flow_logs, MaxResults=0)
        self.refused("InvalidParameterCombination", self.ec2.describe_flow_logs, FlowLogIds=[plain], MaxResults=5)

    def test_tags_and_delete(self):
        flow_log = self.create(self.to_s3())
        self.ec2.create_tags(Resources=[flow_log], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        self.ec2.delete_tags(Resources=[flow_log], Tags=[{"Key": "a", "Value": "other"}])
        self.ec2.delete_tags(Resources=[flow_log], Tags=[{"Key": "b"}])
        self.assertEqual(self.describe()[0]["Tags"], [{"Key": "a", "Value": "1"}])
        self.ec2.create_tags(Resources=[flow_log], Tags=[{"Key": "c", "Value": ""}])
        self.ec2.delete_tags(Resources=[flow_log], Tags=[{"Key": "a", "Value": ""}, {"Key": "c", "Value": ""}])
        self.assertEqual(self.describe()[0]["Tags"], [{"Key": "a", "Value": "1"}])
        self.assertEqual(self.inventory()["flowLogs"][flow_log]["Tags"], {"a": "1"})
        answer = self.ec2.delete_flow_logs(FlowLogIds=[flow_log, "fl-00000000000000000"])
        self.assertEqual([(item["ResourceId"], item["Error"]["Code"]) for item in answer["Unsuccessful"]],
                         [("fl-00000000000000000", "InvalidFlowLogId.NotFound")])
        self.assertEqual(self.describe(), [])
        self.refused("InvalidFlowLogId.NotFound", self.ec2.create_tags, Resources=[flow_log],
                     Tags=[{"Key": "a", "Value": "1"}])

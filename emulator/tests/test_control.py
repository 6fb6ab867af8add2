"""The control endpoints: journal, faults, inventory."""

import json

from tests.emulator import AwsTestCase, wait_for


class Calls(AwsTestCase):
    def operations(self) -> list[tuple]:
        return [(call["service"], call["operation"], call["mutating"], call["status"]) for call in self.calls()]

    def test_every_protocol_is_named_as_aws_names_it(self):
        s3 = self.client("s3")
        bucket = f"calls-{self.account}"
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/x"}]}))
        s3.list_object_versions(Bucket=bucket)
        s3.list_objects_v2(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="a/b c?", Body=b"x")
        s3.copy_object(Bucket=bucket, Key="d", CopySource={"Bucket": bucket, "Key": "a/b c?"})
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "d"}]})
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [
            {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]})
        s3.list_bucket_analytics_configurations(Bucket=bucket)
        s3.list_buckets()
        self.client("sns").list_topics()
        self.client("ec2").describe_vpcs()
        self.client("cloudwatch").describe_alarms()
        self.client("logs").create_log_group(logGroupName="g")
        self.client("lambda").list_functions()
        self.refused("ResourceNotFoundException", self.client("lambda").get_policy, FunctionName="none")
        self.assertEqual(self.operations(), [
            ("s3", "CreateBucket", True, 200), ("s3", "PutBucketPolicy", True, 204),
            ("s3", "ListObjectVersions", False, 200), ("s3", "ListObjectsV2", False, 200),
            ("s3", "PutObject", True, 200), ("s3", "CopyObject", True, 200), ("s3", "DeleteObjects", True, 200),
            ("s3", "PutBucketLifecycleConfiguration", True, 200),
            ("s3", "ListBucketAnalyticsConfigurations", False, 200), ("s3", "ListBuckets", False, 200),
            ("sns", "ListTopics", False, 200), ("ec2", "DescribeVpcs", False, 200),
            ("monitoring", "DescribeAlarms", False, 200), ("logs", "CreateLogGroup", True, 200),
            ("lambda", "ListFunctions", False, 200), ("lambda", "GetPolicy", False, 404),
        ])

    def test_since_gives_only_what_came_later(self):
        self.client("sns").list_topics()
        seen = self.calls()[-1]["seq"]
        self.client("sts").get_caller_identity()
        later = self.emulator.control("GET", f"calls?account={self.account}&since={seen}")["calls"]
        self.assertEqual([call["operation"] for call in later], ["GetCallerIdentity"])

    def test_the_inventory_is_not_counted(self):
        self.inventory()
        self.assertEqual(self.calls(), [])


class Faults(AwsTestCase):
    def fault(self, service: str, operation: str, **more) -> None:
        self.emulator.control("POST", "faults", {
            "account": self.account, "service": service, "operation": operation, "code": "ThrottlingException",
            "message": "Rate <exceeded>", "status": 400, **more})

    def test_each_protocol_gets_the_error_and_nothing_is_carried_out(self):
        requests = [
            ("s3", "CreateBucket", lambda: self.client("s3").create_bucket(Bucket=f"fault-{self.account}")),
            ("ec2", "CreateVpc", lambda: self.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")),
            ("sns", "CreateTopic", lambda: self.client("sns").create_topic(Name="t")),
            ("iam", "CreateRole", lambda: self.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")),
            ("logs", "CreateLogGroup", lambda: self.client("logs").create_log_group(logGroupName="g")),
            ("monitoring", "PutDashboard",
             lambda: self.client("cloudwatch").put_dashboard(DashboardName="d", DashboardBody="{}")),
            ("lambda", "ListFunctions", lambda: self.client("lambda").list_functions()),
        ]
        for service, operation, call in requests:
            with self.subTest(service):
                self.fault(service, operation)
                error = self.refused("ThrottlingException", call, message="Rate <exceeded>")
                self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.assertTrue(all(not found for found in self.inventory().values()), self.inventory())

    def test_times_and_clearing(self):
        self.fault("sns", "ListTopics", times=1)
        self.refused("ThrottlingException", self.client("sns").list_topics)
        self.client("sns").list_topics()
        self.fault("sns", "ListTopics", times=None)
        self.refused("ThrottlingException", self.client("sns").list_topics)
        self.refused("ThrottlingException", self.client("sns").list_topics)
        self.emulator.control("DELETE", f"faults?account={self.account}")
        self.client("sns").list_topics()


class Modes(AwsTestCase):
    DEFAULTS = {"bucketTags": "accepted", "dashboardTags": "accepted", "lakeFormation": False, "newBucketDenials": 0,
                "newRoleChecks": 0}

    def chosen(self) -> dict:
        return self.emulator.control("GET", f"modes?account={self.account}")

    def test_a_choice_replaces_the_one_before_and_ends(self):
        self.assertEqual(self.chosen(), self.DEFAULTS)
        self.modes(bucketTags="refused", lakeFormation=True)
        self.assertEqual(self.chosen(), {**self.DEFAULTS, "bucketTags": "refused", "lakeFormation": True})
        self.modes(newRoleChecks=2)
        self.assertEqual(self.chosen(), {**self.DEFAULTS, "newRoleChecks": 2})
        self.emulator.control("DELETE", f"modes?account={self.account}")
        self.assertEqual(self.chosen(), self.DEFAULTS)

    def test_what_is_no_mode_is_refused(self):
        for modes in ({"bucketTag": "refused"}, {"bucketTags": "maybe"}, {"bucketTags": "unsupported"}, {"lakeFormation": 1},
                      {"newRoleChecks": -1}, {"newBucketDenials": True}):
            with self.subTest(modes):
                self.control_error("modes", {"account": self.account, **modes})
        self.assertEqual(self.chosen(), self.DEFAULTS)


class Inventory(AwsTestCase):
    def test_an_untouched_account_is_empty(self):
        self.assertEqual(self.inventory(), {
            "buckets": {}, "roles": {}, "logGroups": {}, "flowLogs": {}, "topics": {}, "alarms": {}, "anomalyModels": {},
            "alarmMuteRules": {}, "functions": {}, "workgroups": {}, "databases": {}, "dashboards": {},
            "queryDefinitions": {}, "vpcs": {}, "eventBuses": {}, "eventRules": {}, "oamLinks": {}, "oamSinks": {}})

    def test_two_reads_are_equal_and_json(self):
        self.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
        self.client("logs").create_log_group(logGroupName="g", tags={"a": "b"})
        first = wait_for(self.inventory, "the inventory")
        self.assertEqual(len(first["vpcs"]), 1)
        self.assertEqual(first["logGroups"]["g"]["tags"], {"a": "b"})
        self.assertEqual(first, self.inventory())

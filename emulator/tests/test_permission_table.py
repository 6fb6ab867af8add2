"""Every operation of the table: the permissions it needs, their resources, and its failure without any one of them."""

import json
import re

from botocore import xform_name
from botocore.exceptions import ClientError

from tests import emulator
from tests.emulator import wait_for
from tests.permission_steps import STEPS
from tests.test_permissions import PermissionsTestCase

_SIGNING = {"cloudwatch": "monitoring"}
# Actions that are decided while the request is carried out: they have tests of their own.
_WITHIN = {"s3:GetBucketPolicy", "s3:PutBucketPolicy", "lambda:ListTags"}
_WITHOUT_STEPS = {("s3", "DeleteObjects")}
# The members of answers that name the resource of a later step.
_NAMES = {
    "FlowLogIds": "flow_log", "queryDefinitionId": "query_definition", "SubscriptionArn": "subscription",
    "NamedQueryId": "named_query", "QueryExecutionId": "execution",
}


class Table(PermissionsTestCase):
    transitive_tags = {"kubernetes-namespace": "network"}

    def setUp(self) -> None:
        super().setUp()
        vpc = self.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.names = {"account": self.account, "vpc": vpc, "key": self.key(), "upload": ""}
        document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
        self.client("iam").create_policy(PolicyName="m", PolicyDocument=document)
        trust = ('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", '
                 f'"Principal": {{"AWS": "{self.account}"}}}}]}}')
        self.client("s3").create_bucket(Bucket=f"results-{self.account}")
        self.client("iam").create_role(RoleName="there", AssumeRolePolicyDocument=trust)
        self.role("events", "events.amazonaws.com")
        self.monitor()

    def monitor(self) -> None:
        """Makes a sink of another account, which everybody may link to."""
        self.names["monitoring"] = str(next(emulator._accounts))
        oam = self.client("oam", self.names["monitoring"])
        sink = oam.create_sink(Name="s")
        oam.put_sink_policy(SinkIdentifier=sink["Arn"], Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "oam:*", "Resource": "*"}]}))
        self.names["other_sink"] = sink["Id"]

    def key(self) -> str:
        policy = ('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*", '
                  '"Principal": {"Service": "logs.us-east-1.amazonaws.com"}}]}')
        return self.client("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"]

    def filled(self, value):
        """A step's value with the names that only this test knows."""
        if isinstance(value, str):
            for name, known in self.names.items():
                value = value.replace(f"{{{name}}}", known)
            return value
        if isinstance(value, dict):
            return {key: self.filled(each) for key, each in value.items()}
        return [self.filled(each) for each in value] if isinstance(value, list) else value

    def call(self, service: str, operation: str, parameters: dict) -> dict:
        if operation == "AbortMultipartUpload":
            upload = self.client("s3").create_multipart_upload(Bucket=parameters["Bucket"], Key=parameters["Key"])
            parameters = {**parameters, "UploadId": upload["UploadId"]}
        return getattr(self.bound(service), xform_name(operation))(**parameters)

    def prepare(self, operation: str) -> None:
        """Makes the state that an operation needs to succeed."""
        if operation == "DetachRolePolicy":
            self.client("iam").attach_role_policy(RoleName="r", PolicyArn=f"arn:aws:iam::{self.account}:policy/m")
        if operation.startswith("UpdateFunction") or operation == "DeleteFunction":
            wait_for(self.function_rests, "the function is at rest")
        if operation == "GetQueryResults":
            wait_for(self.query_is_done, "the query is done")
        if operation == "DeleteBucket":
            self.empty_bucket()

    def empty_bucket(self) -> None:
        s3, bucket = self.client("s3"), f"b-{self.account}"
        for version in s3.list_object_versions(Bucket=bucket)["Versions"]:
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])

    def function_rests(self) -> bool:
        found = self.client("lambda").get_function(FunctionName="f")["Configuration"]
        return found["State"] == "Active" and found["LastUpdateStatus"] == "Successful"

    def query_is_done(self) -> bool:
        execution = self.client("athena").get_query_execution(QueryExecutionId=self.names["execution"])
        return execution["QueryExecution"]["Status"]["State"] == "SUCCEEDED"

    def remember(self, answer: dict) -> None:
        arn = answer.get("Arn", "")
        if arn.startswith("arn:aws:oam:"):
            self.names["link" if ":link/" in arn else "sink"] = answer["Id"]
        for member, name in _NAMES.items():
            if member in answer:
                value = answer[member]
                self.names[name] = value[0] if isinstance(value, list) else value

    def test_every_operation_has_a_step(self):
        table = self.emulator.control("GET", "permissions/table")
        rows = {(service, operation) for service, rows in table.items() for operation in rows}
        stepped = {(_SIGNING.get(service, service), operation) for service, operation, _, _ in STEPS}
        self.assertEqual(rows - stepped, _WITHOUT_STEPS)
        self.assertEqual(stepped - rows, set())

    def test_every_step_needs_just_this(self):
        for service, operation, raw, raw_needs in STEPS:
            with self.subTest(f"{service} {operation}"):
                parameters, needs = self.filled(raw), [(action, self.filled(arn)) for action, arn in raw_needs]
                self.prepare(operation)
                for action in dict.fromkeys(action for action, _ in needs):
                    if action.split(":")[1] == operation or action not in _WITHIN:
                        self.assert_fails_without(action, service, operation, parameters)
                self.emulator.control("DELETE", f"permissions?account={self.account}")
                self.bind({"Action": "*"})
                answer = self.call(service, operation, parameters)
                self.assertEqual([(need["action"], need["resource"]) for need in self.needs()], needs)
                self.remember(answer)

    def assert_fails_without(self, action: str, service: str, operation: str, parameters: dict) -> None:
        self.bind({"NotAction": action})
        with self.assertRaises(ClientError) as caught:
            self.call(service, operation, parameters)
        message = caught.exception.response["Error"]["Message"]
        self.assertTrue(re.search(rf"\b{action}\b", message, re.IGNORECASE), f"{action} is not named in: {message}")

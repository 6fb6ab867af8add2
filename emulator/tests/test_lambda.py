"""Lambda as its API reference describes it."""

import base64
import hashlib
import json

from tests.emulator import AwsTestCase, wait_for, zip_of

ECHO = """#!/usr/bin/env python3
import os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        request, body = event.headers["Lambda-Runtime-Aws-Request-Id"], event.read()
    urllib.request.urlopen(urllib.request.Request(api + request + "/response", data=body, method="POST"))
"""


class Functions(AwsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.lambda_ = self.client("lambda")

    def create(self, name: str = "fn", code: str = ECHO, **changes) -> dict:
        if "Role" not in changes:
            changes["Role"] = f"arn:aws:iam::{self.account}:role/fn"
            try:
                self.role("fn", "lambda.amazonaws.com")
            except self.client("iam").exceptions.EntityAlreadyExistsException:
                pass
        return self.lambda_.create_function(**{
            "FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap",
            "Code": {"ZipFile": zip_of({"bootstrap": code})}, **changes})

    def active(self) -> dict:
        def configuration():
            found = self.lambda_.get_function_configuration(FunctionName="fn")
            return found if (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful") else None
        return wait_for(configuration, "the function is Active and its update Successful")

    def test_from_pending_to_active_and_invoked(self):
        created = self.create(Architectures=["arm64"], Timeout=60, MemorySize=128,
                              Environment={"Variables": {"A": "b"}}, Tags={"t": "1"}, Description="d",
                              LoggingConfig={"LogGroup": "/own", "LogFormat": "JSON"})
        self.assertEqual(created["State"], "Pending")
        active = self.active()
        self.assertEqual((active["Architectures"], active["Timeout"], active["Environment"], active["Description"]),
                         (["arm64"], 60, {"Variables": {"A": "b"}}, "d"))
        self.assertEqual((active["LoggingConfig"]["LogGroup"], active["LoggingConfig"]["LogFormat"]), ("/own", "JSON"))
        self.assertEqual(self.lambda_.get_function(FunctionName="fn")["Tags"], {"t": "1"})
        digest = base64.b64encode(hashlib.sha256(zip_of({"bootstrap": ECHO})).digest()).decode()
        self.assertEqual(active["CodeSha256"], digest)
        answer = self.lambda_.invoke(FunctionName="fn", Payload=b'{"x": 1}')
        self.assertEqual((answer["StatusCode"], json.load(answer["Payload"])), (200, {"x": 1}))
        self.assertNotIn("FunctionError", answer)

    def test_the_role_must_exist_and_trust_lambda(self):
        other = self.role("flow", "vpc-flow-logs.amazonaws.com")
        for arn in (other, f"arn:aws:iam::{self.account}:role/none"):
            self.refused("InvalidParameterValueException", self.create, Role=arn,
                         message="The role defined for the function cannot be assumed by Lambda.")
        self.create()
        self.active()
        self.refused("InvalidParameterValueException", self.lambda_.update_function_configuration, FunctionName="fn",
                     Role=other, message="The role defined for the function cannot be assumed by Lambda.")

    def test_one_update_at_a_time(self):
        self.create()
        self.refused("ResourceConflictException", self.create)
        self.refused("ResourceConflictException", self.lambda_.update_function_configuration, FunctionName="fn",
                     Timeout=10)
        self.active()
        updated = self.lambda_.update_function_configuration(FunctionName="fn", Timeout=10)
        self.assertEqual((updated["LastUpdateStatus"], updated["State"]), ("InProgress", "Active"))
        self.refused("ResourceConflictException", self.lambda_.update_function_code, FunctionName="fn",
                     ZipFile=zip_of({"bootstrap": "x"}))
        self.assertEqual(self.active()["Timeout"], 10)
        before = self.active()["CodeSha256"]
        self.lambda_.update_function_code(FunctionName="fn", ZipFile=zip_of({"bootstrap": "x"}))
        self.assertNotEqual(self.active()["CodeSha256"], before)

    def test_wrong_settings(self):
        self.refused("InvalidParameterValueException", self.create, Runtime="cobol")
        self.refused("ValidationException", self.create, Timeout=901)
        self.refused("ValidationException", self.create, MemorySize=10241)
        self.refused("InvalidParameterValueException", self.create,
                     Environment={"Variables": {"AWS_REGION": "x"}}, message="reserved keys")
        self.assertEqual(self.inventory()["functions"], {})

    def test_log_levels(self):
        """API, LoggingConfig; developer guide, "Log-level filtering": levels need the format JSON. INFO is what AWS chooses."""
        self.assertEqual(self.create()["LoggingConfig"], {"LogFormat": "Text", "LogGroup": "/aws/lambda/fn"})
        self.active()
        for logging, expected in (
                ({"LogFormat": "JSON"}, {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}),
                ({"ApplicationLogLevel": "WARN"}, {"ApplicationLogLevel": "WARN", "SystemLogLevel": "INFO"}),
                ({"LogGroup": "/own"}, {"ApplicationLogLevel": "WARN", "SystemLogLevel": "INFO"}),
                ({"LogFormat": "Text"}, {})):
            with self.subTest(logging):
                self.lambda_.update_function_configuration(FunctionName="fn", LoggingConfig=logging)
                found = self.active()["LoggingConfig"]
                self.assertEqual({name: found[name] for name in found if name.endswith("Level")}, expected)
        self.assertEqual(found, {"LogFormat": "Text", "LogGroup": "/own"})
        message = 'LogLevel is not supported when LogFormat is set to "Text"'
        self.refused("InvalidParameterValueException", self.lambda_.update_function_configuration, FunctionName="fn",
                     LoggingConfig={"SystemLogLevel": "WARN"}, message=message)
        self.refused("InvalidParameterValueException", self.create, name="other", LoggingConfig={"ApplicationLogLevel": "INFO"},
                     message=message)
        self.refused("ValidationException", self.create, name="other",
                     LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "LOUD"})

    def test_permissions(self):
        self.create()
        self.refused("ResourceNotFoundException", self.lambda_.get_policy, FunctionName="fn")
        grant = {"FunctionName": "fn", "StatementId": "logs", "Action": "lambda:InvokeFunction",
                 "Principal": "logs.amazonaws.com", "SourceAccount": self.account,
                 "SourceArn": f"arn:aws:logs:us-east-1:{self.account}:log-group:g:*"}
        self.lambda_.add_permission(**grant)
        self.refused("ResourceConflictException", self.lambda_.add_permission, **grant)
        policy = self.inventory()["functions"]["fn"]["policy"]
        self.assertEqual(policy["Statement"], [{
            "Sid": "logs", "Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": f"arn:aws:lambda:us-east-1:{self.account}:function:fn",
            "Condition": {"StringEquals": {"AWS:SourceAccount": self.account},
                          "ArnLike": {"AWS:SourceArn": grant["SourceArn"]}}}])
        self.lambda_.remove_permission(FunctionName="fn", StatementId="logs")
        self.refused("ResourceNotFoundException", self.lambda_.get_policy, FunctionName="fn")
        self.refused("ResourceNotFoundException", self.lambda_.remove_permission, FunctionName="fn",
                     StatementId="logs")

    def test_tags_and_delete(self):
        arn = self.create()["FunctionArn"]
        self.lambda_.tag_resource(Resource=arn, Tags={"a": "1", "b": "2"})
        self.lambda_.untag_resource(Resource=arn, TagKeys=["a"])
        self.assertEqual(self.lambda_.list_tags(Resource=arn)["Tags"], {"b": "2"})
        self.lambda_.delete_function(FunctionName="fn")
        self.refused("ResourceNotFoundException", self.lambda_.get_function, FunctionName="fn")
        self.refused("ResourceNotFoundException", self.lambda_.delete_function, FunctionName="fn")

    def test_it_logs_only_what_its_role_allows(self):
        logs = self.client("logs")
        self.create()
        self.active()
        self.lambda_.invoke(FunctionName="fn", Payload=b"{}")
        self.assertEqual(logs.describe_log_groups()["logGroups"], [])
        writes = ["logs:CreateLogStream", "logs:PutLogEvents"]
        self.allow("fn", writes, f"arn:aws:logs:us-east-1:{self.account}:log-group:/aws/lambda/fn:*")
        self.lambda_.invoke(FunctionName="fn", Payload=b"{}")
        self.assertEqual(logs.describe_log_groups()["logGroups"], [])
        logs.create_log_group(logGroupName="/aws/lambda/fn")
        self.lambda_.invoke(FunctionName="fn", Payload=b"{}")
        wait_for(lambda: logs.describe_log_streams(logGroupName="/aws/lambda/fn")["logStreams"], "a log stream")
        logs.delete_log_group(logGroupName="/aws/lambda/fn")
        self.allow("fn", [*writes, "logs:CreateLogGroup"], "*")
        self.lambda_.invoke(FunctionName="fn", Payload=b"{}")
        wait_for(lambda: logs.describe_log_groups()["logGroups"], "the group that Lambda makes")

    def test_a_function_acts_as_its_role(self):
        code = """#!/usr/bin/env python3
import json, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        request = event.headers["Lambda-Runtime-Aws-Request-Id"]
    seen = {name: os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_LAMBDA_LOG_GROUP_NAME")}
    data = json.dumps(seen).encode()
    urllib.request.urlopen(urllib.request.Request(api + request + "/response", data=data, method="POST"))
"""
        self.create(code=code)
        self.active()
        seen = json.load(self.lambda_.invoke(FunctionName="fn")["Payload"])
        self.assertEqual(seen["AWS_ENDPOINT_URL"], self.emulator.endpoint)
        token = {"AccessKeyId": seen["AWS_ACCESS_KEY_ID"], "SecretAccessKey": seen["AWS_SECRET_ACCESS_KEY"],
                 "SessionToken": seen["AWS_SESSION_TOKEN"]}
        identity = self.client("sts", token=token).get_caller_identity()
        self.assertEqual((identity["Account"], identity["Arn"]),
                         (self.account, f"arn:aws:sts::{self.account}:assumed-role/fn/fn"))
        self.assertEqual([call["caller"] for call in self.calls() if call["operation"] == "GetCallerIdentity"], ["fn"])

"""The process ends with its parent and leaves nothing behind."""

import os
import pathlib
import tempfile
import unittest

from tests.emulator import Emulator, wait_for, zip_of
from tests.test_lambda import ECHO

import botocore.session


class Lifetime(unittest.TestCase):
    def test_end_of_stdin_ends_all_of_it(self):
        with tempfile.TemporaryDirectory() as root:
            emulator = Emulator({"TMPDIR": root})
            session = botocore.session.get_session()
            clients = {
                name: session.create_client(name, region_name="us-east-1", endpoint_url=emulator.endpoint,
                                            aws_access_key_id="100000000000", aws_secret_access_key="x")
                for name in ("iam", "lambda")
            }
            trust = ('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
                     '"Principal": {"Service": "lambda.amazonaws.com"}}]}')
            role = clients["iam"].create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
            writes_pid = f"import os\nopen('{root}/pid', 'w').write(str(os.getpid()))\nimport os"
            code = ECHO.replace("import os", writes_pid, 1)
            clients["lambda"].create_function(
                FunctionName="f", Role=role, Runtime="provided.al2023", Handler="bootstrap",
                Code={"ZipFile": zip_of({"bootstrap": code})})
            wait_for(lambda: clients["lambda"].get_function(FunctionName="f")["Configuration"]["State"] == "Active",
                     "Active")
            clients["lambda"].invoke(FunctionName="f", Payload=b"{}")
            worker = int(pathlib.Path(root, "pid").read_text())
            self.assertTrue(pathlib.Path("/proc", str(worker)).exists())
            self.assertTrue(list(pathlib.Path(root).glob("emulator-*")))
            emulator.stop()
            wait_for(lambda: not pathlib.Path("/proc", str(worker)).exists(), "the function's process has ended")
            self.assertEqual(os.listdir(root), ["pid"])

"""The AWS accounts of the fleets: their VPCs and roles, and what the measurement looks at and breaks in them."""

import json
import urllib.parse
import urllib.request

OPERATOR = "123456789012"
REGION = "eu-west-1"
ROLE = "vpc-flow-operator"
EXTERNAL_ID = "bench"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{OPERATOR}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
        }
    ],
}


class Account:
    def __init__(self, endpoint: str, number: int) -> None:
        self.endpoint, self.id, self.region = endpoint, f"{111111111100 + number}", REGION
        self.role = f"arn:aws:iam::{self.id}:role/{ROLE}"

    def prepare(self, vpcs: int) -> None:
        """Makes the role that the operator assumes, and the VPCs."""
        self.call("iam", "CreateRole", RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
        for _ in range(vpcs):
            tag = {"TagSpecification.1.ResourceType": "vpc", "TagSpecification.1.Tag.1.Key": "env", "TagSpecification.1.Tag.1.Value": "prod"}
            self.call("ec2", "CreateVpc", Version="2016-11-15", CidrBlock="10.0.0.0/16", **tag)

    def delete_alarm(self, name: str) -> None:
        self.alarm("DeleteAlarms", name)

    def has_alarm(self, name: str) -> bool:
        return b"AlarmArn" in self.alarm("DescribeAlarms", name)

    def alarm(self, operation: str, name: str) -> bytes:
        """A call of CloudWatch about one alarm, in CBOR: {"AlarmNames": [name]}."""
        body = b"\xa1\x6aAlarmNames\x81\x78" + bytes([len(name)]) + name.encode()
        headers = {"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
        return self.send("monitoring", f"/service/GraniteServiceVersion20100801/operation/{operation}", body, headers)

    def call(self, service: str, operation: str, **parameters: str) -> None:
        self.send(service, "/", urllib.parse.urlencode({"Action": operation, **parameters}).encode(), {})

    def send(self, service: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        """A call that no quota refuses and no count has."""
        scope = f"Credential={self.id}/20260101/{self.region}/{service}/aws4_request"
        headers = {**headers, "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0", "X-Bench": "1"}
        with urllib.request.urlopen(urllib.request.Request(self.endpoint + path, body, headers), timeout=60) as answer:
            return answer.read()

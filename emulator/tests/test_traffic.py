"""Traffic: the records that flow logs deliver, their destinations, and the consequences."""

import gzip
import pathlib
import re
import tempfile
import time
import urllib.error
from collections import Counter

import duckdb

from tests.telemetry import TelemetryTestCase

ATTACKER = "198.51.100.66"
_ALL = ("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
        "log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type "
        "sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path ecs-cluster-arn "
        "ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id ecs-second-container-id "
        "ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason resource-id encryption-status "
        "instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id "
        "next-hop-interface-type next-hop-subnet-id next-hop-az-id next-hop-vpc-id").split()
_V2 = _ALL[:14]


def log_format(names: list[str]) -> str:
    return " ".join(f"${{{name}}}" for name in names)


class TrafficTestCase(TelemetryTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ec2 = self.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.bucket = f"flow-{self.account}"
        self.client("s3").create_bucket(Bucket=self.bucket)
        self.logs.create_log_group(logGroupName="g")
        self.role_arn = self.role("flow", "vpc-flow-logs.amazonaws.com", "logs:CreateLogStream", "logs:PutLogEvents")

    def to_logs(self, names: list[str] | None = None, **changes) -> str:
        more = {"LogFormat": log_format(names)} if names else {}
        return self.create(LogGroupName="g", DeliverLogsPermissionArn=self.role_arn, **more, **changes)

    def to_s3(self, names: list[str], options: dict, prefix: str = "", **changes) -> str:
        return self.create(LogDestinationType="s3", LogDestination=f"arn:aws:s3:::{self.bucket}{prefix}",
                           LogFormat=log_format(names), DestinationOptions=options, **changes)

    def create(self, **parameters) -> str:
        answer = self.ec2.create_flow_logs(**{
            "ResourceIds": [self.vpc], "ResourceType": "VPC", "TrafficType": "ALL", "MaxAggregationInterval": 60,
            **parameters})
        self.assertEqual(answer["Unsuccessful"], [])
        return answer["FlowLogIds"][0]

    def send(self, scenario: str, **more) -> dict:
        return self.emulator.control("POST", "traffic", {
            "account": self.account, "region": self.region, "vpcId": self.vpc, "scenario": scenario, **more})["flowLogs"]

    def events(self) -> list[dict]:
        return self.logs.filter_log_events(logGroupName="g")["events"]

    def records(self, names: list[str] | None = None) -> list[dict]:
        return [dict(zip(names or _V2, event["message"].split(" "), strict=True)) for event in self.events()]

    def object(self, key: str) -> bytes:
        return self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()


class Records(TrafficTestCase):
    def test_lines_in_streams_as_aws_names_them(self):
        flow_log = self.to_logs()
        answer = self.send("normal")[flow_log]
        events = self.events()
        self.assertEqual((answer["destination"], answer["refused"], answer["files"]), ("g", None, []))
        self.assertEqual(answer["delivered"], len(events))
        self.assertEqual(sorted(answer["streams"]), sorted({event["logStreamName"] for event in events}))
        now = time.time()
        for event, record in zip(events, self.records()):
            self.assertEqual(event["logStreamName"], f"{record['interface-id']}-all")
            self.assertEqual(event["timestamp"], int(record["start"]) * 1000)
            self.assertLessEqual(int(record["start"]), int(record["end"]))
            self.assertTrue(now - 1000 < int(record["start"]) <= int(record["end"]) <= now + 1, record)
            self.assertEqual((record["version"], record["account-id"]), ("2", self.account))

    def test_every_field(self):
        self.to_logs(_ALL)
        self.send("attack")
        records = self.records(_ALL)
        traffic = [record for record in records if record["log-status"] == "OK"]
        self.assertEqual({record["version"] for record in records}, {"11"})
        self.assertEqual({record["vpc-id"] for record in traffic}, {self.vpc})
        self.assertEqual({record["type"] for record in traffic}, {"IPv4", "IPv6"})
        self.assertEqual({record["traffic-path"] for record in traffic if record["flow-direction"] == "ingress"}, {"-"})
        self.assertEqual({record["traffic-path"] for record in traffic if record["flow-direction"] == "egress"},
                         {"1", "7", "8"})
        self.assertEqual({record["pkt-dst-aws-service"] for record in traffic}, {"-", "S3"})
        self.assertEqual({record["tcp-flags"] for record in traffic if record["action"] == "REJECT"
                          and record["protocol"] == "6"}, {"2"})
        for record in records:
            if record["log-status"] == "NODATA":
                known = {name for name, value in record.items() if value != "-"}
                self.assertEqual(known, {"version", "account-id", "interface-id", "start", "end", "log-status"})

    def test_both_ends_within_the_vpc_log_a_conversation(self):
        self.to_logs(_ALL)
        self.send("normal")
        database = [record for record in self.records(_ALL) if record["dstport"] == "5432"]
        by_flow = Counter((record["srcaddr"], record["srcport"]) for record in database)
        self.assertTrue(by_flow)
        for flow in by_flow:
            seen = [record for record in database if (record["srcaddr"], record["srcport"]) == flow]
            sides = {direction: {(int(record["bytes"]), record["start"]) for record in seen
                                 if record["flow-direction"] == direction} for direction in ("egress", "ingress")}
            self.assertEqual(sides["egress"], sides["ingress"])
            self.assertEqual(len({record["interface-id"] for record in seen}), 2)

    def test_an_idle_interface_has_no_data_and_a_quiet_vpc_none_at_all(self):
        self.to_logs()
        self.send("normal", minutes=5)
        silent = Counter(record["interface-id"] for record in self.records() if record["log-status"] == "NODATA")
        self.assertGreaterEqual(max(silent.values()), 4)
        self.client("logs").delete_log_group(logGroupName="g")
        self.client("logs").create_log_group(logGroupName="g")
        self.send("quiet", minutes=5)
        self.assertEqual({record["log-status"] for record in self.records()}, {"NODATA"})
        self.assertTrue(all(record["srcaddr"] == "-" for record in self.records()))

    def test_traffic_types(self):
        flow_logs = {kind: self.create(ResourceIds=[self.vpc], TrafficType=kind, LogGroupName=f"g-{kind}",
                                       DeliverLogsPermissionArn=self.role_arn) for kind in ("ACCEPT", "REJECT")}
        for kind in flow_logs:
            self.logs.create_log_group(logGroupName=f"g-{kind}")
        answer = self.send("brute-force")
        for kind, flow_log in flow_logs.items():
            events = self.logs.filter_log_events(logGroupName=f"g-{kind}")["events"]
            self.assertEqual(len(events), answer[flow_log]["delivered"])
            self.assertEqual({event["message"].split(" ")[12] for event in events} - {"-"}, {kind})
            self.assertTrue(all(stream.endswith(f"-{kind.lower()}") for stream in answer[flow_log]["streams"]))

    def test_the_vpcs_own_interfaces_are_used(self):
        subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        own = [self.ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
               for _ in range(2)]
        one = self.create(ResourceIds=own[:1], ResourceType="NetworkInterface", LogGroupName="g",
                          DeliverLogsPermissionArn=self.role_arn)
        whole = self.create(ResourceIds=[subnet], ResourceType="Subnet", LogDestinationType="s3",
                            LogDestination=f"arn:aws:s3:::{self.bucket}")
        answer = self.send("attack")
        self.assertEqual(answer[one]["streams"], [f"{own[0]}-all"])
        self.assertGreater(answer[whole]["delivered"], answer[one]["delivered"])

    def test_the_aggregation_interval(self):
        short = self.to_logs()
        long = self.create(LogDestinationType="s3", LogDestination=f"arn:aws:s3:::{self.bucket}",
                           MaxAggregationInterval=600)
        answer = self.send("quiet", minutes=60)
        self.assertAlmostEqual(answer[short]["delivered"] / answer[long]["delivered"], 10, delta=0.5)

    def test_the_same_seed_gives_the_same_conversations(self):
        self.to_logs()

        def said(seed: int) -> list[tuple]:
            self.logs.delete_log_group(logGroupName="g")
            self.logs.create_log_group(logGroupName="g")
            self.send("port-scan", seed=seed, minutes=3)
            return [(record["srcaddr"], record["dstport"], record["bytes"]) for record in self.records()
                    if record["log-status"] == "OK" and record["srcaddr"] == ATTACKER]

        self.assertEqual(said(1), said(1))
        self.assertNotEqual(said(1), said(2))

    def test_wrong_requests(self):
        for changes in ({"scenario": "party"}, {"vpcId": "vpc-none"}, {"minutes": 0}, {"account": "1"}):
            with self.subTest(changes), self.assertRaises(urllib.error.HTTPError) as caught:
                self.emulator.control("POST", "traffic", {
                    "account": self.account, "region": self.region, "vpcId": self.vpc, "scenario": "normal", **changes})
            self.assertEqual(caught.exception.code, 400)
            caught.exception.close()


class Attacks(TrafficTestCase):
    def of_attacker(self, scenario: str) -> list[dict]:
        self.to_logs()
        self.send(scenario)
        return [record for record in self.records() if ATTACKER in (record["srcaddr"], record["dstaddr"])]

    def test_port_scan(self):
        records = self.of_attacker("port-scan")
        ports = {record["dstport"] for record in records if record["action"] == "REJECT"}
        self.assertGreater(len(ports), 100)
        self.assertEqual(len({record["dstaddr"] for record in records if record["srcaddr"] == ATTACKER}), 1)

    def test_exfiltration(self):
        sent = [record for record in self.of_attacker("exfiltration") if record["dstaddr"] == ATTACKER]
        self.assertEqual(len({record["srcaddr"] for record in sent}), 1)
        self.assertTrue(all(int(record["bytes"]) > 60_000_000 for record in sent))
        self.assertGreater(sum(int(record["bytes"]) for record in sent), 500_000_000)
        self.assertLess(max(int(record["end"]) for record in sent) - min(int(record["start"]) for record in sent), 300)

    def test_brute_force(self):
        tried = [record for record in self.of_attacker("brute-force") if record["srcaddr"] == ATTACKER]
        self.assertEqual({record["dstport"] for record in tried}, {"22"})
        actions = Counter(record["action"] for record in tried)
        self.assertGreater(actions["REJECT"], actions["ACCEPT"])
        self.assertGreater(actions["ACCEPT"], 10)


class Files(TrafficTestCase):
    def test_text_files_by_day(self):
        flow_log = self.to_s3(_ALL, {"FileFormat": "plain-text"})
        answer = self.send("normal")[flow_log]
        lines = []
        for key in answer["files"]:
            self.assertRegex(key, rf"^AWSLogs/{self.account}/vpcflowlogs/us-east-1/\d{{4}}/\d\d/\d\d/{self.account}_"
                             rf"vpcflowlogs_us-east-1_{flow_log}_\d{{8}}T\d{{4}}Z_[0-9a-f]{{8}}\.log\.gz$")
            header, *rest = gzip.decompress(self.object(key)).decode().splitlines()
            self.assertEqual(header.split(" "), _ALL)
            lines += rest
        self.assertEqual((len(lines), answer["streams"]), (answer["delivered"], []))
        self.assertIn(len(answer["files"]), (3, 4))

    def test_parquet_files_by_hour_in_hive_partitions(self):
        flow_log = self.to_s3(_ALL, {"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": True},
                              prefix="/p/q/")
        answer = self.send("attack")[flow_log]
        count, silent = 0, set()
        for key in answer["files"]:
            found = re.match(rf"p/q/AWSLogs/aws-account-id={self.account}/aws-service=vpcflowlogs/aws-region=us-east-1/"
                             r"year=(\d{4})/month=(\d\d)/day=(\d\d)/hour=(\d\d)/.*_(\d{8})T(\d\d)\d\dZ_.*\.log\.parquet$", key)
            self.assertIsNotNone(found, key)
            self.assertEqual("".join(found.groups()[:3]) + found[4], found[5] + found[6])
            rows, without_data = self.parquet(self.object(key))
            count += rows
            silent |= without_data
        self.assertEqual((count, silent), (answer["delivered"], {(None, "-")}))

    def parquet(self, body: bytes) -> tuple[int, set[tuple]]:
        """Checks the columns. Returns the number of rows, and the values of rows without data."""
        with tempfile.TemporaryDirectory() as folder, duckdb.connect() as database:
            path = f"{folder}/records.parquet"
            pathlib.Path(path).write_bytes(body)
            columns = dict(database.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '{path}')")
                           .fetchall())
            self.assertEqual(list(columns), [name.replace("-", "_") for name in _ALL])
            kinds = {name: columns[name] for name in ("version", "srcport", "tcp_flags", "traffic_path", "packets", "bytes",
                                                      "start", "end", "srcaddr", "log_status")}
            self.assertEqual(kinds, {
                "version": "INTEGER", "srcport": "INTEGER", "tcp_flags": "INTEGER", "traffic_path": "INTEGER",
                "packets": "BIGINT", "bytes": "BIGINT", "start": "BIGINT", "end": "BIGINT", "srcaddr": "VARCHAR",
                "log_status": "VARCHAR"})
            silent = database.execute(f"SELECT bytes, srcaddr FROM '{path}' WHERE log_status = 'NODATA'").fetchall()
            return database.execute(f"SELECT count(*) FROM '{path}'").fetchone()[0], set(silent)


class Refusals(TrafficTestCase):
    def status(self, flow_log: str) -> tuple:
        found = self.ec2.describe_flow_logs(FlowLogIds=[flow_log])["FlowLogs"][0]
        return found["DeliverLogsStatus"], found.get("DeliverLogsErrorMessage")

    def test_a_role_that_may_not_write(self):
        flow_log = self.to_logs()
        self.client("iam").delete_role_policy(RoleName="flow", PolicyName="allow")
        answer = self.send("normal")[flow_log]
        self.assertEqual((answer["refused"], answer["delivered"], self.events()), ("Access error", 0, []))
        self.assertEqual(self.status(flow_log), ("FAILED", "Access error"))
        self.allow("flow", ["logs:CreateLogStream", "logs:PutLogEvents"], "*")
        self.assertIsNone(self.send("normal")[flow_log]["refused"])
        self.assertEqual(self.status(flow_log), ("SUCCESS", None))

    def test_a_bucket_without_its_policy(self):
        flow_log = self.to_s3(_V2, {})
        self.client("s3").delete_bucket_policy(Bucket=self.bucket)
        answer = self.send("normal")[flow_log]
        self.assertEqual((answer["refused"], answer["files"]), ("Access error", []))
        self.assertEqual(self.client("s3").list_objects_v2(Bucket=self.bucket)["KeyCount"], 0)

    def test_a_group_that_is_gone_is_made_again_only_if_the_role_lets_it(self):
        flow_log = self.to_logs()
        self.logs.delete_log_group(logGroupName="g")
        self.assertEqual(self.send("normal")[flow_log]["refused"], "Access error")
        self.allow("flow", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "*")
        self.assertIsNone(self.send("normal")[flow_log]["refused"])
        self.assertTrue(self.events())


class Consequences(TrafficTestCase):
    """Alarms as people set them on flow logs fire by the time the answer is there."""

    def detect(self, name: str, condition: dict[str, str], **alarm) -> None:
        pattern = ", ".join(condition.get(field, field.replace("-", "_")) for field in _V2)
        self.logs.put_metric_filter(logGroupName="g", filterName=name, filterPattern=f"[{pattern}]", metricTransformations=[
            {"metricName": name, "metricNamespace": "n", "metricValue": "1", "defaultValue": 0}])
        self.cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="n", MetricName=name, Statistic="Sum", Period=300,
            ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching", AlarmActions=[self.topic], **alarm)

    def setUp(self) -> None:
        super().setUp()
        self.topic = self.client("sns").create_topic(Name="t")["TopicArn"]
        self.url = self.queue(self.topic)
        self.detect("rejected", {"action": "action=REJECT", "log-status": "status=OK"}, EvaluationPeriods=2, Threshold=50)
        self.detect("transfer", {"bytes": "bytes>10000000"}, EvaluationPeriods=1, Threshold=10)

    def states(self) -> dict[str, str]:
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in self.cloudwatch.describe_alarms()["MetricAlarms"]}

    def test_an_attack_fires_both(self):
        self.to_logs()
        self.send("attack")
        self.assertEqual(self.states(), {"rejected": "ALARM", "transfer": "ALARM"})
        self.assertEqual({note["Subject"].split(" ")[1] for note in self.received(self.url)}, {'"rejected"', '"transfer"'})

    def test_normal_traffic_fires_none(self):
        self.to_logs()
        self.send("normal")
        self.assertEqual(self.states(), {"rejected": "OK", "transfer": "OK"})
        self.assertEqual(self.received(self.url), [])

    def test_exfiltration_fires_one(self):
        self.to_logs()
        self.send("exfiltration")
        self.assertEqual(self.states(), {"rejected": "OK", "transfer": "ALARM"})

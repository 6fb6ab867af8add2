#!/usr/bin/env python3
"""Measures fleets in an environment that is already running: `devenv run -- run.py --operator PROGRAM --monitors 1000 --out FILE`.

The monitors are in five accounts, each of which has a fleet in a namespace of its own. A server of this folder stands before AWS's emulator, or
in its place, and enforces the quotas of AWS.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import processes
import quotas
from accounts import EXTERNAL_ID, REGION, Account
from metrics import Metrics, difference, of_operator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ACCOUNTS = 5
LONGEST = 2 * 3600
# As in the image.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
STATUS_WRITES = {"resource": "vpcflowmonitors", "subresource": "status"}


def kubectl(*arguments: str, given: str | None = None) -> str:
    command = [os.environ.get("KUBECTL", "kubectl"), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def api_server() -> Metrics:
    return Metrics(kubectl("get", "--raw", "/metrics"))


def kubernetes_calls(metrics: Metrics) -> dict[str, float]:
    return metrics.by("apiserver_request_total", "resource", "subresource", "verb", group="vpcflow.dev")


def progress(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Bench:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.accounts: list[Account] = []
        self.pids: dict[str, int] = {}

    def start_aws(self) -> None:
        program = self.folder / "aws"
        subprocess.run(["go", "build", "-o", program, "."], cwd=HERE / "aws", check=True)
        table = {
            operation: {"Group": it.group, "PerSecond": it.per_second, "AtOnce": it.at_once, "Each": it.each, "Global": it.everywhere}
            for operation, it in quotas.read().items()
        }
        (self.folder / "quotas.json").write_text(json.dumps(table))
        command = [str(program), "-quotas", str(self.folder / "quotas.json")]
        if self.options.aws == "emulator":
            command += ["-forward", os.environ["AWS_ENDPOINT_URL"]]
        if self.options.record:
            command += ["-record", self.options.record]
        self.aws = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pids["aws"] = self.aws.pid
        self.endpoint = "http://" + self.aws.stdout.readline().strip()
        for number in range(1, min(ACCOUNTS, self.options.monitors) + 1):
            account = Account(self.endpoint, number)
            account.prepare(self.options.monitors // min(ACCOUNTS, self.options.monitors))
            self.accounts.append(account)
        progress(f"{len(self.accounts)} accounts with {self.options.monitors} VPCs are prepared")

    def aws_counts(self) -> dict:
        with urllib.request.urlopen(f"{self.endpoint}/_bench/counts", timeout=30) as answer:
            return json.load(answer)

    def start_operator(self) -> None:
        kubectl("apply", "--server-side", "--filename", str(self.options.crds))
        for kind in ("vpcflowmonitors", "vpcflowfleets", "vpcflowoverviews"):
            kubectl("wait", "--for=condition=Established", f"crd/{kind}.vpcflow.dev")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [self.options.operator, "run", "--cluster-name", "bench", "--fleets", "--resync", self.options.resync]
        command += ["--metrics-addr", f"127.0.0.1:{self.port}", *self.options.operator_flags]
        for number, account in enumerate(self.accounts, 1):
            command += ["--allowed-role", f"bench-{number}={account.role}"]
        log = open(self.options.log or self.folder / "operator.log", "w", encoding="utf-8")
        environment = {**os.environ, **MALLOC, "AWS_ENDPOINT_URL": self.endpoint}
        self.operator = processes.start(command, env=environment, stderr=log)
        self.pids["operator"] = self.operator.pid
        self.until("the operator is ready", 120, self.is_up)
        # The servers of the environment.
        self.pids |= processes.found(apiserver="--etcd-servers=", etcd="--listen-client-urls=")
        if self.options.aws == "emulator":
            self.pids |= processes.found(emulator="overlay")
        for pid in self.pids.values():
            processes.prefer(pid)

    def is_up(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
            return True
        except OSError:
            return False

    def until(self, what: str, seconds: float, condition, pause: float = 0.5) -> float:
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > seconds:
                raise TimeoutError(f"{what}: not after {seconds} s")
            if self.operator.poll() is not None:
                raise RuntimeError("the operator has ended")
            time.sleep(pause)
        return time.monotonic() - start

    def apply_fleets(self) -> None:
        manifests = []
        for number, account in enumerate(self.accounts, 1):
            manifests.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"bench-{number}"}})
        for number, account in enumerate(self.accounts, 1):
            role = {"roleArn": account.role, "externalId": EXTERNAL_ID}
            spec = {
                "places": [{"name": "account", "regions": [REGION], "assumeRole": role}],
                "selector": {"matchTags": {"env": "prod"}},
                "template": {"spec": {}},
                "maxMonitors": 1000,
            }
            fleet = {"name": "fleet", "namespace": f"bench-{number}"}
            manifests.append({"apiVersion": "vpcflow.dev/v1alpha1", "kind": "VpcFlowFleet", "metadata": fleet, "spec": spec})
        kubectl("apply", "--filename", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))

    def ready(self) -> int:
        return int(of_operator(self.port).sum("vpc_flow_operator_monitors", condition="Ready", status="True"))

    def cpu(self) -> dict[str, float]:
        return {name: processes.seconds(pid) for name, pid in self.pids.items()}

    def create(self) -> dict:
        """From the apply of the fleets until all monitors are Ready, with a repair when half of them are."""
        before, cpu, start = api_server(), self.cpu(), time.monotonic()
        self.apply_fleets()
        timeline, repair, half = [], {}, None
        while True:
            ready, at = self.ready(), time.monotonic() - start
            timeline.append((round(at, 1), ready, int(sum(sum(calls.values()) for calls in self.aws_counts()["Calls"].values()))))
            if half is None and self.options.monitors >= 10 and ready >= self.options.monitors / 2:
                half = threading.Thread(target=lambda: repair.update(self.repair()))
                half.start()
                progress(f"half are Ready after {at:.0f} s: an alarm is deleted")
            if ready >= self.options.monitors:
                break
            if at > LONGEST or self.operator.poll() is not None:
                raise RuntimeError(f"{ready} of {self.options.monitors} Ready after {at:.0f} s")
            if len(timeline) % 30 == 0:
                progress(f"{ready} Ready after {at:.0f} s, {timeline[-1][2]} calls")
            time.sleep(1)
        seconds = time.monotonic() - start
        counts = self.aws_counts()
        cpu = difference(self.cpu(), cpu)
        if half:
            half.join()
        kubectl("wait", "--for=condition=Ready", "--all-namespaces", "vpcflowfleets", "--all", "--timeout=5m")
        after, operator = api_server(), of_operator(self.port)
        return {
            "seconds": seconds, "repair": repair, "timeline": timeline, "cpu": cpu, "memory": processes.memory(self.operator.pid),
            "aws_memory": {name: processes.memory(pid) for name, pid in self.pids.items()},
            "counts": counts,
            "throttles": operator.sum("vpc_flow_operator_aws_throttles_total"),
            "passes": operator.by("vpc_flow_operator_reconcile_total", "result"),
            "pass_seconds": operator.sum("vpc_flow_operator_reconcile_duration_seconds_sum"),
            "waits": {
                "count": operator.by("vpc_flow_operator_aws_wait_seconds_count", "group"),
                "sum": operator.by("vpc_flow_operator_aws_wait_seconds_sum", "group"),
            },
            "kubernetes": difference(kubernetes_calls(after), kubernetes_calls(before)),
            "status_writes": after.sum("apiserver_request_total", verb="PATCH", **STATUS_WRITES)
            + after.sum("apiserver_request_total", verb="APPLY", **STATUS_WRITES)
            + after.sum("apiserver_request_total", verb="PUT", **STATUS_WRITES),
        }

    def repair(self) -> dict:
        """Deletes an alarm of a Ready monitor, asks for a pass as a user would, and waits until AWS has the alarm again."""
        account, namespace = self.accounts[0], "bench-1"
        monitors = json.loads(kubectl("get", "vpcflowmonitors", "-n", namespace, "-o", "json", "--chunk-size=50"))["items"]
        is_ready = lambda monitor: any(
            it["type"] == "Ready" and it["status"] == "True" for it in monitor.get("status", {}).get("conditions", [])
        )
        monitor = next(filter(is_ready, monitors))
        name, alarm = monitor["metadata"]["name"], monitor["status"]["alarms"][0]["name"]
        account.delete_alarm(alarm)
        assert not account.has_alarm(alarm)
        start = time.monotonic()
        kubectl("annotate", "-n", namespace, f"vpcflowmonitors/{name}", f"vpcflow.dev/reconcile-requested-at={time.time()}", "--overwrite")
        try:
            seconds = self.until("the repair", 1800, lambda: account.has_alarm(alarm))
        except TimeoutError as error:
            return {"error": str(error)}
        reported = lambda: json.loads(
            kubectl("get", "-n", namespace, f"vpcflowmonitors/{name}", "-o", "json"))["status"].get("lastHandledReconcileAt")
        self.until("the report of the repair", 1800, reported)
        progress(f"the alarm is back after {seconds:.1f} s")
        return {"seconds": seconds, "reported": time.monotonic() - start}

    def rest(self, passes: int) -> dict:
        """Passes over monitors at rest."""
        before, api, cpu, start = of_operator(self.port), api_server(), self.cpu(), time.monotonic()
        count = lambda metrics: metrics.sum("vpc_flow_operator_reconcile_total")
        requests = lambda metrics: metrics.by("vpc_flow_operator_aws_requests_total", "service", "operation")
        self.until("passes at rest", LONGEST, lambda: count(of_operator(self.port)) - count(before) >= passes, 2)
        after, seconds = of_operator(self.port), time.monotonic() - start
        done, reads = count(after) - count(before), difference(requests(after), requests(before))
        changed = difference(kubernetes_calls(api_server()), kubernetes_calls(api))
        return {
            "seconds": seconds, "passes": done, "reads": sum(reads.values()) / done,
            "by_operation": {name: value / done for name, value in sorted(reads.items())},
            "pass_seconds": (after.sum("vpc_flow_operator_reconcile_duration_seconds_sum")
                             - before.sum("vpc_flow_operator_reconcile_duration_seconds_sum")) / done,
            "cpu": difference(self.cpu(), cpu), "memory": processes.memory(self.operator.pid), "kubernetes": changed,
            "status_writes": sum(value for name, value in changed.items() if name.startswith("vpcflowmonitors status") and not name.endswith("GET")),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operator", required=True, help="the program")
    parser.add_argument("--monitors", type=int, required=True)
    parser.add_argument("--aws", choices=["memory", "emulator"], default="memory", help="what answers")
    parser.add_argument("--resync", default="10m")
    parser.add_argument("--rest", type=int, help="passes at rest; default: one and a half for each monitor")
    parser.add_argument("--out", type=Path, required=True, help="file for the figures")
    parser.add_argument("--crds", type=Path, default=ROOT / "crds")
    parser.add_argument("--log", help="file for the log of the operator")
    parser.add_argument("--record", help="file for the requests to AWS and their answers")
    parser.add_argument("operator_flags", nargs="*", help="further flags of the operator, after --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        try:
            bench.start_aws()
            bench.start_operator()
            figures = {"monitors": options.monitors, "accounts": len(bench.accounts), "aws": options.aws, "flags": options.operator_flags,
                       "resync": options.resync, "memory_before": processes.memory(bench.operator.pid)}
            figures["create"] = bench.create()
            options.out.write_text(json.dumps(figures, indent=1))
            progress(f"{options.monitors} monitors Ready after {figures['create']['seconds']:.1f} s")
            passes = options.monitors * 3 // 2 if options.rest is None else options.rest
            if passes:
                figures["rest"] = bench.rest(max(passes, 3))
                options.out.write_text(json.dumps(figures, indent=1))
        finally:
            for process in (getattr(bench, "operator", None), getattr(bench, "aws", None)):
                if process:
                    process.kill()


main()

"""The quotas of AWS, as the operator's sources have them: src/aws/quotas.rs, and the table of operations."""

import dataclasses
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The names of services in a signature.
SIGNING = {"CloudWatch": "monitoring", "CloudWatchLogs": "logs", "EventBridge": "events"}
QUOTA = re.compile(r"pub const (\w+): Quota = (.*);")
ROW = re.compile(r"^    \w+ = (\w+) \w+::(\w+)Error (Read|Write) (\w+) \[", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Quota:
    group: str
    per_second: int
    at_once: int
    each: bool
    # One for all regions.
    everywhere: bool


def read() -> dict[str, Quota]:
    """The quota of each operation, by "service operation"."""
    quotas = {name: _quota(text) for name, text in QUOTA.findall((ROOT / "src/aws/quotas.rs").read_text())}
    rows = ROW.findall((ROOT / "src/aws/operations.rs").read_text())
    return {f"{SIGNING.get(service, service.lower())} {operation}": quotas[quota] for service, operation, _, quota in rows}


def share() -> float:
    """The part of a quota that the operator uses."""
    return float(re.search(r"const SHARE: f64 = ([\d.]+);", (ROOT / "src/aws/quotas.rs").read_text())[1])


def is_write(operation: str) -> bool:
    return not operation.split()[1].startswith(("Get", "List", "Describe", "Head", "BatchGet", "Filter", "AssumeRole"))


def _quota(text: str) -> Quota:
    kind, group, per_second = re.search(r'(each|shared)\("([\w-]+)", (\d+)\)', text).groups()
    burst = re.match(r"bursting\(.*, (\d+)\)$", text)
    return Quota(group, int(per_second), int(burst[1] if burst else per_second), kind == "each", "global(" in text)

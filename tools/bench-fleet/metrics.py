"""Metrics in Prometheus's text format: those of the operator, and those of the API server."""

import re
import urllib.request

LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    def __init__(self, text: str) -> None:
        self.samples = [
            (match[1], dict(LABEL.findall(match[2] or "")), float(match[3]))
            for line in text.splitlines()
            if not line.startswith("#") and (match := LINE.match(line))
        ]

    def by(self, name: str, *labels: str, **wanted: str) -> dict[str, float]:
        """The sums of a metric by the values of some labels."""
        sums: dict[str, float] = {}
        for known, has, value in self.samples:
            if known == name and all(has.get(label) == value for label, value in wanted.items()):
                key = " ".join(has.get(label, "") for label in labels)
                sums[key] = sums.get(key, 0) + value
        return sums

    def sum(self, name: str, **wanted: str) -> float:
        return sum(self.by(name, **wanted).values())


def of_operator(port: int) -> Metrics:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return Metrics(answer.read().decode())


def difference(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}

#!/usr/bin/env python3
"""Prints the figures of run.py as tables, and draws their growth: `report.py FOLDER` writes FOLDER/bench-fleet.svg."""

import json
import sys
from pathlib import Path

import quotas

SIZES = (1, 10, 100, 1000)
WIDTH, HEIGHT, LEFT, TOP = 720, 300, 60, 40


def floor(create: dict) -> tuple[float, str]:
    """The seconds that the operator's share of the quotas needs at least for the calls that were made, and the operation that needs them."""
    table, needs = quotas.read(), {}
    for account, calls in create["counts"]["Calls"].items():
        for operation, count in calls.items():
            quota = table.get(operation)
            if quota:
                group = operation if quota.each else quota.group
                known = needs.setdefault((account, group), [0, quota])
                known[0] += count
    share = quotas.share()
    seconds = {
        group: max(0, count - quota.at_once) / (quota.per_second * share) for (_, group), (count, quota) in needs.items()
    }
    group = max(seconds, key=seconds.get)
    return seconds[group], group


def row(figures: dict) -> dict:
    create, rest, monitors = figures["create"], figures.get("rest", {}), figures["monitors"]
    calls = sum(sum(of_account.values()) for of_account in create["counts"]["Calls"].values())
    writes = sum(
        count for of_account in create["counts"]["Calls"].values() for name, count in of_account.items() if quotas.is_write(name)
    )
    seconds, group = floor(create)
    return {
        "monitors": monitors, "seconds": create["seconds"], "floor": seconds, "group": group, "repair": create["repair"].get("seconds"),
        "refused": sum(create["counts"]["Refused"].values()) + create["throttles"], "calls": calls / monitors, "writes": writes / monitors,
        "status": create["status_writes"] / monitors, "resident": create["memory"]["resident"], "peak": create["memory"]["peak"],
        "reads": rest.get("reads"), "processor": create["cpu"]["operator"] / monitors * 1000,
    }


def shown(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def tables(rows: list[dict]) -> str:
    lines = [
        "| Monitors | Ready | floor of the quotas | ratio | calls refused | a repair in the middle | resident | peak |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for it in rows:
        ratio = shown(it["seconds"] / it["floor"], 2) if it["floor"] >= 30 else ""
        lines.append(
            f"| {it['monitors']} | {shown(it['seconds'])} s | {shown(it['floor'])} s ({it['group']}) | {ratio} | {it['refused']:.0f} "
            f"| {shown(it['repair'])} s | {shown(it['resident'], 0)} MiB | {shown(it['peak'], 0)} MiB |"
        )
    lines += [
        "",
        "| Monitors | calls until Ready | of these writes | writes of the status | reads of a pass at rest | processor time | resident |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for it in rows:
        lines.append(
            f"| {it['monitors']} | {shown(it['calls'], 0)} | {shown(it['writes'], 0)} | {shown(it['status'])} | {shown(it['reads'])} "
            f"| {shown(it['processor'], 0)} ms | {shown(it['resident'] / it['monitors'], 2)} MiB |"
        )
    lines += ["", "The second table is per monitor."]
    return "\n".join(lines)


def picture(rows: list[dict]) -> str:
    """Bars of what each monitor costs, by the number of monitors."""
    kinds = [
        ("calls", "calls until Ready", "#2f6fde"), ("status", "writes of the status", "#d97a1f"), ("reads", "reads at rest", "#2a9d6f"),
        ("processor", "processor time, 10 ms", "#a25bc4"),
    ]
    value = lambda it, kind: (it[kind] or 0) / (10 if kind == "processor" else 1)
    top = max(value(it, kind) for it in rows for kind, _, _ in kinds)
    group, bar = (WIDTH - LEFT) / len(rows), 28
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + TOP + 60}" font-family="sans-serif" font-size="13">',
        "<style>text{fill:#24292f}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>",
        f'<text x="{LEFT}" y="20" font-size="15">Cost of a monitor by the number of monitors</text>',
    ]
    for place, it in enumerate(rows):
        start = LEFT + place * group
        for number, (kind, _, colour) in enumerate(kinds):
            height = value(it, kind) / top * (HEIGHT - 20)
            x, y = start + number * bar, TOP + HEIGHT - height
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar - 4}" height="{height:.1f}" rx="2" fill="{colour}"/>')
            parts.append(f'<text x="{x + (bar - 4) / 2:.1f}" y="{y - 4:.1f}" text-anchor="middle" font-size="11">{value(it, kind):.0f}</text>')
        parts.append(f'<text x="{start + 2 * bar - 2:.1f}" y="{TOP + HEIGHT + 20}" text-anchor="middle">{it["monitors"]:,}</text>')
    for number, (_, label, colour) in enumerate(kinds):
        x = LEFT + number * 160
        parts.append(f'<rect x="{x}" y="{TOP + HEIGHT + 36}" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="{TOP + HEIGHT + 47}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    folder = Path(sys.argv[1])
    files = [folder / f"bench-fleet-{size}.json" for size in SIZES]
    rows = [row(json.loads(file.read_text())) for file in files if file.exists()]
    print(tables(rows))
    (folder / "bench-fleet.svg").write_text(picture(rows))


main()

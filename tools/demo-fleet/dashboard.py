"""Draws the dashboard of an overview as SVG: `dashboard.py ACCOUNT REGION FILE`, from its body in CloudWatch and the metrics that it names.

Only the parts that an overview's dashboard has: texts, and graphs of sums. CloudWatch draws them in its own way.
"""

import html
import json
import os
import re
import sys
from datetime import datetime, timedelta, timezone

import botocore.session

CELL, GAP, MARGIN = 46, 8, 16
COLOURS = ["#2f6fde", "#d97a1f", "#2a9d6f", "#a25bc4", "#c2394b", "#3aa6c4", "#8a8f2a", "#7a5c3d"]
STYLE = """
text{font-family:sans-serif;fill:#16191f} .title{font-size:13px;font-weight:600} .small{font-size:10px;fill:#545b64} .head{font-size:18px;font-weight:600}
rect.card{fill:#fff;stroke:#d5dbdb} rect.page{fill:#f2f3f3} line{stroke:#eaeded}
@media(prefers-color-scheme:dark){text{fill:#e9ebed}.small{fill:#95a5b3}rect.card{fill:#1a242f;stroke:#3d4a57}rect.page{fill:#0f1b2a}line{stroke:#2c3a48}}
"""


def client(service: str, account: str, region: str):
    os.environ["AWS_ACCESS_KEY_ID"] = account
    return botocore.session.Session().create_client(service, region_name=region)


def series(metric: list, home: str, period: int) -> tuple[str, list[tuple[datetime, float]]]:
    """The label and the sums of a metric over the last three hours. A query has no series here."""
    options = metric[-1] if isinstance(metric[-1], dict) else {}
    names = [part for part in metric if isinstance(part, str)]
    if len(names) < 2:
        return options.get("expression", ""), []
    now = datetime.now(timezone.utc)
    answer = client("cloudwatch", options.get("accountId", home), options["region"]).get_metric_statistics(
        Namespace=names[0], MetricName=names[1], Statistics=["Sum"], Period=period, StartTime=now - timedelta(hours=3),
        EndTime=now + timedelta(minutes=5), Dimensions=[{"Name": n, "Value": v} for n, v in zip(names[2::2], names[3::2])],
    )
    points = sorted((point["Timestamp"], point["Sum"]) for point in answer["Datapoints"])
    return options.get("label", names[1]), points


def text(x: float, y: float, kind: str, content: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}">{html.escape(content)}</text>'


def words(widget: dict, x: float, y: float, width: float) -> list[str]:
    parts, at = [], y + 22
    for line in widget["properties"]["markdown"].splitlines():
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line).replace("`", "")
        parts.append(text(x + 10, at, "head" if line.startswith("#") else "small", plain.lstrip("# ")[: int(width / 5.5)]))
        at += 20
    return parts


def graph(widget: dict, home: str, x: float, y: float, width: float, height: float) -> list[str]:
    properties = widget["properties"]
    found = [series(metric, home, properties["period"]) for metric in properties["metrics"]]
    shown = [(label, points) for label, points in found if points]
    top = max([value for _, points in shown for _, value in points], default=0) or 1
    now = datetime.now(timezone.utc)
    left, bottom, inner, tall = x + 34, y + height - 44, width - 48, height - 84
    parts = [text(x + 10, y + 18, "title", properties["title"][: int(width / 7.6)])]
    for part in (0, 0.5, 1):
        parts.append(f'<line x1="{left}" x2="{left + inner}" y1="{bottom - part * tall:.0f}" y2="{bottom - part * tall:.0f}"/>')
        parts.append(text(x + 4, bottom - part * tall + 4, "small", f"{top * part:.3g}"))
    for number, (label, points) in enumerate(shown):
        colour = COLOURS[number % len(COLOURS)]
        for at, value in points:
            offset = 1 - (now - at).total_seconds() / (3 * 3600)
            bar = value / top * tall
            parts.append(f'<rect x="{left + offset * inner - 2 + number:.1f}" y="{bottom - bar:.1f}" width="4" height="{max(bar, 1):.1f}" fill="{colour}"/>')
    labels = ", ".join(label for label, _ in shown[:4]) or "no data in the last three hours"
    parts.append(text(x + 10, y + height - 22, "small", f"{labels}{', …' if len(shown) > 4 else ''}"[: int(width / 6)]))
    parts.append(text(x + 10, y + height - 8, "small", f"metrics: {len(found)}"))
    return parts


def main() -> None:
    home, region, file = sys.argv[1:]
    cloudwatch = client("cloudwatch", home, region)
    names = [entry["DashboardName"] for entry in cloudwatch.list_dashboards()["DashboardEntries"]]
    name = next(name for name in names if name.startswith("vfm-o-"))
    widgets = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])["widgets"]
    width = 24 * CELL + 2 * MARGIN
    height = max(widget["y"] + widget["height"] for widget in widgets) * CELL * 0.8 + 2 * MARGIN
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}"><style>{STYLE}</style>']
    parts.append(f'<rect class="page" width="{width}" height="{height:.0f}"/>')
    for widget in widgets:
        x, y = MARGIN + widget["x"] * CELL, MARGIN + widget["y"] * CELL * 0.8
        wide, tall = widget["width"] * CELL - GAP, widget["height"] * CELL * 0.8 - GAP
        parts.append(f'<rect class="card" x="{x}" y="{y:.0f}" width="{wide}" height="{tall:.0f}" rx="4"/>')
        parts += words(widget, x, y, wide) if widget["type"] == "text" else graph(widget, home, x, y, wide, tall)
    with open(file, "w", encoding="utf-8") as output:
        output.write("\n".join([*parts, "</svg>", ""]))
    print(f"{len(widgets)} widgets of {name}: {file}")


main()

"""Draws what the panels of the Grafana dashboard show: picture.py DASHBOARD.json PICTURE.png

DASHBOARD.json is written by the test of the dashboard (tests/gitops/prometheus): panels with their place and the answers of Prometheus.
"""

import datetime
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates as dates
import matplotlib.pyplot as pyplot
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import EngFormatter, MaxNLocator

# Grafana's grid has 24 columns.
COLUMNS = 24
UNITS = {"s": "s", "bytes": "B", "ops": "/s", "reqps": "/s"}
BACKGROUND, PANEL, TEXT, FAINT = "#111217", "#181b1f", "#ccccdc", "#2c3038"
COLOURS = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#b877d9", "#5794f2", "#fade2a", "#96d98d", "#ffb357", "#37872d", "#e02f44"]


def legend(template, labels):
    for name, value in labels.items():
        template = template.replace("{{%s}}" % name, value)
    return template


def values(series):
    points = [(datetime.datetime.fromtimestamp(at, datetime.UTC), float(value)) for at, value in series["values"]]
    return [at for at, _ in points], [value for _, value in points]


def frame(axes, title):
    axes.set_facecolor(PANEL)
    for side in axes.spines.values():
        side.set_color(FAINT)
    axes.set_title(title, loc="left", fontsize=10, color=TEXT, pad=6)


def draw_stat(axes, panel):
    frame(axes, panel["title"])
    axes.set_xticks([])
    axes.set_yticks([])
    value = float(panel["series"][0]["data"][0]["values"][-1][1])
    axes.text(0.5, 0.5, f"{value:g}", ha="center", va="center", fontsize=28, color=COLOURS[0], transform=axes.transAxes)


def draw_lines(axes, panel):
    frame(axes, panel["title"])
    lines = [(legend(target["legend"], series["metric"]), series) for target in panel["series"] for series in target["data"]]
    for number, (name, series) in enumerate(sorted(lines, key=lambda line: line[0])):
        at, value = values(series)
        axes.plot(at, value, color=COLOURS[number % len(COLOURS)], linewidth=1.1, marker="." if len(at) == 1 else None, label=name)
    axes.set_xlim(panel["from"], panel["to"])
    axes.grid(color=FAINT, linewidth=0.5)
    axes.tick_params(colors=TEXT, labelsize=7)
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M:%S"))
    axes.xaxis.set_major_locator(dates.AutoDateLocator(minticks=2, maxticks=4))
    axes.yaxis.set_major_formatter(EngFormatter(unit=UNITS.get(panel["unit"], "")))
    axes.set_ylim(bottom=0)
    if panel["unit"] == "short" and axes.get_ylim()[1] > 2:
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    # A panel with many series has the first of them in its legend, as Grafana shows before one scrolls.
    handles, names = axes.get_legend_handles_labels()
    axes.legend(handles[:8], names[:8], fontsize=6, loc="upper left", facecolor=PANEL, edgecolor=FAINT, labelcolor=TEXT, framealpha=0.8)


def main(source, target):
    with open(source, encoding="utf-8") as file:
        dashboard = json.load(file)
    # A figure counts from the first second on, also before there is anything to count.
    lines = [panel for panel in dashboard["panels"] if panel["type"] != "stat"]
    everything = [series for panel in lines for target in panel["series"] for series in target["data"]]
    instants = [at for series in everything for at in values(series)[0]]
    rows = max(panel["place"]["y"] + panel["place"]["h"] for panel in dashboard["panels"])
    figure = pyplot.figure(figsize=(18, rows * 0.5), facecolor=BACKGROUND)
    figure.suptitle(dashboard["title"], x=0.02, y=0.995, ha="left", fontsize=14, color=TEXT)
    grid = GridSpec(rows, COLUMNS, figure=figure, left=0.03, right=0.985, top=0.955, bottom=0.03, wspace=2.4, hspace=7)
    for panel in dashboard["panels"]:
        place = panel["place"]
        panel["from"], panel["to"] = min(instants), max(instants)
        axes = figure.add_subplot(grid[place["y"] : place["y"] + place["h"], place["x"] : place["x"] + place["w"]])
        (draw_stat if panel["type"] == "stat" else draw_lines)(axes, panel)
    figure.savefig(target, dpi=90, facecolor=BACKGROUND)


main(*sys.argv[1:])

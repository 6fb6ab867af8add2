#!/usr/bin/env python3
"""Checks the documents: `make check-docs`. docs/development.md, "Documents", lists the forms of a block of commands.

Usage: docs/check.py PROGRAMS, the folder with vpc-flow-operator and flow-log-analyze.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/vpcflow-dev/vpc-flow-operator/blob/main/"
ALERTS = ROOT / "charts/vpc-flow-operator/files/alerts.yaml"
CHART = ROOT / "charts/vpc-flow-operator/Chart.yaml"
# A version of three parts, of which the last may be open; not one of Python, nor the chart's kubeVersion, nor a part of an address.
VERSION = re.compile(r"(?<![\d.])(?<!Python )(?<!>=)(\d+\.\d+\.(?:x\b|\d+(?:-[0-9A-Za-z.-]*[0-9A-Za-z])?))(?!\.?\d)")
COMMANDS = ["run", "crd", "permissions", "status", "plan", "verify", "test", "version", "completion"]
# The references of the fields of each kind.
MONITOR, FLEET = ROOT / "docs/configuration.md", ROOT / "docs/fleet-configuration.md"
OVERVIEW = ROOT / "docs/overview-configuration.md"
# Parts of a spec: what begins with one of them is a path of a field.
PARTS = "spec|status|cloudWatchLogs|s3|detections|notifications|detector|analytics|places|selector|template|overrides|rollout|prune|alerts|crossAccount|integrations"
# Parts of a fleet's spec that have fields of a monitor's spec.
MONITORS_IN_FLEETS = ("spec.template.spec", "spec.overrides.spec")

problems: list[str] = []


def problem(where: str, what: str) -> None:
    problems.append(f"{where}: {what}")


class Block:
    """A fenced block: its info string, such as `sh tested`, its text and its first line."""

    def __init__(self, page: "Page", line: int, info: str, text: str) -> None:
        self.where, self.info, self.text = f"{page.name}:{line}", info, text

    @property
    def language(self) -> str:
        return self.info.split(" ")[0]

    def commands(self) -> list[str]:
        """Its lines, with those that are continued put together and comments left out."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        return [line for line in lines if not line.lstrip().startswith("#")]


class Page:
    """A Markdown file."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path.relative_to(ROOT))
        self.blocks: list[Block] = []
        prose, block, start = [], None, 0
        for number, line in enumerate(path.read_text().splitlines(), 1):
            fence = re.match(r"\s*```(.*)", line)
            if fence and block is None:
                block, start, info = [], number, fence[1].strip()
            elif fence:
                self.blocks.append(Block(self, start, info, "\n".join(block) + "\n"))
                block = None
            elif block is not None:
                block.append(line)
            else:
                prose.append((number, line))
        self.prose = prose
        self.headings = [match[2] for _, line in prose if (match := re.match(r"(#+) (.*)", line))]
        self.anchors = anchors(self.headings)
        text = "\n".join(line for _, line in prose)
        # Spans may go over a line's end.
        self.spans = [" ".join(span.split()) for _, span in re.findall(r"(`+)((?:(?!\1).)+)\1", text, re.DOTALL)]
        self.links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", text))


def anchors(headings: list[str]) -> set[str]:
    """Anchors as GitHub makes them of headings."""
    found: dict[str, int] = {}
    for heading in headings:
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        count = found.get(anchor, 0)
        found[anchor] = count + 1
        if count:
            found[f"{anchor}-{count}"] = 1
    return set(found)


def check_links(pages: dict[Path, Page]) -> None:
    for page in pages.values():
        for link in page.links:
            if link.startswith(REPOSITORY):
                check_target(page.name, ROOT / link.removeprefix(REPOSITORY), pages)
            elif "://" not in link and not link.startswith("mailto:"):
                base = page.path if link.startswith("#") else page.path.parent
                check_target(page.name, Path(f"{base}{link}") if link.startswith("#") else base / link, pages)
    for url in re.findall(r"runbook_url: (\S+)", ALERTS.read_text()):
        check_target(str(ALERTS.relative_to(ROOT)), ROOT / url.removeprefix(REPOSITORY), pages)


def check_target(where: str, target: Path, pages: dict[Path, Page]) -> None:
    name, _, anchor = str(target).partition("#")
    path = Path(os.path.normpath(name))
    if not path.exists():
        problem(where, f"there is no {os.path.relpath(path, ROOT)}")
    elif anchor and (path not in pages or anchor not in pages[path].anchors):
        problem(where, f"{os.path.relpath(path, ROOT)} has no heading #{anchor}")


def flags_of(programs: Path) -> dict[str, set[str]]:
    """The flags of each of our commands, from its help."""
    commands = {f"vpc-flow-operator {command}": ["vpc-flow-operator", command] for command in COMMANDS}
    commands["flow-log-analyze"] = ["flow-log-analyze"]
    flags = {}
    for name, (program, *arguments) in commands.items():
        text = subprocess.run([programs / program, *arguments, "--help"], capture_output=True, text=True, check=True).stdout
        flags[name] = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text))
    return flags


def check_flags(page: Page, known: dict[str, set[str]]) -> None:
    every = set().union(*known.values())
    lines = [(block.where, line) for block in page.blocks if block.language in ("sh", "console") for line in block.commands()]
    for where, line in lines + [(page.name, span) for span in page.spans]:
        named = re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", line)
        if line.startswith("--") and named[:1] and named[0] not in every:
            problem(where, f"unknown flag {named[0]}")
        for name, flags in known.items():
            for rest in re.findall(rf"(?:^|[|;&(] *|-- |\$ ){name}\b([^|;#&]*)", line):
                for flag in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", rest):
                    if flag not in flags:
                        problem(where, f"{name} has no {flag}")


def all_fields(monitor: Page, fleet: Page, overview: Page) -> set[str]:
    """Paths of all fields of all kinds."""
    of_monitor = fields(monitor)
    in_fleets = {f"{part}{path.removeprefix('spec')}" for part in MONITORS_IN_FLEETS for path in of_monitor if path.startswith("spec.")}
    return of_monitor | fields(fleet) | fields(overview) | in_fleets


def fields(reference: Page) -> set[str]:
    """Paths of all fields, from the tables of the reference."""
    found, section = set(), ""
    for _, line in reference.prose:
        if heading := re.match(r"#+ `([^`]+)`", line):
            section = heading[1].replace("[]", "")
            found.add(section)
        elif row := re.match(r"\| `([^`]+)` \|", line):
            found.add(f"{section}.{row[1]}")
    return found


def check_fields(page: Page, known: set[str]) -> None:
    for span in page.spans:
        path = re.fullmatch(rf"((?:{PARTS})(?:\.[A-Za-z0-9*]+|\[\])+)(?:[:=].*)?", span)
        if not path or span.endswith((".rs", ".zip")):
            continue
        path = path[1].replace("[]", "")
        pattern = re.escape(path).replace(r"\*", r"\w+")
        roots = [pattern] if path.startswith(("spec.", "status.")) else [rf"spec\.{pattern}", rf"status\.{pattern}"]
        if not any(re.fullmatch(root, field) for root in roots for field in known):
            problem(page.name, f"`{span}` is an unknown field: docs/*configuration.md list all fields")


def check_names(page: Page, operations: Page) -> None:
    metrics = {name for span in operations.spans for name in re.findall(r"\bvpc_flow_operator_\w+", span)}
    conditions, reasons = set(re.findall(r"`(\w+Ready)`", (ROOT / "README.md").read_text())), set(operations.headings)
    alerts = set(re.findall(r"alert: (\w+)", ALERTS.read_text()))
    for span in page.spans:
        for name in re.findall(r"\bvpc_flow_operator_\w+", span):
            if name not in metrics:
                problem(page.name, f"docs/operations.md has no metric {name}")
        if re.fullmatch(r"VpcFlow(Operator|Logs|Monitor)[A-Z]\w+", span):
            if span not in alerts:
                problem(page.name, f"the chart has no alert {span}")
        elif re.fullmatch(r"\w+Ready", span) and span not in conditions | reasons:
            problem(page.name, f"README.md has no condition {span}, and docs/operations.md no reason")
    if page is operations:
        for name in alerts - set(page.spans):
            problem(page.name, f"the alert {name} is not described")


def check_versions(files: list[Path]) -> None:
    """Every version in them is the release's: commands, addresses and examples would otherwise fetch another one."""
    release = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    right = (release, re.sub(r"\d+(-.*)?$", "x", release))
    for path in files:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for version in VERSION.findall(line):
                if version not in right:
                    problem(f"{path.relative_to(ROOT)}:{number}", f"{version} is not the version in Cargo.toml, {release}")


def check_blocks(page: Page) -> None:
    for block in page.blocks:
        first = block.text.splitlines()[0] if block.text.strip() else ""
        if block.info == "sh" and not re.match(r"# (needs|run by): \S", first):
            problem(block.where, "commands that nothing runs: `sh tested`, or `# needs: …` in the first line")
        elif block.language in ("bash", "shell"):
            problem(block.where, "call it sh")
        if block.language == "sh":
            syntax = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
            if syntax.returncode:
                problem(block.where, syntax.stderr.strip())
        if block.language == "json":
            try:
                json.loads(block.text)
            except ValueError as error:
                problem(block.where, str(error))


def run_tested(page: Page, programs: Path) -> int:
    """Runs the page's tested blocks in one shell; how many there are."""
    tested = [block for block in page.blocks if block.info == "sh tested"]
    if not tested:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ["examples", "charts", "crds"]:
            (Path(folder) / name).symlink_to(ROOT / name)
        script = "set -euo pipefail\n" + "".join(f"echo '@ {block.where}' >&2\n{block.text}" for block in tested)
        environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": folder, "KUBECONFIG": "/nonexistent"}
        ended = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True)
    if ended.returncode:
        said = ended.stderr.strip().splitlines()
        where = [line[2:] for line in said if line.startswith("@ ")][-1]
        problem(where, f"exit code {ended.returncode}: {said[-1]}")
    return len(tested)


def main() -> int:
    programs = Path(sys.argv[1]).resolve()
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    pages = {path: Page(path) for path in (ROOT / name for name in sorted(set(listed.stdout.split()))) if path.exists()}
    check_links(pages)
    check_versions([*(path for path in pages if path.name != "CHANGELOG.md"), *sorted((ROOT / "examples").rglob("*.yaml")), CHART])
    operations = pages[ROOT / "docs/operations.md"]
    flags, known, tested = flags_of(programs), all_fields(pages[MONITOR], pages[FLEET], pages[OVERVIEW]), 0
    for path, page in pages.items():
        check_flags(page, flags)
        if path == ROOT / "README.md" or path.parent == ROOT / "docs":
            check_blocks(page)
            check_fields(page, known)
            check_names(page, operations)
            tested += run_tested(page, programs)
    for text in problems:
        print(text, file=sys.stderr)
    print(f"{len(pages)} documents, {tested} blocks of commands run: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

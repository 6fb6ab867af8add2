#!/usr/bin/env python3
"""Counts sentences that begin with a question word without being questions: `make check-words`.

Such a sentence hides its subject: "How long a leader is taken for dead" instead of "Time without a renewal after which another replica may
take over". The number may only fall: it is compared with tools/words/limit.

Usage: tools/words/words.py [--list | --update]
  --list    prints every such sentence with its place
  --update  writes the number into tools/words/limit
"""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT = "tools/words/limit"
CRD = "crds/vpcflow.dev_vpcflowmonitors.yaml"
# Generated from the CRD, which is counted itself.
GENERATED = "docs/configuration.md"
WORDS = r"(?:what|who|whom|whose|whether|how|why|which)\b"
# A quotation does not count.
BEGINS_SO = re.compile(rf"[*_(\[]*{WORDS}", re.IGNORECASE)

# The line of a paragraph and its text.
Paragraph = tuple[int, str]


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def paragraphs(lines: list[Paragraph]) -> Iterator[Paragraph]:
    """Paragraphs, list items, headings and table cells of Markdown, without blocks of code and header rows."""
    paragraph: list[str] = []
    start, fenced, was_row = 0, False, False
    for number, line in [*lines, (0, "")]:
        text = line.strip()
        fence = text.startswith("```")
        row = not fenced and text.startswith("|")
        item = re.match(r"(?:[-*] |\d+\. |#)(.*)", text)
        heading = not fenced and text.startswith("#")
        if paragraph and (fence or row or item or not text):
            yield start, " ".join(paragraph)
            paragraph = []
        if fence:
            fenced = not fenced
        elif heading:
            yield number, text.lstrip("# ")
        elif row:
            # The first row is the header.
            cells = re.split(r"(?<!\\)\|", text.strip("|")) if was_row else []
            yield from ((number, cell) for cell in cells)
        elif text and not fenced:
            start = start if paragraph else number
            paragraph.append(item[1] if item else text)
        was_row = row


def rust(text: str) -> Iterator[Paragraph]:
    """Doc comments."""
    block: list[Paragraph] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if comment := re.match(r"\s*//[/!](?!/) ?(.*)", line):
            block.append((number, comment[1]))
        elif block:
            yield from paragraphs(block)
            block = []


def python(text: str) -> Iterator[Paragraph]:
    """Docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node):
            first = node.body[0].lineno
            yield from paragraphs(list(enumerate(ast.get_docstring(node).splitlines(), first)))


def crd(text: str) -> Iterator[Paragraph]:
    """Descriptions of fields and messages of rules: each is one line or an indented block."""
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if found := re.match(r"([ -]*)(?:description|message): (.*)", line):
            deeper = re.compile(rf" {{{len(found[1]) + 1}}}|$")
            block = []
            for following in lines[index + 1 :]:
                if not deeper.match(following):
                    break
                block.append(following.strip())
            first = [] if re.match(r"[|>]", found[2]) else [found[2]]
            yield from paragraphs(list(enumerate(first + block, index + 1)))


def readers(path: str):
    """The name of the file's area and the function that reads it, if it is one that counts."""
    if path == CRD:
        return "CRD", crd
    if path.endswith(".md") and path != GENERATED:
        return "documents", lambda text: paragraphs(list(enumerate(text.splitlines(), 1)))
    area = path.split("/")[0]
    return {".rs": (f"{area} (Rust)", rust), ".py": (f"{area} (Python)", python)}.get(Path(path).suffix)


def sentences(path: str, text: str) -> Iterator[tuple[int, str]]:
    """The sentences of a file that begin with a question word, with their lines."""
    for line, paragraph in readers(path)[1](text):
        for sentence in re.split(r"(?<=[.!?])[*_)\"]*\s+", paragraph.strip()):
            if BEGINS_SO.match(sentence) and not sentence.rstrip("*_)\" ").endswith("?"):
                yield line, sentence


def known(path: str, commit: str) -> set[str]:
    """Those of a file at a commit."""
    try:
        return {sentence for _, sentence in sentences(path, git("show", f"{commit}:{path}"))}
    except (subprocess.CalledProcessError, SyntaxError):
        return set()


def main() -> int:
    listed = sorted(set(git("ls-files", "-co", "--exclude-standard").splitlines()))
    paths = [path for path in listed if readers(path) and (ROOT / path).is_file()]
    found = {path: list(sentences(path, (ROOT / path).read_text())) for path in paths}
    areas = Counter({readers(path)[0]: 0 for path in paths})
    for path, places in found.items():
        areas[readers(path)[0]] += len(places)
    total = areas.total()
    if "--update" in sys.argv:
        (ROOT / LIMIT).write_text(f"{total}\n")
    limit = int((ROOT / LIMIT).read_text())

    for area, count in sorted(areas.items()):
        print(f"{count:6}  {area}")
    print(f"{total:6}  sentences begin with a question word; the limit is {limit}")
    since = git("log", "-1", "--format=%H", "--", LIMIT).strip() if total > limit else ""
    if total > limit or "--list" in sys.argv:
        for path, places in found.items():
            old = known(path, since) if since and "--list" not in sys.argv else set()
            for line, sentence in places:
                if sentence not in old:
                    print(f"{path}:{line}: {sentence[:120]}", file=sys.stderr)
    if total > limit:
        print("These are new. Put the subject first: CONTRIBUTING.md, \"Plain sentences\", has examples.", file=sys.stderr)
        return 1
    if total < limit:
        print(f"Fewer than the limit: `tools/words/words.py --update` writes {total} into {LIMIT}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

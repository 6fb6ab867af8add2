#!/usr/bin/env python3
"""Finds sentences that begin with a question word without being questions: `make check-words`.

Such a sentence hides its subject: "How long a leader is taken for dead" instead of "Time without a renewal after which another replica may
take over".
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
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


def reader(path: str) -> Callable[[str], Iterator[Paragraph]] | None:
    """The function that reads the paragraphs of a file, if the file is one that counts."""
    if path == CRD:
        return crd
    if path.endswith(".md") and path != GENERATED:
        return lambda text: paragraphs(list(enumerate(text.splitlines(), 1)))
    return {".rs": rust, ".py": python}.get(Path(path).suffix)


def sentences(path: str, text: str) -> Iterator[tuple[int, str]]:
    """The sentences of a file that begin with a question word, with their lines."""
    for line, paragraph in reader(path)(text):
        for sentence in re.split(r"(?<=[.!?])[*_)\"]*\s+", paragraph.strip()):
            if BEGINS_SO.match(sentence) and not sentence.rstrip("*_)\" ").endswith("?"):
                yield line, sentence


def main() -> int:
    listed = sorted(set(git("ls-files", "-co", "--exclude-standard").splitlines()))
    paths = [path for path in listed if reader(path) and (ROOT / path).is_file()]
    found = [(path, line, text) for path in paths for line, text in sentences(path, (ROOT / path).read_text())]
    for path, line, sentence in found:
        print(f"{path}:{line}: {sentence[:120]}", file=sys.stderr)
    if found:
        print('Put the subject first: CONTRIBUTING.md, "Plain sentences", has examples.', file=sys.stderr)
        return 1
    print(f"no sentence in {len(paths)} files begins with a question word")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Finds sentences that begin with a question word without being questions, and words that do not fit programs: `make check-words`.

Such a sentence hides its subject: "How long a leader is taken for dead" instead of "Time without a renewal after which another replica may
take over".
"""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CRDS = "crds/"
# Generated from the CRDs, which are counted themselves.
GENERATED = ("docs/configuration.md", "docs/fleet-configuration.md", "docs/overview-configuration.md")
WORDS = r"(?:what|who|whom|whose|whether|how|why|which)\b"
# A quotation does not count.
BEGINS_SO = re.compile(rf"[*_(\[]*{WORDS}", re.IGNORECASE)
# Words for people that comments and string literals use for programs, and the words to write instead.
BANNED = {
    r"tell|tells|telling|told": "report, print, publish, show or write; for two things: distinguish",
    # As a subject: "owned by nobody" is a fact about an owner.
    r"nobody (?:can|does|else|has|is|may|was|will|\w+s)": "no operator, no program, without …, or a passive sentence",
    r"comes? out": "result, arrive or be published",
    r"trying on": "retrying",
}
BANNED_WORDS = [(re.compile(rf"\b(?:{words})\b", re.IGNORECASE), instead) for words, instead in BANNED.items()]
# String literals count if they are prose, in the programs themselves.
PROGRAMS = re.compile(r"(?:src|crd-schema|detector|devenv)/(?!.*(?:\btests/|tests\.rs|benches/|fuzz/|test_\w+\.rs))")
PROSE_WORDS = 4
TEST_MODULE = re.compile(r"^#\[cfg\(test\)\]\n[^\n]*\{\n.*?^\}\n", re.DOTALL | re.MULTILINE)
RUST_TOKEN = re.compile(
    r'''//(?P<comment>[^\n]*)|/\*.*?\*/'''
    r'''|"(?P<text>(?:[^"\\]|\\.)*)"|\br(?P<hashes>\#*)"(?P<raw>.*?)"(?P=hashes)'''
    r'''|'(?:\\.[^']*|[^\\'])'(?!\w)''',
    re.DOTALL,
)

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


def comments(found: list[tuple[int, str, bool]]) -> Iterator[Paragraph]:
    """Paragraphs of comments, each with its line and with whether it continues the comment on the line above."""
    block: list[Paragraph] = []
    for number, comment, continues in found:
        if block and not (continues and number == block[-1][0] + 1):
            yield from paragraphs(block)
            block = []
        block.append((number, comment))
    yield from paragraphs(block)


def rust(text: str, *, with_literals: bool) -> Iterator[Paragraph]:
    """Comments and, outside of test modules, string literals that are prose."""
    found: list[tuple[int, str, bool]] = []
    literals: list[Paragraph] = []
    kind, line, end = "", 1, 0
    tests = [module.span() for module in TEST_MODULE.finditer(text)] if with_literals else []
    for token in RUST_TOKEN.finditer(text):
        line, end = line + text.count("\n", end, token.start()), token.start()
        comment = token["comment"]
        if comment is None:
            literal = token["raw"] if token["text"] is None else token["text"]
            in_test = any(start <= token.start() < stop for start, stop in tests)
            if literal and with_literals and not in_test:
                literals.append((line, literal))
            continue
        before, (marker, words) = kind, re.match(r"([/!]?)(.*)", comment).groups()
        is_whole_line = not text[text.rfind("\n", 0, token.start()) + 1 : token.start()].strip()
        kind = marker if is_whole_line else "beside code"
        found.append((line, words.removeprefix(" "), is_whole_line and kind == before))
    yield from comments(found)
    for number, literal in literals:
        prose = re.sub(r"\\\n\s*", "", literal).replace(r"\n", "\n")
        if len(re.findall(r"[^\W\d_]{2,}", prose)) >= PROSE_WORDS:
            yield from ((number, paragraph) for _, paragraph in paragraphs(list(enumerate(prose.splitlines()))))


def hashes(text: str) -> Iterator[Paragraph]:
    """Comments that begin with a hash: whole lines, and behind two spaces."""
    found: list[tuple[int, str, bool]] = []
    was_whole_line = False
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"(\s*|.*\S\s{2,})#(?: (.*)|$)", line)
        is_whole_line = bool(match and not match[1].strip())
        if match:
            found.append((number, match[2] or "", is_whole_line and was_whole_line))
        was_whole_line = is_whole_line
    yield from comments(found)


def python(text: str) -> Iterator[Paragraph]:
    """Comments and docstrings."""
    yield from hashes(text)
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
    if path.startswith(CRDS):
        return crd
    if path.endswith(".rs"):
        return functools.partial(rust, with_literals=bool(PROGRAMS.match(path)))
    if path.endswith(".md") and path not in GENERATED:
        return lambda text: paragraphs(list(enumerate(text.splitlines(), 1)))
    if path.endswith((".sh", ".toml", ".yml", "Makefile", "Dockerfile", ".ci/run", "values.yaml")):
        return hashes
    return python if path.endswith(".py") else None


def findings(path: str, text: str) -> Iterator[tuple[int, str, str]]:
    """Lines, bad sentences and the advice for each."""
    for line, paragraph in reader(path)(text):
        for sentence in re.split(r"(?<=[.!?])[*_)\"]*\s+", paragraph.strip()):
            if BEGINS_SO.match(sentence) and not sentence.rstrip("*_)\" ").endswith("?"):
                yield line, sentence, "put the subject first"
            # Documents quote the words.
            for words, instead in BANNED_WORDS if not path.endswith(".md") else ():
                if found := words.search(sentence):
                    yield line, sentence, f"instead of \"{found[0]}\" write {instead}"


def main() -> int:
    listed = sorted(set(git("ls-files", "-co", "--exclude-standard").splitlines()))
    paths = [path for path in listed if reader(path) and (ROOT / path).is_file()]
    found = [(path, *finding) for path in paths for finding in findings(path, (ROOT / path).read_text())]
    for path, line, sentence, advice in found:
        print(f"{path}:{line}: {advice}: {sentence[:120]}", file=sys.stderr)
    if found:
        print('CONTRIBUTING.md, "Plain sentences", has examples.', file=sys.stderr)
        return 1
    print(f"no sentence in {len(paths)} files begins with a question word or uses a word that does not fit a program")
    return 0


if __name__ == "__main__":
    sys.exit(main())

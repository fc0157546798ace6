# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code blocks of the documentation's pages, and the marks that say how they are tested (CONTRIBUTING.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.checkout import ROOT, files

RUN = ("yaml", "shell", "sql")
"""the languages of blocks that are run, unless they are marked otherwise"""
SHOWN = ("json", "ini", "hcl", "text", "html", "toml")
"""the languages of blocks that a reader only reads, or keeps as a file"""

WITH_REASON = ("not run", "not checked", "changes again")
MARKS = ("setup", "file", "on", "fails", *WITH_REASON)
_MARK = re.compile(rf"^[ ]*<!--\s*({'|'.join(MARKS)})\b:?(.*?)-->", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"(?P<indent> *)(?P<ticks>`{3,})(?P<language>[^\s`]*)[^`]*$")


class Unclear(Exception):
    """A block or mark that nobody could test, with its place: what is wrong, and what to write instead."""


@dataclass(frozen=True)
class Block:
    """What stands between two fences; ``marks`` are the comments before it."""

    page: str
    line: int
    language: str
    text: str
    marks: dict[str, str]

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_run(self) -> bool:
        return self.language in RUN and not {"not run", "file"} & set(self.marks)

    def setup(self) -> list[tuple[str, str | None, str]]:
        """Cluster, database and SQL of what must be there before: lines ``cluster[/database]: SQL``."""
        statements = []
        for line in re.sub(r"\n\s+", " ", self.marks.get("setup", "").strip()).splitlines():
            parts = re.fullmatch(r"(\w+)(?:/(\w+))?: (.+)", line.strip())
            if not parts:
                raise Unclear(f"{self.place}: a line of setup is cluster: SQL, or cluster/database: SQL, not: {line}")
            statements.append((parts[1], parts[2], parts[3]))
        return statements

    def plays(self) -> list[dict[str, Any]]:
        """A YAML block as plays; tasks are put into a play on localhost. Empty for YAML that is neither."""
        document = yaml.safe_load(self.text)
        if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
            return []
        if any("hosts" in item or any("import_playbook" in key for key in item) for item in document):
            return document
        return [{"name": "Tasks", "hosts": "localhost", "gather_facts": False, "tasks": document}]


def pages() -> list[str]:
    """Every Markdown file that is, or would be, in the repository; a program writes the changelog.

    docs/docsite is for Sphinx, which reads it each time the site is built.
    """
    others = ("CHANGELOG.md", "docs/docsite/")
    return [name for name in files() if name.endswith(".md") and not name.startswith(others)]


def blocks(page: str, text: str | None = None) -> list[Block]:
    """The blocks of a page, in their order. Raises Unclear for a mark without its block, and the like."""
    found = list(_fenced(page, (ROOT / page).read_text() if text is None else text))
    for block in found:
        _be_clear(block)
    return found


def _fenced(page: str, text: str) -> Iterator[Block]:
    lines = text.splitlines()
    before: list[str] = []
    number = 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if not opening:
            before.append(lines[number])
            number += 1
            continue
        end = _end(lines, number, opening["ticks"])
        inside = [line.removeprefix(opening["indent"]) for line in lines[number + 1 : end]]
        marks = _marks(page, "\n".join(before))
        yield Block(page, number + 1, opening["language"], "\n".join(inside) + "\n", marks)
        before, number = [], end + 1
    _marks(page, "\n".join([*before, "The end of the page"]))


def _end(lines: list[str], start: int, ticks: str) -> int:
    for number in range(start + 1, len(lines)):
        if lines[number].strip() == ticks:
            return number
    return len(lines)


def _marks(page: str, text: str) -> dict[str, str]:
    """The marks at the end of the text before a block."""
    stray = re.split(r"(?:\s*<!--(?:(?!-->).)*-->\s*)*\Z", text, maxsplit=1, flags=re.DOTALL)[0]
    if lost := _MARK.search(stray):
        raise Unclear(f"{page}: the mark <!-- {lost[1]} --> is not followed by a code block; put it right before one.")
    return {mark[1]: mark[2].strip() for mark in _MARK.finditer(text)}


def _be_clear(block: Block) -> None:
    if block.language not in RUN + SHOWN:
        known = ", ".join(RUN + SHOWN)
        raise Unclear(f"{block.place}: the block's language is {block.language!r}; say one of {known}.")
    for mark in WITH_REASON:
        if mark in block.marks and len(block.marks[mark].split()) < 3:
            raise Unclear(f"{block.place}: <!-- {mark}: --> needs its reason.")
    if not block.is_run:
        return
    if block.language == "yaml" and not block.plays():
        raise Unclear(f"{block.place}: neither plays nor tasks; mark it <!-- file: NAME --> and use that file.")
    if block.language == "sql" and "on" not in block.marks:
        raise Unclear(f"{block.place}: say where this SQL is run: <!-- on: ledger -->, or <!-- on: ledger/shop -->.")
    block.setup()

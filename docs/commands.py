"""The commands that the documents show: which can be run as they stand, and which say why they cannot.

A block of commands is indented by four spaces and begins with one, or with `$ ` where answers are shown too. What
stands in comments right before a block is for the test that runs them (`tests/journeys/live/test_how_tos.py`):

    <!-- not run: needs a certificate -->   the block is not run; `make check` prints the reason
    <!-- given: ID=$(…) -->                 the reader has that already; it is run before the block
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_FIRST = re.compile(r"(\$ )?([A-Z_]+=\S+ )*(\.venv/bin/)?(tradepost|curl|export|pip|make|npx|codex|claude)\b")
_SAID = re.compile(r"<!-- (not run|given): (.*?) -->")
_INLINE = re.compile(r"(?<!`)`((?:\.venv/bin/)?tradepost [^`]+)`")
_FENCE = "```"


@dataclass(frozen=True)
class Block:
    """Commands in a document, without their indentation. `line` is that of the first, `given` what is run before."""

    file: Path
    line: int
    text: str
    given: tuple[str, ...] = ()
    not_run: str | None = None

    @property
    def where(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"

    @property
    def script(self) -> str:
        """What a shell is given: without the answers that are shown."""
        lines = self.text.splitlines()
        if lines[0].startswith("$ "):
            return "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
        return self.text


def how_tos() -> list[Path]:
    """The documents whose commands are run: the README, then the how-tos."""
    return [ROOT / "README.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]


def documents() -> list[Path]:
    """Every document."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(file: Path) -> Iterator[Block]:
    """The blocks of commands of a document, in its order."""
    said: list[tuple[str, str]] = []
    indented: list[str] = []
    fenced = False
    for number, line in enumerate([*file.read_text("utf-8").splitlines(), ""], start=1):
        if line.startswith(_FENCE):
            fenced = not fenced
        if line.startswith("    ") and not fenced:
            indented.append(line[4:])
            continue
        if indented:
            if _FIRST.match(indented[0]):
                given = tuple(text for kind, text in said if kind == "given")
                reason = next((text for kind, text in said if kind == "not run"), None)
                yield Block(file, number - len(indented), "\n".join(indented), given, reason)
            indented, said = [], []
        found = _SAID.fullmatch(line)
        if found is not None:
            said.append((found[1], found[2]))
        elif line:
            said = []


def inline(file: Path) -> Iterator[tuple[str, str]]:
    """What stands between backticks and begins with the program's name: where, and the text."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        for text in _INLINE.findall(line):
            yield f"{file.relative_to(ROOT)}:{number}", text.replace("\\|", "|")

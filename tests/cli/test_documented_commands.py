"""Every command line that a document shows is one that the program takes; in this process, so that it costs nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

import pytest
import typer

from docs.commands import blocks, documents, inline
from tradepost.cli.main import app

ROOT: Any = typer.main.get_command(app)
PLACEHOLDER = "…"
STARTS = re.compile(r"(?:^|\$\(|[;&|] *)(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?tradepost (.*)")


class Wrong(Exception):
    """A command line that the program does not take, and why."""


def leaf_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the first words name, and what is left for it."""
    if words[0].startswith("-"):
        return ROOT, words
    command, rest = at_top(words[0]), words[1:]
    while command is not None and getattr(command, "commands", None) and rest and not rest[0].startswith("-"):
        command, rest = command.commands.get(rest[0]), rest[1:]
    if command is None:
        raise Wrong("there is no such command")
    return command, rest


@lru_cache
def at_top(name: str) -> Any:
    """A command of the first level; None for one that is not there."""
    context = ROOT.make_context("tradepost", [], resilient_parsing=True)
    return ROOT.resolve_command(context, [name])[1]


def check_whole(words: list[str]) -> None:
    """A command as it is typed: with all that it needs, of the right kind."""
    command, rest = leaf_of(words)
    try:
        command.make_context(words[0], list(rest))
    except Exception as error:
        raise Wrong(f"{type(error).__name__}: {error}") from error


def check_named(words: list[str]) -> None:
    """A command that a sentence names: it exists, has these options, and takes no fewer words."""
    command, rest = leaf_of(words)
    if hasattr(command, "commands") and command.commands and rest and not rest[0].startswith("-"):
        raise Wrong(f"no command {rest[0]}")
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    known |= {"--help"}
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
    if unknown:
        raise Wrong(f"no option {unknown[0]}")


def typed(script: str) -> Iterator[list[str]]:
    """The program's command lines in a script."""
    for line in script.replace("\\\n", " ").splitlines():
        found = STARTS.search(line)
        if found is None:
            continue
        plain = shlex.shlex(found[1], posix=True, punctuation_chars="|)")
        plain.whitespace_split = True
        plain.commenters = "#"
        words = []
        for word in plain:
            if set(word) <= {"|", ")"}:
                break
            words.append(word)
        yield words


def alternatives(text: str) -> Iterator[list[str]]:
    """What a sentence names, written out: `key mint|revoke` are two."""
    words = [word for word in shlex.split(text)[1:] if PLACEHOLDER not in word]
    for chosen in product(*(word.split("|") if re.fullmatch(r"[-a-z|]+", word) else [word] for word in words)):
        yield list(chosen)


@pytest.mark.parametrize("file", documents(), ids=lambda file: file.name)
def test_every_command_in_a_document_exists(file: Any):
    wrong: list[str] = []
    for block in blocks(file):
        for words in typed(block.script):
            try:
                check_whole(words)
            except Wrong as why:
                wrong.append(f"{block.where}: tradepost {' '.join(words)}: {why}")
    for where, text in inline(file):
        for words in alternatives(text):
            try:
                check_named(words)
            except Wrong as why:
                wrong.append(f"{where}: {text}: {why}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "words",
    ["key mnt", "key mint --agnt a", "server assign tracker", "server enable a b --clas read", "serve --workers many"],
)
def test_what_the_program_does_not_take_is_seen(words: str):
    with pytest.raises(Wrong):
        check_whole(words.split())

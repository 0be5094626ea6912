"""Secrets that come in by a command without standing in its line, where everybody on the machine can read it."""

import os
import sys
from pathlib import Path

import typer

from tradepost.foundation.errors import InvalidArgument

HOW = "- (standard input, or asked for), @FILE, env:NAME, or the value itself"


def secret_value(given: str, what: str) -> str:
    """The secret that an option names: `-` is a line of standard input or, at a terminal, asked for; `@FILE` the text
    of a file; `env:NAME` a variable. Anything else is the secret itself. Raises InvalidArgument, never naming it."""
    if given == "-":
        found = typer.prompt(what, hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    elif given.startswith("@"):
        try:
            found = Path(given[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = (error.strerror or "It cannot be read.") if isinstance(error, OSError) else "It is not text."
            raise InvalidArgument(f"The file {given[1:]} cannot be used: {why}", field=what) from None
    elif given.startswith("env:"):
        found = os.environ.get(given[4:], "")
        if not found:
            raise InvalidArgument(f"The environment has no {given[4:]}.", field=what)
    else:
        return given
    if not found.strip():
        raise InvalidArgument(f"There is nothing where {what} should be.", field=what)
    return str(found).strip()

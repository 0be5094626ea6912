"""How commands talk: tables and sentences for people, JSON for programs, one clear sentence for an error."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import TradepostError

WIDE = 200  # columns where there is no terminal to fit into

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False)

EXIT_FAILED = 1


def show_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n")


def show_lines(rows: Sequence[Mapping[str, Any]]) -> None:
    """One JSON object per line on stdout."""
    for row in rows:
        sys.stdout.write(json.dumps(row, ensure_ascii=False, default=_plain) + "\n")


def show_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], nothing: str) -> None:
    """A table of the named columns, or the sentence for none."""
    if not rows:
        out.print(nothing)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        is_handle = column in ("id", "slug", "prefix", "request")  # people copy these: never broken over two lines
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=is_handle)
    for row in rows:
        table.add_row(*(escape(text(row.get(column))) for column in columns))
    out.print(table)


def say(sentence: str) -> None:
    """A sentence on stdout, taken literally."""
    out.print(escape(sentence), soft_wrap=True)


def text(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return to_rfc3339(value.replace(microsecond=0))
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return str(value)


def warn(sentence: str, hint: str = "") -> None:
    """Something that a person has to see to, on stderr, while the work goes on."""
    err.print(f"[yellow]Warning:[/yellow] {escape(sentence)}", soft_wrap=True)
    if hint:
        err.print(escape(hint), soft_wrap=True)


def fail(error: TradepostError) -> NoReturn:
    """The error in one sentence with what to do next, then exit status 1."""
    err.print(f"[red]Error:[/red] {escape(error.message)}", soft_wrap=True)
    for problem in error.details.get("problems", [])[:20]:
        err.print(f"  - {escape(str(problem))}", soft_wrap=True)
    if error.hint:
        err.print(escape(error.hint), soft_wrap=True)
    raise SystemExit(EXIT_FAILED)


def _plain(value: Any) -> Any:
    return to_rfc3339(value) if isinstance(value, datetime) else str(value)

"""Rows of the log as lines of a file: JSON, or CSV that a spreadsheet takes for text."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson

Format = Literal["jsonl", "csv"]
MEDIA_TYPES: Mapping[Format, str] = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}

COLUMNS = (
    *("sequence", "occurred_at", "kind", "tag", "principal_kind", "principal_id", "agent_id", "user_id", "server"),
    *("tool", "decision", "rule_id", "approver_id", "outcome", "error_code", "duration_us", "upstream_us"),
    *("arguments", "arguments_bytes", "result_bytes", "result_tokens", "request_id", "run_id", "action_id"),
    *("upstream_request_id", "arguments_digest", "definition_digest", "details", "workspace_id", "id", "position"),
    "chain_hash",
)

# What makes a spreadsheet take a cell for a formula, full-width forms included; an apostrophe before it does not show.
_BEGINS_FORMULA = frozenset("=+-@\t\r\n|%＝＋－＠")


def json_line(row: Mapping[str, Any]) -> bytes:
    """One row as one line."""
    try:
        return orjson.dumps(row) + b"\n"
    except TypeError:  # an integer, or half a character, that only Python writes
        return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def csv_head() -> bytes:
    """The line with the names of the columns."""
    return _csv_line(COLUMNS)


def csv_line(row: Mapping[str, Any]) -> bytes:
    """One row as one record."""
    return _csv_line([_cell(row.get(name)) for name in COLUMNS])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    text = text.replace("\x00", "")
    return f"'{text}" if text.lstrip(" \u00a0\ufeff\u200b")[:1] in _BEGINS_FORMULA and text.strip() else text


def _csv_line(cells: Sequence[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue().encode()

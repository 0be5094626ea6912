"""The hashes of the chain: what a row hashes to, and how a link hangs on the one before."""

import hashlib
from typing import Any

import orjson
from sqlalchemy import inspect

from tradepost.foundation.canonical import digest
from tradepost.foundation.clock import to_rfc3339
from tradepost.hub.audit.models import AuditEvent

FIRST = "sha256:" + "0" * 64

_COLUMNS = tuple(attribute.key for attribute in inspect(AuditEvent).column_attrs)


# Columns that the table got later: an empty one is left out, so that rows from before keep their hashes.
LATER = (
    "arguments",
    "arguments_bytes",
    "result_bytes",
    "result_tokens",
    "rule_id",
    "upstream_request_id",
    "upstream_us",
)


def as_plain(event: AuditEvent) -> dict[str, Any]:
    """All columns of a row as JSON values, as they are hashed."""
    values = {name: getattr(event, name) for name in _COLUMNS}
    values["occurred_at"] = to_rfc3339(event.occurred_at)
    return {name: value for name, value in values.items() if value is not None or name not in LATER}


def as_shown(event: AuditEvent) -> dict[str, Any]:
    """A row as JSON for people and programs: every column, the arguments as the object that they are."""
    arguments = event.arguments
    empty: dict[str, Any] = dict.fromkeys(LATER)
    return empty | as_plain(event) | {"arguments": None if arguments is None else orjson.loads(arguments)}


def row_hash(event: AuditEvent) -> str:
    """The hash over every column of a row."""
    return digest(as_plain(event))


def chain_hash(before: str, position: int, row: str) -> str:
    """The hash of a link over the link before it, its own position and its row."""
    link = f'["{before}",{position},"{row}"]'  # canonical as it stands: hashes need no escapes
    return "sha256:" + hashlib.sha256(link.encode()).hexdigest()

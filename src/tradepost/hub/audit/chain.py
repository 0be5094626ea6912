"""The hashes of the chain: what a row hashes to, and how a link hangs on the one before."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import inspect

from tradepost.foundation.canonical import digest
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.audit.masking import as_text
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

PLACED = ("position", "chain_hash")  # what an export adds to the columns


def as_plain(event: AuditEvent) -> dict[str, Any]:
    """All columns of a row as JSON values, as they are hashed."""
    values = {name: getattr(event, name) for name in _COLUMNS}
    values["occurred_at"] = to_rfc3339(event.occurred_at)
    return {name: value for name, value in values.items() if value is not None or name not in LATER}


def as_shown(event: AuditEvent) -> dict[str, Any]:
    """A row as JSON for people and programs: every column, the arguments as the object that they are, with integers of
    any size."""
    arguments = event.arguments
    empty: dict[str, Any] = dict.fromkeys(LATER)
    return empty | as_plain(event) | {"arguments": None if arguments is None else json.loads(arguments)}


def shown_hash(shown: Mapping[str, Any]) -> str:
    """The hash of a row that was written out as `as_shown` has it: the one that `stored.stored_hash` finds in the
    database. Raises InvalidArgument for what cannot be a row."""
    row = {
        name: value for name, value in shown.items() if name not in PLACED and (value is not None or name not in LATER)
    }
    if not row.keys() <= set(_COLUMNS):
        raise InvalidArgument("A row of the audit has no such column.")
    arguments = row.get("arguments")
    if arguments is not None:
        if not isinstance(arguments, dict):
            raise InvalidArgument("The arguments of a row are an object.")
        row["arguments"] = as_text(arguments)
    return digest(row)


def chain_hash(before: str, position: int, row: str) -> str:
    """The hash of a link over the link before it, its own position and its row."""
    link = f'["{before}",{position},"{row}"]'  # canonical as it stands: hashes need no escapes
    return "sha256:" + hashlib.sha256(link.encode()).hexdigest()

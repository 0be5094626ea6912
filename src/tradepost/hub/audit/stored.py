"""Audit rows as the database keeps them, for the sealer: what waits for its link, read and hashed without objects.

The hash is that of `chain.row_hash`, made of what the database holds, or of what was given to it a moment ago by this
very process: then a link speaks for the row as it was written.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import String, Text, bindparam, cast, func, inspect, select, type_coerce

from tradepost.database.lookups import Lookup
from tradepost.database.types import as_rfc3339, from_sqlite
from tradepost.foundation.canonical import canonical
from tradepost.foundation.clock import to_rfc3339, written_once
from tradepost.hub.audit.chain import LATER
from tradepost.hub.audit.fact import COLUMNS as FACT_COLUMNS
from tradepost.hub.audit.models import AuditEvent, AuditLink

PAGE = 50  # rows read and hashed in one go: half a millisecond of the event loop, for which calls wait

_COLUMNS = tuple(sorted(attribute.key for attribute in inspect(AuditEvent).column_attrs))  # canonical order
_AS_KEPT: dict[str, Any] = {  # nothing is made of these on the way
    "details": cast(AuditEvent.details, Text),
    "occurred_at": type_coerce(AuditEvent.occurred_at, String),
}
SELECTED = [_AS_KEPT.get(name, getattr(AuditEvent, name)) for name in _COLUMNS]
SEQUENCE, WORKSPACE_ID, ID, OCCURRED_AT, _DETAILS = (
    _COLUMNS.index(name) for name in ("sequence", "workspace_id", "id", "occurred_at", "details")
)

_linked = select(AuditLink.id).where(AuditLink.workspace_id == AuditEvent.workspace_id, AuditLink.id == AuditEvent.id)
_unsealed = select(*SELECTED).where(~_linked.exists()).order_by(AuditEvent.sequence)

# Rows without a link: behind one number and up to another, the first of those, and those of certain numbers.
_between = _unsealed.where(AuditEvent.sequence > bindparam("after"), AuditEvent.sequence <= bindparam("until"))
UNSEALED = Lookup(_between)
LEFT_OVER = Lookup(_between.limit(PAGE))
UNSEALED_AMONG = Lookup(_unsealed.where(AuditEvent.sequence.in_(bindparam("numbers", expanding=True))))
NUMBERS = Lookup(
    select(AuditEvent.sequence, AuditEvent.id)
    .where(AuditEvent.sequence > bindparam("after"))
    .order_by(AuditEvent.sequence)
    .limit(PAGE)
)
NEWEST = Lookup(select(func.max(AuditEvent.sequence)))

# The last link of a chain.
HEAD = Lookup(
    select(AuditLink.position, AuditLink.chain_hash)
    .where(AuditLink.workspace_id == bindparam("workspace"))
    .order_by(AuditLink.position.desc())
    .limit(1)
)

_PLAIN = frozenset((str, int, type(None)))
_LARGEST = 2**53 - 1
_NUMBERS = ("sequence", "duration_us", "upstream_us", "arguments_bytes", "result_bytes", "result_tokens")
_numbers_of = itemgetter(*(_COLUMNS.index(name) for name in _NUMBERS))


def stored_hash(values: Sequence[Any]) -> str:
    """The hash over every column of a row that was read as the database keeps it."""
    row = dict(zip(_COLUMNS, values, strict=True))
    moment, details = row["occurred_at"], row["details"]
    row["occurred_at"] = as_rfc3339(moment) if type(moment) is str else written_once(moment)
    for name in LATER:
        if row[name] is None:
            del row[name]
    row["details"] = None
    if _is_plain(row, values):
        row["details"] = {} if details == "{}" else orjson.Fragment(canonical(orjson.loads(details)))
        text = orjson.dumps(row)
    else:
        row["details"] = orjson.loads(details)
        text = canonical(row)
    return "sha256:" + hashlib.sha256(text).hexdigest()


_as_columns = itemgetter(*((*FACT_COLUMNS, "sequence").index(name) for name in _COLUMNS))


def given_hash(given: Sequence[Any], sequence: int) -> str:
    """The same hash over a row as it was given to the database, with the number that it got there."""
    values = list(_as_columns((*given, sequence)))
    details = values[_DETAILS]
    values[_DETAILS] = orjson.dumps(details).decode() if details else "{}"
    return stored_hash(values)


def written(values: Sequence[Any]) -> dict[str, Any]:
    """A row that was read as the database keeps it, for `written_out`: what is JSON there stays the text that it is."""
    row = dict(zip(_COLUMNS, values, strict=True))
    occurred_at, arguments = row["occurred_at"], row["arguments"]
    row["occurred_at"] = as_rfc3339(occurred_at) if type(occurred_at) is str else to_rfc3339(occurred_at)
    row["details"] = orjson.Fragment(row["details"])
    if arguments is not None:
        row["arguments"] = orjson.Fragment(arguments)
    return row


def moment(kept: str | datetime) -> datetime:
    """A time as the database keeps it. Raises ValueError."""
    found = from_sqlite(kept) if isinstance(kept, str) else kept.astimezone(UTC)
    if found is None:
        raise ValueError("There is no time.")
    return found


def _is_plain(row: dict[str, Any], values: Sequence[Any]) -> bool:
    """Whether any serializer writes these columns as canonical JSON does; they are in the order of their names. Text
    out of a database is always valid."""
    if not _PLAIN.issuperset(map(type, row.values())):
        return False
    return not [number for number in _numbers_of(values) if number is not None and not -_LARGEST <= number <= _LARGEST]

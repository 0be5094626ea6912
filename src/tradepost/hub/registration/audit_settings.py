"""What an admin sets for the record of calls: what is kept of arguments, and for how long rows are kept."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.audit.keeping import ROW_ID
from tradepost.hub.audit.masking import KEEPINGS
from tradepost.hub.audit.models import AuditSettings

LEAST_DAYS, MOST_DAYS = 1, 36_500
MOST_FIELDS = 200
MOST_TOOLS = 1_000

_TOOL = re.compile(r"[a-z][a-z0-9-]{0,63}/(?:\*|[A-Za-z0-9_.-]{1,128})")
_FIELD = re.compile(r"[^\x00-\x1f]{1,100}")


@dataclass(frozen=True, slots=True)
class Recording:
    """How a workspace records. `tools` has SERVER/TOOL or SERVER/* where a tool differs from `arguments`."""

    arguments: str = "masked"
    tools: Mapping[str, str] = field(default_factory=dict)
    personal_fields: tuple[str, ...] = ()
    secret_fields: tuple[str, ...] = ()
    keep_days: int | None = None


async def in_force(session: AsyncSession) -> Recording:
    """What holds in the session's workspace."""
    row = await _row(session)
    return Recording() if row is None else _of(row)


async def change(session: AsyncSession, by: Caller, changed: Mapping[str, Any]) -> Recording:
    """Set what is named, leave the rest; of `tools` the ones that are named, with None to follow the workspace again.
    In force on the next call. Raises InvalidArgument; then nothing is changed."""
    await require_role(session, by, "admin")
    row = await _row(session)
    before = Recording() if row is None else _of(row)
    given = dict(changed)
    if "tools" in given:
        tools = {**before.tools, **given["tools"]}
        given["tools"] = {name: keeping for name, keeping in sorted(tools.items()) if keeping is not None}
    for name in ("personal_fields", "secret_fields"):
        if name in given:
            given[name] = tuple(dict.fromkeys(given[name]))
    after = replace(before, **given)
    check(after)
    if after == before:
        return before
    if row is None:
        row = AuditSettings(id=ROW_ID)
        session.add(row)
    row.arguments, row.tools, row.keep_days = after.arguments, dict(after.tools), after.keep_days
    row.personal_fields, row.secret_fields = list(after.personal_fields), list(after.secret_fields)
    await record_change(session, by, "audit:settings", ROW_ID, {"before": asdict(before), "after": asdict(after)})
    return after


def check(wanted: Recording) -> None:
    """Raises InvalidArgument for what cannot be kept to."""
    for of, keeping in (("arguments", wanted.arguments), *wanted.tools.items()):
        if keeping not in KEEPINGS:
            raise InvalidArgument(
                f"'{keeping[:40]}' is no way to keep arguments.", hint=f"Say {', '.join(KEEPINGS)}.", field=of[:200]
            )
    if len(wanted.tools) > MOST_TOOLS:
        raise InvalidArgument(f"At most {MOST_TOOLS} tools can differ.", hint="Use SERVER/*.", field="tools")
    for tool in wanted.tools:
        if not _TOOL.fullmatch(tool):
            raise InvalidArgument(
                f"'{tool[:60]}' names no tool.",
                hint="Write SERVER/TOOL, or SERVER/* for all of a server.",
                field="tools",
            )
    for name, fields in (("personal_fields", wanted.personal_fields), ("secret_fields", wanted.secret_fields)):
        if len(fields) > MOST_FIELDS or not all(_FIELD.fullmatch(one) for one in fields):
            raise InvalidArgument(
                f"{name} are at most {MOST_FIELDS} names of 1 to 100 characters.", hint="Shorten the list.", field=name
            )
    if wanted.keep_days is not None and not LEAST_DAYS <= wanted.keep_days <= MOST_DAYS:
        raise InvalidArgument(
            f"keep_days is {LEAST_DAYS} to {MOST_DAYS:,}, or nothing to keep rows for good.", field="keep_days"
        )


def _of(row: AuditSettings) -> Recording:
    return Recording(row.arguments, row.tools, tuple(row.personal_fields), tuple(row.secret_fields), row.keep_days)


async def _row(session: AsyncSession) -> AuditSettings | None:
    row: AuditSettings | None = await session.scalar(select(AuditSettings).where(AuditSettings.id == ROW_ID))
    return row

"""What the audit keeps, in a configuration: checked, compared and brought to what a file says."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.registration import audit_settings
from tradepost.hub.registration.audit_settings import Recording
from tradepost.hub.registration.configuration.document import AuditPart, Document
from tradepost.hub.registration.configuration.plan import Change

_MEMBERS = ("arguments", "tools", "personal_fields", "secret_fields", "keep_days")


def checked_recording(part: AuditPart) -> AuditPart:
    """The part in the form in which it is kept. Raises InvalidArgument."""
    fields = {name: list(dict.fromkeys(getattr(part, name))) for name in ("personal_fields", "secret_fields")}
    kept = part.model_copy(
        update={
            name: value
            for name, value in {**fields, "tools": dict(sorted(part.tools.items()))}.items()
            if part.says(name)
        }
    )
    audit_settings.check(
        Recording(kept.arguments, kept.tools, tuple(kept.personal_fields), tuple(kept.secret_fields), kept.keep_days)
    )
    return kept


def compare_recording(wanted: Document, current: Document) -> list[Change]:
    """What differs, if anything does."""
    part, now = wanted.audit, current.audit
    members = {
        name: (getattr(now, name), getattr(part, name))
        for name in _MEMBERS
        if wanted.says("audit") and part.says(name) and getattr(now, name) != getattr(part, name)
    }
    return [Change("change", "audit", "of the workspace", (), members)] if members else []


async def apply_recording(session: AsyncSession, by: Caller, change: Change) -> None:
    """Do what a plan says of it."""
    given: dict[str, Any] = {name: after for name, (_, after) in change.members.items()}
    if "tools" in given:
        before: Mapping[str, str] = change.members["tools"][0]
        given["tools"] = {**dict.fromkeys(before), **given["tools"]}
    await audit_settings.change(session, by, given)

"""How the record of calls is kept: what of arguments, for how long, and deleting what is older."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.shapes import Given, Instant, Moment, Shown
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.audit.prune import prune
from tradepost.hub.audit.signing import Signer
from tradepost.hub.registration import audit_settings

router = APIRouter(tags=["audit"])

Reading = Annotated[Work, Depends(may("admin", "read:audit"))]
Changing = Annotated[Work, Depends(may("admin", "manage:workspace"))]
Pruning = Annotated[Work, Depends(may("owner", "manage:workspace"))]
Keeping = Literal["full", "masked", "digest"]
Fields = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=200)]


class RecordingShown(Shown):
    """How the workspace records calls."""

    arguments: str = Field(description="full, masked (no secrets, no personal data, texts cut) or digest.")
    tools: dict[str, str] = Field(description="Where a tool differs: SERVER/TOOL or SERVER/*.")
    personal_fields: list[str] = Field(description="Names of arguments with personal data, beside those known.")
    secret_fields: list[str] = Field(description="Names of arguments with secrets, beside those known.")
    keep_days: int | None = Field(description="Rows are deleted after so many days; null keeps them for good.")


class RecordingChange(Given):
    """What to change; what is left out stays."""

    arguments: Keeping | None = None
    tools: dict[str, Keeping | None] | None = Field(None, description="null for a tool: as the workspace does.")
    personal_fields: Fields | None = None
    secret_fields: Fields | None = None
    keep_days: int | None = Field(None, ge=1, le=36_500, description="null: for good.")


class Prune(Given):
    """What to delete."""

    before: Moment = Field(description="Rows older than this, which must be in the past.")


class Pruned(Shown):
    """What was deleted, and the link from which the chain is checked now."""

    rows: int
    position: int | None
    chain_hash: str | None
    first_at: Instant | None
    last_at: Instant | None


@router.get("/audit-settings", summary="Show how calls are recorded")
async def get_audit_settings(work: Reading) -> RecordingShown:
    """What is kept of arguments, and for how long."""
    async with work.reading() as session:
        return _shown(await audit_settings.in_force(session))


@router.patch("/audit-settings", summary="Change how calls are recorded")
async def change_audit_settings(work: Changing, body: RecordingChange) -> RecordingShown:
    """In force on the next call. What is recorded already stays as it is."""
    given: dict[str, Any] = body.model_dump(exclude_unset=True)
    for name, value in given.items():
        if value is None and name != "keep_days":
            raise InvalidArgument(f"{name} cannot be null.", hint="Leave it out, or say what it shall be.", field=name)
    async with work.writing() as session:
        return _shown(await audit_settings.change(session, work.caller, given))


@router.post("/audit/prune", summary="Delete old audit rows")
async def prune_audit(work: Pruning, body: Prune) -> Pruned:
    """Delete the rows at the beginning of the chain that are older than a moment, behind a checkpoint from which the
    rest is still proven. Export them before: they cannot be brought back."""
    now = work.parts.now()
    if body.before > now:
        raise InvalidArgument("The time lies in the future.", hint="Say one in the past.", field="before")
    signer = Signer(work.parts.database, work.parts.vault.audit_keys())
    found = await prune(work.parts.database, work.caller, body.before, now, signer)
    if found is None:
        return Pruned(rows=0, position=None, chain_hash=None, first_at=None, last_at=None)
    return Pruned.model_validate(found, from_attributes=True)


def _shown(found: audit_settings.Recording) -> RecordingShown:
    return RecordingShown.model_validate(found, from_attributes=True)

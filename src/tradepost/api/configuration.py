"""The whole configuration of a workspace: given out, and brought to what a document says."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.shapes import Shown
from tradepost.hub.registration.configuration.document import as_plain
from tradepost.hub.registration.configuration.reading import read_value
from tradepost.hub.registration.configuration.showing import plan_shown

router = APIRouter(tags=["configuration"])

Reading = Annotated[Work, Depends(may("admin", "read:servers"))]
Writing = Annotated[Work, Depends(may("admin", "manage:workspace"))]


class MemberShown(Shown):
    """A value that would be another one."""

    member: str
    before: Any
    after: Any


class ChangeShown(Shown):
    """One thing that is created, changed or removed. `line` says it in one line."""

    action: Literal["create", "change", "remove"]
    kind: str
    name: str
    members: list[MemberShown]
    note: str | None
    line: str


class ToBeSetShown(Shown):
    """A value that nobody has given: of a header that a server should be sent, of its secret URL, or of its OAuth
    client's secret. Set it next at the server."""

    server: str
    what: Literal["header", "url", "client_secret"]
    header: str | None
    secret: bool
    variable: str


class PlanShown(Shown):
    """What was changed, or with `dry_run` what would be; nothing, if the workspace is as the document says."""

    dry_run: bool
    changed: bool
    changes: list[ChangeShown]
    notes: list[str] = Field(description="What is not done, and why.")
    to_be_set: list[ToBeSetShown]


@router.get("/configuration", summary="Export the configuration", response_model=None)
async def get_configuration(work: Reading) -> dict[str, Any]:
    """Servers, tools with their pinned definitions, assignments, profiles, agents and limits, as `tradepost export`
    writes them. No secret is in it, and no value of a header."""
    return as_plain(await work.parts.configurations.export(work.caller))


@router.post("/configuration", summary="Import a configuration")
async def bring_configuration(
    work: Writing,
    body: dict[str, Any],
    dry_run: Annotated[bool, Query(description="Only say what would change.")] = False,
    prune: Annotated[bool, Query(description="Remove what the lists do not have; agents are disabled.")] = False,
) -> PlanShown:
    """Bring the workspace to what a document says: all of it or nothing. What the document leaves out stays as it is.
    Values of headers are not part of it."""
    read = read_value(body)
    plan = await work.parts.configurations.bring(work.caller, read, dry_run=dry_run, prune=prune)
    return PlanShown.model_validate(plan_shown(plan, dry_run=dry_run))

"""Handing the right to answer approvals to another person for a while."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may, may_answer
from tradepost.api.shapes import Given, Instant, Moment, Reference, Shown, in_path
from tradepost.hub.actions import delegations

router = APIRouter(tags=["approvals"])

Reading = Annotated[Work, Depends(may("viewer", "read:approvals"))]
Writing = Annotated[Work, Depends(may_answer("write:approvals"))]
Which = Annotated[str, in_path("The delegation's id.", "dlg_06fk3w9x0t")]


class NewDelegation(Given):
    """To whom, and for how long."""

    to: Reference = Field(description="E-mail address or id of a person of equal or lower role.")
    starts_at: Moment
    ends_at: Moment


class DelegationShown(Shown):
    """One person's right in another's hands."""

    id: str
    from_: str = Field(alias="from", description="Whose right it is, by e-mail address.")
    from_user_id: str
    to: str
    to_user_id: str
    starts_at: Instant
    ends_at: Instant
    revoked_at: Instant | None


class DelegationsShown(Shown):
    """The latest first."""

    items: list[DelegationShown]


@router.get("/delegations", summary="List delegations")
async def list_delegations(work: Reading) -> DelegationsShown:
    """All of the workspace, also those that are over."""
    async with work.reading() as session:
        found = await delegations.list_delegations(session)
    return DelegationsShown(items=[_shown(one) for one in found])


@router.post("/delegations", status_code=201, summary="Hand one's right to another person")
async def create_delegation(work: Writing, body: NewDelegation) -> DelegationShown:
    """For a time. It cannot be handed on, and with several approvals each right counts once."""
    async with work.writing() as session:
        now = work.parts.now()
        return _shown(await delegations.delegate(session, work.caller, body.to, body.starts_at, body.ends_at, now))


@router.post("/delegations/{delegation}/revoke", summary="End a delegation")
async def revoke_delegation(work: Writing, delegation: Which) -> DelegationShown:
    """At once; what was approved by it and not yet carried out does not count any more."""
    async with work.writing() as session:
        return _shown(await delegations.revoke(session, work.caller, delegation, work.parts.now()))


def _shown(found: Any) -> DelegationShown:
    return DelegationShown.model_validate(dict(found))

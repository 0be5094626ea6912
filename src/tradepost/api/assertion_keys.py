"""The keys that sign what servers are told of callers. Nothing of them here is secret."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.shapes import Given, Instant, Shown
from tradepost.hub.registration import assertion_keys as services
from tradepost.hub.vault.assertion_keys import ShownKey

router = APIRouter(tags=["assertion keys"])

Managing = Annotated[Work, Depends(may("admin", "manage:workspace"))]


class AssertionKeyShown(Shown):
    """A key."""

    kid: str
    state: Literal["next", "signing", "old", "ended"] = Field(
        description="next: published, signs later. signing. old: published until its last statement has ended. ended."
    )
    signs_from: Instant
    published_until: Instant | None


class AssertionKeys(Shown):
    """The workspace's keys; there are never more than a few."""

    items: list[AssertionKeyShown]


class AssertionKeyRotation(Given):
    """How to rotate."""

    at_once: bool = Field(False, description="Sign with the new key now, though others may not have it yet.")


@router.get("/assertion-keys", summary="List the keys of caller assertions")
async def list_assertion_keys(work: Managing) -> AssertionKeys:
    """The newest first. The first one is made when it is needed."""
    async with work.reading() as session:
        found = await services.list_keys(session, work.caller, work.parts.vault.assertion_keys())
    return AssertionKeys(items=[_shown(one) for one in found])


@router.post("/assertion-keys/rotate", summary="Make another key for caller assertions")
async def rotate_assertion_key(work: Managing, body: AssertionKeyRotation) -> AssertionKeyShown:
    """It is published now and signs ten minutes later; the old one stays until its last statement has ended."""
    async with work.writing() as session:
        keys = work.parts.vault.assertion_keys()
        return _shown(await services.rotate(session, work.caller, keys, at_once=body.at_once))


def _shown(key: ShownKey) -> AssertionKeyShown:
    return AssertionKeyShown(
        kid=key.kid,
        state=key.state,  # type: ignore[arg-type]
        signs_from=key.signs_from,
        published_until=key.published_until,
    )

"""Invitations: one-time links with which somebody becomes a user. A link is in one answer only: the one that
made it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from tradepost.api.access import ANSWER, Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Instant, Page, PageQuery, Shown, in_path, page
from tradepost.api.users import NewUser, RoleField
from tradepost.foundation.errors import ForbiddenScope
from tradepost.hub.access import person_links as services
from tradepost.hub.access.person_models import PersonLink

router = APIRouter(tags=["invitations"])

Reading = Annotated[Work, Depends(may("admin", "read:users"))]
Writing = Annotated[Work, Depends(may("admin", "write:users"))]
Which = Annotated[str, in_path("The invitation's id, or the e-mail address it is for.", "lnk_06fk3w9x0t")]


class NewInvitation(NewUser):
    """Whom to invite. They choose a password, or sign in with the identity provider, when they open the link."""


class InvitationShown(Shown):
    """An invitation that can be accepted, without its link."""

    id: str
    email: str
    name: str
    role: RoleField
    made_by: str = Field(description="The person, or the principal, who made it.")
    created_at: Instant
    expires_at: Instant


class InvitationMade(InvitationShown):
    """A new invitation."""

    link: str | None = Field(
        description="The one-time link, shown only now: send it to them. Null where the request was repeated with its "
        "idempotency key: the link is kept nowhere; if it was lost, invite them again."
    )


@router.get("/invitations", summary="List invitations")
async def list_invitations(work: Reading, query: Annotated[PageQuery, Query()]) -> Page[InvitationShown]:
    """Those that can still be accepted, the oldest first."""
    place = Place("invitations", work.caller.workspace_id, query.limit, query.cursor)
    async with work.reading() as session:
        statement = services.open_invitations(work.parts.now())
        rows, more = await page_of(session, place, statement, [(PersonLink.id, str)])
    return page([_shown(row) for row in rows], more)


@router.post("/invitations", status_code=201, summary="Invite somebody")
async def create_invitation(work: Writing, request: Request, body: NewInvitation) -> InvitationMade:
    """A link that is good once and for three days. Another open invitation of the address ends. Only an owner invites
    an owner, and a key with scopes no admin: its holder could open the link, and be more than the key is."""
    if work.caller.scopes and body.role in ("owner", "admin"):
        raise ForbiddenScope(
            f"A key with scopes cannot invite somebody as {body.role}.",
            hint="Use a key without scopes, or invite them as operator and let an admin change the role.",
            field="role",
        )
    async with work.writing() as session:
        made = await services.invite(session, work.caller, body.email, body.role, body.name, work.parts.now)
        row = await services.find_invitation(session, made.id, work.parts.now)
    shown = _shown(row).model_dump()
    without = InvitationMade(**shown, link=None)
    request.scope[ANSWER].for_repetitions = without.model_dump_json().encode()
    return InvitationMade(**shown, link=work.parts.url + made.path)


@router.get("/invitations/{invitation}", summary="Show an invitation")
async def get_invitation(work: Reading, invitation: Which) -> InvitationShown:
    """One that can still be accepted."""
    async with work.reading() as session:
        return _shown(await services.find_invitation(session, invitation, work.parts.now))


@router.post("/invitations/{invitation}/revoke", summary="Take an invitation back")
async def revoke_invitation(work: Writing, invitation: Which) -> InvitationShown:
    """Its link is not good any more."""
    async with work.writing() as session:
        return _shown(await services.revoke_invitation(session, work.caller, invitation, work.parts.now))


def _shown(row: PersonLink) -> InvitationShown:
    return InvitationShown(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,  # type: ignore[arg-type]
        made_by=row.made_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )

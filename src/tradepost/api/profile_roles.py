"""Roles of people in single profiles, beside the one in the workspace."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import and_, select

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Given, Page, PageQuery, Shown, in_path, page
from tradepost.hub.access.agents import find_profile
from tradepost.hub.access.models import Profile, User
from tradepost.hub.access.person_models import ProfileRole
from tradepost.hub.access.profile_roles import set_profile_role

router = APIRouter(tags=["profiles"])

Reading = Annotated[Work, Depends(may("viewer", "read:users"))]
Writing = Annotated[Work, Depends(may("admin", "write:users"))]
WhichProfile = Annotated[str, in_path("The profile's slug or id.", "internal")]
WhichUser = Annotated[str, in_path("The person's id or e-mail address.", "usr_06fk3w9x0t")]
RoleInProfile = Annotated[
    Literal["admin", "operator", "viewer"],
    Field(
        description="For this profile's agents alone. Where it is lower than the one in the workspace, that one counts."
    ),
]


class ProfileRoleGiven(Given):
    """The role to give."""

    role: RoleInProfile


class ProfileRoleShown(Shown):
    """A person's role in a profile."""

    profile_id: str
    user_id: str
    email: str
    role: RoleInProfile


@router.get("/profiles/{profile}/roles", summary="List who has a role in a profile")
async def list_profile_roles(
    work: Reading, profile: WhichProfile, query: Annotated[PageQuery, Query()]
) -> Page[ProfileRoleShown]:
    """The people with a role of their own in it, by e-mail address."""
    async with work.reading() as session:
        found = await find_profile(session, profile)
        place = Place("profile roles", work.caller.workspace_id, query.limit, query.cursor, (found.id,))
        of_user = and_(User.workspace_id == ProfileRole.workspace_id, User.id == ProfileRole.user_id)
        statement = select(ProfileRole).join(User, of_user).where(ProfileRole.profile_id == found.id)
        rows, more = await page_of(session, place, statement.add_columns(User), [(User.email, str)])
    return page([_shown(found, user, row.role) for row, user in rows], more)


@router.put("/profiles/{profile}/roles/{user}", summary="Give a person a role in a profile")
async def put_profile_role(
    work: Writing, profile: WhichProfile, user: WhichUser, body: ProfileRoleGiven
) -> ProfileRoleShown:
    """From the next request on."""
    async with work.writing() as session:
        person, found = await set_profile_role(session, work.caller, user, profile, body.role)
        return _shown(found, person, body.role)


@router.delete("/profiles/{profile}/roles/{user}", status_code=204, summary="Take a person's role in a profile away")
async def delete_profile_role(work: Writing, profile: WhichProfile, user: WhichUser) -> None:
    """The one in the workspace goes on. Taking away what is not there is the same."""
    async with work.writing() as session:
        await set_profile_role(session, work.caller, user, profile, None)


def _shown(profile: Profile, user: User, role: str) -> ProfileRoleShown:
    return ProfileRoleShown(
        profile_id=profile.id,
        user_id=user.id,
        email=user.email,
        role=role,  # type: ignore[arg-type]
    )

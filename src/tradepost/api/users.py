"""People of the workspace and their roles. Passwords are set by people themselves, never here."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import select

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Given, Instant, Page, PageQuery, Shown, Words, in_path, page
from tradepost.hub.access import people
from tradepost.hub.access.models import Role, User

router = APIRouter(tags=["users"])

Reading = Annotated[Work, Depends(may("viewer", "read:users"))]
Writing = Annotated[Work, Depends(may("admin", "write:users"))]
Which = Annotated[str, in_path("The person's id or e-mail address.", "usr_06fk3w9x0t")]
RoleField = Annotated[
    Role, Field(description="viewer looks, operator approves, admin changes registry and access, owner everything.")
]
AttributeName = Annotated[str, Field(min_length=1, max_length=60)]
AttributeValue = Annotated[str, Field(max_length=200)]


class NewUser(Given):
    """A person to add."""

    email: str = Field(
        min_length=3,
        max_length=255,
        pattern=r"^[^\s@\x00-\x1f]{1,64}@[^\s@\x00-\x1f]{1,190}$",
        examples=["olga@shop.test"],
    )
    name: Words = Field("", description="Full name; the address without one.")
    role: RoleField = "operator"


class UserChange(Given):
    """What to change of a person: a role, shutting them out or letting them in again, what binds their tools."""

    role: RoleField | None = None
    status: Literal["active", "disabled"] | None = Field(
        None, description="disabled: their keys stop working on the next call, and their browsers are signed out."
    )
    attributes: dict[AttributeName, AttributeValue] | None = Field(
        None,
        max_length=20,
        description='What binds the tools of whoever acts for them. "" takes one away; those not named stay.',
        examples=[{"region": "EU"}],
    )


class UserShown(Shown):
    """A person."""

    id: str
    email: str
    name: str
    role: RoleField
    status: str
    attributes: dict[str, str] = Field(description="What binds the tools of whoever acts for them.")
    version: int
    created_at: Instant


@router.get("/users", summary="List people")
async def list_users(work: Reading, query: Annotated[PageQuery, Query()]) -> Page[UserShown]:
    """Everybody in the workspace, by e-mail address."""
    place = Place("users", work.caller.workspace_id, query.limit, query.cursor)
    async with work.reading() as session:
        rows, more = await page_of(session, place, select(User), [(User.email, str)])
    return page([_shown(row) for row in rows], more)


@router.post("/users", status_code=201, summary="Add a person")
async def create_user(work: Writing, body: NewUser) -> UserShown:
    """A new person. Only an owner makes owners."""
    async with work.writing() as session:
        return _shown(await people.create_user(session, work.caller, body.email, body.name, body.role))


@router.get("/users/{user}", summary="Show a person")
async def get_user(work: Reading, user: Which) -> UserShown:
    """One person."""
    async with work.reading() as session:
        return _shown(await people.find_user(session, user))


@router.patch("/users/{user}", summary="Change a person's role or attributes, shut them out, let them in again")
async def change_user(work: Writing, user: Which, body: UserChange) -> UserShown:
    """Acts on the next request of each of their keys. A workspace keeps at least one owner."""
    async with work.writing() as session:
        row = await people.find_user(session, user)
        if body.role is not None:
            await people.set_role(session, work.caller, row.id, body.role)
        if body.attributes is not None:
            await people.set_attributes(session, work.caller, row.id, body.attributes)
        if body.status is not None and body.status != row.status:
            switch = people.enable_user if body.status == "active" else people.disable_user
            await switch(session, work.caller, row.id)
        return _shown(row)


def _shown(row: User) -> UserShown:
    return UserShown(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,  # type: ignore[arg-type]
        status=row.status,
        attributes=row.attributes,
        version=row.version,
        created_at=row.created_at,
    )

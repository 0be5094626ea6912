"""Profiles: groups of agents with one audience and one posture towards writes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import select

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Given, Instant, Page, PageQuery, Shown, Slug, Words, in_path, page
from tradepost.hub.access import agents as services
from tradepost.hub.access.field_rules import KINDS, FieldRule, Show, change_fields, rules_in
from tradepost.hub.access.models import Posture, Profile, Role

router = APIRouter(tags=["profiles"])

Reading = Annotated[Work, Depends(may("viewer", "read:agents"))]
Writing = Annotated[Work, Depends(may("admin", "write:agents"))]
Which = Annotated[str, in_path("The profile's slug or id.", "internal")]
PostureField = Annotated[
    Posture, Field(description="propose: every write asks a person; guarded: only what destroys or moves money.")
]


class NewProfile(Given):
    """A profile to make."""

    slug: Slug
    name: Words = Field("", description="Full name; the slug without one.")
    posture: PostureField = "propose"


class ProfileChange(Given):
    """What to change of a profile."""

    posture: PostureField


class FieldRuleGiven(Given):
    """What becomes of one kind of field."""

    kind: str = Field(
        min_length=1, max_length=100, description=f"One of: {', '.join(KINDS)}.", examples=["email", "field:vat_number"]
    )
    show: Show = Field(description="masked, or left_out.")
    but_for: Role | None = Field(None, description="From this role on, the person behind a call sees it all the same.")


class FieldsChange(Given):
    """Rules to set, and kinds to let go of."""

    set: list[FieldRuleGiven] = Field(default_factory=list, max_length=100)
    unset: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(default_factory=list, max_length=100)


class FieldsShown(Shown):
    """A profile's rules, by kind."""

    profile_id: str
    profile: str
    rules: list[FieldRuleGiven]


class ProfileShown(Shown):
    """A profile."""

    id: str
    slug: str
    name: str
    posture: PostureField
    version: int
    created_at: Instant


@router.get("/profiles", summary="List profiles")
async def list_profiles(work: Reading, query: Annotated[PageQuery, Query()]) -> Page[ProfileShown]:
    """All profiles, by slug."""
    place = Place("profiles", work.caller.workspace_id, query.limit, query.cursor)
    async with work.reading() as session:
        rows, more = await page_of(session, place, select(Profile), [(Profile.slug, str)])
    return page([_shown(row) for row in rows], more)


@router.post("/profiles", status_code=201, summary="Make a profile")
async def create_profile(work: Writing, body: NewProfile) -> ProfileShown:
    """A new profile. Agents are made in it."""
    async with work.writing() as session:
        row = await services.create_profile(session, work.caller, body.slug, body.name, body.posture)
    return _shown(row)


@router.get("/profiles/{profile}", summary="Show a profile")
async def get_profile(work: Reading, profile: Which) -> ProfileShown:
    """One profile."""
    async with work.reading() as session:
        return _shown(await services.find_profile(session, profile))


@router.patch("/profiles/{profile}", summary="Change a profile's posture")
async def change_profile(work: Writing, profile: Which, body: ProfileChange) -> ProfileShown:
    """Acts on the next call of each of its agents."""
    async with work.writing() as session:
        return _shown(await services.set_posture(session, work.caller, profile, body.posture))


@router.get("/profiles/{profile}/fields", summary="Show which personal data a profile's agents see")
async def get_profile_fields(work: Reading, profile: Which) -> FieldsShown:
    """The rules about fields of results. Without any, results are as their servers gave them: bundled ones mask e-mail
    addresses, phone numbers and streets for callers without read:customers.pii."""
    async with work.reading() as session:
        return _fields(await services.find_profile(session, profile))


@router.patch("/profiles/{profile}/fields", summary="Change which personal data a profile's agents see")
async def change_profile_fields(work: Writing, profile: Which, body: FieldsChange) -> FieldsShown:
    """In force on the next call, also for what was kept of earlier ones."""
    given = [FieldRule(one.kind, one.show, one.but_for) for one in body.set]
    async with work.writing() as session:
        return _fields(await change_fields(session, work.caller, profile, given=given, dropped=body.unset))


def _fields(row: Profile) -> FieldsShown:
    rules = [FieldRuleGiven(kind=one.kind, show=one.show, but_for=one.but_for) for one in rules_in(row.fields)]
    return FieldsShown(profile_id=row.id, profile=row.slug, rules=rules)


def _shown(row: Profile) -> ProfileShown:
    return ProfileShown(
        id=row.id,
        slug=row.slug,
        name=row.name,
        posture=row.posture,  # type: ignore[arg-type]
        version=row.version,
        created_at=row.created_at,
    )

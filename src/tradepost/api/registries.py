"""Other registries of MCP servers: looking into one, and picking a server from it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.servers import ServerShown, Url, shown_server
from tradepost.api.shapes import Given, Shown, Slug
from tradepost.hub.registration.offers import Offer
from tradepost.hub.registration.picking import pick
from tradepost.hub.registration.registries import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT

router = APIRouter(tags=["registries"])

Writing = Annotated[Work, Depends(may("admin", "write:servers"))]
Value = Annotated[str, Field(max_length=8192, pattern=r"^[\x20-\x7e]*$")]


class RegistryQuery(Given):
    """What is looked for, and where."""

    registry: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2048,
            description="Base URL of a registry with the official API.",
            examples=["https://registry.modelcontextprotocol.io"],
        ),
    ]
    search: str = Field("", max_length=200, description="A text in the servers' names.")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(None, max_length=MAX_CURSOR, description="`next_cursor` of the page before, unchanged.")


class InputShown(Shown):
    """A value that a server wants, or a part of one."""

    name: str
    description: str
    required: bool
    secret: bool
    default: str | None
    choices: list[str]


class HeaderWanted(Shown):
    """A header that a remote wants: the whole value, or the variables of its template."""

    value: InputShown
    template: str | None
    variables: list[InputShown]


class RemoteShown(Shown):
    """An endpoint. Its URL may hold variables in braces."""

    type: str
    url: str
    variables: list[InputShown]
    headers: list[HeaderWanted]


class OfferShown(Shown):
    """One server of a registry. All of its texts are its publisher's."""

    name: str
    version: str
    title: str
    description: str
    status: str
    website: str
    remotes: list[RemoteShown] = Field(description="One of them can be added.")
    packages: list[str] = Field(description="Programs to be run: only the operator can add those, by a file.")


class OffersShown(Shown):
    """One page of a registry's list."""

    items: list[OfferShown]
    next_cursor: str | None
    has_more: bool


class NewFromRegistry(Given):
    """A server to pick."""

    registry: Url
    name: str = Field(min_length=3, max_length=200, pattern=r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$")
    version: str | None = Field(None, max_length=255, description="The latest without it.")
    slug: Slug | None = Field(None, description="Its short name here; made of its name without one.")
    values: dict[Annotated[str, Field(min_length=1, max_length=100)], Value] = Field(
        default_factory=dict,
        max_length=50,
        description="What the server asks for, by name. Secrets are sealed and never shown again.",
        json_schema_extra={"writeOnly": True},
    )


@router.get("/registry/servers", summary="Browse another registry")
async def browse_registry(work: Writing, query: Annotated[RegistryQuery, Query()]) -> OffersShown:
    """Servers of a registry that speaks the official MCP Registry's API, in their latest versions. 424 when it does not
    answer."""
    found = await work.parts.registries.browse(query.registry, query.search, query.cursor, query.limit)
    items = [_shown(one) for one in found.items]
    return OffersShown(items=items, next_cursor=found.more, has_more=found.more is not None)


@router.post("/registry/servers", status_code=201, summary="Register a server of another registry")
async def add_from_registry(work: Writing, body: NewFromRegistry) -> ServerShown:
    """Register its remote endpoint with the headers that it declares. Nothing is connected and nothing of it is visible
    to agents yet: test it next."""
    offer = await work.parts.registries.offer(body.registry, body.name, body.version)
    picked = await pick(work.parts.registration.servers, work.caller, offer, body.values, body.slug)
    return await shown_server(work, picked.server)


def _shown(offer: Offer) -> OfferShown:
    return OfferShown.model_validate(offer, from_attributes=True)

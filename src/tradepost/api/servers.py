"""Servers: register, test, discover, point elsewhere, switch off, delete. Programs are registered on the operator's own
machine alone, and nothing here starts one."""

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field, model_validator
from sqlalchemy import select

from tradepost.api.access import Work, may
from tradepost.api.credential_shapes import HEADER_NAME, CredentialGiven, stored
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Given, Instant, Page, PageQuery, Shown, Slug, Words, either, in_path, page
from tradepost.foundation.errors import StateConflict
from tradepost.hub.registration.changes import Changed
from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.ways_in import NO_WAY, WayIn, way_in, ways_in
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.programs import SCHEME
from tradepost.hub.vault.header_rules import MAX_HEADERS, MAX_VALUE, Header

router = APIRouter(tags=["servers"])

Reading = Annotated[Work, Depends(may("viewer", "read:servers"))]
Writing = Annotated[Work, Depends(may("admin", "write:servers"))]
Which = Annotated[str, in_path("The server's slug or id.", "tracker")]
Url = Annotated[
    str, Field(min_length=1, max_length=2048, description="Its MCP endpoint.", examples=["https://mcp.example.com/mcp"])
]


class HeaderGiven(Given):
    """A header to send to the server. It is sealed; a hidden one is never shown again."""

    name: str = Field(pattern=HEADER_NAME, examples=["Authorization"])
    value: str = Field(
        min_length=1,
        max_length=MAX_VALUE,
        pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$",
        json_schema_extra={"writeOnly": True},
    )
    hidden: bool = True


Headers = Annotated[list[HeaderGiven], Field(max_length=MAX_HEADERS)]


SecretUrl = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2048,
        description="Its MCP endpoint, where the whole URL is a secret: only its origin is ever shown.",
        json_schema_extra={"writeOnly": True},
    ),
]


class Located(Given):
    """Where a server is: `url`, or `secret_url`."""

    url: Url | None = None
    secret_url: SecretUrl | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.url is None) == (self.secret_url is None):
            raise ValueError("name exactly one of url and secret_url")
        return self

    @property
    def whole(self) -> str:
        """The URL."""
        return self.url or self.secret_url or ""


class NewServer(Located):
    """A remote MCP server to register. `credential` is what it is shown, beside other headers."""

    model_config = ConfigDict(json_schema_extra=either("url", "secret_url"))
    slug: Slug
    name: Words = Field("", description="Full name; the slug without one.")
    headers: Headers = Field(default_factory=list)
    credential: CredentialGiven | None = None
    timeout_seconds: float | None = Field(None, ge=1, le=300, description="Seconds a call may take; else 60.")


class NewUrl(Located):
    """Where the server is. A `secret_url` stays secret, and a `url` is shown."""

    model_config = ConfigDict(json_schema_extra=either("url", "secret_url"))


class ServerShown(Shown):
    """A server. `url` is null for a bundled one."""

    id: str
    slug: str
    name: str
    kind: Literal["builtin", "remote"]
    status: Literal["registered", "ready", "failing", "disabled"]
    url: str | None = Field(description="Of a secret one, the origin.")
    url_hidden: bool
    credential: Literal["none", "headers", "oauth_client", "oauth_workspace", "oauth_user"]
    connection: Literal["connected", "reconnect", "not_connected"] | None = Field(
        description="Of everybody's account, or that of whoever asks; null where nobody has to connect."
    )
    identity: dict[str, Any] = Field(description="What the last test found: era, transport, name, latency.")
    tested_at: Instant | None
    last_error: str | None
    left_alone: bool = Field(
        description="Whether it failed so often that it is not called for a while; as the process knows that answers."
    )
    version: int
    created_at: Instant


class TestShown(Shown):
    """What a test found: how the server is reached and what it offers, or what is wrong."""

    ok: bool
    era: str | None
    protocol_version: str | None
    transport: str | None
    latency_ms: float | None
    server_name: str | None
    tools: int | None
    watches: bool
    scopes_missing: list[str] = Field(description="Wanted, and not had by the credential.")
    problem: str | None
    hint: str | None


class ChangedTool(Shown):
    """A tool, resource or prompt whose definition is another one now; agents never see that until it is approved."""

    name: str
    kind: Literal["suspicious", "breaking", "additive", "text"] = Field(description="The gravest that applies.")
    kinds: list[str] = Field(description="All that apply, the gravest first.")
    reasons: list[str] = Field(description="What is suspicious, a sentence each.")
    differences: list[str] = Field(description="Every place that differs, a sentence each.")
    before: str = Field(description="Digest of the pinned definition.")
    after: str


class RefusedTool(Shown):
    """A tool, resource or prompt that was not taken in."""

    name: str
    why: str


class ContentsDifference(Shown):
    """What it changed of resources, templates and prompts, by URI or name."""

    new: list[str] = Field(description="Wait for approval.")
    changed: list[ChangedTool]
    removed: list[str]
    set_aside: list[str] = Field(description="Refused as they are now, though agents saw them.")


class DifferenceShown(Shown):
    """What a look at a server changed in the registry."""

    new: list[str] = Field(description="Wait for approval.")
    changed: list[ChangedTool]
    removed: list[str]
    set_aside: list[str] = Field(description="Refused as they are now, though agents saw them.")
    contents: ContentsDifference
    kept: bool = Field(description="Whether agents go on with the approved definitions of changed tools.")
    refused: list[RefusedTool]
    resources: int
    prompts: int


@router.get("/servers", summary="List servers")
async def list_servers(work: Reading, query: Annotated[PageQuery, Query()]) -> Page[ServerShown]:
    """All servers, by slug."""
    place = Place("servers", work.caller.workspace_id, query.limit, query.cursor)
    async with work.reading() as session:
        rows, more = await page_of(session, place, select(Server), [(Server.slug, str)])
        ways = await ways_in(session, work.caller.user_id)
    return page([_shown(work, row, ways.get(row.id, NO_WAY)) for row in rows], more)


@router.post("/servers", status_code=201, summary="Register a server")
async def register_server(work: Writing, body: NewServer) -> ServerShown:
    """Add a remote MCP server. Nothing is connected and nothing of it is visible to agents yet: test it next."""
    headers, given = sealed(body.headers), stored(body.credential)
    if isinstance(given, Header):
        headers.append(given)
    row = await work.parts.registration.servers.register(
        work.caller,
        body.slug,
        body.whole,
        headers,
        name=body.name,
        timeout_seconds=body.timeout_seconds,
        hide_url=body.secret_url is not None,
        oauth=given if isinstance(given, OAuthTerms) else None,
    )
    return await shown_server(work, row)


@router.get("/servers/{server}", summary="Show a server")
async def get_server(work: Reading, server: Which) -> ServerShown:
    """One server."""
    async with work.reading() as session:
        found = await find_server(session, server)
    return await shown_server(work, found)


@router.put("/servers/{server}/url", summary="Point a server elsewhere")
async def set_server_url(work: Writing, server: Which, body: NewUrl) -> ServerShown:
    """Another scheme, host or port clears its credential: that is for the old one."""
    hide = body.secret_url is not None
    row = await work.parts.registration.servers.set_url(work.caller, server, body.whole, hide=hide)
    return await shown_server(work, row)


@router.post("/servers/{server}/test", summary="Test a server")
async def test_server(work: Writing, server: Which) -> TestShown:
    """Connect for real, with its headers, and say what was found. A server that fails is an answer, not an error."""
    await _refuse_program(work, server)
    report = await work.parts.registration.discovery.test(work.caller, server)
    return TestShown.model_validate(report, from_attributes=True)


@router.post("/servers/{server}/discover", summary="Discover or refresh a server's tools")
async def discover_server(
    work: Writing,
    server: Which,
    fresh: Annotated[
        bool, Query(description="false: what it offered at most 300 seconds ago will do; it is not asked again.")
    ] = True,
) -> DifferenceShown:
    """Store what the server offers now and say what is different. New tools wait for approval, changed ones are
    quarantined until somebody has looked. 424 when the server does not answer; then nothing is changed."""
    await _refuse_program(work, server)
    found = await work.parts.registration.discovery.discover(work.caller, server, fresh=fresh)
    return DifferenceShown(
        new=found.new,
        changed=[_changed(one) for one in found.changed],
        removed=found.removed,
        set_aside=found.set_aside,
        contents=ContentsDifference(
            new=found.contents.new,
            changed=[_changed(one) for one in found.contents.changed],
            removed=found.contents.removed,
            set_aside=found.contents.set_aside,
        ),
        kept=found.kept,
        refused=[RefusedTool(name=name, why=why) for name, why in found.refused],
        resources=found.resources,
        prompts=found.prompts,
    )


def _changed(one: Changed) -> ChangedTool:
    return ChangedTool(
        name=one.name,
        kind=one.kind,
        kinds=list(one.kinds),
        reasons=list(one.reasons),
        differences=list(one.says),
        before=one.before,
        after=one.after,
    )


@router.post("/servers/{server}/enable", summary="Enable a server")
async def enable_server(work: Writing, server: Which) -> ServerShown:
    """Let its tools be called again."""
    return await shown_server(work, await work.parts.registration.servers.set_active(work.caller, server, True))


@router.post("/servers/{server}/disable", summary="Disable a server")
async def disable_server(work: Writing, server: Which) -> ServerShown:
    """None of its tools can be called from the next call on."""
    return await shown_server(work, await work.parts.registration.servers.set_active(work.caller, server, False))


@router.delete("/servers/{server}", status_code=204, summary="Delete a server")
async def delete_server(work: Writing, server: Which) -> None:
    """Remove a server with its tools, assignments and headers. Its audit rows stay."""
    await work.parts.registration.servers.delete(work.caller, server)


def sealed(headers: list[HeaderGiven]) -> list[Header]:
    """Headers as the vault takes them."""
    return [Header(header.name, header.value, header.hidden) for header in headers]


async def _refuse_program(work: Work, server: str) -> None:
    async with work.reading() as session:
        url = (await find_server(session, server)).url or ""
    if url.startswith(SCHEME):
        raise StateConflict(
            "This server is a program on the operator's machine; nothing on the network starts it for a test.",
            hint=f"The operator runs `tradepost server test {server[:40]}` there.",
        )


async def shown_server(work: Work, row: Server) -> ServerShown:
    """One server, for whoever asks."""
    async with work.reading() as session:
        return _shown(work, row, await way_in(session, row, work.caller.user_id))


def _shown(work: Work, row: Server, way: WayIn) -> ServerShown:
    return ServerShown(
        id=row.id,
        slug=row.slug,
        name=row.name,
        kind="builtin" if row.kind == "builtin" else "remote",
        status=row.status,  # type: ignore[arg-type]
        url=row.url,
        url_hidden=row.url_hidden,
        credential=way.credential,
        connection=way.connection,
        identity=row.identity,
        tested_at=row.tested_at,
        last_error=row.last_error,
        left_alone=row.id in work.parts.gateway.pipeline.parts.attempts.left_alone(),
        version=row.version,
        created_at=row.created_at,
    )

"""Reading the rows that make up one agent's catalog, in few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.lookups import Lookup
from tradepost.foundation.errors import NotFound
from tradepost.hub.access.changes import ROW_ID
from tradepost.hub.access.models import Agent, RegistryVersion
from tradepost.hub.registry.catalog import ServerKind, ToolClass
from tradepost.hub.registry.models import Assignment, PromptEntry, ResourceEntry, Server, ToolEntry
from tradepost.hub.registry.rules import DEFAULTS, Rules, read_rules

ALWAYS_BEHIND = 1_000_000


@dataclass(frozen=True, slots=True)
class ServerRow:
    """What a catalog needs of a server."""

    id: str
    slug: str
    name: str
    kind: ServerKind
    builtin_key: str | None
    url: str | None
    credential_version: int
    settings: Mapping[str, Any]
    instructions: str
    watches: bool


class ToolRow(NamedTuple):
    """An assigned tool that is shown. `title` and `description` are an admin's words, where there are some; `always`
    are those of the hub itself. A tuple, because a catalog may have a thousand of them."""

    entry_id: str
    server_id: str
    name: str
    definition: str
    digest: str
    tool_class: ToolClass
    moves_money: bool
    scope: str | None
    settings: Mapping[str, Any]
    exposed_name: str
    own: bool
    position: int
    title: str | None = None
    description: str | None = None
    always: bool = False


@dataclass(frozen=True, slots=True)
class ContentRow:
    """A resource, template or prompt; `key` is its URI or name."""

    entry_id: str
    server_id: str
    key: str
    is_template: bool
    definition: str
    scope: str | None


@dataclass(frozen=True, slots=True)
class AgentRow:
    """What makes an agent's catalog differ from another's: its profile, its scopes, and whether anything is assigned to
    it alone. Read in one transaction with the registry's version."""

    version: int
    profile_id: str
    scopes: frozenset[str]
    has_own: bool


@dataclass(frozen=True, slots=True)
class AgentRows:
    """Everything that an agent, or each agent of a profile, may see; read in one transaction."""

    version: int
    servers: dict[str, ServerRow]
    tools: Sequence[ToolRow]
    resources: Sequence[ContentRow]
    prompts: Sequence[ContentRow]
    rules: Rules = DEFAULTS


_VERSION = Lookup(select(RegistryVersion.version).where(RegistryVersion.id == bindparam("id")), first="one")
_AGENT = Lookup(
    select(Agent.profile_id, Agent.scopes).where(Agent.id == bindparam("agent_id"), Agent.status == "active"),
    first="one",
)
_OWN = Lookup(select(Assignment.id).where(Assignment.agent_id == bindparam("agent_id")).limit(1), first="one")
_SERVERS = Lookup(
    select(
        Server.id,
        Server.slug,
        Server.name,
        Server.kind,
        Server.builtin_key,
        Server.url,
        Server.credential_version,
        Server.settings,
        Server.instructions,
        Server.identity,
    ).where(Server.status != "disabled"),
    first="one",
)


async def read_agent(session: AsyncSession, agent_id: str) -> AgentRow:
    """Who an agent is. Raises NotFound for an unknown or disabled one."""
    version = await read_version(session)
    agents = await _AGENT.rows(session, {"agent_id": agent_id})
    if not agents:
        raise NotFound("There is no such agent.", hint="It may have been disabled; ask an admin of the workspace.")
    ((profile_id, scopes),) = agents
    own = await _OWN.rows(session, {"agent_id": agent_id})
    return AgentRow(version, profile_id, frozenset(scopes), bool(own))


async def read_rows(
    session: AsyncSession, profile_id: str, agent_id: str | None, always_visible: frozenset[str]
) -> AgentRows:
    """The rows behind the catalog of an agent, or without one, of each agent of the profile that has nothing of its
    own."""
    version = await read_version(session)
    servers, rules = await read_servers(session), await read_rules(session)
    tools = await _assigned(session, agent_id, profile_id, rules)
    tools += await _always(session, [row.id for row in servers.values() if row.builtin_key in always_visible])
    visible = [row for row in tools if row.server_id in servers]
    seen = {row.server_id for row in visible} | {s.id for s in servers.values() if s.builtin_key in always_visible}
    return AgentRows(
        version=version,
        servers={key: row for key, row in servers.items() if key in seen},
        tools=visible,
        resources=await _contents(session, _RESOURCES, seen, rules),
        prompts=await _contents(session, _PROMPTS, seen, rules),
        rules=rules,
    )


async def read_person_rows(session: AsyncSession, left_out: frozenset[str]) -> AgentRows:
    """The rows behind what a person may look at: the reads of the bundled servers, but for those under these keys."""
    version = await read_version(session)
    servers = {
        key: row
        for key, row in (await read_servers(session)).items()
        if row.builtin_key is not None and row.builtin_key not in left_out
    }
    rows = await _always(session, list(servers))
    tools = [row._replace(always=False) for row in rows if row.tool_class == "read"]
    return AgentRows(version=version, servers=servers, tools=tools, resources=(), prompts=())


async def read_version(session: AsyncSession) -> int:
    """The registry's. Read first: rows that are newer than it only make a catalog compile once more."""
    return next((row[0] for row in await _VERSION.rows(session, {"id": ROW_ID})), 0)


async def read_servers(session: AsyncSession) -> dict[str, ServerRow]:
    """The servers of the workspace that nobody has switched off, by id."""
    rows = await _SERVERS.rows(session, {})
    return {row[0]: _server(*row) for row in rows}


def _server(id_: str, slug: str, name: str, kind: str, *rest: Any) -> ServerRow:
    builtin_key, url, credential_version, settings, instructions, identity = rest
    tells = _tells_of_updates(kind, identity)
    return ServerRow(id_, slug, name, _kind(kind), builtin_key, url, credential_version, settings, instructions, tells)


def _tells_of_updates(kind: str, identity: Mapping[str, Any]) -> bool:
    """Whether some resources of a server can be watched: some of every bundled one's, and where a server said so."""
    return kind == "builtin" or identity.get("watches") is True


_TOOL_COLUMNS = (
    ToolEntry.id,
    ToolEntry.server_id,
    ToolEntry.name,
    ToolEntry.definition,
    ToolEntry.digest,
    ToolEntry.tool_class,
    ToolEntry.moves_money,
    ToolEntry.scope,
    ToolEntry.settings,
)
_SHOWN = or_(ToolEntry.state == bindparam("state"), ToolEntry.state == bindparam("or_state"))
_ASSIGNED = (
    select(
        *_TOOL_COLUMNS,
        Assignment.exposed_name,
        Assignment.agent_id,
        Assignment.position,
        Assignment.title,
        Assignment.description,
    )
    .join(
        Assignment,
        and_(Assignment.workspace_id == ToolEntry.workspace_id, Assignment.tool_entry_id == ToolEntry.id),
    )
    .where(_SHOWN)
)
# Two look-ups: asked for both at once, SQLite goes through all assignments of the workspace.
_OF_PROFILE = Lookup(_ASSIGNED.where(Assignment.profile_id == bindparam("profile_id")), first="one")
_OF_AGENT = Lookup(_ASSIGNED.where(Assignment.agent_id == bindparam("agent_id")))
_ALWAYS = Lookup(
    select(*_TOOL_COLUMNS, ToolEntry.position).where(
        ToolEntry.state == "enabled", ToolEntry.server_id.in_(bindparam("server_ids", expanding=True))
    )
)


async def _assigned(session: AsyncSession, agent_id: str | None, profile_id: str, rules: Rules) -> list[ToolRow]:
    state, or_state = rules.visible_states
    states = {"state": state, "or_state": or_state}
    rows = [*await _OF_PROFILE.rows(session, {**states, "profile_id": profile_id})]
    if agent_id is not None:
        rows += await _OF_AGENT.rows(session, {**states, "agent_id": agent_id})
    return [
        ToolRow(
            entry, server, name, text, digest, tool_class_of(kind), money, scope, set_, exposed, own is not None, *shown
        )
        for entry, server, name, text, digest, kind, money, scope, set_, exposed, own, *shown in rows
    ]


async def _always(session: AsyncSession, server_ids: list[str]) -> list[ToolRow]:
    """Tools of the hub's own server: everybody has them, behind everything that was assigned."""
    if not server_ids:
        return []
    rows = await _ALWAYS.rows(session, {"server_ids": server_ids})
    return [
        ToolRow(
            entry,
            server,
            name,
            text,
            digest,
            tool_class_of(kind),
            money,
            scope,
            set_,
            name,
            True,
            ALWAYS_BEHIND + place,
            always=True,
        )
        for entry, server, name, text, digest, kind, money, scope, set_, place in rows
    ]


def _kind(text: str) -> ServerKind:
    return "builtin" if text == "builtin" else "remote"


def tool_class_of(text: str) -> ToolClass:
    """What is not known to be a read or a plain write counts as the most careful class."""
    return "read" if text == "read" else "write" if text == "write" else "destructive"


_RESOURCES = Lookup(
    select(
        ResourceEntry.id,
        ResourceEntry.server_id,
        ResourceEntry.uri,
        ResourceEntry.is_template,
        ResourceEntry.definition,
        ResourceEntry.scope,
    )
    .where(
        or_(ResourceEntry.state == bindparam("state"), ResourceEntry.state == bindparam("or_state")),
        ResourceEntry.server_id.in_(bindparam("server_ids", expanding=True)),
    )
    .order_by(ResourceEntry.position, ResourceEntry.uri)
)
_PROMPTS = Lookup(
    select(
        PromptEntry.id,
        PromptEntry.server_id,
        PromptEntry.name,
        literal(False),
        PromptEntry.definition,
        PromptEntry.scope,
    )
    .where(
        or_(PromptEntry.state == bindparam("state"), PromptEntry.state == bindparam("or_state")),
        PromptEntry.server_id.in_(bindparam("server_ids", expanding=True)),
    )
    .order_by(PromptEntry.position, PromptEntry.name)
)


async def _contents(session: AsyncSession, entries: Lookup, server_ids: set[str], rules: Rules) -> list[ContentRow]:
    """Resources and templates, or prompts, of these servers."""
    state, or_state = rules.visible_states
    values = {"state": state, "or_state": or_state, "server_ids": sorted(server_ids)}
    return [ContentRow(*row) for row in await entries.rows(session, values)]

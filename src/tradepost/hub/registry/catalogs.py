"""Catalogs by agent or by profile, compiled once per registry version and then handed out from memory.

Whoever acts for a profile without being one of its agents (a shopper, a key of the profile's) sees what is assigned to
the whole profile. Agents of one profile with the same scopes and nothing assigned to them alone see the same, and share
one catalog: a thousand agents that come at once cost as many compilations as there are profiles. No upstream is ever
asked: with all servers down the catalogs are complete.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tradepost.database.engine import Database
from tradepost.foundation.caller import Trial
from tradepost.foundation.errors import NotFound
from tradepost.hub.access.changes import Versions
from tradepost.hub.registry.catalog import Catalog
from tradepost.hub.registry.compile import compile_catalog
from tradepost.hub.registry.rows import AgentRows, read_agent, read_person_rows, read_rows
from tradepost.hub.registry.trial_rows import read_trial_rows

HUB_SERVER = "hub"
# Servers whose reads are about whoever calls: nothing for a person who looks at the shop.
OF_CALLERS = frozenset({HUB_SERVER, "activity", "self_service"})
MAX_KEPT = 5_000

# Workspace; agent or, for what its agents share, profile; scopes; one server.
_Key = tuple[str, str, frozenset[str] | None, str | None]


class Catalogs:
    """Gives each agent its catalog. Built-in servers whose key is in `always_visible` are in every one."""

    def __init__(
        self, database: Database, watch: Versions, always_visible: frozenset[str] = frozenset({HUB_SERVER})
    ) -> None:
        self._database = database
        self._watch = watch
        self._always_visible = always_visible
        self._kept: OrderedDict[_Key, Catalog] = OrderedDict()
        self._compiling: dict[_Key, asyncio.Lock] = {}

    def for_agent(
        self, workspace_id: str, agent_id: str, scopes: frozenset[str] | None = None, version: int | None = None
    ) -> Awaitable[Catalog]:
        """All the agent sees. `scopes` are those of its key where they are narrower than the agent's own. `version` is
        the registry's, where it was looked at just now."""
        return self._get((workspace_id, agent_id, scopes, None), version, self._of_agent)

    def for_server(
        self,
        workspace_id: str,
        agent_id: str,
        slug: str,
        scopes: frozenset[str] | None = None,
        version: int | None = None,
    ) -> Awaitable[Catalog]:
        """What the agent sees of one server, names unchanged. Raises NotFound, the same for a server that does not
        exist and for one of which it sees nothing."""
        return self._get((workspace_id, agent_id, scopes, slug), version, self._of_agent)

    def for_profile(
        self,
        workspace_id: str,
        profile_id: str,
        scopes: frozenset[str],
        slug: str | None = None,
        version: int | None = None,
    ) -> Awaitable[Catalog]:
        """What is assigned to a whole profile, everywhere or of one server, for a caller with these scopes that is none
        of its agents. Raises NotFound like for_server."""
        return self._get((workspace_id, profile_id, scopes, slug), version, self._of_profile)

    def for_person(self, workspace_id: str, scopes: frozenset[str], version: int | None = None) -> Awaitable[Catalog]:
        """What a person of the workspace may look at with these scopes: reads of the bundled servers that nobody has
        switched off."""
        return self._get((workspace_id, "", scopes, None), version, self._of_person)

    async def for_trial(self, workspace_id: str, scopes: frozenset[str], trial: Trial) -> Catalog:
        """The one tool that a person tries. Raises NotFound, StateConflict, ForbiddenScope."""
        async with self._database.transaction(workspace_id, write=False, quick=True) as session:
            return compile_catalog(await read_trial_rows(session, trial), scopes)

    def kept(
        self, workspace_id: str, holder_id: str, slug: str | None, scopes: frozenset[str] | None, version: int
    ) -> Catalog | None:
        """The catalog of an agent or profile, of one server where one is named, if it is at hand for this version of
        the registry."""
        found = self._kept.get((workspace_id, holder_id, scopes, slug))
        return found if found is not None and found.version >= version else None

    async def _get(self, key: _Key, version: int | None, make: Callable[[_Key], Awaitable[Catalog]]) -> Catalog:
        if version is None:
            version = await self._watch.version(key[0])
        kept = self._kept.get(key)
        if kept is not None and kept.version >= version:
            return kept
        async with self._compiling.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept is not None and kept.version >= version:
                return kept
            try:
                catalog = await make(key)
            finally:
                self._compiling.pop(key, None)
            self._kept[key] = catalog
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
            return catalog

    async def _of_agent(self, key: _Key) -> Catalog:
        workspace_id, agent_id, scopes, slug = key
        async with self._database.transaction(workspace_id, write=False, quick=True) as session:
            agent = await read_agent(session, agent_id)
            granted = agent.scopes if scopes is None else agent.scopes & scopes
            if agent.has_own:
                rows = await read_rows(session, agent.profile_id, agent_id, self._always_visible)
                return _compiled(rows, granted, slug)
        shared = await self._get((workspace_id, agent.profile_id, granted, slug), agent.version, self._of_profile)
        # Another change came in between: what was read of the agent is as old as its own version says.
        return shared if shared.version == agent.version else replace(shared, version=agent.version)

    async def _of_person(self, key: _Key) -> Catalog:
        workspace_id, _, granted, slug = key
        async with self._database.transaction(workspace_id, write=False, quick=True) as session:
            rows = await read_person_rows(session, OF_CALLERS)
        return _compiled(rows, granted or frozenset(), slug)

    async def _of_profile(self, key: _Key) -> Catalog:
        workspace_id, profile_id, granted, slug = key
        async with self._database.transaction(workspace_id, write=False, quick=True) as session:
            rows = await read_rows(session, profile_id, None, self._always_visible)
        return _compiled(rows, granted or frozenset(), slug)


def _compiled(rows: AgentRows, granted: frozenset[str], slug: str | None) -> Catalog:
    only = None
    if slug is not None:
        only = next((server for server in rows.servers.values() if server.slug == slug), None)
        if only is None:
            raise NotFound(f"There is no server '{slug[:60]}' here.", hint="List the tools at /mcp to see servers.")
    return compile_catalog(rows, granted, only)

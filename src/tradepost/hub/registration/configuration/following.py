"""Scopes of agents that follow what an import shows them (registration.granting). An agent whose scopes the file states
has exactly those."""

from collections.abc import Collection, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.registration.configuration.plan import Plan
from tradepost.hub.registration.configuration.rows import Rows
from tradepost.hub.registration.granting import Needs, follow_needs, needs_of
from tradepost.hub.registry.models import Server

_KINDS = {"profile", "agent", "server", "tool", "assignment"}


class Following:
    """Compares what agents need before and after an import. `stated` are slugs of agents."""

    def __init__(self, session: AsyncSession, by: Caller, rows: Rows, stated: Collection[str]) -> None:
        self._session, self._by, self._rows, self._stated = session, by, rows, stated
        self._before: dict[str, tuple[Server, Needs]] | None = None
        self._held: Mapping[str, frozenset[str]] = {}

    async def look(self, plan: Plan) -> None:
        """What agents need and have, before anything is changed."""
        if any(change.kind in _KINDS for change in plan.changes):
            self._before = {row.slug: (row, await needs_of(self._session, row)) for row in self._remote()}
            self._held = {slug: frozenset(row.scopes) for slug, row in self._rows.agents.items()}

    async def follow(self) -> list[str]:
        """Give and take scopes, and say so."""
        if self._before is None:
            return []
        stated = {row.id for slug, row in self._rows.agents.items() if slug in self._stated}
        servers = {**self._before, **{row.slug: (row, {}) for row in self._remote() if row.slug not in self._before}}
        for _, (server, before) in sorted(servers.items()):
            await follow_needs(self._session, self._by, server, before, stated)
        return [text for slug in sorted(self._rows.agents.keys() - self._stated) for text in self._told(slug)]

    def _remote(self) -> list[Server]:
        return [row for _, row in sorted(self._rows.servers.items()) if row.kind == "remote"]

    def _told(self, slug: str) -> list[str]:
        held, has = self._held.get(slug, frozenset()), frozenset(self._rows.agents[slug].scopes)
        told = []
        if has - held:
            told.append(f"The agent {slug} gets {', '.join(sorted(has - held))} with what it is shown.")
        if held - has:
            told.append(f"The agent {slug} loses {', '.join(sorted(held - has))} with what it was shown.")
        return told

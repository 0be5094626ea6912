"""The row behind the catalog of a person who tries one tool, which agents may not have been given yet."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Trial
from tradepost.foundation.errors import ForbiddenScope, NotFound, StateConflict
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.registry.rows import AgentRows, ToolRow, read_servers, read_version, tool_class_of
from tradepost.hub.registry.rules import read_rules


async def read_trial_rows(session: AsyncSession, trial: Trial) -> AgentRows:
    """The one tool: as it is pinned where it is enabled, else as it would be if somebody approved it now. Raises
    NotFound, StateConflict for what nobody can call, ForbiddenScope where only enabled ones may be tried."""
    version = await read_version(session)
    entry = await session.scalar(select(ToolEntry).where(ToolEntry.id == trial.entry_id))
    if entry is None:
        raise NotFound("There is no such tool any more.", hint="Discover its server again.")
    server = (await read_servers(session)).get(entry.server_id)
    if server is None:
        slug = await session.scalar(select(Server.slug).where(Server.id == entry.server_id))
        raise StateConflict(f"The server '{slug}' is disabled, so nothing of it is called.", hint="Enable it first.")
    if entry.state == "removed":
        raise StateConflict(f"'{server.slug}' does not offer '{entry.name}' any more.", hint="Discover it again.")
    if entry.state != "enabled" and not trial.before_enabled:
        raise ForbiddenScope(
            f"'{entry.name}' is {entry.state}: only who may approve it may try it.",
            hint="Ask an admin to approve it, or to try it for you.",
        )
    definition, digest = entry.definition, entry.digest
    if entry.state != "enabled" and entry.candidate is not None and entry.candidate_digest is not None:
        definition, digest = entry.candidate, entry.candidate_digest
    row = ToolRow(
        entry.id,
        entry.server_id,
        entry.name,
        definition,
        digest,
        tool_class_of(entry.tool_class),
        entry.moves_money,
        entry.scope,
        {**entry.settings, "result_tokens": 0},  # the budget is a model's: a person reads all of it
        entry.name,
        True,
        entry.position,
    )
    return AgentRows(version, {server.id: server}, (row,), (), (), await read_rules(session))

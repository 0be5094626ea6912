"""Contract swap: another server takes over the tools of one, for everybody at once, and can give them back.

The comparison is made outside of any transaction, because it may take a while; the switch itself is one transaction
that looks whether anything was changed since. Calls that are under way end at the old server; each call that finds its
tool after the commit goes to the new one.
"""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.actions.successors import hand_over_places
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.granting import follow_needs, needs_of
from tradepost.hub.registration.swap_keys import follow_swap
from tradepost.hub.registration.swap_report import GOOD, SwapReport, mark_of, report_of
from tradepost.hub.registration.swap_rows import SwapRows, both_servers, lock, read_swap
from tradepost.hub.registration.swap_undo import MAX_NAMED, MAX_PROBLEMS, Undone, give_back
from tradepost.hub.registration.tools import approve_tool
from tradepost.hub.registry.catalog import ToolClass
from tradepost.hub.registry.models import ToolEntry
from tradepost.hub.registry.swap_models import ServerSwap
from tradepost.hub.upstreams.programs import SCHEME


class Swaps:
    """Compares two servers and switches from one to the other, for an admin."""

    def __init__(self, database: Database, discovery: Discovery, now: Now = system_now) -> None:
        self._database = database
        self._discovery = discovery
        self._now = now

    async def check(
        self,
        by: Caller,
        old: str,
        new: str,
        *,
        tools: Collection[str] = (),
        accept: Collection[str] = (),
        approve: bool = False,
    ) -> SwapReport:
        """Whether the new server can take over: all assigned tools of the old one, or those named. Nothing is changed
        and nothing is asked of the servers. Raises NotFound, StateConflict, InvalidArgument, ForbiddenScope."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            rows = await read_swap(session, old, new, tools)
        _check_accepted(rows, accept)
        return await asyncio.to_thread(report_of, rows, accept=accept, approve=approve)

    async def swap(
        self,
        by: Caller,
        old: str,
        new: str,
        *,
        tools: Collection[str] = (),
        accept: Collection[str] = (),
        approve: bool = False,
        mark: str | None = None,
    ) -> SwapReport:
        """Look at the new server, compare, switch. `mark` is that of the report that was looked at: StateConflict where
        there would be another one now. Raises StateConflict with all that does not fit, and what `check` raises, and
        UpstreamError and UpstreamTimeout where the new server does not answer; then nothing is switched."""
        await self._look_at(by, old, new)
        report = await self.check(by, old, new, tools=tools, accept=accept, approve=approve)
        if mark is not None and mark != report.mark:
            raise StateConflict(
                "Something of the two servers was changed since the report was made.",
                hint="Look at the new report, then swap with its mark.",
                details={"mark": report.mark},
            )
        if not report.fits:
            raise _does_not_fit(report)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            await lock(session)
            rows = await read_swap(session, old, new, tools)
            if mark_of(rows) != report.mark:
                raise StateConflict("The servers were changed at this moment.", hint="Look at them and swap again.")
            return await self._switch(session, by, rows, report, approve)

    async def undo(self, by: Caller, old: str, new: str) -> Undone:
        """Give back what the last swap from `old` to `new` took over, as it was. Raises NotFound, StateConflict."""
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            await lock(session)
            return await give_back(session, by, old, new, self._now())

    async def _look_at(self, by: Caller, old: str, new: str) -> None:
        """The new server has to answer, with the definitions that are compared: nobody is switched to one that does
        not. A program has to have passed its last test instead: it is not for everybody to start one."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            _, second = await both_servers(session, old, new)
        if second.kind == "builtin" or second.status == "disabled":
            return
        if (second.url or "").startswith(SCHEME):
            if second.status != "ready":
                raise StateConflict(
                    f"The program '{second.slug}' has not passed a test.",
                    hint=f"Run `tradepost server test {second.slug}` first.",
                )
            return
        await self._discovery.discover(by, second.id)

    async def _switch(
        self, session: AsyncSession, by: Caller, rows: SwapRows, report: SwapReport, approve: bool
    ) -> SwapReport:
        targets = {old.id: new.id for old, new in rows.pairs if new is not None}
        for old, new in rows.pairs:
            if approve and new is not None and new.state == "unapproved":
                await _approve_as(session, by, old, new)
        needed = [(server, await needs_of(session, server)) for server in (rows.old, rows.new)]
        key_scopes = await follow_swap(session, by, (rows.old, rows.new), rows.pairs, rows.assignments)
        moved = [[one.id, one.tool_entry_id, targets[one.tool_entry_id]] for one in rows.assignments]
        for one in rows.assignments:
            one.tool_entry_id = targets[one.tool_entry_id]
        made = ServerSwap(
            id=new_id("swap"),
            old_server_id=rows.old.id,
            new_server_id=rows.new.id,
            moved=moved,
            key_scopes=key_scopes,
            mark=report.mark,
            made_by=by.user_id or by.principal.id,
            created_at=self._now(),
        )
        session.add(made)
        await session.flush()
        await hand_over_places(session, targets)
        await record_change(session, by, "server:swapped", rows.old.id, {"swap": made.id, **_audited(report)})
        for server, before in needed:
            await follow_needs(session, by, server, before)
        return replace(report, swap_id=made.id)


async def _approve_as(session: AsyncSession, by: Caller, old: ToolEntry, new: ToolEntry) -> None:
    """Approve the new tool with what governs the one that it takes over from."""
    kind: ToolClass = "read" if old.tool_class == "read" else "write" if old.tool_class == "write" else "destructive"
    await approve_tool(session, by, new.server_id, new.id, tool_class=kind, scope=old.scope, digest=new.digest)
    new.moves_money = old.moves_money


def _check_accepted(rows: SwapRows, accept: Collection[str]) -> None:
    unknown = sorted(set(accept) - {old.name for old, _ in rows.pairs})
    if unknown:
        raise InvalidArgument(
            f"'{unknown[0][:60]}' is not among the tools that go over.",
            hint="Accept tools by the names that the report has.",
            field="accept",
        )


def _does_not_fit(report: SwapReport) -> StateConflict:
    bad = [tool for tool in report.tools if tool.verdict not in GOOD]
    problems = [*report.against, *(f"{tool.name}: {reason.text}" for tool in bad for reason in tool.reasons)]
    hint = "Nothing was switched."
    if any(tool.verdict == "waits" for tool in bad):
        hint += f" Approve the tools of {report.new}, or let the swap do it (--approve)."
    if any(tool.verdict == "unclear" for tool in bad):
        hint += " Where it cannot be told, look yourself and accept that tool by name (--accept)."
    return StateConflict(
        f"{report.new} cannot take over from {report.old}.",
        hint=hint,
        details={"problems": problems[:MAX_PROBLEMS], "report": report.as_dict()},
    )


def _audited(report: SwapReport) -> dict[str, Any]:
    tools = [[tool.name, tool.verdict, tool.old_digest, tool.new_digest] for tool in report.tools[:MAX_NAMED]]
    count = sum(tool.assignments for tool in report.tools)
    return {"old": report.old, "new": report.new, "tools": tools, "assignments": count, "mark": report.mark}

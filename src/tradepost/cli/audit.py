"""`tradepost audit`: who did what, and the proof that nobody changed the record."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.cli import audit_keeping, console
from tradepost.cli.moments import SinceOption, UntilOption, moment
from tradepost.cli.session import DataOption, JsonOption, WorkspaceOption, opened, run
from tradepost.foundation.clock import system_now, to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.access.agents import find_agent, list_agents
from tradepost.hub.access.models import User
from tradepost.hub.access.people import find_user
from tradepost.hub.audit import read
from tradepost.hub.audit.chain import as_shown
from tradepost.hub.audit.filters import Filter
from tradepost.hub.audit.models import AuditEvent, AuditKind
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.audit.verify import verify
from tradepost.hub.audit.written_out import Format

audit = typer.Typer(name="audit", help="The record of every call and decision.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    audit_keeping.add_to(audit)
    app.add_typer(audit)


@audit.command("tail")
def tail(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    request: Annotated[str | None, typer.Option(help="Only the rows of this request id.")] = None,
    action: Annotated[str | None, typer.Option(help="Only the rows of this approval id.")] = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """The newest rows, newest last."""

    async def work() -> None:
        async with opened(data) as found:
            caller = await found.acting(workspace)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                named = {row.id: row.slug for row in await list_agents(session)}
                people = (await session.execute(select(User.id, User.email))).all()
            named |= {person.id: person.email for person in people}
            events = await read.tail(found.hub, caller.workspace_id, limit=limit, request_id=request, action_id=action)
        if as_json:
            console.show_lines([as_shown(event) for event in events])
            return
        rows: list[dict[str, Any]] = [
            {
                "at": event.occurred_at,
                "kind": event.kind,
                "what": event.tool or event.tag,
                "who": _who(event, named),
                "decision": event.decision,
                "outcome": event.error_code or event.outcome,
                "ms": f"{event.duration_us / 1000:.1f}" if event.duration_us is not None else None,
                "request": event.request_id,
            }
            for event in events
        ]
        console.show_table(
            rows, ["at", "kind", "what", "who", "decision", "outcome", "ms", "request"], "Nothing happened yet."
        )

    run(work)


def _who(event: AuditEvent, named: dict[str, str]) -> str:
    """The agent or the person by name; otherwise the kind of principal."""
    acting = event.agent_id or event.user_id
    return named.get(acting, acting) if acting else event.principal_kind


@audit.command("export")
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to write; stdout without it. Must not exist yet.")] = None,
    form: Annotated[Format, typer.Option("--format", help="JSON lines, or CSV for a spreadsheet.")] = "jsonl",
    since: SinceOption = None,
    until: UntilOption = None,
    agent: Annotated[str | None, typer.Option(help="Only this agent, by its short name or id.")] = None,
    user: Annotated[str | None, typer.Option(help="Only this person, by e-mail address or id.")] = None,
    server: Annotated[str | None, typer.Option(help="Only this server.")] = None,
    tool: Annotated[str | None, typer.Option(help="Only this tool.")] = None,
    kind: Annotated[AuditKind | None, typer.Option(help="Only rows of this kind.")] = None,
    request: Annotated[str | None, typer.Option(help="Only the rows of this request id.")] = None,
    action: Annotated[str | None, typer.Option(help="Only the rows of this approval id.")] = None,
    run_id: Annotated[str | None, typer.Option("--run", help="Only the rows of this agent run.")] = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
) -> None:
    """Rows as JSON lines or CSV, with their places in the chain."""

    async def work() -> None:
        count = 0
        period = moment(since, "since"), moment(until, "until")
        async with opened(data) as found:
            caller = await found.acting(workspace)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                agent_id = None if agent is None else (await find_agent(session, agent)).id
                user_id = None if user is None else await _person(session, user)
            wanted = Filter(*period, kind, request, run_id, action, agent_id, user_id, server, tool)
            try:
                stream = sys.stdout.buffer if file is None else file.open("xb")
            except OSError as error:
                raise InvalidArgument(
                    f"{file} cannot be written: {error.strerror}.", hint="Choose a new file."
                ) from error
            try:
                async for block in read.export(found.hub, caller.workspace_id, wanted, form):
                    stream.write(block.data)
                    count += block.rows
            finally:
                if file is not None:
                    stream.close()
        if file is not None:
            console.say(f"Exported {count} rows to {file}.")

    run(work)


async def _person(session: AsyncSession, named: str) -> str:
    return named if named.startswith("usr_") else (await find_user(session, named)).id


@audit.command("verify")
def verify_command(
    head: Annotated[
        str | None,
        typer.Option("--expect-head", "--head", help="A hash noted earlier that must still be in the chain."),
    ] = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute the chain: nothing changed, removed or slipped in. Exit status 1 when it is broken."""

    async def work() -> None:
        async with opened(data) as found:
            caller = await found.acting(workspace)
            result = await verify(found.hub, caller.workspace_id, head)  # before anything new is sealed
            new = result.unsealed
            if result.intact and new:
                await Sealer(found.hub).seal()
                result = await verify(found.hub, caller.workspace_id, head)
        shape = {
            "intact": result.intact,
            "checked": result.checked,
            "from_position": result.from_position,
            "position": result.position,
            "unsealed": result.unsealed,
            "head": result.head,
            "broken_at": result.broken_at,
            "reason": result.reason,
        }
        if as_json:
            console.show_json(shape)
        elif result.intact:
            sealed = f", {new} of them sealed just now" if new else ""
            behind = f" behind the checkpoint at {result.from_position}" if result.from_position else ""
            console.say(f"Intact: {result.checked} rows{behind}{sealed}. Head: {result.head}")
            console.say("Note the head elsewhere: with --expect-head it also proves that nothing was cut off the end.")
        if not result.intact:
            raise StateConflict(
                f"The chain is broken at row {result.broken_at}: {result.reason}",
                hint="Compare with an export made before; find out who can write to the database.",
            )

    run(work)


@audit.command("checkpoint")
def checkpoint(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Verify the chain and print its head, to be kept where nobody who can write to the database can write."""

    async def work() -> None:
        async with opened(data) as found:
            caller = await found.acting(workspace)
            slug = (await found.workspace(workspace)).slug
            await Sealer(found.hub).seal()
            result = await verify(found.hub, caller.workspace_id)
        if not result.intact:
            raise StateConflict(
                f"The chain is broken at row {result.broken_at}: {result.reason}", hint="`tradepost audit verify`."
            )
        if as_json:
            at = to_rfc3339(system_now())
            console.show_json({"workspace": slug, "position": result.position, "head": result.head, "at": at})
        else:
            console.say(result.head)

    run(work)

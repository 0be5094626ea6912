"""`tradepost audit`: who did what, and the proof that nobody changed the record."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.cli import audit_keeping, audit_proof, console
from tradepost.cli.moments import SinceOption, UntilOption, moment
from tradepost.cli.session import DataOption, JsonOption, WorkspaceOption, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.agents import find_agent, list_agents
from tradepost.hub.access.models import User
from tradepost.hub.access.people import find_user
from tradepost.hub.audit import read
from tradepost.hub.audit.chain import as_shown
from tradepost.hub.audit.filters import Filter
from tradepost.hub.audit.models import AuditEvent, AuditKind
from tradepost.hub.audit.proof import Exported
from tradepost.hub.audit.proof import proof as prove
from tradepost.hub.audit.written_out import Format

audit = typer.Typer(name="audit", help="The record of every call and decision.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    audit_keeping.add_to(audit)
    audit_proof.add_to(audit)
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
        async with opened(data, needs_store=False) as found:
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
    proof: Annotated[
        Path | None, typer.Option(help="Write here what proves the rows, for `audit verify --export` far from here.")
    ] = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
) -> None:
    """Rows as JSON lines or CSV, with their places in the chain."""

    async def work() -> None:
        period = moment(since, "since"), moment(until, "until")
        if proof is not None and (form != "jsonl" or file is None):
            raise InvalidArgument("Only JSON lines in a file can be proven.", hint="Name a file, without --format csv.")
        async with opened(data, needs_store=False) as found:
            caller = await found.acting(workspace)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                agent_id = None if agent is None else (await find_agent(session, agent)).id
                user_id = None if user is None else await _person(session, user)
            wanted = Filter(*period, kind, request, run_id, action, agent_id, user_id, server, tool)
            exported = None if proof is None else Exported()
            if proof is not None:
                await audit_proof.sign_all(found, caller.workspace_id)
            count = 0
            with _writing(file) as stream:
                async for block in read.export(found.hub, caller.workspace_id, wanted, form, exported):
                    stream.write(block.data)
                    count += block.rows
            if proof is not None and exported is not None and exported.last:
                with _writing(proof) as stream:
                    first, last = exported.first, exported.last
                    async for lines in prove(found.hub, caller.workspace_id, first, last, exported):
                        stream.write(lines)
        if file is not None:
            proven = f", and their proof to {proof}" if proof is not None and count else ""
            console.say(f"Exported {count} rows to {file}{proven}.")

    run(work)


@contextmanager
def _writing(file: Path | None) -> Iterator[BinaryIO]:
    if file is None:
        yield sys.stdout.buffer
        return
    try:
        stream = file.open("xb")
    except OSError as error:
        raise InvalidArgument(f"{file} cannot be written: {error.strerror}.", hint="Choose a new file.") from error
    with stream:
        yield stream


async def _person(session: AsyncSession, named: str) -> str:
    return named if named.startswith("usr_") else (await find_user(session, named)).id

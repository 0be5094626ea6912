"""What changed behind a server's tools, in words: refresh, history, and the rules for what has changed."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.saying_changes import as_plain, say_difference
from tradepost.cli.server_tools import Slug, registering
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.hub.registration import rules as services
from tradepost.hub.registration.history import find_version, read_history
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registry.models import HistoryEntry

OneTool = Annotated[
    str | None,
    typer.Argument(help="One tool, resource or prompt of it, by its own name or URI; else the whole server."),
]


def refresh(
    slug: Slug,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a server for its tools again and say what is different. What changed is quarantined until you approve it."""

    async def work() -> None:
        async with opened(data) as found, registering(found) as registration:
            difference = await registration.discovery.discover(await found.acting(workspace, by), slug)
        if as_json:
            console.show_json(as_plain(difference))
        elif difference.is_empty and not difference.refused:
            console.say(f"Nothing has changed at {slug}.")
        else:
            say_difference(difference, slug)

    run(work)


def history(
    slug: Slug,
    tool: OneTool = None,
    number: Annotated[int | None, typer.Option("--version", min=1, help="Show this version of the tool.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many entries, the newest first.")] = 50,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every version of a server and of what it offers that was seen, who approved which and when, and what was noticed
    in use."""

    async def work() -> None:
        if number is not None and tool is None:
            raise InvalidArgument(
                "A version belongs to a tool.", hint=f"tradepost server history {slug} TOOL --version 1"
            )
        async with hub_session(data, workspace, write=False) as (session, _):
            server = await find_server(session, slug)
            if tool is not None and number is not None:
                entry = await find_version(session, server, tool, number)
                if entry is None or entry.definition is None:
                    raise NotFound(f"{slug} has no version {number} of '{tool[:60]}'.")
                console.show_json(json.loads(entry.definition))
                return
            rows = await read_history(session, server, tool, limit)
        if as_json:
            console.show_json([_row(row) for row in rows])
            return
        columns = ["when", "what", "kind", "tool", "version", "who", "about"]
        console.show_table([_in_short(row) for row in rows], columns, "Nothing was seen of it yet.")

    run(work)


def rules(
    given: Annotated[
        list[str] | None, typer.Argument(help="NAME=VALUE, for example changed_tools=keep; NAME= unsets it.")
    ] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or change the rules of the workspace's registry: changed tools, and how many tools are too many to list."""

    async def work() -> None:
        pairs = dict(_pair(text) for text in given or [])
        async with hub_session(data, workspace, by, write=bool(pairs)) as (session, caller):
            if pairs:
                wanted = {name: value for name, value in pairs.items() if value}
                dropped = [name for name, value in pairs.items() if not value]
                found = await services.change(session, caller, given=wanted, dropped=dropped)
            else:
                found = await services.in_force(session)
        if as_json:
            console.show_json({one.name: {"value": one.value, "set_by": one.set_by} for one in found})
        else:
            console.show_table([asdict(one) for one in found], ["name", "value", "set_by", "what"], "")

    run(work)


def _row(row: HistoryEntry) -> dict[str, Any]:
    return {
        "when": row.happened_at,
        "what": row.what,
        "kind": row.kind,
        "tool": row.tool,
        "version": row.number,
        "digest": row.digest,
        "who": row.who,
        "details": row.details,
    }


def _in_short(row: HistoryEntry) -> dict[str, Any]:
    return {**_row(row), "about": _about(row)}


def _about(row: HistoryEntry) -> str:
    """One line of what the details say."""
    details = row.details
    if row.what == "server":
        return f"{details.get('name', '')} {details.get('release', '')}: {len(details.get('tools', {}))} tools".strip()
    if row.what == "definition":
        return "; ".join([", ".join(details.get("kinds", [])), *details.get("reasons", [])])
    if row.what == "approved":
        return f"as {details.get('class')}" if row.kind == "tool" else ""
    return str(details.get("says", ""))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidArgument(f"'{text[:60]}' sets nothing.", hint="Write NAME=VALUE, or NAME= to unset it.")
    return name.strip(), value.strip()


COMMANDS: dict[str, Callable[..., None]] = {"refresh": refresh, "history": history, "rules": rules}

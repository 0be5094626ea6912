"""The tools of a registered server: looking at them in full, approving and switching them off."""

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, get_args

import typer

from tradepost.cli import console, local
from tradepost.cli.saying_changes import say_difference, say_edits
from tradepost.cli.session import DataOption, JsonOption, Opened, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import with_hidden_shown
from tradepost.hub.registration import tools
from tradepost.hub.registration.build import Registration, build_registration, open_secrets
from tradepost.hub.registration.content_decisions import list_contents, waits
from tradepost.hub.registration.known_names import known_names
from tradepost.hub.registration.review import review
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registry.catalog import ToolClass
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.upstreams.programs import read_programs

SHORT = 100  # characters of a description in the table

Slug = Annotated[str, typer.Argument(help="The server's short name.")]
Tool = Annotated[str, typer.Argument(help="The tool's own name.")]


@asynccontextmanager
async def registering(found: Opened) -> AsyncIterator[Registration]:
    """What registers and discovers servers, over the databases of a command."""
    vault = await open_secrets(found.hub, found.settings.keys, found.settings.secret_managers_file)
    programs = read_programs(found.settings.servers_file, found.settings.allowed_commands)
    settings = found.settings
    url = local.running_url(settings.data, settings.url)
    registration = build_registration(
        found.hub, vault, settings.private_networks, programs, url=url, registers_programs=True
    )
    try:
        yield registration
    finally:
        await registration.close()
        await vault.close()


def tools_command(
    slug: Slug,
    offline: Annotated[bool, typer.Option(help="Only show what the registry knows.")] = False,
    schema: Annotated[bool, typer.Option(help="Show the input schemas too.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Discover a server's tools and show them with their states. New ones wait for approval."""

    async def work() -> None:
        async with opened(data) as found, registering(found) as registration:
            caller = await found.acting(workspace, by)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                is_remote = (await find_server(session, slug)).kind == "remote"
            difference = None
            if is_remote and not offline:
                difference = await registration.discovery.discover(caller, slug)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                server = await find_server(session, slug)
                entries, names = await tools.list_tools(session, slug), await known_names(session)
                waiting = sum(waits(row) for row in await list_contents(session, slug))
        if as_json:
            rows = [_in_full(entry, server, names) for entry in entries]
            console.show_json({"tools": rows, "difference": difference.summary() if difference else None})
            return
        if difference is not None:
            say_difference(difference, slug)
        columns = ["name", "state", "waiting", "class", "scope", "description", *(["input_schema"] if schema else [])]
        console.show_table([_in_short(entry, server) for entry in entries], columns, "The server has no tools.")
        if any(review(entry).waits for entry in entries):
            console.say(f"Look at one in full before approving it: tradepost server show {slug} TOOL")
        if waiting:
            console.say(f"Resources and prompts that wait: {waiting}. See: tradepost server contents {slug}")

    run(work)


def show(
    slug: Slug, tool: Tool, workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """One tool in full: every word a model would read, and what differs from the definition that is pinned."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            entry, names = await tools.find_tool(session, slug, tool), await known_names(session)
            server = await find_server(session, slug)
        if as_json:
            console.show_json(_in_full(entry, server, names))
            return
        scope = tools.scope_needed(entry, server) or "no scope"
        console.say(f"{slug}: {entry.name} is {entry.state} as {entry.tool_class} and needs {scope}.")
        seen = review(entry, names)
        say_edits(seen)
        said = seen.change.reasons if seen.change is not None else ()
        for sign in seen.signs(names):
            if sign not in said:
                console.say(f"Look at this: {sign}")
        console.say(f"Definition {seen.digest}:")
        console.say(with_hidden_shown(json.dumps(seen.definition, indent=2, ensure_ascii=False)))

    run(work)


def _in_full(entry: ToolEntry, server: Server, names: frozenset[str]) -> dict[str, Any]:
    """A tool as JSON: the pinned definition, and the waiting one with each difference."""
    seen = review(entry, names)
    pinned = json.loads(entry.definition)
    return {
        "name": entry.name,
        "state": entry.state,
        "class": entry.tool_class,
        "scope": tools.scope_needed(entry, server),
        "description": pinned.get("description", ""),
        "digest": entry.digest,
        "input_schema": pinned.get("inputSchema"),
        "definition": pinned,
        "approved_by": entry.approved_by,
        "approved_at": entry.approved_at,
        "signs": seen.signs(names),
        "waiting": seen.waiting(),
    }


def _in_short(entry: ToolEntry, server: Server) -> dict[str, Any]:
    seen = review(entry)
    return {
        "name": entry.name,
        "state": entry.state,
        "waiting": seen.in_short(),
        "class": entry.tool_class,
        "scope": tools.scope_needed(entry, server),
        "description": seen.words(SHORT),
        "input_schema": seen.definition.get("inputSchema"),
    }


def enable(
    slug: Slug,
    tool: Tool,
    tool_class: Annotated[
        str | None,
        typer.Option(
            "--class", help="read, write or destructive; else as it is: write, unless somebody said otherwise."
        ),
    ] = None,
    scope: Annotated[str | None, typer.Option(help="The scope a caller needs, in place of the server's.")] = None,
    digest: Annotated[str | None, typer.Option(help="Approve only the definition with this digest.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask about a change.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Approve a tool's definition as it is now and enable it, with the class you give it. Shows what changed."""

    async def work() -> None:
        if tool_class is not None and tool_class not in get_args(ToolClass):
            raise InvalidArgument(f"'{tool_class}' is no class.", hint="Use read, write or destructive.", field="class")
        async with hub_session(data, workspace, by, write=False) as (session, _):
            seen = review(await tools.find_tool(session, slug, tool), await known_names(session))
        say_edits(seen)
        if seen.kind is not None and digest is None and not yes and sys.stdin.isatty():
            typer.confirm("Approve the definition as it is now?", abort=True)
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            entry = await tools.approve_tool(
                session,
                caller,
                slug,
                tool,
                tool_class=tool_class,  # type: ignore[arg-type]
                scope=scope,
                digest=digest or seen.digest,
            )
        console.say(f"{slug}: {entry.name} is {entry.state} as {entry.tool_class}.")
        console.say(f"Assign it: tradepost server assign {slug} {tool} --agent NAME")

    run(work)


def disable(
    slug: Slug, tool: Tool, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None
) -> None:
    """Disable a tool; it is refused on the very next call."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            entry = await tools.set_tool_enabled(session, caller, slug, tool, False)
        console.say(f"{slug}: {entry.name} is {entry.state}.")

    run(work)


COMMANDS: dict[str, Callable[..., None]] = {
    "tools": tools_command,
    "show": show,
    "enable": enable,
    "disable": disable,
}

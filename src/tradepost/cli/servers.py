"""`tradepost server`: from a URL to governed tools."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any, get_args

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, Opened, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.errors import InvalidArgument, UpstreamError
from tradepost.hub.registration import assignments, tools
from tradepost.hub.registration.build import Registration, build_registration
from tradepost.hub.registration.difference import Difference
from tradepost.hub.registration.servers import find_server, list_servers
from tradepost.hub.registry.catalog import ToolClass
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import open_vault

server = typer.Typer(name="server", help="Registered MCP servers and their tools.", no_args_is_help=True)

Slug = Annotated[str, typer.Argument(help="The server's short name.")]
Tool = Annotated[str, typer.Argument(help="The tool's own name.")]
AgentOption = Annotated[str | None, typer.Option("--agent", help="One agent.")]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="A profile: all its agents.")]


def register(app: typer.Typer) -> None:
    app.add_typer(server)


@asynccontextmanager
async def _registering(found: Opened) -> AsyncIterator[Registration]:
    vault = await open_vault(found.hub, found.settings.key_file)
    registration = build_registration(found.hub, vault, found.settings.private_networks)
    try:
        yield registration
    finally:
        await registration.close()


def _headers(shown: list[str], hidden: list[str]) -> list[Header]:
    headers = []
    for given, is_hidden in [(line, False) for line in shown] + [(line, True) for line in hidden]:
        name, colon, value = given.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise InvalidArgument(
                "A header is written 'Name: value'.", hint="Quote it: --secret 'Authorization: Bearer …'."
            )
        headers.append(Header(name.strip(), value.strip(), is_hidden))
    return headers


@server.command("add")
def add(
    slug: Slug,
    url: Annotated[str, typer.Argument(help="Its MCP endpoint, for example https://example.com/mcp.")],
    name: Annotated[str, typer.Option(help="Its full name.")] = "",
    header: Annotated[
        list[str] | None, typer.Option(help="A header 'Name: value' that may be shown; repeat it.")
    ] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="A header that is sealed and never shown; repeat it.")
    ] = None,
    timeout: Annotated[int, typer.Option(min=1, max=300, help="Seconds a call may take.")] = 60,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Register a remote MCP server. Nothing of it is visible to agents yet."""

    async def work() -> None:
        headers = _headers(header or [], secret or [])
        async with opened(data) as found, _registering(found) as registration:
            caller = await found.acting(workspace, by)
            row = await registration.servers.register(caller, slug, url, headers, name=name, timeout_seconds=timeout)
        console.say(f"The server {row.slug} is registered. Test it next: tradepost server test {row.slug}")

    run(work)


@server.command("test")
def connect(
    slug: Slug,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Connect for real, with its headers, and say what was found."""

    async def work() -> None:
        async with opened(data) as found, _registering(found) as registration:
            report = await registration.discovery.test(await found.acting(workspace, by), slug)
        if as_json:
            console.show_json(asdict(report))
        elif report.ok:
            console.say(
                f"{slug} answers: {report.server_name}, {report.tools} tools, MCP {report.protocol_version} "
                f"({report.era}), {report.transport}, {report.latency_ms:.0f} ms."
            )
        if not report.ok:
            raise UpstreamError(report.problem or "The server did not answer.", hint=report.hint)

    run(work)


@server.command("tools")
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
        async with opened(data) as found, _registering(found) as registration:
            caller = await found.acting(workspace, by)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                is_remote = (await find_server(session, slug)).kind == "remote"
            difference = None
            if is_remote and not offline:
                difference = await registration.discovery.discover(caller, slug)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                entries = await tools.list_tools(session, slug)
            rows = [_tool_row(entry, with_schema=schema or as_json) for entry in entries]
        if as_json:
            console.show_json({"tools": rows, "difference": difference.summary() if difference else None})
            return
        if difference is not None:
            _say_difference(difference)
        columns = ["name", "state", "class", "scope", "description", *(["input_schema"] if schema else [])]
        console.show_table(rows, columns, "The server has no tools.")

    run(work)


def _tool_row(entry: Any, *, with_schema: bool) -> dict[str, Any]:
    definition = json.loads(entry.definition)
    row: dict[str, Any] = {
        "name": entry.name,
        "state": entry.state,
        "class": entry.tool_class,
        "scope": entry.scope,
        "description": str(definition.get("description", ""))[:100],
        "digest": entry.digest,
    }
    if with_schema:
        row["input_schema"] = definition.get("inputSchema")
    return row


def _say_difference(difference: Difference) -> None:
    if difference.new:
        console.say(f"New, waiting for approval: {', '.join(difference.new)}.")
    for change in difference.changed:
        console.say(f"Changed ({change.kind}), out of every catalog until approved: {change.name}.")
    if difference.removed:
        console.say(f"Gone from the server: {', '.join(difference.removed)}.")
    for name, why in difference.refused:
        console.say(f"Refused: {name}: {why}")


@server.command("enable")
def enable(
    slug: Slug,
    tool: Tool,
    tool_class: Annotated[
        str, typer.Option("--class", help="read, write or destructive; unknown counts as write.")
    ] = "write",
    scope: Annotated[str | None, typer.Option(help="The scope a caller needs.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Approve a tool's definition as it is now and enable it, with the class you give it."""

    async def work() -> None:
        if tool_class not in get_args(ToolClass):
            raise InvalidArgument(f"'{tool_class}' is no class.", hint="Use read, write or destructive.", field="class")
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            entry = await tools.approve_tool(session, caller, slug, tool, tool_class=tool_class, scope=scope)  # type: ignore[arg-type]
            await tools.approve_contents(session, caller, slug)
        console.say(f"{slug}: {entry.name} is {entry.state} as {entry.tool_class}.")
        console.say(f"Assign it: tradepost server assign {slug} {tool} --agent NAME")

    run(work)


@server.command("disable")
def disable(
    slug: Slug, tool: Tool, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None
) -> None:
    """Disable a tool; it is refused on the very next call."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            entry = await tools.set_tool_enabled(session, caller, slug, tool, False)
        console.say(f"{slug}: {entry.name} is {entry.state}.")

    run(work)


@server.command("assign")
def assign(
    slug: Slug,
    tool: Tool,
    agent: AgentOption = None,
    profile: ProfileOption = None,
    as_name: Annotated[str | None, typer.Option("--name", help="Show it under this name.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Make a tool visible to an agent or a profile."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            made = await assignments.assign(
                session, caller, slug, tool, agent=agent, profile=profile, exposed_name=as_name
            )
        console.say(f"{agent or profile} sees {tool} of {slug}.")
        for warning in made.warnings:
            console.say(f"Warning: {warning}")

    run(work)


@server.command("unassign")
def unassign(
    slug: Slug,
    tool: Tool,
    agent: AgentOption = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Take a tool away from an agent or a profile."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            await assignments.unassign(session, caller, slug, tool, agent=agent, profile=profile)
        console.say(f"{agent or profile} does not see {tool} of {slug} any more.")

    run(work)


@server.command("remove")
def remove(
    slug: Slug,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Delete a server; its tools disappear from every catalog."""

    async def work() -> None:
        async with opened(data) as found, _registering(found) as registration:
            caller = await found.acting(workspace, by)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                names = [entry.name for entry in await tools.list_tools(session, slug)]
            if not yes:
                console.say(f"These tools will disappear: {', '.join(names) or 'none'}.")
                typer.confirm(f"Delete {slug}?", abort=True)
            await registration.servers.delete(caller, slug)
        console.say(f"The server {slug} and its {len(names)} tools are gone.")

    run(work)


@server.command("list")
def list_command(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """All servers of the workspace."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            rows = [
                {
                    "slug": row.slug,
                    "kind": row.kind,
                    "status": row.status,
                    "url": row.url,
                    "tested_at": row.tested_at,
                    "last_error": row.last_error,
                }
                for row in await list_servers(session)
            ]
        if as_json:
            console.show_json(rows)
        else:
            console.show_table(rows, ["slug", "kind", "status", "url", "last_error"], "There is no server yet.")

    run(work)

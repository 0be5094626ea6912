"""`tradepost server`: from a URL to governed tools."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from tradepost.cli import console, registries, server_inject, server_settings, server_tools
from tradepost.cli.server_tools import Slug, Tool, registering
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.errors import InvalidArgument, UpstreamError
from tradepost.hub.registration import assignments, tools
from tradepost.hub.registration.servers import list_servers
from tradepost.hub.upstreams.programs import SCHEME
from tradepost.hub.vault.header_rules import Header

server = typer.Typer(name="server", help="Registered MCP servers and their tools.", no_args_is_help=True)

AgentOption = Annotated[str | None, typer.Option("--agent", help="One agent.")]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="A profile: all its agents.")]


def register(app: typer.Typer) -> None:
    for name, command in server_tools.COMMANDS.items():
        server.command(name)(command)
    server.command("settings")(server_settings.settings)
    server.command("inject")(server_inject.inject)
    registries.register(server)
    app.add_typer(server)


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
    url: Annotated[
        str,
        typer.Argument(
            help="Its MCP endpoint, for example https://example.com/mcp, or stdio:NAME for a program of the file that "
            "TRADEPOST_SERVERS_FILE names."
        ),
    ],
    name: Annotated[str, typer.Option(help="Its full name.")] = "",
    header: Annotated[
        list[str] | None, typer.Option(help="A header 'Name: value' that may be shown; repeat it.")
    ] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="A header that is sealed and never shown; repeat it.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=1, max=300, help="Seconds a call may take; else 60.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Register an MCP server. Nothing of it is visible to agents yet."""

    async def work() -> None:
        headers = _headers(header or [], secret or [])
        async with opened(data) as found, registering(found) as registration:
            caller = await found.acting(workspace, by)
            options: Any = {"name": name, "timeout_seconds": timeout}
            if url.startswith(SCHEME):
                if headers:
                    raise InvalidArgument(
                        "A program has no headers.", hint="Give it what it needs by `env` in the file of servers."
                    )
                program = url.removeprefix(SCHEME)
                row = await registration.servers.register_program(caller, slug, program, **options)
            else:
                row = await registration.servers.register(caller, slug, url, headers, **options)
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
        async with opened(data) as found, registering(found) as registration:
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
        async with opened(data) as found, registering(found) as registration:
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

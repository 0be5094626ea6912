"""`tradepost server`: from a URL to governed tools."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from tradepost.cli import (
    console,
    registries,
    server_apis,
    server_call,
    server_changes,
    server_contents,
    server_credentials,
    server_dry_run,
    server_inject,
    server_settings,
    server_swap,
    server_tools,
)
from tradepost.cli.credential_options import NOTHING_GIVEN, CredentialOptions, takes_credential
from tradepost.cli.headers import headers_of
from tradepost.cli.secret_values import HOW, secret_value
from tradepost.cli.server_credentials import SecretUrlOption
from tradepost.cli.server_quickly import go_on, say_report
from tradepost.cli.server_tools import Slug, Tool, registering
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.errors import InvalidArgument, UpstreamError
from tradepost.hub.registration import assignments, tools
from tradepost.hub.registration.arranging import check_target
from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.servers import list_servers
from tradepost.hub.registration.ways_in import NO_WAY, shown_url, ways_in
from tradepost.hub.upstreams.programs import SCHEME
from tradepost.hub.vault.header_rules import Header

server = typer.Typer(name="server", help="Registered MCP servers and their tools.", no_args_is_help=True)

AgentOption = Annotated[str | None, typer.Option("--agent", help="One agent.")]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="A profile: all its agents.")]


def register(app: typer.Typer) -> None:
    parts = (server_tools, server_contents, server_changes, server_credentials, server_apis)
    for name, command in [found for part in parts for found in part.COMMANDS.items()]:
        server.command(name)(command)
    server.command("settings")(server_settings.settings)
    server.command("call")(server_call.call)
    server.command("dry-run")(server_dry_run.dry_run)
    server.command("inject")(server_inject.inject)
    server.command("swap")(server_swap.swap)
    registries.register(server)
    app.add_typer(server)


@server.command("add")
@takes_credential
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
        list[str] | None,
        typer.Option(help=f"A header 'Name: value' that is sealed and never shown; repeat it. The value is {HOW}."),
    ] = None,
    given: CredentialOptions = NOTHING_GIVEN,
    secret_url: SecretUrlOption = False,
    timeout: Annotated[float | None, typer.Option(min=1, max=300, help="Seconds a call may take; else 60.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Go on at once: test, discover, enable what only reads, and assign it.")
    ] = False,
    agent: AgentOption = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Register an MCP server. Without --yes nothing of it is visible to agents yet."""

    async def work() -> None:
        if (agent or profile) and not yes:
            raise InvalidArgument("--agent and --profile go with --yes.", hint="Or assign tools later, one by one.")
        headers, credential = headers_of(header or [], secret or []), given.credential()
        whole = secret_value(url, "the URL") if secret_url else url
        if isinstance(credential, Header):
            headers.append(credential)
        terms = credential if isinstance(credential, OAuthTerms) else None
        async with opened(data) as found, registering(found) as registration:
            caller = await found.acting(workspace, by)
            if yes:
                await check_target(found.hub, caller, agent, profile)
            options: Any = {"name": name, "timeout_seconds": timeout}
            if whole.startswith(SCHEME):
                if headers or terms is not None:
                    raise InvalidArgument(
                        "A program has no headers.", hint="Give it what it needs by `env` in the file of servers."
                    )
                program = whole.removeprefix(SCHEME)
                row = await registration.servers.register_program(caller, slug, program, **options)
            else:
                options |= {"hide_url": secret_url, "oauth": terms}
                row = await registration.servers.register(caller, slug, whole, headers, **options)
            if yes:
                await go_on(found.hub, registration, caller, row, agent, profile)
                return
        console.say(f"The server {row.slug} is registered. {_next(row.slug, terms)}")

    run(work)


def _next(slug: str, terms: OAuthTerms | None) -> str:
    if terms is not None and terms.flow == "authorization_code":
        return f"Connect it next: tradepost server connect {slug}"
    return f"Test it next: tradepost server test {slug}"


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
        elif report.ok and report.transport == "rest":
            console.say(
                f"{slug} answers: {report.server_name}, {report.tools} tools, REST, {report.latency_ms:.0f} ms."
            )
        elif report.ok:
            say_report(slug, report)
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
    title: Annotated[str | None, typer.Option(help="Your title for it; empty for the server's own.")] = None,
    description: Annotated[str | None, typer.Option(help="Your description of it; empty for the server's own.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Make a tool visible to an agent or a profile."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            made = await assignments.assign(
                session,
                caller,
                slug,
                tool,
                agent=agent,
                profile=profile,
                exposed_name=as_name,
                title=title,
                description=description,
            )
        shown_as = "" if made.exposed_name == tool else f" as {made.exposed_name}"
        console.say(f"{agent or profile} sees {tool} of {slug}{shown_as}.")
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
        async with hub_session(data, workspace, write=False) as (session, caller):
            ways = await ways_in(session, caller.user_id)
            rows = [
                {
                    "slug": row.slug,
                    "kind": row.kind,
                    "status": row.status,
                    "url": shown_url(row),
                    "credential": ways.get(row.id, NO_WAY).credential,
                    "connection": ways.get(row.id, NO_WAY).connection,
                    "tested_at": row.tested_at,
                    "last_error": row.last_error,
                }
                for row in await list_servers(session)
            ]
        if as_json:
            console.show_json(rows)
        else:
            columns = ["slug", "kind", "status", "url", "credential", "connection", "last_error"]
            console.show_table(rows, columns, "There is no server yet.")

    run(work)

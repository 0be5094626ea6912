"""`tradepost oauth-client|oauth-grant`: which programs may ask for access, and what people let them do."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.foundation.canonical import parse_strict
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.agents import list_agents
from tradepost.hub.access.oauth import grants as granting
from tradepost.hub.access.oauth import registered
from tradepost.hub.access.people import list_users

clients = typer.Typer(name="oauth-client", help="OAuth clients that an admin registered.", no_args_is_help=True)
grants = typer.Typer(name="oauth-grant", help="What people let OAuth clients do.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for group in (clients, grants):
        app.add_typer(group)


@clients.command("add")
def client_add(
    name: Annotated[str, typer.Argument(help="The name that people see.")],
    redirect: Annotated[
        list[str] | None, typer.Option(help="Where people are sent back to; repeat it. Any port of http://127.0.0.1.")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="The agent it acts as on its own, without a person.")] = None,
    secret: Annotated[bool, typer.Option("--secret", help="Give it a secret, shown once.")] = False,
    jwks: Annotated[Path | None, typer.Option(help="A file with the public keys it signs with (JWK Set).")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a client."""

    async def work() -> None:
        keys = _keys(jwks) if jwks is not None else None
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            made = await registered.add_client(
                session, caller, name, redirect_uris=redirect or (), agent=agent, confidential=secret, jwks=keys
            )
        if as_json:
            console.show_json({"id": made.id, "client_id": made.client_id, "name": made.name, "secret": made.secret})
            return
        console.say(f"The client {made.name} is there. Its client id: {made.client_id}")
        if made.secret is not None:
            console.say(f"Its secret, shown only now: {made.secret}")

    run(work)


@clients.command("list")
def client_list(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """The registered clients."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            agents = {row.id: row.slug for row in await list_agents(session)}
            rows = [
                {
                    "client_id": row.client_id,
                    "name": row.name,
                    "proves itself": "secret" if row.secret_digest else "key" if row.jwks else "no",
                    "agent": agents.get(row.agent_id or "", ""),
                    "redirects": ", ".join(row.redirect_uris),
                    "status": row.status,
                }
                for row in await registered.list_clients(session)
            ]
        _show(rows, as_json, "No client is registered.")

    run(work)


@clients.command("disable")
def client_disable(
    client: Annotated[str, typer.Argument(help="Its client id.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Shut a client out; its tokens stop working on the next call."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            row = await registered.disable_client(session, caller, client)
        console.say(f"The client {row.name} is disabled.")

    run(work)


@grants.command("list")
def grant_list(
    all_of_them: Annotated[bool, typer.Option("--all", help="Also those that were revoked.")] = False,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who let which client do what."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            agents = {row.id: row.slug for row in await list_agents(session)}
            users = {row.id: row.email for row in await list_users(session)}
            rows = [
                {
                    "id": row.id,
                    "client": row.client_name,
                    "user": users.get(row.user_id or "", ""),
                    "agent": agents.get(row.agent_id, ""),
                    "resource": row.resource,
                    "scopes": " ".join(row.scopes),
                    "since": to_rfc3339(row.created_at),
                    "status": "active" if row.revoked_at is None else "revoked",
                }
                for row in await granting.list_grants(session, active=not all_of_them)
            ]
        _show(rows, as_json, "Nobody has let a client in.")

    run(work)


@grants.command("revoke")
def grant_revoke(
    grant: Annotated[str, typer.Argument(help="The id of the grant.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Take a grant back; its tokens stop working on the next call."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            row = await granting.revoke_grant(session, caller, grant)
        console.say(f"What {row.client_name} was granted is taken back.")

    run(work)


def _show(rows: list[dict[str, Any]], as_json: bool, empty: str) -> None:
    if as_json:
        console.show_json(rows)
    else:
        console.show_table(rows, list(rows[0]) if rows else [], empty)


def _keys(path: Path) -> dict[str, Any]:
    found = parse_strict(path.read_bytes())
    if not isinstance(found, dict):
        raise InvalidArgument("The file has no JWK Set.", hint='It is JSON like {"keys": [...]}.')
    return found

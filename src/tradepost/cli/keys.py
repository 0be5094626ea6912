"""`tradepost key`: bearer keys of agents and people."""

from datetime import timedelta
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.foundation.clock import system_now
from tradepost.hub.access import agents, keys, people
from tradepost.hub.access.scopes import FAMILIES, SCOPES

group = typer.Typer(name="key", help="Bearer keys of agents and people.", no_args_is_help=True)

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Its eight public characters or its id.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group)


@group.command("mint")
def key_mint(
    agent: Annotated[str | None, typer.Option(help="The agent that will act with it.")] = None,
    user: Annotated[str | None, typer.Option(help="Or the person (e-mail address) it acts for.")] = None,
    profile: Annotated[str | None, typer.Option(help="With --user: the profile whose shared tools it sees.")] = None,
    customer: Annotated[str | None, typer.Option(help="The one customer it is bound to.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="A scope it has (see `key scopes`); repeat it.")] = None,
    address: Annotated[
        list[str] | None, typer.Option("--from", help="An address or network it may be used from; repeat it.")
    ] = None,
    label: Annotated[str, typer.Option(help="Where it is used.")] = "",
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Expires after so many days.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """A new key. It is shown once and kept as a hash only."""

    async def work() -> None:
        expires = system_now() + timedelta(days=days) if days else None
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            terms = keys.KeyTerms(
                label=label,
                scopes=None if scope is None else frozenset(scope),
                expires_at=expires,
                allowed_addresses=None if address is None else tuple(address),
                profile_id=None if profile is None else (await agents.find_profile(session, profile)).id,
                customer=customer,
            )
            agent_id = None if agent is None else (await agents.find_agent(session, agent)).id
            user_id = None if user is None else (await people.find_user(session, user)).id
            minted = await keys.mint(session, caller, terms, agent_id=agent_id, user_id=user_id)
        _show(minted, f"Key of {agent or user}, shown only now:", as_json)

    run(work)


@group.command("rotate")
def key_rotate(
    key: KeyArgument,
    grace: Annotated[int, typer.Option(min=0, max=720, help="Hours for which the old key still works.")] = 24,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """A new key with the rights of an old one, which ends after a while: time to change it everywhere."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            minted = await keys.rotate(session, caller, key, grace=timedelta(hours=grace))
        until = f"still works for {grace} hours" if grace else "works no more"
        _show(minted, f"The key {key} {until}. The new one, shown only now:", as_json)

    run(work)


@group.command("list")
def key_list(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """All keys: prefix, owner, last use; never the key itself."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            named = {row.id: row.slug for row in await agents.list_agents(session)}
            named |= {row.id: row.email for row in await people.list_users(session)}
            rows = [
                {
                    "prefix": row.prefix,
                    "of": named.get(row.agent_id or row.user_id or ""),
                    "label": row.label,
                    "scopes": row.scopes,
                    "from": row.allowed_addresses,
                    "customer": row.customer,
                    "created_at": row.created_at,
                    "last_used_at": row.last_used_at,
                    "expires_at": row.expires_at,
                    "revoked_at": row.revoked_at,
                }
                for row in await keys.list_keys(session)
            ]
        if as_json:
            console.show_json(rows)
        else:
            columns = ["prefix", "of", "label", "last_used_at", "expires_at", "revoked_at"]
            console.show_table(rows, columns, "There is no key yet.")

    run(work)


@group.command("revoke")
def key_revoke(
    key: KeyArgument, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None
) -> None:
    """End a key; acts on the next call."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            await keys.revoke(session, caller, key)
        console.say(f"The key {key} is revoked.")

    run(work)


@group.command("scopes")
def key_scopes(as_json: JsonOption = False) -> None:
    """All scopes and what each lets its holder do."""
    if as_json:
        console.show_json(SCOPES | FAMILIES)
    else:
        rows = [{"scope": scope, "lets": words} for scope, words in (SCOPES | FAMILIES).items()]
        console.show_table(rows, ["scope", "lets"], "")


def _show(minted: keys.MintedKey, words: str, as_json: bool) -> None:
    if as_json:
        console.show_json(
            {"id": minted.id, "prefix": minted.prefix, "key": minted.secret, "expires_at": minted.expires_at}
        )
    else:
        console.say(f"{words}\n{minted.secret}")

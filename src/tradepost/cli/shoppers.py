"""`tradepost shopper-session`: letting a customer of the shop in for some minutes."""

from datetime import timedelta
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.hub.access import agents, shoppers
from tradepost.hub.registration.granting import scopes_through_profile

sessions = typer.Typer(
    name="shopper-session", help="Short-lived tokens for a shop's own customers.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    app.add_typer(sessions)


@sessions.command("create")
def session_create(
    customer: Annotated[str, typer.Option(help="The customer's id, number or external id in the shop.")],
    profile: Annotated[
        str | None, typer.Option(help="A customer-facing profile; may be left out where there is one.")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="A scope it has, for example me:orders.read; repeat it. All by default.")
    ] = None,
    minutes: Annotated[int, typer.Option(help="How long it lives, 1 to 60.")] = 15,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """A token for one customer. Shown once, and worth nothing after its minutes."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            made = await shoppers.mint_shopper_session(
                session,
                caller,
                customer,
                profile=profile,
                scopes=scope,
                lives=timedelta(minutes=minutes),
                shown=scopes_through_profile,
            )
        if as_json:
            console.show_json(
                {
                    "id": made.id,
                    "token": made.token,
                    "customer": made.customer,
                    "profile": made.profile,
                    "scopes": list(made.scopes),
                    "expires_at": made.expires_at,
                }
            )
        else:
            console.say(made.token)
            console.say(f"For {made.customer} in {made.profile}, until {console.text(made.expires_at)}. Id: {made.id}")

    run(work)


@sessions.command("list")
def session_list(
    customer: Annotated[str | None, typer.Option(help="Only this customer's, named as when it was made.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Those that are over or revoked, too.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """The sessions that can be used now, newest first. Never their tokens."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=False) as (session, caller):
            profiles = {row.id: row.slug for row in await agents.list_profiles(session)}
            rows = [
                {
                    "id": row.id,
                    "prefix": row.prefix,
                    "customer": row.customer,
                    "profile": profiles.get(row.profile_id),
                    "expires_at": row.expires_at,
                    "revoked_at": row.revoked_at,
                    "scopes": " ".join(row.scopes),
                }
                for row in await shoppers.list_shopper_sessions(session, caller, customer=customer, ended=ended)
            ]
        if as_json:
            console.show_json(rows)
        else:
            columns = ["prefix", "customer", "profile", "expires_at", "revoked_at"]
            console.show_table(rows, columns, "There is no shopper session.")

    run(work)


@sessions.command("revoke")
def session_revoke(
    session: Annotated[str, typer.Argument(help="The session, by its id or its eight public characters.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """End a session; acts on its next call."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (unit, caller):
            row = await shoppers.revoke_shopper_session(unit, caller, session)
        console.say(f"The session {row.prefix} of {row.customer} is revoked.")

    run(work)

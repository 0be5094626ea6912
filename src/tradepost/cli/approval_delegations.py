"""Handing the right to answer approvals to another person for a while."""

from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.answering import named_person
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.foundation.clock import from_rfc3339, system_now
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.actions import delegations


def register(app: typer.Typer) -> None:
    app.command("delegate")(delegate)
    app.command("delegations")(show)
    app.command("revoke-delegation")(revoke)


def delegate(
    to: Annotated[str, typer.Argument(help="E-mail address of who answers for you.")],
    until: Annotated[str, typer.Option(help="When it ends, like 2026-12-01T18:00:00Z.")],
    since: Annotated[str | None, typer.Option("--from", help="When it begins; now without it.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand your right to answer to another person while you are away."""

    async def work() -> None:
        now = system_now()
        try:
            begins, ends = from_rfc3339(since) if since else now, from_rfc3339(until)
        except (ValueError, OverflowError):
            raise InvalidArgument("A time cannot be read.", hint="Write it like 2026-12-01T18:00:00Z.") from None
        async with hub_session(data, workspace, named_person(by), write=True) as (session, caller):
            made = await delegations.delegate(session, caller, to, begins, ends, now)
        if as_json:
            console.show_json(made)
        else:
            console.say(f"{made['to']} answers for {made['from']} until {console.text(made['ends_at'])}: {made['id']}")

    run(work)


def show(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Who answers for whom, the latest first."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            rows = await delegations.list_delegations(session)
        if as_json:
            console.show_json(rows)
            return
        columns = ["id", "from", "to", "starts_at", "ends_at", "revoked_at"]
        console.show_table(rows, columns, "Nobody answers for anybody else.")

    run(work)


def revoke(
    delegation_id: Annotated[str, typer.Argument(help="Its id.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """End one now; what was approved by it and not yet carried out does not count any more."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            await delegations.revoke(session, caller, delegation_id, system_now())
        console.say("It is over.")

    run(work)

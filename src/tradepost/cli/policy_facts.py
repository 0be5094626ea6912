"""`tradepost policy zone`, `figures` and `test`: what rules go by, and trying them on a table of calls."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.policy_words import figures_in
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.policy.stored import read_ruleset
from tradepost.hub.registration.policies import declaring, rules, trying


def register(policy: typer.Typer) -> None:
    policy.command("zone")(zone_command)
    policy.command("figures")(figures_command)
    policy.command("test")(try_command)


def zone_command(
    zone: Annotated[str, typer.Argument(help="Europe/Rome, UTC and the like.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Say in which time zone the workspace's days and hours are."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            await rules.set_zone(session, caller, zone)
        console.say(f"Days and hours are those of {zone}.")

    run(work)


def figures_command(
    server: Annotated[str, typer.Argument(help="The server's short name.")],
    tool: Annotated[str, typer.Argument(help="One of its tools.")],
    given: Annotated[
        list[str] | None,
        typer.Argument(metavar="FIGURE=ARGUMENT", help="amount=payment.total currency=payment.currency unit=major"),
    ] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Say in which arguments of a tool its amount, currency, quantity and customer stand, or show it."""

    async def work() -> None:
        said = figures_in(given)
        async with hub_session(data, workspace, by, write=bool(said)) as (session, caller):
            found = await declaring.declare(session, caller, server, tool, said) if said else None
            found = await declaring.declared(session, server, tool) if found is None else found
        rows = [{"figure": name, "argument": argument} for name, argument in found.items()]
        console.show_table(rows, ["figure", "argument"], "Nothing is said of it.")

    run(work)


def try_command(
    table: Annotated[Path, typer.Argument(help="Calls and what is expected of them, as YAML or CSV.")],
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try the rules on a table of calls, and show which rule decided each. Exit status 1 where one is not as
    expected."""

    async def work() -> None:
        try:
            cases = trying.read_table(table.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise InvalidArgument(f"{table} is no text in UTF-8.") from None
        except OSError as error:
            raise InvalidArgument(f"{table} cannot be read: {error.strerror}.", hint="Check the path.") from None
        async with hub_session(data, workspace, write=False) as (session, _):
            tried = await trying.try_table(session, await read_ruleset(session), cases, datetime.now(UTC))
        rows = [
            {
                "call": f"{one.number}. {one.call}",
                "expected": one.expected,
                "decided": one.decided,
                "rule": one.rule,
                "reason": one.reason,
                "": "" if one.as_expected else "DIFFERS",
            }
            for one in tried
        ]
        wrong = sum(not one.as_expected for one in tried)
        if as_json:
            console.show_json([{**row, "as_expected": not row.pop("")} for row in rows])
        else:
            console.show_table(rows, ["call", "expected", "decided", "rule", "reason", ""], "")
            console.say(f"{len(tried)} calls, {wrong} not as expected.")
        if wrong:
            raise typer.Exit(1)

    run(work)

"""`tradepost limits`: how often a workspace and its agents may call, how much they may use in a day, which features."""

from dataclasses import asdict
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access import quotas

limits = typer.Typer(
    name="limits", help="Calls, money and features of a workspace and its agents.", no_args_is_help=True
)

AgentOption = Annotated[
    str | None, typer.Option("--agent", "-a", help="One agent of the workspace, by its short name.")
]


def register(app: typer.Typer) -> None:
    app.add_typer(limits)


@limits.command("show")
def show_command(
    agent: AgentOption = None, workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """The limits that hold, who set them, and what is used of them today."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            found = await quotas.in_force(session, agent)
        _show(found, as_json=as_json)

    run(work)


@limits.command("set")
def set_command(
    given: Annotated[list[str], typer.Argument(help="NAME=VALUE, for example calls_per_minute=600; NAME= unsets it.")],
    agent: AgentOption = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set limits and features of the workspace, or lower limits of one agent. In force on the next call."""

    async def work() -> None:
        pairs = dict(_pair(text) for text in given)
        wanted = {name: value for name, value in pairs.items() if value}
        dropped = [name for name, value in pairs.items() if not value]
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            found = await quotas.change(session, caller, agent, given=wanted, dropped=dropped)
        _show(found, as_json=as_json)

    run(work)


def _show(found: list[quotas.InForce], *, as_json: bool) -> None:
    if as_json:
        console.show_json({one.name: {"value": one.value, "set_by": one.set_by, "used": one.used} for one in found})
        return
    rows = [
        {**asdict(one), "value": _in_words(one.value), "used": "" if one.used is None else one.used} for one in found
    ]
    console.show_table(rows, ["name", "value", "used", "set_by", "what"], "")


def _in_words(value: int | bool | None) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "no limit" if value is None else str(value)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidArgument(f"'{text[:60]}' sets nothing.", hint="Write NAME=VALUE, or NAME= to unset it.")
    return name.strip(), value.strip()

"""The settings of a server and of its tools: how long, how many at once, what becomes of failures and texts."""

from dataclasses import asdict
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.server_tools import Slug
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration import limits

OneTool = Annotated[str | None, typer.Argument(help="One tool of it, by its own name; without one, the whole server.")]


def settings(
    slug: Slug,
    tool: OneTool = None,
    given: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE, for example timeout_seconds=20; repeat it.")
    ] = None,
    dropped: Annotated[
        list[str] | None, typer.Option("--unset", help="NAME: let what stands behind it hold again; repeat it.")
    ] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or change a server's settings, or those of one tool, which go before them. In force on the next call."""

    async def work() -> None:
        wanted = dict(_pair(text) for text in given or [])
        changes = bool(wanted or dropped)
        async with hub_session(data, workspace, by, write=changes) as (session, caller):
            if changes:
                found = await limits.change(session, caller, slug, tool, given=wanted, dropped=dropped or [])
            else:
                found = await limits.in_force(session, slug, tool)
        if as_json:
            console.show_json({one.name: {"value": one.value, "set_by": one.set_by} for one in found})
        else:
            console.show_table([asdict(one) for one in found], ["name", "value", "set_by", "what"], "")

    run(work)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidArgument(f"'{text[:60]}' sets nothing.", hint="Write --set NAME=VALUE, or --unset NAME.")
    return name.strip(), value.strip()

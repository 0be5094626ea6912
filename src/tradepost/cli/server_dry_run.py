"""`tradepost server dry-run`: which argument of a foreign tool makes it only say what it would do."""

from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.server_tools import Slug, Tool
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.hub.registration import dry_runs


def dry_run(
    slug: Slug,
    tool: Tool,
    argument: Annotated[
        str | None, typer.Argument(help="The argument that is true for a dry run; without it, what holds is shown.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Make no dry runs of it any more.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show people what a write of a foreign tool says it would do. Only for tools that really do nothing then."""

    async def work() -> None:
        changes = off or argument is not None
        async with hub_session(data, workspace, by, write=changes) as (session, caller):
            if changes:
                holds = await dry_runs.declare(session, caller, slug, tool, None if off else argument)
            else:
                holds = await dry_runs.declared(session, slug, tool)
        if as_json:
            console.show_json({"argument": holds})
        elif holds is None:
            console.say(f"No dry runs are made of {tool}: people are shown its arguments.")
        else:
            console.say(f"Before people are asked, {tool} is called with {holds}=true, and they read what it says.")

    run(work)

"""`tradepost server swap`: another server takes over a server's tools, for everybody at once."""

import sys
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.server_tools import Slug, registering
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, opened, run
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.registration.swap_report import SwapReport
from tradepost.hub.registration.swaps import Swaps

_IN_WORDS = {
    "fits": "fits",
    "accepted": "accepted",
    "unclear": "cannot tell",
    "breaks": "does not fit",
    "waits": "not approved",
    "missing": "missing",
}


def swap(
    old: Slug,
    new: Annotated[str, typer.Argument(help="The short name of the server that takes over.")],
    check: Annotated[bool, typer.Option("--check", help="Only say what fits and what does not.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Give back what the last swap took over.")] = False,
    tool: Annotated[list[str] | None, typer.Option(help="Only this tool; repeat it. Else all assigned ones.")] = None,
    accept: Annotated[
        list[str] | None, typer.Option(help="A tool that goes over although it cannot be told; repeat it.")
    ] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve the new tools, with class and scope of the old ones.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let NEW take over the tools of OLD that agents see, if it fits: same names, nothing refused that agents send,
    nothing given back that they do not expect. The next call goes there; --undo brings OLD back."""
    if check and undo:
        raise typer.BadParameter("--check and --undo do not go together.")

    async def work() -> None:
        async with opened(data) as found, registering(found) as registration:
            caller = await found.acting(workspace, by)
            swaps = Swaps(found.hub, registration.discovery)
            if undo:
                if tool or accept or approve:
                    raise InvalidArgument("--undo gives back the whole swap.", hint="Leave the other options out.")
                undone = await swaps.undo(caller, old, new)
                for name in undone.stayed:
                    console.say(f"Stayed where it went since: {name}.")
                console.say(f"{old} serves {undone.assignments} assignments again, from the next call on.")
                return
            report = await swaps.check(caller, old, new, tools=tool or (), accept=accept or (), approve=approve)
            if not as_json:
                _say(report)
            if check:
                _end_check(report, as_json)
                return
            if report.fits and not yes and sys.stdin.isatty():
                typer.confirm(f"Switch from {old} to {new}?", abort=True)
            made = await swaps.swap(
                caller, old, new, tools=tool or (), accept=accept or (), approve=approve, mark=report.mark
            )
        if as_json:
            console.show_json(made.as_dict())
            return
        console.say(f"{new} serves {len(made.tools)} tools of {old}, from the next call on.")
        console.say(f"Back: tradepost server swap {old} {new} --undo")

    run(work)


def _end_check(report: SwapReport, as_json: bool) -> None:
    if as_json:
        console.show_json(report.as_dict())
    if not report.fits:
        raise StateConflict(f"{report.new} cannot take over from {report.old} as it is now.")
    if not as_json:
        console.say(f"{report.new} can take over from {report.old}.")


def _say(report: SwapReport) -> None:
    rows = [
        {
            "tool": fit.name,
            "": _IN_WORDS[fit.verdict],
            "agents_know_it_as": ", ".join(fit.exposed),
            "why": " ".join(reason.text for reason in fit.reasons),
        }
        for fit in report.tools
    ]
    console.show_table(rows, ["tool", "", "agents_know_it_as", "why"], "No tool would go over.")
    for sentence in (*report.against, *report.notes):
        console.say(sentence)

"""`tradepost action`: taking back what was done."""

from typing import Annotated

import typer

from tradepost import settings
from tradepost.app import open_tradepost
from tradepost.cli import console
from tradepost.cli.answering import named_person
from tradepost.cli.previews import show_preview
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, opened, run
from tradepost.hub.actions.foreseen import foreseen_in

action = typer.Typer(name="action", help="Writes that were carried out.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(action)


@action.callback()
def _group() -> None:
    """Stays a group with one command."""


@action.command("undo")
def undo(
    action_id: Annotated[str, typer.Argument(help="The id of the action, as approvals have it.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a write back, while its record offers that. It is a write of its own and may wait for a person."""

    async def work() -> None:
        email = named_person(by)
        async with opened(data) as found:
            caller = await found.acting(workspace, email)
        hub = await open_tradepost(settings.load(data=data))
        try:
            made = await hub.gateway.undoing.undo(caller, action_id)
        finally:
            await hub.stop()
        if as_json:
            console.show_json(made.as_dict())
            return
        show_preview(foreseen_in(made.preview))
        console.say(f"{made.id}: {made.what_happened()}")
        if made.state == "pending":
            console.say(f"Answer with: tradepost approvals approve {made.id} --as YOUR-E-MAIL   (or reject)")
        elif made.state == "approved":
            console.say("The running hub carries it out now; without one it waits until a hub runs.")

    run(work)

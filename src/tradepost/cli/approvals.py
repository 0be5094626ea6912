"""`tradepost approvals`: what waits for a person, and the person's answer."""

import os
from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.previews import show_preview
from tradepost.cli.session import DataOption, JsonOption, Opened, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.verdicts import Verdicts
from tradepost.hub.actions.views import ActionView, list_views, view
from tradepost.hub.audit.writer import AuditWriter

approvals = typer.Typer(name="approvals", help="Writes that wait for a person.", no_args_is_help=True)

ActionId = Annotated[str, typer.Argument(help="The approval's id.")]
Comment = Annotated[str | None, typer.Option("--comment", "-m", help="Why; kept with the decision.")]


def register(app: typer.Typer) -> None:
    app.add_typer(approvals)


@approvals.command("list")
def list_command(
    state: Annotated[str, typer.Option(help="pending, or another state, or all.")] = "pending",
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """What waits, oldest first."""

    async def work() -> None:
        every = (
            "pending",
            "approved",
            "executing",
            "succeeded",
            "failed",
            "unknown",
            "rejected",
            "expired",
            "canceled",
        )
        if state not in (*every, "all"):
            raise InvalidArgument(f"'{state}' is no state.", hint=f"Use all, {', '.join(every)}.", field="state")
        states: Any = every if state == "all" else (state,)
        async with hub_session(data, workspace, write=False) as (session, _):
            actions, _ = await list_views(session, states=states, limit=limit)
        if as_json:
            console.show_json([action.as_dict() for action in actions])
            return
        rows = [
            {
                "id": action.id,
                "state": action.state,
                "tool": action.exposed_name,
                "what": (action.preview or {}).get("summary"),
                "agent": action.agent_id,
                "asked_at": action.created_at,
                "expires_at": action.expires_at,
            }
            for action in actions
        ]
        console.show_table(rows, ["id", "state", "tool", "what", "expires_at"], "Nothing waits for you.")

    run(work)


@approvals.command("show")
def show(
    action_id: ActionId, workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Everything about one: each argument in full, what would change, why it asks."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            action = await view(session, action_id)
        if as_json:
            console.show_json(action.as_dict())
        else:
            _card(action)

    run(work)


def _card(action: ActionView) -> None:
    console.say(f"{action.exposed_name} ({action.tool_class}) on server {action.server}: {action.state}")
    console.say(f"Why it asks: {action.decision_reason}")
    for name, value in action.attributes.items():
        console.say(f"Asked for the {name} {value}")
    console.say("Arguments, exactly as they will be executed:")
    for name, value in action.arguments.items():
        console.say(f"  {name}: {console.text(value)}")
    show_preview(action.preview or {})
    if action.undo is not None and action.undone_by is None:
        console.say(f"Can be undone until {action.undo['until']}: {console.text(action.undo['summary'])}")
        console.say(f"  tradepost action undo {action.id} --as YOUR-E-MAIL")
    if action.undoes is not None:
        console.say(f"Takes back: {action.undoes}")
    if action.undone_by is not None:
        console.say(f"Taken back by: {action.undone_by}")
    console.say(action.what_happened())
    if action.state == "pending":
        console.say(f"Answer with: tradepost approvals approve {action.id} --as YOUR-E-MAIL   (or reject)")


def _verdicts(found: Opened) -> Verdicts:
    return Verdicts(found.hub, AuditWriter(found.hub), ActionClock())


def _named(by: str | None) -> str:
    email = by or os.environ.get("TRADEPOST_USER")
    if not email:
        raise InvalidArgument(
            "Approving and rejecting is done by a person with a name.",
            hint="Say who you are with --as E-MAIL or TRADEPOST_USER; `tradepost user list` shows who there is.",
        )
    return email


def _answer(
    verb: str,
    action_id: str,
    comment: str | None,
    workspace: str | None,
    by: str | None,
    data: DataOption,
    as_json: bool,
) -> None:
    async def work() -> None:
        email = _named(by)
        async with opened(data) as found:
            caller = await found.acting(workspace, email)
            verdicts = _verdicts(found)
            answer = verdicts.approve if verb == "approve" else verdicts.reject
            action = await answer(caller, action_id, comment)
        if as_json:
            console.show_json(action.as_dict())
        else:
            console.say(action.what_happened())
            if action.state == "approved":
                console.say("The running hub carries it out now; without one it waits until a hub runs.")

    run(work)


@approvals.command("approve")
def approve(
    action_id: ActionId,
    comment: Comment = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve one, exactly as shown. The running hub carries it out, once."""
    _answer("approve", action_id, comment, workspace, by, data, as_json)


@approvals.command("reject")
def reject(
    action_id: ActionId,
    comment: Comment = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reject one for good."""
    _answer("reject", action_id, comment, workspace, by, data, as_json)

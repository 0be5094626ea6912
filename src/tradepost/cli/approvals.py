"""`tradepost approvals`: what waits for a person, and the person's answer."""

from typing import Annotated, Any

import typer

from tradepost.cli import approval_delegations, approval_groups, console
from tradepost.cli.answering import AT_THE_CONSOLE, named_person, verdicts_of
from tradepost.cli.previews import show_preview
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.actions.card import Card, cards_of
from tradepost.hub.actions.settling import Found
from tradepost.hub.actions.views import ActionView, list_views, view
from tradepost.hub.notices.contents import risk_of

approvals = typer.Typer(name="approvals", help="Writes that wait for a person.", no_args_is_help=True)

ActionId = Annotated[str, typer.Argument(help="The approval's id.")]
Comment = Annotated[str | None, typer.Option("--comment", "-m", help="Why; kept with the decision.")]


def register(app: typer.Typer) -> None:
    approval_groups.register(approvals)
    approval_delegations.register(approvals)
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
            action = (await view(session, action_id)).for_person(sees_personal=True)
            (card,) = await cards_of(session, [action])
        if as_json:
            console.show_json({**action.as_dict(), "warnings": list(card.warnings), "shape": card.shape})
        else:
            _show(action, card)

    run(work)


def _show(action: ActionView, card: Card) -> None:
    console.say(risk_of(action, card))
    console.say(f"{action.exposed_name} ({action.tool_class}) on server {action.server}: {action.state}")
    show_preview(card.foreseen)
    for warning in card.warnings:
        console.say(f"Mind: {warning}")
    console.say(f"Asked by: {card.asker}")
    console.say(f"Why it asks: {card.reason}")
    for name, value in action.attributes.items():
        console.say(f"Asked for the {name} {value}")
    console.say("Arguments, exactly as they will be executed:")
    for name, text in card.arguments:
        console.say(f"  {name}: {text}" + ("   (the asker's own words)" if name in card.words else ""))
    for said in action.verdicts:
        if said.on_behalf_of is not None:
            console.say(f"{said.user_name} answered for {card.on_behalf_of.get(said.on_behalf_of, said.on_behalf_of)}")
    _show_undo(action)
    console.say(action.what_happened())
    if action.state == "pending":
        console.say(f"Answer with: tradepost approvals approve {action.id} --as YOUR-E-MAIL   (or reject)")
    if action.state == "unknown":
        console.say(f"Look, then say: tradepost approvals settle {action.id} succeeded --as YOUR-E-MAIL   (or failed)")


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
        email = named_person(by)
        async with opened(data) as found:
            caller = await found.acting(workspace, email)
            verdicts = verdicts_of(found)
            answer = verdicts.approve if verb == "approve" else verdicts.reject
            action = await answer(caller, action_id, comment, AT_THE_CONSOLE)
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


@approvals.command("settle")
def settle(
    action_id: ActionId,
    found: Annotated[str, typer.Argument(help="succeeded: it took effect; failed: it did not.")],
    comment: Comment = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what became of a write whose outcome is unknown, after you have looked. Nothing is carried out by it."""

    async def work() -> None:
        if found not in ("succeeded", "failed"):
            raise InvalidArgument(f"'{found}' is no outcome.", hint="Say succeeded or failed.", field="found")
        email = named_person(by)
        async with opened(data) as place:
            caller = await place.acting(workspace, email)
            outcome: Found = "succeeded" if found == "succeeded" else "failed"
            action = await verdicts_of(place).settle(caller, action_id, outcome, comment, AT_THE_CONSOLE)
        if as_json:
            console.show_json(action.as_dict())
        else:
            console.say(action.what_happened())

    run(work)


def _show_undo(action: ActionView) -> None:
    if action.undo is not None and action.undone_by is None:
        console.say(f"Can be undone until {action.undo['until']}: {console.text(action.undo['summary'])}")
        console.say(f"  tradepost action undo {action.id} --as YOUR-E-MAIL")
    if action.undoes is not None:
        console.say(f"Takes back: {action.undoes}")
    if action.undone_by is not None:
        console.say(f"Taken back by: {action.undone_by}")

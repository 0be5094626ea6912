"""`tradepost approvals`: what waits for a person, and the person's answer."""

import os
from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, Opened, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.clock import from_rfc3339, system_now
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import with_hidden_shown
from tradepost.hub.actions.answering import How
from tradepost.hub.actions.card import Card, cards_of
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.delegations import delegate, list_delegations, revoke
from tradepost.hub.actions.verdicts import Verdicts
from tradepost.hub.actions.views import ActionView, list_views, view
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.notices.contents import risk_of

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
                "agent": action.agent_id,
                "asked_at": action.created_at,
                "expires_at": action.expires_at,
            }
            for action in actions
        ]
        console.show_table(rows, ["id", "state", "tool", "asked_at", "expires_at"], "Nothing waits for you.")

    run(work)


@approvals.command("show")
def show(
    action_id: ActionId, workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Everything about one: each argument in full, what would change, why it asks."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            action = await view(session, action_id)
            (card,) = await cards_of(session, [action])
        if as_json:
            console.show_json({**action.as_dict(), "warnings": list(card.warnings), "shape": card.shape})
        else:
            _show(action, card)

    run(work)


def _show(action: ActionView, card: Card) -> None:
    console.say(risk_of(action, card))
    console.say(f"{action.exposed_name} ({action.tool_class}) on server {action.server}: {action.state}")
    for warning in card.warnings:
        console.say(f"Mind: {warning}")
    console.say(f"Why it asks: {with_hidden_shown(action.decision_reason)}")
    for name, value in action.attributes.items():
        console.say(f"Asked for the {name} {value}")
    console.say("Arguments, exactly as they will be executed:")
    for name, text in card.arguments:
        console.say(f"  {name}: {text}" + ("   (the asker's own words)" if name in card.words else ""))
    preview = action.preview or {}
    if preview.get("changes"):
        console.say("What would change:")
        console.show_table(preview["changes"], ["record", "field", "before", "after"], "")
    for effect in preview.get("side_effects", []):
        console.say(f"Outside the store: {with_hidden_shown(str(effect))}")
    for said in action.verdicts:
        if said.on_behalf_of is not None:
            console.say(f"{said.user_name} answered for {card.on_behalf_of.get(said.on_behalf_of, said.on_behalf_of)}")
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


@approvals.command("groups")
def groups(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """What waits and can be answered together: the same agent, tool and arguments but for references."""

    async def work() -> None:
        found: dict[str, list[ActionView]] = {}
        async with hub_session(data, workspace, write=False) as (session, _):
            shown, _ = await list_views(session, limit=200)
            for one, card in zip(shown, await cards_of(session, shown), strict=True):
                found.setdefault(card.shape, []).append(one)
        kept = {shape: members for shape, members in found.items() if len(members) > 1}
        if as_json:
            console.show_json([{"shape": shape, "members": [one.as_dict() for one in kept[shape]]} for shape in kept])
            return
        for members in kept.values():
            console.say(f"{members[0].exposed_name}, {len(members)} times:")
            for one in members:
                console.say(f"  {one.id}={one.fingerprint}  {with_hidden_shown(console.text(one.arguments))}")
        if not kept:
            console.say("Nothing that waits can be answered together.")

    run(work)


@approvals.command("answer-group")
def answer_group(
    answer: Annotated[str, typer.Argument(help="approve or reject.")],
    members: Annotated[list[str], typer.Argument(help="ID=FINGERPRINT of each, as `approvals groups` shows them.")],
    comment: Comment = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer exactly these at once: all of them, or none."""

    async def work() -> None:
        if answer not in ("approve", "reject"):
            raise InvalidArgument(f"'{answer}' is no answer.", hint="Use approve or reject.", field="answer")
        named = dict(one.partition("=")[::2] for one in members)
        email = _named(by)
        async with opened(data) as found:
            caller = await found.acting(workspace, email)
            said: Any = answer
            answered = await _verdicts(found).answer_group(caller, said, named, comment, How())
        if as_json:
            console.show_json([one.as_dict() for one in answered])
        else:
            console.say(f"{len(answered)} answered: {answer}.")

    run(work)


@approvals.command("delegate")
def delegate_command(
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
        except ValueError:
            raise InvalidArgument("A time cannot be read.", hint="Write it like 2026-12-01T18:00:00Z.") from None
        async with hub_session(data, workspace, _named(by), write=True) as (session, caller):
            made = await delegate(session, caller, to, begins, ends, now)
        if as_json:
            console.show_json(made)
        else:
            console.say(f"{made['to']} answers for {made['from']} until {console.text(made['ends_at'])}: {made['id']}")

    run(work)


@approvals.command("delegations")
def delegations(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Who answers for whom, the latest first."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            rows = await list_delegations(session)
        if as_json:
            console.show_json(rows)
            return
        columns = ["id", "from", "to", "starts_at", "ends_at", "revoked_at"]
        console.show_table(rows, columns, "Nobody answers for anybody else.")

    run(work)


@approvals.command("revoke-delegation")
def revoke_delegation(
    delegation_id: Annotated[str, typer.Argument(help="Its id.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """End one now; what was approved by it and not yet carried out does not count any more."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            await revoke(session, caller, delegation_id, system_now())
        console.say("It is over.")

    run(work)

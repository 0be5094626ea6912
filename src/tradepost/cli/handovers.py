"""`tradepost handover`: conversations of customers that wait for a person, and answering them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from tradepost.agents.conversations.asked import Reach
from tradepost.agents.conversations.build import Desk
from tradepost.agents.conversations.handovers import UNENDED
from tradepost.api.handover_shapes import HandoverInFull, State, handover_shown, remark_shown
from tradepost.api.handovers import in_full
from tradepost.api.shapes import Shown
from tradepost.app.conversing import desk_of
from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.roles import require_role

handover = typer.Typer(
    name="handover", help="Conversations of customers that a person of the shop takes over.", no_args_is_help=True
)

Which = Annotated[str, typer.Argument(metavar="ID", help="The hand-over's id, or its conversation's.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=50, help="How many at most.")]
Doing = Callable[[Desk, Reach], Awaitable[Shown]]


def register(app: typer.Typer) -> None:
    app.add_typer(handover)


@handover.command("list")
def list_command(
    state: Annotated[
        str | None, typer.Option(help="waiting, taken, given_back or closed; the first two without it.")
    ] = None,
    limit: Limit = 20,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """The one that has waited longest first."""

    async def work() -> None:
        if state is not None and state not in get_args(State):
            raise InvalidArgument(
                f"'{state[:40]}' is no state.", hint=f"There are {', '.join(get_args(State))}.", field="state"
            )
        async with opened(data, needs_store=False) as found:
            reach = Reach(await found.acting(workspace, by), everything=True)
            async with found.hub.transaction(reach.by.workspace_id, write=False) as session:
                await require_role(session, reach.by, "operator")
            states = UNENDED if state is None else (state,)
            rows, _ = await desk_of(found.hub).handovers.list(reach, states, limit, None)
        shown = [handover_shown(one).model_dump(mode="json") for one in rows]
        if as_json:
            console.show_json(shown)
        else:
            columns = ["id", "customer", "state", "asked_by", "reason", "created_at"]
            console.show_table(shown, columns, "Nobody waits for a person.")

    run(work)


@handover.command("show")
def show_command(
    which: Which,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """The whole context: what was said, every call and its result, the customer, their orders."""

    async def doing(desk: Desk, reach: Reach) -> Shown:
        return await in_full(desk, reach, which)

    _do(doing, _show, workspace, by, data, as_json=as_json)


@handover.command("take")
def take_command(
    which: Which,
    over: Annotated[bool, typer.Option("--over", help="Also where a colleague has it.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer it yourself from now on."""

    async def doing(desk: Desk, reach: Reach) -> Shown:
        return handover_shown(await desk.handovers.take(reach, which, over=over))

    _do(doing, "{id} is yours: `tradepost handover answer {id} WORDS`.", workspace, by, data, as_json=as_json)


@handover.command("answer")
def answer_command(
    which: Which,
    words: Annotated[list[str], typer.Argument(help="What you say to the customer.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say something to the customer; takes one that still waits."""

    async def doing(desk: Desk, reach: Reach) -> Shown:
        return remark_shown(await desk.handovers.answer(reach, which, " ".join(words)))

    _do(doing, "Said.", workspace, by, data, as_json=as_json)


@handover.command("give-back")
def give_back_command(
    which: Which,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the assistant go on with it."""

    async def doing(desk: Desk, reach: Reach) -> Shown:
        return handover_shown(await desk.handovers.end(reach, which, "given_back"))

    _do(doing, "The assistant goes on with {conversation_id}.", workspace, by, data, as_json=as_json)


@handover.command("close")
def close_command(
    which: Which,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close the conversation for good."""

    async def doing(desk: Desk, reach: Reach) -> Shown:
        return handover_shown(await desk.handovers.end(reach, which, "closed"))

    _do(doing, "{conversation_id} is closed.", workspace, by, data, as_json=as_json)


def _do(
    doing: Doing,
    say: str | Callable[[Any], None],
    workspace: str | None,
    by: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    """Do something as an operator, and say it."""

    async def work() -> None:
        async with opened(data, needs_store=False) as found:
            reach = Reach(await found.acting(workspace, by), everything=True)
            async with found.hub.transaction(reach.by.workspace_id, write=False) as session:
                await require_role(session, reach.by, "operator")
            shown = await doing(desk_of(found.hub), reach)
        if as_json:
            console.show_json(shown.model_dump(mode="json"))
        elif isinstance(say, str):
            console.say(say.format(**shown.model_dump()))
        else:
            say(shown)

    run(work)


def _show(shown: HandoverInFull) -> None:
    console.say(f"{shown.id}: {shown.conversation_id} of customer {shown.customer}, {shown.state}")
    console.say(f"asked for by the {shown.asked_by}: {shown.reason or '(no reason given)'}")
    console.say(f"orders: {', '.join(shown.orders) or 'none'}")
    remarks = list(shown.remarks)
    for turn in shown.turns:
        while remarks and remarks[0].after_turn < turn.number:
            console.say(f"{remarks[0].author}: {remarks.pop(0).text}")
        console.say(f"\n> {turn.message}")
        for step in turn.steps:
            if step.kind not in ("message", "answer"):
                console.say(f"  {step.number} {step.agent} {step.kind}: {console.text(step.content)}")
        console.say(turn.answer or f"({turn.status})")
    for remark in remarks:
        console.say(f"{remark.author}: {remark.text}")

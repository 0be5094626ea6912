"""`tradepost conversation`: looking back at what was said to agents."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from tradepost.agents.conversations.asked import Reach
from tradepost.agents.conversations.judging import DOWN, UP
from tradepost.agents.conversations.looking import Wanted
from tradepost.api import conversation_shapes as shapes
from tradepost.app.conversing import desk_of
from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, Opened, UserOption, WorkspaceOption, opened, run
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.roles import at_least, require_role

conversation = typer.Typer(name="conversation", help="What people said to agents.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ID", help="The conversation's id.")]
AgentFilter = Annotated[str | None, typer.Option("--agent", help="Only with this agent.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=50, help="How many at most.")]
MOST_TURNS = 50


def register(app: typer.Typer) -> None:
    app.add_typer(conversation)


async def _reach(found: Opened, workspace: str | None, by: str | None) -> Reach:
    """What whoever acts may see: everything for operators and higher, and for the machine's own operator."""
    caller = await found.acting(workspace, by)
    async with found.hub.transaction(caller.workspace_id, write=False) as session:
        user = await require_role(session, caller, "viewer")
    return Reach(caller, user is None or at_least(user.role, "operator"))


@conversation.command("list")
def list_command(
    agent: AgentFilter = None,
    limit: Limit = 20,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """The one that was spoken in last first."""

    async def work() -> None:
        async with opened(data, needs_store=False) as found:
            reach = await _reach(found, workspace, by)
            rows, _ = await desk_of(found.hub).looking.list(reach, Wanted(agent), limit, None)
        shown = [shapes.conversation_shown(one).model_dump(mode="json") for one in rows]
        if as_json:
            console.show_json(shown)
        else:
            console.show_table(shown, ["id", "agent", "title", "turns", "last_at"], "Nothing was said yet.")

    run(work)


@conversation.command("show")
def show_command(
    conversation_id: Which,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything that was said, and every step."""

    async def work() -> None:
        turns: list[dict[str, Any]] = []
        async with opened(data, needs_store=False) as found:
            reach, looking = await _reach(found, workspace, by), desk_of(found.hub).looking
            conversation = await looking.get(reach, conversation_id)
            cursor: str | None = None
            while True:
                views, cursor = await looking.turns(reach, conversation_id, MOST_TURNS, cursor)
                turns += [shapes.turn_in_full(one).model_dump(mode="json") for one in views]
                if cursor is None:
                    break
        head = shapes.conversation_shown(conversation).model_dump(mode="json")
        if as_json:
            console.show_json({**head, "turns": turns})
            return
        console.say(f"{head['id']} with {head['agent']}, {head['turns']} turns, by {head['holder']}")
        for turn in turns:
            _show_turn(turn)

    run(work)


def _show_turn(turn: dict[str, Any]) -> None:
    console.say(f"\n> {turn['message']}")
    for step in turn["steps"]:
        if step["kind"] not in ("message", "answer"):
            console.say(f"  {step['number']} {step['agent']} {step['kind']}: {console.text(step['content'])}")
    console.say(turn["answer"] or f"({turn['status']})")
    cost = "" if turn["cost_micros"] is None else f", ${turn['cost_micros'] / 1_000_000:.4f}"
    score = "" if turn["score"] is None else f", score {turn['score']}"
    tokens = turn["tokens_in"] + turn["tokens_out"]
    console.say(f"  {turn['status']}, {turn['latency_ms']} ms, {tokens} tokens{cost}{score} ({turn['id']})")
    for finding in turn["findings"] or ():
        console.say(f"  -{finding['takes']} {finding['criterion']}: {finding['why']}")
    for given in turn["feedback"]:
        console.say(f"  feedback {given['score']} of 5: {given['words']}")


@conversation.command("search")
def search_command(
    words: Annotated[list[str], typer.Argument(help="Words that all occur; their last letters may be missing.")],
    agent: AgentFilter = None,
    limit: Limit = 20,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what was said, the newest first."""

    async def work() -> None:
        async with opened(data, needs_store=False) as found:
            reach = await _reach(found, workspace, by)
            hits, _ = await desk_of(found.hub).looking.search(reach, " ".join(words), Wanted(agent), limit, None)
        shown = [shapes.hit_shown(one).model_dump(mode="json") for one in hits]
        if as_json:
            console.show_json(shown)
            return
        rows = [{**one["turn"], **{name: one["conversation"][name] for name in ("id", "agent")}} for one in shown]
        console.show_table(rows, ["id", "agent", "message", "answer", "created_at"], "Nothing was found.")

    run(work)


@conversation.command("feedback")
def feedback_command(
    conversation_id: Which,
    score: Annotated[str, typer.Argument(help="1 (bad) to 5 (good), or up, or down.")],
    words: Annotated[str, typer.Option("--words", "-m", help="Why.")] = "",
    turn: Annotated[str | None, typer.Option("--turn", help="Which answer; the last one without it.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what an answer was worth."""

    async def work() -> None:
        named = {"up": UP, "down": DOWN, **{str(number): number for number in range(1, 6)}}
        if score not in named:
            raise InvalidArgument(f"'{score}' is no score.", hint="Give 1 to 5, up or down.", field="score")
        async with opened(data, needs_store=False) as found:
            reach = await _reach(found, workspace, by)
            given = await desk_of(found.hub).judging.give(reach, conversation_id, named[score], words, turn)
        shown = shapes.feedback_shown(given).model_dump(mode="json")
        if as_json:
            console.show_json(shown)
        else:
            console.say(f"Noted: {shown['score']} of 5 for {shown['turn_id']}.")

    run(work)


@conversation.command("redact")
def redact_command(
    conversation_id: Which,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take personal data out of one, for good, also out of the search index."""

    async def work() -> None:
        async with opened(data, needs_store=False) as found:
            caller = await found.acting(workspace, by)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                await require_role(session, caller, "admin")
            redacted = await desk_of(found.hub).forgetting.redact(caller, conversation_id)
        shown = shapes.conversation_shown(redacted).model_dump(mode="json")
        if as_json:
            console.show_json(shown)
        else:
            console.say(f"Personal data was taken out of {shown['id']}.")

    run(work)


@conversation.command("rules")
def rules_command(
    redact_days: Annotated[
        str | None, typer.Option("--redact-days", help="Take personal data out after so many days; never.")
    ] = None,
    keep_days: Annotated[str | None, typer.Option("--keep-days", help="Delete after so many days; never.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or change for how long conversations are kept."""

    async def work() -> None:
        given = {"redact_days": redact_days, "keep_days": keep_days}
        changed = {name: _days(name, value) for name, value in given.items() if value is not None}
        async with opened(data, needs_store=False) as found:
            caller = await found.acting(workspace, by)
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                await require_role(session, caller, "admin" if changed else "viewer")
            forgetting = desk_of(found.hub).forgetting
            if changed:
                await forgetting.change_rules(caller, changed)
            rules = shapes.rules_shown(await forgetting.rules(caller.workspace_id)).model_dump()
        if as_json:
            console.show_json(rules)
        else:
            for name, words in (
                ("redact_days", "Personal data is taken out"),
                ("keep_days", "Conversations are deleted"),
            ):
                days = rules[name]
                console.say(f"{words}: {'never' if days is None else f'after {days} days without a word'}.")

    run(work)


def _days(name: str, value: str) -> int | None:
    if value == "never":
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 6:
        raise InvalidArgument(f"'{value}' is no number of days.", hint="Give days, or never.", field=name)
    return int(value)


@conversation.command("metrics")
def metrics_command(
    days: Annotated[int, typer.Option("--days", min=1, max=92, help="How far back.")] = 30,
    agent: AgentFilter = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turns, tokens, cost, times and scores by day and agent."""

    async def work() -> None:
        async with opened(data, needs_store=False) as found:
            reach = await _reach(found, workspace, by)
            until = system_now()
            since = until - timedelta(days=days)
            counted = await desk_of(found.hub).metrics.count(reach.by.workspace_id, since, until, agent)
        rows = [{name: getattr(one, name) for name in one.__slots__} for one in counted]
        if as_json:
            console.show_json(rows)
            return
        columns = ["day", "agent", "conversations", "turns", "failed", "tool_calls", "tokens_in", "tokens_out"]
        columns += ["p50_ms", "p95_ms", "score", "feedback"]
        console.show_table(rows, columns, "Nothing was said in this time.")

    run(work)

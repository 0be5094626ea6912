"""Answering several approvals of one shape at once."""

from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.answering import AT_THE_CONSOLE, named_person, verdicts_of
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import with_hidden_shown
from tradepost.hub.actions.card import cards_of
from tradepost.hub.actions.views import ActionView, list_views

MOST_GROUPED = 200


def register(app: typer.Typer) -> None:
    app.command("groups")(groups)
    app.command("answer-group")(answer_group)


def groups(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """What waits and can be answered together: the same agent, tool and arguments but for references."""

    async def work() -> None:
        found: dict[str, list[ActionView]] = {}
        async with hub_session(data, workspace, write=False) as (session, _):
            shown, _ = await list_views(session, limit=MOST_GROUPED)
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


def answer_group(
    answer: Annotated[str, typer.Argument(help="approve or reject.")],
    members: Annotated[list[str], typer.Argument(help="ID=FINGERPRINT of each, as `approvals groups` shows them.")],
    comment: Annotated[str | None, typer.Option("--comment", "-m", help="Why; kept with the decision.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer exactly these at once: all of them, or none."""

    async def work() -> None:
        if answer not in ("approve", "reject"):
            raise InvalidArgument(f"'{answer}' is no answer.", hint="Use approve or reject.", field="answer")
        said: Any = answer
        named = dict(one.partition("=")[::2] for one in members)
        email = named_person(by)
        async with opened(data) as found:
            caller = await found.acting(workspace, email)
            answered = await verdicts_of(found).answer_group(caller, said, named, comment, AT_THE_CONSOLE)
        if as_json:
            console.show_json([one.as_dict() for one in answered])
        else:
            console.say(f"{len(answered)} answered: {answer}.")

    run(work)

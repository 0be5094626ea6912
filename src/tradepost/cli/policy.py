"""`tradepost policy`: the rules for what agents may do."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tradepost.cli import console, policy_facts
from tradepost.cli.policy_words import as_member, row_of, said_in, say_mind, tell, tell_comparison
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.hub.policy.stored import read_zone
from tradepost.hub.registration.policies import drafts, last_week, rules

policy = typer.Typer(name="policy", help="Rules for what agents may do.", no_args_is_help=True)

RuleName = Annotated[str, typer.Argument(metavar="RULE", help="The rule's name.")]
Given = Annotated[
    list[str] | None,
    typer.Argument(metavar="MEMBER=VALUE", help="tool=initiate_refund, approvals=2; MEMBER= unsets it."),
]
When = Annotated[str | None, typer.Option("--when", help="The condition, in CEL.")]
Reason = Annotated[str | None, typer.Option("--reason", "-m", help="Why the rule is there, in words.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Change nothing; show which writes of last week it would decide differently.")
]


def register(app: typer.Typer) -> None:
    policy_facts.register(policy)
    app.add_typer(policy)


@policy.command("list")
def list_command(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """All rules in the order in which they are looked at, the built-in ones last."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            found, names = await rules.every(session)
            zone = await read_zone(session)
        if as_json:
            console.show_json({"time_zone": zone, "rules": [as_member(rule, names) for rule in found]})
            return
        console.say(f"Days and hours are those of {zone}.")
        rows = [row_of(rule, names) for rule in found]
        console.show_table(rows, ["order", "slug", "outcome", "about", "when", "reason", "set_by"], "")

    run(work)


@policy.command("show")
def show_command(
    name: RuleName, workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Everything about one rule."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            rule, names = await rules.find(session, name), await drafts.read_names(session)
        tell(rule, names, as_json=as_json)

    run(work)


@policy.command("add")
def add_command(
    name: RuleName,
    outcome: Annotated[str, typer.Argument(help="allow, ask or deny.")],
    given: Given = None,
    when: When = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a rule. It acts on the very next call."""

    async def work() -> None:
        said = {"name": name, "outcome": outcome, **said_in(given, when, reason)}
        async with hub_session(data, workspace, by, write=not dry_run) as (session, caller):
            if dry_run:
                rule = drafts.rule_from(said, await drafts.read_names(session))
                tell_comparison(await last_week.compare(session, [rule], datetime.now(UTC)), as_json=as_json)
                say_mind(await drafts.about_nothing(session, rule))
                return
            rule, names = await rules.add(session, caller, said), await drafts.read_names(session)
            mind = await drafts.about_nothing(session, rule)
        tell(rule, names, as_json=as_json, mind=mind)

    run(work)


@policy.command("change")
def change_command(
    name: RuleName,
    given: Given = None,
    when: When = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change members of a rule; what is not named stays."""

    async def work() -> None:
        said = said_in(given, when, reason)
        async with hub_session(data, workspace, by, write=not dry_run) as (session, caller):
            names = await drafts.read_names(session)
            if dry_run:
                rule = drafts.rule_from(said, names, await rules.find(session, name))
                tell_comparison(await last_week.compare(session, [rule], datetime.now(UTC)), as_json=as_json)
                return
            rule = await rules.change(session, caller, name, said)
            mind = await drafts.about_nothing(session, rule)
        tell(rule, names, as_json=as_json, mind=mind)

    run(work)


@policy.command("remove")
def remove_command(
    name: RuleName,
    dry_run: DryRun = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a rule."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=not dry_run) as (session, caller):
            if dry_run:
                rule = await rules.find_own(session, name)
                found = await last_week.compare(session, [], datetime.now(UTC), without=rule.id)
                tell_comparison(found, as_json=as_json)
                return
            rule, names = await rules.remove(session, caller, name), await drafts.read_names(session)
        if as_json:
            console.show_json(as_member(rule, names))
        else:
            console.say(f"The rule {rule.name} is removed.")

    run(work)


@policy.command("enable")
def enable_command(
    name: RuleName, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None
) -> None:
    """Let a rule act."""
    _changed(name, {"enabled": True}, workspace, by, data)


@policy.command("disable")
def disable_command(
    name: RuleName, workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None
) -> None:
    """Keep a rule without letting it act."""
    _changed(name, {"enabled": False}, workspace, by, data)


@policy.command("order")
def order_command(
    name: RuleName,
    order: Annotated[int, typer.Argument(help="Rules with smaller numbers are looked at first; 100 is usual.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Say when a rule is looked at."""
    _changed(name, {"order": order}, workspace, by, data)


@policy.command("freeze")
def freeze_command(
    given: Given = None,
    name: Annotated[str | None, typer.Option("--name", help="What the freeze is called.")] = None,
    reason: Reason = None,
    when: When = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold all writes back, now, or in the hours that are given; outcome=ask lets people decide each."""

    async def work() -> None:
        said = {**said_in(given, when, reason), "name": name}
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            rule, names = await rules.freeze(session, caller, said), await drafts.read_names(session)
        tell(rule, names, as_json=as_json)

    run(work)


@policy.command("unfreeze")
def unfreeze_command(
    name: Annotated[str | None, typer.Argument(metavar="FREEZE", help="One freeze; all without.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Let writes go on."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            ended = await rules.unfreeze(session, caller, name)
        console.say(f"Ended: {', '.join(rule.name for rule in ended)}.")

    run(work)


def _changed(name: str, said: dict[str, Any], workspace: str | None, by: str | None, data: Path | None) -> None:
    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            rule, names = await rules.change(session, caller, name, said), await drafts.read_names(session)
        tell(rule, names, as_json=False)

    run(work)

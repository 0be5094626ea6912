"""`tradepost profile fields`: which personal data the agents of a profile see in results."""

from typing import Annotated, cast

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.agents import find_profile
from tradepost.hub.access.field_rules import KINDS, FieldRule, Show, change_fields, rules_in
from tradepost.hub.access.models import Role


def fields(
    profile: Annotated[str, typer.Argument(help="The profile.")],
    given: Annotated[
        list[str] | None,
        typer.Option("--set", help=f"KIND=masked or KIND=left_out; repeat it. Kinds: {', '.join(KINDS)}."),
    ] = None,
    but_for: Annotated[
        str | None, typer.Option(help="The role from which on the person behind a call sees what --set names.")
    ] = None,
    dropped: Annotated[list[str] | None, typer.Option("--unset", help="KIND: no rule any more; repeat it.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or change what of personal data is masked or left out in what a profile's agents get. In force on the next
    call."""

    async def work() -> None:
        rules = [_rule(text, but_for) for text in given or []]
        if but_for is not None and not rules:
            raise InvalidArgument("--but-for says nothing without --set.", hint="Name the kinds with --set.")
        changes = bool(rules or dropped)
        async with hub_session(data, workspace, by, write=changes) as (session, caller):
            if changes:
                row = await change_fields(session, caller, profile, given=rules, dropped=dropped or [])
            else:
                row = await find_profile(session, profile)
            held = [
                {"kind": one.kind, "show": one.show, "but_for": one.but_for, "what": _what(one.kind)}
                for one in rules_in(row.fields)
            ]
        if as_json:
            console.show_json(held)
        else:
            nothing = f"{row.slug} has no rules about fields: results are as their servers give them."
            console.show_table(held, ["kind", "show", "but_for", "what"], nothing)

    run(work)


def _rule(text: str, but_for: str | None) -> FieldRule:
    kind, equals, show = text.partition("=")
    if not equals:
        raise InvalidArgument(f"'{text[:60]}' sets nothing.", hint="Write --set KIND=masked or --set KIND=left_out.")
    return FieldRule(kind.strip(), cast(Show, show.strip()), cast("Role | None", but_for))


def _what(kind: str) -> str:
    return KINDS.get(kind, "Fields of this name.")

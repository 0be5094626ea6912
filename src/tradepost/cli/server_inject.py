"""What a server is told of its callers: rules for arguments, headers and `_meta`, and a signed assertion."""

import json
from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.server_tools import Slug, registering
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration import injection
from tradepost.hub.registration.caller_assertion import set_assertion
from tradepost.hub.registration.injection import InForce
from tradepost.hub.registry.injection_rules import Rule

CONSTANT = "constant:"
_WHAT = "NAME=SOURCE, or NAME=constant:VALUE; repeat it."


def inject(
    slug: Slug,
    tool: Annotated[str | None, typer.Option(help="One tool of it; its rules go before the server's.")] = None,
    argument: Annotated[list[str] | None, typer.Option(help=f"An argument: {_WHAT}")] = None,
    header: Annotated[list[str] | None, typer.Option(help=f"A header: {_WHAT}")] = None,
    meta: Annotated[list[str] | None, typer.Option(help=f"A member of _meta: {_WHAT}")] = None,
    optional: Annotated[
        bool, typer.Option("--optional", help="Leave these out for callers that have no such thing.")
    ] = False,
    remove: Annotated[
        list[str] | None, typer.Option(help="argument:NAME, header:NAME or meta:NAME; repeat it.")
    ] = None,
    assertion: Annotated[
        bool | None,
        typer.Option("--caller-assertion/--no-caller-assertion", help="Send a signed statement about the caller."),
    ] = None,
    audience: Annotated[str | None, typer.Option(help="Whom that is for, where it is not the server's URL.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or change what a server is told of its callers; the model neither sees nor sets it. In force on the next
    call."""

    async def work() -> None:
        given = [
            _rule(target, text, optional)
            for target, texts in (("argument", argument), ("header", header), ("meta", meta))
            for text in texts or []
        ]
        removed = [_named(text) for text in remove or []]
        wanted = audience if audience is not None and assertion is not False else assertion
        if wanted is not None and (tool is not None or given or removed):
            raise InvalidArgument(
                "A signed statement goes to a server, whatever its rules and tools.",
                hint="Say so in a command of its own.",
            )
        async with opened(data) as hub, registering(hub) as registration:
            caller = await hub.acting(workspace, by)
            if wanted is not None:
                await set_assertion(hub.hub, registration.connections.guard, caller, slug, wanted)
            async with hub.hub.transaction(caller.workspace_id, write=bool(given or removed)) as session:
                if given or removed:
                    found = await injection.change_rules(session, caller, slug, tool, given=given, removed=removed)
                else:
                    found = await injection.in_force(session, slug, tool)
        _show(found, as_json)

    run(work)


def _show(found: InForce, as_json: bool) -> None:
    if as_json:
        rules = [{**rule.as_stored(), "set_by": whose} for rule, whose in found.rules]
        console.show_json({"rules": rules, "caller_assertion": found.audience})
        return
    rows = [
        {
            "target": rule.target,
            "name": rule.name,
            "value": _value(rule),
            "optional": "yes" if rule.optional else "",
            "set_by": whose,
        }
        for rule, whose in found.rules
    ]
    if rows or found.audience is None:
        columns = ["target", "name", "value", "optional", "set_by"]
        console.show_table(rows, columns, "It is told nothing of its callers.")
    if found.audience is not None:
        console.say(f"With each request it gets a signed statement about the caller, for {found.audience}.")


def _value(rule: Rule) -> str:
    return f"{CONSTANT}{json.dumps(rule.constant)}" if rule.source is None else rule.source


def _rule(target: str, text: str, optional: bool) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InvalidArgument(f"'{text[:60]}' is no rule.", hint=f"Write --{target} NAME=workspace.id, for example.")
    rule: dict[str, Any] = {"target": target, "name": name.strip(), "optional": optional}
    value = value.strip()
    if value.startswith(CONSTANT):
        return {**rule, "constant": _scalar(value.removeprefix(CONSTANT))}
    return {**rule, "source": value}


def _scalar(text: str) -> Any:
    """A number, true, false or a quoted text as JSON has it; anything else is the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _named(text: str) -> tuple[str, str]:
    target, colon, name = text.partition(":")
    if not colon:
        raise InvalidArgument(f"'{text[:60]}' names no rule.", hint="Write --remove argument:NAME, for example.")
    return target.strip(), name.strip()

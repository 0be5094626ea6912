"""The resources, templates and prompts of a registered server: looking at them, approving them, taking them away."""

import json
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.saying_changes import say_edits
from tradepost.cli.server_tools import SHORT, Slug
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import with_hidden_shown
from tradepost.hub.registration import content_decisions
from tradepost.hub.registration.content_decisions import Entry
from tradepost.hub.registration.contents import key_of, kind_of
from tradepost.hub.registration.known_names import known_names
from tradepost.hub.registration.review import review
from tradepost.hub.registry.models import ResourceEntry

One = Annotated[str | None, typer.Argument(help="Only this one, in full: its URI, name or id.")]


def contents(
    slug: Slug,
    name: One = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """A server's resources, templates and prompts with their states, and what differs from what was approved."""

    async def work() -> None:
        async with hub_session(data, workspace, write=False) as (session, _):
            names = await known_names(session)
            if name is not None:
                rows = [await content_decisions.find_content(session, slug, name)]
            else:
                rows = await content_decisions.list_contents(session, slug)
        if as_json:
            console.show_json([_in_full(row, names) for row in rows])
            return
        columns = ["kind", "name", "state", "waiting", "description"]
        console.show_table([_in_short(row) for row in rows], columns, "The server has no resources or prompts.")
        for row in rows:
            if name is not None or content_decisions.waits(row):
                _say_one(row, names)
        if name is not None:
            seen = review(rows[0], names)
            console.say(f"Definition {seen.digest}:")
            console.say(with_hidden_shown(json.dumps(seen.definition, indent=2, ensure_ascii=False)))
        elif any(content_decisions.waits(row) for row in rows):
            console.say(f"Look at one in full: tradepost server contents {slug} NAME")
            console.say(f"Approve them: tradepost server approve-contents {slug} [NAME …]")

    run(work)


def approve_contents(
    slug: Slug,
    names: Annotated[list[str] | None, typer.Argument(help="URIs, names or ids; without one, all that wait.")] = None,
    digest: Annotated[str | None, typer.Option(help="Approve only the definition with this digest.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask about changes.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Approve resources, templates and prompts as they are now, so that agents see them. Shows what changed."""

    async def work() -> None:
        if digest is not None and len(names or []) != 1:
            raise InvalidArgument("A digest belongs to one definition.", hint="Name the one that it is of.")
        async with hub_session(data, workspace, by, write=False) as (session, _):
            known = await known_names(session)
            if names:
                rows = [await content_decisions.find_content(session, slug, name) for name in names]
            else:
                every = await content_decisions.list_contents(session, slug)
                rows = [row for row in every if content_decisions.waits(row) and row.state != "disabled"]
        for row in rows:
            _say_one(row, known)
        if any(row.candidate for row in rows) and digest is None and not yes and sys.stdin.isatty():
            typer.confirm("Approve them as they are now?", abort=True)
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            for row in rows:
                looked_at = digest or review(row).digest
                await content_decisions.approve_content(session, caller, slug, row.id, digest=looked_at)
        console.say(f"{slug}: enabled: {', '.join(_named(row) for row in rows) or 'nothing waits'}.")

    run(work)


def disable_contents(
    slug: Slug,
    names: Annotated[list[str], typer.Argument(help="URIs, names or ids.")],
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Take resources, templates and prompts away from agents, from the next call on."""

    async def work() -> None:
        async with hub_session(data, workspace, by, write=True) as (session, caller):
            for name in names:
                await content_decisions.set_content_enabled(session, caller, slug, name, False)
        console.say(f"{slug}: disabled: {', '.join(with_hidden_shown(name) for name in names)}.")

    run(work)


def _say_one(row: Entry, names: frozenset[str]) -> None:
    """What a person should look at before approving it."""
    seen = review(row, names)
    said = seen.change.reasons if seen.change is not None else ()
    signs = [sign for sign in seen.signs(names) if sign not in said]
    if seen.change is None and not signs:
        return
    console.say(f"{kind_of(row)} {_named(row)}:")
    say_edits(seen)
    for sign in signs:
        console.say(f"Look at this: {sign}")


def _in_full(row: Entry, names: frozenset[str]) -> dict[str, Any]:
    """One as JSON: the pinned definition, and the waiting one with each difference."""
    seen = review(row, names)
    return {
        "id": row.id,
        "kind": _kind(row),
        "name": key_of(row),
        "state": row.state,
        "digest": row.digest,
        "definition": json.loads(row.definition),
        "approved_by": row.approved_by,
        "approved_at": row.approved_at,
        "signs": seen.signs(names),
        "waiting": seen.waiting(),
    }


def _in_short(row: Entry) -> dict[str, Any]:
    seen = review(row)
    return {
        "kind": _kind(row),
        "name": _named(row),
        "state": row.state,
        "waiting": seen.in_short(),
        "description": seen.words(SHORT),
    }


def _kind(row: Entry) -> str:
    return "template" if isinstance(row, ResourceEntry) and row.is_template else kind_of(row)


def _named(row: Entry) -> str:
    return with_hidden_shown(key_of(row))


COMMANDS: dict[str, Callable[..., None]] = {
    "contents": contents,
    "approve-contents": approve_contents,
    "disable-contents": disable_contents,
}

"""`tradepost audit prune` and `tradepost audit settings`: for how long the record is kept, and what is in it."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.audit_proof import signing
from tradepost.cli.moments import moment
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, hub_session, run
from tradepost.foundation.clock import system_now, to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.roles import require_role
from tradepost.hub.audit.prune import Prunable, prunable, prune
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.registration import audit_settings

_LISTS = ("personal_fields", "secret_fields")


def add_to(audit: typer.Typer) -> None:
    audit.command("prune")(prune_command)
    audit.command("settings")(settings_command)


def prune_command(
    before: Annotated[str | None, typer.Option(help="Delete rows older than this date or time.")] = None,
    keep_days: Annotated[
        int | None, typer.Option(min=0, max=36_500, help="Delete rows older than so many days.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete them; without it the command only says which.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete the oldest rows, behind a checkpoint from which the rest is still proven."""

    async def work() -> None:
        now = system_now()
        if (before is None) == (keep_days is None):
            raise InvalidArgument("Say either --before or --keep-days.", hint="For example --keep-days 365.")
        until = moment(before, "before") or now - timedelta(days=keep_days or 0)
        if until > now:
            raise InvalidArgument("The time lies in the future.", hint="Say one in the past.", field="before")
        async with signing(data, workspace, by) as (found, caller, signer, _):
            async with found.hub.transaction(caller.workspace_id, write=False) as session:
                await require_role(session, caller, "owner")
            if yes:
                gone = await prune(found.hub, caller, until, now, signer)
            else:
                await Sealer(found.hub).seal()
                gone = await prunable(found.hub, caller.workspace_id, until)
        _say(gone, done=yes, as_json=as_json)

    run(work)


def _say(gone: Prunable | None, *, done: bool, as_json: bool) -> None:
    if as_json:
        shape: dict[str, Any] = {} if gone is None else asdict(gone)
        console.show_json({"deleted": done, "rows": 0, **shape})
    elif gone is None:
        console.say("No row at the beginning of the chain is that old.")
    else:
        period = f"{gone.rows} rows from {to_rfc3339(gone.first_at)} to {to_rfc3339(gone.last_at)}"
        if done:
            console.say(f"Deleted {period}. The chain is checked from link {gone.position} on: {gone.chain_hash}")
        else:
            console.say(f"That would delete {period}, up to link {gone.position}.")
            console.say("Export them first (`tradepost audit export FILE --until TIME`), then repeat it with --yes.")


def settings_command(
    arguments: Annotated[str | None, typer.Option(help="What is kept of arguments: full, masked or digest.")] = None,
    tool: Annotated[
        list[str] | None, typer.Option(help="SERVER/TOOL=full, or SERVER/*=digest; without a value as all others.")
    ] = None,
    personal: Annotated[
        str | None, typer.Option("--personal-fields", help="Names of arguments with personal data, with commas.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option("--secret-fields", help="Names of arguments with secrets, with commas.")
    ] = None,
    keep_days: Annotated[
        int | None, typer.Option(min=0, max=36_500, help="Rows are deleted after so many days; 0 keeps them for good.")
    ] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is recorded of calls and for how long; with options, change it. In force on the next call."""

    async def work() -> None:
        given: dict[str, Any] = {"arguments": arguments, "personal_fields": personal, "secret_fields": secret}
        given = {name: value for name, value in given.items() if value is not None}
        for name in given.keys() & _LISTS:
            given[name] = [part.strip() for part in given[name].split(",") if part.strip()]
        if keep_days is not None:
            given["keep_days"] = keep_days or None
        if tool:
            given["tools"] = dict(_pair(text) for text in tool)
        async with hub_session(data, workspace, by, write=bool(given)) as (session, caller):
            if given:
                found = await audit_settings.change(session, caller, given)
            else:
                found = await audit_settings.in_force(session)
        _show(found, as_json=as_json)

    run(work)


def _pair(text: str) -> tuple[str, str | None]:
    tool, sign, keeping = text.partition("=")
    if not sign:
        raise InvalidArgument(f"'{text[:60]}' has no '='.", hint="Write SERVER/TOOL=masked.", field="tool")
    return tool, keeping or None


def _show(found: audit_settings.Recording, *, as_json: bool) -> None:
    shape = asdict(found)
    if as_json:
        console.show_json(shape)
        return
    rows = [{"name": name, "value": _words(value)} for name, value in shape.items()]
    console.show_table(rows, ["name", "value"], "")


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={keeping}" for name, keeping in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(value)
    return "for good" if value is None else str(value)

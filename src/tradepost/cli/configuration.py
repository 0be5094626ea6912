"""`tradepost export` and `tradepost import`: a workspace's configuration as a file that can be kept in git."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, Opened, UserOption, WorkspaceOption, opened, run
from tradepost.commerce.servers import build_servers
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.gateway.activity_server import ActivityServer
from tradepost.hub.gateway.hub_server import HubServer
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.registration.configuration.document import as_plain
from tradepost.hub.registration.configuration.plan import Plan
from tradepost.hub.registration.configuration.reading import MAX_BYTES, Read, read_text
from tradepost.hub.registration.configuration.service import Configurations
from tradepost.hub.registration.configuration.showing import plan_shown
from tradepost.hub.registration.configuration.values import values_in
from tradepost.hub.registration.configuration.writing import write_yaml
from tradepost.hub.registration.servers import list_servers
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.programs import read_programs
from tradepost.hub.vault.vault import open_vault
from tradepost.protocol.builtin import BuiltinServer

EXIT_WOULD_CHANGE = 3
_DONE = "{create} created, {change} changed, {remove} removed"

FileArgument = Annotated[str, typer.Argument(help="A file that `tradepost export` wrote, or - for standard input.")]


def register(app: typer.Typer) -> None:
    app.command("export")(export)
    app.command("import")(import_)


@asynccontextmanager
async def _configuring(found: Opened) -> AsyncIterator[Configurations]:
    vault = await open_vault(found.hub, found.settings.key_file)
    programs = read_programs(found.settings.servers_file, found.settings.allowed_commands)
    yield Configurations(found.hub, vault, Guard(found.settings.private_networks), programs)


def export(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here instead of to the screen.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give out servers, tools with their pinned definitions, assignments, profiles, agents, limits and rules. No secret
    is in it, and no value of a header. The same configuration gives the same bytes."""

    async def work() -> None:
        async with opened(data) as found, _configuring(found) as configurations:
            document = await configurations.export(await found.acting(workspace, by))
        if as_json:
            console.show_json(as_plain(document))
        elif output is None:
            sys.stdout.write(write_yaml(document))
        else:
            output.write_text(write_yaml(document), "utf-8")
            console.say(f"Written: {output}")

    run(work)


def import_(
    file: FileArgument,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help=f"Only show the plan. Exit status 0: nothing would change; {EXIT_WOULD_CHANGE}: it would."
        ),
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove what the file's lists do not have; agents are disabled.")
    ] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a workspace to what a file says: all of it or nothing. Values of headers are taken from variables like
    TRADEPOST_HEADER_TRACKER__AUTHORIZATION, secret URLs and secrets of OAuth clients from TRADEPOST_URL_TRACKER and
    TRADEPOST_CLIENT_SECRET_TRACKER; which are missing is said at the end."""
    plans: list[Plan] = []

    async def work() -> None:
        read = _read(file)
        async with opened(data) as found, _configuring(found) as configurations:
            caller = await found.acting(workspace, by)
            await _bring_bundled(found, caller.workspace_id)
            given = values_in(os.environ, read.document.servers)
            plans.append(await configurations.bring(caller, read, dry_run=dry_run, prune=prune, given=given))
        _tell(plans[0], dry_run=dry_run, as_json=as_json)

    run(work)
    if dry_run and not plans[0].is_empty:
        raise SystemExit(EXIT_WOULD_CHANGE)


def _read(file: str) -> Read:
    if file == "-":
        return read_text(sys.stdin.buffer.read(MAX_BYTES + 1))
    try:
        with Path(file).open("rb") as stream:
            return read_text(stream.read(MAX_BYTES + 1))
    except OSError as error:
        raise InvalidArgument(f"{file} cannot be read: {error.strerror}.", hint="Check the path.") from None


async def _bring_bundled(found: Opened, workspace_id: str) -> None:
    """A hub that was never started has no rows of the bundled servers yet, and a file may assign their tools."""
    async with found.hub.transaction(workspace_id, write=False) as session:
        if any(row.kind == "builtin" for row in await list_servers(session)):
            return
    bundled: list[BuiltinServer] = [HubServer(found.hub), ActivityServer(found.hub), *build_servers(found.store)]
    await sync_builtin(found.hub, workspace_id, bundled)


def _tell(plan: Plan, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        console.show_json(plan_shown(plan, dry_run=dry_run))
        return
    for change in plan.changes:
        console.say(change.line)
    for note in plan.notes:
        console.say(f"Note: {note}")
    counted = plan.counted()
    if plan.is_empty:
        console.say("Nothing to change.")
    else:
        told = "{create} to create, {change} to change, {remove} to remove" if dry_run else _DONE
        end = " Nothing was changed." if dry_run else ""
        console.say(f"{told.format(**counted)}.{end}")
    if plan.to_be_set:
        console.say("To be set, because nobody has given a value:")
        for one in plan.to_be_set:
            console.say(f"  {one.line}")

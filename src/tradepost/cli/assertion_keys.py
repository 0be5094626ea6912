"""`tradepost assertion-keys`: the keys that sign what servers are told of callers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, opened, run
from tradepost.foundation.caller import Caller
from tradepost.hub.registration import assertion_keys
from tradepost.hub.vault.assertion_keys import AssertionKeys
from tradepost.hub.vault.vault import open_vault

keys = typer.Typer(name="assertion-keys", help="Keys that sign what servers are told of callers.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(keys)


@asynccontextmanager
async def _working(
    data: Path | None, workspace: str | None, by: str | None, *, write: bool
) -> AsyncIterator[tuple[AsyncSession, Caller, AssertionKeys]]:
    async with opened(data) as found:
        caller = await found.acting(workspace, by)
        vault = await open_vault(found.hub, found.settings.keys)
        async with found.hub.transaction(caller.workspace_id, write=write) as session:
            yield session, caller, vault.assertion_keys()


@keys.command("list")
def list_command(
    workspace: WorkspaceOption = None, by: UserOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """The workspace's keys: the one that signs, the next one, and those that are still published."""

    async def work() -> None:
        async with _working(data, workspace, by, write=False) as (session, caller, found):
            rows = [asdict(one) for one in await assertion_keys.list_keys(session, caller, found)]
        if as_json:
            console.show_json(rows)
        else:
            columns = ["kid", "state", "signs_from", "published_until"]
            console.show_table(rows, columns, "There is no key yet; the first one is made when it is needed.")

    run(work)


@keys.command("rotate")
def rotate(
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Sign with it now, though others may not have it yet.")
    ] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make another key. It is published now and signs ten minutes later; the old one stays until its last statement has
    ended."""

    async def work() -> None:
        async with _working(data, workspace, by, write=True) as (session, caller, found):
            made = await assertion_keys.rotate(session, caller, found, at_once=at_once)
        if as_json:
            console.show_json(asdict(made))
        else:
            console.say(f"The key {made.kid} is published and signs from {made.signs_from:%Y-%m-%d %H:%M:%S} UTC on.")

    run(work)

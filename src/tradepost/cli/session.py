"""What a command works with: the settings, the two databases, the workspace, and the person at the keyboard."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

import tradepost.agents.tables
import tradepost.hub.tables  # noqa: F401 (every table: foreign keys lead from part to part)
from tradepost import settings
from tradepost.cli import console
from tradepost.database.again import unless_kept
from tradepost.database.engine import HUB_CACHE_KIB, Database
from tradepost.database.schema import require_current
from tradepost.foundation import logs
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import NotFound, SetupError, TradepostError
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import Workspace
from tradepost.hub.access.people import find_user
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.access.workspaces import find_workspace, list_workspaces

log = logging.getLogger(__name__)

Found = TypeVar("Found")

CANCELED_AT_MOST = 3
_HAS_UVLOOP = find_spec("uvloop") is not None

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of the databases and keys (TRADEPOST_DATA, default .tradepost).")
]
WorkspaceOption = Annotated[
    str | None, typer.Option("--workspace", "-w", help="Workspace by its short name (TRADEPOST_WORKSPACE).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
UserOption = Annotated[
    str | None, typer.Option("--as", help="E-mail address of the user who does this (TRADEPOST_USER).")
]


@dataclass(frozen=True)
class Opened:
    """The databases of one command."""

    settings: settings.Settings
    hub: Database
    store: Database

    async def workspace(self, slug: str | None) -> Workspace:
        """The workspace named, or the only one. Raises NotFound with the choice."""
        wanted = slug or os.environ.get("TRADEPOST_WORKSPACE")
        if wanted:
            return await find_workspace(self.hub, wanted)
        found = await list_workspaces(self.hub)
        if not found:
            raise NotFound(
                "There is no workspace yet.", hint="Make one: `tradepost workspace create NAME --owner E-MAIL`."
            )
        return found[0]

    async def acting(self, slug: str | None, email: str | None = None) -> Caller:
        """Who acts: the named user of the workspace (--as, TRADEPOST_USER), else the operator of this machine."""
        workspace = await self.workspace(slug)
        named = email or os.environ.get("TRADEPOST_USER")
        request_id = new_id("req")
        if not named:
            return Caller(workspace.id, Principal("operator", "console"), request_id)
        async with self.hub.transaction(workspace.id, write=False) as session:
            return caller_for_user(await find_user(session, named), request_id)


@asynccontextmanager
async def opened(data: Path | None, *, needs_store: bool = True, **given: Any) -> AsyncIterator[Opened]:
    """Both databases, at this release's schema; a command of the hub alone does not look at the store. Raises
    SetupError."""
    loaded = settings.load(data=data, **given)
    await asyncio.to_thread(require_current, loaded.hub_database, "hub")
    if needs_store:
        await asyncio.to_thread(require_current, loaded.store_database, "store")
    found = Opened(loaded, Database(loaded.hub_database, cache_kib=HUB_CACHE_KIB), Database(loaded.store_database))
    try:
        yield found
    finally:
        try:
            await found.hub.close()
        finally:
            await found.store.close()


@asynccontextmanager
async def hub_session(
    data: Path | None, workspace: str | None, by: str | None = None, *, write: bool
) -> AsyncIterator[tuple[AsyncSession, Caller]]:
    """One unit of work on a workspace of the hub, and who does it."""
    async with opened(data) as found:
        caller = await found.acting(workspace, by)
        async with found.hub.transaction(caller.workspace_id, write=write) as session:
            yield session, caller


def _as_sentence(error: SQLAlchemyError | OSError) -> SetupError:
    """What went wrong below us: a database that went away, a disk that is full, a folder that is a file."""
    if isinstance(error, OSError):
        return SetupError(
            f"{error.filename or 'A file'} cannot be used: {error.strerror or error}.",
            hint="Check that the folder named by --data is a folder and can be written.",
        )
    cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return SetupError(
        f"The database did not do what it was asked: {cause}.",
        hint="Check that it runs and `tradepost db status`; TRADEPOST_LOG_LEVEL=DEBUG shows where it happened.",
    )


def _new_loop() -> asyncio.AbstractEventLoop:
    """The fast event loop, where there is one (not on Windows)."""
    return import_module("uvloop").new_event_loop() if _HAS_UVLOOP else asyncio.new_event_loop()


def in_words(work: Callable[[], Found]) -> Found:
    """Do what a command does; an error we know becomes a sentence and exit status 1."""
    as_json = os.environ.get("TRADEPOST_LOG_FORMAT") == "json"
    logs.set_up(os.environ.get("TRADEPOST_LOG_LEVEL", "ERROR"), "json" if as_json else "text")
    try:
        return work()
    except TradepostError as error:
        console.fail(error)
    except BrokenPipeError:
        # Whoever read our output has had enough (`… | head`). The interpreter shall not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except (SQLAlchemyError, OSError) as error:
        log.debug("failed", exc_info=True)
        console.fail(_as_sentence(error))
    except (KeyboardInterrupt, asyncio.CancelledError):  # Ctrl-C, once or again while it stops
        raise SystemExit(130) from None


async def _end_the_rest() -> None:
    """What closes a connection that was broken off (Ctrl-C) may wait for a thread that has ended, twice: it lets go
    when it is canceled again, where asyncio's own end would cancel it once and wait for ever."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for _ in range(CANCELED_AT_MOST):
        if not rest:
            return
        for task in rest:
            task.cancel()
        _, rest = await asyncio.wait(rest, timeout=1)


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run a command's coroutine; errors as `in_words`."""

    async def started() -> None:
        try:
            await unless_kept(work)
        finally:
            await _end_the_rest()

    def to_the_end() -> None:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(started())

    in_words(to_the_end)

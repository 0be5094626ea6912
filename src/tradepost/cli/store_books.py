"""`tradepost store books`: through which day a shop's books are closed; closing them further, opening them again."""

from datetime import date
from typing import Annotated

import typer
from sqlalchemy import select

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, opened, run
from tradepost.commerce.store.books import ClosedBooks, close_books, closed_books, reopen_books
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument, StateConflict


def books(
    close_through: Annotated[
        str | None, typer.Option(help="Close the books through this day, the day included, for example 2026-02-28.")
    ] = None,
    reopen_from: Annotated[
        str | None, typer.Option(help="Open closed books again from this day on, for example 2026-02-01.")
    ] = None,
    by: UserOption = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show through which day the books are closed, close them further, or open them again. Days are those of the shop's
    timezone. Nothing is dated into closed days, and what was booked there stays as it is."""

    async def work() -> None:
        if close_through is not None and reopen_from is not None:
            raise InvalidArgument(
                "The books are either closed or opened again.", hint="Give --close-through or --reopen-from, not both."
            )
        closing, opening = _day(close_through, "--close-through"), _day(reopen_from, "--reopen-from")
        async with opened(data) as found:
            caller = await found.acting(workspace, by)
            async with found.store.transaction(caller.workspace_id, write=bool(closing or opening)) as session:
                settings = (await session.scalars(select(StoreSettings))).first()
                if settings is None:
                    raise StateConflict("The workspace has no store.", hint="Import one, or load the demo shop.")
                store = Store(session, caller, settings.fixed_now or system_now(), settings.currency)
                if closing is not None:
                    state: ClosedBooks | None = await close_books(store, closing)
                elif opening is not None:
                    state = await reopen_books(store, opening)
                else:
                    state = await closed_books(session)
                name = settings.name
        _tell(name, state, as_json)

    run(work)


def _day(given: str | None, option: str) -> date | None:
    try:
        return None if given is None else date.fromisoformat(given)
    except ValueError:
        raise InvalidArgument(f"{option} '{given}' is not a day.", hint="Write it like 2026-02-28.") from None


def _tell(name: str, state: ClosedBooks | None, as_json: bool) -> None:
    if as_json:
        through = None if state is None else state.through.isoformat()
        first = None if state is None else state.first_open.isoformat()
        zone = None if state is None else state.zone
        console.show_json({"closed_through": through, "first_open_day": first, "timezone": zone})
    elif state is None:
        console.say(f"The books of {name} are open: no day is closed.")
    else:
        console.say(
            f"The books of {name} are closed through {state.through} ({state.zone}); "
            f"the first open day is {state.first_open}."
        )

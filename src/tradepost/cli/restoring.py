"""`tradepost restored`: what to say after a database was restored from a backup."""

from dataclasses import asdict
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.restoring import HINT, hold


def register(app: typer.Typer) -> None:
    app.command("restored")(restored)


def restored(
    which: Annotated[
        list[str] | None, typer.Argument(metavar="DATABASE", help="hub, store, or both, which is meant without any.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """After restoring a database: hold back all writes until you have looked. Run it before the hub starts."""

    async def work() -> None:
        named = set(which or ("hub", "store"))
        if not named <= {"hub", "store"}:
            raise InvalidArgument("A database is hub or store.", hint="Run `tradepost restored hub`.")
        async with opened(data) as found:
            held = [asdict(one) for one in await hold(found.hub, named)]
        if as_json:
            console.show_json(held)
            return
        console.show_table(held, ["workspace", "unknown"], "There is no workspace.")
        console.say(f"Writes are frozen. {HINT}")

    run(work)

"""`tradepost db`: the schema of the two databases."""

import asyncio
from typing import Any

import typer

from tradepost import settings
from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, run
from tradepost.database.migrate import Which, schema_state, trouble, upgrade
from tradepost.foundation.errors import SetupError

db = typer.Typer(name="db", help="The databases' schema.", no_args_is_help=True)
_BOTH: tuple[Which, ...] = ("hub", "store")


def register(app: typer.Typer) -> None:
    app.add_typer(db)


@db.command("upgrade")
def upgrade_command(data: DataOption = None) -> None:
    """Bring both databases to this release's schema, each in one transaction."""

    async def work() -> None:
        loaded = settings.load(data=data)
        loaded.data.mkdir(parents=True, exist_ok=True)
        for which, url in (("hub", loaded.hub_database), ("store", loaded.store_database)):
            before = await asyncio.to_thread(upgrade, url, which)  # type: ignore[arg-type]
            done = "already current" if before.state == "current" else f"now at {before.wanted}"
            console.say(f"{which}: {done}.")

    run(work)


@db.command("status")
def status(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Say where both databases stand. Exit status 1 when one cannot be used."""

    async def work() -> None:
        loaded = settings.load(data=data)
        rows: list[dict[str, Any]] = []
        wrong: SetupError | None = None
        behind = False
        for which, url in zip(_BOTH, (loaded.hub_database, loaded.store_database), strict=True):
            found = await asyncio.to_thread(schema_state, url, which)
            rows.append({"database": which, "state": found.state, "revision": found.revision, "wanted": found.wanted})
            wrong = wrong or trouble(found, which)
            behind = behind or found.state in ("empty", "behind")
        if as_json:
            console.show_json(rows)
        else:
            console.show_table(rows, ["database", "state", "revision", "wanted"], "")
            if behind:
                console.say("Bring it to this release: tradepost db upgrade")
        if wrong is not None:
            raise wrong

    run(work)

"""`tradepost vault`: the keys that seal secrets, and where secrets come from that are kept elsewhere."""

from dataclasses import asdict
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, opened, run
from tradepost.foundation.errors import StateConflict
from tradepost.hub.vault.key_source import KEYS_VARIABLE
from tradepost.hub.vault.retiring import CARRIED, retire, vault_status
from tradepost.hub.vault.rotation import Rotated, Rotation
from tradepost.hub.vault.vault import open_vault

vault = typer.Typer(name="vault", help="The keys that seal secrets.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(vault)


@vault.command("status")
def status(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Which key versions there are, how much is sealed with each, and which hubs have them. Shows no key."""

    async def work() -> None:
        async with opened(data) as found:
            opened_vault = await open_vault(found.hub, found.settings.keys)
            shown = await vault_status(found.hub, opened_vault.keys)
        if as_json:
            console.show_json(asdict(shown))
            return
        console.say(f"{shown.source}: key version {shown.sealing} seals.")
        columns = ["version", "state", "values", "here", "replaced_at", "retires_from"]
        console.show_table([asdict(one) for one in shown.versions], columns, "")
        processes = [asdict(one) | {"versions": ", ".join(map(str, one.versions))} for one in shown.processes]
        console.show_table(processes, ["name", "versions", "sealing", "seen_at"], "No hub serves.")
        if shown.unfinished:
            console.say("A rotation is not finished: tradepost vault rotate")

    run(work)


@vault.command("rotate")
def rotate(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Make another key and seal every secret with it, while hubs serve. Interrupted, it goes on when run again."""

    async def work() -> None:
        async with opened(data) as found:
            opened_vault = await open_vault(found.hub, found.settings.keys)
            tell = console.say if not as_json else lambda _: None
            rotated = await Rotation(found.hub, opened_vault.keys).run(tell)
        if as_json:
            console.show_json(asdict(rotated))
        elif rotated.line is not None:
            _say_line(rotated)
        else:
            console.say(
                f"Key version {rotated.version} seals everything: {rotated.resealed} values were sealed anew. The one "
                f"before opens what clients still carry; after {CARRIED.days} days: tradepost vault retire"
            )
        if rotated.broken:
            raise StateConflict(
                f"{len(rotated.broken)} values cannot be opened with any key, and stay as they are.",
                hint="Set them again: a server's headers, a person's second factor.",
                details={"problems": list(rotated.broken)},
            )

    run(work)


@vault.command("retire")
def retire_command(
    now: Annotated[
        bool, typer.Option("--now", help="Also those of the last week: what clients carry from before ends then.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take out the key versions with which nothing is sealed any more."""

    async def work() -> None:
        async with opened(data) as found:
            opened_vault = await open_vault(found.hub, found.settings.keys)
            gone = await retire(found.hub, opened_vault.keys, at_once=now)
            source = opened_vault.keys.source
        if as_json:
            console.show_json({"retired": gone})
        elif not gone:
            console.say("There is none to take out: `tradepost vault status` says from when on one can be.")
        else:
            versions = ", ".join(map(str, gone))
            console.say(f"Retired: key version {versions}. {source.name} needs it no more.")

    run(work)


def _say_line(rotated: Rotated) -> None:
    console.say(f"Nothing is changed yet. Add this line to {KEYS_VARIABLE} of every hub, and of this command:")
    console.say(f"{rotated.line}")
    console.say("Start the hubs again with it, one after the other. Then run this again: it goes on from here.")

"""`tradepost store`: a whole store in and out, and its books."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import tradepost.commerce.tables  # noqa: F401 (every table: foreign keys lead from part to part)
from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, WorkspaceOption, opened, run
from tradepost.cli.store_books import books
from tradepost.cli.store_csv import import_csv
from tradepost.commerce.transfer import export_store, import_store, read_file
from tradepost.commerce.transfer.policy import policy_rows
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument

store = typer.Typer(name="store", help="The shop's store: import, export, books.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(store)


store.command("import-csv")(import_csv)
store.command("books")(books)


@store.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="A store export (JSON).")],
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a store export into a workspace whose store is empty: all of it or nothing."""

    async def work() -> None:
        checked = read_file(file)
        async with opened(data) as found:
            target = await found.workspace(workspace)
            columns = (TextColumn("Importing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Progress(*columns, console=console.err, disable=not console.err.is_terminal) as progress:
                task = progress.add_task("rows", total=None)
                summary = await import_store(
                    found.store,
                    target.id,
                    checked,
                    policy_rows(),
                    now=system_now(),
                    on_progress=lambda done, total: progress.update(task, completed=done, total=total),
                )
        if as_json:
            console.show_json({"workspace": target.slug, "rows": dict(summary.rows)})
        else:
            console.say(f"Imported {summary.total} rows into {target.slug}.")

    run(work)


@store.command("export")
def export_command(
    file: Annotated[Path, typer.Argument(help="Where to write the store export; it must not exist yet.")],
    workspace: WorkspaceOption = None,
    data: DataOption = None,
) -> None:
    """Give a workspace's store out as a store export."""

    async def work() -> None:
        async with opened(data) as found:
            target = await found.workspace(workspace)
            content = await export_store(found.store, target.id)
        try:
            with file.open("x", encoding="utf-8") as stream:
                json.dump(content, stream, ensure_ascii=False, indent=1)
        except OSError as error:
            raise InvalidArgument(
                f"{file} cannot be written: {error.strerror}.", hint="Choose a new file in a folder you may write."
            ) from error
        console.say(f"Exported {len(content['orders'])} orders of {target.slug} to {file}.")

    run(work)

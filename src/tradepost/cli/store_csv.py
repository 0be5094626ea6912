"""`tradepost store import-csv`: the records of a shop from CSV files, one kind per file."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, Opened, WorkspaceOption, opened, run
from tradepost.commerce.transfer.sheets import KINDS, Kind
from tradepost.commerce.transfer.sheets.mapping import read_mapping
from tradepost.commerce.transfer.sheets.outcome import Outcome
from tradepost.commerce.transfer.sheets.problems import SHOWN, Report
from tradepost.commerce.transfer.sheets.reading import Sheet
from tradepost.commerce.transfer.sheets.running import Wish, import_sheet, lay_ground
from tradepost.commerce.transfer.sheets.values import BadValue
from tradepost.commerce.transfer.sheets.values import currency as currency_code
from tradepost.foundation.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of one command."""

    kind: str
    file: Path
    mapping: Path | None
    report: Path | None
    currency: str | None
    create: frozenset[str]
    wish: Wish
    workspace: str | None
    as_json: bool


def import_csv(
    kind: Annotated[str, typer.Argument(help=f"What the rows are: {', '.join(KINDS)}.")],
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8 with a header.")],
    mapping: Annotated[
        Path | None, typer.Option(help="TOML file that says what foreign columns and values are called here.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and say what would change; write nothing.")
    ] = False,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Leave out records with a bad row instead of refusing the file.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="New CSV file for all that is wrong, row by row.")] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of a store that does not exist yet, for example EUR.")
    ] = None,
    create: Annotated[
        list[str] | None,
        typer.Option(help="Make what the file names and the shop lacks: location, supplier or carrier. Repeatable."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Take over a stock count that was taken over before.")] = False,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import a CSV file, by default with the columns of Shopify's exports. Nothing is written while a row is bad; the
    same file again changes nothing; an import that was broken off is continued by the same command."""
    wish = Wish(dry_run, skip_bad_rows, again)
    made = frozenset(create or ())
    asked = _Asked(kind, file, mapping, report, currency, made, wish, workspace, as_json)

    async def work() -> None:
        _import_kind(asked)  # before anything is opened
        async with opened(data) as found:
            await _import(found, asked)

    run(work)


def _import_kind(asked: _Asked) -> Kind[Any, Any]:
    kind = KINDS.get(asked.kind)
    if kind is None:
        raise InvalidArgument(f"'{asked.kind}' is no kind of CSV file.", hint=f"Choose one of {', '.join(KINDS)}.")
    unknown = sorted(asked.create - set(kind.creates))
    if unknown:
        able = f"It may make: {', '.join(kind.creates)}." if kind.creates else "Leave --create out."
        raise InvalidArgument(f"An import of {kind.name} makes no {unknown[0]}.", hint=able)
    if asked.currency is not None:
        try:
            currency_code(asked.currency)
        except BadValue as error:
            raise InvalidArgument(f"--currency {error}, not '{asked.currency}'.") from None
    return kind


async def _import(found: Opened, asked: _Asked) -> None:
    kind = _import_kind(asked)
    caller = await found.acting(asked.workspace)
    sheet = Sheet(asked.file, kind.columns, read_mapping(asked.mapping, kind.columns))
    ground = await lay_ground(found.store, caller.workspace_id, asked.file, asked.currency, asked.create)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    begun = False
    with (
        Report(asked.report) as report,
        Progress(*columns, console=console.err, disable=not console.err.is_terminal) as progress,
    ):
        task = progress.add_task("Checking", total=None)

        def on_progress(stage: str, rows: int, total: int | None) -> None:
            nonlocal begun
            begun = begun or stage == "Importing"
            progress.update(task, description=stage, completed=rows, total=total)

        try:
            outcome = await import_sheet(found.store, caller, kind, sheet, ground, report, asked.wish, on_progress)
        except asyncio.CancelledError:
            words = (
                "Finished batches are kept; the same command goes on after them." if begun else "Nothing was written."
            )
            console.err.print(f"Broken off. {words}")
            raise
    _tell(asked, outcome)
    if outcome.problem_count:
        raise SystemExit(console.EXIT_FAILED)


def _tell(asked: _Asked, outcome: Outcome) -> None:
    if asked.as_json:
        console.show_json(_plain(asked, outcome))
        return
    tally = outcome.tally
    if outcome.told_before:
        console.say(f"{asked.file.name} was taken over before: 0 new, 0 changed, {tally.unchanged:,} as before.")
        console.say("What happened to the stock since then stays. --again takes the same count over anew.")
        return
    if outcome.continued_after is not None:
        console.say(f"Continued after row {outcome.continued_after:,}, where the import was broken off.")
    prefix = "Dry run, nothing written: " if outcome.dry_run else ""
    sums = f"{tally.new:,} new, {tally.changed:,} changed, {tally.unchanged:,} as before"
    left_out = f", {outcome.skipped:,} left out" if outcome.skipped else ""
    console.say(f"{prefix}{asked.kind}: {sums}{left_out} ({outcome.rows:,} rows).")
    for change in outcome.changes:
        console.say(f"  {change}")
    if tally.changed > len(outcome.changes) and outcome.changes:
        console.say("  …")
    if outcome.ignored:
        console.say(f"Columns not taken: {', '.join(outcome.ignored)}.")
    if outcome.problem_count:
        console.err.print(f"{outcome.problem_count:,} problem{'s' if outcome.problem_count > 1 else ''}:", markup=False)
        for problem in outcome.problems:
            console.err.print(f"  - {problem}", markup=False, soft_wrap=True)
        if outcome.problem_count > SHOWN:
            console.err.print(f"  and {outcome.problem_count - SHOWN:,} more; --report FILE lists all", markup=False)


def _plain(asked: _Asked, outcome: Outcome) -> dict[str, Any]:
    tally = outcome.tally
    return {
        "kind": asked.kind,
        "file": str(asked.file),
        "dry_run": outcome.dry_run,
        "rows": outcome.rows,
        "new": tally.new,
        "changed": tally.changed,
        "unchanged": tally.unchanged,
        "left_out": outcome.skipped,
        "continued_after_row": outcome.continued_after,
        "taken_over_before": outcome.told_before,
        "changes": outcome.changes,
        "columns_not_taken": list(outcome.ignored),
        "problem_count": outcome.problem_count,
        "problems": [
            {"row": one.row, "column": one.column, "value": one.value, "why": one.why} for one in outcome.problems
        ],
    }

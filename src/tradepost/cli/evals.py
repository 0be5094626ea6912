"""`tradepost eval`: questions asked of agents in stores of their own, and what comes of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tradepost import settings
from tradepost.agents.evals.datasets.reading import built_in, schema_of
from tradepost.agents.evals.datasets.schema import Case, Dataset
from tradepost.agents.evals.reports.comparing import compare as compare_runs
from tradepost.agents.evals.reports.page import page_of, page_of_two
from tradepost.agents.evals.reports.results import PAGE, Run, keep, read_run
from tradepost.agents.evals.running.acting import LIMITS, acting
from tradepost.agents.evals.running.choosing import chosen
from tradepost.agents.evals.running.evaluating import Plan
from tradepost.agents.evals.taping.tape import Way
from tradepost.agents.setups.model_names import read_name
from tradepost.cli import console
from tradepost.cli.agent_setup import text_or_file
from tradepost.cli.evals_source import AgentsOf, agents_of
from tradepost.cli.evals_telling import tell_comparison, tell_run
from tradepost.cli.session import DataOption, JsonOption, WorkspaceOption, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.starter.trials.finding import Found, find_dataset
from tradepost.starter.trials.running import Trial, run_trial

group = typer.Typer(
    name="eval", help="Ask agents questions with known answers, and compare runs.", no_args_is_help=True
)
KEPT = "evals"  # in the data folder

RunName = Annotated[str, typer.Argument(help="A run: its id, its folder, or its run.json.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group)


@group.command("run")
def run_command(
    dataset: Annotated[
        str, typer.Argument(help="A dataset that comes along, a YAML file, or a folder of retail tasks.")
    ],
    agent: Annotated[str | None, typer.Option(help="The agent; without it, the one that each case names.")] = None,
    model: Annotated[str | None, typer.Option(help="The model of all agents; without it, each has its own.")] = None,
    customer_model: Annotated[str | None, typer.Option(help="The model that plays simulated customers.")] = None,
    instructions: Annotated[
        str | None, typer.Option(help="What the agent is told, instead of what it is told now; @FILE reads a file.")
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, max=100, help="Attempts at each case.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Attempts at the same time.")] = 2,
    case: Annotated[list[str] | None, typer.Option(help="Only this case, or those like late-*; repeat it.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only cases with this tag; repeat it.")] = None,
    cases_of: Annotated[str | None, typer.Option(help="Ask the agent the cases that are for this one.")] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="The folder of retail tasks, for the dataset retail.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Keep what models are asked and answer, in this folder.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Ask no model: answer from this folder.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the result; in the data folder without it.")] = None,
    least: Annotated[
        float, typer.Option("--min", min=0.0, max=1.0, help="Share of cases that must pass, in every attempt.")
    ] = 1.0,
    ready_made: Annotated[bool, typer.Option("--ready-made", help="The agents that come along, not yours.")] = False,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a dataset. Exit status 1 when fewer cases pass than must. Nothing of a workspace is touched."""

    async def work() -> None:
        for name in filter(None, (model, customer_model)):
            read_name(name)
        loaded = settings.load(data=data)
        found = find_dataset(dataset, source)
        cases = chosen(found.dataset, agent, cases_of, case or (), tag or ())
        is_acted = model is None and replay is None and all(one.steps is not None for one in cases)
        if not is_acted and customer_model is None and any(one.customer is not None for one in cases):
            raise InvalidArgument(
                "Customers are simulated here, and no model plays them.", hint="Name it: --customer-model."
            )
        plan = Plan(
            agent, model, customer_model, repeat, concurrency, acting if is_acted else None, _tapes(record, replay)
        )
        whose = await agents_of(loaded, workspace, _agents(cases, agent), ready_made=ready_made)
        told = text_or_file(instructions)
        result = await _run(_trial(found, cases, plan, whose, loaded, told), as_json=as_json)
        folder = out or loaded.data / KEPT / result.id
        keep(result, folder)
        (folder / PAGE).write_text(page_of(result), "utf-8")
        if as_json:
            console.show_json(result.model_dump(mode="json"))
        else:
            tell_run(result, folder)
        if result.passed < least * len(result.cases):
            raise SystemExit(console.EXIT_FAILED)

    run(work)


@group.command("show")
def show_command(run_name: RunName, data: DataOption = None, as_json: JsonOption = False) -> None:
    """The result of a run."""

    async def work() -> None:
        place = _place(run_name, data)
        found = read_run(place)
        if as_json:
            console.show_json(found.model_dump(mode="json"))
        else:
            tell_run(found, place)

    run(work)


@group.command("compare")
def compare_command(
    before: RunName,
    after: RunName,
    page: Annotated[Path | None, typer.Option(help="Write the comparison as a page, too.")] = None,
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit status 1 when a case got worse.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """What got better and what got worse from one run to another."""

    async def work() -> None:
        comparison = compare_runs(read_run(_place(before, data)), read_run(_place(after, data)))
        if page is not None:
            page.write_text(page_of_two(comparison), "utf-8")
        tell_comparison(comparison, as_json=as_json)
        if fail_if_worse and (comparison.named("worse") or comparison.named("gone")):
            raise SystemExit(console.EXIT_FAILED)

    run(work)


@group.command("list")
def list_command(data: DataOption = None, as_json: JsonOption = False) -> None:
    """The datasets that come along, and the runs that were kept."""

    async def work() -> None:
        sets = [_described(find_dataset(name, None).dataset) for name in built_in()]
        sets.append(
            {"dataset": "retail", "cases": None, "about": "Retail tasks of a folder that you name: --from FOLDER."}
        )
        kept = settings.load(data=data).data / KEPT
        runs = [_summary(read_run(file.parent)) for file in sorted(kept.glob("*/run.json"))]
        if as_json:
            console.show_json({"datasets": sets, "runs": runs})
            return
        console.show_table(sets, ["dataset", "cases", "about"], "")
        console.say("")
        console.show_table(
            runs, ["run", "agent", "model", "passed", "cases", "tokens", "seconds"], "No run was kept yet."
        )

    run(work)


@group.command("schema")
def schema_command() -> None:
    """The JSON schema of datasets, for editors."""
    console.show_json(schema_of())


@group.command("check")
def check_command(
    dataset: Annotated[str, typer.Argument(help="A YAML file, or a folder of retail tasks.")],
    as_json: JsonOption = False,
) -> None:
    """Whether a dataset can be read, without running it."""

    async def work() -> None:
        found = find_dataset(dataset, None).dataset
        if as_json:
            console.show_json(_described(found))
        else:
            console.say(f"{found.name} has {len(found.cases)} cases, and nothing is wrong with it.")

    run(work)


async def _run(trial: Trial, *, as_json: bool) -> Run:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console.err, disable=as_json or not console.err.is_terminal, transient=True) as bar:
        task = bar.add_task("Asking", total=len(trial.cases) * trial.plan.repeat)
        return await run_trial(
            trial,
            say=lambda text: None if as_json else console.err.print(text, markup=False),
            ended=lambda name: bar.advance(task),
        )


def _trial(
    found: Found, cases: list[Case], plan: Plan, whose: AgentsOf, loaded: settings.Settings, told: str | None
) -> Trial:
    changes: dict[str, dict[str, object]] = {}
    if plan.acting is not None:
        cases = [one.model_copy(update={"facts": [], "never_said": []}) for one in cases]  # nobody says anything
        changes = {name: {"limits": dict(LIMITS)} for name in _agents(cases, plan.agent)}
    if told is not None:
        if plan.agent is None:
            raise InvalidArgument(
                "Whose instructions are these?", hint="Name the agent: --agent.", field="instructions"
            )
        changes.setdefault(plan.agent, {})["instructions"] = told
    return Trial(
        dataset=found.dataset,
        cases=cases,
        plan=plan,
        brought=whose.brought,
        agents_of=whose.name,
        beside=found.beside,
        model=loaded.model,
        allow_private=loaded.allow_private,
        changes=changes,
    )


def _agents(cases: list[Case], agent: str | None) -> set[str]:
    return {agent} if agent is not None else {one.agents[0] for one in cases}


def _tapes(record: Path | None, replay: Path | None) -> tuple[Path, Way] | None:
    if record is not None and replay is not None:
        raise InvalidArgument("A run is recorded or replayed, not both.", hint="Leave out --record or --replay.")
    if replay is not None and not replay.is_dir():
        raise InvalidArgument(f"There is no folder of recordings {replay}.", hint="Make one with --record FOLDER.")
    if record is not None:
        return record, "record"
    return (replay, "replay") if replay is not None else None


def _place(name: str, data: Path | None) -> Path:
    """Where a run is: as it is named, or among those that were kept."""
    kept = settings.load(data=data).data / KEPT / name
    return kept if kept.is_dir() and not Path(name).exists() else Path(name)


def _described(dataset: Dataset) -> dict[str, object]:
    return {"dataset": dataset.name, "cases": len(dataset.cases), "about": dataset.about}


def _summary(found: Run) -> dict[str, object]:
    return {
        "run": found.id,
        "dataset": found.dataset,
        "agent": found.agent or "of each case",
        "model": found.model,
        "passed": found.passed,
        "cases": len(found.cases),
        "tokens": found.tokens,
        "seconds": found.seconds,
    }

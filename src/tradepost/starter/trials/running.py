"""Running a dataset: its agents, a folder for their worlds, and the result."""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from tradepost.agents.evals.datasets.schema import Case, Dataset
from tradepost.agents.evals.reports.results import Run
from tradepost.agents.evals.running.evaluating import Evaluation, Plan
from tradepost.app.conversing import CLEANING
from tradepost.foundation.networks import read_network
from tradepost.hub.upstreams.guard import Guard
from tradepost.starter.trials.agents import Brought
from tradepost.starter.trials.templates import Templates, Wish
from tradepost.starter.trials.worlds import TrialWorlds


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be run, and how. `changes` are tried instead of what an agent's setup has; `beside` is where the
    dataset's store exports are; `model` is that of agents that name none, while that of the plan is everybody's."""

    dataset: Dataset
    cases: Sequence[Case]
    plan: Plan
    brought: Brought | None
    agents_of: str
    beside: Path
    model: str
    allow_private: tuple[str, ...] = ()
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


async def run_trial(trial: Trial, say: Callable[[str], None], ended: Callable[[str], None]) -> Run:
    """Run it. Raises TradepostError where it cannot begin; what goes wrong later is in the result."""
    plan = trial.plan
    started, clock = datetime.now(UTC).replace(microsecond=0), monotonic()
    wish = Wish(trial.brought, trial.changes, trial.beside, trial.allow_private, trial.model)
    guard = Guard([read_network(one) for one in trial.allow_private])
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="tradepost-evals-"))
    try:
        worlds = TrialWorlds(Templates(folder, wish, say))
        evaluation = Evaluation(worlds, plan, trial.dataset.store, guard.check, CLEANING.secrets, ended)
        results = await evaluation.run(trial.dataset.name, trial.cases)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    mode = "expected calls" if plan.acting is not None else plan.tapes[1] if plan.tapes is not None else "live"
    return Run(
        id=f"{started:%Y%m%d-%H%M%S}-{trial.dataset.name}-{secrets.token_hex(2)}",
        dataset=trial.dataset.name,
        agent=plan.agent,
        model=plan.model or ("none" if plan.acting is not None else f"of each agent, else {trial.model}"),
        customer_model=plan.customer_model,
        mode=mode,
        agents_of=trial.agents_of,
        repeat=plan.repeat,
        started_at=started,
        seconds=round(monotonic() - clock, 1),
        cases=results,
    )

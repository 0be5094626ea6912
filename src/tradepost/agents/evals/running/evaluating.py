"""Runs a dataset with pydantic-evals: each attempt in a world of its own, several at a time, scored as they end."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_ai.models import Model
from pydantic_evals import Case as EvalsCase
from pydantic_evals import Dataset as EvalsDataset

from tradepost.agents.evals.datasets.schema import Case, Store
from tradepost.agents.evals.models import TrialModels
from tradepost.agents.evals.outcome import Outcome
from tradepost.agents.evals.ports import Worlds
from tradepost.agents.evals.reports.results import CaseResult, Check, Tried
from tradepost.agents.evals.running.attempting import Attempt, Speaker, saying
from tradepost.agents.evals.running.customers import playing
from tradepost.agents.evals.scoring.scorers import SCORERS
from tradepost.agents.evals.taping.forms import Clean
from tradepost.agents.evals.taping.tape import Tape, Way, tape_file
from tradepost.agents.models.naming import MayReach
from tradepost.foundation.errors import InvalidArgument

_log = logging.getLogger(__name__)

Acting = Callable[[Case], Model | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a dataset is run. `agent`: of cases that name none. `acting` makes what stands in for a model, from a case;
    `tapes` is the folder of recordings and what is done with it."""

    agent: str | None
    model: str | None = None
    customer_model: str | None = None
    repeat: int = 1
    at_once: int = 2
    acting: Acting | None = None
    tapes: tuple[Path, Way] | None = None


@dataclass
class Evaluation:
    """One run of a dataset."""

    worlds: Worlds
    plan: Plan
    store: Store
    may_reach: MayReach
    clean: Clean
    ended: Callable[[str], None] = lambda name: None
    _begun: Counter[str] = field(default_factory=Counter)

    async def run(self, name: str, cases: Sequence[Case]) -> list[CaseResult]:
        """All attempts of these cases. What cannot be run is an error of its attempt, and the others go on."""
        dataset: EvalsDataset[Case, Outcome, None] = EvalsDataset(
            name=name,
            cases=[EvalsCase(name=case.name, inputs=case) for case in cases],
            evaluators=[scorer() for scorer in SCORERS],
        )
        report = await dataset.evaluate(
            self._attempt,
            name=name,
            max_concurrency=self.plan.at_once,
            progress=False,
            repeat=self.plan.repeat,
        )
        tried: dict[str, list[Tried]] = {case.name: [] for case in cases}
        for found in report.cases:
            tried[found.source_case_name or found.name].append(_tried(found))
        for failed in report.failures:
            _log.debug("%s could not be run:\n%s", failed.name, failed.error_stacktrace)
            tried[failed.source_case_name or failed.name].append(Tried(error=failed.error_message))
        return [
            CaseResult(name=case.name, agent=self._agent(case), about=case.about, attempts=tried[case.name])
            for case in cases
        ]

    async def _attempt(self, case: Case) -> Outcome:
        self._begun[case.name] += 1
        tape = self._tape(case, self._begun[case.name])
        acting = None if self.plan.acting is None else self.plan.acting(case)
        models = TrialModels(self.may_reach, self.plan.model, tape, acting)
        store = case.store or self.store
        customers = TrialModels(self.may_reach, self.plan.customer_model, tape)
        world = await self.worlds.open(store, models)
        try:
            speaker = await self._speaker(case, customers, is_acted=acting is not None)
            outcome = await Attempt(case, self._agent(case), store, world, speaker).run()
            return outcome if tape is None else outcome.model_copy(update={"missed": tape.missed})
        finally:
            try:
                await world.close()
                await customers.close()
            finally:
                if tape is not None:
                    tape.close()
                self.ended(case.name)

    async def _speaker(self, case: Case, models: TrialModels, *, is_acted: bool) -> Speaker:
        if case.customer is None:
            return saying(case.messages)
        if is_acted:
            return saying([case.customer.wants])
        if self.plan.customer_model is None:
            raise InvalidArgument(
                f"The case {case.name} has a simulated customer, and no model plays one.",
                hint="Name one: --customer-model.",
            )
        return playing(await models.model(self.plan.customer_model), case.customer)

    def _agent(self, case: Case) -> str:
        if self.plan.agent is not None:
            return self.plan.agent
        return case.agents[0]

    def _tape(self, case: Case, attempt: int) -> Tape | None:
        if self.plan.tapes is None:
            return None
        folder, way = self.plan.tapes
        return Tape(tape_file(folder, case.name, attempt), way, self.clean)


def _tried(found: Any) -> Tried:
    results: Mapping[str, Any] = found.assertions
    checks = [Check(name=name, passed=bool(one.value), reason=one.reason) for name, one in results.items()]
    broken = [f"The scorer {one.name} failed: {one.error_message}" for one in found.evaluator_failures]
    return Tried(checks=checks, outcome=found.output, error="; ".join(broken) or None)

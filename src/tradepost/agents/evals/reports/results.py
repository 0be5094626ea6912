"""The result of a run, as it is kept."""

from datetime import datetime
from math import comb
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from tradepost.agents.evals.outcome import Outcome
from tradepost.foundation.errors import InvalidArgument, NotFound

FILE, PAGE = "run.json", "report.html"


class Check(BaseModel):
    """What one scorer said of an attempt."""

    name: str
    passed: bool
    reason: str | None = None


class Tried(BaseModel):
    """One attempt. `error`: it could not be run at all."""

    checks: list[Check] = Field(default_factory=list)
    outcome: Outcome | None = None
    error: str | None = None

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return self.error is None and all(check.passed for check in self.checks)

    @property
    def why_not(self) -> list[str]:
        """What was not as expected."""
        failed = [f"{one.name}: {one.reason or 'not as expected'}" for one in self.checks if not one.passed]
        return [*([self.error] if self.error else []), *failed]


class CaseResult(BaseModel):
    """All attempts of a case."""

    name: str
    agent: str
    about: str = ""
    attempts: list[Tried]

    @property
    def passes(self) -> int:
        """How many attempts passed."""
        return sum(one.passed for one in self.attempts)

    def pass_hat(self, k: int) -> float:
        """The chance that k attempts all pass, estimated from all of them without bias (pass^k)."""
        return comb(self.passes, k) / comb(len(self.attempts), k)


class Run(BaseModel):
    """A run of a dataset."""

    format: Literal["tradepost-eval-run"] = "tradepost-eval-run"
    version: Literal[1] = 1
    id: str
    dataset: str
    agent: str | None = None
    model: str
    customer_model: str | None = None
    mode: Literal["live", "record", "replay", "expected calls"] = "live"
    agents_of: str = "ready-made"
    repeat: int = 1
    started_at: datetime
    seconds: float = 0.0
    cases: list[CaseResult]

    def pass_hat(self, k: int) -> float:
        """The mean of pass^k over all cases."""
        return sum(case.pass_hat(k) for case in self.cases) / len(self.cases)

    @property
    def passed(self) -> int:
        """How many cases passed in every attempt."""
        return sum(case.passes == len(case.attempts) for case in self.cases)

    @property
    def outcomes(self) -> list[Outcome]:
        """Of all attempts that could be run."""
        return [one.outcome for case in self.cases for one in case.attempts if one.outcome is not None]

    @property
    def tokens(self) -> int:
        """All that were used."""
        return sum(one.tokens_in + one.tokens_out for one in self.outcomes)

    @property
    def cost_micros(self) -> int | None:
        """Millionths of a US dollar; None where no price is known."""
        known = [one.cost_micros for one in self.outcomes if one.cost_micros is not None]
        return sum(known) if known else None

    @property
    def checks(self) -> dict[str, tuple[int, int]]:
        """{scorer: (passed, in all)}."""
        found: dict[str, tuple[int, int]] = {}
        for case in self.cases:
            for attempt in case.attempts:
                for check in attempt.checks:
                    passed, total = found.get(check.name, (0, 0))
                    found[check.name] = (passed + check.passed, total + 1)
        return found


def keep(run: Run, folder: Path) -> None:
    """Write a run into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(run.model_dump_json(indent=1, exclude_defaults=False) + "\n", "utf-8")


def read_run(place: Path) -> Run:
    """A run from its folder or file. Raises NotFound, InvalidArgument."""
    file = place / FILE if place.is_dir() else place
    try:
        content = file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no run {place}.", hint="`tradepost eval list` shows those that were kept.") from None
    except (OSError, UnicodeDecodeError):
        raise InvalidArgument(f"{file} cannot be read.") from None
    try:
        return Run.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidArgument(
            f"{file} is no run of this release: {where or 'the file'}: {first['msg']}.", hint="Run the dataset again."
        ) from None

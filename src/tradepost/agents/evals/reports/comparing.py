"""What became better and what became worse from one run to another."""

from dataclasses import dataclass
from typing import Literal

from tradepost.agents.evals.outcome import Outcome
from tradepost.agents.evals.reports.results import CaseResult, Run

Verdict = Literal["worse", "better", "same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class CaseChange:
    """One case in both runs. `why` is what is wrong now and was not before."""

    name: str
    verdict: Verdict
    before: str
    after: str
    why: tuple[str, ...]
    tokens: int
    seconds: float
    cost_micros: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, case by case: what got worse first."""

    before: Run
    after: Run
    cases: tuple[CaseChange, ...]

    def named(self, verdict: Verdict) -> list[CaseChange]:
        """The cases of which this is so."""
        return [case for case in self.cases if case.verdict == verdict]

    @property
    def cost_micros(self) -> int | None:
        """How much more the later run cost; None where a price is not known."""
        if self.before.cost_micros is None or self.after.cost_micros is None:
            return None
        return self.after.cost_micros - self.before.cost_micros


_ORDER: tuple[Verdict, ...] = ("worse", "gone", "better", "new", "same")


def compare(before: Run, after: Run) -> Comparison:
    """The later run against the earlier one. A case is worse where a smaller share of its attempts passed."""
    old = {case.name: case for case in before.cases}
    new = {case.name: case for case in after.cases}
    changes = [_change(name, old.get(name), new.get(name)) for name in dict.fromkeys([*new, *old])]
    return Comparison(before, after, tuple(sorted(changes, key=lambda one: _ORDER.index(one.verdict))))


def _change(name: str, old: CaseResult | None, new: CaseResult | None) -> CaseChange:
    return CaseChange(
        name=name,
        verdict=_verdict(old, new),
        before=_passes(old),
        after=_passes(new),
        why=_why(old, new),
        tokens=round(_mean(new, "tokens") - _mean(old, "tokens")) if old and new else 0,
        seconds=round(_mean(new, "seconds") - _mean(old, "seconds"), 1) if old and new else 0.0,
        cost_micros=round(_mean(new, "cost") - _mean(old, "cost")) if old and new else None,
    )


def _verdict(old: CaseResult | None, new: CaseResult | None) -> Verdict:
    if old is None:
        return "new"
    if new is None:
        return "gone"
    before, after = old.passes / len(old.attempts), new.passes / len(new.attempts)
    return "same" if before == after else "worse" if after < before else "better"


def _passes(case: CaseResult | None) -> str:
    return "–" if case is None else f"{case.passes}/{len(case.attempts)}"


def _why(old: CaseResult | None, new: CaseResult | None) -> tuple[str, ...]:
    """Failures of now; those that were there before are no news."""
    if new is None:
        return ()
    known = {why for attempt in old.attempts for why in attempt.why_not} if old else set()
    return tuple(dict.fromkeys(why for attempt in new.attempts for why in attempt.why_not if why not in known))


def _mean(case: CaseResult, what: str) -> float:
    outcomes = [one.outcome for one in case.attempts if one.outcome is not None]
    if not outcomes:
        return 0.0
    return float(sum(_figure(one, what) for one in outcomes)) / len(outcomes)


def _figure(outcome: Outcome, what: str) -> float:
    if what == "tokens":
        return outcome.tokens_in + outcome.tokens_out
    return outcome.seconds if what == "seconds" else outcome.cost_micros or 0

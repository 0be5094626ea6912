"""The scorers, as pydantic-evals takes them: each says whether one thing is as the case expects, and why not. A scorer
of something that a case says nothing about is silent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext

from tradepost.agents.evals.datasets.schema import Approval, Case
from tradepost.agents.evals.outcome import Due, Outcome
from tradepost.agents.evals.scoring.fields import covers
from tradepost.agents.evals.scoring.saying import Said, shown

ACTING = "expected-calls"  # the name of what stands in for a model

Context = EvaluatorContext[Case, Outcome, None]
Results = Mapping[str, EvaluationReason]


@dataclass(repr=False)
class Ended(Evaluator[Case, Outcome, None]):
    """The last turn ended as it was to end."""

    def evaluate(self, ctx: Context) -> Results:
        found, wanted = ctx.output.status, ctx.inputs.ends
        last = next((one.text for one in reversed(ctx.output.said) if one.who == "agent"), "nothing was said")
        wrong = [] if found in wanted else [f"it is {found}, and was to be {' or '.join(wanted)}: {last[:300]}"]
        return _result("ended", [*ctx.output.missed, *wrong])


@dataclass(repr=False)
class Facts(Evaluator[Case, Outcome, None]):
    """The answers say what they are to say, and nothing that they must not."""

    def evaluate(self, ctx: Context) -> Results:
        said = Said(ctx.output.answers, date.fromisoformat(ctx.output.today))
        found: dict[str, EvaluationReason] = {}
        if ctx.output.expected:
            found |= _result("facts", [f"not said: {shown(one)}" for one in ctx.output.expected if not said.says(one)])
        if ctx.output.unwanted:
            found |= _result("never_said", [f"said: {shown(one)}" for one in ctx.output.unwanted if said.says(one)])
        return found


@dataclass(repr=False)
class ToolsUsed(Evaluator[Case, Outcome, None]):
    """The right tools were called, and none that must not be."""

    def evaluate(self, ctx: Context) -> Results:
        rules, calls = ctx.inputs.tools, ctx.output.calls
        names = [one.tool for one in calls]
        wrong = [f"{one} was not called" for one in rules.must if not _any(names, one)]
        wrong += [
            f"none of {', '.join(some)} was called"
            for some in rules.any_of
            if not any(_any(names, one) for one in some)
        ]
        wrong += [f"{name} was called" for name in dict.fromkeys(names) if any(_any([name], r) for r in rules.must_not)]
        if rules.no_writes:
            wrong += [f"{one} was called, which writes" for one in dict.fromkeys(c.tool for c in calls if c.may_write)]
        is_said = rules.must or rules.any_of or rules.must_not or rules.no_writes
        return _result("tools", wrong) if is_said else {}


@dataclass(repr=False)
class CallsMade(Evaluator[Case, Outcome, None]):
    """Calls were made with the right arguments."""

    def evaluate(self, ctx: Context) -> Results:
        wrong: list[str] = []
        for one in ctx.inputs.calls:
            given = [call.arguments for call in ctx.output.calls if call.tool == one.tool]
            fitting = sum(covers(arguments, one.arguments) for arguments in given)
            if one.times is not None and fitting != one.times:
                wrong.append(f"{one.tool} was called so {fitting} times, not {one.times}: {one.arguments}")
            elif one.times is None and not fitting:
                there = f"; it was called with {given}" if given else " (it was not called)"
                wrong.append(f"{one.tool} was not called with {one.arguments}{there}")
        return _result("calls", wrong) if ctx.inputs.calls else {}


@dataclass(repr=False)
class ApprovalsDue(Evaluator[Case, Outcome, None]):
    """A person was asked where one had to be, and nowhere else."""

    def evaluate(self, ctx: Context) -> Results:
        rule = ctx.inputs.approvals
        if isinstance(rule, str):
            return {}
        return _result("approvals", _wrong_approvals(rule, ctx.output.approvals))


@dataclass(repr=False)
class EndState(Evaluator[Case, Outcome, None]):
    """The store is as it is to be."""

    def evaluate(self, ctx: Context) -> Results:
        wrong = [f"{one.what}: {', '.join(one.wrong)}" for one in ctx.output.end if one.wrong]
        return _result("end", wrong) if ctx.output.end else {}


@dataclass(repr=False)
class Within(Evaluator[Case, Outcome, None]):
    """It used no more than it may."""

    def evaluate(self, ctx: Context) -> Results:
        most, out = ctx.inputs.most, ctx.output
        used = {
            "tokens": (out.tokens_in + out.tokens_out, most.tokens),
            "cost_micros": (out.cost_micros or 0, most.cost_micros),
            "seconds": (round(out.seconds, 1), most.seconds),
            "calls": (len(out.calls), most.calls),
            "model_answers": (out.model_answers, most.model_answers),
        }
        wrong = [
            f"{value} {name}, and at most {top}"
            for name, (value, top) in used.items()
            if top is not None and value > top
        ]
        return _result("most", wrong) if any(top is not None for _, top in used.values()) else {}


@dataclass(repr=False)
class StepsMade(Evaluator[Case, Outcome, None]):
    """Where expected calls are made without a model: each was answered, or refused where it must be."""

    def evaluate(self, ctx: Context) -> Results:
        steps = ctx.inputs.steps
        if steps is None or ctx.output.models != [ACTING]:
            return {}
        made = ctx.output.calls
        wrong = [] if len(made) == len(steps) else [f"{len(made)} of {len(steps)} calls were made"]
        for step, call in zip(steps, made, strict=False):
            if step.refused and not call.is_error:
                wrong.append(f"{step.tool} was not refused: {step.arguments}")
            elif not step.refused and call.is_error and call.may_write:
                wrong.append(f"{step.tool} was refused: {call.said}")
        return _result("steps", wrong)


SCORERS = (Ended, Facts, ToolsUsed, CallsMade, ApprovalsDue, EndState, Within, StepsMade)


def _any(names: Sequence[str], pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _wrong_approvals(rule: Sequence[Approval], due: Sequence[Due]) -> list[str]:
    left = list(due)
    wrong = []
    for one in rule:
        fitting = next((d for d in left if d.tool == one.tool and covers(d.arguments, one.arguments)), None)
        if fitting is None:
            others = [d.arguments for d in left if d.tool == one.tool]
            told = f" (asked for with {others})" if others else ""
            wrong.append(f"no approval was asked for {one.tool} {one.arguments or ''}".rstrip() + told)
        else:
            left.remove(fitting)
    return wrong + [f"an approval was asked for {one.tool} {one.arguments}, and none was due" for one in left]


def _result(name: str, wrong: Sequence[str]) -> dict[str, EvaluationReason]:
    return {name: EvaluationReason(value=not wrong, reason="; ".join(wrong) or None)}

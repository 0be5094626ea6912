"""Runs and comparisons in a terminal."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from tradepost.agents.evals.reports.comparing import Comparison, Verdict
from tradepost.agents.evals.reports.results import PAGE, CaseResult, Run
from tradepost.agents.evals.reports.wording import money, share
from tradepost.cli import console

MOST_WHY = 400  # characters of what is wrong; the page has all of it
_COLOURS: Mapping[Verdict, str] = {"worse": "red", "gone": "red", "better": "green", "new": "cyan", "same": "dim"}


def tell_run(run: Run, folder: Path) -> None:
    """Each case with what is wrong, then the figures."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("case", "agent", "passed", "tokens", "s", "what is wrong"):
        table.add_column(name, overflow="fold", justify="right" if name in ("tokens", "s") else "left")
    for case in run.cases:
        table.add_row(*_row(case))
    console.out.print(table)
    checks = ", ".join(f"{name} {passed}/{total}" for name, (passed, total) in run.checks.items())
    console.say("")
    console.say(f"{run.passed} of {len(run.cases)} cases passed ({run.model}; agents: {run.agents_of}; {run.mode}).")
    if run.repeat > 1:
        hats = ", ".join(f"pass^{k} {share(run.pass_hat(k))}" for k in range(1, run.repeat + 1))
        console.say(f"{run.repeat} attempts each: {hats}.")
    console.say(f"Checks: {checks}.")
    console.say(f"{run.tokens:,} tokens, {money(run.cost_micros)}, {run.seconds:g} s in all.")
    if folder.is_dir() and (folder / PAGE).is_file():
        console.say(f"{run.id}: {folder / PAGE}")


def tell_comparison(found: Comparison, *, as_json: bool) -> None:
    """What changed; cases that are the same are only counted."""
    if as_json:
        console.show_json(_as_json(found))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("case", "", "before", "after", "tokens", "s", "what is wrong now"):
        table.add_column(name, overflow="fold")
    changed = [case for case in found.cases if case.verdict != "same" or case.why]
    for case in changed:
        colour = _COLOURS[case.verdict]
        why = escape(_cut("; ".join(case.why)))
        figures = (f"{case.tokens:+,}", f"{case.seconds:+.1f}")
        table.add_row(escape(case.name), f"[{colour}]{case.verdict}[/{colour}]", case.before, case.after, *figures, why)
    if changed:
        console.out.print(table)
        console.say("")
    counts = Counter(case.verdict for case in found.cases)
    counted = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _COLOURS if counts[verdict])
    console.say(f"{counted}.")
    before, after = (
        f"{run.passed} of {len(run.cases)} ({run.model}, {run.tokens:,} tokens, {money(run.cost_micros)})"
        for run in (found.before, found.after)
    )
    console.say(f"Passed before: {before}.")
    console.say(f"Passed now: {after}.")


def _row(case: CaseResult) -> tuple[str, ...]:
    outcomes = [one.outcome for one in case.attempts if one.outcome is not None]
    count = max(len(outcomes), 1)
    why = list(dict.fromkeys(why for attempt in case.attempts for why in attempt.why_not))
    colour = "green" if case.passes == len(case.attempts) else "red"
    return (
        escape(case.name),
        escape(case.agent),
        f"[{colour}]{case.passes}/{len(case.attempts)}[/{colour}]",
        f"{sum(one.tokens_in + one.tokens_out for one in outcomes) // count:,}",
        f"{sum(one.seconds for one in outcomes) / count:.1f}",
        escape(_cut("; ".join(why))),
    )


def _as_json(found: Comparison) -> dict[str, object]:
    return {
        "before": found.before.id,
        "after": found.after.id,
        "passed": [found.before.passed, found.after.passed],
        "tokens": found.after.tokens - found.before.tokens,
        "cost_micros": found.cost_micros,
        "cases": [
            {
                "name": case.name,
                "verdict": case.verdict,
                "before": case.before,
                "after": case.after,
                "why": list(case.why),
                "tokens": case.tokens,
                "seconds": case.seconds,
                "cost_micros": case.cost_micros,
            }
            for case in found.cases
        ],
    }


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_WHY else f"{line[: MOST_WHY - 1]}…"

"""Scorers say what is wrong; results say how sure one can be; comparisons say what became worse; pages only show."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic_evals import Case as EvalsCase
from pydantic_evals import Dataset as EvalsDataset

from tradepost.agents.evals.datasets.schema import Case
from tradepost.agents.evals.outcome import Due, Found, Made, Outcome, Said
from tradepost.agents.evals.reports.comparing import compare
from tradepost.agents.evals.reports.page import page_of, page_of_two
from tradepost.agents.evals.reports.results import CaseResult, Check, Run, Tried
from tradepost.agents.evals.scoring.fields import Absent, at, covers
from tradepost.agents.evals.scoring.scorers import SCORERS
from tradepost.foundation.errors import InvalidArgument

Json = dict[str, Any]


async def scored(case: Json, **outcome: Any) -> dict[str, str]:
    """{what is wrong: why} of an outcome that answers "Order 88213 is late." after one look."""
    given: Json = {
        "status": "finished",
        "said": [Said(who="person", text="88213?"), Said(who="agent", text="Order 88213 is late.")],
        "calls": [Made(agent="a", tool="get_order", arguments={"order_id": "88213"})],
    }
    made = Case.model_validate({"name": "one", "question": "88213?", **case})
    found = Outcome(**{**given, "expected": made.facts, "unwanted": made.never_said, **outcome})

    async def task(_: Case) -> Outcome:
        return found

    dataset: EvalsDataset[Case, Outcome, None] = EvalsDataset(
        name="x", cases=[EvalsCase(inputs=made)], evaluators=[scorer() for scorer in SCORERS]
    )
    (report,) = (await dataset.evaluate(task, progress=False)).cases
    assert not report.evaluator_failures
    return {name: one.reason or "" for name, one in report.assertions.items() if not one.value}


WRITE = Made(agent="a", tool="cancel_order", arguments={"order_id": "88213"}, may_write=True)
DUE = Due(tool="cancel_order", arguments={"order_id": "88213", "reason": "x"}, answer="approve")


@pytest.mark.parametrize(
    ("case", "outcome", "wrong"),
    [
        ({"facts": ["88213", "late"]}, {}, {}),
        ({"facts": ["on time"]}, {}, {"facts": "not said: on time"}),
        ({"never_said": ["late"]}, {}, {"never_said": "said: late"}),
        ({"tools": {"must": ["get_*"], "must_not": ["cancel_*"], "no_writes": True}}, {}, {}),
        ({"tools": {"must": ["list_drivers"]}}, {}, {"tools": "list_drivers was not called"}),
        ({"tools": {"any_of": [["a", "b"]]}}, {}, {"tools": "none of a, b was called"}),
        ({"tools": {"must_not": ["get_*"]}}, {}, {"tools": "get_order was called"}),
        ({"tools": {"no_writes": True}}, {"calls": [WRITE]}, {"tools": "cancel_order was called, which writes"}),
        ({"calls": [{"tool": "get_order", "arguments": {"order_id": 88213}, "times": 1}]}, {}, {}),
        ({"calls": [{"tool": "get_order", "times": 2}]}, {}, {"calls": "1 times, not 2"}),
        ({"calls": [{"tool": "get_order", "arguments": {"order_id": "1"}}]}, {}, {"calls": "it was called with"}),
        ({}, {"approvals": [DUE]}, {"approvals": "none was due"}),
        ({"approvals": [{"tool": "cancel_order", "arguments": {"reason": "X"}}]}, {"approvals": [DUE]}, {}),
        ({"approvals": [{"tool": "cancel_order"}]}, {}, {"approvals": "no approval was asked for cancel_order"}),
        ({"approvals": [{"tool": "cancel_order"}] * 2}, {"approvals": [DUE]}, {"approvals": "no approval was asked"}),
        ({"approvals": "approve"}, {"approvals": [DUE]}, {}),
        ({}, {"status": "failed"}, {"ended": "it is failed, and was to be finished"}),
        ({"approvals": [{"tool": "cancel_order", "answer": "wait"}]}, {"approvals": [DUE]}, {"ended": "waiting"}),
        ({}, {"missed": ["no answer"]}, {"ended": "no answer"}),
        ({}, {"end": [Found(what="order 1", wrong=["status is open"])]}, {"end": "order 1: status is open"}),
        ({"most": {"calls": 0}}, {}, {"most": "1 calls, and at most 0"}),
        ({"most": {"tokens": 10}}, {"tokens_in": 8, "tokens_out": 8}, {"most": "16 tokens"}),
    ],
)
async def test_each_scorer_says_what_is_wrong(case: Json, outcome: Json, wrong: Json) -> None:
    found = await scored(case, **outcome)
    assert found.keys() == wrong.keys(), found
    for name, said in wrong.items():
        assert said in found[name]


def test_fields_are_found_by_their_path() -> None:
    order = {"status": "open", "lines": [{"sku": "A", "n": 1}, {"sku": "B.2", "n": 2}], "total": {"display": "€1"}}
    assert (at(order, "lines[1].n"), at(order, "lines[sku=B.2].n"), at(order, "lines.length")) == (2, 2, 2)
    assert at(order, "total.display") == "€1"
    for path in ("line", "lines[7]", "lines[sku=C]", "status.x"):
        with pytest.raises(Absent):
            at(order, path)
    with pytest.raises(InvalidArgument):
        at(order, "lines[[")
    assert covers({"id": "#88213", "n": [1]}, {"id": 88213})
    assert not covers({"n": [1, 2]}, {"n": [1]})
    assert not covers({"n": 1}, {"n": True})


def tried(passed: bool, text: str = "fine") -> Tried:
    outcome = Outcome(status="finished", said=[Said(who="agent", text=text)], tokens_in=100, seconds=1.0)
    return Tried(checks=[Check(name="facts", passed=passed, reason=None if passed else "not said: x")], outcome=outcome)


def run(name: str, **cases: list[bool]) -> Run:
    return Run(
        id=name,
        dataset="mine",
        model="scripted",
        repeat=3,
        started_at=datetime(2026, 2, 24, tzinfo=UTC),
        cases=[CaseResult(name=key, agent="a", attempts=[tried(one) for one in each]) for key, each in cases.items()],
    )


def test_pass_hat_is_the_chance_that_all_of_k_attempts_pass() -> None:
    found = run("r", always=[True] * 3, twice=[True, True, False], never=[False] * 3)
    assert [round(found.pass_hat(k), 4) for k in (1, 2, 3)] == [
        round((3 + 2) / 9, 4),
        round((1 + 1 / 3) / 3, 4),
        0.3333,
    ]
    assert (found.passed, found.tokens, found.cost_micros, found.checks) == (1, 900, None, {"facts": (5, 9)})


def test_a_comparison_names_what_became_worse_first() -> None:
    before = run("b", a=[True] * 3, b=[False] * 3, c=[True] * 3, gone=[True] * 3)
    after = run("a", a=[True, False, True], b=[True] * 3, c=[True] * 3, new=[False] * 3)
    found = compare(before, after)
    assert [(case.name, case.verdict) for case in found.cases] == [
        ("a", "worse"), ("gone", "gone"), ("b", "better"), ("new", "new"), ("c", "same")
    ]  # fmt: skip
    assert (found.cases[0].before, found.cases[0].after, found.cases[0].why) == ("3/3", "2/3", ("facts: not said: x",))
    page = page_of_two(found)
    assert "1 worse" in page


def test_a_page_shows_what_was_said_as_text_and_runs_nothing() -> None:
    found = run("r", a=[True] * 3)
    hostile = '<script>alert(1)</script><img src=x onerror="y"> {{ 7*7 }} https://evil.example/x'
    found.cases[0].attempts[0] = tried(passed=False, text=hostile)
    page = page_of(found)
    assert "default-src 'none'; style-src 'sha256-" in page
    assert "unsafe" not in page
    assert "style=" not in page
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7*7 }}" in page
    assert 'href="' not in page
    assert "2 of 3 passed" in page


def test_a_run_is_read_as_it_was_written() -> None:
    found = run("r", a=[True, False, True])
    assert Run.model_validate_json(found.model_dump_json()) == found

"""`tradepost eval`: questions about the demo shop, a dataset and an agent of one's own, two runs compared, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.evals.shop import write_folder
from tests.processes import Place

MINE = """
name: mine
store: {file: store.json}
cases:
  - name: stands
    question: Where does order W1 stand?
    facts: [I do not understand]
    tools: {no_writes: true}
    end: {unchanged: true}
  - name: wrong
    question: Where does order W1 stand?
    facts: [Mars]
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A dataset beside a store."""
    file = write_folder(tmp_path / "shop") / "mine.yaml"
    file.write_text(MINE, "utf-8")
    return file


def test_questions_are_answered_by_the_scripted_model(place: Place) -> None:
    """With approvals, a rejection, a shopper, and traps: through hub and policy, each in a shop of its own."""
    names = ["reroute*", "reorder-waits", "late-order", "chargebacks", "poisoned-note", "return-out-*", "somebody-*"]
    names += ["overdue-by-*", "purchase-orders-late", "enough-*"]
    chosen = [word for name in names for word in ("--case", name)]
    run = place.run("eval", "run", "questions", *chosen, "--json").json()
    assert {case["name"]: case["attempts"] for case in run["cases"] if not _passed(case)} == {}
    assert len(run["cases"]) == 11
    assert run["agents_of"] == "ready-made"
    assert place.run("conversation", "list", "--json").json() == []  # nothing of it was in this workspace


def _passed(case: dict[str, list[dict[str, list[dict[str, object]]]]]) -> bool:
    return all(check["passed"] for attempt in case["attempts"] for check in attempt["checks"])


def test_a_dataset_and_an_agent_of_ones_own_and_two_runs_compared(place: Place, mine: Path, tmp_path: Path) -> None:
    place.run("agent", "set", "helper", "--instructions", "Say what you see.").good()
    first = place.run("eval", "run", mine, "--agent", "helper", "--out", tmp_path / "one")
    assert first.status == 1
    assert "1 of 2 cases passed (of each agent, else scripted; agents: of acme; live)." in first.out
    assert "not said: Mars" in " ".join(first.out.split())
    mine.write_text(mine.read_text("utf-8").replace("Mars", "scripted"), "utf-8")
    told = ["--instructions", "Say less.", "--min", "0.5"]
    place.run("eval", "run", mine, "--agent", "helper", *told).good()
    listed = place.run("eval", "list", "--json").json()
    assert {one["dataset"] for one in listed["datasets"]} == {"questions", "retail"}
    (kept,) = listed["runs"]
    assert "cases passed" in place.run("eval", "show", kept["run"]).good().out
    compared = place.run("eval", "compare", tmp_path / "one", kept["run"], "--page", tmp_path / "page.html").good()
    assert "1 better, 1 same" in compared.out
    worse = place.run("eval", "compare", kept["run"], tmp_path / "one", "--fail-if-worse", "--json")
    assert worse.status == 1
    assert '"verdict": "worse"' in worse.out
    assert "default-src 'none'" in (tmp_path / "page.html").read_text("utf-8")
    assert "not said: Mars" in (tmp_path / "one" / "report.html").read_text("utf-8")


def test_what_cannot_be_run_is_said(place: Place, mine: Path, tmp_path: Path) -> None:
    def refusal(*words: str | Path) -> str:
        return place.run("eval", *words).refusal()

    assert "no dataset" in refusal("run", tmp_path / "none.yaml", "--agent", "helper")
    assert "names no agent" in refusal("run", mine)
    assert "no agent nobody" in refusal("run", mine, "--agent", "nobody")
    assert "retail tasks are in a folder" in refusal("run", "retail")
    assert "no retail tasks" in refusal("run", "retail", "--from", tmp_path / "empty")
    assert "not the name of a model" in refusal("run", mine, "--agent", "helper", "--model", "best")
    assert "recorded or replayed" in refusal(
        "run", mine, "--agent", "helper", "--record", tmp_path / "a", "--replay", tmp_path
    )
    assert "no folder of recordings" in refusal("run", mine, "--agent", "helper", "--replay", tmp_path / "none")
    assert "--customer-model" in refusal("run", mine.parent, "--model", "scripted")
    assert "There is no run" in refusal("show", "never")
    (tmp_path / "run.json").write_text("{}", "utf-8")
    assert "is no run of this release" in refusal("compare", tmp_path, tmp_path)
    mine.write_text(MINE.replace("facts", "fakts"), "utf-8")
    said = refusal("check", mine)
    assert "mine.yaml: line 7: cases[0].fakts" in said
    assert "eval schema" in said

"""Datasets: those that come along can be read, and what is wrong in one is said with its line."""

import json
from pathlib import Path

import pytest

from tests.agents.evals.shop import tasks, write_folder
from tradepost.agents.evals.datasets.reading import BUILT_IN, built_in, parse, read_dataset, schema_of
from tradepost.agents.evals.retail.folder import read_retail
from tradepost.agents.evals.running.choosing import chosen
from tradepost.foundation.errors import InvalidArgument, NotFound

CASE = "  - name: one\n    question: Where is it?\n"
HEAD = "name: mine\ncases:\n"


def test_the_questions_are_for_agents_that_come_along_and_all_have_expectations() -> None:
    assert "questions" in built_in()
    found = read_dataset(BUILT_IN / "questions.yaml")
    assert len(found.cases) >= 20
    for case in found.cases:
        assert case.agents, case.name
        assert case.facts or case.calls or case.approvals, case.name
    assert {case.agents[0] for case in found.cases} == {
        "supply_chain_manager", "returns_specialist", "warehouse_lead", "shopper_assistant", "planner"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a dataset is a mapping"),
        ("- 1", "a dataset is a mapping"),
        ("name: x", "the member 'cases' is missing"),
        (HEAD + "  - name: one\n", "line 3: cases[0]: a case has question, turns or customer"),
        (HEAD + CASE + "    facts:\n      - {money: 24.9}\n", "line 6: cases[0].facts[0].money"),
        (HEAD + CASE + "    facts:\n      - {text: a, number: 1}\n", "line 6: cases[0].facts[0]: a fact is one of"),
        (HEAD + CASE + "    tols: {}\n", "line 5: cases[0].tols: there is no member 'tols' here"),
        (HEAD + CASE + "    shopper: 17\n", "line 5: cases[0].shopper: input should be a valid string, not 17 (put"),
        (HEAD + CASE + "    approvals: maybe\n", "line 5: cases[0].approvals"),
        (HEAD + CASE + CASE, "two cases are named one"),
        (HEAD + CASE + "    store: {now: yesterday}\n", "line 5: cases[0].store.now"),
        (HEAD + CASE + "    question: twice\n", "line 5: the member 'question' stands twice"),
        (HEAD + CASE + "    facts: [\n", "not YAML"),
        ("a: !!python/object:os.system {}", "not a dataset"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse(text.encode(), "mine.yaml")
    if said != "not a dataset":
        assert said in refused.value.message, refused.value.message
    assert refused.value.message.startswith("mine.yaml")


def test_everything_that_is_wrong_is_listed() -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse((HEAD + CASE + "    tols: {}\n    facs: []\n").encode(), "mine.yaml")
    assert [line.split(":")[0] for line in refused.value.details["problems"]] == ["line 5", "line 6"]


def test_words_are_words_and_anchors_may_be_used() -> None:
    text = (
        "name: mine\nstore: &s {now: '2026-02-24T09:00:00Z'}\ncases:\n"
        "  - {name: a, question: no, store: *s}\n  - {name: b, question: 2026-02-24}\n"
    )
    found = parse(text.encode(), "mine.yaml")
    assert [case.question for case in found.cases] == ["no", "2026-02-24"]
    assert found.cases[0].store == found.store


def test_editors_get_a_schema() -> None:
    schema = json.dumps(schema_of())
    assert "Words, in this order" in schema
    assert {"cases", "name"} <= set(schema_of()["required"])


def test_cases_are_chosen_by_agent_name_and_tag() -> None:
    found = read_dataset(BUILT_IN / "questions.yaml")
    assert {case.agents[0] for case in chosen(found, "warehouse_lead")} == {"warehouse_lead", "returns_specialist"}
    assert chosen(found, "mine", "warehouse_lead") == chosen(found, "warehouse_lead")
    assert all("trap" in case.tags for case in chosen(found, None, tags=["trap"]))
    assert [case.name for case in chosen(found, None, patterns=["reroute*"])] == ["reroute", "reroute-rejected"]
    for given in ({"agent": "nobody"}, {"agent": None, "patterns": ["nothing*"]}):
        with pytest.raises(InvalidArgument) as refused:
            chosen(found, **given)  # type: ignore[arg-type]
        assert refused.value.hint


def test_tasks_become_cases_with_calls_in_our_words(tmp_path: Path) -> None:
    found = read_retail(write_folder(tmp_path / "shop"))
    right, *_, refused = found.cases
    assert [step.tool for step in right.steps or ()] == ["search_customers", "update_order_address"]
    assert (right.steps or ())[1].arguments["address"]["postal_code"] == "0151"
    assert [step.refused for step in refused.steps or ()] == [True]
    assert right.customer is not None
    assert "Mia Berg" in right.customer.wants
    assert found.store.file == "store.json"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "has no tasks"),
        ("[", "cannot be read"),
        ('{"tasks": [3]}', "task number 1 is no object"),
        ('{"tasks": [{"id": "t", "steps": []}]}', "task t does not have the shape"),
        (json.dumps({"tasks": [{**tasks()[0], "steps": [{"tool": "drop", "args": {}}]}]}), "drop, which is no tool"),
        (json.dumps({"tasks": [tasks()[0], tasks()[0]]}), "Two tasks"),
    ],
)
def test_tasks_that_are_none_are_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "tasks.json").write_text(content, "utf-8")
    with pytest.raises(InvalidArgument, match=said):
        read_retail(tmp_path)


def test_a_folder_without_tasks_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        read_retail(tmp_path)
    assert "tasks.json" in str(refused.value.hint)

"""Evals as they are run: agents of a workspace or the ready-made ones, in stores of their own; models over both wire
formats, recorded and replayed; retail tasks by their expected calls."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.agents.evals.shop import write_folder
from tests.api.model_double import Models as Double
from tests.api.model_double import Move
from tests.protocol.conftest import served
from tradepost.agents.evals.datasets.schema import Case, Dataset, Store
from tradepost.agents.evals.reports.results import CaseResult, Tried
from tradepost.agents.evals.retail.folder import read_retail
from tradepost.agents.evals.running.acting import acting
from tradepost.agents.evals.running.evaluating import Evaluation, Plan
from tradepost.agents.setups.models import AgentSetup
from tradepost.app import Tradepost
from tradepost.app.conversing import CLEANING
from tradepost.hub.access.agents import find_agent
from tradepost.hub.access.models import Workspace
from tradepost.starter.setup import set_up_agents
from tradepost.starter.trials.agents import read_agents
from tradepost.starter.trials.running import Trial, run_trial
from tradepost.starter.trials.templates import Templates, Wish
from tradepost.starter.trials.worlds import TrialWorlds

Json = dict[str, Any]
SHOP = Store(file="store.json")
MOVE = ("update_order_address", {"order_id": "#W1", "address": {"line1": "9 Hill", "city": "Oslo", "region": "OS",
                                 "postal_code": "0151", "country": "Norway"}})  # fmt: skip
LOOK = ("get_order", {"order_id": "#W1"})
SECRET = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """One store for all of these tests; each attempt has a copy."""
    shop = write_folder(tmp_path_factory.mktemp("shop"))
    wish = Wish(beside=shop, changes={"customer_care": {"instructions": "You speak in prose."}})
    return Templates(tmp_path_factory.mktemp("worlds"), wish, lambda text: None)


async def _anywhere(url: str) -> None:
    """Whether a model may be reached is for the hub's guard; here it is on this machine."""


@pytest.fixture
async def double() -> AsyncIterator[tuple[Double, str]]:
    found = Double()
    async with served(found.app()) as base:
        yield found, base


def case(**given: Any) -> Case:
    return Case.model_validate({"name": "one", "agents": ["customer_care"], **given})


async def results(templates: Templates, plan: Plan, *cases: Case) -> list[CaseResult]:
    evaluation = Evaluation(TrialWorlds(templates), plan, SHOP, _anywhere, CLEANING.secrets)
    return await evaluation.run("mine", cases)


async def attempt(templates: Templates, plan: Plan, one: Case) -> Tried:
    ((found,),) = [each.attempts for each in await results(templates, plan, one)]
    return found


async def test_tasks_are_solved_by_their_calls_and_what_is_wrong_is_seen(templates: Templates) -> None:
    tasks = read_retail(templates.wish.beside)
    found = await results(templates, Plan(None, acting=acting), *tasks.cases)
    assert {one.name: one.passes for one in found} == {"right": 1, "other-end": 0, "not-refused": 0, "refused": 1}
    wrong = {one.name: " ".join(one.attempts[0].why_not) for one in found}
    assert "order #W1: shipping_address is" in wrong["other-end"]
    assert "order #W2: shipping_address is" in wrong["other-end"]
    assert "update_order_address was not refused" in wrong["not-refused"]
    (right,) = [one.attempts[0].outcome for one in found if one.name == "right"]
    assert right is not None
    assert [call.is_error for call in right.calls] == [False, False]


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_a_model_is_recorded_and_replayed_without_it(
    templates: Templates, double: tuple[Double, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wire: str
) -> None:
    models, base = double
    monkeypatch.setenv(f"{wire.upper()}_API_KEY", SECRET)
    model = f"{wire}:one@{base}" + ("/v1" if wire == "openai" else "")
    models.moves["one"] = [Move(calls=[LOOK]), Move(calls=[MOVE]), Move(f"It goes to 9 Hill. {SECRET}")]
    wanted = case(
        question="Send #W1 to 9 Hill", facts=["9 Hill"], tools={"must": ["get_order", "update_order_address"]},
        approvals="approve",
        end={"records": [{"read": {"tool": "get_order", "arguments": {"order_id": "#W1"}},
                          "fields": {"external_id": "#W1"}}]},
    )  # fmt: skip
    live = await attempt(templates, Plan(None, model, tapes=(tmp_path, "record")), wanted)
    asked = len(models.asked["one"])
    assert asked == 3
    assert "You speak in prose." in json.dumps(models.asked["one"][0])
    (file,) = tmp_path.iterdir()
    kept = file.read_text("utf-8")
    assert SECRET not in kept
    assert base not in kept
    assert kept.count("\n") > 50
    offline = f"{wire}:one@http://127.0.0.1:1/v1"
    again = await attempt(templates, Plan(None, offline, tapes=(tmp_path, "replay")), wanted)
    assert len(models.asked["one"]) == asked
    assert live.outcome is not None
    assert again.outcome is not None
    assert again.why_not == live.why_not
    assert [c.tool for c in again.outcome.calls] == [c.tool for c in live.outcome.calls] == [LOOK[0], MOVE[0]]
    assert (again.outcome.tokens_in, again.outcome.tokens_out) == (live.outcome.tokens_in, live.outcome.tokens_out)
    other = await attempt(
        templates,
        Plan(None, offline, tapes=(tmp_path, "replay")),
        wanted.model_copy(update={"question": "Another one"}),
    )
    assert not other.passed
    assert "message 1 of 1" in " ".join(other.why_not)
    unrecorded = await attempt(
        templates, Plan(None, offline, tapes=(tmp_path, "replay")), wanted.model_copy(update={"name": "two"})
    )
    assert "There is no recording" in str(unrecorded.error)


async def test_a_failing_model_is_recorded_as_such(
    templates: Templates, double: tuple[Double, str], tmp_path: Path
) -> None:
    models, base = double
    models.moves["one"] = [Move(status=429, error="rate_limit_exceeded")]
    wanted = case(question="Where is #W1?")
    said = []
    for way in ("record", "replay"):
        found = await attempt(templates, Plan(None, f"openai:one@{base}/v1", tapes=(tmp_path, way)), wanted)  # type: ignore[arg-type]
        assert found.outcome is not None
        assert found.outcome.status == "failed"
        said.append(found.outcome.answers)
    assert said[0] == said[1]
    assert "asked too much" in said[0]


async def test_a_simulated_customer_talks_until_they_have_what_they_want(
    templates: Templates, double: tuple[Double, str]
) -> None:
    models, base = double
    models.moves["agent"] = [Move("Which order?"), Move(calls=[LOOK]), Move("It is open, $53.40.")]
    models.moves["mia"] = [Move("Hello, my order!"), Move("#W1"), Move("###STOP###")]
    wanted = case(customer={"wants": "Know how #W1 is.", "knows": "The number is #W1."}, facts=[{"money": "53.40 USD"}])
    plan = Plan(None, f"openai:agent@{base}/v1", customer_model=f"openai:mia@{base}/v1")
    found = await attempt(templates, plan, wanted)
    assert found.why_not == []
    assert found.outcome is not None
    assert [one.text.strip() for one in found.outcome.said] == [
        "Hello, my order!", "Which order?", "#W1", "It is open, $53.40."
    ]  # fmt: skip
    assert "The number is #W1." in json.dumps(models.asked["mia"][0])
    assert "Know how" not in json.dumps(models.asked["agent"])
    alone = await attempt(templates, Plan(None, f"openai:agent@{base}/v1"), wanted)
    assert "no model plays one" in str(alone.error)


async def test_several_messages_are_one_conversation_with_approvals_in_each(
    templates: Templates, double: tuple[Double, str]
) -> None:
    """The double gives calls the same id in every turn: each is answered for itself."""
    models, base = double
    cancel = [("cancel_order", {"order_id": number, "reason": "no longer needed"}) for number in ("#W1", "#W2")]
    models.moves["one"] = [Move(calls=[cancel[0]]), Move("One is gone."), Move(calls=[cancel[1]]), Move("Two is not.")]
    rules = [{"tool": "cancel_order", "arguments": {"order_id": "#W1"}}, {"tool": "cancel_order", "answer": "reject"}]
    end = [
        {"read": {"tool": "get_order", "arguments": {"order_id": number}}, "fields": {"status": status}}
        for number, status in (("#W1", "canceled"), ("#W2", "open"))
    ]
    wanted = case(turns=["Cancel #W1.", "And #W2."], facts=["One is gone"], approvals=rules, end={"records": end})
    found = await attempt(templates, Plan(None, f"openai:one@{base}/v1"), wanted)
    assert found.why_not == []
    assert found.outcome is not None
    assert [due.answer for due in found.outcome.approvals] == ["approve", "reject"]
    assert [call.arguments["order_id"] for call in found.outcome.calls] == ["#W1", "#W2"]
    assert "Cancel #W1." in json.dumps(models.asked["one"][2])


async def test_attempts_do_not_see_each_other_and_pass_or_not_on_their_own(
    templates: Templates, double: tuple[Double, str]
) -> None:
    models, base = double
    models.moves["one"] = [Move(calls=[MOVE]), Move("Done."), Move(calls=[LOOK]), Move("No idea.")]
    wanted = case(question="Send #W1 to 9 Hill", approvals="approve", facts=["done"])
    (found,) = await results(templates, Plan(None, f"openai:one@{base}/v1", repeat=2, at_once=1), wanted)
    assert (found.passes, len(found.attempts)) == (1, 2)
    assert (found.pass_hat(1), found.pass_hat(2)) == (0.5, 0.0)
    first, second = [one.outcome for one in found.attempts if one.outcome is not None]
    assert [call.may_write for call in (*first.calls, *second.calls)] == [True, False]
    shown = second.calls[0].said
    assert "9 Hill" not in shown


async def test_a_case_that_cannot_be_set_up_says_so_and_others_go_on(templates: Templates) -> None:
    broken = case(question="x", changes=[{"tool": "cancel_order", "arguments": {"order_id": "#W9", "reason": "x"}}])
    unknown = case(name="two", question="x", changes=[{"tool": "sing"}])
    unread = case(name="three", question="x", facts=[{"read": {"tool": "get_order", "arguments": {"order_id": "#W1"}},
                                                     "field": "nowhere"}])  # fmt: skip
    fine = case(name="four", question="Where is order #W1?", changes=[], never_said=["Mars"])
    found = {one.name: one.attempts[0] for one in await results(templates, Plan(None), broken, unknown, unread, fine)}
    assert "cancel_order, as the case calls it" in str(found["one"].error)
    assert "no tool 'sing'" in str(found["two"].error)
    assert "there is no nowhere" in str(found["three"].error)
    assert found["four"].passed, found["four"].why_not


async def test_agents_of_a_workspace_are_evaluated_as_they_are(
    hub: Tradepost, workspace: Workspace, double: tuple[Double, str], tmp_path: Path
) -> None:
    """On both engines: what is read is the workspace's, what is written is not."""
    await set_up_agents(hub.hub, workspace.id)
    async with hub.hub.transaction(workspace.id, write=True) as session:
        agent = await find_agent(session, "product_expert")
        row = (await session.scalars(select(AgentSetup).where(AgentSetup.id == agent.id))).one()
        row.instructions = "You only speak in verse."
        row.limits = {"steps": 3}
    models, base = double
    models.moves["one"] = [Move("A shirt, no dirt.")]
    brought = await read_agents(hub.hub, workspace.id)
    wanted = case(agents=["product_expert"], question="What is there?", facts=["shirt"], end={"unchanged": True})
    shop = write_folder(tmp_path / "shop")

    trial = Trial(
        Dataset.model_validate({"name": "mine", "store": SHOP, "cases": [wanted]}), [wanted],
        Plan("product_expert", f"openai:one@{base}/v1"), brought, "of acme", shop, "scripted", ("127.0.0.0/8",),
    )  # fmt: skip
    run = await run_trial(trial, lambda text: None, lambda name: None)
    (found,) = run.cases[0].attempts
    assert found.passed, found.why_not
    assert run.agents_of == "of acme"
    (asked,) = models.asked["one"]
    assert "only speak in verse" in json.dumps(asked)
    assert {tool["function"]["name"] for tool in asked["tools"]} == {
        "search_products", "get_product", "check_inventory", "search_policies", "get_ops_kpis", "now", "calculate",
        "date_after", "days_between", "get_approval"
    }  # fmt: skip

"""Whoever calls may say yes for themselves where the decision lets them, and in no other way (P12, P13, row 12)."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from tests.hub.gateway.world import World, error_of, structured
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import InvalidArgument, Unauthenticated
from tradepost.foundation.ids import new_id
from tradepost.hub.access import agents, keys, people
from tradepost.hub.actions.models import Action
from tradepost.hub.gateway import weighing
from tradepost.hub.gateway.steps import decide as deciding
from tradepost.hub.policy.decide import Ask
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.policies import rules
from tradepost.protocol.builtin import Json
from tradepost.protocol.hosting import CallExtras

FORM = {"elicitation": {}}


class Channel:
    """A client of the handshake era, which answers as it is told."""

    wants_progress, log_level = False, None

    def __init__(self, reply: Json) -> None:
        self.reply, self.asked = reply, list[Json]()

    def can_ask(self, method: str) -> bool:
        return method == "elicitation/create"

    async def notify(self, method: str, params: Json) -> None: ...

    async def ask(self, method: str, params: Json) -> Json:
        self.asked.append(params)
        return self.reply


def decides(monkeypatch: pytest.MonkeyPatch, decision: Ask) -> None:
    for module in (deciding, weighing):
        monkeypatch.setattr(module, "decided", lambda *_: decision)


@pytest.fixture
async def asking(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Writes ask, and whoever calls may confirm."""
    decides(monkeypatch, Ask("it is your own", caller_may_confirm=True))
    await world.built.start()
    return world


@pytest.fixture
async def person(world: World) -> Caller:
    """Somebody with a key of their own, who sees what the profile shares."""
    async with world.changing() as session:
        user = await people.create_user(session, world.admin, "ann@x.test", "Ann", "viewer")
        profile = await agents.find_profile(session, "internal")
        await assign(session, world.admin, "shop", "add_stock", profile="internal")
        terms = keys.KeyTerms(profile_id=profile.id, scopes=("read:inventory", "write:inventory"))
        key = await keys.mint(session, world.admin, terms, user_id=user.id)
    found = await world.authenticator.authenticate(key.secret, new_id("req"))
    return replace(found, seen=None)  # it stands for many requests, each of which looks for itself


async def call(
    world: World, caller: Caller, *, key: str = "k1", quantity: int = 20, said: Any = None, state: str | None = None,
    capabilities: Json | None = None,
) -> Json:  # fmt: skip
    responses = None if said is None else {"confirm": {"action": said, "content": {}}}
    declared = FORM if capabilities is None else capabilities
    extras = CallExtras(client_capabilities=declared, rounds=True, input_responses=responses, request_state=state)
    arguments = {"sku": "A1", "quantity": quantity, "idempotency_key": key}
    return await world.gateway.call_tool(caller, None, "add_stock", arguments, extras)


async def test_an_accepted_question_carries_the_frozen_arguments_out_once(asking: World, person: Caller):
    asked = await call(asking, person)
    assert asked["resultType"] == "input_required"
    (question,) = asked["inputRequests"].values()
    assert question["method"] == "elicitation/create"
    assert "quantity: 20" in question["params"]["message"]
    assert "sku: A1" in question["params"]["message"]
    state = asked["requestState"]
    for wrong in ({"quantity": 21}, {"key": "k2"}, {"state": state[:-4] + "AAAA"}):
        with pytest.raises(InvalidArgument):
            await call(asking, person, **{"said": "accept", "state": state, **wrong})  # type: ignore[arg-type]
    assert asking.shop.effects() == []
    done, again = await asyncio.gather(*(call(asking, person, said="accept", state=state) for _ in range(2)))
    assert structured(done)["quantity"] == structured(again)["quantity"] == 25
    assert structured(await call(asking, person, said="decline", state=state))["quantity"] == 25
    assert len(asking.shop.effects()) == 1
    (action,) = [await asking.only_action()]
    shown = await asking.action(action.id)
    assert [(said.user_name, said.way) for said in shown.verdicts] == [("Ann", "confirmed")]


async def test_what_may_not_be_confirmed_any_more_waits_for_people(
    asking: World, person: Caller, monkeypatch: pytest.MonkeyPatch
):
    """The rule has changed since the question, or what people see has."""
    asked = await call(asking, person)
    decides(monkeypatch, Ask("two have to agree", approvals_needed=2))
    left = structured(await call(asking, person, said="accept", state=asked["requestState"]))
    assert left["status"] == "approval_required"
    decides(monkeypatch, Ask("it is your own", caller_may_confirm=True))
    async with asking.changing() as session:
        await session.execute(update(Action).values(round=2))
    left = structured(await call(asking, person, said="accept", state=asked["requestState"]))
    assert left["status"] == "approval_required"
    assert asking.shop.effects() == []


async def test_a_rule_lets_the_caller_confirm(world: World, person: Caller):
    """As a rule of the workspace says it; one that does not loosen is not enough where the posture asks anyway."""
    rule = {"name": "own", "outcome": "ask", "reason": "your own", "tool": "add_stock", "caller_may_confirm": True}
    async with world.changing() as session:
        await rules.add(session, world.owner, rule)
    await world.built.start()
    assert structured(await call(world, person, key="k0"))["status"] == "approval_required"
    async with world.changing() as session:
        await rules.change(session, world.owner, "own", {"loosens": True})
    asked = await call(world, person)
    assert asked["resultType"] == "input_required"
    done = structured(await call(world, person, said="accept", state=asked["requestState"]))
    assert done["quantity"] == 25
    assert len(world.shop.effects()) == 1


async def test_declined_dismissed_and_unable(asking: World, person: Caller):
    asked = await call(asking, person)
    refused = error_of(await call(asking, person, said="decline", state=asked["requestState"]))
    assert "rejected by Ann" in refused["message"]
    asked = await call(asking, person, key="k2")
    left = structured(await call(asking, person, key="k2", said="cancel", state=asked["requestState"]))
    assert left["status"] == "approval_required"
    with pytest.raises(InvalidArgument):
        await call(asking, person, key="k2", state=asked["requestState"])
    for unable in ({}, {"elicitation": {"url": {}}}):
        plain = structured(await call(asking, person, key=new_id("k"), capabilities={"sampling": {}, **unable}))
        assert plain["status"] == "approval_required"
    assert asking.shop.effects() == []


async def test_nobody_else_confirms(asking: World, person: Caller):
    """An agent's key has nobody behind it, another person's state is not this one's, and who was shut out is out."""
    agent = await asking.agent()
    assert structured(await call(asking, agent))["status"] == "approval_required"
    behind = replace(agent, user_id=person.user_id)
    assert structured(await call(asking, behind, key="k2"))["status"] == "approval_required"
    asked = await call(asking, person, key="k3")
    other = replace(person, principal=Principal("api_key", "key_other"))
    with pytest.raises(Unauthenticated):
        await call(asking, other, key="k3", said="accept", state=asked["requestState"])
    async with asking.changing() as session:
        await people.disable_user(session, asking.admin, "ann@x.test")
    with pytest.raises(Unauthenticated):
        await call(asking, person.for_request(new_id("req")), key="k3", said="accept", state=asked["requestState"])
    assert asking.shop.effects() == []


@pytest.mark.parametrize("reply", [{"result": {"action": "accept", "content": {}}}, {"result": {"action": "decline"}}])
async def test_a_client_of_the_handshake_era_is_asked_during_its_call(asking: World, person: Caller, reply: Json):
    channel = Channel(reply)
    extras = CallExtras(client_capabilities=FORM, channel=channel)
    arguments = {"sku": "A1", "quantity": 20, "idempotency_key": "k1"}
    result = await asking.gateway.call_tool(person, None, "add_stock", arguments, extras)
    assert "quantity: 20" in channel.asked[0]["message"]
    if reply["result"]["action"] == "accept":
        assert structured(result)["quantity"] == 25
    else:
        assert "rejected by Ann" in error_of(result)["message"]
    assert len(asking.shop.effects()) == (reply["result"]["action"] == "accept")

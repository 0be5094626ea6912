"""An agent proposes a change of the shop's knowledge; nothing changes before a person decides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import select

from tests.commerce.conftest import WORKSPACE, Shop
from tradepost.commerce.flows.accounts import policy_search
from tradepost.commerce.flows.knowledge import propose_change
from tradepost.commerce.flows.knowledge.entries import Draft, knowledge_store, put_entry
from tradepost.commerce.flows.knowledge.proposals import decide
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import KnowledgeProposal, PolicyClause

BODY = "Intro.\n\n## RET-1 Return window\n\n30 days.\n\n## RET-2 Fees\n\nNone.\n"
WHY = "The window is 45 days since March."


@asynccontextmanager
async def writing(shop: Shop) -> AsyncIterator[Store]:
    async with shop.database.transaction(WORKSPACE, write=True) as session:
        yield await knowledge_store(session, shop.caller())


@pytest.fixture
async def desk(shop: Shop) -> Shop:
    shop.offer([*policy_search.TOOLS, *propose_change.TOOLS])
    await shop.add(PolicyClause(id="pcl_old", clause="OLD-1", topic="returns", title="Old", body="As it was."))
    async with writing(shop) as store:
        await put_entry(store, Draft("returns", "policy", "returns", "Returns", BODY))
    return shop


async def waiting(shop: Shop) -> list[KnowledgeProposal]:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return list(await session.scalars(select(KnowledgeProposal)))


async def test_a_clause_gets_another_text_once_a_person_agrees(desk: Shop) -> None:
    asked = {"clause": "ret-1", "text": "45 days.", "why": WHY}
    done = await desk.call("propose_policy_change", **asked)
    assert (done["entry"], done["title"], done["proposal_status"]) == ("returns", "Returns", "proposed")
    changed = [line for line in done["difference"].splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ["-30 days.", "+45 days."]
    (found,) = (await desk.call("search_policies", clause="RET-1"))["items"]
    assert found["text"] == "30 days."
    (proposal,) = await waiting(desk)
    assert (proposal.reason, proposal.status) == (WHY, "proposed")
    async with writing(desk) as store:
        await decide(store, done["id"], "approved")
    items = (await desk.call("search_policies", topic="returns"))["items"]
    texts = {item["clause"]: item["text"] for item in items}
    assert texts == {"OLD-1": "As it was.", "returns": "Intro.", "RET-1": "45 days.", "RET-2": "None."}


async def test_a_new_article_is_proposed_once(desk: Shop) -> None:
    asked = {"title": "Gift cards", "topic": "returns", "text": "They do not come back.", "why": WHY}
    done = await desk.call("propose_policy_change", **asked)
    assert (done["entry"], done["difference"].splitlines()[-1]) == ("gift-cards", "+They do not come back.")
    again = await desk.refused("propose_policy_change", **{**asked, "text": "Never."})
    assert "Somebody proposed" in again["message"]
    async with writing(desk) as store:
        await decide(store, done["id"], "approved")
    assert "There is an article" in (await desk.refused("propose_policy_change", **asked))["message"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "clause"),
        ({"clause": "RET-1", "title": "Both"}, "clause"),
        ({"clause": "RET-1", "topic": "shipping"}, "topic"),
        ({"clause": "NO-1"}, "clause"),
        ({"clause": "OLD-1"}, "clause"),
        ({"clause": "RET-1", "text": "30 days."}, "text"),
        ({"title": "???"}, "slug"),
    ],
)
async def test_what_cannot_be_proposed_is_said(desk: Shop, asked: dict[str, str], field: str) -> None:
    refused = await desk.refused("propose_policy_change", **{"text": "Other.", "why": WHY, **asked})
    assert refused["field"] == field, refused
    assert await waiting(desk) == []

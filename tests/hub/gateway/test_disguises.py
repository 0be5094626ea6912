"""What was approved is what is carried out, whatever is sent under its key afterwards (security.md rows 11, 14)."""

import pytest

from tests.hub.gateway.world import World, error_of, structured
from tradepost.foundation.canonical import parse_strict
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access import quotas

DISGUISES = {
    "another number": {"quantity": 1000},
    "a text for a number": {"quantity": "20"},
    "a number with a fraction": {"quantity": 20.5},
    "a name that looks the same": {"sku": "\u0391" + "1"},
    "a name with something hidden": {"sku": "A1\u200b"},
    "decomposed letters": {"sku": "A1\u0301"},
    "one more argument": {"quantity": 20, "force": True},
    "a nested value": {"quantity": {"value": 1000}},
    "what would be injected": {"quantity": 20, "workspace_id": "ws_other"},
}


@pytest.mark.two_processes(also=True)
@pytest.mark.parametrize("after", [False, True], ids=["pending", "approved"])
async def test_other_arguments_under_the_key_of_an_approval_do_nothing(world: World, after: bool):
    asked = structured(await world.call("add_stock", sku="A1", quantity=20, idempotency_key="k1"))
    if after:
        await world.built.verdicts.approve(world.owner, asked["approval_id"])
    for name, changed in DISGUISES.items():
        sent = {"sku": "A1", "quantity": 20, "idempotency_key": "k1", **changed}
        assert error_of(await world.call("add_stock", **sent))["code"] in (
            "idempotency_conflict", "invalid_argument",
        ), name  # fmt: skip
    if not after:
        same = structured(await world.call("add_stock", quantity=20.0, idempotency_key="k1", sku="A1"))
        assert same["approval_id"] == asked["approval_id"], "the same in another order and spelling"
        await world.built.verdicts.approve(world.owner, asked["approval_id"])
    await world.executor.run_due()
    assert world.shop.stock(world.workspace_id, "A1")["quantity"] == 25
    assert len(world.shop.effects()) == 1
    with pytest.raises(InvalidArgument):
        parse_strict(b'{"sku": "A1", "quantity": 20, "quantity": 1000}')


@pytest.mark.two_processes(also=True)
async def test_a_queue_that_is_full_takes_no_more(world: World):
    async with world.changing() as session:
        await quotas.change(session, world.admin, "supply", given={"approvals_pending": 2})
    for number in range(2):
        structured(await world.add_stock(f"k{number}"))
    refused = error_of(await world.add_stock("k9"))
    assert (refused["code"], refused["retryable"]) == ("rate_limited", True)
    assert "approvals_pending" in refused["hint"]
    waiting = structured(await world.add_stock("k0"))
    assert waiting["status"] == "approval_required", "a repeated call is no new one"
    await world.built.verdicts.reject(world.owner, waiting["approval_id"])
    structured(await world.add_stock("k9"))

"""A write from the agent's call to its effect: asked, approved, carried out once, replayed."""

import pytest

from tests.hub.gateway.world import World, error_of, structured


@pytest.mark.two_processes(also=True)
async def test_a_write_changes_nothing_before_it_is_approved(world: World):
    asked = structured(await world.add_stock())

    assert asked["status"] == "approval_required"
    assert asked["preview"]["changes"] == [{"record": "A1", "field": "quantity", "before": 5, "after": 25}]
    assert world.shop.effects() == []
    assert await world.executor.run_due() == 0
    assert world.shop.stock(world.workspace_id, "A1")["quantity"] == 5


@pytest.mark.two_processes(also=True)
async def test_an_approved_write_is_carried_out_exactly_once_with_the_frozen_arguments(world: World):
    asked = structured(await world.add_stock())
    await world.built.verdicts.approve(world.owner, asked["approval_id"])

    assert await world.executor.run_due() == 1
    assert await world.executor.run_due() == 0
    assert world.shop.effects() == [
        (asked["approval_id"], "add_stock", {"idempotency_key": "k1", "quantity": 20, "sku": "A1"})
    ]
    told = structured(await world.call("get_approval", approval_id=asked["approval_id"]))
    assert told["status"] == "succeeded"
    assert told["outcome"]["quantity"] == 25
    assert "approved by Olga" in told["message"]


@pytest.mark.two_processes(also=True)
async def test_the_same_key_gives_the_same_approval_and_then_the_stored_result(world: World):
    first = structured(await world.add_stock())
    again = structured(await world.add_stock())
    assert again == first

    await world.built.verdicts.approve(world.owner, first["approval_id"])
    await world.executor.run_due()
    result = await world.add_stock()
    assert structured(result) == {"status": "succeeded", "replayed": True, "quantity": 25}
    assert result["_meta"]["io.tradepost/replayed"] is True
    assert len(world.shop.effects()) == 1


@pytest.mark.two_processes(also=True)
async def test_the_same_key_with_other_arguments_is_refused_and_leaves_the_first_alone(world: World):
    asked = structured(await world.add_stock(quantity=20))
    refused = error_of(await world.add_stock(quantity=1000))

    assert refused["code"] == "idempotency_conflict"
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    await world.executor.run_due()
    assert world.shop.effects()[0][2]["quantity"] == 20


@pytest.mark.two_processes(also=True)
async def test_a_rejected_write_never_happens_and_says_who_rejected_it(world: World):
    asked = structured(await world.add_stock())
    await world.built.verdicts.reject(world.owner, asked["approval_id"], "too many")
    await world.executor.run_due()

    refused = error_of(await world.add_stock())
    assert refused["code"] == "state_conflict"
    assert "rejected by Olga" in refused["message"]
    assert "too many" in refused["message"]
    assert world.shop.effects() == []


async def test_a_write_without_a_key_is_refused(world: World):
    refused = error_of(await world.call("add_stock", sku="A1", quantity=1))
    assert (refused["code"], refused["field"]) == ("invalid_argument", "idempotency_key")


@pytest.mark.parametrize("key", ["", "two words", "é", "x" * 256])
async def test_an_unusable_key_is_refused(world: World, key: str):
    assert error_of(await world.add_stock(key))["field"] == "idempotency_key"


async def test_a_dry_run_is_a_read_that_needs_no_key_and_no_approval(world: World):
    shown = structured(await world.call("add_stock", sku="A1", quantity=2, dry_run=True))

    assert shown["status"] == "dry_run"
    assert shown["preview"]["changes"][0]["after"] == 7
    assert world.shop.effects() == []
    assert [row.kind for row in await world.audited()] == ["read"]


async def test_a_write_whose_preview_fails_gives_the_tools_error_and_asks_nobody(world: World):
    refused = error_of(await world.add_stock(sku="NOPE"))

    assert refused["code"] == "not_found"
    rows = await world.audited()
    assert [(row.kind, row.tag, row.error_code) for row in rows] == [("read", "tool:preview", "not_found")]


@pytest.mark.two_processes(also=True)
async def test_a_guarded_profile_writes_at_once_but_asks_for_what_destroys_or_moves_money(guarded: World):
    assert structured(await guarded.add_stock())["quantity"] == 25
    dropped = structured(await guarded.call("drop_sku", sku="A1", idempotency_key="d1"))
    paid = structured(await guarded.call("pay_out", sku="A1", quantity=1, idempotency_key="p1"))

    assert dropped["status"] == paid["status"] == "approval_required"
    assert paid["expires_at"] < dropped["expires_at"]
    assert [tool for _, tool, _ in guarded.shop.effects()] == ["add_stock"]


@pytest.mark.two_processes(also=True)
async def test_an_allowed_write_is_replayed_under_its_key(guarded: World):
    first = structured(await guarded.add_stock())
    again = structured(await guarded.add_stock())

    assert first == {"status": "succeeded", "replayed": False, "quantity": 25}
    assert again == {"status": "succeeded", "replayed": True, "quantity": 25}
    assert len(guarded.shop.effects()) == 1

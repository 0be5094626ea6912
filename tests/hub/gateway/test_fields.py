"""Results cut to what a profile may see: by kind of field, role of the person, and always said. C14, S4.11."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.hub.gateway.world import World, error_of, structured
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.agents import set_posture
from tradepost.hub.access.field_rules import FieldRule, change_fields
from tradepost.hub.access.personal.kinds import kind_of
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.builtin import Json, ToolResult
from tradepost.protocol.errors import MASKED_META

JANE: Json = {
    "id": "cus_1",
    "name": "Jane Doe",
    "email": "jane@example.com",
    "phone": "+49 30 1234567",
    "address": {"line1": "1 Main St", "city": "Berlin", "postal_code": "10115", "country": "DE"},
    "email_status": "ok",
    "vat_number": "DE129273398",
}
FOUND: Json = {"items": [JANE], "product": {"name": "Red shirt", "sku": "4006381333931"}, "at": "2026-02-24T09:00:00Z"}
SAID = "Found Jane Doe <jane@example.com>, +49 30 1234567, who bought a Red shirt on 2026-02-24."


def gives(found: Json, said: str = SAID, **more: Any) -> Callable[..., Any]:
    async def remote(tool: CatalogTool, arguments: Json, key: str | None) -> ToolResult:
        return ToolResult([{"type": "text", "text": said}], found, **more)

    return remote


async def rule(world: World, *rules: FieldRule, dropped: tuple[str, ...] = ()) -> None:
    async with world.changing() as session:
        await change_fields(session, world.owner, "internal", given=rules, dropped=dropped)


async def test_fields_are_masked_or_left_out_by_kind_and_it_is_said(world: World):
    await world.add_remote("find", "read")
    world.servers.remote = gives(FOUND)
    whole = await world.call("find")
    assert (whole["structuredContent"], whole["content"][0]["text"]) == (FOUND, SAID)  # nothing, as a rule
    assert MASKED_META not in whole["_meta"]

    await rule(world, *(FieldRule(kind, "masked") for kind in ("email", "phone", "name", "address")))
    await rule(world, FieldRule("field:VAT_number", "left_out"))
    first = await world.call("find")
    (jane,) = structured(first)["items"]
    assert jane == {
        "id": "cus_1",
        "name": "J*** D***",
        "email": "j***@example.com",
        "phone": "***67",
        "address": {"line1": "***", "city": "Berlin", "postal_code": "***", "country": "DE"},
        "email_status": "ok",
    }
    assert {**structured(first), "items": []} == {**FOUND, "items": []}  # goods are no persons, numbers no phones
    text = first["content"][0]["text"]
    assert not any(part in text for part in ("Jane", "Doe", "jane@", "1234567"))
    assert "bought a Red shirt on 2026-02-24" in text
    assert first["_meta"][MASKED_META] == {
        "profile": "internal",
        "masked": [f"items[].{name}" for name in ("name", "email", "phone", "address.line1", "address.postal_code")],
        "left_out": ["items[].vat_number"],
        "texts": True,
    }
    # Also where the text alone has them, as JSON.
    world.servers.remote = gives({}, orjson.dumps(FOUND).decode())
    assert orjson.loads((await world.call("find"))["content"][0]["text"]) == structured(first)
    # And no longer, once nobody says so.
    await rule(world, dropped=("email", "phone", "name", "address", "field:VAT_number"))
    world.servers.remote = gives(FOUND)
    assert structured(await world.call("find")) == FOUND
    for wrong in (FieldRule("e-mail", "masked"), FieldRule("email", "hidden"), FieldRule("field:", "masked")):  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument):
            await rule(world, wrong)


async def test_the_role_of_the_person_behind_a_call_counts(world: World):
    await world.add_remote("find", "read")
    world.servers.remote = gives(FOUND)
    await rule(world, FieldRule("email", "masked", "operator"), FieldRule("phone", "masked", "owner"))
    agent = await world.agent()
    for role, seen in (
        (None, ("j***@example.com", "***67")),
        ("viewer", ("j***@example.com", "***67")),
        ("operator", ("jane@example.com", "***67")),
        ("owner", ("jane@example.com", "+49 30 1234567")),
    ):
        caller = agent if role is None else replace(agent, user_id=(await world.user(role)).user_id)
        (jane,) = structured(await world.call("find", caller))["items"]
        assert (jane["email"], jane["phone"]) == seen


async def test_the_form_that_a_tool_promises_is_kept_or_nothing_is_shown(world: World):
    needed = {"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]}
    pattern = {"type": "object", "properties": {"phone": {"pattern": "^[+0-9 ]+$"}}}
    both = {**pattern, "required": ["phone"]}
    for name, schema in (("needed", needed), ("pattern", pattern), ("both", both)):
        await world.add_remote(name, "read", outputSchema=schema)
    world.servers.remote = gives(JANE)
    await rule(world, FieldRule("email", "left_out"), FieldRule("phone", "masked"))
    first = await world.call("needed")  # what must be there is masked
    assert (first["structuredContent"]["email"], first["_meta"][MASKED_META].get("left_out")) == (
        "j***@example.com",
        None,
    )
    second = await world.call("pattern")  # what must not look like that is left out
    assert "phone" not in second["structuredContent"]
    third = error_of(await world.call("both"))
    assert third["code"] == "limit_exceeded"
    assert "does not show" in third["message"]
    assert "1234567" not in str(third)


async def test_what_was_kept_is_shown_by_the_rules_of_now(world: World):
    async with world.changing() as session:
        await set_posture(session, world.owner, "internal", "guarded")
    await world.add_remote("write", "write")
    world.servers.remote = gives(FOUND)
    assert structured(await world.call("write", idempotency_key="k1")) == FOUND
    action = await world.only_action()
    await rule(world, FieldRule("email", "masked"))
    replayed = await world.call("write", idempotency_key="k1")
    told = await world.call("get_approval", approval_id=action.id)
    read = await world.gateway.read_resource(await world.agent(), None, f"approval://{action.id}")
    for answer in (replayed, told, read):
        assert "jane@" not in str(answer)
        assert "j***@example.com" in str(answer)
        assert answer["_meta"][MASKED_META]["masked"]
    assert "jane@" in (await world.only_action()).result  # what is stored stays whole


def test_which_kind_a_field_is_by_its_name():
    kinds = {
        "email": ("email", "customerEmail", "contact_e_mail", "email_address"),
        "phone": ("phone", "mobile", "shipping_phone", "telephoneNumber"),
        "address": ("address", "shipping_address", "line1", "street", "postal_code", "ZIP"),
        "name": ("first_name", "customerName", "signed_by", "full_name", "recipient_name"),
        "other": ("birth_date", "iban", "tax_id", "accountNumber"),
        None: ("name", "id", "email_status", "address_id", "ip_address", "product_name", "title", "line", "", "__"),
    }
    for kind, names in kinds.items():
        assert {name: kind_of(name) for name in names} == dict.fromkeys(names, kind)

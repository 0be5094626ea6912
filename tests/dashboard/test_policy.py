"""Rules in words, what another one would have meant last week, freezes, and calls to try."""

from html import unescape

from tests.api.conftest import As
from tests.dashboard.conftest import Signed


async def test_rules_are_tried_added_and_removed(signed: Signed, as_: As) -> None:
    agent, admin = as_("agent"), await signed("admin")
    await agent.patch("/contacts/C-1", {"language": "fr"}, status=202, idempotency_key="r1")
    await admin.get("/policy")
    rule = {"name": "no-customers", "outcome": "deny", "reason": "not <i>this</i> week", "tool": "update_customer"}
    tried = await admin.post("/policy", do="try", **rule)
    assert "1 write looked at, 1 would be decided differently" in tried.text
    assert "no-customers" not in [one["name"] for one in (await as_("viewer").get("/policy/rules"))["rules"]]
    assert (await admin.post("/policy", do="add", **rule)).status_code == 303
    refused = await agent.send("PATCH", "/contacts/C-2", {"language": "fr"}, idempotency_key="r2")
    assert refused.status_code == 422
    assert "<i>this</i>" not in (await admin.get("/policy")).text
    table = "- {profile: internal, tool: update_customer, expect: deny}"
    bench = await admin.post("/policy/test", table=table)
    assert "no-customers" in bench.text
    assert "not as expected" not in bench.text
    wrong = await admin.post("/policy", do="add", **{**rule, "name": "broken", "when": "call.amount >"})
    assert wrong.status_code == 400
    assert 'value="call.amount &gt;"' in wrong.text
    assert (await admin.post("/policy/rules/no-customers", do="remove")).status_code == 303
    assert (await admin.post("/policy/freeze", reason="the books are counted")).status_code == 303
    frozen = await admin.get("/policy")
    assert "Frozen: the books are counted" in frozen.text
    (held,) = [one for one in (await as_("viewer").get("/policy/rules"))["rules"] if one["kind"] == "freeze"]
    assert (await admin.post("/policy/freeze", rule=held["id"])).status_code == 303
    assert "Frozen:" not in (await admin.get("/policy")).text


async def test_a_rule_is_a_sentence(signed: Signed, as_: As) -> None:
    """S2: what happens to which calls and when is said in words; the condition stands beside them as it was written."""
    rule = {
        "name": "night",
        "outcome": "ask",
        "reason": "nobody looks",
        "agent": "supply",
        "class": "write",
        "server": "customers",
        "approvals": 2,
        "approver_role": "admin",
        "expires_minutes": 90,
        "when": "call.amount > 50 * call.unit",
        "window": {"days": ["sat", "sun"], "start": "18:00", "end": "08:00", "zone": "Europe/Rome"},
    }
    made = await as_("admin").send("POST", "/policy/rules", rule)
    assert made.status_code == 201, made.text
    page = unescape((await (await signed("viewer")).get("/policy")).text)
    assert (
        "Ask two different people with the role admin or higher about writes at the server customers by the agent"
        " supply, on Saturday, Sunday between 18:00 and 08:00 in the zone Europe/Rome, where its condition holds. It"
        " waits 90 minutes at most."
    ) in page
    assert "<code>call.amount > 50 * call.unit</code>" in page
    assert '{"' not in page


async def test_everything_a_rule_can_say_is_said_on_the_page(signed: Signed, as_: As) -> None:
    """Who answers, how long, in which hours and at which place; what is wrong keeps what was typed."""
    admin = await signed("admin")
    await admin.get("/policy")
    fields = {"name": "nights", "outcome": "ask", "reason": "Nobody is in.", "tool": "update_customer", "order": "7"}
    hours = {"day:sat": "yes", "day:sun": "yes", "start": "18:00", "end": "08:00", "zone": "Europe/Rome"}
    who = {"approver_role": "admin", "expires_minutes": "90", "caller_may_confirm": "yes"}
    wrong = await admin.post("/policy", None, **fields, **hours, **{**who, "expires_minutes": "long"}, do="add")
    assert wrong.status_code == 400
    assert 'value="nights"' in wrong.text
    assert 'value="18:00"' in wrong.text
    added = await admin.post("/policy", None, **fields, **hours, **who, do="add")
    assert added.status_code == 303, added.text
    rules = (await as_("viewer").get("/policy/rules"))["rules"]
    rule = next(one for one in rules if one["name"] == "nights")
    assert (rule["order"], rule["approver_role"], rule["expires_minutes"]) == (7, "admin", 90)
    assert rule["caller_may_confirm"]
    assert {name: rule["window"][name] for name in ("days", "start", "end", "zone")} == {
        "days": ["sat", "sun"],
        "start": "18:00",
        "end": "08:00",
        "zone": "Europe/Rome",
    }

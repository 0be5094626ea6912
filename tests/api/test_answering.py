"""Answering together, for somebody else and by what was seen; and being told, over REST."""

from datetime import timedelta

from sqlalchemy import update

from tests.api.conftest import As
from tests.api.world import Side, problem
from tests.engines import DatabaseUrls
from tradepost.database.engine import Database
from tradepost.foundation.clock import system_now, to_rfc3339
from tradepost.hub.actions.models import Action


async def test_a_group_is_answered_as_it_was_looked_at(as_: As, acme: Side) -> None:
    for number in (1, 2):
        await as_("agent").patch(f"/contacts/C-{number}", {"language": "de"}, status=202)
    await as_("agent").patch("/contacts/C-3", {"language": "fr"}, status=202)
    operator = as_("operator")
    (group,) = (await operator.get("/approvals/groups"))["groups"]
    members = [{"id": one["id"], "fingerprint": one["fingerprint"]} for one in group["members"]]
    assert len(members) == 2
    other = next(one for one in (await operator.get("/approvals"))["items"] if one["id"] not in str(members))
    mixed = {"answer": "approve", "members": [*members, {"id": other["id"], "fingerprint": other["fingerprint"]}]}
    problem(await operator.send("POST", "/approvals/groups/answer", mixed), 400, "invalid_argument")
    answer = {"answer": "approve", "members": members}
    problem(await as_("agent").send("POST", "/approvals/groups/answer", answer), 403, "forbidden_scope")
    done = await operator.post("/approvals/groups/answer", answer, 200)
    assert [one["verdicts"][0]["way"] for one in done["items"]] == ["rest", "rest"]
    stale = {"round": 2, "fingerprint": other["fingerprint"]}
    problem(await operator.send("POST", f"/approvals/{other['id']}/approve", stale), 409, "state_conflict")
    shown = await operator.get(f"/approvals/{other['id']}")
    assert (shown["state"], shown["moves_money"], shown["approver_role"]) == ("pending", False, None)


async def test_an_unknown_outcome_is_found_and_settled_once(as_: As, acme: Side, database_urls: DatabaseUrls) -> None:
    """Rule 4: it is shown, and a person says what they found."""
    await as_("agent").patch("/contacts/C-1", {"language": "de"}, status=202)
    operator = as_("operator")
    (asked,) = (await operator.get("/approvals"))["items"]
    settle = f"/approvals/{asked['id']}/settle"
    problem(await operator.send("POST", settle, {"found": "succeeded"}), 409, "state_conflict")
    database = Database(database_urls.hub)
    async with database.transaction(acme.workspace_id, write=True) as session:
        await session.execute(update(Action).where(Action.id == asked["id"]).values(state="unknown"))
    await database.close()
    (listed,) = (await operator.get("/approvals?state=unknown"))["items"]
    assert "whether it took effect is unknown" in listed["message"]
    problem(await operator.send("POST", settle, {"found": "perhaps"}), 400, "invalid_argument")
    for nobody in ("agent", "viewer"):
        problem(await as_(nobody).send("POST", settle, {"found": "failed"}), 403, "forbidden_scope")
    done = await operator.post(settle, {"found": "succeeded", "comment": "it says de"}, 200)
    assert (done["state"], done["error_code"], done["result"]["isError"]) == ("succeeded", "outcome_settled", True)
    problem(await as_("owner").send("POST", settle, {"found": "failed"}), 409, "state_conflict")


async def test_a_right_is_handed_over_and_taken_back(as_: As, acme: Side) -> None:
    until = {"starts_at": to_rfc3339(system_now()), "ends_at": to_rfc3339(system_now() + timedelta(days=1))}
    made = await as_("admin").post("/delegations", {"to": acme.users["operator"], **until})
    assert (made["from"], made["to"]) == ("admin@acme.test", "operator@acme.test")
    problem(await as_("operator").send("POST", f"/delegations/{made['id']}/revoke", {}), 403, "forbidden_scope")
    higher = {"to": acme.users["admin"], **until}
    problem(await as_("operator").send("POST", "/delegations", higher), 403, "forbidden_scope")
    assert (await as_("owner").post(f"/delegations/{made['id']}/revoke", {}, 200))["revoked_at"]
    assert len((await as_("viewer").get("/delegations"))["items"]) == 1


async def test_a_webhook_shows_its_secret_once_and_its_url_never(as_: As) -> None:
    admin = as_("admin")
    body = {"name": "ops", "url": "http://127.0.0.1:18097/secret-path", "events": ["approval.requested"]}
    made = await admin.post("/webhooks", body, idempotency_key="w1")
    assert made["secret"].startswith("whsec_")
    again = await admin.post("/webhooks", body, idempotency_key="w1")
    assert (again["id"], again["secret"]) == (made["id"], None)
    listed = await admin.send("GET", "/webhooks")
    assert "secret-path" not in listed.text
    assert made["secret"] not in listed.text
    tried = await admin.post("/webhooks/ops/test", {}, 200)
    assert (tried["delivered"], tried["status"]) == (False, None)
    assert (await admin.post("/webhooks/ops/rotate", {}, 200))["secret"] != made["secret"]
    assert (await admin.patch("/webhooks/ops", {"state": "paused"}))["state"] == "paused"
    problem(await admin.send("POST", "/webhooks/ops/test", {}), 409, "state_conflict")
    assert (await admin.send("DELETE", "/webhooks/ops")).status_code == 204
    own = as_("viewer")
    assert await own.patch("/notifications", {"mail": False}) == {"mail": False, "mail_is_set_up": False}
    assert (await own.get("/notifications"))["mail"] is False

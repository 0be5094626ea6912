"""Knowledge over REST: entries from another system, editions, and changes that agents propose and people decide.

S2.22, S2.23, S2.25.
"""

import asyncio
from typing import Any
from urllib.parse import quote

from tests.api.conftest import As
from tests.api.world import problem

PLACE = "/knowledge/proposals"
TEXT = "What we promise.\n\n## RET-1 Return window\n\nThirty days.\n\n## Refunds {#RET-2}\n\nTo the card that paid."
CODE = "Text.\n\n```\n## not a heading\n```\n\n## Same\n\na\n\n## Same\n\nb"
POLICY = {
    "slug": "returns",
    "kind": "policy",
    "topic": "returns",
    "title": "Returns",
    "external_id": "cms-7",
    "body": TEXT,
}


async def entries(as_: As, q: str) -> list[str]:
    found = await as_("viewer").get(f"/knowledge/entries?q={quote(q)}")
    return [one["slug"] for one in found["items"]]


async def test_a_sync_writes_entries_and_again_changes_nothing(as_: As) -> None:
    admin = as_("admin")
    made = await admin.post("/knowledge/entries", POLICY)
    assert (made["version"], made["changed"], made["status"]) == (1, True, "published")
    again = await admin.post("/knowledge/entries", POLICY, status=200)
    assert (again["version"], again["changed"]) == (1, False)
    assert await entries(as_, "thirty window") == ["returns"]
    moved = {**POLICY, "slug": "return-rules", "body": TEXT.replace("Thirty", "Forty"), "reason": "new law"}
    changed = await admin.post("/knowledge/entries", moved, status=200)
    assert (changed["id"], changed["slug"], changed["version"]) == (made["id"], "return-rules", 2)
    assert (await entries(as_, "thirty"), await entries(as_, "forty")) == ([], ["return-rules"])
    editions = await as_("viewer").get("/knowledge/entries/cms-7/editions")
    assert [(one["edition"], one["reason"]) for one in editions] == [(2, "new law"), (1, "")]
    assert "Thirty" in editions[1]["body"]
    assert editions[0]["made_by"].startswith("user:")
    stale = await admin.send("POST", "/knowledge/entries", {**POLICY, "expected_version": 1})
    assert problem(stale, 409, "version_conflict")["details"] == {"version": 2}
    rows = (await admin.get("/audit?kind=admin"))["items"]
    assert [row["tag"] for row in rows if row["tag"].startswith("knowledge:")] == ["knowledge:entry:published"] * 2


async def test_what_is_archived_is_not_found_any_more(as_: As) -> None:
    admin = as_("admin")
    await admin.post("/knowledge/entries", POLICY)
    shown = await admin.patch("/knowledge/entries/returns", {"status": "archived", "reason": "old"})
    assert shown["status"] == "archived"
    assert await entries(as_, "thirty") == []
    assert (await admin.patch("/knowledge/entries/returns", {"status": "published"}))["version"] == 3
    assert await entries(as_, "thirty") == ["returns"]


async def test_texts_that_cannot_be_cited_are_refused_with_the_heading(as_: As) -> None:
    admin = as_("admin")
    await admin.post("/knowledge/entries", POLICY)
    wrong: list[tuple[dict[str, Any], int, str, str]] = [
        ({**POLICY, "body": "## Return window\n\nx"}, 400, "invalid_argument", "has no clause id"),
        ({**POLICY, "body": "## RET-1 A\n\nx\n\n## RET-1 B\n\ny"}, 400, "invalid_argument", "Two headings"),
        ({**POLICY, "body": "## RET-1 A\n"}, 400, "invalid_argument", "no section with words"),
        ({**POLICY, "body": "## RET-1 A\n\n" + "x" * 20_001}, 400, "invalid_argument", "20,001 characters"),
        ({**POLICY, "slug": "Returns!"}, 400, "invalid_argument", ""),
        ({**POLICY, "topic": "weather"}, 400, "invalid_argument", ""),
        ({**POLICY, "slug": "other", "external_id": "cms-8"}, 409, "state_conflict", "RET-1 is another entry's"),
    ]
    for body, status, code, said in wrong:
        assert said in problem(await admin.send("POST", "/knowledge/entries", body), status, code)["detail"], body
    assert [one["slug"] for one in (await admin.get("/knowledge/entries"))["items"]] == ["returns"]
    code = {
        "slug": "code",
        "title": "Code",
        "body": "Text.\n\n```\n## not a heading\n```\n\n## Same\n\na\n\n## Same\n\nb",
    }
    await admin.post("/knowledge/entries", code)
    assert await entries(as_, "heading") == ["code"]


async def test_an_agent_proposes_and_a_person_decides(as_: As) -> None:
    """S2.25: PATCH of the status; what was proposed for another text than the present one is not carried out."""
    admin, operator, agent = as_("admin"), as_("operator"), as_("agent")
    await admin.post("/knowledge/entries", POLICY)
    body = TEXT.replace("Thirty days.", "Forty days.\u200b")
    change = {"entry": "returns", "body": body, "reason": "Customers are told forty."}
    first = await agent.post("/knowledge/proposals", change)
    assert first["status"] == "proposed"
    assert first["proposed_by"].startswith("agent:")
    assert "-Thirty days." in first["difference"]
    assert "+Forty days." in first["difference"].splitlines()  # nothing hidden comes in
    second = await agent.post("/knowledge/proposals", {**change, "body": body + "\n\nAsk us."})
    problem(await agent.send("PATCH", f"{PLACE}/{first['id']}", {"status": "approved"}), 403, "forbidden_scope")
    approved = await operator.patch(f"{PLACE}/{first['id']}", {"status": "approved", "comment": "right"})
    assert (approved["status"], approved["comment"]) == ("approved", "right")
    assert await entries(as_, "forty") == ["returns"]
    newest = (await admin.get("/knowledge/entries/returns/editions"))[0]
    assert (newest["proposal_id"], newest["reason"]) == (first["id"], "Customers are told forty.")
    late = await operator.send("PATCH", f"{PLACE}/{second['id']}", {"status": "approved"})
    problem(late, 409, "version_conflict")
    await operator.patch(f"{PLACE}/{second['id']}", {"status": "rejected", "comment": "no"})
    problem(
        await operator.send("PATCH", f"{PLACE}/{second['id']}", {"status": "approved"}),
        409,
        "state_conflict",
    )
    open_ones = (await operator.get("/knowledge/proposals?status=proposed"))["items"]
    assert open_ones == []
    for wrong in ({"reason": "x"}, {"reason": " ", "entry": "returns"}, {"reason": "x", "slug": "new", "title": "New"}):
        problem(await agent.send("POST", "/knowledge/proposals", wrong), 400, "invalid_argument")
    problem(await agent.send("POST", "/knowledge/proposals", {**change, "entry": "nothing"}), 404, "not_found")


async def test_two_people_decide_at_once_and_one_of_them_does(as_: As) -> None:
    await as_("admin").post("/knowledge/entries", POLICY)
    new = {"slug": "care", "title": "Care", "body": "Wash at 30 degrees.", "reason": "asked often"}
    made = await as_("agent").post("/knowledge/proposals", new)
    path = f"{PLACE}/{made['id']}"
    answers = await asyncio.gather(
        *(as_(who).send("PATCH", path, {"status": "approved"}) for who in ("owner", "admin", "operator"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert await entries(as_, "wash degrees") == ["care"]
    assert len(await as_("admin").get("/knowledge/entries/care/editions")) == 1

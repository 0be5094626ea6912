"""A write that is sent again with its idempotency key is done once (commerce.md C8), whoever of several gets it."""

import asyncio
from datetime import timedelta

import httpx2
from sqlalchemy import func, select, update

from tests.api.conftest import As
from tests.api.world import Client, Side, problem
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.app import Tradepost, open_tradepost
from tradepost.foundation.clock import system_now
from tradepost.hub.access.models import Profile
from tradepost.hub.replays.models import Replay


async def test_repeated_it_answers_as_before(as_: As) -> None:
    admin = as_("admin")
    body = {"slug": "field", "posture": "guarded"}
    first = await admin.send("POST", "/profiles", body, idempotency_key="k1")
    again = await admin.send("POST", "/profiles", dict(reversed(body.items())), idempotency_key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    other = await admin.send("POST", "/profiles", {"slug": "other"}, idempotency_key="k1")
    problem(other, 409, "idempotency_conflict")
    await as_("owner").post("/profiles", {"slug": "other"}, idempotency_key="k1")  # somebody else's key
    await admin.post("/agents", {"profile": "field", "slug": "van"}, idempotency_key="k1")  # another operation
    gone = await admin.send("DELETE", "/assignments/nothing", idempotency_key="k1")
    problem(gone, 404, "not_found")


async def test_a_refused_request_leaves_its_key_free(as_: As) -> None:
    admin = as_("admin")
    problem(await admin.send("POST", "/profiles", {"slug": "B"}, idempotency_key="k"), 400, "invalid_argument")
    problem(await admin.send("POST", "/profiles", {"slug": "internal"}, idempotency_key="k"), 409, "state_conflict")
    await admin.post("/profiles", {"slug": "b"}, idempotency_key="k")


async def test_keys_that_are_none(as_: As) -> None:
    for key in ("", "a b", "x" * 256, "a\tb"):
        answer = await as_("admin").send("POST", "/profiles", {"slug": "b"}, idempotency_key=key)
        assert problem(answer, 400, "invalid_argument")["field"] == "Idempotency-Key"


async def test_a_minted_key_is_told_once(as_: As, hub: Tradepost, acme: Side) -> None:
    """The text of a key is kept nowhere, also not for those who repeat: security.md R11, §2 row 26."""
    admin = as_("admin")
    first = await admin.post("/keys", {"agent": "supply"}, idempotency_key="k")
    again = await admin.post("/keys", {"agent": "supply"}, idempotency_key="k")
    assert again == {**first, "key": None}
    async with hub.hub.transaction(acme.workspace_id, write=False) as session:
        rows = list(await session.scalars(select(Replay)))
    assert [row.state for row in rows] == ["answered"]
    assert first["key"] not in str([vars(row) for row in rows])
    assert first["key"].split("_", 2)[2] not in str([vars(row) for row in rows])


async def test_many_at_once_in_two_processes_do_it_once(
    http: httpx2.AsyncClient, hub: Tradepost, configured: settings.Settings, acme: Side
) -> None:
    """Two hubs over one database, as several processes behind a port are."""
    second = await open_tradepost(configured)
    await second.start()
    try:
        async with served(second) as other, httpx2.AsyncClient(base_url=other, timeout=30, trust_env=False) as beside:
            clients = [Client(one, acme.secrets["admin"]) for one in (http, beside)] * 6
            answers = await asyncio.gather(
                *(one.send("POST", "/profiles", {"slug": "once"}, idempotency_key="k") for one in clients)
            )
    finally:
        await second.stop()
    made = [answer for answer in answers if answer.status_code == 201]
    assert len([answer for answer in made if "idempotency-replayed" not in answer.headers]) == 1
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, 409, "in_progress")
            assert answer.headers["retry-after"] == "1"
    async with hub.hub.transaction(acme.workspace_id, write=False) as session:
        count = await session.scalar(select(func.count()).select_from(Profile).where(Profile.slug == "once"))
    assert count == 1


async def test_one_that_was_broken_off_is_never_done_again(as_: As, hub: Tradepost, acme: Side) -> None:
    """C8: an unknown outcome does not free the key. Until its time is over it counts as under way."""
    admin = as_("admin")
    await admin.post("/profiles", {"slug": "b"}, idempotency_key="k")

    async def left(ends_in: timedelta) -> None:
        values = {"state": "running", "status": None, "body": None, "claim_ends_at": system_now() + ends_in}
        async with hub.hub.transaction(acme.workspace_id, write=True) as session:
            await session.execute(update(Replay).values(**values))

    await left(timedelta(minutes=1))
    problem(await admin.send("POST", "/profiles", {"slug": "b"}, idempotency_key="k"), 409, "in_progress")
    await left(-timedelta(minutes=1))
    problem(await admin.send("POST", "/profiles", {"slug": "b"}, idempotency_key="k"), 409, "state_conflict")


async def test_what_is_older_than_a_week_is_forgotten(as_: As, hub: Tradepost, acme: Side) -> None:
    admin = as_("admin")
    await admin.post("/profiles", {"slug": "b"}, idempotency_key="k")
    async with hub.hub.transaction(acme.workspace_id, write=True) as session:
        await session.execute(update(Replay).values(expires_at=system_now() - timedelta(seconds=1)))
    problem(await admin.send("POST", "/profiles", {"slug": "b"}, idempotency_key="k"), 409, "state_conflict")
    await admin.post("/profiles", {"slug": "c"}, idempotency_key="k2")
    async with hub.hub.transaction(acme.workspace_id, write=False) as session:
        assert list(await session.scalars(select(Replay.key))) == ["k2"]


async def test_a_contact_is_changed_by_one_call(as_: As) -> None:
    """The gateway's own record of a write answers: with how it stands now."""
    agent = as_("agent")
    asked = await agent.patch("/contacts/C-1", {"language": "fr"}, status=202, idempotency_key="k")
    again = await agent.patch("/contacts/C-1", {"language": "fr"}, status=202, idempotency_key="k")
    assert again["approval_id"] == asked["approval_id"]
    conflict = await agent.send("PATCH", "/contacts/C-1", {"language": "de"}, idempotency_key="k")
    problem(conflict, 409, "idempotency_conflict")

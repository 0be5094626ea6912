"""Messages go out once, none is lost, and whoever is not there any more is left alone (F48)."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from tests.hub.notices.doubles import Mailbox, Receiver
from tests.hub.notices.office import Office
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.hub.notices import attempting
from tradepost.hub.notices.choices import want_mail
from tradepost.hub.upstreams.guard import Guard

OWNER = "owner@acme.test"


async def add(office: Office, url: str, name: str = "ops", **options: Any) -> Any:
    given = {"form": "standard", "events": (), **options}
    return await office.notices.webhooks.add(office.world.owner, name, url, **given)


def verified(secret: str, got: tuple[dict[str, str], bytes]) -> Any:
    headers, body = got
    return Verifier(secret).verify(body, headers)


async def test_a_receiver_can_check_all_that_happens(office: Office, receiver: Receiver):
    made = await add(office, f"{receiver.url}/hook?token=abc")
    assert made.webhook["origin"] == receiver.url, "the path is a secret"
    action = await office.ask(arguments={"quantity": 7})
    await office.notices.courier.settle()
    await office.verdicts.approve(office.world.owner, action.id)
    await office.end(action, "succeeded")
    await office.notices.courier.settle()
    told = [verified(made.secret, got) for got in receiver.got]
    assert sorted(one["type"] for one in told) == ["approval.approved", "approval.executed", "approval.requested"]
    first = next(one for one in told if one["type"] == "approval.requested")["data"]
    assert (first["id"], first["arguments"], first["fingerprint"]) == (action.id, {"quantity": 7}, action.fingerprint)
    assert first["url"] == f"{office.pages.url}/approvals/{action.id}"
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 3
    with pytest.raises(Exception, match="No matching signature"):
        verified(made.secret, (receiver.got[0][0], receiver.got[0][1] + b" "))
    anew = await office.notices.webhooks.rotate(office.world.owner, "ops", timedelta(hours=1))
    assert (await office.notices.webhooks.test(office.world.owner, "ops")).status == 204
    for secret in (made.secret, anew.secret):
        assert verified(secret, receiver.got[-1])["type"] == "webhook.test"
    office.clock.forward(hours=2)
    await office.notices.webhooks.test(office.world.owner, "ops")
    verified(anew.secret, receiver.got[-1])
    with pytest.raises(Exception, match="No matching signature"):
        verified(made.secret, receiver.got[-1])


async def test_a_message_is_sent_again_with_the_same_id_until_nobody_listens(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(attempting, "MOST_FAILURES", 4)
    made = await add(office, receiver.url, events=["approval.requested"])
    receiver.status = 500
    await office.ask()
    for _ in range(3):
        await office.notices.courier.settle()
        await office.notices.courier.settle()
        office.clock.forward(minutes=5)
        receiver.status = 307 if receiver.status == 500 else 500
    assert len(receiver.got) == 3, "one attempt each time it was due, and no redirect was followed"
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1
    shown = await office.notices.webhooks.show(office.world.owner, "ops")
    assert (shown["state"], shown["failures"]) == ("active", 3)
    assert "status" in shown["last_error"]
    receiver.status = 500
    office.clock.forward(hours=1)
    await office.notices.courier.settle()
    assert (await office.notices.webhooks.show(office.world.owner, "ops"))["state"] == "disabled"
    office.clock.forward(days=1)
    await office.ask("k2")
    await office.notices.courier.settle()
    assert len(receiver.got) == 4
    receiver.status = 204
    await office.notices.webhooks.change(office.world.owner, "ops", state="active")
    await office.ask("k3")
    await office.notices.courier.settle()
    assert verified(made.secret, receiver.got[-1])["type"] == "approval.requested"
    deliveries = await office.notices.webhooks.deliveries(office.world.owner, "ops")
    assert sorted(one["state"] for one in deliveries) == ["dropped", "sent"]
    receiver.status = 410
    await office.ask("k4")
    await office.notices.courier.settle()
    assert (await office.notices.webhooks.show(office.world.owner, "ops"))["state"] == "disabled"
    await office.notices.webhooks.remove(office.world.owner, "ops")
    with pytest.raises(NotFound):
        await office.notices.webhooks.show(office.world.owner, "ops")


async def test_slack_gets_a_message_that_decides_nothing(office: Office, receiver: Receiver):
    await add(office, receiver.url, form="slack", events=["approval.requested"])
    payee = "<!channel> <https://evil.test|ok> *bold*"
    action = await office.ask(moves_money=True, arguments={"amount": "10.00", "currency": "EUR", "payee": payee})
    await office.notices.courier.settle()
    ((headers, body),) = receiver.got
    assert "webhook-signature" not in headers
    said = json.loads(body)
    assert said["blocks"][0]["text"]["text"] == "Approval needed: add_stock"
    assert "Moves money: 10.00 EUR" in said["blocks"][1]["text"]["text"]
    text = json.dumps(said["blocks"])
    assert "<!channel>" not in text
    assert "&lt;!channel&gt;" in text
    assert f"<{office.pages.url}/approvals/{action.id}|" in text
    assert "action_id" not in text, "no button"
    assert (await office.notices.webhooks.test(office.world.owner, "ops")).delivered


async def test_bad_webhooks_are_refused(office: Office, receiver: Receiver):
    """Row 20: no address inside, no plain http outside; nobody but an admin."""
    hooks = office.notices.webhooks
    inside = office.another_process().webhooks
    inside._guard = Guard()
    for url in (receiver.url, "ftp://x.test/", "http://user:pw@x.test/", "http://169.254.169.254/"):
        with pytest.raises(InvalidArgument):
            await inside.add(office.world.owner, "x", url, "standard", ())
    for wrong in ({"events": ["approval.nope"]}, {"form": "teams"}, {"secret": "whsec_short"}, {"name": "Not a slug"}):
        with pytest.raises(InvalidArgument):
            await add(office, receiver.url, **wrong)
    with pytest.raises(ForbiddenScope):
        await hooks.add(await office.world.person("operator"), "x", receiver.url, "standard", ())
    await add(office, receiver.url)
    with pytest.raises(StateConflict):
        await add(office, receiver.url)


async def test_mails_wait_for_their_server_and_go_to_whom_they_concern(office: Office, box: Mailbox):
    for name in ("ann", "bob", "cat"):
        await office.pages.user(f"{name}@acme.test")
    bob = next(one for one in [await office.pages.user("dan@acme.test")])
    async with office.world.changing() as session:
        await want_mail(session, await office.world.person("operator"), False)
    box.answer = "451 later"
    action = await office.ask(approvals_needed=2, user_id=bob.id)
    await office.notices.courier.settle()
    assert box.mails == []
    assert {one.state for one in await office.waiting()} == {"pending"}
    box.answer = "250 OK"
    office.clock.forward(seconds=6)
    await office.notices.courier.settle()
    expected = [f"{name}@acme.test" for name in ("ann", "bob", "cat", "owner")]
    assert sorted(to for to, _ in box.mails) == expected, "not who asked for it, nor who wants none"
    await office.verdicts.reject(office.world.owner, action.id)
    later = await office.ask("k2", payload={"caller_first": True})
    await office.notices.courier.settle()
    await office.verdicts.reject(office.world.owner, later.id)
    office.clock.forward(minutes=3)
    await office.notices.courier.settle()
    assert len(box.mails) == 4, "whoever called had answered by then"


async def test_two_processes_send_each_message_once_and_a_dead_one_loses_none(
    office: Office, box: Mailbox, receiver: Receiver
):
    made = await add(office, receiver.url)
    other = office.another_process()
    for number in range(6):
        await office.ask(f"k{number}")
    await asyncio.gather(*(one.courier.settle() for one in (office.notices, other, office.notices, other)))
    assert len(receiver.got) == 6
    assert len(box.mails) == 6
    for got in receiver.got:
        verified(made.secret, got)

    await office.ask("k9")
    await office.notices.courier.plan()
    claimed = await office.notices.courier._claim()
    assert len(claimed) == 2
    await other.courier.settle()
    assert len(receiver.got) == 6
    office.clock.forward(minutes=2)
    await other.courier.settle()
    assert (len(receiver.got), len(box.mails)) == (7, 7)
    await office.notices.courier._record(claimed[0], False, None)
    assert {one.state for one in await office.waiting()} == {"sent"}
    office.clock.forward(days=40)
    await office.notices.courier.tidy()
    assert await office.waiting() == []
    await other.courier.stop()

"""Somebody is told when a customer waits for a person: once per hand-over, and nothing of what the customer wrote."""

import json
from collections.abc import AsyncIterator, Callable

import pytest

from tests.api.conftest import As
from tests.api.model_double import Models
from tests.api.shopping import Counter, chat, open_shop
from tests.api.talking import until
from tests.api.world import Side
from tests.hub.notices.doubles import Mailbox, Receiver, mail_server
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.app import Tradepost

CHATS = "/shopper/conversations"
WORDS = "I am at jo1@buyers.test, and my cat CANARY is ill"


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mail_server() as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    async with served(made) as url:
        made.url = url
        yield made


@pytest.fixture
def configured(configured: settings.Settings, box: Mailbox) -> settings.Settings:
    mails = settings.SecretStr(f"smtp://127.0.0.1:{box.port}?from=hub@acme.test")
    return configured.model_copy(update={"notify_mail_url": mails})


@pytest.fixture
async def counter(box: Mailbox, hub: Tradepost, as_: As, acme: Side) -> AsyncIterator[Counter]:
    await open_shop(hub, acme)
    models = Models()
    async with served(models.app()) as url:
        yield Counter(as_, models, url)


def came(box: Mailbox, receiver: Receiver, each: int) -> Callable[[], bool]:
    return lambda: len(box.mails) == 3 * each and len(receiver.got) == 2 * each


@pytest.mark.behaviour("S1.19")
async def test_people_are_told_once_per_hand_over(
    counter: Counter, hub: Tradepost, box: Mailbox, receiver: Receiver
) -> None:
    admin, staff = counter.as_("admin"), counter.as_("operator")
    wanted = ["handover.requested"]
    for name, form in (("ops", "standard"), ("team", "slack")):
        given = {"name": name, "url": f"{receiver.url}/{name}", "form": form, "events": wanted}
        await admin.post("/webhooks", given)
    customer = await counter.customer("C-1")
    mine = (await chat(customer))["id"]
    for words in (WORDS, "please", WORDS):
        await customer.post(f"{CHATS}/{mine}/person", {"words": words}, status=200)
    await customer.post(f"{CHATS}/{mine}/messages", {"message": WORDS}, status=202)
    await until(came(box, receiver, 1))
    place = f"{hub.settings.url}/handovers/{mine}"
    assert sorted(to for to, _ in box.mails) == ["admin@acme.test", "operator@acme.test", "owner@acme.test"]
    for _, mail in box.mails:
        assert mail["Subject"] == "A customer waits for a person"
        assert place in mail.get_content()
    bodies = [json.loads(body) for _, body in receiver.got]
    (standard,) = [body for body in bodies if "type" in body]
    assert (standard["type"], standard["data"]["conversation"], standard["data"]["url"]) == (wanted[0], mine, place)
    assert any(place in json.dumps(body.get("blocks", "")) for body in bodies)

    (waiting,) = (await staff.get("/handovers"))["items"]
    await staff.post(f"/handovers/{waiting['id']}/take", {}, status=200)
    await staff.post(f"/handovers/{waiting['id']}/give-back", {}, status=200)
    await customer.post(f"{CHATS}/{mine}/person", {"words": WORDS}, status=200)
    await until(came(box, receiver, 2))
    assert await hub.notices.courier.settle() == 0
    assert came(box, receiver, 2)()
    told = " ".join([mail.get_content() for _, mail in box.mails] + [body.decode() for _, body in receiver.got])
    assert "CANARY" not in told
    assert "buyers.test" not in told


async def test_who_wants_no_mails_gets_none(counter: Counter, hub: Tradepost, box: Mailbox) -> None:
    for who in ("admin", "operator"):
        await counter.as_(who).patch("/notifications", {"mail": False})
    customer = await counter.customer("C-1")
    mine = (await chat(customer))["id"]
    await customer.post(f"{CHATS}/{mine}/person", {}, status=200)
    await until(lambda: len(box.mails) == 1)
    assert await hub.notices.courier.settle() == 0
    assert [to for to, _ in box.mails] == ["owner@acme.test"]

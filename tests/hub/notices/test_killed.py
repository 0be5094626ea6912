"""The process dies by `kill -9` between a message and its record, between an answer and the end of its link (F24)."""

import signal
from pathlib import Path

import pytest

from tests.engines import DatabaseUrls
from tests.hub.notices.doubles import Mailbox, Receiver
from tests.hub.notices.dying import dies_after_answering, dies_after_sending
from tests.hub.notices.office import Office
from tests.hub.notices.test_courier import OWNER, add, verified

pytestmark = pytest.mark.two_processes


async def test_a_message_whose_record_was_lost_comes_again_with_its_id_and_counts_once(
    office: Office, box: Mailbox, receiver: Receiver, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    made = await add(office, receiver.url)
    action = await office.ask()
    told = (database_urls.hub, tmp_path / "vault.key", office.pages.url, box.port, office.clock())
    assert await dies_after_sending(*told) == -signal.SIGKILL
    assert (len(receiver.got), len(box.mails)) == (1, 1)
    first = box.links()[OWNER]
    await office.notices.courier.settle()
    assert len(receiver.got) == 1, "the dead process still holds its lease"
    office.clock.forward(minutes=2)
    await office.notices.courier.settle()
    assert {one.state for one in await office.waiting()} == {"sent"}
    assert (len(receiver.got), len(box.mails)) == (2, 2)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1
    assert verified(made.secret, receiver.got[1])["data"]["id"] == action.id
    assert len({mail["Message-ID"] for _, mail in box.mails}) == 1

    browser, seen = office.pages.browser(), {"round": "1", "fingerprint": action.fingerprint}
    second = box.links()[OWNER]
    assert first != second
    await browser.get(first)
    assert (await browser.post(first, answer="approve", **seen)).status_code == 200
    await browser.get(second)
    assert (await browser.post(second, answer="reject", **seen)).status_code == 409
    assert [said.verdict for said in (await office.look(action)).verdicts] == ["approve"]


async def test_an_answer_whose_link_was_not_used_up_counts_once(
    office: Office, box: Mailbox, database_urls: DatabaseUrls
) -> None:
    action = await office.ask(approvals_needed=2)
    await office.notices.courier.settle()
    path, by = box.links()[OWNER], office.world.owner
    died = await dies_after_answering(database_urls.hub, by, action.id, action.fingerprint, office.clock())
    assert died == -signal.SIGKILL
    browser, seen = office.pages.browser(), {"round": "1", "fingerprint": action.fingerprint}
    assert (await browser.get(path)).status_code == 200
    for answer in ("approve", "reject"):
        assert (await browser.post(path, answer=answer, **seen)).status_code == 409
    shown = await office.look(action)
    assert (shown.state, [(said.verdict, said.way) for said in shown.verdicts]) == ("pending", [("approve", "link")])

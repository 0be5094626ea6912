"""Answering by the link of a mail and on the page, and all that is no answer (security.md rows 11-16, 30)."""

import asyncio
import html
import json
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.hub.notices.doubles import Mailbox, Receiver
from tests.hub.notices.office import Office
from tests.hub.world import founded
from tests.identity.people.desk import said
from tradepost.hub.access.people import disable_user, set_role
from tradepost.hub.actions.models import Action
from tradepost.hub.notices.models import ApprovalLink
from tradepost.hub.policy.models import PolicyRule

PREVIEW = {
    "summary": "Refunds €24.90 of \u202eorder #1001.",
    "moved": ["Order #1001: price was €6.00 when this was shown, it is €7.00 now."],
    "changes": [{"record": "Order #1001", "field": "refunded so far", "before": "€6.00", "after": "€30.90"}],
    "side_effects": ["An e-mail goes to a***@example.com."],
    "amount": {"value": 2490, "currency": "EUR"},
}
OWNER = "owner@acme.test"
ANN = "ann@acme.test"


@pytest.fixture
async def asked(office: Office, box: Mailbox) -> Action:
    """One write that waits, of which two people have heard."""
    await office.pages.user(ANN)
    await office.pages.user("vic@acme.test", "viewer")
    arguments = {"sku": "A1", "quantity": 7, "reason": "as \u202ealways", "more": "x" * 3_000 + "tail"}
    action = await office.ask(arguments=arguments)
    await office.notices.courier.settle()
    assert sorted(to for to, _ in box.mails) == [ANN, OWNER]
    return action


async def test_a_mail_leads_to_an_answer(office: Office, box: Mailbox, asked: Action):
    mail = next(mail for to, mail in box.mails if to == ANN)
    text = mail.get_content()
    assert mail["Subject"] == "Approve add_stock?"
    assert "quantity: 7" in text
    assert "as \\u{202e}always" in text
    assert "NOT SHOWN HERE: 2604 more characters" in text
    path = box.links()[ANN]
    browser = office.pages.browser()
    before = await office.pages.rows()
    for _ in range(2):  # whatever follows links
        page = await browser.get(path)
        assert (await browser.http.head(path)).status_code == 200
    assert await office.pages.rows() == before
    assert (await office.look(asked)).state == "pending"
    for words in ("x" * 3_000 + "tail", "as \\u{202e}always", "own words", "cannot be seen", ANN, "default-src"):
        assert words in page.text + str(page.headers), words
    seen = {"round": "1", "fingerprint": asked.fingerprint}
    done = await browser.post(path, answer="approve", comment="fine", **seen)
    assert "approved by ann@acme.test" in said(done)
    shown = await office.look(asked)
    assert [(one.user_name, one.way, one.comment) for one in shown.verdicts] == [(ANN, "link", "fine")]
    again = office.pages.browser()
    for link in (path, path[:-1] + ("A" if path[-1] != "A" else "B"), "/approvals/by-link/x"):
        assert (await again.get(link)).status_code == 404
    assert (await browser.post(path, answer="approve", **seen)).status_code == 404
    async with office.world.reading() as session:
        rows = list(await session.scalars(select(ApprovalLink)))
    assert len(path.rpartition("/")[2]) == 43
    assert path.rpartition("/")[2] not in str([vars(row) for row in rows])


async def test_people_read_what_it_would_do_before_they_answer(office: Office, box: Mailbox, receiver: Receiver):
    """Everywhere: the one sentence, what moved, before and after, what happens outside, and the rule that asks."""
    await office.pages.user(ANN)
    webhooks = office.notices.webhooks
    for form in ("standard", "slack"):
        await webhooks.add(office.world.owner, form, receiver.url, form=form, events=["approval.requested"])
    rule = PolicyRule(
        id="rule_1", workspace_id=office.world.workspace_id, name="small-refunds", place=100, enabled=True,
        outcome="ask", approvals=1, caller_may_confirm=False, loosens=False, reason="a person approves every write",
    )  # fmt: skip
    async with office.world.changing() as session:
        session.add(rule)
    owner = office.world.owner.user_id
    values: Any = {"arguments": {"amount_minor": 2490}, "preview": PREVIEW, "rule_id": "rule_1", "user_id": owner}
    action = await office.ask(moves_money=True, **values)
    await office.notices.courier.settle()
    ann = office.pages.browser()
    await ann.sign_in(ANN)
    page = (await ann.get(f"/approvals/{action.id}")).text
    mail = dict(box.mails)[ANN].get_content()
    by_link = (await office.pages.browser().get(box.links()[ANN])).text
    told = sorted((json.loads(body) for _, body in receiver.got), key=len)
    slack = "\n".join(block["text"]["text"] for block in told[0]["blocks"])
    assert told[1]["data"]["summary"] == "Refunds €24.90 of \\u{202e}order #1001."
    assert told[1]["data"]["reason"] == "a person approves every write (rule 'small-refunds')"
    for text in (html.unescape(page), html.unescape(by_link), mail, slack):
        first = [text.index(words) for words in ("Moves money: €24.90", "Refunds €24.90 of \\u{202e}order #1001.")]
        assert first == sorted(first)
        for words in ("price was €6.00", "(rule 'small-refunds')", OWNER):
            assert words in text, words
    for text in (page, by_link, mail):
        place = 0
        for words in ("Order #1001", "refunded so far", "€6.00", "€30.90", "An e-mail goes to a***@example.com"):
            place = text.index(words, place)


async def test_what_is_no_answer(office: Office, box: Mailbox, asked: Action):
    path = box.links()[ANN]
    browser, seen = office.pages.browser(), {"round": "1", "fingerprint": asked.fingerprint, "answer": "approve"}
    await browser.get(path)
    elsewhere = {"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}
    for headers in elsewhere:
        assert (await browser.post(path, headers, **seen)).status_code == 403
    assert (await browser.post(path, form_token="", **seen)).status_code == 403
    plain = await browser.http.post(path, content="answer=approve", headers={"content-type": "text/plain"})
    assert plain.status_code == 400
    for wrong in ({"fingerprint": "sha256:other"}, {"answer": "both"}, {"fingerprint": ""}):
        assert (await browser.post(path, **{**seen, **wrong})).status_code in (400, 409)
    async with office.world.changing() as session:
        await session.execute(update(Action).where(Action.id == asked.id).values(round=2))
    assert (await browser.get(path)).status_code == 404
    assert (await browser.post(path, **seen)).status_code == 409
    assert (await office.look(asked)).verdicts == ()


@pytest.mark.parametrize("fate", ["expired", "disabled", "demoted", "answered"])
async def test_a_link_ends_with_what_it_is_for(office: Office, box: Mailbox, asked: Action, fate: str):
    path, browser = box.links()[ANN], office.pages.browser()
    await browser.get(path)
    if fate == "expired":
        office.clock.forward(hours=1)
    elif fate == "answered":
        await office.verdicts.reject(office.world.owner, asked.id)
    else:
        async with office.world.changing() as session:
            if fate == "disabled":
                await disable_user(session, office.world.owner, ANN)
            else:
                await set_role(session, office.world.owner, ANN, "viewer")
    sent = await browser.post(path, answer="approve", round="1", fingerprint=asked.fingerprint)
    expected = {"expired": 404, "disabled": 404, "demoted": 403, "answered": 409}
    assert sent.status_code == expected[fate]
    assert all(said.verdict != "approve" for said in (await office.look(asked)).verdicts)


async def test_a_double_click_counts_once(office: Office, box: Mailbox, asked: Action):
    browsers = [office.pages.browser() for _ in range(3)]
    paths = [box.links()[ANN], box.links()[ANN], box.links()[OWNER]]
    for browser, path in zip(browsers, paths, strict=True):
        await browser.get(path)
    seen = {"round": "1", "fingerprint": asked.fingerprint, "answer": "approve"}
    sent = [browser.post(path, **seen) for browser, path in zip(browsers, paths, strict=True)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*sent))
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {404, 409}
    assert len((await office.look(asked)).verdicts) == 1


async def test_money_wants_a_sign_in_that_is_fresh(office: Office, box: Mailbox):
    await office.pages.user(ANN)
    action = await office.ask(moves_money=True, arguments={"payment_id": "p1", "amount_minor": 2490, "currency": "EUR"})
    await office.notices.courier.settle()
    path, page = box.links()[ANN], f"/approvals/{action.id}"
    stranger, browser = office.pages.browser(), office.pages.browser()
    shown = await stranger.get(path)
    assert "Moves money: 2490 minor units EUR" in shown.text
    assert "Sign in to answer" in shown.text
    seen = {"round": "1", "fingerprint": action.fingerprint, "answer": "approve"}
    assert (await stranger.post(path, **seen)).status_code == 403
    assert (await stranger.get(page)).headers["location"].startswith("/sign-in?back_to=%2Fapprovals%2F")
    await browser.sign_in(ANN)
    office.clock.forward(minutes=11)
    assert "Your password" in (await browser.get(page)).text
    assert (await browser.post(page, **seen)).status_code == 400
    assert (await browser.post(page, current="not this one", **seen)).status_code == 400
    assert (await browser.post(page, {"sec-fetch-site": "cross-site"}, **seen)).status_code == 403
    assert (await office.look(action)).state == "pending"
    await browser.get(page)
    assert (await browser.post(page, current="correct horse battery", **seen)).status_code == 303
    assert [one.way for one in (await office.look(action)).verdicts] == ["page"]


async def test_another_workspace_sees_nothing(office: Office, asked: Action):
    other = await founded(office.world.database, "other")
    await office.pages.user("eve@other.test", "owner", world=other)
    eve = office.pages.browser()
    await eve.sign_in("eve@other.test")
    page = f"/approvals/{asked.id}"
    assert (await eve.get(page)).status_code == 404
    await eve.get("/account")
    seen = {"round": "1", "fingerprint": asked.fingerprint, "answer": "approve"}
    assert (await eve.post(page, **seen)).status_code == 404
    viewer = office.pages.browser()
    await viewer.sign_in("vic@acme.test")
    assert "not answer it" in (await viewer.get(page)).text
    await viewer.get("/account")
    assert (await viewer.post(page, **seen)).status_code == 403
    assert (await office.look(asked)).state == "pending"

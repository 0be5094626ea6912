"""The consent page: it cannot be framed, forged, replayed or skipped, and says who asks for what (security.md A14)."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest

from tests.identity.oauth.world import COOKIE, Browser, Hub, Program, sent_back
from tradepost.hub.access.agents import set_agent_active
from tradepost.hub.access.oauth.grants import list_grants, revoke_grant

HOSTILE_NAME = "<img src=x onerror=alert(1)>\"'{{7*7}}"


async def test_the_page_says_who_asks_and_cannot_be_framed(hub: Hub, browser: Browser):
    """Also rows 29 and 30: hostile text is text."""
    program = await hub.program(name=HOSTILE_NAME)
    page = await browser.page(program, scope="agent write:inventory")
    text, headers = page.answer.text, page.answer.headers
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "{{7*7}}" in text
    assert "app.example" in text
    assert "Change stock" in text
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"


async def test_a_local_program_gets_a_warning(hub: Hub, browser: Browser):
    """security.md A12: any program on the machine could pretend to be this client."""
    program = await hub.program(redirect_uris=["http://127.0.0.1/cb"])
    program.redirect_uri = "http://127.0.0.1:5123/cb"
    assert "Only go on if you have just started this yourself" in (await browser.page(program)).answer.text
    program = await hub.program()
    assert "Only go on" not in (await browser.page(program)).answer.text


async def test_no_is_told_to_the_client(hub: Hub, browser: Browser, program: Program):
    back = sent_back(await browser.decide(await browser.page(program), decision="deny"))
    assert (back["error"], back["state"], back["iss"]) == ("access_denied", "st-1", hub.url)


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
async def test_a_form_without_the_sessions_token_changes_nothing(
    hub: Hub, browser: Browser, program: Program, token: str
):
    """Row 30: what another site makes the browser post."""
    page = await browser.page(program)
    forged = await browser.decide(page, form_token=token)
    assert forged.status_code == 403
    assert "location" not in forged.headers
    assert sent_back(await browser.decide(page))["code"]  # the person's own decision still counts


async def test_a_request_is_decided_once(hub: Hub, browser: Browser, program: Program):
    page = await browser.page(program)
    assert sent_back(await browser.decide(page))["code"]
    assert (await browser.decide(page)).status_code == 400
    for unknown in ("", "oar_unknown", "\x00", "x" * 10_000):
        assert (await browser.decide(page, request=unknown)).status_code == 400


async def test_a_request_belongs_to_the_browser_that_asked(hub: Hub, browser: Browser, program: Program):
    """state from another browser: the page of one person is nothing to another, nor to another session."""
    page = await browser.page(program)
    other = await hub.browser("owner")
    token = (await other.page(program)).fields["form_token"]
    assert (await other.decide(page)).status_code == 403
    assert (await other.decide(page, form_token=token)).status_code == 400
    assert sent_back(await browser.decide(page))["code"]


async def test_a_request_ends_after_ten_minutes(hub: Hub, browser: Browser, program: Program):
    page = await browser.page(program)
    hub.clock.ahead = timedelta(minutes=10, seconds=1)
    assert (await browser.decide(page)).status_code == 400


async def test_two_tabs_do_not_disturb_each_other(hub: Hub, browser: Browser, program: Program):
    first = await browser.page(program, state="one")
    second = await browser.page(program, state="two")
    assert sent_back(await browser.decide(first))["state"] == "one"
    assert sent_back(await browser.decide(second))["state"] == "two"


async def test_the_form_decides_nothing_but_agent_and_access(hub: Hub, browser: Browser, program: Program):
    """What the client asked for is kept by the hub: fields that a page adds are not looked at."""
    page = await browser.page(program, scope="read:inventory")
    answer = await browser.decide(
        page, scope="write:payments", redirect_uri="https://evil.example/", client_id="tpc_x", resource="/api/v1"
    )
    tokens = (await hub.redeem(program, sent_back(answer)["code"])).json()
    assert tokens["scope"] == "read:inventory"


async def test_an_agent_that_is_gone_is_no_choice(hub: Hub, browser: Browser, program: Program):
    page = await browser.page(program)
    async with hub.world.changing() as session:
        await set_agent_active(session, hub.world.admin, "supply", False)
    assert (await browser.decide(page)).status_code == 400
    page = await browser.page(program)
    assert page.agents == [hub.world.facts.other_agent_id]
    assert (await browser.decide(page, agent="agt_nobody")).status_code == 400


async def test_whoever_is_not_signed_in_decides_nothing(hub: Hub, browser: Browser, program: Program):
    page = await browser.page(program)
    for headers in ({}, {"cookie": f"{COOKIE}=forged"}):
        answer = await hub.http.post(f"{hub.url}/oauth/consent", data=page.fields, headers=headers)
        assert answer.status_code == 403
        assert "location" not in answer.headers


async def skips(browser: Browser, program: Program, **asks: str | None) -> bool:
    """Whether the client gets its code without the page."""
    answer: httpx2.Response = await browser.authorize(program.asks(**asks))
    return answer.status_code == 302 and "code" in sent_back(answer, program.redirect_uri)


async def test_a_yes_is_remembered_for_the_same_and_no_more(hub: Hub, browser: Browser, program: Program):
    assert not await skips(browser, program, scope="read:inventory")
    await browser.code(program, scope="read:inventory")
    assert await skips(browser, program, scope="read:inventory")
    assert not await skips(browser, program, scope="read:inventory write:inventory")
    assert not await skips(browser, program, scope=None)
    assert not await skips(browser, program, scope="read:inventory", prompt="consent")
    assert not await skips(browser, program, scope="read:inventory", resource=f"{hub.url}/api/v1")
    assert not await skips(await hub.browser("owner"), program, scope="read:inventory")
    assert not await skips(browser, await hub.program(), scope="read:inventory")


async def test_a_remembered_yes_gives_what_was_given(hub: Hub, browser: Browser, program: Program):
    answer = await browser.decide(await browser.page(program), access="look")
    assert sent_back(answer)["code"]
    again = await browser.authorize(program.asks())
    tokens = (await hub.redeem(program, sent_back(again)["code"])).json()
    assert tokens["scope"] == "read:inventory"


async def test_a_yes_is_never_remembered_for_a_program_that_anybody_could_be(hub: Hub, browser: Browser):
    program = await hub.program(redirect_uris=["http://127.0.0.1/cb"])
    program.redirect_uri = "http://127.0.0.1:5123/cb"
    answer = await browser.decide(await browser.page(program))
    assert sent_back(answer, program.redirect_uri)["code"]
    assert not await skips(browser, program)


async def test_whoever_takes_a_grant_back_is_asked_again(hub: Hub, browser: Browser, program: Program):
    await browser.code(program)
    assert await skips(browser, program)
    async with hub.world.changing() as session:
        for grant in await list_grants(session):
            await revoke_grant(session, hub.world.admin, grant.id)
    assert not await skips(browser, program)


async def test_the_agent_of_last_time_is_the_first_choice(hub: Hub, browser: Browser, program: Program):
    await browser.decide(await browser.page(program), agent=hub.world.facts.other_agent_id)
    page = await browser.page(program, prompt="consent")
    assert f'value="{hub.world.facts.other_agent_id}" required checked' in page.answer.text

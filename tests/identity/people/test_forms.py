"""Forms count from our own pages alone, cookies are what they should be, and nothing a browser sends breaks a page
(security.md A14 and rows 29, 30)."""

import re
from pathlib import Path

import httpx2
import pytest

from tests.hub.world import World
from tests.identity.people.desk import PASSWORD, Clock, Desk, built
from tests.protocol.conftest import served

FORM = {"content-type": "application/x-www-form-urlencoded"}
FOREIGN = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "http://127.0.0.1:1"},
)


async def test_a_session_gets_a_value_of_its_own(desk: Desk):
    """Fixation: whatever value a browser brings, signing in makes another, and ends the one before."""
    await desk.user("ann@acme.test")
    planted = "A" * 43
    browser = desk.browser()
    browser.http.cookies.set("tradepost_session", planted, domain="127.0.0.1")
    await browser.sign_in("ann@acme.test")
    first = browser.session or ""
    assert len(first) == 43
    assert first != planted
    assert await browser.is_in()
    again = desk.browser()
    await again.get("/sign-in")
    again.http.cookies.set("tradepost_session", first, domain="127.0.0.1")
    await again.post("/sign-in", email="ann@acme.test", password=PASSWORD)
    assert again.session not in (first, planted)
    assert not await browser.is_in()


async def test_cookies_over_https_and_without(desk: Desk, world: World, clock: Clock, tmp_path: Path):
    """A14: __Host-, Secure, HttpOnly, SameSite=Lax, Path=/, no Domain. On loopback without TLS the same but Secure."""
    await desk.user("ann@acme.test")
    people = await built(world, clock, tmp_path, "https://hub.example")
    async with served(people.door) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        page = await http.get("/sign-in")
        visit = page.headers["set-cookie"]
        token = page.text.split('form_token" value="')[1].split('"')[0]
        cookie = visit.split(";")[0]
        fields = {"form_token": token, "email": "ann@acme.test", "password": PASSWORD}
        answer = await http.post("/sign-in", data=fields, headers={"cookie": cookie})
        session = answer.headers.get_list("set-cookie")[0]
        assert visit.startswith("__Host-tradepost-visit=")
        assert session.startswith("__Host-tradepost=")
        for one in (visit, session):
            parts = {part.strip().lower() for part in one.split(";")[1:]}
            assert parts == {"secure", "httponly", "samesite=lax", "path=/"}, one
        value = session.split(";")[0].partition("=")[2]
        assert (await http.get("/account", headers={"cookie": f"__Host-tradepost={value}"})).status_code == 200
        assert (await http.get("/account", headers={"cookie": f"tradepost_session={value}"})).status_code == 303
        foreign = await http.post("/sign-in", data=fields, headers={"cookie": cookie, "origin": url})
        assert foreign.status_code == 403  # people come by https: another scheme is another site
    plain = await desk.browser().sign_in("ann@acme.test")
    session = plain.headers.get_list("set-cookie")[0]
    assert session.startswith("tradepost_session=")
    assert {part.strip().lower() for part in session.split(";")[1:]} == {"httponly", "samesite=lax", "path=/"}


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_forms_from_elsewhere_do_nothing(desk: Desk, headers: dict[str, str]):
    browser = await desk.signed_in()
    await browser.get("/account")
    before = await desk.rows()
    for path, fields in (
        ("/account/password", {"current": PASSWORD, "password": "x" * 12, "again": "x" * 12}),
        ("/account/sessions", {"end": "others"}),
        ("/account/second-factor/begin", {}),
        ("/sign-out", {}),
    ):
        assert (await browser.post(path, headers, **fields)).status_code == 403, path
    victim = desk.browser()
    await victim.get("/sign-in")  # login CSRF: a stranger signs the victim in as themselves
    assert (await victim.post("/sign-in", headers, email="ann@acme.test", password=PASSWORD)).status_code == 403
    assert await desk.rows() == before
    assert await browser.is_in()


async def test_forms_without_the_right_token_do_nothing(desk: Desk):
    """The token belongs to the cookie: that of another session, of another browser, an old one, none."""
    browser, other = await desk.signed_in(), await desk.signed_in("bob@acme.test")
    await other.get("/account")
    before_sign_in = browser.token
    for token in (other.token, "", "x", before_sign_in):
        answer = await browser.post("/account/sessions", form_token=token, end="others")
        assert answer.status_code == 403, token
    await browser.get("/account")
    assert (await browser.post("/account/sessions", end="others")).status_code == 303
    stranger, visitor = desk.browser(), desk.browser()
    await stranger.get("/sign-in")
    await visitor.get("/sign-in")
    wrong = await visitor.post("/sign-in", form_token=stranger.token, email="ann@acme.test", password=PASSWORD)
    assert (wrong.status_code, visitor.session) == (403, None)
    no_cookie = desk.browser()
    wrong = await no_cookie.post("/sign-in", form_token=stranger.token, email="ann@acme.test", password=PASSWORD)
    assert (wrong.status_code, no_cookie.session) == (403, None)


async def test_the_same_form_from_here_counts(desk: Desk):
    await desk.user("ann@acme.test")
    for headers in ({"origin": desk.url, "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}):
        browser = desk.browser(**headers)
        await browser.sign_in("ann@acme.test")


async def test_a_cookie_that_stands_twice_is_nobodys(desk: Desk):
    browser = await desk.signed_in()
    twice = desk.browser(cookie=f"tradepost_session={browser.session}; tradepost_session={'B' * 43}")
    assert not await twice.is_in()


async def test_every_page_says_what_may_run_in_it(desk: Desk):
    """Row 29: no script but our own, no frame, nothing kept, and no `Origin: null` from our own forms."""
    browser = await desk.signed_in()
    for path in ("/sign-in", "/account", "/account/second-factor", "/welcome/x", "/account/none"):
        page = await (desk.browser() if path == "/sign-in" else browser).get(path)
        policy = page.headers["content-security-policy"]
        for part in ("default-src 'self'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert part in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"<script(?! src=\"/identity/)", page.text)
        assert "style=" not in page.text
        assert "http" not in page.text.replace(desk.url, "")
    sheet = await browser.get("/identity/style.css")
    assert sheet.headers["content-type"].startswith("text/css")
    assert "url(" not in sheet.text


async def test_opening_pages_changes_nothing(desk: Desk):
    browser = await desk.signed_in()
    before = await desk.rows()
    for path in ("/sign-in", "/account", "/account/second-factor", "/sign-in/workspace", "/sign-in/code", "/account"):
        for method in ("GET", "HEAD"):
            await browser.http.request(method, path)
    for path in ("/sign-out", "/account/password", "/account/sessions", "/account/second-factor/begin"):
        assert (await browser.get(path)).status_code == 405
    assert await desk.rows() == before
    assert await browser.is_in()


BODIES = (
    (b"", FORM),
    (b"form_token", FORM),
    (b"%ff%fe=1", FORM),
    (b"\xff\xfe", FORM),
    (b"a=1&a=2", FORM),
    (b"email=%00", FORM),
    (b"&".join(b"f%d=1" % number for number in range(50)), FORM),
    (b"a=" + b"x" * 40_000, FORM),
    (b'{"email": "a"}', {"content-type": "application/json"}),
    (b"email=a", {"content-type": "text/plain"}),
    (b"--x\r\n\r\n--x--", {"content-type": "multipart/form-data; boundary=x"}),
    (b"x", {}),
)


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code", "/account/password", "/welcome/x", "/sign-out"])
async def test_bad_bodies_are_refused_in_words(desk: Desk, path: str):
    browser = await desk.signed_in()
    for body, headers in BODIES:
        answer = await browser.http.post(path, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, body[:40]
    assert await browser.is_in()
    for odd in ("/welcome/" + "x" * 5000, "/welcome/%00", "/invitation/%ff", "/welcome/a/b", "/sign-in?back_to=%ff%00"):
        assert (await browser.get(odd)).status_code < 500, odd
    for cookie in ("tradepost_session=", "tradepost_session", "=;;=", "tradepost_session=ä", "x" * 3000):
        stranger = await desk.browser().http.get("/account", headers={"cookie": cookie.encode()})
        assert stranger.status_code == 303

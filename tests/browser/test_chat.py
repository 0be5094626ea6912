"""The chat in a shop's own page, in a real browser: the demo's shop, at an origin of its own, under a strict
Content-Security-Policy.

S1.16-S1.19; security.md §2 rows 5, 19.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import Pages, shot, violations
from tests.processes import Place

pytestmark = pytest.mark.browser

SOMEBODY, SOMEBODY_ELSE = "CUST-10495", 2  # by number; by place in the list of choices
LABEL = "scripted"


@pytest.fixture
def shop(demo: Place) -> str:
    """The address of the demo's shop."""
    return f"http://127.0.0.1:{demo.port + 2}"


@pytest.fixture(autouse=True)
def without_open_conversations(demo: Place) -> Iterator[None]:
    """A test leaves nobody who waits for a person."""
    yield
    for one in demo.ask("handover", "list"):
        demo.run("handover", "close", one["id"]).good()


def signed_in(pages: Pages, shop: str, customer: str | int = SOMEBODY, **options: Any) -> Page:
    page = pages.open(shop, **options)
    choice = page.get_by_label("Signed in as")
    choice.select_option(index=customer) if isinstance(customer, int) else choice.select_option(customer)
    page.get_by_role("button", name="Change").click()
    page.get_by_role("button", name="Chat with us").wait_for()
    return page


def opened(page: Page) -> Page:
    """With an open chat and a new conversation."""
    page.get_by_role("button", name="Chat with us").click()
    page.get_by_role("button", name="New conversation").click()
    return page


def say(page: Page, words: str) -> None:
    page.get_by_label("Your message").fill(words)
    page.keyboard.press("Enter")


def last(page: Page, author: str) -> Any:
    return page.locator(f".message.{author}").last


@pytest.mark.behaviour("S1.16")
def test_a_customer_asks_and_goes_on_after_a_reload(shop: str, pages: Pages) -> None:
    """By keyboard alone; axe-core finds nothing, and nothing breaks the page's policy."""
    page = signed_in(pages, shop)
    page.get_by_role("button", name="Chat with us").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Chat")).to_be_visible()
    expect(page.get_by_label("Your message")).to_be_focused()
    assert violations(page) == []
    say(page, "Where is my order 88209?")
    expect(page.get_by_label("Your message")).to_have_value("")
    expect(last(page, "assistant.done")).to_contain_text("88209")
    expect(last(page, "assistant")).to_contain_text(LABEL)
    shot(page, "chat-answered")
    assert violations(page) == []
    page.reload()
    expect(last(page, "assistant.done")).to_contain_text("88209")
    expect(page.get_by_role("dialog", name="Chat")).to_be_visible()
    page.get_by_label("Your message").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Chat")).to_be_hidden()
    expect(page.get_by_role("button", name="Chat with us")).to_be_focused()


def test_what_anybody_writes_is_text(shop: str, pages: Pages) -> None:
    """Markup runs nowhere, and another customer's order is not there for whoever asks for it."""
    page = opened(signed_in(pages, shop, SOMEBODY_ELSE))
    bad = "<img src=x onerror=alert(1)><a href='javascript:alert(1)'>order 88209</a>"
    say(page, bad)
    expect(last(page, "customer").locator(".text")).to_have_text(bad)
    expect(last(page, "assistant")).not_to_have_class(re.compile("writing"))
    assert page.locator("tradepost-chat").locator("img, a").count() == 0
    assert "MUG-STONE-GREEN" not in (last(page, "assistant").text_content() or "")


def test_two_tabs_and_two_customers(shop: str, pages: Pages) -> None:
    """Tabs of one customer show the same; another customer sees nothing of it."""
    page = opened(signed_in(pages, shop))
    say(page, "Where is my order 88209?")
    expect(last(page, "assistant.done")).to_contain_text("88209")
    second = page.context.new_page()
    second.goto(shop)
    second.get_by_role("button", name="Chat with us").click()
    expect(last(second, "assistant.done")).to_contain_text("88209")
    say(second, "Show my invoices")
    expect(last(page, "customer")).to_contain_text("Show my invoices")
    other = signed_in(pages, shop, SOMEBODY_ELSE)
    other.get_by_role("button", name="Chat with us").click()
    expect(other.get_by_label("Your message")).to_be_focused()
    expect(other.get_by_role("log", name="Conversation")).not_to_contain_text("88209")


@pytest.mark.behaviour("S1.18")
def test_a_person_takes_over_and_gives_back(shop: str, pages: Pages, demo: Place) -> None:
    page = opened(signed_in(pages, shop))
    say(page, "Where is my order 88209?")
    expect(last(page, "assistant.done")).to_contain_text("88209")
    page.get_by_role("button", name="Ask for a person").click()
    expect(page.get_by_role("status")).to_contain_text("A person of our team will answer")
    (waiting,) = (one for one in demo.ask("handover", "list") if one["customer"] == SOMEBODY)
    context = demo.ask("handover", "show", waiting["id"])
    assert "88209" in context["orders"]
    assert [step["kind"] for step in context["turns"][0]["steps"]].count("tool_result") > 0
    demo.run("handover", "take", waiting["id"]).good()
    expect(page.get_by_role("status")).to_contain_text("You are talking with a person")
    say(page, "It is a present for Friday")
    expect(last(page, "customer")).to_contain_text("present for Friday")
    demo.run("handover", "answer", waiting["id"], "I have sent it with a courier.").good()
    expect(last(page, "person")).to_contain_text("I have sent it with a courier.")
    assert page.locator(".message.writing").count() == 0
    shot(page, "chat-person")
    assert violations(page) == []
    demo.run("handover", "give-back", waiting["id"]).good()
    expect(page.get_by_role("status")).to_have_text("")
    say(page, "What is your return policy?")
    expect(last(page, "assistant")).to_contain_text(LABEL)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_with_large_text(shop: str, pages: Pages, scheme: str) -> None:
    """It fills the screen, nothing is cut off, and the keyboard stays in it."""
    options = {"viewport": {"width": 320, "height": 568}, "color_scheme": scheme, "reduced_motion": "reduce"}
    page = opened(signed_in(pages, shop, **options))
    say(page, "Show my orders, please. " + "Averyverylongwordwithoutanyspaces" * 4)
    expect(last(page, "assistant.done")).to_contain_text(LABEL)
    expect(page.locator(".message")).to_have_count(2)
    shot(page, f"chat-phone-{scheme}")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dialog = page.get_by_role("dialog", name="Chat")
    box = dialog.bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (320, 568)
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.localName") == "tradepost-chat"


@pytest.mark.parametrize(
    ("language", "open_it", "field"),
    [
        ("de-AT", "Chatten Sie mit uns", "Ihre Nachricht"),
        ("fr", "Discuter avec nous", "Votre message"),
        ("es", "Chatea con nosotros", "Tu mensaje"),
        ("nl", "Chat with us", "Your message"),
    ],
)
def test_it_speaks_the_language_of_its_page(shop: str, pages: Pages, language: str, open_it: str, field: str) -> None:
    page = signed_in(pages, shop)
    # Set when the page is read, before its scripts run: an answer made up here would have no address on this machine.
    page.add_init_script(
        f"addEventListener('readystatechange', () => document.documentElement.lang = '{language}', true)"
    )
    page.reload()
    page.get_by_role("button", name=open_it).click()
    expect(page.get_by_label(field)).to_be_focused()
    assert violations(page) == []

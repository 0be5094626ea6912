"""server-everything, asked directly and behind the hub: the same lists, results, questions, progress and errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.foreign.comparing import LISTS, Json, Request, differences, listed
from tests.foreign.conftest import Behind
from tests.foreign.raw_client import RawClient, both

pytestmark = pytest.mark.foreign

CALLS: dict[str, Json] = {
    "echo": {"message": "Grüße, 世界 \U0001f44b"},
    "get-annotated-message": {"messageType": "error", "includeImage": True},
    "get-resource-links": {"count": 3},
    "get-resource-reference": {"resourceType": "Text", "resourceId": 3},
    "get-structured-content": {"location": "Chicago"},
    "get-sum": {"a": 2, "b": 0.5},
    "get-tiny-image": {},
    "trigger-elicitation-request": {},
    "trigger-sampling-request": {"prompt": "capital of France"},
    "trigger-url-elicitation": {"url": "https://shop.example/pay?order=88213", "elicitationId": "e-1"},
    "trigger-long-running-operation": {"duration": 0.2, "steps": 4},
}
URIS = ("text/3", "text/no-number")
PROMPTS: tuple[tuple[str, Json], ...] = (
    ("simple-prompt", {}),
    ("args-prompt", {"city": "Rome", "state": "RM"}),
    ("args-prompt", {}),
    ("completable-prompt", {"department": "Engineering", "name": "Alice"}),
    ("resource-prompt", {"resourceType": "Text", "resourceId": "1"}),
    ("resource-prompt", {"resourceType": "Text", "resourceId": "-1"}),
)
COMPLETABLE = {"type": "ref/prompt", "name": "completable-prompt"}
TEMPLATE = {"type": "ref/resource", "uri": "demo://resource/dynamic/text/{resourceId}"}


@pytest.fixture(scope="module")
def pair(behind: dict[str, Behind]) -> Iterator[tuple[RawClient, RawClient]]:
    everything = behind["everything"]
    with both(str(everything.direct), everything.url("server"), everything.key, "legacy") as clients:
        yield clients


@pytest.mark.parametrize("method", LISTS)
def test_the_lists(pair: tuple[RawClient, RawClient], method: str):
    direct, through = (listed(client, method) for client in pair)
    assert through == direct
    assert direct


@pytest.mark.parametrize("tool", CALLS)
def test_the_tools(pair: tuple[RawClient, RawClient], tool: str):
    assert not differences(*pair, [("tools/call", {"name": tool, "arguments": CALLS[tool]})])


def test_the_resources(pair: tuple[RawClient, RawClient]):
    uris = [*listed(pair[0], "resources/list"), *(f"demo://resource/dynamic/{rest}" for rest in URIS)]
    assert not differences(*pair, [("resources/read", {"uri": uri}) for uri in uris])


def test_the_prompts(pair: tuple[RawClient, RawClient]):
    assert not differences(*pair, [("prompts/get", {"name": name, "arguments": given}) for name, given in PROMPTS])


def test_the_completions(pair: tuple[RawClient, RawClient]):
    known = {"arguments": {"department": "Engineering"}}
    requests: list[Request] = [
        ("completion/complete", {"ref": COMPLETABLE, "argument": {"name": "department", "value": "E"}}),
        ("completion/complete", {"ref": COMPLETABLE, "argument": {"name": "name", "value": "A"}, "context": known}),
        ("completion/complete", {"ref": TEMPLATE, "argument": {"name": "resourceId", "value": "4"}}),
        ("completion/complete", {"ref": TEMPLATE, "argument": {"name": "resourceId", "value": "none"}}),
    ]
    assert not differences(*pair, requests)


def test_what_a_newer_client_gets_is_what_an_older_one_gets(behind: dict[str, Behind]):
    everything = behind["everything"]
    asking = {"trigger-elicitation-request", "trigger-sampling-request", "trigger-url-elicitation"}
    dated = {"get-resource-reference"}
    with (
        RawClient(str(everything.direct), "legacy") as direct,
        RawClient(everything.url("server"), "modern", everything.key) as through,
    ):
        for tool in CALLS.keys() - asking - dated:
            first = direct.result("tools/call", name=tool, arguments=CALLS[tool])
            second = through.result("tools/call", name=tool, arguments=CALLS[tool])
            assert second["content"] == first["content"]
            assert second.get("structuredContent") == first.get("structuredContent")

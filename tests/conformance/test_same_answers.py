"""The suite's fixture server, asked directly and behind the hub, in both eras: the answers are the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.foreign.comparing import LISTS, Json, Request, differences, listed
from tests.foreign.raw_client import ERAS, RawClient, both
from tests.processes import Place

pytestmark = pytest.mark.conformance

Pair = tuple[RawClient, RawClient]

# Neither comes to an answer: one closes its stream in the middle, one is about notifications of another stream.
NOT_COMPARED = {"test_reconnection"}
ARGUMENTS: dict[str, Json] = {
    "test_structured_output": {"value": {"a": [1, 2.5, None, "Grüße"]}},
    "test_sampling": {"prompt": "What is the capital?"},
    "test_elicitation": {"message": "Who are you?"},
    "json_schema_2020_12_tool": {"name": "Ada", "contactMethod": "phone", "phone": "1"},
}
# Asked in the middle of a call, which the newer era has no way for.
OLDER_ALONE = {
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
}
PROMPTS: dict[str, Json] = {
    "test_prompt_with_arguments": {"arg1": "a", "arg2": "b"},
    "test_prompt_with_embedded_resource": {"resourceUri": "test://x"},
}


@pytest.fixture(scope="module", params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pair(hub: Place, fixture_url: str, fixture_key: str, era: str) -> Iterator[Pair]:
    with both(fixture_url, f"{hub.url}/mcp/servers/fixture", fixture_key, era) as clients:
        yield clients


@pytest.mark.parametrize("method", LISTS)
def test_the_lists(pair: Pair, method: str):
    direct, through = (listed(client, method) for client in pair)
    assert through == direct
    assert direct


def test_the_tools(pair: Pair, era: str):
    left_out = NOT_COMPARED | (OLDER_ALONE if era == "modern" else set())
    tools = sorted(listed(pair[0], "tools/list").keys() - left_out)
    requests: list[Request] = [("tools/call", {"name": name, "arguments": ARGUMENTS.get(name, {})}) for name in tools]
    assert not differences(*pair, requests)


def test_the_resources(pair: Pair):
    uris = [*listed(pair[0], "resources/list"), "test://template/7/data", "test://template/%C3%BC/data"]
    assert not differences(*pair, [("resources/read", {"uri": uri}) for uri in uris])


def test_the_prompts(pair: Pair):
    names = listed(pair[0], "prompts/list")
    requests: list[Request] = [("prompts/get", {"name": name, "arguments": PROMPTS.get(name, {})}) for name in names]
    missing: Request = ("prompts/get", {"name": "test_prompt_with_arguments", "arguments": {"arg1": "a"}})
    assert not differences(*pair, [*requests, missing])


def test_the_completions(pair: Pair):
    prompt = {"type": "ref/prompt", "name": "test_prompt_with_arguments"}
    template = {"type": "ref/resource", "uri": "test://template/{id}/data"}
    requests: list[Request] = [
        ("completion/complete", {"ref": prompt, "argument": {"name": "arg1", "value": "par"}}),
        ("completion/complete", {"ref": template, "argument": {"name": "id", "value": "te"}}),
    ]
    assert not differences(*pair, requests)

"""The OpenAPI document says what the hub does: random requests after it, right ones and wrong ones, are answered as it
says, and never with a failure of the hub's own."""

import asyncio
import socket
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from tests.api.conftest import As
from tests.api.world import Side
from tests.engines import chosen_engines

EXAMPLES = 3
# Whether something is there, unresolvable names and cursors that nobody gave are not matters of a schema.
NOT_MEANT = ("positive_data_acceptance", "ensure_resource_availability", "use_after_free", "ignored_auth")
SENT_BY_HTTP = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


async def test_the_document(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/api/v1/openapi.json")
    document = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            place = f"{method} {path}"
            assert operation["summary"], place
            assert operation["description"], place
            assert {"401", "403", "404"} <= operation["responses"].keys(), place
            for status, said in operation["responses"].items():
                if status >= "400":
                    assert list(said["content"]) == ["application/problem+json"], place
    names = [operation["operationId"] for one in document["paths"].values() for operation in one.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("engine_name", chosen_engines()[-1:])  # PostgreSQL where it is chosen: it refuses more
async def test_random_requests(
    http: httpx2.AsyncClient, url: str, as_: As, acme: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """security.md §2 rows 31, 40. On one engine: what is sent does not depend on it."""
    monkeypatch.setattr(socket, "getaddrinfo", _only_here(socket.getaddrinfo))
    document = (await http.get("/api/v1/openapi.json")).json()
    known = {
        "server": "customers",
        "tool": "get_customer",
        "profile": "internal",
        "agent": "reader",
        "user": "viewer@acme.test",
        "contact": "C-1",
        "assignment": (await as_("viewer").get("/assignments"))["items"][0]["id"],
        "key": (await as_("owner").get("/keys"))["items"][-1]["id"],
    }
    headers = {who: {"authorization": f"Bearer {acme.secrets[who]}"} for who in ("owner", "agent")}
    sent = await asyncio.to_thread(_send_all, document, url, headers, known)
    assert sent > 200


def _send_all(document: dict[str, Any], url: str, headers: dict[str, dict[str, str]], known: dict[str, str]) -> int:
    load_all_checks()
    sent = 0
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        key = headers["agent" if "/contacts" in operation.path else "owner"]
        sent += _send(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), url, key, known)
        sent += _send(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), url, key, {})
    return sent


def _send(cases: SearchStrategy[Case[Any]], url: str, key: dict[str, str], known: dict[str, str]) -> int:
    """Send some requests; every second one names what is there."""
    sent = 0
    left_out: Any = CHECKS.get_by_names(NOT_MEANT)

    @SENT_BY_HTTP
    @given(case=cases)
    def each(case: Case[Any]) -> None:
        nonlocal sent
        sent += 1
        if known and sent % 2 and case.path_parameters:
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        answer = case.call(base_url=url, headers=key, timeout=30)
        case.validate_response(answer, excluded_checks=left_out, headers=key)

    each()
    return sent


def _only_here(look_up: Any) -> Any:
    """A resolver that knows no name outside of this machine, instead of one that must not be asked."""

    def answer(host: Any, *arguments: Any, **options: Any) -> Any:
        if str(host).rstrip(".") in ("localhost", "127.0.0.1", "::1"):
            return look_up(host, *arguments, **options)
        raise socket.gaierror("no such name")

    return answer

"""What a server says and asks while a call runs reaches the client behind the call, whatever era either speaks."""

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hub.upstreams.asking_server import QUESTION, SECRET, AskingServer, event, result, text
from tests.hub.upstreams.test_dispatch import Entry
from tests.hub.world import World
from tests.protocol.conftest import served
from tradepost.foundation.errors import Unavailable
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.talk import MAX_QUESTIONS, Talk
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import open_vault
from tradepost.protocol.hosting import CallExtras
from tradepost.protocol.upstream_errors import MissingCapability, UpstreamFailed

Json = dict[str, Any]
ANSWER = {"action": "accept", "content": {"colour": "red"}}
BOTH = ("modern", "legacy")


class Client:
    """The channel to a client: what it wants, what it was told and asked."""

    def __init__(self, *, asks: bool = False, wants: bool = False) -> None:
        self.asks = asks
        self.wants_progress = wants
        self.log_level = "info" if wants else None
        self.told: list[tuple[str, Json]] = []
        self.asked: list[Json] = []

    def can_ask(self, method: str) -> bool:
        return self.asks and method == "elicitation/create"

    async def notify(self, method: str, params: Json) -> None:
        self.told.append((method, params))

    async def ask(self, method: str, params: Json) -> Json:
        if not self.can_ask(method):
            raise Unavailable("no")
        self.asked.append(params)
        return {"result": ANSWER}


def older(client: Client) -> Talk:
    return Talk(CallExtras(client_capabilities={"elicitation": {}} if client.asks else {}, channel=client))


def newer(client: Client, retry: Json | None = None, *, declares: bool = True) -> Talk:
    declared = {"elicitation": {}} if declares else {}
    return Talk(CallExtras(client_capabilities=declared, rounds=True, channel=client), retry)


Called = Callable[..., AbstractAsyncContextManager[Callable[[str, Talk], Any]]]


@pytest.fixture
def calling(world: World, tmp_path: Path) -> Called:
    """Calls tools of an asking server through the one dispatch."""

    @asynccontextmanager
    async def opened(server: AskingServer) -> AsyncIterator[Callable[[str, Talk], Any]]:
        vault = await open_vault(world.database, tmp_path / "vault.keys")
        async with world.changing() as session:
            await vault.replace(session, "srv_1", [Header("Authorization", f"Bearer {SECRET}")])
        upstreams = Upstreams({}, Connections(vault, Guard([ipaddress.ip_network("127.0.0.0/8")])))
        async with served(server) as base:

            async def call(name: str, talk: Talk) -> Json:
                entry = Entry(server_url=f"{base}/mcp", raw_name=name)
                return (await upstreams.call_tool(world.as_agent(), entry, {}, None, talk=talk)).as_dict()

            yield call
            await upstreams.close()

    return opened


def said(result: Json) -> Any:
    return json.loads(result["content"][0]["text"])


@pytest.mark.parametrize("era", BOTH)
async def test_progress_and_log_messages_reach_who_wants_them(calling: Called, era: str) -> None:
    server, client = AskingServer(era), Client(wants=True)
    async with calling(server) as call:
        await call("work", older(client))
        progress = [params for method, params in client.told if method == "notifications/progress"]
        assert [(one["progress"], one["total"]) for one in progress] == [(1, 2), (2, 2)]
        assert [params["level"] for method, params in client.told if method == "notifications/message"] == ["warning"]
        assert SECRET not in json.dumps(client.told)
        quiet = Client()
        await call("work", older(quiet))
        assert "progressToken" not in server.heard[-1].get("_meta", {})


@pytest.mark.parametrize("eras", [("modern",), ("legacy",), BOTH])
async def test_a_client_of_the_older_era_is_asked_during_its_call(calling: Called, eras: tuple[str, ...]) -> None:
    client = Client(asks=True)
    async with calling(AskingServer(*eras)) as call:
        assert said(await call("quiz", older(client))) == {"colour": ANSWER}
    (asked,) = client.asked
    assert asked["message"].startswith("Colour?")
    assert SECRET not in asked["message"]
    assert "\u202e" not in asked["message"]


@pytest.mark.parametrize("eras", [("modern",), BOTH])
async def test_a_client_of_the_newer_era_gets_the_questions_and_calls_again(
    calling: Called, eras: tuple[str, ...]
) -> None:
    client = Client()
    async with calling(AskingServer(*eras)) as call:
        first = await call("quiz", newer(client))
        assert (first["resultType"], first["requestState"]) == ("input_required", "asked")
        assert SECRET not in json.dumps(first["inputRequests"])
        retry = {"inputResponses": {"colour": ANSWER}, "requestState": "asked"}
        assert said(await call("quiz", newer(client, retry))) == {"colour": ANSWER}


async def test_a_client_without_the_capability_hears_it_clearly(calling: Called) -> None:
    async with calling(AskingServer("modern")) as call:
        with pytest.raises(MissingCapability) as missing:
            await call("quiz", newer(Client(), declares=False))
        assert missing.value.required == {"elicitation": {}}
        with pytest.raises(UpstreamFailed, match="-32021"):
            await call("quiz", older(Client()))
    server = AskingServer("legacy")
    async with calling(server) as call:
        assert (await call("quiz", newer(Client())))["isError"]
        assert server.replies[-1]["error"]["code"] == -32601


async def test_a_server_that_asks_what_was_not_declared_is_refused(calling: Called) -> None:
    class Curious(AskingServer):
        def quiz(self, message: Json, params: Json) -> Any:
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = {"elicitation": {}}
            return super().quiz(message, params)

    async with calling(Curious("modern")) as call:
        with pytest.raises(UpstreamFailed, match="elicitation/create"):
            await call("quiz", newer(Client(), declares=False))


BY_URL = {"mode": "url", "message": "Pay", "url": "https://shop.example/pay", "elicitationId": "e-1"}


@pytest.mark.parametrize(("declared", "asked"), [({}, 0), ({"form": {}}, 0), ({"form": {}, "url": {}}, 1)])
@pytest.mark.parametrize("era", BOTH)
async def test_only_a_client_that_leads_to_pages_is_asked_to(
    calling: Called, era: str, declared: Json, asked: int
) -> None:
    class Paying(AskingServer):
        def quiz(self, message: Json, params: Json) -> Any:
            questions = {"q": {"method": "elicitation/create", "params": BY_URL}}
            if "inputResponses" in params:
                return result(message, {**text('"paid"'), "resultType": "complete"})
            return result(message, {"resultType": "input_required", "inputRequests": questions})

        async def quiz_in_call(self, message: Json) -> Any:
            yield event({"id": "q1", "method": "elicitation/create", "params": BY_URL})
            await asyncio.wait_for(self.answered.wait(), 20)
            yield event({"id": message["id"], "result": text('"paid"' if "result" in self.replies[-1] else '"not"')})

    client = Client(asks=True)
    talk = Talk(CallExtras(client_capabilities={"elicitation": declared}, channel=client))
    async with calling(Paying(era)) as call:
        if era == "modern" and not asked:
            with pytest.raises(UpstreamFailed, match="elicitation/create"):
                await call("quiz", talk)
        else:
            assert said(await call("quiz", talk)) == ("paid" if asked else "not")
    assert [one["url"] for one in client.asked] == [BY_URL["url"]] * asked


async def test_a_server_cannot_keep_a_person_busy_for_ever(calling: Called) -> None:
    class Endless(AskingServer):
        async def quiz_in_call(self, message: Json) -> Any:
            while not (self.replies and "error" in self.replies[-1]):
                self.answered.clear()
                yield event({"id": f"q{len(self.replies)}", **QUESTION})
                await asyncio.wait_for(self.answered.wait(), 20)
            yield event({"id": message["id"], "result": text('"enough"')})

    client = Client(asks=True)
    async with calling(Endless("legacy")) as call:
        assert said(await call("quiz", older(client))) == "enough"
    assert len(client.asked) == MAX_QUESTIONS

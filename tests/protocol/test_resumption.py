"""A client of the handshake era that lost its connection goes on where it was: with the answer to a request, and with
the session's own stream."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.protocol.conftest import Desk, HeardUpdates
from tests.protocol.fake_host import FakeHost
from tests.protocol.listeners import opened, subscribe
from tests.protocol.test_channel import ELICITS, talk
from tradepost.protocol import channel, event_log
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.notices import TOOLS_CHANGED

ONE, TWO = "shop://orders/1", "shop://orders/2"
SSE = {"accept": "application/json, text/event-stream"}


class Stream:
    """An event stream, read event by event."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, dict[str, Any]] | None:
        """Id and message of the next event; None at the end of the stream."""
        event_id = ""
        async for line in self._lines:
            if line.startswith("id: "):
                event_id = line[4:]
            elif line.startswith("data: "):
                return event_id, json.loads(line[6:])
        return None

    async def rest(self) -> list[tuple[str, dict[str, Any]]]:
        """All that is still to come."""
        events = []
        while (event := await self.next()) is not None:
            events.append(event)
        return events


@asynccontextmanager
async def called(desk: Desk, session: dict[str, str], what: str) -> AsyncIterator[Stream]:
    """A call that answers by a stream."""
    headers = {**session, **SSE, "authorization": "Bearer token-a"}
    body = talk(what, {"progressToken": 4})
    async with desk.http.stream("POST", f"{desk.url}/mcp", headers=headers, json=body) as response:
        yield Stream(response)


@asynccontextmanager
async def back(desk: Desk, session: dict[str, str], last: str | None, token: str = "token-a") -> AsyncIterator[Stream]:
    """A GET that goes on after an event."""
    headers = {**session, **SSE, "authorization": f"Bearer {token}"}
    if last is not None:
        headers["last-event-id"] = last
    async with desk.http.stream("GET", f"{desk.url}/mcp", headers=headers) as response:
        yield Stream(response)


async def asked(desk: Desk) -> dict[str, str]:
    """A session whose client can be asked."""
    return {"mcp-session-id": (await desk.bare("initialize", ELICITS)).headers["mcp-session-id"]}


async def reply_to(desk: Desk, session: dict[str, str], question: dict[str, Any]) -> None:
    reply = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}}
    assert (await desk.send(reply, headers=session)).status_code == 202


async def test_what_was_missed_is_sent_again_and_the_stream_ends_with_the_answer(desk: Desk) -> None:
    session = await opened(desk)
    async with called(desk, session, "tell") as stream:
        first = await stream.next()
        rest = await stream.rest()
    assert first is not None
    ids = [event_id for event_id, _ in (first, *rest)]
    assert ids == [f"1-{number}" for number in range(1, len(ids) + 1)]
    async with back(desk, session, first[0]) as again:
        assert again.response.status_code == 200
        assert await again.rest() == rest
    async with back(desk, session, ids[-1]) as again:
        assert await again.rest() == []
    async with called(desk, session, "tell") as stream:
        assert (await stream.rest())[0][0] == "2-1", "ids are unique in the session"


async def test_the_first_event_says_how_long_to_wait(desk: Desk) -> None:
    session = await opened(desk)
    async with called(desk, session, "tell") as stream:
        body = (await stream.response.aread()).decode()
    assert body.startswith("retry: 1000\nid: 1-1\ndata: ")
    assert body.count("retry:") == 1


async def test_a_client_that_comes_back_is_still_asked_and_gets_its_answer(desk: Desk) -> None:
    session = await asked(desk)
    async with called(desk, session, "ask") as stream:
        first = await stream.next()
    assert first is not None
    async with back(desk, session, first[0]) as again:
        await reply_to(desk, session, first[1])
        ((event_id, answer),) = await again.rest()
    assert (event_id, answer["result"]["structuredContent"]) == ("1-2", {"result": {"action": "decline"}})


async def test_a_question_that_was_lost_is_asked_again(desk: Desk) -> None:
    session = await asked(desk)
    async with called(desk, session, "ask") as stream:
        lost = await stream.next()
    async with back(desk, session, "1-0") as again:
        found = await again.next()
        assert found == lost
        assert found is not None
        await reply_to(desk, session, found[1])
        assert len(await again.rest()) == 1


async def test_each_message_goes_out_on_one_stream_only(desk: Desk) -> None:
    session = await asked(desk)
    async with called(desk, session, "ask") as stream:
        first = await stream.next()
        assert first is not None
        async with back(desk, session, first[0]) as older, back(desk, session, first[0]) as newer:
            assert await older.rest() == [], "a newer connection takes the place of an older one"
            await reply_to(desk, session, first[1])
            assert len(await newer.rest()) == 1
        assert await stream.rest() == []


async def test_nobody_else_gets_it(desk: Desk, host: FakeHost) -> None:
    session, other = await asked(desk), await opened(desk)
    async with called(desk, session, "ask") as stream:
        first = await stream.next()
    assert first is not None
    for headers, token, status in ((session, "token-b", 404), (other, "token-a", 400), (session, "token-x", 401)):
        async with back(desk, headers, first[0], token) as refused:
            assert refused.response.status_code == status
    async with back(desk, session, first[0]) as again:
        host.revoked.add("token-a")
        host.revoked.discard("token-b")
        await desk.send(method="DELETE", headers=session)  # refused as well
        host.revoked.clear()
        await desk.send(method="DELETE", headers=session)
        again.response.raise_for_status()
    async with back(desk, session, first[0]) as gone:
        assert gone.response.status_code == 404


@pytest.mark.parametrize("last", ["", "nonsense", "1-99", "7-1", "-1-1", "01-1"])
async def test_an_id_that_was_never_given_or_is_forgotten_is_refused(desk: Desk, last: str) -> None:
    session = await opened(desk)
    async with called(desk, session, "tell") as stream:
        await stream.rest()
    refused = await desk.send(method="GET", headers={"last-event-id": last, **session, **SSE})
    assert refused.status_code == 400
    assert "Last-Event-ID" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("bound", "value"), [("MOST_SESSION_BYTES", 200), ("MOST_BYTES", 200), ("MOST_STREAMS", 1), ("KEEP_SECONDS", -1.0)]
)
async def test_what_is_kept_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch, bound: str, value: float) -> None:
    monkeypatch.setattr(event_log, bound, value)
    session = await opened(desk)
    for _ in range(2):
        async with called(desk, session, "tell") as stream:
            await stream.rest()
    async with back(desk, session, "1-1") as refused:
        assert refused.response.status_code == 400


async def test_who_does_not_come_back_is_not_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "RETURN_SECONDS", 0.0)
    session = await asked(desk)
    async with called(desk, session, "ask") as stream:
        first = await stream.next()
    assert first is not None
    async with back(desk, session, first[0]) as again:
        ((_, answer),) = await again.rest()
    assert answer["error"]["code"] == 503


async def test_a_stopping_server_ends_a_resumed_stream(desk: Desk, endpoint: McpEndpoint) -> None:
    session = await asked(desk)
    async with called(desk, session, "ask") as stream:
        first = await stream.next()
    assert first is not None
    async with back(desk, session, first[0]) as again:
        endpoint.end_streams()
        assert await again.rest() == []
    await reply_to(desk, session, first[1])


async def test_the_sessions_own_stream_tells_what_came_after_an_event(
    desk: Desk, host: FakeHost, updates: HeardUpdates
) -> None:
    session = await opened(desk)
    await subscribe(desk, session, ONE)
    await subscribe(desk, session, TWO)
    told = []
    async with back(desk, session, None) as stream:
        for record in ("ord_1", "ord_2"):
            updates.publish("ws_1", [record])
            told.append(await stream.next())
        host.marks[TOOLS_CHANGED] = 2
        updates.lists.publish("ws_1")
        told.append(await stream.next())
    ids = [event[0] for event in told if event]
    assert ids == ["0-1", "0-2", "0-3"]
    async with back(desk, session, ids[0]) as stream:
        missed = [await stream.next(), await stream.next()]
        assert {event[1]["method"] for event in missed if event} == {"notifications/resources/updated", TOOLS_CHANGED}
        assert [event[0] for event in missed if event] == ["0-4", "0-5"]
    host.unreadable.add(ONE)
    async with back(desk, session, "0-5") as stream:
        updates.publish("ws_1", ["ord_1", "ord_2"])
        event = await stream.next()
        assert event is not None
        assert (event[0], event[1]["params"]) == ("0-6", {"uri": TWO})

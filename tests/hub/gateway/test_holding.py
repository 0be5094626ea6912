"""A server that asks in the middle of a call, and a client that answers with a retry: one call, however many rounds."""

import asyncio
from typing import Any

import pytest

from tests.hub.gateway.test_foreign import guard
from tests.hub.gateway.world import World, error_of
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.hub.registration.assignments import unassign
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.builtin import Json, ToolResult
from tradepost.protocol.hosting import CallExtras

QUESTION = {"method": "elicitation/create", "params": {"message": "Colour?"}}
SECONDS = 20.0


class Client:
    """The channel of one request: what it was told."""

    wants_progress = True
    log_level = None

    def __init__(self) -> None:
        self.told: list[Json] = []

    def can_ask(self, method: str) -> bool:
        return False

    async def notify(self, method: str, params: Json) -> None:
        self.told.append(params)

    async def ask(self, method: str, params: Json) -> Json:
        raise AssertionError("it cannot be asked")


class Asking:
    """A foreign server whose tools ask so many times, then say what they were answered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.questions = 1
        self.replies: list[Json | None] = []
        self.holds = world.built.pipeline.parts.holds
        self.answered = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.ended = asyncio.Event()

    async def __call__(self, tool: CatalogTool, arguments: Json, key: str | None) -> ToolResult:
        talk = self.world.servers.talks[-1]
        assert talk is not None
        hear = talk.options(())["on_message"]
        assert hear is not None
        said: list[Json | None] = []
        for number in range(self.questions):
            said.append(await hear({"id": number, **QUESTION}))
            self.answered.set()
            await self.goes_on.wait()
            await hear({"method": "notifications/progress", "params": {"progress": number}})
        self.replies += said
        self.ended.set()
        return ToolResult([{"type": "text", "text": str(said)}])

    async def call(self, name: str, state: str | None = None, **more: Any) -> Json:
        """One request of a client: the first one, or a retry with its state."""
        return await self.world.gateway.call_tool(
            more.pop("by", None) or await self.world.agent(),
            None,
            name,
            {"parcel": more.pop("parcel", "7")},
            CallExtras(
                client_capabilities=more.pop("declares", {"elicitation": {}}),
                request_state=state,
                input_responses=more.pop("answers", None),
                rounds=True,
                idempotency_key=more.pop("key", None),
                channel=more.pop("channel", None),
            ),
        )

    @property
    def calls(self) -> int:
        return len(self.world.servers.remote_calls)


def answers(asked: Json, colour: str = "red") -> Json:
    (name,) = asked["inputRequests"]
    return {name: {"action": "accept", "content": {"colour": colour}}}


@pytest.fixture
async def asking(world: World) -> Asking:
    await guard(world)
    await world.add_remote("ship")
    await world.add_remote("track", "read")
    world.servers.remote = made = Asking(world)
    return made


async def rows(world: World) -> list[tuple[str, str]]:
    return [(row.kind, row.tag) for row in await world.audited()]


@pytest.mark.parametrize("name", ["track", "ship"])
async def test_the_retry_takes_up_the_very_call(asking: Asking, name: str) -> None:
    asking.questions = 2
    first = await asking.call(name)
    assert (first["resultType"], list(first["inputRequests"].values())) == ("input_required", [QUESTION])
    assert first["_meta"]["io.tradepost/source"]["server"] == "foreign"
    second = await asking.call(name, first["requestState"], answers=answers(first))
    assert second["inputRequests"].keys() != first["inputRequests"].keys()
    done = await asking.call(name, second["requestState"], answers=answers(second, "blue"))
    assert done["content"][0]["text"] == str(
        [{"result": answers(first)["q1"]}, {"result": answers(second, "blue")["q2"]}]
    )
    assert asking.calls == 1
    found = await rows(asking.world)
    if name == "ship":
        assert [kind for kind, _ in found].count("intent") == [kind for kind, _ in found].count("outcome") == 1
        assert (await asking.world.only_action()).state == "succeeded"
    else:
        assert found.count(("read", "tool:call")) == 1
    assert found.count(("read", "tool:resume")) == 2


async def test_what_the_server_says_reaches_whoever_waits(asking: Asking) -> None:
    asking.questions = 2
    before, retrying, last = Client(), Client(), Client()
    first = await asking.call("track", channel=before)
    second = await asking.call("track", first["requestState"], answers=answers(first), channel=retrying)
    await asking.call("track", second["requestState"], answers=answers(second), channel=last)
    assert (before.told, [one["progress"] for one in retrying.told], [one["progress"] for one in last.told]) == (
        [],
        [0],
        [1],
    )


async def test_a_retry_without_the_answer_is_asked_again(asking: Asking) -> None:
    first = await asking.call("track")
    again = await asking.call("track", first["requestState"], answers={"another": {"action": "accept"}})
    assert again["inputRequests"] == first["inputRequests"]
    assert (await asking.call("track", again["requestState"], answers=answers(again)))["content"]
    assert asking.calls == 1


async def test_a_retry_that_comes_twice_gets_the_same_and_answers_once(asking: Asking) -> None:
    first = await asking.call("ship")
    state = first["requestState"]
    one, other = await asyncio.gather(
        asking.call("ship", state, answers=answers(first)), asking.call("ship", state, answers=answers(first, "green"))
    )
    assert one == other == await asking.call("ship", state, answers=answers(first, "blue"))
    assert (asking.calls, len(asking.replies)) == (1, 1)


async def test_a_client_that_lost_the_question_gets_it_again_by_its_key(asking: Asking) -> None:
    first = await asking.call("ship", key="k1")
    again = await asking.call("ship", key="k1")
    assert again["inputRequests"] == first["inputRequests"]
    assert not (await asking.call("ship", again["requestState"], answers=answers(again), key="k1"))["isError"]
    assert asking.calls == 1


async def test_a_retry_of_another_call_does_not_open_it(asking: Asking) -> None:
    first = await asking.call("ship", key="k1")
    state, given = first["requestState"], answers(first)
    with pytest.raises(InvalidArgument):
        await asking.call("ship", state, answers=given, parcel="8")
    with pytest.raises(InvalidArgument):
        await asking.call("track", state, answers=given)
    with pytest.raises(InvalidArgument, match="another idempotency key"):
        await asking.call("ship", state, answers=given, key="k2")
    assert asking.replies == []
    assert not (await asking.call("ship", state, answers=given, key="k1"))["isError"]


async def test_an_agent_that_lost_the_tool_gets_nothing_more(asking: Asking) -> None:
    first = await asking.call("track")
    async with asking.world.changing() as session:
        await unassign(session, asking.world.admin, "foreign", "track", agent="supply")
    with pytest.raises(NotFound):
        await asking.call("track", first["requestState"], answers=answers(first))
    assert asking.replies == []


async def until_ended(asking: Asking) -> None:
    """Return when the server has been answered, whoever answered."""
    await asyncio.wait_for(asking.ended.wait(), SECONDS)


async def test_a_client_that_never_comes_back_costs_its_call_and_no_more(asking: Asking) -> None:
    asking.questions, asking.holds.seconds = 3, 0.05
    first = await asking.call("ship", key="k1")
    await until_ended(asking)
    assert asking.replies == [{"result": {"action": "cancel"}}] * 3
    late = await asking.call("ship", first["requestState"], answers=answers(first), key="k1")
    assert late == await asking.call("ship", first["requestState"], answers=answers(first), key="k1")
    assert "cancel" in late["content"][0]["text"]
    assert asking.calls == 1
    assert (await asking.world.only_action()).state == "succeeded"  # as the server said


@pytest.mark.parametrize("name", ["track", "ship"])
async def test_a_call_whose_process_died(asking: Asking, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await asking.call(name)
    monkeypatch.setattr(asking.holds, "find", lambda _held_id: None)  # as a process that never heard of it
    retry = await asking.call(name, first["requestState"], answers=answers(first))
    if name == "track":
        assert retry["inputRequests"] == first["inputRequests"]
        assert retry["requestState"] != first["requestState"]
        assert asking.calls == 2
    else:
        assert error_of(retry)["details"] == {"state": "unknown"}
        assert asking.calls == 1


async def test_so_many_are_held_and_no_more(asking: Asking) -> None:
    asking.holds._per_principal = 2
    held = [await asking.call("track", parcel=str(number)) for number in range(2)]
    refused = await asking.call("track")
    assert "Too many calls" in refused["content"][0]["text"]
    done = await asking.call("track", held[0]["requestState"], answers=answers(held[0]), parcel="0")
    assert "red" in done["content"][0]["text"]
    assert (await asking.call("track"))["resultType"] == "input_required"


@pytest.mark.parametrize("name", ["track", "ship"])
async def test_a_client_that_leaves_during_its_retry_ends_a_read_and_no_write(asking: Asking, name: str) -> None:
    first = await asking.call(name)
    asking.goes_on.clear()
    retry = asyncio.create_task(asking.call(name, first["requestState"], answers=answers(first)))
    await asyncio.wait_for(asking.answered.wait(), SECONDS)
    retry.cancel()
    await asyncio.gather(retry, return_exceptions=True)
    asking.goes_on.set()
    again = await asking.call(name, first["requestState"], answers=answers(first))
    if name == "track":
        assert again["inputRequests"] == first["inputRequests"]  # begun anew
        canceled = [row.kind for row in await asking.world.audited() if row.outcome == "canceled"]
        assert sorted(canceled) == ["read", "refused"]  # the call, and the retry that did nothing by itself
    else:
        assert "red" in again["content"][0]["text"]
        assert asking.calls == 1


async def test_a_read_that_is_left_before_any_question_is_recorded_once(asking: Asking) -> None:
    begun = asyncio.Event()

    async def silent(_tool: CatalogTool, _arguments: Json, _key: str | None) -> ToolResult:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("it does not end by itself")

    asking.world.servers.remote = silent
    first = asyncio.create_task(asking.call("track"))
    await asyncio.wait_for(begun.wait(), SECONDS)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    async with asyncio.timeout(SECONDS):
        while not (found := await rows(asking.world)):
            continue
    assert found == [("read", "tool:canceled")]


async def test_a_stopping_process_lets_go(asking: Asking) -> None:
    asking.questions = 2
    first = await asking.call("ship")
    await asking.holds.stop()
    await until_ended(asking)
    assert asking.replies[0] == {"result": {"action": "cancel"}}
    late = await asking.call("ship", first["requestState"], answers=answers(first))
    assert "cancel" in late["content"][0]["text"]


async def test_a_client_that_declares_nothing_is_not_asked(asking: Asking) -> None:
    assert "None" in (await asking.call("track", declares={}))["content"][0]["text"]
    assert "None" in (await asking.call("track", declares={"sampling": {}}))["content"][0]["text"]
    assert len(asking.holds) == 0

"""A small runtime of agents for tests of conversations: a message is a little program whose lines are its steps, and it
goes through the hub's door as the real one does. It keeps what it does, waits for approvals, and goes on after what was
kept."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2

from tests.api.world import Client
from tradepost.agents.conversations.build import Agents
from tradepost.agents.ports import Awaited, Recorder, Spent, Step, ToolDoor, Turn, TurnEnd
from tradepost.app import Tradepost
from tradepost.foundation.caller import Caller
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import find_agent

Json = dict[str, Any]
PATIENCE_SECONDS = 60  # other processes have to start first, on a machine that may be busy
SPENT = Spent(tokens_in=100, tokens_out=20, cost_micros=300, latency_ms=40.0)


@dataclass
class LineByLine:
    """`say WORDS` answers, `write WORDS` is a delta, `call TOOL {…}` calls, `hold NAME` waits until a test lets it go,
    `break` is a mistake in the runtime."""

    hub: Tradepost
    began: Counter[str] = field(default_factory=Counter)
    calls: list[tuple[str, str]] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    earlier: list[list[str]] = field(default_factory=list)
    after_call: Callable[["LineByLine"], None] = lambda _: None

    async def for_agent(self, asked_by: Caller, agent: str, run_id: str) -> Caller:
        async with self.hub.hub.transaction(asked_by.workspace_id, write=False) as session:
            found = await find_agent(session, agent)
        known = {"agent_id": found.id, "profile_id": found.profile_id, "scopes": frozenset(found.scopes)}
        return replace(asked_by, request_id=new_id("req"), run_id=run_id, seen=None, **known)

    def gate(self, name: str) -> asyncio.Event:
        """Set it, and `hold NAME` goes on."""
        return self.gates.setdefault(name, asyncio.Event())

    async def is_held(self, name: str) -> None:
        """Return when a turn is at `hold NAME`."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.held.setdefault(name, asyncio.Event()).wait()

    async def run(self, turn: Turn, record: Recorder) -> TurnEnd:
        self.began[turn.message] += 1
        self.earlier.append([step.kind for step in turn.earlier])
        results = {step.tool_call_id: step.content for step in turn.done if step.kind == "tool_result"}
        if not turn.done:
            await record.step(Step("message", turn.agent, {"text": turn.message}))
        asked = {step.tool_call_id for step in turn.done if step.kind == "tool_call"}
        answer, awaited = "", []
        for number, line in enumerate(turn.message.splitlines()):
            verb, _, rest = line.partition(" ")
            call_id = f"call_{number}"
            if verb == "say":
                answer = rest.replace("@@", "").replace("$RESULTS", json.dumps(list(results.values())))
            elif verb == "write":
                record.delta(turn.agent, rest)
            elif verb == "hold":
                self.held.setdefault(rest, asyncio.Event()).set()
                await self.gate(rest).wait()
            elif verb == "break":
                raise RuntimeError("a mistake in the runtime")
            elif verb == "call" and call_id in turn.decided and call_id not in results:
                results[call_id] = {"tool": rest.split(" ")[0], "result": turn.decided[call_id]}
                await record.step(Step("tool_result", turn.agent, results[call_id], tool_call_id=call_id))
            elif verb == "call" and call_id not in results:
                tool, _, text = rest.partition(" ")
                arguments = json.loads(text or "{}")
                if call_id not in asked:
                    said = {"tool": tool, "arguments": arguments}
                    await record.step(Step("tool_call", turn.agent, said, spent=SPENT, tool_call_id=call_id))
                caller = await self.for_agent(turn.asked_by, turn.agent, turn.run_id)
                key = f"{turn.run_id}:{call_id}"
                self.calls.append((tool, key))
                result = await self.door.call(caller, tool, arguments, turn.run_id, key if "update" in tool else None)
                self.after_call(self)
                waits = result.get("structuredContent", {}).get("status") == "approval_required"
                if waits:
                    approval = result["structuredContent"]["approval_id"]
                    said = {"tool": tool, "approval_id": approval}
                    await record.step(Step("waiting", turn.agent, said, tool_call_id=call_id))
                    awaited.append(Awaited(turn.agent, call_id, tool, approval))
                else:
                    results[call_id] = {"tool": tool, "result": result}
                    await record.step(Step("tool_result", turn.agent, results[call_id], tool_call_id=call_id))
        if awaited:
            return TurnEnd("waiting", "It waits for an approval.", awaited)
        await record.step(Step("answer", turn.agent, {"text": answer}, spent=SPENT))
        return TurnEnd("finished", answer)

    @property
    def door(self) -> ToolDoor:
        return self.hub.gateway.door


class Talk:
    """A conversation of one client."""

    def __init__(self, client: Client, found: Json) -> None:
        self.client = client
        self.id = str(found["id"])
        self.path = f"/conversations/{self.id}"

    async def say(self, *lines: str) -> Json:
        """Send a message; the turn as it is then."""
        return await self.client.post(f"{self.path}/messages", {"message": "\n".join(lines)}, status=202)

    async def turns(self) -> list[Json]:
        """All turns."""
        return list((await self.client.get(self.path))["page"]["items"])

    async def until(self, turn_id: str, *statuses: str) -> Json:
        """The turn once it stands so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = next(one for one in await self.turns() if one["id"] == turn_id)
                if found["status"] in statuses:
                    return found
                await asyncio.sleep(0.02)

    async def answered(self, *lines: str) -> Json:
        """Say something, and the turn when it has ended."""
        return await self.until((await self.say(*lines))["id"], "finished", "failed", "stopped")


async def talk(as_: Callable[..., Client], who: str = "operator") -> Talk:
    """A new conversation of somebody."""
    client = as_(who)
    given = {} if who.endswith("agent") else {"agent": "supply"}
    return Talk(client, await client.post("/conversations", given))


async def until(holds: Callable[[], bool]) -> None:
    """Return when it holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    id: str | None
    name: str
    data: Json


async def events_of(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """The events of a stream, as they come."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line == "":
            if "event" in fields:
                yield Event(fields.get("id"), fields["event"], json.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


@asynccontextmanager
async def watching(http: httpx2.AsyncClient, secret: str, path: str, **headers: str) -> AsyncIterator[Any]:
    """The stream of a conversation."""
    given = {"authorization": f"Bearer {secret}", **{name.replace("_", "-"): one for name, one in headers.items()}}
    async with http.stream("GET", f"/api/v1{path}", headers=given) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"] == "text/event-stream"
        yield events_of(answer.aiter_lines())


def agents_that(**options: Any) -> Callable[[Tradepost], Agents]:
    """For `open_tradepost`."""

    def make(hub: Tradepost) -> Agents:
        made = LineByLine(hub, **options)
        return Agents(made, made)

    return make


agents_of = agents_that()


def runtime_of(hub: Tradepost) -> LineByLine:
    """What answers in this hub."""
    assert hub.conversations.worker is not None
    found = hub.conversations.worker._runs._runtime
    assert isinstance(found, LineByLine)
    return found

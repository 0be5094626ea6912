"""`tradepost chat`: talk with an agent of the running hub, in a terminal."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import quote

import httpx2
import typer
from rich.markup import escape

from tradepost import settings
from tradepost.cli import console, local
from tradepost.cli.session import DataOption, JsonOption, WorkspaceOption, run
from tradepost.foundation.errors import NotFound, TradepostError, UpstreamError

API = "/api/v1"
ANSWER_SECONDS = 60.0  # between two events: the hub sends one every fifteen seconds, if only to say that it is there
MOST_RECONNECTS = 10
SHOWN = 160  # characters of a call's arguments or result
BYE = ("/quit", "/exit", "/bye")

Json = dict[str, Any]


def register(app: typer.Typer) -> None:
    app.command("chat")(chat)


def chat(
    agent: Annotated[str, typer.Option("--agent", help="The agent to talk with.")],
    once: Annotated[str | None, typer.Option("--once", help="Ask this one question, and leave.")] = None,
    conversation: Annotated[str | None, typer.Option("--conversation", help="Go on with this conversation.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="The hub's URL, when it is not the one of --data.")] = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Talk with an agent of the running hub, with the key that is kept for it or that of TRADEPOST_KEY."""

    async def work() -> None:
        loaded = settings.load(data=data)
        target = (url or local.running_url(loaded.data, loaded.url)).rstrip("/")
        headers = {"Authorization": f"Bearer {local.key_of(loaded.data, agent, workspace)}"}
        timeout = httpx2.Timeout(ANSWER_SECONDS, connect=3.0)
        async with httpx2.AsyncClient(base_url=target, headers=headers, timeout=timeout, trust_env=False) as client:
            desk = _Desk(client, target, as_json=as_json)
            await desk.open(agent, conversation)
            if once is not None:
                await desk.ask(once)
            else:
                await _talk(desk)

    run(work)


async def _talk(desk: "_Desk") -> None:
    if not desk.as_json:
        console.say(f"Conversation {desk.id}. An empty line or /quit leaves; come back with --conversation {desk.id}.")
    while True:
        try:
            said = await asyncio.to_thread(input, "" if desk.as_json else "> ")
        except EOFError:
            return
        if not said.strip() or said.strip() in BYE:
            return
        await desk.ask(said)


class _Desk:
    """One conversation, and how it shows."""

    def __init__(self, client: httpx2.AsyncClient, url: str, *, as_json: bool) -> None:
        self._client = client
        self._url = url
        self.as_json = as_json
        self.id = ""
        self._is_writing = False

    async def open(self, agent: str, conversation: str | None) -> None:
        """Take up a conversation, or begin one."""
        if conversation is None:
            made = await self._send("POST", "/conversations", {"agent": agent}, what=f"agent '{agent}'")
            self.id = str(made["id"])
            return
        what = f"conversation '{conversation}'"
        found = await self._send("GET", f"/conversations/{quote(conversation, safe='')}?limit=50", what=what)
        self.id = str(found["id"])
        if not self.as_json:
            for turn in found["page"]["items"][-3:]:
                console.say(f"> {turn['message']}")
                _show_turn(turn, whole=True)

    async def ask(self, message: str) -> None:
        """Say something, and show what follows until it is answered or waits for a person."""
        sent = await self._send("POST", f"/conversations/{self.id}/messages", {"message": message})
        turn = sent
        written = ""
        async for name, event in self._events():
            if name == "turn" and event["id"] == sent["id"]:
                turn = event
            elif event.get("turn_id") != sent["id"] or self.as_json:
                continue
            elif name == "delta":
                written += event["text"]
                self._write(event["text"])
            elif name == "step":
                self._end_line()
                _show_step(event)
        self._end_line()
        if self.as_json:
            console.show_json(turn)
        else:
            _show_turn(turn, whole=turn["answer"].strip() != written.strip())
        if turn["status"] == "failed":
            raise SystemExit(console.EXIT_FAILED)

    def _write(self, text: str) -> None:
        self._is_writing = True
        console.out.print(escape(text), end="", soft_wrap=True)

    def _end_line(self) -> None:
        if self._is_writing:
            console.out.print()
        self._is_writing = False

    async def _events(self) -> AsyncIterator[tuple[str, Json]]:
        """The events of the stream until its end, over several connections if need be."""
        last: str | None = None
        for _ in range(MOST_RECONNECTS):
            headers = {} if last is None else {"Last-Event-ID": last}
            try:
                async with self._client.stream("GET", f"{API}/conversations/{self.id}/events", headers=headers) as got:
                    if got.status_code != 200:
                        raise _refusal(await got.aread())
                    async for number, name, event in _read(got.aiter_lines()):
                        last = number or last
                        if name == "error":
                            raise TradepostError(str(event.get("message")), hint=event.get("hint"))
                        if name == "end":
                            return
                        yield name, event
            except httpx2.TransportError:
                await asyncio.sleep(1)  # the hub may be starting anew: it goes on where it was
        raise self._gone()

    async def _send(self, method: str, path: str, body: Json | None = None, what: str = "") -> Json:
        """One request, and its answer. `what` is not there where the hub says that something is not."""
        try:
            answer = await self._client.request(method, f"{API}{path}", json=body)
            found: Json = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise self._gone() from error
        if answer.status_code == 404 and what:
            raise NotFound(
                f"There is no {what} for this key.",
                hint="`tradepost agent list` and `tradepost conversation list` show which there are.",
            )
        if answer.status_code >= 400:
            raise _refusal(answer.content)
        return found

    def _gone(self) -> UpstreamError:
        hint = "Start it with `tradepost demo` or `tradepost serve`."
        return UpstreamError(f"No hub answers at {self._url}: agents work in a hub that serves.", hint=hint)


async def _read(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str | None, str, Json]]:
    """Server-sent events: id, name, data."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line:
            if "event" in fields:
                yield fields.get("id"), fields["event"], json.loads(fields.get("data", "{}"))
            fields = {}


def _refusal(body: bytes) -> TradepostError:
    try:
        problem = json.loads(body)
    except ValueError:
        problem = {}
    return TradepostError(str(problem.get("detail") or "The hub refused this."), hint=problem.get("hint"))


def _show_step(step: Json) -> None:
    """A step in one dim line; the person's own words and the answer show elsewhere."""
    if step["kind"] in ("message", "answer", "model"):
        return
    content = " ".join(json.dumps(step["content"], ensure_ascii=False).split())
    cut = content if len(content) <= SHOWN else f"{content[:SHOWN]}…"
    console.out.print(f"[dim]{escape(step['agent'])} {step['kind']} {escape(cut)}[/dim]", soft_wrap=True)


def _show_turn(turn: Json, *, whole: bool) -> None:
    if whole and turn["answer"]:
        console.say(turn["answer"])
    for wait in turn["waits"]:
        if wait["ended_at"] is None and turn["status"] == "waiting":
            console.say(f"{wait['tool']} waits for a person's approval; the answer comes when it is there:")
            console.say(f"  tradepost approvals show {wait['approval_id']}")
            console.say(f"  tradepost approvals approve {wait['approval_id']} --as YOUR-E-MAIL")
    if turn["status"] in ("queued", "running"):
        console.say("(this is not answered yet)")

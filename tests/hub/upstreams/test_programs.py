"""Servers that are programs: only the operator's, told apart by id, started again, and gone with the hub (C10)."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tradepost.foundation.errors import NotFound, SetupError
from tradepost.hub.upstreams.programs import Program, Programs, Starter, read_programs
from tradepost.protocol import stdio_link
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.stdio_link import StdioLink
from tradepost.protocol.upstream_errors import UpstreamFailed

TALKING = str(Path(__file__).parent / "talking_program.py")
SECONDS = 20.0

Opened = Callable[..., StdioLink]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio_link, "RESTART_SECONDS", 0.0)


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Makes wires to the talking program, and ends them."""
    made: list[StdioLink] = []

    def make(*options: str, **env: str) -> StdioLink:
        program = Program(command=sys.executable, args=[TALKING, *options], env=env)
        program.fill_in(lambda _variable: "hunter22")
        made.append(StdioLink(Starter("talking", program), "talking"))
        return made[-1]

    yield make
    for wire in made:
        await wire.close()


async def nobody(message: Json) -> None:
    raise AssertionError(f"nobody waits for {message}")


async def call(wire: StdioLink, name: str, on_message: Any = nobody, meta: Json | None = None, **arguments: Any) -> Any:
    params = {"name": name, "arguments": arguments, **({"_meta": meta} if meta else {})}
    answered = await asyncio.wait_for(
        wire.request("tools/call", params, {}, on_message, Deadline(SECONDS), repeatable=False), SECONDS
    )
    return json.loads(answered.message["result"]["content"][0]["text"])


def is_alive(pid: int) -> bool:
    """A zombie counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(*pids: int) -> None:
    async with asyncio.timeout(SECONDS):
        while any(is_alive(pid) for pid in pids):
            await asyncio.to_thread(os.sched_yield)


async def test_answers_are_told_apart_whatever_their_order(opened: Opened) -> None:
    wire = opened()
    assert await call(wire, "echo", word="ü") == {"word": "ü"}
    first, second = await asyncio.gather(call(wire, "slow"), call(wire, "slow"))
    assert first < second


async def test_progress_goes_to_the_call_that_it_names(opened: Opened) -> None:
    wire, heard = opened(), []

    async def hear(message: Json) -> None:
        heard.append(message["params"]["progressToken"])

    waiting = asyncio.create_task(call(wire, "slow"))
    await call(wire, "echo", hear, {"progressToken": "t1"})
    await call(wire, "slow")
    await waiting
    assert heard == ["t1"]


async def test_a_question_goes_to_the_only_call_and_otherwise_to_nobody(opened: Opened) -> None:
    wire = opened()

    async def answer(message: Json) -> None:
        await wire.post({"jsonrpc": "2.0", "id": message["id"], "result": {"roots": []}}, {}, Deadline(SECONDS))

    assert (await call(wire, "ask", answer))["result"] == {"roots": []}
    waiting = asyncio.create_task(call(wire, "slow"))
    await call(wire, "echo")
    assert (await call(wire, "ask"))["error"]["code"] == -32601
    await call(wire, "slow")
    await waiting


async def test_a_program_that_ends_says_why_and_is_started_again(opened: Opened) -> None:
    wire = opened(SECRET="${PASSWORD}")
    with pytest.raises(UpstreamFailed) as failed:
        await call(wire, "die")
    assert failed.value.dispatched
    assert failed.value.hint == "Its last words: out of memory near [hidden]"
    assert await call(wire, "echo", word="again") == {"word": "again"}
    assert wire.generation == 1


@pytest.mark.parametrize(("name", "said"), [("flood", "a line of more than"), ("strays", "that nobody asked for")])
async def test_one_that_floods_is_ended(opened: Opened, name: str, said: str) -> None:
    wire = opened()
    with pytest.raises(UpstreamFailed, match=said):
        await call(wire, name)
    assert await call(wire, "echo") == {}


async def test_whoever_stops_waiting_tells_the_server(opened: Opened) -> None:
    wire = opened("--note")
    waiting = asyncio.create_task(call(wire, "slow"))
    await call(wire, "echo")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    with pytest.raises(UpstreamFailed) as failed:
        await call(wire, "die")
    assert "out of memory" in str(failed.value.hint)


async def test_it_sees_its_own_environment_and_little_of_ours(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEPOST_SMS_TOKEN", "ours")
    seen = await call(opened(TOKEN="its own"), "environment")
    assert seen["TOKEN"] == "its own"
    assert seen["PATH"] == os.environ["PATH"]
    assert not [name for name in seen if name.startswith("TRADEPOST")]


@pytest.mark.parametrize("options", [(), ("--stay",)])
async def test_its_whole_group_ends_with_the_connection(opened: Opened, options: tuple[str, ...]) -> None:
    wire = opened(*options)
    pids = await call(wire, "child")
    assert all(is_alive(pid) for pid in pids)
    await wire.close()
    await gone(*pids)


async def test_its_whole_group_ends_when_the_hub_is_killed(tmp_path: Path) -> None:
    hub = f"""
import asyncio, sys
from tradepost.hub.upstreams.programs import Program, Starter
from tradepost.protocol.stdio_link import StdioLink
from tradepost.protocol.deadlines import Deadline
async def main():
    wire = StdioLink(Starter("talking", Program(command=sys.executable, args=[{TALKING!r}, "--stay"])), "talking")
    params = {{"name": "child", "arguments": {{}}}}
    answered = await wire.request("tools/call", params, {{}}, print, Deadline(20), repeatable=False)
    print(answered.message["result"]["content"][0]["text"], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", hub, stdout=subprocess.PIPE)
    assert process.stdout is not None
    pids = json.loads(await asyncio.wait_for(process.stdout.readline(), SECONDS))
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await gone(*pids)


async def test_a_program_that_is_not_there_is_said() -> None:
    wire = StdioLink(Starter("none", Program(command="no-such-program-anywhere")), "none")
    with pytest.raises(UpstreamFailed) as failed:
        await call(wire, "echo")
    assert failed.value.hint == "Its last words: no-such-program-anywhere: No such file or directory"
    await wire.close()


def written(folder: Path, content: Any) -> Path:
    file = folder / "servers.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_the_operators_file_is_the_form_of_desktop_clients(tmp_path: Path) -> None:
    entry = {"command": "uvx", "args": ["mcp-server-time"], "env": {"KEY": "k-${KEY}", "TZ": "Europe/Berlin"}}
    programs = read_programs(written(tmp_path, {"mcpServers": {"time": entry}}), ["uvx"], {"KEY": "hunter22"})
    assert programs.names() == ["time"]
    program = programs.starter("time").program
    assert program.env == {"KEY": "k-hunter22", "TZ": "Europe/Berlin"}
    assert program.secrets == ("hunter22",)  # answers may well speak of Berlin
    with pytest.raises(NotFound):
        programs.starter("other")
    assert read_programs(None, []).names() == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ({"servers": {}}, "is wrong at mcpServers"),
        ({"mcpServers": {"a": {"command": ""}}}, "is wrong at mcpServers.a.command"),
        ({"mcpServers": {"a": {"command": "uvx", "shell": True}}}, "is wrong at mcpServers.a.shell"),
        ({"mcpServers": {"a": {"command": "bash"}}}, "starts 'bash' for 'a', which is not allowed"),
        ({"mcpServers": {"a": {"command": "uvx", "env": {"T": "${NOT_SET}"}}}}, "wants the variable NOT_SET"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(SetupError) as refused:
        read_programs(written(tmp_path, content), ["uvx"], {})
    assert said in refused.value.message
    assert isinstance(Programs(), Programs)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        read_programs(tmp_path / "none.json", [], {})

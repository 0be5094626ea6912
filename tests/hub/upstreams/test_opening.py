"""Servers are opened beside each other, each once in a while, and what hangs or fails keeps nobody waiting."""

import asyncio
from dataclasses import dataclass, replace

from tradepost.hub.limits.settings import DEFAULTS, Limits
from tradepost.hub.upstreams.opening import AGAIN_SECONDS, AT_ONCE, FIRST_SECONDS, PAUSE_SECONDS, Opening
from tradepost.hub.upstreams.targets import Target
from tradepost.protocol.upstream_errors import UpstreamFailed


@dataclass(frozen=True)
class Entry:
    server_id: str
    server_slug: str = "tracker"
    server_kind: str = "remote"
    builtin_key: str | None = None
    server_url: str | None = "https://tracker.test/mcp"
    credential_version: int = 0
    limits: Limits = DEFAULTS


class Servers:
    """What is opened; `hangs` never answers, `fails` refuses."""

    def __init__(self, hangs: tuple[str, ...] = (), fails: tuple[str, ...] = ()) -> None:
        self.asked: list[str] = []
        self.at_once = self.most = 0
        self.hangs, self.fails = hangs, fails

    async def open(self, workspace_id: str, target: Target, seconds: float) -> None:
        self.asked.append(target.server_id)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            if target.server_id in self.hangs:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            if target.server_id in self.fails:
                raise UpstreamFailed("refused", dispatched=False)
        finally:
            self.at_once -= 1


async def at_once(_seconds: float) -> None:
    """Instead of a pause."""
    await asyncio.sleep(0)


async def turns() -> None:
    """Let what is ready run."""
    for _ in range(2_000):
        await asyncio.sleep(0)


async def test_all_are_opened_and_one_that_hangs_holds_up_none() -> None:
    servers = Servers(hangs=("s0",), fails=("s1",))
    opening = Opening(servers.open, rest=at_once)
    opening.begin("ws", [Entry(f"s{number}") for number in range(5)])
    await turns()
    assert sorted(servers.asked) == ["s0", "s1", "s2", "s3", "s4"]
    assert servers.at_once == 1
    await opening.stop()
    assert servers.at_once == 0


async def test_not_more_than_a_number_at_once() -> None:
    names = [f"s{number}" for number in range(AT_ONCE * 3)]
    servers = Servers(hangs=tuple(names))
    opening = Opening(servers.open, rest=at_once)
    opening.begin("ws", [Entry(name) for name in names])
    await turns()
    assert (servers.asked, servers.most) == (names[:AT_ONCE], AT_ONCE)
    await opening.stop()
    assert servers.at_once == 0


async def test_they_step_behind_the_answer_and_one_begins_after_the_other() -> None:
    """Nothing is begun before the list that asked was answered, and of fifty that are down each in its turn."""
    servers, pauses, go_on = Servers(), [], asyncio.Semaphore(0)

    async def rest(seconds: float) -> None:
        pauses.append(seconds)
        await go_on.acquire()

    opening = Opening(servers.open, rest=rest)
    opening.begin("ws", [Entry(f"s{number}") for number in range(50)])
    for begun in range(5):
        await turns()
        assert len(servers.asked) == begun
        go_on.release()
    assert (pauses[0], min(pauses[1:])) == (FIRST_SECONDS, PAUSE_SECONDS)
    await opening.stop()


async def test_what_was_down_is_looked_for_last_and_one_at_a_time() -> None:
    down = ("s0", "s1", "s2")
    servers, clock = Servers(fails=down), [0.0]
    opening = Opening(servers.open, lambda: clock[0], at_once)
    opening.begin("ws", [Entry(name) for name in down])
    await turns()
    clock[0] += AGAIN_SECONDS
    servers.asked.clear()
    servers.hangs, servers.most = ("s1",), 0
    opening.begin("ws", [Entry(name) for name in (*down, "s3")])
    await turns()
    assert (servers.asked, servers.at_once) == (["s3", "s0", "s1"], 1)
    servers.fails = ()
    await opening.stop()


async def test_each_is_looked_at_once_in_a_while_and_at_once_after_a_change() -> None:
    servers, clock = Servers(fails=("s1",)), [0.0]
    opening, entry = Opening(servers.open, lambda: clock[0], at_once), Entry("s1")
    for _ in range(3):
        opening.begin("ws", [entry])
        await turns()
    assert servers.asked == ["s1"]
    opening.begin("ws", [replace(entry, credential_version=1)])
    opening.begin("other", [entry])
    await turns()
    assert len(servers.asked) == 3
    clock[0] += AGAIN_SECONDS
    opening.begin("ws", [entry])
    await turns()
    assert len(servers.asked) == 4
    await opening.stop()

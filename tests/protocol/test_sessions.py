"""Sessions in memory: bound to their owner, bounded in number, forgotten when idle."""

import asyncio

import pytest

from tradepost.foundation.caller import Caller, Principal
from tradepost.protocol import sessions
from tradepost.protocol.sessions import IDLE_SECONDS, MemorySessionStore, Session, owner_of


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_only_the_owner_gets_and_ends_a_session():
    store = MemorySessionStore()
    session = Session("a", None, "2025-11-25")
    session_id = await store.open(session)
    assert await store.get(session_id, "a") == session
    assert await store.get(session_id, "b") is None
    assert not await store.end(session_id, "b")
    assert await store.end(session_id, "a")
    assert await store.get(session_id, "a") is None


async def test_an_idle_session_is_forgotten_and_a_used_one_is_kept():
    clock = Clock()
    store = MemorySessionStore(clock)
    idle, used = [await store.open(Session("a", None, "2025-11-25")) for _ in range(2)]
    clock.now = IDLE_SECONDS - 1
    assert await store.get(used, "a")
    clock.now = IDLE_SECONDS + 1
    assert await store.get(used, "a")
    assert await store.get(idle, "a") is None


async def test_an_idle_session_ends_although_nobody_comes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sessions, "IDLE_SECONDS", 0.05)
    store, ended = MemorySessionStore(), asyncio.Queue[str]()
    store.on_end(ended.put_nowait)
    opened = [await store.open(Session("a", None, "2025-11-25")) for _ in range(2)]
    assert [await asyncio.wait_for(ended.get(), 5) for _ in opened] == opened


async def test_one_owner_cannot_push_out_the_sessions_of_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sessions, "MAX_PER_OWNER", 3)
    store = MemorySessionStore()
    other = await store.open(Session("b", None, "2025-11-25"))
    opened = [await store.open(Session("a", None, "2025-11-25")) for _ in range(5)]
    assert [await store.get(session_id, "a") is not None for session_id in opened] == [False, False, True, True, True]
    assert await store.get(other, "b")


async def test_the_number_of_sessions_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 2)
    store = MemorySessionStore()
    opened = [(owner, await store.open(Session(owner, None, "2025-11-25"))) for owner in "abc"]
    assert [await store.get(session_id, owner) is not None for owner, session_id in opened] == [False, True, True]


async def test_a_changed_session_is_kept_for_its_owner_only():
    store = MemorySessionStore()
    session_id = await store.open(Session("a", None, "2025-11-25"))
    await store.replace(session_id, Session("b", None, "2025-11-25", log_level="debug"))
    await store.replace(session_id, Session("a", None, "2025-11-25", log_level="error"))
    kept = await store.get(session_id, "a")
    assert kept is not None
    assert kept.log_level == "error"


def test_the_owner_is_workspace_and_principal():
    one = Caller("ws_1", Principal("agent_key", "k"), "r1")
    assert owner_of(one) == owner_of(one.for_request("r2"))
    assert owner_of(one) != owner_of(Caller("ws_2", Principal("agent_key", "k"), "r1"))
    assert owner_of(one) != owner_of(Caller("ws_1", Principal("user", "k"), "r1"))

"""The warm connections: how many, how old, whose turn it is, and what is said about a request that got no answer."""

import asyncio
import socket

import pytest

from tests.protocol.conftest import as_written
from tests.protocol.raw_server import OK, Asker, RawServer, Seen, asking, raw, writing
from tradepost.protocol import http_pool
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut


class Gate:
    """Answers when it is opened; knows how many requests are waiting at once."""

    def __init__(self, most: int = 1) -> None:
        self.open = asyncio.Semaphore(0)
        self.full = asyncio.Event()
        self.inside = self.highest = 0
        self._most = most

    async def __call__(self, seen: Seen) -> None:
        self.inside += 1
        self.highest = max(self.highest, self.inside)
        if self.inside == self._most:
            self.full.set()
        await self.open.acquire()
        self.inside -= 1
        await seen.write(OK)

    async def filled(self) -> None:
        """Wait until as many requests wait as may."""
        async with asyncio.timeout(5):
            await self.full.wait()

    def release(self, count: int = 1) -> None:
        for _ in range(count):
            self.open.release()


# --- which connection --------------------------------------------------------------------------------------------


async def test_the_connection_used_last_is_used_first():
    gate = Gate(2)
    async with asking(gate) as (server, asker):
        both = [asyncio.create_task(asker.ask()) for _ in range(2)]
        await gate.filled()
        gate.release(2)
        await asyncio.gather(*both)
        gate.release(3)
        for _ in range(3):
            await asker.ask()
        assert server.connections == 2
        assert len({seen.connection for seen in server.requests[2:]}) == 1


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_connection_that_was_idle_for_too_long_is_not_used(monkeypatch: pytest.MonkeyPatch, repeatable: bool):
    async with asking(writing(OK)) as (server, asker):
        await asker.ask()
        monkeypatch.setattr(http_pool, "SAFE_IDLE_SECONDS", -1.0)
        assert await asker.ask(repeatable=repeatable) == (200, b"hi")
        assert server.connections == (1 if repeatable else 2)  # the server may be closing it just now
        monkeypatch.setattr(http_pool, "IDLE_SECONDS", -1.0)
        assert await asker.ask(repeatable=True) == (200, b"hi")
        assert server.connections == (2 if repeatable else 3)


async def test_a_server_may_say_how_long_it_keeps_a_connection():
    async with asking(writing(OK.replace(b"OK", b"OK\r\nKeep-Alive: timeout=1, max=9"))) as (server, asker):
        await asker.ask(repeatable=True)
        await asker.ask(repeatable=True)
        assert server.connections == 2
    async with asking(writing(OK.replace(b"OK", b"OK\r\nKeep-Alive: timeout=30"))) as (server, asker):
        await asker.ask(repeatable=True)
        await asker.ask(repeatable=True)
        assert server.connections == 1


async def test_idle_connections_are_closed_in_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_pool, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(http_pool, "IDLE_SECONDS", 0.0)
    async with asking(writing(OK)) as (server, asker):
        await asker.ask()
        await server.left()


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used_for_anything():
    async def behave(seen: Seen) -> None:
        await seen.write(OK)
        raise ConnectionError

    async with asking(behave) as (server, asker):
        for _ in range(3):
            assert await asker.ask() == (200, b"hi")
        assert server.connections == 3


async def test_a_closed_connection_is_noticed_before_the_event_loop_says_so():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        async with HttpPool(as_written) as pool:
            asker = Asker(f"http://127.0.0.1:{listener.getsockname()[1]}/", pool)

            async def serve() -> socket.socket:
                peer, _ = await loop.sock_accept(listener)
                await loop.sock_recv(peer, 65536)
                await loop.sock_sendall(peer, OK)
                return peer

            serving = asyncio.create_task(serve())
            await asker.ask()
            (await serving).close()
            serving = asyncio.create_task(serve())
            assert await asker.ask(repeatable=False) == (200, b"hi")  # nothing of it went to the closed one
            (await serving).close()


async def test_bytes_that_nobody_asked_for_end_an_idle_connection():
    async with asking(writing(OK)) as (server, asker):
        await asker.ask()
        await server.requests[0].write(OK.replace(b"hi", b"no"))
        await server.left()
        assert await asker.ask() == (200, b"hi")
        assert server.connections == 2


# --- sent once, or twice -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("repeatable", [True, False])
async def test_only_a_repeatable_request_is_sent_again_where_a_used_connection_was_closed(repeatable: bool):
    async def behave(seen: Seen) -> None:
        if seen.in_all == 2:
            raise ConnectionError
        await seen.write(OK)

    async with asking(behave) as (server, asker):
        await asker.ask()
        if repeatable:
            assert await asker.ask(b"again", repeatable=True) == (200, b"hi")
            assert [(seen.connection, seen.body) for seen in server.requests[1:]] == [(1, b"again"), (2, b"again")]
        else:
            with pytest.raises(UpstreamFailed, match="broke") as failed:
                await asker.ask(b"once")
            assert (failed.value.dispatched, failed.value.answered) == (True, False)
            assert len(server.requests) == 2


@pytest.mark.parametrize("what", ["a byte had come", "the connection was new", "it happens again"])
async def test_even_a_repeatable_request_is_not_sent_again_when(what: str):
    async def behave(seen: Seen) -> None:
        if seen.in_all == 1 and what != "the connection was new":
            await seen.write(OK)
            return
        if what == "a byte had come":
            await seen.write(b"H")
        raise ConnectionError

    async with asking(behave) as (server, asker):
        if what != "the connection was new":
            await asker.ask()
        with pytest.raises(UpstreamFailed, match="broke") as failed:
            await asker.ask(repeatable=True)
        assert failed.value.dispatched
        assert len(server.requests) == {"a byte had come": 2, "the connection was new": 1, "it happens again": 3}[what]


async def test_a_repetition_that_reaches_nobody_does_not_hide_the_first_time():
    async def behave(seen: Seen) -> None:
        if seen.in_all == 1:
            await seen.write(OK)
            return
        listening.close()
        raise ConnectionError

    told = RawServer(behave)
    listening = await asyncio.start_server(told, "127.0.0.1", 0)
    async with HttpPool(as_written) as pool:
        asker = Asker(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", pool)
        await asker.ask()
        with pytest.raises(UpstreamFailed, match="could not be reached") as failed:
            await asker.ask(repeatable=True)
        assert failed.value.dispatched
    await listening.wait_closed()


# --- turns and bounds --------------------------------------------------------------------------------------------


async def test_no_more_than_the_bound_run_on_one_server_and_the_rest_follow_in_order():
    gate = Gate()
    async with asking(gate, most_per_origin=1) as (server, asker):
        asked = [asyncio.create_task(asker.ask(b"%d" % number)) for number in range(6)]
        await gate.filled()
        gate.release(6)
        assert await asyncio.gather(*asked) == [(200, b"hi")] * 6
        assert (gate.highest, server.connections) == (1, 1)
        assert [seen.body for seen in server.requests] == [b"%d" % number for number in range(6)]


async def test_a_full_pool_makes_room_for_another_server():
    async with asking(writing(OK), most=1) as (first, asker), raw(writing(OK)) as second:
        other = Asker(second.url, asker.pool)
        answer = await asker.begun()
        waiting = asyncio.create_task(other.ask())
        await asyncio.sleep(0)
        assert second.requests == []
        answer.close()
        assert await waiting == (200, b"hi")
        await first.left()  # its idle connection had to go


@pytest.mark.parametrize("when", ["waiting", "handed over"])
async def test_who_gives_up_waiting_takes_no_turn_away(when: str):
    async with asking(writing(OK), most_per_origin=1) as (_, asker):
        answer = await asker.begun()
        waiting = asyncio.create_task(asker.ask())
        await asyncio.sleep(0)
        if when == "waiting":
            waiting.cancel()
            await asyncio.wait([waiting])
            answer.close()
        else:
            answer.close()
            waiting.cancel()
            await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert await asker.ask() == (200, b"hi")


async def test_waiting_for_a_turn_ends_with_the_callers_deadline_and_sends_nothing():
    gate = Gate()
    async with asking(gate, most_per_origin=1) as (server, asker):
        first = asyncio.create_task(asker.ask())
        await gate.filled()
        with pytest.raises(UpstreamTimedOut, match="could not be reached") as late:
            async with Deadline(0.02):
                await asker.ask()
        assert not late.value.dispatched
        gate.release()
        await first
        assert len(server.requests) == 1


async def test_a_caller_that_goes_away_closes_the_connection_and_gives_its_turn_back():
    gate = Gate()
    async with asking(gate, most_per_origin=1) as (server, asker):
        running = asyncio.create_task(asker.ask())
        await gate.filled()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        gate.release(2)
        await server.left()
        assert await asker.ask() == (200, b"hi")
        assert server.connections == 2


async def test_a_body_that_we_cut_ourselves_does_not_look_whole():
    async with asking(writing(b"HTTP/1.1 200 OK\r\n\r\nh")) as (_, asker):
        answer = await asker.begun()
        assert await anext(answer) == b"h"
        await asker.pool.close()
        with pytest.raises(UpstreamFailed, match="broke"):
            await anext(answer)
        answer.close()


async def test_closing_the_pool_breaks_what_is_running_and_opens_nothing_more():
    gate = Gate()
    async with asking(gate) as (_, asker):
        running = asyncio.create_task(asker.ask())
        await gate.filled()
        await asker.pool.close()
        with pytest.raises(UpstreamFailed, match="broke") as failed:
            await running
        assert failed.value.dispatched
        with pytest.raises(UpstreamFailed, match="could not be reached") as failed:
            await asker.ask()
        assert not failed.value.dispatched


# --- deadlines ---------------------------------------------------------------------------------------------------


async def test_a_deadline_that_passes_leaves_its_task_as_it_was():
    with pytest.raises(UpstreamTimedOut):
        async with Deadline(0.01):
            await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    async with Deadline(5):
        await asyncio.sleep(0)


async def test_a_deadline_that_gets_its_timer_after_a_moment_passes_as_well():
    with pytest.raises(UpstreamTimedOut, match=r"within 0\.13 seconds"):
        async with Deadline(10), Deadline(0.13):
            await asyncio.Event().wait()


async def test_a_pause_does_not_count_whether_there_is_a_timer_yet_or_not():
    for seconds in (0.05, 0.15):
        async with Deadline(seconds) as deadline:
            async with deadline.paused(5):
                await asyncio.sleep(0.16)
            assert deadline.left() > 0
    with pytest.raises(UpstreamTimedOut):
        async with Deadline(5) as deadline, deadline.paused(0.01):
            await asyncio.Event().wait()


async def test_deadlines_of_loops_in_several_threads_end_their_own_tasks():
    async def wait() -> None:
        async with Deadline(0.15):
            await asyncio.Event().wait()

    ended = await asyncio.gather(
        wait(), asyncio.to_thread(asyncio.run, wait()), asyncio.to_thread(asyncio.run, wait()), return_exceptions=True
    )
    assert [type(one) for one in ended] == [UpstreamTimedOut] * 3


async def test_the_outer_of_two_deadlines_speaks_for_itself():
    with pytest.raises(UpstreamTimedOut, match=r"within 0\.01 seconds"):
        async with Deadline(0.01), Deadline(5):
            await asyncio.Event().wait()


async def test_a_cancellation_from_outside_is_not_taken_for_a_deadline():
    async def wait() -> None:
        async with Deadline(0.0):
            entered.set()
            await asyncio.Event().wait()

    entered = asyncio.Event()
    task = asyncio.create_task(wait())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

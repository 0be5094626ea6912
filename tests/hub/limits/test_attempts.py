"""Reads are repeated where that can help, writes never, and a server in trouble is not asked more than it has to be."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from tradepost.foundation.errors import NotFound
from tradepost.hub.limits import attempts as making
from tradepost.hub.limits.attempts import Attempts
from tradepost.hub.limits.settings import limits_of
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

Failure = Callable[[], Exception]


def not_reached() -> Exception:
    return UpstreamFailed("refused", dispatched=False)


def busy() -> Exception:
    return UpstreamFailed("busy", dispatched=True, status=503)


def broken() -> Exception:
    return UpstreamFailed("broken", dispatched=True, status=500)


def silent() -> Exception:
    return UpstreamTimedOut("silent", dispatched=True)


def said_no() -> Exception:
    return UpstreamFailed("no", dispatched=True, answered=True, status=400)


def said_error() -> Exception:
    return UpstreamFailed("no", dispatched=True, rpc_error={"code": -32602, "message": "no", "data": None})


def missing() -> Exception:
    return NotFound("no such thing")


class Server:
    """Fails as told, then answers."""

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)()
        return "answer"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def attempts() -> Attempts:
    return Attempts()


async def call(attempts: Attempts, server: Server, *, read: bool = True, seconds: float = 60.0) -> str:
    ends_at = asyncio.get_running_loop().time() + seconds
    return await attempts.make("srv", "orders", server, repeatable=read, ends_at=ends_at)


async def many(attempts: Attempts, calls: int) -> None:
    for _ in range(calls):
        await call(attempts, Server())


@pytest.mark.parametrize("failure", [not_reached, busy])
async def test_a_read_is_repeated_twice_at_most(attempts: Attempts, failure: Failure) -> None:
    await many(attempts, 100)
    twice = Server(failure, failure)
    assert await call(attempts, twice) == "answer"
    assert twice.asked == 3
    more = Server(failure, failure, failure)
    with pytest.raises(UpstreamFailed):
        await call(attempts, more)
    assert more.asked == 3


@pytest.mark.parametrize("failure", [broken, silent, said_no, said_error, missing])
async def test_what_may_have_been_done_or_was_refused_is_not_repeated(attempts: Attempts, failure: Failure) -> None:
    await many(attempts, 100)
    server = Server(failure)
    with pytest.raises(type(failure())):
        await call(attempts, server)
    assert server.asked == 1


@pytest.mark.parametrize("failure", [not_reached, busy])
async def test_a_write_is_never_repeated(attempts: Attempts, failure: Failure) -> None:
    server = Server(failure)
    with pytest.raises(UpstreamFailed):
        await call(attempts, server, read=False)
    assert server.asked == 1


async def test_repetitions_stay_a_tenth_of_the_calls(attempts: Attempts) -> None:
    """A server that is up and down: every other request fails."""
    server, calls = Server(), 200
    for _ in range(calls):
        server.failures = [busy] if server.asked % 2 else []
        with contextlib.suppress(UpstreamFailed):
            await call(attempts, server)
    assert calls * 1.05 < server.asked <= 1 + calls * 1.1


async def test_there_is_no_repetition_beyond_the_end_of_the_call(attempts: Attempts) -> None:
    def later() -> Exception:
        failure = busy()
        assert isinstance(failure, UpstreamFailed)
        failure.retry_after_seconds = 5.0
        return failure

    server = Server(later)
    with pytest.raises(UpstreamFailed):
        await call(attempts, server, seconds=4.0)
    assert server.asked == 1


@pytest.mark.parametrize("failure", [not_reached, busy, broken, silent])
async def test_a_server_in_trouble_is_left_alone(attempts: Attempts, failure: Failure) -> None:
    down = Server(*[failure] * 100)
    for _ in range(20):
        with pytest.raises((UpstreamFailed, UpstreamTimedOut)):
            await call(attempts, down, read=False)
    assert down.asked == 5


@pytest.mark.parametrize("failure", [said_no, said_error, missing])
async def test_one_that_says_no_is_well(attempts: Attempts, failure: Failure) -> None:
    server = Server(*[failure] * 20)
    for _ in range(20):
        with pytest.raises((UpstreamFailed, NotFound)):
            await call(attempts, server)
    assert server.asked == 20


async def test_a_call_that_is_broken_off_says_nothing_about_the_server(attempts: Attempts) -> None:
    async def hangs() -> str:
        await asyncio.Event().wait()
        return "never"

    for _ in range(10):
        making_it = asyncio.create_task(
            attempts.make("srv", "orders", hangs, repeatable=True, ends_at=asyncio.get_running_loop().time() + 60)
        )
        await asyncio.sleep(0)
        making_it.cancel()
        await asyncio.gather(making_it, return_exceptions=True)
    assert await call(attempts, Server()) == "answer"


async def test_a_repetition_ends_with_the_call(attempts: Attempts) -> None:
    asked = 0

    async def once() -> str:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise busy()
        return await asyncio.get_running_loop().create_future()

    ends_at = asyncio.get_running_loop().time() + 0.05
    with pytest.raises(UpstreamTimedOut):
        await attempts.make("srv", "orders", once, repeatable=True, ends_at=ends_at)
    assert asked == 2


async def test_settings_say_how_often_a_read_is_repeated(attempts: Attempts) -> None:
    async def asked(settings: dict[str, float], key: str) -> int:
        server = Server(*[busy] * 10)
        ends_at = asyncio.get_running_loop().time() + 60.0
        limits = limits_of({**settings, "breaker_failures": 100})
        with pytest.raises(UpstreamFailed):
            await attempts.make(key, "orders", server, repeatable=True, ends_at=ends_at, limits=limits)
        return server.asked

    for _ in range(10):
        ends_at = asyncio.get_running_loop().time() + 60.0
        whole = limits_of({"retry_share": 1.0})
        await attempts.make("much", "orders", Server(), repeatable=True, ends_at=ends_at, limits=whole)
    assert await asked({"retries": 4, "retry_share": 1.0}, "much") == 5
    assert await asked({"retries": 0}, "none") == 1
    assert await asked({"retry_share": 0.0}, "no share") == 1

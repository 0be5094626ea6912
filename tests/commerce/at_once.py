"""Many calls at the same moment from two processes, as two replicas over one store make them."""

import asyncio
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from tests.commerce.conftest import NOW, WORKSPACE
from tests.forking import context
from tradepost.commerce.servers import build_servers
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import fixed

Json = dict[str, Any]
Answer = tuple[bool, Json]  # whether it is an error, and what it says


async def called_from_two(url: str, tool: str, calls: Sequence[Json]) -> list[Answer]:
    """Call a write with each of these arguments, half of them from one process and half from another, all at once.
    Answers in the order of the calls."""
    halves = [calls[: len(calls) // 2], calls[len(calls) // 2 :]]
    pipes = [context.Pipe() for _ in halves]
    started = [
        context.Process(target=_process, args=(url, tool, list(half), index, pipe[1]))
        for index, (half, pipe) in enumerate(zip(halves, pipes, strict=True))
    ]
    for process in started:
        process.start()
    for ours, _ in pipes:
        assert await asyncio.to_thread(ours.poll, 60), "a process did not get ready"
        ours.recv()
    for ours, _ in pipes:
        ours.send("go")
    answers: list[Answer] = []
    for ours, _ in pipes:
        assert await asyncio.to_thread(ours.poll, 60), "a process did not answer"
        answers += ours.recv()
    for process in started:
        process.join()
    return answers


def _process(url: str, tool: str, calls: list[Json], index: int, pipe: Connection) -> None:
    asyncio.run(_call_all(url, tool, calls, index, pipe))


async def _call_all(url: str, tool: str, calls: list[Json], index: int, pipe: Connection) -> None:
    database = Database(url)
    await database.ping()
    server = next(one for one in build_servers(database, fixed(NOW)) for found in one.tools if found.name == tool)
    scopes = frozenset(found.scope for found in server.tools)
    caller = Caller(WORKSPACE, Principal("operator", f"process {index}"), f"req_{index}", scopes=scopes)
    pipe.send("ready")
    pipe.recv()
    results = await asyncio.gather(
        *(
            server.call(caller, tool, {**arguments, "idempotency_key": f"k{number}"}, None, "execute")
            for number, arguments in enumerate(calls)
        )
    )
    pipe.send([(result.is_error, result.structured) for result in results])
    await database.close()

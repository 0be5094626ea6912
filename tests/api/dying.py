"""A second hub in a process of its own, which takes up turns and is killed, as by `kill -9`, right after a call."""

import asyncio
import os
import signal
from multiprocessing.connection import Connection

from tests.api.talking import LineByLine, agents_that
from tests.forking import context
from tradepost import settings
from tradepost.app import open_tradepost

PATIENCE_SECONDS = 60


def killed_after_a_call(configured: settings.Settings) -> int | None:
    """Let it take up what is due. Returns its exit status."""
    here, there = context.Pipe()
    process = context.Process(target=_run, args=(there, configured))
    process.start()
    there.close()
    process.join(PATIENCE_SECONDS)
    status = process.exitcode
    if process.is_alive():
        process.kill()
    process.join()
    here.close()
    return status


def _run(_there: Connection, configured: settings.Settings) -> None:
    def die(_runtime: LineByLine) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    async def main() -> None:
        hub = await open_tradepost(configured, agents=agents_that(after_call=die))
        await hub.start()
        await asyncio.sleep(PATIENCE_SECONDS)

    asyncio.run(main())

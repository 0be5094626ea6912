"""The event loop and the task that run, for what every call passes.

On Python before 3.12 each `asyncio.get_running_loop()` asks the operating system for the process's id, and a call would
ask a handful of times.
"""

import asyncio
import os
import threading
from time import monotonic
from typing import Any

loop_time = monotonic  # what `time()` of every event loop tells


class _Last(threading.local):
    """The loop that was found last, in this thread."""

    loop: asyncio.AbstractEventLoop | None = None


_last = _Last()


def _forget() -> None:
    _last.loop = None


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_forget)


def running_task() -> tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]:
    """The loop and the task that run in this thread. Raises RuntimeError outside of any task."""
    loop = _last.loop
    task = asyncio.current_task(loop) if loop is not None else None
    if loop is None or task is None:  # another loop runs here now
        loop = _last.loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
    if task is None:
        raise RuntimeError("What can be ended from outside has to run in a task.")
    return loop, task

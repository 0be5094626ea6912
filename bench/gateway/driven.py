"""Load on one tool by the harness's driver, which checks that each answer is the one to its call."""

from dataclasses import dataclass
from typing import Any

from bench.gateway.harness import module

MODERN = "2026-07-28"


@dataclass(frozen=True)
class Load:
    """What came of a load."""

    calls: int
    p50_ms: float
    p99_ms: float
    per_second: float


class Driven:
    """A tool of one endpoint, called with the order numbers that the driver makes up. Use it within one event loop."""

    def __init__(self, url: str, tool: str, key: str | None = None) -> None:
        load = module("load")
        headers = [f"Authorization: Bearer {key}"] if key else []
        self._driver: Any = load.Driver(load.Target(url, MODERN, headers), tool, '{"order_id":"$N"}')

    async def load(self, clients: int, *, seconds: float = 600.0, calls: int = 10**9) -> Load:
        """Call until the time is over or all calls are made, on one connection per client. Raises RuntimeError when an
        answer is missing or wrong."""
        found = await self._driver.run(clients, calls, seconds, [None])
        if found["errors"] or found["unanswered"] or not found["ok"]:
            raise RuntimeError(f"{found['errors']} of {found['calls']} calls failed: {found['error_kinds']}")
        return Load(found["ok"], found["p50_ms"], found["p99_ms"], found["rps"])

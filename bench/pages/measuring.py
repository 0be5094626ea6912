"""Every page of the dashboard over a hub with many orders and many rows of the audit.

Somebody signs in over HTTP and opens each page again and again on one connection; what is timed is the whole answer, so
the server's time and what the machine needs to carry it. The first visit is the page and all that a browser loads for
it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from bench.measure import Measure, percentile
from bench.pages.filling import Place, filled
from bench.pages.routes import addresses, patterns
from bench.pages.visiting import Visitor
from bench.processes import cpu_seconds
from tradepost.starter.shop import FIRST

WARM_UP, ROUNDS, PASSES = 3, 10, 3  # the best pass counts: a machine has other things to do, too
PAGE_MS, FIRST_KIB = 50.0, 150.0
ASKED = "How many orders are late?"


def measures(orders: int, rows: int) -> Iterator[Measure]:
    """The slowest pages first, then the first load."""
    with filled(orders, rows) as place, place.served() as pid:
        visitor = Visitor(place.url)
        visitor.sign_in(place.link())
        _leave_something(place, visitor)
        first = visitor.get("/today").milliseconds
        there = addresses(visitor)
        for address in there.values():
            _opened(visitor, pid, address, WARM_UP)
        passes = [{name: _opened(visitor, pid, there[name], ROUNDS) for name in there} for _ in range(PASSES)]
        best = [(name, min((one[name] for one in passes), key=lambda opened: opened.half)) for name in there]
        for name, opened in sorted(best, key=lambda one: -one[1].half):
            note = f"95 %: {opened.most:.1f} ms; processor {opened.processor:.0f} ms; {there[name]}"
            yield Measure(name, opened.half, "ms", PAGE_MS, note[:110])
        yield Measure("/today, the first time after a start", first, "ms", None, "its charts are kept then")
        missing = [path for path in patterns() if path not in there]
        yield Measure("pages that nothing led to", len(missing), "", 0, ", ".join(missing))
        yield _first_load(visitor)


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that was opened several times: what half of the answers and 95 % took at most, in milliseconds, and what
    the hub's processor did for one, with all else it did meanwhile."""

    half: float
    most: float
    processor: float


def _opened(visitor: Visitor, pid: int, address: str, times: int) -> Opened:
    before = cpu_seconds(pid)
    taken = [visitor.get(address).milliseconds for _ in range(times)]
    used = (cpu_seconds(pid) - before) * 1000 / times
    return Opened(percentile(taken, 50), percentile(taken, 95), used)


def _first_load(visitor: Visitor) -> Measure:
    """What the first page weighs with all that it loads, nothing of it compressed."""
    page = visitor.get("/today")
    loaded = {path: len(visitor.get(path).body) for path in page.assets}
    size = (len(page.body) + sum(loaded.values())) / 1024
    note = f"/today and {', '.join(sorted(path.rpartition('/')[2] for path in loaded))}; not compressed"
    return Measure("first load", size, "KiB", FIRST_KIB, note)


def _leave_something(place: Place, visitor: Visitor) -> None:
    """A conversation, a customer who waits for a person, and a proposal: nothing of that comes with a demo."""
    visitor.get("/agents")
    visitor.post("/agents/planner/ask", message=ASKED)
    with httpx2.Client(base_url=f"{place.url}/api/v1", trust_env=False, timeout=60) as rest:
        rest.headers["authorization"] = f"Bearer {place.key}"
        entry = rest.get("/knowledge/entries", params={"limit": 1}).raise_for_status().json()["items"][0]["slug"]
        body = {"entry": entry, "body": f"## NEW-1 {ASKED}\n\nAsk us.", "reason": ASKED}
        rest.post("/knowledge/proposals", json=body).raise_for_status()
        token = rest.post("/shopper-sessions", json={"customer": FIRST}).raise_for_status().json()["token"]
        rest.headers["authorization"] = f"Bearer {token}"
        begun = rest.post("/shopper/conversations", json={}).raise_for_status().json()["id"]
        rest.post(f"/shopper/conversations/{begun}/person", json={}).raise_for_status()

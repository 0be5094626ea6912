"""Counting calls in memory: a dictionary and a few additions per call, made into metrics when somebody asks.

Names in here come from the registry, never from a client, and there is an end to how many are kept apart: whatever is
beyond counts as "other".
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any, NamedTuple

BOUNDS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BOUNDS_US = tuple(round(bound * 1_000_000) for bound in BOUNDS_SECONDS)
MOST_SERIES = 5_000
OTHER = "other"


class Ended(NamedTuple):
    """A call that is over. `tool` is a registered one or the kind of what was asked for, `outcome` one of ok, error,
    refused, approval_required, replayed; `code` that of the error."""

    workspace: str
    server: str
    tool: str
    agent: str
    writes: bool
    outcome: str
    code: str


class Times:
    """How long things took: how many at most so long, in all, and the sum in microseconds."""

    __slots__ = ("buckets", "total_us")

    def __init__(self, buckets: list[int] | None = None, total_us: int = 0) -> None:
        self.buckets = buckets or [0] * (len(BOUNDS_SECONDS) + 1)
        self.total_us = total_us

    def add(self, microseconds: int) -> None:
        self.buckets[bisect_left(_BOUNDS_US, microseconds)] += 1
        self.total_us += microseconds

    def merge(self, other: "Times") -> None:
        self.buckets = [mine + its for mine, its in zip(self.buckets, other.buckets, strict=True)]
        self.total_us += other.total_us


class Told(NamedTuple):
    """A value that is looked up, not counted, with its labels in the order of prometheus.TOLD."""

    name: str
    labels: tuple[str, ...]
    value: float = 1.0


Place = tuple[str, str, str]  # workspace, server, tool


@dataclass(slots=True)
class Counted:
    """What was counted. `looked` are results of outsiders by what the detector said of them, `gauges` values of this
    moment, by name and label; `told` is the same for all processes."""

    calls: dict[Ended, int] = field(default_factory=dict)
    times: dict[Place, Times] = field(default_factory=dict)
    upstream: dict[Place, Times] = field(default_factory=dict)
    looked: dict[tuple[str, str, str, str], int] = field(default_factory=dict)
    gauges: dict[tuple[str, str], float] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)

    def merge(self, other: "Counted") -> None:
        """Add what another process counted."""
        for ended, count in other.calls.items():
            self.calls[ended] = self.calls.get(ended, 0) + count
        for mine, its in ((self.times, other.times), (self.upstream, other.upstream)):
            for place, times in its.items():
                mine.setdefault(place, Times()).merge(times)
        for seen, count in other.looked.items():
            self.looked[seen] = self.looked.get(seen, 0) + count
        for name, value in other.gauges.items():
            before = self.gauges.get(name, 0.0)
            self.gauges[name] = max(before, value) if name[0].endswith("_seconds") else before + value

    def as_plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "calls": [[*ended, count] for ended, count in self.calls.items()],
            "times": [[*place, times.buckets, times.total_us] for place, times in self.times.items()],
            "upstream": [[*place, times.buckets, times.total_us] for place, times in self.upstream.items()],
            "looked": [[*seen, count] for seen, count in self.looked.items()],
            "gauges": [[*name, value] for name, value in self.gauges.items()],
        }

    @classmethod
    def of_plain(cls, plain: dict[str, Any]) -> "Counted":
        """What `as_plain` gave."""

        def timed(rows: list[Any]) -> dict[Place, Times]:
            return {(row[0], row[1], row[2]): Times(row[3], row[4]) for row in rows}

        return cls(
            {Ended(*row[:-1]): row[-1] for row in plain["calls"]},
            timed(plain["times"]),
            timed(plain["upstream"]),
            {(row[0], row[1], row[2], row[3]): row[4] for row in plain["looked"]},
            {(row[0], row[1]): row[2] for row in plain["gauges"]},
        )


class Meters:
    """The counters of this process."""

    def __init__(self) -> None:
        self.counted = Counted()

    def ended(self, call: Ended, duration_us: int, upstream_us: int | None) -> None:
        """Count a call."""
        counted = self.counted
        count = counted.calls.get(call)
        if count is None and len(counted.calls) >= MOST_SERIES:
            call = Ended(call.workspace, OTHER, OTHER, OTHER, call.writes, call.outcome, call.code)
            count = counted.calls.get(call)
        counted.calls[call] = 1 if count is None else count + 1
        place = call[:3]
        _times(counted.times, place).add(duration_us)
        if upstream_us is not None:
            _times(counted.upstream, place).add(upstream_us)

    def looked(self, workspace: str, server: str, tool: str, said: str) -> None:
        """Count what the detector said of a result: none, possible, likely, or skipped."""
        seen, kept = (workspace, server, tool, said), self.counted.looked
        if seen not in kept and len(kept) >= MOST_SERIES:
            seen = (workspace, OTHER, OTHER, said)
        kept[seen] = kept.get(seen, 0) + 1


def _times(kept: dict[Place, Times], place: Place) -> Times:
    times = kept.get(place)
    if times is None:
        if len(kept) >= MOST_SERIES:
            place = (place[0], OTHER, OTHER)
        times = kept.setdefault(place, Times())
    return times

"""The stops of a route as a sequence in time: where a stop can go and what that does to the others' ETA.

Works on delivery rows and changes only `stop_sequence` and `eta`. Times are estimates: the usual distance between two
stops of the same route stands for driving and handing over.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from tradepost.commerce.logistics.models import Delivery
from tradepost.commerce.logistics.states import OPEN_DELIVERIES
from tradepost.foundation.errors import InvalidArgument

USUAL_STOP = timedelta(minutes=15)  # where the route has too few ETAs to tell


def in_order(stops: Sequence[Delivery]) -> list[Delivery]:
    """The stops by sequence; those without one at the end."""
    return sorted(stops, key=lambda stop: (stop.stop_sequence is None, stop.stop_sequence or 0, stop.number))


def open_stops(stops: Sequence[Delivery]) -> list[Delivery]:
    """The stops still to be made, in order."""
    return [stop for stop in in_order(stops) if stop.status in OPEN_DELIVERIES]


def time_per_stop(stops: Sequence[Delivery]) -> timedelta:
    """The usual time from one stop of this route to the next."""
    times = [stop.eta for stop in in_order(stops) if stop.eta is not None]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times) if later > earlier]
    return timedelta(seconds=round(median(gaps))) if gaps else USUAL_STOP


def append(stops: Sequence[Delivery], stop: Delivery, earliest: datetime) -> None:
    """Put a stop at the end of the route, not before `earliest`."""
    before = in_order(stops)
    last = max((row.eta for row in open_stops(before) if row.eta is not None), default=None)
    stop.stop_sequence = max((row.stop_sequence or 0 for row in before), default=0) + 1
    stop.eta = earliest if last is None else max(earliest, last + time_per_stop(before))


def close_gap(stops: Sequence[Delivery], left: int | None) -> None:
    """Number the stops behind a stop that left the route one lower. Their ETAs stay: nobody is promised less time."""
    if left is None:
        return
    for stop in stops:
        if stop.stop_sequence is not None and stop.stop_sequence > left:
            stop.stop_sequence -= 1


def delay_from(stops: Sequence[Delivery], after: int | None, by: timedelta) -> list[Delivery]:
    """Push back the open stops behind a sequence number; gives those that moved."""
    moved = [stop for stop in open_stops(stops) if stop.stop_sequence is not None and stop.stop_sequence > (after or 0)]
    for stop in moved:
        if stop.eta is not None:
            stop.eta += by
    return moved


def catch_up(stops: Sequence[Delivery], start: datetime) -> None:
    """Push back the open stops so that the first is made after `start` at the earliest."""
    waiting = open_stops(stops)
    pause = time_per_stop(waiting)
    first = next((stop.eta for stop in waiting if stop.eta is not None), None)
    late = max(start + pause - first, timedelta()) if first is not None else timedelta()
    for position, stop in enumerate(waiting, start=1):
        stop.eta = start + position * pause if stop.eta is None else stop.eta + late


def place_at(stops: Sequence[Delivery], stop: Delivery, position: int) -> list[Delivery]:
    """Move a stop of the route to a position (1 = first of the route). The slots in time stay, the stops change slots.
    Gives all stops whose slot changed. Raises InvalidArgument for a position that is taken by a stop already made."""
    everything = in_order(stops)
    waiting = open_stops(everything)
    first = len(everything) - len(waiting) + 1
    if not first <= position <= len(everything):
        raise InvalidArgument(
            f"Position {position} is not free: the stops still to be made are {first} to {len(everything)}.",
            hint=f"Use a position from {first} to {len(everything)}.",
            field="stop_position",
        )
    slots = sorted(row.eta for row in waiting if row.eta is not None)
    moved = [row for row in waiting if row is not stop]
    moved.insert(position - first, stop)
    done = [row for row in everything if row not in waiting]
    changed = []
    for number, row in enumerate([*done, *moved], start=1):
        slot = slots[number - first] if len(slots) == len(waiting) and number >= first else row.eta
        if row.stop_sequence != number or row.eta != slot:
            row.stop_sequence, row.eta = number, slot
            changed.append(row)
    return changed

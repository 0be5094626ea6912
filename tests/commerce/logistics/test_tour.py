"""Stops of a route as a sequence in time."""

from datetime import timedelta

import pytest

from tests.commerce.conftest import NOW
from tradepost.commerce.logistics.models import Delivery
from tradepost.commerce.logistics.tour import (
    USUAL_STOP,
    append,
    catch_up,
    close_gap,
    delay_from,
    in_order,
    place_at,
    time_per_stop,
)
from tradepost.foundation.errors import InvalidArgument


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def stop(sequence: int | None, eta: int | None, status: str = "assigned") -> Delivery:
    return Delivery(
        number=f"D-{sequence}", stop_sequence=sequence, eta=None if eta is None else NOW + minutes(eta), status=status
    )


def test_a_stop_appended_comes_after_the_last_and_not_before_the_start() -> None:
    stops = [stop(1, 10), stop(2, 30), stop(3, 50)]
    late = stop(None, None)
    append(stops, late, NOW)
    assert (late.stop_sequence, late.eta) == (4, NOW + minutes(70))
    first = stop(None, None)
    append([], first, NOW + minutes(90))
    assert (first.stop_sequence, first.eta) == (1, NOW + minutes(90))


def test_a_route_catches_up_as_a_whole() -> None:
    stops = [stop(1, -200, "completed"), stop(2, -100), stop(3, -80), stop(4, None)]
    catch_up(stops, NOW)
    assert [row.eta for row in stops] == [NOW - minutes(200), NOW + minutes(20), NOW + minutes(40), NOW + minutes(60)]
    early = [stop(1, 300), stop(2, 320)]
    catch_up(early, NOW)
    assert early[0].eta == NOW + minutes(300)


def test_a_detour_pushes_back_only_open_stops_behind() -> None:
    stops = [stop(1, 10), stop(2, 30), stop(3, 50, "canceled")]
    moved = delay_from(stops, 1, minutes(5))
    assert moved == [stops[1]]
    assert stops[1].eta == NOW + minutes(35)


def test_positions_before_the_stops_already_made_are_refused() -> None:
    stops = [stop(1, -10, "completed"), stop(2, 10), stop(3, 30)]
    with pytest.raises(InvalidArgument, match="are 2 to 3"):
        place_at(stops, stops[2], 1)
    changed = place_at(stops, stops[2], 2)
    assert len(changed) == 2
    assert [(row.stop_sequence, row.eta) for row in stops[1:]] == [(3, NOW + minutes(30)), (2, NOW + minutes(10))]


def test_gaps_close_and_stops_without_a_place_come_last() -> None:
    stops = [stop(3, 30), stop(None, None), stop(1, 10)]
    close_gap(stops, 2)
    assert [row.stop_sequence for row in in_order(stops)] == [1, 2, None]
    assert time_per_stop([stop(None, None)]) == USUAL_STOP

"""Times in UTC with a Z; ids that sort by time and cannot be guessed."""

import os
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tradepost.foundation.clock import fixed, from_rfc3339, to_rfc3339
from tradepost.foundation.ids import handle, new_id, new_ids


def test_times_are_shown_and_read_in_utc() -> None:
    moment = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert to_rfc3339(moment) == "2026-03-29T00:30:00Z"
    assert from_rfc3339("2026-03-29T00:30:00Z") == moment
    assert from_rfc3339("2026-03-29").tzinfo == UTC
    with pytest.raises(ValueError, match="zone"):
        fixed(datetime(2026, 1, 1))  # noqa: DTZ001 (the mistake under test)


def test_ids_are_prefixed_unique_and_in_order() -> None:
    made = [new_id("ord") for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(value.startswith("ord_") and len(value) == 27 for value in made)
    assert [value[:14] for value in made] == sorted(value[:14] for value in made)
    assert len(handle("apr")) == 30


def test_ids_made_together_are_as_good_as_single_ones() -> None:
    before = new_id("aud")
    made = new_ids("aud", 1000)
    assert len(set(made)) == 1000
    assert all(value.startswith("aud_") and len(value) == 27 for value in made)
    assert before[:14] <= made[0][:14] <= new_id("aud")[:14]
    assert len({value[14:15] for value in made}) == 32  # every character has its turn
    assert new_ids("aud", 0) == []


def test_a_forked_process_makes_ids_of_its_own() -> None:
    new_id("ord")  # there is randomness in stock now
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, "".join(new_id("ord")[-13:] for _ in range(20)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 20 * 13).decode()
    ours = [new_id("ord")[-13:] for _ in range(20)]
    assert not set(ours) & {theirs[start : start + 13] for start in range(0, len(theirs), 13)}
    for end in (reader, writer):
        os.close(end)

"""Tools that every agent has: exact sums, dates, and what happens where a server's tool has such a name."""

from datetime import date

import pytest

from tradepost.agents.runtime.builtin import calculate, date_after, days_between


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("0.1 + 0.2", "0.1 + 0.2 = 0.3"),
        ("(3 * 24.90 + 4.95) * 0.81", "(3 * 24.90 + 4.95) * 0.81 = 64.5165"),
        (" -7 % 4 ", "-7 % 4 = -3"),
        ("1_000_000 * 1_000_000", "1_000_000 * 1_000_000 = 1000000000000"),
        ("1e3 / 8", "1e3 / 8 = 125"),
        ("2 ** 10", "2 ** 10 = 1024"),
        ("0 * 3", "0 * 3 = 0"),
    ],
)
def test_sums_are_exact(asked: str, answer: str) -> None:
    assert calculate(asked) == answer


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("1 / 0", "divides by zero"),
        ("9 ** 9 ** 9", "a whole number up to 100"),
        ("2 ** 0.5", "a whole number up to 100"),
        ("9e50 * 9e50", "too large"),
        ("__import__('os').getcwd()", "only numbers"),
        ("price * 3", "only numbers"),
        ("1 if 2 else 3", "only numbers"),
        ("True + 1", "only numbers"),
        ("0x10 + 1", "cannot be read"),
        ("3 +", "cannot be read"),
        ("", "cannot be read"),
        ("(" * 150 + "1" + ")" * 40, "cannot be read"),
        ("1 + " * 60 + "1", "more than 200 characters"),
        ("24,90 * 2", "only numbers"),
    ],
)
def test_what_is_no_sum_is_said(asked: str, why: str) -> None:
    said = calculate(asked)
    assert said.startswith("This is no sum: ")
    assert why in said


@pytest.mark.parametrize(
    ("start", "days", "working", "answer"),
    [
        ("2026-01-31", 30, False, "Monday 2026-03-02"),
        ("2026-03-02", -30, False, "Saturday 2026-01-31"),
        ("2026-11-20", 1, True, "Monday 2026-11-23"),
        ("2026-11-23", -1, True, "Friday 2026-11-20"),
        ("2026-11-21", 0, True, "Saturday 2026-11-21"),
        ("9999-12-31", 1, False, "That date is out of the calendar."),
        ("9999-12-31", 1, True, "That date is out of the calendar."),
    ],
)
def test_a_date_so_many_days_on(start: str, days: int, working: bool, answer: str) -> None:
    assert date_after(date.fromisoformat(start), days, working) == answer


def test_days_between_two_days() -> None:
    friday, monday = date(2026, 11, 20), date(2026, 11, 23)
    assert days_between(friday, monday) == "3 days, 1 of them Monday to Friday"
    assert days_between(monday, friday) == "3 days, 1 of them Monday to Friday; 2026-11-20 is before 2026-11-23"
    assert days_between(date(2024, 2, 1), date(2024, 3, 1)) == "29 days, 21 of them Monday to Friday"
    assert days_between(friday, friday) == "0 days, 0 of them Monday to Friday"

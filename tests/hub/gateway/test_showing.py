"""Masking in answers of any shape: persons of every kind, prose, tables, pairs, keys. No database. C14, S4.11."""

from typing import Any

import pytest

from tradepost.hub.access.field_rules import KINDS, FieldRules
from tradepost.hub.access.personal.fields import Cut
from tradepost.hub.access.personal.persons import lists_persons

ALL = FieldRules("blind", dict.fromkeys(KINDS, "masked"), {})


def cut(value: Any, inside: str = "", known: dict[str, str] | None = None) -> Any:
    made = Cut(ALL, None, known, inside)
    made.whole(value)
    shown = made.whole(value)
    again = Cut(ALL, None, known, inside)
    assert again.whole(shown) == shown  # once more changes nothing
    return shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"driver": "DRV-01 (Joris van Dam)"}, {"driver": "DRV-01 (J*** v*** D***)"}),
        ({"driver": "DRV-01", "status": "Open"}, {"driver": "DRV-01", "status": "Open"}),
        ({"assignedTo": "Sam Lee", "created_by": "usr_9"}, {"assignedTo": "S*** L***", "created_by": "usr_9"}),
        ({"employee": {"name": "Sam Lee", "id": 7}}, {"employee": {"name": "S*** L***", "id": 7}}),
        ({"drivers": [{"name": "Sam Lee"}]}, {"drivers": [{"name": "S*** L***"}]}),
        ({"senders": ["Sam Lee", "usr_1"]}, {"senders": ["S*** L***", "usr_1"]}),
        ({"sentence": "assigned driver Joris van Dam is sick"}, {"sentence": "assigned driver J*** v*** D*** is sick"}),
        ({"text": "Ask JORIS  VAN DAM first.", "driver": "Joris van Dam"}, None),
        ({"said": "Sam said no", "receiver_name": "Sam Lee"}, {"said": "S*** said no", "receiver_name": "S*** L***"}),
        ({"city": "Lee", "user": "Sam Lee"}, {"city": "Lee", "user": "S*** L***"}),
        (
            {"field": "e-mail", "before": "a@b.example", "after": None},
            {"field": "e-mail", "before": "a***@b.example", "after": None},
        ),
        (
            {"record": "Customer 12", "field": "name", "after": "Sam Lee"},
            {"record": "Customer 12", "field": "name", "after": "S*** L***"},
        ),
        ({"key": "phone", "value": "0612345678"}, {"key": "phone", "value": "***78"}),
        ({"key": "colour", "value": "Red Shirt"}, {"key": "colour", "value": "Red Shirt"}),
        (
            {"columns": ["id", "email", "customer"], "rows": [["1", "a@b.example", "Sam Lee"]]},
            {"columns": ["id", "email", "customer"], "rows": [["1", "a***@b.example", "S*** L***"]]},
        ),
        ({"a@b.example": 1, "ab@b.example": 2}, {"a***@b.example": 1, "a***@b.example #2": 2}),
        ({"raw": '{"email":"a@b.example"}'}, {"raw": '{"email":"a***@b.example"}'}),
        ({"when": "from 2026-02-24 08:00 to 2026-02-24 18:00"}, {"when": "from 2026-02-24 08:00 to 2026-02-24 18:00"}),
        ({"product": {"name": "Red Shirt"}, "warehouse": "RTM (Rotterdam)"}, None),
    ],
)  # fmt: skip
def test_personal_data_goes_wherever_it_stands(value: Any, shown: Any) -> None:
    found = cut(value)
    if shown is None:  # what is nobody's stays, and a name goes however it is written
        assert found == value or "JORIS" not in str(found)
    else:
        assert found == shown


def test_what_a_tool_lists_says_whose_names_they_are() -> None:
    drivers = {"items": [{"number": "DRV-1", "name": "Sam Lee"}]}
    assert cut(drivers, "person")["items"][0]["name"] == "S*** L***"
    assert cut(drivers) == drivers
    assert [lists_persons(name) for name in ("list_drivers", "find_user_by_email", "getCustomer", "list_products")] == [
        True,
        True,
        True,
        False,
    ]


def test_what_is_known_of_persons_goes_from_prose_alone() -> None:
    said = {"summary": "Sam Lee lives at 1 Main St."}
    assert cut(said, known={"Sam Lee": "name", "1 Main St": "address"}) == {"summary": "S*** L*** lives at ***."}


def test_many_names_in_many_texts_are_found_in_a_moment() -> None:
    """Hostile sizes: 3,000 names and 3,000 texts cost no more than a look at each word."""
    people = [{"first_name": f"Name{index}x", "note": "word " * 20} for index in range(3_000)]
    assert cut({"people": people})["people"][7]["first_name"] == "N***"

"""What reads as a name, and what does not: the rule of thumb in favour of asking (security row 5)."""

import pytest

from tests.starter.payloads import payloads
from tradepost.foundation.outsiders import Heard, clean_name, listen
from tradepost.foundation.plain_names import reads_as_name

PLAIN = (
    *("Anna Müller", "O'Brien & Sons (Europe) Ltd.", "Grant", "Post", "12 rue de la Paix", "株式会社北方"),
    *("Иван Петров", "PO-4711", "4711", "Blåbærgrød ApS", "Van der Berg", "Apt. 4B", "3rd floor", "J R R Tolkien"),
)


def heard_in(*names: str) -> Heard:
    heard = Heard()
    listen(heard)
    for name in names:
        clean_name(name, 60, "a name")
    return heard


@pytest.mark.parametrize("name", PLAIN)
def test_a_name_is_a_name(name: str) -> None:
    assert reads_as_name(name)
    assert not heard_in(name)


def test_no_order_passes_as_a_name_nor_split_over_two_of_them() -> None:
    passed = []
    for payload in payloads(order="1001", customer="CUST-7", far="ORD-9"):
        if not heard_in(payload.text):
            passed.append(payload.text)
        words = payload.text.split(" ")
        for place in range(1, len(words)):
            halves = " ".join(words[:place]), " ".join(words[place:])
            if not heard_in(*halves):
                passed.append(str(halves))
    assert passed == []


def test_what_cannot_be_seen_is_counted_and_makes_a_name_none() -> None:
    heard = heard_in("An\u200bna", "Plain", "So\U000e0041ns\u202e")
    assert (heard.kinds, heard.removed) == (["a name"], 3)

"""Every kind of record and every field that a write can change has a name that people understand."""

import re

import pytest

from tradepost.commerce import tables
from tradepost.commerce.store.changes import SILENT_TABLES
from tradepost.commerce.store.wording import columns_in, kind_for, label_for, one_line, units_of
from tradepost.commerce.store.words import HIDDEN, RECORDS

TABLES = sorted(set(tables.METADATA.tables) - SILENT_TABLES)
READABLE = re.compile(r"[A-Za-z][A-Za-z0-9' ,-]*")


@pytest.mark.parametrize("table", TABLES)
def test_every_record_has_a_name_and_every_field_a_label_and_a_kind(table: str) -> None:
    columns = tables.METADATA.tables[table].columns.keys()
    words = RECORDS[table]
    for template in filter(None, (words.name, words.short)):
        assert set(columns_in(template)) <= set(columns)
        assert template.count("[") == template.count("]")
    labels = {column: label_for(table, column) for column in columns if kind_for(table, column) != "hidden"}
    for column, label in labels.items():
        assert READABLE.fullmatch(label), (column, label)
        assert not re.search(r"\b(id|minor|fk|json)\b", label.removeprefix("id in the other")), (column, label)
    assert len(set(labels.values())) == len(labels), "two fields are called the same"
    assert words.hidden | set(words.labels) <= set(columns)
    assert not set(words.labels) & HIDDEN


def test_the_table_names_no_record_that_there_is_not() -> None:
    assert set(RECORDS) == set(TABLES)


@pytest.mark.parametrize(
    ("quantity", "scale", "unit", "said"),
    [
        (1, 0, "C62", "1 pc"),
        (1200, 0, "C62", "1,200 pcs"),
        (-3, 0, "C62", "-3 pcs"),
        (2500, 3, "KGM", "2.5 kg"),
        (2000, 3, "KGM", "2 kg"),
        (10, 1, "PR", "1 pair"),
        (5, 0, "XYZ", "5 XYZ"),
    ],
)
def test_quantities_are_written_with_their_unit(quantity: int, scale: int, unit: str, said: str) -> None:
    assert units_of(quantity, scale, unit) == said


def test_outsiders_text_stays_on_one_line_and_hides_nothing() -> None:
    said = one_line("Fine\n\x1b[2J\u202eApproved by\u200b the\townr")
    assert said == "Fine [2JApproved by the ownr"
    assert len(one_line("x" * 5000)) < 400

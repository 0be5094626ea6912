"""A store in and out by the commands: lossless, all or nothing, and a clear report of what is wrong with a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, Place

Json = dict[str, Any]


@pytest.fixture(scope="module")
def retail() -> Json:
    for folder in ROOT.parents:
        path = folder / "shared" / "stores" / "retail" / "store.json"
        if path.exists():
            content: Json = json.loads(path.read_text("utf-8"))
            return content
    pytest.skip("the store shared/stores/retail is not beside the checkout")


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def by_id(content: Json) -> Json:
    """The records by id: their order in the file means nothing."""
    return {
        name: sorted(value, key=lambda row: json.dumps(row.get("id") or row)) if isinstance(value, list) else value
        for name, value in content.items()
    }


def test_a_whole_store_comes_out_as_it_went_in(place: Place, retail: Json, tmp_path: Path):
    told = place.ask("store", "import", write(tmp_path / "in.json", retail))
    assert told["workspace"] == "acme"
    assert sum(told["rows"].values()) > 1000
    place.run("store", "export", tmp_path / "out.json").good()
    assert by_id(json.loads((tmp_path / "out.json").read_text("utf-8"))) == by_id(retail)
    assert "already" in place.run("store", "import", tmp_path / "in.json").refusal()
    assert "cannot be written" in place.run("store", "export", tmp_path / "out.json").refusal()


def _unknown_customer(content: Json) -> None:
    content["orders"][0]["customer_id"] = "nobody"


def _price_as_text(content: Json) -> None:
    content["orders"][0]["lines"][0]["unit_price"] = "cheap"


def _line_missing(content: Json) -> None:
    del content["orders"][7]["lines"]


def _other_format(content: Json) -> None:
    content["format"] = "something else"


def _further_part(content: Json) -> None:
    content["wishes"] = []


def _nul(content: Json) -> None:
    content["customers"][2]["first_name"] = "A\0b"


def _half_a_pair(content: Json) -> None:
    content["customers"][2]["address"]["city"] = "A\ud800b"


def _no_object(content: Json) -> None:
    content["customers"][3] = 7


def _twice(content: Json) -> None:
    content["variants"].append(content["variants"][0])


BROKEN: dict[str, tuple[Callable[[Json], None], str]] = {
    "a reference to nothing": (_unknown_customer, "customer_id: no customer nobody"),
    "a price that is none": (_price_as_text, "lines.0.unit_price: must be an amount with two decimals"),
    "an order without lines": (_line_missing, "lines: is missing"),
    "another format": (_other_format, "commerce-store-export"),
    "a part that is not of the format": (_further_part, "file, wishes: is not part of the format"),
    "a character that cannot be kept": (_nul, "first_name: holds a character"),
    "half of a character": (_half_a_pair, "address.city: holds a character"),
    "a record that is none": (_no_object, "customers[3], record: must be an object"),
    "a record that stands twice": (_twice, "id: stands twice"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_reported_and_nothing_is_imported(place: Place, retail: Json, tmp_path: Path, name: str):
    content = json.loads(json.dumps(retail))
    spoil, says = BROKEN[name]
    spoil(content)
    refusal = place.run("store", "import", write(tmp_path / "in.json", content)).refusal()
    assert "  - " in refusal
    assert says in refusal
    assert "no store" in place.run("store", "export", tmp_path / "out.json").refusal()
    assert not (tmp_path / "out.json").exists()


def test_a_key_that_stands_twice_is_named_with_its_record(place: Place, retail: Json, tmp_path: Path):
    name = json.dumps(retail["customers"][0]["first_name"])
    text = json.dumps(retail).replace(f'"first_name": {name}', f'"first_name": "X", "first_name": {name}', 1)
    refusal = place.run("store", "import", write(tmp_path / "in.json", text)).refusal()
    assert f"record {retail['customers'][0]['id']}, first_name: stands twice" in refusal


def test_what_is_no_json_is_said_so(place: Place, tmp_path: Path):
    for text in ("", "{", "[1, 2]", '{"format": 1, "format": 2}'):
        place.run("store", "import", write(tmp_path / "in.json", text)).refusal()

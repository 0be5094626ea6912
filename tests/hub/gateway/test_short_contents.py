"""What resources and prompts give in pieces: nothing is lost, JSON stays JSON. No database. S4.10."""

from typing import Any

import orjson
import pytest

from tradepost.hub.gateway.shortening.contents import shorten_contents, size_of_contents, with_words
from tradepost.protocol.builtin import Json

ROWS = [{"id": f"row_{number}", "note": "word " * 9} for number in range(200)]
LINES = "\n".join(f"line {number}" for number in range(2_000))
PICTURE = {"uri": "x://p", "mimeType": "image/png", "blob": "A" * 9_000}


def content(text: str, uri: str = "x://1") -> Json:
    return {"uri": uri, "mimeType": "text/plain", "text": text}


def message(text: str) -> Json:
    return {"role": "user", "content": {"type": "text", "text": text}}


@pytest.mark.parametrize(
    "result",
    [
        {"contents": [content(LINES)]},
        {"contents": [content("short"), content(orjson.dumps({"rows": ROWS}).decode(), "x://2"), PICTURE]},
        {"messages": [message(LINES), message("short")], "description": "d"},
        {"messages": [{"role": "user", "content": {"type": "resource", "resource": content(LINES)}}]},
    ],
)
def test_what_is_left_out_is_in_the_pieces(result: Json) -> None:
    room = 4_000
    assert size_of_contents(result) > room
    made = shorten_contents(result, room)
    shown = with_words(made.result, "[more]")
    assert size_of_contents(shown) <= room
    assert {name: one for name, one in shown.items() if not isinstance(one, list)} == {
        name: one for name, one in result.items() if not isinstance(one, list)
    }
    together = orjson.dumps([shown, made.pieces]).decode()
    for found in (*(f"line {number}" for number in range(2_000)), *(row["id"] for row in ROWS), "short"):
        assert (found in together) == (found in orjson.dumps(result).decode()), found
    for one in shown.get("contents", ()):
        assert not one.get("text", "").startswith("{") or orjson.loads(one["text"])["rows"]


@pytest.mark.parametrize("odd", [{"contents": ["text" * 2_000]}, {"messages": [{"role": "user", "content": {}}] * 300}])
def test_odd_contents_are_cut_all_the_same(odd: Any) -> None:
    assert size_of_contents(with_words(shorten_contents(odd, 4_000).result, "[more]")) <= 4_000

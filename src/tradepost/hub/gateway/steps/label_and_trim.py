"""Every result carries a label in `_meta` that says whose words it brings. Those of servers that are not ours are
external as a whole. Bundled servers mark and clean field by field: their label says whether any outsider's words are
there, and in which fields. Whether foreign texts are changed is the server's setting `text`: as a rule they lose
invisible characters, which are counted, and are cut, visibly, where they are too long. `delimited` puts marks that
nobody can have known around what a model reads, of a bundled server around what outsiders wrote. What is more than the
tool's budget is given in pieces, whosever it is."""

import sys
from collections.abc import Awaitable
from typing import Any

from tradepost.foundation.untrusted import clean, hidden_in, may_need_cleaning
from tradepost.hub.gateway.call import Call, Entry, Json
from tradepost.hub.gateway.labels import delimited, delimited_within, labelled, own_labelled
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.shortening.step import over_budget, shortened

NO_CAP = sys.maxsize
MAX_TEXT = 100_000
MAX_ERROR_TEXT = 2_000


def label_and_trim(call: Call, parts: Parts) -> Awaitable[None] | None:
    """What is shortened has to wait until the rest is kept."""
    entry, result = call.found, call.result
    if result is None:
        return None
    if entry.server_kind != "builtin" and entry.limits.text != "unchanged":
        cap = _cap(entry, parts, result)
        if call.source is None or may_need_cleaning(call.source, cap):
            call.hidden = _hidden_in(result)
            result = _clean(result, cap)
    if over_budget(call, parts, result):
        return _shorten(call, parts, result)
    _label(call, result)
    return None


async def _shorten(call: Call, parts: Parts, result: Json) -> None:
    if parts.rests is not None:
        result = await shortened(call, parts, parts.rests, result)
    _label(call, result)


def _cap(entry: Entry, parts: Parts, result: Json) -> int:
    """Characters of one text. Where there is a budget, that says what goes out, and nothing is lost."""
    if result.get("isError"):
        return MAX_ERROR_TEXT
    is_held = parts.rests is not None and entry.limits.result_tokens > 0
    return NO_CAP if is_held else MAX_TEXT


def _label(call: Call, result: Json) -> None:
    entry = call.found
    marks = entry.limits.text == "delimited"
    if entry.server_kind == "builtin":
        call.result = own_labelled(
            call, delimited_within(result, entry.server_slug) if marks and call.outside else result
        )
    else:
        call.result = labelled(call, delimited(result, entry.server_slug) if marks else result)


def _clean(value: Any, cap: int) -> Any:
    """Every text cleaned and capped. Encoded bytes (`data`, `blob`) are no text and stay whole."""
    if isinstance(value, str):
        return clean(value, cap)
    if isinstance(value, list):
        return [_clean(item, cap) for item in value]
    if isinstance(value, dict):
        return {key: inner if key in ("data", "blob") else _clean(inner, cap) for key, inner in value.items()}
    return value


def _hidden_in(value: Any) -> int:
    """How many characters `_clean` takes out."""
    if isinstance(value, str):
        return hidden_in(value)
    if isinstance(value, list):
        return sum(map(_hidden_in, value))
    if isinstance(value, dict):
        return sum(_hidden_in(inner) for key, inner in value.items() if key not in ("data", "blob"))
    return 0

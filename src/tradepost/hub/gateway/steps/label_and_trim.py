"""Results of servers that are not ours carry a label saying so, lose invisible characters, and are cut, visibly, where
they are too long. Bundled results are marked field by field by their own servers and pass untouched."""

from typing import Any

from tradepost.foundation.untrusted import clean, may_need_cleaning
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.parts import Parts

SOURCE_META = "io.tradepost/source"
MAX_TEXT = 100_000
MAX_ERROR_TEXT = 2_000


async def label_and_trim(call: Call, parts: Parts) -> None:
    """Changes foreign results only."""
    entry, result = call.found, call.result
    if result is None or entry.server_kind == "builtin":
        return
    cap = MAX_ERROR_TEXT if result.get("isError") else MAX_TEXT
    if call.source is None or may_need_cleaning(call.source, cap):
        result = _clean(result, cap)
    label = {"server": entry.server_slug, "trust": "external"}
    own = result.get("_meta")
    call.result = {**result, "_meta": {**(own if isinstance(own, dict) else {}), SOURCE_META: label}}


def _clean(value: Any, cap: int) -> Any:
    """Every text cleaned and capped. Encoded bytes (`data`, `blob`) are no text and stay whole."""
    if isinstance(value, str):
        return clean(value, cap)
    if isinstance(value, list):
        return [_clean(item, cap) for item in value]
    if isinstance(value, dict):
        return {key: inner if key in ("data", "blob") else _clean(inner, cap) for key, inner in value.items()}
    return value

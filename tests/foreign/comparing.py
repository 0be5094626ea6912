"""What is the same about two answers, and what the hub changes on purpose.

The hub says where a result comes from and how long it may be kept, puts its own name in place of the server's and seals
`requestState`; an error that a tool's server gives as one of the protocol becomes a result that a model can read, with
the code and the words in it. Everything else is the server's (docs/decisions/0012).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from tests.foreign.raw_client import RawClient

Json = dict[str, Any]
Request = tuple[str, Json]

LISTS = {
    "tools/list": "tools",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
    "prompts/list": "prompts",
}
_CLOCK = re.compile(r"\d{1,2}:\d\d:\d\d [AP]M")  # server-everything says when a text was made
_ADDED = frozenset({"io.tradepost/source", "io.modelcontextprotocol/serverInfo"})


def differences(direct: RawClient, through: RawClient, requests: Iterable[Request]) -> list[str]:
    """What is answered differently, readable; [] where nothing is."""
    found = []
    for method, params in requests:
        first, second = (_shown(client.told(method, **params)) for client in (direct, through))
        if first != second:
            found.append(f"{method} {params}\ndirectly:\n{first}\nthrough the hub:\n{second}")
    return found


def listed(client: RawClient, method: str) -> dict[str, Json]:
    """A whole list, by name or URI."""
    found: dict[str, Json] = {}
    cursor: Json = {}
    while True:
        page = client.result(method, **cursor)
        for item in page[LISTS[method]]:
            found[str(item.get("uriTemplate") or item.get("uri") or item["name"])] = item
        if "nextCursor" not in page:
            return found
        cursor = {"cursor": page["nextCursor"]}


def _shown(messages: list[Json]) -> str:
    text = json.dumps([_message(message) for message in messages], indent=1, ensure_ascii=False, sort_keys=True)
    return _CLOCK.sub("the time", text)


def _message(message: Json) -> Json:
    kept = {name: value for name, value in message.items() if name not in ("id", "jsonrpc")}
    if "params" in kept:
        params = {name: value for name, value in (kept["params"] or {}).items() if name != "progressToken"}
        kept["params"] = _without_additions(params)
    details = kept.get("result", {}).get("structuredContent", {}).get("details", {})
    if "server_code" in details:
        said = {"code": details["server_code"], "message": details["server_said"]["untrusted"]}
        kept = {"error": {**said, **({"data": details["server_data"]} if "server_data" in details else {})}}
    if "result" in kept:
        kept["result"] = _result(kept["result"])
    if isinstance(kept.get("error", {}).get("data"), dict):
        data = _without_additions(kept["error"]["data"])
        kept["error"] = {**kept["error"], "data": data} if data else _without(kept["error"], "data")
    return kept


def _result(result: Json) -> Json:
    kept = _without(result, "ttlMs", "cacheScope")
    if "requestState" in kept:
        kept["requestState"] = "sealed"
    if kept.get("isError") is False:
        del kept["isError"]  # the same as absent
    return _without_additions(kept)


def _without_additions(value: Json) -> Json:
    meta = _without(value.get("_meta") or {}, *_ADDED)
    kept = _without(value, "_meta")
    return {**kept, "_meta": meta} if meta else kept


def _without(value: Json, *names: str) -> Json:
    return {name: inner for name, inner in value.items() if name not in names}

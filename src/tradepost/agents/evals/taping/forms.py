"""A request to a model as what it is about: two that ask the same have the same key, whenever they are made.

Ids, cursors and moments that are made anew in every run are replaced by their order of appearance; the answer speaks of
them in the same way, and gets those of the present run back when it is replayed.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

Json = dict[str, Any]
Clean = Callable[[str], str]

_PART = ("part_kind", "content", "tool_name", "tool_call_id", "args", "outcome")
_ONCE = re.compile(
    r"\b[a-z]{2,5}_[0-9a-hjkmnp-tv-z]{23,26}\b"  # ids
    r"|\brun-[0-9a-f]{48}\b"  # idempotency keys
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\b[A-Za-z0-9_-]{60,}\b"  # cursors and handles
    r"|\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?"
)
_NAMED = re.compile(r"<<(\d+)>>")
_UNTIMELY = ("timeout",)  # settings that do not change what is answered
_BEFORE, _AFTER = timedelta(hours=2), timedelta(days=8)  # an approval waits for up to 72 hours


@dataclass(frozen=True, slots=True)
class Form:
    """A request. `parts` are digests of what it is made of, to say what differs; `names` what stands for what."""

    key: str
    parts: Mapping[str, Any]
    shown: Json
    names: Mapping[str, str] = field(default_factory=dict)

    def put(self, value: Any) -> Any:
        """The same JSON, with names in place of what is of this run alone."""
        known = self.names
        return _texts(value, lambda text: _ONCE.sub(lambda found: known.get(found[0], found[0]), text))

    def take(self, value: Any) -> Any:
        """The other way round."""
        back = {name: text for text, name in self.names.items()}
        return _texts(value, lambda text: _NAMED.sub(lambda found: back.get(found[0], found[0]), text))


def form_of(
    model: str,
    messages: list[ModelMessage],
    settings: ModelSettings | None,
    asked: ModelRequestParameters,
    clean: Clean,
    now: datetime | None = None,
) -> Form:
    """The form of a request. `clean` takes secrets out: what is kept has none, and so has what is compared."""
    names = _Names(now or datetime.now(UTC))
    calls: dict[str, str] = {}
    said = [
        names.put(_texts(_message(one, calls), clean))
        for one in ModelMessagesTypeAdapter.dump_python(messages, mode="json")
    ]
    tools = [_tool(one) for one in (*asked.function_tools, *asked.output_tools)]
    given = {name: value for name, value in (settings or {}).items() if name not in _UNTIMELY}
    instructions = [one.pop("instructions", None) for one in said]
    whole = {
        "model": model,
        "settings": given,
        "instructions": next((one for one in reversed(instructions) if one), None),
        "tools": tools,
        "messages": said,
    }
    parts = {
        "model": model,
        "settings": _digest(given),
        "instructions": _digest(whole["instructions"]),
        "tools": _digest(tools),
        "messages": [_digest(one) for one in said],
    }
    return Form(_digest(whole), parts, {"tools": len(tools), "last": said[-1]["parts"] if said else []}, names.known)


class _Names:
    """What is of one run alone, by its order of appearance."""

    def __init__(self, now: datetime) -> None:
        self.known: dict[str, str] = {}
        self._from, self._to = now - _BEFORE, now + _AFTER

    def put(self, value: Any) -> Any:
        return _texts(value, lambda text: _ONCE.sub(self._name, text))

    def _name(self, found: re.Match[str]) -> str:
        text = found[0]
        if text[:4].isdigit() and text[4:5] == "-" and not self._is_of_now(text):
            return text  # a moment of the shop, whose clock stands still
        return self.known.setdefault(text, f"<<{len(self.known) + 1}>>")

    def _is_of_now(self, text: str) -> bool:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return False
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return self._from <= moment <= self._to


def _message(message: Json, calls: dict[str, str]) -> Json:
    parts = []
    for part in message["parts"]:
        kept = {name: part[name] for name in _PART if part.get(name) is not None}
        if isinstance(kept.get("args"), str):
            kept["args"] = _parsed(kept["args"])
        if "tool_call_id" in kept:
            kept["tool_call_id"] = calls.setdefault(kept["tool_call_id"], f"call {len(calls) + 1}")
        parts.append(kept)
    found: Json = {"kind": message["kind"], "parts": parts}
    if message.get("instructions"):
        found["instructions"] = message["instructions"]
    return found


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return text


def _tool(tool: ToolDefinition) -> Json:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters_json_schema}


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]


def _texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_texts(one, change) for one in value]
    if isinstance(value, dict):
        return {name: _texts(one, change) for name, one in value.items()}
    return value

"""Every answer, whatever it is and however often it is given, goes out with the fields that its caller may see now.

Masked fields keep the form that the tool's output schema promises: where leaving out breaks it, they are masked, where
masking breaks it, they are left out, and where neither fits the answer is withheld. What is stored stays whole.
"""

from collections.abc import Callable
from typing import Any

from tradepost.foundation.errors import LimitExceeded
from tradepost.hub.access.field_rules import KINDS, FieldRules, Show
from tradepost.hub.access.personal.fields import Cut
from tradepost.hub.access.personal.persons import lists_persons, names_a_person
from tradepost.hub.access.personal.words import Words
from tradepost.hub.gateway.answers import error_result
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.registry.folding import META_TOOLS
from tradepost.protocol.errors import MASKED_META

_ALL = FieldRules("", dict.fromkeys(KINDS, "masked"), {})
_WAYS: tuple[Show | None, ...] = (None, "masked", "left_out")


async def shown_to(call: Call, parts: Parts, rules: FieldRules, answer: Json) -> Json:
    """The answer as the caller may see it."""
    entry = call.entry
    if isinstance(entry, CatalogTool) and entry.server_kind == "builtin" and entry.raw_name in META_TOOLS:
        return answer  # definitions of tools: names of fields, and nobody's data
    if isinstance(answer.get("result"), dict) and "taskId" in answer:
        return {**answer, "result": await shown_to(call, parts, rules, answer["result"])}
    for way in _WAYS:
        cut = Cut(rules, way, call.outside.named, _about(call))
        shown = _cut(cut, answer)
        if not cut.changed:
            return answer
        if cut.words:
            shown = _cut(cut, answer)  # what stood before the field that says whose it is
        if await _fits(call, parts, answer, shown):
            return {**shown, "_meta": {**(shown.get("_meta") or {}), MASKED_META: _said(cut, rules, answer)}}
    return error_result(
        LimitExceeded(
            f"The profile '{rules.profile}' does not show all of what {call.name} gives, and what is left has not the "
            "form that its definition promises." + (" It was carried out: do not repeat it." if call.writes else ""),
            hint="An admin can change the profile's rules about fields, or assign another tool.",
        )
    )


def words_of(call: Call, answer: Json) -> Words:
    """All that an answer says of persons, whoever may see it."""
    cut = Cut(_ALL, None, call.outside.named, _about(call))
    _cut(cut, answer)
    return cut.words


def _about(call: Call) -> str:
    """What the whole of an answer is called like, where that is a person: `list_drivers` gives drivers."""
    if call.kind != "tool":
        path = call.name.partition("://")[2] if call.kind == "resource" else ""
        return path if any(map(names_a_person, path.split("/"))) else ""
    return "person" if lists_persons(call.name) else ""


def _cut(cut: Cut, answer: Json) -> Json:
    shown = dict(answer)
    for name in ("structuredContent", "inputRequests", "task"):
        if name in answer:
            shown[name] = cut.whole(answer[name])
    for name, change in _PARTS.items():
        if isinstance(answer.get(name), list):
            shown[name] = [change(cut, one) for one in answer[name]]
    for name in ("description", "statusMessage"):
        if isinstance(answer.get(name), str):
            shown[name] = cut.text(answer[name])
    meta = answer.get("_meta")
    if isinstance(meta, dict):
        shown["_meta"] = {name: cut.value(one) if name != MASKED_META else one for name, one in meta.items()}
    return shown


def _block(cut: Cut, block: Any) -> Any:
    if not isinstance(block, dict):
        return block
    if isinstance(block.get("resource"), dict):
        return {**block, "resource": _block(cut, block["resource"])}
    return {
        name: cut.text(inner) if name in ("text", "title", "description") and isinstance(inner, str) else inner
        for name, inner in block.items()
    }


def _message(cut: Cut, message: Any) -> Any:
    return {**message, "content": _block(cut, message.get("content"))} if isinstance(message, dict) else message


def _value(cut: Cut, value: Any) -> Any:
    return cut.text(value) if isinstance(value, str) else value


_PARTS: dict[str, Callable[[Cut, Any], Any]] = {
    "content": _block,
    "contents": _block,
    "messages": _message,
    "values": _value,
}


async def _fits(call: Call, parts: Parts, answer: Json, shown: Json) -> bool:
    """Whether what is left has the form of the tool's results, if the whole had it."""
    tool, before, after = call.entry, answer.get("structuredContent"), shown.get("structuredContent")
    if not isinstance(tool, CatalogTool) or tool.answer_check is None or answer.get("isError") or before is after:
        return True
    if await parts.schemas.answer(tool, after) is None:
        return True
    return await parts.schemas.answer(tool, before) is not None


def _said(cut: Cut, rules: FieldRules, answer: Json) -> Json:
    meta = answer.get("_meta")
    before = meta.get(MASKED_META) if isinstance(meta, dict) else None
    said: Json = {"profile": rules.profile}
    for name, found in (("masked", cut.masked), ("left_out", cut.left_out)):
        earlier = before.get(name, ()) if isinstance(before, dict) else ()
        paths = list(dict.fromkeys([*earlier, *found]))
        if paths:
            said[name] = paths
    if cut.texts or (isinstance(before, dict) and before.get("texts")):
        said["texts"] = True
    return said

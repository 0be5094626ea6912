"""The arguments of an operation as one flat object: path, query and header parameters and the members of its body.

Two that are called the same are told apart by where they go: `id` in the path, `id_in_body`.
"""

import re
from collections.abc import Set
from typing import Any

from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.openapi.operations import Operation
from tradepost.hub.registration.openapi.reading import words
from tradepost.hub.registration.openapi.references import Document, Unusable
from tradepost.hub.registration.openapi.schemas import MAX_BYTES, MAX_WORDS, schema_of
from tradepost.hub.upstreams.rest.answers import is_json
from tradepost.hub.upstreams.rest.encoding import FORM
from tradepost.hub.upstreams.rest.plan import Body, Parameter, Place, Style
from tradepost.hub.vault.header_rules import is_ours

Json = dict[str, Any]

KEY = "idempotency_key"  # the argument in which the hub gives its key
KEY_WORDS = "Your key for this intent; a repeat with the same key has no second effect."
MAX_PARAMETERS = 100

_PLACES: dict[str, Place] = {"path": "path", "query": "query", "header": "header"}
_STYLES: dict[Place, tuple[Style, ...]] = {
    "path": ("simple",),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
}
_NO_ARGUMENTS = frozenset({"accept", "content-type", "authorization"})  # OpenAPI says so
_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+*-]{1,100}/[a-z0-9!#$&^_.+*-]{1,100}")
_MERGED = frozenset({"type", "properties", "required", "description", "additionalProperties"})


class Inputs:
    """The arguments of one operation, collected."""

    def __init__(self, document: Document, operation: Operation, key_header: str | None, reserved: Set[str]) -> None:
        self._document = document
        self._operation = operation
        self._key_header = key_header.lower() if key_header is not None and operation.tool_class != "read" else None
        self._reserved = reserved  # names of parameters that carry the credential
        self.parameters: list[Parameter] = []
        self.body: Body | None = None
        self._members: dict[str, Json] = {}
        self._required: list[str] = []

    def collect(self) -> Json:
        """The input schema; `parameters` and `body` say where its arguments go. Raises Unusable."""
        declared = self._declared()
        if len(declared) > MAX_PARAMETERS:
            raise Unusable(f"It has more than {MAX_PARAMETERS} parameters.")
        for node in declared:
            self._add_parameter(node, MAX_BYTES // max(len(declared), 1))
        self._check_path()
        if self._operation.tool_class == "write":
            self._add_body()
        if self._key_header is not None and KEY not in self._members:
            self._add(KEY, {"type": "string", "minLength": 1, "maxLength": 255, "description": KEY_WORDS})
            self.parameters.append(_parameter(KEY, self._key_header, "header", "simple", False))
        schema: Json = {"type": "object", "properties": self._members, "additionalProperties": False}
        return {**schema, "required": self._required} if self._required else schema

    # --- parameters --------------------------------------------------------------------------------------------

    def _declared(self) -> list[Json]:
        """The path's parameters and the operation's own, which go before them."""
        found: dict[tuple[str, str], Json] = {}
        for holder in (self._operation.shared, self._operation.node):
            listed = holder.get("parameters", [])
            for one in listed if isinstance(listed, list) else []:
                node = self._document.object(one)
                name, place = node.get("name"), node.get("in")
                if isinstance(name, str) and isinstance(place, str) and name:
                    found[(name.lower() if place == "header" else name, place)] = node
        return list(found.values())

    def _add_parameter(self, node: Json, most_bytes: int) -> None:
        name, said = node["name"], node["in"]
        required = node.get("required") is True or said == "path"
        place = _PLACES.get(said)
        if said == "cookie" and name in self._reserved:
            return
        if place is None:
            if required:
                raise Unusable(f"It needs the {said} '{name[:60]}', which is not sent.")
            return
        if place == "header" and self._is_no_argument(name):
            return
        if place == "query" and name in self._reserved:
            return
        if place == "header" and not _TOKEN.fullmatch(name):
            raise Unusable("Its parameter for a header has a name that no header has.")
        schema, style = self._form_of(node, place, most_bytes)
        text = words(node, "description")
        if text:
            schema = {**schema, "description": schema.get("description") or clean(text, MAX_WORDS)}
        if place == "path" and schema.get("type") == "string":
            schema = {"minLength": 1, **schema}
        is_key = place == "header" and name.lower() in ("idempotency-key", self._key_header)
        argument = KEY if is_key and self._operation.tool_class != "read" else self._free(name, place)
        self._add(argument, schema)
        if required and argument != KEY:
            self._required.append(argument)
        explode = node.get("explode")
        exploded = explode if isinstance(explode, bool) else style == "form"
        self.parameters.append(_parameter(argument, name, place, style, exploded))

    def _is_no_argument(self, name: str) -> bool:
        """Headers that OpenAPI itself, the hub or the credential sets; a key is the hub's to give."""
        lower = name.lower()
        if lower in ("idempotency-key", self._key_header):
            return self._operation.tool_class == "read"
        return lower in _NO_ARGUMENTS or lower in self._reserved or is_ours(lower)

    def _form_of(self, node: Json, place: Place, most_bytes: int) -> tuple[Json, Style]:
        """The schema of a parameter and how it is written."""
        content = node.get("content")
        if isinstance(content, dict) and content:
            kind, inner = next(iter(content.items()))
            if not is_json(str(kind).partition(";")[0].strip().lower()) or place == "path":
                raise Unusable(f"Its parameter '{node['name'][:60]}' is written as {str(kind)[:60]}.")
            schema = inner.get("schema") if isinstance(inner, dict) else None
            return schema_of(self._document, schema, "in", most_bytes), "json"
        style = node.get("style", _STYLES[place][0])
        if style not in _STYLES[place]:
            raise Unusable(
                f"Its parameter '{node['name'][:60]}' has the style {str(style)[:40]}, which is not written."
            )
        return schema_of(self._document, node.get("schema"), "in", most_bytes), style

    def _check_path(self) -> None:
        """Each variable of the path is a parameter: some documents forget to declare them."""
        known = {one["name"] for one in self.parameters if one["place"] == "path"}
        for name in re.findall(r"\{([^{}]*)\}", self._operation.path):
            if not name:
                raise Unusable("Its path has a variable without a name.")
            if name not in known:
                known.add(name)
                argument = self._free(name, "path")
                self._add(argument, {"type": "string", "minLength": 1})
                self._required.append(argument)
                self.parameters.append(_parameter(argument, name, "path", "simple", False))
        if "{" in re.sub(r"\{[^{}]*\}", "", self._operation.path):
            raise Unusable("Its path has a brace that is not closed.")

    # --- body --------------------------------------------------------------------------------------------------

    def _add_body(self) -> None:
        if "requestBody" not in self._operation.node:
            return
        node = self._document.object(self._operation.node["requestBody"])
        required = node.get("required") is True
        kind, media = _media(node.get("content"))
        if kind is None:
            if required:
                raise Unusable("Its body is neither JSON nor a form.")
            return
        schema = schema_of(self._document, media.get("schema"), "in")
        text = words(node, "description")
        if _can_merge(schema):
            renamed: dict[str, str] = {}
            for name, inner in schema["properties"].items():
                argument = self._free(name, "body")
                renamed[argument] = name
                self._add(argument, inner)
                if required and name in schema.get("required", []):
                    self._required.append(argument)
            self.body = {"type": kind, "members": renamed, "required": required}
            return
        if kind == FORM and schema.get("type") != "object":
            raise Unusable("Its body is a form that is no object.")
        argument = self._free("body", "body")
        self._add(argument, {**schema, "description": schema.get("description", text)})
        if required:
            self._required.append(argument)
        self.body = {"type": kind, "whole": argument, "required": required}

    # --- names -------------------------------------------------------------------------------------------------

    def _add(self, argument: str, schema: Json) -> None:
        shown = {name: value for name, value in schema.items() if value != "" or name != "description"}
        self._members[argument] = shown

    def _free(self, name: str, place: str) -> str:
        """What an argument is called: by its own name where that can be one and is free. The hub's key is not."""
        plain = _NAME.sub("_", name).strip("_") or "value"
        if plain != KEY and plain not in self._members:
            return plain
        candidate = f"{plain}_in_{place}"
        number = 2
        while candidate in self._members:
            candidate = f"{plain}_in_{place}_{number}"
            number += 1
        return candidate


def _parameter(argument: str, name: str, place: Place, style: Style, explode: bool) -> Parameter:
    return {"argument": argument, "name": name, "place": place, "style": style, "explode": explode}


def _media(content: Any) -> tuple[str | None, Json]:
    """The way to write the body: JSON before a form."""
    kinds = content.items() if isinstance(content, dict) else ()
    found = [(str(kind).partition(";")[0].strip().lower(), media) for kind, media in kinds if isinstance(media, dict)]
    for kind, media in found:
        if is_json(kind) and _MEDIA_TYPE.fullmatch(kind):
            return kind, media
        if kind == "*/*":
            return "application/json", media
    return next(((kind, media) for kind, media in found if kind == FORM), (None, {}))


def _can_merge(schema: Json) -> bool:
    """Whether a body is an object whose members are all that it is."""
    return bool(schema.get("properties")) and schema.keys() <= _MERGED and not schema.get("additionalProperties")

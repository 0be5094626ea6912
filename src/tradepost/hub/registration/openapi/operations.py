"""The operations of a document, and what each is called as a tool.

A name is the operationId where that can be one, else made of method and path: `GET /orders/{id}/lines` is
`get_orders_by_id_lines`. Where two would be called the same, both are named by method and path. A name that was given
once stays with its method and path, whatever else the document gets later.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.openapi.reading import words
from tradepost.hub.registration.openapi.references import Document, Unusable

METHODS = ("get", "head", "post", "put", "patch", "delete")
READS = frozenset({"GET", "HEAD"})
MAX_NAME = 64  # characters; MCP allows more, many clients do not
MAX_OPERATIONS = 5_000
MAX_TITLE = 120
EVERYTHING = "all"

Json = dict[str, Any]
ToolClass = Literal["read", "write", "destructive"]

_PATH = re.compile(r"/[!$&'()*+,\-./0-9:;=@A-Z_a-z~%{}]*")
_UNNAMED = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `parameters` are those of the path and its own, unresolved; `problem` is why it cannot
    be a tool, as far as that can be seen at once."""

    method: str
    path: str
    name: str
    title: str
    tags: tuple[str, ...]
    node: Json
    shared: Json
    problem: str | None = field(default=None)

    @property
    def key(self) -> str:
        """What stays the same whatever the operation is called: `GET /orders/{id}`."""
        return f"{self.method} {self.path}"

    @property
    def tool_class(self) -> ToolClass:
        """What the method promises."""
        return class_of(self.method)


def class_of(method: str) -> ToolClass:
    """GET and HEAD read, DELETE destroys, all else writes."""
    return "read" if method in READS else "destructive" if method == "DELETE" else "write"


def operations_of(document: Document, given: Mapping[str, str] | None = None) -> list[Operation]:
    """All operations, in the document's order. `given` are names by key that were in use before. Raises
    InvalidArgument for a document with too many."""
    found = list(_found(document))
    if len(found) > MAX_OPERATIONS:
        raise InvalidArgument(f"The document has more than {MAX_OPERATIONS} operations.", field="document")
    names = _names(found, given or {})
    return [
        Operation(
            method=method.upper(),
            path=path,
            name=names[f"{method.upper()} {path}"],
            title=clean(words(node, "summary"), MAX_TITLE),
            tags=tuple(tag for tag in node.get("tags", []) if isinstance(tag, str)) if _is_list(node, "tags") else (),
            node=node,
            shared=shared,
            problem=_problem(path),
        )
        for method, path, node, shared in found
    ]


def chosen(operations: Sequence[Operation], choice: Sequence[str]) -> list[Operation]:
    """Those that a choice names: `all`, `reads`, `tag:NAME`, `GET /path`, an operationId, or the name of the tool.
    Raises InvalidArgument for one that names none."""
    picked: dict[str, Operation] = {}
    for one in choice:
        named = [operation for operation in operations if _is_named(operation, one)]
        if not named and one not in (EVERYTHING, "reads"):
            raise InvalidArgument(
                f"The document has no operation '{one[:80]}'.",
                field="operations",
                hint="Choose by name, as GET /path, by tag:NAME, reads or all.",
            )
        picked.update((operation.key, operation) for operation in named)
    return [operation for operation in operations if operation.key in picked]


def _is_named(operation: Operation, choice: str) -> bool:
    if choice == EVERYTHING:
        return True
    if choice == "reads":
        return operation.tool_class == "read"
    if choice.startswith("tag:"):
        return choice.removeprefix("tag:") in operation.tags
    method, _, path = choice.partition(" ")
    if path:
        return (method.upper(), path.strip()) == (operation.method, operation.path)
    return choice in (operation.name, operation.node.get("operationId"))


def _found(document: Document) -> Iterator[tuple[str, str, Json, Json]]:
    for path, item in document.raw.get("paths", {}).items():
        try:
            shared = document.object(item)
        except Unusable:
            continue  # a path whose item stands elsewhere has no methods that could be listed
        for method in METHODS:
            if isinstance(shared.get(method), dict):
                yield method, path, shared[method], shared


def _problem(path: str) -> str | None:
    if len(path) > 500 or not _PATH.fullmatch(path):
        return "Its path has characters that stand for something else in an address."
    if any(step in (".", "..") for step in unquote(path).split("/")):
        return "Its path has a step '.' or '..'."
    return None


def _names(found: Sequence[tuple[str, str, Json, Json]], given: Mapping[str, str]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for method, path, node, _ in found:
        wanted[f"{method.upper()} {path}"] = _plain(node.get("operationId")) or _by_path(method, path)
    names = {key: name for key, name in given.items() if key in wanted}
    taken = {name.lower() for name in names.values()}
    rest = {key: name for key, name in wanted.items() if key not in names}
    twice = Counter(name.lower() for name in rest.values())
    for key, name in rest.items():
        if twice[name.lower()] > 1 or name.lower() in taken:
            method, _, path = key.partition(" ")
            name = _by_path(method, path)
            if name.lower() in taken or twice[name.lower()] > 0:
                mark = hashlib.sha256(key.encode()).hexdigest()[:8]
                name = f"{name[: MAX_NAME - 9]}_{mark}"
        names[key] = name
        taken.add(name.lower())
    return names


def _by_path(method: str, path: str) -> str:
    steps = [f"by_{step.strip('{}')}" if step.startswith("{") else step for step in path.split("/") if step]
    return _plain("_".join([method.lower(), *steps])) or method.lower()


def _plain(text: Any) -> str:
    """A text with the characters that a tool's name may have; nothing where no letter is left."""
    if not isinstance(text, str):
        return ""
    name = _UNNAMED.sub("_", text).strip("_.-")
    if not re.search(r"[A-Za-z]", name):
        return ""
    if len(name) > MAX_NAME:
        name = f"{name[: MAX_NAME - 9]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return name


def _is_list(node: Json, name: str) -> bool:
    return isinstance(node.get(name), list)

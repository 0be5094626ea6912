"""Following `$ref` inside one document. Nothing outside is ever fetched."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]

MAX_STEPS = 32  # from reference to reference


class Unusable(Exception):
    """Why a part of a document cannot become a tool: one sentence."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Document:
    """A document and what its references lead to."""

    def __init__(self, raw: Json) -> None:
        self.raw = raw
        info = raw.get("info")
        self.info: Mapping[str, Any] = info if isinstance(info, Mapping) else {}

    def followed(self, node: Any) -> tuple[Json, str | None]:
        """The object that a node is or refers to, and the last reference on the way. Raises Unusable."""
        reference: str | None = None
        for _ in range(MAX_STEPS):
            if not isinstance(node, dict):
                raise Unusable(f"{_shown(reference)} is not an object.")
            if "$ref" not in node:
                return node, reference
            reference = node["$ref"]
            node = self.at(reference)
        raise Unusable(f"{_shown(reference)} refers to itself.")

    def at(self, reference: Any) -> Any:
        """What stands at a local reference. Raises Unusable."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise Unusable(f"{_shown(reference)} leads out of the document, which is not followed.")
        node: Any = self.raw
        for step in unquote(reference[1:]).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and name.isdigit() and len(name) < 9 and int(name) < len(node):
                node = node[int(name)]
            elif isinstance(node, Mapping) and name in node:
                node = node[name]
            else:
                raise Unusable(f"{_shown(reference)} leads to nothing.")
        return node

    def object(self, node: Any) -> Json:
        """The object that a node is or refers to. Raises Unusable."""
        return self.followed(node)[0]


def _shown(reference: Any) -> str:
    return f"The reference '{str(reference)[:80]}'" if reference is not None else "A part"

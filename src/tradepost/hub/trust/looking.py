"""Which texts of a result are looked at, and looking at them in small steps between other work."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tradepost.foundation.detection.detector import MAX_LOOKED_AT, Finding, finding_of, is_long, parts_of, signs_in

MOST_TEXTS = 200  # of one result
MAX_TEXTS = 40_000  # characters of one result, all texts together
MOST_KNOWN = 8_192
_SHORT = 8  # characters of a text that says nothing
_NO_TEXT = frozenset({"data", "blob", "_meta", "mimeType", "type", "uri"})


def texts_in(value: Any) -> Iterator[str]:
    """The texts of an answer in JSON; encoded bytes and what belongs to the protocol are none."""
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            stack.extend(inner for key, inner in part.items() if key not in _NO_TEXT)
        elif isinstance(part, list | tuple):
            stack.extend(reversed(part))


class Looker:
    """Looks at texts, each of them once: what is the same as one seen lately is known. `looked_at` counts the
    characters."""

    def __init__(self) -> None:
        self.looked_at = 0
        self._known: OrderedDict[int, Finding] = OrderedDict()

    async def look(self, texts: Iterable[str]) -> Finding:
        """The signs of all texts in which there are enough of them. Lets others go on after each part."""
        findings, left, partial = [], MAX_TEXTS, False
        for number, text in enumerate(texts):
            if number >= MOST_TEXTS or left <= 0:
                partial = True
                break
            if len(text) < _SHORT:
                continue
            known = self._known.get(hash(text))
            if known is None:
                left -= min(len(text), MAX_LOOKED_AT)
                known = await self._looked(text)
            findings.append(known)
        signs = [sign for one in findings for sign in one.signs if one.level != "none" or sign.kind == "long"]
        return finding_of(signs, partial=partial)

    async def _looked(self, text: str) -> Finding:
        signs = []
        for part in parts_of(text):
            signs += signs_in(part)
            self.looked_at += len(part)
            await asyncio.sleep(0)
        found = finding_of(signs, partial=is_long(text))
        self._known[hash(text)] = found
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return found

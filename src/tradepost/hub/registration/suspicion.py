"""Signs in a definition that somebody wants something of the model: for the person who decides, never a decision.

What is found is a sentence with the place and the words. Texts may lie in ways that no pattern finds, so nothing here
lets a tool in; it only says where to look first.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from tradepost.foundation.detection.detector import POSSIBLE, pieces, signs_in
from tradepost.foundation.untrusted import clean, with_hidden_shown
from tradepost.hub.registry.outward import is_address

SHOWN = 100  # characters of what was found
MOST_SIGNS = 50  # of one definition
MOST_IN_A_TEXT = 5  # of one kind
_MAX_LOOKED_AT = 32_000  # characters of one definition that are looked through

_INSTRUCTIONS = re.compile(
    r"""(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|other|system|all|any)\b
      | <\s*/?\s*(?:important|system|instructions?|secret|admin|assistant|user|human)\b[^>\n]{0,40}>
      | \b(?:you|(?:the\s+)?(?:model|assistant|agent|ai|llm))\s+
        (?:must|should|shall|have\s+to|need\s+to|are\s+required)\b
      | \b(?:before|after|when|whenever|prior\s+to)\s+(?:using|calling|answering|responding|replying|you\b|any)
        [^.\n]{0,80}\b(?:read|call|send|include|pass|fetch|collect|copy|append|retrieve|first)\b
      | \b(?:always|never|first)\s+(?:call|use|read|send|include|pass|invoke|run|add|append|forward|copy)\b
      | \b(?:use|call|prefer)\s+(?:me|this(?:\s+tool)?)\s+(?:instead|first|rather)\b
      | \bsystem\s+prompt\b | \b(?:conversation|chat)\s+(?:history|context|so\s+far)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_SECRECY = re.compile(
    r"""\b(?:do\s+not|don'?t|don’t|never|without|must\s+not|should\s+not)\s+(?:\w+\s+){0,3}?
        (?:tell|mention|inform|reveal|disclose|notify|alert|telling|mentioning|informing|alerting|notifying)\w*
      | \b(?:secretly|silently|covertly|discreetly|in\s+secret)\b
      | \b(?:hide|hidden|keep)\b[^.\n]{0,30}\b(?:from\s+the\s+user|secret|confidential)\b
      | \buser\s+(?:must|should|shall)\s+not\s+(?:know|see|notice|hear)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_CREDENTIALS = re.compile(
    r"\b(?:passwords?|api[ _-]?keys?|access[ _-]?tokens?|private[ _-]?keys?|id_rsa|credentials?)\b|\.ssh\b|\.env\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(?:https?|wss?|ftp|mailto|data):[^\s\"'<>)]{1,200}|\b[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}")
_BLANK_RUN = re.compile(r"[ \t\u00a0\u2000-\u200a\u3000]{40,}|(?:[ \t]*\n){10,}")
_BLOB = re.compile(r"[A-Za-z0-9+/_-]{120,}={0,2}")
_WORD = re.compile(r"[^\W\d_]{3,}")
_TOKEN = re.compile(r"[A-Za-z0-9]+(?:[_.-][A-Za-z0-9]+)*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_USUAL_HERE = frozenset({"tool", "hidden", "long"})
_QUOTES = frozenset("`'\"“«")


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing to look at. Two with the same kind and evidence are the same, wherever they stand."""

    kind: str
    evidence: str
    place: str

    def sentence(self) -> str:
        """For a person; what a reader would not see is written out."""
        shown = with_hidden_shown(self.evidence)
        return f"{_SAYS[self.kind]} ({self.place}): {shown if len(shown) <= SHOWN else shown[:SHOWN] + '…'}"


_SAYS = {
    "hidden": "It has characters that a reader cannot see",
    "instructions": "It tells the model what to do",
    "secrecy": "It asks for secrecy",
    "credentials": "It speaks of credentials",
    "other_tools": "It names another tool",
    "outward": "An argument could carry data outward",
    "address": "It names an address",
    "scripts": "It mixes letters of different scripts in one word",
    "blanks": "It hides text behind a long blank",
    "blob": "It has a long unreadable text",
    "long": "It is too long to be looked through",
}


def signs_of(definition: Mapping[str, Any], other_tools: Iterable[str] = ()) -> list[Sign]:
    """All signs in a definition, those of one kind and evidence once. `other_tools` are names that are known here."""
    others = frozenset(other_tools) - {definition.get("name")}
    found: dict[tuple[str, str], Sign] = {}
    for sign in (*_in_texts(definition, others), *_outward(definition.get("inputSchema"), "inputSchema")):
        found.setdefault((sign.kind, sign.evidence), sign)
        if len(found) >= MOST_SIGNS:
            break
    return list(found.values())


def _in_texts(definition: Mapping[str, Any], others: frozenset[str]) -> Iterator[Sign]:
    left = _MAX_LOOKED_AT
    for place, text in _texts(definition):
        if len(text) > left:
            yield Sign("long", f"{len(text)} characters", place)
        text = text[:left]
        left -= len(text)
        visible = clean(text, len(text))
        if visible != text:
            yield Sign("hidden", text[:SHOWN], place)
        for kind, pattern in (
            ("instructions", _INSTRUCTIONS),
            ("secrecy", _SECRECY),
            ("credentials", _CREDENTIALS),
            ("blanks", _BLANK_RUN),
            ("blob", _BLOB),
        ):
            for found in islice(pattern.finditer(visible), MOST_IN_A_TEXT):
                yield Sign(kind, " ".join(found.group().split())[:SHOWN] or "blank", place)
        for sign in _as_in_data(visible):
            yield Sign(*sign, place)
        for found in _ADDRESS.finditer(visible):
            yield Sign("address", _host_of(found.group()), place)
        for word in _WORD.findall(visible):
            if not word.isascii() and len({_script(letter) for letter in word} & _MIXED) > 1:
                yield Sign("scripts", word, place)
        for name in _named(visible, others):
            yield Sign("other_tools", name, place)


def _as_in_data(text: str) -> Iterator[tuple[str, str]]:
    """What the detector of injected instructions finds, in whichever language. A definition may speak to a model and
    name tools: that is what the patterns above are about."""
    for part in pieces(text):
        for sign in signs_in(part):
            if sign.weight >= POSSIBLE and sign.kind not in _USUAL_HERE:
                yield "secrecy" if sign.kind == "secrecy" else "instructions", sign.evidence


def _named(text: str, others: frozenset[str]) -> Iterator[str]:
    """Other tools that a text names. A name that is a plain word counts only where it is written as a name."""
    if not others:
        return
    for found in _TOKEN.finditer(text):
        name = found.group()
        if name not in others:
            continue
        before, after = text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 6]
        is_written = before in _QUOTES or after.lstrip(" `'\"”»").startswith("tool")
        if not name.isalpha() or _HUMP.search(name) or is_written:
            yield name


def _outward(schema: Any, place: str, depth: int = 0) -> Iterator[Sign]:
    """Arguments through which data could leave, by their names and formats."""
    if not isinstance(schema, Mapping) or depth > 32:
        return
    properties = schema.get("properties")
    for name, about in properties.items() if isinstance(properties, Mapping) else ():
        if is_address(str(name), about):
            yield Sign("outward", str(name), f"{place}.properties.{name}")
    for key, inner in schema.items():
        for part in inner.values() if key in _MAPS and isinstance(inner, Mapping) else _parts(inner):
            yield from _outward(part, f"{place}.{key}", depth + 1)


_MAPS = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
_MIXED = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


def _parts(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _host_of(address: str) -> str:
    """What an address leads to, without its path."""
    if "@" in address and "://" not in address:
        return address.removeprefix("mailto:")
    try:
        return urlsplit(address).hostname or address[:SHOWN]
    except ValueError:
        return address[:SHOWN]


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a definition, keys included, with its place."""
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        place, part = stack.pop()
        if isinstance(part, str):
            yield place, part
        elif isinstance(part, Mapping):
            for key, inner in part.items():
                if clean(str(key), len(str(key))) != key or " " in str(key):
                    yield f"a key in {place or 'the definition'}", str(key)
                shown = with_hidden_shown(str(key))
                stack.append((f"{place}.{shown}" if place else shown, inner))
        elif isinstance(part, list):
            stack.extend((f"{place}[{index}]", inner) for index, inner in enumerate(part))

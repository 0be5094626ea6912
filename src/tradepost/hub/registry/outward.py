"""Arguments through which a call takes something out: to an address that the caller names, or as a text of theirs.

Names and formats say so of a definition, values of a call: an address, or more text than a search needs. It is a rule
of thumb: whatever goes to another server has left.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

Json = dict[str, Any]

LONG = 200  # characters: what is longer is no search, number or name
_MAX_DEPTH = 32
_WORDS = frozenset(
    """bcc callback callbacks cc domain email emails endpoint forward ftp host hostname href mail mailto notify proxy
    recipient recipients redirect sms smtp telegram uri uris url urls webhook webhooks""".split()
)
_ALSO_TO = frozenset({"to", "reply", "send", "from"})
_NAMES = frozenset({"to", "link", "server", "sendto", "replyto"})
_FORMATS = frozenset({"uri", "uri-reference", "iri", "email", "idn-email", "hostname", "idn-hostname", "ipv4"})
# What is written to somebody. For people who look at a definition these are too common to be named.
_BODIES = frozenset(
    """attachment attachments body comment content document html markdown message messages msg note notes payload prompt
    subject text""".split()
)
# By whose address records are found, as by a number: no more leaves with it than with a search.
_KEYS = frozenset({"email", "emails"})
_KEY = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(\.[\w-]{1,63}){1,3}")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[_.\s-]+")
_ADDRESS = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{0,20}:)?//[^\s/]|\bwww\.|\b(?:mailto|data|tel|sms):\S|[^\s@]@[\w-]+\.\w", re.I
)
_PLAIN = re.compile(r"[\w ,-]{0,200}")
_PLAIN_TYPES = frozenset({int, float, bool, type(None)})
_CARRY = _WORDS | _BODIES
_NUMBER_OR_TIME = re.compile(r"[\d\s:.,TZ+-]{0,40}")


def is_address(name: str, about: Any) -> bool:
    """Whether an argument of this name, with this schema, says where something goes."""
    form = about.get("format") if isinstance(about, Mapping) else None
    return _is_named(name, _WORDS) or form in _FORMATS


def outward_argument(schema: Any, arguments: Mapping[str, Any]) -> str | None:
    """The first argument of a call that takes something out, by its path; None where there is none."""
    declared = schema.get("properties") if isinstance(schema, Mapping) else None
    for name, value in arguments.items():
        if not _is_plain(name, value, declared):
            return _in_object(schema, arguments, "", _MAX_DEPTH)
    return None


def _is_plain(name: str, value: Any, declared: Any) -> bool:
    """Whether an argument is what most are, a number or some words in a place for them: nothing else is looked at then,
    on the way of every read."""
    if value.__class__ is not str:
        return value.__class__ in _PLAIN_TYPES
    about = declared.get(name) if declared.__class__ is dict else None
    return (
        about.__class__ is dict
        and "format" not in about
        and _PLAIN.fullmatch(value) is not None
        and not _is_named(name, _CARRY)
    )


def takes_there(argument: str, source: str) -> str:
    """Why people are asked about such a call, in a sentence's half."""
    return f"'{argument}' may take there what it knows from {source}"


@lru_cache(maxsize=4_096)
def _is_named(name: str, words: frozenset[str]) -> bool:
    parts = {word.lower() for word in _BETWEEN.split(_HUMP.sub("_", name))}
    return bool(parts & words) or re.sub(r"[^a-z]", "", name.lower()) in _NAMES


def _in_object(schema: Any, value: Mapping[str, Any], place: str, depth: int) -> str | None:
    declared = schema.get("properties") if isinstance(schema, Mapping) else None
    declared = declared if isinstance(declared, Mapping) else {}
    for name, inner in value.items():
        about = declared.get(name)
        if _finds_by_email(name, inner):
            continue
        found = _in_value(about, inner, f"{place}.{name}" if place else name, _may_carry(name, about), depth - 1)
        if found is not None:
            return found
    return None


def _finds_by_email(name: str, value: Any) -> bool:
    """Not `to_email` or `notify_email`: there something is sent to."""
    return (
        isinstance(value, str)
        and _is_named(name, _KEYS)
        and not _is_named(name, (_WORDS | _BODIES | _ALSO_TO) - _KEYS)
        and _KEY.fullmatch(value) is not None
    )


def _may_carry(name: str, about: Any) -> bool:
    return is_address(name, about) or _is_named(name, _BODIES)


def _in_value(about: Any, value: Any, place: str, carries: bool, depth: int) -> str | None:
    if isinstance(value, str):
        return place if _goes_out(about, value, carries) else None
    if depth <= 0:
        return place  # nobody nests a search like that
    if isinstance(value, Mapping):
        named = next((name for name in value if len(name) > LONG or _ADDRESS.search(name)), None)
        if (carries and value) or named is not None:
            return place
        return _in_object(about, value, place, depth)
    items = about.get("items") if isinstance(about, Mapping) else None
    for one in value if isinstance(value, list) else ():
        found = _in_value(items, one, place, carries, depth - 1)
        if found is not None:
            return found
    return None


def _goes_out(about: Any, text: str, carries: bool) -> bool:
    if not text or (isinstance(about, Mapping) and ("enum" in about or "const" in about)):
        return False  # one of the values that were approved with the definition
    if len(text) > LONG:
        return True
    if carries:
        return _NUMBER_OR_TIME.fullmatch(text) is None  # from 1 to 5, from Monday to Friday
    return _ADDRESS.search(text) is not None

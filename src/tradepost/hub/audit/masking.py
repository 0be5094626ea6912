"""What the audit keeps of arguments: everything but secrets, everything but secrets and personal data, or nothing.

A field is one or the other by its schema (`format`, `writeOnly`, `x-personal`, `x-secret`), by its name, or because its
value looks like it (`patterns`). Free text is cut: what a row needs of it is what it was about.
"""

import json
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, Literal

import orjson

from tradepost.hub.audit.patterns import (
    CARD,
    LEAST_CHARACTERS,
    LEAST_SECRET,
    SECRET,
    is_card,
    without_personal_data,
    without_secrets,
)

Keeping = Literal["full", "masked", "digest"]
KEEPINGS: Final = ("full", "masked", "digest")
Kind = Literal["secret", "personal"]
Kinds = Mapping[str, Any]  # a field's name -> its kind, or the kinds of the fields in it

PERSONAL = "[personal]"
MAX_TEXT = 80  # characters of a text in a masked row
MAX_ITEMS = 20
MAX_DEPTH = 8
MAX_MASKED = 4_096  # characters of JSON in a row
MAX_FULL = 65_536
NO_KINDS: Kinds = {}
_LEAST_ACCOUNT = 15  # characters of the shortest IBAN

# Ids as this product makes them, and nothing that looks like a key: most other texts in arguments.
_IS_ID = re.compile(r"(?!tp_|sk_|pk_|rk_|gh|xox|glpat|whsec)[a-z]{2,5}_[0-9a-z]{1,32}\Z").match
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SECRET_WORDS = frozenset(
    "password passwd pwd passphrase secret secrets token tokens authorization bearer cookie cookies credential "
    "credentials otp pin cvv cvc cvv2 csc apikey".split()
)
_SECRET_PAIRS = frozenset({("api", "key"), ("private", "key"), ("access", "key"), ("signing", "key"), ("auth", "code")})
_PERSONAL_WORDS = frozenset(
    "email mail phone telephone tel mobile fax address street postcode zip birthday birthdate dob ssn passport iban "
    "bic surname firstname lastname fullname latitude longitude ip".split()
)
_PERSONAL_PAIRS = frozenset(
    {
        *(("first", "name"), ("last", "name"), ("full", "name"), ("family", "name"), ("given", "name")),
        *(("customer", "name"), ("contact", "name"), ("recipient", "name"), ("display", "name"), ("user", "name")),
        *(("birth", "date"), ("date", "birth"), ("tax", "id"), ("card", "number"), ("account", "number")),
        *(("e", "mail"), ("postal", "code"), ("zip", "code"), ("national", "id"), ("vat", "id")),
    }
)
# "mail" says what something is for where it is an id or a switch: message ids, template names, flags.
_HARMLESS_LAST = frozenset("id ids type kind status count enabled template version".split())


@lru_cache(maxsize=4_096)
def kind_of(name: str) -> Kind | None:
    """What a field holds, by its name alone."""
    words = tuple(word.lower() for word in _WORDS.findall(name[:200]))
    pairs = set(pairwise(words)) | {(first, last) for first, _, last in _threes(words)}
    if not _SECRET_WORDS.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(pairs):
        return "secret"
    if not _PERSONAL_PAIRS.isdisjoint(pairs):
        return "personal"
    if words and words[-1] in _HARMLESS_LAST:
        return None
    return None if _PERSONAL_WORDS.isdisjoint(words) else "personal"


def _threes(words: tuple[str, ...]) -> Any:
    return zip(words, words[1:], words[2:], strict=False)


def kinds_in(schema: Any, depth: int = 0) -> Kinds:
    """What a schema itself says about its fields."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or depth == MAX_DEPTH:
        return NO_KINDS
    found: dict[str, Any] = {}
    for name, field in properties.items():
        if not isinstance(field, dict):
            continue
        if field.get("x-secret") is True or field.get("writeOnly") is True or field.get("format") == "password":
            found[name] = "secret"
        elif field.get("x-personal") is True or field.get("format") in ("email", "idn-email", "phone", "tel"):
            found[name] = "personal"
        else:
            within = kinds_in(field, depth + 1) or kinds_in(field.get("items"), depth + 1)
            if within:
                found[name] = within
    return found


class Masking:
    """One way to keep arguments. `personal` and `secret` are names of fields that the workspace adds."""

    def __init__(self, keeping: Keeping, personal: Collection[str] = (), secret: Collection[str] = ()) -> None:
        self.keeping = keeping
        named: dict[str, Kind] = {name.lower(): "personal" for name in personal}
        self._named: Mapping[str, Kind] = named | dict.fromkeys((name.lower() for name in secret), "secret")

    def text_of(self, arguments: Mapping[str, Any], kinds: Kinds = NO_KINDS) -> str | None:
        """The arguments as JSON, as far as they are kept. What is too much is left out, and says so."""
        if self.keeping == "digest":
            return None
        masked = self.keeping == "masked"
        most = MAX_MASKED if masked else MAX_FULL
        text = as_text(self._object(arguments, kinds, 0, masked))
        return text if len(text) <= most else as_text({"left_out": f"{len(text)} characters of arguments"})

    def _object(self, value: Mapping[str, Any], kinds: Kinds, depth: int, masked: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        named = self._named
        for name, inner in value.items():
            of_value = type(inner)
            if inner is None or of_value is bool:
                shown[_text(name, masked)] = inner
                continue
            declared = kinds.get(name) if kinds else None
            kind = declared if type(declared) is str else (named.get(name.lower()) if named else None) or kind_of(name)
            if kind == "secret":
                shown[_text(name, masked)] = SECRET
            elif kind is not None and masked:
                shown[_text(name, masked)] = PERSONAL
            elif of_value is str:
                shown[_text(name, masked)] = _text(inner, masked)
            else:
                within = declared if isinstance(declared, dict) else NO_KINDS
                shown[_text(name, masked)] = self._value(inner, within, depth + 1, masked)
        return shown

    def _value(self, value: Any, kinds: Kinds, depth: int, masked: bool) -> Any:
        kind = type(value)
        if kind is str:
            return _text(value, masked)
        if kind is dict or kind is list:
            if depth > MAX_DEPTH and masked:
                return "…"
            if kind is dict:
                return self._object(value, kinds, depth, masked)
            kept = value[:MAX_ITEMS] if masked else value
            items = [self._value(item, kinds, depth + 1, masked) for item in kept]
            return [*items, f"… ({len(value) - MAX_ITEMS} more)"] if len(kept) < len(value) else items
        if masked and kind is int and value > 10**12 and is_card(str(value)):
            return CARD
        return value


def _text(text: str, masked: bool) -> str:
    whole = len(text)
    if whole < LEAST_CHARACTERS or (whole < LEAST_SECRET and (text.isalpha() or text.isidentifier())):
        return text  # a word: most are
    if _IS_ID(text) or _is_number(text, whole):
        return text
    if not masked:
        return without_secrets(text)
    text = without_personal_data(without_secrets(text[: 8 * MAX_TEXT]))
    return text if whole <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({whole} characters)"


def _is_number(text: str, whole: int) -> bool:
    """Whether a text is surely the number of an order or an article: letters and digits together, fewer than an account
    or a key has, and not digits alone, as of a telephone."""
    return whole < _LEAST_ACCOUNT and text.isalnum() and text.isascii() and not text.isdigit()


def as_text(value: Mapping[str, Any]) -> str:
    """Arguments as the text that rows keep."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # an integer, or a half of a character, that no other parser has to know
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

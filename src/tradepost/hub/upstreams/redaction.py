"""Keeping a server's own credential out of what it answers: a server that echoes it must not hand it to an agent."""

import base64
import html
import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

from tradepost.foundation.canonical import MAX_DEPTH

MASK = "[redacted]"
LEAST_INNER = 8  # characters of a part of base64 that means something
_ESCAPE = re.compile("%[0-9A-F]{2}")
_OTHER_ESCAPE = re.compile(rb"\\[u/]")  # of JSON, for what can be written without an escape, or with another one


def redact(value: Any, secrets: Sequence[str]) -> Any:
    """The value with every occurrence of a secret (plain, base64, hex, URL-encoded, escaped as in JSON or HTML, in
    capital or small letters, reversed) masked in texts and keys, and with everything masked that is nested deeper than
    any message may be."""
    if not secrets:
        return value
    return _masked(value, _spellings(tuple(secrets)), MAX_DEPTH)


def may_hold(source: bytes, secrets: Sequence[str]) -> bool:
    """Whether anything in a JSON text may have to be masked. No is certain, yes is not."""
    if not secrets:
        return False
    if _OTHER_ESCAPE.search(source):
        return True  # without these there is one way to write a text in JSON
    return any(needle in source for needle in _needles(tuple(secrets)))


# What is kept here is in memory anyway, with the connection that the secrets belong to.
@lru_cache(maxsize=256)
def _spellings(secrets: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(spelling for secret in secrets for spelling in _spellings_of(secret))


@lru_cache(maxsize=256)
def _needles(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    """The spellings as JSON writes them, without those that hold another one."""
    written = dict.fromkeys(orjson.dumps(spelling)[1:-1] for spelling in _spellings(secrets))
    return tuple(one for one in written if not any(other in one and other != one for other in written))


def _spellings_of(secret: str) -> list[str]:
    raw = secret.encode()
    url = quote(secret, safe="")
    found = [secret, url, quote_plus(secret), _ESCAPE.sub(lambda part: part[0].lower(), url), secret[::-1]]
    found += [
        orjson.dumps(secret)[1:-1].decode(),
        json.dumps(secret)[1:-1],
        html.escape(secret),
        raw.hex(),
        raw.hex().upper(),
    ]
    found += [secret.lower(), secret.upper(), *_in_base64(raw)]
    return list(dict.fromkeys(found))


def _in_base64(raw: bytes) -> Iterator[str]:
    """What base64 writes of it, alone or in the middle of something else: then its first and last characters depend on
    what stands beside it. Longest first."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode("ascii")
        yield from (whole, whole.rstrip("="))
        for before in range(3):
            middle = encode(bytes(before) + raw).decode("ascii").rstrip("=")
            inner = middle[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
            if len(inner) >= LEAST_INNER:
                yield inner


def _masked(value: Any, spellings: Sequence[str], levels: int) -> Any:
    if isinstance(value, str):
        for spelling in spellings:
            value = value.replace(spelling, MASK)
        return value
    if isinstance(value, dict | list) and levels == 0:
        return MASK
    if isinstance(value, dict):
        return {_masked(key, spellings, 0): _masked(inner, spellings, levels - 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, spellings, levels - 1) for inner in value]
    return value

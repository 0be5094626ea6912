"""Which texts of a credential must not come back from a server: longest first, none so short that it stands in any
answer by chance."""

import base64
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from tradepost.hub.vault.header_rules import Header

LEAST = 6  # characters
LEAST_OF_PATH = 12  # a shorter word of a path may be any word, unless it has a digit and LEAST_WITH_DIGIT
LEAST_WITH_DIGIT = 8


def of_headers(headers: Sequence[Header]) -> tuple[str, ...]:
    """The hidden values, what follows a scheme like `Bearer`, and the password of `Basic`."""
    hidden = [one.value for one in headers if one.hidden]
    return _sorted(part for value in hidden for part in (value, value.rpartition(" ")[2], _password(value)))


def of_url(url: str) -> tuple[str, ...]:
    """The whole of a secret URL, what of it a server sees, and the parts that can be the secret itself."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    words = {word for written in parts.path.split("/") for word in (written, unquote(written)) if _is_telling(word)}
    values = {value for _, value in parse_qsl(parts.query)}
    whole = {url, target, parts.path} if len(parts.path) >= LEAST_OF_PATH else {url, target}
    return _sorted({*whole, *words, *values})


def _password(value: str) -> str:
    """The password in a value of HTTP's basic scheme; nothing where there is none."""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _is_telling(word: str) -> bool:
    has_digit = any(character.isdigit() for character in word)
    return len(word) >= LEAST_OF_PATH or (has_digit and len(word) >= LEAST_WITH_DIGIT)


def _sorted(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({part for part in parts if len(part) >= LEAST}, key=lambda part: (-len(part), part)))

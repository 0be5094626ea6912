"""Which texts of a credential must not come back from a server: longest first, none so short that it stands in any
answer by chance."""

from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from tradepost.hub.vault.header_rules import Header

LEAST = 6  # characters
LEAST_OF_PATH = 12  # a shorter word of a path may be any word, unless it has a digit and LEAST_WITH_DIGIT
LEAST_WITH_DIGIT = 8


def of_headers(headers: Sequence[Header]) -> tuple[str, ...]:
    """The hidden values, and what follows a scheme like `Bearer`."""
    return _sorted(part for one in headers if one.hidden for part in (one.value, one.value.rpartition(" ")[2]))


def of_url(url: str) -> tuple[str, ...]:
    """The whole of a secret URL, what of it a server sees, and the parts that can be the secret itself."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    words = {word for written in parts.path.split("/") for word in (written, unquote(written)) if _is_telling(word)}
    values = {value for _, value in parse_qsl(parts.query)}
    whole = {url, target, parts.path} if len(parts.path) >= LEAST_OF_PATH else {url, target}
    return _sorted({*whole, *words, *values})


def _is_telling(word: str) -> bool:
    has_digit = any(character.isdigit() for character in word)
    return len(word) >= LEAST_OF_PATH or (has_digit and len(word) >= LEAST_WITH_DIGIT)


def _sorted(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({part for part in parts if len(part) >= LEAST}, key=lambda part: (-len(part), part)))

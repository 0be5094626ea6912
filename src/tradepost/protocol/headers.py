"""HTTP headers as MCP uses them: folded so that a doubled header cannot hide, and values that survive the way.

A header that came twice is joined with ", ". The joined text equals neither copy, so every comparison with it fails:
no reader can pick the first copy while another picks the last.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

_SENTINEL = re.compile(r"=\?base64\?(?P<payload>.*)\?=", re.DOTALL)
_SAFE = re.compile(r"[\x20-\x7e]*")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_NAMES = {  # of most headers that come, as servers give them
    name.encode(): name
    for name in (
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "origin",
        "user-agent",
    )
}
_USUAL = 200  # characters; what clients say is kept, for the next who says the same, only where it is short


class KeptHeaders(list[tuple[bytes, bytes]]):
    """ASGI headers of a head that came before on the same connection, with what was made of them. Nobody changes
    either."""

    __slots__ = ("folded",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        super().__init__(raw)
        self.folded = _folded(raw)


def fold(raw: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """ASGI headers by lower case names; doubled ones joined."""
    return raw.folded if type(raw) is KeptHeaders else _folded(raw)


def _folded(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    folded: dict[str, str] = {}
    for name, value in raw:
        key = _NAMES.get(name) or name.decode("latin-1").lower()
        text = value.decode("latin-1").strip(" \t")  # blanks around a value are no part of it (RFC 9110)
        folded[key] = f"{folded[key]}, {text}" if key in folded else text
    return folded


def is_visible_ascii(text: str, longest: int) -> bool:
    """True for 1 to `longest` characters of visible ASCII without blanks."""
    return len(text) <= longest and _VISIBLE.fullmatch(text) is not None


def encode_value(value: str) -> str:
    """The value as an MCP header carries it: plain where that is safe, otherwise in the Base64 sentinel."""
    if _SAFE.fullmatch(value) and value == value.strip() and not _SENTINEL.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode('ascii')}?="


def decode_value(value: str | None) -> str | None:
    """The value behind a header. None for an absent header, a malformed sentinel or characters no header may have."""
    if value is None or not _SAFE.fullmatch(value):
        return None
    match = _SENTINEL.fullmatch(value)
    if match is None:
        return value
    payload = match["payload"]
    try:
        decoded = base64.b64decode(payload, validate=True)
        text = decoded.decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    # b64decode tolerates stray trailing bits; only the canonical spelling may equal a body value.
    return text if base64.b64encode(decoded).decode("ascii") == payload else None


def accepts(accept: str | None, media_type: str) -> bool:
    """True when an Accept header allows the media type; an absent header allows all."""
    if accept is None:
        return True
    return _accepts(accept, media_type) if len(accept) <= _USUAL else _offers(accept, media_type)


def _offers(accept: str, media_type: str) -> bool:
    family = media_type.split("/")[0] + "/*"
    offered = {part.split(";")[0].strip().lower() for part in accept.split(",")}
    return bool(offered & {media_type, family, "*/*"})


_accepts = lru_cache(maxsize=512)(_offers)

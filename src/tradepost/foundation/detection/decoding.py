"""Texts within a text, in an encoding: base64, hexadecimal, letters moved by 13, written backwards."""

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from itertools import islice

MOST_DECODED = 8  # of one encoding
MAX_ENCODED = 4_000  # characters of one
_BASE64 = re.compile(rf"[A-Za-z0-9+/_-]{{20,{MAX_ENCODED}}}={{0,2}}")
_HEX = re.compile(rf"(?:[0-9A-Fa-f]{{2}}[ :,]?){{12,{MAX_ENCODED // 3}}}")
_BINARY = re.compile(rf"(?:[01]{{8}}[ ]?){{8,{MAX_ENCODED // 9}}}")
# What such a text would have in it: words of instructions, moved or turned around.
_MOVED = ("vafgehpgvba", "vtaber", "flfgrz", "nffvfgnag", "phfgbzre", "erivrj", "ersha")
_TURNED = ("snoitcurtsni", "erongi", "metsys", "tnatsissa", "tpmorp", "dnufer", "remotsuc")


def within(text: str) -> Iterator[str]:
    """Texts that are encoded in a text, as far as they are readable."""
    for found in islice(_BASE64.finditer(text), MOST_DECODED):
        yield from _readable(_from_base64(found.group()))
    for found in islice(_HEX.finditer(text), MOST_DECODED):
        yield from _readable(bytes.fromhex(re.sub(r"[^0-9A-Fa-f]", "", found.group())))
    for found in islice(_BINARY.finditer(text), MOST_DECODED):
        bits = found.group().replace(" ", "")
        yield from _readable(int(bits, 2).to_bytes(len(bits) // 8, "big"))
    lower = text.lower()
    if any(part in lower for part in _MOVED):
        yield codecs.decode(text, "rot13")
    if any(part in lower for part in _TURNED):
        yield text[::-1]


def _from_base64(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def _readable(found: bytes) -> Iterator[str]:
    for charset in ("utf-8", "utf-16"):
        try:
            text = found.decode(charset)
        except UnicodeDecodeError:
            continue
        letters = sum(one.isalpha() or one.isspace() for one in text)
        if text.isprintable() and len(text) >= 8 and letters >= 0.7 * len(text):
            yield text
            return

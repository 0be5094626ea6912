"""Ways to write a text so that a reader who looks for words does not see it, and a model still may."""

import base64
import codecs
import html
from collections.abc import Callable
from urllib.parse import quote

Disguise = Callable[[str], str]
_CYRILLIC = str.maketrans("aeopcxyiAEOPCXTHBM", "аеорсхуіАЕОРСХТНВМ")
_LEET = str.maketrans("oieast", "013457")


def _tags(text: str) -> str:
    return "Nice shop." + "".join(chr(0xE0000 + ord(one)) for one in text if one.isascii())


def _cut(text: str) -> str:
    return "".join(one + ("\u200b" if index % 3 == 1 else "") for index, one in enumerate(text))


def _some_cyrillic(text: str) -> str:
    return " ".join(word.translate(_CYRILLIC) if len(word) > 3 else word for word in text.split(" "))


def _wide(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


def _lines(text: str) -> str:
    return "\n".join(text.split(" "))


def _apart(text: str) -> str:
    return "   ".join(" ".join(word) for word in text.split(" "))


KNOWN: dict[str, Disguise] = {
    "base64": lambda text: "Reference " + base64.b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "percent": lambda text: quote(text, safe=""),
    "entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "zero width": _cut,
    "tag characters": _tags,
    "look-alikes": _some_cyrillic,
    "full width": _wide,
    "over lines": _lines,
    "capitals": str.upper,
}
HELD_OUT: dict[str, Disguise] = {
    "base64": lambda text: f"see attachment data:text/plain;base64,{base64.b64encode(text.encode()).decode()} thanks",
    "hexadecimal": lambda text: " ".join(f"{one:02X}" for one in text.encode()),
    "entities": lambda text: "".join(f"&#x{ord(one):x};" if one.isalpha() else html.escape(one) for one in text),
    "escapes": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "tag characters": _tags,
    "look-alikes": _some_cyrillic,
    "over lines": lambda text: "> " + "\n> ".join(text.split(" ")),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "backwards": lambda text: text[::-1],
    "digits for letters": lambda text: text.translate(_LEET),
    "letters apart": _apart,
    "bidirectional": lambda text: f"\u202e{text[::-1]}\u202c",
}

"""One form for all ways to write the same letters: width, case, accents, look-alikes, entities and escapes."""

import html
import re
import unicodedata
from urllib.parse import unquote

from tradepost.foundation.untrusted import clean

_ACCENTS = re.compile("[\u0300-\u036f]+")
_ENTITY = re.compile(r"&#?\w{2,8};")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"\\u\{?([0-9A-Fa-f]{4})\}?|\\x([0-9A-Fa-f]{2})")
_BETWEEN = re.compile(r"(?<=[A-Za-z])[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+(?=[A-Za-z])")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")
_SPACED = re.compile(r"(?<!\w)(?:[A-Za-z][ .\-_*|]{1,4}){7,}[A-Za-z](?!\w)")
_SEPARATED = re.compile(r"[ .\-_*|]{1,4}")
_NOT = re.compile(r"n['’]t\b")
_OTHERS = str.maketrans({"ı": "i", "İ": "I", "ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d"})
# Letters of other scripts that look like Latin ones.
_ALIKE = {
    ord(pair[0]): pair[1]
    for pair in """
    аa сc ԁd еe ɡg һh іi јj қk ӏl мm ոn оo рp ԛq гr ѕs тt ѵv ԝw хx уy вb кk пn
    АA ВB СC ЕE НH ІI ЈJ КK МM ОO РP ЅS ТT ХX УY αa βb εe ηn ιi κk νv οo ρp τt υu χx
    ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX
    """.split()
}
_LEET = str.maketrans("013457@$!", "oieastasi")
_WORD = re.compile(r"[^\W_]+")
_MAYBE_LEET = re.compile(r"[A-Za-z][013457@$!][A-Za-z]")
_LEETED = re.compile(r"[A-Za-z@$!013457]{3,24}")


def folded(text: str) -> str:
    """A text in one form, its case kept. Never much longer than the text itself."""
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found.group()), text)
    if len(_PERCENT.findall(text)) > 2:
        text = unquote(text, errors="replace")
    if "\\" in text:
        text = _ESCAPE.sub(lambda found: chr(int(found.group(1) or found.group(2), 16)), text)
    text = clean(text, len(text))
    if text.isascii():
        return _NOT.sub(" not", text)
    text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    text = unicodedata.normalize("NFC", text).translate(_OTHERS)
    return _NOT.sub(" not", text)


def without_look_alikes(text: str) -> tuple[str, int]:
    """The text with words of mixed scripts in Latin letters, and how many such words there are."""
    if text.isascii():
        return text, 0
    count = 0

    def plain(found: re.Match[str]) -> str:
        nonlocal count
        word = found.group()
        turned = word.translate(_ALIKE)
        if word.isascii() or turned == word or not turned.isascii() or not any(map(str.isascii, word)):
            return word
        count += 1
        return turned

    return _WORD.sub(plain, text), count


def leet(text: str) -> str:
    """Words with digits and signs among their letters, in letters: "1gn0r3"."""
    if _MAYBE_LEET.search(text) is None:
        return text
    return _LEETED.sub(
        lambda found: found.group().translate(_LEET) if not found.group().isalpha() else found.group(), text
    )


def unspaced(text: str) -> str:
    """Letters set apart ("i g n o r e") put together; words end where there was more than one blank."""
    return _SPACED.sub(
        lambda found: _SEPARATED.sub(lambda one: " " if len(one.group()) > 1 else "", found.group()), text
    )


def hidden_marks(text: str) -> tuple[str, int, int]:
    """What tag characters spell, how many words are cut by characters nobody sees, and how many turn the direction."""
    if text.isascii():
        return "", 0, 0
    tags = " ".join("".join(chr(ord(one) - 0xE0000) for one in found) for found in _TAGS.findall(text))
    return tags, len(_BETWEEN.findall(text)), len(_BIDI.findall(text))

"""Which kind of personal data a field holds, by its name, by what it stands beside and in, and by how it looks."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise

from tradepost.hub.access.personal.persons import MOST_LOOKED_AT, PERSONS, holds_a_person, words_in
from tradepost.hub.audit.patterns import without_personal_data

_HARMLESS_LAST = frozenset("id ids type kind status count enabled verified template version at".split())
_EMAIL = frozenset("email emails mail".split())
_PHONE = frozenset("phone phones telephone tel mobile fax msisdn".split())
_ADDRESS = frozenset("street streets line1 line2 postcode postal zip".split())
_OTHER = frozenset("birthday birthdate dob ssn passport iban bic latitude longitude".split())
_OTHER_PAIRS = frozenset(
    {("birth", "date"), ("tax", "id"), ("national", "id"), ("card", "number"), ("account", "number")}
)
_NAMES = frozenset("surname firstname lastname fullname".split())
_BY_WORD = {"email": _EMAIL, "phone": _PHONE, "other": _OTHER, "address": _ADDRESS, "name": _NAMES}
_OF_PERSONS = PERSONS | frozenset("first last full family given middle maiden".split())
_SIGNED = ("signed", "by")

E_MAIL = re.compile(r"[\w.+%'*-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


@lru_cache(maxsize=8_192)
def kind_of(name: str) -> str | None:
    """By its name alone."""
    plain = words_in(name)
    words = plain + tuple(first + second for first, second in pairwise(plain))  # "line1", "e mail"
    pairs = set(pairwise(words))
    if not _OTHER_PAIRS.isdisjoint(pairs):
        return "other"
    last = plain[-1] if plain else ""
    if last in _HARMLESS_LAST:
        return None
    for kind, known in _BY_WORD.items():
        if not known.isdisjoint(words):
            return kind
    if last == "address" and "ip" not in words:
        return "address"
    is_name = _SIGNED in pairs or any(second == "name" and first in _OF_PERSONS for first, second in pairs)
    return "name" if is_name else None


def is_of_person(names: Iterable[str], inside: str) -> bool:
    """Whether a field that is called `name` is a person's: it stands beside an e-mail address or a telephone number, or
    inside of something that is called like a person."""
    if holds_a_person(inside[:MOST_LOOKED_AT]):
        return True
    return any(kind_of(one) in ("email", "phone") for one in names)


def masked(kind: str, value: str) -> str:
    """What is shown of a text in place of all of it; of what is masked already, the same."""
    if kind == "email":
        return E_MAIL.sub(_first_and_domain, value) if E_MAIL.search(value) else "***"
    if kind == "phone":
        return f"***{value[-2:]}"
    if kind == "name":
        return " ".join(f"{word[:1]}***" for word in value.split()) or "***"
    return "***"


def without(kinds: Iterable[str], text: str) -> str:
    """A text in which nothing looks like one of these kinds."""
    for kind, change in _LOOKS.items():
        if kind in kinds:
            text = change(text)
    return text


def _first_and_domain(match: re.Match[str]) -> str:
    local, _, domain = match.group().partition("@")
    return f"{local[:1]}***@{domain}"


def _without_emails(text: str) -> str:
    return E_MAIL.sub(_first_and_domain, text) if "@" in text else text


def _without_numbers(text: str) -> str:
    """E-mail addresses are somebody else's subject: they stay as they are."""
    pieces, at = list[str](), 0
    for match in E_MAIL.finditer(text):
        pieces += [without_personal_data(text[at : match.start()]), match.group()]
        at = match.end()
    return "".join([*pieces, without_personal_data(text[at:])])


_LOOKS: dict[str, Callable[[str], str]] = {
    "email": _without_emails,
    "phone": _without_numbers,
    "other": _without_numbers,
}

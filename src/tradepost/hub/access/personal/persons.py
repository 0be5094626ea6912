"""Whose name a field or a sentence holds: who counts as a person, and where prose names one.

Rules of thumb, in favour of masking: a field that is called like a person holds that person's name unless it looks like
an id, and prose names somebody where a word for a person stands right before it.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

MOST_LOOKED_AT = 200  # characters of a field's name
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
PERSONS = frozenset(
    "customer contact recipient buyer shopper person people consignee consignor sender receiver addressee user driver "
    "employee staff assignee signer signatory member owner operator manager author creator requester approver reviewer "
    "reporter client guest passenger patient payer payee cardholder beneficiary technician salesperson clerk picker "
    "packer attn purchaser subscriber borrower tenant traveler traveller representative cashier supervisor colleague "
    "donor claimant complainant attendee participant inspector".split()
)
_DONE = frozenset(  # what somebody did, or is to do: `signed_by`, `assignedTo`
    "signed created updated changed modified deleted approved rejected decided received accepted handled delivered "
    "reported requested picked packed assigned reviewed resolved closed opened ordered issued shipped checked counted "
    "written answered paid collected canceled cancelled owned entered uploaded edited verified processed addressed "
    "prepared performed completed confirmed registered submitted inspected reassigned sent".split()
)
_CONTAINERS = frozenset(
    "items item results result data records record rows row list entries entry nodes node edges hits values page parts "
    "members content contents response payload body".split()
)
_AFTER_THE_NOUN = frozenset("by for of in with from to at on".split())

_LARGE = r"[^\W\d_a-zß-öø-ÿ][\w'’.-]{0,40}"  # a word that does not begin with a small letter
_MORE = (
    rf"\s{{1,2}}(?:(?:van|von|de|del|della|der|den|ten|ter|la|le|di|da|dos|du|al|el|bin|zu)\s{{1,2}}){{0,2}}{_LARGE}"
)
_PERSON, _DID = "|".join(sorted(PERSONS)), "|".join(sorted(_DONE))
_NAMED = (
    re.compile(
        rf"(?i:\b(?:{_PERSON}|name|(?:{_DID}) (?:by|to))(?:'s)?(?: name)?\s{{0,3}}[:=]\s{{0,3}})"
        rf"({_LARGE}(?:{_MORE}){{0,4}})"
    ),
    re.compile(rf"\b(?:{_PERSON}|{_PERSON.title()})\s(?:\S{{0,20}}\d\s)?\(?({_LARGE}(?:{_MORE}){{1,4}})"),
    re.compile(rf"\b(?:{_DID}) (?:by|to) ({_LARGE}(?:{_MORE}){{1,4}})"),
)
_IN_BRACKETS = re.compile(r"[^()]*(?:\d|[A-Z]{2})[^()]* \(([^()]+)\)")


@lru_cache(maxsize=8_192)
def words_in(name: str) -> tuple[str, ...]:
    """The words of a field's name, in small letters."""
    return tuple(word.lower() for word in _WORDS.findall(name[:MOST_LOOKED_AT]))


@lru_cache(maxsize=8_192)
def names_a_person(name: str) -> bool:
    """Whether something that is called so is a person, or several: `driver`, `assignedTo`, `signed_by`, `customers`."""
    words = words_in(name)
    if not words:
        return False
    if len(words) > 1 and words[-1] in ("by", "to") and words[-2] in _DONE:
        return True
    return _is_person(words[-1])


@lru_cache(maxsize=8_192)
def holds_a_person(inside: str) -> bool:
    """Whether a field that is called `name` is a person's, when what it is in is called so."""
    return any(_is_person(word) for word in words_in(inside))


@lru_cache(maxsize=8_192)
def lists_persons(tool: str) -> bool:
    """Whether a tool of this name answers with persons: `list_drivers`, `find_user_by_email`."""
    words = list(words_in(tool))
    ends = next((place for place, word in enumerate(words) if place and word in _AFTER_THE_NOUN), len(words))
    return ends > 0 and _is_person(words[ends - 1])


def goes_through(name: str, inside: str) -> str:
    """What the values of a field are in: a mere container (`items`) is in what it is in itself."""
    return inside if name.lower() in _CONTAINERS else name


def name_in(value: str) -> str | None:
    """The name in a field that is called like a person: "D-7 (Ann Berg)" has one in brackets, "D-7",
    "usr_06fk" and "customer" are none."""
    text = value.strip()
    bracketed = _IN_BRACKETS.fullmatch(text)
    if bracketed is not None:
        return bracketed.group(1)
    if not text or any(sign in text for sign in "@/_") or any(character.isdigit() for character in text):
        return None
    return value if " " in text or not text[0].islower() else None


def named_in(text: str) -> Iterator[str]:
    """The names that a text puts beside a word for a person: "driver Joris van Dam", "Customer: Jane Doe"."""
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            yield match.group(1).rstrip(".'’-")


def _is_person(word: str) -> bool:
    return word in PERSONS or (word.endswith("s") and word[:-1] in PERSONS)

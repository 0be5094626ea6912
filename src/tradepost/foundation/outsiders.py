"""Which texts that outsiders wrote are being delivered: noted where they are put into an answer, for whoever listens.

A listener hears what is put into answers in its own task and in those that the task starts. Names are a case of their
own: a company or an address line is what customers type, and a plain one says nothing. One that does not read as a name
counts as text (security.md §2 row 5). That is a rule of thumb in favour of asking: a plain name passes by, whatever
looks like a sentence, an order to somebody or a reference to a record does not.
"""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

from tradepost.foundation.plain_names import reads_as_name, speaks
from tradepost.foundation.untrusted import DEFAULT_CAP, UntrustedText, clean, hidden_in, untrusted

MOST_NOTED = 4  # kinds of text per call: one is enough to know, a few to say which

MOST_TEXTS = 200
MOST_NAMED = 2_000


@dataclass(slots=True)
class Heard:
    """What an answer was given that outsiders wrote: which kinds of text ("an order note"), the texts themselves, and
    how many characters that nobody can see were taken out, be it of a text or a plain name. `named` is what it says of
    persons, with the kind of personal data that it is: prose does not say which of its words are a name."""

    kinds: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    removed: int = 0
    named: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.kinds)


OF_PERSONS = frozenset({"a customer's name", "the name of who signed"})

_listener: ContextVar[Heard | None] = ContextVar("delivered_outsiders_text", default=None)


def listen(heard: Heard) -> None:
    """Let `heard` be told what is delivered in this task from now on."""
    _listener.set(heard)


def delivered(what: str, text: str = "") -> None:
    """Note that a text of this kind ("an order note") is part of an answer."""
    heard = _listener.get()
    if heard is None:
        return
    if len(heard.kinds) < MOST_NOTED and what not in heard.kinds:
        heard.kinds.append(what)
    if text and len(heard.texts) < MOST_TEXTS:
        heard.texts.append(text)


def delivered_text(text: str | None, what: str, cap: int = DEFAULT_CAP) -> UntrustedText | None:
    """A text of this kind, marked, cleaned and capped; noted where there is any."""
    if text:
        delivered(what, text)
        _count_hidden(text)
    return untrusted(text, cap)


def delivered_values(values: Iterable[object]) -> None:
    """Note those of some stored values, as they are shown to people, that ask for something or are whole sentences."""
    for value in values:
        if isinstance(value, str) and speaks(value):
            delivered("what is stored now", value)


def delivered_name(name: str | None, what: str) -> None:
    """Note a name that is delivered as it is, unless it reads as nothing but one."""
    if name and not reads_as_name(name):
        delivered(what, name)


def delivered_person(value: str, kind: str = "name") -> str:
    """Note that an answer says this of a person, which is personal data of this kind. Returns it."""
    heard = _listener.get()
    if heard is not None and value and len(heard.named) < MOST_NAMED:
        heard.named[value] = kind
    return value


def clean_name(name: str, cap: int, what: str) -> str:
    """A name without what cannot be seen, cut at `cap`; noted unless it hid nothing and reads as nothing but a name, a
    person's always as such."""
    shown = clean(name, cap)
    if what in OF_PERSONS:
        delivered_person(shown)
    hides = shown != name and _count_hidden(name)
    if hides or not reads_as_name(shown):
        delivered(what, name)
    return shown


def _count_hidden(text: str) -> int:
    """How many characters that cannot be seen a text has."""
    found, heard = hidden_in(text), _listener.get()
    if heard is not None:
        heard.removed += found
    return found

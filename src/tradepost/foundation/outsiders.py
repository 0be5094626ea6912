"""Which texts that outsiders wrote are being delivered: noted where they are put into an answer, for whoever listens.

A listener hears what is put into answers in its own task and in those that the task starts. Names are a case of their
own: a company or an address line is what customers type, and a plain one says nothing. One that does not read as a name
counts as text (security.md §2 row 5). That is a rule of thumb in favour of asking: a plain name passes by, whatever
looks like a sentence, an order to somebody or a reference to a record does not.
"""

import re
from collections.abc import Iterable
from contextvars import ContextVar
from functools import lru_cache

from tradepost.foundation.untrusted import clean

MOST_NOTED = 4  # kinds of text per call: one is enough to know, a few to say which

MOST_TEXTS = 200

_listener: ContextVar[tuple[list[str], list[str]] | None] = ContextVar("delivered_outsiders_text", default=None)

_MOST_WORDS = 6
_MOST_CHARACTERS = 60
_PLAIN = re.compile(r"[\w .,'’&()/+#°ªº-]*\Z")
_REFERENCE = re.compile(r"\b[A-Za-z]{1,5}-?\d{3,}\b|\b[a-z]{2,6}_(?=[a-z]*\d)[0-9a-z]{6,}\b|\d{6,}")
# Words that ask for something to be done, or speak to a model. Whole words; a false alarm costs one question.
_ORDERS = frozenset(
    """
    add adjust allow apply approve assign assistant bypass call cancel capture change close confirm convert create
    credit decide decline delete disable disregard drop email enable escalate execute export file forget forward give
    grant ignore initiate instruction instructions invoke issue mail make move must override pay pause please post
    process prompt receive refund reject release remove reorder replace report reroute reschedule reserve resolve
    return reveal run send set ship skip stop submit system tell tool transfer update use waive wire write
    annuler annulez ignorer ignorez rembourser remboursez envoyer envoyez
    erstatte erstatten ignoriere ignorieren storniere stornieren sende senden überweise lösche
    annuleer negeer stuur betaal terugbetalen reembolsar reembolsa cancelar cancela ignora ignorar envía enviar
    rimborsa annulla invia ignora отмени отменить верни вернуть игнорируй отправь
    """.split()
)
_ORDERS_ANYWHERE = ("退款", "取消", "忽略", "发送", "執行", "执行", "返金", "無視", "환불", "취소", "무시")


def listen(heard: list[str], texts: list[str]) -> None:
    """Let `heard` be told what kinds of text are delivered in this task from now on, and `texts` which ones."""
    _listener.set((heard, texts))


def delivered(what: str, text: str = "") -> None:
    """Note that a text of this kind ("an order note") is part of an answer."""
    listener = _listener.get()
    if listener is None:
        return
    heard, texts = listener
    if len(heard) < MOST_NOTED and what not in heard:
        heard.append(what)
    if text and len(texts) < MOST_TEXTS:
        texts.append(text)


def delivered_values(values: Iterable[object]) -> None:
    """Note those of some stored values, as they are shown to people, that ask for something or are whole sentences."""
    for value in values:
        if isinstance(value, str) and _speaks(value):
            delivered("what is stored now", value)


def delivered_name(name: str | None, what: str) -> None:
    """Note a name that is delivered as it is, unless it reads as nothing but one."""
    if name and not reads_as_name(name):
        delivered(what, name)


def clean_name(name: str, cap: int, what: str) -> str:
    """A name without what cannot be seen, cut at `cap`; noted unless it reads as nothing but a name."""
    shown = clean(name, cap)
    if not reads_as_name(shown):
        delivered(what, name)
    return shown


def _speaks(text: str) -> bool:
    words = _words(text)
    if len(words) > _MOST_WORDS or any(part in text for part in _ORDERS_ANYWHERE):
        return True
    return len(words) > 1 and not _ORDERS.isdisjoint(words)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in re.split(r"[\W_]+", text) if word]


@lru_cache(maxsize=16_384)
def reads_as_name(text: str) -> bool:
    """Whether a text is short, made of what names are made of, and asks for nothing."""
    if len(text) > _MOST_CHARACTERS or not _PLAIN.match(text) or any(part in text for part in _ORDERS_ANYWHERE):
        return False
    words = _words(text)
    if len(words) > 1 and not _ORDERS.isdisjoint(words):
        return False
    # Alone, a number is a number: a purchase order, a code. Among words it may be the record that they are about.
    return " " not in text or (len(words) <= _MOST_WORDS and _REFERENCE.search(text) is None)

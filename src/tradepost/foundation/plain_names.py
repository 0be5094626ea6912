"""Whether a text that somebody typed as a name reads as nothing but one.

A rule of thumb in favour of asking: a plain name of a person, a firm or a street passes by; whatever looks like a
sentence, an order to somebody, a reference to a record or something encoded does not.
"""

import re
import unicodedata
from functools import lru_cache

_MOST_WORDS = 6
_MOST_CHARACTERS = 60
_PLAIN = re.compile(r"[\w .,'’&()/+#°ªº-]*\Z")
_REFERENCE = re.compile(r"\b[A-Za-z]{1,5}-?\d{3,}\b|\b[a-z]{2,6}_(?=[a-z]*\d)[0-9a-z]{6,}\b|\d{6,}")
_ACCENTS = re.compile("[\u0300-\u036f]")
_TWO_ALPHABETS = re.compile("[A-Za-z][\u0370-\u052f]|[\u0370-\u052f][A-Za-z]")
_SPELLED = re.compile(r"(?:\b\w\b\W*){4,}")  # letter by letter
_ENCODED = re.compile(r"(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[a-z0-9][A-Z])[A-Za-z0-9+/]{18,}")
_LONG_WITHOUT_SPACES = re.compile("[\u3040-\u30ff\u3400-\u9fff]{9,}")  # scripts that need no spaces: a sentence


def _words(text: str) -> list[str]:
    """Its words, as they look: without accents, in plain letters, whatever their width and case."""
    plain = unicodedata.normalize("NFKD", text)
    return [word.casefold() for word in re.split(r"[\W_]+", _ACCENTS.sub("", plain)) if word]


# Words that ask for something to be done, or speak to a model. Whole words; a false alarm costs one question.
_ORDERS = frozenset(
    _words(
        """
        add adjust allow apply approve assign assistant bypass call cancel capture change close confirm convert create
        credit decide decline delete disable disregard drop email enable escalate execute export file forget forward
        give grant ignore initiate instruction instructions invoke issue mail make move must override pay pause please
        post process prompt receive refund reject release remove reorder replace report reroute reschedule reserve
        resolve return reveal run send set ship skip stop submit system tell tool transfer update use waive wire write
        annuler annule annulez ignore ignorer ignorez rembourser remboursez envoyer envoyez
        erstatte erstatten ignoriere ignorieren storniere stornieren sende senden überweise lösche
        annuleer negeer stuur betaal terugbetalen reembolsar reembolsa cancelar cancela ignora ignorar envía enviar
        rimborsa annulla invia anular devolver devuelve reembolse restituisci rembourse erstatten bitte veuillez favor
        отмени отменить верни верните вернуть игнорируй игнорируйте отправь отправьте возврат деньги
        """
    )
)
# Names of people and firms, too: alone they ask for nothing.
_ALSO_NAMES = frozenset(
    """
    call credit drop file give grant issue mail make move must pause pay post process prompt receive report reserve
    return run send set ship skip stop system tell tool transfer use wire write
    """.split()
)
_ORDERS_ALONE = _ORDERS - _ALSO_NAMES
_ORDERS_ANYWHERE = ("退款 退钱 取消 忽略 发送 執行 执行 返金 無視 送信 환불 취소 무시 ألغ استرد تجاهل").split()


@lru_cache(maxsize=16_384)
def reads_as_name(text: str) -> bool:
    """Whether a text is short, made of what names are made of, and asks for nothing."""
    if len(text) > _MOST_CHARACTERS or not _PLAIN.match(text) or _LONG_WITHOUT_SPACES.search(text):
        return False
    words = _words(text)
    if _asks_for_something(text, words) or _hides_something(text):
        return False
    # Alone, a number is a number: a purchase order, a code. Among words it may be the record that they are about.
    return " " not in text or (len(words) <= _MOST_WORDS and _REFERENCE.search(text) is None)


def speaks(text: str) -> bool:
    """Whether a stored value, as it is shown to people, is a whole sentence or asks for something."""
    words = _words(text)
    return len(words) > _MOST_WORDS or _asks_for_something(text, words) or _hides_something(text)


def _asks_for_something(text: str, words: list[str]) -> bool:
    if any(part in text for part in _ORDERS_ANYWHERE):
        return True
    return not (_ORDERS if len(words) > 1 else _ORDERS_ALONE).isdisjoint(words)


def _hides_something(text: str) -> bool:
    """Letters of two alphabets that look alike within a word, words spelled out, or one that may be encoded."""
    return any(one.search(text) is not None for one in (_TWO_ALPHABETS, _SPELLED, _ENCODED))

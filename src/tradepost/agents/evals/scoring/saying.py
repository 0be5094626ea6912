"""Whether a text says a fact."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from tradepost.agents.evals.datasets.schema import Fact
from tradepost.agents.evals.scoring.writing import amounts_in, days_in, has_words, numbers_in, words_of

_MONEY = re.compile(r"([€$£¥])\s?-?\d[\d.,]*|-?\d[\d.,]*\s?([€$£¥]|[A-Z]{3})|[A-Z]{3}\s?-?\d[\d.,]*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T.*)?")

Wanted = Fact | str | int | float


@dataclass(frozen=True, slots=True)
class Said:
    """What was said, and on which day."""

    text: str
    today: date

    def says(self, fact: Wanted) -> bool:
        """Whether the fact is in it."""
        if isinstance(fact, str):
            return self._plain(fact)
        if isinstance(fact, int | float):
            return self._number(Decimal(str(fact))) or self._alone(str(fact))
        if fact.any is not None:
            return any(self.says(one) for one in fact.any)
        if fact.number is not None:
            return self._number(Decimal(str(fact.number)))
        if fact.money is not None:
            amount, _, currency = fact.money.partition(" ")
            return (abs(Decimal(amount)).normalize(), currency) in amounts_in(self.text)
        if fact.date is not None:
            return date.fromisoformat(fact.date) in days_in(self.text, self.today)
        if fact.pattern is not None:
            return re.search(fact.pattern, self.text, re.IGNORECASE) is not None
        return self._words(fact.text or "")

    def _plain(self, fact: str) -> bool:
        """A fact that does not say of what kind it is: an amount and a day are so in any words."""
        amounts = amounts_in(fact) if _MONEY.fullmatch(fact.strip()) else set()
        if amounts:
            return bool(amounts & amounts_in(self.text))
        if _DAY.fullmatch(fact.strip()) and days_in(fact, self.today) & days_in(self.text, self.today):
            return True
        return self._words(fact)

    def _alone(self, number: str) -> bool:
        """As the number of a record: it stands there as it is, and is no part of a longer one."""
        return re.search(rf"(?<![\w.,-])#?{re.escape(number)}(?!\w|[.,-]\d)", self.text) is not None

    def _words(self, fact: str) -> bool:
        return has_words(words_of(self.text), words_of(fact))

    def _number(self, wanted: Decimal) -> bool:
        try:
            return abs(wanted).normalize() in numbers_in(self.text)
        except InvalidOperation:
            return False


def shown(fact: Wanted) -> str:
    """A fact as a report shows it."""
    if not isinstance(fact, Fact):
        return str(fact)
    if fact.any is not None:
        return " or ".join(shown(one) for one in fact.any)
    if fact.read is not None:
        return f"{fact.read.tool} {fact.field}"
    given = (fact.text, fact.number, fact.money, fact.date, fact.pattern)
    return str(next(one for one in given if one is not None))


def as_fact(value: Any) -> Wanted:
    """What was read as a fact. An amount as tools give it is money."""
    if isinstance(value, dict) and isinstance(value.get("display"), str):
        return str(value["display"])
    if isinstance(value, bool) or value is None:
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return value
    return str(value)

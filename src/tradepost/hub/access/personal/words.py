"""What was masked in one place of an answer is masked in its prose, too, where it cannot be known by its looks."""

import re
from collections import defaultdict

from tradepost.hub.access.personal.kinds import masked

LEAST_WORD = 3  # characters
MOST_WORDS = 10_000
_TOKEN = re.compile(r"\w+")


class Words:
    """Texts that may not be seen, with what is shown in place of each. Found by their first token, so that many of them
    do not make long texts slow."""

    def __init__(self) -> None:
        self._by_token: dict[str, dict[str, str]] = defaultdict(dict)
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, kind: str, value: str) -> None:
        """Remember a masked value; of a name its parts, too, unless they are words like any other ("van")."""
        self._add(kind, value.strip())
        if kind == "name":
            for part in value.split():
                if not part[:1].islower():
                    self._add(kind, part)

    def of(self, text: str) -> dict[str, str]:
        """Those that a text may have in it, with their kinds."""
        found: dict[str, str] = {}
        for token in set(_TOKEN.findall(text)):
            found.update(self._by_token.get(token.casefold(), {}))
        return found

    def hidden_in(self, text: str) -> str:
        """The text without them."""
        if not self._by_token:
            return text
        found = self.of(text)
        if not found:
            return text
        longest_first = sorted(found, key=len, reverse=True)
        pattern = "|".join(rf"(?<!\w){_written(word)}(?!\w)" for word in longest_first)
        shown = {_one_space(word).casefold(): masked(kind, word) for word, kind in found.items()}
        return re.sub(pattern, lambda match: shown[_one_space(match.group()).casefold()], text)

    def _add(self, kind: str, word: str) -> None:
        first = _TOKEN.search(word)
        if first is None or len(word) < LEAST_WORD or word == masked(kind, word) or self._count >= MOST_WORDS:
            return
        known = self._by_token[first.group().casefold()]
        self._count += word not in known
        known[word] = kind


def _written(word: str) -> str:
    """How it may be written: a single word as it is, several in any case of letters and with any white space."""
    parts = word.split()
    if len(parts) == 1:
        return re.escape(word)
    spaced = r"\s+".join(map(re.escape, parts))
    return f"(?i:{spaced})"


def _one_space(text: str) -> str:
    return " ".join(text.split())

"""Going through a value and masking, or leaving out, what a caller may not see of it. What was changed is told by its
path, so that nobody takes it for the whole; a second time changes nothing more."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from tradepost.hub.access.field_rules import FieldRules, Show
from tradepost.hub.gateway.showing.kinds import is_of_person, kind_of, masked, without
from tradepost.protocol.builtin import Json

LEAST_WORD = 3  # characters of a part of a name that is looked for in texts


class Cut:
    """One result. `masked` and `left_out` are the paths of what was changed, `texts` says whether texts were. `always`
    stands in place of what the rules say becomes of a field."""

    def __init__(self, rules: FieldRules, always: Show | None = None) -> None:
        self._rules = rules
        self._always = always
        self._words: dict[str, str] = {}
        self.masked: dict[str, None] = {}
        self.left_out: dict[str, None] = {}
        self.texts = False

    @property
    def changed(self) -> bool:
        """Whether anything is not as it was."""
        return bool(self.masked or self.left_out or self.texts)

    def value(self, value: Any, path: str = "", inside: str = "") -> Any:
        """A JSON value without what may not be seen; the same object where nothing had to change."""
        if isinstance(value, str):
            return self._looked_at(value, path)
        if isinstance(value, list):
            items = [self.value(item, f"{path}[]", inside) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        if isinstance(value, dict):
            return self._object(value, path, inside)
        return value

    def text(self, text: str) -> str:
        """A text for people or models, which may be JSON, too."""
        if text[:1] in "{[":
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError:
                value = None
            if isinstance(value, dict | list):
                shown = self.value(value)
                return text if shown is value else orjson.dumps(shown).decode()
        shown = self._without_words(without(self._rules.kinds, text))
        self.texts = self.texts or shown != text
        return shown

    def _object(self, value: Json, path: str, inside: str) -> Json:
        shown: Json = {}
        for name, inner in value.items():
            where = f"{path}.{name}" if path else name
            show = self._show(name, value, inside)
            if show is None or inner is None or isinstance(inner, bool):
                shown[name] = self.value(inner, where, name)
            elif (self._always or show) == "left_out":
                self.left_out[where] = None
            else:
                shown[name] = self._hidden(self._kind(name, value, inside) or "other", inner, where)
        unchanged = len(shown) == len(value) and all(shown[name] is inner for name, inner in value.items())
        return value if unchanged else shown

    def _show(self, name: str, beside: Mapping[str, Any], inside: str) -> Show | None:
        show = self._rules.names.get(name.lower())
        if show is not None:
            return show
        kind = self._kind(name, beside, inside)
        return self._rules.kinds.get(kind) if kind is not None else None

    def _kind(self, name: str, beside: Mapping[str, Any], inside: str) -> str | None:
        if name == "name":
            return "name" if is_of_person(beside, inside) else None
        return kind_of(name)

    def _hidden(self, kind: str, value: Any, path: str) -> Any:
        if isinstance(value, str):
            shown = masked(kind, value) if value else value
            if shown != value:
                self.masked[path] = None
                self._remember(kind, value, shown)
                return shown
            return value
        if isinstance(value, list):
            return [self._hidden(kind, item, f"{path}[]") for item in value]
        if isinstance(value, dict):
            return self._inside(kind, value, path)
        self.masked[path] = None
        return 0 if isinstance(value, int | float) else value

    def _inside(self, kind: str, value: Json, path: str) -> Json:
        """Of an address its streets; of anything else all that is in it."""
        if kind == "address":
            return self._object(value, path, "")
        return {name: self._hidden(kind, inner, f"{path}.{name}") for name, inner in value.items()}

    def _looked_at(self, text: str, path: str) -> str:
        """What looks like a telephone number may be an id where it stands alone; e-mail addresses are no such thing."""
        kinds = self._rules.kinds if " " in text and not text.isdigit() else {"email"} & self._rules.kinds.keys()
        shown = without(kinds, text)
        if shown != text:
            self.masked[path] = None
            return shown
        return text

    def _remember(self, kind: str, value: str, shown: str) -> None:
        """What was masked in a field is masked in texts, too, where it cannot be known by its looks."""
        if len(value) >= LEAST_WORD:
            self._words[value] = shown
        if kind == "name":
            for word in value.split():
                if len(word) >= LEAST_WORD:
                    self._words[word] = masked("name", word)

    def _without_words(self, text: str) -> str:
        present = [word for word in self._words if word in text]
        if not present:
            return text
        longest_first = sorted(present, key=len, reverse=True)
        pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in longest_first))
        return pattern.sub(lambda match: self._words[match.group()], text)

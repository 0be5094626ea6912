"""Going through a value and masking, or leaving out, what a caller may not see of it. What was changed is told by its
path, so that nobody takes it for the whole; a second time changes nothing more."""

from collections.abc import Mapping
from typing import Any

import orjson

from tradepost.hub.access.field_rules import FieldRules, Show
from tradepost.hub.access.personal.kinds import is_of_person, kind_of, masked, without
from tradepost.hub.access.personal.persons import goes_through, name_in, named_in, names_a_person
from tradepost.hub.access.personal.words import Words
from tradepost.protocol.builtin import Json

# How a record names a field and says its value: {"field": "e-mail", "before": …, "after": …}.
_CALLED = ("field", "key", "name", "label", "property", "attribute", "path")
_SAYS = frozenset("value before after old new old_value new_value current previous text items members values".split())
_COLUMNS, _ROWS = ("columns", "headers", "fields", "header"), ("rows", "data", "values", "records")


class Cut:
    """One result. `masked` and `left_out` are the paths of what was changed, `texts` says whether texts were. `always`
    stands in place of what the rules say becomes of a field. `known` are values by kind that may stand in prose without
    a field that holds them; `inside` is what the whole value is called like."""

    def __init__(
        self, rules: FieldRules, always: Show | None = None, known: Mapping[str, str] | None = None, inside: str = ""
    ) -> None:
        self._rules = rules
        self._always = always
        self._inside = inside
        self.words = Words()
        self.masked: dict[str, None] = {}
        self.left_out: dict[str, None] = {}
        self.texts = False
        for value, kind in (known or {}).items():
            if kind in rules.kinds:
                self.words.add(kind, value)

    @property
    def changed(self) -> bool:
        """Whether anything is not as it was."""
        return bool(self.masked or self.left_out or self.texts)

    def whole(self, value: Any) -> Any:
        """A JSON value on its own. Fields that come late say what may not stand in texts that came before."""
        return self.value(value, "", self._inside)

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
        shown = self._json(text, "")
        if shown is None:
            shown = self._prose(text, self._rules.kinds)
            self.texts = self.texts or shown != text
        return shown

    def _json(self, text: str, path: str) -> str | None:
        """A text that is JSON; None for any other."""
        if text[:1] not in ("{", "["):
            return None
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(value, dict | list):
            return None
        shown = self.value(value, path, self._inside)
        return text if shown is value else orjson.dumps(shown).decode()

    def _object(self, value: Json, path: str, inside: str) -> Json:
        shown: Json = {}
        said = self._said_kind(value, inside)
        table = self._table(value)
        for name, inner in value.items():
            where = f"{path}.{name}" if path else name
            kind = said if said is not None and name in _SAYS else self._kind(name, value, inside, inner)
            show = self._show(name, kind)
            if table is not None and name == table[0]:
                shown[name] = self._rows(inner, table[1], where)
            elif show is None or inner is None or isinstance(inner, bool):
                shown[self._key(name, shown)] = self.value(inner, where, goes_through(name, inside))
            elif (self._always or show) == "left_out":
                self.left_out[where] = None
            else:
                shown[name] = self._hidden(kind or "other", inner, where)
        unchanged = len(shown) == len(value) and all(shown.get(name) is inner for name, inner in value.items())
        return value if unchanged else shown

    def _show(self, name: str, kind: str | None) -> Show | None:
        show = self._rules.names.get(name.lower())
        if show is not None:
            return show
        return self._rules.kinds.get("name" if kind == "person" else kind) if kind is not None else None

    def _kind(self, name: str, beside: Mapping[str, Any], inside: str, value: Any) -> str | None:
        if name == "name":
            return "name" if is_of_person(beside, inside) else None
        kind = kind_of(name)
        if kind is None and names_a_person(name):
            texts = value if isinstance(value, list) else [value]
            if any(isinstance(text, str) and name_in(text) is not None for text in texts):
                return "person"
        return kind

    def _said_kind(self, value: Json, inside: str) -> str | None:
        """The kind of the field that an object names and says the value of, if it is such an object."""
        if _SAYS.isdisjoint(value):
            return None
        for name in _CALLED:
            called = value.get(name)
            if isinstance(called, str):
                last = called.rstrip("/]").rpartition("/")[2] if name == "path" else called
                about = f"{value.get('record') or ''} {inside}"
                kind = self._kind(last, value, about, next((value[one] for one in value if one in _SAYS), None))
                if kind is not None or last.lower() in self._rules.names:
                    return kind or "other"
        return None

    def _table(self, value: Json) -> tuple[str, list[str]] | None:
        """Where an object is a table: the name of its rows, and its columns."""
        columns = next((value[name] for name in _COLUMNS if isinstance(value.get(name), list)), None)
        rows = next((name for name in _ROWS if isinstance(value.get(name), list)), None)
        if not columns or rows is None or value[rows] is columns:
            return None
        called = (one.get("name") if isinstance(one, dict) else one for one in columns)
        names = [one for one in called if isinstance(one, str)]
        fits = all(isinstance(row, list) and len(row) == len(columns) for row in value[rows])
        return (rows, names) if fits and len(names) == len(columns) else None

    def _rows(self, rows: list[list[Any]], columns: list[str], path: str) -> list[list[Any]]:
        found = []
        for row in rows:
            as_object = dict(zip(columns, row, strict=True))
            shown = self._object(as_object, f"{path}[]", self._inside)
            found.append([shown.get(name) for name in columns] if shown is not as_object else row)
        return found if any(new is not old for new, old in zip(found, rows, strict=True)) else rows

    def _key(self, name: str, taken: Mapping[str, Any]) -> str:
        """The name of a member, which may be somebody's address itself."""
        if "@" not in name and " " not in name:
            return name
        shown = self._prose(name, self._rules.kinds)
        if shown == name:
            return name
        self.texts = True
        number = 2
        while shown in taken:
            shown, number = f"{shown.rpartition(' #')[0] or shown} #{number}", number + 1
        return shown

    def _hidden(self, kind: str, value: Any, path: str) -> Any:
        if isinstance(value, str):
            shown = self._shown(kind, value)
            if shown != value:
                self.masked[path] = None
            return shown
        if isinstance(value, list):
            return [self._hidden(kind, item, f"{path}[]") for item in value]
        if isinstance(value, dict):
            return self._inside_of(kind, value, path)
        self.masked[path] = None
        return 0 if isinstance(value, int | float) else value

    def _shown(self, kind: str, value: str) -> str:
        named = name_in(value) if kind == "person" else value
        if not named:
            return value
        kind = "name" if kind == "person" else kind
        shown = masked(kind, named)
        if shown != named:
            self.words.add(kind, named)
        return value.replace(named, shown) if named != value else shown

    def _inside_of(self, kind: str, value: Json, path: str) -> Json:
        """Of an address its streets; of anything else all that is in it."""
        if kind in ("address", "person"):
            return self._object(value, path, "person" if kind == "person" else "")
        return {name: self._hidden(kind, inner, f"{path}.{name}") for name, inner in value.items()}

    def _looked_at(self, text: str, path: str) -> str:
        """What looks like a telephone number may be an id where it stands alone; e-mail addresses are no such thing."""
        shown = self._json(text, path)
        if shown is None:
            is_prose = " " in text and not text.isdigit()
            if is_prose:
                shown = self._prose(text, self._rules.kinds)
            else:
                shown = without({"email"} & self._rules.kinds.keys(), text)
            if shown != text:
                self.masked[path] = None
        return shown

    def _prose(self, text: str, kinds: Mapping[str, Show]) -> str:
        if "name" in kinds:
            for name in named_in(text):
                self.words.add("name", name)
        return self.words.hidden_in(without(kinds, text))

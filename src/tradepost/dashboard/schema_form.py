"""A form made from a tool's JSON Schema. The schema is a foreign server's: what it does not say plainly, or says at
length, becomes a field for JSON, and nothing in it is taken for more than text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

Json = dict[str, Any]
Kind = Literal["text", "long", "number", "choice", "ticks", "lines", "json", "group"]

PREFIX = "arg:"
MOST_FIELDS = 200
MOST_CHOICES = 200
MOST_TICKS = 30
DEEPEST = 4  # groups within groups; what lies deeper is JSON
MAX_WORDS = 600
ONE_LINE = 200  # characters: more has an area
_PLAIN = (str, int, float, bool)
_BESIDE = frozenset({"description", "title", "default", "examples"})  # of a schema that another one stands in for
_TYPES = {"date": "date", "email": "email", "uri": "url", "url": "url"}
_HINTS = {"date-time": "Like 2026-02-24T09:00:00Z.", "date": "Like 2026-02-24."}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that a field may have: its JSON, and how it is written."""

    value: str
    words: str
    name: str = ""  # of its box, where several can be chosen
    chosen: bool = False


@dataclass(slots=True)
class Field:
    """One argument, or a part of one. `path` leads to it from the arguments; `value` is what stands in it, `error` what
    is wrong with that. `parts` are those of a group, `schema` what the value has to be."""

    path: tuple[str, ...]
    id: str
    kind: Kind
    required: bool
    words: str
    hint: str
    schema: Json
    value: str = ""
    choices: tuple[Choice, ...] = ()
    parts: list["Field"] = field(default_factory=list)
    error: str = ""

    @property
    def name(self) -> str:
        """Its name in the form: the path as a JSON pointer."""
        return PREFIX + "".join("/" + one.replace("~", "~0").replace("/", "~1") for one in self.path)

    @property
    def label(self) -> str:
        """What it is called."""
        return self.path[-1]

    @property
    def type(self) -> str:
        """Of its input element."""
        return _TYPES.get(str(self.schema.get("format")), "text") if self.kind == "text" else "text"

    @property
    def shows_error(self) -> bool:
        """Whether something is wrong with it or a part of it."""
        return bool(self.error) or any(one.shows_error for one in self.parts)


class Form:
    """The fields for the properties of an object, those that are needed first; `given` are the values of a form that
    came back. `left_out` are arguments that somebody else fills in."""

    def __init__(self, schema: Json, given: Mapping[str, str] | None = None, left_out: frozenset[str] = frozenset()):
        self._root = schema
        self._given = given
        self._count = 0
        self._errors: list[Field] = []
        self.fields = self._fields(schema, (), left_out)

    @property
    def errors(self) -> list[Field]:
        """Fields with something wrong, in the order of the form."""
        return [one for one in every(self.fields) if one.error]

    def arguments(self) -> Json:
        """The arguments that the form says; what is empty is left out. What is no value of its kind is said at its
        field, and is not among them."""
        return self._object(self.fields)

    def blame(self, path: str | None, words: str) -> bool:
        """Say a mistake at the field that it is about, or the nearest one above; False where there is none."""
        if not path:
            return False
        near = [one for one in every(self.fields) if _is_about(".".join(one.path), path)]
        if not near:
            return False
        max(near, key=lambda one: len(one.path)).error = words
        return True

    def _fields(self, schema: Json, above: tuple[str, ...], left_out: frozenset[str] = frozenset()) -> list[Field]:
        properties = schema.get("properties")
        named = schema.get("required")
        needed = {one for one in named if isinstance(one, str)} if isinstance(named, list) else set()
        found = []
        for name, one in properties.items() if isinstance(properties, dict) else ():
            if name in left_out or self._count >= MOST_FIELDS:
                continue
            found.append(self._field((*above, name), self._plainly(one), name in needed))
        return sorted(found, key=lambda made: not made.required)

    def _field(self, path: tuple[str, ...], schema: Json, required: bool) -> Field:
        self._count += 1
        kind = self._kind(schema, len(path))
        words = schema.get("description") or schema.get("title") or ""
        made = Field(path, f"arg-{self._count}", kind, required, str(words)[:MAX_WORDS], _hint(schema, kind), schema)
        if kind == "group":
            made.parts = self._fields(schema, path)
        elif kind == "ticks":
            made.choices = self._ticks(made)
        else:
            made.value = _usual(schema, kind) if self._given is None else self._given.get(made.name, "")
            if kind == "choice":
                made.choices = tuple(_choice(one) for one in _options(schema))
        return made

    def _ticks(self, made: Field) -> tuple[Choice, ...]:
        usual, boxes = made.schema.get("default"), []
        for place, one in enumerate(_options(self._plainly(made.schema["items"]))):
            name = f"{made.name}#{place}"
            chosen = isinstance(usual, list) and one in usual if self._given is None else name in self._given
            boxes.append(Choice(_json(one), _words(one), name, chosen))
        return tuple(boxes)

    def _kind(self, schema: Json, depth: int) -> Kind:
        kind = schema.get("type")
        if _options(schema):
            return "choice"
        if kind in ("integer", "number"):
            return "number"
        if kind == "string":
            most = schema.get("maxLength")
            short = "format" in schema or "pattern" in schema or (isinstance(most, int) and most <= ONE_LINE)
            return "text" if short or most is None else "long"
        if kind == "object" and schema.get("properties") and depth < DEEPEST:
            return "group"
        items = self._plainly(schema["items"]) if kind == "array" and isinstance(schema.get("items"), dict) else {}
        if 0 < len(_options(items)) <= MOST_TICKS:
            return "ticks"
        return "lines" if items.get("type") in ("string", "integer", "number") else "json"

    def _plainly(self, schema: Any) -> Json:
        """A schema without what stands in the way of a simple field: a reference to a part of the same document, null
        beside one other type, one schema in `allOf`."""
        found: Json = schema if isinstance(schema, dict) else {}
        for _ in range(DEEPEST):
            inner = self._stands_for(found)
            if inner is None:
                break
            found = {**inner, **{name: value for name, value in found.items() if name in _BESIDE}}
        return found

    def _stands_for(self, schema: Json) -> Json | None:
        kind, where = schema.get("type"), schema.get("$ref")
        if isinstance(kind, list):
            types = [one for one in kind if one != "null"]
            return {**schema, "type": types[0]} if len(types) == 1 else None
        if isinstance(where, str):
            return _pointed(self._root, where)
        for word in ("anyOf", "oneOf", "allOf"):
            options = schema.get(word)
            if isinstance(options, list) and "properties" not in schema:
                some: list[Json] = [one for one in options if isinstance(one, dict) and one.get("type") != "null"]
                if len(some) == 1:
                    return some[0]
        return None

    def _object(self, fields: list[Field]) -> Json:
        found: Json = {}
        for one in fields:
            value = self._value(one)
            if value is not _NOTHING:
                found[one.label] = value
        return found

    def _value(self, one: Field) -> Any:
        if one.kind == "group":
            inner = self._object(one.parts)
            return inner if inner or (one.required and not one.parts) else _NOTHING
        if one.kind == "ticks":
            chosen = [orjson.loads(box.value) for box in one.choices if box.chosen]
            return chosen if chosen or one.required else _NOTHING
        text = one.value
        if text.strip() == "":
            return _NOTHING
        try:
            if one.kind == "lines":
                lines = [line.strip() for line in text.splitlines() if line.strip()]
                return [_item(line, self._plainly(one.schema["items"])) for line in lines]
            if one.kind == "number":
                return _number(text)
            return text.replace("\r\n", "\n") if one.kind in ("text", "long") else orjson.loads(text)
        except ValueError as error:
            one.error = str(error) if not isinstance(error, orjson.JSONDecodeError) else f"This is not JSON: {error}."
            return _NOTHING


_NOTHING: Any = object()


def every(fields: list[Field]) -> Iterator[Field]:
    """All fields and their parts, in the order of the form."""
    for one in fields:
        yield one
        yield from every(one.parts)


def _is_about(field_path: str, path: str) -> bool:
    return path == field_path or path.startswith(f"{field_path}.")


def _hint(schema: Json, kind: Kind) -> str:
    said = [_HINTS[schema["format"]]] if schema.get("format") in ("date", "date-time") else []
    said += ["One in each line."] if kind == "lines" else ["As JSON."] if kind == "json" else []
    low, high = schema.get("minimum"), schema.get("maximum")
    if kind == "number" and (low is not None or high is not None):
        said.append(
            f"{'' if low is None else f'At least {low}'}{'' if None in (low, high) else ', '}"
            + ("" if high is None else f"{'at' if low is not None else 'At'} most {high}")
            + "."
        )
    examples = schema.get("examples")
    if isinstance(examples, list) and examples and isinstance(examples[0], _PLAIN):
        said.append(f"For example {_words(examples[0])[:100]}.")
    return " ".join(said)


def _options(schema: Json) -> list[Any]:
    """The values that a schema allows, where it names them all and they are simple."""
    if schema.get("type") == "boolean":
        return [True, False]
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(options, list) or len(options) > MOST_CHOICES:
        return []
    simple = [one for one in options if isinstance(one, _PLAIN)]
    return simple if len(simple) + options.count(None) == len(options) else []


def _choice(value: Any) -> Choice:
    return Choice(_json(value), _words(value))


def _words(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _usual(schema: Json, kind: Kind) -> str:
    default = schema.get("default")
    if default is None:
        return ""
    if kind == "lines" and isinstance(default, list):
        return "\n".join(_words(one) for one in default)
    if kind in ("text", "long") and isinstance(default, str):
        return default
    return _json(default)


def _item(line: str, schema: Json) -> Any:
    return line if schema.get("type") == "string" else _number(line)


def _number(text: str) -> Any:
    try:
        value = orjson.loads(text.strip())
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"'{text.strip()[:60]}' is not a number. Write it like 12 or 12.5.")
    return value


def _pointed(root: Json, where: str) -> Json | None:
    """The part of a schema that a reference within it points to; None for whatever else it is."""
    if not where.startswith("#/"):
        return None
    found: Any = root
    for step in where[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None

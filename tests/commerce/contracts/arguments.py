"""Arguments made from a tool's published schema alone, and ways to spoil them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]
Known = Callable[[str], Sequence[str]]  # references that exist, by the name of a parameter

# Values of every kind that JSON has, among them those that programs trip over.
ANYTHING: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, -(2**63) - 1, 10**40, 0.5, 1.0, [], {}, [None], [[]], {"a": 1}),
    *("", " ", "0", "true", "null", "#", "%", "'; --", "\u0000", "é", "🛒" * 300, "x" * 100_000),
)
ODD = "'%_\\\u202e🛒"  # valid wherever any text is: LIKE has wildcards, terminals have directions
SAYABLE = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
MOMENTS = (
    *("2026-03-01", "2026-03-01T00:00:00", "2026-03-01 00:00:00Z", "2026-13-01T00:00:00Z", "1772323200", "tomorrow"),
    *("2026-03-01T24:00:00Z", "20260301T000000Z", "2026-3-1", "2026-02-30"),
)
TIMES = st.sampled_from(
    """2026-03-01T00:00:00Z 2026-02-24T09:00:00Z 2026-02-23T23:59:59.999999Z 2026-02-28T12:00:00+02:00
    2026-02-28t12:00:00z 2024-02-29T00:00:00-11:30 1970-01-01T00:00:00Z 2099-12-31T23:59:59Z 0001-01-01T00:00:00Z
    9999-12-31T23:59:59Z 0001-01-01T00:00:00+14:00 9999-12-31T23:59:59-12:00""".split()
)
EDGES = {
    "date-time": ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"),
    "date": ("0001-01-01", "9999-12-31"),
}
DATES = st.sampled_from("2026-02-24 2026-02-25 2024-02-29 0001-01-01 9999-12-31".split())


def nothing_known(_name: str) -> Sequence[str]:
    return ()


def arguments(schema: Json, known: Known = nothing_known) -> st.SearchStrategy[Json]:
    """Valid arguments by an object schema. `known` offers values for strings that refer to records."""
    required = set(schema.get("required", ()))
    properties = {name: _value(name, node, known) for name, node in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: made for name, made in properties.items() if name in required},
        optional={name: made for name, made in properties.items() if name not in required},
    )


def one_by_one(schema: Json, known: Known) -> Iterator[Json]:
    """The required arguments with several values each, then each other argument alone with all that matters of it."""
    required = schema.get("required", ())
    choices = {name: list(_choices(name, node, known)) for name, node in schema["properties"].items()}
    sound = {name: choices[name][0] for name in required}
    yield sound
    for name, values in choices.items():
        for value in values[name in required :]:
            yield {**sound, name: value}


def spoiled(schema: Json) -> Iterator[Json]:
    """Arguments that differ in one place from valid ones, where they may well have become wrong."""
    sound = {name: schema["properties"][name]["examples"][0] for name in schema.get("required", ())}
    for name in sound:
        yield {key: value for key, value in sound.items() if key != name}
    yield {**sound, "no_such_argument": 1}
    for name, node in schema["properties"].items():
        for value in (*ANYTHING, *_near(node)):
            yield {**sound, name: value}
            if isinstance(node.get("items"), dict):
                yield {**sound, name: [value]}


def _choices(name: str, node: Json, known: Known) -> Iterator[Any]:
    """Valid values of one parameter: known references first, then its example, all of an enum, the bounds."""
    if isinstance(node.get("items"), dict):
        yield from ([value] for value in _choices(name, node["items"], known))
        return
    if "properties" in node:
        parts = {key: list(_choices(key, inner, known)) for key, inner in node["properties"].items()}
        needed = {key: values for key, values in parts.items() if key in node.get("required", ())}
        for chosen in (needed or parts, parts) if parts and all(parts.values()) else ():
            for turn in range(max(map(len, chosen.values()))):
                yield {key: values[turn % len(values)] for key, values in chosen.items()}
        yield from node.get("examples", ())
        return
    if "string" in node.get("type", ()) and not {"enum", "pattern", "format"} & node.keys():
        yield from known(name)
        yield ODD
    yield from EDGES.get(node.get("format", ""), ())
    yield from node.get("enum", ())
    yield from node.get("examples", ())
    if "boolean" in node.get("type", ()):
        yield from (True, False)
    yield from (node[bound] for bound in ("minimum", "maximum") if bound in node)


def _value(name: str, node: Json, known: Known) -> st.SearchStrategy[Any]:
    if "anyOf" in node or "oneOf" in node:
        return st.one_of(*(_value(name, option, known) for option in node.get("anyOf") or node["oneOf"]))
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if "const" in node:
        return st.just(node["const"])
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return st.one_of(*(_of_kind(kind, name, node, known) for kind in kinds))


def _of_kind(kind: str, name: str, node: Json, known: Known) -> st.SearchStrategy[Any]:
    if kind == "null":
        return st.none()
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(node.get("minimum", -(2**70)), node.get("maximum", 2**70))
    if kind == "number":
        return st.floats(node.get("minimum"), node.get("maximum"), allow_nan=False, allow_infinity=False)
    if kind == "array":
        items = _value(name, node["items"], known)
        return st.lists(items, min_size=node.get("minItems", 0), max_size=min(node.get("maxItems", 4), 4))
    if kind == "object":
        return arguments(node, known) if "properties" in node else st.just({})
    return _string(name, node, known)


def _string(name: str, node: Json, known: Known) -> st.SearchStrategy[str]:
    if node.get("format") == "date-time":
        return TIMES
    if node.get("format") == "date":
        return DATES
    low, high = node.get("minLength", 0), node.get("maxLength", 300)
    given = [text for text in (*known(name), *node.get("examples", ())) if low <= len(text) <= high]
    if "pattern" in node:
        free = st.from_regex(node["pattern"].replace("$", r"\Z")).filter(lambda text: low <= len(text) <= high)
    else:
        free = st.text(SAYABLE, min_size=low, max_size=min(high, max(low, 30)))
    return st.one_of(st.sampled_from(given), free) if given else free


def _near(node: Json) -> Iterator[Any]:
    """Values just inside and just outside the bounds of a parameter."""
    for bound in ("minimum", "maximum"):
        if bound in node:
            yield from (node[bound] - 1, node[bound], node[bound] + 1)
    if "maxLength" in node:
        yield from ("x" * node["maxLength"], "x" * (node["maxLength"] + 1))
    yield from (str(value).upper() for value in node.get("enum", ()))
    if "format" in node:
        yield from MOMENTS
    for example in node.get("examples", ()):
        if isinstance(example, list):
            yield example * 60
            yield from ([{**item, "no_such_key": 1}] for item in example if isinstance(item, dict))
            yield from ([{**item, key: None}] for item in example if isinstance(item, dict) for key in item)
        elif isinstance(example, dict):
            yield {**example, "no_such_key": 1}
            yield from ({**example, key: None} for key in example)

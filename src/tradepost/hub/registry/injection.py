"""The rules for one tool, resource or prompt, compiled: its own go before its server's. What they give for a caller.

Values come from the verified caller alone. A caller that lacks one is refused before anything is sent, unless the rule
is optional; what the model sent under such a name never goes on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tradepost.foundation.errors import ForbiddenScope, InvalidArgument
from tradepost.hub.registry.hidden_arguments import kinds_of, types_of
from tradepost.hub.registry.injection_rules import (
    ASSERTION,
    INJECT,
    NAMES,
    Facts,
    Rule,
    Scalar,
    header_text,
    stored_rules,
)
from tradepost.hub.registry.nested_arguments import Path, Unreachable, find_place, is_emptied, path_of
from tradepost.hub.registry.pinned import Json, pinned
from tradepost.hub.vault.header_rules import is_header_value
from tradepost.protocol.api_marks import web_url
from tradepost.protocol.options import NOTHING_BESIDE, Beside

_WHOLE = re.compile(r"-?[0-9]{1,18}")


class Nested(NamedTuple):
    """A rule for what stands inside an argument. Where the tool does not declare it, nothing of the model's goes on
    there, and nothing of ours."""

    rule: Rule
    path: Path
    declared: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Injection:
    """What the hub tells a server with each request for one entry. `arguments` are those that the tool declares,
    `never_sent` all names under which nothing of the model's goes on, `whole` the arguments that are whole numbers,
    `audience` whom a signed assertion about the caller is for, `nested` what stands inside objects."""

    arguments: tuple[Rule, ...] = ()
    never_sent: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    headers: tuple[Rule, ...] = ()
    meta: tuple[Rule, ...] = ()
    audience: str | None = None
    nested: tuple[Nested, ...] = ()

    @property
    def hidden(self) -> frozenset[str]:
        """The arguments that the model does not see."""
        return frozenset(rule.name for rule in self.arguments)

    @property
    def hidden_inside(self) -> frozenset[Path]:
        """The paths inside arguments that the model does not see."""
        return frozenset(one.path for one in self.nested if one.declared)

    def decides(self, path: Sequence[str]) -> bool:
        """Whether what stands there is not the model's to say."""
        return path[0] in self.never_sent or any(
            one.declared and path[: len(one.path)] == one.path for one in self.nested
        )

    @property
    def asks_names(self) -> bool:
        """Whether a rule sends what the workspace or the agent is called."""
        return any(rule.source in NAMES for rule in (*self.arguments, *self.headers, *self.meta, *self.inside))

    @property
    def inside(self) -> Iterator[Rule]:
        """The rules for what stands inside arguments of this tool."""
        return (one.rule for one in self.nested if one.declared)

    @property
    def tells(self) -> bool:
        """Whether requests carry anything beside their arguments."""
        return bool(self.headers or self.meta or self.audience)

    def arguments_in(self, given: Json, facts: Facts) -> Json:
        """The arguments as the server gets them. Raises ForbiddenScope where the caller has no such thing,
        InvalidArgument where something else stands in place of an object that holds one."""
        kept = {name: value for name, value in given.items() if name not in self.never_sent}
        for rule in self.arguments:
            value = _required(rule, facts)
            if value is not None:
                kept[rule.name] = _whole(rule, str(value)) if rule.name in self.whole and rule.source else value
        for one in self.nested:
            value = _required(one.rule, facts) if one.declared else None
            if value is not None and one.whole and one.rule.source:
                value = _whole(one.rule, str(value))
            _put(kept, one, value, makes_objects=value is not None or one.path[0] in self.never_sent)
        return kept

    def beside(self, facts: Facts) -> Beside:
        """Headers and `_meta` for this caller. Raises ForbiddenScope."""
        return beside_of((*self.headers, *self.meta), facts)


def injection_of(
    server: Mapping[str, Any], tool: Mapping[str, Any], definition: str | None, url: str | None
) -> Injection | None:
    """What the settings of a server and of a tool come to; None where nobody set a rule. `definition` is the text of a
    tool, None for what takes no arguments of ours."""
    if INJECT not in server and INJECT not in tool and ASSERTION not in server:
        return None
    rules = list({rule.key: rule for rule in (*stored_rules(server), *stored_rules(tool))}.values())
    named = [rule for rule in rules if rule.target == "argument"] if definition is not None else []
    schema = _input_schema(definition or "{}")
    kinds = {rule.name: kinds_of(schema, rule.name) for rule in named}
    nested = tuple(
        _nested(schema, rule, path) for rule in named if (path := nested_path(schema, rule.name)) is not None
    )
    paths = [one.path for one in nested if one.declared]
    emptied = {path[0] for path in paths if is_emptied(schema, paths, path[0])}
    asserted = server.get(ASSERTION)
    made = Injection(
        arguments=tuple(rule for rule in named if kinds[rule.name] is not None),
        never_sent=frozenset({*kinds, *emptied}),
        whole=frozenset(name for name, found in kinds.items() if takes_whole_numbers(found)),
        headers=tuple(rule for rule in rules if rule.target == "header"),
        meta=tuple(rule for rule in rules if rule.target == "meta"),
        audience=asserted if isinstance(asserted, str) else web_url(url) if asserted is True and url else None,
        nested=nested,
    )
    return made if made.never_sent or made.tells else None


def nested_path(schema: Any, name: str) -> Path | None:
    """The path that the name of a rule's argument means, unless the schema has an argument of that very name."""
    return path_of(name) if kinds_of(schema, name) is None else None


def takes_whole_numbers(kinds: frozenset[str] | None) -> bool:
    """Whether an argument of these types takes numbers and no texts."""
    return bool(kinds) and "string" not in (kinds or ()) and not {"integer", "number"}.isdisjoint(kinds or ())


def beside_of(rules: tuple[Rule, ...], facts: Facts) -> Beside:
    """Headers and `_meta` that rules give. Raises ForbiddenScope for what the caller does not have, and for a value
    that no header carries."""
    headers: dict[str, str] = {}
    meta: Json = {}
    for rule in rules:
        value = _required(rule, facts)
        if value is None:
            continue
        if rule.target == "meta":
            meta[rule.name] = value
            continue
        headers[rule.name.lower()] = text = header_text(value)
        if not is_header_value(text):
            raise ForbiddenScope(
                f"This caller's {rule.source} cannot be sent in the header {rule.name}: it is not visible ASCII text.",
                hint="Nothing was sent. An admin can mend the value, or send it as an argument or in _meta.",
            )
    return Beside(headers, meta) if headers or meta else NOTHING_BESIDE


def _nested(schema: Any, rule: Rule, path: Path) -> Nested:
    try:
        place = find_place(schema, path)
    except Unreachable:  # such a rule is refused, and such a definition where there is one: nothing is told here
        place = None
    return Nested(rule, path, place is not None, place is not None and takes_whole_numbers(types_of(place.declared)))


def _put(arguments: Json, one: Nested, value: Scalar | None, *, makes_objects: bool) -> None:
    """Write a value in its place, or take away what stands there. Objects on the way are copied: they are the
    client's."""
    node = arguments
    for depth, name in enumerate(one.path[:-1], start=1):
        inner = node.get(name)
        if inner is None and makes_objects and one.declared:
            inner = {}
        if not isinstance(inner, dict):
            if inner is None or not one.declared:
                return
            where = ".".join(one.path[:depth])
            raise InvalidArgument(f"'{where}' must be object.", field=where, hint="See the tool's inputSchema.")
        node[name] = node = dict(inner)
    if value is None:
        node.pop(one.path[-1], None)
    else:
        node[one.path[-1]] = value


def _required(rule: Rule, facts: Facts) -> Scalar | None:
    value = rule.value(facts)
    if value is None and not rule.optional:
        raise ForbiddenScope(
            f"The server is told who calls ({rule.name}), and this caller has no {rule.source}.",
            hint="Nothing was sent. Call as somebody who has it, or ask an admin to bind this caller to it.",
            details={"source": rule.source},
        )
    return value


def _whole(rule: Rule, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ForbiddenScope(
            f"'{rule.name}' is a whole number, and this caller's {rule.source} is not.",
            hint="Nothing was sent. An admin can mend the value.",
            details={"source": rule.source},
        )
    return int(text)


def _input_schema(text: str) -> Any:
    return pinned(text).definition.get("inputSchema")

"""Whether rules about arguments fit the pinned schemas of the tools they are for."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.registry.hidden_arguments import is_required, kinds_of, types_of
from tradepost.hub.registry.injection import nested_path, takes_whole_numbers
from tradepost.hub.registry.injection_rules import Rule, stored_rules
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.registry.nested_arguments import Unreachable, find_place
from tradepost.hub.registry.schema_check import compile_schema

DRY_RUN = "dry_run"
_DIALECT = ("$schema", "$id", "$defs", "definitions")
_NOT_DECLARED = object()


class _Declared(NamedTuple):
    """How a tool declares the argument of a rule. `alone` is its schema, `demanded` whether it has to be there, `top`
    the argument that it is or stands in."""

    schema: Mapping[str, Any]
    alone: Any
    kinds: frozenset[str]
    demanded: bool
    top: str


def check_against_tools(
    server: str, bundled: bool, rules: Sequence[Rule], tool: ToolEntry | None, tools: Sequence[ToolEntry]
) -> None:
    """`tool` is the one they are for; without it they hold for all `tools` of the server that declare the argument.
    Raises InvalidArgument for an argument that nobody declares, and for a value that it does not take."""
    for rule in rules:
        if bundled and rule.name == DRY_RUN:
            raise InvalidArgument("Whether it is a dry run is for the caller to say.", field="name")
        among = [tool] if tool is not None else [one for one in tools if one.state != "removed"]
        schemas = {one.name: orjson.loads(one.definition).get("inputSchema") for one in among}
        declaring = {}
        for name, schema in schemas.items():
            try:
                found = _declared(schema, rule)
            except Unreachable as why:
                raise InvalidArgument(
                    f"'{rule.name}' of {name} cannot be hidden from the model: {why}.",
                    hint="Ask its owner for a plain object there, or set rules for the tools that have one.",
                    field="name",
                ) from why
            if found is not None:
                declaring[name] = found
        if not declaring:
            whose = f"The tool '{tool.name}' does not take" if tool is not None else f"No tool of '{server}' takes"
            raise InvalidArgument(
                f"{whose} an argument '{rule.name[:60]}'.",
                hint=f"Look at them: tradepost server tools {server} --schema",
                field="name",
            )
        for name, declared in declaring.items():
            finding = _finding(rule, declared, optional_may_miss=tool is None)
            if finding is not None:
                raise InvalidArgument(f"'{rule.name}' of {name}: {finding}", field="name")


def check_definition(server: Server, tool: ToolEntry, definition: Mapping[str, Any]) -> None:
    """Whether the rules for a tool fit a definition that is about to be approved. Raises StateConflict."""
    schema = definition.get("inputSchema")
    own = stored_rules(tool.settings)
    of_server = [rule for rule in stored_rules(server.settings) if rule.key not in {one.key for one in own}]
    for rule in (*own, *of_server):
        if rule.target != "argument":
            continue
        finding = None
        try:
            found = _declared(schema, rule)
        except Unreachable as why:
            found, finding = None, f"it cannot be hidden from the model, {why}."
        if found is not None:
            finding = _finding(rule, found, optional_may_miss=rule not in own)
        elif finding is None and rule in own:
            finding = "it is not there any more."
        if finding is not None:
            raise StateConflict(
                f"A rule sets the argument '{rule.name}' of '{tool.name}', and does not fit this definition: {finding}",
                hint="Remove or change the rule first.",
            )


def _declared(schema: Any, rule: Rule) -> _Declared | None:
    """How the argument is declared, None where it is not. Raises Unreachable."""
    kinds = kinds_of(schema, rule.name)
    if kinds is not None:  # one that is declared in a branch has no schema alone
        alone = schema.get("properties", {}).get(rule.name, _NOT_DECLARED)
        return _Declared(schema, alone, kinds, is_required(schema, rule.name), rule.name)
    path = nested_path(schema, rule.name)
    place = find_place(schema, path) if path is not None else None
    if path is None or place is None:
        return None
    return _Declared(schema, place.declared, types_of(place.declared), place.demanded, path[0])


def _finding(rule: Rule, found: _Declared, *, optional_may_miss: bool) -> str | None:
    """Why a rule cannot work for a tool, in one sentence."""
    if _is_referred_to(found.schema, found.top):
        return "another part of the schema refers to it, so it cannot be hidden from the model."
    if rule.source is None:
        return None if _takes(rule, found) else "the constant is not what it takes."
    if "string" not in found.kinds and not takes_whole_numbers(found.kinds):
        return f"it takes {' or '.join(sorted(found.kinds)) or 'nothing'}, and {rule.source} is a text."
    if rule.optional and not optional_may_miss and found.demanded:
        return "the tool demands it, so its rule cannot be optional."
    return None


def _takes(rule: Rule, found: _Declared) -> bool:
    if found.alone is _NOT_DECLARED:
        return True  # the whole is checked with each call
    around = {name: found.schema[name] for name in _DIALECT if name in found.schema}
    one = {**around, "type": "object", "properties": {rule.name: found.alone}}
    return bool(compile_schema(one).is_valid({rule.name: rule.constant}))


def _is_referred_to(node: Any, name: str) -> bool:
    place = f"#/properties/{name}"
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            reference = part.get("$ref")
            if isinstance(reference, str) and (reference == place or reference.startswith(f"{place}/")):
                return True
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return False

"""Whether rules about arguments fit the pinned schemas of the tools they are for."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.registry.hidden_arguments import is_required, kinds_of
from tradepost.hub.registry.injection import takes_whole_numbers
from tradepost.hub.registry.injection_rules import Rule, stored_rules
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.registry.schema_check import compile_schema

DRY_RUN = "dry_run"
_DIALECT = ("$schema", "$id", "$defs", "definitions")


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
        declaring = {name: schema for name, schema in schemas.items() if kinds_of(schema, rule.name) is not None}
        if not declaring:
            whose = f"The tool '{tool.name}' does not take" if tool is not None else f"No tool of '{server}' takes"
            raise InvalidArgument(
                f"{whose} an argument '{rule.name[:60]}'.",
                hint=f"Look at them: tradepost server tools {server} --schema",
                field="name",
            )
        for name, schema in declaring.items():
            finding = _finding(rule, schema, optional_may_miss=tool is None)
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
        if kinds_of(schema, rule.name) is not None:
            finding = _finding(rule, schema, optional_may_miss=rule not in own)
        elif rule in own:
            finding = "it is not there any more."
        if finding is not None:
            raise StateConflict(
                f"A rule sets the argument '{rule.name}' of '{tool.name}', and does not fit this definition: {finding}",
                hint="Remove or change the rule first.",
            )


def _finding(rule: Rule, schema: Any, *, optional_may_miss: bool) -> str | None:
    """Why a rule cannot work for a tool, in one sentence."""
    if _is_referred_to(schema, rule.name):
        return "another part of the schema refers to it, so it cannot be hidden from the model."
    if rule.source is None:
        return None if _takes(schema, rule) else "the constant is not what it takes."
    kinds = kinds_of(schema, rule.name) or frozenset()
    if "string" not in kinds and not takes_whole_numbers(kinds):
        return f"it takes {' or '.join(sorted(kinds)) or 'nothing'}, and {rule.source} is a text."
    if rule.optional and not optional_may_miss and is_required(schema, rule.name):
        return "the tool demands it, so its rule cannot be optional."
    return None


def _takes(schema: Any, rule: Rule) -> bool:
    properties = schema.get("properties", {})
    if rule.name not in properties:
        return True  # declared in a branch: the whole is checked with each call
    around = {name: schema[name] for name in _DIALECT if name in schema}
    one = {**around, "type": "object", "properties": {rule.name: properties[rule.name]}}
    return bool(compile_schema(one).is_valid({rule.name: rule.constant}))


def _is_referred_to(node: Any, name: str) -> bool:
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            if part.get("$ref") == f"#/properties/{name}":
                return True
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return False

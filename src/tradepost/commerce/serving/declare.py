"""Declaring tools, resources and prompts: a typed function and what a model and an operator must know about it.

    @read_tool(title="Get order", scope="read:orders")
    async def get_order(store: Store, order_id: OrderRef, include: Include = ()) -> Answer[OrderView]:
        \"\"\"What it does, when to use it and when not, side effects, what comes back.\"\"\"

The docstring is the description, the annotated parameters are the input schema, the Answer's TypedDict is the output
schema. Writes get idempotency_key, dry_run and expected_version by themselves.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import jsonschema_rs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from tradepost.commerce.serving.schema import input_schema, output_schema, sparse_items, write_output_schema
from tradepost.foundation.errors import InvalidArgument
from tradepost.protocol.builtin import Json, ToolClass

Data = TypeVar("Data")

KEY_PATTERN = "^[!-~]{1,255}$"

IdempotencyKey = Annotated[
    str,
    Field(
        pattern=KEY_PATTERN,
        description="Your key for this intent, 1-255 visible ASCII; a retry with the same key has no second effect.",
        examples=["a7c1-1"],
    ),
]
DryRun = Annotated[bool, Field(description="Only show what would change.", examples=[False])]
ExpectedVersion = Annotated[
    int | None, Field(ge=1, description="The record's version you have seen; refused if it moved.", examples=[3])
]
UNDO_FOR = timedelta(hours=24)  # usually

_OF_WRITES: Mapping[str, Any] = {
    "idempotency_key": (IdempotencyKey, ...),
    "dry_run": (DryRun, False),
    "expected_version": (ExpectedVersion, None),
}


@dataclass(frozen=True, slots=True)
class Answer(Generic[Data]):
    """What a tool gives: the structured value, and at most 200 tokens of text that sum it up. `known` is what a rule
    may look at beside the value, and nobody is told: whose customer it is about, what goods are worth."""

    data: Data
    text: str
    known: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tool:
    """A declared tool. Calling `check` turns JSON arguments into keyword arguments of `function`.

    What follows from its signature is made when something first asks for it: a start of the hub, which has these
    definitions from the registry, does not."""

    name: str
    title: str
    description: str
    scope: str
    tool_class: ToolClass
    money: bool
    open_world: bool
    quick: bool
    function: Callable[..., Awaitable[Answer[Any]]]
    undo_for: timedelta | None = None  # how long it offers the call that takes it back

    @property
    def writes(self) -> bool:
        return self.tool_class != "read"

    @cached_property
    def parameters(self) -> type[BaseModel]:
        """The arguments as a model."""
        return _parameters(self.function, _OF_WRITES if self.writes else {})

    @cached_property
    def input_schema(self) -> Json:
        """The schema of the arguments, as it is published."""
        return input_schema(self.parameters)

    @cached_property
    def output_schema(self) -> Json:
        """The schema of the result, as it is published."""
        answer = get_type_hints(self.function, include_extras=True)["return"]
        if get_origin(answer) is not Answer:
            raise TypeError(f"{self.name} must return Answer[...].")
        (data,) = get_args(answer)
        published = write_output_schema(data) if self.writes else output_schema(data)
        return sparse_items(published) if "fields" in self.parameters.model_fields else published

    @cached_property
    def validator(self) -> Any:
        """What tries the input schema on arguments."""
        return jsonschema_rs.validator_for(self.input_schema, validate_formats=True)

    def definition(self) -> Json:
        """The MCP Tool object."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input_schema,
            "outputSchema": self.output_schema,
            "annotations": {
                "title": self.title,
                "readOnlyHint": not self.writes,
                "destructiveHint": self.tool_class == "destructive",
                "idempotentHint": True,
                "openWorldHint": self.open_world,
            },
        }

    def check(self, arguments: Json) -> dict[str, Any]:
        """The arguments by the published schema, as Python values. Raises InvalidArgument for the first mistake."""
        for error in self.validator.iter_errors(arguments):
            raise _schema_mistake(error, self.input_schema)
        for name, value in arguments.items():
            refuse_nul(name, value)
        try:
            model = self.parameters.model_validate(arguments)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            said = f"{place}: {first['msg']}."
            if first["type"].startswith("date"):
                said = f"{place}: {str(first['input'])[:40]!r} is no {'time' if 'time' in first['type'] else 'date'}."
            hint = (
                "Write a time like 2026-02-24T09:00:00Z, a date like 2026-02-24." if "date" in first["type"] else None
            )
            raise InvalidArgument(said, field=place or None, hint=hint) from None
        return {name: getattr(model, name) for name in type(model).model_fields}


@dataclass(frozen=True)
class Resource:
    """A declared resource (`template` without braces) or resource template. `function(store, **variables)` gives the
    JSON value, or text for a text MIME type. `record(store, **variables)` gives the id of the record whose changes are
    the resource's: only with it can a client watch the resource."""

    template: str
    name: str
    title: str
    description: str
    scope: str
    mime_type: str
    function: Callable[..., Awaitable[Any]]
    record: Callable[..., Awaitable[str]] | None = None

    @property
    def is_template(self) -> bool:
        return "{" in self.template

    def definition(self) -> Json:
        """The MCP Resource or ResourceTemplate object."""
        place = "uriTemplate" if self.is_template else "uri"
        return {
            place: self.template,
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "mimeType": self.mime_type,
        }


@dataclass(frozen=True)
class Guide:
    """What a prompt gives: the text for the model and the resources to embed, as (uri, value)."""

    text: str
    resources: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Prompt:
    """A declared prompt. `function(store, **arguments)` gives a Guide."""

    name: str
    title: str
    description: str
    scope: str
    function: Callable[..., Awaitable[Guide]]

    @cached_property
    def arguments(self) -> tuple[Json, ...]:
        """Its arguments as MCP has them."""
        return tuple(
            {"name": name, "description": field.description or "", "required": field.is_required()}
            for name, field in _parameters(self.function, {}).model_fields.items()
        )

    def definition(self) -> Json:
        """The MCP Prompt object."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "arguments": [dict(argument) for argument in self.arguments],
        }


def read_tool(
    *, title: str, scope: str, quick: bool = False
) -> Callable[[Callable[..., Awaitable[Answer[Any]]]], Tool]:
    """Declare a tool without side effects. `quick`: it looks up a bounded number of rows by key and scans nothing."""
    return lambda function: _tool(function, title, scope, "read", money=False, open_world=False, quick=quick)


def write_tool(
    *,
    title: str,
    scope: str,
    destructive: bool = False,
    money: bool = False,
    open_world: bool = False,
    undo_for: timedelta | None = None,
) -> Callable[[Callable[..., Awaitable[Answer[Any]]]], Tool]:
    """Declare a tool that changes the store. `money`: money leaves (its approvals expire sooner). `open_world`: it
    acts outside the store. A destructive or money tool must have a `reason` parameter (C7). `undo_for`: it has a
    natural reverse (see Store.reverse), which is offered for so long."""

    def declare(function: Callable[..., Awaitable[Answer[Any]]]) -> Tool:
        if (destructive or money) and "reason" not in inspect.signature(function).parameters:
            raise TypeError(f"{function.__name__} moves money or destroys and has no `reason` parameter.")
        kind: ToolClass = "destructive" if destructive else "write"
        made = _tool(function, title, scope, kind, money=money, open_world=open_world)
        return replace(made, undo_for=undo_for)

    return declare


def resource(
    template: str,
    *,
    title: str,
    description: str,
    scope: str,
    mime_type: str = "application/json",
    record: Callable[..., Awaitable[str]] | None = None,
) -> Callable[[Callable[..., Awaitable[Any]]], Resource]:
    """Declare a resource or, with {variables}, a template. `record` makes it one that clients can watch."""
    return lambda function: Resource(
        template, function.__name__, title, description, scope, mime_type, function, record
    )


def prompt(*, title: str, scope: str) -> Callable[[Callable[..., Awaitable[Guide]]], Prompt]:
    """Declare a prompt: its docstring is the description, its annotated parameters (all str) the arguments."""

    def declare(function: Callable[..., Awaitable[Guide]]) -> Prompt:
        return Prompt(function.__name__, title, _description(function), scope, function)

    return declare


def refuse_nul(name: str, value: Any) -> None:
    """Raise InvalidArgument for text with the character U+0000: PostgreSQL cannot keep it, and nobody means it."""
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidArgument(f"{name}: text cannot hold the character U+0000.", field=name)
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            refuse_nul(name, inner)


def _tool(
    function: Callable[..., Awaitable[Answer[Any]]],
    title: str,
    scope: str,
    tool_class: ToolClass,
    *,
    money: bool,
    open_world: bool,
    quick: bool = False,
) -> Tool:
    return Tool(
        name=function.__name__,
        title=title,
        description=_description(function),
        scope=scope,
        tool_class=tool_class,
        money=money,
        open_world=open_world,
        quick=quick,
        function=function,
    )


def _parameters(function: Callable[..., Any], extra: Mapping[str, Any]) -> type[BaseModel]:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for position, (name, parameter) in enumerate(inspect.signature(function).parameters.items()):
        if position == 0:
            continue  # the store
        fields[name] = (hints[name], ... if parameter.default is inspect.Parameter.empty else parameter.default)
    model = create_model(f"{function.__name__}_arguments", __config__=ConfigDict(extra="forbid"), **{**fields, **extra})
    return model  # type: ignore[no-any-return]


def _description(function: Callable[..., Any]) -> str:
    text = inspect.getdoc(function)
    if not text:
        raise TypeError(f"{function.__name__} has no docstring.")
    return " ".join(text.split())


def _schema_mistake(error: Any, schema: Json) -> InvalidArgument:
    path = [str(part) for part in error.instance_path]
    field = ".".join(path) or None
    message = str(error.message)
    facts = error.kind.as_dict()
    if "options" in facts and isinstance(facts["options"], list):
        options = ", ".join(str(option) for option in facts["options"] if option is not None)
        message = f"{str(error.instance)[:60]!r} is not one of {options}"
    known = ", ".join(schema["properties"])
    if len(message) > 300:
        message = message[:300] + "…"
    hint = f"Arguments: {known}." if field is None else "See the tool's input schema for what is allowed."
    return InvalidArgument(f"{field}: {message}." if field else f"{message}.", hint=hint, field=field)

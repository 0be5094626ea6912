"""The BuiltinServer port: how a server that ships with Tradepost is called, in-process or by its own endpoint.

Definitions and results are plain JSON values in the exact shapes of MCP, so that the same bytes come out of the hub,
of stdio and of HTTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tradepost.foundation.caller import Caller

Json = dict[str, Any]
Mode = Literal["execute", "preview"]
ToolClass = Literal["read", "write", "destructive"]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What tools/call gives: content blocks, the structured value, and whether it is an error (C9 shape then).

    `asks` is there instead of all that where the server asks for input first: the result of type input_required.
    `meta` is the `_meta` of a server that is not ours. `undo` is the call that takes a write of a bundled server back:
    {tool, arguments, summary, seconds, versions}; `seconds` is how long it is offered, `versions` those of what the
    write has changed. It is for the hub, and goes to no client by itself. `source` is a JSON text that holds at least
    all of the above, as it came in: what does not stand in it does not have to be looked for in its parts. `request_id`
    is what a server that is not ours calls the request, or else its JSON-RPC id."""

    content: Sequence[Json]
    structured: Json | None = None
    is_error: bool = False
    meta: Json | None = None
    asks: Json | None = None
    undo: Json | None = field(default=None, compare=False)
    source: bytes | None = field(default=None, compare=False, repr=False)
    request_id: str | None = field(default=None, compare=False)

    def as_dict(self) -> Json:
        """The CallToolResult object, without the fields that belong to one protocol era."""
        if self.asks is not None:
            return dict(self.asks)
        shape: Json = {"content": list(self.content)}
        if self.structured is not None:
            shape["structuredContent"] = self.structured
        shape["isError"] = self.is_error
        if self.meta:
            shape["_meta"] = self.meta
        return shape


@dataclass(frozen=True, slots=True)
class Definitions:
    """A server as it describes itself: MCP Tool, Resource, ResourceTemplate and Prompt objects, and its instructions.

    `tool_classes`, `tool_scopes` and `money_tools` (those through which money can leave) are the operator's facts about
    each tool, by name; they never go to a client.
    """

    tools: Sequence[Json]
    resources: Sequence[Json] = ()
    resource_templates: Sequence[Json] = ()
    prompts: Sequence[Json] = ()
    instructions: str = ""
    tool_classes: Mapping[str, ToolClass] = field(default_factory=dict)
    tool_scopes: Mapping[str, str] = field(default_factory=dict)
    money_tools: frozenset[str] = frozenset()
    resource_scopes: Mapping[str, str] = field(default_factory=dict)
    prompt_scopes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expects:
    """Which record versions a call was approved with, as a preview lists them: {table, id, version}. `exactly`: the
    call rests on these records and no other; otherwise it may concern more."""

    versions: Sequence[Json]
    exactly: bool = True


MOVED = "moved"  # in the details of a version_conflict: sentences about the records that are not as they were expected


class BuiltinServer(Protocol):
    """A server that ships with Tradepost."""

    slug: str
    title: str

    def definitions(self) -> Definitions:
        """All it offers. Deterministic: the same release gives the same bytes."""
        ...

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        expects: Expects | None = None,
    ) -> ToolResult:
        """Run a tool. `key` is the idempotency key of a write (None for reads). In preview mode the same code runs
        in a transaction that is rolled back, and `structured` is the preview {summary, changes, side_effects, amount,
        quantity, versions}. With `expects`, versions are compared inside the transaction: where one has moved, nothing
        is done and the result is a version_conflict whose details have MOVED.
        An unknown name raises NotFound; every other failure of the tool is a result with is_error."""
        ...

    async def read(self, caller: Caller, uri: str) -> Json:
        """ReadResourceResult object. Raises NotFound for an unknown URI."""
        ...

    async def watched(self, caller: Caller, uri: str) -> str | None:
        """The id of the record whose changes are those of a resource, as the outbox says it; None for a resource that
        cannot be watched. Raises what `read` raises: nobody watches what they may not read."""
        ...

    async def prompt(self, caller: Caller, name: str, arguments: Mapping[str, str]) -> Json:
        """GetPromptResult object. Raises NotFound, InvalidArgument."""
        ...

    async def complete(self, caller: Caller, reference: Json, argument: str, value: str) -> Json:
        """The `completion` object {values, total, hasMore} for a prompt or resource template argument."""
        ...

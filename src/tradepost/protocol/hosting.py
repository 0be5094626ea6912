"""The HostedCatalog port: what an MCP endpoint needs of whoever stands behind it. The gateway satisfies it.

The endpoint knows eras, envelopes, sessions and streams; the host knows callers, catalogs and the pipeline.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from tradepost.foundation.caller import Caller
from tradepost.protocol.parameter_headers import HeaderParameter
from tradepost.protocol.tasks import takes_tasks

Json = dict[str, Any]

# The tool that shows definitions of tools which are not listed. What a session loads with it belongs to that session's
# list from then on; the newer era has no sessions, and its lists depend on who asks alone.
LOADING_TOOL = "load_tools"


class Arrival(NamedTuple):
    """What the endpoint knows of an HTTP request before anybody is authenticated. Header names are lower case."""

    headers: Mapping[str, str]
    client_address: str
    path: str


class ClientChannel(Protocol):
    """What can be said to the client while its call runs. Using it turns the answer into an event stream."""

    @property
    def wants_progress(self) -> bool:
        """True when the client gave a token for progress."""
        ...

    @property
    def log_level(self) -> str | None:
        """The least level of log messages that the client wants, None for none."""
        ...

    def can_ask(self, method: str) -> bool:
        """True when the client takes requests of this kind (handshake era, with the capability declared)."""
        ...

    async def notify(self, method: str, params: Json) -> None:
        """Pass on `notifications/progress` or `notifications/message`. What the client did not ask for is dropped."""
        ...

    async def ask(self, method: str, params: Json) -> Json:
        """Send `elicitation/create`, `sampling/createMessage` or `roots/list` and wait for the reply:
        {"result": …} or {"error": …}. Raises Unavailable when the client cannot be asked or leaves."""
        ...


class Wire(Protocol):
    """How a message came in; Exchange satisfies it. `request_id` is that of the JSON-RPC request, `revision` the one of
    MCP that it follows, where that is known."""

    request_id: str | int | None
    revision: str | None

    @property
    def http_version(self) -> str:
        """Of HTTP: "1.1" or "2"."""
        ...


class CallExtras(NamedTuple):
    """What came with a call beside name and arguments: an idempotency key (from `_meta` or the HTTP header
    `Idempotency-Key`), the client's declared capabilities (never identity), what a client that was asked for input
    sends back with its retry (`inputResponses`, `requestState`: attacker-controlled, verify both), whether it is one
    that answers questions with a retry at all (`rounds`: the newer era), the channel that reaches the client while
    the call runs, the trace that the call belongs to, the session it is part of, and how it came in."""

    idempotency_key: str | None = None
    client_capabilities: Mapping[str, Any] | None = None
    run_id: str | None = None
    input_responses: Mapping[str, Any] | None = None
    request_state: str | None = None
    rounds: bool = False
    channel: ClientChannel | None = None
    trace: Mapping[str, str] | None = None
    session_id: str | None = None
    wire: Wire | None = None

    @property
    def takes_tasks(self) -> bool:
        """Whether this request may be answered with a task: its client speaks the newer era and declared it."""
        return self.rounds and takes_tasks(self.client_capabilities)


NO_EXTRAS = CallExtras()
NOTHING_KNOWN: Mapping[str, str] = {}


class HostedCatalog(Protocol):
    """One principal's view behind an endpoint. `server` is the slug of /mcp/servers/{slug}, None on /mcp."""

    def authenticate(self, arrival: Arrival) -> Awaitable[Caller]:
        """The caller of this request, new for each. Raises Unauthenticated, RateLimited."""
        ...

    async def server_info(self, caller: Caller, server: str | None) -> Json:
        """{"name", "title", "version"} and "instructions" of what the client connected to, and "watches": whether any
        of its resources can be watched."""
        ...

    async def list_tools(self, caller: Caller, server: str | None, loaded: Sequence[str] = ()) -> bytes:
        """The JSON array of Tool objects as ready bytes, in a stable order (a catalog is never paged). `loaded` are
        names of tools that shall stand in it where they are the caller's, although they are too many to be listed."""
        ...

    def mirrored(
        self, caller: Caller, server: str | None, name: str
    ) -> tuple[HeaderParameter, ...] | Awaitable[tuple[HeaderParameter, ...]]:
        """The arguments of a tool that clients repeat in headers, worked out before the call; () for an unknown one.
        To be waited for where they are not at hand."""
        ...

    async def list_resources(self, caller: Caller, server: str | None) -> bytes: ...

    async def list_resource_templates(self, caller: Caller, server: str | None) -> bytes: ...

    async def list_prompts(self, caller: Caller, server: str | None) -> bytes: ...

    def call_tool(
        self, caller: Caller, server: str | None, name: str, arguments: Json, extras: CallExtras
    ) -> Awaitable[bytes | Json]:
        """CallToolResult object (dict, or its ready JSON bytes), or, to a client that takes tasks, a CreateTaskResult.
        An unknown tool raises NotFound (-32602)."""
        ...

    async def ask_task(self, caller: Caller, server: str | None, method: str, task_id: str, extras: CallExtras) -> Json:
        """The DetailedTask, for tasks/get; what tasks/update (its answers are `extras.input_responses`) and
        tasks/cancel give is not looked at. Every id that is not one of this principal's tasks raises the same
        NotFound (-32602)."""
        ...

    async def watch_task(self, caller: Caller, server: str | None, task_id: str) -> str | None:
        """The id of the record whose changes are those of a task; None for one that leaves no record, and for every id
        that is not one of this principal's tasks."""
        ...

    async def read_resource(
        self, caller: Caller, server: str | None, uri: str, extras: CallExtras = NO_EXTRAS
    ) -> Json: ...

    async def watch(self, caller: Caller, server: str | None, uri: str) -> str | None:
        """The id of the record whose changes are those of a resource; None for one that cannot be watched. Raises
        whatever reading the resource would raise."""
        ...

    async def may_read(self, caller: Caller, server: str | None, uri: str) -> bool:
        """Whether the caller may still read a resource it watches. Costs no look at the resource itself."""
        ...

    async def list_marks(self, caller: Caller, server: str | None) -> Mapping[str, int]:
        """A mark of each list the caller sees, by the notification that tells of its change (see list_changes): the
        same as long as the list is."""
        ...

    async def get_prompt(
        self,
        caller: Caller,
        server: str | None,
        name: str,
        arguments: Mapping[str, str],
        extras: CallExtras = NO_EXTRAS,
    ) -> Json: ...

    async def complete(
        self,
        caller: Caller,
        server: str | None,
        reference: Json,
        argument: str,
        value: str,
        known: Mapping[str, str] = NOTHING_KNOWN,
        extras: CallExtras = NO_EXTRAS,
    ) -> Json:
        """The `completion` object. `known` are the other arguments, as far as the client has values for them."""
        ...

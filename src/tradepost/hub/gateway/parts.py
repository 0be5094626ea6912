"""What the steps work with, joined once when the hub is built."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Trial
from tradepost.foundation.clock import Now, system_now
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.lease import Leases
from tradepost.hub.actions.verdicts import Verdicts
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.gateway.assertions import Assertions
from tradepost.hub.gateway.call import Call
from tradepost.hub.gateway.checkpoints import Checkpoint, pass_by
from tradepost.hub.gateway.holds import Holds
from tradepost.hub.gateway.rests import Rests
from tradepost.hub.gateway.rounds import RoundSeal
from tradepost.hub.gateway.schema_checks import SchemaChecks
from tradepost.hub.gateway.standing import Standings
from tradepost.hub.gateway.task_seal import TaskSeal
from tradepost.hub.limits.attempts import Attempts
from tradepost.hub.limits.in_flight import InFlight
from tradepost.hub.limits.pace import Pace
from tradepost.hub.registry.catalog import Catalog, CatalogPrompt, CatalogResource, CatalogTool
from tradepost.hub.telemetry.meters import Meters
from tradepost.hub.telemetry.ports import Traces
from tradepost.hub.trust.ledger import TaintLedger
from tradepost.hub.trust.signals import SignalLedger
from tradepost.hub.upstreams.talk import Talk
from tradepost.protocol.builtin import Expects, Mode, ToolResult

Json = dict[str, Any]

WAIT_SECONDS = 5.0


class Contradicted(Protocol):
    """Who hears that an answer contradicts what was approved: of which server's tool, resource or prompt, and in what.
    It must not wait."""

    def __call__(
        self, workspace_id: str, server_id: str, kind: Literal["tool", "resource", "prompt"], name: str, says: str
    ) -> None: ...


def to_nobody(
    workspace_id: str, server_id: str, kind: Literal["tool", "resource", "prompt"], name: str, says: str
) -> None:
    """For a hub in which nobody wants to hear of it."""


class CatalogSource(Protocol):
    """Compiled catalogs; the registry's Catalogs satisfies it. `version` is the registry's, where it is known."""

    def for_agent(
        self, workspace_id: str, agent_id: str, scopes: frozenset[str] | None = None, version: int | None = None
    ) -> Awaitable[Catalog]: ...

    def for_server(
        self,
        workspace_id: str,
        agent_id: str,
        slug: str,
        scopes: frozenset[str] | None = None,
        version: int | None = None,
    ) -> Awaitable[Catalog]: ...

    def for_profile(
        self,
        workspace_id: str,
        profile_id: str,
        scopes: frozenset[str],
        slug: str | None = None,
        version: int | None = None,
    ) -> Awaitable[Catalog]: ...

    def for_person(
        self, workspace_id: str, scopes: frozenset[str], version: int | None = None
    ) -> Awaitable[Catalog]: ...

    def for_trial(self, workspace_id: str, scopes: frozenset[str], trial: Trial) -> Awaitable[Catalog]: ...

    def kept(
        self, workspace_id: str, holder_id: str, slug: str | None, scopes: frozenset[str] | None, version: int
    ) -> Catalog | None: ...


class Dispatcher(Protocol):
    """The one way to a server; Upstreams satisfies it. `ends_at` is when a call has to be over, by the loop's clock. An
    UpstreamError or UpstreamTimeout has `dispatched`: whether the server may have received the call."""

    async def call_tool(
        self,
        caller: Caller,
        tool: CatalogTool,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        talk: Talk | None = None,
        ends_at: float | None = None,
        expects: Expects | None = None,
    ) -> ToolResult: ...

    async def ask_task(
        self, caller: Caller, tool: CatalogTool, method: str, task_id: str, talk: Talk, ends_at: float | None = None
    ) -> Json: ...

    async def read_resource(
        self,
        caller: Caller,
        resource: CatalogResource,
        uri: str,
        talk: Talk | None = None,
        ends_at: float | None = None,
    ) -> Json: ...

    async def watched(self, caller: Caller, resource: CatalogResource, uri: str) -> str | None: ...

    async def get_prompt(
        self,
        caller: Caller,
        prompt: CatalogPrompt,
        arguments: Mapping[str, str],
        talk: Talk | None = None,
        ends_at: float | None = None,
    ) -> Json: ...

    async def complete(
        self,
        caller: Caller,
        target: CatalogPrompt | CatalogResource,
        reference: Json,
        argument: str,
        value: str,
        known: Mapping[str, str],
        ends_at: float | None = None,
        talk: Talk | None = None,
    ) -> Json: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a step may use."""

    database: Database
    catalogs: CatalogSource
    upstreams: Dispatcher
    audit: AuditWriter
    leases: Leases
    clock: ActionClock
    standings: Standings
    principals: InFlight
    servers: InFlight
    pace: Pace
    attempts: Attempts
    rounds: RoundSeal
    holds: Holds
    tasks: TaskSeal
    schemas: SchemaChecks
    verdicts: Verdicts
    taints: TaintLedger
    signals: SignalLedger
    rests: Rests | None = None
    assertions: Assertions | None = None
    contradicted: Contradicted = to_nobody
    meters: Meters | None = None
    tracing: Traces | None = None
    checkpoint: Checkpoint = pass_by
    wait_seconds: float = WAIT_SECONDS
    now: Now = system_now


Step = Callable[[Call, Parts], Awaitable[None] | None]  # a step that never waits is a plain function

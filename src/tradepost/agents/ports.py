"""The ports of agents: what the parts of this folder, and the hub behind them, say to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller

Json = dict[str, Any]

StepKind = Literal[
    "message",  # what the person wrote
    "reading",  # fields that were read from free text in a step without tools
    "routing",  # which specialists the planner chose, and why
    "model",  # one answer of a model: text, calls it asks for
    "tool_call",  # a call that is about to be made
    "tool_result",  # what the call gave
    "waiting",  # a call that waits for a person's approval
    "answer",  # what the person is told
    "trouble",  # one sentence about what went wrong
]
TurnStatus = Literal["running", "waiting", "finished", "failed", "stopped"]


class ToolDoor(Protocol):
    """The only way to a tool. The gateway satisfies it."""

    async def list(self, caller: Caller) -> list[Json]:
        """The Tool objects the caller sees now."""
        ...

    async def call(
        self, caller: Caller, name: str, arguments: Json, run_id: str | None = None, key: str | None = None
    ) -> Json:
        """The CallToolResult object of one call. `key` is its idempotency key: the same call with the same key has one
        effect, however often it is made. Raises NotFound for a tool the caller does not see."""
        ...


class Callers(Protocol):
    """Who an agent is when it calls tools. Joined in the app: only the hub builds callers."""

    async def for_agent(self, asked_by: Caller, agent: str, run_id: str) -> Caller:
        """The caller of this agent (slug or id) on behalf of who asked. Raises NotFound or Forbidden."""
        ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What the hub knows of an agent. `for_customers`: its profile is for the shop's own customers."""

    id: str
    slug: str
    name: str
    description: str
    profile_id: str
    active: bool
    for_customers: bool


class Directory(Protocol):
    """The agents of a workspace, as the hub has them. Joined in the app; a session is one of the workspace."""

    async def agent(self, session: AsyncSession, agent: str) -> Facts:
        """An agent by slug or id. Raises NotFound."""
        ...

    async def staff(self, session: AsyncSession) -> list[Facts]:
        """The active agents of all profiles that are not for customers, by slug."""
        ...


@dataclass(frozen=True, slots=True)
class Spent:
    """What one step cost: tokens, millionths of a US dollar (None where no price is known), milliseconds."""

    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int | None = None
    latency_ms: float = 0.0


BY_HUB = "hub"  # in the content of an answer: no agent said it


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened in a turn. `content` is JSON that people may read; `messages` are the model's messages
    of this step as JSON (Pydantic AI's ModelMessagesTypeAdapter), from which a turn goes on after a restart."""

    kind: StepKind
    agent: str
    content: Json
    messages: Sequence[Json] = ()
    spent: Spent = field(default_factory=Spent)
    tool_call_id: str | None = None
    request_id: str | None = None


class Recorder(Protocol):
    """Keeps what happens in one turn."""

    async def step(self, step: Step) -> None:
        """Keep this step. It is durable when this returns, and before the turn goes on."""
        ...

    def delta(self, agent: str, text: str) -> None:
        """Text that a model is writing just now, for who is watching; not kept."""
        ...


@dataclass(frozen=True, slots=True)
class Awaited:
    """A call that waits for a person: the model's id of the call, the tool, the approval."""

    agent: str
    tool_call_id: str
    tool: str
    approval_id: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One message and all that follows from it. `earlier` are the steps of the conversation's earlier turns, `done`
    those of this turn that are kept already (empty for a new one): a turn that was cut off goes on after them, and
    calls without a result are made again with the key they had. `decided` are the results of calls that waited, by the
    model's id of the call."""

    run_id: str
    conversation_id: str
    asked_by: Caller
    agent: str
    message: str
    earlier: Sequence[Step] = ()
    done: Sequence[Step] = ()
    decided: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """How a turn ended, or what it waits for. `hand_over`: a person of the shop is to take the conversation over, for
    this reason."""

    status: TurnStatus
    answer: str
    awaited: Sequence[Awaited] = ()
    hand_over: str | None = None


class Runtime(Protocol):
    """Runs turns."""

    async def run(self, turn: Turn, record: Recorder) -> TurnEnd:
        """Run the turn until it is answered or waits for people. Whatever goes wrong with models, tools or limits ends
        in a sentence (status failed or stopped), not in an exception; cancelling it leaves the steps kept so far."""
        ...

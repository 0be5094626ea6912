"""One call on its way through the pipeline: what came in, what the steps found out, what goes back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any, Literal

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.outsiders import Heard
from tradepost.hub.access.models import Posture
from tradepost.hub.actions.lease import Claim
from tradepost.hub.actions.models import Action
from tradepost.hub.gateway.standing import Standing
from tradepost.hub.limits.quotas import DEFAULTS, Quotas
from tradepost.hub.policy.decide import Decision
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogResource, CatalogTool
from tradepost.hub.telemetry.ports import Span
from tradepost.hub.trust.signal import Signal
from tradepost.hub.trust.taint import Taint
from tradepost.hub.upstreams.talk import Hold, Tells
from tradepost.protocol.builtin import Expects, ToolResult
from tradepost.protocol.hosting import NO_EXTRAS, CallExtras

Json = dict[str, Any]
Kind = Literal["tool", "resource", "subscription", "prompt", "completion", "task"]
Said = tuple[str, int, str]  # the id of the action, its round, and accept, decline or cancel
Entry = CatalogTool | CatalogResource | CatalogPrompt


@dataclass(slots=True, eq=False)
class Call:
    """A tools/call, resources/read, subscription to a resource, prompts/get, completion, or a question about a task
    (`task_method` says which). `name` is what the client wrote: the exposed name, a URI, a prompt's name, a task's id.
    `task_id` is the server's own id of a task, `told` what it said of one that has ended.
    Steps fill the rest in; `answer` ends the walk. `source` is the JSON text that a foreign result came in, as long as
    the result is what stands there, `hidden` how many characters that nobody can see were taken out of it. `tells` is
    what its requests carry of the caller. `spent` is what it took of the day, by counter, `ended` the state of its
    action in the end. `preview` is what a bundled write would do,
    `totals_taken` what policy counted of it. `undo` is what its server says takes it back; `undoes` the action that
    this call takes back, and `expects` the records as that one left them. `waits` is the task in which a write waits in
    line, `left` that its client has gone. `said` is what the person behind the caller answered when they were asked
    whether this very write shall be done. `taint` says what its run has read that outsiders wrote; `outside` names what
    of that kind a bundled server has put into this call's own answer. `reaches_out`: its caller may reach other servers
    than the bundled ones. `sends` is the argument in which a read of such a run takes the words of one server, or the
    shop's, to another one: then it goes on as a write; `beside` says which words. `signal` is what the detector said of
    what its run has read, where somebody asked. `upstream_us` is the time that its server took,
    `upstream_id` what that server calls the request, `span` the call's own where there are traces, `carried` what a
    request says of its trace. `too_long`: it was carried out, but no shortened result has the form that was
    promised."""

    caller: Caller
    kind: Kind
    name: str
    arguments: Json
    server: str | None = None
    extras: CallExtras = NO_EXTRAS
    run_id: str | None = None
    reference: Mapping[str, Any] | None = None
    task_method: str | None = None
    task_id: str | None = None
    told: Json | None = None
    began_ns: int = field(default_factory=perf_counter_ns)

    posture: Posture | None = None
    standing: Standing | None = None
    quotas: Quotas = DEFAULTS
    slot: str | None = None
    entry: Entry | None = None
    reaches_out: bool = False
    key: str | None = None
    dry_run: bool = False
    arguments_digest: str | None = None
    retry: Json | None = None
    hold: Hold | None = None
    tells: Tells | None = None
    decision: Decision | None = None
    taint: Taint | None = None
    sends: str | None = None
    beside: Taint | None = None
    signal: Signal | None = None
    outside: Heard = field(default_factory=Heard)
    preview: ToolResult | None = None
    totals_taken: Mapping[str, Any] | None = None
    action: Action | None = None
    claim: Claim | None = None
    previewed: bool = False
    sent: bool = False
    upstream_us: int | None = None
    upstream_id: str | None = None
    span: Span | None = None
    carried: Mapping[str, str] | None = None
    result: Json | None = None
    source: bytes | None = None
    hidden: int = 0
    undo: Json | None = None
    undoes: str | None = None
    expects: Expects | None = None
    broke_contract: bool = False
    too_long: bool = False
    answer: Json | None = None
    spent: Mapping[str, int] | None = None
    ended: str | None = None
    replayed: bool = False
    resumed: bool = False
    recorded: bool = False
    waits: asyncio.Task[Any] | None = None
    left: bool = False
    said: Said | None = None
    error: TradepostError | None = None
    crash: Exception | None = None

    def let_in(self, standing: Standing) -> None:
        """What holds for the caller now."""
        self.standing, self.posture, self.quotas = standing, standing.posture, standing.quotas

    @property
    def tool(self) -> CatalogTool:
        """The tool of a tool call, once it is found."""
        if not isinstance(self.entry, CatalogTool):
            raise TypeError("This call has no tool.")
        return self.entry

    @property
    def found(self) -> Entry:
        """What the call is about, once it is found."""
        if self.entry is None:
            raise TypeError("This call has found nothing yet.")
        return self.entry

    @property
    def writes(self) -> bool:
        """Whether this call changes something. An unknown class counts as a write, a dry run does not; a read that
        takes out what outsiders may have asked for does."""
        if not isinstance(self.entry, CatalogTool) or self.dry_run:
            return False
        return self.entry.tool_class != "read" or self.sends is not None

    @property
    def goes_on(self) -> bool:
        """Whether further steps have something to do."""
        return self.answer is None and self.error is None and self.crash is None

    def leave(self) -> None:
        """Its client has left. A write that waits in line leaves it; one that was sent goes on."""
        self.left = True
        if self.waits is not None:
            self.waits.cancel()

    def duration_us(self) -> int:
        """Microseconds since the call came in."""
        return (perf_counter_ns() - self.began_ns) // 1_000

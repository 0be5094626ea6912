"""The way of every call, whoever makes it: one list of steps, in this order, and no other way to a server.

A step takes the call and the parts, fills something in, or raises an error of the tree. The walk ends early with an
answer or an error; `outcome` runs for every call. From `intent` on, a write runs in a task of its own, so that a client
that goes away does not leave it half done.
"""

import asyncio
import logging
from collections.abc import Sequence

from tradepost.foundation.errors import ForbiddenScope, InProgress, TradepostError
from tradepost.foundation.outsiders import listen
from tradepost.hub.access.field_rules import FieldRules
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.gateway.action_tasks import created, ended, held_task
from tradepost.hub.gateway.answers import error_result
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.metering import ended_of, logged
from tradepost.hub.gateway.parts import Parts, Step
from tradepost.hub.gateway.rounds import WrongState
from tradepost.hub.gateway.said import way_of
from tradepost.hub.gateway.showing.step import shown_to
from tradepost.hub.gateway.spans import begin, finish
from tradepost.hub.gateway.steps.authenticate import authenticate
from tradepost.hub.gateway.steps.await_approval import await_approval
from tradepost.hub.gateway.steps.call_server import call_server
from tradepost.hub.gateway.steps.check import check
from tradepost.hub.gateway.steps.decide import decide
from tradepost.hub.gateway.steps.defer import defer
from tradepost.hub.gateway.steps.find_task import as_it_stands, find_task, take_up_task
from tradepost.hub.gateway.steps.find_tool import find_tool
from tradepost.hub.gateway.steps.follow_task import follow_task
from tradepost.hub.gateway.steps.inject import inject
from tradepost.hub.gateway.steps.intent import intent
from tradepost.hub.gateway.steps.label_and_trim import label_and_trim
from tradepost.hub.gateway.steps.limit import limit
from tradepost.hub.gateway.steps.limit_entry import limit_entry
from tradepost.hub.gateway.steps.moved import moved
from tradepost.hub.gateway.steps.outcome import outcome
from tradepost.hub.gateway.steps.reauthorise import reauthorise
from tradepost.hub.gateway.steps.replay import replay
from tradepost.hub.gateway.steps.resume import question_of, resume
from tradepost.hub.gateway.steps.scope import scope
from tradepost.hub.gateway.steps.sending import sending
from tradepost.hub.gateway.steps.spend import settle, spend
from tradepost.hub.gateway.steps.validate import validate
from tradepost.hub.gateway.tainting import taint
from tradepost.protocol.errors import canceled
from tradepost.protocol.upstream_errors import MissingCapability

STEPS: tuple[Step, ...] = (
    authenticate,
    limit,
    find_tool,
    scope,
    limit_entry,
    validate,
    inject,
    sending,
    resume,
    replay,
    decide,
    await_approval,
    defer,
    spend,
    intent,
    call_server,
    moved,
    check,
    label_and_trim,
    outcome,
)
_INTENT = STEPS.index(spend)
# Errors of the protocol, not of a tool: a client has to hear of them as such.
_OUTRIGHT = (WrongState, MissingCapability)
BEFORE_INTENT, FROM_INTENT = STEPS[:_INTENT], STEPS[_INTENT:-1]

# An approved action, claimed by this process, joins the same list where a call that needs no approval goes on.
APPROVED_STEPS: tuple[Step, ...] = (reauthorise, *FROM_INTENT, outcome)

# What is asked about a task.
TASK_STEPS: tuple[Step, ...] = (authenticate, limit, find_task, follow_task, check, label_and_trim, outcome)
# A write that has become a task of its server: looked at from time to time, whether its client does so or not.
HELD_STEPS: tuple[Step, ...] = (take_up_task, *TASK_STEPS[TASK_STEPS.index(follow_task) :])
_FIND_TASK = TASK_STEPS.index(find_task)


_calls = logging.getLogger("tradepost.calls")


class Pipeline:
    """Sends calls through the steps."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, call: Call) -> Json:
        """The result object of a call. Raises NotFound, Unauthenticated, RateLimited, Unavailable before something is
        found to call, and ForbiddenScope for a scope that is missing; after that, errors of tools are results with
        isError, those of resources and prompts raised."""
        handed_over = False
        if self.parts.tracing is not None:
            begin(call, self.parts.tracing)
        try:
            await self._walk(call, BEFORE_INTENT)
            goes_on = call.goes_on
            handed_over = goes_on and call.writes
            if goes_on and self.parts.holds.may_hold(call):
                return await self._until_asked(call)
            if handed_over:
                await asyncio.shield(self._begin(call, FROM_INTENT))
            else:
                await self._walk(call, FROM_INTENT)
                await self._end(call)
        except asyncio.CancelledError:
            if handed_over:
                call.leave()
            elif not call.recorded and call.hold is None:
                self.parts.audit.note(_gone(call))
            raise
        finally:
            if call.slot is not None:
                self.parts.principals.release(call.slot)
            if self.parts.tracing is not None and not handed_over and call.hold is None:
                finish(call, self.parts.tracing, canceled())  # its client has left
        answer, fields = _answer(call), _fields_of(call)
        return answer if fields is None else await shown_to(call, self.parts, fields, answer)

    async def _shown(self, call: Call, answer: Json) -> Json:
        """The answer with the fields that its caller may see."""
        fields = _fields_of(call)
        return answer if fields is None else await shown_to(call, self.parts, fields, answer)

    async def _until_asked(self, call: Call) -> Json:
        """The result of a call, or the first question of its server: then the call goes on, and waits to be resumed."""
        held = self.parts.holds.open(call)
        held.task = self._begin(call, FROM_INTENT)
        question = await held.next(call.extras.channel)
        if question is None:
            return await self._shown(call, _answer(call))
        return question_of(call, self.parts, held, question)

    async def find_task(self, call: Call) -> None:
        """Find a task, without a question about it to its server. Raises NotFound, Unauthenticated, Unavailable."""
        try:
            await self._walk(call, TASK_STEPS[: _FIND_TASK + 1])
            await self._end(call)
        finally:
            if call.slot is not None:
                self.parts.principals.release(call.slot)
        error = call.crash or call.error
        if error is not None:
            raise error

    async def ask_task(self, call: Call) -> Json:
        """What a question about a task is answered with. Raises NotFound, Unauthenticated, Unavailable."""
        try:
            await self._walk(call, TASK_STEPS[:_FIND_TASK])
            await asyncio.shield(self._begin(call, TASK_STEPS[_FIND_TASK:-1]))
        finally:
            if call.slot is not None:
                self.parts.principals.release(call.slot)
        if call.told is not None and call.action is not None and call.crash is None:
            await as_it_stands(call, self.parts)  # as this process, or another one, recorded the end
        answer = await self._shown(call, _answer(call))
        return answer if call.told is None or "status" in answer else ended(call, call.told, answer)

    async def carry_out(self, call: Call) -> None:
        """An approved action that this process has claimed, or one whose server works on it."""
        held = call.action is not None and held_task(call.action) is not None
        if self.parts.tracing is not None:
            begin(call, self.parts.tracing)
        await self._begin(call, (HELD_STEPS if held else APPROVED_STEPS)[:-1])

    async def drain(self, seconds: float) -> None:
        """Wait for writes that are under way, at most so long."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    def _begin(self, call: Call, steps: Sequence[Step]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._to_the_end(call, steps), name=f"call {call.name}")
        if call.writes or call.hold is None:  # reads that are held end otherwise
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return task

    async def _to_the_end(self, call: Call, steps: Sequence[Step]) -> None:
        try:
            await self._walk(call, steps)
            await self._end(call)
        except asyncio.CancelledError:
            if call.hold is not None and not call.writes and not call.recorded:
                self.parts.audit.note(_gone(call))  # whoever waited for it last has gone: it has no other end
            raise

    async def _end(self, call: Call) -> None:
        noting = taint(call, self.parts)
        if noting is not None:
            await noting
        ending = outcome(call, self.parts)
        if ending is not None:
            await ending
        if self.parts.meters is not None:
            self.parts.meters.ended(ended_of(call), call.duration_us(), call.upstream_us)
        if _calls.isEnabledFor(logging.INFO):
            _calls.info("a call is over", extra=logged(call))
        if self.parts.tracing is not None:
            finish(call, self.parts.tracing, _raised(call))
        if call.spent is not None:
            await settle(call, self.parts)

    async def _walk(self, call: Call, steps: Sequence[Step]) -> None:
        if call.entry is None or call.entry.server_kind == "builtin":
            listen(call.outside)
        try:
            if not call.goes_on:
                return
            for step in steps:
                waiting = step(call, self.parts)
                if waiting is not None:
                    await waiting
                if call.answer is not None or call.error is not None or call.crash is not None:
                    return
        except TradepostError as error:
            call.error = error
        except Exception as error:  # noqa: BLE001  recorded by the outcome step, then raised to whoever called
            call.crash = error


def _fields_of(call: Call) -> FieldRules | None:
    """The rules about what its caller may see, where there are any."""
    return None if call.standing is None else call.standing.fields


def _answer(call: Call) -> Json:
    raised = _raised(call)
    if raised is not None:
        raise raised
    if call.error is not None:
        return created(call.action) if _becomes_task(call) and call.action is not None else error_result(call.error)
    if call.answer is None:
        raise RuntimeError(f"The call of {call.name} ended without an answer.")
    return call.answer


def _raised(call: Call) -> Exception | None:
    """What its client hears as an error of JSON-RPC instead of a result."""
    error = call.error
    if call.crash is not None or error is None:
        return call.crash
    if _becomes_task(call):
        return None
    outright = call.kind != "tool" or call.entry is None or isinstance(error, _OUTRIGHT) or lacks_scope(error)
    return error if outright else None


def _becomes_task(call: Call) -> bool:
    return isinstance(call.error, InProgress) and call.action is not None and call.extras.takes_tasks


def lacks_scope(error: Exception) -> bool:
    """Whether it says which scope is missing: a client hears so by the status and the challenge of HTTP, which tell it
    what to ask its person, or an admin, for. Other reasons to forbid a call are errors of the tool."""
    return isinstance(error, ForbiddenScope) and "scope" in error.details


def _gone(call: Call) -> AuditFact:
    """The row of a call whose client went away before anything was sent, or while a read was under way."""
    return AuditFact.of(
        call.caller,
        "read" if call.sent else "refused",
        f"{call.kind}:canceled",
        run_id=call.run_id,
        server=call.entry.server_slug if call.entry is not None else None,
        arguments_digest=call.arguments_digest,
        outcome="canceled",
        duration_us=call.duration_us(),
        details=way_of(call.caller),
    )

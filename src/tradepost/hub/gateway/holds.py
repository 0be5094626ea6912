"""Calls that go on while their client is away: a server of the older era asks in the middle of a call, a client of the
newer one hears the question as the answer to its request and comes back with a request of its own.

The call stays what it was, in this process: its request to the server under way, its slot, its deadline (which rests
while somebody is asked), its action and its one outcome. When nobody comes back in time, the server hears that the
question was canceled and ends the call as it likes.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tradepost.foundation.errors import Unavailable
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.upstreams.talk import CAPABILITY_FOR
from tradepost.protocol.hosting import ClientChannel

HELD_SECONDS = 290.0  # for one question: a little less than a call's own client allows, so that the server hears of it
STOP_SECONDS = 2.0
KEPT_SECONDS = 60.0  # that the result of a call that was held is kept, for a retry that comes twice
MOST_HELD = 64  # half of what one server may have running: calls that wait cannot take it away from all others
MOST_PER_PRINCIPAL = 16

_ASKABLE: Final = frozenset(CAPABILITY_FOR.values())
_log = logging.getLogger(__name__)


class HeldCall:
    """A call whose server may ask. `task` is its run to the end; `channel` reaches whoever waits for it now."""

    def __init__(self, holds: "Holds", call: Call) -> None:
        self.call = call
        self.id = secrets.token_urlsafe(16)
        self.number = 0  # of the last question
        self.channel: ClientChannel | None = call.extras.channel
        self.task: asyncio.Task[None] | None = None
        self._holds = holds
        self._question: Json | None = None
        self._answer: asyncio.Future[Json] | None = None
        self._moved = asyncio.Event()
        self._waiting = 0
        self._is_over = False

    @property
    def key(self) -> str:
        """What the last question is called between the client and us."""
        return f"q{self.number}"

    async def ask(self, method: str, params: Json) -> Json:
        """The client's reply to a question of the server: {"result": …} or {"error": …}."""
        if self._is_over:
            return _nobody(method)
        if not self._holds.admit(self):
            return {"error": {"code": -1, "message": "Too many calls of this client wait for answers now."}}
        self.number += 1
        self._question = {"method": method, "params": params}
        self._answer = asyncio.get_running_loop().create_future()
        self._moved.set()
        try:
            async with asyncio.timeout(self._holds.seconds):
                return {"result": await self._answer}
        except TimeoutError:
            _log.info("nobody answered the question of %s in time", self.call.name)
            self._is_over = True
            return _nobody(method)
        finally:
            self._question = None

    def answer(self, number: int, responses: Mapping[str, Any]) -> None:
        """Hand over what a client brought. Only an answer to the open question counts, and only the first one."""
        given = responses.get(self.key)
        if number != self.number or self._question is None or self._answer is None or not isinstance(given, dict):
            return
        self._question = None
        if not self._answer.done():
            self._answer.set_result(given)

    def let_go(self) -> None:
        """Nobody will answer any more."""
        if self._answer is not None and self._question is not None:
            self._is_over = True
            if not self._answer.done():
                self._answer.set_exception(TimeoutError())

    async def next(self, channel: ClientChannel | None) -> Json | None:
        """The open question, None when the call has ended. Until then, `channel` hears what the server says. A read
        ends with the last one who waits for it. Raises Unavailable for one that ended so."""
        if self.task is None:
            raise RuntimeError("A call that does not run has no end.")
        self.channel = channel
        self._waiting += 1
        try:
            while not self.task.done() and self._question is None:
                self._moved.clear()
                moved = asyncio.ensure_future(self._moved.wait())
                try:
                    await asyncio.wait((self.task, moved), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    moved.cancel()
        except asyncio.CancelledError:
            if self._waiting == 1 and not self.call.writes:
                self.task.cancel()
            raise
        finally:
            self._waiting -= 1
            if self.channel is channel:
                self.channel = None
        if not self.task.done() and self._question is not None:
            return self._question
        if self.task.cancelled():
            raise Unavailable("This call was canceled.", hint="Make it again if it is still wanted.")
        self.task.result()
        return None


class Holds:
    """The calls that this process holds. `process` is its name, as sealed states say it; `is_there` tells whether
    another process of that name serves now; `seconds` is how long a client may take for an answer."""

    def __init__(
        self,
        process: str | None = None,
        *,
        is_there: Callable[[str], Awaitable[bool]] | None = None,
        seconds: float = HELD_SECONDS,
        most: int = MOST_HELD,
        per_principal: int = MOST_PER_PRINCIPAL,
    ) -> None:
        self.process = process or secrets.token_hex(4)
        self.seconds = seconds
        self._is_there = is_there
        self._most = most
        self._per_principal = per_principal
        self._held: dict[str, HeldCall] = {}
        self._stopped = False

    def __len__(self) -> int:
        return len(self._held)

    @staticmethod
    def may_hold(call: Call) -> bool:
        """Whether a call may have to be held: a foreign server, and a client that answers questions by a retry."""
        extras = call.extras
        if not extras.rounds or not extras.client_capabilities or call.found.server_kind == "builtin":
            return False
        return call.kind in ("tool", "resource", "prompt") and not _ASKABLE.isdisjoint(extras.client_capabilities)

    def open(self, call: Call) -> HeldCall:
        """A call that may be held from now on. It counts as held once its server asks."""
        call.hold = HeldCall(self, call)
        return call.hold

    def find(self, held_id: str) -> HeldCall | None:
        """The call of an id, also for a while after it ended, unless it was broken off."""
        held = self._held.get(held_id)
        return None if held is not None and held.task is not None and held.task.cancelled() else held

    def of_action(self, action_id: str) -> HeldCall | None:
        """The call that carries out an action and waits for an answer."""
        found = (held for held in self._held.values() if held.call.action is not None)
        return next((held for held in found if held.call.action and held.call.action.id == action_id), None)

    async def is_with_another(self, process: str) -> bool:
        """Whether a call is held by another process that is there."""
        return process != self.process and self._is_there is not None and await self._is_there(process)

    def admit(self, held: HeldCall) -> bool:
        """Keep a call whose server asks. False when so many are kept already, or the process stops."""
        if held.id in self._held:
            return not self._stopped
        if self._stopped or held.task is None or not self._has_room(_owner(held)):
            return False
        self._held[held.id] = held
        held.task.add_done_callback(lambda _: self._forget_later(held))
        return True

    async def stop(self) -> None:
        """Let go of all calls: the process stops. Reads that do not end by that are broken off."""
        self._stopped = True
        for held in self._held.values():
            held.let_go()
        running = {held.task: held.call for held in self._held.values() if held.task and not held.task.done()}
        if running:
            _, late = await asyncio.wait(running, timeout=STOP_SECONDS)
            for task in late:
                if not running[task].writes:
                    task.cancel()

    def _has_room(self, owner: tuple[str, str]) -> bool:
        ended = [held for held in self._held.values() if held.task is not None and held.task.done()]
        count = Counter(_owner(held) for held in self._held.values())
        for held in ended:  # the oldest first
            if count.total() < self._most and count[owner] < self._per_principal:
                break
            if count.total() >= self._most or _owner(held) == owner:
                del self._held[held.id]
                count[_owner(held)] -= 1
        if count.total() < self._most and count[owner] < self._per_principal:
            return True
        _log.warning("a question was refused: %d calls wait for answers, %d of %s", count.total(), count[owner], owner)
        return False

    def _forget_later(self, held: HeldCall) -> None:
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self._held.pop, held.id, None)


def _owner(held: HeldCall) -> tuple[str, str]:
    caller = held.call.caller
    return caller.workspace_id, caller.principal.id


def _nobody(method: str) -> Json:
    """What a server hears when nobody answers."""
    if method == "elicitation/create":
        return {"result": {"action": "cancel"}}
    return {"error": {"code": -1, "message": "Nobody answered in time."}}

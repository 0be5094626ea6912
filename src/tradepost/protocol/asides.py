"""What a server of the handshake era asks on its session's own stream: such a question names no call.

It is put to the client behind the call under way in that session if there is only one. Otherwise it may be another
caller's, and is refused at once: a server that hears nothing would wait, and its call with it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.jsonrpc import METHOD_NOT_FOUND, Json
from tradepost.protocol.options import OnMessage
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 32  # questions of one session that are being answered; more are dropped
ANSWER_SECONDS = 30.0  # for an answer to be sent

Post = Callable[[Json, Deadline], Awaitable[None]]


def refused(why: str = "This client does not offer that.") -> Json:
    """The reply to a question that is not put to anybody."""
    return {"error": {"code": METHOD_NOT_FOUND, "message": why}}


@dataclass(slots=True, eq=False)
class CallUnderWay:
    """A call in a session, and what the server asks in it meanwhile."""

    session_id: str | None
    deadline: Deadline
    on_message: OnMessage | None
    questions: "tuple[asyncio.Future[Json | None], ...]" = ()  # nearly always none: a call pays for no set


class Asides:
    """The calls under way in the sessions of one client. `post` sends a reply; a person's answer may take
    `question_seconds`, which do not count as the call's."""

    def __init__(self, post: Post, question_seconds: float) -> None:
        self._post = post
        self._question_seconds = question_seconds
        self._calls: set[CallUnderWay] = set()
        self._answering: set[asyncio.Task[None]] = set()

    def begin(self, session_id: str | None, deadline: Deadline, on_message: OnMessage | None) -> CallUnderWay:
        """A call has begun, which is to be given to `end`."""
        call = CallUnderWay(session_id, deadline, on_message)
        self._calls.add(call)
        return call

    def end(self, call: CallUnderWay) -> None:
        """A call is over, and so is whatever its client was asked aside."""
        self._calls.discard(call)
        for question in call.questions:
            question.cancel()

    def answer(self, message: Json, session_id: str | None) -> None:
        """Have a question that came on the stream of a session answered."""
        if len(self._answering) >= MOST_AT_ONCE:
            logger.warning("dropped a question: %d of that server are being answered", MOST_AT_ONCE)
            return
        task = asyncio.create_task(self._answer(message, session_id), name="answering a server's question")
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def close(self) -> None:
        """Answer nothing any more."""
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def _answer(self, message: Json, session_id: str | None) -> None:
        reply = {"result": {}} if message["method"] == "ping" else await self._reply(message, session_id)
        try:
            async with Deadline(ANSWER_SECONDS) as deadline:
                await self._post({"jsonrpc": "2.0", "id": message["id"], **reply}, deadline)
        except (UpstreamFailed, UpstreamTimedOut) as error:
            logger.debug("a server did not take an answer: %s", error.message)

    async def _reply(self, message: Json, session_id: str | None) -> Json:
        calls = [call for call in self._calls if call.session_id == session_id]
        if not calls:
            return refused("No call is under way that this could belong to.")
        if len(calls) > 1:
            return refused(f"{len(calls)} calls are under way, and this names none: ask on the stream of its answer.")
        call = calls[0]
        question = asyncio.ensure_future(self._put(call, message))
        call.questions += (question,)
        try:
            await asyncio.wait((question,))
        finally:
            question.cancel()
            call.questions = tuple(other for other in call.questions if other is not question)
        if question.cancelled():
            return refused("The call that this was asked in is over.")
        if question.exception() is not None:
            logger.error("a question of a server could not be put", exc_info=question.exception())
        return (None if question.exception() else question.result()) or refused()

    async def _put(self, call: CallUnderWay, message: Json) -> Json | None:
        """The reply of the client behind a call, None where it gives none."""
        if call.on_message is None:
            return None
        async with call.deadline.paused(self._question_seconds):
            return await call.on_message(message)

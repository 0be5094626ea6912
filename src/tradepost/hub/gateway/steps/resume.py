"""A retry with the answers to a server's questions: what the client brings back is checked before anything is done.

Where the question was put in the middle of a call, that very call waits, and the retry takes it up: it hands the
answers over and gets the next question or the end. A call that is not there any more is not taken up again: a write
tells what became of it, a read begins anew, since it does no harm.
"""

from collections.abc import Awaitable

from sqlalchemy import select

from tradepost.foundation.errors import Unavailable
from tradepost.hub.actions.models import UNREPEATABLE, Action
from tradepost.hub.actions.places import fingerprint
from tradepost.hub.actions.states import FINISHED, REFUSED
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.confirming import take_answer
from tradepost.hub.gateway.earlier import answer_from_earlier
from tradepost.hub.gateway.ending import unknown_outcome
from tradepost.hub.gateway.holds import HeldCall
from tradepost.hub.gateway.labels import labelled
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.rounds import HeldPlace, OwnQuestion, WrongState
from tradepost.protocol.hosting import CallExtras
from tradepost.protocol.peers import Elsewhere


def resume(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Sets `call.retry`, or answers from the call that waits. Raises WrongState for a state that is not of this very
    call, Elsewhere where another process holds it."""
    extras = call.extras
    if extras.request_state is None and extras.input_responses is None:
        return None
    return _resume(call, parts, extras)


async def _resume(call: Call, parts: Parts, extras: CallExtras) -> None:
    call.retry = {}
    if extras.input_responses is not None:
        call.retry["inputResponses"] = dict(extras.input_responses)
    if extras.request_state is None:
        return
    state = parts.rounds.opened(call, extras.request_state)
    if isinstance(state, str):
        call.retry["requestState"] = state
        return
    call.retry = None  # what it answers is known here, to no server
    if isinstance(state, OwnQuestion):
        take_answer(call, state)
        return
    held = parts.holds.find(state.held_id)
    if held is not None:
        await _take_up(call, parts, held, state)
    elif await parts.holds.is_with_another(state.process):
        call.recorded = True  # there, as the call that it is
        raise Elsewhere(state.process, _just_ended(), may_repeat=True)
    else:
        await _tell_or_begin_anew(call, parts, state)


def question_of(call: Call, parts: Parts, held: HeldCall, question: Json) -> Json:
    """What a client is answered while its call waits for it."""
    action_id = held.call.action.id if held.call.action is not None else None
    place = HeldPlace(parts.holds.process, held.id, held.number, action_id)
    return labelled(call, parts.rounds.question(call, held.key, question, place))


def _just_ended() -> Unavailable:
    return Unavailable(
        "The process that holds this call has just ended.",
        hint="Send the same retry again: it tells what became of the call, or begins anew.",
        retry_after_seconds=1,
    )


async def _take_up(call: Call, parts: Parts, held: HeldCall, place: HeldPlace) -> None:
    if call.writes and call.key != held.call.key and not _has_own_key(call):
        raise WrongState(
            "The requestState belongs to a call with another idempotency key.",
            hint="Repeat the call with the key it had, or begin again without the requestState.",
            field="requestState",
        )
    held.answer(place.number, call.extras.input_responses or {})
    await _wait_with(call, parts, held)


async def joined(call: Call, parts: Parts, action: Action) -> bool:
    """Whether a call that is repeated with its key, and without a state, found the first one waiting for an answer: its
    client lost the question. Raises Elsewhere where another process may hold it."""
    if action.state != "executing" or action.fingerprint != call.arguments_digest or not parts.holds.may_hold(call):
        return False
    held = parts.holds.of_action(action.id)
    if held is not None:
        await _wait_with(call, parts, held)
        return True
    holder = (action.lease_owner or "").rpartition(":")[2]
    if await parts.holds.is_with_another(holder):
        call.recorded = True
        raise Elsewhere(holder, _just_ended(), may_repeat=True)
    return False


async def _wait_with(call: Call, parts: Parts, held: HeldCall) -> None:
    """Wait beside the call that is held for the next question or the end."""
    call.resumed = True
    call.action, call.arguments_digest = held.call.action, fingerprint(call.arguments)
    question = await held.next(call.extras.channel)
    if question is not None:
        call.answer = question_of(call, parts, held, question)
    else:
        call.answer, call.error, call.crash = held.call.answer, held.call.error, held.call.crash


def _has_own_key(call: Call) -> bool:
    """Whether the key was made here, since the client gave none."""
    return call.key is not None and call.key.startswith(UNREPEATABLE)


async def _tell_or_begin_anew(call: Call, parts: Parts, place: HeldPlace) -> None:
    if not call.writes and place.action_id is None:
        return
    call.arguments_digest = fingerprint(call.arguments)
    async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
        action = await session.scalar(select(Action).where(Action.id == place.action_id))
    if action is None:
        raise WrongState(
            "The call of this requestState is not there any more.",
            hint="Begin again: make the call without it.",
            field="requestState",
        )
    if action.state in FINISHED | REFUSED:
        await answer_from_earlier(call, parts, action)
        return
    # Its process is gone, and with it the server's request: nobody will hear how that ended.
    call.action, call.replayed = action, True
    call.answer = unknown_outcome()

"""Asking the person who calls: where the decision lets them say yes for themselves, and their client can ask them, they
see the frozen arguments in words and answer at once. Everybody else waits for people as ever.

The action exists before anybody is asked, so it is the same row that others could answer, too: whoever is first. A
client of the newer era answers by repeating its call, with a sealed state that names the action; one of the handshake
era is asked during its call. An agent's key has no person behind it and confirms nothing.
"""

from contextlib import suppress

from tradepost.foundation.errors import StateConflict, Unavailable
from tradepost.foundation.untrusted import with_hidden_shown
from tradepost.hub.actions.card import in_lines
from tradepost.hub.actions.foreseen import foreseen_in
from tradepost.hub.actions.models import UNREPEATABLE, Action
from tradepost.hub.gateway.action_tasks import waiting
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.earlier import answer_from_earlier
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.gateway.rounds import OwnQuestion, WrongState
from tradepost.hub.policy.decide import Ask

QUESTION = "confirm"
MOST_IN_WORDS = 6_000  # characters: beyond them nobody reads to the end, and people are asked another way
_ASK = "elicitation/create"
_SCHEMA: Json = {"type": "object", "properties": {}}


def caller_is_asked(call: Call) -> bool:
    """Whether the person behind this call is asked by their own client."""
    decision, caller = call.decision, call.caller
    if not isinstance(decision, Ask) or not decision.caller_may_confirm or decision.approvals_needed > 1:
        return False
    if caller.user_id is None or caller.principal.kind not in ("user", "api_key"):
        return False
    return _can_be_asked(call) and len(_words(call, decision)) <= MOST_IN_WORDS


async def ask_caller(call: Call, parts: Parts, action: Action) -> None:
    """Put the question: as the call's answer, or now, and then act on what was said."""
    summary = foreseen_in(action.preview).summary
    message = (f"What it would do: {summary}\n" if summary else "") + _words(call, call.decision)
    question: Json = {
        "method": _ASK,
        "params": {"mode": "form", "message": message, "requestedSchema": _SCHEMA},
    }
    if call.extras.rounds:
        asked = OwnQuestion(action.id, action.key, action.round)
        call.answer = parts.rounds.own_question(call, QUESTION, question, asked)
        return
    channel = call.extras.channel
    if channel is None:
        raise RuntimeError("Nobody can be asked without a channel.")
    try:
        reply = await channel.ask(_ASK, {name: question["params"][name] for name in ("message", "requestedSchema")})
    except Unavailable:
        reply = {}  # the client has gone; the action waits for people
    call.said = action.id, action.round, _action_in(reply.get("result"))
    await confirmed(call, parts, action)


def take_answer(call: Call, asked: OwnQuestion) -> None:
    """What a client brings back, whose state was sealed for this very call. Raises WrongState where it names no answer
    or another key."""
    given = (call.extras.input_responses or {}).get(QUESTION)
    if given is None:
        raise WrongState(
            "The requestState came without an answer to its question.",
            hint=f"Send inputResponses with {QUESTION}.",
            field="inputResponses",
        )
    own = call.key is not None and not call.key.startswith(f"{UNREPEATABLE}_")
    if own and call.key != asked.key:
        raise WrongState(
            "The requestState belongs to a call with another idempotency key.",
            hint="Repeat the call with the key it had, or begin again without the requestState.",
            field="requestState",
        )
    call.key = asked.key
    call.said = asked.action_id, asked.round, _action_in(given)


async def confirmed(call: Call, parts: Parts, action: Action) -> None:
    """Act on what the person said: accepted writes are carried out, declined ones never. Whatever else leaves it to
    people. Raises what an earlier call's answer raises."""
    said = call.said
    if said is None or said[0] != action.id:
        raise WrongState("The requestState does not belong to this call.", field="requestState")
    call.said = None
    _, round, word = said
    same = action.fingerprint == call.arguments_digest and action.round == round
    if action.state == "pending" and word in ("accept", "decline") and same:
        with suppress(StateConflict):  # somebody else was first: what became of it is told below
            await parts.verdicts.confirm(call.caller, action.id, word == "accept")
            parts.checkpoint("confirmed")
        async with parts.database.transaction(call.caller.workspace_id, write=False) as session:
            action = await session.get_one(Action, (action.workspace_id, action.id))
    if action.state == "pending":
        call.action, call.recorded = action, True
        call.answer = waiting(call, action)
        return
    await answer_from_earlier(call, parts, action)
    call.replayed = False


def _can_be_asked(call: Call) -> bool:
    extras = call.extras
    if extras.rounds:
        declared = (extras.client_capabilities or {}).get("elicitation")
        return isinstance(declared, dict) and (not declared or "form" in declared)
    return extras.channel is not None and extras.channel.can_ask(_ASK)


def _words(call: Call, decision: object) -> str:
    """The write in words: every argument, whole."""
    reason = decision.reason if isinstance(decision, Ask) else ""
    lines = [f"{name}: {value}" for name, value in in_lines(call.arguments)]
    said = "\n".join(lines) or "(no arguments)"
    return (
        f"{with_hidden_shown(call.tool.exposed_name)} on {call.tool.server_slug} will be carried out with exactly "
        f"these arguments if you accept:\n{said}\nWhy you are asked: {reason}."
    )


def _action_in(result: object) -> str:
    said = result.get("action") if isinstance(result, dict) else None
    return said if isinstance(said, str) else "cancel"

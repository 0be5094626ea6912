"""What a write uses of the day: itself, and the money that it moves. Taken before the write is sent; given back, or
corrected, when it is known what became of it.

Before, the money is what the arguments say (`amount_minor` with `currency`, or `amount`). Where they say nothing, the
outcome does: then the limit stops the next one.
"""

import logging
from collections.abc import Awaitable, Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from tradepost.foundation.money import MAX_MINOR
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.limits.budgets import WRITES
from tradepost.hub.policy.decide import PlainCall, moves_money

_log = logging.getLogger(__name__)

_AMOUNTS = ("amount", "settled", "total")  # what the result of a write calls the money that it moved


def spend(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Raises RateLimited, LimitExceeded."""
    quotas = call.quotas
    if not call.writes or not (quotas.workspace_day or quotas.agent_day):
        return None
    return _spend(call, parts)


async def _spend(call: Call, parts: Parts) -> None:
    wanted = {WRITES: 1}
    if _moves_money(call):
        wanted |= _of_view(call.arguments.get("amount") or call.arguments)
    if call.claim is not None and call.claim.started:
        call.spent = wanted  # the first attempt took it
        return
    caller = call.caller
    for counter, amount in wanted.items():
        try:
            await parts.pace.budgets.take(caller.workspace_id, caller.agent_id, call.quotas, counter, amount)
        except BaseException:
            await _correct(call, parts, {})
            raise
        call.spent = {**(call.spent or {}), counter: amount}


async def settle(call: Call, parts: Parts) -> None:
    """After the end of a call that spent something. What may have happened stays counted."""
    try:
        if call.claim is None or call.ended == "failed":
            await _correct(call, parts, {})
        elif call.ended == "succeeded" and _moves_money(call):
            await _correct(call, parts, {WRITES: 1, **_moved(call.answer or {}, call.spent or {})})
    except (SQLAlchemyError, OSError):  # the write has its end, whatever becomes of the count
        _log.warning("what %s used of the day could not be put right", call.name, exc_info=True)


async def _correct(call: Call, parts: Parts, used: Mapping[str, int]) -> None:
    spent, call.spent = call.spent or {}, None
    for counter in {**spent, **used}:
        more = used.get(counter, 0) - spent.get(counter, 0)
        if more:
            caller = call.caller
            await parts.pace.budgets.add(caller.workspace_id, caller.agent_id, call.quotas, counter, more)


def _moves_money(call: Call) -> bool:
    tool = call.tool
    return moves_money(PlainCall(tool.raw_name, tool.tool_class, tool.moves_money, tool.scope))


def _moved(answer: Json, spent: Mapping[str, int]) -> dict[str, int]:
    """The money that an answer says was moved; what was counted before, where it says nothing of money."""
    said = answer.get("structuredContent")
    data = said.get("data", said) if isinstance(said, Mapping) else None
    if isinstance(data, Mapping):
        for name in _AMOUNTS:
            found = _of_view(data.get(name))
            if found:
                return found
        refunds = data.get("refunds")
        if isinstance(refunds, list):
            return _sum(one.get("amount") for one in refunds if isinstance(one, Mapping))
    return {counter: amount for counter, amount in spent.items() if counter != WRITES}


def _sum(views: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for view in views:
        for counter, amount in _of_view(view).items():
            found[counter] = found.get(counter, 0) + amount
    return found


def _of_view(view: Any) -> dict[str, int]:
    """{"money.EUR": 1250} of {"amount_minor": 1250, "currency": "EUR"}; {} of anything else."""
    if not isinstance(view, Mapping):
        return {}
    amount, currency = view.get("amount_minor"), view.get("currency")
    if type(amount) is not int or not isinstance(currency, str) or not amount:
        return {}
    return {f"money.{currency}": min(abs(amount), MAX_MINOR)}

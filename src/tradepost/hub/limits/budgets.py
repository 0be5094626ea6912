"""What a workspace and an agent may use in a day (UTC): counted in the database to the last one, because each of these
is worth more than a statement. What has no limit is not counted, except tokens."""

import asyncio
from math import ceil

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.windows import Ask, Share
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import LimitExceeded, RateLimited, TradepostError
from tradepost.foundation.money import display
from tradepost.hub.limits.meter import DAY_SECONDS
from tradepost.hub.limits.models import WORKSPACE, RateWindow
from tradepost.hub.limits.quotas import Quotas
from tradepost.hub.limits.shares import Shares

_UNLIMITED = 2**62
LOOKED_SECONDS = 1.0  # that an answer whether tokens are left is good for
_MOST_LOOKED = 10_000
TOKENS, WRITES, CALLS = "tokens", "writes", "calls"


class DayBudgets:
    """Counters of the present day: "writes", "tokens", "money.EUR"."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._looked: dict[tuple[str, str, int], tuple[float, Share]] = {}

    async def take(self, workspace_id: str, agent_id: str | None, quotas: Quotas, counter: str, amount: int) -> None:
        """Count so much for the agent and for its workspace, for both or for neither. Raises RateLimited, or
        LimitExceeded where it is money: then a person has to agree on another limit or day."""
        taken: list[Ask] = []
        for whose, limit in _limits(agent_id, quotas, counter):
            ask = _ask(workspace_id, whose, counter, limit, amount)
            share = await self._shares.ask(ask)
            if share.given < amount or share.taken > limit:
                for earlier in taken:
                    await self._shares.ask(earlier._replace(wanted=-amount))
                raise _used_up(whose, counter, limit, share)
            taken.append(ask)

    async def add(self, workspace_id: str, agent_id: str | None, quotas: Quotas, counter: str, amount: int) -> None:
        """Count what was used, or, where it is negative, was not used after all. Never refused: it has happened."""
        limits = dict(_limits(agent_id, quotas, counter))
        everybody = (WORKSPACE, agent_id) if counter == TOKENS else tuple(limits)
        asks = [_ask(workspace_id, whose, counter, _UNLIMITED, amount) for whose in everybody if whose is not None]
        await asyncio.gather(*(self._shares.ask(ask) for ask in asks))

    async def add_tokens(self, workspace_id: str, agent_id: str, quotas: Quotas, tokens: int) -> None:
        """What a language model used for an agent. Raises RateLimited when the day's tokens are used up by now: the
        agent stops here. Not within a transaction that writes: on SQLite there is only one."""
        await self.add(workspace_id, agent_id, quotas, TOKENS, tokens)
        self._looked = {key: found for key, found in self._looked.items() if key[0] != workspace_id}
        await self.require_tokens(workspace_id, agent_id, quotas)

    async def require_tokens(self, workspace_id: str, agent_id: str | None, quotas: Quotas) -> None:
        """Raises RateLimited when the day's tokens of the agent or its workspace are used up. It looks once a second
        at the most; what another process counted meanwhile is seen then."""
        for whose, limit in _limits(agent_id, quotas, TOKENS):
            key, moment = (workspace_id, whose, limit), asyncio.get_running_loop().time()
            kept = self._looked.get(key)
            if kept is None or kept[0] < moment - LOOKED_SECONDS:
                share = await self._shares.ask(_ask(workspace_id, whose, TOKENS, limit, 0))
                if len(self._looked) >= _MOST_LOOKED:
                    self._looked.clear()
                kept = self._looked[key] = (moment, share)
            if kept[1].taken >= limit:
                raise _used_up(whose, TOKENS, limit, kept[1])


def day_window(counter: str, whose: str) -> str:
    """The id of a counter's window: as a meter of the policy "{counter}-day" names it."""
    return f"{counter}-day/{whose}"


async def used_today(session: AsyncSession, whose: str, now: Now = system_now) -> dict[str, int]:
    """What is taken of the present day's windows, by counter, of the session's workspace ("workspace") or an agent.
    Of calls it is what processes have taken to spend."""
    ending = f"-day/{whose}"
    windows = select(RateWindow.id, RateWindow.taken).where(
        RateWindow.id.endswith(ending, autoescape=True), RateWindow.ends_ms > int(now().timestamp() * 1_000)
    )
    return {id_.removesuffix(ending): taken for id_, taken in await session.execute(windows)}


def _limits(agent_id: str | None, quotas: Quotas, counter: str) -> list[tuple[str, int]]:
    """The agent's own comes first: one that has used up its own does not hold what is left of the workspace's, for a
    moment, from the others."""
    found = []
    if agent_id is not None and counter in quotas.agent_day:
        found.append((agent_id, quotas.agent_day[counter]))
    if counter in quotas.workspace_day:
        found.append((WORKSPACE, quotas.workspace_day[counter]))
    return found


def _ask(workspace_id: str, whose: str, counter: str, limit: int, amount: int) -> Ask:
    return Ask(workspace_id, day_window(counter, whose), DAY_SECONDS * 1_000, limit, amount, amount, aligned=True)


def _used_up(whose: str, counter: str, limit: int, share: Share) -> TradepostError:
    owner = "workspace" if whose == WORKSPACE else "agent"
    kind, _, currency = counter.partition(".")
    if currency:
        return LimitExceeded(
            f"This {owner} may move {display(limit, currency)} in a day, and {display(share.taken, currency)} of it is "
            "used today.",
            hint="Try a smaller amount, wait until midnight UTC, or ask an admin for another limit.",
            details={"policy": f"{kind}-day", "limit_minor": limit, "used_minor": share.taken, "currency": currency},
        )
    rest = max(1, ceil(share.rest_ms / 1_000))
    return RateLimited(
        f"This {owner} may use {limit} {kind} in a day, and they are used up.",
        hint="Go on after midnight UTC, or ask an admin for another limit.",
        retry_after_seconds=rest,
        details={"policy": f"{kind}-day", "limit": limit, "window_seconds": DAY_SECONDS},
    )

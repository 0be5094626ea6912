"""Running totals of a day: what an agent, a customer and the whole workspace have used of a tool, and of all tools.

They are counted in the transaction that opens the write, under the locks of their rows: of many writes at once each
sees the ones before it. What waits for a person is not counted before it is carried out; a write that failed gives back
what it took, one whose outcome is unknown stays counted.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.hub.policy.figures import Figures
from tradepost.hub.policy.models import PolicyTotal

ALL = "*"  # in place of a tool: all of them together
_PREFIX = "all_"
_LONGEST = 80
KEPT_DAYS = timedelta(days=3)  # the longest total is of one day, which ends in the last zone 14 hours later
BATCH = 200
_PARTS = ("money", "count", "quantity")


@dataclass(frozen=True, slots=True)
class Usage:
    """One call as totals count it."""

    day: str
    tool: str
    principal: str
    figures: Figures

    def row(self, total: str) -> str | None:
        """The id of the row that keeps a total ("agent.money"); None where nobody knows whose or in which currency."""
        who, _, what = total.partition(".")
        customer = _one_spelling(self.figures.customer)
        holder = {"agent": self.principal, "customer": customer, "workspace": "workspace"}[who]
        currency = self.figures.currency if what.endswith("money") else ""
        if holder is None or currency is None:
            return None
        tool = ALL if what.startswith(_PREFIX) else self.tool
        return "|".join((self.day, f"{who}:{_short(holder)}", _short(tool), currency))

    def amounts(self, row: str) -> tuple[int, int, int]:
        """What the call adds to a row: money, count, quantity."""
        of_money = not row.endswith("|")
        return (self.figures.amount or 0, 0, 0) if of_money else (0, 1, self.figures.quantity or 0)

    def is_known(self, total: str) -> bool:
        """Whether what the call adds to a total is known."""
        what = total.partition(".")[2].removeprefix(_PREFIX)
        return {"money": self.figures.amount, "quantity": self.figures.quantity, "count": 1}[what] is not None


def values_of(usage: Usage, totals: Iterable[str], rows: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """The totals from their rows. One that nobody can know is left out: a rule that needs it gives no answer."""
    found = {}
    for total in totals:
        row = usage.row(total)
        if row is not None and usage.is_known(total):
            found[total] = rows[row][_PARTS.index(total.partition(".")[2].removeprefix(_PREFIX))]
    return found


def alone(usage: Usage, totals: Iterable[str]) -> dict[str, int]:
    """What the totals would be, were the call the first of its day."""
    totals = tuple(totals)
    return values_of(usage, totals, {row: usage.amounts(row) for total in totals if (row := usage.row(total))})


async def look(session: AsyncSession, usage: Usage, totals: Iterable[str]) -> dict[str, int]:
    """What the totals would be with this call, counting nothing."""
    wanted = sorted({row for total in totals if (row := usage.row(total)) is not None})
    columns = (PolicyTotal.id, PolicyTotal.money, PolicyTotal.count, PolicyTotal.quantity)
    kept = {row[0]: row[1:] for row in await session.execute(select(*columns).where(PolicyTotal.id.in_(wanted)))}
    rows = {
        row: [before + more for before, more in zip(kept.get(row, (0, 0, 0)), usage.amounts(row), strict=True)]
        for row in wanted
    }
    return values_of(usage, totals, rows)


async def take(session: AsyncSession, usage: Usage, totals: Iterable[str]) -> tuple[dict[str, int], dict[str, Any]]:
    """Count the call. Returns the totals with it, and what was taken, for `settle`. The rows are locked in the order of
    their ids until the transaction ends."""
    kept: dict[str, Sequence[int]] = {}
    taken: dict[str, Any] = {}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    totals = tuple(totals)
    for row in sorted({row for total in totals if (row := usage.row(total)) is not None}):
        money, count, quantity = usage.amounts(row)
        statement = dialect.insert(PolicyTotal).values(
            workspace_id=str(session.info["workspace_id"]),
            id=row,
            day=usage.day,
            money=money,
            count=count,
            quantity=quantity,
        )
        statement = statement.on_conflict_do_update(
            index_elements=("workspace_id", "id"),
            set_={
                "money": PolicyTotal.money + money,
                "count": PolicyTotal.count + count,
                "quantity": PolicyTotal.quantity + quantity,
            },
        )
        found = await session.execute(
            statement.returning(PolicyTotal.money, PolicyTotal.count, PolicyTotal.quantity),
            execution_options={"populate_existing": True},
        )
        kept[row] = tuple(found.one())
        taken[row] = [money, count, quantity]
    return values_of(usage, totals, kept), taken


async def settle(session: AsyncSession, taken: Mapping[str, Sequence[int]], *, failed: bool, money: int | None) -> None:
    """After the end of a write: give back what a failed one took, and count the money that one really moved, where
    that is known."""
    for row in sorted(taken):
        before = taken[row]
        of_money = not row.endswith("|")
        if failed:
            more = [-part for part in before]
        elif of_money and money is not None and money != before[0]:
            more = [money - before[0], 0, 0]
        else:
            continue
        await session.execute(
            update(PolicyTotal)
            .where(PolicyTotal.id == row)
            .values(
                money=PolicyTotal.money + more[0],
                count=PolicyTotal.count + more[1],
                quantity=PolicyTotal.quantity + more[2],
            )
            .execution_options(synchronize_session=False)
        )


async def forget_old(database: Database, now: datetime) -> int:
    """Delete totals of days that are over in every time zone; nothing looks at them any more. Returns how many. Any
    number of processes may do it at once."""
    over = (now - KEPT_DAYS).date().isoformat()
    async with database.system(write=False) as session:
        old = select(PolicyTotal.workspace_id, PolicyTotal.id).where(PolicyTotal.day < over).limit(BATCH)
        found = (await session.execute(old)).all()
    if not found:
        return 0
    async with database.system(write=True) as session:
        for workspace_id, row in found:
            await session.execute(
                delete(PolicyTotal).where(PolicyTotal.workspace_id == workspace_id, PolicyTotal.id == row)
            )
    return len(found)


def _one_spelling(customer: str | None) -> str | None:
    """A server may find the same customer under other letters, capital or wide ones: their totals are one."""
    return None if customer is None else unicodedata.normalize("NFKC", customer).casefold().strip()


def _short(text: str) -> str:
    """Text of a caller as part of an id: no separator in it, and not longer than it needs to be."""
    if len(text) <= _LONGEST and "|" not in text and "\0" not in text:
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

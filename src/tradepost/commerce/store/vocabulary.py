"""The different values of a column, read by hopping through its index.

A shop has a hundred times more customers than last names. What has to be compared with every name (parts of a word,
letters in any case) is compared with each different one once; the rows are then found by the index. Far cheaper than
reading every row, and never much dearer.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from tradepost.commerce.store.store import Store


async def values_like(store: Store, column: InstrumentedAttribute[Any], part: str, *, begins: bool) -> Sequence[str]:
    """The workspace's values of an indexed text column that hold `part`, or begin with it, in any case of letters."""
    escaped = part.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return await _values(store, _like(column), wanted=f"{escaped}%" if begins else f"%{escaped}%")


async def values_spelled(store: Store, column: InstrumentedAttribute[Any], words: Iterable[str]) -> Sequence[str]:
    """The workspace's values of an indexed text column that are one of these, in any case of letters."""
    return await _values(store, _spelled(column), wanted=[word.lower() for word in words])


async def _values(store: Store, statement: Select[Any], wanted: Any) -> Sequence[str]:
    own = {"own_workspace": store.caller.workspace_id}
    return (await store.session.scalars(statement, {**own, "wanted": wanted})).all()


@cache
def _like(column: InstrumentedAttribute[Any]) -> Select[Any]:
    value = _hops(column)
    return select(value).where(func.lower(value).like(func.lower(bindparam("wanted")), escape="/"))


@cache
def _spelled(column: InstrumentedAttribute[Any]) -> Select[Any]:
    value = _hops(column)
    return select(value).where(func.lower(value).in_(bindparam("wanted", expanding=True)))


def _hops(column: InstrumentedAttribute[Any]) -> Any:
    """The smallest value, then each time the next larger one: a recursion that touches as many rows as there are
    different values. Built once per column, for that takes longer than running it."""
    first, following = aliased(column.class_), aliased(column.class_)

    def least(alias: Any) -> Select[Any]:
        return select(func.min(getattr(alias, column.key)).label("value")).where(
            alias.workspace_id == bindparam("own_workspace")
        )

    hops = least(first).where(getattr(first, column.key).is_not(None)).cte(recursive=True)
    behind = least(following).where(getattr(following, column.key) > hops.c.value).scalar_subquery()
    return hops.union_all(select(behind).where(hops.c.value.is_not(None))).c.value

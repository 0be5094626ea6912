"""The different values of a column, read by hopping through its index.

A shop has a hundred times more customers than last names. What has to be compared with every name (parts of a word,
letters in any case) is compared with each different one once; the rows are then found by the index. Far cheaper than
reading every row, and never dearer than the number of different values.
"""

from typing import Any

from sqlalchemy import CTE, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from tradepost.commerce.store.store import Store


def vocabulary(store: Store, column: InstrumentedAttribute[Any], name: str) -> CTE:
    """A recursive select of the workspace's different values of an indexed text column, as `value`. It ends with one
    row that is null. `name` tells it from others in one statement."""
    first, following = aliased(column.class_), aliased(column.class_)
    own = store.caller.workspace_id

    def of(alias: Any) -> Any:
        return getattr(alias, column.key)

    hops = (
        select(func.min(of(first)).label("value"))
        .where(first.workspace_id == own, of(first).is_not(None))
        .cte(f"words_{name}", recursive=True)
    )
    behind = (
        select(func.min(of(following)))
        .where(following.workspace_id == own, of(following) > hops.c.value)
        .scalar_subquery()
    )
    return hops.union_all(select(behind).where(hops.c.value.is_not(None)))

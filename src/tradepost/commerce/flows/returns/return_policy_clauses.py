"""The texts behind the order policy: a rule names a clause by id or by clause number; callers cite its number."""

from collections.abc import Iterable

from sqlalchemy import or_, select

from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import PolicyClause
from tradepost.foundation.untrusted import clean


async def cited_clauses(store: Store, references: Iterable[str | None]) -> dict[str, str]:
    """{reference: 'RET-3: Returns within 30 days'} for clause ids and numbers; one without a text stands for itself."""
    wanted = sorted({reference for reference in references if reference})
    if not wanted:
        return {}
    rows = await store.all(
        select(PolicyClause).where(or_(PolicyClause.id.in_(wanted), PolicyClause.clause.in_(wanted)))
    )
    found = {reference: reference for reference in wanted}
    for row in rows:
        for name in (row.id, row.clause):
            if name in found:
                found[name] = f"{row.clause}: {clean(row.title, 120)}"
    return found

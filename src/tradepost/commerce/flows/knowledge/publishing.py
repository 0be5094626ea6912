"""Cutting a published entry into the clauses that are searched and cited, and keeping them in step with its text."""

from sqlalchemy import or_, select

from tradepost.commerce.orders.models import OrderPolicy
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import KnowledgeEntry, PolicyClause
from tradepost.commerce.support.sections import Section, sections_of
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.search_words import indexed


async def publish(store: Store, entry: KnowledgeEntry) -> None:
    """Make the entry's clauses those of its text: a clause that stays keeps its row, one that belongs to no entry yet
    is taken over. Raises StateConflict for a clause id of another entry, and where a rule of the shop cites a clause
    that would be gone."""
    wanted = {section.clause: section for section in sections_of(entry.slug, entry.title, entry.body, named=False)}
    there = await store.all(
        select(PolicyClause)
        .where(or_(PolicyClause.entry_id == entry.id, PolicyClause.clause.in_(sorted(wanted))))
        .with_for_update()
    )
    taken = sorted(row.clause for row in there if row.entry_id not in (None, entry.id))
    if taken:
        raise StateConflict(
            f"The clause {taken[0]} is another entry's.",
            hint="Give the heading another id, or change the other entry first.",
            details={"clauses": taken},
        )
    await _drop(store, [row for row in there if row.clause not in wanted])
    by_clause = {row.clause: row for row in there}
    for position, section in enumerate(wanted.values(), start=1):
        row = by_clause.get(section.clause)
        if row is None:
            row = PolicyClause(id=new_id(PolicyClause.prefix), clause=section.clause)
            store.add(row)
        _fill(row, entry, section, position)


async def withdraw(store: Store, entry: KnowledgeEntry) -> None:
    """Take the entry's clauses away: it is not published any more. Raises StateConflict as `publish` does."""
    rows = await store.all(select(PolicyClause).where(PolicyClause.entry_id == entry.id).with_for_update())
    await _drop(store, list(rows))


def _fill(row: PolicyClause, entry: KnowledgeEntry, section: Section, position: int) -> None:
    row.entry_id, row.topic, row.audience, row.position = entry.id, entry.topic, entry.audience, position
    row.title, row.body = section.title, section.body
    row.words = indexed(section.title, section.body, section.clause, entry.topic, entry.title)


async def _drop(store: Store, rows: list[PolicyClause]) -> None:
    names = {name: row for row in rows for name in (row.clause, row.id)}
    if not names:
        return
    citing = select(OrderPolicy).where(OrderPolicy.clause_id.in_(sorted(names))).order_by(OrderPolicy.name)
    for rule in await store.all(citing):
        clause = names[str(rule.clause_id)].clause
        raise StateConflict(
            f"The clause {clause} would be gone, and the shop's rule '{rule.name}' cites it.",
            hint="Keep a heading with this clause id, or let the rule cite another clause first.",
            details={"clause": clause, "rule": rule.name},
        )
    for row in rows:
        await store.session.delete(row)
    await store.session.flush()

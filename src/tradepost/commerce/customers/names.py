"""The names that a shop's customers have, found by what is in them.

Whoever looks for "berg" means Berger and Vandenberg too, in any case of letters. No index of a column of names answers
that, and reading every customer takes longer with every customer. So each different name (first, last or company) is
kept once more, by its parts; a look-up finds names by a part, and then customers by the indexes of their names. Every
way in which customers come to the store adds the names that are new, in the same transaction. Names that nobody has
any more may stay: they find nobody.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Index, Select, bindparam, select
from sqlalchemy.orm import Mapped, Session, aliased

from tradepost.commerce.store.store import Store
from tradepost.database.base import Scoped, StoreBase
from tradepost.database.bulk import missing
from tradepost.database.scoping import BUILT_ONCE

LETTERS = 3  # of a part from the middle of a name
MOST_NAMES = 500  # different names that are handed on one by one
_MOST_READ = 2_000  # names with the same parts
_AT_ONCE = 500
_WHOLE = "="


class NamePart(StoreBase, Scoped):
    """A name by one of its parts. `part`, in lower case, is any three letters in a row, the first one or two, or the
    whole name behind a "="; `value` is the name as customers have it, and `id` both."""

    __tablename__ = "customer_name_parts"
    part: Mapped[str]
    value: Mapped[str]
    __table_args__ = (Index("ix_customer_name_parts_part", "workspace_id", "part", "value"),)


Names = Sequence[str] | Select[str]  # what a column's `in_` takes


def parts_of(name: str) -> set[str]:
    """The parts that a name is found by."""
    folded = name.lower()
    if not folded:
        return set()
    runs = {folded[start : start + LETTERS] for start in range(len(folded) - LETTERS + 1)}
    return {_WHOLE + folded, folded[:1], folded[:2], *runs}


def keep_names(session: Session, workspace_id: str, names: Iterable[str | None]) -> None:
    """Let these names of customers be found from now on."""
    wanted = sorted({name for name in names if name})
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        whole = [_WHOLE + name.lower() for name in some]
        known = set(session.scalars(select(NamePart.value).where(NamePart.part.in_(whole))))
        rows = list(part_rows(workspace_id, set(some) - known))
        if rows:
            session.execute(missing(NamePart, session.get_bind().dialect.name), rows)


def part_rows(workspace_id: str, names: Iterable[str | None]) -> Iterator[dict[str, str]]:
    """The rows of these names, sorted: whoever writes some at the same time meets them in the same order."""
    for name in sorted({name for name in names if name}):
        for part in sorted(parts_of(name)):
            yield {"workspace_id": workspace_id, "id": f"{part}:{name}", "part": part, "value": name}


async def names_like(store: Store, part: str, *, begins: bool) -> Names:
    """The names that hold `part`, of three letters or more, or begin with it, in any case of letters. Where they are
    very many, a select of them."""
    folded = part.lower()
    keys = _keys(folded, begins=begins)
    values = {f"part_{place}": key for place, key in enumerate(keys)}
    read = (await store.session.scalars(_having(len(keys)), {**values, "most": _MOST_READ})).all()
    fitting = [name for name in read if (name.lower().startswith(folded) if begins else folded in name.lower())]
    if len(read) < _MOST_READ and len(fitting) <= MOST_NAMES:
        return fitting
    many = select(NamePart.value).where(NamePart.part == keys[0])
    if folded == keys[0]:
        return many
    way = NamePart.value.istartswith if begins else NamePart.value.icontains
    return many.where(way(part, autoescape=True))


async def names_spelled(store: Store, words: Iterable[str]) -> Sequence[str]:
    """The names that are one of these, in any case of letters."""
    folded = {word.lower() for word in words}
    whole = select(NamePart.value).where(NamePart.part.in_(sorted(_WHOLE + word for word in folded)))
    return [name for name in await store.all(whole) if name.lower() in folded]


def _keys(folded: str, *, begins: bool) -> list[str]:
    """Parts that each of the names has: few are enough to leave few others."""
    if begins:
        return [folded[:LETTERS]]
    starts = {0, (len(folded) - LETTERS) // 2, len(folded) - LETTERS}
    return list(dict.fromkeys(folded[start : start + LETTERS] for start in sorted(starts)))


@cache
def _having(count: int) -> Select[Any]:
    """Names with so many given parts. Built once per number."""
    statement = select(NamePart.value).where(NamePart.part == bindparam("part_0"))
    for place in range(1, count):
        other = aliased(NamePart)
        same = select(other.id).where(
            other.workspace_id == NamePart.workspace_id,
            other.part == bindparam(f"part_{place}"),
            other.value == NamePart.value,
        )
        statement = statement.where(same.exists())
    return statement.limit(bindparam("most")).execution_options(**{BUILT_ONCE: True})

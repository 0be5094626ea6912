"""Lists the way every tool gives them (C4): bounded, by keyset, in a stable order, with an honest total."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field
from sqlalchemy import CompoundSelect, Select, bindparam, func, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute
from typing_extensions import TypedDict

from tradepost.commerce.store.store import Store
from tradepost.database.types import UtcDateTime
from tradepost.foundation.clock import from_rfc3339, to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.pagination import DEFAULT_LIMIT, EXACT_ESTIMATE_UP_TO, MAX_LIMIT, decode_cursor, encode_cursor

Item = TypeVar("Item")
Row = TypeVar("Row")
Rows = Select[Any] | CompoundSelect[Any]

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Page size.", examples=[20])]
Cursor = Annotated[str | None, Field(description="Last next_cursor.", examples=["WyJv…"])]
Detail = Annotated[Literal["summary", "standard", "full"], Field(description="Verbosity.", examples=["standard"])]
Fields = Annotated[
    list[str] | None,
    Field(max_length=30, description="Only these keys.", examples=[["number"]]),
]


RARE = 1_000

# What a filter may reach: far beyond any shop, and a safe distance from where calendar arithmetic ends.
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


def _in_utc(moment: datetime) -> datetime:
    """A time that names no zone counts as UTC, as everywhere else in what callers send."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return min(max(aware, _FIRST), _LAST).astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]
TimeFilter = Annotated[
    Moment | None,
    Field(description="In UTC.", examples=["2026-03-01T00:00:00Z"]),
]


class Page(TypedDict, Generic[Item]):
    """A page of a list. total_estimate is exact up to 10,000, then "10,000+"."""

    items: list[Item]
    next_cursor: str | None
    has_more: bool
    total_estimate: int | str
    truncated: bool


async def page(
    store: Store,
    kind: str,
    statement: Select[Row],
    order: Sequence[InstrumentedAttribute[Any]],
    view: Callable[[Sequence[Row]], Awaitable[list[Any]]],
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    descending: bool = False,
    fields: Sequence[str] | None = None,
    counted: Rows | None = None,
    parts: Sequence[Select[Any]] | None = None,
    total: int | str | None = None,
) -> Page[Any]:
    """Run a one-entity select as a page. `order`: sort columns of that entity, the last one unique, none null, all in
    one direction. `view` turns the page's rows into items, all at once, so that it can load what they need in one go.
    `kind` names the list inside its cursors. `counted` has a row per row of the statement, where that is quicker to
    count; `total` is what `estimate` said of it already. `parts` have the statement's rows between them, with the
    columns of the order, where each of them is quicker to put in order. Raises InvalidArgument for a cursor of another
    list."""
    kind = store.list_kind(kind)
    after = decode_cursor(kind, cursor, len(order))
    place = None
    if after is not None:
        place = [_restore(column, value) for column, value in zip(order, after.values, strict=True)]
    ids = _next(statement.with_only_columns(order[-1], maintain_column_froms=True), order, place, descending, limit + 1)
    if parts is not None:
        # Each in its own order first: then an index that has it is read no further than the page.
        firsts = [
            _next(part, [part.selected_columns[column.key] for column in order], place, descending, limit + 1)
            for part in parts
        ]
        found = union_all(*(select(first.subquery()) for first in firsts)).subquery()
        columns = [found.c[column.key] for column in order]
        ids = _next(select(columns[-1]), columns, None, descending, limit + 1)
    rows = [] if total == 0 else list(await store.all(_rows_of(ids, order, descending)))
    has_more = len(rows) > limit
    rows = rows[:limit]
    next_cursor = None
    if has_more:
        next_cursor = encode_cursor(kind, [_plain(getattr(rows[-1], column.key)) for column in order])
    if after is None and not has_more:
        total = len(rows)
    elif total is None:
        total = await estimate(store, count_by(statement, order[-1]) if counted is None else counted)
    return {
        "items": keep_fields(await view(rows), fields),
        "next_cursor": next_cursor,
        "has_more": has_more,
        "total_estimate": total,
        "truncated": False,
    }


def single_page(items: list[Any], fields: Sequence[str] | None = None) -> Page[Any]:
    """A short, complete list as a page."""
    kept = keep_fields(items, fields)
    return {"items": kept, "next_cursor": None, "has_more": False, "total_estimate": len(kept), "truncated": False}


def keep_fields(items: list[Any], fields: Sequence[str] | None) -> list[Any]:
    """Each item with only `fields` (and id). Raises InvalidArgument for a key that no item has."""
    if not fields or not items:
        return items
    known = set().union(*(item.keys() for item in items))
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise InvalidArgument(
            f"The items have no field '{unknown[0]}'.", hint=f"They have: {', '.join(sorted(known))}.", field="fields"
        )
    kept = {"id", *fields}
    return [{key: value for key, value in item.items() if key in kept} for item in items]


def found_sentence(result: Page[Any], noun: str, nothing: str, *, named: int = MAX_LIMIT) -> str:
    """ "3 of 120 orders." or the sentence for none. `named`: how many of them the text goes on to name. The cursor is
    in the text too, for clients that show the model nothing else."""
    if not result["items"]:
        return nothing
    shown, total = len(result["items"]), result["total_estimate"]
    more = f" More with cursor={result['next_cursor']}." if result["has_more"] else ""
    first = f" The first {named}:" if shown > named else ""
    return f"{shown} of {total} {noun}.{more}{first}"


def _next(
    rows: Select[Any], order: Sequence[Any], place: Sequence[Any] | None, descending: bool, count: int
) -> Select[Any]:
    """So many of the rows from a place on, in order."""
    if place is not None:
        here = tuple_(*order)
        rows = rows.where(here < tuple_(*place) if descending else here > tuple_(*place))
    return rows.order_by(*(column.desc() if descending else column.asc() for column in order)).limit(count)


def _rows_of(ids: Select[Any], order: Sequence[InstrumentedAttribute[Any]], descending: bool) -> Select[Any]:
    """The page of these ids: found by its unique column before its rows are read, what has to be sorted is narrow, and
    often in an index altogether."""
    key = order[-1]
    rows = select(key.class_).where(key.in_(ids))
    return rows.order_by(*(column.desc() if descending else column.asc() for column in order))


async def estimate(store: Store, counted: Rows) -> int | str:
    """How many rows there are, counted up to what is told exactly."""
    capped = counted.limit(EXACT_ESTIMATE_UP_TO + 1).subquery()
    count = (await store.session.execute(select(func.count()).select_from(capped))).scalar_one()
    return f"{EXACT_ESTIMATE_UP_TO:,}+" if count > EXACT_ESTIMATE_UP_TO else int(count)


async def is_rare(store: Store, rows: Select[Any], below: int = RARE) -> bool:
    """Whether there are so few that it is quickest to find them first, and not to wait for them in a list's order."""
    some = rows.limit(below).subquery()
    return bool((await store.session.execute(select(func.count()).select_from(some))).scalar_one() < below)


def count_by(statement: Select[Any], key: InstrumentedAttribute[Any]) -> Select[Any]:
    """What to count of a statement: the unique column alone, which is in the index of the order."""
    return statement.order_by(None).with_only_columns(key, maintain_column_froms=True)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_rfc3339(value)
    return value.isoformat() if isinstance(value, date) else value


def _restore(column: InstrumentedAttribute[Any], value: Any) -> Any:
    kind = column.type
    if isinstance(kind, UtcDateTime):
        try:
            return bindparam(None, from_rfc3339(str(value)), type_=kind)
        except ValueError:
            raise InvalidArgument("The cursor is not one that this list gave.", field="cursor") from None
    return bindparam(None, value, type_=kind)

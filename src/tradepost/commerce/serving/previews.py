"""The preview of a write: what would change, record by record, in words and numbers that a manager understands, with
the ids and versions that programs need beside them."""

from collections.abc import Iterable, Mapping

from sqlalchemy import inspect

from tradepost.commerce.store import privacy
from tradepost.commerce.store.changes import SILENT_TABLES, Changed, ChangeLog, Place
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.wording import Wording, columns_in, kind_for, label_for, wording_of
from tradepost.commerce.store.words import RECORDS
from tradepost.protocol.builtin import Json

_PERSONAL = frozenset({"email", "phone", "address", "details"})
_WHOLE = "whole"
MOST_SAID = 3  # changes in the sentence that sums up

# What of a write is money that moves, and how many units it is about: the first of these that changed says it.
_MONEY = (
    ("refunds", "amount_minor"),
    ("payments", "captured_minor"),
    ("payments", "amount_minor"),
    ("payment_methods", "balance_minor"),
    ("purchase_orders", "total_minor"),
    ("claims", "settled_minor"),
)
_UNITS = (
    ("transfer_lines", "quantity"),
    ("purchase_order_lines", "ordered"),
    ("purchase_order_lines", "received"),
    ("reservations", "quantity"),
    ("refund_lines", "quantity"),
    ("exchange_lines", "quantity"),
    ("return_lines", "quantity"),
    ("return_lines", "received"),
    ("fulfillment_lines", "quantity"),
    ("quote_lines", "quantity"),
    ("order_lines", "quantity"),
    ("stock_movements", "delta"),
)


async def preview_of(store: Store, log: ChangeLog, title: str) -> tuple[Json, Json]:
    """{summary, changes, side_effects, amount, quantity, versions} of what the store's transaction did so far, and what
    is masked in its changes, by their places. Call it after the flush; it only reads."""
    rests_on, changed = log.versions(), list(log.changed())
    wording = await wording_of(store, log)
    changes = [line for one in changed for line in await _lines(wording, one, rests_on)]
    whole = {str(index): one.pop(_WHOLE) for index, one in enumerate(changes) if _WHOLE in one}
    for index, opened in whole.items():
        for name, text in opened.items():
            privacy.hid(str(changes[int(index)][name]), str(text))
    names = {(one["table"], one["id"]): one["record"] for one in changes}
    preview = {
        "summary": _summary(title, store, changes),
        "changes": changes,
        "side_effects": store.side_effects,
        "amount": _amount(changed),
        "quantity": _quantity(changed),
        "versions": [
            {"record": names.get(place) or await wording.name(log.row(place)), **_place(place), "version": version}
            for place, version in rests_on.items()
        ],
    }
    return preview, whole


async def _lines(wording: Wording, one: Changed, rests_on: Mapping[Place, int]) -> Iterable[Json]:
    row, table = one.row, one.row.__tablename__
    if table in SILENT_TABLES:
        return []
    new = one.before is None
    place = (table, row.id)
    beside = {**_place(place), "version": rests_on.get(place)}
    name = await wording.name(row)
    if one.gone:
        return [{"record": name, "field": "kept", "before": "yes", "after": "no", **beside, "column": "id"}]
    said = columns_in(RECORDS[table].name) if new else ()
    found = []
    for column in inspect(row).mapper.column_attrs:
        key = column.key
        if key in said or (one.before is not None and key not in one.before) or kind_for(table, key) == "hidden":
            continue
        old, value = None if one.before is None else one.before[key], getattr(row, key)
        if old == value or (new and value in (None, "", [], {}, 0, False)):
            continue
        before, after = await wording.value(row, key, old), await wording.value(row, key, value)
        words = {"record": name, "field": label_for(table, key), "before": before, "after": after}
        found.append({**words, **beside, "column": key})
        if kind_for(table, key) in _PERSONAL:
            texts = {"before": (before, old), "after": (after, value)}
            opened = {side: await wording.value(row, key, kept, whole=True) for side, (_, kept) in texts.items()}
            differ = {side: text for side, text in opened.items() if text != texts[side][0]}
            found[-1] |= {_WHOLE: differ} if differ else {}
    if new and not found:
        found.append({"record": name, "field": "made", "before": None, "after": "yes", **beside, "column": "id"})
    return found


def _place(place: Place) -> Json:
    return {"table": place[0], "id": place[1]}


def _summary(title: str, store: Store, changes: list[Json]) -> str:
    """One sentence: the write's own, or what changes first of all."""
    if store.meaning is not None:
        return store.meaning
    if not changes:
        return f"{title}: changes nothing in the store."
    first = store.subject or (changes[0]["table"], changes[0]["id"])
    own = [one for one in changes if (one["table"], one["id"]) == first] or changes
    said = ", ".join(_said(one) for one in own[:MOST_SAID])
    rest = len(changes) - min(len(own), MOST_SAID)
    more = f", and {rest} more change{'s' if rest > 1 else ''}" if rest else ""
    return f"{title}: {own[0]['record']}, {said}{more}."


def _said(one: Json) -> str:
    if one["before"] is None:
        return f"{one['field']} {one['after']}"
    after = "nothing" if one["after"] is None else one["after"]
    return f"{one['field']} from {one['before']} to {after}"


def _amount(changed: list[Changed]) -> Json | None:
    """The money that moves, in minor units; of several currencies the one with most of it."""
    for table, column in _MONEY:
        sums: dict[str, int] = {}
        for one in changed:
            moved = _moved(one, table, column)
            if moved:
                sums[one.row.currency] = sums.get(one.row.currency, 0) + abs(moved)
        if sums:
            currency = max(sums, key=lambda code: sums[code])
            return {"value": sums[currency], "currency": currency}
    return None


def _quantity(changed: list[Changed]) -> int | None:
    """The units that a write is about, in the smallest ones that are counted."""
    for table, column in _UNITS:
        moved = [_moved(one, table, column) for one in changed]
        more, less = sum(one for one in moved if one > 0), -sum(one for one in moved if one < 0)
        if more or less:
            return max(more, less)
    return None


def _moved(one: Changed, table: str, column: str) -> int:
    """By how much a column grew; a new record's grew from nothing."""
    if one.row.__tablename__ != table or one.gone:
        return 0
    before = 0 if one.before is None else one.before.get(column, getattr(one.row, column)) or 0
    return int(getattr(one.row, column) or 0) - int(before)

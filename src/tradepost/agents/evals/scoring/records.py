"""Comparing exports of a store, record by record."""

from collections.abc import Mapping
from typing import Any

from tradepost.agents.evals.datasets.schema import Json

MOST = 20  # differences that a report lists

Records = Mapping[str, Mapping[str, Json]]


def with_parts(export: Json) -> dict[str, dict[str, Json]]:
    """The records of a store export by kind and id; an order carries its payments and fulfilments."""
    orders: dict[str, Json] = {order["id"]: {**order, "payments": [], "fulfilments": []} for order in export["orders"]}
    for name in ("payments", "fulfilments"):
        for row in sorted(export[name], key=lambda row: row["seq"]):
            orders[row["order_id"]][name].append(row)
    kinds = ("customers", "products", "variants")
    return {"orders": orders, **{kind: {row["id"]: row for row in export[kind]} for kind in kinds}}


def differences(before: Records, expected: Mapping[str, Mapping[str, Json]], now: Records) -> list[str]:
    """What is not as expected: records that are named are as they are given, all others as before."""
    found: list[str] = []
    for kind, records in before.items():
        wanted = {**records, **expected.get(kind, {})}
        for name in sorted({*wanted, *now[kind]}):
            label = f"{kind.removesuffix('s')} {name}"
            if name not in now[kind]:
                found.append(f"{label} is gone")
            elif name not in wanted:
                found.append(f"{label} is new")
            elif now[kind][name] != wanted[name]:
                found += [f"{label}: {one}" for one in _fields(wanted[name], now[kind][name])]
    return found[:MOST]


def _fields(wanted: Any, found: Any) -> list[str]:
    if not isinstance(wanted, dict) or not isinstance(found, dict):
        return [f"{found!r}, not {wanted!r}"]
    return [
        f"{name} is {found.get(name)!r}, not {wanted.get(name)!r}"
        for name in sorted({*wanted, *found})
        if found.get(name) != wanted.get(name)
    ]

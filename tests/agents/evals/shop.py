"""A shop so small that one sees all of it: one customer, one shirt in two sizes, two orders; and tasks on it."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

Json = dict[str, Any]

ADDRESS = {"line1": "1 Quay", "line2": "", "city": "Oslo", "region": "OS", "postal_code": "0150", "country": "Norway"}
OTHER = {"line1": "9 Hill", "line2": "B", "city": "Oslo", "region": "OS", "postal_code": "0151", "country": "Norway"}


def _order(number: str) -> Json:
    line = {
        "line": 1, "variant_id": "v-s", "product_id": "p-shirt", "name": "Shirt", "options": {"size": "S"},
        "quantity": 1, "unit_price": "53.40",
    }  # fmt: skip
    return {
        "id": number, "customer_id": "mia", "status": "pending", "shipping_address": ADDRESS, "lines": [line],
        "cancel_reason": None, "return": None, "exchange": None,
    }  # fmt: skip


def store() -> Json:
    """The export."""
    numbers = ["#W1", "#W2"]
    return {
        "format": "commerce-store-export",
        "version": 1,
        "currency": "USD",
        "customers": [
            {
                "id": "mia", "first_name": "Mia", "last_name": "Berg", "email": "mia@example.com", "address": ADDRESS,
                "payment_methods": [{"id": "card-1", "type": "credit_card", "brand": "visa", "last4": "4242"}],
                "order_ids": numbers,
            }
        ],
        "products": [{"id": "p-shirt", "name": "Shirt", "option_names": ["size"]}],
        "variants": [
            {"id": f"v-{size.lower()}", "product_id": "p-shirt", "options": {"size": size}, "price": "53.40",
             "available": True}
            for size in ("S", "L")
        ],
        "orders": [_order(number) for number in numbers],
        "payments": [
            {"order_id": number, "seq": 1, "kind": "payment", "amount": "53.40", "payment_method_id": "card-1"}
            for number in numbers
        ],
        "fulfilments": [],
    }  # fmt: skip


def moved(number: str, address: Json) -> Json:
    """What is expected of an order that goes to another address."""
    payment = next(one for one in store()["payments"] if one["order_id"] == number)
    after = {**_order(number), "shipping_address": address, "payments": [payment], "fulfilments": []}
    return {"orders": {number: {"changed": {}, "after": after}}, "customers": {}}


def _task(name: str, steps: list[Json], expected: Json) -> Json:
    request = {"instruction": "You are Mia Berg and want order #W1 sent to 9 Hill."}
    return {
        "id": name, "source": "own", "customer_id": "mia", "request": request, "steps": steps, "expected": expected,
        "communicate": [], "assertions": [],
    }  # fmt: skip


def _moving(number: str) -> Json:
    args = {
        "order_id": number, "address1": OTHER["line1"], "address2": OTHER["line2"], "city": OTHER["city"],
        "state": OTHER["region"], "zip": OTHER["postal_code"], "country": OTHER["country"],
    }  # fmt: skip
    return {"tool": "modify_pending_order_address", "kind": "write", "args": args, "ok": True}


def tasks() -> list[Json]:
    """One that is right, one whose end state is another, one whose call must be refused and is not, one that is."""
    look = {"tool": "find_user_id_by_name_zip", "kind": "read", "ok": True}
    look["args"] = {"first_name": "Mia", "last_name": "Berg", "zip": "0150"}
    nothing: Json = {"orders": {}, "customers": {}}
    cancel = {"tool": "cancel_pending_order", "kind": "write", "ok": False}
    cancel["args"] = {"order_id": "#W1", "reason": "just because"}
    return [
        _task("right", [look, _moving("#W1")], moved("#W1", OTHER)),
        _task("other-end", [_moving("#W2")], moved("#W1", OTHER)),
        _task("not-refused", [{**_moving("#W1"), "ok": False}], moved("#W1", OTHER)),
        _task("refused", [deepcopy(cancel)], nothing),
    ]


def write_folder(folder: Path) -> Path:
    """A folder of retail tasks."""
    folder.mkdir(exist_ok=True)
    (folder / "store.json").write_text(json.dumps(store()), "utf-8")
    (folder / "tasks.json").write_text(json.dumps({"tasks": tasks()}), "utf-8")
    return folder

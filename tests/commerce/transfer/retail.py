"""The retail store of shared/stores through our tools: an adapter that translates names and ids, never rules."""

import ast
import hashlib
import json
import operator
from collections.abc import Awaitable, Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

Json = dict[str, Any]
CallTool = Callable[[str, Json], Awaitable[Json]]

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "stores" / "retail"


class Refused(Exception):
    """The tool said no."""


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text("utf-8"))


class Names:
    """Another id, of another shape, for every id of the store. What is no id stays: words, amounts, made-up ids."""

    def __init__(self, store: Json) -> None:
        self._new: dict[str, str] = {}
        methods = [method for customer in store["customers"] for method in customer["payment_methods"]]
        parcels = [number for row in store["fulfilments"] for number in row["tracking_numbers"]]
        for shape, old in (
            ("person-{}", [row["id"] for row in store["customers"]]),
            ("{}p", [row["id"] for row in store["products"]]),
            ("SKU_{}", [row["id"] for row in store["variants"]]),
            ("#{}-Q", [row["id"] for row in store["orders"]]),
            ("pm:{}", [method["id"] for method in methods]),
            ("1Z{}", parcels),
        ):
            for name in sorted(set(old)):
                self._new[name] = shape.format(hashlib.sha256(name.encode()).hexdigest()[:10].upper())

    def __call__(self, value: Any) -> Any:
        """The same JSON with the other ids, as keys and as values; lists that the format sorts are sorted again."""
        if isinstance(value, str):
            return self._new.get(value, value)
        if isinstance(value, list):
            return [self(inner) for inner in value]
        if isinstance(value, dict):
            made = {self._new.get(key, key): self(inner) for key, inner in value.items()}
            if "new_variant_ids" in made or "refund_payment_method_id" in made:
                made |= {key: sorted(ids) for key, ids in made.items() if key.endswith("variant_ids")}
            return made
        return value


class Adapter:
    """Runs calls written with the names of the tasks. `call` gives a structured value or raises Refused."""

    def __init__(self, call: CallTool) -> None:
        self._call = call
        self._keys = 0

    async def run(self, tool: str, args: Json) -> Json:
        return dict(await getattr(self, tool)(**args))

    async def _write(self, tool: str, arguments: Json) -> Json:
        self._keys += 1
        return await self._call(tool, {**arguments, "idempotency_key": f"task-{self._keys}"})

    # --- reads

    async def find_user_id_by_email(self, email: str) -> Json:
        found = await self._call("search_customers", {"query": email})
        exact = [row for row in found["items"] if row["email"] == email]
        if not exact:
            raise Refused("no customer with that e-mail address")
        return {"customer_id": exact[0]["external_id"]}

    async def find_user_id_by_name_zip(self, first_name: str, last_name: str, zip: str) -> Json:
        query = {"query": f"{first_name} {last_name}", "postal_code": zip}
        found = await self._call("search_customers", query)
        if len(found["items"]) != 1:
            raise Refused("not exactly one customer of that name")
        return {"customer_id": found["items"][0]["external_id"]}

    async def get_user_details(self, user_id: str) -> Json:
        found = await self._call("get_customer", {"customer_id": user_id})
        methods = []
        for method in found["payment_methods"]:
            shape = {"id": method["external_id"], "type": method["type"]}
            if method["type"] == "credit_card":
                shape |= {"brand": method["brand"], "last4": method["last4"]}
            if method["type"] == "gift_card":
                shape["balance"] = amount(method["balance"]["amount_minor"])
            methods.append(shape)
        return {
            "customer": {
                "id": found["external_id"],
                "first_name": found["first_name"],
                "last_name": found["last_name"],
                "email": found["email"],
                "address": found["address"],
                "payment_methods": methods,
                "order_ids": [order["external_id"] for order in found["orders"]],
            }
        }

    async def get_order_details(self, order_id: str) -> Json:
        found = await self._call("get_order", {"order_id": order_id, "include": ["shipments", "payments", "returns"]})
        return {
            "order": {
                "id": found["external_id"],
                "lines": [
                    {
                        "name": line["name"],
                        "options": line["options"],
                        "unit_price": amount(line["unit_price"]["amount_minor"]),
                    }
                    for line in found["lines"]
                ],
            }
        }

    async def get_product_details(self, product_id: str) -> Json:
        found = await self._call("get_product", {"product_id": product_id})
        return {
            "product": {
                "id": found["external_id"],
                "name": found["name"],
                "option_names": found["option_names"],
            },
            "variants": [_variant(row, product_id) for row in found["variants"]],
        }

    async def get_item_details(self, item_id: str) -> Json:
        found = await self._call("get_product", {"sku": item_id})
        row = next((row for row in found["variants"] if row["sku"] == item_id), None)
        if row is None:
            raise Refused("no such variant")
        return {"variant": _variant(row, found["external_id"])}

    async def calculate(self, expression: str) -> Json:
        return {"value": f"{_calculated(expression):.2f}"}

    # --- writes

    async def cancel_pending_order(self, order_id: str, reason: str) -> Json:
        return await self._write("cancel_order", {"order_id": order_id, "reason": reason})

    async def modify_pending_order_address(self, order_id: str, **address: str) -> Json:
        return await self._write("update_order_address", {"order_id": order_id, "address": _address(address)})

    async def modify_user_address(self, user_id: str, **address: str) -> Json:
        return await self._write("update_customer", {"customer_id": user_id, "address": _address(address)})

    async def modify_pending_order_payment(self, order_id: str, payment_method_id: str) -> Json:
        arguments = {"order_id": order_id, "payment_method_id": payment_method_id, "reason": "asked by the customer"}
        return await self._write("update_order_payment_method", arguments)

    async def modify_pending_order_items(
        self, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
    ) -> Json:
        arguments = {
            "order_id": order_id,
            "exchange": _pairs(item_ids, new_item_ids),
            "payment_method_id": payment_method_id,
            "reason": "asked by the customer",
        }
        return await self._write("edit_order_items", arguments)

    async def return_delivered_order_items(self, order_id: str, item_ids: list[str], payment_method_id: str) -> Json:
        lines = [{"variant": item_id} for item_id in item_ids]
        return await self._write(
            "submit_return", {"order_id": order_id, "lines": lines, "refund_to": payment_method_id}
        )

    async def exchange_delivered_order_items(
        self, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
    ) -> Json:
        arguments = {
            "order_id": order_id,
            "lines": _pairs(item_ids, new_item_ids),
            "payment_method_id": payment_method_id,
        }
        return await self._write("create_exchange", arguments)


def _pairs(old: list[str], new: list[str]) -> list[Json]:
    pairs = zip_longest(old, new)
    return [{key: value for key, value in (("variant", a), ("new_variant", b)) if value is not None} for a, b in pairs]


def _address(given: dict[str, str]) -> Json:
    return {
        "line1": given["address1"],
        "line2": given["address2"],
        "city": given["city"],
        "region": given["state"],
        "postal_code": given["zip"],
        "country": given["country"],
    }


def amount(minor: int) -> str:
    return f"{minor / 100:.2f}"


def _variant(row: Json, product_id: str) -> Json:
    return {
        "id": row["sku"],
        "product_id": product_id,
        "options": row["options"],
        "price": amount(row["price"]["amount_minor"]),
        "available": row["availability"] == "in_stock",
    }


_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _calculated(expression: str) -> float:
    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        raise Refused("not a sum of numbers")

    return value(ast.parse(expression, mode="eval").body)


def batches(tasks: list[Json]) -> list[list[Json]]:
    """The tasks in groups in which no customer stands twice, so that a group's end states are those of each alone."""
    found: list[tuple[set[str], list[Json]]] = []
    for task in tasks:
        people = {task["customer_id"], *task["expected"]["customers"]}
        people |= {order["after"]["customer_id"] for order in task["expected"]["orders"].values()}
        for seen, group in found:
            if not seen & people:
                seen |= people
                group.append(task)
                break
        else:
            found.append((people, [task]))
    return [group for _, group in found]


def with_parts(export: Json) -> dict[str, dict[str, Json]]:
    """Orders (with their payments and fulfilments) and customers of an export by id; everything else as it is."""
    orders = {order["id"]: {**order, "payments": [], "fulfilments": []} for order in export["orders"]}
    for name in ("payments", "fulfilments"):
        for row in sorted(export[name], key=lambda row: row["seq"]):
            orders[row["order_id"]][name].append(row)
    return {
        "orders": orders,
        "customers": {row["id"]: row for row in export["customers"]},
        "products": {row["id"]: row for row in export["products"]},
        "variants": {row["id"]: row for row in export["variants"]},
    }

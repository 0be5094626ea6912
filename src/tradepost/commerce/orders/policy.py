"""The shop's order policy as data: rows per workspace, read here with their types; nothing is decided by constants.

A shop without a row for a rule goes by the rule's default below. `rows_for` makes rows from plain values, so that an
import or a person can set them. "unlimited" stands for "no limit", because a stored value is never null.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy import select

from tradepost.commerce.orders.models import OrderPolicy
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id

PolicyName = Literal[
    "return_window_days",
    "restocking_fee_bps",
    "fee_waived_reasons",
    "cancel_reasons",
    "max_item_edits",
    "locked_after_item_edit",
    "item_edit_actions",
    "exchange_same_product_only",
    "exchange_same_variant",
    "refund_destinations",
    "one_return_or_exchange_per_order",
    "refund_from",
]
EditAction = Literal["exchange", "add", "remove", "set_quantity"]
RefundDestination = Literal["original", "gift_card", "store_credit"]
RefundFrom = Literal["received", "approved"]

UNLIMITED = "unlimited"
_Limit = Annotated[int, Field(ge=0, le=100_000)] | Literal["unlimited"]
_Reasons = list[Annotated[str, Field(min_length=1, max_length=100)]]


@dataclass(frozen=True, slots=True)
class _Rule:
    type: TypeAdapter[Any]
    default: Any


_RULES: dict[PolicyName, _Rule] = {
    "return_window_days": _Rule(TypeAdapter(_Limit), 30),
    "restocking_fee_bps": _Rule(TypeAdapter(Annotated[int, Field(ge=0, le=10_000)]), 0),
    "fee_waived_reasons": _Rule(
        TypeAdapter(_Reasons),
        ["not_as_described", "wrong_item", "defective", "damaged_in_transit", "arrived_late", "missing_parts"],
    ),
    "cancel_reasons": _Rule(
        TypeAdapter(_Reasons),
        ["customer_request", "out_of_stock", "payment_declined", "fraud", "duplicate", "other"],
    ),
    "max_item_edits": _Rule(TypeAdapter(_Limit), UNLIMITED),
    "locked_after_item_edit": _Rule(TypeAdapter(bool), False),
    "item_edit_actions": _Rule(TypeAdapter(list[EditAction]), list(get_args(EditAction))),
    "exchange_same_product_only": _Rule(TypeAdapter(bool), False),
    "exchange_same_variant": _Rule(TypeAdapter(bool), True),
    "refund_destinations": _Rule(TypeAdapter(list[RefundDestination]), ["original", "gift_card"]),
    "one_return_or_exchange_per_order": _Rule(TypeAdapter(bool), False),
    "refund_from": _Rule(TypeAdapter(RefundFrom), "received"),
}


def rows_for(values: Mapping[str | tuple[str, str], Any]) -> list[OrderPolicy]:
    """Rows for {name: value} or {(name, product category): value}; None means no limit. Raises InvalidArgument for an
    unknown rule or a value that is none of the rule's."""
    rows: list[OrderPolicy] = []
    for key, value in values.items():
        name, category = key if isinstance(key, tuple) else (key, "")
        stored = UNLIMITED if value is None else value
        if name not in _RULES:
            raise InvalidArgument(f"There is no order policy '{name}'.", hint=f"Rules: {', '.join(_RULES)}.")
        try:
            _RULES[name].type.validate_python(stored, strict=True)
        except ValidationError as error:
            raise InvalidArgument(f"The order policy '{name}' cannot be {stored!r}: {_why(error)}.") from None
        rows.append(OrderPolicy(id=new_id(OrderPolicy.prefix), name=name, category=category, value=stored))
    return rows


@dataclass(frozen=True, slots=True)
class OrderRules:
    """The policy of one shop. A rule for a product's category stands before the one for all."""

    rows: Mapping[tuple[str, str], OrderPolicy]

    def return_window_days(self, category: str | None) -> int | None:
        """Days after delivery in which a return may be asked for; None: no limit."""
        return self._limit("return_window_days", category)

    def restocking_fee_bps(self, category: str | None) -> int:
        """What the shop keeps of a returned line, in hundredths of a percent."""
        return int(self._value("restocking_fee_bps", category))

    def fee_waived(self, reason: str | None) -> bool:
        """Whether a return for this reason costs no fee."""
        return reason in self._value("fee_waived_reasons")

    def cancel_reasons(self) -> list[str]:
        """The reasons an order may be canceled for, to the letter."""
        return list(self._value("cancel_reasons"))

    def max_item_edits(self) -> int | None:
        """How often the items of an order may be edited; None: no limit."""
        return self._limit("max_item_edits")

    def locked_after_item_edit(self) -> bool:
        """Whether an order whose items were edited is closed to every further change and to canceling."""
        return bool(self._value("locked_after_item_edit"))

    def item_edit_actions(self) -> list[EditAction]:
        """What an edit of items may do."""
        return list(self._value("item_edit_actions"))

    def exchange_same_product_only(self) -> bool:
        """Whether a variant may be exchanged for another variant of the same product only."""
        return bool(self._value("exchange_same_product_only"))

    def exchange_same_variant(self) -> bool:
        """Whether a delivered unit may be exchanged for the same variant again, as a replacement."""
        return bool(self._value("exchange_same_variant"))

    def refund_destinations(self) -> list[RefundDestination]:
        """Where the money of a return may go."""
        return list(self._value("refund_destinations"))

    def one_return_or_exchange_per_order(self) -> bool:
        """Whether an order may have one return or exchange in all."""
        return bool(self._value("one_return_or_exchange_per_order"))

    def refund_from(self) -> RefundFrom:
        """From which state of a return its money may be paid back."""
        found: RefundFrom = self._value("refund_from")
        return found

    def clause(self, name: PolicyName, category: str | None = None) -> str | None:
        """The clause a rule comes from: an id or clause number of the shop's policies, where the rule names one."""
        row = self._row(name, category)
        return None if row is None else row.clause_id

    def cited(self, name: PolicyName, category: str | None = None) -> dict[str, Any]:
        """The rule as the details of a refusal."""
        return {"policy": name, "value": self._value(name, category), "clause": self.clause(name, category)}

    def _row(self, name: PolicyName, category: str | None) -> OrderPolicy | None:
        return self.rows.get((name, category or "")) or self.rows.get((name, ""))

    def _limit(self, name: PolicyName, category: str | None = None) -> int | None:
        value = self._value(name, category)
        return None if value == UNLIMITED else int(value)

    def _value(self, name: PolicyName, category: str | None = None) -> Any:
        row = self._row(name, category)
        rule = _RULES[name]
        if row is None:
            return rule.default
        try:
            return rule.type.validate_python(row.value, strict=True)
        except ValidationError as error:
            raise StateConflict(
                f"The shop's order policy '{name}' has a value that cannot be used: {_why(error)}.",
                hint="An admin has to correct the policy.",
            ) from None


async def load_rules(store: Store) -> OrderRules:
    """The policy of the caller's shop."""
    return OrderRules({(row.name, row.category): row for row in await store.all(select(OrderPolicy))})


def _why(error: ValidationError) -> str:
    return str(error.errors()[0]["msg"])

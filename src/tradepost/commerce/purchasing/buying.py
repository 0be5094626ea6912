"""What a supplier's terms make of a quantity: minimum order, packs, and the price of a line."""

from tradepost.foundation.errors import InvalidArgument


def to_terms(quantity: int, moq: int, pack_size: int) -> int:
    """The smallest quantity of at least `quantity` that the supplier sells."""
    wanted = max(quantity, moq)
    return -(-wanted // pack_size) * pack_size


def require_terms(sku: str, quantity: int, moq: int, pack_size: int, field: str) -> None:
    """Raise InvalidArgument, with the numbers, for a quantity that the supplier does not sell."""
    fitting = to_terms(quantity, moq, pack_size)
    if quantity < moq:
        raise InvalidArgument(
            f"{quantity} units of {sku} are below the supplier's minimum order of {moq}.",
            hint=f"Order {fitting} or more, in packs of {pack_size}.",
            field=field,
        )
    if quantity % pack_size:
        lower = max(quantity // pack_size * pack_size, 0)
        below = f"{lower} or " if lower >= max(moq, 1) else ""
        raise InvalidArgument(
            f"{quantity} units of {sku} are no multiple of the pack size {pack_size}.",
            hint=f"Order {below}{fitting}.",
            field=field,
        )


def line_cost(quantity: int, scale: int, cost_minor: int) -> int:
    """The price of so many 10^-scale units at a cost per whole unit, half a minor unit rounded up."""
    whole: int = 10**scale
    return (2 * quantity * cost_minor + whole) // (2 * whole)

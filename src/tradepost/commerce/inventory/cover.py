"""How long stock lasts and how much of it is needed: the arithmetic of replenishment, in whole numbers.

Quantities count in 10^-scale units, demand in thousandths of a whole unit per day, so that nothing is rounded before
the end.
"""

from datetime import datetime, timedelta

LONGEST_COVER_DAYS = 3650


def milli_per_day(demand_milli: int, scale: int) -> int:
    """Demand per day in thousandths of a quantity unit."""
    whole: int = 10**scale
    return demand_milli * whole


def days_of_cover(available: int, demand_milli: int, scale: int = 0) -> float | None:
    """Days until the available units are sold, None where nothing is sold."""
    if demand_milli <= 0:
        return None
    return round(available * 1000 / milli_per_day(demand_milli, scale), 1)


def stockout_at(now: datetime, available: int, demand_milli: int, scale: int = 0) -> datetime | None:
    """When the available units are sold; None where nothing is sold, or not within ten years."""
    if demand_milli <= 0:
        return None
    seconds = available * 1000 * 86_400 // milli_per_day(demand_milli, scale)
    if seconds > LONGEST_COVER_DAYS * 86_400:
        return None
    return now + timedelta(seconds=seconds)


def demand_over(days: int, demand_milli: int, scale: int = 0) -> int:
    """Units sold in so many days, rounded up."""
    return -(-milli_per_day(demand_milli, scale) * days // 1000)


def amount_text(quantity: int, scale: int = 0, unit: str = "C62") -> str:
    """A quantity as people write it: "12" pieces, "2.5 KGM"."""
    if scale == 0:
        return str(quantity)
    sign = "-" if quantity < 0 else ""
    whole, fraction = divmod(abs(quantity), 10**scale)
    digits = f"{fraction:0{scale}d}".rstrip("0")
    return f"{sign}{whole}{'.' + digits if digits else ''} {unit}"

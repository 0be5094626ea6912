"""Figures as reports write them."""


def money(micros: int | None) -> str:
    """Millionths of a US dollar."""
    return "–" if micros is None else f"${micros / 1_000_000:.4f}"


def share(part: float) -> str:
    """A share as a percentage."""
    return f"{100 * part:.0f} %" if part in (0, 1) else f"{100 * part:.1f} %"

"""What the way out needs of whoever does the work there."""

from collections.abc import Mapping
from typing import Any, Protocol

Json = dict[str, Any]


class Refused(Exception):
    """The other side said no, for good: sending the same again would be in vain."""


class Unreachable(Exception):
    """The other side did not answer, or asked to come back later."""


class Outcome(dict[str, Any]):
    """What the other side answered: `reference` (its name for it) and whatever else it told (`tracking_number`)."""

    @property
    def reference(self) -> str | None:
        """How the other side calls what it did."""
        found = self.get("reference")
        return str(found)[:200] if found else None


class Port(Protocol):
    """A mail server, carrier, payment provider or SMS sender."""

    async def send(self, kind: str, key: str, request: Mapping[str, Any]) -> Outcome:
        """Do one effect. `key` names it: done twice under one key it happens once. Raises Refused or Unreachable."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


PORTS: Mapping[str, tuple[str, ...]] = {
    "mail": ("email",),
    "sms": ("sms",),
    "carrier": ("buy_label", "void_label", "return_label", "file_claim"),
    "payments": ("charge", "authorize", "capture", "void_payment", "refund", "dispute_evidence"),
}
PORT_OF = {kind: port for port, kinds in PORTS.items() for kind in kinds}

"""Whether a tool of one server can take the place of the tool of the same name of another: what agents send has to be
taken, what comes back has to be what they expect, and what governs the calls has to stay as it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tradepost.hub.registration.contract.fitting import misfits
from tradepost.hub.registry.hidden_arguments import without
from tradepost.hub.registry.injection import Injection, injection_of
from tradepost.hub.registry.pinned import KEY_PARAMETER, pinned

Json = dict[str, Any]
Place = Literal["input", "output", "rules"]
_AS: Mapping[str, str] = {"read": "a read", "write": "a write", "destructive": "destructive"}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a tool does not fit. Without `certain` it may fit after all, and an admin may say that it does."""

    about: Place
    text: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as a server offers it: its pinned definition and what an admin set for it."""

    definition: str
    digest: str
    kind: Literal["builtin", "remote"]
    tool_class: str
    scope: str | None
    moves_money: bool
    injected: Injection | None

    @classmethod
    def of(cls, server: Any, entry: Any, governed_by: Any = None) -> "Offer":
        """The offer of a registry row; class and scope are those of another row, where that is said."""
        rules = governed_by or entry
        injected = injection_of(server.settings, entry.settings, entry.definition, server.url)
        return cls(
            entry.definition,
            entry.digest,
            "builtin" if server.kind == "builtin" else "remote",
            rules.tool_class,
            rules.scope,
            rules.moves_money,
            injected,
        )

    @property
    def input(self) -> Any:
        """The schema of what agents send that goes on to the server."""
        hidden = self.injected.hidden if self.injected is not None else frozenset()
        # A tool that names no arguments has none.
        return without({"properties": {}, **(self._part("inputSchema") or {})}, hidden)

    @property
    def output(self) -> Any:
        """The schema of structured results; None without one."""
        return self._part("outputSchema")

    @property
    def takes_any_key(self) -> bool:
        """Whether the hub takes an idempotency key for it that the server never sees."""
        return self.kind == "remote" and self.tool_class != "read" and pinned(self.definition).key_parameter is None

    def _part(self, name: str) -> Any:
        return pinned(self.definition).definition.get(name)


def reasons_against(old: Offer, new: Offer) -> list[Reason]:
    """Why the new tool cannot take the place of the old one; empty when it can."""
    return [*_of_input(old, new), *_of_output(old, new), *_of_rules(old, new)]


def _of_input(old: Offer, new: Offer) -> Iterator[Reason]:
    sent = without(old.input, frozenset({KEY_PARAMETER})) if new.takes_any_key else old.input
    for one in misfits(sent, new.input):
        yield Reason("input", f"{one.place or 'arguments'}: was {one.narrow}; is {one.wide}.", one.certain)


def _of_output(old: Offer, new: Offer) -> Iterator[Reason]:
    if old.output is None:
        return
    if new.output is None:
        yield Reason("output", "It does not say what its results look like, and the old one does.", certain=False)
        return
    for one in misfits(new.output, old.output):
        yield Reason("output", f"{one.place or 'result'}: was {one.wide}; is {one.narrow}.", one.certain)


def _of_rules(old: Offer, new: Offer) -> Iterator[Reason]:
    if old.tool_class != new.tool_class:
        before, after = _AS.get(old.tool_class, old.tool_class), _AS.get(new.tool_class, new.tool_class)
        yield Reason("rules", f"It counts as {after}, the old one as {before}.", certain=False)
    if old.scope != new.scope:
        yield Reason("rules", f"It needs {_scope(new)}, the old one {_scope(old)}.", certain=False)
    if old.moves_money and not new.moves_money:
        yield Reason("rules", "The old one counts as moving money, it does not.", certain=False)
    for name in sorted(_told(old) - _told(new)):
        yield Reason("rules", f"The old server is told of callers by {name}, the new one is not.", certain=False)


def _told(offer: Offer) -> set[str]:
    """What a server is told of its callers, in words."""
    injected = offer.injected
    if injected is None:
        return set()
    rules = (*injected.arguments, *injected.headers, *injected.meta)
    told = {f"the {rule.target} '{rule.name}'" for rule in rules}
    return told | ({"a signed statement"} if injected.audience else set())


def _scope(offer: Offer) -> str:
    return f"the scope {offer.scope}" if offer.scope is not None else "no scope"

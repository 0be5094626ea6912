"""Rules that say what the hub itself tells a server: which argument, header or `_meta` member gets which value, for a
whole server or for one of its tools.

A value is a constant that anybody may see, or it comes from the verified caller. Nothing secret belongs here:
credentials are the vault's. Rules stand in the settings of their server or tool, under `INJECT`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registry.pinned import KEY_PARAMETER, Json
from tradepost.hub.vault.header_rules import Header, checked_headers

Scalar = str | int | float | bool
TargetKind = Literal["argument", "header", "meta"]
TARGETS: Final[tuple[TargetKind, ...]] = ("argument", "header", "meta")

INJECT: Final = "inject"
ASSERTION: Final = "caller_assertion"
ASSERTION_HEADER: Final = "tradepost-caller"
MAX_RULES = 20  # of one server, and of one tool
MAX_TEXT = 1_000
MAX_NUMBER = 2**53 - 1
_ATTRIBUTE = "principal.attributes."
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_REQUEST = "request.id"
_LABEL = r"[A-Za-z]([A-Za-z0-9-]{0,60}[A-Za-z0-9])?"
_META = re.compile(rf"(?P<prefix>{_LABEL}(\.{_LABEL})+)/[A-Za-z0-9]([A-Za-z0-9_.-]{{0,100}}[A-Za-z0-9])?")
_NOT_OURS_TO_GIVE = frozenset({"mcp", "modelcontextprotocol", "tradepost"})
# Beside those that the vault refuses: what is a credential, or says in what form the request is.
_CLOSED_HEADERS = frozenset(
    {"authorization", "user-agent", "date", "origin", "referer", "range", "upgrade-insecure-requests"}
)


class Facts(NamedTuple):
    """The verified caller of a request, and what its workspace and agent are called."""

    caller: Caller
    workspace_slug: str | None = None
    agent_slug: str | None = None


_SOURCES: dict[str, Callable[[Facts], str | None]] = {
    "workspace.id": lambda facts: facts.caller.workspace_id,
    "workspace.slug": lambda facts: facts.workspace_slug,
    "agent.id": lambda facts: facts.caller.agent_id,
    "agent.slug": lambda facts: facts.agent_slug,
    "user.id": lambda facts: facts.caller.user_id,
    "principal.id": lambda facts: facts.caller.principal.id,
    "principal.kind": lambda facts: facts.caller.principal.kind,
    "principal.customer_id": lambda facts: facts.caller.attributes.get("customer"),
    _REQUEST: lambda facts: facts.caller.request_id,
}
NAMES: Final = frozenset({"workspace.slug", "agent.slug"})
SOURCES: Final = (*_SOURCES, f"{_ATTRIBUTE}NAME")


@dataclass(frozen=True, slots=True)
class Rule:
    """One of them. Without a `source` the value is the constant. An `optional` one is left out for callers that do not
    have its source; for all others the call is refused then."""

    target: TargetKind
    name: str
    source: str | None = None
    constant: Scalar | None = None
    optional: bool = False

    @property
    def key(self) -> tuple[TargetKind, str]:
        """What a server or tool has one rule for. Header names have no case."""
        return self.target, self.name.lower() if self.target == "header" else self.name

    @property
    def is_ambient(self) -> bool:
        """Whether its value is the same for everybody in the workspace."""
        return self.source is None or self.source.startswith("workspace.")

    def value(self, facts: Facts) -> Scalar | None:
        """What the caller's requests carry; None where the caller has no such thing."""
        if self.source is None:
            return self.constant
        if self.source.startswith(_ATTRIBUTE):
            return facts.caller.attributes.get(self.source.removeprefix(_ATTRIBUTE))
        return _SOURCES[self.source](facts)

    def as_stored(self) -> Json:
        """The rule as it stands in settings."""
        value: Json = {"constant": self.constant} if self.source is None else {"source": self.source}
        return {"target": self.target, "name": self.name, **value, **({"optional": True} if self.optional else {})}


def stored_rules(settings: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules in the settings of a server or a tool."""
    return tuple(Rule(**stored) for stored in settings.get(INJECT, ()))


def checked_rule(given: Mapping[str, object]) -> Rule:
    """A rule from outside: target, name, and source or constant. Raises InvalidArgument."""
    unknown = sorted(given.keys() - {"target", "name", "source", "constant", "optional"})
    if unknown:
        raise InvalidArgument(f"A rule has no '{unknown[0][:40]}'.", field=unknown[0][:40])
    target, name, optional = given.get("target"), given.get("name"), given.get("optional", False)
    if target not in TARGETS:
        raise InvalidArgument(
            f"'{str(target)[:40]}' is nothing that can be set.", hint="It is argument, header or meta.", field="target"
        )
    if not isinstance(name, str) or not 0 < len(name) <= 200 or not name.isprintable():
        raise InvalidArgument("A rule needs the name of what it sets.", field="name")
    if not isinstance(optional, bool):
        raise InvalidArgument("'optional' is true or false.", field="optional")
    if ("source" in given) == ("constant" in given):
        raise InvalidArgument(f"The rule for '{name}' needs a source or a constant, and one of them.", field="source")
    source = constant = None
    if "source" in given:
        source = _checked_source(given["source"])
    else:
        constant = _checked_constant(name, given["constant"])
    rule = Rule(target, name, source, constant, optional and source is not None)
    _check_name(rule)
    return rule


def checked_number(rules: Sequence[Rule]) -> Sequence[Rule]:
    """Raises InvalidArgument where there are too many."""
    if len(rules) > MAX_RULES:
        raise InvalidArgument(f"More than {MAX_RULES} rules.", hint="Remove some first.")
    return rules


def _checked_source(source: object) -> str:
    name = source if isinstance(source, str) else ""
    attribute = name.removeprefix(_ATTRIBUTE) if name.startswith(_ATTRIBUTE) else None
    if name not in _SOURCES and (attribute is None or not _ATTRIBUTE_NAME.fullmatch(attribute)):
        raise InvalidArgument(
            f"'{str(source)[:60]}' is no source.", hint=f"There are: {', '.join(SOURCES)}.", field="source"
        )
    return name


def _checked_constant(name: str, value: object) -> Scalar:
    if not isinstance(value, str | int | float) or (isinstance(value, str) and not _is_text(value)):
        raise InvalidArgument(
            f"The constant for '{name}' is no text of at most {MAX_TEXT} characters, number, true or false.",
            hint="Nothing secret belongs here: credentials are headers of the server, kept in the vault.",
            field="constant",
        )
    if not isinstance(value, str) and not abs(value) <= MAX_NUMBER:  # nor one that is no number
        raise InvalidArgument(f"The constant for '{name}' is no number that every JSON reader takes.", field="constant")
    return value


def _is_text(value: str) -> bool:
    return len(value) <= MAX_TEXT and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _check_name(rule: Rule) -> None:
    if rule.target == "argument":
        if rule.name == KEY_PARAMETER:
            raise InvalidArgument("The idempotency key is the caller's own.", field="name")
        if rule.source == _REQUEST:
            raise InvalidArgument(
                "As an argument, request.id would make every repetition of a call another call.",
                hint="Send it as a header or in _meta.",
                field="source",
            )
    elif rule.target == "header":
        _check_header(rule)
    else:
        found = _META.fullmatch(rule.name)
        if found is None or not _NOT_OURS_TO_GIVE.isdisjoint(found["prefix"].lower().split(".")):
            raise InvalidArgument(
                f"'{rule.name}' is no name of yours in _meta.",
                hint="Write it with a domain of your own before a slash, for example com.example/tenant.",
                field="name",
            )


def _check_header(rule: Rule) -> None:
    name = rule.name.lower()
    checked_headers([Header(rule.name, "x")])
    if name in _CLOSED_HEADERS or name.startswith(("content-", "sec-", "access-control-")):
        raise InvalidArgument(
            f"The header '{rule.name}' cannot be set by a rule.",
            hint="Credentials are headers of the server, kept in the vault; name a header of your own.",
            field="name",
        )
    if rule.source is None:
        checked_headers([Header(rule.name, header_text(rule.constant), hidden=False)])


def header_text(value: Scalar | None) -> str:
    """A value as a header has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)

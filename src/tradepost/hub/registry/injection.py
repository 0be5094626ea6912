"""The rules for one tool, resource or prompt, compiled: its own go before its server's. What they give for a caller.

Values come from the verified caller alone. A caller that lacks one is refused before anything is sent, unless the rule
is optional; what the model sent under such a name never goes on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradepost.foundation.errors import ForbiddenScope
from tradepost.hub.registry.hidden_arguments import kinds_of
from tradepost.hub.registry.injection_rules import (
    ASSERTION,
    INJECT,
    NAMES,
    Facts,
    Rule,
    Scalar,
    header_text,
    stored_rules,
)
from tradepost.hub.registry.pinned import Json, pinned
from tradepost.hub.vault.header_rules import is_header_value
from tradepost.protocol.api_marks import web_url
from tradepost.protocol.options import NOTHING_BESIDE, Beside

_WHOLE = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Injection:
    """What the hub tells a server with each request for one entry. `arguments` are those that the tool declares,
    `never_sent` all names under which nothing of the model's goes on, `whole` the arguments that are whole numbers,
    `audience` whom a signed assertion about the caller is for."""

    arguments: tuple[Rule, ...] = ()
    never_sent: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    headers: tuple[Rule, ...] = ()
    meta: tuple[Rule, ...] = ()
    audience: str | None = None

    @property
    def hidden(self) -> frozenset[str]:
        """The arguments that the model does not see."""
        return frozenset(rule.name for rule in self.arguments)

    @property
    def asks_names(self) -> bool:
        """Whether a rule sends what the workspace or the agent is called."""
        return any(rule.source in NAMES for rule in (*self.arguments, *self.headers, *self.meta))

    @property
    def tells(self) -> bool:
        """Whether requests carry anything beside their arguments."""
        return bool(self.headers or self.meta or self.audience)

    def arguments_in(self, given: Json, facts: Facts) -> Json:
        """The arguments as the server gets them. Raises ForbiddenScope where the caller has no such thing."""
        kept = {name: value for name, value in given.items() if name not in self.never_sent}
        for rule in self.arguments:
            value = _required(rule, facts)
            if value is not None:
                kept[rule.name] = _whole(rule, str(value)) if rule.name in self.whole and rule.source else value
        return kept

    def beside(self, facts: Facts) -> Beside:
        """Headers and `_meta` for this caller. Raises ForbiddenScope."""
        return beside_of((*self.headers, *self.meta), facts)


def injection_of(
    server: Mapping[str, Any], tool: Mapping[str, Any], definition: str | None, url: str | None
) -> Injection | None:
    """What the settings of a server and of a tool come to; None where nobody set a rule. `definition` is the text of a
    tool, None for what takes no arguments of ours."""
    if INJECT not in server and INJECT not in tool and ASSERTION not in server:
        return None
    rules = list({rule.key: rule for rule in (*stored_rules(server), *stored_rules(tool))}.values())
    named = [rule for rule in rules if rule.target == "argument"] if definition is not None else []
    kinds = {rule.name: kinds_of(_input_schema(definition or "{}"), rule.name) for rule in named}
    asserted = server.get(ASSERTION)
    made = Injection(
        arguments=tuple(rule for rule in named if kinds[rule.name] is not None),
        never_sent=frozenset(kinds),
        whole=frozenset(name for name, found in kinds.items() if takes_whole_numbers(found)),
        headers=tuple(rule for rule in rules if rule.target == "header"),
        meta=tuple(rule for rule in rules if rule.target == "meta"),
        audience=asserted if isinstance(asserted, str) else web_url(url) if asserted is True and url else None,
    )
    return made if made.never_sent or made.tells else None


def takes_whole_numbers(kinds: frozenset[str] | None) -> bool:
    """Whether an argument of these types takes numbers and no texts."""
    return bool(kinds) and "string" not in (kinds or ()) and not {"integer", "number"}.isdisjoint(kinds or ())


def beside_of(rules: tuple[Rule, ...], facts: Facts) -> Beside:
    """Headers and `_meta` that rules give. Raises ForbiddenScope for what the caller does not have, and for a value
    that no header carries."""
    headers: dict[str, str] = {}
    meta: Json = {}
    for rule in rules:
        value = _required(rule, facts)
        if value is None:
            continue
        if rule.target == "meta":
            meta[rule.name] = value
            continue
        headers[rule.name.lower()] = text = header_text(value)
        if not is_header_value(text):
            raise ForbiddenScope(
                f"This caller's {rule.source} cannot be sent in the header {rule.name}: it is not visible ASCII text.",
                hint="Nothing was sent. An admin can mend the value, or send it as an argument or in _meta.",
            )
    return Beside(headers, meta) if headers or meta else NOTHING_BESIDE


def _required(rule: Rule, facts: Facts) -> Scalar | None:
    value = rule.value(facts)
    if value is None and not rule.optional:
        raise ForbiddenScope(
            f"The server is told who calls ({rule.name}), and this caller has no {rule.source}.",
            hint="Nothing was sent. Call as somebody who has it, or ask an admin to bind this caller to it.",
            details={"source": rule.source},
        )
    return value


def _whole(rule: Rule, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ForbiddenScope(
            f"'{rule.name}' is a whole number, and this caller's {rule.source} is not.",
            hint="Nothing was sent. An admin can mend the value.",
            details={"source": rule.source},
        )
    return int(text)


def _input_schema(text: str) -> Any:
    return pinned(text).definition.get("inputSchema")

"""Headers of servers in a file: that they exist, never what they say. Values come from the environment of whoever
imports, under names that only this server's headers have; no file can ask for another variable."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tradepost.hub.registration.configuration.document import HeaderPart, ServerPart
from tradepost.hub.upstreams.programs import SCHEME
from tradepost.hub.vault.header_rules import Header

PREFIX = "TRADEPOST_HEADER_"
_OTHER = re.compile("[^A-Z0-9]")


@dataclass(frozen=True, slots=True)
class Values:
    """What is known of values: `given` by whoever imports, and `stored` in the vault of servers that have some given or
    some of other names. By server, then by header in lower case."""

    given: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    stored: Mapping[str, Mapping[str, Header]] = field(default_factory=dict, repr=False)

    def of(self, server: str) -> "Values":
        """Those of one server alone."""
        return Values(
            {server: self.given.get(server, {})}, {server: self.stored[server]} if server in self.stored else {}
        )

    def given_for(self, server: str, header: str) -> str | None:
        """A value from outside."""
        return self.given.get(server, {}).get(header.lower())

    def stored_for(self, server: str, header: str) -> str | None:
        """A value of the vault."""
        found = self.stored.get(server, {}).get(header.lower())
        return found.value if found is not None else None


def variable_of(server: str, header: str) -> str:
    """TRADEPOST_HEADER_TRACKER__AUTHORIZATION: what the variable with a header's value is called."""
    return f"{PREFIX}{_OTHER.sub('_', server.upper())}__{_OTHER.sub('_', header.upper())}"


def values_in(environment: Mapping[str, str], servers: list[ServerPart]) -> dict[str, dict[str, str]]:
    """The values that an environment has for headers of these servers."""
    found: dict[str, dict[str, str]] = {}
    for server in servers:
        for header in server.headers:
            value = environment.get(variable_of(server.slug, header.name))
            if value:
                found.setdefault(server.slug, {})[header.name.lower()] = value
    return found


def compare_headers(
    part: ServerPart, now: ServerPart | None, values: Values
) -> tuple[dict[str, tuple[Any, Any]], list[HeaderPart]]:
    """The member `headers` where it changes, with names alone, and the headers that nobody has a value for."""
    if not part.says("headers") or (part.url or "").startswith(SCHEME):
        return {}, []
    moved = now is not None and part.says("url") and part.url != now.url and not same_origin(part.url, now.url)
    there = {header.name.lower(): header for header in now.headers} if now is not None and not moved else {}
    wanted = {header.name.lower(): header for header in part.headers}
    missing, kept, others = [], [], []
    for name, header in wanted.items():
        given = values.given_for(part.slug, name)
        if given is None and name not in there:
            missing.append(header)
            continue
        kept.append(header.name)
        is_other = given is not None and given != values.stored_for(part.slug, name)
        # A value that was hidden is shown again to nobody; one that was shown can be hidden from now on.
        hides = name in there and header.secret and not there[name].secret
        if is_other or hides or name not in there:
            others.append(header.name)
    before = [header.name for header in now.headers] if now is not None else []
    if not others and {name.lower() for name in before} == {name.lower() for name in kept}:
        return {}, missing
    after = [f"{name} (value)" if name in others and name in before else name for name in kept]
    return {"headers": (before, after)}, missing


def same_origin(one: str | None, other: str | None) -> bool:
    """Whether two URLs are of one scheme, host and port, as they are written."""
    return (one or "").split("/", 3)[:3] == (other or "").split("/", 3)[:3]

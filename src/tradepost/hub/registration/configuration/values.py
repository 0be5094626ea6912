"""Secrets of servers in a file: that they exist, never what they say. Values come from the environment of whoever
imports, under names that only this server's secrets have; no file can ask for another variable."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tradepost.hub.registration.configuration.document import ServerPart
from tradepost.hub.vault.header_rules import Header

PREFIX = "TRADEPOST_HEADER_"
URL_PREFIX = "TRADEPOST_URL_"
CLIENT_PREFIX = "TRADEPOST_CLIENT_SECRET_"
_OTHER = re.compile("[^A-Z0-9]")


@dataclass(frozen=True, slots=True)
class Given:
    """Values from whoever imports, by server: of headers (by name in lower case), of secret URLs, of the secrets of
    OAuth clients."""

    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    client_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


NOTHING_GIVEN = Given()


@dataclass(frozen=True, slots=True)
class Values:
    """What is known of values: `given` by whoever imports; and of servers that some were given for, those that the
    vault has: `headers`, without which the others could not be kept, `urls` and `client_secrets`."""

    given: Given = NOTHING_GIVEN
    headers: dict[str, dict[str, Header]] = field(default_factory=dict, repr=False)
    urls: dict[str, str | None] = field(default_factory=dict, repr=False)
    client_secrets: dict[str, str | None] = field(default_factory=dict, repr=False)

    def given_for(self, server: str, header: str) -> str | None:
        """A header's value from outside."""
        return self.given.headers.get(server, {}).get(header.lower())

    def stored_for(self, server: str, header: str) -> str | None:
        """A header's value in the vault."""
        found = self.headers.get(server, {}).get(header.lower())
        return found.value if found is not None else None


def variable_of(server: str, header: str) -> str:
    """TRADEPOST_HEADER_TRACKER__AUTHORIZATION: what the variable with a header's value is called."""
    return f"{PREFIX}{_upper(server)}__{_upper(header)}"


def url_variable(server: str) -> str:
    """TRADEPOST_URL_TRACKER: what the variable with a server's secret URL is called."""
    return f"{URL_PREFIX}{_upper(server)}"


def client_variable(server: str) -> str:
    """TRADEPOST_CLIENT_SECRET_TRACKER: what the variable with the secret of a server's OAuth client is called."""
    return f"{CLIENT_PREFIX}{_upper(server)}"


def values_in(environment: Mapping[str, str], servers: Sequence[ServerPart]) -> Given:
    """The values that an environment has for these servers."""
    headers: dict[str, dict[str, str]] = {}
    for server in servers:
        for header in server.headers:
            value = environment.get(variable_of(server.slug, header.name))
            if value:
                headers.setdefault(server.slug, {})[header.name.lower()] = value
    urls = {one.slug: environment.get(url_variable(one.slug)) for one in servers if one.secret_url}
    with_secret = [one.slug for one in servers if one.oauth is not None and one.oauth.client_secret]
    secrets = {slug: environment.get(client_variable(slug)) for slug in with_secret}
    return Given(headers, _there(urls), _there(secrets))


def _there(found: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in found.items() if value}


def _upper(name: str) -> str:
    return _OTHER.sub("_", name.upper())

"""Picking a server from a registry: what it wants to know, and its registration here like that of any other server."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.access.slugs import MAX_LENGTH, checked_slug
from tradepost.hub.registration.offers import DeclaredHeader, Input, Offer, RemoteOffer, filled
from tradepost.hub.registration.servers import Servers
from tradepost.hub.registry.models import Server
from tradepost.hub.vault.header_rules import Header

_IN_URL = re.compile(r"(?!\.+$)[A-Za-z0-9._~-]{1,200}")
_WHOLE_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,253}(/[A-Za-z0-9._~/-]{0,500})?")
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Picked:
    """A server that was registered, and the headers it gets, by name."""

    server: Server
    headers: tuple[str, ...]


def questions(offer: Offer) -> list[Input]:
    """What has to be known to connect to a server, each once. Raises StateConflict for one that has no remote."""
    remote = _remote(offer)
    found: dict[str, Input] = {one.name: one for one in remote.variables}
    for header in remote.headers:
        asked = header.variables if header.template is not None else (header.value,)
        for one in asked:
            found.setdefault(one.name, one)
    return list(found.values())


async def pick(
    servers: Servers, by: Caller, offer: Offer, values: Mapping[str, str], slug: str | None = None
) -> Picked:
    """Register the offer's remote with the values given (see `questions`). Nothing is connected and no tool of it is
    visible yet. A URL that holds a secret is one itself. Raises InvalidArgument that names what is missing."""
    remote, asked = _remote(offer), questions(offer)
    known = _checked(asked, values)
    url = _url(remote, known)
    headers = [made for made in (_made(header, known) for header in remote.headers) if made is not None]
    short = checked_slug(slug or slug_of(offer.name))
    hides = any(one.secret for one in remote.variables)
    server = await servers.register(by, short, url, headers, name=offer.title or offer.name, hide_url=hides)
    return Picked(server, tuple(header.name for header in headers))


def slug_of(name: str) -> str:
    """A short name out of the registry's: the part behind the slash."""
    words = _NOT_IN_SLUG.sub("-", name.rpartition("/")[2].lower()).strip("-").lstrip("-0123456789")
    return words[:MAX_LENGTH].strip("-") or "server"


def _remote(offer: Offer) -> RemoteOffer:
    if offer.status == "deleted":
        raise StateConflict(f"'{offer.name}' is deleted in the registry.", hint="Pick another server.")
    remote = offer.remote
    if remote is None and offer.packages:
        raise StateConflict(
            f"'{offer.name}' has no endpoint, only packages to be run: {', '.join(offer.packages[:3])}.",
            hint="The operator can put it into the file that TRADEPOST_SERVERS_FILE names and add it with "
            "`tradepost server add SLUG stdio:NAME`.",
        )
    if remote is None:
        raise StateConflict(f"'{offer.name}' has no endpoint that could be added.", hint="Pick another server.")
    host = "/".join(remote.url.split("/", 3)[:3])
    for one in remote.variables:
        named = "{" + one.name + "}"
        if one.secret and named in host and not remote.url.startswith(named):
            raise StateConflict(
                f"The host of '{offer.name}' holds a secret ({one.name}), and a host's name is none.",
                hint="Ask its publisher for another way in.",
            )
    return remote


def _checked(asked: Sequence[Input], given: Mapping[str, str]) -> dict[str, str]:
    """The values by name: those given, and defaults. Raises InvalidArgument."""
    by_name = {one.name.lower(): one for one in asked}
    unknown = sorted(name for name in given if name.lower() not in by_name)
    if unknown:
        names = ", ".join(one.name for one in asked) or "nothing"
        raise InvalidArgument(f"The server does not ask for '{unknown[0][:60]}'.", hint=f"It asks for: {names}.")
    known = {}
    lower = {name.lower(): value for name, value in given.items()}
    missing = []
    for one in asked:
        value = lower.get(one.name.lower()) or one.default or ""
        if not value and one.required:
            missing.append(one.name)
        elif value and one.choices and value not in one.choices:
            raise InvalidArgument(f"'{one.name}' is one of: {', '.join(one.choices)}.", field=one.name)
        elif value:
            known[one.name] = value
    if missing:
        raise InvalidArgument(
            f"The server needs a value of: {', '.join(missing)}.", field=missing[0], hint="Give each a value."
        )
    return known


def _url(remote: RemoteOffer, known: Mapping[str, str]) -> str:
    for one in remote.variables:
        whole = remote.url.startswith("{" + one.name + "}")
        if not (_WHOLE_URL if whole else _IN_URL).fullmatch(known[one.name]):
            raise InvalidArgument(
                f"'{one.name}' cannot stand in a URL.", field=one.name, hint="Use letters, digits, '.', '_' and '-'."
            )
    return filled(remote.url, known)


def _made(header: DeclaredHeader, known: Mapping[str, str]) -> Header | None:
    if header.template is None:
        value = known.get(header.value.name)
        return Header(header.value.name, value, header.secret) if value else None
    return Header(header.value.name, filled(header.template, known), header.secret)

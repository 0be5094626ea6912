"""The authentication schemes of a document, and the headers that a credential for one of them comes to."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.openapi.references import Document, Unusable
from tradepost.hub.upstreams.rest.plan import cookie_header, query_header
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.managers.references import holds_reference

AUTHORIZATION = "Authorization"
_COOKIE_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,60}")
_COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]+")
_PLACES = {"query": "query parameter", "header": "header", "cookie": "cookie"}


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme: what it is called, what kind it is, and where its credential goes (the name of a header, a query
    parameter or a cookie). `token_url` and `scopes` are those of OAuth's client credentials."""

    name: str
    kind: str
    place: str
    token_url: str | None = None
    scopes: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """In words."""
        where = _PLACES.get(self.kind.removeprefix("apiKey-"))
        return f"API key in the {where} {self.place}" if where is not None else self.kind


def schemes_of(document: Document) -> dict[str, Scheme]:
    """The schemes that the hub can serve, by name. Client certificates are none."""
    components = document.raw.get("components")
    declared = components.get("securitySchemes") if isinstance(components, dict) else None
    found: dict[str, Scheme] = {}
    for name, node in declared.items() if isinstance(declared, dict) else ():
        try:
            scheme = _scheme(name, document.object(node))
        except Unusable:
            continue
        if scheme is not None:
            found[name] = scheme
    return found


def reserved_names(document: Document) -> frozenset[str]:
    """Names of parameters that carry a credential: no tool has them as arguments. Headers in lower case."""
    return frozenset(
        one.place if one.kind in ("apiKey-query", "apiKey-cookie") else one.place.lower()
        for one in schemes_of(document).values()
    )


def headers_for(document: Document, given: Mapping[str, str]) -> list[Header]:
    """The sealed headers of credentials by scheme. Raises InvalidArgument; no message holds a value."""
    schemes = schemes_of(document)
    made: dict[str, Header] = {}
    for name, value in given.items():
        scheme = schemes.get(name)
        if scheme is None:
            known = ", ".join(f"{one.name} ({one.says})" for one in schemes.values()) or "none"
            raise InvalidArgument(
                f"The document has no authentication scheme '{clean(name, 60)}' that can be used.",
                field="credentials",
                hint=f"It has: {clean(known, 400)}. A header can be given as such.",
            )
        header = _header(scheme, value)
        if header.name.lower() in made:
            raise InvalidArgument(
                f"Two credentials would both be sent as '{header.name}'.", field="credentials", hint="Give one of them."
            )
        made[header.name.lower()] = header
    return list(made.values())


def _scheme(name: str, node: Mapping[str, object]) -> Scheme | None:
    kind, place = node.get("type"), node.get("in")
    if kind == "apiKey" and isinstance(place, str) and place in _PLACES and isinstance(node.get("name"), str):
        named = str(node["name"])
        return Scheme(name, f"apiKey-{place}", named) if place != "cookie" or _COOKIE_NAME.fullmatch(named) else None
    if kind == "http":
        way = str(node.get("scheme", "")).lower()
        return Scheme(name, way, AUTHORIZATION) if way in ("bearer", "basic") else None
    if kind in ("oauth2", "openIdConnect"):
        flows = node.get("flows")
        flow = flows.get("clientCredentials") if isinstance(flows, dict) else None
        if not isinstance(flow, dict):
            return Scheme(name, str(kind), AUTHORIZATION)
        url, scopes = flow.get("tokenUrl"), flow.get("scopes")
        known = tuple(scope for scope in scopes if isinstance(scope, str)) if isinstance(scopes, dict) else ()
        return Scheme(name, str(kind), AUTHORIZATION, url if isinstance(url, str) else None, known)
    return None


def _header(scheme: Scheme, value: str) -> Header:
    if scheme.kind == "apiKey-query":
        return Header(query_header(scheme.place), value)
    if scheme.kind == "apiKey-cookie":
        if not holds_reference(value) and not _COOKIE_VALUE.fullmatch(value):
            raise InvalidArgument(
                f"The credential for '{scheme.name}' has characters that no cookie has.",
                field="credentials",
                hint="Give the cookie's value as the API does, without its name, spaces and semicolons.",
            )
        return Header(cookie_header(scheme.place), value)
    if scheme.kind == "apiKey-header":
        return Header(scheme.place, value)
    if scheme.kind == "basic":
        if holds_reference(value):
            return Header(AUTHORIZATION, f"Basic {value}")  # encoded once it is read
        if ":" not in value:
            raise InvalidArgument(f"The credential for '{scheme.name}' is written user:password.", field="credentials")
        return Header(AUTHORIZATION, f"Basic {base64.b64encode(value.encode()).decode()}")
    return Header(AUTHORIZATION, f"Bearer {value}")  # a token that somebody has already, whoever issued it

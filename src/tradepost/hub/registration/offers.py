"""What a registry offers: its `server.json` documents, read leniently and as data. Texts are cleaned and cut; what has
no proper name is left out; nothing of it is used before a person has picked it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tradepost.foundation.untrusted import clean

OFFICIAL = "io.modelcontextprotocol.registry/official"
MAX_NAME = 200
MAX_TEXT = 300
MAX_PARTS = 20

Json = Mapping[str, Any]

_NAME = re.compile(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+")
_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]{0,99})\}")
_VERSION = re.compile(r"[\x21-\x7e]{1,255}")
_TELLING = re.compile(r"authori[sz]ation|cookie|token|secret|password|api-?_?key|credential", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Input:
    """A value that a server wants: of a header, or of a part of one or of its URL."""

    name: str
    description: str = ""
    required: bool = False
    secret: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredHeader:
    """A header that a remote wants. With a `template`, its variables are asked for, else the whole value."""

    value: Input
    template: str | None = None
    variables: tuple[Input, ...] = ()

    @property
    def secret(self) -> bool:
        """Whether its value is one, as far as the document says or the name tells."""
        return self.value.secret or any(one.secret for one in self.variables)


@dataclass(frozen=True, slots=True)
class RemoteOffer:
    """An endpoint: `type` is streamable-http or sse, `url` may hold variables in braces."""

    type: str
    url: str
    variables: tuple[Input, ...] = ()
    headers: tuple[DeclaredHeader, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """One server of a registry, in one version."""

    name: str
    version: str
    title: str = ""
    description: str = ""
    status: str = "active"
    website: str = ""
    remotes: tuple[RemoteOffer, ...] = ()
    packages: tuple[str, ...] = field(default=())

    @property
    def remote(self) -> RemoteOffer | None:
        """The endpoint to take: streamable HTTP before the old event streams."""
        return min(self.remotes, key=lambda one: one.type != "streamable-http", default=None)


def read_offer(found: object) -> Offer | None:
    """An offer out of an entry of a list or a single answer; None for what is none."""
    if not isinstance(found, Mapping):
        return None
    server = found.get("server", found)  # older registries put everything side by side
    if not isinstance(server, Mapping):
        return None
    name, version = server.get("name"), server.get("version")
    if not isinstance(name, str) or len(name) > MAX_NAME or not _NAME.fullmatch(name):
        return None
    return Offer(
        name=name,
        version=version if isinstance(version, str) and _VERSION.fullmatch(version) else "",
        title=_line(server.get("title"), 100),
        description=_line(server.get("description")),
        status=_status(found),
        website=_line(server.get("websiteUrl")),
        remotes=tuple(_remotes(server)),
        packages=tuple(_packages(server)),
    )


def _status(found: Json) -> str:
    about = _mapping(_mapping(found.get("_meta")).get(OFFICIAL))
    said = about.get("status") or _mapping(found.get("server")).get("status")
    return said if said in ("deprecated", "deleted") else "active"


def _remotes(server: Json) -> Iterator[RemoteOffer]:
    for one in _mappings(server.get("remotes")):
        kind = one.get("type") or one.get("transport_type") or one.get("transport")
        url = one.get("url")
        if kind in ("streamable-http", "streamable", "sse") and isinstance(url, str) and 0 < len(url) <= 2_048:
            headers = [header for header in map(_header, _mappings(one.get("headers"))) if header is not None]
            yield RemoteOffer(
                type="sse" if kind == "sse" else "streamable-http",
                url=url,
                variables=_variables(url, one.get("variables")),
                headers=tuple(headers),
            )


def _packages(server: Json) -> Iterator[str]:
    for one in _mappings(server.get("packages")):
        kind = _line(one.get("registryType") or one.get("registry_type") or one.get("registry_name"), 20)
        yield f"{kind or 'package'} {_line(one.get('identifier') or one.get('name'), 150)}".strip()


def _header(found: Json) -> DeclaredHeader | None:
    name = found.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 100:
        return None
    template = found.get("value")
    value = _input(name, found, _TELLING.search(name) is not None)
    if not isinstance(template, str) or not template or len(template) > 2_048:
        return DeclaredHeader(value)
    return DeclaredHeader(value, template, _variables(template, found.get("variables"), hidden=value.secret))


def _variables(template: str, declared: object, *, hidden: bool = False) -> tuple[Input, ...]:
    """The variables that stand in a text, each once, with what is said of them. One of which nothing is said has to be
    given, too: left as it is it would be sent in its braces."""
    said = _mapping(declared)
    names = list(dict.fromkeys(_VARIABLE.findall(template)))[:MAX_PARTS]
    found = []
    for name in names:
        one = _input(name, _mapping(said.get(name)), hidden or _TELLING.search(name) is not None)
        found.append(Input(one.name, one.description, True, one.secret, one.default, one.choices))
    return tuple(found)


def _input(name: str, found: Json, hidden: bool) -> Input:
    default = found.get("default")
    choices = found.get("choices")
    return Input(
        name=_line(name, 100),
        description=_line(found.get("description")),
        required=found.get("isRequired") is True or found.get("is_required") is True,
        secret=hidden or found.get("isSecret") is True or found.get("is_secret") is True,
        default=_line(default, MAX_TEXT) if isinstance(default, str) and default else None,
        choices=tuple(_line(one, 100) for one in choices[:MAX_PARTS] if isinstance(one, str))
        if isinstance(choices, list)
        else (),
    )


def filled(template: str, values: Mapping[str, str]) -> str:
    """A text with its variables replaced."""
    return _VARIABLE.sub(lambda match: values.get(match[1], match[0]), template)


def _line(value: object, cap: int = MAX_TEXT) -> str:
    """A text from outside, in one line."""
    return clean(" ".join(value[: cap * 4].split()), cap) if isinstance(value, str) else ""


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> list[Json]:
    return [one for one in value[:MAX_PARTS] if isinstance(one, Mapping)] if isinstance(value, list) else []

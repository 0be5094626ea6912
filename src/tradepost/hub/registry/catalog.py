"""What one principal can see: the compiled, ordered result of its assignments, as ready bytes and as lookup tables.

A catalog is made from registry rows alone, never from a live server, and is never changed: a registry change makes a
new one. Calls are routed by what stands here (server id, raw name), never by parsing a name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

from tradepost.hub.limits.settings import DEFAULTS, Limits
from tradepost.hub.policy.figures import Declared
from tradepost.hub.registry.arguments import ArgumentCheck
from tradepost.hub.registry.folding import Folded
from tradepost.hub.registry.injection import Injection
from tradepost.hub.registry.marked import Path
from tradepost.hub.registry.pinned import Json, pinned
from tradepost.hub.registry.schema_check import SchemaCheck
from tradepost.protocol.api_marks import REQUEST
from tradepost.protocol.parameter_headers import HeaderParameter

ServerKind = Literal["builtin", "remote"]
ToolClass = Literal["read", "write", "destructive"]
_VARIABLE = re.compile(r"\{[^{}]*\}")
_MOST_DECODED = 4  # times


class CatalogTool(NamedTuple):
    """One tool under the name its principal sees. `text` is the pinned Tool object as the server gave it, `injected`
    what the hub itself tells the server, None where there are no such rules; `figures` say in which arguments
    its amount and the like stand, `dry_run` which one makes it only say what it would do. A tuple, because a catalog
    may have a thousand of them."""

    entry_id: str
    server_id: str
    server_slug: str
    server_kind: ServerKind
    builtin_key: str | None
    raw_name: str
    exposed_name: str
    tool_class: ToolClass
    moves_money: bool
    scope: str | None
    text: str
    digest: str
    server_url: str | None
    credential_version: int
    limits: Limits
    injected: Injection | None = None
    figures: Declared | None = None
    dry_run: str | None = None

    @property
    def definition(self) -> Json:
        """The pinned Tool object. It is shared: nobody may change it."""
        return pinned(self.text).definition

    @property
    def key_parameter(self) -> str | None:
        """The argument in which the tool itself takes an idempotency key."""
        return pinned(self.text).key_parameter

    @property
    def request(self) -> Any:
        """What a tool of a REST API stands for, as it was approved; None for any other."""
        return (self.definition.get("_meta") or {}).get(REQUEST)

    @property
    def mirrored(self) -> tuple[HeaderParameter, ...]:
        """The arguments that clients repeat in headers."""
        return pinned(self.text).mirrored

    @property
    def mirrored_by_clients(self) -> tuple[HeaderParameter, ...]:
        """Those of them that clients know of."""
        if self.injected is None:
            return self.mirrored
        return tuple(one for one in self.mirrored if not self.injected.decides(one.path))

    @property
    def arguments_check(self) -> ArgumentCheck:
        """The check of arguments against the pinned inputSchema."""
        return pinned(self.text).arguments

    @property
    def marked(self) -> tuple[Path, ...]:
        """The fields of structured results that hold what outsiders wrote, as the pinned outputSchema says."""
        return pinned(self.text).marked

    @property
    def answer_check(self) -> SchemaCheck | None:
        """The check of structured results against the pinned outputSchema; None where there is none."""
        return pinned(self.text).answer


@dataclass(frozen=True, slots=True)
class CatalogResource:
    """A resource, or a template when `is_template`: then `uri` holds the braces. `watches`: its server may tell of
    changes."""

    entry_id: str
    server_id: str
    server_slug: str
    server_kind: ServerKind
    builtin_key: str | None
    uri: str
    is_template: bool
    definition: Json
    scope: str | None
    server_url: str | None = None
    credential_version: int = 0
    limits: Limits = DEFAULTS
    watches: bool = False
    injected: Injection | None = None


@dataclass(frozen=True, slots=True)
class CatalogPrompt:
    """A prompt of a server."""

    entry_id: str
    server_id: str
    server_slug: str
    server_kind: ServerKind
    builtin_key: str | None
    name: str
    definition: Json
    scope: str | None
    server_url: str | None = None
    credential_version: int = 0
    limits: Limits = DEFAULTS
    injected: Injection | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything one principal sees. The `*_json` members are ready JSON arrays in a stable order. `remotes` has one
    entry of each server that is not bundled. `folded` is there where `tools` are too many to be listed: then
    `tools_json` has the hub's own alone, and two of those find and load the others, which can be called all the same.
    """

    version: int
    tools: Mapping[str, CatalogTool] = field(default_factory=lambda: MappingProxyType({}))
    prompts: Mapping[str, CatalogPrompt] = field(default_factory=lambda: MappingProxyType({}))
    resources: Mapping[str, CatalogResource] = field(default_factory=lambda: MappingProxyType({}))
    templates: Sequence[CatalogResource] = ()
    tools_json: bytes = b"[]"
    resources_json: bytes = b"[]"
    templates_json: bytes = b"[]"
    prompts_json: bytes = b"[]"
    remotes: Sequence[CatalogTool | CatalogResource | CatalogPrompt] = ()
    server_slug: str | None = None
    server_title: str | None = None
    instructions: str = ""
    folded: Folded | None = None

    def find_resource(self, uri: str) -> CatalogResource | None:
        """The entry that answers for a URI: an exact one first, then the first template that fits."""
        exact = self.resources.get(uri)
        if exact is not None:
            return exact
        return next((entry for entry in self.templates if template_fits(entry.uri, uri)), None)

    def find_template(self, template: str) -> CatalogResource | None:
        """The entry of a template by its own text (for completions)."""
        return next((entry for entry in self.templates if entry.uri == template), None)


def template_fits(template: str, uri: str) -> bool:
    """Whether a URI is an expansion of an RFC 6570 level-1 template (each {name} stands for one segment)."""
    return _template_pattern(template).fullmatch(uri) is not None


def template_values(template: str, uri: str) -> dict[str, str]:
    """What a URI puts in place of each {name} of the template that it is an expansion of, in plain letters however
    often it was encoded. Names that stand there twice are told apart by number."""
    found = _template_pattern(template).fullmatch(uri)
    values: dict[str, str] = {}
    for name, value in zip(_VARIABLE.findall(template), () if found is None else found.groups(), strict=False):
        own = name[1:-1]
        values[own if own not in values else f"{own}.{len(values)}"] = _decoded(value)
    return values


def _decoded(value: str) -> str:
    for _ in range(_MOST_DECODED):
        plain = unquote(value)
        if plain == value:
            break
        value = plain
    return value


@lru_cache(maxsize=4096)
def _template_pattern(template: str) -> re.Pattern[str]:
    # One class of characters per variable, never nested: the match runs in linear time.
    return re.compile("([^/?#{}\\s]+)".join(re.escape(part) for part in _VARIABLE.split(template)))

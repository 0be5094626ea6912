"""What dispatch needs to know of the thing it calls. Catalog entries have all of it."""

from typing import Any, Literal, Protocol

from tradepost.hub.limits.settings import Limits
from tradepost.protocol.parameter_headers import HeaderParameter


class Target(Protocol):
    """An entry of a server: which server, and how it is reached."""

    @property
    def server_id(self) -> str: ...
    @property
    def server_slug(self) -> str: ...
    @property
    def server_kind(self) -> Literal["builtin", "remote"]: ...
    @property
    def builtin_key(self) -> str | None: ...
    @property
    def server_url(self) -> str | None: ...
    @property
    def credential_version(self) -> int: ...
    @property
    def limits(self) -> Limits: ...


class ToolTarget(Target, Protocol):
    """A tool of a server, by the name the server itself gave it."""

    @property
    def raw_name(self) -> str: ...
    @property
    def tool_class(self) -> str: ...
    @property
    def key_parameter(self) -> str | None: ...
    @property
    def mirrored(self) -> tuple[HeaderParameter, ...]: ...
    @property
    def request(self) -> Any:
        """What a tool of a REST API stands for (upstreams.rest.plan); None for any other."""


class PromptTarget(Target, Protocol):
    """A prompt of a server."""

    @property
    def name(self) -> str: ...

"""What a server says of itself when somebody connects. Text from outside: for display, never for a decision."""

import time
from dataclasses import dataclass
from typing import Any, Literal

from tradepost.protocol import modern
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.tasks import takes_tasks

Era = Literal["modern", "legacy"]
Transport = Literal["streamable-http", "sse", "stdio", "rest"]


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Era and version that were agreed on, how the server is reached, its names for itself and its own release, and how
    long its first answer took."""

    era: Era
    version: str
    transport: Transport
    name: str
    title: str | None
    instructions: str | None
    capabilities: Json
    latency_ms: float
    release: str | None = None

    @property
    def takes_tasks(self) -> bool:
        """Whether calls may be answered with tasks."""
        return self.era == "modern" and takes_tasks(self.capabilities)


def identity_from(era: Era, version: str, transport: Transport, result: Json, started: float) -> ServerIdentity:
    """The identity in a DiscoverResult or InitializeResult, whatever shape its parts have."""
    meta = result.get("_meta")
    info = result.get("serverInfo") or (meta.get(modern.SERVER_INFO_META) if isinstance(meta, dict) else None)
    info = info if isinstance(info, dict) else {}
    capabilities = result.get("capabilities")
    return ServerIdentity(
        era=era,
        version=version,
        transport=transport,
        name=_text(info.get("name")) or "",
        title=_text(info.get("title")),
        instructions=_text(result.get("instructions")),
        capabilities=capabilities if isinstance(capabilities, dict) else {},
        latency_ms=round((time.perf_counter() - started) * 1000, 1),
        release=_text(info.get("version")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None

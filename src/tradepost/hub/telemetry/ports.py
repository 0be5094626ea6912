"""What the gateway knows of traces. OpenTelemetry itself is loaded only where somebody wants them."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Span(Protocol):
    """A span that is open; only Traces looks into it."""

    def is_recording(self) -> bool: ...


class Traces(Protocol):
    """Makes spans; tracing.Tracing satisfies it."""

    @property
    def lost(self) -> Callable[[], int]: ...

    def server(self, method: str, came: Mapping[str, str] | None, attributes: Mapping[str, Any]) -> Span: ...

    def client(self, parent: Any, method: str, target: str | None, attributes: Mapping[str, Any]) -> Span: ...

    def carried(self, span: Any, came: Mapping[str, str] | None) -> dict[str, str]: ...

    def end(
        self, span: Any, attributes: Mapping[str, Any], name: str | None = None, error: str | None = None
    ) -> None: ...

"""What can go wrong between us and another MCP server, with the two facts a write depends on.

`dispatched`: bytes of the request may have reached the server. `answered`: the server said no, so nothing is open. A
write that was dispatched and not answered is unknown: it may have happened.
"""

from typing import Any

from tradepost.foundation.errors import UpstreamError, UpstreamTimeout


class UpstreamFailed(UpstreamError):
    """The server answered wrongly, refused, or could not be reached.

    `status` is the HTTP status where there was one, `rpc_error` the JSON-RPC error object {code, message, data} (text
    from outside: clean it before anybody reads it). `server` is whose words they are, once they are clean. `challenge`
    is the `WWW-Authenticate` header of a refusal and `location` that of a redirect, as they came.
    """

    def __init__(
        self,
        message: str,
        *,
        dispatched: bool,
        answered: bool = False,
        status: int | None = None,
        rpc_error: dict[str, Any] | None = None,
        hint: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after_seconds=retry_after_seconds)
        self.dispatched = dispatched
        self.answered = answered
        self.status = status
        self.rpc_error = rpc_error
        self.server: str | None = None
        self.challenge: str | None = None
        self.location: str | None = None

    @property
    def rpc_code(self) -> int | None:
        """The JSON-RPC error code, None without one."""
        return None if self.rpc_error is None else self.rpc_error["code"]


class MissingCapability(UpstreamFailed):
    """The server does not serve clients that did not declare `required` (capability objects by name)."""

    def __init__(self, required: dict[str, Any]) -> None:
        super().__init__(
            f"The server serves only clients with the capability {', '.join(required) or 'it needs'}.",
            dispatched=True,
            answered=True,
        )
        self.required = required


class UpstreamTimedOut(UpstreamTimeout):
    """The server did not answer in time."""

    def __init__(self, message: str, *, dispatched: bool, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.dispatched = dispatched
        self.answered = False
        self.status: int | None = None

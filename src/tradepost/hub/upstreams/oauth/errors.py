"""What can be wrong with an account at a server. For a call it is as if the server had said no: nothing was sent."""

from typing import ClassVar

from tradepost.protocol.upstream_errors import UpstreamFailed


class OAuthFailed(UpstreamFailed):
    """The authorization server did not do its part. `said` is its own error code, None where it gave none. It says
    nothing about the server itself, which others may reach all the same."""

    def __init__(self, message: str, *, hint: str | None = None, said: str | None = None) -> None:
        super().__init__(message, dispatched=False, answered=True, hint=hint)
        self.said = said


class NotConnected(UpstreamFailed):
    """Nobody is connected in whose name the server could be called, or not any more. `link` is where to connect."""

    code: ClassVar[str] = "not_connected"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, link: str) -> None:
        super().__init__(
            message, dispatched=False, answered=True, hint=f"Open {link} in a browser and connect, then call again."
        )
        self.link = link
        self.details["connect_url"] = link

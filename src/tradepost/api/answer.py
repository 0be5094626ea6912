"""An answer as a whole: status, headers, body, or a body that comes piece by piece."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

from starlette.types import Message


@dataclass(slots=True)
class Answer:
    """What goes to the client. `for_repetitions` is the body for those who repeat the request, where that one must not
    say what is shown once. `stream` is there instead of the body where that may be of any length."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    for_repetitions: bytes | None = None
    stream: AsyncGenerator[bytes, None] | None = None

    def take(self, message: Message) -> None:
        """Collect a message of an application."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]
            }
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def begin(self) -> None:
        """Get the first piece of a stream, so that what goes wrong until then can still be said."""
        if self.stream is not None:
            self.body = await anext(self.stream, b"")

    def lines(self, more: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        """The headers as they go out."""
        headers = {**self.headers, **more}
        if self.stream is not None:
            headers.pop("content-length", None)
        elif self.status != 204:
            headers["content-length"] = str(len(self.body))
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

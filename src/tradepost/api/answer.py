"""An answer as a whole: status, headers, body."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import Message


@dataclass(slots=True)
class Answer:
    """What goes to the client. `for_repetitions` is the body for those who repeat the request, where that one must not
    say what is shown once."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    for_repetitions: bytes | None = None

    def take(self, message: Message) -> None:
        """Collect a message of an application."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]
            }
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    def lines(self, more: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        """The headers as they go out."""
        headers = {**self.headers, **more}
        if self.status != 204:
            headers["content-length"] = str(len(self.body))
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

"""Headers as they are written on the command line."""

from collections.abc import Sequence

from tradepost.cli.secret_values import secret_value
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.vault.header_rules import Header


def headers_of(shown: Sequence[str], hidden: Sequence[str]) -> list[Header]:
    """The headers in texts 'Name: value'. Raises InvalidArgument."""
    headers = []
    for given, is_hidden in [(line, False) for line in shown] + [(line, True) for line in hidden]:
        name, colon, value = (part.strip() for part in given.partition(":"))
        if not colon or not name or not value:
            raise InvalidArgument(
                "A header is written 'Name: value'.", hint="Quote it: --secret 'Authorization: Bearer …'."
            )
        headers.append(Header(name, secret_value(value, name) if is_hidden else value, is_hidden))
    return headers

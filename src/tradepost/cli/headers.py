"""Headers as they are written on the command line."""

from collections.abc import Sequence

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.vault.header_rules import Header


def headers_of(shown: Sequence[str], hidden: Sequence[str]) -> list[Header]:
    """The headers in texts 'Name: value'. Raises InvalidArgument."""
    headers = []
    for given, is_hidden in [(line, False) for line in shown] + [(line, True) for line in hidden]:
        name, colon, value = given.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise InvalidArgument(
                "A header is written 'Name: value'.", hint="Quote it: --secret 'Authorization: Bearer …'."
            )
        headers.append(Header(name.strip(), value.strip(), is_hidden))
    return headers

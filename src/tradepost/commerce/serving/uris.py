"""Resource URIs: matching one against a template with {variables} (RFC 6570 level 1)."""

import re
from functools import cache
from urllib.parse import unquote

MAX_URI_CHARACTERS = 500


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    source = "".join(f"(?P<{part}>[^/?#]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(source)


def match_uri(template: str, uri: str) -> dict[str, str] | None:
    """The decoded variables of a URI that fits the template, else None."""
    if len(uri) > MAX_URI_CHARACTERS:
        return None
    found = _pattern(template).fullmatch(uri)
    if found is None:
        return None
    variables = {name: unquote(value) for name, value in found.groupdict().items()}
    return None if any("\0" in value for value in variables.values()) else variables

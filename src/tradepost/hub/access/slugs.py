"""Short names: lower case words joined by hyphens; an agent's words may be joined by underscores too.

In a server's name the underscore stays free, so that `{server}_{tool}` can be read in one way only.
"""

import re

from tradepost.foundation.errors import InvalidArgument

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_AGENT = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
MAX_LENGTH = 40


def checked_slug(slug: str, field: str = "slug", *, of_agent: bool = False) -> str:
    """The slug itself. Raises InvalidArgument for anything else."""
    if len(slug) > MAX_LENGTH or not (_AGENT if of_agent else _SLUG).fullmatch(slug):
        raise InvalidArgument(
            f"'{slug[:60]}' is no short name.",
            field=field,
            hint=f"Use lower case letters, digits and single hyphens, at most {MAX_LENGTH}, for example supply-chain.",
        )
    return slug

"""Short names of workspaces, profiles, agents and servers: lower case, no underscore.

The underscore stays free, so that `{server}_{tool}` can be read in one way only.
"""

import re

from tradepost.foundation.errors import InvalidArgument

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_LENGTH = 40


def checked_slug(slug: str, field: str = "slug") -> str:
    """The slug itself. Raises InvalidArgument for anything else."""
    if len(slug) > MAX_LENGTH or not _SLUG.fullmatch(slug):
        raise InvalidArgument(
            f"'{slug[:60]}' is no short name.",
            field=field,
            hint=f"Use lower case letters, digits and single hyphens, at most {MAX_LENGTH}, for example supply-chain.",
        )
    return slug

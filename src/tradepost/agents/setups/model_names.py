"""How a model is named: `anthropic:NAME`, `openai:NAME` and every other name that Pydantic AI knows; `openai:NAME@URL`
and `anthropic:NAME@URL` for an endpoint of one's own that speaks that wire format (Ollama, vLLM, a gateway);
`scripted`,
which is no language model at all."""

import re
from dataclasses import dataclass

from tradepost.foundation.errors import InvalidArgument

SCRIPTED = "scripted"
OWN = ("openai", "anthropic")  # wire formats that other endpoints speak, too

# Names of a model are public; an address with a password in it would be a secret in the open.
_NAMED = re.compile(
    r"^(?P<provider>[a-z][a-z0-9-]{1,40}):(?P<name>[A-Za-z0-9][\w./:-]{0,150}?)(?:@(?P<url>https?://[^\s@]{3,300}))?$"
)


@dataclass(frozen=True, slots=True)
class Named:
    """The parts of a model's name."""

    provider: str
    name: str
    url: str | None = None


def read_name(text: str) -> Named:
    """The parts of a name. Raises InvalidArgument saying how models are named."""
    if text == SCRIPTED:
        return Named(SCRIPTED, SCRIPTED)
    found = _NAMED.match(text)
    if found is None or (found["url"] is not None and found["provider"] not in OWN):
        raise InvalidArgument(
            f"'{text[:80]}' is not the name of a model.",
            hint="Write anthropic:NAME, openai:NAME, or openai:NAME@http://127.0.0.1:11434/v1 for an endpoint of your "
            f"own; {SCRIPTED} works without a model.",
            field="model",
        )
    return Named(found["provider"], found["name"], found["url"])

"""Arguments of a prompt against its pinned definition: what nobody approved is not sent."""

from collections.abc import Mapping
from typing import Any

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registry.catalog import CatalogPrompt

MOST_NAMED = 20


def check_prompt_arguments(prompt: CatalogPrompt, arguments: Mapping[str, Any]) -> None:
    """Raises InvalidArgument for one that the definition does not have. What is missing is the server's to say."""
    declared = _declared(prompt.definition)
    for name in arguments:
        if name not in declared:
            takes = f"It takes: {', '.join(declared[:MOST_NAMED])}." if declared else "It takes none."
            raise InvalidArgument(
                f"The prompt '{prompt.name}' has no argument '{name[:60]}'.", field=name[:60], hint=takes
            )


def _declared(definition: Mapping[str, Any]) -> list[str]:
    """The names. What has none is no argument."""
    listed = definition.get("arguments")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [one["name"] for one in found if isinstance(one.get("name"), str)]

"""A pinned definition, parsed when something first asks for its parts and shared by every catalog that shows it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from tradepost.hub.registry.arguments import ArgumentCheck
from tradepost.hub.registry.schema_check import SchemaCheck

Json = dict[str, Any]

KEY_PARAMETER = "idempotency_key"


@dataclass(frozen=True, slots=True)
class Pinned:
    """The parts of a definition. `arguments` checks against the inputSchema, `answer` against the outputSchema, where
    there is one. `key_parameter` is the argument in which a tool takes an idempotency key."""

    definition: Json
    arguments: ArgumentCheck
    answer: SchemaCheck | None
    key_parameter: str | None


@lru_cache(maxsize=20_000)
def pinned(text: str) -> Pinned:
    """The parsed form of a pinned definition. It is shared: nobody may change it."""
    definition: Json = orjson.loads(text)
    schema, output = definition.get("inputSchema"), definition.get("outputSchema")
    schema = schema if isinstance(schema, dict) else {"type": "object"}
    declares_key = KEY_PARAMETER in schema.get("properties", {})
    return Pinned(
        definition,
        ArgumentCheck(schema),
        SchemaCheck(output) if isinstance(output, dict) else None,
        KEY_PARAMETER if declares_key else None,
    )

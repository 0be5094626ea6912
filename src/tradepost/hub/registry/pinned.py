"""A pinned definition, parsed when something first asks for its parts and shared by every catalog that shows it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from tradepost.foundation.untrusted import MARK
from tradepost.hub.registry.arguments import ArgumentCheck
from tradepost.hub.registry.marked import Path, marked_fields
from tradepost.hub.registry.schema_check import SchemaCheck
from tradepost.protocol.parameter_headers import KEYWORD, HeaderParameter, header_parameters

Json = dict[str, Any]

KEY_PARAMETER = "idempotency_key"


@dataclass(frozen=True, slots=True)
class Pinned:
    """The parts of a definition. `arguments` checks against the inputSchema, `answer` against the outputSchema, where
    there is one. `key_parameter` is the argument in which a tool takes an idempotency key, `mirrored` are those that
    clients repeat in headers, `marked` the fields of the answer that hold what outsiders wrote."""

    definition: Json
    arguments: ArgumentCheck
    answer: SchemaCheck | None
    key_parameter: str | None
    mirrored: tuple[HeaderParameter, ...]
    marked: tuple[Path, ...]


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
        _mirrored(schema) if KEYWORD in text else (),
        marked_fields(output) if MARK in text else (),
    )


def _mirrored(schema: Json) -> tuple[HeaderParameter, ...]:
    try:
        return header_parameters(schema)
    except ValueError:
        return ()  # conforming clients leave such a tool out and send no headers for it

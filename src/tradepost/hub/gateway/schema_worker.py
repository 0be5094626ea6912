"""The process in which costly schemas are tried on values: `python -m tradepost.hub.gateway.schema_worker`.

A hostile schema can make any validator run for ages. Here it may: whoever waits kills this process and goes on. One
JSON line in, {"kind", "schema", "value"}; one out, {"fault": null or {"message", "field", "hint"}}.
"""

import resource
import sys
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registry.arguments import explained
from tradepost.hub.registry.schema_check import SchemaCheck

MAX_MEMORY_BYTES = 1 << 30

Fault = dict[str, str | None]


@lru_cache(maxsize=256)
def _check(schema: bytes) -> SchemaCheck:
    return SchemaCheck(orjson.loads(schema))


def fault_of(kind: str, schema: dict[str, Any], value: Any) -> Fault | None:
    """What is wrong with arguments (`kind`) or an answer; None when it fits. Finding out whether it fits is much
    quicker than finding the words, so it comes first."""
    check = _check(orjson.dumps(schema))
    try:
        if check.fits(value):
            return None
        error = check.first_error(value)
    except (InvalidArgument, ValueError) as unusable:
        return _said(f"the schema cannot be used ({str(unusable)[:200]})")
    if error is None:
        return None
    if kind == "arguments":
        refused = explained(error, schema)
        return {"message": refused.message, "field": refused.field, "hint": refused.hint}
    return _said(sentence_of(error))


def sentence_of(error: jsonschema_rs.ValidationError) -> str:
    """What is wrong with an answer, in a few words."""
    where = ".".join(str(part) for part in error.instance_path)[:100] or "structuredContent"
    return f"'{where}' does not fit ({error.kind.name})"


def _said(message: str) -> Fault:
    return {"message": message, "field": None, "hint": None}


def main() -> None:
    """Answer line by line until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    for line in sys.stdin.buffer:
        task = orjson.loads(line)
        answer = {"fault": fault_of(task["kind"], task["schema"], task["value"])}
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

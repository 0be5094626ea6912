"""The process in which foreign results are checked: `python -m tradepost.hub.gateway.result_worker`.

A hostile schema can make any validator run for ages. Here it may: whoever waits kills this process and goes on. One
JSON line in, {"schema", "value"}; one out, {"fault": sentence or null}.
"""

import resource
import sys
from functools import lru_cache

import jsonschema_rs
import orjson

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registry.arguments import compile_schema

MAX_MEMORY_BYTES = 1 << 30


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> jsonschema_rs.Validator:
    return compile_schema(orjson.loads(schema))


def fault_of(schema: object, value: object) -> str | None:
    """What is wrong with a value, in a few words; None when it fits."""
    try:
        error = next(_validator(orjson.dumps(schema)).iter_errors(value), None)
    except (InvalidArgument, ValueError) as unusable:
        return f"the schema cannot be used ({str(unusable)[:200]})"
    if error is None:
        return None
    where = ".".join(str(part) for part in error.instance_path)[:100] or "structuredContent"
    return f"'{where}' does not fit ({error.kind.name})"


def main() -> None:
    """Answer line by line until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    for line in sys.stdin.buffer:
        task = orjson.loads(line)
        answer = {"fault": fault_of(task["schema"], task["value"])}
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

"""What FastAPI finds wrong with parameters and bodies, in the words and the shape of every other error."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError

from tradepost.api.problems import Problem, problem_of
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean

MOST = 20  # findings in one answer


def of_validation(error: Exception) -> Problem:
    """The first finding as the problem, all of them in its details. Values that were sent are not repeated: one of them
    may be a secret."""
    if not isinstance(error, RequestValidationError):
        return problem_of(error)
    findings = [{"field": _field(found["loc"]), "message": _message(found)} for found in error.errors()[:MOST]]
    first = findings[0] if findings else {"field": "body", "message": "The request is wrong."}
    return problem_of(
        InvalidArgument(
            f"{first['field']}: {first['message']}",
            field=first["field"],
            hint="The OpenAPI document at /api/v1/openapi.json says what each route takes.",
            details={"errors": findings},
        )
    )


def _field(place: Sequence[Any]) -> str:
    """Where it is: `agent`, `headers[0].value`; the whole of a body is `body`."""
    parts = place[1:] or place[:1]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return clean(text.removeprefix("."), 100)


def _message(found: Mapping[str, Any]) -> str:
    if found["type"] == "extra_forbidden":
        return "There is no such field."
    if found["type"] == "missing":
        return "It is missing."
    return clean(str(found["msg"]).removeprefix("Value error, "), 200) + "."

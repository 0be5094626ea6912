"""What an API answers, as a tool's result: trimmed to the chosen fields, or an error that says what the API said."""

import base64
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import orjson

from tradepost.foundation.canonical import MAX_DEPTH
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.nesting import deeper_than
from tradepost.foundation.untrusted import clean, untrusted
from tradepost.hub.upstreams.rest.fields import only, tree_of
from tradepost.hub.upstreams.rest.plan import Plan
from tradepost.protocol.upstream_errors import UpstreamFailed

MAX_IMAGE_BYTES = 1024 * 1024
MAX_SAID = 2_000  # characters of what an API says of an error
MAX_ERRORS = 4_000  # bytes of its list of mistakes
MAX_RETRY_SECONDS = 86_400.0

Json = dict[str, Any]

# What the API would answer to the same request at another time, or with another credential: no matter of arguments.
_NOT_OF_THE_CALL = frozenset({401, 407, 408, 425, 429})
_CERTAIN = frozenset({401, 407, 425, 429})  # turned down before anything was done
_READS = ("GET", "HEAD")
_ASKED_ELSEWHERE = (307, 308)  # the other redirects may come after something was done: see what became of it there
_TITLES = ("title", "error", "code")
_DETAILS = ("detail", "message", "error_description", "description", "reason")


def result_of(plan: Plan, status: int, headers: Mapping[str, str], body: bytes) -> Json:
    """The CallToolResult of an answer. Raises UpstreamFailed for one that says nothing about what was asked."""
    if 300 <= status < 400:
        raise UpstreamFailed(
            f"The API answered with a redirect (HTTP {status}), which is not followed.",
            dispatched=True,
            answered=plan["method"] in _READS or status in _ASKED_ELSEWHERE,
            status=status,
            hint="An admin can set its base URL to where it leads.",
        )
    if status >= 500 or status in _NOT_OF_THE_CALL:
        raise _failed(status, headers, body)
    if status >= 400:
        return _refusal(status, body)
    return _success(plan, status, headers, body)


def error_result(error: TradepostError) -> Json:
    """An error of ours, before anything was sent."""
    text = f"{error.code}: {error.message}" + (f" {error.hint}" if error.hint else "")
    return _result([_text(text)], error.as_dict(), is_error=True)


def _success(plan: Plan, status: int, headers: Mapping[str, str], body: bytes) -> Json:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body.strip():
        done: Json = {"status": status}
        if "location" in headers:
            done["location"] = clean(headers["location"], MAX_SAID)
        return _result([_text(orjson.dumps(done).decode())], done)
    if is_json(kind):
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _result([_text(body.decode("utf-8", "replace"))], None)
        if deeper_than(value, MAX_DEPTH):
            raise UpstreamFailed(
                f"The API answered with a value that is nested deeper than {MAX_DEPTH} levels.",
                dispatched=True,
                answered=True,
            )
        kept = only(value, tree_of(plan.get("fields", [])))
        structured = kept if isinstance(kept, dict) else {"result": kept}
        return _result([_text(orjson.dumps(structured).decode())], structured)
    if kind.startswith("image/") and len(body) <= MAX_IMAGE_BYTES:
        return _result([{"type": "image", "data": base64.b64encode(body).decode(), "mimeType": kind}], None)
    try:
        return _result([_text(body.decode())], None)
    except UnicodeDecodeError:
        said = (
            f"It was done (HTTP {status}). The answer is {len(body)} bytes of {kind or 'no known type'}, and no text."
        )
        return _result([_text(said)], None)


def _refusal(status: int, body: bytes) -> Json:
    """The API says no: a result for the model, which may do better."""
    problem = _problem(body)
    said = ". ".join(part.rstrip(".") for part in (problem.get("title"), problem.get("detail")) if part)
    message = f"The API answered {phrase(status)}" + (f": {said}." if said else ".")
    structured: Json = {"code": "api_error", "status": status, "message": message, "retryable": False, **problem}
    return _result([_text(message + _mistakes(problem))], structured, is_error=True)


def _mistakes(problem: Json) -> str:
    return f" {orjson.dumps(problem['errors']).decode()}" if "errors" in problem else ""


def _failed(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamFailed:
    """The API cannot answer, or not to this hub."""
    if status in (401, 407):
        text, hint = f"The API refused the credential (HTTP {status}).", "An admin can set another one and test it."
    elif status == 429:
        text, hint = "The API has had too many requests (HTTP 429).", "Wait as long as it says, then call again."
    else:
        text, hint = f"The API answered {phrase(status)}.", "It is in trouble. Read before you repeat a change."
    failure = UpstreamFailed(
        text,
        dispatched=True,
        answered=status in _CERTAIN,
        status=status,
        hint=hint,
        retry_after_seconds=retry_after(headers),
    )
    problem = _problem(body)
    said = ". ".join(part for part in (problem.get("title"), problem.get("detail")) if part)
    if said:
        failure.details["server_said"] = untrusted(said, MAX_SAID)
    return failure


def _problem(body: bytes) -> Json:
    """Title, detail, type and list of mistakes of an error's body (RFC 9457, or what else is usual), as far as there
    are such."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body.decode("utf-8", "replace").strip()
        return {"detail": clean(text, MAX_SAID)} if text and not text.startswith("<") else {}
    if not isinstance(value, dict) or deeper_than(value, MAX_DEPTH):
        return {}
    inner = value.get("error")
    if isinstance(inner, dict):
        value = {**value, **inner, "error": None}
    found: Json = {}
    for name, keys in (("title", _TITLES), ("detail", _DETAILS)):
        said = next((value[key] for key in keys if isinstance(value.get(key), str) and value[key].strip()), None)
        if said is not None:
            found[name] = clean(said.strip(), MAX_SAID)
    if isinstance(value.get("type"), str) and value["type"] != "about:blank":
        found["type"] = clean(value["type"], 200)
    mistakes = value.get("errors")
    if isinstance(mistakes, list | dict) and mistakes and len(orjson.dumps(mistakes)) <= MAX_ERRORS:
        found["errors"] = mistakes
    return found


def phrase(status: int) -> str:
    """A status in words."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the API asks to wait: said as such, or as a time by its own clock."""
    text = headers.get("retry-after", "")
    if text.isdigit() and len(text) <= 6:
        return min(float(text), MAX_RETRY_SECONDS)
    try:
        seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(headers["date"])).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_SECONDS)


def is_json(kind: str) -> bool:
    """Whether a media type is JSON's."""
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _result(content: list[Json], structured: Json | None, *, is_error: bool = False) -> Json:
    result: Json = {"content": content, "isError": is_error}
    if structured is not None:
        result["structuredContent"] = structured
    return result

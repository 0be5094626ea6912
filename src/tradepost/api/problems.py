"""The one translator from the project's errors to problem details (RFC 9457) with stable codes.

A 404 is the same bytes for whatever is not there and whatever belongs to somebody else, so it says neither what was
asked for nor the id of the request; that stands in the header `X-Request-Id`, as on every answer.
"""

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError

from tradepost.foundation.errors import (
    ForbiddenScope,
    IdempotencyConflict,
    InProgress,
    InvalidArgument,
    LimitExceeded,
    NotFound,
    RateLimited,
    StateConflict,
    TradepostError,
    Unauthenticated,
    Unavailable,
    UpstreamError,
    UpstreamTimeout,
    VersionConflict,
)
from tradepost.hub.access.oauth.scopes import BASE
from tradepost.hub.gateway.reach import DATABASE_ERRORS, away
from tradepost.protocol.errors import translate
from tradepost.protocol.exchange import Refused

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:tradepost:problem:"

_NOT_FOUND = "There is nothing here that this key can see."
_NOT_FOUND_HINT = "Take the id or name from the list that it should be in. What belongs to others is not there for you."
_INTERNAL = "The hub failed on its own side."
_INTERNAL_HINT = "Try again; if it stays, tell the operator the X-Request-Id of this answer."

# The first class that matches decides: (status, title).
_ANSWERS: tuple[tuple[type[TradepostError], int, str], ...] = (
    (InvalidArgument, 400, "The request is wrong"),
    (Unauthenticated, 401, "No valid credential"),
    (ForbiddenScope, 403, "Not allowed"),
    (NotFound, 404, "Not found"),
    (VersionConflict, 409, "It has changed since"),
    (IdempotencyConflict, 409, "The idempotency key is used"),
    (InProgress, 409, "Still under way"),
    (StateConflict, 409, "Not possible in this state"),
    (LimitExceeded, 422, "Over a limit"),
    # The server behind us failed, not the hub: no 502 or 504, which proxies and clients take for ours and repeat.
    (UpstreamTimeout, 424, "The server behind did not answer"),
    (UpstreamError, 424, "The server behind failed"),
    (RateLimited, 429, "Too many requests"),
    (Unavailable, 503, "Not available just now"),
)

# What HTTP itself refuses: (code, title).
_OF_HTTP = {
    400: ("invalid_argument", "The request is wrong"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "Method not allowed"),
    406: ("not_acceptable", "Not acceptable"),
    408: ("request_timeout", "The request took too long"),
    413: ("body_too_large", "The request body is too large"),
    415: ("unsupported_media_type", "Unsupported media type"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """An answer that says what is wrong."""

    status: int
    code: str
    title: str
    detail: str
    hint: str | None = None
    field: str | None = None
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def body(self, request_id: str) -> bytes:
        """As JSON."""
        shape: dict[str, Any] = {
            "type": TYPE_PREFIX + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.hint is not None:
            shape["hint"] = self.hint
        if self.field is not None:
            shape["field"] = self.field
        if self.details:
            shape["details"] = dict(self.details)
        if self.status != 404:
            shape["request_id"] = request_id
        return orjson.dumps(shape, default=str)


NOT_FOUND = Problem(404, "not_found", "Not found", _NOT_FOUND, _NOT_FOUND_HINT)


def of_http(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """A refusal by method, media type, size or path."""
    if status == 404:
        return NOT_FOUND
    code, title = _OF_HTTP.get(status, ("invalid_argument", "The request is wrong"))
    return Problem(status, code, title, detail, headers=dict(headers or {}))


def problem_of(error: Exception, had_credential: bool = True, metadata_url: str | None = None) -> Problem:
    """What a raised error says. Unexpected ones are logged, and their text stays in the log. A challenge names where
    the metadata of the API is."""
    if isinstance(error, Refused):
        return of_http(error.status, error.message, error.headers)
    if isinstance(error, SQLAlchemyError):
        return _of_database(error)
    if not isinstance(error, TradepostError):
        return _unexpected(error)
    if isinstance(error, NotFound):
        return NOT_FOUND
    for kind, status, title in _ANSWERS:
        if isinstance(error, kind):
            return Problem(
                status, error.code, title, error.message, error.hint, error.field, error.details,
                dict(translate(error, metadata_url, had_credential, BASE).headers),
            )  # fmt: skip
    return _unexpected(error)


def _of_database(error: SQLAlchemyError) -> Problem:
    """Two who change the same at one moment are a conflict; a database that is away is told as such."""
    if isinstance(error, StaleDataError):
        return problem_of(VersionConflict("It was changed by somebody else at this moment.", hint="Look, then repeat."))
    if isinstance(error, IntegrityError):
        return problem_of(
            StateConflict("Something else with this name or reference came in between.", hint="Look, then try again.")
        )
    if isinstance(error, DataError):
        return problem_of(InvalidArgument("A value of the request cannot be stored.", hint="Use ordinary values."))
    if isinstance(error, DATABASE_ERRORS):
        told = away(error)
        if told is not None:
            log.warning("the database is away: %s", error)
            return problem_of(told)
    return _unexpected(error)


def _unexpected(error: Exception) -> Problem:
    log.error("unexpected failure", exc_info=error)
    return Problem(500, "internal_error", "Internal error", _INTERNAL, _INTERNAL_HINT)

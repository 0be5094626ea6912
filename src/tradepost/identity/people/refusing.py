"""What pages say when something cannot be done: a page that says what, why, and what to do next."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tradepost.foundation.errors import TradepostError
from tradepost.identity.pages import Pages

_log = logging.getLogger(__name__)
_STATUS = {
    "invalid_argument": 400,
    "unauthenticated": 400,  # a sign-in that is over: no credential would mend it
    "forbidden_scope": 403,
    "not_found": 404,
    "state_conflict": 409,
    "not_connected": 409,
    "rate_limited": 429,
    "upstream_error": 502,
    "unavailable": 503,
}
ExceptionHandler = Callable[[Request, Any], Awaitable[Response]]
_TITLES = {404: "Not found", 429: "One moment"}


def refusing(pages: Pages) -> Mapping[Any, ExceptionHandler]:
    """The exception handlers of an application of pages."""

    async def refused(_request: Request, error: TradepostError) -> Response:
        status = _STATUS.get(error.code, 500)
        page = pages.message(_TITLES.get(status, "That did not work"), error.message, error.hint, status)
        if error.retry_after_seconds is not None:
            page.headers["Retry-After"] = str(max(1, round(error.retry_after_seconds)))
        return page

    async def no_page(_request: Request, error: HTTPException) -> Response:
        page = pages.message("Not found", "There is no such page.", status=error.status_code)
        page.headers.update(error.headers or {})
        return page

    async def at_once(_request: Request, _error: SQLAlchemyError) -> Response:
        return pages.message("That did not work", "Somebody changed the same at the same moment.", "Try again.", 409)

    async def no_database(_request: Request, error: SQLAlchemyError) -> Response:
        _log.error("a page of people could not be made", exc_info=error)
        page = pages.message("One moment", "The hub cannot reach its database.", "Try again in a few seconds.", 503)
        page.headers["Retry-After"] = "5"
        return page

    async def gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=400)

    return {
        TradepostError: refused,
        HTTPException: no_page,
        IntegrityError: at_once,
        StaleDataError: at_once,
        SQLAlchemyError: no_database,
        ClientDisconnect: gone,
    }

"""The routes of all subjects in one FastAPI application, and its OpenAPI document."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from tradepost import __version__
from tradepost.api import (
    agents,
    approvals,
    assignments,
    audit,
    contacts,
    headers,
    keys,
    me,
    profiles,
    server_settings,
    servers,
    tools,
    usage,
    users,
    workspace,
)
from tradepost.api.access import CALLER
from tradepost.api.build import PREFIX
from tradepost.api.describing import DESCRIPTION, TAGS, completed
from tradepost.api.problems import MEDIA_TYPE, Problem, of_http
from tradepost.api.refusals import of_validation

SUBJECTS = (
    me,
    workspace,
    servers,
    headers,
    server_settings,
    tools,
    assignments,
    profiles,
    agents,
    keys,
    users,
    approvals,
    contacts,
    audit,
    usage,
)


def build_application() -> FastAPI:
    """All routes. Errors of the tree are raised to whoever serves it; HTTP's own become problems here."""
    app = FastAPI(
        title="Tradepost",
        version=__version__,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={RequestValidationError: _invalid, HTTPException: _refused},
        generate_unique_id_function=_name_of,
    )
    for subject in SUBJECTS:
        app.include_router(subject.router, prefix=PREFIX)
    return app


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    made = get_openapi(
        title="Tradepost REST API", version=__version__, description=DESCRIPTION, routes=app.routes, tags=list(TAGS)
    )
    routes = [route for subject in SUBJECTS for route in subject.router.routes if isinstance(route, APIRoute)]
    return completed(made, PREFIX, routes)


def _name_of(route: APIRoute) -> str:
    return route.name


async def _invalid(request: Request, error: Exception) -> Response:
    return _response(request, of_validation(error))


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _response(request, of_http(error.status_code, str(error.detail), error.headers))


def _response(request: Request, problem: Problem) -> Response:
    body = problem.body(request.scope[CALLER].request_id)
    return Response(body, problem.status, dict(problem.headers), MEDIA_TYPE)

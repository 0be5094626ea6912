"""The routes of all subjects in one FastAPI application, and its OpenAPI document."""

from functools import cache

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from tradepost import __version__
from tradepost.api import (
    agent_catalogs,
    agent_setups,
    agents,
    apis,
    approvals,
    assertion_keys,
    assignments,
    attention,
    audit,
    audit_keeping,
    configuration,
    contacts,
    contents,
    conversations,
    customers,
    delegations,
    handovers,
    headers,
    invitations,
    keys,
    knowledge,
    limits,
    me,
    notifications,
    oauth_clients,
    oauth_grants,
    policy,
    profile_roles,
    profiles,
    reads,
    registries,
    registry_rules,
    rules,
    server_credentials,
    server_history,
    server_settings,
    server_swaps,
    servers,
    shopper_sessions,
    token_usage,
    tool_tests,
    tools,
    usage,
    users,
    vault,
    webhooks,
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
    attention,
    servers,
    apis,
    headers,
    server_credentials,
    server_settings,
    rules,
    server_swaps,
    tools,
    tool_tests,
    contents,
    server_history,
    policy,
    registry_rules,
    assignments,
    profiles,
    profile_roles,
    agents,
    agent_catalogs,
    agent_setups,
    limits,
    keys,
    knowledge,
    shopper_sessions,
    users,
    invitations,
    oauth_clients,
    oauth_grants,
    assertion_keys,
    approvals,
    delegations,
    notifications,
    webhooks,
    contacts,
    reads,
    conversations,
    customers,
    handovers,
    audit,
    audit_keeping,
    usage,
    token_usage,
    vault,
    configuration,
    registries,
)


@cache
def application() -> FastAPI:
    """All routes, the same for every hub: what they work with comes with the request. Errors of the tree are raised to
    whoever serves it; HTTP's own become problems here."""
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


@cache
def document() -> bytes:
    """The OpenAPI 3.1 document."""
    app = application()
    made = get_openapi(
        title="Tradepost REST API", version=__version__, description=DESCRIPTION, routes=app.routes, tags=list(TAGS)
    )
    return orjson.dumps(completed(made, PREFIX, _routes()))


def _name_of(route: APIRoute) -> str:
    return route.name


async def _invalid(request: Request, error: Exception) -> Response:
    return _response(request, of_validation(error))


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = {"allow": _allowed(request.url.path)} if error.status_code == 405 else error.headers
    return _response(request, of_http(error.status_code, str(error.detail), headers))


def _allowed(path: str) -> str:
    """All methods of a path: the framework names those of one route. A path in so many words goes before a pattern."""
    short = path.removeprefix(PREFIX)
    found = [route for route in _routes() if route.path_regex.match(short)]
    meant = [route for route in found if route.path_format == short] or found
    return ", ".join(sorted({method for route in meant for method in route.methods or ()}))


def _routes() -> list[APIRoute]:
    return [route for subject in SUBJECTS for route in subject.router.routes if isinstance(route, APIRoute)]


def _response(request: Request, problem: Problem) -> Response:
    body = problem.body(request.scope[CALLER].request_id)
    return Response(body, problem.status, dict(problem.headers), MEDIA_TYPE)

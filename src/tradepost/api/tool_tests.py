"""Test Tool Call: a person calls one tool of a server, before or after agents see it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, admin_or_key_with
from tradepost.api.contacts import structured_of
from tradepost.api.server_settings import Tool
from tradepost.api.servers import Which
from tradepost.api.shapes import Given, Shown
from tradepost.hub.access.roles import require_role
from tradepost.hub.gateway.trials import TESTING_SCOPE
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import find_tool

router = APIRouter(tags=["tools"])

Testing = Annotated[Work, Depends(admin_or_key_with(TESTING_SCOPE))]


class TestCall(Given):
    """What to call a tool with."""

    __test__ = False

    arguments: dict[str, Any] = Field(
        default_factory=dict, description="As the tool's schema has them.", max_length=1_000
    )
    idempotency_key: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="Of a write: the same key again is the same call and is answered as the first one was. Without "
        "one, each call is another.",
    )


class TestResult(Shown):
    """What came of it."""

    __test__ = False

    outcome: Literal["succeeded", "failed", "approval_required"] = Field(
        description="failed: the tool itself said so, in its result."
    )
    content: list[Any] = Field(description="What the tool answered, for a model: text, pictures, links.")
    structured: Any = Field(description="The same as fields, where it gave any.")
    approval: str | None = Field(description="The approval that this write waits for.")
    request_id: str = Field(description="Under which it stands in the audit, with `way` test among its details.")
    duration_ms: float
    server_ms: float | None = Field(description="Of that, the server's own time.")


@router.post("/servers/{server}/tools/{tool}/call", summary="Test a tool call")
async def call_tool(work: Testing, server: Which, tool: Tool, body: TestCall) -> TestResult:
    """Call one tool as yourself, through the same gateway as agents: limits, policy, approvals, the audit. Admins may
    try a tool before it is approved, against the definition that was discovered; a key with the scope
    `manage:tool_tests` tries tools that are enabled, as far as its scopes go. Whatever is no read waits for a
    person."""
    async with work.reading() as session:
        user = work.user or await require_role(session, work.caller, "viewer")
        found, entry = await find_server(session, server), await find_tool(session, server, tool)
    tried = await work.parts.gateway.people.test(work.caller, user, found, entry, body.arguments, body.idempotency_key)
    result = tried.result
    if not tried.answered:
        structured_of(result)  # raises what the hub has against it
    failed = result.get("isError") is True
    return TestResult(
        outcome="approval_required" if tried.waits is not None else "failed" if failed else "succeeded",
        content=result.get("content", []),
        structured=result.get("structuredContent"),
        approval=tried.waits,
        request_id=tried.request_id,
        duration_ms=tried.duration_us / 1_000,
        server_ms=None if tried.upstream_us is None else tried.upstream_us / 1_000,
    )

"""Contacts: the customers of the store, for programs beside an agent. Each request is a call of the agent's own tool
through the gateway, with the same scopes, policy, approvals and audit as over MCP."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tradepost.api.access import KEY_TAKEN, Work, with_scope
from tradepost.api.shapes import Given, PageQuery, Shown, in_path
from tradepost.foundation import errors
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, TradepostError, UpstreamError
from tradepost.foundation.ids import new_id
from tradepost.hub.gateway.answers import REPLAYED_META
from tradepost.protocol.hosting import CallExtras

router = APIRouter(tags=["contacts"])

Reading = Annotated[Work, Depends(with_scope("read:customers"))]
Writing = Annotated[Work, Depends(with_scope("write:customers"))]
Which = Annotated[str, in_path("The customer's id or number.", "C-1001")]
Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")]

_KINDS: dict[str, type[TradepostError]] = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TradepostError)
}


class ContactQuery(PageQuery):
    """Whom to look for."""

    query: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$",
        description="Name, company, e-mail or number.",
    )
    postal_code: str | None = Field(None, min_length=1, max_length=20, pattern=r"^[^\x00-\x1f]*$")


class AddressGiven(Given):
    """A whole address."""

    line1: Line
    line2: Line = ""
    city: Line
    region: Line = ""
    postal_code: str = Field(max_length=20, pattern=r"^[^\x00-\x1f]*$")
    country: str = Field(pattern="^[A-Z]{2,3}$", examples=["FR"])


class ContactChange(Given):
    """What to change of a customer; at least one field."""

    email: str | None = Field(None, max_length=254, pattern=r"^[^\x00- @]+@[^\x00- @.]+(\.[^\x00- @.]+)+$")
    phone: str | None = Field(None, pattern=r"^\+?[0-9 ()./-]{5,30}$", examples=["+31 10 1234"])
    address: AddressGiven | None = None
    language: str | None = Field(None, pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", examples=["fr"])
    region: str | None = Field(None, max_length=60, pattern=r"^[^\x00-\x1f]*$")
    marketing_email_consent: bool | None = None
    marketing_sms_consent: bool | None = None
    note: str | None = Field(None, max_length=500, pattern=r"^[^\x00]*$")
    expected_version: int | None = Field(None, ge=1, le=2**53, description="Change it only if this is its version.")


class Contact(BaseModel):
    """A customer, as the tool shows one to this caller: personal data is masked without read:customers.pii."""

    model_config = ConfigDict(extra="allow")

    id: str
    number: str


class ContactPage(Shown):
    """One page of customers, by name."""

    items: list[Contact]
    next_cursor: str | None
    has_more: bool


class ContactChanged(Shown):
    """A change that was made, or that waits for a person."""

    status: Literal["done", "approval_required"]
    approval_id: str | None = Field(description="Ask /approvals/{approval_id} what became of it.")
    expires_at: str | None
    message: str
    result: dict[str, Any] | None = Field(description="What the tool answered where it was done.")


@router.get("/contacts", summary="Search contacts")
async def search_contacts(work: Reading, query: Annotated[ContactQuery, Query()]) -> ContactPage:
    """Find customers: a call of search_customers."""
    arguments = {"query": query.query, "limit": query.limit, "detail": "full"}
    if query.postal_code is not None:
        arguments["postal_code"] = query.postal_code
    if query.cursor is not None:
        arguments["cursor"] = query.cursor
    found = structured_of(await _call(work, "search_customers", arguments))
    return ContactPage(
        items=[Contact.model_validate(item) for item in found["items"]],
        next_cursor=found.get("next_cursor"),
        has_more=bool(found.get("has_more")),
    )


@router.get("/contacts/{contact}", summary="Show a contact")
async def get_contact(work: Reading, contact: Which) -> Contact:
    """One customer's account: a call of get_customer."""
    return Contact.model_validate(structured_of(await _call(work, "get_customer", {"customer_id": contact})))


@router.patch("/contacts/{contact}", summary="Change a contact", responses={202: {"model": ContactChanged}})
async def change_contact(
    work: Writing, request: Request, response: Response, contact: Which, body: ContactChange
) -> ContactChanged:
    """Change a customer: a call of update_customer. 202 when a person has to approve it first."""
    arguments = {"customer_id": contact, **body.model_dump(exclude_none=True)}
    if len(arguments) == 1:
        raise InvalidArgument("There is nothing to change.", hint="Give at least one field.", field="body")
    key = request.scope[KEY_TAKEN] or new_id("rest")
    result = await _call(work, "update_customer", arguments, key)
    found = structured_of(result)
    if result.get("_meta", {}).get(REPLAYED_META):
        response.headers["idempotency-replayed"] = "true"
    if found.get("status") == "approval_required":
        response.status_code = 202
        return ContactChanged(
            status="approval_required",
            approval_id=found["approval_id"],
            expires_at=found.get("expires_at"),
            message=found["message"],
            result=None,
        )
    return ContactChanged(
        status="done", approval_id=None, expires_at=None, message="The change was made.", result=found
    )


async def _call(work: Work, tool: str, arguments: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """The result of a call with the caller as it is. Raises ForbiddenScope where the tool is not the caller's."""
    try:
        return await work.parts.gateway.gateway.call_tool(
            work.caller, None, tool, arguments, CallExtras(idempotency_key=key)
        )
    except NotFound:
        raise ForbiddenScope(
            f"Contacts are reached with the key of an agent that {tool} is assigned to.",
            hint=f"Let an admin assign {tool} to an agent under its own name, and use that agent's key.",
        ) from None


def structured_of(result: dict[str, Any]) -> dict[str, Any]:
    """The structured content of a result. Raises the error of the tree that a tool's error stands for."""
    structured = result.get("structuredContent")
    found: dict[str, Any] = structured if isinstance(structured, dict) else {}
    if not result.get("isError"):
        return found
    kind = _KINDS.get(str(found.get("code")), UpstreamError)
    raise kind(
        str(found.get("message") or "The tool failed."),
        hint=found.get("hint"),
        field=found.get("field"),
        retry_after_seconds=found.get("retry_after"),
        details=found.get("details"),
    )

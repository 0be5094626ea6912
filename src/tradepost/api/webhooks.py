"""Where the workspace wants to be told what waits for people, and what became of it."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import Field

from tradepost.api.access import ANSWER, Work, may
from tradepost.api.shapes import Given, Instant, Shown, Slug, in_path
from tradepost.hub.notices.contents import EVENTS
from tradepost.hub.notices.webhooks import Made

router = APIRouter(tags=["notifications"])

Reading = Annotated[Work, Depends(may("admin", "read:approvals"))]
Writing = Annotated[Work, Depends(may("admin", "write:approvals"))]
Which = Annotated[str, in_path("The webhook's name or id.", "whk_06fk3w9x0t")]
Event = Annotated[str, Field(max_length=60, examples=list(EVENTS)[:2])]


class NewWebhook(Given):
    """Where and what."""

    name: Slug
    url: str = Field(min_length=1, max_length=2048, description="A secret: it is never shown again.")
    form: Literal["standard", "slack"] = Field("standard", description="Standard Webhooks, or Slack's incoming ones.")
    events: list[Event] = Field(default_factory=list, max_length=20, description="None named is all.")
    secret: str | None = Field(None, max_length=200, description="whsec_…; without it one is made.")


class WebhookChange(Given):
    """What to change."""

    events: list[Event] | None = Field(None, max_length=20)
    state: Literal["active", "paused"] | None = Field(None, description="active begins anew after failures, too.")


class Rotation(Given):
    """How long the secret before signs beside the new one."""

    overlap_hours: int = Field(24, ge=0, le=168)


class WebhookShown(Shown):
    """One, without its URL and secret."""

    id: str
    name: str
    form: Literal["standard", "slack"]
    origin: str = Field(description="What of the URL may be shown.")
    events: list[str]
    state: Literal["active", "paused", "disabled"] = Field(description="disabled: too much went wrong in a row.")
    failures: int
    last_error: str | None
    last_sent_at: Instant | None
    before_until: Instant | None = Field(description="Until then the secret before signs, too.")
    created_at: Instant


class WebhookMade(WebhookShown):
    """The same, and the secret that signs: it is shown this once."""

    secret: str | None


class WebhooksShown(Shown):
    """By name."""

    items: list[WebhookShown]


class TriedShown(Shown):
    """What a test came to."""

    delivered: bool
    status: int | None
    error: str | None
    milliseconds: int


class DeliveryShown(Shown):
    """One message to it."""

    id: str = Field(description="The webhook-id, the same in each attempt.")
    event_type: str
    action_id: str | None
    state: str
    attempts: int
    due_at: Instant
    created_at: Instant
    finished_at: Instant | None
    error: str | None


class DeliveriesShown(Shown):
    """The latest first."""

    items: list[DeliveryShown]


@router.get("/webhooks", summary="List webhooks")
async def list_webhooks(work: Reading) -> WebhooksShown:
    """All of the workspace."""
    found = await work.parts.notices.webhooks.all(work.caller)
    return WebhooksShown(items=[WebhookShown.model_validate(one) for one in found])


@router.post("/webhooks", status_code=201, summary="Add a webhook")
async def create_webhook(request: Request, work: Writing, body: NewWebhook) -> WebhookMade:
    """Answers with the secret that signs, this once."""
    made = await work.parts.notices.webhooks.add(work.caller, body.name, body.url, body.form, body.events, body.secret)
    return _made(request, made)


@router.get("/webhooks/{webhook}", summary="Show a webhook")
async def get_webhook(work: Reading, webhook: Which) -> WebhookShown:
    """One, with how it went lately."""
    return WebhookShown.model_validate(await work.parts.notices.webhooks.show(work.caller, webhook))


@router.patch("/webhooks/{webhook}", summary="Change a webhook's events, pause it, begin anew")
async def change_webhook(work: Writing, webhook: Which, body: WebhookChange) -> WebhookShown:
    """For another URL, remove it and add another one."""
    changed = await work.parts.notices.webhooks.change(work.caller, webhook, events=body.events, state=body.state)
    return WebhookShown.model_validate(changed)


@router.delete("/webhooks/{webhook}", status_code=204, summary="Remove a webhook")
async def delete_webhook(work: Writing, webhook: Which) -> Response:
    """What waits for it is not sent."""
    await work.parts.notices.webhooks.remove(work.caller, webhook)
    return Response(status_code=204)


@router.post("/webhooks/{webhook}/rotate", summary="Give a webhook another secret")
async def rotate_webhook(request: Request, work: Writing, webhook: Which, body: Rotation) -> WebhookMade:
    """Until the overlap is over, messages carry both signatures."""
    overlap = timedelta(hours=body.overlap_hours)
    return _made(request, await work.parts.notices.webhooks.rotate(work.caller, webhook, overlap))


@router.post("/webhooks/{webhook}/test", summary="Try a webhook")
async def test_webhook(work: Writing, webhook: Which) -> TriedShown:
    """Sends a message of the type webhook.test now, once."""
    tried = await work.parts.notices.webhooks.test(work.caller, webhook)
    return TriedShown.model_validate(tried, from_attributes=True)


@router.get("/webhooks/{webhook}/deliveries", summary="List a webhook's messages")
async def list_deliveries(work: Reading, webhook: Which) -> DeliveriesShown:
    """The last twenty."""
    found = await work.parts.notices.webhooks.deliveries(work.caller, webhook)
    return DeliveriesShown(items=[DeliveryShown.model_validate(one) for one in found])


def _made(request: Request, made: Made) -> WebhookMade:
    """With the secret; whoever repeats the request with its key gets none."""
    without = WebhookMade.model_validate({**made.webhook, "secret": None})
    request.scope[ANSWER].for_repetitions = without.model_dump_json().encode()
    return without.model_copy(update={"secret": made.secret})
